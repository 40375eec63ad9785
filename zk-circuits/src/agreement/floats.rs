//! Windows of float models slide as ONNX Runtime's do.

use super::onnxruntime::Session;
use crate::{
	onnx::{Attribute, Data, Dim, GraphWriter, Tensor, TensorType},
	quantize::FloatModel,
};

/// A window over `size` elements of one dimension, of `kernel` elements.
fn model(operator: &str, size: usize, kernel: usize, attributes: &[(&str, Attribute)]) -> Vec<u8> {
	let mut graph = GraphWriter::new("window");
	graph.input("x", TensorType::F32, &[1, 1, size].map(Dim::Known));
	let weights = (0..kernel).map(|k| 1.0 + k as f32 * k as f32).collect();
	let weights = Tensor { dims: vec![1, 1, kernel], data: Data::F32(weights) };
	let mut inputs = vec!["x"];
	let mut all = attributes.to_vec();
	match operator.ends_with("Pool") {
		true => all.push(("kernel_shape", Attribute::Ints(vec![kernel as i64]))),
		false => {
			graph.constant("w", &weights);
			inputs.push("w");
		},
	}
	graph.node_with(operator, &inputs, &["y"], &all);
	graph.output_of_any_shape("y", TensorType::F32);
	graph.finish(19)
}

/// Compares a model with ONNX Runtime, if it runs it; whether the model is read, and agrees.
fn compare(onnx: &[u8], size: usize) -> (bool, Option<bool>) {
	let row: Vec<f32> = (0..size).map(|x| ((x * x * 7 + 3) % 11) as f32 - 5.0).collect();
	let ours = FloatModel::from_onnx(onnx).map(|model| model.execute(&row).expect("a row"));
	let theirs =
		Session::try_open(onnx).and_then(|mut session| session.run_floats(&[1, 1, size], &row));
	let agree = match (&ours, &theirs) {
		(Ok(ours), Ok(theirs)) => Some(
			ours.len() == theirs.len()
				&& ours.iter().zip(theirs).all(|(a, b)| (a - f64::from(*b)).abs() < 1e-4),
		),
		_ => None,
	};
	(ours.is_ok(), agree)
}

#[test]
fn automatic_padding_is_that_of_onnx_runtime_or_refused() {
	let (mut compared, mut refused) = (0, 0);
	for operator in ["Conv", "MaxPool", "AveragePool", "ConvTranspose"] {
		for mode in ["SAME_UPPER", "SAME_LOWER"] {
			for case in 0..6 * 4 * 4 * 2 {
				let (size, kernel) = (3 + case % 6, 1 + case / 6 % 4);
				let (stride, dilation) = (1 + case / 24 % 4, 1 + case / 96);
				let attributes = [
					("auto_pad", Attribute::Text(mode.into())),
					("strides", Attribute::Ints(vec![stride as i64])),
					("dilations", Attribute::Ints(vec![dilation as i64])),
				];
				let onnx = model(operator, size, kernel, &attributes);
				let (read, agree) = compare(&onnx, size);
				let what = format!("{operator} {mode} of {size}: {kernel}, {stride}, {dilation}");
				assert_ne!(agree, Some(false), "{what}");
				compared += usize::from(agree.is_some());
				refused += usize::from(!read);
				// Nothing that is common is refused.
				let left_out =
					(size.div_ceil(stride) - 1) * stride + (kernel - 1) * dilation + 2 < size;
				let dilated = operator.ends_with("Pool") && dilation > 1;
				assert!(read || (operator != "ConvTranspose" && (left_out || dilated)), "{what}");
			}
		}
	}
	assert!(compared > 700 && refused > 100, "{compared} {refused}");
}

#[test]
fn pools_with_rounded_up_places_are_those_of_onnx_runtime() {
	for operator in ["MaxPool", "AveragePool"] {
		for case in 0..6 * 3 * 3 * 4 * 2 {
			let (size, kernel, stride) = (3 + case % 6, 1 + case / 6 % 3, 1 + case / 18 % 3);
			let (pads, counted) = (case / 54 % 4, case / 216);
			let (before, after) = ((pads % 2).min(kernel - 1), (pads / 2).min(kernel - 1));
			let mut attributes = vec![
				("ceil_mode", Attribute::Int(1)),
				("strides", Attribute::Ints(vec![stride as i64])),
				("pads", Attribute::Ints(vec![before as i64, after as i64])),
			];
			if operator == "AveragePool" {
				attributes.push(("count_include_pad", Attribute::Int(counted as i64)));
			}
			let onnx = model(operator, size, kernel, &attributes);
			let what =
				format!("{operator} of {size}: {kernel}, {stride}, {before} {after} {counted}");
			assert_eq!(compare(&onnx, size), (true, Some(true)), "{what}");
		}
	}
}
