//! Who is drawn first, where requests of a block wait for the same workers.

use super::{plans::*, world::*};
use crate::*;
use aimodel_primitives::pricing::Offer;
use frame_support::{assert_noop, assert_ok, storage::with_storage_layer};
use sp_runtime::{AccountId32, DispatchResult};

const TRIAL: u32 = 0;
const STANDARD: u32 = 1;
const ENTERPRISE: u32 = 3;

/// A digits model that sells every tier, for 1,000 each but the trial, with so many slots.
fn tiered(slots: u16) -> ModelId {
	let (model, _) = deploy_served_digits();
	let version = VersionId { model, index: 0 };
	assert_ok!(Workers::serve(by(&WORKER), version, 0, LEASE.into(), slots));
	let offer = |tier| {
		let price = if tier == Tier::Trial { 0 } else { 1_000 };
		let plan =
			Plan { period: 200, price, quota: Some(50), grace: 0, service: None, limits: None };
		Offer { plan, tier, to: None }
	};
	let tiers = [Tier::Trial, Tier::Standard, Tier::Professional, Tier::Enterprise];
	set_plans(model, tiers.map(offer).to_vec());
	assert_ok!(Aimodel::fund_pot(by(&OWNER), model, 50_000));
	model
}

fn joins(who: &AccountId32, model: ModelId, plan: u32) {
	assert_ok!(Aimodel::subscribe(by(who), tip(model), plan));
}

fn try_plan(who: &AccountId32, model: ModelId) -> DispatchResult {
	let deadline = Some(System::block_number() + 60);
	with_storage_layer(|| Aimodel::request_by_plan(by(who), tip(model), PROVEN, image(), deadline))
		.plain()
}

fn plans(who: &AccountId32, model: ModelId) -> RequestId {
	assert_ok!(try_plan(who, model));
	NextRequest::<Test>::get() - 1
}

fn try_buy(who: &AccountId32, model: ModelId) -> DispatchResult {
	with_storage_layer(|| {
		Aimodel::request(by(who), tip(model), PROVEN, image(), PRICE, None, Default::default())
	})
	.plain()
}

fn buys(who: &AccountId32, model: ModelId) -> RequestId {
	assert_ok!(try_buy(who, model));
	NextRequest::<Test>::get() - 1
}

fn served(request: RequestId) -> bool {
	holder(request).is_some()
}

#[test]
fn the_enterprise_customer_is_served_before_an_earlier_trial() {
	run(|| {
		let model = tiered(1);
		joins(&CUSTOMER, model, TRIAL);
		joins(&STRANGER, model, ENTERPRISE);
		let earlier = plans(&CUSTOMER, model);
		let later = plans(&STRANGER, model);
		next_block();
		assert_eq!((served(earlier), served(later)), (false, true));
		// It waits for nothing but a free slot.
		assert_ok!(answer(&WORKER, later));
		advance_to(7);
		assert!(served(earlier));
		assert_ok!(answer(&WORKER, earlier));
	});
}

#[test]
fn a_request_counts_on_what_it_is_drawn_before() {
	run(|| {
		let model = tiered(1);
		joins(&CUSTOMER, model, TRIAL);
		joins(&STRANGER, model, ENTERPRISE);
		plans(&STRANGER, model);
		// There is no place behind a higher tier, nor behind the same one.
		assert_noop!(try_plan(&CUSTOMER, model), Error::<Test>::NoCapacity);
		assert_noop!(try_plan(&STRANGER, model), Error::<Test>::NoCapacity);
	});
}

#[test]
fn within_a_tier_the_earlier_is_drawn_first() {
	run(|| {
		let model = tiered(2);
		joins(&CUSTOMER, model, STANDARD);
		joins(&AUTHOR, model, TRIAL);
		joins(&STRANGER, model, ENTERPRISE);
		let trial = plans(&AUTHOR, model);
		let standard = [plans(&CUSTOMER, model), plans(&CUSTOMER, model)];
		let enterprise = plans(&STRANGER, model);
		let order: Vec<_> = Waiting::<Test>::get().into_iter().map(|(id, ..)| id).collect();
		assert_eq!(order, [enterprise, standard[0], standard[1], trial]);
		next_block();
		let first = [enterprise, standard[0], standard[1], trial].map(served);
		assert_eq!(first, [true, true, false, false]);
	});
}

