//! Groth16 over BLS12-381: the layout of keys and proofs, their validation, the equation.
//!
//! Points come uncompressed, as arkworks (and zcash) write them: big-endian coordinates, an element
//! of the quadratic extension with its upper half first, three flag bits on top of the first byte.
//! Here all flags must be clear: compression, since points are not compressed; infinity, since no
//! honest key or proof holds the identity; the sign, since it belongs to compression. So every point
//! has exactly one encoding.
//!
//! The types of `sp-crypto-ec-utils` leave group arithmetic and pairings to the host. **The host does
//! not validate, and its hooks panic on what they can not decode**: only what [`Validate::Yes`] let
//! through, now or before it was stored, may come near them.

use aimodel_primitives::statement::{Scalar, PROOF_BYTES};
use alloc::vec::Vec;
use ark_ec::{
	pairing::Pairing,
	short_weierstrass::{Affine, SWCurveConfig},
	AffineRepr, CurveGroup, VariableBaseMSM,
};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize, Validate};
use sp_crypto_ec_utils::bls12_381::{
	Bls12_381, G1Affine, G1Config, G1Projective, G2Affine, G2Config, ScalarField, TargetField,
};

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
	let key = Key::decode(key, Validate::Yes)?;
	let alpha_beta = target_bytes(Bls12_381::pairing(key.alpha, key.beta).0);
	Ok(ValidKey { public_inputs, alpha_beta })
}

/// Verifies a proof, of which nothing is assumed, under a key that [`validate_key`] admitted and its
/// `alpha_beta`.
///
/// With L the sum of the key's points, each times its public input, the first times one, the proof
/// (A, B, C) is valid where e(A, B) = e(alpha, beta) · e(L, gamma) · e(C, delta); here
/// e(A, B) · e(−L, gamma) · e(−C, delta) = e(alpha, beta), so that one final exponentiation does.
// Nothing overflows in a group.
#[allow(clippy::arithmetic_side_effects)]
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
	let proof = Proof::decode(proof)?;
	let scalars = scalars(inputs)?;
	let key = Key::decode(key, Validate::No)?;

	let inputs = G1Projective::msm(&key.inputs, &scalars)
		.map_err(|_| Refusal::WrongNumberOfPublicInputs)?
		.into_affine();
	let loops =
		Bls12_381::multi_miller_loop([proof.a, -inputs, -proof.c], [proof.b, key.gamma, key.delta]);
	let product = Bls12_381::final_exponentiation(loops).ok_or(Refusal::ProofRejected)?;
	if target_bytes(product.0) != *alpha_beta {
		return Err(Refusal::ProofRejected);
	}
	Ok(())
}

/// A verifying key.
struct Key {
	alpha: G1Affine,
	beta: G2Affine,
	gamma: G2Affine,
	delta: G2Affine,
	/// The point for the constant one, then one for each public input.
	inputs: Vec<G1Affine>,
}

impl Key {
	fn decode(bytes: &[u8], validate: Validate) -> Result<Self, Refusal> {
		let mut bytes = bytes;
		let mut next = |len| take(&mut bytes, len).ok_or(Refusal::MalformedKey);
		let (alpha, beta) = (next(G1_BYTES)?, next(G2_BYTES)?);
		let (gamma, delta) = (next(G2_BYTES)?, next(G2_BYTES)?);
		let inputs = bytes.chunks(G1_BYTES).map(|point| decode::<G1Config>(point, validate));
		Ok(Self {
			alpha: decode::<G1Config>(alpha, validate)?,
			beta: decode::<G2Config>(beta, validate)?,
			gamma: decode::<G2Config>(gamma, validate)?,
			delta: decode::<G2Config>(delta, validate)?,
			inputs: inputs.collect::<Result<_, _>>()?,
		})
	}
}

/// A proof.
struct Proof {
	a: G1Affine,
	b: G2Affine,
	c: G1Affine,
}

impl Proof {
	fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
		if bytes.len() != PROOF_BYTES as usize {
			return Err(Refusal::MalformedProof);
		}
		let mut bytes = bytes;
		let mut next = |len| take(&mut bytes, len).ok_or(Refusal::MalformedProof);
		let (a, b, c) = (next(G1_BYTES)?, next(G2_BYTES)?, next(G1_BYTES)?);
		Ok(Self {
			a: decode::<G1Config>(a, Validate::Yes)?,
			b: decode::<G2Config>(b, Validate::Yes)?,
			c: decode::<G1Config>(c, Validate::Yes)?,
		})
	}
}

/// One, and then the public inputs: the factors of a key's points.
fn scalars(inputs: &[Scalar]) -> Result<Vec<ScalarField>, Refusal> {
	let inputs = inputs.iter().map(|input| {
		ScalarField::deserialize_uncompressed(&input[..]).map_err(|_| Refusal::NonCanonicalScalar)
	});
	core::iter::once(Ok(ScalarField::from(1u64))).chain(inputs).collect()
}

/// Decodes a point: with [`Validate::No`] only what was validated before it was stored.
fn decode<P: SWCurveConfig>(bytes: &[u8], validate: Validate) -> Result<Affine<P>, Refusal> {
	if validate == Validate::Yes {
		// The accelerated types ignore the sign, and all coordinates after the flag of infinity.
		match bytes.split_first() {
			Some((first, _)) if first & FLAGS == 0 => (),
			Some((&INFINITY, rest)) if rest.iter().all(|b| *b == 0) => {
				return Err(Refusal::IdentityPoint)
			},
			_ => return Err(Refusal::MalformedPoint),
		}
	}
	let point = Affine::<P>::deserialize_uncompressed_unchecked(bytes)
		.map_err(|_| Refusal::MalformedPoint)?;
	if validate == Validate::Yes {
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
	}
	Ok(point)
}

/// The one encoding of an element of the target group.
fn target_bytes(element: TargetField) -> TargetBytes {
	let mut bytes = [0; TARGET_BYTES];
	element
		.serialize_uncompressed(&mut bytes[..])
		.expect("twelve elements of 48 bytes each fit; qed");
	bytes
}

/// Splits off the first `len` bytes.
fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
	let (head, tail) = bytes.split_at_checked(len)?;
	*bytes = tail;
	Some(head)
}
