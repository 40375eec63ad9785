//! The key generator: from the same randomness, the same keys as `ark_groth16`'s.

use super::{
	batch::{add_all, Scratch},
	domain::Domain,
	key::{Key, Query},
	points::Point,
};
use crate::circuit::Circuit;
use ark_bls12_381::{Fr, G1Projective, G2Projective};
use ark_ec::{
	short_weierstrass::{Affine, Projective, SWCurveConfig},
	CurveGroup,
};
use ark_ff::{AdditiveGroup, Field, PrimeField, UniformRand, Zero};
use ark_std::rand::{CryptoRng, RngCore};
use blst::blst_p1_affine;
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Scalars that are multiplied, and whose denominators are inverted, together.
const CHUNK: usize = 512;

/// Secret scalars, overwritten when they are dropped.
type Secret = Zeroizing<Vec<Fr>>;

/// Makes the key of a circuit; `None` if the circuit is too large for the field.
///
/// What was drawn is overwritten afterwards, and so is all on the heap that was computed from it and
/// is not the key. Copies that the compiler made in registers and on the stack are beyond reach, and
/// so is what the system wrote to a disk. Only a ceremony does without trust in this machine.
pub(crate) fn generate(circuit: &Circuit, rng: &mut (impl RngCore + CryptoRng)) -> Option<Key> {
	let (instance, constraints) = (circuit.instance(), circuit.constraints());
	let domain = Domain::new(constraints.checked_add(instance)?)?;
	let mut draw = || Zeroizing::new([Fr::rand(rng)]);
	let (alpha, beta, gamma, delta) = (draw(), draw(), draw(), draw());
	let g1 = G1Projective::rand(rng);
	let g2 = G2Projective::rand(rng);
	let tau = loop {
		let tau = Zeroizing::new(Fr::rand(rng));
		if !domain.vanishing(*tau).is_zero() {
			break tau;
		}
	};
	let inverse = |[secret]: &[Fr; 1]| secret.inverse().map(Zeroizing::new);
	let (by_gamma, by_delta) = (inverse(&gamma)?, inverse(&delta)?);

	let [a, b, c] = columns(circuit, &domain, *tau);
	let mut combined = c;
	combined.par_iter_mut().zip(&*a).zip(&*b).enumerate().with_min_len(CHUNK).for_each(
		|(variable, ((c, a), b))| {
			*c += beta[0] * a + alpha[0] * b;
			*c *= if variable < instance { *by_gamma } else { *by_delta };
		},
	);
	let first = Zeroizing::new(domain.vanishing(*tau) * *by_delta);
	let mut h: Secret = Zeroizing::new(vec![Fr::ZERO; domain.size() - 1]);
	h.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, powers)| {
		let mut power = *first * tau.pow([(chunk * CHUNK) as u64]);
		for value in powers {
			*value = power;
			power *= *tau;
		}
	});

	let in_first = Multiples::new(g1, 3 * domain.size());
	let same = |at: usize| a[at] == b[at];
	let shared = in_first.query(&a, same);
	let a_only = in_first.query(&a, |at| !same(at));
	let b_g1 = in_first.query(&b, |at| !same(at));
	let l = in_first.query(&combined[instance..], |_| true);
	let h: Vec<_> = in_first.of(&h).iter().map(blst_p1_affine::pack).collect();
	let gamma_abc_g1 = in_first.of(&combined[..instance]);
	// Not by arkworks' multiplication, which leaves parts of the scalar on the heap.
	let [alpha_g1, beta_g1, delta_g1] = [&alpha, &beta, &delta].map(|x| in_first.of(&x[..])[0]);
	drop(in_first);
	let in_second = Multiples::new(g2, domain.size());
	let b_g2 = in_second.query(&b, |_| true);
	let [beta_g2, gamma_g2, delta_g2] = [&beta, &gamma, &delta].map(|x| in_second.of(&x[..])[0]);
	Some(Key {
		vk: ark_groth16::VerifyingKey { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1 },
		beta_g1,
		delta_g1,
		variables: a.len(),
		witness: a.len() - instance,
		shared,
		a: a_only,
		b_g1,
		b_g2,
		l,
		h,
	})
}

/// The polynomials of all variables at `tau`, of A, B and C.
fn columns(circuit: &Circuit, domain: &Domain, tau: Fr) -> [Secret; 3] {
	let (instance, constraints) = (circuit.instance(), circuit.constraints());
	let lagrange: Secret = Zeroizing::new(domain.lagrange(tau));
	let mut columns =
		[(); 3].map(|()| Zeroizing::new(vec![Fr::ZERO; instance + circuit.witness()]));
	columns.par_iter_mut().zip(circuit.matrices()).for_each(|(column, matrix)| {
		for (row, value) in matrix.iter().zip(&**lagrange) {
			for (coefficient, variable) in row {
				column[*variable] += match *coefficient == Fr::ONE {
					true => *value,
					false => *coefficient * value,
				};
			}
		}
	});
	// The reduction adds a row to A for each public input, which makes the inputs' polynomials
	// independent.
	for (column, value) in columns[0].iter_mut().zip(&lagrange[constraints..]).take(instance) {
		*column += value;
	}
	columns
}

