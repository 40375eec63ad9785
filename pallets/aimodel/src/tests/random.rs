//! Anybody does anything, thousands of times; what everybody owns is reckoned beside the chain, by
//! other arithmetic, and compared after every step.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	access::{BreakerParams, Limits, Policy, RateLimit},
	billing::Budget,
	owners::Lock,
	pricing::{Bounds, Bracket, Offer, ServiceTerms},
	runtime_api::RequestInfo,
	Payee,
};
use frame_support::{
	assert_ok,
	storage::with_storage_layer,
	traits::fungible::{Inspect, InspectHold},
};
use sp_core::ConstU32;
use sp_runtime::{traits::Dispatchable, AccountId32, Percent, Permill};
use std::collections::{BTreeMap, BTreeSet};

const STEPS: usize = 1_000;

const CUSTOMERS: [AccountId32; 3] = [CUSTOMER, STRANGER, AUTHOR];
const WORKERS: [AccountId32; 2] = [WORKER, OTHER_WORKER];
const EVERYBODY: [AccountId32; 7] =
	[CUSTOMER, STRANGER, AUTHOR, OWNER, WORKER, OTHER_WORKER, PLATFORM];

/// Numbers that look random: SplitMix64.
struct Dice(u64);

impl Dice {
	fn roll(&mut self, below: u64) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		(z ^ (z >> 31)) % below
	}

	fn pick<'a, Item>(&mut self, items: &'a [Item]) -> Option<&'a Item> {
		(!items.is_empty()).then(|| &items[self.roll(items.len() as u64) as usize])
	}
}

/// Two of these change the third model.
const MEMBERS: [AccountId32; 3] = [STRANGER, AUTHOR, WORKER];
/// What the dear plan promises. No lapse leaves a model that available.
const TERMS: ServiceTerms = ServiceTerms {
	deadline: Some(20),
	penalty: Permill::from_percent(3),
	availability: Permill::one(),
	breach: Permill::from_percent(35),
};

/// What the owner sells: the dear one pays its workers, the free one leaves them to the pot.
const PLANS: [Plan; 2] = [
	Plan { period: 14, price: 3_000, quota: Some(5), grace: 8, service: Some(TERMS), limits: None },
	Plan { period: 9, price: 0, quota: Some(4), grace: 9, service: None, limits: None },
];

/// Who gets what of an amount, in another way than the pallet's: unit by unit to whoever is furthest
/// below his share. Shares are parts of their sum.
fn divide(
	amount: Balance,
	platform: Permill,
	roles: &[(AccountId32, Permill)],
) -> BTreeMap<AccountId32, Balance> {
	let platform = amount * Balance::from(platform.deconstruct()) / 1_000_000;
	let rest = amount - platform;
	let whole: Balance = roles.iter().map(|(_, share)| Balance::from(share.deconstruct())).sum();
	let due = |share: &Permill| rest * Balance::from(share.deconstruct());
	let mut parts: Vec<_> = roles.iter().map(|(_, share)| due(share) / whole).collect();
	let floors = parts.clone();
	for _ in 0..rest - floors.iter().sum::<Balance>() {
		let missing = |at: &usize| due(&roles[*at].1) - floors[*at] * whole;
		let ungiven = (0..roles.len()).filter(|at| parts[*at] == floors[*at]);
		// The first of the greatest.
		let next = ungiven.rev().max_by_key(missing).expect("fewer units than roles");
		parts[next] += 1;
	}
	let mut owed = BTreeMap::from([(PLATFORM, platform)]);
	for ((who, _), part) in roles.iter().zip(parts) {
		*owed.entry(who.clone()).or_default() += part;
	}
	owed
}

fn beneficiaries(split: &RevenueSplit<AccountId32>) -> Vec<(AccountId32, Permill)> {
	let named = split.beneficiaries.iter().map(|(payee, share)| match payee {
		Payee::Account(who) => (who.clone(), *share),
		Payee::Model(_) => unreachable!("the owner names accounts"),
	});
	named.collect()
}

