//! What Prometheus sees: Triton's names from what the engine counts, and ours from the node's registry.

use aimodel_inference::serving::{Statistics, Timing};
use std::fmt::{self, Write};
use substrate_prometheus_endpoint::{
	prometheus::TextEncoder, register, Counter, CounterVec, Gauge, Opts, PrometheusError, Registry,
	U64,
};

type Figure = fn(&Statistics) -> u64;

fn us(timing: Timing) -> u64 {
	timing.ns / 1000
}

/// Name, help, kind, value.
const TRITON: [(&str, &str, &str, Figure); 14] = [
	("nv_inference_request_success", "Requests that were answered", "counter", |of| {
		of.success.count
	}),
	("nv_inference_request_failure", "Requests that were not answered", "counter", |of| {
		of.fail.count
	}),
	("nv_inference_count", "Rows that were answered", "counter", |of| of.inference_count),
	("nv_inference_exec_count", "Batches that the engine ran", "counter", |of| of.execution_count),
	("nv_inference_pending_request_count", "Requests that wait", "gauge", |of| of.pending),
	(
		"nv_inference_request_duration_us",
		"Microseconds of requests from end to end",
		"counter",
		|of| us(of.success),
	),
	("nv_inference_queue_duration_us", "Microseconds of waiting", "counter", |of| us(of.queue)),
	(
		"nv_inference_compute_input_duration_us",
		"Microseconds of gathering batches",
		"counter",
		|of| us(of.compute_input),
	),
	(
		"nv_inference_compute_infer_duration_us",
		"Microseconds of running batches",
		"counter",
		|of| us(of.compute_infer),
	),
	(
		"nv_inference_compute_output_duration_us",
		"Microseconds of taking batches apart",
		"counter",
		|of| us(of.compute_output),
	),
	("nv_cache_num_hits_per_model", "Answers that were remembered", "counter", |of| {
		of.cache_hit.count
	}),
	(
		"nv_cache_num_misses_per_model",
		"Answers that were looked for and not remembered",
		"counter",
		|of| of.cache_miss.count,
	),
	("nv_cache_hit_duration_per_model", "Microseconds of hits", "counter", |of| us(of.cache_hit)),
	("nv_cache_miss_duration_per_model", "Microseconds of misses", "counter", |of| {
		us(of.cache_miss)
	}),
];

/// Everything as Prometheus reads it.
pub(crate) fn text(all: &[Statistics], registry: Option<&Registry>) -> Result<String, String> {
	let mut text = String::new();
	triton(&mut text, all).map_err(|error| error.to_string())?;
	if let Some(registry) = registry {
		TextEncoder::new()
			.encode_utf8(&registry.gather(), &mut text)
			.map_err(|error| error.to_string())?;
	}
	Ok(text)
}

fn triton(text: &mut String, all: &[Statistics]) -> fmt::Result {
	for (name, help, kind, value) in TRITON {
		writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
		for of in all {
			let (model, version) = (escape(&of.name), escape(&of.version));
			writeln!(text, "{name}{{model=\"{model}\",version=\"{version}\"}} {}", value(of))?;
		}
	}
	Ok(())
}

fn escape(label: &str) -> String {
	label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What the gateway itself counts, or nothing where there is no registry.
#[derive(Clone)]
pub(crate) struct Metrics(Option<Registered>);

#[derive(Clone)]
struct Registered {
	requests: CounterVec<U64>,
	connections: Gauge<U64>,
	refused: CounterVec<U64>,
	slow: Counter<U64>,
	stale: Gauge<U64>,
}

impl Metrics {
	pub(crate) fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		registry.map(Registered::new).transpose().map(Self)
	}

	/// A request was answered.
	pub(crate) fn answered(&self, protocol: &str, status: &str) {
		if let Some(registered) = &self.0 {
			registered.requests.with_label_values(&[protocol, status]).inc();
		}
	}

	/// A connection was not taken.
	pub(crate) fn refused(&self, reason: &str) {
		if let Some(registered) = &self.0 {
			registered.refused.with_label_values(&[reason]).inc();
		}
	}

	/// A connection was closed whose client takes its answers too slowly.
	pub(crate) fn gave_up(&self) {
		log::debug!(target: "gateway", "a client takes its answer too slowly");
		if let Some(registered) = &self.0 {
			registered.slow.inc();
		}
	}

	/// Files are used, or not: they changed to what can not be.
	pub(crate) fn stale(&self, before: bool, now: bool) {
		if let Some(registered) = &self.0 {
			match (before, now) {
				(false, true) => registered.stale.inc(),
				(true, false) => registered.stale.dec(),
				_ => (),
			}
		}
	}

	/// So many connections are open.
	pub(crate) fn connections(&self, open: usize) {
		if let Some(registered) = &self.0 {
			registered.connections.set(open as u64);
		}
	}
}

impl Registered {
	fn new(registry: &Registry) -> Result<Self, PrometheusError> {
		let counters = |name: &str, help: &str, labels: &[&str]| {
			register(CounterVec::new(Opts::new(name, help), labels)?, registry)
		};
		Ok(Self {
			requests: counters(
				"aimodel_gateway_requests_total",
				"Requests that the gateway answered, by protocol and status; each message of a stream is one",
				&["protocol", "status"],
			)?,
			connections: register(
				Gauge::new("aimodel_gateway_connections", "Connections to the gateway")?,
				registry,
			)?,
			refused: counters(
				"aimodel_gateway_connections_refused_total",
				"Connections that the gateway did not take, by reason",
				&["reason"],
			)?,
			slow: register(
				Counter::new(
					"aimodel_gateway_slow_readers_total",
					"Connections that were closed since their clients took answers too slowly",
				)?,
				registry,
			)?,
			stale: register(
				Gauge::new(
					"aimodel_gateway_stale_files",
					"Tokens and certificates whose files changed to what can not be used",
				)?,
				registry,
			)?,
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn each_version_is_told_under_each_name() {
		let of = |version: &str| Statistics {
			name: "a\"b".into(),
			version: version.into(),
			inference_count: 7,
			queue: Timing { count: 2, ns: 5_000 },
			..Statistics::default()
		};
		let text = text(&[of("1"), of("2")], None).unwrap();
		assert!(text.contains("nv_inference_count{model=\"a\\\"b\",version=\"1\"} 7\n"), "{text}");
		assert!(text.contains("nv_inference_queue_duration_us{model=\"a\\\"b\",version=\"2\"} 5\n"));
		assert_eq!(text.lines().count(), TRITON.len() * 4);
	}

	#[test]
	fn ours_follow() {
		let registry = Registry::new();
		let metrics = Metrics::new(Some(&registry)).unwrap();
		metrics.answered("http", "200");
		let text = text(&[], Some(&registry)).unwrap();
		let line = "aimodel_gateway_requests_total{protocol=\"http\",status=\"200\"} 1\n";
		assert!(text.contains(line), "{text}");
	}
}
