//! A world in words: accounts, a chain of three pallets, and what people do on it.

use crate::{self as pallet_aimodel, *};
use aimodel_primitives::{
	pricing::UnitsFormula,
	privacy::Privacy,
	runtime_api::{Circuit, RequestInfo},
	statement::{self, Scalar, STATEMENT_VERSION},
	tensor::{Dimension, ElementType, Interface, TensorType},
	KeyId, Payee,
};
use core::time::Duration;
use frame_support::{
	assert_ok, derive_impl, parameter_types,
	traits::{
		fungible::{HoldConsideration, Inspect, InspectHold},
		ConstU128, ConstU16, ConstU32, ConstU64, Hooks, LinearStoragePrice, UnixTime,
	},
	weights::{constants::RocksDbWeight, RuntimeDbWeight},
	PalletId,
};
use frame_system::{
	offchain::{AppCrypto, CreateSignedTransaction, CreateTransactionBase, SigningTypes},
	EnsureRoot,
};
use pallet_zk_verifier::simulator::SimulatedKey;
use sp_core::H256;
use sp_io::TestExternalities;
use sp_runtime::{
	testing::TestXt,
	traits::{IdentityLookup, Verify},
	AccountId32, BuildStorage, MultiSignature, Permill,
};

type Block = frame_system::mocking::MockBlock<Test>;
type Extrinsic = TestXt<RuntimeCall, ()>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		ZkVerifier: pallet_zk_verifier,
		Workers: pallet_workers,
		Aimodel: pallet_aimodel,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<Balance>;
	type DbWeight = DbCosts;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<10>;
}

parameter_types! {
	/// What a read and a write weigh.
	pub static DbCosts: RuntimeDbWeight = RocksDbWeight::get();
	pub const KeyDeposit: RuntimeHoldReason =
		RuntimeHoldReason::ZkVerifier(pallet_zk_verifier::HoldReason::KeyDeposit);
	pub const ModelDeposit: RuntimeHoldReason =
		RuntimeHoldReason::Aimodel(HoldReason::ModelDeposit);
	pub const CustomerDeposit: RuntimeHoldReason =
		RuntimeHoldReason::Aimodel(HoldReason::CustomerDeposit);
	pub const PotId: PalletId = PalletId(*b"aimodel/");
	pub const Compensation: Permill = Permill::from_percent(10);
	pub PlatformAccount: AccountId32 = PLATFORM;
	pub const MinPlatformShare: Permill = Permill::from_percent(10);
	pub const MaxPlatformShare: Permill = Permill::from_percent(50);
}

type Deposit<Reason> = HoldConsideration<
	AccountId32,
	Balances,
	Reason,
	LinearStoragePrice<ConstU128<1>, ConstU128<1>, Balance>,
>;

impl pallet_zk_verifier::Config for Test {
	type Consideration = Deposit<KeyDeposit>;
	type AttestOrigin = EnsureRoot<AccountId32>;
	type MaxPublicInputs = ConstU32<16>;
	type WeightInfo = pallet_zk_verifier::weights::SubstrateWeight<Test>;
}

impl pallet_workers::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MinBond = ConstU128<1_000>;
	type RetireDelay = ConstU64<10>;
	type AcceptWindow = ConstU64<2>;
	type MaxServices = ConstU32<8>;
	type MaxServers = ConstU32<8>;
	type MaxSlots = ConstU16<1_000>;
	type WeightInfo = pallet_workers::weights::SubstrateWeight<Test>;
}

impl SigningTypes for Test {
	type Public = <MultiSignature as Verify>::Signer;
	type Signature = MultiSignature;
}

impl<LocalCall> CreateTransactionBase<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	type RuntimeCall = RuntimeCall;
	type Extrinsic = Extrinsic;
}

