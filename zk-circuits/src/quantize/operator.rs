//! The operators of a float graph, with ONNX's semantics in double precision.
//!
//! Integers are held exactly, so the same operators run integer graphs and fold constants.

mod moves;
mod pointwise;
mod window;

pub(super) use moves::Move;
pub(super) use pointwise::{Binary, Function, Scalar};
pub(super) use window::Window;

use super::value::{broadcast, broadcast_indices, elements, Kind, Value};

/// The most elements that a value may have.
const MAX_ELEMENTS: usize = 1 << 24;

/// How a reduction combines elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reduction {
	Sum,
	Mean,
	Max,
	Product,
}

/// An operator. Batches have size 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operator {
	/// The graph's input.
	Input,
	/// A constant beside tensors that are none, as an operand of a `Concat`.
	Constant(Value),
	/// The last axis times `[rows, columns]` weights, plus a bias.
	MatMul {
		weights: Vec<f64>,
		columns: usize,
		bias: Vec<f64>,
	},
	/// Weights `[filters, channels / group, kernel..]`; padding is zero.
	Conv {
		weights: Vec<f64>,
		bias: Vec<f64>,
		group: usize,
		window: Window,
	},
	/// `x · scale + shift`, both broadcast.
	Affine {
		scale: Value,
		shift: Value,
	},
	/// `x` where positive, `x · slope` elsewhere.
	PRelu {
		slope: Value,
	},
	Scalar(Scalar),
	/// What [`super::graph`] makes of several operators on one tensor.
	Function(Function),
	Binary(Binary),
	/// The product of two tensors that are no constants.
	MatMulPair,
	MaxPool {
		window: Window,
	},
	/// The sum of each window, divided by its number of elements at that place.
	AveragePool {
		window: Window,
		counts: Vec<f64>,
	},
	/// Over sorted axes, whose size becomes 1.
	Reduce {
		reduction: Reduction,
		axes: Vec<usize>,
	},
	/// Over an axis.
	Softmax {
		axis: usize,
		log: bool,
	},
	/// Index of the largest entry of an axis (the first), whose size becomes 1.
	ArgMax {
		axis: usize,
	},
	Move(Move),
	Concat {
		axis: usize,
	},
}

