//! Models by name: what is asked of them waits in bounded queues, runs in batches, and is answered.
//!
//! | module | what |
//! |---|---|
//! | `api` | what is asked, and what is answered |
//! | `repository` | names, versions, aliases |
//! | `served` | a version that is served: its queue, its threads, its life |
//! | `source` | where model files come from |
//! | `results` | remembered answers of models that compute with integers alone |
//! | `queue` | what waits: bounded, by priority, taken in batches |
//! | `breaker` | what fails again and again is left alone for a while |
//! | `tuning` | the size of batches and the number of threads, toward a target latency |
//! | `watchdog` | deadlines, runs that hang, models that idle |
//!
//! Nothing here knows of HTTP, of accounts or of money.

mod api;
mod breaker;
mod hooks;
mod metrics;
mod options;
mod queue;
mod repository;
mod results;
mod served;
mod source;
mod tuning;
mod validate;
mod watchdog;

pub use api::*;
pub use hooks::Hook;
pub use options::{ModelOptions, ServerConfig};
pub use repository::{ModelEntry, RegisterError, VersionEntry, LATEST, STABLE};
pub(crate) use source::error_chain;
pub use source::{Http, Ipfs, Opened, Source, SourceError, S3};

use crate::{
	backend::{Backends, LoadRequest, Model},
	blobs::BlobStore,
	panic_message,
	tensor::{DataType, Tensor},
};
use aimodel_primitives::ids::ArtifactHash;
use futures::channel::oneshot;
use metrics::{Load, Metrics};
use parking_lot::{Condvar, Mutex, RwLock};
use queue::{Answer, Route, Waiting};
use repository::Versions;
use results::Results;
use served::{Loaded, Pending, Refused, Served};
use source::{Fetcher, Origin};
use std::{
	collections::BTreeMap,
	future::Future,
	io,
	panic::{catch_unwind, AssertUnwindSafe},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::Instant,
};
use substrate_prometheus_endpoint::{PrometheusError, Registry};
use watchdog::Watchdog;

/// A server of models. Clones are handles of the same; when the last is gone, it stops.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

