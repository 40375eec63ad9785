//! Groth16 over BLS12-381: the layout of keys and proofs, their validation, the equation.
//!
//! Points come uncompressed, as arkworks (and zcash) write them: big-endian coordinates, an element
//! of the quadratic extension with its upper half first, three flag bits on top of the first byte.
//! Here all flags must be clear: compression, since points are not compressed; infinity, since no
//! honest key or proof holds the identity; the sign, since it belongs to compression. So every point
//! has exactly one encoding.
//!
//! Group arithmetic and pairings are left to the host functions of `sp-crypto-ec-utils`, which take and
//! give the same encoding: so points go there as they came, and are decoded here for their validation
//! alone. **The host does not validate**: only what [`validate`] let through, now or before it was
//! stored, may come near it.

use aimodel_primitives::statement::{Scalar, PROOF_BYTES};
use alloc::vec::Vec;
use ark_ec::{
	short_weierstrass::{Affine, SWCurveConfig},
	AffineRepr, CurveConfig,
};
use ark_ff::{AdditiveGroup, BigInteger, BigInteger384, Field, PrimeField};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use codec::Encode;
use sp_crypto_ec_utils::bls12_381::{host_calls, G1Config, G2Config, ScalarField, TargetField};

/// Bytes of an uncompressed point in G1.
pub const G1_BYTES: usize = 96;
/// Bytes of an uncompressed point in G2.
pub const G2_BYTES: usize = 192;
/// Bytes of an element of the target group.
pub const TARGET_BYTES: usize = 576;

/// An element of the target group: twelve base-field elements.
pub type TargetBytes = [u8; TARGET_BYTES];

/// The flag bits of a point's first byte.
const FLAGS: u8 = 0b1110_0000;
/// The flag of the identity, whose other bits are all zero.
const INFINITY: u8 = 0b0100_0000;

/// Why a key or a proof was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
	/// The length is that of no key with a public input.
	MalformedKey,
	/// The key has more public inputs than the caller admits.
	TooManyPublicInputs,
	/// The length is not that of a proof.
	MalformedProof,
	/// Flags are set, or a coordinate is not below the modulus.
	MalformedPoint,
	/// A point does not lie on its curve.
	PointNotOnCurve,
	/// A point on its curve lies outside of the subgroup of prime order.
	PointNotInSubgroup,
	/// A point is the identity.
	IdentityPoint,
	/// A public input is not below the modulus.
	NonCanonicalScalar,
	/// The key was made for another number of public inputs.
	WrongNumberOfPublicInputs,
	/// The equation does not hold.
	ProofRejected,
}

/// Bytes of a key without its points for the public inputs: alpha, beta, gamma, delta, and the point
/// for the constant one.
const FIXED_BYTES: u32 = 96 + 3 * 192 + 96;

/// How long the points of a key with so many public inputs are.
pub const fn key_bytes(public_inputs: u32) -> u32 {
	FIXED_BYTES.saturating_add(public_inputs.saturating_mul(G1_BYTES as u32))
}

/// How many public inputs a key of this length has; `None` if no key has this length.
pub fn public_inputs(key_bytes: usize) -> Option<u32> {
	let points = key_bytes.checked_sub(FIXED_BYTES as usize)?;
	let whole = points > 0 && points.checked_rem(G1_BYTES)? == 0;
	whole.then(|| points.checked_div(G1_BYTES)?.try_into().ok()).flatten()
}

/// A bound on the public inputs of any bytes of this length, for weights.
pub fn public_inputs_at_most(key_bytes: usize) -> u32 {
	let points = key_bytes.saturating_sub(FIXED_BYTES as usize);
	points.div_ceil(G1_BYTES).try_into().unwrap_or(u32::MAX)
}

/// What validation learns of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ValidKey {
	/// How many public inputs its proofs have.
	pub public_inputs: u32,
	/// The pairing of alpha and beta, which [`verify`] wants.
	pub alpha_beta: TargetBytes,
}

