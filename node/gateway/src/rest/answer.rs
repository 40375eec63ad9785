//! The answer of an inference: JSON, and binary tensors after it.

use crate::{
	body::Body,
	call::{Answer, Wanted},
	error::Error,
};
use aimodel_inference::{
	serving::Inference,
	tensor::{json::Json, Tensor},
};
use bytes::Bytes;
use http::{
	header::{HeaderName, CONTENT_TYPE},
	HeaderValue, Response,
};
use serde::Serialize;

/// How long the JSON before binary tensors is.
pub(crate) const HEADER_LENGTH: HeaderName =
	HeaderName::from_static("inference-header-content-length");

/// Answers up to this long are copied into one buffer; in longer ones each tensor is written from where it is.
const COPIED: usize = 16 << 10;

#[derive(Serialize)]
struct Head<'a> {
	model_name: &'a str,
	model_version: &'a str,
	#[serde(skip_serializing_if = "Option::is_none")]
	id: Option<&'a str>,
	parameters: Parameters<'a>,
	outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct Parameters<'a> {
	model_hash: &'a str,
	version: &'a str,
	units: u64,
	#[serde(skip_serializing_if = "Option::is_none")]
	price: Option<String>,
	#[serde(skip_serializing_if = "Option::is_none")]
	receipt: Option<String>,
	#[serde(skip_serializing_if = "Option::is_none")]
	receipt_signer: Option<String>,
	#[serde(skip_serializing_if = "Option::is_none")]
	receipt_signature: Option<String>,
	#[serde(skip_serializing_if = "Option::is_none")]
	proof_id: Option<String>,
}

#[derive(Serialize)]
struct Output<'a> {
	name: &'a str,
	datatype: &'static str,
	shape: &'a [u64],
	#[serde(skip_serializing_if = "Option::is_none")]
	parameters: Option<OutputParameters>,
	#[serde(skip_serializing_if = "Option::is_none")]
	data: Option<Json<'a>>,
}

#[derive(Serialize)]
struct OutputParameters {
	binary_data_size: usize,
}

/// The JSON of an answer, and the tensors that follow it.
pub(crate) fn write<'a>(
	answer: &'a Answer,
	id: Option<&'a str>,
	wanted: &[Wanted],
	binary: bool,
) -> Result<(Vec<u8>, Vec<&'a Tensor>), Error> {
	let Answer { inference, units, price, receipt, proof } = answer;
	let Inference { model, version, artifact, outputs, .. } = inference;
	let mut after = Vec::new();
	let outputs = outputs
		.iter()
		.enumerate()
		.map(|(at, tensor)| {
			let is_binary = wanted.get(at).map_or(binary, |wanted| wanted.binary);
			let parameters =
				is_binary.then(|| OutputParameters { binary_data_size: tensor.data.len() });
			if is_binary {
				after.push(tensor);
			}
			Output {
				name: &tensor.name,
				datatype: tensor.data_type.name(),
				shape: &tensor.shape,
				parameters,
				data: (!is_binary).then_some(Json(tensor)),
			}
		})
		.collect();
	let mut hash = *b"0x0000000000000000000000000000000000000000000000000000000000000000";
	hex::encode_to_slice(artifact, &mut hash[2..])
		.map_err(|error| Error::Internal(error.to_string()))?;
	let model_hash = std::str::from_utf8(&hash).map_err(|e| Error::Internal(e.to_string()))?;
	let (receipt, receipt_signer, receipt_signature) = match receipt.as_ref() {
		None => (None, None, None),
		Some(signed) => {
			let [receipt, signer, signature] = signed.words();
			(Some(receipt), Some(signer), Some(signature))
		},
	};
	let head = Head {
		model_name: model,
		model_version: version,
		id,
		parameters: Parameters {
			model_hash,
			version,
			units: *units,
			price: price.map(|price| price.to_string()),
			receipt,
			receipt_signer,
			receipt_signature,
			proof_id: proof.map(hex::encode),
		},
		outputs,
	};
	let capacity = after.iter().map(|tensor| tensor.data.len()).sum::<usize>().min(COPIED);
	let mut json = Vec::with_capacity(512 + capacity);
	// Only an output that JSON can not tell makes this fail.
	serde_json::to_writer(&mut json, &head).map_err(|error| Error::Malformed(error.to_string()))?;
	Ok((json, after))
}

/// An answer as a response.
pub(crate) fn response(
	answer: &Answer,
	id: Option<&str>,
	wanted: &[Wanted],
	binary: bool,
) -> Result<Response<Body>, Error> {
	let (mut head, after) = write(answer, id, wanted, binary)?;
	let length = head.len();
	let total = after.iter().map(|tensor| tensor.data.len()).sum::<usize>();
	let with_binary = !after.is_empty();
	let body = if total <= COPIED {
		after.iter().for_each(|tensor| head.extend_from_slice(&tensor.data));
		Body::whole(head)
	} else {
		let parts = after.into_iter().map(|tensor| tensor.data.clone());
		Body::parts(std::iter::once(Bytes::from(head)).chain(parts).collect())
	};
	let mut response = Response::new(body);
	let headers = response.headers_mut();
	if with_binary {
		headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
		headers.insert(HEADER_LENGTH, HeaderValue::from(length));
	} else {
		headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
	}
	Ok(response)
}
