//! The search for a second witness: with the inputs of a gadget fixed, every assignment of its
//! variables, over the whole field, that satisfies the constraints gives the same result.
//!
//! The search is complete. It takes a constraint with one unknown variable, in which it is a
//! polynomial of degree two at most, and goes on with each of its roots; it fails if there is ever
//! none to take.

use super::*;
use crate::circuit::r1cs::{Finished, Matrix};
use ark_ff::AdditiveGroup;

/// A gadget on fixed inputs, with its result in the last variable.
#[derive(Clone)]
struct Case {
	matrices: [Matrix; 3],
	variables: usize,
	inputs: Vec<i64>,
	result: i64,
}

impl Case {
	fn new(inputs: &[i64], gadget: &dyn Fn(&mut System, &[Wire]) -> Wire) -> Self {
		let run = |mut system: System| {
			let wires: Vec<Wire> = inputs.iter().map(|&value| system.allocate(value)).collect();
			let result = gadget(&mut system, &wires);
			let last = system.allocate(result.value());
			let one = system.constant(1);
			system.enforce_product(&result, &one, &last);
			(system.finish(), result.value())
		};
		let (Finished::Build { matrices, variables }, _) = run(System::build(1)) else { panic!() };
		let (Finished::Assign(assigned), result) = run(System::assign(&[])) else { panic!() };
		assert_eq!(assigned.violated(), None, "the honest witness of {inputs:?}");
		Self { matrices, variables, inputs: inputs.to_vec(), result }
	}

	/// The results of all satisfying assignments.
	fn results(&self) -> Vec<Fr> {
		let mut known = vec![None; self.variables];
		known[0] = Some(Fr::ONE);
		for (at, &input) in self.inputs.iter().enumerate() {
			known[at + 1] = Some(Fr::from(input));
		}
		let mut results = Vec::new();
		self.search(&mut known, &mut results);
		results
	}

	fn search(&self, known: &mut Vec<Option<Fr>>, results: &mut Vec<Fr>) {
		let mut open = None;
		for row in 0..self.matrices[0].len() {
			let unknown: Vec<usize> = self.unknown(row, known);
			match unknown[..] {
				[] if !self.satisfied(row, known) => return,
				[variable] => {
					if let Some(roots) = self.roots(row, variable, known) {
						let better = open
							.as_ref()
							.is_none_or(|(_, best): &(usize, Vec<Fr>)| roots.len() < best.len());
						if better {
							open = Some((variable, roots));
						}
					}
				},
				_ => (),
			}
		}
		let Some((variable, roots)) = open else {
			let last = known[self.variables - 1];
			let determined = (0..self.matrices[0].len()).all(|row| {
				let unknown = self.unknown(row, known);
				unknown.is_empty() || unknown.len() == 1
			});
			assert!(determined, "{:?}: no constraint determines the next variable", self.inputs);
			results.push(last.expect("the result is determined"));
			return;
		};
		for root in roots {
			known[variable] = Some(root);
			self.search(known, results);
		}
		known[variable] = None;
	}

	/// The variables of a constraint that are not known.
	fn unknown(&self, row: usize, known: &[Option<Fr>]) -> Vec<usize> {
		let mut unknown: Vec<usize> = self
			.matrices
			.iter()
			.flat_map(|matrix| &matrix[row])
			.map(|(_, variable)| *variable)
			.filter(|variable| known[*variable].is_none())
			.collect();
		unknown.sort_unstable();
		unknown.dedup();
		unknown
	}

	/// The row of each matrix as `constant + factor · variable`.
	fn lines(&self, row: usize, variable: usize, known: &[Option<Fr>]) -> [(Fr, Fr); 3] {
		[0, 1, 2].map(|matrix| {
			let (mut constant, mut factor) = (Fr::ZERO, Fr::ZERO);
			for (coefficient, at) in &self.matrices[matrix][row] {
				match known[*at] {
					Some(value) => constant += *coefficient * value,
					None if *at == variable => factor += *coefficient,
					None => unreachable!("there is one unknown"),
				}
			}
			(constant, factor)
		})
	}

	fn satisfied(&self, row: usize, known: &[Option<Fr>]) -> bool {
		let [a, b, c] = self.lines(row, 0, known);
		a.0 * b.0 == c.0
	}

	/// The values of a variable that satisfy a constraint; nothing if all do.
	fn roots(&self, row: usize, variable: usize, known: &[Option<Fr>]) -> Option<Vec<Fr>> {
		let [a, b, c] = self.lines(row, variable, known);
		let square = a.1 * b.1;
		let linear = a.0 * b.1 + a.1 * b.0 - c.1;
		let constant = a.0 * b.0 - c.0;
		if square == Fr::ZERO {
			return match linear.inverse() {
				Some(inverse) => Some(vec![-constant * inverse]),
				None if constant == Fr::ZERO => None,
				None => Some(vec![]),
			};
		}
		let discriminant = linear.square() - Fr::from(4u64) * square * constant;
		let halved = (square.double()).inverse().expect("not zero");
		let Some(root) = discriminant.sqrt() else { return Some(vec![]) };
		let mut roots = vec![(root - linear) * halved, (-root - linear) * halved];
		roots.dedup();
		Some(roots)
	}
}

/// Checks a gadget on inputs: one result, which is the expected one.
fn assert_unique(inputs: &[i64], expected: i64, gadget: &dyn Fn(&mut System, &[Wire]) -> Wire) {
	let case = Case::new(inputs, gadget);
	assert_eq!(case.result, expected, "the result on {inputs:?}");
	let results = case.results();
	assert!(!results.is_empty());
	assert!(results.iter().all(|result| *result == Fr::from(expected)), "{inputs:?}: {results:?}");
}

