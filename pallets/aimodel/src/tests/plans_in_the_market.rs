//! Calls by plan meet what paid requests meet: access, the breaker, candidates, incentives, and models
//! that are paid by models.

use super::{plans::*, world::*};
use crate::*;
use aimodel_primitives::{
	access::{BreakerParams, BreakerState, Limits, Policy, RateLimit},
	incentives::Merit,
	income::Sums,
	Payee,
};
use frame_support::{assert_noop, assert_ok, storage::with_storage_layer};
use sp_runtime::Permill;

/// 2,000 for 40 blocks.
const BY_STANDARD: u32 = 0;

fn subscribed_digits() -> ModelId {
	let model = sold_digits();
	subscribe(model, BY_STANDARD);
	model
}

fn set_access(model: ModelId, access: Access) {
	assert_ok!(Aimodel::set_access(by(&OWNER), tip(model), access));
}

fn breaker(model: ModelId) -> BreakerState {
	Aimodel::health(&model).unwrap().breaker
}

#[test]
fn who_may_not_call_is_charged_for_no_period() {
	run(|| {
		let model = subscribed_digits();
		let joins = || Aimodel::subscribe(by(&STRANGER), tip(model), BY_STANDARD);
		let renews = || Aimodel::renew(by(&OWNER), CUSTOMER, model);

		assert_ok!(Aimodel::pause(by(&OWNER), tip(model)));
		assert_noop!(try_order(model), Error::<Test>::ModelPaused);
		assert_noop!(with_storage_layer(joins), Error::<Test>::ModelPaused);
		jump_to(41);
		assert_noop!(renews(), Error::<Test>::ModelPaused);
		assert_ok!(Aimodel::unpause(by(&OWNER), tip(model)));

		set_access(model, Access { policy: Policy::AllowList, ..Access::default() });
		assert_noop!(try_order(model), Error::<Test>::NotAllowed);
		assert_noop!(with_storage_layer(joins), Error::<Test>::NotAllowed);
		assert_noop!(renews(), Error::<Test>::NotAllowed);
		let dearer = || Aimodel::change_plan(by(&CUSTOMER), tip(model), 1);
		let customer = vec![CUSTOMER].try_into().unwrap();
		assert_ok!(Aimodel::allow(by(&OWNER), model, customer));
		assert_ok!(renews());
		let customer = vec![CUSTOMER].try_into().unwrap();
		assert_ok!(Aimodel::disallow(by(&OWNER), model, customer));
		assert_noop!(dearer(), Error::<Test>::NotAllowed);
	});
}

#[test]
fn calls_by_plan_count_against_every_limit() {
	run(|| {
		let model = subscribed_digits();
		let refused = |limits, error: Error<Test>| {
			set_access(model, Access { limits, ..Access::default() });
			let before = Subscriptions::<Test>::get(CUSTOMER, model).unwrap().subscription;
			assert_noop!(with_storage_layer(|| try_order(model)), error);
			let after = Subscriptions::<Test>::get(CUSTOMER, model).unwrap().subscription;
			assert_eq!(before, after, "a refused call is none");
		};
		let rate = Some(RateLimit { calls: 1, window: 10 });
		set_access(
			model,
			Access { limits: Limits { rate, ..Limits::default() }, ..Access::default() },
		);
		order(model);
		refused(Limits { rate, ..Limits::default() }, Error::<Test>::RateLimited);
		let open_per_account = Some(1);
		refused(Limits { open_per_account, ..Limits::default() }, Error::<Test>::TooManyOpen);
		refused(Limits { open: Some(1), ..Limits::default() }, Error::<Test>::ModelBusy);
	});
}

