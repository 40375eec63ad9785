//! Prices that follow the market, and what is counted of customers and models.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	billing::{Budget, Totals},
	pricing::{Bounds, Bracket, DemandParams, Factor, TimeBracket},
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{AccountId32, DispatchError, Percent, Permill};

/// Blocks of a billing period, and of a window of demand.
const PERIOD: u64 = 100;
const WINDOW: u64 = 10;

fn customer() -> RuntimeOrigin {
	RuntimeOrigin::signed(CUSTOMER)
}

/// A served digits model that costs this.
fn priced(tariff: Tariff) -> (ModelId, OutPoint) {
	let (model, out_point) = deploy_served_digits();
	assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), out_point, tariff));
	(model, tip(model))
}

/// Buys a digit and has it answered.
fn buy(out_point: OutPoint) {
	let request = request_digit(out_point);
	next_block();
	assert_ok!(answer(&WORKER, request));
}

fn price_for(model: ModelId, account: Option<AccountId32>) -> Balance {
	Aimodel::quote(model, account, 64, None).unwrap().max_price
}

fn totals(calls: u64) -> Totals {
	Totals { calls, units: 2 * calls, spend: u128::from(calls) * PRICE, ..Totals::default() }
}

fn spent(model: ModelId) -> (Totals, Totals) {
	let ledger = Aimodel::bill(&CUSTOMER, &model).unwrap().ledger;
	(ledger.current, ledger.previous)
}

fn budget(limit: Balance, alerts: &[u8]) -> Option<Budget> {
	let alerts: Vec<_> = alerts.iter().map(|share| Percent::from_percent(*share)).collect();
	Some(Budget { limit, alerts: alerts.try_into().unwrap() })
}

#[test]
fn what_is_quoted_is_what_is_held_and_paid() {
	run(|| {
		let third = Bracket { from: 1, discount: Permill::from_rational(1u32, 3) };
		let night = TimeBracket { from: 0, until: 60, factor: Factor::from_parts(1_500_000) };
		let tariff = Tariff {
			volume: vec![third].try_into().unwrap(),
			time_of_day: vec![night].try_into().unwrap(),
			..flat()
		};
		let (model, out_point) = priced(tariff);
		for _ in 0..3 {
			let quote = Aimodel::quote(model, Some(CUSTOMER), 64, None).unwrap();
			let request = request(out_point, PROVEN, image(), 2 * PRICE);
			assert_eq!(held(&CUSTOMER), quote.max_price);
			next_block();
			let before = free(&CUSTOMER);
			assert_ok!(answer(&WORKER, request));
			assert_eq!(Settlements::<Test>::get(request).unwrap().price, quote.breakdown.price);
			assert_eq!(free(&CUSTOMER), before);
		}
		// In the first minute half as much again; from the second call on a third less.
		assert_eq!(Aimodel::quote(model, None, 64, Some(59_999)).unwrap().max_price, 1_502);
		assert_eq!(Aimodel::quote(model, None, 64, Some(60_000)).unwrap().max_price, PRICE);
		let at = Some(60_000);
		let regular = Aimodel::quote(model, Some(CUSTOMER), 64, at).unwrap().breakdown;
		assert_eq!((regular.price, regular.volume), (668, 668 - 1_001));
		assert_eq!(Aimodel::price(model, Some(CUSTOMER), 2, at).unwrap(), regular);
	});
}

#[test]
fn a_tariff_without_sense_is_refused() {
	run(|| {
		let (model, out_point) = deploy(attested());
		let inverted = Tariff { bounds: Bounds { min: 2, max: 1 }, ..flat() };
		let owner = || RuntimeOrigin::signed(OWNER);
		let refused = Error::<Test>::UnsoundTariff;
		assert_noop!(Aimodel::deploy(owner(), attested(), inverted.clone(), split()), refused);
		let refused = Error::<Test>::UnsoundTariff;
		assert_noop!(Aimodel::reprice(owner(), out_point, inverted), refused);
		assert_eq!(tip(model), out_point);
	});
}

