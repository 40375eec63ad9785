//! Models that take a request over: who serves when, what it costs, and what is counted where.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	access::{BreakerParams, BreakerState, Limits, Policy, RateLimit},
	billing::Budget,
	fallbacks::ChainLink,
	privacy::{Privacy, Visibility},
	runtime_api::RequestInfo,
	statement,
};
use frame_support::{assert_noop, assert_ok, storage::with_storage_layer};
use pallet_zk_verifier::simulator::SimulatedKey;
use sp_core::H256;
use sp_runtime::{AccountId32, DispatchResult, FixedU64, TokenError};

const CHEAP: Balance = 500;
const DEAR: Balance = 3_000;

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

fn customer() -> RuntimeOrigin {
	RuntimeOrigin::signed(CUSTOMER)
}

fn version(model: ModelId) -> VersionId {
	VersionId { model, index: 0 }
}

/// Digits models at these prices under one key: the first served by one worker, the others by another.
fn digits_at<const N: usize>(prices: [Balance; N]) -> [ModelId; N] {
	let key = register_key(&OWNER, ARTIFACT, &digits_key());
	bond(&WORKER);
	bond(&OTHER_WORKER);
	let mut worker = WORKER;
	prices.map(|price| {
		let (model, out_point) = deploy(digits(key));
		assert_ok!(Aimodel::reprice(owner(), out_point, Tariff::flat(price - 2, 1)));
		serve(&worker, version(model));
		worker = OTHER_WORKER;
		model
	})
}

fn names(models: &[ModelId]) -> FallbackNames {
	models.iter().map(|model| tip(*model)).collect::<Vec<_>>().try_into().unwrap()
}

/// Orders a digit from the first of these models, with the others as its fallbacks.
fn ask_as(who: &AccountId32, models: &[ModelId], max_fee: Balance) -> DispatchResult {
	let origin = RuntimeOrigin::signed(who.clone());
	let (first, rest) = (tip(models[0]), names(&models[1..]));
	Aimodel::request(origin, first, PROVEN, image(), max_fee, None, rest).plain()
}

fn ask(models: &[ModelId]) -> DispatchResult {
	ask_as(&CUSTOMER, models, 10 * DEAR)
}

fn order(models: &[ModelId]) -> RequestId {
	assert_ok!(ask(models));
	NextRequest::<Test>::get() - 1
}

/// The version that serves a request now, and those that may take it over.
fn serving(request: RequestId) -> (ModelId, Vec<ModelId>) {
	match Aimodel::request_info(request) {
		Some(RequestInfo::Open { version, fallbacks, .. }) => {
			(version.model, fallbacks.into_iter().map(|version| version.model).collect())
		},
		other => panic!("expected an open request, found {other:?}"),
	}
}

fn fell_back(request: RequestId) -> Vec<(ModelId, ModelId, Balance, FallbackReason)> {
	let ours = |event| match event {
		Event::FellBack { request: of, from, to, most, reason } if of == request => {
			Some((from.model, to.model, most, reason))
		},
		_ => None,
	};
	events().into_iter().filter_map(ours).collect()
}

fn open(model: ModelId) -> u32 {
	OpenRequests::<Test>::get(model)
}

fn change_access(model: ModelId, access: Access) {
	assert_ok!(Aimodel::set_access(owner(), tip(model), access));
}

fn limit(model: ModelId, limits: Limits) {
	change_access(model, Access { limits, ..Access::default() });
}

fn breaking(model: ModelId) {
	let breaker = Some(BreakerParams { failures: 1, cool_down: 30 });
	change_access(model, Access { breaker, ..Access::default() });
}

fn breaker_of(model: ModelId) -> BreakerState {
	Aimodel::health(&model).unwrap().breaker
}

fn bill(model: ModelId) -> (u64, Balance, Balance, u64) {
	let totals = Aimodel::bill(&CUSTOMER, &model).unwrap().ledger.current;
	(totals.calls, totals.spend, totals.refunds, totals.failures)
}

/// Lets the lease of a request lapse.
fn let_lapse(request: RequestId) {
	let until = pallet_workers::Leases::<Test>::get(request).unwrap().until;
	advance_to(until + 1);
}

