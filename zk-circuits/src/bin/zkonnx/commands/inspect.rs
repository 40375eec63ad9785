//! `zkonnx inspect`

use crate::files::{self, Failure};
use serde_json::json;
use std::path::PathBuf;
use zkonnx::{
	ceremony::{powers, Transcript},
	Circuit, Network, Proof, ProvingKey,
};

/// Describe a provable model, a key, a proof or a file of a ceremony. The kind of file is told by its contents.
///
/// A model is described by its integer graph, the bounds of every value over all inputs, and its
/// circuit; an error says what keeps a model from being provable.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The file: .onnx, .pk, .vk, a proof, powers of tau or a ceremony's transcript
	file: PathBuf,
	#[command(flatten)]
	privacy: super::PrivacyOptions,
	/// Print JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let path = &arguments.file;
	let bytes = files::read(path)?;
	let value = if bytes.starts_with(b"zkonnxVK") {
		let key = files::verifying_key(path)?;
		let mut value = super::key_json(key.info());
		value["kind"] = "verifying key".into();
		value["point_bytes"] = key.points().len().into();
		value
	} else if bytes.starts_with(b"zkonnxPK") {
		files::progress("checking every point of the key");
		let key = files::about(path, ProvingKey::from_bytes(&bytes))?;
		let mut value = super::key_json(key.info());
		value["kind"] = "proving key".into();
		value
	} else if bytes.starts_with(b"zkonnxPT") {
		let status = files::about(path, powers::peek(&mut &bytes[..]))?;
		let mut value = super::ceremony::status_json(&status);
		value["kind"] = "powers of tau, not verified".into();
		value
	} else if bytes.starts_with(b"zkonnxCT") {
		let transcript = files::about(path, Transcript::from_bytes(&bytes))?;
		let mut value = super::ceremony::status_json(&transcript.status());
		value["kind"] = "transcript of a ceremony, not verified".into();
		value["powers"] = hex::encode(transcript.powers()).into();
		value["privacy"] = super::privacy_json(transcript.privacy());
		value
	} else if let Ok(proof) = Proof::from_bytes(&bytes) {
		json!({ "kind": "proof", "compressed": hex::encode(proof.to_bytes()) })
	} else {
		let network = files::about(path, Network::from_onnx(&bytes))?;
		let privacy = arguments.privacy.privacy();
		let circuit = Circuit::new(&network, privacy);
		let nodes: Vec<_> = match arguments.json {
			true => network.summary().iter().map(|node| json!(node)).collect(),
			false => network
				.summary()
				.iter()
				.map(|node| {
					json!(format!(
						"{:24} {:12} {:6} elements {:7} constraints, {}..={}",
						node.name,
						node.operator,
						node.elements,
						node.constraints,
						node.lowest,
						node.highest
					))
				})
				.collect(),
		};
		json!({
			"kind": "provable model",
			"artifact_hash": hex::encode(network.artifact_hash()),
			"input": network.input().to_string(),
			"output": network.output().to_string(),
			"multiply_accumulates": network.multiply_accumulates(),
			"privacy": super::privacy_json(privacy),
			"parameters": network.parameters().to_string(),
			"parameter_commitment": network.parameter_commitment().map(super::scalar_hex),
			"constraints": circuit.constraints(),
			"statement_constraints": network.statement_constraints(),
			"public_inputs": circuit.public_inputs(),
			"witness_variables": circuit.witness(),
			"coefficients": circuit.coefficients(),
			"circuit_digest": hex::encode(circuit.digest()),
			"input_scale": network.scales().map(|scales| scales.input_scale),
			"input_zero_point": network.scales().map(|scales| scales.input_zero_point),
			"output_scale": network.scales().map(|scales| scales.output_scale),
			"nodes": nodes,
		})
	};
	super::print(&value, arguments.json);
	Ok(())
}
