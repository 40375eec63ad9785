//! The command-line program of the `zkonnx` crate: see its README.

mod commands;
mod files;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Makes ONNX models provable, and proves inferences with Groth16 over BLS12-381.
#[derive(Parser)]
#[command(name = "zkonnx", version, propagate_version = true)]
struct Arguments {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Turn a float ONNX model and calibration data into a provable model
	Quantize(commands::quantize::Arguments),
	/// Make the parameters of a provable model private
	Hide(commands::hide::Arguments),
	/// Describe a provable model, a key or a proof
	Inspect(commands::inspect::Arguments),
	/// Run a provable model
	Run(commands::run::Arguments),
	/// Make the proving and the verifying key of a provable model
	Setup(commands::setup::Arguments),
	/// Make the keys of a provable model by several parties
	Ceremony(commands::ceremony::Arguments),
	/// Draw the salt of a request, and commit to its input
	Commit(commands::commit::Arguments),
	/// Run a provable model on one input, and prove the answer
	Prove(commands::prove::Arguments),
	/// Check a proof
	Verify(commands::verify::Arguments),
	/// Decrypt an output that was committed
	OpenOutput(commands::open_output::Arguments),
}

fn main() -> ExitCode {
	let result = match Arguments::parse().command {
		Command::Quantize(arguments) => commands::quantize::run(&arguments),
		Command::Hide(arguments) => commands::hide::run(&arguments),
		Command::Inspect(arguments) => commands::inspect::run(&arguments),
		Command::Run(arguments) => commands::run::run(&arguments),
		Command::Setup(arguments) => commands::setup::run(&arguments),
		Command::Ceremony(arguments) => commands::ceremony::run(&arguments),
		Command::Commit(arguments) => commands::commit::run(&arguments),
		Command::Prove(arguments) => commands::prove::run(&arguments),
		Command::Verify(arguments) => commands::verify::run(&arguments),
		Command::OpenOutput(arguments) => commands::open_output::run(&arguments),
	};
	match result {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::FAILURE
		},
	}
}
