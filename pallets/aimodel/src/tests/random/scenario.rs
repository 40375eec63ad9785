//! Who and what there is, and how anybody does something.

use super::{
	super::world::*, book::Book, dice::Dice, steps, steps::sets::Sent, OFFERS, STEPS, WORKERS,
};
use crate::*;
use aimodel_primitives::KeyId;
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, GetCallName, Hooks},
	weights::Weight,
};
use pallet_workers::Services;
use sp_core::H256;
use sp_runtime::{traits::Dispatchable, AccountId32, DispatchResult};
use std::collections::BTreeMap;

/// A model that customers know; another one takes its place when it is retired, where that can be.
#[derive(Clone, Copy)]
pub(super) struct Slot {
	pub(super) model: ModelId,
	pub(super) proven: bool,
	pub(super) lasting: bool,
}

pub(super) struct Scenario {
	pub(super) dice: Dice,
	pub(super) book: Book,
	pub(super) slots: Vec<Slot>,
	/// The model that a set changes, mostly, and what its members sent.
	pub(super) shared: ModelId,
	pub(super) sent: BTreeMap<AccountId32, Sent>,
	pub(super) key: KeyId,
	/// Whether anything was done since all was compared.
	changed: bool,
}

/// Every kind of step, and how often it comes.
const KINDS: &[(u64, fn(&mut Scenario))] = &[
	(14, steps::requests::request),
	(9, steps::requests::request_by_plan),
	(12, steps::requests::answer),
	(4, steps::requests::answer_several),
	(2, steps::requests::cancel),
	(5, steps::plans::subscribe),
	(6, steps::plans::renew),
	(5, steps::plans::change_plan),
	(1, steps::plans::cancel_subscription),
	(2, steps::plans::close_subscription),
	(1, steps::plans::set_plans),
	(2, steps::plans::waive_penalty),
	(4, steps::vouchers::settle_calls),
	(2, steps::money::withdraw),
	(2, steps::money::change_pot),
	(2, steps::money::change_bond),
	(2, steps::money::set_budget),
	(4, steps::money::claim_reward),
	(1, steps::money::govern),
	(2, steps::models::reprice),
	(2, steps::models::resplit),
	(3, steps::models::set_access),
	(2, steps::models::change_list),
	(4, steps::models::pause_or_describe),
	(9, steps::models::change_versions),
	(3, steps::models::transfer),
	(2, steps::models::retire_or_deploy),
	(5, steps::sets::approve),
	(9, blocks),
	(3, busy_blocks),
];

impl Scenario {
	pub(super) fn new(seed: u64) -> Self {
		let key = register_key(&OWNER, ARTIFACT, &digits_key());
		for who in &super::EVERYBODY {
			assert_ok!(Balances::mint_into(who, 5_000_000));
		}
		for worker in &WORKERS {
			bond(worker);
			assert_ok!(Workers::bond_more(RuntimeOrigin::signed(worker.clone()), 2_000_000));
		}
		let (book, dice) = (Book::open(), Dice(seed));
		let (slots, sent) = (Vec::new(), BTreeMap::new());
		let shared = ModelId::default();
		let mut scenario = Self { dice, book, slots, shared, sent, key, changed: true };
		let all = [(true, true), (true, true), (false, true), (false, true), (true, false)];
		for (proven, lasting) in all.into_iter().chain([(false, false)]) {
			let model = scenario.deploy(proven).expect("anybody deploys");
			scenario.slots.push(Slot { model, proven, lasting });
		}
		scenario.shared = scenario.slots[3].model;
		scenario.lock();
		scenario.follow();
		scenario
	}

	/// Deploys a model that somebody serves, that has plans, a pot and a bond.
	pub(super) fn deploy(&mut self, proven: bool) -> Option<ModelId> {
		let version = if proven { digits(self.key) } else { attested() };
		self.call(&OWNER, Call::deploy { version, tariff: flat(), split: split() }).ok()?;
		System::inc_account_nonce(OWNER);
		let Event::Deployed { model, .. } = last_event() else { panic!("it was deployed") };
		self.offer(VersionId { model, index: 0 });
		let plans = OFFERS.to_vec().try_into().unwrap();
		for call in [
			Call::set_plans { out_point: tip(model), plans },
			Call::fund_pot { model, amount: 5_000 },
			Call::post_service_bond { model, amount: 4_000 },
		] {
			assert_ok!(self.call(&OWNER, call));
		}
		Some(model)
	}

