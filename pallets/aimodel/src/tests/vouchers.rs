//! Calls at gateways: what vouchers bring workers, and that nobody has anything by them that a customer
//! did not sign for and pay.

use super::{
	plans::{by, credited, jump_to, set_plans},
	world::*,
};
use crate::*;
use aimodel_primitives::{
	access::{Access, Policy},
	pricing::{Bracket, Offer, Standing},
	runtime_api::CallRefusal,
	voucher::{Claim, Voucher, MAX_CLAIMS, MAX_SETTLERS},
};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{GetDispatchInfo, Pays},
	storage::with_storage_layer,
	traits::fungible::InspectHold,
};
use sp_core::{sr25519, Pair, H256};
use sp_runtime::{AccountId32, BoundedVec, DispatchError, DispatchResult, Permill};

/// 2,000 for 40 blocks and three calls.
const STANDARD: Plan =
	Plan { period: 40, price: 2_000, quota: Some(3), grace: 10, service: None, limits: None };
/// Of which 5,000 are left where nothing is drawn, and which has no quota.
const PROFESSIONAL: Plan = Plan { price: 5_000, quota: None, ..STANDARD };
const FREE: Plan = Plan { price: 0, quota: None, ..STANDARD };

const BY_STANDARD: u32 = 0;
const BY_PROFESSIONAL: u32 = 1;
const FOR_FREE: u32 = 2;

/// What the worker of a digit gets, and what is drawn for it, the platform's 30 % in it.
const DRAW: Draw = Draw { pay: 350, gross: 500 };

/// Somebody with an sr25519 key.
fn key(seed: u8) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[seed; 32])
}

fn account(key: &sr25519::Pair) -> AccountId32 {
	key.public().0.into()
}

fn sold(model: ModelId) {
	let offers =
		[(STANDARD, Tier::Standard), (PROFESSIONAL, Tier::Professional), (FREE, Tier::Standard)];
	let offers = offers.map(|(plan, tier)| Offer { plan, tier, to: None });
	set_plans(model, offers.to_vec());
}

/// A served digits model with plans.
fn digits_by_plan() -> ModelId {
	let (model, _) = deploy_served_digits();
	sold(model);
	model
}

/// Somebody who has subscribed to a plan, with funds for another.
fn subscriber(seed: u8, model: ModelId, plan: u32) -> sr25519::Pair {
	let key = key(seed);
	assert_ok!(Balances::transfer_allow_death(by(&STRANGER), account(&key), 20_000));
	assert_ok!(Aimodel::subscribe(by(&account(&key)), tip(model), plan));
	key
}

fn term(who: &sr25519::Pair, model: ModelId) -> u64 {
	Aimodel::subscription(&account(who), &model).unwrap().term
}

/// The voucher that a subscriber gives for its current period.
fn voucher(who: &sr25519::Pair, model: ModelId, worker: &AccountId32, calls: u64) -> Voucher {
	let (genesis, worker) = (System::block_hash(0), worker.clone().into());
	Voucher { genesis, model, worker, term: term(who, model), calls }
}

fn signed(who: &sr25519::Pair, voucher: &Voucher) -> Claim<AccountId32> {
	let signature = who.sign(&voucher.message());
	let Voucher { model, calls, .. } = *voucher;
	Claim { account: account(who), model, signed: calls, signature, calls }
}

/// A claim of the worker for what it answered, all of which was signed for.
fn claim(who: &sr25519::Pair, model: ModelId, calls: u64) -> Claim<AccountId32> {
	signed(who, &voucher(who, model, &WORKER, calls))
}

fn settle_as(worker: &AccountId32, claims: Vec<Claim<AccountId32>>) -> DispatchResult {
	with_storage_layer(|| {
		Aimodel::settle_calls(by(&operator(worker)), claims.try_into().unwrap()).plain()
	})
}

fn settle(claims: Vec<Claim<AccountId32>>) -> DispatchResult {
	settle_as(&WORKER, claims)
}

/// Calls used, what is left of the price, and the standing.
fn state(who: &sr25519::Pair, model: ModelId) -> (u64, Balance, Standing) {
	let info = Aimodel::subscription(&account(who), &model).unwrap();
	(info.subscription.used, info.escrow, info.standing)
}

