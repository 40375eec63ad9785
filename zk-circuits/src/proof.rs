//! Proving and verifying.

use crate::{
	circuit::{self, Circuit},
	keys::{KeyError, ProvingKey, VerifyingKey},
	network::{ExecuteError, Network},
	statement,
};
use ark_bls12_381::{Bls12_381, Fr};
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use ark_std::rand::{CryptoRng, RngCore};

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
		// `ark-bls12-381` 0.6 checks the subgroup and takes for granted that an uncompressed point is
		// on the curve.
		let ark_groth16::Proof { a, b, c } = &proof.0;
		let on_curve = a.is_on_curve() && b.is_on_curve() && c.is_on_curve();
		match on_curve && canonical == bytes {
			true => Ok(proof),
			false => Err(ProofError::Point),
		}
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
	/// The witness violates a constraint. The circuit admits every input, so it would be a bug in
	/// this crate.
	#[error("the witness violates constraint {0}")]
	Unsatisfied(usize),
	/// The prover failed for a reason of arkworks' own.
	#[error("the prover failed: {0}")]
	Backend(String),
}

/// Makes proofs for one network with one key. The matrices are built once.
///
/// All parallel work runs where it is called from: install a rayon pool around [`Prover::prove`]
/// to bound it. (Inside, arkworks 0.6 runs multi-scalar multiplications in pools of at most two
/// threads that it makes itself, one pool for every two threads of the caller's.)
#[derive(Debug)]
pub struct Prover {
	network: Network,
	key: ProvingKey,
	circuit: Circuit,
}

impl Prover {
	/// Checks that the key was made for the network, and builds its matrices.
	pub fn new(network: Network, key: ProvingKey) -> Result<Self, KeyError> {
		let circuit = Circuit::new(&network);
		key.check(&network, &circuit)?;
		Ok(Self { network, key, circuit })
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

	/// Runs the network on the bytes of an input tensor, and proves that the bytes of the output
	/// tensor that it returns are the network's answer. The proof is valid for this binding only.
	pub fn prove(
		&self,
		input: &[u8],
		binding: Fr,
		rng: &mut (impl RngCore + CryptoRng),
	) -> Result<(Vec<u8>, Proof), ProveError> {
		let trace = self.network.trace(input)?;
		let output = self.network.output_bytes(&trace);
		let public = statement::public_inputs(
			binding,
			(self.network.input(), input),
			(self.network.output(), &output),
		)
		.expect("the executor has checked the input's length and made the output; qed");
		let assigned = circuit::assign(&self.network, &trace, &public);
		if let Some(constraint) = assigned.violated() {
			return Err(ProveError::Unsatisfied(constraint));
		}
		let assignment = assigned.variables.to_field();
		let (r, s) = (Fr::rand(rng), Fr::rand(rng));
		let proof = Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
			self.key.groth16(),
			r,
			s,
			self.circuit.matrices(),
			self.circuit.instance(),
			self.circuit.constraints(),
			&assignment,
		)
		.map_err(|error| ProveError::Backend(error.to_string()))?;
		Ok((output, Proof(proof)))
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
	/// The proof does not prove the statement.
	#[error("the proof is not valid for this key, binding, input and output")]
	Invalid,
}

/// Checks a proof against a key and public inputs (see [`statement::public_inputs`]).
pub fn verify(key: &VerifyingKey, public_inputs: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
	let prepared = key.prepared();
	let expected = prepared.vk.gamma_abc_g1.len() - 1;
	if public_inputs.len() != expected {
		return Err(VerifyError::PublicInputs { expected, got: public_inputs.len() });
	}
	match Groth16::<Bls12_381>::verify_proof(prepared, &proof.0, public_inputs) {
		Ok(true) => Ok(()),
		_ => Err(VerifyError::Invalid),
	}
}
