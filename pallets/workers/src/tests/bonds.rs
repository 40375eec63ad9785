//! Bonds and operators, from registration to withdrawal.

use crate::{
	mock::{Workers, *},
	*,
};
use aimodel_primitives::traits::WorkerPool;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;

#[test]
fn registering_holds_the_bond_and_names_the_operator() {
	TestExt::execute_with(|| {
		assert_ok!(Workers::register(signed(ALICE), 500, operator_of(ALICE)));
		assert_eq!((held(ALICE), free(ALICE)), (500, ENDOWMENT - 500));
		assert_eq!(Workers::worker_of(&operator_of(ALICE)), Some(ALICE));
		assert_eq!(Workers::worker_of(&ALICE), None);
		let operator = operator_of(ALICE);
		System::assert_last_event(Event::Registered { worker: ALICE, operator, bond: 500 }.into());
	});
}

#[test]
fn a_worker_may_be_its_own_operator() {
	TestExt::execute_with(|| {
		assert_ok!(Workers::register(signed(ALICE), 500, ALICE));
		assert_eq!(Workers::worker_of(&ALICE), Some(ALICE));
	});
}

#[test]
fn nobody_registers_twice() {
	TestExt::execute_with(|| {
		register(ALICE, 500);
		let again = Workers::register(signed(ALICE), 500, NOBODY);
		assert_noop!(again, Error::<Test>::AlreadyRegistered);
	});
}

#[test]
fn a_bond_below_the_smallest_is_refused() {
	TestExt::execute_with(|| {
		let small = Workers::register(signed(ALICE), MIN_BOND - 1, operator_of(ALICE));
		assert_noop!(small, Error::<Test>::BondTooSmall);
	});
}

#[test]
fn a_bond_that_one_does_not_have_is_refused() {
	TestExt::execute_with(|| {
		let rich = Workers::register(signed(ALICE), ENDOWMENT + 1, operator_of(ALICE));
		assert_noop!(rich, TokenError::FundsUnavailable);
	});
}

#[test]
fn two_workers_can_not_share_an_operator() {
	TestExt::execute_with(|| {
		register(ALICE, 500);
		let second = Workers::register(signed(BOB), 500, operator_of(ALICE));
		assert_noop!(second, Error::<Test>::OperatorTaken);

		register(BOB, 500);
		let change = Workers::set_operator(signed(BOB), operator_of(ALICE));
		assert_noop!(change, Error::<Test>::OperatorTaken);
	});
}

#[test]
fn a_new_operator_replaces_the_old_one() {
	TestExt::execute_with(|| {
		register(ALICE, 500);
		assert_ok!(Workers::set_operator(signed(ALICE), NOBODY));
		assert_eq!(Workers::worker_of(&operator_of(ALICE)), None);
		assert_eq!(Workers::worker_of(&NOBODY), Some(ALICE));
		System::assert_last_event(
			Event::OperatorChanged { worker: ALICE, operator: NOBODY }.into(),
		);
		// The old key is free for another worker; naming the same key again changes nothing.
		assert_ok!(Workers::register(signed(BOB), 500, operator_of(ALICE)));
		assert_ok!(Workers::set_operator(signed(BOB), operator_of(ALICE)));
		assert_eq!(Workers::worker_of(&operator_of(ALICE)), Some(BOB));
	});
}

#[test]
fn topping_up_adds_to_the_bond() {
	TestExt::execute_with(|| {
		register(ALICE, 500);
		assert_ok!(Workers::bond_more(signed(ALICE), 11));
		assert_eq!((worker(ALICE).bond, held(ALICE)), (511, 511));
		let event = Event::BondAdded { worker: ALICE, amount: 11, bond: 511 };
		System::assert_last_event(event.into());

		let rich = Workers::bond_more(signed(ALICE), ENDOWMENT);
		assert_noop!(rich, TokenError::FundsUnavailable);
	});
}

