//! A blob on its way into the store.

use super::{finish, hasher, name, BlobError};
use aimodel_primitives::ids::BlobHash;
use std::{
	fs::{self, File},
	io::{self, Write},
	path::{Path, PathBuf},
	sync::atomic::{AtomicU64, Ordering},
};

/// A file in `incoming/`, locked while it lives and removed with it unless it became a blob.
#[derive(Debug)]
pub(super) struct Incoming {
	root: PathBuf,
	path: PathBuf,
	file: File,
	hasher: blake2b_simd::State,
	written: u64,
	limit: u64,
	committed: bool,
}

impl Incoming {
	pub(super) fn create(root: &Path, folder: &Path, limit: u64) -> Result<Self, BlobError> {
		static COUNTER: AtomicU64 = AtomicU64::new(0);
		let (path, file) = loop {
			let count = COUNTER.fetch_add(1, Ordering::Relaxed);
			let path = folder.join(format!("{}-{count}", std::process::id()));
			match File::create_new(&path) {
				Ok(file) => break (path, file),
				// Another process with our id, in another container.
				Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
				Err(error) => return Err(BlobError::io(&path)(error)),
			}
		};
		file.try_lock().map_err(|error| BlobError::io(&path)(error.into()))?;
		Ok(Self {
			root: root.into(),
			path,
			file,
			hasher: hasher(),
			written: 0,
			limit,
			committed: false,
		})
	}

	/// How many bytes were written.
	pub(super) fn written(&self) -> u64 {
		self.written
	}

	pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
		let written = self.written.saturating_add(bytes.len() as u64);
		if written > self.limit {
			return Err(BlobError::TooLarge { limit: self.limit });
		}
		self.file.write_all(bytes).map_err(BlobError::io(&self.path))?;
		self.hasher.update(bytes);
		self.written = written;
		Ok(())
	}

	/// Makes it a blob, under the name that it was announced by, if it was.
	pub(super) fn commit(mut self, expected: Option<BlobHash>) -> Result<BlobHash, BlobError> {
		let found = finish(&self.hasher);
		if let Some(expected) = expected.filter(|expected| *expected != found) {
			return Err(BlobError::WrongHash { expected, found });
		}
		place(&self.file, &self.path, &self.root, &found)?;
		self.committed = true;
		Ok(found)
	}
}

/// Makes a file the blob of this name: from here on it is there whole, whatever happens.
pub(super) fn place(
	file: &File,
	path: &Path,
	root: &Path,
	hash: &BlobHash,
) -> Result<(), BlobError> {
	file.sync_all().map_err(BlobError::io(path))?;
	let target = root.join(name(hash));
	fs::rename(path, &target).map_err(BlobError::io(&target))?;
	// The rename itself lasts only once the folder is on the disk.
	File::open(root).and_then(|folder| folder.sync_all()).map_err(BlobError::io(root))
}

impl Drop for Incoming {
	fn drop(&mut self) {
		if !self.committed {
			if let Err(error) = fs::remove_file(&self.path) {
				log::warn!(target: "inference", "{}: {error}", self.path.display());
			}
		}
	}
}

/// Removes every file that nobody writes any more.
pub(super) fn sweep(folder: &Path) -> Result<(), BlobError> {
	for entry in fs::read_dir(folder).map_err(BlobError::io(folder))? {
		let path = entry.map_err(BlobError::io(folder))?.path();
		if !path.is_file() {
			continue;
		}
		let swept = File::open(&path).and_then(|file| match file.try_lock() {
			Ok(()) => fs::remove_file(&path),
			Err(fs::TryLockError::WouldBlock) => Ok(()),
			Err(fs::TryLockError::Error(error)) => Err(error),
		});
		match swept {
			Ok(()) => (),
			// Another process finished or swept it.
			Err(error) if error.kind() == io::ErrorKind::NotFound => (),
			Err(error) => return Err(BlobError::io(&path)(error)),
		}
	}
	Ok(())
}
