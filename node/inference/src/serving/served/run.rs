//! The life of a model's thread: takes a batch, runs it, answers.

use super::{
	counts::{Member, Ran},
	Life, Loaded, Running, Served, State,
};
use crate::{
	backend::{BackendError, Model},
	panics::isolated,
	serving::{
		api::{Inference, ServeError},
		queue::Waiting,
		tuning::{Change, Tuner},
	},
	tensor::Tensor,
};
use parking_lot::MutexGuard;
use std::{
	io,
	sync::Arc,
	thread,
	time::{Duration, Instant},
};

/// What a thread is to run.
pub(super) struct Work {
	loaded: Arc<Loaded>,
	/// The inputs of each request of the batch.
	inputs: Vec<Arc<[Tensor]>>,
	rows: u32,
	since: Instant,
}

/// What became of each request of a batch.
pub(super) struct Outcome {
	answers: Vec<Result<Vec<Tensor>, ServeError>>,
	/// The engine's failure, if it was one.
	failed: bool,
	/// Whether the engine answered at least one.
	answered: bool,
	computed: Duration,
	/// How long it took to take its answer apart.
	apart: Duration,
	/// How often the engine ran.
	runs: u64,
}

impl Served {
	/// Starts the thread of a slot.
	pub(super) fn start(self: &Arc<Self>, state: &mut State, at: usize) -> io::Result<()> {
		let slot = &mut state.slots[at];
		if slot.alive {
			return Ok(());
		}
		slot.epoch = slot.epoch.wrapping_add(1);
		let (epoch, served) = (slot.epoch, self.clone());
		std::thread::Builder::new()
			.name(format!("aimodel-serve-{at}"))
			.spawn(move || served.work(at, epoch))?;
		slot.alive = true;
		Ok(())
	}

	fn work(self: Arc<Self>, at: usize, epoch: u64) {
		while let Some(work) = self.next(at, epoch) {
			let outcome = self.compute(&work);
			if !self.finish(at, epoch, work, outcome) {
				return;
			}
		}
	}

	/// Waits for the next batch; `None` when the thread is to end.
	fn next(&self, at: usize, epoch: u64) -> Option<Work> {
		let mut state = self.state.lock();
		let mut expired = Vec::new();
		let work = loop {
			if state.slots[at].epoch != epoch {
				break None;
			}
			if state.slots[at].lent {
				self.wait(&mut state);
				continue;
			}
			let now = Instant::now();
			let (loaded, ending) = match &state.life {
				Life::Ready(loaded) => (loaded.clone(), false),
				Life::Unloading { loaded, .. } => (loaded.clone(), true),
				_ => break None,
			};
			let rests = |it: &Tuner| at >= it.limits().threads;
			if !ending && state.tuner.as_ref().is_some_and(rests) {
				self.work.wait(&mut state);
				continue;
			}
			if let Some(until) = self.gathers(&state, &loaded, now, ending) {
				state.idle = state.idle.saturating_add(1);
				self.work.wait_until(&mut state, until);
				state.idle = state.idle.saturating_sub(1);
				continue;
			}
			let work = self.take(&mut state, at, &loaded, now, &mut expired);
			if work.is_some() {
				// Others may take what is left. One alone might be a thread that is to rest.
				if !state.queue.is_empty() && state.idle > 0 {
					self.work.notify_all();
				}
				break work;
			}
			if !expired.is_empty() {
				// The thread's place is free meanwhile, and may be lent.
				let late = std::mem::take(&mut expired);
				MutexGuard::unlocked(&mut state, || self.expired(late));
				continue;
			}
			if state.slots.iter().all(|slot| slot.running.is_none()) {
				state.breaker.retry(now);
			}
			if ending {
				break None;
			}
			self.wait(&mut state);
		};
		match &work {
			Some(work) => {
				drop(state);
				self.arm(work);
			},
			None => {
				let slot = &mut state.slots[at];
				if slot.epoch == epoch {
					slot.alive = false;
				}
				self.unloaded(state);
			},
		}
		self.expired(expired);
		work
	}

	fn wait(&self, state: &mut MutexGuard<'_, State>) {
		state.idle = state.idle.saturating_add(1);
		self.work.wait(state);
		state.idle = state.idle.saturating_sub(1);
	}

