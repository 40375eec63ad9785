//! Traces: what became of a request, and of a call at the gateway, for a collector of OpenTelemetry.
//!
//! - [`export`] sends spans, from a thread of its own: nothing else waits for the collector.
//! - [`chain`] follows requests from the extrinsic to the settlement, by the events of final blocks.
//! - [`jobs`] tells what this node's worker does for them, [`calls`] what its gateway is asked.
//! - [`ids`] gives a request of the chain the same trace on all nodes.
//!
//! Off unless an endpoint is given; then none of this exists.

mod calls;
mod chain;
mod export;
mod ids;
mod jobs;

pub(crate) use export::{probe, Exporter, Identity};

use crate::{
	service::{FullClient, TransactionPool},
	worker::Worker,
};
use aimodel_gateway::Tracer;
use aimodel_runtime::Hash;
use calls::Calls;
use export::Spans;
use jobs::Jobs;
use opentelemetry::{
	trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
	InstrumentationScope, KeyValue, Value,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use sc_service::TaskManager;
use sp_blockchain::HeaderBackend;
use std::{
	borrow::Cow,
	fmt,
	str::FromStr,
	sync::{Arc, LazyLock},
	time::SystemTime,
};
use url::Url;

/// Where traces go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TraceParams {
	/// Send traces of requests and of calls at the gateway to a collector, over OTLP by gRPC: `http://127.0.0.1:4317`
	/// [default: none are made].
	///
	/// Headers and attributes of the node can be given by OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME and
	/// OTEL_RESOURCE_ATTRIBUTES.
	#[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
	pub(crate) otlp_endpoint: Option<Endpoint>,

	/// What is told of requests of the chain: `all`: what the chain does with each of them, and this node's jobs. `own`:
	/// this node's jobs alone. Of the nodes that share a collector, one says `all`.
	#[arg(long, value_name = "WHICH", value_enum, default_value_t = Requests::All)]
	pub(crate) otlp_requests: Requests,

	/// The share of the gateway's calls that are traced, of those that bring no `traceparent`: 0 to 1. The caller
	/// decides about the others.
	#[arg(long, value_name = "SHARE", value_parser = share, default_value = "1")]
	pub(crate) otlp_sample: f64,
}

/// What is told of requests of the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Requests {
	/// What the chain does with each, and this node's jobs.
	All,
	/// This node's jobs.
	Own,
}

/// A collector's address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Endpoint(String);

/// Why there can be no collector there.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum EndpointError {
	#[error("no URL: {0}; wanted is one like http://127.0.0.1:4317")]
	Url(#[from] url::ParseError),
	#[error("`{0}` is not spoken, http is: to reach a collector over TLS, let one on this machine pass the traces on")]
	Scheme(String),
	#[error("a collector has no path for gRPC, wanted is one like http://127.0.0.1:4317")]
	Path,
}

impl FromStr for Endpoint {
	type Err = EndpointError;

	fn from_str(text: &str) -> Result<Self, EndpointError> {
		let url = Url::parse(text)?;
		match url.scheme() {
			"http" if !matches!(url.path(), "" | "/") || url.query().is_some() => {
				Err(EndpointError::Path)
			},
			"http" => Ok(Self(url.as_str().trim_end_matches('/').into())),
			other => Err(EndpointError::Scheme(other.into())),
		}
	}
}

impl fmt::Display for Endpoint {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(&self.0)
	}
}

fn share(text: &str) -> Result<f64, String> {
	match text.parse() {
		Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
		_ => Err("wanted is a number from 0 to 1".into()),
	}
}

/// What the parts of a node need to tell what they do.
#[derive(Clone)]
pub(crate) struct Traces {
	spans: Spans,
	requests: Requests,
	sample: f64,
}

