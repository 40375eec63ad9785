//! What is stored of a worker and of what it offers.

use aimodel_primitives::{
	access::Figures,
	traits::{Lease, LeaseTerms},
	Balance,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;

/// A bonded account.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Worker<AccountId, BlockNumber> {
	/// The key that signs for it.
	pub operator: AccountId,
	/// What is on hold.
	pub bond: Balance,
	/// How much of that is the collateral of live leases.
	pub reserved: Balance,
	/// Of a retiring worker: the first block in which it may withdraw its bond.
	pub retiring_at: Option<BlockNumber>,
	/// How many leases it holds.
	pub leases: u32,
	/// For how many versions it has a [`Service`].
	pub services: u32,
	/// How well it answered what it was obliged to, and how soon after it was.
	pub figures: Figures,
}

impl<AccountId, BlockNumber> Worker<AccountId, BlockNumber> {
	/// What is left of the bond for further leases.
	pub fn free_bond(&self) -> Balance {
		self.bond.saturating_sub(self.reserved)
	}
}

/// What a worker offers for a version, and how much of that is taken.
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
pub struct Service<BlockNumber> {
	/// The least pay for which it works.
	pub least_pay: Balance,
	/// The fewest blocks within which it answers.
	pub lease: BlockNumber,
	/// How many requests it answers at a time; 0 once the offer is withdrawn.
	pub slots: u16,
	/// How many leases of the version it holds, under this offer or an earlier one. More than
	/// `slots` after an offer of fewer.
	pub busy: u16,
}

impl<BlockNumber> Service<BlockNumber> {
	/// Whether the offer stands.
	pub fn is_offered(&self) -> bool {
		self.slots > 0
	}
}

/// [`Worker`] of a runtime.
pub type WorkerOf<T> = Worker<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

/// [`Service`] of a runtime.
pub type ServiceOf<T> = Service<BlockNumberFor<T>>;

/// [`Lease`] of a runtime.
pub type LeaseOf<T> = Lease<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

/// [`LeaseTerms`] of a runtime.
pub type TermsOf<T> = LeaseTerms<BlockNumberFor<T>>;
