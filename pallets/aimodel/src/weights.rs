//! Weights of `pallet_aimodel`, measured by `scripts/bench-weights.sh`.
//!
//! Date: 2026-11-22, steps: 20, repeats: 10, CPU: `AMD EPYC`, frame-benchmarking-cli 64.0.0.

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
	fn rollback() -> Weight;
	fn describe() -> Weight;
	fn publish() -> Weight;
	fn stage() -> Weight;
	fn promote() -> Weight;
	fn abort() -> Weight;
	fn deprecate() -> Weight;
	fn close() -> Weight;
	fn request(b: u32, ) -> Weight;
	fn submit_result(b: u32, ) -> Weight;
	fn cancel() -> Weight;
	fn expire() -> Weight;
	fn advance() -> Weight;
	fn withdraw() -> Weight;
	fn withdraw_to() -> Weight;
	fn set_platform_share() -> Weight;
	fn set_incentive_share() -> Weight;
	fn claim_reward() -> Weight;
	fn set_budget() -> Weight;
	fn prune_customer() -> Weight;
	fn set_access() -> Weight;
	fn pause() -> Weight;
	fn unpause() -> Weight;
	fn allow(n: u32, ) -> Weight;
	fn disallow(n: u32, ) -> Weight;
	fn flatten() -> Weight;
	fn draw(s: u32, ) -> Weight;
	fn prune() -> Weight;
	fn set_plans() -> Weight;
	fn subscribe() -> Weight;
	fn renew() -> Weight;
	fn change_plan() -> Weight;
	fn cancel_subscription() -> Weight;
	fn close_subscription() -> Weight;
	fn fund_pot() -> Weight;
	fn withdraw_pot() -> Weight;
	fn cover() -> Weight;
	fn request_fallback() -> Weight;
	fn fall_back() -> Weight;
	fn leave_fallback() -> Weight;
	fn give_back() -> Weight;
	fn approve() -> Weight;
	fn set_lock() -> Weight;
	fn withdraw_approval() -> Weight;
	fn post_service_bond() -> Weight;
	fn withdraw_service_bond() -> Weight;
	fn waive_penalty() -> Weight;
	fn pay_penalty() -> Weight;
	fn settle_calls(n: u32, ) -> Weight;
}