impl<LocalCall> CreateSignedTransaction<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	fn create_signed_transaction<C: AppCrypto<Self::Public, Self::Signature>>(
		call: RuntimeCall,
		_public: Self::Public,
		_account: AccountId32,
		nonce: u32,
	) -> Option<Extrinsic> {
		Some(Extrinsic::new_signed(call, nonce.into(), (), ()))
	}
}

pub struct AcceptCall;
impl sp_runtime::traits::Convert<RequestId, RuntimeCall> for AcceptCall {
	fn convert(request: RequestId) -> RuntimeCall {
		pallet_workers::Call::accept { request }.into()
	}
}

/// Six seconds a block, the first at midnight.
pub struct Clock;
impl UnixTime for Clock {
	fn now() -> Duration {
		Duration::from_secs(6 * System::block_number())
	}
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Consideration = Deposit<ModelDeposit>;
	type CustomerDeposit = Deposit<CustomerDeposit>;
	type Time = Clock;
	type Verifier = ZkVerifier;
	type Workers = Workers;
	type OperatorCrypto = offchain::OperatorCrypto;
	type AcceptCall = AcceptCall;
	type GovernanceOrigin = EnsureRoot<AccountId32>;
	type PlatformAccount = PlatformAccount;
	type MinPlatformShare = MinPlatformShare;
	type MaxPlatformShare = MaxPlatformShare;
	type PalletId = PotId;
	type MaxInlineInput = ConstU32<256>;
	type MaxInlineOutput = ConstU32<256>;
	type MaxResults = ConstU32<8>;
	type MaxVersions = ConstU32<3>;
	type MaxAllowed = ConstU32<4>;
	type HistoryStep = ConstU32<3>;
	type ApprovalPeriod = ConstU32<10>;
	type MaxPrices = ConstU32<3>;
	type BillingPeriod = ConstU32<100>;
	type Month = ConstU32<30>;
	type Year = ConstU32<365>;
	type DemandWindow = ConstU32<10>;
	type EraLength = ConstU32<50>;
	type KeptEras = ConstU32<3>;
	type MaxWaiting = ConstU32<16>;
	type MaxCandidates = ConstU32<3>;
	type MaxLease = ConstU32<50>;
	type DeadlineMargin = ConstU32<2>;
	type MaxDeadline = ConstU32<200>;
	type Retention = ConstU32<20>;
	type MinCollateral = ConstU128<50>;
	type LapseCompensation = Compensation;
	type WeightInfo = weights::SubstrateWeight<Test>;
}

/// Pays for inferences.
pub(crate) const CUSTOMER: AccountId32 = AccountId32::new([1; 32]);
/// Owns the model.
pub(crate) const OWNER: AccountId32 = AccountId32::new([2; 32]);
/// Shares in its revenue.
pub(crate) const AUTHOR: AccountId32 = AccountId32::new([3; 32]);
/// Somebody else.
pub(crate) const STRANGER: AccountId32 = AccountId32::new([4; 32]);
/// Earns the platform's share.
pub(crate) const PLATFORM: AccountId32 = AccountId32::new([9; 32]);
/// Two bonded accounts.
pub(crate) const WORKER: AccountId32 = AccountId32::new([10; 32]);
pub(crate) const OTHER_WORKER: AccountId32 = AccountId32::new([11; 32]);

/// The operator key of a bonded account.
pub(crate) fn operator(worker: &AccountId32) -> AccountId32 {
	let mut bytes: [u8; 32] = worker.clone().into();
	bytes[31] = 0xff;
	bytes.into()
}

/// What everybody is endowed with.
pub(crate) const ENDOWMENT: Balance = 1_000_000;
pub(crate) const BOND: Balance = 100_000;
/// The price of one digit.
pub(crate) const PRICE: Balance = 1_001;
pub(crate) const LEASE: u32 = 5;
/// What a lease of one digit reserves.
pub(crate) const COLLATERAL: Balance = 50 + PRICE;

