//! What waits for a model: bounded, by priority, and taken in batches.

use super::api::{Inference, Priority, ServeError};
use crate::tensor::Tensor;
use futures::channel::oneshot;
use std::{
	collections::VecDeque,
	sync::Arc,
	time::{Duration, Instant},
};

/// Whoever waited so long goes first, whatever its priority.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the answer goes.
pub(super) type Answer = oneshot::Sender<Result<Inference, ServeError>>;

/// The models that may answer in the place of the one that was asked, and which of them is next.
#[derive(Clone)]
pub(super) struct Route {
	pub(super) fallbacks: Arc<[String]>,
	pub(super) next: usize,
}

/// A request that fits the model.
pub(super) struct Waiting {
	/// In the model's order.
	pub(super) inputs: Arc<[Tensor]>,
	/// Places of the outputs that are wanted; empty for all.
	pub(super) outputs: Vec<usize>,
	pub(super) rows: u32,
	pub(super) bytes: u64,
	pub(super) priority: Priority,
	pub(super) deadline: Option<Instant>,
	pub(super) since: Instant,
	/// Where the answer is remembered.
	pub(super) key: Option<[u8; 32]>,
	/// Who answers if the model fails.
	pub(super) route: Option<Route>,
	/// `None` once it was answered.
	pub(super) answer: Option<Answer>,
}

impl Waiting {
	/// Whether both can be in one batch: all dimensions but the first are equal.
	fn joins(&self, other: &Self) -> bool {
		self.inputs
			.iter()
			.zip(other.inputs.iter())
			.all(|(a, b)| a.shape.get(1..) == b.shape.get(1..))
	}

	/// Whether nobody waits for it any more.
	pub(super) fn is_abandoned(&self) -> bool {
		self.answer.as_ref().is_none_or(oneshot::Sender::is_canceled)
	}
}

/// How many may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
	pub(super) requests: usize,
	pub(super) bytes: u64,
}

/// What waits, by priority.
pub(super) struct Queue {
	bounds: Bounds,
	lanes: [VecDeque<Waiting>; 3],
	bytes: u64,
}

impl Queue {
	pub(super) fn new(bounds: Bounds) -> Self {
		Self { bounds, lanes: Default::default(), bytes: 0 }
	}

	pub(super) fn len(&self) -> usize {
		self.lanes.iter().map(VecDeque::len).sum()
	}

	pub(super) fn is_empty(&self) -> bool {
		self.lanes.iter().all(VecDeque::is_empty)
	}

	/// Whether there is room for a request of that priority.
	pub(super) fn has_room(&self, waiting: &Waiting) -> bool {
		let most = self.bounds.requests;
		let room = match waiting.priority {
			Priority::Low => most.div_ceil(2),
			Priority::Normal => most.saturating_sub(most / 10),
			Priority::High => most,
		};
		self.len() < room && self.bytes.saturating_add(waiting.bytes) <= self.bounds.bytes
	}

	/// Adds a request, for which there has to be room.
	pub(super) fn push(&mut self, waiting: Waiting) {
		self.bytes = self.bytes.saturating_add(waiting.bytes);
		self.lanes[waiting.priority as usize].push_back(waiting);
	}

	/// Where the next request is: the highest priority, unless a lower one lost its patience.
	fn next(&self, now: Instant) -> Option<usize> {
		let impatient = |lane: &VecDeque<Waiting>| {
			lane.front().is_some_and(|first| now.saturating_duration_since(first.since) > PATIENCE)
		};
		let highest = self.lanes.iter().rposition(|lane| !lane.is_empty())?;
		(0..highest).find(|at| impatient(&self.lanes[*at])).or(Some(highest))
	}

	/// Since when the next request waits.
	pub(super) fn oldest(&self, now: Instant) -> Option<Instant> {
		self.lanes[self.next(now)?].front().map(|first| first.since)
	}

	/// Rows that wait, counted up to `enough`.
	pub(super) fn rows(&self, enough: u32) -> u32 {
		let mut rows = 0u32;
		for waiting in self.lanes.iter().flatten() {
			rows = rows.saturating_add(waiting.rows);
			if rows >= enough {
				break;
			}
		}
		rows
	}

	/// Takes what runs next into `batch`: at least one request, and what follows it and can be
	/// joined to it, `rows` at most. What nobody waits for is dropped; what expired is put into
	/// `expired`.
	pub(super) fn take(
		&mut self,
		rows: u32,
		now: Instant,
		batch: &mut Vec<Waiting>,
		expired: &mut Vec<Waiting>,
	) {
		let mut taken = 0u32;
		// The other priorities fill what the first leaves free.
		while let Some(lane) = self.next(now) {
			let Some(first) = self.lanes[lane].front() else { return };
			if let Some(head) = batch.first() {
				let fits = taken.saturating_add(first.rows) <= rows && head.joins(first);
				if !fits && !first.is_abandoned() {
					return;
				}
			}
			let Some(waiting) = self.lanes[lane].pop_front() else { return };
			self.bytes = self.bytes.saturating_sub(waiting.bytes);
			if waiting.is_abandoned() {
				continue;
			}
			if waiting.deadline.is_some_and(|deadline| deadline <= now) {
				expired.push(waiting);
				continue;
			}
			taken = taken.saturating_add(waiting.rows);
			batch.push(waiting);
			if taken >= rows {
				return;
			}
		}
	}

	/// Takes out what expired, and tells when the next will.
	pub(super) fn expire(&mut self, now: Instant, expired: &mut Vec<Waiting>) -> Option<Instant> {
		let mut next = None;
		for lane in &mut self.lanes {
			let mut at = 0;
			while let Some(waiting) = lane.get(at) {
				match waiting.deadline {
					Some(deadline) if deadline <= now => {
						if let Some(waiting) = lane.remove(at) {
							self.bytes = self.bytes.saturating_sub(waiting.bytes);
							expired.push(waiting);
						}
					},
					deadline => {
						next = earliest(next, deadline);
						at = at.saturating_add(1);
					},
				}
			}
		}
		next
	}