/// Weights over the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn deploy() -> Weight {
		// Minimum execution time: 152_306_000 picoseconds.
		Weight::from_parts(175_852_000, 12602)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 139_196_000 picoseconds.
		Weight::from_parts(158_616_000, 6726)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn reprice() -> Weight {
		// Minimum execution time: 153_618_000 picoseconds.
		Weight::from_parts(178_415_000, 12602)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn resplit() -> Weight {
		// Minimum execution time: 122_592_000 picoseconds.
		Weight::from_parts(151_115_000, 6726)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn transfer() -> Weight {
		// Minimum execution time: 115_241_000 picoseconds.
		Weight::from_parts(138_766_000, 6726)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 157_514_000 picoseconds.
		Weight::from_parts(183_463_000, 6726)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(11_u64))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 446_012_000 picoseconds.
		Weight::from_parts(471_147_600, 197865)
			// Standard Error: 131_720
			.saturating_add(Weight::from_parts(9_956_114, 0).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(82_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(T::DbWeight::get().writes(87_u64))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2759).saturating_mul(v.into()))
	}
	fn rollback() -> Weight {
		// Minimum execution time: 118_707_000 picoseconds.
		Weight::from_parts(150_143_000, 6726)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn describe() -> Weight {
		// Minimum execution time: 163_253_000 picoseconds.
		Weight::from_parts(182_221_000, 6726)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(23_u64))
	}
	fn publish() -> Weight {
		// Minimum execution time: 130_975_000 picoseconds.
		Weight::from_parts(154_379_000, 6726)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn stage() -> Weight {
		// Minimum execution time: 123_623_000 picoseconds.
		Weight::from_parts(152_867_000, 6726)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn promote() -> Weight {
		// Minimum execution time: 110_314_000 picoseconds.
		Weight::from_parts(141_691_000, 6726)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn abort() -> Weight {
		// Minimum execution time: 114_370_000 picoseconds.
		Weight::from_parts(153_027_000, 6726)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn deprecate() -> Weight {
		// Minimum execution time: 118_887_000 picoseconds.
		Weight::from_parts(153_228_000, 6726)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	fn close() -> Weight {
		// Minimum execution time: 696_375_000 picoseconds.
		Weight::from_parts(777_505_000, 200990)
			.saturating_add(T::DbWeight::get().reads(115_u64))
			.saturating_add(T::DbWeight::get().writes(148_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 1_408_513_000 picoseconds.
		Weight::from_parts(1_996_182_048, 168670)
			// Standard Error: 1_370
			.saturating_add(Weight::from_parts(298, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(147_u64))
			.saturating_add(T::DbWeight::get().writes(11_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 326_465_000 picoseconds.
		Weight::from_parts(431_648_519, 87316)
			// Standard Error: 81
			.saturating_add(Weight::from_parts(3_379, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(52_u64))
			.saturating_add(T::DbWeight::get().writes(50_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 255_470_000 picoseconds.
		Weight::from_parts(350_581_000, 72900)
			.saturating_add(T::DbWeight::get().reads(17_u64))
			.saturating_add(T::DbWeight::get().writes(15_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 256_111_000 picoseconds.
		Weight::from_parts(399_594_000, 72900)
			.saturating_add(T::DbWeight::get().reads(17_u64))
			.saturating_add(T::DbWeight::get().writes(15_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 212_846_000 picoseconds.
		Weight::from_parts(310_281_000, 72900)
			.saturating_add(T::DbWeight::get().reads(15_u64))
			.saturating_add(T::DbWeight::get().writes(16_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 61_581_000 picoseconds.
		Weight::from_parts(81_682_000, 6196)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn withdraw_to() -> Weight {
		// Minimum execution time: 61_041_000 picoseconds.
		Weight::from_parts(87_090_000, 6196)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 7_962_000 picoseconds.
		Weight::from_parts(15_833_000, 1489)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn set_incentive_share() -> Weight {
		// Minimum execution time: 8_052_000 picoseconds.
		Weight::from_parts(13_400_000, 1489)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn claim_reward() -> Weight {
		// Minimum execution time: 178_616_000 picoseconds.
		Weight::from_parts(188_660_000, 82238)
			.saturating_add(T::DbWeight::get().reads(41_u64))
			.saturating_add(T::DbWeight::get().writes(35_u64))
	}
	fn set_budget() -> Weight {
		// Minimum execution time: 75_682_000 picoseconds.
		Weight::from_parts(79_699_000, 3812)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	fn prune_customer() -> Weight {
		// Minimum execution time: 70_094_000 picoseconds.
		Weight::from_parts(77_355_000, 8691)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	fn set_access() -> Weight {
		// Minimum execution time: 147_820_000 picoseconds.
		Weight::from_parts(184_014_000, 6726)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	fn pause() -> Weight {
		// Minimum execution time: 114_831_000 picoseconds.
		Weight::from_parts(142_642_000, 6726)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn unpause() -> Weight {
		// Minimum execution time: 107_720_000 picoseconds.
		Weight::from_parts(140_980_000, 6726)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn allow(n: u32, ) -> Weight {
		// Minimum execution time: 89_633_000 picoseconds.
		Weight::from_parts(124_312_209, 6726)
			// Standard Error: 59_815
			.saturating_add(Weight::from_parts(9_644_054, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	/// The range of component `n` is `[1, 64]`.
	fn disallow(n: u32, ) -> Weight {
		// Minimum execution time: 82_132_000 picoseconds.
		Weight::from_parts(98_835_219, 6726)
			// Standard Error: 46_617
			.saturating_add(Weight::from_parts(10_571_780, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	fn flatten() -> Weight {
		// Minimum execution time: 1_299_411_000 picoseconds.
		Weight::from_parts(1_555_291_000, 643422)
			.saturating_add(T::DbWeight::get().reads(224_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 122_853_000 picoseconds.
		Weight::from_parts(190_521_181, 72900)
			// Standard Error: 126_466
			.saturating_add(Weight::from_parts(16_732_711, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2620).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 30_845_000 picoseconds.
		Weight::from_parts(35_874_000, 69153)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_plans() -> Weight {
		// Minimum execution time: 114_791_000 picoseconds.
		Weight::from_parts(145_636_000, 6726)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn subscribe() -> Weight {
		// Minimum execution time: 444_431_000 picoseconds.
		Weight::from_parts(495_606_000, 84777)
			.saturating_add(T::DbWeight::get().reads(47_u64))
			.saturating_add(T::DbWeight::get().writes(45_u64))
	}
	fn renew() -> Weight {
		// Minimum execution time: 319_175_000 picoseconds.
		Weight::from_parts(361_037_000, 84777)
			.saturating_add(T::DbWeight::get().reads(46_u64))
			.saturating_add(T::DbWeight::get().writes(42_u64))
	}
	fn change_plan() -> Weight {
		// Minimum execution time: 318_534_000 picoseconds.
		Weight::from_parts(358_884_000, 84777)
			.saturating_add(T::DbWeight::get().reads(46_u64))
			.saturating_add(T::DbWeight::get().writes(42_u64))
	}
	fn cancel_subscription() -> Weight {
		// Minimum execution time: 31_026_000 picoseconds.
		Weight::from_parts(44_837_000, 5627)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn close_subscription() -> Weight {
		// Minimum execution time: 327_026_000 picoseconds.
		Weight::from_parts(369_389_000, 84777)
			.saturating_add(T::DbWeight::get().reads(45_u64))
			.saturating_add(T::DbWeight::get().writes(41_u64))
	}
	fn fund_pot() -> Weight {
		// Minimum execution time: 141_380_000 picoseconds.
		Weight::from_parts(204_785_000, 6726)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn withdraw_pot() -> Weight {
		// Minimum execution time: 118_867_000 picoseconds.
		Weight::from_parts(152_306_000, 3658)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn cover() -> Weight {
		// Minimum execution time: 310_371_000 picoseconds.
		Weight::from_parts(345_373_000, 84777)
			.saturating_add(T::DbWeight::get().reads(47_u64))
			.saturating_add(T::DbWeight::get().writes(43_u64))
	}
	fn request_fallback() -> Weight {
		// Minimum execution time: 329_901_000 picoseconds.
		Weight::from_parts(485_221_000, 12462)
			.saturating_add(T::DbWeight::get().reads(25_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn fall_back() -> Weight {
		// Minimum execution time: 125_627_000 picoseconds.
		Weight::from_parts(172_316_000, 12462)
			.saturating_add(T::DbWeight::get().reads(14_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	fn leave_fallback() -> Weight {
		// Minimum execution time: 71_907_000 picoseconds.
		Weight::from_parts(109_152_000, 8807)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	fn give_back() -> Weight {
		// Minimum execution time: 243_762_000 picoseconds.
		Weight::from_parts(348_007_000, 84777)
			.saturating_add(T::DbWeight::get().reads(43_u64))
			.saturating_add(T::DbWeight::get().writes(39_u64))
	}
	fn approve() -> Weight {
		// Minimum execution time: 100_159_000 picoseconds.
		Weight::from_parts(141_260_000, 6726)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	fn set_lock() -> Weight {
		// Minimum execution time: 166_698_000 picoseconds.
		Weight::from_parts(251_404_000, 6726)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn withdraw_approval() -> Weight {
		// Minimum execution time: 51_357_000 picoseconds.
		Weight::from_parts(75_923_000, 6726)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn post_service_bond() -> Weight {
		// Minimum execution time: 135_752_000 picoseconds.
		Weight::from_parts(171_705_000, 6726)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn withdraw_service_bond() -> Weight {
		// Minimum execution time: 112_608_000 picoseconds.
		Weight::from_parts(189_071_000, 3658)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn waive_penalty() -> Weight {
		// Minimum execution time: 33_570_000 picoseconds.
		Weight::from_parts(48_873_000, 5627)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn pay_penalty() -> Weight {
		// Minimum execution time: 80_019_000 picoseconds.
		Weight::from_parts(87_139_000, 6196)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn settle_calls(n: u32, ) -> Weight {
		// Minimum execution time: 534_805_000 picoseconds.
		Weight::from_parts(554_003_000, 6068)
			// Standard Error: 4_586_170
			.saturating_add(Weight::from_parts(373_744_149, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().reads((9_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((8_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 6753).saturating_mul(n.into()))
	}
}

// For tests.
impl WeightInfo for () {
	fn deploy() -> Weight {
		// Minimum execution time: 152_306_000 picoseconds.
		Weight::from_parts(175_852_000, 12602)
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 139_196_000 picoseconds.
		Weight::from_parts(158_616_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn reprice() -> Weight {
		// Minimum execution time: 153_618_000 picoseconds.
		Weight::from_parts(178_415_000, 12602)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn resplit() -> Weight {
		// Minimum execution time: 122_592_000 picoseconds.
		Weight::from_parts(151_115_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn transfer() -> Weight {
		// Minimum execution time: 115_241_000 picoseconds.
		Weight::from_parts(138_766_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 157_514_000 picoseconds.
		Weight::from_parts(183_463_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(11_u64))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 446_012_000 picoseconds.
		Weight::from_parts(471_147_600, 197865)
			// Standard Error: 131_720
			.saturating_add(Weight::from_parts(9_956_114, 0).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(82_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(RocksDbWeight::get().writes(87_u64))
			.saturating_add(RocksDbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2759).saturating_mul(v.into()))
	}
	fn rollback() -> Weight {
		// Minimum execution time: 118_707_000 picoseconds.
		Weight::from_parts(150_143_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn describe() -> Weight {
		// Minimum execution time: 163_253_000 picoseconds.
		Weight::from_parts(182_221_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(23_u64))
	}
	fn publish() -> Weight {
		// Minimum execution time: 130_975_000 picoseconds.
		Weight::from_parts(154_379_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn stage() -> Weight {
		// Minimum execution time: 123_623_000 picoseconds.
		Weight::from_parts(152_867_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn promote() -> Weight {
		// Minimum execution time: 110_314_000 picoseconds.
		Weight::from_parts(141_691_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn abort() -> Weight {
		// Minimum execution time: 114_370_000 picoseconds.
		Weight::from_parts(153_027_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn deprecate() -> Weight {
		// Minimum execution time: 118_887_000 picoseconds.
		Weight::from_parts(153_228_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn close() -> Weight {
		// Minimum execution time: 696_375_000 picoseconds.
		Weight::from_parts(777_505_000, 200990)
			.saturating_add(RocksDbWeight::get().reads(115_u64))
			.saturating_add(RocksDbWeight::get().writes(148_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 1_408_513_000 picoseconds.
		Weight::from_parts(1_996_182_048, 168670)
			// Standard Error: 1_370
			.saturating_add(Weight::from_parts(298, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(147_u64))
			.saturating_add(RocksDbWeight::get().writes(11_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 326_465_000 picoseconds.
		Weight::from_parts(431_648_519, 87316)
			// Standard Error: 81
			.saturating_add(Weight::from_parts(3_379, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(52_u64))
			.saturating_add(RocksDbWeight::get().writes(50_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 255_470_000 picoseconds.
		Weight::from_parts(350_581_000, 72900)
			.saturating_add(RocksDbWeight::get().reads(17_u64))
			.saturating_add(RocksDbWeight::get().writes(15_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 256_111_000 picoseconds.
		Weight::from_parts(399_594_000, 72900)
			.saturating_add(RocksDbWeight::get().reads(17_u64))
			.saturating_add(RocksDbWeight::get().writes(15_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 212_846_000 picoseconds.
		Weight::from_parts(310_281_000, 72900)
			.saturating_add(RocksDbWeight::get().reads(15_u64))
			.saturating_add(RocksDbWeight::get().writes(16_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 61_581_000 picoseconds.
		Weight::from_parts(81_682_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn withdraw_to() -> Weight {
		// Minimum execution time: 61_041_000 picoseconds.
		Weight::from_parts(87_090_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 7_962_000 picoseconds.
		Weight::from_parts(15_833_000, 1489)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn set_incentive_share() -> Weight {
		// Minimum execution time: 8_052_000 picoseconds.
		Weight::from_parts(13_400_000, 1489)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn claim_reward() -> Weight {
		// Minimum execution time: 178_616_000 picoseconds.
		Weight::from_parts(188_660_000, 82238)
			.saturating_add(RocksDbWeight::get().reads(41_u64))
			.saturating_add(RocksDbWeight::get().writes(35_u64))
	}
	fn set_budget() -> Weight {
		// Minimum execution time: 75_682_000 picoseconds.
		Weight::from_parts(79_699_000, 3812)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn prune_customer() -> Weight {
		// Minimum execution time: 70_094_000 picoseconds.
		Weight::from_parts(77_355_000, 8691)
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn set_access() -> Weight {
		// Minimum execution time: 147_820_000 picoseconds.
		Weight::from_parts(184_014_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn pause() -> Weight {
		// Minimum execution time: 114_831_000 picoseconds.
		Weight::from_parts(142_642_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn unpause() -> Weight {
		// Minimum execution time: 107_720_000 picoseconds.
		Weight::from_parts(140_980_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn allow(n: u32, ) -> Weight {
		// Minimum execution time: 89_633_000 picoseconds.
		Weight::from_parts(124_312_209, 6726)
			// Standard Error: 59_815
			.saturating_add(Weight::from_parts(9_644_054, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	/// The range of component `n` is `[1, 64]`.
	fn disallow(n: u32, ) -> Weight {
		// Minimum execution time: 82_132_000 picoseconds.
		Weight::from_parts(98_835_219, 6726)
			// Standard Error: 46_617
			.saturating_add(Weight::from_parts(10_571_780, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	fn flatten() -> Weight {
		// Minimum execution time: 1_299_411_000 picoseconds.
		Weight::from_parts(1_555_291_000, 643422)
			.saturating_add(RocksDbWeight::get().reads(224_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 122_853_000 picoseconds.
		Weight::from_parts(190_521_181, 72900)
			// Standard Error: 126_466
			.saturating_add(Weight::from_parts(16_732_711, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2620).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 30_845_000 picoseconds.
		Weight::from_parts(35_874_000, 69153)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_plans() -> Weight {
		// Minimum execution time: 114_791_000 picoseconds.
		Weight::from_parts(145_636_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn subscribe() -> Weight {
		// Minimum execution time: 444_431_000 picoseconds.
		Weight::from_parts(495_606_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(47_u64))
			.saturating_add(RocksDbWeight::get().writes(45_u64))
	}
	fn renew() -> Weight {
		// Minimum execution time: 319_175_000 picoseconds.
		Weight::from_parts(361_037_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(46_u64))
			.saturating_add(RocksDbWeight::get().writes(42_u64))
	}
	fn change_plan() -> Weight {
		// Minimum execution time: 318_534_000 picoseconds.
		Weight::from_parts(358_884_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(46_u64))
			.saturating_add(RocksDbWeight::get().writes(42_u64))
	}
	fn cancel_subscription() -> Weight {
		// Minimum execution time: 31_026_000 picoseconds.
		Weight::from_parts(44_837_000, 5627)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn close_subscription() -> Weight {
		// Minimum execution time: 327_026_000 picoseconds.
		Weight::from_parts(369_389_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(45_u64))
			.saturating_add(RocksDbWeight::get().writes(41_u64))
	}
	fn fund_pot() -> Weight {
		// Minimum execution time: 141_380_000 picoseconds.
		Weight::from_parts(204_785_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn withdraw_pot() -> Weight {
		// Minimum execution time: 118_867_000 picoseconds.
		Weight::from_parts(152_306_000, 3658)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn cover() -> Weight {
		// Minimum execution time: 310_371_000 picoseconds.
		Weight::from_parts(345_373_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(47_u64))
			.saturating_add(RocksDbWeight::get().writes(43_u64))
	}
	fn request_fallback() -> Weight {
		// Minimum execution time: 329_901_000 picoseconds.
		Weight::from_parts(485_221_000, 12462)
			.saturating_add(RocksDbWeight::get().reads(25_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn fall_back() -> Weight {
		// Minimum execution time: 125_627_000 picoseconds.
		Weight::from_parts(172_316_000, 12462)
			.saturating_add(RocksDbWeight::get().reads(14_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	fn leave_fallback() -> Weight {
		// Minimum execution time: 71_907_000 picoseconds.
		Weight::from_parts(109_152_000, 8807)
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn give_back() -> Weight {
		// Minimum execution time: 243_762_000 picoseconds.
		Weight::from_parts(348_007_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(43_u64))
			.saturating_add(RocksDbWeight::get().writes(39_u64))
	}
	fn approve() -> Weight {
		// Minimum execution time: 100_159_000 picoseconds.
		Weight::from_parts(141_260_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn set_lock() -> Weight {
		// Minimum execution time: 166_698_000 picoseconds.
		Weight::from_parts(251_404_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn withdraw_approval() -> Weight {
		// Minimum execution time: 51_357_000 picoseconds.
		Weight::from_parts(75_923_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn post_service_bond() -> Weight {
		// Minimum execution time: 135_752_000 picoseconds.
		Weight::from_parts(171_705_000, 6726)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn withdraw_service_bond() -> Weight {
		// Minimum execution time: 112_608_000 picoseconds.
		Weight::from_parts(189_071_000, 3658)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn waive_penalty() -> Weight {
		// Minimum execution time: 33_570_000 picoseconds.
		Weight::from_parts(48_873_000, 5627)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn pay_penalty() -> Weight {
		// Minimum execution time: 80_019_000 picoseconds.
		Weight::from_parts(87_139_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn settle_calls(n: u32, ) -> Weight {
		// Minimum execution time: 534_805_000 picoseconds.
		Weight::from_parts(554_003_000, 6068)
			// Standard Error: 4_586_170
			.saturating_add(Weight::from_parts(373_744_149, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().reads((9_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(RocksDbWeight::get().writes((8_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 6753).saturating_mul(n.into()))
	}
}
