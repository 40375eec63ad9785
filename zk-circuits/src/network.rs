//! The integer graph of a provable model: imported from ONNX, bounded by interval analysis, and
//! executed with the semantics of ONNX Runtime.
//!
//! Each operator is one variant of [`Operator`]; it is bounded in `bounds.rs`, executed in
//! `execute.rs` and constrained in [`crate::circuit`]. To support another one is to add a variant
//! and follow the compiler.

mod bounds;
mod execute;
mod import;

pub use bounds::Interval;
pub use execute::ExecuteError;
pub(crate) use execute::Trace;
pub use import::ImportError;

use crate::{circuit, statement::ElementType};
use std::{collections::BTreeMap, fmt};

/// Element type and shape of a network's input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorType {
	/// Type of each element.
	pub element: ElementType,
	/// Dimensions; the first is the batch and always 1.
	pub shape: Vec<usize>,
}

impl TensorType {
	/// Number of elements.
	pub fn elements(&self) -> usize {
		self.shape.iter().product()
	}

	/// Length in bytes of the little-endian, row-major encoding.
	pub fn bytes(&self) -> usize {
		self.elements() * self.element.bytes()
	}
}

impl fmt::Display for TensorType {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}{:?}", self.element, self.shape)
	}
}

/// How real numbers are represented by a network's input and output, as recorded by
/// [`crate::quantize`]: `real = scale · (integer − zero point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
	/// Value of one step of the input.
	pub input_scale: f64,
	/// The input integer that stands for 0.
	pub input_zero_point: u8,
	/// Value of one step of the output, whose zero point is 0.
	pub output_scale: f64,
}

impl Scales {
	/// The input bytes for a row of real numbers: rounded to nearest (ties to even), saturated.
	pub fn quantize_input(&self, row: &[f32]) -> Vec<u8> {
		row.iter()
			.map(|&x| {
				let steps = (f64::from(x) / self.input_scale).round_ties_even()
					+ f64::from(self.input_zero_point);
				steps.clamp(0.0, 255.0) as u8
			})
			.collect()
	}
}

/// An operator on integers. Element-wise operators act on each of `n` elements.
#[derive(Clone, Debug)]
pub(crate) enum Operator {
	/// `y[j] = Σ_i (x[i] − zero_point) · weights[i · columns + j]`: `MatMulInteger` of one row.
	MatMul { weights: Vec<i16>, columns: usize, zero_point: u8 },
	/// `y[i] = x[i] + constant[i]`.
	AddConstant { constant: Vec<i32> },
	/// `y[i] = min(max(⌊x[i] / 2^shifts[i]⌋, 0), 255)`: `Div` (truncating; the same after `max`),
	/// then `Clip`.
	Rescale { shifts: Vec<u32> },
}

impl Operator {
	/// The name that `inspect` and errors use.
	pub(crate) fn name(&self) -> &'static str {
		match self {
			Self::MatMul { .. } => "MatMul",
			Self::AddConstant { .. } => "AddConstant",
			Self::Rescale { .. } => "Rescale",
		}
	}

	/// Number of multiplications by a weight.
	fn multiply_accumulates(&self) -> u64 {
		match self {
			Self::MatMul { weights, .. } => weights.len() as u64,
			Self::AddConstant { .. } | Self::Rescale { .. } => 0,
		}
	}
}

/// A node of the integer graph. Node `k` gives value `k + 1`; value 0 is the input.
#[derive(Clone, Debug)]
pub(crate) struct Node {
	/// Name of the ONNX node that it comes from (the last one, where several are fused).
	pub(crate) name: String,
	/// Index of the value that it reads, at most its own index.
	pub(crate) source: usize,
	pub(crate) operator: Operator,
}

/// A provable model: an integer graph whose every value is bounded for every possible input.
#[derive(Clone, Debug)]
pub struct Network {
	artifact_hash: [u8; 32],
	input: TensorType,
	output: TensorType,
	nodes: Vec<Node>,
	/// Bounds of each element of each value.
	bounds: Vec<Vec<Interval>>,
	output_value: usize,
	metadata: BTreeMap<String, String>,
}

