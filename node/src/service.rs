//! Puts a node together.

use crate::{
	authoring::{self, Aura, Grandpa, JUSTIFICATION_PERIOD},
	blobs,
	cli::{ArtifactParams, WorkerParams},
	exchange,
	gateway::{self, GatewayParams, LedgerSlot},
	revenue, rpc,
	sealing::{self, Sealing},
	traces::Traces,
	worker::{self, Worker},
};
use aimodel_primitives::{inference::InferenceExt, voucher::host::VouchersExt};
use aimodel_runtime::{opaque::Block, Hash, RuntimeApi};
use futures::FutureExt;
use sc_client_api::{Backend, BlockBackend};
use sc_network::{
	config::{FullNetworkConfiguration, NetworkBackendType},
	service::traits::NetworkService,
	Litep2pNetworkBackend, NetworkBackend,
};
use sc_service::{
	error::Error as ServiceError, BuildNetworkParams, ChainType, Configuration, KeystoreContainer,
	PartialComponents, RpcHandlers, SpawnTasksParams, TaskManager, WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_externalities::Extension;
use std::sync::Arc;

/// The host functions that our runtime has besides those of every Substrate node.
pub(crate) type ExtraHostFunctions = (
	sp_crypto_ec_utils::bls12_381::host_calls::HostFunctions,
	aimodel_primitives::inference::HostFunctions,
	aimodel_primitives::voucher::host::HostFunctions,
);

/// All host functions of our runtime.
pub(crate) type HostFunctions = (sp_io::SubstrateHostFunctions, ExtraHostFunctions);

/// The chain.
pub(crate) type FullClient =
	sc_service::TFullClient<Block, RuntimeApi, sc_executor::WasmExecutor<HostFunctions>>;

/// The database.
pub(crate) type FullBackend = sc_service::TFullBackend<Block>;

/// Which of several chains is the best.
pub(crate) type FullSelectChain = sc_consensus::LongestChain<FullBackend, Block>;

/// The way in for blocks that GRANDPA may make final.
pub(crate) type FullBlockImport =
	sc_consensus_grandpa::GrandpaBlockImport<FullBackend, Block, FullClient, FullSelectChain>;

/// The transactions that wait.
pub(crate) type TransactionPool = TransactionPoolHandle<Block, FullClient>;

/// What [`new_partial`] makes besides.
pub(crate) struct Other {
	block_import: FullBlockImport,
	grandpa_link: sc_consensus_grandpa::LinkHalf<Block, FullClient, FullSelectChain>,
	telemetry: Option<Telemetry>,
}

/// What commands that run no node need of one.
pub(crate) type Partial = PartialComponents<
	FullClient,
	FullBackend,
	FullSelectChain,
	sc_consensus::DefaultImportQueue<Block>,
	TransactionPool,
	Other,
>;

/// Makes everything but the network and what runs on it.
pub(crate) fn new_partial(config: &Configuration) -> Result<Partial, ServiceError> {
	let telemetry = config
		.telemetry_endpoints
		.clone()
		.filter(|endpoints| !endpoints.is_empty())
		.map(|endpoints| -> Result<_, sc_telemetry::Error> {
			let worker = TelemetryWorker::new(16)?;
			let telemetry = worker.handle().new_telemetry(endpoints);
			Ok((worker, telemetry))
		})
		.transpose()?;

	let (client, backend, keystore_container, task_manager) =
		sc_service::new_full_parts::<Block, RuntimeApi, _>(
			config,
			telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
			sc_service::new_wasm_executor::<HostFunctions>(&config.executor),
			Vec::new(),
		)?;
	let client = Arc::new(client);
	let telemetry = telemetry.map(|(worker, telemetry)| {
		task_manager.spawn_handle().spawn("telemetry", None, worker.run());
		telemetry
	});
	let select_chain = sc_consensus::LongestChain::new(backend.clone());

	let transaction_pool = sc_transaction_pool::Builder::new(
		task_manager.spawn_essential_handle(),
		client.clone(),
		config.role.is_authority().into(),
	)
	.with_options(config.transaction_pool.clone())
	.with_prometheus(config.prometheus_registry())
	.build();

	let (block_import, grandpa_link) = sc_consensus_grandpa::block_import(
		client.clone(),
		JUSTIFICATION_PERIOD,
		&client,
		select_chain.clone(),
		telemetry.as_ref().map(Telemetry::handle),
	)?;
	let import_queue = authoring::import_queue(
		client.clone(),
		block_import.clone(),
		&task_manager,
		config.prometheus_registry(),
		telemetry.as_ref().map(Telemetry::handle),
	)?;

	Ok(PartialComponents {
		client,
		backend,
		task_manager,
		import_queue,
		keystore_container,
		select_chain,
		transaction_pool: transaction_pool.into(),
		other: Other { block_import, grandpa_link, telemetry },
	})
}

/// Starts a node.
pub(crate) fn new_full(
	mut config: Configuration,
	sealing: Sealing,
	worker_params: &WorkerParams,
	gateway_params: &GatewayParams,
	artifact_params: &ArtifactParams,
	traces: Option<Traces>,
) -> Result<TaskManager, ServiceError> {
	sealing.configure(&mut config)?;
	if !matches!(config.network.network_backend, NetworkBackendType::Litep2p) {
		return Err(ServiceError::Other(
			"this node is built with the network backend `litep2p` alone".into(),
		));
	}

	let PartialComponents {
		client,
		backend,
		mut task_manager,
		import_queue,
		keystore_container,
		select_chain,
		transaction_pool,
		other: Other { block_import, grandpa_link, mut telemetry },
	} = new_partial(&config)?;

	let blobs = Arc::new(blobs::open(&config.data_path).map_err(application)?);
	let keystore = keystore_container.keystore();
	let (worker, job_finished) = worker::start(worker_params, &config, &keystore, blobs.clone())?;

	let metrics =
		<Litep2pNetworkBackend as NetworkBackend<Block, Hash>>::register_notification_metrics(
			config.prometheus_registry(),
		);
	let mut net_config = FullNetworkConfiguration::<Block, Hash, Litep2pNetworkBackend>::new(
		&config.network,
		config.prometheus_registry().cloned(),
	);
	let genesis = client.block_hash(0)?.expect("a client has its genesis; qed");
	// A protocol that nobody listens to would end every connection.
	let grandpa_network = (!config.disable_grandpa).then(|| {
		let protocol = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
		let (peers, notifications) =
			sc_consensus_grandpa::grandpa_peers_set_config::<Block, Litep2pNetworkBackend>(
				protocol.clone(),
				metrics.clone(),
				net_config.peer_store_handle(),
			);
		net_config.add_notification_protocol(peers);
		(protocol, notifications)
	});
	let artifacts = exchange::configure(
		artifact_params,
		genesis,
		&blobs,
		&mut net_config,
		config.prometheus_registry(),
	)?;
	let warp_sync = sc_consensus_grandpa::warp_proof::NetworkProvider::new(
		backend.clone(),
		grandpa_link.shared_authority_set().clone(),
		Vec::new(),
	);
	let (network, system_rpc_tx, tx_handler_controller, sync, _bitswap) =
		sc_service::build_network(BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: transaction_pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(Arc::new(warp_sync))),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	let exchange =
		artifacts.map(|artifacts| artifacts.start(&task_manager, network.clone(), sync.clone()));
	if let (Some(_), Some(exchange)) = (&worker, &exchange) {
		task_manager.spawn_handle().spawn(
			"artifact-needs",
			"worker",
			exchange::watch_needs(client.clone(), keystore.clone(), exchange.clone()),
		);
	}
	if let Some(worker) = &worker {
		task_manager.spawn_handle().spawn(
			"operator-keys",
			"worker",
			worker::watch_operators(client.clone(), keystore.clone()),
		);
		if let Some(registry) = config.prometheus_registry() {
			let metrics = revenue::Metrics::register(registry)?;
			let paid = revenue::follow(client.clone(), keystore.clone(), worker.clone(), metrics);
			task_manager.spawn_handle().spawn("revenue", "worker", paid);
		}
	}
	if let Some(traces) = &traces {
		traces.start(&task_manager, client.clone(), transaction_pool.clone(), worker.as_ref());
	}
	let vouchers = gateway::start(
		gateway_params,
		&config,
		&mut task_manager,
		client.clone(),
		&keystore,
		blobs.clone(),
		exchange.clone(),
		worker.as_ref(),
		traces.map(|traces| traces.of_calls(genesis)),
	)?;
	// By default only authorities run offchain workers; a worker that is none would stay silent.
	if config.offchain_worker.enabled || worker.is_some() {
		start_offchain_workers(
			&config,
			&task_manager,
			client.clone(),
			&backend,
			&keystore_container,
			transaction_pool.clone(),
			network.clone(),
			worker.clone(),
			vouchers,
		)?;
	}

	let role = config.role;
	let force_authoring = config.force_authoring;
	let name = config.network.node_name.clone();
	let is_dev = is_development(&config);
	let registry = config.prometheus_registry().cloned();
	let proposer = sc_basic_authorship::ProposerFactory::new(
		task_manager.spawn_handle(),
		client.clone(),
		transaction_pool.clone(),
		registry.as_ref(),
		telemetry.as_ref().map(Telemetry::handle),
	);
	// The sealer starts before the RPC, which can send it commands.
	let (sealer, proposer) = match sealing {
		Sealing::None => (None, Some(proposer)),
		sealing => {
			let sealer = sealing::start(
				sealing,
				&task_manager,
				client.clone(),
				select_chain.clone(),
				transaction_pool.clone(),
				proposer,
				job_finished,
			);
			(Some(sealer), None)
		},
	};

	let rpc_builder = {
		let (client, pool) = (client.clone(), transaction_pool.clone());
		let keystore = keystore.clone();
		Box::new(move |_| {
			rpc::module(rpc::Deps {
				client: client.clone(),
				pool: pool.clone(),
				blobs: blobs.clone(),
				exchange: exchange.clone(),
				keystore: keystore.clone(),
				worker: worker.clone(),
				sealer: sealer.clone(),
			})
			.map_err(|error| ServiceError::Application(error.into()))
		})
	};
	let handlers = sc_service::spawn_tasks(SpawnTasksParams {
		config,
		client: client.clone(),
		backend,
		task_manager: &mut task_manager,
		keystore: keystore.clone(),
		transaction_pool: transaction_pool.clone(),
		rpc_builder,
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync.clone(),
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;
	if is_dev {
		greet(&handlers);
	}

	let telemetry = telemetry.as_ref().map(Telemetry::handle);
	if let (true, Some(proposer)) = (role.is_authority(), proposer) {
		let aura = Aura {
			client,
			select_chain,
			block_import,
			proposer,
			keystore: keystore.clone(),
			sync: sync.clone(),
			force_authoring,
			telemetry: telemetry.clone(),
		};
		aura.start(&task_manager)?;
	}
	if let Some((protocol, notifications)) = grandpa_network {
		let grandpa = Grandpa {
			link: grandpa_link,
			network,
			sync,
			notifications,
			protocol,
			name,
			role,
			keystore,
			pool: transaction_pool,
			registry,
			telemetry,
		};
		grandpa.start(&task_manager)?;
	}
	Ok(task_manager)
}

/// Runs the runtime's offchain worker at each best block. It alone reaches the inference service:
/// nothing that executes blocks may depend on it.
fn start_offchain_workers(
	config: &Configuration,
	task_manager: &TaskManager,
	client: Arc<FullClient>,
	backend: &FullBackend,
	keystore: &KeystoreContainer,
	pool: Arc<TransactionPool>,
	network: Arc<dyn NetworkService>,
	worker: Option<Worker>,
	vouchers: Arc<LedgerSlot>,
) -> Result<(), ServiceError> {
	let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
		runtime_api_provider: client.clone(),
		keystore: Some(keystore.keystore()),
		offchain_db: backend.offchain_storage(),
		transaction_pool: Some(OffchainTransactionPoolFactory::new(pool)),
		network_provider: Arc::new(network),
		is_validator: config.role.is_authority(),
		enable_http_requests: false,
		custom_extensions: move |_| {
			worker
				.iter()
				.flat_map(|worker| -> [Box<dyn Extension>; 2] {
					[
						Box::new(InferenceExt(worker.service())),
						Box::new(VouchersExt(vouchers.clone())),
					]
				})
				.collect()
		},
	})?;
	task_manager.spawn_handle().spawn(
		"offchain-workers-runner",
		"offchain-worker",
		workers.run(client, task_manager.spawn_handle()).boxed(),
	);
	Ok(())
}

/// Says how to connect.
fn greet(handlers: &RpcHandlers) {
	let port = handlers.listen_addresses().iter().find_map(|address| {
		let address = address.to_string();
		let port = address.split('/').skip_while(|part| *part != "tcp").nth(1)?;
		Some(port.to_owned())
	});
	if let Some(port) = port {
		log::info!("🔗 Connect polkadot.js to ws://127.0.0.1:{port}");
	}
}

/// Whether this is a development chain, on which conveniences outweigh safety.
pub(crate) fn is_development(config: &Configuration) -> bool {
	config.chain_spec.chain_type() == ChainType::Development
}

/// An error of ours, on its way through `sc_service`.
pub(crate) fn application(error: impl std::error::Error + Send + Sync + 'static) -> ServiceError {
	ServiceError::Application(Box::new(error))
}