fn plan_held(who: &sr25519::Pair) -> Balance {
	Balances::balance_on_hold(&HoldReason::Plan.into(), &account(who))
}

fn told(who: &sr25519::Pair, model: ModelId, calls: u64, rest: u64) -> Event<Test> {
	let draw = Draw { pay: DRAW.pay * u128::from(calls), gross: DRAW.gross * u128::from(calls) };
	Event::CallsSettled { worker: WORKER, account: account(who), model, calls, rest, draw }
}

fn refusals() -> Vec<(AccountId32, DispatchError)> {
	let refused = |event| match event {
		Event::ClaimRefused { account, reason, .. } => Some((account, reason)),
		_ => None,
	};
	events().into_iter().filter_map(refused).collect()
}

// --- What is settled --------------------------------------------------------------------------------

#[test]
fn calls_at_a_gateway_are_paid_as_requests_by_plan() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let (who, total) = (account(&customer), issuance());
		assert_eq!(Aimodel::call_draw(&who, &model), Some(DRAW.gross));
		assert_ok!(settle(vec![claim(&customer, model, 2)]));
		assert_eq!(last_event(), told(&customer, model, 2, 0));
		assert_eq!(state(&customer, model), (2, 1_000, Standing::Active));
		assert_eq!((plan_held(&customer), credited()), (1_000, [300, 700, 0, 0]));
		let income = Aimodel::income(&model).unwrap();
		assert_eq!((income.platform.current, income.workers.current), (300, 700));
		// Said by customer and worker alone, so they stand apart.
		let bill = Aimodel::bill(&who, &model).unwrap().ledger.current;
		assert_eq!((bill.vouched, bill.covered, bill.calls, bill.units), (2, 0, 0, 0));
		assert_eq!(Aimodel::revenue(&model).unwrap().ledger.current.vouched, 2);
		// What is left is divided at the period's end, as ever.
		jump_to(51);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), who.clone(), model));
		assert_eq!(credited().iter().sum::<Balance>(), 2_000);
		assert_eq!((plan_held(&customer), free(&who), issuance()), (0, 18_000, total));
	});
}

#[test]
fn a_later_voucher_takes_the_place_of_the_ones_before() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		for calls in [1, 2, 5] {
			assert_ok!(settle(vec![claim(&customer, model, calls)]));
		}
		assert_eq!((state(&customer, model).0, earned(&WORKER)), (5, 5 * DRAW.pay));
		let info = Aimodel::voucher_of(&account(&customer), &model, &WORKER).unwrap();
		assert_eq!((info.term, info.settled, info.room), (term(&customer, model), 5, 5));
	});
}

#[test]
fn less_can_be_claimed_than_was_signed_for() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let generous = claim(&customer, model, 100);
		assert_ok!(settle(vec![Claim { calls: 1, ..generous.clone() }]));
		assert_eq!(last_event(), told(&customer, model, 1, 0));
		assert_ok!(settle(vec![Claim { calls: 2, ..generous }]));
		assert_eq!(state(&customer, model).0, 2);
	});
}

#[test]
fn a_wallet_may_sign_between_its_marks() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let message = voucher(&customer, model, &WORKER, 1).message();
		let signature = customer.sign(&[b"<Bytes>", &message[..], b"</Bytes>"].concat());
		assert_ok!(settle(vec![Claim { signature, ..claim(&customer, model, 1) }]));
	});
}

#[test]
fn many_customers_are_settled_at_once_and_a_bad_claim_stops_no_other() {
	run(|| {
		let model = digits_by_plan();
		let customers: Vec<_> = (1..=5).map(|seed| subscriber(seed, model, BY_STANDARD)).collect();
		let mut claims: Vec<_> = customers.iter().map(|who| claim(who, model, 1)).collect();
		claims[0].signed += 1;
		// It makes its own voucher void, and no other.
		assert_ok!(Aimodel::change_plan(by(&account(&customers[2])), tip(model), BY_PROFESSIONAL));
		let stranger = claim(&customers[4], model, 1);
		claims[4] = Claim { account: STRANGER, ..stranger };
		assert_ok!(settle(claims));
		let reasons = [
			(account(&customers[0]), Error::<Test>::VoucherVoid.into()),
			(account(&customers[2]), Error::<Test>::VoucherVoid.into()),
			(STRANGER, Error::<Test>::NotSubscribed.into()),
		];
		assert_eq!(refusals(), reasons);
		let used: Vec<_> = customers.iter().map(|who| state(who, model).0).collect();
		assert_eq!((used, earned(&WORKER)), (vec![0, 1, 0, 1, 0], 2 * DRAW.pay));
	});
}

