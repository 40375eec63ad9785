//! `zkonnx ceremony`

mod circuit;
mod identity;
mod powers;
mod terms;

use crate::files::{self, Failure};
use std::{
	path::{Path, PathBuf},
	time::SystemTime,
};
use zkonnx::ceremony::{Source, Status};

/// Make keys by several parties, so that nobody can forge proofs unless all of them collude.
///
/// First the powers of tau, which serve every model up to their size (`ceremony powers`), then the
/// ceremony of one model: `new`, `contribute` by each participant, `beacon`, `finalize`. Files are
/// replaced whole: an interrupted command has changed nothing, and is run again.
#[derive(clap::Args)]
pub(crate) struct Arguments {
	#[command(subcommand)]
	command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
	/// Make the key pair of a participant or of a coordinator
	Identity(identity::Arguments),
	/// Phase 1: powers of tau, for every model up to their size
	Powers(powers::Arguments),
	/// Begin the ceremony of a model
	New(circuit::New),
	/// Contribute to the ceremony of a model, after verifying it
	Contribute(circuit::Contribute),
	/// Apply the public randomness that the terms name, after the last contribution
	Beacon(circuit::Beacon),
	/// Close the transcript, and write the keys
	Finalize(circuit::Finalize),
	/// Verify a transcript from the model, the powers and the transcript alone
	Verify(circuit::Verify),
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
	match &arguments.command {
		Command::Identity(arguments) => identity::run(arguments),
		Command::Powers(arguments) => powers::run(arguments),
		Command::New(arguments) => circuit::begin(arguments),
		Command::Contribute(arguments) => circuit::contribute(arguments),
		Command::Beacon(arguments) => circuit::beacon(arguments),
		Command::Finalize(arguments) => circuit::finalize(arguments),
		Command::Verify(arguments) => circuit::verify(arguments),
	}
}

/// Seconds since 1970, by the system's clock.
fn now() -> u64 {
	SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs())
}

/// Who contributes, and with what.
#[derive(clap::Args)]
struct Contributor {
	/// The participant's secret key, made by `ceremony identity`
	#[arg(short, long, value_name = "FILE")]
	identity: PathBuf,
	/// A file whose contents are mixed into the system's randomness
	#[arg(long, value_name = "FILE")]
	entropy: Option<PathBuf>,
}

impl Contributor {
	fn entropy(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
		let bytes = self.entropy.as_deref().map(files::read).transpose()?;
		Ok(zeroize::Zeroizing::new(bytes.unwrap_or_default()))
	}
}

/// The public randomness.
#[derive(clap::Args)]
struct Randomness {
	/// The round that the value is of
	#[arg(long, value_name = "N")]
	round: u64,
	/// The value of the round, hexadecimal; of drand: its signature
	#[arg(long, value_name = "HEX")]
	value: String,
}

impl Randomness {
	fn value(&self) -> Result<Vec<u8>, Failure> {
		let digits = self.value.trim_start_matches("0x");
		hex::decode(digits).map_err(|_| "the value must be hexadecimal digits".into())
	}
}

/// The report on a transcript.
pub(super) fn status_json(status: &Status) -> serde_json::Value {
	let terms = status.terms.as_ref();
	let beacon = terms.map(|terms| &terms.beacon);
	let records = status.records.iter().map(|(hash, participant)| {
		let who = participant.map_or("beacon".into(), |key| key.to_string());
		format!("{} by {who}", hex::encode(hash))
	});
	serde_json::json!({
		"transcript_hash": hex::encode(status.hash),
		"contributions": status.contributions,
		"records": records.collect::<Vec<_>>(),
		"least_contributions": terms.map(|terms| terms.minimum),
		"participants": terms.map(|terms| terms.participants.len()),
		"participant_keys": terms.map(|terms| {
			terms.participants.iter().map(ToString::to_string).collect::<Vec<_>>()
		}),
		"coordinator": terms.map(|terms| terms.coordinator.to_string()),
		"beacon_source": beacon.map(|beacon| match &beacon.source {
			Source::Named(name) => format!("{name:?}"),
			other => other.to_string(),
		}),
		"beacon_round": beacon.map(|beacon| beacon.round),
		"beacon_delay": beacon.map(|beacon| beacon.delay),
		"beacon_applied": status.closed,
		"finished": status.finished,
	})
}

/// Fails if a transcript is not finished and need be.
fn check_finished(path: &Path, status: &Status, unfinished: bool) -> Result<(), Failure> {
	match status.finished || unfinished {
		true => Ok(()),
		false => Err(format!(
			"{}: what is there is valid, but the ceremony is not finished; --unfinished accepts that",
			path.display()
		)
		.into()),
	}
}
