//! Models that several accounts change together: what they approve, what comes of it, and that nobody
//! gains by any order of steps.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	access::{Access, Policy},
	models::Metadata,
	owners::{Approval, Lock},
	pricing::{Offer, Plan},
};
use codec::{Encode, MaxEncodedLen};
use frame_support::{
	assert_noop, assert_ok,
	storage::with_storage_layer,
	traits::{fungible::Mutate, tokens::Preservation},
};
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::{
	traits::Dispatchable, AccountId32, DispatchError, DispatchResult, Permill, StateVersion,
};

/// The set, of which the owner is no member.
const MEMBERS: [AccountId32; 3] = [AUTHOR, STRANGER, WORKER];

fn set(members: &[AccountId32], threshold: u32) -> Option<Lock<AccountId32>> {
	Some(Lock { members: members.to_vec().try_into().unwrap(), threshold })
}

fn send(who: &AccountId32, call: Call<Test>) -> DispatchResult {
	let origin = RuntimeOrigin::signed(who.clone());
	RuntimeCall::from(call).dispatch(origin).map(|_| ()).map_err(|refused| refused.error)
}

fn hash(call: &Call<Test>) -> H256 {
	blake2_256(&RuntimeCall::from(call.clone()).encode()).into()
}

fn lock(model: ModelId, lock: Option<Lock<AccountId32>>) {
	assert_ok!(send(&OWNER, Call::set_lock { out_point: tip(model), lock }));
}

/// A model that two of three change.
fn locked() -> (ModelId, OutPoint) {
	let (model, _) = deploy(attested());
	lock(model, set(&MEMBERS, 2));
	(model, tip(model))
}

fn to_price(out_point: OutPoint, price: Balance) -> Call<Test> {
	Call::reprice { out_point, tariff: Tariff::flat(price, 0) }
}

fn price(model: ModelId) -> Balance {
	Aimodel::model(model).unwrap().tariff.per_call
}

fn approved(out_point: OutPoint) -> Vec<AccountId32> {
	Approvals::<Test>::get(out_point).into_iter().map(|approval| approval.by).collect()
}

#[test]
fn a_change_takes_effect_with_the_approval_that_it_still_took() {
	run(|| {
		let (model, out_point) = locked();
		let call = to_price(out_point, 7);
		assert_ok!(send(&STRANGER, call.clone()));
		// Nothing has happened, but that it is known who approved what, and what would come out.
		assert_eq!((tip(model), price(model)), (out_point, PRICE - 2));
		let [pending] = &Aimodel::pending_changes(model)[..] else { panic!("one is pending") };
		assert_eq!((pending.call, pending.missing), (hash(&call), 1));
		assert_eq!(pending.approved, [(STRANGER, 11)]);
		let successor = pending.successor;
		assert_eq!(
			last_event(),
			Event::Approved {
				model,
				out_point,
				who: STRANGER,
				call: hash(&call),
				successor,
				approvals: 1,
				threshold: 2,
				until: 11,
			}
		);

		assert_ok!(send(&AUTHOR, call));
		assert_eq!((Some(tip(model)), price(model)), (successor, 7));
		assert!(matches!(last_event(), Event::Approved { approvals: 2, who: AUTHOR, .. }));
		assert_eq!(Aimodel::pending_changes(model), []);
		let record = Aimodel::history(model, 0, 9).pop().unwrap();
		assert_eq!((record.by, record.with.into_inner()), (AUTHOR, vec![STRANGER]));
	});
}

/// What is done before the model is locked, and then by the set.
type Case = (fn(ModelId), fn(OutPoint) -> Call<Test>);

fn by_owner(call: Call<Test>) {
	assert_ok!(send(&OWNER, call));
}

fn nothing(_: ModelId) {}

fn two_versions(model: ModelId) {
	by_owner(Call::publish { out_point: tip(model), version: attested() });
}

