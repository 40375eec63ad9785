//! What is kept of a model beside its versions: how it describes itself, which version answers a
//! request, and what became of its outputs.

use crate::{ids::BlobHash, owners::Members, runtime_api::Version, OutPoint, RequestId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{ConstU32, H256};
use sp_crypto_hashing::blake2_256;
use sp_runtime::{BoundedVec, Permill};

/// The most tags of a model.
pub const MAX_TAGS: u32 = 8;

/// A word by which models are found: lower-case letters, digits and hyphens.
pub type Tag = BoundedVec<u8, ConstU32<32>>;

/// How a model describes itself. What is longer lies in blobs.
#[derive(
	Clone,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Metadata {
	/// Its name, in UTF-8.
	pub name: BoundedVec<u8, ConstU32<64>>,
	/// The blob of its description.
	pub description: Option<BlobHash>,
	/// An SPDX licence expression, such as `MIT OR Apache-2.0`.
	pub licence: BoundedVec<u8, ConstU32<64>>,
	/// Words by which it is found, in ascending order.
	pub tags: BoundedVec<Tag, ConstU32<MAX_TAGS>>,
	/// The blob of its model card.
	pub card: Option<BlobHash>,
}

/// What is wrong with [`Metadata`].
#[derive(Clone, Copy, Eq, PartialEq, Debug)]
pub enum MetadataError {
	/// The name is no UTF-8, or has control characters.
	Name,
	/// The licence has characters that no SPDX expression has.
	Licence,
	/// A tag is empty, has other characters than it may, or does not ascend.
	Tags,
}

impl Metadata {
	/// Checks that every field has only the characters that it may, and that tags ascend.
	pub fn validate(&self) -> Result<(), MetadataError> {
		let name = core::str::from_utf8(&self.name).map_err(|_| MetadataError::Name)?;
		if name.chars().any(char::is_control) {
			return Err(MetadataError::Name);
		}
		let spdx = |byte: &u8| byte.is_ascii_alphanumeric() || b" .-+():".contains(byte);
		if !self.licence.iter().all(spdx) {
			return Err(MetadataError::Licence);
		}
		let letter =
			|byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
		let word = |tag: &Tag| !tag.is_empty() && tag.iter().all(letter);
		// Ascending, so that no tag stands twice.
		if !self.tags.iter().all(word) || !self.tags.is_sorted_by(|one, next| one < next) {
			return Err(MetadataError::Tags);
		}
		Ok(())
	}
}

/// A version that answers a share of new requests before it answers all of them.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Candidate {
	/// Which of the model's versions.
	pub version: u32,
	/// `blake2_256` of that version's record.
	pub record: H256,
	/// The share of new requests.
	pub share: Permill,
}

impl Candidate {
	/// Whether the candidate is to answer `request`: true of a share of all ids, and, of two shares,
	/// whatever the smaller takes the greater takes too.
	pub fn takes(&self, request: RequestId) -> bool {
		let hash = (b"aimodel/rollout", request).using_encoded(blake2_256);
		let drawn = u64::from_le_bytes([
			hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
		]);
		let parts = u64::from(Permill::one().deconstruct());
		drawn.checked_rem(parts).is_some_and(|part| part < u64::from(self.share.deconstruct()))
	}
}

/// Whether a customer can tell `one` version from `other` by anything but its answers: by what it
/// takes and gives, what is billed, how long it may take, and what its proofs tell and hide.
pub fn interchangeable(one: &Version, other: &Version) -> bool {
	let privacy = |version: &Version| version.circuit.as_ref().map(|circuit| circuit.privacy);
	one.interface == other.interface
		&& one.units == other.units
		&& one.lease == other.lease
		&& privacy(one) == privacy(other)
}

/// A name for whichever version has a role.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum Alias {
	/// The version that answers new requests.
	Stable,
	/// The newest version, whether or not it answers requests.
	Latest,
	/// The version that answers a share of new requests.
	Candidate,
}

/// A kept version of a model.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct KeptVersion<BlockNumber> {
	/// Which of the model's versions.
	pub index: u32,
	/// Its record.
	pub record: Version,
	/// The first block at which new requests to it are refused, if one was announced.
	pub deprecated_from: Option<BlockNumber>,
}

