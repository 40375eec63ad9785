use super::*;
use crate::fixture::{edit, graph, node, small, tensor};
use ark_std::rand::{rngs::StdRng, Rng, SeedableRng};

fn refused(change: impl FnOnce(&mut proto::ModelProto)) -> ModelError {
	Model::read(&edit(&small(), change)).expect_err("must be refused")
}

fn tensor_reason(change: impl FnOnce(&mut proto::ModelProto)) -> String {
	match refused(change) {
		ModelError::Tensor { reason, .. } => reason,
		other => panic!("{other:?}"),
	}
}

#[test]
fn a_well_formed_model_is_read() {
	let model = Model::read(&small()).expect("well-formed");
	assert_eq!(model.opset, 17);
	assert_eq!(model.nodes.len(), 7);
	assert_eq!(model.constants["w0"].dims, [2, 3]);
}

#[test]
fn what_is_no_protobuf_is_refused() {
	assert!(matches!(Model::read(b"not a model"), Err(ModelError::Malformed(_))));
	let bytes = small();
	for length in 0..bytes.len() {
		assert!(Model::read(&bytes[..length]).is_err(), "truncated to {length}");
	}
}

#[test]
fn damaged_files_never_panic() {
	let mut rng = StdRng::seed_from_u64(3);
	for _ in 0..3000 {
		let mut bytes = small();
		for _ in 0..rng.gen_range(1..4) {
			let at = rng.gen_range(0..bytes.len());
			bytes[at] = rng.gen();
		}
		let _ = crate::Network::from_onnx(&bytes);
		let _ = crate::quantize::FloatModel::from_onnx(&bytes);
	}
}

#[test]
fn a_file_that_is_too_large_is_refused() {
	let bytes = vec![0; MAX_MODEL_BYTES + 1];
	assert_eq!(
		Model::read(&bytes).map(|_| ()),
		Err(ModelError::TooLarge { bytes: MAX_MODEL_BYTES + 1 })
	);
}

#[test]
fn a_file_of_empty_messages_is_refused_before_it_is_decoded() {
	// Field 1 of the graph (a node), length 0, over and over.
	let mut nodes = Vec::new();
	for _ in 0..=MAX_MODEL_ITEMS {
		nodes.extend([0x0a, 0x00]);
	}
	let mut bytes = vec![0x3a];
	prost::encoding::encode_varint(nodes.len() as u64, &mut bytes);
	bytes.extend(nodes);
	assert_eq!(Model::read(&bytes).map(|_| ()), Err(ModelError::TooManyItems));
}

#[test]
fn functions_and_subgraphs_are_refused() {
	let error = refused(|file| file.functions.push(proto::FunctionProto::default()));
	assert!(matches!(error, ModelError::Feature { what: "local functions", .. }));
	let error = refused(|file| {
		node(file, "Add").attribute.push(proto::AttributeProto {
			g: Some(proto::GraphProto::default()),
			..Default::default()
		})
	});
	assert!(matches!(error, ModelError::Feature { .. }));
	let error = refused(|file| graph(file).sparse_initializer.push(Default::default()));
	assert!(matches!(error, ModelError::Feature { .. }));
}

#[test]
fn a_model_without_nodes_is_refused() {
	assert_eq!(refused(|file| file.graph = None), ModelError::NoGraph);
	assert_eq!(refused(|file| graph(file).node.clear()), ModelError::NoGraph);
}

#[test]
fn an_opset_that_is_not_read_is_refused() {
	for version in [10, 22, -1] {
		let error = refused(|file| file.opset_import[0].version = Some(version));
		assert_eq!(error, ModelError::Opset { found: version.to_string() });
	}
	assert!(matches!(refused(|file| file.opset_import.clear()), ModelError::Opset { .. }));
	let error = refused(|file| file.opset_import.push(file.opset_import[0].clone()));
	assert!(matches!(error, ModelError::Opset { .. }));
}

#[test]
fn a_tensor_that_contradicts_itself_is_refused() {
	assert!(tensor_reason(|file| tensor(file, "w0").dims = vec![2, 4]).contains("need 8 elements"));
	assert!(tensor_reason(|file| tensor(file, "w0").dims = vec![-1, 3]).contains("negative"));
	assert!(tensor_reason(|file| tensor(file, "w0").dims = vec![i64::MAX, i64::MAX])
		.contains("more than"));
	assert!(tensor_reason(|file| tensor(file, "addend0").raw_data = Some(vec![0; 13]))
		.contains("need 3 elements"));
	assert!(
		tensor_reason(|file| tensor(file, "w0").int32_data = vec![1]).contains("exactly one field")
	);
	assert!(tensor_reason(|file| {
		let w = tensor(file, "w0");
		w.dims = vec![0, 3];
		w.raw_data = None;
	})
	.contains("no elements"));
	assert!(tensor_reason(|file| tensor(file, "w0").dims = vec![0]).contains("exactly one field"));
	assert!(tensor_reason(|file| {
		let w = tensor(file, "w0");
		w.data_type = Some(proto::tensor_proto::DataType::Bool as i32);
		w.raw_data = Some(vec![0, 1, 2, 0, 0, 0]);
	})
	.contains("outside bool"));
	assert!(tensor_reason(|file| tensor(file, "w0").data_type = Some(8)).contains("string"));
	assert!(tensor_reason(|file| {
		let w = tensor(file, "w0");
		w.raw_data = None;
		w.int32_data = vec![0, 1, 2, 3, 4, 256];
	})
	.contains("outside uint8"));
}

