//! Phase 1: powers of τ, alone and times α and β, in a file that serves every circuit up to its
//! size. Files are read as streams: memory is bounded by what is kept.

mod import;

pub use import::import;

use super::{
	chain::{Chain, Secrets},
	key::Reference,
	points::{array, decode, encode, end, fill, put, same_pairing, size, Geometric, Point, CHUNK},
	CeremonyError, Fault, Identity, Status, Terms, MAX_POWER,
};
use crate::hash;
use ark_bls12_381::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::Field;
use ark_serialize::Compress;
use ark_std::rand::{CryptoRng, RngCore};
use std::io::{Read, Seek, SeekFrom, Write};
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"zkonnxPT";

/// Version of the file format. Terms of version 1 had no nonce.
const FORMAT: u16 = 2;

/// The names of the parts of a file, for errors.
const TAU_G1: &str = "the powers of tau in G1";
const TAU_G2: &str = "the powers of tau in G2";
const ALPHA: &str = "the powers of tau times alpha";
const BETA: &str = "the powers of tau times beta";
const BETA_G2: &str = "beta in G2";

/// Verified powers.
#[derive(Clone, Debug)]
pub struct Powers {
	power: u8,
	start: Start,
	status: Status,
	reference: Reference,
}

/// What the first contribution changes.
#[derive(Clone, Debug, PartialEq)]
enum Start {
	/// Generators: all secrets are one.
	One,
	/// The result of another ceremony.
	Imported {
		/// `blake2b-512` of the file that it was published as.
		source: [u8; 64],
		/// `blake2b-256` of the points here.
		state: [u8; 32],
		/// `τ`, `α`, `β`.
		points: Box<[G1Affine; 3]>,
	},
}

/// All of a file but its points.
#[derive(Clone, Debug)]
struct Head {
	power: u8,
	start: Start,
	chain: Chain<3>,
}

impl Head {
	fn new(power: u8, start: Start, terms: Option<Terms>) -> Result<Self, CeremonyError> {
		if !(1..=MAX_POWER).contains(&power) {
			return Err(CeremonyError::Power(power));
		}
		if let Some(terms) = &terms {
			terms.check()?;
		}
		let points = match &start {
			Start::One => [G1Affine::generator(); 3],
			Start::Imported { points, .. } => **points,
		};
		let chain = Chain::new(&header(power, &start, terms.as_ref()), terms, points);
		Ok(Self { power, start, chain })
	}

	fn to_bytes(&self) -> Vec<u8> {
		let mut bytes = header(self.power, &self.start, self.chain.terms.as_ref());
		self.chain.write(&mut bytes);
		bytes
	}

	/// Reads everything before the points, and checks it, all but what the beacon's value becomes.
	fn read(input: &mut impl Read) -> Result<Self, CeremonyError> {
		if array(input).ok() != Some(*MAGIC) {
			return Err(CeremonyError::Magic("file of powers of tau"));
		}
		let version = u16::from_le_bytes(array(input)?);
		if version != FORMAT {
			return Err(CeremonyError::Version { got: version, expected: FORMAT });
		}
		let [power] = array(input)?;
		let start = match array(input)? {
			[0] => Start::One,
			[1] => {
				let (source, state) = (array(input)?, array(input)?);
				let mut points = [G1Affine::generator(); 3];
				for (index, point) in points.iter_mut().enumerate() {
					let mut bytes = [0; 48];
					fill(input, &mut bytes)?;
					let decoded = decode::<G1Affine>(&bytes, Compress::Yes);
					let what = "the header";
					*point =
						decoded.map_err(|_| CeremonyError::Start(Fault::State { what, index }))?[0];
					if point.is_zero() {
						return Err(CeremonyError::Start(Fault::Identity));
					}
				}
				Start::Imported { source, state, points: Box::new(points) }
			},
			[code] => return Err(CeremonyError::Code { what: "the start", code }),
		};
		let terms = match array(input)? {
			[0] => None,
			[1] => Some(Terms::read(input)?),
			[code] => return Err(CeremonyError::Code { what: "the presence of terms", code }),
		};
		if terms.is_none() && matches!(start, Start::One) {
			// Points that everybody can forge with, and nobody can change.
			return Err(CeremonyError::NoTerms);
		}
		let mut head = Self::new(power, start, terms)?;
		head.chain = head.chain.read(input)?;
		head.chain.check()?;
		Ok(head)
	}

	/// The digest that the points must have, if any is recorded.
	fn state(&self) -> Option<[u8; 32]> {
		match (self.chain.records.last(), &self.start) {
			(Some(record), _) => Some(record.state),
			(None, Start::Imported { state, .. }) => Some(*state),
			(None, Start::One) => None,
		}
	}