/// What a change did.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub enum Change {
	/// A new version answers from now on.
	Upgraded,
	/// A new pricing.
	Repriced,
	/// A new split.
	Resplit,
	/// Offered to another owner, or the offer withdrawn.
	Offered,
	/// The offer was accepted.
	Transferred,
	/// No new requests.
	Retired,
	/// Who may make requests, and how many, is another.
	AccessSet,
	/// No new requests for now.
	Paused,
	/// New requests again.
	Unpaused,
	/// A version that was kept answers from now on.
	RolledBack {
		/// Which.
		version: u32,
	},
	/// New metadata.
	Described,
	/// A new version is kept, and answers nothing yet.
	Published {
		/// Which.
		version: u32,
	},
	/// A version answers a share of new requests.
	Staged {
		/// Which.
		version: u32,
		/// The share.
		share: Permill,
	},
	/// The candidate answers all new requests.
	Promoted {
		/// Which version it is.
		version: u32,
	},
	/// The candidate answers no more requests.
	Aborted {
		/// Which version it is.
		version: u32,
	},
	/// New requests to a version will be refused.
	Deprecated {
		/// Which.
		version: u32,
	},
	/// New plans.
	PlansSet,
	/// Another set makes changes, or none.
	LockSet,
}

/// What is kept of a spent output.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct HistoryRecord<AccountId, BlockNumber> {
	/// The spent output.
	pub spent: OutPoint,
	/// What consumed it.
	pub change: Change,
	/// Who did. Of a set, the member whose approval was the last that it took.
	pub by: AccountId,
	/// When.
	pub at: BlockNumber,
	/// The other members of a set that had approved it.
	pub with: Members<AccountId>,
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn tags(words: &[&str]) -> Metadata {
		let tags: alloc::vec::Vec<Tag> =
			words.iter().map(|word| word.as_bytes().to_vec().try_into().unwrap()).collect();
		Metadata { tags: tags.try_into().unwrap(), ..Default::default() }
	}

	fn candidate(parts: u32) -> Candidate {
		Candidate { version: 0, record: H256::zero(), share: Permill::from_parts(parts) }
	}

	#[test]
	fn metadata_has_only_the_characters_that_it_may() {
		assert_eq!(Metadata::default().validate(), Ok(()));
		let named = |name: &[u8]| Metadata {
			name: name.to_vec().try_into().unwrap(),
			..Default::default()
		};
		assert_eq!(named("Ziffern für alle".as_bytes()).validate(), Ok(()));
		assert_eq!(named(&[0xff]).validate(), Err(MetadataError::Name));
		assert_eq!(named(b"two\nlines").validate(), Err(MetadataError::Name));
		let licensed = |licence: &[u8]| Metadata {
			licence: licence.to_vec().try_into().unwrap(),
			..Default::default()
		};
		assert_eq!(licensed(b"(MIT OR Apache-2.0)").validate(), Ok(()));
		assert_eq!(licensed(b"MIT/Apache").validate(), Err(MetadataError::Licence));
		assert_eq!(tags(&["digits", "vision-2"]).validate(), Ok(()));
		for wrong in [&[""][..], &["Digits"], &["two words"], &["b", "a"], &["a", "a"]] {
			assert_eq!(tags(wrong).validate(), Err(MetadataError::Tags), "{wrong:?}");
		}
	}

	#[test]
	fn a_candidate_takes_its_share_of_requests() {
		for percent in [1, 10, 50, 99] {
			let taken = (0..20_000).filter(|id| candidate(percent * 10_000).takes(*id)).count();
			assert!(taken.abs_diff(percent as usize * 200) < 300, "{percent} %: {taken}");
		}
	}

	proptest! {
		#[test]
		fn a_greater_share_takes_whatever_a_smaller_one_takes(
			id: RequestId, one in 0..=1_000_000u32, other in 0..=1_000_000u32,
		) {
			let (less, more) = (one.min(other), one.max(other));
			prop_assert!(!candidate(less).takes(id) || candidate(more).takes(id));
			prop_assert!(!candidate(0).takes(id));
			prop_assert!(candidate(1_000_000).takes(id));
		}
	}
}
