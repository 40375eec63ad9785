//! Verification of several proofs in one equation.

use super::*;
use aimodel_primitives::traits::ProofVerifier;
use ark_ec::{pairing::Pairing, AffineRepr, CurveGroup};
use frame_support::{assert_noop, assert_ok};
use sp_crypto_ec_utils::bls12_381::{Bls12_381, G1Affine, G1Config, G2Config, ScalarField};

/// Proofs under one key, each with its public inputs.
struct Batch {
	key: KeyId,
	claims: Vec<(Vec<Scalar>, Vec<u8>)>,
}

impl Batch {
	fn new(proofs: u64, public_inputs: u32) -> Self {
		let key = SimulatedKey::new(public_inputs, SEED);
		let claim = |i| {
			let inputs = simulator::inputs(public_inputs, i);
			let proof = key.prove(&inputs, i);
			(inputs, proof)
		};
		Self { key: registered(ALICE, &key.points()), claims: (0..proofs).map(claim).collect() }
	}

	fn verify(&self) -> frame_support::dispatch::DispatchResult {
		let claims: Vec<_> =
			self.claims.iter().map(|(inputs, proof)| (&inputs[..], &proof[..])).collect();
		ZkVerifier::verify_batch(&self.key, &claims)
	}
}

#[test]
fn valid_proofs_verify_together() {
	TestExt::new().build_and_execute(|| {
		assert_ok!(Batch::new(0, 1).verify());
		for (proofs, inputs) in [(1, 2), (2, 3), (9, MAX_PUBLIC_INPUTS)] {
			assert_ok!(Batch::new(proofs, inputs).verify());
		}
		let mut twice = Batch::new(2, 4);
		twice.claims.extend_from_within(..);
		assert_ok!(twice.verify());
	});
}

#[test]
fn one_proof_that_is_not_valid_refuses_the_batch() {
	TestExt::new().build_and_execute(|| {
		let mut batch = Batch::new(5, 2);
		for at in 0..5 {
			let valid = batch.claims[at].clone();
			batch.claims[at].0[1][0] ^= 1;
			assert_noop!(batch.verify(), Error::ProofRejected);
			batch.claims[at] = valid.clone();

			batch.claims[at].1 = SimulatedKey::new(2, SEED + 1).prove(&valid.0, SEED);
			assert_noop!(batch.verify(), Error::ProofRejected);
			batch.claims[at] = valid;
		}
		assert_ok!(batch.verify());
		let (first, second) = (batch.claims[0].0.clone(), batch.claims[1].0.clone());
		(batch.claims[0].0, batch.claims[1].0) = (second, first);
		assert_noop!(batch.verify(), Error::ProofRejected);
	});
}

/// (A, B, C + X) and (A', B', C' − X): neither is valid, and the product of both equations holds.
#[test]
fn crafted_proofs_do_not_cancel_each_other() {
	TestExt::new().build_and_execute(|| {
		let mut batch = Batch::new(2, 3);
		let valid = batch.claims.clone();
		let x = G1Affine::generator() * ScalarField::from(12345u64);
		for (claim, shift) in batch.claims.iter_mut().zip([x, -x]) {
			let c = decoded::<G1Config>(&claim.1[288..]);
			claim.1[288..].copy_from_slice(&encoded::<G1Config>((c + shift).into_affine()));
		}
		let delta = decoded::<G2Config>(&SimulatedKey::new(3, SEED).points()[480..672]);
		let product = |claims: &[(Vec<Scalar>, Vec<u8>)]| {
			let c = claims.iter().map(|(_, proof)| decoded::<G1Config>(&proof[288..]));
			Bls12_381::multi_pairing(c, [delta; 2])
		};
		assert_eq!(product(&batch.claims), product(&valid), "without coefficients they would pass");

		for (inputs, proof) in &batch.claims {
			assert_noop!(ZkVerifier::verify(&batch.key, inputs, proof), Error::ProofRejected);
		}
		assert_noop!(batch.verify(), Error::ProofRejected);
		batch.claims.reverse();
		assert_noop!(batch.verify(), Error::ProofRejected);
	});
}

#[test]
fn what_is_refused_alone_is_refused_in_a_batch() {
	TestExt::new().build_and_execute(|| {
		let refused = |change: &dyn Fn(&mut (Vec<Scalar>, Vec<u8>)), error: Error| {
			let mut batch = Batch::new(3, 2);
			change(&mut batch.claims[1]);
			assert_noop!(batch.verify(), error);
			ZkVerifier::remove_key(RuntimeOrigin::signed(ALICE), batch.key).unwrap();
		};
		let outside = encoded::<G1Config>(outside_of_subgroup::<G1Config>().next().unwrap());
		refused(&|(_, proof)| proof.truncate(383), Error::MalformedProof);
		refused(&|(_, proof)| proof[0] |= 0x80, Error::MalformedPoint);
		refused(&|(_, proof)| proof[95] ^= 1, Error::PointNotOnCurve);
		refused(&|(_, proof)| proof[..96].copy_from_slice(&outside), Error::PointNotInSubgroup);
		refused(&|(inputs, _)| inputs[0] = [0xff; 32], Error::NonCanonicalScalar);
		refused(&|(inputs, _)| inputs.truncate(1), Error::WrongNumberOfPublicInputs);
		refused(&|(inputs, _)| inputs.push([0; 32]), Error::WrongNumberOfPublicInputs);
		let mut unknown = Batch::new(1, 2);
		unknown.key = Default::default();
		assert_noop!(unknown.verify(), Error::UnknownKey);
	});
}
