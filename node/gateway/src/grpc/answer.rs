//! What is answered, as a message.

use crate::{
	call::Answer,
	proto::{self, infer_parameter::ParameterChoice, InferParameter},
};
use aimodel_inference::tensor::Tensor;
use std::collections::HashMap;

pub(super) fn response(answer: Answer, id: Option<String>) -> proto::ModelInferResponse {
	let Answer { inference, units, price, receipt, proof } = answer;
	let mut parameters = HashMap::new();
	let mut tell = |name: &str, value| {
		let parameter = InferParameter { parameter_choice: Some(value) };
		parameters.insert(name.to_owned(), parameter);
	};
	let text = ParameterChoice::StringParam;
	tell("model_hash", text(format!("0x{}", hex::encode(inference.artifact))));
	tell("version", text(inference.version.to_string()));
	tell("units", ParameterChoice::Int64Param(i64::try_from(units).unwrap_or(i64::MAX)));
	if let Some(price) = price {
		tell("price", text(price.to_string()));
	}
	if let Some(signed) = receipt {
		let [receipt, signer, signature] = signed.words();
		tell("receipt", text(receipt));
		tell("receipt_signer", text(signer));
		tell("receipt_signature", text(signature));
	}
	if let Some(proof) = proof {
		tell("proof_id", text(hex::encode(proof)));
	}
	let (outputs, raw_output_contents) = inference
		.outputs
		.into_iter()
		.map(|Tensor { name, data_type, shape, data }| {
			let output = proto::model_infer_response::InferOutputTensor {
				name: name.to_string(),
				datatype: data_type.name().into(),
				shape: shape.into_iter().map(|it| i64::try_from(it).unwrap_or(i64::MAX)).collect(),
				..Default::default()
			};
			(output, data)
		})
		.unzip();
	proto::ModelInferResponse {
		model_name: inference.model.to_string(),
		model_version: inference.version.to_string(),
		id: id.unwrap_or_default(),
		parameters,
		outputs,
		raw_output_contents,
	}
}
