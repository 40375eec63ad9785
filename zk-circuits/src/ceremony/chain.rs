//! The chain of contributions, the same in both phases: `K` secrets are each multiplied on.
//!
//! The *head* of a chain is a hash of everything before. Each contribution proves knowledge of
//! its factors by Schnorr's protocol, whose challenge hashes the head, and is signed by its
//! participant, together with the head: it is valid in one place of one transcript.

use super::{
	beacon::factors,
	points::{array, checked, fill, put, Point},
	wide_hash, wide_scalar, CeremonyError, Fault, Identity, PublicKey, Terms,
};
use crate::{
	hash::blake2b_256,
	statement::{scalar_from_bytes, scalar_to_bytes},
};
use ark_bls12_381::{Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, Field, Zero};
use ark_serialize::Compress;
use ark_std::rand::{CryptoRng, RngCore};
use std::{io::Read, sync::OnceLock};
use zeroize::{Zeroize, Zeroizing};

/// The secrets of a contribution. They are erased when dropped.
pub(super) struct Secrets<const K: usize> {
	/// What the secrets of the ceremony are multiplied by: neither zero nor one.
	pub(super) factors: [Fr; K],
	/// What factors and nonces are derived from.
	seed: [u8; 64],
}

impl<const K: usize> Secrets<K> {
	/// Draws secrets from a generator, mixed with what the user gives: they are as unpredictable as
	/// the better of the two.
	pub(super) fn draw(rng: &mut (impl RngCore + CryptoRng), entropy: &[u8]) -> Self {
		let mut drawn = Zeroizing::new([0; 64]);
		rng.fill_bytes(&mut *drawn);
		let seed = wide_hash(&[b"zkonnx/ceremony/seed/2", &*drawn, entropy]);
		let factors = std::array::from_fn(|index| {
			wide_scalar(&[b"zkonnx/ceremony/factor/2", &[index as u8], &seed])
		});
		let secrets = Self { factors, seed };
		let trivial = |factor: &Fr| factor.is_zero() || *factor == Fr::ONE;
		match secrets.factors.iter().any(trivial) {
			// A chance of 2^-254.
			true => Self::draw(rng, entropy),
			false => secrets,
		}
	}

	/// The nonces of the proof of knowledge. They are derived from all that its challenge depends
	/// on: should a generator repeat itself, in a copy of a machine say, then no nonce meets two
	/// challenges, which would give the factors away.
	fn nonces(&self, claim: &Claim<K>) -> Zeroizing<[Fr; K]> {
		let claim = claim.to_bytes();
		Zeroizing::new(std::array::from_fn(|index| {
			wide_scalar(&[b"zkonnx/ceremony/nonce/2", &[index as u8], &self.seed, &claim])
		}))
	}
}

impl<const K: usize> Drop for Secrets<K> {
	fn drop(&mut self) {
		self.factors.zeroize();
		self.seed.zeroize();
	}
}

/// One link: what it makes of the secrets, and who is behind it.
#[derive(Clone, Debug)]
pub(super) struct Record<const K: usize> {
	/// The generator times the product of all factors so far, for each secret.
	pub(super) points: [G1Affine; K],
	/// `blake2b-256` of all points that the record leaves behind.
	pub(super) state: [u8; 32],
	pub(super) kind: Kind<K>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<const K: usize> {
	Contribution {
		participant: u16,
		/// Schnorr: the point before, times a nonce.
		commitments: [G1Affine; K],
		/// Schnorr: nonce + challenge · factor.
		responses: [Fr; K],
		signature: [u8; 64],
	},
	Beacon {
		value: Vec<u8>,
		/// The value after its delay, once that was waited for.
		delayed: OnceLock<[u8; 32]>,
	},
}

/// The value of the beacon's round, when it may be applied.
pub(super) struct Due<const K: usize> {
	/// What the secrets of the ceremony are multiplied by.
	pub(super) factors: [Fr; K],
	value: Vec<u8>,
	delayed: [u8; 32],
}

impl<const K: usize> Record<K> {
	/// Everything but the signature.
	fn signed_part(&self) -> Vec<u8> {
		let mut bytes = Vec::new();
		match &self.kind {
			Kind::Contribution { participant, .. } => {
				bytes.push(0);
				bytes.extend_from_slice(&participant.to_le_bytes());
			},
			Kind::Beacon { value, .. } => {
				bytes.extend_from_slice(&[1, value.len() as u8]);
				bytes.extend_from_slice(value);
			},
		}
		self.points.iter().for_each(|point| put(&mut bytes, point, Compress::Yes));
		if let Kind::Contribution { commitments, responses, .. } = &self.kind {
			commitments.iter().for_each(|point| put(&mut bytes, point, Compress::Yes));
			responses.iter().for_each(|x| bytes.extend_from_slice(&scalar_to_bytes(*x)));
		}
		bytes.extend_from_slice(&self.state);
		bytes
	}