/// No worker serves the model any more.
fn abandon(worker: &AccountId32, model: ModelId) {
	let origin = RuntimeOrigin::signed(worker.clone());
	assert_ok!(Workers::unserve(origin, version(model)));
}

/// Suspends a model by a lapse.
fn suspend(model: ModelId) {
	breaking(model);
	let request = order(&[model]);
	next_block();
	let_lapse(request);
	assert_ok!(Aimodel::cancel(customer(), request));
	assert!(matches!(breaker_of(model), BreakerState::Open { .. }));
}

mod a_model_that_serves {
	use super::*;

	#[test]
	fn is_paid_as_if_there_were_no_fallbacks() {
		run(|| {
			let [model, dear, cheap] = digits_at([PRICE, DEAR, CHEAP]);
			let request = order(&[model, dear, cheap]);
			assert_eq!(serving(request), (model, vec![dear, cheap]));
			assert_eq!(held(&CUSTOMER), DEAR, "the most that any of them can cost");
			assert_eq!((open(model), open(dear), open(cheap)), (1, 1, 1));
			next_block();
			assert_ok!(answer(&WORKER, request));
			let Event::Settled { version: by, price, refund, .. } = last_event() else { panic!() };
			assert_eq!((by, price, refund), (version(model), PRICE, DEAR - PRICE));
			assert_eq!((free(&CUSTOMER), held(&CUSTOMER)), (ENDOWMENT - PRICE, 0));
			assert_eq!((open(model), open(dear), open(cheap)), (0, 0, 0));
			assert_eq!(fell_back(request), []);
			assert_eq!(bill(model), (1, PRICE, 0, 0));
			assert_eq!(bill(dear), (0, 0, 0, 0));
			assert_eq!(Fallbacks::<Test>::iter().count(), 0);
		});
	}

	#[test]
	fn is_paid_no_more_than_its_own_price_though_more_is_held() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			// Dearer since: the request is quoted already.
			let request = order(&[model, dear]);
			assert_ok!(Aimodel::reprice(owner(), tip(model), Tariff::flat(DEAR, 1)));
			next_block();
			assert_ok!(answer(&WORKER, request));
			assert_eq!(free(&CUSTOMER), ENDOWMENT - PRICE);
		});
	}
}

mod a_lapsed_lease {
	use super::*;

	#[test]
	fn hands_the_request_to_the_next_model_at_its_own_price() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let request = order(&[model, dear]);
			next_block();
			assert_eq!(holder(request), Some(WORKER));
			let_lapse(request);
			assert_eq!(fell_back(request), [(model, dear, DEAR, FallbackReason::Lapsed)]);
			assert_eq!(holder(request), Some(OTHER_WORKER), "at once");
			assert_eq!(serving(request), (dear, vec![]));
			assert_eq!((open(model), open(dear)), (0, 1));
			// By what its own price has at stake, and no more.
			assert_eq!(bonded(&WORKER), BOND - COLLATERAL);
			assert_eq!(free(&CUSTOMER), ENDOWMENT - DEAR + PRICE / 10);
			assert_noop!(answer(&WORKER, request), Error::<Test>::NotLeaseHolder);

			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!(free(&CUSTOMER), ENDOWMENT - DEAR + PRICE / 10);
			let settled = Settlements::<Test>::get(request).unwrap();
			assert_eq!((settled.version, settled.price), (version(dear), DEAR));
			assert_eq!((bill(model), bill(dear)), ((0, 0, 0, 0), (1, DEAR, 0, 0)));
		});
	}

	#[test]
	fn counts_against_the_model_whose_it_was_alone() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			breaking(model);
			breaking(dear);
			let request = order(&[model, dear]);
			next_block();
			let_lapse(request);
			let figures = |model| Aimodel::health(&model).unwrap().figures;
			assert_eq!((figures(model).leases, figures(dear).leases), (1, 0));
			assert!(matches!(breaker_of(model), BreakerState::Open { .. }));
			assert_eq!(breaker_of(dear), BreakerState::Closed { failures: 0 });
			let merit = |model| Merits::<Test>::get(model).first().map(|(_, merit)| merit.failed);
			assert_eq!((merit(model), merit(dear)), (Some(PRICE * 3 / 10), None));
			next_block();
			assert_ok!(answer(&OTHER_WORKER, request));
			// Nor was the second one late for what the first one took.
			assert_eq!(figures(dear).latency, FixedU64::from_u32(1));
		});
	}

	#[test]
	fn that_obliged_nobody_leaves_the_request_to_the_models_other_workers() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			serve(&OTHER_WORKER, version(model));
			let blob = Input::Blob { hash: ARTIFACT, length: 64 };
			let (late, rest) = (Some(100), names(&[other]));
			assert_ok!(Aimodel::request(
				customer(),
				tip(model),
				Assurance::Attested,
				blob,
				PRICE,
				late,
				rest
			));
			next_block();
			let first = holder(0).unwrap();
			let_lapse(0);
			assert_eq!(serving(0).0, model);
			assert_ne!(holder(0).unwrap(), first);
			// Both had their chance.
			let_lapse(0);
			assert_eq!(serving(0).0, other);
			assert_eq!(fell_back(0), [(model, other, CHEAP, FallbackReason::NoWorker)]);
			next_block();
			assert_eq!(holder(0), Some(OTHER_WORKER));
			assert_eq!((bonded(&WORKER), bonded(&OTHER_WORKER)), (BOND, BOND));
		});
	}

	#[test]
	fn can_be_handed_on_by_anybody() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let request = order(&[model, dear]);
			next_block();
			System::set_block_number(System::block_number() + u64::from(LEASE) + 1);
			assert_ok!(Aimodel::advance(RuntimeOrigin::signed(STRANGER), request));
			assert_eq!((serving(request).0, holder(request)), (dear, Some(OTHER_WORKER)));
		});
	}
}

