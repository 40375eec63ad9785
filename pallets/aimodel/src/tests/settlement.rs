//! Settlement: parts sum to the whole, the rest goes back, nothing is paid twice.

use super::world::*;
use crate::*;
use aimodel_primitives::runtime_api::RequestInfo;
use frame_support::{assert_noop, assert_ok, dispatch::Pays, traits::fungible::Mutate};
use sp_core::H256;
use sp_runtime::AccountId32;

#[test]
fn a_settled_price_is_divided_to_the_last_unit() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let issuance_before = issuance();
		let request = request(out_point, PROVEN, image(), ENDOWMENT / 2);
		next_block();
		let post = answer(&WORKER, request).unwrap();
		assert_eq!(post.pays_fee, Pays::No);

		// 1001: 300 to the platform; of 701, half and two odd shares, the units left over to the
		// largest remainders.
		let parts = [&PLATFORM, &WORKER, &OWNER, &AUTHOR].map(earned);
		assert_eq!(parts, [300, 350, 234, 117]);
		assert_eq!(parts.iter().sum::<Balance>(), PRICE);
		assert_eq!((free(&CUSTOMER), held(&CUSTOMER)), (ENDOWMENT - PRICE, 0));
		assert_eq!(Aimodel::pot_balance(), PRICE);
		assert_eq!(issuance(), issuance_before);
		assert_eq!(bonded(&WORKER), BOND);
		assert_eq!(holder(request), None);
	});
}

#[test]
fn the_event_tells_who_got_what() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		assert_ok!(answer(&WORKER, request));
		let Event::Settled { price, refund, payout, worker, assurance, units, .. } = last_event()
		else {
			panic!("the request was settled")
		};
		assert_eq!((price, refund, units, worker), (PRICE, 0, 2, WORKER));
		assert!(matches!(assurance, Assurance::Proven { .. }));
		let beneficiaries: Balance = payout.beneficiaries.iter().map(|(_, part)| part).sum();
		assert_eq!(payout.platform + payout.worker + beneficiaries, price);
	});
}

#[test]
fn earnings_are_withdrawn_whole_and_once() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		assert_ok!(answer(&WORKER, request));
		let before = free(&AUTHOR);
		assert_ok!(Aimodel::withdraw(RuntimeOrigin::signed(AUTHOR)));
		assert_eq!(free(&AUTHOR), before + 117);
		assert_noop!(
			Aimodel::withdraw(RuntimeOrigin::signed(AUTHOR)),
			Error::<Test>::NothingToWithdraw
		);
	});
}

#[test]
fn a_payee_below_the_existential_deposit_blocks_nobody() {
	run(|| {
		let fresh = AccountId32::new([77; 32]);
		Earnings::<Test>::insert(&fresh, 9);
		assert_ok!(Balances::mint_into(&Aimodel::pot(), 9));
		assert!(Aimodel::withdraw(RuntimeOrigin::signed(fresh.clone())).is_err());
		Earnings::<Test>::insert(&fresh, 10);
		assert_ok!(Balances::mint_into(&Aimodel::pot(), 1));
		assert_ok!(frame_support::storage::with_storage_layer(|| Aimodel::withdraw(
			RuntimeOrigin::signed(fresh.clone())
		)));
		assert_eq!(free(&fresh), 10);
	});
}

#[test]
fn metered_units_are_billed_up_to_the_fee_and_the_rest_is_released() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		// Two rows of two features: 1 + 4 + 10 · (2..=6) units.
		let quote = Aimodel::quote(out_point_model(out_point), None, 16, None).unwrap();
		assert_eq!((quote.min_units, quote.max_units), (25, 65));
		let request = request(out_point, Assurance::Attested, floats(4), 10 * PRICE);
		assert_eq!(held(&CUSTOMER), PRICE - 2 + 65);
		next_block();
		assert_ok!(answer_attested(&WORKER, request, words(4), None));
		let Event::Settled { price, refund, units, assurance, .. } = last_event() else {
			panic!("the request was settled")
		};
		assert_eq!((units, price, refund), (45, PRICE - 2 + 45, 20));
		assert_eq!(assurance, Assurance::Attested);
		assert_eq!(held(&CUSTOMER), 0);
	});
}

#[test]
fn a_bill_never_exceeds_the_agreed_fee() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let agreed = PRICE - 2 + 30;
		let request = request(out_point, Assurance::Attested, floats(4), agreed);
		assert_eq!(held(&CUSTOMER), agreed);
		next_block();
		assert_ok!(answer_attested(&WORKER, request, words(6), None));
		assert_eq!(free(&CUSTOMER), ENDOWMENT - agreed);
	});
}

