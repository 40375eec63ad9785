//! Sliding windows over one or two axes: convolution and pooling.

/// The most products of one channel, padding included.
const MAX_TAPS: usize = 1 << 24;

/// How a window slides. One axis is treated as two, the first of size 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::quantize) struct Window {
	/// Number of axes that the tensor has: 1 or 2.
	pub(in crate::quantize) axes: usize,
	pub(in crate::quantize) kernel: [usize; 2],
	pub(in crate::quantize) strides: [usize; 2],
	pub(in crate::quantize) dilations: [usize; 2],
	pub(in crate::quantize) before: [usize; 2],
	pub(in crate::quantize) after: [usize; 2],
}

/// One product of a convolution: an element of the kernel and one of the image.
pub(in crate::quantize) struct Tap {
	pub(in crate::quantize) output: usize,
	pub(in crate::quantize) kernel: usize,
	pub(in crate::quantize) input: usize,
}

impl Window {
	/// A window of one element.
	pub(in crate::quantize) fn one(axes: usize) -> Self {
		Self {
			axes,
			kernel: [1; 2],
			strides: [1; 2],
			dilations: [1; 2],
			before: [0; 2],
			after: [0; 2],
		}
	}

	/// The spatial sizes of a tensor `[1, channels, ..]`.
	pub(in crate::quantize) fn sizes(&self, dims: &[usize]) -> [usize; 2] {
		match self.axes {
			1 => [1, dims[2]],
			_ => [dims[2], dims[3]],
		}
	}

	/// The number of input elements that a kernel spans on an axis.
	pub(in crate::quantize) fn span(&self, axis: usize) -> Option<usize> {
		self.kernel[axis].checked_sub(1)?.checked_mul(self.dilations[axis])?.checked_add(1)
	}

	/// The number of places that the window takes on each axis; at least one. `None` if it is larger
	/// than the image, or takes too long.
	pub(in crate::quantize) fn places(&self, sizes: [usize; 2]) -> Option<[usize; 2]> {
		let mut places = [0; 2];
		for axis in 0..2 {
			let padded =
				sizes[axis].checked_add(self.before[axis])?.checked_add(self.after[axis])?;
			places[axis] = padded.checked_sub(self.span(axis)?)? / self.strides[axis] + 1;
		}
		let products = places.iter().chain(&self.kernel);
		let work = products.copied().try_fold(1usize, usize::checked_mul)?;
		(work <= MAX_TAPS).then_some(places)
	}

	/// The shape of the result for an image of shape `dims`.
	pub(in crate::quantize) fn dims(&self, dims: &[usize], channels: usize) -> Option<Vec<usize>> {
		if dims.len() != self.axes + 2 || dims[0] != 1 {
			return None;
		}
		let places = self.places(self.sizes(dims))?;
		Some([1, channels].into_iter().chain(places[2 - self.axes..].iter().copied()).collect())
	}

	/// Every pair of a kernel element and an image element that it meets, in one channel; padding
	/// is left out.
	pub(in crate::quantize) fn taps(&self, sizes: [usize; 2]) -> Vec<Tap> {
		let Some(places) = self.places(sizes) else { return Vec::new() };
		let along = |axis: usize| {
			let mut taps = Vec::new();
			for place in 0..places[axis] {
				for k in 0..self.kernel[axis] {
					let at = place * self.strides[axis] + k * self.dilations[axis];
					if let Some(at) = at.checked_sub(self.before[axis]).filter(|&i| i < sizes[axis])
					{
						taps.push((place, k, at));
					}
				}
			}
			taps
		};
		let columns = along(1);
		along(0)
			.into_iter()
			.flat_map(|(oy, ky, iy)| {
				columns.iter().map(move |&(ox, kx, ix)| Tap {
					output: oy * places[1] + ox,
					kernel: ky * self.kernel[1] + kx,
					input: iy * sizes[1] + ix,
				})
			})
			.collect()
	}
}
