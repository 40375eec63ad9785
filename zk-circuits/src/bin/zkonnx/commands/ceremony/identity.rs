//! `zkonnx ceremony identity`

use crate::files::{self, Failure};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;
use zkonnx::{ceremony::Identity, rand::rngs::OsRng};

/// Make the key pair of a participant or of a coordinator.
///
/// The file is secret; what is printed is the public key, for the terms of ceremonies.
#[derive(clap::Args)]
pub(super) struct Arguments {
	/// Where to write the secret key; readable for its owner only
	#[arg(value_name = "FILE")]
	file: PathBuf,
	/// Print JSON
	#[arg(long)]
	json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
	let identity = Identity::generate(&mut OsRng);
	let secret =
		Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(*identity.to_secret()))));
	files::write_secret(&arguments.file, secret.as_bytes())?;
	let report = serde_json::json!({ "public_key": identity.public().to_string() });
	super::super::print(&report, arguments.json);
	Ok(())
}

/// The key pair in a file.
pub(super) fn read(path: &Path) -> Result<Identity, Failure> {
	let text = Zeroizing::new(files::read(path)?);
	let mut secret = Zeroizing::new([0; 32]);
	hex::decode_to_slice(text.trim_ascii(), &mut *secret)
		.map_err(|_| format!("{}: a secret key is 64 hexadecimal digits", path.display()))?;
	Ok(Identity::from_secret(&secret))
}
