//! Who is asked for what, and when: the state of one fetch, without network, disk or clock.

use super::message::Manifest;
use std::{
	cmp::Reverse,
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
	time::{Duration, Instant},
};

/// The most peers that are asked for a manifest at the same time, and that send chunks of one blob.
const PROVIDERS: usize = 8;

/// Offers that are enough to choose among.
const QUORUM: usize = 3;

/// The most different manifests of one blob that are remembered. All but one are lies.
const CLAIMS: usize = 16;

/// How often in a row a peer may fail before it is left alone for a while.
const STRIKES: u32 = 3;

/// How patient a fetch is, and how much it asks for at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
	/// Chunks of the blob that are under way, from all peers.
	pub(super) in_flight: usize,
	/// Chunks that are under way from one peer.
	pub(super) window: u32,
	/// How long the first manifest waits for others to be compared with.
	pub(super) gather: Duration,
	/// After so long a chunk is asked for a second time, from a peer that has nothing else to do.
	pub(super) hedge: Duration,
	/// How long a peer that failed is left alone.
	pub(super) rest: Duration,
	/// How long a peer that has not got the blob, or failed often, is left alone.
	pub(super) leave: Duration,
}

/// What to ask a peer for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Ask<P> {
	/// The manifest.
	Manifest(P),
	/// A chunk.
	Chunk(P, u32),
}

/// What is known of a peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
	/// Nothing.
	New,
	/// It was asked for its manifest.
	Asked,
	/// It gave this one of the manifests.
	Offers(usize),
	/// It has not got the blob, or can not give it; it is asked again then.
	Without(Instant),
	/// It lied.
	Banned,
}

#[derive(Debug)]
struct Peer {
	standing: Standing,
	/// It is not asked for anything before.
	rests: Instant,
	window: u32,
	in_flight: u32,
	strikes: u32,
}

#[derive(Debug)]
struct Claim {
	manifest: Arc<Manifest>,
	convicted: bool,
}

/// The state of one fetch.
///
/// A peer is asked for chunks only by the manifest that it gave itself. So whoever sends a chunk that
/// its manifest does not admit lied about one of both; and where all chunks are here and their whole
/// has another hash, all who gave the manifest lied.
#[derive(Debug)]
pub(super) struct Schedule<P> {
	pace: Pace,
	peers: BTreeMap<P, Peer>,
	claims: Vec<Claim>,
	current: Option<usize>,
	/// When the first manifest came of those that can be chosen from.
	offered: Option<Instant>,
	missing: BTreeSet<u32>,
	/// From whom a missing chunk is under way, and since when.
	in_flight: BTreeMap<u32, Vec<(P, Instant)>>,
}

impl<P: Clone + Ord> Schedule<P> {
	/// No peer yet. `resumed` is the manifest by which an earlier fetch got some chunks.
	pub(super) fn new(pace: Pace, resumed: Option<Arc<Manifest>>) -> Self {
		let claims: Vec<_> =
			resumed.into_iter().map(|manifest| Claim { manifest, convicted: false }).collect();
		let current = (!claims.is_empty()).then_some(0);
		Self {
			pace,
			peers: BTreeMap::new(),
			claims,
			current,
			offered: None,
			missing: BTreeSet::new(),
			in_flight: BTreeMap::new(),
		}
	}

	/// These peers are connected, and no others.
	pub(super) fn connected(&mut self, peers: impl IntoIterator<Item = P>, now: Instant) {
		let connected: BTreeSet<P> = peers.into_iter().collect();
		self.peers.retain(|peer, state| {
			connected.contains(peer) || state.in_flight > 0 || state.standing == Standing::Banned
		});
		for peer in connected {
			self.peers.entry(peer).or_insert(Peer {
				standing: Standing::New,
				rests: now,
				window: self.pace.window,
				in_flight: 0,
				strikes: 0,
			});
		}
	}

	/// The manifest to go on by, if that is another than before: then [`Self::miss`] is due.
	pub(super) fn choose(&mut self, now: Instant) -> Option<Arc<Manifest>> {
		let usable = |claim: Option<&Claim>| claim.is_some_and(|claim| !claim.convicted);
		let current = self.current.filter(|at| usable(self.claims.get(*at)));
		if current.is_some_and(|at| self.providers(at) > 0) || self.gathers(now) {
			return None;
		}
		let best = (0..self.claims.len())
			.filter(|at| usable(self.claims.get(*at)) && self.providers(*at) > 0)
			.max_by_key(|at| {
				let length = self.claims.get(*at).map_or(0, |claim| claim.manifest.length);
				(self.providers(*at), current == Some(*at), Reverse(length))
			})?;
		self.offered = None;
		if current == Some(best) {
			return None;
		}
		self.current = Some(best);
		self.in_flight.clear();
		self.missing.clear();
		self.claims.get(best).map(|claim| claim.manifest.clone())
	}

