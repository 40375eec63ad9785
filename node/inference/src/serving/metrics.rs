//! What Prometheus sees of the server of models.

use super::api::ServeError;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};
use substrate_prometheus_endpoint::{
	exponential_buckets, register, Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts,
	HistogramVec, Opts, PrometheusError, Registry, U64,
};

/// What the server registers.
#[derive(Clone)]
pub(super) struct Metrics {
	requests: CounterVec<U64>,
	stages: HistogramVec,
	batches: HistogramVec,
	waiting: GaugeVec<U64>,
	memory: GaugeVec<U64>,
	suspended: GaugeVec<U64>,
	suspensions: CounterVec<U64>,
	hangs: CounterVec<U64>,
	loads: HistogramVec,
	results: CounterVec<U64>,
	result_bytes: Gauge<U64>,
	/// How many tell of a version: a model that is replaced, and what takes its place.
	told: Arc<Mutex<HashMap<[String; 2], usize>>>,
}

/// The series of one version of a model; nothing where there is no registry.
#[derive(Default)]
pub(super) struct Series(Option<Box<Of>>);

struct Of {
	metrics: Metrics,
	labels: [String; 2],
	outcomes: Vec<(&'static str, Counter<U64>)>,
	queue: Histogram,
	infer: Histogram,
	total: Histogram,
	batch: Histogram,
	waiting: Part,
	memory: Part,
	suspended: Part,
	suspensions: Counter<U64>,
	hangs: Counter<U64>,
	hits: Counter<U64>,
	misses: Counter<U64>,
}

/// What a gauge has of one of those who tell of a version: it shows all together.
struct Part {
	gauge: Gauge<U64>,
	own: Mutex<u64>,
}

/// How a model came into memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Load {
	/// Its file had to be fetched.
	Cold,
	/// Its file was on this machine.
	Warm,
	/// Something else had it in memory, and it is shared.
	Hot,
}

const OUTCOMES: [&str; 8] =
	["success", "invalid", "busy", "deadline", "suspended", "not_ready", "stopping", "failed"];

/// What an error is counted as.
fn outcome<T>(answer: &Result<T, ServeError>) -> &'static str {
	match answer {
		Ok(_) => "success",
		Err(ServeError::Invalid(_)) => "invalid",
		Err(ServeError::Busy { .. }) => "busy",
		Err(ServeError::DeadlineExceeded { .. }) => "deadline",
		Err(ServeError::Suspended { .. }) => "suspended",
		Err(
			ServeError::NotReady { .. }
			| ServeError::UnknownModel { .. }
			| ServeError::UnknownVersion { .. },
		) => "not_ready",
		Err(ServeError::Stopping) => "stopping",
		Err(ServeError::Failed(_)) => "failed",
	}
}

impl Metrics {
	pub(super) fn new(registry: &Registry) -> Result<Self, PrometheusError> {
		let model = &["model", "version"];
		let counter = |name: &str, help: &str, labels: &[&str]| {
			register(CounterVec::new(Opts::new(name, help), labels)?, registry)
		};
		let gauge = |name: &str, help: &str| {
			register(GaugeVec::new(Opts::new(name, help), model)?, registry)
		};
		let histogram = |name: &str, help: &str, labels: &[&str], buckets: Vec<f64>| {
			let options = HistogramOpts::new(name, help).buckets(buckets);
			register(HistogramVec::new(options, labels)?, registry)
		};
		Ok(Self {
			requests: counter(
				"aimodel_serve_requests_total",
				"Requests by what became of them",
				&["model", "version", "outcome"],
			)?,
			// 10 µs to 21 s.
			stages: histogram(
				"aimodel_serve_seconds",
				"Time that a request spent in a stage: queue, infer, or both and what is around them",
				&["model", "version", "stage"],
				exponential_buckets(1e-5, 2.0, 22)?,
			)?,
			batches: histogram(
				"aimodel_serve_batch_rows",
				"Rows of the batches that the engine ran",
				model,
				exponential_buckets(1.0, 2.0, 11)?,
			)?,
			waiting: gauge("aimodel_serve_waiting", "Requests that wait for their turn")?,
			memory: gauge(
				"aimodel_serve_memory_bytes",
				"Bytes by which the process grew when the model was loaded",
			)?,
			suspended: gauge("aimodel_serve_suspended", "Whether failures suspended the model")?,
			suspensions: counter(
				"aimodel_serve_suspensions_total",
				"How often failures suspended the model",
				model,
			)?,
			hangs: counter(
				"aimodel_serve_hangs_total",
				"Runs that took too long and were given up",
				model,
			)?,
			// 1 ms to 262 s.
			loads: histogram(
				"aimodel_serve_load_seconds",
				"Time that loading took: cold with a fetched file, warm with a file that was here, hot with a model that something else had in memory",
				&["model", "version", "kind"],
				exponential_buckets(1e-3, 4.0, 10)?,
			)?,
			results: counter(
				"aimodel_serve_remembered_total",
				"Answers that were looked for among the remembered ones",
				&["model", "version", "found"],
			)?,
			result_bytes: register(
				Gauge::new("aimodel_serve_remembered_bytes", "Bytes of remembered answers")?,
				registry,
			)?,
			told: Arc::default(),
		})
	}

	pub(super) fn result_bytes(&self, bytes: u64) {
		self.result_bytes.set(bytes);
	}

