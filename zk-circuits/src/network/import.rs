//! ONNX to integer graph.

mod error;

pub use error::ImportError;

use super::{bounds, Interval, Network, Node, Operator, TensorType};
use crate::{
	hash::blake2b_256,
	onnx::{self, proto::tensor_proto::DataType, Attribute, Data, Dim, Model, Tensor},
	statement::ElementType,
};
use std::collections::BTreeMap;

/// The most dimensions that the input may have, the batch included.
const MAX_RANK: usize = 8;
/// The most elements that the values of a network may have together.
const MAX_ELEMENTS: usize = 1 << 24;
/// The most weights that a network may have, counted at every use.
const MAX_WEIGHTS: u64 = 1 << 27;

/// A named value of the ONNX graph, while importing.
#[derive(Clone)]
struct Value {
	/// Index of the integer graph's value.
	index: usize,
	element: ElementType,
	/// Without the batch dimension, which is 1.
	shape: Vec<usize>,
	/// Divisors (as shifts) that are applied by a `Div` and wait for its `Clip`.
	division: Option<Vec<u32>>,
	/// The node that gave it, and whether anything has read it.
	node: String,
	used: bool,
}

struct Importer<'a> {
	model: &'a Model,
	values: BTreeMap<&'a str, Value>,
	nodes: Vec<Node>,
	bounds: Vec<Vec<Interval>>,
	elements: usize,
	weights: u64,
}

pub(super) fn import(bytes: &[u8]) -> Result<Network, ImportError> {
	let model = Model::read(bytes)?;
	let ([input], [output]) = (&model.inputs[..], &model.outputs[..]) else {
		return Err(ImportError::Interface {
			inputs: model.inputs.len(),
			outputs: model.outputs.len(),
		});
	};
	let input_shape = input_shape(input)?;
	let elements = input_shape.iter().product();
	if elements > MAX_ELEMENTS {
		return Err(ImportError::TooLarge { node: input.name.clone() });
	}
	let mut importer = Importer {
		model: &model,
		values: BTreeMap::new(),
		nodes: Vec::new(),
		elements,
		weights: 0,
		bounds: vec![vec![Interval::U8; elements]],
	};
	importer.values.insert(
		&input.name,
		Value {
			index: 0,
			element: ElementType::U8,
			shape: input_shape.clone(),
			division: None,
			node: input.name.clone(),
			used: true,
		},
	);
	for node in &model.nodes {
		importer.node(node)?;
	}
	importer.finish(blake2b_256(&[bytes]), input_shape, output)
}

fn describe(info: &onnx::ValueInfo) -> String {
	let element = DataType::try_from(info.element)
		.map_or_else(|_| info.element.to_string(), |kind| kind.as_str_name().to_lowercase());
	let dims = info.dims.as_ref().map_or("of unknown shape".into(), |dims| {
		let dims: Vec<String> = dims
			.iter()
			.map(|dim| match dim {
				Dim::Known(size) => size.to_string(),
				Dim::Symbol(symbol) => symbol.clone().unwrap_or("?".into()),
			})
			.collect();
		format!("[{}]", dims.join(", "))
	});
	format!("{element} {dims}")
}

/// The input's dimensions after the batch.
fn input_shape(input: &onnx::ValueInfo) -> Result<Vec<usize>, ImportError> {
	let error = || ImportError::Input { name: input.name.clone(), found: describe(input) };
	if input.element != DataType::Uint8 as i32 {
		return Err(error());
	}
	let (batch, rest) = input.dims.as_deref().and_then(<[Dim]>::split_first).ok_or_else(error)?;
	if !matches!(batch, Dim::Known(1) | Dim::Symbol(_)) || !(1..MAX_RANK).contains(&rest.len()) {
		return Err(error());
	}
	let mut elements = 1usize;
	rest.iter()
		.map(|dim| match dim {
			Dim::Known(size) => {
				elements = elements
					.checked_mul(*size)
					.filter(|&n| n <= onnx::MAX_TENSOR_ELEMENTS)
					.ok_or_else(error)?;
				Ok(*size)
			},
			Dim::Symbol(_) => Err(error()),
		})
		.collect()
}

