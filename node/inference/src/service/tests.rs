//! The queue and the threads, with an engine that does as it is told. What the real engine and the
//! real prover do is tested in `tests/`.

use super::*;
use crate::engine::{EngineError, Model};
use aimodel_primitives::{
	ids::VersionId,
	inference::{JobInput, JobOutput, JobResult, ProofTask, MAX_RESULT_BYTES},
	privacy::Privacy,
	runtime_api::ProofKey,
	tensor::{Dimension, ElementType, Interface, TensorType},
};
use codec::Decode;
use std::sync::{
	atomic::{AtomicUsize, Ordering},
	mpsc, Barrier,
};
use tempfile::TempDir;

/// What the artifacts hold: the engine obeys it.
const ECHO: &[u8] = b"echo";
const GATED: &[u8] = b"gated";
const PANICKING: &[u8] = b"panic";
const REFUSED: &[u8] = b"refuse";
const LONG: &[u8] = b"long";

fn interface() -> Interface {
	Interface {
		input: TensorType::fixed(ElementType::U8, &[4]).unwrap(),
		output: TensorType {
			element: ElementType::U8,
			shape: vec![Dimension::Dynamic { max: 2 * MAX_RESULT_BYTES }].try_into().unwrap(),
		},
	}
}

fn job(request: u64, artifact: &[u8]) -> Job {
	Job {
		request,
		version: VersionId { model: BlobHash::zero(), index: 0 },
		worker: [7; 32],
		artifact: crate::blobs::hash(artifact),
		interface: interface(),
		input: JobInput::Inline(vec![1, 2, 3, 4]),
		proof: None,
		inline_limit: MAX_RESULT_BYTES,
	}
}

pub(super) fn attested(request: u64) -> Job {
	job(request, ECHO)
}

pub(super) fn proven(request: u64) -> Job {
	let task = ProofTask {
		key: ProofKey {
			proving_key: BlobHash::zero(),
			circuit_digest: BlobHash::zero(),
			verifying_key: BlobHash::zero(),
			privacy: Privacy::PUBLIC,
			parameters: None,
		},
		binding: [0; 32],
	};
	Job { proof: Some(task), request: request + 1000, ..job(request, ECHO) }
}

/// An engine whose models do what their file says. `entered` tells that a gated inference began;
/// `leave` lets it end.
struct Puppet {
	runs: Arc<AtomicUsize>,
	entered: Barrier,
	leave: Barrier,
}

struct PuppetModel(Vec<u8>, Arc<Puppet>);

struct PuppetEngine(Arc<Puppet>);

impl Engine for PuppetEngine {
	fn load(&self, artifact: &[u8], _: &Interface) -> Result<Arc<dyn Model>, EngineError> {
		if artifact == REFUSED {
			return Err(EngineError::NotAModel { reason: "told so".into() });
		}
		Ok(Arc::new(PuppetModel(artifact.to_vec(), self.0.clone())))
	}
}

impl Model for PuppetModel {
	fn infer(&self, input: &[u8], _: u32) -> Result<Vec<u8>, EngineError> {
		self.1.runs.fetch_add(1, Ordering::SeqCst);
		match self.0.as_slice() {
			GATED => {
				self.1.entered.wait();
				self.1.leave.wait();
			},
			PANICKING => panic!("told so"),
			LONG => return Ok(vec![9; MAX_RESULT_BYTES as usize]),
			_ => (),
		}
		Ok(input.to_vec())
	}
}

fn openings(folder: &TempDir) -> Arc<OpeningStore> {
	Arc::new(OpeningStore::open(folder.path().join("openings")).unwrap())
}

struct World {
	service: Arc<Service>,
	puppet: Arc<Puppet>,
	finished: mpsc::Receiver<()>,
	blobs: Arc<BlobStore>,
	registry: Registry,
	folder: TempDir,
}