#[test]
fn a_batch_in_which_no_claim_holds_fails_for_the_first_reason() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let good = claim(&customer, model, 1);
		let bad = Claim { signed: 2, ..good.clone() };
		let none = Claim { calls: 0, ..good.clone() };
		let both = vec![bad.clone(), none.clone()];
		assert_noop!(settle(both), Error::<Test>::VoucherVoid);
		assert_noop!(settle(vec![none, bad]), Error::<Test>::NothingToSettle);
		assert_noop!(settle(vec![]), Error::<Test>::NoClaims);
		let closed = Claim { model: ModelId::repeat_byte(9), ..good.clone() };
		assert_noop!(settle(vec![closed]), Error::<Test>::NotSubscribed);
		// Only the operator key of a worker claims, and for that worker.
		let claims = || BoundedVec::truncate_from(vec![good.clone()]);
		for other in [&WORKER, &STRANGER, &account(&customer)] {
			let refused = Aimodel::settle_calls(by(other), claims()).plain();
			assert_noop!(refused, Error::<Test>::NotOperator);
		}
	});
}

#[test]
fn claims_are_paid_for_by_their_number_and_weigh_no_more_than_they_declare() {
	run(|| {
		let model = digits_by_plan();
		let customers: Vec<_> = (1..=3).map(|seed| subscriber(seed, model, BY_STANDARD)).collect();
		let call = |count: usize| Call::<Test>::settle_calls {
			claims: BoundedVec::truncate_from(
				customers[..count].iter().map(|who| claim(who, model, 1)).collect(),
			),
		};
		let declared = |count| RuntimeCall::from(call(count)).get_dispatch_info().call_weight;
		assert!(declared(2).all_lt(declared(3)));
		let Call::settle_calls { claims } = call(3) else { unreachable!("it is that call; qed") };
		let info = Aimodel::settle_calls(by(&operator(&WORKER)), claims).unwrap();
		assert_eq!(info.pays_fee, Pays::Yes);
		let actual = info.actual_weight.unwrap();
		let least = <Test as Config>::WeightInfo::settle_calls(3);
		assert!(actual.all_gte(least) && actual.all_lte(declared(3)), "{actual}");
		// As many as there can be leave room in a block of the runtime: 1.3 s of the normal class.
		let most = Aimodel::settle_calls_weight(MAX_CLAIMS);
		assert!(most.ref_time() < 1_200_000_000_000, "{most}");
	});
}

// --- What a call costs ------------------------------------------------------------------------------

#[test]
fn a_call_is_priced_as_the_largest_request_by_the_tariff_of_now() {
	run(|| {
		let (model, _) = deploy_served_attested();
		sold(model);
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		let who = account(&customer);
		// Four rows of two features, each with three words.
		let order = || {
			let (plan, input) = (by(&CUSTOMER), floats(8));
			assert_ok!(Aimodel::request_by_plan(
				plan,
				tip(model),
				Assurance::Attested,
				input,
				None
			));
			let request = NextRequest::<Test>::get() - 1;
			Requests::<Test>::get(request).unwrap().cover.unwrap().draw
		};
		assert_ok!(Aimodel::subscribe(by(&CUSTOMER), tip(model), BY_PROFESSIONAL));
		let draw = order();
		assert_eq!(Aimodel::call_draw(&who, &model), Some(draw.gross));
		assert_ok!(settle(vec![claim(&customer, model, 2)]));
		assert_eq!(earned(&WORKER), 2 * draw.pay);
		// Twice as dear from now on, for calls that were made before too.
		let discount = Permill::from_percent(10);
		let batch = BoundedVec::truncate_from(vec![Bracket { from: 4, discount }]);
		let dearer = Tariff { batch, ..Tariff::flat(2 * PRICE, 1) };
		assert_ok!(Aimodel::reprice(by(&OWNER), tip(model), dearer));
		let dear = order();
		assert!(dear.gross > draw.gross);
		assert_eq!(Aimodel::call_draw(&who, &model), Some(dear.gross));
		assert_ok!(settle(vec![claim(&customer, model, 3)]));
		assert_eq!(earned(&WORKER), 2 * draw.pay + dear.pay);
	});
}