/// Validates a key: its length, and every point by itself.
pub fn validate_key(key: &[u8], max_public_inputs: u32) -> Result<ValidKey, Refusal> {
	let public_inputs = public_inputs(key.len()).ok_or(Refusal::MalformedKey)?;
	if public_inputs > max_public_inputs {
		return Err(Refusal::TooManyPublicInputs);
	}
	let key = Key::split(key).ok_or(Refusal::MalformedKey)?;
	validate::<G1Config>(key.alpha)?;
	for point in [key.beta, key.gamma, key.delta] {
		validate::<G2Config>(point)?;
	}
	for point in key.inputs.as_chunks::<G1_BYTES>().0 {
		validate::<G1Config>(point)?;
	}
	let alpha_beta = pairings(&[(key.alpha, key.beta)])?;
	Ok(ValidKey { public_inputs, alpha_beta })
}

/// Verifies a proof, of which nothing is assumed, under a key that [`validate_key`] admitted and its
/// `alpha_beta`.
///
/// With L the sum of the key's points, each times its public input, the first times one, the proof
/// (A, B, C) is valid where e(A, B) = e(alpha, beta) · e(L, gamma) · e(C, delta); here
/// e(A, B) · e(−L, gamma) · e(−C, delta) = e(alpha, beta), so that one final exponentiation does.
pub fn verify(
	key: &[u8],
	alpha_beta: &TargetBytes,
	inputs: &[Scalar],
	proof: &[u8],
) -> Result<(), Refusal> {
	let expected = public_inputs(key.len()).ok_or(Refusal::MalformedKey)?;
	if inputs.len() != expected as usize {
		return Err(Refusal::WrongNumberOfPublicInputs);
	}
	let proof = Proof::validated(proof)?;
	if !inputs.iter().all(is_canonical) {
		return Err(Refusal::NonCanonicalScalar);
	}
	let key = Key::split(key).ok_or(Refusal::MalformedKey)?;

	let inputs = multiply(key.inputs, &[&[ONE], inputs].concat())?;
	let product = pairings(&[
		(proof.a, proof.b),
		(&negated(&inputs), key.gamma),
		(&negated(proof.c), key.delta),
	])?;
	if product != *alpha_beta {
		return Err(Refusal::ProofRejected);
	}
	Ok(())
}

/// What a proof of a batch is to prove: its public inputs, and the proof, of which nothing is assumed.
pub type Claim<'a> = (&'a [Scalar], &'a [u8]);

/// Verifies proofs under one key that [`validate_key`] admitted, in one equation: for a further proof
/// a Miller loop and two multiplications by 128 bits. One that is not valid refuses the batch, without
/// saying which. A batch without proofs is accepted.
///
/// With L_i as in [`verify`] and r the sum of the coefficients r_i, the batch is accepted where the
/// product of all e(r_i·A_i, B_i) is e(r·alpha, beta) · e(Σ r_i·L_i, gamma) · e(Σ r_i·C_i, delta).
/// Without the coefficients, crafted proofs that are not valid would cancel each other.
// Nothing overflows in a field.
#[allow(clippy::arithmetic_side_effects)]
pub fn verify_batch(key: &[u8], claims: &[Claim]) -> Result<(), Refusal> {
	let expected = public_inputs(key.len()).ok_or(Refusal::MalformedKey)? as usize;
	if claims.iter().any(|(inputs, _)| inputs.len() != expected) {
		return Err(Refusal::WrongNumberOfPublicInputs);
	}
	let mut sums = alloc::vec![ScalarField::ZERO; expected.saturating_add(1)];
	let (mut left, mut right) = (Vec::new(), Vec::new());
	let (mut c, mut factors) = (Vec::new(), Vec::new());
	for ((inputs, proof), factor) in claims.iter().zip(coefficients(key, claims)) {
		let proof = Proof::validated(proof)?;
		let coefficient = ScalarField::from(factor);
		for (sum, input) in sums.iter_mut().zip([&[ONE], *inputs].concat()) {
			*sum += coefficient * scalar(&input)?;
		}
		left.push(times(proof.a, factor)?);
		right.push(proof.b);
		c.extend_from_slice(proof.c);
		factors.push(bytes(coefficient));
	}
	let key = Key::split(key).ok_or(Refusal::MalformedKey)?;
	let sums: Vec<_> = sums.into_iter().map(bytes).collect();
	for (points, scalars) in [(&key.alpha[..], &sums[..1]), (key.inputs, &sums), (&c, &factors)] {
		left.push(negated(&multiply(points, scalars)?));
	}
	right.extend([key.beta, key.gamma, key.delta]);
	let pairs: Vec<_> = left.iter().zip(right).collect();
	if pairings(&pairs)? != target_bytes(TargetField::ONE) {
		return Err(Refusal::ProofRejected);
	}
	Ok(())
}

