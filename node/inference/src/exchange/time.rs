//! The clock and the threads of the exchange. Tests have a clock of their own, on which hours pass at
//! once.

#[cfg(test)]
pub(super) use simulated::{blocking, now, pass, sleep_until};
#[cfg(not(test))]
pub(super) use system::{blocking, now, sleep_until};

#[cfg(not(test))]
mod system {
	use std::{future::pending, panic::resume_unwind, time::Instant};

	/// The time.
	pub(in super::super) fn now() -> Instant {
		Instant::now()
	}

	/// Ends at a time.
	pub(in super::super) async fn sleep_until(at: Instant) {
		tokio::time::sleep_until(at.into()).await;
	}

	/// Runs what reads or writes the disk where blocking is allowed.
	pub(in super::super) async fn blocking<T: Send + 'static>(
		work: impl FnOnce() -> T + Send + 'static,
	) -> T {
		match tokio::task::spawn_blocking(work).await {
			Ok(result) => result,
			Err(error) => match error.try_into_panic() {
				Ok(panic) => resume_unwind(panic),
				// The runtime ends, and this future with it.
				Err(_) => pending().await,
			},
		}
	}
}

#[cfg(test)]
mod simulated {
	use std::{
		cell::{Cell, RefCell},
		collections::BTreeMap,
		future::Future,
		pin::Pin,
		task::{Context, Poll, Waker},
		time::Instant,
	};

	thread_local! {
		static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
		static COUNT: Cell<u64> = const { Cell::new(0) };
		static SLEEPERS: RefCell<BTreeMap<(Instant, u64), Waker>> =
			const { RefCell::new(BTreeMap::new()) };
	}

	pub(in super::super) fn now() -> Instant {
		NOW.get().unwrap_or_else(|| {
			NOW.set(Some(Instant::now()));
			now()
		})
	}

	/// Lets time pass until the first sleeper wakes; says whether there was one.
	pub(in super::super) fn pass() -> bool {
		let first = SLEEPERS.with_borrow_mut(BTreeMap::pop_first);
		let Some(((at, _), waker)) = first else { return false };
		NOW.set(Some(now().max(at)));
		waker.wake();
		true
	}

	pub(in super::super) fn sleep_until(at: Instant) -> Sleep {
		COUNT.set(COUNT.get() + 1);
		Sleep { at, id: COUNT.get() }
	}

	pub(in super::super) async fn blocking<T>(work: impl FnOnce() -> T) -> T {
		work()
	}

	pub(in super::super) struct Sleep {
		at: Instant,
		id: u64,
	}

	impl Future for Sleep {
		type Output = ();

		fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
			if now() >= self.at {
				return Poll::Ready(());
			}
			let waker = context.waker().clone();
			SLEEPERS.with_borrow_mut(|sleepers| sleepers.insert((self.at, self.id), waker));
			Poll::Pending
		}
	}

	impl Drop for Sleep {
		fn drop(&mut self) {
			SLEEPERS.with_borrow_mut(|sleepers| sleepers.remove(&(self.at, self.id)));
		}
	}
}
