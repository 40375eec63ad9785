//! The serving side: what other nodes get.

use super::{
	bucket::Bucket,
	message::{Manifest, Request, Response, CHUNK_BYTES},
	metrics::{Answer, Metrics},
};
use crate::{
	blobs::{BlobError, BlobStore},
	cache::Lru,
};
use aimodel_primitives::ids::BlobHash;
use codec::Encode;
use parking_lot::Mutex;
use std::{
	collections::HashMap,
	hash::Hash,
	sync::Arc,
	time::{Duration, Instant},
};

/// Peers whose consumption is remembered before those who took nothing of late are forgotten.
const REMEMBERED: usize = 256;

/// What a request costs its peer besides the bytes that it gets.
const REQUEST_COST: u64 = 1 << 10;

/// What fits into a bucket in any case: a chunk, and what the request for it costs.
const LEAST: u64 = CHUNK_BYTES as u64 + REQUEST_COST;

/// A manifest that has to be made costs its peer this fraction of the blob besides.
const MAKING_COST: u64 = 16;

/// How long to wait while another manifest is being made, or all requests are taken.
const CROWDED: Duration = Duration::from_millis(500);

/// How much is served.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
	/// Bytes that a peer gets in a second.
	pub peer_rate: u64,
	/// Bytes that all peers get in a second.
	pub rate: u64,
	/// Requests of a peer that are answered at the same time.
	pub peer_requests: usize,
	/// Requests that are answered at the same time.
	pub requests: usize,
	/// Bytes of manifests that are kept, 32 for each chunk of a blob.
	pub manifest_bytes: u64,
}

impl Default for ServeLimits {
	fn default() -> Self {
		Self {
			peer_rate: 8 << 20,
			rate: 32 << 20,
			peer_requests: 8,
			requests: 32,
			manifest_bytes: 16 << 20,
		}
	}
}

/// Gives blobs to other nodes, within limits.
///
/// Whoever knows a blob's hash gets it, as over the public RPC; of models whose parameters are private
/// nobody is told anything. What is given was hashed before: a file that was damaged on the disk makes
/// no liar of this node.
pub struct Server<P> {
	store: Arc<BlobStore>,
	limits: ServeLimits,
	state: Mutex<State<P>>,
	/// `None`: the blob is given to nobody.
	manifests: Mutex<Lru<BlobHash, Option<Arc<Manifest>>>>,
	/// Held while a manifest is made: at most one reads a whole blob at a time.
	making: Mutex<()>,
	metrics: Metrics,
}

struct State<P> {
	peers: HashMap<P, Usage>,
	all: Bucket,
	requests: usize,
}

struct Usage {
	bucket: Bucket,
	requests: usize,
}

/// What is to be done about a request.
pub enum Admission<P: Clone + Eq + Hash> {
	/// Answer this.
	Answer(Vec<u8>),
	/// Do this where blocking is allowed.
	Work(Work<P>),
	/// It is no request: no honest peer sends it.
	Malformed,
}

/// A request that reads the disk. It counts against the limits while it lives.
pub struct Work<P: Clone + Eq + Hash> {
	server: Arc<Server<P>>,
	peer: P,
	request: Request,
}

impl<P: Clone + Eq + Hash> Server<P> {
	/// Serves a store.
	pub fn new(store: Arc<BlobStore>, limits: ServeLimits, metrics: Metrics) -> Arc<Self> {
		let all = Bucket::new(limits.rate, LEAST, Instant::now());
		Arc::new(Self {
			store,
			limits,
			state: Mutex::new(State { peers: HashMap::new(), all, requests: 0 }),
			manifests: Mutex::new(Lru::new(limits.manifest_bytes)),
			making: Mutex::default(),
			metrics,
		})
	}

	/// Decides about what a peer sent. Cheap.
	pub fn admit(self: &Arc<Self>, peer: &P, request: &[u8], now: Instant) -> Admission<P> {
		let Ok(request) = Request::read(request) else {
			self.metrics.answered(Answer::Malformed);
			return Admission::Malformed;
		};
		let (Request::Manifest(blob) | Request::Chunk { blob, .. }) = request;
		let withheld = matches!(self.manifests.lock().peek(&blob), Some(None));
		let length = self.store.size(&blob).ok().filter(|_| !withheld);
		let Some(length) = length else {
			return Admission::Answer(self.say(Answer::Unknown, Response::Unknown));
		};
		let chunk = u64::from(CHUNK_BYTES);
		let bytes = match request {
			Request::Manifest(_) => length.div_ceil(chunk).saturating_mul(32),
			Request::Chunk { index, .. } => {
				length.saturating_sub(chunk.saturating_mul(index.into())).min(chunk)
			},
		};
		let cost = bytes.saturating_add(REQUEST_COST);
		match self.state.lock().admit(peer, cost, &self.limits, now) {
			Ok(()) => {
				let (server, peer) = (self.clone(), peer.clone());
				Admission::Work(Work { server, peer, request })
			},
			Err(wait) => Admission::Answer(self.busy(wait)),
		}
	}

