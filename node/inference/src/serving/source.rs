//! Where model files come from. Nothing is trusted by its name: a file is used only once its
//! `blake2_256` is what the repository's entry says, and nothing longer than the entry says is
//! written.

mod http;
mod s3;

pub(crate) use http::chain as error_chain;
pub use http::{Http, Ipfs};
pub use s3::S3;

use super::repository::VersionEntry;
use crate::blobs::{BlobError, BlobStore, UploadError, UploadLimits, UploadStatus, Uploads};
use aimodel_primitives::ids::BlobHash;
use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream, StreamExt};
use std::{
	collections::BTreeMap,
	fs::File,
	io::Read,
	sync::Arc,
	time::{Duration, Instant},
};
use url::Url;

/// How often a source is tried without a byte coming.
const ATTEMPTS: u32 = 4;

/// How long the first pause between two attempts is; each further is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the log tells how far a fetch is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Gives files by URI, from any byte on.
pub trait Source: Send + Sync {
	/// The schemes of the URIs that it knows.
	fn schemes(&self) -> &[&str];

	/// Begins to read. `attempt` counts from 0, for a source that can choose among several servers.
	fn open<'a>(
		&'a self,
		uri: &'a Url,
		offset: u64,
		attempt: u32,
	) -> BoxFuture<'a, Result<Opened, SourceError>>;

	/// Brings a file of at most so many bytes into the server's blob store, for a source that does so itself and verifies
	/// what it brings; `None` for one that is read.
	fn bring<'a>(
		&'a self,
		_uri: &'a Url,
		_hash: BlobHash,
		_bytes: u64,
	) -> Option<BoxFuture<'a, Result<(), SourceError>>> {
		None
	}
}

/// A file that is being read.
pub struct Opened {
	/// Where the stream begins: at the offset that was asked for, or at 0.
	pub offset: u64,
	/// Bytes of the whole file, if the source says.
	pub length: Option<u64>,
	/// What follows.
	pub stream: BoxStream<'static, Result<Bytes, SourceError>>,
}

/// Why a source gives nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct SourceError {
	/// What happened.
	pub reason: String,
	/// Whether it may go better next time.
	pub again: bool,
}

impl SourceError {
	/// One that may go better next time.
	pub fn passing(reason: impl ToString) -> Self {
		Self { reason: reason.to_string(), again: true }
	}

	/// One that will not.
	pub fn lasting(reason: impl ToString) -> Self {
		Self { reason: reason.to_string(), again: false }
	}
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
	#[error("`{0}` is no URI: {1}")]
	Uri(String, url::ParseError),
	#[error("nothing gives `{scheme}://`; there are {known}")]
	Scheme { scheme: String, known: String },
	#[error("{uri}: {reason}")]
	Source { uri: String, reason: String },
	#[error("{uri} has {found} bytes; the entry says {expected}")]
	Length { uri: String, found: u64, expected: u64 },
	#[error("{uri} has the hash {found}; the entry says {expected}")]
	Hash { uri: String, found: String, expected: String },
	#[error("there is no blob store to fetch {0} into")]
	NoStore(String),
	#[error(transparent)]
	Upload(#[from] UploadError),
	#[error(transparent)]
	Blob(#[from] BlobError),
	#[error("no thread for fetching: {0}")]
	Runtime(String),
}

/// Where a file was when it was wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
	/// On this machine.
	Local,
	/// Elsewhere.
	Fetched,
}

/// Fetches files.
pub(super) struct Fetcher {
	sources: BTreeMap<String, Arc<dyn Source>>,
	/// Where files may be already.
	blobs: Option<Arc<BlobStore>>,
	/// Where they are fetched to.
	store: Option<(Arc<BlobStore>, Uploads)>,
}

impl Fetcher {
	pub(super) fn new(
		blobs: Option<Arc<BlobStore>>,
		fetched: Option<Arc<BlobStore>>,
		sources: &[Arc<dyn Source>],
	) -> Self {
		let mut known = BTreeMap::new();
		for source in sources {
			for scheme in source.schemes() {
				known.insert((*scheme).to_owned(), source.clone());
			}
		}
		let store = fetched.or_else(|| blobs.clone());
		let store =
			store.map(|store| (store.clone(), Uploads::new(store, UploadLimits::default())));
		Self { sources: known, blobs, store }
	}

