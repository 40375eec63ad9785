//! Service terms: what plans promise, what a missed deadline brings and from whom, and that nobody gains
//! by missing one.

use super::{plans::*, world::*};
use crate::*;
use aimodel_primitives::{
	pricing::{Offer, Penalty, ServiceTerms},
	runtime_api::{FundInfo, RequestInfo, ServiceInfo},
};
use frame_support::{
	assert_noop, assert_ok,
	storage::with_storage_layer,
	traits::{fungible::InspectHold, LockableCurrency, WithdrawReasons},
};
use sp_runtime::{AccountId32, DispatchResult, Permill};

/// A quarter of what is at stake, or three quarters where fewer than half of the leases were answered.
const TERMS: ServiceTerms = ServiceTerms {
	deadline: Some(30),
	penalty: Permill::from_percent(25),
	availability: Permill::from_percent(50),
	breach: Permill::from_percent(75),
};

/// Of the price of a digit.
const BY_FEE: Penalty =
	Penalty { usual: 250, availability: Permill::from_percent(50), breach: 750 };
/// Of what a call by plan reserves for it.
const BY_PLAN: Penalty =
	Penalty { usual: 125, availability: Permill::from_percent(50), breach: 375 };

/// 10 % of the price, from the worker.
const COMPENSATION: Balance = 100;
/// What the owner puts up.
const POSTED: Balance = 2_000;

fn plan(service: ServiceTerms) -> Plan {
	Plan { period: 200, price: 5_000, quota: None, grace: 10, service: Some(service), limits: None }
}

fn offer(model: ModelId, service: ServiceTerms) {
	set_plans(model, vec![Offer { plan: plan(service), tier: Tier::Professional, to: None }]);
}

/// A served model with these terms, to which the customer subscribed, without a bond.
fn promised(service: ServiceTerms) -> ModelId {
	let (model, _) = deploy_served_digits();
	offer(model, service);
	subscribe(model, 0);
	model
}

/// The same with a bond.
fn bonded_terms(service: ServiceTerms) -> ModelId {
	let model = promised(service);
	assert_ok!(post(model, POSTED));
	model
}

fn post(model: ModelId, amount: Balance) -> DispatchResult {
	Aimodel::post_service_bond(by(&OWNER), model, amount)
}

fn withdraw(model: ModelId, amount: Balance) -> DispatchResult {
	Aimodel::withdraw_service_bond(by(&OWNER), model, amount)
}

fn try_buy(model: ModelId, deadline: Option<u64>) -> DispatchResult {
	let order = || {
		Aimodel::request(
			by(&CUSTOMER),
			tip(model),
			PROVEN,
			image(),
			PRICE,
			deadline,
			Default::default(),
		)
	};
	with_storage_layer(order).plain()
}

fn buy(model: ModelId) -> RequestId {
	assert_ok!(try_buy(model, None));
	NextRequest::<Test>::get() - 1
}

/// What an open request is guaranteed.
fn penalty(request: RequestId) -> Option<Penalty> {
	match Aimodel::request_info(request) {
		Some(RequestInfo::Open { penalty, .. }) => penalty,
		other => panic!("expected an open request, found {other:?}"),
	}
}

/// What is free and reserved of the owner's bond.
fn bond_of(model: ModelId, owner: &AccountId32) -> (Balance, Balance) {
	let bond = Aimodel::service_bond_of(&model, owner);
	bond.map_or((0, 0), |FundInfo { free, reserved }| (free, reserved))
}

fn bond_held(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&HoldReason::ServiceBond.into(), who)
}

/// Goes on until a request has expired without an answer.
fn let_expire(request: RequestId) {
	advance_to(deadline(request) + 1);
	assert!(Aimodel::request_info(request).is_none());
}

fn paid(request: RequestId) -> Option<(Balance, Balance)> {
	events().into_iter().find_map(|event| match event {
		Event::PenaltyPaid { request: of, owed, amount, .. } if of == request => {
			Some((owed, amount))
		},
		_ => None,
	})
}

