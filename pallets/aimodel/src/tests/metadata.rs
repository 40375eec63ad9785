//! Metadata: how models describe themselves, and how they are found.

use super::world::*;
use crate::*;
use aimodel_primitives::models::{Metadata, Tag};
use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use sp_runtime::AccountId32;
use std::collections::BTreeSet;

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

fn tag(word: &str) -> Tag {
	word.as_bytes().to_vec().try_into().unwrap()
}

fn about(tags: &[&str]) -> Metadata {
	let tags: Vec<_> = tags.iter().map(|word| tag(word)).collect();
	Metadata {
		name: b"Digits".to_vec().try_into().unwrap(),
		description: Some(H256([1; 32])),
		licence: b"MIT OR Apache-2.0".to_vec().try_into().unwrap(),
		tags: tags.try_into().unwrap(),
		card: Some(H256([2; 32])),
	}
}

fn described(tags: &[&str]) -> ModelId {
	let (model, out_point) = deploy(attested());
	assert_ok!(Aimodel::describe(owner(), out_point, about(tags)));
	model
}

fn tagged(word: &str) -> BTreeSet<ModelId> {
	Aimodel::models_tagged(&tag(word), None, 100).into_iter().map(|(model, _)| model).collect()
}

fn models_of(who: &AccountId32) -> BTreeSet<ModelId> {
	Aimodel::models_of(who, None, 100).into_iter().map(|(model, _)| model).collect()
}

#[test]
fn a_description_is_part_of_the_content_and_leaves_a_record() {
	run(|| {
		let (model, out_point) = deploy(attested());
		let paid = deposit(&OWNER);
		assert_eq!(Aimodel::model(model).unwrap().metadata, Metadata::default());
		assert_ok!(Aimodel::describe(owner(), out_point, about(&["digits", "vision"])));
		assert_ne!(tip(model), out_point);
		let info = Aimodel::model(model).unwrap();
		assert_eq!((info.metadata, info.changes), (about(&["digits", "vision"]), 1));
		assert_eq!(Aimodel::history(model, 0, 9)[0].change, Change::Described);
		// What is longest is paid for when the model is deployed: only the record is added.
		let record = Aimodel::record_size() as Balance;
		assert_eq!(deposit(&OWNER), paid + record);
	});
}

#[test]
fn models_are_found_by_their_tags_until_these_change() {
	run(|| {
		let one = described(&["digits", "vision"]);
		let other = described(&["speech", "vision"]);
		assert_eq!(tagged("vision"), [one, other].into());
		assert_eq!(tagged("digits"), [one].into());
		assert_eq!(tagged("vis"), [].into(), "a part of a tag is another tag");

		assert_ok!(Aimodel::describe(owner(), tip(one), about(&["digits", "mnist"])));
		assert_eq!(tagged("vision"), [other].into());
		assert_eq!((tagged("digits"), tagged("mnist")), ([one].into(), [one].into()));
		assert_ok!(Aimodel::describe(owner(), tip(one), about(&[])));
		assert_eq!((tagged("digits"), tagged("mnist")), ([].into(), [].into()));
	});
}

#[test]
fn models_are_found_by_their_owner_until_they_change_hands() {
	run(|| {
		let (kept, given) = (described(&["kept"]), described(&["given"]));
		assert_eq!(models_of(&OWNER), [kept, given].into());
		assert_ok!(Aimodel::transfer(owner(), tip(given), Some(STRANGER)));
		assert_eq!(models_of(&STRANGER), [].into(), "an offer is no transfer");
		assert_ok!(Aimodel::accept_transfer(RuntimeOrigin::signed(STRANGER), tip(given)));
		assert_eq!(models_of(&OWNER), [kept].into());
		assert_eq!(Aimodel::models_of(&STRANGER, None, 9), [(given, about(&["given"]))]);
		assert_eq!(tagged("given"), [given].into());
	});
}

#[test]
fn a_closed_model_is_not_found() {
	run(|| {
		let model = described(&["digits"]);
		assert_ok!(Aimodel::retire(owner(), tip(model)));
		assert_eq!((models_of(&OWNER), tagged("digits")), ([].into(), [].into()));
	});
}

#[test]
fn pages_list_every_model_once_though_the_last_of_a_page_is_gone() {
	run(|| {
		let models: BTreeSet<_> = (0..7).map(|_| described(&["digits"])).collect();
		let mut listed = Vec::new();
		loop {
			let page = Aimodel::models_tagged(&tag("digits"), listed.last().copied(), 2);
			assert!(page.len() <= 2);
			let Some((last, _)) = page.last().cloned() else { break };
			listed.extend(page.into_iter().map(|(model, _)| model));
			assert_ok!(Aimodel::retire(owner(), tip(last)));
		}
		assert_eq!((listed.len(), listed.into_iter().collect()), (7, models));
	});
}

#[test]
fn unsound_metadata_is_refused_by_what_is_wrong() {
	run(|| {
		let (_, out_point) = deploy(attested());
		let refuse = |metadata: Metadata, error: Error<Test>| {
			assert_noop!(Aimodel::describe(owner(), out_point, metadata), error);
		};
		let name = vec![0xff].try_into().unwrap();
		refuse(Metadata { name, ..about(&[]) }, Error::UnsoundName);
		let licence = b"<MIT>".to_vec().try_into().unwrap();
		refuse(Metadata { licence, ..about(&[]) }, Error::UnsoundLicence);
		refuse(about(&["Digits"]), Error::UnsoundTags);
		refuse(about(&["digits", "digits"]), Error::UnsoundTags);
		let stranger = RuntimeOrigin::signed(STRANGER);
		assert_noop!(Aimodel::describe(stranger, out_point, about(&[])), Error::<Test>::NotOwner);
	});
}
