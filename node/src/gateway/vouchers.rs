//! What subscribers signed for, what was answered, and what of it is settled on the chain.
//!
//! A voucher is cumulative: "in this period, the worker may claim up to so many calls". So one of each subscription is
//! kept, with how many calls were answered. Claims are gathered: one transaction settles up to 64 of them. What is not
//! settled when a period is over and the next has begun is lost, so the last blocks of a period do not wait.

use aimodel_gateway::{
	access::{Charge, SignedVoucher, Usage},
	Refusal, VoucherWanted,
};
use aimodel_primitives::{
	runtime_api::{CallRefusal, VoucherInfo},
	voucher::{host::VoucherLedger, Claim, Voucher, MAX_CLAIMS},
	ModelId,
};
use aimodel_runtime::SLOT_DURATION;
use codec::{Decode, Encode};
use parking_lot::Mutex;
use sp_core::{sr25519, H256};
use std::{
	collections::HashMap,
	fs::{self, File},
	io::{self, Write},
	path::{Path, PathBuf},
	sync::{Arc, OnceLock},
	time::Duration,
};

/// What the file begins with.
const FORMAT: &[u8] = b"aimodel/vouchers/2";

/// Subscriptions whose calls are counted at the same time.
const COUNTED: usize = 1 << 16;

/// Calls of one subscription that do not wait to be claimed.
const MANY: u64 = 1_000;

/// Blocks before the end of a period in which nothing waits.
const HASTE: u64 = 10;

/// An account and the model that it calls.
pub(super) type Key = ([u8; 32], ModelId);

/// What the chain says of a subscription at a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paid {
	pub(super) info: VoucherInfo,
	/// The first block after the period.
	pub(super) until: u64,
	/// Calls of the quota that are left, if there is one.
	pub(super) left: Option<u64>,
	/// The block.
	pub(super) at: u32,
}

/// Calls of a subscription in its period.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
struct Counted {
	term: u64,
	/// The first block after the period.
	until: u64,
	/// Calls that were signed for, and the signature.
	signed: u64,
	signature: [u8; 64],
	/// Calls that were answered, those included that were settled.
	answered: u64,
	/// Calls that the chain has settled.
	settled: u64,
	/// The block by which one was answered that is not settled.
	since: Option<u32>,
	/// Calls that are being answered.
	#[codec(skip)]
	running: u64,
	/// How many more the chain would settle, as far as it was asked.
	#[codec(skip)]
	room: u64,
	/// Whether the subscriber can close the subscription before its period ends.
	#[codec(skip)]
	closes: bool,
	/// The block at which the chain told of the period.
	at: u32,
}

impl Counted {
	fn new(Paid { info, until, at, .. }: &Paid) -> Self {
		let mut new = Self {
			term: info.term,
			until: *until,
			signed: 0,
			signature: [0; 64],
			answered: 0,
			settled: 0,
			since: None,
			running: 0,
			room: 0,
			closes: false,
			at: *at,
		};
		new.note(info);
		new
	}

	fn unsettled(&self) -> u64 {
		self.answered.saturating_sub(self.settled)
	}

	/// Calls that need no further voucher: of what the chain has settled, another may have been for more.
	fn covered(&self) -> u64 {
		self.signed.max(self.settled)
	}

	/// Up to which call the chain would settle now, as far as it was asked; none where it would settle no more.
	fn claimable(&self) -> Option<u64> {
		let up_to = self.answered.min(self.signed);
		(up_to > self.settled && self.room > 0).then_some(up_to)
	}

	/// Notes what the chain says: it has settled less than before, where blocks were taken back.
	fn note(&mut self, info: &VoucherInfo) {
		self.settled = info.settled;
		self.answered = self.answered.max(info.settled);
		self.room = info.room;
		self.closes = info.refusal == Some(CallRefusal::Retired);
		if self.unsettled() == 0 {
			self.since = None;
		}
	}

	/// Whether its calls are claimed now.
	fn is_due(&self, now: u32, patience: u32) -> bool {
		let waited = self.since.is_some_and(|since| now.saturating_sub(since) >= patience);
		let over = u64::from(now).saturating_add(HASTE) >= self.until;
		let many = self.unsettled() >= MANY;
		self.claimable().is_some() && (many || waited || over || self.closes)
	}
}

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
	#[error("{}: {error}", path.display())]
	Io { path: PathBuf, error: io::Error },
	#[error(
		"{} is no list of vouchers: restore it, or remove it, and with it what was not settled of calls",
		path.display()
	)]
	Malformed { path: PathBuf },
}

/// All vouchers for one worker.
pub(crate) struct Ledger {
	genesis: H256,
	worker: [u8; 32],
	/// Blocks that calls wait for others to be claimed with.
	patience: u32,
	path: PathBuf,
	book: Mutex<Book>,
	/// Held by who writes the file.
	saving: Mutex<()>,
}

#[derive(Default)]
struct Book {
	counted: HashMap<Key, Counted>,
	/// What is to be told.
	lost: Vec<Lost>,
	/// The best block.
	now: u32,
	/// Whether the file has less.
	changed: bool,
}

