//! A version of a model that is served: its queue, its threads, and where it is in its life.
//!
//! Each version has threads of its own, so that one which hangs takes nothing from the others.

mod alone;
mod counts;
mod due;
mod run;

use super::{
	api::{Inference, ServeError, State as LifeState, Statistics},
	breaker::{Breaker, Suspended},
	metrics::{Load, Series},
	options::ModelOptions,
	queue::{Answer, Bounds, Queue, Route, Waiting},
	repository::VersionEntry,
	tuning::{Limits, Tuner},
	validate::Fitting,
	watchdog::Watchdog,
	InferRequest, Shared,
};
use crate::{
	backend::{Model, Signature},
	tensor::Tensor,
};
pub(super) use alone::Alone;
use alone::Pace;
use counts::Counts;
use futures::channel::oneshot;
use parking_lot::{Condvar, Mutex};
use std::{
	sync::{Arc, Weak},
	thread::ThreadId,
	time::{Duration, Instant},
};

/// Where the answer to a load or an unload goes.
pub(super) type Reply = oneshot::Sender<Result<(), ServeError>>;

pub(super) struct Served {
	pub(super) model: Arc<str>,
	pub(super) version: Arc<str>,
	pub(super) entry: VersionEntry,
	pub(super) options: ModelOptions,
	pub(super) series: Series,
	fallbacks: Arc<[String]>,
	shared: Weak<Shared>,
	watchdog: Arc<Watchdog>,
	counts: Mutex<Counts>,
	state: Mutex<State>,
	work: Condvar,
}

struct State {
	life: Life,
	queue: Queue,
	/// Requests that wait for the model to be loaded.
	pending: Vec<Pending>,
	replies: Vec<Reply>,
	slots: Vec<Slot>,
	/// Threads that wait for work.
	idle: usize,
	/// Which request was left to whoever asked: a single one that waits.
	alone: Option<u64>,
	/// How many were.
	left: u64,
	pace: Pace,
	/// Threads that run something that was given up.
	stuck: usize,
	breaker: Breaker,
	tuner: Option<Tuner>,
	used: Instant,
	/// Bytes that the model takes, as far as it was asked.
	memory: u64,
	/// It was removed while it was being loaded: it goes as soon as it is there.
	removed: bool,
	/// Known since it was loaded first.
	signature: Option<Arc<Loaded>>,
}

enum Life {
	Unavailable {
		reason: String,
		since: Instant,
		/// Only an explicit load brings it back.
		by_hand: bool,
	},
	Loading,
	Ready(Arc<Loaded>),
	Unloading {
		loaded: Arc<Loaded>,
		reason: String,
		by_hand: bool,
	},
}

/// A model in memory, and what is known of it.
pub(super) struct Loaded {
	/// `None` in what is remembered of a model that was unloaded.
	pub(super) model: Option<Arc<dyn Model>>,
	pub(super) signature: Signature,
	pub(super) platform: String,
	/// Whether requests may be joined.
	pub(super) batches: bool,
	/// Whether its answers are remembered.
	pub(super) remembers: bool,
	/// How it came into memory.
	pub(super) kind: Load,
}

pub(super) struct Pending {
	pub(super) request: InferRequest,
	pub(super) answer: Answer,
	pub(super) route: Option<Route>,
}

/// A thread's place.
#[derive(Default)]
struct Slot {
	/// Grows whenever the thread is given up; it sees that and ends.
	epoch: u64,
	alive: bool,
	running: Option<Running>,
	/// Whether what runs is run by whoever asked, while the thread waits.
	lent: bool,
}

struct Running {
	thread: ThreadId,
	since: Instant,
	batch: Vec<Waiting>,
}

/// A request that was not queued, and why.
pub(super) struct Refused {
	pub(super) waiting: Waiting,
	pub(super) error: ServeError,
}

