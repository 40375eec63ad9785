//! Polynomials over the roots of unity of order `n`, and the quotient by `xⁿ − 1`.
//!
//! The transforms follow the tree of `x²ⁿ − 1 = (xⁿ − 1)·(xⁿ + 1)`, in which a node `x²ᵐ − ζ²`
//! splits into `xᵐ − ζ` and `xᵐ + ζ`. Numbered from the root as a heap's levels are, node `b` of
//! any level has `ζ = ωᵏ` with `ω` of order `2n` and `k` the bits of `b` reversed: one table serves
//! all levels of both halves. Coefficients are in natural order and values in reversed order of
//! bits, so that nothing is ever permuted but the input.

use super::batch::invert_all;
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, FftField, Field};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Below this length a transform stays in its thread.
const SERIAL: usize = 1 << 10;

/// The tree's nodes that the transforms begin at: residues modulo `xⁿ − 1` and `xⁿ + 1`.
const CYCLIC: usize = 0;
const NEGACYCLIC: usize = 1;

/// The roots of unity of order `size`, and those half way between them.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
	size: usize,
	/// `ζ` of each node; see the module.
	roots: Vec<Fr>,
}

impl Domain {
	/// The smallest domain with at least `rows` points; `None` above 2³¹, where the field has no
	/// roots of unity for the points between.
	pub(crate) fn new(rows: usize) -> Option<Self> {
		let size = rows.checked_next_power_of_two()?;
		let root = Fr::get_root_of_unity(2 * size as u64)?;
		let bits = size.trailing_zeros();
		// roots[2^s + b] = roots[b] · ω^(n / 2^(s+1)).
		let mut steps = Vec::with_capacity(bits as usize);
		let mut step = root;
		for _ in 0..bits {
			steps.push(step);
			step.square_in_place();
		}
		let mut roots = Vec::with_capacity(size);
		roots.push(Fr::ONE);
		for step in steps.into_iter().rev() {
			let next: Vec<Fr> = roots.par_iter().with_min_len(SERIAL).map(|r| *r * step).collect();
			roots.extend(next);
		}
		Some(Self { size, roots })
	}

	/// Number of points.
	pub(crate) fn size(&self) -> usize {
		self.size
	}

	/// The position of the value at `ωⁱ`, where `ω` is the domain's generator.
	pub(crate) fn position(&self, i: usize) -> usize {
		match self.size.trailing_zeros() {
			0 => 0,
			bits => i.reverse_bits() >> (usize::BITS - bits),
		}
	}

	/// From values on the domain to `n` times the coefficients.
	pub(crate) fn interpolate(&self, values: &mut [Fr]) {
		self.inverse(values, CYCLIC);
	}

	/// From coefficients to values half way between the domain's points.
	fn evaluate_between(&self, values: &mut [Fr]) {
		self.forward(values, NEGACYCLIC);
	}

	/// From values half way between the domain's points to `n` times the coefficients.
	fn interpolate_between(&self, values: &mut [Fr]) {
		self.inverse(values, NEGACYCLIC);
	}

	/// The coefficients of `(A·B − C) / (xⁿ − 1)`, given the values of A, B and C on the domain, of
	/// which `A·B = C` holds; in the place of `a`.
	///
	/// The quotient is the upper half of the coefficients of `A·B`. The lower half plus the upper
	/// is `A·B mod xⁿ − 1`, which is C; the lower less the upper is `A·B mod xⁿ + 1`, which follows
	/// from values between the domain's points.
	pub(crate) fn quotient(&self, a: &mut [Fr], b: &mut [Fr], c: &mut [Fr]) {
		rayon::join(
			|| {
				self.interpolate(a);
				self.evaluate_between(a);
			},
			|| {
				self.interpolate(b);
				self.evaluate_between(b);
			},
		);
		rayon::join(
			|| {
				a.par_iter_mut().zip(&*b).with_min_len(SERIAL).for_each(|(a, b)| *a *= b);
				self.interpolate_between(a);
			},
			|| self.interpolate(c),
		);
		// Of A·B there are n³ times the coefficients, of C n times.
		let size = Fr::from(self.size as u64);
		let half = (size + size).inverse().expect("a power of two is not zero in the field; qed");
		let scale = half * half * half * Fr::from(4u64);
		a.par_iter_mut()
			.zip(&*c)
			.with_min_len(SERIAL)
			.for_each(|(a, c)| *a = half * c - scale * *a);
	}

