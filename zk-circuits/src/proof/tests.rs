use super::*;
use crate::{fixture, keys};
use ark_bls12_381::{Fq, G1Affine};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, Field};
use ark_std::rand::{rngs::StdRng, SeedableRng};

fn prover() -> Prover {
	prover_of(Privacy::PUBLIC)
}

fn prover_of(privacy: Privacy) -> Prover {
	let network = Network::from_onnx(&fixture::small()).expect("a provable model");
	let key = keys::setup(&network, privacy, &mut StdRng::seed_from_u64(1)).expect("a key");
	Prover::new(network, key).expect("its own key")
}

/// Proofs of several inputs, with their public inputs.
fn proofs(prover: &Prover, count: u64) -> Vec<(Vec<Fr>, Proof)> {
	(0..count)
		.map(|index| {
			let input = [index as u8, 7];
			let blinding = [Fr::from(index + 3), Fr::from(index + 9)];
			let job = (&input[..], Fr::from(index), None);
			let (proved, public) = prover.unverified(job, blinding).expect("a proof");
			(public, proved.proof)
		})
		.collect()
}

fn batch(prover: &Prover, proofs: &[(Vec<Fr>, Proof)]) -> Result<(), VerifyError> {
	let proofs: Vec<_> = proofs.iter().map(|(public, proof)| (&public[..], proof)).collect();
	verify_batch(&prover.verifying_key, &proofs)
}

#[test]
fn public_inputs_are_combined_as_arkworks_does_it() {
	let key = prover().verifying_key;
	let large = Fr::rand(&mut StdRng::seed_from_u64(4));
	let zero = Fr::ZERO;
	for inputs in [[zero; 3], [Fr::ONE; 3], [-Fr::ONE; 3], [large, zero, -large], [large; 3]] {
		let ours = combine_public_inputs(&key, &[&[Fr::ONE], &inputs[..]].concat());
		let theirs = Groth16::<Bls12_381>::prepare_inputs(key.prepared(), &inputs);
		assert_eq!(Ok(ours), theirs.map_err(|_| ()));
	}
	assert!(combine_public_inputs(&key, &[zero; 4]).is_zero());
}

#[test]
fn a_batch_of_valid_proofs_is_accepted() {
	let prover = prover();
	let proofs = proofs(&prover, 7);
	for count in 0..=proofs.len() {
		assert_eq!(batch(&prover, &proofs[..count]), Ok(()));
	}
}

#[test]
fn one_bad_proof_refuses_the_batch() {
	let prover = prover();
	let proofs = proofs(&prover, 4);
	for bad in 0..proofs.len() {
		let mut other = proofs.clone();
		other[bad].0[0] += Fr::ONE;
		assert_eq!(batch(&prover, &other), Err(VerifyError::Invalid));
		let mut other = proofs.clone();
		other[bad].1 .0.c = -other[bad].1 .0.c;
		assert_eq!(batch(&prover, &other), Err(VerifyError::Invalid));
		let mut other = proofs.clone();
		other[bad].0.push(Fr::ZERO);
		let error = VerifyError::PublicInputs { expected: 3, got: 4 };
		assert_eq!(batch(&prover, &other), Err(error));
	}
	let mut swapped = proofs;
	let first = swapped[0].1.clone();
	swapped[0].1 = std::mem::replace(&mut swapped[1].1, first);
	assert_eq!(batch(&prover, &swapped), Err(VerifyError::Invalid));
}

/// Whether the product of the proofs' equations holds, each raised to 1.
fn product_holds(prover: &Prover, proofs: &[(Vec<Fr>, Proof)]) -> bool {
	let vk = &prover.verifying_key.prepared().vk;
	let pairing = |a: G1Affine, b| Bls12_381::pairing(a, b);
	let difference = proofs.iter().map(|(public, proof)| {
		let ark_groth16::Proof { a, b, c } = proof.0;
		let sum = G1Projective::msm_unchecked(&vk.gamma_abc_g1[1..], public) + vk.gamma_abc_g1[0];
		pairing(a, b)
			- pairing(vk.alpha_g1, vk.beta_g2)
			- pairing(sum.into_affine(), vk.gamma_g2)
			- pairing(c, vk.delta_g2)
	});
	difference.sum::<ark_ec::pairing::PairingOutput<Bls12_381>>().is_zero()
}

