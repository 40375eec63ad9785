//! Answers that are sent in pieces while they come about.

use crate::{body::Body, config::Limits, places::Place};
use bytes::Bytes;
use http::HeaderMap;
use hyper::body::Frame;
use std::{
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc,
	},
	time::Duration,
};
use tokio::sync::mpsc;

/// Pieces that wait for a client that reads slowly.
const WAITING: usize = 4;

/// Where the pieces of an answer go; the answer ends when it is dropped.
pub(crate) struct Pieces {
	to: mpsc::Sender<Frame<Bytes>>,
	limits: Limits,
	/// Bytes of the longest piece so far, any of which may be in the way of the next.
	longest: AtomicU64,
	_place: Arc<Place>,
}

/// The client is, or takes its answer too slowly.
pub(crate) struct Gone;

impl Pieces {
	/// An answer, and where its pieces go. It has a stream's place.
	pub(crate) fn open(place: Arc<Place>, limits: &Limits) -> (Body, Self) {
		let (to, from) = mpsc::channel(WAITING);
		let (limits, longest) = (limits.clone(), AtomicU64::new(0));
		(Body::stream(from), Self { to, limits, longest, _place: place })
	}

	/// Sends a piece.
	pub(crate) async fn send(&self, piece: Bytes) -> Result<(), Gone> {
		self.longest.fetch_max(piece.len() as u64, Ordering::Relaxed);
		let sent = self.to.send_timeout(Frame::data(piece), self.patience()).await;
		sent.map_err(|_| Gone)
	}

	/// Sends what follows the last piece.
	pub(crate) async fn end(self, trailers: HeaderMap) {
		// Nobody is told if the client is gone.
		let _ = self.to.send_timeout(Frame::trailers(trailers), self.patience()).await;
	}

	/// How long the pieces before the next one may take.
	fn patience(&self) -> Duration {
		let longest = self.longest.load(Ordering::Relaxed);
		self.limits.write_timeout.saturating_add(self.limits.time_of(longest))
	}

	/// Resolves when the client is gone.
	pub(crate) async fn closed(&self) {
		self.to.closed().await;
	}
}
