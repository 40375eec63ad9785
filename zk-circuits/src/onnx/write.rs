//! Building a model file.

use super::{
	proto::{
		self, attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto,
		type_proto,
	},
	Attribute, Data, Dim, Tensor,
};
use prost::Message;

/// Element type of a graph input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TensorType {
	#[cfg(test)]
	F32,
	U8,
	I32,
	I64,
}

/// A graph under construction; [`GraphWriter::finish`] gives the bytes of a model file.
#[derive(Debug)]
pub(crate) struct GraphWriter {
	graph: proto::GraphProto,
	metadata: Vec<(String, String)>,
}

impl GraphWriter {
	pub(crate) fn new(name: &str) -> Self {
		let graph = proto::GraphProto { name: Some(name.into()), ..Default::default() };
		Self { graph, metadata: Vec::new() }
	}

	pub(crate) fn input(&mut self, name: &str, element: TensorType, dims: &[Dim]) {
		self.graph.input.push(value_info(name, element, dims));
	}

	pub(crate) fn output(&mut self, name: &str, element: TensorType, dims: &[Dim]) {
		self.graph.output.push(value_info(name, element, dims));
	}

	/// An output whose shape is not said.
	#[cfg(test)]
	pub(crate) fn output_of_any_shape(&mut self, name: &str, element: TensorType) {
		let mut info = value_info(name, element, &[]);
		if let Some(type_proto::Value::TensorType(tensor)) =
			info.r#type.as_mut().and_then(|kind| kind.value.as_mut())
		{
			tensor.shape = None;
		}
		self.graph.output.push(info);
	}

	pub(crate) fn metadata(&mut self, key: &str, value: impl ToString) {
		self.metadata.push((key.into(), value.to_string()));
	}

	pub(crate) fn constant(&mut self, name: &str, tensor: &Tensor) {
		self.graph.initializer.push(tensor_proto(name, tensor));
	}

	/// Adds a node that is named after its output.
	#[cfg(test)]
	pub(crate) fn node(
		&mut self,
		operator: &str,
		inputs: &[&str],
		output: &str,
		attributes: &[(&str, i64)],
	) {
		let attributes: Vec<_> =
			attributes.iter().map(|&(name, value)| (name, Attribute::Int(value))).collect();
		self.node_with(operator, inputs, &[output], &attributes);
	}

	/// Adds a node with any outputs and attributes, named after its first output.
	pub(crate) fn node_with(
		&mut self,
		operator: &str,
		inputs: &[&str],
		outputs: &[&str],
		attributes: &[(&str, Attribute)],
	) {
		self.graph.node.push(proto::NodeProto {
			name: outputs.first().map(|&name| name.into()),
			op_type: Some(operator.into()),
			input: inputs.iter().map(|&name| name.into()).collect(),
			output: outputs.iter().map(|&name| name.into()).collect(),
			attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
			..Default::default()
		});
	}

	/// The model file, for the given version of `ai.onnx`.
	pub(crate) fn finish(self, opset: i64) -> Vec<u8> {
		proto::ModelProto {
			ir_version: Some(8),
			producer_name: Some("zkonnx".into()),
			producer_version: Some(env!("CARGO_PKG_VERSION").into()),
			opset_import: vec![proto::OperatorSetIdProto {
				domain: Some(String::new()),
				version: Some(opset),
			}],
			metadata_props: self
				.metadata
				.into_iter()
				.map(|(key, value)| proto::StringStringEntryProto {
					key: Some(key),
					value: Some(value),
				})
				.collect(),
			graph: Some(self.graph),
			..Default::default()
		}
		.encode_to_vec()
	}
}

fn tensor_proto(name: &str, tensor: &Tensor) -> proto::TensorProto {
	let (kind, raw) = match &tensor.data {
		Data::F32(v) => (DataType::Float, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
		Data::F64(v) => (DataType::Double, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
		Data::Bool(v) => (DataType::Bool, v.iter().map(|&x| u8::from(x)).collect()),
		Data::U8(v) => (DataType::Uint8, v.clone()),
		Data::I8(v) => (DataType::Int8, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
		Data::I32(v) => (DataType::Int32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
		Data::I64(v) => (DataType::Int64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
	};
	proto::TensorProto {
		name: Some(name.into()),
		dims: tensor.dims.iter().map(|&dim| dim as i64).collect(),
		data_type: Some(kind as i32),
		raw_data: Some(raw),
		..Default::default()
	}
}

fn attribute(name: &str, value: &Attribute) -> proto::AttributeProto {
	let mut attribute = proto::AttributeProto { name: Some(name.into()), ..Default::default() };
	let kind = match value {
		Attribute::Int(x) => {
			attribute.i = Some(*x);
			AttributeType::Int
		},
		Attribute::Float(x) => {
			attribute.f = Some(*x);
			AttributeType::Float
		},
		Attribute::Text(x) => {
			attribute.s = Some(x.clone().into_bytes());
			AttributeType::String
		},
		Attribute::Tensor(x) => {
			attribute.t = Some(tensor_proto("", x));
			AttributeType::Tensor
		},
		Attribute::Ints(x) => {
			attribute.ints.clone_from(x);
			AttributeType::Ints
		},
		Attribute::Floats(x) => {
			attribute.floats.clone_from(x);
			AttributeType::Floats
		},
		Attribute::Texts(x) => {
			attribute.strings = x.iter().map(|text| text.clone().into_bytes()).collect();
			AttributeType::Strings
		},
		// Only its kind is known; nothing that writes a graph has one.
		Attribute::Other(_) => AttributeType::Undefined,
	};
	attribute.r#type = Some(kind as i32);
	attribute
}

fn value_info(name: &str, element: TensorType, dims: &[Dim]) -> proto::ValueInfoProto {
	let element = match element {
		#[cfg(test)]
		TensorType::F32 => DataType::Float,
		TensorType::U8 => DataType::Uint8,
		TensorType::I32 => DataType::Int32,
		TensorType::I64 => DataType::Int64,
	};
	let dim = dims
		.iter()
		.map(|dim| tensor_shape_proto::Dimension {
			value: match dim {
				Dim::Known(size) => {
					Some(tensor_shape_proto::dimension::Value::DimValue(*size as i64))
				},
				Dim::Symbol(Some(symbol)) => {
					Some(tensor_shape_proto::dimension::Value::DimParam(symbol.clone()))
				},
				Dim::Symbol(None) => None,
			},
			denotation: None,
		})
		.collect();
	proto::ValueInfoProto {
		name: Some(name.into()),
		r#type: Some(proto::TypeProto {
			value: Some(type_proto::Value::TensorType(type_proto::Tensor {
				elem_type: Some(element as i32),
				shape: Some(proto::TensorShapeProto { dim }),
			})),
			denotation: None,
		}),
		..Default::default()
	}
}
