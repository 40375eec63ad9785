//! A short run of a request that is alone: by whoever waits for it, since waking a thread and being woken by it would
//! take longer than the run.

use super::{Life, Loaded, Served, State};
use crate::serving::queue::Waiting;
use std::{
	future::poll_fn,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	task::Poll,
	time::{Duration, Instant},
};

/// What is known of how long runs take: never less than that, for long.
#[derive(Clone, Copy, Default)]
pub(super) struct Pace {
	/// Nanoseconds for a row; 0 while nothing is known.
	row: u64,
}

impl Pace {
	/// A run took so long.
	pub(super) fn took(&mut self, rows: u32, computed: Duration) {
		let ns = u64::try_from(computed.as_nanos()).unwrap_or(u64::MAX);
		let row = ns.checked_div(rows.into()).unwrap_or(ns).max(1);
		// A short run after a long one says little, a long one after short ones all.
		self.row = row.max(self.row.saturating_sub(self.row / 8));
	}

	/// How long so many rows can be expected to take.
	fn expects(&self, rows: u32) -> Option<Duration> {
		(self.row > 0).then(|| Duration::from_nanos(self.row.saturating_mul(rows.into())))
	}
}

impl Loaded {
	/// Whether the time of a run grows as its rows do, so that one tells of another.
	fn is_regular(&self) -> bool {
		let fixed = |shape: &[i64]| shape.iter().all(|length| *length > 0);
		let mut inputs = self.signature.inputs.iter();
		inputs.all(|input| match input.shape.split_first() {
			Some((_, rest)) if self.batches => fixed(rest),
			_ => fixed(&input.shape),
		})
	}
}

impl Served {
	/// Whether a request, which is not queued yet, is left to whoever asks.
	pub(super) fn leaves(&self, state: &State, loaded: &Loaded, waiting: &Waiting) -> bool {
		let most = Duration::from_micros(self.options.alone_us);
		state.pace.expects(waiting.rows).is_some_and(|time| time <= most)
			&& state.queue.is_empty()
			&& state.slots.iter().all(|slot| slot.running.is_none())
			&& !state.breaker.is_open()
			&& state.tuner.is_none()
			&& self.options.max_delay_us == 0
			&& loaded.is_regular()
			&& loaded.model.as_ref().is_some_and(|model| model.runs_in_place())
	}
}

/// A request that was left to whoever asked. Where that comes to nothing, the model's threads see to it.
pub(in crate::serving) struct Alone {
	served: Arc<Served>,
	which: u64,
}

impl Alone {
	pub(super) fn new(served: &Arc<Served>, which: u64) -> Self {
		Self { served: served.clone(), which }
	}

	/// Runs it here, unless others came meanwhile.
	pub(in crate::serving) async fn run(self) {
		// Who else is ready on this thread asks first: then it is a batch, and the model's thread has it.
		let mut waited = false;
		poll_fn(|context| {
			if std::mem::replace(&mut waited, true) {
				return Poll::Ready(());
			}
			context.waker().wake_by_ref();
			Poll::Pending
		})
		.await;
		let Self { served, which } = &self;
		let Some(_turn) = Turn::take(served) else { return };
		let mut expired = Vec::new();
		let (work, at, epoch) = {
			let mut state = served.state.lock();
			let free = state.slots.iter().position(|slot| slot.alive && slot.running.is_none());
			let mine = state.alone == Some(*which);
			let (true, Some(at), Life::Ready(loaded)) = (mine, free, &state.life) else {
				return;
			};
			let loaded = loaded.clone();
			if !loaded.model.as_ref().is_some_and(|model| model.runs_in_place()) {
				return;
			}
			let work = served.take(&mut state, at, &loaded, Instant::now(), &mut expired);
			let slot = &mut state.slots[at];
			slot.lent = work.is_some();
			(work, at, slot.epoch)
		};
		served.expired(expired);
		if let Some(work) = work {
			served.arm(&work);
			let outcome = served.compute(&work);
			served.finish(at, epoch, work, outcome);
		}
	}
}

impl Drop for Alone {
	fn drop(&mut self) {
		let mut state = self.served.state.lock();
		if state.alone == Some(self.which) {
			state.alone = None;
			self.served.work.notify_one();
		}
	}
}

/// One caller at a time runs a model, whichever: however long it takes, other threads are left to take requests.
struct Turn(Arc<AtomicBool>);

impl Turn {
	fn take(served: &Served) -> Option<Self> {
		let lent = served.shared.upgrade()?.lent.clone();
		(!lent.swap(true, Ordering::Acquire)).then(|| Self(lent))
	}
}

impl Drop for Turn {
	fn drop(&mut self) {
		self.0.store(false, Ordering::Release);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_long_run_is_remembered_for_longer_than_short_ones() {
		let us = Duration::from_micros;
		let mut pace = Pace::default();
		assert_eq!(pace.expects(1), None);
		pace.took(4, us(40));
		assert_eq!(pace.expects(32), Some(us(320)));
		pace.took(1, us(800));
		assert_eq!(pace.expects(2), Some(us(1600)));
		pace.took(1, us(10));
		assert_eq!(pace.expects(1), Some(us(700)));
		(0..64).for_each(|_| pace.took(1, us(10)));
		assert_eq!(pace.expects(1), Some(us(10)));
		assert_eq!(pace.expects(u32::MAX), Some(us(10) * u32::MAX));
	}
}
