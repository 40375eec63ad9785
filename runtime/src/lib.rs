//! The chain's runtime: it wires the pallets and holds no logic of its own.
//!
//! - [`configs`] gives each pallet its parameters.
//! - [`transaction`] says what a transaction is made of, and signs those of the offchain worker.
//! - [`apis`] answers the node and the clients.
//! - [`genesis`] holds the presets `development` and `local_testnet`.

#![cfg_attr(not(feature = "std"), no_std)]
// `runtime`, `impl_runtime_apis`, `impl_opaque_keys` and the wasm builder's `include!` write public
// items that can not be given documentation, and `missing_docs` is reported inside expansions.
#![allow(missing_docs)]
// The runtime's types are as deep as the metadata that describes them.
#![recursion_limit = "256"]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod genesis;
pub mod transaction;

use alloc::vec::Vec;
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	Cow, MultiAddress, MultiSignature,
};
use sp_version::{runtime_version, RuntimeVersion};

pub use aimodel_primitives::Balance;
pub use apis::RuntimeApi;
pub use transaction::{SignedPayload, TxExtension, UncheckedExtrinsic};

/// A signature under a transaction.
pub type Signature = MultiSignature;

/// The public key behind a signature.
pub type Signer = <Signature as Verify>::Signer;

/// An account: the hash of, or, for 32-byte keys, the public key itself.
pub type AccountId = <Signer as IdentifyAccount>::AccountId;

/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;

/// A block's number. All leases and deadlines are counted in blocks.
pub type BlockNumber = u32;

/// How many transactions an account has signed.
pub type Nonce = u32;

/// The hash of blocks, extrinsics and state.
pub type Hash = sp_core::H256;

/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;

/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// Executes blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

/// What the storage of an older chain goes through, once, in the first block of this runtime.
pub type Migrations =
	(pallet_workers::migrations::V1<Runtime>, pallet_aimodel::migrations::V1<Runtime>);

/// One unit of the currency: 12 decimals.
pub const UNIT: Balance = 1_000_000_000_000;

/// A thousandth of a [`UNIT`].
pub const MILLIUNIT: Balance = UNIT / 1_000;

/// The least that an account holds.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLIUNIT;

/// Milliseconds between two blocks. It can not be changed once a chain has started.
pub const SLOT_DURATION: u64 = 6_000;

/// Which runtime this is.
#[runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("aimodel"),
	impl_name: Cow::Borrowed("aimodel-runtime"),
	authoring_version: 1,
	spec_version: 2,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 2,
	system_version: 1,
};

impl_opaque_keys! {
	pub struct SessionKeys {
		pub aura: Aura,
		pub grandpa: Grandpa,
	}
}

/// What the node needs of a block: it handles extrinsics as bytes, and so goes on across runtime
/// upgrades.
pub mod opaque {
	use super::*;

	/// An extrinsic as bytes.
	pub type UncheckedExtrinsic = sp_runtime::OpaqueExtrinsic;

	/// A block of such extrinsics.
	pub type Block = generic::Block<Header, UncheckedExtrinsic>;
}

#[frame_support::runtime]
mod runtime {
	/// The runtime.
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;

	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;

	#[runtime::pallet_index(2)]
	pub type Aura = pallet_aura;

	#[runtime::pallet_index(3)]
	pub type Grandpa = pallet_grandpa;

	#[runtime::pallet_index(4)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(5)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(6)]
	pub type Sudo = pallet_sudo;

	#[runtime::pallet_index(10)]
	pub type ZkVerifier = pallet_zk_verifier;

	#[runtime::pallet_index(11)]
	pub type Workers = pallet_workers;

	#[runtime::pallet_index(12)]
	pub type Aimodel = pallet_aimodel;
}
