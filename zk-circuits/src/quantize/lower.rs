//! Float layers and ranges to a provable model.

use super::{
	float::{FloatModel, Ranges},
	Options, QuantizeError,
};
use crate::{
	network::{Scales, INPUT_SCALE, INPUT_ZERO_POINT, OUTPUT_SCALE},
	onnx::{proto::tensor_proto::DataType, Data, Dim, GraphWriter, Tensor, TensorType},
};

/// The largest shift. Keeps a bias of thousands of steps inside `int32`.
const MAX_SHIFT: u32 = 16;

/// A channel that calibration hardly ever saw active gets at least this part of the layer's range.
const LEAST_RANGE: f64 = 1.0 / 1024.0;

/// A layer in integers.
struct Integers {
	/// Around zero.
	weights: Vec<i32>,
	bias: Vec<i32>,
	shifts: Vec<u32>,
}

/// The activations that a layer reads: `real[i] = steps[i] · (integer − zero_point)`.
struct Activations {
	steps: Vec<f64>,
	zero_point: u8,
}

pub(super) fn lower(
	float: &FloatModel,
	ranges: &Ranges,
	options: Options,
) -> Result<(Vec<u8>, Scales), QuantizeError> {
	let limit = f64::from((1 << (options.weight_bits - 1)) - 1);
	let (input_scale, input_zero_point) = input_scale(ranges);
	let mut activations =
		Activations { steps: vec![input_scale; float.input_len()], zero_point: input_zero_point };

	let mut graph = GraphWriter::new("provable");
	let input: Vec<Dim> = std::iter::once(float.batch.clone())
		.chain(float.input_shape.iter().map(|&n| Dim::Known(n)))
		.collect();
	graph.input(&float.input_name, TensorType::U8, &input);
	scalar(&mut graph, "weight_zero_point", Data::U8(vec![128]));
	scalar(&mut graph, "lowest", Data::I32(vec![0]));
	scalar(&mut graph, "highest", Data::I32(vec![255]));

	let mut at = float.input_name.clone();
	if float.input_shape.len() > 1 {
		graph.node("Flatten", &[&at], "flat", &[("axis", 1)]);
		at = "flat".into();
	}
	let mut output_scale = 1.0;
	for (index, layer) in float.layers.iter().enumerate() {
		let number = index + 1;
		let last = number == float.layers.len();
		let columns = layer.columns;
		// What a layer multiplies integers with: the steps of its input are folded in.
		let folded: Vec<f64> = layer
			.weights
			.chunks_exact(columns)
			.zip(&activations.steps)
			.flat_map(|(row, step)| row.iter().map(move |w| w * step))
			.collect();
		let (steps, zero_point) = match last {
			true => {
				let largest = folded.iter().fold(0.0, |a: f64, w| a.max(w.abs()));
				output_scale = if largest > 0.0 { largest / limit } else { 1.0 };
				(vec![output_scale; columns], 0)
			},
			false => hidden_steps(&ranges.values[number], &folded, layer.relu, limit),
		};
		let integers = integers(number, &folded, &layer.bias, &steps, zero_point, last, limit)?;

		let name = |part: &str| format!("dense{number}.{part}");
		let weights = Tensor {
			dims: vec![folded.len() / columns, columns],
			data: Data::U8(integers.weights.iter().map(|w| (w + 128) as u8).collect()),
		};
		graph.constant(&name("weight"), &weights);
		scalar(&mut graph, &name("input_zero_point"), Data::U8(vec![activations.zero_point]));
		graph.constant(
			&name("addend"),
			&Tensor { dims: vec![columns], data: Data::I32(integers.bias) },
		);
		let product = name("product");
		graph.node(
			"MatMulInteger",
			&[&at, &name("weight"), &name("input_zero_point"), "weight_zero_point"],
			&product,
			&[],
		);
		if last {
			graph.node("Add", &[&product, &name("addend")], &float.output_name, &[]);
		} else {
			let divisors = integers.shifts.iter().map(|&s| 1 << s).collect();
			graph.constant(
				&name("divisor"),
				&Tensor { dims: vec![columns], data: Data::I32(divisors) },
			);
			graph.node("Add", &[&product, &name("addend")], &name("sum"), &[]);
			graph.node("Div", &[&name("sum"), &name("divisor")], &name("quotient"), &[]);
			graph.node("Clip", &[&name("quotient"), "lowest", "highest"], &name("clipped"), &[]);
			let to = [("to", DataType::Uint8 as i64)];
			graph.node("Cast", &[&name("clipped")], &name("activation"), &to);
			at = name("activation");
		}
		activations = Activations { steps, zero_point };
	}
	let columns = float.layers.last().map_or(0, |layer| layer.columns);
	graph.output(&float.output_name, TensorType::I32, &[float.batch.clone(), Dim::Known(columns)]);
	graph.metadata(INPUT_SCALE, input_scale);
	graph.metadata(INPUT_ZERO_POINT, input_zero_point);
	graph.metadata(OUTPUT_SCALE, output_scale);
	Ok((graph.finish(float.opset), Scales { input_scale, input_zero_point, output_scale }))
}

