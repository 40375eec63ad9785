//! Models by name, on the real engine.

use crate::{
	digits, example,
	onnx::{cnn, code, floats, graph, mlp, model, node, Attribute, Dim, Value},
	runtime,
};
use aimodel_inference::{
	backend::Backends,
	serving::{
		Hook, InferRequest, Inference, ModelEntry, ModelOptions, Parts, Priority, ServeError,
		Server, State,
	},
	tensor::{DataType, Tensor},
	Engine, OnnxRuntime, Provider,
};
use aimodel_primitives::tensor::ElementType;
use futures::{executor::block_on, future::join_all};
use semver::Version;
use std::{
	path::PathBuf,
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};
use substrate_prometheus_endpoint::Registry;
use tempfile::TempDir;

pub(crate) fn backends() -> Backends {
	let mut backends = Backends::new();
	backends.add(Arc::new(runtime()));
	backends
}

fn server() -> Server {
	Server::start(Parts { backends: backends(), ..Parts::default() }).unwrap()
}

/// Files that live as long as the test.
struct Files(TempDir);

impl Files {
	fn new() -> Self {
		Self(tempfile::tempdir().unwrap())
	}

	fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
		let path = self.0.path().join(name);
		std::fs::write(&path, bytes).unwrap();
		path
	}

	fn register(&self, server: &Server, name: &str, bytes: &[u8], options: ModelOptions) {
		let path = self.put(name, bytes);
		let entry = ModelEntry::of_file(name, Version::new(1, 0, 0), &path, options).unwrap();
		server.register(entry).unwrap();
	}
}

pub(crate) fn request(model: &str, inputs: Vec<Tensor>) -> InferRequest {
	InferRequest {
		model: model.into(),
		version: None,
		inputs,
		outputs: Vec::new(),
		priority: Priority::Normal,
		deadline: None,
	}
}

pub(crate) fn tensor(name: &str, data_type: DataType, shape: &[u64], data: &[u8]) -> Tensor {
	Tensor { name: name.into(), data_type, shape: shape.to_vec(), data: data.to_vec().into() }
}

fn infer(server: &Server, model: &str, input: Tensor) -> Result<Inference, ServeError> {
	block_on(server.infer(request(model, vec![input])))
}

fn digit(at: usize) -> Tensor {
	let (server, images) = (server(), example("digits/test_x.u8"));
	let files = Files::new();
	let artifact = example("digits/digits.provable.onnx");
	files.register(&server, "digits", &artifact, ModelOptions::default());
	block_on(server.load("digits")).unwrap();
	let name = server.metadata("digits", None).unwrap().inputs[0].name.clone();
	tensor(&name, DataType::Uint8, &[1, 64], &images[64 * at..][..64])
}

fn row(value: f32) -> Tensor {
	tensor("x", DataType::Fp32, &[1, 784], &value.to_le_bytes().repeat(784))
}

fn no_delay() -> ModelOptions {
	ModelOptions::default()
}

/// Half a second in which others can arrive.
fn gathering() -> ModelOptions {
	ModelOptions { max_delay_us: 500_000, ..ModelOptions::default() }
}

fn identity(element: u64, dims: &[Dim]) -> Vec<u8> {
	let value = |name| Value { name, element, shape: dims };
	model("Identity", &[value("x")], &[value("y")], None)
}