#[test]
fn a_worker_may_report_fewer_units_and_never_more() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let request = request(out_point, Assurance::Attested, floats(4), 10 * PRICE);
		next_block();
		assert_noop!(
			answer_attested(&WORKER, request, words(4), Some(46)),
			Error::<Test>::TooManyUnits
		);
		assert_ok!(answer_attested(&WORKER, request, words(4), Some(3)));
		assert_eq!(free(&CUSTOMER), ENDOWMENT - (PRICE - 2 + 3));
	});
}

#[test]
fn an_attested_answer_may_be_a_blob() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let request = request(out_point, Assurance::Attested, floats(4), 10 * PRICE);
		next_block();
		let blob = Output::Blob { hash: H256([5; 32]), length: 16 };
		assert_ok!(answer_attested(&WORKER, request, blob, None));
		let Some(RequestInfo::Settled { output, output_hash, .. }) = Aimodel::request_info(request)
		else {
			panic!("the request was settled")
		};
		assert_eq!((output, output_hash), (None, H256([5; 32])));
	});
}

#[test]
fn answers_of_the_wrong_kind_are_refused() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let request = request(out_point, Assurance::Attested, floats(4), 10 * PRICE);
		next_block();
		for output in [words(0), words(1), words(3), words(7)] {
			assert_noop!(
				answer_attested(&WORKER, request, output, None),
				Error::<Test>::OutputLength
			);
		}
		let proof = ProofBytes::try_from(vec![0; 384]).unwrap();
		let origin = RuntimeOrigin::signed(operator(&WORKER));
		assert_noop!(
			Aimodel::submit_result(origin, request, words(4), None, Some(proof)),
			Error::<Test>::ProofUnexpected
		);
	});
}

#[test]
fn only_the_lease_holder_answers() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		assert_noop!(answer(&WORKER, request), Error::<Test>::NotLeased);
		next_block();
		// Bonded and serving, but without the lease; and the bonded account is not its operator.
		bond(&OTHER_WORKER);
		serve(&OTHER_WORKER, VersionId { model, index: 0 });
		assert_noop!(answer(&OTHER_WORKER, request), Error::<Test>::NotLeaseHolder);
		for signer in [WORKER, STRANGER, CUSTOMER] {
			let origin = RuntimeOrigin::signed(signer);
			let proof = Some(proof(&WORKER, request));
			assert_noop!(
				Aimodel::submit_result(origin, request, scores(), None, proof),
				Error::<Test>::NotLeaseHolder
			);
		}
		assert_ok!(answer(&WORKER, request));
	});
}

#[test]
fn a_second_result_is_refused() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_noop!(answer(&WORKER, request), Error::<Test>::AlreadySettled);
		assert_noop!(answer(&WORKER, request + 1), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn a_lease_must_be_accepted_before_it_is_answered() {
	run(|| {
		let (_, out_point) = deploy_served_attested();
		let blob = Input::Blob { hash: H256::zero(), length: 8 };
		let request = request(out_point, Assurance::Attested, blob, ENDOWMENT);
		next_block();
		assert_noop!(
			answer_attested(&WORKER, request, words(1), None),
			Error::<Test>::LeaseNotAccepted
		);
		assert_ok!(Workers::accept(RuntimeOrigin::signed(operator(&WORKER)), request));
		assert_ok!(answer_attested(&WORKER, request, words(1), None));
	});
}

#[test]
fn settlements_are_pruned_after_their_retention() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		assert_ok!(answer(&WORKER, request));
		let settled = System::block_number();
		advance_to(settled + 19);
		assert!(Aimodel::request_info(request).is_some());
		next_block();
		assert_eq!(Aimodel::request_info(request), None);
		assert!(matches!(last_event(), Event::Pruned { request: 0, .. }));
		assert_noop!(answer(&WORKER, request), Error::<Test>::UnknownRequest);
	});
}

#[test]
fn a_free_model_settles_without_money() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let nothing = Tariff::flat(0, 0);
		assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), out_point, nothing));
		let tip = Outputs::<Test>::iter_keys().next().unwrap();
		let request = request(tip, PROVEN, image(), 0);
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_eq!(free(&CUSTOMER), ENDOWMENT);
	});
}

#[test]
fn only_governance_sets_the_platform_share() {
	run(|| {
		let share = sp_runtime::Permill::from_percent(1);
		assert_noop!(
			Aimodel::set_platform_share(RuntimeOrigin::signed(OWNER), share),
			sp_runtime::DispatchError::BadOrigin
		);
	});
}

fn out_point_model(out_point: OutPoint) -> ModelId {
	Outputs::<Test>::get(out_point).unwrap().model
}
