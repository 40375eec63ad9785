//! The gateway of a worker's node: what the Open Inference Protocol is told of the chain.
//!
//! [`models`] keeps the server of models in step with what the worker offers on the chain, [`prices`] says what
//! inferences cost, [`proofs`] hands out the proofs of leased requests, [`subscriptions`] who has a plan, and
//! [`vouchers`] keeps what subscribers sign for their calls.

mod identity;
mod models;
mod params;
mod peers;
mod prices;
mod proofs;
mod running;
mod subscriptions;
mod vouchers;

use crate::{
	service::{application, FullClient},
	worker::{self, Worker},
};
use aimodel_gateway::{
	access::TokenError, Admission, Config, Gateway, Hooks, Open, StartError, Subscribers,
	SubscribersConfig, Tls, Tokens, Tracer,
};
use aimodel_inference::{
	blobs::DEFAULT_MAX_BLOB_BYTES,
	exchange::Exchange,
	serving::{Http, Ipfs, ModelEntry, Parts, RegisterError, Server, ServerError, Source, S3},
	BlobError, BlobStore,
};
use aimodel_runtime::AccountId;
use futures::{future::BoxFuture, FutureExt};
use identity::{Identity, OfWorker};
use models::Models;
pub(crate) use params::GatewayParams;
use params::Who;
use peers::Peers;
use prices::Prices;
use proofs::Proofs;
use running::{Running, Threads};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager};
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use std::{
	env, fs, io,
	net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
	path::{Path, PathBuf},
	sync::Arc,
};
use subscriptions::Plans;
use substrate_prometheus_endpoint::PrometheusError;
use url::Url;
pub(crate) use vouchers::LedgerSlot;
use vouchers::{Ledger, LedgerError};

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
enum Error {
	#[error("--gateway-tokens {}: {error}", path.display())]
	Tokens { path: PathBuf, error: TokenError },
	#[error("--gateway-models {}: {error}", path.display())]
	Models { path: PathBuf, error: ModelsError },
	#[error("no client for remote servers: {0}")]
	Remote(#[from] io::Error),
	#[error("no threads: {0}")]
	Threads(io::Error),
	#[error("metrics: {0}")]
	Metrics(#[from] PrometheusError),
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
	task_manager: &mut TaskManager,
	client: Arc<FullClient>,
	keystore: &KeystorePtr,
	blobs: Arc<BlobStore>,
	exchange: Option<Exchange>,
	worker: Option<&Worker>,
	tracer: Option<Arc<dyn Tracer>>,
) -> Result<Arc<LedgerSlot>, ServiceError> {
	let slot = Arc::<LedgerSlot>::default();
	let (Some(port), Some(worker)) = (params.gateway_port, worker) else { return Ok(slot) };
	let opened = open(
		params,
		port,
		config,
		task_manager,
		client,
		keystore,
		blobs,
		exchange,
		worker,
		&slot,
		tracer,
	);
	let (gateway, follow) = opened.map_err(application)?;
	// Dropped when the node was told to stop.
	task_manager.keep_alive(gateway);
	task_manager.spawn_handle().spawn_blocking("gateway", "worker", follow);
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
	exchange: Option<Exchange>,
	worker: &Worker,
	slot: &Arc<LedgerSlot>,
	tracer: Option<Arc<dyn Tracer>>,
) -> Result<(Running, BoxFuture<'static, ()>), Error> {
	let (threads, handle) = Threads::new().map_err(Error::Threads)?;
	let best = client.info().best_hash;
	let identity = Arc::new(Identity::new(client.clone(), keystore.clone()));
	identity.refresh(best).map_err(Error::Chain)?;
	let registry = config.prometheus_registry().cloned();
	let server = Server::start(Parts {
		config: params.server(),
		backends: worker.backends()?,
		blobs: Some(blobs.clone()),
		// Not among the blobs, which whoever knows a hash gets, and the gateway tells the hashes.
		fetched: Some(Arc::new(BlobStore::open(
			config.data_path.join("gateway"),
			DEFAULT_MAX_BLOB_BYTES,
		)?)),
		sources: match params.gateway_models {
			Some(_) => sources(&params.gateway_ipfs, exchange)?,
			None => Vec::new(),
		},
		registry: registry.clone(),
		..Parts::default()
	})?;
	if let Some(path) = &params.gateway_models {
		register(&server, path).map_err(|error| Error::Models { path: path.clone(), error })?;
	}
	let who = params.gateway.unwrap_or(Who::Open);
	let sells = matches!(who, Who::Subscribers);
	let (of, by) = (keystore.clone(), server.clone());
	let models = Arc::new(Models::new(client.clone(), of, by, blobs, sells));
	models.refresh(best).map_err(Error::Chain)?;

	let genesis = client.info().genesis_hash;
	let mut of_worker = None;
	let admission: Arc<dyn Admission> = match who {
		Who::Open => Arc::new(Open),
		Who::Token => {
			let path = params.gateway_tokens.clone().unwrap_or_default();
			let tokens = Tokens::from_file(&path).map_err(|error| Error::Tokens { path, error })?;
			Arc::new(tokens)
		},
		Who::Subscribers => {
			let make = subscribers(config, task_manager, &client, &models, slot, params)?;
			let admission = Arc::new(OfWorker::new(identity.clone(), make));
			admission.ready()?;
			of_worker = Some(admission.clone());
			admission
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
	gateway.limits = params.limits();
	gateway.manage = params.gateway_manage;
	// They are the whole node's, and nobody is asked who reads them: other machines have --prometheus-port.
	gateway.metrics = !params.gateway_external;
	gateway.receipts = params.gateway_receipts.unwrap_or_default();
	gateway.genesis = genesis;
	let hooks = Hooks {
		admission,
		signer: Some(identity.clone()),
		prover: Some(Arc::new(Proofs::new(client.clone(), keystore.clone(), worker.clone()))),
		prices: Some(Arc::new(Prices::new(client, models.clone()))),
		registry,
		tracer,
	};
	let patience = gateway.limits.stop_timeout;
	let tls = gateway.tls.is_some();
	let gateway = Gateway::start(gateway, server.clone(), hooks, &handle)?;
	log::info!(
		"🚪 Gateway: the Open Inference Protocol at http{}://{}",
		if tls { "s" } else { "" },
		gateway.http(),
	);
	if let Some(grpc) = gateway.grpc() {
		log::info!("🚪 Gateway: gRPC at {grpc}");
	}
	let (gateway, slot) = (Some(gateway), slot.clone());
	let follow = models.follow(move |block| {
		if let Err(error) = identity.refresh(block) {
			log::warn!(target: "gateway", "whose the operator key is can not be read: {error}");
		}
		if let Some(Err(error)) = of_worker.as_ref().map(|it| it.ready()) {
			log::error!("🚪 Gateway: no subscriber is served: {error}");
		}
	});
	Ok((Running { gateway, server, slot, _threads: threads, handle, patience }, follow.boxed()))
}

/// Makes what admits subscribers, once it is known whose they are.
fn subscribers(
	config: &Configuration,
	task_manager: &TaskManager,
	client: &Arc<FullClient>,
	models: &Arc<Models>,
	slot: &Arc<LedgerSlot>,
	params: &GatewayParams,
) -> Result<impl Fn(AccountId) -> Result<Arc<dyn Admission>, Error> + Send + Sync + 'static, Error>
{
	let (client, models, slot) = (client.clone(), models.clone(), slot.clone());
	let data = config.data_path.clone();
	let metrics = config.prometheus_registry().map(subscriptions::Metrics::register).transpose()?;
	let (spawner, patience) = (task_manager.spawn_handle(), params.gateway_settle_blocks);
	let genesis = client.info().genesis_hash;
	Ok(move |account: AccountId| -> Result<Arc<dyn Admission>, Error> {
		let config = SubscribersConfig::new(genesis, account.clone().into());
		// A ledger of each account: its vouchers are of no use to another.
		let file = data.join(format!("vouchers-{}", hex::encode(config.worker)));
		let ledger = Arc::new(Ledger::open(&file, genesis, config.worker, patience)?);
		slot.fill(ledger.clone());
		let (following, of) = (ledger.clone(), account.clone());
		let following = subscriptions::follow(following, client.clone(), of, metrics.clone());
		// It writes files.
		spawner.spawn_blocking("vouchers", "worker", following);
		let plans = Plans::new(client.clone(), models.clone(), account, ledger);
		Ok(Arc::new(Subscribers::new(config, plans)))
	})
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

/// What the environment may say of an object store; of two names for the same, the later one counts.
const S3_OPTIONS: [&str; 8] = [
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_DEFAULT_REGION",
	"AWS_REGION",
	"AWS_ENDPOINT",
	"AWS_ENDPOINT_URL",
	"AWS_ALLOW_HTTP",
];

/// Where the files of an operator's list can be.
fn sources(ipfs: &[Url], exchange: Option<Exchange>) -> Result<Vec<Arc<dyn Source>>, Error> {
	let given: Vec<_> =
		S3_OPTIONS.into_iter().filter_map(|name| Some((name, env::var(name).ok()?))).collect();
	let s3 =
		S3::new(given.iter().map(|(name, value)| (*name, value.as_str()))).map_err(Error::S3)?;
	let ipfs = Ipfs::new(ipfs.to_vec());
	let mut sources: Vec<Arc<dyn Source>> = vec![Arc::new(Http), Arc::new(ipfs), Arc::new(s3)];
	if let Some(exchange) = exchange {
		sources.push(Arc::new(Peers(exchange)));
	}
	Ok(sources)
}

/// Registers the models of an operator's list.
fn register(server: &Server, path: &Path) -> Result<(), ModelsError> {
	let entries: Vec<ModelEntry> = serde_json::from_slice(&fs::read(path)?)?;
	for entry in entries {
		server.register(entry)?;
	}
	Ok(())
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
