//! The real ONNX Runtime, the real example models, the real prover.

mod backend;
mod engine;
mod http;
mod onnx;
mod proving;
mod remote;
mod serving;
mod sources;

use aimodel_inference::OnnxRuntime;
use aimodel_primitives::tensor::{Dimension, ElementType, Interface, TensorType};
use std::path::PathBuf;

/// ONNX Runtime from `ONNXRUNTIME_LIB`, or from where `scripts/setup.sh` puts it.
fn library() -> PathBuf {
	let path = std::env::var_os("ONNXRUNTIME_LIB")
		.map(PathBuf::from)
		.unwrap_or_else(|| repository().join(".onnxruntime/libonnxruntime.so.1.28.0"));
	assert!(
		path.is_file(),
		"{} is missing: run scripts/setup.sh, or set ONNXRUNTIME_LIB to the library",
		path.display()
	);
	path
}

fn runtime() -> OnnxRuntime {
	OnnxRuntime::load(&library(), 4).unwrap()
}

// Tests run in the folder of their package. Where that was when they were compiled says nothing:
// several checkouts share a target folder.
fn repository() -> PathBuf {
	PathBuf::from("../..")
}

fn example(path: &str) -> Vec<u8> {
	let path = repository().join("examples").join(path);
	std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn tensor(element: ElementType, shape: &[Dimension]) -> TensorType {
	TensorType { element, shape: shape.to_vec().try_into().unwrap() }
}

fn fixed(element: ElementType, shape: &[u32]) -> TensorType {
	TensorType::fixed(element, shape).unwrap()
}

/// The provable digits: `u8[1, 64]` to `i32[1, 10]`.
fn digits() -> Interface {
	Interface { input: fixed(ElementType::U8, &[1, 64]), output: fixed(ElementType::I32, &[1, 10]) }
}

/// The index of the largest score, the first of several.
fn arg_max<T: PartialOrd>(scores: &[T]) -> usize {
	(1..scores.len()).fold(0, |best, at| if scores[at] > scores[best] { at } else { best })
}
