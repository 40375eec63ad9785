//! Dividing a fee so that the parts always sum to the whole.
//!
//! A [`RevenueSplit`] is what an owner sets. Its beneficiaries are accounts and other models, whose
//! own splits say who is paid; a [`FlatSplit`] follows them all to accounts, and is what a request
//! freezes.

mod flat;

pub use flat::{FlatSplit, Source, MAX_DEPTH, MAX_PAYEES, WHOLE};

use crate::{Balance, ModelId};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{ConstU32, U256};
use sp_runtime::{BoundedVec, PerThing, Permill};

/// The most beneficiaries of one split.
pub const MAX_BENEFICIARIES: u32 = 16;

/// Who has a share.
#[derive(
	Clone,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	Debug,
	TypeInfo,
)]
pub enum Payee<AccountId> {
	/// An account.
	Account(AccountId),
	/// The owner's side of a model: its beneficiaries, in the proportion of their shares, or its
	/// owner where it has none.
	Model(ModelId),
}

/// How what remains after the platform's share is divided. Shares sum to exactly one.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct RevenueSplit<AccountId> {
	/// The share of whoever did the work.
	pub worker: Permill,
	/// Everybody else: payee and share, no payee twice.
	pub beneficiaries: BoundedVec<(Payee<AccountId>, Permill), ConstU32<MAX_BENEFICIARIES>>,
}

/// Why a split is refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum SplitError {
	/// A share of zero.
	ZeroShare,
	/// A payee that stands twice among the beneficiaries.
	DuplicateBeneficiary,
	/// Shares that do not sum to exactly one.
	NotWhole,
	/// A beneficiary that is no live model.
	UnknownModel,
	/// Models that lead back to one of them.
	Cycle,
	/// More than [`MAX_DEPTH`] models in a row.
	TooDeep,
	/// More than [`MAX_PAYEES`] payees in all.
	TooManyPayees,
}

/// A divided fee: `platform + worker + Σ payees` is the amount that was divided.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Division {
	/// The platform's part.
	pub platform: Balance,
	/// The worker's part.
	pub worker: Balance,
	/// The payees' parts, in their order.
	pub payees: Vec<Balance>,
}

impl<AccountId: Ord> RevenueSplit<AccountId> {
	/// Checks that every share is positive, that no beneficiary stands twice, and that shares sum
	/// to exactly one.
	pub fn validate(&self) -> Result<(), SplitError> {
		let payees: BTreeSet<_> = self.beneficiaries.iter().map(|(payee, _)| payee).collect();
		if payees.len() != self.beneficiaries.len() {
			return Err(SplitError::DuplicateBeneficiary);
		}
		if self.shares().any(|share| share.is_zero()) {
			return Err(SplitError::ZeroShare);
		}
		let sum: u64 = self.shares().map(|share| u64::from(share.deconstruct())).sum();
		if sum != u64::from(Permill::ACCURACY) {
			return Err(SplitError::NotWhole);
		}
		Ok(())
	}

	fn shares(&self) -> impl Iterator<Item = Permill> + '_ {
		core::iter::once(self.worker).chain(self.beneficiaries.iter().map(|(_, share)| *share))
	}
}

/// The least amount of which `net` is left after the platform's share, rounded up: what the platform
/// gets of it is its share, and less than one unit more. `None` where nothing is left, or where it does
/// not fit the currency.
pub fn gross(net: Balance, platform_share: Permill) -> Option<Balance> {
	if net == 0 {
		return Some(0);
	}
	let left = platform_share.left_from_one().deconstruct();
	let whole = U256::from(net).checked_mul(Permill::ACCURACY.into())?;
	let up = whole.checked_add(left.saturating_sub(1).into())?;
	up.checked_div(left.into())?.try_into().ok()
}

