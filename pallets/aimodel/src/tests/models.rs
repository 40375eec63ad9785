//! Models are outputs: named by what they are, changed by being consumed.

use super::world::*;
use crate::*;
use aimodel_primitives::tensor::{Dimension, TensorType};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::{AccountId32, Permill};

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

fn stranger() -> RuntimeOrigin {
	RuntimeOrigin::signed(STRANGER)
}

#[test]
fn a_deployed_model_is_the_tip_of_its_chain_of_outputs() {
	run(|| {
		let (model, out_point) = deploy(attested());
		let info = Aimodel::model(model).unwrap();
		assert_eq!(info.out_point, out_point);
		assert_eq!(info.owner, OWNER);
		assert_eq!(info.version, VersionId { model, index: 0 });
		assert_eq!(info.record, attested());
		assert!(deposit(&OWNER) > 0);
	});
}

#[test]
fn every_change_consumes_the_output_and_produces_its_successor() {
	run(|| {
		let (model, first) = deploy(attested());
		assert_ok!(Aimodel::reprice(owner(), first, Tariff::flat(5, 0)));
		let second = tip(model);
		assert_ne!(first, second);
		assert_noop!(Aimodel::reprice(owner(), first, flat()), Error::<Test>::OutPointSpent);

		let alone = RevenueSplit { worker: Permill::one(), beneficiaries: Default::default() };
		assert_ok!(Aimodel::resplit(owner(), second, alone));
		let upgraded = Version { lease: 9, ..attested() };
		assert_ok!(Aimodel::upgrade(owner(), tip(model), upgraded.clone()));
		let info = Aimodel::model(model).unwrap();
		assert_eq!((info.version.index, info.record), (1, upgraded));
		let changes: Vec<_> =
			Aimodel::history(model, 0, 9).into_iter().map(|record| record.change).collect();
		assert_eq!(changes, [Change::Repriced, Change::Resplit, Change::Upgraded]);
	});
}

#[test]
fn the_same_content_again_is_another_output() {
	run(|| {
		let (model, first) = deploy(attested());
		assert_ok!(Aimodel::reprice(owner(), first, flat()));
		assert_ne!(tip(model), first);
	});
}

#[test]
fn two_deployments_of_one_transaction_must_differ() {
	run(|| {
		assert_ok!(Aimodel::deploy(owner(), attested(), flat(), split()));
		assert_noop!(
			Aimodel::deploy(owner(), attested(), flat(), split()),
			Error::<Test>::AlreadyDeployed
		);
	});
}

#[test]
fn only_the_owner_changes_a_model() {
	run(|| {
		let (_, out_point) = deploy(attested());
		let refused = Error::<Test>::NotOwner;
		assert_noop!(Aimodel::reprice(stranger(), out_point, flat()), refused);
		let refused = Error::<Test>::NotOwner;
		assert_noop!(Aimodel::retire(stranger(), out_point), refused);
	});
}

#[test]
fn a_transfer_is_offer_and_accept_and_moves_the_deposit() {
	run(|| {
		let (model, out_point) = deploy(attested());
		assert_ok!(Aimodel::transfer(owner(), out_point, Some(STRANGER)));
		assert_noop!(
			Aimodel::accept_transfer(RuntimeOrigin::signed(AUTHOR), tip(model)),
			Error::<Test>::NotOffered
		);
		// Still the owner's until the other accepts, and an accepted offer is what was offered.
		let offered = tip(model);
		assert_ok!(Aimodel::reprice(owner(), offered, flat()));
		assert_noop!(Aimodel::accept_transfer(stranger(), offered), Error::<Test>::OutPointSpent);
		let paid = deposit(&OWNER);
		assert_ok!(Aimodel::accept_transfer(stranger(), tip(model)));
		// And the record of the change.
		let record = Aimodel::record_size() as Balance;
		assert_eq!((deposit(&OWNER), deposit(&STRANGER)), (0, paid + record));
		assert_noop!(Aimodel::reprice(owner(), tip(model), flat()), Error::<Test>::NotOwner);
		assert_ok!(Aimodel::reprice(stranger(), tip(model), flat()));
	});
}

#[test]
fn an_offer_can_be_withdrawn() {
	run(|| {
		let (model, out_point) = deploy(attested());
		assert_ok!(Aimodel::transfer(owner(), out_point, Some(STRANGER)));
		assert_ok!(Aimodel::transfer(owner(), tip(model), None));
		assert_noop!(Aimodel::accept_transfer(stranger(), tip(model)), Error::<Test>::NotOffered);
	});
}

