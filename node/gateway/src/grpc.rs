//! The protocol over gRPC.

mod answer;
mod request;
mod stream;

use crate::{
	access::{Action, Call},
	body::{self, receive, Received},
	call::Gate,
	error::Error,
	metrics::Metrics,
	places::{Caller, Place},
	proto::{
		self, describe,
		grpc_inference_service_server::{GrpcInferenceService, GrpcInferenceServiceServer},
	},
	trace::{self, Protocol, Span},
};
use aimodel_inference::serving::{self, TensorMetadata};
use answer::response;
use http::{request::Parts, HeaderMap, Method, Uri};
use http_body_util::{BodyExt, Collected, Full};
use hyper::{body::Incoming, Request as HttpRequest, Response as HttpResponse};
use parking_lot::Mutex;
use prost::encoding::{decode_key, skip_field, DecodeContext};
use request::asked;
use std::{sync::Arc, time::Duration};
use tonic::{body::Body, Request, Response, Status};
use tower::Service as _;

/// The most fields of a message: each tensor, given or asked for, is one, and each parameter. An empty tensor takes two
/// bytes of a message, and hundreds of memory.
const MAX_FIELDS: usize = 1024;

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The path of the service.
const SERVICE: &str = "/inference.GRPCInferenceService/";

/// The calls that are answered.
const CALLS: [&str; 12] = [
	"ServerLive",
	"ServerReady",
	"ModelReady",
	"ServerMetadata",
	"ModelMetadata",
	"ModelInfer",
	"ModelStreamInfer",
	"ModelConfig",
	"ModelStatistics",
	"RepositoryIndex",
	"RepositoryModelLoad",
	"RepositoryModelUnload",
];

/// Answers requests.
#[derive(Clone)]
pub(crate) struct Grpc {
	gate: Arc<Gate>,
	metrics: Metrics,
	service: GrpcInferenceServiceServer<Service>,
}

/// A request as it came, for signatures over it.
#[derive(Clone)]
struct Raw {
	path: Arc<str>,
	received: Arc<Received>,
	/// Of an inference that is followed.
	span: Option<Arc<Mutex<Span>>>,
}

impl Raw {
	fn new(path: Arc<str>, received: Received, span: Span) -> Self {
		let span = span.is_open().then(|| Arc::new(Mutex::new(span)));
		Self { path, received: Arc::new(received), span }
	}
}

/// Reads the little that is left of a refused message: not every client takes an answer before all is sent.
async fn discard(body: &mut Incoming) {
	const MOST: u64 = 1 << 20;
	const PATIENCE: Duration = Duration::from_secs(1);
	let all = async {
		let mut discarded = 0;
		while let Some(Ok(frame)) = body.frame().await {
			discarded += frame.data_ref().map_or(0, |data| data.len() as u64);
			if discarded > MOST {
				break;
			}
		}
	};
	// What is not read in time is reset.
	let _ = tokio::time::timeout(PATIENCE, all).await;
}

/// Whether a body is one message, and of no more fields than are read. What is no message at all is told by who reads it.
fn check(body: &[u8]) -> Result<(), Error> {
	let Some((prefix, mut message)) = body.split_first_chunk::<PREFIX>() else { return Ok(()) };
	let [_, length @ ..] = *prefix;
	if u32::from_be_bytes(length) as usize != message.len() {
		return Err(Error::Malformed("a call has one message, and it has to be whole".into()));
	}
	for _ in 0..MAX_FIELDS {
		if message.is_empty() {
			return Ok(());
		}
		let skipped = decode_key(&mut message)
			.and_then(|(tag, wire)| skip_field(wire, tag, &mut message, DecodeContext::default()));
		if skipped.is_err() {
			return Ok(());
		}
	}
	match message.is_empty() {
		true => Ok(()),
		false => Err(Error::Malformed(format!("{MAX_FIELDS} fields are the most of a message"))),
	}
}

impl Grpc {
	pub(crate) fn new(gate: Arc<Gate>, metrics: Metrics) -> Self {
		let most = usize::try_from(gate.config.limits.body).unwrap_or(usize::MAX);
		let service = GrpcInferenceServiceServer::new(Service(gate.clone()))
			.max_decoding_message_size(most)
			.max_encoding_message_size(usize::MAX);
		Self { gate, metrics, service }
	}

