//! Customers order, workers answer, or nobody does.

use super::super::{
	super::world::*,
	scenario::{Scenario, Slot},
	CUSTOMERS, EVERYBODY, WORKERS,
};
use crate::*;
use aimodel_primitives::{access::Policy, runtime_api::RequestInfo};
use pallet_workers::Leases;
use sp_core::{ConstU32, H256};
use sp_runtime::AccountId32;
use std::collections::BTreeMap;

type Ordered = (Assurance, Input<ConstU32<256>>, u64);

impl Scenario {
	/// What is asked of a model, and the most units that it can take.
	fn order(&mut self, proven: bool) -> Ordered {
		if proven {
			return (PROVEN, image(), 2);
		}
		let rows = 1 + self.dice.roll(4);
		let input = match self.dice.once_in(4) {
			true => Input::Blob { hash: H256::repeat_byte(1), length: 8 * rows },
			false => floats(2 * rows as usize),
		};
		(Assurance::Attested, input, 1 + 2 * rows + 30 * rows)
	}

	/// Who was not to be let in is not: this is what an owner has set.
	fn was_let_in(&self, who: &AccountId32, model: ModelId) {
		let ModelContent { access, owner, retired, .. } =
			Outputs::<Test>::get(tip(model)).unwrap().content;
		assert!(!access.paused && !retired, "it takes requests");
		let in_period = self.book.periods.get(&(who.clone(), model));
		let let_in = match access.policy {
			Policy::Open => true,
			Policy::AllowList => self.book.listed.contains(&(model, who.clone())),
			Policy::Subscribers => in_period.is_some(),
			Policy::Tier(least) => in_period.is_some_and(|period| {
				period.tier >= least || period.next.is_some_and(|(_, tier)| tier >= least)
			}),
		};
		assert!(let_in || owner == *who, "{who:?} was let in by {access:?}");
	}
}

/// Somebody, and a model that is live.
fn whom_and_what(scenario: &mut Scenario) -> Option<(AccountId32, Slot)> {
	let who = scenario.dice.pick(&CUSTOMERS)?;
	let slot = scenario.slot();
	Tips::<Test>::contains_key(slot.model).then_some((who, slot))
}

pub(in super::super) fn request(scenario: &mut Scenario) {
	let Some((who, slot)) = whom_and_what(scenario) else { return };
	let (assurance, input, units) = scenario.order(slot.proven);
	let max_fee = (300 + scenario.dice.roll(4_000)).into();
	let mut asked = vec![slot];
	if slot.proven && !scenario.dice.once_in(4) {
		let alike = |other: &&Slot| other.proven && other.model != slot.model;
		let live = |other: &&Slot| Tips::<Test>::contains_key(other.model);
		asked.extend(scenario.slots.iter().filter(alike).filter(live));
	}
	let quoted = asked.iter().map(|slot| {
		let mut agreed = scenario.book.agree(&who, slot.model);
		agreed.most = agreed.price(units).min(max_fee);
		(slot.model, agreed)
	});
	let mut quoted: BTreeMap<_, _> = quoted.collect();
	let fallbacks: Vec<_> = asked[1..].iter().map(|slot| tip(slot.model)).collect();
	let id = NextRequest::<Test>::get();
	let call = Call::request {
		out_point: tip(slot.model),
		assurance,
		input,
		max_fee,
		deadline: None,
		fallbacks: fallbacks.try_into().unwrap(),
	};
	if scenario.call(&who, call).is_err() {
		return;
	}
	let Some(RequestInfo::Open { version, fallbacks, held, .. }) = Aimodel::request_info(id) else {
		panic!("it is open")
	};
	let mut agreed = quoted.remove(&version.model).expect("one of these serves");
	agreed.later = fallbacks.iter().map(|later| quoted.remove(&later.model).unwrap()).collect();
	let later = agreed.later.iter().map(|later| later.most).max();
	agreed.held = agreed.most.max(later.unwrap_or_default());
	assert_eq!(held, agreed.held, "what is held");
	let models: Vec<_> = [&agreed].into_iter().chain(&agreed.later).map(|one| one.model).collect();
	scenario.book.open.insert(id, agreed);
	for model in models {
		scenario.was_let_in(&who, model);
		scenario.book.stays_within_its_budget(&who, model);
	}
}

