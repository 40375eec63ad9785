//! A running gateway in front of the real engine with real models, driven over sockets and by curl.

mod access;
mod answers;
mod events;
mod faults;
mod grpc;
mod openapi;
mod proofs;
mod refusals;
mod stream;
mod tls;
mod traces;

use aimodel_gateway::{Config, Gateway, Hooks};
use aimodel_inference::{
	backend::Backends,
	serving::{ModelEntry, ModelOptions, Parts, Server},
	OnnxRuntime,
};
use serde_json::{json, Value};
use std::{
	io::{Read, Write},
	net::{SocketAddr, TcpStream},
	path::{Path, PathBuf},
	sync::{Arc, OnceLock},
	time::Duration,
};
use substrate_prometheus_endpoint::{prometheus::TextEncoder, Registry};
use tokio::runtime::Runtime;

/// ONNX Runtime from `ONNXRUNTIME_LIB`, or from where `scripts/setup.sh` puts it; once a process.
fn backends() -> Backends {
	static BACKENDS: OnceLock<Backends> = OnceLock::new();
	let load = || {
		let path = std::env::var_os("ONNXRUNTIME_LIB")
			.map(PathBuf::from)
			.unwrap_or_else(|| repository().join(".onnxruntime/libonnxruntime.so.1.28.0"));
		assert!(path.is_file(), "{} is missing: run scripts/setup.sh", path.display());
		let mut backends = Backends::new();
		backends.add(Arc::new(OnnxRuntime::load(&path, 1).unwrap()));
		backends
	};
	BACKENDS.get_or_init(load).clone()
}

// Tests run in the folder of their package.
fn repository() -> &'static Path {
	Path::new("../..")
}

fn example(path: &str) -> Vec<u8> {
	std::fs::read(repository().join("examples").join(path)).unwrap()
}

/// The test images of the digits, a row of 64 bytes each, and their labels.
fn digits() -> (Vec<u8>, Vec<u8>) {
	(example("digits/test_x.u8"), example("digits/test_y.u8"))
}

/// The first images as the float model takes them.
fn images(rows: usize) -> Vec<f32> {
	digits().0[..rows * 64].iter().map(|pixel| f32::from(*pixel)).collect()
}

