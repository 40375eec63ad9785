//! The parameters of each pallet.

use crate::{
	transaction::OperatorCrypto, AccountId, Aura, Balance, Balances, Block, BlockNumber, Hash,
	Nonce, PalletInfo, Runtime, RuntimeCall, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason,
	RuntimeOrigin, RuntimeTask, System, Timestamp, Workers, ZkVerifier, EXISTENTIAL_DEPOSIT,
	SLOT_DURATION, UNIT, VERSION,
};
use aimodel_primitives::RequestId;
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{
		fungible::HoldConsideration, ConstBool, ConstU128, ConstU16, ConstU32, ConstU64, ConstU8,
		LinearStoragePrice, VariantCountOf,
	},
	weights::{
		constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
		ConstantMultiplier, IdentityFee, Weight,
	},
	PalletId,
};
use frame_system::{
	limits::{BlockLength, BlockWeights},
	EnsureRoot,
};
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::{
	traits::{AccountIdConversion, Convert, One},
	Perbill, Permill,
};
use sp_version::RuntimeVersion;

/// What dispatchables of the normal class may take of a block.
const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// What a block may take to execute: a third of the slot.
const MAXIMUM_BLOCK_WEIGHT: Weight = Weight::from_parts(2 * WEIGHT_REF_TIME_PER_SECOND, u64::MAX);

/// What a block may hold.
const MAXIMUM_BLOCK_LENGTH: u32 = 5 * 1024 * 1024;

/// The fee of one byte. A block full of bytes costs about as much as one full of weight: 3.75 MiB
/// or 1.5 s, at one `UNIT` a second.
const FEE_PER_BYTE: Balance = 400_000;

/// Blocks of a minute.
const MINUTES: BlockNumber = 60_000 / SLOT_DURATION as BlockNumber;

/// Blocks of a day.
const DAYS: BlockNumber = 24 * 60 * MINUTES;

/// Blocks of a month, of 30 days: of a billing period, and of what is sold by the month.
const MONTH: BlockNumber = 30 * DAYS;

/// Blocks of a year, of 365 days.
const YEAR: BlockNumber = 365 * DAYS;

/// The longest lease that a version may demand: a day is enough for the slowest proof.
const MAX_LEASE: BlockNumber = DAYS;

/// Two leases, and time to be included.
const MAX_DEADLINE: BlockNumber = 2 * MAX_LEASE + 60 * MINUTES;

parameter_types! {
	pub const BlockHashCount: BlockNumber = 2400;
	pub const Version: RuntimeVersion = VERSION;
	pub const SS58Prefix: u8 = 42;
	pub RuntimeBlockWeights: BlockWeights =
		BlockWeights::with_sensible_defaults(MAXIMUM_BLOCK_WEIGHT, NORMAL_DISPATCH_RATIO);
	pub RuntimeBlockLength: BlockLength = BlockLength::builder()
		.max_length(MAXIMUM_BLOCK_LENGTH)
		.modify_max_length_for_class(DispatchClass::Normal, |max| {
			*max = NORMAL_DISPATCH_RATIO * *max;
		})
		.build();
	pub FeeMultiplier: Multiplier = Multiplier::one();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockWeights = RuntimeBlockWeights;
	type BlockLength = RuntimeBlockLength;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Hash = Hash;
	type BlockHashCount = BlockHashCount;
	// The node is built with ParityDb alone.
	type DbWeight = ParityDbWeight;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<Balance>;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type SS58Prefix = SS58Prefix;
	type SingleBlockMigrations = crate::Migrations;
	type MaxConsumers = ConstU32<64>;
}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Aura;
	type MinimumPeriod = ConstU64<{ SLOT_DURATION / 2 }>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
	type AuthorityId = AuraId;
	type MaxAuthorities = ConstU32<32>;
	type DisabledValidators = ();
	type AllowMultipleBlocksPerSlot = ConstBool<false>;
	type SlotDuration = ConstU64<SLOT_DURATION>;
}

// The set of authorities is fixed at genesis: there is nobody to report an equivocation to.
impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<32>;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<0>;
	type KeyOwnerProof = sp_core::Void;
	type EquivocationReportSystem = ();
}

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
	type Balance = Balance;
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
	type ReserveIdentifier = ();
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxLocks = ConstU32<0>;
	type MaxReserves = ConstU32<0>;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
}

// Fees are burned: a worker that authors blocks gains nothing from another's transactions. One
// `UNIT` buys one second of execution, so that a call of 5 ms costs 0.005 `UNIT`.
impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction = FungibleAdapter<Balances, ()>;
	type WeightToFee = IdentityFee<Balance>;
	type LengthToFee = ConstantMultiplier<Balance, ConstU128<FEE_PER_BYTE>>;
	// A constant: what a request costs can be told before it is made.
	type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