	fn busy(&self, wait: Duration) -> Vec<u8> {
		// Rounded up: who comes back then does not come too early.
		let millis = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
		self.say(Answer::Busy, Response::Busy { millis })
	}

	fn say(&self, answer: Answer, response: Response) -> Vec<u8> {
		self.metrics.answered(answer);
		response.encode()
	}

	/// The manifest of a blob, made if need be. `Ok(None)`: the blob is given to nobody.
	fn manifest(&self, peer: &P, blob: &BlobHash) -> Result<Option<Arc<Manifest>>, Unserved> {
		if let Some(known) = self.manifests.lock().get(blob) {
			return Ok(known.clone());
		}
		let Some(_making) = self.making.try_lock() else { return Err(Unserved::Crowded) };
		if self.store.is_private_model(blob)? {
			self.manifests.lock().insert(*blob, None, 32);
			return Ok(None);
		}
		let start = Instant::now();
		let mut file = self.store.open_blob(blob)?;
		let (manifest, found) = Manifest::of(&mut file)
			.map_err(|source| BlobError::Io { path: self.store.root().into(), source })?;
		self.store.check(blob, found)?;
		let length = manifest.length;
		self.state.lock().charge(peer, length / MAKING_COST);
		log::debug!(target: "exchange", "manifest of blob {blob:?}: {length} bytes, {:?}", start.elapsed());
		let (manifest, weight) =
			(Arc::new(manifest), 32u64.saturating_add(length / (u64::from(CHUNK_BYTES) / 32)));
		self.manifests.lock().insert(*blob, Some(manifest.clone()), weight);
		Ok(Some(manifest))
	}

	fn answer(&self, peer: &P, request: Request) -> Result<Option<Response>, Unserved> {
		match request {
			Request::Manifest(blob) => {
				let manifest = self.manifest(peer, &blob)?;
				Ok(manifest.map(|manifest| Response::Manifest(Manifest::clone(&manifest))))
			},
			Request::Chunk { blob, index } => {
				let Some(manifest) = self.manifest(peer, &blob)? else { return Ok(None) };
				let Some(range) = manifest.range(index) else { return Ok(None) };
				let bytes = self.store.piece(&blob, range.start, CHUNK_BYTES)?;
				if !manifest.admits(index, &bytes) {
					self.manifests.lock().remove(&blob);
					return Err(Unserved::Damaged(blob));
				}
				self.metrics.served(bytes.len() as u64);
				Ok(Some(Response::Chunk(bytes)))
			},
		}
	}
}

impl<P: Clone + Eq + Hash> Work<P> {
	/// The encoded answer. Reads the disk, in the worst case a whole blob.
	pub fn answer(self) -> Vec<u8> {
		let server = &self.server;
		match server.answer(&self.peer, self.request) {
			Ok(Some(response)) => server.say(Answer::Given, response),
			Ok(None) => server.say(Answer::Unknown, Response::Unknown),
			Err(Unserved::Crowded) => server.busy(CROWDED),
			Err(error) => {
				// Removed meanwhile, or damaged: a fetch of our own can bring it back.
				log::warn!(target: "exchange", "a peer gets no answer: {error}");
				server.say(Answer::Unknown, Response::Unknown)
			},
		}
	}
}

impl<P: Clone + Eq + Hash> Drop for Work<P> {
	fn drop(&mut self) {
		let mut state = self.server.state.lock();
		state.requests = state.requests.saturating_sub(1);
		if let Some(usage) = state.peers.get_mut(&self.peer) {
			usage.requests = usage.requests.saturating_sub(1);
		}
	}
}

impl<P: Clone + Eq + Hash> State<P> {
	/// Counts a request, or says when to come again.
	fn admit(
		&mut self,
		peer: &P,
		cost: u64,
		limits: &ServeLimits,
		now: Instant,
	) -> Result<(), Duration> {
		if self.peers.len() >= REMEMBERED && !self.peers.contains_key(peer) {
			self.peers.retain(|_, usage| usage.requests > 0 || !usage.bucket.is_full(now));
		}
		let usage = self.peers.entry(peer.clone()).or_insert_with(|| Usage {
			bucket: Bucket::new(limits.peer_rate, LEAST, now),
			requests: 0,
		});
		if usage.requests >= limits.peer_requests || self.requests >= limits.requests {
			return Err(CROWDED);
		}
		let wait = usage.bucket.wait(cost, now).max(self.all.wait(cost, now));
		if !wait.is_zero() {
			return Err(wait);
		}
		usage.bucket.take(cost);
		self.all.take(cost);
		usage.requests = usage.requests.saturating_add(1);
		self.requests = self.requests.saturating_add(1);
		Ok(())
	}

