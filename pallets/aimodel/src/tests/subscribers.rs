//! Models that are for their subscribers, or for those of a tier: who is admitted, and from when to when.

use super::{plans::*, world::*};
use crate::*;
use aimodel_primitives::{
	access::{AccountLimits, Limits, Policy, RateLimit},
	pricing::Offer,
};
use frame_support::{assert_noop, assert_ok, storage::with_storage_layer};
use sp_runtime::{AccountId32, DispatchResult};

/// 2,000 for 40 blocks and three calls, and ten blocks of grace.
const BY_STANDARD: u32 = 0;
const BY_PROFESSIONAL: u32 = 1;
const BY_TRIAL: u32 = 2;

fn reserved_for(policy: Policy) -> ModelId {
	let model = sold_digits();
	let access = Access { policy, ..Access::default() };
	assert_ok!(Aimodel::set_access(by(&OWNER), tip(model), access));
	model
}

fn try_buy(who: &AccountId32, model: ModelId) -> DispatchResult {
	with_storage_layer(|| {
		Aimodel::request(by(who), tip(model), PROVEN, image(), PRICE, None, Default::default())
	})
	.plain()
}

fn buy(model: ModelId) -> RequestId {
	assert_ok!(try_buy(&CUSTOMER, model));
	NextRequest::<Test>::get() - 1
}

fn refuse(model: ModelId, error: Error<Test>) {
	let error = sp_runtime::DispatchError::from(error);
	let order = || with_storage_layer(|| try_order(model));
	assert_noop!(order(), error);
	assert_noop!(try_buy(&CUSTOMER, model), error);
}

/// Has a request answered, so that no slot is taken for long.
fn answered(request: RequestId) {
	next_block();
	assert_ok!(answer(&WORKER, request));
}

#[test]
fn only_subscribers_and_the_owner_are_admitted() {
	run(|| {
		let model = reserved_for(Policy::Subscribers);
		refuse(model, Error::SubscribersOnly);
		assert_ok!(try_buy(&OWNER, model));
		// Anybody may become one.
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 5_000));
		subscribe(model, BY_TRIAL);
		answered(buy(model));
		answered(order(model));
		assert_noop!(try_buy(&STRANGER, model), Error::<Test>::SubscribersOnly);
	});
}

#[test]
fn a_subscription_to_one_model_opens_no_other() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let (other, _) = deploy(attested());
		let access = Access { policy: Policy::Subscribers, ..Access::default() };
		assert_ok!(Aimodel::set_access(by(&OWNER), tip(other), access));
		let origin = by(&CUSTOMER);
		let asked = Aimodel::request(
			origin,
			tip(other),
			Assurance::Attested,
			floats(2),
			9_999,
			None,
			Default::default(),
		);
		assert_noop!(asked, Error::<Test>::SubscribersOnly);
	});
}

#[test]
fn a_paid_request_needs_a_period_that_goes_on() {
	run(|| {
		let model = reserved_for(Policy::Subscribers);
		subscribe(model, BY_STANDARD);
		jump_to(40);
		answered(buy(model));
		// In grace, the next period is not paid, and a paid request pays for none.
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), None);
		assert_noop!(try_buy(&CUSTOMER, model), Error::<Test>::SubscribersOnly);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		answered(buy(model));
	});
}

#[test]
fn a_request_by_plan_in_grace_pays_the_period_that_admits_it() {
	run(|| {
		let model = reserved_for(Policy::Subscribers);
		subscribe(model, BY_STANDARD);
		jump_to(45);
		answered(order(model));
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), Some(Tier::Standard));
		// After its grace it is over for both.
		jump_to(91);
		refuse(model, Error::SubscribersOnly);
	});
}

#[test]
fn a_cancelled_subscription_admits_until_its_end() {
	run(|| {
		let model = reserved_for(Policy::Subscribers);
		subscribe(model, BY_STANDARD);
		assert_ok!(Aimodel::cancel_subscription(by(&CUSTOMER), model));
		jump_to(40);
		let late = order(model);
		jump_to(41);
		refuse(model, Error::SubscribersOnly);
		// What was asked in time is answered.
		assert_ok!(answer(&WORKER, late));
	});
}

#[test]
fn only_a_tier_that_is_high_enough_is_admitted() {
	run(|| {
		let model = reserved_for(Policy::Tier(Tier::Professional));
		refuse(model, Error::SubscribersOnly);
		// Nobody pays for a period in which he may not call.
		let joins = |plan| Aimodel::subscribe(by(&CUSTOMER), tip(model), plan);
		assert_noop!(with_storage_layer(|| joins(BY_STANDARD)), Error::<Test>::TierTooLow);
		assert_noop!(with_storage_layer(|| joins(BY_TRIAL)), Error::<Test>::TierTooLow);
		assert_ok!(joins(BY_PROFESSIONAL));
		answered(buy(model));
		answered(order(model));
	});
}

