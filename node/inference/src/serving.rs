//! Models by name: what is asked of them waits in bounded queues, runs in batches, and is answered.
//!
//! | module | what |
//! |---|---|
//! | `api` | what is asked, and what is answered |
//! | `repository` | names, versions, aliases |
//! | `served` | a version that is served: its queue, its threads, its life |
//! | `source` | where model files come from |
//! | `loading` | how a model comes into memory |
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
mod loading;
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

use crate::{backend::Backends, blobs::BlobStore, panics::isolated, tensor::Tensor};
use aimodel_primitives::ids::ArtifactHash;
use futures::channel::oneshot;
use metrics::Metrics;
use parking_lot::{Condvar, Mutex, RwLock};
use queue::{Answer, Route, Waiting};
use repository::Versions;
use results::Results;
use served::{Alone, Pending, Refused, Served};
use source::Fetcher;
use std::{
	collections::BTreeMap,
	future::Future,
	io,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, Weak,
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
	/// What was removed or replaced, as long as it answers what it was asked.
	leaving: Mutex<Vec<Weak<Served>>>,
	/// Held by who makes room, lest two unload each other's models.
	evicting: Mutex<()>,
	watchdog: Arc<Watchdog>,
	/// Whether a caller runs a model.
	lent: Arc<AtomicBool>,
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
			leaving: Mutex::default(),
			evicting: Mutex::default(),
			watchdog: watchdog.clone(),
			lent: Arc::default(),
			stopping: AtomicBool::new(false),
			loading: Mutex::new(0),
			load_ended: Condvar::new(),
		});
		let weak = Arc::downgrade(&shared);
		std::thread::Builder::new().name("aimodel-watchdog".into()).spawn(move || {
			watchdog.run(|now| {
				let shared = weak.upgrade()?;
				let all = shared.everybody();
				// Not held while it looks, lest the server be dropped on this thread.
				drop(shared);
				Some(all.iter().fold(None, |next, served| queue::earliest(next, served.look(now))))
			})
		})?;
		Ok(Self(shared))
	}

	/// Takes a model into the repository, and begins to load it if its options say so.
	pub fn register(&self, entry: ModelEntry) -> Result<(), RegisterError> {
		self.put(entry, false)
	}

	/// The same in the place of the model that has the name, if one has: what that was asked it answers.
	pub fn replace(&self, entry: ModelEntry) -> Result<(), RegisterError> {
		self.put(entry, true)
	}

	fn put(&self, entry: ModelEntry, replaces: bool) -> Result<(), RegisterError> {
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
		let before = {
			let mut models = shared.models.write();
			if !replaces && models.contains_key(&entry.name) {
				return Err(RegisterError::Known(entry.name));
			}
			models.insert(entry.name, versions)
		};
		if let Some(before) = before {
			shared.leave(&before, "it was replaced");
		}
		if let Some(default) = default.filter(|_| options.preload || options.pinned) {
			default.load(oneshot::channel().0);
		}
		Ok(())
	}

	/// Takes a model out of the repository once what waits for it is answered; says whether there
	/// was one.
	pub fn remove(&self, name: &str) -> bool {
		let removed = self.0.models.write().remove(name);
		match removed {
			Some(versions) => {
				self.0.leave(&versions, "it was removed");
				true
			},
			None => false,
		}
	}

	/// Runs one inference. It is checked and queued at once. A short one that is alone runs where the
	/// future is polled; all others begin whether it is polled or not. Dropping the future gives the
	/// inference up if it has not begun.
	pub fn infer(
		&self,
		request: InferRequest,
	) -> impl Future<Output = Result<Inference, ServeError>> + Send + 'static {
		let (answer, answered) = oneshot::channel();
		let alone = self.0.begin(request, answer);
		async move {
			if let Some(alone) = alone {
				alone.run().await;
			}
			answered.await.unwrap_or(Err(ServeError::Stopping))
		}
	}

	/// All versions of all models, by name and version.
	pub fn index(&self) -> Vec<IndexEntry> {
		let entry = |served: &Arc<Served>| {
			let (state, reason) = served.life();
			let (name, version) = (served.model.to_string(), served.version.to_string());
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
			Some(versions) => versions.all().map(|served| served.version.to_string()).collect(),
			None => Vec::new(),
		};
		Ok(ModelMetadata {
			name: served.model.to_string(),
			versions,
			platform: described.platform.clone(),
			version: served.version.to_string(),
			artifact: served.entry.hash,
			inputs: described.signature.inputs.clone(),
			outputs: described.signature.outputs.clone(),
		})
	}

	/// The file of a version of a model, whether it was ever loaded or not.
	pub fn artifact(&self, name: &str, version: Option<&str>) -> Result<ArtifactHash, ServeError> {
		Ok(self.0.resolve(name, version)?.entry.hash)
	}

	/// Refuses inputs that are more than one request of a version may have, also in parts.
	pub fn check_size(
		&self,
		name: &str,
		version: Option<&str>,
		inputs: &[Tensor],
	) -> Result<(), ServeError> {
		let most = self.0.resolve(name, version)?.options.max_request_bytes;
		let bytes = inputs.iter().map(|input| input.data.len() as u64).fold(0, u64::saturating_add);
		match bytes > most {
			true => Err(validate::too_large(bytes, most)),
			false => Ok(()),
		}
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
		let all: Option<Vec<_>> =
			self.0.models.read().get(name).map(|versions| versions.all().cloned().collect());
		let error = all.is_none().then(|| self.0.unknown(name));
		let mut replies = Vec::new();
		for served in all.into_iter().flatten() {
			let (reply, replied) = oneshot::channel();
			served.unload(Some(reply), "it was unloaded", true);
			replies.push(replied);
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
		self.0.everybody().iter().all(|served| served.is_quiet())
	}
}

