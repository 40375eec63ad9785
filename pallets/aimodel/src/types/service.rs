//! Service terms: what open requests are guaranteed.

use aimodel_primitives::{
	access::AccountLimits,
	pricing::{Penalty, ServiceTerms, Tier},
	Balance, ModelId,
};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::*;
use sp_runtime::Permill;

/// What a missed deadline of a request brings, and who stands for it. Frozen with the request.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Guarantee<AccountId> {
	/// Whose bond it is: the owner's at creation.
	pub guarantor: AccountId,
	/// For which model.
	pub model: ModelId,
	/// What is promised.
	pub penalty: Penalty,
	/// What of the bond is reserved.
	pub reserved: Balance,
	/// The model's availability after a lease lapsed that obliged: the deadline is missed then, if it
	/// passes. It is what counts if the model closed by then.
	pub lapsed: Option<Permill>,
}

/// The paid period of a plan in which a request is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
	/// Its tier.
	pub(crate) tier: Tier,
	/// Its terms.
	pub(crate) service: Option<ServiceTerms>,
	/// Its limits, in place of the model's for each account.
	pub(crate) limits: Option<AccountLimits>,
	/// Whether requests are made without a penalty where the owner's bond covers none.
	pub(crate) waives_penalty: bool,
}
