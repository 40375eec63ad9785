//! What is stored of a key, and how it is named.

use crate::{groth16, Config, Error, Pallet};
use aimodel_primitives::{
	traits::{KeyInfo, KeyOrigin},
	ArtifactHash, KeyId,
};
use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{
	traits::{Footprint, Get},
	BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
};
use scale_info::TypeInfo;
use sp_core::H256;

/// The [`KeyRecord`] of a runtime.
pub type KeyRecordOf<T> =
	KeyRecord<<T as frame_system::Config>::AccountId, <T as Config>::Consideration>;

/// The [`KeyPoints`] of a runtime.
pub type KeyPointsOf<T> = KeyPoints<MaxKeyBytes<T>>;

/// What is known of a key, its points aside.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct KeyRecord<AccountId, Ticket> {
	/// Who registered it.
	pub registrant: AccountId,
	/// The model file that it was made for; none where parameters are private, and it is for every
	/// model of one architecture.
	pub artifact: Option<ArtifactHash>,
	/// The digest of the circuit.
	pub circuit_digest: H256,
	/// The version of the statement that its proofs prove.
	pub statement_version: u16,
	/// How many public inputs its proofs have.
	pub public_inputs: u32,
	/// The ceremony that it was attested to come from.
	pub ceremony: Option<H256>,
	/// How many versions and open requests refer to it.
	pub references: u32,
	/// The deposit, taken from the registrant.
	pub ticket: Ticket,
}

impl<AccountId, Ticket> KeyRecord<AccountId, Ticket> {
	/// Who can forge proofs under this key.
	pub fn origin(&self) -> KeyOrigin {
		match self.ceremony {
			Some(_) => KeyOrigin::Ceremony,
			None => KeyOrigin::InsecureDev,
		}
	}
}

impl<AccountId, Ticket> From<KeyRecord<AccountId, Ticket>> for KeyInfo<AccountId> {
	fn from(record: KeyRecord<AccountId, Ticket>) -> Self {
		let origin = record.origin();
		Self {
			registrant: record.registrant,
			artifact: record.artifact,
			circuit_digest: record.circuit_digest,
			statement_version: record.statement_version,
			origin,
			public_inputs: record.public_inputs,
		}
	}
}

/// A validated key, as verification wants it.
#[derive(
	CloneNoBound, DebugNoBound, Decode, Encode, EqNoBound, MaxEncodedLen, PartialEqNoBound, TypeInfo,
)]
#[codec(mel_bound(MaxBytes: Get<u32>))]
#[scale_info(skip_type_params(MaxBytes))]
pub struct KeyPoints<MaxBytes: Get<u32>> {
	/// The pairing of alpha and beta, uncompressed.
	pub alpha_beta: groth16::TargetBytes,
	/// The points as they were registered.
	pub points: BoundedVec<u8, MaxBytes>,
}

/// The length of a key with one public input more than [`Config::MaxPublicInputs`]: so that
/// registering such a key fails with an error that says so, not while the call is decoded.
pub struct MaxKeyBytes<T>(PhantomData<T>);

impl<T: Config> Get<u32> for MaxKeyBytes<T> {
	fn get() -> u32 {
		groth16::key_bytes(T::MaxPublicInputs::get().saturating_add(1))
	}
}

/// The name of a key: `blake2_256(b"aimodel/key" ++ registrant ++ artifact (1 and the hash, or 0) ++
/// circuit digest ++ statement version (u16 LE) ++ points)`, without any length.
///
/// It commits to the registrant, so that nobody can occupy the name of another account's key.
pub fn key_id(
	registrant: &impl Encode,
	artifact: &Option<ArtifactHash>,
	circuit_digest: &H256,
	statement_version: u16,
	points: &[u8],
) -> KeyId {
	let mut message = Vec::with_capacity(points.len().saturating_add(128));
	(b"aimodel/key", registrant, artifact, circuit_digest, statement_version)
		.encode_to(&mut message);
	message.extend_from_slice(points);
	sp_io::hashing::blake2_256(&message).into()
}

/// What a key with so many bytes of points occupies: its record and its points, counted as one item,
/// since `LinearStoragePrice` multiplies the size by the count.
pub fn footprint<T: Config>(points: usize) -> Footprint {
	let bytes = KeyRecordOf::<T>::max_encoded_len()
		.saturating_add(groth16::TARGET_BYTES)
		.saturating_add(points);
	Footprint::from_parts(1, bytes)
}

impl<T: Config> Pallet<T> {
	/// What one verification of a proof with so many public inputs weighs, storage included.
	pub fn verify_weight(public_inputs: u32) -> frame_support::weights::Weight {
		use crate::WeightInfo;
		T::WeightInfo::verify_proof(public_inputs)
	}

	/// What one verification of so many proofs under one key with so many public inputs weighs.
	pub fn verify_batch_weight(proofs: u32, public_inputs: u32) -> frame_support::weights::Weight {
		use crate::WeightInfo;
		T::WeightInfo::verify_batch(proofs, public_inputs)
	}
}

impl<T> From<groth16::Refusal> for Error<T> {
	fn from(refusal: groth16::Refusal) -> Self {
		use groth16::Refusal::*;
		match refusal {
			MalformedKey => Self::MalformedKey,
			TooManyPublicInputs => Self::TooManyPublicInputs,
			MalformedProof => Self::MalformedProof,
			MalformedPoint => Self::MalformedPoint,
			PointNotOnCurve => Self::PointNotOnCurve,
			PointNotInSubgroup => Self::PointNotInSubgroup,
			IdentityPoint => Self::IdentityPoint,
			NonCanonicalScalar => Self::NonCanonicalScalar,
			WrongNumberOfPublicInputs => Self::WrongNumberOfPublicInputs,
			ProofRejected => Self::ProofRejected,
		}
	}
}