fn with_candidate(model: ModelId) {
	two_versions(model);
	let share = Permill::from_percent(50);
	by_owner(Call::stage { out_point: tip(model), version: 1, share });
}

fn paused(model: ModelId) {
	by_owner(Call::pause { out_point: tip(model) });
}

const CASES: [Case; 17] = [
	(nothing, |out_point| Call::upgrade { out_point, version: Version { lease: 9, ..attested() } }),
	(nothing, |out_point| Call::reprice { out_point, tariff: Tariff::flat(7, 0) }),
	(nothing, |out_point| Call::resplit { out_point, split: split_among(&[]) }),
	(nothing, |out_point| Call::transfer { out_point, to: Some(CUSTOMER) }),
	(nothing, |out_point| Call::retire { out_point }),
	(nothing, |out_point| {
		let access = Access { policy: Policy::AllowList, ..Default::default() };
		Call::set_access { out_point, access }
	}),
	(nothing, |out_point| Call::pause { out_point }),
	(paused, |out_point| Call::unpause { out_point }),
	(two_versions, |out_point| Call::rollback { out_point, version: 1 }),
	(nothing, |out_point| {
		let name = b"digits".to_vec().try_into().unwrap();
		Call::describe { out_point, metadata: Metadata { name, ..Default::default() } }
	}),
	(nothing, |out_point| Call::publish { out_point, version: attested() }),
	(two_versions, |out_point| Call::stage {
		out_point,
		version: 1,
		share: Permill::from_percent(9),
	}),
	(with_candidate, |out_point| Call::promote { out_point }),
	(with_candidate, |out_point| Call::abort { out_point }),
	(nothing, |out_point| Call::deprecate { out_point, version: 0, notice: 5 }),
	(nothing, |out_point| {
		let plan =
			Plan { period: 10, price: 5, quota: None, grace: 1, service: None, limits: None };
		let plans = vec![Offer { plan, tier: Tier::Standard, to: None }].try_into().unwrap();
		Call::set_plans { out_point, plans }
	}),
	(nothing, |out_point| Call::set_lock { out_point, lock: None }),
];

#[test]
fn whatever_is_approved_comes_out_whenever_the_last_approval_comes() {
	for (prepare, call) in CASES {
		run(|| {
			let (model, _) = deploy(attested());
			prepare(model);
			lock(model, set(&MEMBERS, 2));
			let (out_point, changes) = (tip(model), Aimodel::model(model).unwrap().changes);
			let call = call(out_point);
			assert_ok!(send(&WORKER, call.clone()));
			let successor = Aimodel::pending_changes(model)[0].successor;
			advance_to(9);
			assert_eq!(tip(model), out_point, "one of two changes nothing: {call:?}");
			assert_ok!(send(&AUTHOR, call.clone()));
			assert_eq!(Tips::<Test>::get(model), successor, "{call:?}");
			if successor.is_some() {
				let record = &Aimodel::history(model, changes, 9)[0];
				assert_eq!((&record.by, &record.with[..]), (&AUTHOR, &[WORKER][..]));
			}
			assert_eq!(Approvals::<Test>::iter().count(), 0);
		});
	}
}

#[test]
fn a_set_retires_a_model_with_open_requests_and_nothing_is_left() {
	run(|| {
		let (model, _) = deploy_served_digits();
		lock(model, set(&MEMBERS, 2));
		let out_point = tip(model);
		let request = request_digit(out_point);
		next_block();
		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		assert_ok!(send(&AUTHOR, Call::retire { out_point }));
		assert_ok!(send(&WORKER, Call::retire { out_point }));
		assert!(Aimodel::model(model).unwrap().retired);
		let out_point = tip(model);
		assert_noop!(send(&AUTHOR, Call::pause { out_point }), Error::<Test>::ModelRetired);
		assert_ok!(answer(&WORKER, request));
		next_block();
		assert_eq!((Aimodel::model(model), deposit(&OWNER)), (None, 0));
		assert_eq!(Approvals::<Test>::iter().count(), 0);
	});
}

