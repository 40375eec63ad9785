//! `zkonnx quantize`

use crate::files::{self, Failure};
use std::path::PathBuf;
use zkonnx::quantize::{self, FloatModel, Method, Options};

/// Turn a float ONNX model and calibration data into a provable model.
///
/// The float model is what PyTorch, Keras or scikit-learn export, or what onnxruntime.quantization
/// makes of it; docs/operators.md lists the operators. A Softmax at the end is dropped. Files of rows have no header and end in .u8 (bytes), .f32 (little-endian
/// floats) or .csv; the model's input says how long a row is. If all calibration values are
/// integers from 0 to 255, the provable model takes them as they are; otherwise the input's scale
/// and zero point are recorded in the model.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The float model
	#[arg(value_name = "MODEL.onnx")]
	model: PathBuf,
	/// Rows of typical inputs
	#[arg(short, long, value_name = "ROWS")]
	calibration: PathBuf,
	/// Where to write the provable model [default: MODEL.provable.onnx]
	#[arg(short, long, value_name = "FILE")]
	output: Option<PathBuf>,
	/// Rows on which to compare the two models [default: the calibration rows]
	#[arg(short, long, value_name = "ROWS")]
	evaluate: Option<PathBuf>,
	/// Class of each of those rows: .u8 (a byte each), or .csv (a number per line)
	#[arg(short, long, value_name = "FILE")]
	labels: Option<PathBuf>,
	/// Fail, and write nothing, if more rows than this change their class
	#[arg(long, value_name = "N")]
	max_flips: Option<usize>,
	/// Bits of a weight, 2 to 8: fewer make a smaller circuit and a coarser model
	#[arg(long, value_name = "N", default_value_t = 8)]
	weight_bits: u32,
	/// How calibration chooses ranges: minmax, percentile or mse
	#[arg(long, value_name = "METHOD", default_value = "minmax")]
	method: Method,
	/// Overwrite the output
	#[arg(long)]
	force: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let model = &arguments.model;
	let output = arguments.output.clone().unwrap_or_else(|| files::beside(model, "provable.onnx"));
	files::check_absent(&output, arguments.force)?;
	let onnx = files::read(model)?;
	let row_len = files::about(model, FloatModel::from_onnx(&onnx))?.input_len();
	let calibration = files::rows(&arguments.calibration, row_len)?;
	let labels = match &arguments.labels {
		Some(path) => {
			let labels = quantize::read_labels(files::format(path)?, &files::read(path)?);
			Some(files::about(path, labels)?)
		},
		None => None,
	};
	let evaluation_rows = match &arguments.evaluate {
		Some(path) => files::rows(path, row_len)?,
		None => calibration.clone(),
	};
	files::progress(format_args!("calibrating with {} rows", calibration.len()));
	let options = Options { weight_bits: arguments.weight_bits, method: arguments.method };
	let quantized = files::about(model, quantize::quantize(&onnx, &calibration, options))?;
	for note in &quantized.notes {
		files::progress(format_args!("note: {note}"));
	}
	files::progress(format_args!("comparing on {} rows", evaluation_rows.len()));
	let evaluation = quantized.evaluate(&evaluation_rows, labels.as_deref())?;
	if let Some(most) = arguments.max_flips.filter(|&most| evaluation.flips > most) {
		return Err(format!(
			"{} of {} rows change their class, --max-flips admits {most}; nothing was written",
			evaluation.flips, evaluation.rows
		)
		.into());
	}
	files::write(&output, &quantized.onnx, arguments.force)?;
	let layers = quantized.report(&evaluation_rows)?;
	let lines: Vec<_> = match arguments.json {
		true => layers.layers.iter().map(|layer| serde_json::json!(layer)).collect(),
		false => layers
			.layers
			.iter()
			.map(|layer| {
				let noise = layer.signal_to_noise_db.map_or("-".into(), |x| format!("{x:.1} dB"));
				let line = format!(
					"{:24} {:16} {:6} elements of {:2} bits {:7} constraints, {noise}",
					layer.name, layer.operator, layer.elements, layer.bits, layer.constraints
				);
				serde_json::json!(line)
			})
			.collect(),
	};
	let report = serde_json::json!({
		"output": output,
		"artifact_hash": hex::encode(quantized.network.artifact_hash()),
		"bytes": quantized.onnx.len(),
		"input_scale": quantized.scales.input_scale,
		"input_zero_point": quantized.scales.input_zero_point,
		"output_scale": quantized.scales.output_scale,
		"constraints": layers.constraints,
		"statement_constraints": layers.statement_constraints,
		"multiply_accumulates": quantized.network.multiply_accumulates(),
		"rows": evaluation.rows,
		"flips": evaluation.flips,
		"float_accuracy": evaluation.float_accuracy,
		"provable_accuracy": evaluation.provable_accuracy,
		"layers": lines,
		"expected_prove_seconds": layers.expected_prove_seconds,
		"expected_memory_mb": layers.expected_memory_mb,
		"notes": quantized.notes,
	});
	super::print(&report, arguments.json);
	Ok(())
}
