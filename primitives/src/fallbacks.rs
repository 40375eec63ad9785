//! Fallbacks: models that take a request over when those before them do not serve it.

use crate::{pricing::Quote, Balance, OutPoint, VersionId};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::{BoundedVec, DispatchError};

/// The most fallbacks of a request.
pub const MAX_FALLBACKS: u32 = 3;

/// The outputs that a request names as fallbacks, the most preferred first.
pub type FallbackNames = BoundedVec<OutPoint, ConstU32<MAX_FALLBACKS>>;

/// Why a request went to a fallback.
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
pub enum FallbackReason {
	/// The model that it names refused it when it was made: paused, suspended, busy, or without a
	/// worker that could take it.
	Refused,
	/// No worker of the model could take it.
	NoWorker,
	/// A lease of the model lapsed that obliged its worker.
	Lapsed,
}

/// What a request with fallbacks would hold, and who would serve it.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct ChainQuote {
	/// What would be held: the most that any of them can cost.
	pub held: Balance,
	/// Who would serve it, the first at once, and each of the others where those before it do not.
	pub serving: Vec<ChainLink>,
	/// Who would be left out, and for which of the errors of `request`.
	pub refused: Vec<(OutPoint, DispatchError)>,
}

/// A model that would serve a request.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct ChainLink {
	/// Its output.
	pub out_point: OutPoint,
	/// The version that would answer.
	pub version: VersionId,
	/// The most that would be paid to it: at most `max_fee`.
	pub most: Balance,
	/// Its price.
	pub quote: Quote,
}