pub(crate) struct Shared {
	config: ServerConfig,
	backends: Backends,
	hooks: Vec<Arc<dyn Hook>>,
	fetcher: Fetcher,
	results: Results,
	metrics: Option<Metrics>,
	models: RwLock<BTreeMap<String, Versions>>,
	watchdog: Arc<Watchdog>,
	stopping: AtomicBool,
	/// Models that are being loaded.
	loading: Mutex<usize>,
	load_ended: Condvar,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
	/// The metrics can not be registered.
	#[error("metrics: {0}")]
	Metrics(#[from] PrometheusError),
	/// A thread can not be made.
	#[error("thread: {0}")]
	Thread(#[from] io::Error),
}

/// What a server is made of.
#[derive(Clone, Default)]
pub struct Parts {
	/// How much it may take.
	pub config: ServerConfig,
	/// What runs the models.
	pub backends: Backends,
	/// Where fetched files are kept.
	pub blobs: Option<Arc<BlobStore>>,
	/// Where they are kept instead, if `blobs` is open to others.
	pub fetched: Option<Arc<BlobStore>>,
	/// Where files are fetched from, beside this machine and the blob store.
	pub sources: Vec<Arc<dyn Source>>,
	/// What is called before and after each inference, in this order.
	pub hooks: Vec<Arc<dyn Hook>>,
	/// Where the metrics are registered.
	pub registry: Option<Registry>,
}

impl Server {
	/// Starts a server without models.
	pub fn start(parts: Parts) -> Result<Self, ServerError> {
		let Parts { config, backends, blobs, fetched, sources, hooks, registry } = parts;
		let watchdog = Arc::new(Watchdog::new());
		let shared = Arc::new(Shared {
			results: Results::new(config.result_bytes),
			config,
			backends,
			hooks,
			fetcher: Fetcher::new(blobs, fetched, &sources),
			metrics: registry.as_ref().map(Metrics::new).transpose()?,
			models: RwLock::default(),
			watchdog: watchdog.clone(),
			stopping: AtomicBool::new(false),
			loading: Mutex::new(0),
			load_ended: Condvar::new(),
		});
		let weak = Arc::downgrade(&shared);
		std::thread::Builder::new().name("aimodel-watchdog".into()).spawn(move || {
			watchdog.run(|now| {
				let shared = weak.upgrade()?;
				let all = shared.all();
				// Not held while it looks, lest the server be dropped on this thread.
				drop(shared);
				Some(all.iter().fold(None, |next, served| queue::earliest(next, served.look(now))))
			})
		})?;
		Ok(Self(shared))
	}

	/// Takes a model into the repository, and begins to load it if its options say so.
	pub fn register(&self, entry: ModelEntry) -> Result<(), RegisterError> {
		let shared = &self.0;
		if shared.stopping.load(Ordering::Relaxed) {
			return Err(RegisterError::Stopping);
		}
		let options = &entry.options;
		options
			.check()
			.map_err(|reason| RegisterError::Options { model: entry.name.clone(), reason })?;
		for backend in &options.backends {
			if shared.backends.get(backend).is_none() {
				return Err(RegisterError::Backend {
					model: entry.name.clone(),
					backend: backend.clone(),
					known: shared.backends.names().join(", "),
				});
			}
		}
		let weak = Arc::downgrade(shared);
		let versions = Versions::new(&entry, |version| {
			let number = version.version.to_string();
			let series = shared.metrics.as_ref().map(|it| it.series(&entry.name, &number));
			let watchdog = shared.watchdog.clone();
			let series = series.unwrap_or_default();
			Served::new(&entry.name, version, options, weak.clone(), watchdog, series)
		})?;
		let default = versions.resolve(&entry.name, None).ok().cloned();
		{
			let mut models = shared.models.write();
			if models.contains_key(&entry.name) {
				return Err(RegisterError::Known(entry.name));
			}
			models.insert(entry.name, versions);
		}
		if let Some(default) = default.filter(|_| options.preload || options.pinned) {
			default.load(oneshot::channel().0);
		}
		Ok(())
	}

	/// Takes a model out of the repository once what waits for it is answered; says whether there
	/// was one.
	pub fn remove(&self, name: &str) -> bool {
		match self.0.models.write().remove(name) {
			Some(versions) => {
				versions.all().for_each(|served| served.unload(None, "it was removed", true));
				true
			},
			None => false,
		}
	}

	/// Runs one inference. It is checked and queued at once, and begins whether the future is polled
	/// or not; dropping the future gives it up if it has not begun.
	pub fn infer(
		&self,
		request: InferRequest,
	) -> impl Future<Output = Result<Inference, ServeError>> + Send + 'static {
		let (answer, answered) = oneshot::channel();
		self.0.begin(request, answer);
		async move { answered.await.unwrap_or(Err(ServeError::Stopping)) }
	}

	/// All versions of all models, by name and version.
	pub fn index(&self) -> Vec<IndexEntry> {
		let entry = |served: &Arc<Served>| {
			let (state, reason) = served.life();
			let (name, version) = (served.model.clone(), served.version.clone());
			IndexEntry { name, version, state, reason }
		};
		self.0.all().iter().map(entry).collect()
	}

	/// What a version of a model says of itself. It has to have been loaded once.
	pub fn metadata(&self, name: &str, version: Option<&str>) -> Result<ModelMetadata, ServeError> {
		let served = self.0.resolve(name, version)?;
		let described = served.described().ok_or_else(|| {
			let (state, reason) = served.life();
			served.not_ready(match (state, reason.as_str()) {
				(State::Loading, _) => "it is being loaded",
				(_, "") => "it was not loaded yet",
				(_, reason) => reason,
			})
		})?;
		let versions = match self.0.models.read().get(name) {
			Some(versions) => versions.all().map(|served| served.version.clone()).collect(),
			None => Vec::new(),
		};
		Ok(ModelMetadata {
			name: served.model.clone(),
			versions,
			platform: described.platform.clone(),
			version: served.version.clone(),
			artifact: served.entry.hash,
			inputs: described.signature.inputs.clone(),
			outputs: described.signature.outputs.clone(),
		})
	}

	/// The file of a version of a model, whether it was ever loaded or not.
	pub fn artifact(&self, name: &str, version: Option<&str>) -> Result<ArtifactHash, ServeError> {
		Ok(self.0.resolve(name, version)?.entry.hash)
	}

	/// Whether a version of a model is in memory, and well as far as is known.
	pub fn is_ready(&self, name: &str, version: Option<&str>) -> Result<bool, ServeError> {
		let ready = self.0.resolve(name, version)?.ready();
		Ok(ready.is_some_and(|loaded| loaded.model.as_ref().is_some_and(|it| it.is_healthy())))
	}

	/// Whether the server takes requests: it does not stop, each of its backends works, and no model
	/// that is loaded in advance is still being loaded.
	pub fn ready(&self) -> bool {
		let backends = &self.0.backends;
		let healthy = |name: &str| backends.get(name).is_some_and(|it| it.health().is_ok());
		let loading = |served: &Arc<Served>| {
			(served.options.preload || served.options.pinned)
				&& matches!(served.life().0, State::Loading)
		};
		!self.0.stopping.load(Ordering::Relaxed)
			&& backends.names().into_iter().any(healthy)
			&& !self.0.all().iter().any(loading)
	}

	/// Loads the default version of a model, also one that was unloaded or could not be loaded.
	pub fn load(
		&self,
		name: &str,
	) -> impl Future<Output = Result<(), ServeError>> + Send + 'static {
		let (reply, replied) = oneshot::channel();
		match self.0.resolve(name, None) {
			_ if self.0.stopping.load(Ordering::Relaxed) => drop(reply),
			Ok(served) => served.load(reply),
			Err(error) => {
				let _ = reply.send(Err(error));
			},
		}
		async move { replied.await.unwrap_or(Err(ServeError::Stopping)) }
	}

