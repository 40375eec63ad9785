//! What a proof proves: the public inputs of version 1.
//!
//! In this order: [`binding`]; the commitment to the model's parameters, where they are private;
//! commitment and holder of the request, where something is committed; the input's
//! scalars, where it is public; the output's scalars, or commitment and ciphertext of a committed one.
//! Tensors are packed by [`pack`]. The chain alone builds the public inputs, from the frozen request
//! and the submitted output bytes.
//!
//! A scalar is 32 bytes, little-endian, and always canonical for BLS12-381: packing fills 248 bits
//! at most. Test vectors lie in `primitives/vectors/statement.json`.

use crate::{
	ids::RequestId,
	privacy::{Commitment, Privacy, Visibility},
	tensor::{ElementType, Interface, TensorType},
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

/// What the chain knows of an inference.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
	/// See [`binding`].
	pub binding: Scalar,
	/// The version's commitment to its parameters: exactly where they are private.
	pub parameters: Option<Scalar>,
	/// The request's commitment: exactly where something is committed.
	pub commitment: Option<Commitment>,
	/// The bytes of a public input.
	pub input: Option<&'a [u8]>,
	/// The bytes of a public output, or the scalars of a committed one, one after the other: its
	/// commitment, then its ciphertext.
	pub output: &'a [u8],
}

/// The public inputs that a proof is verified with. `None` where what is known is not what a circuit
/// of this interface with this privacy shows.
///
/// Scalars of a committed output are taken as they come: verification refuses those that are not
/// canonical.
pub fn public_inputs(interface: &Interface, privacy: Privacy, known: Known) -> Option<Vec<Scalar>> {
	let mut scalars = alloc::vec![known.binding];
	scalars.extend(known.parameters);
	match known.commitment {
		Some(Commitment { scalar, holder }) if privacy.needs_opening() => {
			scalars.extend([scalar, holder]);
		},
		None if !privacy.needs_opening() => (),
		_ => return None,
	}
	match (privacy.input, known.input) {
		(Visibility::Public, Some(bytes)) => scalars.extend(pack(interface.input.element, bytes)?),
		(Visibility::Committed, None) => (),
		_ => return None,
	}
	match privacy.output {
		Visibility::Public => scalars.extend(pack(interface.output.element, known.output)?),
		Visibility::Committed => {
			let (sealed, rest) = known.output.as_chunks::<32>();
			if !rest.is_empty() {
				return None;
			}
			scalars.extend(sealed);
		},
	}
	let expected = count_public_inputs(interface, privacy, known.parameters.is_some())?;
	(u32::try_from(scalars.len()) == Ok(expected)).then_some(scalars)
}

/// How many public inputs [`public_inputs`] gives; `private_parameters` is whether a commitment to
/// them is among these. `None` unless both tensors are fixed integers.
pub fn count_public_inputs(
	interface: &Interface,
	privacy: Privacy,
	private_parameters: bool,
) -> Option<u32> {
	let Interface { input, output } = interface;
	let input = match privacy.input {
		Visibility::Public => packed(input)?,
		Visibility::Committed => packed(input).and(Some(0))?,
	};
	let output = match privacy.output {
		Visibility::Public => packed(output)?,
		Visibility::Committed => packed(output)?.checked_add(1)?,
	};
	let commitment = if privacy.needs_opening() { 2 } else { 0 };
	let told = u64::from(private_parameters).checked_add(commitment)?.checked_add(1)?;
	let scalars = input.checked_add(output)?.checked_add(told)?;
	u32::try_from(scalars).ok()
}

/// Bytes of an answer as a result carries it: those of a public output of `elements` elements, or the
/// scalars of a committed one.
pub fn output_bytes(kind: &TensorType, elements: u64, visibility: Visibility) -> Option<u64> {
	match visibility {
		Visibility::Public => elements.checked_mul(kind.element.bytes().into()),
		Visibility::Committed => packed_len(kind.element, elements).checked_add(1)?.checked_mul(32),
	}
}

