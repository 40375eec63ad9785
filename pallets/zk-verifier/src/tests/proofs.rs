//! Verification.

use super::*;
use aimodel_primitives::traits::ProofVerifier;
use ark_ec::AffineRepr;
use ark_ff::Field;
use frame_support::{assert_noop, assert_ok};
use proptest::prelude::*;
use sp_core::H256;
use sp_crypto_ec_utils::bls12_381::{G1Config, G2Config, ScalarField};

#[test]
fn a_valid_proof_verifies_for_any_number_of_public_inputs() {
	TestExt::new().build_and_execute(|| {
		for n in [1, 2, 5, MAX_PUBLIC_INPUTS] {
			let Proven { key, inputs, proof } = proven(n);
			assert_ok!(ZkVerifier::verify(&key, &inputs, &proof));
		}
	});
}

#[test]
fn public_inputs_may_be_any_canonical_scalar() {
	TestExt::new().build_and_execute(|| {
		let greatest = little_endian(-ScalarField::ONE);
		for inputs in [[[0; 32]; 3], [greatest; 3], [[0; 32], [1; 32], greatest]] {
			let (points, proof) = simulator::instance(&inputs, u64::from(inputs[0][0]));
			let key = name(ALICE, &points);
			if !crate::Keys::<Test>::contains_key(key) {
				registered(ALICE, &points);
			}
			assert_ok!(ZkVerifier::verify(&key, &inputs, &proof));
		}
	});
}

#[test]
fn public_inputs_whose_sum_is_the_identity_verify() {
	TestExt::new().build_and_execute(|| {
		// c_0 + x·c_1 = 0: the host is given the identity to pair with gamma.
		let simulated = SimulatedKey::new(1, SEED);
		let key = registered(ALICE, &simulated.points());
		let x = -simulated.inputs[0] * simulated.inputs[1].inverse().unwrap();
		let inputs = [little_endian(x)];
		let proof = simulated.prove(&inputs, SEED);
		assert_ok!(ZkVerifier::verify(&key, &inputs, &proof));
	});
}

/// So a proof's bytes identify nothing: whoever pays on proofs needs another nullifier.
#[test]
fn a_rerandomised_proof_still_verifies() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(3);
		let a = decoded::<G1Config>(&proof[..96]);
		let b = decoded::<G2Config>(&proof[96..288]);
		let c = decoded::<G1Config>(&proof[288..]);

		// (z·A, B/z, C), known to anybody who saw (A, B, C).
		let z = ScalarField::from(1234567u64);
		let other: Vec<u8> = [
			encoded::<G1Config>(a * z),
			encoded::<G2Config>(b * z.inverse().unwrap()),
			encoded::<G1Config>(c),
		]
		.concat();
		assert_ne!(proof, other);
		assert_ok!(ZkVerifier::verify(&key, &inputs, &other));

		// So does (−A, −B, C), and (A, B + t·delta, C + t·A).
		let negated = [encoded(-a), encoded(-b), encoded(c)].concat();
		assert_ok!(ZkVerifier::verify(&key, &inputs, &negated));
		let points = SimulatedKey::new(3, SEED).points();
		let delta = decoded::<G2Config>(&points[480..672]);
		let shifted = [
			encoded::<G1Config>(a),
			encoded::<G2Config>(b + delta * z),
			encoded::<G1Config>(c + a * z),
		]
		.concat();
		assert_ok!(ZkVerifier::verify(&key, &inputs, &shifted));
	});
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(2);
		for position in 0..proof.len() {
			let mut proof = proof.clone();
			proof[position] ^= 1 << (position % 8);
			let refusal = ZkVerifier::verify(&key, &inputs, &proof).unwrap_err();
			let expected = [Error::MalformedPoint, Error::PointNotOnCurve].map(Into::into);
			assert!(expected.contains(&refusal), "byte {position}: {refusal:?}");
		}
	});
}

#[test]
fn a_proof_of_another_length_is_malformed() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(1);
		for length in [0, 1, 96, 192, 288, 383] {
			assert_noop!(
				ZkVerifier::verify(&key, &inputs, &proof[..length]),
				Error::MalformedProof
			);
		}
		for more in [1, 384] {
			let long = [proof.clone(), vec![0; more]].concat();
			assert_noop!(ZkVerifier::verify(&key, &inputs, &long), Error::MalformedProof);
		}
	});
}

/// arkworks would verify a proof with surplus public inputs, and panic without any.
#[test]
fn too_many_and_too_few_public_inputs_are_refused() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(2);
		for wrong in [vec![], inputs[..1].to_vec(), [&inputs[..], &[[0; 32]]].concat()] {
			assert_noop!(
				ZkVerifier::verify(&key, &wrong, &proof),
				Error::WrongNumberOfPublicInputs
			);
		}
	});
}

#[test]
fn other_public_inputs_are_refused() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(3);
		let mut swapped = inputs.clone();
		swapped.swap(0, 1);
		assert_noop!(ZkVerifier::verify(&key, &swapped, &proof), Error::ProofRejected);
		for i in 0..3 {
			let mut other = inputs.clone();
			other[i][0] ^= 1;
			assert_noop!(ZkVerifier::verify(&key, &other, &proof), Error::ProofRejected);
		}
	});
}

