use super::*;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

fn store() -> (TempDir, BlobStore) {
	let folder = tempfile::tempdir().unwrap();
	let store = BlobStore::open(folder.path(), 1000).unwrap();
	(folder, store)
}

fn uploads(open: usize, idle: Duration) -> (TempDir, Arc<BlobStore>, Uploads) {
	let (folder, store) = store();
	let store = Arc::new(store);
	(folder, store.clone(), Uploads::new(store, UploadLimits { open, idle }))
}

fn incoming_files(store: &BlobStore) -> usize {
	fs::read_dir(store.incoming()).unwrap().count()
}

#[test]
fn a_hash_is_the_chains_blake2_256() {
	// blake2b-256 of "abc".
	let expected = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
	assert_eq!(hex::encode(hash(b"abc")), expected);
}

#[test]
fn what_was_put_can_be_had_listed_and_removed() {
	let (_folder, store) = store();
	let (a, b) = (store.put(b"a").unwrap(), store.put_reader(&mut &b"bb"[..]).unwrap());
	assert_eq!((store.get(&a).unwrap(), store.get(&b).unwrap()), (b"a".to_vec(), b"bb".to_vec()));
	assert!(store.contains(&a));
	assert_eq!(store.size(&b).unwrap(), 2);
	let mut expected = vec![(a, 1), (b, 2)];
	expected.sort();
	assert_eq!(store.list().unwrap(), expected);
	assert!(store.remove(&a).unwrap());
	assert!(!store.remove(&a).unwrap());
	assert!(!store.contains(&a));
	assert!(matches!(store.get(&a), Err(BlobError::NotFound(hash)) if hash == a));
	assert!(matches!(store.size(&a), Err(BlobError::NotFound(hash)) if hash == a));
	assert_eq!(incoming_files(&store), 0);
}

#[test]
fn blobs_outlive_the_process() {
	let (folder, store) = store();
	let hash = store.put(b"kept").unwrap();
	drop(store);
	let store = BlobStore::open(folder.path(), 1000).unwrap();
	assert_eq!(store.get(&hash).unwrap(), b"kept");
}

#[test]
fn a_corrupted_blob_is_set_aside_and_can_be_put_again() {
	let (folder, store) = store();
	let hash = store.put(b"good").unwrap();
	fs::write(folder.path().join(hex::encode(hash)), b"evil").unwrap();
	let Err(BlobError::Corrupted { expected, found, moved_to }) = store.get(&hash) else {
		panic!("not noticed");
	};
	assert_eq!((expected, found), (hash, self::hash(b"evil")));
	assert_eq!(fs::read(moved_to).unwrap(), b"evil");
	assert!(!store.contains(&hash));
	assert!(matches!(store.get(&hash), Err(BlobError::NotFound(_))));
	store.put(b"good").unwrap();
	assert_eq!(store.get(&hash).unwrap(), b"good");
}

#[test]
fn putting_repairs_a_damage_that_nobody_noticed_yet() {
	let (folder, store) = store();
	let hash = store.put(b"good").unwrap();
	fs::write(folder.path().join(hex::encode(hash)), b"evil").unwrap();
	store.put(b"good").unwrap();
	assert_eq!(store.get(&hash).unwrap(), b"good");
}

#[test]
fn what_a_crash_left_behind_is_removed_at_open() {
	let (folder, store) = store();
	let leftover = store.incoming().join("1-0");
	fs::write(&leftover, b"half a bl").unwrap();
	let being_written = store.begin().unwrap();
	let again = BlobStore::open(folder.path(), 1000).unwrap();
	assert!(!leftover.exists());
	// What is alive in another process stays.
	assert_eq!(incoming_files(&again), 1);
	let hash = being_written.commit(None).unwrap();
	assert!(again.contains(&hash));
}

#[test]
fn a_blob_that_is_too_large_leaves_nothing() {
	let (_folder, store) = store();
	store.put(&[7; 1000]).unwrap();
	assert!(matches!(store.put(&[7; 1001]), Err(BlobError::TooLarge { limit: 1000 })));
	assert_eq!((store.list().unwrap().len(), incoming_files(&store)), (1, 0));
}

#[test]
fn a_source_that_fails_leaves_nothing() {
	struct Broken;
	impl Read for Broken {
		fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
			Err(io::Error::other("unplugged"))
		}
	}
	let (_folder, store) = store();
	assert!(matches!(store.put_reader(&mut Broken), Err(BlobError::Io { .. })));
	assert_eq!((store.list().unwrap().len(), incoming_files(&store)), (0, 0));
}

#[test]
fn foreign_files_are_no_blobs() {
	let (folder, store) = store();
	let hash = store.put(b"a").unwrap();
	let upper = hex::encode_upper([0xab; 32]);
	for foreign in ["README", upper.as_str(), "00"] {
		fs::write(folder.path().join(foreign), b"?").unwrap();
	}
	fs::create_dir(folder.path().join(hex::encode([1; 32]))).unwrap();
	assert_eq!(store.list().unwrap(), [(hash, 1)]);
	assert!(!store.contains(&[1; 32].into()));
}

