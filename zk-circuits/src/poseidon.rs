//! Poseidon over the scalar field of BLS12-381: the hash function that is cheap in a circuit.
//!
//! The permutation of "Poseidon: A New Hash Function for Zero-Knowledge Proof Systems"
//! (<https://eprint.iacr.org/2019/458>), for 128 bits of security: width 5, of which the first
//! element is the capacity, x⁵ as the S-box, 8 full and 60 partial rounds.
//!
//! It is written once, over an [`Arithmetic`]: what is hashed and what a circuit constrains can not
//! differ.

mod constants;

use crate::hash::blake2b_256;
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use constants::{CONSTANTS, FULL_ROUNDS, PARTIAL_ROUNDS, ROUNDS};
use std::array::from_fn;

/// Elements of a state.
pub(crate) const WIDTH: usize = 5;

/// Elements of a state that take or give values: all but the first.
pub(crate) const RATE: usize = WIDTH - 1;

/// What Poseidon computes on: field elements, or combinations of a circuit's variables.
pub(crate) trait Arithmetic {
	/// An element.
	type Value: Clone;

	/// `constant + Σ coefficient · value`.
	fn combine<'a>(
		&mut self,
		constant: Fr,
		terms: impl IntoIterator<Item = (Fr, &'a Self::Value)>,
	) -> Self::Value
	where
		Self::Value: 'a;

	/// `a · b`.
	fn multiply(&mut self, a: &Self::Value, b: &Self::Value) -> Self::Value;

	/// A constant.
	fn constant(&mut self, value: Fr) -> Self::Value {
		self.combine(value, [])
	}
}

/// Arithmetic on field elements.
pub(crate) struct Plain;

impl Arithmetic for Plain {
	type Value = Fr;

	fn combine<'a>(&mut self, constant: Fr, terms: impl IntoIterator<Item = (Fr, &'a Fr)>) -> Fr {
		terms.into_iter().fold(constant, |sum, (coefficient, value)| sum + coefficient * value)
	}

	fn multiply(&mut self, a: &Fr, b: &Fr) -> Fr {
		*a * b
	}
}

/// The permutation: 300 multiplications, and sums.
pub(crate) fn permute<A: Arithmetic>(on: &mut A, state: [A::Value; WIDTH]) -> [A::Value; WIDTH] {
	let keys = &CONSTANTS.rounds;
	let mut state = from_fn(|lane| on.combine(keys[0][lane], [(Fr::ONE, &state[lane])]));
	for round in 0..ROUNDS {
		let partial = (FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round);
		let boxes = if partial { 1 } else { WIDTH };
		for lane in &mut state[..boxes] {
			let square = on.multiply(lane, lane);
			let fourth = on.multiply(&square, &square);
			*lane = on.multiply(&fourth, lane);
		}
		// The linear layer, and the keys of the next round.
		let next = keys.get(round + 1).copied().unwrap_or_default();
		state = from_fn(|lane| {
			let row = CONSTANTS.mds[lane].iter().copied();
			on.combine(next[lane], row.zip(&state))
		});
	}
	state
}

/// What tells uses of the permutation apart: the first 31 bytes, little-endian, of `blake2b-256` of
/// the 18 bytes `aimodel/poseidon/1`, the tag, and the number of values that are absorbed (u64,
/// little-endian).
pub(crate) fn domain(tag: &str, count: usize) -> Fr {
	let digest =
		blake2b_256(&[b"aimodel/poseidon/1", tag.as_bytes(), &(count as u64).to_le_bytes()]);
	Fr::from_le_bytes_mod_order(&digest[..31])
}

/// The hash of values, of which there is at least one.
pub(crate) fn hash<A: Arithmetic>(on: &mut A, tag: &str, values: &[A::Value]) -> A::Value {
	let capacity = domain(tag, values.len());
	let mut state = from_fn(|lane| on.constant(if lane == 0 { capacity } else { Fr::ZERO }));
	for block in values.chunks(RATE) {
		for (lane, value) in state[1..].iter_mut().zip(block) {
			*lane = on.combine(Fr::ZERO, [(Fr::ONE, &*lane), (Fr::ONE, value)]);
		}
		state = permute(on, state);
	}
	let [_, result, ..] = state;
	result
}

#[cfg(test)]
mod tests;
