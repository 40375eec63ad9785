//! Linear combinations, and a constraint system that is built or assigned by the same code.
//!
//! While assigning, a system records what the rows of the matrices evaluate to, as it records the
//! variables: from the values of the wires. So a prover never multiplies the matrices, whose size
//! is the network's number of multiplications, with the assignment.

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};
use std::{collections::BTreeSet, rc::Rc};

/// Rows of `(coefficient, variable)`; the form of [`ark_relations`] and `ark_groth16`.
pub(crate) type Matrix = Vec<Vec<(Fr, usize)>>;

/// Index of a variable: 0 is the constant 1, then the public inputs, then the witness.
pub(crate) type Variable = usize;

/// A sum of variables with coefficients, and what it evaluates to. Only a building system reads the
/// terms, and only an assigning one the value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Linear {
	terms: Vec<(Fr, Variable)>,
	value: Fr,
}

impl Linear {
	pub(crate) fn constant(value: impl Into<Fr>) -> Self {
		let value = value.into();
		Self { terms: vec![(value, 0)], value }
	}

	/// Adds `coefficient · other`.
	pub(crate) fn add(&mut self, coefficient: Fr, other: &Self) {
		self.terms.extend(other.terms.iter().map(|&(c, v)| (c * coefficient, v)));
		self.value += coefficient * other.value;
	}

	/// The row of a matrix: ordered by variable, each at most once, no coefficient zero.
	pub(crate) fn row(self) -> Vec<(Fr, Variable)> {
		let mut terms = self.terms;
		terms.sort_unstable_by_key(|&(_, variable)| variable);
		terms.dedup_by(|next, kept| {
			let same = next.1 == kept.1;
			if same {
				kept.0 += next.0;
			}
			same
		});
		terms.retain(|(coefficient, _)| *coefficient != Fr::ZERO);
		terms
	}
}

/// An integer of the circuit: the terms of its linear combination while the constraints are built, its value
/// while the witness is assigned. Copies share the terms.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
	terms: Option<Rc<Vec<(Fr, Variable)>>>,
	value: i64,
}

impl Wire {
	/// The value; 0 unless the witness is being assigned.
	pub(crate) fn value(&self) -> i64 {
		self.value
	}
}

/// What a [`System`] is used for.
enum Mode {
	/// Count constraints and variables.
	Count,
	/// Build the matrices.
	Build([Matrix; 3]),
	/// Assign the variables.
	Assign(Assigned),
}

/// Field elements, most of which are small integers and are kept as such.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Values {
	integers: Vec<i64>,
	/// Positions and values of the elements that are no small integers, in order. `integers` has
	/// zeros there.
	fields: Vec<(usize, Fr)>,
}

impl Values {
	pub(crate) fn push(&mut self, value: i64) {
		self.integers.push(value);
	}

	pub(crate) fn push_field(&mut self, value: Fr) {
		self.fields.push((self.integers.len(), value));
		self.integers.push(0);
	}

	pub(crate) fn len(&self) -> usize {
		self.integers.len()
	}

	/// The integers, with zeros in the place of other elements.
	pub(crate) fn integers(&self) -> &[i64] {
		&self.integers
	}

	/// Positions and values of the elements that are not in [`Values::integers`], in order.
	pub(crate) fn fields(&self) -> &[(usize, Fr)] {
		&self.fields
	}

	pub(crate) fn to_field(&self) -> Vec<Fr> {
		let mut values: Vec<Fr> = self.integers.iter().map(|&value| Fr::from(value)).collect();
		for &(at, value) in &self.fields {
			values[at] = value;
		}
		values
	}

	fn get(&self, at: usize) -> Fr {
		match self.fields.binary_search_by_key(&at, |&(position, _)| position) {
			Ok(found) => self.fields[found].1,
			Err(_) => Fr::from(self.integers[at]),
		}
	}
}

/// What a system holds that was assigned: all that depends on the input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assigned {
	/// The variables: the constant 1, the public inputs, the witness.
	pub(crate) variables: Values,
	/// The values of the rows of A, B and C.
	pub(crate) rows: [Values; 3],
}

