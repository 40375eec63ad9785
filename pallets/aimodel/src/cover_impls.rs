//! Calls by plan: workers are paid in funds, from the plan's price or from a pot of the owner's.
//!
//! A worker gets what it would get of a fee. What is drawn for that has the platform's share in it, so
//! that no plan is a way around the share: of every unit of a period, whether workers draw it or it
//! is left, the platform gets the same part.

use crate::*;
use aimodel_primitives::{
	pricing::{Standing, SubscriptionError},
	split::{gross, FlatSplit},
};
use frame_support::pallet_prelude::*;
use sp_runtime::Permill;

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
				let reserved = Self::reserve::<Pots<T>>(model, &content.owner, draw.gross);
				ensure!(reserved, Error::<T>::PlanUnfunded);
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
				Self::unreserve::<Pots<T>>(model, owner, cover.draw.gross, unspent);
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
}
