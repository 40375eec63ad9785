use super::{
	domain::Domain,
	generator,
	key::Query,
	points::{self, Point, Table, SCALAR_BYTES},
	prover::Prover,
};
use crate::{
	circuit::{Assigned, Circuit, Values},
	fixture::{self, Layer},
	network::Network,
	proof::Run,
	Privacy,
};
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, FftField, Field, UniformRand};
use ark_groth16::Groth16;
use ark_std::rand::{rngs::StdRng, Rng, SeedableRng};
use blst::{blst_p1_affine, blst_p2_affine};

/// A network, its circuit, and what it assigns for an input.
fn case(onnx: &[u8], privacy: Privacy, input: &[u8]) -> (Circuit, Vec<Fr>, Assigned) {
	let network = Network::from_onnx(onnx).expect("a provable model");
	let opening = privacy.commits().then(fixture::opening);
	let run = Run::new(&network, privacy, (input, Fr::from(5u64), opening.as_ref()));
	let Run { public, assigned, .. } = run.expect("a valid input");
	(Circuit::new(&network, privacy), public, assigned)
}

/// Layers that use every path of the rescale, and so every kind of query.
fn model() -> Vec<u8> {
	let mut rng = StdRng::seed_from_u64(4);
	let mut layer = |rows: usize, columns: usize, shift| Layer {
		weights: (0..rows * columns).map(|_| rng.gen_range(-128..=127)).collect(),
		zero_point: 0,
		addend: (0..columns).map(|_| rng.gen_range(-9_000..9_000)).collect(),
		shifts: Some(vec![shift; columns]),
	};
	fixture::model(9, &[layer(9, 12, 5), layer(12, 3, 0)])
}

#[test]
fn the_generator_makes_the_keys_of_arkworks() {
	let everything_is_committed = Privacy::ALL[3];
	for (onnx, privacy) in [
		(fixture::small(), Privacy::PUBLIC),
		(model(), Privacy::PUBLIC),
		(model(), everything_is_committed),
	] {
		let network = Network::from_onnx(&onnx).expect("a provable model");
		let circuit = Circuit::new(&network, privacy);
		let ours = generator::generate(&circuit, &mut StdRng::seed_from_u64(8)).expect("a key");
		let arkworks = Groth16::<Bls12_381>::generate_random_parameters_with_reduction(
			&circuit,
			&mut StdRng::seed_from_u64(8),
		);
		assert!(ours.to_arkworks() == arkworks.expect("a key"));
		assert!(!ours.shared.points.is_empty() && !ours.a.points.is_empty());
		assert!(!ours.b_g1.points.is_empty() && ours.b_g2.points.len() < ours.variables);
	}
}

#[test]
fn the_prover_makes_the_proofs_of_arkworks() {
	let onnx = model();
	let mut rng = StdRng::seed_from_u64(9);
	let inputs = [[0; 9], [255; 9], rng.gen(), rng.gen()];
	for (input, privacy) in inputs.into_iter().zip(Privacy::ALL) {
		let (circuit, public, assigned) = case(&onnx, privacy, &input);
		let key = generator::generate(&circuit, &mut rng).expect("a key");
		let mut prover = Prover::new(circuit.constraints(), circuit.instance()).expect("small");
		let arkworks = key.to_arkworks();
		let verifying = ark_groth16::prepare_verifying_key(&key.vk);
		for blinding in [[Fr::rand(&mut rng), Fr::rand(&mut rng)], [Fr::ZERO; 2]] {
			let [r, s] = blinding;
			let (proof, _) = prover.prove(&key, &assigned, r, s);
			let expected = Groth16::<Bls12_381>::create_proof_with_reduction_and_matrices(
				&arkworks,
				r,
				s,
				circuit.matrices(),
				circuit.instance(),
				circuit.constraints(),
				&assigned.variables.to_field(),
			);
			assert_eq!(proof, expected.expect("a proof"));
			let verified = Groth16::<Bls12_381>::verify_proof(&verifying, &proof, &public);
			assert_eq!(verified, Ok(true));
			prover.warm(&key);
		}
	}
}

#[test]
fn the_quotient_divides() {
	let mut rng = StdRng::seed_from_u64(1);
	// 2^12 takes the parallel ways.
	for rows in [1, 2, 3, 8, 61, 4000] {
		let domain = Domain::new(rows).expect("small");
		let mut values = [(); 3].map(|()| vec![Fr::ZERO; domain.size()]);
		for i in 0..rows {
			let (a, b) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
			let position = domain.position(i);
			[values[0][position], values[1][position], values[2][position]] = [a, b, a * b];
		}
		let at = Fr::rand(&mut rng);
		let lagrange = domain.lagrange(at);
		let evaluate = |values: &[Fr]| -> Fr {
			(0..domain.size()).map(|i| lagrange[i] * values[domain.position(i)]).sum()
		};
		let [a, b, c] = [evaluate(&values[0]), evaluate(&values[1]), evaluate(&values[2])];
		let [x, y, z] = &mut values;
		domain.quotient(x, y, z);
		let quotient = x.iter().rev().fold(Fr::ZERO, |sum, coefficient| sum * at + coefficient);
		assert_eq!(a * b - c, quotient * domain.vanishing(at), "{rows} rows");
		assert_eq!(x.last().filter(|_| rows > 1), Some(&Fr::ZERO).filter(|_| rows > 1));
	}
}