	/// The file of an entry, with its hash verified.
	pub(super) fn get(&self, entry: &VersionEntry) -> Result<(Vec<u8>, Origin), FetchError> {
		let uri =
			Url::parse(&entry.uri).map_err(|error| FetchError::Uri(entry.uri.clone(), error))?;
		if uri.scheme() == "file" {
			return Ok((read(&uri, entry)?, Origin::Local));
		}
		let Some((store, uploads)) = &self.store else {
			return Err(FetchError::NoStore(uri.to_string()));
		};
		let stores = [self.blobs.as_ref(), Some(store)].into_iter().flatten();
		if let Some(held) = stores.into_iter().find(|it| it.contains(&entry.hash)) {
			match held.get(&entry.hash) {
				Ok(bytes) => return Ok((bytes, Origin::Local)),
				// It was set aside, and is fetched again.
				Err(error @ BlobError::Corrupted { .. }) => {
					log::warn!(target: "inference", "{error}");
				},
				Err(error) => return Err(error.into()),
			}
		}
		if uri.scheme() == "blob" {
			return Err(BlobError::NotFound(entry.hash).into());
		}
		let Some(source) = self.sources.get(uri.scheme()) else {
			let known = self.sources.keys().map(String::as_str).chain(["file", "blob"]);
			let known: Vec<_> = known.collect();
			let (scheme, known) = (uri.scheme().into(), known.join(", "));
			return Err(FetchError::Scheme { scheme, known });
		};
		let runtime = tokio::runtime::Builder::new_current_thread()
			.enable_all()
			.build()
			.map_err(|error| FetchError::Runtime(error.to_string()))?;
		if let (Some(bring), Some(blobs)) =
			(source.bring(&uri, entry.hash, entry.bytes), &self.blobs)
		{
			let refused = |reason: String| FetchError::Source { uri: uri.to_string(), reason };
			runtime.block_on(bring).map_err(|error| refused(error.reason))?;
			return Ok((blobs.get(&entry.hash)?, Origin::Fetched));
		}
		runtime.block_on(fetch(source.as_ref(), &uri, entry, uploads))?;
		Ok((store.get(&entry.hash)?, Origin::Fetched))
	}
}

/// Reads a file of this machine. Its size is known to fit before memory is asked for.
fn read(uri: &Url, entry: &VersionEntry) -> Result<Vec<u8>, FetchError> {
	let refused = |reason: String| FetchError::Source { uri: uri.to_string(), reason };
	let path = uri.to_file_path().map_err(|()| refused("no path of this machine".into()))?;
	let io = |error: std::io::Error| refused(error.to_string());
	let mut file = File::open(&path).map_err(io)?;
	let found = file.metadata().map_err(io)?.len();
	let expected = entry.bytes;
	if found != expected {
		return Err(FetchError::Length { uri: uri.to_string(), found, expected });
	}
	let mut bytes = Vec::new();
	usize::try_from(found)
		.ok()
		.and_then(|length| bytes.try_reserve_exact(length).ok())
		.ok_or_else(|| refused(format!("there is no memory for {found} bytes")))?;
	file.by_ref().take(expected).read_to_end(&mut bytes).map_err(io)?;
	let found = crate::blobs::hash(&bytes);
	match found == entry.hash {
		true => Ok(bytes),
		false => Err(wrong_hash(uri, &format!("{found:?}"), entry)),
	}
}

fn wrong_hash(uri: &Url, found: &str, entry: &VersionEntry) -> FetchError {
	let (found, expected) = (found.to_owned(), format!("{:?}", entry.hash));
	FetchError::Hash { uri: uri.to_string(), found, expected }
}

/// Streams a file into the blob store; goes on where it was when the stream breaks.
async fn fetch(
	source: &dyn Source,
	uri: &Url,
	entry: &VersionEntry,
	uploads: &Uploads,
) -> Result<(), FetchError> {
	let refused = |reason: String| FetchError::Source { uri: uri.to_string(), reason };
	let mut failures = 0u32;
	let mut attempt = 0u32;
	let start = Instant::now();
	loop {
		let received = match uploads.begin(entry.hash, entry.bytes)? {
			UploadStatus::Stored => return Ok(()),
			UploadStatus::Received(received) => received,
		};
		if received == entry.bytes {
			break;
		}
		let error = match source.open(uri, received, attempt).await {
			Ok(opened) => match pour(opened, uri, entry, uploads).await? {
				None => break,
				Some(error) => error,
			},
			Err(error) => error,
		};
		attempt = attempt.saturating_add(1);
		let now = match uploads.begin(entry.hash, entry.bytes)? {
			UploadStatus::Stored => return Ok(()),
			UploadStatus::Received(now) => now,
		};
		failures = if now > received { 1 } else { failures.saturating_add(1) };
		if !error.again || failures >= ATTEMPTS {
			uploads.cancel(&entry.hash);
			return Err(refused(error.reason));
		}
		let pause = PAUSE.saturating_mul(1 << failures.min(6));
		log::warn!(
			target: "inference",
			"{uri}: {error}; {now} of {} bytes are here, goes on in {pause:?}", entry.bytes,
		);
		tokio::time::sleep(pause).await;
	}
	match uploads.finish(&entry.hash) {
		Err(UploadError::Blob(BlobError::WrongHash { found, .. })) => {
			Err(wrong_hash(uri, &format!("{found:?}"), entry))
		},
		Err(error) => Err(error.into()),
		Ok(()) => {
			let (bytes, took) = (entry.bytes, start.elapsed());
			log::info!(target: "inference", "{uri}: {bytes} bytes, verified, {took:?}");
			Ok(())
		},
	}
}

/// Writes what comes; gives the error that ended it too early.
async fn pour(
	opened: Opened,
	uri: &Url,
	entry: &VersionEntry,
	uploads: &Uploads,
) -> Result<Option<SourceError>, FetchError> {
	let Opened { mut offset, length, mut stream } = opened;
	let expected = entry.bytes;
	if let Some(found) = length.filter(|found| *found != expected) {
		uploads.cancel(&entry.hash);
		return Err(FetchError::Length { uri: uri.to_string(), found, expected });
	}
	let mut told = Instant::now();
	while let Some(bytes) = stream.next().await {
		let bytes = match bytes {
			Ok(bytes) => bytes,
			Err(error) => return Ok(Some(error)),
		};
		match uploads.append(&entry.hash, offset, &bytes) {
			Ok(_) => (),
			Err(UploadError::TooLong { end: found, .. }) => {
				uploads.cancel(&entry.hash);
				return Err(FetchError::Length { uri: uri.to_string(), found, expected });
			},
			Err(error) => return Err(error.into()),
		}
		offset = offset.saturating_add(bytes.len() as u64);
		if told.elapsed() >= PROGRESS {
			told = Instant::now();
			log::info!(target: "inference", "{uri}: {offset} of {expected} bytes");
		}
	}
	Ok((offset < expected).then(|| SourceError::passing("the stream ended too early")))
}
