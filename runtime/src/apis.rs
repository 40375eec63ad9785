//! What the node and the clients ask the runtime.

use crate::{
	genesis, AccountId, Aimodel, Aura, Balance, Block, BlockNumber, Executive, Grandpa,
	InherentDataExt, Nonce, Runtime, RuntimeCall, RuntimeGenesisConfig, SessionKeys, System,
	TransactionPayment, VERSION,
};
use aimodel_primitives::{
	access::{Figures, Health},
	billing::{Bill, Revenue},
	fallbacks::{ChainQuote, FallbackNames},
	incentives::{Incentives, Reward},
	income::{Income, Sums},
	models::{Alias, HistoryRecord, KeptVersion, Metadata, Tag},
	owners::PendingChange,
	pricing::{Breakdown, Quote, QuoteError},
	runtime_api::{
		self, Assurance, FundInfo, JobInfo, ModelInfo, ProofKey, RequestInfo, ServiceInfo,
		SubscriptionInfo, Version, VoucherInfo,
	},
	ModelId, OutPoint, RequestId, VersionId,
};
use alloc::vec::Vec;
use frame_support::{
	genesis_builder_helper,
	view_functions::{ViewFunctionDispatchError, ViewFunctionId},
	weights::Weight,
};
use pallet_transaction_payment::{FeeDetails, RuntimeDispatchInfo};
use sp_api::impl_runtime_apis;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{crypto::KeyTypeId, OpaqueMetadata};
use sp_genesis_builder::PresetId;
use sp_runtime::{
	traits::{Block as BlockT, NumberFor},
	transaction_validity::{TransactionSource, TransactionValidity},
	ApplyExtrinsicResult, DispatchError, ExtrinsicInclusionMode,
};
use sp_session::OpaqueGeneratedSessionKeys;
use sp_version::RuntimeVersion;

