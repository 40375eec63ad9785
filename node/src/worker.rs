//! The worker of a node: the operator's keys, and the native inference service.

use crate::{
	cli::WorkerParams,
	service::{application, is_development, FullClient},
};
use aimodel_inference::{
	backend::{
		remote::{Remote, RemoteConfig},
		Backends,
	},
	serving::ModelOptions,
	BlobStore, Config, Mailbox, Observer, OnnxRuntime, OpeningStore, ProverError, Provider,
	Service,
};
use aimodel_primitives::{
	ids::RequestId,
	inference::InferenceService,
	operator::{OperatorPublic, KEY_TYPE},
	runtime_api::{AimodelApi, ProofKey},
	ArtifactHash,
};
use aimodel_runtime::{AccountId, Hash};
use futures::{channel::mpsc, StreamExt};
use sc_client_api::BlockchainEvents;
use sc_service::{error::Error as ServiceError, Configuration};
use serde::Serialize;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_core::sr25519;
use sp_keystore::{Keystore, KeystorePtr};
use std::{
	io,
	num::NonZeroUsize,
	path::{Path, PathBuf},
	sync::Arc,
};
use tokio::sync::watch;

/// The operator of `--dev --worker`.
const DEV_OPERATOR: &str = "//Worker";

/// Where `scripts/setup.sh` places ONNX Runtime.
const LIBRARY: &str = ".onnxruntime/libonnxruntime.so.1.28.0";

/// A running inference service.
#[derive(Clone)]
pub(crate) struct Worker {
	service: Arc<Service>,
	engine: Arc<OnnxRuntime>,
	library: Arc<Library>,
	openings: Arc<OpeningStore>,
	mailbox: Arc<Mailbox>,
}

struct Library {
	path: PathBuf,
	build: String,
}

/// What `worker_status` tells of the service.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServiceStatus {
	/// The path of ONNX Runtime.
	library: PathBuf,
	/// What ONNX Runtime says of itself.
	build: String,
	/// Jobs that wait for a thread.
	queued: usize,
}

/// An operator key of this node.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Operator {
	/// The key, as an account.
	pub(crate) operator: AccountId,
	/// The bonded account that registered it; null where none did.
	pub(crate) worker: Option<AccountId>,
}

impl Worker {
	/// See [`Service::changes`].
	pub(crate) fn changes(&self) -> watch::Receiver<()> {
		self.service.changes()
	}

	/// What the offchain worker gets.
	pub(crate) fn service(&self) -> Arc<dyn InferenceService> {
		self.service.clone()
	}

	/// See [`Service::settled`].
	pub(crate) fn settled(&self, request: RequestId) {
		self.service.settled(request);
	}

	/// See [`Service::observe`].
	pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
		self.service.observe(observer);
	}

	/// See [`Service::check`].
	pub(crate) fn check(&self, artifact: ArtifactHash, key: &ProofKey) -> Result<(), ProverError> {
		self.service.check(artifact, key)
	}

	/// What runs models for callers of the gateway: what runs jobs of the chain, and other servers.
	pub(crate) fn backends(&self) -> io::Result<Backends> {
		let mut backends = Backends::new();
		backends.add(self.engine.clone());
		backends.add(Arc::new(Remote::new(RemoteConfig::default())?));
		Ok(backends)
	}

	/// What customers told of their commitments.
	pub(crate) fn openings(&self) -> &OpeningStore {
		&self.openings
	}

	/// The key that they encrypt to.
	pub(crate) fn mailbox(&self) -> &Mailbox {
		&self.mailbox
	}

	/// What there is to tell.
	pub(crate) fn status(&self) -> ServiceStatus {
		ServiceStatus {
			library: self.library.path.clone(),
			build: self.library.build.clone(),
			queued: self.service.queued(),
		}
	}
}

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
	/// ONNX Runtime is not where it was looked for.
	#[error("ONNX Runtime is not at {}: run scripts/setup.sh, or say where it is with --onnxruntime", list(.0))]
	NoLibrary(Vec<PathBuf>),
	/// The keystore does not take the key.
	#[error("the operator key `{suri}` is refused: {error}")]
	Operator { suri: String, error: sp_keystore::Error },
}

fn list(paths: &[PathBuf]) -> String {
	let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
	paths.join(" or ")
}

/// Starts the inference service if this node is to be a worker. The stream tells of each job that
/// it has finished.
pub(crate) fn start(
	params: &WorkerParams,
	config: &Configuration,
	keystore: &KeystorePtr,
	blobs: Arc<BlobStore>,
) -> Result<(Option<Worker>, mpsc::UnboundedReceiver<()>), ServiceError> {
	let (finished, job_finished) = mpsc::unbounded();
	if !params.worker {
		return Ok((None, job_finished));
	}
	ready_operators(params, config, keystore).map_err(application)?;

	let defaults = Config::default();
	let or = |given: Option<NonZeroUsize>, default| given.map_or(default, NonZeroUsize::get);
	let config_of_service = Config {
		inference_threads: or(params.inference_threads, defaults.inference_threads),
		proving_threads: params.proving_threads.map(NonZeroUsize::get),
		queue: or(params.queue_size, defaults.queue),
		..defaults
	};
	let provider = params.execution_provider.unwrap_or(Provider::Cpu);
	let path = library(params.onnxruntime.as_deref()).map_err(application)?;
	// As many as can be wanted, and opened only then: no caller of the gateway, which serves a model by its id and by its
	// name, may hold what jobs of the chain wait for.
	let callers = ModelOptions::MAX_INSTANCES.saturating_mul(2);
	let sessions = config_of_service.inference_threads.saturating_add(callers);
	let engine = OnnxRuntime::load_with_provider(&path, sessions, provider).map_err(application)?;
	let engine = Arc::new(engine);
	let build = engine.build_info().to_owned();
	log::info!("🧠 Worker: {build}");
	let openings = OpeningStore::open(config.data_path.join("openings")).map_err(application)?;
	let openings = Arc::new(openings);
	let mailbox = Mailbox::open(&config.data_path.join("opening_key")).map_err(application)?;
	let service = Service::start(
		config_of_service,
		engine.clone(),
		blobs,
		openings.clone(),
		config.prometheus_registry(),
		Some(Box::new(move || {
			// Nobody listens where blocks come by themselves.
			let _ = finished.unbounded_send(());
		})),
	)
	.map_err(application)?;
	let library = Arc::new(Library { path, build });
	let worker = Worker { service, engine, library, openings, mailbox: Arc::new(mailbox) };
	Ok((Some(worker), job_finished))
}

