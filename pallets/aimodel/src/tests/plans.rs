//! Plans: what is sold by the period, who pays workers, and that nobody gains by any order of steps.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	pricing::{Offer, Standing},
	Payee,
};
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungible::InspectHold, Hooks},
	weights::Weight,
};
use sp_runtime::{AccountId32, DispatchResult, Permill};

/// 2,000 for 40 blocks and three calls.
pub(super) const STANDARD: Plan =
	Plan { period: 40, price: 2_000, quota: Some(3), grace: 10, service: None, limits: None };
const PROFESSIONAL: Plan = Plan { price: 5_000, quota: None, ..STANDARD };
const TRIAL: Plan =
	Plan { period: 40, price: 0, quota: Some(2), grace: 0, service: None, limits: None };
const FREE: Plan = Plan { price: 0, quota: Some(2), ..STANDARD };
const SPECIAL: Plan =
	Plan { period: 20, price: 100, quota: None, grace: 20, service: None, limits: None };

/// What the worker of a digit gets, and what is drawn for it, the platform's 30 % in it.
const DRAW: Draw = Draw { pay: 350, gross: 500 };

/// Indices of the plans that are sold.
const BY_STANDARD: u32 = 0;
const BY_PROFESSIONAL: u32 = 1;
const BY_TRIAL: u32 = 2;
const FOR_FREE: u32 = 3;
/// Offered to the customer alone.
const BY_SPECIAL: u32 = 4;

fn offers() -> Vec<Offer<AccountId32>> {
	let public = |plan, tier| Offer { plan, tier, to: None };
	vec![
		public(STANDARD, Tier::Standard),
		public(PROFESSIONAL, Tier::Professional),
		public(TRIAL, Tier::Trial),
		public(FREE, Tier::Standard),
		Offer { plan: SPECIAL, tier: Tier::Enterprise, to: Some(CUSTOMER) },
	]
}

pub(super) fn by(who: &AccountId32) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.clone())
}

pub(super) fn set_plans(model: ModelId, plans: Vec<Offer<AccountId32>>) {
	assert_ok!(Aimodel::set_plans(by(&OWNER), tip(model), plans.try_into().unwrap()));
}

/// A served digits model with plans.
pub(super) fn sold_digits() -> ModelId {
	let (model, _) = deploy_served_digits();
	set_plans(model, offers());
	model
}

pub(super) fn subscribe(model: ModelId, plan: u32) {
	assert_ok!(Aimodel::subscribe(by(&CUSTOMER), tip(model), plan));
}

pub(super) fn try_order(model: ModelId) -> DispatchResult {
	Aimodel::request_by_plan(by(&CUSTOMER), tip(model), PROVEN, image(), None).plain()
}

/// Orders a digit by plan.
pub(super) fn order(model: ModelId) -> RequestId {
	assert_ok!(try_order(model));
	NextRequest::<Test>::get() - 1
}

/// Orders a digit by plan, and has it answered in the next block.
pub(super) fn call(model: ModelId) {
	let request = order(model);
	next_block();
	assert_ok!(answer(&WORKER, request));
}

fn plan_held(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&HoldReason::Plan.into(), who)
}

fn pot_held(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&HoldReason::Pot.into(), who)
}

/// Calls used, what is left of the price, and the standing.
fn state(model: ModelId) -> (u64, Balance, Standing) {
	let info = Aimodel::subscription(&CUSTOMER, &model).unwrap();
	(info.subscription.used, info.escrow, info.standing)
}

/// What platform, worker, owner and author have earned.
pub(super) fn credited() -> [Balance; 4] {
	[&PLATFORM, &WORKER, &OWNER, &AUTHOR].map(earned)
}

fn pot(model: ModelId) -> (Balance, Balance) {
	Aimodel::pot_of(&model, &OWNER).map_or((0, 0), |pot| (pot.free, pot.reserved))
}

/// Goes to a block at once, and runs its hooks.
pub(super) fn jump_to(block: u64) {
	System::set_block_number(block);
	Aimodel::on_initialize(block);
	Aimodel::on_idle(block, Weight::MAX);
	assert_ok!(Aimodel::do_try_state());
}

// --- Offers ----------------------------------------------------------------------------------------

#[test]
fn new_plans_consume_the_output() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let plans: Plans<_> = offers().try_into().unwrap();
		assert_noop!(
			Aimodel::set_plans(by(&STRANGER), out_point, plans.clone()),
			Error::<Test>::NotOwner
		);
		assert_ok!(Aimodel::set_plans(by(&OWNER), out_point, plans.clone()));
		let Event::Changed { spent, change, .. } = last_event() else { panic!("it changed") };
		assert_eq!((spent, change), (out_point, Change::PlansSet));
		assert_eq!(Aimodel::model(model).unwrap().plans, plans);
		assert_noop!(
			Aimodel::set_plans(by(&OWNER), out_point, plans.clone()),
			Error::<Test>::OutPointSpent
		);
		request_digit(tip(model));
		assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
		assert_noop!(
			Aimodel::set_plans(by(&OWNER), tip(model), plans),
			Error::<Test>::ModelRetired
		);
	});
}

