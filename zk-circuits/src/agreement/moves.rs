//! Moves at the edges and beyond: what the importer admits, ONNX Runtime moves alike.

use super::check;
use crate::{
	onnx::{proto::tensor_proto::DataType, Attribute, Data, Dim, GraphWriter, Tensor, TensorType},
	Network,
};
use ark_std::rand::{rngs::StdRng, SeedableRng};

/// Elements along the dimension that is moved.
const SIZE: i64 = 4;

/// The negative of `operator(x, constants…)`, where `x` is `uint8[1, 2, SIZE]`.
fn model(operator: &str, constants: &[&[i64]], attributes: &[(&str, Attribute)]) -> Vec<u8> {
	let mut graph = GraphWriter::new("one move");
	graph.input("x", TensorType::U8, &[1, 2, SIZE as usize].map(Dim::Known));
	let names: Vec<String> = (0..constants.len()).map(|at| format!("c{at}")).collect();
	for (name, list) in names.iter().zip(constants) {
		graph.constant(name, &Tensor { dims: vec![list.len()], data: Data::I64(list.to_vec()) });
	}
	let inputs: Vec<&str> = std::iter::once("x").chain(names.iter().map(String::as_str)).collect();
	graph.node_with(operator, &inputs, &["moved"], attributes);
	let to = [("to", Attribute::Int(DataType::Int32 as i64))];
	graph.node_with("Cast", &["moved"], &["wide"], &to);
	graph.node_with("Neg", &["wide"], &["y"], &[]);
	graph.output_of_any_shape("y", TensorType::I32);
	graph.finish(18)
}

/// Whether the importer admits a model; then ONNX Runtime must agree.
fn admitted(onnx: &[u8]) -> bool {
	let admitted = Network::from_onnx(onnx).is_ok();
	if admitted {
		check(onnx, &mut StdRng::seed_from_u64(11));
	}
	admitted
}

#[test]
fn slices_end_where_those_of_onnx_runtime_do() {
	let places =
		[i64::MIN, -SIZE - 2, -SIZE - 1, -SIZE, -1, 0, 1, SIZE - 1, SIZE, SIZE + 1, i64::MAX];
	let mut count = 0;
	for start in places {
		for end in places {
			for step in [-SIZE, -2, -1, 1, 2, SIZE] {
				println!("{start} {end} {step}");
				let lists = [start, end, 2, step].map(|value| [value]);
				count +=
					usize::from(admitted(&model("Slice", &lists.each_ref().map(|x| &x[..]), &[])));
			}
		}
	}
	assert!(count > 200, "{count}");
}

#[test]
fn pads_repeat_and_cut_off_what_those_of_onnx_runtime_do() {
	for (mode, least) in [("constant", 70), ("edge", 30), ("reflect", 15), ("wrap", 20)] {
		let mut count = 0;
		for front in -SIZE - 1..=SIZE + 1 {
			for back in -SIZE - 1..=SIZE + 1 {
				println!("{mode} {front} {back}");
				let pads = [0, 0, front, 0, 0, back];
				let mode = [("mode", Attribute::Text(mode.into()))];
				count += usize::from(admitted(&model("Pad", &[&pads], &mode)));
			}
		}
		assert!(count > least, "{mode}: {count}");
	}
}
