//! Operators on accumulators, and the rescale that ends them.

mod combine;
mod linear;
mod terms;

use super::{emit::Integers, Lowering};
use crate::quantize::{
	operator::{Binary, Operator, Scalar},
	plan::{combines, Role},
	value::{broadcast, broadcast_indices, elements},
	QuantizeError,
};
use std::collections::BTreeSet;

/// The largest shift. Keeps a bias of thousands of steps inside `int32`.
const MAX_SHIFT: u32 = 16;
/// The largest multiplier of a stored value, where no weights ask for more.
const MAX_MULTIPLIER: f64 = 255.0;
/// The relative error that a multiplier should not exceed.
const MULTIPLIER_ERROR: f64 = 1.0 / 512.0;
/// How often an accumulator is made coarser until it fits `int32`.
const ATTEMPTS: u32 = 48;

/// Integers and a real constant beside them, in the same unit: the constants of a sum are added
/// together, at its end.
struct Accumulator {
	integers: Integers,
	constant: Vec<f64>,
}

/// The accumulator of one stored value or of the scores, while it is written.
struct Target {
	/// The value that the accumulator belongs to; names its nodes.
	root: usize,
	dims: Vec<usize>,
	/// The real number that one unit stands for, for each element.
	unit: Vec<f64>,
	/// How much coarser than the accumulator weights must be, in bits.
	coarser: Vec<u32>,
	/// Elements that do not fit `int32`.
	overflow: BTreeSet<usize>,
}

/// What the terms of an accumulator ask of its unit.
struct Demand {
	/// The largest weight that meets each element, in real numbers per step of the input.
	weight: Vec<f64>,
	/// For each stored term, the real number that its integer stands for.
	terms: Vec<Vec<f64>>,
}

/// A stored value, or a sum or product of some, as `int32`: `real = unit · (integer + offset)`.
struct Term {
	integers: Integers,
	unit: Vec<f64>,
	offset: f64,
}

