//! Phase 2: the ceremony of one model.

use super::{identity, terms, Contributor, Randomness};
use crate::{
	commands::PrivacyOptions,
	files::{self, Failure},
};
use std::{
	io::{Read, Write},
	path::PathBuf,
};
use zkonnx::{
	ceremony::{powers, Base, CeremonyError, Powers, Transcript},
	rand::rngs::OsRng,
	Network, Privacy,
};

/// The three files of a ceremony.
#[derive(clap::Args)]
struct Files {
	/// The provable model
	#[arg(value_name = "MODEL.onnx")]
	model: PathBuf,
	/// The finished powers of phase 1
	#[arg(short, long, value_name = "FILE")]
	powers: PathBuf,
	/// The transcript
	#[arg(short, long, value_name = "FILE")]
	transcript: PathBuf,
	/// The hash of powers that were imported as they are, to say that these will do
	#[arg(long, value_name = "HASH", value_parser = hash)]
	accept_imported: Option<[u8; 32]>,
}

fn hash(text: &str) -> Result<[u8; 32], &'static str> {
	let mut bytes = [0; 32];
	hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
		.map_err(|_| "a hash is 64 hexadecimal digits")?;
	Ok(bytes)
}

/// Begin the ceremony of a model.
#[derive(clap::Args)]
pub(super) struct New {
	#[command(flatten)]
	files: Files,
	#[command(flatten)]
	privacy: PrivacyOptions,
	#[command(flatten)]
	terms: terms::Options,
	/// Overwrite the transcript
	#[arg(long)]
	force: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

/// Contribute to the ceremony of a model, after verifying it.
#[derive(clap::Args)]
pub(super) struct Contribute {
	#[command(flatten)]
	files: Files,
	#[command(flatten)]
	contributor: Contributor,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

/// Apply the public randomness that the terms name, after the last contribution.
#[derive(clap::Args)]
pub(super) struct Beacon {
	#[command(flatten)]
	files: Files,
	#[command(flatten)]
	randomness: Randomness,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

/// Close the transcript, and write the keys.
///
/// Of a transcript that is closed already, anybody can write the keys; they are the same.
#[derive(clap::Args)]
pub(super) struct Finalize {
	#[command(flatten)]
	files: Files,
	/// The coordinator's secret key; not needed if the transcript is closed
	#[arg(short, long, value_name = "FILE")]
	identity: Option<PathBuf>,
	/// Where to write the proving key [default: MODEL.pk]
	#[arg(short = 'k', long, value_name = "FILE")]
	proving_key: Option<PathBuf>,
	/// Where to write the verifying key [default: MODEL.vk]
	#[arg(short, long, value_name = "FILE")]
	verifying_key: Option<PathBuf>,
	/// Overwrite the keys
	#[arg(long)]
	force: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

/// Verify a transcript from the model, the powers and the transcript alone.
#[derive(clap::Args)]
pub(super) struct Verify {
	#[command(flatten)]
	files: Files,
	/// Check too that this verifying key is the one that the ceremony gives
	#[arg(short, long, value_name = "FILE")]
	verifying_key: Option<PathBuf>,
	/// Check too that this proving key is the one that the ceremony gives
	#[arg(short = 'k', long, value_name = "FILE")]
	proving_key: Option<PathBuf>,
	/// Accept a ceremony that is still going on
	#[arg(long, conflicts_with_all = ["verifying_key", "proving_key"])]
	unfinished: bool,
	/// Print the report as JSON
	#[arg(long)]
	json: bool,
}

impl Files {
	/// Verifies the powers, and derives what the ceremony starts from.
	fn base(&self, privacy: Privacy) -> Result<Base, Failure> {
		let network = files::network(&self.model)?;
		let powers = files::about(&self.powers, powers::peek(&mut files::open(&self.powers)?))?;
		files::about(&self.powers, powers.check_imported(self.accept_imported))?;
		Ok(self.derive(&network, privacy)?.0)
	}

	fn derive(&self, network: &Network, privacy: Privacy) -> Result<(Base, Powers), Failure> {
		files::progress("verifying every point of the powers");
		let power = Base::power(network, privacy);
		let powers =
			files::about(&self.powers, Powers::read(&mut files::open(&self.powers)?, power))?;
		// The file may be another one by now.
		files::about(&self.powers, powers.status().check_imported(self.accept_imported))?;
		Ok((files::about(&self.powers, Base::derive(network, privacy, &powers))?, powers))
	}

	/// The transcript, and what it starts from. What is cheap is checked before what takes long.
	fn read(&self, transcript: &mut impl Read) -> Result<(Transcript, Base, Powers), Failure> {
		let network = files::network(&self.model)?;
		let mut bytes = Vec::new();
		files::about(&self.transcript, transcript.read_to_end(&mut bytes))?;
		let transcript = files::about(&self.transcript, Transcript::from_bytes(&bytes))?;
		files::about(&self.transcript, transcript.check_network(&network))?;
		let got = files::about(&self.powers, powers::peek(&mut files::open(&self.powers)?))?;
		let (status, got) = (&got, got.hash);
		let expected = transcript.powers();
		if got != expected {
			let error = CeremonyError::Powers { expected, got };
			return files::about(&self.transcript, Err(error));
		}
		files::about(&self.powers, status.check_imported(self.accept_imported))?;
		let (base, powers) = self.derive(&network, transcript.privacy())?;
		Ok((transcript, base, powers))
	}