	/// The chunks that are to be fetched by the current manifest.
	pub(super) fn miss(&mut self, missing: impl IntoIterator<Item = u32>) {
		self.missing = missing.into_iter().collect();
	}

	/// Whether a manifest is chosen and all its chunks are here.
	pub(super) fn is_complete(&self) -> bool {
		let usable = self.current.and_then(|at| self.claims.get(at));
		usable.is_some_and(|claim| !claim.convicted) && self.missing.is_empty()
	}

	/// What to ask for now; it counts as asked. `None`: nothing before [`Self::wake`].
	pub(super) fn next(&mut self, now: Instant) -> Option<Ask<P>> {
		self.next_manifest(now).or_else(|| self.next_chunk(now))
	}

	/// When there may be something to do, if nothing is answered before.
	pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
		let peers = self.peers.values().flat_map(|peer| match peer.standing {
			Standing::New | Standing::Offers(_) => Some(peer.rests),
			Standing::Without(until) => Some(until),
			Standing::Asked | Standing::Banned => None,
		});
		let gathered = self.offered.and_then(|at| at.checked_add(self.pace.gather));
		let hedges = self.in_flight.values().filter(|askers| askers.len() == 1);
		let hedges = hedges
			.flat_map(|askers| askers.first())
			.filter_map(|(_, since)| since.checked_add(self.pace.hedge));
		peers.chain(gathered).chain(hedges).filter(|at| *at > now).min()
	}

	/// Whether any peer has the blob or may have it.
	pub(super) fn has_hope(&self) -> bool {
		self.peers.values().any(|peer| match peer.standing {
			Standing::New | Standing::Asked => true,
			Standing::Offers(at) => self.claims.get(at).is_some_and(|claim| !claim.convicted),
			Standing::Without(_) | Standing::Banned => false,
		})
	}

	/// How many peers are known.
	pub(super) fn peers(&self) -> usize {
		self.peers.len()
	}

	// --- What became of what was asked ------------------------------------------------------------

	/// A peer gave its manifest, which was checked.
	pub(super) fn offered(&mut self, peer: &P, manifest: Manifest, now: Instant) {
		let known = self.claims.iter().position(|claim| *claim.manifest == manifest);
		if known.is_none() && self.claims.len() >= CLAIMS {
			return self.lacks(peer, now);
		}
		let at = known.unwrap_or_else(|| {
			self.claims.push(Claim { manifest: Arc::new(manifest), convicted: false });
			self.claims.len().saturating_sub(1)
		});
		let convicted = self.claims.get(at).is_some_and(|claim| claim.convicted);
		let Some(state) = self.peers.get_mut(peer) else { return };
		state.strikes = 0;
		state.standing = if convicted { Standing::Banned } else { Standing::Offers(at) };
		if !convicted {
			self.offered.get_or_insert(now);
		}
	}

	/// A peer has not got the blob, or not any more.
	pub(super) fn lacks(&mut self, peer: &P, now: Instant) {
		let until = later(now, self.pace.leave);
		if let Some(state) = self.peers.get_mut(peer) {
			state.standing = Standing::Without(until);
		}
	}

	/// A peer gives nothing for a while.
	pub(super) fn busy(&mut self, peer: &P, wait: Duration, now: Instant) {
		let Some(state) = self.peers.get_mut(peer) else { return };
		state.rests = later(now, wait.min(self.pace.leave));
		state.window = (state.window / 2).max(1);
		if state.standing == Standing::Asked {
			state.standing = Standing::New;
		}
	}

	/// A peer was silent, or is gone.
	pub(super) fn failed(&mut self, peer: &P, now: Instant) {
		let Some(state) = self.peers.get_mut(peer) else { return };
		state.strikes = state.strikes.saturating_add(1);
		state.window = (state.window / 2).max(1);
		state.rests = later(now, self.pace.rest);
		if state.standing == Standing::Asked {
			state.standing = Standing::New;
		}
		if state.strikes >= STRIKES && state.standing != Standing::Banned {
			state.strikes = 0;
			state.standing = Standing::Without(later(now, self.pace.leave));
		}
	}

	/// A peer is not asked any more.
	pub(super) fn ban(&mut self, peer: &P) {
		if let Some(state) = self.peers.get_mut(peer) {
			state.standing = Standing::Banned;
		}
	}

	/// A chunk from this peer is not under way any more.
	pub(super) fn answered(&mut self, peer: &P, index: u32) {
		if let Some(state) = self.peers.get_mut(peer) {
			state.in_flight = state.in_flight.saturating_sub(1);
		}
		if let Some(askers) = self.in_flight.get_mut(&index) {
			askers.retain(|(asked, _)| asked != peer);
			if askers.is_empty() {
				self.in_flight.remove(&index);
			}
		}
	}

	/// Whether a chunk is still to be fetched.
	pub(super) fn is_missing(&self, index: u32) -> bool {
		self.missing.contains(&index)
	}

	/// A peer sent a chunk that its manifest admits.
	pub(super) fn received(&mut self, peer: &P, index: u32) {
		self.missing.remove(&index);
		self.in_flight.remove(&index);
		if let Some(state) = self.peers.get_mut(peer) {
			state.strikes = 0;
			state.window = state.window.saturating_add(1).min(self.pace.window);
		}
	}

	/// The manifest that a peer gave.
	pub(super) fn manifest_of(&self, peer: &P) -> Option<&Arc<Manifest>> {
		let Standing::Offers(at) = self.peers.get(peer)?.standing else { return None };
		self.claims.get(at).map(|claim| &claim.manifest)
	}

	/// The whole did not have the blob's hash: the current manifest is wrong. Returns who gave it.
	pub(super) fn convict(&mut self) -> Vec<P> {
		let Some(current) = self.current.take() else { return Vec::new() };
		if let Some(claim) = self.claims.get_mut(current) {
			claim.convicted = true;
		}
		let mut givers = Vec::new();
		for (peer, state) in &mut self.peers {
			if state.standing == Standing::Offers(current) {
				state.standing = Standing::Banned;
				givers.push(peer.clone());
			}
		}
		givers
	}

	// --- Within -----------------------------------------------------------------------------------

	/// How many peers give a manifest.
	fn providers(&self, at: usize) -> usize {
		self.peers.values().filter(|peer| peer.standing == Standing::Offers(at)).count()
	}

	/// Whether more manifests are waited for before one is chosen.
	fn gathers(&self, now: Instant) -> bool {
		let Some(offered) = self.offered else { return false };
		let standing = |wanted: fn(&Standing) -> bool| {
			self.peers.values().filter(|peer| wanted(&peer.standing)).count()
		};
		let offers = standing(|standing| matches!(standing, Standing::Offers(_)));
		let asked = standing(|standing| matches!(standing, Standing::Asked));
		asked > 0 && offers < QUORUM && now < later(offered, self.pace.gather)
	}

	fn next_manifest(&mut self, now: Instant) -> Option<Ask<P>> {
		let standing = |state: &Peer| matches!(state.standing, Standing::Asked);
		let providing = self.current.map_or(0, |at| self.providers(at));
		let asked = self.peers.values().filter(|state| standing(state)).count();
		if asked.saturating_add(providing) >= PROVIDERS {
			return None;
		}
		let (peer, state) = self.peers.iter_mut().find(|(_, state)| {
			let due = match state.standing {
				Standing::New => true,
				Standing::Without(until) => now >= until,
				_ => false,
			};
			due && now >= state.rests
		})?;
		state.standing = Standing::Asked;
		Some(Ask::Manifest(peer.clone()))
	}

	fn next_chunk(&mut self, now: Instant) -> Option<Ask<P>> {
		let current = self.current?;
		let under_way: usize = self.in_flight.values().map(Vec::len).sum();
		if under_way >= self.pace.in_flight {
			return None;
		}
		let free = |state: &Peer| {
			state.standing == Standing::Offers(current)
				&& state.in_flight < state.window
				&& now >= state.rests
		};
		// Whoever answered fastest has the least under way.
		let peer = self.peers.iter().filter(|(_, state)| free(state));
		let (peer, _) = peer.min_by_key(|(_, state)| state.in_flight)?;
		let peer = peer.clone();
		let fresh = self.missing.iter().find(|index| !self.in_flight.contains_key(index));
		let index = fresh.copied().or_else(|| self.late_chunk(&peer, now))?;
		self.in_flight.entry(index).or_default().push((peer.clone(), now));
		if let Some(state) = self.peers.get_mut(&peer) {
			state.in_flight = state.in_flight.saturating_add(1);
		}
		Some(Ask::Chunk(peer, index))
	}

	/// A chunk that somebody else has owed for long, and nobody besides.
	fn late_chunk(&self, peer: &P, now: Instant) -> Option<u32> {
		let late = self.in_flight.iter().filter_map(|(index, askers)| match &askers[..] {
			[(other, since)] if other != peer && now >= later(*since, self.pace.hedge) => {
				Some((*since, *index))
			},
			_ => None,
		});
		late.min().map(|(_, index)| index)
	}
}

