//! What clients and the node ask the runtime.

use crate::{
	access::{Figures, Health},
	billing::{Bill, Revenue},
	fallbacks::{ChainQuote, FallbackNames},
	ids::{ArtifactHash, BlobHash, KeyId, ModelId, OutPoint, RequestId, VersionId},
	incentives::{Incentives, Reward},
	income::{Income, Sums},
	models::{Alias, Candidate, HistoryRecord, KeptVersion, Metadata, Tag},
	owners::{Lock, PendingChange},
	pricing::{
		Breakdown, Penalty, Plans, Quote, QuoteError, ServiceTerms, Standing, Subscription, Tariff,
		Tier, UnitsFormula,
	},
	privacy::Privacy,
	split::RevenueSplit,
	statement::Scalar,
	tensor::Interface,
	traits::{KeyOrigin, Lease},
	Balance,
};
use alloc::vec::Vec;
use codec::{Codec, Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::DispatchError;

/// What stands behind an answer.
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
pub enum Assurance {
	/// Settles only with a valid proof, under a key no weaker than `weakest_origin`; `None` takes
	/// the chain's default.
	Proven {
		/// The weakest origin of the key that the customer accepts.
		weakest_origin: Option<KeyOrigin>,
	},
	/// A bonded worker's word. The bond covers being late, not being wrong.
	Attested,
}

/// A version of a model, as it is kept while the model or a request uses it.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Version {
	/// `blake2_256` of the model file.
	pub artifact: ArtifactHash,
	/// What it takes and gives.
	pub interface: Interface,
	/// Units of one inference.
	pub units: UnitsFormula,
	/// Blocks that a worker has for one answer.
	pub lease: u32,
	/// What proves its answers, if anything does.
	pub circuit: Option<Circuit>,
}

/// What proves a version's answers.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Circuit {
	/// The registered verifying key.
	pub key: KeyId,
	/// The blob that holds the proving key.
	pub proving_key: BlobHash,
	/// What its proofs hide of requests.
	pub privacy: Privacy,
	/// The commitment to the model's parameters, where they are private.
	pub parameters: Option<Scalar>,
}

/// The key that proves a version's answers, and what it has to be: a prover compares all of it, since
/// proofs with another key do not settle.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct ProofKey {
	/// The blob that holds the proving key.
	pub proving_key: BlobHash,
	/// The digest of the circuit that the registered verifying key is for.
	pub circuit_digest: H256,
	/// `blake2_256` of the registered verifying key's points.
	pub verifying_key: H256,
	/// What its proofs hide of requests.
	pub privacy: Privacy,
	/// The commitment to the model's parameters, where they are private.
	pub parameters: Option<Scalar>,
}

/// A live model.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct ModelInfo<AccountId> {
	/// Its live output: what a change must name.
	pub out_point: OutPoint,
	/// Its owner.
	pub owner: AccountId,
	/// To whom a transfer was offered.
	pub offered_to: Option<AccountId>,
	/// Who changes it in its owner's place.
	pub lock: Option<Lock<AccountId>>,
	/// Whether it was retired: it takes no new requests.
	pub retired: bool,
	/// What new requests cost.
	pub tariff: Tariff,
	/// What is sold by the period.
	pub plans: Plans<AccountId>,
	/// Its split.
	pub split: RevenueSplit<AccountId>,
	/// The version that new requests get.
	pub version: VersionId,
	/// That version's record.
	pub record: Version,
	/// Requests that wait for their answer.
	pub open_requests: u32,
	/// Versions that are kept.
	pub versions: u32,
	/// Changes that led to its live output.
	pub changes: u32,
	/// How it describes itself.
	pub metadata: Metadata,
	/// The version that answers a share of new requests. It takes, gives and costs the same.
	pub candidate: Option<Candidate>,
}

/// An account's subscription to a model.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct SubscriptionInfo {
	/// Its plan and period.
	pub subscription: Subscription,
	/// What the plan promises.
	pub tier: Tier,
	/// What that promises which begins when the period ends.
	pub next_tier: Tier,
	/// Whether it covers calls now.
	pub standing: Standing,
	/// The first block after the period.
	pub until: u64,
	/// What is left of the period's price.
	pub escrow: Balance,
	/// What of it a change to a dearer plan would take off the price now.
	pub credit: Balance,
	/// Names the period: vouchers are signed for it.
	pub term: u64,
}

/// How far a worker can have calls settled that were made at its gateway.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct VoucherInfo {
	/// The period: vouchers of others are void.
	pub term: u64,
	/// Calls of the period that were settled for the worker.
	pub settled: u64,
	/// How many more could be settled now: what the quota leaves, the period's price pays, and, where
	/// the period has as many other workers as it may, none.
	pub room: u64,
	/// Why the chain would give the worker no request of the account by its plan now. Calls that were
	/// answered are settled all the same.
	pub refusal: Option<CallRefusal>,
}

