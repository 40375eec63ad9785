//! One module per subcommand.

pub(crate) mod ceremony;
pub(crate) mod inspect;
pub(crate) mod prove;
pub(crate) mod quantize;
pub(crate) mod run;
pub(crate) mod setup;
pub(crate) mod verify;

use crate::files::Failure;
use zkonnx::{statement, ElementType, Fr, KeyInfo, TensorType};

/// The scalar of 64 hexadecimal digits, little-endian bytes.
fn parse_binding(text: &str) -> Result<Fr, Failure> {
	let mut bytes = [0u8; 32];
	hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
		.map_err(|_| "the binding must be 64 hexadecimal digits (32 bytes, little-endian)")?;
	statement::scalar_from_bytes(&bytes).map_err(|error| format!("the binding: {error}").into())
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
