//! The circuit of a network: a rank-1 constraint system over the scalar field of BLS12-381.
//!
//! Weights are constants, so a linear layer is a change of coefficients and takes no constraint.
//! Constraints are spent on the bits of the input (8 per element), on rescaling activations, and
//! one per packed scalar. The system does not depend on the input; its [`Circuit::digest`]
//! together with the statement's version names what a key is for.
//!
//! Variables: 0 is the constant 1, then the public inputs in the order of [`crate::statement`],
//! then the witness in the order in which `synthesise` allocates it.

mod gadget;
mod operator;
mod r1cs;

use crate::{
	hash,
	network::{Interval, Network, Trace},
	statement,
};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_relations::{
	gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError},
	utils::variable::Variable,
};
pub(crate) use r1cs::{Assigned, Values};
use r1cs::{Finished, Linear, Matrix, System, Wire};

/// The constraints of a network.
#[derive(Clone, Debug)]
pub struct Circuit {
	/// A, B and C: row `i` is the constraint `⟨A_i, z⟩ · ⟨B_i, z⟩ = ⟨C_i, z⟩`.
	matrices: [Matrix; 3],
	/// Public inputs and the constant 1.
	instance: usize,
	/// All variables.
	variables: usize,
}

impl Circuit {
	/// Builds the constraints of a network.
	pub fn new(network: &Network) -> Self {
		let instance = 1 + public_inputs(network);
		let mut system = System::build(instance);
		synthesise(network, &mut system, None);
		match system.finish() {
			Finished::Build { matrices, variables } => Self { matrices, instance, variables },
			_ => unreachable!("a building system finishes as built; qed"),
		}
	}

	/// Number of constraints.
	pub fn constraints(&self) -> usize {
		self.matrices[0].len()
	}

	/// Number of public inputs, without the constant 1.
	pub fn public_inputs(&self) -> usize {
		self.instance - 1
	}

	/// Number of witness variables.
	pub fn witness(&self) -> usize {
		self.variables - self.instance
	}

	/// Number of coefficients that are not zero, in the three matrices together.
	pub fn coefficients(&self) -> usize {
		self.matrices.iter().flatten().map(Vec::len).sum()
	}

	/// `blake2b-256` of the canonical serialisation of the constraint system:
	///
	/// - the 16 bytes `zkonnx/circuit/1`;
	/// - statement version (u16), number of public inputs with the constant 1, number of variables,
	///   number of constraints (u64 each);
	/// - for each of the matrices A, B, C, for each row: number of entries (u64), and for each entry,
	///   ordered by variable: variable (u64), coefficient (canonical scalar, 32 bytes).
	///
	/// All integers little-endian. A row has no zero coefficient and no variable twice.
	pub fn digest(&self) -> [u8; 32] {
		let mut state = hash::hasher();
		state.update(b"zkonnx/circuit/1");
		state.update(&statement::VERSION.to_le_bytes());
		for count in [self.instance, self.variables, self.constraints()] {
			state.update(&(count as u64).to_le_bytes());
		}
		let mut buffer = Vec::new();
		for row in self.matrices.iter().flatten() {
			buffer.clear();
			buffer.extend_from_slice(&(row.len() as u64).to_le_bytes());
			for (coefficient, variable) in row {
				buffer.extend_from_slice(&(*variable as u64).to_le_bytes());
				buffer.extend_from_slice(&statement::scalar_to_bytes(*coefficient));
			}
			state.update(&buffer);
		}
		hash::digest(&state)
	}

	/// Index of the first constraint that an assignment (the constant 1, the public inputs and the
	/// witness) violates, or `None` if it satisfies all. A missing variable counts as zero.
	pub fn violated(&self, assignment: &[Fr]) -> Option<usize> {
		let evaluate = |row: &[(Fr, usize)]| -> Fr {
			row.iter()
				.map(|(coefficient, variable)| {
					*coefficient * assignment.get(*variable).copied().unwrap_or(Fr::ZERO)
				})
				.sum()
		};
		let [a, b, c] = &self.matrices;
		(0..a.len()).find(|&i| evaluate(&a[i]) * evaluate(&b[i]) != evaluate(&c[i]))
	}

	pub(crate) fn matrices(&self) -> &[Matrix; 3] {
		&self.matrices
	}

