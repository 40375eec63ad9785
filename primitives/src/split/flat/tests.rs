use super::*;
use crate::split::MAX_BENEFICIARIES;
use proptest::prelude::*;
use sp_core::H256;
use std::{cell::Cell, collections::BTreeMap};

const HALF: u32 = 500_000;

type Models = BTreeMap<ModelId, Source<u16>>;

/// The model of this number. Its owner is 1,000 and the number.
fn id(number: u8) -> ModelId {
	H256::repeat_byte(number)
}

fn account(who: u16) -> Payee<u16> {
	Payee::Account(who)
}

fn model(number: u8) -> Payee<u16> {
	Payee::Model(id(number))
}

fn source(number: u8, worker: u32, beneficiaries: &[(Payee<u16>, u32)]) -> Source<u16> {
	let share = |(payee, parts): &(Payee<u16>, u32)| (payee.clone(), Permill::from_parts(*parts));
	let beneficiaries: Vec<_> = beneficiaries.iter().map(share).collect();
	let worker = Permill::from_parts(worker);
	let split = RevenueSplit { worker, beneficiaries: beneficiaries.try_into().unwrap() };
	assert_eq!(split.validate(), Ok(()));
	Source { owner: 1_000 + u16::from(number), split }
}

fn models(sources: Vec<(u8, Source<u16>)>) -> Models {
	sources.into_iter().map(|(number, source)| (id(number), source)).collect()
}

/// Model 0 names 1, which names 2, and so on to the last, which names an account.
fn chain(length: u8) -> Models {
	let next = |number| if number + 1 == length { account(7) } else { model(number + 1) };
	models((0..length).map(|i| (i, source(i, HALF, &[(next(i), HALF)]))).collect())
}

fn flat(models: &Models, number: u8) -> FlatSplit<u16> {
	let lookup = |id: &ModelId| models.get(id).cloned();
	FlatSplit::flatten(id(number), models[&id(number)].clone(), lookup)
}

fn check(models: &Models, number: u8) -> Result<(), SplitError> {
	let lookup = |id: &ModelId| models.get(id).cloned();
	FlatSplit::check(id(number), models[&id(number)].clone(), lookup)
}

/// What each account is paid of an amount without a platform; the worker is account 0.
fn paid(split: &FlatSplit<u16>, amount: Balance) -> BTreeMap<u16, Balance> {
	let Division { platform, worker, payees } = split.divide(amount, Permill::zero());
	assert_eq!(platform, 0);
	let payees = split.payees.iter().map(|(who, _)| *who).zip(payees);
	core::iter::once((0, worker)).chain(payees).collect()
}

#[test]
fn shares_of_accounts_are_divided_as_they_are() {
	let alone =
		models(vec![(0, source(0, 333_334, &[(account(1), 333_333), (account(2), 333_333)]))]);
	assert_eq!(paid(&flat(&alone, 0), 2), BTreeMap::from([(0, 1), (1, 1), (2, 0)]));
	let division = flat(&alone, 0).divide(9, Permill::from_percent(30));
	assert_eq!((division.platform, division.worker, division.payees), (2, 3, vec![2, 2]));
}

#[test]
fn a_split_may_leave_all_to_the_worker() {
	let generous = models(vec![(0, source(0, 1_000_000, &[]))]);
	assert_eq!(paid(&flat(&generous, 0), 9), BTreeMap::from([(0, 9)]));
}

#[test]
fn a_base_model_is_paid_through_its_own_split_without_its_worker() {
	let tuned = models(vec![
		(0, source(0, HALF, &[(account(1), 300_000), (model(1), 200_000)])),
		// Of the base's beneficiaries, one has three times what the other has.
		(1, source(1, 600_000, &[(account(2), 300_000), (account(3), 100_000)])),
	]);
	assert_eq!(check(&tuned, 0), Ok(()));
	let expected = BTreeMap::from([(0, 500), (1, 300), (2, 150), (3, 50)]);
	assert_eq!(paid(&flat(&tuned, 0), 1_000), expected);
}

#[test]
fn a_base_model_without_beneficiaries_pays_its_owner() {
	let tuned =
		models(vec![(0, source(0, HALF, &[(model(1), HALF)])), (1, source(1, 1_000_000, &[]))]);
	assert_eq!(paid(&flat(&tuned, 0), 10), BTreeMap::from([(0, 5), (1_001, 5)]));
}

