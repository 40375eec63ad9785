use super::{
	gadget,
	r1cs::{Finished, System, Wire},
	*,
};
use crate::{
	fixture::{self, Layer},
	network::Interval,
	proof::Run,
};
use ark_ff::UniformRand;
use ark_std::rand::{rngs::StdRng, Rng, SeedableRng};
use proptest::prelude::*;

mod parameters;
mod privacy;

/// A network, its circuit, and the satisfying assignment for an input.
struct Case {
	circuit: Circuit,
	assignment: Vec<Fr>,
}

impl Case {
	fn new(onnx: &[u8], input: &[u8]) -> Self {
		Self::with(onnx, Privacy::PUBLIC, input)
	}

	fn with(onnx: &[u8], privacy: Privacy, input: &[u8]) -> Self {
		let network = Network::from_onnx(onnx).expect("a provable model");
		let circuit = Circuit::new(&network, privacy);
		let opening = privacy.commits().then(fixture::opening);
		let run = Run::new(&network, privacy, (input, Fr::from(77u64), opening.as_ref()));
		let Run { assigned, public, .. } = run.expect("a valid input");
		assert_eq!(public.len(), circuit.public_inputs());
		assert_rows_are_the_matrices_times_the_variables(&circuit, &assigned);
		let assignment = assigned.variables.to_field();
		assert_eq!(assignment.len(), circuit.variables);
		assert_eq!(network.constraints_with(privacy), circuit.constraints());
		Self { circuit, assignment }
	}

	fn assert_satisfied(&self) {
		assert_eq!(self.circuit.violated(&self.assignment), None);
	}

	/// No variable but the constant can be given another value, all others kept. (The binding is
	/// opaque: all of its values have a witness, and its negative has the same. That a proof is
	/// for one binding only is a property of the proof system.)
	fn assert_every_variable_is_tied(&self) {
		let mut rng = StdRng::seed_from_u64(1);
		let rows = self.rows_of_variables();
		for (variable, &honest) in self.assignment.iter().enumerate().skip(1) {
			let others =
				[honest + Fr::ONE, honest - Fr::ONE, Fr::ONE - honest, -honest, Fr::rand(&mut rng)];
			for other in others.into_iter().filter(|other| *other != honest) {
				if variable == 1 && other == -honest {
					continue;
				}
				assert!(self.violated_with(variable, other, &rows[variable]), "{variable}");
			}
		}
	}

	/// The constraints that each variable is in.
	fn rows_of_variables(&self) -> Vec<Vec<usize>> {
		let mut rows = vec![Vec::new(); self.assignment.len()];
		for matrix in &self.circuit.matrices {
			for (row, terms) in matrix.iter().enumerate() {
				terms.iter().for_each(|(_, variable)| rows[*variable].push(row));
			}
		}
		rows
	}

	/// Whether one of these constraints is violated when a variable has another value.
	fn violated_with(&self, variable: usize, value: Fr, rows: &[usize]) -> bool {
		let evaluate = |row: &[(Fr, usize)]| -> Fr {
			let value = |v| if v == variable { value } else { self.assignment[v] };
			row.iter().map(|(coefficient, v)| *coefficient * value(*v)).sum()
		};
		let [a, b, c] = &self.circuit.matrices;
		rows.iter().any(|&i| evaluate(&a[i]) * evaluate(&b[i]) != evaluate(&c[i]))
	}

