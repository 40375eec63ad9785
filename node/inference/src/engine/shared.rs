//! Jobs of the chain on ONNX Runtime: one input, one output, and what the chain says of them.

use super::{
	declared::{check, check_output, Declared},
	describe, element_name, Engine, EngineError, Model,
};
use crate::{
	backend::{self, onnxruntime::OnnxRuntime, BackendError},
	blobs,
	serving::TensorMetadata,
	tensor::{DataType, Tensor},
};
use aimodel_primitives::tensor::{Dimension, ElementType, Interface};
use bytes::Bytes;
use std::sync::Arc;

impl Engine for OnnxRuntime {
	fn load(&self, artifact: &[u8], interface: &Interface) -> Result<Arc<dyn Model>, EngineError> {
		interface.validate().map_err(EngineError::Interface)?;
		let model = self.share(blobs::hash(artifact), &Bytes::copy_from_slice(artifact))?;
		let signature = model.signature();
		let declared = |tensors: &[TensorMetadata]| tensors.iter().map(declare).collect::<Vec<_>>();
		check(&declared(&signature.inputs), &declared(&signature.outputs), interface)?;
		Ok(Arc::new(Checked { model, interface: interface.clone() }))
	}
}

/// A model that takes and gives what the chain says.
struct Checked {
	model: Arc<dyn backend::Model>,
	interface: Interface,
}

impl Model for Checked {
	fn infer(&self, input: &[u8], rows: u32) -> Result<Vec<u8>, EngineError> {
		let tensor = &self.interface.input;
		let max = tensor.batch().unwrap_or(1);
		if rows == 0 || rows > max {
			return Err(EngineError::Rows { rows, max });
		}
		let found = input.len() as u64;
		let expected = tensor.elements(rows).max.saturating_mul(u64::from(tensor.element.bytes()));
		if found != expected {
			let tensor = describe(tensor);
			return Err(EngineError::InputLength { expected, found, rows, tensor });
		}
		let input = Tensor {
			name: self.model.signature().inputs[0].name.clone(),
			data_type: data_type(tensor.element),
			shape: tensor
				.shape
				.iter()
				.map(|dimension| match dimension {
					Dimension::Fixed(n) => u64::from(*n),
					Dimension::Batch { .. } | Dimension::Dynamic { .. } => u64::from(rows),
				})
				.collect(),
			data: Bytes::copy_from_slice(input),
		};
		let outputs = self.model.infer(&[input])?;
		let output = outputs
			.into_iter()
			.next()
			.ok_or_else(|| EngineError::Runtime("the model gave no output".into()))?;
		let expected = &self.interface.output;
		check_output(expected, rows, &output.shape)?;
		let bytes = output.data.len() as u64;
		let fits = output.data_type == data_type(expected.element)
			&& self.interface.output_elements(rows, bytes).is_ok();
		match fits {
			true => Ok(output.data.into()),
			false => Err(EngineError::OutputShape {
				expected: describe(expected),
				found: format!("{bytes} bytes of {}", output.data_type),
				rows,
			}),
		}
	}
}

impl From<BackendError> for EngineError {
	fn from(error: BackendError) -> Self {
		match error {
			BackendError::NotAModel(reason) => Self::NotAModel { reason },
			other => Self::Runtime(other.to_string()),
		}
	}
}

const fn data_type(element: ElementType) -> DataType {
	match element {
		ElementType::U8 => DataType::Uint8,
		ElementType::I8 => DataType::Int8,
		ElementType::I32 => DataType::Int32,
		ElementType::I64 => DataType::Int64,
		ElementType::F32 => DataType::Fp32,
	}
}

fn declare(tensor: &TensorMetadata) -> Declared {
	const ELEMENTS: [ElementType; 5] =
		[ElementType::U8, ElementType::I8, ElementType::I32, ElementType::I64, ElementType::F32];
	let element = ELEMENTS.into_iter().find(|element| data_type(*element) == tensor.data_type);
	let type_name = match (element, tensor.data_type) {
		(Some(element), _) => element_name(element),
		(None, DataType::Bool) => "bool",
		(None, DataType::Uint16) => "u16",
		(None, DataType::Uint32) => "u32",
		(None, DataType::Uint64) => "u64",
		(None, DataType::Int16) => "i16",
		(None, DataType::Fp16) => "f16",
		(None, DataType::Fp64) => "f64",
		(None, other) => other.name(),
	};
	Declared {
		name: tensor.name.to_string(),
		element,
		type_name: type_name.into(),
		shape: tensor.shape.iter().map(|n| u64::try_from(*n).ok()).collect(),
	}
}
