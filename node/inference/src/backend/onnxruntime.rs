//! ONNX Runtime, loaded as a shared library when the node starts.
//!
//! One environment lives as long as the process; a second can not be made, nor another library
//! loaded. A session runs one inference at a time, so a model keeps as many as are wanted at once.

mod sessions;
mod values;

use super::{Backend, BackendError, LoadRequest, Model};
use crate::engine::EngineError;
use aimodel_primitives::ids::ArtifactHash;
use bytes::Bytes;
use ort::{
	environment::Environment,
	ep::{self, ExecutionProviderDispatch},
	logging::LogLevel,
	session::{builder::SessionBuilder, Session},
};
use parking_lot::Mutex;
use sessions::Sessions;
use std::{
	collections::HashMap,
	fmt,
	path::{Path, PathBuf},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, Weak,
	},
};

/// The environment of the process, and the library that it came from.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// Runs models with ONNX Runtime.
///
/// Sessions use one thread each: requests are what runs in parallel, and a sum that is split among
/// threads depends on how it was split.
///
/// Clones share what they load: a file that a job of the chain uses and a request of the gateway
/// wants is in memory once.
#[derive(Clone)]
pub struct OnnxRuntime(Arc<Shared>);

struct Shared {
	opener: Opener,
	sessions: usize,
	/// What somebody holds right now, by the file's hash.
	loaded: Mutex<HashMap<ArtifactHash, Arc<Slot>>>,
}

/// Locked while the model is being loaded.
type Slot = Mutex<Weak<Sessions>>;

impl fmt::Debug for OnnxRuntime {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("OnnxRuntime")
			.field("provider", &self.0.opener.provider)
			.field("sessions", &self.0.sessions)
			.finish_non_exhaustive()
	}
}

impl OnnxRuntime {
	/// The name of this backend.
	pub const NAME: &'static str = "onnxruntime";

	/// Loads `libonnxruntime` from a path, once a process. A model may have up to `sessions`
	/// sessions, that is, run so often at the same time.
	///
	/// Set `ORT_DISABLE_TELEMETRY=1` before: releases after 1.28 write files without it.
	pub fn load(library: &Path, sessions: usize) -> Result<Self, EngineError> {
		Self::load_with_provider(library, sessions, Provider::Cpu)
	}

	/// The same, with an execution provider. Where the library has none of that kind, or the
	/// machine no such device, the CPU runs the models, and the log says so once.
	pub fn load_with_provider(
		library: &Path,
		sessions: usize,
		provider: Provider,
	) -> Result<Self, EngineError> {
		let opener = Opener {
			environment: environment(library)?,
			provider,
			refused: Arc::new(AtomicBool::new(false)),
		};
		let loaded = Mutex::default();
		Ok(Self(Arc::new(Shared { opener, sessions: sessions.max(1), loaded })))
	}

	/// What the library says of its own version and build.
	pub fn build_info(&self) -> &'static str {
		ort::info()
	}

	/// The execution provider that runs the models: the one that was asked for, until it is refused.
	pub fn provider(&self) -> Provider {
		match self.0.opener.refused.load(Ordering::Relaxed) {
			true => Provider::Cpu,
			false => self.0.opener.provider,
		}
	}

	/// The model of that hash, loaded now if nobody holds it.
	pub(crate) fn share(
		&self,
		hash: ArtifactHash,
		file: &Bytes,
	) -> Result<Arc<dyn Model>, BackendError> {
		let slot = {
			let mut loaded = self.0.loaded.lock();
			// What nobody holds is forgotten when something else is loaded.
			loaded.retain(|_, slot| {
				Arc::strong_count(slot) > 1
					|| slot.try_lock().is_none_or(|model| model.strong_count() > 0)
			});
			loaded.entry(hash).or_default().clone()
		};
		let mut model = slot.lock();
		if let Some(model) = model.upgrade() {
			return Ok(model);
		}
		let sessions = Arc::new(Sessions::load(self.0.opener.clone(), file, self.0.sessions)?);
		*model = Arc::downgrade(&sessions);
		Ok(sessions)
	}
}

impl Backend for OnnxRuntime {
	fn name(&self) -> &str {
		Self::NAME
	}

	fn platform(&self) -> &str {
		"onnx_onnxv1"
	}

	fn holds(&self, hash: &ArtifactHash) -> bool {
		let slot = self.0.loaded.lock().get(hash).cloned();
		slot.is_some_and(|slot| slot.lock().strong_count() > 0)
	}

	fn load(&self, request: &LoadRequest<'_>) -> Result<Arc<dyn Model>, BackendError> {
		self.share(request.hash, request.file)
	}
}

/// What computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Provider {
	/// The processor.
	Cpu,
	/// NVIDIA's CUDA.
	Cuda,
	/// NVIDIA's TensorRT.
	TensorRt,
	/// AMD's ROCm.
	Rocm,
	/// AMD's MIGraphX.
	MiGraphX,
	/// Intel's OpenVINO.
	OpenVino,
	/// Qualcomm's QNN.
	Qnn,
	/// XNNPACK, on the processor.
	Xnnpack,
}

impl Provider {
	/// All of them.
	pub const ALL: [Self; 8] = [
		Self::Cpu,
		Self::Cuda,
		Self::TensorRt,
		Self::Rocm,
		Self::MiGraphX,
		Self::OpenVino,
		Self::Qnn,
		Self::Xnnpack,
	];

