//! Proving and verifying.

use crate::{
	circuit::{self, Assigned, Circuit, Secrets},
	groth16::{
		points::{multiply, scalar_bytes, Point, SCALAR_BITS},
		prover as groth16,
	},
	hash,
	keys::{KeyError, ProvingKey, VerifyingKey},
	network::{ExecuteError, Network},
	privacy::{Opening, Privacy, Visibility},
	statement::{self, InputPart, Request},
};
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective};
use ark_ec::{
	pairing::Pairing,
	short_weierstrass::{Affine, SWCurveConfig},
	AffineRepr, CurveGroup,
};
use ark_ff::{AdditiveGroup, Field, UniformRand, Zero};
use ark_groth16::Groth16;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use ark_std::rand::{CryptoRng, RngCore};
use blst::blst_p1_affine;
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Length of a proof's interchange form.
pub const PROOF_BYTES: usize = 192;

/// Length of a proof's uncompressed form, which takes no square roots to read.
pub const UNCOMPRESSED_PROOF_BYTES: usize = 384;

/// A Groth16 proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof(ark_groth16::Proof<Bls12_381>);

/// Bytes that are no proof.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
	/// Neither form has this length.
	#[error("a proof has {PROOF_BYTES} bytes, or {UNCOMPRESSED_PROOF_BYTES} uncompressed; these are {0}")]
	Length(usize),
	/// A point is not in canonical form, not on the curve, or not in the subgroup.
	#[error("the bytes are not three valid points")]
	Point,
}

impl Proof {
	/// Reads either form, told apart by length. Points are checked in full.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
		let (proof, canonical) = match bytes.len() {
			PROOF_BYTES => {
				let proof = ark_groth16::Proof::deserialize_compressed(bytes)
					.map(Self)
					.map_err(|_| ProofError::Point)?;
				let canonical = proof.to_bytes().to_vec();
				(proof, canonical)
			},
			UNCOMPRESSED_PROOF_BYTES => {
				let proof = ark_groth16::Proof::deserialize_uncompressed(bytes)
					.map(Self)
					.map_err(|_| ProofError::Point)?;
				let canonical = proof.to_uncompressed_bytes().to_vec();
				(proof, canonical)
			},
			length => return Err(ProofError::Length(length)),
		};
		// `ark-bls12-381` 0.6 takes for granted that an uncompressed point is on the curve.
		match proof.is_in_groups() && canonical == bytes {
			true => Ok(proof),
			false => Err(ProofError::Point),
		}
	}

	/// Whether each point is on its curve and in its subgroup of prime order.
	fn is_in_groups(&self) -> bool {
		fn in_group<P: SWCurveConfig>(point: &Affine<P>) -> bool {
			point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve()
		}
		let ark_groth16::Proof { a, b, c } = &self.0;
		in_group(a) && in_group(b) && in_group(c)
	}

	/// The interchange form: A, B, C compressed.
	pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
		let mut bytes = [0; PROOF_BYTES];
		self.0.serialize_compressed(&mut bytes[..]).expect("48 + 96 + 48 = 192; qed");
		bytes
	}

	/// A, B, C uncompressed, as a chain's calls carry them.
	pub fn to_uncompressed_bytes(&self) -> [u8; UNCOMPRESSED_PROOF_BYTES] {
		let mut bytes = [0; UNCOMPRESSED_PROOF_BYTES];
		self.0.serialize_uncompressed(&mut bytes[..]).expect("96 + 192 + 96 = 384; qed");
		bytes
	}
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProveError {
	/// The network does not run on the input.
	#[error(transparent)]
	Execute(#[from] ExecuteError),
	/// The key is for commitments, and no opening was given.
	#[error("the key is for requests with a commitment, whose opening is needed")]
	MissingOpening,
	/// An opening was given, and the key is for input and output that are public.
	#[error("an opening was given, and the key is for a public input and a public output")]
	UnneededOpening,
	/// The witness violates a constraint. The circuit admits every input, so it would be a bug in
	/// this crate.
	#[error("the witness violates constraint {0}")]
	Unsatisfied(usize),
	/// The proof that was made does not verify: a point of the proving key is not what it must be,
	/// or there is a bug in this crate.
	#[error("the proof that was made is not valid: the proving key is damaged")]
	Invalid,
}

/// An inference and its proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Proved {
	/// The bytes of the output tensor.
	pub output: Vec<u8>,
	/// What the statement tells of the output: the same, or its commitment and ciphertext
	/// ([`Opening::seal_output`]).
	pub published: Vec<u8>,
	/// The proof.
	pub proof: Proof,
}

