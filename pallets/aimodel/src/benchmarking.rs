//! Benchmarks: every call in its worst case, and the clockwork that calls charge for.

use super::*;
use aimodel_primitives::{
	pricing::UnitsFormula,
	privacy::Privacy,
	runtime_api::Circuit,
	split::MAX_BENEFICIARIES,
	tensor::{Dimension, ElementType, Interface, TensorType},
	KeyId,
};
use alloc::vec::Vec;
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
use sp_core::H256;
use sp_runtime::{
	traits::{One, Saturating},
	Permill,
};

/// What other pallets must provide to the benchmarks of this one.
pub trait BenchmarkHelper<AccountId> {
	/// Bonds so many workers that serve `version`; returns each with its operator.
	fn serve(version: VersionId, workers: u32) -> Vec<(AccountId, AccountId)>;

	/// Registers a key of `who` with so many public inputs, made for `artifact`.
	fn register_key(who: &AccountId, artifact: H256, public_inputs: u32) -> KeyId;
}

const ARTIFACT: H256 = H256([7; 32]);
const PRICING: Pricing = Pricing::Flat { per_call: 1_000_001, per_unit: 1 };

fn funded<T: Config>(name: &'static str) -> T::AccountId {
	let who = account(name, 0, 0);
	T::Currency::set_balance(&who, Balance::MAX / 1_000_000);
	who
}

/// The largest split.
fn split<T: Config>() -> RevenueSplit<T::AccountId> {
	let share = Permill::from_parts(10_000);
	let beneficiaries: Vec<_> =
		(0..MAX_BENEFICIARIES).map(|i| (account("beneficiary", i, 0), share)).collect();
	RevenueSplit {
		worker: Permill::from_parts(1_000_000 - 10_000 * MAX_BENEFICIARIES),
		beneficiaries: BoundedVec::truncate_from(beneficiaries),
	}
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

fn deploy<T: Config>(owner: &T::AccountId, version: Version) -> (ModelId, OutPoint) {
	Pallet::<T>::do_deploy(owner.clone(), version, PRICING, split::<T>())
		.expect("a sound model deploys; qed");
	frame_system::Pallet::<T>::inc_account_nonce(owner);
	Tips::<T>::iter().last().expect("it was deployed; qed")
}

/// A model with a full history.
fn changed<T: Config>(owner: &T::AccountId, version: Version) -> (ModelId, OutPoint) {
	let (model, _) = deploy::<T>(owner, version);
	let tip = || Tips::<T>::get(model).expect("the model is live; qed");
	for _ in 0..T::MaxHistory::get() {
		Pallet::<T>::do_reprice(owner.clone(), tip(), PRICING).expect("the owner may; qed");
	}
	(model, tip())
}

struct Ordered<T: Config> {
	customer: T::AccountId,
	out_point: OutPoint,
	workers: Vec<(T::AccountId, T::AccountId)>,
}

/// A served model and somebody who wants an answer.
fn served<T: Config>(workers: u32) -> Ordered<T> {
	let owner = funded::<T>("owner");
	let (model, out_point) = deploy::<T>(&owner, version::<T>(1));
	let workers = T::BenchmarkHelper::serve(VersionId { model, index: 0 }, workers);
	Ordered { customer: funded::<T>("customer"), out_point, workers }
}

fn input<T: Config>(bytes: u32) -> Input<T::MaxInlineInput> {
	Input::Inline(BoundedVec::truncate_from(alloc::vec![1; bytes.max(1) as usize]))
}

fn order<T: Config>(world: &Ordered<T>, bytes: u32) -> RequestId {
	let (customer, out_point) = (world.customer.clone(), world.out_point);
	let fee = Balance::MAX;
	let input = input::<T>(bytes);
	Pallet::<T>::do_request(customer, out_point, Assurance::Attested, input, fee, None)
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

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn deploy() {
		let owner = funded::<T>("owner");
		let version = provable::<T>(&owner);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), version, PRICING, split::<T>());
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
		_(RawOrigin::Signed(owner), out_point, PRICING);
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
		let (model, _) = changed::<T>(&owner, version.clone());
		let tip = || Tips::<T>::get(model).expect("the model is live; qed");
		for _ in 1..v {
			Pallet::<T>::do_upgrade(owner.clone(), tip(), version.clone()).expect("sound; qed");
		}
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), tip());
		assert_eq!(Outputs::<T>::iter().count(), 0);
	}

	#[benchmark]
	fn request(b: Linear<1, { T::MaxInlineInput::get() }>) {
		let world = served::<T>(1);
		for _ in 1..T::MaxWaiting::get().min(16) {
			order::<T>(&world, 1);
		}
		let (customer, input) = (RawOrigin::Signed(world.customer), input::<T>(b));
		let open = Requests::<T>::iter().count();
		#[extrinsic_call]
		_(customer, world.out_point, Assurance::Attested, input, Balance::MAX, None);
		assert_eq!(Requests::<T>::iter().count(), open + 1);
	}

	#[benchmark]
	fn submit_result(b: Linear<1, { T::MaxInlineOutput::get() }>) {
		let world = served::<T>(1);
		let id = order::<T>(&world, b.min(T::MaxInlineInput::get()));
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
		let id = leased::<T>(&world);
		pass::<T>(2);
		#[extrinsic_call]
		_(RawOrigin::Signed(world.customer), id);
		assert!(!Requests::<T>::contains_key(id));
	}

	#[benchmark]
	fn expire() {
		let world = served::<T>(1);
		let id = leased::<T>(&world);
		pass::<T>(T::MaxDeadline::get() + 1);
		#[extrinsic_call]
		_(RawOrigin::Signed(world.customer), id);
		assert!(!Requests::<T>::contains_key(id));
	}

	#[benchmark]
	fn advance() {
		let world = served::<T>(T::MaxCandidates::get());
		let id = leased::<T>(&world);
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
	fn set_platform_share() -> Result<(), BenchmarkError> {
		let origin =
			T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, Permill::one());
		Ok(())
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
}
