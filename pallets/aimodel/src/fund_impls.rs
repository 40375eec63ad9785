//! Funds that owners set aside for their models: pots, which pay for calls by plan, and bonds, which stand
//! for penalties.
//!
//! All of a fund is held on its account. Open requests reserve of what is free; what they do not take of
//! that is free again when they close.

use crate::*;
use aimodel_primitives::runtime_api::FundInfo;
use frame_support::{
	pallet_prelude::*,
	storage::StorageDoubleMap,
	traits::{fungible::MutateHold, tokens::Precision, Defensive},
};
use sp_runtime::ArithmeticError;

/// The funds of one purpose, by model and account.
pub(crate) trait Funds<T: Config>:
	StorageDoubleMap<ModelId, T::AccountId, Fund<T>, Query = Option<Fund<T>>>
{
	/// Why they are held.
	const REASON: HoldReason;
	/// An account has none for the model.
	const UNKNOWN: Error<T>;
	/// Less is free.
	const TOO_SMALL: Error<T>;

	/// An account set so much aside.
	fn added(account: T::AccountId, model: ModelId, amount: Balance) -> Event<T>;

	/// It has so much back.
	fn withdrawn(account: T::AccountId, model: ModelId, amount: Balance) -> Event<T>;
}

impl<T: Config> Funds<T> for Pots<T> {
	const REASON: HoldReason = HoldReason::Pot;
	const UNKNOWN: Error<T> = Error::UnknownPot;
	const TOO_SMALL: Error<T> = Error::PotTooSmall;

	fn added(account: T::AccountId, model: ModelId, amount: Balance) -> Event<T> {
		Event::PotFunded { account, model, amount }
	}

	fn withdrawn(account: T::AccountId, model: ModelId, amount: Balance) -> Event<T> {
		Event::PotWithdrawn { account, model, amount }
	}
}

impl<T: Config> Funds<T> for ServiceBonds<T> {
	const REASON: HoldReason = HoldReason::ServiceBond;
	const UNKNOWN: Error<T> = Error::UnknownServiceBond;
	const TOO_SMALL: Error<T> = Error::ServiceBondTooSmall;

	fn added(account: T::AccountId, model: ModelId, amount: Balance) -> Event<T> {
		Event::ServiceBondPosted { account, model, amount }
	}

	fn withdrawn(account: T::AccountId, model: ModelId, amount: Balance) -> Event<T> {
		Event::ServiceBondWithdrawn { account, model, amount }
	}
}

impl<T: Config> Fund<T> {
	/// Whether only its deposit is left.
	fn is_spent(&self) -> bool {
		self.free == 0 && self.reserved == 0
	}
}

impl<T: Config> Pallet<T> {
	/// Adds to a fund of a model's owner.
	pub(crate) fn add_funds<F: Funds<T>>(
		who: T::AccountId,
		model: ModelId,
		amount: Balance,
	) -> DispatchResult {
		let output = Self::tip(&model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(output.content.owner == who, Error::<T>::NotOwner);
		ensure!(!output.content.retired, Error::<T>::ModelRetired);
		ensure!(amount > 0, Error::<T>::NothingToChange);
		let mut fund = match F::get(model, &who) {
			Some(fund) => fund,
			None => {
				let size = Fund::<T>::max_encoded_len();
				let deposit = T::CustomerDeposit::new(&who, Footprint::from_parts(1, size))?;
				Fund { free: 0, reserved: 0, deposit }
			},
		};
		fund.free = fund.free.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
		T::Currency::hold(&F::REASON.into(), &who, amount)?;
		F::insert(model, &who, fund);
		Self::deposit_event(F::added(who, model, amount));
		Ok(())
	}

	/// Takes back what is free of a fund: with the last of it, its deposit too.
	pub(crate) fn withdraw_funds<F: Funds<T>>(
		who: T::AccountId,
		model: ModelId,
		amount: Balance,
	) -> DispatchResult {
		let mut fund = F::get(model, &who).ok_or(F::UNKNOWN)?;
		// Of a fund that was paid out to the last unit, the deposit is left to take back.
		ensure!(amount > 0 || fund.is_spent(), Error::<T>::NothingToChange);
		fund.free = fund.free.checked_sub(amount).ok_or(F::TOO_SMALL)?;
		T::Currency::release(&F::REASON.into(), &who, amount, Precision::Exact)?;
		if fund.is_spent() {
			fund.deposit.drop(&who)?;
			F::remove(model, &who);
		} else {
			F::insert(model, &who, fund);
		}
		Self::deposit_event(F::withdrawn(who, model, amount));
		Ok(())
	}

	/// Gives back the fund of the owner of a model that closes. What open requests have reserved, those that
	/// fell back to another model, keeps it for its owner to withdraw later.
	pub(crate) fn return_funds<F: Funds<T>>(model: &ModelId, owner: &T::AccountId) {
		let Some(fund) = F::get(model, owner).filter(|fund| fund.reserved == 0) else { return };
		F::remove(model, owner);
		// They can fail only where the holds are gone already.
		let _ =
			T::Currency::release(&F::REASON.into(), owner, fund.free, Precision::Exact).defensive();
		let _ = fund.deposit.drop(owner).defensive();
		Self::deposit_event(F::withdrawn(owner.clone(), *model, fund.free));
	}

	/// Reserves what is free of a fund, and tells whether that was enough.
	#[must_use]
	pub(crate) fn reserve<F: Funds<T>>(
		model: &ModelId,
		owner: &T::AccountId,
		amount: Balance,
	) -> bool {
		F::mutate(model, owner, |fund| {
			let Some(fund) = fund.as_mut() else { return false };
			let Some(free) = fund.free.checked_sub(amount) else { return false };
			fund.free = free;
			fund.reserved = fund.reserved.saturating_add(amount);
			true
		})
	}

	/// Ends a reserve, of which `unspent` is free again: the rest was paid.
	pub(crate) fn unreserve<F: Funds<T>>(
		model: &ModelId,
		owner: &T::AccountId,
		amount: Balance,
		unspent: Balance,
	) {
		F::mutate(model, owner, |fund| {
			let Some(fund) = fund else { return };
			fund.reserved = fund.reserved.saturating_sub(amount);
			fund.free = fund.free.saturating_add(unspent);
		});
	}

	/// What `owner` set aside for a model.
	fn fund_of<F: Funds<T>>(model: &ModelId, owner: &T::AccountId) -> Option<FundInfo> {
		let Fund { free, reserved, .. } = F::get(model, owner)?;
		Some(FundInfo { free, reserved })
	}

	/// What `owner` set aside for calls of a model by plan.
	pub fn pot_of(model: &ModelId, owner: &T::AccountId) -> Option<FundInfo> {
		Self::fund_of::<Pots<T>>(model, owner)
	}

	/// What `owner` put up for the penalties of a model's plans.
	pub fn service_bond_of(model: &ModelId, owner: &T::AccountId) -> Option<FundInfo> {
		Self::fund_of::<ServiceBonds<T>>(model, owner)
	}
}