	/// Takes out everything.
	pub(super) fn drain(&mut self) -> Vec<Waiting> {
		self.bytes = 0;
		self.lanes.iter_mut().rev().flat_map(|lane| lane.drain(..)).collect()
	}
}

/// The earlier of two moments, if there is any.
pub(super) fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
	match (a, b) {
		(Some(a), Some(b)) => Some(a.min(b)),
		(a, b) => a.or(b),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::tensor::DataType;

	type Receiver = oneshot::Receiver<Result<Inference, ServeError>>;

	fn waiting(name: &str, priority: Priority, shape: &[u64]) -> (Waiting, Receiver) {
		let (answer, receiver) = oneshot::channel();
		let bytes = shape.iter().product::<u64>();
		let tensor = Tensor {
			name: name.into(),
			data_type: DataType::Uint8,
			shape: shape.to_vec(),
			data: vec![0; bytes as usize].into(),
		};
		let waiting = Waiting {
			inputs: vec![tensor].into(),
			outputs: Vec::new(),
			rows: shape[0] as u32,
			bytes,
			priority,
			deadline: None,
			since: Instant::now(),
			key: None,
			route: None,
			answer: Some(answer),
		};
		(waiting, receiver)
	}

	struct World {
		queue: Queue,
		receivers: Vec<Receiver>,
	}

	impl World {
		fn new(requests: usize, bytes: u64) -> Self {
			Self { queue: Queue::new(Bounds { requests, bytes }), receivers: Vec::new() }
		}

		fn push(&mut self, name: &str, priority: Priority, shape: &[u64]) -> bool {
			let (waiting, receiver) = waiting(name, priority, shape);
			self.receivers.push(receiver);
			let room = self.queue.has_room(&waiting);
			if room {
				self.queue.push(waiting);
			}
			room
		}

		fn take(&mut self, rows: u32, now: Instant) -> Vec<String> {
			let (mut batch, mut expired) = (Vec::new(), Vec::new());
			self.queue.take(rows, now, &mut batch, &mut expired);
			assert!(expired.is_empty());
			batch.iter().map(|waiting| waiting.inputs[0].name.to_string()).collect()
		}
	}

	#[test]
	fn higher_priorities_go_first_and_lower_ones_fill_the_batch() {
		let mut world = World::new(10, 1000);
		for (name, priority) in [
			("low", Priority::Low),
			("normal", Priority::Normal),
			("high", Priority::High),
			("higher", Priority::High),
		] {
			assert!(world.push(name, priority, &[1, 4]));
		}
		let now = Instant::now();
		assert_eq!(world.take(3, now), ["high", "higher", "normal"]);
		assert_eq!(world.take(3, now), ["low"]);
		assert!(world.queue.is_empty());
	}

	#[test]
	fn whoever_waits_too_long_goes_first() {
		let mut world = World::new(10, 1000);
		world.push("low", Priority::Low, &[1]);
		world.push("high", Priority::High, &[1]);
		assert_eq!(world.take(1, Instant::now() + 2 * PATIENCE), ["low"]);
	}

	#[test]
	fn a_batch_holds_equal_shapes_and_no_more_rows_than_it_may() {
		let mut world = World::new(10, 1000);
		for (name, shape) in [("a", [2, 4]), ("b", [1, 4]), ("c", [1, 5]), ("d", [3, 5])] {
			world.push(name, Priority::Normal, &shape);
		}
		let now = Instant::now();
		assert_eq!(world.take(8, now), ["a", "b"]);
		assert_eq!(world.take(3, now), ["c"]);
		// One that is larger than a batch runs alone.
		assert_eq!(world.take(2, now), ["d"]);
	}

	#[test]
	fn the_queue_is_bounded_by_requests_priority_and_bytes() {
		let mut world = World::new(10, 1000);
		let fill = |world: &mut World, priority| {
			(0..).take_while(|_| world.push("x", priority, &[1])).count()
		};
		assert_eq!(fill(&mut world, Priority::Low), 5);
		assert_eq!(fill(&mut world, Priority::Normal), 4);
		assert_eq!(fill(&mut world, Priority::High), 1);
		let mut world = World::new(10, 8);
		assert!(world.push("x", Priority::High, &[8]));
		assert!(!world.push("x", Priority::High, &[1]));
		world.take(1, Instant::now());
		assert!(world.push("x", Priority::High, &[1]));
	}

	#[test]
	fn what_expired_is_not_started_and_what_nobody_waits_for_is_dropped() {
		let mut world = World::new(10, 1000);
		let now = Instant::now();
		let (mut late, _late) = waiting("late", Priority::Normal, &[1]);
		late.deadline = Some(now);
		let (mut later, _later) = waiting("later", Priority::Normal, &[1]);
		later.deadline = Some(now + PATIENCE);
		let (gone, receiver) = waiting("gone", Priority::Normal, &[1]);
		drop(receiver);
		for waiting in [gone, late, later] {
			world.queue.push(waiting);
		}
		let mut expired = Vec::new();
		assert_eq!(world.queue.expire(now, &mut expired), Some(now + PATIENCE));
		assert_eq!(expired.len(), 1);
		assert_eq!(world.take(8, now), ["later"]);
		let (mut late, _late) = waiting("late", Priority::Normal, &[1]);
		late.deadline = Some(now);
		world.queue.push(late);
		let mut batch = Vec::new();
		world.queue.take(8, now, &mut batch, &mut expired);
		assert_eq!((batch.len(), expired.len()), (0, 2));
	}
}
