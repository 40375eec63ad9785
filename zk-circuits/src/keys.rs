//! Proving and verifying keys, and the files that hold them.
//!
//! A file is a header, then the points as arkworks encodes them, uncompressed. All integers are
//! little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `zkonnxPK` or `zkonnxVK` |
//! | 2 | version of the file format: 4 |
//! | 2 | version of the statement |
//! | 1, 1 | visibility of input and of output: 0 is public, 1 is committed |
//! | 1 | parameters: 0 is fixed, 1 is private |
//! | 1 | origin: 0 is `insecure-dev`, 1 is a ceremony |
//! | 32 | of a ceremony only: the hash of its transcript |
//! | 32 | artifact hash: `blake2b-256` of the `.onnx` file; zeros where parameters are private |
//! | 32 | circuit digest ([`crate::Circuit::digest`]) |
//! | 2 + 4·r | input tensor: element type, number r of dimensions, then each as u32 |
//! | 2 + 4·r | output tensor, the same |
//! | 8 | length of the points |
//! | 32 | `blake2b-256` of everything else in the file: what is before, then the points |
//! | … | the points |
//!
//! Element types are numbered in the order of [`crate::ElementType::ALL`]. The checksum finds
//! damage; it does not authenticate: whoever can write the file can write its checksum.

mod file;
mod points;

use crate::{
	circuit::Circuit,
	groth16::{generator, key::Key},
	network::{Network, Parameters, TensorType},
	privacy::Privacy,
	statement,
};
use ark_bls12_381::Bls12_381;
use ark_ec::{pairing::Pairing, AffineRepr};
use ark_groth16::PreparedVerifyingKey;
use ark_std::rand::{CryptoRng, RngCore};
use std::fmt;

/// Who made a key, and so who could forge proofs with it.
///
/// In a file it is a claim of whoever wrote the file. For a ceremony, [`crate::ceremony`] derives
/// the key from the transcript that the hash names; a chain trusts only what was attested to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
	/// One party ran the setup and may have kept what forges proofs. For development.
	InsecureDev,
	/// Several parties ran the setup. To forge proofs, all of them would have to collude.
	Ceremony {
		/// The hash of the ceremony's transcript.
		transcript: [u8; 32],
	},
}

impl serde::Serialize for Origin {
	fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

impl fmt::Display for Origin {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::InsecureDev => f.write_str("insecure-dev"),
			Self::Ceremony { transcript } => write!(f, "ceremony:{}", hex::encode(transcript)),
		}
	}
}

/// Why a key can not be made, read or used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
	/// The file does not begin as a key file of this kind.
	#[error("the file is no {expected} of zkonnx")]
	Magic {
		/// The kind that was expected.
		expected: &'static str,
	},
	/// The file is of another version of the format.
	#[error("the key file has format version {0}; this program reads version {version}", version = file::FORMAT)]
	Format(u16),
	/// The key is for another version of the statement.
	#[error("the key is for version {0} of the statement; this program proves version {version}", version = statement::VERSION)]
	Statement(u16),
	/// A visibility is not known.
	#[error("the key's header has the unknown code {0} for what is public")]
	Visibility(u8),
	/// A kind of parameters is not known.
	#[error("the key's header has the unknown code {0} for parameters")]
	UnknownParameters(u8),
	/// The origin is not known.
	#[error("the key's origin has the unknown code {0}")]
	Origin(u8),
	/// A tensor type in the header is not valid.
	#[error("the key's header describes no valid tensor type")]
	Tensor,
	/// The file ends too early.
	#[error("the key file is truncated")]
	Truncated,
	/// Bytes are left over.
	#[error("the key file has {0} bytes too many")]
	Trailing(usize),
	/// The checksum is not that of the contents.
	#[error("the key file is damaged: its checksum does not match")]
	Checksum,
	/// A point is not in canonical form, not on the curve, or not in the subgroup.
	#[error("point {0} of the key is not a valid point")]
	Point(usize),
	/// A point that must not be the identity is.
	#[error("the key's {0} is the identity point")]
	Identity(&'static str),
	/// The number of points is not what the header or the circuit needs.
	#[error("the key has {got} points for {what}, needs {expected}")]
	Shape {
		/// What the points are for.
		what: &'static str,
		/// Points needed.
		expected: usize,
		/// Points found.
		got: usize,
	},
	/// The key was made for another model file.
	#[error("the key was made for the artifact {key}, the model is {model}", key = hex::encode(key), model = hex::encode(model))]
	Artifact {
		/// Artifact hash in the key.
		key: [u8; 32],
		/// Artifact hash of the model.
		model: [u8; 32],
	},
	/// The key is for a model whose parameters are fixed, and this one's are private, or the reverse.
	#[error("the key is for a model with {key} parameters; this model's are {model}")]
	Parameters {
		/// Those of the key.
		key: Parameters,
		/// Those of the model.
		model: Parameters,
	},
	/// The key was made for another circuit of this model, by another version of this program.
	#[error("the key was made for the circuit {key}, the model compiles to {model}; run setup again", key = hex::encode(key), model = hex::encode(model))]
	Circuit {
		/// Circuit digest in the key.
		key: [u8; 32],
		/// Circuit digest of the model.
		model: [u8; 32],
	},
	/// A tensor of the key's header is not the network's.
	#[error("the key's header says {key} where the model has {model}")]
	Interface {
		/// The tensor of the key.
		key: String,
		/// That of the network.
		model: String,
	},
	/// The points for blinding do not belong to the verifying key: proofs would tell of the witness.
	#[error("the key's points for blinding do not belong to its verifying key")]
	Blinding,
	/// The circuit has more constraints than the scalar field has room for (2^31).
	#[error("the circuit is too large for the proof system")]
	TooLarge,
}

