//! The executor, the circuit and ONNX Runtime agree bit for bit: on one graph for each operator,
//! and on random graphs over all of them.

mod backend;
mod floats;
mod graphs;
mod moves;
mod onnxruntime;
mod opsets;
mod rewrites;

use crate::{
	circuit::Circuit,
	network::{Interval, Network, Trace},
	proof::Run,
	Fr, Privacy,
};
use ark_std::rand::{rngs::StdRng, Rng, SeedableRng};
use graphs::{Graphs, OPERATORS};
use proptest::prelude::*;

/// Inputs that sit at the edges, and random ones.
fn inputs(network: &Network, rng: &mut StdRng) -> Vec<Vec<u8>> {
	let bytes = network.input().bytes();
	let mut some = |random: &dyn Fn(&mut StdRng) -> u8| (0..bytes).map(|_| random(rng)).collect();
	vec![
		vec![0; bytes],
		vec![255; bytes],
		some(&|rng| if rng.gen() { 255 } else { 0 }),
		some(&|rng| rng.gen_range(0..3)),
		some(&|rng| rng.gen()),
		some(&|rng| rng.gen()),
	]
}

/// Checks everything that must hold of one provable model, and of the same with private parameters,
/// where it has some whose widths admit no overflow. Returns whether it has.
fn check(onnx: &[u8], rng: &mut StdRng) -> bool {
	check_one(onnx, rng);
	let hidden = crate::hide_parameters(onnx, rng);
	hidden.map(|hidden| check_one(&hidden, rng)).is_ok()
}

fn check_one(onnx: &[u8], rng: &mut StdRng) {
	let network = Network::from_onnx(onnx).expect("a provable model");
	let circuit = Circuit::new(&network, Privacy::PUBLIC);
	let nodes: usize = network.summary().iter().map(|node| node.constraints).sum();
	assert_eq!(nodes + network.statement_constraints(), circuit.constraints());
	let mut reference = onnxruntime::Session::open(onnx);
	for input in inputs(&network, rng) {
		let trace = network.trace(&input).expect("a valid input");
		assert_bounded(&network, &trace);
		let output = network.output_bytes(&trace);
		assert_eq!(output, reference.run(&network, &input), "ONNX Runtime on {input:?}");
		let run = Run::new(&network, Privacy::PUBLIC, (&input, Fr::from(77u64), None));
		let Run { assigned, .. } = run.expect("a valid input");
		assert_eq!(assigned.violated(), None, "recorded rows on {input:?}");
		assert_eq!(circuit.violated(&assigned.variables.to_field()), None, "{input:?}");
	}
}

/// Interval analysis holds of every value.
fn assert_bounded(network: &Network, trace: &Trace) {
	for (value, elements) in trace.0.iter().enumerate() {
		for (element, bounds) in elements.iter().zip(network.bounds(value)) {
			assert!(Interval { lo: *element, hi: *element }.within(bounds), "value {value}");
		}
	}
}

#[test]
fn every_operator_agrees_with_onnx_runtime() {
	let mut private = 0;
	for operator in OPERATORS {
		for seed in 0..12 {
			println!("{operator}, seed {seed}");
			let mut rng = StdRng::seed_from_u64(seed);
			let onnx = Graphs::new(&mut rng).with(operator).finish();
			private += usize::from(check(&onnx, &mut rng));
		}
	}
	assert!(private > 100, "{private} graphs have parameters that can be private");
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn random_graphs_agree_with_onnx_runtime(seed in any::<u64>()) {
		let mut rng = StdRng::seed_from_u64(seed);
		let mut graphs = Graphs::new(&mut rng);
		for _ in 0..graphs.random(1..7) {
			graphs = graphs.with_any();
		}
		check(&graphs.finish(), &mut rng);
	}
}