#[test]
fn an_account_on_several_paths_is_one_payee() {
	let tuned = models(vec![
		(0, source(0, HALF, &[(account(1), 250_000), (model(1), 250_000)])),
		(1, source(1, HALF, &[(account(1), HALF)])),
	]);
	let split = flat(&tuned, 0);
	assert_eq!((split.payees.len(), paid(&split, 10)), (1, BTreeMap::from([(0, 5), (1, 5)])));
}

#[test]
fn the_owners_side_leaves_the_worker_out() {
	let tuned = models(vec![
		(0, source(0, 900_000, &[(account(1), 75_000), (model(1), 25_000)])),
		(1, source(1, 1_000_000, &[])),
	]);
	let side = |number: u8| {
		let lookup = |id: &ModelId| tuned.get(id).cloned();
		FlatSplit::owners_side(id(number), tuned[&id(number)].clone(), lookup)
	};
	assert_eq!(paid(&side(0), 100), BTreeMap::from([(0, 0), (1, 75), (1_001, 25)]));
	assert_eq!(paid(&side(1), 100), BTreeMap::from([(0, 0), (1_001, 100)]));
}

#[test]
fn the_share_of_a_closed_model_falls_to_the_owner_who_names_it() {
	let mut tuned = chain(3);
	tuned.remove(&id(2));
	assert_eq!(paid(&flat(&tuned, 0), 10), BTreeMap::from([(0, 5), (1_001, 5)]));
	assert_eq!(check(&tuned, 0), Ok(()), "model 1 has to answer for it");
	assert_eq!(check(&tuned, 1), Err(SplitError::UnknownModel));
}

#[test]
fn a_chain_may_be_so_deep_and_no_deeper() {
	let deepest = chain(MAX_DEPTH as u8);
	assert_eq!(check(&deepest, 0), Ok(()));
	assert_eq!(paid(&flat(&deepest, 0), 10), BTreeMap::from([(0, 5), (7, 5)]));
	let deeper = chain(MAX_DEPTH as u8 + 1);
	assert_eq!(check(&deeper, 0), Err(SplitError::TooDeep));
	assert_eq!(check(&deeper, 1), Ok(()));
	let last_owner = 1_000 + MAX_DEPTH as u16;
	assert_eq!(paid(&flat(&deeper, 0), 10), BTreeMap::from([(0, 5), (last_owner, 5)]));
}

#[test]
fn the_smallest_share_of_the_smallest_share_has_a_weight() {
	let smallest = |number: u8| {
		let next = if number + 1 == MAX_DEPTH as u8 { account(7) } else { model(number + 1) };
		// The rest goes to an account, so that the base's share is not made whole again.
		(number, source(number, 1, &[(next, 1), (account(8), 999_998)]))
	};
	let split = flat(&models((0..MAX_DEPTH as u8).map(smallest).collect()), 0);
	assert!(split.is_sound());
	assert!(split.payees.contains(&(7, 1)));
}

/// A model whose beneficiaries are so many accounts from a first one on.
fn crowd(number: u8, first: u16, size: u16) -> (u8, Source<u16>) {
	let share = |i| (account(first + i), 1_000);
	let shares: Vec<_> = (0..size).map(share).collect();
	(number, source(number, 1_000_000 - 1_000 * u32::from(size), &shares))
}

#[test]
fn payees_are_capped_and_owners_stand_for_the_rest() {
	let all = MAX_BENEFICIARIES as u16;
	let bases = |first: u8, second: u8| {
		let shares = [(model(first), 250_000), (model(second), 250_000), (account(1), 1)];
		source(0, 499_999, &shares)
	};
	let mut full = models(vec![crowd(1, 100, all), crowd(2, 200, all - 1), crowd(3, 300, all)]);
	full.insert(id(0), bases(1, 2));
	assert_eq!(check(&full, 0), Ok(()));
	assert_eq!(flat(&full, 0).payees.len(), MAX_PAYEES as usize);

	full.insert(id(0), bases(1, 3));
	assert_eq!(check(&full, 0), Err(SplitError::TooManyPayees));
	let paid = paid(&flat(&full, 0), 4_000_000);
	assert_eq!((paid[&100], paid[&1_003], paid[&1]), (62_500, 1_000_000, 4));
}

#[test]
fn cycles_of_every_length_are_refused() {
	for length in 1..=MAX_DEPTH as u8 + 3 {
		let mut models = chain(length);
		models.insert(id(length - 1), source(length - 1, HALF, &[(model(0), HALF)]));
		let expected =
			if length <= MAX_DEPTH as u8 { SplitError::Cycle } else { SplitError::TooDeep };
		for number in 0..length {
			assert_eq!(check(&models, number), Err(expected), "{length} from {number}");
			assert!(flat(&models, number).is_sound());
		}
	}
}