/// A time after another; as it is if there is none.
fn later(at: Instant, wait: Duration) -> Instant {
	at.checked_add(wait).unwrap_or(at)
}

#[cfg(test)]
mod tests {
	use super::*;

	const PACE: Pace = Pace {
		in_flight: 8,
		window: 2,
		gather: Duration::from_secs(1),
		hedge: Duration::from_secs(3),
		rest: Duration::from_secs(5),
		leave: Duration::from_secs(30),
	};

	fn manifest(chunks: u32, seed: u8) -> Manifest {
		let length = u64::from(chunks) * u64::from(super::super::message::CHUNK_BYTES);
		Manifest { length, chunks: (0..chunks).map(|index| [index as u8 ^ seed; 32]).collect() }
	}

	struct World {
		schedule: Schedule<u8>,
		start: Instant,
		seconds: u64,
	}

	impl World {
		fn of(peers: &[u8]) -> Self {
			let mut world =
				Self { schedule: Schedule::new(PACE, None), start: Instant::now(), seconds: 0 };
			world.schedule.connected(peers.to_vec(), world.start);
			world
		}

		fn now(&self) -> Instant {
			self.start + Duration::from_secs(self.seconds)
		}

		fn asks(&mut self) -> Vec<Ask<u8>> {
			let now = self.now();
			std::iter::from_fn(|| self.schedule.next(now)).collect()
		}

