use super::*;
use crate::{
	ceremony::{
		beacon, chain,
		tests::{
			arkworks_accepts, base, begin_powers, clock, contribute_powers, identity, network,
			powers_file, read_powers, reference, rng, terms, POWER, VALUE,
		},
	},
	fixture, KeyError, Prover,
};
use ark_ec::CurveGroup;
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use std::sync::OnceLock;

fn begin() -> Transcript {
	with(0)
}

/// A transcript with so many contributions. Each is made once.
fn with(contributions: u8) -> Transcript {
	static STAGES: [OnceLock<Transcript>; 4] = [const { OnceLock::new() }; 4];
	let stage = || {
		let Some(number) = contributions.checked_sub(1) else {
			return Transcript::new(base(), terms()).expect("good terms");
		};
		let (mut transcript, identity) = (with(number), identity(number));
		let rng = &mut rng(50 + u64::from(number));
		transcript.contribute(base(), &identity, clock, rng, b"dice").expect("a participant");
		transcript
	};
	STAGES[usize::from(contributions)].get_or_init(stage).clone()
}

/// A finished transcript, made once.
fn finished() -> &'static Transcript {
	static TRANSCRIPT: OnceLock<Transcript> = OnceLock::new();
	TRANSCRIPT.get_or_init(|| {
		let mut transcript = with(2);
		transcript.beacon(base(), 7, VALUE).expect("its value");
		transcript.finalize(base(), &identity(100)).expect("complete");
		transcript
	})
}

fn check(bytes: &[u8]) -> Result<(), CeremonyError> {
	Transcript::from_bytes(bytes)?.verify(base())
}

fn fault(index: usize, fault: Fault) -> Result<(), CeremonyError> {
	Err(CeremonyError::Contribution { index, fault })
}

/// Where the terms, the records and the points of a file begin.
fn layout() -> [usize; 3] {
	let mut bytes = Vec::new();
	terms().write(&mut bytes);
	let file = finished().to_bytes();
	let points = 192 + 96 * (base().circuit.witness() + (1 << POWER) - 1);
	[118, 118 + bytes.len(), file.len() - points]
}

/// Bytes of a contribution.
const RECORD: usize = 1 + 2 + 48 + 48 + 32 + 32 + 64;

#[test]
fn a_ceremony_gives_a_key_that_proves() {
	let transcript = finished();
	let status = transcript.status();
	assert_eq!((status.contributions, status.closed, status.finished), (2, true, true));
	let key = transcript.proving_key(base()).expect("finished");
	assert_eq!(key.info().origin, Origin::Ceremony { transcript: status.hash });
	arkworks_accepts(&key.groth16().to_arkworks());

	let bytes = key.to_bytes();
	let key = ProvingKey::from_bytes(&bytes).expect("valid points");
	assert_eq!(key.info().origin, Origin::Ceremony { transcript: status.hash });
	assert_eq!(key.info().origin.to_string(), format!("ceremony:{}", hex::encode(status.hash)));
	let verifying = key.verifying_key();
	let prover = Prover::new(network(), key).expect("its own model");
	let binding = Fr::from(9u64);
	let proved = prover.prove(&[1, 2], binding, None, &mut rng(1)).expect("a proof");
	let (input_type, output_type) = (prover.network().input(), prover.network().output());
	let public = statement::public_inputs(
		binding,
		None,
		Privacy::PUBLIC,
		(input_type, &[1u8, 2][..]),
		(output_type, &proved.published),
	);
	assert_eq!(crate::verify(&verifying, &public.expect("tensors"), &proved.proof), Ok(()));
	let again = crate::VerifyingKey::from_bytes(&verifying.to_bytes()).expect("a key");
	assert_eq!(again.info(), verifying.info());
	// An origin that is cut off.
	assert_eq!(
		crate::VerifyingKey::from_bytes(&verifying.to_bytes()[..40]).map(|_| ()),
		Err(KeyError::Truncated)
	);
}

