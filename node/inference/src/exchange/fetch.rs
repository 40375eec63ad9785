//! One fetch: asks peers as the [schedule](super::schedule) says, and writes what comes.

use super::{
	message::{Manifest, ManifestError, Request, Response},
	metrics::Metrics,
	partial::{Partial, PartialError},
	peers::{Misconduct, Peers, RequestError},
	schedule::{Ask, Pace, Schedule},
	time::{blocking, now, sleep_until},
};
use crate::blobs::{BlobError, BlobStore};
use aimodel_primitives::ids::BlobHash;
use codec::Encode;
use futures::{
	future::{select, BoxFuture, Either},
	stream::FuturesUnordered,
	FutureExt, StreamExt,
};
use parking_lot::Mutex;
use std::{
	collections::HashMap,
	pin::pin,
	sync::Arc,
	time::{Duration, Instant},
};

/// The most peers whose misconduct is remembered; the oldest are forgotten first.
const BANNED: usize = 1024;

/// How much is fetched, and how patiently.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
	/// Blobs that are fetched at the same time. Inputs of requests leave one place to the rest.
	pub active: usize,
	/// Blobs that wait for their turn.
	pub queue: usize,
	/// Bytes that the blob store may hold before nothing more is fetched into it.
	pub store_bytes: u64,
	/// Chunks of a blob that are under way.
	pub in_flight: usize,
	/// Chunks of a blob that are under way from one peer.
	pub window: u32,
	/// How long a peer has for an answer before its chunk is given to another.
	pub answer: Duration,
	/// After so long a chunk is asked for a second time, from a peer that has nothing else to do.
	pub hedge: Duration,
	/// How long the first manifest waits for others to be compared with.
	pub gather: Duration,
	/// How long a peer that failed is left alone.
	pub rest: Duration,
	/// How long a peer that has not got the blob is left alone.
	pub leave: Duration,
	/// How often it is looked for new peers.
	pub refresh: Duration,
	/// How long a fetch that gets nothing goes on. What is here stays for the next one.
	pub patience: Duration,
	/// How long a peer that lied is not asked for anything.
	pub ban: Duration,
	/// How long to wait after the first failure of a fetch; twice as long after each that follows.
	pub retry: Duration,
	/// The longest wait after a failure.
	pub longest_retry: Duration,
}

impl Default for FetchLimits {
	fn default() -> Self {
		let seconds = Duration::from_secs;
		Self {
			active: 4,
			queue: 256,
			store_bytes: 64 << 30,
			in_flight: 16,
			window: 4,
			answer: seconds(15),
			hedge: seconds(4),
			gather: seconds(1),
			rest: seconds(3),
			leave: seconds(30),
			refresh: seconds(5),
			patience: seconds(60),
			ban: seconds(1800),
			retry: seconds(5),
			longest_retry: seconds(300),
		}
	}
}

impl FetchLimits {
	fn pace(&self) -> Pace {
		Pace {
			in_flight: self.in_flight.max(1),
			window: self.window.max(1),
			gather: self.gather,
			hedge: self.hedge,
			rest: self.rest,
			leave: self.leave,
		}
	}
}

/// Why a blob did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
	/// Nobody to ask.
	#[error("no peer is connected that can be asked for it")]
	NoPeers,
	/// Nobody has it.
	#[error("none of {asked} peers has it")]
	Unknown {
		/// How many peers there are.
		asked: usize,
	},
	/// Nobody gives any more of it.
	#[error("nobody sends more of it: {received} of {length} bytes are here, and the next try goes on from them")]
	Stalled {
		/// Bytes that are here.
		received: u64,
		/// Bytes of the blob, as far as is known.
		length: u64,
	},
	/// Peers say that it is longer than what is taken.
	#[error("peers offer {length} bytes by this name; {limit} is the most")]
	TooLarge {
		/// The length that a peer says.
		length: u64,
		/// The bound.
		limit: u64,
	},
	/// It can not be put together.
	#[error(transparent)]
	Partial(#[from] PartialError),
}

/// What all fetches share.
pub(super) struct Context<P: Peers> {
	pub(super) store: Arc<BlobStore>,
	pub(super) peers: P,
	pub(super) limits: FetchLimits,
	pub(super) metrics: Metrics,
	/// Who lied, and when.
	banned: Mutex<HashMap<P::Id, Instant>>,
}

impl<P: Peers> Context<P> {
	pub(super) fn new(
		store: Arc<BlobStore>,
		peers: P,
		limits: FetchLimits,
		metrics: Metrics,
	) -> Self {
		Self { store, peers, limits, metrics, banned: Mutex::default() }
	}

	/// The peers that are connected and did not lie of late.
	async fn honest(&self) -> Vec<P::Id> {
		let mut peers = self.peers.connected().await;
		let now = now();
		let mut banned = self.banned.lock();
		banned.retain(|_, since| now.saturating_duration_since(*since) < self.limits.ban);
		peers.retain(|peer| !banned.contains_key(peer));
		peers
	}

