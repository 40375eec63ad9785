//! The description of the gateway, against the gateway.

use crate::{binary_request, request, world_with, Reply, World};
use serde_json::{json, Map, Value};
use std::{collections::BTreeSet, sync::Arc};

fn described() -> Value {
	serde_json::from_slice(&std::fs::read("../../docs/openapi.json").unwrap()).unwrap()
}

/// Checks a value against a schema, with the keywords that the description uses and no others.
fn check(value: &Value, schema: &Value, all: &Value, at: &str) {
	let schema = schema.as_object().unwrap();
	for (keyword, says) in schema {
		match keyword.as_str() {
			"$ref" => {
				let pointer = says.as_str().unwrap().strip_prefix('#').unwrap();
				let referred =
					all.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is nowhere"));
				check(value, referred, all, at);
			},
			"type" => {
				let is = |name: &Value| match name.as_str().unwrap() {
					"object" => value.is_object(),
					"array" => value.is_array(),
					"string" => value.is_string(),
					"boolean" => value.is_boolean(),
					"integer" => value.is_i64() || value.is_u64(),
					"number" => value.is_number(),
					other => panic!("type {other}"),
				};
				let fits = says.as_array().map_or_else(|| is(says), |types| types.iter().any(is));
				assert!(fits, "{at}: {value} is no {says}");
			},
			"required" => {
				for name in says.as_array().unwrap() {
					let name = name.as_str().unwrap();
					assert!(value.get(name).is_some(), "{at}: `{name}` is missing in {value}");
				}
			},
			"properties" => {
				for (name, schema) in says.as_object().unwrap() {
					if let Some(value) = value.get(name) {
						check(value, schema, all, &format!("{at}/{name}"));
					}
				}
			},
			"additionalProperties" => {
				let known = schema.get("properties").and_then(Value::as_object);
				for name in value.as_object().map(Map::keys).into_iter().flatten() {
					let known = known.is_some_and(|known| known.contains_key(name));
					assert!(known || says == &json!(true), "{at}: `{name}` is not described");
				}
			},
			"items" => {
				for (index, item) in value.as_array().unwrap().iter().enumerate() {
					check(item, says, all, &format!("{at}/{index}"));
				}
			},
			"enum" => assert!(says.as_array().unwrap().contains(value), "{at}: {value}"),
			"minimum" => {
				assert!(value.as_i64().is_none_or(|it| it >= says.as_i64().unwrap()), "{at}")
			},
			"minLength" => {
				assert!(value.as_str().unwrap().len() as u64 >= says.as_u64().unwrap(), "{at}");
			},
			"pattern" => pattern(value.as_str().unwrap(), says.as_str().unwrap(), at),
			"description" => (),
			other => panic!("{at}: the keyword `{other}` is not checked"),
		}
	}
}

/// The patterns that the description uses: a class of characters, so often, perhaps after `0x`.
fn pattern(text: &str, pattern: &str, at: &str) {
	let inner = pattern.strip_prefix('^').unwrap().strip_suffix('$').unwrap();
	let (inner, text) = match (inner.strip_prefix("(0x)?"), inner.strip_prefix("0x")) {
		(Some(inner), _) => (inner, text.strip_prefix("0x").unwrap_or(text)),
		(_, Some(inner)) => {
			(inner, text.strip_prefix("0x").unwrap_or_else(|| panic!("{at}: {text}")))
		},
		_ => (inner, text),
	};
	let (class, count) = inner.split_once(']').unwrap();
	let digits = match class {
		"[0-9a-f" => "0123456789abcdef",
		"[0-9" => "0123456789",
		other => panic!("class {other}"),
	};
	assert!(text.chars().all(|digit| digits.contains(digit)), "{at}: {text}");
	match count.strip_prefix('{') {
		Some(count) => assert_eq!(text.len().to_string() + "}", count, "{at}: {text}"),
		None => assert!(count == "*" || (count == "+" && !text.is_empty()), "{at}: {text}"),
	}
}

/// Checks a reply against what is described of a path, and tells which response that was.
fn fits(all: &Value, method: &str, path: &str, reply: &Reply) -> (String, String) {
	let pointer = path.replace('/', "~1");
	let operation = all.pointer(&format!("/paths/{pointer}/{method}"));
	let operation = operation.unwrap_or_else(|| panic!("{method} {path} is not described"));
	let status = reply.status.to_string();
	let mut response = &operation["responses"][&status];
	assert!(response.is_object(), "{method} {path} answers {status}, which is not described");
	if let Some(referred) = response["$ref"].as_str() {
		response = all.pointer(referred.strip_prefix('#').unwrap()).unwrap();
	}
	let content_type = reply.header("content-type").unwrap_or_default();
	let content_type = content_type.split(';').next().unwrap();
	let at = format!("{method} {path} {status}");
	if response["content"].is_null() {
		assert!(reply.body.is_empty(), "{at} has a body");
	} else {
		let content = &response["content"][content_type];
		assert!(content.is_object(), "{at} is of type {content_type}, which is not described");
		if content_type == "application/json" {
			check(&reply.json(), &content["schema"], all, &at);
		}
	}
	(method.to_owned(), path.to_owned())
}

fn server() -> World {
	use sp_core::{crypto::Pair, sr25519};
	let pair = sr25519::Pair::from_seed(&[5; 32]);
	world_with(|config, hooks| {
		config.worker = Some([7; 32]);
		config.metrics = true;
		hooks.signer = Some(Arc::new(pair));
	})
}

