//! What runs models for jobs of the chain.
//!
//! The chain's view of a model: one input, one output, as its [`Interface`] says. What computes is
//! a [`backend`](crate::backend).

mod declared;
mod shared;

use crate::{cache::Loaded, metrics::Metrics};
use aimodel_primitives::{
	ids::ArtifactHash,
	tensor::{Dimension, ElementType, Interface, ShapeError, TensorType},
};
use codec::Encode;
use std::{fmt, path::PathBuf, sync::Arc, time::Instant};

/// Loads models. One engine serves all threads.
pub trait Engine: Send + Sync {
	/// Loads a model file; checks that `interface` is sound, and that the model takes and gives what
	/// it says.
	fn load(&self, artifact: &[u8], interface: &Interface) -> Result<Arc<dyn Model>, EngineError>;
}

/// A loaded model. Threads may use it at the same time.
pub trait Model: Send + Sync {
	/// Runs the model. `input` holds `rows` rows of the interface's input tensor, row-major and
	/// little-endian, and so does the answer of its output tensor.
	///
	/// An answer has passed [`Interface::output_elements`].
	fn infer(&self, input: &[u8], rows: u32) -> Result<Vec<u8>, EngineError>;
}

/// A model's input or its output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
	/// What goes in.
	Input,
	/// What comes out.
	Output,
}

impl fmt::Display for Side {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Input => "input",
			Self::Output => "output",
		})
	}
}

/// Why an engine refuses.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EngineError {
	/// The engine's shared library can not be had.
	#[error(
		"ONNX Runtime can not be loaded from {path}: {reason}; scripts/setup.sh places the library"
	)]
	Library {
		/// Where it was looked for.
		path: PathBuf,
		/// What the loader says.
		reason: String,
	},
	/// The interface contradicts itself.
	#[error("the interface is unsound: {0:?}")]
	Interface(ShapeError),
	/// The file can not be loaded as a model.
	#[error("not a model that can be served: {reason}")]
	NotAModel {
		/// What the engine says.
		reason: String,
	},
	/// Not exactly one input and one output.
	#[error("the model has {found} {side}s: {names}; one is expected")]
	Arity {
		/// Which.
		side: Side,
		/// How many.
		found: usize,
		/// Their names.
		names: String,
	},
	/// The model takes or gives another tensor than the chain says.
	#[error("the model's {side} is {found}; the chain says {expected}")]
	WrongInterface {
		/// Which.
		side: Side,
		/// The tensor that the chain says.
		expected: String,
		/// The tensor that the model declares.
		found: String,
	},
	/// The input has the wrong length.
	#[error("the input has {found} bytes; {rows} rows of {tensor} have {expected}")]
	InputLength {
		/// The right length.
		expected: u64,
		/// The length that came.
		found: u64,
		/// The rows that it should hold.
		rows: u32,
		/// The tensor.
		tensor: String,
	},
	/// More rows than the interface admits, or none.
	#[error("{rows} rows were asked for; the interface admits 1 to {max}")]
	Rows {
		/// How many rows.
		rows: u32,
		/// The most.
		max: u32,
	},
	/// The model ran, and gave a tensor that the interface does not admit.
	#[error("the model gave {found} for {rows} rows; the chain says {expected}")]
	OutputShape {
		/// The tensor that the chain says.
		expected: String,
		/// The tensor that came.
		found: String,
		/// The rows that were asked for.
		rows: u32,
	},
	/// The engine failed.
	#[error("{0}")]
	Runtime(String),
}

/// Loaded models, by artifact and interface: one artifact may be deployed under several.
pub(crate) struct Models {
	engine: Arc<dyn Engine>,
	loaded: Loaded<(ArtifactHash, Vec<u8>), dyn Model>,
	metrics: Metrics,
}

impl Models {
	/// Keeps at most `count` models.
	pub(crate) fn new(engine: Arc<dyn Engine>, count: usize, metrics: Metrics) -> Self {
		Self { engine, loaded: Loaded::new(count), metrics }
	}

	/// The model, loaded by the engine from what `artifact` brings if it is not there.
	pub(crate) fn get_or_load<E: From<EngineError>>(
		&self,
		hash: ArtifactHash,
		interface: &Interface,
		artifact: impl FnOnce() -> Result<Vec<u8>, E>,
	) -> Result<Arc<dyn Model>, E> {
		self.loaded.get_or_load(&(hash, interface.encode()), || {
			let start = Instant::now();
			let artifact = artifact()?;
			let model = self.engine.load(&artifact, interface)?;
			let took = start.elapsed();
			self.metrics.model_load(took);
			log::info!(
				target: "inference",
				"loaded artifact {hash:?}: {} bytes, {took:?}",
				artifact.len(),
			);
			Ok(model)
		})
	}
}

/// `u8[1, 64]`, `f32[batch ≤ 8, 13]`, `i64[dynamic ≤ 5]`.
pub(crate) fn describe(tensor: &TensorType) -> String {
	let dimensions: Vec<_> = tensor
		.shape
		.iter()
		.map(|dimension| match dimension {
			Dimension::Fixed(n) => n.to_string(),
			Dimension::Batch { max } => format!("batch ≤ {max}"),
			Dimension::Dynamic { max } => format!("dynamic ≤ {max}"),
		})
		.collect();
	format!("{}[{}]", element_name(tensor.element), dimensions.join(", "))
}

/// The name that Rust gives the type.
fn element_name(element: ElementType) -> &'static str {
	match element {
		ElementType::U8 => "u8",
		ElementType::I8 => "i8",
		ElementType::I32 => "i32",
		ElementType::I64 => "i64",
		ElementType::F32 => "f32",
	}
}
