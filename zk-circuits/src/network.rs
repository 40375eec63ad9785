//! The integer graph of a provable model: imported from ONNX, bounded by interval analysis, and
//! executed with the semantics of ONNX Runtime.
//!
//! Each operator is one variant of [`Operator`]; it is bounded in `bounds.rs`, executed in
//! `execute.rs` and constrained in [`crate::circuit`]. To support another one is to add a variant
//! and follow the compiler.

mod bounds;
mod execute;
mod import;
mod order;
mod parameters;

pub use bounds::Interval;
pub use execute::ExecuteError;
pub(crate) use execute::Trace;
#[cfg(test)]
pub(crate) use import::opset as opsets;
pub use import::ImportError;
pub(crate) use import::{pad_sources, PAD_MODES};
use parameters::Secret;
pub(crate) use parameters::Trained;
pub use parameters::{has_salt, hide_parameters, Parameters, SaltError, SALT_ENTRY_BYTES};

use crate::{circuit, privacy::Privacy, statement::ElementType};
use ark_bls12_381::Fr;
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

	/// Scalars that the tensor is packed into: see [`crate::statement`].
	pub fn scalars(&self) -> usize {
		self.element.scalars(self.elements())
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

/// An element of one of a node's sources, or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
	Element { source: usize, at: usize },
	Constant(i64),
}

/// Weighted sums over windows of the source: dense layers, convolutions, sums along axes.
///
/// With `k` window positions and `m` columns for each of the groups:
/// `y[r, g, c] = Σ_i (x[windows[r, i] + g·group_stride] − zero_point) · weights[g, i, c]`.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
	/// `rows × k` elements of the source, for the first group; [`Linear::PADDING`] adds nothing.
	pub(crate) windows: Vec<u32>,
	/// `k`.
	pub(crate) window: usize,
	/// What a group adds to the elements of the group before it.
	pub(crate) group_stride: usize,
	/// `groups × k × columns`.
	pub(crate) weights: Vec<i16>,
	/// The zero points of the columns, if the weights are private parameters: of a weight, the circuit
	/// knows only that it is a `uint8` less the zero point of its column.
	pub(crate) private: Option<Vec<u8>>,
	/// Columns of one group.
	pub(crate) columns: usize,
	pub(crate) groups: usize,
	pub(crate) zero_point: u8,
	/// Whether the result is `[group, column, row]`, as convolutions give it, and not
	/// `[row, group, column]`.
	pub(crate) channels_first: bool,
}

impl Linear {
	/// The element of a window that lies in the padding, whose value is the zero point.
	pub(crate) const PADDING: u32 = u32::MAX;

	pub(crate) fn rows(&self) -> usize {
		self.windows.len() / self.window
	}

	/// Number of results.
	pub(crate) fn elements(&self) -> usize {
		self.rows() * self.groups * self.columns
	}

	/// What is known of the weight at an index.
	pub(crate) fn weight_bounds(&self, index: usize) -> Interval {
		match &self.private {
			None => Interval::exactly(self.weights[index].into()),
			Some(zeros) => Interval::U8.map(|byte| byte - i64::from(zeros[index % self.columns])),
		}
	}

	/// Of result `at`: the elements of the source and the indices of their weights.
	pub(crate) fn terms(&self, at: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
		let (row, channel) = match self.channels_first {
			true => (at % self.rows(), at / self.rows()),
			false => (at / (self.groups * self.columns), at % (self.groups * self.columns)),
		};
		let (group, column) = (channel / self.columns, channel % self.columns);
		let window = &self.windows[row * self.window..][..self.window];
		let weights = (group * self.window * self.columns + column..).step_by(self.columns);
		window
			.iter()
			.zip(weights)
			.filter(|(&at, _)| at != Self::PADDING)
			.map(move |(&at, weight)| (at as usize + group * self.group_stride, weight))
	}
}