mod a_vain_draw {
	use super::*;

	#[test]
	fn hands_the_request_to_the_next_model_in_the_next_block() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let request = order(&[model, dear]);
			abandon(&WORKER, model);
			next_block();
			assert_eq!((serving(request).0, holder(request)), (dear, None));
			assert_eq!(fell_back(request), [(model, dear, DEAR, FallbackReason::NoWorker)]);
			next_block();
			assert_eq!(holder(request), Some(OTHER_WORKER));
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!(free(&CUSTOMER), ENDOWMENT - DEAR);
		});
	}

	#[test]
	fn needs_no_idle_block_to_go_on() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let request = order(&[model, dear]);
			abandon(&WORKER, model);
			next_block();
			let advance = || Aimodel::advance(RuntimeOrigin::signed(STRANGER), request);
			assert_noop!(advance(), Error::<Test>::NothingDue);
			System::set_block_number(System::block_number() + 1);
			assert_ok!(advance());
			assert_eq!(holder(request), Some(OTHER_WORKER));
			assert_noop!(advance(), Error::<Test>::NothingDue);
		});
	}

	#[test]
	fn passes_a_model_without_workers_on_to_the_one_after_it() {
		run(|| {
			let [model, dear, cheap] = digits_at([PRICE, DEAR, CHEAP]);
			let request = order(&[model, dear, cheap]);
			abandon(&WORKER, model);
			abandon(&OTHER_WORKER, dear);
			next_block();
			assert_eq!(serving(request), (dear, vec![cheap]));
			next_block();
			assert_eq!(serving(request), (cheap, vec![]));
			next_block();
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!(free(&CUSTOMER), ENDOWMENT - CHEAP);
		});
	}

	#[test]
	fn of_the_last_model_is_repeated() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let request = order(&[model, dear]);
			abandon(&WORKER, model);
			abandon(&OTHER_WORKER, dear);
			advance_to(4);
			assert_eq!((serving(request).0, holder(request)), (dear, None));
			serve(&OTHER_WORKER, version(dear));
			advance_to(8);
			assert_eq!(holder(request), Some(OTHER_WORKER));
		});
	}
}

mod a_model_that_refuses {
	use super::*;

