//! The float model: a graph that can be run.

use super::{graph::Graph, read, simplify, QuantizeError, Rows};
use crate::onnx::Dim;

/// A float model that can be quantised.
#[derive(Clone, Debug)]
pub struct FloatModel {
	pub(super) input_name: String,
	pub(super) output_name: String,
	pub(super) batch: Dim,
	pub(super) graph: Graph,
	notes: Vec<String>,
}

impl FloatModel {
	/// Reads a float model, or one that is quantised in ONNX's own way.
	///
	/// Constants are folded, dropout is removed, batch normalisation is folded into the operator
	/// beside it. A `Softmax` at the end is dropped, and a note says so.
	pub fn from_onnx(onnx: &[u8]) -> Result<Self, QuantizeError> {
		let read::Read { mut graph, input, output, mut notes } = read::read(onnx)?;
		notes.extend(simplify::simplify(&mut graph));
		if graph.output == 0 {
			return Err(QuantizeError::Output(output.name));
		}
		let batch = input.dims.as_ref().and_then(|dims| dims.first().cloned());
		Ok(Self {
			input_name: input.name,
			output_name: output.name,
			batch: batch.unwrap_or(Dim::Known(1)),
			graph,
			notes,
		})
	}

	/// Number of values in an input row.
	pub fn input_len(&self) -> usize {
		self.graph.nodes[0].dims.iter().product()
	}

	/// What was changed while reading, one sentence each.
	pub fn notes(&self) -> &[String] {
		&self.notes
	}

	/// Runs the model on one row, in double precision.
	pub fn execute(&self, row: &[f32]) -> Result<Vec<f64>, QuantizeError> {
		self.check(row.len())?;
		let mut values = self.graph.execute(row.iter().map(|&x| f64::from(x)).collect());
		Ok(values.swap_remove(self.graph.output).data)
	}

	pub(super) fn check(&self, got: usize) -> Result<(), QuantizeError> {
		let expected = self.input_len();
		match got == expected {
			true => Ok(()),
			false => Err(QuantizeError::RowLength { expected, got }),
		}
	}

	/// Runs the model on every row and hands each value of each run to `see`.
	pub(super) fn observe(
		&self,
		rows: &Rows,
		mut see: impl FnMut(usize, &[super::value::Value]),
	) -> Result<(), QuantizeError> {
		self.check(rows.row_len())?;
		for row in 0..rows.len() {
			let values = self.graph.execute(rows.row(row).iter().map(|&x| f64::from(x)).collect());
			if values.iter().flat_map(|value| &value.data).any(|x| !x.is_finite()) {
				return Err(QuantizeError::NotFinite { row });
			}
			see(row, &values);
		}
		Ok(())
	}
}
