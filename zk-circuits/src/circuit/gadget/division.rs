//! Division of integers.

use super::{bits, boolean, compose, width, Interval, System, Wire};

/// `wire / divisor`, truncated toward zero; `divisor` is positive.
///
/// The magnitude is divided: with a sign that the prover gives, it must turn out not negative.
pub(in crate::circuit) fn divide(
	system: &mut System,
	wire: &Wire,
	bounds: Interval,
	divisor: i64,
) -> Wire {
	let most = bounds.hi.max(-bounds.lo);
	if divisor == 1 {
		return wire.clone();
	}
	if most < divisor {
		return system.constant(0);
	}
	if bounds.lo >= 0 {
		return divide_magnitude(system, wire, most, divisor);
	}
	if bounds.hi <= 0 {
		let magnitude = system.sum(0, [(-1, wire)]);
		let quotient = divide_magnitude(system, &magnitude, most, divisor);
		return system.sum(0, [(-1, &quotient)]);
	}
	let not_negative = boolean(system, wire.value() >= 0);
	let sign = system.sum(-1, [(2, &not_negative)]);
	let magnitude = system.product(&sign, wire);
	let quotient = divide_magnitude(system, &magnitude, most, divisor);
	system.product(&sign, &quotient)
}

/// `⌊wire / divisor⌋`; proves that `wire` is not negative. At least `divisor` is `most`, and at
/// least 2 is `divisor`.
fn divide_magnitude(system: &mut System, wire: &Wire, most: i64, divisor: i64) -> Wire {
	if divisor.count_ones() == 1 {
		let all = bits(system, wire, width(most));
		return compose(system, &all[divisor.trailing_zeros() as usize..]);
	}
	let quotient = system.allocate(wire.value() / divisor);
	bits(system, &quotient, width(most / divisor));
	let remainder = system.sum(0, [(1, wire), (-divisor, &quotient)]);
	let missing = system.sum(divisor - 1, [(-1, &remainder)]);
	for part in [remainder, missing] {
		bits(system, &part, width(divisor - 1));
	}
	quotient
}

/// `⌊a / b⌋`, where `a ≥ 0` and `b ≥ 1`; each comes with its bounds.
pub(in crate::circuit) fn quotient(
	system: &mut System,
	a: (&Wire, Interval),
	b: (&Wire, Interval),
) -> Wire {
	let ((a, dividends), (b, divisors)) = (a, b);
	if divisors.lo == divisors.hi {
		return divide(system, a, dividends, divisors.lo);
	}
	let most = dividends.hi / divisors.lo.max(1);
	if most == 0 {
		return system.constant(0);
	}
	let quotient = system.allocate(a.value() / b.value().max(1));
	bits(system, &quotient, width(most));
	let product = system.product(&quotient, b);
	let remainder = system.sum(0, [(1, a), (-1, &product)]);
	let missing = system.sum(-1, [(1, b), (-1, &remainder)]);
	for part in [remainder, missing] {
		bits(system, &part, width(divisors.hi - 1));
	}
	quotient
}
