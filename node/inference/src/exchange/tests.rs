//! Fetches from peers in the same process: honest ones, and all others.

use super::*;
use codec::Encode;
use futures::{
	executor::{LocalPool, LocalSpawner},
	future::{BoxFuture, RemoteHandle},
	task::LocalSpawnExt,
};
use std::{
	cell::RefCell,
	collections::BTreeMap,
	future::Future,
	sync::atomic::{AtomicUsize, Ordering},
};
use tempfile::TempDir;

const CHUNK: usize = CHUNK_BYTES as usize;

/// The largest blob.
const LIMIT: u64 = 64 << 20;

thread_local! {
	static SPAWNER: RefCell<Option<LocalSpawner>> = const { RefCell::new(None) };
}

/// Plays a scenario. Where nothing happens any more, time passes until something does.
fn scenario(scenario: impl Future<Output = ()> + 'static) {
	let mut pool = LocalPool::new();
	SPAWNER.set(Some(pool.spawner()));
	let mut played = spawn(scenario);
	loop {
		pool.run_until_stalled();
		if (&mut played).now_or_never().is_some() {
			return;
		}
		assert!(time::pass(), "nothing will ever happen");
	}
}

/// Runs beside the scenario until the handle is dropped.
fn spawn(future: impl Future<Output = ()> + 'static) -> RemoteHandle<()> {
	SPAWNER
		.with_borrow(|spawner| spawner.as_ref().unwrap().spawn_local_with_handle(future).unwrap())
}

async fn sleep(duration: Duration) {
	time::sleep_until(now() + duration).await;
}

/// How a peer behaves.
#[derive(Clone, Debug)]
enum Conduct {
	Honest,
	/// Has nothing.
	Ignorant,
	/// Never answers.
	Silent,
	/// Answers after so long.
	Slow(Duration),
	/// Is gone after so many answers.
	Leaves(usize),
	/// Gives the manifest of this blob instead, and its chunks.
	OtherBlob(Vec<u8>),
	/// Damages this chunk on the way.
	WrongChunk(u32),
	/// Gives another manifest whenever it is asked, and no chunk.
	Fickle,
	/// Says this in any case.
	Says(Vec<u8>),
	/// Keeps others waiting so many times.
	Busy(usize),
}

struct Peer {
	conduct: Mutex<Conduct>,
	server: Option<Arc<Server<u8>>>,
	/// What it was asked for.
	asked: Arc<AtomicUsize>,
	chunks: Arc<AtomicUsize>,
	_folder: TempDir,
}

/// The peers, which outlive the node that asks them.
#[derive(Clone, Default)]
struct Network(Arc<Mutex<BTreeMap<u8, Arc<Peer>>>>, Arc<Mutex<Vec<(u8, Misconduct)>>>);

impl Network {
	/// A peer that holds a blob, and behaves so.
	fn join(&self, name: u8, conduct: Conduct, blob: &[u8]) {
		let folder = tempfile::tempdir().unwrap();
		let store = Arc::new(BlobStore::open(folder.path(), LIMIT).unwrap());
		store.put(blob).unwrap();
		let limits = ServeLimits { peer_rate: u64::MAX, rate: u64::MAX, ..Default::default() };
		let server = Some(Server::new(store, limits, Metrics::default()));
		let peer = Peer {
			conduct: Mutex::new(conduct),
			server,
			asked: Default::default(),
			chunks: Default::default(),
			_folder: folder,
		};
		self.0.lock().insert(name, Arc::new(peer));
	}

	fn leave(&self, name: u8) {
		self.0.lock().remove(&name);
	}

	fn peer(&self, name: u8) -> Arc<Peer> {
		self.0.lock().get(&name).unwrap().clone()
	}

	/// How many requests a peer got.
	fn asked(&self, name: u8) -> usize {
		self.peer(name).asked.load(Ordering::SeqCst)
	}

	/// How many chunks a peer gave.
	fn gave(&self, name: u8) -> usize {
		self.peer(name).chunks.load(Ordering::SeqCst)
	}

	fn reported(&self) -> Vec<(u8, Misconduct)> {
		self.1.lock().clone()
	}
}

impl Peer {
	/// What its server says to us.
	fn serve(&self, request: &[u8]) -> Vec<u8> {
		match self.server.as_ref().unwrap().admit(&0, request, now()) {
			Admission::Answer(bytes) => bytes,
			Admission::Work(work) => work.answer(),
			Admission::Malformed => panic!("we are honest"),
		}
	}

