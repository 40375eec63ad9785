//! What the pallet stores, and what its calls carry.

mod fallbacks;
mod funds;
mod plans;
mod priority;
mod service;

pub use fallbacks::*;
pub use funds::*;
pub use plans::*;
pub use priority::*;
pub use service::*;

pub use aimodel_primitives::models::{Change, HistoryRecord};

use crate::Config;
use aimodel_primitives::{
	access::{Access, Breaker, CallCount, Figures, MAX_ACCOUNTS},
	billing::{Budget, Ledger},
	incentives::Merit,
	income::Sums,
	inference::{input_hash, JobInput},
	models::{Candidate, Metadata},
	owners::{Approval, Lock, MAX_MEMBERS},
	pricing::{Demand, Plans, Rates, Tariff, Tier},
	privacy::Commitment,
	runtime_api::{Assurance, Version},
	split::{Division, FlatSplit, Source, MAX_PAYEES},
	statement::Scalar,
	traits::{Lease, LeaseTerms},
	Balance, BlobHash, ModelId, OutPoint, RequestId, RevenueSplit, VersionId,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::Permill;

/// The prices of a model, by the block from which they held.
pub(crate) type PricesOf<T> = BoundedVec<(u32, Tariff), <T as Config>::MaxPrices>;

/// Accounts that an owner allows or disallows at once.
pub type Accounts<T> = BoundedVec<<T as frame_system::Config>::AccountId, ConstU32<MAX_ACCOUNTS>>;
/// What a model merited, by eras, oldest first.
pub(crate) type MeritsOf<T> = BoundedVec<(u32, Merit), <T as Config>::KeptEras>;

/// Parts of an amount, by account.
pub type Parts<AccountId> = BoundedVec<(AccountId, Balance), ConstU32<MAX_PAYEES>>;

/// What is approved of an output: one call by each member at most.
pub(crate) type ApprovalsOf<T> = BoundedVec<
	Approval<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>,
	ConstU32<MAX_MEMBERS>,
>;

/// A lease of the pool of workers.
pub(crate) type LeaseOf<T> = Lease<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

/// What an [`OutPoint`] commits to.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct ModelContent<AccountId> {
	/// Who may change it, unless it is locked.
	pub owner: AccountId,
	/// To whom the owner offers it.
	pub offered_to: Option<AccountId>,
	/// What new requests cost.
	pub tariff: Tariff,
	/// What is sold by the period.
	pub plans: Plans<AccountId>,
	/// Who shares in what they cost.
	pub split: RevenueSplit<AccountId>,
	/// The version that answers new requests.
	pub version: u32,
	/// `blake2_256` of that version's record.
	pub record: H256,
	/// Whether it takes no new requests.
	pub retired: bool,
	/// Who may make new requests, and how many.
	pub access: Access,
	/// How it describes itself.
	pub metadata: Metadata,
	/// The version that answers a share of new requests.
	pub candidate: Option<Candidate>,
	/// Who changes it in its owner's place.
	pub lock: Option<Lock<AccountId>>,
}

impl<AccountId: Clone> From<&ModelContent<AccountId>> for Source<AccountId> {
	fn from(content: &ModelContent<AccountId>) -> Self {
		Self { owner: content.owner.clone(), split: content.split.clone() }
	}
}

/// A live output of a model: consumed exactly once, by the change that produces its successor.
#[derive(Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct ModelOutput<T: Config> {
	/// The model.
	pub model: ModelId,
	/// What the output's name commits to.
	pub content: ModelContent<T::AccountId>,
	/// Accounts on its allow-list, for which the deposit pays too.
	pub allowed: u32,
	/// Who paid the deposit.
	pub depositor: T::AccountId,
	/// The deposit.
	pub deposit: T::Consideration,
	/// How many versions are kept: they are numbered in order.
	pub versions: u32,
	/// How many changes led to it, each of which left a record.
	pub changes: u32,
	/// How many names these have beside one each.
	pub co_signers: u32,
}

