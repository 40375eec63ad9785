//! Dividing a fee so that the parts always sum to the whole.

use crate::Balance;
use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::{BoundedVec, PerThing, Permill};

/// The most beneficiaries of one split.
pub const MAX_BENEFICIARIES: u32 = 16;

/// How what remains after the platform's share is divided. Shares sum to exactly one.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct RevenueSplit<AccountId> {
	/// The share of whoever did the work.
	pub worker: Permill,
	/// Everybody else: account and share, no account twice.
	pub beneficiaries: BoundedVec<(AccountId, Permill), ConstU32<MAX_BENEFICIARIES>>,
}

/// Why a split is refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum SplitError {
	/// A share of zero.
	ZeroShare,
	/// An account that stands twice among the beneficiaries.
	DuplicateBeneficiary,
	/// Shares that do not sum to exactly one.
	NotWhole,
}

/// A divided fee: `platform + worker + Σ beneficiaries` is the amount that was divided.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Division {
	/// The platform's part.
	pub platform: Balance,
	/// The worker's part.
	pub worker: Balance,
	/// The beneficiaries' parts, in the order of the split.
	pub beneficiaries: Vec<Balance>,
}

impl<AccountId: Ord> RevenueSplit<AccountId> {
	/// Checks that every share is positive, that no beneficiary stands twice, and that shares sum
	/// to exactly one.
	pub fn validate(&self) -> Result<(), SplitError> {
		let accounts: BTreeSet<_> = self.beneficiaries.iter().map(|(who, _)| who).collect();
		if accounts.len() != self.beneficiaries.len() {
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

	/// Divides `amount`: the platform's share first, rounded down, then the remainder by this
	/// split's shares.
	pub fn divide(&self, amount: Balance, platform_share: Permill) -> Division {
		let platform = platform_share.mul_floor(amount);
		let shares: Vec<_> = self.shares().collect();
		let mut parts = largest_remainder(amount.saturating_sub(platform), &shares).into_iter();
		Division { platform, worker: parts.next().unwrap_or(0), beneficiaries: parts.collect() }
	}

	fn shares(&self) -> impl Iterator<Item = Permill> + '_ {
		core::iter::once(self.worker).chain(self.beneficiaries.iter().map(|(_, share)| *share))
	}
}

/// Divides `total` by `shares` that sum to one: each part rounded down, the units left over given
/// one by one to the largest remainders, ties to the lower index (Hamilton's method).
///
/// `total · share` is never computed: with `total = q · 10^6 + r`, the part is
/// `q · share + ⌊r · share / 10^6⌋` and the remainder `r · share mod 10^6`.
fn largest_remainder(total: Balance, shares: &[Permill]) -> Vec<Balance> {
	const ONE: Balance = Permill::ACCURACY as Balance;
	let (quotient, rest) = (total / ONE, total % ONE);
	let mut parts = Vec::with_capacity(shares.len());
	let mut remainders = Vec::with_capacity(shares.len());
	let mut left = total;
	for (index, share) in shares.iter().enumerate() {
		let share = Balance::from(share.deconstruct());
		let fraction = rest.saturating_mul(share);
		let part = quotient.saturating_mul(share).saturating_add(fraction / ONE);
		left = left.saturating_sub(part);
		parts.push(part);
		remainders.push((core::cmp::Reverse(fraction % ONE), index));
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
		let shares: Vec<_> =
			beneficiaries.iter().map(|(who, parts)| (*who, Permill::from_parts(*parts))).collect();
		RevenueSplit {
			worker: Permill::from_parts(worker),
			beneficiaries: shares.try_into().unwrap(),
		}
	}

	#[test]
	fn three_equal_shares_of_two_units_give_two_units() {
		let split = split(333_334, &[(1, 333_333), (2, 333_333)]);
		assert_eq!(split.validate(), Ok(()));
		let division = split.divide(2, Permill::zero());
		assert_eq!((division.worker, division.beneficiaries), (1, Vec::from([1, 0])));
	}

	#[test]
	fn ties_go_to_the_lower_index() {
		let quarters = split(250_000, &[(1, 250_000), (2, 250_000), (3, 250_000)]);
		let division = quarters.divide(2, Permill::zero());
		assert_eq!((division.worker, division.beneficiaries), (1, Vec::from([1, 0, 0])));
	}

	#[test]
	fn the_platform_is_served_first_and_rounded_down() {
		let half = split(500_000, &[(1, 500_000)]);
		let division = half.divide(9, Permill::from_percent(30));
		assert_eq!((division.platform, division.worker, division.beneficiaries), (2, 4, vec![3]));
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
	}

	/// Splits that sum to one, of 1 to 17 payees.
	fn any_split() -> impl Strategy<Value = RevenueSplit<u8>> {
		prop::collection::btree_set(1..1_000_000u32, 0..=16usize).prop_map(|cuts| {
			let mut edges: Vec<u32> = core::iter::once(0).chain(cuts).collect();
			edges.push(1_000_000);
			let shares: Vec<_> = edges.windows(2).map(|w| w[1] - w[0]).collect();
			let beneficiaries: Vec<_> =
				shares[1..].iter().enumerate().map(|(i, s)| (i as u8, *s)).collect();
			split(shares[0], &beneficiaries)
		})
	}

	proptest! {
		#[test]
		fn the_parts_always_sum_to_the_whole(
			split in any_split(),
			amount: u128,
			platform in 0..=1_000_000u32,
		) {
			prop_assert_eq!(split.validate(), Ok(()));
			let division = split.divide(amount, Permill::from_parts(platform));
			let shared: u128 = division.worker + division.beneficiaries.iter().sum::<u128>();
			prop_assert_eq!(division.platform + shared, amount);
		}

		#[test]
		fn no_part_is_off_by_a_unit_or_more(split in any_split(), amount in 0..1u128 << 100) {
			let division = split.divide(amount, Permill::zero());
			let parts = core::iter::once(division.worker).chain(division.beneficiaries);
			for (part, share) in parts.zip(split.shares()) {
				let exact = amount * u128::from(share.deconstruct());
				prop_assert!((part * 1_000_000).abs_diff(exact) < 1_000_000);
			}
		}
	}
}
