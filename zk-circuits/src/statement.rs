//! The statement that a proof proves, as public inputs of the circuit. Version 1.
//!
//! Public inputs, in this order: `binding`, the input tensor's scalars, the output tensor's
//! scalars. A tensor is packed into scalars thus: elements in row-major order, ⌊248 / width⌋ per
//! scalar, the first in the least significant bits, the tail of the last scalar zero. An unsigned
//! element enters as itself, a signed element `x` of width `w` as `x + 2^(w−1)`. A chain that
//! verifies proofs builds the same scalars from the bytes of both tensors.
//!
//! `binding` is an opaque scalar that the proof is valid for, and for no other.

use ark_bls12_381::Fr;
use ark_ff::{BigInteger, PrimeField};
use std::fmt;

/// Version of the statement that this crate proves and verifies.
pub const VERSION: u16 = 1;

/// Bits of a scalar that carry elements.
const SCALAR_BITS: usize = 248;

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ElementType {
	U8,
	I8,
	U16,
	I16,
	U32,
	I32,
	U64,
	I64,
}

impl ElementType {
	/// Every type, in the order of the definition.
	pub const ALL: [Self; 8] =
		[Self::U8, Self::I8, Self::U16, Self::I16, Self::U32, Self::I32, Self::U64, Self::I64];

	/// Bytes per element.
	pub const fn bytes(self) -> usize {
		match self {
			Self::U8 | Self::I8 => 1,
			Self::U16 | Self::I16 => 2,
			Self::U32 | Self::I32 => 4,
			Self::U64 | Self::I64 => 8,
		}
	}

	/// Whether negative values exist.
	pub const fn signed(self) -> bool {
		matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
	}

	/// Elements per scalar.
	pub const fn per_scalar(self) -> usize {
		SCALAR_BITS / (8 * self.bytes())
	}

	/// Scalars that a tensor of `elements` elements takes.
	pub const fn scalars(self, elements: usize) -> usize {
		elements.div_ceil(self.per_scalar())
	}

	/// What is added to an element before it is packed: `2^(width − 1)` if signed.
	pub(crate) const fn offset(self) -> u64 {
		if self.signed() {
			1 << (8 * self.bytes() - 1)
		} else {
			0
		}
	}
}

impl fmt::Display for ElementType {
	/// The short name, such as `u8`.
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::U8 => "u8",
			Self::I8 => "i8",
			Self::U16 => "u16",
			Self::I16 => "i16",
			Self::U32 => "u32",
			Self::I32 => "i32",
			Self::U64 => "u64",
			Self::I64 => "i64",
		})
	}
}

/// A name that is no [`ElementType`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no element type; u8, i8, u16, i16, u32, i32, u64 and i64 are")]
pub struct UnknownElementType(pub String);

impl std::str::FromStr for ElementType {
	type Err = UnknownElementType;

	fn from_str(name: &str) -> Result<Self, Self::Err> {
		Self::ALL
			.into_iter()
			.find(|kind| kind.to_string() == name)
			.ok_or_else(|| UnknownElementType(name.into()))
	}
}

/// Why bytes can not be packed into scalars.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementError {
	/// The bytes are no whole number of elements.
	#[error("{bytes} bytes are no whole number of {element} elements")]
	PartialElement {
		/// Type of the elements.
		element: ElementType,
		/// Bytes given.
		bytes: usize,
	},
	/// A tensor has another length than its type says.
	#[error("the {tensor} has {got} bytes, its type says {expected}")]
	Length {
		/// Which tensor: `input` or `output`.
		tensor: &'static str,
		/// Bytes of the tensor's type.
		expected: usize,
		/// Bytes given.
		got: usize,
	},
	/// A 32-byte scalar is not below the order of the curve's group.
	#[error("the scalar is not below the order of BLS12-381's group")]
	Scalar,
}

/// Packs the little-endian, row-major bytes of a tensor into scalars.
pub fn pack(element: ElementType, bytes: &[u8]) -> Result<Vec<Fr>, StatementError> {
	let width = element.bytes();
	if !bytes.len().is_multiple_of(width) {
		return Err(StatementError::PartialElement { element, bytes: bytes.len() });
	}
	Ok(bytes
		.chunks(element.per_scalar() * width)
		.map(|chunk| {
			let mut scalar = [0u8; SCALAR_BITS / 8];
			scalar[..chunk.len()].copy_from_slice(chunk);
			if element.signed() {
				// Adding 2^(width − 1) modulo 2^width flips the sign bit.
				for last in scalar[..chunk.len()].iter_mut().skip(width - 1).step_by(width) {
					*last ^= 0x80;
				}
			}
			Fr::from_le_bytes_mod_order(&scalar)
		})
		.collect())
}

/// The public inputs for a binding and both tensors, which are checked against their types.
pub fn public_inputs(
	binding: Fr,
	input: (&crate::TensorType, &[u8]),
	output: (&crate::TensorType, &[u8]),
) -> Result<Vec<Fr>, StatementError> {
	let mut inputs = vec![binding];
	for (tensor, (kind, bytes)) in [("input", input), ("output", output)] {
		if bytes.len() != kind.bytes() {
			return Err(StatementError::Length {
				tensor,
				expected: kind.bytes(),
				got: bytes.len(),
			});
		}
		inputs.extend(pack(kind.element, bytes)?);
	}
	Ok(inputs)
}

/// Reads a scalar from 32 little-endian bytes; refuses the encodings that are not canonical.
pub fn scalar_from_bytes(bytes: &[u8; 32]) -> Result<Fr, StatementError> {
	let scalar = Fr::from_le_bytes_mod_order(bytes);
	match scalar_to_bytes(scalar) == *bytes {
		true => Ok(scalar),
		false => Err(StatementError::Scalar),
	}
}

/// The 32 little-endian bytes of a scalar.
pub fn scalar_to_bytes(scalar: Fr) -> [u8; 32] {
	let mut bytes = [0; 32];
	bytes.copy_from_slice(&scalar.into_bigint().to_bytes_le());
	bytes
}
