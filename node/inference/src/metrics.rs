//! What Prometheus sees.

use crate::backend::memory::Resident;
use std::time::Duration;
use substrate_prometheus_endpoint::{
	exponential_buckets, register, CounterVec, Gauge, Histogram, HistogramOpts, Opts,
	PrometheusError, Registry, U64,
};

/// What became of a job, or of an attempt to submit one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
	/// Queued.
	Submitted,
	/// Done; its result can be collected.
	Finished,
	/// Failed.
	Failed,
	/// Not queued, since the queue was full.
	Refused,
}

impl Outcome {
	const ALL: [Self; 4] = [Self::Submitted, Self::Finished, Self::Failed, Self::Refused];

	fn label(self) -> &'static str {
		match self {
			Self::Submitted => "submitted",
			Self::Finished => "finished",
			Self::Failed => "failed",
			Self::Refused => "refused",
		}
	}
}

/// The metrics, or nothing where there is no registry.
#[derive(Clone, Default)]
pub(crate) struct Metrics(Option<Registered>);

#[derive(Clone)]
struct Registered {
	queued: Gauge<U64>,
	queue: Histogram,
	submit: Histogram,
	jobs: CounterVec<U64>,
	inference: Histogram,
	proving: Histogram,
	model_load: Histogram,
	prover_load: Histogram,
	collected: substrate_prometheus_endpoint::Counter<U64>,
	submissions: CounterVec<U64>,
}

impl Metrics {
	pub(crate) fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		registry.map(Registered::new).transpose().map(Self)
	}

	/// How many jobs wait.
	pub(crate) fn queued(&self, jobs: usize) {
		self.with(|metrics| metrics.queued.set(jobs as u64));
	}

	/// A thread took a job that had waited so long.
	pub(crate) fn queue(&self, took: Duration) {
		self.with(|metrics| metrics.queue.observe(took.as_secs_f64()));
	}

	/// A result was settled so long after it was there.
	pub(crate) fn submit(&self, took: Duration) {
		self.with(|metrics| metrics.submit.observe(took.as_secs_f64()));
	}

	pub(crate) fn job(&self, outcome: Outcome) {
		self.with(|metrics| metrics.jobs.with_label_values(&[outcome.label()]).inc());
	}

	pub(crate) fn inference(&self, took: Duration) {
		self.with(|metrics| metrics.inference.observe(took.as_secs_f64()));
	}

	pub(crate) fn proving(&self, took: Duration) {
		self.with(|metrics| metrics.proving.observe(took.as_secs_f64()));
	}

	pub(crate) fn model_load(&self, took: Duration) {
		self.with(|metrics| metrics.model_load.observe(took.as_secs_f64()));
	}

	pub(crate) fn prover_load(&self, took: Duration) {
		self.with(|metrics| metrics.prover_load.observe(took.as_secs_f64()));
	}

	pub(crate) fn collected(&self) {
		self.with(|metrics| metrics.collected.inc());
	}

	/// A transaction was signed, and the pool took it or not.
	pub(crate) fn submission(&self, accepted: bool) {
		let outcome = if accepted { "accepted" } else { "refused" };
		self.with(|metrics| metrics.submissions.with_label_values(&[outcome]).inc());
	}

	fn with(&self, record: impl FnOnce(&Registered)) {
		if let Some(metrics) = &self.0 {
			record(metrics);
		}
	}
}

impl Registered {
	fn new(registry: &Registry) -> Result<Self, PrometheusError> {
		let seconds = |name: &str, help: &str, first: f64, buckets: usize| {
			let options =
				HistogramOpts::new(name, help).buckets(exponential_buckets(first, 4.0, buckets)?);
			register(Histogram::with_opts(options)?, registry)
		};
		registry.register(Box::new(Resident::new()?))?;
		let jobs = register(
			CounterVec::new(
				Opts::new("aimodel_jobs_total", "Jobs by what became of them"),
				&["outcome"],
			)?,
			registry,
		)?;
		for outcome in Outcome::ALL {
			// A series that begins at zero can be subtracted from.
			jobs.with_label_values(&[outcome.label()]).inc_by(0);
		}
		let submissions = register(
			CounterVec::new(
				Opts::new(
					"aimodel_submissions_total",
					"Transactions that were signed, by whether the pool took them",
				),
				&["outcome"],
			)?,
			registry,
		)?;
		for outcome in ["accepted", "refused"] {
			submissions.with_label_values(&[outcome]).inc_by(0);
		}
		Ok(Self {
			queued: register(
				Gauge::new("aimodel_jobs_queued", "Jobs that wait for their turn")?,
				registry,
			)?,
			// 100 µs to 26 s.
			queue: seconds(
				"aimodel_job_queue_seconds",
				"Time that a job waited for a thread",
				1e-4,
				10,
			)?,
			// 1 ms to 70 min.
			submit: seconds(
				"aimodel_job_submit_seconds",
				"Time from a result to the final block that settles it",
				1e-3,
				12,
			)?,
			jobs,
			// 10 µs to 10 s.
			inference: seconds(
				"aimodel_inference_seconds",
				"Time that the engine took for one inference",
				1e-5,
				11,
			)?,
			// 5 ms to 87 min.
			proving: seconds(
				"aimodel_proving_seconds",
				"Time that one proof took, with its verification",
				0.005,
				11,
			)?,
			// 1 ms to 65 s.
			model_load: seconds(
				"aimodel_model_load_seconds",
				"Time that it took to read a model and load it into the engine",
				1e-3,
				9,
			)?,
			prover_load: seconds(
				"aimodel_prover_load_seconds",
				"Time that it took to read a proving key and build its circuit",
				1e-2,
				9,
			)?,
			collected: register(
				substrate_prometheus_endpoint::Counter::new(
					"aimodel_results_collected_total",
					"Results that were handed to the offchain worker, repetitions included",
				)?,
				registry,
			)?,
			submissions,
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_series_is_there_from_the_beginning() {
		let registry = Registry::new();
		let metrics = Metrics::new(Some(&registry)).unwrap();
		metrics.job(Outcome::Failed);
		metrics.queued(3);
		let families = registry.gather();
		let names: Vec<_> = families.iter().map(|family| family.get_name()).collect();
		assert_eq!(
			names,
			[
				"aimodel_inference_seconds",
				"aimodel_job_queue_seconds",
				"aimodel_job_submit_seconds",
				"aimodel_jobs_queued",
				"aimodel_jobs_total",
				"aimodel_model_load_seconds",
				"aimodel_prover_load_seconds",
				"aimodel_proving_seconds",
				"aimodel_results_collected_total",
				"aimodel_submissions_total",
				"process_resident_memory_bytes",
			]
		);
		let jobs: Vec<_> = families[4]
			.get_metric()
			.iter()
			.map(|metric| {
				(
					metric.get_label()[0].get_value().to_owned(),
					metric.get_counter().get_value() as u64,
				)
			})
			.collect();
		let expected = [("failed", 1), ("finished", 0), ("refused", 0), ("submitted", 0)];
		assert_eq!(jobs, expected.map(|(outcome, n)| (outcome.to_owned(), n)));
	}

	#[test]
	fn a_registry_takes_the_metrics_once() {
		let registry = Registry::new();
		Metrics::new(Some(&registry)).unwrap();
		assert!(Metrics::new(Some(&registry)).is_err());
	}
}