impl Lowering<'_> {
	/// Writes a value that is stored as `uint8` after a rescale.
	pub(super) fn rescale(&mut self, index: usize) -> Result<(), QuantizeError> {
		self.widen(index);
		let (steps, zero) = (self.steps(index), self.zero_point(index));
		let body = self.without_limits(index, &steps, zero);
		let ratios = self.slopes(body);
		let dims = self.node(index).dims.clone();
		let groups: Vec<usize> =
			self.plan.groups[index].iter().map(|&group| group as usize).collect();
		let demand = self.demand(body, &dims);
		let mut shifts = vec![0; steps.len()];
		for (group, members) in members(&groups) {
			let step = steps[group] * ratios.as_ref().map_or(1.0, |ratios| ratios[group].0);
			let shift = self.shift(&demand, &members, step);
			members.iter().for_each(|&element| shifts[element] = shift);
		}
		let mut reduced = vec![0u32; steps.len()];
		let mark = self.emitter.mark();
		for _ in 0..ATTEMPTS {
			let unit = (0..steps.len())
				.map(|e| {
					let ratio = ratios.as_ref().map_or(1.0, |ratios| ratios[e].0);
					steps[e] * ratio / power(shifts[e].saturating_sub(reduced[e]))
				})
				.collect();
			let coarser = (0..steps.len()).map(|e| reduced[e].saturating_sub(shifts[e])).collect();
			let mut target = Target {
				root: index,
				dims: dims.clone(),
				unit,
				coarser,
				overflow: BTreeSet::new(),
			};
			let mut sum = self.accumulate(&mut target, body)?;
			if let Some(ratios) = &ratios {
				sum = self.slope(&mut target, sum, ratios);
			}
			let divisors: Vec<f64> =
				(0..steps.len()).map(|e| power(shifts[e].saturating_sub(reduced[e]))).collect();
			for (constant, divisor) in sum.constant.iter_mut().zip(&divisors) {
				let half = if *divisor > 1.0 { divisor / 2.0 } else { 0.0 };
				*constant = constant.round() + zero * divisor + half;
			}
			let prefix = self.prefixes[index].clone();
			let sum = self.settle(&mut target, sum, "sum");
			if target.overflow.is_empty() {
				let mut at = sum.name;
				if divisors.iter().any(|&divisor| divisor != 1.0) {
					let divisor =
						self.emitter.numbers(&format!("{prefix}.divisor"), &dims, &divisors);
					let name = format!("{prefix}.quotient");
					at = self.emitter.node("Div", &[&at, &divisor], &name, &[]);
				}
				self.names[index] = self.emitter.clip_to_bytes(&at, &prefix);
				return Ok(());
			}
			self.emitter.reset(mark);
			let over: BTreeSet<usize> = target.overflow.iter().map(|&e| groups[e]).collect();
			for (reduced, group) in reduced.iter_mut().zip(&groups) {
				*reduced += u32::from(over.contains(group));
			}
		}
		Err(self.too_wide(index))
	}

	/// Steps that are finer than the weights can tell are of no use: they grow, so that weights fit
	/// without another product.
	fn widen(&mut self, index: usize) {
		let body = self.without_limits(index, &self.steps(index), self.zero_point(index));
		let demand = self.demand(body, &self.node(index).dims);
		if !demand.terms.is_empty() || self.slopes(body).is_some() {
			return;
		}
		for (weight, &class) in demand.weight.iter().zip(&self.plan.classes[index]) {
			let class = class as usize;
			if self.producers[class] == Some(index) {
				self.class_steps[class] = self.class_steps[class].max(weight / self.limit);
			}
		}
	}

	/// Writes the scores: one unit for all, no rescale.
	pub(super) fn scores(&mut self, index: usize) -> Result<(String, f64), QuantizeError> {
		let dims = self.node(index).dims.clone();
		let ratios = self.slopes(index);
		let demand = self.demand(index, &dims);
		let most = |list: &[f64]| list.iter().fold(0.0, |a: f64, x| a.max(*x));
		let weight = most(&demand.weight) / self.limit;
		let terms = demand.terms.iter().map(|term| most(term) / MAX_MULTIPLIER);
		let units = terms.chain([weight]).filter(|unit| *unit > 0.0);
		let finest = units.fold(f64::INFINITY, f64::min);
		let mut unit = if finest.is_finite() { finest } else { 1.0 };
		let mut coarser = 0;
		let mark = self.emitter.mark();
		for attempt in 0..ATTEMPTS {
			let mut target = Target {
				root: index,
				unit: vec![unit; elements(&dims)],
				coarser: vec![coarser; elements(&dims)],
				dims: dims.clone(),
				overflow: BTreeSet::new(),
			};
			let mut sum = self.accumulate(&mut target, index)?;
			let mut scale = unit;
			if let Some(ratios) = &ratios {
				sum = self.slope(&mut target, sum, ratios);
				scale = unit / ratios[0].0;
			}
			let sum = self.settle(&mut target, sum, "scores");
			if target.overflow.is_empty() {
				return Ok((sum.name, scale));
			}
			self.emitter.reset(mark);
			unit *= 2.0;
			coarser = u32::from(attempt > 24);
		}
		Err(self.too_wide(index))
	}

	fn too_wide(&self, index: usize) -> QuantizeError {
		QuantizeError::TooWide {
			node: self.node(index).name.clone(),
			operator: self.node(index).onnx.clone(),
		}
	}

	/// The value below those limits (as of a Relu) that the clip to bytes sets anyway.
	fn without_limits(&self, index: usize, steps: &[f64], zero: f64) -> usize {
		let (lo, hi) = match &self.node(index).operator {
			Operator::Scalar(Scalar::Relu) => (0.0, f64::INFINITY),
			Operator::Scalar(Scalar::Clip(lo, hi)) => (*lo, *hi),
			_ => return index,
		};
		let input = self.node(index).inputs[0];
		let implied = steps
			.iter()
			.all(|step| lo <= -zero * step + 1e-9 * step && hi >= (255.0 - zero - 1e-3) * step);
		match implied && self.plan.roles[input] == Role::Inlined {
			true => self.without_limits(input, steps, zero),
			false => index,
		}
	}

	/// For a value that ends in a `PRelu`, two integers for each element: their ratio is the slope
	/// below zero.
	fn slopes(&self, index: usize) -> Option<Vec<(f64, f64)>> {
		let Operator::PRelu { slope } = &self.node(index).operator else { return None };
		let mut slopes = slope.spread(&self.node(index).dims);
		if self.plan.roles[index] == Role::Scores {
			// One unit for all: one denominator for all.
			let list = slopes.clone();
			let ratio =
				|p: f64| list.iter().map(move |s| ((s * p).round() / p - s).abs()).sum::<f64>();
			let best = (1..=128).map(f64::from).min_by(|a, b| ratio(*a).total_cmp(&ratio(*b)))?;
			return Some(slopes.iter().map(|slope| (best, (slope * best).round())).collect());
		}
		Some(slopes.drain(..).map(fraction).collect())
	}

	/// What the terms of an accumulator ask of its unit.
	fn demand(&self, value: usize, dims: &[usize]) -> Demand {
		let mut demand = Demand { weight: vec![0.0; elements(dims)], terms: Vec::new() };
		self.collect(value, dims, &mut demand);
		demand
	}

	fn collect(&self, value: usize, dims: &[usize], demand: &mut Demand) {
		let node = self.node(value);
		if combines(&node.operator) {
			for &input in &node.inputs {
				if self.plan.roles[input] == Role::Inlined {
					self.collect(input, dims, demand);
				} else if !matches!(self.node(input).operator, Operator::Constant(_)) {
					let steps = self.steps(input);
					let map = broadcast_indices(&self.node(input).dims, dims);
					demand.terms.push(map.into_iter().map(|at| steps[at]).collect());
				}
			}
			return;
		}
		let map = broadcast_indices(&node.dims, dims);
		match self.folded(value) {
			Some((_, largest)) => {
				let (axis, columns) = self.channels(value);
				let inner: usize = node.dims[axis + 1..].iter().product();
				for (weight, at) in demand.weight.iter_mut().zip(map) {
					*weight = weight.max(largest[at / inner % columns]);
				}
			},
			None => {
				let units = self.term_units(value);
				demand.terms.push(map.into_iter().map(|at| units[at].abs()).collect());
			},
		}
	}

	/// The shift for elements that are rescaled alike, to a step.
	fn shift(&self, demand: &Demand, members: &[usize], step: f64) -> u32 {
		let weight = members.iter().fold(0.0, |a: f64, &e| a.max(demand.weight[e]));
		let mut shift = 0;
		if weight > 0.0 {
			let room = (self.limit * step / weight).log2().floor();
			shift = room.clamp(0.0, f64::from(MAX_SHIFT)) as u32;
		}
		let multipliers: BTreeSet<u64> = demand
			.terms
			.iter()
			.flat_map(|term| members.iter().map(|&e| (term[e] / step).to_bits()))
			.collect();
		let multipliers: Vec<f64> =
			multipliers.into_iter().map(f64::from_bits).filter(|m| *m > 0.0).collect();
		let most = multipliers.iter().fold(0.0, |a: f64, m| a.max(*m));
		let exact = |shift: u32| {
			multipliers.iter().all(|m| {
				let scaled = m * power(shift);
				(scaled - scaled.round()).abs() <= scaled * MULTIPLIER_ERROR
			})
		};
		let mut needed = 0;
		while needed < MAX_SHIFT && most * power(needed + 1) <= MAX_MULTIPLIER && !exact(needed) {
			needed += 1;
		}
		shift.max(needed)
	}

	/// Writes the accumulator of a value, in the target's unit.
	fn accumulate(
		&mut self,
		target: &mut Target,
		value: usize,
	) -> Result<Accumulator, QuantizeError> {
		let node = self.node(value).clone();
		if !combines(&node.operator) {
			return match self.folded(value) {
				Some((folded, largest)) => Ok(self.linear(target, value, &folded, &largest)),
				None => self.term(target, value),
			};
		}
		let mut operands = Vec::new();
		for &input in &node.inputs {
			if self.plan.roles[input] == Role::Inlined {
				operands.push(self.accumulate(target, input)?);
			} else if !matches!(self.node(input).operator, Operator::Constant(_)) {
				operands.push(self.stored_term(target, input, &[1.0])?);
			}
		}
		let name = format!("{}.{}", self.prefixes[target.root], self.prefixes[value]);
		let mut operands = operands.into_iter();
		let first =
			operands.next().ok_or_else(|| self.unsupported(value, "it reads constants only"))?;
		match (&node.operator, operands.next()) {
			(Operator::PRelu { .. }, _) => Ok(first),
			(Operator::Affine { shift, .. }, _) => {
				let mut sum = first;
				let dims = broadcast(&sum.integers.dims, &node.dims).unwrap_or_default();
				sum.constant = spread(&sum.constant, &sum.integers.dims, &dims);
				let units = self.units_at(target, &dims);
				for ((constant, shift), unit) in
					sum.constant.iter_mut().zip(shift.spread(&dims)).zip(units)
				{
					*constant += shift / unit;
				}
				// The constant has the whole shape; so must the integers.
				let integers = &mut sum.integers;
				integers.lo = spread(&integers.lo, &integers.dims, &dims);
				integers.hi = spread(&integers.hi, &integers.dims, &dims);
				integers.dims = dims;
				Ok(sum)
			},
			(Operator::Scalar(scalar), _) => Ok(self.limit(target, first, scalar, &name)),
			(Operator::Binary(binary @ (Binary::Add | Binary::Sub)), Some(second)) => {
				Ok(self.sum(target, first, second, *binary == Binary::Sub, &name))
			},
			(Operator::Binary(binary), Some(second)) => {
				let a = self.settle(target, first, &format!("{}.a", self.prefixes[value]));
				let b = self.settle(target, second, &format!("{}.b", self.prefixes[value]));
				Ok(self.extreme(target, *binary, a, b, &name))
			},
			(Operator::Binary(binary), None) => {
				// The other operand is a constant.
				let constant =
					node.inputs.iter().find_map(|&input| match &self.node(input).operator {
						Operator::Constant(value) => Some(value.clone()),
						_ => None,
					});
				let constant =
					constant.ok_or_else(|| self.unsupported(value, "it has one operand"))?;
				let numbers: Vec<f64> = constant
					.spread(&node.dims)
					.iter()
					.zip(self.units_at(target, &node.dims))
					.map(|(x, unit)| (x / unit).round().clamp(-1e9, 1e9))
					.collect();
				let a = self.settle(target, first, &format!("{}.a", self.prefixes[value]));
				let constant = self.emitter.numbers(&format!("{name}.limit"), &node.dims, &numbers);
				let b = Integers {
					name: constant,
					dims: node.dims.clone(),
					lo: numbers.clone(),
					hi: numbers,
				};
				Ok(self.extreme(target, *binary, a, b, &name))
			},
			_ => Err(self.unsupported(value, "it has no integer pattern")),
		}
	}

	/// The units of a tensor that is broadcast to the target: those of the elements it meets.
	fn units_at(&self, target: &Target, dims: &[usize]) -> Vec<f64> {
		let mut units = vec![1.0; elements(dims)];
		for (at, unit) in broadcast_indices(dims, &target.dims).into_iter().zip(&target.unit) {
			units[at] = *unit;
		}
		units
	}
}

pub(super) fn power(bits: u32) -> f64 {
	2f64.powi(bits as i32)
}

/// Elements by group.
fn members(groups: &[usize]) -> std::collections::BTreeMap<usize, Vec<usize>> {
	let mut members: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
	for (element, &group) in groups.iter().enumerate() {
		members.entry(group).or_default().push(element);
	}
	members
}

pub(super) fn spread(list: &[f64], from: &[usize], to: &[usize]) -> Vec<f64> {
	broadcast_indices(from, to).into_iter().map(|at| list[at]).collect()
}

/// Two integers whose quotient is close to a slope: the first positive and at most 128.
fn fraction(slope: f64) -> (f64, f64) {
	let error = |p: f64| ((slope * p).round() / p - slope).abs();
	let mut best = 1.0;
	for p in (1..=128).map(f64::from) {
		if error(p) < error(best) {
			best = p;
		}
		if error(best) <= slope.abs() * 1e-3 {
			break;
		}
	}
	(best, (slope * best).round())
}
