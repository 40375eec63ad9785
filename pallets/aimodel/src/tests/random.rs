//! Anybody does anything, thousands of times; what everybody owns is reckoned beside the chain, by
//! other arithmetic, and compared after every step.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	access::{BreakerParams, Limits, Policy, RateLimit},
	billing::Budget,
	pricing::{Bounds, Bracket},
	Payee,
};
use frame_support::traits::fungible::Inspect;
use sp_runtime::{AccountId32, Percent, Permill};
use std::collections::BTreeMap;

const STEPS: usize = 600;

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
	/// What lapses have brought its customer.
	compensated: Balance,
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
		let platform = amount * Balance::from(self.platform.deconstruct()) / 1_000_000;
		let rest = amount - platform;
		let others = self.split.beneficiaries.iter().map(|(payee, share)| match payee {
			Payee::Account(who) => (who.clone(), *share),
			Payee::Model(_) => unreachable!("the owner names accounts"),
		});
		let roles: Vec<_> =
			[(worker.clone(), self.split.worker)].into_iter().chain(others).collect();
		let due = |share: &Permill| rest * Balance::from(share.deconstruct());
		let mut parts: Vec<_> = roles.iter().map(|(_, share)| due(share) / 1_000_000).collect();
		let floors = parts.clone();
		for _ in 0..rest - floors.iter().sum::<Balance>() {
			let missing = |at: &usize| due(&roles[*at].1) - floors[*at] * 1_000_000;
			let ungiven = (0..roles.len()).filter(|at| parts[*at] == floors[*at]);
			// The first of the greatest.
			let next = ungiven.rev().max_by_key(missing).expect("fewer units than roles");
			parts[next] += 1;
		}
		let mut owed = BTreeMap::from([(PLATFORM, platform)]);
		for ((who, _), part) in roles.into_iter().zip(parts) {
			*owed.entry(who).or_default() += part;
		}
		owed
	}
}

struct Scenario {
	dice: Dice,
	/// What everybody owns: free, held, and earned.
	worth: BTreeMap<AccountId32, Balance>,
	models: Vec<(ModelId, bool)>,
	open: BTreeMap<RequestId, Agreed>,
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
		let models = [(digits(key), true), (attested(), false)].map(|(version, proven)| {
			let (model, _) = deploy(version);
			for worker in &WORKERS {
				serve(worker, VersionId { model, index: 0 });
			}
			(model, proven)
		});
		let worth = EVERYBODY.iter().map(|who| (who.clone(), worth(who))).collect();
		let (open, done) = (BTreeMap::new(), BTreeMap::new());
		Self { dice: Dice(seed), worth, models: models.to_vec(), open, done }
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
		let worker = 1 + self.dice.roll(999_997) as u32;
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
		let (model, proven) = *self.dice.pick(&self.models)?;
		let owner = RuntimeOrigin::signed(OWNER);
		let ids: Vec<_> = self.open.keys().copied().collect();
		let id = self.dice.pick(&ids).copied().unwrap_or(u64::MAX);
		match self.dice.roll(22) {
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
			_ => {
				let blocks = 1 + self.dice.roll(6);
				advance_to(System::block_number() + blocks);
				Some("blocks")
			},
		}
	}

	fn request(&mut self, who: AccountId32, model: ModelId, proven: bool) -> Option<&'static str> {
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
			calls: Aimodel::calls(&who, &model),
			customer: who.clone(),
			tariff: content.tariff,
			split: content.split,
			platform: PlatformShare::<Test>::get(),
			max_fee,
			proven,
			held: 0,
			compensated: 0,
		};
		agreed.held = agreed.price(most).min(agreed.max_fee);
		let origin = RuntimeOrigin::signed(who);
		let id = NextRequest::<Test>::get();
		Aimodel::request(origin, tip(model), assurance, input, max_fee, None).ok()?;
		assert_eq!(Requests::<Test>::get(id).unwrap().held, agreed.held, "what is held");
		self.open.insert(id, agreed);
		Some("request")
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
		let price = agreed.price(units).min(agreed.held);
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
					let most = agreed.held / 10;
					let compensation = (50 + agreed.held).min(most - agreed.compensated);
					agreed.compensated += compensation;
					let (customer, lost) = (agreed.customer.clone(), 50 + agreed.held);
					self.moved(&worker, -(lost as i128));
					self.moved(&customer, compensation as i128);
				},
				Event::Lapsed { .. } => panic!("inline input obliges at once"),
				Event::Refunded { request, amount, .. } => {
					assert_eq!(self.open.remove(&request).expect("open").held, amount);
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
	}
}

fn anything(seed: u64) {
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
		for kind in
			["request", "answer", "cancel", "lapse", "withdraw", "reprice", "resplit", "set access"]
		{
			assert!(scenario.done.get(kind).is_some_and(|times| *times > 3), "{kind} hardly ever");
		}
	});
}

#[test]
fn what_everybody_owns_is_what_was_agreed_whatever_anybody_does() {
	for seed in 0..2 {
		anything(seed);
	}
}

#[test]
fn and_with_a_seed_that_nobody_chose() {
	let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
	anything(now.unwrap().as_nanos() as u64);
}
