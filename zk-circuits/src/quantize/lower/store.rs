//! Operators on stored values that need no rescale: moves, pools, tables and softmax.

use super::{emit::Emitter, Lowering};
use crate::{
	onnx::{proto::tensor_proto::DataType, Attribute, Data, TensorType},
	quantize::{
		graph::Node,
		operator::{Move, Operator, Reduction, Window},
		value::elements,
		QuantizeError,
	},
};

/// The number that exponentials are scaled by in a softmax.
const EXPONENTIAL: f64 = 32768.0;

/// The attributes of a window, as ONNX has them.
pub(super) fn window_attributes(window: &Window) -> Vec<(&'static str, Attribute)> {
	let from = 2 - window.axes;
	let list = |sizes: &[usize]| Attribute::Ints(sizes.iter().map(|&n| n as i64).collect());
	let pads = [&window.before[from..], &window.after[from..]].concat();
	let mut attributes = vec![("kernel_shape", list(&window.kernel[from..]))];
	if window.strides[from..].iter().any(|&n| n != 1) {
		attributes.push(("strides", list(&window.strides[from..])));
	}
	if window.dilations[from..].iter().any(|&n| n != 1) {
		attributes.push(("dilations", list(&window.dilations[from..])));
	}
	if pads.iter().any(|&n| n != 0) {
		attributes.push(("pads", list(&pads)));
	}
	attributes
}

/// Writes a move of a tensor, `uint8` or `int32`.
pub(super) fn emit_move(
	emitter: &mut Emitter,
	prefix: &str,
	x: &str,
	dims: &[usize],
	to: &Move,
	fill: u8,
) -> String {
	let constant = format!("{prefix}.to");
	match to {
		Move::Reshape(to) if to.len() == 2 && to[0] == 1 && dims.first() == Some(&1) => {
			emitter.node("Flatten", &[x], prefix, &[("axis", Attribute::Int(1))])
		},
		Move::Reshape(to) => {
			// A leading 1 may stand for a batch.
			let batch = to.first() == Some(&1) && dims.first() == Some(&1);
			let sizes = to.iter().enumerate().map(|(at, &size)| match at {
				0 if batch => -1,
				_ => size as i64,
			});
			let shape = emitter.ints(&constant, sizes);
			emitter.node("Reshape", &[x, &shape], prefix, &[])
		},
		Move::Transpose(perm) => {
			let perm = Attribute::Ints(perm.iter().map(|&axis| axis as i64).collect());
			emitter.node("Transpose", &[x], prefix, &[("perm", perm)])
		},
		Move::Select { axis, indices } => {
			let start = indices[0];
			if indices.iter().copied().eq(start..start + indices.len()) {
				let starts = emitter.ints(&format!("{prefix}.start"), [start as i64]);
				let ends = emitter.ints(&format!("{prefix}.end"), [(start + indices.len()) as i64]);
				let axes = emitter.ints(&format!("{prefix}.axis"), [*axis as i64]);
				emitter.node("Slice", &[x, &starts, &ends, &axes], prefix, &[])
			} else {
				let list = emitter.ints(&constant, indices.iter().map(|&index| index as i64));
				let axis = Attribute::Int(*axis as i64);
				emitter.node("Gather", &[x, &list], prefix, &[("axis", axis)])
			}
		},
		Move::Pad { before, after, .. } => {
			let pads = before.iter().chain(after).map(|&size| size as i64);
			let pads = emitter.ints(&constant, pads);
			let fill = emitter.bytes(&format!("{prefix}.fill"), fill);
			emitter.node("Pad", &[x, &pads, &fill], prefix, &[])
		},
	}
}

