//! Operators with weights.

use super::{
	attributes::{bad_attribute, flag, float, int, ints, known, refuse, text},
	Operand, Reader,
};
use crate::{
	onnx::Node,
	quantize::{
		operator::{Move, Operator},
		value::{broadcast, broadcast_indices, elements, Value},
		QuantizeError,
	},
};

/// The most matrices that one operator multiplies by.
const MAX_PRODUCTS: usize = 1 << 10;

const CONV: [&str; 6] = ["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];

impl Reader<'_> {
	pub(super) fn gemm(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["alpha", "beta", "transA", "transB"])?;
		let (alpha, beta) = (float(node, "alpha", 1.0)?, float(node, "beta", 1.0)?);
		let mut x = self.operand(node, 0)?;
		if self.dims(&x).len() != 2 {
			return Err(refuse(node, "its first input must be a matrix: put a Flatten before it"));
		}
		if flag(node, "transA", false)? {
			x = self.apply(node, Operator::Move(Move::Transpose(vec![1, 0])), &[x])?;
		}
		let mut weights = self.weights(node, 1)?;
		if weights.dims.len() != 2 {
			return Err(refuse(node, format!("its weights are {:?}, not a matrix", weights.dims)));
		}
		if flag(node, "transB", false)? {
			weights = transposed(&weights);
		}
		weights.data.iter_mut().for_each(|w| *w *= alpha);
		let y = self.product(node, x, weights)?;
		match self.optional(node, 2)? {
			None => Ok(y),
			Some(_) => {
				let mut bias = self.weights(node, 2)?;
				bias.data.iter_mut().for_each(|b| *b *= beta);
				self.affine(node, y, Value::scalar(1.0), bias)
			},
		}
	}

	/// The last axis of `x` times a constant matrix.
	pub(super) fn product(
		&mut self,
		node: &Node,
		x: Operand,
		weights: Value,
	) -> Result<Operand, QuantizeError> {
		let columns = weights.dims[1];
		let bias = vec![0.0; columns];
		self.apply(node, Operator::MatMul { weights: weights.data, columns, bias }, &[x])
	}

	pub(super) fn matmul(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &[])?;
		let (a, b) = (self.operand(node, 0)?, self.operand(node, 1)?);
		match (&a, &b) {
			(_, Operand::Constant(_)) => {
				let weights = self.weights(node, 1)?;
				self.times(node, a, weights)
			},
			(Operand::Constant(_), _) => {
				// A · x is the transpose of xᵀ · Aᵀ.
				let weights = self.weights(node, 0)?;
				let rank = self.dims(&b).len();
				if weights.dims.len() != 2 || rank < 2 {
					return Err(refuse(node, "a constant first operand must be a matrix"));
				}
				let mut perm: Vec<usize> = (0..rank).collect();
				perm.swap(rank - 2, rank - 1);
				let swap = || Operator::Move(Move::Transpose(perm.clone()));
				let x = self.apply(node, swap(), &[b])?;
				let y = self.product(node, x, transposed(&weights))?;
				self.apply(node, swap(), &[y])
			},
			_ => self.apply(node, Operator::MatMulPair, &[a, b]),
		}
	}

	/// `x` times constant weights of any rank.
	pub(super) fn times(
		&mut self,
		node: &Node,
		x: Operand,
		mut weights: Value,
	) -> Result<Operand, QuantizeError> {
		let rank = weights.dims.len();
		if rank == 1 {
			weights.dims.push(1);
			let y = self.product(node, x, weights)?;
			let mut dims = self.dims(&y);
			dims.pop();
			return self.reshape(node, y, dims);
		}
		if rank == 0 {
			return Err(refuse(node, "its weights are a number, not a matrix"));
		}
		if weights.dims[..rank - 2].iter().any(|&n| n != 1) {
			return self.products(node, x, &weights);
		}
		weights.dims.drain(..rank - 2);
		self.product(node, x, weights)
	}

	/// `x` times several constant matrices, one for each matrix of `x`.
	fn products(
		&mut self,
		node: &Node,
		x: Operand,
		weights: &Value,
	) -> Result<Operand, QuantizeError> {
		let dims = self.dims(&x);
		let (several, matrix) = weights.dims.split_at(weights.dims.len() - 2);
		let (lead, rest) = dims.split_at(dims.len().saturating_sub(2));
		let batch = broadcast(lead, several)
			.filter(|batch| elements(batch) <= MAX_PRODUCTS && rest.len() == 2)
			.ok_or_else(|| {
				refuse(node, format!("activations {dims:?} meet weights {:?}", weights.dims))
			})?;
		let x = self.expand_to(node, x, &[&batch[..], rest].concat())?;
		let x = self.reshape(node, x, [&[elements(&batch)], rest].concat())?;
		let mut results = Vec::new();
		for (at, from) in broadcast_indices(several, &batch).into_iter().enumerate() {
			let select = Move::Select { axis: 0, indices: vec![at] };
			let part = self.apply(node, Operator::Move(select), std::slice::from_ref(&x))?;
			let size = elements(matrix);
			let part_weights = weights.data[from * size..][..size].to_vec();
			results.push(self.product(node, part, Value::new(matrix, part_weights))?);
		}
		let y = self.apply(node, Operator::Concat { axis: 0 }, &results)?;
		self.reshape(node, y, [&batch[..], &[rest[0], matrix[1]]].concat())
	}

	pub(super) fn conv(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &CONV)?;
		let x = self.operand(node, 0)?;
		let weights = self.weights(node, 1)?;
		let bias = match self.optional(node, 2)? {
			Some(_) => Some(self.weights(node, 2)?),
			None => None,
		};
		self.convolution(node, x, weights, bias)
	}

	pub(super) fn group(&self, node: &Node) -> Result<usize, QuantizeError> {
		usize::try_from(int(node, "group")?.unwrap_or(1))
			.ok()
			.filter(|&group| group > 0)
			.ok_or_else(|| bad_attribute(node, "group", "it must be positive"))
	}

	pub(super) fn convolution(
		&mut self,
		node: &Node,
		x: Operand,
		weights: Value,
		bias: Option<Value>,
	) -> Result<Operand, QuantizeError> {
		let dims = self.dims(&x);
		if weights.dims.len() != dims.len() || dims.len() < 3 {
			let reason = format!("activations {dims:?} meet weights {:?}", weights.dims);
			return Err(refuse(node, reason));
		}
		let window = self.window(node, &dims, Some(&weights.dims[2..]))?;
		let group = self.group(node)?;
		if weights.dims[1].checked_mul(group) != Some(dims[1]) {
			let reason = format!("activations {dims:?} meet weights {:?}", weights.dims);
			return Err(refuse(node, reason));
		}
		let filters = weights.dims[0];
		let bias = match bias {
			None => vec![0.0; filters],
			Some(bias) if bias.data.len() == filters => bias.data,
			Some(bias) => {
				let reason = format!("a bias of {:?} meets {filters} filters", bias.dims);
				return Err(refuse(node, reason));
			},
		};
		let operator = Operator::Conv { weights: weights.data, bias, group, window };
		self.apply(node, operator, &[x])
	}

	/// As a convolution with the mirrored kernel over the input with zeros between its elements.
	pub(super) fn conv_transpose(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &[&CONV[..], &["output_padding", "output_shape"]].concat())?;
		let mut x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let weights = self.weights(node, 1)?;
		let group = self.group(node)?;
		let spatial = dims.len().saturating_sub(2);
		if weights.dims.len() != dims.len()
			|| spatial == 0
			|| weights.dims[0] != dims[1]
			|| !dims[1].is_multiple_of(group)
		{
			let reason = format!("activations {dims:?} meet weights {:?}", weights.dims);
			return Err(refuse(node, reason));
		}
		// The pads here are not those of a convolution: read without them.
		let plain = Node {
			attributes: node
				.attributes
				.iter()
				.filter(|(name, _)| !matches!(name.as_str(), "auto_pad" | "pads"))
				.map(|(name, value)| (name.clone(), value.clone()))
				.collect(),
			..node.clone()
		};
		let mut window = self.window(&plain, &dims, Some(&weights.dims[2..]))?;
		let numbers = |name: &str, count: usize| -> Result<Option<Vec<usize>>, QuantizeError> {
			let Some(list) = ints(node, name)? else { return Ok(None) };
			match list.len() == count && list.iter().all(|x| (0..1 << 16).contains(x)) {
				true => Ok(Some(list.iter().map(|&x| x as usize).collect())),
				false => Err(bad_attribute(node, name, "it must be a size for each axis")),
			}
		};
		let extra = numbers("output_padding", spatial)?.unwrap_or_else(|| vec![0; spatial]);
		let pads = numbers("pads", 2 * spatial)?.unwrap_or_else(|| vec![0; 2 * spatial]);
		let shape = match numbers("output_shape", spatial)? {
			Some(shape) => Some(shape),
			None => numbers("output_shape", spatial + 2).ok().flatten().map(|s| s[2..].to_vec()),
		};
		let mode = text(node, "auto_pad", "NOTSET")?;
		let (mut before, mut after) = (vec![0i64; spatial], vec![0i64; spatial]);
		for at in 0..spatial {
			let to = 2 - spatial + at;
			let (stride, size) = (window.strides[to], dims[at + 2]);
			let span = window.span(to).unwrap_or(usize::MAX) as i64;
			let full = (stride * (size - 1) + extra[at]) as i64 + span;
			let wanted = match (&shape, mode) {
				(Some(shape), _) => Some(shape[at]),
				// What ONNX Runtime gives, where the standard would add zeros at the end.
				(None, "SAME_UPPER" | "SAME_LOWER") => Some((size * stride).min(full as usize)),
				_ => None,
			};
			let (front, back) = match (wanted, mode) {
				(Some(wanted), _) => {
					let total = (full - wanted as i64).max(0);
					let half = total / 2;
					if mode == "SAME_UPPER" {
						(half, total - half)
					} else {
						(total - half, half)
					}
				},
				(None, "VALID") => (0, 0),
				(None, "NOTSET" | "") => (pads[at] as i64, pads[at + spatial] as i64),
				_ => return Err(bad_attribute(node, "auto_pad", "it is not known")),
			};
			before[at] = span - 1 - front;
			after[at] = span - 1 - back + extra[at] as i64;
			if let Some(wanted) = wanted {
				// An output that is larger than the full one is filled up at the end.
				after[at] += (wanted as i64 - full).max(0);
			}
		}
		x = self.stretch(node, x, &window.strides[2 - spatial..])?;
		for at in 0..spatial {
			let to = 2 - spatial + at;
			let size = self.dims(&x)[at + 2] as i64;
			if before[at] < 0 || after[at] < 0 {
				let indices =
					((-before[at]).max(0)..size - (-after[at]).max(0)).map(|i| i as usize);
				let select = Move::Select { axis: at + 2, indices: indices.collect() };
				x = self.apply(node, Operator::Move(select), &[x])?;
			}
			window.strides[to] = 1;
			window.before[to] = before[at].max(0) as usize;
			window.after[to] = after[at].max(0) as usize;
		}
		let (channels, filters) = (dims[1] / group, weights.dims[1]);
		let kernel = window.kernel[0] * window.kernel[1];
		let mut mirrored = vec![0.0; weights.data.len()];
		for (index, &w) in weights.data.iter().enumerate() {
			let (k, rest) = (index % kernel, index / kernel);
			let (filter, channel) = (rest % filters, rest / filters);
			let (part, channel) = (channel / channels, channel % channels);
			let to = ((part * filters + filter) * channels + channel) * kernel + kernel - 1 - k;
			mirrored[to] = w;
		}
		let bias = match self.optional(node, 2)? {
			Some(_) => self.weights(node, 2)?.data,
			None => vec![0.0; filters * group],
		};
		let operator = Operator::Conv { weights: mirrored, bias, group, window };
		self.apply(node, operator, &[x])
	}

	/// Puts `stride - 1` zeros between the elements of each spatial axis.
	fn stretch(
		&mut self,
		node: &Node,
		mut x: Operand,
		strides: &[usize],
	) -> Result<Operand, QuantizeError> {
		let dims = self.dims(&x);
		if strides.iter().all(|&stride| stride == 1) {
			return Ok(x);
		}
		let rank = 2 + 2 * strides.len();
		let (mut split, mut joined) = (dims[..2].to_vec(), dims[..2].to_vec());
		let mut after = vec![0; rank];
		for (at, &stride) in strides.iter().enumerate() {
			split.extend([dims[at + 2], 1]);
			joined.push(dims[at + 2].saturating_mul(stride));
			after[3 + 2 * at] = stride - 1;
		}
		x = self.reshape(node, x, split)?;
		let pad = Move::Pad { before: vec![0; rank], after, value: 0.0 };
		x = self.apply(node, Operator::Move(pad), &[x])?;
		x = self.reshape(node, x, joined)?;
		for (at, &stride) in strides.iter().enumerate().filter(|(_, &stride)| stride > 1) {
			let indices = (0..(dims[at + 2] - 1) * stride + 1).collect();
			let select = Move::Select { axis: at + 2, indices };
			x = self.apply(node, Operator::Move(select), &[x])?;
		}
		Ok(x)
	}

	pub(super) fn batch_normalization(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["epsilon", "momentum", "spatial", "training_mode"])?;
		if flag(node, "training_mode", false)? {
			return Err(bad_attribute(node, "training_mode", "export the model for inference"));
		}
		let x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let epsilon = float(node, "epsilon", 1e-5)?;
		let mut rows = Vec::new();
		for at in 1..5 {
			let row = self.weights(node, at)?.data;
			if dims.len() < 2 || row.len() != dims[1] {
				let reason = format!("{} parameters meet activations {dims:?}", row.len());
				return Err(refuse(node, reason));
			}
			rows.push(row);
		}
		let channels = dims[1];
		let scale: Vec<f64> =
			(0..channels).map(|c| rows[0][c] / (rows[3][c] + epsilon).sqrt()).collect();
		if scale.iter().any(|scale| !scale.is_finite()) {
			return Err(refuse(node, "its variance is not positive"));
		}
		let shift = (0..channels).map(|c| rows[1][c] - rows[2][c] * scale[c]).collect();
		let mut shape = vec![1; dims.len() - 1];
		shape[0] = channels;
		debug_assert!(broadcast(&dims, &shape).is_some());
		self.affine(node, x, Value::new(&shape, scale), Value::new(&shape, shift))
	}
}

/// A matrix with its axes exchanged.
fn transposed(matrix: &Value) -> Value {
	let (rows, columns) = (matrix.dims[0], matrix.dims[1]);
	let data = (0..matrix.data.len()).map(|k| matrix.data[k % rows * columns + k / rows]).collect();
	Value { dims: vec![columns, rows], data, kind: matrix.kind }
}
