//! Times setup and proof, stage by stage, against plain arkworks in the same run; medians.
//!
//! ```text
//! cargo run --release -p zkonnx --example prove_bench -- [OPTION]... [NETWORK]...
//! ```
//!
//! - `--runs N`: so many proofs of each network
//! - `--no-arkworks`: leaves plain arkworks out, and so the memory that it takes
//! - `--json`: an object for each network, in the words of `scripts/bench.sh`, instead of the stages
//! - `--input committed`, `--output committed`: public if not given
//! - `--write-key FILE`: makes the key of one network, and ends
//! - `--read-key FILE`: takes that key; so the memory of setup and proof can be told apart
//!
//! A network is a provable `.onnx` file, or a number: a network of one hidden layer that takes at most
//! so many constraints, and about one in a hundred less. Inputs are pseudorandom bytes.

use ark_bls12_381::Bls12_381;
use ark_groth16::Groth16;
use std::{
	path::PathBuf,
	time::{Duration, Instant},
};
use zkonnx::{
	rand::{rngs::StdRng, RngCore, SeedableRng},
	Circuit, Fr, Network, Opening, Privacy, Prover, ProvingKey, Timings,
};

const INPUTS: usize = 64;

struct Options {
	runs: usize,
	arkworks: bool,
	json: bool,
	privacy: Privacy,
	write_key: Option<PathBuf>,
	read_key: Option<PathBuf>,
}

fn main() {
	let mut options = Options {
		runs: 5,
		arkworks: true,
		json: false,
		privacy: Privacy::PUBLIC,
		write_key: None,
		read_key: None,
	};
	let mut networks = Vec::new();
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
		match argument.as_str() {
			"--runs" => options.runs = value().parse::<usize>().expect("--runs N").max(1),
			"--no-arkworks" => options.arkworks = false,
			"--json" => options.json = true,
			"--input" => options.privacy.input = value().parse().expect("public or committed"),
			"--output" => options.privacy.output = value().parse().expect("public or committed"),
			"--write-key" => options.write_key = Some(value().into()),
			"--read-key" => options.read_key = Some(value().into()),
			_ => networks.push(argument),
		}
	}
	if networks.is_empty() {
		networks = ["1277", "8100", "131000"].map(String::from).to_vec();
	}
	for name in networks {
		let onnx = match name.parse() {
			Ok(constraints) => synthetic(constraints),
			Err(_) => std::fs::read(&name).unwrap_or_else(|error| panic!("{name}: {error}")),
		};
		let network = Network::from_onnx(&onnx).unwrap_or_else(|error| panic!("{name}: {error}"));
		measure(&name, network, &options);
	}
}

