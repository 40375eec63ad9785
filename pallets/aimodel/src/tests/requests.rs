//! Requests: what is held, what is frozen, what is refused, how they end without an answer.

use super::world::*;
use crate::*;
use aimodel_primitives::{runtime_api::RequestInfo, traits::KeyOrigin};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{DispatchError, Permill, TokenError};

fn customer() -> RuntimeOrigin {
	RuntimeOrigin::signed(CUSTOMER)
}

#[test]
fn a_request_holds_its_price_and_moves_nothing() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let quote = Aimodel::quote(model, None, 64, None).unwrap();
		assert_eq!((quote.min_price, quote.max_price), (PRICE, PRICE));
		let before = free(&CUSTOMER);
		request(out_point, PROVEN, image(), 10 * PRICE);
		assert_eq!(held(&CUSTOMER), PRICE);
		assert_eq!(free(&CUSTOMER), before - PRICE);
	});
}

#[test]
fn a_worker_is_drawn_in_the_next_block() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		assert_eq!(holder(request), None);
		next_block();
		assert_eq!(holder(request), Some(WORKER));
		let jobs = Aimodel::jobs_for(&WORKER);
		assert_eq!(jobs.len(), 1);
		assert!(jobs[0].proven && jobs[0].obliged && jobs[0].request == request);
	});
}

#[test]
fn the_draw_follows_the_hash_of_the_block_that_holds_the_request() {
	// Whoever signs a request can not know it; over many blocks both workers are drawn.
	let drawn = |parent: u8| {
		new_world().execute_with(|| {
			let (model, out_point) = deploy_served_digits();
			bond(&OTHER_WORKER);
			serve(&OTHER_WORKER, VersionId { model, index: 0 });
			let request = request_digit(out_point);
			System::set_block_number(2);
			System::set_parent_hash(H256::repeat_byte(parent));
			Aimodel::draw_workers();
			holder(request).unwrap()
		})
	};
	assert_eq!(drawn(1), drawn(1));
	let first = (0..32).filter(|parent| drawn(*parent) == WORKER).count();
	assert!((4..=28).contains(&first), "{first} of 32 draws");
}

#[test]
fn later_changes_do_not_touch_an_open_request() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		let dear = Tariff::flat(50 * PRICE, 0);
		assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), out_point, dear));
		let tip = Tips::<Test>::get(model).unwrap();
		let greedy = RevenueSplit { worker: Permill::one(), beneficiaries: Default::default() };
		assert_ok!(Aimodel::resplit(RuntimeOrigin::signed(OWNER), tip, greedy));
		assert_ok!(Aimodel::set_platform_share(RuntimeOrigin::root(), MaxPlatformShare::get()));
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_eq!(earned(&PLATFORM), 300);
		assert_eq!(earned(&AUTHOR), 117);
	});
}

#[test]
fn what_a_request_asks_must_be_possible() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let (_, float) = deploy(attested());
		let refuse = |out_point, assurance, input, fee, deadline, error: Error<Test>| {
			assert_noop!(
				Aimodel::request(
					customer(),
					out_point,
					assurance,
					input,
					fee,
					deadline,
					Default::default()
				),
				error
			);
		};
		let blob = Input::Blob { hash: H256::zero(), length: 64 };
		let strict = Assurance::Proven { weakest_origin: Some(KeyOrigin::Ceremony) };
		refuse(H256::zero(), PROVEN, image(), PRICE, None, Error::OutPointSpent);
		refuse(out_point, PROVEN, image(), PRICE - 1, None, Error::FeeTooLow);
		refuse(out_point, PROVEN, floats(1), PRICE, None, Error::InputLength);
		refuse(out_point, PROVEN, floats(32), PRICE, None, Error::InputLength);
		refuse(out_point, PROVEN, blob, PRICE, None, Error::InputNotInline);
		refuse(out_point, strict, image(), PRICE, None, Error::KeyTooWeak);
		refuse(out_point, PROVEN, image(), PRICE, Some(13), Error::DeadlineTooSoon);
		refuse(out_point, PROVEN, image(), PRICE, Some(202), Error::DeadlineTooLate);
		refuse(float, PROVEN, floats(2), PRICE, None, Error::NotProvable);
		// Nobody serves it.
		refuse(float, Assurance::Attested, floats(2), ENDOWMENT, None, Error::NoCapacity);

		let stale = out_point;
		assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), stale, flat()));
		refuse(stale, PROVEN, image(), PRICE, None, Error::OutPointSpent);
		let tip = Tips::<Test>::get(model).unwrap();
		assert_ok!(Aimodel::request(
			customer(),
			tip,
			PROVEN,
			image(),
			PRICE,
			Some(14),
			Default::default()
		));
	});
}

#[test]
fn a_chain_that_is_not_for_development_refuses_insecure_keys_by_default() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		DefaultWeakestOrigin::<Test>::kill();
		assert_noop!(
			Aimodel::request(
				customer(),
				out_point,
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			),
			Error::<Test>::KeyTooWeak
		);
		let knowing = Assurance::Proven { weakest_origin: Some(KeyOrigin::InsecureDev) };
		assert_ok!(Aimodel::request(
			customer(),
			out_point,
			knowing,
			image(),
			PRICE,
			None,
			Default::default()
		));
	});
}

#[test]
fn a_customer_who_can_not_pay_is_refused() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let poor = RuntimeOrigin::signed(sp_runtime::AccountId32::new([99; 32]));
		assert_noop!(
			Aimodel::request(poor, out_point, PROVEN, image(), PRICE, None, Default::default()),
			DispatchError::Token(TokenError::FundsUnavailable)
		);
	});
}

