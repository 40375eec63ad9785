//! Blobs from other nodes and for them, over the chain's own network.

use crate::{
	cli::{ArtifactParams, Artifacts},
	service::{application, FullClient},
	worker,
};
use aimodel_inference::{
	exchange::{
		Admission, Exchange, FetchLimits, Metrics, Misconduct, Peers, Purpose, RequestError,
		ServeLimits, Server, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES,
	},
	BlobStore,
};
use aimodel_primitives::{
	runtime_api::{AimodelApi, Version},
	BlobHash, VersionId,
};
use aimodel_runtime::{opaque::Block, Hash};
use futures::{channel::oneshot, future::BoxFuture, stream, FutureExt, StreamExt};
use sc_client_api::BlockchainEvents;
use sc_network::{
	config::{FullNetworkConfiguration, IncomingRequest, OutgoingResponse},
	request_responses::OutboundFailure,
	service::traits::NetworkService,
	IfDisconnected, Litep2pNetworkBackend, NetworkBackend, PeerId, ProtocolName, ReputationChange,
	RequestFailure,
};
use sc_network_sync::SyncingService;
use sc_service::{error::Error as ServiceError, SpawnTaskHandle, TaskManager};
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use std::{
	collections::BTreeMap,
	sync::Arc,
	time::{Duration, Instant},
};
use substrate_prometheus_endpoint::Registry;

/// Requests that wait to be looked at.
const INBOX: usize = 64;

/// How long the network waits for an answer; whoever fetches is less patient.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Versions whose files are remembered.
const KNOWN_VERSIONS: usize = 4096;

/// What is not a message of the protocol.
const MALFORMED: ReputationChange = ReputationChange::new(-(1 << 20), "Malformed blob request");

/// What no honest node does. It takes a few to be banned from the chain's network, on which consensus
/// depends; from the exchange one lie bans at once.
const LIE: ReputationChange = ReputationChange::new(-(1 << 28), "Lie about a blob");

/// The exchange of a node that does not run yet.
pub(crate) struct Unstarted {
	protocol: ProtocolName,
	exchange: Exchange,
	/// What is asked and who answers, where this node serves.
	serving: Option<(async_channel::Receiver<IncomingRequest>, Arc<Server<PeerId>>)>,
}

/// Adds the protocol to the network's configuration, unless it is switched off.
pub(crate) fn configure(
	params: &ArtifactParams,
	genesis: Hash,
	blobs: &Arc<BlobStore>,
	network: &mut FullNetworkConfiguration<Block, Hash, Litep2pNetworkBackend>,
	registry: Option<&Registry>,
) -> Result<Option<Unstarted>, ServiceError> {
	if params.artifacts == Artifacts::Off {
		return Ok(None);
	}
	let metrics = Metrics::new(registry).map_err(application)?;
	let protocol = protocol(&genesis);
	let mut serving = None;
	let inbox = (params.artifacts == Artifacts::Share).then(|| {
		let (inbox, requests) = async_channel::bounded(INBOX);
		let peer_rate = u64::from(params.artifacts_rate.get()).saturating_mul(1 << 10);
		let limits =
			ServeLimits { peer_rate, rate: peer_rate.saturating_mul(4), ..Default::default() };
		serving = Some((requests, Server::new(blobs.clone(), limits, metrics.clone())));
		inbox
	});
	network.add_request_response_protocol(
		<Litep2pNetworkBackend as NetworkBackend<Block, Hash>>::request_response_config(
			protocol.clone(),
			Vec::new(),
			MAX_REQUEST_BYTES,
			MAX_RESPONSE_BYTES,
			TIMEOUT,
			inbox,
		),
	);
	let store_bytes = u64::from(params.artifacts_disk.get()).saturating_mul(1 << 30);
	let limits = FetchLimits { store_bytes, ..Default::default() };
	let exchange = Exchange::new(blobs.clone(), limits, metrics);
	Ok(Some(Unstarted { protocol, exchange, serving }))
}

/// The name of the protocol on this chain.
fn protocol(genesis: &Hash) -> ProtocolName {
	let genesis: String = genesis.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
	format!("/{genesis}/artifact/1").into()
}

impl Unstarted {
	/// Fetches and serves from now on.
	pub(crate) fn start(
		self,
		task_manager: &TaskManager,
		network: Arc<dyn NetworkService>,
		sync: Arc<SyncingService<Block>>,
	) -> Exchange {
		let Self { protocol, exchange, serving } = self;
		let spawner = task_manager.spawn_handle();
		if let Some((requests, server)) = serving {
			let answering = answer(requests, server, spawner.clone());
			spawner.spawn("artifact-server", "exchange", answering);
		}
		let fetching = exchange.clone().run(Network { network, sync, protocol });
		spawner.spawn("artifact-fetcher", "exchange", fetching);
		exchange
	}
}