#[test]
fn external_data_is_refused() {
	assert!(
		tensor_reason(|file| tensor(file, "w0").data_location = Some(1)).contains("another file")
	);
}

#[test]
fn a_name_given_twice_is_refused() {
	let name = |name: &str| ModelError::DuplicateName { name: name.into() };
	let error = refused(|file| tensor(file, "w1").name = Some("w0".into()));
	assert_eq!(error, name("w0"));
	let error = refused(|file| node(file, "Add").output[0] = "product0".into());
	assert_eq!(error, name("product0"));
	let error = refused(|file| {
		let input = graph(file).input[0].clone();
		graph(file).input.push(input);
	});
	assert_eq!(error, name("x"));
}

#[test]
fn a_dangling_or_cyclic_input_is_refused() {
	for input in ["nowhere", "sum1"] {
		let error = refused(|file| node(file, "Add").input[0] = input.into());
		assert!(matches!(error, ModelError::UnknownInput { .. }), "{error:?}");
	}
}

#[test]
fn an_output_that_nothing_gives_is_refused() {
	let error = refused(|file| graph(file).output[0].name = Some("nowhere".into()));
	assert_eq!(error, ModelError::UnknownOutput { name: "nowhere".into() });
}

#[test]
fn a_value_without_a_tensor_type_is_refused() {
	let error = refused(|file| graph(file).input[0].r#type = None);
	assert!(matches!(error, ModelError::ValueType { .. }));
}

#[test]
fn another_domain_is_refused() {
	let error = refused(|file| node(file, "Add").domain = Some("com.microsoft".into()));
	assert!(matches!(error, ModelError::Domain { .. }));
}

#[test]
fn a_malformed_node_is_refused() {
	let error = refused(|file| node(file, "Add").output.clear());
	assert!(matches!(error, ModelError::Node { .. }));
	let error = refused(|file| {
		let to = node(file, "Cast").attribute[0].clone();
		node(file, "Cast").attribute.push(to);
	});
	assert!(matches!(error, ModelError::Node { .. }));
	let error = refused(|file| node(file, "Cast").attribute[0].i = None);
	assert!(matches!(error, ModelError::Node { .. }));
}

#[test]
fn a_constant_node_is_read_as_a_constant() {
	let bytes = edit(&small(), |file| {
		let value = tensor(file, "w0").clone();
		graph(file).initializer.retain(|tensor| tensor.name() != "w0");
		let constant = proto::NodeProto {
			op_type: Some("Constant".into()),
			output: vec!["w0".into()],
			attribute: vec![proto::AttributeProto {
				name: Some("value".into()),
				r#type: Some(proto::attribute_proto::AttributeType::Tensor as i32),
				t: Some(value),
				..Default::default()
			}],
			..Default::default()
		};
		graph(file).node.insert(0, constant);
	});
	assert!(crate::Network::from_onnx(&bytes).is_ok());
}

/// A tensor of its own, read.
fn read_tensor(change: impl FnOnce(&mut proto::TensorProto)) -> Result<Tensor, ModelError> {
	let mut tensor = proto::TensorProto::default();
	change(&mut tensor);
	Tensor::read("t", &tensor)
}

#[test]
fn every_element_type_is_read_from_raw_and_from_typed_data() {
	use proto::tensor_proto::DataType;
	let both = |kind: DataType, raw: &[u8], typed: &dyn Fn(&mut proto::TensorProto)| {
		let [a, b] = [true, false].map(|is_raw| {
			read_tensor(|t| {
				t.dims = vec![2];
				t.data_type = Some(kind as i32);
				match is_raw {
					true => t.raw_data = Some(raw.to_vec()),
					false => typed(t),
				}
			})
			.expect("a tensor")
		});
		assert_eq!(a, b);
		a.data
	};
	let doubles = [1.5f64, -2.0].map(f64::to_le_bytes).concat();
	let data = both(DataType::Double, &doubles, &|t| t.double_data = vec![1.5, -2.0]);
	assert_eq!(data, Data::F64(vec![1.5, -2.0]));
	let data = both(DataType::Bool, &[1, 0], &|t| t.int32_data = vec![1, 0]);
	assert_eq!(data, Data::Bool(vec![true, false]));
	let halves = |a: u16, b: u16| [a, b].map(u16::to_le_bytes).concat();
	let data = both(DataType::Float16, &halves(0x3c00, 0xc100), &|t| {
		t.int32_data = vec![0x3c00, 0xc100];
	});
	assert_eq!(data, Data::F32(vec![1.0, -2.5]));
	let data = both(DataType::Float16, &halves(0x0001, 0xfc00), &|t| {
		t.int32_data = vec![0x0001, 0xfc00];
	});
	assert_eq!(data, Data::F32(vec![2f32.powi(-24), f32::NEG_INFINITY]));
	let data = both(DataType::Bfloat16, &halves(0x3f80, 0xc020), &|t| {
		t.int32_data = vec![0x3f80, 0xc020];
	});
	assert_eq!(data, Data::F32(vec![1.0, -2.5]));
}

#[test]
fn empty_lists_are_read() {
	let axes = read_tensor(|t| {
		t.dims = vec![0];
		t.data_type = Some(proto::tensor_proto::DataType::Int64 as i32);
		t.raw_data = Some(vec![]);
	});
	assert_eq!(axes, Ok(Tensor { dims: vec![0], data: Data::I64(vec![]) }));
}

/// The written attributes and constants of every kind, read back.
#[test]
fn what_is_written_is_read() {
	let attributes = [
		("axis", Attribute::Int(-1)),
		("alpha", Attribute::Float(0.5)),
		("auto_pad", Attribute::Text("SAME_UPPER".into())),
		("pads", Attribute::Ints(vec![0, 1, 0, 1])),
		("scales", Attribute::Floats(vec![1.0, 2.0])),
		("modes", Attribute::Texts(vec!["a".into(), "b".into()])),
		("value", Attribute::Tensor(Tensor { dims: vec![2], data: Data::Bool(vec![true, false]) })),
	];
	let mut graph = GraphWriter::new("test");
	graph.input("x", TensorType::U8, &[Dim::Known(2)]);
	graph.constant("c", &Tensor { dims: vec![2], data: Data::F64(vec![0.5, 1.0]) });
	graph.node_with("Anything", &["x", "c"], &["y", "z"], &attributes);
	graph.output("y", TensorType::I64, &[Dim::Known(2)]);
	graph.output("z", TensorType::I32, &[Dim::Known(2)]);
	let model = Model::read(&graph.finish(11)).expect("well-formed");
	assert_eq!(model.opset, 11);
	assert_eq!(model.nodes[0].outputs, ["y", "z"]);
	let read: Vec<_> = model.nodes[0].attributes.clone().into_iter().collect();
	let mut expected = attributes.map(|(name, value)| (name.to_string(), value));
	expected.sort_by(|a, b| a.0.cmp(&b.0));
	assert_eq!(read, expected);
	assert_eq!(model.constants["c"].data, Data::F64(vec![0.5, 1.0]));
	let elements: Vec<i32> = model.outputs.iter().map(|output| output.element).collect();
	assert_eq!(elements, [7, 6]);
}

#[test]
fn constant_nodes_of_every_kind_are_read() {
	let mut graph = GraphWriter::new("test");
	let constants = [
		("value_int", Attribute::Int(3), Tensor { dims: vec![], data: Data::I64(vec![3]) }),
		("value_ints", Attribute::Ints(vec![]), Tensor { dims: vec![0], data: Data::I64(vec![]) }),
		("value_float", Attribute::Float(0.5), Tensor { dims: vec![], data: Data::F32(vec![0.5]) }),
		(
			"value_floats",
			Attribute::Floats(vec![1.0]),
			Tensor { dims: vec![1], data: Data::F32(vec![1.0]) },
		),
	];
	graph.input("x", TensorType::U8, &[Dim::Known(2)]);
	for (key, value, _) in &constants {
		graph.node_with("Constant", &[], &[key], &[(key, value.clone())]);
	}
	graph.node("Identity", &["x"], "y", &[]);
	graph.output("y", TensorType::U8, &[Dim::Known(2)]);
	let bytes = graph.finish(17);
	let model = Model::read(&bytes).expect("well-formed");
	for (key, _, tensor) in constants {
		assert_eq!(model.constants[key], tensor);
	}
	let bad = edit(&bytes, |file| {
		node(file, "Constant").attribute[0].name = Some("value_string".into());
	});
	assert!(matches!(Model::read(&bad), Err(ModelError::Node { .. })));
}

#[test]
fn an_attribute_that_is_no_text_is_refused() {
	let error = refused(|file| {
		node(file, "Add").attribute.push(proto::AttributeProto {
			name: Some("mode".into()),
			r#type: Some(proto::attribute_proto::AttributeType::String as i32),
			s: Some(vec![0xff]),
			..Default::default()
		})
	});
	assert!(matches!(error, ModelError::Node { reason, .. } if reason.contains("UTF-8")));
}
