//! Rewards from the platform's share: who merits them, who is paid them, and that nobody can farm
//! them.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	incentives::{Era, Merit, Reward},
	Payee,
};
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungible::Inspect, Hooks},
	weights::Weight,
};
use sp_runtime::{AccountId32, DispatchError, Permill};

/// Blocks of an era. Two eras can be claimed beside the current one.
const ERA: u64 = 50;
/// The platform's part of a digit.
const FEES: Balance = 300;

fn signed(who: AccountId32) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Governance gives this part of the platform's share to the incentives.
fn incentives_have(percent: u32) {
	let share = Permill::from_percent(percent);
	assert_ok!(Aimodel::set_incentive_share(RuntimeOrigin::root(), share));
}

/// Buys a digit and has it answered.
fn buy(out_point: OutPoint) {
	let request = request_digit(out_point);
	next_block();
	assert_ok!(answer(&WORKER, request));
}

/// Orders a digit that nobody answers.
fn fail(out_point: OutPoint) {
	let request = request_digit(out_point);
	advance_to(deadline(request) + 1);
}

fn fund() -> Balance {
	Aimodel::incentives().eras.last().unwrap().fund
}

fn claim(model: ModelId, era: u32) -> Result<Balance, DispatchError> {
	Aimodel::claim_reward(signed(STRANGER), model, era).plain()?;
	match last_event() {
		Event::RewardClaimed { reward, beneficiaries, .. } => {
			assert_eq!(beneficiaries.iter().map(|(_, part)| part).sum::<Balance>(), reward);
			Ok(reward)
		},
		other => panic!("expected a claim, found {other:?}"),
	}
}

/// Another digits model under the key of the first, served by the same worker.
fn another(model: ModelId) -> (ModelId, OutPoint) {
	let version = Versions::<Test>::get(model, 0).unwrap();
	let (model, out_point) = deploy(version);
	serve(&WORKER, VersionId { model, index: 0 });
	(model, out_point)
}

#[test]
fn the_incentives_are_fed_from_the_platforms_share_alone() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		buy(out_point);
		assert_eq!((earned(&PLATFORM), fund()), (FEES, 0), "at first they have nothing");
		let open = request_digit(out_point);
		incentives_have(50);
		next_block();
		assert_ok!(answer(&WORKER, open));
		let Event::Settled { payout, .. } = last_event() else { panic!("it was settled") };
		assert_eq!((payout.platform, payout.incentives), (FEES, 150));
		assert_eq!((earned(&PLATFORM), fund()), (FEES + 150, 150));
		assert_eq!([&WORKER, &OWNER, &AUTHOR].map(earned), [700, 468, 234]);
		assert_eq!(Aimodel::pot_balance(), 2 * PRICE);
	});
}

#[test]
fn governance_alone_sets_what_feeds_the_incentives_up_to_half() {
	run(|| {
		let share = Permill::from_percent(50);
		let refused = Aimodel::set_incentive_share(signed(OWNER), share);
		assert_noop!(refused, DispatchError::BadOrigin);
		let more = share + Permill::from_parts(1);
		let refused = Aimodel::set_incentive_share(RuntimeOrigin::root(), more);
		assert_noop!(refused, Error::<Test>::IncentiveShareTooHigh);
		incentives_have(50);
		assert_eq!(last_event(), Event::IncentiveShareSet { share });
		assert_eq!(Aimodel::incentives().share, share);
	});
}

#[test]
fn a_reward_is_claimed_once_when_its_era_is_over() {
	run(|| {
		incentives_have(50);
		let (model, out_point) = deploy_served_digits();
		buy(out_point);
		buy(out_point);
		assert_noop!(claim(model, 0), Error::<Test>::EraNotOver);
		assert_noop!(claim(model, 1), Error::<Test>::EraNotOver);
		advance_to(ERA);
		let merit = Merit { fees: 2 * FEES, failed: 0 };
		assert_eq!(Aimodel::rewards(&model), [Reward { era: 0, merit, amount: FEES }]);

		let before = [&OWNER, &AUTHOR, &WORKER].map(earned);
		assert_eq!(claim(model, 0), Ok(FEES));
		// Two thirds and one third, nothing to the worker.
		let after = [&OWNER, &AUTHOR, &WORKER].map(earned);
		assert_eq!(after, [before[0] + 200, before[1] + 100, before[2]]);
		assert_eq!(Aimodel::income(&model).unwrap().rewards.current, FEES);
		assert_noop!(claim(model, 0), Error::<Test>::NothingToClaim);
		assert_eq!(Aimodel::rewards(&model), []);
	});
}

#[test]
fn only_proven_answers_merit() {
	run(|| {
		incentives_have(50);
		let (model, out_point) = deploy_served_attested();
		let request = request(out_point, Assurance::Attested, floats(2), 2 * PRICE);
		next_block();
		assert_ok!(answer_attested(&WORKER, request, words(1), None));
		assert!(fund() > 0);
		advance_to(ERA);
		assert_eq!(Aimodel::rewards(&model), []);
		assert_noop!(claim(model, 0), Error::<Test>::NothingToClaim);
	});
}

