//! `ModelStreamInfer`, by a client that sends frames as it likes.

use crate::{
	bytes, digits,
	faults::works_again,
	floats,
	grpc::{field, fields},
	images, labels, within, world, world_with, World,
};
use aimodel_gateway::{
	access::{Admitted, Call},
	Admission, Refusal, VoucherWanted,
};
use aimodel_inference::serving::Priority;
use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
	convert::Infallible,
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc,
	},
	time::Duration,
};
use substrate_prometheus_endpoint::prometheus::TextEncoder;
use tokio::sync::mpsc;

/// A stream that is open.
struct Streaming<'a> {
	world: &'a World,
	to: Option<mpsc::UnboundedSender<Bytes>>,
	from: Incoming,
	came: Vec<u8>,
	/// Of a stream that was refused, in the headers.
	refused: Option<u32>,
	trailers: http::HeaderMap,
}

/// An answer.
#[derive(Debug)]
struct Told {
	id: String,
	error: String,
	labels: Vec<u8>,
}

fn status(headers: &http::HeaderMap) -> Option<u32> {
	headers.get("grpc-status")?.to_str().unwrap().parse().ok()
}

/// A request for the first images, as a message with its prefix.
fn message(id: &str, rows: u8) -> Vec<u8> {
	asks(id, rows, &bytes(&images(rows.into())))
}

fn asks(id: &str, rows: u8, data: &[u8]) -> Vec<u8> {
	let input = [field(1, b"image"), field(2, b"FP32"), field(3, &[rows, 64])].concat();
	let names = [field(1, b"digits"), field(3, id.as_bytes())].concat();
	framed(&[names, field(5, &input), field(7, data)].concat())
}

fn framed(message: &[u8]) -> Vec<u8> {
	let length = u32::try_from(message.len()).unwrap().to_be_bytes();
	[&[0][..], &length, message].concat()
}

type Client = hyper::client::conn::http2::SendRequest<
	StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>,
>;

impl World {
	/// A connection for streams.
	fn client(&self, window: u32) -> Client {
		self.runtime.block_on(async {
			let stream = tokio::net::TcpStream::connect(self.grpc).await.unwrap();
			let (client, connection) =
				hyper::client::conn::http2::Builder::new(TokioExecutor::new())
					.initial_stream_window_size(window)
					.handshake(TokioIo::new(stream))
					.await
					.unwrap();
			tokio::spawn(connection);
			client
		})
	}

	fn stream(&self, headers: &[(&str, &str)]) -> Streaming<'_> {
		self.stream_of(&mut self.client(1 << 20), headers)
	}

	fn stream_of(&self, client: &mut Client, headers: &[(&str, &str)]) -> Streaming<'_> {
		let (to, from) = mpsc::unbounded_channel::<Bytes>();
		let path = "http://x/inference.GRPCInferenceService/ModelStreamInfer";
		let mut request = http::Request::post(path)
			.header("content-type", "application/grpc")
			.header("te", "trailers");
		for (name, value) in headers {
			request = request.header(*name, *value);
		}
		let frames = futures::stream::unfold(from, |mut from| async {
			Some((Ok(Frame::data(from.recv().await?)), from))
		});
		let request = request.body(StreamBody::new(frames.boxed())).unwrap();
		let response = self.runtime.block_on(client.send_request(request)).unwrap();
		let refused = status(response.headers());
		let (from, trailers) = (response.into_body(), http::HeaderMap::new());
		Streaming { world: self, to: Some(to), from, came: Vec::new(), refused, trailers }
	}

	/// The lines of the requests that were counted.
	fn counted(&self, status: u32) -> bool {
		let mut text = String::new();
		TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text).unwrap();
		text.contains(&format!("requests_total{{protocol=\"grpc\",status=\"{status}\"}}"))
	}
}

impl Streaming<'_> {
	fn send(&self, bytes: impl Into<Bytes>) {
		self.to.as_ref().unwrap().send(bytes.into()).unwrap();
	}

	/// Sends no more.
	fn close(&mut self) {
		self.to = None;
	}

	/// The next answer, or how the stream ended.
	fn next(&mut self) -> Result<Told, u32> {
		loop {
			if let Some((prefix, rest)) = self.came.split_first_chunk::<5>() {
				let [compressed, length @ ..] = *prefix;
				assert_eq!(compressed, 0);
				let length = u32::from_be_bytes(length) as usize;
				if rest.len() >= length {
					let message: Vec<u8> = self.came.drain(..5 + length).skip(5).collect();
					return Ok(told(&message));
				}
			}
			let next =
				async { tokio::time::timeout(Duration::from_secs(20), self.from.frame()).await };
			let frame = self.world.runtime.block_on(next).expect("nothing came");
			match frame.expect("it ended without trailers").unwrap().into_data() {
				Ok(data) => self.came.extend_from_slice(&data),
				Err(frame) => {
					self.trailers = frame.into_trailers().unwrap();
					return Err(status(&self.trailers).unwrap());
				},
			}
		}
	}
}