/// An input, the binding of its proof and, where something is committed, the request's opening.
pub type Job<'a> = (&'a [u8], Fr, Option<&'a Opening>);

/// Where the time of a proof goes, for benchmarks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timings {
	/// Running the network, and assigning the variables and the values of the rows.
	pub assign: Duration,
	/// Checking the values of the rows.
	pub check: Duration,
	/// The transforms that give the quotient polynomial.
	pub quotient: Duration,
	/// The multi-scalar multiplication of the quotient.
	pub h: Duration,
	/// The multi-scalar multiplications of the variables, and the rest of the proof.
	pub variables: Duration,
	/// Verifying the proof.
	pub verify: Duration,
	/// What plain arkworks takes to make the same proof from the same variables.
	pub arkworks: Option<Duration>,
}

impl Timings {
	/// All of [`Prover::prove`].
	pub fn prove(&self) -> Duration {
		self.assign + self.check + self.quotient + self.h + self.variables + self.verify
	}
}

/// Makes proofs for one network with one key. What does not depend on the input is computed once.
///
/// All parallel work runs where it is called from: install a rayon pool around [`Prover::prove`]
/// to bound it. (Only small rests of it are left to arkworks 0.6.)
///
/// A proof that leaves a prover is valid. The values of the constraints' rows are checked against
/// each other, which costs next to nothing and names the constraint; but they can not tell of a
/// damaged key, or of a variable that is not what the rows were computed from. So the finished
/// proof is verified, too, for about two milliseconds, and its points are checked to be in their
/// groups: a key with points of small order gives proofs that the equation accepts, and that no
/// reader of proofs does. It is verified with the key inside the proving key; whether that is the
/// key that somebody else holds is for the caller to compare.
#[derive(Debug)]
pub struct Prover {
	network: Network,
	key: ProvingKey,
	verifying_key: VerifyingKey,
	circuit: Circuit,
	groth16: groth16::Prover,
}

/// An input that was run: all that a proof needs but randomness.
pub(crate) struct Run {
	output: Vec<u8>,
	published: Vec<u8>,
	pub(crate) public: Vec<Fr>,
	pub(crate) assigned: Assigned,
}

impl Run {
	/// Runs a network, and assigns the variables of one of its circuits.
	pub(crate) fn new(
		network: &Network,
		privacy: Privacy,
		(input, binding, opening): Job,
	) -> Result<Self, ProveError> {
		const CHECKED: &str =
			"the executor has checked the input's length and made the output; qed";
		match (privacy.commits(), opening) {
			(true, None) => return Err(ProveError::MissingOpening),
			(false, Some(_)) => return Err(ProveError::UnneededOpening),
			_ => (),
		}
		let trace = network.trace(input)?;
		let output = network.output_bytes(&trace);
		let tensor = (network.input(), input);
		let request = opening.map(|opening| Request {
			commitment: opening.commit(privacy, tensor).expect(CHECKED),
			holder: opening.holder(),
		});
		let published = match (privacy.output, opening) {
			(Visibility::Committed, Some(opening)) => {
				opening.seal_output(binding, (network.output(), &output)).expect(CHECKED)
			},
			_ => output.clone(),
		};
		let tensor = (privacy.input == Visibility::Public).then_some(tensor);
		let (input, output_part) =
			(InputPart { request, tensor }, (network.output(), &published[..]));
		let parameters = network.parameter_commitment();
		let public = statement::public_inputs(binding, parameters, privacy, input, output_part)
			.expect(CHECKED);
		let assigned =
			circuit::assign(network, privacy, Secrets { trace: &trace, opening }, &public);
		Ok(Self { output, published, public, assigned })
	}
}