	/// The derivative of all constraints by the witness has full rank: near the honest witness
	/// there is no other for these public inputs, in whichever variables it would differ.
	fn assert_witness_is_isolated(&self) {
		let (first, count) = (self.circuit.instance, self.circuit.witness());
		let [a, b, c] = &self.circuit.matrices;
		let evaluate = |row: &[(Fr, usize)]| -> Fr {
			row.iter().map(|(coefficient, v)| *coefficient * self.assignment[*v]).sum()
		};
		let mut rows: Vec<Vec<Fr>> = (0..a.len())
			.map(|i| {
				let mut gradient = vec![Fr::ZERO; count];
				let factors =
					[(&a[i], evaluate(&b[i])), (&b[i], evaluate(&a[i])), (&c[i], -Fr::ONE)];
				for (row, factor) in factors {
					for (coefficient, variable) in row.iter().filter(|(_, v)| *v >= first) {
						gradient[variable - first] += *coefficient * factor;
					}
				}
				gradient
			})
			.collect();
		for column in 0..count {
			let pivot = rows.iter().position(|row| row[column] != Fr::ZERO);
			let pivot =
				rows.swap_remove(pivot.unwrap_or_else(|| panic!("column {column} is free")));
			let inverse = pivot[column].inverse().expect("not zero");
			for row in rows.iter_mut().filter(|row| row[column] != Fr::ZERO) {
				let factor = row[column] * inverse;
				row.iter_mut().zip(&pivot).skip(column).for_each(|(x, p)| *x -= factor * p);
			}
		}
	}
}

/// The recorded values of rows are what the matrices evaluate to.
fn assert_rows_are_the_matrices_times_the_variables(circuit: &Circuit, assigned: &Assigned) {
	let variables = assigned.variables.to_field();
	for (matrix, recorded) in circuit.matrices.iter().zip(&assigned.rows) {
		let evaluated: Vec<Fr> = matrix
			.iter()
			.map(|row| row.iter().map(|(coefficient, v)| *coefficient * variables[*v]).sum())
			.collect();
		assert_eq!(recorded.to_field(), evaluated);
	}
	assert_eq!(assigned.violated(), None);
}

/// One-neuron networks that take each way through the rescale gadget.
fn rescale_paths() -> Vec<(&'static str, Layer)> {
	let layer = |weight, addend, shift| Layer::single(weight, addend, Some(shift));
	vec![
		("neither negative nor above 255", layer(100, 40, 7)),
		("always zero", layer(-1, 0, 0)),
		("always 255", layer(1, 255, 0)),
		("negative, not above 255", layer(50, -6000, 6)),
		("far below zero, not above 255", layer(127, -32000, 0)),
		("above 255 only, one bit", layer(2, 0, 0)),
		("above 255 only, three bits", layer(10, 0, 0)),
		("above 255 only, seven bits", layer(100, 3, 0)),
		("both, few bits", layer(8, -1000, 0)),
		("both, five bits", layer(127, -16000, 2)),
		("both, eight bits", layer(127, -16000, 0)),
		("both, more than eight bits", layer(127, -70000, 0)),
	]
}

#[test]
fn every_witness_variable_is_determined() {
	let small = fixture::small();
	for input in [[0, 0], [255, 255], [255, 0], [0, 255], [17, 200], [10, 1]] {
		let case = Case::new(&small, &input);
		case.assert_satisfied();
		case.assert_every_variable_is_tied();
		case.assert_witness_is_isolated();
	}
}

#[test]
fn every_path_of_the_rescale_is_determined() {
	for (name, layer) in rescale_paths() {
		let onnx = fixture::model(1, &[layer]);
		for input in [0, 1, 2, 119, 120, 126, 127, 128, 254, 255] {
			println!("{name}, input {input}");
			let case = Case::new(&onnx, &[input]);
			case.assert_satisfied();
			case.assert_every_variable_is_tied();
			case.assert_witness_is_isolated();
		}
	}
}

#[test]
fn every_input_of_every_path_has_a_witness() {
	for (name, layer) in rescale_paths() {
		let onnx = fixture::model(1, &[layer]);
		for input in 0..=255 {
			println!("{name}, input {input}");
			Case::new(&onnx, &[input]).assert_satisfied();
		}
	}
}

#[test]
fn the_full_statement_is_needed() {
	let network = Network::from_onnx(&fixture::small()).expect("a provable model");
	let circuit = Circuit::new(&network, Privacy::PUBLIC);
	// Binding, one scalar of inputs, one of outputs: each is in some constraint.
	assert_eq!(circuit.public_inputs(), 3);
	for variable in 1..circuit.instance {
		let used = circuit.matrices.iter().flatten().flatten().any(|(_, v)| *v == variable);
		assert!(used, "public input {variable}");
	}
}

