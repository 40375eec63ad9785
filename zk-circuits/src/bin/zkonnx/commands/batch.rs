//! Many rows at once, in `prove` and `verify`.

use crate::files::{self, Failure};
use std::path::{Path, PathBuf};
use zkonnx::{Fr, KeyInfo};

/// Where the proofs of many rows are, and what they are bound to.
#[derive(clap::Args)]
pub(crate) struct Batch {
	/// All rows of the input: the proof of row N is N.proof in this folder, its output N.output
	#[arg(long, value_name = "FOLDER", conflicts_with_all = ["row", "proof", "output"])]
	batch: Option<PathBuf>,
	/// The bindings of the batch, one for each row, each on its line
	#[arg(long, value_name = "FILE", requires = "batch", conflicts_with = "binding")]
	bindings: Option<PathBuf>,
}

impl Batch {
	/// The folder, if there is a batch.
	pub(super) fn folder(&self) -> Option<&Path> {
		self.batch.as_deref()
	}

	/// A binding for each of so many rows: those of the file, or else the one for all.
	pub(super) fn bindings(&self, all: Option<&str>, rows: usize) -> Result<Vec<Fr>, Failure> {
		let Some(path) = &self.bindings else {
			return Ok(vec![super::parse_binding(all)?; rows]);
		};
		let text = files::about(path, String::from_utf8(files::read(path)?))?;
		let bindings = text.lines().enumerate().map(|(at, line)| {
			let binding = super::parse_binding(Some(line.trim()));
			binding.map_err(|error| format!("{}: line {}: {error}", path.display(), at + 1).into())
		});
		let bindings = bindings.collect::<Result<Vec<Fr>, Failure>>()?;
		match bindings.len() == rows {
			true => Ok(bindings),
			false => {
				let (path, count) = (path.display(), bindings.len());
				Err(format!("{path} has {count} bindings for {rows} rows").into())
			},
		}
	}
}

/// The files of a row: its proof, and its output.
pub(super) fn of_row(folder: &Path, row: usize) -> [PathBuf; 2] {
	["proof", "output"].map(|extension| folder.join(format!("{row}.{extension}")))
}

/// A batch has neither openings nor requests of its rows.
pub(super) fn check_public(info: &KeyInfo) -> Result<(), Failure> {
	match info.privacy.commits() {
		true => {
			Err(format!("the key is for {}; a batch is of what is public", info.privacy).into())
		},
		false => Ok(()),
	}
}
