//! What a lapse costs, and to whom the money goes.

use crate::{
	mock::{Workers, *},
	*,
};
use aimodel_primitives::traits::WorkerPool;
use frame_support::{assert_noop, assert_ok};

#[test]
fn a_lapse_slashes_its_holder_only() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		register_server(BOB, 500);
		lease(1, ALICE, 80);
		lease(2, BOB, 90);
		lease(3, ALICE, 70);
		let before = issuance();
		advance_to(22);
		assert_eq!(Workers::slash(1, &CUSTOMER, 30), Ok(30));
		System::assert_last_event(
			Event::Slashed { worker: ALICE, request: 1, amount: 80, compensation: 30, burned: 50 }
				.into(),
		);

		// To the last unit: what Alice lost is what the customer got and what is gone.
		assert_eq!((worker(ALICE).bond, worker(ALICE).reserved, held(ALICE)), (420, 70, 420));
		assert_eq!(free(ALICE), ENDOWMENT - 500);
		assert_eq!(free(CUSTOMER), ENDOWMENT + 30);
		assert_eq!(issuance(), before - 50);
		// Bob, and Alice's other lease, are as they were.
		assert_eq!((worker(BOB).bond, worker(BOB).reserved, held(BOB)), (500, 90, 500));
		assert_eq!(Workers::leased(1), None);
		assert!(Workers::leased(2).is_some() && Workers::leased(3).is_some());
	});
}

#[test]
fn a_customer_gets_no_more_than_the_compensation() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 500);
		let before = issuance();
		assert_eq!(Workers::slash(1, &CUSTOMER, 1), Ok(1));
		assert_eq!((free(CUSTOMER), issuance()), (ENDOWMENT + 1, before - 499));
	});
}

#[test]
fn a_customer_gets_no_more_than_the_collateral() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 80);
		let before = issuance();
		assert_eq!(Workers::slash(1, &CUSTOMER, u128::MAX), Ok(80));
		assert_eq!((free(CUSTOMER), issuance()), (ENDOWMENT + 80, before));
		assert_eq!((worker(ALICE).bond, held(ALICE)), (420, 420));
	});
}

#[test]
fn a_customer_that_can_not_be_paid_does_not_stop_the_slash() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 80);
		let before = issuance();
		let dust = EXISTENTIAL_DEPOSIT - 1;
		assert_eq!(Workers::slash(1, &NOBODY, dust), Ok(0));
		System::assert_last_event(
			Event::Slashed { worker: ALICE, request: 1, amount: 80, compensation: 0, burned: 80 }
				.into(),
		);
		assert_eq!((free(NOBODY), issuance(), held(ALICE)), (0, before - 80, 420));
	});
}

#[test]
fn a_customer_without_an_account_gets_one() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 80);
		assert_eq!(Workers::slash(1, &NOBODY, EXISTENTIAL_DEPOSIT), Ok(EXISTENTIAL_DEPOSIT));
		assert_eq!(free(NOBODY), EXISTENTIAL_DEPOSIT);
	});
}

#[test]
fn a_worker_that_is_its_own_customer_does_not_profit() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 80);
		assert_eq!(Workers::slash(1, &ALICE, 30), Ok(30));
		assert_eq!((held(ALICE), free(ALICE)), (420, ENDOWMENT - 500 + 30));
	});
}

#[test]
fn a_worker_that_did_not_accept_loses_nothing() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(Workers::lease(1, &ALICE, &blob_terms(80)));
		let before = issuance();
		advance_to(2 + ACCEPT_WINDOW);
		assert_eq!(Workers::slash(1, &CUSTOMER, 30), Ok(0));
		System::assert_last_event(Event::LeaseReleased { request: 1, worker: ALICE }.into());
		assert_eq!((worker(ALICE).bond, worker(ALICE).reserved), (500, 0));
		assert_eq!((free(CUSTOMER), issuance()), (ENDOWMENT, before));
	});
}

#[test]
fn nothing_is_slashed_twice() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 80);
		assert_ok!(Workers::slash(1, &CUSTOMER, 30));
		assert_noop!(Workers::slash(1, &CUSTOMER, 30), Error::<Test>::NotLeased);
		lease(2, ALICE, 80);
		Workers::release(2);
		assert_noop!(Workers::slash(2, &CUSTOMER, 30), Error::<Test>::NotLeased);
	});
}

#[test]
fn a_retiring_worker_stays_slashable() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 80);
		assert_ok!(Workers::retire(signed(ALICE)));
		advance_to(1 + RETIRE_DELAY);
		assert_eq!(Workers::slash(1, &CUSTOMER, 30), Ok(30));
		assert_ok!(Workers::withdraw_bond(signed(ALICE)));
		assert_eq!(free(ALICE), ENDOWMENT - 80);
		assert_eq!(service(ALICE, 0), None);
	});
}

#[test]
fn a_retiring_worker_may_accept_what_it_holds_and_is_slashed_for_it() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(Workers::lease(1, &ALICE, &blob_terms(80)));
		assert_ok!(Workers::retire(signed(ALICE)));
		assert_ok!(Workers::accept(signed(ALICE), 1));
		assert_eq!(Workers::slash(1, &CUSTOMER, 30), Ok(30));
		assert_eq!(worker(ALICE).bond, 420);
	});
}

#[test]
fn a_lease_of_a_withdrawn_offer_is_slashed_like_any_other() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 80);
		assert_ok!(Workers::unserve(signed(ALICE), version(0)));
		assert_eq!(Workers::slash(1, &CUSTOMER, 30), Ok(30));
		assert_eq!((service(ALICE, 0), worker(ALICE).services), (None, 0));
	});
}

#[test]
fn a_lease_without_collateral_costs_nothing() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 0);
		let before = issuance();
		assert_eq!(Workers::slash(1, &CUSTOMER, 30), Ok(0));
		assert_eq!((issuance(), worker(ALICE).bond), (before, 500));
	});
}
