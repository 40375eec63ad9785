//! `opening_*`: how a customer whose request hides something tells the worker what it hides.

use crate::{
	service::FullClient,
	worker::{self, Worker},
};
use aimodel_inference::{openings::mailbox::NotForUs, OpeningError};
use aimodel_primitives::{
	privacy::Commitment,
	runtime_api::{AimodelApi, RequestInfo},
	RequestId,
};
use aimodel_runtime::AccountId;
use jsonrpsee::{
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use serde::Serialize;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::Bytes;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What to encrypt an opening to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OpeningKey {
	/// An operator key of this node, as an account.
	operator: AccountId,
	/// An X25519 public key.
	key: Bytes,
	/// The operator's signature of `aimodel/opening-key/1`, the genesis hash and the key.
	signature: Bytes,
}

/// The openings of commitments.
#[rpc(server)]
pub(crate) trait OpeningApi {
	/// The key to encrypt to, signed by each operator of this node. Who opens a commitment checks the
	/// signature of the operator of the worker that holds the lease.
	#[method(name = "opening_keys", blocking)]
	fn keys(&self) -> Result<Vec<OpeningKey>, Error>;

	/// Takes the opening of an open request that is leased to a worker of this node: a NaCl box of
	/// the salt (31 bytes) and of the tensor's bytes where the input is committed; the sender's
	/// public key, the nonce, the box. May be repeated.
	#[method(name = "opening_put", blocking)]
	fn put(&self, request: RequestId, message: Bytes) -> Result<(), Error>;
}

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
	/// This node is no worker.
	#[error("this node is no worker: it needs no openings")]
	NoWorker,
	/// The request is not for this node.
	#[error("request {0} is not leased to a worker of this node now; its event `Assigned` names the worker")]
	NotLeasedHere(RequestId),
	/// The request hides nothing.
	#[error("request {0} has no commitment to open")]
	NothingToOpen(RequestId),
	/// The box is for another key, or damaged.
	#[error(transparent)]
	NotForUs(#[from] NotForUs),
	/// The opening is refused.
	#[error(transparent)]
	Opening(#[from] OpeningError),
	/// The chain can not be read.
	#[error("the chain can not be read: {0}")]
	Chain(#[from] ApiError),
	/// The keystore can not sign.
	#[error("the operator key can not sign: {0}")]
	Keystore(String),
}

/// The codes of our errors; see also `blob_*`.
mod codes {
	const BASE: i32 = 20_100;
	pub(super) const NO_WORKER: i32 = BASE + 1;
	pub(super) const NOT_LEASED_HERE: i32 = BASE + 2;
	pub(super) const NOTHING_TO_OPEN: i32 = BASE + 3;
	pub(super) const NOT_FOR_US: i32 = BASE + 4;
	pub(super) const OPENING: i32 = BASE + 5;
	pub(super) const INTERNAL: i32 = BASE + 6;
}

impl From<Error> for ErrorObjectOwned {
	fn from(error: Error) -> Self {
		let code = match error {
			Error::NoWorker => codes::NO_WORKER,
			Error::NotLeasedHere(_) => codes::NOT_LEASED_HERE,
			Error::NothingToOpen(_) => codes::NOTHING_TO_OPEN,
			Error::NotForUs(_) => codes::NOT_FOR_US,
			Error::Opening(_) => codes::OPENING,
			Error::Chain(_) | Error::Keystore(_) => codes::INTERNAL,
		};
		ErrorObject::owned(code, error.to_string(), None::<()>)
	}
}

/// Answers `opening_*`.
pub(crate) struct Openings {
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	worker: Option<Worker>,
}

impl Openings {
	/// Takes openings for this worker.
	pub(crate) fn new(
		client: Arc<FullClient>,
		keystore: KeystorePtr,
		worker: Option<Worker>,
	) -> Self {
		Self { client, keystore, worker }
	}
}

impl OpeningApiServer for Openings {
	fn keys(&self) -> Result<Vec<OpeningKey>, Error> {
		let worker = self.worker.as_ref().ok_or(Error::NoWorker)?;
		let genesis = self.client.info().genesis_hash;
		let key = worker.mailbox().public();
		let message = [&b"aimodel/opening-key/1"[..], genesis.as_bytes(), &key].concat();
		let signed = worker::sign(&self.keystore, &message).map_err(Error::Keystore)?;
		let keys = signed.into_iter().map(|(operator, signature)| {
			let (key, signature) = (Bytes(key.to_vec()), Bytes(signature.0.to_vec()));
			OpeningKey { operator: operator.into(), key, signature }
		});
		Ok(keys.collect())
	}

	fn put(&self, request: RequestId, message: Bytes) -> Result<(), Error> {
		let worker = self.worker.as_ref().ok_or(Error::NoWorker)?;
		let (at, api) = (self.client.info().best_hash, self.client.runtime_api());
		let not_here = || Error::NotLeasedHere(request);
		let Some(RequestInfo::Open { customer, version, lease: Some(lease), .. }) =
			api.request(at, request)?
		else {
			return Err(not_here());
		};
		let operators = worker::operators(&self.client, at, &self.keystore)?;
		if !operators.iter().any(|it| it.worker.as_ref() == Some(&lease.worker)) {
			return Err(not_here());
		}
		let jobs = api.jobs_for(at, lease.worker)?;
		let job = jobs.into_iter().find(|job| job.request == request).ok_or_else(not_here)?;
		let nothing = || Error::NothingToOpen(request);
		let commitment = job.commitment.ok_or_else(nothing)?;
		let version = api.version(at, version)?.ok_or_else(not_here)?;
		let privacy = version.circuit.ok_or_else(nothing)?.privacy;

		let opening = worker.mailbox().read(&message)??;
		let commitment = Commitment::of(&customer.into(), commitment);
		opening.check(&version.interface, privacy, &commitment)?;
		worker.openings().put(&commitment.opening(), &opening)?;
		log::info!("🔓 request={request}: opened");
		Ok(())
	}
}
