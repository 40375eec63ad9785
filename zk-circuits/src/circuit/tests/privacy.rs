//! Circuits with commitments.

use super::*;
use crate::{
	poseidon::{self, Arithmetic, Plain},
	statement::scalars_from_bytes,
};

const INPUT: Privacy = Privacy { input: Visibility::Committed, output: Visibility::Public };
const OUTPUT: Privacy = Privacy { input: Visibility::Public, output: Visibility::Committed };
const BOTH: Privacy = Privacy { input: Visibility::Committed, output: Visibility::Committed };

fn digits() -> Network {
	let file = std::fs::read("../examples/digits/digits.provable.onnx").expect("an example");
	Network::from_onnx(&file).expect("a provable model")
}

#[test]
fn with_everything_public_the_circuit_is_what_it_was_before_there_were_commitments() {
	let circuit = Circuit::new(&digits(), Privacy::PUBLIC);
	assert_eq!(hex::encode(circuit.digest()), DIGEST_OF_THE_DIGITS);
	assert_eq!((circuit.constraints(), circuit.coefficients()), (1277, 10_622));
}

const DIGEST_OF_THE_DIGITS: &str =
	"d0a8a9b0290b3161196bd58239cdf6f8810744cfbfdb30bcf22d9d12821e864c";

#[test]
fn constraints_of_the_digits_in_each_mode() {
	let network = digits();
	let counted = Privacy::ALL.map(|privacy| {
		let circuit = Circuit::new(&network, privacy);
		(circuit.constraints(), circuit.public_inputs())
	});
	assert_eq!(counted, [(1277, 6), (1875, 5), (2181, 9), (2478, 6)]);
}

