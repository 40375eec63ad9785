//! A chain of three pallets, and the words in which the tests speak of it.

use crate::{self as pallet_workers, *};
use aimodel_primitives::{
	traits::{LeaseTerms, WorkerPool},
	Balance, RequestId, VersionId,
};
use frame_support::{
	assert_ok, derive_impl,
	traits::{
		fungible::{Inspect, InspectHold, Mutate},
		ConstU128, ConstU16, ConstU32, ConstU64,
	},
};
use sp_core::H256;
use sp_runtime::BuildStorage;

pub(crate) type AccountId = u64;
pub(crate) type BlockNumber = u64;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeError,
		RuntimeEvent,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeOrigin,
		RuntimeTask
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Workers = pallet_workers;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MinBond = ConstU128<MIN_BOND>;
	type RetireDelay = ConstU64<RETIRE_DELAY>;
	type AcceptWindow = ConstU64<ACCEPT_WINDOW>;
	type MaxServices = ConstU32<2>;
	type MaxServers = ConstU32<3>;
	type MaxSlots = ConstU16<4>;
	type WeightInfo = ();
}

pub(crate) const EXISTENTIAL_DEPOSIT: Balance = 10;
pub(crate) const MIN_BOND: Balance = 100;
pub(crate) const RETIRE_DELAY: BlockNumber = 50;
pub(crate) const ACCEPT_WINDOW: BlockNumber = 5;

/// Workers, each endowed with [`ENDOWMENT`]. The operator of worker `n` is `n + 100`.
pub(crate) const ALICE: AccountId = 1;
pub(crate) const BOB: AccountId = 2;
pub(crate) const CHARLIE: AccountId = 3;
pub(crate) const DAVE: AccountId = 4;
/// Buys, and is endowed too.
pub(crate) const CUSTOMER: AccountId = 9;
/// Has no account.
pub(crate) const NOBODY: AccountId = 77;
pub(crate) const ENDOWMENT: Balance = 100_000;

/// A chain, and the invariants that hold at its end.
pub(crate) struct TestExt;

impl TestExt {
	pub(crate) fn execute_with(test: impl FnOnce()) {
		let storage = frame_system::GenesisConfig::<Test>::default().build_storage();
		let mut ext = sp_io::TestExternalities::new(storage.expect("no pallet has a genesis"));
		ext.execute_with(|| {
			System::set_block_number(1);
			for who in [ALICE, BOB, CHARLIE, DAVE, CUSTOMER] {
				assert_ok!(Balances::mint_into(&who, ENDOWMENT));
			}
			test();
			assert_ok!(Workers::do_try_state());
		});
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let storage = frame_system::GenesisConfig::<Test>::default().build_storage();
	let mut ext = sp_io::TestExternalities::new(storage.expect("no pallet has a genesis"));
	ext.execute_with(|| System::set_block_number(1));
	ext
}

pub(crate) fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub(crate) fn operator_of(worker: AccountId) -> AccountId {
	worker + 100
}

pub(crate) fn advance_to(block: BlockNumber) {
	System::set_block_number(block);
}

pub(crate) fn version(index: u32) -> VersionId {
	VersionId { model: H256::repeat_byte(7), index }
}

/// Bonds a worker.
pub(crate) fn register(who: AccountId, bond: Balance) {
	assert_ok!(Workers::register(signed(who), bond, operator_of(who)));
}

/// Bonds a worker that serves version 0 for any pay above 10, in 20 blocks, two at a time.
pub(crate) fn register_server(who: AccountId, bond: Balance) {
	register(who, bond);
	serve(who, 0);
}

pub(crate) fn serve(who: AccountId, index: u32) {
	assert_ok!(Workers::serve(signed(who), version(index), 10, 20, 2));
}

/// Terms for version 0 that [`register_server`]'s workers take.
pub(crate) fn terms(collateral: Balance) -> LeaseTerms<BlockNumber> {
	LeaseTerms { version: version(0), pay: 10, length: 20, collateral, obliges_at_once: true }
}

/// The same for a blob: it obliges only after `accept`.
pub(crate) fn blob_terms(collateral: Balance) -> LeaseTerms<BlockNumber> {
	LeaseTerms { obliges_at_once: false, ..terms(collateral) }
}

pub(crate) fn lease(request: RequestId, who: AccountId, collateral: Balance) {
	assert_ok!(Workers::lease(request, &who, &terms(collateral)));
}

pub(crate) fn worker(who: AccountId) -> WorkerOf<Test> {
	pallet_workers::Workers::<Test>::get(who).expect("a worker")
}

pub(crate) fn service(who: AccountId, index: u32) -> Option<ServiceOf<Test>> {
	Services::<Test>::get(who, version(index))
}

pub(crate) fn servers(index: u32) -> Vec<AccountId> {
	Servers::<Test>::get(version(index)).into_inner()
}

pub(crate) fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::Bond.into(), &who)
}

pub(crate) fn free(who: AccountId) -> Balance {
	Balances::balance(&who)
}

pub(crate) fn issuance() -> Balance {
	Balances::total_issuance()
}
