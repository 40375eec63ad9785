//! What a model earned for whom, by billing periods.
//!
//! The record is the model's, and so is its deposit: payees ask for nothing, and pay for nothing.
//! Whoever was paid in the current or the previous period stands in it by name, as long as there is
//! room.

use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::BoundedVec;

/// The most payees of a model that are counted by name: two full splits.
pub const MAX_EARNERS: u32 = 64;

/// Amounts of a billing period and of the one before. They stop at their greatest value.
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
pub struct Sums {
	/// That of the current period.
	pub current: Balance,
	/// That of the period before.
	pub previous: Balance,
}

impl Sums {
	/// Counts an amount.
	pub fn add(&mut self, amount: Balance) {
		self.current = self.current.saturating_add(amount);
	}

	/// Lets so many periods pass.
	pub fn after(&mut self, periods: u32) {
		*self = match periods {
			0 => *self,
			1 => Self { current: 0, previous: self.current },
			_ => Self::default(),
		};
	}

	fn is_nothing(&self) -> bool {
		*self == Self::default()
	}
}

/// What a model earned, and for whom.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Income<AccountId> {
	/// The number of the current period.
	pub period: u32,
	/// For the platform.
	pub platform: Sums,
	/// For workers.
	pub workers: Sums,
	/// For each payee of the split, as it led to accounts.
	pub payees: BoundedVec<(AccountId, Sums), ConstU32<MAX_EARNERS>>,
	/// For payees beyond those.
	pub others: Sums,
	/// Rewards, which the incentives paid to the owner's side beside all this.
	pub rewards: Sums,
}

impl<AccountId> Default for Income<AccountId> {
	fn default() -> Self {
		let (platform, workers, others, rewards) = Default::default();
		Self { period: 0, platform, workers, payees: BoundedVec::default(), others, rewards }
	}
}

impl<AccountId: Clone + Eq> Income<AccountId> {
	/// The same in a period, which is not before its own. Who earned in neither of the two periods
	/// that are left is forgotten.
	#[must_use]
	pub fn at(mut self, period: u32) -> Self {
		let passed = period.saturating_sub(self.period);
		let Self { platform, workers, others, rewards, .. } = &mut self;
		for sums in [platform, workers, others, rewards] {
			sums.after(passed);
		}
		for (_, sums) in self.payees.iter_mut() {
			sums.after(passed);
		}
		self.payees.retain(|(_, sums)| !sums.is_nothing());
		self.period = self.period.max(period);
		self
	}

	/// Counts what a payee has of a price.
	pub fn pay(&mut self, who: &AccountId, amount: Balance) {
		if amount == 0 {
			return;
		}
		if let Some((_, sums)) = self.payees.iter_mut().find(|(payee, _)| payee == who) {
			sums.add(amount);
		} else {
			let sums = Sums { current: amount, previous: 0 };
			if self.payees.try_push((who.clone(), sums)).is_err() {
				self.others.add(amount);
			}
		}
	}

	/// What a payee earned.
	pub fn of(&self, who: &AccountId) -> Sums {
		let found = self.payees.iter().find(|(payee, _)| payee == who);
		found.map(|(_, sums)| *sums).unwrap_or_default()
	}

	/// What everybody earned of prices.
	pub fn total(&self) -> Sums {
		let payees = self.payees.iter().map(|(_, sums)| sums);
		let all = [&self.platform, &self.workers, &self.others].into_iter().chain(payees);
		all.fold(Sums::default(), |sum, sums| Sums {
			current: sum.current.saturating_add(sums.current),
			previous: sum.previous.saturating_add(sums.previous),
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn two_periods_are_kept_and_who_earned_in_neither_is_forgotten() {
		let mut income = Income::<u16>::default();
		income.pay(&1, 5);
		income.pay(&1, 2);
		income.platform.add(3);
		income = income.at(1);
		income.pay(&2, 4);
		assert_eq!(income.of(&1), Sums { current: 0, previous: 7 });
		assert_eq!(income.total(), Sums { current: 4, previous: 10 });
		income = income.at(2);
		assert_eq!((income.payees.len(), income.of(&2)), (1, Sums { current: 0, previous: 4 }));
		assert_eq!(income.at(4), Income { period: 4, ..Income::default() });
	}

	#[test]
	fn nothing_is_not_counted() {
		let mut income = Income::<u16>::default();
		income.pay(&1, 0);
		assert_eq!(income, Income::default());
	}

	proptest! {
		#[test]
		fn no_unit_is_forgotten(
			payments in prop::collection::vec((0..100u16, 0..1u128 << 64), 0..200),
		) {
			let mut income = Income::<u16>::default();
			for (who, amount) in &payments {
				income.pay(who, *amount);
			}
			let paid = payments.iter().map(|(_, amount)| amount).sum();
			prop_assert_eq!(income.total(), Sums { current: paid, previous: 0 });
			prop_assert_eq!(income.at(1).total(), Sums { current: 0, previous: paid });
		}
	}
}
