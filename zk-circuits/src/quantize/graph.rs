//! A float graph: operators on tensors of known shapes, in an order in which they run.

use super::{
	operator::Operator,
	value::{Kind, Value},
};
use std::collections::BTreeMap;

/// A node, which gives the value of its index.
#[derive(Clone, Debug)]
pub(super) struct Node {
	/// Name of the ONNX node that it comes from.
	pub(super) name: String,
	/// That node's operator.
	pub(super) onnx: String,
	pub(super) operator: Operator,
	pub(super) inputs: Vec<usize>,
	pub(super) dims: Vec<usize>,
	pub(super) kind: Kind,
}

/// A float graph. Node 0 is the input.
#[derive(Clone, Debug)]
pub(super) struct Graph {
	pub(super) nodes: Vec<Node>,
	pub(super) output: usize,
	/// Ranges that the file gives for values, by its quantisation parameters.
	pub(super) ranges: BTreeMap<usize, (f64, f64)>,
}

impl Graph {
	/// Every value of one run. `input` has the elements of the input.
	pub(super) fn execute(&self, input: Vec<f64>) -> Vec<Value> {
		let mut values: Vec<Value> = Vec::with_capacity(self.nodes.len());
		values.push(Value {
			dims: self.nodes[0].dims.clone(),
			data: input,
			kind: self.nodes[0].kind,
		});
		for node in &self.nodes[1..] {
			let operands: Vec<&Value> = node.inputs.iter().map(|&input| &values[input]).collect();
			let value = node.operator.apply(&operands, &node.dims);
			values.push(value);
		}
		values
	}

	/// For each value, the nodes that read it; the graph's output counts as a reader with the index
	/// one past the last node.
	pub(super) fn readers(&self) -> Vec<Vec<usize>> {
		let mut readers = vec![Vec::new(); self.nodes.len()];
		for (index, node) in self.nodes.iter().enumerate() {
			for &input in &node.inputs {
				readers[input].push(index);
			}
		}
		readers[self.output].push(self.nodes.len());
		readers
	}

	/// Drops the nodes that the output does not depend on.
	pub(super) fn prune(&mut self) {
		let mut needed = vec![false; self.nodes.len()];
		needed[0] = true;
		needed[self.output] = true;
		for index in (0..self.nodes.len()).rev().filter(|&index| index > 0) {
			if needed[index] {
				self.nodes[index].inputs.iter().for_each(|&input| needed[input] = true);
			}
		}
		let mut places = vec![0; self.nodes.len()];
		let mut kept = Vec::new();
		for (index, mut node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
			if needed[index] {
				node.inputs.iter_mut().for_each(|input| *input = places[*input]);
				places[index] = kept.len();
				kept.push(node);
			}
		}
		self.nodes = kept;
		self.output = places[self.output];
		self.ranges = std::mem::take(&mut self.ranges)
			.into_iter()
			.filter(|(value, _)| needed[*value])
			.map(|(value, range)| (places[value], range))
			.collect();
	}

	/// Makes every reader of `from`, the output included, read `to` instead.
	pub(super) fn redirect(&mut self, from: usize, to: usize) {
		for node in &mut self.nodes {
			for input in node.inputs.iter_mut().filter(|input| **input == from) {
				*input = to;
			}
		}
		if self.output == from {
			self.output = to;
		}
	}
}
