//! Calls by plan: workers are paid in funds, from the plan's price or from a pot of the owner's.
//!
//! A worker gets what it would get of a fee. What is drawn for that has the platform's share in it, so
//! that no plan is a way around the share: of every unit of a period, whether workers draw it or it
//! is left, the platform gets the same part.

use crate::*;
use aimodel_primitives::{
	pricing::{Standing, SubscriptionError},
	runtime_api::PotInfo,
	split::{gross, FlatSplit},
};
use frame_support::{
	pallet_prelude::*,
	traits::{fungible::MutateHold, tokens::Precision},
};
use sp_runtime::{ArithmeticError, Permill};

impl<T: Config> Pallet<T> {
	/// What is drawn for a call at this price by fee.
	pub(crate) fn draw_of(
		split: &FlatSplit<T::AccountId>,
		price: Balance,
		platform_share: Permill,
	) -> Result<Draw, DispatchError> {
		let pay = split.divide(price, platform_share).worker;
		let gross = gross(pay, platform_share).ok_or(Error::<T>::PriceOverflow)?;
		Ok(Draw { pay, gross })
	}

	/// Takes a call from the customer's plan, charged first for a period that is due, and reserves the
	/// draw. Tells what it weighed.
	pub(crate) fn cover(
		customer: &T::AccountId,
		model: &ModelId,
		content: &ModelContent<T::AccountId>,
		draw: Draw,
	) -> Result<(Cover<T::AccountId>, Weight), DispatchError> {
		let mut record = Self::subscription_of(customer, model)?;
		let now = Self::block();
		let mut weight = T::WeightInfo::cover();
		if record.subscription.standing(now) == Standing::Grace {
			let (renewed, begun) = Self::renew_subscription(customer, model, content, record)?;
			record = renewed;
			weight = weight.saturating_add(begun);
		}
		let (called, source) = match record.subscription.call(now, draw.gross) {
			Err(SubscriptionError::EscrowExhausted) => {
				Self::reserve(model, &content.owner, draw.gross)?;
				(record.subscription.call(now, 0), FundingSource::Pot(content.owner.clone()))
			},
			called => (called, FundingSource::Plan),
		};
		record.subscription = called.map_err(Error::<T>::from)?;
		let (term, payees) = (record.term, record.payees.clone());
		Subscriptions::<T>::insert(customer, model, record);
		Ok((Cover { term, draw, source, payees }, weight))
	}

	/// Pays the worker of a covered request, and gives back what was reserved beyond that. `price` is
	/// what the answer would cost by fee.
	pub(crate) fn pay_by_plan(
		id: RequestId,
		request: &Request<T>,
		cover: &Cover<T::AccountId>,
		worker: &T::AccountId,
		price: Balance,
	) -> Result<Payout<T::AccountId>, DispatchError> {
		let Draw { pay, gross } = Self::draw_of(&request.split, price, request.platform_share)?;
		// The largest remainder of a lower price can be a unit more.
		let pay = pay.min(cover.draw.pay);
		let gross = gross.min(cover.draw.gross);
		let (reason, payer) = match &cover.source {
			FundingSource::Plan => (HoldReason::Plan, &request.customer),
			FundingSource::Pot(owner) => (HoldReason::Pot, owner),
		};
		Self::take_held(reason, payer, &request.version.model, gross)?;
		let platform = gross.saturating_sub(pay);
		let incentives = Self::feed_incentives(request, platform)?;
		let beneficiaries = Default::default();
		let payout = Payout { platform, incentives, worker: pay, beneficiaries };
		Self::credit(worker, pay)?;
		Self::credit_others(&payout)?;
		Self::give_back(request, cover, cover.draw.gross.saturating_sub(gross), 0)?;
		let (draw, source) = (Draw { pay, gross }, cover.source.clone());
		Self::deposit_event(Event::Drawn { request: id, draw, source });
		Ok(payout)
	}

