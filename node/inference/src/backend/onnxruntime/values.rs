//! Tensors of ours as tensors of ONNX Runtime, and back.

use super::failed;
use crate::{
	backend::{BackendError, Signature},
	serving::TensorMetadata,
	tensor::{DataType, Tensor},
};
use bytemuck::{
	cast_slice_mut,
	checked::{try_cast_slice, CheckedBitPattern},
	NoUninit, Pod,
};
use bytes::Bytes;
use half::f16;
use ort::{
	session::{SessionInputValue, SessionOutputs},
	value::{
		DynValue, Outlet, PrimitiveTensorElementType, Tensor as OrtTensor, TensorElementType,
		TensorRef, ValueType,
	},
};
use std::fmt::Debug;

/// What a session takes and gives.
pub(super) fn signature(inputs: &[Outlet], outputs: &[Outlet]) -> Result<Signature, BackendError> {
	let describe = |outlets: &[Outlet]| outlets.iter().map(metadata).collect::<Result<Vec<_>, _>>();
	let first = |outlet: &Outlet| match outlet.dtype() {
		ValueType::Tensor { shape, dimension_symbols, .. } if shape.first() == Some(&-1) => {
			dimension_symbols.first().cloned()
		},
		_ => None,
	};
	let mut firsts = inputs.iter().chain(outputs).map(first);
	// A dimension without a name is another than that of its neighbour, as ONNX has it.
	let batches = match firsts.next().flatten() {
		Some(symbol) if !symbol.is_empty() => firsts.all(|it| it.as_ref() == Some(&symbol)),
		_ => false,
	};
	Ok(Signature { inputs: describe(inputs)?, outputs: describe(outputs)?, batches })
}

fn metadata(outlet: &Outlet) -> Result<TensorMetadata, BackendError> {
	let name = outlet.name().to_owned();
	let unknown = |what: String| BackendError::NotAModel(format!("`{name}` is {what}"));
	match outlet.dtype() {
		ValueType::Tensor { ty, shape, .. } => Ok(TensorMetadata {
			data_type: data_type(ty)
				.ok_or_else(|| unknown(format!("a tensor of {ty}, which is not served")))?,
			shape: shape.iter().copied().collect(),
			name: name.into(),
		}),
		other => Err(unknown(format!("no tensor: {other}"))),
	}
}

fn data_type(element: &TensorElementType) -> Option<DataType> {
	Some(match element {
		TensorElementType::Bool => DataType::Bool,
		TensorElementType::Uint8 => DataType::Uint8,
		TensorElementType::Uint16 => DataType::Uint16,
		TensorElementType::Uint32 => DataType::Uint32,
		TensorElementType::Uint64 => DataType::Uint64,
		TensorElementType::Int8 => DataType::Int8,
		TensorElementType::Int16 => DataType::Int16,
		TensorElementType::Int32 => DataType::Int32,
		TensorElementType::Int64 => DataType::Int64,
		TensorElementType::Float16 => DataType::Fp16,
		TensorElementType::Float32 => DataType::Fp32,
		TensorElementType::Float64 => DataType::Fp64,
		_ => return None,
	})
}

/// The inputs of all requests, joined along the first dimension.
pub(super) fn inputs<'a>(
	signature: &Signature,
	requests: &[&'a [Tensor]],
) -> Result<Vec<SessionInputValue<'a>>, BackendError> {
	(0..signature.inputs.len())
		.map(|at| {
			let data_type = signature.inputs[at].data_type;
			let mut pieces = Vec::with_capacity(requests.len());
			for request in requests {
				pieces.push(request.get(at).ok_or_else(|| {
					BackendError::Rejected(format!("the request has {} inputs", request.len()))
				})?);
			}
			match data_type {
				DataType::Bool => value(&pieces, booleans),
				DataType::Uint8 => value(&pieces, numbers::<u8>),
				DataType::Uint16 => value(&pieces, numbers::<u16>),
				DataType::Uint32 => value(&pieces, numbers::<u32>),
				DataType::Uint64 => value(&pieces, numbers::<u64>),
				DataType::Int8 => value(&pieces, numbers::<i8>),
				DataType::Int16 => value(&pieces, numbers::<i16>),
				DataType::Int32 => value(&pieces, numbers::<i32>),
				DataType::Int64 => value(&pieces, numbers::<i64>),
				DataType::Fp16 => value(&pieces, numbers::<f16>),
				DataType::Fp32 => value(&pieces, numbers::<f32>),
				DataType::Fp64 => value(&pieces, numbers::<f64>),
			}
		})
		.collect()
}

