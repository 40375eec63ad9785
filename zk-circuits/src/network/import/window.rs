//! Windows of convolutions and of pooling.

use super::{attribute, integer, list, onnx, operand, shape, word, ImportError};

/// How a window moves over a `[1, channels, …]` tensor.
#[derive(Clone, Debug)]
pub(super) struct Window {
	/// Sizes of the tensor without batch and channels.
	input: Vec<usize>,
	kernel: Vec<usize>,
	strides: Vec<usize>,
	dilations: Vec<usize>,
	/// Padding before the first element.
	begin: Vec<usize>,
	/// Number of places of the window.
	pub(super) output: Vec<usize>,
}

impl Window {
	/// Reads `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode`.
	pub(super) fn read(
		node: &onnx::Node,
		input: &[usize],
		kernel: &[usize],
	) -> Result<Self, ImportError> {
		let rank = input.len();
		if !(1..=2).contains(&rank) || kernel.len() != rank {
			let reason = format!(
				"a window of shape {kernel:?} can not move over {input:?}; one and two dimensions \
				 are provable"
			);
			return Err(operand(node, reason));
		}
		if input.contains(&0) || kernel.contains(&0) {
			return Err(operand(node, "a size is 0"));
		}
		let sizes = |name, length: usize, least: i64, default: usize| {
			let Some(given) = list(node, name)? else { return Ok(vec![default; length]) };
			let sizes: Option<Vec<usize>> = given
				.iter()
				.map(|&size| {
					usize::try_from(size).ok().filter(|_| (least..1 << 16).contains(&size))
				})
				.collect();
			sizes
				.filter(|sizes| sizes.len() == length)
				.ok_or_else(|| attribute(node, name, "it has a wrong length, or a size is wrong"))
		};
		let strides = sizes("strides", rank, 1, 1)?;
		let dilations = sizes("dilations", rank, 1, 1)?;
		let pads = sizes("pads", 2 * rank, 0, 0)?;
		let ceil = match integer(node, "ceil_mode", 0)? {
			0 => false,
			1 => true,
			_ => return Err(attribute(node, "ceil_mode", "it must be 0 or 1")),
		};
		let same = match word(node, "auto_pad", "NOTSET")? {
			"NOTSET" => None,
			"VALID" if pads.iter().all(|&pad| pad == 0) => None,
			"SAME_UPPER" => Some(false),
			"SAME_LOWER" => Some(true),
			_ => {
				let hint = "it must be NOTSET, SAME_UPPER, SAME_LOWER, or VALID without pads";
				return Err(attribute(node, "auto_pad", hint));
			},
		};
		let (mut begin, mut output) = (Vec::new(), Vec::new());
		for axis in 0..rank {
			let (size, stride) = (input[axis], strides[axis]);
			let extent = (kernel[axis] - 1) * dilations[axis] + 1;
			if same.is_some() {
				// ONNX Runtime does otherwise than the standard says, and fails in part.
				let places = size.div_ceil(stride);
				if dilations[axis] != 1 || (places - 1) * stride + extent + 1 < size {
					let hint = "SAME is provable without dilations, and where no element is left \
					            out between windows; write the pads";
					return Err(attribute(node, "auto_pad", hint));
				}
			}
			let (before, after) = match same {
				None => (pads[axis], pads[axis + rank]),
				Some(more_before) => {
					let places = size.div_ceil(stride);
					let total = ((places - 1) * stride + extent).saturating_sub(size);
					let less = total / 2;
					if more_before {
						(total - less, less)
					} else {
						(less, total - less)
					}
				},
			};
			let Some(room) = (size + before + after).checked_sub(extent) else {
				let reason = format!(
					"a window of extent {extent} does not fit into {size} elements with padding"
				);
				return Err(operand(node, reason));
			};
			let places = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
			if ceil && (places - 1) * stride >= size + before {
				let hint =
					"a window would begin behind the elements, which ONNX Runtime leaves out, \
				            but counts in the shape; write pads, and leave ceil_mode out";
				return Err(attribute(node, "ceil_mode", hint));
			}
			begin.push(before);
			output.push(places);
		}
		Ok(Self {
			input: input.to_vec(),
			kernel: kernel.to_vec(),
			strides,
			dilations,
			begin,
			output,
		})
	}

	/// Number of places.
	pub(super) fn places(&self) -> usize {
		self.output.iter().product()
	}

	/// For each place, row-major, and each position of the kernel, row-major: the element of one
	/// channel, or nothing in the padding.
	pub(super) fn elements(&self) -> Vec<Vec<Option<usize>>> {
		let strides = shape::strides(&self.input);
		let mut places = Vec::with_capacity(self.places());
		shape::for_each(&self.output, |place| {
			let mut elements = Vec::with_capacity(self.kernel.iter().product());
			shape::for_each(&self.kernel, |position| {
				let element = (0..place.len()).try_fold(0, |sum, axis| {
					let at =
						place[axis] * self.strides[axis] + position[axis] * self.dilations[axis];
					let at = at.checked_sub(self.begin[axis])?;
					(at < self.input[axis]).then(|| sum + at * strides[axis])
				});
				elements.push(element);
			});
			places.push(elements);
		});
		places
	}
}
