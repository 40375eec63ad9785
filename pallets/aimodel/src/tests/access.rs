//! Who may make requests, how many, and when nobody may.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	access::{
		AccessError, BreakerParams, BreakerState, Figures, Limits, Policy, RateLimit, MAX_ACCOUNTS,
	},
	BlobHash,
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{AccountId32, DispatchResult, FixedPointNumber, FixedU64, Permill};

/// Blocks of a billing period.
const PERIOD: u32 = 100;
const COOL_DOWN: u32 = 30;
const BREAKER: BreakerParams = BreakerParams { failures: 2, cool_down: COOL_DOWN };

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

fn customer() -> RuntimeOrigin {
	RuntimeOrigin::signed(CUSTOMER)
}

/// A served digits model with this access.
fn served(access: Access) -> (ModelId, OutPoint) {
	let (model, out_point) = deploy_served_digits();
	assert_ok!(Aimodel::set_access(owner(), out_point, access));
	(model, tip(model))
}

fn limited(limits: Limits) -> (ModelId, OutPoint) {
	served(Access { limits, ..Access::default() })
}

fn breaking() -> (ModelId, OutPoint) {
	served(Access { breaker: Some(BREAKER), ..Access::default() })
}

fn allow_list() -> Access {
	Access { policy: Policy::AllowList, ..Access::default() }
}

/// Orders a digit, if it may.
fn ask(who: &AccountId32, out_point: OutPoint) -> DispatchResult {
	let origin = RuntimeOrigin::signed(who.clone());
	Aimodel::request(origin, out_point, PROVEN, image(), PRICE, None, Default::default()).plain()
}

fn accounts(accounts: &[AccountId32]) -> Accounts<Test> {
	accounts.to_vec().try_into().unwrap()
}

fn allow(model: ModelId, listed: &[AccountId32]) -> DispatchResult {
	Aimodel::allow(owner(), model, accounts(listed))
}

fn disallow(model: ModelId, listed: &[AccountId32]) -> DispatchResult {
	Aimodel::disallow(owner(), model, accounts(listed))
}

/// Orders a digit that is answered in the next block.
fn answered(out_point: OutPoint) {
	let request = request_digit(out_point);
	next_block();
	assert_ok!(answer(&WORKER, request));
}

fn now() -> u32 {
	System::block_number() as u32
}

fn wait(blocks: u32) {
	advance_to(System::block_number() + u64::from(blocks));
}

/// Waits until the lease of a request that was just made has lapsed.
fn let_lapse(request: RequestId) {
	wait(1);
	assert!(holder(request).is_some());
	wait(LEASE + 1);
	assert_eq!(holder(request), None);
}

/// Lets so many requests lapse, one after the other.
fn lapses(out_point: OutPoint, count: u32) {
	for _ in 0..count {
		let request = request_digit(out_point);
		let_lapse(request);
		assert_ok!(Aimodel::cancel(customer(), request));
	}
}

/// A suspended model, whose cool-down begins in this block.
fn suspended() -> (ModelId, OutPoint) {
	let (model, out_point) = breaking();
	lapses(out_point, 2);
	(model, out_point)
}

/// A model whose cool-down is over.
fn half_open() -> (ModelId, OutPoint) {
	let (model, out_point) = suspended();
	wait(COOL_DOWN);
	(model, out_point)
}

fn breaker(model: ModelId) -> BreakerState {
	Aimodel::health(&model).unwrap().breaker
}

fn happened(event: Event<Test>) -> usize {
	events().into_iter().filter(|other| *other == event).count()
}

mod who {
	use super::*;

	#[test]
	fn is_open_until_its_owner_sets_it() {
		run(|| {
			let (model, out_point) = deploy_served_digits();
			assert_ok!(ask(&STRANGER, out_point));
			let health = Aimodel::health(&model).unwrap();
			assert_eq!((health.access, health.allowed, health.open), (Access::default(), 0, 1));
			assert_eq!(health.breaker, BreakerState::Closed { failures: 0 });
			assert_eq!(Aimodel::health(&ModelId::zero()), None);
		});
	}

