//! Bodies: those that come, within limits, and those that go.

use crate::{config::Limits, error::Error, places::Place, writing::Writing};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::{
	convert::Infallible,
	pin::Pin,
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc,
	},
	task::{Context, Poll},
	time::Instant,
};
use tokio::{sync::mpsc, time::timeout_at};

/// What is buffered of all bodies that take more than one read.
#[derive(Debug, Default)]
pub(crate) struct Buffered(AtomicU64);

/// A body, for as long as the memory it takes counts.
#[derive(Debug)]
pub(crate) struct Received {
	pub(crate) bytes: Bytes,
	_share: Option<Share>,
}

#[derive(Debug)]
struct Share {
	of: Arc<Buffered>,
	bytes: u64,
}

impl Share {
	fn take(&mut self, bytes: u64, limits: &Limits) -> Result<(), Error> {
		let before = self.of.0.fetch_add(bytes, Ordering::Relaxed);
		self.bytes += bytes;
		match before.saturating_add(bytes) > limits.buffered {
			true => Err(Error::Overloaded("the bodies of other requests take all memory")),
			false => Ok(()),
		}
	}
}

impl Drop for Share {
	fn drop(&mut self) {
		self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
	}
}

/// Reads a body. One that comes in one piece, as most do, is not copied.
pub(crate) async fn receive<B>(
	mut body: B,
	headers: &HeaderMap,
	limits: &Limits,
	buffered: &Arc<Buffered>,
) -> Result<Received, Error>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	if let Some(encoding) = headers.get(http::header::CONTENT_ENCODING) {
		if encoding.as_bytes() != b"identity" {
			return Err(Error::Encoding(
				"compressed bodies are not read; send it without a content-encoding".into(),
			));
		}
	}
	let limit = limits.body;
	let announced = body.size_hint().exact();
	if announced.is_some_and(|announced| announced > limit) {
		return Err(Error::TooLong { found: announced, limit });
	}
	let start = Instant::now();
	let mut first = Bytes::new();
	let mut rest: Option<(BytesMut, Share)> = None;
	loop {
		let received = rest.as_ref().map_or(first.len(), |(rest, _)| rest.len()) as u64;
		// A body may take its time, if it keeps coming.
		let patience = limits.body_timeout.saturating_add(limits.time_of(received));
		let frame = timeout_at((start + patience).into(), body.frame()).await;
		let too_slow = |_| Error::TooSlow { received, waited: start.elapsed() };
		let Some(frame) = frame.map_err(too_slow)? else { break };
		let frame = frame.map_err(|error| Error::BrokenOff(error.to_string()))?;
		let Ok(data) = frame.into_data() else { continue };
		if received.saturating_add(data.len() as u64) > limit {
			return Err(Error::TooLong { found: None, limit });
		}
		match &mut rest {
			None if first.is_empty() => first = data,
			Some((rest, share)) => {
				share.take(data.len() as u64, limits)?;
				rest.extend_from_slice(&data);
			},
			None => {
				let mut share = Share { of: buffered.clone(), bytes: 0 };
				let both = first.len() + data.len();
				share.take(both as u64, limits)?;
				// Room for what was announced, but no more ahead than was sent.
				let announced = announced.unwrap_or(0).min(limit) as usize;
				let mut bytes = BytesMut::with_capacity(announced.min(8 * both).max(both));
				bytes.extend_from_slice(&first);
				bytes.extend_from_slice(&data);
				rest = Some((bytes, share));
			},
		}
	}
	Ok(match rest {
		None => Received { bytes: first, _share: None },
		Some((bytes, share)) => Received { bytes: bytes.freeze(), _share: Some(share) },
	})
}

/// A body that goes.
pub(crate) struct Body {
	kind: Kind,
	trailers: Option<HeaderMap>,
	place: Option<Arc<Place>>,
	/// Where events are held until they are written.
	writing: Option<Arc<Writing>>,
}

enum Kind {
	Whole(Bytes),
	Parts(std::vec::IntoIter<Bytes>, u64),
	Events(mpsc::Receiver<Bytes>),
}

impl Body {
	pub(crate) fn empty() -> Self {
		Self::whole(Bytes::new())
	}

	pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
		Self::of(Kind::Whole(bytes.into()))
	}

	pub(crate) fn parts(parts: Vec<Bytes>) -> Self {
		let length = parts.iter().map(|part| part.len() as u64).sum();
		Self::of(Kind::Parts(parts.into_iter(), length))
	}

	pub(crate) fn events(events: mpsc::Receiver<Bytes>) -> Self {
		Self::of(Kind::Events(events))
	}

	pub(crate) fn followed_by(self, trailers: Option<HeaderMap>) -> Self {
		Self { trailers, ..self }
	}

	/// Keeps the request's place until it is written.
	pub(crate) fn keeping(self, place: Arc<Place>) -> Self {
		Self { place: Some(place), ..self }
	}

	/// Is held by its connection until it is written.
	pub(crate) fn held(self, writing: &Arc<Writing>) -> Self {
		let Self { kind, trailers, place, .. } = self;
		let hold = |bytes| writing.hold(bytes, place.clone());
		let kind = match kind {
			Kind::Whole(bytes) if bytes.is_empty() => Kind::Whole(bytes),
			Kind::Whole(bytes) => Kind::Whole(hold(bytes.len() as u64).piece(bytes)),
			Kind::Parts(parts, length) => {
				let held = hold(length);
				let parts: Vec<_> = parts.map(|part| held.piece(part)).collect();
				Kind::Parts(parts.into_iter(), length)
			},
			// Whoever tells events waits for each no longer than it may take.
			Kind::Events(events) => Kind::Events(events),
		};
		Self { kind, trailers, place, writing: Some(writing.clone()) }
	}

	fn of(kind: Kind) -> Self {
		Self { kind, trailers: None, place: None, writing: None }
	}
}

impl HttpBody for Body {
	type Data = Bytes;
	type Error = Infallible;

	fn poll_frame(
		mut self: Pin<&mut Self>,
		cx: &mut Context<'_>,
	) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
		let Self { kind, trailers, place, writing } = &mut *self;
		let data = match kind {
			Kind::Whole(bytes) if bytes.has_remaining() => Some(std::mem::take(bytes)),
			Kind::Whole(_) => None,
			Kind::Parts(parts, left) => {
				let part = parts.find(|part| !part.is_empty());
				*left -= part.as_ref().map_or(0, |part| part.len() as u64);
				part
			},
			Kind::Events(events) => match events.poll_recv(cx) {
				Poll::Pending => return Poll::Pending,
				Poll::Ready(event) => event.map(|event| match writing {
					Some(writing) => writing.hold(event.len() as u64, place.clone()).piece(event),
					None => event,
				}),
			},
		};
		let frame = data.map(Frame::data).or_else(|| trailers.take().map(Frame::trailers));
		Poll::Ready(frame.map(Ok))
	}

	fn is_end_stream(&self) -> bool {
		self.trailers.is_none()
			&& match &self.kind {
				Kind::Whole(bytes) => bytes.is_empty(),
				Kind::Parts(_, left) => *left == 0,
				Kind::Events(_) => false,
			}
	}

	fn size_hint(&self) -> SizeHint {
		match &self.kind {
			Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
			Kind::Parts(_, left) => SizeHint::with_exact(*left),
			Kind::Events(_) => SizeHint::default(),
		}
	}
}
