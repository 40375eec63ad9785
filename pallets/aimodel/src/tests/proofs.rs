//! Money moves only when the proof shows that this worker gave this answer to this request.

use super::world::*;
use crate::*;
use frame_support::{assert_noop, assert_ok};

type KeyError = pallet_zk_verifier::Error<Test>;

/// A request of a digit, leased to the worker.
fn leased() -> RequestId {
	let (_, out_point) = deploy_served_digits();
	let request = request_digit(out_point);
	next_block();
	request
}

fn submit(
	request: RequestId,
	output: Output<sp_core::ConstU32<256>>,
	proof: Option<ProofBytes>,
) -> frame_support::dispatch::DispatchResultWithPostInfo {
	Aimodel::submit_result(RuntimeOrigin::signed(operator(&WORKER)), request, output, None, proof)
}

#[test]
fn a_flipped_output_byte_is_refused() {
	run(|| {
		let request = leased();
		for at in 0..40 {
			let Output::Inline(mut output) = scores() else { unreachable!() };
			output[at] ^= 1;
			let proof = Some(proof(&WORKER, request));
			assert_noop!(submit(request, Output::Inline(output), proof), KeyError::ProofRejected);
		}
		assert_ok!(submit(request, scores(), Some(proof(&WORKER, request))));
	});
}

#[test]
fn a_flipped_proof_byte_is_refused() {
	run(|| {
		let request = leased();
		for at in (0..384).step_by(7) {
			let mut proof = proof(&WORKER, request);
			proof[at] ^= 1;
			assert!(submit(request, scores(), Some(proof)).is_err(), "byte {at}");
		}
	});
}

#[test]
fn a_proof_for_another_request_is_refused() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let (first, second) = (request_digit(out_point), request_digit(out_point));
		next_block();
		let replayed = proof(&WORKER, first);
		assert_ok!(submit(first, scores(), Some(replayed.clone())));
		assert_noop!(submit(second, scores(), Some(replayed)), KeyError::ProofRejected);
	});
}

#[test]
fn a_proof_by_another_worker_is_refused() {
	run(|| {
		let request = leased();
		let copied = proof(&OTHER_WORKER, request);
		assert_noop!(submit(request, scores(), Some(copied)), KeyError::ProofRejected);
	});
}

#[test]
fn a_proof_is_demanded_of_its_full_length() {
	run(|| {
		let request = leased();
		assert_noop!(submit(request, scores(), None), Error::<Test>::ProofMissing);
		let mut short = proof(&WORKER, request);
		short.pop();
		assert_noop!(submit(request, scores(), Some(short)), KeyError::MalformedProof);
	});
}

#[test]
fn a_proven_answer_is_inline() {
	run(|| {
		let request = leased();
		let blob = Output::Blob { hash: scores().hash(), length: 40 };
		assert_noop!(
			submit(request, blob, Some(proof(&WORKER, request))),
			Error::<Test>::OutputNotInline
		);
	});
}

#[test]
fn a_rerandomised_proof_pays_no_second_time() {
	run(|| {
		let request = leased();
		assert_ok!(submit(request, scores(), Some(proof(&WORKER, request))));
		let again = digits_key().prove(&statement_of(&WORKER, request), 2).try_into().unwrap();
		assert_noop!(submit(request, scores(), Some(again)), Error::<Test>::AlreadySettled);
	});
}

#[test]
fn a_key_stays_while_a_request_needs_it() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let key = Aimodel::model(model).unwrap().record.circuit.unwrap().key;
		request_digit(out_point);
		assert_eq!(ZkVerifier::references(&key), 2);
		assert_noop!(ZkVerifier::remove_key(RuntimeOrigin::signed(OWNER), key), KeyError::KeyInUse);
	});
}
