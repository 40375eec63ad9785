//! ONNX to float graph: attributes and constants resolved, constants folded.

mod arithmetic;
mod attributes;
mod linear;
mod quantised;
mod shape;
mod window;

use super::{
	graph::{Graph, Node},
	operator::Operator,
	value::{Kind, Value},
	QuantizeError,
};
use crate::onnx::{self, proto::tensor_proto::DataType, Dim, Model};
use attributes::refuse;
use std::collections::{BTreeMap, BTreeSet};

/// What a name of the ONNX graph stands for.
#[derive(Clone, Debug)]
enum Operand {
	Constant(Value),
	/// A node of the float graph.
	Node(usize),
}

/// What was read of a model.
pub(super) struct Read {
	pub(super) graph: Graph,
	pub(super) input: onnx::ValueInfo,
	pub(super) output: onnx::ValueInfo,
	pub(super) notes: Vec<String>,
}

struct Reader<'a> {
	model: &'a Model,
	values: BTreeMap<String, Operand>,
	nodes: Vec<Node>,
	ranges: BTreeMap<usize, (f64, f64)>,
	notes: Vec<String>,
	/// Products that the values so far take to compute.
	work: usize,
}

/// The most products that one run of a graph may take.
const MAX_WORK: usize = 1 << 34;

/// The most nodes of a graph; several can come from one ONNX node.
const MAX_NODES: usize = 10_000;

pub(super) fn read(bytes: &[u8]) -> Result<Read, QuantizeError> {
	let model = Model::read_any(bytes)?;
	let interface =
		|| QuantizeError::Interface { inputs: model.inputs.len(), outputs: model.outputs.len() };
	let [input] = &model.inputs[..] else { return Err(interface()) };
	let mut notes = Vec::new();
	let output = match &model.outputs[..] {
		[output] => output,
		// scikit-learn's classifiers give the label too.
		outputs => {
			let mut floats = outputs.iter().filter(|out| out.element == DataType::Float as i32);
			match (floats.next(), floats.next()) {
				(Some(output), None) => {
					notes.push(format!("of several outputs, '{}' was taken", output.name));
					output
				},
				_ => return Err(interface()),
			}
		},
	};
	let dims = input_dims(input)?;
	let kind = match input.element == DataType::Float as i32 {
		true => Kind::Float,
		false => Kind::Int,
	};
	let mut reader = Reader {
		model: &model,
		values: BTreeMap::new(),
		nodes: vec![Node {
			name: input.name.clone(),
			onnx: "the input".into(),
			operator: Operator::Input,
			inputs: Vec::new(),
			dims,
			kind,
		}],
		ranges: BTreeMap::new(),
		notes,
		work: 0,
	};
	reader.values.insert(input.name.clone(), Operand::Node(0));
	for (name, tensor) in &model.constants {
		reader.values.insert(name.clone(), Operand::Constant(Value::of(tensor)));
	}
	let needed = needed(&model, &output.name);
	for node in model.nodes.iter().filter(|node| node.outputs.iter().any(|o| needed.contains(o))) {
		reader.node(node)?;
	}
	let output_value = match reader.values.get(&output.name) {
		Some(Operand::Node(value)) => *value,
		_ => return Err(QuantizeError::Output(output.name.clone())),
	};
	let Reader { nodes, ranges, notes, .. } = reader;
	let mut graph = Graph { nodes, output: output_value, ranges };
	graph.prune();
	Ok(Read { graph, input: input.clone(), output: output.clone(), notes })
}

/// The shape of the input, with a batch of 1.
fn input_dims(input: &onnx::ValueInfo) -> Result<Vec<usize>, QuantizeError> {
	let error = || QuantizeError::Input(input.name.clone());
	let dims = input.dims.as_deref().ok_or_else(error)?;
	let mut sizes = Vec::with_capacity(dims.len());
	for (axis, dim) in dims.iter().enumerate() {
		sizes.push(match (axis, dim) {
			(0, Dim::Known(1) | Dim::Symbol(_)) => 1,
			(1.., Dim::Known(size)) => *size,
			_ => return Err(error()),
		});
	}
	let elements = sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
	let typed = [DataType::Float as i32, DataType::Uint8 as i32].contains(&input.element);
	if sizes.len() < 2 || sizes.len() > 8 || !typed || elements.is_none_or(|n| n > 1 << 24) {
		return Err(error());
	}
	Ok(sizes)
}

/// The names that an output depends on.
fn needed(model: &Model, output: &str) -> BTreeSet<String> {
	let mut needed = BTreeSet::from([output.to_string()]);
	for node in model.nodes.iter().rev() {
		if node.outputs.iter().any(|name| needed.contains(name)) {
			needed.extend(node.inputs.iter().cloned());
		}
	}
	needed
}

