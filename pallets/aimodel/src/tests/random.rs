//! Anybody does anything, thousands of times; what everybody owns is reckoned beside the chain, by
//! other arithmetic, and compared after every step.
//!
//! A failure prints its seed and the steps that led to it. `RANDOM_SEEDS` says how many seeds are tried
//! beside the ones that always are, and `RANDOM_SEED` from which on:
//!
//! ```sh
//! RANDOM_SEED=100 RANDOM_SEEDS=60 cargo test --release -p pallet-aimodel random -- --nocapture
//! ```

mod agreed;
mod book;
mod dice;
mod end;
mod follow;
mod incentives;
mod scenario;
mod shares;
mod steps;

use super::world::*;
use crate::*;
use aimodel_primitives::pricing::{Offer, ServiceTerms};
use frame_support::traits::GetCallName;
use sp_runtime::{AccountId32, Permill};
use std::{collections::BTreeMap, env, ops::Range, time};

/// Of one seed.
const STEPS: usize = 2_000;

/// The seed of a customer's key, and the customer, who signs vouchers with it.
const SEED: [u8; 32] = [7; 32];
const SIGNER: AccountId32 = AccountId32::new([
	0x7c, 0x0f, 0x46, 0x9d, 0x3b, 0xd3, 0x40, 0xba, 0xe7, 0x18, 0x20, 0x3f, 0xa3, 0x0c, 0xa0, 0x71,
	0xa5, 0xe3, 0x7c, 0x75, 0x1e, 0x89, 0x1d, 0xbd, 0xed, 0x83, 0x7b, 0x21, 0x3d, 0x45, 0xd9, 0x1d,
]);

const CUSTOMERS: [AccountId32; 4] = [CUSTOMER, STRANGER, AUTHOR, SIGNER];
const WORKERS: [AccountId32; 2] = [WORKER, OTHER_WORKER];
const EVERYBODY: [AccountId32; 8] =
	[CUSTOMER, STRANGER, AUTHOR, SIGNER, OWNER, WORKER, OTHER_WORKER, PLATFORM];
/// Two of these change the shared model.
const MEMBERS: [AccountId32; 3] = [STRANGER, AUTHOR, WORKER];

/// Of what is at stake, where a lapse has left a model less available than it never is promised to be.
const PENALTY: Permill = Permill::from_percent(35);
/// What dear plans promise. No lapse leaves a model that available.
const TERMS: ServiceTerms = ServiceTerms {
	deadline: Some(20),
	penalty: Permill::from_percent(3),
	availability: Permill::one(),
	breach: PENALTY,
};

const fn offered(
	tier: Tier,
	(period, grace): (u32, u32),
	price: Balance,
	quota: Option<u64>,
	service: Option<ServiceTerms>,
	to: Option<AccountId32>,
) -> Offer<AccountId32> {
	Offer { plan: Plan { period, price, quota, grace, service, limits: None }, tier, to }
}

/// What owners sell: the dear ones pay their workers, the free ones leave them to the pot. The last is
/// for one account.
const OFFERS: [Offer<AccountId32>; 5] = [
	offered(Tier::Standard, (14, 8), 3_000, Some(5), Some(TERMS), None),
	offered(Tier::Standard, (9, 9), 0, Some(4), None, None),
	offered(Tier::Trial, (6, 3), 0, Some(2), None, None),
	offered(Tier::Professional, (17, 6), 5_003, None, None, None),
	offered(Tier::Enterprise, (23, 12), 8_009, Some(11), Some(TERMS), Some(STRANGER)),
];

/// What comes about beside the calls.
const EVENTS: [&str; 21] = [
	"lapse",
	"a lease that was not accepted lapses",
	"refused at once",
	"fall back",
	"penalty",
	"answer by plan",
	"request by pot",
	"request by a plan's price",
	"a reserve comes back after its period",
	"calls at a gateway",
	"more calls than there is room for",
	"upgrade",
	"upgrade with credit",
	"change at the end of the period",
	"subscription of one account",
	"a subscriber has back what it did not use",
	"an era passes on what is left",
	"approve",
	"agree",
	"a model closes",
	"another model in its place",
];

type Done = BTreeMap<&'static str, u32>;

/// How often everything was done in these seeds.
fn try_seeds(seeds: Range<u64>) -> Done {
	let mut all = Done::new();
	for (kind, times) in seeds.flat_map(scenario::run) {
		*all.entry(kind).or_default() += times;
	}
	all
}

#[test]
fn what_everybody_owns_is_what_was_agreed_whatever_anybody_does() {
	let done = try_seeds(0..2);
	let calls = Call::<Test>::get_call_names().iter();
	let missing: Vec<_> = calls.chain(&EVENTS).filter(|kind| !done.contains_key(*kind)).collect();
	assert!(missing.is_empty(), "never {missing:?} among {done:?}");
}

#[test]
fn and_with_a_seed_that_nobody_chose() {
	let now = time::SystemTime::now().duration_since(time::UNIX_EPOCH);
	scenario::run(now.unwrap().as_nanos() as u64);
}

#[test]
fn and_with_as_many_as_are_asked_for() {
	let number = |name| env::var(name).ok().and_then(|number| number.parse().ok());
	let first = number("RANDOM_SEED").unwrap_or(2);
	let seeds = number("RANDOM_SEEDS").unwrap_or(0);
	let done = try_seeds(first..first + seeds);
	println!("{seeds} seeds of {STEPS} steps: {done:?}");
}
