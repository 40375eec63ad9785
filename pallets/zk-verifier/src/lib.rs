//! Verifying keys and Groth16 verification over BLS12-381.
//!
//! An account registers a verifying key against a deposit. Whoever uses a key, a model's version or
//! an open request, holds a *reference* to it; a referenced key stays. Other pallets reach this one
//! through [`ProofVerifier`](aimodel_primitives::traits::ProofVerifier).
//!
//! - Every point of a key is validated once, at registration, and stored uncompressed; every point
//!   of a proof at every verification. Nothing that was not validated reaches a host call, since the
//!   host decodes without looking. The equation itself is in [`groth16`].
//! - A key is *insecure* until [`Pallet::attest_key`] records the ceremony that made it: whoever ran
//!   a single-party setup can forge.
//! - A proof can be re-randomised by anybody, so its bytes identify nothing. A caller that pays on
//!   proofs needs a nullifier of its own.
//!
//! Knows nothing of models.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::unwrap_used))]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod dispatchable_impls;
pub mod groth16;
// With `std` too, so that the tests of pallets that stand on this one can run them.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
#[cfg(test)]
mod mock;
mod proof_verifier_impl;
#[cfg(any(test, feature = "simulator"))]
pub mod simulator;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// The interface.
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use aimodel_primitives::{ArtifactHash, KeyId};
	use frame_support::{
		pallet_prelude::*,
		traits::{Consideration, EnsureOrigin, Footprint},
	};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;

	/// Verifying keys.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The deposit for a key: one item, and the bytes of its record and its points.
		type Consideration: Consideration<Self::AccountId, Footprint>;

		/// Who may say that a key was made in a ceremony: governance, or a registered auditor.
		type AttestOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The most public inputs that the proofs of a key may have.
		#[pallet::constant]
		type MaxPublicInputs: Get<u32>;

		/// Weights of the calls and of [`verify_weight`](Pallet::verify_weight).
		type WeightInfo: WeightInfo;
	}

	/// Why funds are held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit for a verifying key.
		#[codec(index = 0)]
		KeyDeposit,
	}

	/// What is known of each key. Small, since the references change often.
	#[pallet::storage]
	pub type Keys<T> = StorageMap<_, Identity, KeyId, KeyRecordOf<T>, OptionQuery>;

	/// The points of each key. Written once.
	#[pallet::storage]
	pub type Points<T> = StorageMap<_, Identity, KeyId, KeyPointsOf<T>, OptionQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A verifying key was registered. Until it is attested, whoever made it can forge.
		KeyRegistered {
			/// The name of the key.
			key: KeyId,
			/// Who pays its deposit.
			registrant: T::AccountId,
			/// The model file that it was made for.
			artifact: Option<ArtifactHash>,
			/// How many public inputs its proofs have.
			public_inputs: u32,
		},
		/// A verifying key was removed, and its deposit returned.
		KeyRemoved {
			/// The name that the key had.
			key: KeyId,
		},
		/// A verifying key was attested to be made in a ceremony.
		KeyAttested {
			/// The name of the key.
			key: KeyId,
			/// The hash of the ceremony's transcript.
			ceremony: H256,
		},
	}

	/// What was wrong.
	#[pallet::error]
	pub enum Error<T> {
		/// No key of this name is registered.
		UnknownKey,
		/// This account registered this key for this artifact before.
		KeyAlreadyRegistered,
		/// Only the account that registered a key may remove it.
		NotRegistrant,
		/// A key that versions or open requests refer to can not be removed.
		KeyInUse,
		/// A key has as many references as can be counted.
		TooManyReferences,
		/// The key was attested before.
		KeyAlreadyAttested,
		/// The chain builds the public inputs of another version of the statement only.
		UnsupportedStatementVersion,
		/// The bytes are not alpha, beta, gamma, delta and the points of one public input at least.
		MalformedKey,
		/// The key has more public inputs than the chain admits.
		TooManyPublicInputs,
		/// A proof is 384 bytes: A, B and C uncompressed.
		MalformedProof,
		/// A point is not in the one uncompressed encoding that it has: a flag bit is set, or a
		/// coordinate is not below the modulus of its field.
		MalformedPoint,
		/// A point does not lie on its curve.
		PointNotOnCurve,
		/// A point lies on its curve, outside of the subgroup of prime order.
		PointNotInSubgroup,
		/// A point is the identity, which neither honest keys nor honest proofs contain.
		IdentityPoint,
		/// A public input is not below the modulus of the scalar field.
		NonCanonicalScalar,
		/// The key was made for another number of public inputs.
		WrongNumberOfPublicInputs,
		/// The proof does not prove the statement under this key.
		ProofRejected,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxPublicInputs::get() > 0, "a statement has a public input: the binding");
			assert!(groth16::key_bytes(T::MaxPublicInputs::get()) < MaxKeyBytes::<T>::get());
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Register a verifying key for proofs about the model file `artifact`, or about every model of
		/// one architecture.
		///
		/// - `artifact`: `blake2_256` of the `.onnx` file; none where the model's parameters are private.
		/// - `circuit_digest`: what a worker derives again from the artifact before it serves.
		/// - `statement_version`: which public inputs the circuit expects; now always 1.
		/// - `points`: alpha (G1), beta, gamma, delta (G2), then one point in G1 for the constant
		///   one and one for each public input, all as arkworks writes them uncompressed, 96 bytes
		///   in G1 and 192 in G2, with no length anywhere.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register_key(groth16::public_inputs_at_most(points.len())))]
		pub fn register_key(
			origin: OriginFor<T>,
			artifact: Option<ArtifactHash>,
			circuit_digest: H256,
			statement_version: u16,
			points: BoundedVec<u8, MaxKeyBytes<T>>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_register_key(who, artifact, circuit_digest, statement_version, points)
		}

		/// Remove a key that nothing refers to, and return its deposit.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::remove_key())]
		pub fn remove_key(origin: OriginFor<T>, key: KeyId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_remove_key(who, key)
		}

		/// Say that a key was made in the ceremony whose transcript hashes to `ceremony`.
		///
		/// Once only: a key that was attested wrongly has to be replaced by another one.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::attest_key())]
		pub fn attest_key(origin: OriginFor<T>, key: KeyId, ceremony: H256) -> DispatchResult {
			T::AttestOrigin::ensure_origin(origin)?;
			Self::do_attest_key(key, ceremony)
		}
	}
}