impl Served {
	pub(super) fn new(
		model: &str,
		entry: &VersionEntry,
		options: &ModelOptions,
		shared: Weak<Shared>,
		watchdog: Arc<Watchdog>,
		series: Series,
	) -> Arc<Self> {
		let bounds = Bounds { requests: options.queue, bytes: options.queue_bytes };
		let state = State {
			life: Life::Unavailable {
				reason: String::new(),
				since: Instant::now(),
				by_hand: false,
			},
			queue: Queue::new(bounds),
			pending: Vec::new(),
			replies: Vec::new(),
			slots: Vec::new(),
			idle: 0,
			alone: None,
			left: 0,
			pace: Pace::default(),
			stuck: 0,
			breaker: Breaker::CLOSED,
			tuner: options.target_latency_us.map(|target| {
				let most = Limits { batch: options.max_batch, threads: options.instances };
				Tuner::new(Duration::from_micros(target), most)
			}),
			used: Instant::now(),
			memory: 0,
			removed: false,
			signature: None,
		};
		Arc::new(Self {
			model: model.into(),
			version: entry.version.to_string().into(),
			entry: entry.clone(),
			options: options.clone(),
			series,
			fallbacks: options.fallback.clone().into(),
			shared,
			watchdog,
			counts: Mutex::default(),
			state: Mutex::new(state),
			work: Condvar::new(),
		})
	}

	/// One without a server.
	#[cfg(test)]
	pub(super) fn idle(model: &str, entry: &VersionEntry, options: &ModelOptions) -> Arc<Self> {
		Self::new(model, entry, options, Weak::new(), Arc::new(Watchdog::new()), Series::default())
	}

	/// Where it is in its life, and why it is unavailable.
	pub(super) fn life(&self) -> (LifeState, String) {
		match &self.state.lock().life {
			Life::Unavailable { reason, .. } => (LifeState::Unavailable, reason.clone()),
			Life::Loading => (LifeState::Loading, String::new()),
			Life::Ready(_) => (LifeState::Ready, String::new()),
			Life::Unloading { reason, .. } => (LifeState::Unloading, reason.clone()),
		}
	}

	/// The loaded model.
	pub(super) fn ready(&self) -> Option<Arc<Loaded>> {
		match &self.state.lock().life {
			Life::Ready(loaded) => Some(loaded.clone()),
			_ => None,
		}
	}

	/// What it takes and gives, if it was ever loaded.
	pub(super) fn described(&self) -> Option<Arc<Loaded>> {
		self.state.lock().signature.clone()
	}

	pub(super) fn memory(&self) -> u64 {
		match &self.state.lock().life {
			Life::Ready(loaded) | Life::Unloading { loaded, .. } => loaded.memory(),
			_ => 0,
		}
	}

	/// Bytes that it takes, and since when nobody used it, if it may be taken out of memory or is on its way.
	pub(super) fn occupies(&self) -> Option<(u64, Option<Instant>)> {
		let state = self.state.lock();
		match &state.life {
			Life::Ready(loaded) => {
				Some((loaded.memory(), (!self.options.pinned).then_some(state.used)))
			},
			Life::Unloading { loaded, .. } => Some((loaded.memory(), Some(state.used))),
			Life::Unavailable { .. } | Life::Loading => None,
		}
	}

	/// Whether nothing waits, runs, or is being loaded.
	pub(super) fn is_quiet(&self) -> bool {
		let state = self.state.lock();
		state.queue.is_empty()
			&& state.pending.is_empty()
			&& state.slots.iter().all(|slot| slot.running.is_none())
	}

	pub(super) fn statistics(&self) -> Statistics {
		let counted = self.counts.lock().statistics();
		let (name, version) = (self.name(), self.version.to_string());
		let pending = self.state.lock().queue.len() as u64;
		Statistics { name, version, pending, memory: self.memory(), ..counted }
	}