#[test]
fn who_had_a_lower_tier_before_changes_to_a_higher_one() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let access = Access { policy: Policy::Tier(Tier::Professional), ..Access::default() };
		assert_ok!(Aimodel::set_access(by(&OWNER), tip(model), access));
		refuse(model, Error::TierTooLow);
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_PROFESSIONAL));
		answered(buy(model));
		answered(order(model));
		// And back, when the period ends: no request begins a period that would not admit it.
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_STANDARD));
		answered(buy(model));
		jump_to(System::block_number() + 40);
		let order = || with_storage_layer(|| try_order(model));
		assert_noop!(order(), Error::<Test>::TierTooLow);
		let renew = || with_storage_layer(|| Aimodel::renew(by(&OWNER), CUSTOMER, model));
		assert_noop!(renew(), Error::<Test>::TierTooLow);
	});
}

#[test]
fn a_request_in_grace_has_the_tier_of_the_period_that_it_begins() {
	run(|| {
		// Dear enough that a change to another tier waits for the period's end.
		let model = sold_digits();
		let dear =
			Plan { period: 40, price: 2_000, quota: None, grace: 10, service: None, limits: None };
		let plans =
			[Tier::Standard, Tier::Professional].map(|tier| Offer { plan: dear, tier, to: None });
		set_plans(model, plans.to_vec());
		subscribe(model, 0);
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), 1));
		let access = Access { policy: Policy::Tier(Tier::Professional), ..Access::default() };
		assert_ok!(Aimodel::set_access(by(&OWNER), tip(model), access));
		refuse(model, Error::TierTooLow);
		jump_to(41);
		answered(order(model));
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), Some(Tier::Professional));
	});
}

// --- What a plan admits ----------------------------------------------------------------------------

fn at_most(calls: u32, open: u32) -> AccountLimits {
	AccountLimits { rate: Some(RateLimit { calls, window: 20 }), open: Some(open) }
}

/// A model that admits one request of an account in a window, and sells more.
fn limited(limits: AccountLimits) -> ModelId {
	let model = sold_digits();
	let rate = Some(RateLimit { calls: 1, window: 20 });
	let access = Access { limits: Limits { rate, ..Limits::default() }, ..Access::default() };
	assert_ok!(Aimodel::set_access(by(&OWNER), tip(model), access));
	let plan = Plan { quota: None, limits: Some(limits), ..STANDARD };
	set_plans(model, vec![Offer { plan, tier: Tier::Professional, to: None }]);
	model
}

#[test]
fn who_buys_higher_limits_has_them_in_place_of_the_models() {
	run(|| {
		let model = limited(at_most(3, 10));
		advance_to(20);
		answered(buy(model));
		assert_noop!(try_buy(&CUSTOMER, model), Error::<Test>::RateLimited);
		// What was counted before counts on.
		subscribe(model, 0);
		answered(buy(model));
		answered(order(model));
		refuse(model, Error::RateLimited);
		advance_to(40);
		answered(buy(model));
	});
}

#[test]
fn limits_that_were_bought_end_with_their_period() {
	run(|| {
		let model = limited(at_most(3, 10));
		advance_to(20);
		subscribe(model, 0);
		assert_ok!(Aimodel::cancel_subscription(by(&CUSTOMER), model));
		advance_to(60);
		answered(buy(model));
		assert_noop!(try_buy(&CUSTOMER, model), Error::<Test>::RateLimited);
	});
}

#[test]
fn a_plan_can_admit_less_at_a_time_than_the_model_and_more_than_all_can_not() {
	run(|| {
		let model = limited(at_most(3, 1));
		advance_to(20);
		subscribe(model, 0);
		let first = buy(model);
		refuse(model, Error::TooManyOpen);
		answered(first);
		answered(buy(model));
		let limits = Limits { open: Some(1), ..Limits::default() };
		let access = Access { limits, ..Access::default() };
		assert_ok!(Aimodel::set_access(by(&OWNER), tip(model), access));
		assert_ok!(try_buy(&STRANGER, model));
		refuse(model, Error::ModelBusy);
	});
}

#[test]
fn limits_without_sense_are_not_sold() {
	run(|| {
		let model = sold_digits();
		let offer = |limits| {
			let plan = Plan { limits: Some(limits), ..STANDARD };
			let plans = vec![Offer { plan, tier: Tier::Standard, to: None }];
			Aimodel::set_plans(by(&OWNER), tip(model), plans.try_into().unwrap())
		};
		assert_noop!(offer(at_most(0, 1)), Error::<Test>::ZeroLimit);
		assert_noop!(offer(at_most(1, 0)), Error::<Test>::ZeroLimit);
		let rate = Some(RateLimit { calls: 1, window: 1_000_000 });
		let forgotten = AccountLimits { rate, open: None };
		assert_noop!(offer(forgotten), Error::<Test>::RateWindowOutOfBounds);
		assert_ok!(offer(AccountLimits::default()));
	});
}
