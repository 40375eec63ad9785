//! ONNX Runtime, loaded as a shared library when the node starts.
//!
//! One environment lives as long as the process; a second can not be made, nor another library
//! loaded. A session runs one inference at a time, so a model keeps as many as are wanted at once.

use super::{
	declared::{check, check_output, Declared},
	describe, Engine, EngineError, Model,
};
use aimodel_primitives::tensor::{Dimension, ElementType, Interface};
use ort::{
	environment::Environment,
	logging::LogLevel,
	session::{Session, SessionOutputs},
	value::{Outlet, PrimitiveTensorElementType, Tensor, TensorElementType, ValueType},
};
use parking_lot::{Condvar, Mutex};
use std::{
	fmt::Debug,
	path::{Path, PathBuf},
	sync::Arc,
};

/// The environment of the process, and the library that it came from.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// Runs models with ONNX Runtime on the CPU.
///
/// Sessions use one thread each: requests are what runs in parallel, and a sum that is split among
/// threads depends on how it was split.
#[derive(Debug)]
pub struct OnnxRuntime {
	environment: Environment,
	sessions: usize,
}

impl OnnxRuntime {
	/// Loads `libonnxruntime` from a path, once a process. A model may have up to `sessions`
	/// sessions, that is, run so often at the same time.
	///
	/// Set `ORT_DISABLE_TELEMETRY=1` before: releases after 1.28 write files without it.
	pub fn load(library: &Path, sessions: usize) -> Result<Self, EngineError> {
		let refuse = |reason: String| EngineError::Library { path: library.into(), reason };
		// Absolute, lest the loader search for it elsewhere.
		let path = library.canonicalize().map_err(|error| refuse(error.to_string()))?;
		let mut loaded = LOADED.lock();
		let environment = match &*loaded {
			Some((other, _)) if *other != path => {
				return Err(refuse(format!("{} is loaded already", other.display())))
			},
			Some((_, environment)) => environment.clone(),
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
				environment
			},
		};
		Ok(Self { environment, sessions: sessions.max(1) })
	}

	/// What the library says of its own version and build.
	pub fn build_info(&self) -> &'static str {
		ort::info()
	}
}

impl Engine for OnnxRuntime {
	fn load(&self, artifact: &[u8], interface: &Interface) -> Result<Arc<dyn Model>, EngineError> {
		interface.validate().map_err(EngineError::Interface)?;
		let session = open(&self.environment, artifact)?;
		let declared = |outlets: &[Outlet]| outlets.iter().map(declare).collect::<Vec<_>>();
		check(&declared(session.inputs()), &declared(session.outputs()), interface)?;
		Ok(Arc::new(Sessions {
			environment: self.environment.clone(),
			artifact: artifact.into(),
			interface: interface.clone(),
			most: self.sessions,
			pool: Mutex::new(Pool { idle: vec![session], open: 1 }),
			returned: Condvar::new(),
		}))
	}
}

/// One model: sessions over the same file, opened when they are wanted.
struct Sessions {
	environment: Environment,
	artifact: Box<[u8]>,
	interface: Interface,
	most: usize,
	pool: Mutex<Pool>,
	returned: Condvar,
}

struct Pool {
	idle: Vec<Session>,
	open: usize,
}

/// A session on loan.
struct Loan<'a> {
	model: &'a Sessions,
	/// `Some` until it is given back.
	session: Option<Session>,
}

impl Drop for Loan<'_> {
	fn drop(&mut self) {
		let mut pool = self.model.pool.lock();
		match self.session.take() {
			Some(session) => pool.idle.push(session),
			None => pool.open = pool.open.saturating_sub(1),
		}
		drop(pool);
		self.model.returned.notify_one();
	}
}

impl Sessions {
	/// Waits for a session if as many as may be are at work.
	fn borrow(&self) -> Loan<'_> {
		let mut pool = self.pool.lock();
		loop {
			if let Some(session) = pool.idle.pop() {
				return Loan { model: self, session: Some(session) };
			}
			if pool.open < self.most {
				pool.open = pool.open.saturating_add(1);
				return Loan { model: self, session: None };
			}
			self.returned.wait(&mut pool);
		}
	}
}

