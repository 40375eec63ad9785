//! A customer's plan: renewed lazily, changed pro rata, cancelled at the period's end.
//!
//! Each period is paid in full when it begins, into an escrow that holds this period's price and
//! nothing else. Workers draw their pay for covered calls from it; what is left when the period ends
//! is the owner's. Nothing is ever paid back: a dearer plan begins at once and takes what was not
//! used of the old one as credit, any other begins when the period ends. So nobody gains by
//! subscribing, changing and cancelling in any order, and a quota starts anew only where a whole
//! period of a dearer plan is paid, or at the end of one.

use super::Plan;
use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::U256;

/// A customer's plan, in its period: the blocks `start ≤ now < start + period`.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Subscription {
	/// What was bought, as it was then.
	pub plan: Plan,
	/// The first block of the period.
	pub start: u32,
	/// Calls in the period.
	pub used: u64,
	/// What workers have drawn from the period's price.
	pub drawn: Balance,
	/// What begins when the period ends. Nothing, once cancelled.
	pub next: Option<Plan>,
}

/// Whether a subscription covers calls.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum Standing {
	/// In its period, which is paid.
	Active,
	/// After it, and not yet renewed: covers nothing until it is.
	Grace,
	/// Over: cancelled, or not renewed in time. What is left in escrow is the owner's.
	Ended,
}

/// Why a subscription does not admit something.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum SubscriptionError {
	/// It is over.
	Ended,
	/// The next period has begun and is not paid.
	PaymentDue,
	/// The period is paid; the next has not begun.
	NotDue,
	/// The period's calls are used up.
	QuotaExhausted,
	/// Less is left of the period's price than the worker draws.
	EscrowExhausted,
	/// An amount does not fit the currency.
	Overflow,
}

/// A renewal: `charge` and the old escrow are `earned` and the new escrow.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Renewal {
	/// In the period that is going on.
	pub subscription: Subscription,
	/// How many periods are charged, of which the last is going on.
	pub periods: u32,
	/// What the customer pays.
	pub charge: Balance,
	/// What the owner gets: the rest of the old escrow, and the periods that have passed.
	pub earned: Balance,
}

/// A change of plan: `charge` and the old escrow are `earned` and the new escrow.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Change {
	/// With the new plan, or with it to come.
	pub subscription: Subscription,
	/// What was not used of the old plan, rounded down.
	pub credit: Balance,
	/// What the customer pays: the new price less the credit. Zero where the plan is still to come.
	pub charge: Balance,
	/// What the owner gets: the rest of the old escrow less the credit.
	pub earned: Balance,
}

impl Plan {
	/// A subscription whose first period begins at `now`. The customer pays the price into its
	/// escrow.
	pub fn subscribe(self, now: u32) -> Subscription {
		Subscription { plan: self, start: now, used: 0, drawn: 0, next: Some(self) }
	}

	fn blocks(&self) -> u64 {
		self.period.max(1).into()
	}
}

impl Subscription {
	/// The first block after the period, which may be beyond the last that a chain can have.
	pub fn end(&self) -> u64 {
		u64::from(self.start).saturating_add(self.plan.blocks())
	}

	/// What is left of the period's price.
	pub fn escrow(&self) -> Balance {
		self.plan.price.saturating_sub(self.drawn)
	}

	/// Whether it covers calls at `now`.
	pub fn standing(&self, now: u32) -> Standing {
		let now = u64::from(now);
		if now < self.end() {
			Standing::Active
		} else if self.next.is_some() && now < self.end().saturating_add(self.plan.grace.into()) {
			Standing::Grace
		} else {
			Standing::Ended
		}
	}

	/// How many periods have begun by `now` and are not paid: none of them if it is over.
	pub fn due_periods(&self, now: u32) -> u32 {
		let Some(next) = self.next.filter(|_| self.standing(now) == Standing::Grace) else {
			return 0;
		};
		let whole = u64::from(now).saturating_sub(self.end()).div_euclid(next.blocks());
		u32::try_from(whole.saturating_add(1)).unwrap_or(u32::MAX)
	}

