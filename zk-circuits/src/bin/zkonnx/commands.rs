//! One module per subcommand.

mod batch;
pub(crate) mod ceremony;
pub(crate) mod commit;
pub(crate) mod hide;
pub(crate) mod inspect;
pub(crate) mod open_output;
pub(crate) mod prove;
pub(crate) mod quantize;
pub(crate) mod run;
pub(crate) mod setup;
pub(crate) mod verify;

use crate::files::Failure;
use zkonnx::{statement, ElementType, Fr, KeyInfo, Privacy, TensorType, Visibility};

/// The scalar of 64 hexadecimal digits, little-endian bytes.
pub(crate) fn parse_scalar(what: &str, text: &str) -> Result<Fr, Failure> {
	let mut bytes = [0u8; 32];
	hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes).map_err(|_| {
		format!("the {what} must be 64 hexadecimal digits (32 bytes, little-endian)")
	})?;
	statement::scalar_from_bytes(&bytes).map_err(|error| format!("the {what}: {error}").into())
}

/// The binding of a proof; 0 if none is given.
fn parse_binding(text: Option<&str>) -> Result<Fr, Failure> {
	text.map_or(Ok(Fr::default()), |text| parse_scalar("binding", text))
}

fn scalar_hex(scalar: Fr) -> String {
	hex::encode(statement::scalar_to_bytes(scalar))
}

/// What of an inference a proof tells.
#[derive(clap::Args)]
pub(crate) struct PrivacyOptions {
	/// Whether the statement has the input, or a commitment to it: public or committed
	#[arg(long, value_name = "VISIBILITY", default_value_t)]
	input: Visibility,
	/// Whether the statement has the output, or a commitment and a ciphertext: public or committed
	#[arg(long, value_name = "VISIBILITY", default_value_t)]
	output: Visibility,
}

impl PrivacyOptions {
	fn privacy(&self) -> Privacy {
		Privacy { input: self.input, output: self.output }
	}
}

fn privacy_json(privacy: Privacy) -> serde_json::Value {
	serde_json::json!({
		"input": privacy.input.to_string(),
		"output": privacy.output.to_string(),
	})
}

/// The elements of a tensor, as JSON numbers.
fn elements(kind: &TensorType, bytes: &[u8]) -> Vec<i64> {
	match kind.element {
		ElementType::U8 => bytes.iter().map(|&x| i64::from(x)).collect(),
		_ => bytes
			.chunks_exact(4)
			.map(|x| i64::from(i32::from_le_bytes([x[0], x[1], x[2], x[3]])))
			.collect(),
	}
}

fn tensor_json(kind: &TensorType) -> serde_json::Value {
	serde_json::json!({ "element": kind.element.to_string(), "shape": kind.shape })
}

fn key_json(info: &KeyInfo) -> serde_json::Value {
	serde_json::json!({
		"artifact_hash": hex::encode(info.artifact_hash),
		"circuit_digest": hex::encode(info.circuit_digest),
		"statement_version": info.statement_version,
		"privacy": privacy_json(info.privacy),
		"parameters": info.parameters.to_string(),
		"origin": info.origin,
		"input": tensor_json(&info.input),
		"output": tensor_json(&info.output),
		"public_inputs": info.public_inputs(),
	})
}

/// Prints an object as JSON, or as aligned lines `key: value`.
fn print(value: &serde_json::Value, json: bool) {
	if json {
		println!("{value}");
		return;
	}
	let Some(object) = value.as_object() else { return };
	let width = object.keys().map(String::len).max().unwrap_or(0) + 2;
	for (key, value) in object.iter().filter(|(_, value)| !value.is_null()) {
		let key = format!("{}:", key.replace('_', " "));
		match value {
			serde_json::Value::String(text) => println!("{key:width$}{text}"),
			serde_json::Value::Array(lines) if lines.iter().any(|line| !line.is_number()) => {
				println!("{key}");
				for line in lines {
					println!("  {}", line.as_str().map_or(line.to_string(), String::from));
				}
			},
			other => println!("{key:width$}{other}"),
		}
	}
}
