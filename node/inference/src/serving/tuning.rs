//! Tunes the size of batches and the number of threads of a model toward a target latency.

use std::{fmt, time::Duration};

/// Requests that a decision is made from.
const WINDOW: usize = 256;

/// What may be tuned, within what its options say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Limits {
	/// Rows of a batch at most.
	pub(super) batch: u32,
	/// Threads that work.
	pub(super) threads: usize,
}

/// Why something was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
	/// The runs alone take most of the target.
	LongRuns,
	/// Requests wait most of the time, and there is another thread.
	LongWaitsFewThreads,
	/// Requests wait most of the time, and batches are as large as they may be.
	LongWaitsSmallBatches,
	/// There is time to spare, and batches are as large as they may be.
	TimeToSpare,
}

impl fmt::Display for Reason {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::LongRuns => "the runs alone take more than half of the target",
			Self::LongWaitsFewThreads => "requests wait for a thread",
			Self::LongWaitsSmallBatches => "requests wait, and batches are full",
			Self::TimeToSpare => "there is time to spare, and batches are full",
		})
	}
}

/// A change, and what it was made from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Change {
	pub(super) to: Limits,
	pub(super) p95: Duration,
	pub(super) reason: Reason,
}

pub(super) struct Tuner {
	target: Duration,
	most: Limits,
	now: Limits,
	/// From arrival to answer.
	totals: Vec<Duration>,
	/// Sums over the window.
	computed: Duration,
	rows: u64,
	batches: u64,
}

impl Tuner {
	/// Begins with one thread, and batches as large as they may be.
	pub(super) fn new(target: Duration, most: Limits) -> Self {
		let now = Limits { threads: 1, ..most };
		Self {
			target,
			most,
			now,
			totals: Vec::with_capacity(WINDOW),
			computed: Duration::ZERO,
			rows: 0,
			batches: 0,
		}
	}

	pub(super) fn limits(&self) -> Limits {
		self.now
	}

	/// A batch ran, and its requests took so long from arrival to answer.
	pub(super) fn batch(
		&mut self,
		rows: u32,
		computed: Duration,
		totals: impl Iterator<Item = Duration>,
	) -> Option<Change> {
		self.totals.extend(totals);
		self.computed = self.computed.saturating_add(computed);
		self.rows = self.rows.saturating_add(rows.into());
		self.batches = self.batches.saturating_add(1);
		if self.totals.len() < WINDOW {
			return None;
		}
		self.totals.sort_unstable();
		let p95 = self.totals[self.totals.len().saturating_mul(95) / 100];
		let batches = u32::try_from(self.batches).unwrap_or(u32::MAX).max(1);
		let run = self.computed / batches;
		// Four of five rows that could have been in a batch were.
		let full = self.rows.saturating_mul(5)
			>= self.batches.saturating_mul(self.now.batch.into()).saturating_mul(4);
		self.totals.clear();
		(self.computed, self.rows, self.batches) = (Duration::ZERO, 0, 0);
		let Limits { batch, threads } = self.now;
		let double = batch.saturating_mul(2).min(self.most.batch);
		let (to, reason) = if p95 > self.target {
			if run > self.target / 2 && batch > 1 {
				(Limits { batch: batch / 2, threads }, Reason::LongRuns)
			} else if threads < self.most.threads {
				let threads = threads.saturating_add(1);
				(Limits { batch, threads }, Reason::LongWaitsFewThreads)
			} else if full && double > batch && run <= self.target / 4 {
				(Limits { batch: double, threads }, Reason::LongWaitsSmallBatches)
			} else {
				return None;
			}
		} else if p95 < self.target / 2 && full && double > batch {
			(Limits { batch: double, threads }, Reason::TimeToSpare)
		} else {
			return None;
		};
		self.now = to;
		Some(Change { to, p95, reason })
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const MS: Duration = Duration::from_millis(1);

	fn tuner() -> Tuner {
		Tuner::new(10 * MS, Limits { batch: 32, threads: 2 })
	}

	/// Batches of so many rows, each a request, until a window is full.
	fn window(tuner: &mut Tuner, rows: u32, run: Duration, total: Duration) -> Option<Change> {
		let mut change = None;
		for _ in 0..WINDOW.div_ceil(rows as usize) {
			assert_eq!(change, None);
			change = tuner.batch(rows, run, (0..rows).map(|_| total));
		}
		change
	}

	#[test]
	fn long_runs_make_batches_smaller() {
		let mut tuner = tuner();
		let change = window(&mut tuner, 32, 8 * MS, 20 * MS).unwrap();
		assert_eq!((change.to.batch, change.reason, change.p95), (16, Reason::LongRuns, 20 * MS));
		assert_eq!(tuner.limits(), change.to);
	}

	#[test]
	fn long_waits_ask_for_threads_and_then_for_larger_batches() {
		let mut tuner = tuner();
		let change = window(&mut tuner, 32, 2 * MS, 20 * MS).unwrap();
		assert_eq!((change.to.threads, change.reason), (2, Reason::LongWaitsFewThreads));
		assert_eq!(window(&mut tuner, 32, 2 * MS, 20 * MS), None);
		window(&mut tuner, 32, 8 * MS, 20 * MS).unwrap();
		let change = window(&mut tuner, 16, 2 * MS, 20 * MS).unwrap();
		assert_eq!((change.to.batch, change.reason), (32, Reason::LongWaitsSmallBatches));
	}

	#[test]
	fn what_meets_the_target_is_left_alone_unless_there_is_time_to_spare() {
		let mut tuner = tuner();
		window(&mut tuner, 32, 8 * MS, 20 * MS).unwrap();
		assert_eq!(window(&mut tuner, 16, 4 * MS, 8 * MS), None);
		assert_eq!(window(&mut tuner, 2, MS, MS), None);
		let change = window(&mut tuner, 16, MS, 2 * MS).unwrap();
		assert_eq!((change.to.batch, change.reason), (32, Reason::TimeToSpare));
	}
}