#[test]
fn a_plan_without_sense_is_refused() {
	run(|| {
		let (model, _) = deploy(attested());
		let unsound = [
			(Plan { period: 0, ..STANDARD }, Tier::Standard),
			(Plan { period: 366, ..STANDARD }, Tier::Standard),
			(Plan { quota: Some(0), ..STANDARD }, Tier::Standard),
			(Plan { grace: 31, ..STANDARD }, Tier::Standard),
			(Plan { period: 9, ..STANDARD }, Tier::Standard),
			(Plan { price: 1, ..TRIAL }, Tier::Trial),
			(Plan { quota: None, ..TRIAL }, Tier::Trial),
		];
		for (plan, tier) in unsound {
			let plans = vec![Offer { plan, tier, to: None }].try_into().unwrap();
			assert_noop!(
				Aimodel::set_plans(by(&OWNER), tip(model), plans),
				Error::<Test>::UnsoundPlan
			);
		}
		set_plans(
			model,
			vec![Offer {
				plan: Plan { period: 365, grace: 30, ..STANDARD },
				tier: Tier::Standard,
				to: None,
			}],
		);
	});
}

#[test]
fn a_private_offer_is_accepted_by_the_account_that_it_names() {
	run(|| {
		let model = sold_digits();
		assert_noop!(
			Aimodel::subscribe(by(&STRANGER), tip(model), BY_SPECIAL),
			Error::<Test>::PlanNotOffered
		);
		assert_ok!(Aimodel::subscribe(by(&STRANGER), tip(model), FOR_FREE));
		assert_noop!(
			Aimodel::change_plan(by(&STRANGER), tip(model), BY_SPECIAL),
			Error::<Test>::PlanNotOffered
		);
		subscribe(model, BY_SPECIAL);
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), Some(Tier::Enterprise));
	});
}

// --- Subscribing -----------------------------------------------------------------------------------

#[test]
fn a_subscription_holds_the_price_of_its_period() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let (account, plan, tier) = (CUSTOMER, STANDARD, Tier::Standard);
		assert_eq!(last_event(), Event::Subscribed { account, model, plan, tier, until: 41 });
		assert_eq!((plan_held(&CUSTOMER), free(&CUSTOMER)), (2_000, ENDOWMENT - 2_000));
		assert_eq!(state(model), (0, 2_000, Standing::Active));
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), Some(Tier::Standard));
		assert_eq!(Aimodel::subscriptions(&CUSTOMER).len(), 1);
		assert_eq!(credited(), [0; 4], "nothing is earned before the period ends");
		jump_to(41);
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), None);
	});
}

#[test]
fn a_subscription_names_the_output_that_was_seen() {
	run(|| {
		let model = sold_digits();
		let seen = tip(model);
		assert_noop!(Aimodel::subscribe(by(&CUSTOMER), seen, 5), Error::<Test>::UnknownPlan);
		set_plans(model, vec![]);
		assert_noop!(
			Aimodel::subscribe(by(&CUSTOMER), seen, BY_STANDARD),
			Error::<Test>::OutPointSpent
		);
		assert_noop!(
			Aimodel::subscribe(by(&CUSTOMER), tip(model), BY_STANDARD),
			Error::<Test>::UnknownPlan
		);
	});
}

#[test]
fn an_account_has_one_subscription_to_a_model() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let again = || Aimodel::subscribe(by(&CUSTOMER), tip(model), BY_STANDARD);
		assert_noop!(again(), Error::<Test>::AlreadySubscribed);
		jump_to(50);
		assert_noop!(again(), Error::<Test>::AlreadySubscribed);
		// Over: what was left is divided, and another begins.
		jump_to(51);
		assert_ok!(again());
		assert_eq!((plan_held(&CUSTOMER), credited().iter().sum::<Balance>()), (2_000, 2_000));
	});
}

#[test]
fn who_can_not_pay_the_period_has_no_subscription() {
	run(|| {
		let model = sold_digits();
		let poor = AccountId32::new([99; 32]);
		assert_ok!(Balances::transfer_allow_death(by(&OWNER), poor.clone(), 2_005));
		let refused = frame_support::storage::with_storage_layer(|| {
			Aimodel::subscribe(by(&poor), tip(model), BY_STANDARD)
		});
		assert!(refused.is_err());
		assert_eq!((free(&poor), customer_deposit(&poor)), (2_005, 0));
		assert_eq!(Aimodel::subscription(&poor, &model), None);
	});
}

#[test]
fn a_budget_stops_a_plan_and_its_renewal() {
	run(|| {
		let model = sold_digits();
		let budget = |limit| {
			let budget = Budget { limit, alerts: Default::default() };
			assert_ok!(Aimodel::set_budget(by(&CUSTOMER), model, Some(budget)));
		};
		budget(1_999);
		let refused = || Aimodel::subscribe(by(&CUSTOMER), tip(model), BY_STANDARD);
		assert_noop!(
			frame_support::storage::with_storage_layer(refused),
			Error::<Test>::BudgetExceeded
		);
		budget(2_000);
		subscribe(model, BY_STANDARD);
		let bill = Aimodel::bill(&CUSTOMER, &model).unwrap();
		let current = bill.ledger.current;
		assert_eq!((current.spend, current.plans, bill.projected), (2_000, 2_000, 2_000));
		jump_to(41);
		assert_noop!(Aimodel::renew(by(&STRANGER), CUSTOMER, model), Error::<Test>::BudgetExceeded);
		budget(4_000);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		let revenue = Aimodel::revenue(&model).unwrap();
		assert_eq!((revenue.ledger.current.spend, revenue.customers), (4_000, 1));
	});
}

