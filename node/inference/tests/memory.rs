//! How much memory models may take. In a process of its own: what is measured is that of the process.

#[path = "real/onnx.rs"]
mod onnx;

use aimodel_inference::{
	backend::Backends,
	serving::{
		InferRequest, ModelEntry, ModelOptions, Parts, Priority, ServeError, Server, ServerConfig,
	},
	tensor::{DataType, Tensor},
	OnnxRuntime,
};
use futures::executor::block_on;
use onnx::{floats, graph, node, Attribute, Dim, Value};
use semver::Version;
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// Bytes of the weights of a model.
const SIZE: u64 = 4 << 20;

fn runtime() -> Arc<OnnxRuntime> {
	let library = std::env::var_os("ONNXRUNTIME_LIB")
		.map(PathBuf::from)
		.unwrap_or_else(|| "../../.onnxruntime/libonnxruntime.so.1.28.0".into());
	Arc::new(OnnxRuntime::load(&library, 1).unwrap())
}

/// A server with `count` models `m0`, `m1`, …, none of which is loaded.
fn server(memory: u64, count: u32, options: &ModelOptions) -> (Server, TempDir) {
	let config = ServerConfig { memory, ..ServerConfig::default() };
	let mut backends = Backends::new();
	backends.add(runtime());
	let server = Server::start(Parts { config, backends, ..Parts::default() }).unwrap();
	let folder = tempfile::tempdir().unwrap();
	let weights = floats("w", &[1, SIZE / 4], std::iter::repeat(1.0));
	for n in 0..count {
		// Each a file of its own, lest they be shared.
		let between = format!("n{n}");
		let nodes = [
			node("Mul", &["x", "w"], &[&between], &[]),
			node("ReduceMax", &[&between], &["y"], &[("keepdims", Attribute::Int(1))]),
		];
		let value = |name| Value { name, element: 1, shape: &[Dim::N(1), Dim::N(1)] };
		let path = folder.path().join(format!("m{n}"));
		std::fs::write(
			&path,
			graph(&nodes, &[value("x")], &[value("y")], std::slice::from_ref(&weights)),
		)
		.unwrap();
		let (name, version) = (format!("m{n}"), Version::new(1, 0, 0));
		server
			.register(ModelEntry::of_file(name, version, &path, options.clone()).unwrap())
			.unwrap();
	}
	(server, folder)
}

fn ask(server: &Server, model: &str) -> Result<(), ServeError> {
	let input = Tensor {
		name: "x".into(),
		data_type: DataType::Fp32,
		shape: vec![1, 1],
		data: 2f32.to_le_bytes().to_vec().into(),
	};
	let request = InferRequest {
		model: model.into(),
		version: None,
		inputs: vec![input],
		outputs: Vec::new(),
		priority: Priority::Normal,
		deadline: None,
	};
	let answer = block_on(server.infer(request))?;
	assert_eq!(answer.outputs[0].data[..], 2f32.to_le_bytes());
	Ok(())
}

fn taken(server: &Server) -> u64 {
	server.statistics(None, None).unwrap().iter().map(|it| it.memory).sum()
}

#[test]
fn memory_is_bounded_as_measured() {
	let limit = 8 * SIZE;
	let (models, _files) = server(limit, 8, &ModelOptions::default());
	let ready = |name: &str| models.is_ready(name, None).unwrap();
	for name in ["m0", "m1"] {
		ask(&models, name).unwrap();
	}
	assert!(taken(&models) >= 2 * SIZE);
	ask(&models, "m0").unwrap();
	for n in 2..8 {
		ask(&models, &format!("m{n}")).unwrap();
		assert!(ready(&format!("m{n}")));
		assert!(taken(&models) <= limit, "{}", taken(&models));
		// The least recently used goes first.
		assert!(ready("m0") || !ready("m1"));
	}
	// Eight do not fit. What made room comes back when it is asked for.
	assert!(!ready("m0"));
	ask(&models, "m0").unwrap();
	assert!(ready("m0") && taken(&models) <= limit);
	drop(models);

	// A file that two names share is in memory once, and is no reason to unload either.
	let (shared, files) = server(5 * SIZE, 1, &ModelOptions::default());
	let version = Version::new(1, 0, 0);
	let again =
		ModelEntry::of_file("again", version, &files.path().join("m0"), ModelOptions::default());
	shared.register(again.unwrap()).unwrap();
	for name in ["m0", "again", "m0"] {
		ask(&shared, name).unwrap();
	}
	assert!(shared.is_ready("m0", None).unwrap() && shared.is_ready("again", None).unwrap());
	drop(shared);

	let (pinned, _files) =
		server(limit, 6, &ModelOptions { pinned: true, ..ModelOptions::default() });
	let refused = (0..6).find_map(|n| block_on(pinned.load(&format!("m{n}"))).err()).unwrap();
	assert!(refused.to_string().contains("are taken, by models that stay"), "{refused}");
	let mut stay: Vec<_> = (0..6).map(|n| format!("m{n}")).collect();
	stay.retain(|name| pinned.is_ready(name, None).unwrap());
	assert!(!stay.is_empty());
	stay.iter().for_each(|name| ask(&pinned, name).unwrap());

	let options = ModelOptions { max_memory: Some(SIZE - 1), ..ModelOptions::default() };
	let (small, _files) = server(limit, 1, &options);
	let refused = ask(&small, "m0").unwrap_err().to_string();
	assert!(refused.contains(&format!("{} is the most", SIZE - 1)), "{refused}");
}
