//! Operators that move elements, and tables. Only a table takes constraints.

use super::{
	attribute, attributes, axes, axis, integer, integers, list, onnx, operand, operands, shape,
	word, Data, ElementType, ImportError, Importer, Operator, Pick, Value, MAX_ELEMENTS, MAX_RANK,
};
use std::cmp::Ordering;

/// The most entries that a table may have.
const MAX_TABLE: usize = 1 << 16;
/// The most elements along a dimension that is resized. ONNX Runtime computes places in `float`.
const MAX_RESIZED: usize = 1 << 20;

/// What is said of other modes of `Pad`, or of pads that they do not admit.
pub(crate) const PAD_MODES: &str =
	"it must be constant; or edge, reflect or wrap, with pads that are \
                                    not negative, and not larger than what is there to repeat";

/// For each element that a `Pad` of mode `edge`, `reflect` or `wrap` makes of `size` along one
/// dimension: the element that it repeats.
pub(crate) fn pad_sources(mode: &str, size: usize, front: i64, back: i64) -> Option<Vec<usize>> {
	let size = size as i64;
	let most = match mode {
		"edge" => MAX_ELEMENTS as i64,
		"reflect" => size - 1,
		"wrap" => size,
		_ => return None,
	};
	if size < 1 || ![front, back].iter().all(|pad| (0..=most).contains(pad)) {
		return None;
	}
	let source = |at: i64| match mode {
		"reflect" if at < 0 => -at,
		"reflect" if at >= size => 2 * (size - 1) - at,
		"wrap" => at.rem_euclid(size),
		_ => at.clamp(0, size - 1),
	};
	Some((-front..size + back).map(|at| source(at).unsigned_abs() as usize).collect())
}

impl<'a> Importer<'a> {
	/// Makes output `output` of a node of the elements of `value` at `positions`.
	fn select(
		&mut self,
		node: &'a onnx::Node,
		output: usize,
		value: &Value,
		positions: Vec<usize>,
		shape: Vec<usize>,
	) -> Result<(), ImportError> {
		let elements = self.bounds[value.index].len();
		let unmoved = positions.len() == elements
			&& positions.iter().enumerate().all(|(at, &position)| at == position);
		let index = match unmoved {
			true => value.index,
			false => {
				let picks =
					positions.into_iter().map(|at| Pick::Element { source: 0, at }).collect();
				let operator = Operator::Select { picks };
				self.add_node(&node.name, &node.operator, vec![value.index], operator)?
			},
		};
		self.give(node, output, Value::new(index, value.element, shape));
		Ok(())
	}

	/// Makes the output of a node of a value in another shape.
	fn reshaped(
		&mut self,
		node: &'a onnx::Node,
		value: Value,
		shape: Vec<usize>,
	) -> Result<(), ImportError> {
		if shape.iter().product::<usize>() != value.shape.iter().product::<usize>() {
			let reason = format!("{:?} has not as many elements as {shape:?}", value.shape);
			return Err(operand(node, reason));
		}
		self.give(node, 0, Value { shape, ..value });
		Ok(())
	}

