//! What other pallets see.

use crate::{groth16, Config, Error, Keys, Pallet, Points};
use aimodel_primitives::{
	statement::Scalar,
	traits::{KeyInfo, ProofVerifier},
	KeyId,
};
use frame_support::{defensive, pallet_prelude::DispatchResult, traits::Get, weights::Weight};
use sp_core::H256;

impl<T: Config> ProofVerifier<T::AccountId> for Pallet<T> {
	fn key(key: &KeyId) -> Option<KeyInfo<T::AccountId>> {
		Keys::<T>::get(key).map(Into::into)
	}

	fn points_hash(key: &KeyId) -> Option<H256> {
		let key = Points::<T>::get(key)?;
		Some(sp_io::hashing::blake2_256(&key.points).into())
	}

	fn references(key: &KeyId) -> u32 {
		Keys::<T>::get(key).map_or(0, |record| record.references)
	}

	fn reference(key: &KeyId) -> DispatchResult {
		Keys::<T>::try_mutate(key, |record| {
			let record = record.as_mut().ok_or(Error::<T>::UnknownKey)?;
			record.references =
				record.references.checked_add(1).ok_or(Error::<T>::TooManyReferences)?;
			Ok(())
		})
	}

	fn dereference(key: &KeyId) {
		Keys::<T>::mutate(key, |record| {
			let references = record.as_mut().map(|record| &mut record.references);
			match references.and_then(|count| count.checked_sub(1).map(|less| (count, less))) {
				Some((count, less)) => *count = less,
				None => {
					defensive!("a reference that was never taken is dropped", key);
				},
			}
		})
	}

	fn max_public_inputs() -> u32 {
		T::MaxPublicInputs::get()
	}

	fn verify_weight(public_inputs: u32) -> Weight {
		Self::verify_weight(public_inputs)
	}

	fn verify(key: &KeyId, public_inputs: &[Scalar], proof: &[u8]) -> DispatchResult {
		let key = Points::<T>::get(key).ok_or(Error::<T>::UnknownKey)?;
		groth16::verify(&key.points, &key.alpha_beta, public_inputs, proof)
			.map_err(Error::<T>::from)?;
		Ok(())
	}

	fn verify_batch_weight(proofs: u32, public_inputs: u32) -> Weight {
		Self::verify_batch_weight(proofs, public_inputs)
	}

	fn verify_batch(key: &KeyId, claims: &[(&[Scalar], &[u8])]) -> DispatchResult {
		let key = Points::<T>::get(key).ok_or(Error::<T>::UnknownKey)?;
		groth16::verify_batch(&key.points, claims).map_err(Error::<T>::from)?;
		Ok(())
	}
}