impl Traces {
	/// Follows the chain, if that is asked for, and the jobs of the worker, if there is one.
	pub(crate) fn start(
		&self,
		task_manager: &TaskManager,
		client: Arc<FullClient>,
		pool: Arc<TransactionPool>,
		worker: Option<&Worker>,
	) {
		if let Some(worker) = worker {
			worker.observe(Arc::new(Jobs::new(client.info().genesis_hash, self.spans.clone())));
		}
		if self.requests == Requests::All {
			let follow = chain::follow(client, pool, self.spans.clone());
			// On a thread of its own: what it notes is when it is woken, and it reads blocks.
			task_manager.spawn_handle().spawn_blocking("request-traces", None, follow);
		}
	}

	/// Who follows calls at the gateway.
	pub(crate) fn of_calls(&self, genesis: Hash) -> Arc<dyn Tracer> {
		Arc::new(Calls::new(genesis, self.sample, self.spans.clone()))
	}
}

/// Who makes the spans.
static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
	InstrumentationScope::builder("aimodel-node").with_version(env!("CARGO_PKG_VERSION")).build()
});

/// A span that is over.
struct Told {
	trace: TraceId,
	id: SpanId,
	/// [`SpanId::INVALID`] for none.
	parent: SpanId,
	state: TraceState,
	kind: SpanKind,
	name: Cow<'static, str>,
	began: SystemTime,
	ended: SystemTime,
	attributes: Vec<KeyValue>,
	events: SpanEvents,
	links: SpanLinks,
	status: Status,
}

impl Told {
	fn new(
		(trace, parent): (TraceId, SpanId),
		id: SpanId,
		name: impl Into<Cow<'static, str>>,
		began: SystemTime,
		ended: SystemTime,
	) -> Self {
		Self {
			trace,
			id,
			parent,
			state: TraceState::NONE,
			kind: SpanKind::Internal,
			name: name.into(),
			// Clocks are set, and blocks can be seen before their transactions.
			began: began.min(ended),
			ended,
			attributes: Vec::new(),
			events: SpanEvents::default(),
			links: SpanLinks::default(),
			status: Status::Unset,
		}
	}

	fn kind(self, kind: SpanKind) -> Self {
		Self { kind, ..self }
	}

	fn status(self, status: Status) -> Self {
		Self { status, ..self }
	}

	fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
		self.attributes.push(KeyValue::new(name, value));
		self
	}

	fn with_all(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
		self.attributes.extend(attributes);
		self
	}
}

impl From<Told> for SpanData {
	fn from(told: Told) -> Self {
		Self {
			span_context: SpanContext::new(
				told.trace,
				told.id,
				TraceFlags::SAMPLED,
				false,
				told.state,
			),
			parent_span_id: told.parent,
			span_kind: told.kind,
			name: told.name,
			start_time: told.began,
			end_time: told.ended,
			attributes: told.attributes,
			dropped_attributes_count: 0,
			events: told.events,
			links: told.links,
			status: told.status,
			instrumentation_scope: SCOPE.clone(),
		}
	}
}

/// A number as OpenTelemetry has it.
fn number(number: impl TryInto<i64>) -> i64 {
	number.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_endpoint_is_where_grpc_is_spoken() {
		let parse = |text: &str| text.parse::<Endpoint>();
		for good in ["http://127.0.0.1:4317", "http://collector:4317/", "http://[::1]:4317"] {
			assert_eq!(parse(good).unwrap().to_string(), good.trim_end_matches('/'));
		}
		assert!(matches!(parse("127.0.0.1:4317"), Err(EndpointError::Url(_))));
		assert_eq!(parse("https://a:4317"), Err(EndpointError::Scheme("https".into())));
		assert_eq!(parse("http://a:4318/v1/traces"), Err(EndpointError::Path));
	}

	#[test]
	fn a_share_is_from_0_to_1() {
		assert_eq!((share("0"), share("0.01"), share("1")), (Ok(0.0), Ok(0.01), Ok(1.0)));
		for wrong in ["", "-0.1", "1.1", "NaN", "all"] {
			assert!(share(wrong).is_err(), "{wrong}");
		}
	}
}
