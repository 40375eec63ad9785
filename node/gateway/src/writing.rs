//! Answers until they are written: each has time for its length, and keeps its place as long.
//!
//! A connection whose client takes too little is closed, and with it go the answers that it holds. What is counted is
//! what this process holds; a few more are in the system's buffers.

use crate::{config::Limits, places::Place};
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::{
	sync::Notify,
	time::{sleep_until, Instant},
};

/// The answers that a connection holds.
pub(crate) struct Writing {
	limits: Arc<Limits>,
	state: Mutex<State>,
	begun: Notify,
}

#[derive(Default)]
struct State {
	next: u64,
	/// By when each has to be written. No deadline is before that of an answer which began earlier.
	held: Vec<(u64, Instant)>,
	bytes: u64,
	/// Whether somebody waits for the first answer.
	idle: bool,
}

/// An answer, until all of its bytes are gone.
pub(crate) struct Held {
	of: Arc<Writing>,
	id: u64,
	bytes: u64,
	_place: Option<Arc<Place>>,
}

/// A piece of it.
struct Piece {
	bytes: Bytes,
	_held: Arc<Held>,
}

impl Writing {
	pub(crate) fn new(limits: Arc<Limits>) -> Arc<Self> {
		Arc::new(Self { limits, state: Mutex::default(), begun: Notify::new() })
	}

	/// Begins an answer of so many bytes.
	pub(crate) fn hold(self: &Arc<Self>, bytes: u64, place: Option<Arc<Place>>) -> Arc<Held> {
		let mut state = self.state.lock();
		let id = state.next;
		state.next = id.wrapping_add(1);
		state.bytes = state.bytes.saturating_add(bytes);
		let Limits { write_timeout, .. } = *self.limits;
		let patience = write_timeout.saturating_add(self.limits.time_of(state.bytes));
		let now = Instant::now();
		state.held.push((id, now.checked_add(patience).unwrap_or(now)));
		let wake = std::mem::take(&mut state.idle);
		drop(state);
		if wake {
			self.begun.notify_one();
		}
		Arc::new(Held { of: self.clone(), id, bytes, _place: place })
	}

	/// Resolves when an answer was not taken in time.
	pub(crate) async fn late(&self) {
		loop {
			let first = {
				let mut state = self.state.lock();
				let first = state.held.iter().map(|(_, deadline)| *deadline).min();
				state.idle = first.is_none();
				first
			};
			match first {
				None => self.begun.notified().await,
				Some(deadline) if deadline <= Instant::now() => return,
				// Whatever begins meanwhile may last longer.
				Some(deadline) => sleep_until(deadline).await,
			}
		}
	}
}

impl Held {
	/// Bytes of the answer, which is held for as long as they are.
	pub(crate) fn piece(self: &Arc<Self>, bytes: Bytes) -> Bytes {
		Bytes::from_owner(Piece { bytes, _held: self.clone() })
	}
}

impl AsRef<[u8]> for Piece {
	fn as_ref(&self) -> &[u8] {
		&self.bytes
	}
}

impl Drop for Held {
	fn drop(&mut self) {
		let mut state = self.of.state.lock();
		state.bytes = state.bytes.saturating_sub(self.bytes);
		state.held.retain(|(id, _)| *id != self.id);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use futures::FutureExt;
	use std::time::Duration;

	fn writing(write_timeout: Duration) -> Arc<Writing> {
		let limits = Limits { write_timeout, body_rate: 1, ..Limits::default() };
		Writing::new(Arc::new(limits))
	}

	#[tokio::test]
	async fn an_answer_that_nobody_takes_is_late() {
		let writing = writing(Duration::ZERO);
		assert!(writing.late().now_or_never().is_none(), "there is none");
		let _long = writing.hold(1_000, None);
		assert!(writing.late().now_or_never().is_none(), "it has a second for each byte");
		let next = self::writing(Duration::ZERO);
		let _empty = next.hold(0, None);
		next.late().await;
	}

	#[tokio::test]
	async fn an_answer_is_held_until_its_last_piece_is_gone() {
		let writing = writing(Duration::ZERO);
		let held = writing.hold(0, None);
		let pieces = [held.piece(Bytes::from_static(b"ab")), held.piece(Bytes::from_static(b"c"))];
		drop(held);
		let [first, last] = pieces;
		drop(first);
		assert!(writing.late().now_or_never().is_some());
		drop(last);
		assert!(writing.late().now_or_never().is_none());
		assert_eq!(writing.state.lock().bytes, 0);
	}

	#[tokio::test]
	async fn an_answer_behind_others_has_their_time_too() {
		let writing = writing(Duration::ZERO);
		let (_first, second) = (writing.hold(100, None), writing.hold(100, None));
		let state = writing.state.lock();
		let [(_, first), (_, of_second)] = state.held[..] else { panic!() };
		assert!(of_second - first >= Duration::from_secs(100));
		drop(state);
		drop(second);
	}
}
