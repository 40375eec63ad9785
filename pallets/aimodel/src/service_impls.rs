//! Service terms: what plans promise of the service, and the bonds of owners that stand for it.
//!
//! What a request can be owed at most is reserved from the owner's bond when it is made, and is free
//! again when it closes. It is paid where the request expires and a lease of it lapsed that obliged its
//! worker. That worker lost all that the request has at stake and more, of which the customer gets a
//! part; the bond pays what is owed beyond that part, so customer and workers together gain nothing.

use crate::{fallback_impls::Offer, *};
use aimodel_primitives::{
	pricing::{Penalty, ServiceError, ServiceTerms, Standing},
	runtime_api::ServiceInfo,
};
use frame_support::{
	defensive_assert,
	pallet_prelude::*,
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude, Precision, Restriction},
	},
};

impl<T: Config> From<ServiceError> for Error<T> {
	fn from(error: ServiceError) -> Self {
		match error {
			ServiceError::ZeroDeadline | ServiceError::DeadlineTooLate => Self::UnsoundDeadline,
			ServiceError::BreachBelowPenalty => Self::BreachBelowPenalty,
		}
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_waive_penalty(
		who: T::AccountId,
		model: ModelId,
		waived: bool,
	) -> DispatchResult {
		let mut record = Self::subscription_of(&who, &model)?;
		ensure!(record.waives_penalty != waived, Error::<T>::NothingToChange);
		record.waives_penalty = waived;
		Subscriptions::<T>::insert(&who, model, record);
		Self::deposit_event(Event::PenaltyWaived { account: who, model, waived });
		Ok(())
	}

	/// The paid period in which a request is made: the one that goes on, or, where the request is by
	/// plan and charges the next one first, that one.
	pub(crate) fn period_of(
		who: &T::AccountId,
		model: &ModelId,
		payment: &Payment,
	) -> Option<Period> {
		let SubscriptionRecord { subscription, tier, next_tier, waives_penalty, .. } =
			Subscriptions::<T>::get(who, model)?;
		let (tier, plan) = match (subscription.standing(Self::block()), payment) {
			(Standing::Active, _) => (tier, subscription.plan),
			(Standing::Grace, Payment::Plan) => (next_tier, subscription.next?),
			_ => return None,
		};
		let Plan { service, limits, .. } = plan;
		Some(Period { tier, service, limits, waives_penalty })
	}

	/// Which requests are drawn first. Who pays a fee comes with the standard tier at least: no plan is
	/// needed for what everybody pays in full.
	pub(crate) fn priority_of(period: Option<&Period>, payment: &Payment) -> Tier {
		let least = match payment {
			Payment::Fee { .. } => Tier::Standard,
			Payment::Plan => Tier::Trial,
		};
		period.map_or(least, |period| period.tier.max(least))
	}

	/// What a request can be owed, once it is reserved. Nothing, where that is nothing, or where the bond
	/// covers less and the customer makes its requests all the same.
	pub(crate) fn guarantee(
		offer: &Offer<T>,
		period: &Period,
	) -> Result<Option<Guarantee<T::AccountId>>, Error<T>> {
		let (model, guarantor) = (&offer.model, &offer.content.owner);
		let stake = offer.draw.map_or(offer.agreed.most, |draw| draw.gross);
		let Some(penalty) = period.service.and_then(|service| service.penalty_of(stake)) else {
			return Ok(None);
		};
		let reserved = penalty.breach;
		let bond = ServiceBonds::<T>::get(model, guarantor);
		let covered = bond.is_some_and(|bond| bond.free >= reserved);
		ensure!(covered || period.waives_penalty, Error::<T>::PenaltyUncovered);
		let (guarantor, model) = (guarantor.clone(), *model);
		Ok(covered.then_some(Guarantee { guarantor, model, penalty, reserved, lapsed: None }))
	}

	/// Reserves a guarantee that its bond covers.
	pub(crate) fn reserve_guarantee(guarantee: &Guarantee<T::AccountId>) {
		let Guarantee { guarantor, model, reserved, .. } = guarantee;
		let covered = Self::reserve::<ServiceBonds<T>>(model, guarantor, *reserved);
		defensive_assert!(covered, "the bond was looked at before");
	}

	/// Frees what is still reserved for a request that closes.
	pub(crate) fn release_guarantee(request: &Request<T>) {
		let Some(Guarantee { guarantor, model, reserved, .. }) = &request.guarantee else { return };
		Self::unreserve::<ServiceBonds<T>>(model, guarantor, *reserved, *reserved);
	}

	/// Credits the customer of a request that expired with the penalty, if its deadline was missed: with
	/// what is left of it after what lapsed leases have brought.
	pub(crate) fn pay_penalty(id: RequestId, request: &mut Request<T>) -> DispatchResult {
		let Some(guarantee) = request.guarantee.as_mut() else { return Ok(()) };
		let Guarantee { guarantor, model, penalty, reserved, lapsed } = guarantee;
		let Some(at_lapse) = *lapsed else { return Ok(()) };
		// A request that fell back may outlive the model that it fell back from.
		let availability =
			Records::<T>::try_get(*model).map_or(at_lapse, |record| record.figures.availability);
		let owed = penalty.owed(availability);
		let amount = owed.saturating_sub(request.compensated).min(*reserved);
		if amount > 0 {
			T::Currency::transfer_on_hold(
				&HoldReason::ServiceBond.into(),
				guarantor,
				&Self::pot(),
				amount,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)?;
			Self::credit(&request.customer, amount)?;
			Self::unreserve::<ServiceBonds<T>>(model, guarantor, amount, 0);
			*reserved = reserved.saturating_sub(amount);
		}
		let (customer, guarantor) = (request.customer.clone(), guarantor.clone());
		let event = Event::PenaltyPaid { request: id, customer, guarantor, owed, amount };
		Self::deposit_event(event);
		Ok(())
	}

	// --- Reads -------------------------------------------------------------------------------------

	/// The terms on which `account` makes requests of a model now.
	pub fn service_of(account: &T::AccountId, model: &ModelId) -> Option<ServiceInfo> {
		let owner = Self::tip(model)?.content.owner;
		let fee = Payment::Fee { max_fee: 0 };
		let Period { tier, service, waives_penalty, .. } = Self::period_of(account, model, &fee)?;
		let bond = Self::service_bond_of(model, &owner);
		let covered = bond.map_or(0, |bond| bond.free);
		Some(ServiceInfo { tier, terms: service, waives_penalty, covered })
	}

	/// What an open request is guaranteed.
	pub fn penalty_of(request: &Request<T>) -> Option<Penalty> {
		request.guarantee.as_ref().map(|guarantee| guarantee.penalty)
	}

	/// Checks what plans promise: a deadline is no later than any may be.
	pub(crate) fn ensure_terms(terms: &ServiceTerms) -> Result<(), Error<T>> {
		Ok(terms.validate(T::MaxDeadline::get())?)
	}
}
