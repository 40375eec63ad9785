//! A remote server behind this one, over real connections.

use crate::{
	http::{self, answer},
	onnx::mlp,
	serving::{backends, request, tensor},
};
use aimodel_inference::{
	backend::{
		remote::{Remote, RemoteConfig},
		Backends,
	},
	serving::{ModelEntry, ModelOptions, Parts, ServeError, Server, VersionEntry},
	tensor::{DataType, Tensor},
	ArtifactHash,
};
use futures::{executor::block_on, future::join_all};
use semver::Version;
use std::{
	collections::BTreeMap,
	net::SocketAddr,
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};

/// Of the server, and of its model.
const METADATA: &[u8] = br#"{"name":"m","platform":"p","extensions":["binary_tensor_data"],
	"inputs":[{"name":"x","datatype":"FP32","shape":[-1,784]}],
	"outputs":[{"name":"y","datatype":"FP32","shape":[-1,10]}]}"#;

/// A server like this one, which runs the perceptron with the real engine, behind a minimal front.
fn upstream() -> SocketAddr {
	upstream_with("binary_tensor_data")
}

/// One with this extension of the protocol.
fn upstream_with(extension: &str) -> SocketAddr {
	let metadata = String::from_utf8_lossy(METADATA).replace("binary_tensor_data", extension);
	let binary = extension == "binary_tensor_data";
	let server = Server::start(Parts { backends: backends(), ..Parts::default() }).unwrap();
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("mlp");
	std::fs::write(&path, mlp()).unwrap();
	let options = ModelOptions::default();
	server
		.register(ModelEntry::of_file("mlp", Version::new(1, 0, 0), &path, options).unwrap())
		.unwrap();
	block_on(server.load("mlp")).unwrap();
	http::serve(move |asked, stream| {
		if !asked.path.ends_with("/infer") {
			return answer(stream, "200 OK", "", metadata.as_bytes());
		}
		let length = asked.header("inference-header-content-length");
		assert_eq!(length.is_some(), binary);
		let length = length.map_or(asked.body.len(), |length| length.parse().unwrap());
		let header: serde_json::Value = serde_json::from_slice(&asked.body[..length]).unwrap();
		let given = &header["inputs"][0];
		let shape: Vec<u64> = serde_json::from_value(given["shape"].clone()).unwrap();
		let data = match binary {
			true => asked.body[length..].to_vec(),
			false => serde_json::from_value::<Vec<f32>>(given["data"].clone())
				.unwrap()
				.into_iter()
				.flat_map(f32::to_le_bytes)
				.collect(),
		};
		let input = tensor("x", DataType::Fp32, &shape, &data);
		let output = &block_on(server.infer(request("mlp", vec![input]))).unwrap().outputs[0];
		if !binary {
			let elements = output.data.as_chunks().0.iter().copied().map(f32::from_le_bytes);
			let json = serde_json::json!({ "outputs": [{
				"name": "y", "datatype": "FP32", "shape": output.shape,
				"data": elements.collect::<Vec<_>>(),
			}]});
			return answer(stream, "200 OK", "", json.to_string().as_bytes());
		}
		let json = serde_json::json!({ "outputs": [{
			"name": "y", "datatype": "FP32", "shape": output.shape,
			"parameters": { "binary_data_size": output.data.len() },
		}]})
		.to_string();
		let length = format!("inference-header-content-length: {}\r\n", json.len());
		answer(stream, "200 OK", &length, &[json.as_bytes(), &output.data].concat());
	})
}

fn remote(config: RemoteConfig) -> Server {
	let mut backends: Backends = backends();
	backends.add(Arc::new(Remote::new(config).unwrap()));
	Server::start(Parts { backends, ..Parts::default() }).unwrap()
}

fn register(server: &Server, name: &str, address: SocketAddr, options: ModelOptions) {
	let version = VersionEntry {
		version: Version::new(1, 0, 0),
		uri: format!("http://{address}/v2/models/m"),
		hash: ArtifactHash::repeat_byte(7),
		bytes: 0,
	};
	let entry = ModelEntry {
		name: name.into(),
		versions: vec![version],
		aliases: BTreeMap::new(),
		default: None,
		options: ModelOptions { backends: vec!["remote".into()], ..options },
	};
	server.register(entry).unwrap();
}

fn row(value: f32) -> Tensor {
	tensor("x", DataType::Fp32, &[1, 784], &value.to_le_bytes().repeat(784))
}

fn local(server: &Server, name: &str) {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("mlp");
	std::fs::write(&path, mlp()).unwrap();
	let options = ModelOptions::default();
	server
		.register(ModelEntry::of_file(name, Version::new(1, 0, 0), &path, options).unwrap())
		.unwrap();
	block_on(server.load(name)).unwrap();
}

#[test]
fn a_remote_server_answers_like_the_local_engine() {
	answers_like_the_local_engine("binary_tensor_data");
}

#[test]
fn a_remote_server_without_binary_tensors_is_asked_in_json() {
	answers_like_the_local_engine("model_repository");
}

fn answers_like_the_local_engine(extension: &str) {
	let server = remote(RemoteConfig::default());
	local(&server, "here");
	let gathering = ModelOptions { max_delay_us: 200_000, max_batch: 4, ..ModelOptions::default() };
	register(&server, "there", upstream_with(extension), gathering);
	block_on(server.load("there")).unwrap();
	assert_eq!(server.metadata("there", None).unwrap().platform, "open_inference_protocol");
	let ask = |model: &str, n: u8| server.infer(request(model, vec![row(n.into())]));
	let there = block_on(join_all((0..4).map(|n| ask("there", n))));
	let here = block_on(join_all((0..4).map(|n| ask("here", n))));
	for (there, here) in there.into_iter().zip(here) {
		let (there, here) = (there.unwrap(), here.unwrap());
		assert_eq!(there.batch, 4);
		let near = |at: usize| {
			let [a, b] = [&there, &here].map(|it| {
				f32::from_le_bytes(it.outputs[0].data[4 * at..][..4].try_into().unwrap())
			});
			(a - b).abs() <= 1e-3 * (1.0 + a.abs())
		};
		assert!((0..10).all(near));
	}
}

