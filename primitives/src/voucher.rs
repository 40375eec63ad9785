//! Vouchers: what a subscriber signs for the calls that it makes at the gateway of a worker's node.
//!
//! Such calls are not on the chain. With each, the subscriber gives the worker a voucher for all calls of
//! the period so far: "in this period of my plan of this model, this worker may claim up to `calls`
//! calls". Vouchers are cumulative, so only the latest matters, and what a subscriber risks is what it
//! signed beyond what was answered. The worker claims them in batches.
//!
//! A voucher is for one worker, one period and one chain: none can be used twice, nor elsewhere. Periods
//! have names that are never reused ([`SubscriptionInfo::term`]), so with the period the voucher is void.
//! Until it is claimed, it is the worker's risk.
//!
//! The signature is sr25519, by the key that is the account. Accounts that are no such key, as those of
//! several signers, make no calls at gateways. Test vectors lie in `primitives/vectors/voucher.json`.
//!
//! [`SubscriptionInfo::term`]: crate::runtime_api::SubscriptionInfo::term

pub mod host;

use crate::ModelId;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{sr25519, H256};
use sp_runtime::traits::Verify;

/// What every message begins with that is signed as a voucher.
pub const DOMAIN: &[u8] = b"aimodel/voucher/1";

/// The most claims that are settled at once.
pub const MAX_CLAIMS: u32 = 64;

/// The most workers that can have calls of one period settled.
pub const MAX_SETTLERS: u32 = 8;

/// What is signed: that a worker may claim so many calls of a period.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Voucher {
	/// The chain, by the hash of its first block.
	pub genesis: H256,
	/// The model.
	pub model: ModelId,
	/// The bonded account that serves.
	pub worker: [u8; 32],
	/// The period of the subscription.
	pub term: u64,
	/// How many calls of the period, in all.
	pub calls: u64,
}

impl Voucher {
	/// What the subscriber signs: [`DOMAIN`], then SCALE of the fields in their order.
	pub fn message(&self) -> Vec<u8> {
		let mut message = DOMAIN.to_vec();
		self.encode_to(&mut message);
		message
	}

	/// Whether `account` signed this: the message as it is or, as wallets do it, between `<Bytes>` and
	/// `</Bytes>`.
	pub fn is_signed_by(&self, account: [u8; 32], signature: &sr25519::Signature) -> bool {
		let account = sr25519::Public::from_raw(account);
		let message = self.message();
		if signature.verify(&message[..], &account) {
			return true;
		}
		let wrapped = [b"<Bytes>", &message[..], b"</Bytes>"].concat();
		signature.verify(&wrapped[..], &account)
	}
}

/// What a worker claims by a voucher of an account.
#[derive(
	Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Claim<AccountId> {
	/// The subscriber.
	pub account: AccountId,
	/// The model.
	pub model: ModelId,
	/// How many calls the voucher is for.
	pub signed: u64,
	/// The account's signature under the voucher.
	pub signature: sr25519::Signature,
	/// How many calls of the period the worker answered, in all: no more than were signed for.
	pub calls: u64,
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::Pair;

	fn voucher() -> Voucher {
		let (genesis, model) = (H256([1; 32]), ModelId::from([2; 32]));
		Voucher { genesis, model, worker: [3; 32], term: 4, calls: 5 }
	}

	fn key() -> sr25519::Pair {
		sr25519::Pair::from_seed(&[7; 32])
	}

	fn bytes<const N: usize>(value: &serde_json::Value) -> [u8; N] {
		hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
	}

	/// The messages were put together by another program.
	#[test]
	fn vectors_hold() {
		let vectors: serde_json::Value =
			serde_json::from_str(include_str!("../vectors/voucher.json")).unwrap();
		let cases = vectors["vouchers"].as_array().unwrap();
		assert_eq!(cases.len(), 4);
		for case in cases {
			let number = |name: &str| case[name].as_str().unwrap().parse().unwrap();
			let voucher = Voucher {
				genesis: H256(bytes(&case["genesis"])),
				model: ModelId::from(bytes(&case["model"])),
				worker: bytes(&case["worker"]),
				term: number("term"),
				calls: number("calls"),
			};
			assert_eq!(hex::encode(voucher.message()), case["message"].as_str().unwrap());
			let signature = sr25519::Signature::from_raw(bytes(&case["signature"]));
			let signed = voucher.is_signed_by(bytes(&case["account"]), &signature);
			assert_eq!(signed, case["valid"].as_bool().unwrap(), "{case}");
		}
	}

	#[test]
	fn a_voucher_is_signed_as_it_is_or_as_wallets_do() {
		let (voucher, account) = (voucher(), key().public().0);
		let message = voucher.message();
		assert_eq!(message.len(), DOMAIN.len() + 3 * 32 + 2 * 8);
		assert!(voucher.is_signed_by(account, &key().sign(&message)));
		let wrap =
			|before: &[u8], after: &[u8]| key().sign(&[before, &message[..], after].concat());
		assert!(voucher.is_signed_by(account, &wrap(b"<Bytes>", b"</Bytes>")));
		assert!(!voucher.is_signed_by(account, &wrap(b"<Bytes>", b"")));
		assert!(!voucher.is_signed_by(account, &wrap(b"<Bytes><Bytes>", b"</Bytes></Bytes>")));
	}

	#[test]
	fn a_signature_is_under_every_field_and_by_one_account() {
		let signature = key().sign(&voucher().message());
		let signed = |other: Voucher| other.is_signed_by(key().public().0, &signature);
		assert!(signed(voucher()));
		assert!(!signed(Voucher { genesis: H256([9; 32]), ..voucher() }));
		assert!(!signed(Voucher { model: ModelId::from([9; 32]), ..voucher() }));
		assert!(!signed(Voucher { worker: [9; 32], ..voucher() }));
		assert!(!signed(Voucher { term: 9, ..voucher() }));
		assert!(!signed(Voucher { calls: 9, ..voucher() }));
		let other = sr25519::Pair::from_seed(&[8; 32]).public().0;
		assert!(!voucher().is_signed_by(other, &signature));
		// No key at all.
		assert!(!voucher().is_signed_by([0xff; 32], &signature));
	}
}