/// Coefficient i is the first 16 bytes, little-endian, of `blake2_256(digest ++ i (u32 LE))`, the
/// digest being `blake2_256(b"aimodel/batch/1" ++ key ++ claims)`, SCALE-encoded. Nobody can choose a
/// proof, or an input, after the coefficients are known, since it changes all of them.
fn coefficients(key: &[u8], claims: &[Claim]) -> impl Iterator<Item = u128> {
	let digest = (b"aimodel/batch/1", key, claims).using_encoded(sp_io::hashing::blake2_256);
	let count = u32::try_from(claims.len()).unwrap_or(u32::MAX);
	(0..count).map(move |i| {
		let hash = (digest, i).using_encoded(sp_io::hashing::blake2_256);
		let (half, _) = hash.split_first_chunk().expect("32 bytes are 16 and more; qed");
		u128::from_le_bytes(*half)
	})
}

/// An uncompressed point in G1.
type G1Bytes = [u8; G1_BYTES];
/// An uncompressed point in G2.
type G2Bytes = [u8; G2_BYTES];

/// A verifying key.
struct Key<'a> {
	alpha: &'a G1Bytes,
	beta: &'a G2Bytes,
	gamma: &'a G2Bytes,
	delta: &'a G2Bytes,
	/// The point for the constant one, then one for each public input.
	inputs: &'a [u8],
}

impl<'a> Key<'a> {
	fn split(bytes: &'a [u8]) -> Option<Self> {
		let (alpha, rest) = bytes.split_first_chunk()?;
		let (beta, rest) = rest.split_first_chunk()?;
		let (gamma, rest) = rest.split_first_chunk()?;
		let (delta, inputs) = rest.split_first_chunk()?;
		Some(Self { alpha, beta, gamma, delta, inputs })
	}
}

/// A proof.
struct Proof<'a> {
	a: &'a G1Bytes,
	b: &'a G2Bytes,
	c: &'a G1Bytes,
}

impl<'a> Proof<'a> {
	/// Checks the length, and every point by itself.
	fn validated(bytes: &'a [u8]) -> Result<Self, Refusal> {
		if bytes.len() != PROOF_BYTES as usize {
			return Err(Refusal::MalformedProof);
		}
		let proof = Self::split(bytes).ok_or(Refusal::MalformedProof)?;
		validate::<G1Config>(proof.a)?;
		validate::<G2Config>(proof.b)?;
		validate::<G1Config>(proof.c)?;
		Ok(proof)
	}

	fn split(bytes: &'a [u8]) -> Option<Self> {
		let (a, rest) = bytes.split_first_chunk()?;
		let (b, rest) = rest.split_first_chunk()?;
		Some(Self { a, b, c: rest.first_chunk()? })
	}
}

/// Checks that these bytes are a point of the group, and not the identity.
fn validate<P: SWCurveConfig>(bytes: &[u8]) -> Result<(), Refusal> {
	match bytes.split_first() {
		Some((first, _)) if first & FLAGS == 0 => (),
		Some((&INFINITY, rest)) if rest.iter().all(|b| *b == 0) => {
			return Err(Refusal::IdentityPoint)
		},
		_ => return Err(Refusal::MalformedPoint),
	}
	let point = Affine::<P>::deserialize_uncompressed_unchecked(bytes)
		.map_err(|_| Refusal::MalformedPoint)?;
	// Arkworks keeps the identity as (0, 0), which would pass the checks below.
	if point.is_zero() {
		return Err(Refusal::IdentityPoint);
	}
	if !point.is_on_curve() {
		return Err(Refusal::PointNotOnCurve);
	}
	if !point.is_in_correct_subgroup_assuming_on_curve() {
		return Err(Refusal::PointNotInSubgroup);
	}
	Ok(())
}