impl_runtime_apis! {
	impl sp_api::Core<Block> for Runtime {
		fn version() -> RuntimeVersion {
			VERSION
		}

		fn execute_block(block: <Block as BlockT>::LazyBlock) {
			Executive::execute_block(block)
		}

		fn initialize_block(header: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
			Executive::initialize_block(header)
		}
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata {
			OpaqueMetadata::new(Runtime::metadata().into())
		}

		fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
			Runtime::metadata_at_version(version)
		}

		fn metadata_versions() -> Vec<u32> {
			Runtime::metadata_versions()
		}
	}

	impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
		fn execute_view_function(
			id: ViewFunctionId,
			input: Vec<u8>,
		) -> Result<Vec<u8>, ViewFunctionDispatchError> {
			Runtime::execute_view_function(id, input)
		}
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
			Executive::apply_extrinsic(extrinsic)
		}

		fn finalize_block() -> <Block as BlockT>::Header {
			Executive::finalize_block()
		}

		fn inherent_extrinsics(
			data: sp_inherents::InherentData,
		) -> Vec<<Block as BlockT>::Extrinsic> {
			data.create_extrinsics()
		}

		fn check_inherents(
			block: <Block as BlockT>::LazyBlock,
			data: sp_inherents::InherentData,
		) -> sp_inherents::CheckInherentsResult {
			data.check_extrinsics(&block)
		}
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			source: TransactionSource,
			tx: <Block as BlockT>::Extrinsic,
			block_hash: <Block as BlockT>::Hash,
		) -> TransactionValidity {
			Executive::validate_transaction(source, tx, block_hash)
		}
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(header: &<Block as BlockT>::Header) {
			Executive::offchain_worker(header)
		}
	}

	impl sp_consensus_aura::AuraApi<Block, AuraId> for Runtime {
		fn slot_duration() -> sp_consensus_aura::SlotDuration {
			sp_consensus_aura::SlotDuration::from_millis(Aura::slot_duration())
		}

		fn authorities() -> Vec<AuraId> {
			pallet_aura::Authorities::<Runtime>::get().into_inner()
		}
	}

	impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
		fn grandpa_authorities() -> sp_consensus_grandpa::AuthorityList {
			Grandpa::grandpa_authorities()
		}

		fn current_set_id() -> sp_consensus_grandpa::SetId {
			pallet_grandpa::CurrentSetId::<Runtime>::get()
		}

		fn submit_report_equivocation_unsigned_extrinsic(
			_: sp_consensus_grandpa::EquivocationProof<<Block as BlockT>::Hash, NumberFor<Block>>,
			_: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
		) -> Option<()> {
			None
		}

		fn generate_key_ownership_proof(
			_: sp_consensus_grandpa::SetId,
			_: GrandpaId,
		) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
			None
		}
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(
			owner: Vec<u8>,
			seed: Option<Vec<u8>>,
		) -> OpaqueGeneratedSessionKeys {
			SessionKeys::generate(&owner, seed).into()
		}

		fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			SessionKeys::decode_into_raw_public_keys(&encoded)
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
		fn account_nonce(account: AccountId) -> Nonce {
			System::account_nonce(account)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance>
		for Runtime
	{
		fn query_info(
			uxt: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_info(uxt, len)
		}

		fn query_fee_details(uxt: <Block as BlockT>::Extrinsic, len: u32) -> FeeDetails<Balance> {
			TransactionPayment::query_fee_details(uxt, len)
		}

		fn query_weight_to_fee(weight: Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentCallApi<
		Block,
		Balance,
		RuntimeCall,
	> for Runtime {
		fn query_call_info(call: RuntimeCall, len: u32) -> RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_call_info(call, len)
		}

		fn query_call_fee_details(call: RuntimeCall, len: u32) -> FeeDetails<Balance> {
			TransactionPayment::query_call_fee_details(call, len)
		}

		fn query_weight_to_fee(weight: Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl runtime_api::AimodelApi<Block, AccountId, BlockNumber> for Runtime {
		fn quote(
			model: ModelId,
			account: Option<AccountId>,
			input_bytes: u64,
			at: Option<u64>,
		) -> Result<Quote, QuoteError> {
			Aimodel::quote(model, account, input_bytes, at)
		}

		fn price(
			model: ModelId,
			account: Option<AccountId>,
			units: u64,
			at: Option<u64>,
		) -> Result<Breakdown, QuoteError> {
			Aimodel::price(model, account, units, at)
		}

		fn quote_chain(
			account: AccountId,
			out_point: OutPoint,
			fallbacks: FallbackNames,
			assurance: Assurance,
			input_bytes: u64,
			max_fee: Balance,
		) -> Result<ChainQuote, DispatchError> {
			Aimodel::quote_chain(account, out_point, fallbacks, assurance, input_bytes, max_fee)
		}

		fn bill(account: AccountId, model: ModelId) -> Option<Bill> {
			Aimodel::bill(&account, &model)
		}

		fn bills(account: AccountId) -> Vec<(ModelId, Bill)> {
			Aimodel::bills(&account)
		}

		fn revenue(model: ModelId) -> Option<Revenue> {
			Aimodel::revenue(&model)
		}

		fn health(model: ModelId) -> Option<Health> {
			Aimodel::health(&model)
		}

		fn worker_figures(worker: AccountId) -> Option<Figures> {
			pallet_workers::Workers::<Runtime>::get(worker).map(|worker| worker.figures)
		}

		fn income(model: ModelId) -> Option<Income<AccountId>> {
			Aimodel::income(&model)
		}

		fn earned(account: AccountId, model: ModelId) -> Option<Sums> {
			Aimodel::earned(&account, &model)
		}

		fn incentives() -> Incentives {
			Aimodel::incentives()
		}

		fn rewards(model: ModelId) -> Vec<Reward> {
			Aimodel::rewards(&model)
		}

		fn subscription(account: AccountId, model: ModelId) -> Option<SubscriptionInfo> {
			Aimodel::subscription(&account, &model)
		}

		fn subscriptions(account: AccountId) -> Vec<(ModelId, SubscriptionInfo)> {
			Aimodel::subscriptions(&account)
		}

		fn call_draw(account: AccountId, model: ModelId) -> Option<Balance> {
			Aimodel::call_draw(&account, &model)
		}

		fn voucher(
			account: AccountId,
			model: ModelId,
			worker: AccountId,
		) -> Option<VoucherInfo> {
			Aimodel::voucher_of(&account, &model, &worker)
		}

		fn pot(model: ModelId, owner: AccountId) -> Option<FundInfo> {
			Aimodel::pot_of(&model, &owner)
		}

		fn service(account: AccountId, model: ModelId) -> Option<ServiceInfo> {
			Aimodel::service_of(&account, &model)
		}

		fn service_bond(model: ModelId, owner: AccountId) -> Option<FundInfo> {
			Aimodel::service_bond_of(&model, &owner)
		}

		fn model(model: ModelId) -> Option<ModelInfo<AccountId>> {
			Aimodel::model(model)
		}

		fn history(
			model: ModelId,
			from: u32,
			limit: u32,
		) -> Vec<HistoryRecord<AccountId, BlockNumber>> {
			Aimodel::history(model, from, limit)
		}

		fn pending_changes(model: ModelId) -> Vec<PendingChange<AccountId, BlockNumber>> {
			Aimodel::pending_changes(model)
		}

		fn models_of(
			owner: AccountId,
			from: Option<ModelId>,
			limit: u32,
		) -> Vec<(ModelId, Metadata)> {
			Aimodel::models_of(&owner, from, limit)
		}

		fn models_tagged(
			tag: Tag,
			from: Option<ModelId>,
			limit: u32,
		) -> Vec<(ModelId, Metadata)> {
			Aimodel::models_tagged(&tag, from, limit)
		}

		fn versions(model: ModelId) -> Vec<KeptVersion<BlockNumber>> {
			Aimodel::versions(model)
		}

		fn resolve(model: ModelId, alias: Alias) -> Option<VersionId> {
			Aimodel::resolve(model, alias)
		}

		fn version(version: VersionId) -> Option<Version> {
			Aimodel::version(version)
		}

		fn proof_key(version: VersionId) -> Option<ProofKey> {
			Aimodel::proof_key(version)
		}

		fn request(request: RequestId) -> Option<RequestInfo<AccountId, BlockNumber>> {
			Aimodel::request_info(request)
		}

		fn jobs_for(worker: AccountId) -> Vec<JobInfo<BlockNumber>> {
			Aimodel::jobs_for(&worker)
		}

		fn worker_of(operator: AccountId) -> Option<AccountId> {
			pallet_workers::Operators::<Runtime>::get(operator)
		}

		fn offers_of(worker: AccountId) -> Vec<VersionId> {
			const MOST: usize = 256;
			pallet_workers::Services::<Runtime>::iter_prefix(worker)
				.filter(|(_, service)| service.is_offered())
				.map(|(version, _)| version)
				.take(MOST)
				.collect()
		}

		fn earnings_of(account: AccountId) -> Balance {
			pallet_aimodel::Earnings::<Runtime>::get(account)
		}
	}

	impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
		fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
			genesis_builder_helper::build_state::<RuntimeGenesisConfig>(config)
		}

		fn get_preset(id: &Option<PresetId>) -> Option<Vec<u8>> {
			genesis_builder_helper::get_preset::<RuntimeGenesisConfig>(id, genesis::get_preset)
		}

		fn preset_names() -> Vec<PresetId> {
			genesis::preset_names()
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	impl frame_benchmarking::Benchmark<Block> for Runtime {
		fn benchmark_metadata(
			extra: bool,
		) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
			use crate::*;
			use frame_benchmarking::BenchmarkList;
			use frame_support::traits::StorageInfoTrait;
			use frame_system_benchmarking::{
				extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench,
			};

			let mut list = Vec::<BenchmarkList>::new();
			list_benchmarks!(list, extra);
			(list, AllPalletsWithSystem::storage_info())
		}

		#[allow(non_local_definitions)]
		fn dispatch_benchmark(
			config: frame_benchmarking::BenchmarkConfig,
		) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
			use crate::*;
			use frame_benchmarking::BenchmarkBatch;
			use frame_support::traits::WhitelistedStorageKeys;
			use frame_system_benchmarking::{
				extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench,
			};
			use sp_storage::TrackedStorageKey;

			impl frame_system_benchmarking::Config for Runtime {}

			let whitelist: Vec<TrackedStorageKey> =
				AllPalletsWithSystem::whitelisted_storage_keys();
			let mut batches = Vec::<BenchmarkBatch>::new();
			let params = (&config, &whitelist);
			add_benchmarks!(params, batches);
			Ok(batches)
		}
	}

	#[cfg(feature = "try-runtime")]
	impl frame_try_runtime::TryRuntime<Block> for Runtime {
		fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
			let weight = Executive::try_runtime_upgrade(checks)
				.expect("the caller wants to know at once that an upgrade fails");
			(weight, crate::configs::RuntimeBlockWeights::get().max_block)
		}

		fn execute_block(
			block: <Block as BlockT>::LazyBlock,
			state_root_check: bool,
			signature_check: bool,
			select: frame_try_runtime::TryStateSelect,
		) -> Weight {
			Executive::try_execute_block(block, state_root_check, signature_check, select)
				.expect("the caller wants to know at once that a block fails")
		}
	}
}