#[test]
fn one_of_a_set_of_which_it_takes_one_changes_at_once() {
	run(|| {
		let (model, _) = deploy(attested());
		lock(model, set(&[STRANGER], 1));
		assert_ok!(send(&STRANGER, to_price(tip(model), 7)));
		assert_eq!(price(model), 7);
		assert_noop!(send(&OWNER, to_price(tip(model), 8)), Error::<Test>::NotMember);
		assert_ok!(send(&STRANGER, Call::set_lock { out_point: tip(model), lock: None }));
		assert_ok!(send(&OWNER, to_price(tip(model), 8)));
	});
}

#[test]
fn only_members_change_a_locked_model() {
	run(|| {
		let (model, out_point) = locked();
		for who in [OWNER, CUSTOMER] {
			assert_noop!(send(&who, to_price(out_point, 7)), Error::<Test>::NotMember);
			let lock = set(core::slice::from_ref(&who), 1);
			assert_noop!(send(&who, Call::set_lock { out_point, lock }), Error::<Test>::NotMember);
		}
		// A change that asked nobody would be refused to everybody.
		for who in [OWNER, AUTHOR, CUSTOMER] {
			let alone = Aimodel::do_reprice(who, out_point, flat());
			assert_eq!(alone, Err(Error::<Test>::NotOwner.into()));
		}
		// The owner is still who is paid, under whom the model is found, and who funds its pot.
		assert_eq!(Aimodel::models_of(&OWNER, None, 9).len(), 1);
		assert_ok!(send(&OWNER, Call::fund_pot { model, amount: 50 }));
		assert_noop!(send(&AUTHOR, Call::fund_pot { model, amount: 50 }), Error::<Test>::NotOwner);
		assert_ok!(send(&OWNER, Call::withdraw_pot { model, amount: 50 }));
	});
}

#[test]
fn a_lock_that_nobody_could_open_is_refused() {
	run(|| {
		let (model, out_point) = deploy(attested());
		let unsound = [
			set(&[], 0),
			set(&MEMBERS, 0),
			set(&MEMBERS, 4),
			set(&[AUTHOR, AUTHOR], 2),
			set(&[STRANGER, AUTHOR], 2),
		];
		for lock in unsound {
			let call = Call::set_lock { out_point, lock };
			assert_noop!(send(&OWNER, call), Error::<Test>::UnsoundLock);
		}
		let unlock = Call::set_lock { out_point, lock: None };
		assert_noop!(send(&OWNER, unlock), Error::<Test>::SameLock);
		let foreign = Call::set_lock { out_point, lock: set(&MEMBERS, 1) };
		assert_noop!(send(&AUTHOR, foreign), Error::<Test>::NotOwner);
		lock(model, set(&MEMBERS, 3));
		let same = Call::set_lock { out_point: tip(model), lock: set(&MEMBERS, 3) };
		assert_noop!(send(&AUTHOR, same), Error::<Test>::SameLock);
		let unsound = Call::set_lock { out_point: tip(model), lock: set(&MEMBERS, 0) };
		assert_noop!(send(&AUTHOR, unsound), Error::<Test>::UnsoundLock);
	});
}

#[test]
fn approvals_of_different_changes_do_not_add_up() {
	run(|| {
		let (model, out_point) = locked();
		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		assert_ok!(send(&STRANGER, to_price(out_point, 8)));
		assert_eq!(tip(model), out_point);
		assert_eq!(Aimodel::pending_changes(model).len(), 2);
	});
}

