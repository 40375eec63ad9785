//! Moving elements without computing.

use crate::quantize::value::{elements, strides, walk};

/// An operator that moves elements of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::quantize) enum Move {
	Reshape(Vec<usize>),
	Transpose(Vec<usize>),
	/// Keeps the given entries of an axis, in the given order.
	Select {
		axis: usize,
		indices: Vec<usize>,
	},
	/// Puts a number around the tensor.
	Pad {
		before: Vec<usize>,
		after: Vec<usize>,
		value: f64,
	},
}

impl Move {
	/// The shape of the result.
	pub(in crate::quantize) fn dims(&self, dims: &[usize]) -> Result<Vec<usize>, String> {
		match self {
			Self::Reshape(to) if elements(to) == elements(dims) => Ok(to.clone()),
			Self::Reshape(to) => Err(format!("{dims:?} can not be reshaped to {to:?}")),
			Self::Transpose(perm) => {
				let mut sorted = perm.clone();
				sorted.sort_unstable();
				if !sorted.into_iter().eq(0..dims.len()) {
					return Err(format!("perm {perm:?} is no order of the axes of {dims:?}"));
				}
				Ok(perm.iter().map(|&axis| dims[axis]).collect())
			},
			Self::Select { axis, indices } => {
				let size =
					*dims.get(*axis).ok_or_else(|| format!("{dims:?} has no axis {axis}"))?;
				if let Some(index) = indices.iter().find(|&&index| index >= size) {
					return Err(format!("index {index} is outside an axis of {size}"));
				}
				if indices.is_empty() {
					return Err("it leaves no elements".into());
				}
				let mut dims = dims.to_vec();
				dims[*axis] = indices.len();
				Ok(dims)
			},
			Self::Pad { before, after, .. } => {
				if before.len() != dims.len() || after.len() != dims.len() {
					return Err(format!("its pads do not fit {dims:?}"));
				}
				Ok((0..dims.len()).map(|axis| dims[axis] + before[axis] + after[axis]).collect())
			},
		}
	}

	/// For each element of the result, the element of the tensor that it is; none is padding.
	pub(in crate::quantize) fn sources(&self, dims: &[usize]) -> Vec<Option<usize>> {
		match self {
			Self::Reshape(to) => (0..elements(to)).map(Some).collect(),
			Self::Transpose(perm) => {
				let from = strides(dims);
				let to: Vec<usize> = perm.iter().map(|&axis| dims[axis]).collect();
				let steps: Vec<usize> = perm.iter().map(|&axis| from[axis]).collect();
				walk(&to, &steps, 0).into_iter().map(Some).collect()
			},
			Self::Select { axis, indices } => {
				let inner: usize = dims[axis + 1..].iter().product();
				let outer: usize = dims[..*axis].iter().product();
				let mut sources = Vec::with_capacity(outer * inner * indices.len());
				for block in 0..outer {
					for index in indices {
						let start = (block * dims[*axis] + index) * inner;
						sources.extend((start..start + inner).map(Some));
					}
				}
				sources
			},
			Self::Pad { before, after, .. } => {
				let to: Vec<usize> =
					(0..dims.len()).map(|axis| dims[axis] + before[axis] + after[axis]).collect();
				let steps = strides(&to);
				let start = before.iter().zip(&steps).map(|(b, step)| b * step).sum();
				let mut sources = vec![None; elements(&to)];
				for (source, place) in walk(dims, &steps, start).into_iter().enumerate() {
					sources[place] = Some(source);
				}
				sources
			},
		}
	}

	/// What padding is filled with.
	pub(in crate::quantize) fn fill(&self) -> f64 {
		match self {
			Self::Pad { value, .. } => *value,
			_ => 0.0,
		}
	}
}