	/// Checks the beacon, reads the points, checks them and that nothing follows, and keeps the first
	/// `2^keep`.
	fn read_points(
		&self,
		input: &mut impl Read,
		keep: u8,
	) -> Result<(Reference, [u8; 32]), CeremonyError> {
		self.chain.verify_beacon()?;
		let mut input = Hashing { inner: input, state: hash::hasher() };
		let blame = |fault| self.chain.blame(fault);
		let body = Body::read(&mut input, self.power, keep, Compress::No, &blame)?;
		let state = hash::digest(&input.state);
		end(input.inner)?;
		if self.state().is_some_and(|expected| expected != state) {
			return Err(blame(Fault::Digest));
		}
		body.check(self.chain.points()).map_err(blame)?;
		Ok((body.reference, state))
	}
}

fn header(power: u8, start: &Start, terms: Option<&Terms>) -> Vec<u8> {
	let mut bytes = MAGIC.to_vec();
	bytes.extend_from_slice(&FORMAT.to_le_bytes());
	bytes.push(power);
	match start {
		Start::One => bytes.push(0),
		Start::Imported { source, state, points } => {
			bytes.push(1);
			bytes.extend_from_slice(source);
			bytes.extend_from_slice(state);
			points.iter().for_each(|point| put(&mut bytes, point, Compress::Yes));
		},
	}
	bytes.push(u8::from(terms.is_some()));
	if let Some(terms) = terms {
		terms.write(&mut bytes);
	}
	bytes
}

/// A stream that is hashed as it is read.
struct Hashing<'a, R> {
	inner: &'a mut R,
	state: blake2b_simd::State,
}

impl<R: Read> Read for Hashing<'_, R> {
	fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
		let count = self.inner.read(buffer)?;
		self.state.update(&buffer[..count]);
		Ok(count)
	}
}

/// Reads `count` points in chunks, each given to `visit` with the number of its first point.
fn stream<P: Point>(
	input: &mut impl Read,
	count: usize,
	compress: Compress,
	mut visit: impl FnMut(usize, Vec<P>) -> Result<(), CeremonyError>,
	bad: impl Fn(usize) -> CeremonyError,
) -> Result<(), CeremonyError> {
	let size = size::<P>(compress);
	let mut buffer = vec![0; size * CHUNK.min(count)];
	for first in (0..count).step_by(CHUNK) {
		let bytes = &mut buffer[..size * CHUNK.min(count - first)];
		fill(input, bytes)?;
		let points = decode(bytes, compress).map_err(|index| bad(first + index))?;
		visit(first, points)?;
	}
	Ok(())
}

/// The points of a file, the first few kept, and combinations of all to check them by.
struct Body {
	reference: Reference,
	tau_g1: Geometric<G1Affine>,
	tau_g2: Geometric<G2Affine>,
	alpha: Geometric<G1Affine>,
	beta: Geometric<G1Affine>,
}

impl Body {
	fn read(
		input: &mut impl Read,
		power: u8,
		keep: u8,
		compress: Compress,
		blame: &impl Fn(Fault) -> CeremonyError,
	) -> Result<Self, CeremonyError> {
		let (n, kept) = (1usize << power, 1usize << keep.clamp(1, power));
		let (kept_g1, tau_g1) = sequence(input, TAU_G1, 2 * n - 1, 2 * kept - 1, compress, blame)?;
		let (kept_g2, tau_g2) = sequence(input, TAU_G2, n, kept, compress, blame)?;
		let (alpha_g1, alpha) = sequence(input, ALPHA, n, kept, compress, blame)?;
		let (beta_g1, beta) = sequence(input, BETA, n, kept, compress, blame)?;
		let (beta_g2, _) = sequence(input, BETA_G2, 1, 1, compress, blame)?;
		let reference =
			Reference { tau_g1: kept_g1, tau_g2: kept_g2, alpha_g1, beta_g1, beta_g2: beta_g2[0] };
		Ok(Self { reference, tau_g1, tau_g2, alpha, beta })
	}