#[test]
fn who_approves_one_version_has_not_approved_another_of_which_the_output_says_as_little() {
	run(|| {
		let (model, out_point) = locked();
		let publish = |lease| {
			let version = Version { lease, ..attested() };
			Call::publish { out_point, version }
		};
		let deprecate = |notice| Call::deprecate { out_point, version: 0, notice };
		for (approved, sent) in [(publish(5), publish(6)), (deprecate(9), deprecate(0))] {
			assert_ok!(send(&AUTHOR, approved));
			assert_ok!(send(&STRANGER, sent));
			// The same output would come out.
			let [one, other] = &Aimodel::pending_changes(model)[..] else { panic!("two pend") };
			assert_eq!(one.successor, other.successor);
			assert_eq!(tip(model), out_point);
		}
	});
}

#[test]
fn a_later_approval_takes_the_place_of_the_earlier() {
	run(|| {
		let (model, out_point) = locked();
		for price in 0..50 {
			assert_ok!(send(&AUTHOR, to_price(out_point, price)));
			assert_eq!(approved(out_point), [AUTHOR], "one of each member is stored");
		}
		assert_ok!(send(&AUTHOR, to_price(out_point, 49)));
		assert_eq!(tip(model), out_point, "nobody approves twice");
		assert_ok!(send(&STRANGER, to_price(out_point, 7)));
		assert_eq!(tip(model), out_point, "what was approved before is not");
		assert_ok!(send(&WORKER, to_price(out_point, 49)));
		assert_eq!(price(model), 49);
	});
}

#[test]
fn an_approval_lapses_with_its_period() {
	run(|| {
		let (model, out_point) = locked();
		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		advance_to(12);
		assert_eq!(Aimodel::pending_changes(model), []);
		assert_ok!(send(&STRANGER, to_price(out_point, 7)));
		assert_eq!((tip(model), approved(out_point)), (out_point, vec![STRANGER]));
		// In its last block it counts.
		advance_to(22);
		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		assert_eq!(price(model), 7);
	});
}

#[test]
fn an_approval_that_is_withdrawn_leaves_nothing() {
	run(|| {
		let (model, out_point) = locked();
		System::reset_events();
		let root = || sp_io::storage::root(StateVersion::V1);
		let before = root();
		for (_, call) in CASES.iter().take(4) {
			let call = call(out_point);
			assert_ok!(send(&AUTHOR, call.clone()));
			assert_ok!(send(&AUTHOR, Call::withdraw_approval { out_point }));
			let withdrawn =
				Event::ApprovalWithdrawn { model, out_point, who: AUTHOR, call: hash(&call) };
			assert_eq!(last_event(), withdrawn);
			System::reset_events();
			assert_eq!(root(), before, "{call:?}");
		}
		let withdraw = || Call::withdraw_approval { out_point };
		assert_noop!(send(&AUTHOR, withdraw()), Error::<Test>::NotApproved);

		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		assert_noop!(send(&STRANGER, withdraw()), Error::<Test>::NotApproved);
		assert_ok!(send(&AUTHOR, withdraw()));
		assert_ok!(send(&STRANGER, to_price(out_point, 7)));
		assert_eq!(tip(model), out_point);
		let gone = Call::withdraw_approval { out_point: H256::zero() };
		assert_noop!(send(&AUTHOR, gone), Error::<Test>::OutPointSpent);
	});
}

#[test]
fn two_sets_of_approvals_of_one_output_spend_it_once() {
	run(|| {
		let (_, out_point) = locked();
		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		assert_ok!(send(&STRANGER, to_price(out_point, 8)));
		assert_ok!(send(&WORKER, to_price(out_point, 8)));
		let late = send(&WORKER, to_price(out_point, 7));
		assert_eq!(late, Err(Error::<Test>::OutPointSpent.into()));
	});
}

#[test]
fn an_approval_is_of_one_output_and_of_none_that_is_like_it() {
	run(|| {
		let (model, first) = locked();
		// One approves what the others do not. They change the price, and change it back.
		assert_ok!(send(&AUTHOR, to_price(first, 7)));
		for price in [9, PRICE - 2] {
			let out_point = tip(model);
			assert_ok!(send(&STRANGER, to_price(out_point, price)));
			assert_ok!(send(&WORKER, to_price(out_point, price)));
		}
		assert_ne!(tip(model), first);
		assert_eq!(Aimodel::pending_changes(model), []);
		assert_ok!(send(&STRANGER, to_price(tip(model), 7)));
		assert_eq!(price(model), PRICE - 2);
	});
}

