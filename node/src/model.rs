//! `model check`: what a model file is, what running it takes, and whether its answers can be proved.

use crate::worker;
use aimodel_inference::{
	backend::{Backend, LoadRequest, Model},
	blobs, OnnxRuntime,
};
use serde_json::{json, Value};
use std::{
	fs,
	hint::black_box,
	io::{self, Write},
	path::{Path, PathBuf},
	time::{Duration, Instant},
};
use zkonnx::{Circuit, Network, Outline, Privacy, MAX_MODEL_BYTES};

/// Runs that a time is the median of.
const RUNS: usize = 25;

/// Bytes of a proving key in memory, and microseconds of a proof on two cores, for each constraint that the
/// circuit's domain has room for, and of any proof; see docs/benchmarks.md.
const KEY_BYTES: usize = 500;
const PROOF_MICROS: usize = 6;
const ANY_PROOF_MICROS: usize = 8_000;

/// What is to be known of a model file.
#[derive(Debug, clap::Args)]
pub(crate) struct ModelCmd {
	#[command(subcommand)]
	action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
	/// Tell a model file's format, its operators, what running it takes, and whether its answers can be
	/// proved.
	///
	/// It is run with zeros, if ONNX Runtime is there. Ends with 1 if a worker could not serve it.
	Check {
		/// The file.
		file: PathBuf,

		/// ONNX Runtime's shared library, as for a worker.
		#[arg(long, value_name = "PATH", env = "ONNXRUNTIME_LIB")]
		onnxruntime: Option<PathBuf>,

		/// Print JSON.
		#[arg(long)]
		json: bool,
	},
}

impl ModelCmd {
	/// Does it.
	pub(crate) fn run(&self) -> sc_cli::Result<()> {
		let Action::Check { file, onnxruntime, json } = &self.action;
		let report = check(file, onnxruntime.as_deref()).map_err(sc_cli::Error::Input)?;
		match json {
			true => writeln!(io::stdout(), "{report:#}")?,
			false => tell(&report)?,
		}
		match report["served"]["error"].as_str() {
			None => Ok(()),
			Some(error) => Err(sc_cli::Error::Input(format!("a worker can not serve it: {error}"))),
		}
	}
}

/// What there is to tell of a file.
fn check(path: &Path, library: Option<&Path>) -> Result<Value, String> {
	let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
	let length = fs::metadata(path).map_err(|error| at(&error))?.len();
	if length > MAX_MODEL_BYTES as u64 {
		return Err(at(&format!("it has {length} bytes; {MAX_MODEL_BYTES} are the most")));
	}
	let file = fs::read(path).map_err(|error| at(&error))?;
	if file.is_empty() {
		return Err(at(&"the file is empty"));
	}
	let outline = Outline::read(&file).map_err(|error| at(&error))?;
	let sides = |values: &[zkonnx::ValueOutline]| {
		values.iter().map(ToString::to_string).collect::<Vec<_>>()
	};
	Ok(json!({
		"format": format!("ONNX, opset {}", outline.opset),
		"artifact": format!("{:?}", blobs::hash(&file)),
		"bytes": file.len(),
		"inputs": sides(&outline.inputs),
		"outputs": sides(&outline.outputs),
		"operators": outline.operators,
		"constants": outline.constants,
		"served": served(&file, library),
		"provable": provable(&file),
	}))
}

/// What running it takes, or why it can not be run.
fn served(file: &[u8], library: Option<&Path>) -> Value {
	let measured = || -> Result<Value, String> {
		let library = worker::library(library).map_err(|error| error.to_string())?;
		let engine = OnnxRuntime::load(&library, 1).map_err(|error| error.to_string())?;
		let started = Instant::now();
		let model = engine
			.load(&LoadRequest {
				model: "checked",
				version: "1.0.0",
				uri: "",
				hash: blobs::hash(file),
				file: &file.to_vec().into(),
			})
			.map_err(|error| error.to_string())?;
		let load = started.elapsed();
		let run = run_time(&*model)?;
		Ok(json!({
			"engine": engine.build_info(),
			"load_ms": millis(load),
			"run_ms": run.map(millis),
			"memory_bytes": model.memory(),
			"batches": model.signature().batches,
		}))
	};
	measured().unwrap_or_else(|error| json!({ "error": error }))
}

