//! Model files that other nodes of the chain have: `peer://HASH`, by the exchange.

use aimodel_inference::{
	exchange::{Exchange, Purpose},
	serving::{Opened, Source, SourceError},
};
use aimodel_primitives::BlobHash;
use futures::{
	future::{ready, BoxFuture},
	FutureExt,
};
use url::Url;

/// The nodes that this one is connected to.
pub(super) struct Peers(pub(super) Exchange);

impl Source for Peers {
	fn schemes(&self) -> &[&str] {
		&["peer"]
	}

	fn open<'a>(
		&'a self,
		_: &'a Url,
		_: u64,
		_: u32,
	) -> BoxFuture<'a, Result<Opened, SourceError>> {
		ready(Err(SourceError::lasting("what peers have comes into the blob store"))).boxed()
	}

	fn bring<'a>(
		&'a self,
		uri: &'a Url,
		hash: BlobHash,
		bytes: u64,
	) -> Option<BoxFuture<'a, Result<(), SourceError>>> {
		let bring = async move {
			let named = uri.host_str().unwrap_or_default();
			let named = hex::decode(named.strip_prefix("0x").unwrap_or(named)).unwrap_or_default();
			if named != hash.as_bytes() {
				let reason = format!("wanted is peer://HASH with the hash of the entry, {hash:?}");
				return Err(SourceError::lasting(reason));
			}
			self.0.fetch(hash, bytes, Purpose::Operator).await.map_err(SourceError::passing)
		};
		Some(bring.boxed())
	}
}
