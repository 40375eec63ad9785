//! How well a model or a worker answers, as moving figures.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{FixedPointNumber, FixedU64, Permill};

/// How many observations a figure remembers: one moves it by this part of its distance. The first
/// ones count alike, so that a figure of fewer is their plain mean.
pub const MEMORY: u32 = 64;

/// Moving figures: with the n-th observation x, a mean m becomes `m + (x − m) / min(n, MEMORY)`, rounded
/// towards m.
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
pub struct Figures {
	/// Leases that obliged and ended, counted up to [`MEMORY`].
	pub leases: u32,
	/// The share of these that were answered.
	pub availability: Permill,
	/// Answers, counted up to [`MEMORY`].
	pub answers: u32,
	/// Blocks that they took.
	pub latency: FixedU64,
}

impl Figures {
	/// Counts an answer that took so many blocks.
	pub fn answered(&mut self, blocks: u32) {
		self.lease_ended(Permill::one());
		self.answers = counted(self.answers);
		let took = FixedU64::saturating_from_integer(blocks).into_inner();
		let latency = moved(self.latency.into_inner(), took, self.answers);
		self.latency = FixedU64::from_inner(latency);
	}

	/// Counts a lease that lapsed though it obliged.
	pub fn lapsed(&mut self) {
		self.lease_ended(Permill::zero());
	}

	fn lease_ended(&mut self, share: Permill) {
		self.leases = counted(self.leases);
		let (before, share) = (self.availability.deconstruct(), share.deconstruct());
		let after = moved(before.into(), share.into(), self.leases);
		self.availability = Permill::from_parts(u32::try_from(after).unwrap_or(before));
	}
}

fn counted(count: u32) -> u32 {
	count.saturating_add(1).min(MEMORY)
}

/// A mean after the observation that makes them `count`.
fn moved(mean: u64, value: u64, count: u32) -> u64 {
	let step = |distance: u64| distance.checked_div(count.into()).unwrap_or(distance);
	if value >= mean {
		mean.saturating_add(step(value.saturating_sub(mean)))
	} else {
		mean.saturating_sub(step(mean.saturating_sub(value)))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn blocks(n: u32) -> FixedU64 {
		FixedU64::saturating_from_integer(n)
	}

	#[test]
	fn the_first_figures_are_plain_means() {
		let mut figures = Figures::default();
		figures.answered(4);
		assert_eq!((figures.availability, figures.latency), (Permill::one(), blocks(4)));
		figures.answered(8);
		assert_eq!(figures.latency, blocks(6));
		figures.lapsed();
		assert_eq!(figures.availability, Permill::from_parts(666_667));
		assert_eq!((figures.leases, figures.answers), (3, 2));
		assert_eq!(figures.latency, blocks(6), "a lapse is no answer");
	}

	#[test]
	fn a_full_memory_moves_by_its_part() {
		let mut figures = Figures::default();
		(0..1_000).for_each(|_| figures.answered(10));
		assert_eq!(
			figures,
			Figures { leases: 64, availability: Permill::one(), answers: 64, latency: blocks(10) }
		);
		figures.lapsed();
		assert_eq!(figures.availability, Permill::from_parts(1_000_000 - 1_000_000 / 64));
		figures.answered(74);
		assert_eq!(figures.latency, blocks(11));
	}

	#[test]
	fn the_longest_answer_does_not_overflow() {
		let mut figures = Figures::default();
		figures.answered(u32::MAX);
		assert_eq!(figures.latency, blocks(u32::MAX));
	}

	proptest! {
		#[test]
		fn figures_stay_among_what_was_observed(took in prop::collection::vec(any::<u32>(), 1..200)) {
			let mut figures = Figures::default();
			took.iter().for_each(|blocks| figures.answered(*blocks));
			let (least, most) = (took.iter().min().unwrap(), took.iter().max().unwrap());
			prop_assert!(blocks(*least) <= figures.latency && figures.latency <= blocks(*most));
			prop_assert_eq!(figures.availability, Permill::one());
		}

		#[test]
		fn up_to_the_memory_the_share_is_exact_but_for_rounding(
			answered in prop::collection::vec(any::<bool>(), 1..=64),
		) {
			let mut figures = Figures::default();
			for answered in &answered {
				if *answered { figures.answered(1) } else { figures.lapsed() }
			}
			let count = answered.iter().filter(|answered| **answered).count() as u64;
			let exact = count * 1_000_000 / answered.len() as u64;
			let share = u64::from(figures.availability.deconstruct());
			prop_assert!(share.abs_diff(exact) <= 64, "{share} is not {exact}");
		}
	}
}
