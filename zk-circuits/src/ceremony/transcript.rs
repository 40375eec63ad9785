//! Phase 2: the transcript of one circuit's ceremony, and the key that it gives.

use super::{
	chain::{Chain, Secrets},
	key::{self, Matrix, Reference},
	points::{
		array, coefficients, combine_at_random, decode, encode, end, fill, same_pairing, size,
		Point, CHUNK,
	},
	CeremonyError, Fault, Identity, Powers, Status, Terms,
};
use crate::{
	circuit::Circuit,
	hash::blake2b_256,
	keys::{KeyInfo, Origin, ProvingKey, VerifyingKey},
	network::Network,
	privacy::{Privacy, Visibility},
	statement,
};
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::Field;
use ark_serialize::Compress;
use ark_std::rand::{CryptoRng, RngCore};
use std::io::Read;
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"zkonnxCT";

/// Version of the file format. In version 1 everything was public; terms of version 2 had no nonce.
const FORMAT: u16 = 3;

const DELTA_G2: &str = "delta in G2";
const L: &str = "the l query";
const H: &str = "the h query";

/// What a circuit's ceremony starts from: the circuit, and the powers of phase 1. One serves any
/// number of calls.
#[derive(Clone, Debug)]
pub struct Base {
	info: KeyInfo,
	powers: [u8; 32],
	circuit: Circuit,
	reference: Reference,
}

impl Base {
	/// Derives one of a network's circuits. The powers must be finished, and suffice.
	pub fn derive(
		network: &Network,
		privacy: Privacy,
		powers: &Powers,
	) -> Result<Self, CeremonyError> {
		if !powers.status().finished {
			return Err(CeremonyError::Unfinished);
		}
		let circuit = Circuit::new(network, privacy);
		key::check(&circuit, powers.reference())?;
		let info = KeyInfo::new(network, privacy, &circuit);
		let reference = powers.reference().prefix(key::domain(&circuit));
		Ok(Self { info, powers: powers.status().hash, circuit, reference })
	}

	/// The powers of phase 1 that one of a network's circuits needs: 2 to this power.
	pub fn power(network: &Network, privacy: Privacy) -> u8 {
		key::domain(&Circuit::new(network, privacy)).ilog2() as u8
	}

	/// The points that contributions change, with δ = 1.
	pub(super) fn queries(&self) -> [Vec<G1Affine>; 2] {
		let (circuit, powers) = (&self.circuit, &self.reference);
		[key::l_query(circuit, powers), key::h_query(circuit, powers)]
	}
}

/// What a transcript is of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subject {
	artifact: [u8; 32],
	circuit: [u8; 32],
	statement: u16,
	privacy: Privacy,
	powers: [u8; 32],
	l: u32,
	h: u32,
}

/// The points that contributions change.
#[derive(Clone, Debug)]
struct State {
	/// `δ` in G2.
	delta_g2: G2Affine,
	/// The queries l and h, over `δ`.
	l: Vec<G1Affine>,
	h: Vec<G1Affine>,
}

impl State {
	fn to_bytes(&self) -> Vec<u8> {
		[encode(&[self.delta_g2]), encode(&self.l), encode(&self.h)].concat()
	}

	/// `δ` times a factor.
	fn change(&mut self, factor: &Fr) {
		let inverse = factor.inverse().expect("factors are not zero; qed");
		let inverse = Zeroizing::new(inverse);
		self.delta_g2 = G2Affine::scale(&[self.delta_g2], |_| *factor)[0];
		self.l = G1Affine::scale(&self.l, |_| *inverse);
		self.h = G1Affine::scale(&self.h, |_| *inverse);
	}
}

/// The transcript of a circuit's ceremony.
#[derive(Clone, Debug)]
pub struct Transcript {
	subject: Subject,
	chain: Chain<1>,
	state: State,
}

impl Transcript {
	/// Begins a ceremony: derives the points that contributions change, which for a large circuit
	/// takes a minute.
	pub fn new(base: &Base, terms: Terms) -> Result<Self, CeremonyError> {
		terms.check()?;
		let [l, h] = base.queries();
		let subject = Subject {
			artifact: base.info.artifact_hash,
			circuit: base.info.circuit_digest,
			statement: base.info.statement_version,
			privacy: base.info.privacy,
			powers: base.powers,
			l: l.len() as u32,
			h: h.len() as u32,
		};
		let header = header(&subject, &terms);
		let state = State { delta_g2: G2Affine::generator(), l, h };
		let chain = Chain::new(&header, Some(terms), [G1Affine::generator()]);
		Ok(Self { subject, chain, state })
	}