	/// Pays all periods that are due, or none.
	pub fn renew(&self, now: u32) -> Result<Renewal, SubscriptionError> {
		let next = match (self.standing(now), self.next) {
			(Standing::Grace, Some(next)) => next,
			(Standing::Active, _) => return Err(SubscriptionError::NotDue),
			_ => return Err(SubscriptionError::Ended),
		};
		let periods = self.due_periods(now);
		let passed = periods.saturating_sub(1);
		let passed_price = next.price.checked_mul(passed.into());
		let passed_price = passed_price.ok_or(SubscriptionError::Overflow)?;
		let charge = passed_price.checked_add(next.price).ok_or(SubscriptionError::Overflow)?;
		let earned = passed_price.checked_add(self.escrow()).ok_or(SubscriptionError::Overflow)?;
		let start = self.end().saturating_add(u64::from(passed).saturating_mul(next.blocks()));
		let start = u32::try_from(start).map_err(|_| SubscriptionError::Overflow)?;
		Ok(Renewal { subscription: next.subscribe(start), periods, charge, earned })
	}

	/// Covers one call, for which the worker draws `draw` from the escrow: zero if it is paid
	/// otherwise.
	pub fn call(&self, now: u32, draw: Balance) -> Result<Self, SubscriptionError> {
		match self.standing(now) {
			Standing::Active => (),
			Standing::Grace => return Err(SubscriptionError::PaymentDue),
			Standing::Ended => return Err(SubscriptionError::Ended),
		}
		if self.plan.quota.is_some_and(|quota| self.used >= quota) {
			return Err(SubscriptionError::QuotaExhausted);
		}
		if draw > self.escrow() {
			return Err(SubscriptionError::EscrowExhausted);
		}
		let used = self.used.checked_add(1).ok_or(SubscriptionError::QuotaExhausted)?;
		let drawn = self.drawn.checked_add(draw).ok_or(SubscriptionError::Overflow)?;
		Ok(Self { used, drawn, ..*self })
	}

	/// How many more calls the period has room for, if each draws `each` from the escrow.
	pub fn room(&self, each: Balance) -> u64 {
		self.room_in_quota().min(self.room_in_escrow(each))
	}

	/// Covers calls that were answered beside the chain, as many as there is room for, and tells how
	/// many: it is for the period in which they were made, also when that is over, as long as its escrow
	/// is there.
	pub fn settle(&self, calls: u64, each: Balance) -> Result<(Self, u64), SubscriptionError> {
		let (in_quota, in_escrow) = (self.room_in_quota(), self.room_in_escrow(each));
		if in_quota == 0 {
			return Err(SubscriptionError::QuotaExhausted);
		}
		if in_escrow == 0 {
			return Err(SubscriptionError::EscrowExhausted);
		}
		let calls = calls.min(in_quota).min(in_escrow);
		let draw = each.checked_mul(calls.into()).ok_or(SubscriptionError::Overflow)?;
		let drawn = self.drawn.checked_add(draw).ok_or(SubscriptionError::Overflow)?;
		let used = self.used.checked_add(calls).ok_or(SubscriptionError::Overflow)?;
		Ok((Self { used, drawn, ..*self }, calls))
	}

	/// Without a quota, as many calls as can be counted.
	fn room_in_quota(&self) -> u64 {
		self.plan.quota.unwrap_or(u64::MAX).saturating_sub(self.used)
	}

	fn room_in_escrow(&self, each: Balance) -> u64 {
		let calls = self.escrow().checked_div(each);
		calls.map_or(u64::MAX, |calls| calls.try_into().unwrap_or(u64::MAX))
	}

	/// Gives back calls that were not answered, and what workers have not drawn after all. It is for
	/// the period in which both were taken, and for no other.
	#[must_use]
	pub fn give_back(&self, calls: u64, draw: Balance) -> Self {
		let (used, drawn) = (self.used.saturating_sub(calls), self.drawn.saturating_sub(draw));
		Self { used, drawn, ..*self }
	}

	/// Whether a change to `plan` begins at once: in the period, if it is dearer.
	pub fn changes_at_once(&self, plan: &Plan, now: u32) -> bool {
		self.standing(now) == Standing::Active && plan.price > self.plan.price
	}

