//! Models whose parameters are private.

use super::world::*;
use crate::*;
use aimodel_primitives::{statement::Scalar, KeyId, RequestId};
use frame_support::{assert_noop, assert_ok, dispatch::DispatchResultWithPostInfo};
use pallet_zk_verifier::simulator::SimulatedKey;
use sp_core::H256;

type KeyError = pallet_zk_verifier::Error<Test>;

const FIRST: Scalar = [5; 32];
const SECOND: Scalar = [6; 32];

fn key() -> SimulatedKey {
	SimulatedKey::new(7, 1)
}

/// A key for every model of the architecture.
fn registered() -> KeyId {
	register_key(&OWNER, None, &key())
}

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

/// An answer whose proof is of these parameters.
fn answer_of(request: RequestId, parameters: Scalar) -> DispatchResultWithPostInfo {
	let mut statement = statement_of(&WORKER, request);
	statement.insert(1, parameters);
	let proof = key().prove(&statement, 1).try_into().unwrap();
	let origin = RuntimeOrigin::signed(operator(&WORKER));
	Aimodel::submit_result(origin, request, scores(), None, Some(proof))
}

fn requested(out_point: OutPoint) -> RequestId {
	let request = request_digit(out_point);
	next_block();
	request
}

#[test]
fn an_answer_settles_if_it_is_of_the_parameters_that_the_version_commits_to() {
	run(|| {
		let (model, out_point) = deploy(private_digits(registered(), FIRST));
		bond(&WORKER);
		serve(&WORKER, VersionId { model, index: 0 });
		let request = requested(out_point);
		assert_noop!(answer_of(request, SECOND), KeyError::ProofRejected);
		assert_noop!(answer(&WORKER, request), KeyError::ProofRejected);
		assert_ok!(answer_of(request, FIRST));
	});
}

#[test]
fn an_upgrade_keeps_the_key_and_open_requests_their_parameters() {
	run(|| {
		let key = registered();
		let (model, out_point) = deploy(private_digits(key, FIRST));
		bond(&WORKER);
		serve(&WORKER, VersionId { model, index: 0 });
		let before = requested(out_point);

		let retrained = Version { artifact: H256([77; 32]), ..private_digits(key, SECOND) };
		assert_ok!(Aimodel::upgrade(owner(), out_point, retrained));
		serve(&WORKER, VersionId { model, index: 1 });
		let after = requested(tip(model));
		assert_noop!(answer_of(before, SECOND), KeyError::ProofRejected);
		assert_noop!(answer_of(after, FIRST), KeyError::ProofRejected);
		assert_ok!(answer_of(before, FIRST));
		assert_ok!(answer_of(after, SECOND));
	});
}

#[test]
fn a_prover_is_told_which_parameters_are_meant() {
	run(|| {
		let (model, _) = deploy(private_digits(registered(), FIRST));
		let key = Aimodel::proof_key(VersionId { model, index: 0 }).unwrap();
		assert_eq!(key.parameters, Some(FIRST));
	});
}

#[test]
fn a_key_of_fixed_parameters_is_for_no_commitment_and_the_reverse() {
	run(|| {
		let fixed = register_key(&OWNER, ARTIFACT, &digits_key());
		for version in [private_digits(fixed, FIRST), digits(registered())] {
			let refused = Aimodel::deploy(owner(), version, flat(), split());
			assert_noop!(refused, Error::<Test>::KeyOfOtherParameters);
		}
		// For private parameters, with a public input too few.
		let narrow = register_key(&OWNER, None, &digits_key());
		let refused = Aimodel::deploy(owner(), private_digits(narrow, FIRST), flat(), split());
		assert_noop!(refused, Error::<Test>::KeyOfAnotherStatement);
	});
}
