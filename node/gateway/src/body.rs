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
	share: Option<Share>,
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

/// What came of a body so far. One that comes in one piece, as most do, is not copied.
#[derive(Default)]
pub(crate) struct Gathered {
	first: Bytes,
	rest: Option<(BytesMut, Share)>,
}

impl Gathered {
	pub(crate) fn bytes(&self) -> &[u8] {
		self.rest.as_ref().map_or(&self.first, |(rest, _)| rest)
	}

	/// Takes more, of so many bytes in all if that is known.
	pub(crate) fn push(
		&mut self,
		data: Bytes,
		announced: Option<u64>,
		limits: &Limits,
		buffered: &Arc<Buffered>,
	) -> Result<(), Error> {
		match &mut self.rest {
			None if self.first.is_empty() => self.first = data,
			Some((rest, share)) => {
				share.take(data.len() as u64, limits)?;
				rest.extend_from_slice(&data);
			},
			None => {
				let mut share = Share { of: buffered.clone(), bytes: 0 };
				let both = self.first.len() + data.len();
				share.take(both as u64, limits)?;
				// Room for what was announced, but no more ahead than was sent.
				let announced = announced.unwrap_or(0).min(limits.body) as usize;
				let mut bytes = BytesMut::with_capacity(announced.min(8 * both).max(both));
				bytes.extend_from_slice(&self.first);
				bytes.extend_from_slice(&data);
				self.rest = Some((bytes, share));
			},
		}
		Ok(())
	}

	/// So many bytes of what came, and those after them.
	pub(crate) fn split(self, at: usize) -> (Received, Bytes) {
		let mut received = self.finish();
		let rest = received.bytes.split_off(at);
		match received.share {
			None => (received, rest),
			// What was counted is not kept by what comes after it.
			Some(_) => (received, Bytes::copy_from_slice(&rest)),
		}
	}

	pub(crate) fn finish(self) -> Received {
		match self.rest {
			None => Received { bytes: self.first, share: None },
			Some((bytes, share)) => Received { bytes: bytes.freeze(), share: Some(share) },
		}
	}
}

/// What comes next of a body, if anything; with how much came `since` when. It may take its time, if it keeps coming.
pub(crate) async fn more<B>(
	body: &mut B,
	received: u64,
	since: Instant,
	limits: &Limits,
) -> Result<Option<Bytes>, Error>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	let patience = limits.body_timeout.saturating_add(limits.time_of(received));
	let too_slow = |_| Error::TooSlow { received, waited: since.elapsed() };
	timeout_at((since + patience).into(), next(body)).await.map_err(too_slow)?
}

/// The same, however long it takes.
pub(crate) async fn next<B>(body: &mut B) -> Result<Option<Bytes>, Error>
where
	B: HttpBody<Data = Bytes> + Unpin,
	B::Error: std::fmt::Display,
{
	while let Some(frame) = body.frame().await {
		let frame = frame.map_err(|error| Error::BrokenOff(error.to_string()))?;
		match frame.into_data() {
			Ok(data) if !data.is_empty() => return Ok(Some(data)),
			// The end may come with an empty one.
			_ => (),
		}
	}
	Ok(None)
}

/// Reads a body.
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
	plain(headers)?;
	let limit = limits.body;
	let announced = body.size_hint().exact();
	if announced.is_some_and(|announced| announced > limit) {
		return Err(Error::TooLong { found: announced, limit });
	}
	let start = Instant::now();
	let mut gathered = Gathered::default();
	loop {
		let received = gathered.bytes().len() as u64;
		let Some(data) = more(&mut body, received, start, limits).await? else { break };
		if received.saturating_add(data.len() as u64) > limit {
			return Err(Error::TooLong { found: None, limit });
		}
		gathered.push(data, announced, limits, buffered)?;
	}
	Ok(gathered.finish())
}

/// Refuses bodies that are compressed.
pub(crate) fn plain(headers: &HeaderMap) -> Result<(), Error> {
	match headers.get(http::header::CONTENT_ENCODING) {
		Some(encoding) if encoding.as_bytes() != b"identity" => Err(Error::Encoding(
			"compressed bodies are not read; send it without a content-encoding".into(),
		)),
		_ => Ok(()),
	}
}

/// A body that goes.
pub(crate) struct Body {
	kind: Kind,
	trailers: Option<HeaderMap>,
	place: Option<Arc<Place>>,
	/// Where pieces are held until they are written.
	writing: Option<Arc<Writing>>,
}

enum Kind {
	Whole(Bytes),
	Parts(std::vec::IntoIter<Bytes>, u64),
	/// Data, and at last maybe trailers.
	Stream(mpsc::Receiver<Frame<Bytes>>),
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

	pub(crate) fn stream(frames: mpsc::Receiver<Frame<Bytes>>) -> Self {
		Self::of(Kind::Stream(frames))
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
			// Whoever sends pieces waits for each no longer than it may take.
			Kind::Stream(frames) => Kind::Stream(frames),
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
			Kind::Stream(frames) => {
				let hold = |data: Bytes| match writing {
					Some(writing) => writing.hold(data.len() as u64, place.clone()).piece(data),
					None => data,
				};
				return frames.poll_recv(cx).map(|frame| Some(Ok(frame?.map_data(hold))));
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
				Kind::Stream(_) => false,
			}
	}

	fn size_hint(&self) -> SizeHint {
		match &self.kind {
			Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
			Kind::Parts(_, left) => SizeHint::with_exact(*left),
			Kind::Stream(_) => SizeHint::default(),
		}
	}
}
