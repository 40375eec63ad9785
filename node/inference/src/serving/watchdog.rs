//! Wakes when a deadline passes, a run takes too long, or a model has idled long enough. One thread
//! for all models, which sleeps until the next such moment.

use parking_lot::{Condvar, Mutex};
use std::{
	sync::atomic::{AtomicU64, Ordering},
	time::{Duration, Instant},
};

pub(super) struct Watchdog {
	base: Instant,
	/// Nanoseconds from `base` to when it wakes.
	next: AtomicU64,
	stopped: Mutex<bool>,
	wake: Condvar,
}

impl Watchdog {
	pub(super) fn new() -> Self {
		Self {
			base: Instant::now(),
			next: AtomicU64::new(u64::MAX),
			stopped: Mutex::new(false),
			wake: Condvar::new(),
		}
	}

	/// Has it look at `at`, or earlier. One load where it wakes earlier anyway.
	pub(super) fn arm(&self, at: Instant) {
		let at = nanoseconds(at.saturating_duration_since(self.base));
		if self.next.load(Ordering::SeqCst) > at && self.next.fetch_min(at, Ordering::SeqCst) > at {
			// Under the lock, lest it fall asleep between looking and waiting.
			drop(self.stopped.lock());
			self.wake.notify_one();
		}
	}

	pub(super) fn stop(&self) {
		*self.stopped.lock() = true;
		self.wake.notify_one();
	}

	/// The life of its thread. `look` does what is due, and tells what is next; `None` ends it.
	pub(super) fn run(&self, look: impl Fn(Instant) -> Option<Option<Instant>>) {
		loop {
			{
				let mut stopped = self.stopped.lock();
				loop {
					if *stopped {
						return;
					}
					match self.next.load(Ordering::SeqCst) {
						u64::MAX => self.wake.wait(&mut stopped),
						next => {
							let at = self.base.checked_add(Duration::from_nanos(next));
							let Some(at) = at.filter(|at| *at > Instant::now()) else { break };
							self.wake.wait_until(&mut stopped, at);
						},
					}
				}
			}
			// What is armed while it looks counts again.
			self.next.store(u64::MAX, Ordering::SeqCst);
			match look(Instant::now()) {
				Some(Some(next)) => self.arm(next),
				Some(None) => (),
				None => return,
			}
		}
	}
}

fn nanoseconds(duration: Duration) -> u64 {
	u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::sync::{mpsc, Arc};

	#[test]
	fn it_wakes_at_the_earliest_moment_and_at_no_other() {
		let watchdog = Arc::new(Watchdog::new());
		let (looked, looks) = mpsc::channel();
		let thread = std::thread::spawn({
			let watchdog = watchdog.clone();
			move || {
				watchdog.run(|now| {
					looked.send(now).unwrap();
					Some(None)
				})
			}
		});
		let now = Instant::now();
		let soon = now + Duration::from_millis(20);
		watchdog.arm(now + Duration::from_secs(3600));
		watchdog.arm(soon);
		assert!(looks.recv().unwrap() >= soon);
		assert!(looks.recv_timeout(Duration::from_millis(20)).is_err());
		watchdog.stop();
		thread.join().unwrap();
	}
}