#[test]
fn calls_that_cost_nothing_use_the_quota_alone() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		assert_ok!(Aimodel::reprice(by(&OWNER), tip(model), Tariff::flat(0, 0)));
		assert_ok!(settle(vec![claim(&customer, model, 2)]));
		assert_eq!(state(&customer, model), (2, 2_000, Standing::Active));
		assert_eq!((credited(), plan_held(&customer)), ([0; 4], 2_000));
		assert_eq!(Aimodel::voucher_of(&account(&customer), &model, &WORKER).unwrap().room, 1);
	});
}

#[test]
fn without_quota_and_price_calls_are_counted_up_to_the_last_number() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, FOR_FREE);
		assert_ok!(Aimodel::reprice(by(&OWNER), tip(model), Tariff::flat(0, 0)));
		assert_ok!(settle(vec![claim(&customer, model, u64::MAX - 1)]));
		bond(&OTHER_WORKER);
		let other = signed(&customer, &voucher(&customer, model, &OTHER_WORKER, u64::MAX));
		assert_ok!(settle_as(&OTHER_WORKER, vec![other.clone()]));
		assert_eq!(state(&customer, model).0, u64::MAX);
		check_invariants();
		assert_noop!(settle_as(&OTHER_WORKER, vec![other]), Error::<Test>::QuotaExhausted);
		// Nor can a request be counted, which would be given back if it is not answered.
		let who = by(&account(&customer));
		let request = Aimodel::request_by_plan(who, tip(model), PROVEN, image(), None);
		assert_noop!(request.plain(), Error::<Test>::QuotaExhausted);
	});
}

#[test]
fn a_price_that_does_not_fit_settles_nothing() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let dear = Tariff::flat(i128::MAX as Balance, 1);
		assert_ok!(Aimodel::reprice(by(&OWNER), tip(model), dear));
		assert_eq!(Aimodel::call_draw(&account(&customer), &model), None);
		let claims = vec![claim(&customer, model, 1)];
		assert_noop!(settle(claims.clone()), Error::<Test>::PriceOverflow);
		// As much as fits is more than any period's price.
		assert_ok!(Aimodel::reprice(by(&OWNER), tip(model), Tariff::flat(1 << 120, 0)));
		assert_noop!(settle(claims), Error::<Test>::EscrowExhausted);
	});
}

// --- Attempts to have more --------------------------------------------------------------------------

#[test]
fn a_voucher_is_paid_once() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		let (two, five) = (claim(&customer, model, 2), claim(&customer, model, 5));
		assert_ok!(settle(vec![two.clone()]));
		assert_noop!(settle(vec![two.clone()]), Error::<Test>::NothingToSettle);
		// Twice in a batch, and with the one before.
		assert_ok!(settle(vec![five.clone(), two.clone(), five.clone()]));
		let again = (account(&customer), Error::<Test>::NothingToSettle.into());
		assert_eq!(refusals(), [again.clone(), again]);
		assert_eq!((state(&customer, model).0, earned(&WORKER)), (5, 5 * DRAW.pay));
		assert_noop!(settle(vec![two, five]), Error::<Test>::NothingToSettle);
	});
}

#[test]
fn growing_claims_of_one_voucher_in_a_batch_are_paid_once() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		let five = claim(&customer, model, 5);
		let claims = (1..=5).map(|calls| Claim { calls, ..five.clone() }).collect();
		assert_ok!(settle(claims));
		assert_eq!((state(&customer, model).0, earned(&WORKER)), (5, 5 * DRAW.pay));
	});
}

