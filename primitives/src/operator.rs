//! Operator keys: a worker's node signs with one, apart from the bonded account behind it.

use sp_core::crypto::KeyTypeId;

/// The type of operator keys in a node's keystore.
pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"aimw");

mod app {
	use sp_runtime::app_crypto::{app_crypto, sr25519};
	app_crypto!(sr25519, super::KEY_TYPE);
}

/// An operator's sr25519 public key, as the keystore holds it.
pub type OperatorPublic = app::Public;

/// An operator's signature.
pub type OperatorSignature = app::Signature;
