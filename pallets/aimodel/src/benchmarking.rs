//! Benchmarks: every call in its worst case, and the clockwork that calls charge for.

// A benchmark reckons with numbers of its own, and may panic.
#![allow(clippy::arithmetic_side_effects)]

use super::{fallback_impls::Order, *};
use aimodel_primitives::{
	access::{
		AccountLimits, Breaker, BreakerParams, Limits, Policy, RateLimit, Trial, MAX_ACCOUNTS,
	},
	billing::MAX_ALERTS,
	incentives::{Merit, MAX_INCENTIVE_SHARE},
	income::MAX_EARNERS,
	models::MAX_TAGS,
	owners::MAX_MEMBERS,
	pricing::{
		Bracket, Demand, DemandParams, Factor, Offer, ServiceTerms, TimeBracket, UnitsFormula,
		MAX_BRACKETS, MAX_PLANS, MAX_TIME_BRACKETS,
	},
	privacy::Privacy,
	runtime_api::Circuit,
	split::{FlatSplit, MAX_BENEFICIARIES, MAX_PAYEES, WHOLE},
	tensor::{Dimension, ElementType, Interface, TensorType},
	voucher::{Claim, Voucher, MAX_CLAIMS, MAX_SETTLERS},
	KeyId, Payee,
};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::Decode;
use frame_benchmarking::{account, v2::*};
use frame_support::{
	traits::{
		fungible::{Inspect, Mutate},
		EnsureOrigin, Get,
	},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_core::{crypto::KeyTypeId, H256};
use sp_runtime::{
	traits::{One, Saturating},
	Percent, Permill,
};

/// What other pallets must provide to the benchmarks of this one.
pub trait BenchmarkHelper<AccountId> {
	/// Bonds so many workers that serve `version`; returns each with its operator.
	fn serve(version: VersionId, workers: u32) -> Vec<(AccountId, AccountId)>;

	/// Registers a key of `who` with so many public inputs, made for `artifact`.
	fn register_key(who: &AccountId, artifact: H256, public_inputs: u32) -> KeyId;
}

const ARTIFACT: H256 = H256([7; 32]);

fn funded<T: Config>(name: &'static str) -> T::AccountId {
	let who = account(name, 0, 0);
	T::Currency::set_balance(&who, Balance::MAX / 1_000_000);
	who
}

/// The largest tariff, whose demand falls slowest.
fn tariff() -> Tariff {
	let (floor, cap) = (Factor::from_parts(1), Factor::from_parts(u32::MAX));
	let brackets = |from| Bracket { from, discount: Permill::from_parts(1) };
	let hour = |hour: u32| {
		let (from, until) = (hour * 3_600, (hour + 1) * 3_600);
		TimeBracket { from, until, factor: Factor::ONE }
	};
	let volume: Vec<_> = (0..MAX_BRACKETS).map(|from| brackets(u64::from(from))).collect();
	let batch: Vec<_> =
		(0..MAX_BRACKETS).map(|from| Bracket { from, discount: Permill::zero() }).collect();
	let time_of_day: Vec<_> = (0..MAX_TIME_BRACKETS).map(hour).collect();
	Tariff {
		demand: Some(DemandParams { target: 1, step: DemandParams::MIN_STEP, floor, cap }),
		quality_cap: Permill::one(),
		volume: BoundedVec::truncate_from(volume),
		time_of_day: BoundedVec::truncate_from(time_of_day),
		batch: BoundedVec::truncate_from(batch),
		..Tariff::flat(1_000_001, 1)
	}
}

/// Makes the demand for a model fall through as many windows as it can.
fn idle<T: Config>(model: &ModelId) {
	Records::<T>::mutate(model, |record| {
		record.demand = Demand(Factor::from_parts(u32::MAX));
		record.window = 0;
	});
	let far: BlockNumberFor<T> = T::DemandWindow::get().saturating_mul(5_000).into();
	frame_system::Pallet::<T>::set_block_number(far);
}

/// Access with all that there is to check: a list is read, as a subscription is by every request.
fn access() -> Access {
	let (calls, window) = (u32::MAX, 1);
	Access {
		policy: Policy::AllowList,
		paused: false,
		limits: Limits {
			rate: Some(RateLimit { calls, window }),
			open_per_account: Some(u32::MAX),
			open: Some(u32::MAX),
		},
		breaker: Some(BreakerParams { failures: 1, cool_down: 1 }),
	}
}

/// A breaker whose cool-down is over, and whose trial nobody has to answer.
const HALF_OPEN: Breaker = Breaker::Open { until: 0, trial: Some(Trial { request: 0, until: 0 }) };

fn accounts<T: Config>(count: u32) -> Accounts<T> {
	let accounts: Vec<_> = (0..count).map(|i| account("allowed", i, 0)).collect();
	BoundedVec::truncate_from(accounts)
}

/// The largest split.
fn split<T: Config>() -> RevenueSplit<T::AccountId> {
	split_among::<T>(0)
}

/// The largest split, among other accounts for each seed.
fn split_among<T: Config>(seed: u32) -> RevenueSplit<T::AccountId> {
	let share = Permill::from_parts(10_000);
	let beneficiaries: Vec<_> = (0..MAX_BENEFICIARIES)
		.map(|i| (Payee::Account(account("beneficiary", i, seed)), share))
		.collect();
	split_of::<T>(beneficiaries)
}

/// These shares of a hundredth, and the rest to the worker.
fn split_of<T: Config>(
	beneficiaries: Vec<(Payee<T::AccountId>, Permill)>,
) -> RevenueSplit<T::AccountId> {
	let parts = 1_000_000 - 10_000 * beneficiaries.len() as u32;
	let worker = Permill::from_parts(parts);
	RevenueSplit { worker, beneficiaries: BoundedVec::truncate_from(beneficiaries) }
}

/// A model that is paid together with the given ones.
fn deploy_over<T: Config>(owner: &T::AccountId, bases: &[ModelId]) -> ModelId {
	let known: BTreeSet<_> = Tips::<T>::iter_keys().collect();
	let split = if bases.is_empty() { split::<T>() } else { split_over::<T>(bases) };
	Pallet::<T>::do_deploy(owner.clone(), version::<T>(1), tariff(), split)
		.expect("a sound model deploys; qed");
	frame_system::Pallet::<T>::inc_account_nonce(owner);
	Tips::<T>::iter_keys().find(|id| !known.contains(id)).expect("it was deployed; qed")
}

fn split_over<T: Config>(bases: &[ModelId]) -> RevenueSplit<T::AccountId> {
	let share = |base: &ModelId| (Payee::Model(*base), Permill::from_parts(10_000));
	split_of::<T>(bases.iter().map(share).collect())
}

/// A record that names as many payees as it can, and none that will be paid.
fn full_income<T: Config>() -> Income<T::AccountId> {
	let mut income = Income::default();
	for i in 0..MAX_EARNERS {
		income.pay(&account("former beneficiary", i, 0), 1);
	}
	income
}

fn change_request<T: Config>(id: RequestId, change: impl FnOnce(&mut Request<T>)) {
	Requests::<T>::mutate(id, |request| change(request.as_mut().expect("it was made; qed")));
}

/// A leased request whose lapse counts against what its model merits.
fn leased_proven<T: Config>(world: &Ordered<T>) -> RequestId {
	let id = leased::<T>(world);
	let proven = Assurance::Proven { weakest_origin: None };
	change_request::<T>(id, |request| request.assurance = proven);
	id
}

/// A split that led to as many payees as it can.
fn widest<T: Config>() -> FlatSplit<T::AccountId> {
	let weight = WHOLE / u128::from(MAX_PAYEES + 1);
	let payees: Vec<_> = (0..MAX_PAYEES).map(|i| (account("beneficiary", i, 0), weight)).collect();
	let worker = WHOLE - weight * u128::from(MAX_PAYEES);
	FlatSplit { worker, payees: BoundedVec::truncate_from(payees) }
}

/// The same without a worker.
fn widest_owners_side<T: Config>() -> FlatSplit<T::AccountId> {
	let FlatSplit { worker, mut payees } = widest::<T>();
	payees[0].1 += worker;
	FlatSplit { worker: 0, payees }
}

fn bytes(max: u32) -> TensorType {
	let shape = Vec::from([Dimension::Batch { max }]);
	TensorType { element: ElementType::U8, shape: BoundedVec::truncate_from(shape) }
}

/// A model whose input and output are as long as one likes.
fn version<T: Config>(lease: u32) -> Version {
	let max = T::MaxInlineInput::get().max(T::MaxInlineOutput::get());
	Version {
		artifact: ARTIFACT,
		interface: Interface { input: bytes(max), output: bytes(max) },
		units: UnitsFormula { fixed: 1, ..Default::default() },
		lease,
		circuit: None,
	}
}

/// A version with a key, by `who`.
fn provable<T: Config>(who: &T::AccountId) -> Version {
	let tensor = |element, size| TensorType::fixed(element, &[1, size]).expect("of rank two; qed");
	let interface =
		Interface { input: tensor(ElementType::U8, 64), output: tensor(ElementType::I32, 10) };
	let key = T::BenchmarkHelper::register_key(who, ARTIFACT, 6);
	let circuit =
		Circuit { key, proving_key: H256::zero(), privacy: Privacy::PUBLIC, parameters: None };
	let circuit = Some(circuit);
	Version { interface, circuit, ..version::<T>(1) }
}

fn deployed<T: Config>(owner: &T::AccountId, version: Version) -> (ModelId, OutPoint) {
	Pallet::<T>::do_deploy(owner.clone(), version, tariff(), split::<T>())
		.expect("a sound model deploys; qed");
	frame_system::Pallet::<T>::inc_account_nonce(owner);
	Tips::<T>::iter().last().expect("it was deployed; qed")
}

/// A model with a history of which one record is left to what closes in one step.
fn changed<T: Config>(owner: &T::AccountId, version: Version) -> (ModelId, OutPoint) {
	let (model, _) = deployed::<T>(owner, version);
	let tip = || Tips::<T>::get(model).expect("the model is live; qed");
	for _ in 1..T::HistoryStep::get() {
		Pallet::<T>::do_reprice(owner.clone(), tip(), tariff()).expect("the owner may; qed");
	}
	(model, tip())
}

/// The largest metadata, whose tags begin with eight letters from this one on.
fn described(first: u8) -> Metadata {
	let tag = |letter| {
		let mut tag = alloc::vec![b'z'; 32];
		tag[0] = letter;
		BoundedVec::truncate_from(tag)
	};
	let letters = first..first + MAX_TAGS as u8;
	Metadata {
		name: BoundedVec::truncate_from(alloc::vec![b'n'; 64]),
		description: Some(H256::zero()),
		licence: BoundedVec::truncate_from(alloc::vec![b'l'; 64]),
		tags: BoundedVec::truncate_from(letters.map(tag).collect()),
		card: Some(H256::zero()),
	}
}

/// A model whose second version is the candidate for nearly all requests.
fn staged<T: Config>() -> (T::AccountId, ModelId, OutPoint) {
	let owner = funded::<T>("owner");
	let (model, out_point) = changed::<T>(&owner, version::<T>(1));
	let tip = || Tips::<T>::get(model).expect("the model is live; qed");
	Pallet::<T>::do_publish(owner.clone(), out_point, version::<T>(1)).expect("sound; qed");
	let share = Permill::from_parts(999_999);
	Pallet::<T>::do_stage(owner.clone(), tip(), 1, share).expect("equal; qed");
	(owner, model, tip())
}

struct Ordered<T: Config> {
	customer: T::AccountId,
	out_point: OutPoint,
	workers: Vec<(T::AccountId, T::AccountId)>,
}

/// A served model and somebody who wants an answer.
fn served<T: Config>(workers: u32) -> Ordered<T> {
	let owner = funded::<T>("owner");
	let (model, out_point) = deployed::<T>(&owner, version::<T>(1));
	let workers = T::BenchmarkHelper::serve(VersionId { model, index: 0 }, workers);
	Ordered { customer: funded::<T>("customer"), out_point, workers }
}

fn input<T: Config>(bytes: u32) -> Input<T::MaxInlineInput> {
	Input::Inline(BoundedVec::truncate_from(alloc::vec![1; bytes.max(1) as usize]))
}

fn order<T: Config>(world: &Ordered<T>, bytes: u32) -> RequestId {
	let (customer, out_point) = (world.customer.clone(), world.out_point);
	let payment = Payment::Fee { max_fee: Balance::MAX };
	let input = input::<T>(bytes);
	Pallet::<T>::do_request(
		customer,
		out_point,
		Assurance::Attested,
		input,
		payment,
		None,
		Default::default(),
	)
	.expect("a served model takes requests; qed");
	NextRequest::<T>::get() - 1
}

fn pass<T: Config>(blocks: u32) {
	let now = frame_system::Pallet::<T>::block_number().saturating_add(blocks.into());
	frame_system::Pallet::<T>::set_block_number(now);
}

/// An ordered request whose lease is live.
fn leased<T: Config>(world: &Ordered<T>) -> RequestId {
	let request = order::<T>(world, 1);
	pass::<T>(1);
	Pallet::<T>::draw_workers();
	request
}

const LIMITS: AccountLimits =
	AccountLimits { rate: Some(RateLimit { calls: 1_000, window: 10 }), open: Some(1_000) };

/// Everything at stake is owed for a missed deadline.
const SERVICE: ServiceTerms = ServiceTerms {
	deadline: None,
	penalty: Permill::one(),
	availability: Permill::one(),
	breach: Permill::one(),
};

/// Puts up what all penalties need.
fn post_bond<T: Config>(model: ModelId) {
	let amount = T::Currency::minimum_balance() * 1_000_000_000_000;
	Pallet::<T>::add_funds::<ServiceBonds<T>>(funded::<T>("owner"), model, amount)
		.expect("the owner may; qed");
}

/// As many plans as there can be, each dearer than the one before, and the first for nothing.
fn plans<T: Config>() -> Plans<T::AccountId> {
	let offer = |index: u32| {
		let price = Balance::from(index) * T::Currency::minimum_balance() * 1_000_000_000;
		let plan = Plan {
			period: 10,
			price,
			quota: None,
			grace: 1,
			service: Some(SERVICE),
			limits: Some(LIMITS),
		};
		Offer { plan, tier: Tier::Standard, to: None }
	};
	Plans::truncate_from((0..MAX_PLANS).map(offer).collect())
}

/// A model with a full history that sells plans, the plan's index 1 bought by a customer.
fn subscribed<T: Config>() -> (T::AccountId, ModelId) {
	let owner = funded::<T>("owner");
	let (model, _) = changed::<T>(&owner, version::<T>(1));
	let tip = || Tips::<T>::get(model).expect("the model is live; qed");
	Pallet::<T>::do_set_plans(owner, tip(), plans::<T>()).expect("the owner may; qed");
	let customer = funded::<T>("customer");
	Pallet::<T>::do_subscribe(customer.clone(), tip(), 1).expect("the plan is offered; qed");
	Subscriptions::<T>::mutate(&customer, model, |record| {
		let record = record.as_mut().expect("it was begun; qed");
		record.payees.split = widest_owners_side::<T>();
	});
	Incomes::<T>::insert(model, full_income::<T>());
	IncentiveShare::<T>::put(MAX_INCENTIVE_SHARE);
	(customer, model)
}

fn tip<T: Config>(model: &ModelId) -> OutPoint {
	Tips::<T>::get(model).expect("the model is live; qed")
}

/// A claim by a voucher of a customer who bought the dearest plan of a model.
fn claimed<T: Config>(model: &ModelId, worker: &T::AccountId) -> Claim<T::AccountId> {
	const KEY: KeyTypeId = KeyTypeId(*b"vchr");
	let key = sp_io::crypto::sr25519_generate(KEY, None);
	let who = T::AccountId::decode(&mut &key.0[..]).expect("an account has 32 bytes; qed");
	T::Currency::set_balance(&who, Balance::MAX / 1_000_000);
	Pallet::<T>::do_set_plans(funded::<T>("owner"), tip::<T>(model), plans::<T>())
		.expect("the owner may; qed");
	Pallet::<T>::do_subscribe(who.clone(), tip::<T>(model), MAX_PLANS - 1)
		.expect("the plan is offered; qed");
	let term = Subscriptions::<T>::mutate(&who, model, |record| {
		let record = record.as_mut().expect("it was begun; qed");
		record.payees.split = widest_owners_side::<T>();
		let others = (1..MAX_SETTLERS).map(|i| (account("other worker", i, 0), 1)).collect();
		record.settled = BoundedVec::truncate_from(others);
		record.term
	});
	let (genesis, calls) = (Pallet::<T>::genesis().into(), 1);
	let voucher = Voucher { genesis, model: *model, worker: worker.clone().into(), term, calls };
	let message = [b"<Bytes>", &voucher.message()[..], b"</Bytes>"].concat();
	let signature = sp_io::crypto::sr25519_sign(KEY, &key, &message).expect("it is kept; qed");
	Claim { account: who, model: *model, signed: calls, signature, calls }
}

/// A request by plan whose period is over.
fn covered<T: Config>() -> Request<T> {
	let world = served::<T>(1);
	let model = Tips::<T>::iter_keys().next().expect("a model; qed");
	let owner = funded::<T>("owner");
	Pallet::<T>::do_set_plans(owner, world.out_point, plans::<T>()).expect("the owner may; qed");
	let (customer, out_point) = (world.customer, tip::<T>(&model));
	let last = MAX_PLANS - 1;
	Pallet::<T>::do_subscribe(customer.clone(), out_point, last).expect("it is offered; qed");
	post_bond::<T>(model);
	let input = input::<T>(1);
	let plan = Payment::Plan;
	Pallet::<T>::do_request(
		customer.clone(),
		out_point,
		Assurance::Attested,
		input,
		plan,
		None,
		Default::default(),
	)
	.expect("a served model takes requests; qed");
	pass::<T>(10);
	Pallet::<T>::do_renew(customer, model).expect("the period is due; qed");
	Incomes::<T>::insert(model, full_income::<T>());
	IncentiveShare::<T>::put(MAX_INCENTIVE_SHARE);
	let id = NextRequest::<T>::get() - 1;
	change_request::<T>(id, |request| {
		let cover = request.cover.as_mut().expect("it is covered; qed");
		cover.payees.split = widest_owners_side::<T>();
	});
	Requests::<T>::get(id).expect("it is open; qed")
}

/// Models that answer with proofs, the first of them served, and a customer of theirs.
fn provable_models<T: Config>() -> (T::AccountId, Vec<ModelId>) {
	let owner = funded::<T>("owner");
	let version = provable::<T>(&owner);
	let mut models = Vec::new();
	for _ in 0..=MAX_FALLBACKS {
		let (deployer, record) = (owner.clone(), version.clone());
		Pallet::<T>::do_deploy(deployer, record, tariff(), split::<T>()).expect("sound; qed");
		frame_system::Pallet::<T>::inc_account_nonce(&owner);
		let new = Tips::<T>::iter_keys().find(|id| !models.contains(id));
		models.push(new.expect("it was deployed; qed"));
	}
	T::BenchmarkHelper::serve(VersionId { model: models[0], index: 0 }, 1);
	// Of which no trial is.
	NextRequest::<T>::put(1);
	(funded::<T>("customer"), models)
}

fn names<T: Config>(models: &[ModelId]) -> FallbackNames {
	BoundedVec::truncate_from(models.iter().map(tip::<T>).collect())
}

const DEVELOPED: Assurance = Assurance::Proven { weakest_origin: Some(KeyOrigin::InsecureDev) };

/// As many members as a set can have, others for each seed, of whom it takes all.
fn set<T: Config>(seed: u32) -> Lock<T::AccountId> {
	let mut members: Vec<T::AccountId> =
		(0..MAX_MEMBERS).map(|i| account("member", i, seed)).collect();
	members.sort();
	Lock { members: BoundedVec::truncate_from(members), threshold: MAX_MEMBERS }
}

/// A model with a full history, locked to the largest set, and the set that is to take its place: all
/// members but the first have approved it.
fn nearly_agreed<T: Config>() -> (ModelId, Lock<T::AccountId>, Lock<T::AccountId>) {
	let owner = funded::<T>("owner");
	let version = provable::<T>(&owner);
	let (model, out_point) = changed::<T>(&owner, version);
	let (lock, next) = (set::<T>(0), set::<T>(1));
	Pallet::<T>::do_set_lock(owner, out_point, Some(lock.clone())).expect("the owner may; qed");
	let out_point = tip::<T>(&model);
	for member in lock.members.iter().skip(1) {
		let call = Call::set_lock { out_point, lock: Some(next.clone()) };
		Pallet::<T>::change(member.clone(), out_point, call, |who| {
			Pallet::<T>::do_set_lock(who, out_point, Some(next.clone()))
		})
		.expect("a member may; qed");
	}
	(model, lock, next)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn deploy() {
		let owner = funded::<T>("owner");
		let version = provable::<T>(&owner);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), version, tariff(), split::<T>());
		assert_eq!(Outputs::<T>::iter().count(), 1);
	}

	#[benchmark]
	fn upgrade() {
		let owner = funded::<T>("owner");
		let version = provable::<T>(&owner);
		let (model, _) = changed::<T>(&owner, version.clone());
		let tip = || Tips::<T>::get(model).expect("the model is live; qed");
		for _ in 2..T::MaxVersions::get() {
			Pallet::<T>::do_upgrade(owner.clone(), tip(), version.clone()).expect("sound; qed");
		}
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), tip(), version);
		assert_eq!(Versions::<T>::iter().count() as u32, T::MaxVersions::get());
	}

	#[benchmark]
	fn reprice() {
		let owner = funded::<T>("owner");
		let (_, out_point) = changed::<T>(&owner, version::<T>(1));
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, tariff());
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn resplit() {
		let owner = funded::<T>("owner");
		let (_, out_point) = changed::<T>(&owner, version::<T>(1));
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, split::<T>());
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn transfer() {
		let owner = funded::<T>("owner");
		let (_, out_point) = changed::<T>(&owner, version::<T>(1));
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, Some(funded::<T>("heir")));
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn accept_transfer() {
		let (owner, heir) = (funded::<T>("owner"), funded::<T>("heir"));
		let (model, out_point) = changed::<T>(&owner, version::<T>(1));
		Pallet::<T>::do_transfer(owner, out_point, Some(heir.clone())).expect("the owner may; qed");
		let offered = Tips::<T>::get(model).expect("the model is live; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(heir), offered);
		assert!(!Outputs::<T>::contains_key(offered));
	}

	#[benchmark]
	fn retire(v: Linear<1, { T::MaxVersions::get() }>) {
		let owner = funded::<T>("owner");
		let version = provable::<T>(&owner);
		let (model, _) = deployed::<T>(&owner, version.clone());
		let tip = || Tips::<T>::get(model).expect("the model is live; qed");
		for _ in 1..v {
			Pallet::<T>::do_upgrade(owner.clone(), tip(), version.clone()).expect("sound; qed");
		}
		let described = described(b'a');
		Pallet::<T>::do_describe(owner.clone(), tip(), described).expect("sound; qed");
		for _ in v + 1..T::HistoryStep::get() {
			Pallet::<T>::do_reprice(owner.clone(), tip(), tariff()).expect("the owner may; qed");
		}
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), tip());
		assert_eq!(Outputs::<T>::iter().count(), 0);
	}

	#[benchmark]
	fn rollback() {
		let owner = funded::<T>("owner");
		let (model, _) = changed::<T>(&owner, version::<T>(1));
		let tip = || Tips::<T>::get(model).expect("the model is live; qed");
		Pallet::<T>::do_upgrade(owner.clone(), tip(), version::<T>(2)).expect("sound; qed");
		let spent = tip();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), spent, 0);
		assert!(!Outputs::<T>::contains_key(spent));
	}

	#[benchmark]
	fn describe() {
		let owner = funded::<T>("owner");
		let (model, out_point) = changed::<T>(&owner, version::<T>(1));
		Pallet::<T>::do_describe(owner.clone(), out_point, described(b'a')).expect("sound; qed");
		let spent = Tips::<T>::get(model).expect("the model is live; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), spent, described(b'm'));
		assert_eq!(ModelsTagged::<T>::iter().count() as u32, MAX_TAGS);
	}

	#[benchmark]
	fn publish() {
		let owner = funded::<T>("owner");
		let version = provable::<T>(&owner);
		let (_, out_point) = changed::<T>(&owner, version.clone());
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, version);
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn stage() {
		let (owner, _, out_point) = staged::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, 1, Permill::from_percent(50));
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn promote() {
		let (owner, _, out_point) = staged::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point);
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn abort() {
		let (owner, _, out_point) = staged::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point);
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn deprecate() {
		let (owner, model, out_point) = staged::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, 1, 1u32.into());
		assert!(Deprecations::<T>::contains_key(model, 1));
	}

	#[benchmark]
	fn close() {
		let owner = funded::<T>("owner");
		let version = provable::<T>(&owner);
		let (model, _) = changed::<T>(&owner, version.clone());
		let tip = || Tips::<T>::get(model).expect("the model is live; qed");
		for _ in 1..T::MaxVersions::get() {
			Pallet::<T>::do_upgrade(owner.clone(), tip(), version.clone()).expect("sound; qed");
		}
		for _ in T::MaxVersions::get()..T::HistoryStep::get() {
			Pallet::<T>::do_reprice(owner.clone(), tip(), tariff()).expect("the owner may; qed");
		}
		let described = described(b'a');
		Pallet::<T>::do_describe(owner.clone(), tip(), described).expect("sound; qed");
		// Retiring takes the first step, closing the second and last.
		Pallet::<T>::do_retire(owner.clone(), tip()).expect("the owner may; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model);
		assert!(!Tips::<T>::contains_key(model));
	}

	#[benchmark]
	fn request(b: Linear<1, { T::MaxInlineInput::get() }>) {
		// Workers of two versions are counted.
		let (owner, model, _) = staged::<T>();
		let tip = || Tips::<T>::get(model).expect("the model is live; qed");
		let servers = T::Workers::max_servers();
		for index in [0, 1] {
			T::BenchmarkHelper::serve(VersionId { model, index }, servers);
		}
		for version in [0, 1] {
			let notice: BlockNumberFor<T> = u32::MAX.into();
			Pallet::<T>::do_deprecate(owner.clone(), tip(), version, notice).expect("kept; qed");
		}
		let out_point = tip();
		let world = Ordered { customer: funded::<T>("customer"), out_point, workers: Vec::new() };
		for _ in 1..T::MaxWaiting::get().min(16) {
			order::<T>(&world, 1);
		}
		// A new customer, whose deposit is taken, on the allow-list of a model that was suspended.
		let (who, input) = (funded::<T>("new customer"), input::<T>(b));
		let (model, output) = (Tips::<T>::iter_keys().next(), Outputs::<T>::get(world.out_point));
		let (model, output) = (model.expect("a model; qed"), output.expect("its output; qed"));
		let content = ModelContent { access: access(), ..output.content };
		Outputs::<T>::insert(world.out_point, ModelOutput { allowed: 1, content, ..output });
		Allowed::<T>::insert(model, &who, ());
		Records::<T>::mutate(model, |record| record.breaker = HALF_OPEN);
		idle::<T>(&model);
		let customer = RawOrigin::Signed(who);
		let (open, none) = (Requests::<T>::iter().count(), Default::default());
		#[extrinsic_call]
		_(customer, world.out_point, Assurance::Attested, input, Balance::MAX, None, none);
		assert_eq!(Requests::<T>::iter().count(), open + 1);
	}

	#[benchmark]
	fn submit_result(b: Linear<1, { T::MaxInlineOutput::get() }>) {
		let world = served::<T>(1);
		let id = order::<T>(&world, b.min(T::MaxInlineInput::get()));
		change_request::<T>(id, |open| open.split = widest::<T>());
		let model = Tips::<T>::iter_keys().next().expect("a model; qed");
		Incomes::<T>::insert(model, full_income::<T>());
		IncentiveShare::<T>::put(MAX_INCENTIVE_SHARE);
		pass::<T>(1);
		Pallet::<T>::draw_workers();
		let output = alloc::vec![1; b.min(T::MaxInlineInput::get()) as usize];
		let output = Output::Inline(BoundedVec::truncate_from(output));
		let operator = world.workers[0].1.clone();
		#[extrinsic_call]
		_(RawOrigin::Signed(operator), id, output, None, None);
		assert!(Settlements::<T>::contains_key(id));
	}

	#[benchmark]
	fn cancel() {
		let world = served::<T>(1);
		let id = leased_proven::<T>(&world);
		pass::<T>(2);
		#[extrinsic_call]
		_(RawOrigin::Signed(world.customer), id);
		assert!(!Requests::<T>::contains_key(id));
	}

	#[benchmark]
	fn expire() {
		let world = served::<T>(1);
		let id = leased_proven::<T>(&world);
		pass::<T>(T::MaxDeadline::get() + 1);
		#[extrinsic_call]
		_(RawOrigin::Signed(world.customer), id);
		assert!(!Requests::<T>::contains_key(id));
	}

	#[benchmark]
	fn advance() {
		let world = served::<T>(T::MaxCandidates::get());
		let id = leased_proven::<T>(&world);
		pass::<T>(2);
		#[extrinsic_call]
		_(RawOrigin::Signed(world.customer), id);
		assert!(T::Workers::leased(id).is_some());
	}

	#[benchmark]
	fn withdraw() {
		let who: T::AccountId = account("beneficiary", 0, 0);
		let amount = T::Currency::minimum_balance() * 10;
		let pot = Pallet::<T>::pot();
		T::Currency::set_balance(&pot, amount * 2);
		Earnings::<T>::insert(&who, amount);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert_eq!(Earnings::<T>::get(who), 0);
	}

	#[benchmark]
	fn withdraw_to() {
		let (who, dest): (T::AccountId, T::AccountId) =
			(account("beneficiary", 0, 0), account("purse", 0, 0));
		let amount = T::Currency::minimum_balance() * 10;
		let pot = Pallet::<T>::pot();
		T::Currency::set_balance(&pot, amount * 2);
		Earnings::<T>::insert(&who, amount);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), dest.clone());
		assert_eq!(Earnings::<T>::get(who), 0);
		assert_eq!(T::Currency::balance(&dest), amount);
	}

	#[benchmark]
	fn set_platform_share() -> Result<(), BenchmarkError> {
		let origin =
			T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, T::MaxPlatformShare::get());
		Ok(())
	}

	#[benchmark]
	fn set_incentive_share() -> Result<(), BenchmarkError> {
		let origin =
			T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, MAX_INCENTIVE_SHARE);
		Ok(())
	}

	#[benchmark]
	fn claim_reward() {
		// A model that pays as many accounts as it can, and as many eras as are kept.
		let owner = funded::<T>("owner");
		let bases: Vec<_> =
			(0..MAX_PAYEES / MAX_BENEFICIARIES).map(|_| deploy_over::<T>(&owner, &[])).collect();
		for (seed, base) in bases.iter().enumerate() {
			let tip = Tips::<T>::get(base).expect("the model is live; qed");
			Pallet::<T>::do_resplit(owner.clone(), tip, split_among::<T>(seed as u32))
				.expect("the owner may; qed");
		}
		let model = deploy_over::<T>(&owner, &bases);
		let merit = Merit { fees: 1_000_000, failed: 1 };
		let kept = T::KeptEras::get();
		let era = |index| Era { index, fund: 1_000_000, claimed: 0, weight: merit.weight() };
		let eras: BoundedVec<_, T::KeptEras> =
			BoundedVec::truncate_from((0..kept).map(era).collect());
		Eras::<T>::put(eras);
		let merits: MeritsOf<T> =
			BoundedVec::truncate_from((0..kept).map(|index| (index, merit)).collect());
		Merits::<T>::insert(model, merits);
		let now: BlockNumberFor<T> = T::EraLength::get().saturating_mul(kept - 1).into();
		frame_system::Pallet::<T>::set_block_number(now);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, 0);
		assert_eq!(Earnings::<T>::iter().count() as u32, MAX_PAYEES);
	}

	#[benchmark]
	fn set_budget() {
		let owner = funded::<T>("owner");
		let (model, _) = deployed::<T>(&owner, version::<T>(1));
		let alerts = alloc::vec![Percent::from_percent(50); MAX_ALERTS as usize];
		let budget = Budget { limit: 1, alerts: BoundedVec::truncate_from(alerts) };
		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), model, Some(budget));
		assert!(Customers::<T>::contains_key(owner, model));
	}

	#[benchmark]
	fn prune_customer() {
		let owner = funded::<T>("owner");
		let (model, _) = deployed::<T>(&owner, version::<T>(1));
		for budget in [Some(Budget { limit: 1, alerts: Default::default() }), None] {
			Pallet::<T>::do_set_budget(owner.clone(), model, budget).expect("it changes; qed");
		}
		let far: BlockNumberFor<T> = T::BillingPeriod::get().saturating_mul(3).into();
		frame_system::Pallet::<T>::set_block_number(far);
		CustomerCursor::<T>::put(2);
		#[block]
		{
			Pallet::<T>::prune_customers(&mut WeightMeter::new());
		}
		assert!(!Customers::<T>::contains_key(owner, model));
	}

	#[benchmark]
	fn set_access() {
		let owner = funded::<T>("owner");
		let (model, out_point) = changed::<T>(&owner, version::<T>(1));
		Records::<T>::mutate(model, |record| record.breaker = HALF_OPEN);
		idle::<T>(&model);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, access());
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn pause() {
		let owner = funded::<T>("owner");
		let (_, out_point) = changed::<T>(&owner, version::<T>(1));
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point);
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn unpause() {
		let owner = funded::<T>("owner");
		let (model, out_point) = changed::<T>(&owner, version::<T>(1));
		Pallet::<T>::do_set_paused(owner.clone(), out_point, true).expect("the owner may; qed");
		let paused = Tips::<T>::get(model).expect("the model is live; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), paused);
		assert!(!Outputs::<T>::contains_key(paused));
	}

	/// For a model with as many versions as it may have, which are counted for the deposit.
	#[benchmark]
	fn allow(n: Linear<1, MAX_ACCOUNTS>) {
		let owner = funded::<T>("owner");
		let (model, _) = deployed::<T>(&owner, version::<T>(1));
		for index in 1..T::MaxVersions::get() {
			Versions::<T>::insert(model, index, version::<T>(1));
		}
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, accounts::<T>(n));
		assert_eq!(Allowed::<T>::iter().count() as u32, n);
	}

	/// Like `allow`.
	#[benchmark]
	fn disallow(n: Linear<1, MAX_ACCOUNTS>) {
		let owner = funded::<T>("owner");
		let (model, _) = deployed::<T>(&owner, version::<T>(1));
		for index in 1..T::MaxVersions::get() {
			Versions::<T>::insert(model, index, version::<T>(1));
		}
		let allowed = Pallet::<T>::do_allow(owner.clone(), model, accounts::<T>(n));
		allowed.expect("the owner may; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, accounts::<T>(n));
		assert_eq!(Allowed::<T>::iter().count(), 0);
	}

	#[benchmark]
	fn flatten() {
		// As many models as a walk can come to: the lowest are too deep to be followed.
		let owner = funded::<T>("owner");
		let over = |bases: &[ModelId]| deploy_over::<T>(&owner, bases);
		let mut models: Vec<_> = (0..MAX_PAYEES).map(|_| over(&[])).collect();
		for bases in [1, 1, (MAX_PAYEES / MAX_BENEFICIARIES) as usize] {
			models = models.chunks(bases).map(over).collect();
		}
		let mut content = Pallet::<T>::tip(&models[0]).expect("the model is live; qed").content;
		content.split = split_over::<T>(&models);
		let split;
		#[block]
		{
			split = Pallet::<T>::flat_split(ModelId::zero(), &content).0;
		}
		assert!(split.is_sound());
	}

	#[benchmark]
	fn draw(s: Linear<1, { T::Workers::max_servers() }>) {
		let world = served::<T>(s);
		let id = order::<T>(&world, T::MaxInlineInput::get());
		pass::<T>(1);
		#[block]
		{
			Pallet::<T>::draw_workers();
		}
		assert!(T::Workers::leased(id).is_some());
	}

	#[benchmark]
	fn prune() {
		let world = served::<T>(1);
		let id = leased::<T>(&world);
		let output = Output::Inline(BoundedVec::truncate_from(alloc::vec![1]));
		let operator = world.workers[0].1.clone();
		let answer = Answer { request: id, output, units: None, proof: None };
		Pallet::<T>::do_submit_result(operator, answer).expect("the lease holder may; qed");
		let now: BlockNumberFor<T> = frame_system::Pallet::<T>::block_number()
			.saturating_add(T::Retention::get().into())
			.saturating_add(One::one());
		PruneCursor::<T>::put(now.saturating_sub(One::one()));
		frame_system::Pallet::<T>::set_block_number(now);
		#[block]
		{
			Pallet::<T>::prune_settlements(now, &mut WeightMeter::new());
		}
		assert!(!Settlements::<T>::contains_key(id));
	}
	#[benchmark]
	fn set_plans() {
		let owner = funded::<T>("owner");
		let (_, out_point) = changed::<T>(&owner, version::<T>(1));
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), out_point, plans::<T>());
		assert!(!Outputs::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn subscribe() {
		// Closes the one that ended.
		let (customer, model) = subscribed::<T>();
		pass::<T>(11);
		idle::<T>(&model);
		let last = MAX_PLANS - 1;
		#[extrinsic_call]
		_(RawOrigin::Signed(customer.clone()), tip::<T>(&model), last);
		assert_eq!(NextTerm::<T>::get(), 2);
	}

	#[benchmark]
	fn renew() {
		let (customer, model) = subscribed::<T>();
		pass::<T>(10);
		#[extrinsic_call]
		_(RawOrigin::Signed(customer.clone()), customer.clone(), model);
		assert_eq!(NextTerm::<T>::get(), 2);
	}

	#[benchmark]
	fn change_plan() {
		let (customer, model) = subscribed::<T>();
		pass::<T>(5);
		let last = MAX_PLANS - 1;
		#[extrinsic_call]
		_(RawOrigin::Signed(customer), tip::<T>(&model), last);
		assert_eq!(NextTerm::<T>::get(), 2);
	}

	#[benchmark]
	fn cancel_subscription() {
		let (customer, model) = subscribed::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(customer.clone()), model);
		let record = Subscriptions::<T>::get(customer, model).expect("it goes on; qed");
		assert!(record.subscription.next.is_none());
	}

	#[benchmark]
	fn close_subscription() {
		// With something to return.
		let (customer, model) = subscribed::<T>();
		pass::<T>(5);
		Pallet::<T>::do_retire(funded::<T>("owner"), tip::<T>(&model)).expect("it may; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(customer.clone()), customer.clone(), model);
		assert!(!Subscriptions::<T>::contains_key(customer, model));
	}

	#[benchmark]
	fn fund_pot() {
		let (_, model) = subscribed::<T>();
		let owner = funded::<T>("owner");
		let amount = T::Currency::minimum_balance();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), model, amount);
		assert_eq!(Pots::<T>::get(model, owner).map(|pot| pot.free), Some(amount));
	}

	#[benchmark]
	fn withdraw_pot() {
		let (_, model) = subscribed::<T>();
		let owner = funded::<T>("owner");
		let amount = T::Currency::minimum_balance();
		Pallet::<T>::add_funds::<Pots<T>>(owner.clone(), model, amount)
			.expect("the owner may; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), model, amount);
		assert!(!Pots::<T>::contains_key(model, owner));
	}

	#[benchmark]
	fn cover() {
		// A period is due, whose price does not pay the worker.
		let (customer, model) = subscribed::<T>();
		let owner = funded::<T>("owner");
		let amount = T::Currency::minimum_balance() * 2_000_000_000;
		Pallet::<T>::add_funds::<Pots<T>>(owner, model, amount).expect("the owner may; qed");
		pass::<T>(10);
		let content = Outputs::<T>::get(tip::<T>(&model)).expect("it is live; qed").content;
		let most = Draw { pay: amount, gross: amount };
		let covered;
		#[block]
		{
			covered = Pallet::<T>::cover(&customer, &model, &content, most);
		}
		assert!(matches!(covered, Ok((Cover { source: FundingSource::Pot(_), .. }, _))));
		assert_eq!(NextTerm::<T>::get(), 2);
	}

	/// What one fallback adds to a request, and what the model does that serves it.
	#[benchmark]
	fn request_fallback() {
		let (customer, models) = provable_models::<T>();
		for model in &models {
			let out_point = tip::<T>(model);
			let output = Outputs::<T>::get(out_point).expect("it is live; qed");
			let content = ModelContent { access: access(), ..output.content };
			Outputs::<T>::insert(out_point, ModelOutput { allowed: 1, content, ..output });
			Allowed::<T>::insert(model, &customer, ());
			Records::<T>::mutate(model, |record| record.breaker = HALF_OPEN);
			idle::<T>(model);
		}
		let input = input::<T>(64);
		let order = Order {
			customer: &customer,
			assurance: DEVELOPED,
			input: Some(&input),
			length: Some(64),
			obliges_at_once: true,
			payment: Payment::Fee { max_fee: Balance::MAX },
			deadline: None,
		};
		let (named, fallbacks) = (tip::<T>(&models[0]), names::<T>(&models[1..2]));
		#[block]
		{
			let chain = Pallet::<T>::chain(&order, named, fallbacks, 1, &[]).expect("sound; qed");
			Pallet::<T>::enter(&customer, &chain.rest[0]).expect("it may be entered; qed");
		}
		assert!(Customers::<T>::contains_key(&customer, models[1]));
	}

	/// To the last of the fallbacks, which has its trial by that.
	#[benchmark]
	fn fall_back() {
		let (customer, models) = provable_models::<T>();
		let (named, fallbacks) = (tip::<T>(&models[0]), names::<T>(&models[1..]));
		let payment = Payment::Fee { max_fee: Balance::MAX };
		let input = input::<T>(64);
		Pallet::<T>::do_request(customer, named, DEVELOPED, input, payment, None, fallbacks)
			.expect("a served model takes requests; qed");
		for model in &models[1..] {
			let suspended = Breaker::Open { until: u32::MAX, trial: None };
			Records::<T>::mutate(model, |record| record.breaker = suspended);
		}
		let last = models[MAX_FALLBACKS as usize];
		Records::<T>::mutate(last, |record| record.breaker = HALF_OPEN);
		let mut ordered = Requests::<T>::get(1).expect("it was made; qed");
		let reason = FallbackReason::NoWorker;
		#[block]
		{
			assert!(Pallet::<T>::fall_back(1, &mut ordered, reason));
		}
		assert_eq!(ordered.version.model, last);
	}

	/// Of a model that closes with that.
	#[benchmark]
	fn leave_fallback() {
		let (customer, models) = provable_models::<T>();
		let (named, fallbacks) = (tip::<T>(&models[0]), names::<T>(&models[1..2]));
		let payment = Payment::Fee { max_fee: Balance::MAX };
		let input = input::<T>(64);
		Pallet::<T>::do_request(customer, named, DEVELOPED, input, payment, None, fallbacks)
			.expect("a served model takes requests; qed");
		let out_point = tip::<T>(&models[1]);
		Pallet::<T>::do_retire(funded::<T>("owner"), out_point).expect("the owner may; qed");
		let ordered = Requests::<T>::get(1).expect("it was made; qed");
		#[block]
		{
			Pallet::<T>::leave_fallbacks(1, &ordered);
		}
		assert!(Closing::<T>::contains_key(models[1]));
	}

	#[benchmark]
	fn give_back() {
		let ordered = covered::<T>();
		let reserved = ordered.cover.clone().expect("it is covered; qed");
		#[block]
		{
			Pallet::<T>::give_back(&ordered, &reserved, reserved.draw.gross, 1)
				.expect("it was reserved; qed");
		}
		assert!(Earnings::<T>::get(account::<T::AccountId>("beneficiary", 0, 0)) > 0);
	}

	/// What the last approval adds to a change: one that does nothing, and what is noted of one that
	/// added a version with a key.
	#[benchmark]
	fn approve() {
		let (model, lock, next) = nearly_agreed::<T>();
		let (out_point, owner) = (tip::<T>(&model), funded::<T>("owner"));
		let last = Outputs::<T>::get(out_point).expect("it is live; qed").changes - 1;
		let spent = History::<T>::get(model, last).expect("it was changed; qed").spent;
		let (who, with) = (lock.members[0].clone(), lock.members.clone());
		#[block]
		{
			let call = Call::set_lock { out_point, lock: Some(next) };
			Pallet::<T>::change(who, out_point, call, |_| Ok(())).expect("it may; qed");
			Pallet::<T>::note_agreement(&model, 0, spent, &owner, with).expect("its key; qed");
		}
		assert!(!Approvals::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn set_lock() {
		let (model, lock, next) = nearly_agreed::<T>();
		let out_point = tip::<T>(&model);
		#[extrinsic_call]
		_(RawOrigin::Signed(lock.members[0].clone()), out_point, Some(next));
		assert!(!Approvals::<T>::contains_key(out_point));
	}

	#[benchmark]
	fn withdraw_approval() {
		let (model, lock, _) = nearly_agreed::<T>();
		let out_point = tip::<T>(&model);
		#[extrinsic_call]
		_(RawOrigin::Signed(lock.members[1].clone()), out_point);
		assert_eq!(Approvals::<T>::get(out_point).len() as u32, MAX_MEMBERS - 2);
	}

	#[benchmark]
	fn post_service_bond() {
		let (_, model) = subscribed::<T>();
		let owner = funded::<T>("owner");
		let amount = T::Currency::minimum_balance();
		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), model, amount);
		assert_eq!(ServiceBonds::<T>::get(model, owner).map(|bond| bond.free), Some(amount));
	}

	#[benchmark]
	fn withdraw_service_bond() {
		let (_, model) = subscribed::<T>();
		let owner = funded::<T>("owner");
		let amount = T::Currency::minimum_balance();
		Pallet::<T>::add_funds::<ServiceBonds<T>>(owner.clone(), model, amount)
			.expect("the owner may; qed");
		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), model, amount);
		assert!(!ServiceBonds::<T>::contains_key(model, owner));
	}

	#[benchmark]
	fn waive_penalty() {
		let (customer, model) = subscribed::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(customer.clone()), model, true);
		assert!(
			Subscriptions::<T>::get(customer, model).is_some_and(|record| record.waives_penalty)
		);
	}

	#[benchmark]
	fn pay_penalty() {
		// Reserved, paid, and what is left released, as over the life of a request.
		let mut ordered = covered::<T>();
		let guarantee = ordered.guarantee.as_mut().expect("it is guaranteed; qed");
		guarantee.lapsed = Some(Permill::zero());
		let reserved = guarantee.clone();
		#[block]
		{
			Pallet::<T>::reserve_guarantee(&reserved);
			Pallet::<T>::pay_penalty(0, &mut ordered).expect("it was reserved; qed");
			Pallet::<T>::release_guarantee(&ordered);
		}
		assert!(Earnings::<T>::get(&ordered.customer) > 0);
	}

	/// Each of another model and another customer, who signed as wallets do, and is the last that the
	/// worker is counted for.
	#[benchmark]
	fn settle_calls(n: Linear<1, MAX_CLAIMS>) {
		let owner = funded::<T>("owner");
		let models: Vec<_> = (0..n).map(|_| deploy_over::<T>(&owner, &[])).collect();
		let (worker, operator) =
			T::BenchmarkHelper::serve(VersionId { model: models[0], index: 0 }, 1).remove(0);
		let claims: Vec<_> = models.iter().map(|model| claimed::<T>(model, &worker)).collect();
		for model in &models {
			idle::<T>(model);
			let period = Pallet::<T>::periods().of(Pallet::<T>::block());
			Incomes::<T>::insert(model, Income { period, ..full_income::<T>() });
		}
		IncentiveShare::<T>::put(MAX_INCENTIVE_SHARE);
		#[extrinsic_call]
		_(RawOrigin::Signed(operator), BoundedVec::truncate_from(claims));
		let settled = |record: SubscriptionRecord<T>| record.settled.len() as u32 == MAX_SETTLERS;
		assert!(Subscriptions::<T>::iter_values().all(settled));
		assert!(Earnings::<T>::get(worker) > 0);
	}
}