	/// Queues a request that fits. Says whether it is left to whoever asked, until what is returned is dropped.
	pub(super) fn enqueue(
		self: &Arc<Self>,
		loaded: &Arc<Loaded>,
		fitting: Fitting,
		request: &InferRequest,
		key: Option<[u8; 32]>,
		route: Option<Route>,
		answer: Answer,
	) -> Result<Option<Alone>, Box<Refused>> {
		let now = Instant::now();
		let waiting = Waiting {
			inputs: fitting.inputs.into(),
			outputs: fitting.outputs,
			rows: fitting.rows,
			bytes: fitting.bytes,
			priority: request.priority,
			deadline: request.deadline,
			since: now,
			key,
			route,
			answer: Some(answer),
		};
		let refuse = |waiting, error| Err(Box::new(Refused { waiting, error }));
		if request.deadline.is_some_and(|deadline| deadline <= now) {
			return refuse(waiting, self.late());
		}
		let mut state = self.state.lock();
		match &state.life {
			Life::Ready(current) if Arc::ptr_eq(current, loaded) => (),
			// Reloaded meanwhile, or gone.
			_ => return refuse(waiting, self.not_ready("it was unloaded meanwhile")),
		}
		if let Err(Suspended { failures, again_in }) = state.breaker.admit(now) {
			let name = self.name();
			return refuse(waiting, ServeError::Suspended { name, failures, again_in });
		}
		if !state.slots.iter().any(|slot| slot.alive) {
			state.breaker.retry(now);
			return refuse(waiting, self.not_ready("all its threads hang"));
		}
		if !state.queue.has_room(&waiting) {
			state.breaker.retry(now);
			let waits = state.queue.len();
			return refuse(waiting, ServeError::Busy { name: self.name(), waiting: waits });
		}
		state.left = state.left.wrapping_add(1);
		let alone = self.leaves(&state, loaded, &waiting).then_some(state.left);
		state.alone = alone;
		state.queue.push(waiting);
		self.series.waiting(state.queue.len());
		let lent = state.slots.iter().any(|slot| slot.lent);
		let wake = alone.is_none() && state.idle > 0 && !(lent && state.slots.len() == 1);
		// One alone might be a thread that is to rest, or whose place is lent.
		let all = lent || state.tuner.is_some();
		drop(state);
		match (wake, all) {
			(false, _) => (),
			(true, false) => {
				self.work.notify_one();
			},
			(true, true) => {
				self.work.notify_all();
			},
		}
		if let Some(deadline) = request.deadline {
			self.watchdog.arm(deadline);
		}
		Ok(alone.map(|which| Alone::new(self, which)))
	}

	/// Answers with what is remembered.
	pub(super) fn recall(
		&self,
		outputs: &[Tensor],
		fitting: &Fitting,
		arrived: Instant,
		answer: Answer,
	) {
		let took = arrived.elapsed();
		self.counts.lock().recalled(fitting.rows, took);
		self.series.remembered(true);
		let inference = Inference {
			model: self.model.clone(),
			version: self.version.clone(),
			artifact: self.entry.hash,
			outputs: run::select(outputs.to_vec(), &fitting.outputs),
			rows: fitting.rows,
			queued: Duration::ZERO,
			computed: Duration::ZERO,
			batch: 0,
			cached: true,
		};
		self.send(answer, Ok(inference));
	}

	/// Keeps a request until the model is loaded, and begins that unless it is being done.
	pub(super) fn load_for(self: &Arc<Self>, pending: Pending, retry_after: Duration) {
		let mut state = self.state.lock();
		let error = match &state.life {
			Life::Unavailable { reason, by_hand: true, .. } => Some(self.not_ready(reason)),
			Life::Unavailable { reason, since, .. }
				if !reason.is_empty() && since.elapsed() < retry_after =>
			{
				Some(self.not_ready(reason))
			},
			_ if state.pending.len() >= self.options.queue => {
				Some(ServeError::Busy { name: self.name(), waiting: state.pending.len() })
			},
			_ => None,
		};
		if let Some(error) = error {
			drop(state);
			self.refuse(pending, error);
			return;
		}
		if let Life::Ready(_) = state.life {
			drop(state);
			self.again(pending);
			return;
		}
		if let Some(deadline) = pending.request.deadline {
			self.watchdog.arm(deadline);
		}
		state.pending.push(pending);
		self.begin_load(state);
	}

	/// Loads the model unless it is there.
	pub(super) fn load(self: &Arc<Self>, reply: Reply) {
		let mut state = self.state.lock();
		let told = match state.life {
			Life::Ready(_) => Ok(()),
			Life::Unloading { .. } => Err(self.not_ready("it is being unloaded")),
			Life::Unavailable { .. } | Life::Loading => {
				state.replies.push(reply);
				self.begin_load(state);
				return;
			},
		};
		drop(state);
		let _ = reply.send(told);
	}

	fn begin_load(self: &Arc<Self>, mut state: parking_lot::MutexGuard<'_, State>) {
		// What is being unloaded is loaded again when its last thread has ended.
		if let Life::Unavailable { .. } = state.life {
			state.life = Life::Loading;
			drop(state);
			let served = self.clone();
			let thread = std::thread::Builder::new().name("aimodel-load".into());
			if let Err(error) = thread.spawn(move || served.loading()) {
				self.loaded(Err(format!("no thread can be made: {error}")));
			}
		}
	}

	fn loading(self: &Arc<Self>) {
		let loaded = match self.shared.upgrade() {
			Some(shared) => shared.load_model(self),
			None => Err("the server is stopping".into()),
		};
		self.loaded(loaded);
		// Others that were loaded meanwhile may have taken the same room.
		self.make_room();
	}