/// An operator on integers.
#[derive(Clone, Debug)]
pub(crate) enum Operator {
	/// Moves and constants: `y[i]` is what `picks[i]` names.
	Select { picks: Vec<Pick> },
	/// Constants that are private: `y[i] = values[i]`, of which the circuit knows that they are
	/// signed integers of so many bits.
	Private { values: Vec<i32>, bits: u32 },
	/// Weighted sums over windows of one source.
	Linear(Linear),
	/// `y[i] = constant + Σ_s factors[s][i] · x_s[i]`.
	Sum { factors: Vec<Vec<i64>>, constant: i64 },
	/// `y[i] = x_0[i] · x_1[i]`.
	Product,
	/// `y[i] = min(max(⌊x[i] / 2^shifts[i]⌋, 0), 255)`: `Div` (truncating; the same after `max`),
	/// then `Clip`.
	Rescale { shifts: Vec<u32> },
	/// `y[i] = x[i] / divisors[i]`, truncated; divisors are positive.
	Divide { divisors: Vec<i64> },
	/// `y[i] = ⌊x_0[i] / x_1[i]⌋`, where `x_0 ≥ 0` and `x_1 ≥ 1`.
	Quotient,
	/// `y[i] = min(max(x[i], lo), hi)`.
	Clip { lo: i64, hi: i64 },
	/// `y[i]` is the greatest of `windows[i]`.
	Max { windows: Vec<Vec<Pick>> },
	/// `y[i] = |x[i]|`.
	Abs,
	/// `y[i] = table[x[i]]`.
	Lookup { table: Vec<i64> },
	/// `y[i]` is the position of the first greatest element of `windows[i]`.
	ArgMax { windows: Vec<Vec<usize>> },
}

impl Operator {
	/// The name that `inspect` and errors use.
	pub(crate) fn name(&self) -> &'static str {
		match self {
			Self::Select { .. } => "Select",
			Self::Private { .. } => "Private",
			Self::Linear(_) => "Linear",
			Self::Sum { .. } => "Sum",
			Self::Product => "Product",
			Self::Rescale { .. } => "Rescale",
			Self::Divide { .. } => "Divide",
			Self::Quotient => "Quotient",
			Self::Clip { .. } => "Clip",
			Self::Max { .. } => "Max",
			Self::Abs => "Abs",
			Self::Lookup { .. } => "Lookup",
			Self::ArgMax { .. } => "ArgMax",
		}
	}

	/// Number of multiplications by a weight.
	fn multiply_accumulates(&self) -> u64 {
		match self {
			Self::Linear(linear) => (linear.rows() * linear.weights.len()) as u64,
			_ => 0,
		}
	}
}

/// A node of the integer graph. Node `k` gives value `k + 1`; value 0 is the input.
#[derive(Clone, Debug)]
pub(crate) struct Node {
	/// Name of the ONNX node that it comes from (the last one, where several are fused).
	pub(crate) name: String,
	/// The values that it reads, each of them given before.
	pub(crate) sources: Vec<usize>,
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
	/// If the parameters are private.
	secret: Option<Secret>,
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
	/// Number of constraints that it takes.
	pub constraints: usize,
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

	/// Whether the circuit has the parameters in it.
	pub fn parameters(&self) -> Parameters {
		match self.secret {
			None => Parameters::Fixed,
			Some(_) => Parameters::Private,
		}
	}

	/// The commitment to the parameters, where they are private: what a statement has of them.
	pub fn parameter_commitment(&self) -> Option<Fr> {
		self.secret.as_ref().map(|secret| secret.commitment)
	}

	/// Number of public inputs of one of the network's circuits, the binding included.
	pub(crate) fn public_inputs(&self, privacy: Privacy) -> usize {
		privacy.public_inputs(&self.input, &self.output) + usize::from(self.secret.is_some())
	}

	pub(crate) fn secret(&self) -> Option<&Secret> {
		self.secret.as_ref()
	}

	/// Number of multiplications by a weight in one inference.
	pub fn multiply_accumulates(&self) -> u64 {
		self.nodes.iter().map(|node| node.operator.multiply_accumulates()).sum()
	}

	/// Number of constraints of the network's circuit, with input and output public.
	pub fn constraints(&self) -> usize {
		self.constraints_with(Privacy::PUBLIC)
	}

	/// Number of constraints of one of the network's circuits, without building it.
	pub fn constraints_with(&self, privacy: Privacy) -> usize {
		circuit::count_constraints(self, privacy).total
	}

	/// How many of [`Network::constraints`] belong to no node of the [`Network::summary`] but to the
	/// statement: those of the binding, and those that tie both tensors to the public inputs.
	pub fn statement_constraints(&self) -> usize {
		let counts = circuit::count_constraints(self, Privacy::PUBLIC);
		counts.total - counts.nodes.iter().sum::<usize>()
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

	/// The nodes of the integer graph with the bounds of their values and what they cost, without
	/// constants that cost nothing.
	pub fn summary(&self) -> Vec<NodeSummary> {
		self.nodes
			.iter()
			.zip(self.bounds.iter().skip(1))
			.zip(circuit::count_constraints(self, Privacy::PUBLIC).nodes)
			.filter(|((node, _), constraints)| !node.sources.is_empty() || *constraints > 0)
			.map(|((node, bounds), constraints)| NodeSummary {
				name: node.name.clone(),
				operator: node.operator.name(),
				elements: bounds.len(),
				constraints,
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
