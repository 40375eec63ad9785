//! What a proof proves: the public inputs of version 1.
//!
//! In this order: [`binding`], then the input's scalars, then the output's scalars, each packed by
//! [`pack`]. The chain alone builds them, from the frozen request and the submitted output bytes.
//!
//! A scalar is 32 bytes, little-endian, and always canonical for BLS12-381: packing fills 248 bits
//! at most. Test vectors lie in `primitives/vectors/statement.json`.

use crate::{
	ids::RequestId,
	tensor::{ElementType, TensorType},
};
use alloc::vec::Vec;
use sp_crypto_hashing::blake2_256;

/// The version of the statement that this module builds.
pub const STATEMENT_VERSION: u16 = 1;

/// A public input: a field element of BLS12-381's scalar field, little-endian.
pub type Scalar = [u8; 32];

/// Bytes of a proof as calls carry it: A, B and C uncompressed.
pub const PROOF_BYTES: u32 = 384;

/// Bits of a scalar that packing may fill.
const CAPACITY: u32 = 248;

/// Ties a proof to one request, one worker and one chain: the first 31 bytes, little-endian, of
/// `blake2_256(b"aimodel/binding/1" ++ genesis ++ request (u64 LE) ++ worker)`.
///
/// `worker` is the bonded account, not the operator key that signs for it.
pub fn binding(genesis: &[u8; 32], request: RequestId, worker: &[u8; 32]) -> Scalar {
	let mut message = Vec::with_capacity(89);
	message.extend_from_slice(b"aimodel/binding/1");
	message.extend_from_slice(genesis);
	message.extend_from_slice(&request.to_le_bytes());
	message.extend_from_slice(worker);
	let mut scalar = blake2_256(&message);
	scalar[31] = 0;
	scalar
}

/// How many scalars [`pack`] makes of so many elements.
pub fn packed_len(element: ElementType, elements: u64) -> u64 {
	elements.div_ceil(u64::from(per_scalar(element)))
}

/// Packs row-major, little-endian elements: ⌊248 / width⌋ a scalar, none straddling, the tail
/// padded with zeros. A signed element x of width w enters as x + 2^(w−1).
///
/// `None` for floats, and for bytes that are no whole number of elements.
pub fn pack(element: ElementType, bytes: &[u8]) -> Option<Vec<Scalar>> {
	let width = element.bytes() as usize;
	if !element.is_integer() || bytes.len().checked_rem(width) != Some(0) {
		return None;
	}
	let per_scalar = (per_scalar(element) as usize).checked_mul(width)?;
	let scalars = bytes.chunks(per_scalar).map(|chunk| {
		let mut scalar = [0; 32];
		scalar[..chunk.len()].copy_from_slice(chunk);
		if element.is_signed_integer() {
			// Adding 2^(w−1) modulo 2^w flips the sign bit, the highest of an element's last byte.
			scalar[..chunk.len()].chunks_mut(width).for_each(|e| {
				if let Some(last) = e.last_mut() {
					*last ^= 0x80;
				}
			});
		}
		scalar
	});
	Some(scalars.collect())
}

/// How many public inputs the statement over tensors of these types has, the binding included.
/// `None` unless both types are fixed integers.
pub fn public_inputs(input: &TensorType, output: &TensorType) -> Option<u32> {
	let len = |tensor: &TensorType| {
		let countable = tensor.is_fixed() && tensor.element.is_integer();
		countable.then(|| packed_len(tensor.element, tensor.elements(1).max))
	};
	len(input)?.checked_add(len(output)?)?.checked_add(1)?.try_into().ok()
}

/// ⌊248 / width⌋.
fn per_scalar(element: ElementType) -> u32 {
	CAPACITY.checked_div(element.bits()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	/// The vectors are checked here, in the circuit compiler, in the runtime and in JS.
	#[test]
	fn vectors_hold() {
		let vectors: serde_json::Value =
			serde_json::from_str(include_str!("../vectors/statement.json")).unwrap();
		let bytes = |v: &serde_json::Value| hex::decode(v.as_str().unwrap()).unwrap();
		for case in vectors["packing"].as_array().unwrap() {
			let element = match case["dtype"].as_str().unwrap() {
				"u8" => ElementType::U8,
				"i8" => ElementType::I8,
				"i32" => ElementType::I32,
				"i64" => ElementType::I64,
				other => panic!("unknown dtype {other}"),
			};
			let scalars: Vec<Vec<u8>> =
				case["scalars"].as_array().unwrap().iter().map(bytes).collect();
			let packed = pack(element, &bytes(&case["bytes"])).unwrap();
			assert_eq!(packed.iter().map(|s| s.to_vec()).collect::<Vec<_>>(), scalars);
		}
		for case in vectors["binding"].as_array().unwrap() {
			let scalar = binding(
				&bytes(&case["genesis"]).try_into().unwrap(),
				case["request"].as_str().unwrap().parse().unwrap(),
				&bytes(&case["worker"]).try_into().unwrap(),
			);
			assert_eq!(scalar.to_vec(), bytes(&case["scalar"]));
		}
	}

	#[test]
	fn what_can_not_be_packed_is_refused() {
		assert_eq!(pack(ElementType::F32, &[0; 4]), None);
		assert_eq!(pack(ElementType::I32, &[0; 5]), None);
		assert_eq!(pack(ElementType::U8, &[]), Some(Vec::new()));
	}

	#[test]
	fn digits_have_six_public_inputs() {
		let image = TensorType::fixed(ElementType::U8, &[1, 64]).unwrap();
		let scores = TensorType::fixed(ElementType::I32, &[1, 10]).unwrap();
		assert_eq!(public_inputs(&image, &scores), Some(1 + 3 + 2));
		let float = TensorType::fixed(ElementType::F32, &[1, 10]).unwrap();
		assert_eq!(public_inputs(&image, &float), None);
	}

	proptest! {
		#[test]
		fn packing_is_injective_and_canonical(a: Vec<i32>, b: Vec<i32>) {
			let pack = |v: &[i32]| {
				let bytes: Vec<u8> = v.iter().flat_map(|x| x.to_le_bytes()).collect();
				pack(ElementType::I32, &bytes).unwrap()
			};
			let (packed_a, packed_b) = (pack(&a), pack(&b));
			prop_assert_eq!(packed_len(ElementType::I32, a.len() as u64), packed_a.len() as u64);
			prop_assert!(packed_a.iter().all(|s| s[31] == 0));
			if a.len() == b.len() {
				prop_assert_eq!(a == b, packed_a == packed_b);
			}
		}

		#[test]
		fn signed_elements_enter_shifted(x: i32) {
			let packed = pack(ElementType::I32, &x.to_le_bytes()).unwrap();
			let value = u32::from_le_bytes(packed[0][..4].try_into().unwrap());
			prop_assert_eq!(i64::from(value), i64::from(x) + (1 << 31));
		}
	}
}