impl Operator {
	/// The shape of the result, or why the operands do not fit.
	pub(super) fn dims(&self, operands: &[&[usize]]) -> Result<Vec<usize>, String> {
		let x = *operands.first().unwrap_or(&&[][..]);
		let same = |dims: &Value| match broadcast(x, &dims.dims) {
			Some(wide) if wide == x => Ok(()),
			_ => Err(format!("a constant of {:?} does not fit {x:?}", dims.dims)),
		};
		let dims = match self {
			Self::Input => Err("it is the input".to_string()),
			Self::Constant(value) => Ok(value.dims.clone()),
			Self::MatMul { weights, columns, .. } => match x.split_last() {
				Some((&rows, rest)) if *columns > 0 && rows * columns == weights.len() => {
					Ok([rest, &[*columns]].concat())
				},
				_ => Err(format!(
					"activations {x:?} meet {} rows of weights",
					weights.len() / columns.max(&1)
				)),
			},
			Self::Conv { weights, bias, group, window } => {
				let filters = bias.len();
				let taps = window.kernel[0].saturating_mul(window.kernel[1]);
				let fits = x.len() == window.axes + 2
					&& *group > 0 && x[1].is_multiple_of(*group)
					&& filters.is_multiple_of(*group)
					&& Some(weights.len())
						== (x[1] / group).checked_mul(filters).and_then(|n| n.checked_mul(taps));
				if !fits {
					return Err(format!("activations {x:?} do not fit its weights and groups"));
				}
				window.dims(x, filters).ok_or_else(|| too_small(x))
			},
			Self::Affine { scale, shift } => same(scale).and(same(shift)).map(|()| x.to_vec()),
			Self::PRelu { slope } => same(slope).map(|()| x.to_vec()),
			Self::Scalar(_) | Self::Function(_) => Ok(x.to_vec()),
			Self::Binary(_) => broadcast(x, operands[1])
				.ok_or_else(|| format!("{x:?} and {:?} do not broadcast", operands[1])),
			Self::MatMulPair => pair_dims(x, operands[1]),
			Self::MaxPool { window } | Self::AveragePool { window, .. } => {
				if x.len() != window.axes + 2 {
					return Err(format!("activations {x:?} do not fit its kernel"));
				}
				window.dims(x, x[1]).ok_or_else(|| too_small(x))
			},
			Self::Reduce { axes, .. } => {
				let mut dims = x.to_vec();
				for &axis in axes {
					*dims.get_mut(axis).ok_or_else(|| format!("{x:?} has no axis {axis}"))? = 1;
				}
				Ok(dims)
			},
			Self::Softmax { axis, .. } if *axis < x.len() => Ok(x.to_vec()),
			Self::ArgMax { axis } if *axis < x.len() => {
				let mut dims = x.to_vec();
				dims[*axis] = 1;
				Ok(dims)
			},
			Self::Softmax { axis, .. } | Self::ArgMax { axis } => {
				Err(format!("{x:?} has no axis {axis}"))
			},
			Self::Move(to) => to.dims(x),
			Self::Concat { axis } => {
				let mut dims = x.to_vec();
				if *axis >= dims.len() {
					return Err(format!("{x:?} has no axis {axis}"));
				}
				dims[*axis] = 0;
				for operand in operands {
					let fits = operand.len() == x.len()
						&& (0..x.len()).all(|at| at == *axis || operand[at] == x[at]);
					if !fits {
						return Err(format!("{operand:?} and {x:?} can not be joined"));
					}
					dims[*axis] += operand[*axis];
				}
				Ok(dims)
			},
		}?;
		let count = dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
		match count.is_some_and(|n| n <= MAX_ELEMENTS) {
			true => Ok(dims),
			false => Err(format!("its result {dims:?} has more than {MAX_ELEMENTS} elements")),
		}
	}

