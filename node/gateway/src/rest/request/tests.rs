use super::*;
use aimodel_inference::serving::TensorMetadata;
use aimodel_primitives::ids::ArtifactHash;
use http::StatusCode;

fn json(text: &str) -> Result<Asked, Error> {
	read(&Bytes::copy_from_slice(text.as_bytes()), None)
}

fn binary(header: &str, tensors: &[u8]) -> Result<Asked, Error> {
	let body = [header.as_bytes(), tensors].concat();
	read(&body.into(), Some(header.len()))
}

#[track_caller]
fn refused(result: Result<Asked, Error>, reason: &str) {
	let error = result.unwrap_err();
	assert_eq!(error.status(), StatusCode::BAD_REQUEST);
	assert!(error.to_string().contains(reason), "{error}");
}

const BINARY: &str = r#"{"inputs":[
	{"name":"a","shape":[2],"datatype":"UINT8","parameters":{"binary_data_size":2}},
	{"name":"b","shape":[1],"datatype":"INT16","data":[-1]},
	{"name":"c","shape":[1,1],"datatype":"FP32","parameters":{"binary_data_size":4}}
],"outputs":[{"name":"y","parameters":{"binary_data":true}},{"name":"z"}]}"#;

#[test]
fn json_is_read() {
	let asked = json(
		r#"{"id":"42","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[[1.5,-2]]}],
		"parameters":{"binary_data_output":true,"other":[1]},"outputs":[{"name":"y","parameters":{"binary_data":false}}]}"#,
	)
	.unwrap();
	assert_eq!(asked.id.as_deref(), Some("42"));
	let [x] = &asked.inputs[..] else { panic!("{asked:?}") };
	assert_eq!((&*x.name, x.data_type, &x.shape[..]), ("x", DataType::Fp32, &[1, 2][..]));
	assert_eq!(&x.data[..], [1.5_f32.to_le_bytes(), (-2_f32).to_le_bytes()].concat());
	assert!(asked.binary && !asked.outputs[0].binary);
}

#[test]
fn binary_tensors_follow_in_order_and_are_slices() {
	let body = Bytes::from([BINARY.as_bytes(), &[7, 8, 0, 0, 128, 63]].concat());
	let asked = read(&body, Some(BINARY.len())).unwrap();
	let data: Vec<_> = asked.inputs.iter().map(|input| &input.data[..]).collect();
	assert_eq!(data, [&[7, 8][..], &[255, 255], &[0, 0, 128, 63]]);
	assert_eq!(asked.inputs[0].data.as_ptr(), body[BINARY.len()..].as_ptr());
	let wanted: Vec<_> = asked.outputs.iter().map(|it| (it.name.as_str(), it.binary)).collect();
	assert_eq!(wanted, [("y", true), ("z", false)]);
}

