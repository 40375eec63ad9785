//! `worker_status`: whether this node serves inferences, and as whom.

use crate::{
	service::FullClient,
	worker::{self, Worker},
};
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{error::INTERNAL_ERROR_CODE, ErrorObjectOwned},
};
use serde::Serialize;
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What `worker_status` tells.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkerStatus {
	/// The operator keys of this node's keystore.
	operators: Vec<worker::Operator>,
	/// The inference service, or null on a node that is no worker.
	service: Option<worker::ServiceStatus>,
}

/// The worker of this node.
#[rpc(server)]
pub(crate) trait WorkerApi {
	/// How the worker is.
	#[method(name = "worker_status")]
	fn status(&self) -> RpcResult<WorkerStatus>;
}

/// Answers `worker_status`.
pub(crate) struct Status {
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	worker: Option<Worker>,
}

impl Status {
	/// Tells about these keys and this worker.
	pub(crate) fn new(
		client: Arc<FullClient>,
		keystore: KeystorePtr,
		worker: Option<Worker>,
	) -> Self {
		Self { client, keystore, worker }
	}
}

impl WorkerApiServer for Status {
	fn status(&self) -> RpcResult<WorkerStatus> {
		let best = self.client.info().best_hash;
		let operators = worker::operators(&self.client, best, &self.keystore).map_err(|error| {
			ErrorObjectOwned::owned(INTERNAL_ERROR_CODE, error.to_string(), None::<()>)
		})?;
		Ok(WorkerStatus { operators, service: self.worker.as_ref().map(Worker::status) })
	}
}
