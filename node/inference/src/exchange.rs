//! Blobs over the network: models, proving keys and inputs come from other nodes of the chain.
//!
//! A blob is named by its hash and moves in chunks. Its *manifest*, the hashes of the chunks, comes
//! from a peer, and is no more than that peer's word: chunks are checked against it as they come, the
//! whole against the blob's name. Chunks come from several peers at once, a late one is asked for
//! again elsewhere, and what is here outlives the process. Who lies is reported and not asked again.
//!
//! | module | what |
//! |---|---|
//! | `message` | what peers say |
//! | `serve` | what other nodes get, and how much of it |
//! | `schedule` | who is asked for what, without network, disk or clock |
//! | `fetch` | one fetch |
//! | `partial` | the chunks that are here, on the disk |
//! | `peers` | the network, as far as it is needed |
//!
//! What is absent: the network itself. A node gives an implementation of [`Peers`] to
//! [`Exchange::run`], and what peers ask to [`Server::admit`].

mod bucket;
mod fetch;
mod message;
mod metrics;
mod partial;
mod peers;
mod schedule;
mod serve;
#[cfg(test)]
mod tests;
mod time;

pub use fetch::{FetchError, FetchLimits};
pub use message::{
	Manifest, ManifestError, Request, Response, CHUNK_BYTES, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES,
};
pub use metrics::Metrics;
pub use partial::PartialError;
pub use peers::{Misconduct, Peers, RequestError};
pub use serve::{Admission, ServeLimits, Server, Work};

use crate::{blobs::BlobStore, cache::Lru};
use aimodel_primitives::ids::BlobHash;
use fetch::{fetch, Context};
use futures::{stream::FuturesUnordered, FutureExt, StreamExt};
use parking_lot::Mutex;
use std::{
	collections::{HashMap, VecDeque},
	sync::Arc,
	time::{Duration, Instant},
};
use time::now;
use tokio::sync::Notify;

/// Failures that are remembered.
const FAILURES: u64 = 1024;

/// Part of a blob after which the log tells how far a fetch is, in percent.
const STEP: u64 = 10;

/// Who wants a blob.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
	/// The operator, by what it offers to serve or by hand.
	Operator,
	/// A customer, by the input of a request. Never takes the last place.
	Customer,
}

/// How far a blob is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Progress {
	/// It is in the store.
	Stored,
	/// It waits for its turn.
	Queued,
	/// It is being fetched.
	Fetching {
		/// Bytes that are here.
		received: u64,
		/// Bytes of the blob; 0 while that is not known.
		length: u64,
	},
	/// It did not come.
	Failed {
		/// Why.
		reason: String,
		/// How long it is not tried again.
		retry: Duration,
	},
	/// Too many wait already; ask again later.
	Full,
}

/// The fetching side: what is wanted, and how far it is. Cheap to clone.
///
/// Nothing is fetched unless somebody runs [`Exchange::run`].
#[derive(Clone)]
pub struct Exchange(Arc<Shared>);

struct Shared {
	store: Arc<BlobStore>,
	limits: FetchLimits,
	metrics: Metrics,
	table: Mutex<Table>,
	/// Something is wanted.
	wanted: Notify,
	/// A fetch ended.
	ended: Notify,
}

struct Table {
	waiting: VecDeque<Want>,
	/// Those under way, and how far they are.
	active: HashMap<BlobHash, (Purpose, u64, u64)>,
	failures: Lru<BlobHash, Failure>,
}

#[derive(Clone, Copy)]
struct Want {
	blob: BlobHash,
	at_most: u64,
	purpose: Purpose,
}

struct Failure {
	reason: String,
	/// The bytes that it might have had.
	at_most: u64,
	times: u32,
	again: Instant,
}

impl Exchange {
	/// Fetches into a store.
	pub fn new(store: Arc<BlobStore>, limits: FetchLimits, metrics: Metrics) -> Self {
		let table = Table {
			waiting: VecDeque::new(),
			active: HashMap::new(),
			failures: Lru::new(FAILURES),
		};
		Self(Arc::new(Shared {
			store,
			limits,
			metrics,
			table: Mutex::new(table),
			wanted: Notify::new(),
			ended: Notify::new(),
		}))
	}

	/// Asks for a blob of `at_most` bytes, and tells how far it is. May be repeated at any time: what
	/// failed is tried again only after a while.
	pub fn want(&self, blob: BlobHash, at_most: u64, purpose: Purpose) -> Progress {
		let mut table = self.0.table.lock();
		match self.progress_in(&table, &blob) {
			None => (),
			Some(Progress::Failed { retry, .. })
				if retry.is_zero() || table.failed_with_less(&blob, at_most) => {},
			Some(known) => {
				let mut waiting = table.waiting.iter_mut();
				if let Some(want) = waiting.find(|want| want.blob == blob) {
					want.at_most = want.at_most.max(at_most);
				}
				return known;
			},
		}
		if table.waiting.len() >= self.0.limits.queue {
			return Progress::Full;
		}
		table.waiting.push_back(Want { blob, at_most, purpose });
		drop(table);
		self.0.wanted.notify_one();
		Progress::Queued
	}

	/// The same without waiting after a failure.
	pub fn want_now(&self, blob: BlobHash, at_most: u64, purpose: Purpose) -> Progress {
		self.0.table.lock().failures.remove(&blob);
		self.want(blob, at_most, purpose)
	}

	/// How far a blob is; `None` if it is neither here nor wanted.
	pub fn progress(&self, blob: &BlobHash) -> Option<Progress> {
		self.progress_in(&self.0.table.lock(), blob)
	}