#[test]
fn a_voucher_of_another_worker_model_chain_or_customer_is_void() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let (other, _) = deploy(attested());
		sold(other);
		assert_ok!(Aimodel::subscribe(by(&account(&customer)), tip(other), BY_STANDARD));
		bond(&OTHER_WORKER);
		let good = voucher(&customer, model, &WORKER, 1);
		let void = |claim: Claim<_>| {
			assert_noop!(settle(vec![claim]), Error::<Test>::VoucherVoid);
		};
		void(signed(&customer, &Voucher { worker: OTHER_WORKER.into(), ..good }));
		void(signed(&customer, &Voucher { worker: operator(&WORKER).into(), ..good }));
		void(signed(&customer, &Voucher { genesis: H256::zero(), ..good }));
		void(signed(&customer, &Voucher { term: good.term + 1, ..good }));
		void(Claim { model: other, ..signed(&customer, &good) });
		void(Claim { account: account(&customer), ..signed(&key(2), &good) });
		assert_ok!(Aimodel::subscribe(by(&CUSTOMER), tip(model), BY_STANDARD));
		void(Claim { account: CUSTOMER, ..signed(&customer, &good) });
		assert_noop!(
			settle_as(&OTHER_WORKER, vec![signed(&customer, &good)]),
			Error::<Test>::VoucherVoid
		);
		assert_ok!(settle(vec![signed(&customer, &good)]));
	});
}

#[test]
fn no_more_is_claimed_than_was_signed_for() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let one = claim(&customer, model, 1);
		assert_noop!(
			settle(vec![Claim { calls: 2, ..one.clone() }]),
			Error::<Test>::MoreThanSigned
		);
		let more = Claim { signed: 2, calls: 2, ..one };
		assert_noop!(settle(vec![more]), Error::<Test>::VoucherVoid);
	});
}

#[test]
fn a_voucher_of_a_past_period_is_void() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		let late = claim(&customer, model, 3);
		assert_ok!(settle(vec![claim(&customer, model, 1)]));
		jump_to(41);
		assert_ok!(Aimodel::renew(by(&STRANGER), account(&customer), model));
		assert_noop!(settle(vec![late]), Error::<Test>::VoucherVoid);
		// What was settled counts no more either: the new period begins at nothing.
		assert_ok!(settle(vec![claim(&customer, model, 1)]));
		assert_eq!(state(&customer, model), (1, 4_500, Standing::Active));
	});
}

#[test]
fn a_period_that_is_over_can_be_claimed_from_until_it_is_divided() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let who = account(&customer);
		let claims: Vec<_> = (1..=3).map(|calls| claim(&customer, model, calls)).collect();
		jump_to(40);
		assert_ok!(settle(vec![claims[0].clone()]));
		jump_to(41);
		assert_eq!(state(&customer, model), (1, 1_500, Standing::Grace));
		assert_ok!(settle(vec![claims[1].clone()]));
		jump_to(51);
		assert_eq!(state(&customer, model), (2, 1_000, Standing::Ended));
		assert_ok!(settle(vec![claims[2].clone()]));
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), who.clone(), model));
		assert_noop!(settle(vec![claims[2].clone()]), Error::<Test>::NotSubscribed);
		// 500 were left for the owner's side, the platform's 30 % in it.
		assert_eq!((earned(&WORKER), earned(&OWNER) + earned(&AUTHOR)), (3 * DRAW.pay, 350));
		// Nor is it paid by another subscription.
		assert_ok!(Aimodel::subscribe(by(&who), tip(model), BY_STANDARD));
		assert_noop!(settle(vec![claims[2].clone()]), Error::<Test>::VoucherVoid);
	});
}

