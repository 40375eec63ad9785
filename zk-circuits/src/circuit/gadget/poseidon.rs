//! Poseidon: three constraints, and as many variables, for each of a permutation's 100 S-boxes.
//!
//! Linear layers take no constraint. What enters an S-box of a partial round is a combination of all
//! S-boxes since the first full rounds, up to 65 terms: a permutation has about 9,000 coefficients,
//! 0.4 MB while a circuit is kept. Variables for the other lanes would save most of them, and would
//! cost constraints, which are what a proof pays for.

use crate::{
	circuit::r1cs::{Linear, System},
	poseidon::Arithmetic,
};
use ark_bls12_381::Fr;

impl Arithmetic for System {
	type Value = Linear;

	fn combine<'a>(
		&mut self,
		constant: Fr,
		terms: impl IntoIterator<Item = (Fr, &'a Linear)>,
	) -> Linear {
		System::combine(self, constant, terms)
	}

	fn multiply(&mut self, a: &Linear, b: &Linear) -> Linear {
		self.field_product(a, b)
	}
}
