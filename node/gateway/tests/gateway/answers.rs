//! What is answered, in each form of the protocol.

use crate::{binary_request, digits, example, floats, images, labels, request, scores, world};
use aimodel_inference::serving::ModelEntry;
use serde_json::{json, Value};
use std::process::Command;

#[test]
fn the_server_tells_of_itself() {
	let world = world();
	assert_eq!(world.get("/v2/health/live").json(), json!({ "live": true }));
	assert_eq!(world.get("/v2/health/ready").json(), json!({ "live": true, "ready": true }));
	let told = world.get("/v2").json();
	assert_eq!(told["name"], "aimodel");
	assert!(told["extensions"].as_array().unwrap().contains(&json!("binary_tensor_data")));
}

#[test]
fn a_model_tells_what_it_takes() {
	let world = world();
	let told = world.get("/v2/models/digits").json();
	assert_eq!(told["versions"], json!(["1.0.0"]));
	assert_eq!(told["platform"], "onnx_onnxv1");
	let input = json!([{ "name": "image", "datatype": "FP32", "shape": [-1, 64] }]);
	assert_eq!(told["inputs"], input);
	let of_version = world.get("/v2/models/digits/versions/1.0.0").json();
	assert_eq!(of_version, told);
	let ready = world.get("/v2/models/digits/versions/1.0.0/ready").json();
	assert_eq!(ready, json!({ "name": "digits", "ready": true }));
	let config = world.get("/v2/models/digits/config").json();
	assert_eq!(config["input"][0]["data_type"], "TYPE_FP32");
	assert_eq!((&config["max_batch_size"], &config["backend"]), (&json!(0), &json!("onnxruntime")));
}

#[test]
fn digits_are_read() {
	let world = world();
	let answer = world.infer("digits", &request(20)).json();
	assert_eq!(answer["outputs"][0]["shape"], json!([20, 10]));
	let right = labels(&scores(&answer));
	let right = right.iter().zip(digits().1).filter(|(found, label)| *found == label).count();
	assert!(right >= 19, "{right} of 20");
	assert_eq!(answer["parameters"]["units"], 20);
	let hash = aimodel_inference::blobs::hash(&example("digits/digits.onnx"));
	assert_eq!(answer["parameters"]["model_hash"], format!("0x{}", hex::encode(hash)));
}

#[test]
fn all_forms_give_the_same() {
	let world = world();
	let expected = scores(&world.infer("digits", &request(3)).json());

	let (json, tensor) = binary_request(3);
	let reply = world.infer_binary("digits", &json, &tensor);
	let (head, tensors) = reply.binary();
	assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
	assert_eq!(head["outputs"][0]["parameters"]["binary_data_size"], 120);
	assert_eq!(floats(tensors), expected);

	let raw = [("Inference-Header-Content-Length", "0")];
	let reply = world.request("POST", "/v2/models/digits/infer", &raw, &tensor);
	assert_eq!(floats(reply.binary().1), expected);

	let mut nested = request(3);
	nested["inputs"][0]["data"] = images(3).chunks(64).collect();
	assert_eq!(scores(&world.infer("digits", &nested).json()), expected);

	let mut named = request(3);
	named["outputs"] = json!([{ "name": "scores", "parameters": { "binary_data": true } }]);
	assert_eq!(floats(world.infer("digits", &named).binary().1), expected);

	let of_version = world.post("/v2/models/digits/versions/1.0.0/infer", &request(3));
	assert_eq!(scores(&of_version.json()), expected);
}

#[test]
fn a_long_answer_is_whole() {
	let world = world();
	let expected = scores(&world.infer("digits", &request(450)).json());
	let (json, tensor) = binary_request(450);
	let reply = world.infer_binary("digits", &json, &tensor);
	assert_eq!(reply.binary().1.len(), 18_000);
	assert_eq!(floats(reply.binary().1), expected);
}

#[test]
fn the_id_is_echoed() {
	let world = world();
	let mut request = request(1);
	assert_eq!(world.infer("digits", &request).json().get("id"), None);
	request["id"] = json!("forty-two \"€\"");
	assert_eq!(world.infer("digits", &request).json()["id"], request["id"]);
}

#[test]
fn a_connection_is_used_again() {
	let world = world();
	let mut client = world.connect();
	let (json, tensor) = binary_request(1);
	let json = json.to_string();
	let body = [json.as_bytes(), &tensor].concat();
	let length = json.len().to_string();
	let headers = [("Inference-Header-Content-Length", length.as_str())];
	for _ in 0..50 {
		let reply = client.request("POST", "/v2/models/digits/infer", &headers, &body);
		assert_eq!(reply.status, 200);
	}
	// An error in between does not end it.
	assert_eq!(client.request("POST", "/v2/models/digits/infer", &[], b"{}").status, 400);
	assert_eq!(client.request("GET", "/v2/health/live", &[], b"").status, 200);
}