/// Runs a scenario, and every invariant after it.
pub(crate) fn new_world() -> TestExternalities {
	let accounts = [CUSTOMER, OWNER, AUTHOR, STRANGER, WORKER, OTHER_WORKER];
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig {
			balances: accounts.map(|who| (who, ENDOWMENT)).to_vec(),
			..Default::default()
		},
		aimodel: pallet_aimodel::GenesisConfig { accept_insecure_keys: true, ..Default::default() },
		..Default::default()
	};
	let mut world = TestExternalities::new(genesis.build_storage().unwrap());
	world.execute_with(|| System::set_block_number(1));
	world
}

pub(crate) fn run(scenario: impl FnOnce()) {
	new_world().execute_with(|| {
		scenario();
		check_invariants();
	});
}

pub(crate) fn check_invariants() {
	assert_ok!(Aimodel::do_try_state());
	assert_ok!(Workers::do_try_state());
	assert_ok!(ZkVerifier::do_try_state());
}

/// Advances block by block, with every hook, and checks the invariants of each.
pub(crate) fn advance_to(block: u64) {
	while System::block_number() < block {
		let now = System::block_number() + 1;
		System::set_block_number(now);
		System::set_parent_hash(H256::repeat_byte(now as u8));
		Aimodel::on_initialize(now);
		Aimodel::on_idle(now, Weight::MAX);
		check_invariants();
	}
}

pub(crate) fn next_block() {
	advance_to(System::block_number() + 1);
}

use frame_support::weights::Weight;

/// The artifact of the digits model.
pub(crate) const ARTIFACT: H256 = H256([7; 32]);

/// 64 bytes in, ten scores out: six public inputs.
pub(crate) fn digits_interface() -> Interface {
	Interface {
		input: TensorType::fixed(ElementType::U8, &[1, 64]).unwrap(),
		output: TensorType::fixed(ElementType::I32, &[1, 10]).unwrap(),
	}
}

pub(crate) fn digits_key() -> SimulatedKey {
	SimulatedKey::new(6, 1)
}

pub(crate) fn register_key(
	who: &AccountId32,
	artifact: impl Into<Option<H256>>,
	key: &SimulatedKey,
) -> KeyId {
	let points = key.points().try_into().unwrap();
	let origin = RuntimeOrigin::signed(who.clone());
	assert_ok!(ZkVerifier::register_key(
		origin,
		artifact.into(),
		H256::zero(),
		STATEMENT_VERSION,
		points
	));
	System::events()
		.into_iter()
		.rev()
		.find_map(|record| match record.event {
			RuntimeEvent::ZkVerifier(pallet_zk_verifier::Event::KeyRegistered { key, .. }) => {
				Some(key)
			},
			_ => None,
		})
		.unwrap()
}

/// The provable digits, under a key of this name.
pub(crate) fn digits(key: KeyId) -> Version {
	hidden_digits(key, Privacy::PUBLIC)
}

/// The provable digits, of which something may be committed.
pub(crate) fn hidden_digits(key: KeyId, privacy: Privacy) -> Version {
	Version {
		artifact: ARTIFACT,
		interface: digits_interface(),
		units: UnitsFormula { fixed: 2, ..Default::default() },
		lease: LEASE,
		circuit: Some(Circuit { key, proving_key: H256([8; 32]), privacy, parameters: None }),
	}
}

/// The provable digits with private parameters, to which this commits.
pub(crate) fn private_digits(key: KeyId, commitment: Scalar) -> Version {
	let mut version = digits(key);
	version.circuit.as_mut().unwrap().parameters = Some(commitment);
	version
}

/// A float model over up to four rows of two features, that says up to three words.
pub(crate) fn attested() -> Version {
	let float = |shape: &[Dimension]| TensorType {
		element: ElementType::F32,
		shape: shape.to_vec().try_into().unwrap(),
	};
	Version {
		artifact: H256([6; 32]),
		interface: Interface {
			input: float(&[Dimension::Batch { max: 4 }, Dimension::Fixed(2)]),
			output: float(&[Dimension::Batch { max: 4 }, Dimension::Dynamic { max: 3 }]),
		},
		units: UnitsFormula { fixed: 1, per_input_element: 1, per_output_element: 10 },
		lease: LEASE,
		circuit: None,
	}
}