fn answered(model: ModelId, times: u32) {
	for _ in 0..times {
		let request = buy(model);
		next_block();
		assert_ok!(answer(&WORKER, request));
	}
}

mod deadlines {
	use super::*;

	#[test]
	fn are_those_of_the_plan_by_default() {
		run(|| {
			let model = bonded_terms(TERMS);
			assert_eq!(deadline(buy(model)), 1 + 30);
			assert_eq!(deadline(order(model)), 1 + 30);
			// Who has no plan gets the earliest.
			assert_ok!(Aimodel::request(
				by(&STRANGER),
				tip(model),
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			));
			assert_eq!(deadline(NextRequest::<Test>::get() - 1), 14);
		});
	}

	#[test]
	fn are_never_before_what_leases_need() {
		run(|| {
			let model = bonded_terms(ServiceTerms { deadline: Some(5), ..TERMS });
			let request = buy(model);
			assert_eq!((deadline(request), penalty(request)), (14, Some(BY_FEE)));
		});
	}

	#[test]
	fn earlier_than_promised_carry_no_penalty() {
		run(|| {
			let model = bonded_terms(TERMS);
			for (asked, expected) in [(30, None), (31, Some(BY_FEE)), (40, Some(BY_FEE))] {
				assert_ok!(try_buy(model, Some(asked)));
				assert_eq!(penalty(NextRequest::<Test>::get() - 1), expected);
			}
		});
	}
}

mod a_missed_deadline {
	use super::*;

	#[test]
	fn refunds_and_pays_from_the_worker_and_then_from_the_bond() {
		run(|| {
			let model = bonded_terms(TERMS);
			answered(model, 3);
			let before = free(&CUSTOMER);
			let request = buy(model);
			assert_eq!(penalty(request), Some(BY_FEE));
			assert_eq!(bond_of(model, &OWNER), (POSTED - 750, 750));
			let_expire(request);
			// Three of four leases were answered.
			assert_eq!(paid(request), Some((250, 250 - COMPENSATION)));
			assert_eq!(free(&CUSTOMER), before + COMPENSATION);
			assert_eq!(earned(&CUSTOMER), 150);
			assert_eq!((bond_of(model, &OWNER), bond_held(&OWNER)), ((1_850, 0), 1_850));
		});
	}

	#[test]
	fn brings_more_below_the_promised_availability() {
		run(|| {
			let model = bonded_terms(TERMS);
			let request = buy(model);
			let_expire(request);
			assert_eq!(paid(request), Some((750, 650)));
			assert_eq!(bond_of(model, &OWNER), (POSTED - 650, 0));
		});
	}

	#[test]
	fn of_a_call_by_plan_is_paid_from_the_bond_alone() {
		run(|| {
			let model = bonded_terms(TERMS);
			let request = order(model);
			assert_eq!(penalty(request), Some(BY_PLAN));
			let_expire(request);
			assert_eq!((paid(request), earned(&CUSTOMER)), (Some((375, 375)), 375));
			// The call and what it had reserved are back.
			let info = Aimodel::subscription(&CUSTOMER, &model).unwrap();
			assert_eq!((info.subscription.used, info.escrow), (0, 5_000));
		});
	}

	#[test]
	fn is_paid_once_however_many_leases_lapse() {
		run(|| {
			let model = bonded_terms(TERMS);
			bond(&OTHER_WORKER);
			serve(&OTHER_WORKER, VersionId { model, index: 0 });
			let request = buy(model);
			let_expire(request);
			assert_eq!((bonded(&WORKER), bonded(&OTHER_WORKER)), {
				let left = BOND - COLLATERAL;
				(left, left)
			});
			assert_eq!((paid(request), earned(&CUSTOMER)), (Some((750, 650)), 650));
			let again = Aimodel::expire(by(&CUSTOMER), request);
			assert_noop!(again, Error::<Test>::UnknownRequest);
		});
	}