#[test]
fn lagrange_polynomials_are_one_at_their_point() {
	let domain = Domain::new(8).expect("small");
	// Values 1, ω, ω², … are those of the polynomial x.
	let at = Fr::from(77u64);
	let root = domain.lagrange(at);
	let generator = <Fr as FftField>::get_root_of_unity(8).expect("a root");
	let powers = std::iter::successors(Some(Fr::ONE), |power: &Fr| Some(*power * generator));
	assert_eq!(root.iter().sum::<Fr>(), Fr::ONE);
	assert_eq!(root.iter().zip(powers).map(|(l, x)| *l * x).sum::<Fr>(), at);
}

#[test]
fn a_domain_that_is_too_large_is_refused() {
	assert!(Domain::new((1 << 32) + 1).is_none());
	assert!(Domain::new(usize::MAX).is_none());
}

fn random_points<G: CurveGroup>(count: usize, rng: &mut StdRng) -> Vec<G::Affine> {
	let points: Vec<G> = (0..count).map(|_| G::rand(rng)).collect();
	G::normalize_batch(&points)
}

fn assert_multiplies<G: CurveGroup<ScalarField = Fr>, P>(points: &[G::Affine], rng: &mut StdRng)
where
	P: Point<Affine = G::Affine, Sum = G>,
{
	let packed: Vec<P> = points.iter().map(P::pack).collect();
	assert!(packed.iter().map(P::unpack).eq(points.iter().copied()));
	for count in [0, 1, 2, 31, 32, 33, points.len()] {
		let scalars: Vec<Fr> = (0..count)
			.map(|i| match i % 5 {
				0 => -Fr::from(i as u64),
				1 => Fr::from(i as u64),
				_ => Fr::rand(rng),
			})
			.collect();
		for scalars in [&scalars, &vec![Fr::rand(rng); count]] {
			let bytes: Vec<u8> = scalars.iter().flat_map(|s| points::scalar_bytes(*s)).collect();
			assert_eq!(bytes.len(), count * SCALAR_BYTES);
			let expected = G::msm(&points[..count], scalars).expect("lengths");
			assert_eq!(points::multiply(&packed[..count], &bytes, 255), expected);
		}
		assert_eq!(P::sum(&packed[..count]), points[..count].iter().copied().sum());

		// Every kind of value; some variables have no point.
		let mut values = Values::default();
		(0..3).for_each(|_| values.push(7));
		for i in 0..2 * points.len() {
			match i % 9 {
				0..=2 => values.push(1),
				3 => values.push(0),
				4 => values.push(-1),
				5 => values.push(rng.gen()),
				6 => values.push(i64::MIN),
				7 => values.push(-300),
				_ => values.push_field(Fr::rand(rng)),
			}
		}
		let variables: Vec<u32> = (0..count as u32).map(|at| 2 * at + at % 2).collect();
		let query = Query { variables: variables.clone(), points: packed[..count].to_vec() };
		let all = values.to_field();
		let scalars: Vec<Fr> = variables.iter().map(|&at| all[3 + at as usize]).collect();
		let expected = G::msm(&points[..count], &scalars).expect("lengths");
		assert_eq!(points::multiply_values(&query, &values, 3), expected);
	}
}

#[test]
fn multiplications_are_those_of_arkworks() {
	let mut rng = StdRng::seed_from_u64(3);
	let mut points = random_points::<G1Projective>(700, &mut rng);
	// Equal points, opposite points and the identity are no trouble.
	points[10] = points[11];
	points[12] = -points[11];
	points[13] = G1Affine::zero();
	points[14] = G1Affine::zero();
	assert_multiplies::<G1Projective, blst_p1_affine>(&points, &mut rng);
	let mut points = random_points::<G2Projective>(300, &mut rng);
	points[10] = points[11];
	points[12] = -points[11];
	points[13] = G2Affine::zero();
	assert_multiplies::<G2Projective, blst_p2_affine>(&points, &mut rng);
}

#[test]
fn a_table_multiplies_as_its_points_do() {
	let mut rng = StdRng::seed_from_u64(5);
	let points = random_points::<G1Projective>(300, &mut rng);
	let packed: Vec<blst_p1_affine> = points.iter().map(Point::pack).collect();
	for count in [1, 2, 3, 300] {
		let table = Table::new(&packed[..count]).expect("few points");
		let mut scalars: Vec<Fr> = (0..count).map(|_| Fr::rand(&mut rng)).collect();
		scalars[0] = -Fr::ONE;
		let bytes: Vec<u8> = scalars.iter().flat_map(|s| points::scalar_bytes(*s)).collect();
		let expected = G1Projective::msm(&points[..count], &scalars).expect("lengths");
		assert_eq!(table.multiply(&bytes), expected);
	}
	assert!(Table::new(&vec![packed[0]; (1 << 11) + 1]).is_none());
}

#[test]
fn multiples_of_one_point_are_those_of_arkworks() {
	let mut rng = StdRng::seed_from_u64(6);
	let base = G1Projective::rand(&mut rng);
	let mut scalars: Vec<Fr> = (0..600).map(|_| Fr::rand(&mut rng)).collect();
	scalars.extend((0..200u64).map(Fr::from));
	scalars.extend((1..200u64).map(|i| -Fr::from(i)));
	scalars.extend((0..255).map(|i| Fr::from(2u64).pow([i])));
	scalars.extend((0..255).map(|i| Fr::from(2u64).pow([i]) - Fr::ONE));
	let expected: Vec<G1Affine> =
		scalars.iter().map(|scalar| (base * scalar).into_affine()).collect();
	for count in [1, 1 << 10, 1 << 20] {
		assert!(generator::Multiples::new(base, count).of(&scalars) == expected);
	}
}