#[test]
fn who_fails_merits_less() {
	run(|| {
		incentives_have(10);
		let (good, first) = deploy_served_digits();
		let (poor, second) = another(good);
		buy(first);
		buy(second);
		fail(second);
		// As much failed as was answered: half the weight.
		advance_to(ERA);
		assert_eq!((claim(good, 0), claim(poor, 0)), (Ok(40), Ok(20)));
	});
}

#[test]
fn a_cancelled_request_is_no_failure() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		assert_ok!(Aimodel::cancel(signed(CUSTOMER), request));
		assert_eq!(Aimodel::rewards(&model), []);
	});
}

#[test]
fn a_reward_stays_below_the_fees_however_much_there_is() {
	run(|| {
		incentives_have(50);
		let (model, out_point) = deploy_served_digits();
		// Others, whose answers are not proven, leave all that they feed.
		let (_, attested) = deploy_served_by_strangers();
		strangers_buy(attested);
		buy(out_point);
		assert!(fund() > 10 * FEES);
		advance_to(ERA);
		assert_eq!(claim(model, 0), Ok(FEES / 2));
	});
}

#[test]
fn what_nobody_claims_rolls_over() {
	run(|| {
		incentives_have(50);
		let (model, out_point) = deploy_served_digits();
		buy(out_point);
		advance_to(3 * ERA - 1);
		assert_eq!(Aimodel::rewards(&model).len(), 1);
		assert_eq!(fund(), 0);
		next_block();
		assert_eq!(Aimodel::rewards(&model), []);
		assert_noop!(claim(model, 0), Error::<Test>::NothingToClaim);
		let rolled = Era { index: 3, fund: 150, ..Era::default() };
		assert_eq!(Aimodel::incentives().eras, [rolled]);
		// After a long silence it is still there.
		advance_to(20 * ERA);
		buy(out_point);
		assert_eq!(fund(), 300);
		advance_to(21 * ERA);
		assert_eq!(claim(model, 20), Ok(150));
		assert_eq!(Aimodel::incentives().eras[0].rest(), 150);
	});
}

#[test]
fn a_model_that_closes_gives_up_what_it_did_not_claim() {
	run(|| {
		incentives_have(50);
		let (model, out_point) = deploy_served_digits();
		buy(out_point);
		assert_ok!(Aimodel::retire(signed(OWNER), out_point));
		advance_to(ERA);
		assert_noop!(claim(model, 0), Error::<Test>::UnknownModel);
		advance_to(3 * ERA);
		assert_eq!(fund(), 150);
	});
}

#[test]
fn a_reward_reaches_the_base_of_a_model() {
	run(|| {
		incentives_have(50);
		let (base, _) = deploy(attested());
		let (model, out_point) = deploy_served_digits();
		let tuned =
			split_among(&[(Payee::Model(base), 300_000), (Payee::Account(STRANGER), 100_000)]);
		assert_ok!(Aimodel::resplit(signed(OWNER), out_point, tuned));
		buy(tip(model));
		let before = [&OWNER, &AUTHOR, &STRANGER].map(earned);
		advance_to(ERA);
		assert_eq!(claim(model, 0), Ok(150));
		let after = [&OWNER, &AUTHOR, &STRANGER].map(earned);
		// A quarter to the stranger; of the rest two thirds, and a little more than one.
		assert_eq!(after, [before[0] + 75, before[1] + 38, before[2] + 37]);
	});
}

#[test]
fn merits_are_kept_for_as_many_eras_as_can_be_claimed() {
	run(|| {
		incentives_have(50);
		let (model, out_point) = deploy_served_digits();
		for era in 0..5 {
			advance_to((era * ERA).max(1));
			buy(out_point);
		}
		let eras: Vec<_> = Aimodel::rewards(&model).iter().map(|reward| reward.era).collect();
		assert_eq!(eras, [2, 3, 4]);
		assert_eq!((claim(model, 2), claim(model, 3)), (Ok(150), Ok(150)));
	});
}

// --- Trading with oneself ----------------------------------------------------------------------

/// Strangers sell attested answers for fifty times the price of a digit.
fn deploy_served_by_strangers() -> (ModelId, OutPoint) {
	let (dear, all) = (Tariff::flat(50 * PRICE, 0), split_among(&[]));
	assert_ok!(Aimodel::deploy(signed(STRANGER), attested(), dear, all));
	let Event::Deployed { model, out_point, .. } = last_event() else { panic!("it was deployed") };
	bond(&OTHER_WORKER);
	assert_ok!(Workers::bond_more(signed(OTHER_WORKER), 4 * BOND));
	serve(&OTHER_WORKER, VersionId { model, index: 0 });
	(model, out_point)
}

