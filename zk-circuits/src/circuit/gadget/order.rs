//! Comparisons: maximum, clip, absolute value, position of the maximum.

use super::{bits, check_boolean, non_negative, positive_part, width};
use super::{Interval, System, Wire};

/// The bounds of `a − b`.
fn difference(a: Interval, b: Interval) -> Interval {
	Interval { lo: a.lo - b.hi, hi: a.hi - b.lo }
}

/// The greatest of `window`, whose elements are given with their bounds.
///
/// A tournament of `max(a, b) = b + max(a − b, 0)`. What the bounds show to be no greater than
/// another is left out.
pub(in crate::circuit) fn max(system: &mut System, mut window: Vec<(Wire, Interval)>) -> Wire {
	let least = window.iter().map(|(_, bounds)| bounds.lo).max().unwrap_or(0);
	let greatest = window.iter().position(|(_, bounds)| bounds.lo == least).unwrap_or(0);
	let mut at = 0..;
	window.retain(|(_, bounds)| at.next() == Some(greatest) || bounds.hi > least);
	while window.len() > 1 {
		let mut round = Vec::with_capacity(window.len().div_ceil(2));
		let mut rest = window.into_iter();
		while let Some((a, of_a)) = rest.next() {
			let Some((b, of_b)) = rest.next() else {
				round.push((a, of_a));
				break;
			};
			let over = system.sum(0, [(1, &b), (-1, &a)]);
			let over = positive_part(system, &over, difference(of_b, of_a));
			let most = system.sum(0, [(1, &a), (1, &over)]);
			round.push((most, Interval { lo: of_a.lo.max(of_b.lo), hi: of_a.hi.max(of_b.hi) }));
		}
		window = round;
	}
	window.pop().map_or_else(|| system.constant(0), |(wire, _)| wire)
}

/// `min(max(wire, limits.lo), limits.hi)`.
pub(in crate::circuit) fn clip(
	system: &mut System,
	wire: &Wire,
	bounds: Interval,
	limits: Interval,
) -> Wire {
	let Interval { lo, hi } = limits;
	let (mut result, mut bounds) = (wire.clone(), bounds);
	if bounds.lo < lo {
		let over = system.sum(-lo, [(1, &result)]);
		let over = positive_part(system, &over, bounds.map(|x| x - lo));
		result = system.sum(lo, [(1, &over)]);
		bounds = bounds.map(|x| x.max(lo));
	}
	if bounds.hi > hi {
		let under = system.sum(hi, [(-1, &result)]);
		let under =
			positive_part(system, &under, Interval { lo: hi - bounds.hi, hi: hi - bounds.lo });
		result = system.sum(hi, [(-1, &under)]);
	}
	result
}

/// `|wire|`.
pub(in crate::circuit) fn abs(system: &mut System, wire: &Wire, bounds: Interval) -> Wire {
	if bounds.lo >= 0 {
		return wire.clone();
	}
	if bounds.hi <= 0 {
		return system.sum(0, [(-1, wire)]);
	}
	let not_negative = non_negative(system, wire, bounds);
	let sign = system.sum(-1, [(2, &not_negative)]);
	system.product(&sign, wire)
}

/// The position in `window` of its first greatest element.
///
/// For each position, whether the one that is named lies there or before: at one position this
/// becomes 1, and the last is 1. The element that is named is at least every later one, and above
/// every earlier one.
pub(in crate::circuit) fn arg_max(system: &mut System, window: &[(Wire, Interval)]) -> Wire {
	let Some(last) = window.len().checked_sub(1).filter(|&last| last > 0) else {
		return system.constant(0);
	};
	let mut position = 0;
	for (at, (wire, _)) in window.iter().enumerate() {
		if wire.value() > window[position].0.value() {
			position = at;
		}
	}
	let mut reached: Vec<Wire> =
		(0..last).map(|at| system.allocate(i64::from(position <= at))).collect();
	reached.push(system.constant(1));
	// The element that is named, once it is reached, and 0 before.
	let mut named = system.constant(0);
	let mut before = system.constant(0);
	for (now, (wire, _)) in reached.iter().zip(window) {
		let is_here = system.sum(0, [(1, now), (-1, &before)]);
		check_boolean(system, &is_here);
		let next = system.allocate(now.value() * window[position].0.value());
		let change = system.sum(0, [(1, &next), (-1, &named)]);
		system.enforce_product(&is_here, wire, &change);
		(named, before) = (next, now.clone());
	}
	let greatest = window.iter().map(|(_, bounds)| bounds.hi).max().unwrap_or(0);
	for (now, (wire, bounds)) in reached.iter().zip(window) {
		let over = system.sum(-1, [(1, &named), (-1, wire), (1, now)]);
		bits(system, &over, width(greatest - bounds.lo).max(1));
	}
	system.sum(last as i64, reached[..last].iter().map(|wire| (-1, wire)))
}
