//! The circuit of a network: a rank-1 constraint system over the scalar field of BLS12-381.
//!
//! Weights are constants, so a linear layer is a change of coefficients and takes no constraint.
//! Constraints are spent on the bits of the input (8 per element), on rescaling activations, and
//! one per packed scalar; where something is committed, 300 on each permutation of Poseidon, which
//! takes four scalars. Where parameters are private, each takes its bits and its share of a
//! permutation, and each multiplication by a weight a constraint. The system does not depend on the input; its [`Circuit::digest`]
//! together with the statement's version names what a key is for.
//!
//! Variables: 0 is the constant 1, then the public inputs in the order of [`crate::statement`],
//! then the witness in the order in which `synthesise` allocates it.

mod gadget;
mod operator;
mod r1cs;

use crate::{
	hash,
	network::{Interval, Network, Trace, Trained},
	privacy::{scheme, Opening, Privacy, Visibility},
	statement::{self, ElementType},
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
	pub fn new(network: &Network, privacy: Privacy) -> Self {
		let instance = 1 + network.public_inputs(privacy);
		let mut system = System::build(instance);
		synthesise(network, privacy, &mut system, None);
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

/// What a witness is made of.
pub(crate) struct Secrets<'a> {
	/// The values of the network.
	pub(crate) trace: &'a Trace,
	/// Where something is committed.
	pub(crate) opening: Option<&'a Opening>,
}

/// The values of all variables and rows for one run of the network.
pub(crate) fn assign(
	network: &Network,
	privacy: Privacy,
	secrets: Secrets,
	public_inputs: &[Fr],
) -> Assigned {
	let mut system = System::assign(public_inputs);
	synthesise(network, privacy, &mut system, Some(secrets));
	match system.finish() {
		Finished::Assign(assigned) => assigned,
		_ => unreachable!("an assigning system finishes as assigned; qed"),
	}
}

/// Number of constraints of a circuit's parts.
pub(crate) struct Counts {
	/// Of each node of the network.
	pub(crate) nodes: Vec<usize>,
	/// Of all of them and of the statement.
	pub(crate) total: usize,
}

/// Counts constraints, without building them.
pub(crate) fn count_constraints(network: &Network, privacy: Privacy) -> Counts {
	let instance = 1 + network.public_inputs(privacy);
	let mut system = System::count(instance);
	let nodes = synthesise(network, privacy, &mut system, None);
	match system.finish() {
		Finished::Count { constraints } => Counts { nodes, total: constraints },
		_ => unreachable!("a counting system finishes as counted; qed"),
	}
}

/// The constraints of a network, in any mode of the system; returns how many each node takes.
/// `secrets` are given when assigning.
///
/// Public inputs are numbered as in [`crate::statement`]: the binding is 0.
fn synthesise(
	network: &Network,
	privacy: Privacy,
	system: &mut System,
	secrets: Option<Secrets>,
) -> Vec<usize> {
	let value = |at: usize, element: usize| {
		secrets.as_ref().map_or(0, |secrets| secrets.trace.0[at][element])
	};

	// binding² = square: the binding is part of what is proved.
	let binding = system.public_input(0);
	let square_value = system.public_value(0).square();
	let square = system.allocate_field(|| square_value);
	system.enforce(|| [binding.clone(), binding.clone(), square]);
	let opening = secrets.as_ref().and_then(|secrets| secrets.opening);
	let salt = privacy
		.commits()
		.then(|| system.allocate_field(|| opening.map_or(Fr::ZERO, Opening::salt_scalar)));

	let input: Vec<Wire> =
		(0..network.input().elements()).map(|i| system.allocate(value(0, i))).collect();
	for wire in &input {
		gadget::check_unsigned(system, wire, 8);
	}
	let scalars = pack(system, network.input().element, &input);
	// Behind the commitment to the parameters, if there is one.
	let mut next = 1 + usize::from(network.secret().is_some());
	if let Some(salt) = &salt {
		let (commitment, holder) = (next, system.public_input(next + 1));
		let committed = match privacy.input {
			Visibility::Committed => &scalars[..],
			Visibility::Public => &[],
		};
		let computed = scheme::request(system, salt, &holder, committed);
		publish(system, commitment, &[computed]);
		next += 2;
	}
	if privacy.input == Visibility::Public {
		publish(system, next, &scalars);
		next += scalars.len();
	}

	let mut parameters = Vec::new();
	let mut values = vec![input];
	let mut counts = Vec::with_capacity(network.nodes().len());
	for (index, node) in network.nodes().iter().enumerate() {
		let sources: Vec<&[Wire]> = node.sources.iter().map(|&at| &values[at][..]).collect();
		let bounds: Vec<&[Interval]> = node.sources.iter().map(|&at| network.bounds(at)).collect();
		let before = system.constraints();
		let trained = match node.operator.trained() {
			Some(trained) => witness(system, &trained, &mut parameters),
			None => Vec::new(),
		};
		let inputs = operator::Inputs { sources: &sources, bounds: &bounds, trained: &trained };
		let result = operator::constrain(system, &node.operator, &inputs, &|element| {
			value(index + 1, element)
		});
		values.push(result);
		counts.push(system.constraints() - before);
	}
	if let Some(secret) = network.secret() {
		let salt = system.allocate_field(|| secret.salt);
		let commitment = scheme::parameters(system, &salt, &parameters);
		publish(system, 1, &[commitment]);
	}
	let scalars = pack(system, network.output().element, &values[network.output_value()]);
	match (privacy.output, &salt) {
		(Visibility::Committed, Some(salt)) => seal(system, next, salt, &binding, &scalars),
		_ => publish(system, next, &scalars),
	}
	counts
}

/// Parameters as variables, checked to have the widths that they are declared to have; their scalars
/// are added to `scalars`.
fn witness(system: &mut System, trained: &Trained, scalars: &mut Vec<Linear>) -> Vec<Wire> {
	let wires: Vec<Wire> = trained.values.iter().map(|&value| system.allocate(value)).collect();
	for wire in &wires {
		match trained.element.signed() {
			true => gadget::check_signed(system, wire, trained.bits),
			false => gadget::check_unsigned(system, wire, trained.bits),
		}
	}
	scalars.extend(pack(system, trained.element, &wires));
	wires
}

/// The scalars that wires are packed into.
fn pack(system: &System, element: ElementType, wires: &[Wire]) -> Vec<Linear> {
	let shift = Fr::from(2u64).pow([8 * element.bytes() as u64]);
	let offset = Fr::from(element.offset());
	let powers: Vec<Fr> = std::iter::successors(Some(Fr::ONE), |power| Some(*power * shift))
		.take(element.per_scalar())
		.collect();
	let packed = wires.chunks(element.per_scalar()).map(|chunk| {
		let offset = powers[..chunk.len()].iter().sum::<Fr>() * offset;
		let elements: Vec<Linear> = chunk.iter().map(Wire::linear).collect();
		system.combine(offset, powers.iter().copied().zip(&elements))
	});
	packed.collect()
}

/// Constrains the public inputs from number `first` on to be these.
fn publish(system: &mut System, first: usize, scalars: &[Linear]) {
	for (number, scalar) in (first..).zip(scalars) {
		let public = system.public_input(number);
		system.enforce(|| [scalar.clone(), Linear::constant(1), public]);
	}
}

/// Constrains the public inputs from number `first` on to be commitment and ciphertext of an
/// output's scalars.
fn seal(system: &mut System, first: usize, salt: &Linear, binding: &Linear, scalars: &[Linear]) {
	// The scalars of a wide last layer are long combinations, which are needed four times.
	let scalars: Vec<Linear> = scalars.iter().map(|scalar| system.named(scalar)).collect();
	let commitment = scheme::output(system, salt, binding, &scalars);
	publish(system, first, &[commitment]);
	let commitment = system.public_input(first);
	let stream = scheme::keystream(system, salt, binding, &commitment, scalars.len());
	let sum = |(scalar, key)| system.combine(Fr::ZERO, [(Fr::ONE, scalar), (Fr::ONE, key)]);
	let ciphertext: Vec<Linear> = scalars.iter().zip(&stream).map(sum).collect();
	publish(system, first + 1, &ciphertext);
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
