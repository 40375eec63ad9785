//! Pooling, reductions and softmax.

use super::{
	attributes::{axes, axis, bad_attribute, flag, int, ints, known, refuse, text},
	Operand, Reader,
};
use crate::{
	onnx::Node,
	quantize::{
		operator::{Move, Operator, Reduction, Window},
		value::{elements, Value},
		QuantizeError,
	},
};

/// The largest size, stride, dilation or padding of a window.
const MAX_EXTENT: i64 = 1 << 16;

impl Reader<'_> {
	/// Kernel sizes, strides, dilations and pads of a node that reads a tensor of shape `dims`.
	pub(super) fn window(
		&self,
		node: &Node,
		dims: &[usize],
		kernel: Option<&[usize]>,
	) -> Result<Window, QuantizeError> {
		let axes = match dims.len() {
			3 => 1,
			4 => 2,
			rank => {
				return Err(refuse(
					node,
					format!("its input has rank {rank}; one or two spatial axes can be quantised"),
				))
			},
		};
		let list = |name: &str, default: i64, least: i64, count: usize| {
			let list = ints(node, name)?.unwrap_or_else(|| vec![default; count]);
			match list.len() == count && list.iter().all(|x| (least..=MAX_EXTENT).contains(x)) {
				true => Ok(list.iter().map(|&x| x as usize).collect::<Vec<_>>()),
				false => Err(bad_attribute(
					node,
					name,
					format!("it is {list:?}, must be {count} sizes from {least} to {MAX_EXTENT}"),
				)),
			}
		};
		let kernel = match (kernel, node.attributes.contains_key("kernel_shape")) {
			(Some(kernel), false) => kernel.to_vec(),
			(None, false) => return Err(bad_attribute(node, "kernel_shape", "it is missing")),
			(given, true) => {
				let read = list("kernel_shape", 1, 1, axes)?;
				if given.is_some_and(|given| given != read) {
					return Err(bad_attribute(
						node,
						"kernel_shape",
						"it is not that of the weights",
					));
				}
				read
			},
		};
		let strides = list("strides", 1, 1, axes)?;
		let dilations = list("dilations", 1, 1, axes)?;
		let pads = list("pads", 0, 0, 2 * axes)?;
		let mut window = Window::one(axes);
		for at in 0..axes {
			let to = 2 - axes + at;
			window.kernel[to] = kernel[at];
			window.strides[to] = strides[at];
			window.dilations[to] = dilations[at];
			window.before[to] = pads[at];
			window.after[to] = pads[at + axes];
		}
		let sizes = window.sizes(dims);
		let mode = text(node, "auto_pad", "NOTSET")?;
		for (at, &size) in sizes.iter().enumerate().skip(2 - axes) {
			let span = window.span(at).unwrap_or(usize::MAX);
			let places = size.div_ceil(window.strides[at]);
			let reach = (places.saturating_sub(1) * window.strides[at]).saturating_add(span);
			let dilated_pool = node.operator.ends_with("Pool") && window.dilations[at] > 1;
			if mode.starts_with("SAME") && (reach.saturating_add(1) < size || dilated_pool) {
				let hint = "ONNX Runtime does otherwise than the standard where elements are left \
				            out between windows, and where pools are dilated; write the pads";
				return Err(bad_attribute(node, "auto_pad", hint));
			}
			let total = || reach.saturating_sub(size);
			(window.before[at], window.after[at]) = match mode {
				"NOTSET" | "" => (window.before[at], window.after[at]),
				"VALID" => (0, 0),
				"SAME_UPPER" => (total() / 2, total().div_ceil(2)),
				"SAME_LOWER" => (total().div_ceil(2), total() / 2),
				_ => return Err(bad_attribute(node, "auto_pad", "it is not known")),
			};
		}
		Ok(window)
	}

	pub(super) fn pool(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		let average = node.operator == "AveragePool";
		let specific = if average { "count_include_pad" } else { "storage_order" };
		known(
			node,
			&["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides", specific],
		)?;
		if !average && node.outputs.get(1).is_some_and(|name| !name.is_empty()) {
			return Err(refuse(node, "its second output, the indices, can not be quantised"));
		}
		let x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let mut window = self.window(node, &dims, None)?;
		let sizes = window.sizes(&dims);
		let padded = window.clone();
		if flag(node, "ceil_mode", false)? {
			for (at, &size) in sizes.iter().enumerate() {
				let span = window.span(at).unwrap_or(usize::MAX);
				let length = size + window.before[at] + window.after[at];
				let Some(room) = length.checked_sub(span) else { continue };
				let mut places = room.div_ceil(window.strides[at]) + 1;
				// The last window must begin inside the tensor or the padding before it.
				if (places - 1) * window.strides[at] >= size + window.before[at] {
					places -= 1;
				}
				let needed = (places - 1) * window.strides[at] + span;
				window.after[at] = needed.saturating_sub(size + window.before[at]);
			}
		}
		if !average {
			return self.apply(node, Operator::MaxPool { window }, &[x]);
		}
		let places = window
			.places(sizes)
			.filter(|places| elements(places) <= 1 << 24)
			.ok_or_else(|| refuse(node, "its input is smaller than its kernel"))?;
		// Padding that is counted is a part of the tensor for this purpose.
		let (counted, counted_sizes) = match flag(node, "count_include_pad", false)? {
			false => (window.clone(), sizes),
			true => {
				let mut counted = window.clone();
				let mut extended = sizes;
				for at in 0..2 {
					extended[at] += padded.before[at] + padded.after[at];
					counted.before[at] = 0;
					counted.after[at] = (sizes[at] + window.before[at] + window.after[at])
						.saturating_sub(extended[at]);
				}
				(counted, extended)
			},
		};
		let mut counts = vec![0.0; elements(&places)];
		for tap in counted.taps(counted_sizes) {
			if let Some(count) = counts.get_mut(tap.output) {
				*count += 1.0;
			}
		}
		if counts.contains(&0.0) {
			return Err(refuse(node, "one of its windows lies in the padding only"));
		}
		self.apply(node, Operator::AveragePool { window, counts }, &[x])
	}

	pub(super) fn global_pool(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &[])?;
		let x = self.operand(node, 0)?;
		let reduction = match node.operator.as_str() {
			"GlobalAveragePool" => Reduction::Mean,
			_ => Reduction::Max,
		};
		let dims = self.dims(&x);
		if dims.len() < 3 {
			return Err(refuse(node, "its input has no spatial axes"));
		}
		if reduction == Reduction::Max && dims.len() <= 4 {
			let mut window = Window::one(dims.len() - 2);
			window.kernel = window.sizes(&dims);
			return self.apply(node, Operator::MaxPool { window }, &[x]);
		}
		let axes = (2..dims.len()).collect();
		self.apply(node, Operator::Reduce { reduction, axes }, &[x])
	}

	pub(super) fn reduce(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		let reduction = match node.operator.as_str() {
			"ReduceSum" => Reduction::Sum,
			"ReduceMean" => Reduction::Mean,
			// The least is the negative of the greatest of the negatives.
			"ReduceMax" | "ReduceMin" => Reduction::Max,
			"ReduceProd" => Reduction::Product,
			operator => {
				return Err(QuantizeError::Operator {
					node: node.name.clone(),
					operator: operator.into(),
					hint: "use ReduceSum, ReduceMean or ReduceMax",
				})
			},
		};
		known(node, &["axes", "keepdims", "noop_with_empty_axes"])?;
		let x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let list = self.list(node, "axes", 1)?.unwrap_or_default();
		let axes = match list.is_empty() {
			true if flag(node, "noop_with_empty_axes", false)? => return Ok(x),
			true => (0..dims.len()).collect(),
			false => axes(node, &list, dims.len())?,
		};
		let least = node.operator == "ReduceMin";
		let negated = |reader: &mut Self, x| match least {
			true => reader.affine(node, x, Value::scalar(-1.0), Value::scalar(0.0)),
			false => Ok(x),
		};
		let x = negated(self, x)?;
		let kept = self.apply(node, Operator::Reduce { reduction, axes: axes.clone() }, &[x])?;
		let kept = negated(self, kept)?;
		match flag(node, "keepdims", true)? {
			true => Ok(kept),
			false => {
				let rest = (0..dims.len()).filter(|at| !axes.contains(at)).map(|at| dims[at]);
				self.reshape(node, kept, rest.collect())
			},
		}
	}

	pub(super) fn arg_max(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["axis", "keepdims", "select_last_index"])?;
		if flag(node, "select_last_index", false)? {
			return Err(bad_attribute(
				node,
				"select_last_index",
				"ties must go to the first index",
			));
		}
		let x = self.operand(node, 0)?;
		let mut dims = self.dims(&x);
		let at = axis(node, int(node, "axis")?.unwrap_or(0), dims.len())?;
		let kept = self.apply(node, Operator::ArgMax { axis: at }, &[x])?;
		match flag(node, "keepdims", true)? {
			true => Ok(kept),
			false => {
				dims.remove(at);
				self.reshape(node, kept, dims)
			},
		}
	}

	pub(super) fn softmax(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["axis"])?;
		let x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let old = self.model.opset < 13;
		let at = axis(node, int(node, "axis")?.unwrap_or(if old { 1 } else { -1 }), dims.len())?;
		let log = node.operator == "LogSoftmax";
		if !old || at + 1 == dims.len() {
			return self.apply(node, Operator::Softmax { axis: at, log }, &[x]);
		}
		// Before operator set 13 all axes from this one on were taken together.
		let flat = vec![elements(&dims[..at]), elements(&dims[at..])];
		let x = self.apply(node, Operator::Move(Move::Reshape(flat)), &[x])?;
		let y = self.apply(node, Operator::Softmax { axis: 1, log }, &[x])?;
		self.reshape(node, y, dims)
	}
}