#[test]
fn a_blob_can_be_read_in_pieces() {
	let (_folder, store) = store();
	let hash = store.put(b"0123456789").unwrap();
	assert_eq!(store.piece(&hash, 0, 4).unwrap(), b"0123");
	assert_eq!(store.piece(&hash, 8, 4).unwrap(), b"89");
	assert_eq!(store.piece(&hash, 10, 4).unwrap(), b"");
	assert!(matches!(store.piece(&[1; 32].into(), 0, 4), Err(BlobError::NotFound(_))));
}

#[test]
fn an_upload_survives_repeated_calls() {
	let (_folder, store, uploads) = uploads(1, Duration::MAX);
	let hash = hash(b"hello world");
	assert_eq!(uploads.begin(hash, 11).unwrap(), UploadStatus::Received(0));
	assert_eq!(uploads.append(&hash, 0, b"hello").unwrap(), UploadStatus::Received(5));
	assert_eq!(uploads.append(&hash, 0, b"hello").unwrap(), UploadStatus::Received(5));
	assert_eq!(uploads.begin(hash, 11).unwrap(), UploadStatus::Received(5));
	assert_eq!(uploads.append(&hash, 3, b"lo world").unwrap(), UploadStatus::Received(11));
	uploads.finish(&hash).unwrap();
	uploads.finish(&hash).unwrap();
	assert_eq!(uploads.begin(hash, 11).unwrap(), UploadStatus::Stored);
	assert_eq!(uploads.append(&hash, 0, b"hello").unwrap(), UploadStatus::Stored);
	assert_eq!(store.get(&hash).unwrap(), b"hello world");
	assert_eq!(incoming_files(&store), 0);
}

#[test]
fn an_upload_that_breaks_its_promise_is_refused() {
	let (_folder, store, uploads) = uploads(1, Duration::MAX);
	let hash = hash(b"hello");
	assert!(matches!(
		uploads.begin(hash, 1001),
		Err(UploadError::Blob(BlobError::TooLarge { limit: 1000 }))
	));
	assert!(matches!(uploads.append(&hash, 0, b"h"), Err(UploadError::Unknown(h)) if h == hash));
	assert!(matches!(uploads.finish(&hash), Err(UploadError::Unknown(h)) if h == hash));

	uploads.begin(hash, 5).unwrap();
	assert!(matches!(uploads.begin(hash, 6), Err(UploadError::OtherLength { begun: 5, given: 6 })));
	assert!(matches!(
		uploads.append(&hash, 1, b"e"),
		Err(UploadError::Gap { expected: 0, given: 1 })
	));
	assert!(matches!(
		uploads.append(&hash, 0, b"hello!"),
		Err(UploadError::TooLong { length: 5, end: 6 })
	));
	assert!(matches!(
		uploads.append(&hash, u64::MAX, b"hello!"),
		Err(UploadError::TooLong { length: 5, .. })
	));
	uploads.append(&hash, 0, b"hell").unwrap();
	assert!(matches!(
		uploads.finish(&hash),
		Err(UploadError::Incomplete { received: 4, length: 5 })
	));

	uploads.append(&hash, 4, b"!").unwrap();
	let Err(UploadError::Blob(BlobError::WrongHash { expected, found })) = uploads.finish(&hash)
	else {
		panic!("stored under a wrong name");
	};
	assert_eq!((expected, found), (hash, self::hash(b"hell!")));
	assert_eq!((store.list().unwrap().len(), incoming_files(&store)), (0, 0));
	// And again from the beginning.
	assert_eq!(uploads.begin(hash, 5).unwrap(), UploadStatus::Received(0));
	uploads.append(&hash, 0, b"hello").unwrap();
	uploads.finish(&hash).unwrap();
}

#[test]
fn uploads_are_bounded_in_number() {
	let (_folder, store, patient) = uploads(1, Duration::MAX);
	patient.begin(hash(b"a"), 1).unwrap();
	assert!(matches!(patient.begin(hash(b"b"), 1), Err(UploadError::TooMany { open: 1 })));
	assert!(patient.cancel(&hash(b"a")));
	assert!(!patient.cancel(&hash(b"a")));
	assert_eq!(incoming_files(&store), 0);
	patient.begin(hash(b"b"), 1).unwrap();
}

#[test]
fn an_idle_upload_gives_way_to_a_new_one() {
	let (_folder, store, hasty) = uploads(1, Duration::ZERO);
	hasty.begin(hash(b"a"), 1).unwrap();
	hasty.begin(hash(b"b"), 1).unwrap();
	assert!(matches!(hasty.append(&hash(b"a"), 0, b"a"), Err(UploadError::Unknown(_))));
	assert_eq!(incoming_files(&store), 1);
}
