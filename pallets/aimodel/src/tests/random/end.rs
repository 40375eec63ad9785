//! In the end, everybody has back what is theirs.

use super::{super::world::*, scenario::Scenario, EVERYBODY, MEMBERS};
use crate::*;
use frame_support::{
	assert_ok,
	traits::fungible::{Inspect, InspectHold},
	weights::Weight,
};

impl Scenario {
	/// Requests end, models are retired, and everybody takes what can be taken: nothing is left then but
	/// what workers and keys are held for, and rewards that nobody merited.
	pub(super) fn wind_up(mut self) -> Self {
		while !self.book.open.is_empty() {
			self.next_block(Weight::MAX);
		}
		let out_point = tip(self.shared);
		if Outputs::<Test>::get(out_point).unwrap().content.lock.is_some() {
			// Of another member's set: what was approved before counts no more.
			for who in &MEMBERS[..2] {
				let call = Call::set_lock { out_point, lock: None };
				if Tips::<Test>::get(self.shared) == Some(out_point) {
					assert_ok!(self.call(who, call));
				}
			}
		}
		self.follow();
		for slot in self.slots.clone() {
			self.retire(slot.model);
		}
		for _ in 0..2 {
			self.next_block(Weight::MAX);
		}
		assert_eq!(Outputs::<Test>::iter().count(), 0, "all models close");
		for (account, model) in self.book.periods.keys().cloned().collect::<Vec<_>>() {
			assert_ok!(self.call(&CUSTOMER, Call::close_subscription { account, model }));
			self.follow();
		}
		let free = |(key, funds): (&(ModelId, _), &super::book::Funds)| (key.clone(), funds.free);
		for ((model, who), amount) in self.book.pots.iter().map(free).collect::<Vec<_>>() {
			assert_ok!(self.call(&who, Call::withdraw_pot { model, amount }));
		}
		for ((model, who), amount) in self.book.bonds.iter().map(free).collect::<Vec<_>>() {
			assert_ok!(self.call(&who, Call::withdraw_service_bond { model, amount }));
		}
		self.follow();
		for who in EVERYBODY.iter().filter(|who| earned(who) > 0) {
			assert_ok!(self.call(who, Call::withdraw {}));
		}
		// Until nothing is known of what anybody used.
		for _ in 0..300 {
			self.next_block(Weight::MAX);
		}
		self.nothing_is_left();
		self
	}

	fn nothing_is_left(&self) {
		assert!(self.book.open.is_empty() && self.book.periods.is_empty());
		assert!(self.book.pots.is_empty() && self.book.bonds.is_empty());
		assert!(self.book.guaranteed.is_empty());
		for who in &EVERYBODY {
			for reason in [
				HoldReason::ModelDeposit,
				HoldReason::Escrow,
				HoldReason::CustomerDeposit,
				HoldReason::Plan,
				HoldReason::Pot,
				HoldReason::ServiceBond,
			] {
				let held = Balances::balance_on_hold(&reason.into(), who);
				assert_eq!(held, 0, "{reason:?} of {who:?}");
			}
		}
		assert_eq!(ZkVerifier::references(&self.key), 0, "the key is free");
		assert_eq!(Aimodel::pot_balance(), self.book.incentives.unclaimed());
		let everything = EVERYBODY.iter().map(<Balances as Inspect<_>>::total_balance);
		let everything = everything.sum::<Balance>() + Aimodel::pot_balance() + 10;
		assert_eq!(everything, issuance(), "all there is is somebody's");
		let kept = [
			("versions", Versions::<Test>::iter_keys().count()),
			("histories", History::<Test>::iter_keys().count()),
			("deprecations", Deprecations::<Test>::iter_keys().count()),
			("closing models", Closing::<Test>::iter_keys().count()),
			("open requests", OpenRequests::<Test>::iter_keys().count()),
			("requests", Requests::<Test>::iter_keys().count()),
			("due requests", DueRequests::<Test>::iter_keys().count()),
			("settlements", Settlements::<Test>::iter_keys().count()),
			("prunable settlements", Prunable::<Test>::iter_keys().count()),
			("customers", Customers::<Test>::iter_keys().count()),
			("prunable customers", PrunableCustomers::<Test>::iter_keys().count()),
			("records", Records::<Test>::iter_keys().count()),
			("prices", Prices::<Test>::iter_keys().count()),
			("incomes", Incomes::<Test>::iter_keys().count()),
			("merits", Merits::<Test>::iter_keys().count()),
			("subscriptions", Subscriptions::<Test>::iter_keys().count()),
			("audiences", Audiences::<Test>::iter_keys().count()),
			("pots", Pots::<Test>::iter_keys().count()),
			("bonds", ServiceBonds::<Test>::iter_keys().count()),
			("fallbacks", Fallbacks::<Test>::iter_keys().count()),
			("approvals", Approvals::<Test>::iter_keys().count()),
			("lists", Allowed::<Test>::iter_keys().count()),
			("owners", ModelsOf::<Test>::iter_keys().count()),
			("earnings", Earnings::<Test>::iter_keys().count()),
		];
		assert_eq!(kept.iter().find(|(_, count)| *count > 0), None, "what is kept");
	}
}
