//! The greatest of several: `MaxPool`, `ReduceMax`, `ArgMax`.

use super::{
	attribute, attributes, axis, integer, keeps_dimensions, list, onnx, operand, operands, shape,
	window::Window, ElementType, ImportError, Importer, Operator, Pick,
};

impl<'a> Importer<'a> {
	pub(super) fn max_pool(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		let known = [
			"auto_pad",
			"ceil_mode",
			"dilations",
			"kernel_shape",
			"pads",
			"storage_order",
			"strides",
		];
		attributes(node, &known)?;
		operands(node, 1..=1)?;
		if integer(node, "storage_order", 0)? != 0 {
			return Err(attribute(node, "storage_order", "only 0 is provable"));
		}
		let value = self.read_u8(node, 0)?;
		let &[1, channels, ref input @ ..] = &value.shape[..] else {
			let reason = format!("activations {:?} can not be pooled: [1, C, …] can", value.shape);
			return Err(operand(node, reason));
		};
		let missing = || attribute(node, "kernel_shape", "it must be a list of positive integers");
		let kernel: Vec<usize> = list(node, "kernel_shape")?
			.ok_or_else(missing)?
			.iter()
			.map(|&size| usize::try_from(size).ok().filter(|&size| (1..1 << 16).contains(&size)))
			.collect::<Option<_>>()
			.ok_or_else(missing)?;
		let pads = list(node, "pads")?.unwrap_or_default();
		if pads.iter().zip(kernel.iter().cycle()).any(|(&pad, &size)| pad >= size as i64) {
			return Err(attribute(node, "pads", "each must be smaller than the window"));
		}
		let geometry = Window::read(node, input, &kernel)?;
		let shape: Vec<usize> =
			[1, channels].into_iter().chain(geometry.output.iter().copied()).collect();
		self.elements_of(node, &shape)?;
		let window: usize = kernel.iter().product();
		self.store(node, channels.saturating_mul(geometry.places()).saturating_mul(window))?;
		let plane: usize = input.iter().product();
		let places = geometry.elements();
		if places.iter().any(|place| place.iter().all(Option::is_none)) {
			return Err(operand(node, "a window lies wholly in the padding"));
		}
		let mut windows = Vec::with_capacity(channels * places.len());
		for channel in 0..channels {
			for place in &places {
				let at = |at: &usize| Pick::Element { source: 0, at: channel * plane + at };
				windows.push(place.iter().flatten().map(at).collect());
			}
		}
		self.push(node, vec![value.index], Operator::Max { windows }, ElementType::U8, shape)
	}

	pub(super) fn reduce_max(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		let value = self.read_ordered(node, 0)?;
		let (shape, windows) = self.reduction(node, &value.shape)?;
		let pick = |window: Vec<usize>| -> Vec<Pick> {
			window.into_iter().map(|at| Pick::Element { source: 0, at }).collect()
		};
		let windows = windows.into_iter().map(pick).collect();
		self.push(node, vec![value.index], Operator::Max { windows }, value.element, shape)
	}

	pub(super) fn arg_max(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["axis", "keepdims", "select_last_index"])?;
		operands(node, 1..=1)?;
		if integer(node, "select_last_index", 0)? != 0 {
			return Err(attribute(
				node,
				"select_last_index",
				"only 0, the first index, is provable",
			));
		}
		let value = self.read_ordered(node, 0)?;
		let along = axis(node, integer(node, "axis", 0)?, value.shape.len())?;
		let size = value.shape[along];
		self.store(node, value.shape.iter().product())?;
		let stride = shape::strides(&value.shape)[along];
		let mut shape = value.shape.clone();
		shape[along] = 1;
		let firsts = shape::gather(&value.shape, &shape, |at, source| source.copy_from_slice(at));
		let window = |first: usize| (0..size).map(|at| first + at * stride).collect();
		let windows = firsts.into_iter().map(window).collect();
		if !keeps_dimensions(node)? {
			shape.remove(along);
		}
		self.push(node, vec![value.index], Operator::ArgMax { windows }, ElementType::I64, shape)
	}
}
