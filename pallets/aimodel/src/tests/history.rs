//! History: who changed what, from the first output to the tip; and how models with a long one close.

use super::world::*;
use crate::*;
use aimodel_primitives::OutPoint;
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungible::Mutate, tokens::Preservation, Hooks},
	weights::Weight,
};
use sp_core::H256;
use sp_runtime::DispatchError;

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

fn reprice(model: ModelId) {
	assert_ok!(Aimodel::reprice(owner(), tip(model), flat()));
}

/// A model that was changed so many times.
fn changed(times: u32) -> ModelId {
	let (model, _) = deploy(attested());
	(0..times).for_each(|_| reprice(model));
	model
}

/// The outputs that were consumed, as events told it.
fn consumed() -> Vec<OutPoint> {
	let spent = |event| match event {
		Event::Changed { spent, .. } => Some(spent),
		_ => None,
	};
	events().into_iter().filter_map(spent).collect()
}

#[test]
fn from_the_tip_every_ancestor_is_listed_with_who_changed_what() {
	run(|| {
		let (model, first) = deploy(attested());
		reprice(model);
		next_block();
		assert_ok!(Aimodel::resplit(owner(), tip(model), split()));
		assert_ok!(Aimodel::transfer(owner(), tip(model), Some(STRANGER)));
		next_block();
		let stranger = RuntimeOrigin::signed(STRANGER);
		assert_ok!(Aimodel::accept_transfer(stranger.clone(), tip(model)));
		assert_ok!(Aimodel::upgrade(stranger, tip(model), Version { lease: 9, ..attested() }));

		let history = Aimodel::history(model, 0, 100);
		let told: Vec<_> =
			history.iter().map(|record| (record.change, record.by.clone(), record.at)).collect();
		let expected = [
			(Change::Repriced, OWNER, 1),
			(Change::Resplit, OWNER, 2),
			(Change::Offered, OWNER, 2),
			(Change::Transferred, STRANGER, 3),
			(Change::Upgraded, STRANGER, 3),
		];
		assert_eq!(told, expected);
		let ancestors: Vec<_> = history.iter().map(|record| record.spent).collect();
		assert_eq!(ancestors[0], first);
		assert_eq!(ancestors, consumed());
		assert_eq!(Aimodel::model(model).unwrap().changes, 5);
	});
}

#[test]
fn nothing_is_forgotten_and_pages_tell_the_same_as_the_whole() {
	run(|| {
		let model = changed(300);
		let mut paged = Vec::new();
		while paged.len() < 300 {
			let page = Aimodel::history(model, paged.len() as u32, 7);
			assert!(!page.is_empty() && page.len() <= 7);
			paged.extend(page);
		}
		assert_eq!(paged.iter().map(|record| record.spent).collect::<Vec<_>>(), consumed());
		assert_eq!(Aimodel::history(model, 0, u32::MAX).len(), 256, "a query is bounded");
		assert_eq!(Aimodel::history(model, 300, 1), []);
		assert_eq!(Aimodel::history(H256::zero(), 0, 1), []);
	});
}

#[test]
fn every_record_is_paid_for_by_who_pays_for_the_model() {
	run(|| {
		let model = changed(1);
		let record = Aimodel::record_size() as Balance;
		let before = deposit(&OWNER);
		reprice(model);
		assert_eq!(deposit(&OWNER), before + record);

		// A new owner pays for the whole history, and for the record of its own change.
		assert_ok!(Aimodel::transfer(owner(), tip(model), Some(STRANGER)));
		assert_ok!(Aimodel::accept_transfer(RuntimeOrigin::signed(STRANGER), tip(model)));
		assert_eq!((deposit(&OWNER), deposit(&STRANGER)), (0, before + 3 * record));
	});
}

#[test]
fn an_owner_without_funds_changes_nothing_but_can_retire() {
	run(|| {
		let model = changed(1);
		let spare = free(&OWNER) - 10;
		assert_ok!(<Balances as Mutate<_>>::transfer(
			&OWNER,
			&AUTHOR,
			spare,
			Preservation::Preserve
		));
		let spent = tip(model);
		let refused =
			frame_support::storage::with_storage_layer(|| Aimodel::reprice(owner(), spent, flat()));
		assert!(matches!(refused, Err(DispatchError::Token(_))), "{refused:?}");
		assert_eq!(tip(model), spent);
		assert_ok!(Aimodel::retire(owner(), spent));
		assert_eq!((Aimodel::model(model), deposit(&OWNER)), (None, 0));
	});
}

#[test]
fn a_model_with_a_long_history_closes_in_steps() {
	run(|| {
		// With the record of its retirement nine, of which each step removes three.
		let model = changed(8);
		assert_noop!(Aimodel::close(owner(), model), Error::<Test>::NotClosing);
		assert_ok!(Aimodel::retire(owner(), tip(model)));
		assert_eq!(Aimodel::history(model, 0, 100).len(), 6);
		check_invariants();
		let anybody = RuntimeOrigin::signed(STRANGER);
		assert_ok!(Aimodel::close(anybody.clone(), model));
		assert_eq!(Aimodel::history(model, 0, 100).len(), 3);
		assert!(deposit(&OWNER) > 0);
		check_invariants();
		assert_ok!(Aimodel::close(anybody.clone(), model));
		assert_eq!(last_event(), Event::Closed { model });
		assert_eq!((deposit(&OWNER), History::<Test>::iter().count()), (0, 0));
		assert_noop!(Aimodel::close(anybody, model), Error::<Test>::NotClosing);
	});
}

#[test]
fn idle_blocks_close_what_nobody_closes() {
	run(|| {
		let model = changed(20);
		assert_ok!(Aimodel::retire(owner(), tip(model)));
		// The last step returns a bond.
		let step = <()>::close().saturating_add(<()>::withdraw_service_bond());
		Aimodel::on_idle(1, Weight::zero());
		assert_eq!(Aimodel::history(model, 0, 100).len(), 18, "without weight nothing is done");
		// And for looking through the other queues.
		let limit = step.saturating_mul(5).saturating_div(2);
		let used = Aimodel::on_idle(1, limit);
		assert!(used.all_lte(limit));
		assert_eq!(Aimodel::history(model, 0, 100).len(), 12, "with that of two steps, two are");
		next_block();
		assert_eq!((Aimodel::model(model), deposit(&OWNER)), (None, 0));
	});
}

#[test]
fn a_retired_model_keeps_its_history_while_a_request_is_open() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		next_block();
		reprice(model);
		assert_ok!(Aimodel::retire(owner(), tip(model)));
		assert_noop!(Aimodel::close(owner(), model), Error::<Test>::NotClosing);
		assert_eq!(Aimodel::history(model, 0, 9).len(), 2);
		assert_ok!(answer(&WORKER, request));
		check_invariants();
		Aimodel::on_idle(System::block_number(), Weight::MAX);
		assert_eq!(last_event(), Event::Closed { model });
	});
}
