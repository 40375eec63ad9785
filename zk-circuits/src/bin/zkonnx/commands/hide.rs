//! `zkonnx hide`

use crate::files::{self, Failure};
use std::path::PathBuf;
use zkonnx::{rand::rngs::OsRng, Network};

/// Make the parameters of a provable model private: weights, and what is added to their sums.
///
/// The new file has the same parameters and a salt; statements about it have a commitment to
/// the parameters, and one key serves every model of the same architecture. Proofs hide the parameters from
/// customers and verifiers. They do not from workers, who need the file: give it to nobody else.
/// Circuits become many times as large: see `zkonnx inspect`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The provable model
	#[arg(value_name = "MODEL.onnx")]
	model: PathBuf,
	/// Where to write the model with private parameters
	#[arg(short, long, value_name = "FILE")]
	output: PathBuf,
	/// Overwrite the file
	#[arg(long)]
	force: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let path = &arguments.model;
	files::check_absent(&arguments.output, arguments.force)?;
	let hidden = zkonnx::hide_parameters(&files::read(path)?, &mut OsRng);
	let hidden = files::about(path, hidden)?;
	let network = files::about(path, Network::from_onnx(&hidden))?;
	files::write(&arguments.output, &hidden, arguments.force)?;
	let report = serde_json::json!({
		"model": arguments.output,
		"artifact_hash": hex::encode(network.artifact_hash()),
		"parameter_commitment": network.parameter_commitment().map(super::scalar_hex),
		"constraints": network.constraints(),
	});
	super::print(&report, arguments.json);
	Ok(())
}
