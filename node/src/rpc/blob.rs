//! `blob_*`: blobs in pieces.
//!
//! A piece has [`MAX_PIECE`] bytes at most: in hexadecimal it is well below what the server takes
//! in one call. An upload is named by the hash that its content must have; every call may be
//! repeated.

use aimodel_inference::{
	exchange::{Exchange, Progress, Purpose},
	BlobError, BlobStore, UploadError, UploadStatus, Uploads,
};
use aimodel_primitives::BlobHash;
use jsonrpsee::{
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
	Extensions,
};
use sc_rpc_api::{check_if_safe, UnsafeRpcError};
use serde::Serialize;
use sp_core::Bytes;
use std::sync::Arc;

/// The most bytes of one piece: 4 MiB.
pub(crate) const MAX_PIECE: u32 = 4 << 20;

/// How far an upload is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct UploadState {
	/// Whether the blob is in the store: nothing more is to do.
	stored: bool,
	/// How many bytes are here: where the next piece begins.
	received: u64,
}

impl From<UploadStatus> for UploadState {
	fn from(status: UploadStatus) -> Self {
		match status {
			UploadStatus::Stored => Self { stored: true, received: 0 },
			UploadStatus::Received(received) => Self { stored: false, received },
		}
	}
}

/// A blob of the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct BlobInfo {
	/// `blake2_256` of its bytes.
	hash: BlobHash,
	/// How many bytes.
	length: u64,
}

/// How far a fetch from other nodes is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub(crate) enum FetchState {
	/// The blob is in the store.
	Stored,
	/// It waits for its turn.
	Queued,
	/// It is on its way.
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
	},
	/// Too many blobs wait already.
	Full,
}

impl From<Progress> for FetchState {
	fn from(progress: Progress) -> Self {
		match progress {
			Progress::Stored => Self::Stored,
			Progress::Queued => Self::Queued,
			Progress::Fetching { received, length } => Self::Fetching { received, length },
			Progress::Failed { reason, .. } => Self::Failed { reason },
			Progress::Full => Self::Full,
		}
	}
}

/// The blob store of this node. Calls that change it, list it, or read a model whose parameters are
/// private, are unsafe.
#[rpc(server)]
pub(crate) trait BlobApi {
	/// Begins to upload the `length` bytes whose hash is `hash`, or tells how far it is.
	#[method(name = "blob_begin", with_extensions, blocking)]
	fn begin(&self, hash: BlobHash, length: u64) -> Result<UploadState, Error>;

	/// Adds a piece. What is here already is skipped.
	#[method(name = "blob_append", with_extensions, blocking)]
	fn append(&self, hash: BlobHash, offset: u64, piece: Bytes) -> Result<UploadState, Error>;

	/// Checks the hash and makes the upload a blob.
	#[method(name = "blob_finish", with_extensions, blocking)]
	fn finish(&self, hash: BlobHash) -> Result<(), Error>;

	/// Gives an upload up; says whether there was one.
	#[method(name = "blob_cancel", with_extensions, blocking)]
	fn cancel(&self, hash: BlobHash) -> Result<bool, Error>;

	/// At most `length` bytes from `offset` on. Whoever puts the pieces together checks the hash.
	#[method(name = "blob_get", with_extensions, blocking)]
	fn get(&self, hash: BlobHash, offset: u64, length: u32) -> Result<Bytes, Error>;

	/// How many bytes the blob has, or null if it is not here.
	#[method(name = "blob_size", blocking)]
	fn size(&self, hash: BlobHash) -> Result<Option<u64>, Error>;

	/// Whether the blob is here.
	#[method(name = "blob_has", blocking)]
	fn has(&self, hash: BlobHash) -> Result<bool, Error>;

	/// Fetches the blob from other nodes of the chain, unless it is here. Answers at once with how
	/// far it is.
	#[method(name = "blob_fetch", with_extensions, blocking)]
	fn fetch(&self, hash: BlobHash) -> Result<FetchState, Error>;

	/// How far a fetch is, or null where nobody asked for the blob.
	#[method(name = "blob_fetching", blocking)]
	fn fetching(&self, hash: BlobHash) -> Result<Option<FetchState>, Error>;

