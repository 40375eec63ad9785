//! Proofs, by the real prover: a customer asks for one with the inference and fetches it when it is ready.

use crate::{digits, events::events, example, world_with, World};
use aimodel_gateway::{
	proofs::{Accepted, Begun},
	Proof, ProofRequest, Prover, Refusal,
};
use aimodel_inference::{blobs, tensor::Tensor};
use aimodel_primitives::{
	privacy::Privacy,
	statement::{binding, public_inputs, Known},
	tensor::{ElementType, Interface, TensorType},
};
use serde_json::{json, Value};
use std::sync::{Arc, OnceLock};
use zkonnx::{
	privacy as circuit, rand::rngs::OsRng, setup, statement::scalar_from_bytes, Network,
	ProvingKey, VerifyingKey,
};

const GENESIS: [u8; 32] = [3; 32];
const WORKER: [u8; 32] = [7; 32];

fn artifact() -> Vec<u8> {
	example("digits/digits.provable.onnx")
}

fn interface() -> Interface {
	Interface {
		input: TensorType::fixed(ElementType::U8, &[1, 64]).unwrap(),
		output: TensorType::fixed(ElementType::I32, &[1, 10]).unwrap(),
	}
}

/// A key of the digits, made once.
fn key() -> &'static (Vec<u8>, VerifyingKey) {
	static KEY: OnceLock<(Vec<u8>, VerifyingKey)> = OnceLock::new();
	KEY.get_or_init(|| {
		let network = Network::from_onnx(&artifact()).unwrap();
		let public = circuit::Privacy {
			input: circuit::Visibility::Public,
			output: circuit::Visibility::Public,
		};
		let key = setup(&network, public, &mut OsRng).unwrap();
		(key.to_bytes(), key.verifying_key())
	})
}

/// Proves the digits, for requests below 100.
struct Digits;

impl Prover for Digits {
	fn accept(&self, task: ProofRequest) -> Result<Accepted, Refusal> {
		if task.artifact != blobs::hash(&artifact()) {
			return Err(Refusal::Forbidden(format!("there is no proving key of `{}`", task.model)));
		}
		if task.request >= 100 {
			return Err(Refusal::Forbidden("the request is not leased to this worker".into()));
		}
		let work = move |answered: Tensor, begun: Begun| {
			begun.running();
			let network = Network::from_onnx(&artifact()).unwrap();
			let key = ProvingKey::from_trusted_bytes(&key().0).unwrap();
			let prover = zkonnx::Prover::new(network, key).unwrap();
			let binding = binding(&GENESIS, task.request, &WORKER);
			let of = scalar_from_bytes(&binding).unwrap();
			let input = &task.input.data[..];
			let proved = prover.prove(input, of, None, &mut OsRng).map_err(|it| it.to_string())?;
			if proved.output != answered.data[..] {
				return Err("the engine answered something else".into());
			}
			let known = Known {
				binding,
				parameters: None,
				commitment: None,
				input: Some(input),
				output: &proved.published,
			};
			let public_inputs = public_inputs(&interface(), Privacy::PUBLIC, known).unwrap();
			Ok(Proof { proof: proved.proof.to_uncompressed_bytes().to_vec(), public_inputs })
		};
		Ok(Box::new(move |answered, begun| {
			let work = tokio::task::spawn_blocking(move || work(answered, begun));
			Box::pin(async move { work.await.unwrap() })
		}))
	}
}

fn world() -> World {
	world_with(|_, hooks| hooks.prover = Some(Arc::new(Digits)))
}

/// A request for the first image, with what is asked of its proof.
fn asks(world: &World, parameters: Value) -> Value {
	let name = &world.get("/v2/models/digits-provable").json()["inputs"][0]["name"];
	let image = &digits().0[..64];
	let input = json!({ "name": name, "datatype": "UINT8", "shape": [1, 64], "data": image });
	json!({ "inputs": [input], "parameters": parameters })
}

/// The bytes of hexadecimal digits.
fn unhex(value: &Value) -> Vec<u8> {
	hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

#[test]
fn a_proof_is_fetched_when_it_is_ready_and_is_valid() {
	let world = world();
	let body = asks(&world, json!({ "proof": "groth16", "request_id": 5 }));
	let answer = world.infer("digits-provable", &body).json();
	let id = answer["parameters"]["proof_id"].as_str().unwrap().to_owned();
	// Asked for again it is the same.
	let again = world.infer("digits-provable", &body).json();
	assert_eq!(again["parameters"]["proof_id"], id);

	let headers = [("connection", "close")];
	let followed = world.request("GET", &format!("/v2/proofs/{id}/events"), &headers, b"");
	let events = events(&followed);
	let (last, told) = events.last().unwrap();
	assert_eq!(last, "done", "{told}");
	let fetched = world.get(&format!("/v2/proofs/{id}")).json();
	assert_eq!(&fetched, told);
	assert_eq!((&fetched["id"], &fetched["status"]), (&json!(id), &json!("done")));

	let proof = zkonnx::Proof::from_bytes(&unhex(&fetched["proof"])).unwrap();
	let inputs = fetched["public_inputs"].as_array().unwrap();
	let scalar = |it: &Value| scalar_from_bytes(&unhex(it).try_into().unwrap()).unwrap();
	let inputs: Vec<_> = inputs.iter().map(scalar).collect();
	assert_eq!(inputs[0], scalar_from_bytes(&binding(&GENESIS, 5, &WORKER)).unwrap());
	zkonnx::verify(&key().1, &inputs, &proof).unwrap();
}

#[test]
fn what_can_not_be_proved_is_refused_at_once() {
	let world = world();
	let refused = |parameters: Value, status: u16, reason: &str| {
		let body = asks(&world, parameters);
		world.infer("digits-provable", &body).refuses(status, reason);
	};
	refused(json!({ "proof": "groth16" }), 400, "name it by the parameter `request_id`");
	refused(json!({ "proof": "plonk", "request_id": 5 }), 400, "`groth16`");
	refused(json!({ "proof": "groth16", "request_id": 100 }), 403, "not leased");
	let mut float = crate::request(1);
	float["parameters"] = json!({ "proof": "groth16", "request_id": 5 });
	world.infer("digits", &float).refuses(403, "no proving key of `digits`");
	// Nothing was computed for any of them.
	assert!(world.server.statistics(None, None).unwrap().iter().all(|it| it.execution_count == 0));
	world.works();
}

#[test]
fn proofs_that_are_over_make_room() {
	let world = world_with(|config, hooks| {
		config.limits.proofs = 1;
		hooks.prover = Some(Arc::new(Digits));
	});
	let prove = |request: u64| {
		let body = asks(&world, json!({ "proof": "groth16", "request_id": request }));
		world.infer("digits-provable", &body)
	};
	let first = prove(1).json()["parameters"]["proof_id"].as_str().unwrap().to_owned();
	// The first is followed to its end.
	let headers = [("connection", "close")];
	events(&world.request("GET", &format!("/v2/proofs/{first}/events"), &headers, b""));
	assert_eq!(prove(2).status, 200);
	world.get(&format!("/v2/proofs/{first}")).refuses(404, "not any more");
	prove(3).refuses(503, "as many proofs are being made");
}
