//! Powers from a transcript of `powersoftau`, the program of the Zcash Foundation's ceremony for
//! BLS12-381 and of others after it.
//!
//! Its files have no header. A *challenge* is the 64-byte hash of the file before, then, all
//! uncompressed: `τ^i` in G1 for `i < 2n − 1`, `τ^i` in G2 for `i < n`, `α·τ^i` and `β·τ^i` in G1 for
//! `i < n`, `β` in G2. A *response* is the same with compressed points, and 1152 bytes of proofs of
//! the contribution that it ends with. Points are encoded as here. So the length tells `n`.
//!
//! That the points are powers of one secret is checked in full. Who made them is not: the proofs
//! are about a chain of files that nobody hands around. Compare the hash of the file, which is
//! recorded, with the one that the other ceremony published.

use super::{position, seek, write, Body, Hashing, Head, Powers, Start};
use crate::ceremony::{
	points::{array, encode, end},
	CeremonyError, Fault, Status, Terms,
};
use crate::hash;
use ark_ec::AffineRepr;
use ark_serialize::Compress;
use std::io::{Read, Seek, SeekFrom, Write};

/// Bytes of the proofs at the end of a response: six points of G1 and three of G2.
const PROOFS: usize = 6 * 96 + 3 * 192;

/// The power of two and the form of a file of `length` bytes.
fn layout(length: u64) -> Option<(u8, Compress)> {
	(1..=super::MAX_POWER).find_map(|power| {
		let n = 1u64 << power;
		let challenge = 64 + 96 * (2 * n - 1) + 192 * n + 2 * 96 * n + 192;
		let response = 64 + 48 * (2 * n - 1) + 96 * n + 2 * 48 * n + 96 + PROOFS as u64;
		match length {
			_ if length == challenge => Some((power, Compress::No)),
			_ if length == response => Some((power, Compress::Yes)),
			_ => None,
		}
	})
}

/// Imports a challenge or a response: verifies all of it, and writes the powers for domains up to
/// `2^keep` (or all) to `output`, which must be empty. With terms, they are what a ceremony of our
/// own starts from; without, they are used as they are.
pub fn import(
	input: &mut (impl Read + Seek),
	output: &mut impl Write,
	keep: Option<u8>,
	terms: Option<Terms>,
) -> Result<Status, CeremonyError> {
	let (power, compress) = open(input)?;
	let keep = keep.unwrap_or(power);
	if keep == 0 || keep > power {
		return Err(CeremonyError::Power(keep));
	}
	let Source { start, points } = read(input, power, keep, compress)?;
	let head = Head::new(keep, start, terms)?;
	write(output, &head.to_bytes())?;
	points.iter().try_for_each(|part| write(output, part))?;
	Ok(Status::from(&head.chain))
}

impl Powers {
	/// Checks that the powers were imported from a challenge or a response, which is verified anew:
	/// that it has the hash that they name, and the points that they start from. That it is what
	/// the other ceremony published is for people to see, by that hash ([`Powers::source`]).
	pub fn verify_source(&self, source: &mut (impl Read + Seek)) -> Result<(), CeremonyError> {
		let expected = self.source().ok_or(CeremonyError::NoSource)?;
		let (power, compress) = open(source)?;
		let Source { start, .. } = read(source, power, self.power.min(power), compress)?;
		match &start {
			start if *start == self.start => Ok(()),
			Start::Imported { source: got, .. } if got != expected => {
				let (expected, got) = (Box::new(*expected), Box::new(*got));
				Err(CeremonyError::Source { expected, got })
			},
			_ => Err(CeremonyError::SourcePoints),
		}
	}
}

/// What a challenge or a response gives.
struct Source {
	start: Start,
	/// The points as our files have them.
	points: [Vec<u8>; 5],
}

/// The power of two and the form of a challenge or a response.
fn open(input: &mut (impl Read + Seek)) -> Result<(u8, Compress), CeremonyError> {
	let at = position(input)?;
	let length = input.seek(SeekFrom::End(0));
	let length = length.map_err(|error| CeremonyError::Io(error.to_string()))? - at;
	seek(input, at)?;
	layout(length).ok_or(CeremonyError::ImportLength(length))
}

/// Reads and verifies a challenge or a response, and keeps the powers for domains up to `2^keep`.
fn read(
	input: &mut impl Read,
	power: u8,
	keep: u8,
	compress: Compress,
) -> Result<Source, CeremonyError> {
	let state = blake2b_simd::Params::new().hash_length(64).to_state();
	let mut input = Hashing { inner: input, state };
	array::<64>(&mut input)?;
	let body = Body::read(&mut input, power, keep, compress, &CeremonyError::Start)?;
	if compress == Compress::Yes {
		array::<PROOFS>(&mut input)?;
	}
	let mut source = [0; 64];
	source.copy_from_slice(input.state.finalize().as_bytes());
	end(input.inner)?;

	let reference = &body.reference;
	let secrets = [reference.tau_g1[1], reference.alpha_g1[0], reference.beta_g1[0]];
	if secrets.iter().any(AffineRepr::is_zero) {
		return Err(CeremonyError::Start(Fault::Identity));
	}
	body.check(&secrets).map_err(CeremonyError::Start)?;

	let points = [
		encode(&reference.tau_g1),
		encode(&reference.tau_g2),
		encode(&reference.alpha_g1),
		encode(&reference.beta_g1),
		encode(&[reference.beta_g2]),
	];
	let state = hash::blake2b_256(&points.each_ref().map(Vec::as_slice));
	let start = Start::Imported { source, state, points: Box::new(secrets) };
	Ok(Source { start, points })
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn lengths_tell_the_layout() {
		// The files of the Zcash Foundation's ceremony, for 2^21.
		assert!(layout(1_207_959_712) == Some((21, Compress::No)));
		assert!(layout(603_981_040) == Some((21, Compress::Yes)));
		for power in 1..=super::super::MAX_POWER {
			let n = 1u64 << power;
			assert!(layout(576 * n + 160) == Some((power, Compress::No)));
			assert!(layout(288 * n + 1264) == Some((power, Compress::Yes)));
			assert!(layout(576 * n + 161).is_none());
		}
		assert!(layout(0).is_none());
		assert!(layout(u64::MAX).is_none());
	}
}
