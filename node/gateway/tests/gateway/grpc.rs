//! gRPC, by curl: messages are written by hand, so that names and numbers are the protocol's and not ours.

use crate::{bytes, digits, floats, images, labels, world, world_with, World};
use aimodel_gateway::Tokens;
use std::{
	io::Write,
	process::{Command, Stdio},
	sync::Arc,
};

/// A field of bytes.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
	[&[number << 3 | 2][..], &varint(content.len() as u64), content].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
	let mut bytes = Vec::new();
	while value >= 128 {
		bytes.push(value as u8 | 128);
		value >>= 7;
	}
	bytes.push(value as u8);
	bytes
}

/// The fields of bytes of that number.
pub(crate) fn fields(mut message: &[u8], number: u8) -> Vec<Vec<u8>> {
	let mut found = Vec::new();
	let take = |message: &mut &[u8]| {
		let (mut value, mut shift) = (0_u64, 0);
		loop {
			let byte = message[0];
			*message = &message[1..];
			value |= u64::from(byte & 127) << shift;
			shift += 7;
			if byte < 128 {
				return value;
			}
		}
	};
	while !message.is_empty() {
		let tag = take(&mut message);
		match tag & 7 {
			0 => drop(take(&mut message)),
			2 => {
				let length = take(&mut message) as usize;
				let (content, rest) = message.split_at(length);
				if tag >> 3 == u64::from(number) {
					found.push(content.to_vec());
				}
				message = rest;
			},
			other => panic!("wire type {other}"),
		}
	}
	found
}

/// What came back: `grpc-status`, `grpc-message` and the message.
pub(crate) struct Reply {
	pub(crate) status: u32,
	reason: String,
	message: Vec<u8>,
}

pub(crate) fn call(world: &World, name: &str, message: &[u8], headers: &[&str]) -> Reply {
	let length = u32::try_from(message.len()).unwrap().to_be_bytes();
	let framed = [&[0][..], &length, message].concat();
	let folder = tempfile::tempdir().unwrap();
	let (head, body) = (folder.path().join("head"), folder.path().join("body"));
	let url = format!("http://{}/inference.GRPCInferenceService/{name}", world.grpc);
	let mut curl = Command::new("curl");
	curl.args([
		"-sS",
		"-m",
		"20",
		"--http2-prior-knowledge",
		"-H",
		"content-type: application/grpc",
	])
	.args(["-H", "te: trailers", "--data-binary", "@-"])
	.args(headers.iter().flat_map(|header| ["-H", header]))
	.arg("-D")
	.arg(&head)
	.arg("-o")
	.arg(&body)
	.arg(url)
	.stdin(Stdio::piped());
	let mut curl = curl.spawn().unwrap();
	curl.stdin.take().unwrap().write_all(&framed).unwrap();
	// A stream that is answered before all was sent is an error to curl, whose answer it has nevertheless.
	curl.wait().unwrap();
	let head = std::fs::read_to_string(head).unwrap();
	let header = |name: &str| {
		head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
	};
	let body = std::fs::read(body).unwrap_or_default();
	Reply {
		// Of an answer with a message it is in the trailers, which curl does not tell.
		status: header("grpc-status:").parse().unwrap_or(if body.is_empty() { 99 } else { 0 }),
		reason: header("grpc-message:").replace("%20", " ").replace("%60", "`"),
		message: body.get(5..).unwrap_or_default().to_vec(),
	}
}

/// A request for the digits, with what follows the name, type and shape of its input.
pub(crate) fn infer(rows: u8, rest_of_input: &[u8], rest: &[u8]) -> Vec<u8> {
	let input =
		[field(1, b"image"), field(2, b"FP32"), field(3, &[rows, 64]), rest_of_input.to_vec()];
	[field(1, b"digits"), field(3, b"42"), field(5, &input.concat()), rest.to_vec()].concat()
}

