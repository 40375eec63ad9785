//! What opens a commitment.

use super::{published_scalars, scheme, Privacy, Visibility};
use crate::{
	network::TensorType,
	poseidon::Plain,
	statement::{self, StatementError},
};
use ark_bls12_381::Fr;
use ark_ff::PrimeField;
use ark_std::rand::{CryptoRng, RngCore};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a salt.
pub const SALT_BYTES: usize = 31;

/// What a customer gives to the prover, and to nobody else: whoever has it can decrypt the output,
/// and try out inputs. Erased when it is dropped; `Debug` does not tell the salt.
#[derive(Clone)]
pub struct Opening {
	salt: Fr,
	holder: Fr,
}

impl Opening {
	/// Of a salt that was drawn before, and of whose request it is: an opaque scalar.
	pub fn new(salt: [u8; SALT_BYTES], holder: Fr) -> Self {
		let salt = Zeroizing::new(salt);
		Self { salt: Fr::from_le_bytes_mod_order(&*salt), holder }
	}

	/// Draws a salt.
	pub fn random(holder: Fr, rng: &mut (impl RngCore + CryptoRng)) -> Self {
		let mut salt = [0; SALT_BYTES];
		rng.fill_bytes(&mut salt);
		let opening = Self::new(salt, holder);
		salt.zeroize();
		opening
	}

	/// The salt, a secret.
	pub fn salt(&self) -> [u8; SALT_BYTES] {
		let bytes = Zeroizing::new(statement::scalar_to_bytes(self.salt));
		let mut salt = [0; SALT_BYTES];
		salt.copy_from_slice(&bytes[..SALT_BYTES]);
		salt
	}

	/// Whose request it is.
	pub fn holder(&self) -> Fr {
		self.holder
	}

	pub(crate) fn salt_scalar(&self) -> Fr {
		self.salt
	}

	/// The commitment of a request. Covers the input's bytes where the input is committed; they are
	/// not looked at where it is public. Fails where nothing is committed.
	pub fn commit(
		&self,
		privacy: Privacy,
		input: (&TensorType, &[u8]),
	) -> Result<Fr, StatementError> {
		let scalars = match privacy.input {
			Visibility::Committed => statement::pack_tensor("input", input)?,
			Visibility::Public if privacy.commits() => Vec::new(),
			Visibility::Public => return Err(StatementError::NothingCommitted),
		};
		Ok(scheme::request(&mut Plain, &self.salt, &self.holder, &scalars))
	}

	/// What a statement tells of a committed output: its commitment, then its ciphertext, 32 bytes
	/// a scalar.
	pub fn seal_output(
		&self,
		binding: Fr,
		output: (&TensorType, &[u8]),
	) -> Result<Vec<u8>, StatementError> {
		let scalars = Zeroizing::new(statement::pack_tensor("output", output)?);
		let commitment = scheme::output(&mut Plain, &self.salt, &binding, &scalars);
		let stream =
			scheme::keystream(&mut Plain, &self.salt, &binding, &commitment, scalars.len());
		let ciphertext = scalars.iter().zip(stream).map(|(scalar, key)| *scalar + key);
		Ok(std::iter::once(commitment)
			.chain(ciphertext)
			.flat_map(statement::scalar_to_bytes)
			.collect())
	}

	/// The bytes of an output that [`Opening::seal_output`] or a circuit sealed for this opening
	/// and binding; bytes that anyone else made are refused.
	pub fn open_output(
		&self,
		binding: Fr,
		kind: &TensorType,
		sealed: &[u8],
	) -> Result<Vec<u8>, OpenError> {
		let expected = 32 * published_scalars(Visibility::Committed, kind);
		if sealed.len() != expected {
			return Err(OpenError::Length { expected, got: sealed.len() });
		}
		let sealed = statement::scalars_from_bytes(sealed).map_err(OpenError::Scalar)?;
		let (commitment, ciphertext) = sealed.split_first().expect("one and more; qed");
		let stream =
			scheme::keystream(&mut Plain, &self.salt, &binding, commitment, ciphertext.len());
		let scalars: Zeroizing<Vec<Fr>> =
			Zeroizing::new(ciphertext.iter().zip(stream).map(|(x, key)| *x - key).collect());
		if scheme::output(&mut Plain, &self.salt, &binding, &scalars) != *commitment {
			return Err(OpenError::Commitment);
		}
		statement::unpack(kind, &scalars).ok_or(OpenError::Packing)
	}
}

impl Drop for Opening {
	fn drop(&mut self) {
		self.salt.zeroize();
	}
}

impl fmt::Debug for Opening {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Opening").field("holder", &self.holder).finish_non_exhaustive()
	}
}

/// Why a sealed output can not be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
	/// The output's type has sealed outputs of another length.
	#[error("the sealed output has {got} bytes; of this type it has {expected}")]
	Length {
		/// Bytes of a sealed output of the type.
		expected: usize,
		/// Bytes given.
		got: usize,
	},
	/// A scalar is not below the order of the curve's group.
	#[error("scalar {0} of the sealed output is not below the order of BLS12-381's group")]
	Scalar(usize),
	/// The commitment is not that of what the ciphertext decrypts to.
	#[error("the sealed output does not belong to this opening and binding, or was changed")]
	Commitment,
	/// Somebody who has the opening has sealed what is no tensor of the type. No proof is of it.
	#[error("what was sealed is no tensor of the output's type")]
	Packing,
}