fn bytes(elements: &[f32]) -> Vec<u8> {
	elements.iter().flat_map(|element| element.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
	let (elements, rest) = bytes.as_chunks();
	assert!(rest.is_empty());
	elements.iter().map(|element| f32::from_le_bytes(*element)).collect()
}

/// The index of the largest score of each row of ten.
fn labels(scores: &[f32]) -> Vec<u8> {
	let best =
		|row: &[f32]| (1..10).fold(0, |best, at| if row[at] > row[best] { at } else { best });
	scores.chunks(10).map(|row| best(row) as u8).collect()
}

/// A gateway that serves `digits` (float, rows vary), `digits-provable` (integers, one row) and `iris`.
struct World {
	gateway: Option<Gateway>,
	server: Server,
	runtime: Runtime,
	http: SocketAddr,
	grpc: SocketAddr,
	registry: Registry,
}

/// By default everybody may do everything.
fn world() -> World {
	world_with(|_, _| ())
}

fn world_with(change: impl FnOnce(&mut Config, &mut Hooks)) -> World {
	let runtime =
		tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
	let registry = Registry::new();
	let server = Server::start(Parts {
		backends: backends(),
		registry: Some(registry.clone()),
		..Parts::default()
	});
	let server = server.unwrap();
	for (name, file) in [
		("digits", "digits/digits.onnx"),
		("digits-provable", "digits/digits.provable.onnx"),
		("iris", "iris/iris.onnx"),
	] {
		let path = repository().join("examples").join(file);
		let options = ModelOptions::default();
		let version = "1.0.0".parse().unwrap();
		server.register(ModelEntry::of_file(name, version, &path, options).unwrap()).unwrap();
		runtime.block_on(server.load(name)).unwrap();
	}
	let any = "127.0.0.1:0".parse().unwrap();
	let mut config = Config { grpc: Some(any), manage: true, ..Config::new(any) };
	let mut hooks = Hooks { registry: Some(registry.clone()), ..Hooks::default() };
	change(&mut config, &mut hooks);
	let gateway = Gateway::start(config, server.clone(), hooks, runtime.handle()).unwrap();
	let (http, grpc) = (gateway.http(), gateway.grpc().unwrap());
	World { gateway: Some(gateway), server, runtime, http, grpc, registry }
}

/// What came back.
#[derive(Debug)]
struct Reply {
	status: u16,
	headers: Vec<(String, String)>,
	body: Vec<u8>,
}

impl Reply {
	fn header(&self, name: &str) -> Option<&str> {
		let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
		found.map(|(_, value)| value.as_str())
	}

	#[track_caller]
	fn json(&self) -> Value {
		serde_json::from_slice(&self.body)
			.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
	}

	/// The error, which has this status and says this.
	#[track_caller]
	fn refuses(&self, status: u16, reason: &str) {
		let text = String::from_utf8_lossy(&self.body);
		assert_eq!(self.status, status, "{text}");
		let told = self.json();
		let error = told["error"].as_str().unwrap();
		assert!(error.contains(reason), "{error}");
	}

	/// JSON and the binary tensors after it.
	fn binary(&self) -> (Value, &[u8]) {
		assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
		let length = self.header("inference-header-content-length").unwrap().parse().unwrap();
		let (json, tensors) = self.body.split_at(length);
		(serde_json::from_slice(json).unwrap(), tensors)
	}
}

/// A connection, which is kept.
struct Client(TcpStream);

impl Client {
	fn send(&mut self, bytes: &[u8]) {
		self.0.write_all(bytes).unwrap();
	}

	fn request(
		&mut self,
		method: &str,
		path: &str,
		headers: &[(&str, &str)],
		body: &[u8],
	) -> Reply {
		let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n");
		for (name, value) in headers {
			head += &format!("{name}: {value}\r\n");
		}
		head += &format!("content-length: {}\r\n\r\n", body.len());
		self.send(&[head.as_bytes(), body].concat());
		self.reply().unwrap()
	}

	/// What comes before a body; `None` if the connection was closed before.
	fn head(&mut self) -> Option<String> {
		let mut bytes = Vec::new();
		while !bytes.ends_with(b"\r\n\r\n") {
			let mut byte = [0; 1];
			match self.0.read(&mut byte) {
				Ok(0) | Err(_) => return None,
				Ok(_) => bytes.push(byte[0]),
			}
		}
		Some(String::from_utf8(bytes).unwrap())
	}

	/// `None` if the connection was closed before.
	fn reply(&mut self) -> Option<Reply> {
		let head = self.head()?;
		let mut lines = head.split("\r\n");
		let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
		let headers: Vec<_> = lines
			.filter_map(|line| line.split_once(": "))
			.map(|(name, value)| (name.to_owned(), value.to_owned()))
			.collect();
		let mut reply = Reply { status, headers, body: Vec::new() };
		match reply.header("content-length").map(|length| length.parse().unwrap()) {
			Some(length) => {
				reply.body = vec![0; length];
				self.0.read_exact(&mut reply.body).unwrap();
			},
			None if status != 100 => drop(self.0.read_to_end(&mut reply.body)),
			None => (),
		}
		Some(reply)
	}

	/// Whether the other side closed it, within the timeout.
	fn is_closed(&mut self) -> bool {
		let mut rest = Vec::new();
		match self.0.read_to_end(&mut rest) {
			Ok(_) => true,
			Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
		}
	}
}

impl World {
	fn connect(&self) -> Client {
		let stream = TcpStream::connect(self.http).unwrap();
		stream.set_nodelay(true).unwrap();
		stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
		Client(stream)
	}

	fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
		self.connect().request(method, path, headers, body)
	}

	/// Until so many of the files that changed can not be used.
	fn wait_for_stale(&self, files: u64) {
		let told = || {
			let mut text = String::new();
			TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text).unwrap();
			text.contains(&format!("aimodel_gateway_stale_files {files}\n"))
		};
		within(told, &format!("never {files}"));
	}

	fn get(&self, path: &str) -> Reply {
		self.request("GET", path, &[], b"")
	}

	fn post(&self, path: &str, body: &Value) -> Reply {
		self.request("POST", path, &[], body.to_string().as_bytes())
	}

	fn infer(&self, model: &str, body: &Value) -> Reply {
		self.post(&format!("/v2/models/{model}/infer"), body)
	}

	/// JSON with binary tensors after it.
	fn infer_binary(&self, model: &str, json: &Value, tensors: &[u8]) -> Reply {
		let json = json.to_string();
		let path = format!("/v2/models/{model}/infer");
		let length = json.len().to_string();
		let headers = [("Inference-Header-Content-Length", length.as_str())];
		self.request("POST", &path, &headers, &[json.as_bytes(), tensors].concat())
	}

	/// That an ordinary request is answered, rightly.
	#[track_caller]
	fn works(&self) {
		let reply = self.infer("digits", &request(1));
		assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
		assert_eq!(labels(&scores(&reply.json())), &digits().1[..1]);
	}
}

/// Looks every 5 ms until something holds, which nothing tells of.
#[track_caller]
fn within(holds: impl Fn() -> bool, otherwise: &str) {
	let again = || {
		std::thread::sleep(Duration::from_millis(5));
		holds()
	};
	assert!((0..2_000).any(|_| again()), "{otherwise}");
}

/// A request for the float digits, in JSON.
fn request(rows: usize) -> Value {
	let data = images(rows);
	json!({ "inputs": [{ "name": "image", "datatype": "FP32", "shape": [rows, 64], "data": data }] })
}

/// The same with the tensor after it.
fn binary_request(rows: usize) -> (Value, Vec<u8>) {
	let data = bytes(&images(rows));
	let parameters = json!({ "binary_data_size": data.len() });
	let input = json!({ "name": "image", "datatype": "FP32", "shape": [rows, 64], "parameters": parameters });
	(json!({ "inputs": [input], "parameters": { "binary_data_output": true } }), data)
}

/// The scores of an answer in JSON.
fn scores(answer: &Value) -> Vec<f32> {
	let data = answer["outputs"][0]["data"].as_array().unwrap();
	data.iter().map(|score| score.as_f64().unwrap() as f32).collect()
}