/// What became of the calls of a period that is over.
pub(super) struct Lost {
	pub(super) account: [u8; 32],
	pub(super) model: ModelId,
	pub(super) calls: u64,
}

impl Ledger {
	/// The ledger in a file, or an empty one.
	pub(super) fn open(
		path: &Path,
		genesis: H256,
		worker: [u8; 32],
		patience: u32,
	) -> Result<Self, LedgerError> {
		let malformed = || LedgerError::Malformed { path: path.to_owned() };
		let counted = match fs::read(path) {
			Ok(bytes) => {
				let mut bytes = bytes.strip_prefix(FORMAT).ok_or_else(malformed)?;
				let (of, counted) = <((H256, [u8; 32]), Vec<(Key, Counted)>)>::decode(&mut bytes)
					.map_err(|_| malformed())?;
				if of != (genesis, worker) || !bytes.is_empty() {
					return Err(malformed());
				}
				counted.into_iter().collect()
			},
			Err(error) if error.kind() == io::ErrorKind::NotFound => HashMap::new(),
			Err(error) => return Err(LedgerError::Io { path: path.to_owned(), error }),
		};
		let book = Mutex::new(Book { counted, ..Book::default() });
		Ok(Self {
			genesis,
			worker,
			patience,
			path: path.to_owned(),
			book,
			saving: Mutex::default(),
		})
	}

	/// Writes the file anew, if there is anything new. A node that is killed forgets what came since, and the machine, if
	/// it loses power, nothing more.
	pub(super) fn save(&self) -> Result<(), LedgerError> {
		let _saving = self.saving.lock();
		let kept = {
			let mut book = self.book.lock();
			if !book.changed {
				return Ok(());
			}
			book.changed = false;
			book.counted.iter().map(|(key, it)| (*key, it.clone())).collect::<Vec<_>>()
		};
		let mut bytes = FORMAT.to_vec();
		((self.genesis, self.worker), kept).encode_to(&mut bytes);
		let new = self.path.with_extension("new");
		let write = || {
			let mut file = File::create(&new)?;
			file.write_all(&bytes)?;
			file.sync_all()?;
			fs::rename(&new, &self.path)?;
			// The rename itself lasts only once the folder is on the disk.
			self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
		};
		let written = write();
		written.map_err(|error| {
			self.book.lock().changed = true;
			LedgerError::Io { path: self.path.clone(), error }
		})
	}

	/// Keeps one call of a subscription for what is being answered, if there is a voucher for it and the chain would
	/// settle it.
	pub(super) fn reserve(
		self: &Arc<Self>,
		key: Key,
		paid: &Paid,
		voucher: Option<SignedVoucher>,
	) -> Result<Box<dyn Charge>, Refusal> {
		let ((account, model), Paid { info, until, left, at }) = (key, paid);
		let mut book = self.book.lock();
		let book = &mut *book;
		let now = u64::from(book.now);
		if book.counted.len() >= COUNTED && !book.counted.contains_key(&key) {
			book.counted.retain(|_, it| it.running > 0 || it.unsettled() > 0 || it.until > now);
			if book.counted.len() >= COUNTED {
				let reason = "too many subscribers call at the same time";
				return Err(Refusal::Unavailable(reason.into()));
			}
		}
		let entry = book.counted.entry(key).or_insert_with(|| Counted::new(paid));
		if entry.term > info.term && entry.at > *at {
			let reason = "the subscription's next period began meanwhile: ask again";
			return Err(Refusal::Unavailable(reason.into()));
		}
		if entry.term != info.term {
			let calls = std::mem::replace(entry, Counted::new(paid)).unsettled();
			book.lost.extend((calls > 0).then_some(Lost { account, model, calls }));
		}
		entry.note(info);
		if let Some(voucher) = voucher.filter(|it| it.term == info.term && it.calls > entry.signed)
		{
			let SignedVoucher { term, calls, signature } = voucher;
			let Self { genesis, worker, .. } = *self.as_ref();
			let signed = Voucher { genesis, model, worker, term, calls };
			if !signed.is_signed_by(account, &sr25519::Signature::from_raw(signature)) {
				return Err(Refusal::Unauthenticated(format!(
					"the voucher is not signed by the account for {calls} calls of the model {model:?} in the period {term}, at \
					 the worker 0x{} of the chain 0x{}",
					hex::encode(worker),
					hex::encode(genesis),
				)));
			}
			(entry.signed, entry.signature) = (calls, signature);
		}
		let calls = entry.answered.saturating_add(entry.running).saturating_add(1);
		let unsettled = calls.saturating_sub(entry.settled);
		if left.is_some_and(|left| unsettled > left) {
			let blocks = until.saturating_sub(now);
			return Err(Refusal::TooMany {
				reason: format!("the calls of this period are used up; it ends in {blocks} blocks"),
				again_in: Duration::from_millis(blocks.saturating_mul(SLOT_DURATION)),
			});
		}
		if unsettled > info.room {
			let reason = "what is left of the plan's price pays for no more calls at gateways";
			return Err(Refusal::PaymentRequired(reason.into()));
		}
		if calls > entry.covered() {
			let wanted = VoucherWanted { model, term: info.term, calls };
			return Err(Refusal::VoucherWanted(wanted));
		}
		entry.running = entry.running.saturating_add(1);
		book.changed = true;
		Ok(Box::new(Call { ledger: Some(self.clone()), key, term: info.term }))
	}