	#[test]
	fn needs_a_worker_that_was_obliged() {
		run(|| {
			// The worker leaves before the draw, which costs it nothing: nor does it bring anything.
			let model = bonded_terms(TERMS);
			let request = buy(model);
			let version = VersionId { model, index: 0 };
			assert_ok!(Workers::unserve(by(&WORKER), version));
			let_expire(request);
			assert_eq!((paid(request), earned(&CUSTOMER)), (None, 0));
			assert_eq!((bond_of(model, &OWNER), bonded(&WORKER)), ((POSTED, 0), BOND));
		});
	}

	#[test]
	fn is_no_business_of_who_cancels() {
		run(|| {
			let model = bonded_terms(TERMS);
			let request = buy(model);
			advance_to(3 + u64::from(LEASE));
			assert_eq!(holder(request), None);
			assert_ok!(Aimodel::cancel(by(&CUSTOMER), request));
			assert_eq!((paid(request), earned(&CUSTOMER)), (None, 0));
			assert_eq!(bond_of(model, &OWNER), (POSTED, 0));
		});
	}

	#[test]
	fn is_not_missed_by_an_answer_in_its_last_block() {
		run(|| {
			let model = bonded_terms(ServiceTerms { deadline: None, ..TERMS });
			assert_ok!(try_buy(model, Some(18)));
			let request = NextRequest::<Test>::get() - 1;
			// The first worker lets it lapse, another one gets a lease until the deadline.
			advance_to(9);
			assert_eq!(holder(request), None);
			bond(&OTHER_WORKER);
			serve(&OTHER_WORKER, VersionId { model, index: 0 });
			advance_to(13);
			assert_eq!(holder(request), Some(OTHER_WORKER));
			System::set_block_number(18);
			let expire = || Aimodel::expire(by(&CUSTOMER), request);
			assert_noop!(expire(), Error::<Test>::NotExpired);
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_noop!(expire(), Error::<Test>::AlreadySettled);
			System::set_block_number(19);
			assert_noop!(expire(), Error::<Test>::AlreadySettled);
			assert_eq!((paid(request), bond_of(model, &OWNER)), (None, (POSTED, 0)));
		});
	}

	#[test]
	fn is_missed_by_an_answer_one_block_later() {
		run(|| {
			let model = bonded_terms(ServiceTerms { deadline: None, ..TERMS });
			let request = buy(model);
			next_block();
			let last = deadline(request);
			System::set_block_number(last + 1);
			assert_noop!(answer(&WORKER, request), Error::<Test>::DeadlinePassed);
			assert_ok!(Aimodel::expire(by(&STRANGER), request));
			assert_eq!(paid(request), Some((750, 650)));
			assert_noop!(answer(&WORKER, request), Error::<Test>::UnknownRequest);
		});
	}

	#[test]
	fn brings_customer_and_worker_together_nothing() {
		run(|| {
			// All that is at stake, from an owner who promises the most.
			let one = Permill::one();
			let most = ServiceTerms { penalty: one, availability: one, breach: one, ..TERMS };
			let model = bonded_terms(most);
			let gang = || {
				let of = |who| free(who) + earned(who) + bonded(who) + held(who);
				of(&CUSTOMER) + of(&WORKER)
			};
			for buys in [true, false] {
				let before = gang();
				let request = if buys { buy(model) } else { order(model) };
				let_expire(request);
				assert!(paid(request).is_some());
				// What a lease reserves beyond the stake.
				assert_eq!(gang() + 50, before);
			}
		});
	}

	#[test]
	fn is_paid_though_the_owner_has_locked_its_funds() {
		run(|| {
			let model = bonded_terms(TERMS);
			let request = buy(model);
			Balances::set_lock(*b"vesting!", &OWNER, ENDOWMENT, WithdrawReasons::all());
			let_expire(request);
			assert_eq!(earned(&CUSTOMER), 650);
		});
	}

	#[test]
	fn of_a_request_that_costs_nothing_brings_nothing() {
		run(|| {
			let model = bonded_terms(TERMS);
			assert_ok!(Aimodel::reprice(by(&OWNER), tip(model), Tariff::flat(0, 0)));
			let request = buy(model);
			assert_eq!((penalty(request), bond_of(model, &OWNER)), (None, (POSTED, 0)));
			let_expire(request);
			assert_eq!(earned(&CUSTOMER), 0);
		});
	}
}

