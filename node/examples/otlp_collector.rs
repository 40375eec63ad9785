//! A collector of traces for tests: prints where it listens, and then each span as a line of JSON.
//!
//! `otlp_collector [ADDRESS]`

use opentelemetry_proto::tonic::{
	collector::trace::v1::{
		trace_service_server::{TraceService, TraceServiceServer},
		ExportTraceServiceRequest, ExportTraceServiceResponse,
	},
	common::v1::{any_value::Value as Any, KeyValue},
	trace::v1::Span,
};
use serde_json::{json, Map, Value};
use std::{
	error::Error,
	io::{self, Write},
	pin::Pin,
	task::{Context, Poll},
};
use tokio::net::{TcpListener, TcpStream};
use tonic::{codegen::tokio_stream::Stream, Request, Response, Status};

struct Print;

#[tonic::async_trait]
impl TraceService for Print {
	async fn export(
		&self,
		request: Request<ExportTraceServiceRequest>,
	) -> Result<Response<ExportTraceServiceResponse>, Status> {
		let mut out = io::stdout().lock();
		for of in request.into_inner().resource_spans {
			let resource = attributes(&of.resource.unwrap_or_default().attributes);
			for span in of.scope_spans.iter().flat_map(|scope| &scope.spans) {
				let told = tell(span, &resource);
				writeln!(out, "{told}").map_err(|error| Status::internal(error.to_string()))?;
			}
		}
		out.flush().map_err(|error| Status::internal(error.to_string()))?;
		Ok(Response::new(ExportTraceServiceResponse::default()))
	}
}

fn tell(span: &Span, resource: &Value) -> Value {
	let events: Vec<_> = span
		.events
		.iter()
		.map(|it| json!({ "name": it.name, "attributes": attributes(&it.attributes) }))
		.collect();
	let links: Vec<_> = span.links.iter().map(|it| hex::encode(&it.trace_id)).collect();
	json!({
		"trace": hex::encode(&span.trace_id),
		"span": hex::encode(&span.span_id),
		"parent": hex::encode(&span.parent_span_id),
		"state": span.trace_state,
		"name": span.name,
		"kind": span.kind().as_str_name(),
		// Nanoseconds do not fit a number of JavaScript.
		"start": span.start_time_unix_nano.to_string(),
		"end": span.end_time_unix_nano.to_string(),
		"status": span.status.as_ref().map(|status| status.code().as_str_name()),
		"attributes": attributes(&span.attributes),
		"events": events,
		"links": links,
		"resource": resource,
	})
}

fn attributes(all: &[KeyValue]) -> Value {
	let value = |it: &KeyValue| match it.value.as_ref().and_then(|value| value.value.as_ref()) {
		Some(Any::StringValue(text)) => json!(text),
		Some(Any::BoolValue(truth)) => json!(truth),
		Some(Any::IntValue(number)) => json!(number),
		Some(Any::DoubleValue(number)) => json!(number),
		other => json!(format!("{other:?}")),
	};
	all.iter().map(|it| (it.key.clone(), value(it))).collect::<Map<_, _>>().into()
}

struct Incoming(TcpListener);

impl Stream for Incoming {
	type Item = io::Result<TcpStream>;

	fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
		self.0.poll_accept(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
	}
}

fn main() -> Result<(), Box<dyn Error>> {
	let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
	let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
	runtime.block_on(async {
		let listener = TcpListener::bind(&address).await?;
		println!("http://{}", listener.local_addr()?);
		io::stdout().flush()?;
		let server =
			tonic::transport::Server::builder().add_service(TraceServiceServer::new(Print));
		Ok(server.serve_with_incoming(Incoming(listener)).await?)
	})
}
