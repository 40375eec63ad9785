//! Registering, removing and attesting keys.

use super::*;
use crate::{Event, Keys, Points};
use aimodel_primitives::traits::{KeyInfo, KeyOrigin, ProofVerifier};
use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect, BoundedVec};
use sp_core::H256;
use sp_runtime::{traits::BadOrigin, TokenError};

fn points(public_inputs: u32) -> Vec<u8> {
	SimulatedKey::new(public_inputs, SEED).points()
}

fn remove(who: AccountId, key: KeyId) -> sp_runtime::DispatchResult {
	ZkVerifier::remove_key(RuntimeOrigin::signed(who), key)
}

fn attest(key: KeyId, ceremony: H256) -> sp_runtime::DispatchResult {
	ZkVerifier::attest_key(RuntimeOrigin::root(), key, ceremony)
}

const CEREMONY: H256 = H256::repeat_byte(0xce);

#[test]
fn a_registered_key_is_known_and_insecure() {
	TestExt::new().build_and_execute(|| {
		let points = points(5);
		let key = registered(ALICE, &points);

		let info = KeyInfo {
			registrant: ALICE,
			artifact: ARTIFACT,
			circuit_digest: DIGEST,
			statement_version: 1,
			origin: KeyOrigin::InsecureDev,
			public_inputs: 5,
		};
		assert_eq!(ZkVerifier::key(&key), Some(info));
		assert_eq!(ZkVerifier::references(&key), 0);
		assert_eq!(Points::<Test>::get(key).unwrap().points.into_inner(), points);
		System::assert_last_event(
			Event::KeyRegistered { key, registrant: ALICE, artifact: ARTIFACT, public_inputs: 5 }
				.into(),
		);
	});
}

#[test]
fn the_name_of_a_key_is_the_documented_hash() {
	let mut message = b"aimodel/key".to_vec();
	message.extend(ALICE.to_le_bytes());
	let owner = message.clone();
	let of_circuit = [&[0xdd; 32][..], &[1, 0], &points(1)].concat();
	message.push(1);
	message.extend([0xaa; 32]);
	message.extend(&of_circuit);
	assert_eq!(name(ALICE, &points(1)), sp_io::hashing::blake2_256(&message).into());
	let architecture = [owner, vec![0], of_circuit].concat();
	assert_eq!(
		crate::key_id(&ALICE, &None, &DIGEST, 1, &points(1)),
		sp_io::hashing::blake2_256(&architecture).into()
	);
}

#[test]
fn the_deposit_is_taken_and_returned_exactly() {
	TestExt::new().build_and_execute(|| {
		let (small, large) = (registered(ALICE, &points(1)), registered(ALICE, &points(16)));
		assert_eq!(held(ALICE), deposit(1) + deposit(16));
		// Fifteen more points in G1, each byte at a price of ten.
		assert_eq!(deposit(16) - deposit(1), 15 * 96 * 10);
		assert_eq!(Balances::total_balance(&ALICE), ENDOWMENT);

		assert_ok!(remove(ALICE, small));
		assert_eq!(held(ALICE), deposit(16));
		assert_ok!(remove(ALICE, large));
		assert_eq!(held(ALICE), 0);
		assert_eq!(Balances::balance(&ALICE), ENDOWMENT);
	});
}

#[test]
fn who_can_not_pay_the_deposit_can_not_register() {
	TestExt::new().build_and_execute(|| {
		assert_noop!(register(PAUPER, &points(1)), TokenError::FundsUnavailable);
	});
}

#[test]
fn a_key_can_not_be_registered_twice() {
	TestExt::new().build_and_execute(|| {
		registered(ALICE, &points(2));
		assert_noop!(register(ALICE, &points(2)), Error::KeyAlreadyRegistered);
	});
}

#[test]
fn two_accounts_can_register_the_same_points() {
	TestExt::new().build_and_execute(|| {
		let alices = registered(ALICE, &points(2));
		let bobs = registered(BOB, &points(2));
		assert_ne!(alices, bobs);

		// One is removed, the other stays.
		assert_ok!(remove(ALICE, alices));
		assert_eq!(ZkVerifier::key(&bobs).unwrap().registrant, BOB);
	});
}

#[test]
fn one_account_can_register_the_same_points_for_another_artifact_or_none() {
	TestExt::new().build_and_execute(|| {
		registered(ALICE, &points(1));
		let points = BoundedVec::try_from(points(1)).unwrap();
		for other in [Some(H256::repeat_byte(0xbb)), None] {
			let alice = RuntimeOrigin::signed(ALICE);
			assert_ok!(ZkVerifier::register_key(alice, other, DIGEST, 1, points.clone()));
		}
		assert_eq!(Keys::<Test>::iter().count(), 3);
	});
}