	fn make_room(self: &Arc<Self>) {
		if let Some(shared) = self.shared.upgrade() {
			if let Err(reason) = shared.make_room(None, self) {
				log::warn!(target: "inference", "model {} {}: {reason}", self.model, self.version);
			}
		}
	}

	/// The model has grown, by another session: others may have to go. Not waited for.
	fn take_room(self: &Arc<Self>) {
		let served = self.clone();
		let thread = std::thread::Builder::new().name("aimodel-room".into());
		if let Err(error) = thread.spawn(move || served.make_room()) {
			log::error!(target: "inference", "no thread can be made: {error}");
		}
	}

	/// The load came to an end.
	fn loaded(self: &Arc<Self>, result: Result<Loaded, String>) {
		let mut state = self.state.lock();
		let (result, stopping) = match result {
			Ok(loaded) => {
				let loaded = Arc::new(loaded);
				state.signature = Some(Arc::new(loaded.remembered()));
				state.memory = loaded.memory();
				state.life = Life::Ready(loaded);
				state.breaker = Breaker::CLOSED;
				self.series.suspended(false);
				state.pace = Pace::default();
				state.used = Instant::now();
				state.slots.resize_with(self.options.instances, Slot::default);
				let started = (0..state.slots.len()).try_for_each(|at| self.start(&mut state, at));
				if let Err(error) = started {
					log::error!(target: "inference", "{}: no thread can be made: {error}", self.model);
				}
				if let Some(at) = self.idle_until(&state, state.used) {
					self.watchdog.arm(at);
				}
				(Ok(()), state.removed || self.shared.strong_count() == 0)
			},
			Err(reason) => {
				let since = Instant::now();
				state.life = Life::Unavailable { reason: reason.clone(), since, by_hand: false };
				(Err(self.not_ready(&reason)), false)
			},
		};
		let pending = std::mem::take(&mut state.pending);
		let replies = std::mem::take(&mut state.replies);
		drop(state);
		for reply in replies {
			let _ = reply.send(result.clone());
		}
		for pending in pending {
			match &result {
				Ok(()) => self.again(pending),
				Err(error) => self.refuse(pending, error.clone()),
			}
		}
		if stopping {
			self.unload(None, "it was removed", true);
		}
	}

	/// Takes the model out of memory once what waits is answered.
	pub(super) fn unload(&self, reply: Option<Reply>, reason: &str, by_hand: bool) {
		let mut state = self.state.lock();
		match &mut state.life {
			Life::Ready(loaded) => {
				let loaded = loaded.clone();
				state.life = Life::Unloading { loaded, reason: reason.into(), by_hand };
			},
			Life::Unavailable { by_hand: now, reason: why, .. } => {
				*now |= by_hand;
				if by_hand {
					*why = reason.into();
				}
				drop(state);
				if let Some(reply) = reply {
					let _ = reply.send(Ok(()));
				}
				return;
			},
			Life::Unloading { .. } => (),
			Life::Loading => {
				// Nobody waits for what is removed, or for the end of the server.
				state.removed |= by_hand && reply.is_none();
				drop(state);
				if let Some(reply) = reply {
					let _ = reply.send(Err(self.not_ready("it is being loaded")));
				}
				return;
			},
		}
		state.replies.extend(reply);
		self.work.notify_all();
		self.unloaded(state);
	}

	/// Ends the unloading when no thread is left.
	fn unloaded(&self, mut state: parking_lot::MutexGuard<'_, State>) {
		if state.slots.iter().any(|slot| slot.alive) {
			return;
		}
		let Life::Unloading { reason, by_hand, .. } = &state.life else { return };
		let reason = std::mem::take(&mut reason.clone());
		let by_hand = *by_hand;
		log::info!(target: "inference", "model {} {}: unloaded, {reason}", self.model, self.version);
		// An eviction is no failure: the next request loads it again, at once.
		let reason = if by_hand { reason } else { String::new() };
		state.life = Life::Unavailable { reason, since: Instant::now(), by_hand };
		self.series.memory(0);
		self.series.suspended(false);
		let left = state.queue.drain();
		let pending = std::mem::take(&mut state.pending);
		let replies = std::mem::take(&mut state.replies);
		drop(state);
		for reply in replies {
			let _ = reply.send(Ok(()));
		}
		let error = self.not_ready("it was unloaded meanwhile");
		for waiting in left {
			self.fail(waiting, &error);
		}
		for pending in pending {
			self.again(pending);
		}
	}

