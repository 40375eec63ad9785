//! What is counted by billing periods: calls and money, of a customer of a model or of a model.
//!
//! A period is a number of blocks from genesis on. Records roll over when they are next touched; only
//! the current and the previous period are kept.

use crate::Balance;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{ConstU32, U256};
use sp_runtime::{BoundedVec, Percent};

/// The most thresholds of a [`Budget`].
pub const MAX_ALERTS: u32 = 4;

/// What was counted in one period. Counters stop at their greatest value.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Totals {
	/// Requests that were answered and paid.
	pub calls: u64,
	/// Units billed.
	pub units: u64,
	/// What was paid, plans among it.
	pub spend: Balance,
	/// What was paid for plans.
	pub plans: Balance,
	/// Requests that were answered and covered by a plan. They are none of `calls`; their units are
	/// among `units`.
	pub covered: u64,
	/// What was held for requests that closed without an answer, and given back.
	pub refunds: Balance,
	/// Requests whose deadline passed without an answer.
	pub failures: u64,
	/// Calls at gateways of workers that were drawn from a plan by vouchers. They are none of `calls`
	/// and `covered`: only customer and worker say that they were made.
	pub vouched: u64,
}

impl Totals {
	/// Counts an answered request.
	pub fn paid(&mut self, units: u64, price: Balance) {
		self.calls = self.calls.saturating_add(1);
		self.units = self.units.saturating_add(units);
		self.spend = self.spend.saturating_add(price);
	}

	/// Counts an answered request that a plan covered.
	pub fn covered(&mut self, units: u64) {
		self.covered = self.covered.saturating_add(1);
		self.units = self.units.saturating_add(units);
	}

	/// Counts calls at a gateway.
	pub fn vouched(&mut self, calls: u64) {
		self.vouched = self.vouched.saturating_add(calls);
	}

	/// Counts a period of a plan.
	pub fn charged(&mut self, price: Balance) {
		self.spend = self.spend.saturating_add(price);
		self.plans = self.plans.saturating_add(price);
	}

	/// Whether nothing was paid for yet.
	pub fn is_unpaid(&self) -> bool {
		self.calls == 0 && self.spend == 0
	}

	/// Counts a request that closed without an answer; `failed` unless its customer took it back.
	pub fn refunded(&mut self, amount: Balance, failed: bool) {
		self.refunds = self.refunds.saturating_add(amount);
		self.failures = self.failures.saturating_add(failed.into());
	}
}

/// The totals of a period and of the one before.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Ledger {
	/// The number of the current period.
	pub period: u32,
	/// Its totals.
	pub current: Totals,
	/// Those of the period before.
	pub previous: Totals,
}

impl Ledger {
	/// The same in a period, which is not before its own.
	#[must_use]
	pub fn at(self, period: u32) -> Self {
		match period.saturating_sub(self.period) {
			0 => self,
			1 => Self { period, current: Totals::default(), previous: self.current },
			_ => Self { period, ..Self::default() },
		}
	}
}

/// Billing periods of a chain: `length` blocks each, the first from genesis on.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
	/// Blocks of a period; at least one.
	pub length: u32,
}

impl Periods {
	/// The number of the period of a block.
	pub fn of(&self, block: u32) -> u32 {
		block.checked_div(self.length).unwrap_or(block)
	}

	/// The first block of a period.
	pub fn start(&self, period: u32) -> u32 {
		period.saturating_mul(self.length.max(1))
	}

	/// What was paid so far in the period of `block` comes to at its end: plans are paid by the
	/// period, all else is projected.
	pub fn project_spend(&self, totals: &Totals, block: u32) -> Balance {
		let fees = totals.spend.saturating_sub(totals.plans);
		totals.plans.saturating_add(self.project(fees, block))
	}

	/// What an amount counted so far in the period of `block` comes to at its end, if it goes on as it
	/// did: linear, rounded down. `block` itself is counted.
	pub fn project(&self, amount: Balance, block: u32) -> Balance {
		let elapsed = block.saturating_sub(self.start(self.of(block))).saturating_add(1);
		let whole = U256::from(amount).saturating_mul(self.length.max(1).into());
		let projected = whole.checked_div(elapsed.into()).unwrap_or(whole);
		Balance::try_from(projected).unwrap_or(Balance::MAX)
	}
}

/// What an account may spend on a model in a period.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Budget {
	/// A request that could exceed it is refused: what was paid, what open requests hold, and what it
	/// would hold itself count.
	pub limit: Balance,
	/// Shares of the limit whose crossing is told by an event.
	pub alerts: BoundedVec<Percent, ConstU32<MAX_ALERTS>>,
}

impl Budget {
	/// Whether `spend + held + more` stays within the limit.
	pub fn admits(&self, spend: Balance, held: Balance, more: Balance) -> bool {
		let sum = spend.checked_add(held).and_then(|sum| sum.checked_add(more));
		sum.is_some_and(|sum| sum <= self.limit)
	}

