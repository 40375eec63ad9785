//! Who has a plan of a model on the chain, and what is left of it.
//!
//! Calls at the gateway are made on vouchers, which the offchain worker has settled on the chain: see [`vouchers`].

use super::{
	models::Models,
	vouchers::{Key, Ledger, Lost, Paid},
};
use crate::service::FullClient;
use aimodel_gateway::{
	access::{SignedVoucher, Standing as Admitted},
	Refusal, Subscriptions,
};
use aimodel_inference::serving::Priority;
use aimodel_primitives::{
	pricing::{Standing, Tier},
	runtime_api::{AimodelApi, CallRefusal, SubscriptionInfo, VoucherInfo},
};
use aimodel_runtime::{AccountId, Hash};
use futures::{future::BoxFuture, StreamExt};
use parking_lot::Mutex;
use sc_client_api::BlockchainEvents;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_runtime::traits::{Header, UniqueSaturatedInto};
use std::{collections::HashMap, future::ready, sync::Arc, time::Duration};
use substrate_prometheus_endpoint::{register, Counter, Gauge, PrometheusError, Registry, U64};

/// Subscriptions that are remembered for one block.
const REMEMBERED: usize = 1 << 12;

/// The plans of the chain.
pub(super) struct Plans {
	client: Arc<FullClient>,
	models: Arc<Models>,
	worker: AccountId,
	ledger: Arc<Ledger>,
	/// What the chain said at its best block.
	known: Mutex<(Hash, HashMap<Key, Option<(Tier, Paid)>>)>,
}

impl Plans {
	pub(super) fn new(
		client: Arc<FullClient>,
		models: Arc<Models>,
		worker: AccountId,
		ledger: Arc<Ledger>,
	) -> Self {
		Self { client, models, worker, ledger, known: Mutex::default() }
	}

	fn admit(
		&self,
		account: &[u8; 32],
		name: &str,
		version: Option<&str>,
		voucher: Option<SignedVoucher>,
	) -> Result<Admitted, Refusal> {
		let key = (*account, self.models.priced(name, version)?);
		let found = self.paid(&key).map_err(|error| Refusal::Unavailable(error.to_string()))?;
		let (tier, paid) = found.ok_or_else(|| {
			Refusal::PaymentRequired(format!(
				"the account has no current plan of `{name}`: subscribe first"
			))
		})?;
		if let Some(refusal) = paid.info.refusal {
			return Err(refused(name, refusal));
		}
		let charge = self.ledger.reserve(key, &paid, voucher)?;
		Ok(Admitted { priority: priority(tier), charge })
	}

	/// The paid period of an account, if it has one. Asks the chain once a block.
	fn paid(&self, key: &Key) -> Result<Option<(Tier, Paid)>, ApiError> {
		let info = self.client.info();
		let (best, at) = (info.best_hash, info.best_number);
		{
			let mut known = self.known.lock();
			if known.0 != best || known.1.len() >= REMEMBERED {
				*known = (best, HashMap::new());
			}
			if let Some(paid) = known.1.get(key) {
				return Ok(*paid);
			}
		}
		let (account, model) = *key;
		let subscription = self.client.runtime_api().subscription(best, account.into(), model)?;
		let active = subscription.filter(|it| it.standing == Standing::Active);
		let info = voucher_of(&self.client, &self.worker, best, key)?;
		let paid =
			active.zip(info).map(|(SubscriptionInfo { subscription, tier, until, .. }, info)| {
				let left =
					subscription.plan.quota.map(|quota| quota.saturating_sub(subscription.used));
				(tier, Paid { info, until, left, at })
			});
		let mut known = self.known.lock();
		if known.0 == best {
			known.1.insert(*key, paid);
		}
		Ok(paid)
	}
}