	fn to_bytes(&self) -> Vec<u8> {
		let mut bytes = self.signed_part();
		if let Kind::Contribution { signature, .. } = &self.kind {
			bytes.extend_from_slice(signature);
		}
		bytes
	}

	fn read(input: &mut impl Read, index: usize) -> Result<Self, CeremonyError> {
		let bad = |fault| CeremonyError::Contribution { index, fault };
		let [code] = array(input)?;
		let mut participant = 0;
		let mut value = Vec::new();
		match code {
			0 => participant = u16::from_le_bytes(array(input)?),
			1 => {
				value = vec![0; usize::from(array::<1>(input)?[0])];
				fill(input, &mut value)?;
			},
			code => return Err(bad(Fault::Kind(code))),
		}
		let points = |input: &mut _| -> Result<[G1Affine; K], CeremonyError> {
			let mut points = [G1Affine::zero(); K];
			for point in &mut points {
				let bytes: [u8; 48] = array(input)?;
				*point = checked(&bytes, Compress::Yes).ok_or_else(|| bad(Fault::Point))?;
			}
			Ok(points)
		};
		let after = points(input)?;
		if after.iter().any(AffineRepr::is_zero) {
			return Err(bad(Fault::Identity));
		}
		if code == 1 {
			let kind = Kind::Beacon { value, delayed: OnceLock::new() };
			return Ok(Self { points: after, state: array(input)?, kind });
		}
		let commitments = points(input)?;
		let mut responses = [Fr::ZERO; K];
		for response in &mut responses {
			*response = scalar_from_bytes(&array(input)?).map_err(|_| bad(Fault::Scalar))?;
		}
		let state = array(input)?;
		let signature = array(input)?;
		let kind = Kind::Contribution { participant, commitments, responses, signature };
		Ok(Self { points: after, state, kind })
	}
}

/// A transcript without its points.
#[derive(Clone, Debug)]
pub(super) struct Chain<const K: usize> {
	/// Hash of the header, which says what the ceremony is for and on what terms.
	pub(super) root: [u8; 32],
	/// `None` if the points were imported as they are.
	pub(super) terms: Option<Terms>,
	/// The points before the first contribution.
	pub(super) start: [G1Affine; K],
	pub(super) records: Vec<Record<K>>,
	/// The coordinator's signature of number of records and head.
	pub(super) seal: Option<[u8; 64]>,
}

impl<const K: usize> Chain<K> {
	pub(super) fn new(header: &[u8], terms: Option<Terms>, start: [G1Affine; K]) -> Self {
		let root = blake2b_256(&[b"zkonnx/ceremony/header/1", header]);
		Self { root, terms, start, records: Vec::new(), seal: None }
	}

	/// The hash of the first `count` records and all before them.
	fn head_after(&self, count: usize) -> [u8; 32] {
		self.records[..count].iter().fold(self.root, |head, record| advance(&head, record))
	}

	/// The hash of the whole transcript, seal included: its name.
	pub(super) fn id(&self) -> [u8; 32] {
		let head = self.head_after(self.records.len());
		match &self.seal {
			Some(seal) => blake2b_256(&[b"zkonnx/ceremony/sealed/1", &head, seal]),
			None => head,
		}
	}

