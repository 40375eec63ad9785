//! What a version of a model hides from the chain.
//!
//! What is hidden is a witness of the proof, and the statement has a commitment in its place. The
//! commitment of a request is over a salt of the customer, the customer's [`holder`] scalar and, where
//! the input is committed, the packed input: nobody else's request is answered under a copy of it. A
//! committed output comes as a commitment and a ciphertext under a key that follows from the salt, so
//! that a worker who is paid has delivered. The worker sees everything: it gets the opening off chain.
//!
//! The chain computes none of this: it compares 32-byte scalars with what a proof shows. How
//! commitments and ciphertexts are made is documented in `zk-circuits/README.md`; vectors lie in
//! `primitives/vectors/privacy.json`.

use crate::statement::Scalar;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;

/// See [`Commitment::opening`].
pub type OpeningId = [u8; 32];

/// Whether the chain sees a tensor.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	TypeInfo,
)]
pub enum Visibility {
	/// Its bytes.
	#[default]
	Public,
	/// Only a commitment to them.
	Committed,
}

/// What the chain sees of a version's requests and answers.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	TypeInfo,
)]
pub struct Privacy {
	/// The input of a request.
	pub input: Visibility,
	/// The answer.
	pub output: Visibility,
}

impl Privacy {
	/// Everything is public.
	pub const PUBLIC: Self = Self { input: Visibility::Public, output: Visibility::Public };

	/// Whether a request carries a commitment, which its customer opens to the worker.
	pub fn needs_opening(self) -> bool {
		self != Self::PUBLIC
	}
}

/// Names an account within a commitment: the first 31 bytes, little-endian, of
/// `blake2_256(b"aimodel/account/1" ++ account)`.
pub fn holder(account: &[u8; 32]) -> Scalar {
	let mut message = [0; 49];
	let (tag, rest) = message.split_at_mut(17);
	tag.copy_from_slice(b"aimodel/account/1");
	rest.copy_from_slice(account);
	let mut scalar = blake2_256(&message);
	scalar[31] = 0;
	scalar
}

/// A commitment, and who made it.
///
/// The scalar alone names nothing: anybody can copy it into a request of his own, which its opening
/// does not answer.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Commitment {
	/// What the request carries.
	pub scalar: Scalar,
	/// See [`holder`].
	pub holder: Scalar,
}

impl Commitment {
	/// The commitment in a request of `account`.
	pub fn of(account: &[u8; 32], scalar: Scalar) -> Self {
		Self { scalar, holder: holder(account) }
	}

	/// Names what opens it: `blake2_256(b"aimodel/opening" ++ scalar ++ holder)`.
	pub fn opening(&self) -> OpeningId {
		(b"aimodel/opening", self).using_encoded(blake2_256)
	}
}