/// The input of a request.
///
/// A commitment is a canonical scalar, 32 bytes, little-endian. It has to be opened to the worker's
/// node before a lease obliges.
#[derive(
	CloneNoBound,
	DebugNoBound,
	Decode,
	DecodeWithMemTracking,
	Encode,
	EqNoBound,
	MaxEncodedLen,
	PartialEqNoBound,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxInline))]
#[codec(mel_bound())]
pub enum Input<MaxInline: Get<u32>> {
	/// The tensor's bytes: row-major, little-endian.
	Inline(BoundedVec<u8, MaxInline>),
	/// A blob of the tensor's bytes. Only for `Attested` requests.
	Blob {
		/// `blake2_256` of the bytes.
		hash: BlobHash,
		/// How many bytes.
		length: u64,
	},
	/// A commitment to the tensor. For versions whose input is committed.
	Committed {
		/// Over the customer's salt and holder scalar, and the tensor.
		commitment: Scalar,
	},
	/// The tensor's bytes, and a commitment. For versions of which the output alone is committed.
	Salted {
		/// The tensor's bytes: row-major, little-endian.
		bytes: BoundedVec<u8, MaxInline>,
		/// Over the customer's salt and holder scalar.
		commitment: Scalar,
	},
}

impl<MaxInline: Get<u32>> Input<MaxInline> {
	/// Bytes of the tensor, which a commitment to it does not tell.
	pub fn length(&self) -> Option<u64> {
		match self {
			Self::Inline(bytes) | Self::Salted { bytes, .. } => Some(bytes.len() as u64),
			Self::Blob { length, .. } => Some(*length),
			Self::Committed { .. } => None,
		}
	}

	/// The customer's commitment.
	pub fn commitment(&self) -> Option<Scalar> {
		match self {
			Self::Inline(_) | Self::Blob { .. } => None,
			Self::Committed { commitment } | Self::Salted { commitment, .. } => Some(*commitment),
		}
	}
}

/// The answer to a request.
#[derive(
	CloneNoBound,
	DebugNoBound,
	Decode,
	DecodeWithMemTracking,
	Encode,
	EqNoBound,
	MaxEncodedLen,
	PartialEqNoBound,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxInline))]
#[codec(mel_bound())]
pub enum Output<MaxInline: Get<u32>> {
	/// The tensor's bytes: row-major, little-endian. Of a committed answer, its commitment and its
	/// ciphertext, 32 bytes a scalar.
	Inline(BoundedVec<u8, MaxInline>),
	/// A blob of the tensor's bytes. Only for `Attested` requests.
	Blob {
		/// `blake2_256` of the bytes.
		hash: BlobHash,
		/// How many bytes.
		length: u64,
	},
}

impl<MaxInline: Get<u32>> Output<MaxInline> {
	/// Bytes of the answer.
	pub fn length(&self) -> u64 {
		match self {
			Self::Inline(bytes) => bytes.len() as u64,
			Self::Blob { length, .. } => *length,
		}
	}

	/// `blake2_256` of the answer's bytes.
	pub fn hash(&self) -> H256 {
		match self {
			Self::Inline(bytes) => sp_io::hashing::blake2_256(bytes).into(),
			Self::Blob { hash, .. } => *hash,
		}
	}
}

/// An uncompressed Groth16 proof.
pub type ProofBytes = BoundedVec<u8, ConstU32<{ aimodel_primitives::statement::PROOF_BYTES }>>;

/// The answer to one request, as a worker submits it.
#[derive(
	CloneNoBound,
	DebugNoBound,
	Decode,
	DecodeWithMemTracking,
	Encode,
	EqNoBound,
	MaxEncodedLen,
	PartialEqNoBound,
	TypeInfo,
)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Answer<T: Config> {
	/// The request.
	pub request: RequestId,
	/// The answer.
	pub output: Output<T::MaxInlineOutput>,
	/// What is billed, if it is less than the chain computes.
	pub units: Option<u64>,
	/// Uncompressed; exactly for `Proven` requests.
	pub proof: Option<ProofBytes>,
}

