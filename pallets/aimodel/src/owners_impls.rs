//! Locked outputs: what the members of a set approve, and what comes of it.

use crate::*;
use aimodel_primitives::owners::{Approval, Lock, Members, PendingChange};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::*, storage::with_transaction};
use frame_system::{offchain::CreateTransactionBase, pallet_prelude::BlockNumberFor};
use sp_core::H256;
use sp_runtime::{traits::Saturating, TransactionOutcome};

impl<T: Config> Pallet<T> {
	/// Changes a model by `apply`, which is what `call` does. Of a locked output, the change is made as
	/// the set's account, and undone where it takes more approvals than there are: then `who` has
	/// approved the call.
	///
	/// The call is what is compared, not its successor's name alone: a content does not tell everything
	/// that a change does, such as which version it publishes.
	pub(crate) fn change<Done>(
		who: T::AccountId,
		out_point: OutPoint,
		call: Call<T>,
		apply: impl FnOnce(T::AccountId) -> Result<Done, DispatchError>,
	) -> Result<Done, DispatchError> {
		let output = Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		let Some(lock) = output.content.lock else { return apply(who) };
		ensure!(lock.has(&who), Error::<T>::NotMember);

		let call = <T as CreateTransactionBase<Call<T>>>::RuntimeCall::from(call);
		let call = H256::from(call.using_encoded(sp_io::hashing::blake2_256));
		let mut kept = Self::live_approvals(&out_point);
		kept.retain(|approval| approval.by != who);
		let same = kept.iter().filter(|approval| approval.call == call);
		let with: Members<_> =
			BoundedVec::truncate_from(same.map(|approval| approval.by.clone()).collect());
		let approvals = (with.len() as u32).saturating_add(1);
		let agreed = approvals >= lock.threshold;

		let (model, versions) = (output.model, output.versions);
		let (successor, done) = with_transaction(|| {
			let changed = apply(lock.account()).and_then(|done| {
				if agreed {
					Self::note_agreement(&model, versions, out_point, &who, with)?;
				}
				Ok((Tips::<T>::get(model), done))
			});
			match changed {
				Ok(changed) if agreed => TransactionOutcome::Commit(Ok(changed)),
				Ok(changed) => TransactionOutcome::Rollback(Ok(changed)),
				Err(error) => TransactionOutcome::Rollback(Err(error)),
			}
		})?;

		let until = frame_system::Pallet::<T>::block_number()
			.saturating_add(T::ApprovalPeriod::get().into());
		if !agreed {
			kept.push(Approval { by: who.clone(), call, successor, until });
			Self::keep_approvals(&out_point, kept);
		} else if successor == Some(out_point) {
			// An allow-list changed: what else was approved of the output can still be done.
			kept.retain(|approval| approval.call != call);
			Self::keep_approvals(&out_point, kept);
		}
		let threshold = lock.threshold;
		Self::deposit_event(Event::Approved {
			model,
			out_point,
			who,
			call,
			successor,
			approvals,
			threshold,
			until,
		});
		Ok(done)
	}

	pub(crate) fn do_set_lock(
		who: T::AccountId,
		out_point: OutPoint,
		lock: Option<Lock<T::AccountId>>,
	) -> DispatchResult {
		let mut output = Self::owned_output(&who, out_point)?;
		let sound = lock.as_ref().is_none_or(|lock| lock.validate().is_ok());
		ensure!(sound, Error::<T>::UnsoundLock);
		ensure!(output.content.lock != lock, Error::<T>::SameLock);
		Self::count_change(&mut output)?;
		output.content.lock = lock;
		// Who accepts owns the model alone, and it was others who offered it.
		output.content.offered_to = None;
		let output = Self::pay_for(output)?;
		Self::succeed(who, out_point, output, types::Change::LockSet);
		Ok(())
	}

	pub(crate) fn do_withdraw_approval(who: T::AccountId, out_point: OutPoint) -> DispatchResult {
		let output = Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		let mut kept = Approvals::<T>::get(out_point).into_inner();
		let at = kept.iter().position(|approval| approval.by == who);
		let Approval { call, .. } = kept.remove(at.ok_or(Error::<T>::NotApproved)?);
		Self::keep_approvals(&out_point, kept);
		let model = output.model;
		Self::deposit_event(Event::ApprovalWithdrawn { model, out_point, who, call });
		Ok(())
	}