// --- Calls -----------------------------------------------------------------------------------------

#[test]
fn a_call_by_plan_pays_its_worker_in_funds() {
	run(|| {
		let model = sold_digits();
		assert_noop!(try_order(model), Error::<Test>::NotSubscribed);
		subscribe(model, BY_STANDARD);
		let request = order(model);
		assert_eq!(
			last_event(),
			Event::Covered { request, draw: DRAW, source: FundingSource::Plan }
		);
		assert_eq!((held(&CUSTOMER), plan_held(&CUSTOMER)), (0, 2_000));
		assert_eq!(state(model), (1, 1_500, Standing::Active));
		next_block();
		let lease = pallet_workers::Leases::<Test>::get(request).unwrap();
		assert_eq!(lease.collateral, 50 + DRAW.gross);
		assert_ok!(answer(&WORKER, request));
		// The worker as by fee; the platform 30 % of what was drawn; nobody else yet.
		assert_eq!(credited(), [150, 350, 0, 0]);
		assert_eq!((plan_held(&CUSTOMER), free(&CUSTOMER)), (1_500, ENDOWMENT - 2_000));
		assert_eq!(Settlements::<Test>::get(request).unwrap().price, 0);
		let bill = Aimodel::bill(&CUSTOMER, &model).unwrap().ledger.current;
		assert_eq!((bill.calls, bill.covered, bill.units, bill.spend), (0, 1, 2, 2_000));
		assert_noop!(answer(&WORKER, request), Error::<Test>::AlreadySettled);
	});
}

#[test]
fn a_subscriber_can_still_pay_by_fee() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let request = request_digit(tip(model));
		assert_eq!((held(&CUSTOMER), state(model).0), (PRICE, 0));
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_eq!((plan_held(&CUSTOMER), earned(&WORKER)), (2_000, 350));
	});
}

#[test]
fn a_worker_is_paid_for_the_units_that_it_reports() {
	run(|| {
		let (model, _) = deploy_served_attested();
		set_plans(model, offers());
		subscribe(model, BY_PROFESSIONAL);
		let order = Aimodel::request_by_plan(
			by(&CUSTOMER),
			tip(model),
			Assurance::Attested,
			floats(2),
			None,
		);
		assert_ok!(order);
		let request = NextRequest::<Test>::get() - 1;
		// At most 3 words: 999 + 33 units; 1,032 by fee.
		let split = Requests::<Test>::get(request).unwrap().split;
		let most = Aimodel::draw_of(&split, 999 + 33, Permill::from_percent(30)).unwrap();
		assert_eq!(state(model).1, 5_000 - most.gross);
		next_block();
		assert_ok!(answer_attested(&WORKER, request, words(1), None));
		let paid = Aimodel::draw_of(&split, 999 + 13, Permill::from_percent(30)).unwrap();
		assert!(paid.gross < most.gross);
		assert_eq!(earned(&WORKER), paid.pay);
		assert_eq!(earned(&PLATFORM), paid.gross - paid.pay);
		assert_eq!(
			(state(model).1, plan_held(&CUSTOMER)),
			(5_000 - paid.gross, 5_000 - paid.gross)
		);
		assert_eq!(state(model).0, 1, "it was answered");
	});
}

#[test]
fn the_quota_of_a_period_is_kept() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		for _ in 0..3 {
			call(model);
		}
		assert_noop!(try_order(model), Error::<Test>::QuotaExhausted);
		assert_eq!(state(model), (3, 500, Standing::Active));
	});
}

#[test]
fn a_call_that_is_not_answered_is_given_back_once() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let cancelled = order(model);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), cancelled));
		assert_eq!(state(model), (0, 2_000, Standing::Active));
		assert_noop!(Aimodel::cancel(by(&CUSTOMER), cancelled), Error::<Test>::UnknownRequest);
		let expired = order(model);
		advance_to(deadline(expired) + 1);
		assert_eq!(state(model), (0, 2_000, Standing::Active));
		assert_noop!(Aimodel::expire(by(&STRANGER), expired), Error::<Test>::UnknownRequest);
		assert_eq!((plan_held(&CUSTOMER), credited()), (2_000, [0; 4]));
		assert_eq!(Aimodel::bill(&CUSTOMER, &model).unwrap().ledger.current.failures, 1);
	});
}

#[test]
fn a_lapse_brings_nothing_to_who_paid_nothing_for_the_call() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let request = order(model);
		advance_to(deadline(request) + 1);
		let lapsed = |event: &Event<Test>| {
			matches!(event, Event::Lapsed { obliged: true, compensation: 0, .. })
		};
		assert!(System::read_events_for_pallet::<Event<Test>>().iter().any(lapsed));
		assert_eq!(bonded(&WORKER), BOND - 50 - DRAW.gross);
		assert_eq!(free(&CUSTOMER), ENDOWMENT - 2_000);
	});
}

