//! The prover.

use super::{
	domain::Domain,
	key::Key,
	points::{multiply, multiply_values, scalar_bytes, Table, SCALAR_BITS, SCALAR_BYTES},
};
use crate::circuit::{Assigned, Values};
use ark_bls12_381::{Bls12_381, Fr, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use ark_groth16::Proof;
use rayon::prelude::*;
use std::{
	sync::{Mutex, PoisonError},
	time::{Duration, Instant},
};

/// Buffers of one proof: the values of A, B and C on the domain, and the scalars of the quotient.
#[derive(Debug)]
struct Buffers {
	polynomials: [Vec<Fr>; 3],
	scalars: Vec<u8>,
}

/// What proofs of one circuit have in common: its domain, and buffers that are used again.
#[derive(Debug)]
pub(crate) struct Prover {
	domain: Domain,
	/// The key's H query with multiples.
	h: Option<Table>,
	/// As many as proofs were ever made at once.
	idle: Mutex<Vec<Buffers>>,
}

impl Prover {
	/// For a circuit of so many constraints and public inputs (with the constant 1); `None` if it
	/// is too large.
	pub(crate) fn new(constraints: usize, instance: usize) -> Option<Self> {
		let domain = Domain::new(constraints.checked_add(instance)?)?;
		Some(Self { domain, h: None, idle: Mutex::default() })
	}

	/// Computes multiples of a small key's points: for many proofs, all with this key.
	pub(crate) fn warm(&mut self, key: &Key) {
		self.h = Table::new(&key.h);
	}

	/// The proof for an assignment that satisfies the circuit, blinded by `r` and `s`; and how long
	/// the quotient, its multiplication, and the rest took.
	pub(crate) fn prove(
		&self,
		key: &Key,
		assigned: &Assigned,
		r: Fr,
		s: Fr,
	) -> (Proof<Bls12_381>, [Duration; 3]) {
		let start = Instant::now();
		let mut buffers = self.idle().pop().unwrap_or_else(|| self.buffers());
		self.quotient(&mut buffers, assigned, key.variables - key.witness);
		let quotient = start.elapsed();
		let scalars = &buffers.scalars[..key.h.len() * SCALAR_BYTES];
		let h = match &self.h {
			Some(table) => table.multiply(scalars),
			None => multiply(&key.h, scalars, SCALAR_BITS),
		};
		self.idle().push(buffers);
		let multiplied = start.elapsed();

		let values = &assigned.variables;
		let ((shared, a), (b_g1, l)) = rayon::join(
			|| {
				let shared = multiply_values(&key.shared, values, 0);
				(shared, multiply_values(&key.a, values, 0))
			},
			|| {
				let b_g1 = multiply_values(&key.b_g1, values, 0);
				(b_g1, multiply_values(&key.l, values, key.variables - key.witness))
			},
		);
		let (delta, delta_g2) = (key.delta_g1, key.vk.delta_g2);
		let (b, (a, c)) = rayon::join(
			|| multiply_values(&key.b_g2, values, 0) + key.vk.beta_g2 + delta_g2 * s,
			|| {
				let a = shared + a + key.vk.alpha_g1 + delta * r;
				// r·B = r·(Σ + β) + r·s·δ, and the last cancels against −r·s·δ.
				let b_without_blinding = shared + b_g1 + key.beta_g1;
				(a, l + h + a * s + b_without_blinding * r)
			},
		);
		let ac = G1Projective::normalize_batch(&[a, c]);
		let proof = Proof { a: ac[0], b: b.into_affine(), c: ac[1] };
		(proof, [quotient, multiplied - quotient, start.elapsed() - multiplied])
	}

	fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Buffers>> {
		self.idle.lock().unwrap_or_else(PoisonError::into_inner)
	}

	fn buffers(&self) -> Buffers {
		let size = self.domain.size();
		Buffers {
			polynomials: [(); 3].map(|()| vec![Fr::ZERO; size]),
			scalars: vec![0; size * SCALAR_BYTES],
		}
	}

	/// Writes the scalars of the quotient polynomial.
	fn quotient(&self, buffers: &mut Buffers, assigned: &Assigned, instance: usize) {
		let [a, b, c] = &mut buffers.polynomials;
		for (polynomial, row) in [&mut *a, &mut *b, &mut *c].into_iter().zip(&assigned.rows) {
			self.fill(polynomial, row);
		}
		// The reduction adds a row to A for each public input.
		let constraints = assigned.rows[0].len();
		let variables = &assigned.variables;
		for input in 0..instance {
			a[self.domain.position(constraints + input)] = Fr::from(variables.integers()[input]);
		}
		for &(input, value) in variables.fields().iter().take_while(|(at, _)| *at < instance) {
			a[self.domain.position(constraints + input)] = value;
		}
		self.domain.quotient(a, b, c);
		buffers
			.scalars
			.par_chunks_exact_mut(SCALAR_BYTES)
			.zip(a)
			.with_min_len(256)
			.for_each(|(bytes, scalar)| bytes.copy_from_slice(&scalar_bytes(*scalar)));
	}

	/// The values of a matrix's rows in the order of the domain's transforms.
	fn fill(&self, polynomial: &mut [Fr], row: &Values) {
		let integers = row.integers();
		polynomial.par_iter_mut().with_min_len(256).enumerate().for_each(|(at, value)| {
			// Reversing bits is its own inverse.
			*value = match integers.get(self.domain.position(at)) {
				None | Some(0) => Fr::ZERO,
				Some(1) => Fr::ONE,
				Some(-1) => -Fr::ONE,
				Some(&integer) => Fr::from(integer),
			};
		});
		for &(at, value) in row.fields() {
			polynomial[self.domain.position(at)] = value;
		}
	}
}
