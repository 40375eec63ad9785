//! The constraints of each operator, element by element.

use super::{
	gadget,
	r1cs::{System, Wire},
};
use crate::network::{Interval, Operator, Pick};

/// Constrains the results of an operator. `sources` are what it reads, with their `bounds`;
/// `value` tells the value of a result while the witness is assigned.
pub(super) fn constrain(
	system: &mut System,
	operator: &Operator,
	sources: &[&[Wire]],
	bounds: &[&[Interval]],
	value: &dyn Fn(usize) -> i64,
) -> Vec<Wire> {
	let pick = |system: &System, pick: &Pick| match *pick {
		Pick::Element { source, at } => sources[source][at].clone(),
		Pick::Constant(value) => system.constant(value),
	};
	let bounds_of = |pick: &Pick| match *pick {
		Pick::Element { source, at } => bounds[source][at],
		Pick::Constant(value) => Interval::exactly(value),
	};
	// Each element of the first source with its bounds.
	let elements = || sources.iter().take(1).flat_map(|wires| wires.iter()).zip(bounds[0]);
	match operator {
		Operator::Select { picks } => picks.iter().map(|at| pick(system, at)).collect(),
		Operator::Linear(linear) => (0..linear.elements())
			.map(|at| {
				if !system.building() {
					return system.constant(value(at));
				}
				let (mut offset, mut terms) = (0, Vec::with_capacity(linear.window));
				for (element, weight) in linear.terms(at) {
					offset -= weight * i64::from(linear.zero_point);
					terms.push((weight, &sources[0][element]));
				}
				system.sum(offset, terms)
			})
			.collect(),
		Operator::Sum { factors, constant } => (0..sources[0].len())
			.map(|at| {
				let terms = sources.iter().zip(factors).map(|(x, f)| (f[at], &x[at]));
				system.sum(*constant, terms)
			})
			.collect(),
		Operator::Product => {
			sources[0].iter().zip(sources[1]).map(|(a, b)| system.product(a, b)).collect()
		},
		Operator::Rescale { shifts } => elements()
			.zip(shifts)
			.map(|((x, b), &shift)| gadget::rescale(system, x, *b, shift))
			.collect(),
		Operator::Divide { divisors } => elements()
			.zip(divisors)
			.map(|((x, b), &divisor)| gadget::divide(system, x, *b, divisor))
			.collect(),
		Operator::Quotient => elements()
			.zip(sources[1].iter().zip(bounds[1]))
			.map(|(a, b)| gadget::quotient(system, (a.0, *a.1), (b.0, *b.1)))
			.collect(),
		Operator::Clip { lo, hi } => elements()
			.map(|(x, b)| gadget::clip(system, x, *b, Interval { lo: *lo, hi: *hi }))
			.collect(),
		Operator::Max { windows } => windows
			.iter()
			.map(|window| {
				let window: Vec<_> =
					window.iter().map(|at| (pick(system, at), bounds_of(at))).collect();
				gadget::max(system, window)
			})
			.collect(),
		Operator::Abs => elements().map(|(x, b)| gadget::abs(system, x, *b)).collect(),
		Operator::Lookup { table } => {
			elements().map(|(x, b)| gadget::lookup(system, x, *b, table)).collect()
		},
		Operator::ArgMax { windows } => windows
			.iter()
			.map(|window| {
				let window: Vec<_> =
					window.iter().map(|&at| (sources[0][at].clone(), bounds[0][at])).collect();
				gadget::arg_max(system, &window)
			})
			.collect(),
	}
}