	/// The result for operands that [`Self::dims`] accepts; `dims` is what that gave.
	pub(super) fn apply(&self, operands: &[&Value], dims: &[usize]) -> Value {
		if let Self::Constant(value) = self {
			return value.clone();
		}
		let x = operands[0];
		let mut kind = x.kind;
		let data = match self {
			Self::Input | Self::Constant(_) => x.data.clone(),
			Self::MatMul { weights, columns, bias } => {
				let rows = weights.len() / columns;
				x.data
					.chunks_exact(rows)
					.flat_map(|x| {
						let mut y = bias.clone();
						for (x, row) in x.iter().zip(weights.chunks_exact(*columns)) {
							if *x != 0.0 {
								y.iter_mut().zip(row).for_each(|(y, w)| *y += x * w);
							}
						}
						y
					})
					.collect()
			},
			Self::Conv { weights, bias, group, window } => {
				conv(x, weights, bias, *group, window, dims)
			},
			Self::Affine { scale, shift } => {
				let (scale, shift) = (scale.spread(&x.dims), shift.spread(&x.dims));
				x.data.iter().zip(scale).zip(shift).map(|((x, a), b)| x * a + b).collect()
			},
			Self::PRelu { slope } => {
				let slope = slope.spread(&x.dims);
				x.data.iter().zip(slope).map(|(&x, a)| if x < 0.0 { x * a } else { x }).collect()
			},
			Self::Scalar(scalar) => x.data.iter().map(|&x| scalar.apply(x)).collect(),
			Self::Function(function) => x.data.iter().map(|&x| function.apply(x)).collect(),
			Self::Binary(binary) => {
				if matches!(binary, Binary::Equal | Binary::Less | Binary::Greater) {
					kind = Kind::Bool;
				}
				let a = broadcast_indices(&x.dims, dims);
				let b = broadcast_indices(&operands[1].dims, dims);
				let (x, y) = (&x.data, &operands[1].data);
				a.into_iter().zip(b).map(|(a, b)| binary.apply(x[a], y[b])).collect()
			},
			Self::MatMulPair => {
				let (a, b) = pair_indices(&x.dims, &operands[1].dims, dims);
				let products = a.iter().zip(&b).map(|(&a, &b)| x.data[a] * operands[1].data[b]);
				let inner = x.dims[x.dims.len() - 1];
				products.collect::<Vec<_>>().chunks_exact(inner).map(|p| p.iter().sum()).collect()
			},
			Self::MaxPool { window } => pool(x, window, dims, f64::NEG_INFINITY, f64::max),
			Self::AveragePool { window, counts } => pool(x, window, dims, 0.0, |a, b| a + b)
				.into_iter()
				.enumerate()
				.map(|(index, sum)| sum / counts[index % counts.len()])
				.collect(),
			Self::Reduce { reduction, .. } => reduce(x, *reduction, dims),
			Self::Softmax { axis, log } => softmax(x, *axis, *log),
			Self::ArgMax { axis } => {
				kind = Kind::Int;
				lanes(&x.dims, *axis)
					.map(|lane| {
						let mut best = 0;
						for (index, &at) in lane.iter().enumerate() {
							if x.data[at] > x.data[lane[best]] {
								best = index;
							}
						}
						best as f64
					})
					.collect()
			},
			Self::Move(to) => to
				.sources(&x.dims)
				.into_iter()
				.map(|source| source.map_or(to.fill(), |source| x.data[source]))
				.collect(),
			Self::Concat { axis } => concat_sources(operands.iter().map(|x| &x.dims[..]), *axis)
				.into_iter()
				.map(|(operand, element)| operands[operand].data[element])
				.collect(),
		};
		Value { dims: dims.to_vec(), data, kind }
	}
}

fn too_small(dims: &[usize]) -> String {
	format!("activations {dims:?} are smaller than its kernel, too large, or not a batch of one")
}

fn conv(
	x: &Value,
	weights: &[f64],
	bias: &[f64],
	group: usize,
	window: &Window,
	dims: &[usize],
) -> Vec<f64> {
	let sizes = window.sizes(&x.dims);
	let (area, kernel) = (sizes[0] * sizes[1], window.kernel[0] * window.kernel[1]);
	let places: usize = dims[2..].iter().product();
	let channels = x.dims[1] / group;
	let filters = bias.len() / group;
	let taps = window.taps(sizes);
	let mut y: Vec<f64> = bias.iter().flat_map(|&b| std::iter::repeat_n(b, places)).collect();
	for filter in 0..bias.len() {
		let y = &mut y[filter * places..][..places];
		for channel in 0..channels {
			let weights = &weights[(filter * channels + channel) * kernel..][..kernel];
			let x = &x.data[(filter / filters * channels + channel) * area..][..area];
			for tap in &taps {
				y[tap.output] += weights[tap.kernel] * x[tap.input];
			}
		}
	}
	y
}

fn pool(
	x: &Value,
	window: &Window,
	dims: &[usize],
	start: f64,
	combine: fn(f64, f64) -> f64,
) -> Vec<f64> {
	let sizes = window.sizes(&x.dims);
	let places: usize = dims[2..].iter().product();
	let taps = window.taps(sizes);
	let mut y = vec![start; elements(dims)];
	for (x, y) in x.data.chunks_exact(sizes[0] * sizes[1]).zip(y.chunks_exact_mut(places)) {
		for tap in &taps {
			y[tap.output] = combine(y[tap.output], x[tap.input]);
		}
	}
	y
}