	/// Unloads all versions of a model once what waits for them is answered. Requests do not bring
	/// it back; [`Self::load`] does.
	pub fn unload(
		&self,
		name: &str,
	) -> impl Future<Output = Result<(), ServeError>> + Send + 'static {
		let (mut replies, mut error) = (Vec::new(), None);
		match self.0.models.read().get(name) {
			Some(versions) => {
				for served in versions.all() {
					let (reply, replied) = oneshot::channel();
					served.unload(Some(reply), "it was unloaded", true);
					replies.push(replied);
				}
			},
			None => error = Some(self.0.unknown(name)),
		}
		async move {
			for reply in replies {
				reply.await.unwrap_or(Err(ServeError::Stopping))?;
			}
			error.map_or(Ok(()), Err)
		}
	}

	/// What was counted of a version of a model, of its default version, or of everything.
	pub fn statistics(
		&self,
		name: Option<&str>,
		version: Option<&str>,
	) -> Result<Vec<Statistics>, ServeError> {
		match name {
			Some(name) => Ok(vec![self.0.resolve(name, version)?.statistics()]),
			None => Ok(self.0.all().iter().map(|served| served.statistics()).collect()),
		}
	}

	/// Takes no further request; what was taken is answered.
	pub fn drain(&self) {
		if !self.0.stopping.swap(true, Ordering::SeqCst) {
			log::info!(target: "inference", "the server of models takes no further requests");
		}
	}

	/// Whether nothing waits and nothing runs.
	pub fn is_quiet(&self) -> bool {
		self.0.all().iter().all(|served| served.is_quiet())
	}
}

impl Shared {
	/// All versions, in the order of their names.
	fn all(&self) -> Vec<Arc<Served>> {
		self.models.read().values().flat_map(|versions| versions.all().cloned()).collect()
	}

	fn resolve(&self, name: &str, version: Option<&str>) -> Result<Arc<Served>, ServeError> {
		match self.models.read().get(name) {
			Some(versions) => versions.resolve(name, version).cloned(),
			None => Err(self.unknown(name)),
		}
	}

	fn unknown(&self, name: &str) -> ServeError {
		let models = self.models.read();
		let mut known: Vec<_> = models.keys().take(10).map(String::as_str).collect();
		if models.len() > known.len() {
			known.push("…");
		}
		let known = if known.is_empty() { "none".into() } else { known.join(", ") };
		ServeError::UnknownModel { name: name.into(), known }
	}