#[test]
fn a_price_follows_the_fees_of_past_windows() {
	run(|| {
		let demand = DemandParams {
			target: 2 * PRICE,
			step: Permill::from_percent(10),
			floor: Factor::from_parts(900_000),
			cap: Factor::from_parts(1_200_000),
		};
		let (model, out_point) = priced(Tariff { demand: Some(demand), ..flat() });
		let factor = || Aimodel::quote(model, None, 64, None).unwrap().rates.demand.parts();
		assert_eq!(factor(), 1_000_000);
		for _ in 0..4 {
			buy(out_point);
		}
		assert_eq!(factor(), 1_000_000, "the window is not over");
		advance_to(WINDOW);
		assert_eq!(factor(), 1_100_000, "twice the target");
		advance_to(2 * WINDOW);
		assert_eq!(factor(), 990_000, "a window without fees");
		advance_to(20 * WINDOW);
		assert_eq!(factor(), 900_000, "the floor");
		// A new tariff does not look back.
		let steeper = DemandParams { step: Permill::from_percent(50), ..demand };
		let steeper = Tariff { demand: Some(steeper), ..flat() };
		assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), out_point, steeper));
		assert_eq!(factor(), 900_000);
	});
}

#[test]
fn a_new_model_has_no_past() {
	run(|| {
		advance_to(50 * WINDOW);
		let demand = DemandParams {
			target: 1,
			step: Permill::one(),
			floor: Factor::from_parts(1),
			cap: Factor::ONE,
		};
		let (model, _) = priced(Tariff { demand: Some(demand), ..flat() });
		assert_eq!(price_for(model, None), PRICE);
	});
}

#[test]
fn a_bill_counts_calls_refunds_and_failures_by_periods() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		assert_eq!(Aimodel::bill(&CUSTOMER, &model), None);
		buy(out_point);
		buy(out_point);
		assert_eq!(spent(model), (totals(2), totals(0)));

		let cancelled = request_digit(out_point);
		let bill = Aimodel::bill(&CUSTOMER, &model).unwrap();
		assert_eq!((bill.open, bill.held), (1, PRICE));
		assert_ok!(Aimodel::cancel(customer(), cancelled));
		let failed = request_digit(out_point);
		advance_to(deadline(failed) + 1);
		let expected = Totals { refunds: 2 * PRICE, failures: 1, ..totals(2) };
		assert_eq!(spent(model), (expected, totals(0)));

		advance_to(PERIOD);
		assert_eq!(spent(model), (totals(0), expected));
		buy(out_point);
		let bill = Aimodel::bill(&CUSTOMER, &model).unwrap();
		assert_eq!((bill.from, bill.until, bill.open), (100, 200, 0));
		assert_eq!(bill.projected, PRICE * 100 / 2, "two blocks of a hundred");
		assert_eq!(Aimodel::bills(&CUSTOMER), [(model, bill)]);
	});
}

#[test]
fn revenue_counts_each_customer_once_a_period() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		buy(out_point);
		buy(out_point);
		let stranger = RuntimeOrigin::signed(STRANGER);
		let asked =
			Aimodel::request(stranger, out_point, PROVEN, image(), PRICE, None, Default::default());
		assert_ok!(asked);
		let request = NextRequest::<Test>::get() - 1;
		next_block();
		assert_ok!(answer(&WORKER, request));
		let revenue = Aimodel::revenue(&model).unwrap();
		assert_eq!((revenue.ledger.current, revenue.customers), (totals(3), 2));
		advance_to(PERIOD);
		buy(out_point);
		let revenue = Aimodel::revenue(&model).unwrap();
		assert_eq!((revenue.customers, revenue.previous_customers), (1, 2));
		assert_eq!(revenue.ledger.previous, totals(3));
		advance_to(4 * PERIOD);
		let revenue = Aimodel::revenue(&model).unwrap();
		assert_eq!((revenue.customers, revenue.previous_customers), (0, 0));
		assert_eq!(revenue.ledger.previous, totals(0));
	});
}

#[test]
fn the_latest_prices_are_remembered() {
	run(|| {
		let (model, _) = deploy(attested());
		for per_call in 1..=5 {
			next_block();
			let tariff = Tariff::flat(per_call, 0);
			assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), tip(model), tariff));
		}
		let prices = Aimodel::revenue(&model).unwrap().prices;
		let expected = [(4, 3), (5, 4), (6, 5)];
		assert_eq!(prices, expected.map(|(block, price)| (block, Tariff::flat(price, 0))));
	});
}

