//! Earnings: what the platform takes, and how payees have theirs.

use crate::*;
use aimodel_primitives::split::{FlatSplit, Source, SplitError};
use frame_support::{
	pallet_prelude::*,
	traits::{fungible::Mutate, tokens::Preservation},
};
use sp_runtime::{traits::Zero, Permill};

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
	/// Checks the split that a model is about to have.
	pub(crate) fn ensure_split(
		model: ModelId,
		content: &ModelContent<T::AccountId>,
	) -> DispatchResult {
		content.split.validate().map_err(Error::<T>::from)?;
		FlatSplit::check(model, content.into(), Self::source).map_err(Error::<T>::from)?;
		Ok(())
	}

	/// A model's split as it leads to accounts now: what a request freezes.
	pub(crate) fn flat_split(
		model: ModelId,
		content: &ModelContent<T::AccountId>,
	) -> FlatSplit<T::AccountId> {
		FlatSplit::flatten(model, content.into(), Self::source)
	}

	pub(crate) fn source(model: &ModelId) -> Option<Source<T::AccountId>> {
		Self::tip(model).map(|output| (&output.content).into())
	}

	/// A split without a worker, as it leads to accounts now: what a period of a plan freezes.
	pub(crate) fn owners_side(
		model: ModelId,
		content: &ModelContent<T::AccountId>,
	) -> FlatSplit<T::AccountId> {
		FlatSplit::owners_side(model, content.into(), Self::source)
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
		PlatformShare::<T>::put(share);
		Self::deposit_event(Event::PlatformShareSet { share });
		Ok(())
	}

	pub(crate) fn platform_share_is_bounded(share: Permill) -> bool {
		(T::MinPlatformShare::get()..=T::MaxPlatformShare::get()).contains(&share)
	}
}