/// What to do about an operator that is not provable.
fn hint(operator: &str) -> &'static str {
	match operator {
		"Gemm" | "MatMul" | "Relu" | "Softmax" | "Sigmoid" | "Tanh" => {
			"run `zkonnx quantize` on the float model first"
		},
		"QuantizeLinear" | "DequantizeLinear" | "QLinearMatMul" | "DynamicQuantizeLinear" => {
			"its float scales are not exact; run `zkonnx quantize` on the float model instead"
		},
		_ => "docs/operators.md lists the operators of provable models",
	}
}

impl<'a> Importer<'a> {
	fn node(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		match node.operator.as_str() {
			"Flatten" => self.flatten(node),
			"MatMulInteger" => self.matmul(node),
			"Add" => self.add(node),
			"Div" => self.div(node),
			"Clip" => self.clip(node),
			"Cast" => self.cast(node),
			operator => Err(ImportError::Operator {
				node: node.name.clone(),
				operator: operator.into(),
				hint: hint(operator),
			}),
		}
	}

	fn flatten(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axis"])?;
		operands(node, 1..=1)?;
		if !matches!(node.attributes.get("axis"), None | Some(Attribute::Int(1))) {
			return Err(attribute(node, "axis", "only 1, which keeps the batch, is provable"));
		}
		let mut value = self.read(node, 0)?;
		value.shape = vec![value.shape.iter().product()];
		self.give(node, value);
		Ok(())
	}

