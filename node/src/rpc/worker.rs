//! `worker_status`: whether this node serves inferences, and as whom.

use crate::{
	service::FullClient,
	worker::{self, Worker},
};
use aimodel_primitives::{runtime_api::AimodelApi, ModelId, VersionId};
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{error::INTERNAL_ERROR_CODE, ErrorObjectOwned},
	Extensions,
};
use sc_rpc_api::check_if_safe;
use serde::{Deserialize, Serialize};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// The code of what `worker_check` refuses; see also `blob_*`.
const CHECK: i32 = 20_201;

/// What `worker_status` tells.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkerStatus {
	/// The operator keys of this node's keystore.
	operators: Vec<worker::Operator>,
	/// The inference service, or null on a node that is no worker.
	service: Option<worker::ServiceStatus>,
}

/// A version, in JSON.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Version {
	/// The model.
	model: ModelId,
	/// Which of its versions.
	index: u32,
}

/// The worker of this node.
#[rpc(server)]
pub(crate) trait WorkerApi {
	/// How the worker is.
	#[method(name = "worker_status")]
	fn status(&self) -> RpcResult<WorkerStatus>;

	/// Checks that this node can prove the answers of a version, before anybody relies on it: that it
	/// has the model and the proving key, and that they belong to the registered verifying key. Says
	/// what is wrong otherwise. Unsafe, since loading a key takes its time.
	#[method(name = "worker_check", with_extensions, blocking)]
	fn check(&self, version: Version) -> RpcResult<()>;
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

	fn check(&self, ext: &Extensions, Version { model, index }: Version) -> RpcResult<()> {
		check_if_safe(ext)?;
		let refused = |message: String| ErrorObjectOwned::owned(CHECK, message, None::<()>);
		let worker =
			self.worker.as_ref().ok_or_else(|| refused("this node is no worker".into()))?;
		let (at, api) = (self.client.info().best_hash, self.client.runtime_api());
		let version = VersionId { model, index };
		let record = api.version(at, version).map_err(|error| refused(error.to_string()))?;
		let record = record.ok_or_else(|| refused("there is no such version".into()))?;
		let key = api.proof_key(at, version).map_err(|error| refused(error.to_string()))?;
		// Of a version that proves nothing, there is nothing to compare.
		key.map_or(Ok(()), |key| worker.check(record.artifact, &key))
			.map_err(|error| refused(error.to_string()))
	}
}
