//! A backend of somebody else's, which does as it is told.

use crate::serving::{request, tensor};
use aimodel_inference::{
	backend::{Backend, BackendError, Backends, LoadRequest, Model, Signature},
	blobs,
	serving::{
		Hook, InferRequest, Inference, ModelEntry, ModelOptions, Parts, RegisterError, ServeError,
		Server, TensorMetadata, VersionEntry,
	},
	tensor::{DataType, Tensor},
};
use futures::{executor::block_on, future::join_all};
use semver::Version;
use std::{
	collections::BTreeMap,
	sync::{mpsc, Arc, Barrier, Mutex},
	thread::{self, ThreadId},
	time::{Duration, Instant},
};
use substrate_prometheus_endpoint::{prometheus::TextEncoder, Registry};

/// What an input of one byte makes the model do.
const ECHO: u8 = 0;
const PANIC: u8 = 1;
const HANG: u8 = 2;
const HANG_AND_PANIC: u8 = 3;

struct Obedient {
	/// Whoever hangs waits here.
	gate: Barrier,
	/// Where it ran, once for each run.
	threads: Mutex<Vec<ThreadId>>,
}

struct Model1(Arc<Obedient>, Signature);

struct Backend1(Arc<Obedient>);

impl Backend for Backend1 {
	fn name(&self) -> &str {
		"obedient"
	}

	fn platform(&self) -> &str {
		"obedience"
	}

	fn needs_file(&self) -> bool {
		false
	}

	fn load(&self, request: &LoadRequest<'_>) -> Result<Arc<dyn Model>, BackendError> {
		if request.uri == "panic://" {
			panic!("told so");
		}
		if request.uri == "slow://" {
			self.0.gate.wait();
		}
		let byte = |name: &str| TensorMetadata {
			name: name.into(),
			data_type: DataType::Uint8,
			shape: vec![-1],
		};
		let signature =
			Signature { inputs: vec![byte("x")], outputs: vec![byte("y")], batches: true };
		Ok(Arc::new(Model1(self.0.clone(), signature)))
	}
}

impl Model for Model1 {
	fn signature(&self) -> &Signature {
		&self.1
	}

	fn infer_batch(&self, requests: &[&[Tensor]]) -> Result<Vec<Tensor>, BackendError> {
		self.0.threads.lock().unwrap().push(thread::current().id());
		let bytes: Vec<u8> = requests.iter().flat_map(|it| it[0].data.to_vec()).collect();
		assert!(!bytes.contains(&PANIC), "told so");
		if bytes.contains(&HANG) || bytes.contains(&HANG_AND_PANIC) {
			self.0.gate.wait();
		}
		assert!(!bytes.contains(&HANG_AND_PANIC), "told so");
		Ok(vec![tensor("y", DataType::Uint8, &[bytes.len() as u64], &bytes)])
	}

	fn memory(&self) -> u64 {
		0
	}

	fn runs_in_place(&self) -> bool {
		true
	}
}

struct World {
	server: Server,
	obedient: Arc<Obedient>,
	registry: Registry,
}

fn world() -> World {
	hooked(Vec::new())
}

fn hooked(hooks: Vec<Arc<dyn Hook>>) -> World {
	let obedient = Arc::new(Obedient { gate: Barrier::new(2), threads: Mutex::default() });
	let mut backends = Backends::new();
	backends.add(Arc::new(Backend1(obedient.clone())));
	let registry = Registry::new();
	let parts = Parts { backends, hooks, registry: Some(registry.clone()), ..Parts::default() };
	World { server: Server::start(parts).unwrap(), obedient, registry }
}

fn entry(name: &str, uri: &str, options: ModelOptions) -> ModelEntry {
	ModelEntry {
		name: name.into(),
		versions: vec![VersionEntry {
			version: Version::new(1, 0, 0),
			uri: uri.into(),
			hash: blobs::hash(b""),
			bytes: 0,
		}],
		aliases: BTreeMap::new(),
		default: None,
		options: ModelOptions { backends: vec!["obedient".into()], ..options },
	}
}