/// What a key is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
	/// `blake2b-256` of the `.onnx` file; zeros where parameters are private, and the key is for every
	/// model with the same circuit.
	pub artifact_hash: [u8; 32],
	/// [`Circuit::digest`].
	pub circuit_digest: [u8; 32],
	/// [`statement::VERSION`] when the key was made.
	pub statement_version: u16,
	/// What of an inference its proofs tell.
	pub privacy: Privacy,
	/// Whether the circuit has the model's parameters in it.
	pub parameters: Parameters,
	/// Who made it.
	pub origin: Origin,
	/// Type of the input tensor.
	pub input: TensorType,
	/// Type of the output tensor.
	pub output: TensorType,
}

impl KeyInfo {
	/// Of a key for a network and its circuit, whose origin nobody vouches for yet.
	pub(crate) fn new(network: &Network, privacy: Privacy, circuit: &Circuit) -> Self {
		Self {
			artifact_hash: Self::artifact(network),
			circuit_digest: circuit.digest(),
			statement_version: statement::VERSION,
			privacy,
			parameters: network.parameters(),
			origin: Origin::InsecureDev,
			input: network.input().clone(),
			output: network.output().clone(),
		}
	}

	/// The artifact hash of keys for a network.
	pub(crate) fn artifact(network: &Network) -> [u8; 32] {
		match network.parameters() {
			Parameters::Fixed => network.artifact_hash(),
			Parameters::Private => [0; 32],
		}
	}

	/// Number of public inputs, the binding included.
	pub fn public_inputs(&self) -> usize {
		let parameters = usize::from(self.parameters == Parameters::Private);
		self.privacy.public_inputs(&self.input, &self.output) + parameters
	}

	/// Checks that the key was made for this network and circuit.
	pub(crate) fn check(&self, network: &Network, circuit: &Circuit) -> Result<(), KeyError> {
		if self.parameters != network.parameters() {
			let (key, model) = (self.parameters, network.parameters());
			return Err(KeyError::Parameters { key, model });
		}
		if self.artifact_hash != Self::artifact(network) {
			let (key, model) = (self.artifact_hash, Self::artifact(network));
			return Err(KeyError::Artifact { key, model });
		}
		let model = circuit.digest();
		if self.circuit_digest != model {
			return Err(KeyError::Circuit { key: self.circuit_digest, model });
		}
		for (key, model) in [(&self.input, network.input()), (&self.output, network.output())] {
			if key != model {
				let (key, model) = (key.to_string(), model.to_string());
				return Err(KeyError::Interface { key, model });
			}
		}
		Ok(())
	}
}

/// A verifying key: the commitment to a model that proofs are checked against.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
	info: KeyInfo,
	prepared: PreparedVerifyingKey<Bls12_381>,
}

/// A proving key, with its verifying key inside.
#[derive(Clone, Debug)]
pub struct ProvingKey {
	info: KeyInfo,
	key: Key,
}

/// Makes the keys of a network, for proofs that tell so much. Whoever knows what `rng` gave can forge proofs, so the origin is
/// [`Origin::InsecureDev`].
pub fn setup(
	network: &Network,
	privacy: Privacy,
	rng: &mut (impl RngCore + CryptoRng),
) -> Result<ProvingKey, KeyError> {
	let circuit = Circuit::new(network, privacy);
	let key = generator::generate(&circuit, rng).ok_or(KeyError::TooLarge)?;
	let info = KeyInfo::new(network, privacy, &circuit);
	check_verifying(&info, &key.vk)?;
	Ok(ProvingKey { info, key })
}

impl VerifyingKey {
	fn new(info: KeyInfo, key: ark_groth16::VerifyingKey<Bls12_381>) -> Result<Self, KeyError> {
		check_verifying(&info, &key)?;
		Ok(Self { info, prepared: ark_groth16::prepare_verifying_key(&key) })
	}

	/// What the key is for.
	pub fn info(&self) -> &KeyInfo {
		&self.info
	}

	/// Checks that the key was made for this network, by artifact hash and circuit digest.
	pub fn check(&self, network: &Network) -> Result<(), KeyError> {
		self.info.check(network, &Circuit::new(network, self.info.privacy))
	}