	/// Reads what is asked within limits, and lets it be answered.
	pub(crate) async fn answer(
		self,
		caller: &Arc<Caller>,
		request: HttpRequest<Incoming>,
	) -> HttpResponse<body::Body> {
		let metrics = self.metrics.clone();
		let (response, place) = match called(request.uri()) {
			Some("ModelStreamInfer") => {
				let (parts, body) = request.into_parts();
				match self.stream(caller, parts, body) {
					Ok(response) => return response,
					Err(error) => (Status::from(error).into_http(), None),
				}
			},
			_ => self.call(caller, request).await,
		};
		// All other calls have one message, which is there at once: how long it is tells how long it may take.
		let (parts, message) = response.into_parts();
		let (parts, message) = match message.collect().await {
			Ok(message) => (parts, message),
			Err(status) => {
				let (parts, _) = status.into_http::<Body>().into_parts();
				(parts, Collected::default())
			},
		};
		let code = parts.headers.get("grpc-status").and_then(|code| code.to_str().ok());
		metrics.answered("grpc", code.unwrap_or("0"));
		let trailers = message.trailers().cloned();
		let body = body::Body::whole(message.to_bytes()).followed_by(trailers);
		HttpResponse::from_parts(
			parts,
			match place {
				Some(place) => body.keeping(place),
				None => body,
			},
		)
	}

	async fn call(
		mut self,
		caller: &Arc<Caller>,
		request: HttpRequest<Incoming>,
	) -> (HttpResponse<Body>, Option<Arc<Place>>) {
		let (parts, mut body) = request.into_parts();
		let mut span = match called(&parts.uri) {
			Some("ModelInfer") => {
				Span::begin(self.gate.tracer.as_ref(), Protocol::Grpc, &parts.headers)
			},
			_ => Span::default(),
		};
		match self.receive(caller, &parts, &mut body).await {
			Err(error) => {
				span.end(Some(&error));
				discard(&mut body).await;
				(Status::from(error).into_http(), None)
			},
			Ok((received, place)) => {
				let body = Body::new(Full::new(received.bytes.clone()));
				let raw = Raw::new(parts.uri.path().into(), received, span);
				let span = raw.span.clone();
				let mut request = HttpRequest::from_parts(parts, body);
				request.extensions_mut().insert(raw);
				let Ok(response) = self.service.call(request).await;
				// Whoever answers has taken it: what is left was no message.
				if let Some(span) = span {
					span.lock().end(Some(&Error::Internal("the message can not be read".into())));
				}
				(response, place)
			},
		}
	}

	async fn receive(
		&self,
		caller: &Arc<Caller>,
		parts: &Parts,
		body: &mut Incoming,
	) -> Result<(Received, Option<Arc<Place>>), Error> {
		let path = parts.uri.path();
		let call = called(&parts.uri).filter(|call| CALLS.contains(call));
		if call.is_none() {
			return Err(Error::Method {
				path: "this server".into(),
				method: path.into(),
				allowed: format!("{SERVICE}{{{}}}", CALLS.join(", ")),
			});
		}
		posted(parts)?;
		if matches!(call, Some("ModelInfer" | "RepositoryModelLoad" | "RepositoryModelUnload")) {
			self.gate.admission.greet(&parts.headers)?;
		}
		// Who looks whether the server is there takes nobody's place.
		let place = match call {
			Some("ServerLive" | "ServerReady") => None,
			_ => Some(caller.enter()?),
		};
		let received =
			receive(body, &parts.headers, &self.gate.config.limits, &self.gate.buffered).await?;
		check(&received.bytes)?;
		Ok((received, place))
	}
}

/// The calls.
#[derive(Clone)]
struct Service(Arc<Gate>);

impl Service {
	/// Whether a call may go on.
	async fn admit<T>(
		&self,
		request: &Request<T>,
		action: Action,
		model: &str,
		version: Option<&str>,
	) -> Result<crate::access::Admitted, Error> {
		let raw = request.extensions().get::<Raw>();
		let raw = raw.ok_or_else(|| Error::Internal("the request came past the gate".into()))?;
		let headers: &HeaderMap = request.metadata().as_ref();
		let (method, path, body) = ("POST", &*raw.path, &raw.received.bytes);
		self.0.admit(Call { action, method, path, headers, body, model, version }).await
	}

	async fn manage<T>(
		&self,
		request: &Request<T>,
		model: &str,
		parameters: impl Iterator<Item = &String>,
	) -> Result<(), Error> {
		if !self.0.config.manage {
			let reason = "the operator does not let callers load and unload models";
			return Err(Error::NotAllowed(reason.into()));
		}
		self.admit(request, Action::Manage, model, None).await?;
		let mut parameters = parameters;
		match parameters.find(|name| *name != "unload_dependents") {
			None => Ok(()),
			Some(name) => Err(Error::Malformed(format!(
				"the parameter `{name}` is not served: models come from where the operator says, as they are"
			))),
		}
	}

