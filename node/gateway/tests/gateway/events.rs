//! Answers in events.

use crate::{request, scores, world, world_with, Reply, World};
use aimodel_inference::serving::{ModelEntry, ModelOptions};
use serde_json::{json, Value};
use std::sync::Arc;

/// The events of a stream: names and data.
pub(crate) fn events(reply: &Reply) -> Vec<(String, Value)> {
	assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
	assert_eq!(reply.header("content-type"), Some("text/event-stream"));
	// The body is in HTTP's chunks: a length in a line before each, an empty line after it.
	let mut rest = &reply.body[..];
	let mut text = Vec::new();
	while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
		let length = std::str::from_utf8(&rest[..end]).unwrap();
		let length = usize::from_str_radix(length, 16).unwrap();
		text.extend_from_slice(&rest[end + 2..end + 2 + length]);
		rest = &rest[end + 2 + length + 2..];
	}
	let text = String::from_utf8(text).unwrap();
	text.split_terminator("\n\n")
		.filter(|event| !event.starts_with(':'))
		.map(|event| {
			let (name, data) = event.split_once('\n').unwrap();
			let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
			(name.strip_prefix("event: ").unwrap().to_owned(), data)
		})
		.collect()
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
	events.iter().map(|(name, _)| name.as_str()).collect()
}

fn ask(world: &World, model: &str, body: &Value) -> Reply {
	let headers = [("accept", "text/event-stream"), ("connection", "close")];
	let path = format!("/v2/models/{model}/infer");
	world.request("POST", &path, &headers, body.to_string().as_bytes())
}

#[test]
fn rows_are_answered_in_chunks_and_in_order() {
	let world = world();
	let expected = scores(&world.infer("digits", &request(10)).json());
	let mut asks = request(10);
	asks["id"] = json!("7");
	asks["parameters"] = json!({ "chunk_rows": 4 });
	let events = events(&ask(&world, "digits", &asks));
	assert_eq!(names(&events), ["queued", "running", "result", "result", "result", "done"]);
	assert_eq!(events[0].1, json!({ "id": "7", "rows": 10, "chunks": 3 }));
	let results = &events[2..5];
	let rows = results.iter().map(|(_, it)| (it["first_row"].as_u64(), it["rows"].as_u64()));
	let all = [(Some(0), Some(4)), (Some(4), Some(4)), (Some(8), Some(2))];
	assert_eq!(rows.collect::<Vec<_>>(), all);
	let found: Vec<f32> = results.iter().flat_map(|(_, it)| scores(&it["response"])).collect();
	assert_eq!(found.len(), expected.len());
	assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3));
	assert_eq!(events[5].1, json!({ "id": "7", "rows": 10, "units": 10 }));
}

#[test]
fn all_chunks_together_are_no_more_than_one_request_may_be() {
	let world = world();
	let path = crate::repository().join("examples/digits/digits.onnx");
	// Two rows of 64 floats.
	let options = ModelOptions { max_request_bytes: 512, ..ModelOptions::default() };
	let narrow = ModelEntry::of_file("narrow", "1.0.0".parse().unwrap(), &path, options);
	world.server.register(narrow.unwrap()).unwrap();
	world.runtime.block_on(world.server.load("narrow")).unwrap();
	let by_row = |rows| {
		let mut asks = request(rows);
		asks["parameters"] = json!({ "chunk_rows": 1 });
		ask(&world, "narrow", &asks)
	};
	assert_eq!(names(&events(&by_row(2))), ["queued", "running", "result", "result", "done"]);
	by_row(3).refuses(400, "the inputs have 768 bytes; 512 is the most");
}

#[test]
fn a_model_whose_rows_are_fixed_answers_at_once() {
	let world = world();
	let image = &crate::digits().0[..64];
	let asks = json!({ "inputs": [{ "name": "image", "datatype": "UINT8", "shape": [1, 64], "data": image }] });
	let name = &world.get("/v2/models/digits-provable").json()["inputs"][0]["name"];
	let mut asks = asks;
	asks["inputs"][0]["name"] = name.clone();
	let events = events(&ask(&world, "digits-provable", &asks));
	assert_eq!(names(&events), ["queued", "running", "result", "done"]);
}

#[test]
fn an_error_is_the_last_event() {
	let world = world();
	let mut wrong = request(10);
	wrong["inputs"][0]["name"] = json!("picture");
	let events = events(&ask(&world, "digits", &wrong));
	assert_eq!(names(&events), ["queued", "running", "error"]);
	assert_eq!(events[2].1["status"], 400);
	assert!(events[2].1["error"].as_str().unwrap().contains("picture"));
	// What is known before is no stream.
	ask(&world, "nobody", &request(1)).refuses(404, "nobody");
	ask(&world, "digits", &json!({})).refuses(400, "inputs");
	world.works();
}

#[test]
fn one_receipt_covers_all_chunks() {
	use sp_core::{crypto::Pair, sr25519};
	let pair = sr25519::Pair::from_seed(&[5; 32]);
	let world = world_with(|_, hooks| hooks.signer = Some(Arc::new(pair)));
	let mut asks = request(10);
	asks["parameters"] = json!({ "chunk_rows": 3, "receipt": true });
	let told = events(&ask(&world, "digits", &asks));
	let (name, done) = told.last().unwrap();
	assert_eq!(name, "done");
	let receipt = done["receipt"].as_str().unwrap().strip_prefix("0x").unwrap();
	let receipt = hex::decode(receipt).unwrap();
	let receipt: aimodel_gateway::Receipt = codec::Decode::decode(&mut &receipt[..]).unwrap();
	let data: Vec<f32> = told[2..told.len() - 1]
		.iter()
		.flat_map(|(_, result)| scores(&result["response"]))
		.collect();
	let whole = aimodel_inference::tensor::Tensor {
		name: "scores".into(),
		data_type: aimodel_inference::tensor::DataType::Fp32,
		shape: vec![10, 10],
		data: crate::bytes(&data).into(),
	};
	assert_eq!(receipt.output, aimodel_gateway::receipt::hash(&[whole]));
	assert_eq!(receipt.units, 10);
}

#[test]
fn streams_are_counted() {
	let world = world_with(|config, _| config.limits.streams = 0);
	ask(&world, "digits", &request(1)).refuses(503, "streams");
	world.works();
}
