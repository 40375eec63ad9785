//! What calls weigh: at most what they declare, and less where they did less.

use super::{
	plans::{by, jump_to, order, sold_digits, subscribe},
	world::*,
};
use crate::*;
use aimodel_primitives::{
	pricing::{Offer, ServiceTerms},
	Payee,
};
use frame_support::{
	assert_ok,
	dispatch::GetDispatchInfo,
	traits::ConstU32,
	weights::{constants::RocksDbWeight, RuntimeDbWeight, Weight},
};
use sp_core::H256;
use sp_io::{hashing::twox_128, TestExternalities};
use sp_runtime::{traits::Dispatchable, AccountId32, Permill};

type Weights = <Test as Config>::WeightInfo;

/// What a call declares, and what of that it has back. It is never more.
fn weigh(who: &AccountId32, call: Call<Test>) -> (Weight, Weight) {
	let call = RuntimeCall::from(call);
	let declared = call.get_dispatch_info().call_weight;
	let info = call.dispatch(by(who)).unwrap();
	let actual = info.actual_weight.unwrap_or(declared);
	assert!(actual.all_lte(declared), "{actual} of {declared}");
	(declared, declared - actual)
}

fn ask(out_point: OutPoint, assurance: Assurance, input: Input<ConstU32<256>>) -> Call<Test> {
	Call::request {
		out_point,
		assurance,
		input,
		max_fee: ENDOWMENT / 10,
		deadline: None,
		fallbacks: Default::default(),
	}
}

/// A model that is paid with so many others.
fn over(bases: usize) -> OutPoint {
	let (model, _) = deploy_served_attested();
	let shares: Vec<_> = (0..bases).map(|_| (Payee::Model(deploy(attested()).0), 10_000)).collect();
	if bases > 0 {
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(model), split_among(&shares)));
	}
	tip(model)
}

fn refunded(bases: usize) -> Weight {
	let mut refund = Weight::zero();
	run(|| {
		let out_point = over(bases);
		refund = weigh(&CUSTOMER, ask(out_point, Assurance::Attested, floats(2))).1;
	});
	refund
}

#[test]
fn a_request_pays_for_the_models_that_its_split_led_to() {
	let (none, one, eight) = (refunded(0), refunded(1), refunded(8));
	assert!(Weights::flatten().all_lte(none), "all of the walk is back");
	let each = Aimodel::follow_weight(1);
	assert!(each.ref_time() > 0);
	assert_eq!(none - one, each);
	assert_eq!(none - eight, Aimodel::follow_weight(8));
	assert_eq!(Aimodel::follow_weight(112), Weights::flatten(), "as many as there can be");
	assert_eq!(Aimodel::follow_weight(u32::MAX), Weights::flatten());
}

#[test]
fn a_request_pays_for_the_proof_and_the_answer_that_its_version_has() {
	run(|| {
		let (_, proven) = deploy_served_digits();
		let (_, by_proof) = weigh(&CUSTOMER, ask(proven, PROVEN, image()));
		// Ten scalars less than a key can have, and forty bytes of 256.
		let verify = |inputs| <ZkVerifier as ProofVerifier<AccountId32>>::verify_weight(inputs);
		let bytes = Weights::submit_result(256) - Weights::submit_result(40);
		assert_eq!(by_proof, Weights::flatten() + (verify(16) - verify(6)) + bytes);
		let (_, by_word) = weigh(&CUSTOMER, ask(proven, Assurance::Attested, image()));
		let merit = DbCosts::get().reads_writes(1, 1);
		assert_eq!(by_word, Weights::flatten() + verify(16) + bytes + merit);
	});
}

#[test]
fn what_is_charged_for_a_request_covers_its_free_settlement() {
	run(|| {
		let (_, out_point) = deploy_served_digits();
		for assurance in [PROVEN, Assurance::Attested] {
			let (declared, refund) = weigh(&CUSTOMER, ask(out_point, assurance, image()));
			let request = NextRequest::<Test>::get() - 1;
			next_block();
			let (output, units) = (scores(), None);
			let proof = (assurance != Assurance::Attested).then(|| proof(&WORKER, request));
			let call = Call::submit_result { request, output, units, proof };
			let (most, back) = weigh(&operator(&WORKER), call);
			let (paid, settled) = (declared - refund, most - back);
			assert!(settled.all_lt(paid), "{settled} of {paid}");
			assert!(Weights::give_back().all_lte(back), "no plan covered it");
		}
	});
}

