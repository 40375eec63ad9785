//! What everybody owns, reckoned beside the chain.

use super::{
	super::world::*,
	agreed::{Agreed, Drawn, Paid},
	incentives::Incentives,
	shares::{Parts, Shares},
	EVERYBODY,
};
use crate::*;
use aimodel_primitives::pricing::{Plan, Tier};
use frame_support::traits::fungible::{Inspect, InspectHold};
use sp_runtime::AccountId32;
use std::collections::{BTreeMap, BTreeSet};

/// A pot or a bond.
#[derive(Default)]
pub(super) struct Funds {
	pub(super) free: Balance,
	pub(super) reserved: Balance,
}

impl Funds {
	pub(super) fn reserve(&mut self, amount: Balance) {
		self.free = self.free.checked_sub(amount).expect("it covers what it stands for");
		self.reserved += amount;
	}

	/// What was reserved of this is paid, and the rest is free again.
	pub(super) fn release(&mut self, reserved: Balance, paid: Balance) {
		self.reserved -= reserved;
		self.free += reserved - paid;
	}
}

/// What stands for the deadline of a request.
pub(super) struct Guaranteed {
	pub(super) bond: (ModelId, AccountId32),
	pub(super) reserved: Balance,
}

/// What an account used of a model in a billing period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Used {
	pub(super) calls: u64,
	pub(super) spend: Balance,
}

#[derive(Default)]
pub(super) struct Book {
	/// Free and held.
	balance: BTreeMap<AccountId32, Balance>,
	pub(super) earned: BTreeMap<AccountId32, Balance>,
	/// What there is in all: less by what is burned of collateral.
	pub(super) issuance: Balance,
	pub(super) open: BTreeMap<RequestId, Agreed>,
	/// The periods that go on, or are over and not closed.
	pub(super) periods: BTreeMap<(AccountId32, ModelId), Paid>,
	/// Calls that were settled by vouchers, of each period for each worker.
	pub(super) vouched: BTreeMap<(u32, AccountId32), u64>,
	/// How many periods were paid.
	paid: u32,
	pub(super) pots: BTreeMap<(ModelId, AccountId32), Funds>,
	pub(super) bonds: BTreeMap<(ModelId, AccountId32), Funds>,
	pub(super) guaranteed: BTreeMap<RequestId, Guaranteed>,
	pub(super) retired: BTreeMap<ModelId, u32>,
	pub(super) listed: BTreeSet<(ModelId, AccountId32)>,
	pub(super) budgets: BTreeMap<(AccountId32, ModelId), Balance>,
	/// By billing periods.
	used: BTreeMap<(AccountId32, ModelId, u64), Used>,
	pub(super) incentives: Incentives,
	/// How often each call succeeded, and each kind of event came about.
	pub(super) done: BTreeMap<&'static str, u32>,
}

fn billing_period() -> u64 {
	System::block_number() / 100
}

fn holds(reason: HoldReason, who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&reason.into(), who)
}

impl Book {
	pub(super) fn open() -> Self {
		let balance = EVERYBODY.map(|who| {
			let owned = <Balances as Inspect<_>>::total_balance(&who);
			(who, owned)
		});
		Self {
			balance: balance.into(),
			earned: EVERYBODY.map(|who| (who, 0)).into(),
			issuance: issuance(),
			..Default::default()
		}
	}

	pub(super) fn did(&mut self, what: &'static str) {
		*self.done.entry(what).or_default() += 1;
	}

	// --- Moves ----------------------------------------------------------------------------------

	pub(super) fn receives(&mut self, who: &AccountId32, amount: Balance) {
		*self.balance.get_mut(who).expect("somebody") += amount;
	}

	pub(super) fn pays(&mut self, who: &AccountId32, amount: Balance) {
		let owned = self.balance.get_mut(who).expect("somebody");
		*owned = owned.checked_sub(amount).expect("nobody owes");
	}

	pub(super) fn earns(&mut self, who: &AccountId32, amount: Balance) {
		*self.earned.get_mut(who).expect("somebody") += amount;
	}

	/// What of the platform's part is not fed to the incentives is its own.
	fn platform_earns(&mut self, amount: Balance, proven: Option<ModelId>) {
		let (fed, carried) = self.incentives.feed(amount, proven);
		if carried {
			self.did("an era passes on what is left");
		}
		self.earns(&PLATFORM, amount - fed);
	}

	fn everybody_earns(&mut self, parts: Parts, worker: &AccountId32, proven: Option<ModelId>) {
		self.platform_earns(parts.platform, proven);
		self.earns(worker, parts.worker);
		for (who, part) in parts.others {
			self.earns(&who, part);
		}
	}

