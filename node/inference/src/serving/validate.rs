//! Whether a request fits what the model declares. Nothing of it is trusted before.

use super::{api::TensorMetadata, ServeError};
use crate::{
	backend::Signature,
	tensor::{DataType, Tensor},
};

/// A request that fits.
pub(super) struct Fitting {
	/// The inputs in the model's order.
	pub(super) inputs: Vec<Tensor>,
	/// The outputs that are wanted, by their places in the model's order; empty for all.
	pub(super) outputs: Vec<usize>,
	/// Rows: the first dimension of the inputs, or 1.
	pub(super) rows: u32,
	/// Bytes of the inputs.
	pub(super) bytes: u64,
}

impl Signature {
	/// Checks a request, and puts its inputs into the model's order. `batches` says whether the
	/// first dimension is the number of rows.
	pub(super) fn check(
		&self,
		mut given: Vec<Tensor>,
		outputs: &[String],
		batches: bool,
		max_bytes: u64,
	) -> Result<Fitting, ServeError> {
		let invalid = |text: String| Err(ServeError::Invalid(text));
		if given.len() != self.inputs.len() {
			let (found, names) = (given.len(), names(&self.inputs));
			let expected = self.inputs.len();
			return invalid(format!(
				"{found} inputs were given; the model takes {expected}: {names}"
			));
		}
		let (mut rows, mut bytes) = (None, 0u64);
		for (at, metadata) in self.inputs.iter().enumerate() {
			let found = given[at..].iter().position(|tensor| tensor.name == metadata.name);
			let Some(found) = found else {
				let found: Vec<_> = given[at..].iter().map(|tensor| &*tensor.name).collect();
				return invalid(format!(
					"the input `{}` is missing; given are {}",
					metadata.name,
					found.join(", "),
				));
			};
			given.swap(at, at.saturating_add(found));
			check_input(metadata, &given[at])?;
			// One name for all: what was read is freed by who read it.
			given[at].name = metadata.name.clone();
			bytes = bytes.saturating_add(given[at].data.len() as u64);
			if batches {
				let first = given[at].shape.first().copied().unwrap_or(1);
				match rows {
					None => rows = Some(first),
					Some(rows) if rows != first => {
						return invalid(format!(
							"the input `{}` has {first} rows, and another has {rows}",
							metadata.name,
						))
					},
					Some(_) => (),
				}
			}
		}
		if bytes > max_bytes {
			return Err(too_large(bytes, max_bytes));
		}
		let mut wanted = Vec::with_capacity(outputs.len());
		for name in outputs {
			match self.outputs.iter().position(|output| *output.name == **name) {
				Some(at) => wanted.push(at),
				None => {
					let names = names(&self.outputs);
					return invalid(format!("the model has no output `{name}`; it has {names}"));
				},
			}
		}
		let rows = u32::try_from(rows.unwrap_or(1))
			.map_err(|_| ServeError::Invalid("an input has more than 2³² rows".into()))?;
		Ok(Fitting { inputs: given, outputs: wanted, rows, bytes })
	}
}

fn check_input(metadata: &TensorMetadata, tensor: &Tensor) -> Result<(), ServeError> {
	let name = &metadata.name;
	let invalid = |text: String| Err(ServeError::Invalid(text));
	if tensor.data_type != metadata.data_type {
		let (found, expected) = (tensor.data_type, metadata.data_type);
		return invalid(format!("the input `{name}` is of {found}; the model takes {expected}"));
	}
	let fits = tensor.shape.len() == metadata.shape.len()
		&& tensor.shape.iter().zip(&metadata.shape).all(|(found, declared)| {
			*found > 0 && (*declared < 0 || u64::try_from(*declared) == Ok(*found))
		});
	if !fits {
		return invalid(format!(
			"the input `{name}` has the shape {:?}; the model takes {:?}, where -1 is any number from 1 on",
			tensor.shape, metadata.shape,
		));
	}
	let found = tensor.data.len() as u64;
	match tensor.data_type.bytes_of(&tensor.shape) {
		Some(expected) if expected == found => (),
		Some(expected) => {
			return invalid(format!(
				"the input `{name}` has {found} bytes; {:?} of {} are {expected}",
				tensor.shape, tensor.data_type,
			))
		},
		None => {
			return invalid(format!(
				"the input `{name}` has the shape {:?}, which nothing can hold",
				tensor.shape,
			))
		},
	}
	if tensor.data_type == DataType::Bool && tensor.data.iter().any(|byte| *byte > 1) {
		return invalid(format!("the input `{name}` has bytes other than 0 and 1; it is of BOOL"));
	}
	Ok(())
}