	/// The contents of a file.
	pub fn to_bytes(&self) -> Vec<u8> {
		let terms = self.chain.terms.as_ref().expect("a circuit's ceremony has terms; qed");
		let mut bytes = header(&self.subject, terms);
		self.chain.write(&mut bytes);
		bytes.extend_from_slice(&self.state.to_bytes());
		bytes
	}

	/// Reads a file from anyone, and checks all that can be checked of it alone: terms,
	/// contributions and signatures, that each point is valid, and that they are the ones that the
	/// last contribution names. The rest is [`Transcript::verify`], what the beacon's value becomes
	/// by its delay included.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, CeremonyError> {
		let mut input = bytes;
		let (subject, chain) = read_head(&mut input)?;
		if let Some(record) = chain.records.last() {
			if blake2b_256(&[input]) != record.state {
				// Says so if it is merely too short or too long.
				let size = size::<G2Affine>(Compress::No) as u64
					+ size::<G1Affine>(Compress::No) as u64
						* (u64::from(subject.l) + u64::from(subject.h));
				return Err(match (input.len() as u64).cmp(&size) {
					std::cmp::Ordering::Less => CeremonyError::Truncated,
					std::cmp::Ordering::Greater => CeremonyError::Trailing,
					std::cmp::Ordering::Equal => chain.blame(Fault::Digest),
				});
			}
		}
		let blame = |fault| chain.blame(fault);
		let state = State {
			delta_g2: read_points(&mut input, DELTA_G2, 1, &blame)?[0],
			l: read_points(&mut input, L, subject.l as usize, &blame)?,
			h: read_points(&mut input, H, subject.h as usize, &blame)?,
		};
		end(&mut input)?;
		Ok(Self { subject, chain, state })
	}

	/// Where the ceremony of a file stands, without looking at its points.
	pub fn peek(input: &mut impl Read) -> Result<Status, CeremonyError> {
		Ok(Status::from(&read_head(input)?.1))
	}

	/// Where the ceremony stands.
	pub fn status(&self) -> Status {
		Status::from(&self.chain)
	}

	/// The hash of the powers that the ceremony was begun with.
	pub fn powers(&self) -> [u8; 32] {
		self.subject.powers
	}

	/// What of an inference the proofs will tell whose key the ceremony makes.
	pub fn privacy(&self) -> Privacy {
		self.subject.privacy
	}

	/// Checks that the transcript is of a network's circuit: what takes no powers.
	pub fn check_network(&self, network: &Network) -> Result<(), CeremonyError> {
		let circuit = Circuit::new(network, self.privacy());
		self.check_subject(KeyInfo::artifact(network), circuit.digest())
	}

	fn check_subject(&self, artifact: [u8; 32], circuit: [u8; 32]) -> Result<(), CeremonyError> {
		if self.subject.artifact != artifact {
			return Err(CeremonyError::Artifact { expected: self.subject.artifact, got: artifact });
		}
		if self.subject.circuit != circuit {
			return Err(CeremonyError::Circuit { expected: self.subject.circuit, got: circuit });
		}
		Ok(())
	}

	/// Checks the transcript against the circuit and the powers: that it is of them, every
	/// contribution in its place, and that the points are what the contributions make of those that
	/// circuit and powers give. It need not be finished: [`Transcript::status`] tells.
	pub fn verify(&self, base: &Base) -> Result<(), CeremonyError> {
		if self.subject.privacy != base.info.privacy {
			let (expected, got) = (self.subject.privacy, base.info.privacy);
			return Err(CeremonyError::Privacy { expected, got });
		}
		self.check_subject(base.info.artifact_hash, base.info.circuit_digest)?;
		if self.subject.powers != base.powers {
			let (expected, got) = (self.subject.powers, base.powers);
			return Err(CeremonyError::Powers { expected, got });
		}
		let (l, h) = (&self.state.l, &self.state.h);
		let (witness, n) = (base.circuit.witness(), key::domain(&base.circuit));
		for (what, expected, got) in [("l", witness, l.len()), ("h", n - 1, h.len())] {
			if expected != got {
				return Err(CeremonyError::Shape { what, expected, got });
			}
		}
		self.chain.verify()?;

		let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
		let [delta_g1] = *self.chain.points();
		let delta_g2 = self.state.delta_g2;
		if !same_pairing((delta_g1, g2), (g1, delta_g2)) {
			return Err(self.chain.blame(Fault::Inconsistent(DELTA_G2)));
		}
		// Random combinations, which do not take the points with δ = 1 one by one.
		let weights = coefficients(l.len().max(h.len()));
		let of_l = key::combine_k(
			&base.circuit,
			&base.reference,
			base.circuit.instance(),
			&weights[..l.len()],
		);
		let of_h = [&base.reference.tau_g1[n..2 * n - 1], &base.reference.tau_g1[..n - 1]]
			.map(|powers| combine_at_random(powers, &weights[..n - 1]));
		for (what, after, before) in [(L, l, of_l), (H, h, of_h[0] - of_h[1])] {
			let after = combine_at_random(after, &weights[..after.len()]);
			if !same_pairing((after, delta_g2), (before, g2)) {
				return Err(self.chain.blame(Fault::Inconsistent(what)));
			}
		}
		Ok(())
	}

	/// Contributes: verifies the transcript, and adds the contribution. `clock` tells the seconds
	/// since 1970, and is asked before and after: the beacon's round must not have been. `entropy`
	/// is mixed into what `rng` gives. On an error, nothing has changed.
	pub fn contribute(
		&mut self,
		base: &Base,
		identity: &Identity,
		clock: impl Fn() -> u64,
		rng: &mut (impl RngCore + CryptoRng),
		entropy: &[u8],
	) -> Result<(), CeremonyError> {
		self.chain.may_contribute(&identity.public(), clock())?;
		self.verify(base)?;
		let secrets = Secrets::draw(rng, entropy);
		let mut state = self.state.clone();
		state.change(&secrets.factors[0]);
		let digest = blake2b_256(&[&state.to_bytes()]);
		self.chain.contribute(identity, &secrets, digest, clock())?;
		self.state = state;
		Ok(())
	}

	/// Verifies the transcript, and applies the beacon.
	pub fn beacon(&mut self, base: &Base, round: u64, value: &[u8]) -> Result<(), CeremonyError> {
		let due = self.chain.beacon(round, value)?;
		self.verify(base)?;
		self.state.change(&due.factors[0]);
		self.chain.push_beacon(&due, blake2b_256(&[&self.state.to_bytes()]));
		Ok(())
	}

	/// Verifies the transcript, and closes it.
	pub fn finalize(&mut self, base: &Base, coordinator: &Identity) -> Result<(), CeremonyError> {
		let mut chain = self.chain.clone();
		chain.finalize(coordinator)?;
		self.verify(base)?;
		self.chain = chain;
		Ok(())
	}

	/// Verifies a finished transcript, and gives its key. The same for everybody; for a large circuit
	/// it takes minutes to derive.
	pub fn proving_key(&self, base: &Base) -> Result<ProvingKey, CeremonyError> {
		let info = self.key_info(base)?;
		let [delta_g1] = *self.chain.points();
		let key = key::build(
			&base.circuit,
			&base.reference,
			[self.state.l.clone(), self.state.h.clone()],
			(delta_g1, self.state.delta_g2),
		);
		Ok(ProvingKey::new(info, &key)?)
	}

	/// Verifies a finished transcript, and what its key is for.
	fn key_info(&self, base: &Base) -> Result<KeyInfo, CeremonyError> {
		self.verify(base)?;
		match self.chain.finished() {
			true => {
				let origin = Origin::Ceremony { transcript: self.chain.id() };
				Ok(KeyInfo { origin, ..base.info.clone() })
			},
			false => Err(CeremonyError::Unfinished),
		}
	}

	/// Verifies a finished transcript, and that a file is its verifying key. Faster than
	/// [`Transcript::proving_key`]: the key is not derived, but compared in random combinations.
	pub fn check_verifying_key(&self, base: &Base, file: &[u8]) -> Result<(), CeremonyError> {
		let info = self.key_info(base)?;
		let key = VerifyingKey::from_bytes(file).map_err(CeremonyError::KeyFile)?;
		let same = *key.info() == info && self.is_verifying_key(base, &key.prepared().vk);
		same.then_some(()).ok_or(CeremonyError::OtherKey)
	}

	/// The same of a proving key.
	pub fn check_proving_key(&self, base: &Base, file: &[u8]) -> Result<(), CeremonyError> {
		let info = self.key_info(base)?;
		// Each point is in its group, or combinations would prove nothing.
		let key = ProvingKey::from_bytes(file).map_err(CeremonyError::KeyFile)?;
		let same = *key.info() == info && self.is_proving_key(base, &key.groth16().to_arkworks());
		same.then_some(()).ok_or(CeremonyError::OtherKey)
	}

	fn is_verifying_key(&self, base: &Base, key: &ark_groth16::VerifyingKey<Bls12_381>) -> bool {
		let (circuit, powers) = (&base.circuit, &base.reference);
		let weights = coefficients(circuit.instance());
		key.alpha_g1 == powers.alpha_g1[0]
			&& key.beta_g2 == powers.beta_g2
			&& key.gamma_g2 == G2Affine::generator()
			&& key.delta_g2 == self.state.delta_g2
			&& key.gamma_abc_g1.len() == weights.len()
			&& combine_at_random(&key.gamma_abc_g1, &weights)
				== key::combine_k(circuit, powers, 0, &weights)
	}

	fn is_proving_key(&self, base: &Base, key: &ark_groth16::ProvingKey<Bls12_381>) -> bool {
		let (circuit, powers) = (&base.circuit, &base.reference);
		let variables = circuit.instance() + circuit.witness();
		let weights = coefficients(variables);
		let queries = [(&key.a_query, Matrix::A), (&key.b_g1_query, Matrix::B)];
		self.is_verifying_key(base, &key.vk)
			&& key.beta_g1 == powers.beta_g1[0]
			&& key.delta_g1 == self.chain.points()[0]
			&& (&key.l_query, &key.h_query) == (&self.state.l, &self.state.h)
			&& queries.iter().all(|(query, matrix)| {
				let expected = key::combine_columns(circuit, &powers.tau_g1, *matrix, 0, &weights);
				query.len() == variables && combine_at_random(query, &weights) == expected
			}) && key.b_g2_query.len() == variables
			&& combine_at_random(&key.b_g2_query, &weights)
				== key::combine_columns(circuit, &powers.tau_g2, Matrix::B, 0, &weights)
	}
}

