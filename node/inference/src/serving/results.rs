//! Remembered answers. Exact: only models whose inputs and outputs are all integers are remembered,
//! by the hashes of their files and of the whole input.

use crate::tensor::Tensor;
use aimodel_primitives::ids::ArtifactHash;
use bytes::Bytes;
use parking_lot::Mutex;
use std::{
	collections::{HashMap, VecDeque},
	sync::Arc,
};

/// What an entry takes beside its bytes, about.
const OVERHEAD: u64 = 256;

/// What an answer is remembered by.
pub(super) type Key = [u8; 32];

/// The hash of a model and an input, in the model's order.
pub(super) fn key(artifact: &ArtifactHash, inputs: &[Tensor]) -> Key {
	let mut hasher = crate::blobs::hasher();
	hasher.update(artifact.as_bytes());
	for input in inputs {
		// The types are the model's. With the rank first, no two shapes and contents are alike.
		hasher.update(&(input.shape.len() as u64).to_le_bytes());
		for dimension in &input.shape {
			hasher.update(&dimension.to_le_bytes());
		}
		hasher.update(&input.data);
	}
	crate::blobs::finish(&hasher).0
}

/// Answers, the least recently used of which go first.
pub(super) struct Results {
	capacity: u64,
	state: Mutex<State>,
}

#[derive(Default)]
struct State {
	entries: HashMap<Key, Entry>,
	/// Every use, the oldest first; what was used again since is skipped.
	uses: VecDeque<(Key, u64)>,
	clock: u64,
	bytes: u64,
}

struct Entry {
	outputs: Arc<[Tensor]>,
	bytes: u64,
	used: u64,
}

impl Results {
	pub(super) fn new(capacity: u64) -> Self {
		Self { capacity, state: Mutex::default() }
	}

	pub(super) fn is_off(&self) -> bool {
		self.capacity == 0
	}

	pub(super) fn bytes(&self) -> u64 {
		self.state.lock().bytes
	}

	pub(super) fn get(&self, key: &Key) -> Option<Arc<[Tensor]>> {
		let mut state = self.state.lock();
		state.clock = state.clock.wrapping_add(1);
		let now = state.clock;
		let entry = state.entries.get_mut(key)?;
		entry.used = now;
		let outputs = entry.outputs.clone();
		state.uses.push_back((*key, now));
		state.forget_old_uses();
		Some(outputs)
	}

	/// Keeps an answer, and makes room for it. One that is larger than a quarter of all is not kept.
	pub(super) fn insert(&self, key: Key, outputs: &[Tensor]) {
		let content: u64 = outputs.iter().map(|output| output.data.len() as u64).sum();
		let bytes = content.saturating_add(OVERHEAD);
		if bytes > self.capacity / 4 {
			return;
		}
		// A slice would keep the whole batch in memory.
		let own = |output: &Tensor| Tensor {
			data: Bytes::copy_from_slice(&output.data),
			..output.clone()
		};
		let outputs: Arc<[Tensor]> = outputs.iter().map(own).collect();
		let mut state = self.state.lock();
		state.clock = state.clock.wrapping_add(1);
		let used = state.clock;
		if let Some(old) = state.entries.insert(key, Entry { outputs, bytes, used }) {
			state.bytes = state.bytes.saturating_sub(old.bytes);
		}
		state.bytes = state.bytes.saturating_add(bytes);
		state.uses.push_back((key, used));
		while state.bytes > self.capacity {
			let Some((key, used)) = state.uses.pop_front() else { break };
			if state.entries.get(&key).is_some_and(|entry| entry.used == used) {
				if let Some(gone) = state.entries.remove(&key) {
					state.bytes = state.bytes.saturating_sub(gone.bytes);
				}
			}
		}
		state.forget_old_uses();
	}
}

impl State {
	/// Keeps the list of uses as long as the entries are many, about.
	fn forget_old_uses(&mut self) {
		if self.uses.len() > self.entries.len().saturating_mul(2).saturating_add(64) {
			let entries = &self.entries;
			self.uses
				.retain(|(key, used)| entries.get(key).is_some_and(|entry| entry.used == *used));
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::tensor::DataType;

	fn tensor(shape: &[u64], bytes: &[u8]) -> Tensor {
		Tensor {
			name: "x".into(),
			data_type: DataType::Uint8,
			shape: shape.to_vec(),
			data: Bytes::copy_from_slice(bytes),
		}
	}

	#[test]
	fn the_key_is_that_of_the_model_and_of_all_that_goes_in() {
		let [a, b] = [1, 2].map(ArtifactHash::repeat_byte);
		let input = [tensor(&[1, 2], &[3, 4])];
		let same = key(&a, &input);
		assert_eq!(same, key(&a, &input));
		for (artifact, other) in [
			(b, vec![tensor(&[1, 2], &[3, 4])]),
			(a, vec![tensor(&[2, 1], &[3, 4])]),
			(a, vec![tensor(&[1, 2], &[3, 5])]),
			(a, vec![tensor(&[1, 1], &[3]), tensor(&[1, 1], &[4])]),
		] {
			assert_ne!(same, key(&artifact, &other));
		}
	}

	#[test]
	fn the_least_recently_used_answers_go_first() {
		let results = Results::new(8 * (OVERHEAD + 8));
		let answer = [tensor(&[8], &[7; 8])];
		let at = |n: u8| [n; 32];
		for n in 0..8 {
			results.insert(at(n), &answer);
		}
		assert!(results.get(&at(0)).is_some());
		results.insert(at(8), &answer);
		assert!(results.get(&at(1)).is_none());
		assert_eq!(results.get(&at(0)).unwrap()[..], answer[..]);
		assert_eq!(results.bytes(), 8 * (OVERHEAD + 8));
		// Replacing counts once.
		results.insert(at(8), &answer);
		assert_eq!(results.bytes(), 8 * (OVERHEAD + 8));
	}

	#[test]
	fn memory_stays_bounded_however_often_it_is_used() {
		let results = Results::new(100 * OVERHEAD);
		results.insert([0; 32], &[tensor(&[1], &[1])]);
		for n in 0..10_000u32 {
			results.get(&[0; 32]);
			let mut key = [1; 32];
			key[..4].copy_from_slice(&n.to_le_bytes());
			results.insert(key, &[tensor(&[1], &[1])]);
		}
		assert!(results.bytes() <= 100 * OVERHEAD);
		let state = results.state.lock();
		assert!(state.uses.len() <= 2 * state.entries.len() + 64);
		assert!(state.entries.contains_key(&[0; 32]));
	}

	#[test]
	fn what_is_too_large_is_not_kept() {
		let results = Results::new(4 * OVERHEAD);
		results.insert([0; 32], &[tensor(&[1], &[1])]);
		assert_eq!(results.bytes(), 0);
	}

	#[test]
	fn a_slice_of_a_batch_does_not_keep_the_batch() {
		let results = Results::new(1 << 20);
		let batch = Bytes::from(vec![7u8; 1 << 16]);
		let output = Tensor { data: batch.slice(..4), ..tensor(&[4], &[]) };
		results.insert([0; 32], &[output]);
		assert_ne!(results.get(&[0; 32]).unwrap()[0].data.as_ptr(), batch.as_ptr());
	}
}
