//! Lapses, deadlines, and the work that the chain does by itself.

use super::world::*;
use crate::*;
use frame_support::{
	assert_noop, assert_ok,
	traits::Hooks,
	weights::{Weight, WeightMeter},
};
use sp_core::H256;

/// 10 % of what a request of one digit holds.
const COMPENSATION: Balance = 100;

fn two_workers() -> OutPoint {
	let (model, out_point) = deploy_served_digits();
	bond(&OTHER_WORKER);
	serve(&OTHER_WORKER, VersionId { model, index: 0 });
	out_point
}

fn other(worker: &sp_runtime::AccountId32) -> sp_runtime::AccountId32 {
	if *worker == WORKER {
		OTHER_WORKER
	} else {
		WORKER
	}
}

#[test]
fn without_an_answer_the_customer_has_everything_back() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		let last = deadline(request);
		advance_to(last);
		assert_eq!(held(&CUSTOMER), PRICE);
		next_block();
		assert_eq!(held(&CUSTOMER), 0);
		// Its one worker lost the collateral; of that the customer got no more than its fraction.
		assert_eq!(free(&CUSTOMER), ENDOWMENT + COMPENSATION);
		assert_eq!(bonded(&WORKER), BOND - COLLATERAL);
		assert!(matches!(last_event(), Event::Refunded { reason: Unanswered::Expired, .. }));
	});
}

#[test]
fn a_second_worker_takes_over_and_is_paid() {
	run(|| {
		let out_point = two_workers();
		let request = request_digit(out_point);
		next_block();
		let first = holder(request).unwrap();
		advance_to(2 + u64::from(LEASE));
		assert_eq!(holder(request), Some(first.clone()));
		next_block();
		let second = other(&first);
		assert_eq!(holder(request), Some(second.clone()));
		assert_noop!(answer(&first, request), Error::<Test>::NotLeaseHolder);
		assert_ok!(answer(&second, request));
		assert_eq!((bonded(&first), bonded(&second)), (BOND - COLLATERAL, BOND));
		assert_eq!((earned(&first), earned(&second)), (0, 350));
	});
}

#[test]
fn every_holder_of_a_lapsed_lease_loses_its_own_and_the_customer_gains_once() {
	run(|| {
		let out_point = two_workers();
		let before = issuance();
		let request = request_digit(out_point);
		advance_to(deadline(request) + 1);
		assert_eq!(
			(bonded(&WORKER), bonded(&OTHER_WORKER)),
			(BOND - COLLATERAL, BOND - COLLATERAL)
		);
		assert_eq!(free(&CUSTOMER), ENDOWMENT + COMPENSATION);
		// The rest is burned.
		assert_eq!(issuance(), before - 2 * COLLATERAL + COMPENSATION);
	});
}

#[test]
fn the_lease_ends_with_its_last_block() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		advance_to(2 + u64::from(LEASE));
		// In its last block, by clock and by call, the lease is live.
		assert_noop!(
			Aimodel::advance(RuntimeOrigin::signed(STRANGER), request),
			Error::<Test>::NothingDue
		);
		System::set_block_number(3 + u64::from(LEASE));
		assert_noop!(answer(&WORKER, request), Error::<Test>::LeaseLapsed);
		// The customer may leave now, though the chain had no idle moment yet.
		assert_ok!(Aimodel::cancel(RuntimeOrigin::signed(CUSTOMER), request));
		assert_eq!(free(&CUSTOMER), ENDOWMENT + COMPENSATION);
	});
}

#[test]
fn an_answer_at_the_deadline_counts_and_one_after_it_does_not() {
	run(|| {
		let out_point = two_workers();
		let request = request_digit(out_point);
		let last = deadline(request);
		// The second lease would end after the deadline, had it begun later: it fits exactly.
		advance_to(3 + u64::from(LEASE));
		let second = holder(request).unwrap();
		System::set_block_number(last + 1);
		assert_noop!(answer(&second, request), Error::<Test>::DeadlinePassed);
		assert_noop!(
			Aimodel::advance(RuntimeOrigin::signed(STRANGER), request),
			Error::<Test>::NothingDue
		);
		assert_ok!(Aimodel::expire(RuntimeOrigin::signed(STRANGER), request));
		assert_noop!(
			Aimodel::expire(RuntimeOrigin::signed(STRANGER), request),
			Error::<Test>::UnknownRequest
		);
	});
}

#[test]
fn a_request_can_not_expire_before_its_deadline_has_passed() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		System::set_block_number(deadline(request));
		assert_noop!(
			Aimodel::expire(RuntimeOrigin::signed(CUSTOMER), request),
			Error::<Test>::NotExpired
		);
	});
}