fn header(subject: &Subject, terms: &Terms) -> Vec<u8> {
	let mut bytes = MAGIC.to_vec();
	bytes.extend_from_slice(&FORMAT.to_le_bytes());
	bytes.extend_from_slice(&subject.statement.to_le_bytes());
	bytes.extend([subject.privacy.input, subject.privacy.output].map(Visibility::code));
	bytes.extend_from_slice(&subject.artifact);
	bytes.extend_from_slice(&subject.circuit);
	bytes.extend_from_slice(&subject.powers);
	bytes.extend_from_slice(&subject.l.to_le_bytes());
	bytes.extend_from_slice(&subject.h.to_le_bytes());
	terms.write(&mut bytes);
	bytes
}

fn read_head(input: &mut impl Read) -> Result<(Subject, Chain<1>), CeremonyError> {
	if array(input).ok() != Some(*MAGIC) {
		return Err(CeremonyError::Magic("transcript of a circuit's ceremony"));
	}
	let version = u16::from_le_bytes(array(input)?);
	if version != FORMAT {
		return Err(CeremonyError::Version { got: version, expected: FORMAT });
	}
	let statement = u16::from_le_bytes(array(input)?);
	if statement != statement::VERSION {
		return Err(CeremonyError::Statement(statement));
	}
	let visibility = |[code]: [u8; 1], what| {
		Visibility::from_code(code).ok_or(CeremonyError::Code { what, code })
	};
	let privacy = Privacy {
		input: visibility(array(input)?, "the visibility of the input")?,
		output: visibility(array(input)?, "the visibility of the output")?,
	};
	let subject = Subject {
		statement,
		privacy,
		artifact: array(input)?,
		circuit: array(input)?,
		powers: array(input)?,
		l: u32::from_le_bytes(array(input)?),
		h: u32::from_le_bytes(array(input)?),
	};
	let terms = Terms::read(input)?;
	let header = header(&subject, &terms);
	let chain = Chain::new(&header, Some(terms), [G1Affine::generator()]).read(input)?;
	chain.check()?;
	Ok((subject, chain))
}

/// Points in chunks: what a header promises and the file does not hold is never allocated.
fn read_points<P: Point>(
	input: &mut impl Read,
	what: &'static str,
	count: usize,
	blame: &impl Fn(Fault) -> CeremonyError,
) -> Result<Vec<P>, CeremonyError> {
	let mut points = Vec::new();
	let size = size::<P>(Compress::No);
	let mut buffer = vec![0; size * CHUNK.min(count)];
	for first in (0..count).step_by(CHUNK) {
		let bytes = &mut buffer[..size * CHUNK.min(count - first)];
		fill(input, bytes)?;
		points.extend(
			decode::<P>(bytes, Compress::No)
				.map_err(|index| blame(Fault::State { what, index: first + index }))?,
		);
	}
	Ok(points)
}

#[cfg(test)]
mod tests;
