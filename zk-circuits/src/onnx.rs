//! ONNX files: read with every limit and cross-reference checked, and written.
//!
//! Nothing here knows which operators exist. [`Model`] is what remains of a file once it is known
//! to be a well-formed graph of named values; [`crate::network`] and [`crate::quantize`] give its
//! nodes a meaning.

mod model;
mod outline;
mod scan;
mod tensor;
mod write;

pub(crate) use model::{Attribute, Dim, Model, Node, ValueInfo};
pub use outline::{Outline, ValueOutline};
pub(crate) use tensor::{Data, Tensor};
pub(crate) use write::{GraphWriter, TensorType};

/// The types of `proto/onnx.proto`, as `prost` generates them.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub(crate) mod proto {
	include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
}

/// The largest model file that is read, in bytes.
pub const MAX_MODEL_BYTES: usize = 64 << 20;

/// The most messages and strings that a model file may contain. Bounds the memory that decoding
/// takes: an empty protobuf message is two bytes in the file and hundreds in memory.
pub const MAX_MODEL_ITEMS: usize = 100_000;

/// The most elements that one tensor may have.
pub const MAX_TENSOR_ELEMENTS: usize = 1 << 26;

/// The most characters of a name that errors and summaries repeat.
const MAX_NAME: usize = 120;

/// A name for people: its beginning, if it is long. Names of values are compared in full.
pub(crate) fn brief(name: &str) -> String {
	match name.char_indices().nth(MAX_NAME) {
		Some((end, _)) => format!("{}…", &name[..end]),
		None => name.into(),
	}
}

/// The versions of the default operator set (`ai.onnx`) that are read.
pub const OPSETS: std::ops::RangeInclusive<i64> = 11..=21;

/// Why a file is not an ONNX model that this crate reads.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
	/// The file is longer than [`MAX_MODEL_BYTES`].
	#[error("the model file has {bytes} bytes; at most {MAX_MODEL_BYTES} are read")]
	TooLarge {
		/// Length of the file.
		bytes: usize,
	},
	/// The file has more than [`MAX_MODEL_ITEMS`] messages and strings.
	#[error("the model file has more than {MAX_MODEL_ITEMS} nodes, names and other entries")]
	TooManyItems,
	/// The file is not a protobuf `ModelProto`.
	#[error("the file is not an ONNX model: {0}")]
	Malformed(String),
	/// The file uses a part of ONNX that is not read.
	#[error("the model contains {what}, which zkonnx does not read; {hint}")]
	Feature {
		/// The part of ONNX.
		what: &'static str,
		/// What to do about it.
		hint: &'static str,
	},
	/// The file has no graph, or the graph has no nodes.
	#[error("the model has no graph with nodes in it")]
	NoGraph,
	/// The version of the default operator set is missing, repeated or outside [`OPSETS`].
	#[error("the model uses opset {found} of ai.onnx; export it with one of {min} to {max} (17 is a good choice)", min = OPSETS.start(), max = OPSETS.end())]
	Opset {
		/// What the file says.
		found: String,
	},
	/// A tensor's description contradicts its data, or is of a kind that is not read.
	#[error("tensor '{name}': {reason}")]
	Tensor {
		/// Name of the tensor.
		name: String,
		/// What is wrong with it.
		reason: String,
	},
	/// Two values have the same name.
	#[error("the name '{name}' is given to more than one value")]
	DuplicateName {
		/// The name.
		name: String,
	},
	/// A node reads a value that no earlier node, initialiser or input gives.
	#[error("node '{node}' reads '{input}', which nothing before it gives (a dangling name, a cycle, or nodes out of order)")]
	UnknownInput {
		/// The node that reads.
		node: String,
		/// What it reads.
		input: String,
	},
	/// A graph output is given by nothing.
	#[error("the graph output '{name}' is given by no node")]
	UnknownOutput {
		/// Name of the output.
		name: String,
	},
	/// A graph input or output has no usable tensor type.
	#[error("the type of the graph value '{name}' {reason}")]
	ValueType {
		/// Name of the value.
		name: String,
		/// What is wrong with its type.
		reason: String,
	},
	/// An operator of another domain than `ai.onnx`.
	#[error("node '{node}' is {domain}.{operator}; only operators of ai.onnx are read")]
	Domain {
		/// The node.
		node: String,
		/// Its operator.
		operator: String,
		/// The operator's domain.
		domain: String,
	},
	/// A node without outputs, or with an attribute that is repeated or has no value.
	#[error("node '{node}' is malformed: {reason}")]
	Node {
		/// The node.
		node: String,
		/// What is wrong with it.
		reason: String,
	},
}

#[cfg(test)]
mod tests;
