//! The reference: ONNX Runtime, from where `scripts/setup.sh` places it.

use crate::{ElementType, Network};
use ort::{environment::Environment, session, value::Tensor};
use std::{path::Path, sync::OnceLock};

const LIBRARY: &str = "../.onnxruntime/libonnxruntime.so.1.28.0";

fn environment() -> &'static Environment {
	static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
	ENVIRONMENT.get_or_init(|| {
		// Absolute, lest the loader search for it elsewhere.
		let path = Path::new(LIBRARY).canonicalize();
		let path = path.unwrap_or_else(|_| panic!("{LIBRARY} is missing: run scripts/setup.sh"));
		ort::init_from(path)
			.expect("the library loads")
			.with_telemetry(false)
			.build()
			.expect("the first environment")
	})
}

/// A model in ONNX Runtime.
pub(super) struct Session(session::Session);

impl Session {
	/// A model that ONNX Runtime runs.
	pub(super) fn open(onnx: &[u8]) -> Self {
		Self::try_open(onnx).expect("a model that ONNX Runtime runs")
	}

	/// A model, or what ONNX Runtime says of it.
	pub(super) fn try_open(onnx: &[u8]) -> Result<Self, String> {
		let mut builder = session::Session::builder(environment())
			.and_then(|builder| Ok(builder.with_intra_threads(1)?))
			.expect("options that are known");
		builder.commit_from_memory(onnx).map(Self).map_err(|error| error.to_string())
	}

	/// The bytes of the output for those of an input.
	pub(super) fn run(&mut self, network: &Network, input: &[u8]) -> Vec<u8> {
		let shape: Vec<i64> = network.input().shape.iter().map(|&dim| dim as i64).collect();
		let tensor = Tensor::from_array((shape, input.to_vec())).expect("the input's shape");
		let outputs = self.0.run(ort::inputs![tensor]).expect("a run");
		let output = outputs.values().next().expect("one output");
		match network.output().element {
			ElementType::U8 => output.try_extract_tensor::<u8>().expect("uint8").1.to_vec(),
			ElementType::I64 => {
				let elements = output.try_extract_tensor::<i64>().expect("int64").1;
				elements.iter().flat_map(|element| element.to_le_bytes()).collect()
			},
			_ => {
				let elements = output.try_extract_tensor::<i32>().expect("int32").1;
				elements.iter().flat_map(|element| element.to_le_bytes()).collect()
			},
		}
	}

	/// The floats that a model of floats gives, or why it can not be run.
	pub(super) fn run_floats(&mut self, shape: &[usize], x: &[f32]) -> Result<Vec<f32>, String> {
		let shape: Vec<i64> = shape.iter().map(|&dim| dim as i64).collect();
		let tensor = Tensor::from_array((shape, x.to_vec())).expect("the input's shape");
		let outputs = self.0.run(ort::inputs![tensor]).map_err(|error| error.to_string())?;
		let output = outputs.values().next().expect("one output");
		Ok(output.try_extract_tensor::<f32>().expect("float").1.to_vec())
	}
}
