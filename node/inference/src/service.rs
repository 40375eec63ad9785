//! The service: takes jobs, runs them on native threads, keeps their results.
//!
//! No call of [`InferenceService`] blocks: each takes one short lock. The queue is bounded and
//! lives in memory; what a crash loses, the offchain worker submits again.

mod jobs;
mod run;
mod stages;

pub use run::JobError;
pub(crate) use stages::Stages;
pub use stages::{Ended, Observer, Passed, Stage};

use crate::{
	blobs::BlobStore,
	cache::Lru,
	engine::{Engine, Models},
	metrics::{Metrics, Outcome},
	openings::OpeningStore,
	panics::isolated,
	prover::{ProverError, Provers},
};
use aimodel_primitives::{
	ids::{ArtifactHash, BlobHash},
	inference::{InferenceService, Job, JobId, Poll, Submitted},
	privacy::OpeningId,
	runtime_api::ProofKey,
};
use jobs::{Jobs, Lane};
use parking_lot::{Condvar, Mutex};
use run::Runner;
use std::{
	io,
	sync::{Arc, OnceLock},
	thread::{self, JoinHandle},
	time::{Duration, Instant},
};
use substrate_prometheus_endpoint::{PrometheusError, Registry};
use tokio::sync::watch;

/// Requests with results that are remembered until they are settled.
const READY: u64 = 4096;

/// Called on a worker thread whenever a job finished or failed. Must be short.
pub type OnFinished = Box<dyn Fn() + Send + Sync>;

/// How much the service may take.
#[derive(Clone, Debug)]
pub struct Config {
	/// Threads for jobs without a proof.
	pub inference_threads: usize,
	/// Jobs with a proof that run at the same time; each needs the memory of a proof.
	pub proofs: usize,
	/// Threads that the proofs share; `None` for one less than there are cores.
	pub proving_threads: Option<usize>,
	/// Jobs that may wait, of each of both kinds.
	pub queue: usize,
	/// Models that are kept loaded.
	pub models: usize,
	/// Provers (a network and its proving key) that are kept loaded.
	pub provers: usize,
	/// Bytes of results that are kept; the least recently collected go first.
	pub result_bytes: u64,
	/// Failed jobs that are remembered.
	pub failures: usize,
	/// How long a failed job is not tried again.
	pub retry_after: Duration,
	/// How long dropping the service waits for jobs that run.
	pub stop_timeout: Duration,
}

