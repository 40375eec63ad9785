use super::*;
use crate::{
	fixture::{edit, graph, model, node, small, tensor, Layer},
	onnx::proto::{self, tensor_shape_proto::dimension::Value, type_proto},
};

fn refused(change: impl FnOnce(&mut proto::ModelProto)) -> ImportError {
	Network::from_onnx(&edit(&small(), change)).expect_err("must be refused")
}

fn operand_reason(change: impl FnOnce(&mut proto::ModelProto)) -> String {
	match refused(change) {
		ImportError::Operand { reason, .. } => reason,
		other => panic!("{other:?}"),
	}
}

fn dims(value: &mut proto::ValueInfoProto) -> &mut Vec<proto::tensor_shape_proto::Dimension> {
	match value.r#type.as_mut().and_then(|kind| kind.value.as_mut()) {
		Some(type_proto::Value::TensorType(tensor)) => &mut tensor.shape.as_mut().unwrap().dim,
		_ => panic!("no tensor"),
	}
}

fn element(value: &mut proto::ValueInfoProto) -> &mut Option<i32> {
	match value.r#type.as_mut().and_then(|kind| kind.value.as_mut()) {
		Some(type_proto::Value::TensorType(tensor)) => &mut tensor.elem_type,
		_ => panic!("no tensor"),
	}
}

#[test]
fn a_network_knows_its_types_and_size() {
	let network = Network::from_onnx(&small()).expect("provable");
	assert_eq!(network.input().to_string(), "u8[1, 2]");
	assert_eq!(network.output().to_string(), "i32[1, 2]");
	assert_eq!(network.multiply_accumulates(), 12);
	assert_eq!(network.scales(), None);
	assert_eq!(network.artifact_hash(), crate::hash::blake2b_256(&[&small()]));
}

#[test]
fn division_truncates_and_clips() {
	// 3·x − 100, divided by 8: negative up to x = 33, above 255 from x = 714 on, never here.
	let network =
		Network::from_onnx(&model(1, &[Layer::single(3, -100, Some(3))])).expect("provable");
	for x in 0..=255u8 {
		let expected = ((3 * i32::from(x) - 100) / 8).clamp(0, 255) as u8;
		assert_eq!(network.execute(&[x]), Ok(vec![expected]));
	}
}

#[test]
fn scores_are_little_endian_int32() {
	let layer = Layer { weights: vec![-1, 2], addend: vec![0, 7], ..Layer::single(0, 0, None) };
	let network = Network::from_onnx(&model(1, &[layer])).expect("provable");
	let expected = [(-255i32).to_le_bytes(), 517i32.to_le_bytes()].concat();
	assert_eq!(network.execute(&[255]), Ok(expected));
}

#[test]
fn the_activations_zero_point_is_subtracted() {
	let layer = Layer { zero_point: 100, ..Layer::single(-3, 5, None) };
	let network = Network::from_onnx(&model(1, &[layer])).expect("provable");
	assert_eq!(network.execute(&[90]), Ok(35i32.to_le_bytes().to_vec()));
}

#[test]
fn an_input_of_another_length_is_refused() {
	let network = Network::from_onnx(&small()).expect("provable");
	assert_eq!(network.execute(&[1]), Err(ExecuteError::InputLength { expected: 2, got: 1 }));
}

#[test]
fn bounds_are_those_of_the_whole_input_type() {
	let network = Network::from_onnx(&model(1, &[Layer::single(-3, 5, None)])).expect("provable");
	let summary = network.summary();
	assert_eq!((summary[1].lowest, summary[1].highest), (5 - 3 * 255, 5));
}

#[test]
fn two_inputs_or_outputs_are_refused() {
	let error = refused(|file| {
		let mut input = graph(file).input[0].clone();
		input.name = Some("second".into());
		graph(file).input.push(input);
	});
	assert_eq!(error, ImportError::Interface { inputs: 2, outputs: 1 });
	let error = refused(|file| graph(file).output.clear());
	assert_eq!(error, ImportError::Interface { inputs: 1, outputs: 0 });
}

#[test]
fn an_input_that_is_not_a_row_of_bytes_is_refused() {
	for error in [
		refused(|file| *element(&mut graph(file).input[0]) = Some(1)),
		refused(|file| dims(&mut graph(file).input[0])[0].value = Some(Value::DimValue(2))),
		refused(|file| {
			dims(&mut graph(file).input[0])[1].value = Some(Value::DimParam("M".into()));
		}),
		refused(|file| dims(&mut graph(file).input[0]).truncate(1)),
	] {
		assert!(matches!(error, ImportError::Input { .. }), "{error:?}");
	}
}

#[test]
fn an_output_that_is_declared_wrongly_is_refused() {
	for error in [
		refused(|file| *element(&mut graph(file).output[0]) = Some(1)),
		refused(|file| dims(&mut graph(file).output[0])[1].value = Some(Value::DimValue(3))),
		refused(|file| graph(file).output[0].name = Some("w0".into())),
	] {
		assert!(
			matches!(error, ImportError::Output { .. } | ImportError::Unused { .. }),
			"{error:?}"
		);
	}
}

