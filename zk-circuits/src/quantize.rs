//! Float model and calibration data to provable model.
//!
//! Every real number is represented by integers, `real = scale · (integer − zero point)`. Input:
//! one scale; hidden activations: one scale per channel wherever the operators that read them can
//! fold it into their weights; output: one scale, so that scores can be compared. Weights have 8
//! bits or fewer, symmetrical around 128, and for each output channel the largest power of two is
//! found by which they can be multiplied and still fit, so that the rescale divides by that power:
//! a shift.
//!
//! The way of a model: `read` makes a float graph of it, `simplify` rewrites that, `plan` decides
//! what is stored as bytes and which elements share a scale, `calibrate` finds the scales, and
//! `lower` writes the provable graph. Calibration never narrows what the circuit admits.

mod calibrate;
mod evaluate;
mod float;
mod graph;
mod lower;
mod operator;
mod plan;
mod read;
mod report;
mod rows;
mod simplify;
mod value;

pub use evaluate::Evaluation;
pub use float::FloatModel;
pub use report::{LayerReport, Report};
pub use rows::{read_labels, Format, Rows, RowsError};

use crate::network::{ImportError, Network, Scales};
use crate::onnx::ModelError;

/// Choices in quantisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
	/// Bits of a weight, 2 to 8. Fewer make fewer constraints (one less per rescaled activation
	/// and bit) and a coarser model.
	pub weight_bits: u32,
	/// How calibration chooses ranges.
	pub method: Method,
}

impl Default for Options {
	fn default() -> Self {
		Self { weight_bits: 8, method: Method::MinMax }
	}
}

/// How calibration chooses the range of real numbers that 256 steps are spread over. Numbers
/// outside are clipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
	/// From the least to the largest value seen.
	#[default]
	MinMax,
	/// Without the 0.05 % of values at each end.
	Percentile,
	/// The part of that range whose mean square error is least.
	Mse,
}

impl std::str::FromStr for Method {
	type Err = String;

	fn from_str(name: &str) -> Result<Self, String> {
		match name {
			"minmax" => Ok(Self::MinMax),
			"percentile" => Ok(Self::Percentile),
			"mse" => Ok(Self::Mse),
			_ => Err(format!("'{name}' is not minmax, percentile or mse")),
		}
	}
}

/// A provable model made from a float model.
#[derive(Clone, Debug)]
pub struct Quantized {
	/// The provable `.onnx` file.
	pub onnx: Vec<u8>,
	/// The same, imported.
	pub network: Network,
	/// The scales that are recorded in it.
	pub scales: Scales,
	/// The float model.
	pub float: FloatModel,
	/// The float model's nodes in the provable model.
	layers: Vec<lower::Layer>,
	/// What was done that is worth knowing, one sentence each.
	pub notes: Vec<String>,
}

/// Why a float model can not be quantised.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum QuantizeError {
	/// The file is not a model that can be read at all.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The model has not exactly one input and one output.
	#[error("the model has {inputs} inputs and {outputs} outputs; one of each can be quantised")]
	Interface {
		/// Number of inputs without an initialiser.
		inputs: usize,
		/// Number of outputs.
		outputs: usize,
	},
	/// The input is of the wrong type or shape.
	#[error("the input '{0}' must be float or uint8 with a batch dimension of 1 or a symbol, then fixed dimensions; export the model with a fixed input shape")]
	Input(String),
	/// The output does not depend on the input, or is the input.
	#[error("the output '{0}' is not computed from the input")]
	Output(String),
	/// An operator that can not be quantised.
	#[error("node '{node}': the operator {operator} can not be quantised; {hint}")]
	Operator {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// What to do about it.
		hint: &'static str,
	},
	/// An attribute or operand of a supported operator.
	#[error("node '{node}' ({operator}): {reason}")]
	Node {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// What was expected, and what came.
		reason: String,
	},
	/// An attribute that is not known, or has a value that can not be quantised.
	#[error("node '{node}' ({operator}), attribute {attribute}: {hint}")]
	Attribute {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The attribute.
		attribute: String,
		/// What to do about it.
		hint: String,
	},
	/// There is nothing to calibrate with.
	#[error("there are no calibration rows")]
	NoCalibration,
	/// A calibration value or an activation that it leads to is infinite or not a number.
	#[error("calibration row {row} leads to a value that is infinite or not a number")]
	NotFinite {
		/// The row, counted from 0.
		row: usize,
	},
	/// A row of another length than the input.
	#[error("rows have {got} values, the model's input has {expected}")]
	RowLength {
		/// Values of the model's input.
		expected: usize,
		/// Values of a row.
		got: usize,
	},
	/// [`Options::weight_bits`] is out of range.
	#[error("{0} bits per weight were asked for; 2 to 8 are possible")]
	WeightBits(u32),
	/// No scale makes the products of a layer fit `int32`.
	#[error("node '{node}' ({operator}): its products do not fit int32 at any scale; its weights or biases are too far apart")]
	TooWide {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
	},
	/// The number of labels is not that of the rows.
	#[error("there are {labels} labels for {rows} rows")]
	Labels {
		/// Number of labels.
		labels: usize,
		/// Number of rows.
		rows: usize,
	},
	/// What came out is not provable, such as a layer that can overflow.
	#[error("the quantised model is not provable: {0}")]
	Import(#[from] ImportError),
}

/// Quantises a float model. `calibration` holds typical inputs.
pub fn quantize(
	onnx: &[u8],
	calibration: &Rows,
	options: Options,
) -> Result<Quantized, QuantizeError> {
	if !(2..=8).contains(&options.weight_bits) {
		return Err(QuantizeError::WeightBits(options.weight_bits));
	}
	let (float, lowered) = to_provable(onnx, calibration, options)?;
	let network = Network::from_onnx(&lowered.onnx)?;
	let notes = float.notes().to_vec();
	let lower::Lowered { onnx, scales, layers } = lowered;
	Ok(Quantized { onnx, network, scales, float, layers, notes })
}

/// The float model and its provable form, not yet imported.
fn to_provable(
	onnx: &[u8],
	calibration: &Rows,
	options: Options,
) -> Result<(FloatModel, lower::Lowered), QuantizeError> {
	let float = FloatModel::from_onnx(onnx)?;
	float.check(calibration.row_len())?;
	let plan = plan::Plan::new(&float.graph);
	let scales = calibrate::calibrate(&float, &plan, calibration, options.method)?;
	let lowered = lower::lower(&float, &plan, &scales, options)?;
	Ok((float, lowered))
}

#[cfg(test)]
mod tests;