	/// Checks that all points are powers of the secrets in `points`: τ, α and β in G1.
	fn check(&self, points: &[G1Affine; 3]) -> Result<(), Fault> {
		let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
		let Reference { tau_g1, tau_g2, alpha_g1, beta_g1, beta_g2 } = &self.reference;
		let [tau, alpha, beta] = *points;
		for (good, what) in [
			(tau_g1[0] == g1 && tau_g1[1] == tau, TAU_G1),
			(tau_g2[0] == g2 && same_pairing((tau, g2), (g1, tau_g2[1])), TAU_G2),
			(alpha_g1[0] == alpha, ALPHA),
			(beta_g1[0] == beta, BETA),
			(same_pairing((beta, g2), (g1, *beta_g2)), BETA_G2),
			(same_pairing((self.tau_g1.low, tau_g2[1]), (self.tau_g1.high, g2)), TAU_G1),
			(same_pairing((tau, self.tau_g2.low), (g1, self.tau_g2.high)), TAU_G2),
			(same_pairing((self.alpha.low, tau_g2[1]), (self.alpha.high, g2)), ALPHA),
			(same_pairing((self.beta.low, tau_g2[1]), (self.beta.high, g2)), BETA),
		] {
			if !good {
				return Err(Fault::Inconsistent(what));
			}
		}
		Ok(())
	}
}

/// Reads a sequence of powers; returns the first `keep`, and the combinations of all.
fn sequence<P: Point>(
	input: &mut impl Read,
	what: &'static str,
	count: usize,
	keep: usize,
	compress: Compress,
	blame: &impl Fn(Fault) -> CeremonyError,
) -> Result<(Vec<P>, Geometric<P>), CeremonyError> {
	let mut kept: Vec<P> = Vec::new();
	let mut geometric = Geometric::new(count);
	let visit = |_, points: Vec<P>| {
		geometric.add(&points);
		let missing = keep.saturating_sub(kept.len());
		kept.extend_from_slice(&points[..missing.min(points.len())]);
		Ok(())
	};
	let bad = |index| blame(Fault::State { what, index });
	stream(input, count, compress, visit, bad)?;
	Ok((kept, geometric))
}

fn write(output: &mut impl Write, bytes: &[u8]) -> Result<(), CeremonyError> {
	output.write_all(bytes).map_err(|error| CeremonyError::Io(error.to_string()))
}

fn seek(file: &mut impl Seek, to: u64) -> Result<(), CeremonyError> {
	file.seek(SeekFrom::Start(to)).map_err(|error| CeremonyError::Io(error.to_string()))?;
	Ok(())
}

fn position(file: &mut impl Seek) -> Result<u64, CeremonyError> {
	file.stream_position().map_err(|error| CeremonyError::Io(error.to_string()))
}

/// Begins a phase 1 for domains up to `2^power`, in which all secrets are one.
pub fn new(power: u8, terms: Terms, output: &mut impl Write) -> Result<(), CeremonyError> {
	let head = Head::new(power, Start::One, Some(terms))?;
	write(output, &head.to_bytes())?;
	let n = 1usize << power;
	let (g1, g2) = (encode(&[G1Affine::generator()]), encode(&[G2Affine::generator()]));
	for (point, count) in [(&g1, 2 * n - 1), (&g2, n), (&g1, n), (&g1, n), (&g2, 1)] {
		for first in (0..count).step_by(CHUNK) {
			write(output, &point.repeat(CHUNK.min(count - first)))?;
		}
	}
	Ok(())
}

/// Contributes to a phase 1: verifies `input`, and writes it with the contribution to `output`,
/// which must be empty. `clock` tells the seconds since 1970, and is asked before and after: the
/// beacon's round must not have been. `entropy` is mixed into what `rng` gives.
pub fn contribute(
	input: &mut (impl Read + Seek),
	output: &mut (impl Write + Seek),
	identity: &Identity,
	clock: impl Fn() -> u64,
	rng: &mut (impl RngCore + CryptoRng),
	entropy: &[u8],
) -> Result<Status, CeremonyError> {
	let mut head = Head::read(input)?;
	let secrets = Secrets::draw(rng, entropy);
	// A place for the record, whose length is known, and whose digest is not.
	let mut draft = head.clone();
	draft.chain.contribute(identity, &secrets, [0; 32], clock())?;
	let state = change(&head, input, output, &draft, &secrets.factors)?;
	head.chain.contribute(identity, &secrets, state, clock())?;
	complete(&head, output)
}

/// Applies the beacon to a phase 1: verifies `input`, and writes the result to `output`.
pub fn beacon(
	input: &mut (impl Read + Seek),
	output: &mut (impl Write + Seek),
	round: u64,
	value: &[u8],
) -> Result<Status, CeremonyError> {
	let mut head = Head::read(input)?;
	let due = head.chain.beacon(round, value)?;
	let mut draft = head.clone();
	draft.chain.push_beacon(&due, [0; 32]);
	let state = change(&head, input, output, &draft, &due.factors)?;
	head.chain.push_beacon(&due, state);
	complete(&head, output)
}