	#[test]
	fn changes_by_consuming_the_output() {
		run(|| {
			let (model, first) = deploy(attested());
			assert_ok!(Aimodel::set_access(owner(), first, allow_list()));
			assert_ne!(tip(model), first);
			assert_eq!(Aimodel::health(&model).unwrap().access, allow_list());
			assert_eq!(History::<Test>::get(model, 0).unwrap().change, Change::AccessSet);
			let refused = Error::<Test>::OutPointSpent;
			assert_noop!(Aimodel::set_access(owner(), first, Access::default()), refused);
			let refused = Aimodel::set_access(customer(), tip(model), Access::default());
			assert_noop!(refused, Error::<Test>::NotOwner);
		});
	}

	#[test]
	fn without_sense_is_refused_by_what_is_wrong() {
		run(|| {
			let (_, out_point) = deploy(attested());
			let refuse = |access: Access, error: Error<Test>| {
				assert_noop!(Aimodel::set_access(owner(), out_point, access), error);
			};
			let limits = |limits| Access { limits, ..Access::default() };
			let rate = |calls, window| Some(RateLimit { calls, window });
			let none = Limits { open: Some(0), ..Limits::default() };
			refuse(limits(none), AccessError::ZeroLimit.into());
			let long = Limits { rate: rate(1, PERIOD + 1), ..Limits::default() };
			refuse(limits(long), AccessError::Window.into());
			let breaker = Some(BreakerParams { failures: 0, cool_down: 1 });
			refuse(Access { breaker, ..Access::default() }, AccessError::Breaker.into());
			let longest = Limits { rate: rate(1, PERIOD), ..Limits::default() };
			assert_ok!(Aimodel::set_access(owner(), out_point, limits(longest)));
		});
	}

	#[test]
	fn is_paused_and_unpaused_while_open_requests_go_on() {
		run(|| {
			let (model, out_point) = deploy_served_digits();
			let request = request_digit(out_point);
			assert_ok!(Aimodel::pause(owner(), out_point));
			assert_noop!(ask(&CUSTOMER, tip(model)), Error::<Test>::ModelPaused);
			assert_noop!(ask(&OWNER, tip(model)), Error::<Test>::ModelPaused);
			next_block();
			assert_ok!(answer(&WORKER, request));
			assert_noop!(Aimodel::unpause(customer(), tip(model)), Error::<Test>::NotOwner);
			assert_ok!(Aimodel::unpause(owner(), tip(model)));
			assert_ok!(ask(&CUSTOMER, tip(model)));
			let changes: Vec<_> = (0..)
				.map_while(|at| History::<Test>::get(model, at))
				.map(|record| record.change)
				.collect();
			assert_eq!(changes, [Change::Paused, Change::Unpaused]);
		});
	}

	#[test]
	fn is_not_changed_to_what_it_is() {
		run(|| {
			let (model, out_point) = deploy(attested());
			assert_noop!(Aimodel::unpause(owner(), out_point), Error::<Test>::NotPaused);
			assert_ok!(Aimodel::pause(owner(), out_point));
			assert_noop!(Aimodel::pause(owner(), tip(model)), Error::<Test>::ModelPaused);
		});
	}
}

mod allow_list {
	use super::*;