#[test]
fn an_upgrade_before_settlement_is_the_risk_of_the_worker() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let who = account(&customer);
		assert_ok!(settle(vec![claim(&customer, model, 1)]));
		let late = claim(&customer, model, 3);
		jump_to(2);
		// 2 of 3 calls, and 39 of 40 blocks, are left; and of the price 1,500.
		assert_ok!(Aimodel::change_plan(by(&who), tip(model), BY_PROFESSIONAL));
		let Event::PlanChanged { credit, charge, .. } = last_event() else { panic!("it changed") };
		assert_eq!((credit, charge), (1_333, 3_667));
		assert_noop!(settle(vec![late]), Error::<Test>::VoucherVoid);
		assert_eq!((state(&customer, model).0, plan_held(&customer)), (0, 5_000));
		// Settled first, they are no credit.
		let customer = subscriber(2, model, BY_STANDARD);
		assert_ok!(settle(vec![claim(&customer, model, 3)]));
		assert_ok!(Aimodel::change_plan(by(&account(&customer)), tip(model), BY_PROFESSIONAL));
		assert!(matches!(last_event(), Event::PlanChanged { credit: 0, .. }));
	});
}

#[test]
fn a_downgrade_and_a_cancellation_leave_the_period_to_its_vouchers() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		let who = account(&customer);
		let early = claim(&customer, model, 2);
		assert_ok!(settle(vec![claim(&customer, model, 1)]));
		assert_ok!(Aimodel::change_plan(by(&who), tip(model), BY_STANDARD));
		assert_ok!(settle(vec![early]));
		assert_ok!(Aimodel::cancel_subscription(by(&who), model));
		assert_ok!(settle(vec![claim(&customer, model, 3)]));
		assert_eq!((state(&customer, model).0, earned(&WORKER)), (3, 3 * DRAW.pay));
	});
}

#[test]
fn two_workers_race_for_one_escrow_and_get_no_more_than_there_is() {
	run(|| {
		let model = digits_by_plan();
		bond(&OTHER_WORKER);
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		// Ten calls are paid, and each was signed seven.
		let other = |calls| signed(&customer, &voucher(&customer, model, &OTHER_WORKER, calls));
		assert_ok!(settle(vec![claim(&customer, model, 7)]));
		assert_ok!(settle_as(&OTHER_WORKER, vec![other(7)]));
		let draw = Draw { pay: 3 * DRAW.pay, gross: 3 * DRAW.gross };
		let (worker, account) = (OTHER_WORKER, account(&customer));
		let told = Event::CallsSettled { worker, account, model, calls: 3, rest: 4, draw };
		assert_eq!(last_event(), told);
		assert_eq!(state(&customer, model), (10, 0, Standing::Active));
		assert_eq!((plan_held(&customer), earned(&PLATFORM)), (0, 1_500));
		assert_noop!(settle_as(&OTHER_WORKER, vec![other(7)]), Error::<Test>::EscrowExhausted);
		assert_noop!(settle(vec![claim(&customer, model, 8)]), Error::<Test>::EscrowExhausted);
	});
}

#[test]
fn the_quota_is_kept_to_the_call_and_shared_with_requests() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let who = account(&customer);
		let order =
			|| Aimodel::request_by_plan(by(&who), tip(model), PROVEN, image(), None).plain();
		assert_ok!(order());
		assert_ok!(settle(vec![claim(&customer, model, 4)]));
		assert_eq!(last_event(), told(&customer, model, 2, 2));
		assert_noop!(settle(vec![claim(&customer, model, 4)]), Error::<Test>::QuotaExhausted);
		assert_noop!(order(), Error::<Test>::QuotaExhausted);
		// A call that comes back can be claimed.
		assert_ok!(Aimodel::cancel(by(&who), NextRequest::<Test>::get() - 1));
		assert_ok!(settle(vec![claim(&customer, model, 4)]));
		assert_eq!(last_event(), told(&customer, model, 1, 1));
		assert_eq!(state(&customer, model), (3, 500, Standing::Active));
	});
}

#[test]
fn what_a_request_has_reserved_is_not_drawn_by_vouchers() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		let who = account(&customer);
		assert_ok!(Aimodel::request_by_plan(by(&who), tip(model), PROVEN, image(), None));
		assert_ok!(settle(vec![claim(&customer, model, 20)]));
		assert_eq!(last_event(), told(&customer, model, 9, 11));
		assert_eq!((state(&customer, model).1, plan_held(&customer)), (0, DRAW.gross));
		let request = NextRequest::<Test>::get() - 1;
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_eq!((earned(&WORKER), plan_held(&customer)), (10 * DRAW.pay, 0));
	});
}