	/// Each way in which a model may take no request now; what it is asked with, in the end.
	#[test]
	fn is_passed_over_at_once_with_nothing_held_for_it() {
		let ways: [(&str, Error<Test>, fn(ModelId)); 9] = [
			("paused", Error::ModelPaused, |model| {
				assert_ok!(Aimodel::pause(owner(), tip(model)));
			}),
			("not for the customer", Error::NotAllowed, |model| {
				change_access(model, Access { policy: Policy::AllowList, ..Access::default() });
			}),
			("busy", Error::ModelBusy, |model| {
				limit(model, Limits { open: Some(1), ..Limits::default() });
				assert_ok!(ask_as(&STRANGER, &[model], PRICE));
			}),
			("at the customer's limit", Error::TooManyOpen, |model| {
				limit(model, Limits { open_per_account: Some(1), ..Limits::default() });
				order(&[model]);
			}),
			("at the rate limit", Error::RateLimited, |model| {
				let rate = Some(RateLimit { calls: 1, window: 100 });
				limit(model, Limits { rate, ..Limits::default() });
				assert_ok!(Aimodel::cancel(customer(), order(&[model])));
			}),
			("suspended", Error::ModelSuspended, suspend),
			("deprecated", Error::VersionDeprecated, |model| {
				assert_ok!(Aimodel::deprecate(owner(), tip(model), 0, 0));
			}),
			("retired", Error::ModelRetired, |model| {
				// With a request that keeps it.
				order(&[model]);
				assert_ok!(Aimodel::retire(owner(), tip(model)));
			}),
			("without workers", Error::NoCapacity, |model| abandon(&WORKER, model)),
		];
		for (way, error, refuse) in ways {
			run(|| {
				let [model, cheap, dear] = digits_at([PRICE, CHEAP, DEAR]);
				refuse(model);
				assert_noop!(ask(&[model]), error);
				let before = (open(model), held(&CUSTOMER));
				let request = order(&[model, cheap]);
				let refused = [(model, cheap, CHEAP, FallbackReason::Refused)];
				assert_eq!(fell_back(request), refused, "{way}");
				assert_eq!(serving(request), (cheap, vec![]));
				assert_eq!((open(model), held(&CUSTOMER)), (before.0, before.1 + CHEAP), "{way}");
				// A fallback that refuses is left out; there, only workers are asked for later.
				let request = order(&[dear, model, cheap]);
				let kept = if way == "without workers" { vec![model, cheap] } else { vec![cheap] };
				assert_eq!(serving(request), (dear, kept), "{way}");
			});
		}
	}

	#[test]
	fn tells_why_if_all_others_refuse_too() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			assert_ok!(Aimodel::pause(owner(), tip(other)));
			abandon(&WORKER, model);
			assert_noop!(ask(&[model, other]), Error::<Test>::NoCapacity);
			assert_noop!(ask(&[other, model]), Error::<Test>::ModelPaused);
		});
	}

	#[test]
	fn is_not_asked_again_if_it_is_suspended_when_it_is_needed() {
		run(|| {
			let [model, dear, cheap] = digits_at([PRICE, DEAR, CHEAP]);
			breaking(dear);
			let late = order(&[dear]);
			next_block();
			let request = order(&[model, dear, cheap]);
			assert_eq!(serving(request).1, [dear, cheap]);
			let_lapse(late);
			assert!(matches!(breaker_of(dear), BreakerState::Open { .. }));
			assert_ok!(Aimodel::cancel(customer(), late));
			next_block();
			// It was the turn of the one after it.
			assert_eq!(serving(request), (cheap, vec![dear]));
			assert_eq!(open(dear), 1, "it may still be needed");
			assert_eq!(holder(request), Some(OTHER_WORKER));
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!(open(dear), 0);
		});
	}

	#[test]
	fn is_waited_for_while_it_is_suspended_and_has_time() {
		run(|| {
			let key = register_key(&OWNER, ARTIFACT, &digits_key());
			bond(&WORKER);
			let [slow, quick] = [50, 1].map(|lease| {
				let (model, _) = deploy(Version { lease, ..digits(key) });
				let origin = RuntimeOrigin::signed(WORKER);
				assert_ok!(Workers::serve(origin, version(model), 0, 1, 100));
				model
			});
			let breaker = Some(BreakerParams { failures: 1, cool_down: 57 });
			change_access(quick, Access { breaker, ..Access::default() });
			let (late, request) = (order(&[quick]), order(&[slow, quick]));
			next_block();
			let_lapse(late);
			assert_ok!(Aimodel::cancel(customer(), late));
			assert_eq!(breaker_of(quick), BreakerState::Open { until: 61 });
			let_lapse(request);
			assert_eq!((serving(request).0, holder(request)), (slow, None));
			// No lease of the slow one fits any more, and the quick one is suspended for some blocks.
			advance_to(62);
			assert_eq!(serving(request).0, slow);
			advance_to(64);
			assert_eq!((serving(request).0, holder(request)), (quick, Some(WORKER)));
			assert_ok!(answer(&WORKER, request));
		});
	}

	#[test]
	fn has_its_trial_by_a_request_that_falls_to_it() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			suspend(other);
			advance_to(System::block_number() + 31);
			assert_eq!(breaker_of(other), BreakerState::HalfOpen { trial: None });
			let request = order(&[model, other]);
			assert_eq!(breaker_of(other), BreakerState::HalfOpen { trial: None }, "not yet");
			next_block();
			let_lapse(request);
			assert_eq!(breaker_of(other), BreakerState::HalfOpen { trial: Some(request) });
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!(breaker_of(other), BreakerState::Closed { failures: 0 });
		});
	}

	#[test]
	fn has_another_trial_when_nobody_takes_the_one_that_goes_on() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			suspend(model);
			advance_to(System::block_number() + 31);
			let request = order(&[model, other]);
			assert_eq!(breaker_of(model), BreakerState::HalfOpen { trial: Some(request) });
			abandon(&WORKER, model);
			next_block();
			assert_eq!(serving(request).0, other);
			assert_eq!(breaker_of(model), BreakerState::HalfOpen { trial: None });
		});
	}
}