	/// Takes the next batch from the queue for this thread to run, in the place of a slot.
	pub(super) fn take(
		&self,
		state: &mut State,
		at: usize,
		loaded: &Arc<Loaded>,
		now: Instant,
		expired: &mut Vec<Waiting>,
	) -> Option<Work> {
		state.alone = None;
		let mut batch = Vec::new();
		let rows = self.batch_rows(state, loaded);
		state.queue.take(rows, now, &mut batch, expired);
		self.series.waiting(state.queue.len());
		if batch.is_empty() {
			return None;
		}
		let inputs = batch.iter().map(|waiting| waiting.inputs.clone()).collect();
		let rows = batch.iter().map(|waiting| waiting.rows).fold(0, u32::saturating_add);
		state.slots[at].running =
			Some(Running { thread: thread::current().id(), since: now, batch });
		state.used = now;
		Some(Work { loaded: loaded.clone(), inputs, rows, since: now })
	}

	/// Has the watchdog look when a run takes too long.
	pub(super) fn arm(&self, work: &Work) {
		if let Some(end) = work.since.checked_add(self.options.execution_timeout()) {
			self.watchdog.arm(end);
		}
	}

	pub(super) fn expired(&self, expired: Vec<Waiting>) {
		if expired.is_empty() {
			return;
		}
		self.counts.lock().failed(expired.len());
		for waiting in expired {
			self.answer(waiting, Err(self.late()));
		}
	}

	/// Rows of the next batch at most.
	fn batch_rows(&self, state: &State, loaded: &Loaded) -> u32 {
		if !loaded.batches {
			return 1;
		}
		let tuned = state.tuner.as_ref().map(|tuner| tuner.limits().batch);
		let most = tuned.unwrap_or(self.options.max_batch);
		if self.options.preferred_batches.is_empty() {
			return most;
		}
		let waiting = state.queue.rows(most);
		let fits = self.options.preferred_batches.iter().filter(|rows| **rows <= waiting).max();
		*fits.unwrap_or(&most)
	}

	/// Until when more is gathered, if it is not to run now.
	fn gathers(
		&self,
		state: &State,
		loaded: &Loaded,
		now: Instant,
		ending: bool,
	) -> Option<Instant> {
		if self.options.max_delay_us == 0 || ending || !loaded.batches {
			return None;
		}
		let preferred = self.options.preferred_batches.iter().max();
		let enough = *preferred.unwrap_or(&self.options.max_batch);
		let until = state.queue.oldest(now)?.checked_add(self.options.max_delay())?;
		(until > now && state.queue.rows(enough) < enough).then_some(until)
	}

	pub(super) fn compute(&self, work: &Work) -> Outcome {
		let start = Instant::now();
		let (mut runs, mut longest) = (0u64, Duration::ZERO);
		let Some(model) = work.loaded.model.as_deref() else {
			let (answers, computed) = (Vec::new(), Duration::ZERO);
			let (failed, answered, apart) = (false, false, Duration::ZERO);
			return Outcome { answers, failed, answered, computed, apart, runs };
		};
		let mut run = |inputs: &[&[Tensor]], rows: u32| {
			runs = runs.saturating_add(1);
			let began = Instant::now();
			let result = run(model, inputs, rows, work.loaded.batches);
			longest = longest.max(began.elapsed());
			result
		};
		let inputs: Vec<&[Tensor]> = work.inputs.iter().map(|inputs| &**inputs).collect();
		let joined = run(&inputs, work.rows);
		let mut ran = start.elapsed();
		let results = match joined {
			Err(BackendError::Rejected(_) | BackendError::Failed(_)) if inputs.len() > 1 => {
				// One bad input fails alone.
				let results =
					inputs.iter().map(|inputs| run(&[*inputs], rows_of(inputs))).collect();
				ran = start.elapsed();
				results
			},
			Ok(outputs) => split(&outputs, &inputs).into_iter().map(Ok).collect(),
			Err(error) => vec![Err(error); inputs.len()],
		};
		let (computed, apart) = (ran, start.elapsed().saturating_sub(ran));
		let mut failed = results.iter().any(|result| {
			matches!(
				result,
				Err(BackendError::Failed(_)
					| BackendError::Unreachable(_)
					| BackendError::NotAModel(_))
			)
		});
		let mut answered =
			results.iter().any(|it| matches!(it, Ok(_) | Err(BackendError::Rejected(_))));
		// Another run may take as long, and is not to be taken for one that hangs.
		let in_time =
			|| work.since.elapsed().saturating_add(longest) < self.options.execution_timeout();
		if failed
			&& !answered
			&& in_time()
			&& results.iter().all(|it| matches!(it, Err(BackendError::Failed(_))))
		{
			// Where another input is answered, it was the input's doing, and nobody else is to suffer for it.
			let sample = model.signature().sample();
			let batches = work.loaded.batches;
			runs = runs.saturating_add(1);
			answered = sample.is_some_and(|it| self::run(model, &[&it], 1, batches).is_ok());
			failed = !answered;
		}
		let answers = results.into_iter().map(|result| result.map_err(|error| self.error(error)));
		Outcome { answers: answers.collect(), failed, answered, computed, apart, runs }
	}

