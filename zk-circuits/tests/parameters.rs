//! Models whose parameters are private.

use std::process::{Command, Output};
use tempfile::TempDir;
use zkonnx::{
	has_salt, hide_parameters,
	rand::{rngs::StdRng, SeedableRng},
	setup, statement, verify, Fr, ImportError, KeyError, Network, Parameters, Privacy, Proof,
	Prover, ProvingKey, SaltError, VerifyError, VerifyingKey, SALT_ENTRY_BYTES,
};

fn small() -> Vec<u8> {
	std::fs::read("tests/data/small.provable.onnx").expect("a model")
}

fn hidden(seed: u64) -> Network {
	let onnx = hide_parameters(&small(), &mut StdRng::seed_from_u64(seed)).expect("parameters");
	Network::from_onnx(&onnx).expect("a provable model")
}

fn prove(network: &Network, key: &ProvingKey, input: &[u8]) -> (Vec<u8>, Proof) {
	let prover = Prover::new(network.clone(), key.clone()).expect("a key of its circuit");
	let proved = prover.prove(input, Fr::from(5u64), None, &mut StdRng::seed_from_u64(4));
	let proved = proved.expect("a proof");
	(proved.output, proved.proof)
}

fn statement_of(network: &Network, parameters: Option<Fr>, input: &[u8], output: &[u8]) -> Vec<Fr> {
	let tensors = ((network.input(), input), (network.output(), output));
	let privacy = Privacy::PUBLIC;
	statement::public_inputs(Fr::from(5u64), parameters, privacy, tensors.0, tensors.1)
		.expect("tensors of the network")
}

#[test]
fn one_key_proves_for_each_model_that_was_committed_to() {
	let [first, second] = [hidden(1), hidden(2)];
	let key = setup(&first, Privacy::PUBLIC, &mut StdRng::seed_from_u64(3)).expect("a key");
	assert_eq!(key.info().parameters, Parameters::Private);
	assert_eq!(key.info().artifact_hash, [0; 32]);
	let key = ProvingKey::from_bytes(&key.to_bytes()).expect("the same key");
	let verifying =
		VerifyingKey::from_bytes(&key.verifying_key().to_bytes()).expect("the same key");
	let input = [9, 250];
	for (network, other) in [(&first, &second), (&second, &first)] {
		let (output, proof) = prove(network, &key, &input);
		assert_eq!(
			Ok(&output),
			Network::from_onnx(&small()).expect("valid").execute(&input).as_ref()
		);
		let [own, others] = [network, other].map(Network::parameter_commitment);
		assert_ne!(own, others, "of another salt");
		let told = statement_of(network, own, &input, &output);
		assert_eq!(verify(&verifying, &told, &proof), Ok(()));
		let told = statement_of(network, others, &input, &output);
		assert_eq!(verify(&verifying, &told, &proof), Err(VerifyError::Invalid));
		let told = statement_of(network, None, &input, &output);
		let counts = VerifyError::PublicInputs { expected: 4, got: 3 };
		assert_eq!(verify(&verifying, &told, &proof), Err(counts));
	}
}

#[test]
fn keys_of_fixed_and_private_parameters_are_told_apart() {
	let rng = || StdRng::seed_from_u64(3);
	let (fixed, private) = (Network::from_onnx(&small()).expect("valid"), hidden(1));
	let of = |network: &Network| setup(network, Privacy::PUBLIC, &mut rng()).expect("a key");
	let refused = |network: &Network, key| Prover::new(network.clone(), key).err();
	let error = |key, model| Some(KeyError::Parameters { key, model });
	let (one, other) = (Parameters::Fixed, Parameters::Private);
	assert_eq!(refused(&private, of(&fixed)), error(one, other));
	assert_eq!(refused(&fixed, of(&private)), error(other, one));
	assert_eq!(fixed.parameter_commitment(), None);
}

#[test]
fn parameters_are_hidden_once() {
	let rng = &mut StdRng::seed_from_u64(1);
	let hidden = hide_parameters(&small(), rng).expect("parameters");
	assert!(hidden.starts_with(&small()), "the file is as it was, and a salt");
	let again = hide_parameters(&hidden, rng);
	assert_eq!(again, Err(ImportError::Salt(SaltError::Present)));
	let mut damaged = hidden;
	*damaged.last_mut().expect("digits") = b'g';
	let refused = |file: &[u8]| Network::from_onnx(file).err();
	assert_eq!(refused(&damaged), Some(ImportError::Salt(SaltError::Encoding)));
}

#[test]
fn a_private_file_is_told_by_its_end() {
	let rng = &mut StdRng::seed_from_u64(1);
	let hidden = hide_parameters(&small(), rng).expect("parameters");
	assert!(has_salt(&hidden) && has_salt(&hidden[hidden.len() - SALT_ENTRY_BYTES..]));
	for other in [&small()[..], &hidden[..hidden.len() - 1], &hidden[1..20], &[]] {
		assert!(!has_salt(other));
	}
	// An empty producer's version behind the salt changes nothing but the place.
	let moved = [&hidden[..], &[0x1a, 0]].concat();
	assert_eq!(Network::from_onnx(&moved).err(), Some(ImportError::Salt(SaltError::Place)));
}

/// Runs the program in a folder.
fn zkonnx(folder: &TempDir, line: &str) -> Output {
	Command::new(env!("CARGO_BIN_EXE_zkonnx"))
		.args(line.split_whitespace())
		.current_dir(folder.path())
		.output()
		.expect("the program runs")
}

fn json(folder: &TempDir, line: &str) -> serde_json::Value {
	let output = zkonnx(folder, &format!("{line} --json"));
	assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
	serde_json::from_slice(&output.stdout).expect("JSON")
}

fn fails(folder: &TempDir, line: &str) -> String {
	let output = zkonnx(folder, line);
	assert!(!output.status.success(), "{line}");
	String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn hidden_proved_and_verified_by_the_program() {
	let folder = tempfile::tempdir().expect("a folder");
	std::fs::write(folder.path().join("m.onnx"), small()).expect("written");
	std::fs::write(folder.path().join("x.u8"), [1, 2]).expect("written");
	let report = json(&folder, "hide m.onnx --output p.onnx");
	let commitment = report["parameter_commitment"].as_str().expect("a commitment");
	assert!(fails(&folder, "hide m.onnx --output p.onnx").contains("exists"));
	assert!(fails(&folder, "hide p.onnx --output q.onnx").contains("private already"));
	assert_eq!(json(&folder, "inspect p.onnx")["parameter_commitment"], commitment);
	assert_eq!(json(&folder, "setup p.onnx")["parameters"], "private");
	let line = "prove p.onnx --input x.u8 --proof proof --output y --input-tensor t";
	assert_eq!(json(&folder, line)["parameter_commitment"], commitment);
	let line = "verify -k p.vk --proof proof --input t --output y";
	assert_eq!(json(&folder, &format!("{line} --parameters {commitment}"))["valid"], true);
	assert!(fails(&folder, line).contains("--parameters is needed"));
	let other = "11".repeat(32);
	assert!(fails(&folder, &format!("{line} --parameters {other}")).contains("not valid"));
	zkonnx(&folder, "setup m.onnx");
	let fixed = "verify -k m.vk --proof proof --input t --output y --parameters";
	assert!(fails(&folder, &format!("{fixed} {other}")).contains("are fixed"));
}