	fn begin(&self, mut request: InferRequest, answer: Answer) {
		if self.stopping.load(Ordering::Relaxed) {
			let _ = answer.send(Err(ServeError::Stopping));
			return;
		}
		for hook in &self.hooks {
			let before = catch_unwind(AssertUnwindSafe(|| hook.before(&mut request)));
			let before = before.unwrap_or_else(|panic| {
				let text = panic_message(panic.as_ref());
				log::error!(target: "inference", "a hook before inferences panicked: {text}");
				Err(ServeError::Failed("a hook before the inference failed".into()))
			});
			if let Err(error) = before {
				let _ = answer.send(Err(error));
				return;
			}
		}
		self.dispatch(request, answer, None);
	}

	/// Finds the model, checks the request, and queues it.
	fn dispatch(&self, mut request: InferRequest, answer: Answer, route: Option<Route>) {
		let arrived = Instant::now();
		let served = match self.resolve(&request.model, request.version.as_deref()) {
			Ok(served) => served,
			Err(error) => {
				let _ = answer.send(Err(error));
				return;
			},
		};
		let Some(loaded) = served.ready() else {
			let pending = Pending { request, answer, route };
			let (_, reason) = served.life();
			match self.config.on_demand {
				true => served.load_for(pending, self.config.retry_load_after),
				false if reason.is_empty() => {
					let error = served.not_ready("it is not loaded");
					served.refuse(pending, error);
				},
				false => {
					let error = served.not_ready(&reason);
					served.refuse(pending, error);
				},
			}
			return;
		};
		let (inputs, outputs) =
			(std::mem::take(&mut request.inputs), std::mem::take(&mut request.outputs));
		let (batches, most) = (loaded.batches, served.options.max_request_bytes);
		let fitting = match loaded.signature.check(inputs, &outputs, batches, most) {
			Ok(fitting) => fitting,
			Err(error) => {
				served.reject(answer, error);
				return;
			},
		};
		let remembers = loaded.remembers && !self.results.is_off();
		let key = remembers.then(|| results::key(&served.entry.hash, &fitting.inputs));
		if let Some(key) = &key {
			let found = self.results.get(key);
			if let Some(outputs) = found {
				served.recall(&outputs, &fitting, arrived, answer);
				return;
			}
		}
		let queued = served.enqueue(&loaded, fitting, &request, key, route, answer);
		let Err(refused) = queued else { return };
		let Refused { waiting: Waiting { inputs, route, answer, .. }, error } = *refused;
		let Some(answer) = answer else { return };
		match error {
			ServeError::NotReady { .. } | ServeError::Suspended { .. } => {
				request.inputs = inputs.to_vec();
				request.outputs = outputs;
				served.refuse(Pending { request, answer, route }, error);
			},
			error => served.reject(answer, error),
		}
	}

	/// Lets a fallback answer in the place of `served`, or answers with the error.
	fn pass_on(
		&self,
		served: &Served,
		mut request: InferRequest,
		answer: Answer,
		mut route: Route,
		error: ServeError,
	) {
		let Some(fallback) = route.fallbacks.get(route.next).cloned() else {
			served.reject(answer, error);
			return;
		};
		log::debug!(target: "inference", "{fallback} answers for {}: {error}", served.model);
		let (name, version) = match fallback.split_once(':') {
			Some((name, version)) => (name, Some(version)),
			None => (&*fallback, None),
		};
		request.model = name.into();
		request.version = version.map(Into::into);
		route.next = route.next.saturating_add(1);
		self.dispatch(request, answer, Some(route));
	}

	fn after(&self, served: &Served, answer: &mut Result<Inference, ServeError>) {
		for hook in &self.hooks {
			let after = || hook.after(&served.model, &served.version, answer);
			if let Err(panic) = catch_unwind(AssertUnwindSafe(after)) {
				let text = panic_message(panic.as_ref());
				log::error!(target: "inference", "a hook after inferences panicked: {text}");
				*answer = Err(ServeError::Failed("a hook after the inference failed".into()));
			}
		}
	}

