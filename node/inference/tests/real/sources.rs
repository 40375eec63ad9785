//! Model files from elsewhere, over real connections.

use crate::{
	http::{self, answer, Asked},
	onnx::mlp,
	serving::backends,
};
use aimodel_inference::{
	blobs,
	serving::{
		Http, Ipfs, ModelEntry, ModelOptions, Parts, ServeError, Server, Source, VersionEntry, S3,
	},
	BlobStore,
};
use futures::executor::block_on;
use semver::Version;
use std::{
	collections::BTreeMap,
	net::SocketAddr,
	sync::{Arc, Mutex},
};
use tempfile::TempDir;

struct World {
	server: Server,
	blobs: Arc<BlobStore>,
	_folder: TempDir,
}

fn world(sources: Vec<Arc<dyn Source>>) -> World {
	let folder = tempfile::tempdir().unwrap();
	let blobs = Arc::new(BlobStore::open(folder.path(), 1 << 30).unwrap());
	let parts =
		Parts { backends: backends(), blobs: Some(blobs.clone()), sources, ..Parts::default() };
	World { server: Server::start(parts).unwrap(), blobs, _folder: folder }
}

impl World {
	/// Loads the perceptron from a URI.
	fn load(&self, uri: &str) -> Result<(), ServeError> {
		self.load_as(uri, &mlp())
	}

	/// Loads what is said to be `bytes` from a URI.
	fn load_as(&self, uri: &str, bytes: &[u8]) -> Result<(), ServeError> {
		let version = VersionEntry {
			version: Version::new(1, 0, 0),
			uri: uri.into(),
			hash: blobs::hash(bytes),
			bytes: bytes.len() as u64,
		};
		let entry = ModelEntry {
			name: "m".into(),
			versions: vec![version],
			aliases: BTreeMap::new(),
			default: None,
			options: ModelOptions::default(),
		};
		self.server.register(entry).unwrap();
		block_on(self.server.load("m"))
	}

	fn refusal(&self, uri: &str) -> String {
		self.load(uri).unwrap_err().to_string()
	}
}

/// A server of one file that breaks off after `piece` bytes. Tells which ranges were asked for.
fn breaking(file: Vec<u8>, piece: usize) -> (SocketAddr, Arc<Mutex<Vec<Option<String>>>>) {
	let asked = Arc::<Mutex<Vec<Option<String>>>>::default();
	let ranges = asked.clone();
	let address = http::serve(move |asked: &Asked, stream| {
		let range = asked.header("range").map(str::to_owned);
		ranges.lock().unwrap().push(range.clone());
		let length = file.len();
		let from: usize = range.as_deref().map_or(0, |range| {
			range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap()
		});
		let to = length.min(from + piece);
		let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
		let head = format!(
			"HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{length}\r\n\
			 last-modified: Sat, 21 Nov 2026 00:00:00 GMT\r\netag: \"x\"\r\nconnection: close\r\n\r\n",
			length - from,
			length - 1,
		);
		use std::io::Write;
		let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&file[from..to]));
	});
	(address, asked)
}

#[test]
fn a_broken_download_goes_on_where_it_was() {
	let (file, world) = (mlp(), world(vec![Arc::new(Http)]));
	let piece = file.len() / 3 + 1;
	let (address, asked) = breaking(file.clone(), piece);
	world.load(&format!("http://{address}/mlp.onnx")).unwrap();
	assert_eq!(world.blobs.get(&blobs::hash(&file)).unwrap(), file);
	let asked = asked.lock().unwrap();
	assert_eq!(asked.len(), 3);
	assert_eq!(asked[0], None);
	// Where exactly it broke is up to the network.
	assert!(asked[1..].iter().all(|range| range.as_ref().unwrap().starts_with("bytes=")));
}

#[test]
fn what_is_in_the_blob_store_is_not_fetched_again() {
	let world = world(Vec::new());
	world.blobs.put(&mlp()).unwrap();
	world.load("blob://mlp").unwrap();
	assert!(world.server.is_ready("m", None).unwrap());
}

#[test]
fn an_object_store_is_read_with_its_options() {
	let (address, _) = breaking(mlp(), usize::MAX / 2);
	let endpoint = format!("http://{address}");
	let options = [("endpoint", endpoint.as_str()), ("allow_http", "true"), ("region", "x")];
	let world = world(vec![Arc::new(S3::new(options).unwrap())]);
	world.load("s3://bucket/models/mlp.onnx").unwrap();
}