pub(crate) fn flat() -> Tariff {
	Tariff::flat(PRICE - 2, 1)
}

/// Half to the worker, the rest to owner and author by odd shares.
pub(crate) fn split() -> RevenueSplit<AccountId32> {
	split_among(&[(Payee::Account(OWNER), 333_333), (Payee::Account(AUTHOR), 166_667)])
}

/// These parts of a million, and the rest to the worker.
pub(crate) fn split_among(shares: &[(Payee<AccountId32>, u32)]) -> RevenueSplit<AccountId32> {
	let worker = 1_000_000 - shares.iter().map(|(_, parts)| parts).sum::<u32>();
	let share = |(payee, parts): &(_, u32)| (Payee::clone(payee), Permill::from_parts(*parts));
	let beneficiaries: Vec<_> = shares.iter().map(share).collect();
	let worker = Permill::from_parts(worker);
	RevenueSplit { worker, beneficiaries: beneficiaries.try_into().unwrap() }
}

/// Deploys as the owner.
pub(crate) fn deploy(version: Version) -> (ModelId, OutPoint) {
	assert_ok!(Aimodel::deploy(RuntimeOrigin::signed(OWNER), version, flat(), split()));
	match last_event() {
		Event::Deployed { model, out_point, .. } => {
			System::inc_account_nonce(OWNER);
			(model, out_point)
		},
		other => panic!("expected a deployment, found {other:?}"),
	}
}

pub(crate) fn tip(model: ModelId) -> OutPoint {
	Tips::<Test>::get(model).unwrap()
}

/// A deployed digits model, with one worker that serves it.
pub(crate) fn deploy_served_digits() -> (ModelId, OutPoint) {
	let key = register_key(&OWNER, ARTIFACT, &digits_key());
	let (model, out_point) = deploy(digits(key));
	bond(&WORKER);
	serve(&WORKER, VersionId { model, index: 0 });
	(model, out_point)
}

/// A deployed float model, with one worker that serves it.
pub(crate) fn deploy_served_attested() -> (ModelId, OutPoint) {
	let (model, out_point) = deploy(attested());
	bond(&WORKER);
	serve(&WORKER, VersionId { model, index: 0 });
	(model, out_point)
}

pub(crate) fn bond(worker: &AccountId32) {
	let origin = RuntimeOrigin::signed(worker.clone());
	assert_ok!(Workers::register(origin, BOND, operator(worker)));
}

pub(crate) fn serve(worker: &AccountId32, version: VersionId) {
	let origin = RuntimeOrigin::signed(worker.clone());
	assert_ok!(Workers::serve(origin, version, 0, LEASE.into(), 100));
}

pub(crate) const PROVEN: Assurance = Assurance::Proven { weakest_origin: None };

pub(crate) fn image() -> Input<ConstU32<256>> {
	Input::Inline((0..64).collect::<Vec<u8>>().try_into().unwrap())
}

pub(crate) fn scores() -> Output<ConstU32<256>> {
	let bytes: Vec<u8> = (-5..5).flat_map(|score: i32| score.to_le_bytes()).collect();
	Output::Inline(bytes.try_into().unwrap())
}

/// So many zeros, as an input.
pub(crate) fn floats(count: usize) -> Input<ConstU32<256>> {
	Input::Inline(vec![0; 4 * count].try_into().unwrap())
}

/// So many zeros, as an answer.
pub(crate) fn words(count: usize) -> Output<ConstU32<256>> {
	Output::Inline(vec![0; 4 * count].try_into().unwrap())
}

/// Orders one digit, proven, for its price. Nobody has a lease of it yet.
pub(crate) fn request_digit(out_point: OutPoint) -> RequestId {
	request(out_point, PROVEN, image(), PRICE)
}

