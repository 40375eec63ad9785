//! Row-major shapes.

/// What a step along each dimension adds to the position of an element.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
	let mut strides = vec![1; shape.len()];
	for at in (1..shape.len()).rev() {
		strides[at - 1] = strides[at] * shape[at];
	}
	strides
}

/// Calls `visit` with the coordinates of each element of a shape, in row-major order.
pub(super) fn for_each(shape: &[usize], mut visit: impl FnMut(&[usize])) {
	if shape.contains(&0) {
		return;
	}
	let mut at = vec![0; shape.len()];
	loop {
		visit(&at);
		let Some(axis) = (0..shape.len()).rev().find(|&axis| at[axis] + 1 < shape[axis]) else {
			return;
		};
		at[axis] += 1;
		at[axis + 1..].fill(0);
	}
}

/// For each element of `to`: the position in a tensor of shape `from` that `coordinates` maps it to.
pub(super) fn gather(
	from: &[usize],
	to: &[usize],
	mut coordinates: impl FnMut(&[usize], &mut [usize]),
) -> Vec<usize> {
	let strides = strides(from);
	let mut source = vec![0; from.len()];
	let mut positions = Vec::with_capacity(to.iter().product());
	for_each(to, |at| {
		coordinates(at, &mut source);
		positions.push(source.iter().zip(&strides).map(|(at, stride)| at * stride).sum());
	});
	positions
}

/// The shape that two shapes broadcast to, by numpy's rule.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
	let rank = a.len().max(b.len());
	let dim = |shape: &[usize], at: usize| match (at + shape.len()).checked_sub(rank) {
		Some(at) => shape[at],
		None => 1,
	};
	(0..rank)
		.map(|at| match (dim(a, at), dim(b, at)) {
			(a, b) if a == b => Some(a),
			(1, other) | (other, 1) => Some(other),
			_ => None,
		})
		.collect()
}

/// For each element of `to`: the position in `from`, which broadcasts to it.
pub(super) fn broadcast_positions(from: &[usize], to: &[usize]) -> Vec<usize> {
	let missing = to.len() - from.len();
	gather(from, to, |at, source| {
		for (axis, source) in source.iter_mut().enumerate() {
			*source = if from[axis] == 1 { 0 } else { at[axis + missing] };
		}
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn elements_are_visited_row_by_row() {
		let mut seen = Vec::new();
		for_each(&[2, 1, 2], |at| seen.push(at.to_vec()));
		assert_eq!(seen, [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1]]);
		let mut scalars = 0;
		for_each(&[], |_| scalars += 1);
		assert_eq!(scalars, 1);
		for_each(&[2, 0], |_| panic!("there is none"));
	}

	#[test]
	fn shapes_broadcast_as_numpy_does() {
		assert_eq!(broadcast(&[2, 1, 3], &[4, 1]), Some(vec![2, 4, 3]));
		assert_eq!(broadcast(&[], &[2]), Some(vec![2]));
		assert_eq!(broadcast(&[2], &[3]), None);
		assert_eq!(broadcast_positions(&[2, 1], &[2, 2, 2]), [0, 0, 1, 1, 0, 0, 1, 1]);
	}
}
