//! Plans: what owners offer by the period, and who subscribes to it.
//!
//! The price of a period is held on the subscriber. What calls reserve for their workers stays there
//! too, until they close; everything else is [`Subscription::escrow`], which is divided when the
//! period ends. So nothing of a subscription lies anywhere but on its own account.

use crate::{query_impls::MAX_BILLS, *};
use aimodel_primitives::{
	pricing::{self, Offer, Renewal, Standing, Subscription, SubscriptionError},
	runtime_api::SubscriptionInfo,
};
use alloc::vec::Vec;
use frame_support::{
	pallet_prelude::*,
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude, Precision, Restriction},
	},
};
use sp_runtime::traits::Zero;

impl<T: Config> From<SubscriptionError> for Error<T> {
	fn from(error: SubscriptionError) -> Self {
		match error {
			// A period that is due is charged before a call is made.
			SubscriptionError::Ended | SubscriptionError::PaymentDue => Self::SubscriptionEnded,
			SubscriptionError::NotDue => Self::RenewalNotDue,
			SubscriptionError::QuotaExhausted => Self::QuotaExhausted,
			SubscriptionError::EscrowExhausted => Self::PlanUnfunded,
			SubscriptionError::Overflow => Self::PriceOverflow,
		}
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_plans(
		who: T::AccountId,
		out_point: OutPoint,
		plans: Plans<T::AccountId>,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		let (longest, grace) = (T::Year::get(), T::Month::get());
		let sound = plans.iter().all(|offer| offer.validate(longest, grace).is_ok());
		ensure!(sound, Error::<T>::UnsoundPlan);
		plans
			.iter()
			.filter_map(|offer| offer.plan.service)
			.try_for_each(|terms| Self::ensure_terms(&terms))?;
		plans
			.iter()
			.filter_map(|offer| offer.plan.limits)
			.try_for_each(|limits| limits.validate(T::BillingPeriod::get()))
			.map_err(Error::<T>::from)?;
		let mut output = Self::lengthen(output)?;
		output.content.plans = plans;
		Self::succeed(who, out_point, output, Change::PlansSet);
		Ok(())
	}

	pub(crate) fn do_subscribe(
		who: T::AccountId,
		out_point: OutPoint,
		index: u32,
	) -> Result<Weight, DispatchError> {
		let (model, content) = Self::sold(out_point)?;
		let Offer { plan, tier, .. } = Self::offer(&content, index, &who)?;
		let now = Self::block();
		if let Some(record) = Subscriptions::<T>::get(&who, model) {
			let ended = record.subscription.standing(now) == Standing::Ended;
			ensure!(ended, Error::<T>::AlreadySubscribed);
			Self::end_subscription(&who, &model, record, 0)?;
		}
		Self::charge(&who, &model, &content, plan.price, tier)?;
		let size = SubscriptionRecord::<T>::max_encoded_len();
		let deposit = T::CustomerDeposit::new(&who, Footprint::from_parts(1, size))?;
		let subscription = plan.subscribe(now);
		let subscription = if tier == Tier::Trial { subscription.cancel() } else { subscription };
		let kept = (deposit, false);
		let (record, begun) = Self::begin(subscription, tier, &model, &content, kept);
		Audiences::<T>::mutate(model, |audience| {
			let audience = audience.get_or_insert_default();
			audience.subscriptions = audience.subscriptions.saturating_add(1);
		});
		let until = subscription.end();
		Subscriptions::<T>::insert(&who, model, record);
		Self::deposit_event(Event::Subscribed { account: who, model, plan, tier, until });
		Ok(T::WeightInfo::subscribe().saturating_add(begun))
	}

	pub(crate) fn do_renew(who: T::AccountId, model: ModelId) -> Result<Weight, DispatchError> {
		let record = Self::subscription_of(&who, &model)?;
		let output = Self::tip(&model).filter(|output| !output.content.retired);
		let content = output.ok_or(Error::<T>::ModelRetired)?.content;
		let (record, begun) = Self::renew_subscription(&who, &model, &content, record)?;
		Subscriptions::<T>::insert(&who, model, record);
		Ok(T::WeightInfo::renew().saturating_add(begun))
	}

	pub(crate) fn do_change_plan(
		who: T::AccountId,
		out_point: OutPoint,
		index: u32,
	) -> Result<Weight, DispatchError> {
		let (model, content) = Self::sold(out_point)?;
		let Offer { plan, tier, .. } = Self::offer(&content, index, &who)?;
		ensure!(tier != Tier::Trial, Error::<T>::TrialNotFirst);
		let record = Self::subscription_of(&who, &model)?;
		let now = Self::block();
		let at_once = record.subscription.changes_at_once(&plan, now);
		let pricing::Change { mut subscription, credit, charge, earned } =
			record.subscription.change(plan, now).map_err(Error::<T>::from)?;
		let (record, begun, from) = if at_once {
			Self::charge(&who, &model, &content, charge, tier)?;
			Self::earn(&who, &model, earned, &record.payees)?;
			let kept = (record.deposit, record.waives_penalty);
			let (record, begun) = Self::begin(subscription, tier, &model, &content, kept);
			(record, begun, now.into())
		} else {
			// A renewal charges for one period, also where the next are shorter than this one's grace.
			subscription.plan.grace = subscription.plan.grace.min(plan.period);
			ensure!(subscription.standing(now) != Standing::Ended, Error::<T>::SubscriptionEnded);
			let changes = subscription != record.subscription || tier != record.next_tier;
			ensure!(changes, Error::<T>::NothingToChange);
			let from = subscription.end();
			let record = SubscriptionRecord { subscription, next_tier: tier, ..record };
			(record, Weight::zero(), from)
		};
		Subscriptions::<T>::insert(&who, model, record);
		let account = who;
		Self::deposit_event(Event::PlanChanged {
			account,
			model,
			plan,
			tier,
			credit,
			charge,
			from,
		});
		Ok(T::WeightInfo::change_plan().saturating_add(begun))
	}

	pub(crate) fn do_cancel_subscription(who: T::AccountId, model: ModelId) -> DispatchResult {
		let mut record = Self::subscription_of(&who, &model)?;
		let standing = record.subscription.standing(Self::block());
		ensure!(standing != Standing::Ended, Error::<T>::SubscriptionEnded);
		let cancelled = record.subscription.cancel();
		ensure!(cancelled != record.subscription, Error::<T>::NothingToChange);
		record.subscription = cancelled;
		let until = record.subscription.end();
		Subscriptions::<T>::insert(&who, model, record);
		Self::deposit_event(Event::SubscriptionCancelled { account: who, model, until });
		Ok(())
	}

	pub(crate) fn do_close_subscription(who: T::AccountId, model: ModelId) -> DispatchResult {
		let record = Self::subscription_of(&who, &model)?;
		let ended = record.subscription.standing(Self::block()) == Standing::Ended;
		let retired = Audiences::<T>::get(model).and_then(|audience| audience.retired);
		let credit = match retired {
			Some(at) => {
				let open = Customers::<T>::get(&who, model).map_or(0, |customer| customer.open);
				ensure!(open == 0, Error::<T>::RequestsOpen);
				record.subscription.credit(at)
			},
			None => {
				ensure!(ended, Error::<T>::SubscriptionLive);
				0
			},
		};
		Self::end_subscription(&who, &model, record, credit)
	}

	/// Notes that a model takes no more requests: what its subscribers have paid and not used by now
	/// is theirs.
	pub(crate) fn note_retirement(model: &ModelId) {
		Audiences::<T>::mutate(model, |audience| {
			if let Some(audience) = audience {
				audience.retired = Some(Self::block());
			}
		});
	}

	/// Charges the period that is due. Tells what beginning it weighed.
	pub(crate) fn renew_subscription(
		who: &T::AccountId,
		model: &ModelId,
		content: &ModelContent<T::AccountId>,
		record: SubscriptionRecord<T>,
	) -> Result<(SubscriptionRecord<T>, Weight), DispatchError> {
		let Renewal { subscription, charge, earned, .. } =
			record.subscription.renew(Self::block()).map_err(Error::<T>::from)?;
		let tier = record.next_tier;
		let still = |offer: &Offer<T::AccountId>| {
			offer.plan == subscription.plan && offer.tier == tier && offer.is_for(who)
		};
		ensure!(content.plans.iter().any(still), Error::<T>::PlanWithdrawn);
		Self::charge(who, model, content, charge, tier)?;
		Self::earn(who, model, earned, &record.payees)?;
		let (account, until) = (who.clone(), subscription.end());
		let event = Event::SubscriptionRenewed { account, model: *model, price: charge, until };
		Self::deposit_event(event);
		let kept = (record.deposit, record.waives_penalty);
		Ok(Self::begin(subscription, tier, model, content, kept))
	}

	/// Divides what is left of a subscription, beyond what its account has back, and forgets it.
	fn end_subscription(
		who: &T::AccountId,
		model: &ModelId,
		record: SubscriptionRecord<T>,
		refund: Balance,
	) -> DispatchResult {
		let earned = record.subscription.escrow().saturating_sub(refund);
		T::Currency::release(&HoldReason::Plan.into(), who, refund, Precision::Exact)?;
		Self::earn(who, model, earned, &record.payees)?;
		record.deposit.drop(who)?;
		Subscriptions::<T>::remove(who, model);
		Audiences::<T>::mutate_exists(model, |audience| {
			let Some(kept) = audience else { return };
			kept.subscriptions = kept.subscriptions.saturating_sub(1);
			if kept.subscriptions == 0 {
				*audience = None;
			}
		});
		let (account, model) = (who.clone(), *model);
		Self::deposit_event(Event::SubscriptionClosed { account, model, refund });
		Ok(())
	}

	/// A subscription in a period that begins, with what holds for it; and what that weighed. Its deposit,
	/// and whether it waives penalties, are kept from the last one.
	fn begin(
		subscription: Subscription,
		tier: Tier,
		model: &ModelId,
		content: &ModelContent<T::AccountId>,
		(deposit, waives_penalty): (T::CustomerDeposit, bool),
	) -> (SubscriptionRecord<T>, Weight) {
		let term = NextTerm::<T>::get();
		NextTerm::<T>::put(term.saturating_add(1));
		let (split, followed) = Self::owners_side(*model, content);
		let payees = Payees { platform_share: PlatformShare::<T>::get(), split };
		let next_tier = tier;
		let record = SubscriptionRecord {
			subscription,
			tier,
			next_tier,
			term,
			payees,
			settled: Default::default(),
			waives_penalty,
			deposit,
		};
		(record, followed.saturating_add(Self::counting_weight()))
	}

	/// Holds what an account pays for a period, and counts it. Nothing is charged of who may not call.
	fn charge(
		who: &T::AccountId,
		model: &ModelId,
		content: &ModelContent<T::AccountId>,
		price: Balance,
		tier: Tier,
	) -> DispatchResult {
		Self::ensure_open_to(who, model, content, Some(tier))?;
		Self::count_period(who, model, price, tier)?;
		T::Currency::hold(&HoldReason::Plan.into(), who, price)
	}

	/// Divides what was held of a period that is over. No worker shares in it: workers were paid.
	pub(crate) fn earn(
		who: &T::AccountId,
		model: &ModelId,
		amount: Balance,
		payees: &Payees<T::AccountId>,
	) -> DispatchResult {
		if amount.is_zero() {
			return Ok(());
		}
		Self::take_held(HoldReason::Plan, who, model, amount)?;
		let Payees { platform_share, split } = payees;
		let division = split.divide(amount, *platform_share);
		let incentives = Self::feed_without_merit(division.platform)?;
		let payout = Payout::new(division, incentives, split);
		Self::credit_others(&payout)?;
		Self::count_income(model, &payout);
		let (account, model) = (who.clone(), *model);
		Self::deposit_event(Event::PeriodEarned { account, model, amount, payout });
		Ok(())
	}

	/// Moves what is held from an account for plans of a model to where earnings are kept.
	pub(crate) fn take_held(
		reason: HoldReason,
		from: &T::AccountId,
		model: &ModelId,
		amount: Balance,
	) -> DispatchResult {
		if amount.is_zero() {
			return Ok(());
		}
		T::Currency::transfer_on_hold(
			&reason.into(),
			from,
			&Self::pot(),
			amount,
			Precision::Exact,
			Restriction::Free,
			Fortitude::Polite,
		)?;
		Self::change_record(model, |record| record.drawn.add(amount));
		Ok(())
	}

	pub(crate) fn subscription_of(
		who: &T::AccountId,
		model: &ModelId,
	) -> Result<SubscriptionRecord<T>, DispatchError> {
		Subscriptions::<T>::get(who, model).ok_or_else(|| Error::<T>::NotSubscribed.into())
	}

	/// A live output whose plans can be bought.
	fn sold(out_point: OutPoint) -> Result<(ModelId, ModelContent<T::AccountId>), DispatchError> {
		let output = Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		ensure!(!output.content.retired, Error::<T>::ModelRetired);
		Ok((output.model, output.content))
	}

	/// The plan of this index, if `who` may accept it.
	fn offer(
		content: &ModelContent<T::AccountId>,
		index: u32,
		who: &T::AccountId,
	) -> Result<Offer<T::AccountId>, DispatchError> {
		let offer = content.plans.get(index as usize).ok_or(Error::<T>::UnknownPlan)?;
		ensure!(offer.is_for(who), Error::<T>::PlanNotOffered);
		Ok(offer.clone())
	}

	// --- Reads -------------------------------------------------------------------------------------

	/// The tier of `who`, while its subscription to a model covers calls.
	pub fn tier_of(who: &T::AccountId, model: &ModelId) -> Option<Tier> {
		let record = Subscriptions::<T>::get(who, model)?;
		let active = record.subscription.standing(Self::block()) == Standing::Active;
		active.then_some(record.tier)
	}

	/// The subscription of `account` to a model.
	pub fn subscription(account: &T::AccountId, model: &ModelId) -> Option<SubscriptionInfo> {
		Subscriptions::<T>::get(account, model).map(Self::subscription_info)
	}

	/// The subscriptions of `account`, 256 of them at most.
	pub fn subscriptions(account: &T::AccountId) -> Vec<(ModelId, SubscriptionInfo)> {
		let kept = Subscriptions::<T>::iter_prefix(account).take(MAX_BILLS);
		kept.map(|(model, record)| (model, Self::subscription_info(record))).collect()
	}

	fn subscription_info(record: SubscriptionRecord<T>) -> SubscriptionInfo {
		let (subscription, now) = (record.subscription, Self::block());
		SubscriptionInfo {
			subscription,
			tier: record.tier,
			next_tier: record.next_tier,
			standing: subscription.standing(now),
			until: subscription.end(),
			escrow: subscription.escrow(),
			credit: subscription.credit(now),
			term: record.term,
		}
	}
}
