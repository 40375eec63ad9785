//! `zkonnx setup`

use crate::files::{self, Failure};
use std::{path::PathBuf, time::Instant};
use zkonnx::rand::{
	rngs::{OsRng, StdRng},
	SeedableRng,
};

/// Make the proving and the verifying key of a provable model.
///
/// Whoever runs this could keep the secret with which proofs can be forged. So the keys are marked
/// `insecure-dev`, and are for development and tests.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The provable model
	#[arg(value_name = "MODEL.onnx")]
	model: PathBuf,
	/// Where to write the proving key [default: MODEL.pk]
	#[arg(short, long, value_name = "FILE")]
	proving_key: Option<PathBuf>,
	/// Where to write the verifying key [default: MODEL.vk]
	#[arg(short, long, value_name = "FILE")]
	verifying_key: Option<PathBuf>,
	#[command(flatten)]
	privacy: super::PrivacyOptions,
	/// FOR TESTS: derive the keys from a number, so that anyone who knows it can forge proofs
	#[arg(long, value_name = "N")]
	seed: Option<u64>,
	/// Overwrite the keys
	#[arg(long)]
	force: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let model = &arguments.model;
	let proving = arguments.proving_key.clone().unwrap_or_else(|| files::beside(model, "pk"));
	let verifying = arguments.verifying_key.clone().unwrap_or_else(|| files::beside(model, "vk"));
	files::check_absent(&proving, arguments.force)?;
	files::check_absent(&verifying, arguments.force)?;
	let network = files::network(model)?;
	let privacy = arguments.privacy.privacy();
	let constraints = network.constraints_with(privacy);
	files::progress(format_args!("making keys for {constraints} constraints"));
	let start = Instant::now();
	let key = match arguments.seed {
		Some(seed) => {
			files::progress("warning: keys from --seed are for tests; anyone can forge proofs");
			zkonnx::setup(&network, privacy, &mut StdRng::seed_from_u64(seed))
		},
		None => zkonnx::setup(&network, privacy, &mut OsRng),
	}?;
	let seconds = start.elapsed().as_secs_f64();
	let verifying_key = key.verifying_key();
	files::write(&proving, &key.to_bytes(), arguments.force)?;
	files::write(&verifying, &verifying_key.to_bytes(), arguments.force)?;
	let mut report = super::key_json(key.info());
	report["proving_key"] = serde_json::json!(proving);
	report["verifying_key"] = serde_json::json!(verifying);
	report["constraints"] = constraints.into();
	report["seconds"] = seconds.into();
	super::print(&report, arguments.json);
	Ok(())
}