/// A table of multiples of one point.
pub(super) struct Multiples<P: SWCurveConfig> {
	/// Bits of a digit. Digits are in `−2^(bits−1)..=2^(bits−1)`.
	bits: u32,
	/// For each digit, from the least significant, the multiples for 1, 2, …, `2^(bits−1)`.
	windows: Vec<Vec<Affine<P>>>,
}

impl<P: SWCurveConfig<ScalarField = Fr>> Multiples<P> {
	/// A table for about `count` multiplications.
	pub(super) fn new(base: Projective<P>, count: usize) -> Self {
		// An entry of the table costs about three additions; more than 13 bits leave the cache.
		let cost = |bits: u32| windows(bits) * (count + (3 << (bits - 1)));
		let bits = (4..=13).min_by_key(|&bits| cost(bits)).unwrap_or(4);
		let mut bases = vec![base];
		for _ in 1..windows(bits) {
			let mut next = *bases.last().expect("begins with one; qed");
			for _ in 0..bits {
				next.double_in_place();
			}
			bases.push(next);
		}
		let windows = bases
			.into_par_iter()
			.map(|base| {
				let step = base.into_affine();
				let multiples: Vec<_> =
					std::iter::successors(Some(base), |multiple| Some(*multiple + step))
						.take(1 << (bits - 1))
						.collect();
				Projective::normalize_batch(&multiples)
			})
			.collect();
		Self { bits, windows }
	}

	/// The base times each scalar.
	pub(super) fn of(&self, scalars: &[Fr]) -> Vec<Affine<P>> {
		let mut products = vec![Affine::identity(); scalars.len()];
		products.par_chunks_mut(CHUNK).zip(scalars.par_chunks(CHUNK)).for_each(
			|(products, scalars)| {
				let limbs = scalars.iter().map(|scalar| scalar.into_bigint().0);
				let limbs: Zeroizing<Vec<[u64; 4]>> = Zeroizing::new(limbs.collect());
				let mut carries = Zeroizing::new(vec![false; scalars.len()]);
				let mut addends = Zeroizing::new(vec![Affine::identity(); scalars.len()]);
				let mut scratch = Scratch::new(scalars.len());
				for (window, table) in self.windows.iter().enumerate() {
					let position = window * self.bits as usize;
					let digits = limbs.iter().zip(&mut *carries);
					for (addend, (limbs, carry)) in addends.iter_mut().zip(digits) {
						*addend = self.multiple(table, digit(limbs, position, self.bits), carry);
					}
					add_all(products, &addends, &mut scratch);
				}
			},
		);
		products
	}

	/// The multiple for a digit and the carry of the one before; sets the carry of this one.
	fn multiple(&self, table: &[Affine<P>], digit: u64, carry: &mut bool) -> Affine<P> {
		let digit = digit + u64::from(*carry);
		*carry = digit > 1 << (self.bits - 1);
		match (*carry, digit) {
			(false, 0) => Affine::identity(),
			(false, digit) => table[digit as usize - 1],
			(true, digit) if digit == 1 << self.bits => Affine::identity(),
			(true, digit) => -table[(1 << self.bits) - digit as usize - 1],
		}
	}
}

impl<P: SWCurveConfig<ScalarField = Fr>> Multiples<P> {
	/// The query of those scalars that are not zero and that `keep` accepts.
	fn query<Q: Point<Affine = Affine<P>>>(
		&self,
		scalars: &[Fr],
		keep: impl Fn(usize) -> bool,
	) -> Query<Q> {
		let kept = |&at: &usize| !scalars[at].is_zero() && keep(at);
		let variables: Vec<u32> =
			(0..scalars.len()).filter(kept).map(|variable| variable as u32).collect();
		let kept: Secret =
			Zeroizing::new(variables.iter().map(|&variable| scalars[variable as usize]).collect());
		Query { points: self.of(&kept).iter().map(Q::pack).collect(), variables }
	}
}

/// Number of digits of a scalar: its 255 bits and a carry.
fn windows(bits: u32) -> usize {
	(Fr::MODULUS_BIT_SIZE + 1).div_ceil(bits) as usize
}

/// `bits` bits of a number from `position` on.
fn digit(limbs: &[u64; 4], position: usize, bits: u32) -> u64 {
	let (limb, shift) = (position / 64, position % 64);
	let low = limbs[limb] >> shift;
	let high = match limbs.get(limb + 1) {
		Some(next) if shift > 0 => next << (64 - shift),
		_ => 0,
	};
	(low | high) & ((1 << bits) - 1)
}
