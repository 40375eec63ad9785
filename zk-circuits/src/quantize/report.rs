//! What each layer of a provable model loses, and what proving it takes.

use super::{lower::Stored, read, QuantizeError, Quantized, Rows};

/// Measured for 2^18 constraints: 1.36 s.
const SECONDS_PER_CONSTRAINT: f64 = 5.2e-6;
/// Measured for 2^18 constraints: 395 MB, the proving key included.
const BYTES_PER_CONSTRAINT: f64 = 1450.0;

/// A layer of the float model in the provable one.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LayerReport {
	/// Name of the float node.
	pub name: String,
	/// Its operator.
	pub operator: String,
	/// Power of the float values over that of the error, in decibels; absent where there is no
	/// error or no signal.
	pub signal_to_noise_db: Option<f64>,
	/// Number of its elements.
	pub elements: usize,
	/// Bits of the widest integer that is computed for it, over all inputs. A rescale takes about
	/// one constraint for each bit and element; pools and activations may share it.
	pub bits: u32,
}

/// What proving takes, by formula, on two cores of a server.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
	/// Layers in the order in which they run.
	pub layers: Vec<LayerReport>,
	/// Number of constraints.
	pub constraints: usize,
	/// Expected time of a proof: 5.2 µs for each constraint, their number rounded up to a power of
	/// two.
	pub expected_prove_seconds: f64,
	/// Expected peak memory of a proof: 1,450 bytes for each constraint, rounded up likewise, and
	/// 16 MB.
	pub expected_memory_mb: f64,
}

impl Quantized {
	/// Compares the layers of both models on rows of real inputs.
	pub fn report(&self, rows: &Rows) -> Result<Report, QuantizeError> {
		let provable = read::read(&self.onnx)?.graph;
		let place = |name: &str| provable.nodes.iter().rposition(|node| node.name == name);
		let layers: Vec<(&Stored, usize)> =
			self.stored.iter().filter_map(|stored| Some((stored, place(&stored.name)?))).collect();
		// For each layer: the power of the signal and of the noise.
		let mut noise = vec![(0.0, 0.0); layers.len()];
		for row in 0..rows.len() {
			let row = rows.row(row);
			self.float.check(row.len())?;
			let float = self.float.graph.execute(row.iter().map(|&x| f64::from(x)).collect());
			let bytes = self.scales.quantize_input(&row);
			let integers = provable.execute(bytes.iter().map(|&x| f64::from(x)).collect());
			for (&(stored, at), sums) in layers.iter().zip(&mut noise) {
				let (x, y) = (&float[stored.value].data, &integers[at].data);
				for ((x, y), step) in x.iter().zip(y).zip(&stored.steps) {
					sums.0 += x * x;
					sums.1 += (step * (y - stored.zero_point) - x).powi(2);
				}
			}
		}
		let summary = self.network.summary();
		let bits = |name: &str| {
			let prefix = name.strip_suffix("clipped").unwrap_or(name);
			let nodes = summary.iter().filter(|node| node.name.starts_with(prefix));
			let width = nodes.map(|node| node.lowest.abs_diff(node.highest)).max().unwrap_or(0);
			u64::BITS - width.leading_zeros()
		};
		let constraints = self.network.constraints();
		let padded = constraints.max(1).next_power_of_two() as f64;
		let layers = layers
			.iter()
			.zip(noise)
			.map(|((stored, _), (signal, noise))| LayerReport {
				name: self.float.graph.nodes[stored.value].name.clone(),
				operator: self.float.graph.nodes[stored.value].onnx.clone(),
				signal_to_noise_db: (noise > 0.0 && signal > 0.0)
					.then(|| 10.0 * (signal / noise).log10()),
				elements: stored.steps.len(),
				bits: bits(&stored.name),
			})
			.collect();
		Ok(Report {
			layers,
			constraints,
			expected_prove_seconds: padded * SECONDS_PER_CONSTRAINT,
			expected_memory_mb: padded * BYTES_PER_CONSTRAINT / 1e6 + 16.0,
		})
	}
}
