mod cases;

use super::*;
use crate::onnx::proto::{
	self, attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto::dimension,
	type_proto,
};
use ark_std::rand::{rngs::StdRng, Rng, SeedableRng};
use prost::Message;

/// A float model under construction.
struct Float {
	graph: proto::GraphProto,
	at: String,
}

impl Float {
	fn new(dims: &[i64]) -> Self {
		let mut model = Self { graph: Default::default(), at: "x".into() };
		model.graph.input.push(value("x", &[&[0], dims].concat()));
		model
	}

	fn tensor(mut self, name: &str, dims: &[i64], data: &[f32]) -> Self {
		self.graph.initializer.push(proto::TensorProto {
			name: Some(name.into()),
			dims: dims.to_vec(),
			data_type: Some(DataType::Float as i32),
			float_data: data.to_vec(),
			..Default::default()
		});
		self
	}

	fn node(mut self, operator: &str, constants: &[&str]) -> Self {
		let output = format!("v{}", self.graph.node.len());
		let at = std::mem::replace(&mut self.at, output.clone());
		self.graph.node.push(proto::NodeProto {
			op_type: Some(operator.into()),
			input: std::iter::once(at).chain(constants.iter().map(|&c| c.into())).collect(),
			output: vec![output],
			..Default::default()
		});
		self
	}

	fn attribute(mut self, name: &str, int: Option<i64>, float: Option<f32>) -> Self {
		let kind = if int.is_some() { AttributeType::Int } else { AttributeType::Float };
		self.graph.node.last_mut().expect("a node").attribute.push(proto::AttributeProto {
			name: Some(name.into()),
			r#type: Some(kind as i32),
			i: int,
			f: float,
			..Default::default()
		});
		self
	}

	fn bytes(mut self) -> Vec<u8> {
		self.graph.output.push(value(&self.at, &[0, 0]));
		proto::ModelProto {
			opset_import: vec![proto::OperatorSetIdProto { domain: None, version: Some(17) }],
			graph: Some(self.graph),
			..Default::default()
		}
		.encode_to_vec()
	}
}

/// A float tensor; a dimension of 0 is a symbol.
fn value(name: &str, dims: &[i64]) -> proto::ValueInfoProto {
	let dim = dims
		.iter()
		.map(|&size| proto::tensor_shape_proto::Dimension {
			value: Some(match size {
				0 => dimension::Value::DimParam("N".into()),
				size => dimension::Value::DimValue(size),
			}),
			denotation: None,
		})
		.collect();
	proto::ValueInfoProto {
		name: Some(name.into()),
		r#type: Some(proto::TypeProto {
			value: Some(type_proto::Value::TensorType(type_proto::Tensor {
				elem_type: Some(DataType::Float as i32),
				shape: Some(proto::TensorShapeProto { dim }),
			})),
			denotation: None,
		}),
		..Default::default()
	}
}

fn two_layers() -> Float {
	Float::new(&[2])
		.tensor("w", &[2, 3], &[1.0, -2.0, 0.5, 0.25, 1.0, -1.0])
		.tensor("b", &[3], &[0.1, 0.2, -0.3])
		.tensor("v", &[3, 2], &[1.0, -1.0, 0.5, 0.5, -0.25, 1.0])
		.node("MatMul", &["w"])
		.node("Add", &["b"])
		.node("Relu", &[])
		.node("MatMul", &["v"])
}

fn rows(values: &[f32]) -> Rows {
	let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
	Rows::read(Format::F32, &bytes, 2).expect("whole rows")
}

fn random_rows(seed: u64, scale: f32) -> Rows {
	let mut rng = StdRng::seed_from_u64(seed);
	rows(&(0..400).map(|_| rng.gen_range(-scale..scale)).collect::<Vec<_>>())
}

/// The largest error of any score, relative to the largest score.
fn error_of(quantized: &Quantized, rows: &Rows) -> f64 {
	let (mut error, mut largest) = (0.0f64, 0.0f64);
	for index in 0..rows.len() {
		let row = rows.row(index);
		let float = quantized.float.execute(&row).expect("a row");
		let output =
			quantized.network.execute(&quantized.scales.quantize_input(&row)).expect("a row");
		for (float, bytes) in float.iter().zip(output.chunks_exact(4)) {
			let score = i32::from_le_bytes(bytes.try_into().expect("four"));
			error = error.max((f64::from(score) * quantized.scales.output_scale - float).abs());
			largest = largest.max(float.abs());
		}
	}
	error / largest
}