	async fn answer(self: Arc<Self>, request: Vec<u8>) -> Result<Vec<u8>, RequestError> {
		let before = self.asked.fetch_add(1, Ordering::SeqCst);
		let conduct = self.conduct.lock().clone();
		let asked = Request::read(&request).unwrap();
		let answer = match conduct {
			Conduct::Honest => self.serve(&request),
			Conduct::Ignorant => Response::Unknown.encode(),
			Conduct::Silent => std::future::pending().await,
			Conduct::Slow(time) => {
				sleep(time).await;
				self.serve(&request)
			},
			Conduct::Leaves(after) if before >= after => return Err(RequestError::Disconnected),
			Conduct::Leaves(_) => self.serve(&request),
			Conduct::OtherBlob(other) => match asked {
				Request::Manifest(_) => {
					Response::Manifest(Manifest::of(&mut &other[..]).unwrap().0).encode()
				},
				Request::Chunk { index, .. } => {
					let chunk = other.chunks(CHUNK).nth(index as usize).unwrap();
					Response::Chunk(chunk.to_vec()).encode()
				},
			},
			Conduct::WrongChunk(wrong) => {
				let mut answer = self.serve(&request);
				if matches!(asked, Request::Chunk { index, .. } if index == wrong) {
					*answer.last_mut().unwrap() ^= 1;
				}
				answer
			},
			Conduct::Fickle => match asked {
				Request::Manifest(_) => {
					let manifest = Manifest { length: 5, chunks: vec![[before as u8; 32]] };
					Response::Manifest(manifest).encode()
				},
				Request::Chunk { .. } => Response::Unknown.encode(),
			},
			Conduct::Says(bytes) => bytes,
			Conduct::Busy(times) if before < times => Response::Busy { millis: 700 }.encode(),
			Conduct::Busy(_) => self.serve(&request),
		};
		if matches!(Response::read(&answer), Ok(Response::Chunk(_))) {
			self.chunks.fetch_add(1, Ordering::SeqCst);
		}
		Ok(answer)
	}
}

impl Peers for Network {
	type Id = u8;

	async fn connected(&self) -> Vec<u8> {
		self.0.lock().keys().copied().collect()
	}

	fn request(
		&self,
		peer: &u8,
		request: Vec<u8>,
	) -> BoxFuture<'static, Result<Vec<u8>, RequestError>> {
		let peer = self.0.lock().get(peer).cloned();
		async move {
			match peer {
				Some(peer) => peer.answer(request).await,
				None => Err(RequestError::Disconnected),
			}
		}
		.boxed()
	}

	fn report(&self, peer: &u8, misconduct: Misconduct) {
		self.1.lock().push((*peer, misconduct));
	}
}

/// A node that fetches.
struct Node {
	network: Network,
	folder: TempDir,
	store: Arc<BlobStore>,
	exchange: Exchange,
	task: RemoteHandle<()>,
}

impl Node {
	fn start() -> Self {
		Self::with(FetchLimits::default())
	}

	fn with(limits: FetchLimits) -> Self {
		Self::at(tempfile::tempdir().unwrap(), Network::default(), limits)
	}

	fn at(folder: TempDir, network: Network, limits: FetchLimits) -> Self {
		let store = Arc::new(BlobStore::open(folder.path(), LIMIT).unwrap());
		let exchange = Exchange::new(store.clone(), limits, Metrics::default());
		let task = spawn(exchange.clone().run(network.clone()));
		Self { network, folder, store, exchange, task }
	}

	/// Ends the process, and begins another one in the same folder.
	fn restart(self) -> Self {
		drop((self.task, self.exchange, self.store));
		Self::at(self.folder, self.network, FetchLimits::default())
	}

	async fn fetch(&self, blob: BlobHash) -> Result<(), String> {
		self.exchange.fetch(blob, u64::MAX, Purpose::Operator).await
	}

	/// Fetches what has to come.
	async fn get(&self, bytes: &[u8]) {
		let blob = crate::blobs::hash(bytes);
		self.fetch(blob).await.unwrap();
		assert!(self.store.get(&blob).unwrap() == bytes, "another blob");
		assert_eq!(std::fs::read_dir(self.store.fetching()).unwrap().count(), 0);
	}
}

