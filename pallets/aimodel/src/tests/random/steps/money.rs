//! What is set aside, put up, limited, claimed and withdrawn; and what governance sets.

use super::super::{super::world::*, incentives::era, scenario::Scenario, CUSTOMERS, EVERYBODY};
use crate::*;
use aimodel_primitives::billing::Budget;
use sp_runtime::{AccountId32, Percent, Permill};

pub(in super::super) fn withdraw(scenario: &mut Scenario) {
	let [who, dest] = [0; 2].map(|_| scenario.dice.pick(&EVERYBODY).unwrap());
	let call = match scenario.dice.once_in(2) {
		true => Call::withdraw {},
		false => Call::withdraw_to { dest },
	};
	let has = scenario.book.earned[&who] > 0;
	assert_eq!(scenario.call(&who, call).is_ok(), has, "what was earned can be withdrawn");
}

/// Of the owner, to put something up; or of whoever did.
fn change_funds(
	scenario: &mut Scenario,
	theirs: Vec<((ModelId, AccountId32), Balance)>,
	put: impl Fn(ModelId, Balance) -> Call<Test>,
	take: impl Fn(ModelId, Balance) -> Call<Test>,
) {
	if scenario.dice.once_in(2) {
		let model = scenario.slot().model;
		let Some(owner) = Scenario::owner_of(model) else { return };
		let amount = scenario.dice.roll(4_000).into();
		let _ = scenario.call(&owner, put(model, amount));
		return;
	}
	let Some(((model, who), free)) = scenario.dice.pick(&theirs) else { return };
	let amount = scenario.dice.roll(2_000).into();
	let done = scenario.call(&who, take(model, amount));
	assert!(done.is_err() || amount <= free, "what is reserved stays");
	assert!(done.is_ok() || amount == 0 || amount > free, "what is free can be taken back");
}

pub(in super::super) fn change_pot(scenario: &mut Scenario) {
	let pots = scenario.book.pots.iter().map(|(key, pot)| (key.clone(), pot.free)).collect();
	let put = |model, amount| Call::fund_pot { model, amount };
	change_funds(scenario, pots, put, |model, amount| Call::withdraw_pot { model, amount });
}

pub(in super::super) fn change_bond(scenario: &mut Scenario) {
	let bonds = scenario.book.bonds.iter().map(|(key, bond)| (key.clone(), bond.free)).collect();
	let put = |model, amount| Call::post_service_bond { model, amount };
	let take = |model, amount| Call::withdraw_service_bond { model, amount };
	change_funds(scenario, bonds, put, take);
}

pub(in super::super) fn set_budget(scenario: &mut Scenario) {
	let alerts = vec![Percent::from_percent(50)].try_into().unwrap();
	let limit = scenario.dice.roll(20_000).into();
	let budget = scenario.dice.once_in(2).then_some(Budget { limit, alerts });
	let who = scenario.dice.pick(&CUSTOMERS).unwrap();
	let model = scenario.slot().model;
	let _ = scenario.call(&who, Call::set_budget { model, budget });
}

/// Exactly what is reckoned can be claimed.
pub(in super::super) fn claim_reward(scenario: &mut Scenario) {
	let who = scenario.dice.pick(&EVERYBODY).unwrap();
	let model = scenario.slot().model;
	let now = era();
	for era in now.saturating_sub(3)..=now {
		let reward = scenario.book.incentives.reward(model, era);
		let claimed = scenario.call(&who, Call::claim_reward { model, era });
		assert_eq!(claimed.is_ok(), reward > 0, "a reward of {reward}: {claimed:?}");
		if claimed.is_ok() {
			scenario.follow();
			assert_eq!(scenario.book.incentives.reward(model, era), 0, "once");
			let again = scenario.call(&who, Call::claim_reward { model, era });
			assert!(again.is_err(), "once");
		}
	}
}

pub(in super::super) fn govern(scenario: &mut Scenario) {
	let call = match scenario.dice.once_in(2) {
		true => {
			let share = Permill::from_percent(10 + scenario.dice.roll(40) as u32);
			Call::set_platform_share { share }
		},
		false => {
			let share = Permill::from_parts(scenario.dice.roll(500_001) as u32);
			Call::set_incentive_share { share }
		},
	};
	let _ = scenario.count(RuntimeOrigin::root(), call);
}