	// --- Periods of plans -------------------------------------------------------------------------

	/// A period begins at the terms of now; what is left of the last one is divided.
	pub(super) fn begin_period(
		&mut self,
		who: AccountId32,
		model: ModelId,
		(plan, tier): (Plan, Tier),
		start: u32,
		credit: Balance,
	) {
		self.end_period(who.clone(), model, credit);
		self.spends(&who, model, plan.price - credit, 0);
		self.paid += 1;
		let period = Paid {
			number: self.paid,
			plan,
			tier,
			start,
			used: 0,
			left: plan.price,
			next: (tier != Tier::Trial).then_some((plan, tier)),
			platform: PlatformShare::<Test>::get(),
			shares: Shares::of_owner(model),
		};
		self.periods.insert((who, model), period);
	}

	/// What is left beyond what its account keeps is divided.
	pub(super) fn end_period(&mut self, who: AccountId32, model: ModelId, kept: Balance) {
		if let Some(period) = self.periods.remove(&(who.clone(), model)) {
			self.divide_period(&who, period.left - kept, &period);
		}
	}

	fn divide_period(&mut self, who: &AccountId32, amount: Balance, period: &Paid) {
		if amount > 0 {
			self.pays(who, amount);
			self.everybody_earns(period.divide(amount), who, None);
		}
	}

	/// What a call did not draw goes back to its period, or is divided as that was; and its call with
	/// it, if it was not answered.
	fn give_back(&mut self, agreed: &Agreed, paid: Balance, calls: u64) {
		let (Some(cover), Some(draw)) = (&agreed.cover, agreed.draw) else { return };
		let (customer, model) = (&agreed.customer, agreed.model);
		let rest = match &cover.pot {
			None => draw.gross - paid,
			Some(owner) => {
				let pot = self.pots.get_mut(&(model, owner.clone())).expect("a pot");
				pot.release(draw.gross, paid);
				0
			},
		};
		match self.periods.get_mut(&(customer.clone(), model)) {
			Some(period) if period.number == cover.period.number => {
				period.left += rest;
				period.used -= calls;
			},
			_ => {
				if rest > 0 {
					self.did("a reserve comes back after its period");
				}
				self.divide_period(customer, rest, &cover.period);
			},
		}
	}

	/// A worker draws on a period for calls at its gateway: for as many as it has room for.
	pub(super) fn settle_calls(
		&mut self,
		worker: AccountId32,
		(who, model): (AccountId32, ModelId),
		(calls, rest): (u64, u64),
		each: Drawn,
	) {
		let period = self.periods.get_mut(&(who.clone(), model)).expect("a period");
		let room = period.room(each.gross);
		assert!(calls == room || (calls < room && rest == 0), "all there is room for");
		let gross = each.gross * Balance::from(calls);
		period.used += calls;
		period.left = period.left.checked_sub(gross).expect("it pays for them");
		*self.vouched.entry((period.number, worker.clone())).or_default() += calls;
		let pay = each.pay * Balance::from(calls);
		self.pays(&who, gross);
		self.platform_earns(gross - pay, None);
		self.earns(&worker, pay);
		self.did(if rest > 0 { "more calls than there is room for" } else { "calls at a gateway" });
	}

	// --- Requests ---------------------------------------------------------------------------------

	/// What a customer and a model would agree on now.
	pub(super) fn agree(&self, who: &AccountId32, model: ModelId) -> Agreed {
		let content = Outputs::<Test>::get(tip(model)).unwrap().content;
		let version = Versions::<Test>::get(model, content.version).unwrap();
		Agreed {
			model,
			customer: who.clone(),
			calls: self.used(who, model).calls,
			tariff: content.tariff,
			shares: Shares::of_answer(model),
			platform: PlatformShare::<Test>::get(),
			proven: version.circuit.is_some(),
			held: 0,
			most: 0,
			later: Vec::new(),
			compensated: 0,
			draw: None,
			cover: None,
			lapsed: false,
			first_stake: None,
			penalised: false,
		}
	}

	pub(super) fn settle(&mut self, id: RequestId, units: u64, worker: &AccountId32) {
		let agreed = self.open.remove(&id).expect("an open request");
		let price = agreed.price(units);
		let Some(most) = agreed.draw else {
			let price = price.min(agreed.most);
			self.pays(&agreed.customer, price);
			self.everybody_earns(agreed.divide(price), worker, agreed.merits());
			self.spends(&agreed.customer, agreed.model, price, 1);
			return;
		};
		let Drawn { pay, gross } = agreed.draw_of(price);
		// By largest remainder, the worker's part of less can be a unit more.
		let (pay, gross) = (pay.min(most.pay), gross.min(most.gross));
		let cover = agreed.cover.as_ref().expect("by plan");
		let payer = cover.pot.clone().unwrap_or_else(|| agreed.customer.clone());
		self.pays(&payer, gross);
		self.platform_earns(gross - pay, agreed.merits());
		self.earns(worker, pay);
		self.give_back(&agreed, gross, 0);
		self.did("answer by plan");
	}

