//! Small models for unit tests.

use crate::{
	onnx::{
		proto::{self, tensor_proto::DataType},
		Data, Dim, GraphWriter, Tensor, TensorType,
	},
	Opening,
};
use ark_std::rand::{rngs::StdRng, SeedableRng};
use prost::Message;

/// One dense layer in integers.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
	/// Around zero, row-major, `addend.len()` columns.
	pub(crate) weights: Vec<i32>,
	pub(crate) zero_point: u8,
	pub(crate) addend: Vec<i32>,
	/// Rescale by these shifts; without, the layer gives raw scores.
	pub(crate) shifts: Option<Vec<u32>>,
}

impl Layer {
	/// One weight, one addend, one shift.
	pub(crate) fn single(weight: i32, addend: i32, shift: Option<u32>) -> Self {
		Self {
			weights: vec![weight],
			zero_point: 0,
			addend: vec![addend],
			shifts: shift.map(|s| vec![s]),
		}
	}
}

/// The `.onnx` file of a chain of layers on `uint8[N, inputs]`.
pub(crate) fn model(inputs: usize, layers: &[Layer]) -> Vec<u8> {
	let batch = Dim::Symbol(Some("N".into()));
	let mut graph = GraphWriter::new("test");
	graph.input("x", TensorType::U8, &[batch.clone(), Dim::Known(inputs)]);
	let scalar = |data| Tensor { dims: vec![], data };
	graph.constant("w_zero", &scalar(Data::U8(vec![128])));
	graph.constant("lowest", &scalar(Data::I32(vec![0])));
	graph.constant("highest", &scalar(Data::I32(vec![255])));
	let mut at = "x".to_string();
	let mut columns = inputs;
	let mut element = TensorType::U8;
	for (index, layer) in layers.iter().enumerate() {
		let rows = columns;
		columns = layer.addend.len();
		let name = |part: &str| format!("{part}{index}");
		let bytes = layer.weights.iter().map(|w| (w + 128) as u8).collect();
		graph.constant(&name("w"), &Tensor { dims: vec![rows, columns], data: Data::U8(bytes) });
		graph.constant(&name("zero"), &scalar(Data::U8(vec![layer.zero_point])));
		let addend = Data::I32(layer.addend.clone());
		graph.constant(&name("addend"), &Tensor { dims: vec![columns], data: addend });
		let operands = [at.clone(), name("w"), name("zero"), "w_zero".into()];
		let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
		graph.node("MatMulInteger", &operands, &name("product"), &[]);
		graph.node("Add", &[&name("product"), &name("addend")], &name("sum"), &[]);
		at = name("sum");
		element = TensorType::I32;
		if let Some(shifts) = &layer.shifts {
			let divisors = Data::I32(shifts.iter().map(|s| 1 << s).collect());
			graph.constant(&name("divisor"), &Tensor { dims: vec![columns], data: divisors });
			graph.node("Div", &[&at, &name("divisor")], &name("quotient"), &[]);
			graph.node("Clip", &[&name("quotient"), "lowest", "highest"], &name("clip"), &[]);
			graph.node("Cast", &[&name("clip")], &name("y"), &[("to", DataType::Uint8 as i64)]);
			at = name("y");
			element = TensorType::U8;
		}
	}
	graph.output(&at, element, &[batch, Dim::Known(columns)]);
	graph.finish(17)
}

/// Two inputs, three hidden, two scores: valid, and small enough to edit.
pub(crate) fn small() -> Vec<u8> {
	model(
		2,
		&[
			Layer {
				weights: vec![127, -127, 30, 90, -100, -20],
				zero_point: 0,
				addend: vec![-900, 700, 16],
				shifts: Some(vec![4, 3, 5]),
			},
			Layer {
				weights: vec![5, -5, 7, -7, 100, 127],
				zero_point: 0,
				addend: vec![3, -3],
				shifts: None,
			},
		],
	)
}

/// What somebody has drawn and is known by.
pub(crate) fn opening() -> Opening {
	Opening::new(std::array::from_fn(|at| 7 * at as u8 + 3), 987_654_321u64.into())
}

/// The same model with private parameters.
pub(crate) fn hidden(onnx: &[u8]) -> Vec<u8> {
	crate::hide_parameters(onnx, &mut StdRng::seed_from_u64(3)).expect("parameters")
}

/// A model file, decoded, changed and encoded again.
pub(crate) fn edit(bytes: &[u8], change: impl FnOnce(&mut proto::ModelProto)) -> Vec<u8> {
	let mut file = proto::ModelProto::decode(bytes).expect("a model");
	change(&mut file);
	file.encode_to_vec()
}

/// The graph of a decoded model.
pub(crate) fn graph(file: &mut proto::ModelProto) -> &mut proto::GraphProto {
	file.graph.as_mut().expect("a graph")
}

/// The first node with an operator.
pub(crate) fn node<'a>(
	file: &'a mut proto::ModelProto,
	operator: &str,
) -> &'a mut proto::NodeProto {
	let nodes = &mut graph(file).node;
	nodes.iter_mut().find(|node| node.op_type() == operator).expect("such a node")
}

/// The initialiser with a name.
pub(crate) fn tensor<'a>(
	file: &'a mut proto::ModelProto,
	name: &str,
) -> &'a mut proto::TensorProto {
	let tensors = &mut graph(file).initializer;
	tensors.iter_mut().find(|tensor| tensor.name() == name).expect("such a tensor")
}
