//! Linear combinations, and a constraint system that is built or assigned by the same code.

use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Rows of `(coefficient, variable)`; the form of [`ark_relations`] and `ark_groth16`.
pub(crate) type Matrix = Vec<Vec<(Fr, usize)>>;

/// Index of a variable: 0 is the constant 1, then the public inputs, then the witness.
pub(crate) type Variable = usize;

/// A sum of variables with coefficients.
#[derive(Clone, Debug, Default)]
pub(crate) struct Linear(Vec<(Fr, Variable)>);

impl Linear {
	pub(crate) fn constant(value: impl Into<Fr>) -> Self {
		Self(vec![(value.into(), 0)])
	}

	pub(crate) fn variable(variable: Variable) -> Self {
		Self(vec![(Fr::ONE, variable)])
	}

	/// Adds `coefficient · other`.
	pub(crate) fn add(&mut self, coefficient: Fr, other: &Self) {
		self.0.extend(other.0.iter().map(|&(c, v)| (c * coefficient, v)));
	}

	/// The row of a matrix: ordered by variable, each at most once, no coefficient zero.
	pub(crate) fn row(mut self) -> Vec<(Fr, Variable)> {
		self.0.sort_unstable_by_key(|&(_, variable)| variable);
		self.0.dedup_by(|next, kept| {
			let same = next.1 == kept.1;
			if same {
				kept.0 += next.0;
			}
			same
		});
		self.0.retain(|(coefficient, _)| *coefficient != Fr::ZERO);
		self.0
	}
}

/// An integer of the circuit: its linear combination while the constraints are built, its value
/// while the witness is assigned.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
	linear: Option<Linear>,
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
	Assign(Vec<Fr>),
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
	Assign { assignment: Vec<Fr> },
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
		let assignment: Vec<Fr> =
			std::iter::once(Fr::ONE).chain(public_inputs.iter().copied()).collect();
		let instance = assignment.len();
		Self { mode: Mode::Assign(assignment), instance, variables: instance, constraints: 0 }
	}

	pub(crate) fn finish(self) -> Finished {
		match self.mode {
			Mode::Count => Finished::Count { constraints: self.constraints },
			Mode::Build(matrices) => Finished::Build { matrices, variables: self.variables },
			Mode::Assign(assignment) => Finished::Assign { assignment },
		}
	}

	/// Whether values are known.
	pub(crate) fn assigning(&self) -> bool {
		matches!(self.mode, Mode::Assign(_))
	}

	/// The linear combination of public input `index`, counted from 0 after the constant 1.
	pub(crate) fn public_input(&self, index: usize) -> Linear {
		debug_assert!(index + 1 < self.instance);
		Linear::variable(index + 1)
	}

	/// The value of public input `index`; zero unless assigning.
	pub(crate) fn public_value(&self, index: usize) -> Fr {
		match &self.mode {
			Mode::Assign(assignment) => assignment[index + 1],
			_ => Fr::ZERO,
		}
	}

	/// A new witness variable of any value.
	pub(crate) fn allocate_field(&mut self, value: impl FnOnce() -> Fr) -> Linear {
		if let Mode::Assign(assignment) = &mut self.mode {
			assignment.push(value());
		}
		self.variables += 1;
		Linear::variable(self.variables - 1)
	}

	/// A new witness variable that holds an integer.
	pub(crate) fn allocate(&mut self, value: i64) -> Wire {
		let linear = self.allocate_field(|| Fr::from(value));
		Wire { linear: self.building().then_some(linear), value }
	}

	/// The wire of a constant.
	pub(crate) fn constant(&self, value: i64) -> Wire {
		Wire { linear: self.building().then(|| Linear::constant(value)), value }
	}

	/// The wire `constant + Σ coefficient · wire`.
	pub(crate) fn sum<'a>(
		&self,
		constant: i64,
		terms: impl IntoIterator<Item = (i64, &'a Wire)>,
	) -> Wire {
		let mut sum = self.constant(constant);
		for (coefficient, wire) in terms {
			if coefficient == 0 {
				continue;
			}
			// Values stay far inside i64: all are below 2^33 except products in `is_zero`.
			sum.value += coefficient * wire.value;
			if let (Some(sum), Some(linear)) = (&mut sum.linear, &wire.linear) {
				sum.add(Fr::from(coefficient), linear);
			}
		}
		if let Some(linear) = &mut sum.linear {
			*linear = Linear(std::mem::take(linear).row());
		}
		sum
	}

	/// Adds the constraint `a · b = c`; the closure runs only while building.
	pub(crate) fn enforce(&mut self, constraint: impl FnOnce() -> [Linear; 3]) {
		self.constraints += 1;
		if let Mode::Build(matrices) = &mut self.mode {
			for (matrix, linear) in matrices.iter_mut().zip(constraint()) {
				matrix.push(linear.row());
			}
		}
	}

	/// Adds the constraint `a · b = c` on wires.
	pub(crate) fn enforce_product(&mut self, a: &Wire, b: &Wire, c: &Wire) {
		self.enforce(|| [a, b, c].map(Wire::linear));
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
	/// The linear combination; only while building.
	pub(crate) fn linear(&self) -> Linear {
		self.linear.clone().unwrap_or_default()
	}
}