mod terms {
	use super::*;

	#[test]
	fn that_promise_nothing_sensible_are_refused() {
		run(|| {
			let (model, _) = deploy_served_digits();
			let refuse = |service, error: Error<Test>| {
				let offers = vec![Offer { plan: plan(service), tier: Tier::Standard, to: None }];
				let set = Aimodel::set_plans(by(&OWNER), tip(model), offers.try_into().unwrap());
				assert_noop!(set, error);
			};
			refuse(ServiceTerms { deadline: Some(0), ..TERMS }, Error::UnsoundDeadline);
			refuse(ServiceTerms { deadline: Some(201), ..TERMS }, Error::UnsoundDeadline);
			let breach = Permill::from_percent(24);
			refuse(ServiceTerms { breach, ..TERMS }, Error::BreachBelowPenalty);
			offer(model, ServiceTerms { deadline: Some(200), ..TERMS });
		});
	}

	#[test]
	fn are_those_of_the_period_and_of_the_request() {
		run(|| {
			let model = bonded_terms(TERMS);
			let before = buy(model);
			let none = Permill::zero();
			offer(model, ServiceTerms { penalty: none, breach: none, ..TERMS });
			// The subscription keeps what it was sold, and ends rather than change.
			let after = buy(model);
			assert_eq!((penalty(before), penalty(after)), (Some(BY_FEE), Some(BY_FEE)));
			let_expire(after);
			assert_eq!(earned(&CUSTOMER), 2 * 650);
			jump_to(201);
			let renewed = Aimodel::renew(by(&OWNER), CUSTOMER, model);
			assert_noop!(renewed, Error::<Test>::PlanWithdrawn);
		});
	}

	#[test]
	fn are_for_who_has_a_period() {
		run(|| {
			let model = bonded_terms(TERMS);
			assert_ok!(Aimodel::request(
				by(&STRANGER),
				tip(model),
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			));
			assert_eq!(penalty(NextRequest::<Test>::get() - 1), None);
			assert_eq!(Aimodel::service_of(&STRANGER, &model), None);
			let info = ServiceInfo {
				tier: Tier::Professional,
				terms: Some(TERMS),
				waives_penalty: false,
				covered: POSTED,
			};
			assert_eq!(Aimodel::service_of(&CUSTOMER, &model), Some(info));
			// In grace, a fee buys none; a request by plan pays for the next period first.
			jump_to(201);
			assert_eq!(Aimodel::service_of(&CUSTOMER, &model), None);
			assert_eq!(penalty(buy(model)), None);
			assert_eq!(penalty(order(model)), Some(BY_PLAN));
		});
	}

	#[test]
	fn bind_nobody_whom_the_model_does_not_admit() {
		run(|| {
			let model = bonded_terms(TERMS);
			assert_ok!(Aimodel::pause(by(&OWNER), tip(model)));
			assert_noop!(try_buy(model, None), Error::<Test>::ModelPaused);
			assert_eq!(bond_of(model, &OWNER), (POSTED, 0));
		});
	}
}

mod the_bond {
	use super::*;

	#[test]
	fn covers_every_penalty_or_the_request_is_refused() {
		run(|| {
			let model = promised(TERMS);
			assert_noop!(try_buy(model, None), Error::<Test>::PenaltyUncovered);
			let ordered = || with_storage_layer(|| try_order(model));
			assert_noop!(ordered(), Error::<Test>::PenaltyUncovered);
			assert_ok!(post(model, 750 + 374));
			assert_eq!(penalty(buy(model)), Some(BY_FEE));
			assert_noop!(ordered(), Error::<Test>::PenaltyUncovered);
			assert_ok!(post(model, 1));
			assert_eq!(penalty(order(model)), Some(BY_PLAN));
			assert_eq!(bond_of(model, &OWNER), (0, 1_125));
		});
	}

