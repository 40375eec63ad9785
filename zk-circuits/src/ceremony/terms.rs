//! What a ceremony's coordinator commits to before anybody contributes.

use super::{
	beacon::{Beacon, Source, MAX_DELAY, MAX_SOURCE_BYTES},
	points::{array, fill},
	CeremonyError,
};
use ark_std::rand::{CryptoRng, RngCore};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use std::{fmt, io::Read};
use zeroize::Zeroizing;

/// The fewest contributions that a ceremony may ask for: with one, its maker could forge.
pub const MIN_CONTRIBUTIONS: u16 = 2;

/// The most participants of a ceremony.
pub const MAX_PARTICIPANTS: usize = 1024;

/// The public key of a participant or of a coordinator: Ed25519.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
	/// Reads a key; refuses bytes that are no point, points of small order, for which signatures
	/// prove nothing, and second encodings of a point, by which one could take part twice.
	pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
		// The coordinate, below the sign bit, is at least 2^255 − 19.
		let [lowest, middle @ .., highest] = bytes;
		let unreduced =
			highest & 0x7f == 0x7f && middle.iter().all(|byte| *byte == 0xff) && *lowest >= 0xed;
		let key = VerifyingKey::from_bytes(bytes).ok();
		key.filter(|key| !unreduced && !key.is_weak()).map(|key| Self(key.to_bytes()))
	}

	/// The 32 bytes of the key.
	pub fn to_bytes(self) -> [u8; 32] {
		self.0
	}

	/// Whether a signature is this key's. There is one valid encoding.
	pub(super) fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
		let signature = ed25519_dalek::Signature::from_bytes(signature);
		let key = VerifyingKey::from_bytes(&self.0);
		key.is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
	}
}

impl fmt::Display for PublicKey {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(&hex::encode(self.to_bytes()))
	}
}

impl fmt::Debug for PublicKey {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "PublicKey({self})")
	}
}

/// The secret key of a participant or of a coordinator. It is erased when dropped.
pub struct Identity(SigningKey);

impl Identity {
	/// Makes a key.
	pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
		let mut secret = Zeroizing::new([0; 32]);
		rng.fill_bytes(&mut *secret);
		Self::from_secret(&secret)
	}

	/// The key of 32 secret bytes.
	pub fn from_secret(secret: &[u8; 32]) -> Self {
		Self(SigningKey::from_bytes(secret))
	}

	/// The 32 secret bytes.
	pub fn to_secret(&self) -> Zeroizing<[u8; 32]> {
		Zeroizing::new(self.0.to_bytes())
	}

	/// The public key.
	pub fn public(&self) -> PublicKey {
		PublicKey(self.0.verifying_key().to_bytes())
	}

	pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
		self.0.sign(message).to_bytes()
	}
}

impl fmt::Debug for Identity {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "Identity({})", self.public())
	}
}

/// Terms that no ceremony may have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TermsError {
	/// The least number of contributions is below two, or above the number of participants.
	#[error("{minimum} contributions are asked of {participants} participants; at least {MIN_CONTRIBUTIONS}, and at most one of each, are possible")]
	Minimum {
		/// Least number of contributions.
		minimum: u16,
		/// Number of participants.
		participants: usize,
	},
	/// There are too many participants.
	#[error("there are {0} participants; {MAX_PARTICIPANTS} are possible")]
	Participants(usize),
	/// Two participants have the same key.
	#[error("participant {0} (counted from 0) has the key of an earlier one")]
	Repeated(usize),
	/// A public key is not valid.
	#[error("the key of {0} is no Ed25519 key, or of small order")]
	Key(String),
	/// The delay is too long.
	#[error("the delay is 2^{0} hashes; at most 2^{MAX_DELAY} are possible")]
	Delay(u8),
	/// The name of the source is empty, too long, or not text.
	#[error("the name of the source of randomness has {0} bytes; it must be text of 1 to {MAX_SOURCE_BYTES}")]
	Source(usize),
	/// The source has no such round.
	#[error("the first round of drand is 1")]
	Round,
	/// A code is not known.
	#[error("{what} has the unknown code {code}")]
	Code {
		/// What the code is of.
		what: &'static str,
		/// The code.
		code: u8,
	},
}