impl Default for Config {
	fn default() -> Self {
		Self {
			inference_threads: 2,
			proofs: 1,
			proving_threads: None,
			queue: 64,
			models: 8,
			provers: 2,
			result_bytes: 64 << 20,
			failures: 1024,
			retry_after: Duration::from_secs(10),
			stop_timeout: Duration::from_secs(5),
		}
	}
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
	/// The metrics can not be registered.
	#[error("metrics: {0}")]
	Metrics(#[from] PrometheusError),
	/// The provers' thread pool can not be made.
	#[error("thread pool of the prover: {0}")]
	Pool(#[from] rayon::ThreadPoolBuildError),
	/// A thread can not be made.
	#[error("thread: {0}")]
	Thread(#[from] io::Error),
}

/// The native inference service.
///
/// Dropping it forgets the jobs that wait and joins the threads; a thread whose job runs longer
/// than [`Config::stop_timeout`] is left to end by itself.
pub struct Service {
	shared: Arc<Shared>,
	threads: Mutex<Vec<JoinHandle<()>>>,
	stop_timeout: Duration,
}

struct Shared {
	state: Mutex<State>,
	/// Tells the threads of a lane that there is a job.
	work: [Condvar; 2],
	/// Tells that a thread ended.
	ended: Condvar,
	/// Tells that a job was queued, begun, or done.
	changes: watch::Sender<()>,
	runner: Runner,
	metrics: Metrics,
	on_finished: Option<OnFinished>,
	observer: OnceLock<Arc<dyn Observer>>,
	/// Since when requests have their results, until they are settled.
	ready: Mutex<Lru<u64, Instant>>,
}

struct State {
	jobs: Jobs,
	stopping: bool,
	alive: usize,
}

impl Service {
	/// Starts the threads.
	pub fn start(
		config: Config,
		engine: Arc<dyn Engine>,
		blobs: Arc<BlobStore>,
		openings: Arc<OpeningStore>,
		registry: Option<&Registry>,
		on_finished: Option<OnFinished>,
	) -> Result<Arc<Self>, StartError> {
		let metrics = Metrics::new(registry)?;
		let runner = Runner {
			models: Models::new(engine, config.models, metrics.clone()),
			provers: Provers::new(
				blobs.clone(),
				config.provers,
				config.proving_threads,
				metrics.clone(),
			)?,
			blobs,
			openings,
			metrics: metrics.clone(),
		};
		let shared = Arc::new(Shared {
			state: Mutex::new(State { jobs: Jobs::new(&config), stopping: false, alive: 0 }),
			work: Default::default(),
			ended: Condvar::new(),
			changes: watch::Sender::new(()),
			runner,
			metrics,
			on_finished,
			observer: OnceLock::new(),
			ready: Mutex::new(Lru::new(READY)),
		});
		let service = Arc::new(Self {
			shared: shared.clone(),
			threads: Mutex::default(),
			stop_timeout: config.stop_timeout,
		});
		for lane in Lane::ALL {
			let (name, count) = match lane {
				Lane::Inference => ("aimodel-infer", config.inference_threads),
				Lane::Proving => ("aimodel-prove", config.proofs),
			};
			for at in 0..count.max(1) {
				let shared = shared.clone();
				// Counted here, so that dropping the service right now waits for it.
				let alive = Alive::new(shared.clone());
				let thread =
					thread::Builder::new().name(format!("{name}-{at}")).spawn(move || {
						let _alive = alive;
						shared.work(lane);
					})?;
				service.threads.lock().push(thread);
			}
		}
		Ok(service)
	}

	/// Tells somebody of each job that ends from now on. Of several, the first.
	pub fn observe(&self, observer: Arc<dyn Observer>) {
		// Who comes second is not told of any job.
		let _ = self.shared.observer.set(observer);
	}

	/// Why a job failed, for people.
	pub fn failure(&self, id: &JobId) -> Option<String> {
		self.shared.state.lock().jobs.failure(id).map(Into::into)
	}

	/// Checks that this node can prove an artifact's answers with the key that a chain says: that both
	/// are here, fit, and belong to the registered verifying key. Takes as long as loading them.
	pub fn check(&self, artifact: ArtifactHash, key: &ProofKey) -> Result<(), ProverError> {
		self.shared.runner.provers.check(artifact, key)
	}

	/// Tells whenever a job was queued, begun, or done; which, [`InferenceService::poll`] says.
	pub fn changes(&self) -> watch::Receiver<()> {
		self.shared.changes.subscribe()
	}

	/// Jobs that wait for a thread.
	pub fn queued(&self) -> usize {
		self.shared.state.lock().jobs.waiting()
	}

	/// The chain settled a request, for good: how long that took is counted, if it was answered here.
	pub fn settled(&self, request: u64) {
		if let Some(ready) = self.shared.ready.lock().remove(&request) {
			self.shared.metrics.submit(ready.elapsed());
		}
	}

	/// The blob store that the service reads and writes.
	pub fn blobs(&self) -> &Arc<BlobStore> {
		&self.shared.runner.blobs
	}
}

impl InferenceService for Service {
	fn submit(&self, job: Job) -> Submitted {
		let (id, request) = (job.id(), job.request);
		let mut state = self.shared.state.lock();
		let (submitted, lane) = state.jobs.submit(id, job);
		self.shared.metrics.queued(state.jobs.waiting());
		drop(state);
		match submitted {
			Submitted::Queued => {
				self.shared.metrics.job(Outcome::Submitted);
				self.shared.work[lane as usize].notify_one();
				self.shared.changes.send_replace(());
				log::debug!(target: "inference", "request={request}: queued ({lane:?})");
			},
			Submitted::Full => {
				self.shared.metrics.job(Outcome::Refused);
				log::warn!(target: "inference", "request={request}: the queue is full ({lane:?})");
			},
			_ => (),
		}
		submitted
	}

	fn poll(&self, id: &JobId) -> Poll {
		self.shared.state.lock().jobs.poll(id)
	}

	fn collect(&self, id: &JobId) -> Option<Vec<u8>> {
		let result = self.shared.state.lock().jobs.collect(id)?;
		self.shared.metrics.collected();
		Some(result.to_vec())
	}

	fn note_submission(&self, accepted: bool) {
		self.shared.metrics.submission(accepted);
	}

	fn holds_blob(&self, hash: &BlobHash) -> bool {
		self.shared.runner.blobs.contains(hash)
	}

	fn holds_opening(&self, id: &OpeningId) -> bool {
		self.shared.runner.openings.contains(id)
	}
}

impl Shared {
	/// The life of a worker thread.
	fn work(&self, lane: Lane) {
		while let Some((id, job, submitted)) = self.next(lane) {
			let (request, start) = (job.request, Instant::now());
			let observer = self.observer.get();
			let mut stages = Stages::new(observer.is_some());
			self.metrics.queue(submitted.elapsed());
			stages.passed(Stage::Queue, submitted);
			let result = isolated(|| self.runner.run(&job, &mut stages))
				.unwrap_or_else(|text| Err(JobError::Panic(text)));
			let took = start.elapsed();
			let result = match result {
				Ok(result) => {
					self.metrics.job(Outcome::Finished);
					self.ready.lock().insert(request, Instant::now(), 1);
					let bytes = result.len();
					log::info!(target: "inference", "request={request}: ready, {bytes} bytes, {took:?}");
					Ok(result)
				},
				Err(error) => {
					self.metrics.job(Outcome::Failed);
					log::error!(target: "inference", "request={request}: failed after {took:?}: {error}");
					Err(error.to_string())
				},
			};
			if let Some(observer) = observer {
				let error = result.as_ref().err().map(String::as_str);
				let ended = Ended { job: &job, submitted, stages: stages.all(), error };
				if isolated(|| observer.ended(ended)).is_err() {
					log::error!(target: "inference", "request={request}: who follows jobs panicked");
				}
			}
			self.state.lock().jobs.finish(id, result);
			self.changes.send_replace(());
			if let Some(on_finished) = &self.on_finished {
				if isolated(on_finished).is_err() {
					log::error!(target: "inference", "request={request}: the hook for finished jobs panicked");
				}
			}
		}
	}

	/// Waits for the next job; `None` when the service stops.
	fn next(&self, lane: Lane) -> Option<(JobId, Job, Instant)> {
		let mut state = self.state.lock();
		loop {
			if state.stopping {
				return None;
			}
			if let Some(next) = state.jobs.next(lane) {
				self.metrics.queued(state.jobs.waiting());
				drop(state);
				self.changes.send_replace(());
				return Some(next);
			}
			self.work[lane as usize].wait(&mut state);
		}
	}
}

/// Counts a thread as long as it lives.
struct Alive(Arc<Shared>);

impl Alive {
	fn new(shared: Arc<Shared>) -> Self {
		let mut state = shared.state.lock();
		state.alive = state.alive.saturating_add(1);
		drop(state);
		Self(shared)
	}
}

impl Drop for Alive {
	fn drop(&mut self) {
		let mut state = self.0.state.lock();
		state.alive = state.alive.saturating_sub(1);
		drop(state);
		self.0.ended.notify_all();
	}
}

impl Drop for Service {
	fn drop(&mut self) {
		let threads = std::mem::take(self.threads.get_mut());
		let own = thread::current().id();
		let mine = usize::from(threads.iter().any(|thread| thread.thread().id() == own));
		let deadline = Instant::now().checked_add(self.stop_timeout);
		let mut state = self.shared.state.lock();
		state.stopping = true;
		state.jobs.forget_waiting();
		self.shared.work.iter().for_each(|lane| {
			lane.notify_all();
		});
		while state.alive > mine {
			match deadline {
				Some(deadline) => {
					if self.shared.ended.wait_until(&mut state, deadline).timed_out() {
						break;
					}
				},
				None => self.shared.ended.wait(&mut state),
			}
		}
		let running = state.alive.saturating_sub(mine);
		drop(state);
		if running > 0 {
			log::warn!(target: "inference", "stopped while {running} jobs still run");
			return;
		}
		for thread in threads.into_iter().filter(|thread| thread.thread().id() != own) {
			// Panics of jobs are caught, and a thread has no other.
			let _ = thread.join();
		}
	}
}

#[cfg(test)]
mod tests;
