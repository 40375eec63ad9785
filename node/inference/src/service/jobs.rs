//! Which jobs there are, and how far each is. No thread, no engine: a table.

use super::Config;
use crate::cache::Lru;
use aimodel_primitives::inference::{Job, JobId, Poll, Submitted};
use std::{
	collections::{HashMap, VecDeque},
	sync::Arc,
	time::{Duration, Instant},
};

/// Jobs that take as long as a proof do not hold up those that take as long as an inference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lane {
	Inference,
	Proving,
}

impl Lane {
	pub(super) const ALL: [Self; 2] = [Self::Inference, Self::Proving];

	fn of(job: &Job) -> Self {
		match job.proof {
			None => Self::Inference,
			Some(_) => Self::Proving,
		}
	}
}

/// What runs or waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Active {
	Queued,
	Running,
}

#[derive(Debug)]
struct Failure {
	at: Instant,
	reason: String,
}

#[derive(Debug)]
pub(super) struct Jobs {
	capacity: usize,
	retry_after: Duration,
	/// With when each was submitted.
	waiting: [VecDeque<(JobId, Job, Instant)>; 2],
	active: HashMap<JobId, Active>,
	results: Lru<JobId, Arc<[u8]>>,
	failures: Lru<JobId, Failure>,
}

impl Jobs {
	pub(super) fn new(config: &Config) -> Self {
		Self {
			capacity: config.queue,
			retry_after: config.retry_after,
			waiting: Default::default(),
			active: HashMap::new(),
			results: Lru::new(config.result_bytes),
			failures: Lru::new(config.failures as u64),
		}
	}

	/// Queues a job unless it is known, or its lane is full. A job that failed long enough ago is
	/// queued again.
	pub(super) fn submit(&mut self, id: JobId, job: Job) -> (Submitted, Lane) {
		let lane = Lane::of(&job);
		let cooling =
			self.failures.peek(&id).is_some_and(|failure| failure.at.elapsed() < self.retry_after);
		if cooling || self.active.contains_key(&id) || self.results.peek(&id).is_some() {
			return (Submitted::Known, lane);
		}
		let waiting = &mut self.waiting[lane as usize];
		if waiting.len() >= self.capacity {
			return (Submitted::Full, lane);
		}
		waiting.push_back((id, job, Instant::now()));
		self.active.insert(id, Active::Queued);
		self.failures.remove(&id);
		(Submitted::Queued, lane)
	}

	/// How far a job is.
	pub(super) fn poll(&self, id: &JobId) -> Poll {
		if let Some(result) = self.results.peek(id) {
			// Bounded by `MAX_RESULT_BYTES`.
			return u32::try_from(result.len()).map_or(Poll::Failed, Poll::Ready);
		}
		match self.active.get(id) {
			Some(Active::Queued) => Poll::Queued,
			Some(Active::Running) => Poll::Running,
			None if self.failures.peek(id).is_some() => Poll::Failed,
			None => Poll::Missing,
		}
	}

	/// The result of a job that is ready. It stays, so that it can be had again.
	pub(super) fn collect(&mut self, id: &JobId) -> Option<Arc<[u8]>> {
		self.results.get(id).cloned()
	}

	/// Why a job failed.
	pub(super) fn failure(&self, id: &JobId) -> Option<&str> {
		self.failures.peek(id).map(|failure| failure.reason.as_str())
	}

	/// Takes the next job of a lane, which runs from now on, and tells since when it has waited.
	pub(super) fn next(&mut self, lane: Lane) -> Option<(JobId, Job, Instant)> {
		let (id, job, since) = self.waiting[lane as usize].pop_front()?;
		self.active.insert(id, Active::Running);
		Some((id, job, since))
	}

	/// Keeps what became of a running job.
	pub(super) fn finish(&mut self, id: JobId, result: Result<Vec<u8>, String>) {
		self.active.remove(&id);
		match result {
			Ok(result) => {
				let weight = result.len() as u64;
				self.results.insert(id, result.into(), weight);
			},
			Err(reason) => {
				self.failures.insert(id, Failure { at: Instant::now(), reason }, 1);
			},
		}
	}

	/// Forgets every job that waits; the chain knows them.
	pub(super) fn forget_waiting(&mut self) {
		for (id, ..) in self.waiting.iter_mut().flat_map(|lane| lane.drain(..)) {
			self.active.remove(&id);
		}
	}

