//! Versions: which of those that are kept answers a request.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	models::Alias, pricing::QuoteError, tensor::Dimension, traits::KeyOrigin, KeyId,
};
use codec::MaxEncodedLen;
use frame_support::{assert_noop, assert_ok};
use pallet_zk_verifier::simulator::SimulatedKey;
use sp_core::H256;
use sp_runtime::Permill;

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

/// A digits model with two equal versions, of which the second answers; both are served.
fn two_versions() -> (ModelId, OutPoint) {
	let (model, out_point) = deploy_served_digits();
	let record = Versions::<Test>::get(model, 0).unwrap();
	assert_ok!(Aimodel::upgrade(owner(), out_point, record));
	serve(&WORKER, VersionId { model, index: 1 });
	(model, tip(model))
}

/// The version that was frozen in a request.
fn version_of(request: RequestId) -> u32 {
	Requests::<Test>::get(request).unwrap().version.index
}

#[test]
fn a_rollback_points_new_requests_to_a_kept_version_and_open_ones_keep_theirs() {
	run(|| {
		let (model, out_point) = two_versions();
		let before = request_digit(out_point);
		assert_ok!(Aimodel::rollback(owner(), out_point, 0));
		assert!(matches!(
			last_event(),
			Event::Changed { change: Change::RolledBack { version: 0 }, .. }
		));
		let after = request_digit(tip(model));
		assert_eq!((version_of(before), version_of(after)), (1, 0));
		next_block();
		assert_ok!(answer(&WORKER, before));
		assert_ok!(answer(&WORKER, after));
		assert_eq!(Settlements::<Test>::get(before).unwrap().version.index, 1);
	});
}

#[test]
fn a_rolled_back_output_is_spent() {
	run(|| {
		let (model, out_point) = two_versions();
		assert_ok!(Aimodel::rollback(owner(), out_point, 0));
		let refused = Error::<Test>::OutPointSpent;
		assert_noop!(Aimodel::rollback(owner(), out_point, 1), refused);
		let customer = RuntimeOrigin::signed(CUSTOMER);
		assert_noop!(
			Aimodel::request(customer, out_point, PROVEN, image(), PRICE, None, Default::default()),
			Error::<Test>::OutPointSpent
		);
		// Forward again is another output than before.
		assert_ok!(Aimodel::rollback(owner(), tip(model), 1));
		assert_ne!(tip(model), out_point);
	});
}

#[test]
fn rollbacks_to_what_is_not_kept_or_answers_already_are_refused() {
	run(|| {
		let (_, out_point) = two_versions();
		assert_noop!(Aimodel::rollback(owner(), out_point, 2), Error::<Test>::UnknownVersion);
		assert_noop!(Aimodel::rollback(owner(), out_point, 1), Error::<Test>::SameVersion);
		let stranger = RuntimeOrigin::signed(STRANGER);
		assert_noop!(Aimodel::rollback(stranger, out_point, 0), Error::<Test>::NotOwner);
	});
}

#[test]
fn a_version_after_a_rollback_has_an_index_of_its_own() {
	run(|| {
		let (model, out_point) = two_versions();
		assert_ok!(Aimodel::rollback(owner(), out_point, 0));
		assert_ok!(Aimodel::upgrade(owner(), tip(model), attested()));
		let info = Aimodel::model(model).unwrap();
		assert_eq!((info.version.index, info.versions), (2, 3));
	});
}

#[test]
fn a_rollback_needs_no_worker_but_its_requests_do() {
	run(|| {
		let (model, out_point) = deploy(attested());
		assert_ok!(Aimodel::upgrade(owner(), out_point, Version { lease: 9, ..attested() }));
		bond(&WORKER);
		serve(&WORKER, VersionId { model, index: 0 });
		let ask = |out_point| {
			let customer = RuntimeOrigin::signed(CUSTOMER);
			let input = floats(2);
			Aimodel::request(
				customer,
				out_point,
				Assurance::Attested,
				input,
				Balance::MAX,
				None,
				Default::default(),
			)
		};
		assert_noop!(ask(tip(model)), Error::<Test>::NoCapacity);
		assert_ok!(Aimodel::rollback(owner(), tip(model), 0));
		assert_ok!(ask(tip(model)));
	});
}

/// Nearly every request.
const NEARLY_ALL: Permill = Permill::from_parts(999_999);

