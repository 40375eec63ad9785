//! ONNX to integer graph.

mod elementwise;
mod error;
mod moves;
pub(crate) mod opset;
mod reduce;
mod rewrites;
mod shape;
mod sums;
mod window;

pub use error::ImportError;
pub(crate) use moves::{pad_sources, PAD_MODES};

use super::{bounds, order, parameters, Interval, Network, Node, Operator, Pick, TensorType};
use crate::{
	hash::blake2b_256,
	onnx::{self, proto::tensor_proto::DataType, Attribute, Data, Dim, Model, Tensor},
	statement::ElementType,
};
use ark_bls12_381::Fr;
use std::collections::BTreeMap;

/// The most dimensions that the input may have, the batch included.
const MAX_RANK: usize = 8;
/// The most elements that the values of a network may have together.
const MAX_ELEMENTS: usize = 1 << 24;
/// The most multiplications by a weight that one inference may take.
const MAX_MULTIPLY_ACCUMULATES: u64 = 1 << 27;

/// A named value of the ONNX graph, while importing.
#[derive(Clone)]
struct Value {
	/// Index of the integer graph's value.
	index: usize,
	element: ElementType,
	/// All dimensions; that of the batch is 1.
	shape: Vec<usize>,
	/// Divisors that a `Div` applies and that wait for a `Clip` to share the work with.
	division: Option<Vec<i64>>,
	/// The node that gave it, and whether anything has read it.
	node: String,
	used: bool,
}

impl Value {
	fn new(index: usize, element: ElementType, shape: Vec<usize>) -> Self {
		Self { index, element, shape, division: None, node: String::new(), used: false }
	}
}

struct Importer<'a> {
	model: &'a Model,
	values: BTreeMap<&'a str, Value>,
	nodes: Vec<Node>,
	bounds: Vec<Vec<Interval>>,
	elements: usize,
	multiply_accumulates: u64,
	/// Window positions and table entries of all nodes.
	stored: usize,
	/// Of the parameters, if they are private.
	salt: Option<Fr>,
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
		return Err(ImportError::TooLarge { node: onnx::brief(&input.name) });
	}
	let mut importer = Importer {
		model: &model,
		values: BTreeMap::new(),
		nodes: Vec::new(),
		elements,
		multiply_accumulates: 0,
		stored: 0,
		salt: parameters::salt(&model.metadata, bytes)?,
		bounds: vec![vec![Interval::U8; elements]],
	};
	importer.values.insert(
		&input.name,
		Value {
			index: 0,
			element: ElementType::U8,
			shape: std::iter::once(1).chain(input_shape.iter().copied()).collect(),
			division: None,
			node: onnx::brief(&input.name),
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
		let rest = if dims.len() > MAX_RANK { ", …" } else { "" };
		let dims: Vec<String> = dims
			.iter()
			.take(MAX_RANK)
			.map(|dim| match dim {
				Dim::Known(size) => size.to_string(),
				Dim::Symbol(symbol) => symbol.as_deref().map_or("?".into(), onnx::brief),
			})
			.collect();
		format!("[{}{rest}]", dims.join(", "))
	});
	format!("{element} {dims}")
}

/// The input's dimensions after the batch.
fn input_shape(input: &onnx::ValueInfo) -> Result<Vec<usize>, ImportError> {
	let error = || ImportError::Input { name: onnx::brief(&input.name), found: describe(input) };
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
		"QuantizeLinear" | "DequantizeLinear" | "QLinearMatMul" | "QLinearConv" => {
			"its float scales are not exact; run `zkonnx quantize` on this model"
		},
		"AveragePool" | "BatchNormalization" | "Conv" | "ConvTranspose" | "Elu" | "Erf" | "Exp"
		| "Gelu" | "Gemm" | "GlobalAveragePool" | "HardSigmoid" | "HardSwish" | "LeakyRelu"
		| "MatMul" | "PRelu" | "ReduceMean" | "Sigmoid" | "Softmax" | "Softplus" | "Tanh" => {
			"run `zkonnx quantize` on the float model first"
		},
		_ => "docs/operators.md lists the operators of provable models",
	}
}