impl Shared {
	/// All versions, in the order of their names.
	fn all(&self) -> Vec<Arc<Served>> {
		self.models.read().values().flat_map(|versions| versions.all().cloned()).collect()
	}

	/// The same, and those that have left the repository and are not done.
	fn everybody(&self) -> Vec<Arc<Served>> {
		let mut all = self.all();
		self.leaving.lock().retain(|served| {
			let served = served.upgrade();
			all.extend(served.clone());
			served.is_some()
		});
		all
	}

	fn leave(&self, versions: &Versions, reason: &str) {
		self.leaving.lock().extend(versions.all().map(Arc::downgrade));
		versions.all().for_each(|served| served.unload(None, reason, true));
	}

	fn resolve(&self, name: &str, version: Option<&str>) -> Result<Arc<Served>, ServeError> {
		// Not held while the names are read, lest a writer between wait for both.
		let found = self.models.read().get(name).map(|it| it.resolve(name, version).cloned());
		found.unwrap_or_else(|| Err(self.unknown(name)))
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

	fn begin(&self, mut request: InferRequest, answer: Answer) -> Option<Alone> {
		if self.stopping.load(Ordering::Relaxed) {
			let _ = answer.send(Err(ServeError::Stopping));
			return None;
		}
		for hook in &self.hooks {
			let before = isolated(|| hook.before(&mut request)).unwrap_or_else(|text| {
				log::error!(target: "inference", "a hook before inferences panicked: {text}");
				Err(ServeError::Failed("a hook before the inference failed".into()))
			});
			if let Err(error) = before {
				let _ = answer.send(Err(error));
				return None;
			}
		}
		self.dispatch(request, answer, None)
	}

	/// Finds the model, checks the request, and queues it. Dropping what is returned leaves it to the model's threads.
	fn dispatch(
		&self,
		mut request: InferRequest,
		answer: Answer,
		route: Option<Route>,
	) -> Option<Alone> {
		let arrived = Instant::now();
		let served = match self.resolve(&request.model, request.version.as_deref()) {
			Ok(served) => served,
			Err(error) => {
				let _ = answer.send(Err(error));
				return None;
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
			return None;
		};
		let (inputs, outputs) =
			(std::mem::take(&mut request.inputs), std::mem::take(&mut request.outputs));
		let (batches, most) = (loaded.batches, served.options.max_request_bytes);
		let fitting = match loaded.signature.check(inputs, &outputs, batches, most) {
			Ok(fitting) => fitting,
			Err(error) => {
				served.reject(answer, error);
				return None;
			},
		};
		let remembers = loaded.remembers && !self.results.is_off();
		let key = remembers.then(|| results::key(&served.entry.hash, &fitting.inputs));
		if let Some(key) = &key {
			let found = self.results.get(key);
			if let Some(outputs) = found {
				served.recall(&outputs, &fitting, arrived, answer);
				return None;
			}
		}
		let queued = served.enqueue(&loaded, fitting, &request, key, route, answer);
		let refused = match queued {
			Ok(alone) => return alone,
			Err(refused) => refused,
		};
		let Refused { waiting: Waiting { inputs, route, answer, .. }, error } = *refused;
		let answer = answer?;
		match error {
			ServeError::NotReady { .. } | ServeError::Suspended { .. } => {
				request.inputs = inputs.to_vec();
				request.outputs = outputs;
				let now = self.resolve(&request.model, request.version.as_deref());
				if now.is_ok_and(|now| !Arc::ptr_eq(&now, &served)) {
					// It was replaced meanwhile.
					return self.dispatch(request, answer, route);
				}
				served.refuse(Pending { request, answer, route }, error);
			},
			error => served.reject(answer, error),
		}
		None
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
		while let Some(fallback) = route.fallbacks.get(route.next).cloned() {
			route.next = route.next.saturating_add(1);
			let (name, version) = match fallback.split_once(':') {
				Some((name, version)) => (name, Some(version)),
				None => (&*fallback, None),
			};
			if let Err(unknown) = self.resolve(name, version) {
				log::warn!(target: "inference", "{} has no fallback: {unknown}", served.model);
				continue;
			}
			log::debug!(target: "inference", "{fallback} answers for {}: {error}", served.model);
			request.model = name.into();
			request.version = version.map(Into::into);
			drop(self.dispatch(request, answer, Some(route)));
			return;
		}
		served.reject(answer, error);
	}

	fn after(&self, served: &Served, answer: &mut Result<Inference, ServeError>) {
		for hook in &self.hooks {
			let after = || hook.after(&served.model, &served.version, answer);
			if let Err(text) = isolated(after) {
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
}

impl Drop for Shared {
	fn drop(&mut self) {
		self.watchdog.stop();
		for versions in self.models.get_mut().values() {
			versions.all().for_each(|served| served.unload(None, "the server is stopping", true));
		}
	}
}
