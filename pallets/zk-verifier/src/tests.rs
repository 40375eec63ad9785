//! Behaviour, by subject.

mod arkworks;
mod batches;
mod keys;
mod points;
mod proofs;
mod references;

use crate::{
	mock::*,
	simulator::{self, SimulatedKey},
};
use aimodel_primitives::{statement::Scalar, KeyId};
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInteger, PrimeField};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};

type Error = crate::Error<Test>;

const SEED: u64 = 7;

/// A registered key, public inputs for it, and a proof of them.
struct Proven {
	key: KeyId,
	inputs: Vec<Scalar>,
	proof: Vec<u8>,
}

fn proven(public_inputs: u32) -> Proven {
	let inputs = simulator::inputs(public_inputs, SEED);
	let (points, proof) = simulator::instance(&inputs, SEED);
	Proven { key: registered(ALICE, &points), inputs, proof }
}

/// Where the points of a key lie: the offset, and whether the point is in G2.
fn points_of_key(public_inputs: usize) -> Vec<(usize, bool)> {
	let fixed = [(0, false), (96, true), (288, true), (480, true)];
	let inputs = (0..=public_inputs).map(|i| (672 + 96 * i, false));
	fixed.into_iter().chain(inputs).collect()
}

/// Where the points of a proof lie.
const POINTS_OF_PROOF: [(usize, bool); 3] = [(0, false), (96, true), (288, false)];

fn encoded<P: SWCurveConfig>(point: impl Into<Affine<P>>) -> Vec<u8> {
	let mut bytes = Vec::new();
	point.into().serialize_uncompressed(&mut bytes).unwrap();
	bytes
}

fn decoded<P: SWCurveConfig>(bytes: &[u8]) -> Affine<P> {
	Affine::deserialize_uncompressed_unchecked(bytes).unwrap()
}

/// Points that lie on a curve, not in the subgroup.
fn outside_of_subgroup<P: SWCurveConfig>() -> impl Iterator<Item = Affine<P>> {
	(1u64..)
		.filter_map(|x| Affine::<P>::get_point_from_x_unchecked(x.into(), x % 2 == 0))
		.filter(|point| !point.is_in_correct_subgroup_assuming_on_curve())
}

/// Adds the base field's modulus to a big-endian coordinate. `false` if bits are lost, or fall among
/// the flags.
fn add_modulus(coordinate: &mut [u8], flags: bool) -> bool {
	let modulus = ark_bls12_381::Fq::MODULUS.to_bytes_be();
	let mut carry = 0;
	for (byte, addend) in coordinate.iter_mut().zip(modulus).rev() {
		let sum = u16::from(*byte) + u16::from(addend) + carry;
		*byte = sum as u8;
		carry = sum >> 8;
	}
	carry == 0 && !(flags && coordinate[0] & 0xe0 != 0)
}

/// The simulator's own trapdoor is worth nothing if its keys had fewer inputs than they say.
#[test]
fn simulated_keys_are_deterministic_and_of_the_right_length() {
	for n in [1, 2, MAX_PUBLIC_INPUTS] {
		let points = SimulatedKey::new(n, SEED).points();
		assert_eq!(points, SimulatedKey::new(n, SEED).points());
		assert_ne!(points, SimulatedKey::new(n, SEED + 1).points());
		assert_eq!(points.len() as u32, crate::groth16::key_bytes(n));
		assert_eq!(crate::groth16::public_inputs(points.len()), Some(n));
		assert_eq!(crate::groth16::public_inputs_at_most(points.len()), n);
	}
}