/// A service with one thread a lane and all artifacts but [`ECHO`] in its store.
fn world(config: Config) -> World {
	let folder = tempfile::tempdir().unwrap();
	let blobs = Arc::new(BlobStore::open(folder.path(), 1 << 30).unwrap());
	for artifact in [GATED, PANICKING, REFUSED, LONG] {
		blobs.put(artifact).unwrap();
	}
	let puppet =
		Arc::new(Puppet { runs: Arc::default(), entered: Barrier::new(2), leave: Barrier::new(2) });
	let (finish, finished) = mpsc::channel();
	let registry = Registry::new();
	let service = Service::start(
		Config { inference_threads: 1, ..config },
		Arc::new(PuppetEngine(puppet.clone())),
		blobs.clone(),
		openings(&folder),
		Some(&registry),
		Some(Box::new(move || {
			let _ = finish.send(());
		})),
	)
	.unwrap();
	World { service, puppet, finished, blobs, registry, folder }
}

impl World {
	fn submit(&self, job: &Job) -> Submitted {
		self.service.submit(job.clone())
	}

	fn poll(&self, job: &Job) -> Poll {
		self.service.poll(&job.id())
	}

	/// Submits and waits until one job has finished.
	fn run(&self, job: &Job) -> Poll {
		assert_eq!(self.submit(job), Submitted::Queued);
		self.finished.recv().unwrap();
		self.poll(job)
	}

	fn jobs_total(&self, outcome: &str) -> u64 {
		let families = self.registry.gather();
		let family = families.iter().find(|f| f.get_name() == "aimodel_jobs_total").unwrap();
		let metric = family.get_metric().iter().find(|m| m.get_label()[0].get_value() == outcome);
		metric.unwrap().get_counter().get_value() as u64
	}

	fn result(&self, job: &Job) -> JobResult {
		let encoded = self.service.collect(&job.id()).unwrap();
		assert_eq!(self.poll(job), Poll::Ready(encoded.len() as u32));
		JobResult::decode(&mut &encoded[..]).unwrap()
	}
}

#[test]
fn a_full_queue_says_so_and_takes_the_job_later() {
	let world = world(Config { queue: 1, ..Config::default() });
	world.blobs.put(ECHO).unwrap();
	let (running, waiting, refused) = (job(1, GATED), attested(2), attested(3));
	assert_eq!(world.submit(&running), Submitted::Queued);
	world.puppet.entered.wait();
	assert_eq!(world.poll(&running), Poll::Running);
	assert_eq!(world.submit(&waiting), Submitted::Queued);
	assert_eq!(world.poll(&waiting), Poll::Queued);
	assert_eq!(world.submit(&refused), Submitted::Full);
	assert_eq!(world.poll(&refused), Poll::Missing);
	world.puppet.leave.wait();
	world.finished.recv().unwrap();
	world.finished.recv().unwrap();
	assert_eq!(world.run(&refused), Poll::Ready(7));
	assert_eq!((world.jobs_total("refused"), world.jobs_total("submitted")), (1, 3));
}

#[test]
fn a_job_that_is_submitted_twice_runs_once() {
	let world = world(Config::default());
	let job = job(1, GATED);
	assert_eq!(world.submit(&job), Submitted::Queued);
	world.puppet.entered.wait();
	assert_eq!(world.submit(&job), Submitted::Known);
	world.puppet.leave.wait();
	world.finished.recv().unwrap();
	assert_eq!(world.submit(&job), Submitted::Known);
	for _ in 0..2 {
		let output = JobOutput::Inline(vec![1, 2, 3, 4]);
		assert_eq!(world.result(&job), JobResult { output, proof: None });
	}
	assert_eq!(world.puppet.runs.load(Ordering::SeqCst), 1);
	assert_eq!(world.jobs_total("finished"), 1);
}