	/// Workers serve a version. They serve no more what answers nothing, so that they may.
	pub(super) fn offer(&mut self, version: VersionId) {
		let wanted = |served: &VersionId| {
			let output = Tips::<Test>::get(served.model).and_then(Outputs::<Test>::get);
			output.is_some_and(|ModelOutput { content, .. }| {
				let candidate = content.candidate.map(|candidate| candidate.version);
				!content.retired
					&& (content.version == served.index || candidate == Some(served.index))
			})
		};
		for worker in &WORKERS {
			let origin = || RuntimeOrigin::signed(worker.clone());
			let served: Vec<_> = Services::<Test>::iter_key_prefix(worker).collect();
			for served in served.iter().filter(|served| !wanted(served)) {
				// It may have been withdrawn, and stay until its last lease ends.
				self.note(Workers::unserve(origin(), *served).is_ok());
			}
			// As long as that many stay, it serves no other.
			let served = Workers::serve(origin(), version, 0, LEASE.into(), 100);
			self.note(served.is_ok());
		}
	}

	/// Signs a call. Counts it if it succeeds.
	pub(super) fn call(&mut self, who: &AccountId32, call: Call<Test>) -> DispatchResult {
		self.count(RuntimeOrigin::signed(who.clone()), call)
	}

	pub(super) fn count(&mut self, origin: RuntimeOrigin, call: Call<Test>) -> DispatchResult {
		let name = call.get_call_name();
		self.send(origin, call)?;
		self.book.did(name);
		Ok(())
	}

	pub(super) fn send(&mut self, origin: RuntimeOrigin, call: Call<Test>) -> DispatchResult {
		let name = call.get_call_name();
		let done = RuntimeCall::from(call).dispatch(origin).plain();
		self.note(done.is_ok());
		println!(
			"\t{name}: {}",
			match done {
				Ok(()) => "done".into(),
				Err(refused) => format!("{refused:?}"),
			}
		);
		done
	}

	/// Something was done, or refused.
	pub(super) fn note(&mut self, done: bool) {
		self.changed |= done;
	}

	/// The first is asked for most, the others stand in for it.
	pub(super) fn slot(&mut self) -> Slot {
		self.slots[[0, 0, 0, 1, 2, 3, 4, 4, 5, 5][self.dice.roll(10) as usize]]
	}

	pub(super) fn step(&mut self) {
		let mut at = self.dice.roll(KINDS.iter().map(|(weight, _)| weight).sum());
		let kind = KINDS.iter().find(|(weight, _)| {
			let found = at < *weight;
			at = at.saturating_sub(*weight);
			found
		});
		kind.expect("below the sum").1(self);
		self.follow();
	}

	/// Takes into account what came about, and compares everything; unless all was refused, which leaves
	/// everything as it was. That stored keys are valid is not checked each time: nothing changes them, and
	/// it takes pairings.
	pub(super) fn follow(&mut self) {
		if !core::mem::take(&mut self.changed) {
			assert!(System::events().is_empty(), "what is refused tells nothing");
			return;
		}
		self.book.follow();
		self.book.compare();
		assert_ok!(Aimodel::do_try_state());
		assert_ok!(Workers::do_try_state());
	}

	/// The next block, of which this is left for what the chain does when it is idle.
	pub(super) fn next_block(&mut self, idle: Weight) {
		let now = System::block_number() + 1;
		self.changed = true;
		System::set_block_number(now);
		System::set_parent_hash(H256::repeat_byte(now as u8));
		Aimodel::on_initialize(now);
		Aimodel::on_idle(now, idle);
		self.follow();
	}

	pub(super) fn owner_of(model: ModelId) -> Option<AccountId32> {
		let output = Outputs::<Test>::get(Tips::<Test>::get(model)?)?;
		Some(output.content.owner)
	}
}

fn blocks(scenario: &mut Scenario) {
	for _ in 0..1 + scenario.dice.roll(5) {
		scenario.next_block(Weight::MAX);
	}
}

/// Nothing is left of some blocks for what the chain does when it is idle. Then anybody does it.
fn busy_blocks(scenario: &mut Scenario) {
	for _ in 0..1 + scenario.dice.roll(12) {
		scenario.next_block(Weight::zero());
	}
	steps::requests::expire_or_advance(scenario);
}

/// Whatever anybody does, step by step; and in the end everybody has back what is theirs.
pub(super) fn run(seed: u64) -> BTreeMap<&'static str, u32> {
	println!("seed {seed}");
	new_world().execute_with(|| {
		let mut scenario = Scenario::new(seed);
		check_invariants();
		for step in 0..STEPS {
			println!("step {step} in block {}", System::block_number());
			scenario.step();
		}
		let scenario = scenario.wind_up();
		check_invariants();
		scenario.book.done
	})
}
