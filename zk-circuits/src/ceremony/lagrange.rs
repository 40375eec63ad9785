//! From powers of a secret to Lagrange polynomials at the secret, without knowing it: a Fourier
//! transform of points.

use super::points::{scale, Point};
use ark_bls12_381::Fr;
use ark_ff::{FftField, Field};
use rayon::prelude::*;

/// Scalar multiplications that one task does at least.
const TASK: usize = 8;

/// `L_j(τ)·P` for all Lagrange polynomials of the domain of the `n`-th roots of unity, from
/// `τ^i·P`, `i < n`. `n` is a power of two.
///
/// `L_j(τ) = 1/n · Σ_i ω^(−ij) τ^i`, which is the inverse transform of the powers.
pub(super) fn lagrange<P: Point>(powers: &[P]) -> Vec<P> {
	let n = powers.len();
	assert!(n.is_power_of_two(), "a domain's size is a power of two; qed");
	let root = Fr::get_root_of_unity(n as u64).and_then(|root| root.inverse());
	let root = root.expect("n is at most 2^28, and 2^32 roots of unity exist; qed");
	let size = Fr::from(n as u64).inverse().expect("n is less than the field's order; qed");

	let roots: Vec<Fr> =
		std::iter::successors(Some(Fr::ONE), |power| Some(*power * root)).take(n / 2).collect();
	// By 1/n first, where points are affine and multiplication is cheapest.
	let scaled = scale(powers, |_| size);
	let mut values: Vec<P::Group> =
		(0..n).map(|index| scaled[reverse_bits(index, n.trailing_zeros())].into()).collect();
	let mut half = 1;
	while half < n {
		let stride = n / (2 * half);
		values.par_chunks_mut(2 * half).for_each(|block| {
			let (low, high) = block.split_at_mut(half);
			low.par_iter_mut().zip(high).enumerate().with_min_len(TASK).for_each(
				|(index, (low, high))| {
					if index > 0 {
						*high *= roots[index * stride];
					}
					let sum = *low + *high;
					*high = *low - *high;
					*low = sum;
				},
			);
		});
		half *= 2;
	}
	ark_ec::CurveGroup::normalize_batch(&values)
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
	use ark_bls12_381::{G1Affine, G2Affine};
	use ark_ec::CurveGroup;

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

	fn check<P: Point>(n: u64) {
		let tau = Fr::from(987_654_321u64).pow([5]);
		let powers: Vec<P> =
			(0..n).map(|i| (P::generator() * tau.pow([i])).into_affine()).collect();
		let expected: Vec<P> = expected(n, tau)
			.into_iter()
			.map(|value| (P::generator() * value).into_affine())
			.collect();
		assert!(lagrange(&powers) == expected, "{n}");
	}

	#[test]
	fn lagrange_polynomials_are_those_of_the_formula() {
		for n in [1, 2, 4, 32] {
			check::<G1Affine>(n);
			check::<G2Affine>(n);
		}
	}
}
