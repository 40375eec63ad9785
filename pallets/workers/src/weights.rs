//! Weights of `pallet_workers`, measured by `scripts/bench-weights.sh`.
//!
//! Date: 2026-11-21, steps: 20, repeats: 10, CPU: `AMD EPYC`, frame-benchmarking-cli 64.0.0.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// The weights that `pallet_workers` needs.
pub trait WeightInfo {
	fn register() -> Weight;
	fn bond_more() -> Weight;
	fn set_operator() -> Weight;
	fn serve(s: u32, ) -> Weight;
	fn unserve(s: u32, ) -> Weight;
	fn accept() -> Weight;
	fn retire(v: u32, ) -> Weight;
	fn withdraw_bond() -> Weight;
	fn rank(n: u32, ) -> Weight;
	fn lease() -> Weight;
	fn release() -> Weight;
	fn slash() -> Weight;
}

/// Weights over the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register() -> Weight {
		// Minimum execution time: 58_136_000 picoseconds.
		Weight::from_parts(60_880_000, 3590)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn bond_more() -> Weight {
		// Minimum execution time: 62_062_000 picoseconds.
		Weight::from_parts(65_417_000, 3593)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_operator() -> Weight {
		// Minimum execution time: 20_671_000 picoseconds.
		Weight::from_parts(22_304_000, 3590)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn serve(s: u32, ) -> Weight {
		// Minimum execution time: 34_261_000 picoseconds.
		Weight::from_parts(20_480_074, 5567)
			// Standard Error: 44_940
			.saturating_add(Weight::from_parts(11_696_885, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	/// The range of component `s` is `[1, 64]`.
	fn unserve(s: u32, ) -> Weight {
		// Minimum execution time: 28_032_000 picoseconds.
		Weight::from_parts(33_936_201, 5567)
			// Standard Error: 8_909
			.saturating_add(Weight::from_parts(656_649, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn accept() -> Weight {
		// Minimum execution time: 18_457_000 picoseconds.
		Weight::from_parts(20_811_000, 3574)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The range of component `v` is `[1, 64]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 85_216_000 picoseconds.
		Weight::from_parts(98_328_916, 3590)
			// Standard Error: 235_805
			.saturating_add(Weight::from_parts(16_164_854, 0).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(v.into())))
			.saturating_add(T::DbWeight::get().writes(1_u64))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 4577).saturating_mul(v.into()))
	}
	fn withdraw_bond() -> Weight {
		// Minimum execution time: 55_122_000 picoseconds.
		Weight::from_parts(58_637_000, 3593)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn rank(n: u32, ) -> Weight {
		// Minimum execution time: 18_548_000 picoseconds.
		Weight::from_parts(8_243_392, 5567)
			// Standard Error: 16_478
			.saturating_add(Weight::from_parts(10_762_312, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(n.into()))
	}
	fn lease() -> Weight {
		// Minimum execution time: 25_067_000 picoseconds.
		Weight::from_parts(26_951_000, 3590)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	fn release() -> Weight {
		// Minimum execution time: 25_658_000 picoseconds.
		Weight::from_parts(27_571_000, 3590)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	fn slash() -> Weight {
		// Minimum execution time: 101_851_000 picoseconds.
		Weight::from_parts(106_579_000, 6196)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
}

// For tests.
impl WeightInfo for () {
	fn register() -> Weight {
		// Minimum execution time: 58_136_000 picoseconds.
		Weight::from_parts(60_880_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn bond_more() -> Weight {
		// Minimum execution time: 62_062_000 picoseconds.
		Weight::from_parts(65_417_000, 3593)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_operator() -> Weight {
		// Minimum execution time: 20_671_000 picoseconds.
		Weight::from_parts(22_304_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn serve(s: u32, ) -> Weight {
		// Minimum execution time: 34_261_000 picoseconds.
		Weight::from_parts(20_480_074, 5567)
			// Standard Error: 44_940
			.saturating_add(Weight::from_parts(11_696_885, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	/// The range of component `s` is `[1, 64]`.
	fn unserve(s: u32, ) -> Weight {
		// Minimum execution time: 28_032_000 picoseconds.
		Weight::from_parts(33_936_201, 5567)
			// Standard Error: 8_909
			.saturating_add(Weight::from_parts(656_649, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn accept() -> Weight {
		// Minimum execution time: 18_457_000 picoseconds.
		Weight::from_parts(20_811_000, 3574)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// The range of component `v` is `[1, 64]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 85_216_000 picoseconds.
		Weight::from_parts(98_328_916, 3590)
			// Standard Error: 235_805
			.saturating_add(Weight::from_parts(16_164_854, 0).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(v.into())))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
			.saturating_add(RocksDbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 4577).saturating_mul(v.into()))
	}
	fn withdraw_bond() -> Weight {
		// Minimum execution time: 55_122_000 picoseconds.
		Weight::from_parts(58_637_000, 3593)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn rank(n: u32, ) -> Weight {
		// Minimum execution time: 18_548_000 picoseconds.
		Weight::from_parts(8_243_392, 5567)
			// Standard Error: 16_478
			.saturating_add(Weight::from_parts(10_762_312, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(n.into()))
	}
	fn lease() -> Weight {
		// Minimum execution time: 25_067_000 picoseconds.
		Weight::from_parts(26_951_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn release() -> Weight {
		// Minimum execution time: 25_658_000 picoseconds.
		Weight::from_parts(27_571_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn slash() -> Weight {
		// Minimum execution time: 101_851_000 picoseconds.
		Weight::from_parts(106_579_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
}