#[test]
fn a_refund_weighs_what_it_gives_back() {
	run(|| {
		let leaving = Aimodel::leaving_weight(MAX_FALLBACKS);
		let model = sold_digits();
		subscribe(model, 1);
		let by_fee = request_digit(tip(model));
		let by_plan = order(model);
		let refund = |request| weigh(&CUSTOMER, Call::cancel { request }).1;
		assert_eq!((refund(by_fee), refund(by_plan)), (Weights::give_back() + leaving, leaving));
		let (by_fee, by_plan) = (request_digit(tip(model)), order(model));
		System::set_block_number(deadline(by_fee) + 1);
		let refund = |request| weigh(&STRANGER, Call::expire { request }).1;
		assert_eq!((refund(by_fee), refund(by_plan)), (Weights::give_back() + leaving, leaving));
	});
}

#[test]
fn a_call_by_plan_pays_for_a_period_only_if_it_begins_one() {
	run(|| {
		let model = sold_digits();
		subscribe(model, 0);
		let ask = || Call::request_by_plan {
			out_point: tip(model),
			assurance: PROVEN,
			input: image(),
			deadline: None,
		};
		let (_, within) = weigh(&CUSTOMER, ask());
		jump_to(41);
		let (_, renewed) = weigh(&CUSTOMER, ask());
		// The period's split leads to no other model.
		assert_eq!(within - renewed, Aimodel::counting_weight());
	});
}

#[test]
fn splits_and_periods_pay_for_what_they_followed() {
	run(|| {
		let (base, _) = deploy(attested());
		let split = split_among(&[(Payee::Model(base), 10_000)]);
		let (version, tariff) = (attested(), flat());
		let (_, back) = weigh(&STRANGER, Call::deploy { version, tariff, split: split.clone() });
		let followed = Weights::flatten() - Aimodel::follow_weight(1);
		assert_eq!(back, followed);
		let model = sold_digits();
		let out_point = tip(model);
		assert_eq!(weigh(&OWNER, Call::resplit { out_point, split }).1, followed);
		let out_point = tip(model);
		assert_eq!(weigh(&CUSTOMER, Call::subscribe { out_point, plan: 0 }).1, followed);
		assert_eq!(weigh(&CUSTOMER, Call::change_plan { out_point, plan: 1 }).1, followed);
		let down = weigh(&CUSTOMER, Call::change_plan { out_point, plan: 0 }).1;
		assert_eq!(down, Aimodel::period_weight(), "nothing begins yet");
		jump_to(41);
		let renew = Call::renew { account: CUSTOMER, model };
		assert_eq!(weigh(&STRANGER, renew).1, followed);
	});
}

#[test]
fn retiring_pays_for_the_versions_that_there_are() {
	run(|| {
		let (_, out_point) = deploy(attested());
		let back = weigh(&OWNER, Call::retire { out_point }).1;
		assert_eq!(back, Weights::retire(3) - Weights::retire(1));
	});
}

// --- What is written ------------------------------------------------------------------------------

/// How many writes a call declares.
fn declared_writes(call: &RuntimeCall) -> u64 {
	let with = |write| {
		DbCosts::set(RuntimeDbWeight { read: 0, write });
		call.get_dispatch_info().call_weight.ref_time()
	};
	let (free, counted) = (with(0), with(1));
	DbCosts::set(RocksDbWeight::get());
	counted - free
}

/// What a world's last call wrote, but for what every block writes anyway, which is charged to the block, and for
/// the depth of layers, which is only in memory.
fn written(world: &TestExternalities) -> u64 {
	let mut of_blocks = ["Events", "EventCount", "EventTopics"]
		.map(|item| [twox_128(b"System"), twox_128(item.as_bytes())].concat())
		.to_vec();
	of_blocks.push(b":transaction_level:".to_vec());
	world
		.overlayed_changes()
		.changes()
		.filter(|(key, _)| !of_blocks.iter().any(|item| key.starts_with(item)))
		.count() as u64
}

/// Makes a world, and compares what a call in it writes with what it declares.
fn writes_are_declared(scene: impl FnOnce() -> (AccountId32, Call<Test>)) {
	let mut world = new_world();
	let (who, call) = world.execute_with(scene);
	world.commit_all().unwrap();
	let call = RuntimeCall::from(call);
	let declared = world.execute_with(|| declared_writes(&call));
	let name = format!("{call:?}");
	world.execute_with(|| {
		System::reset_events();
		assert_ok!(call.dispatch(by(&who)));
	});
	let written = written(&world);
	assert!(written > 0 && written <= declared, "{written} written, {declared} declared: {name}");
	world.execute_with(check_invariants);
}

fn person(index: u8) -> AccountId32 {
	AccountId32::new([100 + index; 32])
}

/// Sixteen beneficiaries that nobody has paid yet.
fn sixteen(first: u8) -> RevenueSplit<AccountId32> {
	let shares: Vec<_> = (first..first + 16).map(|i| (Payee::Account(person(i)), 10_000)).collect();
	split_among(&shares)
}

