//! Spans on their way to the collector.
//!
//! Whoever has a span puts it into a bounded queue, and goes on; a thread of its own, with a runtime of its own, takes
//! them out and sends them. A collector that is down or slow costs spans, which are counted, and nothing else.

use super::{Endpoint, Told, TraceParams, Traces};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{SpanExporter as Otlp, WithExportConfig};
use opentelemetry_sdk::{
	trace::{SpanData, SpanExporter},
	Resource,
};
use std::{
	io,
	sync::Arc,
	thread::{self, JoinHandle},
	time::Duration,
};
use substrate_prometheus_endpoint::{register, CounterVec, Opts, PrometheusError, Registry, U64};
use tokio::{
	sync::{mpsc, watch},
	time::{sleep, sleep_until, timeout, timeout_at, Instant},
};

/// Spans that wait at most: about a kilobyte each.
const QUEUE: usize = 8192;

/// Spans that are sent at once at most.
const BATCH: usize = 512;

/// How long a span waits for others.
const DELAY: Duration = Duration::from_millis(500);

/// How long the collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a batch is sent before it is given up, with 1, 2, 4 and 8 seconds between.
const TRIES: u32 = 5;

/// How long stopping waits for what is left.
const FLUSH: Duration = Duration::from_secs(3);

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
	#[error("traces: {0}")]
	Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
	#[error("traces: metrics: {0}")]
	Metrics(#[from] PrometheusError),
	#[error("traces: no thread: {0}")]
	Thread(#[from] io::Error),
}

/// Who sends the spans.
pub(crate) struct Identity {
	/// What others call the node.
	pub(crate) node: String,
	/// The program's version.
	pub(crate) version: String,
	/// The chain's id.
	pub(crate) chain: String,
}

impl Identity {
	fn resource(self) -> Resource {
		let builder = Resource::builder();
		let builder = match std::env::var_os("OTEL_SERVICE_NAME") {
			Some(_) => builder,
			None => builder.with_service_name("aimodel-node"),
		};
		builder
			.with_attribute(KeyValue::new("service.version", self.version))
			.with_attribute(KeyValue::new("service.instance.id", self.node))
			.with_attribute(KeyValue::new("aimodel.chain", self.chain))
			.build()
	}
}

/// The way in for spans.
#[derive(Clone)]
pub(super) struct Spans {
	queue: mpsc::Sender<SpanData>,
	metrics: Metrics,
}

impl Spans {
	/// What is told, for whoever wants to see it.
	#[cfg(test)]
	pub(super) fn to_see() -> (Self, mpsc::Receiver<SpanData>) {
		let (queue, seen) = mpsc::channel(QUEUE);
		(Self { queue, metrics: Metrics(None) }, seen)
	}

	/// Takes a span, or drops it where too many wait.
	pub(super) fn tell(&self, span: Told) {
		if self.queue.try_send(span.into()).is_err() {
			self.metrics.dropped(1);
		}
	}
}

/// The thread that sends. Dropping it sends what is left, for [`FLUSH`] at most.
pub(crate) struct Exporter {
	spans: Spans,
	/// Until when what is left is sent.
	stop: watch::Sender<Option<Instant>>,
	thread: Option<JoinHandle<()>>,
}

impl Exporter {
	/// Starts the thread, if traces are asked for.
	pub(crate) fn start(
		params: &TraceParams,
		identity: Identity,
		registry: Option<&Registry>,
	) -> Result<Option<Self>, Error> {
		let Some(endpoint) = &params.otlp_endpoint else { return Ok(None) };
		let metrics = Metrics::new(registry)?;
		let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
		let otlp = {
			let _entered = runtime.enter();
			connect(endpoint, PATIENCE, identity)?
		};
		let (queue, waiting) = mpsc::channel(QUEUE);
		let (stop, stopped) = watch::channel(None);
		let sender = Sender {
			otlp,
			endpoint: endpoint.clone(),
			metrics: metrics.clone(),
			stopped,
			down: false,
		};
		let thread = thread::Builder::new().name("aimodel-traces".into()).spawn(move || {
			runtime.block_on(sender.run(waiting));
			// Looking up a name may take longer than anybody waits.
			runtime.shutdown_background();
		})?;
		log::info!("🛰 Traces go to {endpoint}");
		Ok(Some(Self { spans: Spans { queue, metrics }, stop, thread: Some(thread) }))
	}

	/// The way in, for what is to be told.
	pub(crate) fn traces(&self, params: &TraceParams) -> Traces {
		let TraceParams { otlp_requests, otlp_sample, .. } = *params;
		Traces { spans: self.spans.clone(), requests: otlp_requests, sample: otlp_sample }
	}
}

impl Drop for Exporter {
	fn drop(&mut self) {
		self.stop.send_replace(Some(Instant::now() + FLUSH));
		if let Some(thread) = self.thread.take() {
			// It ends within `FLUSH`; it can have panicked, and then there is nothing to wait for.
			let _ = thread.join();
		}
	}
}

fn connect(
	endpoint: &Endpoint,
	patience: Duration,
	identity: Identity,
) -> Result<Otlp, opentelemetry_otlp::ExporterBuildError> {
	let mut otlp = Otlp::builder()
		.with_tonic()
		.with_endpoint(endpoint.to_string())
		.with_timeout(patience)
		.build()?;
	otlp.set_resource(&identity.resource());
	Ok(otlp)
}

/// Whether a collector answers.
pub(crate) fn probe(endpoint: &Endpoint, patience: Duration) -> Result<(), String> {
	let runtime = tokio::runtime::Builder::new_current_thread()
		.enable_all()
		.build()
		.map_err(|error| error.to_string())?;
	let identity = Identity { node: "doctor".into(), version: String::new(), chain: String::new() };
	let answered = runtime.block_on(async {
		let otlp = connect(endpoint, patience, identity).map_err(|error| error.to_string())?;
		match timeout(patience, otlp.export(Vec::new())).await {
			Ok(answered) => answered.map_err(|error| error.to_string()),
			Err(_) => Err(format!("it did not answer within {patience:?}")),
		}
	});
	runtime.shutdown_background();
	answered
}

/// What the thread has.
struct Sender {
	otlp: Otlp,
	endpoint: Endpoint,
	metrics: Metrics,
	stopped: watch::Receiver<Option<Instant>>,
	/// Whether the collector did not answer last.
	down: bool,
}

impl Sender {
	async fn run(mut self, mut waiting: mpsc::Receiver<SpanData>) {
		let mut batch = Vec::new();
		while self.gather(&mut waiting, &mut batch).await {
			self.send(std::mem::take(&mut batch)).await;
		}
		waiting.close();
		while waiting.recv_many(&mut batch, BATCH).await > 0 {
			let spans = batch.len();
			if !self.try_send(std::mem::take(&mut batch)).await {
				self.metrics.dropped(spans);
			}
		}
	}

	/// Waits for spans, and a little for more; says no when the node stops.
	async fn gather(
		&mut self,
		waiting: &mut mpsc::Receiver<SpanData>,
		batch: &mut Vec<SpanData>,
	) -> bool {
		let mut until = None;
		while batch.len() < BATCH {
			let room = BATCH - batch.len();
			let more = async {
				match until {
					None => Some(waiting.recv_many(batch, room).await),
					Some(until) => timeout_at(until, waiting.recv_many(batch, room)).await.ok(),
				}
			};
			let more = tokio::select! {
				biased;
				_ = self.stopped.wait_for(Option::is_some) => None,
				more = more => more,
			};
			match more {
				Some(0) | None => break,
				Some(_) => until = until.or_else(|| Some(Instant::now() + DELAY)),
			}
		}
		!batch.is_empty()
	}

	/// Sends a batch, several times if it has to be.
	async fn send(&mut self, batch: Vec<SpanData>) {
		let spans = batch.len();
		let mut pause = Duration::from_secs(1);
		for tries in 1..=TRIES {
			if self.try_send(batch.clone()).await {
				return;
			}
			if tries == TRIES || self.stopped.borrow().is_some() {
				break;
			}
			tokio::select! {
				() = sleep(pause) => (),
				// Once more, and no more.
				_ = self.stopped.wait_for(Option::is_some) => (),
			}
			pause = pause.saturating_mul(2);
		}
		self.metrics.dropped(spans);
	}

	/// Sends a batch. Says once when the collector stops to answer, and once when it does again.
	async fn try_send(&mut self, batch: Vec<SpanData>) -> bool {
		let spans = batch.len();
		let mut stopped = self.stopped.clone();
		let stopping = async move {
			// An error means that who would stop us is gone.
			let end = stopped.wait_for(Option::is_some).await.ok().and_then(|end| *end);
			sleep_until(end.unwrap_or_else(Instant::now)).await;
		};
		let sent = tokio::select! {
			sent = timeout(PATIENCE, self.otlp.export(batch)) => sent,
			() = stopping => return false,
		};
		let failed = match sent {
			Ok(Ok(())) => None,
			Ok(Err(error)) => Some(error.to_string()),
			Err(_) => Some(format!("no answer within {PATIENCE:?}")),
		};
		match failed {
			None => {
				self.metrics.exported(spans);
				if std::mem::take(&mut self.down) {
					log::info!(target: "traces", "traces reach {} again", self.endpoint);
				}
				true
			},
			Some(error) => {
				if !std::mem::replace(&mut self.down, true) {
					log::warn!(
						target: "traces",
						"traces do not reach {}: {error}; they wait, and what is too much is dropped",
						self.endpoint,
					);
				}
				false
			},
		}
	}
}

/// What became of spans.
#[derive(Clone)]
struct Metrics(Option<Arc<CounterVec<U64>>>);

impl Metrics {
	fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		let Some(registry) = registry else { return Ok(Self(None)) };
		let spans = CounterVec::new(
			Opts::new(
				"aimodel_trace_spans_total",
				"Spans by what became of them: the collector took them, or nobody did",
			),
			&["outcome"],
		)?;
		let spans = register(spans, registry)?;
		for outcome in ["exported", "dropped"] {
			// A series that begins at zero can be subtracted from.
			spans.with_label_values(&[outcome]).inc_by(0);
		}
		Ok(Self(Some(Arc::new(spans))))
	}

	fn exported(&self, spans: usize) {
		self.count("exported", spans);
	}

	fn dropped(&self, spans: usize) {
		self.count("dropped", spans);
	}

	fn count(&self, outcome: &str, spans: usize) {
		if let Some(counter) = &self.0 {
			counter.with_label_values(&[outcome]).inc_by(spans as u64);
		}
	}
}

#[cfg(test)]
mod tests;
