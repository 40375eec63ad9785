//! The graph of a model file, with its cross-references checked.

use super::{
	brief,
	proto::{self, attribute_proto::AttributeType, tensor_shape_proto::dimension, type_proto},
	scan, Data, ModelError, Tensor, MAX_MODEL_BYTES, OPSETS,
};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

/// One dimension of a graph input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dim {
	Known(usize),
	/// A dimension that is fixed when the model runs; named or not.
	Symbol(Option<String>),
}

/// A graph input or output.
#[derive(Clone, Debug)]
pub(crate) struct ValueInfo {
	pub(crate) name: String,
	/// `TensorProto.DataType`.
	pub(crate) element: i32,
	/// Absent when the file gives no shape.
	pub(crate) dims: Option<Vec<Dim>>,
}

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attribute {
	Int(i64),
	Float(f32),
	Text(String),
	Tensor(Tensor),
	Ints(Vec<i64>),
	Floats(Vec<f32>),
	Texts(Vec<String>),
	/// A kind that no supported operator has.
	Other(&'static str),
}

/// A node of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Node {
	/// The beginning of the node's own name, or its operator and position; for people.
	pub(crate) name: String,
	/// Its beginning, which is all of it if it is known.
	pub(crate) operator: String,
	/// Empty for `ai.onnx`.
	pub(crate) domain: String,
	/// Names of values; empty for an optional input that is left out.
	pub(crate) inputs: Vec<String>,
	pub(crate) outputs: Vec<String>,
	pub(crate) attributes: BTreeMap<String, Attribute>,
}

impl Node {
	/// That the node's operator is not one of `ai.onnx`.
	pub(crate) fn domain_error(&self) -> ModelError {
		ModelError::Domain {
			node: self.name.clone(),
			operator: self.operator.clone(),
			domain: self.domain.clone(),
		}
	}
}

/// A well-formed graph: every name is given once, and before it is read.
#[derive(Clone, Debug)]
pub(crate) struct Model {
	pub(crate) opset: i64,
	pub(crate) metadata: BTreeMap<String, String>,
	/// Graph inputs that have no initialiser.
	pub(crate) inputs: Vec<ValueInfo>,
	pub(crate) outputs: Vec<ValueInfo>,
	/// In an order in which they can be run, without the `Constant` nodes.
	pub(crate) nodes: Vec<Node>,
	/// Initialisers and the values of `Constant` nodes, by name.
	pub(crate) constants: BTreeMap<String, Tensor>,
}

impl Model {
	/// Reads a model file whose operators are all of `ai.onnx`.
	pub(crate) fn read(bytes: &[u8]) -> Result<Self, ModelError> {
		let model = Self::read_any(bytes)?;
		match model.nodes.iter().find(|node| !node.domain.is_empty()) {
			Some(node) => Err(node.domain_error()),
			None => Ok(model),
		}
	}

	/// Reads a model file whose operators may be of any domain.
	pub(crate) fn read_any(bytes: &[u8]) -> Result<Self, ModelError> {
		if bytes.len() > MAX_MODEL_BYTES {
			return Err(ModelError::TooLarge { bytes: bytes.len() });
		}
		scan::check(bytes)?;
		let file = proto::ModelProto::decode(bytes)
			.map_err(|error| ModelError::Malformed(error.to_string()))?;
		let opset = opset(&file.opset_import)?;
		let graph = file.graph.filter(|graph| !graph.node.is_empty()).ok_or(ModelError::NoGraph)?;

		let mut names = BTreeSet::new();
		let mut give = |name: &str| match names.insert(name.to_string()) {
			true => Ok(()),
			false => Err(ModelError::DuplicateName { name: brief(name) }),
		};
		let mut constants = BTreeMap::new();
		for tensor in &graph.initializer {
			give(tensor.name())?;
			constants.insert(tensor.name().to_string(), Tensor::read(tensor.name(), tensor)?);
		}
		let mut inputs = Vec::new();
		let mut input_names = BTreeSet::new();
		for input in &graph.input {
			if !input_names.insert(input.name()) {
				return Err(ModelError::DuplicateName { name: brief(input.name()) });
			}
			// Before IR version 4 an initialiser was listed as an input too.
			if !constants.contains_key(input.name()) {
				give(input.name())?;
				inputs.push(value_info(input)?);
			}
		}

		let mut nodes = Vec::with_capacity(graph.node.len());
		let mut given: BTreeSet<String> =
			inputs.iter().map(|v| v.name.clone()).chain(constants.keys().cloned()).collect();
		for (index, node) in graph.node.into_iter().enumerate() {
			let node = read_node(index, node)?;
			for input in node.inputs.iter().filter(|name| !name.is_empty()) {
				if !given.contains(input) {
					return Err(ModelError::UnknownInput { node: node.name, input: brief(input) });
				}
			}
			for output in node.outputs.iter().filter(|name| !name.is_empty()) {
				give(output)?;
				given.insert(output.clone());
			}
			if node.operator == "Constant" && node.domain.is_empty() {
				let (name, tensor) = constant(&node)?;
				constants.insert(name, tensor);
			} else {
				nodes.push(node);
			}
		}
		let outputs = graph.output.iter().map(value_info).collect::<Result<Vec<_>, _>>()?;
		let mut output_names = BTreeSet::new();
		for output in &outputs {
			if !given.contains(&output.name) {
				return Err(ModelError::UnknownOutput { name: brief(&output.name) });
			}
			if !output_names.insert(output.name.clone()) {
				return Err(ModelError::DuplicateName { name: brief(&output.name) });
			}
		}
		let mut metadata = BTreeMap::new();
		for entry in &file.metadata_props {
			if metadata.insert(entry.key().to_string(), entry.value().to_string()).is_some() {
				return Err(ModelError::DuplicateName { name: brief(entry.key()) });
			}
		}
		Ok(Self { opset, metadata, inputs, outputs, nodes, constants })
	}
}