fn scalar(graph: &mut GraphWriter, name: &str, data: Data) {
	graph.constant(name, &Tensor { dims: vec![], data });
}

/// Scale and zero point of the input: exact if calibration saw bytes only, else affine over the
/// range that it saw, widened to contain 0.
fn input_scale(ranges: &Ranges) -> (f64, u8) {
	if ranges.input_is_u8 {
		return (1.0, 0);
	}
	let range = ranges.values[0].iter();
	let (lo, hi) = range.fold((0.0f64, 0.0f64), |(lo, hi), r| (lo.min(r.0), hi.max(r.1)));
	// Not all zero, because zero is a byte.
	let scale = (hi - lo) / 255.0;
	(scale, (-lo / scale).round().clamp(0.0, 255.0) as u8)
}

/// Steps and zero point of hidden activations: each channel's calibrated range takes the whole of
/// `uint8`, unless its weights would not fit then.
fn hidden_steps(ranges: &[(f64, f64)], folded: &[f64], relu: bool, limit: f64) -> (Vec<f64>, u8) {
	let (zero_point, above, below) = if relu { (0, 255.0, f64::MAX) } else { (128, 127.0, 128.0) };
	let needed = |(lo, hi): (f64, f64)| (hi / above).max(-lo / below);
	let most = ranges.iter().fold(0.0f64, |a, &range| a.max(needed(range)));
	let columns = ranges.len();
	let steps = ranges
		.iter()
		.enumerate()
		.map(|(column, &range)| {
			let largest = largest(folded, column, columns);
			let step = needed(range).max(most * LEAST_RANGE).max(largest / limit);
			if step > 0.0 {
				step
			} else {
				1.0
			}
		})
		.collect();
	(steps, zero_point)
}

fn largest(folded: &[f64], column: usize, columns: usize) -> f64 {
	folded.iter().skip(column).step_by(columns).fold(0.0, |a: f64, w| a.max(w.abs()))
}

/// Weights, bias and shifts of a layer whose results have the given steps and zero point.
fn integers(
	layer: usize,
	folded: &[f64],
	bias: &[f64],
	steps: &[f64],
	zero_point: u8,
	last: bool,
	limit: f64,
) -> Result<Integers, QuantizeError> {
	let columns = steps.len();
	let shifts: Vec<u32> = (0..columns)
		.map(|column| {
			let largest = largest(folded, column, columns);
			if last || largest == 0.0 {
				return 0;
			}
			let room = (limit * steps[column] / largest).log2().floor();
			room.clamp(0.0, f64::from(MAX_SHIFT)) as u32
		})
		.collect();
	let weights = folded
		.iter()
		.enumerate()
		.map(|(k, w)| {
			let column = k % columns;
			let scaled = w / steps[column] * f64::from(1u32 << shifts[column]);
			scaled.round().clamp(-limit, limit) as i32
		})
		.collect();
	let bias = (0..columns)
		.map(|channel| {
			let shift = shifts[channel];
			let power = f64::from(1u32 << shift);
			let half = if shift > 0 { power / 2.0 } else { 0.0 };
			let sum = (bias[channel] / steps[channel] * power).round()
				+ f64::from(zero_point) * power
				+ half;
			if sum.abs() < f64::from(i32::MAX) {
				Ok(sum as i32)
			} else {
				Err(QuantizeError::Bias { layer, channel })
			}
		})
		.collect::<Result<_, _>>()?;
	Ok(Integers { weights, bias, shifts })
}