#[test]
fn an_input_outside_uint8_has_no_witness() {
	// One input: its scalar is the element itself. 256 packs like no byte does; -1 neither.
	let onnx = fixture::model(1, &[Layer::single(1, 0, None)]);
	let case = Case::new(&onnx, &[255]);
	for value in [Fr::from(256u64), -Fr::ONE] {
		let mut assignment = case.assignment.clone();
		let element = case.circuit.instance + 1;
		assert_eq!(assignment[element], Fr::from(255u64));
		// Input scalar, element, and the score that would follow from it.
		assignment[2] = value;
		assignment[element] = value;
		assignment[3] = value + Fr::from(1u64 << 31);
		let violated = case.circuit.violated(&assignment).expect("violated");
		assert!(violated <= 8, "the range check is what fails, not constraint {violated}");
	}
}

#[test]
fn padding_of_the_packed_tail_must_be_zero() {
	let case = Case::new(&fixture::small(), &[1, 2]);
	let mut assignment = case.assignment.clone();
	assignment[2] += Fr::from(1u64 << 16);
	assert!(case.circuit.violated(&assignment).is_some());
}

#[test]
fn matrices_have_canonical_rows() {
	let network = Network::from_onnx(&fixture::small()).expect("a provable model");
	let circuit = Circuit::new(&network, Privacy::PUBLIC);
	for row in circuit.matrices.iter().flatten() {
		assert!(row.windows(2).all(|pair| pair[0].1 < pair[1].1));
		assert!(row.iter().all(|(coefficient, _)| *coefficient != Fr::ZERO));
	}
}

#[test]
fn the_digest_names_the_circuit() {
	let digest = |onnx: &[u8]| {
		Circuit::new(&Network::from_onnx(onnx).expect("valid"), Privacy::PUBLIC).digest()
	};
	let small = fixture::small();
	assert_eq!(digest(&small), digest(&small));
	let other = fixture::edit(&small, |file| {
		fixture::tensor(file, "w1").raw_data.as_mut().expect("raw")[0] ^= 1;
	});
	assert_ne!(digest(&small), digest(&other));
	// What the file says besides the graph is no part of the circuit.
	let renamed = fixture::edit(&small, |file| file.producer_name = Some("other".into()));
	assert_eq!(digest(&small), digest(&renamed));
}

/// Runs a gadget on free variables; gives its constraints, its assignment and its result.
fn gadget_case(
	values: &[i64],
	gadget: impl Fn(&mut System, &[Wire]) -> Wire,
) -> (Circuit, Vec<Fr>, i64) {
	let run = |mut system: System| {
		let wires: Vec<Wire> = values.iter().map(|&value| system.allocate(value)).collect();
		let result = gadget(&mut system, &wires).value();
		(system.finish(), result)
	};
	let (Finished::Build { matrices, variables }, _) = run(System::build(1)) else { panic!() };
	let (Finished::Assign(assigned), result) = run(System::assign(&[])) else { panic!() };
	let circuit = Circuit { matrices, instance: 1, variables };
	assert_rows_are_the_matrices_times_the_variables(&circuit, &assigned);
	(circuit, assigned.variables.to_field(), result)
}

#[test]
fn rows_of_the_digits_network_are_recorded() {
	let example = |name| {
		let path = std::path::Path::new("../examples/digits");
		std::fs::read(path.join(name)).expect("an example")
	};
	let (onnx, digits) = (example("digits.provable.onnx"), example("test_x.u8"));
	for digit in digits.chunks(64).take(4).chain([&[0; 64][..], &[255; 64]]) {
		Case::new(&onnx, digit).assert_satisfied();
	}
}