	/// The head after each record, and the participant whose it is.
	pub(super) fn heads(&self) -> Vec<([u8; 32], Option<PublicKey>)> {
		let participants = self.terms.as_ref().map_or(&[][..], |terms| &terms.participants);
		let mut head = self.root;
		let records = self.records.iter().map(|record| {
			head = advance(&head, record);
			let key = match &record.kind {
				Kind::Contribution { participant, .. } => {
					participants.get(usize::from(*participant)).copied()
				},
				Kind::Beacon { .. } => None,
			};
			(head, key)
		});
		records.collect()
	}

	/// The points after all records.
	pub(super) fn points(&self) -> &[G1Affine; K] {
		self.records.last().map_or(&self.start, |record| &record.points)
	}

	/// The error for a fault of the points in the file: they are what the last record left behind.
	pub(super) fn blame(&self, fault: Fault) -> CeremonyError {
		match self.records.len().checked_sub(1) {
			Some(index) => CeremonyError::Contribution { index, fault },
			None => CeremonyError::Start(fault),
		}
	}

	/// Number of contributions, without the beacon.
	pub(super) fn contributions(&self) -> usize {
		self.records.len() - usize::from(self.closed())
	}

	/// Whether the beacon has been applied.
	pub(super) fn closed(&self) -> bool {
		matches!(self.records.last().map(|record| &record.kind), Some(Kind::Beacon { .. }))
	}

	/// Whether nothing can be added any more.
	pub(super) fn finished(&self) -> bool {
		self.terms.is_none() || self.seal.is_some()
	}

	fn terms(&self) -> Result<&Terms, CeremonyError> {
		self.terms.as_ref().ok_or(CeremonyError::NoTerms)
	}

	/// Appends the encoding: number of records, records, seal.
	pub(super) fn write(&self, bytes: &mut Vec<u8>) {
		bytes.extend_from_slice(&(self.records.len() as u16).to_le_bytes());
		self.records.iter().for_each(|record| bytes.extend_from_slice(&record.to_bytes()));
		bytes.push(u8::from(self.seal.is_some()));
		bytes.extend_from_slice(self.seal.as_ref().map_or(&[], |seal| &seal[..]));
	}

	/// Reads the records and the seal.
	pub(super) fn read(mut self, input: &mut impl Read) -> Result<Self, CeremonyError> {
		let count = u16::from_le_bytes(array(input)?);
		for index in 0..usize::from(count) {
			self.records.push(Record::read(input, index)?);
		}
		self.seal = match array(input)? {
			[0] => None,
			[1] => Some(array(input)?),
			[code] => return Err(CeremonyError::Code { what: "the seal", code }),
		};
		Ok(self)
	}

	/// Checks every record in its place, and the seal.
	pub(super) fn verify(&self) -> Result<(), CeremonyError> {
		self.check()?;
		self.verify_beacon()
	}

	/// All of [`Chain::verify`] but [`Chain::verify_beacon`]: what does not take long.
	pub(super) fn check(&self) -> Result<(), CeremonyError> {
		if self.records.is_empty() && self.seal.is_none() {
			return Ok(());
		}
		let terms = self.terms()?;
		let (mut head, mut before) = (self.root, &self.start);
		let mut seen = vec![false; terms.participants.len()];
		for (index, record) in self.records.iter().enumerate() {
			self.check_record(terms, index, &head, before, &mut seen)
				.map_err(|fault| CeremonyError::Contribution { index, fault })?;
			head = advance(&head, record);
			before = &record.points;
		}
		if let Some(seal) = &self.seal {
			self.may_finalize(terms)?;
			let message = seal_message(self.records.len(), &head);
			if !terms.coordinator.signed(&message, seal) {
				return Err(CeremonyError::Seal { records: self.records.len() });
			}
		}
		Ok(())
	}