#[test]
fn those_that_wait_on_are_drawn_by_tier_again() {
	run(|| {
		let model = tiered(2);
		joins(&CUSTOMER, model, STANDARD);
		joins(&AUTHOR, model, TRIAL);
		joins(&STRANGER, model, ENTERPRISE);
		let trials = [plans(&AUTHOR, model), plans(&AUTHOR, model)];
		let standard = [plans(&CUSTOMER, model), plans(&CUSTOMER, model)];
		let enterprise = [plans(&STRANGER, model), plans(&STRANGER, model)];
		for expected in [enterprise, standard, trials] {
			advance_to(System::block_number() + 5);
			let all = [enterprise, standard, trials].concat();
			let now: Vec<_> = all.into_iter().filter(|id| served(*id)).collect();
			assert_eq!(now, expected);
			for id in expected {
				assert_ok!(answer(&WORKER, id));
			}
		}
	});
}

#[test]
fn who_pays_a_fee_is_standard_at_least() {
	run(|| {
		let model = tiered(100);
		let priority = |request| Requests::<Test>::get(request).unwrap().priority;
		assert_eq!(priority(buys(&OWNER, model)), Tier::Standard);
		joins(&CUSTOMER, model, TRIAL);
		assert_eq!(priority(buys(&CUSTOMER, model)), Tier::Standard);
		assert_eq!(priority(plans(&CUSTOMER, model)), Tier::Trial);
		joins(&STRANGER, model, ENTERPRISE);
		assert_eq!(priority(buys(&STRANGER, model)), Tier::Enterprise);
	});
}

#[test]
fn a_higher_tier_takes_nobodys_lease() {
	run(|| {
		let model = tiered(1);
		joins(&CUSTOMER, model, TRIAL);
		joins(&STRANGER, model, ENTERPRISE);
		let trial = plans(&CUSTOMER, model);
		next_block();
		assert!(served(trial));
		assert_noop!(try_plan(&STRANGER, model), Error::<Test>::NoCapacity);
	});
}

#[test]
fn a_full_block_is_full_for_everybody() {
	run(|| {
		let model = tiered(100);
		joins(&CUSTOMER, model, TRIAL);
		joins(&STRANGER, model, ENTERPRISE);
		for _ in 0..16 {
			plans(&CUSTOMER, model);
		}
		assert_noop!(try_plan(&STRANGER, model), Error::<Test>::BlockFull);
	});
}

#[test]
fn a_request_that_is_cancelled_leaves_the_others_in_order() {
	run(|| {
		let model = tiered(100);
		joins(&CUSTOMER, model, TRIAL);
		joins(&STRANGER, model, ENTERPRISE);
		let trials = [plans(&CUSTOMER, model), plans(&CUSTOMER, model)];
		let enterprise = plans(&STRANGER, model);
		assert_ok!(Aimodel::cancel(by(&CUSTOMER), trials[0]));
		let order: Vec<_> = Waiting::<Test>::get().into_iter().map(|(id, ..)| id).collect();
		assert_eq!(order, [enterprise, trials[1]]);
	});
}

#[test]
fn turns_are_ordered_as_they_are_stored() {
	use codec::Encode;
	let tiers = [Tier::Enterprise, Tier::Professional, Tier::Standard, Tier::Trial];
	let turns: Vec<_> = tiers
		.into_iter()
		.flat_map(|tier| [0, 1, 255, 256, u64::MAX].map(|id| Turn::new(tier, id)))
		.collect();
	assert!(turns.windows(2).all(|pair| pair[0].encode() < pair[1].encode()));
	assert!(turns.iter().all(|turn| Turn::new(Tier::Trial, turn.request()) >= *turn));
}
