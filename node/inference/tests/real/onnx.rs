//! Writes small ONNX files: nodes, weights, tensors of any type.

// The benchmark includes this file, too, and needs less of it.
#![allow(dead_code)]

use aimodel_primitives::tensor::ElementType;

/// A dimension: a number, a symbol of its own, or the symbol of all that have as many rows.
#[derive(Clone, Copy)]
pub(crate) enum Dim {
	N(u64),
	Symbol,
	Batch,
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
	let mut reads: Vec<_> = inputs.iter().map(|input| input.name).collect();
	reads.extend(weights.is_some().then_some("weights"));
	let writes: Vec<_> = outputs.iter().map(|output| output.name).collect();
	let weights: Vec<_> = weights.map(<[u8]>::to_vec).into_iter().collect();
	graph(&[node(operator, &reads, &writes, &[])], inputs, outputs, &weights)
}

/// An attribute of a node.
pub(crate) enum Attribute<'a> {
	Int(u64),
	Ints(&'a [u64]),
}

/// A node.
pub(crate) fn node(
	operator: &str,
	reads: &[&str],
	writes: &[&str],
	attributes: &[(&str, Attribute)],
) -> Vec<u8> {
	let mut node = Vec::new();
	reads.iter().for_each(|name| text(&mut node, 1, name));
	writes.iter().for_each(|name| text(&mut node, 2, name));
	text(&mut node, 4, operator);
	for (name, value) in attributes {
		let mut attribute = Vec::new();
		text(&mut attribute, 1, name);
		match value {
			Attribute::Int(n) => {
				number(&mut attribute, 3, *n);
				number(&mut attribute, 20, 2);
			},
			Attribute::Ints(numbers) => {
				numbers.iter().for_each(|n| number(&mut attribute, 8, *n));
				number(&mut attribute, 20, 7);
			},
		}
		bytes(&mut node, 5, &attribute);
	}
	node
}