pub(in super::super) fn request_by_plan(scenario: &mut Scenario) {
	// Mostly somebody who has one, or can have it renewed.
	let now = System::block_number() as u32;
	let live = scenario.book.periods.iter().filter(|(_, period)| period.lives(now));
	let periods: Vec<_> = live.map(|(key, _)| key.clone()).collect();
	let of_period = scenario.dice.pick(&periods).and_then(|(who, model)| {
		let slot = scenario.slots.iter().find(|slot| slot.model == model)?;
		Some((who, *slot))
	});
	let Some((who, slot)) = of_period.or_else(|| whom_and_what(scenario)) else { return };
	let Some(out_point) = Tips::<Test>::get(slot.model) else { return };
	let (assurance, input, units) = scenario.order(slot.proven);
	let mut agreed = scenario.book.agree(&who, slot.model);
	agreed.draw = Some(agreed.draw_of(agreed.price(units)));
	// Some outlive their period.
	let deadline = scenario.dice.once_in(2).then(|| System::block_number() + 30);
	let id = NextRequest::<Test>::get();
	let call = Call::request_by_plan { out_point, assurance, input, deadline };
	if scenario.call(&who, call).is_err() {
		return;
	}
	scenario.was_let_in(&who, slot.model);
	scenario.book.open.insert(id, agreed);
}

/// What a worker says to a request, and the units that it is to be paid for.
fn answer_to(scenario: &mut Scenario, worker: &AccountId32, id: RequestId) -> (Answer<Test>, u64) {
	let (request, rows) = (id, u64::from(Requests::<Test>::get(id).unwrap().rows));
	if scenario.book.open[&id].proven {
		let proof = Some(proof(worker, id));
		return (Answer { request, output: scores(), units: None, proof }, 2);
	}
	let spoken = 1 + scenario.dice.roll(3);
	let computed: u64 = 1 + 2 * rows + 10 * rows * spoken;
	let units = scenario.dice.once_in(2).then(|| scenario.dice.roll(computed + 1));
	let output = super::super::super::world::words((rows * spoken) as usize);
	(Answer { request, output, units, proof: None }, units.unwrap_or(computed))
}

/// Who does not have to answer may accept to, mostly.
fn accept(scenario: &mut Scenario, worker: &AccountId32, id: RequestId) {
	let obliged = Leases::<Test>::get(id).is_some_and(|lease| lease.obliged);
	if !obliged && !scenario.dice.once_in(4) {
		scenario.note(Workers::accept(RuntimeOrigin::signed(operator(worker)), id).is_ok());
	}
}

pub(in super::super) fn answer(scenario: &mut Scenario) {
	let ids: Vec<_> = scenario.book.open.keys().copied().collect();
	let Some(id) = scenario.dice.pick(&ids) else { return };
	let Some(worker) = holder(id) else { return };
	accept(scenario, &worker, id);
	let (Answer { request, output, units, proof }, billed) = answer_to(scenario, &worker, id);
	let call = Call::submit_result { request, output, units, proof };
	if scenario.call(&operator(&worker), call).is_ok() {
		scenario.book.settle(id, billed, &worker);
	}
}

pub(in super::super) fn answer_several(scenario: &mut Scenario) {
	let Some(worker) = scenario.dice.pick(&WORKERS) else { return };
	let held = scenario.book.open.keys().filter(|id| {
		let lease = Leases::<Test>::get(id);
		lease.is_some_and(|lease| lease.worker == worker && lease.obliged)
	});
	let held: Vec<_> = held.copied().take(1 + scenario.dice.roll(4) as usize).collect();
	let answers: Vec<_> = held.iter().map(|id| answer_to(scenario, &worker, *id)).collect();
	let billed: Vec<_> = answers.iter().map(|(_, billed)| *billed).collect();
	let answers: Vec<_> = answers.into_iter().map(|(answer, _)| answer).collect();
	let call = Call::submit_results { answers: answers.try_into().unwrap() };
	if scenario.call(&operator(&worker), call).is_ok() {
		for (id, billed) in held.into_iter().zip(billed) {
			scenario.book.settle(id, billed, &worker);
		}
	}
}

/// Mostly by the customer.
pub(in super::super) fn cancel(scenario: &mut Scenario) {
	let ids: Vec<_> = scenario.book.open.keys().copied().collect();
	let Some(request) = scenario.dice.pick(&ids) else { return };
	let customer = scenario.book.open[&request].customer.clone();
	let who = match scenario.dice.once_in(4) {
		true => scenario.dice.pick(&EVERYBODY).unwrap(),
		false => customer.clone(),
	};
	if scenario.call(&who, Call::cancel { request }).is_ok() {
		assert_eq!(customer, who, "nobody cancels another's request");
	}
}

/// Anybody does for all what the chain has not come to.
pub(in super::super) fn expire_or_advance(scenario: &mut Scenario) {
	let Some(who) = scenario.dice.pick(&EVERYBODY) else { return };
	for request in scenario.book.open.keys().copied().collect::<Vec<_>>() {
		if scenario.dice.once_in(2) {
			let late = System::block_number() > deadline(request);
			let expired = scenario.call(&who, Call::expire { request });
			assert_eq!(expired.is_ok(), late, "from its deadline on");
		} else {
			let _ = scenario.call(&who, Call::advance { request });
		}
	}
}