impl World {
	fn ask(
		&self,
		byte: u8,
	) -> impl std::future::Future<Output = Result<u8, ServeError>> + Send + 'static {
		let input = tensor("x", DataType::Uint8, &[1], &[byte]);
		let answer = self.server.infer(request("m", vec![input]));
		async move { Ok(answer.await?.outputs[0].data[0]) }
	}

	fn load(&self, options: ModelOptions) {
		self.server.register(entry("m", "", options)).unwrap();
		block_on(self.server.load("m")).unwrap();
		let runs = std::mem::take(&mut *self.obedient.threads.lock().unwrap());
		assert_eq!(runs.len(), 1, "it warms up");
	}

	/// The value of a series of the model.
	fn told(&self, series: &str) -> Option<u64> {
		let mut text = String::new();
		TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text).unwrap();
		let (name, labels) = series.split_once(' ').unwrap_or((series, "model=\"m\""));
		let line = text.lines().find(|line| line.starts_with(name) && line.contains(labels))?;
		line.split(' ').next_back()?.parse().ok()
	}

	/// Whether each run was on this thread.
	fn here(&self) -> Vec<bool> {
		let threads = self.obedient.threads.lock().unwrap();
		threads.iter().map(|it| *it == thread::current().id()).collect()
	}

	/// Asks on another thread, and comes back once it runs.
	fn ask_elsewhere(&self, byte: u8) -> thread::JoinHandle<Result<u8, ServeError>> {
		let runs = self.here().len();
		let asking = thread::spawn({
			let answer = self.ask(byte);
			move || block_on(answer)
		});
		within(|| self.here().len() > runs);
		asking
	}
}

fn within(condition: impl Fn() -> bool) {
	let start = Instant::now();
	while !condition() {
		assert!(start.elapsed() < Duration::from_secs(10));
		thread::yield_now();
	}
}

#[test]
fn a_run_that_panics_fails_alone_and_the_next_one_works() {
	let world = world();
	world.load(ModelOptions { max_delay_us: 300_000, max_batch: 3, ..ModelOptions::default() });
	let answers = block_on(join_all([world.ask(ECHO), world.ask(PANIC), world.ask(7)]));
	assert_eq!((&answers[0], &answers[2]), (&Ok(ECHO), &Ok(7)));
	assert_eq!(answers[1], Err(ServeError::Failed("PANIC: told so".into())));
	assert_eq!(block_on(world.ask(9)), Ok(9));
}

#[test]
fn batches_are_of_preferred_sizes_as_long_as_there_is_enough() {
	let world = world();
	let preferred = ModelOptions { preferred_batches: vec![2], ..ModelOptions::default() };
	world.load(ModelOptions { max_delay_us: 1_000_000, max_batch: 8, ..preferred });
	let ask = |byte| {
		let input = tensor("x", DataType::Uint8, &[1], &[byte]);
		world.server.infer(request("m", vec![input]))
	};
	let answers = block_on(join_all([ask(5), ask(6), ask(7)]));
	let batches: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().batch).collect();
	assert_eq!(batches, [2, 2, 1]);
}

#[test]
fn a_server_is_ready_when_what_it_loads_ahead_is() {
	let world = world();
	assert!(world.server.ready());
	let ahead = ModelOptions { preload: true, ..ModelOptions::default() };
	world.server.register(entry("m", "slow://", ahead)).unwrap();
	assert!(!world.server.ready());
	world.obedient.gate.wait();
	within(|| world.server.ready());
	assert!(world.server.is_ready("m", None).unwrap());
}

#[test]
fn a_thread_that_hangs_is_replaced_and_takes_nothing_from_the_next_request() {
	let world = world();
	world.load(ModelOptions { execution_timeout_ms: 50, suspend_ms: 1, ..ModelOptions::default() });
	let hung = block_on(world.ask(HANG)).unwrap_err().to_string();
	assert!(hung.contains("did not answer within 50ms"), "{hung}");
	let start = Instant::now();
	while block_on(world.ask(5)) != Ok(5) {
		assert!(start.elapsed() < Duration::from_secs(10));
	}
	// The thread that hung comes back, and the model goes on.
	world.obedient.gate.wait();
	assert_eq!(block_on(world.ask(6)), Ok(6));
}