/// A period of a plan that was paid.
#[derive(Clone)]
struct Paid {
	/// Which one, of all.
	number: u32,
	/// What is neither drawn nor reserved.
	left: Balance,
	platform: Permill,
	beneficiaries: Vec<(AccountId32, Permill)>,
}

/// What covers a call.
struct Covering {
	/// The most that the worker gets, and the most that is drawn.
	most: (Balance, Balance),
	/// The period, as it was when it was made.
	period: Paid,
	from_pot: bool,
}

/// What was agreed on when a request was made.
struct Agreed {
	customer: AccountId32,
	tariff: Tariff,
	/// Calls that the customer had paid in the period.
	calls: u64,
	split: RevenueSplit<AccountId32>,
	platform: Permill,
	max_fee: Balance,
	proven: bool,
	/// The most that is held.
	held: Balance,
	/// The most that is paid to the model that serves it.
	most: Balance,
	/// What was agreed on with those that may take it over.
	later: Vec<(ModelId, Agreed)>,
	/// What lapses have brought its customer.
	compensated: Balance,
	/// What pays instead of a fee.
	cover: Option<Covering>,
	/// Whether a worker of the model that served it first let it lapse.
	lapsed: bool,
	/// What was at stake there, if it fell back.
	first_stake: Option<Balance>,
	/// Whether the penalty was paid.
	penalised: bool,
}

impl Agreed {
	/// The price of units, in another way than the pallet's: for tariffs without demand, quality and
	/// time of day.
	fn price(&self, units: u64) -> Balance {
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

	/// Who gets what of an amount, in another way than the pallet's: unit by unit to whoever is
	/// furthest below his share.
	fn divide(&self, amount: Balance, worker: &AccountId32) -> BTreeMap<AccountId32, Balance> {
		let mut roles = beneficiaries(&self.split);
		roles.insert(0, (worker.clone(), self.split.worker));
		divide(amount, self.platform, &roles)
	}

	/// What the worker gets by plan of what costs this by fee, and the least amount of which that is
	/// left after the platform's share.
	fn draw(&self, price: Balance) -> (Balance, Balance) {
		let nobody = AccountId32::new([77; 32]);
		let pay = self.divide(price, &nobody)[&nobody];
		let kept = 1_000_000 - Balance::from(self.platform.deconstruct());
		let gross = (pay..).find(|gross| gross * kept >= pay * 1_000_000);
		(pay, gross.expect("the platform's share is below one"))
	}

	/// What a missed deadline brings, if anything: promised by the owner of what served it first.
	fn promised(&self) -> Balance {
		self.first_stake.unwrap_or_else(|| self.stake()) * 35 / 100
	}

	/// What a lease has at stake.
	fn stake(&self) -> Balance {
		self.cover.as_ref().map_or(self.most, |cover| cover.most.1)
	}
}

/// What a member of the set sent last, of a few things that members can agree on.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
	call: Call<Test>,
	/// When, and of which output.
	at: u64,
	out_point: OutPoint,
}

struct Scenario {
	dice: Dice,
	/// The model that a set changes, and what its members sent.
	shared: ModelId,
	sent: BTreeMap<AccountId32, Sent>,
	/// What everybody owns: free, held, and earned.
	worth: BTreeMap<AccountId32, Balance>,
	models: Vec<(ModelId, bool)>,
	open: BTreeMap<RequestId, Agreed>,
	/// The periods that go on, or are over and not closed.
	periods: BTreeMap<(AccountId32, ModelId), Paid>,
	/// How many periods were paid.
	paid: u32,
	/// What the owner's bonds are, all of them together.
	bonds: Balance,
	/// The requests for which a penalty is reserved.
	guaranteed: BTreeSet<RequestId>,
	/// How often each kind of step did something.
	done: BTreeMap<&'static str, u32>,
}

