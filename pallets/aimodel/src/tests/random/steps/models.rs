//! What owners change of their models, and how models change hands, end, and are followed by others.

use super::super::{
	super::world::*,
	scenario::{Scenario, Slot},
	CUSTOMERS,
};
use crate::*;
use aimodel_primitives::{
	access::{BreakerParams, Limits, Policy, RateLimit},
	models::Metadata,
	pricing::{Bounds, Bracket},
	Payee,
};
use sp_runtime::{AccountId32, Permill};

/// A model that is not closed, and its owner.
fn owned(scenario: &mut Scenario) -> Option<(Slot, AccountId32)> {
	let slot = scenario.slot();
	Some((slot, Scenario::owner_of(slot.model)?))
}

impl Scenario {
	fn tariff(&mut self) -> Tariff {
		let volume = (1..=self.dice.roll(3)).map(|at| Bracket {
			from: 2 * at,
			discount: Permill::from_parts(self.dice.roll(1_000_000) as u32),
		});
		let volume = volume.collect::<Vec<_>>().try_into().unwrap();
		let [a, b] = [2_000, 4_000].map(|below| Balance::from(self.dice.roll(below)));
		let bounds = match self.dice.roll(2) {
			0 => Bounds::default(),
			_ => Bounds { min: a.min(b), max: a.max(b) },
		};
		let minimum = self.dice.roll(500).into();
		let flat = Tariff::flat(self.dice.roll(1_000).into(), self.dice.roll(9).into());
		Tariff { minimum, bounds, volume, ..flat }
	}

	/// The worker alone, or accounts, or a model too: one that is further back, so that none leads back
	/// to itself.
	fn split(&mut self, model: ModelId) -> RevenueSplit<AccountId32> {
		if self.dice.once_in(8) {
			return split_among(&[]);
		}
		let place = self.slots.iter().position(|slot| slot.model == model).unwrap();
		let later: Vec<_> = self.slots[place + 1..].iter().map(|slot| slot.model).collect();
		let base = self.dice.pick(&later).filter(|_| self.dice.once_in(2));
		let mut left = 1_000_000;
		let mut some = || {
			let part = 1 + self.dice.roll(left / 2) as u32;
			left -= u64::from(part);
			part
		};
		let accounts = [OWNER, AUTHOR].map(Payee::Account).into_iter();
		let payees = base.map(Payee::Model).into_iter().chain(accounts);
		split_among(&payees.map(|payee| (payee, some())).collect::<Vec<_>>())
	}

	fn access(&mut self) -> Access {
		let mut some =
			|below: u64| (self.dice.roll(2) > 0).then(|| 1 + self.dice.roll(below) as u32);
		let limits = Limits {
			rate: some(9).map(|calls| RateLimit { calls, window: 10 }),
			open_per_account: some(9),
			open: some(20),
		};
		let breaker = some(2).map(|failures| BreakerParams { failures, cool_down: 7 });
		let policy = match self.dice.roll(14) {
			0 | 1 => Policy::AllowList,
			2 => Policy::Subscribers,
			3 => Policy::Tier(Tier::Professional),
			_ => Policy::Open,
		};
		Access { policy, paused: self.dice.once_in(8), limits, breaker }
	}
}

pub(in super::super) fn reprice(scenario: &mut Scenario) {
	let Some((Slot { model, .. }, owner)) = owned(scenario) else { return };
	let tariff = scenario.tariff();
	let call = Call::reprice { out_point: tip(model), tariff: tariff.clone() };
	if scenario.call(&owner, call).is_ok() {
		assert_eq!(Outputs::<Test>::get(tip(model)).unwrap().content.tariff, tariff);
	}
}

pub(in super::super) fn resplit(scenario: &mut Scenario) {
	let Some((Slot { model, .. }, owner)) = owned(scenario) else { return };
	let split = scenario.split(model);
	let call = Call::resplit { out_point: tip(model), split: split.clone() };
	if scenario.call(&owner, call).is_ok() {
		assert_eq!(Outputs::<Test>::get(tip(model)).unwrap().content.split, split);
	}
}

pub(in super::super) fn set_access(scenario: &mut Scenario) {
	let Some((Slot { model, .. }, owner)) = owned(scenario) else { return };
	let access = scenario.access();
	let _ = scenario.call(&owner, Call::set_access { out_point: tip(model), access });
}

pub(in super::super) fn change_list(scenario: &mut Scenario) {
	let Some((Slot { model, .. }, owner)) = owned(scenario) else { return };
	let account = scenario.dice.pick(&CUSTOMERS).unwrap();
	let listed = scenario.book.listed.contains(&(model, account.clone()));
	let accounts = vec![account].try_into().unwrap();
	let call = match listed {
		true => Call::disallow { model, accounts },
		false => Call::allow { model, accounts },
	};
	let _ = scenario.call(&owner, call);
}