#[test]
fn who_is_no_worker_is_told_so() {
	TestExt::execute_with(|| {
		let error = Error::<Test>::NotRegistered;
		assert_noop!(Workers::bond_more(signed(ALICE), 1), error);
		assert_noop!(Workers::set_operator(signed(ALICE), BOB), Error::<Test>::NotRegistered);
		let offer = Workers::serve(signed(ALICE), version(0), 0, 1, 1);
		assert_noop!(offer, Error::<Test>::NotRegistered);
		assert_noop!(Workers::unserve(signed(ALICE), version(0)), Error::<Test>::NotRegistered);
		assert_noop!(Workers::retire(signed(ALICE)), Error::<Test>::NotRegistered);
		assert_noop!(Workers::withdraw_bond(signed(ALICE)), Error::<Test>::NotRegistered);
		let granted = Workers::lease(1, &ALICE, &terms(1));
		assert_noop!(granted, Error::<Test>::NotRegistered);
	});
}

#[test]
fn an_operator_signs_for_no_bond() {
	TestExt::execute_with(|| {
		register(ALICE, 500);
		let operator = signed(operator_of(ALICE));
		assert_noop!(Workers::retire(operator.clone()), Error::<Test>::NotRegistered);
		assert_noop!(Workers::withdraw_bond(operator), Error::<Test>::NotRegistered);
	});
}

#[test]
fn a_bond_comes_back_whole_after_the_delay() {
	TestExt::execute_with(|| {
		let before = issuance();
		register_server(ALICE, 500);
		assert_noop!(Workers::withdraw_bond(signed(ALICE)), Error::<Test>::NotRetiring);

		assert_ok!(Workers::retire(signed(ALICE)));
		let at = 1 + RETIRE_DELAY;
		System::assert_last_event(Event::Retiring { worker: ALICE, at }.into());

		advance_to(at - 1);
		assert_noop!(Workers::withdraw_bond(signed(ALICE)), Error::<Test>::RetireDelayNotOver);
		advance_to(at);
		assert_ok!(Workers::withdraw_bond(signed(ALICE)));
		System::assert_last_event(Event::BondWithdrawn { worker: ALICE, bond: 500 }.into());

		assert_eq!((held(ALICE), free(ALICE), issuance()), (0, ENDOWMENT, before));
		assert_eq!(Workers::worker_of(&operator_of(ALICE)), None);
		// Nothing is left that would be in the way of a second life.
		register_server(ALICE, 500);
	});
}

#[test]
fn retiring_ends_all_offers_and_can_not_be_repeated() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		serve(ALICE, 1);
		register_server(BOB, 500);
		assert_ok!(Workers::retire(signed(ALICE)));
		assert_eq!((servers(0), servers(1)), (vec![BOB], vec![]));
		assert_eq!((service(ALICE, 0), service(ALICE, 1)), (None, None));

		assert_noop!(Workers::retire(signed(ALICE)), Error::<Test>::Retiring);
		assert_noop!(Workers::bond_more(signed(ALICE), 1), Error::<Test>::Retiring);
		let offer = Workers::serve(signed(ALICE), version(0), 0, 1, 1);
		assert_noop!(offer, Error::<Test>::Retiring);
	});
}

#[test]
fn a_live_lease_blocks_withdrawal() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 50);
		assert_ok!(Workers::retire(signed(ALICE)));
		advance_to(1 + RETIRE_DELAY);
		assert_noop!(Workers::withdraw_bond(signed(ALICE)), Error::<Test>::LeasesHeld);
		Workers::release(1);
		assert_ok!(Workers::withdraw_bond(signed(ALICE)));
		assert_eq!(free(ALICE), ENDOWMENT);
	});
}

#[test]
fn a_worker_that_lost_its_whole_bond_can_leave() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 500);
		assert_ok!(Workers::slash(1, &CUSTOMER, 0));
		assert_ok!(Workers::retire(signed(ALICE)));
		advance_to(1 + RETIRE_DELAY);
		assert_ok!(Workers::withdraw_bond(signed(ALICE)));
		System::assert_last_event(Event::BondWithdrawn { worker: ALICE, bond: 0 }.into());
		assert_eq!(free(ALICE), ENDOWMENT - 500);
	});
}
