//! Outputs that several accounts change together: locks, and what was approved of them.

use crate::OutPoint;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{ConstU32, H256};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{traits::TrailingZeroInput, BoundedVec};

/// The most members of a set.
pub const MAX_MEMBERS: u32 = 16;

/// Accounts that act together.
pub type Members<AccountId> = BoundedVec<AccountId, ConstU32<MAX_MEMBERS>>;

/// Who changes an output in its owner's place: as many of the members as the threshold says.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Lock<AccountId> {
	/// The members, in ascending order.
	pub members: Members<AccountId>,
	/// How many of them it takes.
	pub threshold: u32,
}

/// A lock that could never be opened, or that counts a member twice.
#[derive(Clone, Copy, Eq, PartialEq, Debug)]
pub struct UnsoundLock;

impl<AccountId: Ord> Lock<AccountId> {
	/// Checks that members ascend, so that none stands twice and one set has one name, and that the
	/// threshold is between one and their number.
	pub fn validate(&self) -> Result<(), UnsoundLock> {
		let ascend = self.members.is_sorted_by(|one, next| one < next);
		let reachable = (1..=self.members.len() as u32).contains(&self.threshold);
		(ascend && reachable).then_some(()).ok_or(UnsoundLock)
	}

	/// Whether `who` is a member.
	pub fn has(&self, who: &AccountId) -> bool {
		self.members.contains(who)
	}
}

impl<AccountId: Decode + Encode> Lock<AccountId> {
	/// The account that stands for the set while it makes a change. It is a hash, for which nobody can
	/// sign.
	pub fn account(&self) -> AccountId {
		let name = (b"aimodel/set", self).using_encoded(blake2_256);
		AccountId::decode(&mut TrailingZeroInput::new(&name))
			.expect("every account is read from endless bytes; qed")
	}
}

/// What a member approved.
#[derive(Clone, Decode, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo)]
pub struct Approval<AccountId, BlockNumber> {
	/// The member.
	pub by: AccountId,
	/// `blake2_256` of the call that makes the change.
	pub call: H256,
	/// The output that comes out, unless the model closes at once.
	pub successor: Option<OutPoint>,
	/// The last block at which it counts.
	pub until: BlockNumber,
}

/// A change of an output that some of those have approved that it takes.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct PendingChange<AccountId, BlockNumber> {
	/// `blake2_256` of the call that makes it: each member sends the same.
	pub call: H256,
	/// The output that comes out, unless the model closes at once.
	pub successor: Option<OutPoint>,
	/// Who approved it, and the last block at which that counts.
	pub approved: Vec<(AccountId, BlockNumber)>,
	/// How many approvals it still takes.
	pub missing: u32,
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn lock(members: &[u64], threshold: u32) -> Lock<u64> {
		Lock { members: members.to_vec().try_into().unwrap(), threshold }
	}

	#[test]
	fn a_lock_can_be_opened_and_counts_nobody_twice() {
		assert_eq!(lock(&[1], 1).validate(), Ok(()));
		assert_eq!(lock(&[1, 2, 3], 3).validate(), Ok(()));
		for unsound in
			[lock(&[], 0), lock(&[1], 0), lock(&[1], 2), lock(&[1, 1], 2), lock(&[2, 1], 1)]
		{
			assert_eq!(unsound.validate(), Err(UnsoundLock), "{unsound:?}");
		}
	}

	proptest! {
		#[test]
		fn a_sound_lock_has_as_many_members_as_it_takes(
			members in proptest::collection::vec(0..20u64, 0..16), threshold in 0..20u32,
		) {
			let lock = lock(&members, threshold);
			let distinct: std::collections::BTreeSet<_> = members.iter().collect();
			let ascending = distinct.iter().copied().eq(members.iter());
			let reachable = threshold > 0 && threshold as usize <= distinct.len();
			prop_assert_eq!(lock.validate().is_ok(), ascending && reachable);
		}

		#[test]
		fn another_set_has_another_account(
			one in proptest::collection::vec(0..9u8, 32..=32), other in 0..32usize,
		) {
			let member = |bytes: Vec<u8>| sp_runtime::AccountId32::new(bytes.try_into().unwrap());
			let of = |bytes: Vec<u8>, threshold| Lock {
				members: alloc::vec![member(bytes)].try_into().unwrap(),
				threshold,
			};
			let mut changed = one.clone();
			changed[other] += 1;
			let account = of(one.clone(), 1).account();
			prop_assert_ne!(&account, &of(changed, 1).account());
			prop_assert_ne!(&account, &of(one.clone(), 2).account());
			prop_assert_ne!(&account, &member(one));
		}
	}
}
