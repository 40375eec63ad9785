//! A blob of which some chunks are here.
//!
//! In `fetching/` of the blob store lie a file as long as the blob, with the chunks at their places,
//! and its manifest. There is no list of the chunks that are here: whoever goes on reads the file
//! and hashes it, so that nothing has to reach the disk in any order.

use super::message::{Manifest, MAX_RESPONSE_BYTES};
use crate::blobs::{name, parse, BlobError, BlobStore};
use aimodel_primitives::ids::BlobHash;
use codec::{DecodeAll, Encode};
use std::{
	fs::{self, File, OpenOptions, TryLockError},
	io::{self, Read, Seek, SeekFrom, Write},
	path::{Path, PathBuf},
	sync::Arc,
	time::{Duration, SystemTime},
};

/// What is left of a fetch that nobody went on with for so long is removed.
const STALE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What follows a blob's name in the name of its manifest.
const MANIFEST: &str = ".manifest";

/// Why a blob can not be put together.
#[derive(Debug, thiserror::Error)]
pub enum PartialError {
	/// Somebody else writes it.
	#[error("another process fetches blob {0:?} into this store")]
	InUse(BlobHash),
	/// The disk would hold more than it may.
	#[error("{bytes} bytes more are too many: the blob store holds {used} bytes, and fetched blobs may fill it up to {limit}")]
	NoRoom {
		/// How much the blob takes.
		bytes: u64,
		/// How much the store holds, with what is being fetched.
		used: u64,
		/// The bound.
		limit: u64,
	},
	/// The file system refused.
	#[error(transparent)]
	Blob(#[from] BlobError),
}

/// The chunks of a blob that are here, locked against others while it lives.
#[derive(Debug)]
pub(super) struct Partial {
	store: Arc<BlobStore>,
	blob: BlobHash,
	path: PathBuf,
	file: File,
	manifest: Arc<Manifest>,
	/// Which chunks are here.
	here: Vec<bool>,
	/// How many bytes the store may hold in the end.
	limit: u64,
}

impl Partial {
	/// What an earlier fetch left of a blob of `at_most` bytes, if anything. Reads and hashes all of
	/// it. The store may hold `limit` bytes in the end.
	pub(super) fn resume(
		store: &Arc<BlobStore>,
		blob: BlobHash,
		at_most: u64,
		limit: u64,
	) -> Result<Option<Self>, PartialError> {
		let path = store.fetching().join(name(&blob));
		let manifest = read_manifest(&manifest_path(&path), at_most)?;
		let Some(manifest) = manifest else { return Ok(None) };
		let file = open(&path, blob)?;
		let here = vec![false; manifest.chunks.len()];
		let (store, manifest) = (store.clone(), Arc::new(manifest));
		let mut partial = Self { store, blob, path, file, manifest, here, limit };
		partial.look()?;
		Ok(Some(partial))
	}

	/// Nothing yet of a blob with this manifest. The store may hold `limit` bytes in the end.
	pub(super) fn create(
		store: &Arc<BlobStore>,
		blob: BlobHash,
		manifest: Arc<Manifest>,
		limit: u64,
	) -> Result<Self, PartialError> {
		check_room(store, &blob, manifest.length, limit)?;
		let path = store.fetching().join(name(&blob));
		let file = open(&path, blob)?;
		// What is there belongs to a manifest that could not be read.
		file.set_len(0).map_err(BlobError::io(&path))?;
		let here = vec![false; manifest.chunks.len()];
		let mut partial = Self { store: store.clone(), blob, path, file, manifest, here, limit };
		partial.write_manifest()?;
		Ok(partial)
	}

	/// What the chunks have to be.
	pub(super) fn manifest(&self) -> &Arc<Manifest> {
		&self.manifest
	}

	/// The chunks that are not here.
	pub(super) fn missing(&self) -> impl Iterator<Item = u32> + '_ {
		(0..).zip(&self.here).filter(|(_, here)| !**here).map(|(index, _)| index)
	}

	/// Bytes that are here.
	pub(super) fn received(&self) -> u64 {
		let ranges = (0..).zip(&self.here).filter(|(_, here)| **here);
		ranges
			.filter_map(|(index, _)| self.manifest.range(index))
			.map(|range| range.end.saturating_sub(range.start))
			.fold(0, u64::saturating_add)
	}