#[test]
fn a_set_changes_itself_and_who_left_it_has_approved_nothing() {
	run(|| {
		let (model, out_point) = locked();
		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		let smaller = Call::set_lock { out_point, lock: set(&[STRANGER, WORKER], 2) };
		assert_ok!(send(&STRANGER, smaller.clone()));
		assert_ok!(send(&WORKER, smaller));
		let out_point = tip(model);
		assert_eq!(Aimodel::model(model).unwrap().lock, set(&[STRANGER, WORKER], 2));
		assert_noop!(send(&AUTHOR, to_price(out_point, 7)), Error::<Test>::NotMember);
		assert_ok!(send(&STRANGER, to_price(out_point, 7)));
		assert_eq!(price(model), PRICE - 2);
	});
}

#[test]
fn who_accepts_a_locked_model_owns_it_alone() {
	run(|| {
		let (model, out_point) = locked();
		for member in [AUTHOR, WORKER] {
			assert_ok!(send(&member, Call::transfer { out_point, to: Some(CUSTOMER) }));
		}
		let offered = tip(model);
		assert_ok!(send(&AUTHOR, Call::retire { out_point: offered }));
		assert_ok!(send(&CUSTOMER, Call::accept_transfer { out_point: offered }));
		let info = Aimodel::model(model).unwrap();
		assert_eq!((info.owner, info.lock), (CUSTOMER, None));
		assert_eq!((deposit(&OWNER), Approvals::<Test>::iter().count()), (0, 0));
		let out_point = tip(model);
		assert_noop!(send(&AUTHOR, Call::retire { out_point }), Error::<Test>::NotOwner);
		assert_ok!(send(&CUSTOMER, to_price(out_point, 7)));
	});
}

#[test]
fn what_the_owner_offered_is_not_offered_by_the_set() {
	run(|| {
		// Otherwise an owner could take back with another account what it gave to a set.
		let (model, out_point) = deploy(attested());
		by_owner(Call::transfer { out_point, to: Some(CUSTOMER) });
		lock(model, set(&MEMBERS, 2));
		let out_point = tip(model);
		let accept = Call::accept_transfer { out_point };
		assert_noop!(send(&CUSTOMER, accept), Error::<Test>::NotOffered);
		assert_eq!(Aimodel::model(model).unwrap().offered_to, None);
	});
}

#[test]
fn a_set_agrees_on_allow_lists_too_and_the_output_stays() {
	run(|| {
		let (model, out_point) = locked();
		let accounts: Accounts<Test> = vec![CUSTOMER].try_into().unwrap();
		let allow = Call::allow { model, accounts: accounts.clone() };
		let disallow = Call::disallow { model, accounts };
		assert_ok!(send(&WORKER, to_price(out_point, 7)));
		for (call, listed) in [(allow.clone(), 1), (disallow, 0)] {
			assert_ok!(send(&AUTHOR, call.clone()));
			assert_eq!(Allowed::<Test>::iter().count(), 1 - listed);
			assert_ok!(send(&STRANGER, call));
			assert_eq!((Allowed::<Test>::iter().count(), tip(model)), (listed, out_point));
			// What was done needs new approvals to be done again; what else was approved waits.
			assert_eq!(approved(out_point), [WORKER]);
		}
		assert_ok!(send(&AUTHOR, allow));
		assert_eq!(Allowed::<Test>::iter().count(), 0);
	});
}