/// The operator keys that the keystore holds, and whose they are at block `at`.
pub(crate) fn operators(
	client: &FullClient,
	at: Hash,
	keystore: &KeystorePtr,
) -> Result<Vec<Operator>, ApiError> {
	let operator = |key: sr25519::Public| {
		let operator = AccountId::from(key);
		let worker = client.runtime_api().worker_of(at, operator.clone())?;
		Ok(Operator { operator, worker })
	};
	keystore.sr25519_public_keys(KEY_TYPE).into_iter().map(operator).collect()
}

/// The signature of each operator key of the keystore.
pub(crate) fn sign(
	keystore: &KeystorePtr,
	message: &[u8],
) -> Result<Vec<(sr25519::Public, sr25519::Signature)>, String> {
	let sign = |key: sr25519::Public| {
		let signature =
			keystore.sr25519_sign(KEY_TYPE, &key, message).map_err(|error| error.to_string())?;
		Ok((key, signature.ok_or("the key is not in the keystore")?))
	};
	keystore.sr25519_public_keys(KEY_TYPE).into_iter().map(sign).collect()
}

/// Tells in the log whose operator keys this node holds, now and whenever that changes.
pub(crate) async fn watch_operators(client: Arc<FullClient>, keystore: KeystorePtr) {
	let mut blocks = client.import_notification_stream();
	let mut known = Vec::new();
	while let Some(block) = blocks.next().await {
		if !block.is_new_best {
			continue;
		}
		let operators = match operators(&client, block.hash, &keystore) {
			Ok(operators) => operators,
			Err(error) => {
				log::warn!("Whose the operator keys are can not be read: {error}");
				continue;
			},
		};
		for it in operators.iter().filter(|it| !known.contains(*it)) {
			let Operator { operator, worker } = it;
			match worker {
				Some(worker) => log::info!("🔑 Operator key {operator} signs for {worker}"),
				None => log::warn!(
					"🔑 Operator key {operator} signs for nobody: a bonded account must name it \
					 in `workers.register` or `workers.setOperator`",
				),
			}
		}
		known = operators;
	}
}

/// Puts the operator key that was asked for into the keystore, and tells which there are.
fn ready_operators(
	params: &WorkerParams,
	config: &Configuration,
	keystore: &KeystorePtr,
) -> Result<(), Error> {
	let is_dev = is_development(config);
	let suri = params.operator_suri.as_deref().or(is_dev.then_some(DEV_OPERATOR));
	if let Some(suri) = suri {
		keystore
			.sr25519_generate_new(KEY_TYPE, Some(suri))
			.map_err(|error| Error::Operator { suri: suri.into(), error })?;
	}
	let operators = keystore.sr25519_public_keys(KEY_TYPE);
	if operators.is_empty() {
		log::warn!(
			"This worker has no operator key, and will answer nothing: `key insert --scheme \
			 sr25519 --key-type aimw`, and register it for a bonded account",
		);
	}
	for operator in operators {
		log::info!("🔑 Operator key: {}", OperatorPublic::from(operator));
	}
	Ok(())
}

/// The path of ONNX Runtime: as given, or one of the places where it usually lies.
pub(crate) fn library(given: Option<&Path>) -> Result<PathBuf, Error> {
	let candidates = match given {
		Some(path) => vec![path.to_owned()],
		None => {
			let beside = std::env::current_exe().ok();
			let beside =
				beside.as_deref().and_then(Path::parent).map(|folder| folder.join(LIBRARY));
			[Some(PathBuf::from(LIBRARY)), beside].into_iter().flatten().collect()
		},
	};
	let found = candidates.iter().find(|path| path.is_file()).cloned();
	found.ok_or(Error::NoLibrary(candidates))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_missing_library_is_named_with_the_way_to_get_it() {
		let missing = Path::new("/nowhere/libonnxruntime.so");
		let error = library(Some(missing)).unwrap_err().to_string();
		assert!(error.contains("/nowhere/libonnxruntime.so"), "{error}");
		assert!(error.contains("scripts/setup.sh"), "{error}");
		assert!(error.contains("--onnxruntime"), "{error}");
	}

	#[test]
	fn the_library_is_taken_from_where_it_was_said_to_be() {
		let here = Path::new(file!()).file_name().map(|_| std::env::current_exe().unwrap());
		assert_eq!(library(here.as_deref()).unwrap(), here.unwrap());
	}
}
