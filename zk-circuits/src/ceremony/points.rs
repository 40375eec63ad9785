//! Points of both groups: strict encoding, bulk scaling, random linear combinations.

use super::{
	multiply::{self, Curve},
	CeremonyError,
};
use crate::groth16::points::{self as packed, Point as _};
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G2Affine};
use ark_ec::{pairing::Pairing, short_weierstrass::Affine, AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Zero};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize, Compress, Validate};
use ark_std::rand::{rngs::OsRng, Rng};
use rayon::prelude::*;
use std::io::{ErrorKind, Read};

/// Points that are read, checked or changed at once; bounds the memory of streams.
pub(super) const CHUNK: usize = 1 << 14;

const WRITES: &str = "writing to a vector does not fail; qed";

/// A point of one of the two groups.
pub(super) trait Point:
	AffineRepr<ScalarField = Fr, Group: CurveGroup<Affine = Self>>
	+ CanonicalDeserialize
	+ CanonicalSerialize
{
	/// The same in `blst`.
	type Packed: packed::Point<Affine = Self, Sum = Self::Group>;

	fn on_curve_and_in_subgroup(&self) -> bool;

	/// Point `i` times `scalar(i)`.
	fn scale(points: &[Self], scalar: impl Fn(usize) -> Fr + Sync) -> Vec<Self>;
}

impl<C: Curve> Point for Affine<C> {
	type Packed = C::Packed;

	fn on_curve_and_in_subgroup(&self) -> bool {
		self.is_zero() || self.is_on_curve() && C::Packed::pack(self).in_subgroup()
	}

	fn scale(points: &[Self], scalar: impl Fn(usize) -> Fr + Sync) -> Vec<Self> {
		multiply::scale(points, scalar)
	}
}

/// Bytes of a point.
pub(super) fn size<P: Point>(compress: Compress) -> usize {
	P::generator().serialized_size(compress)
}

/// Appends the encoding of a point.
pub(super) fn put<P: Point>(bytes: &mut Vec<u8>, point: &P, compress: Compress) {
	point.serialize_with_mode(bytes, compress).expect(WRITES);
}

/// A point that is on the curve, in the subgroup, and in its one canonical encoding.
pub(super) fn checked<P: Point>(bytes: &[u8], compress: Compress) -> Option<P> {
	let point = P::deserialize_with_mode(bytes, compress, Validate::No).ok()?;
	let mut canonical = Vec::with_capacity(bytes.len());
	put(&mut canonical, &point, compress);
	(canonical == bytes && point.on_curve_and_in_subgroup()).then_some(point)
}

/// The uncompressed encodings of points, one after the other.
pub(super) fn encode<P: Point>(points: &[P]) -> Vec<u8> {
	let mut bytes = Vec::with_capacity(points.len() * size::<P>(Compress::No));
	points.iter().for_each(|point| put(&mut bytes, point, Compress::No));
	bytes
}

/// Decodes points, each on the curve, in the subgroup, canonical; `Err` holds the index of the first bad one.
pub(super) fn decode<P: Point>(bytes: &[u8], compress: Compress) -> Result<Vec<P>, usize> {
	let size = size::<P>(compress);
	let points: Vec<Option<P>> =
		bytes.par_chunks_exact(size).map(|bytes| checked(bytes, compress)).collect();
	let bad = points.iter().position(Option::is_none);
	bad.map_or_else(|| Ok(points.into_iter().flatten().collect()), Err)
}

/// Fills a buffer from a stream.
pub(super) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), CeremonyError> {
	input.read_exact(buffer).map_err(|error| match error.kind() {
		ErrorKind::UnexpectedEof => CeremonyError::Truncated,
		_ => CeremonyError::Io(error.to_string()),
	})
}

/// An array from a stream.
pub(super) fn array<const N: usize>(input: &mut impl Read) -> Result<[u8; N], CeremonyError> {
	let mut bytes = [0; N];
	fill(input, &mut bytes)?;
	Ok(bytes)
}

