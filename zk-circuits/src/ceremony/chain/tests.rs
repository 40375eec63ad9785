use super::*;
use crate::ceremony::{Beacon, Source};
use ark_bls12_381::{Fq, G2Affine};
use ark_ec::CurveGroup;
use ark_ff::UniformRand;
use ark_std::rand::{rngs::StdRng, SeedableRng};

const VALUE: &[u8] = b"the dice fell thus";

fn identity(number: u8) -> Identity {
	Identity::from_secret(&[number + 1; 32])
}

fn terms() -> Terms {
	Terms {
		coordinator: identity(100).public(),
		participants: (0..3).map(|number| identity(number).public()).collect(),
		minimum: 2,
		beacon: Beacon { source: Source::Named("dice".into()), round: 7, delay: 2 },
		nonce: [42; 32],
	}
}

fn start() -> Chain<2> {
	Chain::new(b"header", Some(terms()), [G1Affine::generator(); 2])
}

fn secrets(number: u64) -> Secrets<2> {
	Secrets::draw(&mut StdRng::seed_from_u64(number), b"entropy")
}

fn contribute(chain: &mut Chain<2>, number: u8) {
	let identity = identity(number);
	let secrets = secrets(number.into());
	chain.contribute(&identity, &secrets, [number; 32], 0).expect("a contribution");
}

fn with(contributions: u8) -> Chain<2> {
	let mut chain = start();
	(0..contributions).for_each(|number| contribute(&mut chain, number));
	chain
}

fn closed() -> Chain<2> {
	let mut chain = with(2);
	let due = chain.beacon(7, VALUE).expect("its value");
	chain.push_beacon(&due, [9; 32]);
	chain
}

/// A beacon that nobody has asked whether it may be applied.
fn due(factors: [Fr; 2], value: &[u8]) -> Due<2> {
	Due { factors, value: value.to_vec(), delayed: terms().beacon.delayed(value) }
}

/// What the beacon of a value would do after all records of a chain.
fn undue(chain: &Chain<2>, value: &[u8]) -> Due<2> {
	due(factors(&chain.id(), &terms().beacon.delayed(value)), value)
}

fn sealed() -> Chain<2> {
	let mut chain = closed();
	chain.finalize(&identity(100)).expect("closed");
	chain
}

/// Signs a record again, as a participant who cheats would.
fn sign(chain: &mut Chain<2>, index: usize, by: u8) {
	let message = contribution_message(&chain.head_after(index), &chain.records[index]);
	if let Kind::Contribution { signature, .. } = &mut chain.records[index].kind {
		*signature = identity(by).sign(&message);
	}
}

fn fault(chain: &Chain<2>) -> (usize, Fault) {
	match chain.verify() {
		Err(CeremonyError::Contribution { index, fault }) => (index, fault),
		other => panic!("{other:?}"),
	}
}

fn bytes(chain: &Chain<2>) -> Vec<u8> {
	let mut bytes = Vec::new();
	chain.write(&mut bytes);
	bytes
}

fn read(bytes: &[u8]) -> Result<Chain<2>, CeremonyError> {
	let mut input = bytes;
	let chain = start().read(&mut input)?;
	assert!(input.is_empty());
	Ok(chain)
}

fn read_fault(bytes: &[u8]) -> (usize, Fault) {
	match read(bytes) {
		Err(CeremonyError::Contribution { index, fault }) => (index, fault),
		other => panic!("{other:?}"),
	}
}

#[test]
fn honest_chains_are_valid_and_survive_a_file() {
	for chain in [start(), with(1), with(3), closed(), sealed()] {
		assert_eq!(chain.verify(), Ok(()));
		let again = read(&bytes(&chain)).expect("its own bytes");
		assert_eq!(again.verify(), Ok(()));
		assert_eq!(again.id(), chain.id());
		assert_eq!(bytes(&again), bytes(&chain));
	}
	assert_eq!(
		(closed().contributions(), closed().closed(), closed().finished()),
		(2, true, false)
	);
	assert!(sealed().finished());
	let keys = [Some(identity(0).public()), Some(identity(1).public()), None];
	let heads = [with(1).id(), with(2).id(), closed().id()];
	assert_eq!(sealed().heads(), heads.into_iter().zip(keys).collect::<Vec<_>>());
	let ids = [start().id(), with(1).id(), with(2).id(), closed().id(), sealed().id()];
	assert!((1..ids.len()).all(|i| !ids[..i].contains(&ids[i])));
}

