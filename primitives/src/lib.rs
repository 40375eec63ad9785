//! The vocabulary that chain, node and clients share.
//!
//! Everything that two crates must agree on bit for bit is defined here once: how things are named
//! ([`ids`]), what a tensor looks like ([`tensor`]), who may make requests ([`access`]), what a request costs
//! ([`pricing`]) and what is counted of it ([`billing`]), how a fee is divided ([`split`]), what is counted of that
//! ([`income`]) and how models are rewarded ([`incentives`]), who takes a request over ([`fallbacks`]), how a model describes itself
//! ([`models`]), who changes it together ([`owners`]), what a proof proves ([`statement`]), and what it hides ([`privacy`]), and what subscribers sign
//! for calls beside the chain ([`voucher`]). Pallets meet only through the traits of
//! [`traits`]; clients read the chain through [`runtime_api`]; the offchain worker reaches the native
//! inference service through [`inference`].
//!
//! This crate depends on nothing of ours.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::unwrap_used))]

extern crate alloc;

pub mod access;
pub mod billing;
pub mod fallbacks;
pub mod ids;
pub mod incentives;
pub mod income;
pub mod inference;
pub mod models;
pub mod operator;
pub mod owners;
pub mod pricing;
pub mod privacy;
pub mod runtime_api;
pub mod split;
pub mod statement;
pub mod tensor;
pub mod traits;
pub mod voucher;

pub use access::Access;
pub use ids::{ArtifactHash, BlobHash, KeyId, ModelId, OutPoint, RequestId, VersionId};
pub use pricing::{Tariff, UnitsFormula};
pub use privacy::{Privacy, Visibility};
pub use split::{Payee, RevenueSplit};
pub use tensor::{Dimension, ElementType, Interface, TensorType};

/// An amount of the chain's currency, in its smallest unit.
pub type Balance = u128;
