//! Points that are none: each kind, at every place of a key and of a proof.

use super::*;
use aimodel_primitives::traits::ProofVerifier;
use ark_ec::{AffineRepr, CurveGroup};
use frame_support::assert_noop;
use sp_crypto_ec_utils::bls12_381::{G1Affine, G1Config, G2Affine, G2Config, ScalarField};
use sp_runtime::DispatchError;

const INPUTS: u32 = 2;

/// Puts a bad point at every place of a key and of a proof; each time `expected` must come out.
///
/// `spoil` gets the bytes of the valid point and whether it is in G2, and may decline.
fn refused_everywhere(expected: Error, spoil: impl Fn(&mut [u8], bool) -> bool) {
	let expected: DispatchError = expected.into();
	TestExt::new().build_and_execute(|| {
		let mut spoilt = 0;
		let Proven { key, inputs, proof } = proven(INPUTS);
		for (offset, in_g2) in POINTS_OF_PROOF {
			let mut proof = proof.clone();
			let point = &mut proof[offset..][..if in_g2 { 192 } else { 96 }];
			if spoil(point, in_g2) {
				assert_noop!(ZkVerifier::verify(&key, &inputs, &proof), expected);
				spoilt += 1;
			}
		}
		let points = SimulatedKey::new(INPUTS, SEED).points();
		for (offset, in_g2) in points_of_key(INPUTS as usize) {
			let mut points = points.clone();
			let point = &mut points[offset..][..if in_g2 { 192 } else { 96 }];
			if spoil(point, in_g2) {
				assert_noop!(register(ALICE, &points), expected);
				spoilt += 1;
			}
		}
		assert!(spoilt > 0, "nothing was tested");
	});
}

#[test]
fn the_identity_is_refused() {
	refused_everywhere(Error::IdentityPoint, |point, _| {
		point.fill(0);
		point[0] = 0x40;
		true
	});
	// As arkworks keeps it in memory.
	refused_everywhere(Error::IdentityPoint, |point, _| {
		point.fill(0);
		true
	});
}

#[test]
fn the_identity_with_anything_besides_is_malformed() {
	for (byte, value) in [(0, 0x60), (0, 0xc0), (0, 0x41), (1, 1), (95, 1)] {
		refused_everywhere(Error::MalformedPoint, |point, _| {
			point.fill(0);
			point[0] = 0x40;
			point[byte] = value;
			true
		});
	}
}

#[test]
fn set_flags_are_malformed() {
	for flags in 1u8..8 {
		refused_everywhere(Error::MalformedPoint, |point, _| {
			point[0] |= flags << 5;
			true
		});
	}
}

#[test]
fn coordinates_that_are_not_reduced_are_malformed() {
	// The same point modulo p: only the encoding differs.
	for coordinate in 1..4 {
		refused_everywhere(Error::MalformedPoint, |point, _| {
			point.chunks_mut(48).nth(coordinate).is_some_and(|c| add_modulus(c, false))
		});
	}
	refused_everywhere(Error::MalformedPoint, |point, _| {
		point[48..96].copy_from_slice(&ark_bls12_381::Fq::MODULUS.to_bytes_be());
		true
	});
	refused_everywhere(Error::MalformedPoint, |point, _| {
		point[48..96].fill(0xff);
		true
	});
}

#[test]
fn a_first_coordinate_that_is_not_reduced_is_malformed() {
	TestExt::new().build_and_execute(|| {
		// Most sums with p reach the flags: look for points whose sum does not.
		let Proven { key, inputs, .. } = proven(INPUTS);
		let simulated = SimulatedKey::new(INPUTS, SEED);
		let (mut g1, mut g2) = (0, 0);
		for seed in 0..64 {
			for (offset, in_g2) in POINTS_OF_PROOF {
				let mut proof = simulated.prove(&inputs, seed);
				if add_modulus(&mut proof[offset..offset + 48], true) {
					assert_noop!(ZkVerifier::verify(&key, &inputs, &proof), Error::MalformedPoint);
					*(if in_g2 { &mut g2 } else { &mut g1 }) += 1;
				}
			}
		}
		assert!(g1 > 0 && g2 > 0, "nothing was tested");
	});
}

#[test]
fn points_off_the_curve_are_refused() {
	refused_everywhere(Error::PointNotOnCurve, |point, _| {
		*point.last_mut().unwrap() ^= 1;
		true
	});
	// On the twist of a wrong b: a point on another curve of the same form.
	refused_everywhere(Error::PointNotOnCurve, |point, _| {
		point.fill(0);
		*point.last_mut().unwrap() = 1;
		true
	});
}

#[test]
fn points_outside_of_the_subgroup_are_refused() {
	let g1: Vec<_> = outside_of_subgroup::<G1Config>().take(4).collect();
	let g2: Vec<_> = outside_of_subgroup::<G2Config>().take(4).collect();
	for (g1, g2) in g1.into_iter().zip(g2) {
		assert!(g1.is_on_curve() && g2.is_on_curve());
		refused_everywhere(Error::PointNotInSubgroup, |point, in_g2| {
			point.copy_from_slice(&if in_g2 { encoded(g2) } else { encoded(g1) });
			true
		});
	}
}

#[test]
fn points_of_small_order_are_refused() {
	// What is left of a point when its part in the subgroup is taken away: its order divides the
	// cofactor. And the point of order three, which the endomorphism does not move.
	let rest = |point: G1Affine| point.mul_bigint(ScalarField::MODULUS).into_affine();
	let g1 = outside_of_subgroup().map(rest).find(|p| !p.is_zero()).unwrap();
	let three = G1Affine::get_point_from_x_unchecked(0u64.into(), true).unwrap();
	assert!(three.mul_bigint([3]).into_affine().is_zero());
	let rest = |point: G2Affine| point.mul_bigint(ScalarField::MODULUS).into_affine();
	let g2 = outside_of_subgroup().map(rest).find(|p| !p.is_zero()).unwrap();
	for g1 in [g1, three, -three] {
		refused_everywhere(Error::PointNotInSubgroup, |point, in_g2| {
			point.copy_from_slice(&if in_g2 { encoded(g2) } else { encoded(g1) });
			true
		});
	}
}

#[test]
fn valid_points_plus_a_point_of_small_order_are_refused() {
	// Such points pass every check that multiplies by the cofactor.
	let rest = |point: G1Affine| point.mul_bigint(ScalarField::MODULUS);
	let g1 = outside_of_subgroup().map(rest).next().unwrap();
	let rest = |point: G2Affine| point.mul_bigint(ScalarField::MODULUS);
	let g2 = outside_of_subgroup().map(rest).next().unwrap();
	refused_everywhere(Error::PointNotInSubgroup, |point, in_g2| {
		let shifted = if in_g2 {
			encoded::<G2Config>(decoded::<G2Config>(point) + g2)
		} else {
			encoded::<G1Config>(decoded::<G1Config>(point) + g1)
		};
		point.copy_from_slice(&shifted);
		true
	});
}
