//! Calibration: which range of real numbers each class of elements takes, and so its scale.

use super::{
	float::FloatModel,
	operator::{Move, Operator},
	plan::{Plan, Role},
	Method, QuantizeError, Rows,
};

/// Bins of a class's histogram.
const BINS: usize = 1024;

/// [`Method::Percentile`] leaves out this part of the values at each end.
const OUTLIERS: f64 = 0.0005;

/// A class that calibration hardly ever saw active gets at least this part of the largest range
/// beside it.
const LEAST_RANGE: f64 = 1.0 / 1024.0;

/// How real numbers are stored: `real = step · (integer − zero point)`.
#[derive(Debug)]
pub(super) struct Calibration {
	/// The step of each class.
	pub(super) steps: Vec<f64>,
	/// The zero point of each value.
	pub(super) zero_points: Vec<u8>,
	/// The mean of each element of each value, over the rows.
	pub(super) means: Vec<Vec<f64>>,
}

pub(super) fn calibrate(
	float: &FloatModel,
	plan: &Plan,
	rows: &Rows,
	method: Method,
) -> Result<Calibration, QuantizeError> {
	if rows.is_empty() {
		return Err(QuantizeError::NoCalibration);
	}
	let graph = &float.graph;
	let stored: Vec<usize> = (0..graph.nodes.len())
		.filter(|&value| matches!(plan.roles[value], Role::Stored | Role::Rescaled))
		.collect();
	let mut ranges = vec![(0.0f64, 0.0f64); plan.class_count];
	let mut means: Vec<Vec<f64>> =
		graph.nodes.iter().map(|node| vec![0.0; node.dims.iter().product()]).collect();
	let mut input_is_u8 = true;
	float.observe(rows, |_, values| {
		input_is_u8 &= values[0].data.iter().all(|x| x.fract() == 0.0 && (0.0..=255.0).contains(x));
		for &value in &stored {
			let elements = values[value].data.iter().zip(&plan.classes[value]);
			for ((&x, &class), mean) in elements.zip(&mut means[value]) {
				let range = &mut ranges[class as usize];
				*range = (range.0.min(x), range.1.max(x));
				*mean += x / rows.len() as f64;
			}
		}
	})?;
	if method != Method::MinMax {
		let mut histograms = vec![0u32; plan.class_count * BINS];
		float.observe(rows, |_, values| {
			for &value in &stored {
				for (&x, &class) in values[value].data.iter().zip(&plan.classes[value]) {
					let (lo, hi) = ranges[class as usize];
					let bin = (x - lo) / (hi - lo) * BINS as f64;
					histograms[class as usize * BINS + (bin as usize).min(BINS - 1)] += 1;
				}
			}
		})?;
		let input = plan.classes[0].first().map_or(usize::MAX, |&class| class as usize);
		for (class, (range, bins)) in
			ranges.iter_mut().zip(histograms.chunks_exact(BINS)).enumerate()
		{
			if class != input {
				*range = match method {
					Method::Percentile => percentile(*range, bins),
					_ => least_error(*range, bins),
				};
			}
		}
	}
	for (index, node) in graph.nodes.iter().enumerate() {
		// What the file says of a value's range limits it.
		if let (Some(&(lo, hi)), true) = (graph.ranges.get(&index), stored.contains(&index)) {
			for &class in &plan.classes[index] {
				let range = &mut ranges[class as usize];
				*range = (range.0.max(lo.min(0.0)), range.1.min(hi.max(0.0)));
			}
		}
		if let Operator::Move(Move::Pad { value, .. }) = node.operator {
			for &class in &plan.classes[index] {
				let range = &mut ranges[class as usize];
				*range = (range.0.min(value), range.1.max(value));
			}
		}
	}
	let (steps, zero_points) = scales(plan, &stored, &ranges, input_is_u8);
	Ok(Calibration { steps, zero_points, means })
}

fn percentile((lo, hi): (f64, f64), bins: &[u32]) -> (f64, f64) {
	let total: u64 = bins.iter().map(|&count| u64::from(count)).sum();
	let most = (total as f64 * OUTLIERS) as u64;
	let skipped = |counts: &mut dyn Iterator<Item = &u32>| {
		let mut seen = 0;
		counts
			.take_while(|&&count| {
				seen += u64::from(count);
				seen <= most
			})
			.count() as f64
	};
	let width = (hi - lo) / BINS as f64;
	let low = lo + width * skipped(&mut bins.iter());
	let high = hi - width * skipped(&mut bins.iter().rev());
	(low.min(0.0), high.max(0.0))
}