/// Checks that a stream has ended.
pub(super) fn end(input: &mut impl Read) -> Result<(), CeremonyError> {
	match array::<1>(input) {
		Err(CeremonyError::Truncated) => Ok(()),
		Err(error) => Err(error),
		Ok(_) => Err(CeremonyError::Trailing),
	}
}

/// `Σ scalar · point`.
pub(super) fn combine<P: Point>(points: &[P], scalars: &[Fr]) -> P::Group {
	let bytes: Vec<u8> = scalars.iter().flat_map(|scalar| packed::scalar_bytes(*scalar)).collect();
	multiply_packed(points, &bytes, packed::SCALAR_BITS)
}

/// `Σ coefficient · point` of [`coefficients`].
pub(super) fn combine_at_random<P: Point>(points: &[P], coefficients: &[u128]) -> P::Group {
	let bytes: Vec<u8> = coefficients.iter().flat_map(|x| x.to_le_bytes()).collect();
	multiply_packed(points, &bytes, 128)
}

fn multiply_packed<P: Point>(points: &[P], scalars: &[u8], bits: usize) -> P::Group {
	let packed: Vec<P::Packed> = points.iter().map(packed::Point::pack).collect();
	packed::multiply(&packed, scalars, bits)
}

/// Coefficients that whoever made the points could not know: 128 bits from the system's generator.
pub(super) fn coefficients(count: usize) -> Vec<u128> {
	let mut rng = OsRng;
	(0..count).map(|_| rng.gen()).collect()
}

/// Whether `e(a, b) = e(c, d)`.
pub(super) fn same_pairing(
	(a, b): (impl Into<G1Affine>, impl Into<G2Affine>),
	(c, d): (impl Into<G1Affine>, impl Into<G2Affine>),
) -> bool {
	let (left, right) = ([a.into(), (-c.into().into_group()).into()], [b.into(), d.into()]);
	Bls12_381::multi_pairing(left, right).is_zero()
}

/// Two random combinations, of all points of a sequence but the last and, with the same
/// coefficients, of all but the first: each point is the one before times the same secret exactly
/// if the second combination is the first times the secret, but for a chance of 2^-128.
pub(super) struct Geometric<P: Point> {
	remaining: usize,
	carried: u128,
	/// The combination of all but the last.
	pub(super) low: P::Group,
	/// The combination of all but the first.
	pub(super) high: P::Group,
}

impl<P: Point> Geometric<P> {
	/// For a sequence of this length.
	pub(super) fn new(length: usize) -> Self {
		let zero = P::Group::ZERO;
		Self { remaining: length, carried: 0, low: zero, high: zero }
	}

	/// Adds the next points.
	pub(super) fn add(&mut self, points: &[P]) {
		let mut scalars = vec![self.carried];
		scalars.extend(coefficients(points.len()));
		self.remaining -= points.len();
		if self.remaining == 0 {
			scalars[points.len()] = 0;
		}
		self.high += combine_at_random(points, &scalars[..points.len()]);
		self.low += combine_at_random(points, &scalars[1..]);
		self.carried = scalars[points.len()];
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use ark_bls12_381::{g1, g2};
	use ark_ff::Field;

	fn check<C: Curve>() {
		let mut outside = 0;
		for x in 0..64u64 {
			let x = C::BaseField::from(x);
			let Some(point) = Affine::<C>::get_point_from_x_unchecked(x, false) else { continue };
			let inside = point.is_in_correct_subgroup_assuming_on_curve();
			assert_eq!(point.on_curve_and_in_subgroup(), inside);
			outside += usize::from(!inside);
			// The same in the subgroup.
			let point = point.clear_cofactor();
			assert!(point.on_curve_and_in_subgroup());
			// With another second coordinate it is on another curve.
			let off = Affine::<C>::new_unchecked(point.x, point.y + C::BaseField::ONE);
			assert!(!off.on_curve_and_in_subgroup());
		}
		assert!(outside > 20);
		assert!(Affine::<C>::identity().on_curve_and_in_subgroup());
	}

	#[test]
	fn points_outside_of_curve_or_subgroup_are_told_from_those_inside() {
		check::<g1::Config>();
		check::<g2::Config>();
	}
}
