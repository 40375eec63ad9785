use super::{key::Reference, points::encode, *};
use crate::{fixture, proof::Run, Circuit, Network, Privacy};
use ark_bls12_381::{Bls12_381, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, UniformRand};
use ark_groth16::Groth16;
use ark_std::rand::{rngs::StdRng, SeedableRng};
use std::{io::Cursor, sync::OnceLock};

mod import;
mod phase1;

/// Enough for the network of the tests.
pub(super) const POWER: u8 = 7;

pub(super) const VALUE: &[u8] = b"the dice fell thus";

pub(super) fn identity(number: u8) -> Identity {
	Identity::from_secret(&[number + 1; 32])
}

pub(super) fn terms() -> Terms {
	Terms {
		coordinator: identity(100).public(),
		participants: (0..3).map(|number| identity(number).public()).collect(),
		minimum: 2,
		beacon: Beacon { source: Source::Named("dice".into()), round: 7, delay: 2 },
		nonce: [42; 32],
	}
}

/// What a clock says when no beacon has been.
pub(super) fn clock() -> u64 {
	0
}

pub(super) fn rng(seed: u64) -> StdRng {
	StdRng::seed_from_u64(seed)
}

pub(super) fn network() -> Network {
	Network::from_onnx(&fixture::small()).expect("a provable model")
}

/// A step of phase 1 on bytes.
fn step(
	file: &[u8],
	step: impl FnOnce(&mut Cursor<&[u8]>, &mut Cursor<Vec<u8>>) -> Result<Status, CeremonyError>,
) -> Result<Vec<u8>, CeremonyError> {
	let mut output = Cursor::new(Vec::new());
	step(&mut Cursor::new(file), &mut output)?;
	Ok(output.into_inner())
}

pub(super) fn contribute_powers(file: &[u8], number: u8) -> Result<Vec<u8>, CeremonyError> {
	step(file, |input, output| {
		powers::contribute(input, output, &identity(number), clock, &mut rng(number.into()), b"")
	})
}

pub(super) fn begin_powers(power: u8) -> Vec<u8> {
	let mut file = Vec::new();
	powers::new(power, terms(), &mut file).expect("good terms");
	file
}

/// A phase 1 at each of its stages: begun, one and two contributions, beacon, finished.
fn stages(power: u8) -> Vec<Vec<u8>> {
	let mut stages = vec![begin_powers(power)];
	for number in 0..2 {
		let next = contribute_powers(&stages[usize::from(number)], number);
		stages.push(next.expect("a participant"));
	}
	let beacon = step(&stages[2], |input, output| powers::beacon(input, output, 7, VALUE));
	stages.push(beacon.expect("its value"));
	let coordinator = identity(100);
	let last = step(&stages[3], |input, output| powers::finalize(input, output, &coordinator));
	stages.push(last.expect("complete"));
	stages
}

/// A finished phase 1, made once.
pub(super) fn powers_file() -> &'static Vec<u8> {
	static FILE: OnceLock<Vec<u8>> = OnceLock::new();
	FILE.get_or_init(|| stages(POWER).pop().expect("stages"))
}

pub(super) fn read_powers(mut file: &[u8]) -> Result<Powers, CeremonyError> {
	Powers::read(&mut file, POWER)
}

/// What the tests' phase 2 starts from, made once.
pub(super) fn base() -> &'static Base {
	static BASE: OnceLock<Base> = OnceLock::new();
	BASE.get_or_init(|| {
		let powers = read_powers(powers_file()).expect("finished powers");
		Base::derive(&network(), Privacy::PUBLIC, &powers).expect("large enough")
	})
}

/// Powers of known secrets.
pub(super) fn reference(n: usize, tau: Fr, alpha: Fr, beta: Fr) -> Reference {
	fn powers<P: points::Point>(count: usize, first: Fr, step: Fr) -> Vec<P> {
		let scalars: Vec<Fr> =
			std::iter::successors(Some(first), |power| Some(*power * step)).take(count).collect();
		P::scale(&vec![P::generator(); count], |index| scalars[index])
	}
	Reference {
		tau_g1: powers(2 * n - 1, Fr::ONE, tau),
		tau_g2: powers(n, Fr::ONE, tau),
		alpha_g1: powers(n, alpha, tau),
		beta_g1: powers(n, beta, tau),
		beta_g2: (G2Affine::generator() * beta).into_affine(),
	}
}

/// The key of a circuit with δ = 1.
pub(super) fn first_key(
	circuit: &Circuit,
	powers: &Reference,
) -> Result<ark_groth16::ProvingKey<Bls12_381>, CeremonyError> {
	key::check(circuit, powers)?;
	let queries = [key::l_query(circuit, powers), key::h_query(circuit, powers)];
	let delta = (G1Affine::generator(), G2Affine::generator());
	Ok(key::build(circuit, powers, queries, delta))
}