#[test]
fn options_of_an_object_store_that_no_request_can_be_made_of_are_refused() {
	let keys = [("access_key_id", "AKIA"), ("secret_access_key", "key")];
	for (options, expected) in [
		(vec![("end", "")], "`end` is no option"),
		(vec![("AWS_ENDPOINT", "localhost:9000")], "wanted is https://HOST[:PORT]"),
		(vec![("endpoint", "http://localhost")], "`allow_http` is not set"),
		(vec![("allow_http", "perhaps")], "perhaps"),
		(vec![("region", "eu west")], "is no region"),
		(vec![keys[0], keys[1], ("session_token", "a\nb")], "characters that no request can have"),
		(vec![keys[0]], "SecretAccessKey"),
		(vec![keys[1]], "AccessKeyId"),
	] {
		let refused = S3::new(options).unwrap_err();
		assert!(refused.contains(expected), "{refused}");
	}
	let world = world(vec![Arc::new(S3::new([("session_token", " \n")]).unwrap())]);
	let refused = world.refusal("s3://a`b/m");
	assert!(refused.contains("`a`b` is no bucket"), "{refused}");
}

#[test]
fn what_an_object_store_repeats_of_a_request_is_not_told() {
	let address = http::serve(|_, stream| {
		let body = b"<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code>\
			<Message>AKIA differs</Message><CanonicalRequest>token</CanonicalRequest></Error>";
		answer(stream, "403 Forbidden", "", body);
	});
	let endpoint = format!("http://{address}");
	let options = [
		("access_key_id", "AKIA"),
		("secret_access_key", "key"),
		("session_token", "token\n"),
		("endpoint", endpoint.as_str()),
		("allow_http", "true"),
	];
	let world = world(vec![Arc::new(S3::new(options).unwrap())]);
	let refused = world.refusal("s3://bucket/m");
	assert!(refused.contains("403 Forbidden: SignatureDoesNotMatch: … differs"), "{refused}");
	assert!(!refused.contains("token"), "{refused}");
	assert_eq!(refused.matches("Forbidden").count(), 1, "{refused}");
}

#[test]
fn ipfs_is_read_by_the_gateway_that_answers() {
	let file = mlp();
	let good = http::serve(move |asked, stream| match asked.path.as_str() {
		"/ipfs/bafy/mlp.onnx" => answer(stream, "200 OK", "", &file),
		_ => answer(stream, "404 Not Found", "", b""),
	});
	let bad = http::serve(|_, stream| answer(stream, "502 Bad Gateway", "", b""));
	let gateways = [bad, good].map(|address| format!("http://{address}").parse().unwrap());
	let world = world(vec![Arc::new(Ipfs::new(gateways.into()))]);
	world.load("ipfs://bafy/mlp.onnx").unwrap();
}

#[test]
fn what_has_another_hash_or_length_is_thrown_away() {
	let mut wrong = mlp();
	*wrong.last_mut().unwrap() ^= 1;
	let long = [mlp(), vec![0]].concat();
	for (file, expected) in [(wrong, "has the hash 0x"), (long, "bytes; the entry says")] {
		let (address, _) = breaking(file, usize::MAX / 2);
		let world = world(vec![Arc::new(Http)]);
		let refused = world.refusal(&format!("http://{address}/m"));
		assert!(refused.contains(expected), "{refused}");
		assert_eq!(world.blobs.list().unwrap(), []);
	}
	// One that does not say how long it is, and does not end.
	let address = http::serve(|_, stream| {
		use std::io::Write;
		let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
		while stream.write_all(&[0; 4096]).is_ok() {}
	});
	let refused = world(vec![Arc::new(Http)]).refusal(&format!("http://{address}/m"));
	assert!(refused.contains("bytes; the entry says"), "{refused}");
}

#[test]
fn what_can_not_be_had_is_said() {
	let missing = http::serve(|_, stream| answer(stream, "404 Not Found", "", b""));
	let all: Vec<Arc<dyn Source>> = vec![Arc::new(Http)];
	for (uri, expected) in [
		(format!("http://{missing}/m"), "answered 404 Not Found"),
		("http://127.0.0.1:1/m".into(), "onnection refused"),
		("ftp://host/m".into(), "nothing gives `ftp://`; there are http, https, file, blob"),
		("blob://m".into(), "holds no blob"),
		("no uri".into(), "is no URI"),
		("file:///nowhere/m".into(), "No such file"),
	] {
		let refused = world(all.clone()).refusal(&uri);
		assert!(refused.contains(expected), "{refused}");
	}
	let huge = world(all);
	let entry_of_2_gib = VersionEntry {
		version: Version::new(1, 0, 0),
		uri: format!("http://{missing}/m"),
		hash: blobs::hash(b""),
		bytes: 3 << 29,
	};
	let entry = ModelEntry {
		name: "m".into(),
		versions: vec![entry_of_2_gib],
		aliases: BTreeMap::new(),
		default: None,
		options: ModelOptions::default(),
	};
	huge.server.register(entry).unwrap();
	let error = block_on(huge.server.load("m")).unwrap_err().to_string();
	assert!(error.contains("1073741824 bytes at most"), "{error}");
}