#[test]
fn an_input_that_the_model_fails_takes_nothing_from_other_inputs() {
	let world = world();
	world.load(ModelOptions { failures: 2, suspend_ms: 60_000, ..ModelOptions::default() });
	for _ in 0..4 {
		assert_eq!(block_on(world.ask(PANIC)), Err(ServeError::Failed("PANIC: told so".into())));
		assert_eq!(block_on(world.ask(5)), Ok(5));
	}
	for _ in 0..4 {
		block_on(world.ask(PANIC)).unwrap_err();
	}
	assert_eq!((block_on(world.ask(5)), world.told("aimodel_serve_suspended")), (Ok(5), Some(0)));
}

#[test]
fn a_model_that_takes_half_its_time_to_fail_is_not_asked_again() {
	let world = world();
	let timeout = ModelOptions { execution_timeout_ms: 6_000, ..ModelOptions::default() };
	world.load(ModelOptions { failures: 1, suspend_ms: 60_000, ..timeout });
	let asking = world.ask_elsewhere(HANG_AND_PANIC);
	thread::sleep(Duration::from_millis(3_000));
	world.obedient.gate.wait();
	assert_eq!(asking.join().unwrap(), Err(ServeError::Failed("PANIC: told so".into())));
	assert_eq!((world.here().len(), world.told("aimodel_serve_suspended")), (1, Some(1)));
}

#[test]
fn a_model_is_replaced_without_a_request_that_is_not_answered() {
	let world = world();
	world.load(ModelOptions::default());
	let hangs = world.ask_elsewhere(HANG);
	world.server.replace(entry("m", "", ModelOptions::default())).unwrap();
	let next = world.ask(5);
	world.obedient.gate.wait();
	assert_eq!((hangs.join().unwrap(), block_on(next)), (Ok(HANG), Ok(5)));
	within(|| world.server.is_quiet());
	// Both told of it, and one still does.
	let told = || world.told("aimodel_serve_requests_total outcome=\"success\"");
	assert_eq!(told(), Some(2));
	assert!(world.server.remove("m"));
	within(|| told().is_none());
}

#[test]
fn a_run_that_hangs_is_given_up_also_where_its_model_was_replaced() {
	let world = world();
	world.load(ModelOptions { execution_timeout_ms: 50, ..ModelOptions::default() });
	let hangs = world.ask_elsewhere(HANG);
	world.server.replace(entry("m", "", ModelOptions::default())).unwrap();
	let hung = hangs.join().unwrap().unwrap_err().to_string();
	assert!(hung.contains("did not answer within 50ms"), "{hung}");
	assert_eq!(block_on(world.ask(5)), Ok(5));
	world.obedient.gate.wait();
}

#[test]
fn a_model_that_is_loaded_again_is_no_more_suspended() {
	let world = world();
	let minute = ModelOptions { suspend_ms: 60_000, ..ModelOptions::default() };
	world.load(ModelOptions { execution_timeout_ms: 50, ..minute });
	block_on(world.ask(HANG)).unwrap_err();
	let told = |name: &str| world.told(&format!("aimodel_serve_{name}")).unwrap();
	assert_eq!((told("suspended"), told("suspensions_total"), told("hangs_total")), (1, 1, 1));
	block_on(world.server.unload("m")).unwrap();
	assert_eq!(told("suspended"), 0);
	block_on(world.server.load("m")).unwrap();
	assert_eq!(block_on(world.ask(5)), Ok(5));
	assert_eq!((told("suspended"), told("waiting")), (0, 0));
	world.obedient.gate.wait();
}

#[test]
fn a_short_run_that_is_alone_is_run_by_whoever_waits_for_it() {
	let world = world();
	world.load(ModelOptions::default());
	// How long it takes is not known at first.
	for byte in [5, 6, 7] {
		assert_eq!(block_on(world.ask(byte)), Ok(byte));
	}
	assert_eq!(world.here(), [false, true, true]);
	let together = block_on(join_all((10..20).map(|byte| world.ask(byte))));
	assert_eq!(together, (10..20).map(Ok).collect::<Vec<_>>());
	assert!(!world.here()[3..].contains(&true), "the model's thread runs batches");
}

