//! What goes over the wire: JSON, and binary tensors after it.

use super::*;
use crate::tensor::{
	json::{self, Json},
	DataType,
};
use serde::{Deserialize, Serialize};
use serde_json::{value::RawValue, Value};

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
struct Answer<'a> {
	#[serde(borrow)]
	outputs: Vec<Output<'a>>,
}

#[derive(Deserialize)]
struct Output<'a> {
	name: String,
	datatype: String,
	shape: Vec<u64>,
	#[serde(default)]
	parameters: Parameters,
	#[serde(borrow, default)]
	data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize, Serialize)]
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

/// What a server says that it can do beyond the protocol.
#[derive(Deserialize)]
struct Server {
	#[serde(default)]
	extensions: Vec<String>,
}

/// Whether a server says that it takes and gives tensors as bytes.
pub(super) fn is_binary(metadata: &[u8]) -> bool {
	let server = serde_json::from_slice::<Server>(metadata).ok();
	server.is_some_and(|server| server.extensions.iter().any(|it| it == "binary_tensor_data"))
}

#[derive(Serialize)]
struct Request<'a> {
	inputs: Vec<Given<'a>>,
	outputs: Vec<Wanted<'a>>,
}

#[derive(Serialize)]
struct Given<'a> {
	name: &'a str,
	datatype: &'static str,
	shape: &'a [u64],
	#[serde(skip_serializing_if = "Option::is_none")]
	parameters: Option<Parameters>,
	#[serde(skip_serializing_if = "Option::is_none")]
	data: Option<Json<'a>>,
}

#[derive(Serialize)]
struct Wanted<'a> {
	name: &'a str,
	parameters: WantedParameters,
}

#[derive(Serialize)]
struct WantedParameters {
	binary_data: bool,
}

/// The body of a request, and the length of the JSON that it begins with, if bytes follow.
pub(super) fn request(
	signature: &Signature,
	requests: &[&[Tensor]],
	binary: bool,
) -> Result<(Option<usize>, Bytes), BackendError> {
	let inputs = signature.inputs.iter().enumerate();
	let inputs =
		inputs.map(|(at, input)| gather(input, requests, at)).collect::<Result<Vec<_>, _>>()?;
	// Bytes of several requests follow each other as they are; a list of JSON is one.
	let joined: Vec<_> = inputs.iter().filter(|_| !binary).map(Gathered::join).collect();
	let given = |(at, input)| {
		let Gathered { of, shape, bytes, .. }: &Gathered = input;
		Given {
			name: &of.name,
			datatype: of.data_type.name(),
			shape,
			parameters: binary.then_some(Parameters { binary_data_size: Some(*bytes) }),
			data: joined.get(at).map(Json),
		}
	};
	let request = Request {
		inputs: inputs.iter().enumerate().map(given).collect(),
		outputs: signature
			.outputs
			.iter()
			.map(|output| Wanted {
				name: &output.name,
				parameters: WantedParameters { binary_data: binary },
			})
			.collect(),
	};
	let mut body =
		serde_json::to_vec(&request).map_err(|error| BackendError::Rejected(error.to_string()))?;
	if !binary {
		return Ok((None, body.into()));
	}
	let header = body.len();
	body.reserve(inputs.iter().map(|input| input.bytes).sum());
	for piece in inputs.iter().flat_map(|input| &input.pieces) {
		body.extend_from_slice(&piece.data);
	}
	Ok((Some(header), body.into()))
}

/// An input of all requests, to be joined along the first dimension.
struct Gathered<'a> {
	of: &'a TensorMetadata,
	pieces: Vec<&'a Tensor>,
	/// Of all of them.
	shape: Vec<u64>,
	bytes: usize,
}

fn gather<'a>(
	of: &'a TensorMetadata,
	requests: &[&'a [Tensor]],
	at: usize,
) -> Result<Gathered<'a>, BackendError> {
	let pieces: Vec<_> = requests.iter().filter_map(|request| request.get(at)).collect();
	let missing = || BackendError::Rejected(format!("the input `{}` is missing", of.name));
	let mut shape = pieces.first().ok_or_else(missing)?.shape.clone();
	if let Some(rows) = shape.first_mut().filter(|_| pieces.len() > 1) {
		*rows = pieces.iter().filter_map(|piece| piece.shape.first()).sum();
	}
	let bytes = pieces.iter().map(|piece| piece.data.len()).sum();
	Ok(Gathered { of, pieces, shape, bytes })
}

impl Gathered<'_> {
	fn join(&self) -> Tensor {
		let data = self.pieces.iter().map(|piece| &piece.data[..]).collect::<Vec<_>>().concat();
		let (name, data_type) = (self.of.name.clone(), self.of.data_type);
		Tensor { name, data_type, shape: self.shape.clone(), data: data.into() }
	}
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
		let expected = data_type.bytes_of(&shape);
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
			(None, Some(data)) => json::read(data.get(), data_type, &shape)
				.map_err(|error| failed(format!("`{name}`: {error}")))?,
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
			(output(r#""datatype":"INT16","shape":[1,2],"data":[1]"#), "the data has 1"),
			(output(r#""datatype":"INT16","shape":[1,2],"data":[1,40000]"#), "40000 is no INT16"),
			(output(r#""datatype":"INT8","shape":[1,2],"data":[1,2]"#), "is of INT8, not INT16"),
			(
				output(r#""datatype":"INT16","shape":[1,2],"parameters":{"binary_data_size":4}"#),
				"ends after the body",
			),
			(
				output(r#""datatype":"INT16","shape":[18446744073709551615,2],"data":[]"#),
				"more elements than there are",
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
