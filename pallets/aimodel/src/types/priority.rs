//! Which of the requests that wait for workers get them first.

use aimodel_primitives::{pricing::Tier, RequestId, VersionId};
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A request that waits for the draw, the version that is to answer it, and its priority.
pub type Waiter = (RequestId, VersionId, Tier);

/// The place of a request among those that fall due in the same block, in the order of its encoding:
/// higher tiers first, then older requests.
#[derive(
	Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, Ord, PartialEq, PartialOrd, TypeInfo,
)]
pub struct Turn {
	rank: u8,
	/// Big-endian.
	request: [u8; 8],
}

impl Turn {
	/// The place of a request.
	pub fn new(priority: Tier, request: RequestId) -> Self {
		let rank = match priority {
			Tier::Enterprise => 0,
			Tier::Professional => 1,
			Tier::Standard => 2,
			Tier::Trial => 3,
		};
		Self { rank, request: request.to_be_bytes() }
	}

	/// Whose place it is.
	pub fn request(&self) -> RequestId {
		RequestId::from_be_bytes(self.request)
	}
}

/// Those that wait and are drawn before another one of this priority.
pub(crate) fn ahead_of(priority: Tier, waiting: &[Waiter]) -> &[Waiter] {
	let place = waiting.partition_point(|(_, _, other)| *other >= priority);
	waiting.get(..place).unwrap_or(waiting)
}