fn customer() -> RuntimeOrigin {
	RuntimeOrigin::signed(CUSTOMER)
}

/// The key of a model's first version.
fn key_of(model: ModelId) -> KeyId {
	Versions::<Test>::get(model, 0).unwrap().circuit.unwrap().key
}

/// A served digits model, and a second version of it that is published, not served.
fn published_digits() -> (ModelId, OutPoint) {
	let (model, out_point) = deploy_served_digits();
	let mut record = Versions::<Test>::get(model, 0).unwrap();
	record.circuit.as_mut().unwrap().proving_key = H256([9; 32]);
	assert_ok!(Aimodel::publish(owner(), out_point, record));
	(model, tip(model))
}

/// A served digits model whose second version is served too, and the candidate for this share.
fn staged_digits(share: Permill) -> (ModelId, OutPoint) {
	let (model, out_point) = published_digits();
	serve(&WORKER, VersionId { model, index: 1 });
	assert_ok!(Aimodel::stage(owner(), out_point, 1, share));
	(model, tip(model))
}

#[test]
fn a_published_version_is_kept_and_paid_for_and_answers_nothing_yet() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let before = deposit(&OWNER);
		let record = Versions::<Test>::get(model, 0).unwrap();
		assert_ok!(Aimodel::publish(owner(), out_point, Version { lease: 9, ..record }));
		assert!(deposit(&OWNER) > before + Version::max_encoded_len() as Balance);
		assert_eq!(version_of(request_digit(tip(model))), 0);
		let leases: Vec<_> =
			Aimodel::versions(model).iter().map(|kept| (kept.index, kept.record.lease)).collect();
		assert_eq!(leases, [(0, LEASE), (1, 9)]);
		// Only sound versions, as many as there may be.
		let unsound = Version { lease: 0, ..attested() };
		assert_noop!(
			Aimodel::publish(owner(), tip(model), unsound),
			Error::<Test>::LeaseOutOfBounds
		);
		assert_ok!(Aimodel::publish(owner(), tip(model), attested()));
		assert_noop!(
			Aimodel::publish(owner(), tip(model), attested()),
			Error::<Test>::TooManyVersions
		);
	});
}

#[test]
fn a_candidate_answers_its_share_of_new_requests_at_the_same_price() {
	run(|| {
		let share = Permill::from_percent(30);
		let (model, out_point) = staged_digits(share);
		let quoted = Aimodel::quote(model, None, 64, None).unwrap();
		let candidate = Aimodel::model(model).unwrap().candidate.unwrap();
		assert_eq!((candidate.version, candidate.share), (1, share));
		let mut by_candidate = 0;
		for _ in 0..4 {
			for _ in 0..10 {
				let id = request_digit(out_point);
				assert_eq!(version_of(id), u32::from(candidate.takes(id)));
				assert_eq!(Requests::<Test>::get(id).unwrap().rates, quoted.rates);
				by_candidate += version_of(id);
			}
			next_block();
		}
		assert!((5..20).contains(&by_candidate), "{by_candidate} of 40");
		// Both kinds are answered.
		for id in 0..40 {
			assert_ok!(answer(&WORKER, id));
		}
	});
}

#[test]
fn a_candidate_that_nobody_serves_holds_nobody_up() {
	run(|| {
		let (model, out_point) = published_digits();
		assert_ok!(Aimodel::stage(owner(), out_point, 1, NEARLY_ALL));
		for _ in 0..10 {
			assert_eq!(version_of(request_digit(tip(model))), 0);
		}
	});
}

#[test]
fn capacity_is_that_of_the_version_that_is_chosen() {
	run(|| {
		let (model, out_point) = published_digits();
		bond(&OTHER_WORKER);
		let version = VersionId { model, index: 1 };
		let other = RuntimeOrigin::signed(OTHER_WORKER);
		assert_ok!(Workers::serve(other, version, 0, LEASE.into(), 1));
		assert_ok!(Aimodel::stage(owner(), out_point, 1, NEARLY_ALL));
		// One slot: the second is the stable version's.
		let (first, second) = (request_digit(tip(model)), request_digit(tip(model)));
		assert_eq!((version_of(first), version_of(second)), (1, 0));
		next_block();
		assert_eq!((holder(first), holder(second)), (Some(OTHER_WORKER), Some(WORKER)));
		assert_eq!(version_of(request_digit(tip(model))), 0);
		assert_ok!(answer(&OTHER_WORKER, first));
		assert_eq!(version_of(request_digit(tip(model))), 1);
	});
}

