//! The points of keys, in arkworks' uncompressed encoding.
//!
//! Written by arkworks; read here, because arkworks allocates what a length field asks for.

use super::KeyError;
use crate::groth16::{
	key::{self, Key, Query},
	points as packed,
	points::Point as _,
};
use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize, Compress, Validate};
use rayon::prelude::*;

const G1_BYTES: usize = 96;
const G2_BYTES: usize = 192;
const WRITES: &str = "writing to a vector does not fail; qed";

pub(super) fn encode_verifying(key: &ark_groth16::VerifyingKey<Bls12_381>) -> Vec<u8> {
	let mut bytes = Vec::with_capacity(key.uncompressed_size());
	key.serialize_uncompressed(&mut bytes).expect(WRITES);
	bytes
}

/// As arkworks encodes `ark_groth16::ProvingKey`.
pub(super) fn encode_proving(key: &Key) -> Vec<u8> {
	fn write(bytes: &mut Vec<u8>, points: &impl CanonicalSerialize) {
		points.serialize_uncompressed(bytes).expect(WRITES);
	}
	let mut bytes = encode_verifying(&key.vk);
	write(&mut bytes, &key.beta_g1);
	write(&mut bytes, &key.delta_g1);
	write(&mut bytes, &Query::dense(&[&key.shared, &key.a], key.variables));
	write(&mut bytes, &Query::dense(&[&key.shared, &key.b_g1], key.variables));
	write(&mut bytes, &Query::dense(&[&key.b_g2], key.variables));
	bytes.extend_from_slice(&(key.h.len() as u64).to_le_bytes());
	key.h.iter().for_each(|point| write(&mut bytes, &point.unpack()));
	write(&mut bytes, &Query::dense(&[&key.l], key.witness));
	bytes
}

pub(super) fn decode_verifying(
	bytes: &[u8],
) -> Result<ark_groth16::VerifyingKey<Bls12_381>, KeyError> {
	let mut reader = Reader { rest: bytes, read: 0, validate: Validate::Yes };
	let key = reader.verifying()?;
	reader.finish()?;
	Ok(key)
}

pub(super) fn decode_proving(bytes: &[u8], validate: bool) -> Result<Key, KeyError> {
	// The verifying key inside is small and is always checked in full, and so are the points that
	// blind proofs.
	let mut reader = Reader { rest: bytes, read: 0, validate: Validate::Yes };
	let vk = reader.verifying()?;
	let beta_g1 = reader.point::<G1Affine, G1_BYTES>()?;
	let delta_g1 = reader.point::<G1Affine, G1_BYTES>()?;
	if !validate {
		reader.validate = Validate::No;
	}
	let a = reader.points::<G1Affine, G1_BYTES>()?;
	let variables = a.len();
	let b = reader.points::<G1Affine, G1_BYTES>()?;
	super::check_count("b in G1", variables, b.len())?;
	let [shared, a, b_g1] = key::divide(&a, &b);
	drop(b);
	let b = reader.points::<G2Affine, G2_BYTES>()?;
	super::check_count("b in G2", variables, b.len())?;
	let b_g2 = Query::sparse(&b, |_| true);
	drop(b);
	let h = reader.points::<G1Affine, G1_BYTES>()?.iter().map(packed::Point::pack).collect();
	let l = reader.points::<G1Affine, G1_BYTES>()?;
	let witness = l.len();
	let l = Query::sparse(&l, |_| true);
	reader.finish()?;
	Ok(Key { vk, beta_g1, delta_g1, variables, shared, a, b_g1, b_g2, l, witness, h })
}

/// A point of one of the two groups.
trait Point: CanonicalDeserialize + CanonicalSerialize + Send {
	fn is_on_curve(&self) -> bool;
}

impl<P: SWCurveConfig> Point for Affine<P>
where
	Self: CanonicalDeserialize + CanonicalSerialize,
{
	fn is_on_curve(&self) -> bool {
		Affine::is_on_curve(self)
	}
}

struct Reader<'a> {
	rest: &'a [u8],
	/// Points read so far, for errors.
	read: usize,
	validate: Validate,
}

impl<'a> Reader<'a> {
	fn take(&mut self, count: usize) -> Result<&'a [u8], KeyError> {
		let (head, rest) = self.rest.split_at_checked(count).ok_or(KeyError::Truncated)?;
		self.rest = rest;
		Ok(head)
	}

	fn decode<P: Point>(bytes: &[u8], index: usize, validate: Validate) -> Result<P, KeyError> {
		let point = P::deserialize_with_mode(bytes, Compress::No, validate)
			.map_err(|_| KeyError::Point(index))?;
		if validate == Validate::Yes {
			// `ark-bls12-381` 0.6 checks the subgroup and takes for granted that an uncompressed
			// point is on the curve.
			if !point.is_on_curve() {
				return Err(KeyError::Point(index));
			}
			// One point has one encoding: the flags must be those that arkworks writes.
			let mut canonical = Vec::with_capacity(bytes.len());
			point.serialize_uncompressed(&mut canonical).expect(WRITES);
			if canonical != bytes {
				return Err(KeyError::Point(index));
			}
		}
		Ok(point)
	}

	fn point<P: Point, const BYTES: usize>(&mut self) -> Result<P, KeyError> {
		let bytes = self.take(BYTES)?;
		self.read += 1;
		Self::decode(bytes, self.read - 1, self.validate)
	}

	fn points<P: Point, const BYTES: usize>(&mut self) -> Result<Vec<P>, KeyError> {
		let (length, rest) = self.rest.split_first_chunk::<8>().ok_or(KeyError::Truncated)?;
		self.rest = rest;
		let length = usize::try_from(u64::from_le_bytes(*length))
			.ok()
			.and_then(|length| length.checked_mul(BYTES))
			.ok_or(KeyError::Truncated)?;
		let bytes = self.take(length)?;
		let (first, validate) = (self.read, self.validate);
		self.read += length / BYTES;
		bytes
			.par_chunks_exact(BYTES)
			.enumerate()
			.map(|(index, bytes)| Self::decode(bytes, first + index, validate))
			.collect()
	}

	fn verifying(&mut self) -> Result<ark_groth16::VerifyingKey<Bls12_381>, KeyError> {
		Ok(ark_groth16::VerifyingKey {
			alpha_g1: self.point::<G1Affine, G1_BYTES>()?,
			beta_g2: self.point::<G2Affine, G2_BYTES>()?,
			gamma_g2: self.point::<G2Affine, G2_BYTES>()?,
			delta_g2: self.point::<G2Affine, G2_BYTES>()?,
			gamma_abc_g1: self.points::<G1Affine, G1_BYTES>()?,
		})
	}

	fn finish(self) -> Result<(), KeyError> {
		match self.rest.len() {
			0 => Ok(()),
			more => Err(KeyError::Trailing(more)),
		}
	}
}
