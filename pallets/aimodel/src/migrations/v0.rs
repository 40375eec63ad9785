//! The layout before tariffs, as far as today's is another.

use crate::{types::Input, Config, Pallet};
use aimodel_primitives::{
	models::{self, Change},
	runtime_api::Assurance,
	split::MAX_BENEFICIARIES,
	traits::LeaseTerms,
	Balance, ModelId, OutPoint, RequestId, VersionId,
};
use codec::{Decode, Encode};
use frame_support::{pallet_prelude::*, storage_alias};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::Permill;

/// The most records that a history had, on any chain.
const MAX_HISTORY: u32 = 1_024;

#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub(crate) enum Pricing {
	Flat { per_call: Balance, per_unit: Balance },
}

#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub(crate) struct RevenueSplit<AccountId> {
	pub(crate) worker: Permill,
	pub(crate) beneficiaries: BoundedVec<(AccountId, Permill), ConstU32<MAX_BENEFICIARIES>>,
}

#[derive(Clone, Debug, Decode, Encode)]
pub(crate) struct ModelContent<AccountId> {
	pub(crate) owner: AccountId,
	pub(crate) offered_to: Option<AccountId>,
	pub(crate) pricing: Pricing,
	pub(crate) split: RevenueSplit<AccountId>,
	pub(crate) version: u32,
	pub(crate) record: H256,
	pub(crate) retired: bool,
}

#[derive(Decode, Encode)]
pub(crate) struct ModelOutput<T: Config> {
	pub(crate) model: ModelId,
	pub(crate) content: ModelContent<T::AccountId>,
	pub(crate) depositor: T::AccountId,
	pub(crate) deposit: T::Consideration,
}

#[derive(Decode, Encode)]
pub(crate) struct Request<T: Config> {
	pub(crate) customer: T::AccountId,
	pub(crate) out_point: OutPoint,
	pub(crate) version: VersionId,
	pub(crate) assurance: Assurance,
	pub(crate) input: Input<T::MaxInlineInput>,
	pub(crate) rows: u32,
	pub(crate) pricing: Pricing,
	pub(crate) split: RevenueSplit<T::AccountId>,
	pub(crate) platform_share: Permill,
	pub(crate) held: Balance,
	pub(crate) terms: LeaseTerms<BlockNumberFor<T>>,
	pub(crate) deadline: BlockNumberFor<T>,
	pub(crate) drawn: bool,
	pub(crate) candidates: BoundedVec<T::AccountId, T::MaxCandidates>,
	pub(crate) lapsed: BoundedVec<T::AccountId, T::MaxCandidates>,
	pub(crate) compensated: Balance,
	pub(crate) due: BlockNumberFor<T>,
}

/// What is kept of a spent output.
#[derive(Debug, Decode, Encode)]
pub(crate) struct HistoryRecord<AccountId, BlockNumber> {
	pub(crate) spent: OutPoint,
	pub(crate) change: Change,
	pub(crate) by: AccountId,
	pub(crate) at: BlockNumber,
}

impl<AccountId, BlockNumber> From<HistoryRecord<AccountId, BlockNumber>>
	for models::HistoryRecord<AccountId, BlockNumber>
{
	fn from(record: HistoryRecord<AccountId, BlockNumber>) -> Self {
		let HistoryRecord { spent, change, by, at } = record;
		Self { spent, change, by, at, with: BoundedVec::new() }
	}
}

#[storage_alias]
pub(crate) type Outputs<T: Config> =
	StorageMap<Pallet<T>, Blake2_128Concat, OutPoint, ModelOutput<T>>;

#[storage_alias]
pub(crate) type Requests<T: Config> = StorageMap<Pallet<T>, Twox64Concat, RequestId, Request<T>>;

#[storage_alias]
pub(crate) type DueRequests<T: Config> =
	StorageDoubleMap<Pallet<T>, Twox64Concat, BlockNumberFor<T>, Twox64Concat, RequestId, ()>;

#[storage_alias]
pub(crate) type Waiting<T: Config> = StorageValue<
	Pallet<T>,
	BoundedVec<(RequestId, VersionId), <T as Config>::MaxWaiting>,
	ValueQuery,
>;

/// The latest spent outputs of each model, oldest first.
#[storage_alias]
pub(crate) type History<T: Config> = StorageMap<
	Pallet<T>,
	Blake2_128Concat,
	ModelId,
	BoundedVec<
		HistoryRecord<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>,
		ConstU32<MAX_HISTORY>,
	>,
>;
