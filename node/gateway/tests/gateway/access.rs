//! Who may call, and what is signed.

use crate::{request, world, world_with};
use aimodel_gateway::{
	access::{Admission, Admitted, Call, Charge, Usage},
	receipt, Quote, Receipt, Receipts, Refusal, Signed, Tokens,
};
use aimodel_inference::{
	serving::Priority,
	tensor::{DataType, Tensor},
};
use aimodel_primitives::ids::ArtifactHash;
use codec::Decode;
use futures::future::{ready, BoxFuture};
use http::HeaderMap;
use serde_json::{json, Value};
use sp_core::{crypto::Pair, sr25519, H256};
use std::{
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc,
	},
	time::Duration,
};

fn pair() -> sr25519::Pair {
	sr25519::Pair::from_seed(&[5; 32])
}

fn unhex(value: &Value) -> Vec<u8> {
	hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

/// The receipt among the parameters of an answer, whose signature is right.
fn signed(parameters: &Value) -> Signed {
	let receipt = Receipt::decode(&mut &unhex(&parameters["receipt"])[..]).unwrap();
	let signer = <[u8; 32]>::try_from(unhex(&parameters["receipt_signer"])).unwrap();
	let signature = <[u8; 64]>::try_from(unhex(&parameters["receipt_signature"])).unwrap();
	let signed = Signed { receipt, signer: signer.into(), signature: signature.into() };
	assert!(signed.verify());
	signed
}

#[test]
fn who_has_no_token_is_turned_away() {
	let hash = hex::encode(sp_crypto_hashing::sha2_256(b"secret"));
	let operator = hex::encode(sp_crypto_hashing::sha2_256(b"operator"));
	let file = format!("alice {hash} high\nbob {operator} operator");
	let tokens = Arc::new(Tokens::parse(&file).unwrap());
	let world = world_with(|_, hooks| hooks.admission = tokens);
	let body = request(1).to_string();
	let infer = |token: Option<&str>| {
		let token = token.map(|token| format!("Bearer {token}"));
		let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
		world.request("POST", "/v2/models/digits/infer", &headers, body.as_bytes())
	};
	infer(None).refuses(401, "authorization: Bearer TOKEN");
	assert_eq!(infer(None).header("www-authenticate"), Some("Bearer"));
	infer(Some("wrong")).refuses(401, "nobody has this token");
	assert_eq!(infer(Some("secret")).status, 200);
	// Before its body is read.
	let mut client = world.connect();
	client.send(
		b"POST /v2/models/digits/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n",
	);
	client.reply().unwrap().refuses(401, "token");

	let unload = |token: &str| {
		let token = format!("Bearer {token}");
		let headers = [("authorization", token.as_str())];
		world.request("POST", "/v2/repository/models/iris/unload", &headers, b"")
	};
	unload("secret").refuses(403, "`alice` is no operator");
	assert_eq!(unload("operator").status, 200);
	// What the models are is told to everybody.
	assert_eq!(world.get("/v2/models/digits").status, 200);
}

#[test]
fn tokens_are_read_again_when_the_file_changes_and_stay_where_it_is_wrong() {
	let folder = tempfile::tempdir().unwrap();
	let file = folder.path().join("tokens");
	let line = |token: &str| {
		format!("{token} {}\n", hex::encode(sp_crypto_hashing::sha2_256(token.as_bytes())))
	};
	std::fs::write(&file, line("first")).unwrap();
	let tokens = Arc::new(Tokens::from_file(&file).unwrap());
	let world = world_with(|config, hooks| {
		config.limits.reload_interval = Duration::from_millis(20);
		hooks.admission = tokens;
	});
	let body = request(1).to_string();
	let infer = |token: &str| {
		let token = format!("Bearer {token}");
		let headers = [("authorization", token.as_str())];
		world.request("POST", "/v2/models/digits/infer", &headers, body.as_bytes()).status
	};
	assert_eq!((infer("first"), infer("second")), (200, 401));
	std::fs::write(&file, "what is this?").unwrap();
	world.wait_for_stale(1);
	assert_eq!((infer("first"), infer("second")), (200, 401));
	std::fs::write(&file, line("second")).unwrap();
	world.wait_for_stale(0);
	assert_eq!((infer("first"), infer("second")), (401, 200));
}

/// Admits everybody, and counts what was charged.
#[derive(Clone, Default)]
struct Counts(Arc<AtomicUsize>);

impl Admission for Counts {
	fn greet(&self, _: &HeaderMap) -> Result<(), Refusal> {
		Ok(())
	}

	fn admit<'a>(&'a self, _: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		let charge: Box<dyn Charge> = Box::new(self.clone());
		let (priority, caller) = (Priority::Normal, "somebody".into());
		Box::pin(ready(Ok(Admitted { priority, caller, charge: Some(charge) })))
	}
}

