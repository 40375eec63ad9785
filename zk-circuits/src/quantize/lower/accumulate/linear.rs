//! Products with constant weights.

use super::{power, Accumulator, Target};
use crate::{
	onnx::{Attribute, Data},
	quantize::{
		lower::{emit::Integers, store::window_attributes, Lowering},
		operator::Operator,
		value::{broadcast_indices, elements},
	},
};

impl Lowering<'_> {
	/// The axis of a linear operator's filters, and their number.
	pub(super) fn channels(&self, value: usize) -> (usize, usize) {
		let node = self.node(value);
		match &node.operator {
			Operator::MatMul { columns, .. } => (node.dims.len() - 1, *columns),
			_ => (1, node.dims[1]),
		}
	}

	/// The step of the input that a weight of a linear operator meets, as an index of its rows or
	/// channels.
	pub(super) fn row(&self, value: usize) -> Box<dyn Fn(usize) -> usize> {
		match &self.node(value).operator {
			Operator::Conv { weights, bias, group, window } => {
				let kernel = window.kernel[0] * window.kernel[1];
				let channels = weights.len() / bias.len() / kernel;
				let filters = bias.len() / group;
				Box::new(move |k| {
					let filter = k / kernel / channels;
					filter / filters * channels + k / kernel % channels
				})
			},
			Operator::MatMul { columns, .. } => {
				let columns = *columns;
				Box::new(move |k| k / columns)
			},
			_ => Box::new(|_| 0),
		}
	}

	/// The filter that a weight of a linear operator belongs to.
	pub(super) fn filter(&self, value: usize) -> Box<dyn Fn(usize) -> usize> {
		match &self.node(value).operator {
			Operator::Conv { weights, bias, .. } => {
				let each = weights.len() / bias.len();
				Box::new(move |k| k / each)
			},
			Operator::MatMul { columns, .. } => {
				let columns = *columns;
				Box::new(move |k| k % columns)
			},
			_ => Box::new(|_| 0),
		}
	}

	/// For each row or channel of a linear operator's input, a number of its elements.
	pub(super) fn per_row(&self, value: usize, numbers: &[f64], mean: bool) -> Vec<f64> {
		let dims = &self.node(self.node(value).inputs[0]).dims;
		let axis = match self.node(value).operator {
			Operator::MatMul { .. } => dims.len() - 1,
			_ => 1,
		};
		let inner: usize = dims[axis + 1..].iter().product();
		let mut rows = vec![0.0; dims[axis]];
		for (element, x) in numbers.iter().enumerate() {
			let row = &mut rows[element / inner % dims[axis]];
			*row = if mean { *row + x * dims[axis] as f64 / numbers.len() as f64 } else { *x };
		}
		rows
	}

	/// The weights of a linear operator with the steps of its input folded in, and the largest of
	/// each filter. `None` for other operators.
	pub(super) fn folded(&self, value: usize) -> Option<(Vec<f64>, Vec<f64>)> {
		let node = self.node(value);
		let weights = match &node.operator {
			Operator::MatMul { weights, .. } | Operator::Conv { weights, .. } => weights,
			_ => return None,
		};
		let steps = self.per_row(value, &self.steps(node.inputs[0]), false);
		let (row, filter) = (self.row(value), self.filter(value));
		let mut largest = vec![0.0f64; self.channels(value).1];
		let folded = weights
			.iter()
			.enumerate()
			.map(|(k, w)| {
				let folded = w * steps[row(k)];
				let most = &mut largest[filter(k)];
				*most = most.max(folded.abs());
				folded
			})
			.collect();
		Some((folded, largest))
	}

	/// `MatMulInteger` or `ConvInteger`.
	pub(super) fn linear(
		&mut self,
		target: &Target,
		value: usize,
		folded: &[f64],
		largest: &[f64],
	) -> Accumulator {
		let node = self.node(value).clone();
		let input = node.inputs[0];
		let (axis, columns) = self.channels(value);
		let inner: usize = node.dims[axis + 1..].iter().product();
		let element = |column: usize| column * inner;
		let units = self.units_at(target, &node.dims);
		let map = broadcast_indices(&node.dims, &target.dims);
		let mut coarser = vec![0; columns];
		for (at, bits) in map.into_iter().zip(&target.coarser) {
			let column = &mut coarser[at / inner % columns];
			*column = (*column).max(*bits);
		}
		// Weights that do not fit are made smaller by a power of two, the product larger.
		let powers: Vec<f64> = (0..columns)
			.map(|column| {
				let needed = (largest[column] / (self.limit * units[element(column)])).log2();
				let bits = (needed - 1e-9).ceil().clamp(0.0, 40.0) as u32;
				power(bits.max(coarser[column]))
			})
			.collect();
		let (row, filter) = (self.row(value), self.filter(value));
		let zero = self.zero_point(input);
		let steps = self.per_row(value, &self.steps(input), false);
		let means = self.per_row(value, &self.calibration.means[input], true);
		let (mut lo, mut hi, mut error) =
			(vec![0.0; columns], vec![0.0; columns], vec![0.0; columns]);
		let mut bytes = Vec::with_capacity(folded.len());
		for (k, w) in folded.iter().enumerate() {
			let column = filter(k);
			let unit = units[element(column)] * powers[column];
			let weight = (w / unit).round().clamp(-self.limit, self.limit);
			bytes.push((weight + 128.0) as u8);
			let ends = (-zero * weight, (255.0 - zero) * weight);
			lo[column] += ends.0.min(ends.1);
			hi[column] += ends.0.max(ends.1);
			error[column] += (weight - w / unit) * powers[column] * means[row(k)] / steps[row(k)];
		}
		let name = format!("{}.{}", self.prefixes[target.root], self.prefixes[value]);
		let weight = format!("{name}.weight");
		let zero_name = self.emitter.bytes(&format!("zero_point_{zero}"), zero as u8);
		let weight_zero = self.emitter.bytes("weight_zero_point", 128);
		let x = self.names[input].clone();
		let (dims, operator, attributes, bias) = match &node.operator {
			Operator::Conv { bias, group, window, .. } => {
				let kernel = &window.kernel[2 - window.axes..];
				let channels = folded.len() / columns / elements(kernel);
				let mut attributes = window_attributes(window);
				if *group != 1 {
					attributes.push(("group", Attribute::Int(*group as i64)));
				}
				([&[columns, channels], kernel].concat(), "ConvInteger", attributes, bias.clone())
			},
			Operator::MatMul { bias, .. } => {
				(vec![folded.len() / columns, columns], "MatMulInteger", vec![], bias.clone())
			},
			_ => Default::default(),
		};
		self.emitter.constant(&weight, &dims, Data::U8(bytes));
		let operands = [x.as_str(), &weight, &zero_name, &weight_zero];
		let mut at =
			self.emitter.node(operator, &operands, &format!("{name}.product"), &attributes);
		let per_element = |list: &[f64]| -> Vec<f64> {
			(0..units.len()).map(|e| list[e / inner % columns]).collect()
		};
		let powers = per_element(&powers);
		if powers.iter().any(|&power| power != 1.0) {
			let factor = self.emitter.numbers(&format!("{name}.factor"), &node.dims, &powers);
			at = self.emitter.node("Mul", &[&at, &factor], &format!("{name}.scaled"), &[]);
		}
		let times = |list: Vec<f64>| list.iter().zip(&powers).map(|(x, p)| x * p).collect();
		let constant = per_element(&bias)
			.iter()
			.zip(&units)
			.zip(per_element(&error))
			.map(|((bias, unit), error)| bias / unit - error)
			.collect();
		let integers = Integers {
			name: at,
			dims: node.dims.clone(),
			lo: times(per_element(&lo)),
			hi: times(per_element(&hi)),
		};
		Accumulator { integers, constant }
	}
}