#[test]
fn keys_of_new_versions_are_of_one_who_agreed() {
	run(|| {
		let (model, out_point) = locked();
		let keys = [AUTHOR, OWNER].map(|who| register_key(&who, ARTIFACT, &digits_key()));
		let publish = |key| Call::publish { out_point, version: digits(key) };
		assert_noop!(send(&STRANGER, publish(keys[1])), Error::<Test>::ForeignKey);
		// Two others can not bind a member's deposit; the member itself can come last or first.
		assert_ok!(send(&STRANGER, publish(keys[0])));
		assert_noop!(send(&WORKER, publish(keys[0])), Error::<Test>::ForeignKey);
		assert_ok!(send(&AUTHOR, publish(keys[0])));
		let out_point = tip(model);
		let upgrade = || Call::upgrade { out_point, version: digits(keys[0]) };
		assert_ok!(send(&AUTHOR, upgrade()));
		assert_ok!(send(&WORKER, upgrade()));
		assert_eq!(Aimodel::model(model).unwrap().versions, 3);
		assert_eq!(ZkVerifier::references(&keys[0]), 2);
	});
}

#[test]
fn what_fails_is_no_approval_and_undoes_none() {
	run(|| {
		let (model, out_point) = locked();
		let retire = || Call::retire { out_point };
		assert_ok!(send(&AUTHOR, retire()));
		let accounts: Accounts<Test> = vec![CUSTOMER].try_into().unwrap();
		for member in [STRANGER, WORKER] {
			assert_ok!(send(&member, Call::allow { model, accounts: accounts.clone() }));
		}
		assert_noop!(send(&STRANGER, retire()), Error::<Test>::AllowListNotEmpty);
		assert_eq!(approved(out_point), [AUTHOR]);
	});
}

#[test]
fn customers_do_not_notice_what_is_pending() {
	run(|| {
		let (model, _) = deploy_served_digits();
		lock(model, set(&MEMBERS, 2));
		let out_point = tip(model);
		assert_ok!(send(&AUTHOR, to_price(out_point, 7)));
		let request = request_digit(out_point);
		assert_ok!(send(&STRANGER, to_price(out_point, 7)));
		next_block();
		assert_ok!(answer(&WORKER, request));
	});
}

#[test]
fn the_deposit_pays_for_approvals_and_for_names_in_the_history() {
	run(|| {
		let (model, _) = deploy(attested());
		let (record, name) = (Aimodel::record_size() as Balance, 32);
		let unlocked = deposit(&OWNER);
		lock(model, set(&MEMBERS, 2));
		let out_point = tip(model);
		// One approval of each member, under the name of the output, and one more name of who retires.
		let approval = Approval::<AccountId32, u64>::max_encoded_len() as Balance;
		let of_set = 3 * approval + 32 + name;
		assert_eq!(deposit(&OWNER), unlocked + record + of_set);
		for member in MEMBERS {
			let before = free(&member);
			assert_ok!(send(&member, Call::set_lock { out_point: tip(model), lock: None }));
			assert_eq!(free(&member), before, "members pay no deposit");
			if tip(model) != out_point {
				break;
			}
			assert_eq!(deposit(&OWNER), unlocked + record + of_set);
		}
		assert_eq!(deposit(&OWNER), unlocked + 2 * record + name);
		assert_ok!(send(&OWNER, Call::retire { out_point: tip(model) }));
		assert_eq!(deposit(&OWNER), 0);
	});
}

#[test]
fn a_set_whose_depositor_has_no_funds_can_still_retire() {
	run(|| {
		let (model, out_point) = locked();
		let spare = free(&OWNER) - 10;
		let preserve = Preservation::Preserve;
		assert_ok!(<Balances as Mutate<_>>::transfer(&OWNER, &CUSTOMER, spare, preserve));
		let refused = with_storage_layer(|| send(&AUTHOR, to_price(out_point, 7)));
		assert!(matches!(refused, Err(DispatchError::Token(_))), "{refused:?}");
		for member in [AUTHOR, STRANGER] {
			assert_ok!(send(&member, Call::retire { out_point }));
		}
		assert_eq!((Aimodel::model(model), deposit(&OWNER)), (None, 0));
	});
}
