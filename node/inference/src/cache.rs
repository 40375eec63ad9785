//! Bounded memory of what was used last.

use parking_lot::Mutex;
use std::{collections::HashMap, hash::Hash, sync::Arc};

/// A map whose entries weigh at most a given sum; the least recently used go first.
///
/// What an entry weighs is the caller's business: 1 to bound their number, or its bytes.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
	capacity: u64,
	weight: u64,
	clock: u64,
	entries: HashMap<K, Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
	value: V,
	weight: u64,
	used: u64,
}

impl<K: Clone + Eq + Hash, V> Lru<K, V> {
	pub(crate) fn new(capacity: u64) -> Self {
		Self { capacity, weight: 0, clock: 0, entries: HashMap::new() }
	}

	/// Looks without touching.
	pub(crate) fn peek(&self, key: &K) -> Option<&V> {
		self.entries.get(key).map(|entry| &entry.value)
	}

	/// Looks, and counts as a use.
	pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
		self.clock = self.clock.wrapping_add(1);
		let entry = self.entries.get_mut(key)?;
		entry.used = self.clock;
		Some(&entry.value)
	}

	pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
		let entry = self.entries.remove(key)?;
		self.weight = self.weight.saturating_sub(entry.weight);
		Some(entry.value)
	}

	/// Inserts and makes room. The new entry itself stays, however heavy.
	pub(crate) fn insert(&mut self, key: K, value: V, weight: u64) {
		self.remove(&key);
		while self.weight.saturating_add(weight) > self.capacity {
			// The caches hold tens of entries; a scan is cheaper than a list to keep.
			let Some(oldest) =
				self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone())
			else {
				break;
			};
			self.remove(&oldest);
		}
		self.clock = self.clock.wrapping_add(1);
		self.weight = self.weight.saturating_add(weight);
		self.entries.insert(key, Entry { value, weight, used: self.clock });
	}

	#[cfg(test)]
	pub(crate) fn len(&self) -> usize {
		self.entries.len()
	}
}

/// What is expensive to load, shared by all threads: two threads that want the same load it once,
/// and nobody waits for a load of something else.
pub(crate) struct Loaded<K, V: ?Sized> {
	slots: Mutex<Lru<K, Arc<Slot<V>>>>,
}

/// Locked while its value is being loaded.
type Slot<V> = Mutex<Option<Arc<V>>>;

impl<K: Clone + Eq + Hash, V: ?Sized> Loaded<K, V> {
	/// Keeps at most `count` values.
	pub(crate) fn new(count: usize) -> Self {
		Self { slots: Mutex::new(Lru::new(count as u64)) }
	}

	/// The value, loaded now if it is not there. A failed load leaves nothing behind.
	pub(crate) fn get_or_load<E>(
		&self,
		key: &K,
		load: impl FnOnce() -> Result<Arc<V>, E>,
	) -> Result<Arc<V>, E> {
		let slot = {
			let mut slots = self.slots.lock();
			match slots.get(key) {
				Some(slot) => slot.clone(),
				None => {
					let slot = Arc::<Slot<V>>::default();
					slots.insert(key.clone(), slot.clone(), 1);
					slot
				},
			}
		};
		let mut value = slot.lock();
		if let Some(value) = &*value {
			return Ok(value.clone());
		}
		match load() {
			Ok(loaded) => {
				*value = Some(loaded.clone());
				Ok(loaded)
			},
			Err(error) => {
				let mut slots = self.slots.lock();
				if slots.peek(key).is_some_and(|kept| Arc::ptr_eq(kept, &slot)) {
					slots.remove(key);
				}
				Err(error)
			},
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{
		convert::Infallible,
		sync::{
			atomic::{AtomicUsize, Ordering},
			Barrier,
		},
	};

	#[test]
	fn the_least_recently_used_goes_first() {
		let mut lru = Lru::new(2);
		lru.insert("a", 1, 1);
		lru.insert("b", 2, 1);
		assert_eq!(lru.get(&"a"), Some(&1));
		lru.insert("c", 3, 1);
		assert_eq!((lru.peek(&"a"), lru.peek(&"b"), lru.peek(&"c")), (Some(&1), None, Some(&3)));
	}

	#[test]
	fn a_heavy_entry_pushes_out_as_many_as_it_needs() {
		let mut lru = Lru::new(10);
		for key in 0..5 {
			lru.insert(key, (), 2);
		}
		lru.insert(9, (), 5);
		assert_eq!((lru.peek(&2), lru.peek(&3), lru.peek(&9)), (None, Some(&()), Some(&())));
		lru.insert(10, (), 11);
		assert_eq!((lru.len(), lru.peek(&10)), (1, Some(&())));
	}

	#[test]
	fn replacing_an_entry_does_not_count_it_twice() {
		let mut lru = Lru::new(2);
		lru.insert("a", 1, 1);
		lru.insert("b", 1, 1);
		lru.insert("b", 2, 1);
		assert_eq!((lru.peek(&"a"), lru.peek(&"b")), (Some(&1), Some(&2)));
	}

	#[test]
	fn threads_that_want_the_same_load_it_once() {
		let loaded = Loaded::<u8, usize>::new(2);
		let (loads, start) = (AtomicUsize::new(0), Barrier::new(4));
		std::thread::scope(|scope| {
			for _ in 0..4 {
				scope.spawn(|| {
					start.wait();
					let value = loaded.get_or_load(&7, || {
						Ok::<_, Infallible>(Arc::new(loads.fetch_add(1, Ordering::SeqCst)))
					});
					assert_eq!(*value.unwrap(), 0);
				});
			}
		});
		assert_eq!(loads.load(Ordering::SeqCst), 1);
	}

	#[test]
	fn a_failed_load_is_tried_again() {
		let loaded = Loaded::<u8, u8>::new(2);
		assert_eq!(loaded.get_or_load(&1, || Err("not yet")), Err("not yet"));
		assert_eq!(*loaded.get_or_load(&1, || Ok::<_, ()>(Arc::new(5))).unwrap(), 5);
	}
}