#[test]
fn a_ceremony_for_commitments_gives_a_key_that_proves() {
	let layer = fixture::Layer::single(3, 1, None);
	let network = Network::from_onnx(&fixture::model(1, &[layer])).expect("a model");
	let privacy = Privacy::ALL[1];
	let circuit = Circuit::new(&network, privacy);
	let [tau, alpha, beta] = [5u64, 7, 9].map(|seed| Fr::from(seed).pow([99]));
	let reference = reference(key::domain(&circuit), tau, alpha, beta);
	let info = KeyInfo::new(&network, privacy, &circuit);
	let base = Base { info, powers: [3; 32], circuit, reference };
	let mut transcript = Transcript::new(&base, terms()).expect("good terms");
	for number in 0..2 {
		let identity = identity(number);
		let rng = &mut rng(number.into());
		transcript.contribute(&base, &identity, clock, rng, b"").expect("a step");
	}
	transcript.beacon(&base, 7, VALUE).expect("its value");
	transcript.finalize(&base, &identity(100)).expect("complete");

	let transcript = Transcript::from_bytes(&transcript.to_bytes()).expect("its own bytes");
	assert_eq!(transcript.privacy(), privacy);
	assert_eq!(transcript.check_network(&network), Ok(()));
	let key = transcript.proving_key(&base).expect("finished");
	assert_eq!(key.info().privacy, privacy);
	let prover = Prover::new(network, key).expect("its own model");
	let opening = fixture::opening();
	assert!(prover.prove(&[9], Fr::ONE, Some(&opening), &mut rng(1)).is_ok());
}

#[test]
fn a_key_is_told_from_every_other() {
	let key = finished().proving_key(base()).expect("finished");
	let (proving, verifying) = (key.to_bytes(), key.verifying_key().to_bytes());
	let check_proving = |file: &[u8]| finished().check_proving_key(base(), file);
	assert_eq!(check_proving(&proving), Ok(()));
	assert_eq!(finished().check_verifying_key(base(), &verifying), Ok(()));
	let other = || Err(CeremonyError::OtherKey);
	let truncated = Err(CeremonyError::KeyFile(KeyError::Truncated));
	assert_eq!(check_proving(&proving[..100]), truncated);
	assert_eq!(finished().check_verifying_key(base(), &verifying[..100]), truncated);
	assert_eq!(with(2).check_proving_key(base(), &proving), Err(CeremonyError::Unfinished));
	// The same points, of whoever made them.
	let arkworks = key.groth16().to_arkworks();
	let dev = KeyInfo { origin: Origin::InsecureDev, ..key.info().clone() };
	let dev = ProvingKey::new(dev, &arkworks).expect("a good key");
	assert_eq!(check_proving(&dev.to_bytes()), other());
	assert_eq!(finished().check_verifying_key(base(), &dev.verifying_key().to_bytes()), other());

	// One point changed.
	let point = (G1Affine::generator() * Fr::from(5u64)).into_affine();
	type Key = ark_groth16::ProvingKey<Bls12_381>;
	let changes: [fn(&mut Key, G1Affine); 7] = [
		|key, point| *key.a_query.last_mut().expect("points") = point,
		|key, point| key.a_query[0] = point,
		|key, point| key.b_g1_query[3] = point,
		|key, _| key.b_g2_query[3] = G2Affine::generator(),
		|key, point| key.l_query[0] = point,
		|key, point| key.h_query[5] = point,
		|key, point| key.vk.gamma_abc_g1[1] = point,
	];
	for (index, change) in changes.into_iter().enumerate() {
		let mut changed = arkworks.clone();
		change(&mut changed, point);
		let changed = ProvingKey::new(key.info().clone(), &changed).expect("valid points");
		assert_eq!(check_proving(&changed.to_bytes()), other(), "change {index}");
		let verdict = finished().check_verifying_key(base(), &changed.verifying_key().to_bytes());
		assert_eq!(verdict.is_ok(), index < 6, "change {index}");
	}
	let mut alpha = arkworks;
	alpha.vk.alpha_g1 = point;
	assert!(!finished().is_verifying_key(base(), &alpha.vk));
}

