//! # The market
//!
//! Models as outputs, requests, escrow and settlement.
//!
//! A deployed model is a [`ModelOutput`]: named by an [`OutPoint`], consumed exactly once, by the
//! change that produces its successor. A request peeks at a model's live output, freezes what it
//! was quoted, and holds the customer's money; it pays when the worker that holds its lease brings
//! a result that the request's assurance accepts, and gives everything back otherwise.
//!
//! ```text
//!  request ──> waiting ──(next block: draw)──> leased ──(result)──────────> settled ──> pruned
//!                 │                              │  ▲
//!                 │                       lapsed │  │ next candidate, if a lease still fits
//!                 └──────── no worker ───────────┴──┘──(deadline, cancel)──> refunded
//! ```
//!
//! Where a model does not serve a request, the next of its fallbacks does, at the terms that were frozen
//! for it.
//!
//! The pallet knows nothing of proofs and of bonds: it asks a [`ProofVerifier`] and a
//! [`WorkerPool`].

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::unwrap_used))]
// A call that carries a tariff has some hundred bytes, and lives for one dispatch.
#![allow(clippy::large_enum_variant)]

extern crate alloc;

mod access_impls;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod billing_impls;
mod close_impls;
mod cover_impls;
mod fallback_impls;
mod fund_impls;
mod incentive_impls;
#[cfg(any(test, feature = "try-runtime"))]
mod invariants;
pub mod migrations;
mod model_impls;
pub mod offchain;
mod owners_impls;
mod plan_impls;
mod query_impls;
mod request_impls;
mod revenue_impls;
mod search_impls;
mod service_impls;
mod settle_impls;
#[cfg(test)]
mod tests;
mod tick_impls;
pub mod types;
mod version_impls;
mod voucher_impls;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use aimodel_primitives::{
	access::Access,
	billing::Budget,
	fallbacks::{FallbackNames, FallbackReason, MAX_FALLBACKS},
	incentives::Era,
	income::Income,
	models::{Metadata, Tag},
	owners::Lock,
	pricing::{Penalty, Plan, Plans, Tier},
	runtime_api::{Assurance, Version},
	traits::{KeyOrigin, ProofVerifier, WorkerPool},
	Balance, ModelId, OutPoint, RequestId, RevenueSplit, Tariff, VersionId,
};
use frame_support::traits::{fungible, Consideration, Footprint};