#[test]
fn each_mode_has_a_circuit_of_its_own() {
	let network = Network::from_onnx(&fixture::small()).expect("a provable model");
	let mut digests = Privacy::ALL.map(|privacy| Circuit::new(&network, privacy).digest());
	digests.sort_unstable();
	assert!(digests.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn every_variable_of_a_committed_inference_is_tied() {
	for privacy in [INPUT, OUTPUT, BOTH] {
		for input in [[0, 0], [255, 0], [17, 200]] {
			println!("{privacy}, input {input:?}");
			let case = Case::with(&fixture::small(), privacy, &input);
			case.assert_satisfied();
			case.assert_every_variable_is_tied();
		}
	}
}

#[test]
fn every_public_input_is_in_a_constraint() {
	for privacy in Privacy::ALL {
		let network = Network::from_onnx(&fixture::small()).expect("a provable model");
		let circuit = Circuit::new(&network, privacy);
		for variable in 1..circuit.instance {
			let used = circuit.matrices.iter().flatten().flatten().any(|(_, v)| *v == variable);
			assert!(used, "{privacy}: public input {variable}");
		}
	}
}

/// Computes what follows from the variables that are known: a variable that is alone unknown in its
/// constraint, and stands in C only, has one value. What can not be computed thus stays unknown.
fn complete(circuit: &Circuit, known: &mut [Option<Fr>]) {
	let [a, b, c] = &circuit.matrices;
	let evaluate = |row: &[(Fr, usize)], known: &[Option<Fr>]| -> Option<Fr> {
		row.iter().map(|(coefficient, v)| known[*v].map(|value| *coefficient * value)).sum()
	};
	loop {
		let before = known.iter().flatten().count();
		for row in 0..a.len() {
			let (Some(left), Some(right)) = (evaluate(&a[row], known), evaluate(&b[row], known))
			else {
				continue;
			};
			let mut unknown = c[row].iter().filter(|(_, v)| known[*v].is_none());
			let (Some((coefficient, variable)), None) = (unknown.next(), unknown.next()) else {
				continue;
			};
			let others = c[row].iter().filter(|(_, v)| v != variable);
			let others: Option<Fr> =
				others.map(|(factor, v)| known[*v].map(|value| *factor * value)).sum();
			let inverse = coefficient.inverse().expect("no coefficient is zero");
			known[*variable] = others.map(|others| (left * right - others) * inverse);
		}
		if known.iter().flatten().count() == before {
			return;
		}
	}
}

/// A circuit without public inputs of some arithmetic on field elements, and its assignment.
fn arithmetic_case(
	inputs: &[Fr],
	arithmetic: impl Fn(&mut System, &[Linear]) -> Vec<Linear>,
) -> (Circuit, Vec<Fr>, Vec<Fr>) {
	let run = |mut system: System| {
		let inputs: Vec<Linear> =
			inputs.iter().map(|input| system.allocate_field(|| *input)).collect();
		let results = arithmetic(&mut system, &inputs);
		let results: Vec<Linear> = results.iter().map(|result| system.named(result)).collect();
		(system.finish(), results.len())
	};
	let (Finished::Build { matrices, variables }, _) = run(System::build(1)) else { panic!() };
	let (Finished::Assign(assigned), results) = run(System::assign(&[])) else { panic!() };
	let circuit = Circuit { matrices, instance: 1, variables };
	assert_rows_are_the_matrices_times_the_variables(&circuit, &assigned);
	let assignment = assigned.variables.to_field();
	let results = assignment[assignment.len() - results..].to_vec();
	(circuit, assignment, results)
}

/// Checks that the inputs determine every variable, and that the results are those of field
/// elements.
fn assert_determined(
	inputs: &[Fr],
	permutations: usize,
	arithmetic: impl Fn(&mut System, &[Linear]) -> Vec<Linear>,
	expected: &[Fr],
) {
	let (circuit, assignment, results) = arithmetic_case(inputs, arithmetic);
	assert_eq!(circuit.constraints(), 300 * permutations + results.len());
	assert_eq!(results, expected);
	let mut known = vec![None; assignment.len()];
	known[0] = Some(Fr::ONE);
	known[1..=inputs.len()].iter_mut().zip(inputs).for_each(|(k, input)| *k = Some(*input));
	complete(&circuit, &mut known);
	let assignment: Vec<_> = assignment.into_iter().map(Some).collect();
	assert_eq!(known, assignment);
}

#[test]
fn all_variables_of_poseidon_follow_from_what_it_is_given() {
	let mut rng = StdRng::seed_from_u64(1);
	let inputs: Vec<Fr> = (0..9).map(|_| Fr::rand(&mut rng)).collect();
	for inputs in [&inputs[..5], &[Fr::ZERO; 5]] {
		let state = |on: &[Fr]| <[Fr; 5]>::try_from(on).expect("five");
		assert_determined(
			inputs,
			1,
			|system, inputs| {
				let state = inputs.to_vec().try_into().expect("five");
				poseidon::permute(system, state).to_vec()
			},
			&poseidon::permute(&mut Plain, state(inputs)),
		);
	}
	for count in [1, 4, 5, 9] {
		assert_determined(
			&inputs[..count],
			count.div_ceil(4),
			|system, inputs| vec![poseidon::hash(system, "input", inputs)],
			&[poseidon::hash(&mut Plain, "input", &inputs[..count])],
		);
	}
	let [salt, binding, commitment] = [inputs[0], inputs[1], inputs[2]];
	assert_determined(
		&inputs[..3],
		2,
		|system, inputs| scheme::keystream(system, &inputs[0], &inputs[1], &inputs[2], 6),
		&scheme::keystream(&mut Plain, &salt, &binding, &commitment, 6),
	);
}

#[test]
fn sums_of_many_variables_are_short_rows() {
	let inputs = [Fr::from(3u64), Fr::from(5u64)];
	let (circuit, _, results) = arithmetic_case(&inputs, |system, inputs| {
		let [x, y] = [&inputs[0], &inputs[1]];
		let sum = Arithmetic::combine(system, Fr::from(7u64), [(Fr::ONE, x), (Fr::ONE, y)]);
		vec![Arithmetic::combine(system, -Fr::from(7u64), [(Fr::ONE, &sum), (-Fr::ONE, x)])]
	});
	assert_eq!(results, [inputs[1]]);
	assert_eq!(circuit.matrices[0], [vec![(Fr::ONE, 2)]]);
}

/// A network whose witness is its elements and their bits.
fn scores_of_two() -> Vec<u8> {
	let layer =
		Layer { weights: vec![1, -2, 3, 4], zero_point: 0, addend: vec![5, -6], shifts: None };
	fixture::model(2, &[layer])
}

/// What a prover can make of a committed inference of that network when it changes something of
/// binding, holder, salt, elements and bits: all else follows.
fn completed(case: &Case, change: impl FnOnce(&mut [Option<Fr>])) -> Vec<Fr> {
	let (binding, holder, salt) = (1, 3, case.circuit.instance + 1);
	let mut known = vec![None; case.assignment.len()];
	let elements_and_bits = (salt + 1..).take(2 * 8);
	for variable in [0, binding, holder, salt].into_iter().chain(elements_and_bits) {
		known[variable] = Some(case.assignment[variable]);
	}
	change(&mut known);
	complete(&case.circuit, &mut known);
	known.into_iter().collect::<Option<_>>().expect("everything follows")
}

#[test]
fn another_salt_holder_or_binding_gives_another_statement() {
	let case = Case::with(&scores_of_two(), BOTH, &[17, 200]);
	let first = case.circuit.instance;
	assert_eq!(completed(&case, |_| ()), case.assignment);
	// Whether commitment of the request, holder, commitment and ciphertext of the output change.
	let changed = |variable: usize| {
		let other = completed(&case, |known| {
			known[variable] = known[variable].map(|value| value + Fr::ONE);
		});
		assert_eq!(case.circuit.violated(&other), None, "an honest statement, another one");
		(2..first).map(|public| other[public] != case.assignment[public]).collect::<Vec<_>>()
	};
	assert_eq!(changed(first + 1), [true, false, true, true], "the salt");
	assert_eq!(changed(1), [false, false, true, true], "the binding");
	assert_eq!(changed(3), [true, true, false, false], "the holder");
}

#[test]
fn a_committed_element_outside_uint8_has_no_witness() {
	for honest in [0u8, 255] {
		let case = Case::with(&scores_of_two(), BOTH, &[honest, 9]);
		let element = case.circuit.instance + 2;
		assert_eq!(case.assignment[element], Fr::from(honest));
		for outside in [Fr::from(256u64), -Fr::ONE, Fr::from(1u64 << 40)] {
			// Committed to, run and sealed as if it were an input.
			let forged = completed(&case, |known| known[element] = Some(outside));
			let violated = case.circuit.violated(&forged).expect("violated");
			assert!(violated <= 8, "the range check is what fails, not constraint {violated}");
		}
	}
}

#[test]
fn what_the_circuit_seals_its_customer_opens() {
	let network = digits();
	let digit = [7; 64];
	let case = {
		let file = std::fs::read("../examples/digits/digits.provable.onnx").expect("an example");
		Case::with(&file, OUTPUT, &digit)
	};
	case.assert_satisfied();
	let opening = fixture::opening();
	let output = network.execute(&digit).expect("a digit");
	let sealed = opening.seal_output(Fr::from(77u64), (network.output(), &output));
	let sealed = scalars_from_bytes(&sealed.expect("its output")).expect("canonical");
	assert!(case.assignment[..case.circuit.instance].ends_with(&sealed));
}