	#[test]
	fn is_not_needed_by_who_waives_the_penalty() {
		run(|| {
			let model = promised(TERMS);
			let waive = |waived| Aimodel::waive_penalty(by(&CUSTOMER), model, waived);
			assert_ok!(waive(true));
			let event = Event::PenaltyWaived { account: CUSTOMER, model, waived: true };
			assert_eq!(last_event(), event);
			assert!(Aimodel::service_of(&CUSTOMER, &model).unwrap().waives_penalty);
			let request = buy(model);
			assert_eq!(penalty(request), None);
			// Where it is covered, it holds all the same.
			assert_ok!(post(model, 750));
			assert_eq!(penalty(buy(model)), Some(BY_FEE));
			let_expire(request);
			assert_eq!(paid(request), None);
			assert_ok!(withdraw(model, bond_of(model, &OWNER).0));
			// Through a renewal, and until it is taken back.
			jump_to(201);
			let request = order(model);
			assert_eq!(penalty(request), None);
			assert_ok!(waive(false));
			assert_noop!(try_buy(model, None), Error::<Test>::PenaltyUncovered);
			let waived = Aimodel::waive_penalty(by(&STRANGER), model, true);
			assert_noop!(waived, Error::<Test>::NotSubscribed);
		});
	}

	#[test]
	fn is_not_withdrawn_while_it_is_reserved() {
		run(|| {
			let model = bonded_terms(TERMS);
			let request = buy(model);
			assert_noop!(withdraw(model, POSTED - 749), Error::<Test>::ServiceBondTooSmall);
			assert_ok!(withdraw(model, POSTED - 750));
			assert_noop!(withdraw(model, 1), Error::<Test>::ServiceBondTooSmall);
			next_block();
			assert_ok!(answer(&WORKER, request));
			assert_ok!(withdraw(model, 750));
			assert_eq!((bond_held(&OWNER), customer_deposit(&OWNER)), (0, 0));
			assert_noop!(withdraw(model, 0), Error::<Test>::UnknownServiceBond);
		});
	}

	#[test]
	fn is_put_up_by_the_owner_of_a_live_model() {
		run(|| {
			let model = promised(TERMS);
			let others = Aimodel::post_service_bond(by(&CUSTOMER), model, 1);
			assert_noop!(others, Error::<Test>::NotOwner);
			assert_noop!(post(ModelId::zero(), 1), Error::<Test>::UnknownModel);
			assert_noop!(withdraw(model, 0), Error::<Test>::UnknownServiceBond);
			let before = free(&OWNER);
			assert_ok!(post(model, POSTED));
			assert_eq!(
				last_event(),
				Event::ServiceBondPosted { account: OWNER, model, amount: POSTED }
			);
			assert_eq!((free(&OWNER), bond_held(&OWNER)), (before - POSTED, POSTED));
			assert!(customer_deposit(&OWNER) > 0);
			let request = buy(model);
			assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
			assert_noop!(post(model, 1), Error::<Test>::ModelRetired);
			let_expire(request);
		});
	}

	#[test]
	fn of_a_retired_model_stands_for_open_requests_and_then_returns() {
		run(|| {
			let model = bonded_terms(TERMS);
			let request = buy(model);
			assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
			let_expire(request);
			next_block();
			assert_eq!(Aimodel::model(model), None);
			assert_eq!(earned(&CUSTOMER), 650);
			assert_eq!((bond_held(&OWNER), customer_deposit(&OWNER)), (0, 0));
			assert_eq!(Aimodel::service_bond_of(&model, &OWNER), None);
		});
	}

