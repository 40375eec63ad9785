//! The blob store: plain files, named by the hash of their content.
//!
//! Under its folder lie the blobs themselves (64 hexadecimal digits), `incoming/` with what is
//! being written, `corrupted/` with what no longer had its hash when it was read, and `fetching/`
//! with what comes in chunks from other nodes. A blob appears by a rename, so it is there whole or
//! not at all; a crash leaves at most a file in `incoming/`, which the next [`BlobStore::open`]
//! removes, and chunks in `fetching/`, from which [`exchange`](crate::exchange) goes on.

mod incoming;
mod upload;

pub use upload::{UploadError, UploadLimits, UploadStatus, Uploads};

use aimodel_primitives::ids::BlobHash;
use incoming::Incoming;
use std::{
	fs::{self, File},
	io::{self, Read, Seek, SeekFrom},
	path::{Path, PathBuf},
};

/// The most bytes of one blob unless configured otherwise: 1 GiB.
pub const DEFAULT_MAX_BLOB_BYTES: u64 = 1 << 30;

/// Bytes that a stream is read by.
const CHUNK: usize = 1 << 16;

/// Why the blob store refuses.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
	/// No such blob.
	#[error("the blob store holds no blob {0:?}")]
	NotFound(BlobHash),
	/// The file did not have its hash; it was set aside, so that the blob can be put again.
	#[error("blob {expected:?} is corrupted: its content has the hash {found:?}; it was moved to {moved_to}")]
	Corrupted {
		/// The name of the blob.
		expected: BlobHash,
		/// The hash of what the file held.
		found: BlobHash,
		/// Where the file lies now.
		moved_to: PathBuf,
	},
	/// The content that was given has another hash than announced; nothing was stored.
	#[error("the bytes have the hash {found:?}, not {expected:?}")]
	WrongHash {
		/// The announced hash.
		expected: BlobHash,
		/// The hash of what came.
		found: BlobHash,
	},
	/// More bytes than a blob may have.
	#[error("a blob may have {limit} bytes at most")]
	TooLarge {
		/// The bound.
		limit: u64,
	},
	/// The file system refused.
	#[error("{path}: {source}")]
	Io {
		/// The file or folder.
		path: PathBuf,
		/// The reason.
		source: io::Error,
	},
}

impl BlobError {
	/// Adds the path to an error of the file system.
	pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
		move |source| Self::Io { path: path.into(), source }
	}
}

/// `blake2_256` of the bytes: the name of a blob.
pub fn hash(bytes: &[u8]) -> BlobHash {
	finish(hasher().update(bytes))
}

pub(crate) fn hasher() -> blake2b_simd::State {
	blake2b_simd::Params::new().hash_length(32).to_state()
}

pub(crate) fn finish(state: &blake2b_simd::State) -> BlobHash {
	BlobHash::from_slice(state.finalize().as_bytes())
}

/// A folder of blobs.
///
/// Several processes may share it: a file in `incoming/` is locked by whoever writes it.
#[derive(Debug)]
pub struct BlobStore {
	root: PathBuf,
	max_bytes: u64,
}

impl BlobStore {
	/// Opens the store in `root`, creates the folder if need be, and removes what a crash left
	/// behind. A blob may have `max_bytes` at most.
	pub fn open(root: impl Into<PathBuf>, max_bytes: u64) -> Result<Self, BlobError> {
		let store = Self { root: root.into(), max_bytes };
		for folder in [store.incoming(), store.corrupted(), store.fetching()] {
			fs::create_dir_all(&folder).map_err(BlobError::io(&folder))?;
		}
		incoming::sweep(&store.incoming())?;
		Ok(store)
	}

	/// The folder.
	pub fn root(&self) -> &Path {
		&self.root
	}

	/// The most bytes that a blob may have.
	pub fn max_bytes(&self) -> u64 {
		self.max_bytes
	}

	/// Stores bytes and returns their name. Putting the same again repairs a damaged file.
	pub fn put(&self, bytes: &[u8]) -> Result<BlobHash, BlobError> {
		self.put_reader(&mut &*bytes)
	}

	/// Stores what a reader gives, hashing as it goes, and returns its name.
	pub fn put_reader(&self, reader: &mut impl Read) -> Result<BlobHash, BlobError> {
		let mut incoming = self.begin()?;
		let mut chunk = vec![0; CHUNK];
		loop {
			match reader.read(&mut chunk) {
				Ok(0) => break,
				Ok(n) => incoming.write(&chunk[..n])?,
				Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
				Err(error) => return Err(BlobError::io(Path::new("the blob's source"))(error)),
			}
		}
		incoming.commit(None)
	}

	/// The bytes of a blob, checked against its name. What does not match is set aside.
	pub fn get(&self, hash: &BlobHash) -> Result<Vec<u8>, BlobError> {
		let path = self.path(hash);
		let bytes = fs::read(&path).map_err(|error| self.read_error(hash, error))?;
		self.check(hash, self::hash(&bytes))?;
		Ok(bytes)
	}

	/// Compares a blob's name with the hash `found` of what its file holds. What does not match is
	/// set aside.
	pub(crate) fn check(&self, hash: &BlobHash, found: BlobHash) -> Result<(), BlobError> {
		if found == *hash {
			return Ok(());
		}
		let (path, moved_to) = (self.path(hash), self.corrupted().join(name(hash)));
		fs::rename(&path, &moved_to).map_err(BlobError::io(&path))?;
		Err(BlobError::Corrupted { expected: *hash, found, moved_to })
	}

