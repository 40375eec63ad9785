//! The round constants and the matrix of the linear layer, drawn as the paper draws them (its
//! appendix F): nothing up the sleeve.

use super::WIDTH;
use ark_bls12_381::Fr;
use ark_ff::{BigInteger, Field, PrimeField};
use std::{array::from_fn, sync::LazyLock};

/// Rounds in which every element of the state passes an S-box: half of them first, half last.
pub(super) const FULL_ROUNDS: usize = 8;

/// Rounds in which only the first does.
pub(super) const PARTIAL_ROUNDS: usize = 60;

pub(super) const ROUNDS: usize = FULL_ROUNDS + PARTIAL_ROUNDS;

const BITS: usize = Fr::MODULUS_BIT_SIZE as usize;

/// The constants, drawn when they are first used; takes about a millisecond.
pub(super) static CONSTANTS: LazyLock<Constants> = LazyLock::new(Constants::draw);

pub(super) struct Constants {
	/// What each round adds to the state.
	pub(super) rounds: Vec<[Fr; WIDTH]>,
	/// The rows of the matrix.
	pub(super) mds: [[Fr; WIDTH]; WIDTH],
}

impl Constants {
	/// The matrix is the first that the generator gives. It has passed the tests for infinitely
	/// long subspace trails (<https://eprint.iacr.org/2020/500>): the first coordinate observes the
	/// whole state, and reaches all of it under each of the first 20 powers of the matrix.
	fn draw() -> Self {
		let mut grain = Grain::new();
		let rounds = (0..ROUNDS).map(|_| from_fn(|_| grain.below_modulus())).collect();
		let x: [Fr; WIDTH] = from_fn(|_| grain.reduced());
		let y: [Fr; WIDTH] = from_fn(|_| grain.reduced());
		let inverse = |sum: Fr| sum.inverse().expect("no input decides: any use computes it; qed");
		Self { rounds, mds: x.map(|x| y.map(|y| inverse(x + y))) }
	}
}

/// The self-shrinking Grain LFSR; the oldest of its 80 bits is the lowest.
struct Grain(u128);

impl Grain {
	/// Seeded with the parameters, each with the highest bit first.
	fn new() -> Self {
		let prime_field = (1, 2);
		let power_of_x = (0, 4);
		let parameters = [
			prime_field,
			power_of_x,
			(BITS, 12),
			(WIDTH, 12),
			(FULL_ROUNDS, 10),
			(PARTIAL_ROUNDS, 10),
			((1 << 30) - 1, 30),
		];
		let bits = parameters.iter().flat_map(|&(value, width)| {
			(0..width).rev().map(move |position| (value >> position & 1) as u128)
		});
		let mut grain = Self(bits.zip(0..).map(|(bit, position): (_, u32)| bit << position).sum());
		for _ in 0..160 {
			grain.step();
		}
		grain
	}

	fn step(&mut self) -> bool {
		let bit = [62, 51, 38, 23, 13, 0].iter().fold(0, |bit, tap| bit ^ self.0 >> tap) & 1;
		self.0 = self.0 >> 1 | bit << 79;
		bit == 1
	}

	/// Of pairs of bits, the second of the first pair that begins with 1.
	fn bit(&mut self) -> bool {
		loop {
			let (keep, bit) = (self.step(), self.step());
			if keep {
				return bit;
			}
		}
	}

	/// A number of as many bits as the modulus, big-endian.
	fn number(&mut self) -> [u8; BITS.div_ceil(8)] {
		let mut bytes = [0; BITS.div_ceil(8)];
		for position in (0..BITS).rev() {
			bytes[bytes.len() - 1 - position / 8] |= u8::from(self.bit()) << (position % 8);
		}
		bytes
	}

	fn reduced(&mut self) -> Fr {
		Fr::from_be_bytes_mod_order(&self.number())
	}

	/// The next number that is below the modulus.
	fn below_modulus(&mut self) -> Fr {
		loop {
			let number = self.number();
			let scalar = Fr::from_be_bytes_mod_order(&number);
			if scalar.into_bigint().to_bytes_be() == number {
				return scalar;
			}
		}
	}
}
