//! A proving key from constraint matrices and powers of a secret that nobody knows.
//!
//! The generator of `ark-groth16` draws the secrets itself. Here they come as points: with
//! `L_j` the Lagrange polynomials of the circuit's domain of size `n`,
//!
//! - `A_i = Σ_j a_ji · L_j(τ)`, where `a` is the matrix A with the rows `z_0 · 0 = 0`, `z_1 · 0 = 0`
//!   … of the instance below it, as `LibsnarkReduction` adds them; `B_i` and `C_i` likewise, without
//!   those rows;
//! - `K_i = β·A_i + α·B_i + C_i`, split into the queries of the instance and of the witness;
//! - `H_i = (τ^n − 1) · τ^i`, `i < n − 1`.
//!
//! Both γ and δ are 1; contributions to a circuit's ceremony change δ.

use super::{
	lagrange::lagrange,
	points::{Point, CHUNK},
	CeremonyError,
};
use crate::circuit::Circuit;
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};
use ark_groth16::{ProvingKey, VerifyingKey};
use rayon::prelude::*;

/// Powers of secrets, in the exponent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
	/// `τ^i`, `i < 2n − 1`.
	pub(super) tau_g1: Vec<G1Affine>,
	/// `τ^i`, `i < n`.
	pub(super) tau_g2: Vec<G2Affine>,
	/// `α·τ^i`, `i < n`.
	pub(super) alpha_g1: Vec<G1Affine>,
	/// `β·τ^i`, `i < n`.
	pub(super) beta_g1: Vec<G1Affine>,
	/// `β`.
	pub(super) beta_g2: G2Affine,
}

/// The size of a circuit's domain: constraints, public inputs and the constant 1, rounded up to a
/// power of two.
pub(super) fn domain(circuit: &Circuit) -> usize {
	(circuit.constraints() + circuit.instance()).next_power_of_two()
}

/// The key of a circuit with γ = δ = 1.
pub(super) fn build(
	circuit: &Circuit,
	powers: &Reference,
) -> Result<ProvingKey<Bls12_381>, CeremonyError> {
	let n = domain(circuit);
	let got = powers.tau_g2.len();
	if got < n {
		let [needed, got] = [n, got].map(|size| size.ilog2() as u8);
		return Err(CeremonyError::TooSmall { needed, got });
	}
	let h_query = difference(&powers.tau_g1[n..2 * n - 1], &powers.tau_g1[..n - 1]);
	if h_query.first().is_some_and(AffineRepr::is_zero) {
		return Err(CeremonyError::Degenerate);
	}
	let [plain, alpha, beta] =
		[&powers.tau_g1, &powers.alpha_g1, &powers.beta_g1].map(|powers| lagrange(&powers[..n]));
	let plain_g2 = lagrange(&powers.tau_g2[..n]);

	let (instance, witness) = (circuit.instance(), circuit.witness());
	let variables = instance + witness;
	let [mut a, b, c] = circuit.matrices().each_ref().map(|matrix| columns(matrix, variables));
	for (variable, column) in a.iter_mut().enumerate().take(instance) {
		column.push((Fr::from(1u64), circuit.constraints() + variable));
	}
	let mut k_query = sums(variables, |i| [(&a[i], &beta), (&b[i], &alpha), (&c[i], &plain)]);
	let l_query = k_query.split_off(instance);
	let generator_g2 = G2Affine::generator();
	Ok(ProvingKey {
		vk: VerifyingKey {
			alpha_g1: powers.alpha_g1[0],
			beta_g2: powers.beta_g2,
			gamma_g2: generator_g2,
			delta_g2: generator_g2,
			gamma_abc_g1: k_query,
		},
		beta_g1: powers.beta_g1[0],
		delta_g1: G1Affine::generator(),
		a_query: sums(variables, |i| [(&a[i], &plain)]),
		b_g1_query: sums(variables, |i| [(&b[i], &plain)]),
		b_g2_query: sums(variables, |i| [(&b[i], &plain_g2)]),
		h_query,
		l_query,
	})
}

/// Entries of a column of a matrix: coefficient and row.
type Column = Vec<(Fr, usize)>;

fn columns(matrix: &[Vec<(Fr, usize)>], variables: usize) -> Vec<Column> {
	let mut columns = vec![Column::new(); variables];
	for (row, entries) in matrix.iter().enumerate() {
		for &(coefficient, variable) in entries {
			columns[variable].push((coefficient, row));
		}
	}
	columns
}

fn difference(left: &[G1Affine], right: &[G1Affine]) -> Vec<G1Affine> {
	let mut difference = Vec::with_capacity(left.len());
	for (left, right) in left.chunks(CHUNK).zip(right.chunks(CHUNK)) {
		let points: Vec<_> = left.par_iter().zip(right).map(|(l, r)| *l - *r).collect();
		difference.extend(CurveGroup::normalize_batch(&points));
	}
	difference
}

/// For each variable, the sum of its columns over the points of their rows.
fn sums<'a, P: Point, const N: usize>(
	variables: usize,
	parts: impl Fn(usize) -> [(&'a Column, &'a Vec<P>); N] + Sync,
) -> Vec<P> {
	let sums: Vec<P::Group> = (0..variables)
		.into_par_iter()
		.map(|variable| {
			let terms = parts(variable);
			sum(terms.iter().flat_map(|(column, points)| {
				column.iter().map(|(coefficient, row)| (*coefficient, points[*row]))
			}))
		})
		.collect();
	P::Group::normalize_batch(&sums)
}

/// `Σ coefficient · point`, for coefficients that are mostly short, positive or negative: one run
/// of doublings for all terms.
fn sum<P: Point>(terms: impl Iterator<Item = (Fr, P)>) -> P::Group {
	let terms: Vec<_> = terms
		.map(|(coefficient, point)| {
			let [plain, negated] = [coefficient, -coefficient].map(PrimeField::into_bigint);
			match plain.num_bits() <= negated.num_bits() {
				true => (plain, point),
				false => (negated, -point),
			}
		})
		.collect();
	let bits = terms.iter().map(|(scalar, _)| scalar.num_bits()).max().unwrap_or(0);
	let mut sum = P::Group::ZERO;
	for bit in (0..bits as usize).rev() {
		sum.double_in_place();
		for (scalar, point) in &terms {
			if scalar.get_bit(bit) {
				sum += point;
			}
		}
	}
	sum
}