/// Divides `total` in proportion to `weights`, which are not all zero: each part rounded down, the
/// units left over given one by one to the largest remainders, ties to the lower index (Hamilton's
/// method). A weight of zero has nothing.
fn largest_remainder(total: Balance, weights: &[u128]) -> Vec<Balance> {
	let whole =
		weights.iter().fold(U256::zero(), |sum, weight| sum.saturating_add((*weight).into()));
	if whole.is_zero() {
		return alloc::vec![0; weights.len()];
	}
	let mut parts = Vec::with_capacity(weights.len());
	let mut remainders = Vec::with_capacity(weights.len());
	let mut left = total;
	for (index, weight) in weights.iter().enumerate() {
		let product = U256::from(total).saturating_mul((*weight).into());
		let (part, remainder) = product.div_mod(whole);
		// At most `total`, since no weight exceeds their sum.
		let part = part.low_u128();
		left = left.saturating_sub(part);
		parts.push(part);
		remainders.push((core::cmp::Reverse(remainder), index));
	}
	remainders.sort_unstable();
	for ((_, index), _) in remainders.into_iter().zip(0..left) {
		parts[index] = parts[index].saturating_add(1);
	}
	parts
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn split(worker: u32, beneficiaries: &[(u8, u32)]) -> RevenueSplit<u8> {
		let share = |(who, parts): &(u8, u32)| (Payee::Account(*who), Permill::from_parts(*parts));
		let shares: Vec<_> = beneficiaries.iter().map(share).collect();
		RevenueSplit {
			worker: Permill::from_parts(worker),
			beneficiaries: shares.try_into().unwrap(),
		}
	}

	#[test]
	fn ties_go_to_the_lower_index() {
		assert_eq!(largest_remainder(2, &[7; 4]), [1, 1, 0, 0]);
		assert_eq!(largest_remainder(2, &[1, 2, 1, 2]), [0, 1, 0, 1]);
		assert_eq!(largest_remainder(1, &[0, 1, 0]), [0, 1, 0]);
	}

	#[test]
	fn unsound_splits_are_refused() {
		assert_eq!(split(1_000_000, &[]).validate(), Ok(()));
		assert_eq!(split(0, &[(1, 1_000_000)]).validate(), Err(SplitError::ZeroShare));
		assert_eq!(split(1_000_000, &[(1, 0)]).validate(), Err(SplitError::ZeroShare));
		assert_eq!(split(999_999, &[]).validate(), Err(SplitError::NotWhole));
		assert_eq!(split(1_000_000, &[(1, 1)]).validate(), Err(SplitError::NotWhole));
		let twice = split(500_000, &[(1, 250_000), (1, 250_000)]);
		assert_eq!(twice.validate(), Err(SplitError::DuplicateBeneficiary));
		let (model, share) = (Payee::<u8>::Model(ModelId::zero()), Permill::from_percent(25));
		let beneficiaries = vec![(model.clone(), share), (model, share)].try_into().unwrap();
		let twice = RevenueSplit { worker: Permill::from_percent(50), beneficiaries };
		assert_eq!(twice.validate(), Err(SplitError::DuplicateBeneficiary));
	}

	#[test]
	fn the_gross_of_a_pay_has_the_platforms_share_in_it() {
		let third = Permill::from_percent(30);
		assert_eq!([0, 7, 70, 71].map(|net| gross(net, third)), [0, 10, 100, 102].map(Some));
		assert_eq!(gross(5, Permill::zero()), Some(5));
		assert_eq!((gross(0, Permill::one()), gross(1, Permill::one())), (Some(0), None));
		assert_eq!(gross(Balance::MAX, third), None);
	}

	proptest! {
		#[test]
		fn the_parts_always_sum_to_the_whole(
			total: u128,
			weights in prop::collection::vec(0..=WHOLE, 1..40),
		) {
			prop_assume!(weights.iter().any(|weight| *weight > 0));
			let parts = largest_remainder(total, &weights);
			let sum: U256 = parts.iter().fold(U256::zero(), |sum, part| sum + U256::from(*part));
			prop_assert_eq!(sum, U256::from(total));
		}

		#[test]
		fn no_part_is_off_by_a_unit_or_more(
			total: u128,
			weights in prop::collection::vec(1..=WHOLE, 1..40),
		) {
			let whole: U256 = weights.iter().fold(U256::zero(), |sum, w| sum + U256::from(*w));
			for (part, weight) in largest_remainder(total, &weights).into_iter().zip(weights) {
				let (part, exact) = (U256::from(part) * whole, U256::from(total) * U256::from(weight));
				prop_assert!(part.abs_diff(exact) < whole);
			}
		}
	}
}
