//! Customers subscribe, change, cancel; owners sell other things.

use super::super::{
	super::world::*,
	agreed::Paid,
	scenario::{Scenario, Slot},
	CUSTOMERS, OFFERS,
};
use crate::*;
use sp_runtime::AccountId32;

/// Somebody's period, mostly one that satisfies.
fn period(
	scenario: &mut Scenario,
	wanted: impl Fn(&Paid) -> bool,
) -> Option<(AccountId32, ModelId)> {
	let all = &scenario.book.periods;
	let mut keys: Vec<_> = all.iter().filter(|(_, period)| wanted(period)).collect();
	if keys.is_empty() {
		keys = all.iter().collect();
	}
	let keys: Vec<_> = keys.into_iter().map(|(key, _)| key.clone()).collect();
	scenario.dice.pick(&keys)
}

pub(in super::super) fn subscribe(scenario: &mut Scenario) {
	let Some(Slot { model, .. }) = scenario.dice.pick(&scenario.slots) else { return };
	let Some(out_point) = Tips::<Test>::get(model) else { return };
	let plans = Outputs::<Test>::get(out_point).unwrap().content.plans;
	let plan = scenario.dice.roll(1 + plans.len() as u64) as u32;
	let to = plans.get(plan as usize).and_then(|offer| offer.to.clone());
	// Mostly the one whom it is for.
	let somebody = scenario.dice.pick(&CUSTOMERS).unwrap();
	let who = to.clone().filter(|_| !scenario.dice.once_in(3)).unwrap_or(somebody);
	let done = scenario.call(&who, Call::subscribe { out_point, plan });
	if let (Ok(()), Some(to)) = (done, to) {
		assert_eq!(to, who, "it was offered to another");
		scenario.book.did("subscription of one account");
	}
}

pub(in super::super) fn renew(scenario: &mut Scenario) {
	let now = System::block_number() as u32;
	let due = period(scenario, |paid| now >= paid.end() && paid.lives(now));
	let Some((account, model)) = due else { return };
	let who = scenario.dice.pick(&CUSTOMERS).unwrap();
	let _ = scenario.call(&who, Call::renew { account, model });
}

pub(in super::super) fn change_plan(scenario: &mut Scenario) {
	let (now, cheap) = (System::block_number() as u32, scenario.dice.once_in(2));
	let wanted = |paid: &Paid| paid.lives(now) && (!cheap || paid.plan.price < 8_000);
	let Some((who, model)) = period(scenario, wanted) else { return };
	let Some(out_point) = Tips::<Test>::get(model) else { return };
	let plan = scenario.dice.roll(OFFERS.len() as u64) as u32;
	let _ = scenario.call(&who, Call::change_plan { out_point, plan });
}

pub(in super::super) fn cancel_subscription(scenario: &mut Scenario) {
	let now = System::block_number() as u32;
	let goes_on = |paid: &Paid| paid.next.is_some() && paid.lives(now);
	let Some((who, model)) = period(scenario, goes_on) else { return };
	let _ = scenario.call(&who, Call::cancel_subscription { model });
}

pub(in super::super) fn close_subscription(scenario: &mut Scenario) {
	let of_retired: Vec<_> = {
		let (periods, retired) = (&scenario.book.periods, &scenario.book.retired);
		periods.keys().filter(|(_, model)| retired.contains_key(model)).cloned().collect()
	};
	let any = |scenario: &mut Scenario| period(scenario, |_| true);
	let Some((account, model)) = scenario.dice.pick(&of_retired).or_else(|| any(scenario)) else {
		return;
	};
	let who = scenario.dice.pick(&CUSTOMERS).unwrap();
	let _ = scenario.call(&who, Call::close_subscription { account, model });
}

/// Mostly everything again: what is sold no more is not renewed.
pub(in super::super) fn set_plans(scenario: &mut Scenario) {
	let model = scenario.slot().model;
	let Some(owner) = Scenario::owner_of(model) else { return };
	let mut plans = OFFERS.to_vec();
	if scenario.dice.once_in(3) {
		plans.remove(scenario.dice.roll(plans.len() as u64) as usize);
	}
	let plans = plans.try_into().unwrap();
	let _ = scenario.call(&owner, Call::set_plans { out_point: tip(model), plans });
}

pub(in super::super) fn waive_penalty(scenario: &mut Scenario) {
	let Some((who, model)) = period(scenario, |_| true) else { return };
	let waived = !scenario.dice.once_in(3);
	let _ = scenario.call(&who, Call::waive_penalty { model, waived });
}