/// A model of nodes, in the order in which they run.
pub(crate) fn graph(
	nodes: &[Vec<u8>],
	inputs: &[Value],
	outputs: &[Value],
	weights: &[Vec<u8>],
) -> Vec<u8> {
	let mut graph = Vec::new();
	nodes.iter().for_each(|node| bytes(&mut graph, 1, node));
	text(&mut graph, 2, "test");
	weights.iter().for_each(|tensor| bytes(&mut graph, 5, tensor));
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

/// Weights `f32[dims]`.
pub(crate) fn floats(name: &str, dims: &[u64], values: impl Iterator<Item = f32>) -> Vec<u8> {
	let mut tensor = Vec::new();
	dims.iter().for_each(|dim| number(&mut tensor, 1, *dim));
	number(&mut tensor, 2, code(ElementType::F32));
	text(&mut tensor, 8, name);
	let count = dims.iter().product::<u64>() as usize;
	let raw: Vec<u8> = values.take(count).flat_map(f32::to_le_bytes).collect();
	assert_eq!(raw.len(), 4 * count);
	bytes(&mut tensor, 9, &raw);
	tensor
}

/// Numbers from -0.5 to 0.5, the same each time.
pub(crate) fn noise() -> impl Iterator<Item = f32> {
	let mut state = 1u32;
	std::iter::repeat_with(move || {
		state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
		(state >> 8) as f32 / (1 << 24) as f32 - 0.5
	})
}

/// A perceptron `f32[batch, 784]` to `f32[batch, 10]`, with a hidden layer of 128.
pub(crate) fn mlp() -> Vec<u8> {
	let float = code(ElementType::F32);
	graph(
		&[
			node("Gemm", &["x", "w1", "b1"], &["h"], &[]),
			node("Relu", &["h"], &["r"], &[]),
			node("Gemm", &["r", "w2", "b2"], &["y"], &[]),
		],
		&[Value { name: "x", element: float, shape: &[Dim::Batch, Dim::N(784)] }],
		&[Value { name: "y", element: float, shape: &[Dim::Batch, Dim::N(10)] }],
		&[
			floats("w1", &[784, 128], noise()),
			floats("b1", &[128], noise()),
			floats("w2", &[128, 10], noise()),
			floats("b2", &[10], noise()),
		],
	)
}

/// A convolutional network `f32[batch, 1, 16, 16]` to `f32[batch, 10]`.
pub(crate) fn cnn() -> Vec<u8> {
	let float = code(ElementType::F32);
	let image = [Dim::Batch, Dim::N(1), Dim::N(16), Dim::N(16)];
	graph(
		&[
			node("Conv", &["x", "w1", "b1"], &["c1"], &[]),
			node("Relu", &["c1"], &["r1"], &[]),
			node("Conv", &["r1", "w2", "b2"], &["c2"], &[]),
			node("Relu", &["c2"], &["r2"], &[]),
			node("Flatten", &["r2"], &["f"], &[]),
			node("Gemm", &["f", "w3", "b3"], &["y"], &[]),
		],
		&[Value { name: "x", element: float, shape: &image }],
		&[Value { name: "y", element: float, shape: &[Dim::Batch, Dim::N(10)] }],
		&[
			floats("w1", &[4, 1, 3, 3], noise()),
			floats("b1", &[4], noise()),
			floats("w2", &[8, 4, 3, 3], noise()),
			floats("b2", &[8], noise()),
			floats("w3", &[1152, 10], noise()),
			floats("b3", &[10], noise()),
		],
	)
}

/// LeNet-5, with ReLU and the largest of four: `f32[batch, 1, 28, 28]` to `f32[batch, 10]`.
pub(crate) fn lenet() -> Vec<u8> {
	convolutional(28, &[(6, 5), (16, 5)], &[120, 84, 10])
}

/// What Keras' first example reads digits with: `f32[batch, 1, 28, 28]` to `f32[batch, 10]`.
pub(crate) fn convnet() -> Vec<u8> {
	convolutional(28, &[(32, 3), (64, 3)], &[10])
}

/// Convolutions of so many channels and kernels so wide, each with ReLU and the largest of four, then dense layers.
fn convolutional(side: u64, convolutions: &[(u64, u64)], dense: &[u64]) -> Vec<u8> {
	let float = code(ElementType::F32);
	let image = [Dim::Batch, Dim::N(1), Dim::N(side), Dim::N(side)];
	let (mut nodes, mut weights) = (Vec::new(), Vec::new());
	let (mut last, mut channels, mut side) = ("x".to_owned(), 1, side);
	for (n, (out, kernel)) in convolutions.iter().enumerate() {
		let [w, b, c, r, p] = ["cw", "cb", "c", "cr", "p"].map(|name| format!("{name}{n}"));
		let by_two = || Attribute::Ints(&[2, 2]);
		let sizes = [("kernel_shape", by_two()), ("strides", by_two())];
		nodes.push(node("Conv", &[&last, &w, &b], &[&c], &[]));
		nodes.push(node("Relu", &[&c], &[&r], &[]));
		nodes.push(node("MaxPool", &[&r], &[&p], &sizes));
		weights.push(floats(&w, &[*out, channels, *kernel, *kernel], noise()));
		weights.push(floats(&b, &[*out], noise()));
		(last, channels, side) = (p, *out, (side + 1 - kernel) / 2);
	}
	nodes.push(node("Flatten", &[&last], &["flat"], &[]));
	let (mut last, mut width) = ("flat".to_owned(), channels * side * side);
	for (n, out) in dense.iter().enumerate() {
		let [w, b, g, r] = ["gw", "gb", "g", "gr"].map(|name| format!("{name}{n}"));
		let ends = n + 1 == dense.len();
		let sum = if ends { "y" } else { &g };
		nodes.push(node("Gemm", &[&last, &w, &b], &[sum], &[]));
		weights.push(floats(&w, &[width, *out], noise()));
		weights.push(floats(&b, &[*out], noise()));
		if !ends {
			nodes.push(node("Relu", &[sum], &[&r], &[]));
		}
		(last, width) = (r, *out);
	}
	graph(
		&nodes,
		&[Value { name: "x", element: float, shape: &image }],
		&[Value { name: "y", element: float, shape: &[Dim::Batch, Dim::N(10)] }],
		&weights,
	)
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
			Dim::Batch => text(&mut dimension, 2, "batch"),
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
