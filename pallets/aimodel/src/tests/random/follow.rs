//! What the chain did, as its events tell, and what follows from that.

use super::{
	super::world::*,
	agreed::Covering,
	book::{Book, Guaranteed},
};
use crate::*;

impl Book {
	/// Takes all events into account. To be done in the block in which they came about.
	pub(super) fn follow(&mut self) {
		for event in System::read_events_for_pallet::<Event<Test>>() {
			self.follow_event(event);
		}
		System::reset_events();
	}

	fn follow_event(&mut self, event: Event<Test>) {
		match event {
			Event::Lapsed { obliged: false, compensation, .. } => {
				assert_eq!(compensation, 0, "who did not accept loses nothing");
				self.did("a lease that was not accepted lapses");
			},
			Event::Lapsed { request, worker, compensation, .. } => {
				self.did("lapse");
				let agreed = self.open.get_mut(&request).expect("an open request");
				let most = agreed.most / 10;
				let lost = 50 + agreed.stake();
				let owed = lost.min(most.saturating_sub(agreed.compensated));
				assert_eq!(compensation, owed, "what a lapse brings");
				agreed.compensated += owed;
				agreed.lapsed |= agreed.first_stake.is_none();
				let (failed, proven) = (agreed.lost_to_the_platform(), agreed.merits());
				let customer = agreed.customer.clone();
				self.pays(&worker, lost);
				self.receives(&customer, owed);
				self.issuance -= lost - owed;
				self.incentives.fail(failed, proven);
			},
			// At its creation, it is known who serves it.
			Event::FellBack { reason: FallbackReason::Refused, .. } => self.did("refused at once"),
			Event::FellBack { request, to, .. } => {
				self.did("fall back");
				let agreed = self.open.remove(&request).expect("an open request");
				self.open.insert(request, agreed.fall_back(to.model));
			},
			Event::Settled { request, .. } => self.release_guarantee(request),
			Event::Refunded { request, amount, reason, .. } => {
				let agreed = self.open.remove(&request).expect("an open request");
				assert_eq!(agreed.held, amount);
				let missed = reason == Unanswered::Expired && agreed.lapsed;
				let owed = missed && self.guaranteed.contains_key(&request);
				assert_eq!(agreed.penalised, owed, "a missed deadline pays what was promised");
				self.refund(&agreed);
				self.release_guarantee(request);
			},
			Event::Closed { model } => {
				self.did("a model closes");
				assert!(self.retired.contains_key(&model), "it was retired");
				let open = self.open.values();
				let mut serving = open.flat_map(|one| [one].into_iter().chain(&one.later));
				assert!(serving.all(|agreed| agreed.model != model), "no request is open");
			},
			Event::Changed { model, change: Change::Retired, .. } => {
				self.retired.insert(model, System::block_number() as u32);
			},
			Event::Allowed { model, account } => {
				assert!(self.listed.insert((model, account)));
			},
			Event::Disallowed { model, account } => {
				assert!(self.listed.remove(&(model, account)));
			},
			Event::BudgetSet { account, model, budget } => {
				let key = (account, model);
				match budget {
					Some(budget) => self.budgets.insert(key, budget.limit),
					None => self.budgets.remove(&key),
				};
			},
			Event::Withdrawn { account, to, amount } => {
				let earned = self.earned.insert(account, 0);
				assert_eq!(earned, Some(amount), "all that was earned");
				self.receives(&to, amount);
			},
			Event::IncentiveShareSet { share } => self.incentives.share = share,
			Event::RewardClaimed { model, era, reward, beneficiaries } => {
				assert_eq!(self.incentives.claim(model, era), reward, "the reward");
				let parts =
					super::shares::Shares::of_owner(model).divide(reward, Default::default());
				assert_eq!(parts.others, beneficiaries.into_inner());
				for (who, part) in parts.others {
					self.earns(&who, part);
				}
			},
			event => self.follow_funds(event),
		}
	}