		/// Asks every peer for its manifest, and chooses.
		fn with(mut self, offers: &[(u8, Manifest)]) -> Self {
			self.asks();
			let now = self.now();
			for (peer, manifest) in offers {
				self.schedule.offered(peer, manifest.clone(), now);
			}
			let chosen = self.schedule.choose(now).unwrap();
			self.schedule.miss(0..chosen.count());
			self
		}
	}

	#[test]
	fn everybody_is_asked_and_the_manifest_of_most_is_chosen() {
		let mut world = World::of(&[1, 2, 3]);
		assert_eq!(world.asks(), [Ask::Manifest(1), Ask::Manifest(2), Ask::Manifest(3)]);
		assert_eq!(world.asks(), []);
		let now = world.now();
		world.schedule.offered(&1, manifest(1, 9), now);
		assert!(world.schedule.choose(now).is_none(), "others may disagree");
		world.schedule.offered(&2, manifest(4, 0), now);
		world.schedule.offered(&3, manifest(4, 0), now);
		assert_eq!(*world.schedule.choose(now).unwrap(), manifest(4, 0));
		world.schedule.miss(0..4);
		// Not from who offered something else.
		let asks = world.asks();
		assert_eq!(asks, [Ask::Chunk(2, 0), Ask::Chunk(3, 1), Ask::Chunk(2, 2), Ask::Chunk(3, 3)]);
	}

	#[test]
	fn a_manifest_does_not_wait_for_silent_peers_for_long() {
		let mut world = World::of(&[1, 2]);
		world.asks();
		world.schedule.offered(&1, manifest(2, 0), world.start);
		assert!(world.schedule.choose(world.now()).is_none());
		assert_eq!(world.schedule.wake(world.now()), Some(world.start + PACE.gather));
		world.seconds = 1;
		assert!(world.schedule.choose(world.now()).is_some());
	}

	#[test]
	fn a_chunk_that_is_late_is_asked_for_once_more() {
		let mut world = World::of(&[1, 2]).with(&[(1, manifest(2, 0)), (2, manifest(2, 0))]);
		assert_eq!(world.asks(), [Ask::Chunk(1, 0), Ask::Chunk(2, 1)]);
		world.schedule.answered(&2, 1);
		world.schedule.received(&2, 1);
		assert_eq!(world.asks(), []);
		assert_eq!(world.schedule.wake(world.now()), Some(world.start + PACE.hedge));
		world.seconds = 3;
		assert_eq!(world.asks(), [Ask::Chunk(2, 0)]);
		world.seconds = 9;
		assert_eq!(world.asks(), []);
		world.schedule.answered(&2, 0);
		world.schedule.received(&2, 0);
		assert!(world.schedule.is_complete());
	}