#[test]
fn points_are_products_of_factors() {
	let chain = with(2);
	let (first, second) = (secrets(0), secrets(1));
	for i in 0..2 {
		let product = first.factors[i] * second.factors[i];
		assert_eq!(chain.points()[i], (G1Affine::generator() * product).into_affine());
	}
}

#[test]
fn secrets_depend_on_generator_and_entropy() {
	let draw = |seed, entropy: &[u8]| {
		Secrets::<2>::draw(&mut StdRng::seed_from_u64(seed), entropy).factors
	};
	assert_eq!(draw(1, b"a"), draw(1, b"a"));
	assert!(draw(1, b"a") != draw(2, b"a"));
	assert!(draw(1, b"a") != draw(1, b"b"));
	let [first, second] = draw(1, b"");
	assert!(first != second);
}

#[test]
fn no_nonce_meets_two_challenges() {
	// A generator that repeats itself, in transcripts that differ in a single thing.
	let secrets = secrets(1);
	let (here, there) = ([G1Affine::generator(); 2], *with(1).points());
	let claims = [
		Claim { head: &[1; 32], participant: 0, before: &here, after: &there },
		Claim { head: &[2; 32], participant: 0, before: &here, after: &there },
		Claim { head: &[1; 32], participant: 1, before: &here, after: &there },
		Claim { head: &[1; 32], participant: 0, before: &there, after: &there },
		Claim { head: &[1; 32], participant: 0, before: &here, after: &here },
	];
	let nonces = claims.each_ref().map(|claim| *secrets.nonces(claim));
	let mut seen = secrets.factors.to_vec();
	for nonce in nonces.into_iter().flatten() {
		assert!(!seen.contains(&nonce));
		seen.push(nonce);
	}
	assert_eq!(*secrets.nonces(&claims[0]), nonces[0], "drafts are signed twice");
}

#[test]
fn flipped_bytes_are_refused() {
	let good = bytes(&sealed());
	for at in (0..good.len()).step_by(2) {
		let mut bytes = good.clone();
		bytes[at] ^= 1;
		let mut input = &bytes[..];
		let verdict = start().read(&mut input).and_then(|chain| chain.verify());
		// Without the seal, its signature is what no file has in this place.
		assert!(verdict.is_err() || !input.is_empty(), "byte {at}");
	}
}

#[test]
fn truncations_are_refused() {
	let good = bytes(&sealed());
	for length in (0..good.len()).step_by(3) {
		let verdict = start().read(&mut &good[..length]);
		assert_eq!(verdict.map(|_| ()), Err(CeremonyError::Truncated), "{length} bytes");
	}
}

/// Bytes of a contribution with two secrets: kind and participant, then points, commitments,
/// responses, state, signature.
const CONTRIBUTION: [usize; 6] = [3, 96, 96, 64, 32, 64];

fn field(record: usize, field: usize) -> usize {
	let size: usize = CONTRIBUTION.iter().sum();
	2 + record * size + CONTRIBUTION[..field].iter().sum::<usize>()
}

