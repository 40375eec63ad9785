//! What is counted of a version: behind a lock of its own, lest whoever asks wait for sums.

use crate::serving::api::{Statistics, Timing};
use std::{
	collections::BTreeMap,
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

#[derive(Default)]
pub(super) struct Counts {
	statistics: Statistics,
	batches: BTreeMap<u32, Timing>,
}

/// A batch that ran.
pub(super) struct Ran {
	pub(super) rows: u32,
	/// When it was taken from the queue.
	pub(super) since: Instant,
	pub(super) ended: Instant,
	/// How often the engine ran.
	pub(super) runs: u64,
	pub(super) computed: Duration,
	/// How long it took to take its answer apart.
	pub(super) apart: Duration,
}

/// A request of such a batch.
pub(super) struct Member {
	pub(super) rows: u32,
	/// When it arrived.
	pub(super) since: Instant,
	pub(super) answered: bool,
	/// Whether its answer was looked for among the remembered ones.
	pub(super) missed: bool,
}

impl Timing {
	fn add(&mut self, count: u64, took: Duration) {
		self.count = self.count.saturating_add(count);
		let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
		self.ns = self.ns.saturating_add(ns.saturating_mul(count));
	}
}

impl Counts {
	/// A batch ran.
	pub(super) fn ran(&mut self, ran: &Ran, members: impl Iterator<Item = Member>) {
		let statistics = &mut self.statistics;
		statistics.execution_count = statistics.execution_count.saturating_add(ran.runs);
		statistics.last_inference = unix_ms();
		for member in members {
			let took = ran.ended.saturating_duration_since(member.since);
			if !member.answered {
				statistics.fail.add(1, took);
				continue;
			}
			statistics.inference_count =
				statistics.inference_count.saturating_add(member.rows.into());
			statistics.success.add(1, took);
			statistics.queue.add(1, ran.since.saturating_duration_since(member.since));
			// The engine joins the inputs itself: that is in the time of the run.
			statistics.compute_input.add(1, Duration::ZERO);
			statistics.compute_infer.add(1, ran.computed);
			statistics.compute_output.add(1, ran.apart);
			if member.missed {
				statistics.cache_miss.add(1, took);
			}
		}
		self.batches.entry(ran.rows).or_default().add(1, ran.computed);
	}

	/// A remembered answer was given.
	pub(super) fn recalled(&mut self, rows: u32, took: Duration) {
		let statistics = &mut self.statistics;
		statistics.inference_count = statistics.inference_count.saturating_add(rows.into());
		statistics.last_inference = unix_ms();
		statistics.success.add(1, took);
		statistics.cache_hit.add(1, took);
	}

	/// Requests were refused, or came to nothing while they waited.
	pub(super) fn failed(&mut self, count: usize) {
		let fail = &mut self.statistics.fail;
		fail.count = fail.count.saturating_add(count as u64);
	}

	/// All of it, without what only the version knows.
	pub(super) fn statistics(&self) -> Statistics {
		let batches = self.batches.iter().map(|(rows, timing)| (*rows, *timing)).collect();
		Statistics { batches, ..self.statistics.clone() }
	}
}

/// Milliseconds since 1970.
fn unix_ms() -> u64 {
	let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
