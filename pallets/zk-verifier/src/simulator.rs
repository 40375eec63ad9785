//! Groth16 with a known trapdoor: keys without a circuit, proofs without a witness.
//!
//! For tests and benchmarks, which need valid proofs for whatever public inputs come along. The key
//! holder knows alpha, beta, gamma, delta and the logarithm c_i of each point for a public input, so
//! with A = r·G1 and B = s·G2 the equation is solved by
//! C = ((r·s − alpha·beta − gamma · Σ x_i·c_i) / delta)·G1, where x_0 = 1. To a verifier such a proof
//! looks like any other. Everything follows from the seeds.

// Nothing overflows in a field or a group.
#![allow(clippy::arithmetic_side_effects)]

use crate::groth16::key_bytes;
use aimodel_primitives::statement::{Scalar, PROOF_BYTES};
use alloc::vec::Vec;
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_serialize::CanonicalSerialize;
use codec::Encode;
use sp_crypto_ec_utils::bls12_381::{G1Projective, G2Projective, ScalarField};

/// A verifying key with its trapdoor.
#[derive(Clone, Debug)]
pub struct SimulatedKey {
	alpha: ScalarField,
	beta: ScalarField,
	gamma: ScalarField,
	delta: ScalarField,
	/// The logarithms of the points for the constant one and for each public input.
	pub(crate) inputs: Vec<ScalarField>,
}

impl SimulatedKey {
	/// A key for proofs with so many public inputs.
	pub fn new(public_inputs: u32, seed: u64) -> Self {
		Self {
			alpha: scalar(seed, b"alpha", 0),
			beta: scalar(seed, b"beta", 0),
			gamma: scalar(seed, b"gamma", 0),
			delta: scalar(seed, b"delta", 0),
			inputs: (0..=public_inputs).map(|i| scalar(seed, b"input", i)).collect(),
		}
	}

	/// The points, as `register_key` wants them.
	pub fn points(&self) -> Vec<u8> {
		let public_inputs = self.inputs.len().saturating_sub(1) as u32;
		let mut points = Vec::with_capacity(key_bytes(public_inputs) as usize);
		write(&mut points, G1Projective::generator() * self.alpha);
		for logarithm in [self.beta, self.gamma, self.delta] {
			write(&mut points, G2Projective::generator() * logarithm);
		}
		for logarithm in &self.inputs {
			write(&mut points, G1Projective::generator() * logarithm);
		}
		points
	}

	/// A proof of these public inputs, as `verify` wants it. Another seed, another proof.
	///
	/// It is valid where there are as many public inputs as the key is for; missing ones count as
	/// zeros, surplus ones are left out.
	pub fn prove(&self, public_inputs: &[Scalar], seed: u64) -> Vec<u8> {
		let (r, s) = (scalar(seed, b"r", 0), scalar(seed, b"s", 0));
		let inputs = public_inputs.iter().map(|x| ScalarField::from_le_bytes_mod_order(x));
		let sum = core::iter::once(ScalarField::ONE)
			.chain(inputs)
			.zip(&self.inputs)
			.fold(ScalarField::ZERO, |sum, (x, c)| sum + x * c);
		let inverse = self.delta.inverse().expect("a hash is not zero; qed");
		let c = (r * s - self.alpha * self.beta - self.gamma * sum) * inverse;

		let mut proof = Vec::with_capacity(PROOF_BYTES as usize);
		write(&mut proof, G1Projective::generator() * r);
		write(&mut proof, G2Projective::generator() * s);
		write(&mut proof, G1Projective::generator() * c);
		proof
	}
}

/// The points of a key and a proof of these public inputs under it.
pub fn instance(public_inputs: &[Scalar], seed: u64) -> (Vec<u8>, Vec<u8>) {
	let key = SimulatedKey::new(public_inputs.len() as u32, seed);
	(key.points(), key.prove(public_inputs, seed))
}

/// So many public inputs as large as packing makes them: 248 bits.
pub fn inputs(count: u32, seed: u64) -> Vec<Scalar> {
	let input = |i| {
		let mut input = hash(seed, b"public input", i);
		input[31] = 0;
		input
	};
	(0..count).map(input).collect()
}

fn scalar(seed: u64, label: &[u8], index: u32) -> ScalarField {
	ScalarField::from_le_bytes_mod_order(&hash(seed, label, index))
}

fn hash(seed: u64, label: &[u8], index: u32) -> [u8; 32] {
	(b"aimodel/simulator", seed, label, index).using_encoded(sp_io::hashing::blake2_256)
}

fn write(bytes: &mut Vec<u8>, point: impl CurveGroup) {
	point
		.into_affine()
		.serialize_uncompressed(bytes)
		.expect("a vector takes all that is written; qed");
}