/// One line of a [`Network::summary`].
#[derive(Clone, Debug, serde::Serialize)]
pub struct NodeSummary {
	/// Name of the ONNX node.
	pub name: String,
	/// The integer operator.
	pub operator: &'static str,
	/// Number of output elements.
	pub elements: usize,
	/// The least value that any element can take, over all inputs.
	pub lowest: i64,
	/// The largest value that any element can take, over all inputs.
	pub highest: i64,
}

impl Network {
	/// Imports a provable model from the bytes of an `.onnx` file.
	///
	/// The batch dimension is fixed at 1. Errors name the node that is in the way, and what to do.
	pub fn from_onnx(bytes: &[u8]) -> Result<Self, ImportError> {
		import::import(bytes)
	}

	/// `blake2b-256` of the file that the network was imported from.
	pub fn artifact_hash(&self) -> [u8; 32] {
		self.artifact_hash
	}

	/// Type of the input.
	pub fn input(&self) -> &TensorType {
		&self.input
	}

	/// Type of the output.
	pub fn output(&self) -> &TensorType {
		&self.output
	}

	/// Number of multiplications by a weight in one inference.
	pub fn multiply_accumulates(&self) -> u64 {
		self.nodes.iter().map(|node| node.operator.multiply_accumulates()).sum()
	}

	/// Number of constraints of the network's circuit.
	pub fn constraints(&self) -> usize {
		circuit::count_constraints(self)
	}

	/// The scales that [`crate::quantize`] recorded in the file, if it made the file.
	pub fn scales(&self) -> Option<Scales> {
		let get = |key: &str| self.metadata.get(key);
		let positive = |x: &f64| x.is_finite() && *x > 0.0;
		Some(Scales {
			input_scale: get(INPUT_SCALE)?.parse().ok().filter(positive)?,
			input_zero_point: get(INPUT_ZERO_POINT)?.parse().ok()?,
			output_scale: get(OUTPUT_SCALE)?.parse().ok().filter(positive)?,
		})
	}

	/// The nodes of the integer graph with the bounds of their values.
	pub fn summary(&self) -> Vec<NodeSummary> {
		self.nodes
			.iter()
			.zip(self.bounds.iter().skip(1))
			.map(|(node, bounds)| NodeSummary {
				name: node.name.clone(),
				operator: node.operator.name(),
				elements: bounds.len(),
				lowest: bounds.iter().map(|b| b.lo).min().unwrap_or(0),
				highest: bounds.iter().map(|b| b.hi).max().unwrap_or(0),
			})
			.collect()
	}

	/// Runs the network: the bytes of the input tensor to those of the output tensor, both
	/// little-endian and row-major. Equal to ONNX Runtime bit for bit.
	pub fn execute(&self, input: &[u8]) -> Result<Vec<u8>, ExecuteError> {
		let trace = self.trace(input)?;
		Ok(self.output_bytes(&trace))
	}

	pub(crate) fn nodes(&self) -> &[Node] {
		&self.nodes
	}

	/// Bounds of the elements of a value.
	pub(crate) fn bounds(&self, value: usize) -> &[Interval] {
		&self.bounds[value]
	}

	/// Index of the value that is the output.
	pub(crate) fn output_value(&self) -> usize {
		self.output_value
	}
}

/// Metadata key of [`Scales::input_scale`].
pub(crate) const INPUT_SCALE: &str = "zkonnx.input_scale";
/// Metadata key of [`Scales::input_zero_point`].
pub(crate) const INPUT_ZERO_POINT: &str = "zkonnx.input_zero_point";
/// Metadata key of [`Scales::output_scale`].
pub(crate) const OUTPUT_SCALE: &str = "zkonnx.output_scale";

#[cfg(test)]
mod tests;