	pub(super) fn identity(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 1..=1)?;
		let value = self.read(node, 0)?;
		self.give(node, 0, value);
		Ok(())
	}

	pub(super) fn flatten(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axis"])?;
		operands(node, 1..=1)?;
		let value = self.read(node, 0)?;
		let rank = value.shape.len();
		let at = match integer(node, "axis", 1)? {
			end if end == rank as i64 => rank,
			at => axis(node, at, rank)?,
		};
		let (outer, inner) = value.shape.split_at(at);
		let shape = vec![outer.iter().product(), inner.iter().product()];
		self.reshaped(node, value, shape)
	}

	pub(super) fn reshape(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["allowzero"])?;
		operands(node, 2..=2)?;
		let value = self.read(node, 0)?;
		let asked = self.constant_integers(node, 1)?;
		if asked.len() > MAX_RANK {
			return Err(ImportError::TooLarge { node: node.name.clone() });
		}
		let copies_zero = integer(node, "allowzero", 0)? == 0;
		let error = || operand(node, format!("{:?} can not take the shape {asked:?}", value.shape));
		let mut shape = Vec::with_capacity(asked.len());
		let mut open = None;
		for (at, &dim) in asked.iter().enumerate() {
			shape.push(match dim {
				0 if copies_zero => *value.shape.get(at).ok_or_else(error)?,
				-1 if open.is_none() => {
					open = Some(at);
					1
				},
				_ => usize::try_from(dim).ok().filter(|&dim| dim > 0).ok_or_else(error)?,
			});
		}
		let known = self.elements_of(node, &shape)?.max(1);
		if let Some(at) = open {
			shape[at] = value.shape.iter().product::<usize>() / known;
		}
		self.reshaped(node, value, shape)
	}

	pub(super) fn squeeze(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axes"])?;
		operands(node, 1..=2)?;
		let value = self.read(node, 0)?;
		let rank = value.shape.len();
		let squeezed = match self.integers_at(node, "axes", 1)?.filter(|axes| !axes.is_empty()) {
			None => value.shape.iter().map(|&dim| dim == 1).collect(),
			Some(given) => {
				let mut squeezed = vec![false; rank];
				axes(node, &given, rank)?.into_iter().for_each(|at| squeezed[at] = true);
				squeezed
			},
		};
		let dims = value.shape.iter().zip(squeezed);
		let shape = dims.filter(|(_, squeezed)| !squeezed).map(|(&dim, _)| dim).collect();
		self.reshaped(node, value, shape)
	}

	pub(super) fn unsqueeze(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axes"])?;
		operands(node, 1..=2)?;
		let value = self.read(node, 0)?;
		let given = self
			.integers_at(node, "axes", 1)?
			.ok_or_else(|| operand(node, "its axes are missing"))?;
		let rank = value.shape.len() + given.len();
		if rank > MAX_RANK {
			return Err(ImportError::TooLarge { node: node.name.clone() });
		}
		let mut added = vec![false; rank];
		axes(node, &given, rank)?.into_iter().for_each(|at| added[at] = true);
		let mut dims = value.shape.iter().copied();
		let shape = added.iter().map(|&added| if added { Some(1) } else { dims.next() });
		let shape = shape.map(|dim| dim.unwrap_or(1)).collect();
		self.reshaped(node, value, shape)
	}

	pub(super) fn transpose(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["perm"])?;
		operands(node, 1..=1)?;
		let value = self.read(node, 0)?;
		let rank = value.shape.len();
		let order = match list(node, "perm")? {
			None => (0..rank).rev().collect(),
			Some(given) => {
				let order: Vec<usize> =
					given.iter().filter_map(|&at| usize::try_from(at).ok()).collect();
				let mut sorted = order.clone();
				sorted.sort_unstable();
				if given.len() != rank || !sorted.iter().copied().eq(0..rank) {
					let hint = "it must name each dimension once";
					return Err(attribute(node, "perm", hint));
				}
				order
			},
		};
		let shape: Vec<usize> = order.iter().map(|&at| value.shape[at]).collect();
		let positions = shape::gather(&value.shape, &shape, |at, source| {
			order.iter().zip(at).for_each(|(&from, &at)| source[from] = at);
		});
		self.select(node, 0, &value, positions, shape)
	}

	pub(super) fn expand(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=2)?;
		let value = self.read(node, 0)?;
		let asked = self.constant_integers(node, 1)?;
		let shape = asked
			.iter()
			.map(|&dim| usize::try_from(dim).ok().filter(|&dim| dim > 0))
			.collect::<Option<Vec<_>>>()
			.and_then(|asked| shape::broadcast(&value.shape, &asked))
			.ok_or_else(|| {
				operand(node, format!("{:?} does not expand to {asked:?}", value.shape))
			})?;
		self.elements_of(node, &shape)?;
		let positions = shape::broadcast_positions(&value.shape, &shape);
		self.select(node, 0, &value, positions, shape)
	}

	pub(super) fn concat(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axis"])?;
		operands(node, 1..=usize::MAX)?;
		let values: Vec<Value> =
			(0..node.inputs.len()).map(|at| self.read(node, at)).collect::<Result<_, _>>()?;
		let rank = values[0].shape.len();
		let along = axis(node, integer(node, "axis", 1)?, rank)?;
		let mut shape = values[0].shape.clone();
		shape[along] = 0;
		// For each place along the axis: the operand that it is of, and where there.
		let mut places = Vec::new();
		for (source, value) in values.iter().enumerate() {
			let mut others = value.shape.clone();
			let size = others.get(along).copied().unwrap_or(0);
			if others.len() == rank {
				others[along] = shape[along];
			}
			if others != shape || value.element != values[0].element {
				let reason = format!(
					"{} {:?} and {} {:?} do not fit together",
					values[0].element, values[0].shape, value.element, value.shape
				);
				return Err(operand(node, reason));
			}
			shape[along] += size;
			self.elements_of(node, &shape)?;
			places.extend((0..size).map(|at| (source, at)));
		}
		let strides: Vec<_> = values.iter().map(|value| shape::strides(&value.shape)).collect();
		let mut picks = Vec::new();
		shape::for_each(&shape, |at| {
			let (source, place) = places[at[along]];
			let position = (0..rank)
				.map(|axis| strides[source][axis] * if axis == along { place } else { at[axis] })
				.sum();
			picks.push(Pick::Element { source, at: position });
		});
		let sources = values.iter().map(|value| value.index).collect();
		self.push(node, sources, Operator::Select { picks }, values[0].element, shape)
	}

	pub(super) fn split(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axis", "num_outputs", "split"])?;
		operands(node, 1..=2)?;
		let value = self.read(node, 0)?;
		let along = axis(node, integer(node, "axis", 0)?, value.shape.len())?;
		let (whole, parts) = (value.shape[along], node.outputs.len());
		let sizes: Vec<usize> = match self.integers_at(node, "split", 1)? {
			Some(sizes) => sizes.iter().filter_map(|&size| usize::try_from(size).ok()).collect(),
			None if self.model.opset < 18 && !whole.is_multiple_of(parts) => {
				let reason = format!(
					"{whole} elements do not split into {parts} parts of one size, as they must \
					 before opset 18"
				);
				return Err(operand(node, reason));
			},
			None => {
				let size = whole.div_ceil(parts);
				(0..parts).map(|at| size.min(whole.saturating_sub(at * size))).collect()
			},
		};
		let sum = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
		if sizes.len() != parts || sum != Some(whole) || sizes.contains(&0) {
			let reason = format!("{whole} elements do not split into {parts} parts of {sizes:?}");
			return Err(operand(node, reason));
		}
		let mut first = 0;
		for (output, &size) in sizes.iter().enumerate() {
			let mut shape = value.shape.clone();
			shape[along] = size;
			let positions = shape::gather(&value.shape, &shape, |at, source| {
				source.copy_from_slice(at);
				source[along] += first;
			});
			self.select(node, output, &value, positions, shape)?;
			first += size;
		}
		Ok(())
	}

	pub(super) fn slice(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 3..=5)?;
		let value = self.read(node, 0)?;
		let rank = value.shape.len();
		let (starts, ends) = (self.constant_integers(node, 1)?, self.constant_integers(node, 2)?);
		let given = |at: usize| node.inputs.get(at).is_some_and(|name| !name.is_empty());
		let named = match given(3) {
			true => self.constant_integers(node, 3)?,
			false => (0..starts.len() as i64).collect(),
		};
		let steps = match given(4) {
			true => self.constant_integers(node, 4)?,
			false => vec![1; starts.len()],
		};
		if [ends.len(), named.len(), steps.len()].iter().any(|&length| length != starts.len()) {
			return Err(operand(node, "starts, ends, axes and steps must be of one length"));
		}
		// Along each dimension: the first element and the step.
		let mut from: Vec<(i64, i64)> = vec![(0, 1); rank];
		let mut shape = value.shape.clone();
		for (at, along) in axes(node, &named, rank)?.into_iter().enumerate() {
			let size = value.shape[along] as i64;
			let counted = |x: i64| if x < 0 { x.saturating_add(size) } else { x };
			let (start, end, step) = (counted(starts[at]), counted(ends[at]), steps[at]);
			let (start, length) = match step.cmp(&0) {
				Ordering::Greater => {
					let (start, end) = (start.clamp(0, size), end.clamp(0, size));
					(start, (end - start).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
				},
				Ordering::Less => {
					let (start, end) = (start.clamp(0, size - 1), end.clamp(-1, size - 1));
					(start, (start - end).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
				},
				Ordering::Equal => return Err(operand(node, "a step must not be 0")),
			};
			if length == 0 {
				let greatest = [i64::from(i32::MAX), i64::MAX].contains(&ends[at]);
				let reason = match step < 0 && greatest {
					true => format!(
						"nothing is left along axis {along}, by the standard's rule; ONNX Runtime \
						 would take the end for the first element, but not know the shape: write \
						 {} for it",
						i64::MIN
					),
					false => format!("nothing is left along axis {along}"),
				};
				return Err(operand(node, reason));
			}
			from[along] = (start, step);
			shape[along] = length as usize;
		}
		let positions = shape::gather(&value.shape, &shape, |at, source| {
			for (axis, source) in source.iter_mut().enumerate() {
				let (start, step) = from[axis];
				*source = (start + step * at[axis] as i64).unsigned_abs() as usize;
			}
		});
		self.select(node, 0, &value, positions, shape)
	}

	pub(super) fn pad(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["mode"])?;
		operands(node, 2..=4)?;
		let mode = word(node, "mode", "constant")?;
		let value = self.read(node, 0)?;
		let rank = value.shape.len();
		let given = |at: usize| node.inputs.get(at).is_some_and(|name| !name.is_empty());
		let fill = match (given(2), value.element) {
			(false, _) => 0,
			(true, element) => match (&self.constant(node, 2)?.data, element) {
				(Data::U8(fill), ElementType::U8) if fill.len() == 1 => fill[0].into(),
				(Data::I32(fill), ElementType::I32) if fill.len() == 1 => fill[0].into(),
				_ => {
					let reason = format!("its value must be one constant of type {element}");
					return Err(operand(node, reason));
				},
			},
		};
		let axes = match given(3) {
			true => axes(node, &self.constant_integers(node, 3)?, rank)?,
			false => (0..rank).collect(),
		};
		let pads = self.constant_integers(node, 1)?;
		if pads.len() != 2 * axes.len() {
			let reason = format!("there are {} pads for {} axes", pads.len(), axes.len());
			return Err(operand(node, reason));
		}
		let mut before = vec![0; rank];
		let mut shape = value.shape.clone();
		for (at, &along) in axes.iter().enumerate() {
			let (first, last) = (pads[at], pads[at + axes.len()]);
			if [first, last].iter().any(|pad| pad.unsigned_abs() > MAX_ELEMENTS as u64) {
				return Err(ImportError::TooLarge { node: node.name.clone() });
			}
			let left = shape[along] as i64 + first.min(0) + last.min(0);
			if left < 1 {
				return Err(operand(node, format!("nothing is left along axis {along}")));
			}
			before[along] = first;
			shape[along] = (left + first.max(0) + last.max(0)).unsigned_abs() as usize;
		}
		self.elements_of(node, &shape)?;
		if mode != "constant" {
			let sources: Vec<Vec<usize>> = (0..rank)
				.map(|axis| {
					let size = value.shape[axis];
					let after = shape[axis] as i64 - size as i64 - before[axis];
					pad_sources(mode, size, before[axis], after)
				})
				.collect::<Option<_>>()
				.ok_or_else(|| attribute(node, "mode", PAD_MODES))?;
			let positions = shape::gather(&value.shape, &shape, |at, source| {
				(0..rank).for_each(|axis| source[axis] = sources[axis][at[axis]]);
			});
			return self.select(node, 0, &value, positions, shape);
		}
		let strides = shape::strides(&value.shape);
		let mut picks = Vec::new();
		shape::for_each(&shape, |at| {
			let position = (0..rank).try_fold(0, |sum, axis| {
				let at = usize::try_from(at[axis] as i64 - before[axis]).ok()?;
				(at < value.shape[axis]).then(|| sum + at * strides[axis])
			});
			picks.push(match position {
				Some(at) => Pick::Element { source: 0, at },
				None => Pick::Constant(fill),
			});
		});
		self.push(node, vec![value.index], Operator::Select { picks }, value.element, shape)
	}

	/// Elements by constant indices, or a table by the elements of a value.
	pub(super) fn gather(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axis"])?;
		operands(node, 2..=2)?;
		let along = integer(node, "axis", 0)?;
		if !self.is_constant(node, 1) {
			return self.table(node, along);
		}
		let value = self.read(node, 0)?;
		let along = axis(node, along, value.shape.len())?;
		let size = value.shape[along];
		let indices: Vec<usize> = self
			.constant_integers(node, 1)?
			.iter()
			.map(|&at| {
				let counted = if at < 0 { at.saturating_add(size as i64) } else { at };
				usize::try_from(counted).ok().filter(|&at| at < size).ok_or_else(|| {
					operand(node, format!("index {at} is outside of {size} elements"))
				})
			})
			.collect::<Result<_, _>>()?;
		if indices.is_empty() {
			return Err(operand(node, "it has no indices"));
		}
		let (outer, rest) = value.shape.split_at(along);
		let index_shape = &self.constant(node, 1)?.dims;
		let flat: Vec<usize> =
			outer.iter().copied().chain([indices.len()]).chain(rest[1..].iter().copied()).collect();
		let shape: Vec<usize> =
			outer.iter().chain(index_shape).chain(&rest[1..]).copied().collect();
		self.elements_of(node, &shape)?;
		let positions = shape::gather(&value.shape, &flat, |at, source| {
			source.copy_from_slice(at);
			source[along] = indices[at[along]];
		});
		self.select(node, 0, &value, positions, shape)
	}

	fn table(&mut self, node: &'a onnx::Node, along: i64) -> Result<(), ImportError> {
		let tensor = self.constant(node, 0)?;
		let element = match tensor.data {
			Data::U8(_) => ElementType::U8,
			Data::I32(_) => ElementType::I32,
			_ => return Err(operand(node, "its table must be uint8 or int32")),
		};
		let table = integers(&tensor.data).unwrap_or_default();
		if tensor.dims.len() != 1 || !matches!(along, 0 | -1) || table.len() > MAX_TABLE {
			let reason =
				format!("its table must have one dimension, and {MAX_TABLE} entries at most");
			return Err(operand(node, reason));
		}
		self.store(node, table.len())?;
		let value = self.read_i32(node, 1)?;
		for (at, bounds) in self.bounds[value.index].iter().enumerate() {
			if bounds.lo < 0 || bounds.hi >= table.len() as i64 {
				return Err(ImportError::IndexRange {
					node: node.name.clone(),
					element: at,
					lo: bounds.lo,
					hi: bounds.hi,
					entries: table.len(),
				});
			}
		}
		self.push(node, vec![value.index], Operator::Lookup { table }, element, value.shape)
	}

	pub(super) fn resize(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		let known = [
			"antialias",
			"axes",
			"coordinate_transformation_mode",
			"cubic_coeff_a",
			"exclude_outside",
			"extrapolation_value",
			"keep_aspect_ratio_policy",
			"mode",
			"nearest_mode",
		];
		attributes(node, &known)?;
		operands(node, 1..=4)?;
		if word(node, "mode", "nearest")? != "nearest" {
			return Err(attribute(node, "mode", "only nearest is provable"));
		}
		if word(node, "keep_aspect_ratio_policy", "stretch")? != "stretch" {
			return Err(attribute(node, "keep_aspect_ratio_policy", "only stretch is provable"));
		}
		if integer(node, "antialias", 0)? != 0 {
			return Err(attribute(node, "antialias", "only 0 is provable"));
		}
		let value = self.read(node, 0)?;
		let factors = self.resize_factors(node, &value.shape)?;
		let enlarged = value.shape.iter().zip(&factors).filter(|(_, &factor)| factor > 1);
		if enlarged.into_iter().any(|(&dim, &factor)| dim.saturating_mul(factor) > MAX_RESIZED) {
			let reason = format!(
				"more than {MAX_RESIZED} elements along a dimension are beyond the precision with \
				 which ONNX Runtime places them"
			);
			return Err(operand(node, reason));
		}
		let half = match word(node, "coordinate_transformation_mode", "half_pixel")? {
			"half_pixel" => true,
			"asymmetric" => false,
			_ => {
				let hint = "only half_pixel and asymmetric are provable";
				return Err(attribute(node, "coordinate_transformation_mode", hint));
			},
		};
		// The place x of a dimension enlarged k times is (2x + 1 − k) / 2k, or x / k: never half-way
		// in the first case.
		let nearest: fn(i64, i64) -> i64 = match word(node, "nearest_mode", "round_prefer_floor")? {
			"round_prefer_floor" => |n, d| (2 * n + d - 1).div_euclid(2 * d),
			"round_prefer_ceil" => |n, d| (2 * n + d).div_euclid(2 * d),
			"floor" => |n, d| n.div_euclid(d),
			"ceil" => |n, d| (n + d - 1).div_euclid(d),
			_ => return Err(attribute(node, "nearest_mode", "it is not known")),
		};
		let shape: Vec<usize> = value.shape.iter().zip(&factors).map(|(dim, k)| dim * k).collect();
		self.elements_of(node, &shape)?;
		let positions = shape::gather(&value.shape, &shape, |at, source| {
			for (axis, source) in source.iter_mut().enumerate() {
				let (x, k) = (at[axis] as i64, factors[axis] as i64);
				let place = match half {
					true => nearest(2 * x + 1 - k, 2 * k),
					false => nearest(x, k),
				};
				*source = place.clamp(0, value.shape[axis] as i64 - 1).unsigned_abs() as usize;
			}
		});
		self.select(node, 0, &value, positions, shape)
	}

	/// How many times each dimension is enlarged.
	fn resize_factors(
		&self,
		node: &onnx::Node,
		shape: &[usize],
	) -> Result<Vec<usize>, ImportError> {
		// Before opset 13, what is not used is an empty list.
		let given = |at: usize| match self.constant(node, at) {
			Ok(tensor) => tensor.elements() > 0,
			Err(_) => node.inputs.get(at).is_some_and(|name| !name.is_empty()),
		};
		let error = || {
			let reason = "scales or sizes must be constants that enlarge every dimension a whole \
			              number of times";
			operand(node, reason)
		};
		let axes = match list(node, "axes")? {
			None => (0..shape.len()).collect(),
			Some(given) => axes(node, given, shape.len())?,
		};
		let factors: Option<Vec<usize>> = match (given(2), given(3)) {
			(true, false) => match &self.constant(node, 2)?.data {
				Data::F32(scales) if scales.len() == axes.len() => scales
					.iter()
					.map(|&k| {
						(k.fract() == 0.0 && (1.0..65536.0).contains(&k)).then_some(k as usize)
					})
					.collect(),
				_ => None,
			},
			(false, true) => {
				let sizes = self.constant_integers(node, 3)?;
				let factor = |(&size, &at): (&i64, &usize)| {
					let (size, dim) = (usize::try_from(size).ok()?, shape[at]);
					(dim > 0 && size >= dim && size.is_multiple_of(dim)).then(|| size / dim)
				};
				match sizes.len() == axes.len() {
					true => sizes.iter().zip(&axes).map(factor).collect(),
					false => None,
				}
			},
			_ => None,
		};
		let mut all = vec![1; shape.len()];
		for (at, factor) in axes.into_iter().zip(factors.ok_or_else(error)?) {
			all[at] = factor;
		}
		Ok(all)
	}
}