mod what_is_named {
	use super::*;

	#[test]
	fn must_be_live() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			let stale = names(&[other]);
			assert_ok!(Aimodel::reprice(owner(), tip(other), flat()));
			let asked =
				Aimodel::request(customer(), tip(model), PROVEN, image(), PRICE, None, stale);
			assert_noop!(asked, Error::<Test>::OutPointSpent);
		});
	}

	#[test]
	fn closes_no_cycle() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			assert_noop!(ask(&[model, model]), Error::<Test>::DuplicateFallback);
			assert_noop!(ask(&[model, other, model]), Error::<Test>::DuplicateFallback);
			assert_noop!(ask(&[model, other, other]), Error::<Test>::DuplicateFallback);
		});
	}

	#[test]
	fn takes_the_same_input() {
		run(|| {
			let [model] = digits_at([PRICE]);
			let (float, _) = deploy(attested());
			assert_noop!(ask(&[model, float]), Error::<Test>::FallbackDiffers);
			// As many bytes in another shape.
			let mut flat = attested();
			flat.interface = digits_interface();
			flat.interface.input =
				aimodel_primitives::TensorType::fixed(aimodel_primitives::ElementType::U8, &[64])
					.unwrap();
			let (flat, _) = deploy(flat);
			assert_noop!(ask(&[model, flat]), Error::<Test>::FallbackDiffers);
		});
	}

	#[test]
	fn hides_the_same_where_it_is_proven() {
		run(|| {
			let [model] = digits_at([PRICE]);
			let privacy = Privacy { input: Visibility::Public, output: Visibility::Committed };
			let inputs = statement::count_public_inputs(&digits_interface(), privacy, false);
			let key = register_key(&OWNER, ARTIFACT, &SimulatedKey::new(inputs.unwrap(), 1));
			let (hidden, _) = deploy(hidden_digits(key, privacy));
			assert_noop!(ask(&[model, hidden]), Error::<Test>::FallbackDiffers);
			let word = Assurance::Attested;
			let rest = names(&[hidden]);
			assert_ok!(Aimodel::request(customer(), tip(model), word, image(), PRICE, None, rest));
			assert_eq!(serving(0).1, [hidden]);
		});
	}

	#[test]
	fn can_be_proven_where_the_request_is() {
		run(|| {
			let [model] = digits_at([PRICE]);
			let (word, _) = deploy(Version { circuit: None, ..digits(Default::default()) });
			assert_noop!(ask(&[model, word]), Error::<Test>::NotProvable);
			let strict = Assurance::Proven { weakest_origin: Some(KeyOrigin::Ceremony) };
			assert_ok!(ZkVerifier::attest_key(
				RuntimeOrigin::root(),
				Versions::<Test>::get(model, 0).unwrap().circuit.unwrap().key,
				H256::zero(),
			));
			let weak = register_key(&OWNER, ARTIFACT, &SimulatedKey::new(6, 2));
			let (weak, _) = deploy(digits(weak));
			let asked =
				|rest| Aimodel::request(customer(), tip(model), strict, image(), PRICE, None, rest);
			assert_noop!(asked(names(&[weak])), Error::<Test>::KeyTooWeak);
			assert_ok!(asked(names(&[])));
		});
	}

	#[test]
	fn costs_no_more_than_the_customer_pays() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let refused = ask_as(&CUSTOMER, &[model, dear], DEAR - 1);
			assert_noop!(refused, Error::<Test>::FeeTooLow);
			assert_ok!(ask_as(&CUSTOMER, &[model, dear], DEAR));
		});
	}

	#[test]
	fn is_within_the_customers_budget() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let budget = |limit| {
				let budget = Some(Budget { limit, alerts: Default::default() });
				assert_ok!(Aimodel::set_budget(customer(), dear, budget));
			};
			budget(DEAR - 1);
			assert_noop!(ask(&[model, dear]), Error::<Test>::BudgetExceeded);
			budget(2 * DEAR - 1);
			let request = order(&[model, dear]);
			// What may still be spent there is not free for another.
			assert_noop!(ask(&[dear]), Error::<Test>::BudgetExceeded);
			next_block();
			assert_ok!(answer(&WORKER, request));
			assert_ok!(ask(&[dear]));
		});
	}

	#[test]
	fn has_to_be_paid_for() {
		run(|| {
			let [model, dear] = digits_at([PRICE, 2 * ENDOWMENT]);
			let asked = || ask_as(&CUSTOMER, &[model, dear], 2 * ENDOWMENT);
			assert_noop!(with_storage_layer(asked), TokenError::FundsUnavailable);
			assert_ok!(ask_as(&CUSTOMER, &[model], 2 * ENDOWMENT));
		});
	}
}