/// A served digits model that pays 32 accounts, by way of two bases, in the deepest chain.
fn widest() -> ModelId {
	let (model, _) = deploy_served_digits();
	let mut named = Vec::new();
	for first in [0, 16] {
		let (mut base, _) = deploy(attested());
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(base), sixteen(first)));
		// Model, two in between, and the one that names accounts.
		for _ in 0..2 {
			let over = split_among(&[(Payee::Model(base), 500_000)]);
			let (above, _) = deploy(attested());
			assert_ok!(Aimodel::resplit(by(&OWNER), tip(above), over));
			base = above;
		}
		named.push((Payee::Model(base), 100_000));
	}
	assert_ok!(Aimodel::resplit(by(&OWNER), tip(model), split_among(&named)));
	let half = sp_runtime::Permill::from_percent(50);
	assert_ok!(Aimodel::set_incentive_share(RuntimeOrigin::root(), half));
	model
}

#[test]
fn requests_declare_what_they_write() {
	writes_are_declared(|| (CUSTOMER, ask(tip(widest()), PROVEN, image())));
	writes_are_declared(|| {
		let model = sold_digits();
		assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 100_000));
		// For nothing: the pot pays; and a period is due.
		subscribe(model, 3);
		jump_to(41);
		let (assurance, input) = (PROVEN, image());
		let out_point = tip(model);
		(CUSTOMER, Call::request_by_plan { out_point, assurance, input, deadline: None })
	});
}

#[test]
fn a_settlement_among_32_new_payees_declares_what_it_writes() {
	writes_are_declared(|| {
		let request = request_digit(tip(widest()));
		assert_eq!(Requests::<Test>::get(request).unwrap().split.payees.len(), 32);
		next_block();
		let (output, units, proof) = (scores(), None, Some(proof(&WORKER, request)));
		(operator(&WORKER), Call::submit_result { request, output, units, proof })
	});
}

#[test]
fn refunds_declare_what_they_write() {
	for late in [false, true] {
		writes_are_declared(|| {
			let request = request_digit(tip(widest()));
			next_block();
			let lapsed = System::block_number() + u64::from(LEASE) + 1;
			let over = deadline(request) + 1;
			System::set_block_number(if late { over } else { lapsed });
			(CUSTOMER, if late { Call::expire { request } } else { Call::cancel { request } })
		});
	}
	writes_are_declared(|| {
		let request = request_digit(tip(widest()));
		next_block();
		System::set_block_number(System::block_number() + u64::from(LEASE) + 1);
		(CUSTOMER, Call::advance { request })
	});
}

#[test]
fn plans_declare_what_they_write() {
	let sold = || {
		let model = sold_digits();
		assert_ok!(Aimodel::resplit(by(&OWNER), tip(model), sixteen(0)));
		model
	};
	writes_are_declared(|| {
		let model = sold();
		subscribe(model, 0);
		// The one that ended is closed, and paid out.
		jump_to(51);
		(CUSTOMER, Call::subscribe { out_point: tip(model), plan: 1 })
	});
	writes_are_declared(|| {
		let model = sold();
		subscribe(model, 0);
		jump_to(21);
		(CUSTOMER, Call::change_plan { out_point: tip(model), plan: 1 })
	});
	writes_are_declared(|| {
		let model = sold();
		subscribe(model, 0);
		jump_to(41);
		(STRANGER, Call::renew { account: CUSTOMER, model })
	});
	writes_are_declared(|| {
		let model = sold();
		subscribe(model, 0);
		jump_to(51);
		(STRANGER, Call::close_subscription { account: CUSTOMER, model })
	});
}

#[test]
fn changes_of_models_declare_what_they_write() {
	let deployed = || deploy_served_digits().0;
	let named = || vec![person(0), person(1), person(2), person(3)].try_into().unwrap();
	writes_are_declared(|| (OWNER, Call::retire { out_point: tip(deployed()) }));
	writes_are_declared(|| (OWNER, Call::allow { model: deployed(), accounts: named() }));
	writes_are_declared(|| {
		let model = deployed();
		assert_ok!(Aimodel::allow(by(&OWNER), model, named()));
		(OWNER, Call::disallow { model, accounts: named() })
	});
	writes_are_declared(|| {
		(OWNER, Call::resplit { out_point: tip(deployed()), split: sixteen(0) })
	});
	writes_are_declared(|| {
		let model = deployed();
		assert_ok!(Aimodel::transfer(by(&OWNER), tip(model), Some(STRANGER)));
		(STRANGER, Call::accept_transfer { out_point: tip(model) })
	});
	writes_are_declared(|| (OWNER, Call::reprice { out_point: tip(deployed()), tariff: flat() }));
	writes_are_declared(|| (OWNER, Call::pause { out_point: tip(deployed()) }));
	writes_are_declared(|| {
		let (version, tariff, split) = (attested(), flat(), sixteen(0));
		(OWNER, Call::deploy { version, tariff, split })
	});
	writes_are_declared(|| {
		let budget =
			Some(aimodel_primitives::billing::Budget { limit: 1, alerts: Default::default() });
		(CUSTOMER, Call::set_budget { model: deployed(), budget })
	});
	writes_are_declared(|| (OWNER, Call::fund_pot { model: deployed(), amount: 100 }));
}

