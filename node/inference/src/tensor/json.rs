//! The elements of a tensor, between JSON and bytes.

use super::{DataType, Tensor};
use bytes::Bytes;
use half::f16;
use serde::{
	de::{
		value::MapAccessDeserializer, DeserializeSeed, Deserializer, Error as _, MapAccess,
		SeqAccess, Unexpected, Visitor,
	},
	ser::{Error as _, SerializeSeq},
	Deserialize, Serialize, Serializer,
};
use serde_json::Number;
use std::fmt;

/// Reads the `data` of an input: flat, or nested as the shape says.
pub fn read(json: &str, data_type: DataType, shape: &[u64]) -> Result<Bytes, String> {
	let bytes = data_type.bytes_of(shape).ok_or("the shape has more elements than there are")?;
	let elements = bytes / data_type.bytes() as u64;
	// An element takes a digit and a comma at least.
	if elements > (json.len() as u64).div_ceil(2) {
		return Err(format!("the shape {shape:?} has {elements} elements; the data has fewer"));
	}
	let mut sink =
		Sink { bytes: Vec::with_capacity(bytes as usize), data_type, shape, elements, depth: None };
	let mut json = serde_json::Deserializer::from_str(json);
	Level { sink: &mut sink, depth: 0 }.deserialize(&mut json).map_err(|error| match error {
		// The position is within the data, which is of no help.
		error if error.is_data() => {
			let text = error.to_string();
			text.rsplit_once(" at line").map_or(text.clone(), |(text, _)| text.into())
		},
		error => error.to_string(),
	})?;
	match sink.bytes.len() as u64 {
		found if found == bytes => Ok(sink.bytes.into()),
		found => Err(format!(
			"the shape {shape:?} has {elements} elements; the data has {}",
			found / data_type.bytes() as u64
		)),
	}
}

struct Sink<'a> {
	bytes: Vec<u8>,
	data_type: DataType,
	shape: &'a [u64],
	elements: u64,
	/// How deep the elements lie: 1 if flat.
	depth: Option<usize>,
}

impl Sink<'_> {
	fn push<E: serde::de::Error, const N: usize>(
		&mut self,
		depth: usize,
		element: [u8; N],
	) -> Result<(), E> {
		if self.depth != Some(depth) {
			let whole = self.shape.len();
			if self.depth.is_some() || depth == 0 || (depth != 1 && depth != whole) {
				return Err(E::custom(format_args!(
					"data must be a flat list, or one nested {whole} deep as the shape says"
				)));
			}
			self.depth = Some(depth);
		}
		if self.bytes.len() as u64 >= self.elements * N as u64 {
			return Err(E::custom(format_args!(
				"the shape {:?} has {} elements; the data has more",
				self.shape, self.elements
			)));
		}
		self.bytes.extend_from_slice(&element);
		Ok(())
	}

	fn integer<E: serde::de::Error>(&mut self, depth: usize, value: i128) -> Result<(), E> {
		macro_rules! push {
			($type:ty) => {
				match <$type>::try_from(value) {
					Ok(value) => self.push(depth, value.to_le_bytes()),
					Err(_) => Err(E::custom(format_args!("{value} is no {}", self.data_type))),
				}
			};
		}
		match self.data_type {
			DataType::Bool => Err(E::custom("elements of type BOOL are true or false")),
			DataType::Uint8 => push!(u8),
			DataType::Uint16 => push!(u16),
			DataType::Uint32 => push!(u32),
			DataType::Uint64 => push!(u64),
			DataType::Int8 => push!(i8),
			DataType::Int16 => push!(i16),
			DataType::Int32 => push!(i32),
			DataType::Int64 => push!(i64),
			DataType::Fp16 | DataType::Fp32 | DataType::Fp64 => self.float(depth, value as f64),
		}
	}

	fn float<E: serde::de::Error>(&mut self, depth: usize, value: f64) -> Result<(), E> {
		let too_large = |data_type: DataType| {
			E::custom(format_args!("{value} is no {data_type}: it is too large"))
		};
		match self.data_type {
			DataType::Fp16 => match f16::from_f64(value) {
				narrow if narrow.is_infinite() => Err(too_large(self.data_type)),
				narrow => self.push(depth, narrow.to_le_bytes()),
			},
			DataType::Fp32 => match value as f32 {
				narrow if narrow.is_infinite() => Err(too_large(self.data_type)),
				narrow => self.push(depth, narrow.to_le_bytes()),
			},
			DataType::Fp64 => self.push(depth, value.to_le_bytes()),
			other => Err(E::custom(format_args!("{value} is no {other}"))),
		}
	}
}