#[test]
fn a_panic_fails_its_job_and_no_other() {
	let world = world(Config::default());
	world.blobs.put(ECHO).unwrap();
	let panicking = job(1, PANICKING);
	assert_eq!(world.run(&panicking), Poll::Failed);
	assert_eq!(world.service.failure(&panicking.id()).unwrap(), "PANIC: told so");
	assert_eq!(world.service.collect(&panicking.id()), None);
	assert_eq!(world.run(&attested(2)), Poll::Ready(7));
	assert_eq!((world.jobs_total("failed"), world.jobs_total("finished")), (1, 1));
}

#[test]
fn a_job_whose_blob_is_missing_is_done_once_the_blob_is_there() {
	let world = world(Config { retry_after: Duration::ZERO, ..Config::default() });
	let job = attested(1);
	assert!(!world.service.holds_blob(&job.artifact));
	assert_eq!(world.run(&job), Poll::Failed);
	assert!(world.service.failure(&job.id()).unwrap().contains("holds no blob"));
	world.blobs.put(ECHO).unwrap();
	assert!(world.service.holds_blob(&job.artifact));
	assert_eq!(world.run(&job), Poll::Ready(7));
	assert_eq!(world.service.failure(&job.id()), None);
}

#[test]
fn a_failed_job_is_not_tried_again_before_it_has_cooled_down() {
	let world = world(Config { retry_after: Duration::MAX, ..Config::default() });
	let job = job(1, REFUSED);
	assert_eq!(world.run(&job), Poll::Failed);
	assert_eq!(world.submit(&job), Submitted::Known);
	assert_eq!(world.poll(&job), Poll::Failed);
	assert!(world.service.failure(&job.id()).unwrap().contains("told so"));
}

#[test]
fn a_blob_input_is_used_and_its_length_checked() {
	let world = world(Config::default());
	world.blobs.put(ECHO).unwrap();
	let hash = world.blobs.put(&[5, 6, 7, 8]).unwrap();
	let right = Job { input: JobInput::Blob { hash, length: 4 }, ..attested(1) };
	assert_eq!(world.run(&right), Poll::Ready(7));
	assert_eq!(world.result(&right).output, JobOutput::Inline(vec![5, 6, 7, 8]));

	let long = world.blobs.put(&[5, 6, 7, 8, 9]).unwrap();
	let wrong = Job { input: JobInput::Blob { hash: long, length: 4 }, ..attested(2) };
	assert_eq!(world.run(&wrong), Poll::Failed);
	assert!(world.service.failure(&wrong.id()).unwrap().contains("has 5 bytes; the chain says 4"));

	for (request, input) in
		[(3, JobInput::Inline(vec![1, 2, 3])), (4, JobInput::Blob { hash: long, length: 5 })]
	{
		let none = Job { input, ..attested(request) };
		assert_eq!(world.run(&none), Poll::Failed);
		assert!(world.service.failure(&none.id()).unwrap().contains("bytes are no input"));
	}
}