/// Why an account is not to be answered at a worker's gateway.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum CallRefusal {
	/// The model is retired: the subscriber can close its subscription, and have back what is left.
	Retired,
	/// The owner paused the model.
	Paused,
	/// The owner does not let the account make requests.
	NotAllowed,
	/// The worker does not offer to serve the version by which calls are priced.
	NotServed,
	/// The worker works for no less than it offered, and would get less.
	PayTooLow,
}

/// What an owner set aside for a model.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct FundInfo {
	/// Can be reserved, or taken back.
	pub free: Balance,
	/// Reserved for open requests.
	pub reserved: Balance,
}

/// The terms on which an account makes requests of a model, in a paid period of a plan.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct ServiceInfo {
	/// The tier: requests of a block are drawn by it.
	pub tier: Tier,
	/// What is promised.
	pub terms: Option<ServiceTerms>,
	/// Whether requests are made without a penalty where the bond covers none.
	pub waives_penalty: bool,
	/// What the bond of the model's owner covers now.
	pub covered: Balance,
}

/// How far a request is.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum RequestInfo<AccountId, BlockNumber> {
	/// Waiting for its answer.
	Open {
		/// Who pays.
		customer: AccountId,
		/// The version that serves it now.
		version: VersionId,
		/// What stands behind the answer.
		assurance: Assurance,
		/// Held from the customer.
		held: Balance,
		/// What is reserved for the worker and the platform, if a plan covers it.
		draw: Option<Balance>,
		/// The last block at which a result is accepted.
		deadline: BlockNumber,
		/// What a missed deadline brings the customer, if its terms say so and a bond covers it.
		penalty: Option<Penalty>,
		/// The current lease, lapsed or not.
		lease: Option<Lease<AccountId, BlockNumber>>,
		/// The versions that may take it over, the most preferred first.
		fallbacks: Vec<VersionId>,
	},
	/// Answered and paid.
	Settled {
		/// Who answered.
		worker: AccountId,
		/// The version that answered.
		version: VersionId,
		/// What stands behind the answer.
		assurance: Assurance,
		/// The answer's bytes, or nothing if it is a blob. Of a committed answer, the commitment
		/// and the ciphertext.
		output: Option<Vec<u8>>,
		/// `blake2_256` of the answer's bytes.
		output_hash: H256,
		/// Units billed.
		units: u64,
		/// What the customer paid.
		price: Balance,
		/// When.
		settled_at: BlockNumber,
	},
}

/// A request under a worker's live lease.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct JobInfo<BlockNumber> {
	/// The request.
	pub request: RequestId,
	/// The version to run.
	pub version: VersionId,
	/// The model file.
	pub artifact: ArtifactHash,
	/// Names the input: `blake2_256` of its bytes; see
	/// [`JobInput::hash`](crate::inference::JobInput::hash) for what is committed.
	pub input_hash: H256,
	/// The customer's commitment, where there is one: the worker needs its opening.
	pub commitment: Option<Scalar>,
	/// Whether a proof is needed.
	pub proven: bool,
	/// Whether the worker is obliged, or has to accept first.
	pub obliged: bool,
	/// The last block of the lease, or of the window to accept.
	pub until: BlockNumber,
}

