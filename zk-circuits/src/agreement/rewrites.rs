//! What the importer refuses because ONNX Runtime rewrites it: ONNX Runtime does not load it, or gives other
//! integers than for the form that the error proposes.

use super::{check, onnxruntime::Session};
use crate::{
	onnx::{proto::tensor_proto::DataType, Attribute, Data, Dim, GraphWriter, Tensor, TensorType},
	Network,
};
use ark_std::rand::{rngs::StdRng, SeedableRng};

type Attributes<'a> = &'a [(&'a str, Attribute)];
/// Operator, inputs, output, attributes.
type Node<'a> = (&'a str, &'a [&'a str], &'a str, Attributes<'a>);

/// A graph on `x`, `uint8[1, 2, 3, 4]`, and `a`, which is `x − 100` in `int32`.
fn model(nodes: &[Node<'_>], output: (&str, TensorType)) -> Vec<u8> {
	let mut graph = GraphWriter::new("neighbours");
	graph.input("x", TensorType::U8, &[1, 2, 3, 4].map(Dim::Known));
	for (name, value) in [("hundred", 100), ("zero", 0), ("one", 1), ("five", 5), ("high", 255)] {
		graph.constant(name, &Tensor { dims: vec![], data: Data::I32(vec![value]) });
	}
	for (name, value) in [("no byte", 0), ("seven", 7)] {
		graph.constant(name, &Tensor { dims: vec![], data: Data::U8(vec![value]) });
	}
	graph.constant("weights", &Tensor { dims: vec![1, 2, 2, 2], data: Data::U8((0..8).collect()) });
	for (name, list) in [
		("shape", &[1, 2, 3, 4][..]),
		("flat", &[1, 24]),
		("first", &[0]),
		("open", &[i64::MAX]),
		("frame", &[0, 0, 1, 1, 0, 0, 1, 1]),
		("corner", &[0, 0, 0, 0, 0, 0, 1, 2]),
		("wide frame", &[0, 0, 2, 2, 0, 0, 2, 2]),
		("channel", &[0, 1, 2, 2, 0, 0, 2, 2]),
	] {
		graph.constant(name, &Tensor { dims: vec![list.len()], data: Data::I64(list.to_vec()) });
	}
	let to = [("to", Attribute::Int(DataType::Int32 as i64))];
	graph.node_with("Cast", &["x"], &["wide"], &to);
	graph.node_with("Sub", &["wide", "hundred"], &["a"], &[]);
	for (operator, inputs, output, attributes) in nodes {
		graph.node_with(operator, inputs, &[output], attributes);
	}
	graph.output_of_any_shape(output.0, output.1);
	graph.finish(17)
}

/// Refuses `refused` with an error that contains `words`; ONNX Runtime does not load it, or does not
/// give what it gives for `admitted`, which stands for the same.
fn differs(refused: &[u8], admitted: &[u8], words: &str) {
	let error = Network::from_onnx(refused).expect_err("must be refused").to_string();
	assert!(error.contains(words), "{error}");
	let mut rng = StdRng::seed_from_u64(3);
	check(admitted, &mut rng);
	let network = Network::from_onnx(admitted).expect("provable");
	if let Ok(mut session) = Session::try_open(refused) {
		let input: Vec<u8> = (0..network.input().bytes()).map(|x| 10 * x as u8).collect();
		let right = network.execute(&input).expect("an input");
		assert_ne!(session.run(&network, &input), right);
	}
}

fn agrees(onnx: &[u8]) {
	check(onnx, &mut StdRng::seed_from_u64(5));
}

const CLIP: &[&str] = &["b", "zero", "high"];
const SWAP: &[(&str, [i64; 4])] = &[("perm", [0, 1, 3, 2])];

fn swap() -> Vec<(&'static str, Attribute)> {
	SWAP.iter().map(|(name, order)| (*name, Attribute::Ints(order.to_vec()))).collect()
}

#[test]
fn a_relu_that_only_a_clip_reads_is_refused_through_what_vanishes() {
	let int32 = [("to", Attribute::Int(DataType::Int32 as i64))];
	let swap = swap();
	let between: &[&[Node<'_>]] = &[
		&[("Identity", &["r"], "b", &[])],
		&[("Cast", &["r"], "b", &int32)],
		&[("Add", &["r", "zero"], "b", &[])],
		&[("Add", &["zero", "r"], "b", &[])],
		&[("Sub", &["r", "zero"], "b", &[])],
		&[("Mul", &["one", "r"], "b", &[])],
		&[("Div", &["r", "one"], "b", &[])],
		&[("Expand", &["r", "shape"], "b", &[])],
		&[("Slice", &["r", "first", "open", "first"], "b", &[])],
		&[("Relu", &["r"], "b", &[])],
		&[("Identity", &["r"], "i", &[]), ("Add", &["i", "zero"], "b", &[])],
		&[("Transpose", &["r"], "t", &swap), ("Transpose", &["t"], "b", &swap)],
	];
	for nodes in between {
		let relu: &[Node<'_>] = &[("Relu", &["a"], "r", &[])];
		let clip: &[Node<'_>] = &[("Clip", CLIP, "y", &[])];
		let plain: &[Node<'_>] = &[("Clip", &["a", "zero", "high"], "y", &[])];
		let refused = model(&[relu, nodes, clip].concat(), ("y", TensorType::I32));
		assert!(Session::try_open(&refused).is_err(), "{nodes:?}");
		differs(&refused, &model(plain, ("y", TensorType::I32)), "raise the Clip's lower limit");
	}
}

#[test]
fn equal_clips_of_a_relu_are_one() {
	let clips = |high: &str| {
		let nodes: &[Node<'_>] = &[
			("Relu", &["a"], "r", &[]),
			("Clip", &["r", "zero", "high"], "c", &[]),
			("Clip", &["r", "zero", high], "d", &[]),
			("Add", &["c", "d"], "y", &[]),
		];
		model(nodes, ("y", TensorType::I32))
	};
	differs(&clips("high"), &clips("hundred"), "raise the Clip's lower limit");
}

#[test]
fn a_relu_that_is_not_joined_with_a_clip_is_admitted() {
	let cases: &[&[Node<'_>]] = &[
		&[("Clip", &["r", "", "high"], "y", &[])],
		&[("Clip", &["r"], "y", &[])],
		&[("Clip", &["r", "zero", "high"], "c", &[]), ("Add", &["c", "r"], "y", &[])],
		&[("Reshape", &["r", "flat"], "b", &[]), ("Clip", CLIP, "y", &[])],
		&[("Add", &["r", "five"], "b", &[]), ("Clip", CLIP, "y", &[])],
		&[("Max", &["r", "zero"], "b", &[]), ("Clip", CLIP, "y", &[])],
		&[
			("Identity", &["r"], "b", &[]),
			("Clip", CLIP, "c", &[]),
			("Neg", &["b"], "n", &[]),
			("Add", &["c", "n"], "y", &[]),
		],
	];
	for nodes in cases {
		let relu: &[Node<'_>] = &[("Relu", &["a"], "r", &[])];
		agrees(&model(&[relu, nodes].concat(), ("y", TensorType::I32)));
	}
}

#[test]
fn a_reciprocal_that_is_multiplied_is_refused() {
	let product = |from: &[Node<'_>]| {
		let nodes: &[Node<'_>] = &[
			("Abs", &["a"], "p", &[]),
			("Add", &["p", "one"], "d", &[]),
			("Div", &["one", "d"], "q", &[]),
		];
		model(&[nodes, from].concat(), ("y", TensorType::I32))
	};
	let apart = product(&[("Abs", &["q"], "r", &[]), ("Mul", &["r", "hundred"], "y", &[])]);
	differs(&product(&[("Mul", &["q", "hundred"], "y", &[])]), &apart, "put an Abs");
	differs(
		&product(&[("Identity", &["q"], "r", &[]), ("Mul", &["hundred", "r"], "y", &[])]),
		&apart,
		"put an Abs",
	);
	agrees(&product(&[("Add", &["q", "a"], "y", &[])]));
}

/// A `MaxPool` of `kernel` squares after `nodes`.
fn pooled(nodes: &[Node<'_>], kernel: i64, more: Attributes<'_>) -> Vec<u8> {
	let attributes = [&[("kernel_shape", Attribute::Ints(vec![kernel; 2]))], more].concat();
	let pool: &[Node<'_>] = &[
		("MaxPool", &["p"], "m", &attributes),
		("Cast", &["m"], "i", &[("to", Attribute::Int(DataType::Int32 as i64))]),
		// The rest of the graph is read too.
		("ReduceSum", &["a"], "s", &[]),
		("Add", &["i", "s"], "y", &[]),
	];
	model(&[nodes, pool].concat(), ("y", TensorType::I32))
}

#[test]
fn zeros_around_a_pool_are_refused_where_the_pool_can_not_take_them() {
	let valid = [("auto_pad", Attribute::Text("VALID".into()))];
	let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
	let (no_pads, two) = ([("pads", ints(&[0; 4]))], [("strides", ints(&[2, 2]))]);
	let ceil = ("ceil_mode", Attribute::Int(1));
	let byte = [("to", Attribute::Int(DataType::Uint8 as i64))];
	let swap = swap();
	let pad = |pads: &'static str| -> [Node<'static>; 1] {
		match pads {
			"corner" => [("Pad", &["x", "corner", "no byte"], "p", &[])],
			"frame" => [("Pad", &["x", "frame"], "p", &[])],
			_ => [("Pad", &["x", "wide frame", "no byte"], "p", &[])],
		}
	};
	// As wide as the window.
	let wide = pad("wide frame");
	for attributes in [&[][..], &no_pads] {
		let refused = pooled(&wide, 2, attributes);
		assert!(Session::try_open(&refused).is_err());
		differs(&refused, &pooled(&wide, 2, &valid), "auto_pad VALID");
	}
	let chains: &[&[Node<'_>]] = &[
		&[("Pad", &["x", "wide frame"], "q", &[]), ("Identity", &["q"], "p", &[])],
		&[
			("Pad", &["x", "wide frame"], "q", &[]),
			("Transpose", &["q"], "t", &swap),
			("Transpose", &["t"], "p", &swap),
		],
		&[("Pad", &["x", "frame"], "q", &[]), ("Pad", &["q", "frame"], "p", &[])],
		&[("Pad", &["wide", "wide frame", "zero"], "q", &[]), ("Cast", &["q"], "p", &byte)],
	];
	for chain in chains {
		let refused = pooled(chain, 2, &[]);
		assert!(Session::try_open(&refused).is_err(), "{chain:?}");
		differs(&refused, &pooled(chain, 2, &valid), "auto_pad VALID");
	}
	// A window that begins among the zeros.
	let corner = pad("corner");
	let open = [&two[..], &[ceil]].concat();
	let shut = [&open[..], &valid].concat();
	differs(&pooled(&corner, 2, &open), &pooled(&corner, 2, &shut), "auto_pad VALID");
	// What fits is admitted, and so is what ONNX Runtime leaves as it is.
	agrees(&pooled(&pad("frame"), 2, &no_pads));
	agrees(&pooled(&wide, 3, &[]));
	agrees(&pooled(&pad("frame"), 2, &two));
	agrees(&pooled(&[("Pad", &["x", "wide frame", "seven"], "p", &[])], 2, &[]));
	agrees(&pooled(&[("Pad", &["x", "channel", "no byte"], "p", &[])], 2, &[]));
	let edge = [("mode", Attribute::Text("edge".into()))];
	agrees(&pooled(&[("Pad", &["x", "wide frame"], "p", &edge)], 2, &[]));
	agrees(&pooled(&[("Pad", &["x", "corner", "seven"], "p", &[])], 2, &open));
}

#[test]
fn zeros_around_a_convolution_are_not_its_padding() {
	let nodes: &[Node<'_>] = &[
		("Pad", &["x", "wide frame", "no byte"], "p", &[]),
		("ConvInteger", &["p", "weights", "seven", "seven"], "c", &[]),
		("ReduceSum", &["a"], "s", &[]),
		("Add", &["c", "s"], "y", &[]),
	];
	agrees(&model(nodes, ("y", TensorType::I32)));
}