	/// Notes a best block, and what the chain says there of every subscription with calls that are not settled. Tells what can
	/// not be settled any more.
	pub(super) fn refresh<E>(
		&self,
		now: u32,
		mut info: impl FnMut(&Key) -> Result<Option<VoucherInfo>, E>,
	) -> Result<Vec<Lost>, E> {
		let open: Vec<_> = {
			let mut book = self.book.lock();
			book.now = now;
			book.counted.iter().filter(|(_, it)| it.unsettled() > 0).map(|(key, _)| *key).collect()
		};
		let mut failed = None;
		for key in open {
			let found = match info(&key) {
				Ok(found) => found,
				Err(error) => {
					failed.get_or_insert(error);
					continue;
				},
			};
			let mut book = self.book.lock();
			let book = &mut *book;
			let Some(entry) = book.counted.get_mut(&key) else { continue };
			match found {
				Some(found) if found.term == entry.term => {
					let before = entry.settled;
					entry.note(&found);
					book.changed |= before != found.settled;
				},
				// What the chain told later is known already.
				Some(found) if found.term < entry.term && now < entry.at => (),
				_ => {
					let (account, model) = key;
					book.lost.push(Lost { account, model, calls: entry.unsettled() });
					book.counted.remove(&key);
					book.changed = true;
				},
			}
		}
		match failed {
			Some(error) => Err(error),
			None => Ok(std::mem::take(&mut self.book.lock().lost)),
		}
	}

	/// Calls that were answered and are not settled.
	pub(super) fn unsettled(&self) -> u64 {
		self.book.lock().counted.values().map(Counted::unsettled).sum()
	}

	/// Ends a call that was kept.
	fn end(&self, key: &Key, term: u64, answered: bool) {
		let mut book = self.book.lock();
		let now = book.now;
		let Some(entry) = book.counted.get_mut(key).filter(|it| it.term == term) else { return };
		entry.running = entry.running.saturating_sub(1);
		if answered {
			entry.answered = entry.answered.saturating_add(1);
			entry.since.get_or_insert(now);
			book.changed = true;
		}
	}
}

impl VoucherLedger for Ledger {
	fn claims(&self, worker: &[u8; 32]) -> Vec<Claim<[u8; 32]>> {
		if *worker != self.worker {
			return Vec::new();
		}
		let book = self.book.lock();
		if !book.counted.values().any(|it| it.is_due(book.now, self.patience)) {
			return Vec::new();
		}
		// With what is due goes what is not: a claim costs the less the more there are.
		let open = book.counted.iter().filter_map(|(key, it)| Some((key, it, it.claimable()?)));
		let mut open: Vec<_> = open.collect();
		open.sort_by_key(|(key, it, _)| (!it.is_due(book.now, self.patience), it.until, **key));
		let claim = |((account, model), it, calls): (&Key, &Counted, u64)| Claim {
			account: *account,
			model: *model,
			signed: it.signed,
			signature: sr25519::Signature::from_raw(it.signature),
			calls,
		};
		open.into_iter().take(MAX_CLAIMS as usize).map(claim).collect()
	}
}

/// Where the offchain worker finds the ledger, once there is one.
#[derive(Default)]
pub(crate) struct LedgerSlot(OnceLock<Arc<Ledger>>);

impl LedgerSlot {
	/// Puts the ledger there, unless there is one.
	pub(super) fn fill(&self, ledger: Arc<Ledger>) {
		let _ = self.0.set(ledger);
	}

	/// Keeps what is there, for the next start.
	pub(super) fn save(&self) -> Result<(), LedgerError> {
		self.0.get().map_or(Ok(()), |ledger| ledger.save())
	}
}

impl VoucherLedger for LedgerSlot {
	fn claims(&self, worker: &[u8; 32]) -> Vec<Claim<[u8; 32]>> {
		self.0.get().map_or_else(Vec::new, |ledger| ledger.claims(worker))
	}
}

/// A call that was kept; given back unless it is settled.
struct Call {
	ledger: Option<Arc<Ledger>>,
	key: Key,
	term: u64,
}

impl Charge for Call {
	fn settle(mut self: Box<Self>, _usage: Usage) {
		if let Some(ledger) = self.ledger.take() {
			ledger.end(&self.key, self.term, true);
		}
	}
}

impl Drop for Call {
	fn drop(&mut self) {
		if let Some(ledger) = &self.ledger {
			ledger.end(&self.key, self.term, false);
		}
	}
}

#[cfg(test)]
mod tests;
