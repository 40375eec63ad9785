use super::{
	vectors::{assert_scalar, bytes, scalar, scalars, tensor, vectors},
	*,
};
use crate::{
	poseidon::{domain, Plain},
	statement::{pack_tensor, scalar_to_bytes, unpack, StatementError},
	ElementType,
};
use ark_bls12_381::Fr;
use ark_ff::Field;
use ark_std::rand::{rngs::StdRng, SeedableRng};
use proptest::prelude::*;

const COMMITTED: Privacy = Privacy { input: Visibility::Committed, output: Visibility::Committed };
const OUTPUT: Privacy = Privacy { input: Visibility::Public, output: Visibility::Committed };

fn opening(salt: u8, holder: u64) -> Opening {
	Opening::new([salt; SALT_BYTES], Fr::from(holder))
}

fn scores(elements: usize) -> TensorType {
	TensorType { element: ElementType::I32, shape: vec![1, elements] }
}

fn opening_of(case: &serde_json::Value, holder: Fr) -> Opening {
	Opening::new(bytes(&case["salt"]).try_into().expect("31 bytes"), holder)
}

#[test]
fn commitments_are_those_of_the_vectors() {
	for case in vectors()["commitment"].as_array().expect("cases") {
		let (kind, bytes) = tensor(case);
		let packed = scalars(&case["scalars"]);
		assert_scalar(domain("input", 2 + packed.len()), &case["domain"]);
		let opening = opening_of(case, scalar(&case["holder"]));
		let commitment = if packed.is_empty() {
			opening.commit(OUTPUT, (&scores(1), &[]))
		} else {
			assert_eq!(pack_tensor("input", (&kind, &bytes)), Ok(packed));
			opening.commit(COMMITTED, (&kind, &bytes))
		};
		assert_scalar(commitment.expect("something is committed"), &case["commitment"]);
	}
}

#[test]
fn sealed_outputs_are_those_of_the_vectors_and_open() {
	for case in vectors()["sealed"].as_array().expect("cases") {
		let (kind, output) = tensor(case);
		let (binding, packed) = (scalar(&case["binding"]), scalars(&case["scalars"]));
		let opening = opening_of(case, Fr::ONE);
		let salt = opening.salt_scalar();
		let commitment = scheme::output(&mut Plain, &salt, &binding, &packed);
		assert_scalar(commitment, &case["commitment"]);
		let stream = scheme::keystream(&mut Plain, &salt, &binding, &commitment, packed.len());
		assert_eq!(stream, scalars(&case["keystream"]));
		let sealed = opening.seal_output(binding, (&kind, &output)).expect("a tensor");
		assert_eq!(sealed, bytes(&case["sealed"]));
		assert_eq!(opening.open_output(binding, &kind, &sealed), Ok(output));
	}
}

#[test]
fn whatever_is_changed_of_a_sealed_output_it_does_not_open() {
	let (kind, binding, opening) = (scores(40), Fr::from(7u64), opening(3, 1));
	let output: Vec<u8> = (0..160).collect();
	let sealed = opening.seal_output(binding, (&kind, &output)).expect("a tensor");
	for bit in 0..8 * sealed.len() {
		let mut sealed = sealed.clone();
		sealed[bit / 8] ^= 1 << (bit % 8);
		let refused = opening.open_output(binding, &kind, &sealed).unwrap_err();
		assert!(matches!(refused, OpenError::Commitment | OpenError::Scalar(_)), "bit {bit}");
	}
	let mut swapped = sealed.clone();
	swapped[32..96].rotate_left(32);
	assert_eq!(opening.open_output(binding, &kind, &swapped), Err(OpenError::Commitment));
	assert_eq!(opening.open_output(binding + Fr::ONE, &kind, &sealed), Err(OpenError::Commitment));
	let other = self::opening(4, 1);
	assert_eq!(other.open_output(binding, &kind, &sealed), Err(OpenError::Commitment));
	for length in [0, 31, sealed.len() - 32, sealed.len() - 1] {
		let refused = OpenError::Length { expected: sealed.len(), got: length };
		assert_eq!(opening.open_output(binding, &kind, &sealed[..length]), Err(refused));
	}
	let longer = [&sealed[..], &[0]].concat();
	let refused = OpenError::Length { expected: sealed.len(), got: sealed.len() + 1 };
	assert_eq!(opening.open_output(binding, &kind, &longer), Err(refused));
	let mut large = sealed.clone();
	large[64..96].fill(0xff);
	assert_eq!(opening.open_output(binding, &kind, &large), Err(OpenError::Scalar(2)));
}

#[test]
fn what_is_no_tensor_does_not_open_even_for_who_has_the_salt() {
	let (kind, binding, opening) = (scores(1), Fr::from(7u64), opening(3, 1));
	// Beyond the one element, and beyond all elements.
	for scalar in [Fr::from(1u64 << 32), Fr::from(2u64).pow([248]), -Fr::ONE] {
		let salt = opening.salt_scalar();
		let commitment = scheme::output(&mut Plain, &salt, &binding, &[scalar]);
		let stream = scheme::keystream(&mut Plain, &salt, &binding, &commitment, 1);
		let sealed = [commitment, scalar + stream[0]].map(scalar_to_bytes).concat();
		assert_eq!(opening.open_output(binding, &kind, &sealed), Err(OpenError::Packing));
	}
}