	/// All blobs.
	#[method(name = "blob_list", with_extensions, blocking)]
	fn list(&self) -> Result<Vec<BlobInfo>, Error>;
}

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
	/// The server does not allow it from there.
	#[error(transparent)]
	Unsafe(#[from] UnsafeRpcError),
	/// The piece is too long.
	#[error("a piece has {MAX_PIECE} bytes at most, not {0}")]
	PieceTooLong(u64),
	/// The upload is refused.
	#[error(transparent)]
	Upload(#[from] UploadError),
	/// Nothing is fetched here.
	#[error("this node fetches no blobs from others: it was started with `--artifacts off`")]
	NoExchange,
	/// The store refuses.
	#[error(transparent)]
	Blob(#[from] BlobError),
}

/// The codes of our errors; those of Substrate end at 11000.
mod codes {
	const BASE: i32 = 20_000;
	pub(super) const PIECE_TOO_LONG: i32 = BASE + 1;
	pub(super) const NOT_FOUND: i32 = BASE + 2;
	pub(super) const UPLOAD: i32 = BASE + 3;
	pub(super) const STORE: i32 = BASE + 4;
	pub(super) const NO_EXCHANGE: i32 = BASE + 5;
}

impl From<Error> for ErrorObjectOwned {
	fn from(error: Error) -> Self {
		let code = match error {
			Error::Unsafe(error) => return error.into(),
			Error::PieceTooLong(_) => codes::PIECE_TOO_LONG,
			Error::Blob(BlobError::NotFound(_)) => codes::NOT_FOUND,
			Error::Upload(_) => codes::UPLOAD,
			Error::Blob(_) => codes::STORE,
			Error::NoExchange => codes::NO_EXCHANGE,
		};
		ErrorObject::owned(code, error.to_string(), None::<()>)
	}
}

/// Answers `blob_*`.
pub(crate) struct Blobs {
	store: Arc<BlobStore>,
	uploads: Uploads,
	exchange: Option<Exchange>,
}

impl Blobs {
	/// Reads `store`, and writes it through `uploads` and `exchange`.
	pub(crate) fn new(store: Arc<BlobStore>, uploads: Uploads, exchange: Option<Exchange>) -> Self {
		Self { store, uploads, exchange }
	}

	fn exchange(&self) -> Result<&Exchange, Error> {
		self.exchange.as_ref().ok_or(Error::NoExchange)
	}
}

impl BlobApiServer for Blobs {
	fn begin(&self, ext: &Extensions, hash: BlobHash, length: u64) -> Result<UploadState, Error> {
		check_if_safe(ext)?;
		Ok(self.uploads.begin(hash, length)?.into())
	}

	fn append(
		&self,
		ext: &Extensions,
		hash: BlobHash,
		offset: u64,
		piece: Bytes,
	) -> Result<UploadState, Error> {
		check_if_safe(ext)?;
		check_length(piece.len() as u64)?;
		Ok(self.uploads.append(&hash, offset, &piece)?.into())
	}

	fn finish(&self, ext: &Extensions, hash: BlobHash) -> Result<(), Error> {
		check_if_safe(ext)?;
		Ok(self.uploads.finish(&hash)?)
	}

	fn cancel(&self, ext: &Extensions, hash: BlobHash) -> Result<bool, Error> {
		check_if_safe(ext)?;
		Ok(self.uploads.cancel(&hash))
	}

	fn get(
		&self,
		ext: &Extensions,
		hash: BlobHash,
		offset: u64,
		length: u32,
	) -> Result<Bytes, Error> {
		if self.store.is_private_model(&hash)? {
			check_if_safe(ext)?;
		}
		check_length(length.into())?;
		Ok(self.store.piece(&hash, offset, length)?.into())
	}

	fn size(&self, hash: BlobHash) -> Result<Option<u64>, Error> {
		match self.store.size(&hash) {
			Ok(size) => Ok(Some(size)),
			Err(BlobError::NotFound(_)) => Ok(None),
			Err(error) => Err(error.into()),
		}
	}

	fn has(&self, hash: BlobHash) -> Result<bool, Error> {
		Ok(self.store.contains(&hash))
	}

	fn fetch(&self, ext: &Extensions, hash: BlobHash) -> Result<FetchState, Error> {
		check_if_safe(ext)?;
		Ok(self.exchange()?.want_now(hash, self.store.max_bytes(), Purpose::Operator).into())
	}

	fn fetching(&self, hash: BlobHash) -> Result<Option<FetchState>, Error> {
		Ok(self.exchange()?.progress(&hash).map(Into::into))
	}

	fn list(&self, ext: &Extensions) -> Result<Vec<BlobInfo>, Error> {
		check_if_safe(ext)?;
		let blobs = self.store.list()?;
		Ok(blobs.into_iter().map(|(hash, length)| BlobInfo { hash, length }).collect())
	}
}

fn check_length(length: u64) -> Result<(), Error> {
	if length > MAX_PIECE.into() {
		return Err(Error::PieceTooLong(length));
	}
	Ok(())
}
