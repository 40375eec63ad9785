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
//! γ is 1, and so is δ until contributions to a circuit's ceremony change it.

use super::{
	lagrange,
	points::{combine, Point, CHUNK},
	CeremonyError,
};
use crate::{circuit::Circuit, groth16::domain::Domain};
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use ark_groth16::{ProvingKey, VerifyingKey};
use rayon::prelude::*;
use std::ops::Range;

/// Bits of a coefficient that is short.
const SHORT: u32 = 64;

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

impl Reference {
	/// The powers that a domain of size `n` needs, of those of one that is no smaller.
	pub(super) fn prefix(&self, n: usize) -> Self {
		Self {
			tau_g1: self.tau_g1[..2 * n - 1].to_vec(),
			tau_g2: self.tau_g2[..n].to_vec(),
			alpha_g1: self.alpha_g1[..n].to_vec(),
			beta_g1: self.beta_g1[..n].to_vec(),
			beta_g2: self.beta_g2,
		}
	}
}

/// The size of a circuit's domain: constraints, public inputs and the constant 1, rounded up to a
/// power of two.
pub(super) fn domain(circuit: &Circuit) -> usize {
	(circuit.constraints() + circuit.instance()).next_power_of_two()
}

/// Checks that powers suffice for a circuit, and that they are of a secret for which keys are worth
/// something. All that follows takes it for granted.
pub(super) fn check(circuit: &Circuit, powers: &Reference) -> Result<(), CeremonyError> {
	let n = domain(circuit);
	let got = powers.tau_g2.len();
	if got < n {
		let [needed, got] = [n, got].map(|size| size.ilog2() as u8);
		return Err(CeremonyError::TooSmall { needed, got });
	}
	// τ^n − 1.
	match powers.tau_g1[n] == powers.tau_g1[0] {
		true => Err(CeremonyError::Degenerate),
		false => Ok(()),
	}
}

/// `H_i`, which contributions change.
pub(super) fn h_query(circuit: &Circuit, powers: &Reference) -> Vec<G1Affine> {
	let n = domain(circuit);
	difference(&powers.tau_g1[n..2 * n - 1], &powers.tau_g1[..n - 1])
}

/// `K_i` of the witness, which contributions change.
pub(super) fn l_query(circuit: &Circuit, powers: &Reference) -> Vec<G1Affine> {
	let variables = circuit.instance()..circuit.instance() + circuit.witness();
	k_query(&Columns::new(circuit), &Lagrange::new(circuit, powers), variables)
}

/// The key of a circuit, with the points that contributions changed.
pub(super) fn build(
	circuit: &Circuit,
	powers: &Reference,
	[l_query, h_query]: [Vec<G1Affine>; 2],
	(delta_g1, delta_g2): (G1Affine, G2Affine),
) -> ProvingKey<Bls12_381> {
	let (columns, lagrange) = (Columns::new(circuit), Lagrange::new(circuit, powers));
	let plain_g2 = lagrange::lagrange(&powers.tau_g2[..domain(circuit)]);
	let variables = circuit.instance() + circuit.witness();
	let [a, b, _] = &columns.0;
	ProvingKey {
		vk: VerifyingKey {
			alpha_g1: powers.alpha_g1[0],
			beta_g2: powers.beta_g2,
			gamma_g2: G2Affine::generator(),
			delta_g2,
			gamma_abc_g1: k_query(&columns, &lagrange, 0..circuit.instance()),
		},
		beta_g1: powers.beta_g1[0],
		delta_g1,
		a_query: sums(0..variables, |i| [(&a[i], &lagrange.plain)]),
		b_g1_query: sums(0..variables, |i| [(&b[i], &lagrange.plain)]),
		b_g2_query: sums(0..variables, |i| [(&b[i], &plain_g2)]),
		h_query,
		l_query,
	}
}

/// `Σ weight_i · K_i` over the variables from number `first` on, without any `K_i`: see
/// [`combine_columns`].
pub(super) fn combine_k(
	circuit: &Circuit,
	powers: &Reference,
	first: usize,
	weights: &[u128],
) -> G1Projective {
	let Reference { tau_g1, alpha_g1, beta_g1, .. } = powers;
	let parts = [(beta_g1, Matrix::A), (alpha_g1, Matrix::B), (tau_g1, Matrix::C)];
	parts
		.map(|(powers, matrix)| combine_columns(circuit, powers, matrix, first, weights))
		.iter()
		.sum()
}

/// One of the three matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matrix {
	A,
	B,
	C,
}