/// What the chain's refusal is at the gateway.
fn refused(name: &str, refusal: CallRefusal) -> Refusal {
	match refusal {
		CallRefusal::Retired => Refusal::Forbidden(format!(
			"`{name}` is retired: close the subscription, and have back what is left of it"
		)),
		CallRefusal::Paused => Refusal::Unavailable(format!("`{name}` is paused by its owner")),
		CallRefusal::NotAllowed => {
			Refusal::Forbidden(format!("the owner of `{name}` does not let the account call it"))
		},
		CallRefusal::NotServed => Refusal::Unavailable(format!(
			"this worker does not offer the version of `{name}` by which calls are priced"
		)),
		CallRefusal::PayTooLow => Refusal::PaymentRequired(format!(
			"the plan pays less for a call of `{name}` than this worker works for"
		)),
	}
}

fn priority(tier: Tier) -> Priority {
	match tier {
		Tier::Trial => Priority::Low,
		Tier::Standard => Priority::Normal,
		Tier::Professional | Tier::Enterprise => Priority::High,
	}
}

impl Subscriptions for Plans {
	fn reserve<'a>(
		&'a self,
		account: &'a [u8; 32],
		model: &'a str,
		version: Option<&'a str>,
		voucher: Option<SignedVoucher>,
	) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		Box::pin(ready(self.admit(account, model, version, voucher)))
	}
}

fn voucher_of(
	client: &FullClient,
	worker: &AccountId,
	at: Hash,
	(account, model): &Key,
) -> Result<Option<VoucherInfo>, ApiError> {
	client.runtime_api().voucher(at, (*account).into(), *model, worker.clone())
}

/// What an operator is told of the ledger.
#[derive(Clone)]
pub(super) struct Metrics {
	unsettled: Gauge<U64>,
	lost: Counter<U64>,
}

impl Metrics {
	pub(super) fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		Ok(Self {
			unsettled: register(
				Gauge::new(
					"aimodel_gateway_unsettled_calls",
					"Calls of subscribers that were answered and not settled on the chain yet",
				)?,
				registry,
			)?,
			lost: register(
				Counter::new(
					"aimodel_gateway_lost_calls_total",
					"Calls of subscribers that were answered and can not be settled any more",
				)?,
				registry,
			)?,
		})
	}
}

/// How often the ledger is written to its file, if there is anything new.
const SAVED: Duration = Duration::from_secs(1);

/// Keeps the ledger in step with each best block, and in its file.
pub(super) async fn follow(
	ledger: Arc<Ledger>,
	client: Arc<FullClient>,
	worker: AccountId,
	metrics: Option<Metrics>,
) {
	let mut blocks = client.import_notification_stream();
	let mut due = tokio::time::interval(SAVED);
	loop {
		tokio::select! {
			block = blocks.next() => match block {
				Some(block) if block.is_new_best => {
					let now = (*block.header.number()).unique_saturated_into();
					let known = |key: &Key| voucher_of(&client, &worker, block.hash, key);
					refresh(&ledger, now, known, metrics.as_ref());
				},
				Some(_) => continue,
				None => return,
			},
			_ = due.tick() => (),
		}
		if let Some(metrics) = &metrics {
			metrics.unsettled.set(ledger.unsettled());
		}
		if let Err(error) = ledger.save() {
			log::error!(target: "gateway", "vouchers are not kept: {error}");
		}
	}
}

fn refresh(
	ledger: &Ledger,
	now: u32,
	known: impl FnMut(&Key) -> Result<Option<VoucherInfo>, ApiError>,
	metrics: Option<&Metrics>,
) {
	let lost = match ledger.refresh(now, known) {
		Ok(lost) => lost,
		Err(error) => {
			log::warn!(target: "gateway", "what was settled can not be read: {error}");
			return;
		},
	};
	for Lost { account, model, calls } in lost {
		log::error!(
			target: "gateway",
			"{calls} calls of 0x{} at {model:?} can not be settled any more: their period is over",
			hex::encode(account),
		);
		if let Some(metrics) = metrics {
			metrics.lost.inc_by(calls);
		}
	}
}