#[test]
fn a_cycle_through_a_model_that_is_not_yet_live_is_refused() {
	let mut models = models(vec![(1, source(1, HALF, &[(model(0), HALF)]))]);
	let new = source(0, HALF, &[(model(1), HALF)]);
	let lookup = |id: &ModelId| models.get(id).cloned();
	assert_eq!(FlatSplit::check(id(0), new.clone(), lookup), Err(SplitError::Cycle));
	models.insert(id(0), new);
	assert_eq!(check(&models, 0), Err(SplitError::Cycle));
}

/// Nine models that name each other, themselves, closed ones, and so many times as many accounts.
fn any_models(accounts: u32) -> impl Strategy<Value = Models> {
	let payee = prop_oneof![
		accounts => (1..20u16).prop_map(account),
		1 => (0..12u8).prop_map(model),
	];
	let sides = prop::collection::vec(prop::collection::btree_set(payee, 0..=16), 9);
	let cuts = prop::collection::vec(prop::collection::btree_set(1..1_000_000u32, 16), 9);
	(sides, cuts).prop_map(|(sides, cuts)| {
		let build = |(number, (side, cuts)): (u8, (_, std::collections::BTreeSet<u32>))| {
			let side: Vec<Payee<u16>> = Vec::from_iter::<std::collections::BTreeSet<_>>(side);
			let mut edges = vec![0];
			edges.extend(cuts.into_iter().take(side.len()));
			edges.push(1_000_000);
			let shares: Vec<_> = edges.windows(2).map(|pair| pair[1] - pair[0]).collect();
			let beneficiaries: Vec<_> = side.into_iter().zip(shares[1..].iter().copied()).collect();
			(number, source(number, shares[0], &beneficiaries))
		};
		models((0..).zip(sides.into_iter().zip(cuts)).map(build).collect())
	})
}

proptest! {
	#[test]
	fn the_parts_sum_to_the_whole_and_everybody_has_a_share(
		models in any_models(1),
		amount: u128,
		platform in 0..=1_000_000u32,
	) {
		for number in 0..9 {
			let split = flat(&models, number);
			prop_assert!(split.is_sound());
			let division = split.divide(amount, Permill::from_parts(platform));
			let parts = division.payees.iter().sum::<u128>() + division.worker;
			prop_assert_eq!(division.platform + parts, amount);
			let side = FlatSplit::owners_side(id(number), models[&id(number)].clone(), |id| {
				models.get(id).cloned()
			});
			prop_assert!(side.is_sound() && side.worker == 0);
		}
	}

	#[test]
	fn a_walk_is_bounded(models in any_models(1)) {
		let lookups = Cell::new(0);
		let lookup = |id: &ModelId| {
			lookups.set(lookups.get() + 1);
			models.get(id).cloned()
		};
		FlatSplit::flatten(id(0), models[&id(0)].clone(), lookup);
		prop_assert!(lookups.get() <= MAX_BENEFICIARIES + (MAX_DEPTH - 1) * MAX_PAYEES);
	}

	#[test]
	fn the_worker_has_its_share_whoever_else_has(models in any_models(1)) {
		for (id, source) in &models {
			let lookup = |id: &ModelId| models.get(id).cloned();
			let split = FlatSplit::flatten(*id, source.clone(), lookup);
			let share = u128::from(source.split.worker.deconstruct());
			prop_assert_eq!(split.worker * 1_000_000, share * WHOLE);
		}
	}

	#[test]
	fn the_order_of_beneficiaries_matters_by_units_at_most(
		models in any_models(12),
		amount in 0..1u128 << 60,
		turn in 0..16usize,
	) {
		prop_assume!(check(&models, 0).is_ok());
		let mut turned = models.clone();
		let shares = &mut turned.get_mut(&id(0)).unwrap().split.beneficiaries;
		let turn = turn % shares.len().max(1);
		shares.as_mut().rotate_left(turn);
		let (one, other) = (paid(&flat(&models, 0), amount), paid(&flat(&turned, 0), amount));
		prop_assert_eq!(one.values().sum::<u128>(), other.values().sum::<u128>());
		prop_assert!(one.keys().eq(other.keys()));
		// Both are off the exact part by less than a unit.
		prop_assert!(one.values().zip(other.values()).all(|(a, b)| a.abs_diff(*b) < 2));
	}
}
