//! Comparing the provable model with the float model.

use super::{QuantizeError, Quantized, Rows};
use crate::network::Network;

/// What a provable model loses against its float model.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Evaluation {
	/// Rows compared.
	pub rows: usize,
	/// Rows whose largest score is at another place than in the float model (the first place, where
	/// scores tie).
	pub flips: usize,
	/// Part of the rows that the float model answers as labelled; with labels only.
	pub float_accuracy: Option<f64>,
	/// Part of the rows that the provable model answers as labelled; with labels only.
	pub provable_accuracy: Option<f64>,
}

/// Position of the first largest element.
fn argmax<T: PartialOrd>(scores: &[T]) -> usize {
	let mut best = 0;
	for (index, score) in scores.iter().enumerate() {
		if *score > scores[best] {
			best = index;
		}
	}
	best
}

/// The class that the network's output names: the position of the first largest `int32` score.
pub(crate) fn class_of(network: &Network, output: &[u8]) -> usize {
	match network.output().element {
		crate::ElementType::U8 => argmax(output),
		_ => {
			let scores: Vec<i32> = output
				.chunks_exact(4)
				.map(|x| i32::from_le_bytes([x[0], x[1], x[2], x[3]]))
				.collect();
			argmax(&scores)
		},
	}
}

impl Quantized {
	/// Runs both models on rows of real inputs, and compares their classes with each other and with
	/// the labels, if given.
	pub fn evaluate(
		&self,
		rows: &Rows,
		labels: Option<&[u32]>,
	) -> Result<Evaluation, QuantizeError> {
		if let Some(labels) = labels.filter(|labels| labels.len() != rows.len()) {
			return Err(QuantizeError::Labels { labels: labels.len(), rows: rows.len() });
		}
		let (mut flips, mut float_right, mut provable_right) = (0, 0, 0);
		for index in 0..rows.len() {
			let row = rows.row(index);
			let float = argmax(&self.float.execute(&row)?);
			let bytes = self.scales.quantize_input(&row);
			let output = self
				.network
				.execute(&bytes)
				.expect("the float model has accepted the row's length; qed");
			let provable = class_of(&self.network, &output);
			flips += usize::from(float != provable);
			if let Some(label) = labels.map(|labels| labels[index] as usize) {
				float_right += usize::from(float == label);
				provable_right += usize::from(provable == label);
			}
		}
		let part = |right: usize| labels.map(|labels| right as f64 / labels.len().max(1) as f64);
		Ok(Evaluation {
			rows: rows.len(),
			flips,
			float_accuracy: part(float_right),
			provable_accuracy: part(provable_right),
		})
	}
}
