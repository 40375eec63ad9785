//! What was agreed on: when a request was made, and when a period of a plan was paid.

use super::{
	shares::{Parts, Shares},
	PENALTY,
};
use crate::*;
use aimodel_primitives::pricing::{Plan, Tier};
use sp_runtime::{AccountId32, Permill};

/// A period of a plan that was paid.
#[derive(Clone)]
pub(super) struct Paid {
	/// Which one, of all.
	pub(super) number: u32,
	pub(super) plan: Plan,
	pub(super) tier: Tier,
	pub(super) start: u32,
	/// Calls.
	pub(super) used: u64,
	/// What is neither drawn nor reserved.
	pub(super) left: Balance,
	pub(super) next: Option<(Plan, Tier)>,
	pub(super) platform: Permill,
	pub(super) shares: Shares,
}

impl Paid {
	/// The first block after it.
	pub(super) fn end(&self) -> u32 {
		self.start + self.plan.period
	}

	/// Whether it goes on at a block, or can still be renewed.
	pub(super) fn lives(&self, now: u32) -> bool {
		now < self.end() + if self.next.is_some() { self.plan.grace } else { 0 }
	}

	/// How many more calls its quota and what is left of it have room for.
	pub(super) fn room(&self, each: Balance) -> u64 {
		let in_quota = self.plan.quota.map_or(u64::MAX, |quota| quota - self.used);
		let mut paid = 0;
		while paid < in_quota && paid < 100 && each * Balance::from(paid + 1) <= self.left {
			paid += 1;
		}
		paid
	}

	/// What is not used at a block: the price less what its time has taken, or its calls, or workers.
	pub(super) fn credit(&self, at: u32) -> Balance {
		let Plan { price, period, quota, .. } = self.plan;
		let taken = |part: u64, whole: u64| {
			let part = part.min(whole);
			price - (price * Balance::from(part)).div_ceil(whole.into())
		};
		let by_time = taken(at.saturating_sub(self.start).into(), period.into());
		let by_calls = quota.map_or(price, |quota| taken(self.used, quota));
		by_time.min(by_calls).min(self.left)
	}

	pub(super) fn divide(&self, amount: Balance) -> Parts {
		self.shares.divide(amount, self.platform)
	}
}

/// What covers a call.
pub(super) struct Covering {
	/// The period, as it was when it was made.
	pub(super) period: Paid,
	/// Whose pot pays, if one does.
	pub(super) pot: Option<AccountId32>,
}

/// What a worker gets at most of a call by plan, and what is reserved for that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drawn {
	pub(super) pay: Balance,
	pub(super) gross: Balance,
}

/// What was agreed on with a model when a request was made.
pub(super) struct Agreed {
	pub(super) model: ModelId,
	pub(super) customer: AccountId32,
	pub(super) tariff: Tariff,
	/// Calls that the customer had paid in the period.
	pub(super) calls: u64,
	pub(super) shares: Shares,
	pub(super) platform: Permill,
	pub(super) proven: bool,
	/// The most that is held.
	pub(super) held: Balance,
	/// The most that is paid to the model that serves it.
	pub(super) most: Balance,
	/// What was agreed on with those that may take it over.
	pub(super) later: Vec<Agreed>,
	/// What lapses have brought its customer.
	pub(super) compensated: Balance,
	/// What is drawn instead of a fee.
	pub(super) draw: Option<Drawn>,
	pub(super) cover: Option<Covering>,
	/// Whether a worker of the model that served it first let it lapse.
	pub(super) lapsed: bool,
	/// What was at stake there, if it fell back.
	pub(super) first_stake: Option<Balance>,
	/// Whether the penalty was paid.
	pub(super) penalised: bool,
}

impl Agreed {
	/// The price of units, in another way than the pallet's: for tariffs without demand, quality and
	/// time of day.
	pub(super) fn price(&self, units: u64) -> Balance {
		let Tariff { per_call, per_unit, minimum, bounds, volume, .. } = &self.tariff;
		let base = (per_call + per_unit * Balance::from(units)).max(*minimum);
		let kept = volume
			.iter()
			.filter(|bracket| bracket.from <= self.calls)
			.map(|bracket| 1_000_000 - Balance::from(bracket.discount.deconstruct()))
			.next_back()
			.unwrap_or(1_000_000);
		(base * kept).div_ceil(1_000_000).max(bounds.min).min(bounds.max)
	}

	pub(super) fn divide(&self, amount: Balance) -> Parts {
		self.shares.divide(amount, self.platform)
	}

	/// What a call draws that has the largest input and gets the largest answer: four rows of two
	/// features, and three words each.
	pub(super) fn draw_of_largest(&self) -> Drawn {
		let units = if self.proven { 2 } else { 1 + 4 * 2 + 4 * 3 * 10 };
		self.draw_of(self.price(units))
	}

	/// What the worker gets by plan of what costs this by fee, and the least amount of which that is
	/// left after the platform's share.
	pub(super) fn draw_of(&self, price: Balance) -> Drawn {
		let pay = self.divide(price).worker;
		let kept = 1_000_000 - Balance::from(self.platform.deconstruct());
		let gross = (pay..).find(|gross| gross * kept >= pay * 1_000_000);
		Drawn { pay, gross: gross.expect("the platform's share is below one") }
	}

	/// What a lease has at stake.
	pub(super) fn stake(&self) -> Balance {
		self.draw.map_or(self.most, |draw| draw.gross)
	}

	/// What a missed deadline brings, if anything: promised by the owner of what served it first.
	pub(super) fn promised(&self) -> Balance {
		let stake = self.first_stake.unwrap_or_else(|| self.stake());
		stake * Balance::from(PENALTY.deconstruct()) / 1_000_000
	}

	/// The platform's part of what a lapse has lost it.
	pub(super) fn lost_to_the_platform(&self) -> Balance {
		match self.draw {
			Some(draw) => draw.gross - draw.pay,
			None => self.most * Balance::from(self.platform.deconstruct()) / 1_000_000,
		}
	}

	/// Whom a proof is a merit of.
	pub(super) fn merits(&self) -> Option<ModelId> {
		self.proven.then_some(self.model)
	}

	/// What was agreed on with a fallback, to which it goes.
	pub(super) fn fall_back(mut self, to: ModelId) -> Self {
		let place = self.later.iter().position(|later| later.model == to).expect("a fallback");
		let next = self.later.remove(place);
		Self {
			first_stake: Some(self.first_stake.unwrap_or_else(|| self.stake())),
			held: self.held,
			compensated: self.compensated,
			lapsed: self.lapsed,
			penalised: self.penalised,
			later: self.later,
			..next
		}
	}
}