impl Model for Sessions {
	fn infer(&self, input: &[u8], rows: u32) -> Result<Vec<u8>, EngineError> {
		let tensor = &self.interface.input;
		let max = tensor.batch().unwrap_or(1);
		if rows == 0 || rows > max {
			return Err(EngineError::Rows { rows, max });
		}
		let found = input.len() as u64;
		let expected = tensor.elements(rows).max.saturating_mul(u64::from(tensor.element.bytes()));
		if found != expected {
			let tensor = describe(tensor);
			return Err(EngineError::InputLength { expected, found, rows, tensor });
		}
		let shape: Vec<i64> = tensor
			.shape
			.iter()
			.map(|dimension| match dimension {
				Dimension::Fixed(n) => i64::from(*n),
				Dimension::Batch { .. } | Dimension::Dynamic { .. } => i64::from(rows),
			})
			.collect();

		let mut loan = self.borrow();
		let session = match &mut loan.session {
			Some(session) => session,
			empty => empty.insert(open(&self.environment, &self.artifact)?),
		};
		let outputs = match tensor.element {
			ElementType::U8 => run::<u8, 1>(session, shape, input, u8::from_le_bytes),
			ElementType::I8 => run::<i8, 1>(session, shape, input, i8::from_le_bytes),
			ElementType::I32 => run::<i32, 4>(session, shape, input, i32::from_le_bytes),
			ElementType::I64 => run::<i64, 8>(session, shape, input, i64::from_le_bytes),
			ElementType::F32 => run::<f32, 4>(session, shape, input, f32::from_le_bytes),
		}?;
		let output = match self.interface.output.element {
			ElementType::U8 => self.extract::<u8, 1>(&outputs, rows, u8::to_le_bytes),
			ElementType::I8 => self.extract::<i8, 1>(&outputs, rows, i8::to_le_bytes),
			ElementType::I32 => self.extract::<i32, 4>(&outputs, rows, i32::to_le_bytes),
			ElementType::I64 => self.extract::<i64, 8>(&outputs, rows, i64::to_le_bytes),
			ElementType::F32 => self.extract::<f32, 4>(&outputs, rows, f32::to_le_bytes),
		}?;
		let bytes = output.len() as u64;
		self.interface.output_elements(rows, bytes).map_err(|_| EngineError::OutputShape {
			expected: describe(&self.interface.output),
			found: format!("{bytes} bytes"),
			rows,
		})?;
		Ok(output)
	}
}

impl Sessions {
	fn extract<T: PrimitiveTensorElementType + Copy, const BYTES: usize>(
		&self,
		outputs: &SessionOutputs<'_>,
		rows: u32,
		bytes: fn(T) -> [u8; BYTES],
	) -> Result<Vec<u8>, EngineError> {
		let output = outputs
			.values()
			.next()
			.ok_or_else(|| EngineError::Runtime("ONNX Runtime gave no output".into()))?;
		let (shape, elements) = output.try_extract_tensor::<T>().map_err(failed)?;
		check_output(&self.interface.output, rows, shape)?;
		Ok(elements.iter().flat_map(|element| bytes(*element)).collect())
	}
}

fn run<'s, T, const BYTES: usize>(
	session: &'s mut Session,
	shape: Vec<i64>,
	input: &[u8],
	element: fn([u8; BYTES]) -> T,
) -> Result<SessionOutputs<'s>, EngineError>
where
	T: PrimitiveTensorElementType + Debug + Clone + 'static,
{
	let elements: Vec<T> = input.as_chunks().0.iter().map(|bytes| element(*bytes)).collect();
	let tensor = Tensor::from_array((shape, elements)).map_err(failed)?;
	session.run(ort::inputs![tensor]).map_err(failed)
}

/// Opens a session: one thread, no spinning, deterministic kernels.
fn open(environment: &Environment, artifact: &[u8]) -> Result<Session, EngineError> {
	let builder = || {
		let builder = Session::builder(environment)?
			.with_intra_threads(1)?
			.with_inter_threads(1)?
			.with_intra_op_spinning(false)?
			.with_inter_op_spinning(false)?
			.with_deterministic_compute(true)?
			// A model is what its hash says: weights that it names in files beside it are looked for
			// where nothing can be, not in the folder that the node happens to run in.
			.with_config_entry("session.model_external_initializers_file_folder_path", "/dev/null")?;
		Ok(builder)
	};
	builder()
		.map_err(|error: ort::Error| failed(error))?
		.commit_from_memory(artifact)
		.map_err(|error| EngineError::NotAModel { reason: error.to_string() })
}

fn declare(outlet: &Outlet) -> Declared {
	let name = outlet.name().to_owned();
	match outlet.dtype() {
		ValueType::Tensor { ty, shape, .. } => Declared {
			name,
			element: match ty {
				TensorElementType::Uint8 => Some(ElementType::U8),
				TensorElementType::Int8 => Some(ElementType::I8),
				TensorElementType::Int32 => Some(ElementType::I32),
				TensorElementType::Int64 => Some(ElementType::I64),
				TensorElementType::Float32 => Some(ElementType::F32),
				_ => None,
			},
			type_name: ty.to_string(),
			shape: shape.iter().map(|dimension| u64::try_from(*dimension).ok()).collect(),
		},
		other => Declared { name, element: None, type_name: other.to_string(), shape: Vec::new() },
	}
}

fn failed(error: ort::Error) -> EngineError {
	EngineError::Runtime(error.to_string())
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
