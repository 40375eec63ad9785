//! ONNX Runtime behind the engine trait.

use crate::{
	arg_max, digits, example, fixed,
	onnx::{code, external_weights, model, Dim, Value, DOUBLE},
	runtime, tensor,
};
use aimodel_inference::{engine::Side, Engine, EngineError, Model};
use aimodel_primitives::tensor::{Dimension, ElementType, Interface, ShapeError, TensorType};
use std::sync::{Arc, Barrier};

const ELEMENTS: [ElementType; 5] =
	[ElementType::U8, ElementType::I8, ElementType::I32, ElementType::I64, ElementType::F32];

fn floats(bytes: &[u8]) -> Vec<f32> {
	bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn wine() -> Interface {
	let batch = Dimension::Batch { max: 64 };
	Interface {
		input: tensor(ElementType::F32, &[batch, Dimension::Fixed(13)]),
		output: tensor(ElementType::F32, &[batch, Dimension::Fixed(3)]),
	}
}

fn refusal(artifact: &[u8], interface: &Interface) -> EngineError {
	match runtime().load(artifact, interface) {
		Err(error) => error,
		Ok(_) => panic!("loaded"),
	}
}

#[test]
fn all_digits_come_out_as_the_executor_says_byte_for_byte() {
	let artifact = example("digits/digits.provable.onnx");
	let (images, labels) = (example("digits/test_x.u8"), example("digits/test_y.u8"));
	let model = runtime().load(&artifact, &digits()).unwrap();
	let network = zkonnx::Network::from_onnx(&artifact).unwrap();
	assert_eq!(images.len(), 450 * 64);
	let mut right = 0;
	for (at, (image, label)) in images.chunks(64).zip(&labels).enumerate() {
		let output = model.infer(image, 1).unwrap();
		assert_eq!(output, network.execute(image).unwrap(), "image {at}");
		let scores: Vec<i32> =
			output.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
		right += usize::from(arg_max(&scores) == usize::from(*label));
	}
	assert!(right >= 430, "only {right} of 450 are right");
}

#[test]
fn a_float_model_is_served_in_batches_and_row_by_row() {
	let (input, labels) = (example("wine/test_x.f32"), example("wine/test_y.u8"));
	let model = runtime().load(&example("wine/wine.onnx"), &wine()).unwrap();
	let rows = labels.len();
	let batch = model.infer(&input, rows as u32).unwrap();
	let predicted: Vec<_> = floats(&batch).chunks(3).map(|p| arg_max(p) as u8).collect();
	assert_eq!(predicted, labels);
	for (row, expected) in input.chunks(13 * 4).zip(batch.chunks(3 * 4)) {
		assert_eq!(model.infer(row, 1).unwrap(), expected);
	}
}

#[test]
fn four_threads_get_identical_outputs() {
	let artifact = example("digits/digits.provable.onnx");
	let images = example("digits/test_x.u8");
	let model = runtime().load(&artifact, &digits()).unwrap();
	let run = |model: &Arc<dyn Model>| -> Vec<Vec<u8>> {
		images.chunks(64).map(|image| model.infer(image, 1).unwrap()).collect()
	};
	let alone = run(&model);
	let start = Barrier::new(4);
	std::thread::scope(|scope| {
		let threads: Vec<_> = (0..4)
			.map(|_| {
				scope.spawn(|| {
					start.wait();
					run(&model)
				})
			})
			.collect();
		for thread in threads {
			assert_eq!(thread.join().unwrap(), alone);
		}
	});
}

#[test]
fn every_element_type_passes_through_unchanged() {
	for element in ELEMENTS {
		let shape = [Dim::Symbol, Dim::N(3)];
		let value = |name| Value { name, element: code(element), shape: &shape };
		let identity = model("Identity", &[value("x")], &[value("y")], None);
		let side = || tensor(element, &[Dimension::Batch { max: 4 }, Dimension::Fixed(3)]);
		let loaded =
			runtime().load(&identity, &Interface { input: side(), output: side() }).unwrap();
		let input: Vec<u8> =
			(0..2 * 3 * element.bytes()).map(|n| 0xf5u8.wrapping_add(n as u8)).collect();
		assert_eq!(loaded.infer(&input, 2).unwrap(), input, "{element:?}");
	}
}

#[test]
fn a_dynamic_output_is_as_long_as_the_model_makes_it() {
	let input = Value { name: "x", element: code(ElementType::I32), shape: &[Dim::N(4)] };
	let output =
		Value { name: "y", element: code(ElementType::I64), shape: &[Dim::N(1), Dim::Symbol] };
	let non_zero = model("NonZero", &[input], &[output], None);
	let interface = Interface {
		input: fixed(ElementType::I32, &[4]),
		output: tensor(ElementType::I64, &[Dimension::Fixed(1), Dimension::Dynamic { max: 3 }]),
	};
	let loaded = runtime().load(&non_zero, &interface).unwrap();
	let infer = |input: [i32; 4]| loaded.infer(&input.map(i32::to_le_bytes).concat(), 1);
	assert_eq!(infer([0, 5, 0, -1]).unwrap(), [1i64, 3].map(i64::to_le_bytes).concat());
	for wrong in [[0; 4], [1; 4]] {
		assert!(matches!(infer(wrong), Err(EngineError::OutputShape { rows: 1, .. })));
	}
	// And the session lives on.
	assert_eq!(infer([1, 0, 0, 0]).unwrap(), 0i64.to_le_bytes());
}

#[test]
fn another_interface_than_the_models_is_refused() {
	let artifact = example("wine/wine.onnx");
	let with = |input: TensorType, output: TensorType| Interface { input, output };
	let Interface { input, output } = wine();
	let rows = Dimension::Batch { max: 64 };
	for (side, wrong) in [
		(Side::Input, tensor(ElementType::I32, &[rows, Dimension::Fixed(13)])),
		(Side::Input, tensor(ElementType::F32, &[rows, Dimension::Fixed(12)])),
		(Side::Input, tensor(ElementType::F32, &[rows, Dimension::Fixed(13), Dimension::Fixed(1)])),
		(Side::Output, tensor(ElementType::F32, &[rows, Dimension::Fixed(4)])),
		(Side::Output, tensor(ElementType::F32, &[rows, Dimension::Dynamic { max: 2 }])),
		(Side::Output, tensor(ElementType::I64, &[rows, Dimension::Fixed(3)])),
	] {
		let interface = match side {
			Side::Input => with(wrong, output.clone()),
			Side::Output => with(input.clone(), wrong),
		};
		match refusal(&artifact, &interface) {
			EngineError::WrongInterface { side: refused, expected, found } => {
				assert_eq!(refused, side);
				assert_ne!(expected, found);
				assert!(found.starts_with("f32[?, "), "{found}");
			},
			other => panic!("{other}"),
		}
	}
}

#[test]
fn a_model_with_a_type_that_the_chain_does_not_know_is_refused() {
	let value = |name| Value { name, element: DOUBLE, shape: &[Dim::N(2)] };
	let identity = model("Identity", &[value("x")], &[value("y")], None);
	let side = || fixed(ElementType::F32, &[2]);
	assert_eq!(
		refusal(&identity, &Interface { input: side(), output: side() }).to_string(),
		"the model's input is f64[2]; the chain says f32[2]"
	);
}

#[test]
fn a_model_with_two_inputs_is_refused() {
	let value = |name| Value { name, element: code(ElementType::F32), shape: &[Dim::N(2)] };
	let add = model("Add", &[value("left"), value("right")], &[value("sum")], None);
	let side = || fixed(ElementType::F32, &[2]);
	assert_eq!(
		refusal(&add, &Interface { input: side(), output: side() }),
		EngineError::Arity { side: Side::Input, found: 2, names: "left, right".into() }
	);
}

#[test]
fn an_unsound_interface_is_refused_before_anything_is_loaded() {
	let unsound = Interface {
		input: tensor(ElementType::U8, &[Dimension::Dynamic { max: 2 }]),
		output: fixed(ElementType::U8, &[1]),
	};
	assert_eq!(refusal(&[], &unsound), EngineError::Interface(ShapeError::DynamicInput));
}

#[test]
fn a_file_that_is_no_model_is_refused() {
	let artifact = example("wine/wine.onnx");
	for bytes in [&b""[..], b"not a model", &artifact[..artifact.len() / 2]] {
		assert!(matches!(refusal(bytes, &wine()), EngineError::NotAModel { .. }));
	}
}

#[test]
fn weights_in_a_file_beside_the_model_are_refused() {
	// Any file will do as weights; Cargo runs tests in the package's folder.
	let absolute = std::fs::canonicalize("Cargo.toml").unwrap();
	let value = |name| Value { name, element: code(ElementType::F32), shape: &[Dim::N(2)] };
	let side = || fixed(ElementType::F32, &[2]);
	let interface = Interface { input: side(), output: side() };
	for location in ["Cargo.toml", "../inference/Cargo.toml", absolute.to_str().unwrap()] {
		let weights = external_weights(2, location);
		let add = model("Add", &[value("x")], &[value("y")], Some(&weights));
		let refused = refusal(&add, &interface);
		let EngineError::NotAModel { reason } = refused else { panic!("{location}: {refused}") };
		assert!(reason.contains("External data path"), "{location}: {reason}");
	}
}

#[test]
fn an_input_of_the_wrong_length_is_refused() {
	let model = runtime().load(&example("wine/wine.onnx"), &wine()).unwrap();
	for (bytes, rows) in [(0, 1), (51, 1), (53, 1), (104, 1), (52, 2)] {
		match model.infer(&vec![0; bytes], rows) {
			Err(EngineError::InputLength { expected, found, .. }) => {
				assert_eq!((expected, found), (u64::from(rows) * 52, bytes as u64));
			},
			other => panic!("{other:?}"),
		}
	}
	for rows in [0, 65] {
		let infer = model.infer(&vec![0; rows as usize * 52], rows);
		assert_eq!(infer, Err(EngineError::Rows { rows, max: 64 }));
	}
}

#[test]
fn a_model_that_fails_while_it_runs_is_an_error() {
	// The declared shapes let it pass; [2] and [3] can not be added.
	let dims = [Dim::Symbol];
	let value = |name| Value { name, element: code(ElementType::F32), shape: &dims };
	let weights = {
		let mut tensor = external_weights(3, "");
		// Cut the external part off: dims, type and name remain, then raw data.
		let end = tensor.windows(7).position(|w| w == b"weights").unwrap() + 7;
		tensor.truncate(end);
		tensor.extend([9 << 3 | 2, 12]);
		tensor.extend([1.0f32; 3].map(f32::to_le_bytes).concat());
		tensor
	};
	let add = model("Add", &[value("x")], &[value("y")], Some(&weights));
	let interface =
		Interface { input: fixed(ElementType::F32, &[2]), output: fixed(ElementType::F32, &[3]) };
	let loaded = runtime().load(&add, &interface).unwrap();
	assert!(matches!(loaded.infer(&[0; 8], 1), Err(EngineError::Runtime(_))));
}