mod a_fallback {
	use super::*;

	#[test]
	fn keeps_what_was_agreed_on_whatever_its_owner_does() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let key = Versions::<Test>::get(dear, 0).unwrap().circuit.unwrap().key;
			let request = order(&[model, dear]);
			assert_ok!(Aimodel::reprice(owner(), tip(dear), Tariff::flat(1, 1)));
			assert_ok!(Aimodel::upgrade(owner(), tip(dear), digits(key)));
			assert_ok!(Aimodel::deprecate(owner(), tip(dear), 0, 0));
			assert_ok!(Aimodel::pause(owner(), tip(dear)));
			assert_ok!(Aimodel::retire(owner(), tip(dear)));
			assert!(Tips::<Test>::contains_key(dear), "it does not close before");
			next_block();
			let_lapse(request);
			assert_ok!(answer(&OTHER_WORKER, request));
			let settled = Settlements::<Test>::get(request).unwrap();
			assert_eq!((settled.version, settled.price), (version(dear), DEAR));
			advance_to(System::block_number() + 2);
			assert!(!Tips::<Test>::contains_key(dear));
		});
	}

	#[test]
	fn that_was_not_needed_lets_its_model_close() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let request = order(&[model, dear]);
			assert_ok!(Aimodel::retire(owner(), tip(dear)));
			next_block();
			assert!(Tips::<Test>::contains_key(dear));
			assert_ok!(answer(&WORKER, request));
			next_block();
			assert!(!Tips::<Test>::contains_key(dear));
		});
	}

	#[test]
	fn lets_the_model_close_that_did_not_serve() {
		run(|| {
			let [model, dear] = digits_at([PRICE, DEAR]);
			let request = order(&[model, dear]);
			assert_ok!(Aimodel::retire(owner(), tip(model)));
			next_block();
			let_lapse(request);
			next_block();
			assert!(!Tips::<Test>::contains_key(model));
			assert_ok!(answer(&OTHER_WORKER, request));
		});
	}

	#[test]
	fn keeps_its_key_until_it_can_not_be_needed() {
		run(|| {
			let [model, other, third] = digits_at([PRICE, CHEAP, DEAR]);
			let key = Versions::<Test>::get(model, 0).unwrap().circuit.unwrap().key;
			use aimodel_primitives::traits::ProofVerifier;
			let references = || ZkVerifier::references(&key);
			assert_eq!(references(), 3, "of three versions");
			let request = order(&[model, other, third]);
			assert_eq!(references(), 6);
			next_block();
			let_lapse(request);
			assert_eq!(references(), 5);
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!(references(), 3);
		});
	}

	#[test]
	fn counts_as_an_open_request_and_as_a_call_of_its_model() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			limit(other, Limits { open: Some(1), ..Limits::default() });
			let request = order(&[model, other]);
			assert_noop!(ask_as(&STRANGER, &[other], CHEAP), Error::<Test>::ModelBusy);
			assert_ok!(Aimodel::cancel(customer(), request));
			assert_ok!(ask_as(&STRANGER, &[other], CHEAP));
			// Otherwise what falls to a model could be more than it admits.
			let rate = Some(RateLimit { calls: 2, window: 100 });
			limit(other, Limits { rate, ..Limits::default() });
			order(&[model, other]);
			order(&[model, other]);
			assert_eq!(serving(order(&[model, other])).1, []);
			assert_noop!(ask(&[other]), Error::<Test>::RateLimited);
		});
	}

	#[test]
	fn takes_a_deposit_that_returns_when_it_is_not_used() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			let request = order(&[model]);
			let one = customer_deposit(&CUSTOMER);
			assert_ok!(Aimodel::cancel(customer(), request));
			let request = order(&[model, other]);
			assert_eq!(customer_deposit(&CUSTOMER), 2 * one);
			assert_ok!(Aimodel::cancel(customer(), request));
			advance_to(350);
			assert_eq!(customer_deposit(&CUSTOMER), 0);
		});
	}

	#[test]
	fn does_not_begin_what_it_can_not_end() {
		run(|| {
			let [model, other] = digits_at([PRICE, CHEAP]);
			// Two leases and a margin, and a block less than the second one needs once the first lapsed.
			let asked = |late| {
				let rest = names(&[other]);
				Aimodel::request(customer(), tip(model), PROVEN, image(), PRICE, Some(late), rest)
			};
			let lease = u64::from(LEASE);
			assert_noop!(asked(1 + 1 + 2 * lease + 1), Error::<Test>::DeadlineTooSoon);
			assert_ok!(asked(1 + 1 + 2 * lease + 2));
			advance_to(2 + lease);
			// An idle block comes too late.
			System::set_block_number(2 + lease + 4);
			assert_ok!(Aimodel::advance(RuntimeOrigin::signed(STRANGER), 0));
			assert_eq!((serving(0), holder(0)), ((model, vec![other]), None));
			assert!(events().iter().all(|event| !matches!(event, Event::FellBack { .. })));
			advance_to(deadline(0) + 1);
			assert!(matches!(last_event(), Event::Refunded { .. }));
			assert_eq!(free(&CUSTOMER), ENDOWMENT + PRICE / 10);
			assert_eq!((bill(model), bill(other)), ((0, 0, PRICE, 1), (0, 0, 0, 0)));
		});
	}

	#[test]
	fn has_a_lease_before_the_deadline_if_none_is_asked_for() {
		run(|| {
			let [model, other, third] = digits_at([PRICE, CHEAP, DEAR]);
			let each = u64::from(LEASE);
			let (one, three) = (order(&[model]), order(&[model, other, third]));
			assert_eq!(deadline(three), deadline(one) + 2 * (1 + each));
			next_block();
			for next in [other, third] {
				let_lapse(three);
				assert_eq!((serving(three).0, holder(three)), (next, Some(OTHER_WORKER)));
			}
			assert_ok!(answer(&OTHER_WORKER, three));
		});
	}
}