	fn convict(&self, peer: &P::Id, misconduct: Misconduct) {
		log::warn!(target: "exchange", "peer {peer:?} is not asked any more: {misconduct:?}");
		self.metrics.convicted();
		self.peers.report(peer, misconduct);
		let mut banned = self.banned.lock();
		if banned.len() >= BANNED {
			let oldest = banned.iter().min_by_key(|(_, since)| **since);
			if let Some(oldest) = oldest.map(|(peer, _)| peer.clone()) {
				banned.remove(&oldest);
			}
		}
		banned.insert(peer.clone(), now());
	}
}

/// What a peer answered.
type Answered<Id> = (Ask<Id>, Result<Vec<u8>, RequestError>);

/// One fetch under way.
struct Fetch<'c, P: Peers, F> {
	context: &'c Context<P>,
	blob: BlobHash,
	at_most: u64,
	schedule: Schedule<P::Id>,
	partial: Option<Partial>,
	asked: FuturesUnordered<BoxFuture<'static, Answered<P::Id>>>,
	/// When a chunk came last.
	moved: Instant,
	/// When the peers are looked at again.
	refresh: Instant,
	/// The length of an offer that was too long.
	too_large: Option<FetchError>,
	progress: F,
}

/// Fetches a blob of `at_most` bytes into the store. `progress` hears how many bytes of how many are
/// here.
pub(super) async fn fetch<P: Peers, F: Fn(u64, u64)>(
	context: &Context<P>,
	blob: BlobHash,
	at_most: u64,
	progress: F,
) -> Result<u64, FetchError> {
	let (store, limit) = (context.store.clone(), context.limits.store_bytes);
	let at_most = at_most.min(store.max_bytes());
	let partial = blocking(move || Partial::resume(&store, blob, at_most, limit)).await?;
	let resumed = partial.as_ref().map(|partial| partial.manifest().clone());
	let mut schedule = Schedule::new(context.limits.pace(), resumed);
	if let Some(partial) = &partial {
		schedule.miss(partial.missing());
		progress(partial.received(), partial.manifest().length);
	}
	let now = now();
	let fetch = Fetch {
		context,
		blob,
		at_most,
		schedule,
		partial,
		asked: FuturesUnordered::new(),
		moved: now,
		refresh: now,
		too_large: None,
		progress,
	};
	fetch.run().await
}