fn measure(name: &str, network: Network, options: &Options) {
	let &Options { runs, arkworks, json, privacy, .. } = options;
	let line = |what: &str, time: Duration| {
		if !json {
			println!("  {what:24}{:10.2} ms", time.as_secs_f64() * 1e3);
		}
	};
	let mut rng = StdRng::seed_from_u64(1);
	let (circuit, synthesis) = time(|| Circuit::new(&network, privacy));
	let (constraints, public) = (circuit.constraints(), circuit.public_inputs());
	if !json {
		println!(
			"{name}: {constraints} constraints, {public} public inputs, domain 2^{}, {} coefficients",
			(constraints + public + 1).next_power_of_two().ilog2(),
			circuit.coefficients(),
		);
	}
	// Neither setup nor prover needs a second one in memory.
	drop(circuit);
	line("synthesis", synthesis);
	let mut row = serde_json::json!({ "network": name, "constraints": constraints });
	let bytes = options.read_key.as_ref().map(|path| std::fs::read(path).expect("a key file"));
	let bytes = bytes.unwrap_or_else(|| {
		let setup = || zkonnx::setup(&network, privacy, &mut rng).expect("a circuit that fits");
		let (key, setup) = time(setup);
		line("setup", setup);
		row["setup_s"] = setup.as_secs_f64().into();
		key.to_bytes()
	});
	if let Some(path) = &options.write_key {
		std::fs::write(path, bytes).expect("written");
		row["peak_mb"] = peak_memory().into();
		if json {
			println!("{row}");
		}
		return;
	}
	if arkworks && options.read_key.is_none() {
		let stock = Groth16::<Bls12_381>::generate_random_parameters_with_reduction;
		let circuit = Circuit::new(&network, privacy);
		let (_, stock) = time(|| stock(&circuit, &mut rng).expect("a circuit that fits"));
		line("setup, arkworks", stock);
	}
	let megabytes = |bytes: usize| bytes as f64 / 1e6;
	let (key, load) = time(|| ProvingKey::from_trusted_bytes(&bytes).expect("its own file"));
	let memory = megabytes(key.memory());
	if !json {
		println!("  {:24}{memory:10.2} MB", "key in memory");
		println!("  {:24}{:10.2} MB", "key file", megabytes(bytes.len()));
	}
	line("key load", load);
	drop(bytes);
	let (prover, new) = time(|| Prover::new(network, key).expect("its own key"));
	line("prover", new);
	let (prover, warm) = time(|| prover.warm());
	line("prover, to warm up", warm);

	let mut input = || {
		let mut input = vec![0; prover.network().input().bytes()];
		rng.fill_bytes(&mut input);
		input
	};
	let inputs: Vec<Vec<u8>> = (0..=runs).map(|_| input()).collect();
	let mut rng = StdRng::seed_from_u64(2);
	// The first makes the buffers.
	let timings: Vec<Timings> = inputs
		.iter()
		.map(|input| prover.time(input, &mut rng, arkworks).expect("a proof"))
		.skip(1)
		.collect();
	let stages: [(&str, fn(&Timings) -> Duration); 7] = [
		("prove", Timings::prove),
		("  assign", |t| t.assign),
		("  check", |t| t.check),
		("  quotient", |t| t.quotient),
		("  h", |t| t.h),
		("  variables", |t| t.variables),
		("  verify", |t| t.verify),
	];
	for (stage, of) in stages {
		line(stage, median(timings.iter().map(of).collect()));
	}
	let stock = arkworks.then(|| median(timings.iter().filter_map(|t| t.arkworks).collect()));
	if json {
		let of = |stage: fn(&Timings) -> Duration| {
			median(timings.iter().map(stage).collect()).as_secs_f64()
		};
		row["prove_s"] = of(Timings::prove).into();
		row["arkworks_prove_s"] = stock.map(|stock| stock.as_secs_f64()).into();
		row["verify_ms"] = (of(|t| t.verify) * 1e3).into();
		row["proof_bytes"] = zkonnx::PROOF_BYTES.into();
		row["key_mb"] = memory.into();
		// Before the batch, whose proofs are made at the same time.
		row["peak_mb"] = peak_memory().into();
		println!("{row}");
		return;
	}
	if let Some(stock) = stock {
		let ratio = timings.iter().filter_map(|t| {
			Some(
				(t.arkworks?.as_secs_f64() / (t.prove() - t.verify - t.assign).as_secs_f64() * 1e3)
					as u64,
			)
		});
		line("prove, arkworks", stock);
		println!("  {:24}{:10.2}", "ratio", median(ratio.collect()) as f64 / 1e3);
	}
	let opening = privacy.commits().then(|| Opening::random(Fr::from(3u64), &mut rng));
	let opening = opening.as_ref();
	let jobs: Vec<_> = inputs.iter().map(|input| (&input[..], Fr::from(7u64), opening)).collect();
	let (results, batch) = time(|| prover.prove_batch(&jobs, &mut rng));
	assert!(results.iter().all(Result::is_ok));
	line("batch, each", batch / jobs.len() as u32);
	if let Some(peak) = peak_memory() {
		println!("  {:24}{peak:10.2} MB", "peak of the process");
	}
}

fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
	let start = Instant::now();
	(work(), start.elapsed())
}

fn median<T: Copy + Ord>(mut values: Vec<T>) -> T {
	values.sort_unstable();
	values[values.len() / 2]
}

/// Megabytes that the process took at most, as Linux tells it.
fn peak_memory() -> Option<f64> {
	let status = std::fs::read_to_string("/proc/self/status").ok()?;
	let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
	let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
	Some(kibibytes * 1024.0 / 1e6)
}

/// A provable model with one hidden layer that takes at most so many constraints.
fn synthetic(constraints: usize) -> Vec<u8> {
	let count = |onnx: &[u8]| Network::from_onnx(onnx).expect("provable").constraints();
	// Neurons cost about the same each.
	let (few, many) = (count(&perceptron(1)), count(&perceptron(101)));
	let mut hidden = constraints.saturating_sub(few) * 100 / (many - few) + 1;
	loop {
		let onnx = perceptron(hidden);
		if hidden == 1 || count(&onnx) <= constraints {
			return onnx;
		}
		hidden -= hidden.div_ceil(200).min(hidden - 1);
	}
}