#[test]
fn calls_by_plan_move_no_price() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_PROFESSIONAL);
		for _ in 0..3 {
			call(model);
		}
		let expiring = order(model);
		let record = Records::<Test>::get(model);
		assert_eq!((record.window_fees, record.reliability), (0, Permill::zero()));
		assert_eq!(Aimodel::calls(&CUSTOMER, &model), 0, "no volume discount");
		Records::<Test>::mutate(model, |record| record.reliability = Permill::one());
		advance_to(deadline(expiring) + 1);
		assert_eq!(Records::<Test>::get(model).reliability, Permill::one());
	});
}

// --- Pots ------------------------------------------------------------------------------------------

#[test]
fn a_pot_pays_what_a_plan_does_not() {
	run(|| {
		let model = sold_digits();
		subscribe(model, FOR_FREE);
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 700));
		assert_eq!((pot(model), pot_held(&OWNER)), ((700, 0), 700));
		let request = order(model);
		assert_eq!((pot(model), pot_held(&OWNER)), ((200, 500), 700));
		assert_noop!(try_order(model), Error::<Test>::PlanUnfunded);
		next_block();
		assert_ok!(answer(&WORKER, request));
		let source = FundingSource::Pot(OWNER);
		let drawn = Event::Drawn { request, draw: DRAW, source };
		assert!(System::read_events_for_pallet::<Event<Test>>().contains(&drawn));
		assert_eq!((pot(model), pot_held(&OWNER)), ((200, 0), 200));
		assert_eq!((credited(), free(&CUSTOMER)), ([150, 350, 0, 0], ENDOWMENT));
	});
}

#[test]
fn a_pot_has_back_what_was_not_drawn() {
	run(|| {
		let model = sold_digits();
		subscribe(model, FOR_FREE);
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 500));
		let cancelled = order(model);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), cancelled));
		assert_eq!((pot(model), state(model).0), ((500, 0), 0));
		// Also after the subscription is closed.
		let late = Some(100);
		let order = Aimodel::request_by_plan(by(&CUSTOMER), tip(model), PROVEN, image(), late);
		assert_ok!(order);
		jump_to(51);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model));
		assert_eq!(pot(model), (0, 500));
		jump_to(101);
		assert_eq!((pot(model), pot_held(&OWNER)), ((500, 0), 500));
	});
}

#[test]
fn an_exhausted_price_is_followed_by_the_pot() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_SPECIAL);
		assert_noop!(try_order(model), Error::<Test>::PlanUnfunded);
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 500));
		call(model);
		assert_eq!((state(model).1, pot(model)), (100, (0, 0)));
	});
}

#[test]
fn only_what_is_free_of_a_pot_is_taken_back() {
	run(|| {
		let model = sold_digits();
		assert_noop!(Aimodel::fund_pot(by(&STRANGER), model, 1), Error::<Test>::NotOwner);
		assert_noop!(
			Aimodel::fund_pot(by(&OWNER), ModelId::zero(), 1),
			Error::<Test>::UnknownModel
		);
		assert_noop!(Aimodel::withdraw_pot(by(&OWNER), model, 0), Error::<Test>::UnknownPot);
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 400));
		let deposited = customer_deposit(&OWNER);
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 300));
		assert!(deposited > 0 && customer_deposit(&OWNER) == deposited);
		subscribe(model, FOR_FREE);
		let request = order(model);
		assert_noop!(Aimodel::withdraw_pot(by(&OWNER), model, 201), Error::<Test>::PotTooSmall);
		assert_ok!(Aimodel::withdraw_pot(by(&OWNER), model, 200));
		assert_eq!((pot(model), customer_deposit(&OWNER)), ((0, 500), deposited));
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), request));
		assert_ok!(Aimodel::withdraw_pot(by(&OWNER), model, 500));
		assert_eq!((customer_deposit(&OWNER), pot_held(&OWNER)), (0, 0));
		assert_noop!(Aimodel::withdraw_pot(by(&OWNER), model, 0), Error::<Test>::UnknownPot);
	});
}

#[test]
fn a_former_owners_pot_pays_what_it_has_reserved_and_no_more() {
	run(|| {
		let model = sold_digits();
		subscribe(model, FOR_FREE);
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 1_000));
		let request = order(model);
		assert_ok!(Aimodel::transfer(by(&OWNER), tip(model), Some(STRANGER)));
		assert_ok!(Aimodel::accept_transfer(by(&STRANGER), tip(model)));
		assert_noop!(try_order(model), Error::<Test>::PlanUnfunded);
		assert_noop!(Aimodel::fund_pot(by(&OWNER), model, 1), Error::<Test>::NotOwner);
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_ok!(Aimodel::fund_pot(by(&STRANGER), model, 500));
		call(model);
		assert_ok!(Aimodel::withdraw_pot(by(&OWNER), model, 500));
		assert_eq!(pot_held(&STRANGER), 0);
	});
}

// --- Periods ---------------------------------------------------------------------------------------

#[test]
fn a_period_that_is_due_is_charged_by_the_next_call() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		call(model);
		assert_noop!(Aimodel::renew(by(&STRANGER), CUSTOMER, model), Error::<Test>::RenewalNotDue);
		jump_to(45);
		assert_eq!(state(model), (1, 1_500, Standing::Grace));
		order(model);
		assert_eq!(state(model), (1, 1_500, Standing::Active));
		assert_eq!(Aimodel::subscription(&CUSTOMER, &model).unwrap().until, 81);
		assert_eq!((plan_held(&CUSTOMER), free(&CUSTOMER)), (2_000, ENDOWMENT - 4_000));
	});
}

