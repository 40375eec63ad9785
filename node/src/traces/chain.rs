//! What the chain does with requests: by the events of its blocks, when they are final.
//!
//! Final, since what is told can not be taken back, and the same id can be another request after a re-org. The times are
//! those at which this node saw things: the transaction in its pool, the block when it was imported. So spans of the
//! chain and of a worker are by the same clock, and finality delays what is told, not what it says.

mod request;

use super::Spans;
use crate::{
	events,
	service::{FullClient, TransactionPool},
};
use aimodel_runtime::Hash;
use codec::Encode;
use frame_system::EventRecord;
use futures::StreamExt;
use request::{Open, Place};
use sc_client_api::{BlockBackend, BlockchainEvents};
use sc_transaction_pool_api::TransactionPool as _;
use sp_blockchain::HeaderBackend;
use sp_io::hashing::blake2_256;
use std::{
	collections::{BTreeMap, HashMap, VecDeque},
	sync::Arc,
	time::SystemTime,
};

/// Blocks whose import is remembered until they are final.
const BLOCKS: usize = 4096;

/// Transactions of the pool whose arrival is remembered until they are in a block.
const TRANSACTIONS: usize = 16_384;

/// Open requests that are followed; of more, the oldest are given up.
const REQUESTS: usize = 4096;

/// When things were seen first; the oldest are forgotten.
struct Seen {
	at: HashMap<Hash, SystemTime>,
	order: VecDeque<Hash>,
	most: usize,
}

impl Seen {
	fn new(most: usize) -> Self {
		Self { at: HashMap::new(), order: VecDeque::new(), most }
	}

	fn note(&mut self, what: Hash) {
		if self.at.contains_key(&what) {
			return;
		}
		if self.order.len() >= self.most {
			if let Some(oldest) = self.order.pop_front() {
				self.at.remove(&oldest);
			}
		}
		self.at.insert(what, SystemTime::now());
		self.order.push_back(what);
	}

	fn at(&self, what: &Hash) -> Option<SystemTime> {
		self.at.get(what).copied()
	}
}

/// Follows the chain.
struct Follower {
	client: Arc<FullClient>,
	genesis: Hash,
	spans: Spans,
	blocks: Seen,
	transactions: Seen,
	open: BTreeMap<u64, Open>,
	/// Whether the last block could not be read, so that it is said once.
	blind: bool,
}

/// Tells of each request that is made from now on.
pub(crate) async fn follow(client: Arc<FullClient>, pool: Arc<TransactionPool>, spans: Spans) {
	let mut imported = client.import_notification_stream().fuse();
	let mut finalized = client.finality_notification_stream().fuse();
	let mut pooled = pool.import_notification_stream().fuse();
	let genesis = client.info().genesis_hash;
	let mut follower = Follower {
		client,
		genesis,
		spans,
		blocks: Seen::new(BLOCKS),
		transactions: Seen::new(TRANSACTIONS),
		open: BTreeMap::new(),
		blind: false,
	};
	loop {
		// What was seen first is noted first.
		futures::select_biased! {
			transaction = pooled.next() => match transaction {
				Some(transaction) => follower.transactions.note(transaction),
				None => return,
			},
			block = imported.next() => match block {
				Some(block) => follower.blocks.note(block.hash),
				None => return,
			},
			block = finalized.next() => match block {
				Some(block) => {
					let best = follower.client.info().best_hash;
					if block.hash == best {
						// A sealed block is final before its import is told.
						follower.blocks.note(block.hash);
					}
					for hash in block.tree_route.iter().chain([&block.hash]) {
						follower.block(*hash);
					}
				},
				None => return,
			},
		}
	}
}

impl Follower {
	/// Tells what happened in a block, if this node saw it come.
	fn block(&mut self, hash: Hash) {
		let Some(seen) = self.blocks.at(&hash) else { return };
		match self.read(hash, seen) {
			Ok(()) => self.blind = false,
			Err(error) if !std::mem::replace(&mut self.blind, true) => {
				log::warn!(target: "traces", "requests are not followed in block {hash:?}: {error}");
			},
			Err(_) => (),
		}
	}

	fn read(&mut self, hash: Hash, seen: SystemTime) -> Result<(), events::Error> {
		let events = events::of(&self.client, hash)?;
		let number = self.client.number(hash)?.unwrap_or_default();
		let mut transactions = None;
		for EventRecord { phase, event, .. } in events {
			let Some(event) = request::Event::of(event) else { continue };
			let transaction = match phase {
				frame_system::Phase::ApplyExtrinsic(index) => {
					if transactions.is_none() {
						transactions = Some(self.transactions_of(hash)?);
					}
					let transactions: &[Hash] = transactions.as_deref().unwrap_or_default();
					transactions.get(index as usize).copied()
				},
				_ => None,
			};
			let pooled = transaction.and_then(|it| self.transactions.at(&it)).unwrap_or(seen);
			let place = Place { number, hash, seen, transaction, pooled };
			self.tell(event, &place);
		}
		Ok(())
	}

	fn transactions_of(&self, block: Hash) -> Result<Vec<Hash>, events::Error> {
		let body = self.client.block_body(block)?.unwrap_or_default();
		Ok(body.iter().map(|it| Hash::from(it.using_encoded(blake2_256))).collect())
	}

	fn tell(&mut self, event: request::Event, place: &Place) {
		let spans = &self.spans;
		if let request::Event::Requested(requested) = event {
			let id = requested.request;
			if self.open.len() >= REQUESTS {
				self.open.pop_first();
			}
			let (open, told) = Open::new(&self.genesis, requested, place);
			told.into_iter().for_each(|it| spans.tell(it));
			self.open.insert(id, open);
			return;
		}
		let id = event.request();
		// Of those that were made before this node ran nobody knows when.
		let Some(open) = self.open.get_mut(&id) else { return };
		let (told, over) = open.on(event, place);
		told.into_iter().for_each(|it| spans.tell(it));
		if over {
			self.open.remove(&id);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_was_seen_first_counts_and_the_oldest_is_forgotten() {
		let mut seen = Seen::new(2);
		let [a, b, c] = [1, 2, 3].map(Hash::repeat_byte);
		seen.note(a);
		let first = seen.at(&a);
		seen.note(b);
		seen.note(a);
		assert_eq!(seen.at(&a), first);
		seen.note(c);
		assert_eq!(seen.at(&a), None);
		assert!(seen.at(&b).is_some() && seen.at(&c).is_some());
		assert_eq!((seen.at.len(), seen.order.len()), (2, 2));
	}
}