	fn check_record(
		&self,
		terms: &Terms,
		index: usize,
		head: &[u8; 32],
		before: &[G1Affine; K],
		seen: &mut [bool],
	) -> Result<(), Fault> {
		let record = &self.records[index];
		let earlier = index.checked_sub(1).map(|index| &self.records[index].kind);
		if matches!(earlier, Some(Kind::Beacon { .. })) {
			return Err(Fault::AfterBeacon);
		}
		match &record.kind {
			Kind::Contribution { participant, commitments, responses, signature } => {
				let (at, participants) = (usize::from(*participant), terms.participants.len());
				let Some(key) = terms.participants.get(at) else {
					return Err(Fault::Stranger { got: *participant, participants });
				};
				if std::mem::replace(&mut seen[at], true) {
					return Err(Fault::Repeated(*participant));
				}
				if !key.signed(&contribution_message(head, record), signature) {
					return Err(Fault::Signature);
				}
				if before.iter().zip(&record.points).any(|(before, after)| before == after) {
					return Err(Fault::Unchanged);
				}
				let after = &record.points;
				let claim = Claim { head, participant: *participant, before, after };
				let challenge = claim.challenge(commitments);
				let holds = (0..K).all(|i| {
					before[i] * responses[i] == commitments[i] + record.points[i] * challenge
				});
				holds.then_some(()).ok_or(Fault::Knowledge)
			},
			Kind::Beacon { value, .. } => {
				let minimum = terms.minimum;
				if index < usize::from(minimum) {
					return Err(Fault::EarlyBeacon { minimum });
				}
				terms.beacon.admits(value).then_some(()).ok_or(Fault::Value)
			},
		}
	}

	/// Checks that the points of the beacon follow from its value; of a chain that passes
	/// [`Chain::check`]. Waits for the value's delay, once.
	pub(super) fn verify_beacon(&self) -> Result<(), CeremonyError> {
		let Some((last, earlier)) = self.records.split_last() else { return Ok(()) };
		let Kind::Beacon { value, delayed } = &last.kind else { return Ok(()) };
		let beacon = &self.terms()?.beacon;
		let delayed = delayed.get_or_init(|| beacon.delayed(value));
		let factors = factors(&self.head_after(earlier.len()), delayed);
		let before = earlier.last().map_or(&self.start, |record| &record.points);
		match times(before, &factors) == last.points {
			true => Ok(()),
			false => Err(self.blame(Fault::Beacon)),
		}
	}

	/// The number of a participant who may contribute at a time, in seconds since 1970.
	pub(super) fn may_contribute(&self, key: &PublicKey, now: u64) -> Result<u16, CeremonyError> {
		let terms = self.terms()?;
		if self.seal.is_some() {
			return Err(CeremonyError::Finished);
		}
		if self.closed() {
			return Err(CeremonyError::Closed);
		}
		let participant = terms.participants.iter().position(|other| other == key);
		let participant = participant.ok_or(CeremonyError::Stranger(*key))? as u16;
		let repeated = self.records.iter().any(
			|record| matches!(record.kind, Kind::Contribution { participant: p, .. } if p == participant),
		);
		if repeated {
			return Err(CeremonyError::Repeated(participant));
		}
		match terms.beacon.time() {
			Some(time) if time <= now => {
				Err(CeremonyError::Late { round: terms.beacon.round, seconds: now - time })
			},
			_ => Ok(participant),
		}
	}

	/// Adds a contribution that leaves points with the digest `state` behind.
	pub(super) fn contribute(
		&mut self,
		identity: &Identity,
		secrets: &Secrets<K>,
		state: [u8; 32],
		now: u64,
	) -> Result<(), CeremonyError> {
		let participant = self.may_contribute(&identity.public(), now)?;
		let (head, before) = (self.head_after(self.records.len()), *self.points());
		let points = times(&before, &secrets.factors);
		let claim = Claim { head: &head, participant, before: &before, after: &points };
		let nonces = secrets.nonces(&claim);
		let commitments = times(&before, &nonces);
		let challenge = claim.challenge(&commitments);
		let responses = std::array::from_fn(|i| nonces[i] + challenge * secrets.factors[i]);
		let signature = [0; 64];
		let kind = Kind::Contribution { participant, commitments, responses, signature };
		let mut record = Record { points, state, kind };
		let signed = identity.sign(&contribution_message(&head, &record));
		if let Kind::Contribution { signature, .. } = &mut record.kind {
			*signature = signed;
		}
		self.records.push(record);
		Ok(())
	}

