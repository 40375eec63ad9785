//! Packing of tensors into scalars, against the vectors that the chain checks too.

use ark_ff::{AdditiveGroup, Field};
use zkonnx::{
	statement::{self, InputPart, Request, StatementError},
	ElementType, Fr, Privacy, TensorType,
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
	let kind = three();
	// Zero padding would hide a missing zero.
	let result = statement::public_inputs(
		Fr::from(0u64),
		None,
		Privacy::PUBLIC,
		(&kind, &[1u8, 0][..]),
		(&kind, &[1, 2, 3]),
	);
	assert_eq!(result, Err(StatementError::Length { tensor: "input", expected: 3, got: 2 }));
}

fn three() -> TensorType {
	TensorType { element: ElementType::U8, shape: vec![1, 3] }
}

const REQUEST: Request = Request { commitment: Fr::ONE, holder: Fr::ZERO };

#[test]
fn a_statement_has_the_parts_that_its_privacy_asks_for() {
	let kind = three();
	let tensor = Some((&kind, &[1u8, 2, 3][..]));
	let [public, input, output, both] = Privacy::ALL;
	let sealed = [7u8, 9].map(|x| statement::scalar_to_bytes(x.into())).concat();
	for privacy in Privacy::ALL {
		for request in [None, Some(REQUEST)] {
			for tensor in [None, tensor] {
				let part = InputPart { request, tensor };
				let published =
					if [public, input].contains(&privacy) { &[4, 5, 6][..] } else { &sealed };
				let made = statement::public_inputs(
					Fr::from(8u64),
					None,
					privacy,
					part,
					(&kind, published),
				);
				let asked = request.is_some() == privacy.commits()
					&& tensor.is_some() == [public, output].contains(&privacy);
				match made {
					Ok(inputs) => {
						assert!(asked, "{privacy}");
						assert_eq!(inputs.len(), privacy.public_inputs(&kind, &kind));
						assert_eq!(inputs[0], Fr::from(8u64));
					},
					Err(StatementError::Missing { privacy: named, .. })
					| Err(StatementError::Unneeded { privacy: named, .. }) => {
						assert!(!asked && named == privacy, "{privacy}");
					},
					Err(other) => panic!("{other}"),
				}
			}
		}
	}
	let packed = |bytes: &[u8]| statement::pack(ElementType::U8, bytes).expect("bytes")[0];
	let part = InputPart { request: Some(REQUEST), tensor };
	let made = statement::public_inputs(Fr::from(8u64), None, output, part, (&kind, &sealed));
	let expected = [8, 1, 0].map(|x| Fr::from(x as u64)).into_iter();
	let expected = expected.chain([packed(&[1, 2, 3]), Fr::from(7u64), Fr::from(9u64)]);
	assert_eq!(made, Ok(expected.collect()));
	let short = statement::public_inputs(Fr::ONE, None, both, REQUEST, (&kind, &sealed[1..]));
	let length = StatementError::Length { tensor: "sealed output", expected: 64, got: 63 };
	assert_eq!(short, Err(length));
	let large = statement::public_inputs(Fr::ONE, None, both, REQUEST, (&kind, &[0xff; 64]));
	assert_eq!(large, Err(StatementError::Scalar));
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