	/// How many jobs wait.
	pub(super) fn waiting(&self) -> usize {
		self.waiting.iter().map(VecDeque::len).sum()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::service::tests::{attested, proven};

	fn jobs(queue: usize, retry_after: Duration) -> Jobs {
		Jobs::new(&Config {
			queue,
			retry_after,
			failures: 2,
			result_bytes: 10,
			..Config::default()
		})
	}

	fn submit(jobs: &mut Jobs, job: &Job) -> Submitted {
		jobs.submit(job.id(), job.clone()).0
	}

	#[test]
	fn a_job_is_queued_runs_and_is_ready() {
		let mut jobs = jobs(1, Duration::MAX);
		let job = attested(1);
		assert_eq!(jobs.poll(&job.id()), Poll::Missing);
		assert_eq!(submit(&mut jobs, &job), Submitted::Queued);
		assert_eq!(jobs.poll(&job.id()), Poll::Queued);
		assert_eq!(submit(&mut jobs, &job), Submitted::Known);
		assert_eq!(jobs.next(Lane::Inference).unwrap().0, job.id());
		assert_eq!(jobs.next(Lane::Inference), None);
		assert_eq!(jobs.poll(&job.id()), Poll::Running);
		assert_eq!(submit(&mut jobs, &job), Submitted::Known);
		assert_eq!(jobs.collect(&job.id()), None);
		jobs.finish(job.id(), Ok(vec![1, 2, 3]));
		assert_eq!(jobs.poll(&job.id()), Poll::Ready(3));
		assert_eq!(submit(&mut jobs, &job), Submitted::Known);
		for _ in 0..2 {
			assert_eq!(jobs.collect(&job.id()).as_deref(), Some(&[1, 2, 3][..]));
		}
	}

	#[test]
	fn each_lane_has_its_own_room() {
		let mut jobs = jobs(1, Duration::MAX);
		assert_eq!(submit(&mut jobs, &attested(1)), Submitted::Queued);
		assert_eq!(submit(&mut jobs, &attested(2)), Submitted::Full);
		assert_eq!(jobs.poll(&attested(2).id()), Poll::Missing);
		assert_eq!(submit(&mut jobs, &proven(3)), Submitted::Queued);
		assert_eq!(submit(&mut jobs, &proven(4)), Submitted::Full);
		assert_eq!(jobs.waiting(), 2);
		assert_eq!(jobs.next(Lane::Proving).unwrap().0, proven(3).id());
		assert_eq!(submit(&mut jobs, &proven(4)), Submitted::Queued);
	}

	#[test]
	fn a_failed_job_is_known_until_it_has_cooled_down() {
		for (retry_after, again) in
			[(Duration::MAX, Submitted::Known), (Duration::ZERO, Submitted::Queued)]
		{
			let mut jobs = jobs(1, retry_after);
			let job = attested(1);
			submit(&mut jobs, &job);
			jobs.next(Lane::Inference).unwrap();
			jobs.finish(job.id(), Err("no blob".into()));
			assert_eq!(jobs.poll(&job.id()), Poll::Failed);
			assert_eq!(jobs.failure(&job.id()), Some("no blob"));
			assert_eq!(submit(&mut jobs, &job), again);
		}
	}

	#[test]
	fn a_retry_that_finds_no_room_leaves_the_failure() {
		let mut jobs = jobs(1, Duration::ZERO);
		let job = attested(1);
		submit(&mut jobs, &job);
		jobs.next(Lane::Inference).unwrap();
		jobs.finish(job.id(), Err("no blob".into()));
		submit(&mut jobs, &attested(2));
		assert_eq!(submit(&mut jobs, &job), Submitted::Full);
		assert_eq!(jobs.poll(&job.id()), Poll::Failed);
	}

	#[test]
	fn results_and_failures_are_bounded() {
		let mut jobs = jobs(9, Duration::MAX);
		for request in 0..3 {
			submit(&mut jobs, &attested(request));
			jobs.next(Lane::Inference).unwrap();
			jobs.finish(attested(request).id(), Ok(vec![0; 5]));
			submit(&mut jobs, &proven(request));
			jobs.next(Lane::Proving).unwrap();
			jobs.finish(proven(request).id(), Err("no".into()));
		}
		// Ten bytes of results, two failures. What is forgotten can be submitted again.
		assert_eq!(jobs.poll(&attested(0).id()), Poll::Missing);
		assert_eq!(jobs.poll(&attested(1).id()), Poll::Ready(5));
		assert_eq!(jobs.poll(&proven(0).id()), Poll::Missing);
		assert_eq!(jobs.poll(&proven(1).id()), Poll::Failed);
		assert_eq!(submit(&mut jobs, &attested(0)), Submitted::Queued);
		jobs.forget_waiting();
		assert_eq!((jobs.waiting(), jobs.poll(&attested(0).id())), (0, Poll::Missing));
	}
}
