//! The protocol over HTTP: paths and methods.

mod answer;
mod events;
mod models;
mod request;

pub(crate) use request::data_type;

use crate::{
	access::{Action, Call},
	body::{receive, Body},
	call::Gate,
	error::{Error, VOUCHER_WANTED},
	metrics,
	places::Caller,
	trace::{self, Protocol, Span},
};
use answer::HEADER_LENGTH;
use bytes::Bytes;
use http::{
	header::{ACCEPT, ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
	request::Parts,
	HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
};
use hyper::body::Body as HttpBody;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{borrow::Cow, sync::Arc};

/// The description of all this.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");

/// What a path names.
#[derive(Debug, Eq, PartialEq)]
enum Route<'a> {
	Server,
	Live,
	Ready,
	Model(Of<'a>),
	ModelReady(Of<'a>),
	ModelConfig(Of<'a>),
	ModelStatistics(Of<'a>),
	Infer(Of<'a>),
	Statistics,
	Index,
	Load(Cow<'a, str>),
	Unload(Cow<'a, str>),
	Proof(&'a str),
	ProofEvents(&'a str),
	Metrics,
	OpenApi,
}

/// A model, and the version if the path says one.
#[derive(Debug, Eq, PartialEq)]
struct Of<'a> {
	model: Cow<'a, str>,
	version: Option<Cow<'a, str>>,
}

impl<'a> Route<'a> {
	fn parse(path: &'a str) -> Result<Self, Error> {
		let nowhere = || {
			Error::NotFound(format!(
				"there is nothing at {path}; /v2/openapi.json tells what there is"
			))
		};
		let mut segments = [""; 8];
		let mut count = 0;
		let path_of = path.strip_prefix('/').unwrap_or(path);
		for segment in path_of.strip_suffix('/').unwrap_or(path_of).split('/') {
			*segments.get_mut(count).ok_or_else(nowhere)? = segment;
			count += 1;
		}
		Ok(match segments.get(..count).ok_or_else(nowhere)? {
			["v2"] => Self::Server,
			["v2", "health", "live"] => Self::Live,
			["v2", "health", "ready"] => Self::Ready,
			["v2", "openapi.json"] => Self::OpenApi,
			["v2", "models", "stats"] => Self::Statistics,
			["v2", "models", model, "versions", version, rest @ ..] => {
				let of = Of { model: decode(model)?, version: Some(decode(version)?) };
				Self::of_model(of, rest).ok_or_else(nowhere)?
			},
			["v2", "models", model, rest @ ..] => {
				let of = Of { model: decode(model)?, version: None };
				Self::of_model(of, rest).ok_or_else(nowhere)?
			},
			["v2", "repository", "index"] => Self::Index,
			["v2", "repository", "models", model, "load"] => Self::Load(decode(model)?),
			["v2", "repository", "models", model, "unload"] => Self::Unload(decode(model)?),
			["v2", "proofs", id] => Self::Proof(id),
			["v2", "proofs", id, "events"] => Self::ProofEvents(id),
			["metrics"] => Self::Metrics,
			_ => return Err(nowhere()),
		})
	}

	fn of_model(of: Of<'a>, rest: &[&str]) -> Option<Self> {
		match rest {
			[] => Some(Self::Model(of)),
			["ready"] => Some(Self::ModelReady(of)),
			["config"] => Some(Self::ModelConfig(of)),
			["stats"] => Some(Self::ModelStatistics(of)),
			["infer"] => Some(Self::Infer(of)),
			_ => None,
		}
	}

	fn method(&self) -> Method {
		match self {
			Self::Infer(_) | Self::Index | Self::Load(_) | Self::Unload(_) => Method::POST,
			_ => Method::GET,
		}
	}
}

/// A segment of a path without its percent-encoding.
fn decode(segment: &str) -> Result<Cow<'_, str>, Error> {
	if !segment.contains('%') {
		return Ok(Cow::Borrowed(segment));
	}
	let mut bytes = Vec::with_capacity(segment.len());
	let mut rest = segment.bytes();
	while let Some(byte) = rest.next() {
		bytes.push(match byte {
			b'%' => {
				let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
				let digits = (digit(rest.next()), digit(rest.next()));
				let byte = match digits {
					(Some(high), Some(low)) => u8::try_from(high << 4 | low).ok(),
					_ => None,
				};
				byte.ok_or_else(|| {
					Error::Malformed(format!(
						"`{segment}`: % must be before two hexadecimal digits"
					))
				})?
			},
			byte => byte,
		});
	}
	String::from_utf8(bytes)
		.map(Cow::Owned)
		.map_err(|_| Error::Malformed(format!("`{segment}` is no text in UTF-8")))
}

/// Answers a request.
pub(crate) async fn answer<B>(
	gate: &Arc<Gate>,
	caller: &Arc<Caller>,
	request: Request<B>,
) -> Response<Body>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	match route(gate, caller, request).await {
		Ok(response) => response,
		Err(error) => refuse(&error),
	}
}

async fn route<B>(
	gate: &Arc<Gate>,
	caller: &Arc<Caller>,
	request: Request<B>,
) -> Result<Response<Body>, Error>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	let (parts, body) = request.into_parts();
	let route = Route::parse(parts.uri.path())?;
	let allowed = route.method();
	let head = parts.method == Method::HEAD && allowed == Method::GET;
	if parts.method != allowed && !head {
		let (path, method) = (parts.uri.path().into(), parts.method.to_string());
		return Err(Error::Method { path, method, allowed: allowed.to_string() });
	}
	let server = &gate.server;
	match route {
		Route::Infer(Of { model, version }) => {
			let mut span = Span::begin(gate.tracer.as_ref(), Protocol::Http, &parts.headers);
			span.asks(&model);
			let version = version.as_deref();
			let answer = infer(gate, caller, &parts, body, &model, version, &mut span).await;
			span.end(answer.as_ref().err());
			answer
		},
		Route::Server => json(&models::server(gate)),
		Route::Live => json(&json!({ "live": true })),
		Route::Ready => {
			let ready = gate.ready();
			Ok(with(status(ready), json(&json!({ "live": true, "ready": ready }))?))
		},
		Route::Model(Of { model, version }) => {
			json(&models::metadata(&server.metadata(&model, version.as_deref())?))
		},
		Route::ModelReady(Of { model, version }) => {
			let ready = server.is_ready(&model, version.as_deref())?;
			Ok(with(status(ready), json(&json!({ "name": model, "ready": ready }))?))
		},
		Route::ModelConfig(Of { model, version }) => {
			json(&models::configuration(&server.metadata(&model, version.as_deref())?))
		},
		Route::ModelStatistics(Of { model, version }) => {
			json(&models::statistics(&server.statistics(Some(&model), version.as_deref())?))
		},
		Route::Statistics => json(&models::statistics(&server.statistics(None, None)?)),
		Route::Index => {
			#[derive(Default, Deserialize)]
			struct Filter {
				#[serde(default)]
				ready: bool,
			}
			let body = read(gate, caller, &parts, body).await?;
			let filter: Filter = parse(&body)?;
			json(&models::index(&server.index(), filter.ready))
		},
		Route::Load(model) => {
			manage(gate, caller, &parts, body, &model).await?;
			server.load(&model).await?;
			Ok(Response::new(Body::empty()))
		},
		Route::Unload(model) => {
			manage(gate, caller, &parts, body, &model).await?;
			server.unload(&model).await?;
			Ok(Response::new(Body::empty()))
		},
		Route::Proof(id) => json(&events::proof(id, &gate.proofs.follow(id)?.borrow())),
		Route::ProofEvents(id) => events::of_proof(gate, caller, id),
		Route::Metrics if gate.config.metrics => {
			let text = metrics::text(&server.statistics(None, None)?, gate.registry.as_ref())
				.map_err(Error::Internal)?;
			Ok(typed("text/plain; version=0.0.4; charset=utf-8", text))
		},
		Route::Metrics => Err(Error::NotAllowed("metrics are not told at this port".into())),
		Route::OpenApi => Ok(typed("application/json", OPENAPI)),
	}
}

async fn infer<B>(
	gate: &Arc<Gate>,
	caller: &Arc<Caller>,
	parts: &Parts,
	body: B,
	model: &str,
	version: Option<&str>,
	span: &mut Span,
) -> Result<Response<Body>, Error>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	gate.admission.greet(&parts.headers)?;
	let place = caller.enter()?;
	let received = receive(body, &parts.headers, &gate.config.limits, &gate.buffered).await?;
	let body = &received.bytes;
	let admitted = gate.admit(call(Action::Infer, parts, body, model, version)).await?;
	let mut asked = match header_length(&parts.headers)? {
		Some(0) => request::read_raw(body, &gate.server.metadata(model, version)?)?,
		length => request::read(body, length)?,
	};
	span.names(asked.id.as_deref(), asked.options.proof);
	if accepts_events(&parts.headers) {
		let span = std::mem::take(span);
		let events = events::Inference { asked, admitted, received, place, span };
		return events.answer(gate, caller, model, version);
	}
	let answer = gate.infer(model, version, &mut asked, &admitted).await;
	trace::log(model, asked.id.as_deref(), answer.as_ref().map(|answer| &answer.inference));
	let answer = answer?;
	span.ran(&answer.inference);
	let response = answer::response(&answer, asked.id.as_deref(), &asked.outputs, asked.binary)?;
	answer.settle(admitted);
	Ok(response.map(|body| body.keeping(place)))
}

fn call<'a>(
	action: Action,
	parts: &'a Parts,
	body: &'a Bytes,
	model: &'a str,
	version: Option<&'a str>,
) -> Call<'a> {
	let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
	let (method, headers) = (parts.method.as_str(), &parts.headers);
	Call { action, method, path, headers, body, model, version }
}

/// Reads a body that is no inference.
async fn read<B>(gate: &Gate, caller: &Arc<Caller>, parts: &Parts, body: B) -> Result<Bytes, Error>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	let _place = caller.enter()?;
	Ok(receive(body, &parts.headers, &gate.config.limits, &gate.buffered).await?.bytes)
}

/// Whether the caller may load and unload the model.
async fn manage<B>(
	gate: &Gate,
	caller: &Arc<Caller>,
	parts: &Parts,
	body: B,
	model: &str,
) -> Result<(), Error>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	#[derive(Default, Deserialize)]
	struct Request {
		#[serde(default)]
		parameters: serde_json::Map<String, serde_json::Value>,
	}
	if !gate.config.manage {
		let reason = "the operator does not let callers load and unload models";
		return Err(Error::NotAllowed(reason.into()));
	}
	gate.admission.greet(&parts.headers)?;
	let body = read(gate, caller, parts, body).await?;
	gate.admit(call(Action::Manage, parts, &body, model, None)).await?;
	let request: Request = parse(&body)?;
	match request.parameters.keys().find(|name| *name != "unload_dependents") {
		None => Ok(()),
		Some(name) => Err(Error::Malformed(format!(
			"the parameter `{name}` is not served: models come from where the operator says, as they are"
		))),
	}
}

