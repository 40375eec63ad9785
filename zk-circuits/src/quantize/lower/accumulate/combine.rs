//! Sums, comparisons and piecewise linear functions of accumulators.

use super::{spread, Accumulator, Target};
use crate::quantize::{
	lower::{emit::Integers, Lowering},
	operator::{Binary, Scalar},
	value::{broadcast, broadcast_indices, elements},
};

impl Lowering<'_> {
	/// Notes the elements of the target that do not fit `int32`.
	pub(super) fn check(&self, target: &mut Target, integers: &Integers) {
		if integers.fits() {
			return;
		}
		let limit = f64::from(1 << 30);
		for (element, at) in broadcast_indices(&integers.dims, &target.dims).into_iter().enumerate()
		{
			if !(integers.lo[at] >= -limit && integers.hi[at] <= limit) {
				target.overflow.insert(element);
			}
		}
	}

	/// Adds the constant, rounded.
	pub(super) fn settle(&mut self, target: &mut Target, sum: Accumulator, part: &str) -> Integers {
		let Accumulator { mut integers, constant } = sum;
		self.check(target, &integers);
		let constant: Vec<f64> = constant.iter().map(|c| c.round()).collect();
		if constant.iter().all(|&c| c == 0.0) {
			return integers;
		}
		for (e, c) in constant.iter().enumerate() {
			integers.lo[e] += c;
			integers.hi[e] += c;
		}
		self.check(target, &integers);
		let name = format!("{}.{part}", self.prefixes[target.root]);
		let clamped: Vec<f64> = constant.iter().map(|c| c.clamp(-2e9, 2e9)).collect();
		let addend = self.emitter.numbers(&format!("{name}.addend"), &integers.dims, &clamped);
		integers.name = self.emitter.node("Add", &[&integers.name, &addend], &name, &[]);
		integers
	}

	pub(super) fn sum(
		&mut self,
		target: &mut Target,
		a: Accumulator,
		b: Accumulator,
		minus: bool,
		name: &str,
	) -> Accumulator {
		let dims = broadcast(&a.integers.dims, &b.integers.dims).unwrap_or_default();
		let operator = if minus { "Sub" } else { "Add" };
		let at = self.emitter.node(operator, &[&a.integers.name, &b.integers.name], name, &[]);
		let wide = |list: &[f64], x: &Accumulator| spread(list, &x.integers.dims, &dims);
		let combine = |x: Vec<f64>, y: Vec<f64>| -> Vec<f64> {
			x.iter().zip(y).map(|(x, y)| if minus { x - y } else { x + y }).collect()
		};
		let (b_lo, b_hi) = match minus {
			true => (&b.integers.hi, &b.integers.lo),
			false => (&b.integers.lo, &b.integers.hi),
		};
		let integers = Integers {
			name: at,
			lo: combine(wide(&a.integers.lo, &a), wide(b_lo, &b)),
			hi: combine(wide(&a.integers.hi, &a), wide(b_hi, &b)),
			dims: dims.clone(),
		};
		self.check(target, &integers);
		let constant = combine(wide(&a.constant, &a), wide(&b.constant, &b));
		Accumulator { integers, constant }
	}

	/// `Max` or `Min`.
	pub(super) fn extreme(
		&mut self,
		target: &mut Target,
		binary: Binary,
		a: Integers,
		b: Integers,
		name: &str,
	) -> Accumulator {
		let dims = broadcast(&a.dims, &b.dims).unwrap_or_default();
		let (operator, choose): (_, fn(f64, f64) -> f64) = match binary {
			Binary::Max => ("Max", f64::max),
			_ => ("Min", f64::min),
		};
		let at = self.emitter.node(operator, &[&a.name, &b.name], name, &[]);
		let both = |x: &[f64], y: &[f64]| -> Vec<f64> {
			let (x, y) = (spread(x, &a.dims, &dims), spread(y, &b.dims, &dims));
			x.into_iter().zip(y).map(|(x, y)| choose(x, y)).collect()
		};
		let integers = Integers {
			name: at,
			lo: both(&a.lo, &b.lo),
			hi: both(&a.hi, &b.hi),
			dims: dims.clone(),
		};
		self.check(target, &integers);
		let constant = vec![0.0; elements(&dims)];
		Accumulator { integers, constant }
	}

	/// A piecewise linear function of one number.
	pub(super) fn limit(
		&mut self,
		target: &mut Target,
		x: Accumulator,
		scalar: &Scalar,
		name: &str,
	) -> Accumulator {
		let part = name.rsplit_once('.').map_or(name, |(_, part)| part).to_string();
		let mut integers = self.settle(target, x, &format!("{part}.sum"));
		let zero = vec![0.0; integers.lo.len()];
		match scalar {
			Scalar::Abs => {
				integers.name = self.emitter.node("Abs", &[&integers.name], name, &[]);
				for e in 0..zero.len() {
					let (lo, hi) = (integers.lo[e], integers.hi[e]);
					integers.lo[e] = lo.max(-hi).max(0.0);
					integers.hi[e] = hi.max(-lo);
				}
			},
			Scalar::Neg => {
				integers.name = self.emitter.node("Neg", &[&integers.name], name, &[]);
				let lo = integers.hi.iter().map(|x| -x).collect();
				integers.hi = integers.lo.iter().map(|x| -x).collect();
				integers.lo = lo;
			},
			_ => {
				let (lo, hi) = match scalar {
					Scalar::Clip(lo, hi) => (*lo, *hi),
					_ => (0.0, f64::INFINITY),
				};
				let units = self.units_at(target, &integers.dims);
				for (bound, binary, part) in [(lo, Binary::Max, "low"), (hi, Binary::Min, "high")] {
					if !bound.is_finite() {
						continue;
					}
					let numbers: Vec<f64> =
						units.iter().map(|unit| (bound / unit).round().clamp(-1e9, 1e9)).collect();
					let name = format!("{name}.{part}");
					let constant =
						self.emitter.numbers(&format!("{name}.limit"), &integers.dims, &numbers);
					let limit = Integers {
						name: constant,
						dims: integers.dims.clone(),
						lo: numbers.clone(),
						hi: numbers,
					};
					integers = self.extreme(target, binary, integers, limit, &name).integers;
				}
			},
		}
		Accumulator { integers, constant: zero }
	}

	/// Multiplies by one integer above zero and by another below.
	pub(super) fn slope(
		&mut self,
		target: &mut Target,
		x: Accumulator,
		ratios: &[(f64, f64)],
	) -> Accumulator {
		let prefix = self.prefixes[target.root].clone();
		let x = self.settle(target, x, "before");
		let (above, below): (Vec<f64>, Vec<f64>) = ratios.iter().copied().unzip();
		let times = |lowering: &mut Self, x: &Integers, list: &[f64], part: &str| {
			let name = format!("{prefix}.{part}");
			let factor = lowering.emitter.numbers(&format!("{name}.factor"), &x.dims, list);
			let ends = |e: usize| (x.lo[e] * list[e], x.hi[e] * list[e]);
			Integers {
				name: lowering.emitter.node("Mul", &[&x.name, &factor], &name, &[]),
				dims: x.dims.clone(),
				lo: (0..list.len()).map(|e| ends(e).0.min(ends(e).1)).collect(),
				hi: (0..list.len()).map(|e| ends(e).0.max(ends(e).1)).collect(),
			}
		};
		let name = format!("{prefix}.sloped");
		if ratios.iter().all(|(p, q)| q <= p) || ratios.iter().all(|(p, q)| q >= p) {
			let binary = if ratios.iter().all(|(p, q)| q <= p) { Binary::Max } else { Binary::Min };
			let a = times(self, &x, &above, "above");
			let b = times(self, &x, &below, "below");
			self.check(target, &a);
			self.check(target, &b);
			return self.extreme(target, binary, a, b, &name);
		}
		let positive = self.limit(
			target,
			Accumulator { constant: vec![0.0; x.lo.len()], integers: x.clone() },
			&Scalar::Clip(0.0, f64::INFINITY),
			&format!("{prefix}.positive"),
		);
		let negative = self.limit(
			target,
			Accumulator { constant: vec![0.0; x.lo.len()], integers: x },
			&Scalar::Clip(f64::NEG_INFINITY, 0.0),
			&format!("{prefix}.negative"),
		);
		let integers = times(self, &positive.integers, &above, "above");
		let a = Accumulator { integers, constant: positive.constant };
		let integers = times(self, &negative.integers, &below, "below");
		let b = Accumulator { integers, constant: negative.constant };
		self.sum(target, a, b, false, &name)
	}
}
