//! What peers say to each other, in SCALE.

use aimodel_primitives::ids::BlobHash;
use codec::{Decode, DecodeAll, Encode};
use std::{
	io::{self, Read},
	ops::Range,
};

use crate::blobs::{finish, hasher};

/// Bytes of every chunk but the last, which may be shorter: 256 KiB.
pub const CHUNK_BYTES: u32 = 256 << 10;

/// The most bytes of an encoded [`Request`].
pub const MAX_REQUEST_BYTES: u64 = 64;

/// The most bytes of an encoded [`Response`]: the manifest of a blob of 4 GiB less a few chunks.
pub const MAX_RESPONSE_BYTES: u64 = 512 << 10;

/// The most chunks whose manifest fits into a response.
const MAX_CHUNKS: u64 = (MAX_RESPONSE_BYTES - 16) / 32;

/// What a peer asks for.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub enum Request {
	/// How long a blob is, and the hashes of its chunks.
	#[codec(index = 0)]
	Manifest(BlobHash),
	/// One chunk.
	#[codec(index = 1)]
	Chunk {
		/// The blob.
		blob: BlobHash,
		/// Which of its chunks.
		index: u32,
	},
}

impl Request {
	/// Reads what a peer sent.
	pub fn read(bytes: &[u8]) -> Result<Self, codec::Error> {
		Self::decode_all(&mut &*bytes)
	}
}

/// What a peer answers.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum Response {
	/// It has no such blob, or gives it to nobody.
	#[codec(index = 0)]
	Unknown,
	/// It has given as much as it may for now.
	#[codec(index = 1)]
	Busy {
		/// Milliseconds after which asking again makes sense.
		millis: u32,
	},
	/// The manifest that was asked for.
	#[codec(index = 2)]
	Manifest(Manifest),
	/// The chunk that was asked for.
	#[codec(index = 3)]
	Chunk(Vec<u8>),
}

impl Response {
	/// Reads what a peer sent.
	pub fn read(bytes: &[u8]) -> Result<Self, codec::Error> {
		Self::decode_all(&mut &*bytes)
	}
}

/// A blob's length and the `blake2_256` of each of its chunks.
///
/// A blob has one manifest and no other; but nothing in its hash tells which, so that one from a peer
/// is a claim until all chunks are here and their whole has the blob's hash.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Manifest {
	/// Bytes of the blob.
	pub length: u64,
	/// The hash of each chunk.
	pub chunks: Vec<[u8; 32]>,
}

/// Why a manifest can not be one of a blob that is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ManifestError {
	/// Longer than what is taken.
	#[error("a blob of {length} bytes; {limit} is the most")]
	TooLarge {
		/// The length that the manifest says.
		length: u64,
		/// The bound.
		limit: u64,
	},
	/// Its parts contradict each other.
	#[error("{found} chunks for {length} bytes, which take {expected}")]
	ChunkCount {
		/// The length that the manifest says.
		length: u64,
		/// How many chunks that makes.
		expected: u64,
		/// How many hashes there are.
		found: u64,
	},
}

impl Manifest {
	/// Reads a blob to its end: its manifest and its hash.
	pub fn of(reader: &mut impl Read) -> io::Result<(Self, BlobHash)> {
		let mut whole = hasher();
		let mut manifest = Self { length: 0, chunks: Vec::new() };
		let mut chunk = Vec::new();
		loop {
			chunk.clear();
			reader.by_ref().take(CHUNK_BYTES.into()).read_to_end(&mut chunk)?;
			if chunk.is_empty() {
				return Ok((manifest, finish(&whole)));
			}
			whole.update(&chunk);
			manifest.length = manifest.length.saturating_add(chunk.len() as u64);
			manifest.chunks.push(chunk_hash(&chunk));
		}
	}

	/// Checks what can be checked of a claim: a blob has `limit` bytes at most.
	pub fn check(&self, limit: u64) -> Result<(), ManifestError> {
		let length = self.length;
		let limit = limit.min(MAX_CHUNKS.saturating_mul(CHUNK_BYTES.into()));
		if length > limit {
			return Err(ManifestError::TooLarge { length, limit });
		}
		let (expected, found) = (length.div_ceil(CHUNK_BYTES.into()), self.chunks.len() as u64);
		if expected != found {
			return Err(ManifestError::ChunkCount { length, expected, found });
		}
		Ok(())
	}

	/// The bytes of the blob that a chunk is; `None` where the blob ends before it.
	pub fn range(&self, index: u32) -> Option<Range<u64>> {
		let start = u64::from(index).saturating_mul(CHUNK_BYTES.into());
		let end = start.saturating_add(CHUNK_BYTES.into()).min(self.length);
		(start < end).then_some(start..end)
	}

