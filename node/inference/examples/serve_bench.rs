//! What the server of models does without a network: requests a second and latencies by the number
//! of callers, against the library called directly, and what batching gains.
//!
//! `ONNXRUNTIME_LIB=… cargo run --release -p aimodel-inference --example serve_bench -- [SECONDS]`
//!
//! `… -- --write FOLDER` only writes the two models: `mlp.onnx`, of 784-128-10, and `cnn.onnx`.

#[path = "../tests/real/onnx.rs"]
mod onnx;

use aimodel_inference::{
	backend::{Backend, Backends, LoadRequest},
	blobs,
	serving::{InferRequest, ModelEntry, ModelOptions, Parts, Priority, Server},
	tensor::{DataType, Tensor},
	OnnxRuntime,
};
use futures::executor::block_on;
use semver::Version;
use std::{
	path::PathBuf,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};

fn input(shape: &[u64]) -> Tensor {
	let elements = shape.iter().product::<u64>() as usize;
	let data: Vec<u8> = onnx::noise().take(elements).flat_map(f32::to_le_bytes).collect();
	Tensor { name: "x".into(), data_type: DataType::Fp32, shape: shape.to_vec(), data: data.into() }
}

struct Row {
	per_second: f64,
	latencies: Vec<Duration>,
}

impl Row {
	fn print(&self, what: &str) {
		let at = |percent: usize| {
			let at = (self.latencies.len() * percent / 100).min(self.latencies.len() - 1);
			self.latencies[at].as_secs_f64() * 1e6
		};
		println!(
			"{what:<44} {:>9.0} /s  p50 {:>7.1} µs  p95 {:>7.1} µs  p99 {:>7.1} µs",
			self.per_second,
			at(50),
			at(95),
			at(99)
		);
	}
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
	let took = start.elapsed().as_secs_f64();
	let mut latencies: Vec<_> = all.into_iter().flatten().collect();
	latencies.sort_unstable();
	Row { per_second: latencies.len() as f64 / took, latencies }
}

fn direct(model: &dyn aimodel_inference::backend::Model, input: &[Tensor], time: Duration) -> Row {
	let (start, mut latencies) = (Instant::now(), Vec::new());
	while start.elapsed() < time {
		let begin = Instant::now();
		model.infer(input).expect("an answer");
		latencies.push(begin.elapsed());
	}
	let took = start.elapsed().as_secs_f64();
	latencies.sort_unstable();
	Row { per_second: latencies.len() as f64 / took, latencies }
}

fn main() {
	if std::env::args().nth(1).as_deref() == Some("--write") {
		let folder = PathBuf::from(std::env::args().nth(2).expect("a folder"));
		for (name, file) in [("mlp.onnx", onnx::mlp()), ("cnn.onnx", onnx::cnn())] {
			std::fs::write(folder.join(name), file).expect("a file");
		}
		return;
	}
	let seconds = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(3.0);
	let time = Duration::from_secs_f64(seconds);
	let library = std::env::var_os("ONNXRUNTIME_LIB").map(PathBuf::from).expect("ONNXRUNTIME_LIB");
	let runtime = OnnxRuntime::load(&library, 4).expect("ONNX Runtime");
	let mut backends = Backends::new();
	backends.add(Arc::new(runtime.clone()));
	let server = Server::start(Parts { backends, ..Parts::default() }).expect("a server");
	let folder = tempfile::tempdir().expect("a folder");
	let register = |name: &str, file: &[u8], options: ModelOptions| {
		let path = folder.path().join(name);
		std::fs::write(&path, file).expect("a file");
		let entry = ModelEntry::of_file(name, Version::new(1, 0, 0), &path, options);
		server.register(entry.expect("an entry")).expect("registered");
		let start = Instant::now();
		block_on(server.load(name)).expect("loaded");
		println!("{name:<44} loaded in {:?}", start.elapsed());
	};
	let batched = ModelOptions::default();
	let single = ModelOptions { max_batch: 1, ..ModelOptions::default() };
	register("mlp", &onnx::mlp(), batched.clone());
	register("mlp-single", &onnx::mlp(), single.clone());
	register("cnn", &onnx::cnn(), batched);
	register("cnn-single", &onnx::cnn(), single);

	for (name, file, shape) in
		[("mlp", onnx::mlp(), vec![784]), ("cnn", onnx::cnn(), vec![1, 16, 16])]
	{
		let model = runtime
			.load(&LoadRequest {
				model: name,
				version: "1.0.0",
				uri: "",
				hash: blobs::hash(&file),
				file: &file,
			})
			.expect("loaded");
		let rows = |n: u64| input(&[&[n][..], &shape].concat());
		for n in [1, 32] {
			direct(model.as_ref(), &[rows(n)], time).print(&format!("{name}, library, batch {n}"));
			let row = callers(&server, name, &rows(n), 1, time);
			row.print(&format!("{name}, server, batch {n}, 1 caller"));
		}
		for n in [32, 64] {
			let with = callers(&server, name, &rows(1), n, time);
			with.print(&format!("{name}, server, {n} callers"));
			let without = callers(&server, &format!("{name}-single"), &rows(1), n, time);
			without.print(&format!("{name}, server, {n} callers, no batches"));
			println!("{:<44} {:.2}×", "  gain of batches", with.per_second / without.per_second);
		}
	}
}
