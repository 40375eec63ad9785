//! The request of an inference: JSON, and binary tensors after it.

use crate::{
	call::{Asked, Options, Wanted},
	error::Error,
};
use aimodel_inference::{
	serving::ModelMetadata,
	tensor::{json, DataType, Tensor},
};
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::{borrow::Cow, time::Duration};

#[derive(Deserialize)]
struct Request<'a> {
	id: Option<String>,
	#[serde(default)]
	parameters: Parameters,
	#[serde(borrow)]
	inputs: Vec<Input<'a>>,
	#[serde(default)]
	outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Input<'a> {
	name: String,
	#[serde(borrow)]
	datatype: Cow<'a, str>,
	shape: Vec<u64>,
	#[serde(default)]
	parameters: InputParameters,
	#[serde(borrow)]
	data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct InputParameters {
	binary_data_size: Option<u64>,
	shared_memory_region: Option<String>,
}

#[derive(Deserialize)]
struct Output {
	name: String,
	#[serde(default)]
	parameters: OutputParameters,
}

#[derive(Default, Deserialize)]
struct OutputParameters {
	binary_data: Option<bool>,
	#[serde(default)]
	classification: u64,
	shared_memory_region: Option<String>,
}

/// What a request may say besides its tensors; others are left to other servers.
#[derive(Default, Deserialize)]
struct Parameters {
	#[serde(default)]
	binary_data_output: bool,
	/// Microseconds.
	timeout: Option<u64>,
	#[serde(default)]
	receipt: bool,
	nonce: Option<String>,
	proof: Option<String>,
	#[serde(default, deserialize_with = "integer")]
	request_id: Option<u64>,
	sequence_id: Option<Box<RawValue>>,
	chunk_rows: Option<u64>,
}

/// An integer, or a string of one: not every customer has integers of 64 bits.
fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
	// Not as a value: one that is long would take many times its length.
	let Some(raw) = Option::<Box<RawValue>>::deserialize(deserializer)? else { return Ok(None) };
	let text = raw.get();
	let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
	digits.parse().map(Some).map_err(|_| {
		let shown: String = digits.chars().take(32).collect();
		serde::de::Error::custom(format_args!("`{shown}` is no integer of 64 bits"))
	})
}

impl Parameters {
	fn options(self) -> Result<Options, Error> {
		match self.sequence_id.as_deref().map(RawValue::get) {
			None | Some("0") => (),
			_ => {
				return Err(Error::Malformed("there are no sequences: models have no state".into()))
			},
		}
		Options::new(
			self.timeout.map(Duration::from_micros),
			self.receipt,
			self.nonce.as_deref(),
			self.proof.as_deref(),
			self.request_id,
			self.chunk_rows,
		)
	}
}

/// Reads a body: JSON of `header` bytes (all of it if `None`), then the binary tensors in the order of the inputs.
/// They stay slices of the body.
pub(crate) fn read(body: &Bytes, header: Option<usize>) -> Result<Asked, Error> {
	let header = header.unwrap_or(body.len());
	let json = body.get(..header).ok_or_else(|| {
		Error::Malformed(format!(
			"Inference-Header-Content-Length is {header}; the body has {} bytes",
			body.len()
		))
	})?;
	let Request { id, parameters, inputs, outputs } =
		serde_json::from_slice(json).map_err(|error| {
			Error::Malformed(format!("the request is none of an inference: {error}"))
		})?;
	let mut rest = body.slice(header..);
	let inputs =
		inputs.into_iter().map(|input| input.read(&mut rest)).collect::<Result<Vec<_>, _>>()?;
	if !rest.is_empty() {
		return Err(Error::Malformed(format!(
			"{} bytes follow the last binary tensor: the binary_data_size of the inputs and the length of the body must \
			 agree",
			rest.len()
		)));
	}
	let binary = parameters.binary_data_output;
	let outputs = outputs
		.into_iter()
		.map(|Output { name, parameters }| {
			if parameters.classification != 0 {
				return Err(Error::Malformed(format!(
					"output `{name}`: classification is not served; take the largest of the scores"
				)));
			}
			no_shared_memory(&name, &parameters.shared_memory_region)?;
			Ok(Wanted { name, binary: parameters.binary_data.unwrap_or(binary) })
		})
		.collect::<Result<_, _>>()?;
	Ok(Asked { id, inputs, outputs, binary, options: parameters.options()? })
}