	/// What is not used of the period, rounded down: the least of the blocks from `now` on, of the
	/// calls that are left, both pro rata, and of what workers have not drawn.
	pub fn credit(&self, now: u32) -> Balance {
		let Plan { price, quota, .. } = self.plan;
		let blocks = self.plan.blocks();
		let by_time = share(price, self.end().saturating_sub(now.into()), blocks);
		let by_quota =
			quota.map_or(price, |quota| share(price, quota.saturating_sub(self.used), quota));
		by_time.min(by_quota).min(self.escrow())
	}

	/// Changes to `plan`: at once if it is dearer, with a whole new period; else when the period
	/// ends, in place of whatever would have begun then.
	pub fn change(&self, plan: Plan, now: u32) -> Result<Change, SubscriptionError> {
		match self.standing(now) {
			Standing::Ended => Err(SubscriptionError::Ended),
			_ if self.changes_at_once(&plan, now) => {
				let credit = self.credit(now);
				Ok(Change {
					subscription: plan.subscribe(now),
					credit,
					charge: plan.price.saturating_sub(credit),
					earned: self.escrow().saturating_sub(credit),
				})
			},
			_ => {
				let subscription = Self { next: Some(plan), ..*self };
				Ok(Change { subscription, credit: 0, charge: 0, earned: 0 })
			},
		}
	}

	/// Ends it with its period, which stays paid.
	#[must_use]
	pub fn cancel(&self) -> Self {
		Self { next: None, ..*self }
	}
}

