//! Execution, with the values of every node kept: the output and the witness come from here.

use super::{Linear, Network, Operator, Pick};
use crate::statement::ElementType;

/// Why a network can not be run on an input.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecuteError {
	/// The input is not as long as the input tensor.
	#[error("the input has {got} bytes; the network reads {expected}")]
	InputLength {
		/// Bytes of the input tensor.
		expected: usize,
		/// Bytes given.
		got: usize,
	},
	/// A value left `int32`. The importer excludes this, so it would be a bug in this crate.
	#[error("node '{node}' overflows int32")]
	Overflow {
		/// The node.
		node: String,
	},
}

/// The elements of every value of one run; index 0 is the input.
#[derive(Clone, Debug)]
pub(crate) struct Trace(pub(crate) Vec<Vec<i64>>);

impl Network {
	/// Runs the network and keeps every value.
	pub(crate) fn trace(&self, input: &[u8]) -> Result<Trace, ExecuteError> {
		let expected = self.input.bytes();
		if input.len() != expected {
			return Err(ExecuteError::InputLength { expected, got: input.len() });
		}
		let mut values = Vec::with_capacity(self.nodes.len() + 1);
		values.push(input.iter().map(|&byte| i64::from(byte)).collect::<Vec<_>>());
		for node in &self.nodes {
			let sources: Vec<&[i64]> = node.sources.iter().map(|&at| &values[at][..]).collect();
			let value = run(&node.operator, &sources);
			if value.iter().any(|&x| i32::try_from(x).is_err()) {
				return Err(ExecuteError::Overflow { node: node.name.clone() });
			}
			values.push(value);
		}
		Ok(Trace(values))
	}

	/// The output tensor of a run.
	pub(crate) fn output_bytes(&self, trace: &Trace) -> Vec<u8> {
		let elements = &trace.0[self.output_value];
		match self.output.element {
			ElementType::U8 => elements.iter().map(|&x| x as u8).collect(),
			ElementType::I64 => elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
			_ => elements.iter().flat_map(|&x| (x as i32).to_le_bytes()).collect(),
		}
	}
}

/// One operator on elements that fit `int32`. Interval analysis has bounded every result, so that
/// no sum here leaves `i64`; that it fits `int32` is checked once more by the caller.
fn run(operator: &Operator, sources: &[&[i64]]) -> Vec<i64> {
	let pick = |pick: &Pick| match *pick {
		Pick::Element { source, at } => sources[source][at],
		Pick::Constant(value) => value,
	};
	let each = |function: &dyn Fn(usize, i64) -> i64| -> Vec<i64> {
		sources[0].iter().enumerate().map(|(at, &x)| function(at, x)).collect()
	};
	match operator {
		Operator::Select { picks } => picks.iter().map(pick).collect(),
		Operator::Private { values, .. } => values.iter().map(|&x| x.into()).collect(),
		Operator::Linear(linear) => weighted_sums(linear, sources[0]),
		Operator::Sum { factors, constant } => each(&|at, _| {
			let terms = sources.iter().zip(factors).map(|(x, factors)| x[at] * factors[at]);
			constant + terms.sum::<i64>()
		}),
		Operator::Product => each(&|at, x| x * sources[1][at]),
		// Division as ONNX Runtime does it: toward zero.
		Operator::Rescale { shifts } => {
			each(&|at, x| (x / (1i64 << shifts[at])).clamp(0, u8::MAX.into()))
		},
		Operator::Divide { divisors } => each(&|at, x| x / divisors[at]),
		Operator::Quotient => each(&|at, x| x / sources[1][at].max(1)),
		Operator::Clip { lo, hi } => each(&|_, x| x.max(*lo).min(*hi)),
		Operator::Max { windows } => {
			windows.iter().map(|window| window.iter().map(pick).max().unwrap_or(0)).collect()
		},
		Operator::Abs => each(&|_, x| x.abs()),
		Operator::Lookup { table } => each(&|_, x| table[x as usize]),
		Operator::ArgMax { windows } => {
			windows.iter().map(|window| first_greatest(window, sources[0])).collect()
		},
	}
}

/// The position in `window` of its first greatest element.
fn first_greatest(window: &[usize], source: &[i64]) -> i64 {
	let mut best = 0;
	for (position, &at) in window.iter().enumerate() {
		if source[at] > source[window[best]] {
			best = position;
		}
	}
	best as i64
}

fn weighted_sums(linear: &Linear, source: &[i64]) -> Vec<i64> {
	let Linear { window, columns, groups, .. } = *linear;
	let (rows, zero_point) = (linear.rows(), i64::from(linear.zero_point));
	let mut sums = vec![0; linear.elements()];
	let mut row_sums = vec![0; columns];
	for row in 0..rows {
		let elements = &linear.windows[row * window..][..window];
		for group in 0..groups {
			row_sums.fill(0);
			let weights = linear.weights[group * window * columns..].chunks_exact(columns);
			for (&at, weights) in elements.iter().zip(weights) {
				if at == Linear::PADDING {
					continue;
				}
				let x = source[at as usize + group * linear.group_stride] - zero_point;
				if x != 0 {
					for (sum, &weight) in row_sums.iter_mut().zip(weights) {
						*sum += x * i64::from(weight);
					}
				}
			}
			for (column, &sum) in row_sums.iter().enumerate() {
				let channel = group * columns + column;
				let at = match linear.channels_first {
					true => channel * rows + row,
					false => row * groups * columns + channel,
				};
				sums[at] = sum;
			}
		}
	}
	sums
}