	#[test]
	fn stays_with_who_put_it_up_when_the_model_changes_hands() {
		run(|| {
			let model = bonded_terms(TERMS);
			let request = buy(model);
			assert_ok!(Aimodel::transfer(by(&OWNER), tip(model), Some(STRANGER)));
			assert_ok!(Aimodel::accept_transfer(by(&STRANGER), tip(model)));
			// What was promised before is paid by who promised it.
			assert_noop!(try_buy(model, None), Error::<Test>::PenaltyUncovered);
			assert_noop!(post(model, 1), Error::<Test>::NotOwner);
			assert_ok!(Aimodel::post_service_bond(by(&STRANGER), model, 1_000));
			let later = buy(model);
			assert_eq!(bond_of(model, &STRANGER), (250, 750));
			let_expire(later);
			assert_eq!((paid(request), paid(later)), (Some((750, 650)), Some((750, 650))));
			assert_eq!((bond_held(&OWNER), bond_held(&STRANGER)), (POSTED - 650, 350));
			// The heir closes the model; the rest of the first bond is still its owner's.
			assert_ok!(Aimodel::retire(by(&STRANGER), tip(model)));
			next_block();
			assert_eq!(Aimodel::model(model), None);
			assert_eq!((bond_held(&OWNER), bond_held(&STRANGER)), (POSTED - 650, 0));
			assert_ok!(withdraw(model, POSTED - 650));
			assert_eq!((bond_held(&OWNER), customer_deposit(&OWNER)), (0, 0));
		});
	}
}

mod with_fallbacks {
	use super::*;

	/// A model with terms that one worker serves, and a cheap one without that another does.
	fn pair() -> (ModelId, ModelId) {
		let key = register_key(&OWNER, ARTIFACT, &digits_key());
		let [first, second] = [WORKER, OTHER_WORKER].map(|worker| {
			let (model, _) = deploy(digits(key));
			bond(&worker);
			serve(&worker, VersionId { model, index: 0 });
			model
		});
		assert_ok!(Aimodel::reprice(by(&OWNER), tip(second), Tariff::flat(10, 1)));
		offer(first, TERMS);
		subscribe(first, 0);
		(first, second)
	}

	fn bonded_pair() -> (ModelId, ModelId) {
		let (first, second) = pair();
		assert_ok!(post(first, POSTED));
		(first, second)
	}

	fn buy_from((first, second): (ModelId, ModelId)) -> RequestId {
		let fallbacks = vec![tip(second)].try_into().unwrap();
		let (who, tip) = (by(&CUSTOMER), tip(first));
		assert_ok!(Aimodel::request(who, tip, PROVEN, image(), PRICE, None, fallbacks));
		NextRequest::<Test>::get() - 1
	}

	fn server(request: RequestId) -> ModelId {
		Requests::<Test>::get(request).unwrap().version.model
	}

	#[test]
	fn the_first_owner_stands_for_a_lapse_at_its_own_model() {
		run(|| {
			let (first, second) = bonded_pair();
			let request = buy_from((first, second));
			assert_eq!(penalty(request), Some(BY_FEE));
			advance_to(9);
			assert_eq!(server(request), second);
			let_expire(request);
			assert_eq!(paid(request), Some((750, 650)));
			assert_eq!(bond_of(first, &OWNER), (POSTED - 650, 0));
		});
	}

	#[test]
	fn nobody_stands_for_a_lapse_that_costs_less_than_the_penalty() {
		run(|| {
			let (first, second) = bonded_pair();
			let request = buy_from((first, second));
			// Nobody is obliged at the first model; at the second, who is has little at stake.
			let version = VersionId { model: first, index: 0 };
			assert_ok!(Workers::unserve(by(&WORKER), version));
			advance_to(4);
			assert_eq!((server(request), holder(request)), (second, Some(OTHER_WORKER)));
			let_expire(request);
			assert_eq!(bonded(&OTHER_WORKER), BOND - 50 - 12);
			assert_eq!((paid(request), bond_of(first, &OWNER)), (None, (POSTED, 0)));
		});
	}

	#[test]
	fn an_answer_is_in_time_whoever_gives_it() {
		run(|| {
			let (first, second) = bonded_pair();
			let request = buy_from((first, second));
			advance_to(9);
			assert_eq!(holder(request), Some(OTHER_WORKER));
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!((paid(request), bond_of(first, &OWNER)), (None, (POSTED, 0)));
		});
	}

