//! What a message asks for.

use super::given;
use crate::{
	call::{Asked, Options, Wanted},
	error::Error,
	proto::{self, infer_parameter::ParameterChoice, InferParameter, InferTensorContents},
	rest::data_type,
};
use aimodel_inference::tensor::{DataType, Tensor};
use bytes::Bytes;
use std::{collections::HashMap, time::Duration};

/// Raw tensors stay slices of the message.
pub(super) fn asked(message: proto::ModelInferRequest) -> Result<Asked, Error> {
	let proto::ModelInferRequest { id, parameters, inputs, outputs, raw_input_contents, .. } =
		message;
	if !raw_input_contents.is_empty() && raw_input_contents.len() != inputs.len() {
		return Err(Error::Malformed(format!(
			"there are {} inputs and {} raw_input_contents; there is one for each, or none",
			inputs.len(),
			raw_input_contents.len()
		)));
	}
	let mut raw = raw_input_contents.into_iter();
	let inputs = inputs
		.into_iter()
		.map(|input| {
			let name = input.name.clone();
			tensor(input, raw.next())
				.map_err(|what| Error::Malformed(format!("input `{name}`: {what}")))
		})
		.collect::<Result<_, _>>()?;
	let outputs = outputs.into_iter().map(|output| {
		match output
			.parameters
			.keys()
			.find(|name| name.starts_with("shared_memory") || *name == "classification")
		{
			None => Ok(Wanted { name: output.name, binary: true }),
			Some(parameter) => Err(Error::Malformed(format!(
				"output `{}`: the parameter `{parameter}` is not served",
				output.name
			))),
		}
	});
	let outputs = outputs.collect::<Result<_, _>>()?;
	let options = options(&parameters)?;
	Ok(Asked { id: given(&id).map(Into::into), inputs, outputs, binary: true, options })
}

fn options(parameters: &HashMap<String, InferParameter>) -> Result<Options, Error> {
	let get = |name: &str| parameters.get(name).and_then(|it| it.parameter_choice.as_ref());
	let wrong =
		|name: &str, kind: &str| Error::Malformed(format!("the parameter `{name}` must be {kind}"));
	let integer = |name: &str| match get(name) {
		None => Ok(None),
		Some(ParameterChoice::Uint64Param(value)) => Ok(Some(*value)),
		Some(ParameterChoice::Int64Param(value)) if *value >= 0 => Ok(Some(value.unsigned_abs())),
		Some(ParameterChoice::StringParam(text)) => match text.parse() {
			Ok(value) => Ok(Some(value)),
			Err(_) => Err(wrong(name, "an integer that is not negative")),
		},
		Some(_) => Err(wrong(name, "an integer that is not negative")),
	};
	let text = |name: &str| match get(name) {
		None => Ok(None),
		Some(ParameterChoice::StringParam(text)) => Ok(Some(text.as_str())),
		Some(_) => Err(wrong(name, "a string")),
	};
	let receipt = match get("receipt") {
		None => false,
		Some(ParameterChoice::BoolParam(receipt)) => *receipt,
		Some(_) => return Err(wrong("receipt", "a boolean")),
	};
	match get("sequence_id") {
		None | Some(ParameterChoice::Int64Param(0) | ParameterChoice::Uint64Param(0)) => (),
		Some(ParameterChoice::StringParam(text)) if text.is_empty() => (),
		Some(_) => {
			return Err(Error::Malformed("there are no sequences: models have no state".into()))
		},
	}
	Options::new(
		integer("timeout")?.map(Duration::from_micros),
		receipt,
		text("nonce")?,
		text("proof")?,
		integer("request_id")?,
		None,
	)
}

fn tensor(
	input: proto::model_infer_request::InferInputTensor,
	raw: Option<Bytes>,
) -> Result<Tensor, String> {
	let proto::model_infer_request::InferInputTensor {
		name,
		datatype,
		shape,
		parameters,
		contents,
	} = input;
	if let Some(parameter) = parameters.keys().find(|name| name.starts_with("shared_memory")) {
		return Err(format!("the parameter `{parameter}` is not served; send it in the message"));
	}
	let data_type = data_type(&datatype)?;
	let shape = shape
		.iter()
		.map(|length| u64::try_from(*length))
		.collect::<Result<Vec<_>, _>>()
		.map_err(|_| format!("the shape {shape:?} has a negative length"))?;
	let expected = data_type.bytes_of(&shape);
	let data = match (raw, contents) {
		(Some(raw), None) => raw,
		(None, Some(contents)) => typed(contents, data_type)?,
		(Some(_), Some(_)) => return Err("it has contents and raw contents; one is meant".into()),
		(None, None) => return Err("it has neither contents nor raw contents".into()),
	};
	let found = data.len() as u64;
	if expected != Some(found) {
		let expected = expected.map_or("more than there is".into(), |it| format!("{it} bytes"));
		return Err(format!(
			"{data_type} of shape {shape:?} takes {expected}; the contents have {found}"
		));
	}
	Ok(Tensor { name: name.into(), data_type, shape, data })
}

/// The contents of a type as bytes.
fn typed(contents: InferTensorContents, data_type: DataType) -> Result<Bytes, String> {
	macro_rules! narrow {
		($values:expr, $type:ty) => {
			$values
				.into_iter()
				.map(|value| {
					<$type>::try_from(value)
						.map(<$type>::to_le_bytes)
						.map_err(|_| format!("{value} is no {data_type}"))
				})
				.collect::<Result<Vec<_>, _>>()?
				.concat()
		};
	}
	macro_rules! whole {
		($values:expr) => {
			$values.into_iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()
		};
	}
	let InferTensorContents {
		bool_contents,
		int_contents,
		int64_contents,
		uint_contents,
		uint64_contents,
		fp32_contents,
		fp64_contents,
		..
	} = contents;
	let bytes = match data_type {
		DataType::Bool => bool_contents.into_iter().map(u8::from).collect(),
		DataType::Int8 => narrow!(int_contents, i8),
		DataType::Int16 => narrow!(int_contents, i16),
		DataType::Int32 => whole!(int_contents),
		DataType::Int64 => whole!(int64_contents),
		DataType::Uint8 => narrow!(uint_contents, u8),
		DataType::Uint16 => narrow!(uint_contents, u16),
		DataType::Uint32 => whole!(uint_contents),
		DataType::Uint64 => whole!(uint64_contents),
		DataType::Fp32 => whole!(fp32_contents),
		DataType::Fp64 => whole!(fp64_contents),
		DataType::Fp16 => return Err("FP16 has no contents; send it in raw_input_contents".into()),
	};
	Ok(bytes.into())
}
