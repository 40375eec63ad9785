//! How many requests: in a window of blocks, and at a time.

use super::AccessError;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The most requests of a model.
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
pub struct Limits {
	/// Of one account in a window.
	pub rate: Option<RateLimit>,
	/// Of one account at a time.
	pub open_per_account: Option<u32>,
	/// Of all accounts at a time.
	pub open: Option<u32>,
}

/// The most requests of one account.
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
pub struct AccountLimits {
	/// In a window.
	pub rate: Option<RateLimit>,
	/// At a time.
	pub open: Option<u32>,
}

impl Limits {
	/// Those of each account.
	pub fn per_account(&self) -> AccountLimits {
		AccountLimits { rate: self.rate, open: self.open_per_account }
	}
}

impl AccountLimits {
	/// Checks that each admits something and that its window is no longer than `longest` blocks, for
	/// which counts are kept at least.
	pub fn validate(&self, longest: u32) -> Result<(), AccessError> {
		let Self { rate, open } = self;
		if *open == Some(0) || rate.is_some_and(|rate| rate.calls == 0) {
			return Err(AccessError::ZeroLimit);
		}
		if rate.is_some_and(|rate| rate.window == 0 || rate.window > longest) {
			return Err(AccessError::Window);
		}
		Ok(())
	}
}

/// So many requests in each window of so many blocks.
///
/// Windows are counted from genesis on and half-open: the window of block `b` begins at the last
/// multiple of `window` that is not after `b`. So twice as many calls can follow each other closely,
/// on both sides of an edge, and never more.
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
pub struct RateLimit {
	/// Requests, whatever becomes of them.
	pub calls: u32,
	/// Blocks.
	pub window: u32,
}

impl RateLimit {
	/// The first block of the window of a block.
	fn start(&self, block: u32) -> u32 {
		block.saturating_sub(block.checked_rem(self.window).unwrap_or(0))
	}
}

/// Requests of one account in the latest window in which it made any.
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
pub struct CallCount {
	/// The first block in which they could be made.
	pub from: u32,
	/// How many were.
	pub calls: u32,
}

impl CallCount {
	/// The count with one more request at `block`, or nothing if the limit is reached.
	///
	/// Where the window was changed meanwhile, what was counted still counts if all of it was made in
	/// the window of `block`.
	#[must_use]
	pub fn after_call(self, limit: &RateLimit, block: u32) -> Option<Self> {
		let from = limit.start(block);
		let Self { from, calls } = if self.from >= from { self } else { Self { from, calls: 0 } };
		let calls = calls.checked_add(1).filter(|calls| *calls <= limit.calls)?;
		Some(Self { from, calls })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;
	use std::collections::BTreeMap;

	const THREE_IN_TEN: RateLimit = RateLimit { calls: 3, window: 10 };

	/// How many of the calls at these blocks are admitted.
	fn admitted(limit: &RateLimit, blocks: &[u32]) -> Vec<u32> {
		let mut count = CallCount::default();
		let mut admitted = Vec::new();
		for block in blocks {
			if let Some(after) = count.after_call(limit, *block) {
				count = after;
				admitted.push(*block);
			}
		}
		admitted
	}

	#[test]
	fn windows_are_half_open() {
		assert_eq!(admitted(&THREE_IN_TEN, &[0, 0, 9, 9]), [0, 0, 9]);
		assert_eq!(
			admitted(&THREE_IN_TEN, &[9, 9, 9, 10, 10, 19, 19, 20]),
			[9, 9, 9, 10, 10, 19, 20]
		);
	}

	#[test]
	fn what_is_refused_does_not_count() {
		let full = CallCount { from: 0, calls: 3 };
		assert_eq!(full.after_call(&THREE_IN_TEN, 9), None);
		assert_eq!(full.after_call(&THREE_IN_TEN, 10), Some(CallCount { from: 10, calls: 1 }));
	}

	#[test]
	fn a_longer_window_keeps_what_was_counted() {
		let count = CallCount { from: 50, calls: 3 };
		let longer = RateLimit { calls: 4, window: 100 };
		assert_eq!(count.after_call(&longer, 60), Some(CallCount { from: 50, calls: 4 }));
		assert_eq!(count.after_call(&THREE_IN_TEN, 60), Some(CallCount { from: 60, calls: 1 }));
	}

	#[test]
	fn a_full_count_does_not_overflow() {
		let count = CallCount { from: 0, calls: u32::MAX };
		assert_eq!(count.after_call(&RateLimit { calls: u32::MAX, window: 1 }, 0), None);
	}

	proptest! {
		#[test]
		fn in_no_window_are_more_calls_than_the_limit_and_none_is_refused_below_it(
			calls in 1u32..5,
			window in 1u32..20,
			mut blocks in prop::collection::vec(0u32..100, 0..100),
		) {
			blocks.sort_unstable();
			let limit = RateLimit { calls, window };
			let by_window = |blocks: &[u32]| {
				let mut counts = BTreeMap::<u32, u32>::new();
				blocks.iter().for_each(|block| *counts.entry(block / window).or_default() += 1);
				counts
			};
			let expected: BTreeMap<_, _> =
				by_window(&blocks).into_iter().map(|(at, n)| (at, n.min(calls))).collect();
			prop_assert_eq!(by_window(&admitted(&limit, &blocks)), expected);
		}
	}
}
