//! Clients that are slow, gone, or none: nothing is held up, and the next request works.

use crate::{binary_request, request, within, world, world_with, Client, World};
use std::{
	io::{Read, Write},
	thread,
	time::{Duration, Instant},
};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A gateway with little patience.
fn impatient() -> World {
	world_with(|config, _| {
		config.limits.header_timeout = MS(300);
		config.limits.body_timeout = MS(300);
		config.limits.write_timeout = MS(300);
	})
}

/// Sends a byte every so often until the other side has enough; how long that took.
fn drip(client: &mut Client, bytes: &[u8]) -> Duration {
	let start = Instant::now();
	for byte in bytes {
		if client.0.write_all(&[*byte]).is_err() || start.elapsed() > MS(5000) {
			break;
		}
		thread::sleep(MS(50));
	}
	start.elapsed()
}

#[test]
fn garbage_is_refused() {
	let world = world();
	for garbage in [
		&b"\x00\xff\x16\x03\x01garbage\r\n\r\n"[..],
		b"GET\r\n\r\n",
		b"GET / HTTP/9.9\r\n\r\n",
		b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
		b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
	] {
		let mut client = world.connect();
		client.send(garbage);
		let status = client.reply().map(|reply| reply.status);
		assert!(matches!(status, None | Some(400)), "{status:?}");
		assert!(client.is_closed());
	}
	world.works();
}

#[test]
fn garbage_in_a_body_is_refused() {
	let world = world();
	for garbage in [&b"\xff\xfe"[..], b"null", b"[[[[[[[[", &b"[".repeat(100_000)] {
		world.request("POST", "/v2/models/digits/infer", &[], garbage).refuses(400, "inference");
	}
	let mut deep = request(1);
	deep["inputs"][0]["data"] = serde_json::Value::Null;
	let deep =
		deep.to_string().replace("null", &format!("{}1{}", "[".repeat(9000), "]".repeat(9000)));
	let reply = world.request("POST", "/v2/models/digits/infer", &[], deep.as_bytes());
	assert_eq!(reply.status, 400);
	world.works();
}

#[test]
fn a_gigabyte_is_refused_before_it_is_sent() {
	let world = world();
	let mut client = world.connect();
	client.send(
		b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\n",
	);
	client.reply().unwrap().refuses(413, "1073741824 bytes; 67108864 bytes are the most");
	world.works();
}

#[test]
fn a_gigabyte_that_is_not_announced_is_cut_off() {
	let world = world_with(|config, _| config.limits.body = 1 << 20);
	let mut client = world.connect();
	client.send(
		b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
	);
	let chunk = [b"10000\r\n".as_slice(), &vec![b'1'; 1 << 16], b"\r\n"].concat();
	let sent = (0..1 << 14).take_while(|_| client.0.write_all(&chunk).is_ok()).count();
	assert!(sent < 1 << 10, "{sent} chunks of 64 KB were taken");
	world.works();
}

#[test]
fn all_bodies_together_are_bounded() {
	let world = world_with(|config, _| config.limits.buffered = 1 << 20);
	let mut client = world.connect();
	client.send(
		b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 4194304\r\n\r\n",
	);
	// It is refused before all is sent.
	let sent = (0..64).take_while(|_| client.0.write_all(&[b' '; 1 << 16]).is_ok()).count();
	match client.reply() {
		Some(reply) => reply.refuses(503, "memory"),
		None => assert!(sent < 64),
	}
	world.works();
}

