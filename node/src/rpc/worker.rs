//! `worker_status`: whether this node serves inferences, and as whom.

use crate::worker::{self, Worker};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use serde::Serialize;
use sp_core::crypto::AccountId32;
use sp_keystore::KeystorePtr;

/// What `worker_status` tells.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkerStatus {
	/// The operator keys of this node's keystore, as accounts.
	operators: Vec<AccountId32>,
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
	keystore: KeystorePtr,
	worker: Option<Worker>,
}

impl Status {
	/// Tells about these keys and this worker.
	pub(crate) fn new(keystore: KeystorePtr, worker: Option<Worker>) -> Self {
		Self { keystore, worker }
	}
}

impl WorkerApiServer for Status {
	fn status(&self) -> RpcResult<WorkerStatus> {
		Ok(WorkerStatus {
			operators: worker::operators(&self.keystore).into_iter().map(Into::into).collect(),
			service: self.worker.as_ref().map(Worker::status),
		})
	}
}
