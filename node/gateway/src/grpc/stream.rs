//! `ModelStreamInfer`: inferences that are asked for one after the other, and answered in that order.
//!
//! Each message is a call of its own: it is admitted, charged, traced and answered as by `ModelInfer`, and what becomes of
//! it takes nothing from the next. All have the headers that the stream began with; so a caller that has to sign each call
//! makes one, and one that nobody knows none.
//!
//! A message is taken when there is room for its answer: who does not take answers is asked nothing more, and given up as
//! whoever takes an answer too slowly. One that is large is taken alone.

use super::{check, posted, Grpc, Raw, Service, PREFIX};
use crate::{
	body::{more, next, plain, Body, Gathered, Received},
	call::Gate,
	config::Limits,
	error::{Error, Refusal},
	metrics::Metrics,
	pieces::{Gone, Pieces},
	places::{Caller, Place},
	proto::{self, infer_parameter::ParameterChoice, InferParameter},
	trace::{Protocol, Span},
};
use aimodel_inference::serving::ServeError;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{stream, StreamExt};
use http::{header::CONTENT_TYPE, request::Parts, HeaderMap, HeaderValue, Response};
use hyper::body::Incoming;
use prost::Message;
use std::{
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::{
	sync::{mpsc, OwnedSemaphorePermit, Semaphore},
	time::timeout,
};
use tonic::{metadata::MetadataMap, Code, Extensions, Request, Status};

/// Messages of a stream that are being answered, or whose answers are being written.
const AT_ONCE: usize = 8;

/// Of these, the others than one.
const OTHERS: u32 = AT_ONCE as u32 - 1;

/// A message is large that has more than this part of what may be buffered.
const LARGE: u64 = 64;

/// Bytes that no answer has: their number has 32 bits, and a little is added.
const MAX_ANSWER: usize = (u32::MAX - 1024) as usize;

/// A stream that is answered.
struct Stream {
	gate: Arc<Gate>,
	metrics: Metrics,
	caller: Arc<Caller>,
	path: Arc<str>,
	headers: HeaderMap,
}

/// The messages that come.
struct Messages {
	body: Incoming,
	/// What came with the last one, of the next.
	rest: Bytes,
	/// How long the next may keep everybody waiting before it begins.
	rests: Duration,
	room: Arc<Semaphore>,
}

/// A message, and room for its answer.
struct Asked {
	received: Received,
	room: OwnedSemaphorePermit,
}

/// An answer, until it is written.
struct Answer {
	bytes: Bytes,
	_place: Option<Arc<Place>>,
	_room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Answer {
	fn as_ref(&self) -> &[u8] {
		&self.bytes
	}
}

impl Grpc {
	/// Begins to answer a stream.
	pub(super) fn stream(
		self,
		caller: &Arc<Caller>,
		parts: Parts,
		body: Incoming,
	) -> Result<Response<Body>, Error> {
		posted(&parts)?;
		plain(&parts.headers)?;
		let Self { gate, metrics, .. } = self;
		gate.admission.greet(&parts.headers)?;
		let (place, limits) = (caller.stream()?, &gate.config.limits);
		let (answer, pieces) = Pieces::open(place.clone(), limits);
		let messages = Messages {
			body,
			rest: Bytes::new(),
			rests: limits.header_timeout,
			room: Arc::new(Semaphore::new(AT_ONCE)),
		};
		let (caller, path) = (caller.clone(), parts.uri.path().into());
		let runtime = gate.runtime.clone();
		let stream = Stream { gate, metrics, caller, path, headers: parts.headers };
		runtime.spawn(Arc::new(stream).answer(messages, pieces));
		let mut response = Response::new(answer.keeping(place));
		response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
		Ok(response)
	}
}

impl Messages {
	/// How the next message begins, if there is one.
	async fn begin(&mut self, limits: &Limits) -> Result<Option<Bytes>, Error> {
		let waited = std::mem::replace(&mut self.rests, limits.stream_timeout);
		loop {
			match timeout(waited, next(&mut self.body)).await {
				// Between messages a client may leave.
				Ok(Err(Error::BrokenOff(_))) => return Ok(None),
				Ok(data) => return data,
				// It waits for answers, or takes them.
				Err(_) if self.room.available_permits() < OTHERS as usize => (),
				Err(_) => return Err(Error::TooSlow { received: 0, waited }),
			}
		}
	}

	/// The next message with its prefix.
	async fn next(&mut self, gate: &Gate) -> Result<Option<Received>, Error> {
		let limits = &gate.config.limits;
		let mut gathered = Gathered::default();
		gathered.push(std::mem::take(&mut self.rest), None, limits, &gate.buffered)?;
		if gathered.bytes().is_empty() {
			let Some(data) = self.begin(limits).await? else { return Ok(None) };
			gathered.push(data, None, limits, &gate.buffered)?;
		}
		let mut since = Instant::now();
		let mut announced = None;
		loop {
			if let Some([compressed, length @ ..]) = gathered.bytes().first_chunk::<PREFIX>() {
				if *compressed != 0 {
					return Err(Error::Encoding("compressed messages are not read".into()));
				}
				let length = PREFIX as u64 + u64::from(u32::from_be_bytes(*length));
				if length > limits.body {
					return Err(Error::TooLong { found: Some(length), limit: limits.body });
				}
				if gathered.bytes().len() as u64 >= length {
					let (received, rest) = gathered.split(length as usize);
					self.rest = rest;
					return Ok(Some(received));
				}
				if announced.replace(length).is_none() && length > limits.buffered / LARGE {
					// Those before it are answered first. An error is of a semaphore that is closed, which this one never is.
					let _ = self.room.acquire_many(OTHERS).await;
					since = Instant::now();
				}
			}
			let so_far = gathered.bytes().len() as u64;
			let Some(data) = more(&mut self.body, so_far, since, limits).await? else {
				return Err(Error::BrokenOff("the stream ended within a message".into()));
			};
			gathered.push(data, announced, limits, &gate.buffered)?;
		}
	}
}

impl Stream {
	async fn answer(self: Arc<Self>, messages: Messages, pieces: Pieces) {
		let asked = stream::try_unfold(messages, |messages| self.clone().receive(messages));
		let answers = asked.map(|asked| {
			let stream = self.clone();
			async move { stream.call(asked?).await }
		});
		let mut answers = Box::pin(answers.buffered(AT_ONCE));
		// Others are read and answered while one is sent.
		let (ready, mut to_send) = mpsc::unbounded_channel();
		let answering = async move {
			loop {
				match answers.next().await {
					Some(Ok(answer)) => drop(ready.send(answer)),
					Some(Err(error)) => break Ok(Some(error)),
					None => break Ok(None),
				}
			}
		};
		let sending = async {
			while let Some(answer) = to_send.recv().await {
				pieces.send(Bytes::from_owner(answer)).await?;
			}
			Ok(())
		};
		let ended: Result<_, Gone> = tokio::select! {
			() = pieces.closed() => return,
			ended = async { tokio::try_join!(answering, sending) } => ended,
		};
		let Ok((end, ())) = ended else { return };
		let status = match end {
			None => Status::new(Code::Ok, ""),
			Some(error) => {
				self.count(error.code());
				log::debug!(target: "gateway", "a stream ends: {error}");
				error.into()
			},
		};
		let mut trailers = HeaderMap::new();
		if let Err(status) = status.add_header(&mut trailers) {
			log::debug!(target: "gateway", "the end of a stream can not be told: {status}");
		}
		pieces.end(trailers).await;
	}

	/// The next message, and those after it; none is begun when the gateway stops.
	async fn receive(
		self: Arc<Self>,
		mut messages: Messages,
	) -> Result<Option<(Asked, Messages)>, Error> {
		let mut stopping = self.gate.stopping.clone();
		let next = async {
			let room = messages.room.clone().acquire_owned().await;
			let room = room.map_err(|error| Error::Internal(error.to_string()))?;
			let received = messages.next(&self.gate).await?;
			Ok::<_, Error>(received.map(|received| Asked { received, room }))
		};
		let asked = tokio::select! {
			biased;
			// An error means that the gateway was dropped.
			_ = stopping.wait_for(|stopping| *stopping) => return Err(ServeError::Stopping.into()),
			asked = next => asked?,
		};
		Ok(asked.map(|asked| (asked, messages)))
	}

	/// Answers a message. An error is the stream's: with its headers nothing more is answered.
	async fn call(&self, asked: Asked) -> Result<Answer, Error> {
		let Asked { received, room } = asked;
		let mut span = Span::begin(self.gate.tracer.as_ref(), Protocol::Grpc, &self.headers);
		let message = check(&received.bytes).and_then(|()| {
			proto::ModelInferRequest::decode(received.bytes.slice(PREFIX..))
				.map_err(|error| Error::Malformed(format!("the message can not be read: {error}")))
		});
		let names = message.as_ref().map_or_else(
			|_| proto::ModelInferResponse::default(),
			|asked| proto::ModelInferResponse {
				model_name: asked.model_name.clone(),
				model_version: asked.model_version.clone(),
				id: asked.id.clone(),
				..Default::default()
			},
		);
		let mut kept = None;
		let answer = match message.and_then(|message| Ok((message, self.caller.enter()?))) {
			Ok((message, place)) => {
				kept = Some(place);
				let raw = Raw::new(self.path.clone(), received, span);
				let metadata = MetadataMap::from_headers(self.headers.clone());
				let mut request = Request::from_parts(metadata, Extensions::default(), message);
				request.extensions_mut().insert(raw);
				Service(self.gate.clone()).infer(request).await
			},
			Err(error) => {
				span.end(Some(&error));
				Err(error)
			},
		};
		match answer {
			Err(
				error @ Error::Refused(Refusal::Unauthenticated(_) | Refusal::VoucherWanted(_)),
			) => Err(error),
			answer => {
				let code = answer.as_ref().map_or_else(Error::code, |_| Code::Ok);
				self.count(code);
				Ok(Answer { bytes: framed(answer, names), _place: kept, _room: room })
			},
		}
	}

	fn count(&self, code: Code) {
		self.metrics.answered("grpc", &i32::from(code).to_string());
	}
}

/// An answer as it is sent; one that tells an error has the names of what was asked for.
fn framed(
	answer: Result<proto::ModelInferResponse, Error>,
	names: proto::ModelInferResponse,
) -> Bytes {
	let answer = answer.and_then(|response| match response.encoded_len() < MAX_ANSWER {
		true => Ok(response),
		false => Err(Error::Internal("the answer is longer than a message can be".into())),
	});
	let (error_message, mut response) = match answer {
		Ok(response) => (String::new(), response),
		Err(error) => (error.to_string(), names),
	};
	// Where a message may have several answers, clients look for the last one.
	let last = InferParameter { parameter_choice: Some(ParameterChoice::BoolParam(true)) };
	response.parameters.insert("triton_final_response".into(), last);
	let answer = proto::ModelStreamInferResponse { error_message, infer_response: Some(response) };
	let length = answer.encoded_len();
	let mut bytes = BytesMut::with_capacity(PREFIX + length);
	bytes.put_u8(0);
	bytes.put_u32(length as u32);
	// There is room for it.
	let _ = answer.encode(&mut bytes);
	bytes.freeze()
}