fn worth(who: &AccountId32) -> Balance {
	<Balances as Inspect<_>>::total_balance(who) + Earnings::<Test>::get(who)
}

impl Scenario {
	fn new(seed: u64) -> Self {
		let key = register_key(&OWNER, ARTIFACT, &digits_key());
		for worker in &WORKERS {
			bond(worker);
		}
		let versions =
			[(digits(key), true), (digits(key), true), (attested(), false), (attested(), false)];
		let models = versions.map(|(version, proven)| {
			let (model, _) = deploy(version);
			for worker in &WORKERS {
				serve(worker, VersionId { model, index: 0 });
			}
			let offer = |plan| Offer { plan, tier: Tier::Standard, to: None };
			let plans = PLANS.map(offer).to_vec().try_into().unwrap();
			assert_ok!(Aimodel::set_plans(RuntimeOrigin::signed(OWNER), tip(model), plans));
			assert_ok!(Aimodel::fund_pot(RuntimeOrigin::signed(OWNER), model, 5_000));
			assert_ok!(Aimodel::post_service_bond(RuntimeOrigin::signed(OWNER), model, 4_000));
			(model, proven)
		});
		let shared = models[3].0;
		let mut members = MEMBERS.to_vec();
		members.sort();
		let lock = Some(Lock { members: members.try_into().unwrap(), threshold: 2 });
		assert_ok!(Aimodel::set_lock(RuntimeOrigin::signed(OWNER), tip(shared), lock));
		let worth = EVERYBODY.iter().map(|who| (who.clone(), worth(who))).collect();
		let (open, periods, guaranteed, done, sent) = Default::default();
		let (dice, models) = (Dice(seed), models.to_vec());
		let bonds = 4_000 * models.len() as Balance;
		Self { dice, shared, sent, worth, models, open, periods, paid: 0, bonds, guaranteed, done }
	}

	fn moved(&mut self, who: &AccountId32, by: i128) {
		let owned = self.worth.get_mut(who).expect("somebody");
		*owned = owned.checked_add_signed(by).expect("nobody owes");
	}

	fn tariff(&mut self) -> Tariff {
		let volume = (1..=self.dice.roll(3)).map(|at| Bracket {
			from: 2 * at,
			discount: Permill::from_parts(self.dice.roll(1_000_000) as u32),
		});
		let volume = volume.collect::<Vec<_>>().try_into().unwrap();
		let (a, b): (Balance, Balance) =
			(self.dice.roll(2_000).into(), self.dice.roll(4_000).into());
		let bounds = match self.dice.roll(2) {
			0 => Bounds::default(),
			_ => Bounds { min: a.min(b), max: a.max(b) },
		};
		let minimum = self.dice.roll(500).into();
		let flat = Tariff::flat(self.dice.roll(1_000).into(), self.dice.roll(9).into());
		Tariff { minimum, bounds, volume, ..flat }
	}

	fn shares(&mut self) -> RevenueSplit<AccountId32> {
		// Odd, so that owner and author have an odd number of parts: two of them can not tie.
		let worker = 1 + 2 * self.dice.roll(499_999) as u32;
		let owner = 1 + self.dice.roll(u64::from(999_998 - worker)) as u32;
		let author = 1_000_000 - worker - owner;
		split_among(&[(Payee::Account(OWNER), owner), (Payee::Account(AUTHOR), author)])
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
		let policy = match self.dice.roll(4) {
			0 => Policy::AllowList,
			_ => Policy::Open,
		};
		Access { policy, paused: self.dice.roll(8) == 0, limits, breaker }
	}