/// `Σ weight_i · M_i` over the variables from number `first` on, where `M_i` is the sum of a matrix'
/// column over the Lagrange polynomials of powers.
///
/// To have each `M_i` takes a Fourier transform of the powers. Their combination is the value of one
/// polynomial, whose coefficients a transform of scalars gives: that is how keys are compared that
/// somebody else has derived.
pub(super) fn combine_columns<P: Point>(
	circuit: &Circuit,
	powers: &[P],
	matrix: Matrix,
	first: usize,
	weights: &[u128],
) -> P::Group {
	let n = domain(circuit);
	let domain = Domain::new(n).expect("powers are for at most 2^28; qed");
	let size = Fr::from(n as u64).inverse().expect("n is less than the field's order; qed");
	let weights: Vec<Fr> = weights.iter().map(|&weight| size * Fr::from(weight)).collect();
	let weight = |variable: usize| {
		let index = variable.checked_sub(first);
		index.and_then(|index| weights.get(index)).copied().unwrap_or(Fr::ZERO)
	};
	let rows = &circuit.matrices()[matrix as usize];
	let mut values = vec![Fr::ZERO; n];
	let sums: Vec<Fr> = rows
		.par_iter()
		.map(|row| row.iter().map(|(coefficient, variable)| *coefficient * weight(*variable)).sum())
		.collect();
	for (row, sum) in sums.into_iter().enumerate() {
		values[domain.position(row)] = sum;
	}
	if matrix == Matrix::A {
		for variable in 0..circuit.instance() {
			values[domain.position(circuit.constraints() + variable)] = weight(variable);
		}
	}
	domain.interpolate(&mut values);
	combine(&powers[..n], &values)
}

/// The Lagrange polynomials of a circuit's domain at τ, times 1, α and β.
struct Lagrange {
	plain: Vec<G1Affine>,
	alpha: Vec<G1Affine>,
	beta: Vec<G1Affine>,
}

impl Lagrange {
	fn new(circuit: &Circuit, powers: &Reference) -> Self {
		let n = domain(circuit);
		let [plain, alpha, beta] = [&powers.tau_g1, &powers.alpha_g1, &powers.beta_g1]
			.map(|powers| lagrange::lagrange(&powers[..n]));
		Self { plain, alpha, beta }
	}
}

fn k_query(columns: &Columns, lagrange: &Lagrange, variables: Range<usize>) -> Vec<G1Affine> {
	let [a, b, c] = &columns.0;
	let Lagrange { plain, alpha, beta } = lagrange;
	sums(variables, |i| [(&a[i], beta), (&b[i], alpha), (&c[i], plain)])
}

/// Entries of a column of a matrix: coefficient and row.
type Column = Vec<(Fr, usize)>;

/// The columns of A, with the rows of the instance, of B and of C.
struct Columns([Vec<Column>; 3]);

impl Columns {
	fn new(circuit: &Circuit) -> Self {
		let variables = circuit.instance() + circuit.witness();
		let mut columns = circuit.matrices().each_ref().map(|matrix| {
			let mut columns = vec![Column::new(); variables];
			for (row, entries) in matrix.iter().enumerate() {
				for &(coefficient, variable) in entries {
					columns[variable].push((coefficient, row));
				}
			}
			columns
		});
		for (variable, column) in columns[0].iter_mut().enumerate().take(circuit.instance()) {
			column.push((Fr::ONE, circuit.constraints() + variable));
		}
		Self(columns)
	}
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
	variables: Range<usize>,
	parts: impl Fn(usize) -> [(&'a Column, &'a Vec<P>); N] + Sync,
) -> Vec<P> {
	let sums: Vec<P::Group> = variables
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
/// of doublings for all of these. Long ones are those of hashes, and come in great numbers.
fn sum<P: Point>(terms: impl Iterator<Item = (Fr, P)>) -> P::Group {
	let (mut short, mut long) = (Vec::new(), (Vec::new(), Vec::new()));
	for (coefficient, point) in terms {
		let [plain, negated] = [coefficient, -coefficient].map(PrimeField::into_bigint);
		if plain.num_bits() <= SHORT {
			short.push((plain, point));
		} else if negated.num_bits() <= SHORT {
			short.push((negated, -point));
		} else {
			long.0.push(point);
			long.1.push(coefficient);
		}
	}
	let bits = short.iter().map(|(scalar, _)| scalar.num_bits()).max().unwrap_or(0);
	let mut sum = P::Group::ZERO;
	for bit in (0..bits as usize).rev() {
		sum.double_in_place();
		for (scalar, point) in &short {
			if scalar.get_bit(bit) {
				sum += point;
			}
		}
	}
	sum + combine(&long.0, &long.1)
}