#[test]
fn an_operator_that_is_not_provable_is_refused_with_advice() {
	match refused(|file| node(file, "Cast").op_type = Some("Gemm".into())) {
		ImportError::Operator { operator, hint, .. } => {
			assert_eq!(operator, "Gemm");
			assert!(hint.contains("zkonnx quantize"));
		},
		other => panic!("{other:?}"),
	}
}

#[test]
fn an_attribute_that_is_not_known_or_not_provable_is_refused() {
	for error in [
		refused(|file| node(file, "Cast").attribute[0].i = Some(3)),
		refused(|file| node(file, "Cast").attribute[0].name = Some("into".into())),
	] {
		assert!(matches!(error, ImportError::Attribute { .. }), "{error:?}");
	}
}

#[test]
fn signed_weights_are_refused_with_the_reason() {
	let error = refused(|file| tensor(file, "w0").data_type = Some(3));
	assert!(matches!(error, ImportError::SignedWeights { .. }));
	assert!(error.to_string().contains("AVX2"));
}

#[test]
fn operands_that_do_not_fit_are_refused() {
	assert!(operand_reason(|file| tensor(file, "w_zero").raw_data = Some(vec![127]))
		.contains("must be 128"));
	assert!(operand_reason(|file| node(file, "MatMulInteger").input.truncate(3))
		.contains("must be 128"));
	assert!(operand_reason(|file| tensor(file, "w0").dims = vec![3, 2]).contains("3 rows"));
	assert!(operand_reason(|file| tensor(file, "highest").dims = vec![1, 1]).contains("scalars"));
	for divisor in [0i32, -4] {
		assert!(operand_reason(|file| {
			let divisor = [divisor, 1, 1].iter().flat_map(|d| d.to_le_bytes()).collect();
			tensor(file, "divisor0").raw_data = Some(divisor);
		})
		.contains("must be positive"));
	}
}

#[test]
fn a_clip_after_a_relu_is_refused_because_onnx_runtime_does_not_load_it() {
	let error = operand_reason(|file| {
		let relu = proto::NodeProto {
			op_type: Some("Relu".into()),
			input: vec!["quotient0".into()],
			output: vec!["positive".into()],
			..Default::default()
		};
		node(file, "Clip").input[0] = "positive".into();
		graph(file).node.insert(3, relu);
	});
	assert!(error.contains("lower limit"), "{error}");
}

#[test]
fn a_division_by_activations_needs_bounds() {
	let error = operand_reason(|file| node(file, "Div").input.swap(0, 1));
	assert!(error.contains("at least 1"), "{error}");
}

#[test]
fn a_layer_that_can_overflow_is_refused_by_name() {
	let error = refused(|file| {
		let most = [0x7f, 0xff, 0xff, 0x7f].iter().rev().copied();
		tensor(file, "addend1").raw_data = Some(most.chain([0; 4]).collect());
	});
	match error {
		ImportError::Overflow { node, operator, element, hi, .. } => {
			assert_eq!((node.as_str(), operator.as_str(), element), ("sum1", "Add", 0));
			assert!(hi > i64::from(i32::MAX));
		},
		other => panic!("{other:?}"),
	}
}

#[test]
fn a_cast_that_could_wrap_is_refused_by_name() {
	let error = refused(|file| node(file, "Cast").input[0] = "sum0".into());
	assert!(matches!(error, ImportError::CastRange { .. }), "{error:?}");
}

#[test]
fn a_node_that_nothing_reads_is_refused() {
	let error = refused(|file| {
		let mut extra = node(file, "Add").clone();
		extra.name = Some("extra".into());
		extra.output[0] = "extra".into();
		graph(file).node.push(extra);
	});
	assert_eq!(error, ImportError::Unused { node: "extra".into() });
}

#[test]
fn a_network_that_takes_too_much_memory_is_refused() {
	let error = refused(|file| {
		dims(&mut graph(file).input[0])[1].value = Some(Value::DimValue(1 << 25));
	});
	assert!(matches!(error, ImportError::TooLarge { .. }));
}

#[test]
fn flatten_keeps_the_batch() {
	let bytes = edit(&small(), |file| {
		let dims = dims(&mut graph(file).input[0]);
		dims.insert(1, proto::tensor_shape_proto::Dimension::default());
		dims[1].value = Some(Value::DimValue(1));
		let flatten = proto::NodeProto {
			op_type: Some("Flatten".into()),
			input: vec!["x".into()],
			output: vec!["flat".into()],
			..Default::default()
		};
		node(file, "MatMulInteger").input[0] = "flat".into();
		graph(file).node.insert(0, flatten);
	});
	let network = Network::from_onnx(&bytes).expect("provable");
	assert_eq!(network.input().shape, [1, 1, 2]);
	let plain = Network::from_onnx(&small()).expect("provable");
	assert_eq!(network.execute(&[9, 200]), plain.execute(&[9, 200]));
}