fn told(message: &[u8]) -> Told {
	let text = |found: Vec<Vec<u8>>| {
		found.first().map(|it| String::from_utf8(it.clone()).unwrap()).unwrap_or_default()
	};
	let response = &fields(message, 2)[0];
	let last = [field(1, b"triton_final_response"), field(2, &[8, 1])].concat();
	assert!(fields(response, 4).contains(&last));
	let labels = fields(response, 6).first().map(|raw| labels(&floats(raw)));
	let (id, error) = (text(fields(response, 3)), text(fields(message, 1)));
	Told { id, error, labels: labels.unwrap_or_default() }
}

#[track_caller]
fn answered(answer: Result<Told, u32>, id: &str, rows: usize) {
	let told = answer.unwrap();
	assert_eq!((&*told.id, &*told.error), (id, ""));
	assert_eq!(told.labels, &digits().1[..rows]);
}

#[test]
fn messages_are_answered_in_their_order_and_one_that_is_refused_takes_nothing_from_the_next() {
	let world = world();
	let mut stream = world.stream(&[]);
	stream.send(message("1", 1));
	answered(stream.next(), "1", 1);
	for id in 2..30_u8 {
		let wrong = asks(&id.to_string(), 1, &[0; 255]);
		stream.send(if id % 5 == 0 { wrong } else { message(&id.to_string(), id) });
	}
	stream.send(framed(&[0xff; 9]));
	stream.close();
	for id in 2..30_u8 {
		if id % 5 == 0 {
			let told = stream.next().unwrap();
			assert_eq!(told.id, id.to_string());
			assert!(told.error.contains("255"), "{}", told.error);
			continue;
		}
		answered(stream.next(), &id.to_string(), id.into());
	}
	let told = stream.next().unwrap();
	assert!(told.error.contains("can not be read"), "{}", told.error);
	assert_eq!(stream.next().unwrap_err(), 0);
	assert!(world.counted(0) && world.counted(3));
}

#[test]
fn messages_are_cut_as_they_like() {
	let world = world();
	let mut stream = world.stream(&[]);
	for byte in message("1", 1) {
		stream.send(vec![byte]);
	}
	answered(stream.next(), "1", 1);
	let (second, third) = (message("2", 2), message("3", 3));
	let (end, begin) = third.split_at(7);
	stream.send([&second, end].concat());
	answered(stream.next(), "2", 2);
	stream.send(begin.to_vec());
	answered(stream.next(), "3", 3);
	stream.close();
	assert_eq!(stream.next().unwrap_err(), 0);
}

#[test]
fn what_is_no_message_ends_the_stream_once_those_before_it_are_answered() {
	let world = world_with(|config, _| config.limits.body = 1 << 16);
	let whole = message("2", 2);
	let compressed = [&[1][..], &whole[1..]].concat();
	let broken = whole[..whole.len() - 1].to_vec();
	for (wrong, code) in [(compressed, 3), (framed(&vec![0; 1 << 16]), 8), (broken, 3)] {
		let mut stream = world.stream(&[]);
		stream.send([message("1", 1), wrong].concat());
		stream.close();
		answered(stream.next(), "1", 1);
		assert_eq!(stream.next().unwrap_err(), code);
	}
	world.works();
}

#[test]
fn a_message_that_does_not_end_is_given_up_and_a_stream_that_rests_is_not() {
	let world = world_with(|config, _| {
		config.limits.body_timeout = Duration::from_secs(1);
		config.limits.body_rate = u64::MAX;
	});
	let mut stream = world.stream(&[]);
	std::thread::sleep(Duration::from_millis(1_200));
	stream.send(message("1", 1));
	answered(stream.next(), "1", 1);
	stream.send(message("2", 1)[..9].to_vec());
	assert_eq!(stream.next().unwrap_err(), 4);
	world.works();
}

#[test]
fn a_stream_that_rests_for_too_long_is_given_up() {
	let world = world_with(|config, _| config.limits.header_timeout = Duration::from_millis(100));
	assert_eq!(world.stream(&[]).next().unwrap_err(), 4);
	let world = world_with(|config, _| config.limits.stream_timeout = Duration::from_millis(100));
	let mut stream = world.stream(&[]);
	stream.send(message("1", 1));
	answered(stream.next(), "1", 1);
	assert_eq!(stream.next().unwrap_err(), 4);
}

#[test]
fn many_small_messages_may_be_sent_ahead_by_several_streams_of_a_connection() {
	let world = world();
	let mut client = world.client(1 << 20);
	let nobody = framed(&[field(1, b"nobody"), field(3, &[b'x'; 32])].concat());
	let mut streams = [0; 4].map(|_| world.stream_of(&mut client, &[]));
	for stream in &mut streams {
		for _ in 0..20_000 {
			stream.send(nobody.clone());
		}
		stream.send(message("1", 1));
		stream.close();
	}
	for stream in &mut streams {
		for _ in 0..20_000 {
			let told = stream.next().unwrap();
			assert!(told.error.contains("nobody"), "{}", told.error);
		}
		answered(stream.next(), "1", 1);
		assert_eq!(stream.next().unwrap_err(), 0);
	}
}

