//! The provable graph under construction.

use crate::{
	onnx::{proto::tensor_proto::DataType, Attribute, Data, Dim, GraphWriter, Tensor, TensorType},
	quantize::value::{elements, strides},
};
use std::ops::Range;

/// Version of `ai.onnx` that provable models are written in.
const OPSET: i64 = 17;

/// An `int32` tensor of the provable graph, with bounds over every input.
#[derive(Clone, Debug)]
pub(super) struct Integers {
	pub(super) name: String,
	pub(super) dims: Vec<usize>,
	pub(super) lo: Vec<f64>,
	pub(super) hi: Vec<f64>,
}

impl Integers {
	/// Whether every element fits `int32` with room to spare.
	pub(super) fn fits(&self) -> bool {
		let limit = f64::from(1 << 30);
		self.lo.iter().all(|&lo| lo >= -limit) && self.hi.iter().all(|&hi| hi <= limit)
	}
}

/// A node to be written.
type Node = (&'static str, Vec<String>, String, Vec<(&'static str, Attribute)>);

/// Nodes and constants in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Emitter {
	nodes: Vec<Node>,
	constants: Vec<(String, Tensor)>,
}

impl Emitter {
	/// A place to go back to.
	pub(super) fn mark(&self) -> (usize, usize) {
		(self.nodes.len(), self.constants.len())
	}

	/// Forgets what came after a mark.
	pub(super) fn reset(&mut self, mark: (usize, usize)) {
		self.nodes.truncate(mark.0);
		self.constants.truncate(mark.1);
	}

	pub(super) fn node(
		&mut self,
		operator: &'static str,
		inputs: &[&str],
		output: &str,
		attributes: &[(&'static str, Attribute)],
	) -> String {
		let inputs = inputs.iter().map(|&input| input.into()).collect();
		self.nodes.push((operator, inputs, output.into(), attributes.to_vec()));
		output.into()
	}

	/// Names of the nodes in a range of those written, without casts.
	pub(super) fn names(&self, range: Range<usize>) -> Vec<String> {
		let nodes = self.nodes[range].iter().filter(|node| node.0 != "Cast");
		nodes.map(|node| node.2.clone()).collect()
	}

	/// Gives the result of the last node another name.
	pub(super) fn rename_last(&mut self, name: &str) {
		if let Some(node) = self.nodes.last_mut() {
			node.2 = name.into();
		}
	}

	pub(super) fn constant(&mut self, name: &str, dims: &[usize], data: Data) -> String {
		if !self.constants.iter().rev().any(|(given, _)| given == name) {
			self.constants.push((name.into(), Tensor { dims: dims.to_vec(), data }));
		}
		name.into()
	}

	/// An `int32` constant that is broadcast to `dims`, without the axes that it is the same along;
	/// leading axes of size 1 are left out.
	pub(super) fn numbers(&mut self, name: &str, dims: &[usize], numbers: &[f64]) -> String {
		let (mut dims, mut numbers) = (dims.to_vec(), numbers.to_vec());
		for axis in 0..dims.len() {
			let (step, size) = (strides(&dims)[axis], dims[axis]);
			let same = (0..numbers.len()).all(|at| {
				let index = at / step % size;
				numbers[at] == numbers[at - index * step]
			});
			if same && size > 1 {
				numbers = (0..numbers.len())
					.filter(|at| at / step % size == 0)
					.map(|at| numbers[at])
					.collect();
				dims[axis] = 1;
			}
		}
		let lead = dims.iter().take_while(|&&size| size == 1).count();
		let dims = &dims[lead..];
		debug_assert_eq!(elements(dims), numbers.len());
		self.constant(name, dims, Data::I32(numbers.iter().map(|&x| x as i32).collect()))
	}

	pub(super) fn bytes(&mut self, name: &str, byte: u8) -> String {
		self.constant(name, &[], Data::U8(vec![byte]))
	}

	pub(super) fn ints(&mut self, name: &str, list: impl IntoIterator<Item = i64>) -> String {
		let list: Vec<i64> = list.into_iter().collect();
		self.constant(name, &[list.len()], Data::I64(list))
	}

	/// Clips to `0..=255` and casts to `uint8`.
	pub(super) fn clip_to_bytes(&mut self, x: &str, name: &str) -> String {
		self.constant("lowest", &[], Data::I32(vec![0]));
		self.constant("highest", &[], Data::I32(vec![255]));
		let clipped = self.node("Clip", &[x, "lowest", "highest"], &format!("{name}.clipped"), &[]);
		self.cast(&clipped, name, DataType::Uint8)
	}

	pub(super) fn cast(&mut self, x: &str, name: &str, to: DataType) -> String {
		self.node("Cast", &[x], name, &[("to", Attribute::Int(to as i64))])
	}

	pub(super) fn finish(
		self,
		input: (&str, &[Dim]),
		output: (&str, TensorType, &[Dim]),
		metadata: &[(&str, String)],
	) -> Vec<u8> {
		let mut graph = GraphWriter::new("provable");
		graph.input(input.0, TensorType::U8, input.1);
		for (name, tensor) in &self.constants {
			graph.constant(name, tensor);
		}
		for (operator, inputs, output, attributes) in &self.nodes {
			let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
			graph.node_with(operator, &inputs, &[output], attributes);
		}
		graph.output(output.0, output.1, output.2);
		for (key, value) in metadata {
			graph.metadata(key, value);
		}
		graph.finish(OPSET)
	}
}
