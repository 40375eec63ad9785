//! What the dispatchables do.

use crate::{
	footprint,
	groth16::{self, ValidKey},
	key_id, Config, Error, Event, KeyPoints, KeyRecord, Keys, MaxKeyBytes, Pallet, Points,
};
use aimodel_primitives::{statement::STATEMENT_VERSION, ArtifactHash, KeyId};
use frame_support::{
	ensure,
	pallet_prelude::{DispatchResult, Get},
	traits::Consideration,
	BoundedVec,
};
use sp_core::H256;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register_key(
		registrant: T::AccountId,
		artifact: Option<ArtifactHash>,
		circuit_digest: H256,
		statement_version: u16,
		points: BoundedVec<u8, MaxKeyBytes<T>>,
	) -> DispatchResult {
		ensure!(statement_version == STATEMENT_VERSION, Error::<T>::UnsupportedStatementVersion);
		let key = key_id(&registrant, &artifact, &circuit_digest, statement_version, &points);
		ensure!(!Keys::<T>::contains_key(key), Error::<T>::KeyAlreadyRegistered);
		let ValidKey { public_inputs, alpha_beta } =
			groth16::validate_key(&points, T::MaxPublicInputs::get()).map_err(Error::<T>::from)?;

		let ticket = T::Consideration::new(&registrant, footprint::<T>(points.len()))?;
		let record = KeyRecord {
			registrant: registrant.clone(),
			artifact,
			circuit_digest,
			statement_version,
			public_inputs,
			ceremony: None,
			references: 0,
			ticket,
		};
		Keys::<T>::insert(key, record);
		Points::<T>::insert(key, KeyPoints { alpha_beta, points });
		Self::deposit_event(Event::KeyRegistered { key, registrant, artifact, public_inputs });
		Ok(())
	}

	pub(crate) fn do_remove_key(who: T::AccountId, key: KeyId) -> DispatchResult {
		let record = Keys::<T>::get(key).ok_or(Error::<T>::UnknownKey)?;
		ensure!(record.registrant == who, Error::<T>::NotRegistrant);
		ensure!(record.references == 0, Error::<T>::KeyInUse);

		record.ticket.drop(&who)?;
		Keys::<T>::remove(key);
		Points::<T>::remove(key);
		Self::deposit_event(Event::KeyRemoved { key });
		Ok(())
	}

	pub(crate) fn do_attest_key(key: KeyId, ceremony: H256) -> DispatchResult {
		let mut record = Keys::<T>::get(key).ok_or(Error::<T>::UnknownKey)?;
		ensure!(record.ceremony.is_none(), Error::<T>::KeyAlreadyAttested);

		record.ceremony = Some(ceremony);
		Keys::<T>::insert(key, record);
		Self::deposit_event(Event::KeyAttested { key, ceremony });
		Ok(())
	}
}