#[test]
fn capacity_is_slots() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		one_slot(model);
		request_digit(out_point);
		next_block();
		assert_noop!(
			Aimodel::request(
				customer(),
				out_point,
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			),
			Error::<Test>::NoCapacity
		);
	});
}

#[test]
fn capacity_is_free_bond() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		// The bond covers one lapse at this price, not two.
		let price = BOND * 3 / 5;
		let dear = Tariff::flat(price, 0);
		assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), out_point, dear));
		let tip = Tips::<Test>::get(model).unwrap();
		request(tip, PROVEN, image(), price);
		next_block();
		assert_noop!(
			Aimodel::request(customer(), tip, PROVEN, image(), price, None, Default::default()),
			Error::<Test>::NoCapacity
		);
		assert_ok!(answer(&WORKER, 0));
		request(tip, PROVEN, image(), price);
	});
}

#[test]
fn a_block_takes_so_many_requests() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		for _ in 0..16 {
			request_digit(out_point);
		}
		assert_noop!(
			Aimodel::request(
				customer(),
				out_point,
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			),
			Error::<Test>::BlockFull
		);
		next_block();
		assert_eq!(Aimodel::jobs_for(&WORKER).len(), 16);
		request_digit(out_point);
	});
}

#[test]
fn a_request_can_be_cancelled_before_anybody_is_leased() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		assert_noop!(
			Aimodel::cancel(RuntimeOrigin::signed(STRANGER), request),
			Error::<Test>::NotCustomer
		);
		assert_ok!(Aimodel::cancel(customer(), request));
		assert_eq!((free(&CUSTOMER), held(&CUSTOMER)), (ENDOWMENT, 0));
		assert_noop!(Aimodel::cancel(customer(), request), Error::<Test>::UnknownRequest);
		next_block();
		assert_eq!(holder(request), None);
	});
}

#[test]
fn a_live_lease_forbids_to_cancel() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		assert_noop!(Aimodel::cancel(customer(), request), Error::<Test>::LeaseLive);
	});
}

#[test]
fn an_unaccepted_lease_can_be_cancelled_at_no_cost() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let blob = Input::Blob { hash: H256::zero(), length: 8 };
		let request = request(out_point, Assurance::Attested, blob, ENDOWMENT);
		next_block();
		assert_eq!(holder(request), Some(WORKER));
		assert_ok!(Aimodel::cancel(customer(), request));
		assert_eq!((free(&CUSTOMER), bonded(&WORKER)), (ENDOWMENT, BOND));
	});
}

#[test]
fn an_accepted_lease_forbids_to_cancel() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let blob = Input::Blob { hash: H256::zero(), length: 8 };
		let request = request(out_point, Assurance::Attested, blob, ENDOWMENT);
		next_block();
		assert_ok!(Workers::accept(RuntimeOrigin::signed(operator(&WORKER)), request));
		assert_noop!(Aimodel::cancel(customer(), request), Error::<Test>::LeaseLive);
	});
}

#[test]
fn ids_are_never_reused() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let first = request_digit(out_point);
		assert_ok!(Aimodel::cancel(customer(), first));
		assert_eq!(request_digit(out_point), first + 1);
	});
}

#[test]
fn an_open_request_tells_its_lease() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		let Some(RequestInfo::Open { held, deadline, lease, .. }) = Aimodel::request_info(request)
		else {
			panic!("the request is open")
		};
		assert_eq!((held, deadline), (PRICE, 1 + 1 + 2 * 5 + 2));
		assert_eq!(lease.unwrap().collateral, COLLATERAL);
	});
}

/// The worker takes one request of the model at a time.
fn one_slot(model: ModelId) {
	let version = VersionId { model, index: 0 };
	assert_ok!(Workers::serve(RuntimeOrigin::signed(WORKER), version, 0, LEASE.into(), 1));
}

#[test]
fn requests_of_one_block_share_the_capacity() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		one_slot(model);
		request_digit(out_point);
		assert_noop!(
			Aimodel::request(
				customer(),
				out_point,
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			),
			Error::<Test>::NoCapacity
		);
	});
}

#[test]
fn a_request_that_nobody_could_take_is_leased_once_a_worker_is_free() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let (first, second) = (request_digit(out_point), request_digit(out_point));
		// Between request and draw the worker lowers its slots.
		one_slot(model);
		next_block();
		let (leased, stranded) =
			if holder(first).is_some() { (first, second) } else { (second, first) };
		assert_eq!(holder(stranded), None);
		assert!(events().contains(&Event::Unassigned { request: stranded }));
		assert_ok!(answer(&WORKER, leased));
		advance_to(7);
		assert_eq!(holder(stranded), Some(WORKER));
		assert_ok!(answer(&WORKER, stranded));
	});
}

#[test]
fn a_worker_whose_lease_lapsed_is_not_drawn_again() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let late = System::block_number() + 200;
		assert_ok!(Aimodel::request(
			customer(),
			out_point,
			PROVEN,
			image(),
			PRICE,
			Some(late),
			Default::default()
		));
		advance_to(100);
		assert_eq!(holder(0), None);
		assert_eq!(bonded(&WORKER), BOND - COLLATERAL);
		// Somebody new may answer still.
		bond(&OTHER_WORKER);
		let model = Outputs::<Test>::get(out_point).unwrap().model;
		serve(&OTHER_WORKER, VersionId { model, index: 0 });
		advance_to(106);
		assert_eq!(holder(0), Some(OTHER_WORKER));
		assert_ok!(answer(&OTHER_WORKER, 0));
	});
}