#[test]
fn scores_approximate_the_float_model() {
	let rows = random_rows(1, 3.0);
	let quantized =
		quantize(&two_layers().bytes(), &rows, Options::default()).expect("quantisable");
	assert!(error_of(&quantized, &rows) < 0.02);
	assert_eq!(quantized.network.scales(), Some(quantized.scales));
	assert!(quantized.scales.input_zero_point > 100);
}

#[test]
fn layers_without_relu_keep_their_sign() {
	let model = Float::new(&[2])
		.tensor("w", &[2, 2], &[1.0, -2.0, 0.5, 0.25])
		.tensor("v", &[2, 2], &[1.0, -1.0, 0.5, 0.5])
		.node("MatMul", &["w"])
		.node("Identity", &[])
		.node("MatMul", &["v"]);
	let rows = random_rows(2, 1.0);
	let quantized = quantize(&model.bytes(), &rows, Options::default()).expect("quantisable");
	assert!(error_of(&quantized, &rows) < 0.02);
}

#[test]
fn gemm_attributes_are_followed() {
	let rows = random_rows(3, 1.0);
	let plain = Float::new(&[2])
		.tensor("w", &[2, 3], &[2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
		.tensor("b", &[3], &[3.0, 6.0, 9.0])
		.node("MatMul", &["w"])
		.node("Add", &["b"]);
	let gemm = Float::new(&[2])
		.tensor("w", &[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
		.tensor("b", &[1, 3], &[1.0, 2.0, 3.0])
		.node("Gemm", &["w", "b"])
		.attribute("alpha", None, Some(2.0))
		.attribute("beta", None, Some(3.0))
		.attribute("transB", Some(1), None);
	let [plain, gemm] = [plain, gemm].map(|model| {
		let model = FloatModel::from_onnx(&model.bytes()).expect("quantisable");
		model.execute(&rows.row(0)).expect("a row")
	});
	assert_eq!(plain, gemm);
}

#[test]
fn inputs_of_bytes_are_taken_exactly() {
	let rows = rows(&[0.0, 16.0, 255.0, 3.0]);
	let quantized =
		quantize(&two_layers().bytes(), &rows, Options::default()).expect("quantisable");
	assert_eq!((quantized.scales.input_scale, quantized.scales.input_zero_point), (1.0, 0));
}

#[test]
fn inputs_of_several_dimensions_are_flattened() {
	let model = Float::new(&[1, 2])
		.tensor("w", &[2, 1], &[1.0, 2.0])
		.node("Flatten", &[])
		.node("MatMul", &["w"]);
	let quantized =
		quantize(&model.bytes(), &rows(&[0.0, 9.0]), Options::default()).expect("quantisable");
	assert_eq!(quantized.network.input().shape, [1, 1, 2]);
}

#[test]
fn a_trailing_softmax_is_dropped_with_a_note() {
	let rows = random_rows(4, 1.0);
	let model = two_layers().node("Softmax", &[]).bytes();
	let quantized = quantize(&model, &rows, Options::default()).expect("quantisable");
	assert!(quantized.notes[0].contains("Softmax"));
}

#[test]
fn dead_channels_and_zero_weights_are_no_trouble() {
	let model = Float::new(&[2])
		.tensor("w", &[2, 3], &[0.0, -1.0, 1.0, 0.0, -1.0, 1.0])
		.tensor("v", &[3, 2], &[0.0; 6])
		.node("MatMul", &["w"])
		.node("Relu", &[])
		.node("MatMul", &["v"]);
	let quantized =
		quantize(&model.bytes(), &rows(&[0.0, 9.0]), Options::default()).expect("quantisable");
	assert_eq!(quantized.network.execute(&[255, 255]), Ok(vec![0; 8]));
}

#[test]
fn fewer_weight_bits_make_fewer_constraints() {
	let rows = random_rows(5, 3.0);
	let constraints = |weight_bits| {
		let model = two_layers().bytes();
		let quantized = quantize(&model, &rows, Options { weight_bits, ..Options::default() })
			.expect("quantisable");
		quantized.network.constraints()
	};
	assert!(constraints(5) < constraints(8));
	for weight_bits in [1, 9] {
		let error =
			quantize(&two_layers().bytes(), &rows, Options { weight_bits, ..Options::default() });
		assert_eq!(error.unwrap_err(), QuantizeError::WeightBits(weight_bits));
	}
}

#[test]
fn what_can_not_be_quantised_is_named() {
	let refuse = |model: Float| FloatModel::from_onnx(&model.bytes()).map(|_| ()).unwrap_err();
	let error = refuse(two_layers().node("LSTM", &[]));
	assert!(matches!(error, QuantizeError::Operator { operator, .. } if operator == "LSTM"));
	assert!(matches!(refuse(Float::new(&[2]).node("Identity", &[])), QuantizeError::Output(_)));
	let error = refuse(two_layers().node("Relu", &[]).attribute("alpha", None, Some(1.0)));
	assert!(matches!(error, QuantizeError::Attribute { attribute, .. } if attribute == "alpha"));
	let mut wrong = two_layers();
	wrong.graph.input[0] = value("x", &[3, 2]);
	assert!(matches!(refuse(wrong), QuantizeError::Input(_)));
	let mut two = two_layers();
	two.graph.input.push(value("y", &[0, 2]));
	assert!(matches!(refuse(two), QuantizeError::Interface { inputs: 2, .. }));
	let infinite = Float::new(&[1]).tensor("w", &[1, 1], &[f32::INFINITY]).node("MatMul", &["w"]);
	assert!(matches!(refuse(infinite), QuantizeError::Node { .. }));
	assert!(matches!(FloatModel::from_onnx(b"x"), Err(QuantizeError::Model(_))));
}

#[test]
fn calibration_must_fit_and_be_finite() {
	let model = two_layers().bytes();
	let quantize =
		|rows: &Rows| quantize(&model, rows, Options::default()).map(|_| ()).unwrap_err();
	assert_eq!(quantize(&rows(&[])), QuantizeError::NoCalibration);
	assert_eq!(quantize(&rows(&[1.0, f32::NAN])), QuantizeError::NotFinite { row: 0 });
	let three = Rows::read(Format::U8, &[1, 2, 3], 3).expect("a row");
	assert_eq!(quantize(&three), QuantizeError::RowLength { expected: 2, got: 3 });
}

#[test]
fn a_bias_that_outweighs_its_weights_makes_them_coarser() {
	let model = Float::new(&[2])
		.tensor("w", &[2, 1], &[1e-9, 1e-9])
		.tensor("b", &[1], &[1.0])
		.node("MatMul", &["w"])
		.node("Add", &["b"]);
	let rows = rows(&[1.0, 2.0]);
	let quantized = quantize(&model.bytes(), &rows, Options::default()).expect("quantisable");
	assert!(error_of(&quantized, &rows) < 1e-6);
}

#[test]
fn what_fits_at_no_scale_is_refused() {
	let model = Float::new(&[2])
		.tensor("w", &[2, 2], &[1e-30, 1e-30, 1.0, 1.0])
		.tensor("b", &[2], &[3e38, 0.0])
		.node("MatMul", &["w"])
		.node("Add", &["b"]);
	let error = quantize(&model.bytes(), &rows(&[1.0, 2.0]), Options::default()).unwrap_err();
	assert!(matches!(error, QuantizeError::TooWide { .. }), "{error:?}");
}

#[test]
fn labels_must_be_as_many_as_rows() {
	let rows = random_rows(6, 1.0);
	let quantized = quantize(&two_layers().bytes(), &rows, Options::default()).expect("valid");
	let error = quantized.evaluate(&rows, Some(&[1, 2])).unwrap_err();
	assert_eq!(error, QuantizeError::Labels { labels: 2, rows: 200 });
}

#[test]
fn rows_are_read_from_every_format() {
	let csv = Rows::read(Format::Csv, b"1, 2\n\n3,4.5\n", 2).expect("rows");
	assert_eq!((csv.len(), csv.row(1)), (2, vec![3.0, 4.5]));
	assert_eq!(Rows::read(Format::U8, &[1, 2, 3, 4], 2).expect("rows").row(1), [3.0, 4.0]);
	assert_eq!(Format::of_name("a/b.u8"), Some(Format::U8));
	assert_eq!(Format::of_name("a/b.bin"), None);
	let error = |format, bytes| Rows::read(format, bytes, 2).unwrap_err();
	assert_eq!(error(Format::U8, &[1]), RowsError::PartialRow { bytes: 1, row_bytes: 2 });
	assert_eq!(error(Format::Csv, b"1"), RowsError::RowLength { line: 1, expected: 2, got: 1 });
	let not_a_number = RowsError::Number { line: 2, field: "x".into() };
	assert_eq!(error(Format::Csv, b"1,2\n3,x"), not_a_number);
	assert_eq!(error(Format::Csv, &[0xff]), RowsError::Text);
}
