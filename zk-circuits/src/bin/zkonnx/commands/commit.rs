//! `zkonnx commit`

use crate::files::{self, Failure};
use std::path::PathBuf;
use zkonnx::{rand::rngs::OsRng, Opening, Visibility};

/// Draw the salt of a request, and commit to its input.
///
/// The commitment and the holder are for everybody. The opening is for the prover and for nobody
/// else: it decrypts the output, and lets inputs be tried out. A new one is drawn for every request,
/// or equal inputs would have equal commitments.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	/// The provable model
	#[arg(value_name = "MODEL.onnx")]
	model: PathBuf,
	/// The verifying key, which says what is committed [default: MODEL.vk]
	#[arg(short = 'k', long, value_name = "FILE")]
	verifying_key: Option<PathBuf>,
	/// Where the input is committed: .u8 (the input tensors as they are), or .f32 or .csv (real
	/// numbers)
	#[arg(short, long, value_name = "ROWS")]
	input: Option<PathBuf>,
	/// The row to commit to, counted from 0
	#[arg(short, long, value_name = "N", default_value_t = 0)]
	row: usize,
	/// Whose request it is: 32 bytes, little-endian, hexadecimal
	#[arg(long, value_name = "HEX")]
	holder: String,
	/// Where to write the opening; a new file, readable for its owner only
	#[arg(long, value_name = "FILE")]
	opening: PathBuf,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let holder = super::parse_scalar("holder", &arguments.holder)?;
	let network = files::network(&arguments.model)?;
	let key_path =
		arguments.verifying_key.clone().unwrap_or_else(|| files::beside(&arguments.model, "vk"));
	let key = files::verifying_key(&key_path)?;
	files::about(&key_path, key.check(&network))?;
	let privacy = key.info().privacy;
	let input = match (&arguments.input, privacy.input) {
		(Some(path), Visibility::Committed) => files::input(path, &network, arguments.row)?,
		(None, Visibility::Committed) => {
			return Err("--input is needed: the input is committed".into())
		},
		(_, Visibility::Public) => Vec::new(),
	};
	let opening = Opening::random(holder, &mut OsRng);
	let commitment = opening.commit(privacy, (network.input(), &input));
	let commitment = files::about(&key_path, commitment)?;
	files::write_opening(&arguments.opening, &opening)?;
	let report = serde_json::json!({
		"commitment": super::scalar_hex(commitment),
		"holder": super::scalar_hex(holder),
		"privacy": super::privacy_json(privacy),
		"opening": arguments.opening,
	});
	super::print(&report, arguments.json);
	Ok(())
}
