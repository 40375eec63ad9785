//! What the chain pays the workers of this node, told once it is final.

use crate::{
	events,
	service::FullClient,
	worker::{self, Operator, Worker},
};
use aimodel_runtime::{AccountId, Hash, RuntimeEvent};
use frame_system::EventRecord;
use futures::StreamExt;
use pallet_aimodel::Event;
use sc_client_api::BlockchainEvents;
use sp_api::ApiError;
use sp_keystore::KeystorePtr;
use std::sync::Arc;
use substrate_prometheus_endpoint::{register, CounterVec, Opts, PrometheusError, Registry, F64};

/// What work was paid for.
const REQUESTS: &str = "requests";
const CALLS: &str = "calls";

/// The pay, in the smallest unit of the chain's currency.
pub(crate) struct Metrics(CounterVec<F64>);

impl Metrics {
	pub(crate) fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let help = "What the chain paid this node's workers, in the smallest unit of its currency";
		let revenue = CounterVec::new(Opts::new("aimodel_revenue_total", help), &["source"])?;
		for source in [REQUESTS, CALLS] {
			// A series that begins at zero can be subtracted from.
			revenue.with_label_values(&[source]).inc_by(0.0);
		}
		Ok(Self(register(revenue, registry)?))
	}
}

/// Why a block can not be read.
#[derive(Debug, thiserror::Error)]
enum Error {
	#[error(transparent)]
	Events(#[from] events::Error),
	#[error(transparent)]
	Api(#[from] ApiError),
}

/// Reads each block that becomes final from now on.
pub(crate) async fn follow(
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	worker: Worker,
	metrics: Metrics,
) {
	let mut finalized = client.finality_notification_stream();
	// Whether the last block could not be read, so that it is said once.
	let mut blind = false;
	while let Some(block) = finalized.next().await {
		for hash in block.tree_route.iter().chain([&block.hash]) {
			match read(&client, &keystore, *hash, &worker, &metrics) {
				Ok(()) => blind = false,
				Err(error) if !std::mem::replace(&mut blind, true) => {
					log::warn!("What block {hash:?} pays this node is not counted: {error}");
				},
				Err(_) => (),
			}
		}
	}
}

fn read(
	client: &FullClient,
	keystore: &KeystorePtr,
	block: Hash,
	worker: &Worker,
	Metrics(revenue): &Metrics,
) -> Result<(), Error> {
	let operators = worker::operators(client, block, keystore)?;
	for EventRecord { event, .. } in events::of(client, block)? {
		let RuntimeEvent::Aimodel(event) = event else { continue };
		if let Event::Settled { request, .. } = &event {
			worker.settled(*request);
		}
		if let Some((source, pay)) = pay(&event, &operators) {
			revenue.with_label_values(&[source]).inc_by(pay as f64);
		}
	}
	Ok(())
}

/// What an event pays to one of this node's workers, and for what.
fn pay(
	event: &Event<aimodel_runtime::Runtime>,
	operators: &[Operator],
) -> Option<(&'static str, aimodel_runtime::Balance)> {
	let ours = |account: &AccountId| operators.iter().any(|it| it.worker.as_ref() == Some(account));
	match event {
		Event::Settled { worker, payout, .. } if ours(worker) => Some((REQUESTS, payout.worker)),
		Event::CallsSettled { worker, draw, .. } if ours(worker) => Some((CALLS, draw.pay)),
		_ => None,
	}
}
