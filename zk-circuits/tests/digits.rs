//! The digits example, end to end: quantise, set up, prove, verify, and everything that must not
//! verify.

use std::{path::Path, sync::OnceLock};
use zkonnx::{
	quantize::{self, Format, Options, Rows},
	rand::{rngs::StdRng, SeedableRng},
	statement, verify, Fr, KeyError, Network, Privacy, Proof, ProofError, ProveError, Proved,
	Prover, ProvingKey, VerifyError, VerifyingKey,
};

fn example(name: &str) -> Vec<u8> {
	let path = Path::new("../examples/digits").join(name);
	std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn network() -> Network {
	Network::from_onnx(&example("digits.provable.onnx")).expect("a provable model")
}

fn digit(index: usize) -> Vec<u8> {
	example("test_x.u8")[index * 64..][..64].to_vec()
}

/// A prover and its key, made once.
fn prover() -> &'static (Prover, VerifyingKey) {
	static PROVER: OnceLock<(Prover, VerifyingKey)> = OnceLock::new();
	PROVER.get_or_init(|| {
		let network = network();
		let mut rng = StdRng::seed_from_u64(1);
		let key = zkonnx::setup(&network, Privacy::PUBLIC, &mut rng).expect("a key");
		let verifying_key = key.verifying_key();
		(Prover::new(network, key).expect("its own key"), verifying_key)
	})
}

/// A proof for a digit, and its public inputs.
fn proven(index: usize) -> (Vec<Fr>, Proof) {
	let (prover, _) = prover();
	let binding = Fr::from(1234u64);
	let input = digit(index);
	let Proved { output, published, proof } =
		prover.prove(&input, binding, None, &mut StdRng::seed_from_u64(2)).expect("a proof");
	assert_eq!(published, output);
	(public_inputs(binding, &input, &output), proof)
}

fn public_inputs(binding: Fr, input: &[u8], output: &[u8]) -> Vec<Fr> {
	let network = prover().0.network();
	let (input, output) = ((network.input(), input), (network.output(), output));
	statement::public_inputs(binding, None, Privacy::PUBLIC, input, output)
		.expect("tensors of the network")
}

#[test]
fn quantisation_keeps_the_accuracy() {
	let rows = |name| Rows::read(Format::U8, &example(name), 64).expect("rows");
	let quantized =
		quantize::quantize(&example("digits.onnx"), &rows("calibration.u8"), Options::default())
			.expect("quantisable");
	let labels = quantize::read_labels(Format::U8, &example("test_y.u8")).expect("labels");
	let result = quantized.evaluate(&rows("test_x.u8"), Some(&labels)).expect("rows and labels");
	let (float, provable) = (result.float_accuracy.unwrap(), result.provable_accuracy.unwrap());
	assert!(float > 0.97, "{float}");
	assert!(provable >= float - 0.005, "{provable} against {float}");
	assert!(result.flips <= 2, "{} flips", result.flips);
	assert!(quantized.network.constraints() <= 1300, "{}", quantized.network.constraints());
}

#[test]
fn the_committed_model_is_what_quantisation_gives() {
	let rows = Rows::read(Format::U8, &example("calibration.u8"), 64).expect("rows");
	let quantized = quantize::quantize(&example("digits.onnx"), &rows, Options::default());
	assert!(quantized.expect("quantisable").onnx == example("digits.provable.onnx"));
}

#[test]
fn a_proof_of_a_digit_verifies() {
	let (public, proof) = proven(0);
	assert_eq!(verify(&prover().1, &public, &proof), Ok(()));
}

#[test]
fn proofs_of_the_extremes_verify() {
	let (prover, key) = prover();
	for input in [[0; 64], [255; 64]] {
		let mut rng = StdRng::seed_from_u64(3);
		let proved = prover.prove(&input, Fr::from(0u64), None, &mut rng);
		let Proved { output, proof, .. } = proved.expect("a proof");
		assert_eq!(prover.network().execute(&input), Ok(output.clone()));
		assert_eq!(verify(key, &public_inputs(Fr::from(0u64), &input, &output), &proof), Ok(()));
	}
}

#[test]
fn another_output_input_or_binding_is_refused() {
	let (public, proof) = proven(1);
	for index in 0..public.len() {
		for other in [public[index] + Fr::from(1u64), -public[index], Fr::from(0u64)] {
			let mut public = public.clone();
			public[index] = other;
			assert_eq!(verify(&prover().1, &public, &proof), Err(VerifyError::Invalid), "{index}");
		}
	}
}

