//! What an owner sells by the period.

use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Calls by the period, for one price.
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
pub struct Plan {
	/// Blocks of a period.
	pub period: u32,
	/// For each period, paid when it begins. Zero for a trial.
	pub price: Balance,
	/// Calls in each period, if they are limited.
	pub quota: Option<u64>,
	/// Blocks after a period in which it can still be renewed. No call is covered in them, but once
	/// renewed, the next period counts from the last one's end; so this bounds how many periods one
	/// renewal can charge for.
	pub grace: u32,
}

/// Why a plan is refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum PlanError {
	/// A period of no blocks.
	ZeroPeriod,
	/// A quota of no calls.
	ZeroQuota,
}

impl Plan {
	/// Checks that a period has blocks, and that its quota has calls.
	pub fn validate(&self) -> Result<(), PlanError> {
		if self.period == 0 {
			return Err(PlanError::ZeroPeriod);
		}
		if self.quota == Some(0) {
			return Err(PlanError::ZeroQuota);
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn empty_plans_are_refused() {
		let plan = Plan { period: 1, price: 0, quota: None, grace: 0 };
		assert_eq!(plan.validate(), Ok(()));
		assert_eq!(Plan { period: 0, ..plan }.validate(), Err(PlanError::ZeroPeriod));
		assert_eq!(Plan { quota: Some(0), ..plan }.validate(), Err(PlanError::ZeroQuota));
	}
}
