//! Constraints on integers. Every witness variable that a gadget allocates is determined by the
//! wires that it reads.
//!
//! A wire's value is an integer whose bounds are known from interval analysis. All widths here are
//! at most 33 bits, so that sums of bits never wrap around the field's order.

use super::r1cs::{Linear, System, Wire};
use crate::network::Interval;
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Decomposes `wire`, which must be in `0..2^width`, into bits, least significant first; `width`
/// is at least 1.
///
/// Takes `width` constraints and `width − 1` variables: the lowest bit is what the others leave of
/// the wire, and that it is 0 or 1 is what ties the bits to the wire.
pub(super) fn bits(system: &mut System, wire: &Wire, width: u32) -> Vec<Wire> {
	debug_assert!(!system.assigning() || wire.value() >> width == 0);
	let mut bits = Vec::with_capacity(width as usize);
	for position in 1..width {
		bits.push(system.allocate((wire.value() >> position) & 1));
	}
	let lowest = system.sum(
		0,
		std::iter::once((1, wire)).chain((1..).zip(&bits).map(|(k, bit)| (-(1 << k), bit))),
	);
	bits.insert(0, lowest);
	for bit in &bits {
		// bit · (bit − 1) = 0
		let (minus_one, zero) = (system.sum(-1, [(1, bit)]), system.constant(0));
		system.enforce_product(bit, &minus_one, &zero);
	}
	bits
}

/// The number of bits that the integers `0..=highest` need.
fn width(highest: i64) -> u32 {
	i64::BITS - highest.leading_zeros()
}

/// The integer with the given bits, least significant first.
fn compose<'a>(system: &System, bits: impl IntoIterator<Item = &'a Wire>) -> Wire {
	system.sum(0, bits.into_iter().enumerate().map(|(k, bit)| (1 << k, bit)))
}

/// 1 if all of `bits` (each 0 or 1) are 0, else 0.
///
/// For up to 8 bits, the polynomial in their sum `t` that is 1 at 0 and 0 at 1..=8, whose roots
/// pair up as `t·(9 − t)`; the intermediate values are small and not negative. For more, the
/// inverse of the sum, made unique by a third constraint.
fn none_set(system: &mut System, bits: &[Wire]) -> Wire {
	let t = system.sum(0, bits.iter().map(|bit| (1, bit)));
	match bits.len() {
		0 => system.constant(1),
		1 => system.sum(1, [(-1, &t)]),
		// 2·g = (1 − t)·(2 − t)
		2 => {
			let g = system.allocate(i64::from(t.value() == 0));
			let (a, b) = (system.sum(1, [(-1, &t)]), system.sum(2, [(-1, &t)]));
			let c = system.sum(0, [(2, &g)]);
			system.enforce_product(&a, &b, &c);
			g
		},
		// u = t·(5 − t), 24·g = (4 − u)·(6 − u)
		3 | 4 => {
			let rest = system.sum(5, [(-1, &t)]);
			let u = system.product(&t, &rest);
			let g = system.allocate(i64::from(t.value() == 0));
			let (a, b) = (system.sum(4, [(-1, &u)]), system.sum(6, [(-1, &u)]));
			let c = system.sum(0, [(24, &g)]);
			system.enforce_product(&a, &b, &c);
			g
		},
		// u = t·(9 − t), p = u², 40320·g = (8 − u)·(20 − u)·(14 − u)·(18 − u)
		5..=8 => {
			let rest = system.sum(9, [(-1, &t)]);
			let u = system.product(&t, &rest);
			let p = system.product(&u, &u);
			let g = system.allocate(i64::from(t.value() == 0));
			let a = system.sum(160, [(1, &p), (-28, &u)]);
			let b = system.sum(252, [(1, &p), (-32, &u)]);
			let c = system.sum(0, [(40320, &g)]);
			system.enforce_product(&a, &b, &c);
			g
		},
		// t·inverse = 1 − g, t·g = 0, inverse·g = 0
		_ => {
			let inverse =
				system.allocate_field(|| Fr::from(t.value()).inverse().unwrap_or(Fr::ZERO));
			let g = system.allocate(i64::from(t.value() == 0));
			let not = system.sum(1, [(-1, &g)]);
			system.enforce(|| [inverse.clone(), t.linear(), not.linear()]);
			let zero = system.constant(0);
			system.enforce_product(&t, &g, &zero);
			system.enforce(|| [inverse, g.linear(), Linear::default()]);
			g
		},
	}
}

/// Range-checks `wire` to `uint8`.
pub(super) fn check_u8(system: &mut System, wire: &Wire) {
	bits(system, wire, 8);
}

/// `min(max(⌊wire / 2^shift⌋, 0), 255)`, where `wire` is known to be within `bounds`.
///
/// With `q = ⌊wire / 2^shift⌋ = low + 256·high` and `low` in 0..=255: the result is `low` if
/// `high` is 0, else 255 if `high` is positive, else 0. One decomposition, to the width that the
/// bounds need, gives the remainder, `low` and `high` in two's complement; what the bounds exclude
/// is not constrained again.
pub(super) fn rescale(system: &mut System, wire: &Wire, bounds: Interval, shift: u32) -> Wire {
	let (least, most) = (bounds.lo >> shift, bounds.hi >> shift);
	if most <= 0 {
		return system.constant(0);
	}
	if least >= 255 {
		return system.constant(255);
	}
	let negative_possible = least < 0;
	// Magnitude bits of the quotient: it lies in −2^magnitude..2^magnitude.
	let magnitude = width(most).max(if negative_possible { width(-least - 1) } else { 0 });
	let total = shift + magnitude + u32::from(negative_possible);
	let offset = if negative_possible { 1i64 << (shift + magnitude) } else { 0 };
	let shifted = system.sum(offset, [(1, wire)]);
	let all = bits(system, &shifted, total);
	let (quotient, sign) = all[shift as usize..].split_at(magnitude as usize);
	let (low, high) = quotient.split_at(quotient.len().min(8));
	let low = compose(system, low);
	// The offset makes the topmost bit 1 exactly for what is not negative.
	match (sign.first(), most > 255) {
		(None, false) => low,
		(Some(not_negative), false) => system.product(not_negative, &low),
		(sign, true) => {
			let negative = sign.map(|bit| system.sum(1, [(-1, bit)]));
			let mut outside = high.to_vec();
			outside.extend(negative);
			let in_range = none_set(system, &outside);
			// result = in_range·(low − 255) + 255·not_negative
			let beyond = system.sum(-255, [(1, &low)]);
			let top = match sign {
				Some(not_negative) => system.sum(0, [(255, not_negative)]),
				None => system.constant(255),
			};
			let value = if in_range.value() == 1 { low.value() } else { top.value() };
			let result = system.allocate(value);
			let correction = system.sum(0, [(1, &result), (-1, &top)]);
			system.enforce_product(&in_range, &beyond, &correction);
			result
		},
	}
}
