//! Graphs that are quantised already, read as the float graphs that they stand for.
//!
//! A quantised activation is read as the real number that it represents. What the file says of its
//! scale and zero point becomes a clip to the range that they can represent.

use super::{
	attributes::{axis, int, known, refuse},
	Operand, Reader,
};
use crate::{
	onnx::{Attribute, Data, Node},
	quantize::{
		operator::{Operator, Scalar},
		value::{elements, Kind, Value},
		QuantizeError,
	},
};

const NOTE: &str = "the model is quantised already: it was read as the float model that it stands for, and its quantisation parameters as ranges";

impl Reader<'_> {
	fn note(&mut self) {
		if !self.notes.iter().any(|note| note == NOTE) {
			self.notes.push(NOTE.into());
		}
	}

	/// Least and largest integer of the type of a zero point; `uint8` without.
	fn integer_range(&self, node: &Node, at: usize) -> (f64, f64) {
		let name = node.inputs.get(at).map_or("", String::as_str);
		match self.model.constants.get(name).map(|tensor| &tensor.data) {
			Some(Data::I8(_)) => (-128.0, 127.0),
			_ => (0.0, 255.0),
		}
	}

	/// `(x - zero point) · scale` for constants, per tensor or along an axis.
	fn dequantized(
		&self,
		node: &Node,
		x: &Value,
		scale: &Value,
		zero: Option<&Value>,
		at: usize,
	) -> Result<Value, QuantizeError> {
		let shape = |value: &Value| -> Result<Value, QuantizeError> {
			let mut value = value.clone();
			if value.data.len() == 1 {
				value.dims = vec![];
			} else if x.dims.get(at) == Some(&value.data.len()) {
				value.dims = vec![1; x.dims.len() - at];
				value.dims[0] = value.data.len();
			} else {
				return Err(refuse(node, "its scales do not fit its weights"));
			}
			Ok(value)
		};
		let scale = shape(scale)?.spread(&x.dims);
		let zero = match zero {
			Some(zero) => shape(zero)?.spread(&x.dims),
			None => vec![0.0; elements(&x.dims)],
		};
		let data = x.data.iter().zip(zero).zip(scale).map(|((x, z), s)| (x - z) * s).collect();
		Ok(Value::new(&x.dims, data))
	}

	/// Limits a value to what a quantised type of this scale and zero point represents.
	fn limited(
		&mut self,
		node: &Node,
		x: Operand,
		(scale, zero): (usize, usize),
	) -> Result<Operand, QuantizeError> {
		let (lo, hi) = self.integer_range(node, zero);
		let step = self
			.weights(node, scale)?
			.uniform()
			.filter(|&step| step > 0.0)
			.ok_or_else(|| refuse(node, "an activation must have one positive scale"))?;
		let zero = self.optional_constant(node, zero)?.map_or(Some(0.0), |zero| zero.uniform());
		let zero = zero.ok_or_else(|| refuse(node, "an activation must have one zero point"))?;
		let (lo, hi) = ((lo - zero) * step, (hi - zero) * step);
		self.note();
		let y = self.apply(node, Operator::Scalar(Scalar::Clip(lo, hi)), &[x])?;
		if let Operand::Node(index) = y {
			self.nodes[index].kind = Kind::Float;
			self.ranges.insert(index, (lo, hi));
		}
		Ok(y)
	}

	pub(super) fn quantize_linear(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["axis", "saturate", "block_size", "output_dtype"])?;
		if matches!(node.attributes.get("block_size"), Some(Attribute::Int(size)) if *size != 0) {
			return Err(refuse(node, "scales per block can not be quantised"));
		}
		let x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		match (x, node.operator.as_str()) {
			(Operand::Constant(x), operator) => {
				let scale = self.weights(node, 1)?;
				let zero = self.optional_constant(node, 2)?;
				let at = int(node, "axis")?.unwrap_or(1);
				let at = if scale.data.len() == 1 { 0 } else { axis(node, at, dims.len())? };
				if operator == "DequantizeLinear" {
					let value = self.dequantized(node, &x, &scale, zero.as_ref(), at)?;
					return Ok(Operand::Constant(value));
				}
				// What the integer stands for, as for activations, then as the integer itself.
				let (lo, hi) = self.integer_range(node, 2);
				let unit = Value::new(&x.dims, vec![1.0; x.data.len()]);
				let scales = self.dequantized(node, &unit, &scale, None, at)?.data;
				let zeros = match &zero {
					Some(zero) => self.dequantized(node, &unit, zero, None, at)?.data,
					None => vec![0.0; x.data.len()],
				};
				let data = (0..x.data.len())
					.map(|i| ((x.data[i] / scales[i]).round_ties_even() + zeros[i]).clamp(lo, hi))
					.collect();
				Ok(Operand::Constant(Value { dims: x.dims, data, kind: Kind::Int }))
			},
			(x, "QuantizeLinear") => self.limited(node, x, (1, 2)),
			(Operand::Node(index), _) => match self.nodes[index].kind {
				Kind::Float => Ok(Operand::Node(index)),
				// The graph's input is quantised.
				_ => {
					let scale = self.weights(node, 1)?;
					let zero = self.optional_constant(node, 2)?.unwrap_or(Value::scalar(0.0));
					match (scale.uniform(), zero.uniform()) {
						(Some(scale), Some(zero)) => {
							let shift = Value::scalar(-zero * scale);
							let y = self.affine(
								node,
								Operand::Node(index),
								Value::scalar(scale),
								shift,
							)?;
							if let Operand::Node(index) = y {
								self.nodes[index].kind = Kind::Float;
							}
							Ok(y)
						},
						_ => Err(refuse(node, "an activation must have one scale and zero point")),
					}
				},
			},
		}
	}

	/// The activation is taken as it is, with scale 1 and zero point 0.
	pub(super) fn dynamic_quantize(&mut self, node: &Node) -> Result<(), QuantizeError> {
		let x = self.operand(node, 0)?;
		self.note();
		self.give(node, 0, x)?;
		self.give(node, 1, Operand::Constant(Value::scalar(1.0)))?;
		self.give(node, 2, Operand::Constant(Value::scalar(0.0)))
	}

	/// The constant at an input, less its zero point, times its scale; the scale is along `at`.
	fn quantised_weights(
		&self,
		node: &Node,
		[x, scale, zero]: [usize; 3],
		at: usize,
	) -> Result<Value, QuantizeError> {
		let (x, scale) = (self.weights(node, x)?, self.weights(node, scale)?);
		let zero = self.optional_constant(node, zero)?;
		self.dequantized(node, &x, &scale, zero.as_ref(), at)
	}

	pub(super) fn qlinear_matmul(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		let x = self.real(node, 0, 1, 2)?;
		let rank = self.dims(&self.operand(node, 3)?).len();
		let weights = self.quantised_weights(node, [3, 4, 5], rank.saturating_sub(1))?;
		let y = self.times(node, x, weights)?;
		self.limited(node, y, (6, 7))
	}

	pub(super) fn qlinear_conv(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		let x = self.real(node, 0, 1, 2)?;
		let weights = self.quantised_weights(node, [3, 4, 5], 0)?;
		let bias = match self.optional(node, 8)? {
			None => None,
			Some(_) => {
				let mut bias = self.weights(node, 8)?;
				let (input, filters) = (self.weights(node, 1)?, self.weights(node, 4)?);
				for (index, b) in bias.data.iter_mut().enumerate() {
					*b *= input.data[0] * filters.data[index % filters.data.len()];
				}
				Some(bias)
			},
		};
		let y = self.convolution(node, x, weights, bias)?;
		self.limited(node, y, (6, 7))
	}

	/// A quantised activation as a real number.
	fn real(
		&mut self,
		node: &Node,
		at: usize,
		scale: usize,
		zero: usize,
	) -> Result<Operand, QuantizeError> {
		let x = self.operand(node, at)?;
		match self.kind(&x) {
			Kind::Float => Ok(x),
			_ => {
				let scale = self.weights(node, scale)?.uniform();
				let zero = self.optional_constant(node, zero)?.map_or(Some(0.0), |z| z.uniform());
				let (Some(scale), Some(zero)) = (scale, zero) else {
					return Err(refuse(node, "an activation must have one scale and zero point"));
				};
				let y = self.affine(node, x, Value::scalar(scale), Value::scalar(-zero * scale))?;
				if let Operand::Node(index) = y {
					self.nodes[index].kind = Kind::Float;
				}
				Ok(y)
			},
		}
	}

	/// `x` less its zero point.
	fn shifted(&mut self, node: &Node, at: usize, zero: usize) -> Result<Operand, QuantizeError> {
		let x = self.operand(node, at)?;
		match self.optional_constant(node, zero)?.map_or(Some(0.0), |zero| zero.uniform()) {
			Some(0.0) => Ok(x),
			Some(zero) => self.affine(node, x, Value::scalar(1.0), Value::scalar(-zero)),
			None => Err(refuse(node, "an activation must have one zero point")),
		}
	}

	fn integer_weights(&self, node: &Node, zero_axis: usize) -> Result<Value, QuantizeError> {
		let weights = self.weights(node, 1)?;
		let zero = self.optional_constant(node, 3)?;
		self.dequantized(node, &weights, &Value::scalar(1.0), zero.as_ref(), zero_axis)
	}

	pub(super) fn matmul_integer(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &[])?;
		let x = self.shifted(node, 0, 2)?;
		let rank = self.dims(&self.operand(node, 1)?).len();
		let weights = self.integer_weights(node, rank.saturating_sub(1))?;
		self.times(node, x, weights)
	}

	pub(super) fn conv_integer(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		let x = self.shifted(node, 0, 2)?;
		let weights = self.integer_weights(node, 0)?;
		self.convolution(node, x, weights, None)
	}

	/// Operators of other domains.
	pub(super) fn foreign(&mut self, node: &Node) -> Result<(), QuantizeError> {
		if node.domain != "ai.onnx.ml" || node.operator != "Scaler" {
			return Err(QuantizeError::Model(node.domain_error()));
		}
		known(node, &["offset", "scale"])?;
		let list = |name: &str, default: f64| match node.attributes.get(name) {
			None => Ok(Value::scalar(default)),
			Some(Attribute::Floats(list))
				if list.iter().all(|x| x.is_finite()) && !list.is_empty() =>
			{
				let list: Vec<f64> = list.iter().map(|&x| f64::from(x)).collect();
				Ok(Value::new(&[list.len()], list))
			},
			Some(_) => Err(refuse(node, "its offset and scale must be finite numbers")),
		};
		let (offset, scale) = (list("offset", 0.0)?, list("scale", 1.0)?);
		let x = self.operand(node, 0)?;
		let negative = Value { data: offset.data.iter().map(|x| -x).collect(), ..offset };
		let shifted = self.affine(node, x, Value::scalar(1.0), negative)?;
		let y = self.affine(node, shifted, scale, Value::scalar(0.0))?;
		self.give(node, 0, y)
	}
}