/// A deposit of 0.1 `UNIT`, and 0.1 `UNIT` for each KiB.
type Deposit<Reason> = HoldConsideration<
	AccountId,
	Balances,
	Reason,
	LinearStoragePrice<ConstU128<{ UNIT / 10 }>, ConstU128<{ UNIT / 10 / 1024 }>, Balance>,
>;

parameter_types! {
	pub const KeyDeposit: RuntimeHoldReason =
		RuntimeHoldReason::ZkVerifier(pallet_zk_verifier::HoldReason::KeyDeposit);
	pub const ModelDeposit: RuntimeHoldReason =
		RuntimeHoldReason::Aimodel(pallet_aimodel::HoldReason::ModelDeposit);
	pub const CustomerDeposit: RuntimeHoldReason =
		RuntimeHoldReason::Aimodel(pallet_aimodel::HoldReason::CustomerDeposit);
	pub const PotId: PalletId = PalletId(*b"aimodel/");
	/// Has no key: governance acts for it by `sudo_as`.
	pub PlatformAccount: AccountId = PalletId(*b"aimodel$").into_account_truncating();
	pub const MinPlatformShare: Permill = Permill::from_percent(5);
	pub const MaxPlatformShare: Permill = Permill::from_percent(50);
	pub const LapseCompensation: Permill = Permill::from_percent(10);
}

impl pallet_zk_verifier::Config for Runtime {
	type Consideration = Deposit<KeyDeposit>;
	type AttestOrigin = EnsureRoot<AccountId>;
	// The binding, and 62 scalars of 31 bytes each for input and output.
	type MaxPublicInputs = ConstU32<64>;
	type WeightInfo = pallet_zk_verifier::weights::SubstrateWeight<Runtime>;
}

impl pallet_workers::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MinBond = ConstU128<{ 100 * UNIT }>;
	type RetireDelay = ConstU32<{ 10 * MINUTES }>;
	// Enough to fetch an input and to be included.
	type AcceptWindow = ConstU32<MINUTES>;
	type MaxServices = ConstU32<64>;
	// What a draw reads grows with it.
	type MaxServers = ConstU32<64>;
	type MaxSlots = ConstU16<256>;
	type WeightInfo = pallet_workers::weights::SubstrateWeight<Runtime>;
}

impl pallet_aimodel::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Consideration = Deposit<ModelDeposit>;
	type CustomerDeposit = Deposit<CustomerDeposit>;
	type Time = Timestamp;
	type Verifier = ZkVerifier;
	type Workers = Workers;
	type OperatorCrypto = OperatorCrypto;
	type AcceptCall = AcceptCall;
	type GovernanceOrigin = EnsureRoot<AccountId>;
	type PlatformAccount = PlatformAccount;
	type MinPlatformShare = MinPlatformShare;
	type MaxPlatformShare = MaxPlatformShare;
	type PalletId = PotId;
	type MaxInlineInput = ConstU32<{ 64 * 1024 }>;
	type MaxInlineOutput = ConstU32<{ 64 * 1024 }>;
	type MaxResults = ConstU32<64>;
	type MaxVersions = ConstU32<32>;
	type MaxAllowed = ConstU32<4_096>;
	type HistoryStep = ConstU32<64>;
	type ApprovalPeriod = ConstU32<{ 7 * DAYS }>;
	type MaxPrices = ConstU32<16>;
	type BillingPeriod = ConstU32<MONTH>;
	type Month = ConstU32<MONTH>;
	type Year = ConstU32<YEAR>;
	type DemandWindow = ConstU32<{ 60 * MINUTES }>;
	type EraLength = ConstU32<{ 7 * DAYS }>;
	// The current one, and eight whose rewards can be claimed.
	type KeptEras = ConstU32<9>;
	type MaxWaiting = ConstU32<128>;
	type MaxCandidates = ConstU32<3>;
	type MaxLease = ConstU32<MAX_LEASE>;
	type DeadlineMargin = ConstU32<5>;
	type MaxDeadline = ConstU32<MAX_DEADLINE>;
	type Retention = ConstU32<DAYS>;
	type MinCollateral = ConstU128<UNIT>;
	type LapseCompensation = LapseCompensation;
	type WeightInfo = pallet_aimodel::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Market;
}

/// The call by which a worker accepts a lease.
pub struct AcceptCall;