impl Charge for Counts {
	fn settle(self: Box<Self>, _: Usage) {
		self.0.fetch_add(1, Ordering::SeqCst);
	}
}

#[test]
fn what_can_not_be_answered_is_not_charged() {
	let counts = Counts::default();
	let charged = || counts.0.load(Ordering::SeqCst);
	let world = world_with(|_, hooks| hooks.admission = Arc::new(counts.clone()));
	let mut asks = request(1);
	let name = asks["inputs"][0]["name"].clone();
	asks["inputs"] = json!([{ "name": name, "datatype": "FP32", "shape": [1, 64],
		"parameters": { "binary_data_size": 256 } }]);
	let mut image = [0f32; 64];
	image[20] = f32::INFINITY;
	let image = crate::bytes(&image);
	world
		.infer_binary("digits", &asks, &image)
		.refuses(400, "no number, for which JSON has no form");
	let events = [("accept", "text/event-stream"), ("connection", "close")];
	let head = asks.to_string();
	let length = head.len().to_string();
	let headers = [&events[..], &[("inference-header-content-length", length.as_str())]].concat();
	let body = [head.as_bytes(), &image].concat();
	let told = world.request("POST", "/v2/models/digits/infer", &headers, &body);
	let told = crate::events::events(&told);
	assert_eq!(told.last().unwrap().0, "error");
	assert_eq!(charged(), 0);
	asks["parameters"] = json!({ "binary_data_output": true });
	assert_eq!(world.infer_binary("digits", &asks, &image).status, 200);
	assert_eq!(charged(), 1);
}

#[test]
fn a_receipt_names_what_was_answered() {
	let genesis = H256::repeat_byte(9);
	let world = world_with(|config, hooks| {
		config.genesis = genesis;
		hooks.signer = Some(Arc::new(pair()));
	});
	let mut asks = request(2);
	assert!(world.infer("digits", &asks).json()["parameters"].get("receipt").is_none());
	asks["parameters"] = json!({ "receipt": true, "nonce": "ab".repeat(32) });
	let answer = world.infer("digits", &asks).json();
	let Signed { receipt, signer, .. } = signed(&answer["parameters"]);
	assert_eq!(signer, pair().public());
	assert_eq!((receipt.model.as_str(), receipt.version.as_str()), ("digits", "1.0.0"));
	assert_eq!((receipt.genesis, receipt.units, receipt.nonce), (genesis, 2, [0xab; 32]));
	let tensor = |name: &str, shape: [u64; 2], data: &[f32]| Tensor {
		name: name.into(),
		data_type: DataType::Fp32,
		shape: shape.into(),
		data: crate::bytes(data).into(),
	};
	let image = tensor("image", [2, 64], &crate::images(2));
	assert_eq!(receipt.input, receipt::hash(&[image]));
	let scores = tensor("scores", [2, 10], &crate::scores(&answer));
	assert_eq!(receipt.output, receipt::hash(&[scores]));
	let hash = format!("0x{}", hex::encode(receipt.artifact));
	assert_eq!(answer["parameters"]["model_hash"], hash);
	let told = world.get("/v2").json();
	assert_eq!(told["parameters"]["receipt_signer"], answer["parameters"]["receipt_signer"]);
}

#[test]
fn all_answers_are_signed_where_the_operator_says_so() {
	let world = world_with(|config, hooks| {
		config.receipts = Receipts::Always;
		hooks.signer = Some(Arc::new(pair()));
	});
	signed(&world.infer("digits", &request(1)).json()["parameters"]);
}

#[test]
fn what_the_chain_knows_is_priced() {
	struct OfElements;
	impl aimodel_gateway::Prices for OfElements {
		fn quote(&self, artifact: &ArtifactHash, input: u64, output: u64) -> Option<Quote> {
			let units = input + output;
			let known = *artifact != ArtifactHash::zero();
			known.then_some(Quote { units, price: Some(u128::from(units) << 70) })
		}
	}
	let world = world_with(|_, hooks| hooks.prices = Some(Arc::new(OfElements)));
	let parameters = &world.infer("digits", &request(2)).json()["parameters"];
	assert_eq!(parameters["units"], 148);
	assert_eq!(parameters["price"], (148_u128 << 70).to_string());
}

#[test]
fn nobody_signs_without_a_key() {
	let world = world();
	let any = "127.0.0.1:0".parse().unwrap();
	let config =
		aimodel_gateway::Config { receipts: Receipts::Always, ..aimodel_gateway::Config::new(any) };
	let hooks = aimodel_gateway::Hooks::default();
	let started = aimodel_gateway::Gateway::start(
		config,
		world.server.clone(),
		hooks,
		world.runtime.handle(),
	);
	assert!(matches!(started, Err(aimodel_gateway::StartError::NoSigner)));
}