#[test]
fn what_is_left_of_a_period_is_divided_without_a_worker() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		call(model);
		jump_to(41);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		// 1,500: 450 to the platform; of 1,050, two thirds and one, to the last unit.
		assert_eq!(credited(), [150 + 450, 350, 700, 350]);
		assert_eq!(plan_held(&CUSTOMER), 2_000);
		assert_noop!(Aimodel::renew(by(&STRANGER), CUSTOMER, model), Error::<Test>::RenewalNotDue);
	});
}

#[test]
fn without_beneficiaries_the_owner_earns_what_is_left() {
	run(|| {
		let model = sold_digits();
		let all_to_workers =
			RevenueSplit { worker: Permill::one(), beneficiaries: Default::default() };
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(model), all_to_workers));
		subscribe(model, BY_STANDARD);
		jump_to(51);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model));
		assert_eq!(credited(), [600, 0, 1_400, 0]);
	});
}

#[test]
fn who_has_no_funds_keeps_the_rest_and_gets_an_error() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		call(model);
		jump_to(41);
		let all = Balances::free_balance(CUSTOMER) - 1_000;
		assert_ok!(Balances::transfer_allow_death(by(&CUSTOMER), OWNER, all));
		let refused = frame_support::storage::with_storage_layer(|| try_order(model));
		assert!(refused.is_err());
		let renewal = || Aimodel::renew(by(&STRANGER), CUSTOMER, model);
		assert!(frame_support::storage::with_storage_layer(renewal).is_err());
		assert_eq!(state(model), (1, 1_500, Standing::Grace));
		assert_eq!(plan_held(&CUSTOMER), 1_500);
		assert_ok!(Balances::transfer_allow_death(by(&OWNER), CUSTOMER, all));
		assert_ok!(renewal());
	});
}

#[test]
fn after_its_grace_a_subscription_is_over_and_anybody_closes_it() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let close = || Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model);
		assert_noop!(close(), Error::<Test>::SubscriptionLive);
		jump_to(50);
		assert_noop!(close(), Error::<Test>::SubscriptionLive);
		jump_to(51);
		let ended = Error::<Test>::SubscriptionEnded;
		assert_noop!(try_order(model), ended);
		let ended = Error::<Test>::SubscriptionEnded;
		assert_noop!(Aimodel::renew(by(&STRANGER), CUSTOMER, model), ended);
		let ended = Error::<Test>::SubscriptionEnded;
		assert_noop!(Aimodel::cancel_subscription(by(&CUSTOMER), model), ended);
		let ended = Error::<Test>::SubscriptionEnded;
		assert_noop!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_PROFESSIONAL), ended);
		let deposited = customer_deposit(&CUSTOMER);
		assert_ok!(close());
		assert!(customer_deposit(&CUSTOMER) < deposited);
		let closed = Event::SubscriptionClosed { account: CUSTOMER, model, refund: 0 };
		assert_eq!(last_event(), closed);
		assert_eq!((plan_held(&CUSTOMER), credited()), (0, [600, 0, 933, 467]));
		assert_noop!(close(), Error::<Test>::NotSubscribed);
		assert!(!Audiences::<Test>::contains_key(model));
	});
}

#[test]
fn every_deposit_of_a_subscriber_returns() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		jump_to(51);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model));
		jump_to(300);
		assert_eq!(customer_deposit(&CUSTOMER), 0);
		assert_eq!(Balances::free_balance(CUSTOMER), ENDOWMENT - 2_000);
	});
}

#[test]
fn a_cancelled_subscription_stays_paid_until_its_end() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		assert_noop!(
			Aimodel::cancel_subscription(by(&STRANGER), model),
			Error::<Test>::NotSubscribed
		);
		assert_ok!(Aimodel::cancel_subscription(by(&CUSTOMER), model));
		let cancelled = Event::SubscriptionCancelled { account: CUSTOMER, model, until: 41 };
		assert_eq!((last_event(), plan_held(&CUSTOMER)), (cancelled, 2_000));
		call(model);
		jump_to(41);
		assert_noop!(
			Aimodel::renew(by(&STRANGER), CUSTOMER, model),
			Error::<Test>::SubscriptionEnded
		);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model));
	});
}

#[test]
fn a_dearer_plan_begins_at_once_and_takes_the_rest_as_credit() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		call(model);
		jump_to(21);
		// Half of the period is left: 1,000; two of three calls: 1,333; not drawn: 1,500.
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_PROFESSIONAL));
		let (account, plan, tier) = (CUSTOMER, PROFESSIONAL, Tier::Professional);
		let (credit, charge, from) = (1_000, 4_000, 21);
		let changed = Event::PlanChanged { account, model, plan, tier, credit, charge, from };
		assert_eq!(last_event(), changed);
		assert_eq!(state(model), (0, 5_000, Standing::Active));
		assert_eq!((plan_held(&CUSTOMER), free(&CUSTOMER)), (5_000, ENDOWMENT - 6_000));
		assert_eq!(credited().iter().sum::<Balance>(), 500 + 500);
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), Some(Tier::Professional));
	});
}

