//! The header of key files.

use super::{KeyError, KeyInfo, Origin};
use crate::{
	hash::blake2b_256,
	network::{Parameters, TensorType},
	privacy::{Privacy, Visibility},
	statement::{self, ElementType},
};

/// Magic bytes and the name of a kind of key file.
pub(super) type Kind = (&'static [u8; 8], &'static str);
pub(super) const PROVING: Kind = (b"zkonnxPK", "proving key");
pub(super) const VERIFYING: Kind = (b"zkonnxVK", "verifying key");

/// Version 1 had no origin but `insecure-dev`; in version 2 everything was public, in version 3
/// parameters were fixed.
pub(super) const FORMAT: u16 = 4;
const CHECKSUM_BYTES: usize = 32;

pub(super) fn write(kind: Kind, info: &KeyInfo, payload: &[u8]) -> Vec<u8> {
	let mut bytes = Vec::with_capacity(payload.len() + 256);
	bytes.extend_from_slice(kind.0);
	bytes.extend_from_slice(&FORMAT.to_le_bytes());
	bytes.extend_from_slice(&info.statement_version.to_le_bytes());
	bytes.extend([info.privacy.input, info.privacy.output].map(Visibility::code));
	bytes.push((info.parameters == Parameters::Private).into());
	match info.origin {
		Origin::InsecureDev => bytes.push(0),
		Origin::Ceremony { transcript } => {
			bytes.push(1);
			bytes.extend_from_slice(&transcript);
		},
	}
	bytes.extend_from_slice(&info.artifact_hash);
	bytes.extend_from_slice(&info.circuit_digest);
	for tensor in [&info.input, &info.output] {
		let code = ElementType::ALL.iter().position(|&kind| kind == tensor.element);
		bytes.push(code.expect("ALL has every element type; qed") as u8);
		bytes.push(tensor.shape.len() as u8);
		for &dim in &tensor.shape {
			bytes.extend_from_slice(&(dim as u32).to_le_bytes());
		}
	}
	bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
	let checksum = blake2b_256(&[&bytes, payload]);
	bytes.extend_from_slice(&checksum);
	bytes.extend_from_slice(payload);
	bytes
}

/// The header and the payload of a key file, with its checksum checked.
pub(super) fn read(kind: Kind, bytes: &[u8]) -> Result<(KeyInfo, &[u8]), KeyError> {
	let mut reader = Reader { rest: bytes };
	if reader.array::<8>().ok() != Some(*kind.0) {
		return Err(KeyError::Magic { expected: kind.1 });
	}
	let format = u16::from_le_bytes(reader.array()?);
	if format != FORMAT {
		return Err(KeyError::Format(format));
	}
	let statement_version = u16::from_le_bytes(reader.array()?);
	if statement_version != statement::VERSION {
		return Err(KeyError::Statement(statement_version));
	}
	let privacy = Privacy { input: reader.visibility()?, output: reader.visibility()? };
	let parameters = match reader.array::<1>()?[0] {
		0 => Parameters::Fixed,
		1 => Parameters::Private,
		code => return Err(KeyError::UnknownParameters(code)),
	};
	let origin = match reader.array::<1>()?[0] {
		0 => Origin::InsecureDev,
		1 => Origin::Ceremony { transcript: reader.array()? },
		code => return Err(KeyError::Origin(code)),
	};
	let artifact_hash = reader.array()?;
	let circuit_digest = reader.array()?;
	let input = reader.tensor()?;
	let output = reader.tensor()?;
	let length = u64::from_le_bytes(reader.array()?);
	let header = &bytes[..bytes.len() - reader.rest.len()];
	let checksum: [u8; CHECKSUM_BYTES] = reader.array()?;
	let payload = reader.rest;
	let length = usize::try_from(length).map_err(|_| KeyError::Truncated)?;
	if payload.len() < length {
		return Err(KeyError::Truncated);
	}
	if payload.len() > length {
		return Err(KeyError::Trailing(payload.len() - length));
	}
	if blake2b_256(&[header, payload]) != checksum {
		return Err(KeyError::Checksum);
	}
	let info = KeyInfo {
		artifact_hash,
		circuit_digest,
		statement_version,
		privacy,
		parameters,
		origin,
		input,
		output,
	};
	Ok((info, payload))
}

struct Reader<'a> {
	rest: &'a [u8],
}

impl Reader<'_> {
	fn array<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
		let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(KeyError::Truncated)?;
		self.rest = rest;
		Ok(*head)
	}

	fn visibility(&mut self) -> Result<Visibility, KeyError> {
		let [code] = self.array()?;
		Visibility::from_code(code).ok_or(KeyError::Visibility(code))
	}

	fn tensor(&mut self) -> Result<TensorType, KeyError> {
		let [code, rank] = self.array()?;
		let element = *ElementType::ALL.get(usize::from(code)).ok_or(KeyError::Tensor)?;
		let mut elements = 1usize;
		let mut shape = Vec::with_capacity(usize::from(rank));
		for _ in 0..rank {
			let dim = u32::from_le_bytes(self.array()?) as usize;
			elements = elements
				.checked_mul(dim)
				.filter(|n| (1..=1 << 32).contains(n))
				.ok_or(KeyError::Tensor)?;
			shape.push(dim);
		}
		Ok(TensorType { element, shape })
	}
}
