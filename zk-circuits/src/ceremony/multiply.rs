//! Points times scalars, many at once, by the endomorphisms of both groups.
//!
//! With `x` the curve's parameter without its sign, the order of the groups is `x⁴ − x² + 1`: a
//! scalar has four digits of 64 bits in base `x`. In both groups there is a map that multiplies by a
//! power of `x` and costs next to nothing: by `x²` in the first, by `x` in the second. So 128
//! doublings suffice, or 64.
//!
//! All points take the same steps at the same time, in affine form; see [`crate::groth16::batch`].
//! What tells of the scalars is overwritten, all but copies in registers and on the stack.

use crate::groth16::{
	batch::{add_all, double_all, Scratch},
	points as packed,
};
use ark_bls12_381::{g1, g2, Fq, Fq2, Fr};
use ark_ec::{
	scalar_mul::glv::GLVConfig,
	short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{AdditiveGroup, Field, MontFp, PrimeField};
use blst::{blst_p1_affine, blst_p2_affine};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// The curve's parameter without its sign, which is negative.
const X: u64 = 0xd201_0000_0001_0000;

/// Points that take their steps together: their tables fit into a cache.
const TOGETHER: usize = 512;

/// Bits of a window; its digits are in `−2^(WINDOW−1)..=2^(WINDOW−1)`.
const WINDOW: usize = 4;

/// The most digits of a scalar, those of all parts.
const MOST_DIGITS: usize = 68;

/// A curve whose points are multiplied.
pub(super) trait Curve: SWCurveConfig<ScalarField = Fr> {
	/// Its points in `blst`.
	type Packed: packed::Point<Affine = Affine<Self>, Sum = Projective<Self>>;

	/// A scalar is cut into so many parts of equal length.
	const PARTS: usize;

	/// A point times `x` to the power of `4 / PARTS · part`.
	fn endomorphism(point: &Affine<Self>, part: usize) -> Affine<Self>;

	/// Points times `−x³`, whose square is −1.
	fn turn(points: &mut [Affine<Self>]);
}

impl Curve for g1::Config {
	type Packed = blst_p1_affine;

	const PARTS: usize = 2;

	fn endomorphism(point: &Affine<Self>, part: usize) -> Affine<Self> {
		match part {
			0 => *point,
			// A cube root of unity times the first coordinate is −x² times the point.
			_ => -Self::endomorphism_affine(point),
		}
	}

	fn turn(points: &mut [Affine<Self>]) {
		let mut scratch = Scratch::new(points.len());
		// −x², and then x.
		let turned: Vec<_> = points.iter().map(Self::endomorphism_affine).collect();
		points.copy_from_slice(&turned);
		for bit in (0..X.ilog2()).rev() {
			double_all(points, &mut scratch);
			if X >> bit & 1 == 1 {
				add_all(points, &turned, &mut scratch);
			}
		}
	}
}

/// `1/(1 + u)^((p − 1)/3)`, for the map of Frobenius on the twist, ψ, which multiplies by `−x`.
const PSI_X: Fq2 = Fq2::new(
	Fq::ZERO,
	MontFp!("4002409555221667392624310435006688643935503118305586438271171395842971157480381377015405980053539358417135540939437"),
);

/// `1/(1 + u)^((p − 1)/2)`.
const PSI_Y: Fq2 = Fq2::new(
	MontFp!("2973677408986561043442465346520108879172042883009249989176415018091420807192182638567116318576472649347015917690530"),
	MontFp!("1028732146235106349975324479215795277384839936929757896155643118032610843298655225875571310552543014690878354869257"),
);

/// `(1 + u)^((1 − p²)/3)`, for ψ².
const PSI_2_X: Fq =
	MontFp!("4002409555221667392624310435006688643935503118305586438271171395842971157480381377015405980053539358417135540939436");

fn psi(point: &Affine<g2::Config>) -> Affine<g2::Config> {
	let (mut x, mut y) = (point.x, point.y);
	x.conjugate_in_place();
	y.conjugate_in_place();
	// u · c1 of the constant.
	let turned = Fq2::new(-x.c1, x.c0);
	Affine::new_unchecked(Fq2::new(turned.c0 * PSI_X.c1, turned.c1 * PSI_X.c1), y * PSI_Y)
}

fn psi_2(point: &Affine<g2::Config>) -> Affine<g2::Config> {
	let x = Fq2::new(point.x.c0 * PSI_2_X, point.x.c1 * PSI_2_X);
	Affine::new_unchecked(x, -point.y)
}

impl Curve for g2::Config {
	type Packed = blst_p2_affine;

	const PARTS: usize = 4;

	fn endomorphism(point: &Affine<Self>, part: usize) -> Affine<Self> {
		match part {
			0 => *point,
			1 => -psi(point),
			2 => psi_2(point),
			_ => -psi(&psi_2(point)),
		}
	}

	fn turn(points: &mut [Affine<Self>]) {
		points.iter_mut().for_each(|point| *point = psi(&psi_2(point)));
	}
}

/// Point `i` times `scalar(i)`.
pub(super) fn scale<C: Curve>(
	points: &[Affine<C>],
	scalar: impl Fn(usize) -> Fr + Sync,
) -> Vec<Affine<C>> {
	let mut products = vec![Affine::identity(); points.len()];
	products.par_chunks_mut(TOGETHER).zip(points.par_chunks(TOGETHER)).enumerate().for_each(
		|(chunk, (products, points))| {
			let scalar = |index| scalar(chunk * TOGETHER + index);
			multiply(products, points, scalar);
		},
	);
	products
}

/// Points times a root of unity of order four.
pub(super) fn quarter_turn<C: Curve>(points: &[Affine<C>], root: Fr) -> Vec<Affine<C>> {
	let mut turned = points.to_vec();
	turned.par_chunks_mut(TOGETHER).for_each(|points| {
		C::turn(points);
		// There are two such roots.
		if root == Fr::from(X).pow([3]) {
			points.iter_mut().for_each(|point| *point = -*point);
		}
	});
	turned
}

/// Adds the product of each point and its scalar to `products`, which begin as the identity.
fn multiply<C: Curve>(
	products: &mut [Affine<C>],
	points: &[Affine<C>],
	scalar: impl Fn(usize) -> Fr,
) {
	let mut scratch = Scratch::new(points.len());
	let multiples = multiples(points, &mut scratch);
	let digits: Vec<_> = (0..points.len()).map(|index| digits::<C>(&scalar(index))).collect();
	let mut addends = Zeroizing::new(vec![Affine::identity(); points.len()]);
	let windows = windows::<C>();
	for window in (0..windows).rev() {
		if window + 1 < windows {
			(0..WINDOW).for_each(|_| double_all(products, &mut scratch));
		}
		for part in 0..C::PARTS {
			for (index, (addend, digits)) in addends.iter_mut().zip(&digits).enumerate() {
				let digit = digits[part * windows + window];
				*addend = match digit.unsigned_abs() {
					0 => Affine::identity(),
					multiple => {
						let point = &multiples[usize::from(multiple) - 1][index];
						let point = C::endomorphism(point, part);
						if digit < 0 {
							-point
						} else {
							point
						}
					},
				};
			}
			add_all(products, &addends, &mut scratch);
		}
	}
}

/// Windows of a part: of its bits, and one for a carry.
fn windows<C: Curve>() -> usize {
	256 / C::PARTS / WINDOW + 1
}

/// The signed digits of a scalar: those of each part, the lowest first.
fn digits<C: Curve>(scalar: &Fr) -> Zeroizing<[i8; MOST_DIGITS]> {
	let mut digits = Zeroizing::new([0; MOST_DIGITS]);
	let in_base_x = in_base_x(scalar);
	let parts = in_base_x.chunks_exact(4 / C::PARTS);
	for (part, digits) in parts.zip(digits.chunks_exact_mut(windows::<C>())) {
		let part = part.iter().rev().fold(0, |high, &low| high * u128::from(X) + u128::from(low));
		let mut carry = 0;
		for (window, digit) in digits.iter_mut().enumerate() {
			let bits = part.checked_shr((window * WINDOW) as u32).unwrap_or(0);
			let value = (bits & ((1 << WINDOW) - 1)) as i8 + carry;
			carry = i8::from(value > 1 << (WINDOW - 1));
			*digit = value - (carry << WINDOW);
		}
	}
	digits
}

/// The digits of a scalar in base [`X`], the lowest first.
fn in_base_x(scalar: &Fr) -> Zeroizing<[u64; 4]> {
	let mut quotient = Zeroizing::new(scalar.into_bigint().0);
	Zeroizing::new(std::array::from_fn(|_| {
		let mut remainder = 0;
		for limb in quotient.iter_mut().rev() {
			let dividend = remainder << 64 | u128::from(*limb);
			*limb = (dividend / u128::from(X)) as u64;
			remainder = dividend % u128::from(X);
		}
		remainder as u64
	}))
}

/// The points times 1, 2, …, `2^(WINDOW − 1)`.
fn multiples<C: Curve>(
	points: &[Affine<C>],
	scratch: &mut Scratch<C::BaseField>,
) -> Vec<Vec<Affine<C>>> {
	let mut multiples = vec![points.to_vec()];
	let mut next = points.to_vec();
	double_all(&mut next, scratch);
	multiples.push(next);
	while multiples.len() < 1 << (WINDOW - 1) {
		let mut next = multiples[multiples.len() - 1].clone();
		add_all(&mut next, points, scratch);
		multiples.push(next);
	}
	multiples
}

#[cfg(test)]
mod tests {
	use super::*;
	use ark_ec::{AffineRepr, CurveGroup};
	use ark_ff::{FftField, UniformRand};
	use ark_std::rand::{rngs::StdRng, SeedableRng};

	fn check<C: Curve>() {
		let mut rng = StdRng::seed_from_u64(1);
		let x = Fr::from(X);
		let mut scalars = vec![Fr::ZERO, Fr::ONE, -Fr::ONE, -x, Fr::from(u128::MAX)];
		// Every digit zero, or the largest.
		scalars.extend((1..4).flat_map(|power| [x.pow([power]), x.pow([power]) - Fr::ONE]));
		scalars.extend((0..WINDOW as u32 * 4).map(|bit| Fr::from(1u64 << bit) * x));
		scalars.extend((0..300).map(|_| Fr::rand(&mut rng)));
		let generator = Affine::<C>::generator();
		let mut points: Vec<_> =
			scalars.iter().map(|_| (generator * Fr::rand(&mut rng)).into_affine()).collect();
		points[7] = Affine::identity();
		let products = scale(&points, |index| scalars[index]);
		for ((product, point), scalar) in products.iter().zip(&points).zip(&scalars) {
			assert_eq!(*product, (*point * scalar).into_affine(), "{scalar}");
		}
		assert!(scale::<C>(&[], |_| Fr::ONE).is_empty());

		let root = Fr::get_root_of_unity(4).expect("a root");
		for root in [root, -root] {
			for (turned, point) in quarter_turn(&points, root).iter().zip(&points) {
				assert_eq!(*turned, (*point * root).into_affine());
			}
		}
	}

	#[test]
	fn products_are_those_of_arkworks() {
		check::<g1::Config>();
		check::<g2::Config>();
	}
}