	/// Gives back what a covered request reserved and did not draw, and its call if it was not
	/// answered: to the period that they were taken from. What comes back after that is as if it had
	/// been left then: divided, and no call of another period. A pot has its own back at any time.
	pub(crate) fn give_back(
		request: &Request<T>,
		cover: &Cover<T::AccountId>,
		unspent: Balance,
		calls: u64,
	) -> DispatchResult {
		let (customer, model) = (&request.customer, &request.version.model);
		let from_plan = match &cover.source {
			FundingSource::Plan => unspent,
			FundingSource::Pot(owner) => {
				Pots::<T>::mutate(model, owner, |pot| {
					let Some(pot) = pot else { return };
					pot.reserved = pot.reserved.saturating_sub(cover.draw.gross);
					pot.free = pot.free.saturating_add(unspent);
				});
				0
			},
		};
		match Subscriptions::<T>::get(customer, model) {
			Some(mut record) if record.term == cover.term => {
				record.subscription = record.subscription.give_back(calls, from_plan);
				Subscriptions::<T>::insert(customer, model, record);
				Ok(())
			},
			_ => Self::earn(customer, model, from_plan, &cover.payees),
		}
	}

	pub(crate) fn do_fund_pot(
		who: T::AccountId,
		model: ModelId,
		amount: Balance,
	) -> DispatchResult {
		let output = Self::tip(&model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(output.content.owner == who, Error::<T>::NotOwner);
		ensure!(!output.content.retired, Error::<T>::ModelRetired);
		ensure!(amount > 0, Error::<T>::NothingToChange);
		let mut pot = match Pots::<T>::get(model, &who) {
			Some(pot) => pot,
			None => {
				let size = Pot::<T>::max_encoded_len();
				let deposit = T::CustomerDeposit::new(&who, Footprint::from_parts(1, size))?;
				Pot { free: 0, reserved: 0, deposit }
			},
		};
		pot.free = pot.free.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
		T::Currency::hold(&HoldReason::Pot.into(), &who, amount)?;
		Pots::<T>::insert(model, &who, pot);
		Self::deposit_event(Event::PotFunded { account: who, model, amount });
		Ok(())
	}

	pub(crate) fn do_withdraw_pot(
		who: T::AccountId,
		model: ModelId,
		amount: Balance,
	) -> DispatchResult {
		let mut pot = Pots::<T>::get(model, &who).ok_or(Error::<T>::UnknownPot)?;
		// Of a pot that was drawn to the last unit, the deposit is left to take back.
		let spent = pot.free == 0 && pot.reserved == 0;
		ensure!(amount > 0 || spent, Error::<T>::NothingToChange);
		pot.free = pot.free.checked_sub(amount).ok_or(Error::<T>::PotTooSmall)?;
		T::Currency::release(&HoldReason::Pot.into(), &who, amount, Precision::Exact)?;
		if pot.free == 0 && pot.reserved == 0 {
			pot.deposit.drop(&who)?;
			Pots::<T>::remove(model, &who);
		} else {
			Pots::<T>::insert(model, &who, pot);
		}
		Self::deposit_event(Event::PotWithdrawn { account: who, model, amount });
		Ok(())
	}

	/// Reserves a draw in the pot of a model's owner.
	fn reserve(model: &ModelId, owner: &T::AccountId, amount: Balance) -> DispatchResult {
		Pots::<T>::try_mutate(model, owner, |pot| {
			let pot = pot.as_mut().ok_or(Error::<T>::PlanUnfunded)?;
			pot.free = pot.free.checked_sub(amount).ok_or(Error::<T>::PlanUnfunded)?;
			pot.reserved = pot.reserved.saturating_add(amount);
			Ok(())
		})
	}

	/// What `owner` set aside for calls of a model by plan.
	pub fn pot_of(model: &ModelId, owner: &T::AccountId) -> Option<PotInfo> {
		let Pot { free, reserved, .. } = Pots::<T>::get(model, owner)?;
		Some(PotInfo { free, reserved })
	}
}
