//! What a wrong request is told.

use crate::{binary_request, bytes, images, request, world, world_with};
use serde_json::json;

#[test]
fn inputs_are_what_the_model_declares() {
	let world = world();
	let mut wrong = request(1);
	wrong["inputs"][0]["datatype"] = json!("INT32");
	wrong["inputs"][0]["data"] = json!(vec![1; 64]);
	world.infer("digits", &wrong).refuses(400, "INT32");
	let mut wrong = request(1);
	wrong["inputs"][0]["shape"] = json!([64]);
	world.infer("digits", &wrong).refuses(400, "image");
	let mut wrong = request(1);
	wrong["inputs"][0]["shape"] = json!([2, 32]);
	world.infer("digits", &wrong).refuses(400, "image");
	let mut wrong = request(1);
	wrong["inputs"][0]["name"] = json!("picture");
	world.infer("digits", &wrong).refuses(400, "picture");
	let mut wrong = request(1);
	let again = wrong["inputs"][0].clone();
	wrong["inputs"].as_array_mut().unwrap().push(again);
	world.infer("digits", &wrong).refuses(400, "image");
	world.infer("digits", &json!({ "inputs": [] })).refuses(400, "image");
	let mut wrong = request(1);
	wrong["outputs"] = json!([{ "name": "labels" }]);
	world.infer("digits", &wrong).refuses(400, "labels");
	let mut wrong = request(1);
	wrong["inputs"][0]["shape"] = json!([0, 64]);
	wrong["inputs"][0]["data"] = json!([]);
	assert_eq!(world.infer("digits", &wrong).status, 400);
	world.works();
}

#[test]
fn binary_sizes_match() {
	let world = world();
	let (json, tensor) = binary_request(1);
	world.infer_binary("digits", &json, &tensor[..255]).refuses(400, "255 bytes are left");
	world
		.infer_binary("digits", &json, &[&tensor[..], &[0]].concat())
		.refuses(400, "1 bytes follow");
	let mut wrong = json.clone();
	wrong["inputs"][0]["parameters"]["binary_data_size"] = json!(252);
	world.infer_binary("digits", &wrong, &tensor).refuses(400, "takes 256 bytes");
	let headers = [("Inference-Header-Content-Length", "100000")];
	world
		.request("POST", "/v2/models/digits/infer", &headers, b"{}")
		.refuses(400, "the body has 2 bytes");
	let headers = [("Inference-Header-Content-Length", "-1")];
	let reply = world.request("POST", "/v2/models/digits/infer", &headers, b"{}");
	reply.refuses(400, "must be the length");
	let headers = [("Inference-Header-Content-Length", "0")];
	let raw = bytes(&images(1));
	world
		.request("POST", "/v2/models/digits/infer", &headers, &raw[1..])
		.refuses(400, "a multiple of 256 bytes");
	world.works();
}

#[test]
fn names_are_known() {
	let world = world();
	world.infer("nobody", &request(1)).refuses(404, "nobody");
	world.get("/v2/models/nobody").refuses(404, "nobody");
	world.get("/v2/models/nobody/ready").refuses(404, "nobody");
	world.get("/v2/models/digits/versions/9.9.9").refuses(404, "9.9.9");
	world.post("/v2/models/digits/versions/9.9.9/infer", &request(1)).refuses(404, "9.9.9");
	world.get("/v3").refuses(404, "/v2/openapi.json");
	world.get("/v2/proofs/00").refuses(400, "64 hexadecimal digits");
	world.get(&format!("/v2/proofs/{}", "00".repeat(32))).refuses(404, "no proof");
}

#[test]
fn paths_have_their_method() {
	let world = world();
	let reply = world.get("/v2/models/digits/infer");
	reply.refuses(405, "POST");
	assert_eq!(reply.header("allow"), Some("POST"));
	world.request("DELETE", "/v2", &[], b"").refuses(405, "GET");
}

#[test]
fn bodies_are_plain() {
	let world = world();
	let headers = [("content-encoding", "gzip")];
	let reply = world.request("POST", "/v2/models/digits/infer", &headers, &[0x1f, 0x8b]);
	reply.refuses(415, "compressed");
	let body = request(1).to_string();
	let headers = [("content-encoding", "identity")];
	let reply = world.request("POST", "/v2/models/digits/infer", &headers, body.as_bytes());
	assert_eq!(reply.status, 200);
}

#[test]
fn what_the_operator_did_not_allow_is_refused() {
	let world = world_with(|config, _| {
		config.manage = false;
		config.metrics = false;
	});
	world.post("/v2/repository/models/iris/unload", &json!({})).refuses(403, "operator");
	world.get("/metrics").refuses(403, "metrics");
	let mut asks = request(1);
	asks["parameters"] = json!({ "receipt": true });
	world.infer("digits", &asks).refuses(403, "signs no receipts");
	asks["parameters"] = json!({ "proof": "groth16", "request_id": 1 });
	world.infer("digits", &asks).refuses(403, "makes no proofs");
}

#[test]
fn models_come_from_where_the_operator_says() {
	let world = world();
	let load = json!({ "parameters": { "config": "{}", "file:1/model.onnx": "AAAA" } });
	world.post("/v2/repository/models/iris/load", &load).refuses(400, "config");
	world.post("/v2/repository/models/nobody/load", &json!({})).refuses(404, "nobody");
	world.works();
}

#[test]
fn a_deadline_that_passed_is_told() {
	let world = world();
	let mut late = request(450);
	late["parameters"] = json!({ "timeout": 1 });
	world.infer("digits", &late).refuses(504, "deadline");
	world.works();
}

#[test]
fn too_much_at_once_is_told() {
	let world = world_with(|config, _| config.limits.requests = 1);
	let mut first = world.connect();
	// Takes the only place, for as long as its body is missing.
	first.send(b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n");
	assert_eq!(first.reply().unwrap().status, 100);
	let second = world.infer("digits", &request(1));
	second.refuses(503, "try again later");
	assert_eq!(second.header("retry-after"), Some("1"));
	// What needs no place is answered.
	assert_eq!(world.get("/v2/health/ready").status, 200);
	drop(first);
	let again = || (0..100).any(|_| world.infer("digits", &request(1)).status == 200);
	assert!(again());
}
