//! Operators that move elements, and those that compute shapes.

use super::{
	attributes::{axes, axis, bad_attribute, flag, int, ints, known, refuse, text},
	Operand, Reader,
};
use crate::{
	network::{pad_sources, PAD_MODES},
	onnx::{Attribute, Node},
	quantize::{
		operator::{Move, Operator, Scalar},
		value::{elements, Kind, Value},
		QuantizeError,
	},
};
use std::sync::Arc;

/// The operators that `quantize` knows, for errors.
const HINT: &str = "docs/operators.md lists the operators that can be quantised; replace it by these before export";

impl Reader<'_> {
	fn to(&mut self, node: &Node, x: Operand, to: Move) -> Result<Operand, QuantizeError> {
		self.apply(node, Operator::Move(to), &[x])
	}

	pub(super) fn reshape(
		&mut self,
		node: &Node,
		x: Operand,
		dims: Vec<usize>,
	) -> Result<Operand, QuantizeError> {
		match self.dims(&x) == dims {
			true => Ok(x),
			false => self.to(node, x, Move::Reshape(dims)),
		}
	}

	pub(super) fn moves(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		match node.operator.as_str() {
			"Reshape" => self.read_reshape(node),
			"Flatten" => {
				known(node, &["axis"])?;
				let x = self.operand(node, 0)?;
				let dims = self.dims(&x);
				let at = int(node, "axis")?.unwrap_or(1);
				let at =
					if at == dims.len() as i64 { dims.len() } else { axis(node, at, dims.len())? };
				let flat = vec![elements(&dims[..at]), elements(&dims[at..])];
				self.reshape(node, x, flat)
			},
			"Squeeze" | "Unsqueeze" => self.squeeze(node),
			"Transpose" => {
				known(node, &["perm"])?;
				let x = self.operand(node, 0)?;
				let rank = self.dims(&x).len();
				let perm = match ints(node, "perm")? {
					None => (0..rank).rev().collect(),
					Some(perm) => {
						perm.iter().map(|&p| axis(node, p, rank)).collect::<Result<_, _>>()?
					},
				};
				self.to(node, x, Move::Transpose(perm))
			},
			"Slice" => self.slice(node),
			"Gather" => self.gather(node),
			"Pad" => self.pad(node),
			"Expand" => {
				let dims = self.sizes(node, 1)?;
				let x = self.operand(node, 0)?;
				self.expand_to(node, x, &dims)
			},
			"Tile" => {
				let repeats = self.sizes(node, 1)?;
				let mut x = self.operand(node, 0)?;
				let dims = self.dims(&x);
				if repeats.len() != dims.len() || repeats.iter().any(|&n| n > 1 << 24) {
					return Err(refuse(node, "its repeats do not fit"));
				}
				for (axis, (&size, &count)) in dims.iter().zip(&repeats).enumerate() {
					if count != 1 {
						let indices =
							(0..size.saturating_mul(count).min(1 << 24)).map(|i| i % size);
						x = self.to(node, x, Move::Select { axis, indices: indices.collect() })?;
					}
				}
				Ok(x)
			},
			"Resize" => self.resize(node),
			"DepthToSpace" | "SpaceToDepth" => self.blocks(node),
			"Concat" => {
				known(node, &["axis"])?;
				let operands = (0..node.inputs.len())
					.map(|at| self.operand(node, at))
					.collect::<Result<Vec<_>, _>>()?;
				// Lists of sizes may be empty.
				let operands: Vec<Operand> = match operands
					.iter()
					.any(|x| elements(&self.dims(x)) > 0)
				{
					true => operands.into_iter().filter(|x| elements(&self.dims(x)) > 0).collect(),
					false => operands,
				};
				let first = operands.first().ok_or_else(|| refuse(node, "it has no inputs"))?;
				let at = int(node, "axis")?
					.ok_or_else(|| bad_attribute(node, "axis", "it is missing"))?;
				let at = axis(node, at, self.dims(first).len())?;
				match operands.len() {
					1 => Ok(operands[0].clone()),
					_ => self.apply(node, Operator::Concat { axis: at }, &operands),
				}
			},
			"Shape" => {
				known(node, &["start", "end"])?;
				let dims = self.dims(&self.operand(node, 0)?);
				let rank = dims.len() as i64;
				let limit = |name, default| -> Result<usize, QuantizeError> {
					let at = int(node, name)?.unwrap_or(default);
					Ok((if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize)
				};
				let (start, end) = (limit("start", 0)?, limit("end", rank)?);
				let list = dims.get(start..end.max(start)).unwrap_or_default();
				Ok(Operand::Constant(Value::ints(list.iter().map(|&dim| dim as i64))))
			},
			"Size" => {
				let size = elements(&self.dims(&self.operand(node, 0)?)) as f64;
				Ok(Operand::Constant(Value { kind: Kind::Int, ..Value::scalar(size) }))
			},
			"ConstantOfShape" => {
				let dims = self.sizes(node, 0)?;
				let fill = match node.attributes.get("value") {
					None => Value::scalar(0.0),
					Some(Attribute::Tensor(tensor)) if tensor.elements() == 1 => Value::of(tensor),
					Some(_) => return Err(bad_attribute(node, "value", "it must be one number")),
				};
				let count = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
				match count.filter(|&n| n <= 1 << 24) {
					Some(n) => Ok(Operand::Constant(Value {
						dims,
						data: vec![fill.data[0]; n],
						kind: fill.kind,
					})),
					None => Err(refuse(node, "its shape is too large")),
				}
			},
			"Range" => {
				let [start, limit, delta] = [0, 1, 2].map(|at| {
					self.constant(node, at)
						.map(|value| (value.uniform().unwrap_or(0.0), value.kind))
				});
				let ((start, kind), (limit, _), (delta, _)) = (start?, limit?, delta?);
				let count = ((limit - start) / delta).ceil();
				if !(0.0..=1e6).contains(&count) {
					return Err(refuse(node, "it has no or too many elements"));
				}
				let data: Vec<f64> =
					(0..count as usize).map(|i| start + i as f64 * delta).collect();
				Ok(Operand::Constant(Value { dims: vec![data.len()], data, kind }))
			},
			operator => Err(QuantizeError::Operator {
				node: node.name.clone(),
				operator: operator.into(),
				hint: match operator {
					"LSTM" | "GRU" | "RNN" => "unroll it into Gemm, Sigmoid and Tanh before export",
					"LayerNormalization" | "InstanceNormalization" | "GroupNormalization" => {
						"its scale depends on the input; use BatchNormalization instead"
					},
					_ => HINT,
				},
			}),
		}
	}

	/// A constant list of sizes.
	fn sizes(&self, node: &Node, at: usize) -> Result<Vec<usize>, QuantizeError> {
		let list = self.constant(node, at)?.to_ints();
		list.iter()
			.map(|&size| usize::try_from(size))
			.collect::<Result<_, _>>()
			.map_err(|_| refuse(node, format!("its sizes {list:?} are negative")))
	}

	pub(super) fn dropout(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["ratio", "seed"])?;
		let training = self.optional_constant(node, 2)?.and_then(|value| value.uniform());
		match training {
			None | Some(0.0) => self.operand(node, 0),
			_ => Err(refuse(node, "it is in training mode; export the model for inference")),
		}
	}

	fn read_reshape(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["allowzero"])?;
		let x = self.operand(node, 0)?;
		let from = self.dims(&x);
		let list = self.constant(node, 1)?.to_ints();
		let allow_zero = flag(node, "allowzero", false)?;
		let error = || refuse(node, format!("{from:?} can not be reshaped to {list:?}"));
		let mut dims = Vec::with_capacity(list.len());
		for (at, &size) in list.iter().enumerate() {
			dims.push(match size {
				0 if !allow_zero => *from.get(at).ok_or_else(error)?,
				-1 => 1,
				size => usize::try_from(size).map_err(|_| error())?,
			});
		}
		if let Some(at) = list.iter().position(|&size| size == -1) {
			let known = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(error)?;
			let all = elements(&from);
			if known == 0 || !all.is_multiple_of(known) {
				return Err(error());
			}
			dims[at] = all / known;
		}
		if dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(elements(&from)) {
			return Err(error());
		}
		self.reshape(node, x, dims)
	}

	fn squeeze(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["axes"])?;
		let x = self.operand(node, 0)?;
		let from = self.dims(&x);
		let list = self.list(node, "axes", 1)?;
		let dims = if node.operator == "Squeeze" {
			let all = || (0..from.len()).filter(|&at| from[at] == 1).collect();
			let axes = list.map_or_else(|| Ok(all()), |list| axes(node, &list, from.len()))?;
			if let Some(axis) = axes.iter().find(|&&axis| from[axis] != 1) {
				return Err(refuse(node, format!("axis {axis} of {from:?} is not of size 1")));
			}
			(0..from.len()).filter(|at| !axes.contains(at)).map(|at| from[at]).collect()
		} else {
			let list = list.ok_or_else(|| refuse(node, "its axes are missing"))?;
			let rank = from.len() + list.len();
			let axes = axes(node, &list, rank)?;
			let mut sizes = from.iter().copied();
			(0..rank)
				.map(|at| if axes.contains(&at) { 1 } else { sizes.next().unwrap_or(1) })
				.collect()
		};
		self.reshape(node, x, dims)
	}

	fn slice(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &[])?;
		let mut x = self.operand(node, 0)?;
		let (starts, ends) = (self.constant(node, 1)?.to_ints(), self.constant(node, 2)?.to_ints());
		let rank = self.dims(&x).len();
		let list = match self.optional_constant(node, 3)? {
			Some(axes) => axes.to_ints(),
			None => (0..starts.len() as i64).collect(),
		};
		let steps = match self.optional_constant(node, 4)? {
			Some(steps) => steps.to_ints(),
			None => vec![1; starts.len()],
		};
		if ends.len() != starts.len() || list.len() != starts.len() || steps.len() != starts.len() {
			return Err(refuse(node, "its starts, ends, axes and steps differ in number"));
		}
		axes(node, &list, rank)?;
		for index in 0..starts.len() {
			let at = axis(node, list[index], rank)?;
			let size = self.dims(&x)[at] as i64;
			let from_front = |x: i64| if x < 0 { x.saturating_add(size) } else { x };
			let (start, end) = (from_front(starts[index]), from_front(ends[index]));
			let step = steps[index];
			let indices: Vec<usize> = match step {
				0 => return Err(refuse(node, "a step is 0")),
				_ if size == 0 => Vec::new(),
				1.. => (start.clamp(0, size)..end.clamp(0, size))
					.step_by(usize::try_from(step).unwrap_or(usize::MAX))
					.map(|i| i as usize)
					.collect(),
				_ => {
					// Downwards; an end before the first element is written as a large negative.
					let end = if ends[index] < -size { -1 } else { end.clamp(-1, size - 1) };
					let (mut indices, mut i) = (Vec::new(), start.clamp(0, size - 1));
					while i > end {
						indices.push(i as usize);
						i = i.saturating_add(step);
					}
					indices
				},
			};
			if indices.len() != size as usize || step != 1 {
				x = self.to(node, x, Move::Select { axis: at, indices })?;
			}
		}
		Ok(x)
	}

	fn gather(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["axis"])?;
		let (x, indices) = (self.operand(node, 0)?, self.operand(node, 1)?);
		let dims = self.dims(&x);
		let at = axis(node, int(node, "axis")?.unwrap_or(0), dims.len())?;
		match (x, indices) {
			(x, Operand::Constant(indices)) => {
				let size = dims[at] as i64;
				let list = indices
					.to_ints()
					.into_iter()
					.map(|i| usize::try_from(if i < 0 { i.saturating_add(size) } else { i }))
					.collect::<Result<Vec<_>, _>>()
					.map_err(|_| refuse(node, "an index is out of range"))?;
				let shape = [&dims[..at], &indices.dims, &dims[at + 1..]].concat();
				let x = self.to(node, x, Move::Select { axis: at, indices: list })?;
				self.reshape(node, x, shape)
			},
			(Operand::Constant(table), indices) if dims.len() == 1 => {
				let lookup = Operator::Scalar(Scalar::Lookup(Arc::new(table.data)));
				self.apply(node, lookup, &[indices])
			},
			_ => Err(refuse(node, "its indices must be constants, or its data a constant list")),
		}
	}

	fn pad(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["mode"])?;
		let mode = text(node, "mode", "constant")?;
		let mut x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let pads = self.constant(node, 1)?.to_ints();
		let value = self.optional_constant(node, 2)?.and_then(|v| v.uniform()).unwrap_or(0.0);
		let list = match self.optional_constant(node, 3)? {
			Some(list) => list.to_ints(),
			None => (0..dims.len() as i64).collect(),
		};
		axes(node, &list, dims.len())?;
		if pads.len() != 2 * list.len() || !value.is_finite() {
			return Err(refuse(node, "its pads do not fit its axes, or its value is infinite"));
		}
		let (mut before, mut after) = (vec![0usize; dims.len()], vec![0usize; dims.len()]);
		for (index, &name) in list.iter().enumerate() {
			let at = axis(node, name, dims.len())?;
			let (front, back) = (pads[index], pads[index + list.len()]);
			let size = dims[at] as i64;
			if front.saturating_add(back).saturating_add(size) < 1
				|| front.abs().max(back.abs()) > 1 << 24
			{
				return Err(refuse(node, "its pads are too large, or leave no elements"));
			}
			if mode != "constant" && (front, back) != (0, 0) {
				let indices = pad_sources(mode, dims[at], front, back)
					.ok_or_else(|| bad_attribute(node, "mode", PAD_MODES))?;
				x = self.to(node, x, Move::Select { axis: at, indices })?;
				continue;
			}
			// Negative padding cuts off.
			if front < 0 || back < 0 {
				let indices =
					((-front).max(0)..size - (-back).max(0)).map(|i| i as usize).collect();
				x = self.to(node, x, Move::Select { axis: at, indices })?;
			}
			(before[at], after[at]) = (front.max(0) as usize, back.max(0) as usize);
		}
		match before.iter().chain(&after).all(|&n| n == 0) {
			true => Ok(x),
			false => self.to(node, x, Move::Pad { before, after, value }),
		}
	}

	pub(super) fn split(&mut self, node: &Node) -> Result<(), QuantizeError> {
		known(node, &["axis", "split", "num_outputs"])?;
		let x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let at = axis(node, int(node, "axis")?.unwrap_or(0), dims.len())?;
		let parts = node.outputs.len();
		let sizes: Vec<usize> = match self.list(node, "split", 1)? {
			Some(list) => list
				.iter()
				.map(|&size| usize::try_from(size))
				.collect::<Result<_, _>>()
				.map_err(|_| refuse(node, "a part has a negative size"))?,
			None => {
				let each = dims[at].div_ceil(parts);
				(0..parts).map(|part| each.min(dims[at].saturating_sub(part * each))).collect()
			},
		};
		if sizes.len() != parts
			|| sizes.iter().try_fold(0usize, |n, &s| n.checked_add(s)) != Some(dims[at])
		{
			return Err(refuse(node, format!("parts of {sizes:?} do not make {}", dims[at])));
		}
		let mut start = 0;
		for (part, size) in sizes.into_iter().enumerate() {
			let indices = (start..start + size).collect();
			start += size;
			if !node.outputs[part].is_empty() {
				let part_value = self.to(node, x.clone(), Move::Select { axis: at, indices })?;
				self.give(node, part, part_value)?;
			}
		}
		Ok(())
	}

	fn resize(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(
			node,
			&[
				"mode",
				"coordinate_transformation_mode",
				"nearest_mode",
				"axes",
				"keep_aspect_ratio_policy",
				"antialias",
				"cubic_coeff_a",
				"exclude_outside",
				"extrapolation_value",
			],
		)?;
		if text(node, "mode", "nearest")? != "nearest" {
			return Err(bad_attribute(node, "mode", "only nearest can be quantised"));
		}
		let mut x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let list = ints(node, "axes")?.unwrap_or_else(|| (0..dims.len() as i64).collect());
		let given = |value: Option<Value>| value.filter(|value| !value.data.is_empty());
		let scales = given(self.optional_constant(node, 2)?);
		let sizes = given(self.optional_constant(node, 3)?);
		axes(node, &list, dims.len())?;
		let transform = text(node, "coordinate_transformation_mode", "half_pixel")?;
		let nearest = text(node, "nearest_mode", "round_prefer_floor")?;
		// With sizes, all axes may have to share the least or the largest scale.
		let ratios = sizes.iter().flat_map(|sizes| {
			sizes.data.iter().zip(&list).map(|(to, &name)| {
				let at = axis(node, name, dims.len()).map_or(1, |at| dims[at]);
				to / at as f64
			})
		});
		let shared = match text(node, "keep_aspect_ratio_policy", "stretch")? {
			"stretch" => None,
			"not_larger" => ratios.reduce(f64::min),
			"not_smaller" => ratios.reduce(f64::max),
			_ => return Err(bad_attribute(node, "keep_aspect_ratio_policy", "it is not known")),
		};
		for (index, &name) in list.iter().enumerate() {
			let at = axis(node, name, dims.len())?;
			let from = dims[at] as f64;
			let (to, scale) = match (&scales, &sizes) {
				(_, Some(sizes)) if sizes.data.len() == list.len() => match shared {
					Some(scale) => ((from * scale).round(), scale),
					None => (sizes.data[index], sizes.data[index] / from),
				},
				(Some(scales), None) if scales.data.len() == list.len() => {
					((from * scales.data[index]).floor(), scales.data[index])
				},
				_ => return Err(refuse(node, "it needs scales or sizes, one for each axis")),
			};
			if !(1.0..=f64::from(1 << 24)).contains(&to) {
				return Err(refuse(node, format!("axis {at} would have the size {to}")));
			}
			let mut indices = Vec::new();
			for place in 0..to as usize {
				let place = place as f64;
				let half_pixel = (place + 0.5) / scale - 0.5;
				let source = match transform {
					"half_pixel" => half_pixel,
					"pytorch_half_pixel" if to > 1.0 => half_pixel,
					"align_corners" if to > 1.0 => place * (from - 1.0) / (to - 1.0),
					"pytorch_half_pixel" | "align_corners" => 0.0,
					"asymmetric" => place / scale,
					"tf_half_pixel_for_nn" => (place + 0.5) / scale,
					"half_pixel_symmetric" => {
						let exact = from * scale;
						let offset = from / 2.0 * (1.0 - to / exact);
						offset + half_pixel
					},
					_ => {
						let name = "coordinate_transformation_mode";
						return Err(bad_attribute(node, name, "it is not known; use asymmetric"));
					},
				};
				let rounded = match nearest {
					"round_prefer_floor" => (source - 0.5).ceil(),
					"round_prefer_ceil" => (source + 0.5).floor(),
					"floor" => source.floor(),
					"ceil" => source.ceil(),
					_ => return Err(bad_attribute(node, "nearest_mode", "it is not known")),
				};
				indices.push(rounded.clamp(0.0, from - 1.0) as usize);
			}
			if !indices.iter().copied().eq(0..dims[at]) {
				x = self.to(node, x, Move::Select { axis: at, indices })?;
			}
		}
		Ok(x)
	}

	/// `DepthToSpace` and `SpaceToDepth`.
	fn blocks(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["blocksize", "mode"])?;
		let x = self.operand(node, 0)?;
		let dims = self.dims(&x);
		let size = int(node, "blocksize")?
			.and_then(|b| usize::try_from(b).ok())
			.filter(|&b| b < 1 << 12)
			.unwrap_or(0);
		let &[n, c, h, w] = &dims[..] else { return Err(refuse(node, "its input has not rank 4")) };
		let (split, perm, dims) = match node.operator.as_str() {
			"DepthToSpace" if size > 0 && c % (size * size) == 0 => {
				let rest = c / (size * size);
				let dims = vec![n, rest, h * size, w * size];
				match text(node, "mode", "DCR")? {
					"DCR" => (vec![n, size, size, rest, h, w], vec![0, 3, 4, 1, 5, 2], dims),
					"CRD" => (vec![n, rest, size, size, h, w], vec![0, 1, 4, 2, 5, 3], dims),
					_ => return Err(bad_attribute(node, "mode", "only DCR and CRD are known")),
				}
			},
			"SpaceToDepth" if size > 0 && h % size == 0 && w % size == 0 => (
				vec![n, c, h / size, size, w / size, size],
				vec![0, 3, 5, 1, 2, 4],
				vec![n, c * size * size, h / size, w / size],
			),
			_ => return Err(bad_attribute(node, "blocksize", "it does not divide the input")),
		};
		let x = self.reshape(node, x, split)?;
		let x = self.to(node, x, Move::Transpose(perm))?;
		self.reshape(node, x, dims)
	}
}
