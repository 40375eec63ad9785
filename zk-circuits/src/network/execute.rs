//! Execution, with the values of every node kept: the output and the witness come from here.

use super::{Network, Operator};
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
			let value = run(&node.operator, &values[node.source]);
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
			_ => elements.iter().flat_map(|&x| (x as i32).to_le_bytes()).collect(),
		}
	}
}

/// One operator on elements that fit `int32`. The result fits `i64`, for the reason given at
/// [`super::bounds::of`]; whether it fits `int32` is checked by the caller.
fn run(operator: &Operator, source: &[i64]) -> Vec<i64> {
	match operator {
		Operator::MatMul { weights, columns, zero_point } => {
			let mut sums = vec![0i64; *columns];
			for (&x, row) in source.iter().zip(weights.chunks_exact(*columns)) {
				let x = x - i64::from(*zero_point);
				if x != 0 {
					for (sum, &weight) in sums.iter_mut().zip(row) {
						*sum += x * i64::from(weight);
					}
				}
			}
			sums
		},
		Operator::AddConstant { constant } => {
			source.iter().zip(constant).map(|(&x, &c)| x + i64::from(c)).collect()
		},
		// Division as ONNX Runtime does it: toward zero.
		Operator::Rescale { shifts } => {
			source.iter().zip(shifts).map(|(&x, &s)| (x / (1i64 << s)).clamp(0, 255)).collect()
		},
	}
}