fn opset(imports: &[proto::OperatorSetIdProto]) -> Result<i64, ModelError> {
	let versions: Vec<i64> = imports
		.iter()
		.filter(|set| matches!(set.domain(), "" | "ai.onnx"))
		.map(|set| set.version())
		.collect();
	match versions[..] {
		[version] if OPSETS.contains(&version) => Ok(version),
		[version] => Err(ModelError::Opset { found: version.to_string() }),
		[] => Err(ModelError::Opset { found: "(none)".into() }),
		_ => Err(ModelError::Opset { found: "(more than one)".into() }),
	}
}

fn value_info(proto: &proto::ValueInfoProto) -> Result<ValueInfo, ModelError> {
	let name = proto.name().to_string();
	let error = |reason: String| ModelError::ValueType { name: brief(&name), reason };
	let tensor = match proto.r#type.as_ref().and_then(|kind| kind.value.as_ref()) {
		Some(type_proto::Value::TensorType(tensor)) => tensor,
		_ => return Err(error("is not that of a tensor".into())),
	};
	let dims = match &tensor.shape {
		None => None,
		Some(shape) => Some(
			shape
				.dim
				.iter()
				.map(|dim| match &dim.value {
					Some(dimension::Value::DimValue(size)) => usize::try_from(*size)
						.ok()
						.filter(|&size| size > 0)
						.map(Dim::Known)
						.ok_or_else(|| error(format!("has the dimension {size}"))),
					Some(dimension::Value::DimParam(symbol)) => {
						Ok(Dim::Symbol(Some(symbol.clone())))
					},
					None => Ok(Dim::Symbol(None)),
				})
				.collect::<Result<Vec<_>, _>>()?,
		),
	};
	Ok(ValueInfo { element: tensor.elem_type(), dims, name })
}

fn read_node(index: usize, proto: proto::NodeProto) -> Result<Node, ModelError> {
	let operator = brief(proto.op_type());
	let name = match proto.name() {
		"" => format!("{operator} #{index}"),
		name => brief(name),
	};
	let domain = match proto.domain() {
		"ai.onnx" => String::new(),
		other => brief(other),
	};
	if proto.output.iter().all(String::is_empty) {
		return Err(ModelError::Node { node: name, reason: "it has no output".into() });
	}
	let mut attributes = BTreeMap::new();
	for attribute in proto.attribute {
		let key = brief(attribute.name());
		let value = read_attribute(&name, &attribute)?;
		if attributes.insert(key.clone(), value).is_some() {
			let reason = format!("its attribute '{key}' is given twice");
			return Err(ModelError::Node { node: name, reason });
		}
	}
	Ok(Node { name, operator, domain, inputs: proto.input, outputs: proto.output, attributes })
}

fn read_attribute(node: &str, proto: &proto::AttributeProto) -> Result<Attribute, ModelError> {
	let missing = || ModelError::Node {
		node: node.into(),
		reason: format!("its attribute '{}' has no value of its type", brief(proto.name())),
	};
	if !proto.ref_attr_name().is_empty() {
		return Err(missing());
	}
	let text = |bytes: &Vec<u8>| {
		String::from_utf8(bytes.clone()).map_err(|_| ModelError::Node {
			node: node.into(),
			reason: format!("its attribute '{}' is not UTF-8 text", brief(proto.name())),
		})
	};
	Ok(match AttributeType::try_from(proto.r#type.unwrap_or(0)) {
		Ok(AttributeType::Int) => Attribute::Int(proto.i.ok_or_else(missing)?),
		Ok(AttributeType::Float) => Attribute::Float(proto.f.ok_or_else(missing)?),
		Ok(AttributeType::Tensor) => {
			Attribute::Tensor(Tensor::read(proto.name(), proto.t.as_ref().ok_or_else(missing)?)?)
		},
		Ok(AttributeType::String) => Attribute::Text(text(proto.s.as_ref().ok_or_else(missing)?)?),
		// An empty list can not be told from one that is left out.
		Ok(AttributeType::Ints) => Attribute::Ints(proto.ints.clone()),
		Ok(AttributeType::Floats) => Attribute::Floats(proto.floats.clone()),
		Ok(AttributeType::Strings) => {
			let texts: Result<_, _> = proto.strings.iter().map(text).collect();
			Attribute::Texts(texts?)
		},
		Ok(kind) => Attribute::Other(kind.as_str_name()),
		Err(_) => return Err(missing()),
	})
}

fn constant(node: &Node) -> Result<(String, Tensor), ModelError> {
	let error = || ModelError::Node {
		node: node.name.clone(),
		reason: "a Constant must have one output and one attribute: value, value_int, value_ints, \
		         value_float or value_floats"
			.into(),
	};
	let ([name], 1, Some((key, value))) =
		(&node.outputs[..], node.attributes.len(), node.attributes.iter().next())
	else {
		return Err(error());
	};
	let tensor = match (key.as_str(), value) {
		("value", Attribute::Tensor(tensor)) => tensor.clone(),
		("value_int", Attribute::Int(x)) => Tensor { dims: vec![], data: Data::I64(vec![*x]) },
		("value_ints", Attribute::Ints(x)) => {
			Tensor { dims: vec![x.len()], data: Data::I64(x.clone()) }
		},
		("value_float", Attribute::Float(x)) => Tensor { dims: vec![], data: Data::F32(vec![*x]) },
		("value_floats", Attribute::Floats(x)) => {
			Tensor { dims: vec![x.len()], data: Data::F32(x.clone()) }
		},
		_ => return Err(error()),
	};
	Ok((name.clone(), tensor))
}
