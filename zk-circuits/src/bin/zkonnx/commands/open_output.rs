//! `zkonnx open-output`

use crate::files::{self, Failure};
use std::path::PathBuf;
use zkonnx::Visibility;

/// Decrypt an output that was committed.
///
/// Fails if it is not what was sealed for this opening and binding. That it is the model's answer is
/// what the proof shows: `zkonnx verify`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The verifying key
	#[arg(short = 'k', long, value_name = "FILE")]
	verifying_key: PathBuf,
	/// What opens the request's commitment
	#[arg(long, value_name = "FILE")]
	opening: PathBuf,
	/// Commitment and ciphertext of the output, as `prove --published` writes them
	#[arg(short, long, value_name = "FILE")]
	published: PathBuf,
	/// The scalar that the proof is bound to: 32 bytes, little-endian, hexadecimal [default: 0]
	#[arg(short, long, value_name = "HEX")]
	binding: Option<String>,
	/// Where to write the bytes of the output tensor; a new file, readable for its owner only
	#[arg(short, long, value_name = "FILE")]
	output: Option<PathBuf>,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let binding = super::parse_binding(arguments.binding.as_deref())?;
	let key = files::verifying_key(&arguments.verifying_key)?;
	if key.info().privacy.output == Visibility::Public {
		let path = arguments.verifying_key.display();
		return Err(format!("{path}: the output is public; there is nothing to open").into());
	}
	let opening = files::opening(&arguments.opening)?;
	let kind = &key.info().output;
	let path = &arguments.published;
	let output = files::about(path, opening.open_output(binding, kind, &files::read(path)?))?;
	if let Some(path) = &arguments.output {
		files::write_secret(path, &output)?;
	}
	let report = serde_json::json!({
		"output": super::elements(kind, &output),
		"output_bytes": hex::encode(&output),
	});
	super::print(&report, arguments.json);
	Ok(())
}
