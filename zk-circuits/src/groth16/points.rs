//! Points in the form of `blst`, and their multiples.
//!
//! Both libraries keep a coordinate as the same six limbs in Montgomery form, so that a change of
//! library is a copy. `blst` has no flag for the identity: its coordinates are zero.

use super::key::Query;
use crate::circuit::Values;
use ark_bls12_381::{Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, PrimeField};
use blst::{blst_fp, blst_fp2, blst_p1_affine, blst_p2_affine, MultiPoint};
use rayon::prelude::*;
use std::{iter::Sum, ops::Add};

/// Bytes of a scalar.
pub(crate) const SCALAR_BYTES: usize = 32;

/// Bits of a scalar.
pub(crate) const SCALAR_BITS: usize = Fr::MODULUS_BIT_SIZE as usize;

/// Multi-scalar multiplications are not cut into parts of fewer points.
const LEAST_PART: usize = 256;

/// A point of one of the groups, in the form of `blst`.
pub(crate) trait Point: Copy + PartialEq + Send + Sync {
	/// The same in arkworks.
	type Affine: AffineRepr<ScalarField = Fr, Group = Self::Sum>;
	/// What additions give.
	type Sum: AdditiveGroup + Add + Sum + Send;

	fn pack(point: &Self::Affine) -> Self;
	fn unpack(&self) -> Self::Affine;
	fn negated(&self) -> Self;
	/// Whether a point of the curve is in the subgroup of prime order; the identity is not asked for.
	fn in_subgroup(&self) -> bool;
	/// The sum of points.
	fn sum(points: &[Self]) -> Self::Sum;
	/// `Σ scalar · point` of little-endian scalars, each of `bits` bits in whole bytes.
	fn multiply(points: &[Self], scalars: &[u8], bits: usize) -> Self::Sum;
}

fn pack(coordinate: &Fq) -> blst_fp {
	blst_fp { l: coordinate.0 .0 }
}

fn unpack(coordinate: &blst_fp) -> Fq {
	Fq::new_unchecked(BigInt(coordinate.l))
}

fn pack2(coordinate: &Fq2) -> blst_fp2 {
	blst_fp2 { fp: [pack(&coordinate.c0), pack(&coordinate.c1)] }
}

fn unpack2(coordinate: &blst_fp2) -> Fq2 {
	Fq2::new(unpack(&coordinate.fp[0]), unpack(&coordinate.fp[1]))
}

macro_rules! impl_point {
	($packed:ident, $affine:ident, $projective:ident, $pack:ident, $unpack:ident) => {
		impl Point for $packed {
			type Affine = $affine;
			type Sum = $projective;

			fn pack(point: &$affine) -> Self {
				match point.is_zero() {
					true => Self::default(),
					false => Self { x: $pack(&point.x), y: $pack(&point.y) },
				}
			}

			fn unpack(&self) -> $affine {
				match *self == Self::default() {
					true => $affine::identity(),
					false => $affine::new_unchecked($unpack(&self.x), $unpack(&self.y)),
				}
			}

			fn negated(&self) -> Self {
				Self { x: self.x, y: $pack(&-$unpack(&self.y)) }
			}

			fn in_subgroup(&self) -> bool {
				std::slice::from_ref(self).validate().is_ok()
			}

			fn sum(points: &[Self]) -> $projective {
				if points.is_empty() {
					return $projective::ZERO;
				}
				let sum = points.add();
				$projective::new_unchecked($unpack(&sum.x), $unpack(&sum.y), $unpack(&sum.z))
			}

			fn multiply(points: &[Self], scalars: &[u8], bits: usize) -> $projective {
				if points.is_empty() {
					return $projective::ZERO;
				}
				let sum = points.mult(scalars, bits);
				$projective::new_unchecked($unpack(&sum.x), $unpack(&sum.y), $unpack(&sum.z))
			}
		}
	};
}

impl_point!(blst_p1_affine, G1Affine, G1Projective, pack, unpack);
impl_point!(blst_p2_affine, G2Affine, G2Projective, pack2, unpack2);

/// The length of the parts that work on `count` points is cut into, one for each thread of the
/// pool.
fn part(count: usize) -> usize {
	count.div_ceil(rayon::current_num_threads()).max(LEAST_PART)
}

/// `Σ scalar · point` of arbitrary scalars, little-endian, each of `bits` bits in whole bytes.
pub(crate) fn multiply<P: Point>(points: &[P], scalars: &[u8], bits: usize) -> P::Sum {
	let part = part(points.len());
	points
		.par_chunks(part)
		.zip(scalars.par_chunks(part * bits.div_ceil(8)))
		.map(|(points, scalars)| P::multiply(points, scalars, bits))
		.sum()
}

/// Points and some of their multiples. Cut into short digits, the scalars of few points become
/// those of many, whose multiplication has less to spend for each.
#[derive(Clone, Debug)]
pub(crate) struct Table {
	/// The points, then the points times `2^DIGIT_BITS`, and so on.
	points: Vec<blst_p1_affine>,
	count: usize,
}