	/// Goes on by another manifest. Chunks that it has too stay.
	pub(super) fn adopt(&mut self, manifest: Arc<Manifest>) -> Result<(), PartialError> {
		check_room(&self.store, &self.blob, manifest.length, self.limit)?;
		let here = |index: u32| self.here.get(index as usize).copied().unwrap_or(false);
		self.here = (0..manifest.count())
			.map(|index| here(index) && self.manifest.agrees(&manifest, index))
			.collect();
		self.manifest = manifest;
		self.write_manifest()
	}

	/// Writes a chunk that the manifest [admits](Manifest::admits).
	pub(super) fn write(&mut self, index: u32, bytes: &[u8]) -> Result<(), PartialError> {
		let Some(range) = self.manifest.range(index) else { return Ok(()) };
		self.file
			.seek(SeekFrom::Start(range.start))
			.and_then(|_| self.file.write_all(bytes))
			.map_err(BlobError::io(&self.path))?;
		if let Some(here) = self.here.get_mut(index as usize) {
			*here = true;
		}
		Ok(())
	}

	/// Makes it a blob. Where all chunks are here and their whole has another hash, the manifest is
	/// wrong: [`BlobError::WrongHash`], and everything stays as it is.
	pub(super) fn finish(&mut self) -> Result<(), PartialError> {
		self.store.adopt(&self.blob, &mut self.file, &self.path)?;
		remove(&manifest_path(&self.path))?;
		Ok(())
	}

	/// Looks which chunks are here.
	fn look(&mut self) -> Result<(), PartialError> {
		let io = BlobError::io(&self.path);
		let found = self.file.rewind().and_then(|()| {
			let mut chunk = Vec::new();
			for (index, here) in (0..).zip(&mut self.here) {
				let Some(range) = self.manifest.range(index) else { break };
				chunk.clear();
				let length = range.end.saturating_sub(range.start);
				(&mut self.file).take(length).read_to_end(&mut chunk)?;
				*here = self.manifest.admits(index, &chunk);
			}
			Ok(())
		});
		Ok(found.map_err(io)?)
	}

	/// Writes the manifest, whole or not at all, and makes the file as long as it says.
	fn write_manifest(&mut self) -> Result<(), PartialError> {
		let target = manifest_path(&self.path);
		let new = self.path.with_extension("new");
		fs::write(&new, self.manifest.encode()).map_err(BlobError::io(&new))?;
		fs::rename(&new, &target).map_err(BlobError::io(&target))?;
		self.file.set_len(self.manifest.length).map_err(BlobError::io(&self.path))?;
		Ok(())
	}
}

/// Removes what is left of fetches that nobody went on with for a week.
pub(super) fn sweep(store: &BlobStore) -> Result<(), BlobError> {
	let folder = store.fetching();
	for entry in fs::read_dir(&folder).map_err(BlobError::io(&folder))? {
		let path = entry.map_err(BlobError::io(&folder))?.path();
		let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
		let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
		let locked = || File::open(&path).is_ok_and(|file| file.try_lock().is_err());
		if age.is_some_and(|age| age > STALE) && !locked() {
			remove(&path)?;
		}
	}
	Ok(())
}

/// Checks that the store can take a blob of so many bytes.
fn check_room(
	store: &BlobStore,
	blob: &BlobHash,
	bytes: u64,
	limit: u64,
) -> Result<(), PartialError> {
	let used = store.used()?.saturating_add(reserved(store, blob)?);
	match used.saturating_add(bytes) > limit {
		true => Err(PartialError::NoRoom { bytes, used, limit }),
		false => Ok(()),
	}
}

/// Bytes that the other blobs that are being fetched will take.
fn reserved(store: &BlobStore, blob: &BlobHash) -> Result<u64, BlobError> {
	let folder = store.fetching();
	let mut bytes = 0u64;
	for entry in fs::read_dir(&folder).map_err(BlobError::io(&folder))? {
		let entry = entry.map_err(BlobError::io(&folder))?;
		let other = entry.file_name().to_str().and_then(parse).is_some_and(|other| other != *blob);
		if let (true, Ok(metadata)) = (other, entry.metadata()) {
			bytes = bytes.saturating_add(metadata.len());
		}
	}
	Ok(bytes)
}

