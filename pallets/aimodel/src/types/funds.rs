//! What owners set aside for their models.

use crate::Config;
use aimodel_primitives::Balance;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::*;

/// What an account set aside for one purpose of its model. All of it is held on the account.
#[derive(Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Fund<T: Config> {
	/// Can be reserved, or taken back.
	pub free: Balance,
	/// Reserved for open requests: the most that they can take.
	pub reserved: Balance,
	/// The deposit, taken from the account.
	pub deposit: T::CustomerDeposit,
}
