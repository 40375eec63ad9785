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
	fn rollback() -> Weight;
	fn close() -> Weight;
	fn describe() -> Weight;
	fn publish() -> Weight;
	fn stage() -> Weight;
	fn promote() -> Weight;
	fn abort() -> Weight;
	fn deprecate() -> Weight;
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
	fn give_back() -> Weight;
	fn request_fallback() -> Weight;
	fn fall_back() -> Weight;
	fn leave_fallback() -> Weight;
	fn approve() -> Weight;
	fn set_lock() -> Weight;
	fn withdraw_approval() -> Weight;
	fn post_service_bond() -> Weight;
	fn withdraw_service_bond() -> Weight;
	fn waive_penalty() -> Weight;
	fn pay_penalty() -> Weight;
}

/// Weights over the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn deploy() -> Weight {
		// Minimum execution time: 124_556_000 picoseconds.
		Weight::from_parts(151_135_000, 4309)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
			// The owner's index, the record and the prices, until they are measured.
			.saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 181_470_000 picoseconds.
		Weight::from_parts(201_299_000, 88222)
			.saturating_add(T::DbWeight::get().reads(37_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	fn reprice() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn resplit() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn transfer() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 144_985_000 picoseconds.
		Weight::from_parts(158_275_000, 7931)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(10_u64))
			// The index of owners, and the record of the history, until they are measured.
			.saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 148_090_000 picoseconds.
		Weight::from_parts(150_110_129, 7931)
			// Standard Error: 45_964
			.saturating_add(Weight::from_parts(8_360_503, 0).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(T::DbWeight::get().writes(8_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2726).saturating_mul(v.into()))
			// Records of the history, the owner, tags and deprecations, until they are measured.
			.saturating_add(T::DbWeight::get().writes(105_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 114_671_000 picoseconds.
		Weight::from_parts(121_618_256, 7119)
			// Standard Error: 7
			.saturating_add(Weight::from_parts(838, 0).saturating_mul(b.into()))
			// A candidate, and the workers of both versions, until they are measured.
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(Self::draw(64).saturating_mul(2))
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
			// The allow-list, a trial that is over, and the one that begins.
			.saturating_add(T::DbWeight::get().reads_writes(2, 1))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 201_089_000 picoseconds.
		Weight::from_parts(205_103_680, 70087)
			// Standard Error: 6
			.saturating_add(Weight::from_parts(2_271, 0).saturating_mul(b.into()))
			// Measured with 16 payees; there can be 32.
			.saturating_add(T::DbWeight::get().reads(50_u64))
			.saturating_add(T::DbWeight::get().writes(50_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 186_137_000 picoseconds.
		Weight::from_parts(192_255_000, 70087)
			// Measured before a lapse counted against what is merited: two more.
			.saturating_add(T::DbWeight::get().reads(13_u64))
			.saturating_add(T::DbWeight::get().writes(13_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 184_894_000 picoseconds.
		Weight::from_parts(191_375_000, 70087)
			// Measured before a lapse counted against what is merited: two more.
			.saturating_add(T::DbWeight::get().reads(13_u64))
			.saturating_add(T::DbWeight::get().writes(13_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 166_858_000 picoseconds.
		Weight::from_parts(172_827_000, 70087)
			// Measured before a lapse counted against what is merited: two more.
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(15_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 58_907_000 picoseconds.
		Weight::from_parts(61_832_000, 6196)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn withdraw_to() -> Weight {
		// Does what `withdraw` does.
		Self::withdraw()
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 5_287_000 picoseconds.
		Weight::from_parts(6_059_000, 0)
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	fn rollback() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn close() -> Weight {
		// Like `retire`, which does more.
		Self::retire(32)
	}
	fn describe() -> Weight {
		// Like `retire`, which does more.
		Self::retire(32)
	}
	fn publish() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn stage() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn promote() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn abort() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn deprecate() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn set_incentive_share() -> Weight {
		// Does what `set_platform_share` does.
		Self::set_platform_share()
	}
	fn claim_reward() -> Weight {
		// Like `submit_result`, which credits as many payees and does more.
		Self::submit_result(1)
	}
	fn set_budget() -> Weight {
		// Like `deploy`, which does more.
		Self::deploy()
	}
	fn prune_customer() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn set_access() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn pause() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	fn unpause() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	/// The range of component `n` is `[1, 64]`.
	fn allow(n: u32, ) -> Weight {
		// Like `upgrade`, and for each account `withdraw`, which do more.
		Self::upgrade().saturating_add(Self::withdraw().saturating_mul(n.into()))
	}
	/// The range of component `n` is `[1, 64]`.
	fn disallow(n: u32, ) -> Weight {
		// Like `allow`.
		Self::allow(n)
	}
	fn flatten() -> Weight {
		// Two reads for each of 112 models, and 20 microseconds to decode one.
		Weight::from_parts(2_240_000_000, 0).saturating_add(T::DbWeight::get().reads(224_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 118_116_000 picoseconds.
		Weight::from_parts(107_606_222, 70087)
			// Standard Error: 22_573
			.saturating_add(Weight::from_parts(11_252_995, 0).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 31_397_000 picoseconds.
		Weight::from_parts(33_690_000, 69153)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	fn set_plans() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	fn subscribe() -> Weight {
		// Settles an ended subscription, and takes two deposits.
		Self::submit_result(1).saturating_add(Self::deploy().saturating_mul(2))
	}
	fn renew() -> Weight {
		// Pays as many as `submit_result`, and counts less than `deploy` writes.
		Self::submit_result(1).saturating_add(Self::deploy())
	}
	fn change_plan() -> Weight {
		Self::renew()
	}
	fn cancel_subscription() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	fn close_subscription() -> Weight {
		// Pays as many as `submit_result`, and returns a deposit.
		Self::submit_result(1).saturating_add(Self::accept_transfer())
	}
	fn fund_pot() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn withdraw_pot() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn cover() -> Weight {
		// Renews, and reserves in the pot.
		Self::renew().saturating_add(Self::accept_transfer())
	}
	fn give_back() -> Weight {
		// Pays as many as `submit_result`.
		Self::submit_result(1)
	}
	fn request_fallback() -> Weight {
		// Like `request`, which does more.
		Self::request(1)
	}
	fn fall_back() -> Weight {
		// Like `expire`, which does more but to look at three breakers, and `prune_customer`.
		Self::expire().saturating_add(Self::prune_customer())
	}
	fn leave_fallback() -> Weight {
		// Like `accept_transfer`, which reads as much and writes more.
		Self::accept_transfer()
	}
	fn approve() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn set_lock() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn withdraw_approval() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn post_service_bond() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn withdraw_service_bond() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn waive_penalty() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn pay_penalty() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
}

// For tests.
impl WeightInfo for () {
	fn deploy() -> Weight {
		// Minimum execution time: 124_556_000 picoseconds.
		Weight::from_parts(151_135_000, 4309)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
			// The owner's index, the record and the prices, until they are measured.
			.saturating_add(RocksDbWeight::get().reads_writes(3, 3))
	}
	fn upgrade() -> Weight {
		// Minimum execution time: 181_470_000 picoseconds.
		Weight::from_parts(201_299_000, 88222)
			.saturating_add(RocksDbWeight::get().reads(37_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn reprice() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn resplit() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn transfer() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn accept_transfer() -> Weight {
		// Minimum execution time: 144_985_000 picoseconds.
		Weight::from_parts(158_275_000, 7931)
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().writes(10_u64))
			// The index of owners, and the record of the history, until they are measured.
			.saturating_add(RocksDbWeight::get().reads_writes(3, 3))
	}
	/// The range of component `v` is `[1, 32]`.
	fn retire(v: u32, ) -> Weight {
		// Minimum execution time: 148_090_000 picoseconds.
		Weight::from_parts(150_110_129, 7931)
			// Standard Error: 45_964
			.saturating_add(Weight::from_parts(8_360_503, 0).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(v.into())))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(v.into())))
			.saturating_add(Weight::from_parts(0, 2726).saturating_mul(v.into()))
			// Records of the history, the owner, tags and deprecations, until they are measured.
			.saturating_add(RocksDbWeight::get().writes(105_u64))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn request(b: u32, ) -> Weight {
		// Minimum execution time: 114_671_000 picoseconds.
		Weight::from_parts(121_618_256, 7119)
			// Standard Error: 7
			.saturating_add(Weight::from_parts(838, 0).saturating_mul(b.into()))
			// A candidate, and the workers of both versions, until they are measured.
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(Self::draw(64).saturating_mul(2))
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
			// The allow-list, a trial that is over, and the one that begins.
			.saturating_add(RocksDbWeight::get().reads_writes(2, 1))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn submit_result(b: u32, ) -> Weight {
		// Minimum execution time: 201_089_000 picoseconds.
		Weight::from_parts(205_103_680, 70087)
			// Standard Error: 6
			.saturating_add(Weight::from_parts(2_271, 0).saturating_mul(b.into()))
			// Measured with 16 payees; there can be 32.
			.saturating_add(RocksDbWeight::get().reads(50_u64))
			.saturating_add(RocksDbWeight::get().writes(50_u64))
	}
	fn cancel() -> Weight {
		// Minimum execution time: 186_137_000 picoseconds.
		Weight::from_parts(192_255_000, 70087)
			// Measured before a lapse counted against what is merited: two more.
			.saturating_add(RocksDbWeight::get().reads(13_u64))
			.saturating_add(RocksDbWeight::get().writes(13_u64))
	}
	fn expire() -> Weight {
		// Minimum execution time: 184_894_000 picoseconds.
		Weight::from_parts(191_375_000, 70087)
			// Measured before a lapse counted against what is merited: two more.
			.saturating_add(RocksDbWeight::get().reads(13_u64))
			.saturating_add(RocksDbWeight::get().writes(13_u64))
	}
	fn advance() -> Weight {
		// Minimum execution time: 166_858_000 picoseconds.
		Weight::from_parts(172_827_000, 70087)
			// Measured before a lapse counted against what is merited: two more.
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().writes(15_u64))
	}
	fn withdraw() -> Weight {
		// Minimum execution time: 58_907_000 picoseconds.
		Weight::from_parts(61_832_000, 6196)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn withdraw_to() -> Weight {
		// Does what `withdraw` does.
		Self::withdraw()
	}
	fn set_platform_share() -> Weight {
		// Minimum execution time: 5_287_000 picoseconds.
		Weight::from_parts(6_059_000, 0)
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn rollback() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn close() -> Weight {
		// Like `retire`, which does more.
		Self::retire(32)
	}
	fn describe() -> Weight {
		// Like `retire`, which does more.
		Self::retire(32)
	}
	fn publish() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn stage() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn promote() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn abort() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn deprecate() -> Weight {
		// Like `upgrade`, which does more.
		Self::upgrade()
	}
	fn set_incentive_share() -> Weight {
		// Does what `set_platform_share` does.
		Self::set_platform_share()
	}
	fn claim_reward() -> Weight {
		// Like `submit_result`, which credits as many payees and does more.
		Self::submit_result(1)
	}
	fn set_budget() -> Weight {
		// Like `deploy`, which does more.
		Self::deploy()
	}
	fn prune_customer() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn set_access() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn pause() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	fn unpause() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	/// The range of component `n` is `[1, 64]`.
	fn allow(n: u32, ) -> Weight {
		// Like `upgrade`, and for each account `withdraw`, which do more.
		Self::upgrade().saturating_add(Self::withdraw().saturating_mul(n.into()))
	}
	/// The range of component `n` is `[1, 64]`.
	fn disallow(n: u32, ) -> Weight {
		// Like `allow`.
		Self::allow(n)
	}
	fn flatten() -> Weight {
		// Two reads for each of 112 models, and 20 microseconds to decode one.
		Weight::from_parts(2_240_000_000, 0).saturating_add(RocksDbWeight::get().reads(224_u64))
	}
	/// The range of component `s` is `[1, 64]`.
	fn draw(s: u32, ) -> Weight {
		// Minimum execution time: 118_116_000 picoseconds.
		Weight::from_parts(107_606_222, 70087)
			// Standard Error: 22_573
			.saturating_add(Weight::from_parts(11_252_995, 0).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
			.saturating_add(Weight::from_parts(0, 2600).saturating_mul(s.into()))
	}
	fn prune() -> Weight {
		// Minimum execution time: 31_397_000 picoseconds.
		Weight::from_parts(33_690_000, 69153)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn set_plans() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	fn subscribe() -> Weight {
		// Settles an ended subscription, and takes two deposits.
		Self::submit_result(1).saturating_add(Self::deploy().saturating_mul(2))
	}
	fn renew() -> Weight {
		// Pays as many as `submit_result`, and counts less than `deploy` writes.
		Self::submit_result(1).saturating_add(Self::deploy())
	}
	fn change_plan() -> Weight {
		Self::renew()
	}
	fn cancel_subscription() -> Weight {
		// Like `reprice`, which does more.
		Self::reprice()
	}
	fn close_subscription() -> Weight {
		// Pays as many as `submit_result`, and returns a deposit.
		Self::submit_result(1).saturating_add(Self::accept_transfer())
	}
	fn fund_pot() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn withdraw_pot() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn cover() -> Weight {
		// Renews, and reserves in the pot.
		Self::renew().saturating_add(Self::accept_transfer())
	}
	fn give_back() -> Weight {
		// Pays as many as `submit_result`.
		Self::submit_result(1)
	}
	fn request_fallback() -> Weight {
		// Like `request`, which does more.
		Self::request(1)
	}
	fn fall_back() -> Weight {
		// Like `expire`, which does more but to look at three breakers, and `prune_customer`.
		Self::expire().saturating_add(Self::prune_customer())
	}
	fn leave_fallback() -> Weight {
		// Like `accept_transfer`, which reads as much and writes more.
		Self::accept_transfer()
	}
	fn approve() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn set_lock() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn withdraw_approval() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn post_service_bond() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn withdraw_service_bond() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn waive_penalty() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
	fn pay_penalty() -> Weight {
		// Like `accept_transfer`, which does more.
		Self::accept_transfer()
	}
}
