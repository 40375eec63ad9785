//! What goes over the wire: JSON, and binary tensors after it.

use super::*;
use crate::{backend::bytes_of, tensor::DataType};
use serde::Deserialize;
use serde_json::{json, Value};

pub(super) use crate::serving::error_chain as chain;

#[derive(Deserialize)]
struct Described {
	inputs: Vec<Outlet>,
	outputs: Vec<Outlet>,
}

#[derive(Deserialize)]
struct Outlet {
	name: String,
	datatype: String,
	shape: Vec<i64>,
}

#[derive(Deserialize)]
struct Answer {
	outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
	name: String,
	datatype: String,
	shape: Vec<u64>,
	#[serde(default)]
	parameters: Parameters,
	#[serde(default)]
	data: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Parameters {
	#[serde(default)]
	binary_data_size: Option<usize>,
}

/// What the model says of itself.
pub(super) fn signature(metadata: &[u8]) -> Result<Signature, BackendError> {
	let described: Described = serde_json::from_slice(metadata).map_err(|error| {
		BackendError::NotAModel(format!("its metadata can not be read: {error}"))
	})?;
	let outlet = |outlet: Outlet| {
		let Outlet { name, datatype, shape } = outlet;
		match DataType::of_name(&datatype) {
			Some(data_type) => Ok(TensorMetadata { name: name.into(), data_type, shape }),
			None => Err(BackendError::NotAModel(format!(
				"`{name}` is a tensor of {datatype}, which is not served"
			))),
		}
	};
	let all = |outlets: Vec<Outlet>| outlets.into_iter().map(outlet).collect::<Result<Vec<_>, _>>();
	let (inputs, outputs) = (all(described.inputs)?, all(described.outputs)?);
	let batches = inputs.iter().chain(&outputs).all(|it| it.shape.first() == Some(&-1));
	Ok(Signature { inputs, outputs, batches })
}

/// The body of a request, and the length of the JSON that it begins with.
pub(super) fn request(
	signature: &Signature,
	requests: &[&[Tensor]],
) -> Result<(usize, Bytes), BackendError> {
	let mut inputs = Vec::with_capacity(signature.inputs.len());
	let mut size = 0usize;
	for (at, metadata) in signature.inputs.iter().enumerate() {
		let pieces: Vec<_> = requests.iter().filter_map(|request| request.get(at)).collect();
		let Some(first) = pieces.first() else {
			return Err(BackendError::Rejected(format!(
				"the input `{}` is missing",
				metadata.name
			)));
		};
		let mut shape = first.shape.clone();
		if pieces.len() > 1 {
			if let Some(rows) = shape.first_mut() {
				*rows = pieces.iter().filter_map(|piece| piece.shape.first()).sum();
			}
		}
		let bytes: usize = pieces.iter().map(|piece| piece.data.len()).sum();
		size = size.saturating_add(bytes);
		inputs.push(json!({
			"name": &*metadata.name,
			"datatype": metadata.data_type.name(),
			"shape": shape,
			"parameters": { "binary_data_size": bytes },
		}));
	}
	let outputs: Vec<_> = signature
		.outputs
		.iter()
		.map(|output| json!({ "name": &*output.name, "parameters": { "binary_data": true } }))
		.collect();
	let header = json!({ "inputs": inputs, "outputs": outputs }).to_string();
	let mut body = BytesMut::with_capacity(header.len().saturating_add(size));
	body.extend_from_slice(header.as_bytes());
	for at in 0..signature.inputs.len() {
		for piece in requests.iter().filter_map(|request| request.get(at)) {
			body.extend_from_slice(&piece.data);
		}
	}
	Ok((header.len(), body.freeze()))
}

/// The outputs of an answer, in the signature's order. Nothing of it is trusted.
pub(super) fn response(
	signature: &Signature,
	header: Option<usize>,
	body: &Bytes,
) -> Result<Vec<Tensor>, BackendError> {
	let failed = |text: String| BackendError::Failed(format!("the answer is wrong: {text}"));
	let header = header.unwrap_or(body.len());
	let json = body.get(..header).ok_or_else(|| failed("it is shorter than it says".into()))?;
	let answer: Answer = serde_json::from_slice(json).map_err(|error| failed(error.to_string()))?;
	let mut at = header;
	let mut found = Vec::with_capacity(answer.outputs.len());
	for output in answer.outputs {
		let Output { name, datatype, shape, parameters, data } = output;
		let data_type = DataType::of_name(&datatype)
			.ok_or_else(|| failed(format!("`{name}` is of the type {datatype}")))?;
		let expected = bytes_of(data_type, &shape);
		let data = match (parameters.binary_data_size, data) {
			(Some(size), _) => {
				let end = at.saturating_add(size);
				if end > body.len() {
					return Err(failed(format!("`{name}` ends after the body")));
				}
				let data = body.slice(at..end);
				at = end;
				data
			},
			(None, Some(data)) => {
				// Bounded by the body that it was read from.
				let mut bytes = Vec::new();
				flatten(data_type, &data, &mut bytes)
					.map_err(|it| failed(format!("`{name}`: {it}")))?;
				bytes.into()
			},
			(None, None) => return Err(failed(format!("`{name}` has no data"))),
		};
		if expected != Some(data.len() as u64) {
			return Err(failed(format!("`{name}` has {} bytes for {shape:?}", data.len())));
		}
		found.push(Tensor { name: name.into(), data_type, shape, data });
	}
	let take = |metadata: &TensorMetadata| {
		let output = found.iter().find(|output| output.name == metadata.name);
		let output = output.ok_or_else(|| failed(format!("`{}` is missing", metadata.name)))?;
		match output.data_type == metadata.data_type {
			true => Ok(output.clone()),
			false => Err(failed(format!(
				"`{}` is of {}, not {}",
				output.name, output.data_type, metadata.data_type
			))),
		}
	};
	signature.outputs.iter().map(take).collect()
}

/// Numbers of JSON, nested or not, as the bytes of a tensor.
fn flatten(data_type: DataType, value: &Value, bytes: &mut Vec<u8>) -> Result<(), String> {
	if let Value::Array(values) = value {
		return values.iter().try_for_each(|value| flatten(data_type, value, bytes));
	}
	let wrong = || format!("{value} is not of {data_type}");
	let unsigned = || value.as_u64().ok_or_else(wrong);
	let signed = || value.as_i64().ok_or_else(wrong);
	let float = || value.as_f64().ok_or_else(wrong);
	macro_rules! put {
		($number:expr, $kind:ty) => {
			bytes.extend(<$kind>::try_from($number).map_err(|_| wrong())?.to_le_bytes())
		};
	}
	match data_type {
		DataType::Bool => match value {
			Value::Bool(set) => bytes.push((*set).into()),
			_ => bytes.push(u8::try_from(unsigned()?).ok().filter(|n| *n < 2).ok_or_else(wrong)?),
		},
		DataType::Uint8 => put!(unsigned()?, u8),
		DataType::Uint16 => put!(unsigned()?, u16),
		DataType::Uint32 => put!(unsigned()?, u32),
		DataType::Uint64 => put!(unsigned()?, u64),
		DataType::Int8 => put!(signed()?, i8),
		DataType::Int16 => put!(signed()?, i16),
		DataType::Int32 => put!(signed()?, i32),
		DataType::Int64 => put!(signed()?, i64),
		DataType::Fp16 => bytes.extend(half::f16::from_f64(float()?).to_le_bytes()),
		DataType::Fp32 => bytes.extend((float()? as f32).to_le_bytes()),
		DataType::Fp64 => bytes.extend(float()?.to_le_bytes()),
	}
	Ok(())
}

/// What an answer with an error says: `{"error": "…"}`, or its first bytes.
pub(super) fn error(body: &[u8]) -> String {
	let said = serde_json::from_slice::<Value>(body).ok();
	match said.as_ref().and_then(|said| said.get("error")?.as_str()) {
		Some(error) => error.chars().take(300).collect(),
		None => String::from_utf8_lossy(body).chars().take(300).collect(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn one_output() -> Signature {
		let shape = vec![-1, 2];
		let output = TensorMetadata { name: "y".into(), data_type: DataType::Int16, shape };
		Signature { inputs: Vec::new(), outputs: vec![output], batches: true }
	}

	fn answer(json: &str, binary: &[u8]) -> Result<Vec<Tensor>, BackendError> {
		let body = Bytes::from([json.as_bytes(), binary].concat());
		response(&one_output(), Some(json.len()), &body)
	}

	#[test]
	fn binary_and_json_tensors_are_the_same() {
		let binary = r#"{"outputs":[{"name":"y","datatype":"INT16","shape":[1,2],"parameters":{"binary_data_size":4}}]}"#;
		let json = r#"{"outputs":[{"name":"y","datatype":"INT16","shape":[1,2],"data":[[1,-1]]}]}"#;
		let expected = answer(binary, &[1, 0, 255, 255]).unwrap();
		assert_eq!(expected[0].data[..], [1, 0, 255, 255]);
		assert_eq!(answer(json, &[]).unwrap(), expected);
	}

	#[test]
	fn an_answer_that_is_wrong_is_a_failure_that_says_why() {
		let output = |fields: &str| format!(r#"{{"outputs":[{{"name":"y",{fields}}}]}}"#);
		for (json, expected) in [
			("{}".into(), "missing field `outputs`"),
			(r#"{"outputs":[]}"#.into(), "`y` is missing"),
			(output(r#""datatype":"BYTES","shape":[1],"data":["a"]"#), "of the type BYTES"),
			(output(r#""datatype":"INT16","shape":[1,2]"#), "`y` has no data"),
			(output(r#""datatype":"INT16","shape":[1,2],"data":[1]"#), "has 2 bytes for [1, 2]"),
			(
				output(r#""datatype":"INT16","shape":[1,2],"data":[1,40000]"#),
				"40000 is not of INT16",
			),
			(output(r#""datatype":"INT8","shape":[1,2],"data":[1,2]"#), "is of INT8, not INT16"),
			(
				output(r#""datatype":"INT16","shape":[1,2],"parameters":{"binary_data_size":4}"#),
				"ends after the body",
			),
			(
				output(r#""datatype":"INT16","shape":[18446744073709551615,2],"data":[]"#),
				"has 0 bytes",
			),
		] {
			match answer(&json, &[]) {
				Err(BackendError::Failed(text)) => assert!(text.contains(expected), "{text}"),
				other => panic!("{other:?}"),
			}
		}
		assert!(response(&one_output(), Some(3), &Bytes::from_static(b"{}")).is_err());
	}

	#[test]
	fn a_model_with_types_that_are_not_served_is_refused() {
		let metadata = br#"{"inputs":[{"name":"x","datatype":"BYTES","shape":[1]}],"outputs":[]}"#;
		let error = signature(metadata).unwrap_err().to_string();
		assert!(error.contains("`x` is a tensor of BYTES"), "{error}");
	}
}
