//! Keys and proofs of the real prover: the simulator shares our reading of the protocol, this does
//! not.

use super::*;
use aimodel_primitives::traits::ProofVerifier;
use ark_bls12_381::{Bls12_381, Fr};
use ark_groth16::Groth16;
use ark_relations::{
	gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError},
	lc,
};
use ark_std::rand::{rngs::StdRng, SeedableRng};
use frame_support::{assert_noop, assert_ok};

/// Knows a, b with a·b = product, and has a·product, b·product, a + b for further public inputs.
#[derive(Clone)]
struct Factors {
	a: Fr,
	b: Fr,
}

impl Factors {
	fn public(&self) -> [Fr; 4] {
		let product = self.a * self.b;
		[product, self.a * product, self.b * product, self.a + self.b]
	}
}

impl ConstraintSynthesizer<Fr> for Factors {
	fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		let public = self.public();
		let product = cs.new_input_variable(|| Ok(public[0]))?;
		let a_product = cs.new_input_variable(|| Ok(public[1]))?;
		let b_product = cs.new_input_variable(|| Ok(public[2]))?;
		let sum = cs.new_input_variable(|| Ok(public[3]))?;
		let a = cs.new_witness_variable(|| Ok(self.a))?;
		let b = cs.new_witness_variable(|| Ok(self.b))?;
		let one = ark_relations::gr1cs::Variable::One;
		cs.enforce_r1cs_constraint(|| lc!() + a, || lc!() + b, || lc!() + product)?;
		cs.enforce_r1cs_constraint(|| lc!() + a, || lc!() + product, || lc!() + a_product)?;
		cs.enforce_r1cs_constraint(|| lc!() + b, || lc!() + product, || lc!() + b_product)?;
		cs.enforce_r1cs_constraint(|| lc!() + a + b, || lc!() + one, || lc!() + sum)
	}
}

#[test]
fn a_proof_of_ark_groth16_verifies() {
	TestExt::new().build_and_execute(|| {
		let mut rng = StdRng::seed_from_u64(SEED);
		let circuit = Factors { a: 3u64.into(), b: 5u64.into() };
		let pk = Groth16::<Bls12_381>::generate_random_parameters_with_reduction(
			circuit.clone(),
			&mut rng,
		)
		.unwrap();
		let proof = Groth16::<Bls12_381>::create_random_proof_with_reduction(
			circuit.clone(),
			&pk,
			&mut rng,
		)
		.unwrap();

		let mut points = encoded(pk.vk.alpha_g1);
		points.extend(encoded(pk.vk.beta_g2));
		points.extend(encoded(pk.vk.gamma_g2));
		points.extend(encoded(pk.vk.delta_g2));
		pk.vk.gamma_abc_g1.iter().for_each(|point| points.extend(encoded(*point)));
		let key = registered(ALICE, &points);
		assert_eq!(ZkVerifier::key(&key).unwrap().public_inputs, 4);

		let proof = [encoded(proof.a), encoded(proof.b), encoded(proof.c)].concat();
		let inputs: Vec<Scalar> = circuit
			.public()
			.iter()
			.map(|x| x.into_bigint().to_bytes_le().try_into().unwrap())
			.collect();
		assert_ok!(ZkVerifier::verify(&key, &inputs, &proof));

		// The same proof of 3·5 = 16, and of one thing more.
		let mut wrong = inputs.clone();
		wrong[0][0] += 1;
		assert_noop!(ZkVerifier::verify(&key, &wrong, &proof), Error::ProofRejected);
		let more = [&inputs[..], &[[9; 32]]].concat();
		assert_noop!(ZkVerifier::verify(&key, &more, &proof), Error::WrongNumberOfPublicInputs);
	});
}

#[test]
fn ark_groth16_accepts_simulated_proofs() {
	let inputs = simulator::inputs(3, SEED);
	let (points, proof) = simulator::instance(&inputs, SEED);
	let vk = ark_groth16::VerifyingKey::<Bls12_381> {
		alpha_g1: decoded(&points[..96]),
		beta_g2: decoded(&points[96..288]),
		gamma_g2: decoded(&points[288..480]),
		delta_g2: decoded(&points[480..672]),
		gamma_abc_g1: points[672..].chunks(96).map(decoded).collect(),
	};
	let proof = ark_groth16::Proof {
		a: decoded(&proof[..96]),
		b: decoded(&proof[96..288]),
		c: decoded(&proof[288..]),
	};
	let inputs: Vec<Fr> = inputs.iter().map(|x| Fr::from_le_bytes_mod_order(x)).collect();
	let pvk = ark_groth16::prepare_verifying_key(&vk);
	assert_eq!(Groth16::<Bls12_381>::verify_proof(&pvk, &proof, &inputs), Ok(true));
}