impl Prover {
	/// Checks that the key was made for the network, and prepares what all proofs share. What is
	/// public and what is committed is as the key says.
	pub fn new(network: Network, key: ProvingKey) -> Result<Self, KeyError> {
		let circuit = Circuit::new(&network, key.info().privacy);
		key.check(&network, &circuit)?;
		let groth16 = groth16::Prover::new(circuit.constraints(), circuit.instance())
			.ok_or(KeyError::TooLarge)?;
		let verifying_key = key.verifying_key();
		Ok(Self { network, key, verifying_key, circuit, groth16 })
	}

	/// Computes what makes each further proof of a small circuit faster. Takes the time of some ten
	/// proofs and 1.8 MB; does nothing for circuits of 2^11 constraints and more.
	pub fn warm(mut self) -> Self {
		self.groth16.warm(self.key.groth16());
		self
	}

	/// The network.
	pub fn network(&self) -> &Network {
		&self.network
	}

	/// The circuit.
	pub fn circuit(&self) -> &Circuit {
		&self.circuit
	}

	/// The proving key.
	pub fn key(&self) -> &ProvingKey {
		&self.key
	}

	/// Runs the network on the bytes of an input tensor, and proves that the output is the network's
	/// answer. The proof is valid for this binding only. Where something is committed, `opening` is
	/// the request's: the proof is about its commitment and its holder.
	pub fn prove(
		&self,
		input: &[u8],
		binding: Fr,
		opening: Option<&Opening>,
		rng: &mut (impl RngCore + CryptoRng),
	) -> Result<Proved, ProveError> {
		let blinding = [Fr::rand(rng), Fr::rand(rng)];
		let (proved, public) = self.unverified((input, binding, opening), blinding)?;
		verify(&self.verifying_key, &public, &proved.proof).map_err(|_| ProveError::Invalid)?;
		Ok(proved)
	}

	/// [`Prover::prove`] for several inputs. As many are proved at once as the pool has threads, so
	/// that memory does not grow with their number. All are verified together.
	pub fn prove_batch(
		&self,
		jobs: &[Job],
		rng: &mut (impl RngCore + CryptoRng),
	) -> Vec<Result<Proved, ProveError>> {
		let mut results = Vec::with_capacity(jobs.len());
		for part in jobs.chunks(rayon::current_num_threads()) {
			let part: Vec<_> =
				part.iter().map(|job| (*job, [Fr::rand(rng), Fr::rand(rng)])).collect();
			let proved: Vec<_> = part
				.into_par_iter()
				.map(|(job, blinding)| self.unverified(job, blinding))
				.collect();
			results.extend(proved);
		}
		let proofs: Vec<_> =
			results.iter().flatten().map(|(proved, public)| (&public[..], &proved.proof)).collect();
		let all_valid = verify_batch(&self.verifying_key, &proofs).is_ok();
		let checked = |(proved, public): (Proved, Vec<Fr>)| match all_valid
			|| verify(&self.verifying_key, &public, &proved.proof).is_ok()
		{
			true => Ok(proved),
			false => Err(ProveError::Invalid),
		};
		results.into_iter().map(|result| result.and_then(checked)).collect()
	}

