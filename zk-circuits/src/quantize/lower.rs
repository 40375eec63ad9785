//! Float graph and scales to a provable model.

mod accumulate;
mod emit;
mod store;

use super::{
	calibrate::Calibration,
	float::FloatModel,
	graph::Node,
	operator::{Move, Operator},
	plan::{Plan, Role},
	value::elements,
	Options, QuantizeError,
};
use crate::{
	network::{Scales, INPUT_SCALE, INPUT_ZERO_POINT, OUTPUT_SCALE},
	onnx::{proto::tensor_proto::DataType, Data, Dim, TensorType},
};
use emit::Emitter;
use std::{collections::BTreeSet, ops::Range};

/// What a lowered graph is, beside its bytes.
pub(super) struct Lowered {
	pub(super) onnx: Vec<u8>,
	pub(super) scales: Scales,
	/// The nodes of the float graph that compute something, but for those that are a part of
	/// their reader.
	pub(super) layers: Vec<Layer>,
}

/// A node of the float graph in the provable one.
#[derive(Clone, Debug)]
pub(super) struct Layer {
	/// The float node.
	pub(super) value: usize,
	/// Its nodes in the provable graph without casts; the last gives its value.
	pub(super) nodes: Vec<String>,
	/// For each element: `real = step · (integer − zero point)`.
	pub(super) steps: Vec<f64>,
	pub(super) zero_point: f64,
}

struct Lowering<'a> {
	float: &'a FloatModel,
	plan: &'a Plan,
	calibration: &'a Calibration,
	/// The step of each class. Steps of values that are not written yet may still grow.
	class_steps: Vec<f64>,
	/// The value that alone computes the elements of each class.
	producers: Vec<Option<usize>>,
	/// Largest weight: 127 for 8 bits.
	limit: f64,
	emitter: Emitter,
	/// Name of each stored value in the provable graph; empty before it is written.
	names: Vec<String>,
	/// A unique prefix for each float node.
	prefixes: Vec<String>,
}

pub(super) fn lower(
	float: &FloatModel,
	plan: &Plan,
	calibration: &Calibration,
	options: Options,
) -> Result<Lowered, QuantizeError> {
	let graph = &float.graph;
	let mut taken = BTreeSet::from([float.input_name.clone(), float.output_name.clone()]);
	let prefixes: Vec<String> = graph
		.nodes
		.iter()
		.map(|node| {
			let plain = node.name.replace(' ', "");
			let mut name = plain.clone();
			let mut number = 2;
			while !taken.insert(name.clone()) {
				name = format!("{plain}.{number}");
				number += 1;
			}
			name
		})
		.collect();
	let mut lowering = Lowering {
		float,
		plan,
		calibration,
		class_steps: calibration.steps.clone(),
		producers: plan.sole_producers(graph),
		limit: f64::from((1 << (options.weight_bits - 1)) - 1),
		emitter: Emitter::default(),
		names: vec![String::new(); graph.nodes.len()],
		prefixes,
	};
	lowering.names[0].clone_from(&float.input_name);
	let mut at = String::new();
	let mut output_scale = 1.0;
	let mut element = TensorType::I32;
	let mut written = Vec::new();
	for (index, node) in graph.nodes.iter().enumerate().skip(1) {
		let start = lowering.emitter.mark().0;
		match plan.roles[index] {
			Role::Inlined => {},
			Role::Stored => lowering.store(index)?,
			Role::Rescaled => lowering.rescale(index)?,
			Role::Scores => (at, output_scale) = lowering.scores(index)?,
			Role::Trailing => {
				if at.is_empty() {
					(at, output_scale) = lowering.stored_scores();
				}
				(at, element) = lowering.trailing(index, node, &at, element)?;
				if element == TensorType::I64 {
					output_scale = 1.0;
				}
			},
		}
		written.push((index, start..lowering.emitter.mark().0, output_scale));
	}
	if at.is_empty() {
		(at, output_scale) = lowering.stored_scores();
	}
	lowering.emitter.rename_last(&float.output_name);
	let layers = written
		.into_iter()
		.map(|(index, nodes, output_scale)| lowering.layer(index, nodes, output_scale))
		.filter(|layer| !layer.nodes.is_empty())
		.collect();
	debug_assert!(!at.is_empty());
	let scales = Scales {
		input_scale: calibration.steps[plan.classes[0][0] as usize],
		input_zero_point: calibration.zero_points[0],
		output_scale,
	};
	let dims = |value: usize| -> Vec<Dim> {
		let sizes = &graph.nodes[value].dims;
		let batch = if sizes.first() == Some(&1) && lowering.keeps_batch() {
			float.batch.clone()
		} else {
			sizes.first().map_or(Dim::Known(1), |&size| Dim::Known(size))
		};
		let rest = sizes.iter().skip(1).map(|&size| Dim::Known(size));
		if sizes.is_empty() {
			return Vec::new();
		}
		std::iter::once(batch).chain(rest).collect()
	};
	let (input, output) = (dims(0), dims(graph.output));
	let metadata = [
		(INPUT_SCALE, scales.input_scale.to_string()),
		(INPUT_ZERO_POINT, scales.input_zero_point.to_string()),
		(OUTPUT_SCALE, scales.output_scale.to_string()),
	];
	let onnx = lowering.emitter.finish(
		(&float.input_name, &input),
		(&float.output_name, element, &output),
		&metadata,
	);
	Ok(Lowered { onnx, scales, layers })
}

