//! The gateway of a worker's node: what the Open Inference Protocol is told of the chain.
//!
//! [`models`] keeps the server of models in step with what the worker offers on the chain, [`prices`] says what
//! inferences cost, [`proofs`] hands out the proofs of leased requests, [`subscriptions`] who has a plan, and
//! [`vouchers`] keeps what subscribers sign for their calls.

mod models;
mod prices;
mod proofs;
mod subscriptions;
mod vouchers;

use crate::{
	service::{application, FullClient},
	worker::{self, Worker},
};
use aimodel_gateway::{
	access::TokenError, Admission, Config, Gateway, Hooks, Open, Receipts, Signer, StartError,
	Subscribers, SubscribersConfig, Tls, Tokens, Tracer,
};
use aimodel_inference::{
	blobs::DEFAULT_MAX_BLOB_BYTES,
	serving::{
		Http, Ipfs, ModelEntry, Parts, RegisterError, Server, ServerConfig, ServerError, Source, S3,
	},
	BlobError, BlobStore,
};
use aimodel_primitives::operator::KEY_TYPE;
use aimodel_runtime::AccountId;
use models::Models;
use prices::Prices;
use proofs::Proofs;
use sc_service::{error::Error as ServiceError, Configuration, TaskManager};
use sp_blockchain::HeaderBackend;
use sp_core::sr25519;
use sp_keystore::KeystorePtr;
use std::{
	env, fs, io,
	net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
	path::{Path, PathBuf},
	sync::Arc,
};
use subscriptions::Plans;
use url::Url;
pub(crate) use vouchers::LedgerSlot;
use vouchers::{Ledger, LedgerError};

/// What a gateway needs.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GatewayParams {
	/// Answer the Open Inference Protocol (v2) over HTTP at this port: the models that this node's worker
	/// offers on the chain, by their ids and names, and those of --gateway-models.
	#[arg(long, value_name = "PORT", requires = "worker")]
	pub(crate) gateway_port: Option<u16>,

	/// Answer it over gRPC at this port.
	#[arg(long, value_name = "PORT", requires = "gateway_port")]
	gateway_grpc_port: Option<u16>,

	/// Answer other machines too. Say with --gateway who may call.
	#[arg(long, requires_all = ["gateway_port", "gateway"])]
	gateway_external: bool,

	/// Who may call [default: open, and this machine alone].
	///
	/// `open`: everybody. `token`: who has a token of --gateway-tokens. `subscribers`: accounts that have a plan
	/// of the model on the chain, and sign each call.
	#[arg(long, value_name = "WHO", requires = "gateway_port")]
	gateway: Option<Who>,

	/// The tokens: a line each, `NAME SHA256 [low|normal|high] [operator]`.
	#[arg(
		long,
		value_name = "FILE",
		required_if_eq("gateway", "token"),
		requires = "gateway_port"
	)]
	gateway_tokens: Option<PathBuf>,

	/// Answer over TLS alone, with this certificate in PEM.
	#[arg(long, value_name = "FILE", requires = "gateway_tls_key")]
	gateway_tls_certificates: Option<PathBuf>,

	/// The certificate's private key in PEM.
	#[arg(long, value_name = "FILE", requires = "gateway_tls_certificates")]
	gateway_tls_key: Option<PathBuf>,

	/// Models besides those of the chain: a JSON list, see docs/serving.md.
	#[arg(long, value_name = "FILE", requires = "gateway_port")]
	gateway_models: Option<PathBuf>,

	/// Where `ipfs://` is fetched, the first that answers.
	#[arg(long, value_name = "URL", value_delimiter = ',', requires = "gateway_port")]
	gateway_ipfs: Vec<Url>,

	/// Let callers load and unload models: with `token`, those that are operators.
	#[arg(long, requires = "gateway_port")]
	gateway_manage: bool,

	/// Which answers are signed with the operator key: `never`, `asked`, `always` [default: asked].
	#[arg(long, value_name = "WHICH", value_parser = receipts, requires = "gateway_port")]
	gateway_receipts: Option<Receipts>,

	/// Blocks that calls of subscribers wait for others to be settled with on the chain. What a subscription
	/// has not settled when its period is over is lost: the last blocks of a period do not wait.
	#[arg(long, value_name = "BLOCKS", default_value_t = 100, requires = "gateway_port")]
	gateway_settle_blocks: u32,
}

/// Who may call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Who {
	Open,
	Token,
	Subscribers,
}

