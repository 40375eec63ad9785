//! Weights of `pallet_workers`.
//!
//! Estimated by hand, on the safe side, until `scripts/bench.sh` measured them: this file has the
//! shape of those that `benchmark pallet` writes.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use frame_support::{traits::Get, weights::{Weight, constants::RocksDbWeight}};
use core::marker::PhantomData;

/// Weight functions needed for `pallet_workers`.
///
/// `rank` (of `n` servers; also what `capacity` costs at most), `lease`, `release` and `slash`
/// are charged by whoever calls [`WorkerPool`](aimodel_primitives::traits::WorkerPool).
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

/// Weights for `pallet_workers`, estimated.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Workers::Workers`, `Workers::Operators`, `Balances::Holds`, `System::Account`
	fn register() -> Weight {
		Weight::from_parts(70_000_000, 3700)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Workers`, `Balances::Holds`, `System::Account`
	fn bond_more() -> Weight {
		Weight::from_parts(60_000_000, 3700)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Workers::Workers`, `Workers::Operators` (r:1 w:2)
	fn set_operator() -> Weight {
		Weight::from_parts(30_000_000, 3700)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Workers::Workers` (r:s+2 w:2), `Workers::Services` (r:s+1 w:2), `Workers::Servers`
	/// The range of component `s` is `[1, MaxServers]`.
	fn serve(s: u32, ) -> Weight {
		Weight::from_parts(50_000_000, 9000)
			.saturating_add(Weight::from_parts(5_000_000, 5300).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Workers::Workers`, `Workers::Services`, `Workers::Servers`
	/// The range of component `s` is `[1, MaxServers]`.
	fn unserve(s: u32, ) -> Weight {
		Weight::from_parts(35_000_000, 9000)
			.saturating_add(Weight::from_parts(100_000, 32).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Workers::Leases`, `Workers::Operators`
	fn accept() -> Weight {
		Weight::from_parts(30_000_000, 3700)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers`, `Workers::Services` (r:v+1 w:v), `Workers::Servers` (r:v w:v)
	/// The range of component `v` is `[1, MaxServices]`.
	fn retire(v: u32, ) -> Weight {
		Weight::from_parts(35_000_000, 6400)
			.saturating_add(Weight::from_parts(25_000_000, 9000).saturating_mul(v.into()))
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(v.into())))
			.saturating_add(T::DbWeight::get().writes(1_u64))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(v.into())))
	}
	/// Storage: `Workers::Workers`, `Workers::Operators`, `Balances::Holds`, `System::Account`
	fn withdraw_bond() -> Weight {
		Weight::from_parts(65_000_000, 3700)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Servers`, `Workers::Workers` (r:n), `Workers::Services` (r:n)
	/// The range of component `n` is `[1, MaxServers]`.
	fn rank(n: u32, ) -> Weight {
		Weight::from_parts(40_000_000, 9000)
			.saturating_add(Weight::from_parts(12_000_000, 5300).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(n.into())))
	}
	/// Storage: `Workers::Leases`, `Workers::Workers`, `Workers::Services`, `Workers::LeasesOf`
	fn lease() -> Weight {
		Weight::from_parts(45_000_000, 3700)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Leases`, `Workers::Workers`, `Workers::Services`, `Workers::LeasesOf`
	fn release() -> Weight {
		Weight::from_parts(45_000_000, 3700)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Leases`, `Workers::Workers`, `Workers::Services`, `Workers::LeasesOf`, `Balances::Holds`, `System::Account` (r:2 w:2)
	fn slash() -> Weight {
		Weight::from_parts(150_000_000, 6200)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(7_u64))
	}
}

// For backwards compatibility and tests.
impl WeightInfo for () {
	/// Storage: `Workers::Workers`, `Workers::Operators`, `Balances::Holds`, `System::Account`
	fn register() -> Weight {
		Weight::from_parts(70_000_000, 3700)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Workers`, `Balances::Holds`, `System::Account`
	fn bond_more() -> Weight {
		Weight::from_parts(60_000_000, 3700)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `Workers::Workers`, `Workers::Operators` (r:1 w:2)
	fn set_operator() -> Weight {
		Weight::from_parts(30_000_000, 3700)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `Workers::Workers` (r:s+2 w:2), `Workers::Services` (r:s+1 w:2), `Workers::Servers`
	/// The range of component `s` is `[1, MaxServers]`.
	fn serve(s: u32, ) -> Weight {
		Weight::from_parts(50_000_000, 9000)
			.saturating_add(Weight::from_parts(5_000_000, 5300).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(s.into())))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	/// Storage: `Workers::Workers`, `Workers::Services`, `Workers::Servers`
	/// The range of component `s` is `[1, MaxServers]`.
	fn unserve(s: u32, ) -> Weight {
		Weight::from_parts(35_000_000, 9000)
			.saturating_add(Weight::from_parts(100_000, 32).saturating_mul(s.into()))
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `Workers::Leases`, `Workers::Operators`
	fn accept() -> Weight {
		Weight::from_parts(30_000_000, 3700)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers`, `Workers::Services` (r:v+1 w:v), `Workers::Servers` (r:v w:v)
	/// The range of component `v` is `[1, MaxServices]`.
	fn retire(v: u32, ) -> Weight {
		Weight::from_parts(35_000_000, 6400)
			.saturating_add(Weight::from_parts(25_000_000, 9000).saturating_mul(v.into()))
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(v.into())))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
			.saturating_add(RocksDbWeight::get().writes((2_u64).saturating_mul(v.into())))
	}
	/// Storage: `Workers::Workers`, `Workers::Operators`, `Balances::Holds`, `System::Account`
	fn withdraw_bond() -> Weight {
		Weight::from_parts(65_000_000, 3700)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Servers`, `Workers::Workers` (r:n), `Workers::Services` (r:n)
	/// The range of component `n` is `[1, MaxServers]`.
	fn rank(n: u32, ) -> Weight {
		Weight::from_parts(40_000_000, 9000)
			.saturating_add(Weight::from_parts(12_000_000, 5300).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(n.into())))
	}
	/// Storage: `Workers::Leases`, `Workers::Workers`, `Workers::Services`, `Workers::LeasesOf`
	fn lease() -> Weight {
		Weight::from_parts(45_000_000, 3700)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Leases`, `Workers::Workers`, `Workers::Services`, `Workers::LeasesOf`
	fn release() -> Weight {
		Weight::from_parts(45_000_000, 3700)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Workers::Leases`, `Workers::Workers`, `Workers::Services`, `Workers::LeasesOf`, `Balances::Holds`, `System::Account` (r:2 w:2)
	fn slash() -> Weight {
		Weight::from_parts(150_000_000, 6200)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(7_u64))
	}
}
