//! In a process of its own, which ends at a panic as a node does: what models and callers bring about
//! does not end it.

use aimodel_inference::{
	backend::{Backend, BackendError, Backends, LoadRequest, Model, Signature},
	blobs,
	panics::never_end_the_node,
	serving::{
		Hook, InferRequest, ModelEntry, ModelOptions, Parts, Priority, ServeError, Server,
		TensorMetadata, VersionEntry,
	},
	tensor::{DataType, Tensor},
};
use futures::executor::block_on;
use semver::Version;
use std::{collections::BTreeMap, sync::Arc};

/// Panics in loading where the uri says so, and otherwise in each run but the first, which warms up.
struct Panics;

struct Loaded(Signature);

/// Panics before an inference of `hooked`.
struct PanicsBefore;

impl Backend for Panics {
	fn name(&self) -> &str {
		"panics"
	}

	fn platform(&self) -> &str {
		"none"
	}

	fn needs_file(&self) -> bool {
		false
	}

	fn load(&self, request: &LoadRequest<'_>) -> Result<Arc<dyn Model>, BackendError> {
		assert_ne!(request.uri, "panic://", "no such model");
		let byte = |name: &str| TensorMetadata {
			name: name.into(),
			data_type: DataType::Uint8,
			shape: vec![1],
		};
		let (inputs, outputs) = (vec![byte("x")], vec![byte("y")]);
		Ok(Arc::new(Loaded(Signature { inputs, outputs, batches: false })))
	}
}

impl Model for Loaded {
	fn signature(&self) -> &Signature {
		&self.0
	}

	fn infer_batch(&self, requests: &[&[Tensor]]) -> Result<Vec<Tensor>, BackendError> {
		let input = &requests[0][0];
		assert_eq!(input.data[..], [0], "no such input");
		Ok(vec![Tensor { name: "y".into(), ..input.clone() }])
	}

	fn memory(&self) -> u64 {
		0
	}
}

impl Hook for PanicsBefore {
	fn before(&self, request: &mut InferRequest) -> Result<(), ServeError> {
		assert_ne!(request.model, "hooked", "no such model");
		Ok(())
	}
}

#[test]
fn a_panic_costs_the_request_that_brought_it_about() {
	sp_panic_handler::set("nobody", "test");

	let mut backends = Backends::new();
	backends.add(Arc::new(Panics));
	let hooks: Vec<Arc<dyn Hook>> = vec![Arc::new(PanicsBefore)];
	let server = Server::start(Parts { backends, hooks, ..Parts::default() }).unwrap();
	for (name, uri) in [("m", ""), ("hooked", ""), ("unloadable", "panic://")] {
		let version = VersionEntry {
			version: Version::new(1, 0, 0),
			uri: uri.into(),
			hash: blobs::hash(b""),
			bytes: 0,
		};
		let options = ModelOptions { backends: vec!["panics".into()], ..ModelOptions::default() };
		let (versions, name) = (vec![version], name.into());
		let entry = ModelEntry { name, versions, aliases: BTreeMap::new(), default: None, options };
		server.register(entry).unwrap();
	}
	let ask = |model: &str, byte: u8| {
		let request = InferRequest {
			model: model.into(),
			version: None,
			inputs: vec![Tensor {
				name: "x".into(),
				data_type: DataType::Uint8,
				shape: vec![1],
				data: vec![byte].into(),
			}],
			outputs: Vec::new(),
			priority: Priority::Normal,
			deadline: None,
		};
		block_on(server.infer(request)).map(|answer| answer.outputs[0].data[0])
	};
	assert_eq!(ask("m", 0), Ok(0));
	assert!(ask("m", 1).unwrap_err().to_string().contains("no such input"));
	assert!(ask("hooked", 0).unwrap_err().to_string().contains("hook"));
	assert!(ask("unloadable", 0).unwrap_err().to_string().contains("no such model"));
	assert_eq!(ask("m", 0), Ok(0));

	// Pools, whose threads are not the caller's.
	let threads = tokio::runtime::Builder::new_multi_thread()
		.worker_threads(1)
		.on_thread_start(never_end_the_node)
		.build()
		.unwrap();
	let task = threads.spawn(async { panic!("in a task") });
	assert!(threads.block_on(task).unwrap_err().is_panic());
}
