//! The RPC that this node has besides every Substrate node's.

mod blob;
mod opening;
mod worker;

use crate::{
	sealing::Commands,
	service::{FullClient, TransactionPool},
	worker::Worker,
};
use aimodel_inference::{exchange::Exchange, BlobStore, UploadLimits, Uploads};
use jsonrpsee::{core::RegisterMethodError, RpcModule};
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_manual_seal::rpc::{ManualSeal, ManualSealApiServer};
use sp_keystore::KeystorePtr;
use std::sync::Arc;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// What the RPC needs.
pub(crate) struct Deps {
	/// The chain.
	pub(crate) client: Arc<FullClient>,
	/// The transactions that wait.
	pub(crate) pool: Arc<TransactionPool>,
	/// The blob store.
	pub(crate) blobs: Arc<BlobStore>,
	/// What fetches blobs from other nodes, unless that is switched off.
	pub(crate) exchange: Option<Exchange>,
	/// The operator keys.
	pub(crate) keystore: KeystorePtr,
	/// The inference service, on a worker.
	pub(crate) worker: Option<Worker>,
	/// The sealer, where this node seals.
	pub(crate) sealer: Option<Commands>,
}

/// All methods.
pub(crate) fn module(deps: Deps) -> Result<RpcModule<()>, RegisterMethodError> {
	use blob::BlobApiServer;
	use opening::OpeningApiServer;
	use worker::WorkerApiServer;

	let Deps { client, pool, blobs, exchange, keystore, worker, sealer } = deps;
	let uploads = Uploads::new(blobs.clone(), UploadLimits::default());
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(blob::Blobs::new(blobs, uploads, exchange).into_rpc())?;
	let openings = opening::Openings::new(client.clone(), keystore.clone(), worker.clone());
	module.merge(openings.into_rpc())?;
	module.merge(worker::Status::new(client, keystore, worker).into_rpc())?;
	if let Some(sealer) = sealer {
		module.merge(ManualSeal::new(sealer).into_rpc())?;
	}
	Ok(module)
}
