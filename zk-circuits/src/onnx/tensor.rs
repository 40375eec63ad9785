//! Constant tensors.

use super::{
	brief,
	proto::{tensor_proto::DataType, TensorProto},
	ModelError, MAX_TENSOR_ELEMENTS,
};

/// The elements of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
	/// Also read from `float16` and `bfloat16`, whose values it holds exactly.
	F32(Vec<f32>),
	F64(Vec<f64>),
	Bool(Vec<bool>),
	U8(Vec<u8>),
	I8(Vec<i8>),
	I32(Vec<i32>),
	I64(Vec<i64>),
}

/// A constant of a model: an initialiser, or the value of a `Constant` node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
	/// Empty for a scalar. Only `F32`, `F64` and `I64` may have a dimension of zero: empty lists of
	/// axes, and operands that stand for "none".
	pub(crate) dims: Vec<usize>,
	pub(crate) data: Data,
}

/// The name of an ONNX element type, for error messages.
pub(crate) fn type_name(code: i32) -> String {
	match DataType::try_from(code) {
		Ok(known) => known.as_str_name().to_lowercase(),
		Err(_) => format!("element type {code}"),
	}
}

impl Tensor {
	pub(crate) fn type_name(&self) -> &'static str {
		match self.data {
			Data::F32(_) => "float",
			Data::F64(_) => "double",
			Data::Bool(_) => "bool",
			Data::U8(_) => "uint8",
			Data::I8(_) => "int8",
			Data::I32(_) => "int32",
			Data::I64(_) => "int64",
		}
	}

	pub(crate) fn elements(&self) -> usize {
		match &self.data {
			Data::F32(v) => v.len(),
			Data::F64(v) => v.len(),
			Data::Bool(v) => v.len(),
			Data::U8(v) => v.len(),
			Data::I8(v) => v.len(),
			Data::I32(v) => v.len(),
			Data::I64(v) => v.len(),
		}
	}

	/// Reads a `TensorProto`, checking dimensions against data.
	pub(super) fn read(name: &str, proto: &TensorProto) -> Result<Self, ModelError> {
		let error = |reason: String| ModelError::Tensor { name: brief(name), reason };
		if proto.data_location.unwrap_or(0) != 0 || !proto.external_data.is_empty() {
			return Err(error(
				"its data lies in another file; save the model with all tensors inside".into(),
			));
		}
		let mut elements = 1usize;
		let mut dims = Vec::with_capacity(proto.dims.len());
		for &dim in &proto.dims {
			let dim =
				usize::try_from(dim).map_err(|_| error(format!("dimension {dim} is negative")))?;
			elements = elements
				.checked_mul(dim)
				.filter(|&n| n <= MAX_TENSOR_ELEMENTS)
				.ok_or_else(|| error(format!("it has more than {MAX_TENSOR_ELEMENTS} elements")))?;
			dims.push(dim);
		}
		let fields = [
			proto.raw_data.as_ref().is_some_and(|raw| !raw.is_empty()),
			!proto.float_data.is_empty(),
			!proto.int32_data.is_empty(),
			!proto.int64_data.is_empty(),
			!proto.double_data.is_empty(),
			!proto.uint64_data.is_empty(),
			!proto.string_data.is_empty(),
		];
		let given = fields.iter().filter(|&&present| present).count();
		if given != usize::from(elements > 0) {
			return Err(error("its data must be in exactly one field".into()));
		}
		let raw = if fields[0] { proto.raw_data.as_deref() } else { None };
		let code = proto.data_type.unwrap_or(0);
		let outside = |kind: &str| error(format!("a value is outside {kind}"));
		let kind = DataType::try_from(code).unwrap_or(DataType::Undefined);
		let (width, data) = match kind {
			DataType::Float => (
				4,
				Data::F32(match raw {
					Some(raw) => chunks(raw, f32::from_le_bytes),
					None => proto.float_data.clone(),
				}),
			),
			DataType::Double => (
				8,
				Data::F64(match raw {
					Some(raw) => chunks(raw, f64::from_le_bytes),
					None => proto.double_data.clone(),
				}),
			),
			DataType::Float16 | DataType::Bfloat16 => {
				let bits: Vec<u16> = match raw {
					Some(raw) => chunks(raw, u16::from_le_bytes),
					None => narrow(&proto.int32_data).ok_or_else(|| outside("float16"))?,
				};
				let widen = match kind {
					DataType::Float16 => half,
					_ => |bits: u16| f32::from_bits(u32::from(bits) << 16),
				};
				(2, Data::F32(bits.into_iter().map(widen).collect()))
			},
			DataType::Bool => {
				let bytes: Vec<u8> = match raw {
					Some(raw) => raw.to_vec(),
					None => narrow(&proto.int32_data).ok_or_else(|| outside("bool"))?,
				};
				if bytes.iter().any(|&byte| byte > 1) {
					return Err(outside("bool"));
				}
				(1, Data::Bool(bytes.into_iter().map(|byte| byte == 1).collect()))
			},
			DataType::Uint8 => (
				1,
				Data::U8(match raw {
					Some(raw) => raw.to_vec(),
					None => narrow(&proto.int32_data).ok_or_else(|| outside("uint8"))?,
				}),
			),
			DataType::Int8 => (
				1,
				Data::I8(match raw {
					Some(raw) => chunks(raw, i8::from_le_bytes),
					None => narrow(&proto.int32_data).ok_or_else(|| outside("int8"))?,
				}),
			),
			DataType::Int32 => (
				4,
				Data::I32(match raw {
					Some(raw) => chunks(raw, i32::from_le_bytes),
					None => proto.int32_data.clone(),
				}),
			),
			DataType::Int64 => (
				8,
				Data::I64(match raw {
					Some(raw) => chunks(raw, i64::from_le_bytes),
					None => proto.int64_data.clone(),
				}),
			),
			_ => {
				return Err(error(format!(
					"its type {} is not read (float, double, float16, bfloat16, bool, uint8, int8, \
					 int32 and int64 are)",
					type_name(code)
				)))
			},
		};
		let tensor = Self { dims, data };
		if elements == 0 && !matches!(tensor.data, Data::F32(_) | Data::F64(_) | Data::I64(_)) {
			return Err(error(format!("its dimensions {:?} leave no elements", tensor.dims)));
		}
		if tensor.elements() != elements
			|| raw.is_some_and(|raw| Some(raw.len()) != elements.checked_mul(width))
		{
			return Err(error(format!(
				"its dimensions {:?} need {elements} elements, its data holds {}",
				tensor.dims,
				raw.map_or(tensor.elements(), |raw| raw.len() / width)
			)));
		}
		Ok(tensor)
	}
}

/// The value of an IEEE 754 half-precision number.
fn half(bits: u16) -> f32 {
	let (exponent, fraction) = ((bits >> 10) & 0x1f, bits & 0x3ff);
	let magnitude = match exponent {
		0 => f32::from(fraction) * 2f32.powi(-24),
		31 if fraction == 0 => f32::INFINITY,
		31 => f32::NAN,
		_ => f32::from(fraction | 0x400) * 2f32.powi(i32::from(exponent) - 25),
	};
	if bits >> 15 == 1 {
		-magnitude
	} else {
		magnitude
	}
}

fn chunks<const N: usize, T>(raw: &[u8], decode: fn([u8; N]) -> T) -> Vec<T> {
	raw.chunks_exact(N)
		.map(|chunk| {
			let mut array = [0; N];
			array.copy_from_slice(chunk);
			decode(array)
		})
		.collect()
}

fn narrow<T: TryFrom<i32>>(wide: &[i32]) -> Option<Vec<T>> {
	wide.iter().map(|&value| T::try_from(value).ok()).collect()
}
