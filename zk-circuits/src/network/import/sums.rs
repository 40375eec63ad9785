//! Weighted sums: `MatMulInteger`, `ConvInteger`, `ReduceSum`.

use super::{
	attribute, attributes, axes, integer, keeps_dimensions, list, onnx, operand, operands, shape,
	window::Window, Data, ElementType, ImportError, Importer, Operator, Tensor,
};
use crate::network::Linear;

impl<'a> Importer<'a> {
	pub(super) fn matmul(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=4)?;
		let value = self.read_u8(node, 0)?;
		let (tensor, bytes) = self.weights(node)?;
		let &[inner, columns] = &tensor.dims[..] else {
			let reason = format!("the weights have dimensions {:?}, must have two", tensor.dims);
			return Err(operand(node, reason));
		};
		let Some((&last, leading)) = value.shape.split_last().filter(|(&last, _)| last == inner)
		else {
			let reason = format!("activations {:?} meet weights of {inner} rows", value.shape);
			return Err(operand(node, reason));
		};
		let (zero_point, zeros) = self.zero_points(node, columns)?;
		let zero = |at: usize| zeros[at % columns % zeros.len()];
		let weights = bytes.iter().enumerate().map(|(at, &w)| i16::from(w) - zero(at)).collect();
		let rows: usize = leading.iter().product();
		let shape: Vec<usize> = leading.iter().copied().chain([columns]).collect();
		self.elements_of(node, &shape)?;
		self.store(node, rows.saturating_mul(last))?;
		let linear = Linear {
			windows: (0..rows * last).map(|at| at as u32).collect(),
			window: last,
			group_stride: 0,
			weights,
			columns,
			groups: 1,
			zero_point,
			private: self.private_weights(&zeros, columns),
			channels_first: false,
		};
		self.push(node, vec![value.index], Operator::Linear(linear), ElementType::I32, shape)
	}

	pub(super) fn convolution(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		let known = ["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];
		attributes(node, &known)?;
		operands(node, 2..=4)?;
		let value = self.read_u8(node, 0)?;
		let (tensor, bytes) = self.weights(node)?;
		let (&[1, channels, ref input @ ..], &[outputs, per_group, ref kernel @ ..]) =
			(&value.shape[..], &tensor.dims[..])
		else {
			let reason = format!(
				"activations {:?} meet weights {:?}: a convolution needs [1, C, …] and [M, C / group, …]",
				value.shape, tensor.dims
			);
			return Err(operand(node, reason));
		};
		if list(node, "kernel_shape")?.is_some_and(|given| {
			given.len() != kernel.len() || given.iter().zip(kernel).any(|(&g, &k)| g != k as i64)
		}) {
			return Err(attribute(node, "kernel_shape", "it must be that of the weights"));
		}
		let groups = usize::try_from(integer(node, "group", 1)?).unwrap_or(0);
		let fits = per_group.checked_mul(groups) == Some(channels);
		if groups == 0 || !fits || !outputs.is_multiple_of(groups) {
			let hint = "it must divide the output channels, and the input channels into those of \
			            the weights";
			return Err(attribute(node, "group", hint));
		}
		// A zero point for each column is known to MatMulInteger alone.
		let (zero_point, zeros) = self.zero_points(node, 1)?;
		let geometry = Window::read(node, input, kernel)?;
		let shape: Vec<usize> =
			[1, outputs].into_iter().chain(geometry.output.iter().copied()).collect();
		self.elements_of(node, &shape)?;
		let kernel_size: usize = kernel.iter().product();
		let window = per_group * kernel_size;
		self.store(node, geometry.places().saturating_mul(window))?;
		let plane: usize = input.iter().product();
		let mut windows = Vec::with_capacity(geometry.places() * window);
		for place in geometry.elements() {
			for channel in 0..per_group {
				windows.extend(place.iter().map(|element| match element {
					Some(at) => (channel * plane + at) as u32,
					None => Linear::PADDING,
				}));
			}
		}
		let columns = outputs / groups;
		// [M, window] to [group, window, column].
		let weights = (0..groups * window * columns)
			.map(|at| {
				let (group, position, column) =
					(at / (window * columns), at / columns % window, at % columns);
				i16::from(bytes[(group * columns + column) * window + position]) - zeros[0]
			})
			.collect();
		let linear = Linear {
			windows,
			window,
			group_stride: per_group * plane,
			weights,
			columns,
			groups,
			zero_point,
			private: self.private_weights(&zeros, columns),
			channels_first: true,
		};
		self.push(node, vec![value.index], Operator::Linear(linear), ElementType::I32, shape)
	}

	pub(super) fn reduce_sum(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		let value = self.read_i32(node, 0)?;
		let (shape, windows) = self.reduction(node, &value.shape)?;
		let window = windows.first().map_or(1, Vec::len);
		let linear = Linear {
			windows: windows.iter().flatten().map(|&at| at as u32).collect(),
			window,
			group_stride: 0,
			weights: vec![1; window],
			columns: 1,
			groups: 1,
			zero_point: 0,
			private: None,
			channels_first: false,
		};
		self.push(node, vec![value.index], Operator::Linear(linear), ElementType::I32, shape)
	}

	/// The shape of a reduction by `axes` and `keepdims`, and the elements of each result.
	pub(super) fn reduction(
		&mut self,
		node: &onnx::Node,
		from: &[usize],
	) -> Result<(Vec<usize>, Vec<Vec<usize>>), ImportError> {
		attributes(node, &["axes", "keepdims", "noop_with_empty_axes"])?;
		operands(node, 1..=2)?;
		let mut reduced = vec![false; from.len()];
		match self.integers_at(node, "axes", 1)?.filter(|axes| !axes.is_empty()) {
			Some(given) => {
				axes(node, &given, from.len())?.into_iter().for_each(|at| reduced[at] = true);
			},
			None if integer(node, "noop_with_empty_axes", 0)? == 0 => reduced.fill(true),
			None => (),
		}
		let keep = keeps_dimensions(node)?;
		let kept = |reduce: bool| {
			let dims = from.iter().zip(&reduced);
			dims.map(|(&dim, &reduced)| if reduced == reduce { dim } else { 1 }).collect::<Vec<_>>()
		};
		let (outer, inner) = (kept(false), kept(true));
		let strides = shape::strides(from);
		let position = |at: &[usize]| -> usize {
			at.iter().zip(&strides).map(|(at, stride)| at * stride).sum()
		};
		self.store(node, from.iter().product())?;
		let mut windows = Vec::new();
		shape::for_each(&outer, |at| {
			let first = position(at);
			let mut window = Vec::new();
			shape::for_each(&inner, |at| window.push(first + position(at)));
			windows.push(window);
		});
		let shape = match keep {
			true => outer,
			false => {
				let dims = from.iter().zip(&reduced);
				dims.filter(|(_, &reduced)| !reduced).map(|(&dim, _)| dim).collect()
			},
		};
		Ok((shape, windows))
	}

	/// The weights of a product, as they are stored.
	fn weights(&self, node: &onnx::Node) -> Result<(&'a Tensor, &'a [u8]), ImportError> {
		let tensor = self.constant(node, 1)?;
		match &tensor.data {
			Data::U8(bytes) => Ok((tensor, bytes)),
			Data::I8(_) => Err(ImportError::SignedWeights {
				node: node.name.clone(),
				operator: node.operator.clone(),
			}),
			_ => {
				let reason = format!("the weights are {}, must be uint8", tensor.type_name());
				Err(operand(node, reason))
			},
		}
	}

	/// The zero points of the columns, where weights are private.
	fn private_weights(&self, zeros: &[i16], columns: usize) -> Option<Vec<u8>> {
		let zeros = zeros.iter().map(|&zero| zero as u8).cycle().take(columns);
		self.salt.map(|_| zeros.collect())
	}

	/// The zero point of the activations, and those of the weights: one, or one per column.
	fn zero_points(
		&self,
		node: &onnx::Node,
		columns: usize,
	) -> Result<(u8, Vec<i16>), ImportError> {
		let zeros = |at: usize, most: usize| {
			if node.inputs.get(at).is_none_or(String::is_empty) {
				return Ok(vec![0]);
			}
			match self.constant(node, at)? {
				Tensor { dims, data: Data::U8(zeros) }
					if dims.len() <= 1 && (zeros.len() == 1 || zeros.len() == most) =>
				{
					Ok(zeros.iter().map(|&zero| i16::from(zero)).collect())
				},
				_ => Err(operand(
					node,
					format!(
						"its input {at}, a zero point, must be one uint8{}",
						if most > 1 { " or one per column" } else { "" }
					),
				)),
			}
		};
		let activations: Vec<i16> = zeros(2, 1)?;
		Ok((activations[0] as u8, zeros(3, columns)?))
	}
}