/// What moves no money.
pub(in super::super) fn pause_or_describe(scenario: &mut Scenario) {
	let Some((Slot { model, .. }, owner)) = owned(scenario) else { return };
	let out_point = tip(model);
	let paused = Outputs::<Test>::get(out_point).unwrap().content.access.paused;
	let call = match scenario.dice.roll(4) {
		0 | 1 if !paused => Call::pause { out_point },
		2 => {
			let name = vec![b'a' + scenario.dice.roll(26) as u8].try_into().unwrap();
			Call::describe { out_point, metadata: Metadata { name, ..Default::default() } }
		},
		_ => Call::unpause { out_point },
	};
	let _ = scenario.call(&owner, call);
}

/// Another version, or another part for one: each is like the others.
pub(in super::super) fn change_versions(scenario: &mut Scenario) {
	let Some((Slot { model, lasting, .. }, owner)) = owned(scenario) else { return };
	let out_point = tip(model);
	let output = Outputs::<Test>::get(out_point).unwrap();
	// Mostly another one than that which answers.
	let others: Vec<_> = (0..output.versions).filter(|at| *at != output.content.version).collect();
	let any = scenario.dice.roll(output.versions.into()) as u32;
	let index = scenario.dice.pick(&others).filter(|_| !scenario.dice.once_in(4)).unwrap_or(any);
	let record = Versions::<Test>::get(model, index).unwrap();
	let candidate = output.content.candidate.map(|candidate| candidate.version);
	let kind = scenario.dice.roll(if candidate.is_some() { 12 } else { 8 });
	let (call, answers) = match kind {
		0 => (Call::upgrade { out_point, version: record }, Some(output.versions)),
		1 | 2 => (Call::publish { out_point, version: record }, None),
		3 => (Call::rollback { out_point, version: index }, Some(index)),
		4 | 5 => {
			let share = Permill::from_percent(50);
			(Call::stage { out_point, version: index, share }, Some(index))
		},
		6 | 8 | 9 => (Call::promote { out_point }, candidate),
		10 | 11 => (Call::abort { out_point }, None),
		_ => {
			// What lasts answers for ever.
			let notice = if lasting { 100_000 } else { scenario.dice.roll(40) };
			(Call::deprecate { out_point, version: index, notice }, None)
		},
	};
	if let (Ok(()), Some(index)) = (scenario.call(&owner, call), answers) {
		scenario.offer(VersionId { model, index });
	}
}

pub(in super::super) fn transfer(scenario: &mut Scenario) {
	let Some((Slot { model, .. }, owner)) = owned(scenario) else { return };
	let out_point = tip(model);
	if let Some(to) = Outputs::<Test>::get(out_point).unwrap().content.offered_to {
		let who = if scenario.dice.once_in(3) { owner } else { to.clone() };
		let done = scenario.call(&who, Call::accept_transfer { out_point });
		assert!(done.is_err() || who == to, "it was offered to another");
		return;
	}
	// To whom it was first, mostly: keys are theirs.
	let to = match scenario.dice.roll(4) {
		0 => None,
		1 => Some(STRANGER),
		_ => Some(OWNER),
	};
	let _ = scenario.call(&owner, Call::transfer { out_point, to });
}

/// Retires a model that does not last; or deploys another one in the place of one that was.
pub(in super::super) fn retire_or_deploy(scenario: &mut Scenario) {
	let places: Vec<_> =
		(0..scenario.slots.len()).filter(|at| !scenario.slots[*at].lasting).collect();
	let place = scenario.dice.pick(&places).unwrap();
	let Slot { model, proven, lasting } = scenario.slots[place];
	if scenario.book.retired.contains_key(&model) {
		let Some(model) = scenario.deploy(proven) else { return };
		scenario.slots[place] = Slot { model, proven, lasting };
		scenario.book.did("another model in its place");
		return;
	}
	scenario.retire(model);
	// Whoever has a plan of it has back what is not used, unless requests wait.
	let who = scenario.dice.pick(&CUSTOMERS).unwrap();
	let periods = scenario.book.periods.keys().filter(|(_, of)| *of == model);
	for (account, model) in periods.cloned().collect::<Vec<_>>() {
		if !scenario.dice.once_in(4) {
			let _ = scenario.call(&who, Call::close_subscription { account, model });
			scenario.follow();
		}
	}
	// What nobody waits for any more closes step by step.
	while scenario.call(&who, Call::close { model }).is_ok() {
		scenario.follow();
	}
}

impl Scenario {
	/// Its list has to be empty before.
	pub(in super::super) fn retire(&mut self, model: ModelId) {
		let Some(owner) = Self::owner_of(model) else { return };
		let listed = self.book.listed.iter().filter(|(of, _)| *of == model);
		let accounts: Vec<_> = listed.map(|(_, who)| who.clone()).collect();
		let refused = (!accounts.is_empty()).then(|| {
			let retired = self.call(&owner, Call::retire { out_point: tip(model) });
			let accounts = accounts.try_into().unwrap();
			let _ = self.call(&owner, Call::disallow { model, accounts });
			retired.is_err()
		});
		assert!(refused.unwrap_or(true), "its list was not empty");
		let _ = self.call(&owner, Call::retire { out_point: tip(model) });
		self.follow();
	}
}