#[test]
fn each_field_has_its_own_error() {
	let good = bytes(&sealed());
	let changed = |at: usize, to: &[u8]| {
		let mut bytes = good.clone();
		bytes[at..at + to.len()].copy_from_slice(to);
		bytes
	};
	let verify = |bytes: &[u8]| fault(&read(bytes).expect("readable"));
	let generator = {
		let mut bytes = Vec::new();
		put(&mut bytes, &G1Affine::generator(), Compress::Yes);
		bytes
	};
	let mut identity_point = [0; 48];
	identity_point[0] = 0xc0;

	assert_eq!(read_fault(&changed(field(1, 0), &[7])), (1, Fault::Kind(7)));
	let stranger = Fault::Stranger { got: 9, participants: 3 };
	assert_eq!(verify(&changed(field(1, 0) + 1, &[9])), (1, stranger));
	assert_eq!(verify(&changed(field(1, 0) + 1, &[0])), (1, Fault::Repeated(0)));
	assert_eq!(verify(&changed(field(1, 0) + 1, &[2])), (1, Fault::Signature));
	for part in [1, 2] {
		assert_eq!(read_fault(&changed(field(0, part), &[0xff; 48])), (0, Fault::Point));
		assert_eq!(read_fault(&changed(field(0, part), &outside())), (0, Fault::Point));
		assert_eq!(verify(&changed(field(0, part), &generator)), (0, Fault::Signature));
	}
	assert_eq!(read_fault(&changed(field(1, 1) + 48, &identity_point)), (1, Fault::Identity));
	assert_eq!(verify(&changed(field(0, 2), &identity_point)), (0, Fault::Signature));
	assert_eq!(read_fault(&changed(field(1, 3), &[0xff; 32])), (1, Fault::Scalar));
	assert_eq!(verify(&changed(field(1, 3), &[1; 32])), (1, Fault::Signature));
	assert_eq!(verify(&changed(field(1, 4), &[8; 32])), (1, Fault::Signature));
	assert_eq!(verify(&changed(field(0, 5), &[1; 64])), (0, Fault::Signature));

	let beacon = field(2, 0);
	let point = beacon + 2 + VALUE.len();
	// The beacon is signed by the coordinator.
	for bytes in
		[changed(beacon + 2, b"T"), changed(point, &generator), changed(point + 96, &[1; 32])]
	{
		let mut chain = read(&bytes).expect("readable");
		assert_eq!(chain.verify(), Err(CeremonyError::Seal { records: 3 }));
		chain.seal = None;
		// The digest is of points that are elsewhere.
		let digest = bytes[point + 96..point + 128] == [1; 32];
		assert_eq!(chain.verify().is_ok(), digest);
		assert!(digest || fault(&chain) == (2, Fault::Beacon));
	}
	let code = CeremonyError::Code { what: "the seal", code: 2 };
	assert_eq!(read(&changed(good.len() - 65, &[2])).unwrap_err(), code);
	let chain = read(&changed(good.len() - 1, &[0])).expect("readable");
	assert_eq!(chain.verify(), Err(CeremonyError::Seal { records: 3 }));
}

/// A point on the curve and outside the subgroup.
fn outside() -> Vec<u8> {
	let point = (1u64..)
		.filter_map(|x| G1Affine::get_point_from_x_unchecked(Fq::from(x), false))
		.find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
		.expect("most points are outside");
	let mut bytes = Vec::new();
	put(&mut bytes, &point, Compress::Yes);
	bytes
}

#[test]
fn a_cheating_participant_is_named() {
	// No change: a factor of one, with a good proof and a good signature.
	let mut chain = with(1);
	let mut trivial = secrets(5);
	trivial.factors[1] = Fr::ONE;
	chain.contribute(&identity(1), &trivial, [1; 32], 0).expect("not looked at");
	assert_eq!(fault(&chain), (1, Fault::Unchanged));

	// Points of unknown factors, with the proof of others.
	let mut chain = with(2);
	chain.records[1].points[0] = G1Affine::rand(&mut StdRng::seed_from_u64(1));
	sign(&mut chain, 1, 1);
	assert_eq!(fault(&chain), (1, Fault::Knowledge));

	// A response that does not fit.
	let mut chain = with(2);
	if let Kind::Contribution { responses, .. } = &mut chain.records[0].kind {
		responses[1] += Fr::ONE;
	}
	sign(&mut chain, 0, 0);
	assert_eq!(fault(&chain), (0, Fault::Knowledge));

	// A proof from another place, which somebody else signs again.
	let mut chain = with(1);
	let mut copy = chain.records[0].clone();
	if let Kind::Contribution { participant, .. } = &mut copy.kind {
		*participant = 1;
	}
	chain.records.push(copy);
	sign(&mut chain, 1, 1);
	assert_eq!(fault(&chain), (1, Fault::Unchanged));

	// A contribution of a stranger in a participant's name.
	let mut chain = with(2);
	sign(&mut chain, 1, 50);
	assert_eq!(fault(&chain), (1, Fault::Signature));
}