	/// The values of the Lagrange polynomials of the domain at `point`, in order of the powers of
	/// the generator. `point` must not be in the domain; nothing that tells of it is left on the heap
	/// but the result.
	pub(crate) fn lagrange(&self, point: Fr) -> Vec<Fr> {
		// Lᵢ(x) = (xⁿ − 1)·ωⁱ / (n·(x − ωⁱ))
		let size = self.size as u64;
		let factor = self.vanishing(point) * Fr::from(size).inverse().expect("not zero; qed");
		let root = Fr::get_root_of_unity(size).expect("twice the order has a root; qed");
		let mut values = vec![Fr::ZERO; self.size];
		values.par_chunks_mut(SERIAL).enumerate().for_each(|(chunk, values)| {
			let first = root.pow([(chunk * SERIAL) as u64]);
			let mut power = first;
			for value in values.iter_mut() {
				*value = point - power;
				power *= root;
			}
			invert_all(values, &mut Zeroizing::new(Vec::with_capacity(values.len())));
			let mut power = first * factor;
			for value in values.iter_mut() {
				*value *= power;
				power *= root;
			}
		});
		values
	}

	/// `pointⁿ − 1`.
	pub(crate) fn vanishing(&self, point: Fr) -> Fr {
		point.pow([self.size as u64]) - Fr::ONE
	}

	fn forward(&self, values: &mut [Fr], node: usize) {
		if values.len() <= SERIAL {
			let (mut length, mut first) = (values.len(), node);
			while length > 1 {
				for (block, root) in values.chunks_mut(length).zip(&self.roots[first..]) {
					let (low, high) = block.split_at_mut(length / 2);
					split(low, high, *root);
				}
				length /= 2;
				first *= 2;
			}
			return;
		}
		let (low, high) = values.split_at_mut(values.len() / 2);
		low.par_chunks_mut(SERIAL)
			.zip(high.par_chunks_mut(SERIAL))
			.for_each(|(low, high)| split(low, high, self.roots[node]));
		rayon::join(|| self.forward(low, 2 * node), || self.forward(high, 2 * node + 1));
	}

	fn inverse(&self, values: &mut [Fr], node: usize) {
		if values.len() <= SERIAL {
			let mut length = 2;
			while length <= values.len() {
				let first = node * (values.len() / length);
				for (at, block) in values.chunks_mut(length).enumerate() {
					let (low, high) = block.split_at_mut(length / 2);
					join(low, high, self.minus_inverse(first + at));
				}
				length *= 2;
			}
			return;
		}
		let (low, high) = values.split_at_mut(values.len() / 2);
		rayon::join(|| self.inverse(low, 2 * node), || self.inverse(high, 2 * node + 1));
		let root = self.minus_inverse(node);
		low.par_chunks_mut(SERIAL)
			.zip(high.par_chunks_mut(SERIAL))
			.for_each(|(low, high)| join(low, high, root));
	}

	/// `−1/ζ` of a node, which is `ζ` of another: that in its place counted from the other end of
	/// the level. `None` is −1.
	fn minus_inverse(&self, node: usize) -> Option<Fr> {
		let level = node.checked_ilog2()?;
		Some(self.roots[(3 << level) - 1 - node])
	}
}

/// Residues modulo `xᵐ − ζ` and `xᵐ + ζ` from the halves of a polynomial.
fn split(low: &mut [Fr], high: &mut [Fr], root: Fr) {
	for (low, high) in low.iter_mut().zip(high) {
		let product = *high * root;
		*high = *low - product;
		*low += product;
	}
}

/// Undoes [`split`], times 2. Takes `−1/ζ`; `None` is −1.
fn join(low: &mut [Fr], high: &mut [Fr], root: Option<Fr>) {
	for (low, high) in low.iter_mut().zip(high) {
		let sum = *low + *high;
		*high = match root {
			Some(root) => (*high - *low) * root,
			None => *low - *high,
		};
		*low = sum;
	}
}
