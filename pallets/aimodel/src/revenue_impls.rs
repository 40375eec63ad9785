//! Earnings: what the platform takes, and how payees have theirs.

use crate::*;
use aimodel_primitives::split::{
	FlatSplit, Source, SplitError, MAX_BENEFICIARIES, MAX_DEPTH, MAX_PAYEES,
};
use frame_support::{
	pallet_prelude::*,
	traits::{fungible::Mutate, tokens::Preservation},
};
use sp_runtime::{traits::Zero, Permill};

/// The most models that a split leads to: those it names, and for each payee one at every level below.
pub(crate) const MAX_FOLLOWED: u32 = MAX_BENEFICIARIES + MAX_PAYEES * (MAX_DEPTH - 1);

impl<T: Config> From<SplitError> for Error<T> {
	fn from(error: SplitError) -> Self {
		match error {
			SplitError::ZeroShare | SplitError::DuplicateBeneficiary | SplitError::NotWhole => {
				Self::UnsoundSplit
			},
			SplitError::UnknownModel => Self::UnknownModel,
			SplitError::Cycle => Self::SplitCycle,
			SplitError::TooDeep => Self::SplitTooDeep,
			SplitError::TooManyPayees => Self::TooManyPayees,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Checks the split that a model is about to have. Tells what following it weighed.
	pub(crate) fn ensure_split(
		model: ModelId,
		content: &ModelContent<T::AccountId>,
	) -> Result<Weight, DispatchError> {
		content.split.validate().map_err(Error::<T>::from)?;
		let mut models = 0;
		FlatSplit::check(model, content.into(), Self::counted(&mut models))
			.map_err(Error::<T>::from)?;
		Ok(Self::follow_weight(models))
	}

	/// A model's split as it leads to accounts now: what a request freezes. Tells what following it
	/// weighed.
	pub(crate) fn flat_split(
		model: ModelId,
		content: &ModelContent<T::AccountId>,
	) -> (FlatSplit<T::AccountId>, Weight) {
		let mut models = 0;
		let split = FlatSplit::flatten(model, content.into(), Self::counted(&mut models));
		(split, Self::follow_weight(models))
	}

	/// A split without a worker, as it leads to accounts now: what a period of a plan freezes. Tells
	/// what following it weighed.
	pub(crate) fn owners_side(
		model: ModelId,
		content: &ModelContent<T::AccountId>,
	) -> (FlatSplit<T::AccountId>, Weight) {
		let mut models = 0;
		let split = FlatSplit::owners_side(model, content.into(), Self::counted(&mut models));
		(split, Self::follow_weight(models))
	}

	/// Finds live models, and counts those that were asked for.
	fn counted(models: &mut u32) -> impl FnMut(&ModelId) -> Option<Source<T::AccountId>> + '_ {
		|model| {
			*models = models.saturating_add(1);
			Self::tip(model).map(|output| (&output.content).into())
		}
	}

	/// The weight of following a split to so many models: a part of that to as many as there can be.
	pub(crate) fn follow_weight(models: u32) -> Weight {
		T::WeightInfo::flatten()
			.saturating_mul(models.min(MAX_FOLLOWED).into())
			.saturating_div(MAX_FOLLOWED.into())
	}

	/// Counts what a price brought everybody. Nothing is counted of a model that is closed, as the
	/// last periods of its plans can be.
	pub(crate) fn count_income(model: &ModelId, payout: &Payout<T::AccountId>) {
		if !Tips::<T>::contains_key(model) {
			return;
		}
		let mut income = Self::income_now(model);
		income.platform.add(payout.platform);
		income.workers.add(payout.worker);
		for (who, amount) in &payout.beneficiaries {
			income.pay(who, *amount);
		}
		Incomes::<T>::insert(model, income);
	}

	/// What a model earned, as of now.
	pub(crate) fn income_now(model: &ModelId) -> Income<T::AccountId> {
		Incomes::<T>::get(model).at(Self::periods().of(Self::block()))
	}

	/// Pays everything that `who` has earned to `to`.
	pub(crate) fn do_withdraw(who: T::AccountId, to: T::AccountId) -> DispatchResult {
		let amount = Earnings::<T>::get(&who);
		ensure!(!amount.is_zero(), Error::<T>::NothingToWithdraw);
		T::Currency::transfer(&Self::pot(), &to, amount, Preservation::Preserve)?;
		Earnings::<T>::remove(&who);
		Self::deposit_event(Event::Withdrawn { account: who, to, amount });
		Ok(())
	}

	pub(crate) fn do_set_platform_share(share: Permill) -> DispatchResult {
		ensure!(Self::platform_share_is_bounded(share), Error::<T>::PlatformShareOutOfBounds);
		ensure!(share != PlatformShare::<T>::get(), Error::<T>::NothingToChange);
		PlatformShare::<T>::put(share);
		Self::deposit_event(Event::PlatformShareSet { share });
		Ok(())
	}

	pub(crate) fn platform_share_is_bounded(share: Permill) -> bool {
		(T::MinPlatformShare::get()..=T::MaxPlatformShare::get()).contains(&share)
	}
}