mod a_chain {
	use super::*;

	#[test]
	fn is_walked_once_and_gives_everything_back_in_the_end() {
		run(|| {
			let models = digits_at([PRICE, DEAR, CHEAP, 2_000]);
			let before = issuance();
			let request = order(&models);
			advance_to(deadline(request) + 1);
			let lapses = events().into_iter().filter(|event| matches!(event, Event::Lapsed { .. }));
			assert_eq!(lapses.count(), 4);
			let way: Vec<_> = fell_back(request).iter().map(|step| (step.0, step.1)).collect();
			assert_eq!(
				way,
				[(models[0], models[1]), (models[1], models[2]), (models[2], models[3])]
			);
			// Each worker lost what was at stake with it.
			let lost = [50 + PRICE, 50 + DEAR, 50 + CHEAP, 50 + 2_000];
			assert_eq!(bonded(&WORKER), BOND - lost[0]);
			assert_eq!(bonded(&OTHER_WORKER), BOND - lost[1..].iter().sum::<Balance>());
			// Of all lapses the customer gets a tenth of the dearest, not of each.
			assert_eq!(free(&CUSTOMER), ENDOWMENT + DEAR / 10);
			assert_eq!(issuance(), before - lost.iter().sum::<Balance>() + DEAR / 10);
			assert!(models.iter().all(|model| open(*model) == 0));
			assert_eq!(bill(models[3]), (0, 0, 2_000, 1));
		});
	}