#[test]
fn a_lapse_of_a_call_by_plan_suspends_and_an_answer_resumes() {
	run(|| {
		let model = subscribed_digits();
		let breaker_params = Some(BreakerParams { failures: 1, cool_down: 3 });
		set_access(model, Access { breaker: breaker_params, ..Access::default() });
		let lapsing = order(model);
		advance_to(System::block_number() + u64::from(LEASE) + 2);
		assert!(matches!(breaker(model), BreakerState::Open { .. }));
		assert_noop!(try_order(model), Error::<Test>::ModelSuspended);
		advance_to(System::block_number() + 3);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), lapsing));

		let cancelled = order(model);
		assert_eq!(breaker(model), BreakerState::HalfOpen { trial: Some(cancelled) });
		assert_noop!(try_order(model), Error::<Test>::ModelOnTrial);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), cancelled));
		assert_eq!(breaker(model), BreakerState::HalfOpen { trial: None });

		call(model);
		assert_eq!(breaker(model), BreakerState::Closed { failures: 0 });
		assert_eq!(Records::<Test>::get(model).reliability, Permill::zero(), "no price moves");
	});
}

#[test]
fn a_candidate_answers_calls_by_plan_too() {
	run(|| {
		let model = subscribed_digits();
		let record = Versions::<Test>::get(model, 0).unwrap();
		assert_ok!(Aimodel::publish(by(&OWNER), tip(model), record));
		let nearly_all = Permill::from_parts(999_999);
		assert_ok!(Aimodel::stage(by(&OWNER), tip(model), 1, nearly_all));
		serve(&WORKER, VersionId { model, index: 1 });
		let request = order(model);
		assert_eq!(Requests::<Test>::get(request).unwrap().version.index, 1);
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_eq!(credited(), [150, 350, 0, 0]);
	});
}

#[test]
fn plans_feed_the_incentives_and_only_proven_draws_merit() {
	run(|| {
		let half = Permill::from_percent(50);
		assert_ok!(Aimodel::set_incentive_share(RuntimeOrigin::root(), half));
		let fund = || Aimodel::incentives().eras.last().unwrap().fund;
		let model = subscribed_digits();
		call(model);
		// The platform's part of the draw is 150.
		assert_eq!((earned(&PLATFORM), fund()), (75, 75));
		let unanswered = order(model);
		advance_to(deadline(unanswered) + 1);
		let merit = Merit { fees: 150, failed: 150 };
		assert_eq!(Merits::<Test>::get(model).to_vec(), [(0, merit)]);
		// 450 of the 1,500 that are left.
		jump_to(41);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		assert_eq!((earned(&PLATFORM), fund()), (300, 300));
		assert_eq!(Merits::<Test>::get(model).to_vec(), [(0, merit)], "nobody did anything for it");
	});
}

#[test]
fn what_plans_bring_is_income_when_it_is_paid_out() {
	run(|| {
		let model = subscribed_digits();
		assert_eq!(
			Aimodel::income(&model).unwrap().total(),
			Sums::default(),
			"nothing is earned yet"
		);
		call(model);
		jump_to(41);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		let income = Aimodel::income(&model).unwrap();
		assert_eq!((income.platform.current, income.workers.current), (150 + 450, 350));
		let payees: Vec<_> = income.payees.iter().map(|(_, sums)| sums.current).collect();
		assert_eq!(payees, [700, 350]);
		// In the next billing period, what was paid in this one is earned.
		jump_to(101);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model));
		check_invariants();
		let total = Aimodel::income(&model).unwrap().total();
		assert_eq!(total, Sums { current: 2_000, previous: 2_000 });
	});
}

#[test]
fn what_is_left_of_a_period_reaches_the_base_of_a_model() {
	run(|| {
		let model = sold_digits();
		let (base, _) = deploy(attested());
		let split =
			split_among(&[(Payee::Account(STRANGER), 200_000), (Payee::Model(base), 200_000)]);
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(model), split));
		subscribe(model, BY_STANDARD);
		// A later split of the base touches no period that has begun.
		let later = split_among(&[(Payee::Account(STRANGER), 1)]);
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(base), later));
		jump_to(51);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model));
		// 1,400: half, and of the other half two thirds and one.
		assert_eq!((credited(), earned(&STRANGER)), ([600, 0, 467, 233], 700));
	});
}
