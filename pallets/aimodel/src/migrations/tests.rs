//! A chain of the layout before tariffs goes on in today's.

use super::*;
use crate::tests::world::*;
use aimodel_primitives::{split::WHOLE, traits::LeaseTerms};
use codec::Encode;
use frame_support::{
	assert_ok,
	traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion},
};
use sp_runtime::AccountId32;

/// Writes what there is in the layout before tariffs, and takes away what was not there then.
fn write_old_layout() {
	for (out_point, output) in Outputs::<Test>::drain().collect::<Vec<_>>() {
		let ModelOutput { model, content, depositor, deposit, .. } = output;
		let Tariff { per_call, per_unit, .. } = content.tariff;
		let content = v0::ModelContent {
			owner: content.owner,
			offered_to: content.offered_to,
			pricing: v0::Pricing::Flat { per_call, per_unit },
			split: old(content.split),
			version: content.version,
			record: content.record,
			retired: content.retired,
		};
		let output = v0::ModelOutput::<Test> { model, content, depositor, deposit };
		v0::Outputs::<Test>::insert(out_point, output);
	}
	let mut histories = BTreeMap::<ModelId, Vec<_>>::new();
	let mut records: Vec<_> = History::<Test>::drain().collect();
	records.sort_by_key(|(_, index, _)| *index);
	for (model, _, HistoryRecord { spent, change, by, at, .. }) in records {
		let record = v0::HistoryRecord { spent, change, by, at };
		histories.entry(model).or_default().push(record);
	}
	for (model, records) in histories {
		v0::History::<Test>::insert(model, BoundedVec::truncate_from(records));
	}
	let due: Vec<_> = DueRequests::<Test>::drain().collect();
	for (at, turn, ()) in due {
		v0::DueRequests::<Test>::insert(at, turn.request(), ());
	}
	let waiting = Waiting::<Test>::take().into_iter().map(|(id, version, _)| (id, version));
	v0::Waiting::<Test>::put(BoundedVec::truncate_from(waiting.collect()));
	for (id, request) in Requests::<Test>::drain().collect::<Vec<_>>() {
		let tariff = flat();
		let request = v0::Request::<Test> {
			customer: request.customer,
			out_point: request.out_point,
			version: request.version,
			assurance: request.assurance,
			input: request.input,
			rows: request.rows,
			pricing: v0::Pricing::Flat { per_call: tariff.per_call, per_unit: tariff.per_unit },
			split: old(split()),
			platform_share: request.platform_share,
			held: request.held,
			terms: request.terms,
			deadline: request.deadline,
			drawn: request.drawn,
			candidates: request.candidates,
			lapsed: request.lapsed,
			compensated: request.compensated,
			due: request.due,
		};
		v0::Requests::<Test>::insert(id, request);
	}
	for (who, _, customer) in Customers::<Test>::drain().collect::<Vec<_>>() {
		assert_ok!(frame_support::traits::Consideration::<_, Footprint>::drop(
			customer.deposit,
			&who
		));
	}
	let everything = u32::MAX;
	let _ = PrunableCustomers::<Test>::clear(everything, None);
	let _ = ModelsOf::<Test>::clear(everything, None);
	let _ = Records::<Test>::clear(everything, None);
	let _ = Prices::<Test>::clear(everything, None);
	let _ = Incomes::<Test>::clear(everything, None);
	StorageVersion::new(0).put::<Aimodel>();
}

fn old(split: RevenueSplit<AccountId32>) -> v0::RevenueSplit<AccountId32> {
	let account = |(payee, share)| match payee {
		Payee::Account(who) => (who, share),
		Payee::Model(_) => unreachable!("the old layout names accounts"),
	};
	let beneficiaries = split.beneficiaries.into_iter().map(account).collect();
	v0::RevenueSplit {
		worker: split.worker,
		beneficiaries: BoundedVec::truncate_from(beneficiaries),
	}
}

fn migrate() {
	let before = Before::<Test>::read();
	let weight = V1::<Test>::on_runtime_upgrade();
	assert!(weight.ref_time() > 0);
	assert_ok!(before.ensure_kept());
	check_invariants();
	assert_eq!(Aimodel::on_chain_storage_version(), Aimodel::in_code_storage_version());
}

/// Two models, one of them changed and offered, one retired; and three open requests of two customers:
/// one leased, one leased and unanswered, one that waits for its draw.
fn old_chain() -> (ModelId, ModelId, [RequestId; 3]) {
	let owner = || RuntimeOrigin::signed(OWNER);
	let (model, out_point) = deploy_served_digits();
	assert_ok!(Workers::bond_more(RuntimeOrigin::signed(WORKER), BOND));
	let (retired, other) = deploy(attested());
	serve(&WORKER, VersionId { model: retired, index: 0 });
	assert_ok!(Aimodel::reprice(owner(), out_point, flat()));
	assert_ok!(Aimodel::transfer(owner(), tip(model), Some(STRANGER)));
	let answered = request_digit(tip(model));
	let max_fee = ENDOWMENT / 10;
	let unanswered = request(other, Assurance::Attested, floats(2), max_fee);
	assert_ok!(Aimodel::retire(owner(), other));
	next_block();
	let stranger = RuntimeOrigin::signed(STRANGER);
	assert_ok!(Aimodel::request(
		stranger,
		tip(model),
		PROVEN,
		image(),
		PRICE,
		None,
		Default::default()
	));
	let waiting = NextRequest::<Test>::get() - 1;
	write_old_layout();
	(model, retired, [answered, unanswered, waiting])
}

