//! What each layer of a provable model loses, and what proving it takes.

use super::{lower::Layer, read, QuantizeError, Quantized, Rows};
use std::collections::BTreeMap;

/// LeNet-5, whose domain is 2^17, took 1.02 s (`docs/benchmarks.md`).
const SECONDS_PER_CONSTRAINT: f64 = 7.8e-6;
/// Two convolutional networks in the domain 2^17 took 290 and 302 MB, the proving key included.
const BYTES_PER_CONSTRAINT: f64 = 2300.0;
/// What a proof takes however small it is.
const BYTES: f64 = 5e6;

/// A layer of the float model in the provable one.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LayerReport {
	/// Name of the float node.
	pub name: String,
	/// Its operator.
	pub operator: String,
	/// Power of the float values over that of the error, in decibels; absent where there is no
	/// error, no signal, or nothing to compare.
	pub signal_to_noise_db: Option<f64>,
	/// Number of its elements.
	pub elements: usize,
	/// Bits of the widest integer that is computed for it, over all inputs. A rescale takes about
	/// one constraint for each bit and element; pools and activations may share it.
	pub bits: u32,
	/// Number of constraints.
	pub constraints: usize,
}

/// What proving takes, by formula, on two virtual cores of 2.5 GHz.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
	/// Layers in the order in which they run.
	pub layers: Vec<LayerReport>,
	/// Constraints that are no layer's: those of the binding, and those that tie input and output
	/// to the public inputs.
	pub statement_constraints: usize,
	/// Number of constraints, of the layers and the statement together.
	pub constraints: usize,
	/// Expected time of a proof: 7.8 µs for each constraint, their number rounded up to a power of
	/// two.
	pub expected_prove_seconds: f64,
	/// Expected peak memory of a proof, the proving key included: 2,300 bytes for each constraint,
	/// rounded up likewise, and 5 MB.
	pub expected_memory_mb: f64,
}

impl Quantized {
	/// Compares the layers of both models on rows of real inputs.
	pub fn report(&self, rows: &Rows) -> Result<Report, QuantizeError> {
		let provable = read::read(&self.onnx)?.graph;
		let place = |layer: &Layer| {
			let name = layer.nodes.last()?;
			provable.nodes.iter().rposition(|node| node.name == *name)
		};
		let layers: Vec<(&Layer, Option<usize>)> =
			self.layers.iter().map(|layer| (layer, place(layer))).collect();
		// For each layer: the power of the signal and of the noise.
		let mut noise = vec![(0.0, 0.0); layers.len()];
		for row in 0..rows.len() {
			let row = rows.row(row);
			self.float.check(row.len())?;
			let float = self.float.graph.execute(row.iter().map(|&x| f64::from(x)).collect());
			let bytes = self.scales.quantize_input(&row);
			let integers = provable.execute(bytes.iter().map(|&x| f64::from(x)).collect());
			for (&(layer, at), sums) in layers.iter().zip(&mut noise) {
				let Some(at) = at else { continue };
				let (x, y) = (&float[layer.value].data, &integers[at].data);
				for ((x, y), step) in x.iter().zip(y).zip(&layer.steps) {
					sums.0 += x * x;
					sums.1 += (step * (y - layer.zero_point) - x).powi(2);
				}
			}
		}
		// For each node of the provable graph: the width of its integers, and its constraints.
		let mut costs = BTreeMap::<String, (u64, usize)>::new();
		for node in self.network.summary() {
			let cost = costs.entry(node.name).or_default();
			*cost = (cost.0.max(node.lowest.abs_diff(node.highest)), cost.1 + node.constraints);
		}
		let constraints = self.network.constraints();
		let padded = constraints.max(1).next_power_of_two() as f64;
		let layers = layers
			.iter()
			.zip(noise)
			.map(|((layer, _), (signal, noise))| {
				let costs = || layer.nodes.iter().filter_map(|name| costs.get(name));
				let width = costs().map(|cost| cost.0).max().unwrap_or(0);
				LayerReport {
					name: self.float.graph.nodes[layer.value].name.clone(),
					operator: self.float.graph.nodes[layer.value].onnx.clone(),
					signal_to_noise_db: (noise > 0.0 && signal > 0.0)
						.then(|| 10.0 * (signal / noise).log10()),
					elements: layer.steps.len(),
					bits: u64::BITS - width.leading_zeros(),
					constraints: costs().map(|cost| cost.1).sum(),
				}
			})
			.collect();
		Ok(Report {
			layers,
			statement_constraints: self.network.statement_constraints(),
			constraints,
			expected_prove_seconds: padded * SECONDS_PER_CONSTRAINT,
			expected_memory_mb: (padded * BYTES_PER_CONSTRAINT + BYTES) / 1e6,
		})
	}
}