#[test]
fn a_flipped_output_byte_is_refused() {
	let input = digit(2);
	let output = network().execute(&input).expect("a digit");
	let (_, proof) = proven(2);
	for byte in 0..output.len() {
		let mut output = output.clone();
		output[byte] ^= 1;
		let public = public_inputs(Fr::from(1234u64), &input, &output);
		assert_eq!(verify(&prover().1, &public, &proof), Err(VerifyError::Invalid));
	}
}

#[test]
fn extra_and_missing_public_inputs_are_refused() {
	let (mut public, proof) = proven(0);
	public.push(Fr::from(0u64));
	let error = VerifyError::PublicInputs { expected: 6, got: 7 };
	assert_eq!(verify(&prover().1, &public, &proof), Err(error));
	public.truncate(5);
	let error = VerifyError::PublicInputs { expected: 6, got: 5 };
	assert_eq!(verify(&prover().1, &public, &proof), Err(error));
}

#[test]
fn a_flipped_proof_bit_is_refused() {
	let (public, proof) = proven(0);
	for bytes in [proof.to_bytes().to_vec(), proof.to_uncompressed_bytes().to_vec()] {
		for bit in (0..bytes.len() * 8).step_by(7) {
			let mut bytes = bytes.clone();
			bytes[bit / 8] ^= 1 << (bit % 8);
			match Proof::from_bytes(&bytes) {
				Err(error) => assert_eq!(error, ProofError::Point),
				Ok(proof) => {
					assert_eq!(verify(&prover().1, &public, &proof), Err(VerifyError::Invalid));
				},
			}
		}
	}
}

#[test]
fn proofs_have_two_forms_and_no_other() {
	let (_, proof) = proven(0);
	assert_eq!(Proof::from_bytes(&proof.to_bytes()), Ok(proof.clone()));
	assert_eq!(Proof::from_bytes(&proof.to_uncompressed_bytes()), Ok(proof.clone()));
	for length in [0, 191, 193, 383, 385] {
		assert_eq!(Proof::from_bytes(&vec![0; length]), Err(ProofError::Length(length)));
	}
}

#[test]
fn points_off_the_curve_are_refused() {
	let (_, proof) = proven(0);
	// x = 0, y = 0 is on neither curve; arkworks alone reads it.
	for range in [0..96, 96..288, 288..384] {
		let mut bytes = proof.to_uncompressed_bytes();
		bytes[range].fill(0);
		assert_eq!(Proof::from_bytes(&bytes), Err(ProofError::Point));
	}
}

#[test]
fn an_input_of_another_length_is_not_proved() {
	let error = prover().0.prove(&[0; 63], Fr::from(0u64), None, &mut StdRng::seed_from_u64(0));
	assert!(matches!(error, Err(ProveError::Execute(_))));
}

#[test]
fn proving_stays_in_the_callers_pool_and_is_shared_between_threads() {
	fn shared<T: Send + Sync>() {}
	shared::<Prover>();
	shared::<VerifyingKey>();
	let (prover, key) = prover();
	std::thread::scope(|scope| {
		for index in 0..2 {
			scope.spawn(move || {
				let input = digit(index);
				let mut rng = StdRng::seed_from_u64(index as u64);
				let proved = prover.prove(&input, Fr::from(9u64), None, &mut rng);
				let Proved { output, proof, .. } = proved.expect("a proof");
				let public = public_inputs(Fr::from(9u64), &input, &output);
				assert_eq!(verify(key, &public, &proof), Ok(()));
			});
		}
	});
}

#[test]
fn keys_are_read_as_they_were_written() {
	let (prover, key) = prover();
	let bytes = prover.key().to_bytes();
	for read in [ProvingKey::from_bytes(&bytes), ProvingKey::from_trusted_bytes(&bytes)] {
		let read = read.expect("a key");
		assert_eq!(read.info(), prover.key().info());
		assert!(read.to_bytes() == bytes);
	}
	let read = VerifyingKey::from_bytes(&key.to_bytes()).expect("a key");
	assert_eq!(read.to_bytes(), key.to_bytes());
	assert_eq!(read.check(prover.network()), Ok(()));
	assert_eq!(key.points().len(), 680 + 96 * (key.info().public_inputs() + 1));
	assert!(key.to_bytes().ends_with(&key.points()));
}