/// Closes a phase 1: verifies `input`, and writes it with the coordinator's signature to `output`.
pub fn finalize(
	input: &mut (impl Read + Seek),
	output: &mut (impl Write + Seek),
	coordinator: &Identity,
) -> Result<Status, CeremonyError> {
	let mut head = Head::read(input)?;
	let points = position(input)?;
	let mut draft = head.clone();
	draft.chain.finalize(coordinator)?;
	head.read_points(input, 1)?;
	head = draft;
	write(output, &head.to_bytes())?;
	seek(input, points)?;
	std::io::copy(input, output).map_err(|error| CeremonyError::Io(error.to_string()))?;
	Ok(Status::from(&head.chain))
}

/// Writes the head again, now that it is known.
fn complete(head: &Head, output: &mut (impl Write + Seek)) -> Result<Status, CeremonyError> {
	seek(output, 0)?;
	write(output, &head.to_bytes())?;
	Ok(Status::from(&head.chain))
}

/// Verifies the points of `input`, and writes `draft` and the points times powers of the factors.
/// Returns the digest of the points written.
fn change(
	head: &Head,
	input: &mut (impl Read + Seek),
	output: &mut impl Write,
	draft: &Head,
	[tau, alpha, beta]: &[Fr; 3],
) -> Result<[u8; 32], CeremonyError> {
	let at = position(input)?;
	let (_, before) = head.read_points(input, 1)?;
	seek(input, at)?;
	write(output, &draft.to_bytes())?;
	let mut input = Hashing { inner: input, state: hash::hasher() };
	let mut state = hash::hasher();
	let n = 1usize << head.power;
	let mut put = |bytes: &[u8]| {
		state.update(bytes);
		write(output, bytes)
	};
	multiply::<G1Affine>(&mut input, &mut put, 2 * n - 1, Fr::ONE, *tau)?;
	multiply::<G2Affine>(&mut input, &mut put, n, Fr::ONE, *tau)?;
	multiply::<G1Affine>(&mut input, &mut put, n, *alpha, *tau)?;
	multiply::<G1Affine>(&mut input, &mut put, n, *beta, *tau)?;
	multiply::<G2Affine>(&mut input, &mut put, 1, *beta, Fr::ONE)?;
	// The points that were verified are those that were changed.
	match hash::digest(&input.state) == before {
		true => Ok(hash::digest(&state)),
		false => Err(head.chain.blame(Fault::Digest)),
	}
}

/// Point `i` times `first · step^i`.
fn multiply<P: Point>(
	input: &mut impl Read,
	put: &mut impl FnMut(&[u8]) -> Result<(), CeremonyError>,
	count: usize,
	first: Fr,
	step: Fr,
) -> Result<(), CeremonyError> {
	let mut next = Zeroizing::new(first);
	let visit = |_, points: Vec<P>| {
		let mut factors = Zeroizing::new(Vec::with_capacity(points.len()));
		for _ in 0..points.len() {
			factors.push(*next);
			*next *= step;
		}
		// Checked again: the file may have changed, and a secret must never meet a point of small
		// order, not even if what comes of it is thrown away.
		put(&encode(&P::scale(&points, |index| factors[index])))
	};
	let bad = |index| CeremonyError::Start(Fault::State { what: "the file", index });
	stream(input, count, Compress::No, visit, bad)
}

impl Powers {
	/// Reads and verifies a file, and keeps what domains up to `2^keep` need. It need not be
	/// finished: [`Powers::status`] tells.
	pub fn read(input: &mut impl Read, keep: u8) -> Result<Self, CeremonyError> {
		let head = Head::read(input)?;
		let (reference, _) = head.read_points(input, keep)?;
		let status = Status::from(&head.chain);
		Ok(Self { power: head.power, start: head.start, status, reference })
	}

	/// The largest domain is 2 to this power.
	pub fn power(&self) -> u8 {
		self.power
	}

	/// `blake2b-512` of the file that the powers were imported from: what whoever imported them
	/// says. [`Powers::verify_source`] checks it.
	pub fn source(&self) -> Option<&[u8; 64]> {
		match &self.start {
			Start::One => None,
			Start::Imported { source, .. } => Some(source),
		}
	}

	/// Where the ceremony stands.
	pub fn status(&self) -> &Status {
		&self.status
	}

	pub(super) fn reference(&self) -> &Reference {
		&self.reference
	}
}

/// The hash of a file's transcript, without looking at its points: tells whether it is the file
/// that a phase 2 was begun with before verifying it for minutes.
pub fn peek(input: &mut impl Read) -> Result<Status, CeremonyError> {
	Ok(Status::from(&Head::read(input)?.chain))
}