#[test]
fn contributions_to_delta_are_what_arkworks_makes_of_their_product() {
	let circuit = Circuit::new(&network(), Privacy::PUBLIC);
	let (alpha, beta) = (Fr::from(3u64), Fr::from(5u64));
	let tau = Fr::rand(&mut rng(5));
	let base = Base { reference: reference(1 << POWER, tau, alpha, beta), ..base().clone() };
	let mut transcript = Transcript::new(&base, terms()).expect("good terms");
	let mut delta = Fr::ONE;
	for number in 0..2 {
		let seed = 50 + u64::from(number);
		let identity = identity(number);
		let rng = &mut rng(seed);
		transcript.contribute(&base, &identity, clock, rng, b"").expect("a participant");
		delta *= chain::Secrets::<1>::draw(&mut crate::ceremony::tests::rng(seed), b"").factors[0];
	}
	let head = transcript.chain.id();
	transcript.beacon(&base, 7, VALUE).expect("its value");
	let [factor] = beacon::factors(&head, &terms().beacon.delayed(VALUE));
	delta *= factor;
	transcript.finalize(&base, &identity(100)).expect("complete");
	let key = transcript.proving_key(&base).expect("finished");
	let (g1, g2) = (G1Affine::generator().into(), G2Affine::generator().into());
	let expected = Groth16::<Bls12_381>::generate_parameters_with_qap(
		&circuit,
		alpha,
		beta,
		Fr::ONE,
		delta,
		g1,
		g2,
		&mut rng(5),
	);
	assert_eq!(key.groth16().to_arkworks(), expected.expect("a key"));
	arkworks_accepts(&key.groth16().to_arkworks());
}

#[test]
fn transcripts_survive_their_file_at_every_stage() {
	let mut closed = with(2);
	closed.beacon(base(), 7, VALUE).expect("its value");
	for transcript in [begin(), with(1), with(3), closed, finished().clone()] {
		let bytes = transcript.to_bytes();
		let again = Transcript::from_bytes(&bytes).expect("its own bytes");
		assert_eq!(again.verify(base()), Ok(()));
		assert_eq!(again.to_bytes(), bytes);
		assert_eq!(again.status(), transcript.status());
		assert_eq!(again.powers(), base().powers);
		if !again.status().finished {
			let refused = again.proving_key(base()).map(|_| ());
			assert_eq!(refused, Err(CeremonyError::Unfinished));
		}
	}
}

#[test]
fn each_kind_of_field_is_bound() {
	let good = finished().to_bytes();
	let [terms_at, records, points] = layout();
	let changed = |at: usize, to: u8| {
		let mut bytes = good.clone();
		bytes[at] = to;
		check(&bytes)
	};
	let flipped = |at: usize| changed(at, good[at] ^ 1);
	let magic = CeremonyError::Magic("transcript of a circuit's ceremony");
	assert_eq!(flipped(3), Err(magic));
	assert_eq!(changed(8, 2), Err(CeremonyError::Version { expected: 3, got: 2 }));
	assert_eq!(changed(10, 9), Err(CeremonyError::Statement(9)));
	for (at, what) in [(12, "the visibility of the input"), (13, "the visibility of the output")] {
		assert_eq!(changed(at, 2), Err(CeremonyError::Code { what, code: 2 }));
	}
	for at in [12, 13, 14, 46, 78, 110, 114, terms_at, terms_at + 64] {
		assert_eq!(flipped(at), fault(0, Fault::Signature), "byte {at} of the header");
	}
	let stranger = Fault::Stranger { got: 8, participants: 3 };
	assert_eq!(changed(records + 2 + 1, 8), fault(0, stranger));
	assert_eq!(flipped(records + 2 + RECORD - 1), fault(0, Fault::Signature));
	assert_eq!(flipped(records + 2 + RECORD + 4 + 48 + 48), fault(1, Fault::Signature));
	let seal = || Err(CeremonyError::Seal { records: 3 });
	assert_eq!(flipped(records + 2 + 2 * RECORD + 2), seal());
	assert_eq!(flipped(points - 1), seal());
	for at in [points, points + 192, good.len() - 1] {
		assert_eq!(flipped(at), fault(2, Fault::Digest));
	}
	for at in (records..points).step_by(3) {
		assert!(flipped(at).is_err(), "byte {at}");
	}
	for length in (0..good.len()).step_by(97) {
		let refused = Transcript::from_bytes(&good[..length]).map(|_| ()).unwrap_err();
		let magic = CeremonyError::Magic("transcript of a circuit's ceremony");
		assert!([CeremonyError::Truncated, magic].contains(&refused), "{length}: {refused}");
	}
	assert_eq!(check(&[&good[..], &[0]].concat()), Err(CeremonyError::Trailing));
	let begun = begin().to_bytes();
	assert_eq!(check(&begun[..begun.len() - 1]), Err(CeremonyError::Truncated));
	assert_eq!(check(&[&begun[..], &[0]].concat()), Err(CeremonyError::Trailing));
}

