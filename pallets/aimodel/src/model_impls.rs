//! Models: every change consumes an output and produces its successor.

use crate::{types::record_hash, *};
use aimodel_primitives::{ids, runtime_api::Circuit, statement};
use frame_support::pallet_prelude::*;
use sp_runtime::traits::SaturatedConversion;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_deploy(
		who: T::AccountId,
		version: Version,
		tariff: Tariff,
		split: RevenueSplit<T::AccountId>,
	) -> DispatchResult {
		Self::ensure_version(&who, &version)?;
		ensure!(tariff.validate().is_ok(), Error::<T>::UnsoundTariff);
		ensure!(split.validate().is_ok(), Error::<T>::UnsoundSplit);
		let content = ModelContent {
			owner: who.clone(),
			offered_to: None,
			tariff: tariff.clone(),
			split,
			version: 0,
			record: record_hash(&version),
			retired: false,
			access: Default::default(),
		};
		let nonce = frame_system::Pallet::<T>::account_nonce(&who).saturated_into::<u64>();
		let model = ids::model_id(&who, nonce, &content);
		let out_point = ids::out_point(&model, &content);
		ensure!(!Tips::<T>::contains_key(model), Error::<T>::AlreadyDeployed);
		ensure!(!Outputs::<T>::contains_key(out_point), Error::<T>::AlreadyDeployed);

		let deposit = T::Consideration::new(&who, Self::footprint(1, 0))?;
		Self::keep_version(model, 0, version)?;
		Tips::<T>::insert(model, out_point);
		let output = ModelOutput { model, content, allowed: 0, depositor: who.clone(), deposit };
		Outputs::<T>::insert(out_point, output);
		Self::new_record(&model, &tariff);
		let version = VersionId { model, index: 0 };
		Self::deposit_event(Event::Deployed { model, out_point, owner: who, version });
		Ok(())
	}

	pub(crate) fn do_upgrade(
		who: T::AccountId,
		out_point: OutPoint,
		version: Version,
	) -> DispatchResult {
		let mut output = Self::owned_output(&who, out_point)?;
		Self::ensure_version(&who, &version)?;
		let index = Self::version_count(&output.model);
		ensure!(index < T::MaxVersions::get(), Error::<T>::TooManyVersions);

		output.content.version = index;
		output.content.record = record_hash(&version);
		let footprint = Self::footprint(index.saturating_add(1), output.allowed);
		output.deposit = output.deposit.update(&output.depositor, footprint)?;
		Self::keep_version(output.model, index, version)?;
		Self::succeed(who, out_point, output, Change::Upgraded);
		Ok(())
	}

	pub(crate) fn do_reprice(
		who: T::AccountId,
		out_point: OutPoint,
		tariff: Tariff,
	) -> DispatchResult {
		let mut output = Self::owned_output(&who, out_point)?;
		ensure!(tariff.validate().is_ok(), Error::<T>::UnsoundTariff);
		Self::change_price(&output.model, tariff.clone());
		output.content.tariff = tariff;
		Self::succeed(who, out_point, output, Change::Repriced);
		Ok(())
	}

	pub(crate) fn do_resplit(
		who: T::AccountId,
		out_point: OutPoint,
		split: RevenueSplit<T::AccountId>,
	) -> DispatchResult {
		let mut output = Self::owned_output(&who, out_point)?;
		ensure!(split.validate().is_ok(), Error::<T>::UnsoundSplit);
		output.content.split = split;
		Self::succeed(who, out_point, output, Change::Resplit);
		Ok(())
	}

	pub(crate) fn do_transfer(
		who: T::AccountId,
		out_point: OutPoint,
		to: Option<T::AccountId>,
	) -> DispatchResult {
		let mut output = Self::owned_output(&who, out_point)?;
		output.content.offered_to = to;
		Self::succeed(who, out_point, output, Change::Offered);
		Ok(())
	}

	pub(crate) fn do_accept_transfer(who: T::AccountId, out_point: OutPoint) -> DispatchResult {
		let mut output = Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		ensure!(output.content.offered_to.as_ref() == Some(&who), Error::<T>::NotOffered);

		let footprint = Self::footprint(Self::version_count(&output.model), output.allowed);
		let deposit = T::Consideration::new(&who, footprint)?;
		core::mem::replace(&mut output.deposit, deposit).drop(&output.depositor)?;
		output.depositor = who.clone();
		output.content.owner = who.clone();
		output.content.offered_to = None;
		Self::succeed(who, out_point, output, Change::Transferred);
		Ok(())
	}

	pub(crate) fn do_retire(who: T::AccountId, out_point: OutPoint) -> DispatchResult {
		let mut output = Self::owned_output(&who, out_point)?;
		// So that nothing is left to remove, whoever closes the model.
		ensure!(output.allowed == 0, Error::<T>::AllowListNotEmpty);
		let model = output.model;
		output.content.retired = true;
		output.content.offered_to = None;
		Self::succeed(who, out_point, output, Change::Retired);
		Self::close_if_done(&model)
	}

	/// Closes a retired model without open requests: nothing of it stays.
	pub(crate) fn close_if_done(model: &ModelId) -> DispatchResult {
		if OpenRequests::<T>::get(model) > 0 {
			return Ok(());
		}
		let Some(tip) = Tips::<T>::get(model) else { return Ok(()) };
		let Some(output) = Outputs::<T>::get(tip) else { return Ok(()) };
		if !output.content.retired {
			return Ok(());
		}
		output.deposit.drop(&output.depositor)?;
		Outputs::<T>::remove(tip);
		Tips::<T>::remove(model);
		History::<T>::remove(model);
		OpenRequests::<T>::remove(model);
		Records::<T>::remove(model);
		Prices::<T>::remove(model);
		for (_, version) in Versions::<T>::drain_prefix(model) {
			if let Some(circuit) = version.circuit {
				T::Verifier::dereference(&circuit.key);
			}
		}
		Self::deposit_event(Event::Closed { model: *model });
		Ok(())
	}

	/// The live output of this name, if `who` may change it.
	pub(crate) fn owned_output(
		who: &T::AccountId,
		out_point: OutPoint,
	) -> Result<ModelOutput<T>, DispatchError> {
		let output = Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		ensure!(output.content.owner == *who, Error::<T>::NotOwner);
		ensure!(!output.content.retired, Error::<T>::ModelRetired);
		Ok(output)
	}

	/// Consumes `spent` and makes `output` the model's tip.
	pub(crate) fn succeed(
		by: T::AccountId,
		spent: OutPoint,
		output: ModelOutput<T>,
		change: Change,
	) {
		let model = output.model;
		let out_point = ids::out_point(&spent, &output.content);
		Outputs::<T>::remove(spent);
		Outputs::<T>::insert(out_point, output);
		Tips::<T>::insert(model, out_point);
		History::<T>::mutate(model, |history| {
			if history.is_full() {
				history.remove(0);
			}
			let at = frame_system::Pallet::<T>::block_number();
			let _ = history.try_push(HistoryRecord { spent, change, by, at });
		});
		Self::deposit_event(Event::Changed { model, spent, out_point, change });
	}

	fn keep_version(model: ModelId, index: u32, version: Version) -> DispatchResult {
		if let Some(circuit) = &version.circuit {
			T::Verifier::reference(&circuit.key)?;
		}
		Versions::<T>::insert(model, index, version);
		Ok(())
	}

	/// Checks that a version is sound, and that its key is for it and was registered by `who`.
	fn ensure_version(who: &T::AccountId, version: &Version) -> DispatchResult {
		ensure!(version.interface.validate().is_ok(), Error::<T>::UnsoundInterface);
		ensure!(
			version.lease > 0 && version.lease <= T::MaxLease::get(),
			Error::<T>::LeaseOutOfBounds
		);
		let Some(circuit) = &version.circuit else { return Ok(()) };
		let Circuit { privacy, parameters, .. } = circuit;
		let inputs =
			statement::count_public_inputs(&version.interface, *privacy, parameters.is_some())
				.ok_or(Error::<T>::InterfaceNotProvable)?;
		let key = T::Verifier::key(&circuit.key).ok_or(Error::<T>::UnknownKey)?;
		ensure!(key.registrant == *who, Error::<T>::ForeignKey);
		match (key.artifact, parameters) {
			(Some(artifact), None) => {
				ensure!(artifact == version.artifact, Error::<T>::KeyOfAnotherArtifact);
			},
			(None, Some(_)) => (),
			_ => return Err(Error::<T>::KeyOfOtherParameters.into()),
		}
		ensure!(
			key.statement_version == statement::STATEMENT_VERSION && key.public_inputs == inputs,
			Error::<T>::KeyOfAnotherStatement
		);
		Ok(())
	}

	/// Versions are numbered in order and all kept until the model closes.
	pub(crate) fn version_count(model: &ModelId) -> u32 {
		Versions::<T>::iter_key_prefix(model).count().saturated_into()
	}

	/// What a model with so many versions and so many accounts on its allow-list takes.
	pub(crate) fn footprint(versions: u32, allowed: u32) -> Footprint {
		let history = HistoryRecord::<T::AccountId, frame_system::pallet_prelude::BlockNumberFor<T>>::max_encoded_len()
			.saturating_mul(T::MaxHistory::get() as usize);
		let versions_size = Version::max_encoded_len().saturating_mul(versions as usize);
		let allowed_size =
			<(ModelId, T::AccountId)>::max_encoded_len().saturating_mul(allowed as usize);
		let size = ModelOutput::<T>::max_encoded_len()
			.saturating_add(allowed_size)
			.saturating_add(versions_size)
			.saturating_add(history)
			.saturating_add(Record::max_encoded_len())
			.saturating_add(PricesOf::<T>::max_encoded_len());
		// Counted as one item, since `LinearStoragePrice` multiplies the size by the count.
		Footprint::from_parts(1, size)
	}
}