/// A JSON object, or nothing for the default.
fn parse<'a, T: Default + Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
	if body.is_empty() {
		return Ok(T::default());
	}
	serde_json::from_slice(body)
		.map_err(|error| Error::Malformed(format!("the body is not what it should be: {error}")))
}

fn header_length(headers: &HeaderMap) -> Result<Option<usize>, Error> {
	let Some(value) = headers.get(HEADER_LENGTH) else { return Ok(None) };
	let length = value.to_str().ok().and_then(|text| text.parse().ok());
	length.map(Some).ok_or_else(|| {
		Error::Malformed("Inference-Header-Content-Length must be the length of the JSON".into())
	})
}

fn accepts_events(headers: &HeaderMap) -> bool {
	headers
		.get(ACCEPT)
		.and_then(|accept| accept.to_str().ok())
		.is_some_and(|accept| accept.starts_with("text/event-stream"))
}

fn json(value: &impl Serialize) -> Result<Response<Body>, Error> {
	let body = serde_json::to_vec(value).map_err(|error| Error::Internal(error.to_string()))?;
	Ok(typed("application/json", body))
}

fn typed(content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
	let mut response = Response::new(Body::whole(body));
	response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
	response
}

fn status(ready: bool) -> StatusCode {
	if ready {
		StatusCode::OK
	} else {
		StatusCode::SERVICE_UNAVAILABLE
	}
}

