//! What runs models: two object-safe traits, and a registry of what implements them.
//!
//! A [`Backend`] loads model files; a [`Model`] answers. Callers know neither ONNX Runtime nor any
//! remote server: a new backend is a new implementation that [`Backends::add`] takes.

pub(crate) mod memory;
pub mod onnxruntime;
pub mod remote;

use crate::{
	serving::TensorMetadata,
	tensor::{DataType, Tensor},
};
use aimodel_primitives::ids::ArtifactHash;
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc, thread::ThreadId};

/// Loads models. One backend serves all threads.
pub trait Backend: Send + Sync {
	/// Its name in [`Backends`]: `onnxruntime`.
	fn name(&self) -> &str;

	/// What its models run on, in the words of the Open Inference Protocol: `onnx_onnxv1`.
	fn platform(&self) -> &str;

	/// Whether [`LoadRequest::file`] is read. A server elsewhere has the file itself.
	fn needs_file(&self) -> bool {
		true
	}

	/// Whether somebody holds the model of that file already, so that loading it only shares it.
	fn holds(&self, hash: &ArtifactHash) -> bool {
		let _ = hash;
		false
	}

	/// Loads a model. Takes as long as it takes: call it on a thread that may wait.
	fn load(&self, request: &LoadRequest<'_>) -> Result<Arc<dyn Model>, BackendError>;

	/// Whether it can load and run at all.
	fn health(&self) -> Result<(), BackendError> {
		Ok(())
	}
}

/// What to load.
#[derive(Clone, Copy, Debug)]
pub struct LoadRequest<'a> {
	/// The model's name in the repository.
	pub model: &'a str,
	/// Its version in the repository.
	pub version: &'a str,
	/// Where the file is from.
	pub uri: &'a str,
	/// What the file's hash is; verified by the caller.
	pub hash: ArtifactHash,
	/// The file; empty if [`Backend::needs_file`] says so.
	pub file: &'a Bytes,
}

/// A loaded model. Threads may use it at the same time.
pub trait Model: Send + Sync {
	/// What it takes and gives.
	fn signature(&self) -> &Signature;

	/// Runs several requests as one, by joining their inputs along the first dimension. Each request
	/// holds all inputs in the signature's order, and has passed [`Signature::check`].
	///
	/// The answer holds all outputs in the signature's order, with the rows of all requests.
	fn infer_batch(&self, requests: &[&[Tensor]]) -> Result<Vec<Tensor>, BackendError>;

	/// Runs one request.
	fn infer(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, BackendError> {
		self.infer_batch(&[inputs])
	}

	/// Runs once with zeros, so that the first request finds memory and kernels ready. Skipped where
	/// a dimension other than the first varies: nobody can say what would fit.
	fn warm_up(&self) -> Result<(), BackendError> {
		match self.signature().zeros(1) {
			Some(zeros) => self.infer(&zeros).map(|_| ()),
			None => Ok(()),
		}
	}

	/// Bytes that it takes in this process, as measured when it was loaded.
	fn memory(&self) -> u64;

	/// Whether a run would begin at once, and compute on the thread that asks for it alone. Waits for
	/// nothing.
	fn runs_in_place(&self) -> bool {
		false
	}

	/// Whether it can be expected to answer, as far as is known. Does not wait.
	fn is_healthy(&self) -> bool {
		true
	}

	/// Asks the run of that thread to stop, and does not wait for it. Whether it does is up to the backend.
	fn interrupt(&self, thread: ThreadId) {
		let _ = thread;
	}
}

/// What a model takes and gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
	/// The inputs.
	pub inputs: Vec<TensorMetadata>,
	/// The outputs.
	pub outputs: Vec<TensorMetadata>,
	/// Whether the model says that the first dimension is the same varying one in all inputs and
	/// outputs, so that requests can be joined along it.
	pub batches: bool,
}

impl Signature {
	/// Whether inputs and outputs are all integers.
	pub fn is_integer(&self) -> bool {
		let float = |it: &TensorMetadata| {
			matches!(it.data_type, DataType::Fp16 | DataType::Fp32 | DataType::Fp64)
		};
		!self.inputs.iter().chain(&self.outputs).any(float)
	}

	/// Whether the first dimension of all inputs and outputs varies, though perhaps not as one.
	pub(crate) fn varies(&self) -> bool {
		self.inputs.iter().chain(&self.outputs).all(|it| it.shape.first() == Some(&-1))
	}

	/// An input of zeros of so many rows, where only the first dimension varies.
	pub fn zeros(&self, rows: u64) -> Option<Vec<Tensor>> {
		self.filled(rows, false)
	}

	/// An input that fits what is declared: zeros, and one of each dimension that varies.
	pub(crate) fn sample(&self) -> Option<Vec<Tensor>> {
		let one = |shape: &[i64]| shape.iter().map(|length| (*length).max(1)).collect();
		let fixed = |it: &TensorMetadata| TensorMetadata { shape: one(&it.shape), ..it.clone() };
		let inputs = self.inputs.iter().map(fixed).collect();
		Self { inputs, ..self.clone() }.zeros(1)
	}

	/// An input of one row of ones.
	pub(crate) fn ones(&self) -> Option<Vec<Tensor>> {
		self.filled(1, true)
	}

	fn filled(&self, rows: u64, one: bool) -> Option<Vec<Tensor>> {
		let tensor = |input: &TensorMetadata| {
			let mut shape = Vec::with_capacity(input.shape.len());
			for (at, dimension) in input.shape.iter().enumerate() {
				shape.push(match (at, u64::try_from(*dimension)) {
					(_, Ok(fixed)) => fixed,
					(0, Err(_)) => rows,
					_ => return None,
				});
			}
			let bytes = usize::try_from(input.data_type.bytes_of(&shape)?).ok()?;
			let data = match one {
				false => vec![0; bytes],
				true => {
					let element = input.data_type.one();
					element.repeat(bytes.checked_div(element.len())?)
				},
			};
			Some(Tensor {
				name: input.name.clone(),
				data_type: input.data_type,
				shape,
				data: data.into(),
			})
		};
		self.inputs.iter().map(tensor).collect()
	}
}

/// Why a backend refuses.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BackendError {
	/// The file can not be loaded as a model.
	#[error("not a model that can be served: {0}")]
	NotAModel(String),
	/// The values of an input are what the model can not take. Not the backend's fault.
	#[error("the model refuses the input: {0}")]
	Rejected(String),
	/// It takes too many at once.
	#[error("the backend is busy: {0}")]
	Busy(String),
	/// It can not be reached, or does not answer.
	#[error("the backend can not be reached: {0}")]
	Unreachable(String),
	/// It failed.
	#[error("{0}")]
	Failed(String),
}

/// Backends by their names.
#[derive(Clone, Default)]
pub struct Backends(BTreeMap<String, Arc<dyn Backend>>);

impl Backends {
	/// None yet.
	pub fn new() -> Self {
		Self::default()
	}

	/// Adds one; replaces what has the same name.
	pub fn add(&mut self, backend: Arc<dyn Backend>) -> &mut Self {
		self.0.insert(backend.name().to_owned(), backend);
		self
	}

	/// The backend of that name.
	pub fn get(&self, name: &str) -> Option<&Arc<dyn Backend>> {
		self.0.get(name)
	}

	/// The names of all.
	pub fn names(&self) -> Vec<&str> {
		self.0.keys().map(String::as_str).collect()
	}
}
