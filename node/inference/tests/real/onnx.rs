//! Writes tiny ONNX files: one node, tensors of any type.

use aimodel_primitives::tensor::ElementType;

/// A dimension: a number, or a symbol.
#[derive(Clone, Copy)]
pub(crate) enum Dim {
	N(u64),
	Symbol,
}

/// A tensor that goes in or comes out.
pub(crate) struct Value<'a> {
	pub(crate) name: &'a str,
	pub(crate) element: u64,
	pub(crate) shape: &'a [Dim],
}

/// ONNX's number of an element type.
pub(crate) fn code(element: ElementType) -> u64 {
	match element {
		ElementType::F32 => 1,
		ElementType::U8 => 2,
		ElementType::I8 => 3,
		ElementType::I32 => 6,
		ElementType::I64 => 7,
	}
}

/// ONNX's number of `double`, which the chain has no word for.
pub(crate) const DOUBLE: u64 = 11;

/// A model of one node, which reads all inputs (then `weights`, if any) and writes all outputs.
pub(crate) fn model(
	operator: &str,
	inputs: &[Value],
	outputs: &[Value],
	weights: Option<&[u8]>,
) -> Vec<u8> {
	let mut node = Vec::new();
	for input in inputs {
		text(&mut node, 1, input.name);
	}
	if weights.is_some() {
		text(&mut node, 1, "weights");
	}
	for output in outputs {
		text(&mut node, 2, output.name);
	}
	text(&mut node, 4, operator);

	let mut graph = Vec::new();
	bytes(&mut graph, 1, &node);
	text(&mut graph, 2, "test");
	if let Some(tensor) = weights {
		bytes(&mut graph, 5, tensor);
	}
	for (field, values) in [(11, inputs), (12, outputs)] {
		for value in values {
			bytes(&mut graph, field, &value_info(value));
		}
	}

	let mut opset = Vec::new();
	number(&mut opset, 2, 17);
	let mut model = Vec::new();
	number(&mut model, 1, 8);
	bytes(&mut model, 7, &graph);
	bytes(&mut model, 8, &opset);
	model
}

/// Weights `f32[elements]` whose values lie in a file beside the model.
pub(crate) fn external_weights(elements: u64, file: &str) -> Vec<u8> {
	let mut tensor = Vec::new();
	number(&mut tensor, 1, elements);
	number(&mut tensor, 2, code(ElementType::F32));
	text(&mut tensor, 8, "weights");
	let mut location = Vec::new();
	text(&mut location, 1, "location");
	text(&mut location, 2, file);
	bytes(&mut tensor, 13, &location);
	number(&mut tensor, 14, 1);
	tensor
}

fn value_info(value: &Value) -> Vec<u8> {
	let mut shape = Vec::new();
	for (at, dim) in value.shape.iter().enumerate() {
		let mut dimension = Vec::new();
		match dim {
			Dim::N(n) => number(&mut dimension, 1, *n),
			Dim::Symbol => text(&mut dimension, 2, &format!("{}{at}", value.name)),
		}
		bytes(&mut shape, 1, &dimension);
	}
	let mut tensor = Vec::new();
	number(&mut tensor, 1, value.element);
	bytes(&mut tensor, 2, &shape);
	let mut kind = Vec::new();
	bytes(&mut kind, 1, &tensor);
	let mut info = Vec::new();
	text(&mut info, 1, value.name);
	bytes(&mut info, 2, &kind);
	info
}

fn varint(to: &mut Vec<u8>, mut n: u64) {
	while n >= 0x80 {
		to.push(n as u8 | 0x80);
		n >>= 7;
	}
	to.push(n as u8);
}

fn number(to: &mut Vec<u8>, field: u64, n: u64) {
	varint(to, field << 3);
	varint(to, n);
}

fn bytes(to: &mut Vec<u8>, field: u64, content: &[u8]) {
	varint(to, field << 3 | 2);
	varint(to, content.len() as u64);
	to.extend_from_slice(content);
}

fn text(to: &mut Vec<u8>, field: u64, content: &str) {
	bytes(to, field, content.as_bytes());
}