#[test]
fn nobody_runs_what_was_left_to_somebody_else() {
	let world = world();
	world.load(ModelOptions::default());
	block_on(world.ask(5)).unwrap();
	let [left, other] = [6, 7].map(|byte| world.ask(byte));
	assert_eq!(block_on(other), Ok(7));
	let last = world.ask(8);
	assert_eq!(block_on(left), Ok(6));
	assert_eq!(
		world.here(),
		[false, false],
		"both in one batch, and the last waits to be asked for"
	);
	assert_eq!(block_on(last), Ok(8));
	assert_eq!(world.here()[2..], [true]);
}

#[test]
fn whoever_asks_runs_nothing_where_the_operator_says_so() {
	let world = world();
	world.load(ModelOptions { alone_us: 0, ..ModelOptions::default() });
	for byte in [5, 6, 7] {
		assert_eq!(block_on(world.ask(byte)), Ok(byte));
	}
	assert_eq!(world.here(), [false; 3]);
}

#[test]
fn a_request_that_is_given_up_before_it_runs_keeps_nobody() {
	let world = world();
	world.load(ModelOptions::default());
	block_on(world.ask(5)).unwrap();
	drop(world.ask(6));
	within(|| world.server.is_quiet());
	assert_eq!(block_on(world.ask(7)), Ok(7));
}

#[test]
fn whoever_runs_what_hangs_takes_nothing_from_others() {
	let world = world();
	world.load(ModelOptions { execution_timeout_ms: 50, suspend_ms: 1, ..ModelOptions::default() });
	block_on(world.ask(5)).unwrap();
	let hangs = world.ask_elsewhere(HANG);
	within(|| block_on(world.ask(6)) == Ok(6));
	world.obedient.gate.wait();
	let hung = hangs.join().unwrap().unwrap_err().to_string();
	assert!(hung.contains("did not answer within 50ms"), "{hung}");
	let together = block_on(join_all((10..20).map(|byte| world.ask(byte))));
	assert_eq!(together, (10..20).map(Ok).collect::<Vec<_>>());
}

/// Tells that a request is late, and waits until somebody lets it go on.
struct Late(mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>);

impl Hook for Late {
	fn after(&self, _: &str, _: &str, answer: &mut Result<Inference, ServeError>) {
		if matches!(answer, Err(ServeError::DeadlineExceeded { .. })) {
			self.0.send(()).unwrap();
			self.1.lock().unwrap().recv().unwrap();
		}
	}
}

#[test]
fn a_thread_that_tells_who_is_late_leaves_alone_what_others_run_meanwhile() {
	let ((late, told), (go, goes_on)) = (mpsc::channel(), mpsc::channel());
	let world = hooked(vec![Arc::new(Late(late, Mutex::new(goes_on)))]);
	world.load(ModelOptions::default());
	block_on(world.ask(5)).unwrap();
	// What fails says nothing of how long others take.
	let first = world.ask_elsewhere(HANG_AND_PANIC);
	let within = |milliseconds| {
		let input = tensor("x", DataType::Uint8, &[1], &[6]);
		let deadline = Instant::now().checked_add(Duration::from_millis(milliseconds));
		world.server.infer(InferRequest { deadline, ..request("m", vec![input]) })
	};
	// The watchdog is held by one, so that the model's own thread finds the other.
	let waits = [within(10), within(200)];
	let soon = Duration::from_secs(10);
	told.recv_timeout(soon).unwrap();
	thread::sleep(Duration::from_millis(200));
	world.obedient.gate.wait();
	first.join().unwrap().unwrap_err();
	told.recv_timeout(soon).unwrap();
	let second = world.ask_elsewhere(HANG);
	[(), ()].into_iter().for_each(|()| go.send(()).unwrap());
	for waits in waits {
		assert!(matches!(block_on(waits), Err(ServeError::DeadlineExceeded { .. })));
	}
	thread::sleep(Duration::from_millis(10));
	world.obedient.gate.wait();
	assert_eq!(second.join().unwrap(), Ok(HANG));
}