#[test]
fn a_candidate_with_a_weaker_key_gets_no_request_that_demands_a_stronger_one() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let weaker = register_key(&OWNER, ARTIFACT, &SimulatedKey::new(6, 2));
		assert_ok!(Aimodel::publish(owner(), out_point, digits(weaker)));
		serve(&WORKER, VersionId { model, index: 1 });
		assert_ok!(Aimodel::stage(owner(), tip(model), 1, NEARLY_ALL));
		let root = RuntimeOrigin::root();
		assert_ok!(ZkVerifier::attest_key(root, key_of(model), H256([1; 32])));
		let ceremony = Assurance::Proven { weakest_origin: Some(KeyOrigin::Ceremony) };
		assert_eq!(version_of(request(tip(model), ceremony, image(), PRICE)), 0);
		assert_eq!(version_of(request(tip(model), PROVEN, image(), PRICE)), 1);
	});
}

#[test]
fn a_promoted_candidate_answers_all_an_aborted_one_nothing_and_open_requests_keep_theirs() {
	for promoted in [true, false] {
		run(|| {
			let (model, out_point) = staged_digits(NEARLY_ALL);
			let open = request_digit(out_point);
			if promoted {
				assert_ok!(Aimodel::promote(owner(), out_point));
			} else {
				assert_ok!(Aimodel::abort(owner(), out_point));
			}
			let info = Aimodel::model(model).unwrap();
			assert_eq!((info.candidate, info.version.index), (None, u32::from(promoted)));
			assert_eq!(version_of(request_digit(tip(model))), u32::from(promoted));
			assert_eq!(version_of(open), 1);
			next_block();
			assert_ok!(answer(&WORKER, open));
			let over = Error::<Test>::NoCandidate;
			assert_noop!(Aimodel::promote(owner(), tip(model)), over);
			let over = Error::<Test>::NoCandidate;
			assert_noop!(Aimodel::abort(owner(), tip(model)), over);
		});
	}
}

#[test]
fn nobody_gets_another_interface_price_or_promise_than_was_quoted() {
	let stage = |stable: Version, candidate: Version| {
		let (model, out_point) = deploy(stable);
		assert_ok!(Aimodel::publish(owner(), out_point, candidate));
		Aimodel::stage(owner(), tip(model), 1, Permill::from_percent(10))
	};
	run(|| {
		let mut wider = attested();
		wider.interface.input.shape[1] = Dimension::Fixed(3);
		let mut dearer = attested();
		dearer.units.fixed += 1;
		let slower = Version { lease: LEASE + 1, ..attested() };
		for other in [wider, dearer, slower] {
			assert_eq!(stage(attested(), other), Err(Error::<Test>::CandidateDiffers.into()));
		}
		let key = register_key(&OWNER, ARTIFACT, &digits_key());
		let unproven = Version { circuit: None, ..digits(key) };
		assert_eq!(stage(digits(key), unproven), Err(Error::<Test>::CandidateDiffers.into()));
		assert_ok!(stage(attested(), Version { artifact: H256([5; 32]), ..attested() }));
	});
}

#[test]
fn what_can_not_be_staged_is_refused_by_what_is_wrong() {
	run(|| {
		let (model, out_point) = published_digits();
		let half = Permill::from_percent(50);
		for share in [Permill::zero(), Permill::one()] {
			let refused = Error::<Test>::ShareOutOfBounds;
			assert_noop!(Aimodel::stage(owner(), out_point, 1, share), refused);
		}
		assert_noop!(Aimodel::stage(owner(), out_point, 0, half), Error::<Test>::SameVersion);
		assert_noop!(Aimodel::stage(owner(), out_point, 2, half), Error::<Test>::UnknownVersion);
		assert_ok!(Aimodel::stage(owner(), out_point, 1, half));
		let staged = tip(model);
		assert_noop!(Aimodel::upgrade(owner(), staged, attested()), Error::<Test>::CandidateStaged);
		assert_noop!(Aimodel::rollback(owner(), staged, 1), Error::<Test>::CandidateStaged);
		// Another share is another stage; retiring ends it.
		assert_ok!(Aimodel::stage(owner(), staged, 1, Permill::from_percent(60)));
		let open = request_digit(tip(model));
		assert_ok!(Aimodel::retire(owner(), tip(model)));
		assert_eq!(Aimodel::model(model).unwrap().candidate, None);
		assert_eq!(version_of(open), 0);
	});
}

