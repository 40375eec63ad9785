//! The messages of the gRPC form, and the words that both forms share.

#![allow(missing_docs, unreachable_pub, clippy::all)]

tonic::include_proto!("inference");

/// The words that both forms share.
pub(crate) mod describe {
	use super::DataType as TritonType;
	use aimodel_inference::{serving::State, tensor::DataType};

	/// The server's name.
	pub(crate) const NAME: &str = "aimodel";

	/// Its version.
	pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

	/// What it serves besides the protocol's core.
	pub(crate) const EXTENSIONS: [&str; 7] = [
		"binary_tensor_data",
		"model_configuration",
		"model_repository",
		"statistics",
		"aimodel_events",
		"aimodel_receipts",
		"aimodel_proofs",
	];

	/// What Triton calls what runs our models.
	pub(crate) const TRITON_PLATFORM: &str = "onnxruntime_onnx";

	/// What Triton calls its backend.
	pub(crate) const TRITON_BACKEND: &str = "onnxruntime";

	pub(crate) fn triton_type(data_type: DataType) -> TritonType {
		match data_type {
			DataType::Bool => TritonType::TypeBool,
			DataType::Uint8 => TritonType::TypeUint8,
			DataType::Uint16 => TritonType::TypeUint16,
			DataType::Uint32 => TritonType::TypeUint32,
			DataType::Uint64 => TritonType::TypeUint64,
			DataType::Int8 => TritonType::TypeInt8,
			DataType::Int16 => TritonType::TypeInt16,
			DataType::Int32 => TritonType::TypeInt32,
			DataType::Int64 => TritonType::TypeInt64,
			DataType::Fp16 => TritonType::TypeFp16,
			DataType::Fp32 => TritonType::TypeFp32,
			DataType::Fp64 => TritonType::TypeFp64,
		}
	}

	pub(crate) fn state(state: State) -> &'static str {
		match state {
			State::Unavailable => "UNAVAILABLE",
			State::Loading => "LOADING",
			State::Ready => "READY",
			State::Unloading => "UNLOADING",
		}
	}

	pub(crate) fn is_ready(state: State) -> bool {
		state == State::Ready
	}
}