#[test]
fn a_proof_is_valid_in_one_transcript_only() {
	let mut chain = with(1);
	chain.root[0] ^= 1;
	assert_eq!(fault(&chain), (0, Fault::Signature));
	sign(&mut chain, 0, 0);
	assert_eq!(fault(&chain), (0, Fault::Knowledge));
}

#[test]
fn swapped_and_dropped_contributions_are_refused() {
	let mut chain = with(3);
	chain.records.swap(0, 1);
	assert_eq!(fault(&chain), (0, Fault::Signature));
	let mut chain = with(3);
	chain.records.remove(1);
	assert_eq!(fault(&chain), (1, Fault::Signature));

	let mut chain = sealed();
	chain.records.remove(1);
	assert_eq!(fault(&chain), (1, Fault::EarlyBeacon { minimum: 2 }));
	let mut chain = sealed();
	chain.records.pop();
	assert_eq!(chain.verify(), Err(CeremonyError::NoBeacon));
	chain.records.pop();
	assert_eq!(chain.verify(), Err(CeremonyError::TooFew { got: 1, minimum: 2 }));
}

#[test]
fn the_beacon_has_its_time_and_its_value() {
	let chain = with(1);
	let early = CeremonyError::TooFew { got: 1, minimum: 2 };
	let refused = |chain: &Chain<2>, round, value| chain.beacon(round, value).map(|_| ());
	assert_eq!(refused(&chain, 7, VALUE), Err(early));
	let chain = with(2);
	let round = CeremonyError::Round { expected: 7, got: 8 };
	assert_eq!(refused(&chain, 8, VALUE), Err(round));
	assert_eq!(refused(&chain, 7, b"short"), Err(CeremonyError::Value));
	assert_eq!(refused(&closed(), 7, VALUE), Err(CeremonyError::Closed));
	assert_eq!(refused(&sealed(), 7, VALUE), Err(CeremonyError::Finished));

	// The same, in a transcript made by somebody who does not ask.
	let mut chain = with(1);
	chain.push_beacon(&undue(&chain, VALUE), [9; 32]);
	assert_eq!(fault(&chain), (1, Fault::EarlyBeacon { minimum: 2 }));
	let mut chain = with(2);
	chain.push_beacon(&undue(&chain, b"short"), [9; 32]);
	assert_eq!(fault(&chain), (2, Fault::Value));
	let mut chain = with(2);
	chain.push_beacon(&due(secrets(3).factors, VALUE), [9; 32]);
	assert_eq!(fault(&chain), (2, Fault::Beacon));
	let mut chain = closed();
	let late = with(3).records[2].clone();
	chain.records.push(late);
	assert_eq!(fault(&chain), (3, Fault::AfterBeacon));
}

#[test]
fn the_delay_is_waited_for_once_and_only_to_verify() {
	// The points do not follow from the value, which is not seen without its delay.
	let mut chain = with(2);
	chain.push_beacon(&due(secrets(3).factors, VALUE), [9; 32]);
	let delayed = |chain: &Chain<2>| match &chain.records[2].kind {
		Kind::Beacon { delayed, .. } => delayed.get().copied(),
		Kind::Contribution { .. } => None,
	};
	let chain = read(&bytes(&chain)).expect("readable");
	assert_eq!(chain.check(), Ok(()));
	assert_eq!(delayed(&chain), None);
	assert_eq!(fault(&chain), (2, Fault::Beacon));
	let known = Some(terms().beacon.delayed(VALUE));
	assert_eq!(
		(delayed(&chain), delayed(&chain.clone()), delayed(&closed())),
		(known, known, known)
	);
}