const LOG_TARGET: &str = "runtime::aimodel";

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{
		pallet_prelude::*,
		traits::{EnsureOrigin, UnixTime},
		PalletId,
	};
	use frame_system::{
		offchain::{AppCrypto, CreateSignedTransaction, CreateTransactionBase},
		pallet_prelude::*,
	};
	use sp_core::H256;
	use sp_runtime::{traits::Convert, Percent, Permill};

	#[pallet::config]
	pub trait Config:
		frame_system::Config<RuntimeEvent: From<Event<Self>>, AccountId: Into<[u8; 32]>>
		+ CreateSignedTransaction<Call<Self>>
	{
		/// What requests are paid in.
		type Currency: fungible::Mutate<Self::AccountId>
			+ fungible::Inspect<Self::AccountId, Balance = Balance>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// The deposit of a model, by its outputs' and versions' storage.
		type Consideration: Consideration<Self::AccountId, Footprint>;

		/// The deposit of what is kept of an account's use of a model, by its storage.
		type CustomerDeposit: Consideration<Self::AccountId, Footprint>;

		/// The time, for prices that follow that of the day.
		type Time: UnixTime;

		/// Verifying keys, and proofs under them.
		type Verifier: ProofVerifier<Self::AccountId>;

		/// Workers, and their leases.
		type Workers: WorkerPool<Self::AccountId, BlockNumberFor<Self>>;

		/// Signs results off chain, with the operator key of the node.
		type OperatorCrypto: AppCrypto<Self::Public, Self::Signature>;

		/// The call by which a worker accepts a lease that does not oblige at once.
		type AcceptCall: Convert<
			RequestId,
			<Self as CreateTransactionBase<Call<Self>>>::RuntimeCall,
		>;

		/// May set the platform's share.
		type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Earns the platform's share.
		#[pallet::constant]
		type PlatformAccount: Get<Self::AccountId>;

		/// The least that the platform's share can be set to.
		#[pallet::constant]
		type MinPlatformShare: Get<Permill>;

		/// The most that the platform's share can be set to.
		#[pallet::constant]
		type MaxPlatformShare: Get<Permill>;

		/// Names the account that keeps earnings until they are withdrawn.
		#[pallet::constant]
		type PalletId: Get<PalletId>;

		/// The most bytes of an input within a request.
		#[pallet::constant]
		type MaxInlineInput: Get<u32>;

		/// The most bytes of an output within a result.
		#[pallet::constant]
		type MaxInlineOutput: Get<u32>;

		/// The most answers that are submitted at once.
		#[pallet::constant]
		type MaxResults: Get<u32>;

		/// The most versions of one model.
		#[pallet::constant]
		type MaxVersions: Get<u32>;

		/// The most accounts on one model's allow-list.
		#[pallet::constant]
		type MaxAllowed: Get<u32>;

		/// How many records of its history a closing model loses in one step.
		#[pallet::constant]
		type HistoryStep: Get<u32>;

		/// Blocks for which an approval of a locked output's change counts.
		#[pallet::constant]
		type ApprovalPeriod: Get<u32>;

		/// How many prices of a model are remembered.
		#[pallet::constant]
		type MaxPrices: Get<u32>;

		/// Blocks of a billing period.
		#[pallet::constant]
		type BillingPeriod: Get<u32>;

		/// Blocks of a month: the longest grace of a plan, for clients a unit of periods.
		#[pallet::constant]
		type Month: Get<u32>;

		/// Blocks of a year: the longest period of a plan.
		#[pallet::constant]
		type Year: Get<u32>;

		/// Blocks of a window of demand.
		#[pallet::constant]
		type DemandWindow: Get<u32>;

		/// Blocks of an era, at whose end models are rewarded.
		#[pallet::constant]
		type EraLength: Get<u32>;

		/// How many eras are kept: the current one, and those whose rewards can be claimed.
		#[pallet::constant]
		type KeptEras: Get<u32>;

		/// The most requests that can wait for one block's draw.
		#[pallet::constant]
		type MaxWaiting: Get<u32>;

		/// How many workers are drawn for a request, and how many of them can let it lapse.
		#[pallet::constant]
		type MaxCandidates: Get<u32>;

		/// The longest lease that a version may demand, in blocks.
		#[pallet::constant]
		type MaxLease: Get<u32>;

		/// Blocks that the earliest deadline of a request adds to two leases.
		#[pallet::constant]
		type DeadlineMargin: Get<u32>;

		/// The latest deadline of a request, in blocks from its creation.
		#[pallet::constant]
		type MaxDeadline: Get<u32>;

		/// Blocks for which a settled request can be read.
		#[pallet::constant]
		type Retention: Get<u32>;

		/// A lease reserves this of its worker's bond, and as much again as the request holds.
		#[pallet::constant]
		type MinCollateral: Get<Balance>;

		/// The part of what a request holds that lapsed leases can bring its customer, in all.
		#[pallet::constant]
		type LapseCompensation: Get<Permill>;

		/// Weights.
		type WeightInfo: WeightInfo;

		/// What other pallets provide to the benchmarks of this one.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// Why the pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A model's deposit.
		ModelDeposit,
		/// The most that an open request can cost.
		Escrow,
		/// The deposit of an account's record of a model.
		CustomerDeposit,
		/// What is left of the price of a plan's period, and what calls by plan have reserved of it.
		Plan,
		/// What an owner set aside for calls by plan.
		Pot,
		/// What an owner put up for the penalties that its plans promise.
		ServiceBond,
	}

	/// The layout of what is stored: see [`migrations`].
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Live outputs.
	#[pallet::storage]
	pub type Outputs<T: Config> = StorageMap<_, Blake2_128Concat, OutPoint, ModelOutput<T>>;

	/// The live output of each model.
	#[pallet::storage]
	pub type Tips<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, OutPoint>;

	/// The versions of each model that is not closed.
	#[pallet::storage]
	pub type Versions<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Twox64Concat, u32, Version>;

	/// The accounts on the allow-list of each model that is not retired.
	#[pallet::storage]
	pub type Allowed<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, T::AccountId, ()>;

	/// The spent outputs of each model that is not closed, counted from its first.
	#[pallet::storage]
	pub type History<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		ModelId,
		Twox64Concat,
		u32,
		HistoryRecord<T::AccountId, BlockNumberFor<T>>,
	>;

	/// The first block at which new requests to a version are refused.
	#[pallet::storage]
	pub type Deprecations<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Twox64Concat, u32, BlockNumberFor<T>>;

	/// The models of each owner that are not closed.
	#[pallet::storage]
	pub type ModelsOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, ModelId, ()>;

	/// The models with each tag that are not closed.
	#[pallet::storage]
	pub type ModelsTagged<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, Tag, Blake2_128Concat, ModelId, ()>;

	/// Retired models without open requests: what is kept of them goes, step by step.
	#[pallet::storage]
	pub type Closing<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, ()>;

	/// How many requests wait for the answer of each model, those included that it may still take over.
	#[pallet::storage]
	pub type OpenRequests<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, u32, ValueQuery>;

	/// Requests that wait for their answer.
	#[pallet::storage]
	pub type Requests<T: Config> = StorageMap<_, Twox64Concat, RequestId, Request<T>>;

	/// The id of the next request. Ids are never reused.
	#[pallet::storage]
	pub type NextRequest<T: Config> = StorageValue<_, RequestId, ValueQuery>;

	/// Requests of this block, by priority, then in order of arrival: workers are drawn for them in the
	/// next, by a hash that nobody knew when they were made.
	#[pallet::storage]
	pub type Waiting<T: Config> = StorageValue<_, BoundedVec<Waiter, T::MaxWaiting>, ValueQuery>;

	/// Open requests by the block at which they fall due: a lease has lapsed, or the deadline has
	/// passed; those of a block by priority, then by age. Each stands here once.
	#[pallet::storage]
	pub type DueRequests<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Identity, Turn, ()>;

	/// Nothing is due at earlier blocks.
	#[pallet::storage]
	pub type DueCursor<T: Config> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

	/// Settled requests that can still be read.
	#[pallet::storage]
	pub type Settlements<T: Config> = StorageMap<_, Twox64Concat, RequestId, Settlement<T>>;

	/// Settled requests by the block at which they are pruned.
	#[pallet::storage]
	pub type Prunable<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumberFor<T>, Twox64Concat, RequestId, ()>;

	/// Nothing is to be pruned at earlier blocks.
	#[pallet::storage]
	pub type PruneCursor<T: Config> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

	/// What each account used of each model, until it has not for some billing periods.
	#[pallet::storage]
	pub type Customers<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, ModelId, Customer<T>>;

	/// The keys of `Customers` by the billing period in which they are pruned. Each stands here once.
	#[pallet::storage]
	pub type PrunableCustomers<T: Config> =
		StorageDoubleMap<_, Twox64Concat, u32, Blake2_128Concat, (T::AccountId, ModelId), ()>;

	/// No record of an account is to be pruned in earlier billing periods.
	#[pallet::storage]
	pub type CustomerCursor<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// What each model that is not closed brought in.
	#[pallet::storage]
	pub type Records<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, Record, ValueQuery>;

	/// The latest prices of each model that is not closed, oldest first.
	#[pallet::storage]
	pub type Prices<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, PricesOf<T>, ValueQuery>;

	/// What each model that is not closed earned for whom, since it first did.
	#[pallet::storage]
	pub type Incomes<T: Config> =
		StorageMap<_, Blake2_128Concat, ModelId, Income<T::AccountId>, ValueQuery>;

	/// The subscriptions of each account: one a model.
	#[pallet::storage]
	pub type Subscriptions<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		Blake2_128Concat,
		ModelId,
		SubscriptionRecord<T>,
	>;

	/// How many subscriptions each model has, if it has any.
	#[pallet::storage]
	pub type Audiences<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, Audience>;

	/// The name of the next period of a subscription. Names are never reused.
	#[pallet::storage]
	pub type NextTerm<T: Config> = StorageValue<_, TermId, ValueQuery>;

	/// What accounts set aside for calls by plan of each model. The pot of its owner is drawn on.
	#[pallet::storage]
	pub type Pots<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, T::AccountId, Fund<T>>;

	/// The models that may still take an open request over, if there are any.
	#[pallet::storage]
	pub type Fallbacks<T: Config> = StorageMap<_, Twox64Concat, RequestId, FallbacksOf<T>>;

	/// What members of sets have approved of locked outputs.
	#[pallet::storage]
	pub type Approvals<T: Config> =
		StorageMap<_, Blake2_128Concat, OutPoint, ApprovalsOf<T>, ValueQuery>;

	/// What accounts put up for the penalties that plans of each model promise. That of its owner stands
	/// for new requests.
	#[pallet::storage]
	pub type ServiceBonds<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, ModelId, Blake2_128Concat, T::AccountId, Fund<T>>;

	/// What each account can withdraw.
	#[pallet::storage]
	pub type Earnings<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

	/// The part of the platform's share that feeds the incentives: at first none.
	#[pallet::storage]
	pub type IncentiveShare<T: Config> = StorageValue<_, Permill, ValueQuery>;

	/// The latest eras, oldest first, as far as anything happened in them.
	#[pallet::storage]
	pub type Eras<T: Config> = StorageValue<_, BoundedVec<Era, T::KeptEras>, ValueQuery>;

	/// What each model that is not closed has merited in these eras and not claimed.
	#[pallet::storage]
	pub type Merits<T: Config> = StorageMap<_, Blake2_128Concat, ModelId, MeritsOf<T>, ValueQuery>;

	/// The platform's share of every price.
	#[pallet::storage]
	pub type PlatformShare<T: Config> = StorageValue<_, Permill, ValueQuery, DefaultPlatformShare>;

	/// 30 %.
	pub struct DefaultPlatformShare;
	impl Get<Permill> for DefaultPlatformShare {
		fn get() -> Permill {
			Permill::from_percent(30)
		}
	}

	/// The weakest origin of a key that a request accepts which names none. A development chain
	/// sets [`KeyOrigin::InsecureDev`] at genesis.
	#[pallet::storage]
	pub type DefaultWeakestOrigin<T: Config> =
		StorageValue<_, KeyOrigin, ValueQuery, StrictestOrigin>;

	/// [`KeyOrigin::Ceremony`].
	pub struct StrictestOrigin;
	impl Get<KeyOrigin> for StrictestOrigin {
		fn get() -> KeyOrigin {
			KeyOrigin::Ceremony
		}
	}

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Whether requests that name no origin accept keys of a single-party setup. For
		/// development chains only.
		pub accept_insecure_keys: bool,
		#[serde(skip)]
		#[doc(hidden)]
		pub _marker: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			use fungible::{Inspect, Mutate};
			if self.accept_insecure_keys {
				DefaultWeakestOrigin::<T>::put(KeyOrigin::InsecureDev);
			}
			let pot = Pallet::<T>::pot();
			T::Currency::mint_into(&pot, T::Currency::minimum_balance())
				.expect("a chain that can not hold one existential deposit can not start");
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model was deployed.
		Deployed {
			/// The model.
			model: ModelId,
			/// Its first output.
			out_point: OutPoint,
			/// Its owner.
			owner: T::AccountId,
			/// Its first version.
			version: VersionId,
		},
		/// An output was consumed, and its successor produced.
		Changed {
			/// The model.
			model: ModelId,
			/// The consumed output.
			spent: OutPoint,
			/// Its successor.
			out_point: OutPoint,
			/// What the change did.
			change: Change,
		},
		/// New requests to a version will be refused.
		Deprecated {
			/// The version.
			version: VersionId,
			/// The first block at which they are.
			from: BlockNumberFor<T>,
		},
		/// A retired model without open requests closed: its deposit is back, its keys are free.
		Closed {
			/// The model.
			model: ModelId,
		},
		/// An inference was ordered, and its highest price held.
		Requested {
			/// The request.
			request: RequestId,
			/// Who pays.
			customer: T::AccountId,
			/// The version that answers.
			version: VersionId,
			/// What stands behind the answer.
			assurance: Assurance,
			/// Held from the customer.
			held: Balance,
			/// The last block at which a result is accepted.
			deadline: BlockNumberFor<T>,
		},
		/// A worker has to answer a request, or may accept to.
		Assigned {
			/// The request.
			request: RequestId,
			/// The bonded account.
			worker: T::AccountId,
			/// The last block of its lease, or of its window to accept.
			until: BlockNumberFor<T>,
		},
		/// No worker has a lease of the request: nobody is free, or no lease fits before the
		/// deadline. It is tried again every few blocks; meanwhile the customer may cancel.
		Unassigned {
			/// The request.
			request: RequestId,
		},
		/// A lease lapsed. An obliged worker lost its collateral.
		Lapsed {
			/// The request.
			request: RequestId,
			/// The bonded account.
			worker: T::AccountId,
			/// Whether it was obliged.
			obliged: bool,
			/// What the customer got of the collateral.
			compensation: Balance,
		},
		/// A request was answered and paid.
		Settled {
			/// The request.
			request: RequestId,
			/// The version that answered.
			version: VersionId,
			/// The bonded account that answered.
			worker: T::AccountId,
			/// What stands behind the answer: a proof, or a bonded worker's word.
			assurance: Assurance,
			/// `blake2_256` of the answer.
			output_hash: H256,
			/// Units billed.
			units: u64,
			/// What the customer paid.
			price: Balance,
			/// What was released to the customer.
			refund: Balance,
			/// Who was credited what.
			payout: Payout<T::AccountId>,
		},
		/// A request closed without an answer; the customer has everything back.
		Refunded {
			/// The request.
			request: RequestId,
			/// Who has it back.
			customer: T::AccountId,
			/// How much.
			amount: Balance,
			/// Why.
			reason: Unanswered,
		},
		/// A settled request can no longer be read.
		Pruned {
			/// The request.
			request: RequestId,
			/// `blake2_256` of its answer.
			output_hash: H256,
		},
		/// A due request could not be processed and was put off. This is a bug; please report it.
		Deferred {
			/// The request.
			request: RequestId,
			/// The block at which it falls due again.
			until: BlockNumberFor<T>,
		},
		/// Earnings were paid out.
		Withdrawn {
			/// Whose.
			account: T::AccountId,
			/// To whom.
			to: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// An account may spend no more than this on a model in a billing period, or again what it
		/// likes.
		BudgetSet {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// The budget, if there is one.
			budget: Option<Budget>,
		},
		/// What an account spent on a model in this billing period has reached a share of its budget.
		BudgetAlert {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// The highest threshold that was reached.
			share: Percent,
			/// What was spent.
			spent: Balance,
			/// What may be spent.
			limit: Balance,
		},
		/// An account was put on a model's allow-list.
		Allowed {
			/// The model.
			model: ModelId,
			/// The account.
			account: T::AccountId,
		},
		/// An account was taken off a model's allow-list. Its open requests go on.
		Disallowed {
			/// The model.
			model: ModelId,
			/// The account.
			account: T::AccountId,
		},
		/// A model failed as often in a row as its owner set, or failed on trial: requests are
		/// refused. Then one is admitted as a trial.
		Suspended {
			/// The model.
			model: ModelId,
			/// The first block in which a trial is admitted.
			until: u32,
		},
		/// A suspended model takes requests again: it answered its trial, or its owner set another
		/// breaker.
		Resumed {
			/// The model.
			model: ModelId,
		},
		/// The platform's share of prices of new requests changed.
		PlatformShareSet {
			/// The share.
			share: Permill,
		},
		/// The part of the platform's share that feeds the incentives changed.
		IncentiveShareSet {
			/// The part.
			share: Permill,
		},
		/// A model's reward for an era was credited to its owner's side.
		RewardClaimed {
			/// The model.
			model: ModelId,
			/// The era.
			era: u32,
			/// The reward.
			reward: Balance,
			/// The part of each account that the split leads to.
			beneficiaries: Parts<T::AccountId>,
		},
		/// An account subscribed to a model, and paid the first period.
		Subscribed {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// What was bought.
			plan: Plan,
			/// What it promises.
			tier: Tier,
			/// The first block after the period.
			until: u64,
		},
		/// The next period of a subscription was paid.
		SubscriptionRenewed {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// What was paid.
			price: Balance,
			/// The first block after the period.
			until: u64,
		},
		/// A subscription changes to another plan.
		PlanChanged {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// To what.
			plan: Plan,
			/// What it promises.
			tier: Tier,
			/// What was not used of the old plan, and taken off the price.
			credit: Balance,
			/// What was paid.
			charge: Balance,
			/// From which block on: now, or when the period ends.
			from: u64,
		},
		/// A subscription ends with its period.
		SubscriptionCancelled {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// The first block after the period.
			until: u64,
		},
		/// A subscription that ended, or whose model was retired, was closed; its deposit is back.
		SubscriptionClosed {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// What was returned, since the model was retired before the period ended.
			refund: Balance,
		},
		/// What was left of a period that ended was divided.
		PeriodEarned {
			/// Who had paid it.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// What was left.
			amount: Balance,
			/// Who was credited what.
			payout: Payout<T::AccountId>,
		},
		/// A request is covered by its customer's plan.
		Covered {
			/// The request.
			request: RequestId,
			/// What the worker gets at most, and what is reserved for that.
			draw: Draw,
			/// From what.
			source: FundingSource<T::AccountId>,
		},
		/// The worker of a covered request was paid.
		Drawn {
			/// The request.
			request: RequestId,
			/// The worker's pay, and what was drawn for it.
			draw: Draw,
			/// From what.
			source: FundingSource<T::AccountId>,
		},
		/// A request keeps models that may take it over.
		FallbacksKept {
			/// The request.
			request: RequestId,
			/// Their versions, the most preferred first.
			fallbacks: BoundedVec<VersionId, ConstU32<MAX_FALLBACKS>>,
		},
		/// A request went to a fallback, at the price that was quoted for it.
		FellBack {
			/// The request.
			request: RequestId,
			/// The version that does not serve it.
			from: VersionId,
			/// The one that does.
			to: VersionId,
			/// The most that can be paid to it.
			most: Balance,
			/// Why.
			reason: FallbackReason,
		},
		/// An owner set funds aside for calls by plan.
		PotFunded {
			/// The owner.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// How much.
			amount: Balance,
		},
		/// Funds that were set aside for calls by plan were taken back.
		PotWithdrawn {
			/// By whom.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// How much.
			amount: Balance,
		},
		/// A member of its set approved a change of a locked output. With the last approval that it
		/// took, the change was made.
		Approved {
			/// The model.
			model: ModelId,
			/// The output.
			out_point: OutPoint,
			/// The member.
			who: T::AccountId,
			/// `blake2_256` of the call that makes the change: each member sends the same.
			call: H256,
			/// The output that comes out: the same one where an allow-list changes, and none where the
			/// model closes at once.
			successor: Option<OutPoint>,
			/// How many approved it.
			approvals: u32,
			/// How many it takes.
			threshold: u32,
			/// The last block at which this approval counts, unless the change was made.
			until: BlockNumberFor<T>,
		},
		/// A member no longer approves a change.
		ApprovalWithdrawn {
			/// The model.
			model: ModelId,
			/// The output.
			out_point: OutPoint,
			/// The member.
			who: T::AccountId,
			/// The call that it had approved.
			call: H256,
		},
		/// An owner put up a bond for the penalties that its plans promise.
		ServiceBondPosted {
			/// The owner.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// How much.
			amount: Balance,
		},
		/// A bond for penalties was taken back, or returned when its model closed.
		ServiceBondWithdrawn {
			/// Whose.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// How much.
			amount: Balance,
		},
		/// An account makes requests without a penalty where the owner's bond covers none, or no longer.
		PenaltyWaived {
			/// The account.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// Whether it does.
			waived: bool,
		},
		/// A penalty is reserved for a request, in case that its deadline is missed.
		Guaranteed {
			/// The request.
			request: RequestId,
			/// Whose bond stands for it.
			guarantor: T::AccountId,
			/// How much.
			penalty: Penalty,
		},
		/// The deadline of a request was missed: its customer is credited with the penalty.
		PenaltyPaid {
			/// The request.
			request: RequestId,
			/// Who is credited.
			customer: T::AccountId,
			/// From whose bond.
			guarantor: T::AccountId,
			/// The penalty.
			owed: Balance,
			/// What of it the bond pays: what lapsed leases have not brought already.
			amount: Balance,
		},
		/// Calls at the gateway of a worker were drawn from their customer's plan.
		CallsSettled {
			/// The bonded account.
			worker: T::AccountId,
			/// The subscriber.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// How many.
			calls: u64,
			/// How many more were claimed, and not settled: the quota has no room for them, or what is
			/// left of the period's price does not pay them. They can be claimed again.
			rest: u64,
			/// The worker's pay for all of them, and what was drawn for it.
			draw: Draw,
		},
		/// A claim was left out of a batch. It can be made again.
		ClaimRefused {
			/// The bonded account.
			worker: T::AccountId,
			/// The subscriber.
			account: T::AccountId,
			/// The model.
			model: ModelId,
			/// Why: with this error the call fails if no claim settles.
			reason: DispatchError,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The out point names no live output: it was spent, or never existed.
		OutPointSpent,
		/// Only the owner of the model may change it.
		NotOwner,
		/// The model is not offered to this account.
		NotOffered,
		/// The same content was deployed in this transaction before.
		AlreadyDeployed,
		/// The model was retired.
		ModelRetired,
		/// The model is not retired, has open requests, or is closed already.
		NotClosing,
		/// The model has no version of this index.
		UnknownVersion,
		/// The version answers new requests already.
		SameVersion,
		/// The notice period of the version is over: it takes no new requests.
		VersionDeprecated,
		/// The notice is shorter than what was announced before.
		NoticeTooShort,
		/// A candidate takes more than none and less than all of the requests.
		ShareOutOfBounds,
		/// The candidate has another interface, other units, another lease, or hides other things
		/// than the version that customers were quoted.
		CandidateDiffers,
		/// A candidate is staged: promote or abort it first.
		CandidateStaged,
		/// No candidate is staged.
		NoCandidate,
		/// The name is no UTF-8, or has control characters.
		UnsoundName,
		/// The licence has characters that no SPDX expression has.
		UnsoundLicence,
		/// A tag is not of lower-case letters, digits and hyphens, or tags do not ascend.
		UnsoundTags,
		/// The model has as many versions as it may.
		TooManyVersions,
		/// The interface has an empty, an oversized, or a misplaced dimension.
		UnsoundInterface,
		/// The lease is zero, or longer than allowed.
		LeaseOutOfBounds,
		/// Shares must be positive, sum to exactly one, and name no payee twice.
		UnsoundSplit,
		/// No verifying key of this name is registered.
		UnknownKey,
		/// The verifying key was registered by somebody else.
		ForeignKey,
		/// The verifying key was made for another model file.
		KeyOfAnotherArtifact,
		/// The verifying key is for fixed parameters and the version has a commitment to them, or it is
		/// for private ones and there is none.
		KeyOfOtherParameters,
		/// The verifying key proves another version of the statement, or has another number of
		/// public inputs than the interface.
		KeyOfAnotherStatement,
		/// Only fixed integer tensors can be proved.
		InterfaceNotProvable,
		/// The tariff's bounds or its demand have no range, or its brackets do not ascend.
		UnsoundTariff,
		/// The price would overflow.
		PriceOverflow,
		/// The model has no verifying key, so that its answers can not be proved.
		NotProvable,
		/// The model's key has a weaker origin than the request accepts.
		KeyTooWeak,
		/// A proven answer needs its input within the request.
		InputNotInline,
		/// The model hides its input: a proven request carries a commitment to it.
		InputNotCommitted,
		/// The model hides its output: a proven request carries its input and a commitment.
		CommitmentMissing,
		/// The model hides nothing, or the request is `Attested`: it carries no commitment.
		CommitmentUnexpected,
		/// The input's length does not fit the model's interface.
		InputLength,
		/// `max_fee` is below the price of the request.
		FeeTooLow,
		/// The request could exceed what its customer may spend on the model in the billing period.
		BudgetExceeded,
		/// There is no such model, or it is closed.
		UnknownModel,
		/// The deadline leaves no room for two leases and a margin.
		DeadlineTooSoon,
		/// The deadline is later than allowed.
		DeadlineTooLate,
		/// Workers that serve the version have no slot or free bond beyond what waits for them.
		NoCapacity,
		/// Too many requests were made in this block.
		BlockFull,
		/// No open request has this id.
		UnknownRequest,
		/// The request was settled already.
		AlreadySettled,
		/// The deadline has passed.
		DeadlinePassed,
		/// Nobody holds a lease of the request now.
		NotLeased,
		/// Another worker holds the lease, or the signer is no operator.
		NotLeaseHolder,
		/// The lease has lapsed.
		LeaseLapsed,
		/// The worker must accept the lease before it answers.
		LeaseNotAccepted,
		/// The output's length does not fit the model's interface.
		OutputLength,
		/// A proven answer is within the result.
		OutputNotInline,
		/// More units are reported than the chain computes.
		TooManyUnits,
		/// The request settles only with a proof.
		ProofMissing,
		/// The request asks for no proof.
		ProofUnexpected,
		/// Results without a result.
		NoResults,
		/// Two results answer the same request.
		DuplicateResult,
		/// Only the customer may cancel.
		NotCustomer,
		/// A worker holds a live lease: its answer may be on its way.
		LeaseLive,
		/// The deadline has not passed.
		NotExpired,
		/// No lease of the request has lapsed, and no worker is looked for yet.
		NothingDue,
		/// The account has no earnings.
		NothingToWithdraw,
		/// A limit of no request. To take none, pause the model.
		ZeroLimit,
		/// The window of a rate limit has no block, or more than a billing period.
		RateWindowOutOfBounds,
		/// A breaker needs a failure to trip, and a block to cool down.
		UnsoundBreaker,
		/// The model takes no new requests for now.
		ModelPaused,
		/// The model is not paused.
		NotPaused,
		/// The account is not on the model's allow-list.
		NotAllowed,
		/// The account is on the model's allow-list, or named twice.
		AlreadyAllowed,
		/// The allow-list would have more accounts than it may.
		TooManyAllowed,
		/// No account to allow or to disallow.
		NoAccounts,
		/// Before a model is retired, all accounts are taken off its allow-list.
		AllowListNotEmpty,
		/// The account made as many requests as it may in this window.
		RateLimited,
		/// As many requests of the account wait for the model's answer as may.
		TooManyOpen,
		/// As many requests of all accounts wait for the model's answer as may.
		ModelBusy,
		/// The model failed too often in a row, and is suspended.
		ModelSuspended,
		/// The model was suspended, and a trial shows whether it answers again.
		ModelOnTrial,
		/// The platform's share would be below its floor or above its cap.
		PlatformShareOutOfBounds,
		/// More of the platform's share would feed the incentives than may.
		IncentiveShareTooHigh,
		/// The era is not over.
		EraNotOver,
		/// The model has no reward for the era: it merited none, has claimed it, or came too late.
		NothingToClaim,
		/// The split leads back to a model from which it comes.
		SplitCycle,
		/// The split leads through more models in a row than allowed.
		SplitTooDeep,
		/// The split leads to more payees than allowed.
		TooManyPayees,
		/// A plan has a period and a quota of at least one, a period of a year at most, and a grace of
		/// a month and of its period at most. A trial is free and has a quota.
		UnsoundPlan,
		/// The model has no such plan.
		UnknownPlan,
		/// The plan is offered to another account.
		PlanNotOffered,
		/// The model no longer offers the plan that the subscription would be renewed with.
		PlanWithdrawn,
		/// The account has a subscription to the model already. It can change its plan.
		AlreadySubscribed,
		/// The account has no subscription to the model.
		NotSubscribed,
		/// The account had its trial of the model.
		TrialUsed,
		/// A trial is how a subscription begins, not what it changes to.
		TrialNotFirst,
		/// The subscription is over. It can be closed, and another begun.
		SubscriptionEnded,
		/// The subscription is not over, and the model is not retired.
		SubscriptionLive,
		/// The period is paid, and the next has not begun.
		RenewalNotDue,
		/// The calls of the plan's period are used up.
		QuotaExhausted,
		/// Neither what is left of the plan's price nor the owner's pot pays the worker.
		PlanUnfunded,
		/// Requests of the account wait for their answer, whose reserves may come back.
		RequestsOpen,
		/// A model stands twice among a request's model and its fallbacks.
		DuplicateFallback,
		/// A fallback takes another input than the model, or hides other things of a request.
		FallbackDiffers,
		/// There is no such pot.
		UnknownPot,
		/// Less is free in the pot.
		PotTooSmall,

		/// The call would change nothing.
		NothingToChange,
		/// The model is locked to a set: only its members may change it.
		NotMember,
		/// The members of a set ascend, and its threshold is between one and their number.
		UnsoundLock,
		/// The model is locked like this already, or was not locked.
		SameLock,
		/// The account has approved no change of the output.
		NotApproved,
		/// Only accounts in a paid period of a plan may make requests: subscribe, or have the period that
		/// is due charged by `renew` or by a request by plan.
		SubscribersOnly,
		/// Only accounts with a plan of a higher tier may make requests: change to one.
		TierTooLow,
		/// A promised deadline is after one block at least, and no later than any request's may be.
		UnsoundDeadline,
		/// A breach of the promised availability brings no less than any other missed deadline.
		BreachBelowPenalty,
		/// The owner's bond does not cover the penalty that the customer's plan promises. `waive_penalty`
		/// lets requests be made without it.
		PenaltyUncovered,
		/// There is no such bond.
		UnknownServiceBond,
		/// Less is free of the bond: the rest is reserved for open requests.
		ServiceBondTooSmall,
		/// The signer is the operator key of no worker.
		NotOperator,
		/// Claims without a claim.
		NoClaims,
		/// More calls are claimed than the voucher is for.
		MoreThanSigned,
		/// As many calls were settled for the worker in this period already.
		NothingToSettle,
		/// Calls of as many other workers were settled in this period as may.
		TooManySettlers,
		/// The account signed no such voucher: it is of another period, worker, model or chain, or for
		/// another number of calls.
		VoucherVoid,
		/// What is left of the period's price does not pay one call.
		EscrowExhausted,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::draw_workers()
		}

		fn on_idle(now: BlockNumberFor<T>, limit: Weight) -> Weight {
			let mut meter = frame_support::weights::WeightMeter::with_limit(limit);
			Self::process_due(now, &mut meter);
			Self::prune_settlements(now, &mut meter);
			Self::prune_customers(&mut meter);
			Self::close_models(&mut meter);
			meter.consumed()
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			Self::serve(now);
		}

		fn integrity_test() {
			let longest = T::MaxLease::get()
				.saturating_mul(2)
				.saturating_add(T::DeadlineMargin::get())
				.saturating_add(1);
			assert!(longest <= T::MaxDeadline::get(), "the longest lease fits no deadline");
			assert!(T::MaxCandidates::get() > 0, "a request needs a candidate");
			assert!(T::Retention::get() > 0, "a settled request must be readable");
			assert!(T::HistoryStep::get() > 0, "a retired model must close");
			assert!(T::MaxPrices::get() > 0, "a model has a price");
			assert!(T::ApprovalPeriod::get() > 0, "nobody can agree");
			assert!(T::BillingPeriod::get() > 0, "a billing period has a block");
			assert!(T::DemandWindow::get() > 0, "a window of demand has a block");
			assert!(T::EraLength::get() > 0, "an era has a block");
			assert!(T::KeptEras::get() > 1, "a reward can not be claimed");
			assert!(
				Self::platform_share_is_bounded(DefaultPlatformShare::get()),
				"the default share of the platform is out of bounds"
			);
			assert!(T::Month::get() > 0, "a month has a block");
			assert!(T::Month::get() <= T::Year::get(), "a year has a month");
			// Otherwise it would never be processed.
			assert!(
				Self::due_weight()
					.max(T::WeightInfo::close())
					.all_lte(T::BlockWeights::get().max_block),
				"what falls due fits into no block"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Deploys a model.
		///
		/// - origin: signed; pays the deposit and becomes the owner.
		/// - `version`: what answers. Its key, if it has one, was registered by the same account.
		/// - `tariff`: what requests cost.
		/// - `split`: who shares in it.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::deploy().saturating_add(T::WeightInfo::flatten()))]
		pub fn deploy(
			origin: OriginFor<T>,
			version: Version,
			tariff: Tariff,
			split: RevenueSplit<T::AccountId>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let weight = Self::do_deploy(who, version, tariff, split)?;
			Ok(Some(weight).into())
		}

		/// Adds a version that answers new requests. Open ones keep theirs.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::upgrade().saturating_add(T::WeightInfo::approve()))]
		pub fn upgrade(
			origin: OriginFor<T>,
			out_point: OutPoint,
			version: Version,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::upgrade { out_point, version: version.clone() };
			Self::change(who, out_point, call, |who| Self::do_upgrade(who, out_point, version))
		}

		/// Sets what new requests cost.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::reprice().saturating_add(T::WeightInfo::approve()))]
		pub fn reprice(
			origin: OriginFor<T>,
			out_point: OutPoint,
			tariff: Tariff,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::reprice { out_point, tariff: tariff.clone() };
			Self::change(who, out_point, call, |who| Self::do_reprice(who, out_point, tariff))
		}

		/// Sets who shares in what new requests cost.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::resplit().saturating_add(T::WeightInfo::flatten()).saturating_add(T::WeightInfo::approve()))]
		pub fn resplit(
			origin: OriginFor<T>,
			out_point: OutPoint,
			split: RevenueSplit<T::AccountId>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let call = Call::resplit { out_point, split: split.clone() };
			let weight =
				Self::change(who, out_point, call, |who| Self::do_resplit(who, out_point, split))?;
			Ok(Some(weight.saturating_add(T::WeightInfo::approve())).into())
		}

		/// Offers the model to another account, or withdraws the offer. It changes hands when that
		/// account accepts.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::transfer().saturating_add(T::WeightInfo::approve()))]
		pub fn transfer(
			origin: OriginFor<T>,
			out_point: OutPoint,
			to: Option<T::AccountId>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::transfer { out_point, to: to.clone() };
			Self::change(who, out_point, call, |who| Self::do_transfer(who, out_point, to))
		}

		/// Accepts an offered model: the new owner pays the deposit, the old one has its own back.
		///
		/// - origin: signed by the account that the model is offered to.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::accept_transfer())]
		pub fn accept_transfer(origin: OriginFor<T>, out_point: OutPoint) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_accept_transfer(who, out_point)
		}

		/// Stops new requests. The model closes, and its deposit returns, after its last open one: at
		/// once, or, if its history is long, within a few idle blocks.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::retire(T::MaxVersions::get())
			.saturating_add(T::WeightInfo::approve())
			.saturating_add(T::WeightInfo::withdraw_service_bond()))]
		pub fn retire(origin: OriginFor<T>, out_point: OutPoint) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let call = Call::retire { out_point };
			let weight = Self::change(who, out_point, call, |who| Self::do_retire(who, out_point))?
				.saturating_add(T::WeightInfo::approve())
				.saturating_add(T::WeightInfo::withdraw_service_bond());
			Ok(Some(weight).into())
		}

		/// Orders an inference from the version that the output names, and holds its highest
		/// price, up to `max_fee`. The fee includes the draw and the settlement.
		///
		/// - origin: signed; pays.
		/// - `max_fee`: never is more held or paid.
		/// - `deadline`: the last block at which a result is accepted; the earliest possible one
		///   if none is given, and a lease of each fallback.
		/// - `fallbacks`: outputs of other models, each quoted now, that take the same input. Where the
		///   model takes no request now, finds no worker, or its worker lets the lease lapse, the next
		///   one serves at its own price. Those that take none of the signer now are left out. The
		///   highest of the prices is held.
		#[pallet::call_index(7)]
		#[pallet::weight(
			Pallet::<T>::request_weight(input.length().unwrap_or_default())
				.saturating_add(Pallet::<T>::fallbacks_weight(fallbacks.len() as u32))
		)]
		pub fn request(
			origin: OriginFor<T>,
			out_point: OutPoint,
			assurance: Assurance,
			input: Input<T::MaxInlineInput>,
			#[pallet::compact] max_fee: Balance,
			deadline: Option<BlockNumberFor<T>>,
			fallbacks: FallbackNames,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let payment = Payment::Fee { max_fee };
			let weight =
				Self::do_request(who, out_point, assurance, input, payment, deadline, fallbacks)?;
			Ok(Some(weight).into())
		}

		/// Answers a request, and is paid. Free if it settles.
		///
		/// - origin: signed by the operator key of the worker that holds the lease.
		/// - `units`: what is billed, if it is less than the chain computes.
		/// - `proof`: uncompressed; exactly for `Proven` requests.
		#[pallet::call_index(8)]
		#[pallet::weight(Pallet::<T>::submit_result_weight(output.length()))]
		pub fn submit_result(
			origin: OriginFor<T>,
			request: RequestId,
			output: Output<T::MaxInlineOutput>,
			units: Option<u64>,
			proof: Option<ProofBytes>,
		) -> DispatchResultWithPostInfo {
			let operator = ensure_signed(origin)?;
			Self::do_submit_result(operator, Answer { request, output, units, proof })
		}

		/// Takes back a request while no worker holds a live lease of it.
		///
		/// - origin: signed by the customer.
		#[pallet::call_index(9)]
		#[pallet::weight(Pallet::<T>::cancel_weight(true, MAX_FALLBACKS))]
		pub fn cancel(origin: OriginFor<T>, request: RequestId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let weight = Self::do_cancel(who, request)?;
			Ok(Some(weight).into())
		}

		/// Refunds a request whose deadline has passed. Done by the chain itself when it is idle.
		///
		/// - origin: signed by anybody.
		#[pallet::call_index(10)]
		#[pallet::weight(Pallet::<T>::expire_weight(true, MAX_FALLBACKS))]
		pub fn expire(origin: OriginFor<T>, request: RequestId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let weight = Self::do_expire(request)?;
			Ok(Some(weight).into())
		}

		/// Ends a lapsed lease and leases the request to the next worker, or to one of a fallback; or
		/// looks again for one where none has a lease and the request is due. Done by the chain itself
		/// when it is idle.
		///
		/// - origin: signed by anybody.
		#[pallet::call_index(11)]
		#[pallet::weight(Pallet::<T>::advance_weight())]
		pub fn advance(origin: OriginFor<T>, request: RequestId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_advance(request)
		}

		/// Pays out everything that the signer has earned.
		///
		/// - origin: signed.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who.clone(), who)
		}

		/// Sets the platform's share of the price of new requests, within its floor and its cap.
		///
		/// - origin: governance.
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::set_platform_share())]
		pub fn set_platform_share(origin: OriginFor<T>, share: Permill) -> DispatchResult {
			T::GovernanceOrigin::ensure_origin(origin)?;
			Self::do_set_platform_share(share)
		}

		/// Answers several requests at once, and is paid for all or none. Proofs under one key are
		/// verified together, which takes less than one by one. Free if all settle.
		///
		/// - origin: signed by the operator key of the worker that holds the leases.
		#[pallet::call_index(14)]
		#[pallet::weight(Pallet::<T>::submit_results_weight(answers))]
		pub fn submit_results(
			origin: OriginFor<T>,
			answers: BoundedVec<Answer<T>, T::MaxResults>,
		) -> DispatchResultWithPostInfo {
			let operator = ensure_signed(origin)?;
			Self::do_submit_results(operator, answers)
		}

		/// Sets or removes what the signer may spend on a model in a billing period. Requests that
		/// could exceed it are refused.
		///
		/// - origin: signed; pays the deposit of its record of the model, if there is none yet.
		#[pallet::call_index(15)]
		#[pallet::weight(T::WeightInfo::set_budget())]
		pub fn set_budget(
			origin: OriginFor<T>,
			model: ModelId,
			budget: Option<Budget>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_budget(who, model, budget)
		}

		/// Sets who may make new requests, and how many; and when failures suspend the model. Another
		/// breaker than before begins anew. Policies by subscription follow periods of plans as they are
		/// paid; open requests go on after them.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(20)]
		#[pallet::weight(T::WeightInfo::set_access().saturating_add(T::WeightInfo::approve()))]
		pub fn set_access(
			origin: OriginFor<T>,
			out_point: OutPoint,
			access: Access,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::set_access { out_point, access };
			Self::change(who, out_point, call, |who| Self::do_set_access(who, out_point, access))
		}

		/// Takes no new requests for now. Open ones go on.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(21)]
		#[pallet::weight(T::WeightInfo::pause().saturating_add(T::WeightInfo::approve()))]
		pub fn pause(origin: OriginFor<T>, out_point: OutPoint) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::pause { out_point };
			Self::change(who, out_point, call, |who| Self::do_set_paused(who, out_point, true))
		}

		/// Takes new requests again.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(22)]
		#[pallet::weight(T::WeightInfo::unpause().saturating_add(T::WeightInfo::approve()))]
		pub fn unpause(origin: OriginFor<T>, out_point: OutPoint) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::unpause { out_point };
			Self::change(who, out_point, call, |who| Self::do_set_paused(who, out_point, false))
		}

		/// Puts accounts on the model's allow-list. The output stays, so that requests that name it are
		/// not refused.
		///
		/// - origin: signed by the owner, or by a member of the set. Takes a deposit for each account.
		#[pallet::call_index(23)]
		#[pallet::weight(T::WeightInfo::allow(accounts.len() as u32)
			.saturating_add(T::WeightInfo::approve()))]
		pub fn allow(
			origin: OriginFor<T>,
			model: ModelId,
			accounts: Accounts<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let out_point = Tips::<T>::get(model).ok_or(Error::<T>::UnknownModel)?;
			let call = Call::allow { model, accounts: accounts.clone() };
			Self::change(who, out_point, call, |who| Self::do_allow(who, model, accounts))
		}

		/// Takes accounts off the model's allow-list. Their open requests go on.
		///
		/// - origin: signed by the owner, or by a member of the set. The deposits return.
		#[pallet::call_index(24)]
		#[pallet::weight(T::WeightInfo::disallow(accounts.len() as u32)
			.saturating_add(T::WeightInfo::approve()))]
		pub fn disallow(
			origin: OriginFor<T>,
			model: ModelId,
			accounts: Accounts<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let out_point = Tips::<T>::get(model).ok_or(Error::<T>::UnknownModel)?;
			let call = Call::disallow { model, accounts: accounts.clone() };
			Self::change(who, out_point, call, |who| Self::do_disallow(who, model, accounts))
		}

		/// Lets a version that was kept answer new requests. Open ones keep theirs.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(30)]
		#[pallet::weight(T::WeightInfo::rollback().saturating_add(T::WeightInfo::approve()))]
		pub fn rollback(origin: OriginFor<T>, out_point: OutPoint, version: u32) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::rollback { out_point, version };
			Self::change(who, out_point, call, |who| Self::do_rollback(who, out_point, version))
		}

		/// Takes the closing of a retired model without open requests a step further. Done by the
		/// chain itself when it is idle.
		///
		/// - origin: signed by anybody.
		#[pallet::call_index(31)]
		#[pallet::weight(T::WeightInfo::close().saturating_add(T::WeightInfo::withdraw_service_bond()))]
		pub fn close(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_close(model)
		}

		/// Sets how a model describes itself, and by which tags it is found.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(32)]
		#[pallet::weight(T::WeightInfo::describe().saturating_add(T::WeightInfo::approve()))]
		pub fn describe(
			origin: OriginFor<T>,
			out_point: OutPoint,
			metadata: Metadata,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::describe { out_point, metadata: metadata.clone() };
			Self::change(who, out_point, call, |who| Self::do_describe(who, out_point, metadata))
		}

		/// Keeps a version that answers nothing yet, so that workers can serve it before it does.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(33)]
		#[pallet::weight(T::WeightInfo::publish().saturating_add(T::WeightInfo::approve()))]
		pub fn publish(
			origin: OriginFor<T>,
			out_point: OutPoint,
			version: Version,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::publish { out_point, version: version.clone() };
			Self::change(who, out_point, call, |who| Self::do_publish(who, out_point, version))
		}

		/// Lets a kept version answer a share of new requests, drawn by a hash of their ids, as far as
		/// workers serve it. It replaces a candidate that is staged already.
		///
		/// - origin: signed by the owner, or by a member of the set.
		/// - `version`: with the interface, units, lease and privacy of the one that answers.
		#[pallet::call_index(34)]
		#[pallet::weight(T::WeightInfo::stage().saturating_add(T::WeightInfo::approve()))]
		pub fn stage(
			origin: OriginFor<T>,
			out_point: OutPoint,
			version: u32,
			share: Permill,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::stage { out_point, version, share };
			Self::change(who, out_point, call, |who| Self::do_stage(who, out_point, version, share))
		}

		/// Lets the candidate answer all new requests.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(35)]
		#[pallet::weight(T::WeightInfo::promote().saturating_add(T::WeightInfo::approve()))]
		pub fn promote(origin: OriginFor<T>, out_point: OutPoint) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::promote { out_point };
			Self::change(who, out_point, call, |who| Self::do_promote(who, out_point))
		}

		/// Lets the candidate answer no more requests. Open ones keep it.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(36)]
		#[pallet::weight(T::WeightInfo::abort().saturating_add(T::WeightInfo::approve()))]
		pub fn abort(origin: OriginFor<T>, out_point: OutPoint) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::abort { out_point };
			Self::change(who, out_point, call, |who| Self::do_abort(who, out_point))
		}

		/// Announces that new requests to a version will be refused; what was announced can be put
		/// off, not brought forward.
		///
		/// - origin: signed by the owner, or by a member of the set.
		/// - `notice`: blocks until then.
		#[pallet::call_index(37)]
		#[pallet::weight(T::WeightInfo::deprecate().saturating_add(T::WeightInfo::approve()))]
		pub fn deprecate(
			origin: OriginFor<T>,
			out_point: OutPoint,
			version: u32,
			notice: BlockNumberFor<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::deprecate { out_point, version, notice };
			Self::change(who, out_point, call, |who| {
				Self::do_deprecate(who, out_point, version, notice)
			})
		}

		/// Pays out everything that the signer has earned, to another account.
		///
		/// - origin: signed.
		#[pallet::call_index(40)]
		#[pallet::weight(T::WeightInfo::withdraw_to())]
		pub fn withdraw_to(origin: OriginFor<T>, dest: T::AccountId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who, dest)
		}

		/// Sets the part of the platform's share that feeds the incentives, from now on.
		///
		/// - origin: governance.
		#[pallet::call_index(41)]
		#[pallet::weight(T::WeightInfo::set_incentive_share())]
		pub fn set_incentive_share(origin: OriginFor<T>, share: Permill) -> DispatchResult {
			T::GovernanceOrigin::ensure_origin(origin)?;
			Self::do_set_incentive_share(share)
		}

		/// Credits a model's reward for an era that is over to its owner's side, by its split.
		///
		/// - origin: signed by anybody.
		#[pallet::call_index(42)]
		#[pallet::weight(T::WeightInfo::claim_reward().saturating_add(T::WeightInfo::flatten()))]
		pub fn claim_reward(
			origin: OriginFor<T>,
			model: ModelId,
			era: u32,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let weight = Self::do_claim_reward(model, era)?;
			Ok(Some(weight).into())
		}

		/// Sets what is sold by the period. Subscriptions keep their plan until the period ends, and
		/// are renewed as long as it is offered.
		///
		/// - origin: signed by the owner, or by a member of the set.
		#[pallet::call_index(50)]
		#[pallet::weight(T::WeightInfo::set_plans().saturating_add(T::WeightInfo::approve()))]
		pub fn set_plans(
			origin: OriginFor<T>,
			out_point: OutPoint,
			plans: Plans<T::AccountId>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::set_plans { out_point, plans: plans.clone() };
			Self::change(who, out_point, call, |who| Self::do_set_plans(who, out_point, plans))
		}

		/// Subscribes to a plan, and holds the price of its first period. A trial ends with it; every
		/// other plan is renewed.
		///
		/// - origin: signed; pays, also the deposit. It has no subscription to the model that goes on.
		/// - `out_point`: the output that the plan was seen on.
		/// - `plan`: its index there.
		#[pallet::call_index(51)]
		#[pallet::weight(T::WeightInfo::subscribe().saturating_add(Pallet::<T>::period_weight()))]
		pub fn subscribe(
			origin: OriginFor<T>,
			out_point: OutPoint,
			plan: u32,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let weight = Self::do_subscribe(who, out_point, plan)?;
			Ok(Some(weight).into())
		}

		/// Charges the next period of a subscription, within the plan's grace after the last one. A
		/// request by plan does so by itself.
		///
		/// - origin: signed by anybody.
		#[pallet::call_index(52)]
		#[pallet::weight(T::WeightInfo::renew().saturating_add(Pallet::<T>::period_weight()))]
		pub fn renew(
			origin: OriginFor<T>,
			account: T::AccountId,
			model: ModelId,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let weight = Self::do_renew(account, model)?;
			Ok(Some(weight).into())
		}

		/// Changes to another plan: to a dearer one at once, with what was not used of the old one as
		/// credit; to any other when the period ends. A cancelled subscription is taken up again.
		///
		/// - origin: signed by the subscriber; pays the difference.
		#[pallet::call_index(53)]
		#[pallet::weight(T::WeightInfo::change_plan().saturating_add(Pallet::<T>::period_weight()))]
		pub fn change_plan(
			origin: OriginFor<T>,
			out_point: OutPoint,
			plan: u32,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let weight = Self::do_change_plan(who, out_point, plan)?;
			Ok(Some(weight).into())
		}

		/// Ends a subscription with its period.
		///
		/// - origin: signed by the subscriber.
		#[pallet::call_index(54)]
		#[pallet::weight(T::WeightInfo::cancel_subscription())]
		pub fn cancel_subscription(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_cancel_subscription(who, model)
		}

		/// Closes a subscription that is over: what is left of it is divided, and its deposit returns.
		/// Where the model was retired, the subscriber first has back what was not used by then.
		///
		/// - origin: signed by anybody.
		#[pallet::call_index(55)]
		#[pallet::weight(
			T::WeightInfo::close_subscription().saturating_add(Pallet::<T>::counting_weight())
		)]
		pub fn close_subscription(
			origin: OriginFor<T>,
			account: T::AccountId,
			model: ModelId,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_close_subscription(account, model)
		}

		/// Sets funds aside for the workers of calls by plan, where the plan's own price does not pay
		/// them.
		///
		/// - origin: signed by the model's owner; pays the deposit of the pot, if there is none yet.
		#[pallet::call_index(56)]
		#[pallet::weight(T::WeightInfo::fund_pot())]
		pub fn fund_pot(
			origin: OriginFor<T>,
			model: ModelId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::add_funds::<Pots<T>>(who, model, amount)
		}

		/// Takes back what open requests have not reserved of a pot. The deposit returns with the last
		/// of it.
		///
		/// - origin: signed by whoever funded it.
		#[pallet::call_index(57)]
		#[pallet::weight(T::WeightInfo::withdraw_pot())]
		pub fn withdraw_pot(
			origin: OriginFor<T>,
			model: ModelId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::withdraw_funds::<Pots<T>>(who, model, amount)
		}

		/// Orders an inference as `request` does, by the signer's plan: nothing is held but what the
		/// worker draws, from the plan's price or from the owner's pot. A period that is due is charged
		/// first. It has no fallbacks: a plan is of one model.
		///
		/// - origin: signed by a subscriber.
		#[pallet::call_index(58)]
		#[pallet::weight(
			Pallet::<T>::request_by_plan_weight(input.length().unwrap_or_default())
		)]
		pub fn request_by_plan(
			origin: OriginFor<T>,
			out_point: OutPoint,
			assurance: Assurance,
			input: Input<T::MaxInlineInput>,
			deadline: Option<BlockNumberFor<T>>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let (payment, fallbacks) = (Payment::Plan, Default::default());
			let weight =
				Self::do_request(who, out_point, assurance, input, payment, deadline, fallbacks)?;
			Ok(Some(weight).into())
		}

		/// Claims calls that subscribers made at the gateway of the signer's worker, and signed for. Each is
		/// drawn from what is left of the period's price, as the largest request by plan would be now; none
		/// from an owner's pot. As many are settled as quota and price cover. Claims that do not hold are
		/// left out, and told by an event; the call fails where none holds.
		///
		/// - origin: signed by the operator key of the worker.
		#[pallet::call_index(59)]
		#[pallet::weight(Pallet::<T>::settle_calls_weight(claims.len() as u32))]
		pub fn settle_calls(origin: OriginFor<T>, claims: Claims<T>) -> DispatchResultWithPostInfo {
			let operator = ensure_signed(origin)?;
			Self::do_settle_calls(operator, claims)
		}

		/// Locks a model to a set, of whose members each sends the call that the owner would have sent:
		/// it takes effect when as many have as the threshold says, within the period for approvals. Or
		/// sets another set, or leaves the model to its owner again. An offer
		/// to transfer it ends.
		///
		/// - origin: signed by the owner, or by a member of the set.
		/// - `lock`: members in ascending order.
		#[pallet::call_index(70)]
		#[pallet::weight(T::WeightInfo::set_lock().saturating_add(T::WeightInfo::approve()))]
		pub fn set_lock(
			origin: OriginFor<T>,
			out_point: OutPoint,
			lock: Option<Lock<T::AccountId>>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let call = Call::set_lock { out_point, lock: lock.clone() };
			Self::change(who, out_point, call, |who| Self::do_set_lock(who, out_point, lock))
		}

		/// Approves no longer what the signer has approved of a locked output.
		///
		/// - origin: signed by the member.
		#[pallet::call_index(71)]
		#[pallet::weight(T::WeightInfo::withdraw_approval())]
		pub fn withdraw_approval(origin: OriginFor<T>, out_point: OutPoint) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw_approval(who, out_point)
		}

		/// Puts up a bond for the penalties that plans of a model promise: new requests with a penalty are
		/// refused where it covers less.
		///
		/// - origin: signed by the model's owner; pays the deposit of the bond, if there is none yet.
		#[pallet::call_index(60)]
		#[pallet::weight(T::WeightInfo::post_service_bond())]
		pub fn post_service_bond(
			origin: OriginFor<T>,
			model: ModelId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::add_funds::<ServiceBonds<T>>(who, model, amount)
		}

		/// Takes back what open requests have not reserved of a bond. The deposit returns with the last of
		/// it; so does all of it, when the model closes, to its last owner.
		///
		/// - origin: signed by whoever put it up.
		#[pallet::call_index(61)]
		#[pallet::weight(T::WeightInfo::withdraw_service_bond())]
		pub fn withdraw_service_bond(
			origin: OriginFor<T>,
			model: ModelId,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::withdraw_funds::<ServiceBonds<T>>(who, model, amount)
		}

		/// Says whether the signer's requests of a model are made without a penalty where the owner's bond
		/// covers none, rather than refused.
		///
		/// - origin: signed by a subscriber.
		#[pallet::call_index(62)]
		#[pallet::weight(T::WeightInfo::waive_penalty())]
		pub fn waive_penalty(origin: OriginFor<T>, model: ModelId, waived: bool) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_waive_penalty(who, model, waived)
		}
	}
}