/// The values of an interval that lie at its ends and around what matters in it.
fn samples(bounds: Interval, edges: &[i64]) -> Vec<i64> {
	let near = edges.iter().flat_map(|edge| [edge - 1, *edge, edge + 1]);
	let mut samples: Vec<i64> = near
		.chain([bounds.lo, bounds.lo + 1, (bounds.lo + bounds.hi) / 2, bounds.hi - 1, bounds.hi])
		.filter(|value| (bounds.lo..=bounds.hi).contains(value))
		.collect();
	samples.sort_unstable();
	samples.dedup();
	samples
}

#[test]
fn rescale_has_one_result() {
	for (lo, hi, shift) in [
		(0, 255, 0),
		(-3, 5, 1),
		(-300, 300, 0),
		(-40, 1100, 2),
		(0, 700, 1),
		(-300, 20, 3),
		(255, 300, 0),
		(-9, 0, 0),
	] {
		let bounds = Interval { lo, hi };
		for x in samples(bounds, &[0, 1 << shift, 255 << shift, 256 << shift, 512 << shift]) {
			let expected = (x >> shift).clamp(0, 255);
			assert_unique(&[x], expected, &|system, wires| {
				rescale(system, &wires[0], bounds, shift)
			});
		}
	}
}

#[test]
fn order_has_one_result() {
	let bounds = Interval { lo: -9, hi: 12 };
	for x in bounds.lo..=bounds.hi {
		assert_unique(&[x], x.abs(), &|system, wires| abs(system, &wires[0], bounds));
		for (lo, hi) in [(0, 255), (-3, 4), (-100, 2), (5, 100), (3, 3)] {
			let limits = Interval { lo, hi };
			assert_unique(&[x], x.max(lo).min(hi), &|system, wires| {
				clip(system, &wires[0], bounds, limits)
			});
		}
		for y in [-9, x - 1, x, x + 1, 12].into_iter().filter(|y| (-9..=12).contains(y)) {
			for constant in [-20, 0, 7, 20] {
				let expected = x.max(y).max(constant);
				assert_unique(&[x, y], expected, &|system, wires| {
					let window = vec![
						(wires[0].clone(), bounds),
						(system.constant(constant), Interval::exactly(constant)),
						(wires[1].clone(), bounds),
					];
					max(system, window)
				});
			}
		}
	}
}

#[test]
fn the_first_of_the_greatest_is_the_only_position() {
	let bounds = Interval { lo: -2, hi: 3 };
	for a in bounds.lo..=bounds.hi {
		for b in bounds.lo..=bounds.hi {
			for c in [-2, a, b, 3] {
				let values = [a, b, c];
				let most = values.iter().max().expect("three");
				let expected = values.iter().position(|x| x == most).expect("it is one") as i64;
				assert_unique(&values, expected, &|system, wires| {
					let window: Vec<_> = wires.iter().map(|wire| (wire.clone(), bounds)).collect();
					arg_max(system, &window)
				});
			}
		}
	}
	assert_unique(&[2], 0, &|system, wires| arg_max(system, &[(wires[0].clone(), bounds)]));
}

#[test]
fn division_has_one_result() {
	for (lo, hi) in [(0, 30), (-30, 30), (-30, -1), (-7, 40)] {
		let bounds = Interval { lo, hi };
		for divisor in [1, 2, 3, 4, 5, 7, 8, 29, 30, 31, 100] {
			for x in samples(bounds, &[0, divisor, -divisor, 2 * divisor, -2 * divisor]) {
				assert_unique(&[x], x / divisor, &|system, wires| {
					divide(system, &wires[0], bounds, divisor)
				});
			}
		}
	}
}

#[test]
fn quotients_have_one_result() {
	let (dividends, divisors) = (Interval { lo: 0, hi: 13 }, Interval { lo: 1, hi: 5 });
	for a in 0..=13 {
		for b in 1..=5 {
			assert_unique(&[a, b], a / b, &|system, wires| {
				quotient(system, (&wires[0], dividends), (&wires[1], divisors))
			});
		}
	}
	let small = Interval { lo: 14, hi: 20 };
	assert_unique(&[13, 14], 0, &|system, wires| {
		quotient(system, (&wires[0], dividends), (&wires[1], small))
	});
}

#[test]
fn a_table_has_one_entry_for_each_index() {
	let table: Vec<i64> = (0..40).map(|x| x * x % 23 - 11).collect();
	let steps: Vec<i64> = (0..40).map(|x| i64::from(x > 17) * 9).collect();
	for table in [table, steps, vec![5; 40]] {
		for bounds in
			[Interval { lo: 0, hi: 39 }, Interval { lo: 3, hi: 12 }, Interval { lo: 7, hi: 8 }]
		{
			for x in samples(bounds, &[15, 16, 31, 32]) {
				assert_unique(&[x], table[x as usize], &|system, wires| {
					lookup(system, &wires[0], bounds, &table)
				});
			}
		}
	}
}

#[test]
fn an_index_or_a_dividend_outside_of_its_bounds_has_no_witness() {
	let bounds = Interval { lo: 0, hi: 15 };
	let table: Vec<i64> = (0..16).map(|x| x * 7 % 5).collect();
	let honest = Case::new(&[3], &|system, wires| lookup(system, &wires[0], bounds, &table));
	for outside in [16, -1, 1 << 40] {
		let case = Case { inputs: vec![outside], ..honest.clone() };
		assert_eq!(case.results(), [], "index {outside}");
	}
	let honest = Case::new(&[3], &|system, wires| divide(system, &wires[0], bounds, 3));
	for outside in [-1, -3, 1 << 40] {
		let case = Case { inputs: vec![outside], ..honest.clone() };
		assert_eq!(case.results(), [], "dividend {outside}");
	}
}
