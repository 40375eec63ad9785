//! Committed inputs and outputs, end to end on the digits example: what verifies, and what must not.

use ark_bls12_381::Bls12_381;
use ark_ff::{AdditiveGroup, Field};
use ark_groth16::Groth16;
use std::sync::OnceLock;
use zkonnx::{
	privacy::OpenError,
	rand::{rngs::StdRng, SeedableRng},
	statement::{self, InputPart, Request},
	verify, Fr, KeyError, Network, Opening, Privacy, Proved, Prover, ProvingKey, VerifyError,
	VerifyingKey, Visibility,
};

fn example(name: &str) -> Vec<u8> {
	std::fs::read(format!("../examples/digits/{name}")).expect("an example")
}

fn digit(index: usize) -> Vec<u8> {
	example("test_x.u8")[index * 64..][..64].to_vec()
}

fn network() -> Network {
	Network::from_onnx(&example("digits.provable.onnx")).expect("a provable model")
}

fn rng(seed: u64) -> StdRng {
	StdRng::seed_from_u64(seed)
}

/// A prover and its key for each mode, made once.
fn provers() -> &'static [(Privacy, Prover, VerifyingKey); 4] {
	static PROVERS: OnceLock<[(Privacy, Prover, VerifyingKey); 4]> = OnceLock::new();
	PROVERS.get_or_init(|| {
		Privacy::ALL.map(|privacy| {
			let key = zkonnx::setup(&network(), privacy, &mut rng(1)).expect("a key");
			let verifying_key = key.verifying_key();
			(privacy, Prover::new(network(), key).expect("its own key"), verifying_key)
		})
	})
}

fn binding() -> Fr {
	Fr::from(1234u64)
}

fn opening() -> Opening {
	Opening::new([5; 31], Fr::from(77u64))
}

/// A proof for a digit, its public inputs, and what was proved.
fn proven(privacy: Privacy, index: usize) -> (Vec<Fr>, Proved) {
	let (_, prover, _) = provers().iter().find(|(mode, ..)| *mode == privacy).expect("every mode");
	let input = digit(index);
	let opening = privacy.commits().then(opening);
	let proved = prover.prove(&input, binding(), opening.as_ref(), &mut rng(2)).expect("a proof");
	let network = prover.network();
	let request = opening.map(|opening| Request {
		commitment: opening.commit(privacy, (network.input(), &input)).expect("a digit"),
		holder: opening.holder(),
	});
	let tensor = (privacy.input == Visibility::Public).then_some((network.input(), &input[..]));
	let output = (network.output(), &proved.published[..]);
	let part = InputPart { request, tensor };
	let public =
		statement::public_inputs(binding(), None, privacy, part, output).expect("its parts");
	(public, proved)
}

#[test]
fn digits_are_proved_in_every_mode_and_plain_arkworks_verifies() {
	for (privacy, _, key) in provers() {
		let (public, proved) = proven(*privacy, 0);
		assert_eq!(public.len(), key.info().public_inputs());
		assert_eq!(verify(key, &public, &proved.proof), Ok(()), "{privacy}");
		assert_eq!(network().execute(&digit(0)), Ok(proved.output.clone()));

		let points: ark_groth16::VerifyingKey<Bls12_381> =
			ark_serialize::CanonicalDeserialize::deserialize_uncompressed(&key.points()[..])
				.expect("the encoding of arkworks");
		let proof: ark_groth16::Proof<Bls12_381> =
			ark_serialize::CanonicalDeserialize::deserialize_compressed(
				&proved.proof.to_bytes()[..],
			)
			.expect("the encoding of arkworks");
		let prepared = ark_groth16::prepare_verifying_key(&points);
		let verified = Groth16::<Bls12_381>::verify_proof(&prepared, &proof, &public);
		assert_eq!(verified, Ok(true), "{privacy}");
	}
}