/// What a ceremony's coordinator commits to before anybody contributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
	/// Who may close the transcript.
	pub coordinator: PublicKey,
	/// Who may contribute, each once, in any order.
	pub participants: Vec<PublicKey>,
	/// The least number of contributions, two or more.
	pub minimum: u16,
	/// The randomness that comes after the last contribution.
	pub beacon: Beacon,
	/// Drawn at random for each ceremony. It tells ceremonies on equal terms apart, so that what is
	/// signed in one counts in no other.
	pub nonce: [u8; 32],
}

impl Terms {
	/// Checks what can be checked of the terms alone.
	pub fn check(&self) -> Result<(), TermsError> {
		let participants = self.participants.len();
		if participants > MAX_PARTICIPANTS {
			return Err(TermsError::Participants(participants));
		}
		if self.minimum < MIN_CONTRIBUTIONS || usize::from(self.minimum) > participants {
			return Err(TermsError::Minimum { minimum: self.minimum, participants });
		}
		for (index, key) in self.participants.iter().enumerate() {
			if self.participants[..index].contains(key) {
				return Err(TermsError::Repeated(index));
			}
		}
		self.beacon.check()
	}

	/// Appends the encoding.
	pub(super) fn write(&self, bytes: &mut Vec<u8>) {
		bytes.extend_from_slice(&self.nonce);
		bytes.extend_from_slice(&self.coordinator.to_bytes());
		bytes.extend_from_slice(&self.minimum.to_le_bytes());
		match &self.beacon.source {
			Source::Quicknet => bytes.push(0),
			Source::Named(name) => {
				bytes.extend_from_slice(&[1, name.len() as u8]);
				bytes.extend_from_slice(name.as_bytes());
			},
		}
		bytes.extend_from_slice(&self.beacon.round.to_le_bytes());
		bytes.push(self.beacon.delay);
		bytes.extend_from_slice(&(self.participants.len() as u16).to_le_bytes());
		self.participants.iter().for_each(|key| bytes.extend_from_slice(&key.to_bytes()));
	}

	/// Reads the encoding, and checks the terms.
	pub(super) fn read(input: &mut impl Read) -> Result<Self, CeremonyError> {
		let key = |bytes: [u8; 32], who: String| {
			PublicKey::from_bytes(&bytes).ok_or(TermsError::Key(who))
		};
		let nonce = array(input)?;
		let coordinator = key(array(input)?, "the coordinator".into())?;
		let minimum = u16::from_le_bytes(array(input)?);
		let source = match array(input)? {
			[0] => Source::Quicknet,
			[1] => {
				let [length] = array(input)?;
				let mut name = vec![0; usize::from(length)];
				fill(input, &mut name)?;
				let name = String::from_utf8(name);
				Source::Named(name.map_err(|_| TermsError::Source(usize::from(length)))?)
			},
			[code] => {
				return Err(TermsError::Code { what: "the source of randomness", code }.into())
			},
		};
		let round = u64::from_le_bytes(array(input)?);
		let [delay] = array(input)?;
		let count = usize::from(u16::from_le_bytes(array(input)?));
		if count > MAX_PARTICIPANTS {
			return Err(TermsError::Participants(count).into());
		}
		let mut participants = Vec::with_capacity(count);
		for index in 0..count {
			participants.push(key(array(input)?, format!("participant {index}"))?);
		}
		let beacon = Beacon { source, round, delay };
		let terms = Self { coordinator, participants, minimum, beacon, nonce };
		terms.check()?;
		Ok(terms)
	}
}
