//! Committed inputs and outputs: what a proof speaks of without telling it.
//!
//! A customer draws a *salt*, publishes a commitment to it, to its own name (the *holder*) and to
//! the input, and gives all three to a prover, the [`Opening`] and the input, and to nobody else. The proof is then
//! about *the input behind this commitment, of this holder*: who copies a commitment can not make it
//! one of his own.
//!
//! A committed output is published encrypted, with a commitment to it, under a keystream that follows
//! from the salt. The circuit makes both, so that whoever has proved has delivered.
//!
//! With *H* the hash of [`crate::statement`]'s scalars and *P* the permutation (Poseidon, of width 5; `primitives/vectors/privacy.json`
//! has vectors of all):
//!
//! - commitment of a request = H("input", salt, holder, the input's scalars); without scalars where
//!   only the output is committed;
//! - commitment of an output = H("output", salt, binding, the output's scalars);
//! - scalars 4j to 4j + 3 of the keystream = elements 1 to 4 of P(domain("stream", 4), salt,
//!   binding, commitment of the output, j);
//! - ciphertext = the output's scalars + the keystream.
//!
//! The keystream depends on what it encrypts, so that a salt that is used twice tells whether two
//! outputs are equal, and no more: bindings need not differ for that. But equal inputs of equal salt
//! have equal commitments, and few inputs behind a known salt can be tried out. Draw a new one for
//! every request.

mod opening;
pub(crate) mod scheme;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod vectors;

pub use opening::{OpenError, Opening, SALT_BYTES};

use crate::network::TensorType;
use std::fmt;

/// Whether the statement has a tensor in it, or a commitment to the tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
	/// The statement has all of the tensor.
	#[default]
	Public,
	/// The statement has a commitment; of an output also what its customer can decrypt.
	Committed,
}

impl Visibility {
	/// Every visibility, in the order of their codes in files.
	pub const ALL: [Self; 2] = [Self::Public, Self::Committed];

	/// The byte that files have for it.
	pub(crate) fn code(self) -> u8 {
		match self {
			Self::Public => 0,
			Self::Committed => 1,
		}
	}

	pub(crate) fn from_code(code: u8) -> Option<Self> {
		Self::ALL.get(usize::from(code)).copied()
	}
}

impl fmt::Display for Visibility {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Public => "public",
			Self::Committed => "committed",
		})
	}
}

/// A name that is no [`Visibility`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no visibility; public and committed are")]
pub struct UnknownVisibility(pub String);

impl std::str::FromStr for Visibility {
	type Err = UnknownVisibility;

	fn from_str(name: &str) -> Result<Self, Self::Err> {
		Self::ALL
			.into_iter()
			.find(|visibility| visibility.to_string() == name)
			.ok_or_else(|| UnknownVisibility(name.into()))
	}
}

/// What of an inference a statement tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
	/// Of the input.
	pub input: Visibility,
	/// Of the output.
	pub output: Visibility,
}

impl Privacy {
	/// Everything is public.
	pub const PUBLIC: Self = Self { input: Visibility::Public, output: Visibility::Public };

	/// Every combination.
	pub const ALL: [Self; 4] = {
		use Visibility::{Committed, Public};
		[
			Self::PUBLIC,
			Self { input: Committed, output: Public },
			Self { input: Public, output: Committed },
			Self { input: Committed, output: Committed },
		]
	};

	/// Whether anything is committed, so that requests have a commitment and provers need its
	/// [`Opening`].
	pub fn commits(self) -> bool {
		self != Self::PUBLIC
	}

	/// Number of public inputs, the binding included, of a circuit between tensors of these types.
	pub fn public_inputs(self, input: &TensorType, output: &TensorType) -> usize {
		// Commitment and holder.
		let request = if self.commits() { 2 } else { 0 };
		let input = match self.input {
			Visibility::Public => input.scalars(),
			Visibility::Committed => 0,
		};
		1 + request + input + published_scalars(self.output, output)
	}
}

impl fmt::Display for Privacy {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "input {}, output {}", self.input, self.output)
	}
}

/// Scalars that a statement has for an output.
pub(crate) fn published_scalars(visibility: Visibility, output: &TensorType) -> usize {
	match visibility {
		Visibility::Public => output.scalars(),
		Visibility::Committed => 1 + output.scalars(),
	}
}