/// A list, or an element, some lists deep.
struct Level<'s, 'a> {
	sink: &'s mut Sink<'a>,
	depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
	type Value = ();

	fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
		deserializer.deserialize_any(self)
	}
}

impl<'de> Visitor<'de> for Level<'_, '_> {
	type Value = ();

	fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "a list of elements of type {}", self.sink.data_type)
	}

	fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
		match self.sink.data_type {
			DataType::Bool => self.sink.push(self.depth, [u8::from(value)]),
			other => Err(E::custom(format_args!("{value} is no {other}"))),
		}
	}

	fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
		self.sink.integer(self.depth, value.into())
	}

	fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
		self.sink.integer(self.depth, value.into())
	}

	fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
		self.sink.float(self.depth, value)
	}

	/// A number with a fraction comes as a map where anything in the program has turned on serde_json's
	/// `arbitrary_precision`.
	fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
		let number = Number::deserialize(MapAccessDeserializer::new(map)).ok();
		match number.and_then(|number| number.as_f64()) {
			Some(value) => self.sink.float(self.depth, value),
			None => Err(A::Error::invalid_type(Unexpected::Map, &self)),
		}
	}

	fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
		let Self { sink, depth } = self;
		let mut count = 0_u64;
		while list.next_element_seed(Level { sink, depth: depth + 1 })?.is_some() {
			count += 1;
		}
		let flat = sink.depth == Some(1) || sink.depth.is_none();
		match sink.shape.get(depth) {
			Some(length) if !flat && *length != count => Err(A::Error::custom(format_args!(
				"dimension {depth} of the shape {:?} is {length}; the data has a list of {count}",
				sink.shape
			))),
			_ => Ok(()),
		}
	}
}

/// The elements of a tensor as a flat JSON list.
pub struct Json<'a>(pub &'a Tensor);

