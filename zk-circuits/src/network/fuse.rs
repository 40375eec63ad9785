//! Fusion: operators that are cheaper to prove together.

use super::{Interval, Node, Operator, Pick};

/// Merges each `Max` over a `Rescale` that nothing else reads, where every element is in at most
/// one window and the elements of a window are shifted alike: the comparison then shares the bits
/// of the rescale.
pub(super) fn fuse(nodes: &mut Vec<Node>, bounds: &mut Vec<Vec<Interval>>, output: &mut usize) {
	let mut readers = vec![0usize; nodes.len() + 1];
	readers[*output] += 1;
	for source in nodes.iter().flat_map(|node| &node.sources) {
		readers[*source] += 1;
	}
	let mut dropped = vec![false; nodes.len() + 1];
	for at in 0..nodes.len() {
		let (Operator::Max { windows }, &[rescaled]) =
			(&nodes[at].operator, &nodes[at].sources[..])
		else {
			continue;
		};
		let Some(rescale) = rescaled.checked_sub(1).map(|node| &nodes[node]) else { continue };
		let Operator::Rescale { shifts } = &rescale.operator else { continue };
		let Some((windows, shifts)) = disjoint(windows, shifts) else { continue };
		if readers[rescaled] != 1 {
			continue;
		}
		let sources = rescale.sources.clone();
		dropped[rescaled] = true;
		nodes[at].sources = sources;
		nodes[at].operator = Operator::RescaleMax { shifts, windows };
	}
	remove(nodes, bounds, output, &dropped);
}

/// The elements and the shift of each window, if every window is of elements that are shifted
/// alike and are in no other window.
fn disjoint(windows: &[Vec<Pick>], shifts: &[u32]) -> Option<(Vec<Vec<usize>>, Vec<u32>)> {
	let mut seen = vec![false; shifts.len()];
	let mut elements = Vec::with_capacity(windows.len());
	let mut window_shifts = Vec::with_capacity(windows.len());
	for window in windows {
		let mut ats = Vec::with_capacity(window.len());
		for pick in window {
			match *pick {
				Pick::Element { at, .. } if !std::mem::replace(&mut seen[at], true) => ats.push(at),
				_ => return None,
			}
		}
		let shift = shifts[*ats.first()?];
		if ats.iter().any(|&at| shifts[at] != shift) {
			return None;
		}
		window_shifts.push(shift);
		elements.push(ats);
	}
	Some((elements, window_shifts))
}

/// Removes values that nothing reads any more, and numbers the others anew.
fn remove(
	nodes: &mut Vec<Node>,
	bounds: &mut Vec<Vec<Interval>>,
	output: &mut usize,
	dropped: &[bool],
) {
	let mut numbers = Vec::with_capacity(dropped.len());
	let mut next = 0;
	for &gone in dropped {
		numbers.push(next);
		next += usize::from(!gone);
	}
	let mut value = 0;
	nodes.retain(|_| {
		value += 1;
		!dropped[value]
	});
	let mut value = 0;
	bounds.retain(|_| {
		value += 1;
		!dropped[value - 1]
	});
	for source in nodes.iter_mut().flat_map(|node| &mut node.sources) {
		*source = numbers[*source];
	}
	*output = numbers[*output];
}
