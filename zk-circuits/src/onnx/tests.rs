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
	for version in [12, 22, -1] {
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
	assert!(tensor_reason(|file| tensor(file, "w0").dims = vec![-1, 3]).contains("not positive"));
	assert!(tensor_reason(|file| tensor(file, "w0").dims = vec![i64::MAX, i64::MAX])
		.contains("more than"));
	assert!(tensor_reason(|file| tensor(file, "addend0").raw_data = Some(vec![0; 13]))
		.contains("need 3 elements"));
	assert!(
		tensor_reason(|file| tensor(file, "w0").int32_data = vec![1]).contains("exactly one field")
	);
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
