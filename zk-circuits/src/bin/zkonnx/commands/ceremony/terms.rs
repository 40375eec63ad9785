//! The terms of a ceremony, as options.

use crate::files::Failure;
use zkonnx::{
	ceremony::{Beacon, PublicKey, Source, Terms},
	rand::{rngs::OsRng, RngCore},
};

/// The terms, which nobody can change after the first contribution.
#[derive(clap::Args)]
pub(super) struct Options {
	/// Public key of the coordinator, who will close the transcript
	#[arg(long, value_name = "HEX")]
	coordinator: String,
	/// Public key of a participant; repeat for each
	#[arg(long = "participant", value_name = "HEX", required = true)]
	participants: Vec<String>,
	/// The least number of contributions: 2 or more
	#[arg(long, value_name = "N")]
	minimum: u16,
	/// The round of public randomness that will follow the last contribution; it must be in the
	/// future, after all participants have had their time
	#[arg(long, value_name = "N")]
	beacon_round: u64,
	/// Where the randomness comes from, in words, for people to check [default: drand's chain
	/// quicknet, whose signatures are checked]
	#[arg(long, value_name = "TEXT")]
	beacon_source: Option<String>,
	/// The randomness is hashed 2 to this power times
	#[arg(long, value_name = "D", default_value_t = 22)]
	delay: u8,
}

/// The same, for where terms can be left out.
#[derive(clap::Args)]
#[group(requires_all = ["coordinator", "participants", "minimum", "beacon_round"], multiple = true)]
pub(super) struct Optional {
	/// Public key of the coordinator, who will close the transcript
	#[arg(long, value_name = "HEX")]
	coordinator: Option<String>,
	/// Public key of a participant; repeat for each
	#[arg(long = "participant", value_name = "HEX")]
	participants: Vec<String>,
	/// The least number of contributions: 2 or more
	#[arg(long, value_name = "N")]
	minimum: Option<u16>,
	/// The round of public randomness that will follow the last contribution
	#[arg(long, value_name = "N")]
	beacon_round: Option<u64>,
	/// Where the randomness comes from [default: drand's chain quicknet]
	#[arg(long, value_name = "TEXT")]
	beacon_source: Option<String>,
	/// The randomness is hashed 2 to this power times
	#[arg(long, value_name = "D")]
	delay: Option<u8>,
}

impl Optional {
	/// The terms, if any are given.
	pub(super) fn terms(&self) -> Result<Option<Terms>, Failure> {
		let (Some(coordinator), Some(minimum), Some(beacon_round)) =
			(&self.coordinator, self.minimum, self.beacon_round)
		else {
			return Ok(None);
		};
		let options = Options {
			coordinator: coordinator.clone(),
			participants: self.participants.clone(),
			minimum,
			beacon_round,
			beacon_source: self.beacon_source.clone(),
			delay: self.delay.unwrap_or(22),
		};
		options.terms().map(Some)
	}
}

impl Options {
	/// The terms. A round of drand that has been is refused.
	pub(super) fn terms(&self) -> Result<Terms, Failure> {
		let participants = self.participants.iter().map(|text| key(text));
		let beacon = Beacon {
			source: self.beacon_source.clone().map_or(Source::Quicknet, Source::Named),
			round: self.beacon_round,
			delay: self.delay,
		};
		if beacon.time().is_some_and(|time| time <= super::now()) {
			return Err(format!(
				"round {} of {} has been; the beacon must be a round of the future",
				beacon.round, beacon.source
			)
			.into());
		}
		let mut nonce = [0; 32];
		OsRng.fill_bytes(&mut nonce);
		let terms = Terms {
			coordinator: key(&self.coordinator)?,
			participants: participants.collect::<Result<_, _>>()?,
			minimum: self.minimum,
			beacon,
			nonce,
		};
		terms.check()?;
		Ok(terms)
	}
}

fn key(text: &str) -> Result<PublicKey, Failure> {
	let mut bytes = [0; 32];
	hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
		.map_err(|_| format!("'{text}': a public key is 64 hexadecimal digits"))?;
	let key = PublicKey::from_bytes(&bytes);
	key.ok_or_else(|| format!("'{text}' is no Ed25519 key, or of small order").into())
}