	/// What the beacon does, if it may be applied now and the value is that of the round. Waits for
	/// the value's delay.
	pub(super) fn beacon(&self, round: u64, value: &[u8]) -> Result<Due<K>, CeremonyError> {
		let terms = self.terms()?;
		if self.seal.is_some() {
			return Err(CeremonyError::Finished);
		}
		if self.closed() {
			return Err(CeremonyError::Closed);
		}
		let (got, minimum) = (self.records.len(), terms.minimum);
		if got < usize::from(minimum) {
			return Err(CeremonyError::TooFew { got, minimum });
		}
		if terms.beacon.round != round {
			return Err(CeremonyError::Round { expected: terms.beacon.round, got: round });
		}
		if !terms.beacon.admits(value) {
			return Err(CeremonyError::Value);
		}
		let delayed = terms.beacon.delayed(value);
		let factors = factors(&self.head_after(got), &delayed);
		Ok(Due { factors, value: value.to_vec(), delayed })
	}

	/// Adds the beacon that [`Chain::beacon`] gave.
	pub(super) fn push_beacon(&mut self, due: &Due<K>, state: [u8; 32]) {
		let points = times(self.points(), &due.factors);
		let kind = Kind::Beacon { value: due.value.clone(), delayed: due.delayed.into() };
		self.records.push(Record { points, state, kind });
	}

	fn may_finalize(&self, terms: &Terms) -> Result<(), CeremonyError> {
		let (got, minimum) = (self.contributions(), terms.minimum);
		if got < usize::from(minimum) {
			return Err(CeremonyError::TooFew { got, minimum });
		}
		match self.closed() {
			true => Ok(()),
			false => Err(CeremonyError::NoBeacon),
		}
	}

	/// Signs number of records and head, so that no shorter transcript is a valid one.
	pub(super) fn finalize(&mut self, coordinator: &Identity) -> Result<(), CeremonyError> {
		let terms = self.terms()?;
		if self.seal.is_some() {
			return Err(CeremonyError::Finished);
		}
		let (expected, got) = (terms.coordinator, coordinator.public());
		if expected != got {
			return Err(CeremonyError::Coordinator { expected, got });
		}
		self.may_finalize(terms)?;
		let head = self.head_after(self.records.len());
		self.seal = Some(coordinator.sign(&seal_message(self.records.len(), &head)));
		Ok(())
	}
}

fn advance<const K: usize>(head: &[u8; 32], record: &Record<K>) -> [u8; 32] {
	blake2b_256(&[b"zkonnx/ceremony/record/1", head, &record.to_bytes()])
}

fn contribution_message<const K: usize>(head: &[u8; 32], record: &Record<K>) -> Vec<u8> {
	[b"zkonnx/ceremony/contribution/1", &head[..], &record.signed_part()].concat()
}

fn seal_message(records: usize, head: &[u8; 32]) -> Vec<u8> {
	[b"zkonnx/ceremony/seal/1", &(records as u64).to_le_bytes()[..], head].concat()
}

/// What a proof of knowledge proves, of whom, and where: that `after` is `before` times factors.
struct Claim<'a, const K: usize> {
	head: &'a [u8; 32],
	participant: u16,
	before: &'a [G1Affine; K],
	after: &'a [G1Affine; K],
}

impl<const K: usize> Claim<'_, K> {
	/// Of one length for each `K`.
	fn to_bytes(&self) -> Vec<u8> {
		let mut bytes = self.head.to_vec();
		bytes.extend_from_slice(&self.participant.to_le_bytes());
		for point in self.before.iter().chain(self.after) {
			put(&mut bytes, point, Compress::Yes);
		}
		bytes
	}

	fn challenge(&self, commitments: &[G1Affine; K]) -> Fr {
		let mut bytes = self.to_bytes();
		commitments.iter().for_each(|point| put(&mut bytes, point, Compress::Yes));
		wide_scalar(&[b"zkonnx/ceremony/knowledge/1", &bytes])
	}
}

fn times<const K: usize>(points: &[G1Affine; K], factors: &[Fr; K]) -> [G1Affine; K] {
	let products = G1Affine::scale(points, |index| factors[index]);
	std::array::from_fn(|index| products[index])
}

#[cfg(test)]
mod tests;