	fn remember(&self, key: [u8; 32], outputs: &[Tensor]) {
		self.results.insert(key, outputs);
		if let Some(metrics) = &self.metrics {
			metrics.result_bytes(self.results.bytes());
		}
	}

	/// Fetches, verifies and loads a model. Runs on a thread of its own.
	fn load_model(&self, served: &Arc<Served>) -> Result<Loaded, String> {
		let _turn = self.turn();
		let start = Instant::now();
		let load = catch_unwind(AssertUnwindSafe(|| self.try_load(served)));
		let loaded =
			load.unwrap_or_else(|panic| Err(format!("PANIC: {}", panic_message(panic.as_ref()))));
		let took = start.elapsed();
		let Served { model, version, .. } = &**served;
		match &loaded {
			Ok(loaded) => {
				served.series.loaded(loaded.kind, took);
				served.series.memory(loaded.memory());
				log::info!(
					target: "inference",
					"model {model} {version}: loaded in {took:?} ({:?}), {} bytes of memory, batches: {}",
					loaded.kind, loaded.memory(), loaded.batches,
				);
			},
			Err(reason) => log::error!(
				target: "inference",
				"model {model} {version}: can not be loaded: {reason}",
			),
		}
		loaded
	}

	fn try_load(&self, served: &Arc<Served>) -> Result<Loaded, String> {
		let backends: Vec<_> =
			served.options.backends.iter().filter_map(|name| self.backends.get(name)).collect();
		let needs_file = backends.iter().any(|backend| backend.needs_file());
		let (file, origin) = match needs_file {
			true => {
				self.make_room(served.entry.bytes, served)?;
				self.fetcher.get(&served.entry).map_err(|error| error.to_string())?
			},
			false => (Vec::new(), Origin::Local),
		};
		let mut refusals = Vec::new();
		for backend in backends {
			let request = LoadRequest {
				model: &served.model,
				version: &served.version,
				uri: &served.entry.uri,
				hash: served.entry.hash,
				file: &file,
			};
			let shared = backend.holds(&served.entry.hash);
			let kind = match (shared, origin) {
				(true, _) => Load::Hot,
				(false, Origin::Local) => Load::Warm,
				(false, Origin::Fetched) => Load::Cold,
			};
			let loaded = backend.load(&request).and_then(|model| model.warm_up().map(|()| model));
			let model = match loaded {
				Ok(model) => model,
				Err(error) => {
					refusals.push(format!("{}: {error}", backend.name()));
					continue;
				},
			};
			let memory = model.memory();
			if let Some(most) = served.options.max_memory.filter(|most| memory > *most) {
				return Err(format!("it takes {memory} bytes of memory; {most} is the most"));
			}
			let signature = model.signature().clone();
			let joinable = signature.varies() && served.options.max_batch > 1;
			// What another server makes of a batch is its own business.
			let tried = match backend.needs_file() && joinable {
				true => joins(model.as_ref()),
				false => None,
			};
			let batches = joinable && tried.unwrap_or(signature.batches);
			if joinable && !batches {
				log::warn!(
					target: "inference",
					"model {} {}: rows are not independent of each other, so that requests run one by one",
					served.model, served.version,
				);
			}
			self.make_room(memory, served)?;
			return Ok(Loaded {
				batches,
				// What another server answers is not verified, and not to be taken for the file's.
				remembers: served.options.remember
					&& backend.needs_file()
					&& signature.is_integer(),
				signature,
				platform: backend.platform().into(),
				kind,
				model: Some(model),
			});
		}
		Err(refusals.join("; "))
	}

