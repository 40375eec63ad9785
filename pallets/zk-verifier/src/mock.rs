//! A world with three accounts and a price for every byte.

use crate as pallet_zk_verifier;
use crate::*;
use aimodel_primitives::{statement::STATEMENT_VERSION, KeyId};
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::{HoldConsideration, InspectHold},
		LinearStoragePrice,
	},
	BoundedVec,
};
use frame_system::EnsureRoot;
use sp_core::{ConstU32, ConstU64, H256};
use sp_runtime::{traits::Convert, BuildStorage, DispatchResult};

pub(crate) type AccountId = u64;
pub(crate) type Balance = u64;

pub(crate) const ALICE: AccountId = 1;
pub(crate) const BOB: AccountId = 2;
/// Has nothing but the existential deposit.
pub(crate) const PAUPER: AccountId = 3;

pub(crate) const ENDOWMENT: Balance = 1_000_000;
pub(crate) const MAX_PUBLIC_INPUTS: u32 = 16;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		ZkVerifier: pallet_zk_verifier,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
}

parameter_types! {
	pub const KeyDeposit: RuntimeHoldReason =
		RuntimeHoldReason::ZkVerifier(pallet_zk_verifier::HoldReason::KeyDeposit);
}

pub(crate) type Price = LinearStoragePrice<ConstU64<100>, ConstU64<10>, Balance>;

impl Config for Test {
	type Consideration = HoldConsideration<AccountId, Balances, KeyDeposit, Price>;
	type AttestOrigin = EnsureRoot<AccountId>;
	type MaxPublicInputs = ConstU32<MAX_PUBLIC_INPUTS>;
	type WeightInfo = ();
}

/// The world before a test.
pub(crate) struct TestExt;

impl TestExt {
	pub(crate) fn new() -> Self {
		Self
	}

	pub(crate) fn build(self) -> sp_io::TestExternalities {
		let balances = vec![(ALICE, ENDOWMENT), (BOB, ENDOWMENT), (PAUPER, 1)];
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
			..Default::default()
		};
		let mut ext = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	/// Runs a test, and then all invariants.
	pub(crate) fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			ZkVerifier::do_try_state().unwrap();
			deposits_are_held();
		})
	}
}

/// Each account holds exactly the deposits for its keys.
fn deposits_are_held() {
	for account in [ALICE, BOB, PAUPER] {
		let owed: Balance = Keys::<Test>::iter()
			.filter(|(_, record)| record.registrant == account)
			.map(|(_, record)| deposit(record.public_inputs))
			.sum();
		assert_eq!(held(account), owed);
	}
}

/// The deposit for a key with so many public inputs.
pub(crate) fn deposit(public_inputs: u32) -> Balance {
	Price::convert(footprint::<Test>(groth16::key_bytes(public_inputs) as usize))
}

pub(crate) fn held(account: AccountId) -> Balance {
	Balances::balance_on_hold(&KeyDeposit::get(), &account)
}

pub(crate) const ARTIFACT: Option<H256> = Some(H256::repeat_byte(0xaa));
pub(crate) const DIGEST: H256 = H256::repeat_byte(0xdd);

/// Registers these points for [`ARTIFACT`] and [`DIGEST`].
pub(crate) fn register(who: AccountId, points: &[u8]) -> DispatchResult {
	let points = BoundedVec::try_from(points.to_vec()).expect("fits into a call");
	ZkVerifier::register_key(
		RuntimeOrigin::signed(who),
		ARTIFACT,
		DIGEST,
		STATEMENT_VERSION,
		points,
	)
}

/// The name that [`register`] gives.
pub(crate) fn name(who: AccountId, points: &[u8]) -> KeyId {
	key_id(&who, &ARTIFACT, &DIGEST, STATEMENT_VERSION, points)
}

/// Registers these points, which are valid, and returns the key's name.
pub(crate) fn registered(who: AccountId, points: &[u8]) -> KeyId {
	register(who, points).unwrap();
	name(who, points)
}
