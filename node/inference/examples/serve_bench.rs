//! What the server of models does without a network: requests a second and latencies by the number
//! of callers, against the library called directly, and what batching gains. Medians of rounds, in
//! which what is compared takes turns.
//!
//! `ONNXRUNTIME_LIB=… cargo run --release -p aimodel-inference --example serve_bench -- [SECONDS]`
//!
//! `… -- --write FOLDER` only writes the models: `mlp.onnx` of 784-128-10, `lenet.onnx`, `convnet.onnx`.
//!
//! `… -- --direct FILE` only runs one by the library, 32 rows at a time, and prints an object.

#[path = "../tests/real/onnx.rs"]
mod onnx;

use aimodel_inference::{
	backend::{Backend, Backends, LoadRequest, Model},
	blobs,
	serving::{InferRequest, ModelEntry, ModelOptions, Parts, Priority, Server},
	tensor::{DataType, Tensor},
	OnnxRuntime,
};
use futures::executor::block_on;
use semver::Version;
use std::{
	path::{Path, PathBuf},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};

/// Rounds of which the median is taken.
const ROUNDS: usize = 7;

/// Rows of the larger requests.
const ROWS: u64 = 32;

/// The small convolutional network of the examples.
const DIGITS_CNN: &[u8] = include_bytes!("../../../examples/digits-cnn/digits-cnn.onnx");

/// So many rows of what a model takes.
fn rows(model: &dyn Model, rows: u64) -> Tensor {
	let declared = &model.signature().inputs[0];
	let shape: Vec<_> = declared.shape.iter().map(|n| u64::try_from(*n).unwrap_or(rows)).collect();
	let elements = shape.iter().product::<u64>() as usize;
	let data: Vec<u8> = onnx::noise().take(elements).flat_map(f32::to_le_bytes).collect();
	Tensor { name: declared.name.clone(), data_type: DataType::Fp32, shape, data: data.into() }
}

#[derive(Clone, Copy)]
struct Row {
	per_second: f64,
	/// Microseconds that 50, 95 and 99 of 100 took at most.
	percentiles: [f64; 3],
}

impl Row {
	fn of(mut latencies: Vec<Duration>, took: Duration) -> Self {
		latencies.sort_unstable();
		let percentiles = [50, 95, 99].map(|percent| {
			let at = (latencies.len() * percent / 100).min(latencies.len() - 1);
			latencies[at].as_secs_f64() * 1e6
		});
		Self { per_second: latencies.len() as f64 / took.as_secs_f64(), percentiles }
	}

	fn print(&self, what: &str) {
		let (per_second, [p50, p95, p99]) = (self.per_second, self.percentiles);
		println!(
			"{what:<44} {per_second:>9.0} /s  p50 {p50:>7.1} µs  p95 {p95:>7.1} µs  p99 {p99:>7.1} µs"
		);
	}
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
	let mut all: Vec<_> = of.collect();
	all.sort_unstable_by(f64::total_cmp);
	all[all.len() / 2]
}

/// Lets two take turns, prints the median of each, and the median of how much more the first does in
/// a second.
fn compare([first, second]: [(&str, &dyn Fn() -> Row); 2]) -> f64 {
	let rounds: Vec<_> = (0..ROUNDS).map(|_| [(first.1)(), (second.1)()]).collect();
	for (at, what) in [first.0, second.0].into_iter().enumerate() {
		let percentile = |p: usize| median(rounds.iter().map(|round| round[at].percentiles[p]));
		Row {
			per_second: median(rounds.iter().map(|round| round[at].per_second)),
			percentiles: [0, 1, 2].map(percentile),
		}
		.print(what);
	}
	median(rounds.iter().map(|[first, second]| first.per_second / second.per_second))
}

/// Callers that ask again as soon as they are answered, all on one thread, as a server of HTTP has
/// them.
fn callers(server: &Server, model: &str, input: &Tensor, callers: usize, time: Duration) -> Row {
	let stop = AtomicBool::new(false);
	let start = Instant::now();
	let caller = || async {
		let mut latencies = Vec::new();
		while !stop.load(Ordering::Relaxed) {
			let begin = Instant::now();
			let request = InferRequest {
				model: model.into(),
				version: None,
				inputs: vec![input.clone()],
				outputs: Vec::new(),
				priority: Priority::Normal,
				deadline: None,
			};
			server.infer(request).await.expect("an answer");
			latencies.push(begin.elapsed());
			if start.elapsed() >= time {
				stop.store(true, Ordering::Relaxed);
			}
		}
		latencies
	};
	let all = block_on(futures::future::join_all((0..callers).map(|_| caller())));
	Row::of(all.into_iter().flatten().collect(), start.elapsed())
}