#[test]
fn a_cheaper_plan_begins_when_the_period_ends() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_PROFESSIONAL);
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_STANDARD));
		let info = Aimodel::subscription(&CUSTOMER, &model).unwrap();
		assert_eq!((info.tier, info.next_tier), (Tier::Professional, Tier::Standard));
		assert_eq!((plan_held(&CUSTOMER), credited()), (5_000, [0; 4]));
		jump_to(41);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), Some(Tier::Standard));
		assert_eq!((plan_held(&CUSTOMER), credited().iter().sum::<Balance>()), (2_000, 5_000));
	});
}

#[test]
fn a_change_takes_up_a_cancelled_subscription() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		assert_ok!(Aimodel::cancel_subscription(by(&CUSTOMER), model));
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_STANDARD));
		jump_to(41);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
	});
}

#[test]
fn no_renewal_charges_for_a_period_that_has_passed() {
	run(|| {
		let model = sold_digits();
		let short =
			Plan { period: 4, price: 1_000, quota: None, grace: 4, service: None, limits: None };
		let mut plans = offers();
		plans.push(Offer { plan: short, tier: Tier::Standard, to: None });
		set_plans(model, plans);
		subscribe(model, BY_STANDARD);
		// A grace of ten blocks would see three periods of four begin.
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), 5));
		jump_to(44);
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		assert_eq!(plan_held(&CUSTOMER), 1_000);
		assert_eq!(free(&CUSTOMER), ENDOWMENT - 3_000);
		jump_to(49);
		assert_noop!(
			Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_TRIAL),
			Error::<Test>::TrialNotFirst
		);
	});
}

#[test]
fn a_change_in_grace_is_refused_where_the_next_period_would_be_over() {
	run(|| {
		let model = sold_digits();
		let short =
			Plan { period: 4, price: 1_000, quota: None, grace: 4, service: None, limits: None };
		let mut plans = offers();
		plans.push(Offer { plan: short, tier: Tier::Standard, to: None });
		set_plans(model, plans);
		subscribe(model, BY_STANDARD);
		jump_to(45);
		assert_noop!(
			Aimodel::change_plan(by(&CUSTOMER), tip(model), 5),
			Error::<Test>::SubscriptionEnded
		);
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_PROFESSIONAL));
		assert_eq!(plan_held(&CUSTOMER), 2_000, "it is charged with the renewal");
		assert_ok!(Aimodel::renew(by(&STRANGER), CUSTOMER, model));
		assert_eq!(plan_held(&CUSTOMER), 5_000);
	});
}

// --- Retired models --------------------------------------------------------------------------------

#[test]
fn subscribers_of_a_retired_model_have_back_what_they_had_not_used() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_PROFESSIONAL);
		call(model);
		jump_to(11);
		let stale = tip(model);
		assert_ok!(Aimodel::retire(by(&OWNER), stale));
		assert!(!Tips::<Test>::contains_key(model), "it closes at once");
		assert_eq!(deposit(&OWNER), 0);
		assert_noop!(try_order_on(stale), Error::<Test>::OutPointSpent);
		assert_noop!(Aimodel::renew(by(&STRANGER), CUSTOMER, model), Error::<Test>::ModelRetired);
		// However late: 30 of 40 blocks of 5,000 were left.
		jump_to(100);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), CUSTOMER, model));
		assert_eq!(free(&CUSTOMER), ENDOWMENT - 5_000 + 3_750);
		assert_eq!(credited().iter().sum::<Balance>(), 1_250);
		assert_eq!(plan_held(&CUSTOMER), 0);
		assert!(!Audiences::<Test>::contains_key(model));
	});
}

fn try_order_on(out_point: OutPoint) -> DispatchResult {
	Aimodel::request_by_plan(by(&CUSTOMER), out_point, PROVEN, image(), None).plain()
}

#[test]
fn a_retired_models_subscription_waits_for_its_open_requests() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let request = order(model);
		assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
		assert_noop!(
			Aimodel::close_subscription(by(&OWNER), CUSTOMER, model),
			Error::<Test>::RequestsOpen
		);
		assert_noop!(try_order(model), Error::<Test>::ModelRetired);
		assert_noop!(
			Aimodel::subscribe(by(&STRANGER), tip(model), BY_STANDARD),
			Error::<Test>::ModelRetired
		);
		assert_noop!(Aimodel::fund_pot(by(&OWNER), model, 1), Error::<Test>::ModelRetired);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), request));
		assert_ok!(Aimodel::close_subscription(by(&OWNER), CUSTOMER, model));
		assert_eq!((free(&CUSTOMER), credited()), (ENDOWMENT, [0; 4]));
	});
}

// --- Exploits --------------------------------------------------------------------------------------