	#[test]
	fn admits_who_is_on_it_and_the_owner() {
		run(|| {
			let (model, out_point) = served(allow_list());
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::NotAllowed);
			assert_ok!(ask(&OWNER, out_point));
			// The output that customers name stays the same.
			assert_ok!(allow(model, &[CUSTOMER]));
			assert_eq!(last_event(), Event::Allowed { model, account: CUSTOMER });
			assert_ok!(ask(&CUSTOMER, out_point));
			assert_noop!(ask(&STRANGER, out_point), Error::<Test>::NotAllowed);
		});
	}

	#[test]
	fn who_is_taken_off_it_keeps_open_requests() {
		run(|| {
			let (model, out_point) = served(allow_list());
			assert_ok!(allow(model, &[CUSTOMER]));
			let request = request_digit(out_point);
			assert_ok!(disallow(model, &[CUSTOMER]));
			assert_eq!(last_event(), Event::Disallowed { model, account: CUSTOMER });
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::NotAllowed);
			next_block();
			assert_ok!(answer(&WORKER, request));
		});
	}

	#[test]
	fn of_one_model_says_nothing_of_another() {
		run(|| {
			let (_, out_point) = served(allow_list());
			let (other, _) = deploy(attested());
			assert_ok!(allow(other, &[CUSTOMER]));
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::NotAllowed);
		});
	}

	#[test]
	fn changes_only_as_told() {
		run(|| {
			let (model, _) = deploy(attested());
			assert_noop!(allow(model, &[]), Error::<Test>::NoAccounts);
			assert_noop!(allow(model, &[AUTHOR, AUTHOR]), Error::<Test>::AlreadyAllowed);
			assert_ok!(allow(model, &[AUTHOR]));
			assert_noop!(allow(model, &[CUSTOMER, AUTHOR]), Error::<Test>::AlreadyAllowed);
			assert_noop!(disallow(model, &[]), Error::<Test>::NoAccounts);
			assert_noop!(disallow(model, &[AUTHOR, CUSTOMER]), Error::<Test>::NotAllowed);
			assert_noop!(disallow(model, &[AUTHOR, AUTHOR]), Error::<Test>::NotAllowed);
			assert_noop!(allow(ModelId::zero(), &[AUTHOR]), Error::<Test>::UnknownModel);
			let refused = Aimodel::allow(customer(), model, accounts(&[CUSTOMER]));
			assert_noop!(refused, Error::<Test>::NotOwner);
			let refused = Aimodel::disallow(customer(), model, accounts(&[AUTHOR]));
			assert_noop!(refused, Error::<Test>::NotOwner);
		});
	}

	#[test]
	fn is_bounded() {
		run(|| {
			let (model, _) = deploy(attested());
			assert_ok!(allow(model, &[CUSTOMER, STRANGER, AUTHOR]));
			assert_noop!(allow(model, &[WORKER, PLATFORM]), Error::<Test>::TooManyAllowed);
			assert_ok!(allow(model, &[WORKER]));
			assert_eq!(Aimodel::health(&model).unwrap().allowed, 4);
			let many: Vec<_> =
				(0..=MAX_ACCOUNTS as u8).map(|n| AccountId32::new([n; 32])).collect();
			assert!(Accounts::<Test>::try_from(many).is_err());
		});
	}

	#[test]
	fn is_paid_for_by_the_owner_and_paid_back() {
		run(|| {
			let (model, _) = deploy(attested());
			let before = deposit(&OWNER);
			assert_ok!(allow(model, &[CUSTOMER]));
			let one = deposit(&OWNER);
			assert!(one > before);
			assert_ok!(allow(model, &[AUTHOR, STRANGER]));
			assert_eq!(deposit(&OWNER) - before, 3 * (one - before));
			// An upgrade does not lose what the list costs.
			assert_ok!(Aimodel::upgrade(owner(), tip(model), attested()));
			let upgraded = deposit(&OWNER);
			assert_ok!(disallow(model, &[CUSTOMER, AUTHOR, STRANGER]));
			assert_eq!(upgraded - deposit(&OWNER), 3 * (one - before));
		});
	}

	#[test]
	fn moves_with_its_model_and_its_deposit() {
		run(|| {
			let (model, out_point) = deploy(attested());
			assert_ok!(allow(model, &[CUSTOMER, AUTHOR]));
			assert_ok!(Aimodel::transfer(owner(), out_point, Some(STRANGER)));
			let before = deposit(&OWNER);
			assert_ok!(Aimodel::accept_transfer(RuntimeOrigin::signed(STRANGER), tip(model)));
			// And one more record of the model's history.
			let paid = deposit(&STRANGER);
			assert!(deposit(&OWNER) == 0 && paid > before);
			assert_noop!(disallow(model, &[CUSTOMER]), Error::<Test>::NotOwner);
			let heir = RuntimeOrigin::signed(STRANGER);
			assert_ok!(Aimodel::disallow(heir, model, accounts(&[CUSTOMER])));
			assert!(deposit(&STRANGER) < paid);
		});
	}

	#[test]
	fn is_empty_before_its_model_retires() {
		run(|| {
			let (model, out_point) = deploy_served_digits();
			assert_ok!(allow(model, &[CUSTOMER, AUTHOR]));
			assert_noop!(Aimodel::retire(owner(), out_point), Error::<Test>::AllowListNotEmpty);
			assert_ok!(disallow(model, &[CUSTOMER, AUTHOR]));
			let request = request_digit(out_point);
			next_block();
			assert_ok!(Aimodel::retire(owner(), out_point));
			assert_noop!(allow(model, &[CUSTOMER]), Error::<Test>::ModelRetired);
			assert_ok!(answer(&WORKER, request));
			next_block();
			assert_eq!((Aimodel::health(&model), deposit(&OWNER)), (None, 0));
			assert_eq!(Allowed::<Test>::iter().count(), 0);
		});
	}

	#[test]
	fn of_an_owner_who_can_not_pay_does_not_grow() {
		run(|| {
			let (model, _) = deploy(attested());
			let rest = <Balances as frame_support::traits::fungible::Inspect<_>>::balance(&OWNER);
			assert_ok!(Balances::burn(owner(), rest - 20, true));
			assert!(allow(model, &[CUSTOMER]).is_err());
		});
	}
}

