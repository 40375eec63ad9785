//! Who earns what of a price, and how it is paid out.

use super::world::*;
use crate::*;
use aimodel_primitives::{income::Sums, Payee};
use frame_support::{assert_noop, assert_ok, dispatch::DispatchResult};
use sp_runtime::{AccountId32, DispatchError, Permill};

/// Where the author wants its money.
const PURSE: AccountId32 = AccountId32::new([70; 32]);

fn signed(who: AccountId32) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Buys a digit and has it answered.
fn buy(out_point: OutPoint) {
	let request = request_digit(out_point);
	next_block();
	assert_ok!(answer(&WORKER, request));
}

#[test]
fn earnings_are_withdrawn_to_another_account() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		buy(out_point);
		let before = free(&AUTHOR);
		assert_ok!(Aimodel::withdraw_to(signed(AUTHOR), PURSE));
		assert_eq!((free(&AUTHOR), free(&PURSE), earned(&AUTHOR)), (before, 117, 0));
		let event = Event::Withdrawn { account: AUTHOR, to: PURSE, amount: 117 };
		assert_eq!(last_event(), event);
		let again = Aimodel::withdraw_to(signed(AUTHOR), PURSE);
		assert_noop!(again, Error::<Test>::NothingToWithdraw);
	});
}

#[test]
fn what_a_destination_can_not_receive_stays_earned() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		// Of a price of 30 the author has 4, which is less than an account can hold.
		assert_ok!(Aimodel::reprice(signed(OWNER), out_point, Tariff::flat(28, 1)));
		let tip = Outputs::<Test>::iter_keys().next().unwrap();
		let request = request(tip, PROVEN, image(), 30);
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert!(Aimodel::withdraw_to(signed(AUTHOR), PURSE).is_err());
		assert_eq!(earned(&AUTHOR), 4);
		assert_ok!(Aimodel::withdraw_to(signed(AUTHOR), OWNER));
		assert_eq!(earned(&AUTHOR), 0);
	});
}

#[test]
fn the_platform_share_stays_between_its_floor_and_its_cap() {
	run(|| {
		assert_eq!(PlatformShare::<Test>::get(), Permill::from_percent(30));
		let set =
			|parts| Aimodel::set_platform_share(RuntimeOrigin::root(), Permill::from_parts(parts));
		for refused in [0, 99_999, 500_001, 1_000_000] {
			assert_noop!(set(refused), Error::<Test>::PlatformShareOutOfBounds);
		}
		for accepted in [100_000, 500_000] {
			assert_ok!(set(accepted));
			let share = Permill::from_parts(accepted);
			assert_eq!(PlatformShare::<Test>::get(), share);
			assert_eq!(last_event(), Event::PlatformShareSet { share });
		}
	});
}

#[test]
fn a_new_platform_share_never_touches_an_open_request() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		let request = request_digit(out_point);
		let half = Permill::from_percent(50);
		assert_ok!(Aimodel::set_platform_share(RuntimeOrigin::root(), half));
		next_block();
		assert_ok!(answer(&WORKER, request));
		assert_eq!(earned(&PLATFORM), 300);
		buy(out_point);
		assert_eq!(earned(&PLATFORM), 300 + 500);
	});
}

// --- Models that are paid by models -----------------------------------------------------------

const HALF: u32 = 500_000;

fn account(who: AccountId32) -> Payee<AccountId32> {
	Payee::Account(who)
}

/// Deploys an attested model as the owner, by this split.
fn deploy_by(split: RevenueSplit<AccountId32>) -> ModelId {
	try_deploy_by(split).unwrap()
}

fn try_deploy_by(split: RevenueSplit<AccountId32>) -> Result<ModelId, DispatchError> {
	let known = known_models();
	Aimodel::deploy(signed(OWNER), attested(), flat(), split).plain()?;
	System::inc_account_nonce(OWNER);
	Ok(Tips::<Test>::iter_keys().find(|model| !known.contains(model)).unwrap())
}

fn known_models() -> Vec<ModelId> {
	Tips::<Test>::iter_keys().collect()
}

fn resplit(model: ModelId, split: RevenueSplit<AccountId32>) -> DispatchResult {
	Aimodel::resplit(signed(OWNER), tip(model), split).plain()
}

/// Has a model serve, and be paid 1,001 of which 701 are divided.
fn earn_with(model: ModelId) {
	let (version, free_units) = (VersionId { model, index: 0 }, Tariff::flat(PRICE, 0));
	if !pallet_workers::Operators::<Test>::contains_key(operator(&WORKER)) {
		bond(&WORKER);
	}
	serve(&WORKER, version);
	assert_ok!(Aimodel::reprice(signed(OWNER), tip(model), free_units));
	let request = request(tip(model), Assurance::Attested, floats(2), PRICE);
	next_block();
	assert_ok!(answer_attested(&WORKER, request, words(1), None));
}

/// What is divided among the worker and the beneficiaries of a request.
const DIVIDED: Balance = 701;