#[test]
fn a_trial_twice() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_TRIAL);
		assert_eq!(Aimodel::tier_of(&CUSTOMER, &model), Some(Tier::Trial));
		let again = || {
			frame_support::storage::with_storage_layer(|| {
				Aimodel::subscribe(by(&CUSTOMER), tip(model), BY_TRIAL)
			})
		};
		assert_noop!(again(), Error::<Test>::AlreadySubscribed);
		// It is not renewed.
		jump_to(41);
		assert_noop!(
			Aimodel::renew(by(&STRANGER), CUSTOMER, model),
			Error::<Test>::SubscriptionEnded
		);
		assert_noop!(again(), Error::<Test>::TrialUsed);
		assert_ok!(Aimodel::close_subscription(by(&CUSTOMER), CUSTOMER, model));
		assert_noop!(again(), Error::<Test>::TrialUsed);
		// Not by way of another plan, nor of the one trial's record being pruned.
		subscribe(model, FOR_FREE);
		assert_noop!(
			Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_TRIAL),
			Error::<Test>::TrialNotFirst
		);
		jump_to(91);
		assert_ok!(Aimodel::close_subscription(by(&CUSTOMER), CUSTOMER, model));
		jump_to(500);
		assert_noop!(again(), Error::<Test>::TrialUsed);
		// With its model, the memory of it goes, and the deposit of that returns.
		assert!(customer_deposit(&CUSTOMER) > 0);
		assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
		jump_to(800);
		assert_eq!(customer_deposit(&CUSTOMER), 0);
	});
}

#[test]
fn a_trial_is_followed_by_a_paid_plan() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_TRIAL);
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_STANDARD));
		assert_eq!((state(model), plan_held(&CUSTOMER)), ((0, 2_000, Standing::Active), 2_000));
	});
}

#[test]
fn a_zero_price_plan_without_a_pot() {
	run(|| {
		let model = sold_digits();
		subscribe(model, FOR_FREE);
		assert_noop!(try_order(model), Error::<Test>::PlanUnfunded);
		assert_eq!(state(model), (0, 0, Standing::Active), "the refused call is not counted");
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, DRAW.gross - 1));
		assert_noop!(try_order(model), Error::<Test>::PlanUnfunded);
	});
}

#[test]
fn subscribe_refund_loops() {
	run(|| {
		let model = sold_digits();
		// All of the price is reserved by requests that outlive the period, and then taken back.
		set_plans(
			model,
			vec![Offer { plan: Plan { quota: None, ..STANDARD }, tier: Tier::Standard, to: None }],
		);
		for round in 1..=3u64 {
			subscribe(model, 0);
			let end = System::block_number() + 40;
			System::set_block_number(end - 1);
			let late = Some(end + 20);
			let requests: Vec<_> = (0..4)
				.map(|_| {
					let origin = by(&CUSTOMER);
					let out_point = tip(model);
					assert_ok!(Aimodel::request_by_plan(origin, out_point, PROVEN, image(), late));
					NextRequest::<Test>::get() - 1
				})
				.collect();
			assert_ok!(Aimodel::cancel_subscription(by(&CUSTOMER), model));
			System::set_block_number(end);
			assert_ok!(Aimodel::close_subscription(by(&CUSTOMER), CUSTOMER, model));
			assert_eq!(plan_held(&CUSTOMER), 2_000, "reserved, and of no subscription");
			for request in requests {
				assert_ok!(Aimodel::cancel(by(&CUSTOMER), request));
			}
			check_invariants();
			// Nothing came back: who gets what is left of a period got it.
			assert_eq!(free(&CUSTOMER), ENDOWMENT - 2_000 * u128::from(round));
			assert_eq!(credited().iter().sum::<Balance>(), 2_000 * u128::from(round));
		}
	});
}

#[test]
fn quota_reset_at_period_edges() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		jump_to(40);
		let requests: Vec<_> = (0..3).map(|_| order(model)).collect();
		assert_noop!(try_order(model), Error::<Test>::QuotaExhausted);
		// The next period begins: it has three calls, and none of the last one's comes back to it.
		System::set_block_number(41);
		let next: Vec<_> = (0..3).map(|_| order(model)).collect();
		for request in requests {
			assert_ok!(Aimodel::cancel(by(&CUSTOMER), request));
		}
		assert_noop!(try_order(model), Error::<Test>::QuotaExhausted);
		assert_noop!(Aimodel::renew(by(&CUSTOMER), CUSTOMER, model), Error::<Test>::RenewalNotDue);
		assert_eq!(credited().iter().sum::<Balance>(), 2_000);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), next[0]));
		assert_eq!(state(model), (2, 1_000, Standing::Active));
	});
}

#[test]
fn a_plan_changed_while_a_request_is_open() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let (answered, cancelled) = (order(model), order(model));
		// In the same block, so that both periods begin with it.
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), BY_PROFESSIONAL));
		// Two of three calls and half of the price are gone.
		assert_eq!(state(model), (0, 5_000, Standing::Active));
		assert_eq!(free(&CUSTOMER), ENDOWMENT - 2_000 - 5_000 + 666);
		let before = credited().iter().sum::<Balance>();
		assert_eq!(before, 334);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), cancelled));
		assert_eq!(state(model), (0, 5_000, Standing::Active));
		next_block();
		assert_ok!(answer(&WORKER, answered));
		assert_eq!(state(model), (0, 5_000, Standing::Active));
		assert_eq!(
			(credited().iter().sum::<Balance>(), plan_held(&CUSTOMER)),
			(before + 1_000, 5_000)
		);
	});
}

#[test]
fn an_owner_changes_plans_under_a_subscription() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		let dearer = Plan { price: 9_000, quota: Some(1), ..STANDARD };
		set_plans(model, vec![Offer { plan: dearer, tier: Tier::Standard, to: None }]);
		for _ in 0..3 {
			call(model);
		}
		assert_eq!(state(model), (3, 500, Standing::Active));
		// Nothing is charged but what was agreed on: who does not accept the new plan leaves.
		jump_to(41);
		assert_noop!(Aimodel::renew(by(&OWNER), CUSTOMER, model), Error::<Test>::PlanWithdrawn);
		assert_noop!(try_order(model), Error::<Test>::PlanWithdrawn);
		assert_ok!(Aimodel::change_plan(by(&CUSTOMER), tip(model), 0));
		assert_ok!(Aimodel::renew(by(&OWNER), CUSTOMER, model));
		assert_eq!(plan_held(&CUSTOMER), 9_000);
	});
}

