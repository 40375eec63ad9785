//! The statement that a proof proves, as public inputs of the circuit. Version 1.
//!
//! Public inputs, in this order: `binding`, what is told of the parameters, of the input, and of the
//! output.
//!
//! - Of the parameters: if they are private, their commitment; otherwise nothing, since the
//!   verifying key is the commitment to them.
//! - Of the input: if anything is committed, the commitment of the request and its holder; then,
//!   if the input is public, its scalars.
//! - Of the output: if it is public, its scalars; if it is committed, its commitment and as many
//!   scalars of ciphertext.
//!
//! [`crate::privacy`] says what a commitment is. A tensor is packed into scalars thus: elements in
//! row-major order, ⌊248 / width⌋ per scalar, the first in the least significant bits, the tail of
//! the last scalar zero. An unsigned element enters as itself, a signed element `x` of width `w` as
//! `x + 2^(w−1)`. A chain that verifies proofs builds the same scalars from the same bytes.
//!
//! `binding` is an opaque scalar that the proof is valid for, and for no other.

use crate::{
	network::TensorType,
	privacy::{published_scalars, Privacy, Visibility},
};
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
		/// Which: `input`, `output` or `sealed output`.
		tensor: &'static str,
		/// Bytes that its type asks for.
		expected: usize,
		/// Bytes given.
		got: usize,
	},
	/// A 32-byte scalar is not below the order of the curve's group.
	#[error("the scalar is not below the order of BLS12-381's group")]
	Scalar,
	/// The statement has a part that was not given.
	#[error("where {privacy}, the statement needs {part}")]
	Missing {
		/// What is public and what is not.
		privacy: Privacy,
		/// The part.
		part: &'static str,
	},
	/// A part was given that the statement does not have.
	#[error("where {privacy}, the statement has no {part}")]
	Unneeded {
		/// What is public and what is not.
		privacy: Privacy,
		/// The part.
		part: &'static str,
	},
	/// There is no commitment where everything is public.
	#[error("neither the input nor the output is committed, so there is no commitment")]
	NothingCommitted,
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

/// The scalars of a tensor, whose length is checked.
pub(crate) fn pack_tensor(
	name: &'static str,
	(kind, bytes): (&TensorType, &[u8]),
) -> Result<Vec<Fr>, StatementError> {
	check_length(name, kind.bytes(), bytes)?;
	pack(kind.element, bytes)
}

fn check_length(tensor: &'static str, expected: usize, bytes: &[u8]) -> Result<(), StatementError> {
	match bytes.len() {
		got if got != expected => Err(StatementError::Length { tensor, expected, got }),
		_ => Ok(()),
	}
}

/// The bytes of a tensor whose scalars these are, if there is one.
pub(crate) fn unpack(kind: &TensorType, scalars: &[Fr]) -> Option<Vec<u8>> {
	let (width, per_scalar) = (kind.element.bytes(), kind.element.per_scalar());
	let mut bytes = Vec::with_capacity(kind.bytes());
	for scalar in scalars {
		let left = (kind.bytes() - bytes.len()).min(per_scalar * width);
		bytes.extend_from_slice(&scalar_to_bytes(*scalar)[..left]);
	}
	if kind.element.signed() {
		// As in `pack`.
		bytes.iter_mut().skip(width - 1).step_by(width).for_each(|last| *last ^= 0x80);
	}
	(pack_tensor("output", (kind, &bytes)).as_deref() == Ok(scalars)).then_some(bytes)
}

/// The name of a request that commits to something: to its input, or to the key of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
	/// [`crate::privacy::Opening::commit`].
	pub commitment: Fr,
	/// Whose request it is: an opaque scalar, which the commitment covers.
	pub holder: Fr,
}

/// What a statement tells of the input.
#[derive(Clone, Copy, Debug, Default)]
pub struct InputPart<'a> {
	/// Where the input or the output is committed.
	pub request: Option<Request>,
	/// Type and bytes of the tensor, where the input is public.
	pub tensor: Option<(&'a TensorType, &'a [u8])>,
}

impl<'a> From<(&'a TensorType, &'a [u8])> for InputPart<'a> {
	/// Where everything is public.
	fn from(tensor: (&'a TensorType, &'a [u8])) -> Self {
		Self { request: None, tensor: Some(tensor) }
	}
}

impl From<Request> for InputPart<'_> {
	/// Where the input is committed.
	fn from(request: Request) -> Self {
		Self { request: Some(request), tensor: None }
	}
}

/// The public inputs for a binding, from what is published of parameters, input and output.
///
/// `parameters` is [`crate::Network::parameter_commitment`]. The bytes of `output` are those of the tensor if it is public, and otherwise what
/// [`crate::privacy::Opening::seal_output`] gives; its type is the tensor's either way.
pub fn public_inputs<'a>(
	binding: Fr,
	parameters: Option<Fr>,
	privacy: Privacy,
	input: impl Into<InputPart<'a>>,
	output: (&TensorType, &[u8]),
) -> Result<Vec<Fr>, StatementError> {
	let InputPart { request, tensor } = input.into();
	let needed = |needed: bool, given: bool, part: &'static str| match (needed, given) {
		(true, false) => Err(StatementError::Missing { privacy, part }),
		(false, true) => Err(StatementError::Unneeded { privacy, part }),
		_ => Ok(()),
	};
	needed(privacy.commits(), request.is_some(), "commitment and holder")?;
	needed(privacy.input == Visibility::Public, tensor.is_some(), "input tensor")?;
	let mut inputs = vec![binding];
	inputs.extend(parameters);
	if let Some(Request { commitment, holder }) = request {
		inputs.extend([commitment, holder]);
	}
	if let Some(tensor) = tensor {
		inputs.extend(pack_tensor("input", tensor)?);
	}
	match privacy.output {
		Visibility::Public => inputs.extend(pack_tensor("output", output)?),
		Visibility::Committed => {
			let expected = 32 * published_scalars(privacy.output, output.0);
			check_length("sealed output", expected, output.1)?;
			inputs.extend(scalars_from_bytes(output.1).map_err(|_| StatementError::Scalar)?);
		},
	}
	Ok(inputs)
}

/// Reads scalars of 32 bytes each; fails with the number of the first that is not canonical. Bytes
/// that are left over are not looked at.
pub(crate) fn scalars_from_bytes(bytes: &[u8]) -> Result<Vec<Fr>, usize> {
	let (scalars, _) = bytes.as_chunks::<32>();
	let numbered = scalars.iter().enumerate();
	numbered.map(|(index, scalar)| scalar_from_bytes(scalar).map_err(|_| index)).collect()
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
