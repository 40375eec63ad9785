//! `zkonnx prove`

use crate::files::{self, Failure};
use std::{path::PathBuf, time::Instant};
use zkonnx::{rand::rngs::OsRng, ProveError, Proved, Prover};

/// Run a provable model on one input, and prove the answer.
///
/// The proof is checked before it is written.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The provable model
	#[arg(value_name = "MODEL.onnx")]
	model: PathBuf,
	/// The proving key [default: MODEL.pk]
	#[arg(short = 'k', long, value_name = "FILE")]
	proving_key: Option<PathBuf>,
	/// Inputs: .u8 (the input tensors as they are), or .f32 or .csv (real numbers)
	#[arg(short, long, value_name = "ROWS")]
	input: PathBuf,
	/// The row to prove, counted from 0
	#[arg(short, long, value_name = "N", default_value_t = 0)]
	row: usize,
	/// The scalar that the proof is bound to: 32 bytes, little-endian, hexadecimal [default: 0]
	#[arg(short, long, value_name = "HEX")]
	binding: Option<String>,
	/// What opens the request's commitment, where the input or the output is committed
	#[arg(long, value_name = "FILE")]
	opening: Option<PathBuf>,
	/// Where to write the proof (192 bytes)
	#[arg(short, long, value_name = "FILE")]
	proof: PathBuf,
	/// Write the proof's uncompressed form (384 bytes)
	#[arg(long)]
	uncompressed: bool,
	/// Where to write the bytes of the output tensor
	#[arg(short, long, value_name = "FILE")]
	output: Option<PathBuf>,
	/// Where to write what the statement tells of the output: the bytes of the tensor or, where it
	/// is committed, its commitment and ciphertext
	#[arg(long, value_name = "FILE")]
	published: Option<PathBuf>,
	/// Where to write the bytes of the input tensor
	#[arg(long, value_name = "FILE")]
	input_tensor: Option<PathBuf>,
	/// Check every point of the proving key; for keys from elsewhere
	#[arg(long)]
	check_key: bool,
	/// Overwrite files
	#[arg(long)]
	force: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let Arguments { output, published, input_tensor, .. } = arguments;
	let written =
		[Some(&arguments.proof), output.as_ref(), published.as_ref(), input_tensor.as_ref()];
	for path in written.into_iter().flatten() {
		files::check_absent(path, arguments.force)?;
	}
	let binding = super::parse_binding(arguments.binding.as_deref())?;
	let opening = arguments.opening.as_deref().map(files::opening).transpose()?;
	let network = files::network(&arguments.model)?;
	let input = files::input(&arguments.input, &network, arguments.row)?;
	let key_path =
		arguments.proving_key.clone().unwrap_or_else(|| files::beside(&arguments.model, "pk"));
	let key = files::proving_key(&key_path, arguments.check_key)?;
	let prover = files::about(&key_path, Prover::new(network, key))?;
	files::progress(format_args!("proving {} constraints", prover.circuit().constraints()));
	let start = Instant::now();
	let proved = prover.prove(&input, binding, opening.as_ref(), &mut OsRng);
	let Proved { output, published, proof } = proved.map_err(|error| match error {
		ProveError::Invalid => {
			format!("{}: {error}; --check-key finds out where", key_path.display())
		},
		ProveError::MissingOpening | ProveError::UnneededOpening => {
			format!("{}: {error} (--opening)", key_path.display())
		},
		error => error.to_string(),
	})?;
	let seconds = start.elapsed().as_secs_f64();
	let privacy = prover.key().info().privacy;
	let tensor = (prover.network().input(), &input[..]);
	let commitment = opening.map(|opening| opening.commit(privacy, tensor)).transpose()?;
	let bytes = match arguments.uncompressed {
		true => proof.to_uncompressed_bytes().to_vec(),
		false => proof.to_bytes().to_vec(),
	};
	files::write(&arguments.proof, &bytes, arguments.force)?;
	for (path, bytes) in [
		(&arguments.output, &output),
		(&arguments.published, &published),
		(&arguments.input_tensor, &input),
	] {
		if let Some(path) = path {
			files::write(path, bytes, arguments.force)?;
		}
	}
	let report = serde_json::json!({
		"proof": arguments.proof,
		"binding": super::scalar_hex(binding),
		"commitment": commitment.map(super::scalar_hex),
		"output": super::elements(prover.network().output(), &output),
		"output_bytes": hex::encode(&output),
		"published": hex::encode(&published),
		"seconds": seconds,
	});
	super::print(&report, arguments.json);
	Ok(())
}