#[test]
fn a_retired_model_without_requests_closes_at_once_and_returns_its_deposit() {
	run(|| {
		let key = register_key(&OWNER, ARTIFACT, &digits_key());
		let (model, out_point) = deploy(digits(key));
		assert_eq!(ZkVerifier::references(&key), 1);
		assert_ok!(Aimodel::retire(owner(), out_point));
		assert_eq!(last_event(), Event::Closed { model });
		assert_eq!(deposit(&OWNER), 0);
		assert_eq!(ZkVerifier::references(&key), 0);
		assert_eq!(Aimodel::model(model), None);
		assert_ok!(ZkVerifier::remove_key(owner(), key));
	});
}

#[test]
fn a_retired_model_takes_no_requests_and_closes_with_its_last_one() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		assert_ok!(Aimodel::retire(owner(), out_point));
		assert!(Aimodel::model(model).unwrap().retired);
		assert_noop!(
			Aimodel::request(
				RuntimeOrigin::signed(CUSTOMER),
				tip(model),
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			),
			Error::<Test>::ModelRetired
		);
		assert_noop!(Aimodel::reprice(owner(), tip(model), flat()), Error::<Test>::ModelRetired);
		assert!(deposit(&OWNER) > 0);
		assert_ok!(answer(&WORKER, request));
		next_block();
		assert_eq!(Aimodel::model(model), None);
		assert_eq!(deposit(&OWNER), 0);
	});
}

#[test]
fn versions_are_bounded() {
	run(|| {
		let (model, _) = deploy(attested());
		for lease in [1, 2] {
			assert_ok!(Aimodel::upgrade(owner(), tip(model), Version { lease, ..attested() }));
		}
		assert_noop!(
			Aimodel::upgrade(owner(), tip(model), attested()),
			Error::<Test>::TooManyVersions
		);
	});
}

#[test]
fn unsound_versions_are_refused_by_what_is_wrong() {
	run(|| {
		let key = register_key(&OWNER, ARTIFACT, &digits_key());
		let foreign = register_key(&STRANGER, ARTIFACT, &digits_key());
		let refuse = |version: Version, error: Error<Test>| {
			assert_noop!(Aimodel::deploy(owner(), version, flat(), split()), error);
		};
		let mut empty = attested();
		empty.interface.input.shape[1] = Dimension::Fixed(0);
		refuse(empty, Error::UnsoundInterface);
		refuse(Version { lease: 0, ..attested() }, Error::LeaseOutOfBounds);
		refuse(Version { lease: 51, ..attested() }, Error::LeaseOutOfBounds);
		refuse(digits(H256::zero()), Error::UnknownKey);
		refuse(digits(foreign), Error::ForeignKey);
		refuse(Version { artifact: H256::zero(), ..digits(key) }, Error::KeyOfAnotherArtifact);
		refuse(
			Version { interface: attested().interface, ..digits(key) },
			Error::InterfaceNotProvable,
		);
		let mut wider = digits(key);
		wider.interface.input =
			TensorType::fixed(wider.interface.input.element, &[1, 640]).unwrap();
		refuse(wider, Error::KeyOfAnotherStatement);
	});
}

#[test]
fn unsound_splits_are_refused() {
	run(|| {
		let (_, out_point) = deploy(attested());
		let half: RevenueSplit<AccountId32> =
			RevenueSplit { worker: Permill::from_percent(50), beneficiaries: Default::default() };
		assert_noop!(
			Aimodel::deploy(owner(), attested(), flat(), half.clone()),
			Error::<Test>::UnsoundSplit
		);
		assert_noop!(Aimodel::resplit(owner(), out_point, half), Error::<Test>::UnsoundSplit);
	});
}

#[test]
fn an_owner_who_can_not_pay_the_deposit_deploys_nothing() {
	run(|| {
		let poor = AccountId32::new([99; 32]);
		let refused =
			Aimodel::deploy(RuntimeOrigin::signed(poor), attested(), flat(), split()).unwrap_err();
		assert!(matches!(refused.error, sp_runtime::DispatchError::Token(_)));
		assert_eq!(Outputs::<Test>::iter().count(), 0);
	});
}
