//! Whatever anybody does in whatever order: the books balance after every step.

use crate::mock::*;
use aimodel_primitives::traits::{LeaseTerms, WorkerPool};
use frame_support::assert_ok;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Register(AccountId, u128),
	BondMore(AccountId, u128),
	SetOperator(AccountId, AccountId),
	Serve(AccountId, u32, u16),
	Unserve(AccountId, u32),
	Retire(AccountId),
	Withdraw(AccountId),
	Lease { request: u64, index: u32, collateral: u128, obliged: bool },
	Accept(AccountId, u64),
	Release(u64),
	Slash { request: u64, customer: AccountId, compensation: u128 },
	Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
	let who = || ALICE..=DAVE;
	let request = || 0_u64..8;
	let index = || 0_u32..3;
	prop_oneof![
		1 => (who(), 50_u128..400).prop_map(|(who, bond)| Step::Register(who, bond)),
		1 => (who(), 0_u128..200).prop_map(|(who, amount)| Step::BondMore(who, amount)),
		1 => (who(), 1_u64..6).prop_map(|(who, operator)| Step::SetOperator(who, operator)),
		4 => (who(), index(), 0_u16..6).prop_map(|(who, index, n)| Step::Serve(who, index, n)),
		1 => (who(), index()).prop_map(|(who, index)| Step::Unserve(who, index)),
		1 => who().prop_map(Step::Retire),
		1 => who().prop_map(Step::Withdraw),
		6 => (request(), index(), 0_u128..150, any::<bool>()).prop_map(
			|(request, index, collateral, obliged)| {
				Step::Lease { request, index, collateral, obliged }
			}
		),
		2 => (who(), request()).prop_map(|(who, request)| Step::Accept(who, request)),
		2 => request().prop_map(Step::Release),
		2 => (request(), prop_oneof![Just(CUSTOMER), Just(NOBODY), who()], 0_u128..200).prop_map(
			|(request, customer, compensation)| Step::Slash { request, customer, compensation }
		),
		1 => (0_u64..40).prop_map(Step::Wait),
	]
}

/// Does it, and returns what it burned. That a step is refused is as good.
fn take(step: Step) -> u128 {
	let _ = match step {
		Step::Register(who, bond) => Workers::register(signed(who), bond, operator_of(who)),
		Step::BondMore(who, amount) => Workers::bond_more(signed(who), amount),
		Step::SetOperator(who, operator) => Workers::set_operator(signed(who), operator),
		Step::Serve(who, index, n) => Workers::serve(signed(who), version(index), 10, 20, n),
		Step::Unserve(who, index) => Workers::unserve(signed(who), version(index)),
		Step::Retire(who) => Workers::retire(signed(who)),
		Step::Withdraw(who) => Workers::withdraw_bond(signed(who)),
		Step::Lease { request, index, collateral, obliged } => {
			let terms = LeaseTerms {
				version: version(index),
				obliges_at_once: obliged,
				..terms(collateral)
			};
			lease_to_the_drawn(request, &terms);
			Ok(())
		},
		Step::Accept(who, request) => {
			Workers::accept(signed(who), request).map(drop).map_err(|failure| failure.error)
		},
		Step::Release(request) => {
			Workers::release(request);
			Ok(())
		},
		Step::Slash { request, customer, compensation } => {
			return slash(request, customer, compensation);
		},
		Step::Wait(blocks) => {
			advance_to(System::block_number() + blocks);
			Ok(())
		},
	};
	0
}

fn lease_to_the_drawn(request: u64, terms: &LeaseTerms<BlockNumber>) {
	let drawn = Workers::rank(terms, sp_core::H256::from_low_u64_be(request), 2);
	assert_eq!(Workers::capacity(terms) > 0, !drawn.is_empty());
	for who in drawn {
		let is_free = Workers::leased(request).is_none();
		let granted = Workers::lease(request, &who, terms);
		assert_eq!(granted.is_ok(), is_free, "whoever is drawn can take the lease");
	}
}

fn slash(request: u64, customer: AccountId, compensation: u128) -> u128 {
	let lease = Workers::leased(request);
	let Ok(paid) = Workers::slash(request, &customer, compensation) else { return 0 };
	let lease = lease.expect("only a lease is slashed");
	assert!(paid <= compensation.min(lease.collateral));
	if lease.obliged {
		lease.collateral - paid
	} else {
		0
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn the_books_balance_after_every_step(steps in prop::collection::vec(step(), 1..80)) {
		TestExt::execute_with(|| {
			let mut expected = issuance();
			for step in steps {
				expected -= take(step);
				assert_eq!(issuance(), expected, "only what is slashed is burned");
				assert_ok!(Workers::do_try_state());
			}
		});
	}
}