	async fn infer(
		&self,
		request: Request<proto::ModelInferRequest>,
	) -> Result<proto::ModelInferResponse, Error> {
		let followed = request.extensions().get::<Raw>().and_then(|raw| raw.span.as_ref());
		let mut span = followed.map(|span| std::mem::take(&mut *span.lock())).unwrap_or_default();
		let answer = self.infer_in(request, &mut span).await;
		span.end(answer.as_ref().err());
		answer
	}

	async fn infer_in(
		&self,
		request: Request<proto::ModelInferRequest>,
		span: &mut Span,
	) -> Result<proto::ModelInferResponse, Error> {
		let (model, version) = {
			let message = request.get_ref();
			(message.model_name.clone(), given(&message.model_version).map(str::to_owned))
		};
		span.asks(&model);
		let timeout = timeout(request.metadata().as_ref());
		// What it takes counts until it is answered.
		let _raw = request.extensions().get::<Raw>().cloned();
		let admitted = self.admit(&request, Action::Infer, &model, version.as_deref()).await?;
		let mut asked = asked(request.into_inner())?;
		asked.options.timeout = [asked.options.timeout, timeout].into_iter().flatten().min();
		span.names(asked.id.as_deref(), asked.options.proof);
		let answer = self.0.infer(&model, version.as_deref(), &mut asked, &admitted).await;
		trace::log(&model, asked.id.as_deref(), answer.as_ref().map(|answer| &answer.inference));
		let answer = answer?;
		span.ran(&answer.inference);
		answer.settle(admitted);
		Ok(response(answer, asked.id))
	}
}

/// The name of what is called.
fn called(uri: &Uri) -> Option<&str> {
	uri.path().strip_prefix(SERVICE)
}

fn posted(parts: &Parts) -> Result<(), Error> {
	match parts.method == Method::POST {
		true => Ok(()),
		false => Err(Error::Malformed("gRPC is called by POST".into())),
	}
}

/// Empty strings are the protocol's way to say nothing.
fn given(text: &str) -> Option<&str> {
	Some(text).filter(|text| !text.is_empty())
}

/// The client's deadline, by the header `grpc-timeout`.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
	let text = headers.get("grpc-timeout")?.to_str().ok()?;
	let (value, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
	let value: u64 = value.parse().ok()?;
	Some(match unit {
		"H" => Duration::from_secs(value.saturating_mul(3600)),
		"M" => Duration::from_secs(value.saturating_mul(60)),
		"S" => Duration::from_secs(value),
		"m" => Duration::from_millis(value),
		"u" => Duration::from_micros(value),
		"n" => Duration::from_nanos(value),
		_ => return None,
	})
}

fn duration(timing: serving::Timing) -> Option<proto::StatisticDuration> {
	Some(proto::StatisticDuration { count: timing.count, ns: timing.ns })
}

#[tonic::async_trait]
impl GrpcInferenceService for Service {
	async fn server_live(
		&self,
		_: Request<proto::ServerLiveRequest>,
	) -> Result<Response<proto::ServerLiveResponse>, Status> {
		Ok(Response::new(proto::ServerLiveResponse { live: true }))
	}

	async fn server_ready(
		&self,
		_: Request<proto::ServerReadyRequest>,
	) -> Result<Response<proto::ServerReadyResponse>, Status> {
		Ok(Response::new(proto::ServerReadyResponse { ready: self.0.ready() }))
	}

	async fn model_ready(
		&self,
		request: Request<proto::ModelReadyRequest>,
	) -> Result<Response<proto::ModelReadyResponse>, Status> {
		let proto::ModelReadyRequest { name, version } = request.into_inner();
		let ready = self.0.server.is_ready(&name, given(&version)).map_err(Error::from)?;
		Ok(Response::new(proto::ModelReadyResponse { ready }))
	}

	async fn server_metadata(
		&self,
		_: Request<proto::ServerMetadataRequest>,
	) -> Result<Response<proto::ServerMetadataResponse>, Status> {
		Ok(Response::new(proto::ServerMetadataResponse {
			name: describe::NAME.into(),
			version: describe::VERSION.into(),
			extensions: describe::EXTENSIONS.iter().map(|it| (*it).into()).collect(),
		}))
	}

	async fn model_metadata(
		&self,
		request: Request<proto::ModelMetadataRequest>,
	) -> Result<Response<proto::ModelMetadataResponse>, Status> {
		let proto::ModelMetadataRequest { name, version } = request.into_inner();
		let model = self.0.server.metadata(&name, given(&version)).map_err(Error::from)?;
		let tensors = |tensors: Vec<TensorMetadata>| {
			let tell = |TensorMetadata { name, data_type, shape }| {
				let (name, datatype) = (name.to_string(), data_type.name().into());
				proto::model_metadata_response::TensorMetadata { name, datatype, shape }
			};
			tensors.into_iter().map(tell).collect()
		};
		Ok(Response::new(proto::ModelMetadataResponse {
			name: model.name,
			versions: model.versions,
			platform: model.platform,
			inputs: tensors(model.inputs),
			outputs: tensors(model.outputs),
		}))
	}

