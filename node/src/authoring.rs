//! Blocks by consensus: Aura authors them, GRANDPA makes them final.

use crate::service::{FullBackend, FullBlockImport, FullClient, FullSelectChain, TransactionPool};
use aimodel_runtime::opaque::Block;
use sc_consensus_aura::{ImportQueueParams, SlotProportion, StartAuraParams};
use sc_consensus_grandpa::{GrandpaParams, LinkHalf, SharedVoterState, VotingRulesBuilder};
use sc_network::{service::traits::NetworkService, types::ProtocolName, NotificationService};
use sc_network_sync::SyncingService;
use sc_service::{config::Role, error::Error as ServiceError, TaskManager};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::{
	inherents::InherentDataProvider as SlotProvider, sr25519::AuthorityPair, SlotDuration,
};
use sp_keystore::KeystorePtr;
use sp_timestamp::InherentDataProvider as TimestampProvider;
use std::{sync::Arc, time::Duration};
use substrate_prometheus_endpoint::Registry;

/// GRANDPA makes, and keeps, a justification at least every so many blocks.
pub(crate) const JUSTIFICATION_PERIOD: u32 = 512;

/// How long GRANDPA waits for a message to spread.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// The part of a slot in which a block is built; the rest is for spreading it.
const PROPOSAL_PORTION: f32 = 2.0 / 3.0;

/// The slot and the time, as the clock tells them.
fn inherents(slot_duration: SlotDuration) -> (SlotProvider, TimestampProvider) {
	let timestamp = TimestampProvider::from_system_time();
	(SlotProvider::from_timestamp_and_slot_duration(*timestamp, slot_duration), timestamp)
}

/// The queue through which blocks from the network come in.
pub(crate) fn import_queue(
	client: Arc<FullClient>,
	block_import: FullBlockImport,
	task_manager: &TaskManager,
	registry: Option<&Registry>,
	telemetry: Option<TelemetryHandle>,
) -> Result<sc_consensus::DefaultImportQueue<Block>, ServiceError> {
	let slots = client.clone();
	Ok(sc_consensus_aura::import_queue::<AuthorityPair, _, _, _, _, _>(ImportQueueParams {
		justification_import: Some(Box::new(block_import.clone())),
		block_import,
		client,
		create_inherent_data_providers: move |parent, ()| {
			let slot_duration = sc_consensus_aura::standalone::slot_duration_at(&*slots, parent);
			async move { Ok(inherents(slot_duration?)) }
		},
		spawner: &task_manager.spawn_essential_handle(),
		registry,
		check_for_equivocation: Default::default(),
		telemetry,
		compatibility_mode: Default::default(),
	})?)
}

/// What Aura needs.
pub(crate) struct Aura {
	pub(crate) client: Arc<FullClient>,
	pub(crate) select_chain: FullSelectChain,
	pub(crate) block_import: FullBlockImport,
	pub(crate) proposer: sc_basic_authorship::ProposerFactory<TransactionPool, FullClient>,
	pub(crate) keystore: KeystorePtr,
	pub(crate) sync: Arc<SyncingService<Block>>,
	pub(crate) force_authoring: bool,
	pub(crate) telemetry: Option<TelemetryHandle>,
}

impl Aura {
	/// Starts to author blocks.
	pub(crate) fn start(self, task_manager: &TaskManager) -> Result<(), ServiceError> {
		let slot_duration = sc_consensus_aura::slot_duration(&*self.client)?;
		let aura = sc_consensus_aura::start_aura::<AuthorityPair, _, _, _, _, _, _, _, _, _, _>(
			StartAuraParams {
				slot_duration,
				client: self.client,
				select_chain: self.select_chain,
				block_import: self.block_import,
				proposer_factory: self.proposer,
				sync_oracle: self.sync.clone(),
				justification_sync_link: self.sync,
				create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
				force_authoring: self.force_authoring,
				backoff_authoring_blocks: None::<()>,
				keystore: self.keystore,
				block_proposal_slot_portion: SlotProportion::new(PROPOSAL_PORTION),
				max_block_proposal_slot_portion: None,
				telemetry: self.telemetry,
				compatibility_mode: Default::default(),
			},
		)?;
		task_manager.spawn_essential_handle().spawn_blocking("aura", Some("block-authoring"), aura);
		Ok(())
	}
}

/// What GRANDPA needs.
pub(crate) struct Grandpa {
	pub(crate) link: LinkHalf<Block, FullClient, FullSelectChain>,
	pub(crate) network: Arc<dyn NetworkService>,
	pub(crate) sync: Arc<SyncingService<Block>>,
	pub(crate) notifications: Box<dyn NotificationService>,
	pub(crate) protocol: ProtocolName,
	pub(crate) name: String,
	pub(crate) role: Role,
	pub(crate) keystore: KeystorePtr,
	pub(crate) pool: Arc<TransactionPool>,
	pub(crate) registry: Option<Registry>,
	pub(crate) telemetry: Option<TelemetryHandle>,
}

impl Grandpa {
	/// Starts to vote, or, on a node that is no authority, to listen.
	pub(crate) fn start(self, task_manager: &TaskManager) -> Result<(), ServiceError> {
		let voter = sc_consensus_grandpa::run_grandpa_voter::<_, FullBackend, _, _, _, _, _>(
			GrandpaParams {
				config: sc_consensus_grandpa::Config {
					gossip_duration: GOSSIP_DURATION,
					justification_generation_period: JUSTIFICATION_PERIOD,
					observer_enabled: false,
					local_role: self.role,
					name: Some(self.name),
					keystore: self.role.is_authority().then_some(self.keystore),
					telemetry: self.telemetry.clone(),
					protocol_name: self.protocol,
				},
				link: self.link,
				network: self.network,
				sync: self.sync,
				notification_service: self.notifications,
				voting_rule: VotingRulesBuilder::default().build(),
				prometheus_registry: self.registry,
				shared_voter_state: SharedVoterState::empty(),
				telemetry: self.telemetry,
				offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(self.pool),
			},
		)?;
		task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
		Ok(())
	}
}