	/// At most `length` bytes from `offset` on, for transfer in pieces. *Not* checked: whoever puts
	/// the pieces together checks the hash of the whole.
	pub fn piece(&self, hash: &BlobHash, offset: u64, length: u32) -> Result<Vec<u8>, BlobError> {
		let path = self.path(hash);
		let mut file = File::open(&path).map_err(|error| self.read_error(hash, error))?;
		let mut bytes = Vec::new();
		file.seek(SeekFrom::Start(offset))
			.and_then(|_| file.take(length.into()).read_to_end(&mut bytes))
			.map_err(BlobError::io(&path))?;
		Ok(bytes)
	}

	/// How many bytes a blob has.
	pub fn size(&self, hash: &BlobHash) -> Result<u64, BlobError> {
		let path = self.path(hash);
		Ok(fs::metadata(&path).map_err(|error| self.read_error(hash, error))?.len())
	}

	/// Whether the blob is a model whose parameters are private.
	pub fn is_private_model(&self, hash: &BlobHash) -> Result<bool, BlobError> {
		let end = zkonnx::SALT_ENTRY_BYTES as u32;
		let Some(offset) = self.size(hash)?.checked_sub(end.into()) else { return Ok(false) };
		Ok(zkonnx::has_salt(&self.piece(hash, offset, end)?))
	}

	/// Whether there is a blob of this name. Its content is checked only when it is read.
	pub fn contains(&self, hash: &BlobHash) -> bool {
		self.path(hash).is_file()
	}

	/// All blobs and their sizes in bytes, in the order of their names.
	pub fn list(&self) -> Result<Vec<(BlobHash, u64)>, BlobError> {
		Self::list_in(&self.root)
	}

	/// The blobs that were set aside since their content had another hash, and are not here again.
	pub fn damaged(&self) -> Result<Vec<BlobHash>, BlobError> {
		let aside = Self::list_in(&self.corrupted())?.into_iter().map(|(hash, _)| hash);
		Ok(aside.filter(|hash| !self.contains(hash)).collect())
	}

	fn list_in(folder: &Path) -> Result<Vec<(BlobHash, u64)>, BlobError> {
		let mut blobs = Vec::new();
		for entry in fs::read_dir(folder).map_err(BlobError::io(folder))? {
			let entry = entry.map_err(BlobError::io(folder))?;
			let Some(hash) = entry.file_name().to_str().and_then(parse) else { continue };
			match entry.metadata() {
				Ok(metadata) if metadata.is_file() => blobs.push((hash, metadata.len())),
				// Removed meanwhile, or no file of ours.
				_ => (),
			}
		}
		blobs.sort();
		Ok(blobs)
	}

	/// Removes a blob; says whether there was one.
	pub fn remove(&self, hash: &BlobHash) -> Result<bool, BlobError> {
		let path = self.path(hash);
		match fs::remove_file(&path) {
			Ok(()) => Ok(true),
			Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
			Err(error) => Err(BlobError::io(&path)(error)),
		}
	}

	/// Opens a blob's file, to be read from the beginning. *Not* checked.
	pub(crate) fn open_blob(&self, hash: &BlobHash) -> Result<File, BlobError> {
		File::open(self.path(hash)).map_err(|error| self.read_error(hash, error))
	}

	/// Makes a file of this file system the blob, if it has its hash; else it stays where it is.
	/// `file` is open at `path`.
	pub(crate) fn adopt(
		&self,
		hash: &BlobHash,
		file: &mut File,
		path: &Path,
	) -> Result<(), BlobError> {
		file.rewind().map_err(BlobError::io(path))?;
		let (mut state, mut chunk) = (hasher(), vec![0; CHUNK]);
		loop {
			match file.read(&mut chunk) {
				Ok(0) => break,
				Ok(n) => state.update(&chunk[..n]),
				Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
				Err(error) => return Err(BlobError::io(path)(error)),
			};
		}
		let found = finish(&state);
		if found != *hash {
			return Err(BlobError::WrongHash { expected: *hash, found });
		}
		incoming::place(file, path, &self.root, hash)
	}

	/// Where blobs are put together that other nodes send in chunks.
	pub(crate) fn fetching(&self) -> PathBuf {
		self.root.join("fetching")
	}

	/// Bytes of all blobs.
	pub(crate) fn used(&self) -> Result<u64, BlobError> {
		let sizes = self.list()?.into_iter().map(|(_, size)| size);
		Ok(sizes.fold(0, u64::saturating_add))
	}

	/// Begins a blob that is not there yet.
	fn begin(&self) -> Result<Incoming, BlobError> {
		Incoming::create(&self.root, &self.incoming(), self.max_bytes)
	}

	fn path(&self, hash: &BlobHash) -> PathBuf {
		self.root.join(name(hash))
	}

	fn incoming(&self) -> PathBuf {
		self.root.join("incoming")
	}

	fn corrupted(&self) -> PathBuf {
		self.root.join("corrupted")
	}

	fn read_error(&self, hash: &BlobHash, error: io::Error) -> BlobError {
		match error.kind() {
			io::ErrorKind::NotFound => BlobError::NotFound(*hash),
			_ => BlobError::io(&self.path(hash))(error),
		}
	}
}

/// The file name of a blob: 64 hexadecimal digits in lower case, and nothing that a caller chose.
pub(crate) fn name(hash: &BlobHash) -> String {
	hex::encode(hash)
}

/// Reads a name that [`name`] wrote.
pub(crate) fn parse(name: &str) -> Option<BlobHash> {
	let mut hash = BlobHash::zero();
	hex::decode_to_slice(name, hash.as_mut()).ok()?;
	(self::name(&hash) == name).then_some(hash)
}

#[cfg(test)]
mod tests;