#[test]
fn large_messages_are_taken_one_after_the_other() {
	let world = world_with(|config, _| {
		config.limits.body = 1 << 16;
		config.limits.buffered = 1 << 17;
	});
	let mut stream = world.stream(&[]);
	for _ in 0..20 {
		stream.send(message("1", 100));
	}
	stream.close();
	for _ in 0..20 {
		assert_eq!(stream.next().unwrap().error, "");
	}
	assert_eq!(stream.next().unwrap_err(), 0);
}

/// Lets everybody in, in time.
struct Slow;

impl Admission for Slow {
	fn greet(&self, _: &http::HeaderMap) -> Result<(), Refusal> {
		Ok(())
	}

	fn admit<'a>(&'a self, _: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		Box::pin(async {
			tokio::time::sleep(Duration::from_millis(300)).await;
			Ok(Admitted { priority: Priority::Normal, caller: String::new(), charge: None })
		})
	}
}

#[test]
fn who_waits_for_an_answer_does_not_rest() {
	let world = world_with(|config, hooks| {
		config.limits.stream_timeout = Duration::from_millis(50);
		hooks.admission = Arc::new(Slow);
	});
	let mut stream = world.stream(&[]);
	stream.send(message("1", 1));
	answered(stream.next(), "1", 1);
	assert_eq!(stream.next().unwrap_err(), 4);
}

#[test]
fn who_takes_no_answers_of_a_stream_is_given_up() {
	let world = world_with(|config, _| {
		config.limits.write_timeout = Duration::from_millis(300);
		config.limits.requests = 9;
	});
	let mut stream = world.stream_of(&mut world.client(100), &[]);
	for _ in 0..100 {
		stream.send(message("1", 100));
	}
	let given_up = async {
		while let Some(frame) = stream.from.frame().await {
			if frame.is_err() {
				return true;
			}
			// It takes what comes, but too slowly.
			tokio::time::sleep(Duration::from_millis(200)).await;
		}
		false
	};
	assert!(world.runtime.block_on(given_up));
	// All places are free again, and so is the stream's.
	works_again(&world);
	world.works();
}

#[test]
fn so_many_streams_are_open_and_one_that_is_left_makes_room() {
	let world = world_with(|config, _| config.limits.streams_per_address = 1);
	let mut stream = world.stream(&[]);
	stream.send(message("1", 1));
	answered(stream.next(), "1", 1);
	assert_eq!(world.stream(&[]).refused, Some(14));
	drop(stream);
	within(|| world.stream(&[]).refused.is_none(), "its place was not given back");
}

#[test]
fn a_gateway_that_stops_ends_its_streams() {
	let mut world = world_with(|config, _| config.limits.stop_timeout = Duration::from_secs(20));
	let gateway = world.gateway.take().unwrap();
	let mut stream = world.stream(&[]);
	stream.send(message("1", 1));
	answered(stream.next(), "1", 1);
	world.runtime.block_on(gateway.stop());
	assert_eq!(stream.next().unwrap_err(), 14);
}

/// Lets who has a key make so many calls, and wants to be paid for more.
struct Calls(AtomicUsize);

impl Admission for Calls {
	fn greet(&self, headers: &http::HeaderMap) -> Result<(), Refusal> {
		match headers.contains_key("key") {
			true => Ok(()),
			false => Err(Refusal::Unauthenticated("no key".into())),
		}
	}

	fn admit<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		assert!(call.headers.contains_key("key"));
		let left =
			self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1));
		let (priority, caller) = (Priority::Normal, String::new());
		Box::pin(std::future::ready(match (call.model, left) {
			("digits", Ok(_)) => Ok(Admitted { priority, caller, charge: None }),
			("digits", Err(_)) => Err(Refusal::VoucherWanted(VoucherWanted {
				model: [0; 32].into(),
				term: 7,
				calls: 3,
			})),
			_ => Err(Refusal::Forbidden("not this one".into())),
		}))
	}
}

#[test]
fn each_message_is_admitted_and_who_has_to_sign_for_more_is_told_so() {
	let world = world_with(|_, hooks| hooks.admission = Arc::new(Calls(3.into())));
	assert_eq!(world.stream(&[]).refused, Some(16));
	let mut stream = world.stream(&[("key", "")]);
	stream.send(framed(&field(1, b"iris")));
	stream.send([message("1", 1), message("2", 1), message("3", 1), message("4", 1)].concat());
	assert_eq!(stream.next().unwrap().error, "not this one");
	answered(stream.next(), "1", 1);
	answered(stream.next(), "2", 1);
	assert_eq!(stream.next().unwrap_err(), 9);
	assert_eq!(stream.trailers["aimodel-voucher-wanted"], "7:3");
}

#[test]
fn a_message_that_finds_no_place_is_refused_and_the_stream_goes_on() {
	let world = world_with(|config, _| config.limits.requests_per_address = 0);
	let mut stream = world.stream(&[]);
	for id in ["1", "2"] {
		stream.send(message(id, 1));
		let told = stream.next().unwrap();
		assert_eq!(told.id, id);
		assert!(told.error.contains("of this address"), "{}", told.error);
	}
}