#[test]
fn a_fine_tuned_model_pays_the_owners_side_of_its_base() {
	run(|| {
		// The base's worker is not paid for an answer that it did not give.
		let base = deploy_by(split_among(&[(account(AUTHOR), 300_000), (account(PURSE), 100_000)]));
		let tuned = deploy_by(split_among(&[(Payee::Model(base), 400_000), (account(OWNER), 1)]));
		earn_with(tuned);
		let parts = [&WORKER, &AUTHOR, &PURSE, &OWNER].map(earned);
		assert_eq!(parts, [421, 210, 70, 0]);
		assert_eq!(parts.iter().sum::<Balance>(), DIVIDED);
	});
}

#[test]
fn a_base_without_beneficiaries_pays_its_owner() {
	run(|| {
		let base = deploy_by(split_among(&[]));
		let tuned = deploy_by(split_among(&[(Payee::Model(base), HALF)]));
		earn_with(tuned);
		assert_eq!([&WORKER, &OWNER].map(earned), [351, 350]);
	});
}

#[test]
fn a_later_split_of_a_base_never_touches_an_open_request() {
	run(|| {
		let base = deploy_by(split_among(&[(account(AUTHOR), HALF)]));
		let tuned = deploy_by(split_among(&[(Payee::Model(base), HALF)]));
		bond(&WORKER);
		serve(&WORKER, VersionId { model: tuned, index: 0 });
		let open = request(tip(tuned), Assurance::Attested, floats(2), 2 * PRICE);
		assert_ok!(resplit(base, split_among(&[(account(PURSE), HALF)])));
		next_block();
		assert_ok!(answer_attested(&WORKER, open, words(1), None));
		assert!(earned(&AUTHOR) > 0);
		assert_eq!(earned(&PURSE), 0);
		earn_with(tuned);
		assert!(earned(&PURSE) > 0);
	});
}

#[test]
fn the_share_of_a_closed_base_falls_to_the_owner_who_names_it() {
	run(|| {
		let base = deploy_by(split_among(&[(account(AUTHOR), HALF)]));
		let tuned = deploy_by(split_among(&[(Payee::Model(base), HALF)]));
		assert_ok!(Aimodel::retire(signed(OWNER), tip(base)));
		assert_eq!(Tips::<Test>::get(base), None);
		earn_with(tuned);
		assert_eq!([&WORKER, &AUTHOR, &OWNER].map(earned), [351, 0, 350]);
	});
}

#[test]
fn a_base_that_is_retired_and_still_open_is_paid() {
	run(|| {
		let base = deploy_by(split_among(&[(account(AUTHOR), HALF)]));
		let tuned = deploy_by(split_among(&[(Payee::Model(base), HALF)]));
		bond(&WORKER);
		serve(&WORKER, VersionId { model: base, index: 0 });
		request(tip(base), Assurance::Attested, floats(2), 2 * PRICE);
		assert_ok!(Aimodel::retire(signed(OWNER), tip(base)));
		earn_with(tuned);
		assert_eq!(earned(&AUTHOR), 350);
	});
}

#[test]
fn a_split_names_live_models_only() {
	run(|| {
		let nobody = Payee::Model(ModelId::repeat_byte(9));
		let split = split_among(&[(nobody, HALF)]);
		assert_noop!(try_deploy_by(split.clone()), Error::<Test>::UnknownModel);
		let model = deploy_by(split_among(&[]));
		assert_noop!(resplit(model, split), Error::<Test>::UnknownModel);
	});
}

#[test]
fn a_split_that_leads_back_is_refused() {
	run(|| {
		let first = deploy_by(split_among(&[]));
		let itself = split_among(&[(Payee::Model(first), HALF)]);
		assert_noop!(resplit(first, itself), Error::<Test>::SplitCycle);
		let mut last = first;
		for _ in 1..aimodel_primitives::split::MAX_DEPTH {
			last = deploy_by(split_among(&[(Payee::Model(last), HALF)]));
			let back = split_among(&[(account(AUTHOR), 1), (Payee::Model(last), HALF)]);
			assert_noop!(resplit(first, back), Error::<Test>::SplitCycle);
		}
		let deeper = split_among(&[(Payee::Model(last), HALF)]);
		assert_noop!(try_deploy_by(deeper), Error::<Test>::SplitTooDeep);
	});
}

#[test]
fn a_base_that_grows_too_deep_pays_its_owner_and_stops_nobody() {
	run(|| {
		let base = deploy_by(split_among(&[(account(AUTHOR), HALF)]));
		let mut tuned = base;
		for _ in 1..aimodel_primitives::split::MAX_DEPTH {
			tuned = deploy_by(split_among(&[(Payee::Model(tuned), HALF)]));
		}
		// The base finds a base of its own, which from there is one too many.
		let below = deploy_by(split_among(&[(account(PURSE), HALF)]));
		assert_ok!(resplit(base, split_among(&[(Payee::Model(below), HALF)])));
		earn_with(tuned);
		assert_eq!([&WORKER, &OWNER, &AUTHOR, &PURSE].map(earned), [351, 350, 0, 0]);
		earn_with(base);
		assert_eq!(earned(&PURSE), 350);
	});
}