#[test]
fn a_file_is_served_by_its_name_and_told_of() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "digits", &example("digits/digits.provable.onnx"), no_delay());
	assert_eq!(server.index()[0].state, State::Unavailable);
	assert!(!server.is_ready("digits", None).unwrap());
	block_on(server.load("digits")).unwrap();
	assert!(server.is_ready("digits", Some("1.0.0")).unwrap() && server.ready());

	let metadata = server.metadata("digits", Some("latest")).unwrap();
	assert_eq!(metadata.platform, "onnx_onnxv1");
	assert_eq!(
		(metadata.inputs[0].data_type, &metadata.inputs[0].shape[..]),
		(DataType::Uint8, &[-1, 64][..])
	);
	let (artifact, images) = (example("digits/digits.provable.onnx"), example("digits/test_x.u8"));
	let network = zkonnx::Network::from_onnx(&artifact).unwrap();
	for image in images.chunks(64).take(20) {
		let input = tensor(&metadata.inputs[0].name, DataType::Uint8, &[1, 64], image);
		let answer = infer(&server, "digits", input).unwrap();
		assert_eq!(answer.outputs[0].data, network.execute(image).unwrap());
		assert_eq!((answer.outputs[0].shape.as_slice(), answer.rows), (&[1, 10][..], 1));
		assert_eq!(answer.artifact, metadata.artifact);
	}
	let statistics = &server.statistics(Some("digits"), None).unwrap()[0];
	assert_eq!((statistics.inference_count, statistics.success.count), (20, 20));
	assert!(statistics.memory >= artifact.len() as u64 && statistics.compute_infer.ns > 0);
}

#[test]
fn every_data_type_passes_through_unchanged() {
	// ONNX's numbers of the types, in the order of `DataType::ALL`.
	let codes = [9, 2, 4, 12, 13, 3, 5, 6, 7, 10, 1, 11];
	let (server, files) = (server(), Files::new());
	for (data_type, code) in DataType::ALL.into_iter().zip(codes) {
		let name = data_type.name();
		files.register(&server, name, &identity(code, &[Dim::Batch, Dim::N(3)]), no_delay());
		let bytes: Vec<u8> = match data_type {
			DataType::Bool => vec![1, 0, 1, 0, 0, 1],
			_ => (0..6 * data_type.bytes()).map(|n| n as u8).collect(),
		};
		// Also from where no element is aligned.
		let shifted = bytes::Bytes::from([&[0], &bytes[..]].concat()).slice(1..);
		let input = Tensor { data: shifted, ..tensor("x", data_type, &[2, 3], &[]) };
		let answer = infer(&server, name, input).unwrap();
		assert_eq!(answer.outputs, [tensor("y", data_type, &[2, 3], &bytes)], "{name}");
	}
}

#[test]
fn requests_that_wait_together_run_as_one_and_each_gets_its_own_answer() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "alone", &mlp(), ModelOptions { max_batch: 1, ..no_delay() });
	files.register(&server, "mlp", &mlp(), ModelOptions { max_batch: 16, ..gathering() });
	block_on(server.load("mlp")).unwrap();
	let rows: Vec<_> = (0..32).map(|n| row(n as f32 / 32.0)).collect();
	let ask = |row: &Tensor| server.infer(request("mlp", vec![row.clone()]));
	let answers = block_on(join_all(rows.iter().map(ask)));
	for (row, answer) in rows.iter().zip(answers) {
		let (answer, alone) = (answer.unwrap(), infer(&server, "alone", row.clone()).unwrap());
		assert_eq!((answer.batch, alone.batch), (16, 1));
		let floats = |it: &Inference| -> Vec<f32> {
			it.outputs[0].data.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect()
		};
		for (a, b) in floats(&answer).iter().zip(floats(&alone)) {
			assert!((a - b).abs() < 1e-3, "{a} {b}");
		}
	}
	let statistics = &server.statistics(Some("mlp"), None).unwrap()[0];
	assert_eq!((statistics.execution_count, statistics.inference_count), (2, 32));
	assert_eq!(
		statistics.batches.iter().map(|(rows, it)| (*rows, it.count)).collect::<Vec<_>>(),
		[(16, 2)]
	);
}