#[test]
fn a_byte_now_and_then_holds_nothing_up() {
	let world = impatient();
	let slow: Vec<_> = (0..8)
		.map(|_| {
			let mut client = world.connect();
			thread::spawn(move || {
				client.send(b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
				let took = drip(&mut client, &[b' '; 200]);
				(client.reply(), took)
			})
		})
		.collect();
	world.works();
	for slow in slow {
		let (reply, took) = slow.join().unwrap();
		// The answer may be lost to a reset, as bytes were still being sent.
		if let Some(reply) = reply {
			reply.refuses(408, "too slowly");
		}
		assert!(took < MS(3000), "{took:?}");
	}
	world.works();
}

#[test]
fn a_body_that_stops_is_told() {
	let world = impatient();
	let mut client = world.connect();
	client
		.send(b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
	client.reply().unwrap().refuses(408, "1 bytes in");
	world.works();
}

#[test]
fn headers_that_come_slowly_are_cut_off() {
	let world = impatient();
	let mut client = world.connect();
	let took = drip(
		&mut client,
		&b"GET /v2 HTTP/1.1\r\nx: ".iter().copied().chain([b'x'; 200]).collect::<Vec<_>>(),
	);
	assert!(took < MS(3000), "{took:?}");
	let mut silent = world.connect();
	assert!(silent.is_closed());
	world.works();
}

#[test]
fn headers_that_are_huge_are_refused() {
	let world = world();
	let mut client = world.connect();
	let huge = format!("GET /v2 HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
	// The other side may close before all is sent.
	let _ = client.0.write_all(huge.as_bytes());
	assert!(client.reply().is_none_or(|reply| reply.status == 431));
	let mut client = world.connect();
	let many: String = (0..1000).map(|at| format!("h{at}: x\r\n")).collect();
	let _ = client.0.write_all(format!("GET /v2 HTTP/1.1\r\n{many}\r\n").as_bytes());
	assert!(client.reply().is_none_or(|reply| reply.status == 431));
	world.works();
}

#[test]
fn a_client_that_goes_midway_is_forgotten() {
	let world = world();
	let whole = request(450).to_string();
	for sent in [0, 1, whole.len() / 2, whole.len()] {
		let mut client = world.connect();
		let length = whole.len();
		client.send(
			format!("POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")
				.as_bytes(),
		);
		client.send(&whole.as_bytes()[..sent]);
		drop(client);
	}
	world.works();
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
	let world = impatient();
	let mut client = world.connect();
	let get = b"GET /v2/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
	// Answers of some 40 KB, none of which is read: at some time no more requests are taken either.
	client.0.set_write_timeout(Some(MS(5000))).unwrap();
	let start = Instant::now();
	while client.0.write_all(get).is_ok() && start.elapsed() < MS(10_000) {}
	assert!(start.elapsed() < MS(10_000));
	world.works();
}

/// A connection whose system keeps little of what comes.
fn connect_narrow(world: &World) -> Client {
	let connect = async {
		let socket = tokio::net::TcpSocket::new_v4().unwrap();
		socket.set_recv_buffer_size(4096).unwrap();
		socket.connect(world.http).await.unwrap().into_std().unwrap()
	};
	let stream = world.runtime.block_on(connect);
	stream.set_nonblocking(false).unwrap();
	stream.set_read_timeout(Some(MS(20_000))).unwrap();
	Client(stream)
}

/// Asks for an answer that is longer than what the system keeps between the two sides, and reads its head.
fn asks_for_much(world: &World, client: &mut Client) -> usize {
	let rows = 40_000;
	let (_, tensor) = binary_request(400);
	let tensor = tensor.repeat(rows / 400);
	let parameters = serde_json::json!({ "binary_data_size": tensor.len() });
	let input = serde_json::json!({ "name": "image", "datatype": "FP32", "shape": [rows, 64], "parameters": parameters });
	let json = serde_json::json!({ "inputs": [input] }).to_string();
	let (head, length) = (json.len(), json.len() + tensor.len());
	client.send(
		format!("POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\ninference-header-content-length: {head}\r\n\r\n")
			.as_bytes(),
	);
	client.send(json.as_bytes());
	client.send(&tensor);
	let head = client.head().unwrap();
	assert!(head.starts_with("HTTP/1.1 200"), "{head}");
	let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
	assert_eq!(world.server.statistics(Some("digits"), None).unwrap()[0].success.count, 1);
	length.parse().unwrap()
}

/// Asks until there is a place: that of an answer is given back a little after its last byte has come.
#[track_caller]
pub(crate) fn works_again(world: &World) {
	let answered = || world.infer("digits", &request(1)).status == 200;
	within(answered, "the place was not given back");
}

#[test]
fn an_answer_has_its_place_until_it_is_written() {
	let world = world_with(|config, _| {
		config.limits.requests = 1;
		config.limits.body_timeout = MS(60_000);
	});
	let mut client = connect_narrow(&world);
	asks_for_much(&world, &mut client);
	world
		.infer("digits", &request(1))
		.refuses(503, "as many requests are being answered as may be");
	drop(client);
	works_again(&world);
}

#[test]
fn a_client_that_takes_a_byte_now_and_then_is_given_up() {
	let world = world_with(|config, _| {
		config.limits.requests = 1;
		config.limits.write_timeout = MS(300);
		config.limits.body_timeout = MS(60_000);
		config.limits.body_rate = 1 << 30;
	});
	let mut client = connect_narrow(&world);
	let length = asks_for_much(&world, &mut client);
	let (mut taken, mut few) = (0, [0; 1000]);
	// Never nothing for as long as a client may take nothing.
	while let Ok(count @ 1..) = client.0.read(&mut few) {
		taken += count;
		assert!(taken < length, "the whole answer came");
		thread::sleep(MS(5));
	}
	works_again(&world);
}

#[test]
fn an_address_has_its_share_of_the_places() {
	let world = world_with(|config, _| config.limits.requests_per_address = 1);
	let whole = request(1).to_string();
	let mut first = world.connect();
	let length = whole.len();
	first.send(
		format!("POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n")
			.as_bytes(),
	);
	// It has its place when its body is asked for.
	assert_eq!(first.reply().unwrap().status, 100);
	world.infer("digits", &request(1)).refuses(503, "as many requests of this address");
	first.send(whole.as_bytes());
	assert_eq!(first.reply().unwrap().status, 200);
	works_again(&world);
}

#[test]
fn what_is_being_answered_at_the_end_is_finished() {
	let mut world = world();
	let whole = request(1).to_string();
	let mut client = world.connect();
	let length = whole.len();
	client.send(
		format!("POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n")
			.as_bytes(),
	);
	assert_eq!(client.reply().unwrap().status, 100);
	let mut idle = world.connect();
	assert_eq!(idle.request("GET", "/v2/health/ready", &[], b"").status, 200);

	let gateway = world.gateway.take().unwrap();
	let stopped = world.runtime.spawn(gateway.stop());
	assert!(idle.is_closed());
	assert!(!stopped.is_finished());
	client.send(whole.as_bytes());
	assert_eq!(client.reply().unwrap().status, 200);
	assert!(client.is_closed());
	world.runtime.block_on(stopped).unwrap();
	assert!(std::net::TcpStream::connect(world.http).is_err(), "the port is still open");
}

#[test]
fn connections_are_counted() {
	let world = world_with(|config, _| config.limits.connections_per_address = 3);
	let mut kept: Vec<_> = (0..3).map(|_| world.connect()).collect();
	for client in &mut kept {
		assert_eq!(client.request("GET", "/v2", &[], b"").status, 200);
	}
	assert!(world.connect().is_closed());
	drop(kept);
	let again = || {
		(0..100).any(|_| {
			thread::sleep(MS(10));
			let mut client = world.connect();
			client.send(b"GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n");
			client.reply().is_some()
		})
	};
	assert!(again());
}
