//! `zkonnx verify`

use super::batch::{self, Batch};
use crate::files::{self, Failure};
use std::path::{Path, PathBuf};
use zkonnx::{
	statement::{self, InputPart, Request},
	Fr, Parameters, Proof, TensorType, VerifyingKey,
};

/// Check a proof, or many. Exits with 1 if one does not prove that the output is the model's answer.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The verifying key
	#[arg(short = 'k', long, value_name = "FILE")]
	verifying_key: PathBuf,
	/// The proof: 192 bytes, or 384 uncompressed
	#[arg(short, long, value_name = "FILE", required_unless_present = "batch")]
	proof: Option<PathBuf>,
	/// Bytes of input tensors, one after the other; not where the input is committed
	#[arg(short, long, value_name = "FILE")]
	input: Option<PathBuf>,
	/// The input tensor that the proof is about, counted from 0
	#[arg(short, long, value_name = "N", default_value_t = 0)]
	row: usize,
	/// Where the input or the output is committed: the commitment of the request, 32 bytes,
	/// little-endian, hexadecimal
	#[arg(short, long, value_name = "HEX", requires = "holder", conflicts_with = "batch")]
	commitment: Option<String>,
	/// Where the input or the output is committed: whose request it is, 32 bytes, little-endian,
	/// hexadecimal
	#[arg(long, value_name = "HEX", requires = "commitment")]
	holder: Option<String>,
	/// What the statement tells of the output: the bytes of the tensor or, where it is committed,
	/// its commitment and ciphertext, as `prove --published` writes them
	#[arg(short, long, value_name = "FILE", required_unless_present = "batch")]
	output: Option<PathBuf>,
	/// Where the model's parameters are private: the commitment to them, 32 bytes, little-endian,
	/// hexadecimal
	#[arg(long, value_name = "HEX")]
	parameters: Option<String>,
	/// The scalar that the proof is bound to: 32 bytes, little-endian, hexadecimal [default: 0]
	#[arg(short, long, value_name = "HEX")]
	binding: Option<String>,
	#[command(flatten)]
	batch: Batch,
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
	match (arguments.batch.folder(), &arguments.proof, &arguments.output) {
		(Some(folder), _, _) => run_batch(arguments, &key, folder),
		(None, Some(proof), Some(output)) => run_one(arguments, &key, proof, output),
		_ => unreachable!("a batch or both are required; qed"),
	}
}

fn run_one(
	arguments: &Arguments,
	key: &VerifyingKey,
	proof: &Path,
	output: &Path,
) -> Result<(), Failure> {
	let binding = super::parse_binding(arguments.binding.as_deref())?;
	let parameters = parameters(arguments, key)?;
	let info = key.info();
	let input = match &arguments.input {
		Some(path) => Some(row(path, &files::read(path)?, &info.input, arguments.row)?.to_vec()),
		None => None,
	};
	let request = match (&arguments.commitment, &arguments.holder) {
		(Some(commitment), Some(holder)) => Some(Request {
			commitment: super::parse_scalar("commitment", commitment)?,
			holder: super::parse_scalar("holder", holder)?,
		}),
		_ => None,
	};
	let part = InputPart { request, tensor: input.as_ref().map(|input| (&info.input, &input[..])) };
	let (public, proof) = read(key, (binding, parameters), part, proof, output)?;
	zkonnx::verify(key, &public, &proof)?;
	let mut report = super::key_json(info);
	report["valid"] = true.into();
	super::print(&report, arguments.json);
	Ok(())
}

/// Checks the proofs of all rows together and, if one is not valid, each by itself.
fn run_batch(arguments: &Arguments, key: &VerifyingKey, folder: &Path) -> Result<(), Failure> {
	let info = key.info();
	batch::check_public(info)?;
	let parameters = parameters(arguments, key)?;
	let path = arguments.input.as_ref().ok_or("a batch needs --input")?;
	let bytes = files::read(path)?;
	// That there is a first row, and no part of one.
	row(path, &bytes, &info.input, 0)?;
	let inputs: Vec<&[u8]> = bytes.chunks_exact(info.input.bytes()).collect();
	let bindings = arguments.batch.bindings(arguments.binding.as_deref(), inputs.len())?;
	let rows = inputs.iter().zip(bindings).enumerate();
	let proofs = rows.map(|(row, (input, binding))| {
		let [proof, output] = batch::of_row(folder, row);
		let part = InputPart { request: None, tensor: Some((&info.input, input)) };
		let read = read(key, (binding, parameters), part, &proof, &output);
		read.map_err(|error| format!("row {row}: {error}").into())
	});
	let proofs = proofs.collect::<Result<Vec<_>, Failure>>()?;
	let all: Vec<(&[Fr], &Proof)> =
		proofs.iter().map(|(public, proof)| (&public[..], proof)).collect();
	let result = zkonnx::verify_batch(key, &all);
	let invalid: Vec<usize> = match result {
		Ok(()) => Vec::new(),
		Err(_) => (0..all.len())
			.filter(|&row| zkonnx::verify(key, all[row].0, all[row].1).is_err())
			.collect(),
	};
	let mut report = super::key_json(info);
	report["valid"] = result.is_ok().into();
	report["rows"] = all.len().into();
	report["invalid_rows"] = serde_json::json!(invalid);
	super::print(&report, arguments.json);
	result.map_err(|error| {
		let rows: Vec<String> = invalid.iter().map(usize::to_string).collect();
		format!("{} of {} proofs, rows {}: {error}", rows.len(), all.len(), rows.join(", ")).into()
	})
}

/// The commitment to the parameters, exactly where they are private.
fn parameters(arguments: &Arguments, key: &VerifyingKey) -> Result<Option<Fr>, Failure> {
	match (&arguments.parameters, key.info().parameters) {
		(Some(text), Parameters::Private) => {
			super::parse_scalar("commitment to the parameters", text).map(Some)
		},
		(None, Parameters::Fixed) => Ok(None),
		(None, Parameters::Private) => {
			Err("the model's parameters are private: --parameters is needed".into())
		},
		(Some(_), Parameters::Fixed) => {
			Err("the model's parameters are fixed: there is no commitment to them".into())
		},
	}
}

/// The public inputs of a statement, and its proof.
fn read(
	key: &VerifyingKey,
	(binding, parameters): (Fr, Option<Fr>),
	input: InputPart,
	proof: &Path,
	output: &Path,
) -> Result<(Vec<Fr>, Proof), Failure> {
	let proof = files::about(proof, Proof::from_bytes(&files::read(proof)?))?;
	let (output, info) = (files::read(output)?, key.info());
	let output = (&info.output, &output[..]);
	Ok((statement::public_inputs(binding, parameters, info.privacy, input, output)?, proof))
}

/// One of the tensors in a file.
fn row<'a>(
	path: &Path,
	bytes: &'a [u8],
	kind: &TensorType,
	row: usize,
) -> Result<&'a [u8], Failure> {
	let length = kind.bytes();
	if !bytes.len().is_multiple_of(length) || row >= bytes.len() / length {
		return Err(format!(
			"{} has {} bytes; input tensors have {length} each, and number {row} was asked for",
			path.display(),
			bytes.len(),
		)
		.into());
	}
	Ok(&bytes[row * length..][..length])
}
