//! `zkonnx verify`

use crate::files::{self, Failure};
use std::path::{Path, PathBuf};
use zkonnx::{
	statement::{self, InputPart, Request},
	Proof, TensorType,
};

/// Check a proof. Exits with 1 if it does not prove that the output is the model's answer.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The verifying key
	#[arg(short = 'k', long, value_name = "FILE")]
	verifying_key: PathBuf,
	/// The proof: 192 bytes, or 384 uncompressed
	#[arg(short, long, value_name = "FILE")]
	proof: PathBuf,
	/// Bytes of input tensors, one after the other; not where the input is committed
	#[arg(short, long, value_name = "FILE")]
	input: Option<PathBuf>,
	/// The input tensor that the proof is about, counted from 0
	#[arg(short, long, value_name = "N", default_value_t = 0)]
	row: usize,
	/// Where the input or the output is committed: the commitment of the request, 32 bytes,
	/// little-endian, hexadecimal
	#[arg(short, long, value_name = "HEX", requires = "holder")]
	commitment: Option<String>,
	/// Where the input or the output is committed: whose request it is, 32 bytes, little-endian,
	/// hexadecimal
	#[arg(long, value_name = "HEX", requires = "commitment")]
	holder: Option<String>,
	/// What the statement tells of the output: the bytes of the tensor or, where it is committed,
	/// its commitment and ciphertext, as `prove --published` writes them
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
	let key = files::verifying_key(key_path)?;
	if let Some(path) = &arguments.model {
		files::about(key_path, key.check(&files::network(path)?))?;
	}
	let binding = super::parse_binding(arguments.binding.as_deref())?;
	let proof = files::about(&arguments.proof, Proof::from_bytes(&files::read(&arguments.proof)?))?;
	let info = key.info();
	let path = arguments.input.as_deref();
	let input = path.map(|path| row(path, &info.input, arguments.row)).transpose()?;
	let request = match (&arguments.commitment, &arguments.holder) {
		(Some(commitment), Some(holder)) => Some(Request {
			commitment: super::parse_scalar("commitment", commitment)?,
			holder: super::parse_scalar("holder", holder)?,
		}),
		_ => None,
	};
	let part = InputPart { request, tensor: input.as_ref().map(|input| (&info.input, &input[..])) };
	let output = files::read(&arguments.output)?;
	let public = statement::public_inputs(binding, info.privacy, part, (&info.output, &output))?;
	zkonnx::verify(&key, &public, &proof)?;
	let mut report = super::key_json(info);
	report["valid"] = true.into();
	super::print(&report, arguments.json);
	Ok(())
}

/// One of the tensors in a file.
fn row(path: &Path, kind: &TensorType, row: usize) -> Result<Vec<u8>, Failure> {
	let (bytes, length) = (files::read(path)?, kind.bytes());
	if !bytes.len().is_multiple_of(length) || row >= bytes.len() / length {
		return Err(format!(
			"{} has {} bytes; input tensors have {length} each, and number {row} was asked for",
			path.display(),
			bytes.len(),
		)
		.into());
	}
	Ok(bytes[row * length..][..length].to_vec())
}