#[test]
fn the_owners_pot_is_not_touched() {
	run(|| {
		let model = digits_by_plan();
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 9_000));
		let customer = subscriber(1, model, FOR_FREE);
		assert_noop!(settle(vec![claim(&customer, model, 1)]), Error::<Test>::EscrowExhausted);
		let other = subscriber(2, model, BY_STANDARD);
		let dearer = Tariff::flat(3 * PRICE - 2, 1);
		assert_ok!(Aimodel::reprice(by(&OWNER), tip(model), dearer));
		assert_ok!(settle(vec![claim(&other, model, 3)]));
		assert!(matches!(last_event(), Event::CallsSettled { calls: 1, rest: 2, .. }));
		let pot = Aimodel::pot_of(&model, &OWNER).unwrap();
		assert_eq!((pot.free, pot.reserved), (9_000, 0));
	});
}

#[test]
fn who_is_customer_and_worker_loses_the_platforms_share_and_gains_nothing() {
	run(|| {
		let model = digits_by_plan();
		let customer = key(1);
		let who = account(&customer);
		assert_ok!(Balances::transfer_allow_death(by(&STRANGER), who.clone(), 200_000));
		bond(&who);
		assert_ok!(Aimodel::subscribe(by(&who), tip(model), BY_PROFESSIONAL));
		let before = free(&who) + plan_held(&customer);
		let own = signed(&customer, &voucher(&customer, model, &who, 1_000));
		assert_ok!(settle_as(&who, vec![own]));
		assert_eq!(
			(earned(&who), earned(&PLATFORM)),
			(10 * DRAW.pay, 10 * (DRAW.gross - DRAW.pay))
		);
		let after = free(&who) + plan_held(&customer) + earned(&who);
		assert_eq!(after, before - 1_500, "30 % of what it paid for the period are gone");
		// With a quota, the owner's side keeps what the quota does not let be drawn.
		assert_ok!(Aimodel::subscribe(by(&CUSTOMER), tip(model), BY_STANDARD));
		let merits = Merits::<Test>::get(model);
		assert!(merits.is_empty(), "no answer was proven");
	});
}

#[test]
fn a_ninth_worker_is_refused_in_a_period() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_PROFESSIONAL);
		let who = account(&customer);
		for seed in 100..100 + MAX_SETTLERS as u8 {
			let worker = AccountId32::new([seed; 32]);
			let funds = 2 * BOND;
			assert_ok!(Balances::transfer_allow_death(
				by(&[OWNER, AUTHOR][usize::from(seed % 2)]),
				worker.clone(),
				funds
			));
			bond(&worker);
			let own = signed(&customer, &voucher(&customer, model, &worker, 1));
			assert_ok!(settle_as(&worker, vec![own]));
		}
		assert_noop!(settle(vec![claim(&customer, model, 1)]), Error::<Test>::TooManySettlers);
		assert_eq!(Aimodel::voucher_of(&who, &model, &WORKER).unwrap().room, 0);
		// One of the eight goes on.
		let worker = AccountId32::new([100; 32]);
		assert_eq!(Aimodel::voucher_of(&who, &model, &worker).unwrap().room, 2);
		let own = signed(&customer, &voucher(&customer, model, &worker, 2));
		assert_ok!(settle_as(&worker, vec![own]));
		// The next period has room for all.
		jump_to(41);
		assert_ok!(Aimodel::renew(by(&STRANGER), who, model));
		assert_ok!(settle(vec![claim(&customer, model, 1)]));
	});
}

// --- Whom a worker is not to answer -----------------------------------------------------------------

