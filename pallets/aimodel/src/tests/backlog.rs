//! What the chain does by itself, when there is much more of it than fits into a block.

use super::world::*;
use crate::*;
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, Hooks},
	weights::{constants::WEIGHT_REF_TIME_PER_MILLIS, Weight},
};
use sp_core::H256;
use sp_io::TestExternalities;
use sp_runtime::AccountId32;
use std::collections::BTreeMap;

/// What blocks leave that are full of calls: a quarter of two seconds.
const IDLE: Weight = Weight::from_parts(500 * WEIGHT_REF_TIME_PER_MILLIS, u64::MAX);

/// What every customer of a backlog is endowed with.
const FUNDS: Balance = 10 * ENDOWMENT;

fn customer(index: usize) -> AccountId32 {
	let mut bytes = [0x77; 32];
	bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
	bytes.into()
}

fn endow(count: usize) -> Vec<AccountId32> {
	let customers: Vec<_> = (0..count).map(customer).collect();
	for who in &customers {
		Balances::set_balance(who, FUNDS);
	}
	customers
}

fn order(who: &AccountId32, out_point: OutPoint, deadline: Option<u64>) {
	let origin = RuntimeOrigin::signed(who.clone());
	assert_ok!(Aimodel::request(
		origin,
		out_point,
		Assurance::Attested,
		floats(2),
		ENDOWMENT,
		deadline,
		Default::default(),
	));
}

/// As though nobody had been free at the draw.
fn draw_nobody() {
	for (id, ..) in Waiting::<Test>::take() {
		Requests::<Test>::mutate(id, |request| request.as_mut().unwrap().drawn = true);
	}
}

/// So many requests by a hundred customers, all of which nobody answers by the same deadline. Returns
/// the block at which they fall due.
fn unanswered(count: usize) -> u64 {
	let (_, out_point) = deploy_served_attested();
	let customers = endow(100);
	let deadline = 60;
	for index in 0..count {
		order(&customers[index % 100], out_point, Some(deadline));
		if index % 16 == 15 {
			draw_nobody();
		}
	}
	draw_nobody();
	deadline + 1
}

/// Gives blocks from this one on so much idle weight each, until nothing is left. Checks that none
/// takes more, and that each goes on with what the last one left. Returns how many blocks it took.
fn drain(
	world: &mut TestExternalities,
	first: u64,
	idle: Weight,
	left: impl Fn() -> usize,
) -> usize {
	let mut blocks = 0;
	loop {
		// As at the end of a block: what was removed is gone.
		world.commit_all().unwrap();
		let done = world.execute_with(|| {
			let before = left();
			if before == 0 {
				return true;
			}
			let now = first + blocks as u64;
			System::set_block_number(now);
			System::set_parent_hash(H256::repeat_byte(now as u8));
			System::reset_events();
			let used = Aimodel::on_idle(now, idle);
			assert!(used.all_lte(idle), "block {now} took {used}");
			assert!(left() < before, "block {now} did nothing");
			false
		});
		if done {
			world.execute_with(check_invariants);
			return blocks;
		}
		blocks += 1;
	}
}

fn open() -> usize {
	Requests::<Test>::iter_keys().count()
}

#[test]
fn ten_thousand_requests_that_expire_at_once_are_refunded_within_ten_minutes() {
	let mut world = new_world();
	let due = world.execute_with(|| unanswered(10_000));
	world.execute_with(check_invariants);
	let blocks = drain(&mut world, due, IDLE, open);

	assert!(blocks <= 100, "{blocks} blocks of six seconds");
	world.execute_with(|| {
		for who in (0..100).map(customer) {
			assert_eq!((held(&who), free(&who)), (0, FUNDS));
		}
	});
}

#[test]
fn an_empty_block_refunds_as_many_as_fit_and_its_time_grows_with_their_number_alone() {
	let mut world = new_world();
	let due = world.execute_with(|| unanswered(10_000));
	// Were each to pass by those before it, this would take minutes.
	assert_eq!(drain(&mut world, due, Weight::MAX, open), 1);
}