#[test]
fn anybody_can_advance_a_lapsed_lease_when_the_chain_is_never_idle() {
	run(|| {
		let out_point = two_workers();
		let request = request_digit(out_point);
		next_block();
		let first = holder(request).unwrap();
		System::set_block_number(3 + u64::from(LEASE));
		assert_ok!(Aimodel::advance(RuntimeOrigin::signed(STRANGER), request));
		assert_eq!(holder(request), Some(other(&first)));
		assert_ok!(answer(&other(&first), request));
	});
}

#[test]
fn a_blob_that_nobody_can_fetch_costs_no_worker_anything() {
	run(|| {
		let (model, out_point) = deploy_served_attested();
		bond(&OTHER_WORKER);
		serve(&OTHER_WORKER, VersionId { model, index: 0 });
		let blob = Input::Blob { hash: H256::zero(), length: 8 };
		let request = request(out_point, Assurance::Attested, blob, ENDOWMENT);
		advance_to(deadline(request) + 1);
		assert_eq!((bonded(&WORKER), bonded(&OTHER_WORKER)), (BOND, BOND));
		assert_eq!(free(&CUSTOMER), ENDOWMENT);
		let lapses = events()
			.into_iter()
			.filter(|event| matches!(event, Event::Lapsed { obliged: false, compensation: 0, .. }));
		assert_eq!(lapses.count(), 2);
	});
}

#[test]
fn an_accepted_blob_obliges_for_a_whole_lease() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let blob = Input::Blob { hash: H256::zero(), length: 8 };
		let request = request(out_point, Assurance::Attested, blob, ENDOWMENT);
		// Accepted in the last block of the window.
		advance_to(4);
		assert_ok!(Workers::accept(RuntimeOrigin::signed(operator(&WORKER)), request));
		advance_to(4 + u64::from(LEASE));
		assert_ok!(answer_attested(&WORKER, request, words(1), None));
		assert_eq!(bonded(&WORKER), BOND);
	});
}

#[test]
fn an_accepted_blob_that_lapses_is_slashed() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let blob = Input::Blob { hash: H256::zero(), length: 8 };
		let request = request(out_point, Assurance::Attested, blob, ENDOWMENT);
		advance_to(4);
		assert_ok!(Workers::accept(RuntimeOrigin::signed(operator(&WORKER)), request));
		advance_to(5 + u64::from(LEASE));
		assert_eq!(holder(request), None);
		assert!(bonded(&WORKER) < BOND);
	});
}

#[test]
fn due_work_stops_at_its_weight_and_goes_on_in_the_next_block() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		for _ in 0..10 {
			request_digit(out_point);
		}
		let last = deadline(0);
		next_block();
		System::set_block_number(last + 1);
		let each = Aimodel::due_weight();
		// Ten requests wait: room for some, and for the steps between.
		let mut meter = WeightMeter::with_limit(each.saturating_mul(2));
		Aimodel::process_due(last + 1, &mut meter);
		let left = Requests::<Test>::iter().count();
		assert!((1..10).contains(&left), "{left} left");
		assert!(meter.consumed().all_lte(each.saturating_mul(2)));
		System::set_block_number(last + 2);
		Aimodel::on_idle(last + 2, Weight::MAX);
		assert_eq!(Requests::<Test>::iter().count(), 0);
		assert_eq!(held(&CUSTOMER), 0);
	});
}

#[test]
fn no_idle_weight_is_no_harm() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		request_digit(out_point);
		assert_eq!(Aimodel::on_idle(1, Weight::zero()), Weight::zero());
	});
}

#[test]
fn a_failing_item_is_put_off_and_stops_nobody() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let (broken, sound) = (request_digit(out_point), request_digit(out_point));
		next_block();
		let last = deadline(broken);
		// A hold that does not cover the escrow can not be released: a bug elsewhere.
		let honest = Requests::<Test>::get(broken).unwrap().held;
		Requests::<Test>::mutate(broken, |request| request.as_mut().unwrap().held = 10 * ENDOWMENT);
		System::set_block_number(last + 1);
		Aimodel::on_idle(last + 1, Weight::MAX);
		assert!(Requests::<Test>::get(sound).is_none());
		assert!(events().contains(&Event::Deferred { request: broken, until: last + 101 }));
		Requests::<Test>::mutate(broken, |request| request.as_mut().unwrap().held = honest);
		System::set_block_number(last + 101);
		Aimodel::on_idle(last + 101, Weight::MAX);
		assert_eq!(held(&CUSTOMER), 0);
	});
}