#[test]
fn registering_and_removing_want_a_signature() {
	TestExt::new().build_and_execute(|| {
		let key = registered(ALICE, &points(1));
		let points = BoundedVec::try_from(points(1)).unwrap();
		assert_noop!(
			ZkVerifier::register_key(RuntimeOrigin::root(), ARTIFACT, DIGEST, 1, points),
			BadOrigin
		);
		assert_noop!(ZkVerifier::remove_key(RuntimeOrigin::none(), key), BadOrigin);
	});
}

#[test]
fn only_the_version_of_the_statement_that_the_chain_builds_is_accepted() {
	TestExt::new().build_and_execute(|| {
		for version in [0, 2, u16::MAX] {
			let points = BoundedVec::try_from(points(1)).unwrap();
			assert_noop!(
				ZkVerifier::register_key(
					RuntimeOrigin::signed(ALICE),
					ARTIFACT,
					DIGEST,
					version,
					points
				),
				Error::UnsupportedStatementVersion
			);
		}
	});
}

#[test]
fn a_removed_key_is_gone_and_can_come_back_without_its_attestation() {
	TestExt::new().build_and_execute(|| {
		let key = registered(ALICE, &points(1));
		assert_ok!(attest(key, CEREMONY));
		assert_ok!(remove(ALICE, key));
		System::assert_last_event(Event::KeyRemoved { key }.into());
		assert_eq!(ZkVerifier::key(&key), None);
		assert_eq!(Points::<Test>::get(key), None);
		assert_noop!(remove(ALICE, key), Error::UnknownKey);

		assert_eq!(registered(ALICE, &points(1)), key);
		assert_eq!(ZkVerifier::key(&key).unwrap().origin, KeyOrigin::InsecureDev);
	});
}

#[test]
fn only_the_registrant_can_remove_a_key() {
	TestExt::new().build_and_execute(|| {
		let key = registered(ALICE, &points(1));
		assert_noop!(remove(BOB, key), Error::NotRegistrant);
	});
}

#[test]
fn an_attested_key_comes_from_a_ceremony() {
	TestExt::new().build_and_execute(|| {
		let key = registered(ALICE, &points(1));
		assert_ok!(attest(key, CEREMONY));
		assert_eq!(ZkVerifier::key(&key).unwrap().origin, KeyOrigin::Ceremony);
		assert_eq!(Keys::<Test>::get(key).unwrap().ceremony, Some(CEREMONY));
		System::assert_last_event(Event::KeyAttested { key, ceremony: CEREMONY }.into());
	});
}

#[test]
fn only_the_trusted_origin_can_attest_and_only_once() {
	TestExt::new().build_and_execute(|| {
		let key = registered(ALICE, &points(1));
		assert_noop!(
			ZkVerifier::attest_key(RuntimeOrigin::signed(ALICE), key, CEREMONY),
			BadOrigin
		);
		assert_noop!(attest(H256::zero(), CEREMONY), Error::UnknownKey);
		assert_ok!(attest(key, CEREMONY));
		assert_noop!(attest(key, H256::zero()), Error::KeyAlreadyAttested);
	});
}

#[test]
fn a_key_of_no_key_s_length_is_malformed() {
	TestExt::new().build_and_execute(|| {
		let points = points(2);
		let mut lengths = vec![0, 1, 96, 671, 672, 673];
		// Without a public input; between whole points; a byte short, a byte long.
		lengths.extend([768, 768 + 48, 768 + 95, 768 + 97, points.len() - 1]);
		for length in lengths {
			assert_noop!(register(ALICE, &points[..length]), Error::MalformedKey);
		}
		assert_noop!(register(ALICE, &[&points[..], &[0]].concat()), Error::MalformedKey);
	});
}

#[test]
fn a_key_may_have_as_many_public_inputs_as_the_chain_admits_and_no_more() {
	TestExt::new().build_and_execute(|| {
		registered(ALICE, &points(MAX_PUBLIC_INPUTS));
		assert_noop!(register(ALICE, &points(MAX_PUBLIC_INPUTS + 1)), Error::TooManyPublicInputs);
	});
}

#[test]
fn weights_grow_with_the_public_inputs() {
	use crate::WeightInfo;
	let verify = ZkVerifier::verify_weight;
	assert!(verify(2).all_gte(verify(1)) && verify(2) != verify(1));
	assert!(<()>::register_key(2).ref_time() > <()>::register_key(1).ref_time());
}
