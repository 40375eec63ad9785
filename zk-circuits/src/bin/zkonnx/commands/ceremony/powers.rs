//! `zkonnx ceremony powers`

use super::{identity, terms, Contributor, Randomness};
use crate::files::{self, Failure};
use std::{
	fs::File,
	io::BufReader,
	path::{Path, PathBuf},
};
use zkonnx::{
	ceremony::{powers, CeremonyError, Powers, Status},
	rand::rngs::OsRng,
};

/// Phase 1: powers of tau, for every model up to their size.
#[derive(clap::Args)]
pub(super) struct Arguments {
	#[command(subcommand)]
	command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
	/// Begin a phase 1
	New {
		/// Where to write the powers
		#[arg(value_name = "FILE")]
		file: PathBuf,
		/// The powers are for models of up to 2 to this power constraints and public inputs
		#[arg(short, long, value_name = "K")]
		power: u8,
		#[command(flatten)]
		terms: terms::Options,
		#[command(flatten)]
		output: Output,
	},
	/// Take the powers from a challenge or a response file of `powersoftau` (the Zcash Foundation's
	/// ceremony, and others with its program), as they are or, with terms, to contribute to
	Import {
		/// The challenge or response file
		#[arg(value_name = "SOURCE")]
		source: PathBuf,
		/// Where to write the powers
		#[arg(value_name = "FILE")]
		file: PathBuf,
		/// Keep powers for models of up to 2 to this power constraints only
		#[arg(short, long, value_name = "K")]
		power: Option<u8>,
		#[command(flatten)]
		terms: terms::Optional,
		#[command(flatten)]
		output: Output,
	},
	/// Contribute to a phase 1, after verifying it
	Contribute {
		/// The powers; replaced by those with the contribution
		#[arg(value_name = "FILE")]
		file: PathBuf,
		#[command(flatten)]
		contributor: Contributor,
		/// Print the report as JSON
		#[arg(long)]
		json: bool,
	},
	/// Apply the public randomness that the terms name, after the last contribution
	Beacon {
		/// The powers; replaced
		#[arg(value_name = "FILE")]
		file: PathBuf,
		#[command(flatten)]
		randomness: Randomness,
		/// Print the report as JSON
		#[arg(long)]
		json: bool,
	},
	/// Close the transcript
	Finalize {
		/// The powers; replaced
		#[arg(value_name = "FILE")]
		file: PathBuf,
		/// The coordinator's secret key
		#[arg(short, long, value_name = "FILE")]
		identity: PathBuf,
		/// Print the report as JSON
		#[arg(long)]
		json: bool,
	},
	/// Verify powers from their file alone
	Verify {
		/// The powers
		#[arg(value_name = "FILE")]
		file: PathBuf,
		/// Check too that the powers were imported from this challenge or response file
		#[arg(long, value_name = "FILE")]
		source: Option<PathBuf>,
		/// Accept a ceremony that is still going on
		#[arg(long)]
		unfinished: bool,
		/// Print the report as JSON
		#[arg(long)]
		json: bool,
	},
}

#[derive(clap::Args)]
struct Output {
	/// Overwrite the file
	#[arg(long)]
	force: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
	match &arguments.command {
		Command::New { file, power, terms, output } => {
			let terms = terms.terms()?;
			files::check_absent(file, output.force)?;
			files::replace(file, |file| powers::new(*power, terms, file))?;
			report(&powers::peek(&mut files::open(file)?)?, output.json)
		},
		Command::Import { source, file, power, terms, output } => {
			let terms = terms.terms()?;
			files::check_absent(file, output.force)?;
			files::progress("verifying every point of the source");
			let mut input = files::open(source)?;
			let status = files::replace(file, |file| {
				files::about(source, powers::import(&mut input, file, *power, terms))
			})?;
			report(&status, output.json)
		},
		Command::Contribute { file, contributor, json } => {
			let identity = identity::read(&contributor.identity)?;
			let entropy = contributor.entropy()?;
			change(file, *json, |input, output| {
				powers::contribute(input, output, &identity, super::now, &mut OsRng, &entropy)
			})
		},
		Command::Beacon { file, randomness, json } => {
			let (round, value) = (randomness.round, randomness.value()?);
			change(file, *json, |input, output| powers::beacon(input, output, round, &value))
		},
		Command::Finalize { file, identity, json } => {
			let identity = identity::read(identity)?;
			change(file, *json, |input, output| powers::finalize(input, output, &identity))
		},
		Command::Verify { file, source, unfinished, json } => {
			files::progress("verifying every point");
			let powers = files::about(file, Powers::read(&mut files::open(file)?, 1))?;
			super::check_finished(file, powers.status(), *unfinished)?;
			let mut value = describe(&powers);
			value["valid"] = true.into();
			if let Some(source) = source {
				files::progress("comparing them with their source");
				files::about(source, powers.verify_source(&mut files::open(source)?))?;
				value["source_blake2b_512"] = value["claimed_source_blake2b_512"].take();
			}
			super::super::print(&value, *json);
			Ok(())
		},
	}
}

/// The report on verified powers.
pub(super) fn describe(powers: &Powers) -> serde_json::Value {
	let mut value = super::status_json(powers.status());
	value["power"] = powers.power().into();
	value["claimed_source_blake2b_512"] = powers.source().map(hex::encode).into();
	value
}

fn change(
	path: &Path,
	json: bool,
	step: impl FnOnce(&mut BufReader<&File>, &mut File) -> Result<Status, CeremonyError>,
) -> Result<(), Failure> {
	files::progress("verifying what is there");
	let file = files::Exclusive::open(path, |input| powers::peek(&mut { input }))?;
	let mut input = file.reader()?;
	let status = file.replace(|output| files::about(path, step(&mut input, output)))?;
	report(&status, json)
}

fn report(status: &Status, json: bool) -> Result<(), Failure> {
	super::super::print(&super::status_json(status), json);
	Ok(())
}