impl<P: Peers, F: Fn(u64, u64)> Fetch<'_, P, F> {
	async fn run(mut self) -> Result<u64, FetchError> {
		loop {
			if now() >= self.refresh {
				let peers = self.context.honest().await;
				self.schedule.connected(peers, now());
				self.refresh = after(now(), self.context.limits.refresh);
			}
			if let Some(manifest) = self.schedule.choose(now()) {
				self.go_by(manifest).await?;
			}
			if self.schedule.is_complete() && self.finish().await? {
				return Ok(self.partial.as_ref().map_or(0, |partial| partial.manifest().length));
			}
			while let Some(ask) = self.schedule.next(now()) {
				let request = self.request(ask);
				self.asked.push(request);
			}
			self.check_hope()?;
			let wake = self.schedule.wake(now()).map_or(self.refresh, |at| at.min(self.refresh));
			let answered = tokio::select! {
				Some(answered) = self.asked.next(), if !self.asked.is_empty() => Some(answered),
				() = sleep_until(wake) => None,
			};
			if let Some((ask, answer)) = answered {
				self.take(ask, answer).await?;
			}
		}
	}

	/// Ends a fetch that nobody can help.
	fn check_hope(&mut self) -> Result<(), FetchError> {
		let silent = now().saturating_duration_since(self.moved);
		let patient = silent < self.context.limits.patience;
		if patient && (!self.asked.is_empty() || self.schedule.has_hope()) {
			return Ok(());
		}
		match &self.partial {
			// Somebody may come who has the rest.
			Some(_) if patient => Ok(()),
			Some(partial) => Err(FetchError::Stalled {
				received: partial.received(),
				length: partial.manifest().length,
			}),
			None => Err(match (self.too_large.take(), self.schedule.peers()) {
				(Some(error), _) => error,
				(None, 0) => FetchError::NoPeers,
				(None, asked) => FetchError::Unknown { asked },
			}),
		}
	}

	fn request(&self, ask: Ask<P::Id>) -> BoxFuture<'static, Answered<P::Id>> {
		let (peer, request) = match &ask {
			Ask::Manifest(peer) => (peer, Request::Manifest(self.blob)),
			Ask::Chunk(peer, index) => (peer, Request::Chunk { blob: self.blob, index: *index }),
		};
		let answer = self.context.peers.request(peer, request.encode());
		let deadline = after(now(), self.context.limits.answer);
		async move {
			let answer = match select(answer, pin!(sleep_until(deadline))).await {
				Either::Left((answer, _)) => answer,
				Either::Right(_) => Err(RequestError::TimedOut),
			};
			(ask, answer)
		}
		.boxed()
	}

	async fn take(
		&mut self,
		ask: Ask<P::Id>,
		answer: Result<Vec<u8>, RequestError>,
	) -> Result<(), FetchError> {
		let (peer, index) = match &ask {
			Ask::Manifest(peer) => (peer, None),
			Ask::Chunk(peer, index) => (peer, Some(*index)),
		};
		if let Some(index) = index {
			self.schedule.answered(peer, index);
		}
		let answer = match answer {
			Ok(bytes) => bytes,
			Err(error) => {
				log::debug!(target: "exchange", "blob {:?}: {peer:?}: {error}", self.blob);
				self.schedule.failed(peer, now());
				return Ok(());
			},
		};
		match (Response::read(&answer), index) {
			(Ok(Response::Unknown), _) => self.schedule.lacks(peer, now()),
			(Ok(Response::Busy { millis }), _) => {
				self.schedule.busy(peer, Duration::from_millis(millis.into()), now());
			},
			(Ok(Response::Manifest(manifest)), None) => self.take_manifest(peer, manifest),
			(Ok(Response::Chunk(bytes)), Some(index)) => {
				return self.take_chunk(peer, index, bytes).await;
			},
			_ => self.ban(peer, Misconduct::Malformed),
		}
		Ok(())
	}

	fn take_manifest(&mut self, peer: &P::Id, manifest: Manifest) {
		match manifest.check(self.at_most) {
			// Only chunks count as progress: manifests can be made up without end.
			Ok(()) => self.schedule.offered(peer, manifest, now()),
			// The customer who named the blob may have lied about its length, and not the peer.
			Err(ManifestError::TooLarge { length, limit }) => {
				self.too_large = Some(FetchError::TooLarge { length, limit });
				self.schedule.lacks(peer, now());
			},
			Err(ManifestError::ChunkCount { .. }) => self.ban(peer, Misconduct::WrongManifest),
		}
	}

	async fn take_chunk(
		&mut self,
		peer: &P::Id,
		index: u32,
		bytes: Vec<u8>,
	) -> Result<(), FetchError> {
		let length = bytes.len() as u64;
		// By its own manifest, which may not be the current one any more.
		let Some(claimed) = self.schedule.manifest_of(peer).cloned() else { return Ok(()) };
		let Some(mut partial) = self.partial.take() else { return Ok(()) };
		let missing = self.schedule.is_missing(index);
		let (partial, admitted) = blocking(move || {
			let admitted = claimed.admits(index, &bytes);
			let useful = admitted && missing && partial.manifest().agrees(&claimed, index);
			if useful {
				partial.write(index, &bytes)?;
			}
			Ok::<_, PartialError>((partial, admitted.then_some(useful)))
		})
		.await?;
		match admitted {
			Some(true) => {
				self.moved = now();
				self.schedule.received(peer, index);
				self.context.metrics.fetched(length);
				(self.progress)(partial.received(), partial.manifest().length);
			},
			Some(false) => self.context.metrics.wasted(length),
			None => {
				self.context.metrics.wasted(length);
				self.ban(peer, Misconduct::WrongChunk);
			},
		}
		self.partial = Some(partial);
		Ok(())
	}

	/// Goes on by another manifest than before, if there was one.
	async fn go_by(&mut self, manifest: Arc<Manifest>) -> Result<(), FetchError> {
		let (store, blob, limit) =
			(self.context.store.clone(), self.blob, self.context.limits.store_bytes);
		let before = self.partial.take();
		let partial = blocking(move || match before {
			None => Partial::create(&store, blob, manifest, limit),
			Some(mut partial) => partial.adopt(manifest).map(|()| partial),
		})
		.await?;
		self.schedule.miss(partial.missing());
		(self.progress)(partial.received(), partial.manifest().length);
		self.partial = Some(partial);
		Ok(())
	}

	/// Makes it a blob, now that all chunks are here. `false`: the manifest was wrong.
	async fn finish(&mut self) -> Result<bool, FetchError> {
		let Some(mut partial) = self.partial.take() else { return Ok(false) };
		let (partial, finished) = blocking(move || {
			let finished = partial.finish();
			Ok::<_, PartialError>((partial, finished))
		})
		.await?;
		let wrong = match finished {
			Ok(()) => false,
			Err(PartialError::Blob(BlobError::WrongHash { .. })) => true,
			Err(error) => return Err(error.into()),
		};
		if !wrong {
			self.partial = Some(partial);
			return Ok(true);
		}
		let givers = self.schedule.convict();
		if givers.is_empty() {
			// They are gone; what they left behind helps nobody.
			log::warn!(target: "exchange", "blob {:?}: a peer that is gone gave a wrong manifest", self.blob);
		}
		for peer in givers {
			self.context.convict(&peer, Misconduct::WrongManifest);
		}
		self.partial = Some(partial);
		Ok(false)
	}

	fn ban(&mut self, peer: &P::Id, misconduct: Misconduct) {
		self.schedule.ban(peer);
		self.context.convict(peer, misconduct);
	}
}

fn after(at: Instant, wait: Duration) -> Instant {
	at.checked_add(wait).unwrap_or(at)
}
