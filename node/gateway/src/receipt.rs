//! What a worker signs of an answer.
//!
//! A receipt says which file of which model answered what with what, and when. The signature is sr25519's (context
//! `substrate`) over `b"aimodel/receipt/1"` and the SCALE encoding of [`Receipt`], one after the other. A receipt is
//! a worker's word: it proves who said it, not that it is right. [`tests`] has a vector.

use aimodel_inference::tensor::Tensor;
use aimodel_primitives::ids::ArtifactHash;
use codec::{Decode, Encode};
use sp_core::{crypto::Pair, sr25519, H256};
use sp_crypto_hashing::blake2_256;

/// What every message begins with that is signed as a receipt.
pub const DOMAIN: &[u8] = b"aimodel/receipt/1";

/// What a receipt says. Its SCALE encoding is what travels in the parameter `receipt`, in hexadecimal digits.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Receipt {
	/// The chain of the worker; zero if it works for none.
	pub genesis: H256,
	/// The model's name at the gateway.
	pub model: String,
	/// The version that answered.
	pub version: String,
	/// `blake2_256` of that version's file.
	pub artifact: ArtifactHash,
	/// [`hash`] of the inputs, in the request's order.
	pub input: H256,
	/// [`hash`] of the outputs, in the answer's order.
	pub output: H256,
	/// Units of the inference.
	pub units: u64,
	/// Milliseconds since 1970.
	pub time: u64,
	/// The request's parameter `nonce`, or zero.
	pub nonce: [u8; 32],
}

/// A receipt and the signature under it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
	/// What is signed.
	pub receipt: Receipt,
	/// Who signed: the worker's operator key.
	pub signer: sr25519::Public,
	/// See the module.
	pub signature: sr25519::Signature,
}

/// Signs receipts, and says who is behind the gateway.
pub trait Signer: Send + Sync + 'static {
	/// The key, if there is one now.
	fn public(&self) -> Option<sr25519::Public>;

	/// The key and its signature under a message as it is, or why there is none.
	fn sign(&self, message: &[u8]) -> Result<(sr25519::Public, sr25519::Signature), String>;

	/// The bonded account behind the key now, if it is known.
	fn account(&self) -> Option<[u8; 32]> {
		None
	}
}

impl Signer for sr25519::Pair {
	fn public(&self) -> Option<sr25519::Public> {
		Some(Pair::public(self))
	}

	fn sign(&self, message: &[u8]) -> Result<(sr25519::Public, sr25519::Signature), String> {
		Ok((Pair::public(self), Pair::sign(self, message)))
	}
}

impl Receipt {
	/// What is signed.
	pub fn message(&self) -> Vec<u8> {
		let mut message = Vec::with_capacity(DOMAIN.len() + self.size_hint());
		message.extend_from_slice(DOMAIN);
		self.encode_to(&mut message);
		message
	}
}

impl Signed {
	/// Whether the signer signed exactly this.
	pub fn verify(&self) -> bool {
		verify(&self.receipt, &self.signature, &self.signer)
	}

	/// The values of the parameters `receipt`, `receipt_signer` and `receipt_signature`: hexadecimal digits.
	pub fn words(&self) -> [String; 3] {
		let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
		[hex(&self.receipt.encode()), hex(self.signer.as_ref()), hex(self.signature.as_ref())]
	}
}

/// Whether the signature under the receipt is the signer's.
pub fn verify(receipt: &Receipt, signature: &sr25519::Signature, signer: &sr25519::Public) -> bool {
	sr25519::Pair::verify(signature, receipt.message(), signer)
}

/// `blake2_256` of the SCALE encoding of the tensors: of each its name, the protocol's name of its type, its shape as
/// `Vec<u64>`, and `blake2_256` of its elements (row-major, little-endian), which for a model with one input is the
/// hash that the chain has of a request's input.
pub fn hash(tensors: &[Tensor]) -> H256 {
	let tensors: Vec<_> = tensors
		.iter()
		.map(|Tensor { name, data_type, shape, data }| {
			(name, data_type.name(), shape, blake2_256(data))
		})
		.collect();
	tensors.using_encoded(blake2_256).into()
}

#[cfg(test)]
mod tests {
	use super::*;
	use aimodel_inference::tensor::DataType;
	use bytes::Bytes;

	fn tensor() -> Tensor {
		let data = Bytes::from_static(&[0, 0, 128, 63, 0, 0, 0, 64]);
		Tensor { name: "x".into(), data_type: DataType::Fp32, shape: vec![1, 2], data }
	}

	fn receipt() -> Receipt {
		Receipt {
			genesis: H256::repeat_byte(1),
			model: "digits".into(),
			version: "1.0.0".into(),
			artifact: H256::repeat_byte(2),
			input: hash(&[tensor()]),
			output: H256::repeat_byte(3),
			units: 794,
			time: 1_750_000_000_000,
			nonce: [4; 32],
		}
	}

	// Made with Python's hashlib alone.
	#[test]
	fn the_bytes_are_these() {
		let expected = [
			"61696d6f64656c2f726563656970742f31", // aimodel/receipt/1
			&"01".repeat(32),
			"18646967697473",
			"14312e302e30",
			&"02".repeat(32),
			"2294cdc6ea0f3d3305cf301f05fe47d9d7eb2a007c695172cfadeb7b22eaf7c8",
			&"03".repeat(32),
			"1a03000000000000",
			"00dc207497010000",
			&"04".repeat(32),
		];
		assert_eq!(hex::encode(receipt().message()), expected.concat());
	}

	#[test]
	fn what_is_signed_is_verified() {
		let pair = sr25519::Pair::from_seed(&[5; 32]);
		let receipt = receipt();
		let (signer, signature) = Signer::sign(&pair, &receipt.message()).unwrap();
		assert_eq!(Signer::public(&pair), Some(signer));
		let signed = Signed { receipt, signer, signature };
		assert!(signed.verify());
		let other = sr25519::Pair::from_seed(&[6; 32]);
		assert!(!Signed { signer: Pair::public(&other), ..signed.clone() }.verify());
	}

	#[test]
	fn no_word_of_a_receipt_can_be_changed() {
		let pair = sr25519::Pair::from_seed(&[5; 32]);
		let (signer, signature) = Signer::sign(&pair, &receipt().message()).unwrap();
		let changes: [fn(&mut Receipt); 9] = [
			|it| it.genesis = H256::zero(),
			|it| it.model.push('x'),
			|it| it.version = "1.0.1".into(),
			|it| it.artifact = H256::zero(),
			|it| it.input = H256::zero(),
			|it| it.output = H256::zero(),
			|it| it.units += 1,
			|it| it.time += 1,
			|it| it.nonce[0] ^= 1,
		];
		for change in changes {
			let mut changed = receipt();
			change(&mut changed);
			assert!(!verify(&changed, &signature, &signer), "{changed:?}");
		}
	}

	#[test]
	fn names_types_and_shapes_are_part_of_the_hash() {
		let before = hash(&[tensor()]);
		assert_ne!(before, hash(&[Tensor { name: "y".into(), ..tensor() }]));
		assert_ne!(before, hash(&[Tensor { data_type: DataType::Int32, ..tensor() }]));
		assert_ne!(before, hash(&[Tensor { shape: vec![2, 1], ..tensor() }]));
		assert_ne!(before, hash(&[tensor(), tensor()]));
	}
}
