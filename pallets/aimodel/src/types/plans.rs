//! Subscriptions, and requests that plans cover.

use crate::Config;
use aimodel_primitives::{
	pricing::{Subscription, Tier},
	split::FlatSplit,
	voucher::{Claim, MAX_CLAIMS, MAX_SETTLERS},
	Balance,
};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::*;
use sp_runtime::Permill;

/// Names one period of one subscription. Counted up, never reused: what a call took from a period
/// goes back to that one or to none.
pub type TermId = u64;

/// An account's subscription to a model. Its escrow is held on the account.
#[derive(DebugNoBound, Decode, Encode, MaxEncodedLen, TypeInfo)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct SubscriptionRecord<T: Config> {
	/// The plan in its period, as it was sold.
	pub subscription: Subscription,
	/// What the plan promises.
	pub tier: Tier,
	/// What that promises which begins when the period ends.
	pub next_tier: Tier,
	/// The period.
	pub term: TermId,
	/// Who gets what is left of the period.
	pub payees: Payees<T::AccountId>,
	/// How many calls of the period were settled by vouchers, for each worker.
	pub settled: BoundedVec<(T::AccountId, u64), ConstU32<MAX_SETTLERS>>,
	/// Whether the account makes requests without a penalty where the owner's bond covers none.
	pub waives_penalty: bool,
	/// The deposit, taken from the account.
	pub deposit: T::CustomerDeposit,
}

/// What a worker claims at once.
pub type Claims<T> =
	BoundedVec<Claim<<T as frame_system::Config>::AccountId>, ConstU32<MAX_CLAIMS>>;

/// Who gets what workers have not drawn of a period, as it was when the period began.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Payees<AccountId> {
	/// The platform's share.
	pub platform_share: Permill,
	/// Who shares in the rest: the owner's side, as it led to accounts.
	pub split: FlatSplit<AccountId>,
}

/// The subscriptions of a model, as long as there are any.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Audience {
	/// How many, ended ones that are not closed included.
	pub subscriptions: u32,
	/// When the model was retired.
	pub retired: Option<u32>,
}

/// What pays the worker of a request by plan. All of it is reserved when the request is made.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Cover<AccountId> {
	/// The period that the call belongs to.
	pub term: TermId,
	/// What is reserved.
	pub draw: Draw,
	/// From what.
	pub source: FundingSource<AccountId>,
	/// Who gets what is given back after the period.
	pub payees: Payees<AccountId>,
}

/// What a worker draws, with the platform's share in it.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	TypeInfo,
)]
pub struct Draw {
	/// The worker's pay: what it would get of a fee.
	pub pay: Balance,
	/// The pay and the platform's share.
	pub gross: Balance,
}

/// What a draw is paid from.
#[derive(
	Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub enum FundingSource<AccountId> {
	/// The price of the plan's period, held on the customer.
	Plan,
	/// The pot of the model's owner, held on it.
	Pot(AccountId),
}

/// How a request is paid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Payment {
	/// By a fee.
	Fee {
		/// Never is more held or paid.
		max_fee: Balance,
	},
	/// By the customer's plan.
	Plan,
}