fn value<'a, T>(
	pieces: &[&'a Tensor],
	join: fn(&[&Tensor]) -> Result<Vec<T>, BackendError>,
) -> Result<SessionInputValue<'a>, BackendError>
where
	T: PrimitiveTensorElementType + CheckedBitPattern + NoUninit + Debug + 'static,
{
	let Some((first, rest)) = pieces.split_first() else {
		return Err(BackendError::Rejected("no request".into()));
	};
	let mut shape: Vec<i64> = first.shape.iter().map(|n| *n as i64).collect();
	if rest.is_empty() {
		if let Ok(elements) = try_cast_slice::<u8, T>(&first.data) {
			let tensor = TensorRef::from_array_view((shape, elements)).map_err(failed)?;
			return Ok(tensor.into());
		}
	} else if let Some(rows) = shape.first_mut() {
		*rows = pieces.iter().filter_map(|piece| piece.shape.first()).map(|n| *n as i64).sum();
	}
	// Joined, or moved to where the processor can read it.
	Ok(OrtTensor::from_array((shape, join(pieces)?)).map_err(failed)?.into())
}

/// The elements of all pieces, wherever they lie.
fn numbers<T: Pod>(pieces: &[&Tensor]) -> Result<Vec<T>, BackendError> {
	let bytes: usize = pieces.iter().map(|piece| piece.data.len()).sum();
	let mut elements = vec![T::zeroed(); bytes / size_of::<T>()];
	let mut free: &mut [u8] = cast_slice_mut(&mut elements);
	for piece in pieces {
		let Some((part, rest)) = free.split_at_mut_checked(piece.data.len()) else {
			let reason = format!("`{}` ends within an element", piece.name);
			return Err(BackendError::Rejected(reason));
		};
		part.copy_from_slice(&piece.data);
		free = rest;
	}
	Ok(elements)
}

fn booleans(pieces: &[&Tensor]) -> Result<Vec<bool>, BackendError> {
	let mut elements = Vec::new();
	for piece in pieces {
		let part = try_cast_slice::<u8, bool>(&piece.data)
			.map_err(|error| BackendError::Rejected(format!("`{}`: {error}", piece.name)))?;
		elements.extend_from_slice(part);
	}
	Ok(elements)
}

/// The outputs of a run.
pub(super) fn outputs(
	signature: &Signature,
	outputs: &SessionOutputs<'_>,
) -> Result<Vec<Tensor>, BackendError> {
	signature
		.outputs
		.iter()
		.zip(outputs.values())
		.map(|(metadata, value)| match metadata.data_type {
			DataType::Bool => tensor::<bool>(metadata, &value),
			DataType::Uint8 => tensor::<u8>(metadata, &value),
			DataType::Uint16 => tensor::<u16>(metadata, &value),
			DataType::Uint32 => tensor::<u32>(metadata, &value),
			DataType::Uint64 => tensor::<u64>(metadata, &value),
			DataType::Int8 => tensor::<i8>(metadata, &value),
			DataType::Int16 => tensor::<i16>(metadata, &value),
			DataType::Int32 => tensor::<i32>(metadata, &value),
			DataType::Int64 => tensor::<i64>(metadata, &value),
			DataType::Fp16 => tensor::<f16>(metadata, &value),
			DataType::Fp32 => tensor::<f32>(metadata, &value),
			DataType::Fp64 => tensor::<f64>(metadata, &value),
		})
		.collect()
}

fn tensor<T: PrimitiveTensorElementType + NoUninit>(
	metadata: &TensorMetadata,
	value: &DynValue,
) -> Result<Tensor, BackendError> {
	let (shape, elements) = value.try_extract_tensor::<T>().map_err(failed)?;
	Ok(Tensor {
		name: metadata.name.clone(),
		data_type: metadata.data_type,
		shape: shape.iter().map(|n| n.unsigned_abs()).collect(),
		data: Bytes::copy_from_slice(bytemuck::cast_slice(elements)),
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn elements_are_read_wherever_they_lie() {
		let all = Bytes::from([&[0][..], &1.5f32.to_le_bytes(), &(-2f32).to_le_bytes()].concat());
		let piece = |from: usize, to: usize| Tensor {
			name: "x".into(),
			data_type: DataType::Fp32,
			shape: vec![((to - from) / 4) as u64],
			data: all.slice(from..to),
		};
		let [both, first, second] = [(1, 9), (1, 5), (5, 9)].map(|(from, to)| piece(from, to));
		assert_eq!(numbers::<f32>(&[&both]).unwrap(), [1.5, -2.0]);
		assert_eq!(numbers::<f32>(&[&second, &first]).unwrap(), [-2.0, 1.5]);
		let torn = numbers::<f32>(&[&first, &piece(5, 8)]).unwrap_err();
		assert_eq!(torn, BackendError::Rejected("`x` ends within an element".into()));
		assert!(booleans(&[&both]).is_err());
	}
}