/// Bytes that fill so many chunks, the last not quite.
fn blob(chunks: usize, seed: u8) -> Vec<u8> {
	(0..chunks * CHUNK - 77).map(|at| (at / 500) as u8 ^ seed).collect()
}

#[test]
fn a_blob_comes_from_all_who_have_it() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(12, 0);
		for peer in [1, 2, 3] {
			node.network.join(peer, Conduct::Slow(Duration::from_millis(100)), &bytes);
		}
		node.network.join(4, Conduct::Ignorant, &bytes);
		node.get(&bytes).await;
		for peer in [1, 2, 3] {
			assert_eq!(node.network.gave(peer), 4, "of peer {peer}");
		}
		assert_eq!(node.network.reported(), []);
	});
}

#[test]
fn an_empty_blob_comes_too() {
	scenario(async {
		let node = Node::start();
		node.network.join(1, Conduct::Honest, &[]);
		node.get(&[]).await;
	});
}

#[test]
fn what_nobody_has_is_an_error_that_tells_so() {
	scenario(async {
		let node = Node::start();
		let nothing = BlobHash::repeat_byte(1);
		let error = node.fetch(nothing).await.unwrap_err();
		assert_eq!(error, "no peer is connected that can be asked for it");
		node.network.join(1, Conduct::Honest, &[1]);
		node.network.join(2, Conduct::Honest, &[2]);
		let error = node.fetch(nothing).await.unwrap_err();
		assert_eq!(error, "none of 2 peers has it");
		assert_eq!(std::fs::read_dir(node.store.fetching()).unwrap().count(), 0);
	});
}

#[test]
fn who_allows_less_keeps_nobody_from_a_blob() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(2, 0);
		let hash = crate::blobs::hash(&bytes);
		node.network.join(1, Conduct::Honest, &bytes);
		let customer = || node.exchange.want(hash, 10, Purpose::Customer);
		let failed = |progress| matches!(progress, Progress::Failed { .. });
		// First, while it waits for its turn, then while it is under way, then after it failed.
		customer();
		assert_eq!(node.fetch(hash).await, Ok(()));
		node.store.remove(&hash).unwrap();
		node.network.join(1, Conduct::Slow(Duration::from_millis(100)), &bytes);
		customer();
		sleep(Duration::from_millis(1)).await;
		assert_eq!(node.fetch(hash).await, Ok(()));
		node.store.remove(&hash).unwrap();
		customer();
		sleep(Duration::from_secs(1)).await;
		assert!(failed(customer()));
		assert_eq!(node.exchange.want(hash, u64::MAX, Purpose::Operator), Progress::Queued);
		sleep(Duration::from_secs(1)).await;
		assert_eq!(customer(), Progress::Stored);
	});
}

#[test]
fn what_failed_is_tried_again_by_and_by() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(1, 0);
		let hash = crate::blobs::hash(&bytes);
		let want = || node.exchange.want(hash, u64::MAX, Purpose::Operator);
		node.fetch(hash).await.unwrap_err();
		assert_eq!(want(), node.exchange.progress(&hash).unwrap());
		assert!(
			matches!(want(), Progress::Failed { retry, .. } if retry == Duration::from_secs(5))
		);
		sleep(Duration::from_secs(5)).await;
		assert_eq!(want(), Progress::Queued);
		sleep(Duration::from_secs(1)).await;
		assert!(
			matches!(want(), Progress::Failed { retry, .. } if retry == Duration::from_secs(9))
		);
		node.network.join(1, Conduct::Honest, &bytes);
		sleep(Duration::from_secs(9)).await;
		want();
		sleep(Duration::from_secs(1)).await;
		assert_eq!(want(), Progress::Stored);
	});
}

#[test]
fn a_liar_about_a_chunk_is_reported_and_others_help() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(6, 0);
		node.network.join(1, Conduct::WrongChunk(0), &bytes);
		node.network.join(2, Conduct::Slow(Duration::from_millis(10)), &bytes);
		node.get(&bytes).await;
		assert_eq!(node.network.reported(), [(1, Misconduct::WrongChunk)]);
		// And it is asked for nothing else.
		let asked = node.network.asked(1);
		node.fetch(BlobHash::repeat_byte(1)).await.unwrap_err();
		assert_eq!(node.network.asked(1), asked);
	});
}

