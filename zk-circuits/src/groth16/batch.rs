//! Arithmetic on many points at once, in affine form: with one inversion for all, an addition takes
//! six multiplications and a doubling seven, where Jacobian coordinates take eleven and more.

use ark_ec::{
	short_weierstrass::{Affine, SWCurveConfig},
	AffineRepr, CurveGroup,
};
use ark_ff::{AdditiveGroup, Field, Zero};
use zeroize::Zeroizing;

/// What operations on points compute with, kept from one to the next, and overwritten when it is
/// dropped: the points may tell of secrets.
pub(crate) struct Scratch<F: Field> {
	/// Denominators of slopes, then their inverses.
	inverses: Zeroizing<Vec<F>>,
	/// Products of denominators.
	products: Zeroizing<Vec<F>>,
}

impl<F: Field> Scratch<F> {
	/// For up to so many points at once.
	pub(crate) fn new(points: usize) -> Self {
		let room = || Zeroizing::new(Vec::with_capacity(points));
		Self { inverses: room(), products: room() }
	}

	/// Sets the inverses of denominators, none of which is zero.
	fn invert(&mut self, denominators: impl Iterator<Item = F>) {
		self.inverses.clear();
		self.inverses.extend(denominators);
		invert_all(&mut self.inverses, &mut self.products);
	}
}

/// Inverts all values, none of which is zero. `products` is overwritten; its room is used again.
pub(crate) fn invert_all<F: Field>(values: &mut [F], products: &mut Vec<F>) {
	products.clear();
	let mut product = F::ONE;
	products.extend(values.iter().map(|value| {
		let before = product;
		product *= value;
		before
	}));
	let mut inverse = product.inverse().expect("a product of what is not zero; qed");
	for (value, before) in values.iter_mut().zip(products).rev() {
		let next = inverse * *value;
		*value = inverse * before;
		inverse = next;
	}
}

/// Adds to each point another.
pub(crate) fn add_all<P: SWCurveConfig>(
	points: &mut [Affine<P>],
	addends: &[Affine<P>],
	scratch: &mut Scratch<P::BaseField>,
) {
	// Slopes are (y₂ − y₁) / (x₂ − x₁) but where a point is the identity or the x are equal.
	let differs = |point: &Affine<P>, addend: &Affine<P>| {
		!point.is_zero() && !addend.is_zero() && point.x != addend.x
	};
	scratch.invert(points.iter().zip(addends).map(|(point, addend)| {
		match differs(point, addend) {
			true => addend.x - point.x,
			false => P::BaseField::ONE,
		}
	}));
	for ((point, addend), inverse) in points.iter_mut().zip(addends).zip(&*scratch.inverses) {
		if !differs(point, addend) {
			if !addend.is_zero() {
				*point = match point.is_zero() {
					true => *addend,
					false => (*point + addend).into_affine(),
				};
			}
			continue;
		}
		let slope = (addend.y - point.y) * inverse;
		let x = slope.square() - point.x - addend.x;
		point.y = slope * (point.x - x) - point.y;
		point.x = x;
	}
}

/// Doubles each point of a curve whose coefficient `a` is zero.
pub(crate) fn double_all<P: SWCurveConfig>(
	points: &mut [Affine<P>],
	scratch: &mut Scratch<P::BaseField>,
) {
	// Slopes are 3x² / 2y; of the identity and of points of order two, y is zero.
	scratch.invert(points.iter().map(|point| match point.y.is_zero() {
		true => P::BaseField::ONE,
		false => point.y.double(),
	}));
	for (point, inverse) in points.iter_mut().zip(&*scratch.inverses) {
		if point.y.is_zero() {
			*point = Affine::identity();
			continue;
		}
		let square = point.x.square();
		let slope = (square.double() + square) * inverse;
		let x = slope.square() - point.x.double();
		point.y = slope * (point.x - x) - point.y;
		point.x = x;
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use ark_bls12_381::{g1, g2};
	use ark_ff::UniformRand;
	use ark_std::rand::{rngs::StdRng, SeedableRng};

	fn check<P: SWCurveConfig>()
	where
		Affine<P>: UniformRand,
	{
		let mut rng = StdRng::seed_from_u64(1);
		let mut point = || Affine::<P>::rand(&mut rng);
		let (a, b, zero) = (point(), point(), Affine::identity());
		let points = [a, a, a, zero, zero, b, a];
		let addends = [b, a, -a, zero, a, zero, b];
		let mut scratch = Scratch::new(points.len());
		let mut sums = points;
		add_all(&mut sums, &addends, &mut scratch);
		let expected = |at: usize| (points[at] + addends[at]).into_affine();
		assert_eq!(sums, std::array::from_fn(expected));
		let mut doubles = points;
		double_all(&mut doubles, &mut scratch);
		assert_eq!(doubles, points.map(|point| (point + point).into_affine()));
		// Nothing of one operation is left in the next.
		add_all(&mut sums[..2], &points[5..], &mut scratch);
		assert_eq!(sums[0], (expected(0) + points[5]).into_affine());
		add_all::<P>(&mut [], &[], &mut scratch);
	}

	#[test]
	fn sums_and_doubles_are_those_of_arkworks() {
		check::<g1::Config>();
		check::<g2::Config>();
	}
}
