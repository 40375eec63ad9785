//! Rescale and clip to `uint8`, alone and under a maximum.

use super::{bits, compose, none_set, one_is_zero, width, Interval, System, Wire};

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

/// The greatest of `window` after [`rescale`]; each element is given with its bounds.
///
/// With the result before the upper clip, `y`, and each quotient `q_i = ⌊x_i / 2^shift⌋`: one
/// decomposition of `y·2^shift + 2^shift − 1 − x_i` gives `y − q_i`, and that it is not negative.
/// `y` is not negative either, and is 0 or one of the `q_i`, since `y·∏(y − q_i)` is 0.
pub(in crate::circuit) fn rescale_max(
	system: &mut System,
	window: &[(Wire, Interval)],
	shift: u32,
) -> Wire {
	if let [(wire, bounds)] = window {
		return rescale(system, wire, *bounds, shift);
	}
	let most = window.iter().map(|(_, bounds)| bounds.hi >> shift).max().unwrap_or(0);
	if most <= 0 {
		return system.constant(0);
	}
	if window.iter().any(|(_, bounds)| bounds.lo >> shift >= MAX) {
		return system.constant(MAX);
	}
	let greatest = window.iter().map(|(x, _)| x.value() >> shift).fold(0, i64::max);
	let y = system.allocate(greatest);
	let y_bits = bits(system, &y, width(most));
	let mut candidates = vec![y.clone()];
	for (x, bounds) in window {
		// An element that never exceeds 0 is no more than the 0 that `y` is compared with.
		if bounds.hi >> shift <= 0 {
			continue;
		}
		let above = system.sum((1 << shift) - 1, [(1 << shift, &y), (-1, x)]);
		let highest = most - (bounds.lo >> shift);
		let above = bits(system, &above, shift + width(highest));
		candidates.push(compose(system, &above[shift as usize..]));
	}
	one_is_zero(system, &candidates);
	saturate(system, &y_bits, None, most > MAX)
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