mod rate {
	use super::*;

	fn two_in_ten() -> (ModelId, OutPoint) {
		let rate = Some(RateLimit { calls: 2, window: 10 });
		limited(Limits { rate, ..Limits::default() })
	}

	#[test]
	fn is_counted_by_account_and_window() {
		run(|| {
			let (_, out_point) = two_in_ten();
			assert_ok!(ask(&CUSTOMER, out_point));
			advance_to(9);
			assert_ok!(ask(&CUSTOMER, out_point));
			// `assert_noop` shows that a refusal changes nothing.
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::RateLimited);
			assert_ok!(ask(&STRANGER, out_point));
			// The next window begins with its first block, and no call counts in two.
			advance_to(10);
			assert_ok!(ask(&CUSTOMER, out_point));
			advance_to(19);
			assert_ok!(ask(&CUSTOMER, out_point));
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::RateLimited);
			advance_to(20);
			assert_ok!(ask(&CUSTOMER, out_point));
		});
	}

	#[test]
	fn counts_what_is_cancelled() {
		run(|| {
			let (_, out_point) = two_in_ten();
			for _ in 0..2 {
				let request = request_digit(out_point);
				assert_ok!(Aimodel::cancel(customer(), request));
			}
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::RateLimited);
		});
	}

	#[test]
	fn does_not_count_what_is_refused() {
		run(|| {
			let (_, out_point) = two_in_ten();
			for _ in 0..3 {
				let low = Aimodel::request(
					customer(),
					out_point,
					PROVEN,
					image(),
					PRICE - 1,
					None,
					Default::default(),
				);
				assert_noop!(low, Error::<Test>::FeeTooLow);
			}
			assert_ok!(ask(&CUSTOMER, out_point));
			assert_ok!(ask(&CUSTOMER, out_point));
		});
	}

	#[test]
	fn of_the_longest_window_outlives_the_pruning_of_records() {
		run(|| {
			let rate = Some(RateLimit { calls: 1, window: PERIOD });
			let (model, out_point) = limited(Limits { rate, ..Limits::default() });
			advance_to(u64::from(PERIOD) - 1);
			let request = request_digit(out_point);
			assert_ok!(Aimodel::cancel(customer(), request));
			while Customers::<Test>::contains_key(CUSTOMER, model) {
				next_block();
			}
			assert!(
				now() > 2 * PERIOD - 1,
				"the record was pruned in the window in which it counts"
			);
		});
	}

	#[test]
	fn that_is_changed_forgets_no_call_of_the_longer_window() {
		run(|| {
			let (model, out_point) = two_in_ten();
			advance_to(60);
			assert_ok!(ask(&CUSTOMER, out_point));
			let rate = Some(RateLimit { calls: 2, window: PERIOD });
			let access =
				Access { limits: Limits { rate, ..Limits::default() }, ..Access::default() };
			assert_ok!(Aimodel::set_access(owner(), out_point, access));
			assert_ok!(ask(&CUSTOMER, tip(model)));
			assert_noop!(ask(&CUSTOMER, tip(model)), Error::<Test>::RateLimited);
		});
	}
}