	fn matmul(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=4)?;
		let value = self.read(node, 0)?;
		let &[rows] = &value.shape[..] else {
			return Err(operand(node, "the activations must be flat: put a Flatten before it"));
		};
		if value.element != ElementType::U8 {
			return Err(operand(node, "the activations must be uint8: put a Cast before it"));
		}
		let tensor = self.constant(node, 1)?;
		let bytes = match &tensor.data {
			Data::U8(bytes) => bytes,
			Data::I8(_) => return Err(ImportError::SignedWeights { node: node.name.clone() }),
			_ => {
				let reason = format!("the weights are {}, must be uint8", tensor.type_name());
				return Err(operand(node, reason));
			},
		};
		let &[weight_rows, columns] = &tensor.dims[..] else {
			let reason = format!("the weights have dimensions {:?}, must have two", tensor.dims);
			return Err(operand(node, reason));
		};
		if weight_rows != rows {
			let reason = format!("{rows} activations meet weights of {weight_rows} rows");
			return Err(operand(node, reason));
		}
		let zero_point = match node.inputs.get(2).map(String::as_str) {
			None | Some("") => 0,
			Some(_) => match &self.constant(node, 2)? {
				Tensor { dims, data: Data::U8(z) } if z.len() == 1 && dims.len() <= 1 => z[0],
				_ => return Err(operand(node, "a_zero_point must be one uint8")),
			},
		};
		let weight_zero_point = match node.inputs.get(3).map(String::as_str) {
			None | Some("") => false,
			Some(_) => match &self.constant(node, 3)? {
				Tensor { dims, data: Data::U8(z) } => {
					(dims.is_empty() || dims == &[1] || dims == &[columns])
						&& z.iter().all(|&z| z == 128)
				},
				_ => false,
			},
		};
		if !weight_zero_point {
			return Err(operand(node, "b_zero_point must be 128 (uint8), one or one per column"));
		}
		let weights = bytes.iter().map(|&w| i16::from(w) - 128).collect();
		let shape = vec![columns];
		let operator = Operator::MatMul { weights, columns, zero_point };
		self.push(node, value.index, operator, ElementType::I32, shape)
	}

	fn add(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=2)?;
		// Either operand may be the constant.
		let at = usize::from(!self.model.constants.contains_key(&node.inputs[0]));
		let value = self.read_i32(node, 1 - at)?;
		let constant = self.constant_i32(node, at, &value.shape)?;
		self.push(
			node,
			value.index,
			Operator::AddConstant { constant },
			ElementType::I32,
			value.shape,
		)
	}

	fn div(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=2)?;
		let mut value = self.read_i32(node, 0)?;
		let divisors = self.constant_i32(node, 1, &value.shape)?;
		let shifts = divisors
			.iter()
			.map(|&d| {
				u32::try_from(d).ok().filter(|d| d.is_power_of_two()).map(u32::trailing_zeros)
			})
			.collect::<Option<Vec<_>>>()
			.ok_or_else(|| operand(node, "every divisor must be a positive power of two"))?;
		value.division = Some(shifts);
		self.give(node, value);
		Ok(())
	}

	fn clip(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 3..=3)?;
		let value = self.read_divided(node, 0)?;
		if value.element != ElementType::I32 {
			return Err(operand(node, "it must act on int32"));
		}
		for (at, bound) in [(1, 0), (2, 255)] {
			match &self.constant(node, at)? {
				Tensor { dims, data: Data::I32(limit) }
					if dims.is_empty() && limit[..] == [bound] => {},
				_ => return Err(operand(node, "its limits must be the int32 scalars 0 and 255")),
			}
		}
		let shifts = value.division.unwrap_or_else(|| vec![0; value.shape.iter().product()]);
		self.push(node, value.index, Operator::Rescale { shifts }, ElementType::I32, value.shape)
	}

	fn cast(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["to"])?;
		operands(node, 1..=1)?;
		if node.attributes.get("to") != Some(&Attribute::Int(DataType::Uint8 as i64)) {
			return Err(attribute(node, "to", "only 2 (uint8) is provable"));
		}
		let mut value = self.read_i32(node, 0)?;
		for (element, bounds) in self.bounds[value.index].iter().enumerate() {
			if !bounds.within(&Interval::U8) {
				return Err(ImportError::CastRange {
					node: node.name.clone(),
					element,
					lo: bounds.lo,
					hi: bounds.hi,
				});
			}
		}
		value.element = ElementType::U8;
		self.give(node, value);
		Ok(())
	}

	/// The value at an operand; a value that waits for its `Clip` is refused.
	fn read(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let value = self.read_divided(node, at)?;
		if value.division.is_some() {
			let reason = format!(
				"it reads the quotient of '{}'; Clip(0, 255) must follow a Div",
				value.node
			);
			return Err(operand(node, reason));
		}
		Ok(value)
	}

	fn read_i32(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let value = self.read(node, at)?;
		match value.element {
			ElementType::I32 => Ok(value),
			other => Err(operand(node, format!("it must act on int32, not on {other}"))),
		}
	}

	fn read_divided(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let value = self
			.values
			.get_mut(node.inputs[at].as_str())
			.ok_or_else(|| operand(node, format!("its input {at} must not be a constant")))?;
		value.used = true;
		Ok(value.clone())
	}

	fn constant(&self, node: &onnx::Node, at: usize) -> Result<&'a Tensor, ImportError> {
		self.model
			.constants
			.get(&node.inputs[at])
			.ok_or_else(|| operand(node, format!("its input {at} must be a constant")))
	}

	/// An `int32` constant, broadcast to one row of the given shape.
	fn constant_i32(
		&self,
		node: &onnx::Node,
		at: usize,
		shape: &[usize],
	) -> Result<Vec<i32>, ImportError> {
		let tensor = self.constant(node, at)?;
		let Data::I32(data) = &tensor.data else {
			let reason = format!("its constant is {}, must be int32", tensor.type_name());
			return Err(operand(node, reason));
		};
		let elements = shape.iter().product();
		let row = match tensor.dims.split_first() {
			Some((1, rest)) if rest.len() == shape.len() => rest,
			_ => &tensor.dims[..],
		};
		match data[..] {
			[one] if tensor.dims.len() <= shape.len() + 1 => Ok(vec![one; elements]),
			_ if row == shape => Ok(data.clone()),
			_ => Err(operand(
				node,
				format!("its constant has dimensions {:?}, must be one or {shape:?}", tensor.dims),
			)),
		}
	}

	/// Adds a node to the integer graph, with its bounds.
	fn push(
		&mut self,
		node: &'a onnx::Node,
		source: usize,
		operator: Operator,
		element: ElementType,
		shape: Vec<usize>,
	) -> Result<(), ImportError> {
		self.elements += shape.iter().product::<usize>();
		self.weights += operator.multiply_accumulates();
		if self.elements > MAX_ELEMENTS || self.weights > MAX_WEIGHTS {
			return Err(ImportError::TooLarge { node: node.name.clone() });
		}
		let bounds = bounds::of(&operator, &self.bounds[source]);
		for (element, bound) in bounds.iter().enumerate() {
			if !bound.within(&Interval::I32) {
				return Err(ImportError::Overflow {
					node: node.name.clone(),
					operator: node.operator.clone(),
					element,
					lo: bound.lo,
					hi: bound.hi,
				});
			}
		}
		self.bounds.push(bounds);
		self.nodes.push(Node { name: node.name.clone(), source, operator });
		let index = self.nodes.len();
		let node_name = node.name.clone();
		self.give(
			node,
			Value { index, element, shape, division: None, node: node_name, used: false },
		);
		Ok(())
	}

	fn give(&mut self, node: &'a onnx::Node, mut value: Value) {
		value.node.clone_from(&node.name);
		value.used = false;
		self.values.insert(&node.outputs[0], value);
	}

	fn finish(
		mut self,
		artifact_hash: [u8; 32],
		input_shape: Vec<usize>,
		output: &onnx::ValueInfo,
	) -> Result<Network, ImportError> {
		let error = |reason: String| ImportError::Output { name: output.name.clone(), reason };
		let value = self
			.values
			.get_mut(output.name.as_str())
			.ok_or_else(|| error("is a constant".into()))?;
		value.used = true;
		let value = value.clone();
		if let Some(unused) = self.values.values().find(|value| !value.used) {
			return Err(ImportError::Unused { node: unused.node.clone() });
		}
		if value.index == 0 {
			return Err(error("is the input; there is nothing to prove".into()));
		}
		if value.division.is_some() {
			return Err(error("is a quotient; Clip(0, 255) must follow a Div".into()));
		}
		let declared = match value.element {
			ElementType::U8 => DataType::Uint8,
			_ => DataType::Int32,
		};
		let shape: Vec<usize> = std::iter::once(1).chain(value.shape.iter().copied()).collect();
		let agrees = output.dims.as_ref().is_none_or(|dims| {
			dims.len() == shape.len()
				&& dims
					.iter()
					.zip(&shape)
					.all(|(dim, size)| matches!(dim, Dim::Symbol(_)) || *dim == Dim::Known(*size))
		});
		if output.element != declared as i32 || !agrees {
			return Err(error(format!(
				"is declared as {}, the graph gives {} {shape:?}",
				describe(output),
				value.element
			)));
		}
		Ok(Network {
			artifact_hash,
			input: TensorType {
				element: ElementType::U8,
				shape: std::iter::once(1).chain(input_shape).collect(),
			},
			output: TensorType { element: value.element, shape },
			output_value: value.index,
			nodes: self.nodes,
			bounds: self.bounds,
			metadata: self.model.metadata.clone(),
		})
	}
}

