//! `zkonnx prove`

use super::batch::{self, Batch};
use crate::files::{self, Failure};
use std::{
	path::{Path, PathBuf},
	time::Instant,
};
use zkonnx::{rand::rngs::OsRng, Job, Network, Proof, ProveError, Proved, Prover};

/// Run a provable model on one input, or on many, and prove the answers.
///
/// Proofs are checked before they are written.
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
	#[arg(long, value_name = "FILE", conflicts_with = "batch")]
	opening: Option<PathBuf>,
	/// Where to write the proof (192 bytes)
	#[arg(short, long, value_name = "FILE", required_unless_present = "batch")]
	proof: Option<PathBuf>,
	/// Write the proof's uncompressed form (384 bytes)
	#[arg(long)]
	uncompressed: bool,
	/// Where to write the bytes of the output tensor
	#[arg(short, long, value_name = "FILE")]
	output: Option<PathBuf>,
	/// Where to write what the statement tells of the output: the bytes of the tensor or, where it
	/// is committed, its commitment and ciphertext
	#[arg(long, value_name = "FILE", conflicts_with = "batch")]
	published: Option<PathBuf>,
	/// Where to write the bytes of the input tensor, or of a batch's input tensors
	#[arg(long, value_name = "FILE")]
	input_tensor: Option<PathBuf>,
	#[command(flatten)]
	batch: Batch,
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
	match (arguments.batch.folder(), &arguments.proof) {
		(Some(folder), _) => run_batch(arguments, folder),
		(None, Some(path)) => run_one(arguments, path),
		(None, None) => unreachable!("one of both is required; qed"),
	}
}

fn run_one(arguments: &Arguments, proof_path: &Path) -> Result<(), Failure> {
	let Arguments { output, published, input_tensor, .. } = arguments;
	let written = [output.as_deref(), published.as_deref(), input_tensor.as_deref()];
	for path in written.into_iter().flatten().chain([proof_path]) {
		files::check_absent(path, arguments.force)?;
	}
	let binding = super::parse_binding(arguments.binding.as_deref())?;
	let opening = arguments.opening.as_deref().map(files::opening).transpose()?;
	let network = files::network(&arguments.model)?;
	let input = files::input(&arguments.input, &network, arguments.row)?;
	let prover = prover(arguments, network)?;
	files::progress(format_args!("proving {} constraints", prover.circuit().constraints()));
	let start = Instant::now();
	let proved = prover.prove(&input, binding, opening.as_ref(), &mut OsRng);
	let Proved { output, published, proof } = proved.map_err(|error| failure(arguments, &error))?;
	let seconds = start.elapsed().as_secs_f64();
	let privacy = prover.key().info().privacy;
	let tensor = (prover.network().input(), &input[..]);
	let commitment = opening.map(|opening| opening.commit(privacy, tensor)).transpose()?;
	files::write(proof_path, &proof_bytes(arguments, &proof), arguments.force)?;
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
		"proof": proof_path,
		"binding": super::scalar_hex(binding),
		"commitment": commitment.map(super::scalar_hex),
		"parameter_commitment": prover.network().parameter_commitment().map(super::scalar_hex),
		"output": super::elements(prover.network().output(), &output),
		"output_bytes": hex::encode(&output),
		"published": hex::encode(&published),
		"seconds": seconds,
	});
	super::print(&report, arguments.json);
	Ok(())
}

/// Proves every row, as many at once as there are cores.
fn run_batch(arguments: &Arguments, folder: &Path) -> Result<(), Failure> {
	let network = files::network(&arguments.model)?;
	let inputs = files::inputs(&arguments.input, &network)?;
	let bindings = arguments.batch.bindings(arguments.binding.as_deref(), inputs.len())?;
	let written = (0..inputs.len()).flat_map(|row| batch::of_row(folder, row));
	for path in written.chain(arguments.input_tensor.clone()) {
		files::check_absent(&path, arguments.force)?;
	}
	let prover = prover(arguments, network)?;
	batch::check_public(prover.key().info())?;
	files::make_folder(folder)?;
	let constraints = prover.circuit().constraints();
	files::progress(format_args!("proving {} rows of {constraints} constraints", inputs.len()));
	let rows = inputs.iter().zip(&bindings);
	let jobs: Vec<Job> = rows.map(|(input, &binding)| (&input[..], binding, None)).collect();
	let start = Instant::now();
	let proved = prover.prove_batch(&jobs, &mut OsRng);
	let seconds = start.elapsed().as_secs_f64();
	let mut proofs = Vec::with_capacity(proved.len());
	for (row, (proved, binding)) in proved.into_iter().zip(bindings).enumerate() {
		let Proved { output, proof, .. } =
			proved.map_err(|error| format!("row {row}: {}", failure(arguments, &error)))?;
		let [proof_path, output_path] = batch::of_row(folder, row);
		files::write(&proof_path, &proof_bytes(arguments, &proof), arguments.force)?;
		files::write(&output_path, &output, arguments.force)?;
		proofs.push(serde_json::json!({
			"proof": proof_path,
			"binding": super::scalar_hex(binding),
			"output": super::elements(prover.network().output(), &output),
			"output_bytes": hex::encode(&output),
		}));
	}
	if let Some(path) = &arguments.input_tensor {
		files::write(path, &inputs.concat(), arguments.force)?;
	}
	let mut report =
		serde_json::json!({ "rows": proofs.len(), "folder": folder, "seconds": seconds });
	report["parameter_commitment"] =
		prover.network().parameter_commitment().map(super::scalar_hex).into();
	if arguments.json {
		report["proofs"] = proofs.into();
	}
	super::print(&report, arguments.json);
	Ok(())
}

fn key_path(arguments: &Arguments) -> PathBuf {
	arguments.proving_key.clone().unwrap_or_else(|| files::beside(&arguments.model, "pk"))
}

fn prover(arguments: &Arguments, network: Network) -> Result<Prover, Failure> {
	let path = key_path(arguments);
	let key = files::proving_key(&path, arguments.check_key)?;
	files::about(&path, Prover::new(network, key))
}

fn failure(arguments: &Arguments, error: &ProveError) -> String {
	let key_path = key_path(arguments);
	match error {
		ProveError::Invalid => {
			format!("{}: {error}; --check-key finds out where", key_path.display())
		},
		ProveError::MissingOpening | ProveError::UnneededOpening => {
			format!("{}: {error} (--opening)", key_path.display())
		},
		error => error.to_string(),
	}
}

fn proof_bytes(arguments: &Arguments, proof: &Proof) -> Vec<u8> {
	match arguments.uncompressed {
		true => proof.to_uncompressed_bytes().to_vec(),
		false => proof.to_bytes().to_vec(),
	}
}