/// A request that waits for its answer. Everything that settlement needs is frozen here.
#[derive(CloneNoBound, DebugNoBound, Decode, Encode, MaxEncodedLen, TypeInfo)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Request<T: Config> {
	/// Who pays.
	pub customer: T::AccountId,
	/// When it was made, or came to the model that serves it now: from then on its answer is late.
	/// Which of the requests that wait for workers get them first.
	pub priority: Tier,
	/// When it was made.
	pub requested_at: BlockNumberFor<T>,
	/// The output that it was quoted on.
	pub out_point: OutPoint,
	/// The version that serves it now.
	pub version: VersionId,
	/// What stands behind the answer.
	pub assurance: Assurance,
	/// The input.
	pub input: Input<T::MaxInlineInput>,
	/// Rows of the input.
	pub rows: u32,
	/// What units cost, as they were quoted.
	pub rates: Rates,
	/// The split at creation, as it led to accounts.
	pub split: FlatSplit<T::AccountId>,
	/// The platform's share at creation.
	pub platform_share: Permill,
	/// Held from the customer: the most that can be paid, whoever serves it.
	pub held: Balance,
	/// The most that can be paid to the model that serves it now.
	pub most: Balance,
	/// What pays the worker where nothing is held: a plan.
	pub cover: Option<Cover<T::AccountId>>,
	/// What each lease demands of its worker.
	pub terms: LeaseTerms<BlockNumberFor<T>>,
	/// The last block at which a result is accepted.
	pub deadline: BlockNumberFor<T>,
	/// Whether workers were drawn for it: not before the block after its own.
	pub drawn: bool,
	/// The workers drawn for it that have not been asked yet, the most preferred last.
	pub candidates: BoundedVec<T::AccountId, T::MaxCandidates>,
	/// The workers whose lease of it has lapsed: they get no other as long as this version serves it.
	pub lapsed: BoundedVec<T::AccountId, T::MaxCandidates>,
	/// What the customer already got from lapsed leases.
	pub compensated: Balance,
	/// The block at which it falls due: its key in `DueRequests`.
	pub due: BlockNumberFor<T>,
	/// What a missed deadline brings, if anything.
	pub guarantee: Option<Guarantee<T::AccountId>>,
}

impl<T: Config> Request<T> {
	/// Whether it settles only with a proof, and so keeps the key of each version that may answer it.
	pub fn is_proven(&self) -> bool {
		matches!(self.assurance, Assurance::Proven { .. })
	}

	/// Makes a fallback serve it. Nobody was asked there yet.
	pub(crate) fn turn_to(&mut self, next: Fallback<T>, now: BlockNumberFor<T>) {
		let Fallback { out_point, rates, split, most, terms, priority } = next;
		(self.out_point, self.version) = (out_point, terms.version);
		(self.rates, self.split, self.most, self.terms) = (rates, split, most, terms);
		(self.requested_at, self.priority) = (now, priority);
		self.candidates = Default::default();
		self.lapsed = Default::default();
	}

	/// The customer's commitment.
	pub fn commitment(&self) -> Option<Commitment> {
		self.input.commitment().map(|scalar| self.committed(&scalar))
	}

	/// Names the input: see [`JobInput::hash`].
	pub fn input_hash(&self) -> H256 {
		match &self.input {
			Input::Inline(bytes) => input_hash(bytes, None),
			Input::Blob { hash, .. } => *hash,
			Input::Committed { commitment } => self.committed(commitment).opening().into(),
			Input::Salted { bytes, commitment } => {
				input_hash(bytes, Some(&self.committed(commitment)))
			},
		}
	}

	/// The input as a job carries it.
	pub fn job_input(&self) -> JobInput {
		match &self.input {
			Input::Inline(bytes) => JobInput::Inline(bytes.to_vec()),
			Input::Blob { hash, length } => JobInput::Blob { hash: *hash, length: *length },
			Input::Committed { commitment } => JobInput::Committed(self.committed(commitment)),
			Input::Salted { bytes, commitment } => {
				JobInput::Salted(bytes.to_vec(), self.committed(commitment))
			},
		}
	}