#[test]
fn a_budget_stops_what_could_exceed_it() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		assert_ok!(Aimodel::set_budget(customer(), model, budget(2 * PRICE + 1, &[])));
		buy(out_point);
		let open = request_digit(out_point);
		let refused = Aimodel::request(
			customer(),
			out_point,
			PROVEN,
			image(),
			PRICE,
			None,
			Default::default(),
		);
		assert_noop!(refused, Error::<Test>::BudgetExceeded);
		// What comes back can be spent again; so can everything in the next period.
		assert_ok!(Aimodel::cancel(customer(), open));
		buy(out_point);
		let refused = Aimodel::request(
			customer(),
			out_point,
			PROVEN,
			image(),
			PRICE,
			None,
			Default::default(),
		);
		assert_noop!(refused, Error::<Test>::BudgetExceeded);
		advance_to(PERIOD);
		buy(out_point);
		assert_ok!(Aimodel::set_budget(customer(), model, budget(0, &[])));
		let refused = Aimodel::request(
			customer(),
			out_point,
			PROVEN,
			image(),
			PRICE,
			None,
			Default::default(),
		);
		assert_noop!(refused, Error::<Test>::BudgetExceeded);
		assert_ok!(Aimodel::set_budget(customer(), model, None));
		buy(out_point);
	});
}

#[test]
fn a_budget_tells_when_a_share_of_it_is_spent() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		assert_ok!(Aimodel::set_budget(customer(), model, budget(4 * PRICE, &[50, 75])));
		let alerts = || -> Vec<u8> {
			let events = System::read_events_for_pallet::<Event<Test>>().into_iter();
			let share = |event| match event {
				Event::BudgetAlert { share, .. } => Some(share.deconstruct()),
				_ => None,
			};
			events.filter_map(share).collect()
		};
		for expected in [&[][..], &[50], &[50, 75], &[50, 75]] {
			buy(out_point);
			assert_eq!(alerts(), expected);
		}
	});
}

#[test]
fn a_budget_for_no_model_is_refused() {
	run(|| {
		let nothing = ModelId::zero();
		let refused = Aimodel::set_budget(customer(), nothing, budget(1, &[]));
		assert_noop!(refused, Error::<Test>::UnknownModel);
	});
}

#[test]
fn a_record_that_is_not_used_is_pruned_and_its_deposit_returned() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let before = Balances::free_balance(CUSTOMER);
		buy(out_point);
		assert!(customer_deposit(&CUSTOMER) > 0);
		assert_eq!(Balances::free_balance(CUSTOMER), before - PRICE - customer_deposit(&CUSTOMER));
		advance_to(PERIOD + 50);
		buy(out_point);
		advance_to(3 * PERIOD - 1);
		assert!(Customers::<Test>::contains_key(CUSTOMER, model));
		advance_to(3 * PERIOD);
		assert!(!Customers::<Test>::contains_key(CUSTOMER, model));
		assert_eq!(customer_deposit(&CUSTOMER), 0);
		assert_eq!(Balances::free_balance(CUSTOMER), before - 2 * PRICE);
	});
}

#[test]
fn a_budget_is_kept_as_long_as_its_model() {
	run(|| {
		let (model, out_point) = deploy(attested());
		assert_ok!(Aimodel::set_budget(customer(), model, budget(7, &[])));
		advance_to(5 * PERIOD);
		assert_eq!(Aimodel::bill(&CUSTOMER, &model).unwrap().budget, budget(7, &[]));
		assert_ok!(Aimodel::retire(RuntimeOrigin::signed(OWNER), out_point));
		advance_to(8 * PERIOD);
		assert_eq!((Aimodel::bill(&CUSTOMER, &model), customer_deposit(&CUSTOMER)), (None, 0));
	});
}

#[test]
fn who_can_not_pay_the_deposit_orders_nothing() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let poor = AccountId32::new([99; 32]);
		let enough = PRICE + 10;
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), poor.clone(), enough));
		let origin = RuntimeOrigin::signed(poor);
		let refused =
			Aimodel::request(origin, out_point, PROVEN, image(), PRICE, None, Default::default());
		assert!(matches!(refused.plain().unwrap_err(), DispatchError::Token(_)));
	});
}

#[test]
fn a_lapsed_lease_costs_reliability_and_answers_earn_it() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let reliability = || Records::<Test>::get(model).reliability;
		assert_eq!(reliability(), Permill::zero());
		buy(out_point);
		let once = reliability();
		assert_eq!(once, Permill::from_parts(1_000_000 / 64));
		let lapsing = request_digit(out_point);
		advance_to(deadline(lapsing) + 1);
		assert_eq!(reliability(), once - once / 64);
	});
}
