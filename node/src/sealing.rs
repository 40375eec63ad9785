//! Blocks without consensus, for development and tests: each is authored by this node alone, and
//! final at once.

use crate::service::{FullBackend, FullClient, FullSelectChain, TransactionPool};
use aimodel_runtime::{opaque::Block, Hash, SLOT_DURATION};
use futures::{
	channel::{mpsc, oneshot},
	future::BoxFuture,
	stream::{self, StreamExt},
	FutureExt, SinkExt,
};
use futures_timer::Delay;
use sc_consensus_manual_seal::{
	consensus::aura::AuraConsensusDataProvider, run_manual_seal, EngineCommand, Error,
	ManualSealParams,
};
use sc_service::{error::Error as ServiceError, ChainType, Configuration, TaskManager};
use sc_transaction_pool_api::TransactionPool as _;
use sp_consensus_aura::{sr25519::AuthoritySignature, SlotDuration};
use sp_timestamp::Timestamp;
use std::{str::FromStr, sync::Arc, time::Duration};

/// Commands to the sealer.
pub(crate) type Commands = mpsc::Sender<EngineCommand<Hash>>;

/// How many things that happen together make one block.
const BATCH: usize = 1024;

/// When a block is sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sealing {
	/// Never: Aura and GRANDPA make the blocks.
	None,
	/// When a transaction or a finished job asks for one.
	Instant,
	/// Regularly.
	Interval(Duration),
	/// When the RPC asks for one.
	Manual,
}

impl Sealing {
	/// What `--dev` does unless told otherwise.
	pub(crate) const DEV: Self = Self::Interval(Duration::from_secs(1));

	/// Readies the configuration: a node that seals is alone. Refuses chains on which others make
	/// blocks.
	pub(crate) fn configure(self, config: &mut Configuration) -> Result<(), ServiceError> {
		if self == Self::None {
			return Ok(());
		}
		let chain_type = config.chain_spec.chain_type();
		if !matches!(chain_type, ChainType::Development | ChainType::Local) {
			return Err(ServiceError::Other(format!(
				"--sealing is for development and local chains; `{}` is a {chain_type:?} chain",
				config.chain_spec.id(),
			)));
		}
		config.disable_grandpa = true;
		config.network.default_peers_set.in_peers = 0;
		config.network.default_peers_set.out_peers = 0;
		Ok(())
	}
}

impl FromStr for Sealing {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		match (text, text.strip_prefix("interval=")) {
			("none", _) => Ok(Self::None),
			("instant", _) => Ok(Self::Instant),
			("manual", _) => Ok(Self::Manual),
			(_, Some(millis)) => match millis.parse() {
				Ok(millis) if millis > 0 => Ok(Self::Interval(Duration::from_millis(millis))),
				_ => Err(format!("`{millis}` is no positive number of milliseconds")),
			},
			_ => Err("one of `instant`, `interval=MS`, `manual` and `none` is wanted".into()),
		}
	}
}

/// Starts to seal. Returns where commands can be sent to, besides those that `sealing` sends.
///
/// `job_finished` tells of each job that this node's worker has finished.
pub(crate) fn start(
	sealing: Sealing,
	task_manager: &TaskManager,
	client: Arc<FullClient>,
	select_chain: FullSelectChain,
	pool: Arc<TransactionPool>,
	proposer: sc_basic_authorship::ProposerFactory<TransactionPool, FullClient>,
	job_finished: mpsc::UnboundedReceiver<()>,
) -> Commands {
	let (commands, commands_stream) = mpsc::channel(BATCH);
	let sealer = run_manual_seal::<_, _, FullBackend, _, _, _, _, _, _>(ManualSealParams {
		// Not through GRANDPA's import, which would ask for justifications.
		block_import: client.clone(),
		env: proposer,
		client: client.clone(),
		pool: pool.clone(),
		commands_stream,
		select_chain,
		consensus_data_provider: Some(Box::new(AuraConsensusDataProvider::new_with_slot_duration(
			SlotDuration::from_millis(SLOT_DURATION),
		))),
		// The timestamp alone: whether a block is empty is told from the number of inherents, and
		// the runtime makes no extrinsic of the slot.
		create_inherent_data_providers: move |parent, ()| {
			let timestamp = timestamp_after(&client, parent);
			async move { Ok(sp_timestamp::InherentDataProvider::new(timestamp?)) }
		},
	});
	let spawner = task_manager.spawn_essential_handle();
	spawner.spawn_blocking("manual-seal", Some("block-authoring"), sealer);

	let driver: Option<BoxFuture<'static, ()>> = match sealing {
		Sealing::Instant => Some(instant(commands.clone(), pool, job_finished).boxed()),
		Sealing::Interval(interval) => Some(regular(commands.clone(), interval).boxed()),
		Sealing::Manual | Sealing::None => None,
	};
	if let Some(driver) = driver {
		spawner.spawn("seal-driver", Some("block-authoring"), driver);
	}
	commands
}

