//! `primitives/vectors/privacy.json`, which the chain's and the customers' code is checked against, too.

use crate::{
	statement::{scalar_from_bytes, scalar_to_bytes},
	ElementType, TensorType,
};
use ark_bls12_381::Fr;
use serde_json::Value;

pub(crate) fn vectors() -> Value {
	let text = std::fs::read_to_string("../primitives/vectors/privacy.json").expect("the vectors");
	serde_json::from_str(&text).expect("JSON")
}

pub(crate) fn text(value: &Value) -> &str {
	value.as_str().expect("text")
}

pub(crate) fn count(value: &Value) -> usize {
	value.as_u64().expect("a number") as usize
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
	hex::decode(text(value)).expect("hexadecimal digits")
}

pub(crate) fn scalar(value: &Value) -> Fr {
	scalar_from_bytes(&bytes(value).try_into().expect("32 bytes")).expect("canonical")
}

pub(crate) fn scalars(value: &Value) -> Vec<Fr> {
	value.as_array().expect("a list").iter().map(scalar).collect()
}

/// Type and bytes of the tensor of a case.
pub(crate) fn tensor(case: &Value) -> (TensorType, Vec<u8>) {
	let element: ElementType = text(&case["dtype"]).parse().expect("an element type");
	let bytes = bytes(&case["bytes"]);
	let shape = vec![1, bytes.len() / element.bytes()];
	(TensorType { element, shape }, bytes)
}

/// Whether a scalar is that of a case.
pub(crate) fn assert_scalar(got: Fr, expected: &Value) {
	assert_eq!(hex::encode(scalar_to_bytes(got)), text(expected));
}