	fn error(&self, error: BackendError) -> ServeError {
		match error {
			BackendError::Rejected(reason) => ServeError::Invalid(reason),
			BackendError::Busy(_) => ServeError::Busy { name: self.name(), waiting: 0 },
			other => ServeError::Failed(other.to_string()),
		}
	}

	/// Answers; says whether the thread still has its place.
	pub(super) fn finish(
		self: &Arc<Self>,
		at: usize,
		epoch: u64,
		work: Work,
		outcome: Outcome,
	) -> bool {
		let Outcome { answers, failed, answered, computed, apart, runs } = outcome;
		// Whoever unloads the model finds nobody who holds it.
		let Work { loaded, rows, since, .. } = work;
		let memory = loaded.memory();
		drop(loaded);
		let now = Instant::now();
		let mut state = self.state.lock();
		if state.slots[at].epoch != epoch {
			// It was given up, and its requests answered. If its place is free, it takes it again.
			state.stuck = state.stuck.saturating_sub(1);
			if matches!(state.life, Life::Ready(_)) {
				if let Err(error) = self.start(&mut state, at) {
					log::error!(target: "inference", "{}: no thread can be made: {error}", self.model);
				}
			}
			return false;
		}
		let batch = state.slots[at].running.take().map(|it| it.batch).unwrap_or_default();
		if std::mem::take(&mut state.slots[at].lent)
			&& !(state.queue.is_empty() && matches!(state.life, Life::Ready(_)))
		{
			// The thread whose place it was goes on.
			self.work.notify_all();
		}
		if answered && !failed && runs == 1 {
			state.pace.took(rows, computed);
		}
		let grown = memory > std::mem::replace(&mut state.memory, memory);
		let mut left = Vec::new();
		match (failed, answered) {
			(_, true) => {
				if state.breaker.is_open() {
					self.series.suspended(false);
				}
				state.breaker.succeed();
			},
			(true, false) => left = self.suspend(&mut state, now, false),
			(false, false) => state.breaker.retry(now),
		}
		let ran = Ran { rows, since, ended: now, runs, computed, apart };
		self.tune(&mut state, &ran, &batch);
		self.series.batch(rows);
		self.series.memory(memory);
		drop(state);
		if grown {
			self.take_room();
		}
		self.count(&ran, &batch, &answers);
		let concluded = batch.into_iter().zip(answers).filter_map(|(mut waiting, answer)| {
			let answer = match answer {
				Ok(outputs) => Ok(self.inference(&waiting, outputs, &ran)),
				Err(error @ ServeError::Invalid(_)) => Err(error),
				Err(error) => {
					self.fail(waiting, &error);
					return None;
				},
			};
			Some((waiting.answer.take()?, self.concluded(answer)))
		});
		// Whoever is woken by the first answer finds the others there.
		for (sender, answer) in concluded.collect::<Vec<_>>() {
			let _ = sender.send(answer);
		}
		if !left.is_empty() {
			let error = self.suspended();
			for waiting in left {
				self.fail(waiting, &error);
			}
		}
		true
	}

	fn inference(&self, waiting: &Waiting, outputs: Vec<Tensor>, ran: &Ran) -> Inference {
		if let (Some(key), Some(shared)) = (waiting.key, self.shared.upgrade()) {
			shared.remember(key, &outputs);
		}
		Inference {
			model: self.model.clone(),
			version: self.version.clone(),
			artifact: self.entry.hash,
			outputs: select(outputs, &waiting.outputs),
			rows: waiting.rows,
			queued: ran.since.saturating_duration_since(waiting.since),
			computed: ran.computed,
			batch: ran.rows,
			cached: false,
		}
	}