fn operand(node: &onnx::Node, reason: impl Into<String>) -> ImportError {
	ImportError::Operand {
		node: node.name.clone(),
		operator: node.operator.clone(),
		reason: reason.into(),
	}
}

fn attribute(node: &onnx::Node, name: &str, hint: &'static str) -> ImportError {
	ImportError::Attribute {
		node: node.name.clone(),
		operator: node.operator.clone(),
		attribute: name.into(),
		hint,
	}
}

/// Refuses attributes that the operator does not have here.
fn attributes(node: &onnx::Node, known: &[&str]) -> Result<(), ImportError> {
	match node.attributes.keys().find(|name| !known.contains(&name.as_str())) {
		Some(name) => Err(attribute(node, name, "it is not known; remove it")),
		None => Ok(()),
	}
}

/// Checks the number of inputs, that there is one output, and that no leading input is left out.
fn operands(node: &onnx::Node, count: std::ops::RangeInclusive<usize>) -> Result<(), ImportError> {
	let required = node.inputs.iter().take(*count.start());
	if !count.contains(&node.inputs.len()) || required.into_iter().any(String::is_empty) {
		let reason = format!("it has {} inputs, must have {count:?}", node.inputs.len());
		return Err(operand(node, reason));
	}
	if node.outputs.len() != 1 {
		return Err(operand(node, "it must have one output"));
	}
	Ok(())
}