#[test]
fn a_request_that_the_server_had_no_time_for_is_repeated() {
	let (asked, upstream) = (Arc::new(AtomicUsize::new(0)), upstream());
	let count = asked.clone();
	let flaky = http::serve(move |it, stream| {
		if it.path.ends_with("/infer") && count.fetch_add(1, Ordering::SeqCst) < 2 {
			return answer(stream, "503 Service Unavailable", "", br#"{"error":"not now"}"#);
		}
		// Elsewhere.
		let mut other = std::net::TcpStream::connect(upstream).unwrap();
		use std::io::{Read, Write};
		let method = if it.body.is_empty() { "GET" } else { "POST" };
		let length = it.header("inference-header-content-length").unwrap_or("0");
		let head = format!(
			"{method} {} HTTP/1.1\r\ncontent-length: {}\r\ninference-header-content-length: {length}\r\n\r\n",
			it.path,
			it.body.len(),
		);
		other.write_all(head.as_bytes()).and_then(|()| other.write_all(&it.body)).unwrap();
		let mut answer = Vec::new();
		other.read_to_end(&mut answer).unwrap();
		let _ = stream.write_all(&answer);
	});
	let backoff = Duration::from_millis(1);
	let server = remote(RemoteConfig { backoff, ..RemoteConfig::default() });
	register(&server, "m", flaky, ModelOptions::default());
	block_on(server.infer(request("m", vec![row(1.0)]))).unwrap();
	assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[test]
fn a_server_that_hangs_is_given_up_suspended_and_replaced_by_the_fallback() {
	let asked = Arc::new(AtomicUsize::new(0));
	let count = asked.clone();
	let hanging = http::serve(move |it, stream| {
		if it.path.ends_with("/infer") {
			count.fetch_add(1, Ordering::SeqCst);
			loop {
				std::thread::park();
			}
		}
		answer(stream, "200 OK", "", METADATA);
	});
	let server = remote(RemoteConfig::default());
	local(&server, "here");
	let options = ModelOptions {
		// Who is not there is left out.
		fallback: vec!["nobody".into(), "here".into()],
		execution_timeout_ms: 100,
		suspend_ms: 60_000,
		..ModelOptions::default()
	};
	register(&server, "hangs", hanging, options.clone());
	register(&server, "alone", hanging, ModelOptions { fallback: Vec::new(), ..options });
	block_on(server.load("hangs")).unwrap();

	let ask = |model: &str| block_on(server.infer(request(model, vec![row(1.0)])));
	let start = Instant::now();
	assert_eq!(&*ask("hangs").unwrap().model, "here");
	assert!(start.elapsed() >= Duration::from_millis(100));
	// From now on the fallback answers at once, and nobody asks the server that hangs.
	for _ in 0..10 {
		assert_eq!(&*ask("hangs").unwrap().model, "here");
	}
	assert!(asked.load(Ordering::SeqCst) <= 1);
	assert_eq!(&*ask("here").unwrap().model, "here");

	// Without a fallback, the deadline of the caller fires, or that of the run.
	let mut hurried = request("alone", vec![row(1.0)]);
	block_on(server.load("alone")).unwrap();
	hurried.deadline = Some(Instant::now() + Duration::from_millis(20));
	assert!(matches!(block_on(server.infer(hurried)), Err(ServeError::DeadlineExceeded { .. })));
	let error = ask("alone").unwrap_err();
	assert!(
		matches!(&error, ServeError::Failed(text) if text.contains("did not answer within"))
			|| matches!(error, ServeError::Suspended { failures: 1, .. }),
		"{error}"
	);
	assert!(matches!(ask("alone"), Err(ServeError::Suspended { failures: 1, .. })));
}

#[test]
fn failures_suspend_and_the_model_is_tried_again() {
	let well = Arc::new(AtomicUsize::new(0));
	let is_well = well.clone();
	let failing = http::serve(move |it, stream| {
		if !it.path.ends_with("/infer") {
			return answer(stream, "200 OK", "", METADATA);
		}
		if is_well.load(Ordering::SeqCst) == 0 {
			return answer(stream, "500 Internal Server Error", "", br#"{"error":"told so"}"#);
		}
		let data = ["0"; 10].join(",");
		let json = format!(
			r#"{{"outputs":[{{"name":"y","datatype":"FP32","shape":[1,10],"data":[{data}]}}]}}"#
		);
		answer(stream, "200 OK", "", json.as_bytes());
	});
	let server = remote(RemoteConfig::default());
	let options = ModelOptions { failures: 2, suspend_ms: 100, ..ModelOptions::default() };
	register(&server, "m", failing, options);
	let ask = || block_on(server.infer(request("m", vec![row(1.0)])));
	for _ in 0..2 {
		let error = ask().unwrap_err().to_string();
		assert!(error.contains("500 Internal Server Error: told so"), "{error}");
	}
	assert!(matches!(ask(), Err(ServeError::Suspended { failures: 2, .. })));
	well.store(1, Ordering::SeqCst);
	let start = Instant::now();
	while ask().is_err() {
		assert!(start.elapsed() < Duration::from_secs(10));
		std::thread::sleep(Duration::from_millis(10));
	}
	assert!(ask().is_ok());
}