	/// Pots and bonds.
	fn follow_funds(&mut self, event: Event<Test>) {
		match event {
			Event::PotFunded { account, model, amount } => {
				self.pots.entry((model, account)).or_default().free += amount;
			},
			Event::PotWithdrawn { account, model, amount } => {
				let key = (model, account);
				let pot = self.pots.get_mut(&key).expect("a pot");
				pot.free = pot.free.checked_sub(amount).expect("no more than is free");
				if pot.free + pot.reserved == 0 {
					self.pots.remove(&key);
				}
			},
			Event::ServiceBondPosted { account, model, amount } => {
				self.bonds.entry((model, account)).or_default().free += amount;
			},
			Event::ServiceBondWithdrawn { account, model, amount } => {
				let key = (model, account);
				let bond = self.bonds.get_mut(&key).expect("a bond");
				bond.free = bond.free.checked_sub(amount).expect("no more than is free");
				if bond.free + bond.reserved == 0 {
					self.bonds.remove(&key);
				}
			},
			Event::Guaranteed { request, guarantor, penalty } => {
				let agreed = &self.open[&request];
				assert_eq!(penalty.breach, agreed.promised(), "what is promised");
				let bond = (agreed.model, guarantor);
				self.bonds.get_mut(&bond).expect("a bond").reserve(penalty.breach);
				self.guaranteed.insert(request, Guaranteed { bond, reserved: penalty.breach });
			},
			Event::PenaltyPaid { request, customer, owed, amount, guarantor } => {
				self.did("penalty");
				let guaranteed = self.guaranteed.get_mut(&request).expect("a promise");
				let agreed = self.open.get_mut(&request).expect("an open request");
				assert_eq!((&customer, owed), (&agreed.customer, agreed.promised()));
				assert_eq!(amount, owed.saturating_sub(agreed.compensated));
				assert!(agreed.lapsed && !agreed.penalised, "missed, and not paid yet");
				agreed.penalised = true;
				guaranteed.reserved -= amount;
				let bond = self.bonds.get_mut(&guaranteed.bond).expect("a bond");
				bond.release(amount, amount);
				assert_eq!(guaranteed.bond.1, guarantor);
				self.pays(&guarantor, amount);
				self.earns(&customer, amount);
			},
			event => self.follow_plans(event),
		}
	}

	fn follow_plans(&mut self, event: Event<Test>) {
		let now = System::block_number() as u32;
		match event {
			Event::Subscribed { account, model, plan, tier, until } => {
				assert_eq!(until, u64::from(now + plan.period));
				self.begin_period(account.clone(), model, (plan, tier), now, 0);
				self.stays_within_its_budget(&account, model);
			},
			Event::SubscriptionRenewed { account, model, price, until } => {
				let last = &self.periods[&(account.clone(), model)];
				let (plan, tier) = last.next.expect("it goes on");
				let start = last.end();
				assert!(start <= now && last.lives(now), "when it is due");
				assert_eq!((price, until), (plan.price, u64::from(start + plan.period)));
				self.begin_period(account.clone(), model, (plan, tier), start, 0);
				self.stays_within_its_budget(&account, model);
			},
			Event::PlanChanged { account, model, plan, tier, credit, charge, from } => {
				let key = (account, model);
				let last = self.periods.get_mut(&key).expect("a period");
				let active = now < last.end();
				if active && plan.price > last.plan.price {
					assert_eq!(credit, last.credit(now), "what was not used");
					assert_eq!((charge, from), (plan.price - credit, now.into()));
					self.did("upgrade");
					if credit > 0 {
						self.did("upgrade with credit");
					}
					self.begin_period(key.0.clone(), model, (plan, tier), now, credit);
					self.stays_within_its_budget(&key.0, model);
				} else {
					assert_eq!((credit, charge), (0, 0));
					last.next = Some((plan, tier));
					last.plan.grace = last.plan.grace.min(plan.period);
					self.did("change at the end of the period");
				}
			},
			Event::SubscriptionCancelled { account, model, .. } => {
				self.periods.get_mut(&(account, model)).expect("a period").next = None;
			},
			Event::SubscriptionClosed { account, model, refund } => {
				let last = &self.periods[&(account.clone(), model)];
				let unused = self.retired.get(&model).map_or(0, |at| last.credit(*at));
				assert_eq!(refund, unused, "what was not used when the model was retired");
				if refund > 0 {
					self.did("a subscriber has back what it did not use");
				}
				self.end_period(account, model, refund);
			},
			Event::CallsSettled { worker, account, model, calls, rest, draw } => {
				let each = self.agree(&account, model).draw_of_largest();
				let times = |amount| amount * Balance::from(calls);
				assert_eq!((draw.pay, draw.gross), (times(each.pay), times(each.gross)));
				self.settle_calls(worker, (account, model), (calls, rest), each);
			},
			Event::Covered { request, draw, source } => {
				let agreed = self.open.get_mut(&request).expect("an open request");
				let most = agreed.draw.expect("by plan");
				assert_eq!((draw.pay, draw.gross), (most.pay, most.gross), "what is reserved");
				let key = (agreed.customer.clone(), agreed.model);
				let period = self.periods.get_mut(&key).expect("a period");
				assert!(now < period.end(), "it is paid");
				period.used += 1;
				assert!(period.plan.quota.is_none_or(|quota| period.used <= quota));
				let pot = if period.left < most.gross {
					let FundingSource::Pot(owner) = source else { panic!("not enough is left") };
					let pot = self.pots.get_mut(&(agreed.model, owner.clone())).expect("a pot");
					pot.reserve(most.gross);
					Some(owner)
				} else {
					assert_eq!(source, FundingSource::Plan);
					period.left -= most.gross;
					None
				};
				let from =
					if pot.is_some() { "request by pot" } else { "request by a plan's price" };
				agreed.cover = Some(Covering { period: period.clone(), pot });
				self.did(from);
			},
			_ => (),
		}
	}
}
