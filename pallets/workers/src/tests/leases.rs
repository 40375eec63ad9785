//! Leases without fault: granted, accepted, released.

use crate::{
	mock::{Workers, *},
	*,
};
use aimodel_primitives::traits::{Lease, LeaseTerms, WorkerPool};
use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use sp_runtime::{ArithmeticError, DispatchResult};

fn try_lease(request: u64, who: AccountId, terms: LeaseTerms<BlockNumber>) -> DispatchResult {
	Workers::lease(request, &who, &terms)
}

#[test]
fn a_lease_reserves_bond_and_slot_until_it_is_released() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 50);
		let expected = Lease {
			worker: ALICE,
			version: version(0),
			collateral: 50,
			length: 20,
			until: 21,
			obliged: true,
		};
		assert_eq!(Workers::leased(1), Some(expected));
		assert_eq!((worker(ALICE).reserved, worker(ALICE).free_bond()), (50, 450));
		let granted = Event::LeaseGranted { request: 1, worker: ALICE, until: 21, obliged: true };
		System::assert_last_event(granted.into());

		Workers::release(1);
		System::assert_last_event(Event::LeaseReleased { request: 1, worker: ALICE }.into());
		assert_eq!(Workers::leased(1), None);
		assert_eq!((worker(ALICE).reserved, worker(ALICE).leases), (0, 0));
		assert_eq!((held(ALICE), free(ALICE)), (500, ENDOWMENT - 500));
	});
}

#[test]
fn releasing_what_is_not_leased_does_nothing() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 50);
		Workers::release(1);
		let events = System::event_count();
		Workers::release(1);
		Workers::release(2);
		assert_eq!(System::event_count(), events);
		assert_eq!(worker(ALICE).reserved, 0);
	});
}

#[test]
fn a_request_is_leased_to_one_worker_only() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		register_server(BOB, 500);
		lease(1, ALICE, 50);
		assert_noop!(try_lease(1, BOB, terms(50)), Error::<Test>::AlreadyLeased);
		assert_noop!(try_lease(1, ALICE, terms(50)), Error::<Test>::AlreadyLeased);
	});
}

#[test]
fn slots_bound_the_leases_of_a_version() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 1);
		lease(2, ALICE, 1);
		assert_eq!(Workers::capacity(&terms(1)), 0);
		assert_noop!(try_lease(3, ALICE, terms(1)), Error::<Test>::NoFreeSlot);
	});
}

#[test]
fn free_bond_bounds_the_leases() {
	TestExt::execute_with(|| {
		register_server(ALICE, 100);
		serve(ALICE, 1);
		lease(1, ALICE, 60);
		assert_eq!(Workers::capacity(&terms(41)), 0);
		assert_noop!(try_lease(2, ALICE, terms(41)), Error::<Test>::NoFreeBond);
		// The bond is one, for all versions.
		let other = LeaseTerms { version: version(1), ..terms(41) };
		assert_noop!(try_lease(2, ALICE, other), Error::<Test>::NoFreeBond);
		assert!(Workers::capacity(&terms(40)) > 0);
		lease(2, ALICE, 40);
	});
}

#[test]
fn terms_that_a_worker_did_not_offer_are_refused() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		for bad in [LeaseTerms { pay: 9, ..terms(1) }, LeaseTerms { length: 19, ..terms(1) }] {
			assert_eq!(Workers::capacity(&bad), 0);
			assert_noop!(try_lease(1, ALICE, bad), Error::<Test>::TermsRefused);
		}
		let other = LeaseTerms { version: version(1), ..terms(1) };
		assert_eq!(Workers::capacity(&other), 0);
		assert_noop!(try_lease(1, ALICE, other), Error::<Test>::NotServing);
	});
}

#[test]
fn a_lease_may_not_outlast_time() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		let endless = LeaseTerms { length: u64::MAX, ..terms(1) };
		assert_noop!(try_lease(1, ALICE, endless), ArithmeticError::Overflow);
	});
}

#[test]
fn a_retiring_worker_gets_no_lease() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(Workers::retire(signed(ALICE)));
		assert_eq!(Workers::capacity(&terms(1)), 0);
		assert_noop!(try_lease(1, ALICE, terms(1)), Error::<Test>::Retiring);
	});
}

#[test]
fn accepting_a_blob_obliges_for_the_whole_length() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		let until = 1 + ACCEPT_WINDOW;
		let granted = Event::LeaseGranted { request: 1, worker: ALICE, until, obliged: false };
		System::assert_last_event(granted.into());

		// In the last block of the window, for nothing.
		advance_to(until);
		let done = Workers::accept(signed(operator_of(ALICE)), 1).expect("the window is open");
		assert_eq!(done.pays_fee, Pays::No);
		let until = until + 20;
		let accepted = Event::LeaseAccepted { request: 1, worker: ALICE, until };
		System::assert_last_event(accepted.into());
		let lease = Workers::leased(1).expect("leased");
		assert!(lease.obliged && lease.until == until);
	});
}

#[test]
fn the_bonded_account_may_accept_itself() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		assert_ok!(Workers::accept(signed(ALICE), 1));
	});
}

#[test]
fn the_window_that_leases_have_is_the_one_that_is_told() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		let until = System::block_number() + Workers::accept_window();
		assert_eq!(Workers::leased(1).map(|lease| lease.until), Some(until));
	});
}

#[test]
fn the_window_of_acceptance_closes() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		advance_to(2 + ACCEPT_WINDOW);
		assert_noop!(Workers::accept(signed(ALICE), 1), Error::<Test>::AcceptWindowOver);
	});
}

#[test]
fn a_lease_is_accepted_once() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_noop!(Workers::accept(signed(ALICE), 1), Error::<Test>::NotLeased);
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		assert_ok!(Workers::accept(signed(ALICE), 1));
		// A second acceptance would prolong it.
		advance_to(2);
		assert_noop!(Workers::accept(signed(ALICE), 1), Error::<Test>::AlreadyObliged);
	});
}

#[test]
fn only_the_holder_accepts() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		register_server(BOB, 500);
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		for stranger in [BOB, operator_of(BOB), CUSTOMER] {
			assert_noop!(Workers::accept(signed(stranger), 1), Error::<Test>::NotHolder);
		}
	});
}

#[test]
fn a_worker_whose_account_another_worker_claims_as_operator_keeps_its_lease() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(Workers::register(signed(BOB), 500, ALICE));
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		assert_ok!(Workers::accept(signed(ALICE), 1));
	});
}

#[test]
fn the_operator_may_change_in_the_middle_of_a_lease() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_ok!(try_lease(1, ALICE, blob_terms(50)));
		assert_ok!(Workers::set_operator(signed(ALICE), NOBODY));
		let old = signed(operator_of(ALICE));
		assert_noop!(Workers::accept(old, 1), Error::<Test>::NotHolder);
		assert_ok!(Workers::accept(signed(NOBODY), 1));
		assert_eq!(Workers::worker_of(&NOBODY), Some(ALICE));
		assert_eq!(Workers::leased(1).map(|lease| lease.worker), Some(ALICE));
	});
}

#[test]
fn the_leases_of_a_worker_are_listed_up_to_a_limit() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		register_server(BOB, 500);
		lease(1, ALICE, 1);
		lease(2, ALICE, 1);
		lease(3, BOB, 1);
		let mut leases = Workers::leases_of(&ALICE, 10);
		leases.sort_unstable();
		assert_eq!(leases, vec![1, 2]);
		assert_eq!(Workers::leases_of(&ALICE, 1).len(), 1);
		assert_eq!(Workers::leases_of(&CUSTOMER, 10), Vec::<u64>::new());
	});
}