/// Opens the file of a blob's chunks, and locks it.
fn open(path: &Path, blob: BlobHash) -> Result<File, PartialError> {
	let mut options = OpenOptions::new();
	let file = options.read(true).write(true).create(true).truncate(false).open(path);
	let file = file.map_err(BlobError::io(path))?;
	match file.try_lock() {
		Ok(()) => Ok(file),
		Err(TryLockError::WouldBlock) => Err(PartialError::InUse(blob)),
		Err(TryLockError::Error(error)) => Err(BlobError::io(path)(error).into()),
	}
}

/// The manifest of an earlier fetch. One that can not be read is none.
fn read_manifest(path: &Path, limit: u64) -> Result<Option<Manifest>, BlobError> {
	let mut bytes = Vec::new();
	let read =
		File::open(path).and_then(|file| file.take(MAX_RESPONSE_BYTES).read_to_end(&mut bytes));
	match read {
		Ok(_) => (),
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
		Err(error) => return Err(BlobError::io(path)(error)),
	}
	let manifest = Manifest::decode_all(&mut &bytes[..]).ok();
	Ok(manifest.filter(|manifest| manifest.check(limit).is_ok()))
}

fn manifest_path(path: &Path) -> PathBuf {
	let mut name = path.as_os_str().to_owned();
	name.push(MANIFEST);
	name.into()
}