	fn count(&self, ran: &Ran, batch: &[Waiting], answers: &[Result<Vec<Tensor>, ServeError>]) {
		// Who was told meanwhile that it is too late is counted already.
		let waited = batch.iter().zip(answers).filter(|(waiting, _)| waiting.answer.is_some());
		let members = waited.map(|(waiting, answer)| Member {
			rows: waiting.rows,
			since: waiting.since,
			answered: answer.is_ok(),
			missed: waiting.key.is_some(),
		});
		for member in members.clone().filter(|member| member.answered) {
			let queued = ran.since.saturating_duration_since(member.since);
			self.series.ran(
				queued,
				ran.computed,
				ran.ended.saturating_duration_since(member.since),
			);
			if member.missed {
				self.series.remembered(false);
			}
		}
		self.counts.lock().ran(ran, members);
	}

	fn tune(&self, state: &mut State, ran: &Ran, batch: &[Waiting]) {
		let Some(tuner) = &mut state.tuner else { return };
		let totals = batch.iter().map(|waiting| ran.ended.saturating_duration_since(waiting.since));
		if let Some(Change { to, p95, reason }) = tuner.batch(ran.rows, ran.computed, totals) {
			let (model, version) = (&self.model, &self.version);
			log::info!(
				target: "inference",
				"model {model} {version}: {} rows a batch and {} threads from now on: 95 of 100 \
				 requests took up to {p95:?}; {reason}",
				to.batch, to.threads,
			);
			self.work.notify_all();
		}
	}
}

/// Runs the model; a panic is a failure like any other.
fn run(
	model: &dyn Model,
	inputs: &[&[Tensor]],
	rows: u32,
	batches: bool,
) -> Result<Vec<Tensor>, BackendError> {
	let outputs = isolated(|| model.infer_batch(inputs))
		.unwrap_or_else(|text| Err(BackendError::Failed(format!("PANIC: {text}"))))?;
	let expected = model.signature().outputs.len();
	if outputs.len() != expected {
		return Err(BackendError::Failed(format!(
			"the model gave {} outputs instead of {expected}",
			outputs.len()
		)));
	}
	let wrong =
		outputs.iter().find(|output| batches && output.shape.first().copied() != Some(rows.into()));
	match wrong {
		Some(output) => Err(BackendError::Failed(format!(
			"the model gave `{}` of the shape {:?} for {rows} rows",
			output.name, output.shape
		))),
		None => Ok(outputs),
	}
}

fn rows_of(inputs: &[Tensor]) -> u32 {
	let rows = inputs.first().and_then(|input| input.shape.first()).copied();
	u32::try_from(rows.unwrap_or(1)).unwrap_or(u32::MAX)
}

/// Takes a batch's answer apart. No byte is copied.
fn split(outputs: &[Tensor], inputs: &[&[Tensor]]) -> Vec<Vec<Tensor>> {
	if inputs.len() == 1 {
		return vec![outputs.to_vec()];
	}
	let total: u64 = inputs.iter().map(|inputs| u64::from(rows_of(inputs))).sum();
	let mut at = 0u64;
	let mut parts = Vec::with_capacity(inputs.len());
	for inputs in inputs {
		let rows = u64::from(rows_of(inputs));
		let part = outputs.iter().map(|output| {
			// Whole, since the first dimension is the number of rows.
			let row = (output.data.len() as u64).checked_div(total).unwrap_or(0);
			let [from, to] = [at, at.saturating_add(rows)].map(|n| n.saturating_mul(row) as usize);
			let mut shape = output.shape.clone();
			if let Some(first) = shape.first_mut() {
				*first = rows;
			}
			Tensor {
				name: output.name.clone(),
				data_type: output.data_type,
				shape,
				data: output.data.slice(from..to),
			}
		});
		parts.push(part.collect());
		at = at.saturating_add(rows);
	}
	parts
}

/// The outputs that are wanted.
pub(in crate::serving) fn select(outputs: Vec<Tensor>, wanted: &[usize]) -> Vec<Tensor> {
	match wanted.is_empty() {
		true => outputs,
		false => wanted.iter().filter_map(|at| outputs.get(*at).cloned()).collect(),
	}
}