pub(crate) fn request(
	out_point: OutPoint,
	assurance: Assurance,
	input: Input<ConstU32<256>>,
	max_fee: Balance,
) -> RequestId {
	let origin = RuntimeOrigin::signed(CUSTOMER);
	assert_ok!(Aimodel::request(
		origin,
		out_point,
		assurance,
		input,
		max_fee,
		None,
		Default::default()
	));
	NextRequest::<Test>::get() - 1
}

/// A proof by `worker` that these are the scores of the image of a request.
pub(crate) fn proof(worker: &AccountId32, request: RequestId) -> ProofBytes {
	digits_key().prove(&statement_of(worker, request), 1).try_into().unwrap()
}

pub(crate) fn statement_of(worker: &AccountId32, request: RequestId) -> Vec<Scalar> {
	let (Input::Inline(input), Output::Inline(output)) = (image(), scores()) else {
		unreachable!("both are inline; qed")
	};
	let mut scalars = vec![Aimodel::binding(request, worker)];
	scalars.extend(statement::pack(ElementType::U8, &input).unwrap());
	scalars.extend(statement::pack(ElementType::I32, &output).unwrap());
	scalars
}

/// Answers a digit as the operator of `worker`.
pub(crate) fn answer(
	worker: &AccountId32,
	request: RequestId,
) -> frame_support::dispatch::DispatchResultWithPostInfo {
	let origin = RuntimeOrigin::signed(operator(worker));
	Aimodel::submit_result(origin, request, scores(), None, Some(proof(worker, request)))
}

pub(crate) fn answer_attested(
	worker: &AccountId32,
	request: RequestId,
	output: Output<ConstU32<256>>,
	units: Option<u64>,
) -> frame_support::dispatch::DispatchResultWithPostInfo {
	let origin = RuntimeOrigin::signed(operator(worker));
	Aimodel::submit_result(origin, request, output, units, None)
}

/// Who holds the lease of a request.
pub(crate) fn holder(request: RequestId) -> Option<AccountId32> {
	pallet_workers::Leases::<Test>::get(request).map(|lease| lease.worker)
}

pub(crate) fn deadline(request: RequestId) -> u64 {
	match Aimodel::request_info(request) {
		Some(RequestInfo::Open { deadline, .. }) => deadline,
		other => panic!("expected an open request, found {other:?}"),
	}
}

/// The outcome of a call without what it weighed.
pub(crate) trait Plain {
	fn plain(self) -> sp_runtime::DispatchResult;
}

impl Plain for frame_support::dispatch::DispatchResultWithPostInfo {
	fn plain(self) -> sp_runtime::DispatchResult {
		self.map(|_| ()).map_err(|refused| refused.error)
	}
}

/// What an account has free, the deposits of its records included, which it gets back.
pub(crate) fn free(who: &AccountId32) -> Balance {
	<Balances as Inspect<_>>::balance(who) + customer_deposit(who)
}

pub(crate) fn customer_deposit(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&HoldReason::CustomerDeposit.into(), who)
}

pub(crate) fn held(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&HoldReason::Escrow.into(), who)
}

pub(crate) fn deposit(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&HoldReason::ModelDeposit.into(), who)
}

pub(crate) fn bonded(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&pallet_workers::HoldReason::Bond.into(), who)
}

pub(crate) fn earned(who: &AccountId32) -> Balance {
	Earnings::<Test>::get(who)
}

pub(crate) fn issuance() -> Balance {
	<Balances as Inspect<AccountId32>>::total_issuance()
}

/// The pallet's events, the latest last.
pub(crate) fn events() -> Vec<Event<Test>> {
	let ours = |record: frame_system::EventRecord<RuntimeEvent, _>| match record.event {
		RuntimeEvent::Aimodel(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(ours).collect()
}

pub(crate) fn last_event() -> Event<Test> {
	events().pop().expect("an event was deposited")
}