	#[test]
	fn what_a_peer_failed_to_send_goes_to_another() {
		let mut world = World::of(&[1, 2]).with(&[(1, manifest(2, 0)), (2, manifest(2, 0))]);
		world.asks();
		world.schedule.answered(&1, 0);
		world.schedule.failed(&1, world.now());
		assert_eq!(world.asks(), [Ask::Chunk(2, 0)]);
	}

	#[test]
	fn a_peer_that_fails_often_is_left_alone() {
		let mut world = World::of(&[1]).with(&[(1, manifest(1, 0))]);
		for strike in 0..STRIKES {
			assert!(world.schedule.has_hope(), "strike {strike}");
			assert_eq!(world.asks(), [Ask::Chunk(1, 0)]);
			world.schedule.answered(&1, 0);
			world.schedule.failed(&1, world.now());
			assert_eq!(world.asks(), []);
			world.seconds += 5;
		}
		assert!(!world.schedule.has_hope());
		assert_eq!(world.asks(), []);
		world.seconds += 30;
		assert_eq!(world.asks(), [Ask::Manifest(1)]);
	}

	#[test]
	fn a_busy_peer_is_asked_when_it_says_and_for_less() {
		let mut world = World::of(&[1]).with(&[(1, manifest(4, 0))]);
		assert_eq!(world.asks().len(), 2);
		for index in [0, 1] {
			world.schedule.answered(&1, index);
			world.schedule.busy(&1, Duration::from_secs(2), world.now());
		}
		assert_eq!(world.asks(), []);
		assert_eq!(world.schedule.wake(world.now()), Some(world.start + Duration::from_secs(2)));
		world.seconds = 2;
		assert_eq!(world.asks(), [Ask::Chunk(1, 0)]);
	}

	#[test]
	fn a_wrong_manifest_convicts_all_who_gave_it_then_and_later() {
		let mut world = World::of(&[1, 2, 3, 4]).with(&[
			(1, manifest(1, 9)),
			(2, manifest(1, 9)),
			(3, manifest(1, 0)),
		]);
		assert_eq!(world.schedule.convict(), [1, 2]);
		assert!(!world.schedule.is_complete());
		world.schedule.offered(&4, manifest(1, 9), world.now());
		let next = world.schedule.choose(world.now()).unwrap();
		assert_eq!(*next, manifest(1, 0));
		world.schedule.miss([0]);
		assert_eq!(world.asks(), [Ask::Chunk(3, 0)]);
		world.schedule.ban(&3);
		assert!(!world.schedule.has_hope());
	}

	#[test]
	fn another_manifest_is_chosen_when_nobody_gives_the_first_any_more() {
		let mut world = World::of(&[1, 2]);
		world.asks();
		world.schedule.offered(&1, manifest(1, 9), world.start);
		world.schedule.offered(&2, manifest(2, 0), world.start);
		assert_eq!(world.schedule.choose(world.now()).unwrap().length, manifest(1, 9).length);
		world.schedule.miss([0]);
		assert_eq!(world.asks(), [Ask::Chunk(1, 0)]);
		world.schedule.answered(&1, 0);
		world.schedule.lacks(&1, world.now());
		assert_eq!(world.schedule.choose(world.now()).unwrap().length, manifest(2, 0).length);
	}

	#[test]
	fn a_fetch_goes_on_by_the_manifest_that_it_had() {
		let resumed = Arc::new(manifest(9, 0));
		let mut schedule = Schedule::new(PACE, Some(resumed.clone()));
		let now = Instant::now();
		schedule.miss([4]);
		schedule.connected([1, 2], now);
		while schedule.next(now).is_some() {}
		schedule.offered(&1, manifest(1, 9), now);
		schedule.offered(&2, manifest(9, 0), now);
		assert!(schedule.choose(now).is_none());
		assert_eq!(schedule.next(now), Some(Ask::Chunk(2, 4)));
		assert_eq!(schedule.manifest_of(&2), Some(&resumed));
	}

	#[test]
	fn who_is_gone_is_forgotten_and_who_lied_is_not() {
		let mut world = World::of(&[1, 2]);
		world.schedule.ban(&2);
		world.schedule.connected([], world.now());
		assert_eq!(world.schedule.peers(), 1);
		world.schedule.connected([2], world.now());
		assert_eq!(world.asks(), []);
	}
}