	/// Its name on a command line.
	pub const fn name(self) -> &'static str {
		match self {
			Self::Cpu => "cpu",
			Self::Cuda => "cuda",
			Self::TensorRt => "tensorrt",
			Self::Rocm => "rocm",
			Self::MiGraphX => "migraphx",
			Self::OpenVino => "openvino",
			Self::Qnn => "qnn",
			Self::Xnnpack => "xnnpack",
		}
	}

	fn dispatch(self) -> Option<ExecutionProviderDispatch> {
		let dispatch = match self {
			Self::Cpu => return None,
			Self::Cuda => ep::CUDA::default().build(),
			Self::TensorRt => ep::TensorRT::default().build(),
			Self::Rocm => ep::ROCm::default().build(),
			Self::MiGraphX => ep::MIGraphX::default().build(),
			Self::OpenVino => ep::OpenVINO::default().build(),
			Self::Qnn => ep::QNN::default().build(),
			Self::Xnnpack => ep::XNNPACK::default().build(),
		};
		Some(dispatch.error_on_failure())
	}
}

impl fmt::Display for Provider {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(self.name())
	}
}

impl std::str::FromStr for Provider {
	type Err = String;

	fn from_str(name: &str) -> Result<Self, String> {
		Self::ALL.into_iter().find(|provider| provider.name() == name).ok_or_else(|| {
			let known: Vec<_> = Self::ALL.iter().map(|provider| provider.name()).collect();
			format!("`{name}` is no execution provider; there are {}", known.join(", "))
		})
	}
}

/// Opens sessions.
#[derive(Clone)]
struct Opener {
	environment: Environment,
	provider: Provider,
	/// Whether the provider was refused once, and is not tried again.
	refused: Arc<AtomicBool>,
}

impl Opener {
	fn is_cpu(&self) -> bool {
		self.provider == Provider::Cpu || self.refused.load(Ordering::Relaxed)
	}

	fn open(&self, file: &[u8]) -> Result<Session, BackendError> {
		let provider = self.provider.dispatch().filter(|_| !self.refused.load(Ordering::Relaxed));
		let Some(provider) = provider else {
			return commit(&mut self.builder().map_err(failed)?, file);
		};
		let builder = self.builder().map_err(failed)?.with_execution_providers([provider]);
		let refusal = match builder {
			Ok(mut builder) => match commit(&mut builder, file) {
				Ok(session) => return Ok(session),
				Err(error) => error.to_string(),
			},
			Err(error) => error.to_string(),
		};
		// Where the CPU refuses it, too, it is the model's fault.
		let session = commit(&mut self.builder().map_err(failed)?, file)?;
		if !self.refused.swap(true, Ordering::Relaxed) {
			log::warn!(
				target: "inference",
				"the execution provider `{}` can not be had, the CPU runs the models: {refusal}",
				self.provider,
			);
		}
		Ok(session)
	}

	/// One thread, no spinning, deterministic kernels.
	fn builder(&self) -> Result<SessionBuilder, ort::Error> {
		let builder = Session::builder(&self.environment)?
			.with_intra_threads(1)?
			.with_inter_threads(1)?
			.with_intra_op_spinning(false)?
			.with_inter_op_spinning(false)?
			.with_deterministic_compute(true)?
			// A model is what its hash says: weights that it names in files beside it are looked for
			// where nothing can be, not in the folder that the node happens to run in.
			.with_config_entry("session.model_external_initializers_file_folder_path", "/dev/null")?;
		Ok(builder)
	}
}

fn commit(builder: &mut SessionBuilder, file: &[u8]) -> Result<Session, BackendError> {
	builder.commit_from_memory(file).map_err(|error| BackendError::NotAModel(error.to_string()))
}

fn failed(error: ort::Error) -> BackendError {
	match error.code() {
		ort::ErrorCode::InvalidArgument => BackendError::Rejected(error.to_string()),
		_ => BackendError::Failed(error.to_string()),
	}
}

fn environment(library: &Path) -> Result<Environment, EngineError> {
	let refuse = |reason: String| EngineError::Library { path: library.into(), reason };
	// Absolute, lest the loader search for it elsewhere.
	let path = library.canonicalize().map_err(|error| refuse(error.to_string()))?;
	let mut loaded = LOADED.lock();
	match &*loaded {
		Some((other, _)) if *other != path => {
			Err(refuse(format!("{} is loaded already", other.display())))
		},
		Some((_, environment)) => Ok(environment.clone()),
		None => {
			let environment = ort::init_from(&path)
				.map_err(|error| refuse(error.to_string()))?
				.with_name("aimodel")
				.with_telemetry(false)
				.with_logger(Arc::new(log_message))
				.build()
				.map_err(|error| refuse(error.to_string()))?;
			// With an own logger, everything is passed on unless told otherwise.
			environment.set_log_level(LogLevel::Warning);
			log::info!(target: "inference", "ONNX Runtime loaded from {}", path.display());
			*loaded = Some((path, environment.clone()));
			Ok(environment)
		},
	}
}

fn log_message(level: LogLevel, _category: &str, _id: &str, location: &str, message: &str) {
	let level = match level {
		LogLevel::Verbose => log::Level::Trace,
		LogLevel::Info => log::Level::Debug,
		LogLevel::Warning => log::Level::Warn,
		LogLevel::Error | LogLevel::Fatal => log::Level::Error,
	};
	log::log!(target: "inference", level, "ONNX Runtime: {message} ({location})");
}