impl Lowering<'_> {
	/// Writes a stored value that is not rescaled.
	pub(super) fn store(&mut self, index: usize) -> Result<(), QuantizeError> {
		let node = self.node(index).clone();
		let prefix = self.prefixes[index].clone();
		let x = node.inputs.first().map_or(String::new(), |&input| self.names[input].clone());
		let name = match &node.operator {
			Operator::Input => x,
			Operator::Constant(value) => {
				let zero = self.zero_point(index);
				let bytes = value
					.data
					.iter()
					.zip(self.steps(index))
					.map(|(x, step)| (x / step + zero).round().clamp(0.0, 255.0) as u8)
					.collect();
				self.emitter.constant(&prefix, &node.dims, Data::U8(bytes))
			},
			Operator::Move(to) => {
				let fill = match self.plan.classes[index].first() {
					Some(_) if to.fill() != 0.0 => self.padding(index, to)?,
					_ => self.calibration.zero_points[index],
				};
				let dims = self.node(node.inputs[0]).dims.clone();
				emit_move(&mut self.emitter, &prefix, &x, &dims, to, fill)
			},
			Operator::Concat { axis } => {
				let names: Vec<String> =
					node.inputs.iter().map(|&input| self.names[input].clone()).collect();
				let names: Vec<&str> = names.iter().map(String::as_str).collect();
				let axis = Attribute::Int(*axis as i64);
				self.emitter.node("Concat", &names, &prefix, &[("axis", axis)])
			},
			Operator::MaxPool { window } => {
				self.emitter.node("MaxPool", &[&x], &prefix, &window_attributes(window))
			},
			Operator::Reduce { reduction: Reduction::Max, axes } => {
				let wide = self.emitter.cast(&x, &format!("{prefix}.integers"), DataType::Int32);
				let axes = Attribute::Ints(axes.iter().map(|&axis| axis as i64).collect());
				let max = format!("{prefix}.max");
				let max = self.emitter.node("ReduceMax", &[&wide], &max, &[("axes", axes)]);
				self.emitter.cast(&max, &prefix, DataType::Uint8)
			},
			Operator::Function(function) => self.table(index, &x, &prefix, &|x| function.apply(x)),
			Operator::Scalar(scalar) => self.table(index, &x, &prefix, &|x| scalar.apply(x)),
			Operator::Softmax { axis, log: false } => self.softmax(index, *axis, &x, &prefix)?,
			Operator::ArgMax { .. } => {
				return Err(self.unsupported(index, "it can be the last operator only"));
			},
			Operator::Softmax { .. } => {
				return Err(
					self.unsupported(index, "inside a network only Softmax can be quantised")
				);
			},
			_ => {
				return Err(self.unsupported(
					index,
					"it has no integer pattern; replace it by products with constants",
				));
			},
		};
		self.names[index] = name;
		Ok(())
	}

	/// The byte that stands for a number that a tensor is padded with.
	fn padding(&self, index: usize, to: &Move) -> Result<u8, QuantizeError> {
		let dims = &self.node(self.node(index).inputs[0]).dims;
		let bytes: std::collections::BTreeSet<u8> = to
			.sources(dims)
			.iter()
			.zip(self.steps(index))
			.filter(|(source, _)| source.is_none())
			.map(|(_, step)| {
				(to.fill() / step + self.zero_point(index)).round().clamp(0.0, 255.0) as u8
			})
			.collect();
		match bytes.first() {
			Some(&byte) if bytes.len() == 1 => Ok(byte),
			_ => {
				Err(self.unsupported(index, "pad with 0, or before channels get their own scales"))
			},
		}
	}

	/// A table of 256 entries.
	fn table(&mut self, index: usize, x: &str, prefix: &str, f: &dyn Fn(f64) -> f64) -> String {
		let input = self.node(index).inputs[0];
		let (step, zero) = (self.steps(input)[0], self.zero_point(input));
		let (steps, zero_out) = (self.steps(index), self.zero_point(index));
		let mut last = 0.0;
		let entries: Vec<f64> = (0..256)
			.map(|entry| {
				let y = f(step * (f64::from(entry) - zero));
				// Where it is not defined, calibration never was.
				if !y.is_nan() {
					last = y;
				}
				last
			})
			.collect();
		let byte = |y: f64, step: f64| (y / step + zero_out).round().clamp(0.0, 255.0) as u8;
		let table = entries.iter().map(|&y| byte(y, steps[0])).collect();
		let table = self.emitter.constant(&format!("{prefix}.table"), &[256], Data::U8(table));
		let place = self.emitter.cast(x, &format!("{prefix}.index"), DataType::Int32);
		self.emitter.node("Gather", &[&table, &place], prefix, &[])
	}

	/// Exponentials of the distances from the largest entry, divided by their sum.
	fn softmax(
		&mut self,
		index: usize,
		axis: usize,
		x: &str,
		prefix: &str,
	) -> Result<String, QuantizeError> {
		let input = self.node(index).inputs[0];
		let (step, out, zero) =
			(self.steps(input)[0], self.steps(index)[0], self.zero_point(index));
		let dims = self.node(index).dims.clone();
		let same = |steps: Vec<f64>| steps.iter().all(|&other| other == steps[0]);
		if !same(self.steps(input)) || !same(self.steps(index)) || dims[axis] > 1 << 14 {
			return Err(self.unsupported(index, "its entries must share one scale"));
		}
		// At least 1, so that the sum is positive whatever the input.
		let table = (0..256)
			.map(|d| (EXPONENTIAL * (-step * f64::from(d)).exp()).round().max(1.0) as i32)
			.collect();
		let name = |part: &str| format!("{prefix}.{part}");
		let emitter = &mut self.emitter;
		let wide = emitter.cast(x, &name("integers"), DataType::Int32);
		let axes = Attribute::Ints(vec![axis as i64]);
		let max = emitter.node("ReduceMax", &[&wide], &name("max"), &[("axes", axes)]);
		let below = emitter.node("Sub", &[&max, &wide], &name("below"), &[]);
		// Always in range, which interval analysis can not know.
		emitter.constant("lowest", &[], Data::I32(vec![0]));
		emitter.constant("highest", &[], Data::I32(vec![255]));
		let limits = [below.as_str(), "lowest", "highest"];
		let distance = emitter.node("Clip", &limits, &name("distance"), &[]);
		let table = emitter.constant(&name("table"), &[256], Data::I32(table));
		let powers = emitter.node("Gather", &[&table, &distance], &name("powers"), &[]);
		let axes = emitter.ints(&name("axes"), [axis as i64]);
		let sum = emitter.node("ReduceSum", &[&powers, &axes], &name("sum"), &[]);
		// round(power · k / sum) + zero, with nothing negative: half of the sum is added before.
		let scale = (2.0 / out).round().clamp(1.0, 1024.0) as i32;
		let factor = emitter.constant(&name("factor"), &[], Data::I32(vec![scale]));
		let scaled = emitter.node("Mul", &[&powers, &factor], &name("scaled"), &[]);
		let odd = emitter.constant(&name("odd"), &[], Data::I32(vec![2 * zero as i32 + 1]));
		let two = emitter.constant(&name("two"), &[], Data::I32(vec![2]));
		let offset = match zero as i32 {
			0 => sum.clone(),
			_ => emitter.node("Mul", &[&sum, &odd], &name("offset"), &[]),
		};
		let dividend = emitter.node("Add", &[&scaled, &offset], &name("dividend"), &[]);
		let divisor = emitter.node("Mul", &[&sum, &two], &name("divisor"), &[]);
		let quotient = emitter.node("Div", &[&dividend, &divisor], &name("quotient"), &[]);
		Ok(emitter.clip_to_bytes(&quotient, prefix))
	}

	/// A move or an `ArgMax` after the scores.
	pub(super) fn trailing(
		&mut self,
		index: usize,
		node: &Node,
		at: &str,
		element: TensorType,
	) -> Result<(String, TensorType), QuantizeError> {
		let prefix = self.prefixes[index].clone();
		match &node.operator {
			Operator::Move(to) => {
				let dims = self.node(node.inputs[0]).dims.clone();
				debug_assert!(elements(&dims) > 0);
				Ok((emit_move(&mut self.emitter, &prefix, at, &dims, to, 0), element))
			},
			Operator::ArgMax { axis } if element == TensorType::I32 => {
				let axis = ("axis", Attribute::Int(*axis as i64));
				let at = self.emitter.node("ArgMax", &[at], &prefix, &[axis]);
				Ok((at, TensorType::I64))
			},
			_ => Err(self.unsupported(index, "it can not follow an ArgMax")),
		}
	}
}
