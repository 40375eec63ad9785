//! Weights of `pallet_zk_verifier`, measured by `scripts/bench-weights.sh`.
//!
//! Date: 2026-11-21, steps: 20, repeats: 10, CPU: `AMD EPYC`, frame-benchmarking-cli 64.0.0.

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
		// Minimum execution time: 1_909_477_000 picoseconds.
		Weight::from_parts(1_920_948_992, 3652)
			// Standard Error: 93_802
			.saturating_add(Weight::from_parts(96_552_753, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn remove_key() -> Weight {
		// Minimum execution time: 80_390_000 picoseconds.
		Weight::from_parts(88_111_000, 3652)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn attest_key() -> Weight {
		// Minimum execution time: 19_820_000 picoseconds.
		Weight::from_parts(23_725_000, 3652)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn verify_proof(n: u32, ) -> Weight {
		// Minimum execution time: 2_539_513_000 picoseconds.
		Weight::from_parts(2_832_961_615, 11083)
			// Standard Error: 685_343
			.saturating_add(Weight::from_parts(38_529_611, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// The range of component `p` is `[1, 64]`.
	/// The range of component `n` is `[1, 64]`.
	fn verify_batch(p: u32, n: u32, ) -> Weight {
		// Minimum execution time: 4_884_589_000 picoseconds.
		Weight::from_parts(2_444_858_393, 11083)
			// Standard Error: 10_044_473
			.saturating_add(Weight::from_parts(730_432_696, 0).saturating_mul(p.into()))
			// Standard Error: 10_044_473
			.saturating_add(Weight::from_parts(70_440_879, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
	}
}

// For tests.
impl WeightInfo for () {
	/// The range of component `n` is `[1, 64]`.
	fn register_key(n: u32, ) -> Weight {
		// Minimum execution time: 1_909_477_000 picoseconds.
		Weight::from_parts(1_920_948_992, 3652)
			// Standard Error: 93_802
			.saturating_add(Weight::from_parts(96_552_753, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn remove_key() -> Weight {
		// Minimum execution time: 80_390_000 picoseconds.
		Weight::from_parts(88_111_000, 3652)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn attest_key() -> Weight {
		// Minimum execution time: 19_820_000 picoseconds.
		Weight::from_parts(23_725_000, 3652)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn verify_proof(n: u32, ) -> Weight {
		// Minimum execution time: 2_539_513_000 picoseconds.
		Weight::from_parts(2_832_961_615, 11083)
			// Standard Error: 685_343
			.saturating_add(Weight::from_parts(38_529_611, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
	}
	/// The range of component `p` is `[1, 64]`.
	/// The range of component `n` is `[1, 64]`.
	fn verify_batch(p: u32, n: u32, ) -> Weight {
		// Minimum execution time: 4_884_589_000 picoseconds.
		Weight::from_parts(2_444_858_393, 11083)
			// Standard Error: 10_044_473
			.saturating_add(Weight::from_parts(730_432_696, 0).saturating_mul(p.into()))
			// Standard Error: 10_044_473
			.saturating_add(Weight::from_parts(70_440_879, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
	}
}
