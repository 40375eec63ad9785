//! What members of a set agree on.

use super::super::{super::world::*, scenario::Scenario, MEMBERS};
use crate::*;
use aimodel_primitives::{models::Metadata, owners::Lock, Payee};

/// What a member of the set sent last, of a few things that members can agree on.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Sent {
	call: Call<Test>,
	/// When, and of which output.
	at: u64,
	out_point: OutPoint,
}

impl Scenario {
	/// The owner leaves the shared model to the set.
	pub(in super::super) fn lock(&mut self) {
		let mut members = MEMBERS.to_vec();
		members.sort();
		let lock = Some(Lock { members: members.try_into().unwrap(), threshold: 2 });
		let out_point = tip(self.shared);
		let owner = Self::owner_of(self.shared).unwrap();
		self.call(&owner, Call::set_lock { out_point, lock }).expect("it is not locked");
	}
}

/// A member of the set sends something, or takes it back. Two who sent the same of the same output
/// within ten blocks, and nothing else since, have agreed.
pub(in super::super) fn approve(scenario: &mut Scenario) {
	let (model, out_point) = (scenario.shared, tip(scenario.shared));
	if Outputs::<Test>::get(out_point).unwrap().content.lock.is_none() {
		return scenario.lock();
	}
	let who = scenario.dice.pick(&MEMBERS).unwrap();
	let at = System::block_number();
	let live = |sent: &Sent| sent.out_point == out_point && at <= sent.at + 10;
	let accounts = vec![CUSTOMER].try_into().unwrap();
	let tariff = Tariff::flat(900, 3);
	let split = split_among(&[(Payee::Account(OWNER), 300_001), (Payee::Account(AUTHOR), 8)]);
	let call = match scenario.dice.roll(10) {
		0 | 9 => {
			let done = scenario.call(&who, Call::withdraw_approval { out_point });
			let had = scenario.sent.remove(&who).filter(|sent| sent.out_point == out_point);
			// One that lapsed may have been removed.
			assert!(had.as_ref().is_none_or(|sent| !live(sent)) || done.is_ok());
			assert!(had.is_some() || done.is_err());
			return;
		},
		1 => Call::resplit { out_point, split },
		2 => Call::reprice { out_point, tariff: Tariff::flat(500, 1) },
		3 => Call::set_access { out_point, access: Access::default() },
		4 => Call::allow { model, accounts },
		5 => Call::disallow { model, accounts },
		6 => Call::set_lock { out_point, lock: None },
		7 => Call::describe { out_point, metadata: Metadata::default() },
		_ => Call::reprice { out_point, tariff },
	};
	let listed = Allowed::<Test>::iter_prefix(model).count();
	if let Err(refused) = scenario.send(RuntimeOrigin::signed(who.clone()), call.clone()) {
		let of_list = matches!(call, Call::allow { .. } | Call::disallow { .. });
		assert!(of_list, "{call:?}: {refused:?}");
		return;
	}
	let sent = &mut scenario.sent;
	let agreed = sent.iter().any(|(other, sent)| *other != who && sent.call == call && live(sent));
	let of_list = listed != Allowed::<Test>::iter_prefix(model).count();
	assert_eq!(agreed, of_list || tip(model) != out_point, "whether it took effect");
	if agreed {
		sent.retain(|_, sent| sent.call != call);
		sent.remove(&who);
		scenario.book.did("agree");
	} else {
		sent.insert(who, Sent { call, at, out_point });
		scenario.book.did("approve");
	}
}