	async fn model_infer(
		&self,
		request: Request<proto::ModelInferRequest>,
	) -> Result<Response<proto::ModelInferResponse>, Status> {
		Ok(Response::new(self.infer(request).await?))
	}

	async fn model_config(
		&self,
		request: Request<proto::ModelConfigRequest>,
	) -> Result<Response<proto::ModelConfigResponse>, Status> {
		let proto::ModelConfigRequest { name, version } = request.into_inner();
		let model = self.0.server.metadata(&name, given(&version)).map_err(Error::from)?;
		let input = |TensorMetadata { name, data_type, shape: dims }| {
			let data_type = describe::triton_type(data_type).into();
			proto::ModelInput { name: name.to_string(), data_type, dims }
		};
		let output = |TensorMetadata { name, data_type, shape: dims }| {
			let data_type = describe::triton_type(data_type).into();
			proto::ModelOutput { name: name.to_string(), data_type, dims }
		};
		let config = proto::ModelConfig {
			name: model.name,
			platform: describe::TRITON_PLATFORM.into(),
			max_batch_size: 0,
			input: model.inputs.into_iter().map(input).collect(),
			output: model.outputs.into_iter().map(output).collect(),
			backend: describe::TRITON_BACKEND.into(),
		};
		Ok(Response::new(proto::ModelConfigResponse { config: Some(config) }))
	}

	async fn model_statistics(
		&self,
		request: Request<proto::ModelStatisticsRequest>,
	) -> Result<Response<proto::ModelStatisticsResponse>, Status> {
		let proto::ModelStatisticsRequest { name, version } = request.into_inner();
		let all = self.0.server.statistics(given(&name), given(&version)).map_err(Error::from)?;
		let tell = |of: serving::Statistics| proto::ModelStatistics {
			name: of.name,
			version: of.version,
			last_inference: of.last_inference,
			inference_count: of.inference_count,
			execution_count: of.execution_count,
			inference_stats: Some(proto::InferStatistics {
				success: duration(of.success),
				fail: duration(of.fail),
				queue: duration(of.queue),
				compute_input: duration(of.compute_input),
				compute_infer: duration(of.compute_infer),
				compute_output: duration(of.compute_output),
				cache_hit: duration(of.cache_hit),
				cache_miss: duration(of.cache_miss),
			}),
			batch_stats: of
				.batches
				.into_iter()
				.map(|(rows, took)| proto::InferBatchStatistics {
					batch_size: rows.into(),
					compute_infer: duration(took),
					..Default::default()
				})
				.collect(),
			memory_usage: vec![proto::MemoryUsage {
				r#type: "CPU".into(),
				id: 0,
				byte_size: of.memory,
			}],
		};
		let model_stats = all.into_iter().map(tell).collect();
		Ok(Response::new(proto::ModelStatisticsResponse { model_stats }))
	}

	async fn repository_index(
		&self,
		request: Request<proto::RepositoryIndexRequest>,
	) -> Result<Response<proto::RepositoryIndexResponse>, Status> {
		let ready = request.into_inner().ready;
		let index = self.0.server.index();
		let models = index
			.into_iter()
			.filter(|entry| !ready || describe::is_ready(entry.state))
			.map(|entry| proto::repository_index_response::ModelIndex {
				name: entry.name,
				version: entry.version,
				state: describe::state(entry.state).into(),
				reason: entry.reason,
			})
			.collect();
		Ok(Response::new(proto::RepositoryIndexResponse { models }))
	}

	async fn repository_model_load(
		&self,
		request: Request<proto::RepositoryModelLoadRequest>,
	) -> Result<Response<proto::RepositoryModelLoadResponse>, Status> {
		let message = request.get_ref();
		let name = message.model_name.clone();
		self.manage(&request, &name, message.parameters.keys()).await?;
		self.0.server.load(&name).await.map_err(Error::from)?;
		Ok(Response::new(proto::RepositoryModelLoadResponse {}))
	}

	async fn repository_model_unload(
		&self,
		request: Request<proto::RepositoryModelUnloadRequest>,
	) -> Result<Response<proto::RepositoryModelUnloadResponse>, Status> {
		let message = request.get_ref();
		let name = message.model_name.clone();
		self.manage(&request, &name, message.parameters.keys()).await?;
		self.0.server.unload(&name).await.map_err(Error::from)?;
		Ok(Response::new(proto::RepositoryModelUnloadResponse {}))
	}
}
