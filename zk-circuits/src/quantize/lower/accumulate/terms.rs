//! Stored values, and sums and products of some, as terms of an accumulator.

use super::{spread, Accumulator, Target, Term};
use crate::{
	onnx::{proto::tensor_proto::DataType, Attribute, Data},
	quantize::{
		lower::{emit::Integers, store::window_attributes, Lowering},
		operator::{Binary, Operator, Reduction},
		value::{broadcast_indices, elements},
		QuantizeError,
	},
};

impl Lowering<'_> {
	/// A stored value, times a coefficient for each element or one for all.
	pub(super) fn stored_term(
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
	pub(super) fn wide(&mut self, value: usize, name: &str) -> Integers {
		let x = self.names[value].clone();
		let dims = self.node(value).dims.clone();
		let count = elements(&dims);
		let name = self.emitter.cast(&x, name, DataType::Int32);
		Integers { name, dims, lo: vec![0.0; count], hi: vec![255.0; count] }
	}

	/// A stored value as `int32`, less its zero point.
	pub(super) fn centred(&mut self, value: usize, name: &str) -> Integers {
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
	pub(super) fn term_units(&self, value: usize) -> Vec<f64> {
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
	pub(super) fn term(
		&mut self,
		target: &mut Target,
		value: usize,
	) -> Result<Accumulator, QuantizeError> {
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
	pub(super) fn scaled(&mut self, target: &mut Target, term: Term, name: &str) -> Accumulator {
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
