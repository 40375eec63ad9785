//! Calls that are followed: what is told of each, in all forms of the protocol.

use crate::{
	bytes,
	grpc::{call, field, infer},
	images, request, world_with, World,
};
use aimodel_gateway::{
	trace::{End, Parent, Protocol, Traced},
	Tracer,
};
use serde_json::json;
use std::sync::{mpsc, Arc, Mutex};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Follows(Mutex<mpsc::Sender<Traced>>);

impl Tracer for Follows {
	fn follows(&self, parent: Option<&Parent>) -> bool {
		parent.is_none_or(|parent| parent.sampled)
	}

	fn ended(&self, call: Traced) {
		self.0.lock().unwrap().send(call).unwrap();
	}
}

/// A world whose calls are told.
fn followed() -> (World, mpsc::Receiver<Traced>) {
	let (tell, told) = mpsc::channel();
	let tracer = Arc::new(Follows(Mutex::new(tell)));
	(world_with(|_, hooks| hooks.tracer = Some(tracer)), told)
}

fn is_of_the_caller(call: &Traced) {
	let parent = call.parent.as_ref().unwrap();
	assert_eq!(hex::encode(parent.trace), &PARENT[3..35]);
	assert_eq!(hex::encode(parent.span), &PARENT[36..52]);
}

#[test]
fn a_call_over_http_is_told_with_its_batch() {
	let (world, told) = followed();
	let mut asks = request(3);
	asks["id"] = json!("my id");
	let body = asks.to_string();
	let headers = [("traceparent", PARENT)];
	let reply = world.request("POST", "/v2/models/digits/infer", &headers, body.as_bytes());
	assert_eq!(reply.status, 200);
	let call = told.recv().unwrap();
	is_of_the_caller(&call);
	assert_eq!((call.protocol, call.end), (Protocol::Http, End::Answered));
	assert_eq!((call.model.as_str(), call.version.as_deref()), ("digits", Some("1.0.0")));
	assert_eq!(call.id.as_deref(), Some("my id"));
	let [run] = &call.runs[..] else { panic!("{:?}", call.runs) };
	assert_eq!((run.rows, run.batch, run.cached), (3, 3, false));
	assert!(run.queued + run.computed <= call.took);
	assert!(run.ended <= call.began + call.took);
}

#[test]
fn a_call_over_grpc_is_told_the_same() {
	let (world, told) = followed();
	let message = infer(2, &[], &field(7, &bytes(&images(2))));
	let header = format!("traceparent: {PARENT}");
	assert_eq!(call(&world, "ModelInfer", &message, &[&header]).status, 0);
	let traced = told.recv().unwrap();
	is_of_the_caller(&traced);
	assert_eq!((traced.protocol, traced.end), (Protocol::Grpc, End::Answered));
	assert_eq!((traced.model.as_str(), traced.id.as_deref()), ("digits", Some("42")));
	assert_eq!(traced.runs[0].rows, 2);
	// Neither a message that is none, nor what is no inference.
	call(&world, "ModelInfer", &[0xff; 9], &[]);
	assert!(matches!(told.recv().unwrap().end, End::Refused { code: 13, .. }));
	call(&world, "ModelReady", &field(1, b"digits"), &[&header]);
	assert!(told.try_recv().is_err());
}

#[test]
fn each_chunk_of_a_call_in_events_is_told() {
	let (world, told) = followed();
	let mut asks = request(10);
	asks["parameters"] = json!({ "chunk_rows": 4 });
	let headers = [("accept", "text/event-stream"), ("connection", "close")];
	let body = asks.to_string();
	world.request("POST", "/v2/models/digits/infer", &headers, body.as_bytes());
	let call = told.recv().unwrap();
	assert_eq!((call.parent, call.end), (None, End::Answered));
	let rows: Vec<_> = call.runs.iter().map(|run| run.rows).collect();
	assert_eq!(rows, [4, 4, 2]);
	assert!(told.try_recv().is_err(), "once");
}

#[test]
fn what_is_refused_is_told_with_its_reason() {
	let (world, told) = followed();
	world.infer("nobody", &request(1)).refuses(404, "nobody");
	let call = told.recv().unwrap();
	assert_eq!(call.model, "nobody");
	assert!(matches!(call.end, End::Refused { status: 404, code: 5, .. }), "{:?}", call.end);
	world.request("POST", "/v2/models/digits/infer", &[], b"{").refuses(400, "");
	assert!(matches!(told.recv().unwrap().end, End::Refused { status: 400, .. }));
}

#[test]
fn what_the_caller_does_not_record_is_not_told() {
	let (world, told) = followed();
	let parent = format!("{}00", &PARENT[..PARENT.len() - 2]);
	let body = request(1).to_string();
	let headers = [("traceparent", parent.as_str())];
	let reply = world.request("POST", "/v2/models/digits/infer", &headers, body.as_bytes());
	assert_eq!(reply.status, 200);
	assert!(told.try_recv().is_err());
	world.works();
	assert!(told.recv().unwrap().parent.is_none());
}