impl Convert<RequestId, RuntimeCall> for AcceptCall {
	fn convert(request: RequestId) -> RuntimeCall {
		RuntimeCall::Workers(pallet_workers::Call::accept { request })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::MILLIUNIT;
	use codec::Decode;
	use frame_support::{
		dispatch::GetDispatchInfo,
		traits::{Get, GetCallIndex},
		weights::WeightToFee,
		BoundedVec,
	};
	use pallet_aimodel::{Answer, Input, Output};
	use pallet_transaction_payment::Config;
	use sp_runtime::traits::TrailingZeroInput;

	#[test]
	fn fees_are_a_small_fraction_of_a_unit() {
		type ToFee = <Runtime as Config>::WeightToFee;
		let milliseconds = Weight::from_parts(5 * WEIGHT_REF_TIME_PER_SECOND / 1_000, 0);
		assert_eq!(ToFee::weight_to_fee(&milliseconds), 5 * MILLIUNIT);
	}

	#[test]
	fn normal_dispatchables_have_one_and_a_half_seconds_of_a_block() {
		let weights = RuntimeBlockWeights::get();
		let normal = weights.get(DispatchClass::Normal).max_total.unwrap();
		assert_eq!(normal.ref_time(), WEIGHT_REF_TIME_PER_SECOND * 3 / 2);
		assert_eq!(*RuntimeBlockLength::get().max.get(DispatchClass::Normal), 3_932_160);
	}

	/// A call of this index whose arguments are all zero, empty or none.
	fn least<Call: Decode>(index: u8) -> Call {
		Call::decode(&mut TrailingZeroInput::new(&[index])).expect("zeros are arguments")
	}

	fn get<Most: Get<u32>>() -> usize {
		Most::get() as usize
	}

	/// Calls whose weight grows with their arguments, with the greatest.
	fn greatest() -> Vec<RuntimeCall> {
		type Market = pallet_aimodel::Call<Runtime>;
		let most_input = get::<<Runtime as pallet_aimodel::Config>::MaxInlineInput>();
		let most_output = get::<<Runtime as pallet_aimodel::Config>::MaxInlineOutput>();
		let input = || Input::Inline(BoundedVec::truncate_from(vec![0; most_input]));
		let output = || Output::Inline(BoundedVec::truncate_from(vec![0; most_output]));
		let assurance = aimodel_primitives::runtime_api::Assurance::Attested;
		let accounts = || {
			let most = aimodel_primitives::access::MAX_ACCOUNTS as usize;
			BoundedVec::truncate_from(vec![AccountId::new([0; 32]); most])
		};
		let most_results = get::<<Runtime as pallet_aimodel::Config>::MaxResults>();
		let answer = || Answer { request: 0, output: output(), units: None, proof: None };
		let answers: Vec<_> = (0..most_results).map(|_| answer()).collect();
		let (out_point, model) = Default::default();
		let most_fallbacks = aimodel_primitives::fallbacks::MAX_FALLBACKS as usize;
		let claim = || aimodel_primitives::voucher::Claim {
			account: AccountId::new([0; 32]),
			model,
			signed: 0,
			signature: sp_core::sr25519::Signature::from_raw([0; 64]),
			calls: 0,
		};
		let most_claims = aimodel_primitives::voucher::MAX_CLAIMS as usize;
		let claims: Vec<_> = (0..most_claims).map(|_| claim()).collect();
		let points = vec![0; 4_000_000];
		vec![
			Market::request {
				out_point,
				assurance,
				input: input(),
				max_fee: 0,
				deadline: None,
				fallbacks: BoundedVec::truncate_from(vec![out_point; most_fallbacks]),
			}
			.into(),
			Market::request_by_plan { out_point, assurance, input: input(), deadline: None }.into(),
			Market::submit_result { request: 0, output: output(), units: None, proof: None }.into(),
			Market::submit_results { answers: BoundedVec::truncate_from(answers) }.into(),
			Market::settle_calls { claims: BoundedVec::truncate_from(claims) }.into(),
			Market::allow { model, accounts: accounts() }.into(),
			Market::disallow { model, accounts: accounts() }.into(),
			pallet_zk_verifier::Call::<Runtime>::register_key {
				artifact: None,
				circuit_digest: Hash::zero(),
				statement_version: 1,
				points: BoundedVec::truncate_from(points),
			}
			.into(),
		]
	}

	#[test]
	fn every_call_of_ours_fits_into_a_block_of_the_normal_class() {
		let weights = RuntimeBlockWeights::get();
		let most = weights.get(DispatchClass::Normal).max_extrinsic.expect("there is a limit");
		let market = pallet_aimodel::Call::<Runtime>::get_call_indices();
		let workers = pallet_workers::Call::<Runtime>::get_call_indices();
		let keys = pallet_zk_verifier::Call::<Runtime>::get_call_indices();
		let market = market.iter().map(|index| RuntimeCall::Aimodel(least(*index)));
		let workers = workers.iter().map(|index| RuntimeCall::Workers(least(*index)));
		let keys = keys.iter().map(|index| RuntimeCall::ZkVerifier(least(*index)));
		for call in market.chain(workers).chain(keys).chain(greatest()) {
			let weight = call.get_dispatch_info().call_weight;
			let name = frame_support::traits::GetCallMetadata::get_call_metadata(&call);
			assert!(weight.all_lte(most), "{name:?} weighs {weight}, and there is room for {most}");
		}
	}
}