#[test]
fn public_inputs_that_are_not_reduced_are_refused() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(2);
		// x + r, the same element modulo r; r itself; and the greatest number of 32 bytes.
		let modulus: Scalar = ScalarField::MODULUS.to_bytes_le().try_into().unwrap();
		let mut carry = 0;
		let mut sum = inputs[1];
		for (byte, addend) in sum.iter_mut().zip(modulus) {
			let total = u16::from(*byte) + u16::from(addend) + carry;
			*byte = total as u8;
			carry = total >> 8;
		}
		assert_eq!(carry, 0);
		for wrong in [sum, modulus, [0xff; 32]] {
			assert_noop!(
				ZkVerifier::verify(&key, &[inputs[0], wrong], &proof),
				Error::NonCanonicalScalar
			);
		}
	});
}

#[test]
fn a_proof_under_another_key_is_refused() {
	TestExt::new().build_and_execute(|| {
		let Proven { inputs, proof, .. } = proven(2);
		let other = registered(ALICE, &SimulatedKey::new(2, SEED + 1).points());
		assert_noop!(ZkVerifier::verify(&other, &inputs, &proof), Error::ProofRejected);
		assert_noop!(ZkVerifier::verify(&H256::zero(), &inputs, &proof), Error::UnknownKey);
	});
}

#[test]
fn valid_points_at_the_wrong_place_are_refused() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(2);
		let (a, b, c) = (&proof[..96], &proof[96..288], &proof[288..]);
		let generator = encoded::<G1Config>(Affine::generator());
		for wrong in [
			[c, b, a].concat(),
			[a, b, a].concat(),
			[c, b, c].concat(),
			[a, b, &generator].concat(),
			[&encoded::<G1Config>(-decoded::<G1Config>(a)), b, c].concat(),
		] {
			assert_noop!(ZkVerifier::verify(&key, &inputs, &wrong), Error::ProofRejected);
		}
	});
}

#[test]
fn a_removed_key_verifies_nothing() {
	TestExt::new().build_and_execute(|| {
		let Proven { key, inputs, proof } = proven(1);
		assert_ok!(ZkVerifier::remove_key(RuntimeOrigin::signed(ALICE), key));
		assert_noop!(ZkVerifier::verify(&key, &inputs, &proof), Error::UnknownKey);
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// No bytes make verification panic, and none but the proof itself pass.
	#[test]
	fn hostile_bytes_are_refused(
		edits in proptest::collection::vec((0usize..384, any::<u8>()), 1..8),
		length in 0usize..500,
		scalar: [u8; 32],
	) {
		TestExt::new().build_and_execute(|| {
			let Proven { key, inputs, proof } = proven(1);
			let mut edited = proof.clone();
			edits.iter().for_each(|(at, byte)| edited[*at] = *byte);
			let accepted = ZkVerifier::verify(&key, &inputs, &edited).is_ok();
			assert_eq!(accepted, edited == proof);
			edited.resize(length, 0xa5);
			assert!(ZkVerifier::verify(&key, &inputs, &edited).is_err() || edited == proof);
			let accepted = ZkVerifier::verify(&key, &[scalar], &proof).is_ok();
			assert_eq!(accepted, scalar == inputs[0]);

			let points = SimulatedKey::new(1, SEED).points();
			let mut edited = points.clone();
			edits.iter().for_each(|(at, byte)| edited[at * 2] = *byte);
			assert_eq!(register(BOB, &edited).is_ok(), edited == points);
		});
	}
}

/// Prints what the crypto costs, through the host functions as they run natively.
#[test]
#[ignore = "measures; run alone with --ignored --nocapture"]
fn measure() {
	use crate::groth16;
	use std::{hint::black_box, time::Instant};
	let time = |name: &str, f: &dyn Fn()| {
		let mut best = f64::MAX;
		for _ in 0..50 {
			let start = Instant::now();
			f();
			best = best.min(start.elapsed().as_secs_f64());
		}
		println!("{name}: {:.3} ms", best * 1e3);
	};
	for n in [1, 5, 16, 64] {
		let inputs = simulator::inputs(n, SEED);
		let (points, proof) = simulator::instance(&inputs, SEED);
		let valid = groth16::validate_key(&points, n).unwrap();
		time(&format!("validate_key({n})"), &|| {
			black_box(groth16::validate_key(&points, n)).unwrap();
		});
		time(&format!("verify({n})"), &|| {
			groth16::verify(&points, &valid.alpha_beta, &inputs, &proof).unwrap();
		});
		let bases: Vec<_> = points[672..].chunks(96).map(decoded::<G1Config>).collect();
		let scalars: Vec<_> = (0..=n).map(|i| simulator_scalar(i, &inputs)).collect();
		time(&format!("msm({n})"), &|| {
			let _ = black_box(G1Config::msm(&bases, &scalars)).unwrap();
		});
		time(&format!("muls({n})"), &|| {
			for (base, scalar) in bases.iter().zip(&scalars) {
				let _ = black_box(*base * *scalar);
			}
		});
	}
	let (_, proof) = simulator::instance(&simulator::inputs(1, SEED), SEED);
	let (a, b) = (decoded::<G1Config>(&proof[..96]), decoded::<G2Config>(&proof[96..288]));
	time("subgroup check in G1", &|| assert!(a.is_in_correct_subgroup_assuming_on_curve()));
	time("one multiplication by 128 bits in G1", &|| {
		let _ = black_box(a.mul_bigint([0x0000000100000000u64, 0xac45a4010001a402]));
	});
	time("subgroup check in G2", &|| assert!(b.is_in_correct_subgroup_assuming_on_curve()));
}

fn simulator_scalar(i: u32, inputs: &[Scalar]) -> ScalarField {
	match i.checked_sub(1) {
		Some(i) => ScalarField::from_le_bytes_mod_order(&inputs[i as usize]),
		None => ScalarField::ONE,
	}
}

fn little_endian(x: ScalarField) -> Scalar {
	x.into_bigint().to_bytes_le().try_into().unwrap()
}