/// A stranger buys of them.
fn strangers_buy(out_point: OutPoint) {
	let (who, input) = (signed(STRANGER), floats(2));
	assert_ok!(Aimodel::request(
		who,
		out_point,
		Assurance::Attested,
		input,
		50 * PRICE,
		None,
		Default::default()
	));
	let request = NextRequest::<Test>::get() - 1;
	next_block();
	assert_ok!(answer_attested(&OTHER_WORKER, request, words(1), None));
}

/// Customer, owner, author and worker in one hand.
const HAND: [AccountId32; 4] = [CUSTOMER, OWNER, AUTHOR, WORKER];

/// All that the hand has: free, held and earned.
fn wealth() -> Balance {
	let has = |who: &AccountId32| <Balances as Inspect<_>>::total_balance(who) + earned(who);
	HAND.iter().map(has).sum()
}

/// What the platform had of the hand's calls, and what rewards the hand claimed.
fn fees_and_rewards() -> (Balance, Balance) {
	events().into_iter().fold((0, 0), |(fees, rewards), event| match event {
		Event::Settled { worker, payout, .. } if worker == WORKER => {
			(fees + payout.platform, rewards)
		},
		Event::RewardClaimed { reward, .. } => (fees, rewards + reward),
		_ => (fees, rewards),
	})
}

/// Advances with every hook, and checks the invariants at the end alone.
fn pass_to(block: u64) {
	for now in System::block_number() + 1..=block {
		System::set_block_number(now);
		Aimodel::on_initialize(now);
		Aimodel::on_idle(now, Weight::MAX);
	}
	check_invariants();
}

/// A die of any number of sides, the same for every seed.
struct Die(u64);

impl Die {
	fn roll(&mut self, sides: u64) -> u64 {
		self.0 =
			self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(self.0 >> 33) % sides
	}
}

/// Trades with itself in whatever order, prices and eras, with the most that governance can give and
/// strangers who feed the incentives and merit nothing. Returns the hand's rewards.
fn trade_with_oneself(seed: u64) -> Balance {
	let mut die = Die(seed);
	incentives_have(50);
	let (model, _) = deploy_served_digits();
	let (_, dear) = deploy_served_by_strangers();
	let before = wealth();
	let era = || (System::block_number() / ERA) as u32;
	let claim_all = || {
		for index in era().saturating_sub(3)..era() {
			let _ = Aimodel::claim_reward(signed(AUTHOR), model, index);
		}
	};
	for _ in 0..40 {
		match die.roll(10) {
			0..=4 => {
				let price = [0, 1, 3, 4, 1_001, 3_000][die.roll(6) as usize];
				let tariff = Tariff::flat(price, 0);
				assert_ok!(Aimodel::reprice(signed(OWNER), tip(model), tariff));
				buy_for(tip(model), price, die.roll(6) > 0);
			},
			5 => {
				let share = 1 + die.roll(999_999) as u32;
				let split = split_among(&[(Payee::Account(AUTHOR), share.min(999_999))]);
				assert_ok!(Aimodel::resplit(signed(OWNER), tip(model), split));
			},
			6 => strangers_buy(dear),
			7 => pass_to((u64::from(era()) + 1) * ERA),
			8 => {
				let share = Permill::from_percent(10 + die.roll(41) as u32);
				// It may be that already.
				let _ = Aimodel::set_platform_share(RuntimeOrigin::root(), share);
			},
			_ => claim_all(),
		}
	}
	for _ in 0..3 {
		pass_to((u64::from(era()) + 1) * ERA);
		claim_all();
	}
	let (fees, rewards) = fees_and_rewards();
	let lost = before.checked_sub(wealth()).expect("nobody gains by trading with oneself");
	assert!(lost >= fees - fees / 2, "seed {seed}: lost {lost} of {fees}");
	assert!(rewards <= fees / 2, "seed {seed}");
	assert!(fees > 0, "seed {seed}: nothing was traded");
	rewards
}

/// The customer orders a digit, and its worker answers or not.
fn buy_for(out_point: OutPoint, price: Balance, answered: bool) {
	let ordered = Aimodel::request(
		signed(CUSTOMER),
		out_point,
		PROVEN,
		image(),
		price,
		None,
		Default::default(),
	);
	if ordered.is_err() {
		return;
	}
	let request = NextRequest::<Test>::get() - 1;
	next_block();
	if answered {
		assert_ok!(answer(&WORKER, request));
	} else {
		pass_to(deadline(request) + 1);
	}
}

#[test]
fn trading_with_oneself_always_loses() {
	let rewards: Balance = (0..12)
		.map(|seed| {
			let mut rewards = 0;
			run(|| rewards = trade_with_oneself(seed));
			rewards
		})
		.sum();
	assert!(rewards > 0, "no seed was ever rewarded");
}
