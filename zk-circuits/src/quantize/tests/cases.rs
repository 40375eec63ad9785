//! Small models with every operator, and what ONNX Runtime gives for them
//! (`tests/fixtures/float_cases.py`).

use super::*;
use crate::onnx::Model;

struct Case {
	name: String,
	model: Vec<u8>,
	rows: Rows,
	outputs: Vec<Vec<f64>>,
}

fn cases() -> Vec<Case> {
	let mut file = &include_bytes!("../../../tests/fixtures/float_cases.bin")[..];
	let mut cases = Vec::new();
	while let Some((length, rest)) = file.split_first_chunk() {
		let (model, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
		file = rest;
		let metadata = Model::read_any(model).expect("well-formed").metadata;
		let x = hex::decode(&metadata["x"]).expect("hex");
		let y = hex::decode(&metadata["y"]).expect("hex");
		let y: Vec<f64> = y
			.chunks_exact(4)
			.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("four"))))
			.collect();
		let bytes: Vec<u8> =
			x.iter().flat_map(|&x| ((f32::from(x) - 128.0) / 32.0).to_le_bytes()).collect();
		cases.push(Case {
			name: metadata["name"].clone(),
			model: model.to_vec(),
			rows: Rows::read(Format::F32, &bytes, x.len() / ROWS).expect("whole rows"),
			outputs: y.chunks_exact(y.len() / ROWS).map(<[f64]>::to_vec).collect(),
		});
	}
	cases
}

/// Rows of each case.
const ROWS: usize = 10;

#[test]
fn float_execution_equals_that_of_onnx_runtime() {
	let cases = cases();
	assert!(cases.len() > 80);
	let mut wrong = Vec::new();
	for case in &cases {
		let model = match FloatModel::from_onnx(&case.model) {
			Ok(model) => model,
			Err(error) => {
				wrong.push(format!("{}: {error}", case.name));
				continue;
			},
		};
		// What was dropped at the end is not compared; nor is what is rounded by chance.
		if !model.notes().iter().all(|note| !note.contains("dropped")) || case.name == "dynamic" {
			continue;
		}
		let largest = case.outputs.iter().flatten().fold(0.0f64, |largest, y| largest.max(y.abs()));
		// Quantised models round inside; the float model does not.
		let tolerance = if case.name.starts_with('q') { 0.03 } else { 1e-5 };
		for (row, expected) in case.outputs.iter().enumerate() {
			let y = model.execute(&case.rows.row(row)).expect("a row");
			assert_eq!(y.len(), expected.len(), "{}", case.name);
			let error = y.iter().zip(expected).map(|(y, e)| (y - e).abs()).fold(0.0, f64::max);
			if error.is_nan() || error > tolerance * largest {
				wrong.push(format!("{} row {row}: {error} of {largest}", case.name));
				break;
			}
		}
	}
	assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_constraint_is_of_one_layer_or_of_the_statement() {
	for case in cases() {
		let quantized = quantize(&case.model, &case.rows, Options::default()).expect("quantisable");
		let report = quantized.report(&case.rows).expect("rows");
		let layers: usize = report.layers.iter().map(|layer| layer.constraints).sum();
		assert_eq!(layers + report.statement_constraints, report.constraints, "{}", case.name);
	}
}

/// The provable model, read as a graph of its own, against the float model and bit for bit against
/// the network. Where a folder is
/// named, the provable models are written there, to be run elsewhere.
#[test]
fn provable_models_approximate_their_float_models() {
	let folder = std::env::var_os("ZKONNX_CASES");
	let mut wrong = Vec::new();
	for case in cases() {
		let options = Options::default();
		let (float, lowered) = match to_provable(&case.model, &case.rows, options) {
			Ok(result) => result,
			Err(error) => {
				wrong.push(format!("{}: {error}", case.name));
				continue;
			},
		};
		let provable = read::read(&lowered.onnx).expect("readable").graph;
		let network = match crate::Network::from_onnx(&lowered.onnx) {
			Ok(network) => network,
			Err(error) => {
				wrong.push(format!("{}: {error}", case.name));
				continue;
			},
		};
		let (mut signal, mut noise) = (0.0, 0.0);
		let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
		for row in 0..case.rows.len() {
			let row = case.rows.row(row);
			let y = float.execute(&row).expect("a row");
			let input = lowered.scales.quantize_input(&row);
			let values = provable.execute(input.iter().map(|&x| f64::from(x)).collect());
			let integers = &values[provable.output].data;
			let bytes = network.execute(&input).expect("a row");
			let own: Vec<u8> = match network.output().element {
				crate::ElementType::I32 => {
					integers.iter().flat_map(|&x| (x as i32).to_le_bytes()).collect()
				},
				_ => integers.iter().flat_map(|&x| (x as i64).to_le_bytes()).collect(),
			};
			assert!(bytes == own, "{}: two executors differ", case.name);
			inputs.extend(&input);
			outputs.extend(integers.iter().flat_map(|&x| (x as i64).to_le_bytes()));
			for (y, integer) in y.iter().zip(integers) {
				signal += y * y;
				noise += (integer * lowered.scales.output_scale - y).powi(2);
			}
		}
		let decibel = 10.0 * (signal / noise).log10();
		if folder.is_some() {
			println!("{decibel:6.1} dB {}", case.name);
		}
		if (decibel.is_nan() || decibel <= 24.0) && case.name != "arg_max" {
			wrong.push(format!("{}: {decibel:.1} dB", case.name));
		}
		if let Some(folder) = &folder {
			let path = std::path::Path::new(folder).join(&case.name);
			std::fs::write(path.with_extension("onnx"), &lowered.onnx).expect("written");
			std::fs::write(path.with_extension("x"), &inputs).expect("written");
			std::fs::write(path.with_extension("y"), &outputs).expect("written");
		}
	}
	assert!(wrong.is_empty(), "{wrong:#?}");
}