#[test]
fn every_path_answers_as_described() {
	let (world, all) = (server(), described());
	assert_eq!(world.get("/v2/openapi.json").json(), all);
	let mut seen = BTreeSet::new();
	let unknown = "00".repeat(32);
	for (path, real) in [
		("/v2", "/v2"),
		("/v2/health/live", "/v2/health/live"),
		("/v2/health/ready", "/v2/health/ready"),
		("/v2/openapi.json", "/v2/openapi.json"),
		("/v2/models/stats", "/v2/models/stats"),
		("/metrics", "/metrics"),
		("/v2/proofs/{proof}", &format!("/v2/proofs/{unknown}")),
		("/v2/proofs/{proof}/events", &format!("/v2/proofs/{unknown}/events")),
	] {
		seen.insert(fits(&all, "get", path, &world.get(real)));
		let wrong = world.request("PUT", real, &[], b"");
		assert_eq!(wrong.status, 405);
		fits(&all, "get", path, &wrong);
	}
	assert_eq!(world.infer("digits", &request(1)).status, 200);
	for prefix in ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"] {
		for rest in ["", "/ready", "/config", "/stats"] {
			let path = format!("{prefix}{rest}");
			for (model, version) in
				[("digits", "1.0.0"), ("nobody", "1.0.0"), ("digits", "2.0.0"), ("%", "1")]
			{
				let real = path.replace("{model}", model).replace("{version}", version);
				seen.insert(fits(&all, "get", &path, &world.get(&real)));
			}
		}
		let path = format!("{prefix}/infer");
		let real = path.replace("{model}", "digits").replace("{version}", "1.0.0");
		let mut asks = request(2);
		seen.insert(fits(&all, "post", &path, &world.post(&real, &asks)));
		asks["id"] = json!("42");
		asks["parameters"] = json!({ "receipt": true });
		asks["outputs"] = json!([{ "name": "scores" }]);
		check(&asks, &json!({ "$ref": "#/components/schemas/InferenceRequest" }), &all, "request");
		let reply = world.post(&real, &asks);
		assert!(reply.json()["parameters"]["receipt"].is_string());
		fits(&all, "post", &path, &reply);
		fits(&all, "post", &path, &world.post(&real, &json!({})));
		fits(&all, "post", &path, &world.post(&real.replace("digits", "nobody"), &asks));
		fits(&all, "post", &path, &world.get(&real));
		asks["parameters"] = json!({ "proof": "groth16", "request_id": "7" });
		fits(&all, "post", &path, &world.post(&real, &asks));
	}
	let (json, tensor) = binary_request(1);
	let reply = world.infer_binary("digits", &json, &tensor);
	fits(&all, "post", "/v2/models/{model}/infer", &reply);
	let response = json!({ "$ref": "#/components/schemas/InferenceResponse" });
	check(&reply.binary().0, &response, &all, "binary");

	let index = world.post("/v2/repository/index", &json!({ "ready": true }));
	seen.insert(fits(&all, "post", "/v2/repository/index", &index));
	fits(&all, "post", "/v2/repository/index", &world.post("/v2/repository/index", &json!([])));
	for what in ["unload", "load"] {
		let path = format!("/v2/repository/models/{{model}}/{what}");
		for model in ["iris", "nobody"] {
			let reply = world.post(&path.replace("{model}", model), &json!({}));
			seen.insert(fits(&all, "post", &path, &reply));
		}
	}

	let mut every = BTreeSet::new();
	for (path, operations) in all["paths"].as_object().unwrap() {
		for method in operations.as_object().unwrap().keys() {
			every.insert((method.clone(), path.clone()));
		}
	}
	assert_eq!(seen, every);
}

#[test]
fn models_that_are_not_there_answer_as_described() {
	let (world, all) = (server(), described());
	assert_eq!(world.post("/v2/repository/models/iris/unload", &json!({})).status, 200);
	let path = "/v2/models/{model}";
	for rest in ["", "/ready", "/config", "/stats"] {
		let reply = world.get(&format!("/v2/models/iris{rest}"));
		fits(&all, "get", &format!("{path}{rest}"), &reply);
	}
	world.server.drain();
	let reply = world.infer("digits", &request(1));
	reply.refuses(503, "stopping");
	fits(&all, "post", "/v2/models/{model}/infer", &reply);
	let ready = world.get("/v2/health/ready");
	assert_eq!(ready.status, 503);
	fits(&all, "get", "/v2/health/ready", &ready);
}

#[test]
fn the_check_itself_refuses() {
	let all = described();
	let schema = json!({ "$ref": "#/components/schemas/ModelReady" });
	let refused = |value: Value| {
		let (schema, all) = (schema.clone(), all.clone());
		std::panic::catch_unwind(move || check(&value, &schema, &all, "")).is_err()
	};
	assert!(!refused(json!({ "name": "m", "ready": true })));
	assert!(refused(json!({ "name": "m" })));
	assert!(refused(json!({ "name": 1, "ready": true })));
	assert!(refused(json!({ "name": "m", "ready": true, "more": 1 })));
	assert!(std::panic::catch_unwind(|| pattern("0xg0", "^0x[0-9a-f]*$", "")).is_err());
	assert!(std::panic::catch_unwind(|| pattern("0x00", "^0x[0-9a-f]{64}$", "")).is_err());
}