	/// The account that changes an output: its owner's, or its set's, for which nobody signs. So
	/// whatever makes a change meets [`Self::change`], or is refused.
	pub(crate) fn changed_by(content: &ModelContent<T::AccountId>) -> T::AccountId {
		content.lock.as_ref().map_or_else(|| content.owner.clone(), Lock::account)
	}

	/// Whether `who` may let a version have a key of `registrant`'s: of a set, whether it may be that
	/// of one who approves. That it is, is checked when all have.
	pub(crate) fn may_use_key(
		who: &T::AccountId,
		lock: Option<&Lock<T::AccountId>>,
		registrant: &T::AccountId,
	) -> bool {
		lock.map_or_else(|| registrant == who, |lock| lock.has(registrant))
	}

	/// Notes in the history who agreed on what a set changed. Keys of versions that it added are theirs:
	/// nobody's deposit is bound by what others agree on.
	pub(crate) fn note_agreement(
		model: &ModelId,
		versions: u32,
		spent: OutPoint,
		who: &T::AccountId,
		with: Members<T::AccountId>,
	) -> DispatchResult {
		// A model that closed at once has neither.
		let Some(tip) = Self::tip(model) else { return Ok(()) };
		for index in versions..tip.versions {
			let circuit = Versions::<T>::get(model, index).and_then(|version| version.circuit);
			let key = circuit.and_then(|circuit| T::Verifier::key(&circuit.key));
			let theirs =
				key.is_none_or(|key| key.registrant == *who || with.contains(&key.registrant));
			ensure!(theirs, Error::<T>::ForeignKey);
		}
		let Some(last) = tip.changes.checked_sub(1) else { return Ok(()) };
		History::<T>::mutate(model, last, |record| {
			if let Some(record) = record.as_mut().filter(|record| record.spent == spent) {
				record.by = who.clone();
				record.with = with;
			}
		});
		Ok(())
	}

	fn live_approvals(out_point: &OutPoint) -> Vec<Approval<T::AccountId, BlockNumberFor<T>>> {
		let now = frame_system::Pallet::<T>::block_number();
		let mut approvals = Approvals::<T>::get(out_point).into_inner();
		approvals.retain(|approval| now <= approval.until);
		approvals
	}

	fn keep_approvals(
		out_point: &OutPoint,
		approvals: Vec<Approval<T::AccountId, BlockNumberFor<T>>>,
	) {
		if approvals.is_empty() {
			Approvals::<T>::remove(out_point);
		} else {
			// One of each member at most.
			Approvals::<T>::insert(out_point, BoundedVec::truncate_from(approvals));
		}
	}

	/// How many names a change of this output leaves in the history beside the one of each record.
	pub(crate) fn co_signers(content: &ModelContent<T::AccountId>) -> u32 {
		content.lock.as_ref().map_or(0, |lock| lock.threshold.saturating_sub(1))
	}

	/// What sets add to what the chain stores of a model: who agreed on its changes, the one that
	/// retires it included, and what its members approve of the live output.
	pub(crate) fn size_of_approvals(output: &ModelOutput<T>) -> usize {
		let names = output.co_signers.saturating_add(Self::co_signers(&output.content));
		let of_names = T::AccountId::max_encoded_len().saturating_mul(names as usize);
		let Some(lock) = &output.content.lock else { return of_names };
		Approval::<T::AccountId, BlockNumberFor<T>>::max_encoded_len()
			.saturating_mul(lock.members.len())
			.saturating_add(OutPoint::max_encoded_len())
			.saturating_add(of_names)
	}

	/// The bytes of a record of the history that one account made.
	pub(crate) fn record_size() -> usize {
		HistoryRecord::<T::AccountId, BlockNumberFor<T>>::max_encoded_len()
			.saturating_sub(Members::<T::AccountId>::max_encoded_len())
			.saturating_add(1)
	}

	/// What members of its set have approved of the live output of a model.
	pub fn pending_changes(model: ModelId) -> Vec<PendingChange<T::AccountId, BlockNumberFor<T>>> {
		let Some(out_point) = Tips::<T>::get(model) else { return Vec::new() };
		let Some(output) = Outputs::<T>::get(out_point) else { return Vec::new() };
		let threshold = output.content.lock.map_or(0, |lock| lock.threshold);
		let mut pending = BTreeMap::new();
		for Approval { by, call, successor, until } in Self::live_approvals(&out_point) {
			let change = pending.entry(call).or_insert_with(|| PendingChange {
				call,
				successor,
				approved: Vec::new(),
				missing: threshold,
			});
			change.approved.push((by, until));
			change.missing = change.missing.saturating_sub(1);
		}
		pending.into_values().collect()
	}
}
