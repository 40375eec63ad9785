//! Weights of `pallet_aimodel`.
//!
//! Estimates, with one read at 25 µs and one write at 100 µs, until `scripts/bench-weights.sh` has
//! measured them on the machine that is to author blocks.

#![allow(missing_docs)]

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::RocksDbWeight, Weight},
};

/// The weights that the pallet needs.
pub trait WeightInfo {
	fn deploy() -> Weight;
	fn upgrade() -> Weight;
	fn reprice() -> Weight;
	fn resplit() -> Weight;
	fn transfer() -> Weight;
	fn accept_transfer() -> Weight;
	/// Closes a model of `v` versions.
	fn retire(v: u32) -> Weight;
	/// An input of `b` bytes.
	fn request(b: u32) -> Weight;
	/// An output of `b` bytes; without the verification of a proof.
	fn submit_result(b: u32) -> Weight;
	fn cancel() -> Weight;
	fn expire() -> Weight;
	fn advance() -> Weight;
	fn withdraw() -> Weight;
	fn set_platform_share() -> Weight;
	/// Draws the workers of one request of a version with `s` servers, and leases it to the first.
	fn draw(s: u32) -> Weight;
	/// Prunes one settlement.
	fn prune() -> Weight;
}

/// Weights over the runtime's database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn deploy() -> Weight {
		Weight::from_parts(90_000_000, 18000)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn upgrade() -> Weight {
		Weight::from_parts(95_000_000, 21000)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn reprice() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn resplit() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn transfer() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn accept_transfer() -> Weight {
		Weight::from_parts(90_000_000, 18000)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn retire(v: u32) -> Weight {
		Weight::from_parts(120_000_000, 30000)
			.saturating_add(Weight::from_parts(30_000_000, 9000).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().reads(3).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().writes(12))
			.saturating_add(T::DbWeight::get().writes(2).saturating_mul(v.into()))
	}
	fn request(b: u32) -> Weight {
		Weight::from_parts(150_000_000, 42000)
			.saturating_add(Weight::from_parts(2_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn submit_result(b: u32) -> Weight {
		Weight::from_parts(180_000_000, 42000)
			.saturating_add(Weight::from_parts(2_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(18))
	}
	fn cancel() -> Weight {
		Weight::from_parts(120_000_000, 30000)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn expire() -> Weight {
		Weight::from_parts(150_000_000, 36000)
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn advance() -> Weight {
		Weight::from_parts(150_000_000, 36000)
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn set_platform_share() -> Weight {
		Weight::from_parts(10_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(0))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn draw(s: u32) -> Weight {
		Weight::from_parts(60_000_000, 24000)
			.saturating_add(Weight::from_parts(6_000_000, 9000).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().reads(3).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn prune() -> Weight {
		Weight::from_parts(25_000_000, 6000)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(3))
	}
}

impl WeightInfo for () {
	fn deploy() -> Weight {
		Weight::from_parts(90_000_000, 18000)
			.saturating_add(RocksDbWeight::get().reads(6))
			.saturating_add(RocksDbWeight::get().writes(6))
	}
	fn upgrade() -> Weight {
		Weight::from_parts(95_000_000, 21000)
			.saturating_add(RocksDbWeight::get().reads(7))
			.saturating_add(RocksDbWeight::get().writes(7))
	}
	fn reprice() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(RocksDbWeight::get().reads(3))
			.saturating_add(RocksDbWeight::get().writes(4))
	}
	fn resplit() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(RocksDbWeight::get().reads(3))
			.saturating_add(RocksDbWeight::get().writes(4))
	}
	fn transfer() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(RocksDbWeight::get().reads(3))
			.saturating_add(RocksDbWeight::get().writes(4))
	}
	fn accept_transfer() -> Weight {
		Weight::from_parts(90_000_000, 18000)
			.saturating_add(RocksDbWeight::get().reads(6))
			.saturating_add(RocksDbWeight::get().writes(6))
	}
	fn retire(v: u32) -> Weight {
		Weight::from_parts(120_000_000, 30000)
			.saturating_add(Weight::from_parts(30_000_000, 9000).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(10))
			.saturating_add(RocksDbWeight::get().reads(3).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().writes(12))
			.saturating_add(RocksDbWeight::get().writes(2).saturating_mul(v.into()))
	}
	fn request(b: u32) -> Weight {
		Weight::from_parts(150_000_000, 42000)
			.saturating_add(Weight::from_parts(2_000, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(14))
			.saturating_add(RocksDbWeight::get().writes(9))
	}
	fn submit_result(b: u32) -> Weight {
		Weight::from_parts(180_000_000, 42000)
			.saturating_add(Weight::from_parts(2_000, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(14))
			.saturating_add(RocksDbWeight::get().writes(18))
	}
	fn cancel() -> Weight {
		Weight::from_parts(120_000_000, 30000)
			.saturating_add(RocksDbWeight::get().reads(10))
			.saturating_add(RocksDbWeight::get().writes(12))
	}
	fn expire() -> Weight {
		Weight::from_parts(150_000_000, 36000)
			.saturating_add(RocksDbWeight::get().reads(12))
			.saturating_add(RocksDbWeight::get().writes(14))
	}
	fn advance() -> Weight {
		Weight::from_parts(150_000_000, 36000)
			.saturating_add(RocksDbWeight::get().reads(12))
			.saturating_add(RocksDbWeight::get().writes(12))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(60_000_000, 9000)
			.saturating_add(RocksDbWeight::get().reads(3))
			.saturating_add(RocksDbWeight::get().writes(3))
	}
	fn set_platform_share() -> Weight {
		Weight::from_parts(10_000_000, 0)
			.saturating_add(RocksDbWeight::get().reads(0))
			.saturating_add(RocksDbWeight::get().writes(1))
	}
	fn draw(s: u32) -> Weight {
		Weight::from_parts(60_000_000, 24000)
			.saturating_add(Weight::from_parts(6_000_000, 9000).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(8))
			.saturating_add(RocksDbWeight::get().reads(3).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().writes(8))
	}
	fn prune() -> Weight {
		Weight::from_parts(25_000_000, 6000)
			.saturating_add(RocksDbWeight::get().reads(2))
			.saturating_add(RocksDbWeight::get().writes(3))
	}
}
