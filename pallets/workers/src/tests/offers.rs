//! Who serves what.

use crate::{
	mock::{Workers, *},
	*,
};
use aimodel_primitives::{
	traits::{LeaseTerms, WorkerPool},
	Balance,
};
use frame_support::{assert_noop, assert_ok};

#[test]
fn serving_puts_the_worker_among_the_servers() {
	TestExt::execute_with(|| {
		register(ALICE, 500);
		assert_ok!(Workers::serve(signed(ALICE), version(0), 10, 20, 3));
		assert_eq!(servers(0), vec![ALICE]);
		let offer = Service { least_pay: 10, lease: 20, slots: 3, busy: 0 };
		assert_eq!(service(ALICE, 0), Some(offer));
		let (worker, version) = (ALICE, version(0));
		System::assert_last_event(
			Event::ServiceOffered { worker, version, least_pay: 10, lease: 20, slots: 3 }.into(),
		);
	});
}

#[test]
fn an_offer_without_slots_or_with_too_many_is_refused() {
	TestExt::execute_with(|| {
		register(ALICE, 500);
		for slots in [0, 5] {
			let offer = Workers::serve(signed(ALICE), version(0), 10, 20, slots);
			assert_noop!(offer, Error::<Test>::InvalidSlots);
		}
	});
}

#[test]
fn a_worker_slashed_below_the_smallest_bond_serves_again_once_topped_up() {
	TestExt::execute_with(|| {
		register_server(ALICE, MIN_BOND);
		lease(1, ALICE, 40);
		assert_ok!(Workers::slash(1, &CUSTOMER, 10));
		assert_eq!(Workers::capacity(&terms(1)), 0);
		let granted = Workers::lease(2, &ALICE, &terms(1));
		assert_noop!(granted, Error::<Test>::BondTooSmall);
		let offer = Workers::serve(signed(ALICE), version(1), 10, 20, 1);
		assert_noop!(offer, Error::<Test>::BondTooSmall);

		// Its offer stands: the bond is all that is missing.
		assert_ok!(Workers::bond_more(signed(ALICE), 40));
		assert!(Workers::capacity(&terms(1)) > 0);
		serve(ALICE, 1);
	});
}

#[test]
fn a_worker_serves_a_bounded_number_of_versions() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		serve(ALICE, 1);
		let third = Workers::serve(signed(ALICE), version(2), 10, 20, 2);
		assert_noop!(third, Error::<Test>::TooManyServices);
		// An offer that replaces another is none more.
		serve(ALICE, 1);
		assert_ok!(Workers::unserve(signed(ALICE), version(1)));
		serve(ALICE, 2);
	});
}

#[test]
fn a_withdrawn_offer_counts_until_its_last_lease_ends() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		serve(ALICE, 1);
		lease(1, ALICE, 10);
		assert_ok!(Workers::unserve(signed(ALICE), version(0)));
		let third = Workers::serve(signed(ALICE), version(2), 10, 20, 2);
		assert_noop!(third, Error::<Test>::TooManyServices);
		Workers::release(1);
		assert_eq!(service(ALICE, 0), None);
		serve(ALICE, 2);
	});
}

#[test]
fn withdrawing_an_offer_ends_new_leases_and_no_live_one() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 50);
		assert_ok!(Workers::unserve(signed(ALICE), version(0)));
		let event = Event::ServiceWithdrawn { worker: ALICE, version: version(0) };
		System::assert_last_event(event.into());
		assert_eq!(servers(0), Vec::<AccountId>::new());
		assert_eq!(Workers::capacity(&terms(1)), 0);
		let granted = Workers::lease(2, &ALICE, &terms(1));
		assert_noop!(granted, Error::<Test>::NotServing);

		assert_eq!(Workers::leased(1).map(|lease| lease.collateral), Some(50));
		assert_eq!(service(ALICE, 0).map(|service| (service.slots, service.busy)), Some((0, 1)));
		Workers::release(1);
		assert_eq!(worker(ALICE).reserved, 0);
	});
}

