//! Serves a folder of ONNX models over HTTP and gRPC, without a chain.
//!
//! ```text
//! cargo run --release -p aimodel-gateway --example gateway -- examples/digits --http 127.0.0.1:8000 --grpc 127.0.0.1:8001
//! ```
//!
//! Each `NAME.onnx` is served as version 1.0.0 of the model `NAME`, dots in names as dashes. Callers may load and unload.
//! `ONNXRUNTIME_LIB` names ONNX Runtime, else it is looked for where `scripts/setup.sh` places it.

use aimodel_gateway::{Config, Gateway, Hooks, Receipts, Tokens};
use aimodel_inference::{
	backend::Backends,
	serving::{ModelEntry, ModelOptions, Parts, Server},
	OnnxRuntime,
};
use sp_core::{crypto::Pair, sr25519};
use std::{env, error::Error, fs, path::PathBuf, sync::Arc};
use substrate_prometheus_endpoint::Registry;

const USAGE: &str =
	"gateway FOLDER... [--http ADDRESS] [--grpc ADDRESS] [--tokens FILE] [--threads N] \
	[--max-batch N] [--max-delay-us N] [--instances N] [--receipts]";

fn main() -> Result<(), Box<dyn Error>> {
	let mut folders = Vec::new();
	let mut config = Config::new("127.0.0.1:8000".parse()?);
	let (mut tokens, mut threads) = (None, 2);
	let mut options = ModelOptions { preload: true, remember: false, ..ModelOptions::default() };
	let mut arguments = env::args().skip(1);
	while let Some(argument) = arguments.next() {
		let mut value = || arguments.next().ok_or(USAGE);
		match argument.as_str() {
			"--http" => config.http = value()?.parse()?,
			"--grpc" => config.grpc = Some(value()?.parse()?),
			"--tokens" => tokens = Some(PathBuf::from(value()?)),
			"--threads" => threads = value()?.parse()?,
			"--max-batch" => options.max_batch = value()?.parse()?,
			"--max-delay-us" => options.max_delay_us = value()?.parse()?,
			"--instances" => options.instances = value()?.parse()?,
			"--receipts" => config.receipts = Receipts::Always,
			other if other.starts_with('-') => return Err(USAGE.into()),
			folder => folders.push(PathBuf::from(folder)),
		}
	}
	if folders.is_empty() {
		return Err(USAGE.into());
	}
	config.manage = true;

	let library = env::var_os("ONNXRUNTIME_LIB")
		.map(PathBuf::from)
		.unwrap_or_else(|| ".onnxruntime/libonnxruntime.so.1.28.0".into());
	let mut backends = Backends::new();
	backends.add(Arc::new(OnnxRuntime::load(&library, 1)?));
	let registry = Registry::new();
	let server =
		Server::start(Parts { backends, registry: Some(registry.clone()), ..Parts::default() })?;
	for folder in &folders {
		for file in fs::read_dir(folder)? {
			let path = file?.path();
			if path.extension().is_none_or(|extension| extension != "onnx") {
				continue;
			}
			let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('.', "-");
			let version = "1.0.0".parse()?;
			server.register(ModelEntry::of_file(&name, version, &path, options.clone())?)?;
			println!("model {name}: {}", path.display());
		}
	}

	let runtime =
		tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
	let mut hooks = Hooks { registry: Some(registry), ..Hooks::default() };
	hooks.signer = Some(Arc::new(sr25519::Pair::from_string("//Worker", None)?));
	if let Some(tokens) = tokens {
		hooks.admission = Arc::new(Tokens::from_file(&tokens)?);
	}
	let gateway = Gateway::start(config, server, hooks, runtime.handle())?;
	println!("http {}", gateway.http());
	if let Some(grpc) = gateway.grpc() {
		println!("grpc {grpc}");
	}
	// Until somebody ends it.
	runtime.block_on(std::future::pending::<()>());
	Ok(())
}