#[test]
fn one_bad_input_fails_alone() {
	let (server, files) = (server(), Files::new());
	let gather = graph(
		&[node("Gather", &["weights", "x"], &["y"], &[])],
		&[Value { name: "x", element: 7, shape: &[Dim::Batch] }],
		&[Value { name: "y", element: 1, shape: &[Dim::Batch] }],
		&[floats("weights", &[3], [10.0, 20.0, 30.0].into_iter())],
	);
	files.register(&server, "gather", &gather, ModelOptions { max_batch: 4, ..gathering() });
	block_on(server.load("gather")).unwrap();
	let ask = |at: i64| {
		let input = tensor("x", DataType::Int64, &[1], &at.to_le_bytes());
		server.infer(request("gather", vec![input]))
	};
	let answers = block_on(join_all([0, 7, 2, 1].map(ask)));
	let value = |it: &Result<Inference, ServeError>| match it {
		Ok(it) => Ok(f32::from_le_bytes(it.outputs[0].data[..].try_into().unwrap())),
		Err(error) => Err(error.clone()),
	};
	assert_eq!(value(&answers[0]), Ok(10.0));
	assert!(matches!(value(&answers[1]), Err(ServeError::Invalid(_) | ServeError::Failed(_))));
	assert_eq!((value(&answers[2]), value(&answers[3])), (Ok(30.0), Ok(20.0)));
}

#[test]
fn a_model_that_mixes_rows_is_not_batched_and_one_that_does_not_is() {
	let (server, files) = (server(), Files::new());
	let batch = |first: Dim, operator: Vec<u8>| {
		let shape = [first, Dim::N(2)];
		let value = |name| Value { name, element: 1, shape: &shape };
		graph(&[operator], &[value("x")], &[value("y")], &[])
	};
	let softmax = |axis| node("Softmax", &["x"], &["y"], &[("axis", Attribute::Int(axis))]);
	let options = ModelOptions { max_batch: 3, ..gathering() };
	files.register(&server, "mixing", &batch(Dim::Batch, softmax(0)), options.clone());
	// Its input and its output have other names for the first dimension.
	files.register(&server, "rows", &batch(Dim::Symbol, softmax(1)), options);
	for (name, expected) in [("mixing", 1.0f32), ("rows", 0.5)] {
		block_on(server.load(name)).unwrap();
		let input = tensor("x", DataType::Fp32, &[1, 2], &[0; 8]);
		let ask = || server.infer(request(name, vec![input.clone()]));
		for answer in block_on(join_all([ask(), ask(), ask()])) {
			let answer = answer.unwrap();
			assert_eq!(answer.outputs[0].data, expected.to_le_bytes().repeat(2));
			assert_eq!(answer.batch, if name == "rows" { 3 } else { 1 });
		}
	}
}

#[test]
fn answers_are_remembered_where_they_can_be_proved_and_nowhere_else() {
	let input = digit(3);
	let (server, files) = (server(), Files::new());
	files.register(&server, "digits", &example("digits/digits.provable.onnx"), no_delay());
	files.register(&server, "mlp", &mlp(), no_delay());
	let first = infer(&server, "digits", input.clone()).unwrap();
	let second = infer(&server, "digits", input).unwrap();
	assert!(!first.cached && second.cached);
	assert_eq!(first.outputs, second.outputs);
	let statistics = &server.statistics(Some("digits"), None).unwrap()[0];
	assert_eq!((statistics.cache_miss.count, statistics.cache_hit.count), (1, 1));
	assert_eq!((statistics.execution_count, statistics.inference_count), (1, 2));
	// Of integers, and drawn anew each time.
	let byte = |name| Value { name, element: code(ElementType::U8), shape: &[Dim::N(4)] };
	let nodes = [
		node("Cast", &["x"], &["f"], &[("to", Attribute::Int(1))]),
		node("RandomUniformLike", &["f"], &["r"], &[]),
		node("Add", &["f", "r"], &["s"], &[]),
		node("Cast", &["s"], &["y"], &[("to", Attribute::Int(2))]),
	];
	let random = graph(&nodes, &[byte("x")], &[byte("y")], &[]);
	files.register(&server, "random", &random, no_delay());
	for _ in 0..2 {
		assert!(!infer(&server, "mlp", row(1.0)).unwrap().cached);
		let drawn = infer(&server, "random", tensor("x", DataType::Uint8, &[4], &[9; 4]));
		assert!(!drawn.unwrap().cached);
	}
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "mlp", &mlp(), ModelOptions { max_request_bytes: 4000, ..no_delay() });
	let refusal = |model: &str, input| infer(&server, model, input).unwrap_err().to_string();
	assert!(refusal("mpl", row(0.0)).contains("there is no model `mpl`; known are mlp"));
	let wide = tensor("x", DataType::Fp32, &[1, 783], &[0; 783 * 4]);
	assert!(refusal("mlp", wide).contains("the model takes [-1, 784]"));
	let two = tensor("x", DataType::Fp32, &[2, 784], &[0; 2 * 784 * 4]);
	assert!(refusal("mlp", two).contains("4000 is the most"));
	let mut request = request("mlp", vec![row(0.0)]);
	request.version = Some("2".into());
	let error = block_on(server.infer(request)).unwrap_err().to_string();
	assert!(error.contains("has no version `2`; it has 1.0.0"), "{error}");
}