#[test]
fn an_output_that_is_too_long_for_a_call_goes_to_the_blob_store() {
	let world = world(Config::default());
	world.blobs.put(ECHO).unwrap();
	let job = Job { inline_limit: 3, ..attested(1) };
	world.run(&job);
	let JobOutput::Blob { hash, length: 4 } = world.result(&job).output else { panic!("inline") };
	assert_eq!(world.blobs.get(&hash).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn a_result_that_does_not_fit_the_host_interface_fails() {
	let world = world(Config::default());
	let job = job(1, LONG);
	assert_eq!(world.run(&job), Poll::Failed);
	assert!(world.service.failure(&job.id()).unwrap().contains("1048576 is the most"));
}

#[test]
fn a_long_proof_does_not_hold_up_an_inference() {
	let world = world(Config::default());
	world.blobs.put(ECHO).unwrap();
	let proof = Job { proof: proven(0).proof, ..job(1, GATED) };
	assert_eq!(world.submit(&proof), Submitted::Queued);
	world.puppet.entered.wait();
	assert_eq!(world.run(&attested(2)), Poll::Ready(7));
	assert_eq!(world.poll(&proof), Poll::Running);
	world.puppet.leave.wait();
	world.finished.recv().unwrap();
}

#[test]
fn a_registry_that_has_the_metrics_already_is_refused() {
	let world = world(Config::default());
	let engine = Arc::new(PuppetEngine(world.puppet.clone()));
	let (blobs, openings) = (world.blobs.clone(), openings(&world.folder));
	let registry = Some(&world.registry);
	let second = Service::start(Config::default(), engine, blobs, openings, registry, None);
	assert!(matches!(second, Err(StartError::Metrics(_))));
}

#[test]
fn a_hook_that_panics_does_not_end_the_thread() {
	let world = world(Config::default());
	let (called, calls) = mpsc::channel();
	let service = Service::start(
		Config { inference_threads: 1, ..Config::default() },
		Arc::new(PuppetEngine(world.puppet.clone())),
		world.blobs.clone(),
		openings(&world.folder),
		None,
		Some(Box::new(move || {
			called.send(()).unwrap();
			panic!("told so");
		})),
	)
	.unwrap();
	for request in 0..2 {
		service.submit(job(request, REFUSED));
		calls.recv().unwrap();
		assert_eq!(service.poll(&job(request, REFUSED).id()), Poll::Failed);
	}
}

#[test]
fn dropping_the_service_forgets_what_waits_and_ends_the_threads() {
	let world = world(Config { stop_timeout: Duration::MAX, ..Config::default() });
	world.blobs.put(ECHO).unwrap();
	world.submit(&job(1, GATED));
	world.puppet.entered.wait();
	world.submit(&attested(2));
	let (service, puppet) = (world.service, world.puppet);
	let shared = Arc::downgrade(&service.shared);
	let dropping = thread::spawn(move || drop(service));
	while !shared.upgrade().unwrap().state.lock().stopping {
		thread::yield_now();
	}
	puppet.leave.wait();
	dropping.join().unwrap();
	assert_eq!(puppet.runs.load(Ordering::SeqCst), 1);
	assert!(shared.upgrade().is_none());
}

#[test]
fn a_job_that_does_not_end_does_not_hold_up_the_end() {
	let world = world(Config { stop_timeout: Duration::ZERO, ..Config::default() });
	world.submit(&job(1, GATED));
	world.puppet.entered.wait();
	drop(world.service);
	// It ends by itself.
	world.puppet.leave.wait();
	world.finished.recv().unwrap();
}

/// What an observer was told: the request, its stages, and why it failed.
type Told = (u64, Vec<&'static str>, Option<String>);

struct Tells(mpsc::Sender<Told>);

impl Observer for Tells {
	fn ended(&self, Ended { job, submitted, stages, error }: Ended<'_>) {
		assert_eq!(stages[0].began, submitted);
		assert!(stages.windows(2).all(|pair| pair[0].began + pair[0].took <= pair[1].began));
		let names = stages.iter().map(|it| it.stage.name()).collect();
		self.0.send((job.request, names, error.map(Into::into))).unwrap();
	}
}

#[test]
fn an_observer_is_told_of_each_job_and_its_stages() {
	let world = world(Config::default());
	world.blobs.put(ECHO).unwrap();
	let (tell, told) = mpsc::channel();
	world.service.observe(Arc::new(Tells(tell)));
	world.run(&attested(1));
	assert_eq!(told.recv().unwrap(), (1, vec!["queue", "load", "infer"], None));
	world.run(&job(2, PANICKING));
	let (request, stages, error) = told.recv().unwrap();
	// What a stage did not survive, it did not pass.
	assert_eq!((request, stages), (2, vec!["queue", "load"]));
	assert_eq!(error.unwrap(), "PANIC: told so");
	world.run(&proven(3));
	let (request, stages, error) = told.recv().unwrap();
	assert_eq!((request, stages), (1003, vec!["queue", "load", "infer", "load"]));
	assert!(error.is_some(), "there is no proving key");
}
