//! Models: every change consumes an output and produces its successor.

use crate::{types::record_hash, *};
use aimodel_primitives::{ids, owners::Lock, runtime_api::Circuit, statement};
use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::SaturatedConversion, ArithmeticError};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_deploy(
		who: T::AccountId,
		version: Version,
		tariff: Tariff,
		split: RevenueSplit<T::AccountId>,
	) -> Result<Weight, DispatchError> {
		Self::ensure_version(&who, None, &version)?;
		ensure!(tariff.validate().is_ok(), Error::<T>::UnsoundTariff);
		let content = ModelContent {
			owner: who.clone(),
			offered_to: None,
			tariff: tariff.clone(),
			plans: Default::default(),
			split,
			version: 0,
			record: record_hash(&version),
			retired: false,
			access: Default::default(),
			metadata: Default::default(),
			candidate: None,
			lock: None,
		};
		let nonce = frame_system::Pallet::<T>::account_nonce(&who).saturated_into::<u64>();
		let model = ids::model_id(&who, nonce, &content);
		let followed = Self::ensure_split(model, &content)?;
		let out_point = ids::out_point(&model, &content);
		ensure!(!Tips::<T>::contains_key(model), Error::<T>::AlreadyDeployed);
		ensure!(!Outputs::<T>::contains_key(out_point), Error::<T>::AlreadyDeployed);

		let deposit = T::Consideration::new(&who, Self::footprint(1, 0, 0))?;
		Self::keep_version(model, 0, version)?;
		Tips::<T>::insert(model, out_point);
		ModelsOf::<T>::insert(&who, model, ());
		let depositor = who.clone();
		let output = ModelOutput {
			model,
			content,
			depositor,
			deposit,
			versions: 1,
			changes: 0,
			allowed: 0,
			co_signers: 0,
		};
		Outputs::<T>::insert(out_point, output);
		Self::new_record(&model, &tariff);
		let version = VersionId { model, index: 0 };
		Self::deposit_event(Event::Deployed { model, out_point, owner: who, version });
		Ok(T::WeightInfo::deploy().saturating_add(followed))
	}

	pub(crate) fn do_upgrade(
		who: T::AccountId,
		out_point: OutPoint,
		version: Version,
	) -> DispatchResult {
		let mut output = Self::owned_output(&who, out_point)?;
		Self::ensure_no_candidate(&output)?;
		let index = Self::ensure_another_version(&who, &output, &version)?;

		output.content.version = index;
		output.content.record = record_hash(&version);
		let output = Self::add_version(output, version)?;
		Self::succeed(who, out_point, output, Change::Upgraded);
		Ok(())
	}

	pub(crate) fn do_reprice(
		who: T::AccountId,
		out_point: OutPoint,
		tariff: Tariff,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		ensure!(tariff.validate().is_ok(), Error::<T>::UnsoundTariff);
		let mut output = Self::lengthen(output)?;
		Self::change_price(&output.model, tariff.clone());
		output.content.tariff = tariff;
		Self::succeed(who, out_point, output, Change::Repriced);
		Ok(())
	}

	pub(crate) fn do_resplit(
		who: T::AccountId,
		out_point: OutPoint,
		split: RevenueSplit<T::AccountId>,
	) -> Result<Weight, DispatchError> {
		let mut output = Self::owned_output(&who, out_point)?;
		output.content.split = split;
		let followed = Self::ensure_split(output.model, &output.content)?;
		let output = Self::lengthen(output)?;
		Self::succeed(who, out_point, output, Change::Resplit);
		Ok(T::WeightInfo::resplit().saturating_add(followed))
	}

	pub(crate) fn do_transfer(
		who: T::AccountId,
		out_point: OutPoint,
		to: Option<T::AccountId>,
	) -> DispatchResult {
		let mut output = Self::lengthen(Self::owned_output(&who, out_point)?)?;
		output.content.offered_to = to;
		Self::succeed(who, out_point, output, Change::Offered);
		Ok(())
	}

	pub(crate) fn do_accept_transfer(who: T::AccountId, out_point: OutPoint) -> DispatchResult {
		let mut output = Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		ensure!(output.content.offered_to.as_ref() == Some(&who), Error::<T>::NotOffered);

		output.changes = Self::next_change(&output)?;
		// Who comes to own it owns it alone.
		output.content.lock = None;
		let footprint = Self::footprint_of(&output);
		let deposit = T::Consideration::new(&who, footprint)?;
		core::mem::replace(&mut output.deposit, deposit).drop(&output.depositor)?;
		ModelsOf::<T>::remove(&output.content.owner, output.model);
		ModelsOf::<T>::insert(&who, output.model, ());
		output.depositor = who.clone();
		output.content.owner = who.clone();
		output.content.offered_to = None;
		Self::succeed(who, out_point, output, Change::Transferred);
		Ok(())
	}

	pub(crate) fn do_retire(
		who: T::AccountId,
		out_point: OutPoint,
	) -> Result<Weight, DispatchError> {
		let mut output = Self::owned_output(&who, out_point)?;
		// So that nothing is left to remove, whoever closes the model.
		ensure!(output.allowed == 0, Error::<T>::AllowListNotEmpty);
		let (model, versions) = (output.model, output.versions);
		// Its record is paid for already: an owner without funds can still retire.
		Self::count_change(&mut output)?;
		Self::note_retirement(&model);
		output.content.retired = true;
		output.content.candidate = None;
		output.content.offered_to = None;
		Self::succeed(who, out_point, output, Change::Retired);
		if Self::begin_to_close(&model) {
			Self::close_step(&model);
		}
		Ok(T::WeightInfo::retire(versions))
	}

	/// The live output of this name, if `who` may change it.
	pub(crate) fn owned_output(
		who: &T::AccountId,
		out_point: OutPoint,
	) -> Result<ModelOutput<T>, DispatchError> {
		let output = Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		ensure!(Self::changed_by(&output.content) == *who, Error::<T>::NotOwner);
		ensure!(!output.content.retired, Error::<T>::ModelRetired);
		Ok(output)
	}

	/// Counts a change of `output`, and takes the deposit of the record that it leaves.
	pub(crate) fn lengthen(mut output: ModelOutput<T>) -> Result<ModelOutput<T>, DispatchError> {
		Self::count_change(&mut output)?;
		Self::pay_for(output)
	}

	/// Counts a change that its owner or its set makes.
	pub(crate) fn count_change(output: &mut ModelOutput<T>) -> DispatchResult {
		output.changes = Self::next_change(output)?;
		output.co_signers = output.co_signers.saturating_add(Self::co_signers(&output.content));
		Ok(())
	}

	/// Takes the deposit of what the chain stores of the model of `output`.
	pub(crate) fn pay_for(mut output: ModelOutput<T>) -> Result<ModelOutput<T>, DispatchError> {
		let footprint = Self::footprint_of(&output);
		output.deposit = output.deposit.update(&output.depositor, footprint)?;
		Ok(output)
	}

	fn next_change(output: &ModelOutput<T>) -> Result<u32, ArithmeticError> {
		output.changes.checked_add(1).ok_or(ArithmeticError::Overflow)
	}

	/// Consumes `spent` and makes `output`, whose change was counted, the model's tip.
	pub(crate) fn succeed(
		by: T::AccountId,
		spent: OutPoint,
		output: ModelOutput<T>,
		change: Change,
	) {
		let (model, index) = (output.model, output.changes.saturating_sub(1));
		let out_point = ids::out_point(&spent, &output.content);
		Outputs::<T>::remove(spent);
		Approvals::<T>::remove(spent);
		Outputs::<T>::insert(out_point, output);
		Tips::<T>::insert(model, out_point);
		let at = frame_system::Pallet::<T>::block_number();
		History::<T>::insert(
			model,
			index,
			HistoryRecord { spent, change, by, at, with: Default::default() },
		);
		Self::deposit_event(Event::Changed { model, spent, out_point, change });
	}

	/// Checks that a version is sound and that there is room for it; returns its index.
	pub(crate) fn ensure_another_version(
		who: &T::AccountId,
		output: &ModelOutput<T>,
		version: &Version,
	) -> Result<u32, DispatchError> {
		Self::ensure_version(who, output.content.lock.as_ref(), version)?;
		ensure!(output.versions < T::MaxVersions::get(), Error::<T>::TooManyVersions);
		Ok(output.versions)
	}

	/// Keeps another version, for a change that is counted here.
	pub(crate) fn add_version(
		mut output: ModelOutput<T>,
		version: Version,
	) -> Result<ModelOutput<T>, DispatchError> {
		let index = output.versions;
		output.versions = index.saturating_add(1);
		let output = Self::lengthen(output)?;
		Self::keep_version(output.model, index, version)?;
		Ok(output)
	}

	pub(crate) fn keep_version(model: ModelId, index: u32, version: Version) -> DispatchResult {
		if let Some(circuit) = &version.circuit {
			T::Verifier::reference(&circuit.key)?;
		}
		Versions::<T>::insert(model, index, version);
		Ok(())
	}

	/// Checks that a version is sound, and that its key is for it and was registered by `who`, or by a
	/// member of the set that `who` stands for.
	fn ensure_version(
		who: &T::AccountId,
		lock: Option<&Lock<T::AccountId>>,
		version: &Version,
	) -> DispatchResult {
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
		ensure!(Self::may_use_key(who, lock, &key.registrant), Error::<T>::ForeignKey);
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

	/// What the chain stores of the model of an output.
	pub(crate) fn footprint_of(output: &ModelOutput<T>) -> Footprint {
		let Footprint { count, size } =
			Self::footprint(output.versions, output.changes, output.allowed);
		let size = size.saturating_add(Self::size_of_approvals(output) as u64);
		Footprint { count, size }
	}

	/// What the chain stores of a model, with one more record of its history: of the change that
	/// retires it.
	fn footprint(versions: u32, changes: u32, allowed: u32) -> Footprint {
		let of_list = <(ModelId, T::AccountId)>::max_encoded_len().saturating_mul(allowed as usize);
		let of_version = Version::max_encoded_len()
			.saturating_add(BlockNumberFor::<T>::max_encoded_len())
			.saturating_mul(versions as usize);
		let of_history = Self::record_size().saturating_mul(changes.saturating_add(1) as usize);
		let size = ModelOutput::<T>::max_encoded_len()
			.saturating_add(of_version)
			.saturating_add(of_history)
			.saturating_add(of_list)
			.saturating_add(Record::max_encoded_len())
			.saturating_add(PricesOf::<T>::max_encoded_len())
			.saturating_add(Self::index_size())
			.saturating_add(Income::<T::AccountId>::max_encoded_len())
			.saturating_add(MeritsOf::<T>::max_encoded_len());
		// Counted as one item, since `LinearStoragePrice` multiplies the size by the count.
		Footprint::from_parts(1, size)
	}
}