	/// The model failed; after some times it is left alone, and what waits for it is given back.
	#[must_use]
	fn suspend(&self, state: &mut State, now: Instant, at_once: bool) -> Vec<Waiting> {
		let first = Duration::from_millis(self.options.suspend_ms);
		if !state.breaker.fail(now, self.options.failures, first, at_once) {
			return Vec::new();
		}
		log::warn!(
			target: "inference",
			"model {} {}: suspended: {:?}", self.model, self.version, state.breaker,
		);
		self.series.suspended(true);
		state.queue.drain()
	}

	fn suspended(&self) -> ServeError {
		let (name, state) = (self.name(), self.state.lock());
		match state.breaker.look(Instant::now()) {
			Some(Suspended { failures, again_in }) => {
				ServeError::Suspended { name, failures, again_in }
			},
			None => self.not_ready("it was suspended meanwhile"),
		}
	}

	/// Answers a request that the model failed; another model may answer instead.
	fn fail(&self, mut waiting: Waiting, error: &ServeError) {
		let route = self.route(waiting.route.take());
		match self.shared.upgrade() {
			Some(shared) if route.next < route.fallbacks.len() => {
				let Some(answer) = waiting.answer.take() else { return };
				let described = self.described();
				let names = waiting.outputs.iter().filter_map(|at| {
					Some(described.as_ref()?.signature.outputs.get(*at)?.name.to_string())
				});
				let request = InferRequest {
					model: String::new(),
					version: None,
					inputs: waiting.inputs.to_vec(),
					outputs: names.collect(),
					priority: waiting.priority,
					deadline: waiting.deadline,
				};
				shared.pass_on(self, request, answer, route, error.clone());
			},
			_ => self.answer(waiting, Err(error.clone())),
		}
	}

	/// The same for a request that was not queued yet.
	pub(super) fn refuse(&self, pending: Pending, error: ServeError) {
		let Pending { request, answer, route } = pending;
		match self.shared.upgrade() {
			Some(shared) => shared.pass_on(self, request, answer, self.route(route), error),
			None => {
				let _ = answer.send(Err(error));
			},
		}
	}

	/// Who answers in its place: what the model that was asked first says.
	fn route(&self, route: Option<Route>) -> Route {
		route.unwrap_or_else(|| Route { fallbacks: self.fallbacks.clone(), next: 0 })
	}

	/// Asks again, now that the model is loaded.
	fn again(&self, pending: Pending) {
		let Pending { request, answer, route } = pending;
		match self.shared.upgrade() {
			Some(shared) => drop(shared.dispatch(request, answer, route)),
			None => {
				let _ = answer.send(Err(ServeError::Stopping));
			},
		}
	}

	pub(super) fn answer(&self, mut waiting: Waiting, answer: Result<Inference, ServeError>) {
		if let Some(sender) = waiting.answer.take() {
			self.send(sender, answer);
		}
	}

	fn send(&self, sender: Answer, answer: Result<Inference, ServeError>) {
		// Whoever asked may be gone.
		let _ = sender.send(self.concluded(answer));
	}

	/// The answer as it is told, after the hooks.
	fn concluded(
		&self,
		mut answer: Result<Inference, ServeError>,
	) -> Result<Inference, ServeError> {
		if let Some(shared) = self.shared.upgrade() {
			shared.after(self, &mut answer);
		}
		self.series.answered(&answer);
		answer
	}

	/// Answers a request that never came to be queued.
	pub(super) fn reject(&self, answer: Answer, error: ServeError) {
		self.counts.lock().failed(1);
		self.send(answer, Err(error));
	}

	fn name(&self) -> String {
		self.model.to_string()
	}

	fn late(&self) -> ServeError {
		ServeError::DeadlineExceeded { name: self.name() }
	}

	pub(super) fn not_ready(&self, reason: &str) -> ServeError {
		ServeError::NotReady { name: self.name(), reason: reason.into() }
	}
}

impl Loaded {
	pub(super) fn memory(&self) -> u64 {
		self.model.as_ref().map_or(0, |model| model.memory())
	}

	/// What stays known when the model is gone.
	fn remembered(&self) -> Self {
		Self {
			model: None,
			signature: self.signature.clone(),
			platform: self.platform.clone(),
			batches: self.batches,
			remembers: self.remembers,
			kind: self.kind,
		}
	}
}
