//! ONNX Runtime loads what the importer admits in an opset, and not what it refuses there.

use super::onnxruntime::Session;
use crate::{
	network::opsets::{ATTRIBUTES, KERNELS, OPERANDS},
	onnx::{proto::tensor_proto::DataType, Attribute, Data, Dim, GraphWriter, Tensor, TensorType},
	ElementType, Network, OPSETS,
};

type Attributes = Vec<(&'static str, Attribute)>;

/// A node with the operands and attributes that it can not be without.
struct Node {
	operator: &'static str,
	/// After the tensor; nothing for one that is left out.
	operands: Vec<Option<Tensor>>,
	attributes: Attributes,
	outputs: usize,
}

fn list(values: &[i64]) -> Tensor {
	Tensor { dims: vec![values.len()], data: Data::I64(values.to_vec()) }
}

fn ints(values: &[i64]) -> Attribute {
	Attribute::Ints(values.to_vec())
}

impl Node {
	/// The plain form of an operator on a tensor of `[1, 2, 1, 4]`.
	fn new(operator: &'static str, element: ElementType, opset: i64) -> Self {
		let number = |x: u8| {
			let data = match element {
				ElementType::U8 => Data::U8(vec![x]),
				_ => Data::I32(vec![x.into()]),
			};
			Some(Tensor { dims: vec![], data })
		};
		let floats = |x: &[f32]| Some(Tensor { dims: vec![x.len()], data: Data::F32(x.to_vec()) });
		let (operands, attributes): (_, Attributes) = match operator {
			"Cast" => (vec![], vec![("to", Attribute::Int(DataType::Int32 as i64))]),
			"Clip" => (vec![number(3), number(9)], vec![]),
			"Add" | "Div" | "Max" | "Min" | "Mul" | "Sub" => (vec![number(3)], vec![]),
			"Expand" => (vec![Some(list(&[1, 2, 3, 4]))], vec![]),
			"Gather" => (vec![Some(list(&[0]))], vec![]),
			"Slice" => (vec![Some(list(&[0])), Some(list(&[1])), Some(list(&[3]))], vec![]),
			"MaxPool" => (vec![], vec![("kernel_shape", ints(&[1, 2]))]),
			"Pad" => (vec![Some(list(&[0, 0, 0, 1, 0, 0, 0, 1])), number(5)], vec![]),
			"Reshape" => (vec![Some(list(&[1, 8]))], vec![]),
			"Resize" => (vec![floats(&[]), floats(&[1.0, 1.0, 2.0, 2.0])], vec![]),
			"Split" if opset >= 18 => (vec![], vec![("num_outputs", Attribute::Int(2))]),
			_ => (vec![], vec![]),
		};
		let outputs = if operator == "Split" { 2 } else { 1 };
		let mut attributes = attributes;
		if ["ArgMax", "Concat", "Split"].contains(&operator) {
			attributes.push(("axis", Attribute::Int(1)));
		}
		if operator == "Unsqueeze" {
			match opset < 13 {
				true => attributes.push(("axes", ints(&[0]))),
				false => {
					return Self { operator, operands: vec![Some(list(&[0]))], attributes, outputs }
				},
			}
		}
		Self { operator, operands, attributes, outputs }
	}

	/// With an attribute whose value changes little.
	fn with_attribute(mut self, name: &'static str) -> Self {
		let value = match (self.operator, name) {
			(_, "axes") => match self.operator {
				"Resize" => ints(&[0, 1, 2, 3]),
				"Squeeze" | "Unsqueeze" => ints(&[0]),
				_ => ints(&[1]),
			},
			(_, "split") => ints(&[1, 1]),
			(_, "num_outputs") => Attribute::Int(2),
			(_, "saturate") => Attribute::Int(1),
			(_, "keep_aspect_ratio_policy") => Attribute::Text("stretch".into()),
			_ => Attribute::Int(0),
		};
		if name == "axes" {
			self.operands.retain(|_| self.operator == "Resize");
		}
		self.attributes.retain(|(given, _)| *given != name);
		self.attributes.push((name, value));
		self
	}

	/// With a list of axes or sizes as operand `at`.
	fn with_operand(mut self, at: usize) -> Self {
		self.attributes.retain(|(name, _)| !["axes", "num_outputs"].contains(name));
		self.operands.truncate(at - 1);
		if self.operator == "Pad" {
			self.operands[0] = Some(list(&[1, 1]));
		}
		self.operands.push(Some(match self.operator {
			"Pad" => list(&[3]),
			"Split" => list(&[1, 1]),
			"Squeeze" | "Unsqueeze" => list(&[0]),
			_ => list(&[1]),
		}));
		self
	}

	/// The model: the input is cast before, the result after.
	fn model(&self, element: ElementType, opset: i64) -> Vec<u8> {
		let mut graph = GraphWriter::new("one node");
		graph.input("x", TensorType::U8, &[1, 2, 1, 4].map(Dim::Known));
		let wide = |graph: &mut GraphWriter, from: &str, to: &str| {
			let kind = Attribute::Int(DataType::Int32 as i64);
			graph.node_with("Cast", &[from], &[to], &[("to", kind)]);
		};
		if element == ElementType::I32 {
			wide(&mut graph, "x", "a");
		}
		let mut inputs = vec![if element == ElementType::I32 { "a" } else { "x" }.to_string()];
		for (at, operand) in self.operands.iter().enumerate() {
			let name = format!("c{at}");
			if let Some(tensor) = operand {
				graph.constant(&name, tensor);
			}
			inputs.push(operand.as_ref().map_or(String::new(), |_| name));
		}
		let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
		graph.node_with(self.operator, &inputs, &["b", "b1"][..self.outputs], &self.attributes);
		let mut at = "b";
		if self.outputs == 2 {
			graph.node_with("Concat", &["b1", "b"], &["both"], &[("axis", Attribute::Int(1))]);
			at = "both";
		}
		wide(&mut graph, at, "c");
		graph.constant("one", &Tensor { dims: vec![], data: Data::I32(vec![1]) });
		graph.node_with("Sub", &["c", "one"], &["y"], &[]);
		graph.output_of_any_shape("y", TensorType::I32);
		graph.finish(opset)
	}
}

/// Whether the importer and ONNX Runtime admit a model; they must agree.
fn admitted(node: &Node, element: ElementType, opset: i64) -> bool {
	let model = node.model(element, opset);
	let (ours, theirs) = (Network::from_onnx(&model), Session::try_open(&model));
	let what = format!("{} {:?} of {element} in opset {opset}", node.operator, node.attributes);
	assert_eq!(
		ours.is_ok(),
		theirs.is_ok(),
		"{what}: {:?}, {:?}",
		ours.err().map(|error| error.to_string()),
		theirs.err()
	);
	if let Err(error) = Network::from_onnx(&model) {
		let error = error.to_string();
		assert!(error.contains(&format!("({})", node.operator)), "{what}: {error}");
		assert!(error.contains(&format!("opset {opset}")), "{what}: {error}");
	}
	Network::from_onnx(&model).is_ok()
}

#[test]
fn operators_are_admitted_from_the_opset_on_that_has_their_kernel() {
	for (operator, element, least) in KERNELS {
		for opset in OPSETS {
			let node = Node::new(operator, element, opset);
			assert_eq!(admitted(&node, element, opset), opset >= least, "{operator} {opset}");
		}
	}
}

#[test]
fn every_other_operator_is_admitted_in_every_opset() {
	let integers = ["Abs", "Add", "Div", "Mul", "Neg", "ReduceMax", "ReduceSum", "Sub"];
	let both = [
		"ArgMax",
		"Cast",
		"Concat",
		"Expand",
		"Flatten",
		"Gather",
		"Identity",
		"Pad",
		"Reshape",
		"Resize",
		"Slice",
		"Split",
		"Squeeze",
		"Transpose",
		"Unsqueeze",
	];
	for opset in OPSETS {
		let admits = |operator, element| {
			let node = Node::new(operator, element, opset);
			assert!(admitted(&node, element, opset), "{operator} of {element} in {opset}");
		};
		integers.into_iter().chain(both).for_each(|operator| admits(operator, ElementType::I32));
		both.into_iter().for_each(|operator| admits(operator, ElementType::U8));
	}
}

#[test]
fn attributes_and_operands_are_admitted_where_the_operator_has_them() {
	for opset in OPSETS {
		for (operator, attribute, opsets) in ATTRIBUTES {
			let node = Node::new(operator, ElementType::I32, opset).with_attribute(attribute);
			let admitted = admitted(&node, ElementType::I32, opset);
			assert_eq!(admitted, opsets.contains(&opset), "{operator} {attribute} {opset}");
		}
		for (operator, at, least) in OPERANDS {
			let node = Node::new(operator, ElementType::I32, opset).with_operand(at);
			let admitted = admitted(&node, ElementType::I32, opset);
			assert_eq!(admitted, opset >= least, "{operator} {at} {opset}");
		}
	}
}

#[test]
fn other_forms_are_admitted_where_onnx_runtime_runs_them() {
	for opset in OPSETS {
		let plain = Node::new("Split", ElementType::I32, opset);
		let without = Node { attributes: vec![("axis", Attribute::Int(1))], ..plain };
		assert_eq!(admitted(&without, ElementType::I32, opset), opset < 18);
		let both = Node::new("Split", ElementType::I32, opset).with_operand(1);
		let both = both.with_attribute("num_outputs");
		assert!(!admitted(&both, ElementType::I32, opset));
		let mut no_region = Node::new("Resize", ElementType::I32, opset);
		no_region.operands[0] = None;
		assert_eq!(admitted(&no_region, ElementType::I32, opset), opset >= 13);
	}
}