#[test]
fn expired_work_is_not_started() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "mlp", &mlp(), gathering());
	block_on(server.load("mlp")).unwrap();
	let start = Instant::now();
	let mut request = request("mlp", vec![row(0.0)]);
	request.deadline = Some(start + Duration::from_millis(20));
	let error = block_on(server.infer(request)).unwrap_err();
	assert_eq!(error, ServeError::DeadlineExceeded { name: "mlp".into() });
	// At the deadline, not when a batch would have been gathered.
	assert!((20..400).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
	let statistics = &server.statistics(Some("mlp"), None).unwrap()[0];
	assert_eq!((statistics.execution_count, statistics.fail.count), (0, 1));
}

#[test]
fn a_full_queue_pushes_back() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "mlp", &mlp(), ModelOptions { queue: 10, ..gathering() });
	block_on(server.load("mlp")).unwrap();
	let ask = |_| server.infer(request("mlp", vec![row(0.0)]));
	let answers = block_on(join_all((0..12).map(ask)));
	let busy = ServeError::Busy { name: "mlp".into(), waiting: 9 };
	assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 9);
	assert_eq!(answers.iter().filter(|it| it.as_ref().err() == Some(&busy)).count(), 3);
}

#[test]
fn a_model_is_unloaded_by_hand_or_when_nobody_asks_and_comes_back() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "mlp", &mlp(), ModelOptions { idle_ms: Some(20), ..no_delay() });
	infer(&server, "mlp", row(0.0)).unwrap();
	let start = Instant::now();
	while server.is_ready("mlp", None).unwrap() {
		assert!(start.elapsed() < Duration::from_secs(10));
		std::thread::yield_now();
	}
	infer(&server, "mlp", row(0.0)).unwrap();

	files.register(&server, "cnn", &cnn(), no_delay());
	let image = tensor("x", DataType::Fp32, &[1, 1, 16, 16], &[0; 1024]);
	infer(&server, "cnn", image.clone()).unwrap();
	block_on(server.unload("cnn")).unwrap();
	let error = infer(&server, "cnn", image.clone()).unwrap_err().to_string();
	assert!(error.contains("not ready: it was unloaded"), "{error}");
	// What it takes stays known.
	assert_eq!(server.metadata("cnn", None).unwrap().inputs[0].shape, [-1, 1, 16, 16]);
	block_on(server.load("cnn")).unwrap();
	infer(&server, "cnn", image.clone()).unwrap();
	assert!(server.remove("cnn"));
	assert!(matches!(infer(&server, "cnn", image), Err(ServeError::UnknownModel { .. })));
}