#[test]
fn lengths_agree() {
	refused(
		binary(BINARY, &[7, 8, 0, 0, 128]),
		"input `c`: binary_data_size is 4; 3 bytes are left",
	);
	refused(binary(BINARY, &[0; 7]), "1 bytes follow the last binary tensor");
	refused(read(&Bytes::from_static(b"{}"), Some(3)), "is 3; the body has 2 bytes");
	let wrong = BINARY.replace(r#""binary_data_size":2"#, r#""binary_data_size":3"#);
	refused(binary(&wrong, &[0; 7]), "UINT8 of shape [2] takes 2 bytes");
	let huge = BINARY.replace("[2]", "[4294967296,4294967296,4294967296]");
	refused(binary(&huge, &[0; 6]), "takes more than there is");
}

#[test]
fn data_is_said_once() {
	let input = |rest: &str| {
		json(&format!(r#"{{"inputs":[{{"name":"x","shape":[1],"datatype":"UINT8"{rest}}}]}}"#))
	};
	assert!(input(r#","data":[1]"#).is_ok());
	refused(input(""), "neither `data` nor a parameter `binary_data_size`");
	refused(input(r#","data":[1],"parameters":{"binary_data_size":1}"#), "one is meant");
	refused(
		input(r#","parameters":{"shared_memory_region":"r","shared_memory_byte_size":1}"#),
		"no shared memory",
	);
}

#[test]
fn what_is_no_request_is_refused() {
	for text in ["", "{", "[]", "{}", "\u{0}", r#"{"inputs":{}}"#, r#"{"inputs":[{"name":"x"}]}"#] {
		refused(json(text), "none of an inference");
	}
	let of = |data_type: &str, shape: &str| {
		json(&format!(
			r#"{{"inputs":[{{"name":"x","shape":{shape},"datatype":"{data_type}","data":[1]}}]}}"#
		))
	};
	refused(of("FP33", "[1]"), "there is no type `FP33` here; there are BOOL");
	refused(of("BYTES", "[1]"), "there is no type `BYTES`");
	refused(of("UINT8", "[-1]"), "none of an inference");
	refused(of("UINT8", "1"), "none of an inference");
}

#[test]
fn options_are_checked() {
	let with = |parameters: &str| {
		json(&format!(
			r#"{{"inputs":[{{"name":"x","shape":[1],"datatype":"UINT8","data":[1]}}],"parameters":{parameters}}}"#
		))
	};
	let nonce = "ab".repeat(32);
	let options = with(&format!(
		r#"{{"timeout":5,"receipt":true,"nonce":"0x{nonce}","proof":"groth16","request_id":"18446744073709551615"}}"#
	));
	let options = options.unwrap().options;
	assert_eq!(options.timeout, Some(Duration::from_micros(5)));
	assert_eq!((options.receipt, options.nonce, options.proof), (true, [0xab; 32], Some(u64::MAX)));
	assert_eq!(with(r#"{"request_id":7,"proof":"groth16"}"#).unwrap().options.proof, Some(7));
	refused(with(r#"{"proof":"groth16"}"#), "name it by the parameter `request_id`");
	refused(with(r#"{"proof":"stark","request_id":7}"#), "is `groth16`");
	refused(with(r#"{"request_id":"seven"}"#), "`seven` is no integer");
	refused(with(r#"{"nonce":"ab"}"#), "64 hexadecimal digits");
	refused(with(r#"{"timeout":0}"#), "must not be 0");
	refused(with(r#"{"sequence_id":1}"#), "no sequences");
	assert!(with(r#"{"sequence_id":0}"#).is_ok());
}

fn model(inputs: &[&[i64]]) -> ModelMetadata {
	let input = |shape: &&[i64]| TensorMetadata {
		name: "x".into(),
		data_type: DataType::Fp32,
		shape: shape.to_vec(),
	};
	ModelMetadata {
		name: "m".into(),
		versions: vec!["1.0.0".into()],
		platform: "onnx_onnxv1".into(),
		version: "1.0.0".into(),
		artifact: ArtifactHash::zero(),
		inputs: inputs.iter().map(input).collect(),
		outputs: Vec::new(),
	}
}

#[test]
fn a_body_alone_has_the_shape_that_fits() {
	let raw = |bytes: usize, inputs: &[&[i64]]| {
		read_raw(&vec![0; bytes].into(), &model(inputs)).map(|asked| asked.inputs[0].shape.clone())
	};
	assert_eq!(raw(24, &[&[-1, 3]]).unwrap(), [2, 3]);
	assert_eq!(raw(24, &[&[2, 3]]).unwrap(), [2, 3]);
	assert_eq!(raw(4, &[&[]]).unwrap(), [] as [u64; 0]);
	let cases: [(usize, &[&[i64]], &str); 5] = [
		(25, &[&[-1, 3]], "a multiple of 12 bytes"),
		(12, &[&[2, 3]], "one of 24 bytes"),
		(24, &[&[-1, -1]], "can not be told from a length"),
		(24, &[&[-1, 0]], "a multiple of 0 bytes"),
		(24, &[&[6], &[6]], "`m` has 2"),
	];
	for (bytes, inputs, reason) in cases {
		let error = raw(bytes, inputs).unwrap_err().to_string();
		assert!(error.contains(reason), "{error}");
	}
}