fn with(status: StatusCode, mut response: Response<Body>) -> Response<Body> {
	*response.status_mut() = status;
	response
}

/// An error in the protocol's form.
fn refuse(error: &Error) -> Response<Body> {
	#[derive(Serialize)]
	struct Told {
		error: String,
	}
	let told = Told { error: error.to_string() };
	let body = serde_json::to_vec(&told).unwrap_or_default();
	let mut response = with(error.status(), typed("application/json", body));
	let headers = response.headers_mut();
	if let Some(voucher) = error.voucher().and_then(|voucher| voucher.parse().ok()) {
		headers.insert(VOUCHER_WANTED, voucher);
	}
	if let Some(again_in) = error.again_in() {
		headers.insert(RETRY_AFTER, HeaderValue::from(again_in.as_secs().max(1)));
	}
	match error {
		Error::Method { allowed, .. } => {
			if let Ok(allowed) = HeaderValue::from_str(allowed) {
				headers.insert(ALLOW, allowed);
			}
		},
		_ if error.status() == StatusCode::UNAUTHORIZED => {
			headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
		},
		_ => (),
	}
	response
}

#[cfg(test)]
mod tests {
	use super::*;

	fn of<'a>(model: &'a str, version: Option<&'a str>) -> Of<'a> {
		Of { model: model.into(), version: version.map(Into::into) }
	}

	#[test]
	fn paths_name_models_and_versions() {
		let parse = |path| Route::parse(path).unwrap();
		assert_eq!(parse("/v2"), Route::Server);
		assert_eq!(parse("/v2/"), Route::Server);
		assert_eq!(parse("/v2/models/m"), Route::Model(of("m", None)));
		assert_eq!(parse("/v2/models/m/infer"), Route::Infer(of("m", None)));
		assert_eq!(parse("/v2/models/m/versions/1/infer"), Route::Infer(of("m", Some("1"))));
		assert_eq!(parse("/v2/models/a%2Fb%20c/ready"), Route::ModelReady(of("a/b c", None)));
		assert_eq!(parse("/v2/models/stats"), Route::Statistics);
		assert_eq!(parse("/v2/proofs/00/events"), Route::ProofEvents("00"));
	}

	#[test]
	fn nothing_else_is_there() {
		for path in
			["", "/", "/v1", "/v2/models", "/v2//models/m", "/v2/models/m/x", "/a/b/c/d/e/f/g/h/i"]
		{
			assert_eq!(Route::parse(path).unwrap_err().status(), StatusCode::NOT_FOUND, "{path}");
		}
		for path in ["/v2/models/%", "/v2/models/%zz", "/v2/models/%ff", "/v2/models/%+1"] {
			assert_eq!(Route::parse(path).unwrap_err().status(), StatusCode::BAD_REQUEST, "{path}");
		}
	}
}
