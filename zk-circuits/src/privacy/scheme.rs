//! The formulas, for field elements and for circuits.

use crate::poseidon::{domain, hash, permute, Arithmetic, RATE};
use ark_bls12_381::Fr;

/// The commitment of a request: to salt, holder and, where it is committed, the input.
pub(crate) fn request<A: Arithmetic>(
	on: &mut A,
	salt: &A::Value,
	holder: &A::Value,
	input: &[A::Value],
) -> A::Value {
	commitment(on, "input", salt, holder, input)
}

/// The commitment of a model to its parameters.
pub(crate) fn parameters<A: Arithmetic>(
	on: &mut A,
	salt: &A::Value,
	parameters: &[A::Value],
) -> A::Value {
	let values: Vec<_> = std::iter::once(salt).chain(parameters).cloned().collect();
	hash(on, "parameters", &values)
}

/// The commitment of an output.
pub(crate) fn output<A: Arithmetic>(
	on: &mut A,
	salt: &A::Value,
	binding: &A::Value,
	output: &[A::Value],
) -> A::Value {
	commitment(on, "output", salt, binding, output)
}

fn commitment<A: Arithmetic>(
	on: &mut A,
	tag: &str,
	salt: &A::Value,
	second: &A::Value,
	others: &[A::Value],
) -> A::Value {
	let values: Vec<_> = [salt, second].into_iter().chain(others).cloned().collect();
	hash(on, tag, &values)
}

/// So many scalars that encrypt an output with this commitment.
pub(crate) fn keystream<A: Arithmetic>(
	on: &mut A,
	salt: &A::Value,
	binding: &A::Value,
	commitment: &A::Value,
	count: usize,
) -> Vec<A::Value> {
	let capacity = domain("stream", RATE);
	let mut stream = Vec::with_capacity(count.next_multiple_of(RATE));
	for block in 0..count.div_ceil(RATE) {
		let (capacity, block) = (on.constant(capacity), on.constant(Fr::from(block as u64)));
		let state = [capacity, salt.clone(), binding.clone(), commitment.clone(), block];
		let [_, keys @ ..] = permute(on, state);
		stream.extend(keys);
	}
	stream.truncate(count);
	stream
}