	#[test]
	fn a_model_that_does_not_cover_its_penalty_is_left_out() {
		run(|| {
			let (first, second) = pair();
			assert_noop!(try_buy(first, None), Error::<Test>::PenaltyUncovered);
			let request = buy_from((first, second));
			assert_eq!((server(request), penalty(request)), (second, None));
		});
	}

	#[test]
	fn a_bond_outlives_its_model_as_long_as_it_is_reserved() {
		run(|| {
			let (first, second) = bonded_pair();
			let request = buy_from((first, second));
			advance_to(9);
			assert_eq!(server(request), second);
			assert_ok!(Aimodel::retire(by(&OWNER), tip(first)));
			next_block();
			assert_eq!(Aimodel::model(first), None);
			assert_eq!(bond_of(first, &OWNER), (POSTED - 750, 750));
			let_expire(request);
			assert_eq!(paid(request), Some((750, 650)));
			assert_ok!(withdraw(first, POSTED - 650));
			assert_eq!((bond_held(&OWNER), Aimodel::service_bond_of(&first, &OWNER)), (0, None));
		});
	}
}

#[test]
fn a_pot_that_was_drawn_to_the_last_unit_gives_its_deposit_back() {
	run(|| {
		let (model, _) = deploy_served_digits();
		let free =
			Plan { period: 40, price: 0, quota: None, grace: 0, service: None, limits: None };
		set_plans(model, vec![Offer { plan: free, tier: Tier::Standard, to: None }]);
		subscribe(model, 0);
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 500));
		call(model);
		let pot = Aimodel::pot_of(&model, &OWNER).unwrap();
		assert_eq!((pot.free, pot.reserved), (0, 0));
		assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
		next_block();
		assert_eq!(Aimodel::model(model), None);
		assert!(customer_deposit(&OWNER) > 0);
		assert_noop!(Aimodel::fund_pot(by(&OWNER), model, 1), Error::<Test>::UnknownModel);
		assert_noop!(Aimodel::withdraw_pot(by(&OWNER), model, 1), Error::<Test>::PotTooSmall);
		assert_ok!(Aimodel::withdraw_pot(by(&OWNER), model, 0));
		assert_eq!(customer_deposit(&OWNER), 0);
	});
}

#[test]
fn a_model_that_closes_does_not_make_a_breach() {
	run(|| {
		let key = register_key(&OWNER, ARTIFACT, &digits_key());
		let [first, second] = [WORKER, OTHER_WORKER].map(|worker| {
			let (model, _) = deploy(digits(key));
			bond(&worker);
			serve(&worker, VersionId { model, index: 0 });
			model
		});
		offer(first, TERMS);
		subscribe(first, 0);
		assert_ok!(post(first, POSTED));
		answered(first, 3);
		let fallbacks = vec![tip(second)].try_into().unwrap();
		let (who, out_point) = (by(&CUSTOMER), tip(first));
		assert_ok!(Aimodel::request(who, out_point, PROVEN, image(), PRICE, None, fallbacks));
		let request = NextRequest::<Test>::get() - 1;
		let lapsed = System::block_number() + 2 + u64::from(LEASE);
		advance_to(lapsed);
		assert_eq!(Requests::<Test>::get(request).unwrap().version.model, second);
		assert_eq!(Records::<Test>::get(first).figures.availability, Permill::from_percent(75));
		assert_ok!(Aimodel::retire(by(&OWNER), tip(first)));
		next_block();
		assert_eq!(Aimodel::model(first), None);
		let_expire(request);
		assert_eq!(paid(request).map(|(owed, _)| owed), Some(250));
	});
}

#[test]
fn calls_about_terms_that_change_nothing_are_refused() {
	run(|| {
		let model = promised(TERMS);
		assert_noop!(post(model, 0), Error::<Test>::NothingToChange);
		assert_ok!(post(model, 10));
		assert_noop!(withdraw(model, 0), Error::<Test>::NothingToChange);
		let waive = |waived| Aimodel::waive_penalty(by(&CUSTOMER), model, waived);
		assert_noop!(waive(false), Error::<Test>::NothingToChange);
	});
}