	pub(super) fn refund(&mut self, agreed: &Agreed) {
		self.give_back(agreed, 0, 1);
	}

	/// What stood for a request that closes is free again.
	pub(super) fn release_guarantee(&mut self, id: RequestId) {
		if let Some(Guaranteed { bond, reserved }) = self.guaranteed.remove(&id) {
			self.bonds.get_mut(&bond).expect("a bond").release(reserved, 0);
		}
	}

	fn spends(&mut self, who: &AccountId32, model: ModelId, amount: Balance, calls: u64) {
		let used = self.used.entry((who.clone(), model, billing_period())).or_default();
		used.spend += amount;
		used.calls += calls;
	}

	pub(super) fn used(&self, who: &AccountId32, model: ModelId) -> Used {
		let key = (who.clone(), model, billing_period());
		self.used.get(&key).copied().unwrap_or_default()
	}

	/// What was spent and can still be spent is within the budget.
	pub(super) fn stays_within_its_budget(&self, who: &AccountId32, model: ModelId) {
		let Some(limit) = self.budgets.get(&(who.clone(), model)) else { return };
		let open = self.open.values().filter(|agreed| agreed.customer == *who);
		let of_model = open
			.flat_map(|agreed| [agreed].into_iter().chain(&agreed.later))
			.filter(|agreed| agreed.model == model);
		let held: Balance = of_model.map(|agreed| agreed.most).sum();
		assert!(self.used(who, model).spend + held <= *limit, "more than the budget");
	}

	// --- The chain --------------------------------------------------------------------------------

	/// Compares all of this with what the chain says.
	pub(super) fn compare(&self) {
		for who in &EVERYBODY {
			let owned = <Balances as Inspect<_>>::total_balance(who);
			assert_eq!(owned, self.balance[who], "what {who:?} owns");
			assert_eq!(earned(who), self.earned[who], "what {who:?} has earned");

			let mine = self.open.values().filter(|agreed| agreed.customer == *who);
			let escrow: Balance = mine.clone().map(|agreed| agreed.held).sum();
			assert_eq!(held(who), escrow, "what {who:?} has in escrow");
			let reserved = mine
				.filter(|agreed| agreed.cover.as_ref().is_some_and(|cover| cover.pot.is_none()));
			let reserved: Balance = reserved.map(Agreed::stake).sum();
			let periods = self.periods.iter().filter(|((of, _), _)| of == who);
			let left: Balance = periods.map(|(_, period)| period.left).sum();
			assert_eq!(holds(HoldReason::Plan, who), reserved + left, "plans of {who:?}");
			let all = |funds: &BTreeMap<(_, AccountId32), Funds>| -> Balance {
				let mine = funds.iter().filter(|((_, of), _)| of == who);
				mine.map(|(_, funds)| funds.free + funds.reserved).sum()
			};
			assert_eq!(holds(HoldReason::Pot, who), all(&self.pots), "pots of {who:?}");
			assert_eq!(holds(HoldReason::ServiceBond, who), all(&self.bonds), "bonds of {who:?}");
		}
		for ((model, owner), pot) in &self.pots {
			let kept = Aimodel::pot_of(model, owner).map(|pot| (pot.free, pot.reserved));
			assert_eq!(kept, Some((pot.free, pot.reserved)), "a pot of {owner:?}");
		}
		for ((model, owner), bond) in &self.bonds {
			let kept =
				Aimodel::service_bond_of(model, owner).map(|bond| (bond.free, bond.reserved));
			assert_eq!(kept, Some((bond.free, bond.reserved)), "a bond of {owner:?}");
		}
		for (who, model, customer) in Customers::<Test>::iter() {
			let totals = customer.ledger.at(billing_period() as u32).current;
			let used = Used { calls: totals.calls, spend: totals.spend };
			assert_eq!(used, self.used(&who, model), "what {who:?} used");
		}
		let owed: Balance = self.earned.values().sum();
		assert_eq!(
			Aimodel::pot_balance(),
			owed + self.incentives.unclaimed(),
			"the pallet's account"
		);
		assert_eq!(issuance(), self.issuance, "what there is in all");
		let everything = self.balance.values().sum::<Balance>() + Aimodel::pot_balance() + 10;
		assert_eq!(everything, self.issuance, "everything is somebody's");
	}
}
