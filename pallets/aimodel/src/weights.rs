//! Weights of `pallet_aimodel`, measured by `scripts/bench-weights.sh`.
//!
//! Date: 2026-11-21, steps: 20, repeats: 10, CPU: `Intel(R) Xeon(R) Processor @ 2.50GHz`, frame-benchmarking-cli 64.0.0.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// The weights that `pallet_aimodel` needs.
pub trait WeightInfo {
	fn deploy() -> Weight;
	fn upgrade() -> Weight;
	fn reprice() -> Weight;
	fn resplit() -> Weight;
	fn transfer() -> Weight;
	fn accept_transfer() -> Weight;
	fn retire(v: u32, ) -> Weight;
	fn request(b: u32, ) -> Weight;
	fn submit_result(b: u32, ) -> Weight;
	fn cancel() -> Weight;
	fn expire() -> Weight;
	fn advance() -> Weight;
	fn withdraw() -> Weight;
	fn set_platform_share() -> Weight;
	fn draw(s: u32, ) -> Weight;
	fn prune() -> Weight;
}

/// Weights over the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn deploy() -> Weight {
		// Minimum execution time: 169_316_000 picoseconds.
		Weight::from_parts(187_314_000, 4309)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 267_479_000 picoseconds.
		Weight::from_parts(286_820_000, 88158)
			.saturating_add(T::DbWeight::get().reads(37_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	fn reprice() -> Weight {
		// Minimum execution time: 73_682_000 picoseconds.
		Weight::from_parts(77_612_000, 7931)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	fn resplit() -> Weight {
		// Minimum execution time: 77_205_000 picoseconds.
		Weight::from_parts(82_536_000, 7931)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	fn transfer() -> Weight {
		// Minimum execution time: 75_964_000 picoseconds.
		Weight::from_parts(83_324_000, 7931)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 218_714_000 picoseconds.
		Weight::from_parts(231_243_000, 7931)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 219_824_000 picoseconds.
		Weight::from_parts(228_138_261, 7931)
			// Standard Error: 410_061
			.saturating_add(Weight::from_parts(13_196_281, 0).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(T::DbWeight::get().writes(8_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2724).saturating_mul(v.into()))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 184_889_000 picoseconds.
		Weight::from_parts(191_939_511, 7119)
			// Standard Error: 8
			.saturating_add(Weight::from_parts(1_400, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 314_267_000 picoseconds.
		Weight::from_parts(325_404_207, 70055)
			// Standard Error: 10
			.saturating_add(Weight::from_parts(3_371, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(30_u64))
			.saturating_add(T::DbWeight::get().writes(30_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 289_191_000 picoseconds.
		Weight::from_parts(301_165_000, 70055)
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(11_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 287_069_000 picoseconds.
		Weight::from_parts(299_037_000, 70055)
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(11_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 258_657_000 picoseconds.
		Weight::from_parts(269_811_000, 70055)
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().writes(13_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 97_803_000 picoseconds.
		Weight::from_parts(100_992_000, 6196)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 12_081_000 picoseconds.
		Weight::from_parts(13_123_000, 0)
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 199_439_000 picoseconds.
		Weight::from_parts(200_065_605, 70055)
			// Standard Error: 23_963
			.saturating_add(Weight::from_parts(16_621_783, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 55_036_000 picoseconds.
		Weight::from_parts(57_700_000, 69153)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
}

// For tests.
impl WeightInfo for () {
	fn deploy() -> Weight {
		// Minimum execution time: 169_316_000 picoseconds.
		Weight::from_parts(187_314_000, 4309)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 267_479_000 picoseconds.
		Weight::from_parts(286_820_000, 88158)
			.saturating_add(RocksDbWeight::get().reads(37_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn reprice() -> Weight {
		// Minimum execution time: 73_682_000 picoseconds.
		Weight::from_parts(77_612_000, 7931)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn resplit() -> Weight {
		// Minimum execution time: 77_205_000 picoseconds.
		Weight::from_parts(82_536_000, 7931)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn transfer() -> Weight {
		// Minimum execution time: 75_964_000 picoseconds.
		Weight::from_parts(83_324_000, 7931)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 218_714_000 picoseconds.
		Weight::from_parts(231_243_000, 7931)
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 219_824_000 picoseconds.
		Weight::from_parts(228_138_261, 7931)
			// Standard Error: 410_061
			.saturating_add(Weight::from_parts(13_196_281, 0).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2724).saturating_mul(v.into()))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 184_889_000 picoseconds.
		Weight::from_parts(191_939_511, 7119)
			// Standard Error: 8
			.saturating_add(Weight::from_parts(1_400, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 314_267_000 picoseconds.
		Weight::from_parts(325_404_207, 70055)
			// Standard Error: 10
			.saturating_add(Weight::from_parts(3_371, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(30_u64))
			.saturating_add(RocksDbWeight::get().writes(30_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 289_191_000 picoseconds.
		Weight::from_parts(301_165_000, 70055)
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().writes(11_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 287_069_000 picoseconds.
		Weight::from_parts(299_037_000, 70055)
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().writes(11_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 258_657_000 picoseconds.
		Weight::from_parts(269_811_000, 70055)
			.saturating_add(RocksDbWeight::get().reads(9_u64))
			.saturating_add(RocksDbWeight::get().writes(13_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 97_803_000 picoseconds.
		Weight::from_parts(100_992_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 12_081_000 picoseconds.
		Weight::from_parts(13_123_000, 0)
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 199_439_000 picoseconds.
		Weight::from_parts(200_065_605, 70055)
			// Standard Error: 23_963
			.saturating_add(Weight::from_parts(16_621_783, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 55_036_000 picoseconds.
		Weight::from_parts(57_700_000, 69153)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
}
