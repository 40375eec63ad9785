//! Discounts by threshold, and factors by time of day.

use super::{Factor, TariffError};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::{BoundedVec, Permill};

/// The most brackets of one discount.
pub const MAX_BRACKETS: u32 = 8;

/// The most brackets of a day: one for each hour.
pub const MAX_TIME_BRACKETS: u32 = 24;

/// Seconds of a UTC day.
pub const DAY: u32 = 24 * 60 * 60;

/// A discount from a threshold on, up to the next bracket's.
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
pub struct Bracket<Threshold> {
	/// The least value that gets it.
	pub from: Threshold,
	/// What it takes off the whole price.
	pub discount: Permill,
}

/// Brackets in strictly ascending order; below the first there is no discount.
pub type Brackets<Threshold> = BoundedVec<Bracket<Threshold>, ConstU32<MAX_BRACKETS>>;

/// A factor during a part of each UTC day: the seconds `from ≤ second < until`.
///
/// It does not pass midnight: a night is two brackets.
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
pub struct TimeBracket {
	/// The first second of the day that it covers.
	pub from: u32,
	/// The first that it no longer covers: at most [`DAY`].
	pub until: u32,
	/// What it multiplies the price by.
	pub factor: Factor,
}

/// Brackets of a day, in order and disjoint; between them the factor is one.
pub type TimeBrackets = BoundedVec<TimeBracket, ConstU32<MAX_TIME_BRACKETS>>;

/// The discount at `value`.
pub(super) fn discount_at<Threshold: PartialOrd>(
	brackets: &[Bracket<Threshold>],
	value: Threshold,
) -> Permill {
	let bracket = brackets.iter().rev().find(|bracket| bracket.from <= value);
	bracket.map_or(Permill::zero(), |bracket| bracket.discount)
}

/// The factor at a second of the day.
pub(super) fn factor_at(brackets: &[TimeBracket], second: u32) -> Factor {
	let bracket = brackets.iter().find(|bracket| (bracket.from..bracket.until).contains(&second));
	bracket.map_or(Factor::ONE, |bracket| bracket.factor)
}

pub(super) fn ensure_sorted<Threshold: PartialOrd>(
	brackets: &[Bracket<Threshold>],
) -> Result<(), TariffError> {
	let sorted = brackets.is_sorted_by(|a, b| a.from < b.from);
	sorted.then_some(()).ok_or(TariffError::UnsortedBrackets)
}

pub(super) fn ensure_day(brackets: &[TimeBracket]) -> Result<(), TariffError> {
	if brackets.iter().any(|bracket| bracket.from >= bracket.until) {
		return Err(TariffError::EmptyTimeBracket);
	}
	if brackets.iter().any(|bracket| bracket.until > DAY) {
		return Err(TariffError::BeyondTheDay);
	}
	if !brackets.is_sorted_by_key(|bracket| bracket.from) {
		return Err(TariffError::UnsortedBrackets);
	}
	if !brackets.is_sorted_by(|a, b| a.until <= b.from) {
		return Err(TariffError::OverlappingTimeBrackets);
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::DecodeAll;

	#[test]
	fn a_discount_holds_from_its_threshold_up_to_the_next() {
		let bracket = |from, percent| Bracket { from, discount: Permill::from_percent(percent) };
		let brackets = [bracket(100u64, 5), bracket(1_000, 10)];
		let percent_at = |calls| discount_at(&brackets, calls).deconstruct() / 10_000;
		assert_eq!([0, 99, 100, 999, 1_000, u64::MAX].map(percent_at), [0, 0, 5, 5, 10, 10]);
	}

	#[test]
	fn a_time_bracket_is_half_open() {
		let night = Factor::from_parts(500_000);
		let brackets = [TimeBracket { from: 0, until: 6 * 3_600, factor: night }];
		assert_eq!(factor_at(&brackets, 0), night);
		assert_eq!(factor_at(&brackets, 6 * 3_600 - 1), night);
		assert_eq!(factor_at(&brackets, 6 * 3_600), Factor::ONE);
	}

	#[test]
	fn a_discount_above_the_whole_can_not_be_decoded() {
		assert!(Bracket::<u32>::decode_all(&mut &(1u32, 1_000_000u32).encode()[..]).is_ok());
		assert!(Bracket::<u32>::decode_all(&mut &(1u32, 1_000_001u32).encode()[..]).is_err());
	}
}