#[test]
fn a_liar_about_the_manifest_is_reported_and_its_true_chunks_stay() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(6, 0);
		let mut other = bytes.clone();
		other[2 * CHUNK] ^= 1;
		// The honest one comes when the lie is here already.
		node.network.join(1, Conduct::OtherBlob(other), &bytes);
		node.network.join(2, Conduct::Slow(Duration::from_secs(3)), &bytes);
		node.get(&bytes).await;
		assert_eq!(node.network.reported(), [(1, Misconduct::WrongManifest)]);
		assert_eq!(node.network.gave(2), 1, "what both agree about came from the liar");
	});
}

#[test]
fn most_are_believed_first() {
	scenario(async {
		let node = Node::start();
		let (bytes, lie) = (blob(3, 0), blob(9, 9));
		node.network.join(1, Conduct::OtherBlob(lie), &bytes);
		node.network.join(2, Conduct::Honest, &bytes);
		node.network.join(3, Conduct::Honest, &bytes);
		node.get(&bytes).await;
		assert_eq!(node.network.gave(1), 0);
	});
}

#[test]
fn a_manifest_that_is_too_long_or_contradicts_itself_is_not_believed() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(2, 0);
		let hash = crate::blobs::hash(&bytes);
		let says = |length, chunks| {
			let manifest = Manifest { length, chunks: vec![[7; 32]; chunks] };
			Conduct::Says(Response::Manifest(manifest).encode())
		};
		node.network.join(1, says(LIMIT + 1, 257), &bytes);
		let error = node.fetch(hash).await.unwrap_err();
		assert!(error.contains(&format!("{} bytes by this name", LIMIT + 1)), "{error}");
		assert_eq!(node.network.reported(), [], "the name may have come with a wrong bound");

		node.network.join(2, says(1000, 4000), &bytes);
		node.fetch(hash).await.unwrap_err();
		assert_eq!(node.network.reported(), [(2, Misconduct::WrongManifest)]);
		node.network.join(3, Conduct::Honest, &bytes);
		node.get(&bytes).await;
	});
}

#[test]
fn no_more_is_taken_than_was_asked_for() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(2, 0);
		node.network.join(1, Conduct::Honest, &bytes);
		let hash = crate::blobs::hash(&bytes);
		let error = node.exchange.fetch(hash, 1000, Purpose::Customer).await.unwrap_err();
		assert!(error.ends_with("1000 is the most"), "{error}");
		assert_eq!(node.network.gave(1), 0);
	});
}

#[test]
fn what_is_no_answer_is_reported() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(2, 0);
		let chunk = Response::Chunk(vec![1]).encode();
		for (peer, nonsense) in [(1, vec![]), (2, b"hello".to_vec()), (3, chunk)] {
			node.network.join(peer, Conduct::Says(nonsense), &bytes);
		}
		node.network.join(4, Conduct::Honest, &bytes);
		node.get(&bytes).await;
		let mut reported = node.network.reported();
		reported.sort_by_key(|(peer, _)| *peer);
		assert_eq!(reported, [1, 2, 3].map(|peer| (peer, Misconduct::Malformed)));
	});
}

#[test]
fn a_silent_peer_holds_nobody_up_for_long() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(4, 0);
		node.network.join(1, Conduct::Honest, &bytes);
		node.network.join(2, Conduct::Silent, &bytes);
		let start = now();
		node.get(&bytes).await;
		assert!(
			now().duration_since(start) <= Duration::from_secs(2),
			"{:?}",
			now().duration_since(start)
		);
		assert_eq!(node.network.reported(), [], "silence is no lie");
	});
}

#[test]
fn a_peer_that_falls_silent_midway_loses_its_chunks_to_another() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(8, 0);
		node.network.join(1, Conduct::Slow(Duration::from_millis(10)), &bytes);
		node.network.join(2, Conduct::Slow(Duration::from_millis(10)), &bytes);
		let fetch = node.get(&bytes);
		let falls_silent = async {
			// The manifests are here, the chunks are asked for.
			sleep(Duration::from_millis(15)).await;
			*node.network.peer(1).conduct.lock() = Conduct::Silent;
			*node.network.peer(2).conduct.lock() = Conduct::Slow(Duration::from_secs(1));
		};
		let start = now();
		futures::join!(fetch, falls_silent);
		assert!(
			now().duration_since(start) < Duration::from_secs(15),
			"{:?}",
			now().duration_since(start)
		);
	});
}