#[test]
fn a_thousand_leases_that_lapse_at_once_are_slashed_block_by_block() {
	let mut world = new_world();
	let (count, slots) = (1_000, 1_000);
	let lapsed = world.execute_with(|| {
		let (model, out_point) = deploy(attested());
		Balances::set_balance(&WORKER, 1_000 * ENDOWMENT);
		let worker = RuntimeOrigin::signed(WORKER);
		assert_ok!(Workers::register(worker.clone(), 900 * ENDOWMENT, operator(&WORKER)));
		let version = VersionId { model, index: 0 };
		assert_ok!(Workers::serve(worker, version, 0, LEASE.into(), slots));
		let customers = endow(100);
		for index in 0..count {
			order(&customers[index % 100], out_point, Some(150));
			Aimodel::draw_workers();
		}
		check_invariants();
		2 + u64::from(LEASE)
	});
	let leased = || Requests::<Test>::iter_keys().filter(|id| holder(*id) == Some(WORKER)).count();
	let blocks = drain(&mut world, lapsed, IDLE, leased);
	assert!((2..30).contains(&blocks), "{blocks} blocks");
	world.execute_with(|| assert_eq!(open(), count, "they wait for another worker"));
	// Meanwhile nobody is drawn; then all expire.
	drain(&mut world, 151, IDLE, open);
	world.execute_with(|| {
		let held_of: BTreeMap<_, _> = (0..100).map(|i| (i, held(&customer(i)))).collect();
		assert!(held_of.values().all(|held| *held == 0));
	});
}

#[test]
fn results_that_are_pruned_at_once_are_pruned_block_by_block() {
	let mut world = new_world();
	let count = 2_000;
	let due = world.execute_with(|| {
		let (_, out_point) = deploy_served_attested();
		let customers = endow(100);
		for index in 0..count {
			order(&customers[index % 100], out_point, None);
			Aimodel::draw_workers();
			assert_ok!(answer_attested(&WORKER, index as RequestId, words(1), None));
		}
		2 + 20
	});
	let kept = || Settlements::<Test>::iter_keys().count();
	let each = <() as WeightInfo>::prune();
	let blocks = drain(&mut world, due, each.saturating_mul(200), kept);
	assert!((10..20).contains(&blocks), "{blocks} blocks");
}

#[test]
fn records_of_customers_are_pruned_block_by_block_and_every_deposit_returned() {
	let mut world = new_world();
	let count = 2_000;
	world.execute_with(|| {
		let (model, _) = deploy(attested());
		for who in endow(count) {
			for budget in [Some(Budget { limit: 1, alerts: Default::default() }), None] {
				assert_ok!(Aimodel::set_budget(RuntimeOrigin::signed(who.clone()), model, budget));
			}
		}
	});
	// Unused for two periods of a hundred blocks.
	let kept = || Customers::<Test>::iter_keys().count();
	let blocks = drain(&mut world, 200, IDLE, kept);
	assert!((2..100).contains(&blocks), "{blocks} blocks");
	world.execute_with(|| {
		assert!((0..count).map(customer).all(|who| customer_deposit(&who) == 0));
	});
}

#[test]
fn models_that_retired_at_once_are_closed_block_by_block() {
	let mut world = new_world();
	let count = 200;
	world.execute_with(|| {
		Balances::set_balance(&OWNER, 1_000 * ENDOWMENT);
		let owner = || RuntimeOrigin::signed(OWNER);
		for _ in 0..count {
			let (model, _) = deploy(attested());
			// Longer than what retiring takes away.
			for _ in 0..6 {
				assert_ok!(Aimodel::reprice(owner(), tip(model), flat()));
			}
			assert_ok!(Aimodel::retire(owner(), tip(model)));
		}
	});
	let closing = || Closing::<Test>::iter_keys().count();
	let each = <() as WeightInfo>::close();
	let blocks = drain(&mut world, 2, each.saturating_mul(50), closing);
	assert!((8..16).contains(&blocks), "{blocks} blocks");
	world.execute_with(|| assert_eq!(deposit(&OWNER), 0));
}