impl Table {
	/// Above so many points, multiples do not make up for the memory that they take.
	const MOST: usize = 1 << 11;
	/// What `blst` cuts into three windows.
	const DIGIT_BITS: usize = 29;
	const DIGITS: usize = SCALAR_BITS.div_ceil(Self::DIGIT_BITS);

	/// `None` for too many points.
	pub(crate) fn new(points: &[blst_p1_affine]) -> Option<Self> {
		if points.len() > Self::MOST {
			return None;
		}
		let count = points.len();
		let mut points = points.to_vec();
		for digit in 1..Self::DIGITS {
			let multiples: Vec<G1Projective> = points[(digit - 1) * count..]
				.par_iter()
				.map(|point| {
					let mut multiple = point.unpack().into_group();
					for _ in 0..Self::DIGIT_BITS {
						multiple.double_in_place();
					}
					multiple
				})
				.collect();
			let multiples = G1Projective::normalize_batch(&multiples);
			points.extend(multiples.iter().map(blst_p1_affine::pack));
		}
		Some(Self { points, count })
	}

	/// `Σ scalar · point` of arbitrary scalars, little-endian.
	pub(crate) fn multiply(&self, scalars: &[u8]) -> G1Projective {
		let scalars = &scalars[..self.count * SCALAR_BYTES];
		let digits: Vec<u8> = (0..Self::DIGITS)
			.flat_map(|digit| {
				scalars.chunks_exact(SCALAR_BYTES).map(move |s| Self::digit(s, digit))
			})
			.flat_map(u32::to_le_bytes)
			.collect();
		multiply(&self.points, &digits, Self::DIGIT_BITS)
	}

	fn digit(scalar: &[u8], digit: usize) -> u32 {
		let (byte, shift) = (digit * Self::DIGIT_BITS / 8, digit * Self::DIGIT_BITS % 8);
		let mut window = [0; 8];
		let bytes = &scalar[byte..scalar.len().min(byte + window.len())];
		window[..bytes.len()].copy_from_slice(bytes);
		(u64::from_le_bytes(window) >> shift) as u32 & ((1 << Self::DIGIT_BITS) - 1)
	}
}

/// `Σ value · point` of a query's points and the values of its variables, of which number
/// `first` is the query's variable 0.
///
/// Most values are 0 or 1. The points of ones are added in affine form, many at a time, which is
/// the cheapest addition; other integers are multiplied to their own width.
pub(crate) fn multiply_values<P: Point>(query: &Query<P>, values: &Values, first: usize) -> P::Sum {
	let part = part(query.points.len());
	let integers = &values.integers()[first..];
	let small: P::Sum = query
		.points
		.par_chunks(part)
		.zip(query.variables.par_chunks(part))
		.map(|(points, variables)| multiply_integers(points, variables, integers))
		.sum();
	small + multiply_fields(query, values, first)
}

fn multiply_integers<P: Point>(points: &[P], variables: &[u32], integers: &[i64]) -> P::Sum {
	let mut ones = Vec::with_capacity(points.len());
	let (mut others, mut magnitudes, mut union) = (Vec::new(), Vec::new(), 0);
	for (point, &variable) in points.iter().zip(variables) {
		match integers[variable as usize] {
			0 => (),
			1 => ones.push(*point),
			-1 => ones.push(point.negated()),
			value => {
				others.push(if value < 0 { point.negated() } else { *point });
				magnitudes.push(value.unsigned_abs());
				union |= value.unsigned_abs();
			},
		}
	}
	let bits = (u64::BITS - union.leading_zeros()) as usize;
	let bytes = bits.div_ceil(8);
	let scalars: Vec<u8> =
		magnitudes.iter().flat_map(|value| value.to_le_bytes().into_iter().take(bytes)).collect();
	P::sum(&ones) + P::multiply(&others, &scalars, bits)
}

fn multiply_fields<P: Point>(query: &Query<P>, values: &Values, first: usize) -> P::Sum {
	let (mut points, mut scalars) = (Vec::new(), Vec::new());
	for &(at, value) in values.fields() {
		let Some(variable) = at.checked_sub(first) else { continue };
		if let Ok(found) = query.variables.binary_search(&(variable as u32)) {
			points.push(query.points[found]);
			scalars.extend(scalar_bytes(value));
		}
	}
	P::multiply(&points, &scalars, SCALAR_BITS)
}

/// A scalar, little-endian.
pub(crate) fn scalar_bytes(scalar: Fr) -> [u8; SCALAR_BYTES] {
	let mut bytes = [0; SCALAR_BYTES];
	for (bytes, limb) in bytes.chunks_exact_mut(8).zip(scalar.into_bigint().0) {
		bytes.copy_from_slice(&limb.to_le_bytes());
	}
	bytes
}
