//! The events of a block.

use crate::service::FullClient;
use aimodel_runtime::{Hash, RuntimeEvent, VERSION};
use codec::Decode;
use frame_system::EventRecord;
use sc_client_api::StorageProvider;
use sp_core::{storage::StorageKey, traits::CallContext};
use sp_io::hashing::twox_128;

/// Why a block's events can not be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
	#[error(transparent)]
	Client(#[from] sp_blockchain::Error),
	#[error("its events are not those of this node's runtime: {0}")]
	Events(#[from] codec::Error),
	#[error("its runtime is version {found}, and this node knows the events of {}", VERSION.spec_version)]
	Runtime { found: u32 },
}

/// What happened in a block, where its runtime is the one that this node knows.
pub(crate) fn of(
	client: &FullClient,
	block: Hash,
) -> Result<Vec<EventRecord<RuntimeEvent, Hash>>, Error> {
	let found = client.runtime_version_at(block, CallContext::Offchain)?.spec_version;
	if found != VERSION.spec_version {
		return Err(Error::Runtime { found });
	}
	let key = [b"System".as_slice(), b"Events"].map(twox_128).concat();
	let encoded = client.storage(block, &StorageKey(key))?;
	Ok(encoded.map_or(Ok(Vec::new()), |encoded| Decode::decode(&mut &encoded.0[..]))?)
}