	#[test]
	fn goes_with_a_request_that_is_cancelled() {
		run(|| {
			let models = digits_at([PRICE, DEAR, CHEAP]);
			let request = order(&models);
			assert_ok!(Aimodel::cancel(customer(), request));
			assert_eq!((free(&CUSTOMER), held(&CUSTOMER)), (ENDOWMENT, 0));
			assert!(models.iter().all(|model| open(*model) == 0));
			assert_eq!(Fallbacks::<Test>::iter().count(), 0);
		});
	}

	#[test]
	fn is_quoted_as_it_is_served() {
		run(|| {
			let [model, paused, dear, cheap] = digits_at([PRICE, 700, DEAR, CHEAP]);
			assert_ok!(Aimodel::pause(owner(), tip(paused)));
			let quoted = |names: &[ModelId], bytes, max_fee| {
				let (first, rest) = (tip(names[0]), super::names(&names[1..]));
				Aimodel::quote_chain(CUSTOMER, first, rest, PROVEN, bytes, max_fee)
			};
			let chain = quoted(&[paused, model, dear, cheap], 64, DEAR).unwrap();
			let links: Vec<_> =
				chain.serving.iter().map(|link| (link.version.model, link.most)).collect();
			assert_eq!(links, [(model, PRICE), (dear, DEAR), (cheap, CHEAP)]);
			assert_eq!(chain.refused, [(tip(paused), Error::<Test>::ModelPaused.into())]);
			let ChainLink { quote, .. } = chain.serving[1];
			assert_eq!(Ok(quote), Aimodel::quote(dear, Some(CUSTOMER), 64, None));

			let request = order(&[paused, model, dear, cheap]);
			assert_eq!(held(&CUSTOMER), chain.held);
			assert_eq!(serving(request), (model, vec![dear, cheap]));

			let error = |error: Error<Test>| Err(error.into());
			assert_eq!(quoted(&[model, model], 64, DEAR), error(Error::DuplicateFallback));
			assert_eq!(quoted(&[model, dear], 64, PRICE), error(Error::FeeTooLow));
			assert_eq!(quoted(&[model, dear], 63, DEAR), error(Error::InputLength));
			assert_eq!(quoted(&[paused], 64, DEAR), error(Error::ModelPaused));
		});
	}

	#[test]
	fn settles_by_the_split_of_the_model_that_answers() {
		run(|| {
			let [model, other] = digits_at([PRICE, DEAR]);
			let payee = aimodel_primitives::Payee::Account(STRANGER);
			assert_ok!(Aimodel::resplit(owner(), tip(other), split_among(&[(payee, 500_000)])));
			let request = order(&[model, other]);
			next_block();
			let_lapse(request);
			assert_ok!(answer(&OTHER_WORKER, request));
			assert_eq!((earned(&OWNER), earned(&AUTHOR)), (0, 0));
			assert_eq!(earned(&PLATFORM), DEAR * 3 / 10);
			assert_eq!(earned(&STRANGER), DEAR * 35 / 100);
			assert_eq!(earned(&OTHER_WORKER), DEAR * 35 / 100);
		});
	}
}
