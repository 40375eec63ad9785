//! A multiplier of a price.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{PerThing, Permill};

/// A multiplier in millionths: from 0 to about 4295. Unlike a [`Permill`], it may exceed one.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	Debug,
	TypeInfo,
)]
pub struct Factor(u32);

impl Factor {
	/// The parts of one.
	pub const ACCURACY: u32 = Permill::ACCURACY;

	/// Leaves a price as it is.
	pub const ONE: Self = Self(Self::ACCURACY);

	/// `parts` millionths.
	pub const fn from_parts(parts: u32) -> Self {
		Self(parts)
	}

	/// In millionths.
	pub const fn parts(self) -> u32 {
		self.0
	}

	/// `1 + share`.
	pub fn one_plus(share: Permill) -> Self {
		Self(Self::ACCURACY.saturating_add(share.deconstruct()))
	}

	/// `1 − share`.
	pub fn one_minus(share: Permill) -> Self {
		Self(Self::ACCURACY.saturating_sub(share.deconstruct()))
	}
}

impl Default for Factor {
	fn default() -> Self {
		Self::ONE
	}
}
