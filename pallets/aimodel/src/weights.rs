//! Weights of `pallet_aimodel`, measured by `scripts/bench-weights.sh`.
//!
//! Date: 2026-11-21, steps: 20, repeats: 10, CPU: `AMD EPYC`, frame-benchmarking-cli 64.0.0.

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
		// Minimum execution time: 149_542_000 picoseconds.
		Weight::from_parts(162_362_000, 12602)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 138_305_000 picoseconds.
		Weight::from_parts(156_192_000, 6606)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn reprice() -> Weight {
		// Minimum execution time: 153_528_000 picoseconds.
		Weight::from_parts(171_565_000, 12602)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn resplit() -> Weight {
		// Minimum execution time: 118_076_000 picoseconds.
		Weight::from_parts(142_272_000, 6606)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn transfer() -> Weight {
		// Minimum execution time: 118_045_000 picoseconds.
		Weight::from_parts(135_982_000, 6606)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 155_831_000 picoseconds.
		Weight::from_parts(174_319_000, 6606)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(11_u64))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 488_847_000 picoseconds.
		Weight::from_parts(594_353_349, 197865)
			// Standard Error: 609_208
			.saturating_add(Weight::from_parts(9_376_945, 0).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(82_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(T::DbWeight::get().writes(87_u64))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2759).saturating_mul(v.into()))
	}
	fn rollback() -> Weight {
		// Minimum execution time: 144_555_000 picoseconds.
		Weight::from_parts(161_831_000, 6606)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn describe() -> Weight {
		// Minimum execution time: 177_995_000 picoseconds.
		Weight::from_parts(202_761_000, 6606)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(23_u64))
	}
	fn publish() -> Weight {
		// Minimum execution time: 145_847_000 picoseconds.
		Weight::from_parts(167_469_000, 6606)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn stage() -> Weight {
		// Minimum execution time: 129_743_000 picoseconds.
		Weight::from_parts(150_284_000, 6606)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn promote() -> Weight {
		// Minimum execution time: 114_189_000 picoseconds.
		Weight::from_parts(130_264_000, 6606)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn abort() -> Weight {
		// Minimum execution time: 112_768_000 picoseconds.
		Weight::from_parts(127_249_000, 6606)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn deprecate() -> Weight {
		// Minimum execution time: 116_894_000 picoseconds.
		Weight::from_parts(127_779_000, 6606)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	fn close() -> Weight {
		// Minimum execution time: 694_722_000 picoseconds.
		Weight::from_parts(738_237_000, 200990)
			.saturating_add(T::DbWeight::get().reads(115_u64))
			.saturating_add(T::DbWeight::get().writes(148_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 1_329_235_000 picoseconds.
		Weight::from_parts(1_384_687_496, 168670)
			// Standard Error: 113
			.saturating_add(Weight::from_parts(820, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(147_u64))
			.saturating_add(T::DbWeight::get().writes(11_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 320_457_000 picoseconds.
		Weight::from_parts(327_777_046, 87316)
			// Standard Error: 9
			.saturating_add(Weight::from_parts(2_342, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(52_u64))
			.saturating_add(T::DbWeight::get().writes(50_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 253_196_000 picoseconds.
		Weight::from_parts(259_776_000, 72896)
			.saturating_add(T::DbWeight::get().reads(17_u64))
			.saturating_add(T::DbWeight::get().writes(15_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 253_106_000 picoseconds.
		Weight::from_parts(260_006_000, 72896)
			.saturating_add(T::DbWeight::get().reads(17_u64))
			.saturating_add(T::DbWeight::get().writes(15_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 211_524_000 picoseconds.
		Weight::from_parts(223_923_000, 72896)
			.saturating_add(T::DbWeight::get().reads(15_u64))
			.saturating_add(T::DbWeight::get().writes(16_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 60_330_000 picoseconds.
		Weight::from_parts(63_264_000, 6196)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn withdraw_to() -> Weight {
		// Minimum execution time: 60_500_000 picoseconds.
		Weight::from_parts(63_875_000, 6196)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 8_092_000 picoseconds.
		Weight::from_parts(9_033_000, 1489)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn set_incentive_share() -> Weight {
		// Minimum execution time: 8_052_000 picoseconds.
		Weight::from_parts(8_973_000, 1489)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn claim_reward() -> Weight {
		// Minimum execution time: 176_402_000 picoseconds.
		Weight::from_parts(185_025_000, 82238)
			.saturating_add(T::DbWeight::get().reads(41_u64))
			.saturating_add(T::DbWeight::get().writes(35_u64))
	}
	fn set_budget() -> Weight {
		// Minimum execution time: 75_502_000 picoseconds.
		Weight::from_parts(78_967_000, 3796)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	fn prune_customer() -> Weight {
		// Minimum execution time: 69_813_000 picoseconds.
		Weight::from_parts(73_279_000, 8691)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	fn set_access() -> Weight {
		// Minimum execution time: 138_146_000 picoseconds.
		Weight::from_parts(169_822_000, 6606)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	fn pause() -> Weight {
		// Minimum execution time: 107_310_000 picoseconds.
		Weight::from_parts(131_265_000, 6606)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn unpause() -> Weight {
		// Minimum execution time: 108_681_000 picoseconds.
		Weight::from_parts(129_082_000, 6606)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn allow(n: u32, ) -> Weight {
		// Minimum execution time: 90_044_000 picoseconds.
		Weight::from_parts(87_410_933, 6606)
			// Standard Error: 4_389
			.saturating_add(Weight::from_parts(7_994_120, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	/// The range of component `n` is `[1, 64]`.
	fn disallow(n: u32, ) -> Weight {
		// Minimum execution time: 83_544_000 picoseconds.
		Weight::from_parts(81_150_214, 6606)
			// Standard Error: 6_549
			.saturating_add(Weight::from_parts(9_809_299, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	fn flatten() -> Weight {
		// Minimum execution time: 1_233_994_000 picoseconds.
		Weight::from_parts(1_293_242_000, 629982)
			.saturating_add(T::DbWeight::get().reads(224_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 123_844_000 picoseconds.
		Weight::from_parts(109_594_327, 72896)
			// Standard Error: 20_992
			.saturating_add(Weight::from_parts(11_699_225, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2620).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 30_505_000 picoseconds.
		Weight::from_parts(32_558_000, 69153)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_plans() -> Weight {
		// Minimum execution time: 120_960_000 picoseconds.
		Weight::from_parts(142_542_000, 6606)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn subscribe() -> Weight {
		// Minimum execution time: 464_270_000 picoseconds.
		Weight::from_parts(513_914_000, 84777)
			.saturating_add(T::DbWeight::get().reads(47_u64))
			.saturating_add(T::DbWeight::get().writes(45_u64))
	}
	fn renew() -> Weight {
		// Minimum execution time: 339_475_000 picoseconds.
		Weight::from_parts(377_621_000, 84777)
			.saturating_add(T::DbWeight::get().reads(46_u64))
			.saturating_add(T::DbWeight::get().writes(42_u64))
	}
	fn change_plan() -> Weight {
		// Minimum execution time: 325_123_000 picoseconds.
		Weight::from_parts(364_011_000, 84777)
			.saturating_add(T::DbWeight::get().reads(46_u64))
			.saturating_add(T::DbWeight::get().writes(42_u64))
	}
	fn cancel_subscription() -> Weight {
		// Minimum execution time: 32_649_000 picoseconds.
		Weight::from_parts(42_223_000, 5276)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn close_subscription() -> Weight {
		// Minimum execution time: 328_248_000 picoseconds.
		Weight::from_parts(359_304_000, 84777)
			.saturating_add(T::DbWeight::get().reads(45_u64))
			.saturating_add(T::DbWeight::get().writes(41_u64))
	}
	fn fund_pot() -> Weight {
		// Minimum execution time: 134_590_000 picoseconds.
		Weight::from_parts(159_437_000, 6606)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn withdraw_pot() -> Weight {
		// Minimum execution time: 107_710_000 picoseconds.
		Weight::from_parts(130_725_000, 3658)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn cover() -> Weight {
		// Minimum execution time: 294_768_000 picoseconds.
		Weight::from_parts(327_026_000, 84777)
			.saturating_add(T::DbWeight::get().reads(47_u64))
			.saturating_add(T::DbWeight::get().writes(43_u64))
	}
	fn request_fallback() -> Weight {
		// Minimum execution time: 287_778_000 picoseconds.
		Weight::from_parts(317_762_000, 12222)
			.saturating_add(T::DbWeight::get().reads(25_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn fall_back() -> Weight {
		// Minimum execution time: 119_507_000 picoseconds.
		Weight::from_parts(130_864_000, 12222)
			.saturating_add(T::DbWeight::get().reads(14_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	fn leave_fallback() -> Weight {
		// Minimum execution time: 70_695_000 picoseconds.
		Weight::from_parts(76_553_000, 8807)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	fn give_back() -> Weight {
		// Minimum execution time: 240_477_000 picoseconds.
		Weight::from_parts(247_187_000, 84777)
			.saturating_add(T::DbWeight::get().reads(43_u64))
			.saturating_add(T::DbWeight::get().writes(39_u64))
	}
	fn approve() -> Weight {
		// Minimum execution time: 94_260_000 picoseconds.
		Weight::from_parts(106_418_000, 6606)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	fn set_lock() -> Weight {
		// Minimum execution time: 164_024_000 picoseconds.
		Weight::from_parts(178_045_000, 6606)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
	fn withdraw_approval() -> Weight {
		// Minimum execution time: 44_075_000 picoseconds.
		Weight::from_parts(52_799_000, 6606)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn post_service_bond() -> Weight {
		// Minimum execution time: 133_529_000 picoseconds.
		Weight::from_parts(143_664_000, 6606)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn withdraw_service_bond() -> Weight {
		// Minimum execution time: 109_212_000 picoseconds.
		Weight::from_parts(136_122_000, 3658)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn waive_penalty() -> Weight {
		// Minimum execution time: 28_232_000 picoseconds.
		Weight::from_parts(37_536_000, 5276)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn pay_penalty() -> Weight {
		// Minimum execution time: 78_938_000 picoseconds.
		Weight::from_parts(82_002_000, 6196)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn settle_calls(n: u32, ) -> Weight {
		// Not measured yet. Each claim is priced as the offer of a fallback is, and divides what a renewal
		// does; a renewal charges the next period too. Two signatures are verified.
		let verified = Weight::from_parts(200_000_000, 0);
		let claim = Self::renew().saturating_add(Self::request_fallback()).saturating_add(verified);
		Self::withdraw().saturating_add(claim.saturating_mul(n.into()))
	}
}

// For tests.
impl WeightInfo for () {
	fn deploy() -> Weight {
		// Minimum execution time: 149_542_000 picoseconds.
		Weight::from_parts(162_362_000, 12602)
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 138_305_000 picoseconds.
		Weight::from_parts(156_192_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn reprice() -> Weight {
		// Minimum execution time: 153_528_000 picoseconds.
		Weight::from_parts(171_565_000, 12602)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn resplit() -> Weight {
		// Minimum execution time: 118_076_000 picoseconds.
		Weight::from_parts(142_272_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn transfer() -> Weight {
		// Minimum execution time: 118_045_000 picoseconds.
		Weight::from_parts(135_982_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 155_831_000 picoseconds.
		Weight::from_parts(174_319_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(11_u64))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 488_847_000 picoseconds.
		Weight::from_parts(594_353_349, 197865)
			// Standard Error: 609_208
			.saturating_add(Weight::from_parts(9_376_945, 0).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(82_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(RocksDbWeight::get().writes(87_u64))
			.saturating_add(RocksDbWeight::get().writes((2_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2759).saturating_mul(v.into()))
	}
	fn rollback() -> Weight {
		// Minimum execution time: 144_555_000 picoseconds.
		Weight::from_parts(161_831_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn describe() -> Weight {
		// Minimum execution time: 177_995_000 picoseconds.
		Weight::from_parts(202_761_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(23_u64))
	}
	fn publish() -> Weight {
		// Minimum execution time: 145_847_000 picoseconds.
		Weight::from_parts(167_469_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn stage() -> Weight {
		// Minimum execution time: 129_743_000 picoseconds.
		Weight::from_parts(150_284_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn promote() -> Weight {
		// Minimum execution time: 114_189_000 picoseconds.
		Weight::from_parts(130_264_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn abort() -> Weight {
		// Minimum execution time: 112_768_000 picoseconds.
		Weight::from_parts(127_249_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn deprecate() -> Weight {
		// Minimum execution time: 116_894_000 picoseconds.
		Weight::from_parts(127_779_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn close() -> Weight {
		// Minimum execution time: 694_722_000 picoseconds.
		Weight::from_parts(738_237_000, 200990)
			.saturating_add(RocksDbWeight::get().reads(115_u64))
			.saturating_add(RocksDbWeight::get().writes(148_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 1_329_235_000 picoseconds.
		Weight::from_parts(1_384_687_496, 168670)
			// Standard Error: 113
			.saturating_add(Weight::from_parts(820, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(147_u64))
			.saturating_add(RocksDbWeight::get().writes(11_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 320_457_000 picoseconds.
		Weight::from_parts(327_777_046, 87316)
			// Standard Error: 9
			.saturating_add(Weight::from_parts(2_342, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(52_u64))
			.saturating_add(RocksDbWeight::get().writes(50_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 253_196_000 picoseconds.
		Weight::from_parts(259_776_000, 72896)
			.saturating_add(RocksDbWeight::get().reads(17_u64))
			.saturating_add(RocksDbWeight::get().writes(15_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 253_106_000 picoseconds.
		Weight::from_parts(260_006_000, 72896)
			.saturating_add(RocksDbWeight::get().reads(17_u64))
			.saturating_add(RocksDbWeight::get().writes(15_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 211_524_000 picoseconds.
		Weight::from_parts(223_923_000, 72896)
			.saturating_add(RocksDbWeight::get().reads(15_u64))
			.saturating_add(RocksDbWeight::get().writes(16_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 60_330_000 picoseconds.
		Weight::from_parts(63_264_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn withdraw_to() -> Weight {
		// Minimum execution time: 60_500_000 picoseconds.
		Weight::from_parts(63_875_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 8_092_000 picoseconds.
		Weight::from_parts(9_033_000, 1489)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn set_incentive_share() -> Weight {
		// Minimum execution time: 8_052_000 picoseconds.
		Weight::from_parts(8_973_000, 1489)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn claim_reward() -> Weight {
		// Minimum execution time: 176_402_000 picoseconds.
		Weight::from_parts(185_025_000, 82238)
			.saturating_add(RocksDbWeight::get().reads(41_u64))
			.saturating_add(RocksDbWeight::get().writes(35_u64))
	}
	fn set_budget() -> Weight {
		// Minimum execution time: 75_502_000 picoseconds.
		Weight::from_parts(78_967_000, 3796)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn prune_customer() -> Weight {
		// Minimum execution time: 69_813_000 picoseconds.
		Weight::from_parts(73_279_000, 8691)
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn set_access() -> Weight {
		// Minimum execution time: 138_146_000 picoseconds.
		Weight::from_parts(169_822_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn pause() -> Weight {
		// Minimum execution time: 107_310_000 picoseconds.
		Weight::from_parts(131_265_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn unpause() -> Weight {
		// Minimum execution time: 108_681_000 picoseconds.
		Weight::from_parts(129_082_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn allow(n: u32, ) -> Weight {
		// Minimum execution time: 90_044_000 picoseconds.
		Weight::from_parts(87_410_933, 6606)
			// Standard Error: 4_389
			.saturating_add(Weight::from_parts(7_994_120, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	/// The range of component `n` is `[1, 64]`.
	fn disallow(n: u32, ) -> Weight {
		// Minimum execution time: 83_544_000 picoseconds.
		Weight::from_parts(81_150_214, 6606)
			// Standard Error: 6_549
			.saturating_add(Weight::from_parts(9_809_299, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2571).saturating_mul(n.into()))
	}
	fn flatten() -> Weight {
		// Minimum execution time: 1_233_994_000 picoseconds.
		Weight::from_parts(1_293_242_000, 629982)
			.saturating_add(RocksDbWeight::get().reads(224_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 123_844_000 picoseconds.
		Weight::from_parts(109_594_327, 72896)
			// Standard Error: 20_992
			.saturating_add(Weight::from_parts(11_699_225, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2620).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 30_505_000 picoseconds.
		Weight::from_parts(32_558_000, 69153)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_plans() -> Weight {
		// Minimum execution time: 120_960_000 picoseconds.
		Weight::from_parts(142_542_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn subscribe() -> Weight {
		// Minimum execution time: 464_270_000 picoseconds.
		Weight::from_parts(513_914_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(47_u64))
			.saturating_add(RocksDbWeight::get().writes(45_u64))
	}
	fn renew() -> Weight {
		// Minimum execution time: 339_475_000 picoseconds.
		Weight::from_parts(377_621_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(46_u64))
			.saturating_add(RocksDbWeight::get().writes(42_u64))
	}
	fn change_plan() -> Weight {
		// Minimum execution time: 325_123_000 picoseconds.
		Weight::from_parts(364_011_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(46_u64))
			.saturating_add(RocksDbWeight::get().writes(42_u64))
	}
	fn cancel_subscription() -> Weight {
		// Minimum execution time: 32_649_000 picoseconds.
		Weight::from_parts(42_223_000, 5276)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn close_subscription() -> Weight {
		// Minimum execution time: 328_248_000 picoseconds.
		Weight::from_parts(359_304_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(45_u64))
			.saturating_add(RocksDbWeight::get().writes(41_u64))
	}
	fn fund_pot() -> Weight {
		// Minimum execution time: 134_590_000 picoseconds.
		Weight::from_parts(159_437_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn withdraw_pot() -> Weight {
		// Minimum execution time: 107_710_000 picoseconds.
		Weight::from_parts(130_725_000, 3658)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn cover() -> Weight {
		// Minimum execution time: 294_768_000 picoseconds.
		Weight::from_parts(327_026_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(47_u64))
			.saturating_add(RocksDbWeight::get().writes(43_u64))
	}
	fn request_fallback() -> Weight {
		// Minimum execution time: 287_778_000 picoseconds.
		Weight::from_parts(317_762_000, 12222)
			.saturating_add(RocksDbWeight::get().reads(25_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn fall_back() -> Weight {
		// Minimum execution time: 119_507_000 picoseconds.
		Weight::from_parts(130_864_000, 12222)
			.saturating_add(RocksDbWeight::get().reads(14_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	fn leave_fallback() -> Weight {
		// Minimum execution time: 70_695_000 picoseconds.
		Weight::from_parts(76_553_000, 8807)
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn give_back() -> Weight {
		// Minimum execution time: 240_477_000 picoseconds.
		Weight::from_parts(247_187_000, 84777)
			.saturating_add(RocksDbWeight::get().reads(43_u64))
			.saturating_add(RocksDbWeight::get().writes(39_u64))
	}
	fn approve() -> Weight {
		// Minimum execution time: 94_260_000 picoseconds.
		Weight::from_parts(106_418_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn set_lock() -> Weight {
		// Minimum execution time: 164_024_000 picoseconds.
		Weight::from_parts(178_045_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
	fn withdraw_approval() -> Weight {
		// Minimum execution time: 44_075_000 picoseconds.
		Weight::from_parts(52_799_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn post_service_bond() -> Weight {
		// Minimum execution time: 133_529_000 picoseconds.
		Weight::from_parts(143_664_000, 6606)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn withdraw_service_bond() -> Weight {
		// Minimum execution time: 109_212_000 picoseconds.
		Weight::from_parts(136_122_000, 3658)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn waive_penalty() -> Weight {
		// Minimum execution time: 28_232_000 picoseconds.
		Weight::from_parts(37_536_000, 5276)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn pay_penalty() -> Weight {
		// Minimum execution time: 78_938_000 picoseconds.
		Weight::from_parts(82_002_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	/// The range of component `n` is `[1, 64]`.
	fn settle_calls(n: u32, ) -> Weight {
		// Not measured yet. Each claim is priced as the offer of a fallback is, and divides what a renewal
		// does; a renewal charges the next period too. Two signatures are verified.
		let verified = Weight::from_parts(200_000_000, 0);
		let claim = Self::renew().saturating_add(Self::request_fallback()).saturating_add(verified);
		Self::withdraw().saturating_add(claim.saturating_mul(n.into()))
	}
}