	/// Changes the transcript.
	fn change(
		&self,
		step: impl FnOnce(&mut Transcript, &Base) -> Result<(), CeremonyError>,
	) -> Result<(Transcript, Base), Failure> {
		let file =
			files::Exclusive::open(&self.transcript, |input| Transcript::peek(&mut { input }))?;
		let (mut transcript, base, _) = self.read(&mut file.reader()?)?;
		files::progress("verifying the transcript");
		files::about(&self.transcript, step(&mut transcript, &base))?;
		let bytes = transcript.to_bytes();
		file.replace(|output| files::about(&self.transcript, output.write_all(&bytes)))?;
		Ok((transcript, base))
	}
}

fn report(transcript: &Transcript, json: bool) {
	let mut value = super::status_json(&transcript.status());
	value["privacy"] = super::super::privacy_json(transcript.privacy());
	super::super::print(&value, json);
}

pub(super) fn begin(arguments: &New) -> Result<(), Failure> {
	let terms = arguments.terms.terms()?;
	files::check_absent(&arguments.files.transcript, arguments.force)?;
	let base = arguments.files.base(arguments.privacy.privacy())?;
	files::progress("deriving what the ceremony starts from");
	let transcript = Transcript::new(&base, terms)?;
	files::write(&arguments.files.transcript, &transcript.to_bytes(), arguments.force)?;
	report(&transcript, arguments.json);
	Ok(())
}

pub(super) fn contribute(arguments: &Contribute) -> Result<(), Failure> {
	let identity = identity::read(&arguments.contributor.identity)?;
	let entropy = arguments.contributor.entropy()?;
	let (transcript, _) = arguments.files.change(|transcript, base| {
		transcript.contribute(base, &identity, super::now, &mut OsRng, &entropy)
	})?;
	report(&transcript, arguments.json);
	Ok(())
}

pub(super) fn beacon(arguments: &Beacon) -> Result<(), Failure> {
	let (round, value) = (arguments.randomness.round, arguments.randomness.value()?);
	let (transcript, _) =
		arguments.files.change(|transcript, base| transcript.beacon(base, round, &value))?;
	report(&transcript, arguments.json);
	Ok(())
}

pub(super) fn finalize(arguments: &Finalize) -> Result<(), Failure> {
	let beside = |path: &Option<PathBuf>, extension| {
		path.clone().unwrap_or_else(|| files::beside(&arguments.files.model, extension))
	};
	let proving = beside(&arguments.proving_key, "pk");
	let verifying = beside(&arguments.verifying_key, "vk");
	files::check_absent(&proving, arguments.force)?;
	files::check_absent(&verifying, arguments.force)?;
	let identity = arguments.identity.as_deref().map(identity::read).transpose()?;
	let path = &arguments.files.transcript;
	let finished = files::about(path, Transcript::peek(&mut files::open(path)?))?.finished;
	let (transcript, base) = if finished {
		let (transcript, base, _) = arguments.files.read(&mut files::open(path)?)?;
		(transcript, base)
	} else {
		let identity = identity.ok_or("--identity is needed: the transcript is not closed")?;
		arguments.files.change(|transcript, base| transcript.finalize(base, &identity))?
	};
	files::progress("deriving the keys");
	let key = files::about(path, transcript.proving_key(&base))?;
	files::write(&proving, &key.to_bytes(), arguments.force)?;
	files::write(&verifying, &key.verifying_key().to_bytes(), arguments.force)?;
	let mut value = super::super::key_json(key.info());
	value["proving_key"] = serde_json::json!(proving);
	value["verifying_key"] = serde_json::json!(verifying);
	value["transcript_hash"] = hex::encode(transcript.status().hash).into();
	super::super::print(&value, arguments.json);
	Ok(())
}

pub(super) fn verify(arguments: &Verify) -> Result<(), Failure> {
	let path = &arguments.files.transcript;
	let (transcript, base, powers) = arguments.files.read(&mut files::open(path)?)?;
	files::progress("verifying the transcript");
	files::about(path, transcript.verify(&base))?;
	super::check_finished(path, &transcript.status(), arguments.unfinished)?;
	if let Some(path) = &arguments.verifying_key {
		files::about(path, transcript.check_verifying_key(&base, &files::read(path)?))?;
	}
	if let Some(path) = &arguments.proving_key {
		files::progress("checking every point of the proving key");
		files::about(path, transcript.check_proving_key(&base, &files::read(path)?))?;
	}
	let mut value = super::status_json(&transcript.status());
	value["privacy"] = super::super::privacy_json(transcript.privacy());
	value["valid"] = true.into();
	let powers = super::powers::describe(&powers);
	if arguments.json {
		value["powers"] = powers;
		super::super::print(&value, true);
	} else {
		super::super::print(&value, false);
		println!("\npowers");
		super::super::print(&powers, false);
	}
	Ok(())
}
