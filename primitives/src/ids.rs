//! Names. A name commits to what it names, so a signed transaction means what its signer saw.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_crypto_hashing::blake2_256;

/// Names a model, along all of its outputs.
pub type ModelId = H256;

/// Names one output of a model: consumed exactly once, by the change that produces its successor.
pub type OutPoint = H256;

/// Names a request. Counted up, never reused: the nullifier of every payment.
pub type RequestId = u64;

/// `blake2_256` of an `.onnx` file.
pub type ArtifactHash = H256;

/// `blake2_256` of a blob in the nodes' blob stores.
pub type BlobHash = H256;

/// Names a verifying key: `blake2_256` of its record.
pub type KeyId = H256;

/// Names one version of a model. Indices are given in order of upgrade and never reused.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	TypeInfo,
)]
pub struct VersionId {
	/// The model.
	pub model: ModelId,
	/// Which of its versions.
	pub index: u32,
}

/// `blake2_256(b"aimodel/model" ++ deployer ++ nonce ++ content)`: the name of the model that
/// `deployer` creates with transaction `nonce`.
pub fn model_id(deployer: &impl Encode, nonce: u64, content: &impl Encode) -> ModelId {
	(b"aimodel/model", deployer, nonce, content).using_encoded(blake2_256).into()
}

/// `blake2_256(b"aimodel/outpoint" ++ parent ++ blake2_256(content))`, where `parent` is the
/// consumed [`OutPoint`], or the [`ModelId`] for a model's first output.
pub fn out_point(parent: &H256, content: &impl Encode) -> OutPoint {
	let content = content.using_encoded(blake2_256);
	(b"aimodel/outpoint", parent, content).using_encoded(blake2_256).into()
}