#[test]
fn a_worker_is_told_where_the_chain_would_give_it_no_request() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let who = account(&customer);
		let refusal = |worker| Aimodel::voucher_of(&who, &model, worker).unwrap().refusal;
		let offer = |least_pay| {
			let version = VersionId { model, index: 0 };
			assert_ok!(Workers::serve(by(&WORKER), version, least_pay, LEASE.into(), 100));
		};
		let open_to = |access| {
			assert_ok!(Aimodel::set_access(by(&OWNER), tip(model), access));
		};
		assert_eq!(refusal(&WORKER), None);
		bond(&OTHER_WORKER);
		assert_eq!(refusal(&OTHER_WORKER), Some(CallRefusal::NotServed));
		offer(DRAW.pay + 1);
		assert_eq!(refusal(&WORKER), Some(CallRefusal::PayTooLow));
		offer(DRAW.pay);
		assert_eq!(refusal(&WORKER), None);
		open_to(Access { paused: true, ..Access::default() });
		assert_eq!(refusal(&WORKER), Some(CallRefusal::Paused));
		open_to(Access { policy: Policy::AllowList, ..Access::default() });
		assert_eq!(refusal(&WORKER), Some(CallRefusal::NotAllowed));
		open_to(Access { policy: Policy::Tier(Tier::Professional), ..Access::default() });
		assert_eq!(refusal(&WORKER), Some(CallRefusal::NotAllowed));
		open_to(Access { policy: Policy::Tier(Tier::Standard), ..Access::default() });
		assert_eq!(refusal(&WORKER), None);
		// It stays as long as a request is open, and what was answered is settled.
		let request = Aimodel::request_by_plan(by(&who), tip(model), PROVEN, image(), None);
		assert_ok!(request.plain());
		assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
		assert_eq!(refusal(&WORKER), Some(CallRefusal::Retired));
		assert_ok!(settle(vec![claim(&customer, model, 1)]));
	});
}

// --- Models that go ---------------------------------------------------------------------------------

#[test]
fn a_retired_model_pays_until_it_is_closed_and_its_subscriber_has_the_rest() {
	run(|| {
		let model = digits_by_plan();
		let customer = subscriber(1, model, BY_STANDARD);
		let who = account(&customer);
		// It stays as long as a request is open.
		request_digit(tip(model));
		let request = NextRequest::<Test>::get() - 1;
		assert_ok!(Aimodel::retire(by(&OWNER), tip(model)));
		assert_ok!(settle(vec![claim(&customer, model, 2)]));
		let late = claim(&customer, model, 3);
		next_block();
		assert_ok!(answer(&WORKER, request));
		advance_to(System::block_number() + 3);
		assert_eq!(Aimodel::model(model), None);
		assert_noop!(settle(vec![late]), Error::<Test>::UnknownModel);
		assert_eq!(Aimodel::voucher_of(&who, &model, &WORKER).unwrap().room, 0);
		// A third of its calls is left.
		let before = free(&who);
		assert_ok!(Aimodel::close_subscription(by(&STRANGER), who.clone(), model));
		assert_eq!(free(&who) - before, 666);
		assert_eq!(plan_held(&customer), 0);
	});
}

#[test]
fn what_the_platform_has_of_vouchers_feeds_the_incentives_without_merit() {
	run(|| {
		let model = digits_by_plan();
		assert_ok!(Aimodel::set_incentive_share(
			frame_system::RawOrigin::Root.into(),
			Permill::from_percent(10)
		));
		let customer = subscriber(1, model, BY_STANDARD);
		assert_ok!(settle(vec![claim(&customer, model, 2)]));
		assert_eq!(Aimodel::incentives().eras.last().map(|era| era.fund), Some(30));
		assert_eq!((earned(&PLATFORM), Aimodel::rewards(&model).len()), (270, 0));
	});
}

#[test]
fn a_bill_that_was_pruned_is_not_begun_again_by_vouchers() {
	run(|| {
		let model = digits_by_plan();
		let long = Plan { period: 365, grace: 0, ..PROFESSIONAL };
		set_plans(model, vec![Offer { plan: long, tier: Tier::Standard, to: None }]);
		let customer = subscriber(1, model, 0);
		let who = account(&customer);
		jump_to(300);
		assert_eq!(Aimodel::bill(&who, &model), None);
		assert_ok!(settle(vec![claim(&customer, model, 1)]));
		assert_eq!((Aimodel::bill(&who, &model), state(&customer, model).0), (None, 1));
		assert_eq!(Aimodel::revenue(&model).unwrap().ledger.current.vouched, 1);
	});
}