/// The time of the block after `parent`: now, but at least one slot later than its parent, since
/// Aura refuses a second block in a slot.
fn timestamp_after(
	client: &FullClient,
	parent: Hash,
) -> Result<Timestamp, Box<dyn std::error::Error + Send + Sync>> {
	let header = client
		.header(parent)?
		.ok_or_else(|| sp_blockchain::Error::MissingHeader(parent.to_string()))?;
	let slot = sc_consensus_aura::find_pre_digest::<Block, AuthoritySignature>(&header)?;
	let earliest = (*slot).saturating_add(1).saturating_mul(SLOT_DURATION);
	Ok(Timestamp::current().max(earliest.into()))
}

/// Seals a block every `interval`.
async fn regular(mut commands: Commands, interval: Duration) {
	loop {
		Delay::new(interval).await;
		if seal(&mut commands, true).await.is_err() {
			return;
		}
	}
}

/// Why a block is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reason {
	/// A transaction is ready.
	Transaction,
	/// The offchain worker should look what became of its job.
	Job,
}

/// Seals a block when there is a transaction, and an empty one after it, in which the chain
/// assigns what the first one asked for; and one when a job has finished.
async fn instant(
	mut commands: Commands,
	pool: Arc<TransactionPool>,
	job_finished: mpsc::UnboundedReceiver<()>,
) {
	let transactions = pool.import_notification_stream().map(|_| Reason::Transaction);
	let jobs = job_finished.map(|()| Reason::Job);
	let mut reasons = stream::select(transactions, jobs).ready_chunks(BATCH);
	while let Some(reasons) = reasons.next().await {
		let create_empty = reasons.contains(&Reason::Job);
		let sealed = match seal(&mut commands, create_empty).await {
			Ok(Some(_)) => seal(&mut commands, true).await,
			other => other,
		};
		if sealed.is_err() {
			return;
		}
	}
}

/// The sealer has ended.
struct Ended;

/// Asks for a block and waits for it. `None`: there was no transaction, or no block could be made,
/// which is logged.
async fn seal(commands: &mut Commands, create_empty: bool) -> Result<Option<Hash>, Ended> {
	let (sender, sealed) = oneshot::channel();
	let command = EngineCommand::SealNewBlock {
		create_empty,
		finalize: true,
		parent_hash: None,
		sender: Some(sender),
	};
	commands.send(command).await.map_err(|_| Ended)?;
	match sealed.await.map_err(|_| Ended)? {
		Ok(block) => Ok(Some(block.hash)),
		Err(Error::EmptyTransactionPool) => Ok(None),
		Err(error) => {
			log::error!("a block could not be sealed: {error}");
			Ok(None)
		},
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_way_is_read() {
		assert_eq!("none".parse(), Ok(Sealing::None));
		assert_eq!("instant".parse(), Ok(Sealing::Instant));
		assert_eq!("manual".parse(), Ok(Sealing::Manual));
		assert_eq!("interval=250".parse(), Ok(Sealing::Interval(Duration::from_millis(250))));
	}

	#[test]
	fn anything_else_is_refused_with_what_is_wanted() {
		for wrong in ["", "Instant", "interval", "1000", "aura"] {
			let error = wrong.parse::<Sealing>().unwrap_err();
			assert!(error.contains("`interval=MS`"), "{wrong}: {error}");
		}
		for wrong in ["interval=", "interval=0", "interval=-1", "interval=1s"] {
			let error = wrong.parse::<Sealing>().unwrap_err();
			assert!(error.contains("milliseconds"), "{wrong}: {error}");
		}
	}
}