#[test]
fn a_file_that_was_replaced_or_is_no_model_is_not_served_and_others_are() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "mlp", &mlp(), no_delay());
	files.register(&server, "torn", &mlp()[..1000], no_delay());
	files.register(&server, "swapped", &mlp(), no_delay());
	files.register(&server, "gone", &mlp(), no_delay());
	let mut other = mlp();
	*other.last_mut().unwrap() ^= 1;
	files.put("swapped", &other);
	std::fs::remove_file(files.0.path().join("gone")).unwrap();
	for (name, expected) in
		[("torn", "not a model"), ("swapped", "has the hash"), ("gone", "No such file")]
	{
		let error = infer(&server, name, row(0.0)).unwrap_err().to_string();
		assert!(error.contains(expected), "{error}");
		let entry = server.index().into_iter().find(|it| it.name == name).unwrap();
		assert!(entry.state == State::Unavailable && entry.reason.contains(expected));
	}
	infer(&server, "mlp", row(0.0)).unwrap();
	// Mended, and asked for by hand.
	files.put("swapped", &mlp());
	block_on(server.load("swapped")).unwrap();
	infer(&server, "swapped", row(0.0)).unwrap();
}

#[test]
fn a_fallback_answers_for_a_model_that_can_not_be_loaded() {
	let (server, files) = (server(), Files::new());
	let fallback = vec!["missing".into(), "mlp:1.0.0".into()];
	files.register(&server, "mlp", &mlp(), no_delay());
	let options = ModelOptions { fallback: vec!["torn".into()], ..no_delay() };
	files.register(&server, "missing", b"nothing", options);
	files.register(&server, "torn", &mlp()[..1000], ModelOptions { fallback, ..no_delay() });
	assert_eq!(&*infer(&server, "torn", row(0.5)).unwrap().model, "mlp");
	// Fallbacks that point at each other end.
	assert!(matches!(infer(&server, "missing", row(0.5)), Err(ServeError::NotReady { .. })));
}

#[test]
fn what_was_taken_is_answered_when_the_server_stops() {
	let (server, files) = (server(), Files::new());
	files.register(&server, "mlp", &mlp(), gathering());
	block_on(server.load("mlp")).unwrap();
	let answer = server.infer(request("mlp", vec![row(0.0)]));
	server.drain();
	let refused = infer(&server, "mlp", row(0.0)).unwrap_err();
	assert_eq!((refused, server.ready()), (ServeError::Stopping, false));
	drop(server);
	block_on(answer).unwrap();
}

#[test]
fn hooks_are_called_before_and_after() {
	#[derive(Default)]
	struct Counting(AtomicUsize, AtomicUsize);
	impl Hook for Counting {
		fn before(&self, request: &mut InferRequest) -> Result<(), ServeError> {
			self.0.fetch_add(1, Ordering::SeqCst);
			match request.priority {
				Priority::Low => Err(ServeError::Failed("not for you".into())),
				Priority::Normal => Ok(()),
				Priority::High => panic!("told so"),
			}
		}

		fn after(&self, model: &str, _: &str, answer: &mut Result<Inference, ServeError>) {
			assert_eq!(model, "mlp");
			self.1.fetch_add(answer.is_ok().into(), Ordering::SeqCst);
		}
	}
	let (counting, files) = (Arc::new(Counting::default()), Files::new());
	let hooks: Vec<Arc<dyn Hook>> = vec![counting.clone()];
	let server = Server::start(Parts { backends: backends(), hooks, ..Parts::default() }).unwrap();
	files.register(&server, "mlp", &mlp(), no_delay());
	let ask = |priority| {
		let request = InferRequest { priority, ..request("mlp", vec![row(0.0)]) };
		block_on(server.infer(request))
	};
	assert!(ask(Priority::Normal).is_ok());
	assert_eq!(ask(Priority::Low).unwrap_err(), ServeError::Failed("not for you".into()));
	assert!(ask(Priority::High).is_err());
	assert_eq!((counting.0.load(Ordering::SeqCst), counting.1.load(Ordering::SeqCst)), (3, 1));
}