#[test]
fn lengths_that_the_file_does_not_hold_are_not_allocated() {
	let mut bytes = begin().to_bytes();
	bytes[110..118].fill(0xff);
	assert_eq!(check(&bytes), Err(CeremonyError::Truncated));
}

#[test]
fn swapped_dropped_and_foreign_contributions_are_refused() {
	let good = with(2).to_bytes();
	let [_, records, _] = layout();
	let (first, second) = (records + 2, records + 2 + RECORD);
	let mut swapped = good.clone();
	let (a, b) = (good[first..second].to_vec(), good[second..second + RECORD].to_vec());
	swapped[first..second].copy_from_slice(&b);
	swapped[second..second + RECORD].copy_from_slice(&a);
	assert_eq!(check(&swapped), fault(0, Fault::Signature));

	let mut dropped = good.clone();
	dropped.drain(second..second + RECORD);
	dropped[records] = 1;
	assert_eq!(check(&dropped), fault(0, Fault::Digest));
	let mut none = good;
	none.drain(first..second + RECORD);
	none[records] = 0;
	let start = CeremonyError::Start(Fault::Inconsistent("delta in G2"));
	assert_eq!(check(&none), Err(start));

	let mut transcript = with(1);
	let stranger = identity(60);
	let refused = transcript.contribute(base(), &stranger, clock, &mut rng(1), b"");
	assert_eq!(refused, Err(CeremonyError::Stranger(stranger.public())));
	let refused = transcript.contribute(base(), &identity(0), clock, &mut rng(1), b"");
	assert_eq!(refused, Err(CeremonyError::Repeated(0)));
	assert_eq!(transcript.to_bytes(), with(1).to_bytes());
}

#[test]
fn a_shorter_transcript_can_not_be_passed_off_as_finished() {
	let mut transcript = finished().clone();
	transcript.chain.records.pop();
	assert_eq!(transcript.verify(base()), Err(CeremonyError::NoBeacon));
	// An earlier state of the file, with its own points, and the signature of the later one.
	let mut earlier = with(2);
	earlier.beacon(base(), 7, b"the dice fell so").expect("long enough");
	earlier.chain.seal = finished().chain.seal;
	assert_eq!(earlier.verify(base()), Err(CeremonyError::Seal { records: 3 }));
	let mut unsealed = finished().clone();
	unsealed.chain.seal = None;
	assert_eq!(unsealed.verify(base()), Ok(()));
	assert!(!unsealed.status().finished);
	assert_eq!(unsealed.proving_key(base()).map(|_| ()), Err(CeremonyError::Unfinished));
}

#[test]
fn steps_have_their_order() {
	let value = VALUE;
	let few = CeremonyError::TooFew { got: 1, minimum: 2 };
	assert_eq!(with(1).beacon(base(), 7, value), Err(few));
	let round = CeremonyError::Round { expected: 7, got: 6 };
	assert_eq!(with(2).beacon(base(), 6, value), Err(round));
	assert_eq!(with(2).beacon(base(), 7, b"short"), Err(CeremonyError::Value));
	let mut transcript = finished().clone();
	let late = transcript.contribute(base(), &identity(2), clock, &mut rng(1), b"");
	assert_eq!(late, Err(CeremonyError::Finished));
	let refused = with(2).finalize(base(), &identity(100));
	assert_eq!(refused, Err(CeremonyError::NoBeacon));
	let mut closed = with(2);
	closed.beacon(base(), 7, value).expect("its value");
	let late = closed.contribute(base(), &identity(2), clock, &mut rng(1), b"");
	assert_eq!(late, Err(CeremonyError::Closed));
	let (expected, got) = (identity(100).public(), identity(0).public());
	let refused = CeremonyError::Coordinator { expected, got };
	assert_eq!(closed.finalize(base(), &identity(0)), Err(refused));
}

