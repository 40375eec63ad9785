//! Who is drawn: by free bond, from a seed.

use crate::{
	mock::{Workers, *},
	ranking::draw,
	*,
};
use aimodel_primitives::{traits::WorkerPool, Balance};
use frame_support::assert_ok;
use proptest::prelude::*;
use sp_core::H256;

fn seed(n: u64) -> H256 {
	H256::from_low_u64_be(n)
}

#[test]
fn only_workers_that_could_take_the_lease_are_drawn() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		register_server(BOB, 100);
		register(CHARLIE, 500);
		register_server(DAVE, 500);
		lease(1, DAVE, 1);
		lease(2, DAVE, 1);
		// Bob's bond is too small, Charlie does not serve, Dave is busy.
		assert!(Workers::capacity(&terms(101)) > 0);
		assert_eq!(Workers::rank(&terms(101), seed(0), 9), vec![ALICE]);
		assert_eq!(Workers::capacity(&terms(501)), 0);
		assert_eq!(Workers::rank(&terms(501), seed(0), 9), Vec::<AccountId>::new());
	});
}

#[test]
fn whoever_is_drawn_can_be_given_the_lease() {
	TestExt::execute_with(|| {
		register_server(ALICE, 500);
		register_server(BOB, 100);
		register_server(CHARLIE, 200);
		for (request, who) in Workers::rank(&terms(100), seed(3), 3).iter().enumerate() {
			assert_ok!(Workers::lease(request as u64, who, &terms(100)));
		}
		assert_eq!(Leases::<Test>::iter().count(), 3);
	});
}

#[test]
fn a_reserved_bond_does_not_count() {
	TestExt::execute_with(|| {
		register_server(ALICE, 10_000);
		register_server(BOB, 100);
		let first = |n: u64| Workers::rank(&terms(0), seed(n), 1)[0];
		let before = (0..500).filter(|n| first(*n) == ALICE).count();
		lease(1, ALICE, 9_900);
		let after = (0..500).filter(|n| first(*n) == ALICE).count();
		assert!(before > 480, "99 in 100 have been Alice's: {before} of 500");
		assert!((200..300).contains(&after), "every second is Alice's: {after} of 500");
	});
}

#[test]
fn a_worker_without_free_bond_can_be_drawn_where_nothing_is_at_stake() {
	TestExt::execute_with(|| {
		register_server(ALICE, 100);
		lease(1, ALICE, 100);
		assert_eq!(Workers::rank(&terms(0), seed(0), 3), vec![ALICE]);
	});
}

#[test]
fn the_first_place_goes_by_weight() {
	let pool = || vec![("one", 1), ("three", 3), ("six", 6)];
	let mut wins = [0_u32; 3];
	for n in 0..10_000 {
		match draw(pool(), seed(n), 1)[0] {
			"one" => wins[0] += 1,
			"three" => wins[1] += 1,
			_ => wins[2] += 1,
		}
	}
	// Four standard deviations are 120, 183 and 196.
	for (won, expected) in wins.into_iter().zip([1_000_u32, 3_000, 6_000]) {
		assert!(won.abs_diff(expected) < 200, "{won} of 10000, not about {expected}");
	}
}

#[test]
fn the_second_place_goes_by_weight_among_the_rest() {
	let pool = || vec![("one", 1), ("three", 3), ("six", 6)];
	let after_six: Vec<_> = (0..10_000)
		.map(|n| draw(pool(), seed(n), 2))
		.filter(|drawn| drawn[0] == "six")
		.map(|drawn| drawn[1])
		.collect();
	let threes = after_six.iter().filter(|second| **second == "three").count();
	let share = threes as f64 / after_six.len() as f64;
	assert!((0.72..0.78).contains(&share), "three in four, not {share}");
}

#[test]
fn the_draw_of_a_seed_is_fixed() {
	// Changing this changes who is assigned: a new runtime must not do so by accident.
	let pool: Vec<(u8, Balance)> = (0..8).map(|n| (n, 1 << n)).collect();
	// Computed apart, with Python's hashlib.
	assert_eq!(draw(pool, H256::repeat_byte(1), 8), vec![6, 7, 4, 5, 3, 0, 1, 2]);
}

#[test]
fn an_empty_pool_gives_an_empty_draw() {
	assert_eq!(draw(Vec::<((), Balance)>::new(), seed(1), 3), Vec::<()>::new());
}

proptest! {
	#[test]
	fn a_draw_repeats_nobody_and_leaves_nobody_out(
		weights in prop::collection::vec(prop_oneof![0_u128..10, any::<u128>()], 0..20),
		hash in any::<[u8; 32]>(),
		count in 0_u32..30,
	) {
		let pool: Vec<_> = weights.iter().copied().enumerate().collect();
		let drawn = draw(pool.clone(), H256(hash), count);
		prop_assert_eq!(drawn.len(), weights.len().min(count as usize));
		let mut members = drawn.clone();
		members.sort_unstable();
		members.dedup();
		prop_assert_eq!(members.len(), drawn.len());
		// The same again; and a shorter draw is the beginning of a longer one.
		prop_assert_eq!(&draw(pool.clone(), H256(hash), count), &drawn);
		let shorter = draw(pool, H256(hash), count / 2);
		prop_assert!(drawn.starts_with(&shorter));
	}
}
