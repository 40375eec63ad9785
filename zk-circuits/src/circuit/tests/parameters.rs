//! Circuits that do not know the model's parameters.

use super::*;
use crate::{
	fixture::{edit, hidden, small, tensor},
	poseidon::Plain,
	statement::pack,
};

fn network(onnx: &[u8]) -> Network {
	Network::from_onnx(onnx).expect("a provable model")
}

/// The small model, trained again.
fn retrained() -> Vec<u8> {
	edit(&small(), |file| {
		tensor(file, "w0").raw_data.as_mut().expect("raw").rotate_left(1);
		tensor(file, "w1").raw_data.as_mut().expect("raw")[3] ^= 77;
		tensor(file, "addend1").raw_data.as_mut().expect("raw")[..2].copy_from_slice(&[9, 1]);
	})
}

#[test]
fn a_circuit_serves_every_model_of_its_architecture_and_no_other() {
	let digest = |onnx: &[u8]| Circuit::new(&network(onnx), Privacy::PUBLIC).digest();
	let [first, second] = [hidden(&small()), hidden(&retrained())];
	assert_eq!(digest(&first), digest(&second));
	assert_ne!(digest(&first), digest(&small()));
	let reshifted = edit(&small(), |file| {
		tensor(file, "divisor0").raw_data.as_mut().expect("raw")[0] = 32;
	});
	assert_ne!(digest(&first), digest(&hidden(&reshifted)));
	let commitments = [first, second].map(|onnx| network(&onnx).parameter_commitment());
	assert_ne!(commitments[0], commitments[1]);
}

#[test]
fn it_is_satisfied_by_what_the_model_without_secrets_answers() {
	for (onnx, fixed) in [(hidden(&small()), small()), (hidden(&retrained()), retrained())] {
		for input in [[0, 0], [255, 255], [0, 255], [17, 200]] {
			Case::new(&onnx, &input).assert_satisfied();
			assert_eq!(network(&onnx).execute(&input), network(&fixed).execute(&input));
		}
	}
}

#[test]
fn every_variable_is_tied() {
	for privacy in Privacy::ALL {
		println!("{privacy}");
		let case = Case::with(&hidden(&small()), privacy, &[17, 200]);
		case.assert_satisfied();
		case.assert_every_variable_is_tied();
	}
}

#[test]
fn the_commitment_is_the_hash_of_salt_weights_and_addends() {
	let hidden = network(&hidden(&small()));
	let salt = hidden.secret().expect("private").salt;
	let bytes = |weights: [i32; 6]| weights.map(|weight| (weight + 128) as u8);
	let addends = |values: &[i32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
	let scalars: Vec<Fr> = [
		(ElementType::U8, bytes([127, -127, 30, 90, -100, -20]).to_vec()),
		(ElementType::I32, addends(&[-900, 700, 16])),
		(ElementType::U8, bytes([5, -5, 7, -7, 100, 127]).to_vec()),
		(ElementType::I32, addends(&[3, -3])),
	]
	.into_iter()
	.flat_map(|(element, bytes)| pack(element, &bytes).expect("whole elements"))
	.collect();
	let expected = scheme::parameters(&mut Plain, &salt, &scalars);
	// Weights come before the addends of their layer, as nodes are ordered.
	let commitment = hidden.parameter_commitment().expect("private");
	assert_eq!(commitment, expected);
	let case = Case::new(&super::fixture::hidden(&small()), &[1, 2]);
	assert_eq!(case.assignment[2], commitment, "public input 1, behind the binding");
}

#[test]
fn a_parameter_outside_its_width_has_no_witness() {
	// y = (x - 0) * (w - 128) + b: the variables are the binding's square, x and its bits, the byte of
	// w and its bits, b and its bits, and so on in the order of nodes.
	let onnx = hidden(&fixture::model(1, &[Layer::single(-128, -5, None)]));
	let case = Case::new(&onnx, &[3]);
	let honest = &case.assignment;
	let byte = case.circuit.instance + 1 + 8;
	assert_eq!(honest[byte], Fr::ZERO, "a weight of -128");
	for outside in [-Fr::ONE, Fr::from(256u64), Fr::from(1u64 << 40)] {
		let mut forged = honest.clone();
		forged[byte] = outside;
		let violated = case.circuit.violated(&forged).expect("violated");
		let in_range_check = 1 + 8 + 1..=1 + 8 + 1 + 8;
		assert!(in_range_check.contains(&violated), "constraint {violated}");
	}
}

#[test]
fn the_widths_of_parameters_bound_every_value() {
	let mut rng = StdRng::seed_from_u64(9);
	let reference = network(&hidden(&small()));
	for _ in 0..50 {
		let onnx = hidden(&edit(&small(), |file| {
			for name in ["w0", "w1"] {
				rng.fill(&mut tensor(file, name).raw_data.as_mut().expect("raw")[..]);
			}
			for name in ["addend0", "addend1"] {
				for addend in tensor(file, name).raw_data.as_mut().expect("raw").chunks_mut(4) {
					let value: i32 = rng.gen_range(-(1 << 23)..1 << 23);
					addend.copy_from_slice(&value.to_le_bytes());
				}
			}
		}));
		let network = network(&onnx);
		for at in 0..=network.nodes().len() {
			assert_eq!(network.bounds(at), reference.bounds(at));
		}
		let input = [rng.gen(), rng.gen()];
		Case::new(&onnx, &input).assert_satisfied();
		for (at, values) in network.trace(&input).expect("an input").0.iter().enumerate() {
			for (&value, bound) in values.iter().zip(network.bounds(at)) {
				assert!((bound.lo..=bound.hi).contains(&value), "value {at}: {value}");
			}
		}
	}
}

#[test]
fn an_addend_that_the_circuit_would_have_in_it_is_refused() {
	let computed = edit(&small(), |file| {
		let graph = fixture::graph(file);
		let add = graph.node.iter_mut().find(|node| node.op_type() == "Add").expect("a sum");
		let constant = std::mem::replace(&mut add.input[1], "negated".into());
		let negate = crate::onnx::proto::NodeProto {
			op_type: Some("Neg".into()),
			input: vec![constant],
			output: vec!["negated".into()],
			..Default::default()
		};
		graph.node.insert(0, negate);
	});
	assert!(Network::from_onnx(&computed).is_ok(), "without secrets");
	let refused = crate::hide_parameters(&computed, &mut StdRng::seed_from_u64(1));
	let error = refused.expect_err("its addend is no constant").to_string();
	assert!(error.contains("computed from constants"), "{error}");
}

#[test]
fn weights_of_every_column_and_channel_are_committed_to() {
	// Each weight, changed by one, gives another commitment.
	let of = |onnx: &[u8]| network(&hidden(onnx)).parameter_commitment();
	let mut seen = vec![of(&small())];
	for (name, stride) in [("w0", 1), ("w1", 1), ("addend0", 4), ("addend1", 4)] {
		let length = {
			let mut length = 0;
			edit(&small(), |file| {
				length = tensor(file, name).raw_data.as_ref().expect("raw").len()
			});
			length
		};
		for at in (0..length).step_by(stride) {
			seen.push(of(&edit(&small(), |file| {
				tensor(file, name).raw_data.as_mut().expect("raw")[at] ^= 1;
			})));
		}
	}
	let count = seen.len();
	seen.sort_unstable();
	seen.dedup();
	assert_eq!(seen.len(), count);
	assert_eq!(count, 1 + 6 + 6 + 3 + 2);
}
