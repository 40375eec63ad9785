//! Tables.

use super::{bits, width, Interval, System, Wire};

/// `table[wire]`; the bounds lie inside the table.
///
/// The index is split into halves, each with one indicator for every value of its bits. The result
/// is the row that the upper half names, at the place that the lower half names; rows that differ
/// by a constant share their product.
pub(in crate::circuit) fn lookup(
	system: &mut System,
	wire: &Wire,
	bounds: Interval,
	table: &[i64],
) -> Wire {
	let entries = &table[bounds.lo as usize..=bounds.hi as usize];
	if entries.iter().all(|entry| *entry == entries[0]) {
		return system.constant(entries[0]);
	}
	let index = system.sum(-bounds.lo, [(1, wire)]);
	let index_bits = bits(system, &index, width(bounds.hi - bounds.lo));
	let (low, high) = index_bits.split_at(index_bits.len().div_ceil(2));
	let (low, high) = (indicators(system, low), indicators(system, high));
	// What lies behind the end is never named: it repeats the last entry.
	let entry = |row: usize, column: usize| {
		entries.get(row * low.len() + column).copied().unwrap_or(entries[entries.len() - 1])
	};
	let row = |system: &System, row: usize| {
		system.sum(0, low.iter().enumerate().map(|(column, bit)| (entry(row, column), bit)))
	};
	let first = row(system, 0);
	let mut result = first.clone();
	for (number, named) in high.iter().enumerate().skip(1) {
		let differs = |column| entry(number, column) - entry(0, column);
		let term = match (1..low.len()).all(|column| differs(column) == differs(0)) {
			true => system.sum(0, [(differs(0), named)]),
			false => {
				let this = row(system, number);
				let difference = system.sum(0, [(1, &this), (-1, &first)]);
				system.product(named, &difference)
			},
		};
		result = system.sum(0, [(1, &result), (1, &term)]);
	}
	result
}

/// For every value of `bits`, least significant first: 1 if they have it, else 0.
fn indicators(system: &mut System, bits: &[Wire]) -> Vec<Wire> {
	let mut indicators = vec![system.constant(1)];
	for (number, bit) in bits.iter().enumerate() {
		let set: Vec<Wire> = match number {
			0 => vec![bit.clone()],
			_ => indicators.iter().map(|named| system.product(named, bit)).collect(),
		};
		let unset: Vec<Wire> = indicators
			.iter()
			.zip(&set)
			.map(|(named, set)| system.sum(0, [(1, named), (-1, set)]))
			.collect();
		indicators = unset.into_iter().chain(set).collect();
	}
	indicators
}
