//! Every example that can be quantised keeps its accuracy.

use std::path::Path;
use zkonnx::quantize::{self, Evaluation, Format, Method, Options, Quantized, Rows};

fn file(example: &str, name: &str) -> Vec<u8> {
	let path = Path::new("../examples").join(example).join(name);
	std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An example, quantised, and what it loses on its test rows.
fn example(name: &str, suffix: &str, options: Options) -> (Quantized, Evaluation, Rows) {
	let model = file(name, &format!("{name}.onnx"));
	let row_len = quantize::FloatModel::from_onnx(&model).expect("quantisable").input_len();
	let rows = |part: &str| {
		let format = Format::of_name(suffix).expect("a format");
		Rows::read(format, &file(name, &format!("{part}{suffix}")), row_len).expect("rows")
	};
	let quantized = quantize::quantize(&model, &rows("calibration"), options).expect("quantisable");
	let labels = quantize::read_labels(Format::U8, &file(name, "test_y.u8")).expect("labels");
	let test = rows("test_x");
	let evaluation = quantized.evaluate(&test, Some(&labels)).expect("rows and labels");
	(quantized, evaluation, test)
}

/// Loses at most 0.5 % by every method.
fn keeps_accuracy(name: &str, suffix: &str, least: f64) {
	for method in [Method::MinMax, Method::Percentile, Method::Mse] {
		let options = Options { method, ..Options::default() };
		let (quantized, evaluation, test) = example(name, suffix, options);
		let float = evaluation.float_accuracy.expect("with labels");
		let provable = evaluation.provable_accuracy.expect("with labels");
		let constraints = quantized.network.constraints();
		println!(
			"{name} {method:?}: {provable} of {float}, {} flips, {constraints} constraints",
			evaluation.flips
		);
		assert!(float >= least, "{name}: {float}");
		assert!(provable >= float - 0.005, "{name} by {method:?}: {provable} against {float}");
		let report = quantized.report(&test).expect("rows");
		assert_eq!(report.constraints, constraints);
		let layers: usize = report.layers.iter().map(|layer| layer.constraints).sum();
		assert_eq!(layers + report.statement_constraints, constraints);
		assert!(!report.layers.is_empty());
		for layer in &report.layers {
			println!("  {layer:?}");
			let decibel = layer.signal_to_noise_db.expect("a signal and noise");
			assert!(decibel > 15.0, "{name}, {}: {decibel} dB", layer.name);
			assert!((8..=31).contains(&layer.bits), "{layer:?}");
		}
	}
}

#[test]
fn digits_keep_their_accuracy() {
	keeps_accuracy("digits", ".u8", 0.97);
}

#[test]
fn digits_by_convolution_keep_their_accuracy() {
	keeps_accuracy("digits-cnn", ".u8", 0.97);
}

#[test]
fn iris_keeps_its_accuracy() {
	keeps_accuracy("iris", ".f32", 0.95);
}

#[test]
fn wine_keeps_its_accuracy() {
	keeps_accuracy("wine-mlp", ".f32", 0.95);
}

#[test]
fn breast_cancer_keeps_its_accuracy() {
	keeps_accuracy("breast-cancer", ".f32", 0.95);
}