impl Assigned {
	/// Index of the first constraint whose recorded values do not fit: `a · b ≠ c`.
	pub(crate) fn violated(&self) -> Option<usize> {
		let [a, b, c] = &self.rows;
		let no_integers: BTreeSet<usize> =
			self.rows.iter().flat_map(|row| &row.fields).map(|&(at, _)| at).collect();
		let wrong_field = no_integers.iter().copied().find(|&i| a.get(i) * b.get(i) != c.get(i));
		let product = |i: usize| i128::from(a.integers[i]) * i128::from(b.integers[i]);
		let wrong_integer = (0..a.len())
			.find(|&i| product(i) != i128::from(c.integers[i]) && !no_integers.contains(&i));
		[wrong_field, wrong_integer].into_iter().flatten().min()
	}
}

/// A rank-1 constraint system under construction.
pub(crate) struct System {
	mode: Mode,
	instance: usize,
	variables: usize,
	constraints: usize,
}

/// What a [`System`] holds in the end.
pub(crate) enum Finished {
	Count { constraints: usize },
	Build { matrices: [Matrix; 3], variables: usize },
	Assign(Assigned),
}

impl System {
	/// For counting. `instance` is the number of public inputs, the constant 1 included.
	pub(crate) fn count(instance: usize) -> Self {
		Self { mode: Mode::Count, instance, variables: instance, constraints: 0 }
	}

	/// For building the matrices.
	pub(crate) fn build(instance: usize) -> Self {
		let mode = Mode::Build([Vec::new(), Vec::new(), Vec::new()]);
		Self { mode, instance, variables: instance, constraints: 0 }
	}

	/// For assigning the witness, given the public inputs without the constant 1.
	pub(crate) fn assign(public_inputs: &[Fr]) -> Self {
		let mut assigned = Assigned::default();
		assigned.variables.push(1);
		public_inputs.iter().for_each(|&input| assigned.variables.push_field(input));
		let instance = assigned.variables.len();
		Self { mode: Mode::Assign(assigned), instance, variables: instance, constraints: 0 }
	}

	pub(crate) fn finish(self) -> Finished {
		match self.mode {
			Mode::Count => Finished::Count { constraints: self.constraints },
			Mode::Build(matrices) => Finished::Build { matrices, variables: self.variables },
			Mode::Assign(assigned) => Finished::Assign(assigned),
		}
	}

	/// Number of constraints so far.
	pub(crate) fn constraints(&self) -> usize {
		self.constraints
	}

	/// Whether values are known.
	pub(crate) fn assigning(&self) -> bool {
		matches!(self.mode, Mode::Assign(_))
	}

	/// The linear combination of public input `index`, counted from 0 after the constant 1.
	pub(crate) fn public_input(&self, index: usize) -> Linear {
		debug_assert!(index + 1 < self.instance);
		self.variable(index + 1, self.public_value(index))
	}

	/// The value of public input `index`; zero unless assigning.
	pub(crate) fn public_value(&self, index: usize) -> Fr {
		match &self.mode {
			Mode::Assign(assigned) => assigned.variables.get(index + 1),
			_ => Fr::ZERO,
		}
	}

	/// A new witness variable of any value.
	pub(crate) fn allocate_field(&mut self, value: impl FnOnce() -> Fr) -> Linear {
		let mut known = Fr::ZERO;
		if let Mode::Assign(assigned) = &mut self.mode {
			known = value();
			assigned.variables.push_field(known);
		}
		self.variables += 1;
		self.variable(self.variables - 1, known)
	}

	fn variable(&self, variable: Variable, value: Fr) -> Linear {
		let terms = if self.building() { vec![(Fr::ONE, variable)] } else { Vec::new() };
		Linear { terms, value }
	}

	/// The linear combination `constant + Σ coefficient · linear`; what is not needed of it is not
	/// computed.
	pub(crate) fn combine<'a>(
		&self,
		constant: Fr,
		terms: impl IntoIterator<Item = (Fr, &'a Linear)>,
	) -> Linear {
		if let Mode::Count = self.mode {
			return Linear::default();
		}
		let mut sum = Linear { terms: Vec::new(), value: constant };
		if self.building() {
			sum.terms.push((constant, 0));
		}
		for (coefficient, linear) in terms {
			sum.add(coefficient, linear);
		}
		Linear { value: sum.value, terms: sum.row() }
	}