	/// One step; says which, if it did something.
	fn step(&mut self) -> Option<&'static str> {
		let who = CUSTOMERS[self.dice.roll(3) as usize].clone();
		// The second stands in for the first, mostly.
		let (model, proven) = self.models[[0, 0, 0, 1, 2, 3][self.dice.roll(6) as usize]];
		let owner = RuntimeOrigin::signed(OWNER);
		let ids: Vec<_> = self.open.keys().copied().collect();
		let id = self.dice.pick(&ids).copied().unwrap_or(u64::MAX);
		match self.dice.roll(38) {
			0..=6 => self.request(who, model, proven),
			7..=10 => self.answer(id),
			11 => self.cancel(&who, id),
			12 => Aimodel::advance(RuntimeOrigin::signed(who), id).is_ok().then_some("advance"),
			13 => Aimodel::expire(RuntimeOrigin::signed(who), id).is_ok().then_some("expire"),
			14 => {
				let payee = EVERYBODY[self.dice.roll(7) as usize].clone();
				Aimodel::withdraw(RuntimeOrigin::signed(payee)).is_ok().then_some("withdraw")
			},
			15 => {
				let tariff = self.tariff();
				Aimodel::reprice(owner, tip(model), tariff).is_ok().then_some("reprice")
			},
			16 => {
				let shares = self.shares();
				Aimodel::resplit(owner, tip(model), shares).is_ok().then_some("resplit")
			},
			17 => {
				let share = Permill::from_percent(10 + self.dice.roll(40) as u32);
				let set = Aimodel::set_platform_share(RuntimeOrigin::root(), share);
				set.is_ok().then_some("set platform share")
			},
			18 => {
				let alerts = vec![Percent::from_percent(50)].try_into().unwrap();
				let limit = self.dice.roll(20_000).into();
				let budget = (self.dice.roll(2) > 0).then_some(Budget { limit, alerts });
				let set = Aimodel::set_budget(RuntimeOrigin::signed(who), model, budget);
				set.is_ok().then_some("set budget")
			},
			19 => {
				let access = self.access();
				Aimodel::set_access(owner, tip(model), access).is_ok().then_some("set access")
			},
			20 => {
				let listed = vec![who].try_into().unwrap();
				let changed = match self.dice.roll(3) {
					0 => Aimodel::disallow(owner, model, listed),
					_ => Aimodel::allow(owner, model, listed),
				};
				changed.is_ok().then_some("allow list")
			},
			21..=25 => self.request_by_plan(who, model, proven),
			26 | 27 => {
				let plan = self.dice.roll(2) as u32;
				let origin = RuntimeOrigin::signed(who);
				let done = with_storage_layer(|| Aimodel::subscribe(origin, tip(model), plan));
				done.is_ok().then_some("subscribe")
			},
			28 => {
				let origin = RuntimeOrigin::signed(OWNER);
				let done = with_storage_layer(|| Aimodel::renew(origin, who, model));
				done.is_ok().then_some("renew")
			},
			29 => {
				let origin = RuntimeOrigin::signed(OWNER);
				let done = with_storage_layer(|| Aimodel::close_subscription(origin, who, model));
				done.is_ok().then_some("close subscription")
			},
			30..=33 => self.approve(),
			34 => self.change_bond(model),
			35 => {
				let waived = self.dice.roll(3) > 0;
				let done = Aimodel::waive_penalty(RuntimeOrigin::signed(who), model, waived);
				done.is_ok().then_some("waive penalty")
			},
			_ => {
				let blocks = 1 + self.dice.roll(6);
				advance_to(System::block_number() + blocks);
				Some("blocks")
			},
		}
	}

	/// A member of the set sends something, or takes it back. Two who sent the same of the same output
	/// within ten blocks, and nothing else since, have agreed.
	fn approve(&mut self) -> Option<&'static str> {
		let who = self.dice.pick(&MEMBERS)?.clone();
		let (model, out_point) = (self.shared, tip(self.shared));
		let origin = RuntimeOrigin::signed(who.clone());
		let at = System::block_number();
		let live = |sent: &Sent| sent.out_point == out_point && at <= sent.at + 10;
		let accounts = vec![CUSTOMER].try_into().unwrap();
		let tariff = Tariff::flat(900, 3);
		let split = split_among(&[(Payee::Account(OWNER), 300_001), (Payee::Account(AUTHOR), 8)]);
		let call = match self.dice.roll(7) {
			0 => {
				let done = Aimodel::withdraw_approval(origin, out_point);
				let had = self.sent.remove(&who).filter(|sent| sent.out_point == out_point);
				// One that lapsed may have been removed.
				assert!(had.as_ref().is_none_or(|sent| !live(sent)) || done.is_ok());
				assert!(had.is_some() || done.is_err());
				return done.is_ok().then_some("withdraw approval");
			},
			1 => Call::resplit { out_point, split },
			2 => Call::reprice { out_point, tariff: Tariff::flat(500, 1) },
			3 => Call::set_access { out_point, access: Access::default() },
			4 => Call::allow { model, accounts },
			5 => Call::disallow { model, accounts },
			_ => Call::reprice { out_point, tariff },
		};
		let listed = Allowed::<Test>::iter_prefix(model).count();
		if let Err(refused) = RuntimeCall::from(call.clone()).dispatch(origin) {
			let of_list = matches!(call, Call::allow { .. } | Call::disallow { .. });
			assert!(of_list, "{call:?}: {refused:?}");
			return None;
		}
		let agreed =
			self.sent.iter().any(|(other, sent)| *other != who && sent.call == call && live(sent));
		let of_list = listed != Allowed::<Test>::iter_prefix(model).count();
		assert_eq!(agreed, of_list || tip(model) != out_point, "whether it took effect");
		if agreed {
			self.sent.retain(|_, sent| sent.call != call);
			self.sent.remove(&who);
			return Some("agree");
		}
		self.sent.insert(who, Sent { call, at, out_point });
		Some("approve")
	}

	/// Puts some up, or takes some back.
	fn change_bond(&mut self, model: ModelId) -> Option<&'static str> {
		let amount = self.dice.roll(2_000).into();
		let (owner, back) = (RuntimeOrigin::signed(OWNER), self.dice.roll(2) > 0);
		let done = || match back {
			true => Aimodel::withdraw_service_bond(owner, model, amount),
			false => Aimodel::post_service_bond(owner, model, amount),
		};
		with_storage_layer(done).ok()?;
		self.bonds = if back { self.bonds - amount } else { self.bonds + amount };
		Some(if back { "withdraw bond" } else { "post bond" })
	}

	fn agree(
		&mut self,
		who: &AccountId32,
		model: ModelId,
		proven: bool,
	) -> (Agreed, Assurance, Input<ConstU32<256>>) {
		let content = Outputs::<Test>::get(tip(model)).unwrap().content;
		let max_fee = self.dice.roll(4_000).into();
		let rows = 1 + self.dice.roll(4) as usize;
		let (assurance, input, most) = match proven {
			true => (PROVEN, image(), 2),
			false => {
				(Assurance::Attested, floats(2 * rows), 1 + 2 * rows as u64 + 30 * rows as u64)
			},
		};
		let mut agreed = Agreed {
			calls: Aimodel::calls(who, &model),
			customer: who.clone(),
			tariff: content.tariff,
			split: content.split,
			platform: PlatformShare::<Test>::get(),
			max_fee,
			proven,
			held: 0,
			most: 0,
			later: Vec::new(),
			compensated: 0,
			cover: None,
			lapsed: false,
			first_stake: None,
			penalised: false,
		};
		agreed.held = agreed.price(most);
		(agreed, assurance, input)
	}

	fn request(&mut self, who: AccountId32, model: ModelId, proven: bool) -> Option<&'static str> {
		let (mut agreed, assurance, input) = self.agree(&who, model, proven);
		let max_fee = agreed.max_fee;
		agreed.most = agreed.held.min(max_fee);
		let mut asked = BTreeMap::from([(model, agreed)]);
		if proven && self.dice.roll(4) > 0 {
			let alike = |(other, kind): &(ModelId, bool)| *kind && *other != model;
			for (other, _) in self.models.clone().into_iter().filter(alike) {
				let (mut agreed, ..) = self.agree(&who, other, true);
				agreed.most = agreed.held.min(max_fee);
				asked.insert(other, agreed);
			}
		}
		let others = asked.keys().filter(|other| **other != model);
		let fallbacks = others.map(|other| tip(*other)).collect::<Vec<_>>().try_into().unwrap();
		let origin = RuntimeOrigin::signed(who);
		let id = NextRequest::<Test>::get();
		let (first, kind) =
			(tip(model), if asked.len() > 1 { "request with fallbacks" } else { "request" });
		let order = || Aimodel::request(origin, first, assurance, input, max_fee, None, fallbacks);
		with_storage_layer(order).ok()?;
		let Some(RequestInfo::Open { version, fallbacks, held, .. }) = Aimodel::request_info(id)
		else {
			panic!("it is open")
		};
		let mut agreed = asked.remove(&version.model).expect("one of these serves");
		let later = |version: VersionId| (version.model, asked.remove(&version.model).unwrap());
		agreed.later = fallbacks.into_iter().map(later).collect();
		let most = agreed.later.iter().map(|(_, other)| other.most).max().unwrap_or_default();
		agreed.held = agreed.most.max(most);
		assert_eq!(held, agreed.held, "what is held");
		self.open.insert(id, agreed);
		Some(kind)
	}

	/// What was agreed on with the model that a request went to.
	fn fall_back(&mut self, request: RequestId, to: ModelId) {
		let mut before = self.open.remove(&request).expect("an open request");
		let place = before.later.iter().position(|(model, _)| *model == to).expect("a fallback");
		let (_, mut agreed) = before.later.remove(place);
		(agreed.held, agreed.compensated) = (before.held, before.compensated);
		agreed.first_stake = Some(before.first_stake.unwrap_or_else(|| before.stake()));
		agreed.lapsed = before.lapsed;
		agreed.later = before.later;
		self.open.insert(request, agreed);
	}

	fn request_by_plan(
		&mut self,
		who: AccountId32,
		model: ModelId,
		proven: bool,
	) -> Option<&'static str> {
		let (mut agreed, assurance, input) = self.agree(&who, model, proven);
		let most = agreed.draw(agreed.held);
		agreed.held = 0;
		let origin = RuntimeOrigin::signed(who.clone());
		let id = NextRequest::<Test>::get();
		// Some outlive their period.
		let late = (self.dice.roll(2) > 0).then(|| System::block_number() + 30);
		let order = || Aimodel::request_by_plan(origin, tip(model), assurance, input, late);
		with_storage_layer(order).ok()?;
		// A period that was due is charged first.
		self.follow();
		let period = self.periods.get_mut(&(who, model)).expect("a period");
		let from_pot = period.left < most.1;
		if !from_pot {
			period.left -= most.1;
		}
		let info = Aimodel::request_info(id).unwrap();
		let RequestInfo::Open { held, draw, .. } = info else { panic!("it is open") };
		assert_eq!((held, draw), (0, Some(most.1)), "what is reserved");
		agreed.cover = Some(Covering { most, period: period.clone(), from_pot });
		self.open.insert(id, agreed);
		Some(if from_pot { "request by pot" } else { "request by plan" })
	}

	/// A period begins at the terms of now; what is left of the last one is divided.
	fn begin_period(&mut self, who: AccountId32, model: ModelId, price: Balance) {
		self.end_period(who.clone(), model);
		let split = Outputs::<Test>::get(tip(model)).unwrap().content.split;
		let platform = PlatformShare::<Test>::get();
		self.paid += 1;
		let beneficiaries = beneficiaries(&split);
		let period = Paid { number: self.paid, left: price, platform, beneficiaries };
		self.periods.insert((who, model), period);
	}

	fn end_period(&mut self, who: AccountId32, model: ModelId) {
		if let Some(period) = self.periods.remove(&(who.clone(), model)) {
			self.earn(&who, period.left, &period);
		}
	}

	fn earn(&mut self, who: &AccountId32, amount: Balance, period: &Paid) {
		self.moved(who, -(amount as i128));
		for (payee, part) in divide(amount, period.platform, &period.beneficiaries) {
			self.moved(&payee, part as i128);
		}
	}

	/// What a call did not draw goes back to its period, or is divided as that was.
	fn give_back(&mut self, who: &AccountId32, cover: &Covering, amount: Balance) {
		if cover.from_pot {
			return;
		}
		let number = cover.period.number;
		let same =
			self.periods.iter_mut().find(|((owner, _), p)| owner == who && p.number == number);
		match same {
			Some((_, period)) => period.left += amount,
			None => self.earn(who, amount, &cover.period),
		}
	}

	fn settle_by_plan(&mut self, agreed: &Agreed, units: u64, worker: &AccountId32) {
		let cover = agreed.cover.as_ref().unwrap();
		let (pay, gross) = agreed.draw(agreed.price(units));
		// By largest remainder, the worker's part of less can be a unit more.
		let (pay, gross) = (pay.min(cover.most.0), gross.min(cover.most.1));
		let payer = if cover.from_pot { OWNER } else { agreed.customer.clone() };
		self.moved(&payer, -(gross as i128));
		self.moved(worker, pay as i128);
		self.moved(&PLATFORM, (gross - pay) as i128);
		self.give_back(&agreed.customer, cover, cover.most.1 - gross);
	}

	fn answer(&mut self, id: RequestId) -> Option<&'static str> {
		let worker = holder(id)?;
		let agreed = &self.open[&id];
		let (result, units) = match agreed.proven {
			true => (answer(&worker, id), 2),
			false => {
				let rows = u64::from(Requests::<Test>::get(id).unwrap().rows);
				let words = 1 + self.dice.roll(3);
				let computed = 1 + 2 * rows + 10 * rows * words;
				let reported = (self.dice.roll(2) > 0).then(|| self.dice.roll(computed + 1));
				let output = super::world::words((rows * words) as usize);
				(answer_attested(&worker, id, output, reported), reported.unwrap_or(computed))
			},
		};
		result.ok()?;
		let agreed = self.open.remove(&id).unwrap();
		if agreed.cover.is_some() {
			self.settle_by_plan(&agreed, units, &worker);
			return Some("answer by plan");
		}
		let price = agreed.price(units).min(agreed.most);
		self.moved(&agreed.customer, -(price as i128));
		for (who, part) in agreed.divide(price, &worker) {
			self.moved(&who, part as i128);
		}
		Some("answer")
	}

	/// Mostly by the customer.
	fn cancel(&mut self, who: &AccountId32, id: RequestId) -> Option<&'static str> {
		let customer = self.open.get(&id).map_or(who.clone(), |agreed| agreed.customer.clone());
		let who = if self.dice.roll(4) > 0 { &customer } else { who };
		Aimodel::cancel(RuntimeOrigin::signed(who.clone()), id).ok()?;
		assert_eq!(self.open[&id].customer, *who, "nobody cancels another's request");
		Some("cancel")
	}

	/// Takes into account what the chain did by itself: obliged leases that lapsed, refunds.
	fn follow(&mut self) {
		for event in System::read_events_for_pallet::<Event<Test>>() {
			match event {
				Event::Lapsed { request, worker, obliged: true, .. } => {
					*self.done.entry("lapse").or_default() += 1;
					let agreed = self.open.get_mut(&request).expect("an open request");
					let most = agreed.most / 10;
					let lost = 50 + agreed.stake();
					let compensation = lost.min(most.saturating_sub(agreed.compensated));
					agreed.compensated += compensation;
					agreed.lapsed |= agreed.first_stake.is_none();
					let customer = agreed.customer.clone();
					self.moved(&worker, -(lost as i128));
					self.moved(&customer, compensation as i128);
				},
				Event::Lapsed { .. } => panic!("inline input obliges at once"),
				// At its creation, it is known who serves it.
				Event::FellBack { reason: FallbackReason::Refused, .. } => {
					*self.done.entry("refused at once").or_default() += 1;
				},
				Event::FellBack { request, to, .. } => {
					*self.done.entry("fall back").or_default() += 1;
					self.fall_back(request, to.model);
				},
				Event::Guaranteed { request, guarantor, .. } => {
					assert_eq!(guarantor, OWNER);
					self.guaranteed.insert(request);
				},
				Event::PenaltyPaid { request, customer, owed, amount, .. } => {
					*self.done.entry("penalty").or_default() += 1;
					let agreed = self.open.get_mut(&request).expect("an open request");
					assert!(self.guaranteed.contains(&request), "a promise");
					let promised = agreed.promised();
					assert_eq!((&customer, owed), (&agreed.customer, promised));
					assert_eq!(amount, owed.saturating_sub(agreed.compensated));
					assert!(agreed.lapsed && !agreed.penalised, "missed, and not paid yet");
					agreed.penalised = true;
					self.bonds -= amount;
					self.moved(&OWNER, -(amount as i128));
					self.moved(&customer, amount as i128);
				},
				Event::Refunded { request, amount, reason, .. } => {
					let agreed = self.open.remove(&request).expect("open");
					assert_eq!(agreed.held, amount);
					let missed = reason == Unanswered::Expired && agreed.lapsed;
					let owed = missed && self.guaranteed.contains(&request);
					assert_eq!(agreed.penalised, owed, "a missed deadline pays what was promised");
					if let Some(cover) = &agreed.cover {
						self.give_back(&agreed.customer, cover, cover.most.1);
					}
				},
				Event::Subscribed { account, model, plan, .. } => {
					self.begin_period(account, model, plan.price);
				},
				Event::SubscriptionRenewed { account, model, price, .. } => {
					self.begin_period(account, model, price);
				},
				Event::SubscriptionClosed { account, model, refund } => {
					assert_eq!(refund, 0, "no model is retired");
					self.end_period(account, model);
				},
				_ => (),
			}
		}
		System::reset_events();
	}

	fn compare(&self) {
		for (who, owned) in &self.worth {
			assert_eq!(worth(who), *owned, "{who:?}");
		}
		let reason = HoldReason::ServiceBond.into();
		assert_eq!(Balances::balance_on_hold(&reason, &OWNER), self.bonds, "bonds");
	}
}