#[test]
fn the_metrics_tell_of_each_stage_and_forget_what_is_removed() {
	let (registry, files) = (Registry::new(), Files::new());
	let parts =
		Parts { backends: backends(), registry: Some(registry.clone()), ..Parts::default() };
	let server = Server::start(parts).unwrap();
	files.register(&server, "mlp", &mlp(), no_delay());
	for _ in 0..3 {
		infer(&server, "mlp", row(0.0)).unwrap();
	}
	infer(&server, "mlp", tensor("x", DataType::Fp32, &[1], &[0; 4])).unwrap_err();
	let read = || {
		let mut series = std::collections::BTreeMap::new();
		for family in registry.gather() {
			for metric in family.get_metric() {
				let labels: Vec<_> =
					metric.get_label().iter().map(|label| label.get_value().to_owned()).collect();
				let count = metric.get_histogram().get_sample_count();
				let value = metric.get_counter().get_value() + metric.get_gauge().get_value();
				let name = format!("{} {}", family.get_name(), labels.join(" "));
				series.insert(name, count + value as u64);
			}
		}
		series
	};
	let series = read();
	for (name, expected) in [
		("aimodel_serve_requests_total mlp success 1.0.0", 3),
		("aimodel_serve_requests_total mlp invalid 1.0.0", 1),
		("aimodel_serve_seconds mlp queue 1.0.0", 3),
		("aimodel_serve_seconds mlp infer 1.0.0", 3),
		("aimodel_serve_seconds mlp total 1.0.0", 3),
		("aimodel_serve_batch_rows mlp 1.0.0", 3),
		("aimodel_serve_suspended mlp 1.0.0", 0),
		("aimodel_serve_hangs_total mlp 1.0.0", 0),
		("aimodel_serve_waiting mlp 1.0.0", 0),
	] {
		let found = series.iter().find(|(series, _)| {
			let mut words: Vec<_> = name.split(' ').collect();
			series.split(' ').all(|word| {
				words.iter().position(|it| *it == word).map(|at| words.remove(at)).is_some()
			}) && words.is_empty()
		});
		assert_eq!(found.map(|(_, value)| *value), Some(expected), "{name}: {series:?}");
	}
	let loaded: u64 = series
		.iter()
		.filter(|(name, _)| name.starts_with("aimodel_serve_load_seconds"))
		.map(|(_, count)| count)
		.sum();
	assert_eq!(loaded, 1);
	let memory = series.iter().find(|(name, _)| name.starts_with("aimodel_serve_memory_bytes"));
	assert!(*memory.unwrap().1 >= mlp().len() as u64);

	server.remove("mlp");
	let start = Instant::now();
	while read().keys().any(|name| name.contains("mlp")) {
		assert!(start.elapsed() < Duration::from_secs(10), "{:?}", read());
		std::thread::yield_now();
	}
}

#[test]
fn jobs_of_the_chain_and_requests_share_what_is_in_memory() {
	let runtime = runtime();
	let mut backends = Backends::new();
	backends.add(Arc::new(runtime.clone()));
	let (registry, files) = (Registry::new(), Files::new());
	let parts = Parts { backends, registry: Some(registry.clone()), ..Parts::default() };
	let server = Server::start(parts).unwrap();
	let artifact = example("digits/digits.provable.onnx");
	let job = Engine::load(&runtime, &artifact, &digits()).unwrap();
	files.register(&server, "digits", &artifact, no_delay());
	block_on(server.load("digits")).unwrap();
	let families = registry.gather();
	let loads = families.iter().find(|it| it.get_name() == "aimodel_serve_load_seconds").unwrap();
	let kinds: Vec<_> = loads.get_metric()[0].get_label().iter().map(|it| it.get_value()).collect();
	assert!(kinds.contains(&"hot"), "{kinds:?}");
	let image = &example("digits/test_x.u8")[..64];
	let name = server.metadata("digits", None).unwrap().inputs[0].name.clone();
	let answer = infer(&server, "digits", tensor(&name, DataType::Uint8, &[1, 64], image)).unwrap();
	assert_eq!(answer.outputs[0].data, job.infer(image, 1).unwrap());
}

