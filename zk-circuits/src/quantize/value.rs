//! Tensors of numbers, and how they broadcast.

use crate::onnx::{Data, Tensor};

/// What the numbers of a [`Value`] stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
	Float,
	/// Division truncates. Every integer below 2^53 is exact.
	Int,
	Bool,
}

/// A tensor, row-major, whatever its ONNX type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
	pub(super) dims: Vec<usize>,
	pub(super) data: Vec<f64>,
	pub(super) kind: Kind,
}

impl Value {
	pub(super) fn new(dims: &[usize], data: Vec<f64>) -> Self {
		Self { dims: dims.to_vec(), data, kind: Kind::Float }
	}

	pub(super) fn scalar(x: f64) -> Self {
		Self::new(&[], vec![x])
	}

	pub(super) fn ints(data: impl IntoIterator<Item = i64>) -> Self {
		let data: Vec<f64> = data.into_iter().map(|x| x as f64).collect();
		Self { dims: vec![data.len()], data, kind: Kind::Int }
	}

	pub(super) fn of(tensor: &Tensor) -> Self {
		let (kind, data) = match &tensor.data {
			Data::F32(v) => (Kind::Float, v.iter().map(|&x| f64::from(x)).collect()),
			Data::F64(v) => (Kind::Float, v.clone()),
			Data::Bool(v) => (Kind::Bool, v.iter().map(|&x| f64::from(u8::from(x))).collect()),
			Data::U8(v) => (Kind::Int, v.iter().map(|&x| f64::from(x)).collect()),
			Data::I8(v) => (Kind::Int, v.iter().map(|&x| f64::from(x)).collect()),
			Data::I32(v) => (Kind::Int, v.iter().map(|&x| f64::from(x)).collect()),
			Data::I64(v) => (Kind::Int, v.iter().map(|&x| x as f64).collect()),
		};
		Self { dims: tensor.dims.clone(), data, kind }
	}

	/// The elements as integers, for lists of axes, sizes and indices.
	pub(super) fn to_ints(&self) -> Vec<i64> {
		self.data.iter().map(|&x| x as i64).collect()
	}

	/// The one number that every element equals, if there is one.
	pub(super) fn uniform(&self) -> Option<f64> {
		let first = *self.data.first()?;
		self.data.iter().all(|&x| x == first).then_some(first)
	}

	/// The elements as a tensor of `dims` sees them.
	pub(super) fn spread(&self, dims: &[usize]) -> Vec<f64> {
		broadcast_indices(&self.dims, dims).into_iter().map(|index| self.data[index]).collect()
	}
}

pub(super) fn elements(dims: &[usize]) -> usize {
	dims.iter().product()
}

pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
	let mut strides = vec![1; dims.len()];
	for axis in (1..dims.len()).rev() {
		strides[axis - 1] = strides[axis] * dims[axis];
	}
	strides
}

/// The shape that two shapes broadcast to, as numpy has it.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
	let rank = a.len().max(b.len());
	let at = |dims: &[usize], axis: usize| match (axis + dims.len()).checked_sub(rank) {
		Some(axis) => dims[axis],
		None => 1,
	};
	(0..rank)
		.map(|axis| match (at(a, axis), at(b, axis)) {
			(x, y) if x == y => Some(x),
			(1, y) => Some(y),
			(x, 1) => Some(x),
			_ => None,
		})
		.collect()
}

/// For each element of a tensor of shape `to`, the element of one of shape `from` that is
/// broadcast there.
pub(super) fn broadcast_indices(from: &[usize], to: &[usize]) -> Vec<usize> {
	let mut steps = vec![0; to.len()];
	let from_strides = strides(from);
	for (axis, (&size, &stride)) in from.iter().zip(&from_strides).enumerate() {
		if size > 1 {
			steps[axis + to.len() - from.len()] = stride;
		}
	}
	walk(to, &steps, 0)
}

/// The positions, in row-major order of `dims`, of elements that lie `steps` apart.
pub(super) fn walk(dims: &[usize], steps: &[usize], start: usize) -> Vec<usize> {
	let mut positions = vec![start];
	for (&size, &step) in dims.iter().zip(steps) {
		positions = positions
			.iter()
			.flat_map(|&position| (0..size).map(move |index| position + index * step))
			.collect();
	}
	positions
}
