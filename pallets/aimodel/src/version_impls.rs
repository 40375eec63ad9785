//! Which of its kept versions answers requests of a model.

use crate::{types::record_hash, *};
use aimodel_primitives::{
	models::{interchangeable, Alias, Candidate, KeptVersion},
	traits::LeaseTerms,
};
use alloc::vec::Vec;
use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, Permill};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_rollback(
		who: T::AccountId,
		out_point: OutPoint,
		version: u32,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		Self::ensure_no_candidate(&output)?;
		let record = Self::ensure_other_version(&output, version)?;
		let mut output = Self::lengthen(output)?;
		output.content.version = version;
		output.content.record = record_hash(&record);
		Self::succeed(who, out_point, output, Change::RolledBack { version });
		Ok(())
	}

	pub(crate) fn do_publish(
		who: T::AccountId,
		out_point: OutPoint,
		record: Version,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		let version = Self::ensure_another_version(&who, &output, &record)?;
		let output = Self::add_version(output, record)?;
		Self::succeed(who, out_point, output, Change::Published { version });
		Ok(())
	}

	pub(crate) fn do_stage(
		who: T::AccountId,
		out_point: OutPoint,
		version: u32,
		share: Permill,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		ensure!(!share.is_zero() && !share.is_one(), Error::<T>::ShareOutOfBounds);
		let record = Self::ensure_other_version(&output, version)?;
		let stable = Versions::<T>::get(output.model, output.content.version)
			.ok_or(Error::<T>::UnknownVersion)?;
		ensure!(interchangeable(&stable, &record), Error::<T>::CandidateDiffers);

		let mut output = Self::lengthen(output)?;
		let record = record_hash(&record);
		output.content.candidate = Some(Candidate { version, record, share });
		Self::succeed(who, out_point, output, Change::Staged { version, share });
		Ok(())
	}

	pub(crate) fn do_promote(who: T::AccountId, out_point: OutPoint) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		let Candidate { version, record, .. } =
			output.content.candidate.ok_or(Error::<T>::NoCandidate)?;
		let named = VersionId { model: output.model, index: version };
		ensure!(!Self::is_deprecated(&named), Error::<T>::VersionDeprecated);

		let mut output = Self::lengthen(output)?;
		output.content.candidate = None;
		output.content.version = version;
		output.content.record = record;
		Self::succeed(who, out_point, output, Change::Promoted { version });
		Ok(())
	}

	pub(crate) fn do_abort(who: T::AccountId, out_point: OutPoint) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		let Candidate { version, .. } = output.content.candidate.ok_or(Error::<T>::NoCandidate)?;
		let mut output = Self::lengthen(output)?;
		output.content.candidate = None;
		Self::succeed(who, out_point, output, Change::Aborted { version });
		Ok(())
	}

	pub(crate) fn do_deprecate(
		who: T::AccountId,
		out_point: OutPoint,
		version: u32,
		notice: BlockNumberFor<T>,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		let model = output.model;
		ensure!(version < output.versions, Error::<T>::UnknownVersion);
		let from = frame_system::Pallet::<T>::block_number().saturating_add(notice);
		let promised = Deprecations::<T>::get(model, version);
		ensure!(promised.is_none_or(|promised| from >= promised), Error::<T>::NoticeTooShort);

		let output = Self::lengthen(output)?;
		Deprecations::<T>::insert(model, version, from);
		Self::succeed(who, out_point, output, Change::Deprecated { version });
		let version = VersionId { model, index: version };
		Self::deposit_event(Event::Deprecated { version, from });
		Ok(())
	}

	/// The candidate's terms and record, if it is to answer request `id` and can. Where it can not,
	/// nobody waits for it: an id that failed is tried again, and would be drawn for it again.
	pub(crate) fn staged(
		id: RequestId,
		candidate: Option<Candidate>,
		assurance: &Assurance,
		input: Option<&Input<T::MaxInlineInput>>,
		stable: &LeaseTerms<BlockNumberFor<T>>,
		ahead: &[Waiter],
	) -> Option<(LeaseTerms<BlockNumberFor<T>>, Version)> {
		let candidate = candidate.filter(|candidate| candidate.takes(id))?;
		let version = VersionId { index: candidate.version, ..stable.version };
		let terms = LeaseTerms { version, ..*stable };
		let record = Versions::<T>::get(version.model, version.index)?;
		let able = !Self::is_deprecated(&version)
			&& Self::ensure_input(*assurance, &record, input).is_ok()
			&& Self::has_capacity(&terms, ahead);
		able.then_some((terms, record))
	}

	/// Whether workers can take a request on these terms beside those that are drawn before it.
	pub(crate) fn has_capacity(terms: &LeaseTerms<BlockNumberFor<T>>, ahead: &[Waiter]) -> bool {
		let before = ahead.iter().filter(|(_, version, _)| *version == terms.version).count();
		T::Workers::capacity(terms) as usize > before
	}

	/// Whether new requests to a version are refused.
	pub(crate) fn is_deprecated(version: &VersionId) -> bool {
		let now = frame_system::Pallet::<T>::block_number();
		Deprecations::<T>::get(version.model, version.index).is_some_and(|from| now >= from)
	}

	pub(crate) fn ensure_no_candidate(output: &ModelOutput<T>) -> DispatchResult {
		ensure!(output.content.candidate.is_none(), Error::<T>::CandidateStaged);
		Ok(())
	}

	/// A kept version that may answer new requests, and is not the one that does.
	fn ensure_other_version(
		output: &ModelOutput<T>,
		version: u32,
	) -> Result<Version, DispatchError> {
		let record = Versions::<T>::get(output.model, version).ok_or(Error::<T>::UnknownVersion)?;
		ensure!(version != output.content.version, Error::<T>::SameVersion);
		let named = VersionId { model: output.model, index: version };
		ensure!(!Self::is_deprecated(&named), Error::<T>::VersionDeprecated);
		Ok(record)
	}

	/// The versions of a model that is not closed.
	pub fn versions(model: ModelId) -> Vec<KeptVersion<BlockNumberFor<T>>> {
		let kept = |index| {
			let record = Versions::<T>::get(model, index)?;
			let deprecated_from = Deprecations::<T>::get(model, index);
			Some(KeptVersion { index, record, deprecated_from })
		};
		let count = Self::tip(&model).map_or(0, |output| output.versions);
		(0..count).filter_map(kept).collect()
	}

	/// The version of a model that has a role now.
	pub fn resolve(model: ModelId, alias: Alias) -> Option<VersionId> {
		let ModelOutput { content, versions, .. } = Self::tip(&model)?;
		let index = match alias {
			Alias::Stable => (!content.retired).then_some(content.version),
			Alias::Latest => versions.checked_sub(1),
			Alias::Candidate => content.candidate.map(|candidate| candidate.version),
		}?;
		Some(VersionId { model, index })
	}
}