#[test]
fn invalid_proofs_that_would_cancel_each_other_are_refused() {
	let prover = prover();
	let mut proofs = proofs(&prover, 3);
	let shift = G1Affine::generator();
	let c = |proof: &mut Proof, shift: G1Affine| proof.0.c = (proof.0.c + shift).into_affine();
	c(&mut proofs[0].1, shift);
	c(&mut proofs[2].1, -shift);
	for index in [0, 2] {
		let (public, proof) = &proofs[index];
		assert_eq!(verify(&prover.verifying_key, public, proof), Err(VerifyError::Invalid));
	}
	assert!(product_holds(&prover, &proofs), "without coefficients they cancel");
	assert_eq!(batch(&prover, &proofs), Err(VerifyError::Invalid));
}

#[test]
fn coefficients_depend_on_all_that_is_verified() {
	let prover = prover();
	let proofs = proofs(&prover, 2);
	let of = |proofs: &[(Vec<Fr>, Proof)]| {
		let proofs: Vec<_> = proofs.iter().map(|(public, proof)| (&public[..], proof)).collect();
		coefficients(&prover.verifying_key, &proofs)
	};
	let honest = of(&proofs);
	assert_ne!(honest[0], honest[1]);
	for changed in 0..2 {
		let mut other = proofs.clone();
		other[changed].0[2] += Fr::ONE;
		assert!(of(&other).iter().zip(&honest).all(|(other, honest)| other != honest));
		let mut other = proofs.clone();
		other[changed].1 .0.a = -other[changed].1 .0.a;
		assert!(of(&other).iter().zip(&honest).all(|(other, honest)| other != honest));
	}
}

#[test]
fn a_batch_of_inputs_is_proved_each_for_itself() {
	let prover = prover();
	let inputs: Vec<[u8; 2]> = (0..5).map(|index| [index, 200]).collect();
	let mut jobs: Vec<Job> =
		inputs.iter().zip(0u64..).map(|(input, at)| (&input[..], Fr::from(at), None)).collect();
	jobs[3].0 = &[1, 2, 3];
	let results = prover.prove_batch(&jobs, &mut StdRng::seed_from_u64(2));
	assert_eq!(results.len(), jobs.len());
	for (index, (result, (input, binding, _))) in results.iter().zip(&jobs).enumerate() {
		if index == 3 {
			assert!(matches!(result, Err(ProveError::Execute(_))));
			continue;
		}
		let Proved { published, proof, .. } = result.as_ref().expect("a proof");
		let network = prover.network();
		let public = statement::public_inputs(
			*binding,
			None,
			Privacy::PUBLIC,
			(network.input(), *input),
			(network.output(), published),
		)
		.expect("tensors");
		assert_eq!(verify(&prover.verifying_key, &public, proof), Ok(()));
	}
}

#[test]
fn a_damaged_key_gives_no_proof() {
	let network = Network::from_onnx(&fixture::small()).expect("a provable model");
	let other =
		keys::setup(&network, Privacy::PUBLIC, &mut StdRng::seed_from_u64(2)).expect("a key");
	let mut prover = prover();
	// Points of another key of the same shape: valid points that are the wrong ones.
	prover.key = other;
	let mut rng = StdRng::seed_from_u64(3);
	let binding = Fr::from(1u64);
	assert_eq!(prover.prove(&[1, 2], binding, None, &mut rng), Err(ProveError::Invalid));
	let results = prover.prove_batch(&[(&[1, 2], binding, None), (&[3], binding, None)], &mut rng);
	assert_eq!(results[0], Err(ProveError::Invalid));
	assert!(matches!(results[1], Err(ProveError::Execute(_))));
}

#[test]
fn an_assignment_that_violates_a_constraint_gives_no_proof() {
	let prover = prover();
	let mut run = prover.run((&[4, 5], Fr::ONE, None)).expect("runs");
	assert_eq!(check(&run.assigned), Ok(()));
	run.assigned.rows.swap(0, 2);
	assert!(matches!(check(&run.assigned), Err(ProveError::Unsatisfied(_))));
}

/// A key for the small network that somebody has changed.
fn changed_key(
	change: impl FnOnce(&mut keys::KeyInfo, &mut ark_groth16::ProvingKey<Bls12_381>),
) -> Result<ProvingKey, KeyError> {
	let key = prover().key;
	let (mut info, mut points) = (key.info().clone(), key.groth16().to_arkworks());
	change(&mut info, &mut points);
	ProvingKey::new(info, &points)
}