/// The point −P, which has the coordinate p − y; the identity is its own.
fn negated(point: &G1Bytes) -> G1Bytes {
	let mut negated = *point;
	let (_, y) = negated.split_at_mut(G1_BYTES / 2);
	if y.iter().any(|byte| *byte != 0) {
		let mut limbs = [0; 6];
		for (limb, bytes) in limbs.iter_mut().zip(y.rchunks_exact(8)) {
			*limb = bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
		}
		let mut difference = <G1Config as CurveConfig>::BaseField::MODULUS;
		difference.sub_with_borrow(&BigInteger384::new(limbs));
		y.copy_from_slice(&difference.to_bytes_be());
	}
	negated
}

const ONE: Scalar = {
	let mut one = [0; 32];
	one[0] = 1;
	one
};

/// Whether a scalar is below the modulus.
fn is_canonical(bytes: &Scalar) -> bool {
	scalar(bytes).is_ok()
}

fn scalar(bytes: &Scalar) -> Result<ScalarField, Refusal> {
	ScalarField::deserialize_uncompressed(&bytes[..]).map_err(|_| Refusal::NonCanonicalScalar)
}

/// The one encoding of a scalar.
fn bytes(element: ScalarField) -> Scalar {
	let mut bytes = [0; 32];
	element.serialize_uncompressed(&mut bytes[..]).expect("four limbs are 32 bytes; qed");
	bytes
}

/// The one encoding of an element of the target group.
fn target_bytes(element: TargetField) -> TargetBytes {
	let mut bytes = [0; TARGET_BYTES];
	element
		.serialize_uncompressed(&mut bytes[..])
		.expect("twelve elements of 48 bytes each fit; qed");
	bytes
}

/// The sum of valid points, each times its canonical scalar.
fn multiply(points: &[u8], scalars: &[Scalar]) -> Result<G1Bytes, Refusal> {
	let mut sum = [0; G1_BYTES];
	let (points, scalars) =
		(sequence(points, scalars.len()), sequence(scalars.as_flattened(), scalars.len()));
	host_calls::bls12_381_msm_g1(&points, &scalars, &mut sum)
		.map_err(|_| Refusal::WrongNumberOfPublicInputs)?;
	Ok(sum)
}

/// A valid point times an integer.
fn times(point: &G1Bytes, factor: u128) -> Result<G1Bytes, Refusal> {
	let mut product = [0; G1_BYTES];
	let limbs = sequence(&factor.to_le_bytes(), 2);
	host_calls::bls12_381_mul_g1(point, &limbs, &mut product)
		.map_err(|_| Refusal::ProofRejected)?;
	Ok(product)
}

/// The product of the pairings of valid points.
fn pairings(pairs: &[(&G1Bytes, &G2Bytes)]) -> Result<TargetBytes, Refusal> {
	let left: Vec<_> = pairs.iter().flat_map(|(left, _)| **left).collect();
	let right: Vec<_> = pairs.iter().flat_map(|(_, right)| **right).collect();
	let mut product = [0; TARGET_BYTES];
	host_calls::bls12_381_multi_miller_loop(
		&sequence(&left, pairs.len()),
		&sequence(&right, pairs.len()),
		&mut product,
	)
	.and_then(|()| host_calls::bls12_381_final_exponentiation(&mut product))
	.map_err(|_| Refusal::ProofRejected)?;
	Ok(product)
}

/// A sequence as arkworks encodes it: how many elements, then these.
fn sequence(elements: &[u8], count: usize) -> Vec<u8> {
	[&(count as u64).to_le_bytes(), elements].concat()
}
