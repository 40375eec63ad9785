//! How fast somebody may take.

use std::time::{Duration, Instant};

/// A token bucket: so many bytes a second, and as many at once as it holds.
///
/// It can go into debt, for work that is known only once it is done.
#[derive(Debug)]
pub(super) struct Bucket {
	per_second: f64,
	capacity: f64,
	tokens: f64,
	at: Instant,
}

impl Bucket {
	/// A full bucket. It holds what comes in two seconds, and `least` at any rate.
	pub(super) fn new(per_second: u64, least: u64, now: Instant) -> Self {
		let per_second = per_second.max(1);
		let capacity = per_second.saturating_mul(2).max(least) as f64;
		Self { per_second: per_second as f64, capacity, tokens: capacity, at: now }
	}

	/// How long to wait until `bytes` can be taken; zero if they can be taken now.
	pub(super) fn wait(&mut self, bytes: u64, now: Instant) -> Duration {
		self.refill(now);
		let lacking = (bytes as f64).min(self.capacity) - self.tokens;
		match lacking > 0.0 {
			true => Duration::from_secs_f64((lacking / self.per_second).min(3600.0)),
			false => Duration::ZERO,
		}
	}

	/// Takes bytes, if need be on credit.
	pub(super) fn take(&mut self, bytes: u64) {
		self.tokens -= bytes as f64;
	}

	/// Whether nothing was taken of late.
	pub(super) fn is_full(&mut self, now: Instant) -> bool {
		self.refill(now);
		self.tokens >= self.capacity
	}

	fn refill(&mut self, now: Instant) {
		let passed = now.saturating_duration_since(self.at).as_secs_f64();
		self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
		self.at = self.at.max(now);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_was_taken_comes_back_at_the_rate() {
		let start = Instant::now();
		let at = |seconds| start + Duration::from_secs(seconds);
		let mut bucket = Bucket::new(100, 0, start);
		assert_eq!(bucket.wait(200, start), Duration::ZERO);
		bucket.take(200);
		assert_eq!(bucket.wait(50, start), Duration::from_millis(500));
		assert_eq!(bucket.wait(100, at(1)), Duration::ZERO);
		assert!(!bucket.is_full(at(1)));
		assert!(bucket.is_full(at(60)));
		// It holds no more than two seconds' worth.
		bucket.take(200);
		assert_eq!(bucket.wait(1, at(60)), Duration::from_millis(10));
	}

	#[test]
	fn a_debt_is_waited_for() {
		let start = Instant::now();
		let mut bucket = Bucket::new(100, 0, start);
		bucket.take(1200);
		assert_eq!(bucket.wait(100, start), Duration::from_secs(11));
	}

	#[test]
	fn what_is_larger_than_the_bucket_is_given_when_it_is_full() {
		let start = Instant::now();
		let mut bucket = Bucket::new(1, 50, start);
		assert_eq!(bucket.wait(1000, start), Duration::ZERO);
	}
}