#[test]
fn a_peer_that_goes_is_replaced_by_one_that_comes() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(6, 0);
		node.network.join(1, Conduct::Leaves(3), &bytes);
		let fetch = node.get(&bytes);
		let comes = async {
			sleep(Duration::from_secs(10)).await;
			node.network.leave(1);
			sleep(Duration::from_secs(10)).await;
			node.network.join(2, Conduct::Honest, &bytes);
		};
		futures::join!(fetch, comes);
		assert_eq!(node.network.gave(2), 4, "two came from the first");
	});
}

#[test]
fn who_promises_something_else_each_time_does_not_keep_a_fetch_alive() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(2, 0);
		node.network.join(1, Conduct::Fickle, &bytes);
		let start = now();
		let error = node.fetch(crate::blobs::hash(&bytes)).await.unwrap_err();
		assert!(error.starts_with("nobody sends more of it: 0 of 5 bytes"), "{error}");
		assert!(now().duration_since(start) < Duration::from_secs(70));
	});
}

#[test]
fn a_busy_peer_is_waited_for() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(6, 0);
		node.network.join(1, Conduct::Busy(5), &bytes);
		node.get(&bytes).await;
		assert_eq!(node.network.reported(), []);
	});
}

#[test]
fn a_fetch_goes_on_after_a_restart() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(6, 0);
		let hash = crate::blobs::hash(&bytes);
		node.network.join(1, Conduct::Leaves(4), &bytes);
		node.exchange.want(hash, u64::MAX, Purpose::Operator);
		sleep(Duration::from_secs(1)).await;
		let Some(Progress::Fetching { received, length }) = node.exchange.progress(&hash) else {
			panic!("{:?}", node.exchange.progress(&hash));
		};
		assert_eq!((received, length), (3 * CHUNK as u64, bytes.len() as u64));

		let node = node.restart();
		node.network.leave(1);
		node.network.join(2, Conduct::Honest, &bytes);
		node.get(&bytes).await;
		assert_eq!(node.network.gave(2), 3);
	});
}

#[test]
fn a_fetch_that_nobody_can_finish_says_how_far_it_came() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(6, 0);
		node.network.join(1, Conduct::Leaves(4), &bytes);
		let error = node.fetch(crate::blobs::hash(&bytes)).await.unwrap_err();
		let here = format!("{} of {} bytes are here", 3 * CHUNK, bytes.len());
		assert!(error.contains(&here), "{error}");
	});
}

#[test]
fn a_customer_never_takes_the_last_place() {
	scenario(async {
		let node = Node::with(FetchLimits { active: 2, queue: 3, ..Default::default() });
		let bytes = blob(1, 0);
		node.network.join(1, Conduct::Silent, &bytes);
		let name = BlobHash::repeat_byte;
		let state = |blob| node.exchange.progress(&name(blob)).unwrap();
		let want = |blob, purpose| node.exchange.want(name(blob), u64::MAX, purpose);
		for blob in [1, 2] {
			assert_eq!(want(blob, Purpose::Customer), Progress::Queued);
		}
		sleep(Duration::from_millis(1)).await;
		assert!(matches!(state(1), Progress::Fetching { .. }));
		assert_eq!(state(2), Progress::Queued);
		want(3, Purpose::Operator);
		sleep(Duration::from_millis(1)).await;
		assert!(matches!(state(3), Progress::Fetching { .. }));
		for blob in [4, 5] {
			want(blob, Purpose::Operator);
		}
		assert_eq!(want(6, Purpose::Operator), Progress::Full);
	});
}

#[test]
fn the_store_is_not_filled_beyond_its_bound() {
	scenario(async {
		let node = Node::with(FetchLimits { store_bytes: 1000, ..Default::default() });
		let bytes = blob(1, 0);
		node.network.join(1, Conduct::Honest, &bytes);
		let error = node.fetch(crate::blobs::hash(&bytes)).await.unwrap_err();
		assert!(error.contains("fetched blobs may fill it up to 1000"), "{error}");
		assert_eq!(node.network.gave(1), 0);
	});
}

#[test]
fn what_several_want_is_fetched_once() {
	scenario(async {
		let node = Node::start();
		let bytes = blob(3, 0);
		node.network.join(1, Conduct::Slow(Duration::from_millis(10)), &bytes);
		let hash = crate::blobs::hash(&bytes);
		let (a, b) = futures::join!(node.fetch(hash), node.fetch(hash));
		assert_eq!((a, b), (Ok(()), Ok(())));
		assert_eq!(node.network.gave(1), 3);
	});
}