fn direct(model: &dyn Model, input: &Tensor, time: Duration) -> Row {
	let (start, mut latencies) = (Instant::now(), Vec::new());
	while start.elapsed() < time {
		let begin = Instant::now();
		model.infer(std::slice::from_ref(input)).expect("an answer");
		latencies.push(begin.elapsed());
	}
	Row::of(latencies, start.elapsed())
}

fn load(runtime: &OnnxRuntime, file: &[u8]) -> Arc<dyn Model> {
	let (hash, uri, file) = (blobs::hash(file), "", &file.to_vec().into());
	let request = LoadRequest { model: "bench", version: "1.0.0", uri, hash, file };
	runtime.load(&request).expect("loaded")
}

fn write(folder: &Path) {
	for (name, file) in [
		("mlp.onnx", onnx::mlp()),
		("lenet.onnx", onnx::lenet()),
		("convnet.onnx", onnx::convnet()),
	] {
		std::fs::write(folder.join(name), file).expect("a file");
	}
}

fn main() {
	let arguments: Vec<_> = std::env::args().skip(1).collect();
	let path = || PathBuf::from(arguments.get(1).expect("a path"));
	if arguments.first().is_some_and(|it| it == "--write") {
		return write(&path());
	}
	let library = std::env::var_os("ONNXRUNTIME_LIB").map(PathBuf::from).expect("ONNXRUNTIME_LIB");
	let runtime = OnnxRuntime::load(&library, 4).expect("ONNX Runtime");
	if arguments.first().is_some_and(|it| it == "--direct") {
		let model = load(&runtime, &std::fs::read(path()).expect("a file"));
		let row = direct(&*model, &rows(&*model, ROWS), Duration::from_secs(3));
		let [p50, ..] = row.percentiles.map(|microseconds| microseconds / 1e3);
		println!(r#"{{"rps":{:.0},"p50_ms":{p50:.4}}}"#, row.per_second);
		return;
	}
	let seconds = arguments.first().and_then(|it| it.parse().ok()).unwrap_or(1.0);
	let time = Duration::from_secs_f64(seconds);
	let mut backends = Backends::new();
	backends.add(Arc::new(runtime.clone()));
	let server = Server::start(Parts { backends, ..Parts::default() }).expect("a server");
	let folder = tempfile::tempdir().expect("a folder");
	let batched = ModelOptions::default();
	let single = ModelOptions { max_batch: 1, ..ModelOptions::default() };
	let models = [("mlp", onnx::mlp()), ("digits-cnn", DIGITS_CNN.to_vec()), ("cnn", onnx::cnn())];
	for (name, file) in models {
		for (name, options) in [(name.to_owned(), &batched), (format!("{name}-single"), &single)] {
			let path = folder.path().join(&name);
			std::fs::write(&path, &file).expect("a file");
			let entry = ModelEntry::of_file(&*name, Version::new(1, 0, 0), &path, options.clone());
			server.register(entry.expect("an entry")).expect("registered");
			block_on(server.load(&name)).expect("loaded");
		}
		let model = load(&runtime, &file);
		for n in [1, ROWS] {
			let input = rows(&*model, n);
			let more = compare([
				(&format!("{name}, library, {n} rows"), &|| direct(&*model, &input, time)),
				(&format!("{name}, server, {n} rows, 1 caller"), &|| {
					callers(&server, name, &input, 1, time)
				}),
			]);
			println!("{:<44} {:.0} %", "  the server takes more", (more - 1.0) * 100.0);
		}
		let (input, alone) = (rows(&*model, 1), format!("{name}-single"));
		for n in [32, 64] {
			let gain = compare([
				(&format!("{name}, server, {n} callers"), &|| {
					callers(&server, name, &input, n, time)
				}),
				(&format!("{name}, server, {n} callers, no batches"), &|| {
					callers(&server, &alone, &input, n, time)
				}),
			]);
			println!("{:<44} {gain:.2}×", "  gain of batches");
		}
	}
}