impl<'a> Importer<'a> {
	fn node(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		opset::check(node, self.model.opset, self.element(node))?;
		match node.operator.as_str() {
			"Abs" => self.abs(node),
			"Add" => self.add(node, 1),
			"ArgMax" => self.arg_max(node),
			"Cast" => self.cast(node),
			"Clip" => self.clip(node),
			"Concat" => self.concat(node),
			"ConvInteger" => self.convolution(node),
			"Div" => self.div(node),
			"Expand" => self.expand(node),
			"Flatten" => self.flatten(node),
			"Gather" => self.gather(node),
			"Identity" => self.identity(node),
			"MatMulInteger" => self.matmul(node),
			"Max" => self.max(node, false),
			"MaxPool" => self.max_pool(node),
			"Min" => self.max(node, true),
			"Mul" => self.mul(node),
			"Neg" => self.neg(node),
			"Pad" => self.pad(node),
			"ReduceMax" => self.reduce_max(node),
			"ReduceSum" => self.reduce_sum(node),
			"Relu" => self.relu(node),
			"Reshape" => self.reshape(node),
			"Resize" => self.resize(node),
			"Slice" => self.slice(node),
			"Split" => self.split(node),
			"Squeeze" => self.squeeze(node),
			"Sub" => self.add(node, -1),
			"Transpose" => self.transpose(node),
			"Unsqueeze" => self.unsqueeze(node),
			operator => Err(ImportError::Operator {
				node: node.name.clone(),
				operator: operator.into(),
				hint: hint(operator),
			}),
		}
	}

	/// The type of a node's first operand, if it is one of a tensor.
	fn element(&self, node: &onnx::Node) -> Option<ElementType> {
		let name = node.inputs.first()?.as_str();
		match self.model.constants.get(name).map(|tensor| &tensor.data) {
			Some(data) => element_type(data),
			None => self.values.get(name).map(|value| value.element),
		}
	}

	/// The value at an operand; a constant becomes a value of the graph.
	fn read(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let Some(mut value) = self.read_divided(node, at)? else {
			return self.promote(node, at);
		};
		if let Some(divisors) = value.division.take() {
			// Nothing shares the division.
			let name = value.node.clone();
			value.index =
				self.add_node(&name, "Div", vec![value.index], Operator::Divide { divisors })?;
			if let Some(stored) = self.values.get_mut(node.inputs[at].as_str()) {
				*stored = Value { used: true, ..value.clone() };
			}
		}
		Ok(value)
	}

	/// The value at an operand, perhaps with a division that is still to be done; nothing if the
	/// operand is a constant.
	fn read_divided(&mut self, node: &onnx::Node, at: usize) -> Result<Option<Value>, ImportError> {
		let name = node.inputs.get(at).map_or("", String::as_str);
		match self.values.get_mut(name) {
			Some(value) => {
				value.used = true;
				Ok(Some(value.clone()))
			},
			None if self.model.constants.contains_key(name) => Ok(None),
			None => Err(operand(node, format!("its input {at} is missing"))),
		}
	}

	fn read_i32(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let value = self.read(node, at)?;
		match value.element {
			ElementType::I32 => Ok(value),
			other => Err(operand(node, format!("it must act on int32, not on {other}"))),
		}
	}

	/// A value to compare: `int32` or `uint8`.
	fn read_ordered(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let value = self.read(node, at)?;
		match value.element {
			ElementType::I32 | ElementType::U8 => Ok(value),
			other => Err(operand(node, format!("it must act on int32 or uint8, not on {other}"))),
		}
	}

	fn read_u8(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let value = self.read(node, at)?;
		match value.element {
			ElementType::U8 => Ok(value),
			other => {
				Err(operand(node, format!("it must act on uint8, not on {other}: Cast before it")))
			},
		}
	}

	/// Whether an operand is given as a constant.
	fn is_constant(&self, node: &onnx::Node, at: usize) -> bool {
		node.inputs.get(at).is_some_and(|name| self.model.constants.contains_key(name))
	}

