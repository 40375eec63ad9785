//! Weights of `pallet_zk_verifier`, measured by `scripts/bench-weights.sh`.
//!
//! Date: 2026-11-21, steps: 20, repeats: 10, CPU: `Intel(R) Xeon(R) Processor @ 2.50GHz`, frame-benchmarking-cli 64.0.0.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// The weights that `pallet_zk_verifier` needs.
pub trait WeightInfo {
	fn register_key(n: u32, ) -> Weight;
	fn remove_key() -> Weight;
	fn attest_key() -> Weight;
	fn verify_proof(n: u32, ) -> Weight;
	fn verify_batch(p: u32, n: u32, ) -> Weight;
}

/// Weights over the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `n` is `[1, 64]`.
	fn register_key(n: u32, ) -> Weight {
		// Minimum execution time: 2_574_471_000 picoseconds.
		Weight::from_parts(2_488_292_045, 3652)
			// Standard Error: 109_465
			.saturating_add(Weight::from_parts(123_764_061, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn remove_key() -> Weight {
		// Minimum execution time: 101_238_000 picoseconds.
		Weight::from_parts(108_881_000, 3652)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn attest_key() -> Weight {
		// Minimum execution time: 33_065_000 picoseconds.
		Weight::from_parts(39_376_000, 3652)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn verify_proof(n: u32, ) -> Weight {
		// Minimum execution time: 3_515_010_000 picoseconds.
		Weight::from_parts(5_732_471_433, 11083)
			// Standard Error: 5_663_217
			.saturating_add(Weight::from_parts(70_931_411, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// The range of component `p` is `[1, 64]`.
	/// The range of component `n` is `[1, 64]`.
	fn verify_batch(p: u32, n: u32, ) -> Weight {
		Weight::from_parts(6_000_000_000, 11083)
			.saturating_add(Weight::from_parts(2_500_000_000, 0).saturating_mul(p.into()))
			.saturating_add(Weight::from_parts(100_000_000, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
	}
}

// For tests.
impl WeightInfo for () {
	/// The range of component `n` is `[1, 64]`.
	fn register_key(n: u32, ) -> Weight {
		// Minimum execution time: 2_574_471_000 picoseconds.
		Weight::from_parts(2_488_292_045, 3652)
			// Standard Error: 109_465
			.saturating_add(Weight::from_parts(123_764_061, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn remove_key() -> Weight {
		// Minimum execution time: 101_238_000 picoseconds.
		Weight::from_parts(108_881_000, 3652)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn attest_key() -> Weight {
		// Minimum execution time: 33_065_000 picoseconds.
		Weight::from_parts(39_376_000, 3652)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn verify_proof(n: u32, ) -> Weight {
		// Minimum execution time: 3_515_010_000 picoseconds.
		Weight::from_parts(5_732_471_433, 11083)
			// Standard Error: 5_663_217
			.saturating_add(Weight::from_parts(70_931_411, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
	}
	/// The range of component `p` is `[1, 64]`.
	/// The range of component `n` is `[1, 64]`.
	fn verify_batch(p: u32, n: u32, ) -> Weight {
		Weight::from_parts(6_000_000_000, 11083)
			.saturating_add(Weight::from_parts(2_500_000_000, 0).saturating_mul(p.into()))
			.saturating_add(Weight::from_parts(100_000_000, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
	}
}
