//! What a plan promises of the service: by when requests are answered, and what follows where they are
//! not.

use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::Permill;

/// Service terms of a plan.
///
/// A deadline is *missed* where a request expires and a worker let a lease of it lapse that obliged it.
/// So what nobody was ever obliged to answer, an input that was not given for instance, is not missed;
/// and whoever makes workers miss deadlines loses their collateral, which is more than any penalty.
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
pub struct ServiceTerms {
	/// Blocks until the deadline of a request that names none. More, where the version's leases need
	/// more; that many as well, where no number is given.
	pub deadline: Option<u32>,
	/// What a missed deadline brings the customer, as a part of what the request has at stake: the fee
	/// that is held, or what a call by plan has reserved.
	pub penalty: Permill,
	/// The availability of the model below which a missed deadline is a breach.
	pub availability: Permill,
	/// What a breach brings instead of `penalty`, as a part of the same. No less than that.
	pub breach: Permill,
}

/// Why [`ServiceTerms`] are refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum ServiceError {
	/// A deadline of no blocks.
	ZeroDeadline,
	/// A deadline later than is allowed.
	DeadlineTooLate,
	/// A breach brings less than any other missed deadline.
	BreachBelowPenalty,
}

/// What a missed deadline brings, in amounts.
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
pub struct Penalty {
	/// Where the model's availability is as promised.
	pub usual: Balance,
	/// The availability that is promised.
	pub availability: Permill,
	/// Where it is below: the most that can be owed.
	pub breach: Balance,
}

impl ServiceTerms {
	/// Checks that a deadline is within `latest` blocks and that a breach brings the most.
	pub fn validate(&self, latest: u32) -> Result<(), ServiceError> {
		match self.deadline {
			Some(0) => return Err(ServiceError::ZeroDeadline),
			Some(blocks) if blocks > latest => return Err(ServiceError::DeadlineTooLate),
			_ => (),
		}
		if self.breach < self.penalty {
			return Err(ServiceError::BreachBelowPenalty);
		}
		Ok(())
	}

	/// What a missed deadline brings of this stake, which is never exceeded. Nothing, where that rounds
	/// to nothing.
	pub fn penalty_of(&self, stake: Balance) -> Option<Penalty> {
		let Self { penalty, availability, breach, .. } = *self;
		let breach = breach.mul_floor(stake);
		let usual = penalty.mul_floor(stake).min(breach);
		(breach > 0).then_some(Penalty { usual, availability, breach })
	}
}

impl Penalty {
	/// What is owed at this availability.
	pub fn owed(&self, availability: Permill) -> Balance {
		if availability < self.availability {
			self.breach
		} else {
			self.usual
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const TERMS: ServiceTerms = ServiceTerms {
		deadline: Some(20),
		penalty: Permill::from_percent(25),
		availability: Permill::from_percent(99),
		breach: Permill::from_percent(75),
	};

	#[test]
	fn unsound_terms_are_refused() {
		assert_eq!(TERMS.validate(20), Ok(()));
		assert_eq!(TERMS.validate(19), Err(ServiceError::DeadlineTooLate));
		let none = ServiceTerms { deadline: Some(0), ..TERMS };
		assert_eq!(none.validate(20), Err(ServiceError::ZeroDeadline));
		let reversed = ServiceTerms { breach: Permill::from_percent(24), ..TERMS };
		assert_eq!(reversed.validate(20), Err(ServiceError::BreachBelowPenalty));
		let open = ServiceTerms { deadline: None, breach: TERMS.penalty, ..TERMS };
		assert_eq!(open.validate(0), Ok(()));
	}

	#[test]
	fn more_is_owed_below_the_promised_availability() {
		let penalty = TERMS.penalty_of(1_000).unwrap();
		assert_eq!((penalty.usual, penalty.breach), (250, 750));
		assert_eq!(penalty.owed(Permill::from_percent(99)), 250);
		assert_eq!(penalty.owed(Permill::from_parts(989_999)), 750);
	}

	#[test]
	fn terms_without_a_penalty_owe_nothing() {
		let (penalty, breach) = (Permill::zero(), Permill::zero());
		assert_eq!(ServiceTerms { penalty, breach, ..TERMS }.penalty_of(1_000), None);
		assert_eq!(TERMS.penalty_of(0), None);
		assert_eq!(TERMS.penalty_of(1), None);
	}

	proptest! {
		#[test]
		fn no_more_is_owed_than_is_at_stake(
			stake: Balance,
			parts in prop::array::uniform4(0u32..=1_000_000),
		) {
			let [penalty, breach, promised, available] = parts.map(Permill::from_parts);
			let terms = ServiceTerms {
				deadline: None,
				penalty: penalty.min(breach),
				availability: promised,
				breach: breach.max(penalty),
			};
			let penalty = terms.penalty_of(stake);
			let owed = penalty.map_or(0, |penalty| penalty.owed(available));
			let most = penalty.map_or(0, |penalty| penalty.breach);
			prop_assert!(owed <= most && most <= stake);
			prop_assert!(penalty.is_none_or(|penalty| penalty.usual <= penalty.breach));
		}
	}
}
