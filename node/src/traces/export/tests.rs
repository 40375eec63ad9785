//! With a real collector, over gRPC.

use super::*;
use crate::traces::{ids, Requests};
use opentelemetry_proto::tonic::{
	collector::trace::v1::{
		trace_service_server::{TraceService, TraceServiceServer},
		ExportTraceServiceRequest, ExportTraceServiceResponse,
	},
	trace::v1::ResourceSpans,
};
use std::{
	net::{SocketAddr, TcpListener as Std},
	sync::mpsc as channel,
	time::SystemTime,
};
use tokio::net::{TcpListener, TcpStream};
use tonic::{codegen::tokio_stream::Stream, Request, Response, Status};

/// Hands on what it takes; takes nothing while it hangs.
struct Collector {
	taken: channel::Sender<ResourceSpans>,
	hangs: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl TraceService for Collector {
	async fn export(
		&self,
		request: Request<ExportTraceServiceRequest>,
	) -> Result<Response<ExportTraceServiceResponse>, Status> {
		let _ = self.hangs.clone().wait_for(|hangs| !hangs).await;
		for spans in request.into_inner().resource_spans {
			let _ = self.taken.send(spans);
		}
		Ok(Response::new(ExportTraceServiceResponse::default()))
	}
}

struct World {
	_runtime: tokio::runtime::Runtime,
	address: SocketAddr,
	taken: channel::Receiver<ResourceSpans>,
	hangs: watch::Sender<bool>,
}

fn collector(listener: Std) -> World {
	let runtime =
		tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
	let (take, taken) = channel::channel();
	let (hangs, hanging) = watch::channel(false);
	let address = listener.local_addr().unwrap();
	listener.set_nonblocking(true).unwrap();
	let service = TraceServiceServer::new(Collector { taken: take, hangs: hanging });
	runtime.spawn(async move {
		let listener = TcpListener::from_std(listener).unwrap();
		tonic::transport::Server::builder()
			.add_service(service)
			.serve_with_incoming(Incoming(listener))
			.await
			.unwrap();
	});
	World { _runtime: runtime, address, taken, hangs }
}

struct Incoming(TcpListener);

impl Stream for Incoming {
	type Item = io::Result<TcpStream>;

	fn poll_next(
		self: std::pin::Pin<&mut Self>,
		cx: &mut std::task::Context<'_>,
	) -> std::task::Poll<Option<Self::Item>> {
		self.0.poll_accept(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
	}
}

fn exporter(address: SocketAddr, registry: &Registry) -> Exporter {
	let params = TraceParams {
		otlp_endpoint: Some(format!("http://{address}").parse().unwrap()),
		otlp_requests: Requests::All,
		otlp_sample: 1.0,
	};
	let identity = Identity { node: "Alice".into(), version: "1".into(), chain: "dev".into() };
	Exporter::start(&params, identity, Some(registry)).unwrap().unwrap()
}

fn span(name: &'static str) -> Told {
	let now = SystemTime::now();
	Told::new((ids::trace(), ids::span()), ids::span(), name, now, now)
}

fn count(registry: &Registry, outcome: &str) -> u64 {
	let families = registry.gather();
	let of = families.iter().find(|it| it.get_name() == "aimodel_trace_spans_total").unwrap();
	let metric = of.get_metric().iter().find(|it| it.get_label()[0].get_value() == outcome);
	metric.unwrap().get_counter().get_value() as u64
}

fn names(of: &ResourceSpans) -> Vec<&str> {
	of.scope_spans.iter().flat_map(|it| &it.spans).map(|span| span.name.as_str()).collect()
}

#[test]
fn spans_reach_the_collector_and_say_whose_they_are() {
	let world = collector(Std::bind("127.0.0.1:0").unwrap());
	let registry = Registry::new();
	let exporter = exporter(world.address, &registry);
	exporter.spans.tell(span("one"));
	exporter.spans.tell(span("two"));
	let mut all = Vec::new();
	while all.len() < 2 {
		let taken = world.taken.recv().unwrap();
		all.extend(names(&taken).into_iter().map(str::to_owned));
		let resource = taken.resource.unwrap();
		let keys: Vec<_> = resource.attributes.iter().map(|it| it.key.as_str()).collect();
		for key in ["service.name", "service.instance.id", "aimodel.chain"] {
			assert!(keys.contains(&key), "{keys:?}");
		}
	}
	assert_eq!(all, ["one", "two"]);
	drop(exporter);
	assert_eq!((count(&registry, "exported"), count(&registry, "dropped")), (2, 0));
}

#[test]
fn what_is_left_is_sent_when_the_node_stops() {
	let world = collector(Std::bind("127.0.0.1:0").unwrap());
	let registry = Registry::new();
	let exporter = exporter(world.address, &registry);
	for _ in 0..2 * BATCH {
		exporter.spans.tell(span("many"));
	}
	drop(exporter);
	let sent: usize = world.taken.try_iter().map(|taken| names(&taken).len()).sum();
	assert_eq!(sent, 2 * BATCH);
	assert_eq!(count(&registry, "exported"), sent as u64);
}

#[test]
fn a_collector_that_comes_later_gets_what_waits() {
	let listener = Std::bind("127.0.0.1:0").unwrap();
	let address = listener.local_addr().unwrap();
	drop(listener);
	let registry = Registry::new();
	let exporter = exporter(address, &registry);
	exporter.spans.tell(span("early"));
	assert!(probe(&format!("http://{address}").parse().unwrap(), PATIENCE).is_err());
	let world = collector(Std::bind(address).unwrap());
	assert_eq!(names(&world.taken.recv().unwrap()), ["early"]);
	assert_eq!(probe(&format!("http://{address}").parse().unwrap(), PATIENCE), Ok(()));
	drop(exporter);
	assert_eq!((count(&registry, "exported"), count(&registry, "dropped")), (1, 0));
}

#[test]
fn a_collector_that_hangs_costs_spans_and_nothing_else() {
	let world = collector(Std::bind("127.0.0.1:0").unwrap());
	world.hangs.send_replace(true);
	let registry = Registry::new();
	let exporter = exporter(world.address, &registry);
	let all = QUEUE + 2 * BATCH;
	for _ in 0..all {
		exporter.spans.tell(span("too many"));
	}
	assert!(count(&registry, "dropped") >= (BATCH as u64), "no more than the queue waits");
	// Within the time that a flush has, though nobody answers.
	drop(exporter);
	assert_eq!((count(&registry, "exported"), count(&registry, "dropped")), (0, all as u64));
}

#[test]
fn without_an_endpoint_nothing_is_made() {
	let params =
		TraceParams { otlp_endpoint: None, otlp_requests: Requests::All, otlp_sample: 1.0 };
	let identity = Identity { node: String::new(), version: String::new(), chain: String::new() };
	let registry = Registry::new();
	assert!(Exporter::start(&params, identity, Some(&registry)).unwrap().is_none());
	assert!(registry.gather().is_empty());
}
