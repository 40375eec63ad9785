//! Tensors as clients name them.

pub mod json;

use bytes::Bytes;
use std::{fmt, sync::Arc};

/// The type of one element, by its name in the Open Inference Protocol.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DataType {
	/// One byte: 0 or 1.
	Bool,
	/// Unsigned, 8 bits.
	Uint8,
	/// Unsigned, 16 bits.
	Uint16,
	/// Unsigned, 32 bits.
	Uint32,
	/// Unsigned, 64 bits.
	Uint64,
	/// Signed, 8 bits.
	Int8,
	/// Signed, 16 bits.
	Int16,
	/// Signed, 32 bits.
	Int32,
	/// Signed, 64 bits.
	Int64,
	/// IEEE 754 half precision.
	Fp16,
	/// IEEE 754 single precision.
	Fp32,
	/// IEEE 754 double precision.
	Fp64,
}

impl DataType {
	/// All of them.
	pub const ALL: [Self; 12] = [
		Self::Bool,
		Self::Uint8,
		Self::Uint16,
		Self::Uint32,
		Self::Uint64,
		Self::Int8,
		Self::Int16,
		Self::Int32,
		Self::Int64,
		Self::Fp16,
		Self::Fp32,
		Self::Fp64,
	];

	/// The protocol's name.
	pub const fn name(self) -> &'static str {
		match self {
			Self::Bool => "BOOL",
			Self::Uint8 => "UINT8",
			Self::Uint16 => "UINT16",
			Self::Uint32 => "UINT32",
			Self::Uint64 => "UINT64",
			Self::Int8 => "INT8",
			Self::Int16 => "INT16",
			Self::Int32 => "INT32",
			Self::Int64 => "INT64",
			Self::Fp16 => "FP16",
			Self::Fp32 => "FP32",
			Self::Fp64 => "FP64",
		}
	}

	/// The type of that name.
	pub fn of_name(name: &str) -> Option<Self> {
		Self::ALL.into_iter().find(|data_type| data_type.name() == name)
	}

	/// The number 1, as bytes.
	pub(crate) fn one(self) -> Vec<u8> {
		match self {
			Self::Fp16 => half::f16::ONE.to_le_bytes().into(),
			Self::Fp32 => 1f32.to_le_bytes().into(),
			Self::Fp64 => 1f64.to_le_bytes().into(),
			integer => 1u64.to_le_bytes()[..integer.bytes()].into(),
		}
	}

	/// Bytes of one element.
	pub const fn bytes(self) -> usize {
		match self {
			Self::Bool | Self::Uint8 | Self::Int8 => 1,
			Self::Uint16 | Self::Int16 | Self::Fp16 => 2,
			Self::Uint32 | Self::Int32 | Self::Fp32 => 4,
			Self::Uint64 | Self::Int64 | Self::Fp64 => 8,
		}
	}

	/// Bytes of a tensor; `None` if that is more than there are.
	pub fn bytes_of(self, shape: &[u64]) -> Option<u64> {
		shape.iter().try_fold(self.bytes() as u64, |bytes, length| bytes.checked_mul(*length))
	}
}

impl fmt::Display for DataType {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(self.name())
	}
}

/// A tensor: row-major, little-endian, `shape.product() * data_type.bytes()` bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tensor {
	/// Its name. Cheap to clone.
	pub name: Arc<str>,
	/// The type of its elements.
	pub data_type: DataType,
	/// Its dimensions.
	pub shape: Vec<u64>,
	/// Its elements. Cheap to clone, and a slice of the body that it came in.
	pub data: Bytes,
}