#[test]
fn a_split_leads_to_so_many_payees_and_no_more() {
	run(|| {
		let crowd = |from: u8, size: u8| {
			let share = |i| (account(AccountId32::new([i; 32])), 10_000);
			split_among(&(from..from + size).map(share).collect::<Vec<_>>())
		};
		let bases = [deploy_by(crowd(100, 16)), deploy_by(crowd(120, 15))];
		let payees = bases.map(|base| (Payee::Model(base), 200_000));
		let full = [&payees[..], &[(account(AUTHOR), 100_000)]].concat();
		let tuned = deploy_by(split_among(&full));
		earn_with(tuned);
		assert_eq!(Earnings::<Test>::iter().count(), 2 + 32);

		let over = [&full[..], &[(account(PURSE), 100_000)]].concat();
		assert_noop!(resplit(tuned, split_among(&over)), Error::<Test>::TooManyPayees);
		// The second base grows: its owner has its share until somebody makes room.
		assert_ok!(resplit(bases[1], crowd(120, 16)));
		assert_eq!(earned(&OWNER), 0);
		earn_with(tuned);
		assert_eq!(earned(&OWNER), 140);
	});
}

// --- What was earned --------------------------------------------------------------------------

const PERIOD: u64 = 100;

fn sums(current: Balance, previous: Balance) -> Sums {
	Sums { current, previous }
}

#[test]
fn what_everybody_earned_of_a_model_is_kept_for_two_periods() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		buy(out_point);
		buy(out_point);
		let earned = |who: AccountId32| Aimodel::earned(&who, &model).unwrap();
		assert_eq!((earned(OWNER), earned(AUTHOR)), (sums(468, 0), sums(234, 0)));
		let income = Aimodel::income(&model).unwrap();
		assert_eq!((income.platform, income.workers), (sums(600, 0), sums(700, 0)));
		assert_eq!(income.total(), sums(2 * PRICE, 0));

		advance_to(PERIOD);
		buy(out_point);
		assert_eq!((earned(OWNER), earned(AUTHOR)), (sums(234, 468), sums(117, 234)));
		advance_to(3 * PERIOD);
		assert_eq!(earned(OWNER), sums(0, 0));
		assert_eq!(Aimodel::income(&model).unwrap().payees.len(), 0);
	});
}

#[test]
fn a_worker_and_a_stranger_are_no_beneficiaries() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		assert_eq!(Aimodel::earned(&OWNER, &model), Some(sums(0, 0)));
		buy(out_point);
		assert_eq!(Aimodel::earned(&WORKER, &model), Some(sums(0, 0)));
		assert_eq!(Aimodel::earned(&STRANGER, &model), Some(sums(0, 0)));
		assert_eq!(Aimodel::earned(&OWNER, &ModelId::zero()), None);
	});
}

#[test]
fn what_a_base_is_paid_stands_with_the_model_that_earned_it() {
	run(|| {
		let base = deploy_by(split_among(&[(account(AUTHOR), HALF)]));
		let tuned = deploy_by(split_among(&[(Payee::Model(base), HALF)]));
		earn_with(tuned);
		assert_eq!(Aimodel::earned(&AUTHOR, &tuned), Some(sums(350, 0)));
		assert_eq!(Aimodel::earned(&AUTHOR, &base), Some(sums(0, 0)));
	});
}

#[test]
fn the_record_of_incomes_is_bounded_and_forgets_no_unit() {
	run(|| {
		let model = deploy_by(split_among(&[]));
		for turn in 0..6u8 {
			let payee = |i| (account(AccountId32::new([50 + 16 * turn + i; 32])), 20_000);
			let split = split_among(&(0..16).map(payee).collect::<Vec<_>>());
			assert_ok!(resplit(model, split));
			earn_with(model);
		}
		let income = Aimodel::income(&model).unwrap();
		assert_eq!(income.payees.len(), aimodel_primitives::income::MAX_EARNERS as usize);
		assert!(income.others.current > 0);
		assert_eq!(income.total(), sums(6 * PRICE, 0));
	});
}

#[test]
fn the_record_of_incomes_closes_with_its_model() {
	run(|| {
		let (model, out_point) = deploy_served_digits();
		buy(out_point);
		let deposited = deposit(&OWNER);
		assert_ok!(Aimodel::retire(signed(OWNER), out_point));
		assert!(deposited > 0);
		assert_eq!((Aimodel::income(&model), deposit(&OWNER)), (None, 0));
		assert_eq!(Incomes::<Test>::iter().count(), 0);
		// What was earned is not lost.
		assert_eq!(earned(&AUTHOR), 117);
	});
}