fn no_shared_memory(name: &str, region: &Option<String>) -> Result<(), Error> {
	match region {
		None => Ok(()),
		Some(_) => Err(Error::Malformed(format!(
			"tensor `{name}`: there is no shared memory here; send it in the body"
		))),
	}
}

/// Reads a body that is the only input of a model and nothing else.
pub(crate) fn read_raw(body: &Bytes, model: &ModelMetadata) -> Result<Asked, Error> {
	let [input] = &model.inputs[..] else {
		return Err(Error::Malformed(format!(
			"a body without JSON is for models with one input; `{}` has {}",
			model.name,
			model.inputs.len()
		)));
	};
	let known = input.shape.iter().filter_map(|length| u64::try_from(*length).ok());
	let row = known.fold(input.data_type.bytes() as u64, u64::saturating_mul);
	let open = input.shape.iter().filter(|length| **length < 0).count();
	let bytes = body.len() as u64;
	let rows = match (open, bytes.checked_rem(row)) {
		(0, _) if bytes == row => 1,
		(1, Some(0)) => bytes / row,
		(0 | 1, _) => {
			return Err(Error::Malformed(format!(
				"the body has {bytes} bytes; the input `{}` is of type {} and shape {:?}, which is {} of {row} bytes",
				input.name,
				input.data_type,
				input.shape,
				if open == 0 { "one" } else { "a multiple" },
			)))
		},
		_ => {
			return Err(Error::Malformed(format!(
				"the shape {:?} of the input `{}` can not be told from a length; send JSON before it",
				input.shape, input.name
			)))
		},
	};
	let shape = input.shape.iter().map(|length| u64::try_from(*length).unwrap_or(rows)).collect();
	let data = body.clone();
	let tensor = Tensor { name: input.name.clone(), data_type: input.data_type, shape, data };
	Ok(Asked {
		id: None,
		inputs: vec![tensor],
		outputs: Vec::new(),
		binary: true,
		options: Options::default(),
	})
}

impl Input<'_> {
	fn read(self, rest: &mut Bytes) -> Result<Tensor, Error> {
		let Self { name, datatype, shape, parameters, data } = self;
		let wrong = |what: String| Error::Malformed(format!("input `{name}`: {what}"));
		no_shared_memory(&name, &parameters.shared_memory_region)?;
		let data_type = data_type(&datatype).map_err(wrong)?;
		let data = match (data, parameters.binary_data_size) {
			(Some(json), None) => json::read(json.get(), data_type, &shape).map_err(wrong)?,
			(None, Some(size)) => {
				let expected = data_type.bytes_of(&shape);
				if expected != Some(size) {
					return Err(wrong(format!(
						"binary_data_size is {size}; {data_type} of shape {shape:?} takes {}",
						expected
							.map_or("more than there is".into(), |bytes| format!("{bytes} bytes"))
					)));
				}
				match usize::try_from(size) {
					Ok(size) if size <= rest.len() => rest.split_to(size),
					_ => {
						return Err(wrong(format!(
							"binary_data_size is {size}; {} bytes are left of the body",
							rest.len()
						)))
					},
				}
			},
			(Some(_), Some(_)) => {
				return Err(wrong("it has `data` and `binary_data_size`; one is meant".into()))
			},
			(None, None) => {
				return Err(wrong(
					"it has neither `data` nor a parameter `binary_data_size`".into(),
				))
			},
		};
		Ok(Tensor { name: name.into(), data_type, shape, data })
	}
}

/// The type of that name.
pub(crate) fn data_type(name: &str) -> Result<DataType, String> {
	DataType::of_name(name).ok_or_else(|| {
		let known: Vec<_> = DataType::ALL.into_iter().map(DataType::name).collect();
		format!("there is no type `{name}` here; there are {}", known.join(", "))
	})
}

#[cfg(test)]
mod tests;