	/// Charges a peer for what became known only later.
	fn charge(&mut self, peer: &P, cost: u64) {
		if let Some(usage) = self.peers.get_mut(peer) {
			usage.bucket.take(cost);
		}
	}
}

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
enum Unserved {
	/// Another manifest is being made.
	#[error("another manifest is being made")]
	Crowded,
	/// The file is not what it was.
	#[error("the file of blob {0:?} is damaged")]
	Damaged(BlobHash),
	/// The blob store refuses.
	#[error(transparent)]
	Blob(#[from] BlobError),
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::blobs::name;
	use std::fs;
	use tempfile::TempDir;
	use zkonnx::rand::{rngs::StdRng, SeedableRng};

	const CHUNK: usize = CHUNK_BYTES as usize;

	struct World {
		_folder: TempDir,
		store: Arc<BlobStore>,
		server: Arc<Server<u8>>,
		now: Instant,
	}

	impl World {
		fn with(limits: ServeLimits) -> Self {
			let folder = tempfile::tempdir().unwrap();
			let store = Arc::new(BlobStore::open(folder.path(), 64 << 20).unwrap());
			let server = Server::new(store.clone(), limits, Metrics::default());
			Self { _folder: folder, store, server, now: Instant::now() }
		}

		fn ask(&self, peer: u8, request: Request) -> Response {
			match self.server.admit(&peer, &request.encode(), self.now) {
				Admission::Answer(bytes) => Response::read(&bytes).unwrap(),
				Admission::Work(work) => Response::read(&work.answer()).unwrap(),
				Admission::Malformed => panic!("malformed"),
			}
		}

		fn path(&self, blob: BlobHash) -> std::path::PathBuf {
			self.store.root().join(name(&blob))
		}
	}

	fn bytes(length: usize) -> Vec<u8> {
		(0..length).map(|at| (at / 999) as u8).collect()
	}

	#[test]
	fn a_blob_is_given_by_manifest_and_chunks() {
		let world = World::with(ServeLimits::default());
		let bytes = bytes(2 * CHUNK + 5);
		let blob = world.store.put(&bytes).unwrap();
		let Response::Manifest(manifest) = world.ask(1, Request::Manifest(blob)) else { panic!() };
		assert_eq!((manifest.length, manifest.count()), (bytes.len() as u64, 3));
		for (index, piece) in (0..).zip(bytes.chunks(CHUNK)) {
			let Response::Chunk(chunk) = world.ask(1, Request::Chunk { blob, index }) else {
				panic!()
			};
			assert!(chunk == piece && manifest.admits(index, &chunk));
		}
		assert_eq!(world.ask(1, Request::Chunk { blob, index: 3 }), Response::Unknown);
	}

	#[test]
	fn an_empty_blob_is_a_manifest_without_chunks() {
		let world = World::with(ServeLimits::default());
		let blob = world.store.put(&[]).unwrap();
		let empty = Manifest { length: 0, chunks: vec![] };
		assert_eq!(world.ask(1, Request::Manifest(blob)), Response::Manifest(empty));
	}

	#[test]
	fn what_is_not_here_and_what_is_no_request_costs_nothing() {
		let world = World::with(ServeLimits { peer_rate: 1, ..Default::default() });
		for _ in 0..1000 {
			let blob = BlobHash::repeat_byte(1);
			assert_eq!(world.ask(1, Request::Manifest(blob)), Response::Unknown);
			assert_eq!(world.ask(1, Request::Chunk { blob, index: 0 }), Response::Unknown);
		}
		assert!(matches!(world.server.admit(&1, b"?", world.now), Admission::Malformed));
		let blob = world.store.put(&[1]).unwrap();
		assert!(matches!(world.ask(1, Request::Manifest(blob)), Response::Manifest(_)));
	}

	#[test]
	fn of_a_model_with_private_parameters_nobody_is_told() {
		let world = World::with(ServeLimits::default());
		let network = include_bytes!("../../../../examples/digits/digits.provable.onnx");
		let private = zkonnx::hide_parameters(network, &mut StdRng::seed_from_u64(7)).unwrap();
		let blob = world.store.put(&private).unwrap();
		assert!(world.store.is_private_model(&blob).unwrap());
		for _ in 0..2 {
			assert_eq!(world.ask(1, Request::Chunk { blob, index: 0 }), Response::Unknown);
			assert_eq!(world.ask(1, Request::Manifest(blob)), Response::Unknown);
		}
	}

	#[test]
	fn a_peer_gets_so_many_bytes_a_second_and_others_theirs() {
		let limits = ServeLimits { peer_rate: LEAST, ..Default::default() };
		let mut world = World::with(limits);
		let blob = world.store.put(&bytes(CHUNK)).unwrap();
		let chunk = Request::Chunk { blob, index: 0 };
		// Two seconds' worth at once, of which making the manifest took a little.
		assert!(matches!(world.ask(1, chunk), Response::Chunk(_)));
		let Response::Busy { millis } = world.ask(1, chunk) else { panic!() };
		assert!((1..1000).contains(&millis), "{millis}");
		assert!(matches!(world.ask(2, chunk), Response::Chunk(_)));
		world.now += Duration::from_millis(millis.into());
		assert!(matches!(world.ask(1, chunk), Response::Chunk(_)));
		assert!(matches!(world.ask(1, chunk), Response::Busy { .. }));
	}

	#[test]
	fn all_peers_together_get_so_many_bytes_a_second() {
		let world = World::with(ServeLimits { rate: LEAST, ..Default::default() });
		let blob = world.store.put(&bytes(CHUNK)).unwrap();
		let chunk = Request::Chunk { blob, index: 0 };
		for peer in [1, 2] {
			assert!(matches!(world.ask(peer, chunk), Response::Chunk(_)));
		}
		assert!(matches!(world.ask(3, chunk), Response::Busy { .. }));
	}

	#[test]
	fn requests_under_way_are_bounded_for_each_and_for_all() {
		let limits = ServeLimits { peer_requests: 1, requests: 2, ..Default::default() };
		let world = World::with(limits);
		let blob = world.store.put(&bytes(9)).unwrap();
		let request = Request::Manifest(blob).encode();
		let admit = |peer| world.server.admit(&peer, &request, world.now);
		let first = admit(1);
		assert!(matches!(first, Admission::Work(_)));
		assert!(matches!(admit(1), Admission::Answer(_)));
		let second = admit(2);
		assert!(matches!(second, Admission::Work(_)));
		assert!(matches!(admit(3), Admission::Answer(_)));
		drop(first);
		assert!(matches!(admit(1), Admission::Work(_)));
	}

	#[test]
	fn whoever_has_a_manifest_made_pays_for_it() {
		let limits = ServeLimits { peer_rate: 100 << 10, ..Default::default() };
		let world = World::with(limits);
		let blob = world.store.put(&bytes(30 * CHUNK)).unwrap();
		let request = Request::Manifest(blob);
		assert!(matches!(world.ask(1, request), Response::Manifest(_)));
		assert!(matches!(world.ask(1, request), Response::Busy { .. }));
		for _ in 0..2 {
			// It is made.
			assert!(matches!(world.ask(2, request), Response::Manifest(_)));
		}
	}

	#[test]
	fn a_damaged_file_is_not_given() {
		let world = World::with(ServeLimits::default());
		let good = bytes(2 * CHUNK);
		let blob = world.store.put(&good).unwrap();
		assert!(matches!(world.ask(1, Request::Manifest(blob)), Response::Manifest(_)));
		let mut bad = good.clone();
		bad[CHUNK + 3] ^= 1;
		fs::write(world.path(blob), &bad).unwrap();
		let second = Request::Chunk { blob, index: 1 };
		assert_eq!(world.ask(1, second), Response::Unknown);
		// Asked again, the whole is hashed, and set aside.
		assert_eq!(world.ask(1, second), Response::Unknown);
		assert!(!world.store.contains(&blob));
		world.store.put(&good).unwrap();
		assert!(matches!(world.ask(1, second), Response::Chunk(_)));
	}

	#[test]
	fn peers_that_took_nothing_of_late_are_forgotten() {
		let mut world = World::with(ServeLimits::default());
		let blob = world.store.put(&bytes(9)).unwrap();
		for peer in 0..=255 {
			world.ask(peer, Request::Manifest(blob));
			world.now += Duration::from_secs(1);
		}
		world.now += Duration::from_secs(3600);
		let server =
			Server::<u16>::new(world.store.clone(), ServeLimits::default(), Metrics::default());
		for peer in 0..1000 {
			let now = world.now + Duration::from_secs(peer.into());
			drop(server.admit(&peer, &Request::Manifest(blob).encode(), now));
		}
		assert!(server.state.lock().peers.len() <= REMEMBERED);
	}
}
