//! Who may use a model, how often, and how it is kept from those that it would only disappoint.
//!
//! What an owner sets is an [`Access`]; what follows from it by itself is a [`Breaker`]; how well
//! models and workers answer is told by [`Figures`].

mod breaker;
mod figures;
mod limits;

pub use breaker::{Admission, Breaker, BreakerParams, BreakerState, Suspension, Trial};
pub use figures::{Figures, MEMORY};
pub use limits::{AccountLimits, CallCount, Limits, RateLimit};

use crate::pricing::Tier;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The most accounts that one call allows or disallows.
pub const MAX_ACCOUNTS: u32 = 64;

/// Who may make requests of a model. Its owner always may.
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
pub enum Policy {
	/// Everybody.
	#[default]
	Open,
	/// The accounts that the owner allowed.
	AllowList,
	/// The accounts that are in a period of a plan.
	Subscribers,
	/// The accounts that are in a period of a plan of this tier, or of a higher one.
	Tier(Tier),
}

/// What an owner sets of the use of a model. By default everybody may use it, without limits.
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
pub struct Access {
	/// Who may make requests.
	pub policy: Policy,
	/// Whether nobody may, for now. Open requests go on.
	pub paused: bool,
	/// How many requests.
	pub limits: Limits,
	/// After which failures the model is suspended, if ever.
	pub breaker: Option<BreakerParams>,
}

/// Why an [`Access`] is refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum AccessError {
	/// A limit of no request. Whoever wants none pauses the model.
	ZeroLimit,
	/// A window of no blocks, or of more than are allowed.
	Window,
	/// A breaker that no failure trips, or that suspends for no block.
	Breaker,
}

impl Access {
	/// Checks that every limit admits something and that its window is no longer than `longest`
	/// blocks, for which counts are kept at least.
	pub fn validate(&self, longest: u32) -> Result<(), AccessError> {
		self.limits.per_account().validate(longest)?;
		if self.limits.open == Some(0) {
			return Err(AccessError::ZeroLimit);
		}
		if self.breaker.is_some_and(|breaker| breaker.failures == 0 || breaker.cool_down == 0) {
			return Err(AccessError::Breaker);
		}
		Ok(())
	}
}

/// How a model is: who may use it, whether it is suspended, and how well it answered.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Health {
	/// What its owner set.
	pub access: Access,
	/// Accounts on its allow-list.
	pub allowed: u32,
	/// Requests that wait for their answer.
	pub open: u32,
	/// Whether it is suspended.
	pub breaker: BreakerState,
	/// Of its leases that obliged, and of the blocks from a request to its answer.
	pub figures: Figures,
}

#[cfg(test)]
mod tests {
	use super::*;

	const LONGEST: u32 = 100;

	fn limited(limits: Limits) -> Result<(), AccessError> {
		Access { limits, ..Access::default() }.validate(LONGEST)
	}

	fn rate(calls: u32, window: u32) -> Limits {
		Limits { rate: Some(RateLimit { calls, window }), ..Limits::default() }
	}

	#[test]
	fn by_default_everybody_may() {
		let access = Access::default();
		assert_eq!(access.validate(0), Ok(()));
		assert_eq!((access.policy, access.paused), (Policy::Open, false));
	}

	#[test]
	fn a_limit_of_nothing_is_refused() {
		assert_eq!(limited(rate(0, 1)), Err(AccessError::ZeroLimit));
		let none = Limits { open_per_account: Some(0), ..Limits::default() };
		assert_eq!(limited(none), Err(AccessError::ZeroLimit));
		let none = Limits { open: Some(0), ..Limits::default() };
		assert_eq!(limited(none), Err(AccessError::ZeroLimit));
		let one = Limits { open: Some(1), open_per_account: Some(1), ..rate(1, 1) };
		assert_eq!(limited(one), Ok(()));
	}

	#[test]
	fn a_window_is_no_longer_than_counts_are_kept() {
		assert_eq!(limited(rate(1, 0)), Err(AccessError::Window));
		assert_eq!(limited(rate(1, LONGEST + 1)), Err(AccessError::Window));
		assert_eq!(limited(rate(1, LONGEST)), Ok(()));
	}

	#[test]
	fn a_breaker_without_effect_is_refused() {
		let with = |failures, cool_down| {
			let breaker = Some(BreakerParams { failures, cool_down });
			Access { breaker, ..Access::default() }.validate(LONGEST)
		};
		assert_eq!(with(0, 1), Err(AccessError::Breaker));
		assert_eq!(with(1, 0), Err(AccessError::Breaker));
		assert_eq!(with(1, 1), Ok(()));
	}
}
