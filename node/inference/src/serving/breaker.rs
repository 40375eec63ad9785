//! A circuit breaker: what fails again and again is left alone for a while.

use std::time::{Duration, Instant};

/// The longest suspension.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether a model may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Breaker {
	/// It may, after so many failures in a row.
	Closed { failures: u32 },
	/// It may not before `until`.
	Open { failures: u32, until: Instant, wait: Duration },
	/// One request tries it.
	Trial { failures: u32, wait: Duration },
}

/// It is suspended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Suspended {
	pub(super) failures: u32,
	pub(super) again_in: Duration,
}

impl Breaker {
	pub(super) const CLOSED: Self = Self::Closed { failures: 0 };

	/// Whether a request may be queued now. After a suspension one request tries.
	pub(super) fn admit(&mut self, now: Instant) -> Result<(), Suspended> {
		match *self {
			Self::Closed { .. } => Ok(()),
			Self::Open { failures, until, wait } if now >= until => {
				*self = Self::Trial { failures, wait };
				Ok(())
			},
			Self::Open { .. } | Self::Trial { .. } => self.look(now).map_or(Ok(()), Err),
		}
	}

	/// Whether it is suspended, without a trial.
	pub(super) fn look(&self, now: Instant) -> Option<Suspended> {
		match *self {
			Self::Closed { .. } => None,
			Self::Open { failures, until, .. } => {
				Some(Suspended { failures, again_in: until.saturating_duration_since(now) })
			},
			Self::Trial { failures, wait } => Some(Suspended { failures, again_in: wait }),
		}
	}

	pub(super) fn is_open(&self) -> bool {
		!matches!(self, Self::Closed { .. })
	}

	/// It answered.
	pub(super) fn succeed(&mut self) {
		*self = Self::CLOSED;
	}

	/// The trial came to nothing without the model's fault: the next request tries.
	pub(super) fn retry(&mut self, now: Instant) {
		if let Self::Trial { failures, wait } = *self {
			*self = Self::Open { failures, until: now, wait };
		}
	}

	/// It failed; says whether it is suspended from now on. `at_once` suspends whatever `most` is.
	pub(super) fn fail(&mut self, now: Instant, most: u32, first: Duration, at_once: bool) -> bool {
		let (failures, wait) = match *self {
			Self::Closed { failures } => {
				let failures = failures.saturating_add(1);
				if failures < most && !at_once {
					*self = Self::Closed { failures };
					return false;
				}
				(failures, first)
			},
			// What was running when it was suspended.
			Self::Open { .. } => return false,
			Self::Trial { failures, wait } => {
				(failures.saturating_add(1), wait.saturating_mul(2).min(LONGEST))
			},
		};
		*self = Self::Open { failures, until: now.checked_add(wait).unwrap_or(now), wait };
		true
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const FIRST: Duration = Duration::from_secs(1);

	#[test]
	fn failures_in_a_row_suspend_and_an_answer_forgives() {
		let (mut breaker, now) = (Breaker::CLOSED, Instant::now());
		assert!(!breaker.fail(now, 3, FIRST, false));
		assert!(!breaker.fail(now, 3, FIRST, false));
		breaker.succeed();
		assert!(!breaker.fail(now, 3, FIRST, false));
		assert!(!breaker.fail(now, 3, FIRST, false));
		assert_eq!(breaker.admit(now), Ok(()));
		assert!(breaker.fail(now, 3, FIRST, false));
		assert_eq!(breaker.admit(now), Err(Suspended { failures: 3, again_in: FIRST }));
	}

	#[test]
	fn one_request_tries_after_the_suspension_and_the_next_is_twice_as_long() {
		let (mut breaker, now) = (Breaker::CLOSED, Instant::now());
		assert!(breaker.fail(now, 3, FIRST, true));
		let then = now + FIRST;
		assert_eq!(breaker.admit(then), Ok(()));
		assert!(breaker.admit(then).is_err());
		assert!(breaker.fail(then, 3, FIRST, false));
		assert!(breaker.admit(then + FIRST).is_err());
		assert_eq!(breaker.admit(then + 2 * FIRST), Ok(()));
		breaker.succeed();
		assert_eq!(breaker, Breaker::CLOSED);
	}

	#[test]
	fn a_trial_that_came_to_nothing_is_followed_by_another() {
		let (mut breaker, now) = (Breaker::CLOSED, Instant::now());
		breaker.fail(now, 1, FIRST, false);
		assert_eq!(breaker.admit(now + FIRST), Ok(()));
		breaker.retry(now + FIRST);
		assert_eq!(breaker.admit(now + FIRST), Ok(()));
	}
}