#[test]
fn an_owner_changes_the_split_before_a_period_ends() {
	run(|| {
		let model = sold_digits();
		subscribe(model, BY_STANDARD);
		jump_to(40);
		let late = order(model);
		let greedy = RevenueSplit {
			worker: Permill::from_percent(50),
			beneficiaries: vec![(Payee::Account(OWNER), Permill::from_percent(50))]
				.try_into()
				.unwrap(),
		};
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(model), greedy));
		assert_ok!(Aimodel::set_platform_share(RuntimeOrigin::root(), Permill::from_percent(10)));
		jump_to(51);
		assert_ok!(Aimodel::close_subscription(by(&OWNER), CUSTOMER, model));
		advance_to(deadline_or(late) + 1);
		// Both what was left and what came back later, as it was when the period began.
		assert_eq!(credited(), [450 + 150, 0, 700 + 233, 350 + 117]);
	});
}

fn deadline_or(request: RequestId) -> u64 {
	Requests::<Test>::get(request).map_or(System::block_number(), |request| request.deadline)
}

#[test]
fn split_to_self() {
	run(|| {
		let model = sold_digits();
		// The owner's own worker draws whatever it can of the plans that it sells.
		let all_to_workers =
			RevenueSplit { worker: Permill::one(), beneficiaries: Default::default() };
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(model), all_to_workers));
		subscribe(model, BY_PROFESSIONAL);
		for _ in 0..4 {
			call(model);
		}
		assert_noop!(try_order(model), Error::<Test>::PlanUnfunded);
		jump_to(51);
		assert_ok!(Aimodel::close_subscription(by(&OWNER), CUSTOMER, model));
		let [platform, worker, owner, _] = credited();
		assert_eq!(platform + worker + owner, 5_000);
		assert!((1_500..1_506).contains(&platform), "30 %, less than a unit more for each call");
	});
}

#[test]
fn no_order_of_calls_makes_or_loses_a_unit() {
	for seed in 1..=4u64 {
		run(|| scenario(seed, 200));
	}
}

/// Random calls of two customers and the owner, with every invariant after each, and an independent
/// reckoning: what customers and the owner's pot no longer have is what others have earned.
fn scenario(seed: u64, steps: u32) {
	let (model, _) = deploy_served_attested();
	set_plans(model, offers());
	let mut random = seed;
	let mut draw = |below: u64| {
		random =
			random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(random >> 33) % below
	};
	let customers = [CUSTOMER, STRANGER];
	let total =
		|who: &AccountId32| free(who) + held(who) + plan_held(who) + pot_held(who) + deposit(who);
	for _ in 0..steps {
		let who = &customers[draw(2) as usize];
		let out_point = tip(model);
		let plan = draw(5) as u32;
		let request = draw(NextRequest::<Test>::get() + 1);
		let done = frame_support::storage::with_storage_layer(|| match draw(12) {
			0 | 1 => Aimodel::subscribe(by(who), out_point, plan).plain(),
			2..=4 => {
				let late = Some(System::block_number() + 13 + draw(40));
				Aimodel::request_by_plan(by(who), out_point, Assurance::Attested, floats(2), late)
					.plain()
			},
			5 => Aimodel::cancel(by(who), request).plain(),
			6 => Aimodel::change_plan(by(who), out_point, plan).plain(),
			7 => Aimodel::cancel_subscription(by(who), model),
			8 => Aimodel::renew(by(&OWNER), who.clone(), model).plain(),
			9 => Aimodel::close_subscription(by(&OWNER), who.clone(), model),
			10 => Aimodel::fund_pot(by(&OWNER), model, draw(2_000).into()),
			_ => Aimodel::withdraw_pot(by(&OWNER), model, draw(2_000).into()),
		});
		// Refusals are part of it.
		let _ = done;
		assert_ok!(Aimodel::do_try_state());
		if draw(2) == 0 {
			// Requests are answered, unless time jumps beyond their lease.
			let mut worker_is_there = draw(4) > 0;
			for _ in 0..draw(12) {
				jump_to(System::block_number() + 1);
				for id in Requests::<Test>::iter_keys().collect::<Vec<_>>() {
					if worker_is_there && holder(id).is_some() {
						let _ = answer_attested(&WORKER, id, words(draw(4) as usize), None);
					}
				}
				worker_is_there &= draw(8) > 0;
			}
		}
		let people = [&CUSTOMER, &STRANGER, &OWNER].map(total);
		let spent = 3 * ENDOWMENT - people.iter().sum::<Balance>();
		let all_earned: Balance = Earnings::<Test>::iter_values().sum();
		assert_eq!(spent, all_earned, "seed {seed}");
		assert_eq!(Aimodel::pot_balance(), all_earned, "seed {seed}");
	}
	assert!(NextTerm::<Test>::get() > 3, "seed {seed} does little");
}