/// Two contributions before a round of drand.
fn before_drand() -> Chain<2> {
	let mut terms = terms();
	terms.beacon = Beacon { source: Source::Quicknet, round: 1000, delay: 0 };
	let mut chain = Chain::<2>::new(b"header", Some(terms), [G1Affine::generator(); 2]);
	(0..2).for_each(|number| contribute(&mut chain, number));
	chain
}

#[test]
fn nobody_contributes_when_the_beacon_is_known() {
	let mut chain = before_drand();
	let round = 1_692_803_367 + 999 * 3;
	let third = identity(2);
	assert_eq!(chain.may_contribute(&third.public(), round - 1), Ok(2));
	for seconds in [0, 60] {
		let late = CeremonyError::Late { round: 1000, seconds };
		let now = round + seconds;
		assert_eq!(chain.contribute(&third, &secrets(2), [2; 32], now), Err(late));
	}
	assert_eq!(chain.contributions(), 2);
	// Of other sources nobody knows the time.
	assert_eq!(with(2).may_contribute(&third.public(), u64::MAX), Ok(2));
}

#[test]
fn a_beacon_of_drand_must_be_signed_by_it() {
	let mut chain = before_drand();
	let signature = hex::decode(
		"b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed\
		 5e39",
	)
	.expect("digits");
	let other = vec![7; 48];
	assert_eq!(chain.beacon(1000, &other).map(|_| ()), Err(CeremonyError::Value));
	let due = chain.beacon(1000, &signature).expect("round 1000");
	chain.push_beacon(&due, [9; 32]);
	assert_eq!(chain.verify(), Ok(()));
}

#[test]
fn only_participants_contribute_and_each_once() {
	let chain = with(1);
	let stranger = identity(50).public();
	assert_eq!(chain.may_contribute(&stranger, 0), Err(CeremonyError::Stranger(stranger)));
	assert_eq!(chain.may_contribute(&identity(0).public(), 0), Err(CeremonyError::Repeated(0)));
	assert_eq!(chain.may_contribute(&identity(2).public(), 0), Ok(2));
	let third = identity(2).public();
	assert_eq!(closed().may_contribute(&third, 0), Err(CeremonyError::Closed));
	assert_eq!(sealed().may_contribute(&third, 0), Err(CeremonyError::Finished));
	let imported = Chain::<2>::new(b"header", None, [G1Affine::generator(); 2]);
	assert_eq!(imported.may_contribute(&third, 0), Err(CeremonyError::NoTerms));
	assert_eq!(imported.beacon(7, VALUE).map(|_| ()), Err(CeremonyError::NoTerms));
	let mut chain = imported;
	chain.records = with(1).records;
	assert_eq!(chain.verify(), Err(CeremonyError::NoTerms));
}

#[test]
fn only_the_coordinator_closes_and_only_what_is_complete() {
	let coordinator = identity(100);
	let (expected, got) = (coordinator.public(), identity(0).public());
	let refused = CeremonyError::Coordinator { expected, got };
	assert_eq!(closed().finalize(&identity(0)), Err(refused));
	assert_eq!(with(2).finalize(&coordinator), Err(CeremonyError::NoBeacon));
	let early = CeremonyError::TooFew { got: 1, minimum: 2 };
	assert_eq!(with(1).finalize(&coordinator), Err(early));
	assert_eq!(sealed().finalize(&coordinator), Err(CeremonyError::Finished));

	let mut chain = closed();
	let message = seal_message(chain.records.len(), &chain.head_after(chain.records.len()));
	chain.seal = Some(identity(0).sign(&message));
	assert_eq!(chain.verify(), Err(CeremonyError::Seal { records: 3 }));
}

#[test]
fn uncompressed_points_of_another_group_do_not_slip_through() {
	// A sanity check of the decoder that everything relies on.
	let mut bytes = Vec::new();
	put(&mut bytes, &G2Affine::generator(), Compress::Yes);
	assert!(checked::<G2Affine>(&bytes, Compress::Yes).is_some());
	assert!(checked::<G1Affine>(&bytes[..48], Compress::Yes).is_none());
	assert!(checked::<G1Affine>(&outside(), Compress::Yes).is_none());
}