/// The median time of a run with one row of zeros; `None` if nobody can say which shape would fit.
fn run_time(model: &dyn Model) -> Result<Option<Duration>, String> {
	let Some(zeros) = model.signature().zeros(1) else { return Ok(None) };
	let mut times = Vec::with_capacity(RUNS);
	for _ in 0..RUNS {
		let started = Instant::now();
		black_box(model.infer(black_box(&zeros)).map_err(|error| error.to_string())?);
		times.push(started.elapsed());
	}
	times.sort_unstable();
	Ok(Some(times[RUNS / 2]))
}

/// What proving it takes, or what keeps it from being provable.
fn provable(file: &[u8]) -> Value {
	let network = match Network::from_onnx(file) {
		Ok(network) => network,
		Err(error) => {
			return json!({
				"reason": error.to_string(),
				"mend": "`zkonnx quantize` makes a provable model of a float one; docs/operators.md lists what can be proved",
			})
		},
	};
	let circuit = Circuit::new(&network, Privacy::default());
	let domain = circuit.constraints().max(1).next_power_of_two();
	json!({
		"constraints": circuit.constraints(),
		"public_inputs": circuit.public_inputs(),
		"multiply_accumulates": network.multiply_accumulates(),
		"estimated_key_bytes": domain.saturating_mul(KEY_BYTES),
		"estimated_proof_ms": domain.saturating_mul(PROOF_MICROS).saturating_add(ANY_PROOF_MICROS) / 1_000,
	})
}

fn millis(time: Duration) -> f64 {
	(time.as_secs_f64() * 1e6).round() / 1e3
}

/// Prints a report for people.
fn tell(report: &Value) -> io::Result<()> {
	let list = |value: &Value| {
		let items: Vec<_> =
			value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
		items.join(", ")
	};
	let operators: Vec<_> = report["operators"]
		.as_object()
		.into_iter()
		.flatten()
		.map(|(name, count)| format!("{name} {count}"))
		.collect();
	let served = match &report["served"] {
		Value::Object(it) if it.contains_key("error") => {
			format!("no: {}", it["error"].as_str().unwrap_or_default())
		},
		it => {
			let run = match it["run_ms"].as_f64() {
				Some(run) => format!("{run} ms a run"),
				None => "not run, as its shape varies".into(),
			};
			let batches = if it["batches"] == true { ", in batches" } else { "" };
			let memory = it["memory_bytes"].as_u64().unwrap_or_default() >> 10;
			format!("yes{batches}: loaded in {} ms, {run}, {memory} kB", it["load_ms"])
		},
	};
	let provable = match &report["provable"] {
		Value::Object(it) if it.contains_key("reason") => {
			let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
			format!("no: {}\n              {}", text("reason"), text("mend"))
		},
		it => format!(
			"yes: {} constraints, {} public inputs; a key of about {} kB, a proof of about {} ms",
			it["constraints"],
			it["public_inputs"],
			it["estimated_key_bytes"].as_u64().unwrap_or_default() >> 10,
			it["estimated_proof_ms"],
		),
	};
	let text = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
	let mut out = io::stdout().lock();
	for (name, value) in [
		("format", format!("{}, {} bytes", text("format"), report["bytes"])),
		("artifact", text("artifact")),
		("inputs", list(&report["inputs"])),
		("outputs", list(&report["outputs"])),
		("operators", operators.join(", ")),
		("constants", format!("{} elements", report["constants"])),
		("served", served),
		("provable", provable),
	] {
		writeln!(out, "{name:12}  {value}")?;
	}
	Ok(())
}
