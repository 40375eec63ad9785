//! `zkonnx run`

use crate::files::{self, Failure};
use std::path::PathBuf;

/// Run a provable model on every row of a file, bit for bit as ONNX Runtime does.
///
/// Prints one line per row: the elements of the output tensor.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The provable model
	#[arg(value_name = "MODEL.onnx")]
	model: PathBuf,
	/// Inputs: .u8 (the input tensors as they are), or .f32 or .csv (real numbers)
	#[arg(short, long, value_name = "ROWS")]
	input: PathBuf,
	/// Run this row only, counted from 0
	#[arg(short, long, value_name = "N")]
	row: Option<usize>,
	/// Write the bytes of the output tensors to a file instead of printing them
	#[arg(short, long, value_name = "FILE")]
	output: Option<PathBuf>,
	/// Overwrite the output
	#[arg(long)]
	force: bool,
	/// Print one JSON array per row
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let network = files::network(&arguments.model)?;
	let inputs = match arguments.row {
		Some(row) => vec![files::input(&arguments.input, &network, row)?],
		None => files::inputs(&arguments.input, &network)?,
	};
	let mut bytes = Vec::new();
	for input in &inputs {
		let output = network.execute(input)?;
		if arguments.output.is_none() {
			let elements = super::elements(network.output(), &output);
			match arguments.json {
				true => println!("{}", serde_json::json!(elements)),
				false => {
					let words: Vec<String> = elements.iter().map(i64::to_string).collect();
					println!("{}", words.join(" "));
				},
			}
		}
		bytes.extend(output);
	}
	match &arguments.output {
		Some(path) => files::write(path, &bytes, arguments.force),
		None => Ok(()),
	}
}
