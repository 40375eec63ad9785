//! What can be set: for the server, and for each model.

use serde::Deserialize;
use std::time::Duration;

/// How much the server may take.
#[derive(Clone, Debug)]
pub struct ServerConfig {
	/// Bytes that loaded models may take together, as measured when they were loaded. The least
	/// recently used go first.
	pub memory: u64,
	/// Bytes of remembered answers; 0 remembers none.
	pub result_bytes: u64,
	/// Models that are loaded at the same time.
	pub loads: usize,
	/// Whether a request loads the model that it names. If not, only [`Server::load`] does.
	///
	/// [`Server::load`]: super::Server::load
	pub on_demand: bool,
	/// How long a model that could not be loaded is not tried again by requests.
	pub retry_load_after: Duration,
}

impl Default for ServerConfig {
	fn default() -> Self {
		Self {
			memory: 2 << 30,
			result_bytes: 64 << 20,
			loads: 2,
			on_demand: true,
			retry_load_after: Duration::from_secs(10),
		}
	}
}

/// How a model is served.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
	/// Backends that may run it, by name; the first that can load it does.
	pub backends: Vec<String>,
	/// Models that answer in its place while it is suspended, can not be loaded, or failed:
	/// `NAME` or `NAME:VERSION`. They have to take the same inputs.
	pub fallback: Vec<String>,
	/// Runs at the same time, each on a thread of its own.
	pub instances: usize,
	/// Rows of a batch at most; 1 turns batching off. A model is batched if the first
	/// dimension of all inputs and outputs varies, and a trial gives each row what it gives it alone.
	pub max_batch: u32,
	/// Microseconds that the first request of a batch waits for others. With 0, a request runs at
	/// once when a thread is idle, and batches are what arrives while all are busy.
	pub max_delay_us: u64,
	/// Microseconds that a run can be expected to take, at most, for whoever asks to run it where the request is alone:
	/// waking the model's thread takes longer than a short run. With 0 the model's threads run everything.
	pub alone_us: u64,
	/// Rows that batches should have, if enough wait.
	pub preferred_batches: Vec<u32>,
	/// Requests that may wait. The last tenth is kept for high priority, and low priority gets half.
	pub queue: usize,
	/// Bytes of inputs that may wait.
	pub queue_bytes: u64,
	/// Bytes of a request's inputs.
	pub max_request_bytes: u64,
	/// Milliseconds that a run may take before it counts as hanging.
	pub execution_timeout_ms: u64,
	/// Failures in a row that suspend the model. One run that hangs suspends it at once.
	pub failures: u32,
	/// Milliseconds of the first suspension; each further one is twice as long, up to a minute.
	pub suspend_ms: u64,
	/// Bytes that the model may take when it is loaded; a larger one is refused.
	pub max_memory: Option<u64>,
	/// Whether it stays in memory once it is loaded.
	pub pinned: bool,
	/// Milliseconds without a request after which it is unloaded.
	pub idle_ms: Option<u64>,
	/// Whether it is loaded when it is registered.
	pub preload: bool,
	/// Whether answers are remembered, where inputs and outputs are all integers.
	pub remember: bool,
	/// Microseconds, from arrival to answer, that 95 of 100 requests should take: batches and
	/// threads are tuned toward it. Off where it is not set.
	pub target_latency_us: Option<u64>,
}

impl Default for ModelOptions {
	fn default() -> Self {
		Self {
			backends: vec!["onnxruntime".into()],
			fallback: Vec::new(),
			instances: 1,
			max_batch: 32,
			max_delay_us: 0,
			alone_us: 400,
			preferred_batches: Vec::new(),
			queue: 1024,
			queue_bytes: 256 << 20,
			max_request_bytes: 64 << 20,
			execution_timeout_ms: 20_000,
			failures: 5,
			suspend_ms: 1000,
			max_memory: None,
			pinned: false,
			idle_ms: None,
			preload: false,
			remember: true,
			target_latency_us: None,
		}
	}
}

impl ModelOptions {
	/// The most threads of one model.
	pub const MAX_INSTANCES: usize = 64;

	/// Tells what is out of bounds.
	pub fn check(&self) -> Result<(), String> {
		let within = |what: &str, value: u64, least: u64, most: u64| match value {
			value if (least..=most).contains(&value) => Ok(()),
			value => Err(format!("`{what}` is {value}; it has to be {least} to {most}")),
		};
		within("instances", self.instances as u64, 1, Self::MAX_INSTANCES as u64)?;
		within("max_batch", self.max_batch.into(), 1, 1 << 16)?;
		within("max_delay_us", self.max_delay_us, 0, 10_000_000)?;
		within("alone_us", self.alone_us, 0, 10_000)?;
		within("queue", self.queue as u64, 1, 1 << 20)?;
		within("execution_timeout_ms", self.execution_timeout_ms, 1, 86_400_000)?;
		within("failures", self.failures.into(), 1, 1 << 16)?;
		within("idle_ms", self.idle_ms.unwrap_or(1), 1, u64::MAX)?;
		within("suspend_ms", self.suspend_ms, 1, 60_000)?;
		for rows in &self.preferred_batches {
			within("preferred_batches", (*rows).into(), 1, self.max_batch.into())?;
		}
		match self.backends.is_empty() {
			true => Err("`backends` is empty; name at least one".into()),
			false => Ok(()),
		}
	}

	pub(super) fn max_delay(&self) -> Duration {
		Duration::from_micros(self.max_delay_us)
	}

	pub(super) fn execution_timeout(&self) -> Duration {
		Duration::from_millis(self.execution_timeout_ms)
	}
}