#[test]
fn a_client_that_takes_nothing_of_a_stream_is_given_up() {
	use http_body_util::{BodyExt, Full};
	use hyper_util::rt::{TokioExecutor, TokioIo};
	let world = crate::world_with(|config, _| {
		config.limits.write_timeout = std::time::Duration::from_millis(300);
		config.limits.requests = 1;
	});
	let message = infer(100, &[], &field(7, &crate::bytes(&crate::images(100))));
	let length = u32::try_from(message.len()).unwrap().to_be_bytes();
	let framed = bytes::Bytes::from([&[0][..], &length, &message].concat());
	let cut_off = world.runtime.block_on(async {
		let stream = tokio::net::TcpStream::connect(world.grpc).await.unwrap();
		let (mut client, connection) =
			hyper::client::conn::http2::Builder::new(TokioExecutor::new())
				.initial_stream_window_size(100)
				.handshake(TokioIo::new(stream))
				.await
				.unwrap();
		let connection = tokio::spawn(connection);
		let request = http::Request::post("http://x/inference.GRPCInferenceService/ModelInfer")
			.header("content-type", "application/grpc")
			.header("te", "trailers")
			.body(Full::new(framed))
			.unwrap();
		let mut body = client.send_request(request).await.unwrap().into_body();
		// The connection is alive, and answers its pings; the window of the stream is never opened.
		let _ = connection.await.unwrap();
		let mut taken = 0;
		loop {
			match body.frame().await {
				Some(Ok(frame)) => taken += frame.data_ref().map_or(0, |data| data.len()),
				Some(Err(_)) => break taken,
				None => panic!("all came"),
			}
		}
	});
	assert!(cut_off < 4000, "{cut_off} bytes of the scores came");
	world.works();
}

#[test]
fn the_server_is_live_and_ready() {
	let world = world();
	assert_eq!(call(&world, "ServerLive", &[], &[]).message, [8, 1]);
	assert_eq!(call(&world, "ServerReady", &[], &[]).message, [8, 1]);
	assert_eq!(call(&world, "ModelReady", &field(1, b"digits"), &[]).message, [8, 1]);
	let told = call(&world, "ServerMetadata", &[], &[]).message;
	assert_eq!(fields(&told, 1), [b"aimodel"]);
}

#[test]
fn raw_and_typed_contents_give_the_same() {
	let world = world();
	let data = bytes(&images(2));
	let raw = call(&world, "ModelInfer", &infer(2, &[], &field(7, &data)), &[]);
	assert_eq!(raw.status, 0, "{}", raw.reason);
	assert_eq!(fields(&raw.message, 1), [b"digits"]);
	assert_eq!(fields(&raw.message, 2), [b"1.0.0"]);
	assert_eq!(fields(&raw.message, 3), [b"42"]);
	let scores = floats(&fields(&raw.message, 6)[0]);
	assert_eq!(labels(&scores), &digits().1[..2]);
	let typed = infer(2, &field(5, &field(6, &data)), &[]);
	let typed = call(&world, "ModelInfer", &typed, &[]);
	assert_eq!(typed.status, 0, "{}", typed.reason);
	assert_eq!(floats(&fields(&typed.message, 6)[0]), scores);
}

#[test]
fn errors_have_their_codes() {
	let world = world();
	let refused = |name: &str, message: &[u8], status: u32, reason: &str| {
		let reply = call(&world, name, message, &[]);
		assert_eq!(reply.status, status, "{}", reply.reason);
		assert!(reply.reason.contains(reason), "{}", reply.reason);
	};
	let data = bytes(&images(1));
	refused("ModelReady", &field(1, b"nobody"), 5, "nobody");
	refused("ModelInfer", &infer(1, &[], &field(7, &data[1..])), 3, "255");
	refused("ModelInfer", &infer(1, &[], &[]), 3, "neither contents nor raw contents");
	let both = infer(1, &field(5, &field(6, &data)), &field(7, &data));
	refused("ModelInfer", &both, 3, "one is meant");
	let twice = [field(7, &data), field(7, &data)].concat();
	refused("ModelInfer", &infer(1, &[], &twice), 3, "2 raw_input_contents");
	refused("ModelInfer", &[0xff; 9], 13, "");
	refused("TraceSetting", &[], 12, "ModelStreamInfer");
	crate::World::works(&world);
}

#[test]
fn limits_hold() {
	let world = world_with(|config, _| config.limits.body = 1 << 16);
	let long = infer(1, &[], &field(7, &vec![0; 1 << 17]));
	let reply = call(&world, "ModelInfer", &long, &[]);
	assert_eq!(reply.status, 8, "{}", reply.reason);
	world.works();
}

#[test]
fn who_has_no_token_is_turned_away() {
	let hash = hex::encode(sp_crypto_hashing::sha2_256(b"secret"));
	let tokens = Arc::new(Tokens::parse(&format!("alice {hash}")).unwrap());
	let world = world_with(|_, hooks| hooks.admission = tokens);
	let message = infer(1, &[], &field(7, &bytes(&images(1))));
	assert_eq!(call(&world, "ModelInfer", &message, &[]).status, 16);
	let with = ["authorization: Bearer secret"];
	assert_eq!(call(&world, "ModelInfer", &message, &with).status, 0);
	assert_eq!(call(&world, "RepositoryModelUnload", &field(2, b"iris"), &with).status, 7);
	assert_eq!(call(&world, "ServerLive", &[], &[]).status, 0);
}