impl Reader<'_> {
	fn node(&mut self, node: &onnx::Node) -> Result<(), QuantizeError> {
		if !node.domain.is_empty() {
			return self.foreign(node);
		}
		let result = match node.operator.as_str() {
			"Identity" => self.operand(node, 0),
			"Dropout" => self.dropout(node),
			"Gemm" => self.gemm(node),
			"MatMul" => self.matmul(node),
			"Conv" => self.conv(node),
			"ConvTranspose" => self.conv_transpose(node),
			"BatchNormalization" => self.batch_normalization(node),
			"MaxPool" | "AveragePool" => self.pool(node),
			"GlobalAveragePool" | "GlobalMaxPool" => self.global_pool(node),
			"ArgMax" => self.arg_max(node),
			"Softmax" | "LogSoftmax" => self.softmax(node),
			"QuantizeLinear" | "DequantizeLinear" => self.quantize_linear(node),
			"DynamicQuantizeLinear" => return self.dynamic_quantize(node),
			"QLinearMatMul" => self.qlinear_matmul(node),
			"QLinearConv" => self.qlinear_conv(node),
			"MatMulInteger" => self.matmul_integer(node),
			"ConvInteger" => self.conv_integer(node),
			"Split" => return self.split(node),
			operator if operator.starts_with("Reduce") => self.reduce(node),
			_ => match self.arithmetic(node)? {
				Some(operand) => Ok(operand),
				None => self.moves(node),
			},
		}?;
		self.give(node, 0, result)
	}

	/// Names a result.
	fn give(&mut self, node: &onnx::Node, at: usize, value: Operand) -> Result<(), QuantizeError> {
		match node.outputs.get(at) {
			Some(name) if !name.is_empty() => {
				self.values.insert(name.clone(), value);
				Ok(())
			},
			_ => Err(refuse(node, format!("its output {at} is missing"))),
		}
	}

	fn dims(&self, operand: &Operand) -> Vec<usize> {
		match operand {
			Operand::Constant(value) => value.dims.clone(),
			Operand::Node(index) => self.nodes[*index].dims.clone(),
		}
	}

	fn kind(&self, operand: &Operand) -> Kind {
		match operand {
			Operand::Constant(value) => value.kind,
			Operand::Node(index) => self.nodes[*index].kind,
		}
	}

	/// Adds an operator to the graph, or computes it now if all its operands are constants.
	fn apply(
		&mut self,
		node: &onnx::Node,
		operator: Operator,
		operands: &[Operand],
	) -> Result<Operand, QuantizeError> {
		let shapes: Vec<Vec<usize>> = operands.iter().map(|operand| self.dims(operand)).collect();
		let shapes: Vec<&[usize]> = shapes.iter().map(|dims| &dims[..]).collect();
		let dims = operator.dims(&shapes).map_err(|reason| refuse(node, reason))?;
		let elements: usize = dims.iter().product();
		self.work += match &operator {
			Operator::MatMul { columns, weights, .. } => elements / columns * weights.len(),
			Operator::Conv { weights, bias, .. } => {
				elements.saturating_mul(weights.len() / bias.len())
			},
			Operator::MatMulPair => elements.saturating_mul(shapes[0].last().copied().unwrap_or(1)),
			Operator::MaxPool { window } | Operator::AveragePool { window, .. } => {
				elements.saturating_mul(window.kernel[0].saturating_mul(window.kernel[1]))
			},
			_ => elements,
		};
		if self.work > MAX_WORK || self.nodes.len() > MAX_NODES {
			return Err(refuse(
				node,
				format!("the graph has more than {MAX_NODES} nodes or {MAX_WORK} products"),
			));
		}
		let constants: Option<Vec<&Value>> = operands
			.iter()
			.map(|operand| match operand {
				Operand::Constant(value) => Some(value),
				Operand::Node(_) => None,
			})
			.collect();
		if let Some(constants) = constants {
			return Ok(Operand::Constant(operator.apply(&constants, &dims)));
		}
		let inputs = operands
			.iter()
			.map(|operand| match operand {
				Operand::Node(index) => *index,
				Operand::Constant(value) => {
					let operator = Operator::Constant(value.clone());
					self.push(node, operator, vec![], value.dims.clone(), value.kind)
				},
			})
			.collect();
		let kind = match operator {
			Operator::ArgMax { .. } => Kind::Int,
			_ => self.kind(&operands[0]),
		};
		Ok(Operand::Node(self.push(node, operator, inputs, dims, kind)))
	}

	fn push(
		&mut self,
		node: &onnx::Node,
		operator: Operator,
		inputs: Vec<usize>,
		dims: Vec<usize>,
		kind: Kind,
	) -> usize {
		let (name, onnx) = (node.name.clone(), node.operator.clone());
		self.nodes.push(Node { name, onnx, operator, inputs, dims, kind });
		self.nodes.len() - 1
	}

	/// `x · scale + shift`.
	fn affine(
		&mut self,
		node: &onnx::Node,
		x: Operand,
		scale: Value,
		shift: Value,
	) -> Result<Operand, QuantizeError> {
		self.apply(node, Operator::Affine { scale, shift }, &[x])
	}
}
