//! From powers of a secret to Lagrange polynomials at the secret, without knowing it: a Fourier
//! transform of points.

use super::multiply::{quarter_turn, scale, Curve};
use crate::groth16::batch::{add_all, Scratch};
use ark_bls12_381::Fr;
use ark_ec::short_weierstrass::Affine;
use ark_ff::{FftField, Field};
use rayon::prelude::*;

/// Additions that share an inversion.
const TOGETHER: usize = 1 << 9;

/// `L_j(τ)·P` for all Lagrange polynomials of the domain of the `n`-th roots of unity, from
/// `τ^i·P`, `i < n`. `n` is a power of two.
///
/// `L_j(τ) = 1/n · Σ_i ω^(−ij) τ^i`, which is the inverse transform of the powers.
pub(super) fn lagrange<C: Curve>(powers: &[Affine<C>]) -> Vec<Affine<C>> {
	let n = powers.len();
	assert!(n.is_power_of_two(), "a domain's size is a power of two; qed");
	let root = Fr::get_root_of_unity(n as u64).and_then(|root| root.inverse());
	let root = root.expect("n is at most 2^28, and 2^32 roots of unity exist; qed");
	let size = Fr::from(n as u64).inverse().expect("n is less than the field's order; qed");

	let scaled = scale(powers, |_| size);
	let mut values: Vec<_> =
		(0..n).map(|index| scaled[reverse_bits(index, n.trailing_zeros())]).collect();
	let mut length = 1;
	if n.trailing_zeros() % 2 == 1 {
		// All twiddle factors of blocks of two are one.
		let mut halves = [0, 1].map(|at| values.iter().skip(at).step_by(2).copied().collect());
		sums_and_differences(&mut halves);
		let [low, high] = &halves;
		values = low.iter().zip(high).flat_map(|(low, high)| [*low, *high]).collect();
		length = 2;
	}
	while length < n {
		join_four(&mut values, length, root.pow([(n / (4 * length)) as u64]));
		length *= 4;
	}
	values
}

/// Transforms of four times the length, from those of each four neighbours of a length, which are
/// of every fourth value: in reversed order of bits, so of those that are 0, 2, 1 and 3 modulo 4.
/// `root` is of the order of the new length.
fn join_four<C: Curve>(values: &mut [Affine<C>], length: usize, root: Fr) {
	let blocks = values.len() / (4 * length);
	// Where the value at `index` of each quarter is: those with equal twiddle factors in a row,
	// the first of which are one.
	let place = |quarter: usize, index: usize| {
		index % blocks * 4 * length + quarter * length + index / blocks
	};
	let mut quarters: [Vec<_>; 4] = std::array::from_fn(|quarter| {
		(0..values.len() / 4).map(|index| values[place(quarter, index)]).collect()
	});
	for (quarter, power) in quarters.iter_mut().zip([0, 2, 1, 3]).skip(1) {
		let step = root.pow([power]);
		let factors: Vec<Fr> =
			std::iter::successors(Some(step), |x| Some(*x * step)).take(length - 1).collect();
		let scaled = scale(&quarter[blocks..], |index| factors[index / blocks]);
		quarter[blocks..].copy_from_slice(&scaled);
	}
	let [zero, two, one, three] = quarters;
	let (mut even, mut odd) = ([zero, two], [one, three]);
	sums_and_differences(&mut even);
	sums_and_differences(&mut odd);
	let ([low, middle], [high, turned]) = (even, odd);
	let fourth = root.pow([length as u64]);
	let turned = quarter_turn(&turned, fourth);
	let (mut outer, mut inner) = ([low, high], [middle, turned]);
	sums_and_differences(&mut outer);
	sums_and_differences(&mut inner);
	let ([first, third], [second, fourth]) = (outer, inner);
	for (quarter, joined) in [first, second, third, fourth].iter().enumerate() {
		for (index, value) in joined.iter().enumerate() {
			values[place(quarter, index)] = *value;
		}
	}
}

/// `a + b` and `a − b` for all `a` and `b`.
fn sums_and_differences<C: Curve>([a, b]: &mut [Vec<Affine<C>>; 2]) {
	a.par_chunks_mut(TOGETHER).zip(b.par_chunks_mut(TOGETHER)).for_each(|(a, b)| {
		let mut scratch = Scratch::new(a.len());
		let mut differences: Vec<_> = b.iter().map(|b| -*b).collect();
		add_all(&mut differences, a, &mut scratch);
		add_all(a, b, &mut scratch);
		b.copy_from_slice(&differences);
	});
}

fn reverse_bits(index: usize, bits: u32) -> usize {
	match bits {
		0 => index,
		bits => index.reverse_bits() >> (usize::BITS - bits),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use ark_bls12_381::{g1, g2};
	use ark_ec::{AffineRepr, CurveGroup};

	/// `L_j(τ) = (τ^n − 1) · ω^j / (n · (τ − ω^j))`.
	fn expected(n: u64, tau: Fr) -> Vec<Fr> {
		let root = Fr::get_root_of_unity(n).expect("a root");
		(0..n)
			.map(|j| {
				let point = root.pow([j]);
				let denominator = Fr::from(n) * (tau - point);
				(tau.pow([n]) - Fr::ONE) * point * denominator.inverse().expect("not a root")
			})
			.collect()
	}

	fn check<C: Curve>(n: u64) {
		let tau = Fr::from(987_654_321u64).pow([5]);
		let generator = Affine::<C>::generator();
		let powers: Vec<_> = (0..n).map(|i| (generator * tau.pow([i])).into_affine()).collect();
		let expected: Vec<_> =
			expected(n, tau).into_iter().map(|value| (generator * value).into_affine()).collect();
		assert!(lagrange(&powers) == expected, "{n}");
	}

	#[test]
	fn lagrange_polynomials_are_those_of_the_formula() {
		for n in [1, 2, 4, 8, 32, 64] {
			check::<g1::Config>(n);
			check::<g2::Config>(n);
		}
	}
}
