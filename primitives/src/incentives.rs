//! Rewards for what models brought in, era by era.
//!
//! A governed part of the platform's share feeds a fund. In each era a model has a [`Merit`]: the
//! platform's part of what its proven answers were paid, weighted by how much of what was asked of
//! it did not fail. The fund of an [`Era`] is divided by these weights, to half of each at most.
//!
//! Who trades with itself pays the platform `x` and raises its weight by `x` at most. Of that it has
//! back at most half as a reward, and at most [`MAX_INCENTIVE_SHARE`], another half, through the
//! fund that it feeds: never more than it paid, whatever honest calls it has beside. Without these
//! it loses half and more.

use crate::Balance;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::Permill;

/// The most of the platform's share that may feed the incentives.
pub const MAX_INCENTIVE_SHARE: Permill = Permill::from_percent(50);

/// What a model did in an era.
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
pub struct Merit {
	/// The platform's part of what its proven answers were paid.
	pub fees: Balance,
	/// The platform's part of what proven requests held whose obliged lease lapsed.
	pub failed: Balance,
}

impl Merit {
	/// `⌊fees² / (fees + failed)⌋`: the fees, weighted by the part of all that did not fail. It grows
	/// with the fees, by no more than they do.
	pub fn weight(&self) -> Balance {
		let fees = U256::from(self.fees);
		let all = fees.saturating_add(self.failed.into());
		let weight = fees.saturating_mul(fees).checked_div(all).unwrap_or_default();
		// At most the fees.
		weight.low_u128()
	}
}

/// An era, and what is divided at its end.
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
pub struct Era {
	/// Its number.
	pub index: u32,
	/// What was fed in it, and what earlier eras left.
	pub fund: Balance,
	/// What was claimed of it.
	pub claimed: Balance,
	/// The sum over all models of the weights of their merits.
	pub weight: Balance,
}

impl Era {
	/// A model's reward: its part of the fund by weights, at most half its weight, which is less
	/// than the platform had of it.
	pub fn reward(&self, merit: &Merit) -> Balance {
		let weight = merit.weight();
		let product = U256::from(self.fund).saturating_mul(weight.into());
		let part = product.checked_div(self.weight.into()).unwrap_or_default();
		let part = Balance::try_from(part).unwrap_or(Balance::MAX);
		part.min(weight / 2).min(self.rest())
	}

	/// What was not claimed.
	pub fn rest(&self) -> Balance {
		self.fund.saturating_sub(self.claimed)
	}

	/// Weighs a merit anew.
	pub fn weigh(&mut self, before: &Merit, after: &Merit) {
		self.weight = self.weight.saturating_sub(before.weight()).saturating_add(after.weight());
	}
}

/// The incentives now.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Incentives {
	/// The part of the platform's share that feeds them.
	pub share: Permill,
	/// The first block of the current era.
	pub from: u32,
	/// The first block of the next era.
	pub until: u32,
	/// The eras whose rewards can be claimed, as far as anything happened in them, and the current
	/// one last.
	pub eras: Vec<Era>,
}

