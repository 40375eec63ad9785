//! Weights of `pallet_zk_verifier`.
//!
//! HAND-WRITTEN ESTIMATES in the form of the benchmark's output, to be replaced by it. Times lie well
//! above the native ones on a loaded machine; sizes are for 64 public inputs.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]
#![allow(dead_code)]

use frame_support::{traits::Get, weights::{Weight, constants::RocksDbWeight}};
use core::marker::PhantomData;

/// Weight functions needed for `pallet_zk_verifier`.
pub trait WeightInfo {
	fn register_key(n: u32, ) -> Weight;
	fn remove_key() -> Weight;
	fn attest_key() -> Weight;
	fn verify_proof(n: u32, ) -> Weight;
}

/// Weights for `pallet_zk_verifier` using the Substrate node and recommended hardware.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `ZkVerifier::Keys` (r:1 w:1)
	/// Proof: `ZkVerifier::Keys` (`max_values`: None, `max_size`: Some(187), added: 2662, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(300), added: 2775, mode: `MaxEncodedLen`)
	/// Storage: `ZkVerifier::Points` (r:0 w:1)
	/// Proof: `ZkVerifier::Points` (`max_values`: None, `max_size`: Some(7618), added: 10093, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn register_key(n: u32, ) -> Weight {
		Weight::from_parts(5_000_000_000, 3765)
			.saturating_add(Weight::from_parts(400_000_000, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `ZkVerifier::Keys` (r:1 w:1)
	/// Proof: `ZkVerifier::Keys` (`max_values`: None, `max_size`: Some(187), added: 2662, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(300), added: 2775, mode: `MaxEncodedLen`)
	/// Storage: `ZkVerifier::Points` (r:0 w:1)
	/// Proof: `ZkVerifier::Points` (`max_values`: None, `max_size`: Some(7618), added: 10093, mode: `MaxEncodedLen`)
	fn remove_key() -> Weight {
		Weight::from_parts(80_000_000, 3765)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `ZkVerifier::Keys` (r:1 w:1)
	/// Proof: `ZkVerifier::Keys` (`max_values`: None, `max_size`: Some(187), added: 2662, mode: `MaxEncodedLen`)
	fn attest_key() -> Weight {
		Weight::from_parts(40_000_000, 3652)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `ZkVerifier::Points` (r:1 w:0)
	/// Proof: `ZkVerifier::Points` (`max_values`: None, `max_size`: Some(7618), added: 10093, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn verify_proof(n: u32, ) -> Weight {
		Weight::from_parts(4_000_000_000, 11083)
			.saturating_add(Weight::from_parts(250_000_000, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
	}
}

// For backwards compatibility and tests.
impl WeightInfo for () {
	/// Storage: `ZkVerifier::Keys` (r:1 w:1)
	/// Proof: `ZkVerifier::Keys` (`max_values`: None, `max_size`: Some(187), added: 2662, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(300), added: 2775, mode: `MaxEncodedLen`)
	/// Storage: `ZkVerifier::Points` (r:0 w:1)
	/// Proof: `ZkVerifier::Points` (`max_values`: None, `max_size`: Some(7618), added: 10093, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn register_key(n: u32, ) -> Weight {
		Weight::from_parts(5_000_000_000, 3765)
			.saturating_add(Weight::from_parts(400_000_000, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `ZkVerifier::Keys` (r:1 w:1)
	/// Proof: `ZkVerifier::Keys` (`max_values`: None, `max_size`: Some(187), added: 2662, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(300), added: 2775, mode: `MaxEncodedLen`)
	/// Storage: `ZkVerifier::Points` (r:0 w:1)
	/// Proof: `ZkVerifier::Points` (`max_values`: None, `max_size`: Some(7618), added: 10093, mode: `MaxEncodedLen`)
	fn remove_key() -> Weight {
		Weight::from_parts(80_000_000, 3765)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `ZkVerifier::Keys` (r:1 w:1)
	/// Proof: `ZkVerifier::Keys` (`max_values`: None, `max_size`: Some(187), added: 2662, mode: `MaxEncodedLen`)
	fn attest_key() -> Weight {
		Weight::from_parts(40_000_000, 3652)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `ZkVerifier::Points` (r:1 w:0)
	/// Proof: `ZkVerifier::Points` (`max_values`: None, `max_size`: Some(7618), added: 10093, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn verify_proof(n: u32, ) -> Weight {
		Weight::from_parts(4_000_000_000, 11083)
			.saturating_add(Weight::from_parts(250_000_000, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
	}
}