#[test]
fn an_offer_that_is_not_made_can_not_be_withdrawn() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		assert_noop!(Workers::unserve(signed(ALICE), version(1)), Error::<Test>::NotServing);
		// Nor withdrawn twice, while a lease keeps its record.
		lease(1, ALICE, 50);
		assert_ok!(Workers::unserve(signed(ALICE), version(0)));
		assert_noop!(Workers::unserve(signed(ALICE), version(0)), Error::<Test>::NotServing);
	});
}

#[test]
fn serving_again_after_withdrawal_still_counts_the_old_leases() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 50);
		assert_ok!(Workers::unserve(signed(ALICE), version(0)));
		assert_ok!(Workers::serve(signed(ALICE), version(0), 10, 20, 1));
		assert_eq!(servers(0), vec![ALICE]);
		let granted = Workers::lease(2, &ALICE, &terms(1));
		assert_noop!(granted, Error::<Test>::NoFreeSlot);
		Workers::release(1);
		lease(2, ALICE, 1);
	});
}

#[test]
fn a_worse_offer_does_not_touch_live_leases() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		lease(1, ALICE, 50);
		lease(2, ALICE, 60);
		let before = (Workers::leased(1), Workers::leased(2));
		// More pay, more time, fewer slots than are busy.
		assert_ok!(Workers::serve(signed(ALICE), version(0), 1_000, 999, 1));
		assert_eq!((Workers::leased(1), Workers::leased(2)), before);
		assert_eq!(service(ALICE, 0).map(|service| service.busy), Some(2));

		Workers::release(1);
		let generous = LeaseTerms { pay: 1_000, length: 999, ..terms(1) };
		let granted = Workers::lease(3, &ALICE, &generous);
		assert_noop!(granted, Error::<Test>::NoFreeSlot);
		Workers::release(2);
		assert_ok!(Workers::lease(3, &ALICE, &generous));
	});
}

#[test]
fn a_larger_bond_displaces_the_idle_squatter_with_the_smallest() {
	TestExt::execute_with(|| {
		register_server(ALICE, 300);
		register_server(BOB, 200);
		register_server(CHARLIE, 250);
		register(DAVE, 201);
		serve(DAVE, 0);
		let event = Event::Displaced { version: version(0), worker: BOB, by: DAVE };
		System::assert_has_event(event.into());
		assert_eq!(servers(0), vec![ALICE, CHARLIE, DAVE]);
		assert_eq!((service(BOB, 0), worker(BOB).services), (None, 0));
		// Who was displaced can come back with more.
		assert_ok!(Workers::bond_more(signed(BOB), 2));
		serve(BOB, 0);
		assert_eq!(servers(0), vec![ALICE, CHARLIE, BOB]);
	});
}

#[test]
fn no_version_has_more_servers_than_is_told() {
	TestExt::execute_with(|| {
		for who in [ALICE, BOB, CHARLIE, DAVE] {
			register_server(who, 100 * Balance::from(who));
		}
		assert_eq!(servers(0).len() as u32, Workers::max_servers());
	});
}

#[test]
fn an_equal_bond_displaces_nobody() {
	TestExt::execute_with(|| {
		for who in [ALICE, BOB, CHARLIE, DAVE] {
			register(who, 200);
		}
		for who in [ALICE, BOB, CHARLIE] {
			serve(who, 0);
		}
		let offer = Workers::serve(signed(DAVE), version(0), 10, 20, 2);
		assert_noop!(offer, Error::<Test>::TooManyServers);
	});
}

#[test]
fn a_busy_server_is_not_displaced() {
	TestExt::execute_with(|| {
		register_server(ALICE, 200);
		register_server(BOB, 300);
		register_server(CHARLIE, 400);
		register(DAVE, 350);
		lease(1, ALICE, 1);
		// Alice works; Bob is the least of the idle.
		serve(DAVE, 0);
		assert_eq!(servers(0), vec![ALICE, CHARLIE, DAVE]);

		// All idle ones have more.
		let offer = Workers::serve(signed(BOB), version(0), 10, 20, 2);
		assert_noop!(offer, Error::<Test>::TooManyServers);
	});
}
