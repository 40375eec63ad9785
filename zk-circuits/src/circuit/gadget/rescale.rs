//! Rescale and clip to `uint8`.

use super::{bits, compose, none_set, width, Interval, System, Wire};

const MAX: i64 = u8::MAX as i64;

/// `min(max(⌊wire / 2^shift⌋, 0), 255)`, where `wire` is known to be within `bounds`.
///
/// One decomposition, to the width that the bounds need, gives the remainder and the quotient in
/// two's complement; what the bounds exclude is not constrained again.
pub(in crate::circuit) fn rescale(
	system: &mut System,
	wire: &Wire,
	bounds: Interval,
	shift: u32,
) -> Wire {
	let (least, most) = (bounds.lo >> shift, bounds.hi >> shift);
	if most <= 0 {
		return system.constant(0);
	}
	if least >= MAX {
		return system.constant(MAX);
	}
	let negative_possible = least < 0;
	// Magnitude bits of the quotient: it lies in −2^magnitude..2^magnitude.
	let magnitude = width(most).max(if negative_possible { width(-least - 1) } else { 0 });
	let total = shift + magnitude + u32::from(negative_possible);
	let offset = if negative_possible { 1i64 << (shift + magnitude) } else { 0 };
	let shifted = system.sum(offset, [(1, wire)]);
	let all = bits(system, &shifted, total);
	let (quotient, sign) = all[shift as usize..].split_at(magnitude as usize);
	// The offset makes the topmost bit 1 exactly for what is not negative.
	saturate(system, quotient, sign.first(), most > MAX)
}

/// `min(max(quotient, 0), 255)` of a quotient in bits; `not_negative` is its sign, if it can be
/// negative, and the bits are two's complement then.
///
/// With `low` the 8 lowest bits: the result is `low` if the others and the sign are 0, else 255 if
/// the quotient is not negative, else 0.
fn saturate(
	system: &mut System,
	quotient: &[Wire],
	not_negative: Option<&Wire>,
	above_possible: bool,
) -> Wire {
	let (low, high) = quotient.split_at(quotient.len().min(8));
	let low = compose(system, low);
	match (not_negative, above_possible) {
		(None, false) => low,
		(Some(not_negative), false) => system.product(not_negative, &low),
		(not_negative, true) => {
			let negative = not_negative.map(|bit| system.sum(1, [(-1, bit)]));
			let mut outside = high.to_vec();
			outside.extend(negative);
			let in_range = none_set(system, &outside);
			// result = in_range·(low − 255) + 255·not_negative
			let beyond = system.sum(-MAX, [(1, &low)]);
			let top = match not_negative {
				Some(not_negative) => system.sum(0, [(MAX, not_negative)]),
				None => system.constant(MAX),
			};
			let value = if in_range.value() == 1 { low.value() } else { top.value() };
			let result = system.allocate(value);
			let correction = system.sum(0, [(1, &result), (-1, &top)]);
			system.enforce_product(&in_range, &beyond, &correction);
			result
		},
	}
}