	/// Fetches a blob of `at_most` bytes: once it is in the store, or why it is not.
	pub async fn fetch(
		&self,
		blob: BlobHash,
		at_most: u64,
		purpose: Purpose,
	) -> Result<(), String> {
		let mut progress = self.want_now(blob, at_most, purpose);
		loop {
			let mut ended = std::pin::pin!(self.0.ended.notified());
			// What ends from here on is heard.
			ended.as_mut().enable();
			match progress {
				Progress::Stored => return Ok(()),
				Progress::Failed { reason, .. } => return Err(reason),
				Progress::Full => return Err("too many blobs wait already".into()),
				Progress::Queued | Progress::Fetching { .. } => (),
			}
			let now = self.progress(&blob);
			if matches!(now, Some(Progress::Queued | Progress::Fetching { .. })) {
				ended.await;
			}
			let less = self.0.table.lock().failed_with_less(&blob, at_most);
			progress = match self.progress(&blob) {
				Some(known) if !less => known,
				_ => self.want(blob, at_most, purpose),
			};
		}
	}

	/// Fetches what is wanted from these peers, until the future is dropped.
	pub async fn run<P: Peers>(self, peers: P) {
		let Shared { store, limits, metrics, .. } = &*self.0;
		if let Err(error) = partial::sweep(store) {
			log::warn!(target: "exchange", "what old fetches left can not be removed: {error}");
		}
		let context = Context::new(store.clone(), peers, *limits, metrics.clone());
		let mut active = FuturesUnordered::new();
		loop {
			while let Some(want) = self.next() {
				let (exchange, context) = (&self, &context);
				active.push(
					async move {
						let result = exchange.fetch_from(context, want).await;
						(want, result)
					}
					.boxed(),
				);
			}
			tokio::select! {
				Some((want, result)) = active.next(), if !active.is_empty() => self.end(want, result),
				() = self.0.wanted.notified() => (),
			}
		}
	}

	async fn fetch_from<P: Peers>(
		&self,
		context: &Context<P>,
		want: Want,
	) -> Result<u64, FetchError> {
		let Want { blob, at_most, .. } = want;
		let start = now();
		log::info!(target: "exchange", "📦 fetching blob {blob:?}");
		let told = Mutex::new(0);
		let progress = |received: u64, length: u64| {
			if let Some((_, here, whole)) = self.0.table.lock().active.get_mut(&blob) {
				(*here, *whole) = (received, length);
			}
			let percent = received.saturating_mul(100).checked_div(length).unwrap_or(100);
			let mut told = told.lock();
			if percent >= STEP.saturating_add(*told) && percent < 100 {
				*told = percent;
				log::info!(
					target: "exchange",
					"📦 fetching blob {blob:?}: {percent} %, {received} of {length} bytes",
				);
			}
		};
		let bytes = fetch(context, blob, at_most, progress).await?;
		let took = now().saturating_duration_since(start);
		log::info!(target: "exchange", "📦 fetched blob {blob:?}: {bytes} bytes, {took:?}");
		Ok(bytes)
	}

	/// The next that may begin, which is under way from now on.
	fn next(&self) -> Option<Want> {
		let places = self.0.limits.active.max(2);
		let mut table = self.0.table.lock();
		let free = places.saturating_sub(table.active.len());
		let may = |want: &Want| match want.purpose {
			Purpose::Operator => free > 0,
			Purpose::Customer => free > 1,
		};
		// Customers' inputs wait for what the operator serves.
		let operator = |want: &Want| want.purpose == Purpose::Operator && may(want);
		let at = table.waiting.iter().position(operator);
		let at = at.or_else(|| table.waiting.iter().position(may))?;
		let want = table.waiting.remove(at)?;
		table.active.insert(want.blob, (want.purpose, 0, 0));
		self.0.metrics.fetching(table.active.len());
		Some(want)
	}

	fn end(&self, want: Want, result: Result<u64, FetchError>) {
		let Want { blob, .. } = want;
		self.0.metrics.ended(result.is_ok());
		let mut table = self.0.table.lock();
		table.active.remove(&blob);
		self.0.metrics.fetching(table.active.len());
		match result {
			Ok(_) => {
				table.failures.remove(&blob);
			},
			Err(error) => {
				let before = table.failures.peek(&blob).map_or(0, |failure| failure.times);
				let limits = &self.0.limits;
				let wait =
					limits.retry.saturating_mul(1 << before.min(16)).min(limits.longest_retry);
				log::warn!(target: "exchange", "blob {blob:?} did not come: {error}; again in {wait:?}");
				let now = now();
				let failure = Failure {
					reason: error.to_string(),
					at_most: want.at_most,
					times: before.saturating_add(1),
					again: now.checked_add(wait).unwrap_or(now),
				};
				table.failures.insert(blob, failure, 1);
			},
		}
		drop(table);
		self.0.ended.notify_waiters();
	}

	fn progress_in(&self, table: &Table, blob: &BlobHash) -> Option<Progress> {
		if self.0.store.contains(blob) {
			return Some(Progress::Stored);
		}
		if let Some((_, received, length)) = table.active.get(blob) {
			return Some(Progress::Fetching { received: *received, length: *length });
		}
		if table.waits(blob) {
			return Some(Progress::Queued);
		}
		let failure = table.failures.peek(blob)?;
		let retry = failure.again.saturating_duration_since(now());
		Some(Progress::Failed { reason: failure.reason.clone(), retry })
	}
}

impl Table {
	fn waits(&self, blob: &BlobHash) -> bool {
		self.waiting.iter().any(|want| want.blob == *blob)
	}

	/// Whether a blob did not come when it was to have fewer bytes: it may have been too long.
	fn failed_with_less(&self, blob: &BlobHash, at_most: u64) -> bool {
		self.failures.peek(blob).is_some_and(|failure| failure.at_most < at_most)
	}
}