	/// Whether these bytes are the chunk.
	pub fn admits(&self, index: u32, bytes: &[u8]) -> bool {
		let Some(range) = self.range(index) else { return false };
		let length = range.end.saturating_sub(range.start);
		bytes.len() as u64 == length
			&& self.chunks.get(index as usize).is_some_and(|hash| *hash == chunk_hash(bytes))
	}

	/// Whether a chunk is the same by another manifest.
	pub fn agrees(&self, other: &Self, index: u32) -> bool {
		let of = |manifest: &Self| manifest.chunks.get(index as usize).copied();
		of(self).is_some() && of(self) == of(other) && self.range(index) == other.range(index)
	}

	/// How many chunks there are.
	pub fn count(&self) -> u32 {
		// Bounded by `check`.
		u32::try_from(self.chunks.len()).unwrap_or(u32::MAX)
	}
}

fn chunk_hash(bytes: &[u8]) -> [u8; 32] {
	finish(hasher().update(bytes)).into()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::blobs;

	fn manifest(bytes: &[u8]) -> Manifest {
		let (manifest, hash) = Manifest::of(&mut &*bytes).unwrap();
		assert_eq!(hash, blobs::hash(bytes));
		manifest
	}

	#[test]
	fn a_manifest_tells_a_blobs_chunks() {
		let chunk = CHUNK_BYTES as usize;
		for (length, lengths) in [
			(0, vec![]),
			(1, vec![1]),
			(chunk, vec![chunk]),
			(chunk + 1, vec![chunk, 1]),
			(3 * chunk, vec![chunk; 3]),
		] {
			let bytes: Vec<_> = (0..length).map(|at| (at / 7) as u8).collect();
			let manifest = manifest(&bytes);
			manifest.check(length as u64).unwrap();
			assert_eq!(manifest.count() as usize, lengths.len());
			let pieces: Vec<_> = bytes.chunks(chunk).collect();
			assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), lengths);
			for (index, piece) in pieces.iter().enumerate() {
				assert!(manifest.admits(index as u32, piece));
				assert!(!manifest.admits(index as u32 + 1, piece));
				assert!(!manifest.admits(index as u32, &piece[1..]));
			}
			assert_eq!(manifest.range(manifest.count()), None);
		}
	}

	#[test]
	fn a_manifest_that_contradicts_itself_or_is_too_long_is_refused() {
		let good = manifest(&[1; 10]);
		assert_eq!(good.check(9), Err(ManifestError::TooLarge { length: 10, limit: 9 }));
		let more = Manifest { length: u64::from(CHUNK_BYTES) + 1, ..good.clone() };
		assert!(matches!(
			more.check(u64::MAX),
			Err(ManifestError::ChunkCount { expected: 2, found: 1, .. })
		));
		let none = Manifest { length: 0, ..good.clone() };
		assert!(matches!(none.check(9), Err(ManifestError::ChunkCount { expected: 0, .. })));
		let huge = Manifest { length: u64::MAX, ..good };
		assert!(matches!(huge.check(u64::MAX), Err(ManifestError::TooLarge { .. })));
	}

	#[test]
	fn the_longest_manifest_and_every_request_fit_into_a_message() {
		let chunks = vec![[7; 32]; MAX_CHUNKS as usize];
		let length = MAX_CHUNKS * u64::from(CHUNK_BYTES);
		let longest = Manifest { length, chunks };
		longest.check(u64::MAX).unwrap();
		assert!(Response::Manifest(longest).encoded_size() as u64 <= MAX_RESPONSE_BYTES);
		let chunk = Response::Chunk(vec![0; CHUNK_BYTES as usize]);
		assert!(chunk.encoded_size() as u64 <= MAX_RESPONSE_BYTES);
		let request = Request::Chunk { blob: BlobHash::zero(), index: u32::MAX };
		assert!(request.encoded_size() as u64 <= MAX_REQUEST_BYTES);
	}

	#[test]
	fn what_is_no_message_is_refused() {
		let request = Request::Manifest(BlobHash::repeat_byte(1));
		assert_eq!(Request::read(&request.encode()), Ok(request));
		for wrong in [&[][..], &[9], &[0, 1, 2], &[&request.encode()[..], &[0]].concat()] {
			assert!(Request::read(wrong).is_err(), "{wrong:?}");
		}
		// A length that the message does not have.
		assert!(Response::read(&[3, 0xfe, 0xff, 0xff, 0xff, 1, 2, 3]).is_err());
	}
}
