//! What Prometheus sees of the exchange.

use substrate_prometheus_endpoint::{
	register, Counter, CounterVec, Gauge, Opts, PrometheusError, Registry, U64,
};

/// How a peer's request was answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
	/// With what it asked for.
	Given,
	/// That there is no such blob.
	Unknown,
	/// That it has to wait.
	Busy,
	/// Not at all.
	Malformed,
}

impl Answer {
	const ALL: [Self; 4] = [Self::Given, Self::Unknown, Self::Busy, Self::Malformed];

	fn label(self) -> &'static str {
		match self {
			Self::Given => "given",
			Self::Unknown => "unknown",
			Self::Busy => "busy",
			Self::Malformed => "malformed",
		}
	}
}

/// The metrics, or nothing where there is no registry.
#[derive(Clone, Default)]
pub struct Metrics(Option<Registered>);

#[derive(Clone)]
struct Registered {
	answers: CounterVec<U64>,
	served: Counter<U64>,
	fetched: Counter<U64>,
	wasted: Counter<U64>,
	fetches: CounterVec<U64>,
	fetching: Gauge<U64>,
	convicted: Counter<U64>,
}

impl Metrics {
	/// Registers them.
	pub fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		registry.map(Registered::new).transpose().map(Self)
	}

	pub(super) fn answered(&self, answer: Answer) {
		self.with(|metrics| metrics.answers.with_label_values(&[answer.label()]).inc());
	}

	/// Bytes of a chunk went to a peer.
	pub(super) fn served(&self, bytes: u64) {
		self.with(|metrics| metrics.served.inc_by(bytes));
	}

	/// A chunk came, and was needed.
	pub(super) fn fetched(&self, bytes: u64) {
		self.with(|metrics| metrics.fetched.inc_by(bytes));
	}

	/// A chunk came that was wrong, or had come from somebody else.
	pub(super) fn wasted(&self, bytes: u64) {
		self.with(|metrics| metrics.wasted.inc_by(bytes));
	}

	/// A fetch ended.
	pub(super) fn ended(&self, stored: bool) {
		let outcome = if stored { "stored" } else { "failed" };
		self.with(|metrics| metrics.fetches.with_label_values(&[outcome]).inc());
	}

	/// How many blobs are being fetched.
	pub(super) fn fetching(&self, blobs: usize) {
		self.with(|metrics| metrics.fetching.set(blobs as u64));
	}

	/// A peer lied.
	pub(super) fn convicted(&self) {
		self.with(|metrics| metrics.convicted.inc());
	}

	fn with(&self, record: impl FnOnce(&Registered)) {
		if let Some(metrics) = &self.0 {
			record(metrics);
		}
	}
}

impl Registered {
	fn new(registry: &Registry) -> Result<Self, PrometheusError> {
		let counter = |name: &str, help: &str| register(Counter::new(name, help)?, registry);
		let counters = |name: &str, help: &str, label: &str, values: &[&str]| {
			let counters = register(CounterVec::new(Opts::new(name, help), &[label])?, registry)?;
			for value in values {
				// A series that begins at zero can be subtracted from.
				counters.with_label_values(&[value]).inc_by(0);
			}
			Ok::<_, PrometheusError>(counters)
		};
		Ok(Self {
			answers: counters(
				"aimodel_exchange_requests_total",
				"Requests for blobs by other nodes, by how they were answered",
				"answer",
				&Answer::ALL.map(Answer::label),
			)?,
			served: counter(
				"aimodel_exchange_served_bytes_total",
				"Bytes of blobs that other nodes got",
			)?,
			fetched: counter(
				"aimodel_exchange_fetched_bytes_total",
				"Bytes of blobs that came from other nodes",
			)?,
			wasted: counter(
				"aimodel_exchange_wasted_bytes_total",
				"Bytes that came from other nodes and were wrong, or came twice",
			)?,
			fetches: counters(
				"aimodel_exchange_fetches_total",
				"Fetches of blobs that ended, by what became of them",
				"outcome",
				&["stored", "failed"],
			)?,
			fetching: register(
				Gauge::new("aimodel_exchange_fetching", "Blobs that are being fetched")?,
				registry,
			)?,
			convicted: counter(
				"aimodel_exchange_convicted_total",
				"Nodes that sent what no honest one sends",
			)?,
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
		metrics.ended(true);
		let families = registry.gather();
		let names: Vec<_> = families.iter().map(|family| family.get_name()).collect();
		assert_eq!(
			names,
			[
				"aimodel_exchange_convicted_total",
				"aimodel_exchange_fetched_bytes_total",
				"aimodel_exchange_fetches_total",
				"aimodel_exchange_fetching",
				"aimodel_exchange_requests_total",
				"aimodel_exchange_served_bytes_total",
				"aimodel_exchange_wasted_bytes_total",
			]
		);
		assert_eq!(families[4].get_metric().len(), 4);
		assert!(Metrics::new(Some(&registry)).is_err(), "a registry takes them once");
	}
}
