//! How pallets reach each other.

use crate::{
	ids::{ArtifactHash, KeyId, RequestId, VersionId},
	statement::Scalar,
	Balance,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::{DispatchError, DispatchResult, Weight};

/// Who can forge proofs under a key. Ordered from the weakest to the strongest.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	Debug,
	TypeInfo,
)]
pub enum KeyOrigin {
	/// Whoever ran the single-party setup can forge.
	#[default]
	InsecureDev,
	/// Made in a ceremony that an origin trusted by the chain attested.
	Ceremony,
}

/// What is known of a verifying key.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct KeyInfo<AccountId> {
	/// Who registered it: only this account's models may refer to it.
	pub registrant: AccountId,
	/// The model file that it was made for; none where parameters are private, and it is for every
	/// model of one architecture.
	pub artifact: Option<ArtifactHash>,
	/// The digest of the circuit.
	pub circuit_digest: H256,
	/// The version of the statement that its proofs prove.
	pub statement_version: u16,
	/// Who can forge.
	pub origin: KeyOrigin,
	/// How many public inputs its proofs have.
	pub public_inputs: u32,
}

/// Verifying keys, and proofs under them.
pub trait ProofVerifier<AccountId> {
	/// What is known of a key.
	fn key(key: &KeyId) -> Option<KeyInfo<AccountId>>;

	/// `blake2_256` of a key's points.
	fn points_hash(key: &KeyId) -> Option<H256>;

	/// How many references to a key there are.
	fn references(key: &KeyId) -> u32;

	/// Adds a reference: a referenced key can not be removed.
	fn reference(key: &KeyId) -> DispatchResult;

	/// Drops a reference.
	fn dereference(key: &KeyId);

	/// The most public inputs that a registered key can have.
	fn max_public_inputs() -> u32;

	/// The weight of [`Self::verify`] under a key with so many public inputs.
	fn verify_weight(public_inputs: u32) -> Weight;

	/// Verifies an uncompressed proof. Points and scalars are validated here; an error says what
	/// is wrong.
	fn verify(key: &KeyId, public_inputs: &[Scalar], proof: &[u8]) -> DispatchResult;

	/// The weight of [`Self::verify_batch`] for so many proofs under a key with so many public
	/// inputs.
	fn verify_batch_weight(proofs: u32, public_inputs: u32) -> Weight;

	/// Verifies uncompressed proofs under one key, each with its public inputs, for less than one by
	/// one. One that is not valid refuses all, without saying which.
	fn verify_batch(key: &KeyId, claims: &[(&[Scalar], &[u8])]) -> DispatchResult;
}

/// What a lease demands of a worker.
#[derive(Clone, Copy, Decode, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo)]
pub struct LeaseTerms<BlockNumber> {
	/// The version to be served.
	pub version: VersionId,
	/// The least that the worker will be paid on success, if it reports all units.
	pub pay: Balance,
	/// Blocks that it has.
	pub length: BlockNumber,
	/// Reserved from its free bond: the most that it can be slashed.
	pub collateral: Balance,
	/// Whether the lease obliges at once; otherwise after the worker's `accept`.
	pub obliges_at_once: bool,
}

/// An exclusive right, and mostly a duty, to answer one request.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Lease<AccountId, BlockNumber> {
	/// The bonded account.
	pub worker: AccountId,
	/// The version to be served.
	pub version: VersionId,
	/// Reserved from its free bond.
	pub collateral: Balance,
	/// Blocks that the worker has once it is obliged.
	pub length: BlockNumber,
	/// The last block of the lease, or, while the worker is not obliged, of the window in which it
	/// may accept.
	pub until: BlockNumber,
	/// Whether letting it lapse is slashed.
	pub obliged: bool,
}

/// Workers, and the leases that they hold: at most one a request.
pub trait WorkerPool<AccountId, BlockNumber> {
	/// Blocks in which a worker may accept a lease that does not oblige at once.
	fn accept_window() -> BlockNumber;

	/// The most workers that can stand behind one version.
	fn max_servers() -> u32;

	/// How many leases on these terms workers could take now, all of them together.
	fn capacity(terms: &LeaseTerms<BlockNumber>) -> u32;

	/// Draws up to `candidates` different workers that could take such a lease, by free bond, the
	/// most preferred first. `seed` must be a hash that nobody knew when the request was made.
	fn rank(
		terms: &LeaseTerms<BlockNumber>,
		seed: H256,
		candidates: u32,
	) -> alloc::vec::Vec<AccountId>;

	/// Gives `worker` the lease of `request`, reserving its collateral; fails where it no longer
	/// has the bond or the slot, or where the request is leased.
	fn lease(
		request: RequestId,
		worker: &AccountId,
		terms: &LeaseTerms<BlockNumber>,
	) -> DispatchResult;

	/// The lease of `request`.
	fn leased(request: RequestId) -> Option<Lease<AccountId, BlockNumber>>;

	/// Ends a lease that was answered: its collateral is free again, and the worker's figures tell it.
	fn answered(request: RequestId);

	/// Ends a lease without answer and without fault: its collateral is free again.
	fn release(request: RequestId);

	/// Ends a lapsed, obliged lease: of its collateral, `compensation` goes to `customer` and the
	/// rest is burned. Returns what the customer got.
	fn slash(
		request: RequestId,
		customer: &AccountId,
		compensation: Balance,
	) -> Result<Balance, DispatchError>;

	/// The bonded account for which `operator` signs.
	fn worker_of(operator: &AccountId) -> Option<AccountId>;

	/// The least pay for which `worker` offers to serve a version, if it does.
	fn least_pay(worker: &AccountId, version: VersionId) -> Option<Balance>;

	/// The requests whose lease `worker` holds, `limit` of them at most.
	fn leases_of(worker: &AccountId, limit: u32) -> alloc::vec::Vec<RequestId>;
}
