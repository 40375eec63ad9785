//! The checks.

use super::Finding;
use crate::{
	traces::{self, Endpoint},
	worker,
};
use aimodel_inference::{BlobError, BlobStore, OnnxRuntime};
use aimodel_primitives::operator::KEY_TYPE;
use serde_json::{json, Value};
use sp_io::hashing::twox_128;
use std::{
	fs, io,
	net::TcpListener,
	path::{Path, PathBuf},
	time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Bytes below which a disk is called nearly full: a few models, their keys, and a day of blocks.
const ENOUGH_DISK: u64 = 2 << 30;

/// How far the clock may be from the chain's.
const TOLERANCE: Duration = Duration::from_secs(60);

/// How long a node has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a node keeps its data.
pub(super) struct Place {
	/// The folder of the chain.
	pub(super) data: PathBuf,
	/// Whether the chain is for development.
	pub(super) development: bool,
}

/// What a running node told.
pub(super) struct Running {
	name: String,
	peers: u64,
	syncing: bool,
	/// The best block, and the moment that it says, in milliseconds.
	best: u64,
	moment: Option<u64>,
	/// Whether it is a worker.
	works: bool,
	/// Its operator keys, and the bonded accounts behind them.
	operators: Vec<(String, Option<String>)>,
}

/// ONNX Runtime can be loaded.
pub(super) fn library(given: Option<&Path>) -> Finding {
	let mend = "run scripts/setup.sh, which places the library, or name it with --onnxruntime";
	let path = match worker::library(given) {
		Ok(path) => path,
		Err(error) => return Finding::failed("library", error.to_string(), mend),
	};
	match OnnxRuntime::load(&path, 1) {
		Ok(engine) => {
			Finding::ok("library", format!("{}: {}", path.display(), engine.build_info()))
		},
		Err(error) => Finding::failed("library", error.to_string(), mend),
	}
}

/// There is an operator key, and, if a node runs, a bonded account has registered it.
pub(super) fn keys(place: &Place, node: &Result<Running, String>) -> Finding {
	const INSERT: &str =
		"`aimodel-node key insert --scheme sr25519 --key-type aimw`, then restart the node";
	if let Ok(Running { operators, works, .. }) = node {
		if !works {
			let found = "the node that answers is no worker";
			return Finding::warning("keys", found, "start it with --worker");
		}
		let serving: Vec<_> = operators
			.iter()
			.filter_map(|(key, worker)| Some(format!("{key} signs for {}", worker.as_ref()?)))
			.collect();
		return match (operators.is_empty(), serving.is_empty()) {
			(true, _) => Finding::failed("keys", "the node has no operator key", INSERT),
			(false, true) => Finding::failed(
				"keys",
				"no bonded account has registered the node's operator key",
				"call `workers.register` or `workers.setOperator` with the bonded account",
			),
			(false, false) => Finding::ok("keys", serving.join(", ")),
		};
	}
	if place.development {
		return Finding::ok("keys", "a development node makes its own: //Worker");
	}
	let folder = place.data.join("keystore");
	// Files of the keystore are named by the type of the key and the key, in hexadecimal.
	let prefix = hex::encode(KEY_TYPE.0);
	let held = fs::read_dir(&folder)
		.into_iter()
		.flatten()
		.flatten()
		.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
		.count();
	match held {
		0 => Finding::failed("keys", format!("no operator key in {}", folder.display()), INSERT),
		held => Finding::ok("keys", format!("{held} in {}", folder.display())),
	}
}

/// Files can be written, and there is room.
pub(super) fn disk(place: &Place) -> Finding {
	// The first folder above that exists: the node makes the rest.
	let folder = place.data.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
	let shown = folder.display();
	let mend = "make room, or give a folder of another disk with --base-path";
	if let Err(error) = writable(folder) {
		let mend = "let the node's user write there, or give another folder with --base-path";
		return Finding::failed("disk", format!("{shown}: {error}"), mend);
	}
	match rustix::fs::statvfs(folder) {
		Err(error) => Finding::failed("disk", format!("{shown}: {error}"), mend),
		Ok(disk) => {
			let free = disk.f_bavail.saturating_mul(disk.f_frsize);
			let found = format!("{} MB free at {shown}", free >> 20);
			match free < ENOUGH_DISK {
				true => Finding::failed("disk", found, mend),
				false => Finding::ok("disk", found),
			}
		},
	}
}

fn writable(folder: &Path) -> io::Result<()> {
	let probe = folder.join(format!(".doctor-{}", std::process::id()));
	fs::write(&probe, b"")?;
	fs::remove_file(&probe)
}

/// Every blob has its hash.
pub(super) fn blobs(
	place: &Place,
	open: impl FnOnce(&Path) -> Result<BlobStore, sc_cli::Error>,
) -> Finding {
	if !place.data.join("blobs").is_dir() {
		return Finding::ok("blobs", "none yet");
	}
	let mend = "put the files again: `aimodel-node blob put FILE`, or `blob_begin` over RPC";
	let store = match open(&place.data) {
		Ok(store) => store,
		Err(error) => return Finding::failed("blobs", error.to_string(), mend),
	};
	let held = match store.list() {
		Ok(held) => held,
		Err(error) => return Finding::failed("blobs", error.to_string(), mend),
	};
	let bytes: u64 = held.iter().map(|(_, size)| size).sum();
	let wrong: Vec<String> = held
		.iter()
		.filter_map(|(hash, _)| match store.get(hash) {
			// Somebody else may have taken it away meanwhile.
			Ok(_) | Err(BlobError::NotFound(_)) => None,
			Err(error) => Some(error.to_string()),
		})
		.collect();
	if !wrong.is_empty() {
		return Finding::failed("blobs", wrong.join("; "), mend);
	}
	let found = format!("{} with {} MB, all as their hashes say", held.len(), bytes >> 20);
	match store.damaged() {
		Err(error) => Finding::failed("blobs", error.to_string(), mend),
		Ok(gone) if gone.is_empty() => Finding::ok("blobs", found),
		Ok(gone) => {
			let gone: Vec<_> = gone.iter().map(|hash| format!("{hash:?}")).collect();
			let found = format!("{found}; damaged, and not here any more: {}", gone.join(", "));
			Finding::warning("blobs", found, mend)
		},
	}
}

/// A node answers, is in step, and has peers.
pub(super) fn chain(url: &str, node: &Result<Running, String>) -> Finding {
	let node = match node {
		Ok(node) => node,
		Err(error) => {
			return Finding::warning(
				"chain",
				format!("no node answers at {url}: {error}"),
				"start one with `aimodel-node --worker`, or name another with --url",
			)
		},
	};
	let found = format!("{} at block {}, {} peers", node.name, node.best, node.peers);
	match node.syncing {
		true => {
			Finding::warning("chain", format!("{found}, still syncing"), "wait until it is in step")
		},
		false => Finding::ok("chain", found),
	}
}

/// The clock agrees with the chain's.
pub(super) fn clock(place: &Place, node: &Result<Running, String>) -> Finding {
	let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	if place.development {
		return Finding::ok("clock", "not compared: sealed blocks run ahead of it");
	}
	let Some(moment) = node.as_ref().ok().and_then(|node| node.moment) else {
		return Finding::warning(
			"clock",
			"no node answers that it could be compared with",
			"start one, and run this again",
		);
	};
	let chain = Duration::from_millis(moment);
	let (ahead, apart) = match now >= chain {
		true => ("ahead of", now.saturating_sub(chain)),
		false => ("behind", chain.saturating_sub(now)),
	};
	let found = format!("{} s {ahead} the best block", apart.as_secs());
	match apart > TOLERANCE {
		true => Finding::failed(
			"clock",
			found,
			"synchronise the clock (NTP); if it is right, the chain stands still, or this node is not in step",
		),
		false => Finding::ok("clock", found),
	}
}

/// A port is free, or a node listens there.
pub(super) fn port(port: u16, node: &Result<Running, String>) -> Finding {
	match (TcpListener::bind(("127.0.0.1", port)), node) {
		(Ok(_), _) => Finding::ok("port", format!("{port} is free")),
		(Err(error), Ok(_)) if error.kind() == io::ErrorKind::AddrInUse => {
			Finding::ok("port", format!("{port} is taken; a node runs here"))
		},
		(Err(error), _) => Finding::failed(
			"port",
			format!("{port}: {error}"),
			"end what listens there, or choose another with --rpc-port, --port or --prometheus-port",
		),
	}
}

/// The collector of traces answers. A node serves without it.
pub(super) fn traces(endpoint: &Endpoint) -> Finding {
	match traces::probe(endpoint, PATIENCE) {
		Ok(()) => Finding::ok("traces", format!("{endpoint} takes them")),
		Err(error) => Finding::warning(
			"traces",
			format!("{endpoint}: {error}"),
			"start a collector that takes OTLP over gRPC there, or name another with --otlp-endpoint",
		),
	}
}

/// Asks a node; the inner error says why none answered.
pub(super) fn ask(url: &str) -> io::Result<Result<Running, String>> {
	let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
	Ok(runtime.block_on(running(url)))
}

async fn running(url: &str) -> Result<Running, String> {
	// The same port answers both.
	let url = &url.replacen("ws", "http", usize::from(url.starts_with("ws")));
	let client =
		reqwest::Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
	let call = async |method: &str, params: Value| -> Result<Value, String> {
		let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
		let request =
			client.post(url).header("content-type", "application/json").body(body.to_string());
		let answer = request.send().await.map_err(|error| causes(&error))?;
		let bytes = answer.bytes().await.map_err(|error| causes(&error))?;
		let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
		match answer.get("error") {
			None => Ok(answer["result"].clone()),
			Some(error) => Err(format!("{method}: {error}")),
		}
	};
	let name = call("system_name", json!([])).await?;
	let health = call("system_health", json!([])).await?;
	let header = call("chain_getHeader", json!([])).await?;
	let number = header["number"].as_str().unwrap_or_default().trim_start_matches("0x");
	let moment = call("state_getStorage", json!([now_key()])).await?;
	let status = call("worker_status", json!([])).await?;
	let operators = status["operators"].as_array().into_iter().flatten().map(|it| {
		let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
		(text(&it["operator"]).unwrap_or_default(), text(&it["worker"]))
	});
	Ok(Running {
		name: name.as_str().unwrap_or_default().to_owned(),
		peers: health["peers"].as_u64().unwrap_or_default(),
		syncing: health["isSyncing"].as_bool().unwrap_or_default(),
		best: u64::from_str_radix(number, 16).unwrap_or_default(),
		moment: moment.as_str().and_then(|text| {
			let bytes = hex::decode(text.trim_start_matches("0x")).ok()?;
			Some(u64::from_le_bytes(bytes.try_into().ok()?))
		}),
		works: !status["service"].is_null(),
		operators: operators.collect(),
	})
}

/// The key of `Timestamp::Now` in storage.
fn now_key() -> String {
	let [pallet, item] = [b"Timestamp".as_slice(), b"Now"].map(twox_128);
	format!("0x{}{}", hex::encode(pallet), hex::encode(item))
}

/// An error with what it comes from, which alone tells what happened.
fn causes(error: &dyn std::error::Error) -> String {
	let first = error.to_string();
	std::iter::successors(error.source(), |error| error.source())
		.fold(first, |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
	use super::{super::State, *};

	fn place(data: &Path) -> Place {
		Place { data: data.into(), development: false }
	}

	fn nobody() -> Result<Running, String> {
		Err("connection refused".into())
	}

	fn node(moment: u64, operators: Vec<(String, Option<String>)>) -> Result<Running, String> {
		Ok(Running {
			name: "aimodel-node".into(),
			peers: 3,
			syncing: false,
			best: 7,
			moment: Some(moment),
			works: true,
			operators,
		})
	}

	#[test]
	fn a_file_that_is_no_library_is_named() {
		let file = tempfile::NamedTempFile::new().unwrap();
		let found = library(Some(file.path()));
		assert_eq!(found.state, State::Failed);
		assert!(found.found.contains(&file.path().display().to_string()), "{}", found.found);
	}

	#[test]
	fn keys_of_other_types_are_no_operator_keys() {
		let folder = tempfile::tempdir().unwrap();
		let keystore = folder.path().join("keystore");
		fs::create_dir(&keystore).unwrap();
		fs::write(keystore.join(format!("{}00", hex::encode("aura"))), "").unwrap();
		assert_eq!(keys(&place(folder.path()), &nobody()).state, State::Failed);
		fs::write(keystore.join(format!("{}00", hex::encode("aimw"))), "").unwrap();
		assert_eq!(keys(&place(folder.path()), &nobody()).state, State::Ok);
	}

	#[test]
	fn a_key_that_nobody_registered_signs_for_nobody() {
		let folder = tempfile::tempdir().unwrap();
		let of = |worker: Option<&str>| {
			let operators = vec![("5Key".into(), worker.map(Into::into))];
			keys(&place(folder.path()), &node(0, operators))
		};
		assert_eq!(of(None).state, State::Failed);
		assert!(of(None).mend.unwrap().contains("workers.register"));
		assert_eq!(of(Some("5Worker")).found, "5Key signs for 5Worker");
	}

	#[test]
	fn a_blob_that_was_changed_is_found() {
		let folder = tempfile::tempdir().unwrap();
		let store = BlobStore::open(folder.path().join("blobs"), 1 << 20).unwrap();
		let hash = store.put(b"a model").unwrap();
		let look = || blobs(&place(folder.path()), crate::blobs::open);
		assert_eq!(look().state, State::Ok);
		fs::write(store.root().join(hex::encode(hash)), b"another").unwrap();
		let found = look();
		assert_eq!(found.state, State::Failed);
		assert!(found.found.contains(&format!("{hash:?}")), "{}", found.found);
		// It is told until it is there again.
		assert_eq!(look().state, State::Warning);
		assert!(look().found.contains(&format!("not here any more: {hash:?}")));
		store.put(b"a model").unwrap();
		assert_eq!(look().state, State::Ok);
	}

	#[test]
	fn a_node_that_is_no_worker_is_told() {
		let folder = tempfile::tempdir().unwrap();
		let operators = vec![("5Key".into(), Some("5Worker".into()))];
		let idle = node(0, operators).map(|node| Running { works: false, ..node });
		let found = keys(&place(folder.path()), &idle);
		assert_eq!(
			(found.state, found.mend.unwrap()),
			(State::Warning, "start it with --worker".into())
		);
	}

	#[test]
	fn a_port_that_something_else_has_fails_and_one_of_the_node_does_not() {
		let listener = TcpListener::bind("127.0.0.1:0").unwrap();
		let taken = listener.local_addr().unwrap().port();
		assert_eq!(port(taken, &nobody()).state, State::Failed);
		assert_eq!(port(taken, &node(0, Vec::new())).state, State::Ok);
		drop(listener);
		assert_eq!(port(taken, &nobody()).state, State::Ok);
	}

	#[test]
	fn a_clock_far_from_the_chain_fails() {
		let folder = tempfile::tempdir().unwrap();
		let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
		let at = |moment| clock(&place(folder.path()), &node(moment, Vec::new())).state;
		assert_eq!(at(now - 6_000), State::Ok);
		assert_eq!(at(now - 600_000), State::Failed);
		assert_eq!(at(now + 600_000), State::Failed);
		assert_eq!(clock(&place(folder.path()), &nobody()).state, State::Warning);
	}

	#[test]
	fn nobody_at_the_address_is_a_warning_that_names_it() {
		let asked = ask("http://127.0.0.1:1").unwrap();
		let found = chain("http://127.0.0.1:1", &asked);
		assert_eq!(found.state, State::Warning);
		assert!(found.found.contains("127.0.0.1:1"), "{}", found.found);
	}
}