#[test]
fn commitments_differ_by_salt_holder_input_and_mode() {
	let kind = TensorType { element: ElementType::U8, shape: vec![1, 40] };
	let input = [9; 40];
	let mut other = input;
	other[39] ^= 1;
	let mut commitments = vec![
		opening(1, 1).commit(COMMITTED, (&kind, &input)),
		opening(2, 1).commit(COMMITTED, (&kind, &input)),
		opening(1, 2).commit(COMMITTED, (&kind, &input)),
		opening(1, 1).commit(COMMITTED, (&kind, &other)),
		opening(1, 1).commit(OUTPUT, (&kind, &input)),
	];
	let sealed = opening(1, 1).seal_output(Fr::ONE, (&kind, &input)).expect("a tensor");
	let sealed: [u8; 32] = sealed[..32].try_into().expect("a scalar");
	commitments.push(crate::statement::scalar_from_bytes(&sealed));
	let mut scalars: Vec<Fr> = commitments.into_iter().map(|c| c.expect("a tensor")).collect();
	scalars.sort_unstable();
	scalars.dedup();
	assert_eq!(scalars.len(), 6);
}

#[test]
fn a_salt_that_is_used_twice_encrypts_with_two_keystreams() {
	let (kind, binding, opening) = (scores(7), Fr::from(7u64), opening(3, 1));
	let sealed = |output: [u8; 28]| {
		let sealed = opening.seal_output(binding, (&kind, &output)).expect("a tensor");
		crate::statement::scalars_from_bytes(&sealed).expect("canonical")[1]
	};
	let (zeros, ones) = ([0; 28], [1; 28]);
	let difference = |bytes: &[u8]| pack_tensor("output", (&kind, bytes)).expect("a tensor")[0];
	let plain = difference(&ones) - difference(&zeros);
	assert_ne!(sealed(ones) - sealed(zeros), plain);
}

#[test]
fn tensors_of_another_length_are_refused() {
	let (kind, opening) = (scores(2), opening(1, 1));
	let length = |tensor| StatementError::Length { tensor, expected: 8, got: 7 };
	assert_eq!(opening.commit(COMMITTED, (&kind, &[0; 7])), Err(length("input")));
	assert_eq!(opening.seal_output(Fr::ONE, (&kind, &[0; 7])), Err(length("output")));
	let nothing = opening.commit(Privacy::PUBLIC, (&kind, &[0; 8]));
	assert_eq!(nothing, Err(StatementError::NothingCommitted));
	assert!(opening.commit(OUTPUT, (&kind, &[])).is_ok(), "a public input is not looked at");
}

#[test]
fn openings_keep_their_salt_to_themselves() {
	let salt: [u8; SALT_BYTES] = std::array::from_fn(|i| 200 + i as u8);
	let opening = Opening::new(salt, Fr::from(5u64));
	assert_eq!(opening.salt(), salt);
	assert_eq!(opening.holder(), Fr::from(5u64));
	let shown = format!("{opening:?}");
	let secret = Fr::from(opening.salt_scalar()).to_string();
	assert!(!shown.contains(&secret) && !shown.contains("200"), "{shown}");
	let mut rng = StdRng::seed_from_u64(1);
	let [first, second] = [(); 2].map(|()| Opening::random(Fr::ONE, &mut rng).salt());
	assert_ne!(first, second);
}

#[test]
fn visibilities_are_read_back() {
	for visibility in Visibility::ALL {
		assert_eq!(visibility.to_string().parse(), Ok(visibility));
		assert_eq!(Visibility::from_code(visibility.code()), Some(visibility));
	}
	assert!("secret".parse::<Visibility>().is_err());
	assert_eq!(Visibility::from_code(2), None);
	assert_eq!(OUTPUT.to_string(), "input public, output committed");
	assert!(Privacy::ALL.iter().all(|privacy| privacy.commits() == (*privacy != Privacy::PUBLIC)));
}

proptest! {
	#[test]
	fn what_is_sealed_opens(
		output: Vec<i32>,
		salt: [u8; SALT_BYTES],
		binding: [u64; 4],
	) {
		let kind = scores(output.len());
		let bytes: Vec<u8> = output.iter().flat_map(|x| x.to_le_bytes()).collect();
		let binding = Fr::from(ark_ff::BigInt(binding.map(|limb| limb >> 2)));
		let opening = Opening::new(salt, Fr::ONE);
		let sealed = opening.seal_output(binding, (&kind, &bytes)).expect("a tensor");
		prop_assert_eq!(opening.open_output(binding, &kind, &sealed), Ok(bytes));
	}

	#[test]
	fn scalars_unpack_to_what_was_packed(bytes: Vec<u8>, element in 0usize..8) {
		let element = ElementType::ALL[element];
		let elements = bytes.len() / element.bytes();
		let kind = TensorType { element, shape: vec![1, elements] };
		let bytes = &bytes[..kind.bytes()];
		let scalars = pack_tensor("output", (&kind, bytes)).expect("a tensor");
		prop_assert_eq!(unpack(&kind, &scalars), Some(bytes.to_vec()));
	}
}