mod open_requests {
	use super::*;

	#[test]
	fn of_an_account_are_limited() {
		run(|| {
			let limits = Limits { open_per_account: Some(2), ..Limits::default() };
			let (_, out_point) = limited(limits);
			let (first, second) = (request_digit(out_point), request_digit(out_point));
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::TooManyOpen);
			assert_ok!(ask(&STRANGER, out_point));
			// Both ways to end make room.
			assert_ok!(Aimodel::cancel(customer(), first));
			assert_ok!(ask(&CUSTOMER, out_point));
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::TooManyOpen);
			next_block();
			assert_ok!(answer(&WORKER, second));
			assert_ok!(ask(&CUSTOMER, out_point));
		});
	}

	#[test]
	fn of_a_model_are_limited() {
		run(|| {
			let (_, out_point) = limited(Limits { open: Some(2), ..Limits::default() });
			let first = request_digit(out_point);
			assert_ok!(ask(&STRANGER, out_point));
			assert_noop!(ask(&AUTHOR, out_point), Error::<Test>::ModelBusy);
			assert_ok!(Aimodel::cancel(customer(), first));
			assert_ok!(ask(&AUTHOR, out_point));
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::ModelBusy);
		});
	}
}

mod circuit_breaker {
	use super::*;

	#[test]
	fn suspends_after_failures_in_a_row_and_refuses_at_once() {
		run(|| {
			let (model, out_point) = breaking();
			lapses(out_point, 1);
			assert_eq!(breaker(model), BreakerState::Closed { failures: 1 });
			lapses(out_point, 1);
			let until = now() + COOL_DOWN;
			assert_eq!(breaker(model), BreakerState::Open { until });
			assert_eq!(happened(Event::Suspended { model, until }), 1);
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::ModelSuspended);
			advance_to(u64::from(until) - 1);
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::ModelSuspended);
			next_block();
			assert_eq!(breaker(model), BreakerState::HalfOpen { trial: None });
			assert_ok!(ask(&CUSTOMER, out_point));
		});
	}

	#[test]
	fn is_not_there_unless_the_owner_set_one() {
		run(|| {
			let (model, out_point) = deploy_served_digits();
			lapses(out_point, 5);
			assert_eq!(breaker(model), BreakerState::Closed { failures: 0 });
			assert_ok!(ask(&CUSTOMER, out_point));
		});
	}

	#[test]
	fn forgives_failures_for_an_answer() {
		run(|| {
			let (model, out_point) = breaking();
			for _ in 0..3 {
				lapses(out_point, 1);
				answered(out_point);
				assert_eq!(breaker(model), BreakerState::Closed { failures: 0 });
			}
		});
	}

	#[test]
	fn admits_one_trial_whose_answer_resumes() {
		run(|| {
			let (model, out_point) = half_open();
			let trial = request_digit(out_point);
			assert_eq!(breaker(model), BreakerState::HalfOpen { trial: Some(trial) });
			assert_noop!(ask(&STRANGER, out_point), Error::<Test>::ModelOnTrial);
			// As long as a worker has to answer it, nobody else is admitted.
			wait(1 + LEASE);
			assert_noop!(ask(&STRANGER, out_point), Error::<Test>::ModelOnTrial);
			assert_ok!(answer(&WORKER, trial));
			assert_eq!(breaker(model), BreakerState::Closed { failures: 0 });
			assert_eq!(happened(Event::Resumed { model }), 1);
			assert_ok!(ask(&STRANGER, out_point));
			assert_ok!(ask(&CUSTOMER, out_point));
		});
	}

	#[test]
	fn suspends_again_when_the_trial_fails() {
		run(|| {
			let (model, out_point) = half_open();
			let trial = request_digit(out_point);
			let_lapse(trial);
			let until = now() + COOL_DOWN;
			assert_eq!(breaker(model), BreakerState::Open { until });
			assert_eq!(happened(Event::Suspended { model, until }), 1);
			assert_noop!(ask(&STRANGER, out_point), Error::<Test>::ModelSuspended);
			// What becomes of it later changes nothing.
			assert_ok!(Aimodel::cancel(customer(), trial));
			assert_eq!(breaker(model), BreakerState::Open { until });
			assert_eq!(happened(Event::Resumed { model }), 0);
		});
	}

	#[test]
	fn admits_another_trial_when_one_is_cancelled() {
		run(|| {
			let (model, out_point) = half_open();
			let trial = request_digit(out_point);
			assert_ok!(Aimodel::cancel(customer(), trial));
			assert_eq!(breaker(model), BreakerState::HalfOpen { trial: None });
			assert_ok!(ask(&STRANGER, out_point));
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::ModelOnTrial);
		});
	}

	#[test]
	fn admits_another_trial_when_nobody_has_to_answer_one() {
		run(|| {
			let (model, out_point) = half_open();
			let trial = request_digit(out_point);
			let version = VersionId { model, index: 0 };
			assert_ok!(Workers::unserve(RuntimeOrigin::signed(WORKER), version));
			next_block();
			assert_eq!(breaker(model), BreakerState::HalfOpen { trial: Some(trial) });
			serve(&WORKER, version);
			next_block();
			assert_eq!(breaker(model), BreakerState::HalfOpen { trial: None });
			let second = request_digit(out_point);
			// The first is like any other by now: it is drawn again, and its end changes nothing.
			wait(4);
			assert_ok!(answer(&WORKER, trial));
			assert_eq!(breaker(model), BreakerState::HalfOpen { trial: Some(second) });
			assert_ok!(answer(&WORKER, second));
			assert_eq!(breaker(model), BreakerState::Closed { failures: 0 });
		});
	}

	#[test]
	fn is_not_kept_open_by_a_trial_that_can_not_be_answered() {
		run(|| {
			let (model, out_point) = deploy_served_attested();
			let access = Access {
				breaker: Some(BreakerParams { failures: 1, cool_down: 1 }),
				..Access::default()
			};
			assert_ok!(Aimodel::set_access(owner(), out_point, access));
			let out_point = tip(model);
			let failed = request(out_point, Assurance::Attested, floats(2), 10 * PRICE);
			let_lapse(failed);
			assert_ok!(Aimodel::cancel(customer(), failed));
			next_block();
			// A blob that nobody has: its worker never accepts.
			let blob = || Input::Blob { hash: BlobHash::repeat_byte(1), length: 8 };
			let trial = request(out_point, Assurance::Attested, blob(), 10 * PRICE);
			let ask = || {
				let stranger = RuntimeOrigin::signed(STRANGER);
				let fee = 10 * PRICE;
				Aimodel::request(
					stranger,
					out_point,
					Assurance::Attested,
					floats(2),
					fee,
					None,
					Default::default(),
				)
			};
			// The draw, and two blocks to accept.
			wait(3);
			assert_noop!(ask(), Error::<Test>::ModelOnTrial);
			next_block();
			assert!(Requests::<Test>::contains_key(trial));
			assert_ok!(ask());
		});
	}

	#[test]
	fn waits_for_the_whole_lease_of_a_trial_that_was_accepted() {
		run(|| {
			let (model, out_point) = deploy_served_attested();
			let access = Access {
				breaker: Some(BreakerParams { failures: 1, cool_down: 1 }),
				..Access::default()
			};
			assert_ok!(Aimodel::set_access(owner(), out_point, access));
			let out_point = tip(model);
			let failed = request(out_point, Assurance::Attested, floats(2), 10 * PRICE);
			let_lapse(failed);
			next_block();
			let blob = Input::Blob { hash: BlobHash::repeat_byte(1), length: 8 };
			let trial = request(out_point, Assurance::Attested, blob, 10 * PRICE);
			wait(3);
			assert_ok!(Workers::accept(RuntimeOrigin::signed(WORKER), trial));
			wait(LEASE);
			assert_eq!(breaker(model), BreakerState::HalfOpen { trial: Some(trial) });
			assert_ok!(answer_attested(&WORKER, trial, words(3), None));
			assert_eq!(breaker(model), BreakerState::Closed { failures: 0 });
		});
	}

	#[test]
	fn is_not_tripped_by_customers() {
		run(|| {
			let (model, out_point) = deploy_served_attested();
			let access = Access {
				breaker: Some(BreakerParams { failures: 1, cool_down: 1 }),
				..Access::default()
			};
			assert_ok!(Aimodel::set_access(owner(), out_point, access));
			let out_point = tip(model);
			let blob = || Input::Blob { hash: BlobHash::repeat_byte(1), length: 8 };
			// Cancelled at once, cancelled under a lease that does not oblige, and expired.
			let cancelled = request(out_point, Assurance::Attested, floats(2), 10 * PRICE);
			assert_ok!(Aimodel::cancel(customer(), cancelled));
			let left = request(out_point, Assurance::Attested, blob(), 10 * PRICE);
			next_block();
			assert!(holder(left).is_some());
			assert_ok!(Aimodel::cancel(customer(), left));
			let expired = request(out_point, Assurance::Attested, blob(), 10 * PRICE);
			advance_to(deadline(expired) + 1);
			assert!(!Requests::<Test>::contains_key(expired));
			assert_eq!(breaker(model), BreakerState::Closed { failures: 0 });
			let figures = Aimodel::health(&model).unwrap().figures;
			assert_eq!(figures, Figures::default());
			assert_eq!(pallet_workers::Workers::<Test>::get(WORKER).unwrap().figures, figures);
		});
	}

	#[test]
	fn is_paid_for_by_the_worker_that_trips_it() {
		run(|| {
			let (_, out_point) = suspended();
			assert_eq!(bonded(&WORKER), BOND - 2 * COLLATERAL);
			assert_noop!(ask(&CUSTOMER, out_point), Error::<Test>::ModelSuspended);
		});
	}

	#[test]
	fn takes_no_notice_of_what_was_asked_before_it_tripped() {
		run(|| {
			let (model, out_point) = breaking();
			let deadline = Some(System::block_number() + 60);
			let requests = [(); 4].map(|()| {
				let order = Aimodel::request(
					customer(),
					out_point,
					PROVEN,
					image(),
					PRICE,
					deadline,
					Default::default(),
				);
				assert_ok!(order);
				NextRequest::<Test>::get() - 1
			});
			next_block();
			// Of four leases that end in the same block, two trip it and two change nothing.
			wait(LEASE + 1);
			let until = now() + COOL_DOWN;
			assert_eq!(breaker(model), BreakerState::Open { until });
			assert_eq!(happened(Event::Suspended { model, until }), 1);
			bond(&OTHER_WORKER);
			serve(&OTHER_WORKER, VersionId { model, index: 0 });
			wait(5);
			let answerable =
				requests.into_iter().find(|id| holder(*id) == Some(OTHER_WORKER)).unwrap();
			assert_ok!(answer(&OTHER_WORKER, answerable));
			assert_eq!(breaker(model), BreakerState::Open { until });
		});
	}

	#[test]
	fn begins_anew_when_its_owner_sets_another() {
		run(|| {
			let (model, out_point) = suspended();
			let same = Access {
				breaker: Some(BREAKER),
				limits: Limits { open: Some(9), ..Limits::default() },
				..Access::default()
			};
			assert_ok!(Aimodel::set_access(owner(), out_point, same));
			assert_noop!(ask(&CUSTOMER, tip(model)), Error::<Test>::ModelSuspended);
			assert_eq!(happened(Event::Resumed { model }), 0);
			assert_ok!(Aimodel::set_access(owner(), tip(model), Access::default()));
			assert_eq!(happened(Event::Resumed { model }), 1);
			assert_ok!(ask(&CUSTOMER, tip(model)));
			// Without a suspension there is nothing to tell.
			assert_ok!(Aimodel::set_access(owner(), tip(model), same));
			assert_eq!(happened(Event::Resumed { model }), 1);
		});
	}

	#[test]
	fn does_not_outlive_its_model() {
		run(|| {
			let (model, out_point) = half_open();
			let trial = request_digit(out_point);
			next_block();
			assert_ok!(Aimodel::retire(owner(), out_point));
			assert_ok!(answer(&WORKER, trial));
			next_block();
			assert_eq!(Aimodel::health(&model), None);
			assert!(!Records::<Test>::contains_key(model));
		});
	}
}