	fn constant(&self, node: &onnx::Node, at: usize) -> Result<&'a Tensor, ImportError> {
		self.model
			.constants
			.get(node.inputs.get(at).map_or("", String::as_str))
			.ok_or_else(|| operand(node, format!("its input {at} must be a constant")))
	}

	/// A constant operand as integers.
	fn constant_integers(&self, node: &onnx::Node, at: usize) -> Result<Vec<i64>, ImportError> {
		let tensor = self.constant(node, at)?;
		integers(&tensor.data).ok_or_else(|| {
			operand(node, format!("its input {at} is {}, must be integers", tensor.type_name()))
		})
	}

	/// Integers that are an operand in newer opsets and an attribute in older ones.
	fn integers_at(
		&self,
		node: &onnx::Node,
		name: &'static str,
		at: usize,
	) -> Result<Option<Vec<i64>>, ImportError> {
		match node.attributes.get(name) {
			Some(Attribute::Ints(values)) => Ok(Some(values.clone())),
			Some(_) => Err(attribute(node, name, "it must be a list of integers")),
			None if node.inputs.get(at).is_none_or(String::is_empty) => Ok(None),
			None => self.constant_integers(node, at).map(Some),
		}
	}

	/// Gives the graph a constant as a value.
	fn promote(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let tensor = self.constant(node, at)?;
		self.elements_of(node, &tensor.dims)?;
		let tensor_type = element_type(&tensor.data).filter(|&element| element != ElementType::I64);
		let element = tensor_type.ok_or_else(|| {
			let reason = format!(
				"its constant is {}, must be of the type of the other operand, int32 or uint8",
				tensor.type_name()
			);
			operand(node, reason)
		})?;
		let picks = self.constant_integers(node, at)?.into_iter().map(Pick::Constant).collect();
		let name = onnx::brief(&node.inputs[at]);
		let index = self.add_node(&name, "constant", vec![], Operator::Select { picks })?;
		let shape = tensor.dims.clone();
		Ok(Value { index, element, shape, division: None, node: name, used: true })
	}

	/// Adds a node to the integer graph, with its bounds, and returns the value that it gives.
	fn add_node(
		&mut self,
		name: &str,
		onnx_operator: &str,
		sources: Vec<usize>,
		operator: Operator,
	) -> Result<usize, ImportError> {
		self.multiply_accumulates += operator.multiply_accumulates();
		if self.multiply_accumulates > MAX_MULTIPLY_ACCUMULATES {
			return Err(ImportError::TooLarge { node: name.into() });
		}
		let source_bounds: Vec<&[Interval]> =
			sources.iter().map(|&at| &self.bounds[at][..]).collect();
		let bounds = bounds::of(&operator, &source_bounds);
		self.elements += bounds.len();
		if self.elements > MAX_ELEMENTS {
			return Err(ImportError::TooLarge { node: name.into() });
		}
		for (element, bound) in bounds.iter().enumerate() {
			if !bound.within(&Interval::I32) {
				return Err(ImportError::Overflow {
					node: name.into(),
					operator: onnx_operator.into(),
					element,
					lo: bound.lo,
					hi: bound.hi,
				});
			}
		}
		self.bounds.push(bounds);
		self.nodes.push(Node { name: name.into(), sources, operator });
		Ok(self.nodes.len())
	}

	/// Adds a node whose result is the output of an ONNX node.
	fn push(
		&mut self,
		node: &'a onnx::Node,
		sources: Vec<usize>,
		operator: Operator,
		element: ElementType,
		shape: Vec<usize>,
	) -> Result<(), ImportError> {
		let index = self.add_node(&node.name, &node.operator, sources, operator)?;
		self.give(node, 0, Value::new(index, element, shape));
		Ok(())
	}

	/// Makes a value output `at` of an ONNX node, whose shape `elements_of` has admitted.
	fn give(&mut self, node: &'a onnx::Node, at: usize, mut value: Value) {
		value.node.clone_from(&node.name);
		value.used = false;
		self.values.insert(&node.outputs[at], value);
	}

	/// Refuses shapes whose elements would not fit, before anything of that size is made.
	fn elements_of(&self, node: &onnx::Node, shape: &[usize]) -> Result<usize, ImportError> {
		let room = MAX_ELEMENTS.saturating_sub(self.elements);
		shape
			.iter()
			.try_fold(1usize, |n, &dim| n.checked_mul(dim))
			.filter(|&n| n <= room && shape.len() <= MAX_RANK)
			.ok_or_else(|| ImportError::TooLarge { node: node.name.clone() })
	}

	/// Takes room for window positions and table entries, before they are made.
	fn store(&mut self, node: &onnx::Node, entries: usize) -> Result<(), ImportError> {
		self.stored = self.stored.saturating_add(entries);
		match self.stored <= MAX_ELEMENTS {
			true => Ok(()),
			false => Err(ImportError::TooLarge { node: node.name.clone() }),
		}
	}

	fn finish(
		mut self,
		artifact_hash: [u8; 32],
		input_shape: Vec<usize>,
		output: &onnx::ValueInfo,
	) -> Result<Network, ImportError> {
		let error =
			|reason: String| ImportError::Output { name: onnx::brief(&output.name), reason };
		let value = self
			.values
			.get_mut(output.name.as_str())
			.ok_or_else(|| error("is a constant".into()))?;
		value.used = true;
		let mut value = value.clone();
		if let Some(unused) = self.values.values().find(|value| !value.used) {
			return Err(ImportError::Unused { node: unused.node.clone() });
		}
		if let Some(divisors) = value.division.take() {
			let operator = Operator::Divide { divisors };
			value.index = self.add_node(&value.node, "Div", vec![value.index], operator)?;
		}
		if value.index == 0 {
			return Err(error("is the input; there is nothing to prove".into()));
		}
		rewrites::check(&self)?;
		let declared = match value.element {
			ElementType::U8 => DataType::Uint8,
			ElementType::I64 => DataType::Int64,
			_ => DataType::Int32,
		};
		let shape = value.shape;
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
		order::pool_first(&mut self.nodes, &mut self.bounds, value.index);
		let secret =
			self.salt.map(|salt| parameters::Secret::new(salt, &self.nodes)).transpose()?;
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
			secret,
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
	if !count.contains(&node.inputs.len()) {
		let reason = match *count.end() {
			usize::MAX => {
				format!("it has {} inputs, must have {} or more", node.inputs.len(), count.start())
			},
			_ => format!("it has {} inputs, must have {count:?}", node.inputs.len()),
		};
		return Err(operand(node, reason));
	}
	if required.into_iter().any(String::is_empty) {
		return Err(operand(node, "an input is left out that it must have"));
	}
	if node.outputs.len() != 1 && node.operator != "Split" {
		return Err(operand(node, "it must have one output"));
	}
	Ok(())
}