/// A provable model with one hidden layer and ten scores.
fn perceptron(hidden: usize) -> Vec<u8> {
	let mut rng = StdRng::seed_from_u64(3);
	let mut weights = |count: usize| {
		let mut bytes = vec![0; count];
		rng.fill_bytes(&mut bytes);
		bytes.iter_mut().for_each(|byte| *byte = 120 + *byte % 17);
		bytes
	};
	let (first, second) = (weights(INPUTS * hidden), weights(hidden * 10));
	let integers =
		|values: &[i32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
	const U8: u64 = 2;
	const I32: u64 = 6;
	let (columns, inputs) = (hidden as u64, INPUTS as u64);
	let mut graph = Vec::new();
	for (operator, operands, result) in [
		("MatMulInteger", vec!["x", "w", "zero", "centre"], "a"),
		("Add", vec!["a", "bias"], "b"),
		("Div", vec!["b", "divisor"], "c"),
		("Clip", vec!["c", "low", "high"], "d"),
	] {
		node(&mut graph, operator, &operands, result, &[]);
	}
	// Cast's attribute: name `to`, type INT (2), value UINT8 (2).
	let mut to = Vec::new();
	bytes(&mut to, 1, b"to");
	number(&mut to, 3, U8);
	number(&mut to, 20, 2);
	node(&mut graph, "Cast", &["d"], "e", &to);
	node(&mut graph, "MatMulInteger", &["e", "v", "zero", "centre"], "f", &[]);
	node(&mut graph, "Add", &["f", "scores"], "y", &[]);
	bytes(&mut graph, 2, b"bench");
	for (name, dims, kind, data) in [
		("w", vec![inputs, columns], U8, first),
		("v", vec![columns, 10], U8, second),
		("zero", vec![], U8, vec![0]),
		("centre", vec![], U8, vec![128]),
		("bias", vec![columns], I32, integers(&vec![64; hidden])),
		("divisor", vec![columns], I32, integers(&vec![32; hidden])),
		("scores", vec![10], I32, integers(&[1; 10])),
		("low", vec![], I32, integers(&[0])),
		("high", vec![], I32, integers(&[255])),
	] {
		let mut tensor = Vec::new();
		dims.iter().for_each(|&dim| number(&mut tensor, 1, dim));
		number(&mut tensor, 2, kind);
		bytes(&mut tensor, 8, name.as_bytes());
		bytes(&mut tensor, 9, &data);
		bytes(&mut graph, 5, &tensor);
	}
	for (field, name, kind, dims) in [(11, "x", U8, [1, inputs]), (12, "y", I32, [1, 10])] {
		let mut shape = Vec::new();
		for dim in dims {
			let mut dimension = Vec::new();
			number(&mut dimension, 1, dim);
			bytes(&mut shape, 1, &dimension);
		}
		let (mut tensor, mut value, mut info) = (Vec::new(), Vec::new(), Vec::new());
		number(&mut tensor, 1, kind);
		bytes(&mut tensor, 2, &shape);
		bytes(&mut value, 1, &tensor);
		bytes(&mut info, 1, name.as_bytes());
		bytes(&mut info, 2, &value);
		bytes(&mut graph, field, &info);
	}
	let (mut opset, mut model) = (Vec::new(), Vec::new());
	bytes(&mut opset, 1, b"");
	number(&mut opset, 2, 17);
	number(&mut model, 1, 8);
	bytes(&mut model, 7, &graph);
	bytes(&mut model, 8, &opset);
	model
}

/// A node of a graph, in protobuf.
fn node(graph: &mut Vec<u8>, operator: &str, operands: &[&str], result: &str, attribute: &[u8]) {
	let mut node = Vec::new();
	operands.iter().for_each(|operand| bytes(&mut node, 1, operand.as_bytes()));
	bytes(&mut node, 2, result.as_bytes());
	bytes(&mut node, 4, operator.as_bytes());
	if !attribute.is_empty() {
		bytes(&mut node, 5, attribute);
	}
	bytes(graph, 1, &node);
}

/// A field of bytes, in protobuf.
fn bytes(message: &mut Vec<u8>, field: u64, value: &[u8]) {
	varint(message, field << 3 | 2);
	varint(message, value.len() as u64);
	message.extend_from_slice(value);
}

/// A field of a number, in protobuf.
fn number(message: &mut Vec<u8>, field: u64, value: u64) {
	varint(message, field << 3);
	varint(message, value);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
	while value >= 128 {
		message.push(value as u8 | 128);
		value >>= 7;
	}
	message.push(value as u8);
}