/// Returns how often each kind of step did something.
fn anything(seed: u64) -> BTreeMap<&'static str, u32> {
	println!("seed {seed}");
	new_world().execute_with(|| {
		let mut scenario = Scenario::new(seed);
		System::reset_events();
		for step in 0..STEPS {
			let what = scenario.step();
			println!("step {step}: {}", what.unwrap_or("refused"));
			scenario.follow();
			scenario.compare();
			check_invariants();
			*scenario.done.entry(what.unwrap_or("refused")).or_default() += 1;
		}
		println!("{:?}", scenario.done);
		scenario.done
	})
}

#[test]
fn what_everybody_owns_is_what_was_agreed_whatever_anybody_does() {
	let everything = [
		"request",
		"request with fallbacks",
		"refused at once",
		"fall back",
		"answer",
		"cancel",
		"lapse",
		"withdraw",
		"reprice",
		"resplit",
		"set access",
		"subscribe",
		"request by plan",
		"request by pot",
		"answer by plan",
		"renew",
		"approve",
		"withdraw approval",
		"agree",
	];
	for seed in 0..2 {
		let done = anything(seed);
		for kind in everything {
			assert!(done.get(kind).is_some_and(|times| *times > 1), "{kind} hardly ever");
		}
	}
}

#[test]
fn and_with_a_seed_that_nobody_chose() {
	let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
	anything(now.unwrap().as_nanos() as u64);
}