#[test]
fn an_execution_provider_that_is_not_there_gives_way_to_the_cpu() {
	let library = crate::library();
	let cuda = OnnxRuntime::load_with_provider(&library, 1, "cuda".parse().unwrap()).unwrap();
	assert_eq!(cuda.provider(), Provider::Cuda);
	let mut backends = Backends::new();
	backends.add(Arc::new(cuda.clone()));
	let (server, files) =
		(Server::start(Parts { backends, ..Parts::default() }).unwrap(), Files::new());
	files.register(&server, "mlp", &mlp(), no_delay());
	infer(&server, "mlp", row(0.0)).unwrap();
	// The library that the tests use is built for the CPU.
	assert_eq!(cuda.provider(), Provider::Cpu);
	let error = "tpu".parse::<Provider>().unwrap_err();
	assert!(error.contains("`tpu` is no execution provider; there are cpu, cuda"), "{error}");
}

#[test]
fn batches_and_threads_are_tuned_toward_a_latency_that_can_not_be_met() {
	let (server, files) = (server(), Files::new());
	let options = ModelOptions {
		target_latency_us: Some(1),
		instances: 2,
		max_batch: 8,
		..ModelOptions::default()
	};
	files.register(&server, "mlp", &mlp(), options);
	block_on(server.load("mlp")).unwrap();
	// Each window of 256 requests halves the batch: 8, 4, 2, 1.
	for _ in 0..80 {
		let ask = |n| server.infer(request("mlp", vec![row(n as f32)]));
		for answer in block_on(join_all((0..16).map(ask))) {
			answer.unwrap();
		}
	}
	let last =
		block_on(join_all((0..8).map(|n| server.infer(request("mlp", vec![row(n as f32)])))));
	assert!(last.into_iter().all(|answer| answer.unwrap().batch == 1));
}

#[test]
fn a_run_of_the_engine_that_takes_too_long_is_stopped() {
	// Two hundred products of large matrices, on the only session that there is.
	let shape = [Dim::Symbol, Dim::N(1024)];
	let value = |name| Value { name, element: 1, shape: &shape };
	let names: Vec<_> = (0..=200).map(|n| format!("x{n}")).collect();
	let product = |n: &[String]| node("MatMul", &[&n[0], "w"], &[&n[1]], &[]);
	let nodes: Vec<_> = names.windows(2).map(product).collect();
	let weights = floats("w", &[1024, 1024], std::iter::repeat(0.0));
	let long = graph(&nodes, &[value("x0")], &[value("x200")], &[weights]);
	let mut backends = Backends::new();
	backends.add(Arc::new(OnnxRuntime::load(&crate::library(), 1).unwrap()));
	let (server, files) =
		(Server::start(Parts { backends, ..Parts::default() }).unwrap(), Files::new());
	let options = ModelOptions { execution_timeout_ms: 200, suspend_ms: 1, ..no_delay() };
	files.register(&server, "long", &long, options);
	block_on(server.load("long")).unwrap();
	let rows = |n: u64| tensor("x0", DataType::Fp32, &[n, 1024], &vec![0; n as usize * 4096]);
	let error = infer(&server, "long", rows(3000)).unwrap_err().to_string();
	assert!(error.contains("did not answer within 200ms"), "{error}");
	let start = Instant::now();
	while infer(&server, "long", rows(1)).is_err() {
		assert!(start.elapsed() < Duration::from_secs(8), "the run goes on");
	}
}