#[test]
fn a_recorded_row_that_does_not_fit_is_found() {
	let mut system = System::assign(&[Fr::from(3u64)]);
	let (two, six) = (system.allocate(2), system.allocate(6));
	let three = system.public_input(0);
	system.enforce(|| [three.clone(), two.linear(), six.linear()]);
	system.enforce_product(&two, &two, &six);
	system.enforce(|| [three.clone(), three, six.linear()]);
	let Finished::Assign(mut assigned) = system.finish() else { panic!() };
	assert_eq!(assigned.violated(), Some(1));
	assigned.rows[2] = {
		let mut row = Values::default();
		row.push_field(Fr::from(6u64));
		row.push(4);
		row.push_field(Fr::from(6u64));
		row
	};
	assert_eq!(assigned.violated(), Some(2));
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(300))]

	#[test]
	fn rescale_is_shift_and_clip(
		lo in -70_000i64..70_000,
		size in 0i64..140_000,
		part in 0.0f64..=1.0,
		shift in 0u32..12,
	) {
		let bounds = Interval { lo, hi: lo + size };
		let inside = lo + (size as f64 * part) as i64;
		let near: Vec<i64> = [0, 1 << shift, 255 << shift, 256 << shift, 512 << shift]
			.into_iter()
			.flat_map(|edge| [edge - 1, edge, edge + 1, -edge])
			.chain([lo, lo + size, inside])
			.filter(|value| (bounds.lo..=bounds.hi).contains(value))
			.collect();
		for value in near {
			let (circuit, assignment, result) = gadget_case(&[value], |system, wires| {
				gadget::rescale(system, &wires[0], bounds, shift)
			});
			prop_assert_eq!(circuit.violated(&assignment), None);
			prop_assert_eq!(result, (value >> shift).clamp(0, 255));
		}
	}

	#[test]
	fn bits_admit_exactly_their_width(width in 1u32..33, value in any::<u64>()) {
		let value = (value >> (64 - width)) as i64;
		let (circuit, assignment, _) = gadget_case(&[value], |system, wires| {
			gadget::bits(system, &wires[0], width);
			system.constant(0)
		});
		prop_assert_eq!(circuit.violated(&assignment), None);
		prop_assert_eq!(circuit.constraints(), width as usize);
		// The same bits for the value plus 2^width, or for a value that is no integer.
		for other in [Fr::from(value) + Fr::from(1u64 << width), Fr::from(2u64).inverse().unwrap()] {
			let mut assignment = assignment.clone();
			assignment[1] = other;
			prop_assert!(circuit.violated(&assignment).is_some());
		}
	}

	#[test]
	fn random_networks_are_satisfied_and_do_not_depend_on_the_input(seed in any::<u64>()) {
		let mut rng = StdRng::seed_from_u64(seed);
		let inputs = rng.gen_range(1..40);
		let hidden = rng.gen_range(1..6);
		let outputs = rng.gen_range(1..12);
		let mut random_layer = |rows: usize, columns: usize, last: bool| Layer {
			weights: (0..rows * columns).map(|_| rng.gen_range(-128..=127)).collect(),
			zero_point: if last { rng.gen() } else { 0 },
			addend: (0..columns).map(|_| rng.gen_range(-200_000..200_000)).collect(),
			shifts: (!last || rng.gen()).then(|| {
				(0..columns).map(|_| rng.gen_range(0..14)).collect()
			}),
		};
		let layers = [random_layer(inputs, hidden, false), random_layer(hidden, outputs, true)];
		let onnx = fixture::model(inputs, &layers);
		let mut rng = StdRng::seed_from_u64(!seed);
		let random: Vec<u8> = (0..inputs).map(|_| rng.gen()).collect();
		let extremes: Vec<u8> = (0..inputs).map(|_| if rng.gen() { 255 } else { 0 }).collect();
		let digests: Vec<[u8; 32]> = [vec![0; inputs], vec![255; inputs], random, extremes]
			.iter()
			.map(|input| {
				let case = Case::new(&onnx, input);
				case.assert_satisfied();
				case.circuit.digest()
			})
			.collect();
		prop_assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
	}
}

#[test]
fn mutation_of_random_networks_is_noticed() {
	let mut rng = StdRng::seed_from_u64(5);
	for _ in 0..4 {
		let layer = Layer {
			weights: (0..9).map(|_| rng.gen_range(-128..=127)).collect(),
			zero_point: 0,
			addend: (0..3).map(|_| rng.gen_range(-9000..9000)).collect(),
			shifts: Some(vec![2, 5, 7]),
		};
		let case = Case::new(&fixture::model(3, &[layer]), &rng.gen::<[u8; 3]>());
		case.assert_satisfied();
		case.assert_every_variable_is_tied();
		case.assert_witness_is_isolated();
	}
}