#[test]
fn another_model_circuit_or_phase_1_is_refused() {
	let layer = fixture::Layer::single(3, 1, None);
	let other = Network::from_onnx(&fixture::model(1, &[layer])).expect("a model");
	let powers = read_powers(powers_file()).expect("powers");
	let other = Base::derive(&other, Privacy::PUBLIC, &powers).expect("large enough");
	let (expected, got) = (base().info.artifact_hash, other.info.artifact_hash);
	let refused = CeremonyError::Artifact { expected, got };
	assert_eq!(finished().verify(&other), Err(refused));

	let mut other = base().clone();
	other.info.privacy = Privacy::ALL[1];
	let (expected, got) = (Privacy::PUBLIC, Privacy::ALL[1]);
	assert_eq!(finished().verify(&other), Err(CeremonyError::Privacy { expected, got }));
	let bytes = Transcript::new(&other, terms()).expect("good terms").to_bytes();
	let claimed = Transcript::from_bytes(&bytes).expect("its own bytes");
	let refused = claimed.check_network(&network());
	assert!(matches!(refused, Err(CeremonyError::Circuit { .. })));

	let mut other = base().clone();
	other.info.circuit_digest[0] ^= 1;
	let (expected, got) = (base().info.circuit_digest, other.info.circuit_digest);
	assert_eq!(finished().verify(&other), Err(CeremonyError::Circuit { expected, got }));

	let again = contribute_powers(&begin_powers(POWER), 2).expect("a participant");
	let unfinished = read_powers(&again).expect("valid");
	let refused = Base::derive(&network(), Privacy::PUBLIC, &unfinished).map(|_| ());
	assert_eq!(refused, Err(CeremonyError::Unfinished));
	let other = Base { powers: unfinished.status().hash, ..base().clone() };
	let (expected, got) = (base().powers, other.powers);
	assert_eq!(finished().verify(&other), Err(CeremonyError::Powers { expected, got }));

	let few = Powers::read(&mut &powers_file()[..], 2).expect("powers");
	let needed = Base::power(&network(), Privacy::PUBLIC);
	assert_eq!(
		Base::derive(&network(), Privacy::PUBLIC, &few).map(|_| ()),
		Err(CeremonyError::TooSmall { needed, got: 2 })
	);
	let mut short = finished().clone();
	short.state.h.pop();
	let expected = (1 << POWER) - 1;
	let refused = CeremonyError::Shape { what: "h", expected, got: expected - 1 };
	assert_eq!(short.verify(base()), Err(refused));
}

/// A participant who signs points that do not follow from the contribution.
fn cheat(change: impl FnOnce(&mut State)) -> Result<(), CeremonyError> {
	let mut transcript = with(1);
	let secrets = chain::Secrets::<1>::draw(&mut rng(9), b"");
	transcript.state.change(&secrets.factors[0]);
	change(&mut transcript.state);
	let state = crate::hash::blake2b_256(&[&transcript.state.to_bytes()]);
	transcript.chain.contribute(&identity(1), &secrets, state, 0).expect("a participant");
	check(&transcript.to_bytes())
}

#[test]
fn a_cheating_participant_is_named() {
	assert_eq!(cheat(|_| ()), Ok(()));
	let inconsistent = |what| fault(1, Fault::Inconsistent(what));
	let double = |state: &mut State| {
		state.delta_g2 = (state.delta_g2 + state.delta_g2).into_affine();
	};
	assert_eq!(cheat(double), inconsistent("delta in G2"));
	assert_eq!(cheat(|state| state.delta_g2 = G2Affine::zero()), inconsistent("delta in G2"));
	assert_eq!(cheat(|state| state.l.swap(0, 1)), inconsistent("the l query"));
	let last = |state: &mut State| *state.h.last_mut().expect("points") = G1Affine::zero();
	assert_eq!(cheat(last), inconsistent("the h query"));
	assert_eq!(cheat(|state| state.h[0] = -state.h[0]), inconsistent("the h query"));
	// Not changed at all.
	let old = with(1).state;
	assert_eq!(cheat(|state| state.l = old.l), inconsistent("the l query"));
	// (0, 2) is on the curve, of order 3.
	let small =
		G1Affine::new_unchecked(ark_bls12_381::Fq::from(0u64), ark_bls12_381::Fq::from(2u64));
	assert!(small.is_on_curve());
	let invalid = Fault::State { what: "the h query", index: 1 };
	assert_eq!(cheat(|state| state.h[1] = small), fault(1, invalid));
}