#[test]
fn models_keep_their_names_and_open_requests_their_terms() {
	new_world().execute_with(|| {
		let (model, retired, requests) = old_chain();
		let names = (tip(model), tip(retired));
		let deposits = deposit(&OWNER);
		migrate();
		assert_eq!((tip(model), tip(retired)), names);
		assert_eq!(deposit(&OWNER), deposits, "nobody pays for what he did not sign");
		let output = Outputs::<Test>::get(tip(model)).unwrap();
		assert_eq!((output.versions, output.changes, output.allowed), (1, 2, 0));
		assert_eq!((output.content.tariff, output.content.split), (flat(), split()));
		assert_eq!(output.content.offered_to, Some(STRANGER));
		let changes: Vec<_> =
			Aimodel::history(model, 0, 10).into_iter().map(|record| record.change).collect();
		assert_eq!(changes, [Change::Repriced, Change::Offered]);
		assert_eq!(Aimodel::models_of(&OWNER, None, 10).len(), 2);
		for id in requests {
			let request = Requests::<Test>::get(id).unwrap();
			assert_eq!(request.rates.price(2).unwrap().price, PRICE);
			assert_eq!(request.split.worker, WHOLE / 2);
			assert!(request.split.is_sound());
		}
	});
}

#[test]
fn open_requests_are_settled_expired_and_cancelled_and_the_chain_goes_on() {
	new_world().execute_with(|| {
		let (model, retired, [answered, unanswered, waiting]) = old_chain();
		migrate();
		assert_ok!(answer(&WORKER, answered));
		assert_eq!([&PLATFORM, &WORKER, &OWNER, &AUTHOR].map(earned), [300, 350, 234, 117]);
		assert_ok!(Aimodel::cancel(RuntimeOrigin::signed(STRANGER), waiting));
		assert_eq!(held(&STRANGER), 0);
		advance_to(deadline(unanswered) + 1);
		assert_eq!(held(&CUSTOMER), 0);
		assert!(!Tips::<Test>::contains_key(retired), "it closed with its last request");
		// The next change takes the deposit of today's layout, and names today's content.
		let before = deposit(&OWNER);
		assert_ok!(Aimodel::reprice(RuntimeOrigin::signed(OWNER), tip(model), flat()));
		assert!(deposit(&OWNER) > before);
		let request = request_digit(tip(model));
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_ok!(Aimodel::retire(RuntimeOrigin::signed(OWNER), tip(model)));
		next_block();
		assert_eq!(deposit(&OWNER), 0, "every deposit returns");
	});
}

#[test]
fn a_customer_without_funds_is_asked_for_nothing() {
	new_world().execute_with(|| {
		let (.., [_, _, waiting]) = old_chain();
		let all =
			<Balances as frame_support::traits::fungible::Inspect<_>>::balance(&STRANGER) - 10;
		assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(STRANGER), OWNER, all));
		migrate();
		assert_eq!(customer_deposit(&STRANGER), 0);
		assert_ok!(Aimodel::cancel(RuntimeOrigin::signed(STRANGER), waiting));
		advance_to(400);
		assert_eq!(Customers::<Test>::iter().count(), 0);
	});
}

#[test]
fn it_happens_once() {
	new_world().execute_with(|| {
		let (model, ..) = old_chain();
		migrate();
		let owner = RuntimeOrigin::signed(OWNER);
		let more = Tariff { minimum: 5, ..flat() };
		assert_ok!(Aimodel::reprice(owner, tip(model), more.clone()));
		V1::<Test>::on_runtime_upgrade();
		assert_eq!(Outputs::<Test>::get(tip(model)).unwrap().content.tariff, more);
		check_invariants();
	});
	// A chain that begins today has nothing to migrate.
	new_world().execute_with(|| {
		assert_eq!(Aimodel::on_chain_storage_version(), Aimodel::in_code_storage_version());
	});
}

#[test]
fn an_empty_chain_migrates_too() {
	new_world().execute_with(|| {
		StorageVersion::new(0).put::<Aimodel>();
		assert_eq!(Before::<Test>::read().items(), 0);
		migrate();
	});
}

/// What the code before tariffs wrote, field by field.
#[test]
fn the_old_layout_is_the_one_that_was_written() {
	new_world().execute_with(|| {
		let (model, ..) = deploy_served_digits();
		let terms = LeaseTerms {
			version: VersionId { model, index: 0 },
			pay: 7,
			length: 5u64,
			collateral: 9,
			obliges_at_once: true,
		};
		let split = old(split());
		let content = v0::ModelContent::<AccountId32> {
			owner: OWNER,
			offered_to: None,
			pricing: v0::Pricing::Flat { per_call: 1, per_unit: 2 },
			split: split.clone(),
			version: 3,
			record: model,
			retired: true,
		};
		let shares = (500_000u32, vec![(OWNER, 333_333u32), (AUTHOR, 166_667)]);
		let flat = (0u8, 1u128, 2u128);
		assert_eq!(
			content.encode(),
			(OWNER, None::<AccountId32>, flat, shares, 3u32, model, true).encode()
		);
		assert_eq!(terms.encode(), (model, 0u32, 7u128, 5u64, 9u128, true).encode());
	});
}