	/// The points as arkworks encodes `ark_groth16::VerifyingKey` uncompressed:
	/// 776 bytes, and 96 for each public input. A chain registers them without the count that stands
	/// in the bytes 672 to 679.
	pub fn points(&self) -> Vec<u8> {
		points::encode_verifying(&self.prepared.vk)
	}

	/// The contents of a key file.
	pub fn to_bytes(&self) -> Vec<u8> {
		file::write(file::VERIFYING, &self.info, &self.points())
	}

	/// Reads a key file from anyone. Every point is checked, in full.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
		let (info, payload) = file::read(file::VERIFYING, bytes)?;
		let key = points::decode_verifying(payload)?;
		Self::new(info, key)
	}

	pub(crate) fn prepared(&self) -> &PreparedVerifyingKey<Bls12_381> {
		&self.prepared
	}
}

impl ProvingKey {
	/// A key that was made elsewhere in this crate.
	pub(crate) fn new(
		info: KeyInfo,
		key: &ark_groth16::ProvingKey<Bls12_381>,
	) -> Result<Self, KeyError> {
		check_verifying(&info, &key.vk)?;
		let key = Key::from_arkworks(key);
		check_blinding(&key)?;
		Ok(Self { info, key })
	}

	/// What the key is for.
	pub fn info(&self) -> &KeyInfo {
		&self.info
	}

	/// The verifying key inside.
	pub fn verifying_key(&self) -> VerifyingKey {
		VerifyingKey {
			info: self.info.clone(),
			prepared: ark_groth16::prepare_verifying_key(&self.key.vk),
		}
	}

	/// The contents of a key file.
	pub fn to_bytes(&self) -> Vec<u8> {
		file::write(file::PROVING, &self.info, &points::encode_proving(&self.key))
	}

	/// Reads a key file from anyone. Every point is checked, in full, which takes about 0.1 ms a
	/// point; uses the caller's rayon pool.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
		Self::read(bytes, true)
	}

	/// Reads a key file that this machine has written or has checked before: the checksum is
	/// checked, and that coordinates are field elements, but not that points are on the curve and
	/// in the subgroup. A bad point can only make the proofs fail that are made with it.
	pub fn from_trusted_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
		Self::read(bytes, false)
	}

	fn read(bytes: &[u8], validate: bool) -> Result<Self, KeyError> {
		let (info, payload) = file::read(file::PROVING, bytes)?;
		let key = points::decode_proving(payload, validate)?;
		check_verifying(&info, &key.vk)?;
		check_blinding(&key)?;
		Ok(Self { info, key })
	}

	/// Checks that the key was made for the circuit of this network.
	pub(crate) fn check(&self, network: &Network, circuit: &Circuit) -> Result<(), KeyError> {
		self.info.check(network, circuit)?;
		let (instance, witness) = (circuit.instance(), circuit.witness());
		let domain = (circuit.constraints() + instance).next_power_of_two();
		for (what, expected, got) in [
			("a", instance + witness, self.key.variables),
			("h", domain - 1, self.key.h.len()),
			("l", witness, self.key.witness),
		] {
			check_count(what, expected, got)?;
		}
		Ok(())
	}

	/// Bytes that the key's points take in memory.
	pub fn memory(&self) -> usize {
		self.key.bytes()
	}

	pub(crate) fn groth16(&self) -> &Key {
		&self.key
	}
}

fn check_count(what: &'static str, expected: usize, got: usize) -> Result<(), KeyError> {
	match expected == got {
		true => Ok(()),
		false => Err(KeyError::Shape { what, expected, got }),
	}
}

/// That the points that blind a proof are those of the verifying key: with others, as the identity,
/// proofs would be valid, and would tell of the witness.
fn check_blinding(key: &Key) -> Result<(), KeyError> {
	for (name, point) in [("beta in G1", key.beta_g1), ("delta in G1", key.delta_g1)] {
		if point.is_zero() {
			return Err(KeyError::Identity(name));
		}
	}
	let left = Bls12_381::pairing(key.beta_g1, key.vk.delta_g2);
	match left == Bls12_381::pairing(key.delta_g1, key.vk.beta_g2) {
		true => Ok(()),
		false => Err(KeyError::Blinding),
	}
}

/// The number of points, and that none is the identity: `ark-groth16` checks neither.
fn check_verifying(
	info: &KeyInfo,
	key: &ark_groth16::VerifyingKey<Bls12_381>,
) -> Result<(), KeyError> {
	check_count("public inputs", info.public_inputs() + 1, key.gamma_abc_g1.len())?;
	let identities = [
		("alpha", key.alpha_g1.is_zero()),
		("beta", key.beta_g2.is_zero()),
		("gamma", key.gamma_g2.is_zero()),
		("delta", key.delta_g2.is_zero()),
		("point of a public input", key.gamma_abc_g1.iter().any(AffineRepr::is_zero)),
	];
	match identities.into_iter().find(|(_, identity)| *identity) {
		Some((name, _)) => Err(KeyError::Identity(name)),
		None => Ok(()),
	}
}
