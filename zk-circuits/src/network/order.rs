//! Orders in which operators are cheaper to prove.

use super::{bounds, Interval, Node, Operator, Pick};

/// Puts each `Max` before the `Rescale` that it reads, where nothing else reads that, every element
/// is in at most one window, and the elements of a window are shifted alike. The result is the same,
/// since a rescale never falls; and one element of a window is rescaled, not all of them.
pub(super) fn pool_first(nodes: &mut [Node], bounds: &mut [Vec<Interval>], output: usize) {
	let mut readers = vec![0usize; nodes.len() + 1];
	readers[output] += 1;
	for source in nodes.iter().flat_map(|node| &node.sources) {
		readers[*source] += 1;
	}
	for at in 0..nodes.len() {
		let (Operator::Max { windows }, &[rescaled]) =
			(&nodes[at].operator, &nodes[at].sources[..])
		else {
			continue;
		};
		let Some(before) = rescaled.checked_sub(1) else { continue };
		let Operator::Rescale { shifts } = &nodes[before].operator else { continue };
		let Some(shifts) = window_shifts(windows, shifts).filter(|_| readers[rescaled] == 1) else {
			continue;
		};
		let rescale = Operator::Rescale { shifts };
		nodes[before].operator = std::mem::replace(&mut nodes[at].operator, rescale);
		let name = std::mem::take(&mut nodes[before].name);
		nodes[before].name = std::mem::replace(&mut nodes[at].name, name);
		for node in [before, at] {
			let sources: Vec<&[Interval]> =
				nodes[node].sources.iter().map(|&source| &bounds[source][..]).collect();
			bounds[node + 1] = bounds::of(&nodes[node].operator, &sources);
		}
	}
}

/// The shift of each window, if every window is of elements that are shifted alike and are in no
/// other window.
fn window_shifts(windows: &[Vec<Pick>], shifts: &[u32]) -> Option<Vec<u32>> {
	let mut seen = vec![false; shifts.len()];
	windows
		.iter()
		.map(|window| {
			let mut shared = None;
			for pick in window {
				let Pick::Element { at, .. } = *pick else { return None };
				if std::mem::replace(&mut seen[at], true)
					|| *shared.get_or_insert(shifts[at]) != shifts[at]
				{
					return None;
				}
			}
			shared
		})
		.collect()
}