	/// The series of a version of a model, at zero.
	pub(super) fn series(&self, model: &str, version: &str) -> Series {
		let labels = [model.to_owned(), version.to_owned()];
		let mut told = self.told.lock();
		let tellers = told.entry(labels.clone()).or_default();
		*tellers = tellers.saturating_add(1);
		let pair = &[model, version];
		let with = |third: &'static str| [model, version, third];
		let outcomes =
			OUTCOMES.map(|outcome| (outcome, self.requests.with_label_values(&with(outcome))));
		Series(Some(Box::new(Of {
			outcomes: outcomes.into(),
			queue: self.stages.with_label_values(&with("queue")),
			infer: self.stages.with_label_values(&with("infer")),
			total: self.stages.with_label_values(&with("total")),
			batch: self.batches.with_label_values(pair),
			waiting: Part::of(&self.waiting, pair),
			memory: Part::of(&self.memory, pair),
			suspended: Part::of(&self.suspended, pair),
			suspensions: self.suspensions.with_label_values(pair),
			hangs: self.hangs.with_label_values(pair),
			hits: self.results.with_label_values(&with("yes")),
			misses: self.results.with_label_values(&with("no")),
			labels,
			metrics: self.clone(),
		})))
	}
}

impl Part {
	fn of(gauges: &GaugeVec<U64>, labels: &[&str; 2]) -> Self {
		Self { gauge: gauges.with_label_values(labels), own: Mutex::default() }
	}

	/// Says what it was before.
	fn set(&self, value: u64) -> u64 {
		let mut own = self.own.lock();
		let before = std::mem::replace(&mut *own, value);
		match value.checked_sub(before) {
			Some(0) => (),
			Some(more) => self.gauge.add(more),
			None => self.gauge.sub(before.saturating_sub(value)),
		}
		before
	}
}

impl Drop for Part {
	fn drop(&mut self) {
		self.set(0);
	}
}

impl Series {
	fn with(&self, record: impl FnOnce(&Of)) {
		if let Some(of) = &self.0 {
			record(of);
		}
	}

	/// A request was answered.
	pub(super) fn answered<T>(&self, answer: &Result<T, ServeError>) {
		self.with(|of| {
			let outcome = outcome(answer);
			if let Some((_, counter)) = of.outcomes.iter().find(|(it, _)| *it == outcome) {
				counter.inc();
			}
		});
	}

	/// A request ran.
	pub(super) fn ran(&self, queue: Duration, infer: Duration, total: Duration) {
		self.with(|of| {
			of.queue.observe(queue.as_secs_f64());
			of.infer.observe(infer.as_secs_f64());
			of.total.observe(total.as_secs_f64());
		});
	}

	pub(super) fn batch(&self, rows: u32) {
		self.with(|of| of.batch.observe(rows.into()));
	}

	pub(super) fn waiting(&self, waiting: usize) {
		self.with(|of| {
			of.waiting.set(waiting as u64);
		});
	}

	pub(super) fn memory(&self, bytes: u64) {
		self.with(|of| {
			of.memory.set(bytes);
		});
	}

	pub(super) fn suspended(&self, suspended: bool) {
		self.with(|of| {
			let before = of.suspended.set(suspended.into());
			if suspended && before == 0 {
				of.suspensions.inc();
			}
		});
	}

	pub(super) fn hang(&self) {
		self.with(|of| of.hangs.inc());
	}

	pub(super) fn loaded(&self, kind: Load, took: Duration) {
		let kind = match kind {
			Load::Cold => "cold",
			Load::Warm => "warm",
			Load::Hot => "hot",
		};
		self.with(|of| {
			let [model, version] = &of.labels;
			of.metrics.loads.with_label_values(&[model, version, kind]).observe(took.as_secs_f64());
		});
	}

	/// An answer was looked for among the remembered ones.
	pub(super) fn remembered(&self, found: bool) {
		self.with(|of| if found { of.hits.inc() } else { of.misses.inc() });
	}
}

impl Drop for Of {
	/// What was removed from the repository is no longer told of.
	fn drop(&mut self) {
		let mut told = self.metrics.told.lock();
		let tellers = told.entry(self.labels.clone()).or_default();
		*tellers = tellers.saturating_sub(1);
		if *tellers > 0 {
			return;
		}
		told.remove(&self.labels);
		let [model, version] = &self.labels;
		let Metrics { requests, stages, batches, loads, results, .. } = &self.metrics;
		let pair = &[model.as_str(), version.as_str()];
		for outcome in OUTCOMES {
			let _ = requests.remove_label_values(&[pair[0], pair[1], outcome]);
		}
		for stage in ["queue", "infer", "total"] {
			let _ = stages.remove_label_values(&[pair[0], pair[1], stage]);
		}
		for kind in ["cold", "warm", "hot"] {
			let _ = loads.remove_label_values(&[pair[0], pair[1], kind]);
		}
		for found in ["yes", "no"] {
			let _ = results.remove_label_values(&[pair[0], pair[1], found]);
		}
		let _ = batches.remove_label_values(pair);
		for gauge in [&self.metrics.waiting, &self.metrics.memory, &self.metrics.suspended] {
			let _ = gauge.remove_label_values(pair);
		}
		for counter in [&self.metrics.suspensions, &self.metrics.hangs] {
			let _ = counter.remove_label_values(pair);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_model_and_what_takes_its_place_are_told_together() {
		let metrics = Metrics::new(&Registry::new()).unwrap();
		let told = || metrics.memory.with_label_values(&["m", "1.0.0"]).get();
		let before = metrics.series("m", "1.0.0");
		before.memory(30);
		let after = metrics.series("m", "1.0.0");
		after.memory(20);
		assert_eq!(told(), 50);
		before.memory(10);
		assert_eq!(told(), 30);
		drop(before);
		assert_eq!(told(), 20);
		drop(after);
		assert_eq!(told(), 0);
	}
}