#[test]
fn a_key_with_a_point_of_small_order_makes_no_proof() {
	// (0, 2) is of order 3: pairings do not see it, and readers of proofs refuse it.
	let small = G1Affine::new_unchecked(Fq::ZERO, Fq::from(2u64));
	assert!(small.is_on_curve());
	let key = changed_key(|_, points| {
		points.a_query[0] = (points.a_query[0] + small).into_affine();
	});
	let network = prover().network;
	let prover = Prover::new(network, key.expect("the points that are checked are as they were"));
	let mut rng = StdRng::seed_from_u64(3);
	let made = prover.expect("its own key").prove(&[1, 2], Fr::ONE, None, &mut rng);
	assert_eq!(made, Err(ProveError::Invalid));
}

#[test]
fn a_key_that_would_not_blind_is_refused() {
	let identity = |name| Some(KeyError::Identity(name));
	let none = changed_key(|_, points| points.beta_g1 = G1Affine::identity());
	assert_eq!(none.err(), identity("beta in G1"));
	let none = changed_key(|_, points| points.delta_g1 = G1Affine::identity());
	assert_eq!(none.err(), identity("delta in G1"));
	let other = changed_key(|_, points| points.delta_g1 = points.beta_g1);
	assert_eq!(other.err(), Some(KeyError::Blinding));
}

#[test]
fn a_key_for_other_tensors_is_refused() {
	let key = changed_key(|info, _| info.output.element = crate::ElementType::U32);
	let error = Prover::new(prover().network, key.expect("as many scalars")).err();
	let (key, model) = ("u32[1, 2]".into(), "i32[1, 2]".into());
	assert_eq!(error, Some(KeyError::Interface { key, model }));
}

#[test]
fn an_opening_is_asked_for_where_it_is_needed_and_only_there() {
	let opening = fixture::opening();
	let mut rng = StdRng::seed_from_u64(3);
	let refused = prover().prove(&[1, 2], Fr::ONE, Some(&opening), &mut rng);
	assert_eq!(refused, Err(ProveError::UnneededOpening));
	for privacy in &Privacy::ALL[1..] {
		let prover = prover_of(*privacy);
		let refused = prover.prove(&[1, 2], Fr::ONE, None, &mut rng);
		assert_eq!(refused, Err(ProveError::MissingOpening), "{privacy}");
	}
}

#[test]
fn a_batch_takes_an_opening_for_each_input() {
	let prover = prover_of(Privacy::ALL[3]);
	let mut rng = StdRng::seed_from_u64(4);
	let openings = [(); 2].map(|()| Opening::random(Fr::from(6u64), &mut rng));
	let input = [3, 200];
	let binding = Fr::from(8u64);
	let jobs: Vec<Job> = vec![
		(&input, binding, Some(&openings[0])),
		(&input, binding, None),
		(&input, binding, Some(&openings[1])),
	];
	let results = prover.prove_batch(&jobs, &mut rng);
	assert_eq!(results[1], Err(ProveError::MissingOpening));
	let kind = prover.network().output();
	for (job, opening) in [(0, &openings[0]), (2, &openings[1])] {
		let proved = results[job].as_ref().expect("a proof");
		let opened = opening.open_output(binding, kind, &proved.published);
		assert_eq!(opened.as_ref(), Ok(&proved.output));
	}
}

#[test]
fn a_key_that_claims_another_privacy_is_refused() {
	// The input is two scalars, as many as a commitment and its holder.
	let layer =
		fixture::Layer { weights: vec![1; 40], zero_point: 0, addend: vec![1], shifts: None };
	let network = Network::from_onnx(&fixture::model(40, &[layer])).expect("a provable model");
	let key = keys::setup(&network, Privacy::PUBLIC, &mut StdRng::seed_from_u64(1));
	let key = key.expect("a key");
	let claim = |privacy| {
		let info = keys::KeyInfo { privacy, ..key.info().clone() };
		let key = ProvingKey::new(info, &key.groth16().to_arkworks())?;
		assert!(key.verifying_key().check(&network).is_err());
		Prover::new(network.clone(), key).map(|_| ())
	};
	assert!(matches!(claim(Privacy::ALL[1]), Err(KeyError::Circuit { .. })));
	let shape = KeyError::Shape { what: "public inputs", expected: 8, got: 5 };
	assert_eq!(claim(Privacy::ALL[2]), Err(shape));
}