	/// Makes and drops a proof, for an opening of its own where one is needed, and says where the
	/// time went; `arkworks` is whether to make it with plain arkworks, too.
	pub fn time(
		&self,
		input: &[u8],
		rng: &mut (impl RngCore + CryptoRng),
		arkworks: bool,
	) -> Result<Timings, ProveError> {
		let commits = self.key.info().privacy.commits();
		let opening = commits.then(|| Opening::random(Fr::ONE, rng));
		let start = Instant::now();
		let run = self.run((input, Fr::ONE, opening.as_ref()))?;
		let assign = start.elapsed();
		let start = Instant::now();
		check(&run.assigned)?;
		let check = start.elapsed();
		let key = self.key.groth16();
		let (r, s) = (Fr::rand(rng), Fr::rand(rng));
		let (proof, [quotient, h, variables]) = self.groth16.prove(key, &run.assigned, r, s);
		let proof = Proof(proof);
		let start = Instant::now();
		verify(&self.verifying_key, &run.public, &proof).map_err(|_| ProveError::Invalid)?;
		let verify = start.elapsed();
		let arkworks = arkworks.then(|| {
			let (key, variables) = (key.to_arkworks(), run.assigned.variables.to_field());
			let start = Instant::now();
			let other = self.prove_with_arkworks(&key, r, s, &variables);
			let time = start.elapsed();
			(other == Ok(proof)).then_some(time).ok_or(ProveError::Invalid)
		});
		let arkworks = arkworks.transpose()?;
		Ok(Timings { assign, check, quotient, h, variables, verify, arkworks })
	}

	/// The proof that plain arkworks makes.
	fn prove_with_arkworks(
		&self,
		key: &ark_groth16::ProvingKey<Bls12_381>,
		r: Fr,
		s: Fr,
		variables: &[Fr],
	) -> Result<Proof, ProveError> {
		Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
			key,
			r,
			s,
			self.circuit.matrices(),
			self.circuit.instance(),
			self.circuit.constraints(),
			variables,
		)
		.map(Proof)
		.map_err(|_| ProveError::Invalid)
	}

	fn run(&self, job: Job) -> Result<Run, ProveError> {
		Run::new(&self.network, self.key.info().privacy, job)
	}

	/// A proof and its public inputs.
	fn unverified(&self, job: Job, [r, s]: [Fr; 2]) -> Result<(Proved, Vec<Fr>), ProveError> {
		let Run { output, published, public, assigned } = self.run(job)?;
		check(&assigned)?;
		let (proof, _) = self.groth16.prove(self.key.groth16(), &assigned, r, s);
		let proof = Proof(proof);
		match proof.is_in_groups() {
			true => Ok((Proved { output, published, proof }, public)),
			false => Err(ProveError::Invalid),
		}
	}
}

fn check(assigned: &Assigned) -> Result<(), ProveError> {
	match assigned.violated() {
		Some(constraint) => Err(ProveError::Unsatisfied(constraint)),
		None => Ok(()),
	}
}

/// Why a proof is not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
	/// The number of public inputs is not the key's. `ark-groth16` 0.6 ignores extra ones.
	#[error("there are {got} public inputs; the key is for {expected}")]
	PublicInputs {
		/// Public inputs of the key.
		expected: usize,
		/// Public inputs given.
		got: usize,
	},
	/// The proof does not prove the statement; of a batch, at least one does not.
	#[error("the proof is not valid for this key and statement")]
	Invalid,
}

fn check_public_inputs(key: &VerifyingKey, public_inputs: &[Fr]) -> Result<(), VerifyError> {
	let expected = key.prepared().vk.gamma_abc_g1.len() - 1;
	match public_inputs.len() {
		got if got != expected => Err(VerifyError::PublicInputs { expected, got }),
		_ => Ok(()),
	}
}

/// `Σ scalar · point` of the key's points for the constant 1 and the public inputs.
fn combine_public_inputs(key: &VerifyingKey, scalars: &[Fr]) -> G1Projective {
	let points: Vec<_> = key.prepared().vk.gamma_abc_g1.iter().map(blst_p1_affine::pack).collect();
	let scalars: Vec<u8> = scalars.iter().flat_map(|&scalar| scalar_bytes(scalar)).collect();
	multiply(&points, &scalars, SCALAR_BITS)
}