	/// Public inputs and the constant 1.
	pub(crate) fn instance(&self) -> usize {
		self.instance
	}
}

/// The values of all variables and rows for one run of the network.
pub(crate) fn assign(network: &Network, trace: &Trace, public_inputs: &[Fr]) -> Assigned {
	let mut system = System::assign(public_inputs);
	synthesise(network, &mut system, Some(trace));
	match system.finish() {
		Finished::Assign(assigned) => assigned,
		_ => unreachable!("an assigning system finishes as assigned; qed"),
	}
}

/// Number of constraints, without building them.
pub(crate) fn count_constraints(network: &Network) -> usize {
	let mut system = System::count(1 + public_inputs(network));
	synthesise(network, &mut system, None);
	match system.finish() {
		Finished::Count { constraints } => constraints,
		_ => unreachable!("a counting system finishes as counted; qed"),
	}
}

/// Number of public inputs of a network's circuit, without the constant 1.
fn public_inputs(network: &Network) -> usize {
	let scalars = |kind: &crate::TensorType| kind.element.scalars(kind.elements());
	1 + scalars(network.input()) + scalars(network.output())
}

/// The constraints of a network, in any mode of the system. `trace` is given when assigning.
fn synthesise(network: &Network, system: &mut System, trace: Option<&Trace>) {
	let value = |at: usize, element: usize| trace.map_or(0, |trace| trace.0[at][element]);

	// binding² = square: the binding is part of what is proved.
	let binding = system.public_input(0);
	let square_value = system.public_value(0).square();
	let square = system.allocate_field(|| square_value);
	system.enforce(|| [binding.clone(), binding, square]);

	let input: Vec<Wire> =
		(0..network.input().elements()).map(|i| system.allocate(value(0, i))).collect();
	for wire in &input {
		gadget::check_u8(system, wire);
	}
	let input_scalars = unpack(system, network.input(), &input, 1);

	let mut values = vec![input];
	for (index, node) in network.nodes().iter().enumerate() {
		let sources: Vec<&[Wire]> = node.sources.iter().map(|&at| &values[at][..]).collect();
		let bounds: Vec<&[Interval]> = node.sources.iter().map(|&at| network.bounds(at)).collect();
		let result = operator::constrain(system, &node.operator, &sources, &bounds, &|element| {
			value(index + 1, element)
		});
		values.push(result);
	}
	unpack(system, network.output(), &values[network.output_value()], 1 + input_scalars);
}

/// Constrains the public inputs from number `first` on to be the packed form of `wires`, and
/// returns how many there are.
fn unpack(system: &mut System, kind: &crate::TensorType, wires: &[Wire], first: usize) -> usize {
	let shift = Fr::from(2u64).pow([8 * kind.element.bytes() as u64]);
	let offset = Fr::from(kind.element.offset());
	let chunks = wires.chunks(kind.element.per_scalar());
	let count = chunks.len();
	for (index, chunk) in chunks.enumerate() {
		let scalar = system.public_input(first + index);
		system.enforce(|| {
			let (mut sum, mut power) = (Linear::default(), Fr::ONE);
			for wire in chunk {
				sum.add(power, &wire.linear());
				sum.add(power * offset, &Linear::constant(1));
				power *= shift;
			}
			[sum, Linear::constant(1), scalar]
		});
	}
	count
}

impl ConstraintSynthesizer<Fr> for &Circuit {
	/// Hands the constraints to arkworks; variables and rows keep their order.
	fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		let missing = || Err(SynthesisError::AssignmentMissing);
		let mut variables = vec![Variable::one()];
		for _ in 1..self.instance {
			variables.push(cs.new_input_variable(missing)?);
		}
		for _ in self.instance..self.variables {
			variables.push(cs.new_witness_variable(missing)?);
		}
		let combination = |row: &[(Fr, usize)]| {
			let mut combination = LinearCombination::zero();
			for (coefficient, variable) in row {
				combination += (*coefficient, variables[*variable]);
			}
			combination
		};
		let [a, b, c] = &self.matrices;
		for ((a, b), c) in a.iter().zip(b).zip(c) {
			cs.enforce_r1cs_constraint(|| combination(a), || combination(b), || combination(c))?;
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests;