/// Compares what a call writes with what it weighs in the end.
fn writes_are_weighed(name: &str, scene: impl Fn() -> (AccountId32, Call<Test>)) {
	let weighed = |write: u64| {
		let mut world = new_world();
		let (who, call) = world.execute_with(&scene);
		world.commit_all().unwrap();
		let call = RuntimeCall::from(call);
		world.execute_with(|| {
			System::reset_events();
			DbCosts::set(RuntimeDbWeight { read: 0, write });
			let declared = call.get_dispatch_info().call_weight;
			let info = call.dispatch(by(&who)).unwrap();
			let weight = info.actual_weight.unwrap_or(declared).ref_time();
			DbCosts::set(RocksDbWeight::get());
			weight
		})
	};
	let counted = weighed(1) - weighed(0);
	let mut world = new_world();
	let (who, call) = world.execute_with(&scene);
	world.commit_all().unwrap();
	let call = RuntimeCall::from(call);
	world.execute_with(|| {
		System::reset_events();
		assert_ok!(call.dispatch(by(&who)));
	});
	let written = written(&world);
	world.execute_with(check_invariants);
	assert!(written <= counted, "{written} written, {counted} weighed: {name}");
}

/// A guaranteed request of the widest model with three fallbacks, drawn, near a period's end.
fn rich(fallbacks_served: bool) -> (ModelId, RequestId) {
	let model = widest();
	let one = Permill::one();
	let terms = ServiceTerms { deadline: None, penalty: one, availability: one, breach: one };
	let plan = Plan {
		period: 200,
		price: 5_000,
		quota: None,
		grace: 10,
		service: Some(terms),
		limits: None,
	};
	let offer = Offer { plan, tier: Tier::Standard, to: None };
	assert_ok!(Aimodel::set_plans(by(&OWNER), tip(model), vec![offer].try_into().unwrap()));
	subscribe(model, 0);
	assert_ok!(Aimodel::post_service_bond(by(&OWNER), model, 10 * PRICE));
	let mut names = Vec::new();
	for seed in 1..4u8 {
		let artifact = H256::repeat_byte(seed);
		let key = register_key(&OWNER, artifact, &digits_key());
		let (other, _) = deploy(Version { artifact, ..digits(key) });
		if fallbacks_served {
			if seed == 1 {
				bond(&OTHER_WORKER);
			}
			serve(&OTHER_WORKER, VersionId { model: other, index: 0 });
		}
		names.push(other);
	}
	jump_to(95);
	let fallbacks: Vec<_> = names.iter().map(|name| tip(*name)).collect();
	let input = image();
	let out_point = tip(model);
	let fallbacks = fallbacks.try_into().unwrap();
	let who = by(&CUSTOMER);
	assert_ok!(Aimodel::request(who, out_point, PROVEN, input, PRICE, Some(140), fallbacks));
	for name in names {
		assert_ok!(Aimodel::retire(by(&OWNER), tip(name)));
	}
	next_block();
	(model, NextRequest::<Test>::get() - 1)
}

#[test]
fn the_ends_of_requests_with_fallbacks_weigh_what_they_write() {
	writes_are_weighed("submit_result", || {
		let (_, request) = rich(false);
		System::set_block_number(100);
		let (output, units, proof) = (scores(), None, Some(proof(&WORKER, request)));
		(operator(&WORKER), Call::submit_result { request, output, units, proof })
	});
	writes_are_weighed("expire", || {
		let (_, request) = rich(false);
		System::set_block_number(141);
		(STRANGER, Call::expire { request })
	});
	writes_are_weighed("cancel", || {
		let (_, request) = rich(false);
		System::set_block_number(110);
		(CUSTOMER, Call::cancel { request })
	});
	writes_are_weighed("advance", || {
		let (_, request) = rich(false);
		System::set_block_number(105);
		(CUSTOMER, Call::advance { request })
	});
	writes_are_weighed("advance to a server", || {
		let (_, request) = rich(true);
		System::set_block_number(105);
		(CUSTOMER, Call::advance { request })
	});
}
