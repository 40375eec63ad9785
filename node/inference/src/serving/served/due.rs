//! What is due in a model's life: who waits too long is told so, runs that hang are given up, and a model that nobody
//! asks for is unloaded.

use super::{Life, Pending, Served, State};
use crate::serving::{
	api::ServeError,
	queue::{earliest, Answer, Waiting},
};
use std::{
	sync::Arc,
	time::{Duration, Instant},
};

/// What a look found, to be told once the state is free.
#[derive(Default)]
struct Due {
	/// Their deadlines passed: in the queue,
	late: Vec<Waiting>,
	/// while they run,
	running: Vec<Answer>,
	/// and before the model was loaded.
	unloaded: Vec<Pending>,
	/// With runs that were given up.
	hung: Vec<Waiting>,
	/// In the queue of a model that is suspended.
	left: Vec<Waiting>,
	given_up: usize,
	/// When something is due next.
	next: Option<Instant>,
}

impl Served {
	/// Does what is due, and tells when to look again.
	pub(in crate::serving) fn look(self: &Arc<Self>, now: Instant) -> Option<Instant> {
		let mut state = self.state.lock();
		let mut due = Due::default();
		due.next = state.queue.expire(now, &mut due.late);
		due.expire(&mut state, now);
		self.give_up(&mut state, &mut due, now);
		let idled = self.idles(&state, &mut due, now);

		self.series.waiting(state.queue.len());
		let failed = due.late.len().saturating_add(due.hung.len());
		self.counts.lock().failed(failed.saturating_add(due.running.len()));
		match due.given_up {
			0 => drop(state),
			_ => self.unloaded(state),
		}
		let next = due.next;
		self.tell(due);
		if idled {
			self.unload(None, "nobody asked for it", false);
		}
		next
	}

	/// Gives up the runs that take too long; other threads take their places.
	fn give_up(self: &Arc<Self>, state: &mut State, due: &mut Due, now: Instant) {
		let timeout = self.options.execution_timeout();
		let loaded = match &state.life {
			Life::Ready(loaded) | Life::Unloading { loaded, .. } => Some(loaded.clone()),
			_ => None,
		};
		let model = loaded.as_ref().and_then(|loaded| loaded.model.as_ref());
		for at in 0..state.slots.len() {
			let slot = &mut state.slots[at];
			let Some(running) = &slot.running else { continue };
			let end = running.since.checked_add(timeout);
			if end.is_none_or(|end| end > now) {
				due.next = earliest(due.next, end);
				continue;
			}
			// While its thread can not be at anything else.
			if let Some(model) = model {
				model.interrupt(running.thread);
			}
			slot.epoch = slot.epoch.wrapping_add(1);
			slot.alive = false;
			if std::mem::take(&mut slot.lent) {
				// The thread that waits is not the slot's any more, and ends.
				self.work.notify_all();
			}
			let batch = slot.running.take().map(|running| running.batch).unwrap_or_default();
			due.hung.extend(batch.into_iter().filter(|waiting| waiting.answer.is_some()));
			due.given_up = due.given_up.saturating_add(1);
			state.stuck = state.stuck.saturating_add(1);
			self.series.hang();
			due.left.extend(self.suspend(state, now, true));
			// As many threads may be stuck as work; then the model has no thread until one returns.
			if state.stuck <= self.options.instances && matches!(state.life, Life::Ready(_)) {
				if let Err(error) = self.start(state, at) {
					log::error!(target: "inference", "{}: no thread can be made: {error}", self.model);
				}
			}
		}
		if due.given_up > 0 && !state.slots.iter().any(|slot| slot.alive) {
			due.left.extend(state.queue.drain());
		}
	}

	/// Whether nobody asked for the model for long enough.
	fn idles(&self, state: &State, due: &mut Due, now: Instant) -> bool {
		let quiet = state.queue.is_empty() && state.slots.iter().all(|slot| slot.running.is_none());
		// While it is in use, it idles no earlier than this.
		let until = self.idle_until(state, if quiet { state.used } else { now });
		let idled = quiet && until.is_some_and(|until| until <= now);
		if !idled {
			due.next = earliest(due.next, until);
		}
		idled
	}

	/// Until when the model stays without being asked for, if it was used last then.
	pub(super) fn idle_until(&self, state: &State, used: Instant) -> Option<Instant> {
		let idle = self.options.idle_ms.filter(|_| !self.options.pinned)?;
		let ready = matches!(state.life, Life::Ready(_));
		ready.then(|| used.checked_add(Duration::from_millis(idle))).flatten()
	}

	fn tell(&self, due: Due) {
		let Due { late, running, unloaded, hung, left, given_up, next: _ } = due;
		let timeout = self.options.execution_timeout();
		for _ in 0..given_up {
			log::error!(
				target: "inference",
				"model {} {}: a run did not end within {timeout:?}, and was given up",
				self.model, self.version,
			);
		}
		for answer in running {
			self.send(answer, Err(self.late()));
		}
		for pending in unloaded {
			self.reject(pending.answer, self.late());
		}
		for waiting in late {
			self.answer(waiting, Err(self.late()));
		}
		let error = ServeError::Failed(format!(
			"the model `{}` did not answer within {timeout:?}",
			self.model
		));
		for waiting in hung {
			self.fail(waiting, &error);
		}
		if !left.is_empty() {
			let error = self.suspended();
			for waiting in left {
				self.fail(waiting, &error);
			}
		}
	}
}

impl Due {
	/// Takes those who wait for the model to be loaded, or while it runs for them, and whose deadlines passed.
	fn expire(&mut self, state: &mut State, now: Instant) {
		for pending in std::mem::take(&mut state.pending) {
			match pending.request.deadline {
				Some(deadline) if deadline <= now => self.unloaded.push(pending),
				deadline => {
					self.next = earliest(self.next, deadline);
					state.pending.push(pending);
				},
			}
		}
		for running in state.slots.iter_mut().filter_map(|slot| slot.running.as_mut()) {
			for waiting in &mut running.batch {
				match waiting.deadline {
					Some(deadline) if deadline <= now => self.running.extend(waiting.answer.take()),
					_ if waiting.answer.is_none() => (),
					deadline => self.next = earliest(self.next, deadline),
				}
			}
		}
	}
}
