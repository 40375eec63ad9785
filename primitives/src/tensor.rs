//! Tensor types: what a model takes and gives.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::BoundedVec;

/// The most dimensions that a tensor may have.
pub const MAX_RANK: u32 = 6;

/// The most elements that a tensor type may admit: 2^28.
pub const MAX_ELEMENTS: u64 = 1 << 28;

/// The type of one element, encoded little-endian.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub enum ElementType {
	/// Unsigned, 8 bits.
	U8,
	/// Signed, 8 bits.
	I8,
	/// Signed, 32 bits.
	I32,
	/// Signed, 64 bits.
	I64,
	/// IEEE 754 single precision.
	F32,
}

impl ElementType {
	/// Bytes of one element.
	pub const fn bytes(self) -> u32 {
		match self {
			Self::U8 | Self::I8 => 1,
			Self::I32 | Self::F32 => 4,
			Self::I64 => 8,
		}
	}

	/// Bits of one element.
	pub const fn bits(self) -> u32 {
		match self {
			Self::U8 | Self::I8 => 8,
			Self::I32 | Self::F32 => 32,
			Self::I64 => 64,
		}
	}

	/// Whether elements are two's complement integers.
	pub const fn is_signed_integer(self) -> bool {
		matches!(self, Self::I8 | Self::I32 | Self::I64)
	}

	/// Whether elements are integers: only these can be proved.
	pub const fn is_integer(self) -> bool {
		!matches!(self, Self::F32)
	}
}

/// One dimension of a tensor.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub enum Dimension {
	/// Exactly so many.
	Fixed(u32),
	/// The batch: from 1 to `max`, the same number for input and output. First dimension only.
	Batch {
		/// The most rows of one request.
		max: u32,
	},
	/// Known only when the model has run: from 1 to `max`. Outputs only.
	Dynamic {
		/// The most elements along this dimension.
		max: u32,
	},
}

/// Element type and shape, row-major.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct TensorType {
	/// The type of each element.
	pub element: ElementType,
	/// The dimensions, outermost first.
	pub shape: BoundedVec<Dimension, ConstU32<MAX_RANK>>,
}

/// What a version of a model takes and gives: one tensor each.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Interface {
	/// The input tensor.
	pub input: TensorType,
	/// The output tensor.
	pub output: TensorType,
}

/// Why an interface, or a tensor under it, is refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum ShapeError {
	/// A dimension of zero, or more than [`MAX_ELEMENTS`] elements.
	Size,
	/// A batch that is not the first dimension, or that only one side has, or with another bound.
	Batch,
	/// A dynamic dimension in an input.
	DynamicInput,
	/// The bytes of a tensor are no whole number of rows between 1 and the batch's bound.
	Length,
}

/// How many elements the output of one inference has.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Elements {
	/// The fewest possible.
	pub min: u64,
	/// The most possible; equal to `min` unless a dimension is dynamic.
	pub max: u64,
}

impl TensorType {
	/// A tensor with all dimensions fixed.
	pub fn fixed(element: ElementType, shape: &[u32]) -> Option<Self> {
		let shape: alloc::vec::Vec<_> = shape.iter().map(|d| Dimension::Fixed(*d)).collect();
		Some(Self { element, shape: shape.try_into().ok()? })
	}

	/// The bound of the batch dimension, if there is one.
	pub fn batch(&self) -> Option<u32> {
		match self.shape.first() {
			Some(Dimension::Batch { max }) => Some(*max),
			_ => None,
		}
	}

	/// Whether every dimension is fixed.
	pub fn is_fixed(&self) -> bool {
		self.shape.iter().all(|d| matches!(d, Dimension::Fixed(_)))
	}

	/// The elements of a tensor of `rows` rows.
	pub fn elements(&self, rows: u32) -> Elements {
		let product = |dynamic: fn(u32) -> u32| {
			self.shape.iter().fold(1u64, |n, d| {
				n.saturating_mul(u64::from(match d {
					Dimension::Fixed(d) => *d,
					Dimension::Batch { .. } => rows,
					Dimension::Dynamic { max } => dynamic(*max),
				}))
			})
		};
		Elements { min: product(|_| 1), max: product(|max| max) }
	}
}

impl TensorType {
	/// Bytes of the largest tensor of `rows` rows.
	pub fn bytes(&self, rows: u32) -> u64 {
		self.elements(rows).max.saturating_mul(u64::from(self.element.bytes()))
	}
}

impl Interface {
	/// Checks that both shapes are sound and agree about the batch.
	pub fn validate(&self) -> Result<(), ShapeError> {
		for tensor in [&self.input, &self.output] {
			for (at, dimension) in tensor.shape.iter().enumerate() {
				match dimension {
					Dimension::Fixed(0)
					| Dimension::Batch { max: 0 }
					| Dimension::Dynamic { max: 0 } => return Err(ShapeError::Size),
					Dimension::Batch { .. } if at != 0 => return Err(ShapeError::Batch),
					_ => (),
				}
			}
			if tensor.elements(tensor.batch().unwrap_or(1)).max > MAX_ELEMENTS {
				return Err(ShapeError::Size);
			}
		}
		if self.input.shape.iter().any(|d| matches!(d, Dimension::Dynamic { .. })) {
			return Err(ShapeError::DynamicInput);
		}
		match (self.input.batch(), self.output.batch()) {
			(None, Some(_)) => Err(ShapeError::Batch),
			(Some(input), Some(output)) if input != output => Err(ShapeError::Batch),
			_ => Ok(()),
		}
	}

