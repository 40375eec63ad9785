//! Interval analysis: the bounds of every element, over every input of the input's type.

use super::{Operator, Pick};

/// The integers `lo..=hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
	/// The least.
	pub lo: i64,
	/// The greatest.
	pub hi: i64,
}

impl Interval {
	/// All values of `uint8`.
	pub const U8: Self = Self { lo: 0, hi: u8::MAX as i64 };
	/// All values of `int32`.
	pub const I32: Self = Self { lo: i32::MIN as i64, hi: i32::MAX as i64 };

	/// Whether all of it lies in `other`.
	pub fn within(&self, other: &Self) -> bool {
		other.lo <= self.lo && self.hi <= other.hi
	}

	/// One integer.
	pub(crate) const fn exactly(value: i64) -> Self {
		Self { lo: value, hi: value }
	}

	/// The bounds of a function that never falls.
	pub(crate) fn map(self, rising: impl Fn(i64) -> i64) -> Self {
		Self { lo: rising(self.lo), hi: rising(self.hi) }
	}

	/// The bounds of the sum; at most those of `i64`, which is far outside what is admitted.
	fn add(&mut self, other: Self) {
		self.lo = self.lo.saturating_add(other.lo);
		self.hi = self.hi.saturating_add(other.hi);
	}

	/// The bounds of the product.
	fn times(self, other: Self) -> Self {
		let products = [
			self.lo.saturating_mul(other.lo),
			self.lo.saturating_mul(other.hi),
			self.hi.saturating_mul(other.lo),
			self.hi.saturating_mul(other.hi),
		];
		let lo = products.iter().copied().fold(i64::MAX, i64::min);
		Self { lo, hi: products.iter().copied().fold(i64::MIN, i64::max) }
	}

	/// The bounds of the greater of both.
	fn max(self, other: Self) -> Self {
		Self { lo: self.lo.max(other.lo), hi: self.hi.max(other.hi) }
	}

	/// The bounds of a value that is one of both.
	fn or(self, other: Self) -> Self {
		Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
	}
}

/// The bounds of each result. What the operator demands of its sources holds.
pub(super) fn of(operator: &Operator, sources: &[&[Interval]]) -> Vec<Interval> {
	let pick = |pick: &Pick| match *pick {
		Pick::Element { source, at } => sources[source][at],
		Pick::Constant(value) => Interval::exactly(value),
	};
	let each = |function: &dyn Fn(usize, Interval) -> Interval| -> Vec<Interval> {
		sources[0].iter().enumerate().map(|(at, &x)| function(at, x)).collect()
	};
	match operator {
		Operator::Select { picks } => picks.iter().map(pick).collect(),
		Operator::Private { values, bits } => {
			let half = 1 << (bits - 1);
			vec![Interval { lo: -half, hi: half - 1 }; values.len()]
		},
		Operator::Linear(linear) => (0..linear.elements())
			.map(|at| {
				let zero_point = i64::from(linear.zero_point);
				let mut sum = Interval::exactly(0);
				for (element, weight) in linear.terms(at) {
					let x = sources[0][element].map(|x| x - zero_point);
					sum.add(x.times(linear.weight_bounds(weight)));
				}
				sum
			})
			.collect(),
		Operator::Sum { factors, constant } => each(&|at, _| {
			let mut sum = Interval::exactly(*constant);
			for (source, factors) in sources.iter().zip(factors) {
				sum.add(source[at].times(Interval::exactly(factors[at])));
			}
			sum
		}),
		Operator::Product => each(&|at, x| x.times(sources[1][at])),
		Operator::Rescale { shifts } => {
			each(&|at, x| x.map(|x| (x >> shifts[at]).clamp(0, u8::MAX.into())))
		},
		Operator::Divide { divisors } => each(&|at, x| x.map(|x| x / divisors[at])),
		Operator::Quotient => each(&|at, x| Interval {
			lo: x.lo / sources[1][at].hi.max(1),
			hi: x.hi / sources[1][at].lo.max(1),
		}),
		Operator::Clip { lo, hi } => each(&|_, x| x.map(|x| x.max(*lo).min(*hi))),
		Operator::Max { windows } => windows
			.iter()
			.map(|window| {
				window.iter().map(pick).reduce(Interval::max).unwrap_or(Interval::exactly(0))
			})
			.collect(),
		Operator::Abs => each(&|_, x| {
			let hi = x.lo.saturating_abs().max(x.hi);
			Interval { lo: x.lo.max(x.hi.saturating_neg()).max(0), hi }
		}),
		Operator::Lookup { table } => each(&|_, x| {
			let entries = &table[x.lo as usize..=x.hi as usize];
			entries
				.iter()
				.map(|&entry| Interval::exactly(entry))
				.reduce(Interval::or)
				.unwrap_or(Interval::exactly(0))
		}),
		Operator::ArgMax { windows } => {
			windows.iter().map(|window| Interval { lo: 0, hi: window.len() as i64 - 1 }).collect()
		},
	}
}
