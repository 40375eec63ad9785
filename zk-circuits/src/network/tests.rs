use super::*;
use crate::{
	fixture::{edit, graph, model, node, small, tensor, Layer},
	onnx::{
		proto::{self, tensor_shape_proto::dimension::Value, type_proto},
		Attribute, Data, Dim, GraphWriter, Tensor, TensorType,
	},
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
fn nodes_and_statement_share_the_constraints() {
	for onnx in [small(), model(1, &[Layer::single(-3, 5, None)])] {
		let network = Network::from_onnx(&onnx).expect("provable");
		let summary = network.summary();
		let of = |operator| {
			let nodes = summary.iter().filter(|node| node.operator == operator);
			nodes.map(|node| node.constraints).sum::<usize>()
		};
		// A bit decomposition of each input, the binding, and a scalar for each tensor.
		let statement = 8 * network.input().elements() + 3;
		assert_eq!(network.statement_constraints(), statement);
		assert_eq!(of("Linear") + of("Sum"), 0, "weights are free");
		assert_eq!(
			circuit::Circuit::new(&network, Privacy::PUBLIC).constraints(),
			statement + of("Rescale")
		);
	}
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
	assert!(operand_reason(|file| {
		tensor(file, "w_zero").raw_data = Some(vec![127; 2]);
		tensor(file, "w_zero").dims = vec![2];
	})
	.contains("one per column"));
	assert!(operand_reason(|file| tensor(file, "w_zero").data_type = Some(3)).contains("uint8"));
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
fn a_division_by_activations_needs_bounds() {
	let error = operand_reason(|file| node(file, "Div").input.swap(0, 1));
	assert!(error.contains("at least 1"), "{error}");
}

#[test]
fn weights_are_counted_from_their_zero_point() {
	let execute = |change: &dyn Fn(&mut proto::ModelProto)| {
		let layer = Layer { weights: vec![-1, 2], addend: vec![0, 0], ..Layer::single(0, 0, None) };
		let bytes = edit(&model(1, &[layer]), change);
		let scores =
			Network::from_onnx(&bytes).expect("provable").execute(&[10]).expect("one byte");
		let score = |at: usize| i32::from_le_bytes(scores[4 * at..][..4].try_into().expect("four"));
		[score(0), score(1)]
	};
	assert_eq!(execute(&|_| ()), [-10, 20]);
	assert_eq!(execute(&|file| node(file, "MatMulInteger").input.truncate(3)), [1270, 1300]);
	let one_each = |file: &mut proto::ModelProto| {
		tensor(file, "w_zero").raw_data = Some(vec![127, 255]);
		tensor(file, "w_zero").dims = vec![2];
	};
	assert_eq!(execute(&one_each), [0, -1250]);
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

/// `operator(x, constants…)`, where `x` is `uint8[1, 1, 4]`.
fn one_node(
	operator: &str,
	constants: &[Data],
	attributes: &[(&str, Attribute)],
) -> Result<Network, ImportError> {
	let mut graph = GraphWriter::new("one node");
	let dims = [1, 1, 4].map(Dim::Known);
	graph.input("x", TensorType::U8, &dims);
	let names: Vec<String> = (0..constants.len()).map(|at| format!("c{at}")).collect();
	for (name, data) in names.iter().zip(constants) {
		let elements = match data {
			Data::U8(values) => values.len(),
			Data::I64(values) => values.len(),
			_ => panic!("not needed"),
		};
		let dims = match (operator, name.as_str()) {
			("ConvInteger", "c0") => vec![1, 1, elements],
			_ => vec![elements],
		};
		graph.constant(name, &Tensor { dims, data: data.clone() });
	}
	let inputs: Vec<&str> = std::iter::once("x").chain(names.iter().map(String::as_str)).collect();
	let outputs: &[&str] = if operator == "Split" { &["y", "y1", "y2"] } else { &["y"] };
	graph.node_with(operator, &inputs, outputs, attributes);
	graph.output("y", TensorType::U8, &dims);
	Network::from_onnx(&graph.finish(18))
}

/// What is said of it.
fn refused_node(operator: &str, constants: &[Data], attributes: &[(&str, Attribute)]) -> String {
	one_node(operator, constants, attributes).expect_err("must be refused").to_string()
}

#[test]
fn sizes_that_no_machine_has_are_refused() {
	let (most, least) = (i64::MAX, i64::MIN);
	let lists = |lists: &[&[i64]]| -> Vec<Data> {
		lists.iter().map(|list| Data::I64(list.to_vec())).collect()
	};
	for (operator, constants) in [
		("Reshape", lists(&[&[most, 2]])),
		("Reshape", lists(&[&[1; 9]])),
		("Expand", lists(&[&[most, most, 4]])),
		("Unsqueeze", lists(&[&[0, 1, 2, 3, 4, 5]])),
		("Pad", lists(&[&[0, 0, least, 0, 0, most]])),
		("Pad", lists(&[&[0, 0, most, 0, 0, most]])),
	] {
		let error = refused_node(operator, &constants, &[]);
		assert!(error.contains("too large"), "{operator}: {error}");
	}
	let error = refused_node("Split", &lists(&[&[most; 3]]), &[]);
	assert!(error.contains("do not split"), "{error}");
	let group = [("group", Attribute::Int(most))];
	let error = refused_node("ConvInteger", &[Data::U8(vec![1; 2])], &group);
	assert!(error.contains("group"), "{error}");
	let error = refused_node("Gather", &lists(&[&[]]), &[]);
	assert!(error.contains("no indices"), "{error}");
}

#[test]
fn a_slice_to_the_front_is_written_with_the_least_integer() {
	let slice =
		|end: i64| -> Vec<Data> { [3, end, 2, -1].map(|value| Data::I64(vec![value])).into() };
	for end in [i64::from(i32::MAX), i64::MAX] {
		let error = refused_node("Slice", &slice(end), &[]);
		assert!(error.contains(&format!("write {} for it", i64::MIN)), "{error}");
	}
	for end in [i64::MIN, i64::from(i32::MIN), -5] {
		let network = one_node("Slice", &slice(end), &[]).expect("provable");
		assert_eq!(network.execute(&[1, 2, 3, 4]), Ok(vec![4, 3, 2, 1]));
	}
}

#[test]
fn long_names_are_not_repeated() {
	let long = "x".repeat(1 << 20);
	for error in [
		refused(|file| {
			let node = node(file, "Cast");
			(node.name, node.op_type) = (Some(long.clone()), Some(long.clone()));
		}),
		refused(|file| node(file, "Cast").input[0] = long.clone()),
		refused(|file| node(file, "Cast").attribute[0].name = Some(long.clone())),
		refused(|file| node(file, "Cast").domain = Some(long.clone())),
		refused(|file| {
			let input = &mut graph(file).input[0];
			(input.name, *element(input)) = (Some(long.clone()), Some(1));
			node(file, "MatMulInteger").input[0] = long.clone();
		}),
		refused(|file| {
			tensor(file, "w0").name = Some(long.clone());
			tensor(file, &long).dims = vec![-1];
		}),
		refused(|file| graph(file).output[0].name = Some(long.clone())),
	] {
		assert!(error.to_string().len() < 2000, "{}", &error.to_string()[..2000]);
	}
}

#[test]
fn what_onnx_runtime_does_in_its_own_way_is_refused() {
	let text = |value: &str| Attribute::Text(value.into());
	let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
	let pool = |attributes: &[(&str, Attribute)]| refused_node("MaxPool", &[], attributes);
	let kernel = |size| ("kernel_shape", ints(&[size]));
	let gaps = [kernel(1), ("strides", ints(&[4])), ("auto_pad", text("SAME_UPPER"))];
	assert!(pool(&gaps).contains("left out between windows"));
	let spread = [kernel(2), ("dilations", ints(&[2])), ("auto_pad", text("SAME_LOWER"))];
	assert!(pool(&spread).contains("without dilations"));
	let wide = [kernel(2), ("dilations", ints(&[3])), ("pads", ints(&[2, 2]))];
	assert!(pool(&wide).contains("smaller than the window"));
	let behind = [kernel(1), ("strides", ints(&[4])), ("ceil_mode", Attribute::Int(1))];
	assert!(pool(&behind).contains("leave ceil_mode out"));
	let sizes = [Data::I64(vec![1, 1, 8])];
	let policy = [("keep_aspect_ratio_policy", text("not_larger"))];
	assert!(refused_node("Resize", &sizes, &policy).contains("only stretch"));
	let smooth = [("antialias", Attribute::Int(1))];
	assert!(refused_node("Resize", &sizes, &smooth).contains("antialias"));
	let fill = [Data::I64(vec![0, 0, 0, 0, 0, 1]), Data::I64(vec![300])];
	assert!(refused_node("Pad", &fill, &[]).contains("of type u8"));
}

#[test]
fn an_axis_that_is_given_twice_is_refused() {
	let ints = |values: &[i64]| Data::I64(values.to_vec());
	for (operator, constants) in [
		("Slice", vec![ints(&[0, 1]), ints(&[3, 3]), ints(&[2, -1])]),
		("Pad", vec![ints(&[1, 1, 0, 0]), Data::U8(vec![0]), ints(&[2, -1])]),
		("Squeeze", vec![ints(&[1, -2])]),
		("Unsqueeze", vec![ints(&[1, 1])]),
	] {
		let error = refused_node(operator, &constants, &[]);
		assert!(error.contains("is given twice"), "{error}");
	}
}

#[test]
fn a_long_row_of_nodes_that_do_nothing_is_refused() {
	let mut graph = GraphWriter::new("neighbours");
	let dims = [1, 1, 4].map(Dim::Known);
	graph.input("x", TensorType::U8, &dims);
	let names: Vec<String> =
		std::iter::once("x".into()).chain((0..2000).map(|at| format!("v{at}"))).collect();
	for pair in names.windows(2) {
		graph.node_with("Identity", &[&pair[0]], &[&pair[1]], &[]);
	}
	let window = [("kernel_shape", Attribute::Ints(vec![2]))];
	graph.node_with("MaxPool", &[names[2000].as_str()], &["y"], &window);
	graph.output("y", TensorType::U8, &[1, 1, 3].map(Dim::Known));
	let error = Network::from_onnx(&graph.finish(18)).expect_err("must be refused").to_string();
	assert!(error.contains("more than 1000 nodes beside it do nothing"), "{error}");
}
