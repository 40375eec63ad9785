//! Float model and calibration data to provable model.
//!
//! Every real number is represented by integers, `real = scale · (integer − zero point)`. Input:
//! one scale; hidden activations: one scale per channel, folded into the weights of the next
//! layer; output: one scale, so that scores can be compared. Weights have 8 bits or fewer,
//! symmetrical around 128, and for each output channel the largest power of two is found by which
//! they can be multiplied and still fit, so that the rescale divides by that power: a shift.
//!
//! Calibration (here: the least and the largest value seen) chooses scales. It never narrows what
//! the circuit admits.

mod evaluate;
mod float;
mod lower;
mod rows;

pub use evaluate::Evaluation;
pub use float::FloatModel;
pub use rows::{read_labels, Format, Rows, RowsError};

use crate::network::{ImportError, Network, Scales};
use crate::onnx::ModelError;

/// Choices in quantisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
	/// Bits of a weight, 2 to 8. Fewer make fewer constraints (one less per rescaled activation
	/// and bit) and a coarser model.
	pub weight_bits: u32,
}

impl Default for Options {
	fn default() -> Self {
		Self { weight_bits: 8 }
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
	#[error("the input '{0}' must be float with a batch dimension of 1 or a symbol, then fixed dimensions")]
	Input(String),
	/// The output is not the result of the last layer.
	#[error("the output '{0}' is not the result of the last node")]
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
	/// A bias is too large for `int32` beside its weights.
	#[error("layer {layer}: the bias of channel {channel} is too large beside its weights")]
	Bias {
		/// The layer, counted from 1.
		layer: usize,
		/// The channel, counted from 0.
		channel: usize,
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
	let float = FloatModel::from_onnx(onnx)?;
	let ranges = float.calibrate(calibration)?;
	let (onnx, scales) = lower::lower(&float, &ranges, options)?;
	let network = Network::from_onnx(&onnx)?;
	let notes = float.notes().to_vec();
	Ok(Quantized { onnx, network, scales, float, notes })
}

#[cfg(test)]
mod tests;
