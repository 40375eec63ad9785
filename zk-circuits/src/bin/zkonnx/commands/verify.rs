//! `zkonnx verify`

use crate::files::{self, Failure};
use std::path::PathBuf;
use zkonnx::{statement, Fr, Proof, VerifyingKey};

/// Check a proof. Exits with 1 if it does not prove that the output is the model's answer.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The verifying key
	#[arg(short = 'k', long, value_name = "FILE")]
	verifying_key: PathBuf,
	/// The proof: 192 bytes, or 384 uncompressed
	#[arg(short, long, value_name = "FILE")]
	proof: PathBuf,
	/// Bytes of input tensors, one after the other
	#[arg(short, long, value_name = "FILE")]
	input: PathBuf,
	/// The input tensor that the proof is about, counted from 0
	#[arg(short, long, value_name = "N", default_value_t = 0)]
	row: usize,
	/// Bytes of the output tensor
	#[arg(short, long, value_name = "FILE")]
	output: PathBuf,
	/// The scalar that the proof is bound to: 32 bytes, little-endian, hexadecimal [default: 0]
	#[arg(short, long, value_name = "HEX")]
	binding: Option<String>,
	/// Check too that the key was made for this model file
	#[arg(short, long, value_name = "MODEL.onnx")]
	model: Option<PathBuf>,
	/// Print the result as JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let key_path = &arguments.verifying_key;
	let key = files::about(key_path, VerifyingKey::from_bytes(&files::read(key_path)?))?;
	if let Some(path) = &arguments.model {
		files::about(key_path, key.check(&files::network(path)?))?;
	}
	let binding = match &arguments.binding {
		Some(text) => super::parse_binding(text)?,
		None => Fr::default(),
	};
	let proof = files::about(&arguments.proof, Proof::from_bytes(&files::read(&arguments.proof)?))?;
	let inputs = files::read(&arguments.input)?;
	let info = key.info();
	let row_bytes = info.input.bytes();
	if !inputs.len().is_multiple_of(row_bytes) || arguments.row >= inputs.len() / row_bytes {
		return Err(format!(
			"{} has {} bytes; input tensors have {row_bytes} each, and number {} was asked for",
			arguments.input.display(),
			inputs.len(),
			arguments.row
		)
		.into());
	}
	let input = &inputs[arguments.row * row_bytes..][..row_bytes];
	let output = files::read(&arguments.output)?;
	let public = statement::public_inputs(binding, (&info.input, input), (&info.output, &output))?;
	zkonnx::verify(&key, &public, &proof)?;
	let mut report = super::key_json(info);
	report["valid"] = true.into();
	super::print(&report, arguments.json);
	Ok(())
}