#[test]
fn who_is_told_that_it_is_too_late_while_it_runs_is_counted_once() {
	let world = world();
	world.load(ModelOptions { alone_us: 0, ..ModelOptions::default() });
	let input = tensor("x", DataType::Uint8, &[1], &[HANG]);
	let deadline = Instant::now().checked_add(Duration::from_secs(1));
	let late = world.server.infer(InferRequest { deadline, ..request("m", vec![input]) });
	within(|| !world.here().is_empty());
	assert!(matches!(block_on(late), Err(ServeError::DeadlineExceeded { .. })));
	world.obedient.gate.wait();
	assert_eq!(block_on(world.ask(7)), Ok(7));
	let [counted] = &world.server.statistics(None, None).unwrap()[..] else { panic!() };
	assert_eq!((counted.fail.count, counted.success.count, counted.execution_count), (1, 1, 2));
	for (outcome, count) in [("deadline", 1), ("success", 1), ("failed", 0)] {
		let series = format!("aimodel_serve_requests_total outcome=\"{outcome}\"");
		assert_eq!(world.told(&series), Some(count), "{outcome}");
	}
}

#[test]
fn unknown_models_are_refused_while_the_list_of_models_changes() {
	let world = world();
	let (server, (done, all)) = (world.server.clone(), mpsc::channel());
	let changes = thread::spawn(move || {
		for _ in 0..3_000 {
			server.register(entry("m", "", ModelOptions::default())).unwrap();
			assert!(server.remove("m"));
		}
	});
	let server = world.server.clone();
	thread::spawn(move || {
		while !changes.is_finished() {
			let error = block_on(server.unload("nobody")).unwrap_err();
			assert!(matches!(error, ServeError::UnknownModel { .. }));
			assert!(server.metadata("nobody", None).is_err());
			let asked = block_on(server.infer(request("nobody", Vec::new())));
			assert!(matches!(asked, Err(ServeError::UnknownModel { .. })));
		}
		done.send(changes.join().is_ok()).unwrap();
	});
	assert_eq!(all.recv_timeout(Duration::from_secs(60)), Ok(true), "they wait for each other");
}

#[test]
fn what_comes_while_somebody_runs_the_model_is_answered_after_it_and_so_is_an_unload() {
	let world = world();
	world.load(ModelOptions::default());
	block_on(world.ask(5)).unwrap();
	let hangs = world.ask_elsewhere(HANG);
	let (waits, unload) = (world.ask(6), world.server.unload("m"));
	let early = block_on(world.server.load("m")).unwrap_err().to_string();
	assert!(early.contains("it is being unloaded"), "{early}");
	world.obedient.gate.wait();
	assert_eq!(hangs.join().unwrap(), Ok(HANG));
	assert_eq!(block_on(waits), Ok(6));
	block_on(unload).unwrap();
	block_on(world.server.load("m")).unwrap();
	assert_eq!(block_on(world.ask(7)), Ok(7));
}

#[test]
fn a_load_that_panics_is_a_model_that_is_not_ready() {
	let world = world();
	world.server.register(entry("m", "panic://", ModelOptions::default())).unwrap();
	let error = block_on(world.ask(ECHO)).unwrap_err().to_string();
	assert!(error.contains("not ready: PANIC: told so"), "{error}");
}

#[test]
fn an_entry_that_asks_for_what_is_not_there_is_refused() {
	let world = world();
	let wrong = |options: ModelOptions, backend: &str| {
		let mut entry = entry("m", "", options);
		entry.options.backends = vec![backend.into()];
		world.server.register(entry).unwrap_err()
	};
	assert_eq!(
		wrong(ModelOptions::default(), "triton"),
		RegisterError::Backend {
			model: "m".into(),
			backend: "triton".into(),
			known: "obedient".into()
		}
	);
	let none = wrong(ModelOptions { instances: 0, ..ModelOptions::default() }, "obedient");
	assert!(none.to_string().contains("`instances` is 0; it has to be 1 to 64"), "{none}");
	world.load(ModelOptions::default());
	let again = world.server.register(entry("m", "", ModelOptions::default())).unwrap_err();
	assert_eq!(again, RegisterError::Known("m".into()));
}
