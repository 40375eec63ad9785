//! Interval analysis: the bounds of every element, over every input of the input's type.

use super::Operator;

/// All integers from `lo` to `hi`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
	/// The least.
	pub lo: i64,
	/// The largest; not below `lo`.
	pub hi: i64,
}

impl Interval {
	/// All values of `uint8`.
	pub const U8: Self = Self { lo: 0, hi: u8::MAX as i64 };
	/// All values of `int32`.
	pub const I32: Self = Self { lo: i32::MIN as i64, hi: i32::MAX as i64 };

	/// Whether every integer of `self` is in `other`.
	pub fn within(&self, other: &Self) -> bool {
		other.lo <= self.lo && self.hi <= other.hi
	}
}

/// Bounds of each element that `operator` gives, from those of the elements that it reads.
///
/// Each bound is attained if the elements that are read vary independently. Nothing overflows:
/// operands fit `int32`, weights 9 bits, and a tensor has at most 2^26 elements.
pub(super) fn of(operator: &Operator, source: &[Interval]) -> Vec<Interval> {
	match operator {
		Operator::MatMul { weights, columns, zero_point } => {
			let mut sums = vec![Interval { lo: 0, hi: 0 }; *columns];
			for (x, row) in source.iter().zip(weights.chunks_exact(*columns)) {
				let (lo, hi) = (x.lo - i64::from(*zero_point), x.hi - i64::from(*zero_point));
				for (sum, &weight) in sums.iter_mut().zip(row) {
					let (a, b) = (lo * i64::from(weight), hi * i64::from(weight));
					sum.lo += a.min(b);
					sum.hi += a.max(b);
				}
			}
			sums
		},
		Operator::AddConstant { constant } => source
			.iter()
			.zip(constant)
			.map(|(x, &c)| Interval { lo: x.lo + i64::from(c), hi: x.hi + i64::from(c) })
			.collect(),
		Operator::Rescale { shifts } => source
			.iter()
			.zip(shifts)
			.map(|(x, &s)| Interval {
				lo: (x.lo >> s).clamp(0, 255),
				hi: (x.hi >> s).clamp(0, 255),
			})
			.collect(),
	}
}