impl Serialize for Json<'_> {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		let Tensor { name, data_type, data, .. } = self.0;
		let mut list = serializer.serialize_seq(Some(data.len() / data_type.bytes()))?;
		let not_finite = || {
			S::Error::custom(format_args!(
				"the output `{name}` has an element that is no number, for which JSON has no form; ask for binary data"
			))
		};
		macro_rules! write {
			($type:ty) => {{
				let (elements, _) = data.as_chunks();
				for element in elements {
					list.serialize_element(&<$type>::from_le_bytes(*element))?;
				}
			}};
			($type:ty, finite) => {{
				let (elements, _) = data.as_chunks();
				for element in elements {
					let element = <$type>::from_le_bytes(*element);
					if !element.is_finite() {
						return Err(not_finite());
					}
					list.serialize_element(&element)?;
				}
			}};
		}
		match data_type {
			DataType::Bool => {
				for element in data {
					list.serialize_element(&(*element != 0))?;
				}
			},
			DataType::Uint8 => write!(u8),
			DataType::Uint16 => write!(u16),
			DataType::Uint32 => write!(u32),
			DataType::Uint64 => write!(u64),
			DataType::Int8 => write!(i8),
			DataType::Int16 => write!(i16),
			DataType::Int32 => write!(i32),
			DataType::Int64 => write!(i64),
			DataType::Fp32 => write!(f32, finite),
			DataType::Fp64 => write!(f64, finite),
			DataType::Fp16 => {
				let (elements, _) = data.as_chunks();
				for element in elements {
					let element = f16::from_le_bytes(*element);
					if !element.is_finite() {
						return Err(not_finite());
					}
					list.serialize_element(&element.to_f32())?;
				}
			},
		}
		list.end()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn refused(json: &str, data_type: DataType, shape: &[u64]) -> String {
		read(json, data_type, shape).unwrap_err()
	}

	#[test]
	fn lists_are_flat_or_nested_as_the_shape() {
		let expected: Vec<u8> = [1_i16, -2, 3, 4].iter().flat_map(|e| e.to_le_bytes()).collect();
		for json in ["[1,-2,3,4]", "[[1,-2],[3,4]]", " [ [ 1 , -2 ] , [ 3 , 4 ] ] "] {
			assert_eq!(read(json, DataType::Int16, &[2, 2]).unwrap(), expected, "{json}");
		}
		assert_eq!(read("[[[1]]]", DataType::Uint8, &[1, 1, 1]).unwrap()[..], [1]);
		assert_eq!(read("[7]", DataType::Uint8, &[]).unwrap()[..], [7]);
		assert_eq!(read("[]", DataType::Fp32, &[0, 3]).unwrap().len(), 0);
	}

	#[test]
	fn no_other_nesting_is_read() {
		for json in ["[[1,2,3],[4]]", "[[1],[2],[3],[4]]", "[1,[2,3,4]]", "[[[1,2],[3,4]]]"] {
			refused(json, DataType::Int16, &[2, 2]);
		}
		assert!(refused("7", DataType::Uint8, &[]).contains("flat list"));
	}

	#[test]
	fn the_count_is_the_shapes() {
		assert!(refused("[1,2,3]", DataType::Uint8, &[2]).contains("2 elements; the data has more"));
		assert!(refused("[1,2,3]", DataType::Uint8, &[4]).contains("the data has 3"));
		assert!(refused("[1]", DataType::Uint8, &[3]).contains("the data has fewer"));
		assert!(refused("[1]", DataType::Uint8, &[u64::MAX, 2]).contains("more elements"));
		assert!(refused("[1]", DataType::Uint8, &[1 << 40]).contains("the data has fewer"));
	}

	#[test]
	fn elements_are_of_the_type() {
		assert!(refused("[256]", DataType::Uint8, &[1]).contains("256 is no UINT8"));
		assert!(refused("[-1]", DataType::Uint64, &[1]).contains("-1 is no UINT64"));
		assert!(refused("[1.5]", DataType::Int32, &[1]).contains("1.5 is no INT32"));
		assert!(refused("[1e39]", DataType::Fp32, &[1]).contains("too large"));
		assert!(refused("[1]", DataType::Bool, &[1]).contains("true or false"));
		assert!(refused("[true]", DataType::Fp32, &[1]).contains("true is no FP32"));
		assert!(refused("[null]", DataType::Fp32, &[1]).contains("expected a list"));
		assert!(refused("[\"1\"]", DataType::Fp32, &[1]).contains("expected a list"));
		assert!(refused("[65520]", DataType::Fp16, &[1]).contains("too large"));
	}

	#[test]
	fn what_is_written_is_read_again() {
		let all = [
			(DataType::Bool, "[true,false]"),
			(DataType::Uint8, "[0,255]"),
			(DataType::Uint64, "[0,18446744073709551615]"),
			(DataType::Int64, "[-9223372036854775808,9223372036854775807]"),
			(DataType::Fp16, "[0.5,-65504.0]"),
			(DataType::Fp32, "[0.1,-3.4028235e+38]"),
			(DataType::Fp64, "[0.1,1e-300]"),
		];
		for (data_type, json) in all {
			let data = read(json, data_type, &[2]).unwrap();
			let tensor = Tensor { name: "x".into(), data_type, shape: vec![2], data };
			assert_eq!(serde_json::to_string(&Json(&tensor)).unwrap(), json);
		}
	}

	#[test]
	fn what_json_can_not_say_is_not_written() {
		let write = |data_type, data: &[u8]| {
			let data = Bytes::copy_from_slice(data);
			let tensor = Tensor { name: "x".into(), data_type, shape: vec![1], data };
			serde_json::to_string(&Json(&tensor))
		};
		assert!(write(DataType::Fp32, &f32::NAN.to_le_bytes()).is_err());
		assert!(write(DataType::Fp64, &f64::INFINITY.to_le_bytes()).is_err());
		assert!(write(DataType::Fp16, &f16::INFINITY.to_le_bytes()).is_err());
	}
}
