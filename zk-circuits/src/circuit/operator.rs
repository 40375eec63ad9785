//! The constraints of each operator, element by element.

use super::{
	gadget,
	r1cs::{System, Wire},
};
use crate::network::{Interval, Linear, Operator, Pick};

/// What an operator acts on.
pub(super) struct Inputs<'a> {
	/// The values that it reads.
	pub(super) sources: &'a [&'a [Wire]],
	/// Their bounds.
	pub(super) bounds: &'a [&'a [Interval]],
	/// Its private parameters, as [`Operator::trained`] orders them.
	pub(super) trained: &'a [Wire],
}

/// Constrains the results of an operator; `value` tells the value of a result while the witness is
/// assigned.
pub(super) fn constrain(
	system: &mut System,
	operator: &Operator,
	&Inputs { sources, bounds, trained }: &Inputs,
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
		Operator::Private { .. } => trained.to_vec(),
		Operator::Linear(linear) if linear.private.is_some() => {
			private_sums(system, linear, sources[0], trained)
		},
		Operator::Linear(linear) => (0..linear.elements())
			.map(|at| {
				if !system.building() {
					return system.constant(value(at));
				}
				let (mut offset, mut terms) = (0, Vec::with_capacity(linear.window));
				for (element, weight) in linear.terms(at) {
					let weight = i64::from(linear.weights[weight]);
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

/// Weighted sums with weights that are variables: a constraint for each product.
fn private_sums(
	system: &mut System,
	linear: &Linear,
	source: &[Wire],
	bytes: &[Wire],
) -> Vec<Wire> {
	let zeros = linear.private.iter().flatten().cycle();
	let weights: Vec<Wire> =
		bytes.iter().zip(zeros).map(|(byte, &zero)| less(system, byte, zero)).collect();
	let elements: Vec<Wire> = source.iter().map(|x| less(system, x, linear.zero_point)).collect();
	(0..linear.elements())
		.map(|at| {
			let products: Vec<Wire> = linear
				.terms(at)
				.map(|(element, weight)| system.product(&elements[element], &weights[weight]))
				.collect();
			system.sum(0, products.iter().map(|product| (1, product)))
		})
		.collect()
}

/// What a wire is above a zero point.
fn less(system: &System, wire: &Wire, zero_point: u8) -> Wire {
	system.sum(-i64::from(zero_point), [(1, wire)])
}
