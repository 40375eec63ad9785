//! What is always true of the storage.

use crate::{groth16, key_id, Config, Keys, Pallet, Points};
use frame_support::{ensure, traits::Get};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks every invariant.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::records_and_points_belong_together()?;
		Self::names_commit_to_what_they_name()?;
		Self::stored_points_are_valid()
	}

	fn records_and_points_belong_together() -> Result<(), TryRuntimeError> {
		for (key, record) in Keys::<T>::iter() {
			let points = Points::<T>::get(key).ok_or("a record has no points")?;
			ensure!(
				groth16::public_inputs(points.points.len()) == Some(record.public_inputs),
				"a record counts other public inputs than its points do"
			);
		}
		for key in Points::<T>::iter_keys() {
			ensure!(Keys::<T>::contains_key(key), "points have no record");
		}
		Ok(())
	}

	fn names_commit_to_what_they_name() -> Result<(), TryRuntimeError> {
		for (key, stored) in Points::<T>::iter() {
			let record = Keys::<T>::get(key).ok_or("points have no record")?;
			let name = key_id(
				&record.registrant,
				&record.artifact,
				&record.circuit_digest,
				record.statement_version,
				&stored.points,
			);
			ensure!(key == name, "a key has another name than its content");
		}
		Ok(())
	}

	fn stored_points_are_valid() -> Result<(), TryRuntimeError> {
		for stored in Points::<T>::iter_values() {
			let valid = groth16::validate_key(&stored.points, T::MaxPublicInputs::get())
				.map_err(|_| "an invalid key is stored")?;
			ensure!(
				stored.alpha_beta == valid.alpha_beta,
				"a stored pairing is not of alpha and beta"
			);
		}
		Ok(())
	}
}