#[test]
fn a_damaged_key_is_refused() {
	let bytes = prover().1.to_bytes();
	let refused = |bytes: &[u8]| VerifyingKey::from_bytes(bytes).map(|_| ()).unwrap_err();
	for length in 0..bytes.len() {
		let error = refused(&bytes[..length]);
		assert!(matches!(error, KeyError::Truncated | KeyError::Magic { .. }), "{length}: {error}");
	}
	assert_eq!(refused(&[&bytes[..], &[0]].concat()), KeyError::Trailing(1));
	for at in 0..bytes.len() {
		let mut bytes = bytes.clone();
		bytes[at] ^= 0x10;
		refused(&bytes);
	}
	for format in [1, 2, 3] {
		let mut other = bytes.clone();
		other[8] = format;
		assert_eq!(refused(&other), KeyError::Format(format.into()));
	}
	assert_eq!(
		KeyError::Format(2).to_string(),
		"the key file has format version 2; this program reads version 4"
	);
	let mut other = bytes.clone();
	other[10] = 9;
	assert_eq!(refused(&other), KeyError::Statement(9));
	let mut other = bytes.clone();
	other[13] = 2;
	assert_eq!(refused(&other), KeyError::Visibility(2));
	let mut other = bytes.clone();
	other[14] = 2;
	assert_eq!(refused(&other), KeyError::UnknownParameters(2));
	let mut other = bytes.clone();
	other[15] = 77;
	assert_eq!(refused(&other), KeyError::Origin(77));
	let mut other = bytes.clone();
	other[80] = 200;
	assert_eq!(refused(&other), KeyError::Tensor);
	let mut other = bytes.clone();
	*other.last_mut().unwrap() ^= 1;
	assert_eq!(refused(&other), KeyError::Checksum);
	assert!(matches!(refused(b"zkonnxPK"), KeyError::Magic { .. }));
	assert!(matches!(ProvingKey::from_bytes(&bytes).unwrap_err(), KeyError::Magic { .. }));
}

/// A verifying key file with other points, and a checksum that fits them.
fn forged(change: impl FnOnce(&mut [u8])) -> KeyError {
	let (_, key) = prover();
	let (file, mut points) = (key.to_bytes(), key.points());
	change(&mut points);
	let header = &file[..file.len() - points.len() - 32];
	let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
	state.update(header).update(&points);
	let bytes = [header, state.finalize().as_bytes(), &points].concat();
	VerifyingKey::from_bytes(&bytes).map(|_| ()).unwrap_err()
}

#[test]
fn bad_points_in_a_key_are_refused_even_with_a_good_checksum() {
	let identity = |range: std::ops::Range<usize>| {
		move |points: &mut [u8]| {
			points[range.clone()].fill(0);
			points[range.start] = 0x40;
		}
	};
	assert_eq!(forged(identity(0..96)), KeyError::Identity("alpha"));
	assert_eq!(forged(identity(96..288)), KeyError::Identity("beta"));
	assert_eq!(forged(identity(288..480)), KeyError::Identity("gamma"));
	assert_eq!(forged(identity(480..672)), KeyError::Identity("delta"));
	assert_eq!(forged(identity(680..776)), KeyError::Identity("point of a public input"));
	// Off the curve, and not a field element.
	assert_eq!(forged(|points| points[..96].fill(0)), KeyError::Point(0));
	assert_eq!(forged(|points| points[1..96].fill(0xff)), KeyError::Point(0));
	// A length that the file does not hold, and one that is shorter.
	assert_eq!(forged(|points| points[672..680].fill(0xff)), KeyError::Truncated);
	assert_eq!(forged(|points| points[672] -= 1), KeyError::Trailing(96));
}

#[test]
fn a_key_for_another_model_is_refused() {
	let rows = Rows::read(Format::U8, &example("calibration.u8"), 64).expect("rows");
	let options = Options { weight_bits: 5, ..Options::default() };
	let other = quantize::quantize(&example("digits.onnx"), &rows, options).expect("quantisable");
	let key = ProvingKey::from_trusted_bytes(&prover().0.key().to_bytes()).expect("a key");
	assert!(matches!(Prover::new(other.network.clone(), key), Err(KeyError::Artifact { .. })));
	assert!(matches!(prover().1.check(&other.network), Err(KeyError::Artifact { .. })));
}