	/// A new witness variable, constrained to be a combination: short where that is long.
	pub(crate) fn named(&mut self, linear: &Linear) -> Linear {
		self.field_product(linear, &Linear::constant(1))
	}

	/// A new witness variable of any value, constrained to be `a · b`.
	pub(crate) fn field_product(&mut self, a: &Linear, b: &Linear) -> Linear {
		let c = self.allocate_field(|| a.value * b.value);
		self.enforce(|| [a.clone(), b.clone(), c.clone()]);
		c
	}

	/// A new witness variable that holds an integer.
	pub(crate) fn allocate(&mut self, value: i64) -> Wire {
		if let Mode::Assign(assigned) = &mut self.mode {
			assigned.variables.push(value);
		}
		self.variables += 1;
		let variable = self.variables - 1;
		self.wire(|| vec![(Fr::ONE, variable)], value)
	}

	/// The wire of a constant.
	pub(crate) fn constant(&self, value: i64) -> Wire {
		self.wire(|| vec![(Fr::from(value), 0)], value)
	}

	fn wire(&self, terms: impl FnOnce() -> Vec<(Fr, Variable)>, value: i64) -> Wire {
		Wire { terms: self.building().then(|| Rc::new(terms())), value }
	}

	/// The wire `constant + Σ coefficient · wire`.
	pub(crate) fn sum<'a>(
		&self,
		constant: i64,
		terms: impl IntoIterator<Item = (i64, &'a Wire)>,
	) -> Wire {
		let mut value = constant;
		let mut sum = self.building().then(|| vec![(Fr::from(constant), 0)]);
		for (coefficient, wire) in terms {
			if coefficient == 0 {
				continue;
			}
			// Values stay far inside i64: all are below 2^33 except products in `is_zero`.
			value += coefficient * wire.value;
			if let (Some(sum), Some(terms)) = (&mut sum, &wire.terms) {
				let coefficient = Fr::from(coefficient);
				sum.extend(terms.iter().map(|&(c, v)| (c * coefficient, v)));
			}
		}
		let terms = sum.map(|terms| Rc::new(Linear { terms, value: Fr::ZERO }.row()));
		Wire { terms, value }
	}

	/// Adds the constraint `a · b = c`; the closure does not run while counting.
	///
	/// Evaluates field elements while assigning: prefer [`System::enforce_product`] for what is
	/// enforced often.
	pub(crate) fn enforce(&mut self, constraint: impl FnOnce() -> [Linear; 3]) {
		self.constraints += 1;
		match &mut self.mode {
			Mode::Count => (),
			Mode::Build(matrices) => {
				for (matrix, linear) in matrices.iter_mut().zip(constraint()) {
					matrix.push(linear.row());
				}
			},
			Mode::Assign(assigned) => {
				for (row, linear) in assigned.rows.iter_mut().zip(constraint()) {
					row.push_field(linear.value);
				}
			},
		}
	}

	/// Adds the constraint `a · b = c` on wires.
	pub(crate) fn enforce_product(&mut self, a: &Wire, b: &Wire, c: &Wire) {
		match &mut self.mode {
			Mode::Assign(assigned) => {
				self.constraints += 1;
				for (row, wire) in assigned.rows.iter_mut().zip([a, b, c]) {
					row.push(wire.value);
				}
			},
			_ => self.enforce(|| [a, b, c].map(Wire::linear)),
		}
	}

	/// A new witness variable constrained to be `a · b`.
	pub(crate) fn product(&mut self, a: &Wire, b: &Wire) -> Wire {
		let c = self.allocate(a.value * b.value);
		self.enforce_product(a, b, &c);
		c
	}

	/// Whether linear combinations are needed.
	pub(crate) fn building(&self) -> bool {
		matches!(self.mode, Mode::Build(_))
	}
}

impl Wire {
	/// The linear combination: its terms while building, its value while assigning.
	pub(crate) fn linear(&self) -> Linear {
		let terms = self.terms.as_deref().cloned().unwrap_or_default();
		Linear { terms, value: Fr::from(self.value) }
	}
}