/// What a model has merited in an era.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Reward {
	/// The era.
	pub era: u32,
	/// What it is for.
	pub merit: Merit,
	/// What can be claimed; of the current era, what it would be if it ended now.
	pub amount: Balance,
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn merit(fees: Balance, failed: Balance) -> Merit {
		Merit { fees, failed }
	}

	#[test]
	fn failures_weigh() {
		assert_eq!(merit(100, 0).weight(), 100);
		assert_eq!(merit(100, 100).weight(), 50);
		assert_eq!(merit(100, 300).weight(), 25);
		assert_eq!(merit(0, 0).weight(), 0);
		assert_eq!(merit(0, 7).weight(), 0);
		assert_eq!(merit(Balance::MAX, 0).weight(), Balance::MAX);
		assert_eq!(merit(Balance::MAX, Balance::MAX).weight(), Balance::MAX / 2);
	}

	#[test]
	fn a_fund_is_divided_by_weights() {
		let era = Era { fund: 30, weight: 400, ..Era::default() };
		assert_eq!(era.reward(&merit(300, 0)), 22);
		assert_eq!(era.reward(&merit(200, 200)), 7);
		assert_eq!(era.reward(&merit(0, 5)), 0);
		assert_eq!(Era { claimed: 20, ..era }.reward(&merit(300, 0)), 10, "no more than is left");
	}

	#[test]
	fn a_reward_is_half_the_weight_at_most() {
		let era = Era { fund: 1_000_000, weight: 401, ..Era::default() };
		assert_eq!(era.reward(&merit(401, 0)), 200);
		assert_eq!(era.reward(&merit(1, 0)), 0);
	}

	fn amount() -> impl Strategy<Value = Balance> {
		prop_oneof![0..40u128, 0..1u128 << 80]
	}

	fn any_merit() -> impl Strategy<Value = Merit> {
		(amount(), amount()).prop_map(|(fees, failed)| merit(fees, failed))
	}

	/// An era in which these were the merits.
	fn era(fund: Balance, merits: &[Merit]) -> Era {
		let mut era = Era { fund, ..Era::default() };
		merits.iter().for_each(|merit| era.weigh(&Merit::default(), merit));
		era
	}

	proptest! {
		#[test]
		fn a_weight_grows_by_no_more_than_the_fees(before in any_merit(), more in amount()) {
			let after = merit(before.fees + more, before.failed);
			prop_assert!(after.weight() >= before.weight());
			prop_assert!(after.weight() - before.weight() <= more);
			prop_assert!(after.weight() <= after.fees);
			prop_assert!(merit(before.fees, before.failed + more).weight() <= before.weight());
		}

		#[test]
		fn rewards_never_exceed_the_fund_nor_what_the_platform_had(
			fund in amount(),
			merits in prop::collection::vec(any_merit(), 1..20),
		) {
			let mut era = era(fund, &merits);
			for merit in &merits {
				let reward = era.reward(merit);
				prop_assert!(reward < merit.fees || (reward, merit.fees) == (0, 0));
				// Nobody has less for having come late.
				prop_assert_eq!(reward, Era { claimed: 0, ..era }.reward(merit));
				era.claimed += reward;
			}
			prop_assert!(era.claimed <= era.fund);
		}

		/// A hand has some honest calls, and adds calls of its own, for which it pays the platform.
		#[test]
		fn trading_with_oneself_beside_honest_calls_gains_nothing(
			fund in amount(),
			others in any_merit(),
			honest in prop::collection::vec(any_merit(), 1..4),
			added in prop::collection::vec(amount(), 4),
			share in 0..=MAX_INCENTIVE_SHARE.deconstruct(),
		) {
			let share = Permill::from_parts(share);
			// What the hand has, and what is left for later eras.
			let outcome = |mine: &[Merit], fed: Balance| {
				let mut all = vec![others];
				all.extend_from_slice(mine);
				let era = era(fund + fed, &all);
				let rewards: Balance = mine.iter().map(|merit| era.reward(merit)).sum();
				(rewards, era.fund - rewards - era.reward(&others))
			};
			let mut mine = honest.clone();
			let (mut paid, mut fed) = (0, 0);
			for (merit, more) in mine.iter_mut().zip(added) {
				merit.fees += more;
				paid += more;
				fed += share.mul_floor(more);
			}
			let ((before, left_before), (after, left_after)) =
				(outcome(&honest, 0), outcome(&mine, fed));
			// Each model can be rounded up by a unit.
			let rounded = mine.len() as u128 + 1;
			prop_assert!(after <= before + paid + rounded);
			// Even if all that is left comes back to it.
			prop_assert!(after + left_after <= before + left_before + paid + rounded);
		}

		/// Whatever it does, for as long as it likes.
		#[test]
		fn who_trades_with_itself_alone_loses(
			eras in prop::collection::vec(
				(prop::collection::vec(any_merit(), 1..5), amount(), amount()),
				1..10,
			),
		) {
			let (mut paid, mut had, mut left) = (0, 0, 0);
			for (mine, fund, others) in eras {
				let mut all = mine.clone();
				all.push(merit(others, 0));
				let mut era = era(fund + left, &all);
				for merit in &mine {
					paid += merit.fees;
					let reward = era.reward(merit);
					era.claimed += reward;
					had += reward;
				}
				left = era.rest();
			}
			prop_assert!(had < paid || (had, paid) == (0, 0));
			prop_assert!(had <= paid / 2);
		}
	}
}
