//! References: what is in use stays.

use super::*;
use crate::Keys;
use aimodel_primitives::traits::ProofVerifier;
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;

#[test]
fn a_referenced_key_can_not_be_removed() {
	TestExt::new().build_and_execute(|| {
		let key = proven(1).key;
		let remove = || ZkVerifier::remove_key(RuntimeOrigin::signed(ALICE), key);
		assert_ok!(ZkVerifier::reference(&key));
		assert_ok!(ZkVerifier::reference(&key));
		assert_eq!(ZkVerifier::references(&key), 2);
		assert_noop!(remove(), Error::KeyInUse);

		ZkVerifier::dereference(&key);
		assert_noop!(remove(), Error::KeyInUse);

		ZkVerifier::dereference(&key);
		assert_ok!(remove());
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn an_unknown_key_can_not_be_referenced() {
	TestExt::new().build_and_execute(|| {
		assert_noop!(ZkVerifier::reference(&H256::zero()), Error::UnknownKey);
		assert_eq!(ZkVerifier::references(&H256::zero()), 0);
	});
}

#[test]
fn references_can_not_overflow() {
	TestExt::new().build_and_execute(|| {
		let key = proven(1).key;
		Keys::<Test>::mutate(key, |record| record.as_mut().unwrap().references = u32::MAX);
		assert_noop!(ZkVerifier::reference(&key), Error::TooManyReferences);
	});
}

/// A caller's mistake: it is logged, and in debug builds it panics.
#[test]
#[cfg(not(debug_assertions))]
fn references_do_not_go_below_zero() {
	TestExt::new().build_and_execute(|| {
		let key = proven(1).key;
		ZkVerifier::dereference(&key);
		ZkVerifier::dereference(&H256::zero());
		assert_eq!(ZkVerifier::references(&key), 0);
	});
}
