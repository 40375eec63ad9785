//! Several answers in one call: paid for all or none.

use super::world::*;
use crate::*;
use frame_support::{
	assert_noop, assert_ok, dispatch::DispatchResultWithPostInfo, pallet_prelude::Pays,
};

fn submit(
	worker: &sp_runtime::AccountId32,
	answers: Vec<Answer<Test>>,
) -> DispatchResultWithPostInfo {
	let origin = RuntimeOrigin::signed(operator(worker));
	Aimodel::submit_results(origin, answers.try_into().unwrap())
}

fn proven(request: RequestId) -> Answer<Test> {
	let proof = Some(proof(&WORKER, request));
	Answer { request, output: scores(), units: None, proof }
}

/// Requests of digits, leased to the worker.
fn leased(count: u32) -> Vec<RequestId> {
	let (_, out_point) = deploy_served_digits();
	let requests = (0..count).map(|_| request_digit(out_point)).collect();
	next_block();
	requests
}

#[test]
fn answers_settle_together_for_the_price_of_each() {
	run(|| {
		let requests = leased(3);
		let before = (free(&CUSTOMER), held(&CUSTOMER));
		assert_eq!(before.1, 3 * PRICE);
		let info = submit(&WORKER, requests.iter().map(|id| proven(*id)).collect()).unwrap();
		assert_eq!(info.pays_fee, Pays::No);
		assert_eq!((free(&CUSTOMER), held(&CUSTOMER)), (before.0, 0));
		let earned: Balance = [PLATFORM, WORKER, OWNER, AUTHOR].iter().map(earned).sum();
		assert_eq!(earned, 3 * PRICE);
		for id in requests {
			assert!(Settlements::<Test>::contains_key(id));
		}
	});
}

#[test]
fn a_batch_weighs_less_than_its_answers() {
	run(|| {
		let requests = leased(2);
		let answers: Vec<_> = requests.iter().map(|id| proven(*id)).collect();
		let most = Aimodel::submit_results_weight(&answers);
		let actual = submit(&WORKER, answers).unwrap().actual_weight.unwrap();
		let single = Aimodel::settle_weight(40, true, false, 0)
			.saturating_add(<ZkVerifier as ProofVerifier<_>>::verify_weight(6));
		assert!(
			actual.all_lt(single.saturating_mul(2)),
			"{actual} is not less than twice {single}"
		);
		assert!(actual.all_lte(most), "{actual} is more than what was charged before, {most}");
	});
}

#[test]
fn one_wrong_answer_settles_none() {
	run(|| {
		let requests = leased(3);
		let good: Vec<_> = requests.iter().map(|id| proven(*id)).collect();
		for at in 0..3 {
			let mut answers = good.clone();
			let Output::Inline(output) = &mut answers[at].output else { unreachable!() };
			output[0] ^= 1;
			let rejected = pallet_zk_verifier::Error::<Test>::ProofRejected;
			assert_noop!(submit(&WORKER, answers), rejected);

			let mut answers = good.clone();
			answers[at].proof = None;
			assert_noop!(submit(&WORKER, answers), Error::<Test>::ProofMissing);

			let mut answers = good.clone();
			answers[at].request = 99;
			assert_noop!(submit(&WORKER, answers), Error::<Test>::UnknownRequest);
		}
		let mut swapped = good.clone();
		(swapped[0].proof, swapped[1].proof) = (good[1].proof.clone(), good[0].proof.clone());
		let rejected = pallet_zk_verifier::Error::<Test>::ProofRejected;
		assert_noop!(submit(&WORKER, swapped), rejected);
		assert_ok!(submit(&WORKER, good));
	});
}

#[test]
fn a_request_is_answered_once_in_a_batch() {
	run(|| {
		let requests = leased(2);
		let twice = vec![proven(requests[0]), proven(requests[1]), proven(requests[0])];
		assert_noop!(submit(&WORKER, twice), Error::<Test>::DuplicateResult);
		assert_noop!(submit(&WORKER, vec![]), Error::<Test>::NoResults);
		assert_ok!(submit(&WORKER, vec![proven(requests[0])]));
		let again = vec![proven(requests[1]), proven(requests[0])];
		assert_noop!(submit(&WORKER, again), Error::<Test>::AlreadySettled);
	});
}

#[test]
fn a_batch_holds_the_leases_of_one_worker() {
	run(|| {
		let requests = leased(1);
		bond(&OTHER_WORKER);
		let answers = vec![proven(requests[0])];
		assert_noop!(submit(&OTHER_WORKER, answers.clone()), Error::<Test>::NotLeaseHolder);
		let stranger = RuntimeOrigin::signed(STRANGER);
		assert_noop!(
			Aimodel::submit_results(stranger, answers.try_into().unwrap()),
			Error::<Test>::NotLeaseHolder
		);
	});
}

#[test]
fn proven_answers_of_several_keys_and_attested_ones_go_together() {
	run(|| {
		let (_, first) = deploy_served_digits();
		let key = register_key(&OWNER, ARTIFACT, &other_key());
		let (model, second) = deploy(digits(key));
		serve(&WORKER, VersionId { model, index: 0 });
		let (model, third) = deploy(attested());
		serve(&WORKER, VersionId { model, index: 0 });
		let ids = [
			request_digit(first),
			request_digit(second),
			request_digit(first),
			request(third, Assurance::Attested, floats(2), ENDOWMENT / 100),
		];
		next_block();
		let mut answers: Vec<_> = ids[..3].iter().map(|id| proven(*id)).collect();
		let proof = other_key().prove(&statement_of(&WORKER, ids[1]), 1).try_into().unwrap();
		let Answer { request, output, units, .. } = answers[1].clone();
		answers[1] = Answer { request, output, units, proof: Some(proof) };
		let output = Output::Inline(vec![0; 4].try_into().unwrap());
		answers.push(Answer { request: ids[3], output, units: None, proof: None });
		assert_ok!(submit(&WORKER, answers));
		assert_eq!(Requests::<Test>::iter().count(), 0);
	});
}

fn other_key() -> pallet_zk_verifier::simulator::SimulatedKey {
	pallet_zk_verifier::simulator::SimulatedKey::new(6, 2)
}