#[test]
fn models_are_unloaded_and_loaded() {
	let world = world();
	let state = |model: &str| {
		let index = world.post("/v2/repository/index", &json!({})).json();
		let entries = index.as_array().unwrap().clone();
		let entry = entries.into_iter().find(|entry| entry["name"] == model).unwrap();
		entry["state"].as_str().unwrap().to_owned()
	};
	assert_eq!(state("iris"), "READY");
	assert_eq!(world.post("/v2/repository/models/iris/unload", &json!({})).status, 200);
	assert_eq!(state("iris"), "UNAVAILABLE");
	assert_eq!(world.get("/v2/models/iris/ready").status, 503);
	let ready = world.post("/v2/repository/index", &json!({ "ready": true })).json();
	assert_eq!(ready.as_array().unwrap().len(), 2);
	assert_eq!(world.request("POST", "/v2/repository/models/iris/load", &[], b"").status, 200);
	assert_eq!(state("iris"), "READY");
	world.works();
}

#[test]
fn answers_are_counted() {
	let world = world();
	for _ in 0..3 {
		assert_eq!(world.infer("digits", &request(2)).status, 200);
	}
	let told = world.get("/v2/models/digits/stats").json();
	let of = &told["model_stats"][0];
	assert_eq!((&of["name"], &of["inference_count"]), (&json!("digits"), &json!(6)));
	assert_eq!(of["inference_stats"]["success"]["count"], 3);
	assert_eq!(world.get("/v2/models/stats").json()["model_stats"].as_array().unwrap().len(), 3);
	let text = String::from_utf8(world.get("/metrics").body).unwrap();
	let line = "nv_inference_request_success{model=\"digits\",version=\"1.0.0\"} 3\n";
	assert!(text.contains(line), "{text}");
	assert!(text.contains("aimodel_gateway_requests_total{protocol=\"http\",status=\"200\"}"));
}

#[test]
fn curl_is_answered() {
	let world = world();
	let url = format!("http://{}/v2/models/digits/infer", world.http);
	let curl = |arguments: &[&str]| {
		let output = Command::new("curl").args(["-sS", "-i", "-m", "20"]).args(arguments).output();
		String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
	};
	let body = request(1).to_string();
	assert!(curl(&["-d", &body, &url]).starts_with("HTTP/1.1 200 OK"));
	// Asks before it sends, and sends in chunks.
	let reply = curl(&[
		"-H",
		"expect: 100-continue",
		"-H",
		"transfer-encoding: chunked",
		"-d",
		&body,
		&url,
	]);
	assert!(reply.contains("HTTP/1.1 200 OK"), "{reply}");
	assert!(curl(&["-I", &format!("http://{}/v2", world.http)]).starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn it_stops_when_what_is_asked_is_answered() {
	let mut world = world();
	let mut kept = world.connect();
	assert_eq!(kept.request("GET", "/v2", &[], b"").status, 200);
	let gateway = world.gateway.take().unwrap();
	world.runtime.block_on(gateway.stop());
	assert!(kept.is_closed());
	assert!(std::net::TcpStream::connect(world.http).is_err());
}

#[test]
fn versions_are_served_beside_each_other_and_one_answers_for_all() {
	let world = world();
	let file = |path: &str, version: &str| {
		let path = crate::repository().join("examples").join(path);
		let entry =
			ModelEntry::of_file("both", version.parse().unwrap(), &path, Default::default());
		entry.unwrap()
	};
	let mut both = file("digits/digits.onnx", "1.0.0");
	both.versions.extend(file("iris/iris.onnx", "2.0.0").versions);
	both.aliases = [("stable".into(), "1.0.0".parse().unwrap())].into();
	both.default = Some("stable".into());
	world.server.register(both).unwrap();
	let width = |path: &str| {
		let model = world.get(&format!("/v2/models/both{path}")).json();
		assert_eq!(model["versions"], json!(["1.0.0", "2.0.0"]));
		model["inputs"][0]["shape"][1].as_u64().unwrap()
	};
	let flower = json!({ "inputs": [{ "name": "X", "datatype": "FP32", "shape": [1, 4], "data": [5.1, 3.5, 1.4, 0.2] }] });
	let second = world.infer("both/versions/2.0.0", &flower);
	assert_eq!(second.status, 200, "{}", String::from_utf8_lossy(&second.body));
	let first = world.infer("both", &request(1)).json();
	let told =
		|answer: &Value| (answer["model_version"].clone(), answer["parameters"]["version"].clone());
	assert_eq!(told(&first), (json!("1.0.0"), json!("1.0.0")));
	assert_eq!(told(&second.json()), (json!("2.0.0"), json!("2.0.0")));
	assert_eq!((width(""), width("/versions/stable"), width("/versions/2.0.0")), (64, 64, 4));
	world.infer("both", &flower).refuses(400, "the input `image` is missing");
}