	/// Unloads what was not used for longest, until `bytes` more fit.
	fn make_room(&self, bytes: u64, except: &Arc<Served>) -> Result<(), String> {
		let most = self.config.memory;
		let all = self.all();
		let stays =
			|served: &&Arc<Served>| !Arc::ptr_eq(served, except) && served.evictable().is_none();
		let taken = all.iter().filter(stays).map(|it| it.memory()).fold(0, u64::saturating_add);
		if taken.saturating_add(bytes) > most {
			// Nothing is unloaded in vain.
			return Err(does_not_fit(bytes, taken, most));
		}
		loop {
			let all = self.all();
			let taken = all.iter().map(|served| served.memory()).fold(0, u64::saturating_add);
			if taken.saturating_add(bytes) <= most {
				return Ok(());
			}
			let oldest = all
				.iter()
				.filter(|served| !Arc::ptr_eq(served, except))
				.filter_map(|served| Some((served.evictable()?, served)))
				.min_by_key(|(used, _)| *used);
			let Some((_, oldest)) = oldest else {
				return Err(does_not_fit(bytes, taken, most));
			};
			let (reply, replied) = oneshot::channel();
			oldest.unload(Some(reply), "it made room for another", false);
			// The watchdog ends what hangs.
			let _ = futures::executor::block_on(replied);
		}
	}

	/// Waits until fewer models are being loaded than may be.
	fn turn(&self) -> Turn<'_> {
		let mut loading = self.loading.lock();
		while *loading >= self.config.loads.max(1) {
			self.load_ended.wait(&mut loading);
		}
		*loading = loading.saturating_add(1);
		Turn(self)
	}
}

fn does_not_fit(bytes: u64, taken: u64, most: u64) -> String {
	format!("{bytes} bytes of memory do not fit: {taken} of {most} are taken, by models that stay")
}

/// Whether a row's answer is the same alone and beside another row: a varying first dimension may
/// also be one along which a model mixes, the words of a sentence say. Tried with zeros and ones,
/// in both orders; `None` where further dimensions vary, and nobody can say what would fit.
fn joins(model: &dyn Model) -> Option<bool> {
	let signature = model.signature();
	let (zeros, ones) = (signature.zeros(1)?, signature.ones()?);
	let run = |requests: &[&[Tensor]]| model.infer_batch(requests).ok();
	let alone = [run(&[&zeros])?, run(&[&ones])?];
	let same = |first: &[Tensor], second: &[Tensor], alone: [&[Tensor]; 2]| {
		let Some(both) = run(&[first, second]) else { return false };
		both.iter().zip(alone[0].iter().zip(alone[1])).all(|(both, (first, second))| {
			let cut = first.data.len();
			both.shape.first() == Some(&2)
				&& both.data.len() == cut.saturating_add(second.data.len())
				&& close(both.data_type, &both.data[..cut], &first.data)
				&& close(both.data_type, &both.data[cut..], &second.data)
		})
	};
	Some(same(&zeros, &ones, [&alone[0], &alone[1]]) && same(&ones, &zeros, [&alone[1], &alone[0]]))
}

/// Whether two answers are the same, up to what another order of the same sum makes.
fn close(data_type: DataType, a: &[u8], b: &[u8]) -> bool {
	let near = |a: f64, b: f64, tolerance: f64| {
		a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * (1.0 + a.abs())
	};
	match data_type {
		DataType::Fp32 => {
			let [a, b] =
				[a, b].map(|bytes| bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes));
			a.zip(b).all(|(a, b)| near(a.into(), b.into(), 1e-3))
		},
		DataType::Fp64 => {
			let [a, b] =
				[a, b].map(|bytes| bytes.as_chunks().0.iter().copied().map(f64::from_le_bytes));
			a.zip(b).all(|(a, b)| near(a, b, 1e-6))
		},
		DataType::Fp16 => {
			let [a, b] = [a, b]
				.map(|bytes| bytes.as_chunks().0.iter().copied().map(half::f16::from_le_bytes));
			a.zip(b).all(|(a, b)| near(a.into(), b.into(), 1e-2))
		},
		_ => a == b,
	}
}

/// A load that counts as long as it lives.
struct Turn<'a>(&'a Shared);

impl Drop for Turn<'_> {
	fn drop(&mut self) {
		let mut loading = self.0.loading.lock();
		*loading = loading.saturating_sub(1);
		drop(loading);
		self.0.load_ended.notify_one();
	}
}

impl Drop for Shared {
	fn drop(&mut self) {
		self.watchdog.stop();
		for versions in self.models.get_mut().values() {
			versions.all().for_each(|served| served.unload(None, "the server is stopping", true));
		}
	}
}
