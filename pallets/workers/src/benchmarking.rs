//! What calls and leases cost at worst.

#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]

use crate::*;
use aimodel_primitives::{
	traits::{LeaseTerms, WorkerPool},
	Balance, RequestId, VersionId,
};
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::traits::{
	fungible::{Inspect, Unbalanced},
	tokens::Precision::Exact,
	Get,
};
use frame_system::{pallet_prelude::BlockNumberFor, Pallet as System, RawOrigin};
use sp_core::H256;
use sp_runtime::traits::Saturating;

/// Candidates that are drawn: more than any request stores.
const CANDIDATES: u32 = 8;

const REQUEST: RequestId = 1;

fn version(index: u32) -> VersionId {
	VersionId { model: H256::repeat_byte(7), index }
}

fn smallest_bond<T: Config>() -> Balance {
	T::MinBond::get().max(T::Currency::minimum_balance()).max(1)
}

fn endow<T: Config>(who: &T::AccountId, amount: Balance) {
	let amount = amount + T::Currency::minimum_balance();
	T::Currency::increase_balance(who, amount, Exact).unwrap();
	T::Currency::set_total_issuance(T::Currency::total_issuance() + amount);
}

/// A worker with `times` the smallest bond.
fn new_worker<T: Config>(name: &'static str, index: u32, times: u32) -> T::AccountId {
	let who: T::AccountId = account(name, index, 0);
	let bond = smallest_bond::<T>() * Balance::from(times);
	endow::<T>(&who, bond * 2);
	let operator = account("operator", index, times);
	Pallet::<T>::do_register(who.clone(), bond, operator).unwrap();
	who
}

fn offer<T: Config>(who: &T::AccountId, index: u32) {
	let (pay, lease) = (1, 1u32.into());
	Pallet::<T>::do_serve(who.clone(), version(index), pay, lease, T::MaxSlots::get()).unwrap();
}

/// Workers that serve version `index`.
fn servers<T: Config>(index: u32, count: u32) -> Vec<T::AccountId> {
	(0..count)
		.map(|n| {
			let who: T::AccountId = account("server", n, 0);
			if !Workers::<T>::contains_key(&who) {
				new_worker::<T>("server", n, 2);
			}
			offer::<T>(&who, index);
			who
		})
		.collect()
}

fn terms<T: Config>(obliges_at_once: bool) -> LeaseTerms<BlockNumberFor<T>> {
	LeaseTerms {
		version: version(0),
		pay: 1,
		length: 10u32.into(),
		collateral: smallest_bond::<T>(),
		obliges_at_once,
	}
}

/// The holder of the lease of [`REQUEST`], whose offer is withdrawn: its record goes with it.
fn leased<T: Config>(obliges_at_once: bool) -> T::AccountId {
	let who = new_worker::<T>("worker", 0, 2);
	offer::<T>(&who, 0);
	let terms = terms::<T>(obliges_at_once);
	Pallet::<T>::lease(REQUEST, &who, &terms).unwrap();
	Pallet::<T>::do_unserve(who.clone(), version(0)).unwrap();
	who
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register() {
		let who: T::AccountId = whitelisted_caller();
		let bond = smallest_bond::<T>();
		endow::<T>(&who, bond * 2);
		let operator: T::AccountId = account("operator", 0, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), bond, operator);

		assert!(Workers::<T>::contains_key(who));
	}

	#[benchmark]
	fn bond_more() {
		let who = new_worker::<T>("worker", 0, 1);
		let amount = smallest_bond::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), amount);

		assert_eq!(Workers::<T>::get(who).unwrap().bond, amount * 2);
	}

	#[benchmark]
	fn set_operator() {
		let who = new_worker::<T>("worker", 0, 1);
		let operator: T::AccountId = account("other operator", 0, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), operator.clone());

		assert_eq!(Operators::<T>::get(operator), Some(who));
	}

	/// Of `s` servers that leave no place, one is displaced; where `s` is less, nobody is, and the
	/// search is run for its cost.
	#[benchmark]
	fn serve(s: Linear<1, { T::MaxServers::get() }>) {
		servers::<T>(0, s);
		let who = new_worker::<T>("worker", 0, 3);
		let list = Servers::<T>::get(version(0));

		#[block]
		{
			if s < T::MaxServers::get() {
				Pallet::<T>::least_idle_server(&list, version(0));
			}
			offer::<T>(&who, 0);
		}

		assert!(Servers::<T>::get(version(0)).contains(&who));
	}

	#[benchmark]
	fn unserve(s: Linear<1, { T::MaxServers::get() }>) {
		let who = servers::<T>(0, s).pop().unwrap();

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), version(0));

		assert!(!Servers::<T>::get(version(0)).contains(&who));
	}

	#[benchmark]
	fn accept() {
		let who = leased::<T>(false);
		let operator = Workers::<T>::get(who).unwrap().operator;

		#[extrinsic_call]
		_(RawOrigin::Signed(operator), REQUEST);

		assert!(Leases::<T>::get(REQUEST).unwrap().obliged);
	}

	#[benchmark]
	fn retire(v: Linear<1, { T::MaxServices::get() }>) {
		let mut who = Vec::new();
		for index in 0..v {
			who = servers::<T>(index, T::MaxServers::get());
		}
		let who = who.pop().unwrap();

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));

		assert_eq!(Workers::<T>::get(who).unwrap().services, 0);
	}

	#[benchmark]
	fn withdraw_bond() {
		let who = new_worker::<T>("worker", 0, 1);
		Pallet::<T>::do_retire(who.clone()).unwrap();
		let now = System::<T>::block_number();
		System::<T>::set_block_number(now.saturating_add(T::RetireDelay::get()));

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));

		assert!(!Workers::<T>::contains_key(who));
	}

	#[benchmark]
	fn rank(n: Linear<1, { T::MaxServers::get() }>) {
		servers::<T>(0, n);
		let drawn;

		#[block]
		{
			drawn = Pallet::<T>::rank(&terms::<T>(true), H256::repeat_byte(1), CANDIDATES);
		}

		assert_eq!(drawn.len() as u32, n.min(CANDIDATES));
	}

	#[benchmark]
	fn lease() {
		let who = new_worker::<T>("worker", 0, 2);
		offer::<T>(&who, 0);
		let terms = terms::<T>(true);

		#[block]
		{
			Pallet::<T>::lease(REQUEST, &who, &terms).unwrap();
		}

		assert!(Leases::<T>::contains_key(REQUEST));
	}

	/// Of an answered lease, which changes the worker's figures too.
	#[benchmark]
	fn release() {
		leased::<T>(true);

		#[block]
		{
			Pallet::<T>::answered(REQUEST);
		}

		assert!(!Leases::<T>::contains_key(REQUEST));
	}

	/// The customer's account is created, and a part is burned.
	#[benchmark]
	fn slash() {
		leased::<T>(true);
		let customer: T::AccountId = account("customer", 0, 0);
		let compensation = smallest_bond::<T>() - 1;
		let compensation = compensation.max(T::Currency::minimum_balance());

		#[block]
		{
			Pallet::<T>::slash(REQUEST, &customer, compensation).unwrap();
		}

		assert_eq!(T::Currency::balance(&customer), compensation);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
