//! What a request froze of the models that may take it over.

use crate::Config;
use aimodel_primitives::{
	fallbacks::MAX_FALLBACKS,
	pricing::{Rates, Tier},
	split::FlatSplit,
	traits::LeaseTerms,
	Balance, OutPoint,
};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::BlockNumberFor;

/// The fallbacks of a request, the most preferred first.
pub(crate) type FallbacksOf<T> = BoundedVec<Fallback<T>, ConstU32<MAX_FALLBACKS>>;

/// What a request agreed on with one model, as it was quoted: all of its terms that depend on the model.
#[derive(CloneNoBound, DebugNoBound, Decode, Encode, MaxEncodedLen, TypeInfo)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Fallback<T: Config> {
	/// The output that it was quoted on.
	pub out_point: OutPoint,
	/// What units cost.
	pub rates: Rates,
	/// The split, as it led to accounts.
	pub split: FlatSplit<T::AccountId>,
	/// The most that can be paid: no more than the request holds.
	pub most: Balance,
	/// What each lease demands of its worker, the version among it.
	pub terms: LeaseTerms<BlockNumberFor<T>>,
	/// Which of the requests that wait for its workers get them first.
	pub priority: Tier,
}
