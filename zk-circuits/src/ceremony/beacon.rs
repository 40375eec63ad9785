//! The public randomness that closes a ceremony.
//!
//! The round is fixed before the ceremony begins, and its value is known to nobody before the
//! round. The value goes through `2^delay` hashes one after the other, so that not even whoever
//! learns the value a little earlier than others can choose among contributions by its effect.

use super::{wide_scalar, TermsError};
use crate::hash;
use ark_bls12_381::{g1, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{
	hashing::{curve_maps::wb::WBMap, map_to_curve_hasher::MapToCurveBasedHasher, HashToCurve},
	AffineRepr,
};
use ark_ff::field_hashers::DefaultFieldHasher;
use ark_serialize::Compress;
use sha2::{Digest, Sha256};
use std::fmt;

/// The most hashes that a delay may take are 2 to this power: some ten seconds.
pub const MAX_DELAY: u8 = 26;

/// The longest name of a source of randomness, in bytes.
pub const MAX_SOURCE_BYTES: usize = 255;

/// The longest value of a round, in bytes.
pub const MAX_VALUE_BYTES: usize = 255;

/// Public key of drand's chain `quicknet`, scheme `bls-unchained-g1-rfc9380`, chain hash
/// `52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971`.
const QUICKNET_KEY: &str =
	"83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450\
	b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a\
	4bc09e76eae8991ef5ece45a";
/// When round 1 of `quicknet` was, in seconds since 1970.
const QUICKNET_GENESIS: u64 = 1_692_803_367;
/// Seconds between rounds of `quicknet`.
const QUICKNET_PERIOD: u64 = 3;
/// The ciphersuite of `quicknet`.
const QUICKNET_DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// Where the value of a round comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
	/// drand's chain `quicknet`. The value of a round is its signature, which is checked.
	Quicknet,
	/// Anything else, described in words. That the value is the round's, people check.
	Named(String),
}

impl fmt::Display for Source {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Quicknet => f.write_str("drand quicknet"),
			Self::Named(name) => f.write_str(name),
		}
	}
}

/// The round of a source of randomness that will close a ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
	/// The source.
	pub source: Source,
	/// The number of the round.
	pub round: u64,
	/// The value is hashed 2 to this power times.
	pub delay: u8,
}

impl Beacon {
	/// Checks what a file may hold.
	pub(super) fn check(&self) -> Result<(), TermsError> {
		if self.delay > MAX_DELAY {
			return Err(TermsError::Delay(self.delay));
		}
		match &self.source {
			Source::Quicknet if self.round == 0 => Err(TermsError::Round),
			Source::Named(name) if name.is_empty() || name.len() > MAX_SOURCE_BYTES => {
				Err(TermsError::Source(name.len()))
			},
			_ => Ok(()),
		}
	}

	/// When the round is, in seconds since 1970, if the source tells.
	pub fn time(&self) -> Option<u64> {
		match self.source {
			Source::Quicknet => {
				let since = self.round.saturating_sub(1).saturating_mul(QUICKNET_PERIOD);
				Some(QUICKNET_GENESIS.saturating_add(since))
			},
			Source::Named(_) => None,
		}
	}

	/// Whether bytes can be the value of the round.
	pub(super) fn admits(&self, value: &[u8]) -> bool {
		match self.source {
			Source::Quicknet => quicknet_signed(self.round, value),
			Source::Named(_) => (16..=MAX_VALUE_BYTES).contains(&value.len()),
		}
	}

	/// What a value becomes by its delay, which is what takes long.
	pub(super) fn delayed(&self, value: &[u8]) -> [u8; 32] {
		let round = self.round.to_le_bytes();
		let mut delayed = hash::blake2b_256(&[b"zkonnx/ceremony/delay/1", &round, value]);
		for _ in 0..1u64 << self.delay {
			delayed = hash::blake2b_256(&[&delayed]);
		}
		delayed
	}
}

/// The factors that a delayed value gives, for a ceremony whose transcript ends in `head`.
pub(super) fn factors<const K: usize>(head: &[u8; 32], delayed: &[u8; 32]) -> [Fr; K] {
	std::array::from_fn(|index| {
		wide_scalar(&[b"zkonnx/ceremony/beacon/1", head, &[index as u8], delayed])
	})
}

/// Whether `signature` is `quicknet`'s of a round: a BLS signature, in G1, of the SHA-256 of the
/// round's number in 8 big-endian bytes.
fn quicknet_signed(round: u64, signature: &[u8]) -> bool {
	type Hasher =
		MapToCurveBasedHasher<G1Projective, DefaultFieldHasher<Sha256>, WBMap<g1::Config>>;
	if signature.len() != super::points::size::<G1Affine>(Compress::Yes) {
		return false;
	}
	let Some(signature) = super::points::checked::<G1Affine>(signature, Compress::Yes) else {
		return false;
	};
	let key = hex::decode(QUICKNET_KEY).expect("hexadecimal digits; qed");
	let key: G2Affine = super::points::checked(&key, Compress::Yes).expect("a point; qed");
	let message = Sha256::digest(round.to_be_bytes());
	let hasher = Hasher::new(QUICKNET_DOMAIN).expect("the map's parameters are arkworks'; qed");
	let hashed = hasher.hash(&message).expect("every message has a point; qed");
	super::points::same_pairing((signature, G2Affine::generator()), (hashed, key))
}

#[cfg(test)]
mod tests {
	use super::*;

	/// Round 1000, as the network published it.
	const SIGNATURE: &str =
		"b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73\
		a8dd2bacbe47e4b6b63ed5e39";

	#[test]
	fn quicknet_rounds_are_told_from_others() {
		let signature = hex::decode(SIGNATURE).expect("digits");
		assert!(quicknet_signed(1000, &signature));
		assert!(!quicknet_signed(1001, &signature));
		assert!(!quicknet_signed(1000, &signature[1..]));
		assert!(!quicknet_signed(1000, &[]));
		let mut identity = vec![0; 48];
		identity[0] = 0xc0;
		assert!(!quicknet_signed(1000, &identity));
		let mut other = signature;
		other[47] ^= 1;
		assert!(!quicknet_signed(1000, &other));
	}

	#[test]
	fn quicknet_rounds_have_times() {
		let beacon = |round| Beacon { source: Source::Quicknet, round, delay: 0 };
		assert_eq!(beacon(1).time(), Some(1_692_803_367));
		assert_eq!(beacon(1000).time(), Some(1_692_803_367 + 999 * 3));
		assert_eq!(beacon(u64::MAX).time(), Some(u64::MAX));
		let named = Beacon { source: Source::Named("dice".into()), round: 1, delay: 0 };
		assert_eq!(named.time(), None);
	}

	#[test]
	fn the_delay_counts() {
		let beacon = |delay| Beacon { source: Source::Quicknet, round: 1, delay };
		let [short]: [Fr; 1] = factors(&[1; 32], &beacon(3).delayed(b"value"));
		let [long]: [Fr; 1] = factors(&[1; 32], &beacon(4).delayed(b"value"));
		let [elsewhere]: [Fr; 1] = factors(&[2; 32], &beacon(3).delayed(b"value"));
		let [other]: [Fr; 1] = factors(&[1; 32], &beacon(3).delayed(b"another"));
		assert!(short != long && short != elsewhere && short != other);
		assert_eq!([short], factors(&[1; 32], &beacon(3).delayed(b"value")));
	}
}
