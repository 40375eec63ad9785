//! Constraints on integers. Every witness variable that a gadget allocates is determined by the
//! wires that it reads.
//!
//! A wire's value is an integer whose bounds are known from interval analysis. All widths here are
//! at most 34 bits, so that sums of bits never wrap around the field's order.

mod division;
mod lookup;
mod order;
mod poseidon;
mod rescale;
#[cfg(test)]
mod tests;

pub(super) use division::{divide, quotient};
pub(super) use lookup::lookup;
pub(super) use order::{abs, arg_max, clip, max};
pub(super) use rescale::rescale;

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
		check_boolean(system, bit);
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

/// Range-checks `wire` to `0..2^width`.
pub(super) fn check_unsigned(system: &mut System, wire: &Wire, width: u32) {
	bits(system, wire, width);
}

/// Range-checks `wire` to `-2^(width - 1)..2^(width - 1)`.
pub(super) fn check_signed(system: &mut System, wire: &Wire, width: u32) {
	let shifted = system.sum(1 << (width - 1), [(1, wire)]);
	bits(system, &shifted, width);
}

/// 1 if `wire` is 0 or more, else 0.
fn non_negative(system: &mut System, wire: &Wire, bounds: Interval) -> Wire {
	if bounds.lo >= 0 {
		return system.constant(1);
	}
	if bounds.hi < 0 {
		return system.constant(0);
	}
	// The offset makes the topmost bit 1 exactly for what is not negative.
	let magnitude = width(bounds.hi).max(width(-bounds.lo - 1));
	let shifted = system.sum(1 << magnitude, [(1, wire)]);
	bits(system, &shifted, magnitude + 1).swap_remove(magnitude as usize)
}

/// `max(wire, 0)`.
fn positive_part(system: &mut System, wire: &Wire, bounds: Interval) -> Wire {
	if bounds.lo >= 0 {
		return wire.clone();
	}
	if bounds.hi <= 0 {
		return system.constant(0);
	}
	let not_negative = non_negative(system, wire, bounds);
	system.product(&not_negative, wire)
}

/// A new variable that is 0 or 1.
fn boolean(system: &mut System, value: bool) -> Wire {
	let bit = system.allocate(value.into());
	check_boolean(system, &bit);
	bit
}

fn check_boolean(system: &mut System, wire: &Wire) {
	let (less, zero) = (system.sum(-1, [(1, wire)]), system.constant(0));
	system.enforce_product(wire, &less, &zero);
}