	/// Whether both shapes are fixed and both elements integers: what a circuit can be made for.
	pub fn is_provable(&self) -> bool {
		[&self.input, &self.output].iter().all(|t| t.is_fixed() && t.element.is_integer())
	}

	/// How many rows an input of `bytes` bytes has.
	pub fn rows(&self, bytes: u64) -> Result<u32, ShapeError> {
		let row = self
			.input
			.elements(1)
			.max
			.checked_mul(u64::from(self.input.element.bytes()))
			.ok_or(ShapeError::Size)?;
		let rows = bytes.checked_div(row).ok_or(ShapeError::Size)?;
		if rows.checked_mul(row) != Some(bytes) {
			return Err(ShapeError::Length);
		}
		match u32::try_from(rows) {
			Ok(rows) if rows >= 1 && rows <= self.input.batch().unwrap_or(1) => Ok(rows),
			_ => Err(ShapeError::Length),
		}
	}

	/// The elements of an output of `bytes` bytes that answers an input of `rows` rows.
	pub fn output_elements(&self, rows: u32, bytes: u64) -> Result<u64, ShapeError> {
		let width = u64::from(self.output.element.bytes());
		let Elements { min, max } = self.output.elements(rows);
		match bytes.checked_div(width) {
			Some(n)
				if n.checked_mul(width) == Some(bytes)
					&& n >= min && n <= max
					&& n.checked_rem(min) == Some(0) =>
			{
				Ok(n)
			},
			_ => Err(ShapeError::Length),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec::Vec;

	fn tensor(element: ElementType, shape: &[Dimension]) -> TensorType {
		TensorType { element, shape: shape.to_vec().try_into().unwrap() }
	}

	fn batched() -> Interface {
		Interface {
			input: tensor(ElementType::F32, &[Dimension::Batch { max: 8 }, Dimension::Fixed(13)]),
			output: tensor(
				ElementType::F32,
				&[Dimension::Batch { max: 8 }, Dimension::Dynamic { max: 5 }],
			),
		}
	}

	#[test]
	fn rows_are_counted_from_the_length() {
		let interface = batched();
		assert_eq!(interface.validate(), Ok(()));
		assert_eq!(interface.rows(13 * 4), Ok(1));
		assert_eq!(interface.rows(8 * 13 * 4), Ok(8));
		for wrong in [0, 1, 13, 13 * 4 + 1, 9 * 13 * 4, u64::MAX] {
			assert_eq!(interface.rows(wrong), Err(ShapeError::Length), "{wrong}");
		}
	}

	#[test]
	fn a_dynamic_output_is_any_whole_number_of_steps_up_to_its_bound() {
		let interface = batched();
		assert_eq!(interface.output.elements(2), Elements { min: 2, max: 10 });
		assert_eq!(interface.output_elements(2, 2 * 4), Ok(2));
		assert_eq!(interface.output_elements(2, 10 * 4), Ok(10));
		for wrong in [0, 4, 3 * 4, 11 * 4, 9] {
			assert_eq!(interface.output_elements(2, wrong), Err(ShapeError::Length), "{wrong}");
		}
	}

	#[test]
	fn unsound_interfaces_are_refused() {
		use Dimension::*;
		let u8 = |shape: &[Dimension]| tensor(ElementType::U8, shape);
		let check = |input: &[Dimension], output: &[Dimension]| {
			Interface { input: u8(input), output: u8(output) }.validate()
		};
		assert_eq!(check(&[Fixed(0)], &[Fixed(1)]), Err(ShapeError::Size));
		assert_eq!(check(&[Fixed(u32::MAX), Fixed(2)], &[Fixed(1)]), Err(ShapeError::Size));
		assert_eq!(check(&[Fixed(1), Batch { max: 2 }], &[Fixed(1)]), Err(ShapeError::Batch));
		assert_eq!(check(&[Fixed(1)], &[Batch { max: 2 }]), Err(ShapeError::Batch));
		assert_eq!(check(&[Batch { max: 3 }], &[Batch { max: 2 }]), Err(ShapeError::Batch));
		assert_eq!(check(&[Dynamic { max: 3 }], &[Fixed(1)]), Err(ShapeError::DynamicInput));
		assert_eq!(check(&[Fixed(1)], &[Dynamic { max: 3 }]), Ok(()));
	}

	#[test]
	fn only_fixed_integer_interfaces_are_provable() {
		let fixed = |element| TensorType::fixed(element, &[1, 4]).unwrap();
		let interface = |input, output| Interface { input, output };
		assert!(interface(fixed(ElementType::U8), fixed(ElementType::I32)).is_provable());
		assert!(!interface(fixed(ElementType::F32), fixed(ElementType::I32)).is_provable());
		assert!(!batched().is_provable());
		assert_eq!(TensorType::fixed(ElementType::U8, &Vec::from([1; 7])), None);
	}
}