/// `⌊amount · part / whole⌋`, at most `amount`.
fn share(amount: Balance, part: u64, whole: u64) -> Balance {
	let part = U256::from(part.min(whole));
	let share = U256::from(amount).saturating_mul(part).checked_div(whole.into());
	share.and_then(|share| share.try_into().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	/// 30 blocks and 100 calls for 1,000.
	const STANDARD: Plan =
		Plan { period: 30, price: 1_000, quota: Some(100), grace: 5, service: None, limits: None };
	const PROFESSIONAL: Plan = Plan { price: 3_000, quota: None, ..STANDARD };
	const TRIAL: Plan = Plan { price: 0, quota: Some(10), ..STANDARD };

	fn used(subscription: Subscription, calls: u64) -> Subscription {
		Subscription { used: calls, ..subscription }
	}

	#[test]
	fn a_period_is_half_open() {
		let subscription = STANDARD.subscribe(10);
		assert_eq!(subscription.standing(39), Standing::Active);
		assert_eq!(subscription.due_periods(39), 0);
		assert_eq!(subscription.renew(39), Err(SubscriptionError::NotDue));
		assert_eq!(subscription.standing(40), Standing::Grace);
		assert_eq!(subscription.due_periods(40), 1);
		assert_eq!(subscription.standing(44), Standing::Grace);
		assert_eq!(subscription.standing(45), Standing::Ended);
		assert_eq!(subscription.due_periods(45), 0);
		assert_eq!(subscription.renew(45), Err(SubscriptionError::Ended));
	}

	#[test]
	fn a_late_renewal_counts_from_the_end_of_the_last_period() {
		let worked = STANDARD.subscribe(10).call(12, 300).unwrap();
		let renewal = worked.renew(44).unwrap();
		assert_eq!(renewal.subscription, STANDARD.subscribe(40));
		assert_eq!((renewal.periods, renewal.charge, renewal.earned), (1, 1_000, 700));
	}

	#[test]
	fn a_long_grace_charges_for_every_period_that_has_begun() {
		let patient = Plan { grace: 90, ..STANDARD };
		let renewal = patient.subscribe(0).renew(95).unwrap();
		assert_eq!(renewal.subscription, patient.subscribe(90));
		// Three charged; the first period and the two that have passed are the owner's.
		assert_eq!((renewal.periods, renewal.charge, renewal.earned), (3, 3_000, 3_000));
	}

	#[test]
	fn nothing_is_covered_between_the_end_of_a_period_and_its_renewal() {
		let subscription = STANDARD.subscribe(0);
		assert!(subscription.call(29, 1).is_ok());
		assert_eq!(subscription.call(30, 1), Err(SubscriptionError::PaymentDue));
		assert_eq!(subscription.call(35, 1), Err(SubscriptionError::Ended));
		assert_eq!(subscription.cancel().call(30, 1), Err(SubscriptionError::Ended));
	}

	#[test]
	fn a_quota_starts_anew_once_at_each_edge() {
		let spent = used(STANDARD.subscribe(0), 100);
		assert_eq!(spent.call(29, 0), Err(SubscriptionError::QuotaExhausted));
		let renewed = used(spent.renew(30).unwrap().subscription, 100);
		assert_eq!(renewed.renew(30), Err(SubscriptionError::NotDue));
		assert_eq!(renewed.call(30, 0), Err(SubscriptionError::QuotaExhausted));
		assert_eq!(renewed.call(59, 0), Err(SubscriptionError::QuotaExhausted));
	}

	#[test]
	fn workers_draw_no_more_than_the_price_of_the_period() {
		let subscription = PROFESSIONAL.subscribe(0).call(0, 2_999).unwrap();
		assert_eq!(subscription.call(1, 2), Err(SubscriptionError::EscrowExhausted));
		let subscription = subscription.call(1, 1).unwrap();
		assert_eq!((subscription.escrow(), subscription.used), (0, 2));
		// Another pot pays.
		assert!(subscription.call(1, 0).is_ok());
	}

	#[test]
	fn what_is_given_back_can_be_used_again() {
		let called = STANDARD.subscribe(0).call(0, 400).unwrap().call(0, 600).unwrap();
		assert_eq!(called.call(0, 1), Err(SubscriptionError::EscrowExhausted));
		let back = called.give_back(1, 600);
		assert_eq!(back, STANDARD.subscribe(0).call(0, 400).unwrap());
		// Answered, for less.
		assert_eq!((called.give_back(0, 250).used, called.give_back(0, 250).escrow()), (2, 250));
	}

	#[test]
	fn calls_beside_the_chain_are_settled_as_far_as_there_is_room() {
		let subscription = used(STANDARD.subscribe(0), 90);
		assert_eq!(
			(subscription.room(0), subscription.room(100), subscription.room(300)),
			(10, 10, 3)
		);
		let (settled, calls) = subscription.settle(2, 300).unwrap();
		assert_eq!((settled.used, settled.escrow(), calls), (92, 400, 2));
		let (settled, calls) = settled.settle(u64::MAX, 300).unwrap();
		assert_eq!((settled.used, settled.escrow(), calls), (93, 100, 1));
		assert_eq!(settled.settle(1, 101), Err(SubscriptionError::EscrowExhausted));
		let (settled, calls) = settled.settle(9, 0).unwrap();
		assert_eq!((settled.used, calls), (100, 7));
		assert_eq!(settled.settle(1, 0), Err(SubscriptionError::QuotaExhausted));
		// Without a quota, as many as can be counted.
		let (settled, calls) = PROFESSIONAL.subscribe(0).settle(u64::MAX, 0).unwrap();
		assert_eq!((settled.used, calls), (u64::MAX, u64::MAX));
		assert_eq!(settled.settle(1, 0), Err(SubscriptionError::QuotaExhausted));
	}

	#[test]
	fn an_upgrade_takes_what_was_not_used_as_credit() {
		// 20 of 30 blocks are left: 666.67. 100 calls less 20: 800.
		let change = used(STANDARD.subscribe(0), 20).change(PROFESSIONAL, 10).unwrap();
		assert_eq!(change.subscription, PROFESSIONAL.subscribe(10));
		assert_eq!((change.credit, change.charge, change.earned), (666, 2_334, 334));
		// A quota that was used up is no credit, however early.
		let change = used(STANDARD.subscribe(0), 90).change(PROFESSIONAL, 0).unwrap();
		assert_eq!((change.credit, change.charge), (100, 2_900));
		// What workers have drawn can not be credited.
		let worked = STANDARD.subscribe(0).call(0, 950).unwrap();
		let change = worked.change(PROFESSIONAL, 0).unwrap();
		assert_eq!((change.credit, change.charge, change.earned), (50, 2_950, 0));
	}

	#[test]
	fn a_downgrade_begins_when_the_period_ends_and_pays_nothing_back() {
		let change = PROFESSIONAL.subscribe(0).change(STANDARD, 10).unwrap();
		assert_eq!((change.credit, change.charge, change.earned), (0, 0, 0));
		assert_eq!(change.subscription.plan, PROFESSIONAL);
		let renewal = change.subscription.renew(30).unwrap();
		assert_eq!(renewal.subscription, STANDARD.subscribe(30));
		assert_eq!((renewal.charge, renewal.earned), (1_000, 3_000));
	}

	#[test]
	fn a_trial_does_not_start_anew_by_changing_to_it() {
		let spent = used(TRIAL.subscribe(0), 10);
		let again = spent.change(TRIAL, 1).unwrap().subscription;
		assert_eq!(again.call(1, 0), Err(SubscriptionError::QuotaExhausted));
		let paid = spent.change(STANDARD, 1).unwrap().subscription;
		let again = paid.change(TRIAL, 1).unwrap().subscription;
		assert_eq!(again.plan, STANDARD);
	}

	#[test]
	fn a_change_in_grace_waits_for_the_renewal() {
		let change = STANDARD.subscribe(0).change(PROFESSIONAL, 30).unwrap();
		assert_eq!(change.charge, 0);
		let renewal = change.subscription.renew(31).unwrap();
		assert_eq!(renewal.subscription, PROFESSIONAL.subscribe(30));
		assert_eq!((renewal.charge, renewal.earned), (3_000, 1_000));
		let ended = STANDARD.subscribe(0).change(PROFESSIONAL, 35);
		assert_eq!(ended, Err(SubscriptionError::Ended));
	}

	#[test]
	fn a_cancelled_subscription_stays_paid_until_its_end_and_can_be_taken_up_again() {
		let cancelled = STANDARD.subscribe(0).cancel();
		assert!(cancelled.call(29, 0).is_ok());
		assert_eq!(cancelled.renew(30), Err(SubscriptionError::Ended));
		let resumed = cancelled.change(STANDARD, 29).unwrap().subscription;
		assert!(resumed.renew(30).is_ok());
	}

	#[test]
	fn what_does_not_fit_the_currency_is_not_charged() {
		let dear = Plan { price: Balance::MAX, grace: 60, ..STANDARD };
		assert!(dear.subscribe(0).renew(30).is_ok());
		assert_eq!(dear.subscribe(0).renew(60), Err(SubscriptionError::Overflow));
		let last = STANDARD.subscribe(u32::MAX);
		assert_eq!(last.standing(u32::MAX), Standing::Active);
	}

	#[derive(Clone, Copy, Debug)]
	enum Step {
		Advance(u32),
		Call(Balance),
		Renew,
		Change(usize),
		Cancel,
	}

	fn any_step() -> impl Strategy<Value = Step> {
		prop_oneof![
			(0..12u32).prop_map(Step::Advance),
			(0..40u128).prop_map(Step::Call),
			Just(Step::Renew),
			(0..4usize).prop_map(Step::Change),
			Just(Step::Cancel),
		]
	}

	fn any_plan() -> impl Strategy<Value = Plan> {
		let quota = prop::option::of(1..20u64);
		(1..20u32, 0..200u128, quota, 0..50u32).prop_map(|(period, price, quota, grace)| Plan {
			period,
			price,
			quota,
			grace,
			service: None,
			limits: None,
		})
	}

	/// What the customer paid, workers drew, and the owner earned; and the least that the calls
	/// of past periods are worth by their quotas.
	#[derive(Default)]
	struct Ledger {
		paid: Balance,
		drawn: Balance,
		earned: Balance,
		worth: Balance,
	}

	/// What the period's calls are worth.
	fn worth(of: &Subscription) -> Balance {
		of.plan
			.quota
			.map_or(0, |quota| of.plan.price * Balance::from(of.used) / Balance::from(quota))
	}

	proptest! {
		#[test]
		fn calls_that_are_settled_one_by_one_or_at_once_are_the_same(
			price in 0..2_000u128,
			quota in prop::option::of(1..40u64),
			each in 0..300u128,
			calls in 1..60u64,
		) {
			let subscription = Plan { price, quota, ..STANDARD }.subscribe(0);
			let mut one_by_one = (subscription, 0);
			for _ in 0..calls {
				if let Ok((next, 1)) = one_by_one.0.settle(1, each) {
					one_by_one = (next, one_by_one.1 + 1);
				}
			}
			match subscription.settle(calls, each) {
				Ok(at_once) => prop_assert_eq!(at_once, one_by_one),
				Err(_) => prop_assert_eq!(one_by_one.1, 0),
			}
			let settled = one_by_one.0;
			prop_assert_eq!(one_by_one.1, calls.min(subscription.room(each)));
			prop_assert!(settled.drawn <= price && quota.is_none_or(|quota| settled.used <= quota));
		}

		#[test]
		fn no_order_of_steps_gains_the_customer_a_unit(
			plans in prop::collection::vec(any_plan(), 4),
			steps in prop::collection::vec(any_step(), 0..200),
		) {
			let mut now = 0;
			let mut subscription = plans[0].subscribe(now);
			let mut ledger = Ledger { paid: plans[0].price, ..Ledger::default() };
			for step in steps {
				let (before, gone) = (subscription, ledger.paid - subscription.credit(now));
				match step {
					Step::Advance(blocks) => now += blocks,
					Step::Call(draw) => if let Ok(after) = subscription.call(now, draw) {
						ledger.drawn += draw;
						subscription = after;
					},
					Step::Renew => if let Ok(renewal) = subscription.renew(now) {
						ledger.paid += renewal.charge;
						ledger.earned += renewal.earned;
						ledger.worth += worth(&before);
						prop_assert_eq!(renewal.periods, before.due_periods(now));
						subscription = renewal.subscription;
						prop_assert_eq!(subscription.standing(now), Standing::Active);
						prop_assert!(u64::from(subscription.start) >= before.end());
					},
					Step::Change(to) => if let Ok(change) = subscription.change(plans[to], now) {
						ledger.paid += change.charge;
						ledger.earned += change.earned;
						prop_assert!(change.credit <= before.escrow());
						subscription = change.subscription;
						if change.charge > 0 {
							ledger.worth += worth(&before);
							prop_assert!(change.charge + change.credit == subscription.plan.price);
						}
					},
					Step::Cancel => subscription = subscription.cancel(),
				}
				if subscription.standing(now) == Standing::Ended {
					ledger.earned += subscription.escrow();
					ledger.worth += worth(&subscription);
					subscription = plans[0].subscribe(now);
					ledger.paid += subscription.plan.price;
				}
				let Ledger { paid, drawn, earned, worth: past } = ledger;
				// Nothing is made and nothing lost.
				prop_assert_eq!(paid, drawn + earned + subscription.escrow());
				// What is gone, even if all the rest could be had back, never becomes less, and
				// covers every call.
				let now_gone = paid - subscription.credit(now);
				prop_assert!(now_gone >= gone);
				prop_assert!(now_gone >= past + worth(&subscription));
				// Only a payment, or the end of a period, starts a quota anew.
				if subscription.used < before.used {
					prop_assert!(u64::from(now) >= before.end()
						|| subscription.plan.price > before.plan.price);
				}
			}
		}

		#[test]
		fn credit_is_never_more_than_was_paid_and_only_falls(
			plan in any_plan(),
			price: Balance,
			start: u32,
			calls in 0..20u64,
			a in 0..40u32,
			b in 0..40u32,
		) {
			let subscription = used(Plan { price, ..plan }.subscribe(start), calls);
			let credit = |after| subscription.credit(start.saturating_add(after));
			prop_assert!(credit(a.max(b)) <= credit(a.min(b)));
			prop_assert!(credit(0) <= price);
			if start < u32::MAX - plan.period {
				prop_assert_eq!(credit(plan.period), 0);
			}
		}

		#[test]
		fn no_subscription_panics(
			(period, price, quota, grace) in any::<(u32, Balance, Option<u64>, u32)>(),
			(start, used, drawn, now, draw) in any::<(u32, u64, Balance, u32, Balance)>(),
			next in any::<Option<(u32, Balance)>>(),
		) {
			let plan = Plan { period, price, quota, grace, service: None, limits: None };
			let next = next.map(|(period, price)| Plan { period, price, ..plan });
			let subscription = Subscription { plan, start, used, drawn, next };
			if let Ok(renewal) = subscription.renew(now) {
				let renewed = renewal.subscription;
				prop_assert!(renewed.start <= now && u64::from(now) < renewed.end());
				prop_assert!(renewal.periods > 0 && renewal.charge >= renewed.plan.price);
			}
			if let Ok(change) = subscription.change(next.unwrap_or(plan), now) {
				prop_assert!(change.charge <= change.subscription.plan.price);
			}
			let _ = subscription.call(now, draw);
			prop_assert!(subscription.credit(now) <= price);
		}
	}
}