/// The part of the range whose quantisation has the least mean square error.
fn least_error((lo, hi): (f64, f64), bins: &[u32]) -> (f64, f64) {
	let width = (hi - lo) / BINS as f64;
	let error = |part: f64| {
		let (low, high) = (lo * part, hi * part);
		let inside = ((high - low) / 255.0).powi(2) / 12.0;
		let sum: f64 = bins
			.iter()
			.enumerate()
			.filter(|(_, &count)| count > 0)
			.map(|(bin, &count)| {
				let x = lo + width * (bin as f64 + 0.5);
				let outside = (x - x.clamp(low, high)).powi(2);
				f64::from(count) * (inside + outside)
			})
			.sum();
		sum
	};
	let mut best = (error(1.0), 1.0);
	for percent in (30..100).rev() {
		let part = f64::from(percent) / 100.0;
		let candidate = error(part);
		if candidate < best.0 {
			best = (candidate, part);
		}
	}
	(lo * best.1, hi * best.1)
}

/// Steps of the classes and zero points of the values.
fn scales(
	plan: &Plan,
	stored: &[usize],
	ranges: &[(f64, f64)],
	input_is_u8: bool,
) -> (Vec<f64>, Vec<u8>) {
	let mut steps = vec![1.0; plan.class_count];
	let mut zero_points = vec![0u8; plan.roles.len()];
	let mut groups: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
	for &value in stored {
		groups.entry(plan.zero_points[value]).or_default().push(value);
	}
	for values in groups.into_values() {
		let mut classes: Vec<usize> = values
			.iter()
			.flat_map(|&value| plan.classes[value].iter().map(|&class| class as usize))
			.collect();
		classes.sort_unstable();
		classes.dedup();
		let has_input = values.contains(&0);
		let lowest = classes.iter().fold(0.0f64, |a, &class| a.min(ranges[class].0));
		if has_input && input_is_u8 && lowest == 0.0 {
			// Bytes are taken as they are.
			continue;
		}
		let zero_point = zero_point(&classes, ranges, has_input);
		let (above, below) = (255.0 - f64::from(zero_point), f64::from(zero_point));
		let part = |x: f64, room: f64| if x == 0.0 { 0.0 } else { x / room };
		let needed = |class: usize| part(ranges[class].1, above).max(part(-ranges[class].0, below));
		let most = classes.iter().fold(0.0f64, |a, &class| a.max(needed(class)));
		for class in classes {
			let step = needed(class).max(most * LEAST_RANGE);
			steps[class] = if step > 0.0 { step } else { 1.0 };
		}
		for value in values {
			zero_points[value] = zero_point;
		}
	}
	(steps, zero_points)
}

/// The zero point that lets the classes have the smallest steps, in the geometric mean.
fn zero_point(classes: &[usize], ranges: &[(f64, f64)], is_input: bool) -> u8 {
	let some = |f: fn(&(f64, f64)) -> bool| classes.iter().any(|&class| f(&ranges[class]));
	let (negative, positive) = (some(|range| range.0 < 0.0), some(|range| range.1 > 0.0));
	if !negative {
		return 0;
	}
	if !positive {
		return 255;
	}
	if is_input && classes.len() == 1 {
		let (lo, hi) = ranges[classes[0]];
		return (-lo / ((hi - lo) / 255.0)).round().clamp(1.0, 254.0) as u8;
	}
	let cost = |zero: u8| -> f64 {
		let (above, below) = (255.0 - f64::from(zero), f64::from(zero));
		classes
			.iter()
			.map(|&class| (ranges[class].1 / above).max(-ranges[class].0 / below))
			.filter(|step| *step > 0.0)
			.map(f64::ln)
			.sum()
	};
	let mut best = (f64::INFINITY, 128);
	for zero in 1..=254 {
		let candidate = cost(zero);
		if candidate < best.0 {
			best = (candidate, zero);
		}
	}
	best.1
}