/// Answers what other nodes ask for.
async fn answer(
	requests: async_channel::Receiver<IncomingRequest>,
	server: Arc<Server<PeerId>>,
	spawner: SpawnTaskHandle,
) {
	while let Ok(IncomingRequest { peer, payload, pending_response }) = requests.recv().await {
		match server.admit(&peer, &payload, Instant::now()) {
			Admission::Answer(bytes) => respond(pending_response, Ok(bytes), Vec::new()),
			Admission::Work(work) => {
				let work = async move { respond(pending_response, Ok(work.answer()), Vec::new()) };
				spawner.spawn_blocking("artifact-answer", "exchange", work);
			},
			Admission::Malformed => respond(pending_response, Err(()), vec![MALFORMED]),
		}
	}
}

fn respond(
	to: oneshot::Sender<OutgoingResponse>,
	result: Result<Vec<u8>, ()>,
	reputation_changes: Vec<ReputationChange>,
) {
	// Whoever asked may be gone.
	let _ = to.send(OutgoingResponse { result, reputation_changes, sent_feedback: None });
}

/// The chain's network.
struct Network {
	network: Arc<dyn NetworkService>,
	sync: Arc<SyncingService<Block>>,
	protocol: ProtocolName,
}

impl Peers for Network {
	type Id = PeerId;

	async fn connected(&self) -> Vec<PeerId> {
		let peers = self.sync.peers_info().await.unwrap_or_default();
		peers.into_iter().map(|(peer, _)| peer).collect()
	}

	fn request(
		&self,
		peer: &PeerId,
		request: Vec<u8>,
	) -> BoxFuture<'static, Result<Vec<u8>, RequestError>> {
		let (answer, answered) = oneshot::channel();
		self.network.start_request(
			*peer,
			self.protocol.clone(),
			request,
			None,
			answer,
			IfDisconnected::ImmediateError,
		);
		async move {
			match answered.await {
				Ok(Ok((bytes, _))) => Ok(bytes),
				Ok(Err(RequestFailure::Network(OutboundFailure::Timeout))) => {
					Err(RequestError::TimedOut)
				},
				Ok(Err(RequestFailure::NotConnected | RequestFailure::Network(_))) | Err(_) => {
					Err(RequestError::Disconnected)
				},
				Ok(Err(_)) => Err(RequestError::Refused),
			}
		}
		.boxed()
	}

	fn report(&self, peer: &PeerId, _: Misconduct) {
		self.network.report_peer(*peer, LIE);
	}
}

/// Wants whatever this node's workers need: the files of the versions that they offer to serve, at
/// once, since a request with an inline input obliges without being asked; and those of their leases,
/// with the inputs that are blobs.
pub(crate) async fn watch_needs(
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	exchange: Exchange,
) {
	let imported = client.import_notification_stream();
	let best = imported.filter(|block| futures::future::ready(block.is_new_best));
	let now = client.info().best_hash;
	let mut blocks = stream::iter([now]).chain(best.map(|block| block.hash));
	let mut needs = Needs { client, keystore, versions: BTreeMap::new() };
	while let Some(block) = blocks.next().await {
		match needs.at(block) {
			Ok(needs) => {
				for (blob, at_most, purpose) in needs {
					exchange.want(blob, at_most, purpose);
				}
			},
			Err(error) => log::warn!("What this node has to fetch can not be read: {error}"),
		}
	}
}

/// What the workers of this node need.
struct Needs {
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	/// A version never changes.
	versions: BTreeMap<VersionId, Version>,
}

impl Needs {
	/// The blobs that are needed at a block, and the most bytes that each may have.
	fn at(&mut self, block: Hash) -> Result<Vec<(BlobHash, u64, Purpose)>, ApiError> {
		let mut needs = Vec::new();
		for operator in worker::operators(&self.client, block, &self.keystore)? {
			let Some(worker) = operator.worker else { continue };
			let jobs = self.client.runtime_api().jobs_for(block, worker.clone())?;
			let offers = self.client.runtime_api().offers_of(block, worker)?;
			for version in offers.into_iter().chain(jobs.iter().map(|job| job.version)) {
				let Some(version) = self.version(block, version)? else { continue };
				let key = version.circuit.as_ref().map(|circuit| circuit.proving_key);
				let files = [Some(version.artifact), key].into_iter().flatten();
				needs.extend(files.map(|file| (file, u64::MAX, Purpose::Operator)));
			}
			for job in jobs {
				// What obliges only after it was accepted, and is not committed, is a blob.
				if job.obliged || job.commitment.is_some() {
					continue;
				}
				let Some(version) = self.version(block, job.version)? else { continue };
				let input = &version.interface.input;
				let most = input.bytes(input.batch().unwrap_or(1));
				needs.push((job.input_hash, most, Purpose::Customer));
			}
		}
		Ok(needs)
	}

	fn version(&mut self, block: Hash, id: VersionId) -> Result<Option<&Version>, ApiError> {
		if !self.versions.contains_key(&id) {
			let Some(version) = self.client.runtime_api().version(block, id)? else {
				return Ok(None);
			};
			if self.versions.len() >= KNOWN_VERSIONS {
				self.versions.clear();
			}
			self.versions.insert(id, version);
		}
		Ok(self.versions.get(&id))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn each_chain_has_its_own_protocol() {
		let name = protocol(&Hash::repeat_byte(0xab));
		assert_eq!(&*name, format!("/{}/artifact/1", "ab".repeat(32)));
	}
}
