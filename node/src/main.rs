//! The chain's node: it imports and authors blocks, answers RPC, keeps blobs, and, as a worker,
//! runs models and proves their answers.
//!
//! - [`cli`] says what can be asked for, [`command`] does it.
//! - [`service`] puts a node together; [`authoring`] and [`sealing`] are the two ways in which it
//!   makes blocks.
//! - [`worker`] is the operator's keys and the native inference service; [`revenue`] tells what they earn.
//! - [`gateway`] serves models to clients of the Open Inference Protocol.
//! - [`exchange`] gets blobs from other nodes, and gives them some.
//! - [`traces`] tells a collector what became of requests and calls.
//! - [`blobs`] and [`rpc`] are the ways in from outside.
//! - [`doctor`] and [`model`] look at a machine and at a model file.

// Errors of `sc_service` and `sc_cli` are large, and are made once, on the way out.
#![allow(clippy::result_large_err)]

mod authoring;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod blobs;
mod chain_spec;
mod cli;
mod command;
mod doctor;
mod events;
mod exchange;
mod gateway;
mod model;
mod revenue;
mod rpc;
mod sealing;
mod service;
mod traces;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
	// ONNX Runtime reads it when it is loaded. No other thread runs yet.
	std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
	match command::run() {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			// Returned from `main`, it would be printed for programmers.
			eprintln!("Error: {error}");
			ExitCode::FAILURE
		},
	}
}