	fn committed(&self, scalar: &Scalar) -> Commitment {
		Commitment::of(&self.customer.clone().into(), *scalar)
	}
}

/// What an account used of a model.
#[derive(Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Customer<T: Config> {
	/// What was counted, by billing periods.
	pub ledger: Ledger,
	/// Requests that wait for their answer, those included that the model may still take over.
	pub open: u32,
	/// The most that these can cost, those included that the model may still take over.
	pub held: Balance,
	/// What may be spent in a period.
	pub budget: Option<Budget>,
	/// What was counted against the model's rate limit.
	pub rate: CallCount,
	/// Whether the account had its trial of the model.
	pub trial: bool,
	/// The period in whose course it is pruned, unless it is used before: its key in
	/// `PrunableCustomers`.
	pub prune: u32,
	/// The deposit, taken from the account.
	pub deposit: T::CustomerDeposit,
}

/// What a model brought in, and what prices follow from that.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Record {
	/// What was counted, by billing periods.
	pub ledger: Ledger,
	/// What was paid out of plans and pots: a plan is paid when its period begins, and paid out as
	/// workers draw from it and when it ends.
	pub drawn: Sums,
	/// Customers who paid in the current period.
	pub customers: u32,
	/// Customers who paid in the period before.
	pub previous_customers: u32,
	/// The factor of demand after the windows before `window`.
	pub demand: Demand,
	/// The number of a window of demand.
	pub window: u32,
	/// Fees that were paid in it.
	pub window_fees: Balance,
	/// What the bonus for quality follows: the moving share of requests that were answered, at first
	/// none. What customers are told is in `figures`.
	pub reliability: Permill,
	/// How well it answered, and how soon after the request.
	pub figures: Figures,
	/// Whether failures suspended it.
	pub breaker: Breaker,
}

/// What is kept of a settled request until it is pruned.
#[derive(CloneNoBound, DebugNoBound, Decode, Encode, MaxEncodedLen, TypeInfo)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Settlement<T: Config> {
	/// Who paid.
	pub customer: T::AccountId,
	/// Who answered.
	pub worker: T::AccountId,
	/// The version that answered.
	pub version: VersionId,
	/// What stands behind the answer.
	pub assurance: Assurance,
	/// The answer.
	pub output: Output<T::MaxInlineOutput>,
	/// Units billed.
	pub units: u64,
	/// What the customer paid.
	pub price: Balance,
	/// When.
	pub settled_at: BlockNumberFor<T>,
}

/// Who got what of a price.
#[derive(
	Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Payout<AccountId> {
	/// The platform's part.
	pub platform: Balance,
	/// What of it feeds the incentives.
	pub incentives: Balance,
	/// The worker's part.
	pub worker: Balance,
	/// The part of each account that the split led to.
	pub beneficiaries: Parts<AccountId>,
}

impl<AccountId: Clone> Payout<AccountId> {
	pub(crate) fn new(
		Division { platform, worker, payees }: Division,
		incentives: Balance,
		split: &FlatSplit<AccountId>,
	) -> Self {
		Self { platform, incentives, worker, beneficiaries: parts(payees, split) }
	}
}

/// The parts of the payees of a split.
pub(crate) fn parts<AccountId: Clone>(
	amounts: Vec<Balance>,
	split: &FlatSplit<AccountId>,
) -> Parts<AccountId> {
	let accounts = split.payees.iter().map(|(who, _)| who.clone());
	BoundedVec::truncate_from(accounts.zip(amounts).collect())
}

/// Why a request closed without an answer.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	TypeInfo,
)]
pub enum Unanswered {
	/// The customer cancelled it.
	Cancelled,
	/// Its deadline passed.
	Expired,
}

pub(crate) fn record_hash(version: &Version) -> H256 {
	version.using_encoded(sp_io::hashing::blake2_256).into()
}