mod figures {
	use super::*;

	fn blocks(thousandths: u128) -> FixedU64 {
		FixedU64::saturating_from_rational(thousandths, 1_000u128)
	}

	fn worker_figures() -> Figures {
		pallet_workers::Workers::<Test>::get(WORKER).unwrap().figures
	}

	#[test]
	fn of_model_and_worker_follow_answers_and_lapses() {
		run(|| {
			let (model, out_point) = deploy_served_digits();
			let figures = || Aimodel::health(&model).unwrap().figures;
			assert_eq!((figures(), worker_figures()), Default::default());
			answered(out_point);
			let slow = request_digit(out_point);
			wait(4);
			assert_ok!(answer(&WORKER, slow));
			// From the request one and four blocks; from the lease none and three.
			assert_eq!(
				(figures().latency, worker_figures().latency),
				(blocks(2_500), blocks(1_500))
			);
			assert_eq!(figures().availability, Permill::one());
			lapses(out_point, 1);
			for figures in [figures(), worker_figures()] {
				assert_eq!(figures.availability, Permill::from_parts(666_667));
				assert_eq!((figures.leases, figures.answers), (3, 2));
			}
			assert_eq!(
				(figures().latency, worker_figures().latency),
				(blocks(2_500), blocks(1_500))
			);
		});
	}

	#[test]
	fn of_a_worker_begin_when_it_is_obliged() {
		run(|| {
			let (model, out_point) = deploy_served_attested();
			let blob = Input::Blob { hash: BlobHash::repeat_byte(1), length: 8 };
			let request = request(out_point, Assurance::Attested, blob, 10 * PRICE);
			wait(2);
			assert_ok!(Workers::accept(RuntimeOrigin::signed(WORKER), request));
			wait(3);
			assert_ok!(answer_attested(&WORKER, request, words(3), None));
			assert_eq!(worker_figures().latency, blocks(3_000));
			assert_eq!(Aimodel::health(&model).unwrap().figures.latency, blocks(5_000));
		});
	}
}