impl Lowering<'_> {
	fn node(&self, index: usize) -> &Node {
		&self.float.graph.nodes[index]
	}

	/// The steps of a value's elements.
	fn steps(&self, value: usize) -> Vec<f64> {
		self.plan.classes[value].iter().map(|&c| self.class_steps[c as usize]).collect()
	}

	fn zero_point(&self, value: usize) -> f64 {
		f64::from(self.calibration.zero_points[value])
	}

	/// What became of a float node, which a range of the written nodes is for.
	fn layer(&self, value: usize, nodes: Range<usize>, output_scale: f64) -> Layer {
		let node = self.node(value);
		let nodes = match node.operator {
			Operator::Move(_) | Operator::Concat { .. } => Vec::new(),
			_ => self.emitter.names(nodes),
		};
		let (steps, zero_point) = match self.plan.roles[value] {
			Role::Scores | Role::Trailing => (vec![output_scale; elements(&node.dims)], 0.0),
			_ => (self.steps(value), self.zero_point(value)),
		};
		Layer { value, nodes, steps, zero_point }
	}

	/// Whether every node treats the rows of a batch alike, so that the batch may stay a symbol.
	fn keeps_batch(&self) -> bool {
		self.float.graph.nodes.iter().all(|node| match &node.operator {
			Operator::MatMul { .. } | Operator::Scalar(_) | Operator::Input => true,
			Operator::Conv { .. } | Operator::MaxPool { .. } => true,
			Operator::Move(Move::Reshape(to)) => to.first() == Some(&1),
			_ => false,
		})
	}

	fn unsupported(&self, index: usize, hint: &'static str) -> QuantizeError {
		QuantizeError::Operator {
			node: self.node(index).name.clone(),
			operator: self.node(index).onnx.clone(),
			hint,
		}
	}

	/// The scores, where they are a stored value: `int32`, zero at 0.
	fn stored_scores(&mut self) -> (String, f64) {
		let value = self.plan.scores;
		let prefix = self.prefixes[value].clone();
		let name = self.names[value].clone();
		let mut at = self.emitter.cast(&name, &format!("{prefix}.wide"), DataType::Int32);
		let zero = self.calibration.zero_points[value];
		if zero > 0 {
			let constant = format!("{prefix}.zero");
			let zero = self.emitter.constant(&constant, &[], Data::I32(vec![i32::from(zero)]));
			at = self.emitter.node("Sub", &[&at, &zero], &format!("{prefix}.scores"), &[]);
		}
		(at, self.steps(value)[0])
	}
}