#[test]
fn a_deprecated_version_takes_requests_until_its_notice_is_over() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		assert_ok!(Aimodel::deprecate(owner(), out_point, 0, 3));
		let version = VersionId { model, index: 0 };
		assert_eq!(last_event(), Event::Deprecated { version, from: 4 });
		assert_eq!(Aimodel::versions(model)[0].deprecated_from, Some(4));
		advance_to(3);
		let open = request_digit(tip(model));
		advance_to(4);
		assert_noop!(
			Aimodel::request(
				customer(),
				tip(model),
				PROVEN,
				image(),
				PRICE,
				None,
				Default::default()
			),
			Error::<Test>::VersionDeprecated
		);
		let refused = Aimodel::quote(model, None, 64, None);
		assert_eq!(refused.unwrap_err(), QuoteError::Deprecated);
		assert_ok!(answer(&WORKER, open));
		// Another version answers; there is no way back.
		assert_ok!(Aimodel::upgrade(owner(), tip(model), digits(key_of(model))));
		serve(&WORKER, VersionId { model, index: 1 });
		assert_eq!(version_of(request_digit(tip(model))), 1);
		let over = Error::<Test>::VersionDeprecated;
		assert_noop!(Aimodel::rollback(owner(), tip(model), 0), over);
	});
}

#[test]
fn a_notice_can_be_put_off_and_not_brought_forward() {
	run(|| {
		let (model, out_point) = deploy(attested());
		assert_noop!(Aimodel::deprecate(owner(), out_point, 1, 3), Error::<Test>::UnknownVersion);
		assert_ok!(Aimodel::deprecate(owner(), out_point, 0, 10));
		advance_to(5);
		assert_noop!(Aimodel::deprecate(owner(), tip(model), 0, 5), Error::<Test>::NoticeTooShort);
		assert_ok!(Aimodel::deprecate(owner(), tip(model), 0, 6));
		assert_eq!(Aimodel::versions(model)[0].deprecated_from, Some(11));
		// As late as there are blocks.
		assert_ok!(Aimodel::deprecate(owner(), tip(model), 0, u64::MAX));
		assert_ok!(Aimodel::retire(owner(), tip(model)));
		next_block();
		assert_eq!(Deprecations::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_deprecated_candidate_gets_no_requests_and_is_not_promoted() {
	run(|| {
		let (model, out_point) = staged_digits(NEARLY_ALL);
		assert_ok!(Aimodel::deprecate(owner(), out_point, 1, 1));
		assert_eq!(version_of(request_digit(tip(model))), 1);
		next_block();
		assert_eq!(version_of(request_digit(tip(model))), 0);
		let over = Error::<Test>::VersionDeprecated;
		assert_noop!(Aimodel::promote(owner(), tip(model)), over);
		assert_ok!(Aimodel::abort(owner(), tip(model)));
		let over = Error::<Test>::VersionDeprecated;
		assert_noop!(Aimodel::stage(owner(), tip(model), 1, NEARLY_ALL), over);
	});
}

#[test]
fn aliases_name_the_version_that_has_the_role_now() {
	run(|| {
		let (model, out_point) = published_digits();
		let roles = || {
			let index = |alias| Aimodel::resolve(model, alias).map(|version| version.index);
			[Alias::Stable, Alias::Latest, Alias::Candidate].map(index)
		};
		assert_eq!(roles(), [Some(0), Some(1), None]);
		assert_ok!(Aimodel::stage(owner(), out_point, 1, NEARLY_ALL));
		assert_eq!(roles(), [Some(0), Some(1), Some(1)]);
		assert_ok!(Aimodel::promote(owner(), tip(model)));
		assert_eq!(roles(), [Some(1), Some(1), None]);
		assert_ok!(Aimodel::rollback(owner(), tip(model), 0));
		assert_eq!(roles(), [Some(0), Some(1), None]);
		assert_ok!(Aimodel::retire(owner(), tip(model)));
		assert_eq!(roles(), [None, Some(1), None], "kept until it is closed");
		next_block();
		assert_eq!(roles(), [None; 3]);
	});
}