sp_api::decl_runtime_apis! {
	/// Reads of the market, by the same functions that the dispatchables use.
	pub trait AimodelApi<AccountId, BlockNumber> where AccountId: Codec, BlockNumber: Codec {
		/// The price for `account` of an inference over `input_bytes` bytes on the model's current
		/// version, at a UNIX time in milliseconds, or now. Without an account, that of a new customer.
		fn quote(
			model: ModelId,
			account: Option<AccountId>,
			input_bytes: u64,
			at: Option<u64>,
		) -> Result<Quote, QuoteError>;

		/// The same for a number of units, of one row.
		fn price(
			model: ModelId,
			account: Option<AccountId>,
			units: u64,
			at: Option<u64>,
		) -> Result<Breakdown, QuoteError>;

		/// What a request of `account` for `input_bytes` bytes inline would hold with these fallbacks, and
		/// who would serve it; or the error with which `request` would refuse it.
		fn quote_chain(
			account: AccountId,
			out_point: OutPoint,
			fallbacks: FallbackNames,
			assurance: Assurance,
			input_bytes: u64,
			max_fee: Balance,
		) -> Result<ChainQuote, DispatchError>;

		/// What `account` used of a model, in this billing period and the last.
		fn bill(account: AccountId, model: ModelId) -> Option<Bill>;

		/// The bills of `account`, 256 of them at most.
		fn bills(account: AccountId) -> Vec<(ModelId, Bill)>;

		/// What a model brought in, in this billing period and the last.
		fn revenue(model: ModelId) -> Option<Revenue>;

		/// Who may use a model that is not yet closed, whether it is suspended, and how well it answered.
		fn health(model: ModelId) -> Option<Health>;

		/// How well the bonded account `worker` answered: of its leases that obliged, and of the blocks
		/// from when one did to its answer.
		fn worker_figures(worker: AccountId) -> Option<Figures>;
		/// What a model earned for whom, in this billing period and the last.
		fn income(model: ModelId) -> Option<Income<AccountId>>;

		/// What `account` earned as a beneficiary of a model, in this billing period and the last.
		fn earned(account: AccountId, model: ModelId) -> Option<Sums>;

		/// The eras whose rewards can be claimed, and the current one.
		fn incentives() -> Incentives;

		/// What a model has merited in these eras and not claimed.
		fn rewards(model: ModelId) -> Vec<Reward>;

		/// The subscription of `account` to a model.
		fn subscription(account: AccountId, model: ModelId) -> Option<SubscriptionInfo>;

		/// The subscriptions of `account`, 256 of them at most.
		fn subscriptions(account: AccountId) -> Vec<(ModelId, SubscriptionInfo)>;

		/// What one call of `account` at a worker's gateway would draw from its plan if it were settled
		/// now, in a period or not.
		fn call_draw(account: AccountId, model: ModelId) -> Option<Balance>;

		/// How far the bonded account `worker` can have calls of `account` settled, if that has a
		/// subscription to the model.
		fn voucher(
			account: AccountId,
			model: ModelId,
			worker: AccountId,
		) -> Option<VoucherInfo>;

		/// What `owner` set aside for calls of a model by plan.
		fn pot(model: ModelId, owner: AccountId) -> Option<FundInfo>;

		/// The terms on which `account` makes requests of a model now, if it has a period of a plan.
		fn service(account: AccountId, model: ModelId) -> Option<ServiceInfo>;

		/// What `owner` put up for the penalties that a model's plans promise.
		fn service_bond(model: ModelId, owner: AccountId) -> Option<FundInfo>;

		/// A model that is not yet closed.
		fn model(model: ModelId) -> Option<ModelInfo<AccountId>>;

		/// The spent outputs of a model, oldest first, and who changed what: `limit` of them, 256 at
		/// most, from this index on. [`ModelInfo::changes`] says how many there are.
		fn history(
			model: ModelId,
			from: u32,
			limit: u32,
		) -> Vec<HistoryRecord<AccountId, BlockNumber>>;

		/// What members of its set have approved of the live output of a model.
		fn pending_changes(model: ModelId) -> Vec<PendingChange<AccountId, BlockNumber>>;

		/// The models of an owner that are not closed, and how they describe themselves: `limit` of
		/// them, 256 at most, behind `from`, which is the last of the page before.
		fn models_of(
			owner: AccountId,
			from: Option<ModelId>,
			limit: u32,
		) -> Vec<(ModelId, Metadata)>;

		/// The same for those with a tag.
		fn models_tagged(
			tag: Tag,
			from: Option<ModelId>,
			limit: u32,
		) -> Vec<(ModelId, Metadata)>;

		/// The versions of a model that is not closed.
		fn versions(model: ModelId) -> Vec<KeptVersion<BlockNumber>>;

		/// The version of a model that has a role now. Requests name none of them: who signs a name
		/// that moves does not know what it will mean.
		fn resolve(model: ModelId, alias: Alias) -> Option<VersionId>;

		/// A version that a model or an open request uses.
		fn version(version: VersionId) -> Option<Version>;

		/// What proves the answers of a version, if anything does.
		fn proof_key(version: VersionId) -> Option<ProofKey>;

		/// A request that is open, or settled and not yet pruned.
		fn request(request: RequestId) -> Option<RequestInfo<AccountId, BlockNumber>>;

		/// The requests that the bonded account `worker` has to answer now.
		fn jobs_for(worker: AccountId) -> Vec<JobInfo<BlockNumber>>;

		/// The bonded account that registered `operator` as its key.
		fn worker_of(operator: AccountId) -> Option<AccountId>;

		/// The versions that the bonded account `worker` offers to serve, 256 of them at most: what its node
		/// should hold.
		fn offers_of(worker: AccountId) -> Vec<VersionId>;

		/// What `account` can withdraw.
		fn earnings_of(account: AccountId) -> Balance;
	}
}
