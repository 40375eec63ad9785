//! Who has a plan of a model on the chain, and what is left of it.
//!
//! Calls at the gateway are counted here, beside those that the chain counted, and no more than the quota are let
//! through in a period. They are not settled on the chain.

use super::models::Models;
use crate::service::FullClient;
use aimodel_gateway::{
	access::{Charge, Standing as Admitted, Usage},
	Refusal, Subscriptions,
};
use aimodel_inference::serving::Priority;
use aimodel_primitives::{
	pricing::{Standing, Tier},
	runtime_api::{AimodelApi, SubscriptionInfo},
	ModelId,
};
use aimodel_runtime::{AccountId, SLOT_DURATION};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_runtime::traits::UniqueSaturatedInto;
use std::{collections::HashMap, future::ready, sync::Arc, time::Duration};

/// Subscriptions whose calls are counted at the same time.
const COUNTED: usize = 1 << 16;

type Key = ([u8; 32], ModelId);

/// Calls in a period.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
	/// The first block of the period.
	start: u32,
	/// The first block after it.
	until: u64,
	calls: u64,
}

/// The plans of the chain.
pub(super) struct Plans {
	client: Arc<FullClient>,
	models: Arc<Models>,
	counted: Arc<Mutex<HashMap<Key, Counted>>>,
}

impl Plans {
	pub(super) fn new(client: Arc<FullClient>, models: Arc<Models>) -> Self {
		Self { client, models, counted: Arc::default() }
	}

	fn admit(&self, account: &[u8; 32], name: &str) -> Result<Admitted, Refusal> {
		let model = self.models.model(name).ok_or_else(|| {
			Refusal::Forbidden(format!("`{name}` is no model of the chain, and has no subscribers"))
		})?;
		let (info, api) = (self.client.info(), self.client.runtime_api());
		let subscription = api
			.subscription(info.best_hash, AccountId::from(*account), model)
			.map_err(|error| Refusal::Unavailable(error.to_string()))?
			.filter(|it| it.standing == Standing::Active)
			.ok_or_else(|| {
				Refusal::PaymentRequired(format!(
					"the account has no current plan of `{name}`: subscribe first"
				))
			})?;
		let now = info.best_number.unique_saturated_into();
		let key = (*account, model);
		count(&mut self.counted.lock(), key, &subscription, now)?;
		let charge = Call {
			key,
			start: subscription.subscription.start,
			counted: Some(self.counted.clone()),
		};
		Ok(Admitted { priority: priority(subscription.tier), charge: Box::new(charge) })
	}
}

/// Counts one more call, if the quota has room for it.
fn count(
	counted: &mut HashMap<Key, Counted>,
	key: Key,
	info: &SubscriptionInfo,
	now: u64,
) -> Result<(), Refusal> {
	let SubscriptionInfo { subscription, until, .. } = info;
	if counted.len() >= COUNTED && !counted.contains_key(&key) {
		counted.retain(|_, it| it.until > now);
		if counted.len() >= COUNTED {
			return Err(Refusal::Unavailable("too many subscribers call at the same time".into()));
		}
	}
	let entry = counted.entry(key).or_default();
	if entry.start != subscription.start || entry.until != *until {
		*entry = Counted { start: subscription.start, until: *until, calls: 0 };
	}
	let used = subscription.used.saturating_add(entry.calls);
	if let Some(quota) = subscription.plan.quota.filter(|quota| used >= *quota) {
		let blocks = until.saturating_sub(now);
		return Err(Refusal::TooMany {
			reason: format!(
				"the {quota} calls of this period are used up; the next begins in {blocks} blocks"
			),
			again_in: Duration::from_millis(blocks.saturating_mul(SLOT_DURATION)),
		});
	}
	entry.calls = entry.calls.saturating_add(1);
	Ok(())
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
		_version: Option<&'a str>,
	) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		Box::pin(ready(self.admit(account, model)))
	}
}

/// A call that was counted; given back unless it is settled.
struct Call {
	key: Key,
	start: u32,
	counted: Option<Arc<Mutex<HashMap<Key, Counted>>>>,
}

impl Charge for Call {
	fn settle(mut self: Box<Self>, _usage: Usage) {
		self.counted = None;
	}
}

impl Drop for Call {
	fn drop(&mut self) {
		let Some(counted) = &self.counted else { return };
		if let Some(it) = counted.lock().get_mut(&self.key).filter(|it| it.start == self.start) {
			it.calls = it.calls.saturating_sub(1);
		}
	}
}