fn names(tensors: &[TensorMetadata]) -> String {
	let names: Vec<_> = tensors.iter().map(|tensor| &*tensor.name).collect();
	names.join(", ")
}

pub(super) fn too_large(bytes: u64, most: u64) -> ServeError {
	ServeError::Invalid(format!("the inputs have {bytes} bytes; {most} is the most"))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn metadata(name: &str, data_type: DataType, shape: &[i64]) -> TensorMetadata {
		TensorMetadata { name: name.into(), data_type, shape: shape.to_vec() }
	}

	fn tensor(name: &str, data_type: DataType, shape: &[u64], bytes: usize) -> Tensor {
		let data = vec![0; bytes].into();
		Tensor { name: name.into(), data_type, shape: shape.to_vec(), data }
	}

	fn signature() -> Signature {
		Signature {
			inputs: vec![
				metadata("ids", DataType::Int64, &[-1, 2]),
				metadata("mask", DataType::Bool, &[-1]),
			],
			outputs: vec![
				metadata("y", DataType::Fp32, &[-1]),
				metadata("z", DataType::Fp32, &[-1]),
			],
			batches: true,
		}
	}

	fn ids(rows: u64) -> Tensor {
		tensor("ids", DataType::Int64, &[rows, 2], rows as usize * 16)
	}

	fn mask(rows: u64) -> Tensor {
		tensor("mask", DataType::Bool, &[rows], rows as usize)
	}

	fn refusal(inputs: Vec<Tensor>, outputs: &[&str]) -> String {
		let outputs: Vec<_> = outputs.iter().map(|name| name.to_string()).collect();
		match signature().check(inputs, &outputs, true, 64) {
			Err(ServeError::Invalid(text)) => text,
			Err(other) => panic!("{other}"),
			Ok(_) => panic!("accepted"),
		}
	}

	#[test]
	fn inputs_come_in_any_order_and_leave_in_the_models() {
		let outputs = ["z".to_owned()];
		let fitting = signature().check(vec![mask(3), ids(3)], &outputs, true, 64).unwrap();
		let names: Vec<_> = fitting.inputs.iter().map(|tensor| &*tensor.name).collect();
		assert_eq!(names, ["ids", "mask"]);
		assert_eq!((fitting.rows, fitting.bytes, fitting.outputs), (3, 51, vec![1]));
	}

	#[test]
	fn a_refusal_tells_what_was_wrong_and_what_would_be_right() {
		let u8s = tensor("ids", DataType::Uint8, &[1, 2], 2);
		let short = tensor("ids", DataType::Int64, &[1, 2], 15);
		let huge = tensor("mask", DataType::Bool, &[u64::MAX], 0);
		let wide = tensor("ids", DataType::Int64, &[1, 3], 24);
		let twos = Tensor { data: vec![2].into(), ..mask(1) };
		for (inputs, outputs, expected) in [
			(vec![ids(1)], &[][..], "1 inputs were given; the model takes 2: ids, mask"),
			(vec![ids(1), ids(1)], &[], "the input `mask` is missing; given are ids"),
			(vec![u8s, mask(1)], &[], "the input `ids` is of UINT8; the model takes INT64"),
			(vec![wide, mask(1)], &[], "has the shape [1, 3]; the model takes [-1, 2]"),
			(vec![ids(0), mask(0)], &[], "any number from 1 on"),
			(vec![short, mask(1)], &[], "has 15 bytes; [1, 2] of INT64 are 16"),
			(vec![ids(2), mask(1)], &[], "`mask` has 1 rows, and another has 2"),
			(vec![ids(4), mask(4)], &[], "the inputs have 68 bytes; 64 is the most"),
			(vec![ids(1), twos], &[], "bytes other than 0 and 1"),
			(vec![ids(1), huge], &[], "has 0 bytes"),
			(vec![ids(1), mask(1)], &["x"], "the model has no output `x`; it has y, z"),
		] {
			let refused = refusal(inputs, outputs);
			assert!(refused.contains(expected), "{refused}");
		}
		let uncountable = metadata("x", DataType::Int64, &[-1, -1]);
		let tensor = tensor("x", DataType::Int64, &[u64::MAX, 2], 0);
		let refused = check_input(&uncountable, &tensor).unwrap_err().to_string();
		assert!(refused.contains("nothing can hold"), "{refused}");
	}
}