/// Checks a proof against a key and public inputs (see [`statement::public_inputs`]).
pub fn verify(key: &VerifyingKey, public_inputs: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
	check_public_inputs(key, public_inputs)?;
	let scalars: Vec<Fr> = std::iter::once(Fr::ONE).chain(public_inputs.iter().copied()).collect();
	let public = combine_public_inputs(key, &scalars);
	match Groth16::<Bls12_381>::verify_proof_with_prepared_inputs(key.prepared(), &proof.0, &public)
	{
		Ok(true) => Ok(()),
		_ => Err(VerifyError::Invalid),
	}
}

/// Checks proofs for one key, each with its public inputs, in one equation: with one final
/// exponentiation, and for a further proof one Miller loop and two multiplications by 128 bits.
/// If one proof is not valid, the batch is refused, without saying which. The empty batch is
/// accepted.
///
/// Equation `i` is raised to `rᵢ`, or crafted invalid proofs would cancel each other: the first 16
/// bytes, little-endian, of `blake2b-256` of
///
/// - the 14 bytes `zkonnx/batch/1`;
/// - the key ([`VerifyingKey::points`]);
/// - for each proof: its public inputs (canonical scalars, 32 bytes), its uncompressed form;
/// - `i` as u64, little-endian.
///
/// Nobody can choose a proof after the coefficients are known, since it changes all of them.
pub fn verify_batch(key: &VerifyingKey, proofs: &[(&[Fr], &Proof)]) -> Result<(), VerifyError> {
	for (public_inputs, _) in proofs {
		check_public_inputs(key, public_inputs)?;
	}
	let coefficients = coefficients(key, proofs);
	let vk = &key.prepared().vk;

	// Π e(rᵢ·Aᵢ, Bᵢ) = e(Σrᵢ·α, β) · e(Σ rᵢ·inputsᵢ, γ) · e(Σ rᵢ·Cᵢ, δ)
	let mut inputs = vec![Fr::ZERO; vk.gamma_abc_g1.len()];
	for ((public_inputs, _), coefficient) in proofs.iter().zip(&coefficients) {
		let coefficient = Fr::from(*coefficient);
		inputs[0] += coefficient;
		for (sum, input) in inputs[1..].iter_mut().zip(*public_inputs) {
			*sum += coefficient * input;
		}
	}
	let times =
		|point: &G1Affine, scalar: u128| point.mul_bigint([scalar as u64, (scalar >> 64) as u64]);
	let (a, c): (Vec<G1Projective>, Vec<G1Projective>) = proofs
		.par_iter()
		.zip(&coefficients)
		.map(|((_, proof), &coefficient)| {
			(times(&proof.0.a, coefficient), times(&proof.0.c, coefficient))
		})
		.unzip();
	let public = combine_public_inputs(key, &inputs);
	let mut left = a;
	left.extend([vk.alpha_g1 * -inputs[0], -public, -c.into_iter().sum::<G1Projective>()]);
	let left = G1Projective::normalize_batch(&left);
	let right = proofs.iter().map(|(_, proof)| proof.0.b);
	let right = right.chain([vk.beta_g2, vk.gamma_g2, vk.delta_g2]);
	match Bls12_381::multi_pairing(left, right).is_zero() {
		true => Ok(()),
		false => Err(VerifyError::Invalid),
	}
}

fn coefficients(key: &VerifyingKey, proofs: &[(&[Fr], &Proof)]) -> Vec<u128> {
	let mut state = hash::hasher();
	state.update(b"zkonnx/batch/1").update(&key.points());
	for (public_inputs, proof) in proofs {
		for input in *public_inputs {
			state.update(&statement::scalar_to_bytes(*input));
		}
		state.update(&proof.to_uncompressed_bytes());
	}
	(0..proofs.len() as u64)
		.map(|index| {
			let digest = hash::digest(state.clone().update(&index.to_le_bytes()));
			let (half, _) = digest.split_first_chunk().expect("32 bytes are 16 and more; qed");
			u128::from_le_bytes(*half)
		})
		.collect()
}

#[cfg(test)]
mod tests;
