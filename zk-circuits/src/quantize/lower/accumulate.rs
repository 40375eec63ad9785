//! Operators on accumulators, and the rescale that ends them.

use super::{emit::Integers, store::window_attributes, Lowering};
use crate::{
	onnx::{proto::tensor_proto::DataType, Attribute, Data},
	quantize::{
		operator::{Binary, Operator, Reduction, Scalar},
		plan::{combines, Role},
		value::{broadcast, broadcast_indices, elements},
		QuantizeError,
	},
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
				self.names[index] = self.emitter.to_bytes(&at, &prefix);
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

	/// The axis of a linear operator's filters, and their number.
	fn channels(&self, value: usize) -> (usize, usize) {
		let node = self.node(value);
		match &node.operator {
			Operator::MatMul { columns, .. } => (node.dims.len() - 1, *columns),
			_ => (1, node.dims[1]),
		}
	}

	/// The step of the input that a weight of a linear operator meets, as an index of its rows or
	/// channels.
	fn row(&self, value: usize) -> Box<dyn Fn(usize) -> usize> {
		match &self.node(value).operator {
			Operator::Conv { weights, bias, group, window } => {
				let kernel = window.kernel[0] * window.kernel[1];
				let channels = weights.len() / bias.len() / kernel;
				let filters = bias.len() / group;
				Box::new(move |k| {
					let filter = k / kernel / channels;
					filter / filters * channels + k / kernel % channels
				})
			},
			Operator::MatMul { columns, .. } => {
				let columns = *columns;
				Box::new(move |k| k / columns)
			},
			_ => Box::new(|_| 0),
		}
	}

	/// The filter that a weight of a linear operator belongs to.
	fn filter(&self, value: usize) -> Box<dyn Fn(usize) -> usize> {
		match &self.node(value).operator {
			Operator::Conv { weights, bias, .. } => {
				let each = weights.len() / bias.len();
				Box::new(move |k| k / each)
			},
			Operator::MatMul { columns, .. } => {
				let columns = *columns;
				Box::new(move |k| k % columns)
			},
			_ => Box::new(|_| 0),
		}
	}

	/// For each row or channel of a linear operator's input, a number of its elements.
	fn per_row(&self, value: usize, numbers: &[f64], mean: bool) -> Vec<f64> {
		let dims = &self.node(self.node(value).inputs[0]).dims;
		let axis = match self.node(value).operator {
			Operator::MatMul { .. } => dims.len() - 1,
			_ => 1,
		};
		let inner: usize = dims[axis + 1..].iter().product();
		let mut rows = vec![0.0; dims[axis]];
		for (element, x) in numbers.iter().enumerate() {
			let row = &mut rows[element / inner % dims[axis]];
			*row = if mean { *row + x * dims[axis] as f64 / numbers.len() as f64 } else { *x };
		}
		rows
	}

	/// The weights of a linear operator with the steps of its input folded in, and the largest of
	/// each filter. `None` for other operators.
	fn folded(&self, value: usize) -> Option<(Vec<f64>, Vec<f64>)> {
		let node = self.node(value);
		let weights = match &node.operator {
			Operator::MatMul { weights, .. } | Operator::Conv { weights, .. } => weights,
			_ => return None,
		};
		let steps = self.per_row(value, &self.steps(node.inputs[0]), false);
		let (row, filter) = (self.row(value), self.filter(value));
		let mut largest = vec![0.0f64; self.channels(value).1];
		let folded = weights
			.iter()
			.enumerate()
			.map(|(k, w)| {
				let folded = w * steps[row(k)];
				let most = &mut largest[filter(k)];
				*most = most.max(folded.abs());
				folded
			})
			.collect();
		Some((folded, largest))
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

	/// `MatMulInteger` or `ConvInteger`.
	fn linear(
		&mut self,
		target: &Target,
		value: usize,
		folded: &[f64],
		largest: &[f64],
	) -> Accumulator {
		let node = self.node(value).clone();
		let input = node.inputs[0];
		let (axis, columns) = self.channels(value);
		let inner: usize = node.dims[axis + 1..].iter().product();
		let element = |column: usize| column * inner;
		let units = self.units_at(target, &node.dims);
		let map = broadcast_indices(&node.dims, &target.dims);
		let mut coarser = vec![0; columns];
		for (at, bits) in map.into_iter().zip(&target.coarser) {
			let column = &mut coarser[at / inner % columns];
			*column = (*column).max(*bits);
		}
		// Weights that do not fit are made smaller by a power of two, the product larger.
		let powers: Vec<f64> = (0..columns)
			.map(|column| {
				let needed = (largest[column] / (self.limit * units[element(column)])).log2();
				let bits = (needed - 1e-9).ceil().clamp(0.0, 40.0) as u32;
				power(bits.max(coarser[column]))
			})
			.collect();
		let (row, filter) = (self.row(value), self.filter(value));
		let zero = self.zero_point(input);
		let steps = self.per_row(value, &self.steps(input), false);
		let means = self.per_row(value, &self.calibration.means[input], true);
		let (mut lo, mut hi, mut error) =
			(vec![0.0; columns], vec![0.0; columns], vec![0.0; columns]);
		let mut bytes = Vec::with_capacity(folded.len());
		for (k, w) in folded.iter().enumerate() {
			let column = filter(k);
			let unit = units[element(column)] * powers[column];
			let weight = (w / unit).round().clamp(-self.limit, self.limit);
			bytes.push((weight + 128.0) as u8);
			let ends = (-zero * weight, (255.0 - zero) * weight);
			lo[column] += ends.0.min(ends.1);
			hi[column] += ends.0.max(ends.1);
			error[column] += (weight - w / unit) * powers[column] * means[row(k)] / steps[row(k)];
		}
		let name = format!("{}.{}", self.prefixes[target.root], self.prefixes[value]);
		let weight = format!("{name}.weight");
		let zero_name = self.emitter.bytes(&format!("zero_point_{zero}"), zero as u8);
		let weight_zero = self.emitter.bytes("weight_zero_point", 128);
		let x = self.names[input].clone();
		let (dims, operator, attributes, bias) = match &node.operator {
			Operator::Conv { bias, group, window, .. } => {
				let kernel = &window.kernel[2 - window.axes..];
				let channels = folded.len() / columns / elements(kernel);
				let mut attributes = window_attributes(window);
				if *group != 1 {
					attributes.push(("group", Attribute::Int(*group as i64)));
				}
				([&[columns, channels], kernel].concat(), "ConvInteger", attributes, bias.clone())
			},
			Operator::MatMul { bias, .. } => {
				(vec![folded.len() / columns, columns], "MatMulInteger", vec![], bias.clone())
			},
			_ => Default::default(),
		};
		self.emitter.constant(&weight, &dims, Data::U8(bytes));
		let operands = [x.as_str(), &weight, &zero_name, &weight_zero];
		let mut at =
			self.emitter.node(operator, &operands, &format!("{name}.product"), &attributes);
		let per_element = |list: &[f64]| -> Vec<f64> {
			(0..units.len()).map(|e| list[e / inner % columns]).collect()
		};
		let powers = per_element(&powers);
		if powers.iter().any(|&power| power != 1.0) {
			let factor = self.emitter.numbers(&format!("{name}.factor"), &node.dims, &powers);
			at = self.emitter.node("Mul", &[&at, &factor], &format!("{name}.scaled"), &[]);
		}
		let times = |list: Vec<f64>| list.iter().zip(&powers).map(|(x, p)| x * p).collect();
		let constant = per_element(&bias)
			.iter()
			.zip(&units)
			.zip(per_element(&error))
			.map(|((bias, unit), error)| bias / unit - error)
			.collect();
		let integers = Integers {
			name: at,
			dims: node.dims.clone(),
			lo: times(per_element(&lo)),
			hi: times(per_element(&hi)),
		};
		Accumulator { integers, constant }
	}

	/// A stored value, times a coefficient for each element or one for all.
	fn stored_term(
		&mut self,
		target: &mut Target,
		value: usize,
		coefficients: &[f64],
	) -> Result<Accumulator, QuantizeError> {
		let name = format!("{}.{}", self.prefixes[target.root], self.prefixes[value]);
		let integers = self.wide(value, &format!("{name}.integers"));
		let unit = self
			.steps(value)
			.iter()
			.enumerate()
			.map(|(e, step)| step * coefficients[e % coefficients.len()])
			.collect();
		let offset = -self.zero_point(value);
		Ok(self.scaled(target, Term { integers, unit, offset }, &name))
	}

	/// A stored value as `int32`.
	fn wide(&mut self, value: usize, name: &str) -> Integers {
		let x = self.names[value].clone();
		let dims = self.node(value).dims.clone();
		let count = elements(&dims);
		let name = self.emitter.cast(&x, name, DataType::Int32);
		Integers { name, dims, lo: vec![0.0; count], hi: vec![255.0; count] }
	}

	/// A stored value as `int32`, less its zero point.
	fn centred(&mut self, value: usize, name: &str) -> Integers {
		let mut x = self.wide(value, name);
		let zero = self.zero_point(value);
		if zero != 0.0 {
			let constant = format!("{name}.zero");
			let constant = self.emitter.constant(&constant, &[], Data::I32(vec![zero as i32]));
			x.name =
				self.emitter.node("Sub", &[&x.name, &constant], &format!("{name}.centred"), &[]);
			x.lo.iter_mut().chain(&mut x.hi).for_each(|bound| *bound -= zero);
		}
		x
	}

	/// The real number that one step of a sum or a product of stored values stands for.
	fn term_units(&self, value: usize) -> Vec<f64> {
		let node = self.node(value);
		let steps = self.steps(node.inputs[0]);
		let dims = &self.node(node.inputs[0]).dims;
		match &node.operator {
			Operator::Affine { scale, .. } => {
				scale.spread(&node.dims).iter().zip(steps).map(|(a, step)| a * step).collect()
			},
			Operator::AveragePool { counts, .. } => {
				let area: usize = dims[2..].iter().product();
				let at = |e: usize| steps[e / counts.len() * area] / counts[e % counts.len()];
				(0..elements(&node.dims)).map(at).collect()
			},
			Operator::Reduce { reduction, .. } => {
				let mut units = vec![0.0; elements(&node.dims)];
				let count = match reduction {
					Reduction::Mean => elements(dims) as f64 / units.len() as f64,
					_ => 1.0,
				};
				for (at, step) in broadcast_indices(&node.dims, dims).into_iter().zip(steps) {
					units[at] = step / count;
				}
				units
			},
			Operator::Binary(_) => {
				let other = self.steps(node.inputs[1]);
				let a = broadcast_indices(dims, &node.dims);
				let b = broadcast_indices(&self.node(node.inputs[1]).dims, &node.dims);
				a.into_iter().zip(b).map(|(a, b)| steps[a] * other[b]).collect()
			},
			Operator::MatMulPair => {
				let other = self.steps(node.inputs[1]);
				let (rows, columns) =
					(node.dims[node.dims.len() - 2], node.dims[node.dims.len() - 1]);
				let inner = dims[dims.len() - 1];
				let b_dims = &self.node(node.inputs[1]).dims;
				let batch = &node.dims[..node.dims.len() - 2];
				let a = broadcast_indices(&dims[..dims.len() - 2], batch);
				let b = broadcast_indices(&b_dims[..b_dims.len() - 2], batch);
				(0..elements(&node.dims))
					.map(|e| {
						let (block, row) = (e / columns / rows, e / columns % rows);
						steps[(a[block] * rows + row) * inner]
							* other[b[block] * inner * columns + e % columns]
					})
					.collect()
			},
			_ => steps,
		}
	}

	/// A product, a sum or a multiple of stored values.
	fn term(&mut self, target: &mut Target, value: usize) -> Result<Accumulator, QuantizeError> {
		let node = self.node(value).clone();
		let input = node.inputs[0];
		let name = format!("{}.{}", self.prefixes[target.root], self.prefixes[value]);
		let dims = self.node(input).dims.clone();
		let unit = self.term_units(value);
		let count = elements(&node.dims);
		let term = match &node.operator {
			Operator::Affine { scale, shift } => {
				let scale = scale.spread(&node.dims);
				let mut product = self.stored_term(target, input, &scale)?;
				let dims = product.integers.dims.clone();
				let units = self.units_at(target, &dims);
				let shift = spread(&shift.spread(&node.dims), &node.dims, &dims);
				for ((constant, shift), unit) in product.constant.iter_mut().zip(shift).zip(units) {
					*constant += shift / unit;
				}
				return Ok(product);
			},
			Operator::AveragePool { window, .. } => {
				let zero = self.zero_point(input);
				let zero_name = self.emitter.bytes(&format!("zero_point_{zero}"), zero as u8);
				let weight_zero = self.emitter.bytes("weight_zero_point", 128);
				let channels = node.dims[1];
				let kernel = &window.kernel[2 - window.axes..];
				let shape = [&[channels, 1], kernel].concat();
				let ones = Data::U8(vec![129; elements(&shape)]);
				let weight = self.emitter.constant(&format!("{name}.weight"), &shape, ones);
				let mut attributes = window_attributes(window);
				attributes.push(("group", Attribute::Int(channels as i64)));
				let x = self.names[input].clone();
				let at = self.emitter.node(
					"ConvInteger",
					&[&x, &weight, &zero_name, &weight_zero],
					&format!("{name}.total"),
					&attributes,
				);
				let taps = elements(kernel) as f64;
				let integers = Integers {
					name: at,
					dims: node.dims.clone(),
					lo: vec![-zero * taps; count],
					hi: vec![(255.0 - zero) * taps; count],
				};
				Term { integers, unit, offset: 0.0 }
			},
			Operator::Reduce { axes, .. } => {
				let wide = self.wide(input, &format!("{name}.integers"));
				let axes =
					self.emitter.ints(&format!("{name}.axes"), axes.iter().map(|&a| a as i64));
				let at = self.emitter.node(
					"ReduceSum",
					&[&wide.name, &axes],
					&format!("{name}.total"),
					&[],
				);
				let terms = elements(&dims) as f64 / count as f64;
				let integers = Integers {
					name: at,
					dims: node.dims.clone(),
					lo: vec![0.0; count],
					hi: vec![255.0 * terms; count],
				};
				Term { integers, unit, offset: -self.zero_point(input) * terms }
			},
			Operator::Binary(Binary::Mul) => {
				let a = self.centred(input, &format!("{name}.a"));
				let b = self.centred(node.inputs[1], &format!("{name}.b"));
				let at =
					self.emitter.node("Mul", &[&a.name, &b.name], &format!("{name}.times"), &[]);
				let integers = product_bounds(at, node.dims.clone(), &a, &b, 1.0);
				Term { integers, unit, offset: 0.0 }
			},
			Operator::MatMulPair => {
				let mut a = self.centred(input, &format!("{name}.a"));
				let mut b = self.centred(node.inputs[1], &format!("{name}.b"));
				let a_dims = [&a.dims[..], &[1]].concat();
				let mut b_dims = b.dims.clone();
				b_dims.insert(b_dims.len() - 2, 1);
				for (x, dims, part) in [(&mut a, &a_dims, "a.shape"), (&mut b, &b_dims, "b.shape")]
				{
					let shape = format!("{name}.{part}");
					let shape = self.emitter.ints(&shape, dims.iter().map(|&n| n as i64));
					let to = format!("{name}.{part}d");
					x.name = self.emitter.node("Reshape", &[&x.name, &shape], &to, &[]);
				}
				let at =
					self.emitter.node("Mul", &[&a.name, &b.name], &format!("{name}.times"), &[]);
				let axes = self.emitter.ints(&format!("{name}.axes"), [-2]);
				let keep = [("keepdims", Attribute::Int(0))];
				let at =
					self.emitter.node("ReduceSum", &[&at, &axes], &format!("{name}.total"), &keep);
				let inner = dims[dims.len() - 1] as f64;
				let (a, b) = (ends(&a), ends(&b));
				let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
				let lo = corners.iter().copied().fold(0.0, f64::min) * inner;
				let hi = corners.iter().copied().fold(0.0, f64::max) * inner;
				let integers = Integers {
					name: at,
					dims: node.dims.clone(),
					lo: vec![lo; count],
					hi: vec![hi; count],
				};
				Term { integers, unit, offset: 0.0 }
			},
			_ => return Err(self.unsupported(value, "it has no integer pattern")),
		};
		Ok(self.scaled(target, term, &name))
	}

	/// Multiplies a term, so that it has the target's unit.
	fn scaled(&mut self, target: &mut Target, term: Term, name: &str) -> Accumulator {
		let Term { integers, unit, offset } = term;
		let map = broadcast_indices(&integers.dims, &target.dims);
		let units = self.units_at(target, &integers.dims);
		// The term may be smaller than the target, whose units differ where it is repeated.
		let uniform = map.iter().zip(&target.unit).all(|(&at, unit)| units[at] == *unit);
		let (dims, multipliers): (Vec<usize>, Vec<f64>) = match uniform {
			true => {
				let list = unit.iter().zip(&units).map(|(u, to)| (u / to).round());
				(integers.dims.clone(), list.collect())
			},
			false => {
				let list = map.iter().zip(&target.unit).map(|(&at, to)| (unit[at] / to).round());
				(target.dims.clone(), list.collect())
			},
		};
		let [lo, hi] = [&integers.lo, &integers.hi].map(|list| spread(list, &integers.dims, &dims));
		let mut at = integers.name;
		if multipliers.iter().any(|&m| m != 1.0) {
			let clamped: Vec<f64> = multipliers.iter().map(|m| m.clamp(-1e9, 1e9)).collect();
			let factor = self.emitter.numbers(&format!("{name}.factor"), &dims, &clamped);
			at = self.emitter.node("Mul", &[&at, &factor], &format!("{name}.scaled"), &[]);
		}
		let constant = multipliers.iter().map(|m| m * offset).collect();
		let ends = |e: usize| {
			let ends = (multipliers[e] * lo[e], multipliers[e] * hi[e]);
			(ends.0.min(ends.1), ends.0.max(ends.1))
		};
		let integers = Integers {
			name: at,
			lo: (0..lo.len()).map(|e| ends(e).0).collect(),
			hi: (0..lo.len()).map(|e| ends(e).1).collect(),
			dims,
		};
		self.check(target, &integers);
		Accumulator { integers, constant }
	}

	/// Notes the elements of the target that do not fit `int32`.
	fn check(&self, target: &mut Target, integers: &Integers) {
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
	fn settle(&mut self, target: &mut Target, sum: Accumulator, part: &str) -> Integers {
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

	fn sum(
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
	fn extreme(
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
	fn limit(
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
	fn slope(&mut self, target: &mut Target, x: Accumulator, ratios: &[(f64, f64)]) -> Accumulator {
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

fn power(bits: u32) -> f64 {
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

fn spread(list: &[f64], from: &[usize], to: &[usize]) -> Vec<f64> {
	broadcast_indices(from, to).into_iter().map(|at| list[at]).collect()
}

fn ends(x: &Integers) -> (f64, f64) {
	(
		x.lo.iter().copied().fold(f64::INFINITY, f64::min),
		x.hi.iter().copied().fold(f64::NEG_INFINITY, f64::max),
	)
}

fn product_bounds(
	name: String,
	dims: Vec<usize>,
	a: &Integers,
	b: &Integers,
	terms: f64,
) -> Integers {
	let (a, b) = (ends(a), ends(b));
	let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1].map(|x| x * terms);
	let count = elements(&dims);
	Integers {
		name,
		dims,
		lo: vec![corners.iter().copied().fold(f64::INFINITY, f64::min); count],
		hi: vec![corners.iter().copied().fold(f64::NEG_INFINITY, f64::max); count],
	}
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
