//! Blobs that come in pieces, over calls that may be lost and repeated.

use super::{incoming::Incoming, BlobError, BlobStore};
use aimodel_primitives::ids::BlobHash;
use parking_lot::Mutex;
use std::{
	collections::HashMap,
	sync::Arc,
	time::{Duration, Instant},
};

/// How much may be on its way at once.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
	/// Uploads that are open at the same time.
	pub open: usize,
	/// An upload that heard nothing for so long gives way to a new one when all are taken.
	pub idle: Duration,
}

impl Default for UploadLimits {
	fn default() -> Self {
		Self { open: 8, idle: Duration::from_secs(600) }
	}
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UploadStatus {
	/// The blob is in the store.
	Stored,
	/// So many bytes are here; the next piece begins at this offset.
	Received(u64),
}

/// Why an upload is refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
	/// Too many at once.
	#[error("{open} uploads are open already, which is the most; finish or cancel one first")]
	TooMany {
		/// How many are open.
		open: usize,
	},
	/// Not begun, or given up meanwhile.
	#[error("no upload of blob {0:?} is open; begin it first")]
	Unknown(BlobHash),
	/// Begun with another length.
	#[error("the upload was begun with a length of {begun} bytes, not {given}")]
	OtherLength {
		/// The length that it was begun with.
		begun: u64,
		/// The length that was given now.
		given: u64,
	},
	/// A piece that does not follow what is there.
	#[error("the next piece begins at {expected} at most, not at {given}")]
	Gap {
		/// How many bytes are here.
		expected: u64,
		/// Where the piece begins.
		given: u64,
	},
	/// More bytes than announced.
	#[error("the upload was begun with a length of {length} bytes; this piece ends at {end}")]
	TooLong {
		/// The announced length.
		length: u64,
		/// Where the piece ends.
		end: u64,
	},
	/// Finished too early.
	#[error("{received} of {length} bytes are here")]
	Incomplete {
		/// How many bytes are here.
		received: u64,
		/// The announced length.
		length: u64,
	},
	/// The blob store refused.
	#[error(transparent)]
	Blob(#[from] BlobError),
}

/// The uploads into one store. Every call may be repeated: what is known already is skipped.
///
/// An upload is named by the hash that its content must have. Memory holds no content; the disk
/// holds [`UploadLimits::open`] times the largest blob at most.
#[derive(Debug)]
pub struct Uploads {
	store: Arc<BlobStore>,
	limits: UploadLimits,
	open: Mutex<HashMap<BlobHash, Upload>>,
}

#[derive(Debug)]
struct Upload {
	incoming: Incoming,
	length: u64,
	touched: Instant,
}

impl Uploads {
	/// No upload yet.
	pub fn new(store: Arc<BlobStore>, limits: UploadLimits) -> Self {
		Self { store, limits, open: Mutex::default() }
	}

	/// Begins an upload, or tells how far it is.
	pub fn begin(&self, hash: BlobHash, length: u64) -> Result<UploadStatus, UploadError> {
		if self.store.contains(&hash) {
			return Ok(UploadStatus::Stored);
		}
		let limit = self.store.max_bytes();
		if length > limit {
			return Err(BlobError::TooLarge { limit }.into());
		}
		let mut open = self.open.lock();
		if let Some(upload) = open.get_mut(&hash) {
			if upload.length != length {
				return Err(UploadError::OtherLength { begun: upload.length, given: length });
			}
			upload.touched = Instant::now();
			return Ok(UploadStatus::Received(upload.incoming.written()));
		}
		if open.len() >= self.limits.open {
			let stalest = open.iter().min_by_key(|(_, upload)| upload.touched);
			match stalest.map(|(hash, upload)| (*hash, upload.touched.elapsed())) {
				Some((stale, idle)) if idle >= self.limits.idle => {
					log::info!(target: "inference", "upload of blob {stale:?} gave way after {idle:?}");
					open.remove(&stale);
				},
				_ => return Err(UploadError::TooMany { open: open.len() }),
			}
		}
		let incoming = self.store.begin()?;
		open.insert(hash, Upload { incoming, length, touched: Instant::now() });
		Ok(UploadStatus::Received(0))
	}

	/// Adds a piece. What is here already is skipped, so that a piece can be sent twice; the hash
	/// is checked at the end.
	pub fn append(
		&self,
		hash: &BlobHash,
		offset: u64,
		bytes: &[u8],
	) -> Result<UploadStatus, UploadError> {
		let mut open = self.open.lock();
		let Some(upload) = open.get_mut(hash) else { return self.stored_or_unknown(hash) };
		let received = upload.incoming.written();
		let end = offset.saturating_add(bytes.len() as u64);
		if end > upload.length {
			return Err(UploadError::TooLong { length: upload.length, end });
		}
		let Some(known) = received.checked_sub(offset) else {
			return Err(UploadError::Gap { expected: received, given: offset });
		};
		upload.touched = Instant::now();
		let new = usize::try_from(known).ok().and_then(|known| bytes.get(known..));
		if let Err(error) = upload.incoming.write(new.unwrap_or_default()) {
			// Part of the piece may lie in the file: it can not go on.
			open.remove(hash);
			return Err(error.into());
		}
		Ok(UploadStatus::Received(upload.incoming.written()))
	}

	/// Makes the upload a blob. Content of another hash is thrown away: begin again.
	pub fn finish(&self, hash: &BlobHash) -> Result<(), UploadError> {
		let upload = {
			let mut open = self.open.lock();
			let Some(upload) = open.remove(hash) else {
				return self.stored_or_unknown(hash).map(|_| ());
			};
			let (received, length) = (upload.incoming.written(), upload.length);
			if received < length {
				open.insert(*hash, upload);
				return Err(UploadError::Incomplete { received, length });
			}
			upload
		};
		upload.incoming.commit(Some(*hash))?;
		Ok(())
	}

	/// Gives an upload up; says whether there was one.
	pub fn cancel(&self, hash: &BlobHash) -> bool {
		self.open.lock().remove(hash).is_some()
	}

	fn stored_or_unknown(&self, hash: &BlobHash) -> Result<UploadStatus, UploadError> {
		match self.store.contains(hash) {
			true => Ok(UploadStatus::Stored),
			false => Err(UploadError::Unknown(*hash)),
		}
	}
}