/// The scalars of a tensor; `None` unless it is of fixed integers.
fn packed(tensor: &TensorType) -> Option<u64> {
	let countable = tensor.is_fixed() && tensor.element.is_integer();
	countable.then(|| packed_len(tensor.element, tensor.elements(1).max))
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

	/// 64 bytes in, ten scores out.
	fn digits() -> Interface {
		Interface {
			input: TensorType::fixed(ElementType::U8, &[1, 64]).unwrap(),
			output: TensorType::fixed(ElementType::I32, &[1, 10]).unwrap(),
		}
	}

	const MODES: [Privacy; 4] = [
		Privacy::PUBLIC,
		Privacy { input: Visibility::Public, output: Visibility::Committed },
		Privacy { input: Visibility::Committed, output: Visibility::Public },
		Privacy { input: Visibility::Committed, output: Visibility::Committed },
	];

	#[test]
	fn digits_have_as_many_public_inputs_as_they_show() {
		let counts = MODES.map(|privacy| count_public_inputs(&digits(), privacy, false).unwrap());
		assert_eq!(counts, [1 + 3 + 2, 1 + 2 + 3 + 3, 1 + 2 + 2, 1 + 2 + 3]);
		let output = TensorType::fixed(ElementType::F32, &[1, 10]).unwrap();
		for privacy in MODES {
			assert_eq!(
				count_public_inputs(
					&Interface { output: output.clone(), ..digits() },
					privacy,
					false
				),
				None
			);
		}
	}

	#[test]
	fn only_what_the_privacy_shows_makes_a_statement() {
		let (image, scores, sealed) = ([1; 64], [2; 40], [3; 96]);
		let commitment = Commitment { scalar: [4; 32], holder: [5; 32] };
		for privacy in MODES {
			let hidden = |it| it == Visibility::Committed;
			for (given, input, output) in (0..8).map(|i| (i & 1 > 0, i & 2 > 0, i & 4 > 0)) {
				let known = Known {
					binding: [6; 32],
					parameters: None,
					commitment: given.then_some(commitment),
					input: input.then_some(&image[..]),
					output: if output { &sealed } else { &scores },
				};
				let fits = given == privacy.needs_opening()
					&& input != hidden(privacy.input)
					&& output == hidden(privacy.output);
				let scalars = public_inputs(&digits(), privacy, known);
				assert_eq!(scalars.is_some(), fits, "{privacy:?} {known:?}");
				let Some(scalars) = scalars else { continue };
				assert_eq!(scalars[0], [6; 32]);
				if given {
					assert_eq!(scalars[1..3], [[4; 32], [5; 32]]);
				}
				if output {
					assert_eq!(scalars[scalars.len() - 3..], [[3; 32]; 3]);
				}
				let private = Known { parameters: Some([7; 32]), ..known };
				let with = public_inputs(&digits(), privacy, private).unwrap();
				assert_eq!(with[..2], [[6; 32], [7; 32]], "parameters behind the binding");
				assert_eq!(with[2..], scalars[1..]);
			}
		}
	}

	#[test]
	fn an_answer_of_another_length_makes_no_statement() {
		for (privacy, bytes) in [(MODES[0], 40), (MODES[1], 96)] {
			let right = output_bytes(&digits().output, 10, privacy.output).unwrap() as usize;
			assert_eq!(right, bytes);
			let commitment = Commitment { scalar: [4; 32], holder: [5; 32] };
			let commitment = privacy.needs_opening().then_some(commitment);
			for length in [0, 1, 32, bytes - 1, bytes, bytes + 1, bytes + 32] {
				let (binding, output) = ([6; 32], vec![0; length]);
				let (parameters, input) = (None, Some(&[0; 64][..]));
				let known = Known { binding, parameters, commitment, input, output: &output };
				let made = public_inputs(&digits(), privacy, known).is_some();
				// What packs into as many scalars is for the interface to refuse.
				let packs = privacy.output == Visibility::Public && length == 32;
				assert_eq!(made, length == right || packs, "{privacy:?}, {length} bytes");
			}
		}
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
