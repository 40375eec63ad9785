use super::{MAX_ELEMENTS, MAX_MULTIPLY_ACCUMULATES};
use crate::{network::SaltError, onnx::ModelError};

/// Why a model file is not a provable model.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
	/// The file is not a model that can be read at all.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The parameters can not be private.
	#[error(transparent)]
	Salt(#[from] SaltError),
	/// The graph has not exactly one input and one output.
	#[error(
		"the model has {inputs} inputs and {outputs} outputs; a provable model has one of each"
	)]
	Interface {
		/// Number of inputs without an initialiser.
		inputs: usize,
		/// Number of outputs.
		outputs: usize,
	},
	/// The graph input is of the wrong type or shape.
	#[error("the input '{name}' is {found}; it must be uint8 with a batch dimension of 1 or a symbol, then fixed dimensions")]
	Input {
		/// Name of the input.
		name: String,
		/// What it is.
		found: String,
	},
	/// What the file says of the graph output is not what the graph gives, or can not be proved.
	#[error("the output '{name}' {reason}")]
	Output {
		/// Name of the output.
		name: String,
		/// What is wrong with it.
		reason: String,
	},
	/// An operator that provable models do not have.
	#[error("node '{node}': the operator {operator} is not provable; {hint}")]
	Operator {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// What to do about it.
		hint: &'static str,
	},
	/// An attribute of a supported operator has an unsupported value.
	#[error("node '{node}' ({operator}): attribute {attribute}: {hint}")]
	Attribute {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The attribute.
		attribute: String,
		/// What to do about it.
		hint: &'static str,
	},
	/// An operand of a supported operator is of the wrong type, shape or value.
	#[error("node '{node}' ({operator}): {reason}")]
	Operand {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// What was expected, and what came.
		reason: String,
	},
	/// The model's opset does not have what the node uses, or ONNX Runtime does not run it there.
	#[error("node '{node}' ({operator}): {reason}; the model is of opset {opset}")]
	Opset {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// What is where, and what to do.
		reason: String,
		/// The opset of the model.
		opset: i64,
	},
	/// Weights of type `int8`.
	#[error("node '{node}' ({operator}): the weights are int8; ONNX Runtime saturates uint8 × int8 products at int16 on processors with AVX2 and without VNNI, so the result would depend on the machine. Store the weights as uint8 (add 128) with b_zero_point 128")]
	SignedWeights {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
	},
	/// Some input makes a value leave `int32`, where ONNX Runtime wraps silently.
	#[error("node '{node}' ({operator}): element {element} ranges over {lo}..={hi} for some input of the input's type, outside int32; use smaller weights or fewer of them")]
	Overflow {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// Index of the element.
		element: usize,
		/// Least value.
		lo: i64,
		/// Largest value.
		hi: i64,
	},
	/// A `Cast` to `uint8` of values that may lie outside.
	#[error("node '{node}' (Cast): element {element} ranges over {lo}..={hi}, outside uint8; put Clip(0, 255) before it")]
	CastRange {
		/// The node.
		node: String,
		/// Index of the element.
		element: usize,
		/// Least value.
		lo: i64,
		/// Largest value.
		hi: i64,
	},

	/// An index can lie outside of its table.
	#[error("node '{node}' (Gather): index {element} ranges over {lo}..={hi}, the table has {entries} entries; put Clip before it")]
	IndexRange {
		/// The node.
		node: String,
		/// Position of the index, row-major.
		element: usize,
		/// Its least value.
		lo: i64,
		/// Its largest value.
		hi: i64,
		/// Entries of the table.
		entries: usize,
	},
	/// The network's values or weights take more memory than is admitted.
	#[error("node '{node}': the network is too large: at most {MAX_ELEMENTS} elements in all values and {MAX_MULTIPLY_ACCUMULATES} multiplications by weights are admitted")]
	TooLarge {
		/// The node at which the limit is passed.
		node: String,
	},
	/// A node whose result nothing reads.
	#[error("node '{node}' gives a value that nothing reads; remove the node")]
	Unused {
		/// The node.
		node: String,
	},
}
