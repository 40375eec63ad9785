//! Packing of tensors into scalars, against the vectors that the chain checks too.

use zkonnx::{
	statement::{self, StatementError},
	ElementType,
};

#[test]
fn packing_agrees_with_the_shared_vectors() {
	let text = std::fs::read_to_string("../primitives/vectors/statement.json")
		.expect("the vectors of primitives");
	let vectors: serde_json::Value = serde_json::from_str(&text).expect("JSON");
	let packing = vectors["packing"].as_array().expect("a list");
	let mut checked = 0;
	for vector in packing {
		let Ok(element) = vector["dtype"].as_str().expect("a name").parse::<ElementType>() else {
			continue;
		};
		let bytes = hex::decode(vector["bytes"].as_str().expect("hex")).expect("hex");
		let scalars: Vec<String> = statement::pack(element, &bytes)
			.expect("whole elements")
			.into_iter()
			.map(|scalar| hex::encode(statement::scalar_to_bytes(scalar)))
			.collect();
		assert_eq!(serde_json::json!(scalars), vector["scalars"], "{vector}");
		checked += 1;
	}
	assert!(checked > 0);
}

#[test]
fn a_partial_element_is_refused() {
	assert_eq!(
		statement::pack(ElementType::I32, &[0; 7]),
		Err(StatementError::PartialElement { element: ElementType::I32, bytes: 7 })
	);
}

#[test]
fn a_tensor_of_another_length_is_refused() {
	let kind = zkonnx::TensorType { element: ElementType::U8, shape: vec![1, 3] };
	// Zero padding would hide a missing zero.
	let result =
		statement::public_inputs(Default::default(), (&kind, &[1, 0]), (&kind, &[1, 2, 3]));
	assert_eq!(result, Err(StatementError::Length { tensor: "input", expected: 3, got: 2 }));
}

#[test]
fn a_scalar_that_is_not_reduced_is_refused() {
	assert_eq!(statement::scalar_from_bytes(&[0xff; 32]), Err(StatementError::Scalar));
	let one = statement::scalar_from_bytes(&std::array::from_fn(|i| u8::from(i == 0)));
	assert_eq!(one, Ok(1u64.into()));
}

#[test]
fn names_of_element_types_are_read_back() {
	for element in ElementType::ALL {
		assert_eq!(element.to_string().parse(), Ok(element));
	}
	assert!("f32".parse::<ElementType>().is_err());
}
