//! What this node's gateway is asked.

use super::{ids, ids::RequestIds, number, Spans, Told};
use aimodel_gateway::trace::{End, Parent, Protocol, Run, Traced, Tracer};
use aimodel_runtime::Hash;
use opentelemetry::trace::{
	Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::trace::SpanLinks;

/// Tells of calls: each is a trace of its own, or goes on with the caller's.
pub(crate) struct Calls {
	genesis: Hash,
	/// Of the numbers of 64 bits, those below are traced.
	below: u64,
	spans: Spans,
}

impl Calls {
	/// Of a share of those that bring no trace.
	pub(crate) fn new(genesis: Hash, share: f64, spans: Spans) -> Self {
		// The conversion saturates.
		Self { genesis, below: (share * u64::MAX as f64) as u64, spans }
	}
}

impl Tracer for Calls {
	fn follows(&self, parent: Option<&Parent>) -> bool {
		match (parent, self.below) {
			(Some(parent), _) => parent.sampled,
			(None, 0) => false,
			(None, u64::MAX) => true,
			(None, below) => u64::from_be_bytes(ids::span().to_bytes()) < below,
		}
	}

	fn ended(&self, call: Traced) {
		let Traced { parent, protocol, began, took, model, version, id, request, runs, end } = call;
		let (trace, above, state) = match parent {
			None => (ids::trace(), SpanId::INVALID, TraceState::NONE),
			Some(parent) => (
				TraceId::from_bytes(parent.trace),
				SpanId::from_bytes(parent.span),
				// One that can not be read is left out.
				parent.state.and_then(|state| state.parse().ok()).unwrap_or(TraceState::NONE),
			),
		};
		let span = ids::span();
		for run in &runs {
			self.run((trace, span), run, &state);
		}
		let ended = began.checked_add(took).unwrap_or(began);
		let told = match protocol {
			Protocol::Http => {
				Told::new((trace, above), span, "POST /v2/models/{model}/infer", began, ended)
					.with("http.request.method", "POST")
					.with("http.route", "/v2/models/{model}/infer")
			},
			Protocol::Grpc => Told::new(
				(trace, above),
				span,
				"inference.GRPCInferenceService/ModelInfer",
				began,
				ended,
			)
			.with("rpc.system", "grpc")
			.with("rpc.service", "inference.GRPCInferenceService")
			.with("rpc.method", "ModelInfer"),
		};
		let mut told = told.kind(SpanKind::Server).with("aimodel.model", model);
		if let Some(version) = version {
			told = told.with("aimodel.version", version);
		}
		if let Some(id) = id {
			told = told.with("aimodel.gateway.id", id);
		}
		if !runs.is_empty() {
			told = told.with(
				"aimodel.rows",
				number(runs.iter().map(|it| u64::from(it.rows)).sum::<u64>()),
			);
		}
		if let Some(request) = request {
			let of = RequestIds::new(&self.genesis, request);
			let sampled = TraceFlags::SAMPLED;
			let context = SpanContext::new(of.trace, of.root, sampled, true, TraceState::NONE);
			let mut links = SpanLinks::default();
			links.links.push(Link::new(context, Vec::new(), 0));
			told = Told { links, ..told.with("aimodel.request.id", number(request)) };
		}
		let told = match (end, protocol) {
			(End::Answered, Protocol::Http) => told.with("http.response.status_code", 200i64),
			(End::Answered, Protocol::Grpc) => told.with("rpc.grpc.status_code", 0i64),
			(End::Refused { status, code, error }, protocol) => {
				let told = match protocol {
					Protocol::Http => told.with("http.response.status_code", i64::from(status)),
					Protocol::Grpc => told.with("rpc.grpc.status_code", i64::from(code)),
				};
				// What the client did wrong is no failure of the server.
				match status {
					500.. => {
						told.with("error.type", status.to_string()).status(Status::error(error))
					},
					_ => told.with("aimodel.refused", error),
				}
			},
			(End::Left, _) => told.with("error.type", "client left"),
		};
		self.spans.tell(Told { state, ..told });
	}
}

impl Calls {
	/// The stages of a batch that rows of a call were in.
	fn run(&self, of: (TraceId, SpanId), run: &Run, state: &TraceState) {
		let Run { ended, queued, computed, rows, batch, cached } = *run;
		let taken = ended.checked_sub(computed).unwrap_or(ended);
		let put = taken.checked_sub(queued).unwrap_or(taken);
		let queue = Told::new(of, ids::span(), "queue", put, taken);
		let infer = Told::new(of, ids::span(), "infer", taken, ended)
			.with("aimodel.rows", i64::from(rows))
			.with("aimodel.batch", i64::from(batch))
			.with("aimodel.cached", cached);
		for told in [queue, infer] {
			self.spans.tell(Told { state: state.clone(), ..told });
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use opentelemetry::{Key, Value};
	use opentelemetry_sdk::trace::SpanData;
	use std::time::{Duration, SystemTime};

	const MS: Duration = Duration::from_millis(1);

	fn call() -> Traced {
		let began = SystemTime::UNIX_EPOCH + 1000 * MS;
		let run = Run {
			ended: began + 9 * MS,
			queued: 2 * MS,
			computed: 3 * MS,
			rows: 4,
			batch: 8,
			cached: false,
		};
		Traced {
			parent: None,
			protocol: Protocol::Http,
			began,
			took: 10 * MS,
			model: "digits".into(),
			version: Some("1.0.0".into()),
			id: Some("mine".into()),
			request: None,
			runs: vec![run],
			end: End::Answered,
		}
	}

	fn tell(call: Traced) -> Vec<SpanData> {
		let (spans, mut seen) = Spans::to_see();
		Calls::new(Hash::zero(), 1.0, spans).ended(call);
		std::iter::from_fn(|| seen.try_recv().ok()).collect()
	}

	fn value<'a>(of: &'a SpanData, name: &'static str) -> Option<&'a Value> {
		let found = of.attributes.iter().find(|it| it.key == Key::from_static_str(name));
		found.map(|it| &it.value)
	}

	#[test]
	fn a_call_without_a_trace_has_one_of_its_own_with_its_stages() {
		let told = tell(call());
		let [queue, infer, served] = &told[..] else { panic!("{told:?}") };
		assert_eq!((&*queue.name, &*infer.name), ("queue", "infer"));
		assert_eq!(served.parent_span_id, SpanId::INVALID);
		for stage in [queue, infer] {
			assert_eq!(stage.span_context.trace_id(), served.span_context.trace_id());
			assert_eq!(stage.parent_span_id, served.span_context.span_id());
		}
		let at = |ms: u32| served.start_time + ms * MS;
		assert_eq!((queue.start_time, queue.end_time), (at(4), at(6)));
		assert_eq!((infer.start_time, infer.end_time), (at(6), at(9)));
		assert_eq!(served.end_time, at(10));
		assert_eq!(value(infer, "aimodel.batch"), Some(&Value::I64(8)));
		assert_eq!(value(served, "aimodel.gateway.id"), Some(&Value::from("mine")));
		assert_ne!(tell(call())[2].span_context.trace_id(), served.span_context.trace_id());
	}

	#[test]
	fn what_the_server_can_not_do_is_an_error_and_what_the_client_does_wrong_is_none() {
		let refused = |status, code| End::Refused { status, code, error: "no".into() };
		let served = |end| tell(Traced { end, ..call() }).pop().unwrap();
		let failed = served(refused(503, 14));
		assert_eq!(failed.status, Status::error("no"));
		assert_eq!(value(&failed, "http.response.status_code"), Some(&Value::I64(503)));
		let wrong = served(refused(400, 3));
		assert_eq!(wrong.status, Status::Unset);
		assert_eq!(value(&wrong, "aimodel.refused"), Some(&Value::from("no")));
		assert_eq!(value(&served(End::Left), "error.type"), Some(&Value::from("client left")));
		let grpc = Traced { protocol: Protocol::Grpc, end: refused(400, 3), ..call() };
		let grpc = tell(grpc).pop().unwrap();
		assert_eq!(value(&grpc, "rpc.grpc.status_code"), Some(&Value::I64(3)));
	}

	#[test]
	fn a_call_for_a_proof_has_a_link_to_the_trace_of_the_request() {
		let told = tell(Traced { request: Some(7), ..call() });
		let [link] = &told[2].links.links[..] else { panic!("{told:?}") };
		let ids = RequestIds::new(&Hash::zero(), 7);
		assert_eq!(link.span_context.trace_id(), ids.trace);
		assert_eq!(link.span_context.span_id(), ids.root);
	}

	#[test]
	fn the_caller_decides_about_its_traces_and_the_operator_about_the_others() {
		let follows = |share, parent: Option<&Parent>| {
			Calls::new(Hash::zero(), share, Spans::to_see().0).follows(parent)
		};
		let of = |sampled| Parent { trace: [1; 16], span: [1; 8], sampled, state: None };
		assert!(follows(0.0, Some(&of(true))));
		assert!(!follows(1.0, Some(&of(false))));
		assert!((0..100).all(|_| follows(1.0, None)));
		assert!((0..100).all(|_| !follows(0.0, None)));
		let half = (0..1000).filter(|_| follows(0.5, None)).count();
		assert!((300..700).contains(&half), "{half}");
	}
}