#[test]
fn whatever_is_changed_of_a_statement_it_does_not_verify() {
	for (privacy, _, key) in provers() {
		let (public, proved) = proven(*privacy, 1);
		for index in 0..public.len() {
			for other in [public[index] + Fr::ONE, -public[index], Fr::ZERO] {
				let mut public = public.clone();
				public[index] = other;
				let refused = verify(key, &public, &proved.proof);
				assert_eq!(refused, Err(VerifyError::Invalid), "{privacy}: public input {index}");
			}
		}
	}
}

#[test]
fn a_copied_commitment_buys_nothing() {
	for (privacy, _, key) in &provers()[1..] {
		let (mut public, proved) = proven(*privacy, 2);
		// Binding, commitment, holder.
		assert_eq!(public[2], opening().holder());
		public[2] = Fr::from(78u64);
		let refused = verify(key, &public, &proved.proof);
		assert_eq!(refused, Err(VerifyError::Invalid), "{privacy}");
	}
}

#[test]
fn a_proof_is_of_the_mode_of_its_key() {
	for (privacy, _, _) in provers() {
		let (public, proved) = proven(*privacy, 0);
		for (other, _, key) in provers() {
			assert_eq!(verify(key, &public, &proved.proof).is_ok(), privacy == other);
		}
	}
}

#[test]
fn what_is_committed_is_nowhere_in_the_statement() {
	let input = statement::pack(zkonnx::ElementType::U8, &digit(0)).expect("bytes");
	for (privacy, prover, _) in provers() {
		let (public, proved) = proven(*privacy, 0);
		let output =
			statement::pack(prover.network().output().element, &proved.output).expect("integers");
		let told = |scalars: &[Fr]| scalars.iter().any(|scalar| public.contains(scalar));
		assert_eq!(told(&input), privacy.input == Visibility::Public, "{privacy}");
		assert_eq!(told(&output), privacy.output == Visibility::Public, "{privacy}");
	}
}

#[test]
fn the_customer_opens_the_output_and_nobody_else() {
	for (privacy, prover, _) in &provers()[2..] {
		let (_, proved) = proven(*privacy, 3);
		let kind = prover.network().output();
		let open =
			|opening: &Opening, binding| opening.open_output(binding, kind, &proved.published);
		assert_eq!(open(&opening(), binding()), Ok(proved.output.clone()));
		let other = Opening::new([6; 31], opening().holder());
		assert_eq!(open(&other, binding()), Err(OpenError::Commitment));
		assert_eq!(open(&opening(), binding() + Fr::ONE), Err(OpenError::Commitment));
	}
}

#[test]
fn one_input_of_two_salts_has_two_commitments_and_two_ciphertexts() {
	let (privacy, prover, _) = &provers()[3];
	let input = digit(0);
	let [first, second] = [5, 6].map(|salt| {
		let opening = Opening::new([salt; 31], Fr::from(77u64));
		let proved = prover.prove(&input, binding(), Some(&opening), &mut rng(3));
		let commitment = opening.commit(*privacy, (prover.network().input(), &input));
		(commitment.expect("a digit"), proved.expect("a proof").published)
	});
	assert_ne!(first.0, second.0);
	assert!(first.1.chunks(32).zip(second.1.chunks(32)).all(|(first, second)| first != second));
}

#[test]
fn keys_tell_what_they_are_for() {
	for (privacy, prover, key) in provers() {
		let read = VerifyingKey::from_bytes(&key.to_bytes()).expect("a key");
		assert_eq!(read.info().privacy, *privacy);
		assert_eq!(read.check(&network()), Ok(()));
		let read = ProvingKey::from_trusted_bytes(&prover.key().to_bytes()).expect("a key");
		assert_eq!(read.info(), key.info());
	}
}

#[test]
fn a_key_file_that_claims_another_mode_is_refused() {
	let (_, _, key) = &provers()[3];
	let mut bytes = key.to_bytes();
	// The visibility of the output.
	bytes[13] = 0;
	assert_eq!(VerifyingKey::from_bytes(&bytes).map(|_| ()), Err(KeyError::Checksum));
}
