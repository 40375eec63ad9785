#![doc = include_str!("../README.md")]

#[cfg(test)]
mod agreement;
pub mod ceremony;
mod circuit;
#[cfg(test)]
mod fixture;
mod groth16;
mod hash;
pub mod keys;
mod network;
mod onnx;
mod poseidon;
pub mod privacy;
mod proof;
pub mod quantize;
pub mod statement;

pub use ark_bls12_381::Fr;
pub use ark_std::rand;
pub use circuit::Circuit;
pub use keys::{setup, KeyError, KeyInfo, Origin, ProvingKey, VerifyingKey};
pub use network::{
	has_salt, hide_parameters, ExecuteError, ImportError, Interval, Network, NodeSummary,
	Parameters, SaltError, Scales, TensorType, SALT_ENTRY_BYTES,
};
pub use onnx::{
	ModelError, Outline, ValueOutline, MAX_MODEL_BYTES, MAX_MODEL_ITEMS, MAX_TENSOR_ELEMENTS,
	OPSETS,
};
pub use privacy::{Opening, Privacy, Visibility};
pub use proof::{
	verify, verify_batch, Job, Proof, ProofError, ProveError, Proved, Prover, Timings, VerifyError,
	PROOF_BYTES, UNCOMPRESSED_PROOF_BYTES,
};
pub use statement::ElementType;
