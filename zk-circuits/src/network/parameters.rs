//! Parameters that a circuit does not know: weights, and what is added to their sums.
//!
//! A model file whose metadata has a *salt* under the key [`SALT`] keeps its parameters private: its
//! circuit has them as witness, range-checked to their widths, and its statement has a commitment
//! to them. Interval analysis takes the widths for bounds, so that the circuit and its keys belong to
//! every model of the architecture. Shapes, zero points, shifts, factors, limits and tables are the
//! architecture's.
//!
//! The commitment is the hash "parameters" ([`crate::privacy`]) of the salt and the parameters'
//! scalars: of each node in order, weights as `uint8` in the order `[group, window, column]`,
//! addends as `int32`, packed as [`crate::statement`] packs tensors.

use super::{ImportError, Linear, Network, Node, Operator};
use crate::{
	onnx::proto,
	poseidon::Plain,
	privacy::{scheme, SALT_BYTES},
	statement::{self, ElementType},
};
use ark_bls12_381::Fr;
use ark_ff::PrimeField;
use ark_std::rand::{CryptoRng, RngCore};
use prost::Message;
use std::{collections::BTreeMap, fmt};

/// Metadata key of the salt: 31 bytes, hexadecimal.
const SALT: &str = "zkonnx.parameter_salt";

/// Bytes of the salt's entry, which is the end of the file.
pub const SALT_ENTRY_BYTES: usize = 6 + SALT.len() + 2 * SALT_BYTES;

/// Widths that an addend is declared to have: the first that all of a tensor fit.
const ADDEND_BITS: [u32; 3] = [24, 28, 32];

/// Whether a circuit has a model's parameters in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parameters {
	/// They are constants, and a key is for one model file.
	#[default]
	Fixed,
	/// They are witness, and a key is for every model of one architecture: the statement has a
	/// commitment to them.
	Private,
}

impl Parameters {
	/// Either.
	pub const ALL: [Self; 2] = [Self::Fixed, Self::Private];
}

impl fmt::Display for Parameters {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Fixed => "fixed",
			Self::Private => "private",
		})
	}
}

/// A salt that can not be read, or is there already.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaltError {
	/// It is no 31 bytes in hexadecimal.
	#[error("the metadata '{SALT}' must be 62 hexadecimal digits")]
	Encoding,
	/// It is not the last entry of the file.
	#[error("the metadata '{SALT}' must be the end of the file, where `zkonnx hide` puts it")]
	Place,
	/// The model has one.
	#[error("the model's parameters are private already")]
	Present,
	/// There is nothing to hide.
	#[error("the model has no weights of MatMulInteger or ConvInteger that could be private")]
	NoParameters,
}

/// Makes the parameters of a provable model private: the same file with a salt behind it, which is
/// drawn. Whoever has the file has the parameters.
///
/// Fails where the widths of the parameters do not exclude that a sum overflows.
pub fn hide_parameters(
	onnx: &[u8],
	rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<u8>, ImportError> {
	if Network::from_onnx(onnx)?.parameters() == Parameters::Private {
		return Err(SaltError::Present.into());
	}
	let mut salt = [0; SALT_BYTES];
	rng.fill_bytes(&mut salt);
	let hidden = [onnx, &entry(&hex::encode(salt))].concat();
	Network::from_onnx(&hidden)?;
	Ok(hidden)
}

/// Whether a file ends as one whose parameters are private: nobody but workers should get it.
pub fn has_salt(file: &[u8]) -> bool {
	let key = |entry: &[u8]| entry[..entry.len() - 2 * SALT_BYTES].to_vec();
	file.last_chunk::<SALT_ENTRY_BYTES>()
		.is_some_and(|end| key(end) == key(&entry(&"0".repeat(2 * SALT_BYTES))))
}

/// The metadata entry of a salt, as a file of its own: files of Protocol Buffers are merged by
/// putting one behind the other.
fn entry(digits: &str) -> Vec<u8> {
	let entry =
		proto::StringStringEntryProto { key: Some(SALT.into()), value: Some(digits.into()) };
	proto::ModelProto { metadata_props: vec![entry], ..Default::default() }.encode_to_vec()
}

/// The salt of a model file with this metadata, if there is one.
pub(super) fn salt(
	metadata: &BTreeMap<String, String>,
	file: &[u8],
) -> Result<Option<Fr>, SaltError> {
	let Some(digits) = metadata.get(SALT) else { return Ok(None) };
	if !has_salt(file) {
		return Err(SaltError::Place);
	}
	let mut salt = [0; SALT_BYTES];
	hex::decode_to_slice(digits, &mut salt).map_err(|_| SaltError::Encoding)?;
	Ok(Some(Fr::from_le_bytes_mod_order(&salt)))
}

/// What opens a network's commitment to its parameters.
#[derive(Clone)]
pub(crate) struct Secret {
	pub(crate) salt: Fr,
	pub(crate) commitment: Fr,
}

impl Secret {
	pub(super) fn new(salt: Fr, nodes: &[Node]) -> Result<Self, SaltError> {
		let tensors: Vec<_> = nodes.iter().filter_map(|node| node.operator.trained()).collect();
		if tensors.is_empty() {
			return Err(SaltError::NoParameters);
		}
		let scalars: Vec<Fr> = tensors.iter().flat_map(Trained::scalars).collect();
		Ok(Self { salt, commitment: scheme::parameters(&mut Plain, &salt, &scalars) })
	}
}

impl fmt::Debug for Secret {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Secret").field("commitment", &self.commitment).finish_non_exhaustive()
	}
}

/// The private parameters of one node.
pub(crate) struct Trained {
	/// How they are packed.
	pub(crate) element: ElementType,
	/// Bits that each is declared to have.
	pub(crate) bits: u32,
	pub(crate) values: Vec<i64>,
}

impl Trained {
	fn scalars(&self) -> Vec<Fr> {
		let bytes: Vec<u8> = match self.element {
			ElementType::U8 => self.values.iter().map(|&x| x as u8).collect(),
			_ => self.values.iter().flat_map(|&x| (x as i32).to_le_bytes()).collect(),
		};
		statement::pack(self.element, &bytes).expect("whole elements; qed")
	}
}

impl Operator {
	/// A constant that is private.
	pub(super) fn private(values: &[i64]) -> Self {
		let fits = |bits: &&u32| {
			values.iter().all(|x| (-(1i64 << (*bits - 1))..1 << (*bits - 1)).contains(x))
		};
		let bits = ADDEND_BITS.iter().find(fits).copied().unwrap_or(32);
		Self::Private { values: values.iter().map(|&x| x as i32).collect(), bits }
	}

	/// The private parameters of the node.
	pub(crate) fn trained(&self) -> Option<Trained> {
		match self {
			Self::Private { values, bits } => Some(Trained {
				element: ElementType::I32,
				bits: *bits,
				values: values.iter().map(|&x| x.into()).collect(),
			}),
			Self::Linear(Linear { weights, private: Some(zeros), .. }) => Some(Trained {
				element: ElementType::U8,
				bits: 8,
				values: weights
					.iter()
					.zip(zeros.iter().cycle())
					.map(|(&weight, &zero)| i64::from(weight) + i64::from(zero))
					.collect(),
			}),
			_ => None,
		}
	}
}
