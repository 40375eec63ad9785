//! What a server of models is asked, and what it answers: the words of the Open Inference Protocol.

use crate::tensor::{DataType, Tensor};
use aimodel_primitives::ids::ArtifactHash;
use std::{
	sync::Arc,
	time::{Duration, Instant},
};

/// How urgent a request is: by the tier of who asks.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Priority {
	/// Free trials.
	Low,
	/// Everybody else.
	#[default]
	Normal,
	/// Professional and enterprise tiers, and leases of the chain.
	High,
}

/// One inference.
#[derive(Clone, Debug)]
pub struct InferRequest {
	/// The model's name.
	pub model: String,
	/// A semantic version or an alias; `None` for the model's default.
	pub version: Option<String>,
	/// The inputs, in any order; names as the model declares them.
	pub inputs: Vec<Tensor>,
	/// The outputs that are wanted; empty for all.
	pub outputs: Vec<String>,
	/// Who goes first.
	pub priority: Priority,
	/// When the answer is of no use any more: what has not begun by then is not begun.
	pub deadline: Option<Instant>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Inference {
	/// The model's name.
	pub model: Arc<str>,
	/// The version that answered.
	pub version: Arc<str>,
	/// What the model file is.
	pub artifact: ArtifactHash,
	/// The outputs, in the model's order, or in that of the request.
	pub outputs: Vec<Tensor>,
	/// Rows of the inputs.
	pub rows: u32,
	/// How long it waited.
	pub queued: Duration,
	/// How long the engine took for the batch that it was part of.
	pub computed: Duration,
	/// Rows of that batch.
	pub batch: u32,
	/// Whether the answer was remembered.
	pub cached: bool,
}

/// A tensor that a model takes or gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorMetadata {
	/// Its name.
	pub name: Arc<str>,
	/// The type of its elements.
	pub data_type: DataType,
	/// Its dimensions; −1 for one that varies.
	pub shape: Vec<i64>,
}

/// What a model says of itself.
#[derive(Clone, Debug)]
pub struct ModelMetadata {
	/// Its name.
	pub name: String,
	/// All its versions that are served.
	pub versions: Vec<String>,
	/// What runs it, in the protocol's words: `onnx_onnxv1`.
	pub platform: String,
	/// The version that is described.
	pub version: String,
	/// What that version's file is.
	pub artifact: ArtifactHash,
	/// What it takes.
	pub inputs: Vec<TensorMetadata>,
	/// What it gives.
	pub outputs: Vec<TensorMetadata>,
}

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
	/// Known, and not in memory.
	Unavailable,
	/// Being fetched or loaded.
	Loading,
	/// In memory.
	Ready,
	/// Being taken out.
	Unloading,
}

/// One line of the repository's index.
#[derive(Clone, Debug)]
pub struct IndexEntry {
	/// The model's name.
	pub name: String,
	/// The version.
	pub version: String,
	/// Where it is in its life.
	pub state: State,
	/// Why it is unavailable; empty if nobody asked for it yet.
	pub reason: String,
}

/// How often something happened, and how long it took in all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timing {
	/// How often.
	pub count: u64,
	/// Nanoseconds in all.
	pub ns: u64,
}

/// What was counted of a version since it was loaded.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
	/// The model's name.
	pub name: String,
	/// The version.
	pub version: String,
	/// Milliseconds since 1970 of the last inference; 0 for none.
	pub last_inference: u64,
	/// Rows that were answered.
	pub inference_count: u64,
	/// Batches that the engine ran.
	pub execution_count: u64,
	/// Requests that were answered.
	pub success: Timing,
	/// Requests that were not.
	pub fail: Timing,
	/// Waiting.
	pub queue: Timing,
	/// Gathering a batch.
	pub compute_input: Timing,
	/// Running.
	pub compute_infer: Timing,
	/// Taking the batch's answer apart.
	pub compute_output: Timing,
	/// Answers that were remembered.
	pub cache_hit: Timing,
	/// Answers that were looked for and not remembered.
	pub cache_miss: Timing,
	/// Batches by their rows.
	pub batches: Vec<(u32, Timing)>,
	/// Requests that wait.
	pub pending: u64,
	/// Bytes that its sessions take, as measured when it was loaded.
	pub memory: u64,
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ServeError {
	/// No model has that name.
	#[error("there is no model `{name}`; known are {known}")]
	UnknownModel {
		/// The name.
		name: String,
		/// Some names that there are.
		known: String,
	},
	/// The model has no such version or alias.
	#[error("the model `{name}` has no version `{version}`; it has {known}")]
	UnknownVersion {
		/// The model.
		name: String,
		/// What was asked for.
		version: String,
		/// What there is.
		known: String,
	},
	/// The model was unloaded, or can not be loaded.
	#[error("the model `{name}` is not ready: {reason}")]
	NotReady {
		/// The model.
		name: String,
		/// Why.
		reason: String,
	},
	/// The request contradicts what the model declares.
	#[error("{0}")]
	Invalid(String),
	/// Too many requests wait.
	#[error("{waiting} requests wait for the model `{name}`, which is the most; try again later")]
	Busy {
		/// The model.
		name: String,
		/// How many wait.
		waiting: usize,
	},
	/// The deadline passed before the answer was there.
	#[error("the deadline passed before the model `{name}` answered")]
	DeadlineExceeded {
		/// The model.
		name: String,
	},
	/// Failures suspended the model.
	#[error(
		"the model `{name}` failed {failures} times in a row, and is tried again in {again_in:?}"
	)]
	Suspended {
		/// The model.
		name: String,
		/// How often.
		failures: u32,
		/// When it is tried again.
		again_in: Duration,
	},
	/// The server stops.
	#[error("the server is stopping")]
	Stopping,
	/// The engine failed.
	#[error("{0}")]
	Failed(String),
}