fn reduce(x: &Value, reduction: Reduction, dims: &[usize]) -> Vec<f64> {
	let (start, combine): (f64, fn(f64, f64) -> f64) = match reduction {
		Reduction::Sum | Reduction::Mean => (0.0, |a, b| a + b),
		Reduction::Max => (f64::NEG_INFINITY, f64::max),
		Reduction::Product => (1.0, |a, b| a * b),
	};
	let mut y = vec![start; elements(dims)];
	for (x, at) in x.data.iter().zip(broadcast_indices(dims, &x.dims)) {
		y[at] = combine(y[at], *x);
	}
	if reduction == Reduction::Mean {
		let count = x.data.len() as f64 / y.len() as f64;
		y.iter_mut().for_each(|y| *y /= count);
	}
	y
}

/// The positions of each run of elements along an axis.
pub(super) fn lanes(dims: &[usize], axis: usize) -> impl Iterator<Item = Vec<usize>> {
	let inner: usize = dims[axis + 1..].iter().product();
	let outer: usize = dims[..axis].iter().product();
	let size = dims[axis];
	(0..outer * inner).map(move |lane| {
		let start = lane / inner * size * inner + lane % inner;
		(0..size).map(|index| start + index * inner).collect()
	})
}

fn softmax(x: &Value, axis: usize, log: bool) -> Vec<f64> {
	let mut y = vec![0.0; x.data.len()];
	for lane in lanes(&x.dims, axis) {
		let largest = lane.iter().fold(f64::NEG_INFINITY, |a, &at| a.max(x.data[at]));
		let sum: f64 = lane.iter().map(|&at| (x.data[at] - largest).exp()).sum();
		for at in lane {
			let shifted = x.data[at] - largest;
			y[at] = if log { shifted - sum.ln() } else { shifted.exp() / sum };
		}
	}
	y
}

/// For each element of the joined tensor, its operand and its element there.
pub(super) fn concat_sources<'a>(
	operands: impl Iterator<Item = &'a [usize]> + Clone,
	axis: usize,
) -> Vec<(usize, usize)> {
	let outer = operands.clone().next().map_or(0, |dims| dims[..axis].iter().product());
	let mut sources = Vec::new();
	for block in 0..outer {
		for (operand, dims) in operands.clone().enumerate() {
			let run: usize = dims[axis..].iter().product();
			sources.extend((block * run..(block + 1) * run).map(|element| (operand, element)));
		}
	}
	sources
}

fn pair_dims(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
	let error = || format!("{a:?} and {b:?} can not be multiplied as matrices");
	let ([a_batch @ .., rows, inner], [b_batch @ .., b_inner, columns]) = (a, b) else {
		return Err(error());
	};
	let batch = broadcast(a_batch, b_batch).filter(|_| inner == b_inner).ok_or_else(error)?;
	Ok([&batch[..], &[*rows, *columns]].concat())
}

/// For each element of `dims` and each term of its sum, the factors' positions.
fn pair_indices(a: &[usize], b: &[usize], dims: &[usize]) -> (Vec<usize>, Vec<usize>) {
	let (batch, inner) = (dims.len() - 2, a[a.len() - 1]);
	let wide = [dims, &[inner]].concat();
	// a: [batch, rows, 1, inner]; b: [batch, 1, columns, inner] with the last two swapped.
	let a_dims = [&a[..a.len() - 1], &[1, inner]].concat();
	let a_indices = broadcast_indices(&a_dims, &wide);
	let columns = b[b.len() - 1];
	let b_dims = [&b[..b.len() - 2], &[1, columns, inner]].concat();
	let b_indices = broadcast_indices(&b_dims, &wide)
		.into_iter()
		.map(|at| {
			let (block, rest) = (at / (columns * inner), at % (columns * inner));
			block * columns * inner + rest % inner * columns + rest / inner
		})
		.collect();
	debug_assert_eq!(wide.len(), batch + 3);
	(a_indices, b_indices)
}
