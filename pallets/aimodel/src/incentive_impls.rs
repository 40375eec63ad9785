//! Incentives: what models merit in an era, and how they are rewarded for it.

use crate::{types::parts, *};
use aimodel_primitives::{
	billing::Periods,
	incentives::{Era, Merit, MAX_INCENTIVE_SHARE},
};
use frame_support::pallet_prelude::*;
use sp_runtime::{traits::Zero, ArithmeticError, Permill};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_incentive_share(share: Permill) -> DispatchResult {
		ensure!(share <= MAX_INCENTIVE_SHARE, Error::<T>::IncentiveShareTooHigh);
		ensure!(share != IncentiveShare::<T>::get(), Error::<T>::NothingToChange);
		IncentiveShare::<T>::put(share);
		Self::deposit_event(Event::IncentiveShareSet { share });
		Ok(())
	}

	pub(crate) fn do_claim_reward(model: ModelId, index: u32) -> Result<Weight, DispatchError> {
		let content = Self::tip(&model).ok_or(Error::<T>::UnknownModel)?.content;
		ensure!(index < Self::current_era(), Error::<T>::EraNotOver);
		let (mut eras, mut merits) = (Self::eras_now(), Merits::<T>::get(model));
		let era = eras.iter_mut().find(|era| era.index == index);
		let place = merits.iter().position(|(era, _)| *era == index);
		let (Some(era), Some(place)) = (era, place) else {
			return Err(Error::<T>::NothingToClaim.into());
		};
		let (_, merit) = merits.remove(place);
		let reward = era.reward(&merit);
		ensure!(!reward.is_zero(), Error::<T>::NothingToClaim);
		era.claimed = era.claimed.saturating_add(reward);

		let (split, followed) = Self::owners_side(model, &content);
		let division = split.divide(reward, Permill::zero());
		let beneficiaries = parts(division.payees, &split);
		for (who, amount) in &beneficiaries {
			Self::credit(who, *amount)?;
		}
		Eras::<T>::put(eras);
		Merits::<T>::insert(model, merits);
		let mut income = Self::income_now(&model);
		income.rewards.add(reward);
		Incomes::<T>::insert(model, income);
		Self::deposit_event(Event::RewardClaimed { model, era: index, reward, beneficiaries });
		Ok(T::WeightInfo::claim_reward().saturating_add(followed))
	}

	/// Feeds the incentives from the platform's part of an answer, and counts the part as a merit if
	/// the answer was proven. Returns what they are fed.
	pub(crate) fn feed_incentives(
		request: &Request<T>,
		platform: Balance,
	) -> Result<Balance, DispatchError> {
		let fed = IncentiveShare::<T>::get().mul_floor(platform);
		Self::change_era(Self::proven(request), fed, |merit| {
			merit.fees = merit.fees.saturating_add(platform);
		})?;
		Ok(fed)
	}

	/// Feeds the incentives from the platform's part of what no answer earned. It is nobody's merit.
	pub(crate) fn feed_without_merit(platform: Balance) -> Result<Balance, DispatchError> {
		let fed = IncentiveShare::<T>::get().mul_floor(platform);
		Self::change_era(None, fed, |_| ())?;
		Ok(fed)
	}

	/// Counts against a model that an obliged lease of it lapsed.
	pub(crate) fn count_demerit(request: &Request<T>) {
		let lost = match &request.cover {
			None => request.platform_share.mul_floor(request.most),
			Some(Cover { draw, .. }) => draw.gross.saturating_sub(draw.pay),
		};
		// Only what is fed could overflow.
		let _ = Self::change_era(Self::proven(request), 0, |merit| {
			merit.failed = merit.failed.saturating_add(lost);
		});
	}

	/// The model of a request that is to be proven.
	fn proven(request: &Request<T>) -> Option<&ModelId> {
		let proven = matches!(request.assurance, Assurance::Proven { .. });
		proven.then_some(&request.version.model)
	}

	/// Feeds the current era, and changes what a model merits in it.
	fn change_era(
		model: Option<&ModelId>,
		fed: Balance,
		change: impl FnOnce(&mut Merit),
	) -> DispatchResult {
		if fed.is_zero() && model.is_none() {
			return Ok(());
		}
		let mut eras = Self::eras_now();
		let era = eras.last_mut().ok_or(ArithmeticError::Underflow)?;
		era.fund = era.fund.checked_add(fed).ok_or(ArithmeticError::Overflow)?;
		if let Some(model) = model {
			let mut merits = Merits::<T>::get(model);
			merits.retain(|(index, _)| Self::is_kept(*index));
			if merits.last().is_none_or(|(index, _)| *index != era.index) {
				// Others are of earlier eras that are kept: there is room for the current one.
				let _ = merits.try_push((era.index, Merit::default()));
			}
			if let Some((_, merit)) = merits.last_mut() {
				let before = *merit;
				change(merit);
				era.weigh(&before, merit);
			}
			Merits::<T>::insert(model, merits);
		}
		Eras::<T>::put(eras);
		Ok(())
	}

	/// Eras as of now, the current one last. It has what was not claimed of those that are no longer
	/// kept.
	pub(crate) fn eras_now() -> BoundedVec<Era, T::KeptEras> {
		let mut eras = Eras::<T>::get();
		let mut left: Balance = 0;
		eras.retain(|era| {
			let kept = Self::is_kept(era.index);
			if !kept {
				left = left.saturating_add(era.rest());
			}
			kept
		});
		let index = Self::current_era();
		if eras.last().is_none_or(|era| era.index != index) {
			// Others are earlier ones that are kept: there is room for the current one.
			let _ = eras.try_push(Era { index, ..Era::default() });
		}
		if let Some(era) = eras.last_mut() {
			era.fund = era.fund.saturating_add(left);
		}
		eras
	}

	/// Whether an era is the current one, or its rewards can be claimed.
	fn is_kept(index: u32) -> bool {
		Self::current_era() < index.saturating_add(T::KeptEras::get())
	}

	fn current_era() -> u32 {
		Self::era_periods().of(Self::block())
	}

	pub(crate) fn era_periods() -> Periods {
		Periods { length: T::EraLength::get() }
	}
}