	/// The highest threshold that spending from `before` to `after` crosses.
	pub fn crossed(&self, before: Balance, after: Balance) -> Option<Percent> {
		let reached = |alert: &&Percent| {
			let threshold = alert.mul_ceil(self.limit);
			before < threshold && threshold <= after
		};
		self.alerts.iter().filter(reached).max().copied()
	}
}

/// What an account used of a model.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Bill {
	/// The totals of the current and the previous period.
	pub ledger: Ledger,
	/// The first block of the current period.
	pub from: u32,
	/// The first block of the next period.
	pub until: u32,
	/// What is spent at the period's end if it goes on like this.
	pub projected: Balance,
	/// Requests that wait for their answer.
	pub open: u32,
	/// What these hold.
	pub held: Balance,
	/// What may be spent in a period.
	pub budget: Option<Budget>,
}

/// What a model brought in.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Revenue {
	/// The totals of the current and the previous period, over all customers.
	pub ledger: Ledger,
	/// The first block of the current period.
	pub from: u32,
	/// The first block of the next period.
	pub until: u32,
	/// What is brought in at the period's end if it goes on like this.
	pub projected: Balance,
	/// Customers who paid in the current period.
	pub customers: u32,
	/// Customers who paid in the period before.
	pub previous_customers: u32,
	/// What new requests were to cost, when: oldest first.
	pub prices: Vec<(u32, crate::pricing::Tariff)>,
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn totals(calls: u64) -> Totals {
		Totals { calls, ..Totals::default() }
	}

	#[test]
	fn only_the_current_and_the_previous_period_are_kept() {
		let ledger = Ledger { period: 7, current: totals(3), previous: totals(9) };
		assert_eq!(ledger.at(7), ledger);
		let next = Ledger { period: 8, current: totals(0), previous: totals(3) };
		assert_eq!(ledger.at(8), next);
		assert_eq!(ledger.at(9), Ledger { period: 9, ..Ledger::default() });
		assert_eq!(next.at(9).at(10), ledger.at(10));
	}

	#[test]
	fn plans_are_spent_and_not_projected() {
		let mut totals = totals(0);
		assert!(totals.is_unpaid());
		totals.charged(300);
		totals.covered(7);
		totals.paid(2, 10);
		let expected =
			Totals { calls: 1, units: 9, spend: 310, plans: 300, covered: 1, ..Totals::default() };
		assert_eq!((totals, totals.is_unpaid()), (expected, false));
		assert_eq!(Periods { length: 10 }.project_spend(&totals, 4), 300 + 20);
	}

	#[test]
	fn periods_are_half_open() {
		let periods = Periods { length: 10 };
		assert_eq!([0, 9, 10, 19, 20].map(|block| periods.of(block)), [0, 0, 1, 1, 2]);
		assert_eq!(periods.start(2), 20);
	}

	#[test]
	fn a_projection_is_linear() {
		let periods = Periods { length: 10 };
		// After the fourth of ten blocks.
		assert_eq!(periods.project(100, 13), 250);
		assert_eq!(periods.project(7, 19), 7, "at the end it is what it is");
		assert_eq!(periods.project(Balance::MAX, 10), Balance::MAX);
	}

	#[test]
	fn a_budget_counts_what_could_be_paid() {
		let budget = Budget { limit: 100, alerts: Default::default() };
		assert!(budget.admits(50, 30, 20));
		assert!(!budget.admits(50, 30, 21));
		assert!(!budget.admits(Balance::MAX, 1, 1));
	}

	#[test]
	fn an_alert_is_told_once() {
		let alerts = [50, 80, 100].map(Percent::from_percent).to_vec().try_into().unwrap();
		let budget = Budget { limit: 10, alerts };
		let crossed =
			|before, after| budget.crossed(before, after).map(|share| share.deconstruct());
		assert_eq!(crossed(0, 4), None);
		assert_eq!(crossed(4, 5), Some(50));
		assert_eq!(crossed(5, 5), None);
		assert_eq!(crossed(0, 9), Some(80), "the highest of several");
		assert_eq!(crossed(9, 10), Some(100));
		assert_eq!(crossed(10, 11), None);
	}

	proptest! {
		#[test]
		fn a_projection_is_never_below_what_was_counted(amount: Balance, block: u32, length in 1u32..) {
			let periods = Periods { length };
			prop_assert!(periods.project(amount, block) >= amount);
			prop_assert!(periods.start(periods.of(block)) <= block);
		}

		#[test]
		fn rolling_over_twice_is_rolling_over_once(period in 0u32..9, first in 0u32..5, then in 0u32..5) {
			let ledger = Ledger { period, current: totals(3), previous: totals(9) };
			let (middle, last) = (period + first, period + first + then);
			prop_assert_eq!(ledger.at(middle).at(last), ledger.at(last));
		}
	}
}
