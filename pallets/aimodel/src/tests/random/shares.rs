//! Who gets what of an amount, in another way than the pallet's.

use super::super::world::*;
use crate::*;
use aimodel_primitives::Payee;
use sp_runtime::{AccountId32, Permill};

/// What the weights of [`Shares`] sum to: a split of a split of a split of a split in millionths.
const WHOLE: u128 = 1_000_000_000_000_000_000_000_000;

/// Unit by unit to whoever is furthest below his share, the first of these.
fn share_out(amount: u128, weights: &[u128]) -> Vec<u128> {
	let whole: u128 = weights.iter().sum();
	let due: Vec<_> = weights.iter().map(|weight| amount * weight).collect();
	let floors: Vec<_> = due.iter().map(|due| due / whole).collect();
	let mut parts = floors.clone();
	for _ in 0..amount - floors.iter().sum::<u128>() {
		let ungiven = (0..weights.len()).filter(|at| parts[*at] == floors[*at]);
		let next = ungiven.rev().max_by_key(|at| due[*at] - floors[*at] * whole);
		parts[next.expect("fewer units than roles")] += 1;
	}
	parts
}

/// Who shares in what a model earns, after the platform.
#[derive(Clone, Debug)]
pub(super) struct Shares {
	worker: u128,
	others: Vec<(AccountId32, u128)>,
}

/// An amount that was divided.
pub(super) struct Parts {
	pub(super) platform: Balance,
	pub(super) worker: Balance,
	pub(super) others: Vec<(AccountId32, Balance)>,
}

impl Shares {
	/// Of an answer.
	pub(super) fn of_answer(model: ModelId) -> Self {
		let split = Outputs::<Test>::get(tip(model)).unwrap().content.split;
		let worker = u128::from(split.worker.deconstruct()) * (WHOLE / 1_000_000);
		let others = if split.beneficiaries.is_empty() {
			Vec::new()
		} else {
			followed(model, WHOLE - worker)
		};
		Self { worker, others }
	}

	/// Of what no worker shares in.
	pub(super) fn of_owner(model: ModelId) -> Self {
		Self { worker: 0, others: followed(model, WHOLE) }
	}

	pub(super) fn divide(&self, amount: Balance, platform: Permill) -> Parts {
		let platform = amount * Balance::from(platform.deconstruct()) / 1_000_000;
		let weights: Vec<_> = [self.worker]
			.into_iter()
			.chain(self.others.iter().map(|(_, weight)| *weight))
			.collect();
		let mut parts = share_out(amount - platform, &weights).into_iter();
		let worker = parts.next().unwrap();
		let others = self.others.iter().map(|(who, _)| who.clone()).zip(parts).collect();
		Parts { platform, worker, others }
	}
}

/// Where a weight leads that the owner's side of a model has: each model that a split names is replaced
/// by those that its own names, until there are accounts only. What is gone is its heir's: the owner of
/// the model that names it.
fn followed(model: ModelId, weight: u128) -> Vec<(AccountId32, u128)> {
	let mut named = vec![(Payee::Model(model), None, weight)];
	let is_model = |(payee, ..): &(Payee<_>, _, _)| matches!(payee, Payee::Model(_));
	while let Some(at) = named.iter().position(is_model) {
		let (Payee::Model(model), heir, weight) = named.remove(at) else { unreachable!() };
		let output = Tips::<Test>::get(model).and_then(Outputs::<Test>::get);
		let instead = match output.map(|output| output.content) {
			None => vec![(Payee::Account(heir.expect("the first is live")), None, weight)],
			Some(content) if content.split.beneficiaries.is_empty() => {
				vec![(Payee::Account(content.owner), None, weight)]
			},
			Some(content) => {
				let payees = content.split.beneficiaries;
				let shares = payees.iter().map(|(_, share)| share.deconstruct().into());
				let parts = share_out(weight, &shares.collect::<Vec<_>>());
				let heir = Some(content.owner);
				let with = |((payee, _), part)| (payee, heir.clone(), part);
				payees.into_iter().zip(parts).map(with).collect()
			},
		};
		named.splice(at..at, instead);
	}
	let mut others = Vec::<(AccountId32, u128)>::new();
	for (payee, _, weight) in named {
		let Payee::Account(who) = payee else { unreachable!() };
		match others.iter_mut().find(|(other, _)| *other == who) {
			Some((_, sum)) => *sum += weight,
			None => others.push((who, weight)),
		}
	}
	others
}
