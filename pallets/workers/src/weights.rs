//! Weights of `pallet_workers`, measured by `scripts/bench-weights.sh`.
//!
//! Date: 2026-11-21, steps: 20, repeats: 10, CPU: `Intel(R) Xeon(R) Processor @ 2.50GHz`, frame-benchmarking-cli 64.0.0.

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
		// Minimum execution time: 93_249_000 picoseconds.
		Weight::from_parts(174_217_000, 3590)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn bond_more() -> Weight {
		// Minimum execution time: 100_655_000 picoseconds.
		Weight::from_parts(111_354_000, 3593)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_operator() -> Weight {
		// Minimum execution time: 39_382_000 picoseconds.
		Weight::from_parts(69_311_000, 3590)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn serve(s: u32, ) -> Weight {
		// Minimum execution time: 59_217_000 picoseconds.
		Weight::from_parts(41_049_172, 5567)
			// Standard Error: 40_710
			.saturating_add(Weight::from_parts(15_870_706, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	/// The range of component `s` is `[1, 64]`.
	fn unserve(s: u32, ) -> Weight {
		// Minimum execution time: 51_842_000 picoseconds.
		Weight::from_parts(61_783_815, 5567)
			// Standard Error: 8_301
			.saturating_add(Weight::from_parts(533_567, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn accept() -> Weight {
		// Minimum execution time: 36_769_000 picoseconds.
		Weight::from_parts(38_866_000, 3574)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The range of component `v` is `[1, 64]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 101_247_000 picoseconds.
		Weight::from_parts(76_224_014, 3590)
			// Standard Error: 104_412
			.saturating_add(Weight::from_parts(24_461_544, 0).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(v.into())))
			.saturating_add(T::DbWeight::get().writes(1_u64))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 4577).saturating_mul(v.into()))
	}
	fn withdraw_bond() -> Weight {
		// Minimum execution time: 91_760_000 picoseconds.
		Weight::from_parts(94_566_000, 3593)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn rank(n: u32, ) -> Weight {
		// Minimum execution time: 32_940_000 picoseconds.
		Weight::from_parts(18_791_471, 5567)
			// Standard Error: 20_109
			.saturating_add(Weight::from_parts(15_789_221, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(n.into()))
	}
	fn lease() -> Weight {
		// Minimum execution time: 45_051_000 picoseconds.
		Weight::from_parts(47_012_000, 3590)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	fn release() -> Weight {
		// Minimum execution time: 46_463_000 picoseconds.
		Weight::from_parts(48_357_000, 3590)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	fn slash() -> Weight {
		// Minimum execution time: 165_296_000 picoseconds.
		Weight::from_parts(170_921_000, 6196)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
}

// For tests.
impl WeightInfo for () {
	fn register() -> Weight {
		// Minimum execution time: 93_249_000 picoseconds.
		Weight::from_parts(174_217_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn bond_more() -> Weight {
		// Minimum execution time: 100_655_000 picoseconds.
		Weight::from_parts(111_354_000, 3593)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_operator() -> Weight {
		// Minimum execution time: 39_382_000 picoseconds.
		Weight::from_parts(69_311_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn serve(s: u32, ) -> Weight {
		// Minimum execution time: 59_217_000 picoseconds.
		Weight::from_parts(41_049_172, 5567)
			// Standard Error: 40_710
			.saturating_add(Weight::from_parts(15_870_706, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	/// The range of component `s` is `[1, 64]`.
	fn unserve(s: u32, ) -> Weight {
		// Minimum execution time: 51_842_000 picoseconds.
		Weight::from_parts(61_783_815, 5567)
			// Standard Error: 8_301
			.saturating_add(Weight::from_parts(533_567, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn accept() -> Weight {
		// Minimum execution time: 36_769_000 picoseconds.
		Weight::from_parts(38_866_000, 3574)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// The range of component `v` is `[1, 64]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 101_247_000 picoseconds.
		Weight::from_parts(76_224_014, 3590)
			// Standard Error: 104_412
			.saturating_add(Weight::from_parts(24_461_544, 0).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(v.into())))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
			.saturating_add(RocksDbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 4577).saturating_mul(v.into()))
	}
	fn withdraw_bond() -> Weight {
		// Minimum execution time: 91_760_000 picoseconds.
		Weight::from_parts(94_566_000, 3593)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn rank(n: u32, ) -> Weight {
		// Minimum execution time: 32_940_000 picoseconds.
		Weight::from_parts(18_791_471, 5567)
			// Standard Error: 20_109
			.saturating_add(Weight::from_parts(15_789_221, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(n.into()))
	}
	fn lease() -> Weight {
		// Minimum execution time: 45_051_000 picoseconds.
		Weight::from_parts(47_012_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn release() -> Weight {
		// Minimum execution time: 46_463_000 picoseconds.
		Weight::from_parts(48_357_000, 3590)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn slash() -> Weight {
		// Minimum execution time: 165_296_000 picoseconds.
		Weight::from_parts(170_921_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
}
