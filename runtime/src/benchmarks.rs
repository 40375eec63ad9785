//! The pallets that can be benchmarked, and what they need of each other for it.

use crate::{AccountId, Balances, Runtime, RuntimeOrigin, Workers, ZkVerifier, UNIT};
use aimodel_primitives::{statement::STATEMENT_VERSION, KeyId, VersionId};
use alloc::vec::Vec;
use frame_benchmarking::account;
use frame_support::{
	traits::{fungible::Mutate, Get},
	BoundedVec,
};
use pallet_aimodel::benchmarking::BenchmarkHelper;
use pallet_zk_verifier::simulator::SimulatedKey;
use sp_core::H256;

/// Workers and keys for the benchmarks of the market.
pub struct Market;

impl BenchmarkHelper<AccountId> for Market {
	fn serve(version: VersionId, workers: u32) -> Vec<(AccountId, AccountId)> {
		let slots = <Runtime as pallet_workers::Config>::MaxSlots::get();
		let serve = |index| {
			let (worker, operator) = (account("worker", index, 0), account("operator", index, 0));
			let origin = RuntimeOrigin::signed(AccountId::clone(&worker));
			Balances::set_balance(&worker, 2_000_000 * UNIT);
			// It may serve another version already.
			if !pallet_workers::Workers::<Runtime>::contains_key(&worker) {
				Workers::register(origin.clone(), 1_000_000 * UNIT, AccountId::clone(&operator))
					.expect("the worker is funded and new; qed");
			}
			Workers::serve(origin, version, 0, 1, slots).expect("it may serve; qed");
			(worker, operator)
		};
		(0..workers).map(serve).collect()
	}

	fn register_key(who: &AccountId, artifact: H256, public_inputs: u32) -> KeyId {
		let artifact = Some(artifact);
		let points = SimulatedKey::new(public_inputs, 1).points();
		let key =
			pallet_zk_verifier::key_id(who, &artifact, &H256::zero(), STATEMENT_VERSION, &points);
		ZkVerifier::register_key(
			RuntimeOrigin::signed(who.clone()),
			artifact,
			H256::zero(),
			STATEMENT_VERSION,
			BoundedVec::truncate_from(points),
		)
		.expect("a simulated key is sound; qed");
		key
	}
}

frame_benchmarking::define_benchmarks!(
	[pallet_aimodel, Aimodel]
	[pallet_workers, Workers]
	[pallet_zk_verifier, ZkVerifier]
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
	[pallet_balances, Balances]
	[pallet_sudo, Sudo]
	[pallet_timestamp, Timestamp]
);