fn receipts(text: &str) -> Result<Receipts, String> {
	match text {
		"never" => Ok(Receipts::Never),
		"asked" => Ok(Receipts::Asked),
		"always" => Ok(Receipts::Always),
		_ => Err("wanted is never, asked or always".into()),
	}
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
enum Error {
	#[error("--gateway-tokens {}: {error}", path.display())]
	Tokens { path: PathBuf, error: TokenError },
	#[error("--gateway-models {}: {error}", path.display())]
	Models { path: PathBuf, error: ModelsError },
	#[error("--gateway subscribers, and receipts, need a bonded account that has registered an operator key of this node")]
	NoWorker,
	#[error("no client for remote servers: {0}")]
	Remote(#[from] io::Error),
	#[error("no threads: {0}")]
	Threads(io::Error),
	#[error("S3: {0}")]
	S3(String),
	#[error(transparent)]
	Ledger(#[from] LedgerError),
	#[error(transparent)]
	Blobs(#[from] BlobError),
	#[error(transparent)]
	Server(#[from] ServerError),
	#[error(transparent)]
	Start(#[from] StartError),
	#[error("the chain can not be read: {0}")]
	Chain(String),
}

/// What is wrong with a list of models.
#[derive(Debug, thiserror::Error)]
enum ModelsError {
	#[error(transparent)]
	Io(#[from] io::Error),
	#[error(transparent)]
	Json(#[from] serde_json::Error),
	#[error(transparent)]
	Register(#[from] RegisterError),
}

/// Starts the gateway if this node is to have one.
pub(crate) fn start(
	params: &GatewayParams,
	config: &Configuration,
	task_manager: &TaskManager,
	client: Arc<FullClient>,
	keystore: &KeystorePtr,
	blobs: Arc<BlobStore>,
	worker: Option<&Worker>,
	tracer: Option<Arc<dyn Tracer>>,
) -> Result<Arc<LedgerSlot>, ServiceError> {
	let slot = Arc::<LedgerSlot>::default();
	let (Some(port), Some(worker)) = (params.gateway_port, worker) else { return Ok(slot) };
	let opened =
		open(params, port, config, task_manager, client, keystore, blobs, worker, &slot, tracer);
	let (gateway, models, threads) = match opened {
		// The node has to run to get to the block that says so.
		Err(error @ Error::NoWorker) => {
			log::error!(
				"🚪 No gateway: {error}; restart the node once it is in step with the chain"
			);
			return Ok(slot);
		},
		opened => opened.map_err(application)?,
	};
	let http = gateway.http();
	log::info!(
		"🚪 Gateway: the Open Inference Protocol at http{}://{http}",
		match params.gateway_tls_key {
			Some(_) => "s",
			None => "",
		}
	);
	if let Some(grpc) = gateway.grpc() {
		log::info!("🚪 Gateway: gRPC at {grpc}");
	}
	task_manager.spawn_handle().spawn_blocking("gateway", "worker", async move {
		let _threads = threads;
		// Dropped when the node stops, with the gateway.
		let _gateway = gateway;
		models.follow().await;
	});
	Ok(slot)
}

fn open(
	params: &GatewayParams,
	port: u16,
	config: &Configuration,
	task_manager: &TaskManager,
	client: Arc<FullClient>,
	keystore: &KeystorePtr,
	blobs: Arc<BlobStore>,
	worker: &Worker,
	slot: &LedgerSlot,
	tracer: Option<Arc<dyn Tracer>>,
) -> Result<(Gateway, Arc<Models>, Threads), Error> {
	let threads = tokio::runtime::Builder::new_multi_thread()
		.thread_name("aimodel-gateway")
		.enable_all()
		.build()
		.map_err(Error::Threads)?;
	let handle = threads.handle().clone();
	let threads = Threads(Some(threads));
	let best = client.info().best_hash;
	let operators = worker::operators(&client, best, keystore)
		.map_err(|error| Error::Chain(error.to_string()))?;
	// Not any key: one that a bonded account has registered, and that account.
	let operator = operators.iter().find(|it| it.worker.is_some()).or(operators.first());
	let account = operator.and_then(|operator| operator.worker.clone());
	if params.gateway == Some(Who::Subscribers) && account.is_none() {
		return Err(Error::NoWorker);
	}
	let registry = config.prometheus_registry().cloned();
	let server = Server::start(Parts {
		config: ServerConfig::default(),
		backends: worker.backends()?,
		blobs: Some(blobs.clone()),
		// Not among the blobs, which whoever knows a hash gets, and the gateway tells the hashes.
		fetched: Some(Arc::new(BlobStore::open(
			config.data_path.join("gateway"),
			DEFAULT_MAX_BLOB_BYTES,
		)?)),
		sources: sources(&params.gateway_ipfs)?,
		registry: registry.clone(),
		..Parts::default()
	})?;
	if let Some(path) = &params.gateway_models {
		register(&server, path).map_err(|error| Error::Models { path: path.clone(), error })?;
	}
	let models = Arc::new(Models::new(client.clone(), keystore.clone(), server.clone(), blobs));
	models.refresh(best).map_err(Error::Chain)?;

	let genesis = client.info().genesis_hash;
	let signer = operator.map(|operator| {
		let public = sr25519::Public::from_raw(operator.operator.clone().into());
		Arc::new(Operator { keystore: keystore.clone(), public }) as Arc<dyn Signer>
	});
	let admission: Arc<dyn Admission> = match params.gateway.unwrap_or(Who::Open) {
		Who::Open => Arc::new(Open),
		Who::Token => {
			let path = params.gateway_tokens.clone().unwrap_or_default();
			let tokens = Tokens::from_file(&path).map_err(|error| Error::Tokens { path, error })?;
			Arc::new(tokens)
		},
		Who::Subscribers => {
			let account = account.clone().ok_or(Error::NoWorker)?;
			let config_of = SubscribersConfig::new(genesis, account.clone().into());
			// A ledger of each account: its vouchers are of no use to another.
			let file = config.data_path.join(format!("vouchers-{}", hex::encode(config_of.worker)));
			let patience = params.gateway_settle_blocks;
			let ledger = Arc::new(Ledger::open(&file, genesis, config_of.worker, patience)?);
			slot.fill(ledger.clone());
			task_manager.spawn_handle().spawn(
				"vouchers",
				"worker",
				subscriptions::follow(
					ledger.clone(),
					client.clone(),
					account.clone(),
					registry.clone(),
				),
			);
			let plans = Plans::new(client.clone(), models.clone(), account, ledger);
			Arc::new(Subscribers::new(config_of, plans))
		},
	};
	let address = |port| SocketAddr::new(listen(params.gateway_external), port);
	let mut gateway = Config::new(address(port));
	gateway.grpc = params.gateway_grpc_port.map(address);
	gateway.tls = params
		.gateway_tls_certificates
		.clone()
		.zip(params.gateway_tls_key.clone())
		.map(|(certificates, key)| Tls { certificates, key });
	gateway.manage = params.gateway_manage;
	// They are the whole node's, and nobody is asked who reads them: other machines have --prometheus-port.
	gateway.metrics = !params.gateway_external;
	gateway.receipts = params.gateway_receipts.unwrap_or_default();
	gateway.genesis = genesis;
	gateway.worker = account.map(Into::into);
	let hooks = Hooks {
		admission,
		signer,
		prover: Some(Arc::new(Proofs::new(client.clone(), keystore.clone(), worker.clone()))),
		prices: Some(Arc::new(Prices::new(client, models.clone()))),
		registry,
		tracer,
	};
	let gateway = Gateway::start(gateway, server, hooks, &handle)?;
	Ok((gateway, models, threads))
}

fn listen(external: bool) -> IpAddr {
	match external {
		// Not every machine has IPv6.
		true if TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_err() => {
			Ipv4Addr::UNSPECIFIED.into()
		},
		true => Ipv6Addr::UNSPECIFIED.into(),
		false => Ipv4Addr::LOCALHOST.into(),
	}
}

/// What the environment may say of an object store.
const S3_OPTIONS: [&str; 6] = [
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_REGION",
	"AWS_ENDPOINT",
	"AWS_ALLOW_HTTP",
];

/// Where the files of an operator's list can be.
fn sources(ipfs: &[Url]) -> Result<Vec<Arc<dyn Source>>, Error> {
	let given: Vec<_> =
		S3_OPTIONS.into_iter().filter_map(|name| Some((name, env::var(name).ok()?))).collect();
	let s3 =
		S3::new(given.iter().map(|(name, value)| (*name, value.as_str()))).map_err(Error::S3)?;
	let ipfs = Ipfs::new(ipfs.to_vec());
	Ok(vec![Arc::new(Http), Arc::new(ipfs), Arc::new(s3)])
}

/// Registers the models of an operator's list.
fn register(server: &Server, path: &Path) -> Result<(), ModelsError> {
	let entries: Vec<ModelEntry> = serde_json::from_slice(&fs::read(path)?)?;
	for entry in entries {
		server.register(entry)?;
	}
	Ok(())
}

/// The threads that callers are answered on: none that the node's network needs, since reading a large request, and
/// asking the runtime, takes a thread for as long as it lasts.
struct Threads(Option<tokio::runtime::Runtime>);

impl Drop for Threads {
	fn drop(&mut self) {
		if let Some(runtime) = self.0.take() {
			// May be dropped where nothing may block.
			runtime.shutdown_background();
		}
	}
}

/// An operator key of the keystore, which signs receipts.
struct Operator {
	keystore: KeystorePtr,
	public: sr25519::Public,
}

impl Signer for Operator {
	fn public(&self) -> sr25519::Public {
		self.public
	}

	fn sign(&self, message: &[u8]) -> Result<sr25519::Signature, String> {
		let signature = self.keystore.sr25519_sign(KEY_TYPE, &self.public, message);
		signature
			.map_err(|error| error.to_string())?
			.ok_or_else(|| "the operator key is not in the keystore any more".into())
	}
}

/// The bonded accounts that this node's operator keys sign for.
fn workers(
	client: &FullClient,
	at: aimodel_runtime::Hash,
	keystore: &KeystorePtr,
) -> Result<Vec<AccountId>, String> {
	let operators = worker::operators(client, at, keystore).map_err(|error| error.to_string())?;
	Ok(operators.into_iter().filter_map(|operator| operator.worker).collect())
}