#[test]
fn the_key_of_known_secrets_is_that_of_arkworks() {
	let circuit = Circuit::new(&network(), Privacy::PUBLIC);
	let (alpha, beta) = (Fr::from(1234u64).pow([9]), Fr::from(77u64).pow([11]));
	let (g1, g2) = (G1Affine::generator().into(), G2Affine::generator().into());
	let one = Fr::ONE;
	// The first thing that the generator draws is τ.
	let tau = Fr::rand(&mut rng(5));
	let expected = Groth16::<Bls12_381>::generate_parameters_with_qap(
		&circuit,
		alpha,
		beta,
		one,
		one,
		g1,
		g2,
		&mut rng(5),
	)
	.expect("a key");
	let n = key::domain(&circuit);
	let built = first_key(&circuit, &reference(n, tau, alpha, beta)).expect("large enough");
	assert_eq!(built.vk, expected.vk);
	assert_eq!((built.beta_g1, built.delta_g1), (expected.beta_g1, expected.delta_g1));
	assert_eq!(built.a_query, expected.a_query);
	assert_eq!(built.b_g1_query, expected.b_g1_query);
	assert_eq!(built.b_g2_query, expected.b_g2_query);
	assert_eq!(built.h_query, expected.h_query);
	assert_eq!(built.l_query, expected.l_query);
	// More powers than needed change nothing.
	let more = first_key(&circuit, &reference(2 * n, tau, alpha, beta)).expect("large enough");
	assert_eq!(more, built);

	let few = first_key(&circuit, &reference(n / 2, tau, alpha, beta)).unwrap_err();
	let needed = n.ilog2() as u8;
	assert_eq!(few, CeremonyError::TooSmall { needed, got: needed - 1 });
	let root = ark_ff::FftField::get_root_of_unity(n as u64).expect("a root");
	let degenerate = first_key(&circuit, &reference(n, root, alpha, beta)).unwrap_err();
	assert_eq!(degenerate, CeremonyError::Degenerate);
}

/// Plain arkworks proves with a key, and verifies with it.
pub(super) fn arkworks_accepts(key: &ark_groth16::ProvingKey<Bls12_381>) {
	let network = network();
	let circuit = Circuit::new(&network, Privacy::PUBLIC);
	let run = Run::new(&network, Privacy::PUBLIC, (&[17, 200], Fr::from(77u64), None));
	let Run { public, assigned, .. } = run.expect("a valid input");
	let assignment = assigned.variables.to_field();
	let proof = Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
		key,
		Fr::from(3u64),
		Fr::from(5u64),
		circuit.matrices(),
		circuit.instance(),
		circuit.constraints(),
		&assignment,
	)
	.expect("a proof");
	let prepared = ark_groth16::prepare_verifying_key(&key.vk);
	let verify = |public: &[Fr]| {
		Groth16::<Bls12_381>::verify_proof(&prepared, &proof, public).expect("an answer")
	};
	assert!(verify(&public));
	let mut other = public;
	other[0] += Fr::ONE;
	assert!(!verify(&other));
}

#[test]
fn bad_terms_are_refused() {
	let refused = |change: fn(&mut Terms)| {
		let mut terms = terms();
		change(&mut terms);
		let mut file = Vec::new();
		let error = powers::new(POWER, terms, &mut file).unwrap_err();
		assert!(file.is_empty());
		match error {
			CeremonyError::Terms(error) => error,
			other => panic!("{other}"),
		}
	};
	let minimum = |minimum, participants| TermsError::Minimum { minimum, participants };
	assert_eq!(refused(|terms| terms.minimum = 1), minimum(1, 3));
	assert_eq!(refused(|terms| terms.minimum = 4), minimum(4, 3));
	assert_eq!(refused(|terms| terms.participants.truncate(1)), minimum(2, 1));
	let repeat = |terms: &mut Terms| terms.participants[2] = terms.participants[0];
	assert_eq!(refused(repeat), TermsError::Repeated(2));
	let many = |terms: &mut Terms| terms.participants = vec![terms.coordinator; 1025];
	assert_eq!(refused(many), TermsError::Participants(1025));
	assert_eq!(refused(|terms| terms.beacon.delay = 27), TermsError::Delay(27));
	let source = |terms: &mut Terms| terms.beacon.source = Source::Named(String::new());
	assert_eq!(refused(source), TermsError::Source(0));
	let round =
		|terms: &mut Terms| terms.beacon = Beacon { source: Source::Quicknet, round: 0, delay: 0 };
	assert_eq!(refused(round), TermsError::Round);
	// Small order: anybody can sign for it.
	let mut weak = [0; 32];
	weak[0] = 1;
	assert_eq!(PublicKey::from_bytes(&weak), None);
	assert_eq!(PublicKey::from_bytes(&[0xff; 32]), None);
}

#[test]
fn ceremonies_on_equal_terms_have_names_of_their_own() {
	let other = Terms { nonce: [43; 32], ..terms() };
	let hashes = [terms(), terms(), other].map(|terms| {
		let mut file = Vec::new();
		powers::new(1, terms, &mut file).expect("good terms");
		powers::peek(&mut &file[..]).expect("a head").hash
	});
	assert!(hashes[0] == hashes[1] && hashes[0] != hashes[2]);
}

#[test]
fn identities_survive_their_secret() {
	let identity = Identity::generate(&mut rng(1));
	let again = Identity::from_secret(&identity.to_secret());
	assert_eq!(again.public(), identity.public());
	assert!(!format!("{identity:?}").contains(&hex::encode(*identity.to_secret())));
}

#[test]
fn the_model_of_the_program_tests_is_that_of_these() {
	let path = "tests/data/small.provable.onnx";
	assert_eq!(std::fs::read(path).expect("the model"), fixture::small());
}