fn remove(path: &Path) -> Result<(), BlobError> {
	match fs::remove_file(path) {
		Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BlobError::io(path)(error)),
		_ => Ok(()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::exchange::message::CHUNK_BYTES;
	use tempfile::TempDir;

	const LIMIT: u64 = 64 << 20;

	fn store() -> (TempDir, Arc<BlobStore>) {
		let folder = tempfile::tempdir().unwrap();
		let store = Arc::new(BlobStore::open(folder.path(), LIMIT).unwrap());
		(folder, store)
	}

	fn blob(chunks: usize, seed: u8) -> (Vec<u8>, BlobHash, Arc<Manifest>) {
		let length = chunks * CHUNK_BYTES as usize - 100;
		let bytes: Vec<_> = (0..length).map(|at| (at / 1000) as u8 ^ seed).collect();
		let (manifest, hash) = Manifest::of(&mut &bytes[..]).unwrap();
		(bytes, hash, Arc::new(manifest))
	}

	fn chunk(bytes: &[u8], index: u32) -> &[u8] {
		bytes.chunks(CHUNK_BYTES as usize).nth(index as usize).unwrap()
	}

	fn missing(partial: &Partial) -> Vec<u32> {
		partial.missing().collect()
	}

	#[test]
	fn chunks_in_any_order_make_a_blob() {
		let (_folder, store) = store();
		let (bytes, hash, manifest) = blob(3, 0);
		let mut partial = Partial::create(&store, hash, manifest, LIMIT).unwrap();
		for index in [2, 0, 1] {
			assert!(missing(&partial).contains(&index));
			partial.write(index, chunk(&bytes, index)).unwrap();
		}
		assert_eq!((missing(&partial), partial.received()), (vec![], bytes.len() as u64));
		partial.finish().unwrap();
		assert_eq!(store.get(&hash).unwrap(), bytes);
		assert_eq!(fs::read_dir(store.fetching()).unwrap().count(), 0);
	}

	#[test]
	fn what_is_here_is_found_again_and_what_is_damaged_is_not() {
		let (_folder, store) = store();
		let (bytes, hash, manifest) = blob(4, 0);
		let mut partial = Partial::create(&store, hash, manifest, LIMIT).unwrap();
		for index in [0, 2, 3] {
			partial.write(index, chunk(&bytes, index)).unwrap();
		}
		assert!(matches!(
			Partial::resume(&store, hash, LIMIT, LIMIT),
			Err(PartialError::InUse(blob)) if blob == hash
		));
		partial.file.seek(SeekFrom::Start(2 * u64::from(CHUNK_BYTES) + 5)).unwrap();
		partial.file.write_all(&[0xff, 0xfe]).unwrap();
		drop(partial);
		let partial = Partial::resume(&store, hash, LIMIT, LIMIT).unwrap().unwrap();
		assert_eq!(missing(&partial), [1, 2]);
	}

	#[test]
	fn a_manifest_that_can_not_be_read_begins_anew() {
		let (_folder, store) = store();
		let (bytes, hash, manifest) = blob(2, 0);
		let mut partial = Partial::create(&store, hash, manifest.clone(), LIMIT).unwrap();
		partial.write(0, chunk(&bytes, 0)).unwrap();
		drop(partial);
		fs::write(manifest_path(&store.fetching().join(name(&hash))), b"?").unwrap();
		assert!(Partial::resume(&store, hash, LIMIT, LIMIT).unwrap().is_none());
		let partial = Partial::create(&store, hash, manifest, LIMIT).unwrap();
		assert_eq!(missing(&partial), [0, 1]);
	}

	#[test]
	fn a_wrong_whole_leaves_what_the_next_manifest_agrees_with() {
		let (_folder, store) = store();
		let (bytes, hash, manifest) = blob(3, 0);
		let (other, _, _) = blob(3, 9);
		let mut wrong = Manifest::clone(&manifest);
		wrong.chunks[1] = Manifest::of(&mut chunk(&other, 1)).unwrap().0.chunks[0];
		let mut partial = Partial::create(&store, hash, Arc::new(wrong), LIMIT).unwrap();
		for (index, from) in [(0, &bytes), (1, &other), (2, &bytes)] {
			partial.write(index, chunk(from, index)).unwrap();
		}
		assert!(matches!(
			partial.finish(),
			Err(PartialError::Blob(BlobError::WrongHash { expected, .. })) if expected == hash
		));
		partial.adopt(manifest).unwrap();
		assert_eq!(missing(&partial), [1]);
		partial.write(1, chunk(&bytes, 1)).unwrap();
		partial.finish().unwrap();
		assert_eq!(store.get(&hash).unwrap(), bytes);
	}

	#[test]
	fn a_longer_wrong_manifest_does_not_make_the_blob_longer() {
		let (_folder, store) = store();
		let (bytes, hash, manifest) = blob(2, 0);
		let (_, _, longer) = blob(9, 3);
		let mut partial = Partial::create(&store, hash, longer, LIMIT).unwrap();
		partial.adopt(manifest).unwrap();
		for index in [0, 1] {
			partial.write(index, chunk(&bytes, index)).unwrap();
		}
		partial.finish().unwrap();
		assert_eq!(store.get(&hash).unwrap(), bytes);
	}

	#[test]
	fn the_disk_is_bounded() {
		let (_folder, store) = store();
		let (bytes, first, manifest) = blob(2, 0);
		let limit = 2 * bytes.len() as u64;
		store.put(&[1]).unwrap();
		let _first = Partial::create(&store, first, manifest, limit).unwrap();
		let (_, second, manifest) = blob(2, 1);
		let Err(PartialError::NoRoom { used, .. }) =
			Partial::create(&store, second, manifest.clone(), limit)
		else {
			panic!("there was room");
		};
		assert_eq!(used, bytes.len() as u64 + 1);
		Partial::create(&store, second, manifest, limit + 1).unwrap();
	}

	#[test]
	fn what_nobody_goes_on_with_is_removed() {
		let (_folder, store) = store();
		let (_, old, manifest) = blob(1, 0);
		drop(Partial::create(&store, old, manifest.clone(), LIMIT).unwrap());
		let (_, young, manifest) = blob(1, 1);
		drop(Partial::create(&store, young, manifest, LIMIT).unwrap());
		let path = store.fetching().join(name(&old));
		for path in [path.clone(), manifest_path(&path)] {
			let file = File::options().write(true).open(path).unwrap();
			file.set_modified(SystemTime::now() - 2 * STALE).unwrap();
		}
		sweep(&store).unwrap();
		assert!(Partial::resume(&store, old, LIMIT, LIMIT).unwrap().is_none());
		assert!(Partial::resume(&store, young, LIMIT, LIMIT).unwrap().is_some());
		assert_eq!(fs::read_dir(store.fetching()).unwrap().count(), 2);
	}
}