/// The type of a constant that the graph can hold.
fn element_type(data: &Data) -> Option<ElementType> {
	match data {
		Data::U8(_) => Some(ElementType::U8),
		Data::I32(_) => Some(ElementType::I32),
		Data::I64(_) => Some(ElementType::I64),
		_ => None,
	}
}

/// Constant integers of any type that the graph can hold.
fn integers(data: &Data) -> Option<Vec<i64>> {
	match data {
		Data::U8(values) => Some(values.iter().map(|&x| x.into()).collect()),
		Data::I32(values) => Some(values.iter().map(|&x| x.into()).collect()),
		Data::I64(values) => Some(values.clone()),
		_ => None,
	}
}

/// An attribute that is one integer, or its default.
fn integer(node: &onnx::Node, name: &'static str, default: i64) -> Result<i64, ImportError> {
	match node.attributes.get(name) {
		None => Ok(default),
		Some(Attribute::Int(value)) => Ok(*value),
		Some(_) => Err(attribute(node, name, "it must be an integer")),
	}
}

/// The attribute `keepdims`.
fn keeps_dimensions(node: &onnx::Node) -> Result<bool, ImportError> {
	match integer(node, "keepdims", 1)? {
		0 => Ok(false),
		1 => Ok(true),
		_ => Err(attribute(node, "keepdims", "it must be 0 or 1")),
	}
}

/// An attribute that is a list of integers.
fn list<'n>(node: &'n onnx::Node, name: &'static str) -> Result<Option<&'n [i64]>, ImportError> {
	match node.attributes.get(name) {
		None => Ok(None),
		Some(Attribute::Ints(values)) => Ok(Some(values)),
		Some(_) => Err(attribute(node, name, "it must be a list of integers")),
	}
}

/// An attribute that is a word, or its default.
fn word<'n>(
	node: &'n onnx::Node,
	name: &'static str,
	default: &'static str,
) -> Result<&'n str, ImportError> {
	match node.attributes.get(name) {
		None => Ok(default),
		Some(Attribute::Text(value)) => Ok(value),
		Some(_) => Err(attribute(node, name, "it must be a string")),
	}
}

/// An axis, counted from the end if negative.
fn axis(node: &onnx::Node, axis: i64, rank: usize) -> Result<usize, ImportError> {
	let counted = if axis < 0 { axis + rank as i64 } else { axis };
	usize::try_from(counted)
		.ok()
		.filter(|&axis| axis < rank)
		.ok_or_else(|| operand(node, format!("axis {axis} does not exist in {rank} dimensions")))
}

/// Axes, none of them twice.
fn axes(node: &onnx::Node, given: &[i64], rank: usize) -> Result<Vec<usize>, ImportError> {
	let mut seen = vec![false; rank];
	let once = |&at: &i64| {
		let axis = axis(node, at, rank)?;
		match std::mem::replace(&mut seen[axis], true) {
			true => Err(operand(node, format!("axis {at} is given twice"))),
			false => Ok(axis),
		}
	};
	given.iter().map(once).collect()
}
