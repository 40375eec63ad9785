//! What is told of models, in JSON.

use crate::{call::Gate, proto::describe};
use aimodel_inference::serving::{IndexEntry, ModelMetadata, Statistics, TensorMetadata, Timing};
use serde_json::{json, Map, Value};

/// What the server tells of itself.
pub(super) fn server(gate: &Gate) -> Value {
	let mut told = json!({
		"name": describe::NAME,
		"version": describe::VERSION,
		"extensions": describe::EXTENSIONS,
	});
	let hex = |bytes: &[u8]| json!(format!("0x{}", hex::encode(bytes)));
	let mut parameters = Map::new();
	let account = || gate.signer.as_ref().and_then(|signer| signer.account());
	if let Some(worker) = gate.config.worker.or_else(account) {
		parameters.insert("worker".into(), hex(&worker));
		parameters.insert("genesis".into(), hex(gate.config.genesis.as_ref()));
	}
	if let Some(public) = gate.signer.as_ref().and_then(|signer| signer.public()) {
		parameters.insert("receipt_signer".into(), hex(public.as_ref()));
	}
	if !parameters.is_empty() {
		told["parameters"] = parameters.into();
	}
	told
}

fn tensors(tensors: &[TensorMetadata]) -> Vec<Value> {
	let tell = |TensorMetadata { name, data_type, shape }: &TensorMetadata| json!({ "name": &**name, "datatype": data_type.name(), "shape": shape });
	tensors.iter().map(tell).collect()
}

/// What a model takes and gives.
pub(super) fn metadata(model: &ModelMetadata) -> Value {
	let ModelMetadata { name, versions, platform, version, artifact, inputs, outputs } = model;
	json!({
		"name": name,
		"versions": versions,
		"platform": platform,
		"inputs": tensors(inputs),
		"outputs": tensors(outputs),
		"parameters": {
			"version": version,
			"model_hash": format!("0x{}", hex::encode(artifact)),
		},
	})
}

/// The same, as Triton configures a model.
pub(super) fn configuration(model: &ModelMetadata) -> Value {
	let tensors = |tensors: &[TensorMetadata]| -> Vec<Value> {
		let tell = |TensorMetadata { name, data_type, shape }: &TensorMetadata| {
			let data_type = describe::triton_type(*data_type).as_str_name();
			json!({ "name": &**name, "data_type": data_type, "dims": shape })
		};
		tensors.iter().map(tell).collect()
	};
	json!({
		"name": model.name,
		"platform": describe::TRITON_PLATFORM,
		"backend": describe::TRITON_BACKEND,
		"max_batch_size": 0,
		"input": tensors(&model.inputs),
		"output": tensors(&model.outputs),
	})
}

/// What is in the repository.
pub(super) fn index(entries: &[IndexEntry], ready: bool) -> Value {
	entries
		.iter()
		.filter(|entry| !ready || describe::is_ready(entry.state))
		.map(|IndexEntry { name, version, state, reason }| {
			let state = describe::state(*state);
			json!({ "name": name, "version": version, "state": state, "reason": reason })
		})
		.collect()
}

/// What was counted.
pub(super) fn statistics(all: &[Statistics]) -> Value {
	let timing = |Timing { count, ns }: Timing| json!({ "count": count, "ns": ns });
	let model_stats: Vec<_> = all
		.iter()
		.map(|of| {
			let batches: Vec<_> = of
				.batches
				.iter()
				.map(|(rows, took)| json!({ "batch_size": rows, "compute_infer": timing(*took) }))
				.collect();
			json!({
				"name": of.name,
				"version": of.version,
				"last_inference": of.last_inference,
				"inference_count": of.inference_count,
				"execution_count": of.execution_count,
				"inference_stats": {
					"success": timing(of.success),
					"fail": timing(of.fail),
					"queue": timing(of.queue),
					"compute_input": timing(of.compute_input),
					"compute_infer": timing(of.compute_infer),
					"compute_output": timing(of.compute_output),
					"cache_hit": timing(of.cache_hit),
					"cache_miss": timing(of.cache_miss),
				},
				"batch_stats": batches,
				"memory_usage": [{ "type": "CPU", "id": 0, "byte_size": of.memory }],
			})
		})
		.collect();
	json!({ "model_stats": model_stats })
}
