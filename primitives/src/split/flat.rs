//! Following the models that a split names to accounts.

use super::{largest_remainder, Division, Payee, RevenueSplit, SplitError};
use crate::{Balance, ModelId};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::{BoundedVec, PerThing, Permill};

/// The most models in a row: a model, its base, the base of that one, and so on.
pub const MAX_DEPTH: u32 = 4;

/// The most payees that a split leads to, each path counted.
pub const MAX_PAYEES: u32 = 32;

/// What the weights of a [`FlatSplit`] sum to: `10^6` to the power of [`MAX_DEPTH`], so that the
/// smallest share of the smallest share still has a weight.
pub const WHOLE: u128 = (Permill::ACCURACY as u128).pow(MAX_DEPTH);

const MILLIONTH: u128 = (Permill::ACCURACY as u128).pow(MAX_DEPTH - 1);

/// A live model, as a split sees it that names it.
#[derive(Clone, Debug)]
pub struct Source<AccountId> {
	/// Its owner.
	pub owner: AccountId,
	/// Its split.
	pub split: RevenueSplit<AccountId>,
}

/// Who is paid in the end, by weights that sum to [`WHOLE`].
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct FlatSplit<AccountId> {
	/// The weight of whoever did the work.
	pub worker: u128,
	/// Everybody else: account and weight, no account twice.
	pub payees: BoundedVec<(AccountId, u128), ConstU32<MAX_PAYEES>>,
}

impl<AccountId: Clone + Eq> FlatSplit<AccountId> {
	/// Follows the split of `model` to accounts. `lookup` finds live models.
	///
	/// What a model is paid goes to its owner's side: its worker did nothing for this answer. A model
	/// can not be followed if that would close a cycle, or exceed [`MAX_DEPTH`] or [`MAX_PAYEES`]: its
	/// owner has its share undivided. The share of a model that is gone falls to the owner of the model
	/// that names it.
	pub fn flatten(
		model: ModelId,
		source: Source<AccountId>,
		lookup: impl FnMut(&ModelId) -> Option<Source<AccountId>>,
	) -> Self {
		let worker = weight(source.split.worker);
		let mut walk = Walk { lookup, strict: false, path: Vec::new(), payees: Vec::new() };
		// Only a strict walk can fail.
		let _ = walk.pay_beneficiaries(model, source, WHOLE.saturating_sub(worker));
		Self { worker, payees: merged(walk.payees) }
	}

	/// The same for what `model` earns without a worker.
	pub fn owners_side(
		model: ModelId,
		source: Source<AccountId>,
		lookup: impl FnMut(&ModelId) -> Option<Source<AccountId>>,
	) -> Self {
		let mut walk = Walk { lookup, strict: false, path: Vec::new(), payees: Vec::new() };
		let _ = walk.pay_owners_side(model, source, WHOLE, MAX_PAYEES as usize);
		Self { worker: 0, payees: merged(walk.payees) }
	}

	/// Checks a split that `model` is about to have: that every model which it names is live, and that
	/// all can be followed.
	pub fn check(
		model: ModelId,
		source: Source<AccountId>,
		lookup: impl FnMut(&ModelId) -> Option<Source<AccountId>>,
	) -> Result<(), SplitError> {
		let mut walk = Walk { lookup, strict: true, path: Vec::new(), payees: Vec::new() };
		walk.pay_beneficiaries(model, source, WHOLE)
	}

	/// Whether weights are positive and sum to the whole.
	pub fn is_sound(&self) -> bool {
		let weights = self.payees.iter().map(|(_, weight)| *weight);
		let sum = weights.clone().try_fold(self.worker, u128::checked_add);
		weights.into_iter().all(|weight| weight > 0) && sum == Some(WHOLE)
	}

	/// Divides `amount`: the platform's share first, rounded down, then the remainder by weights.
	pub fn divide(&self, amount: Balance, platform_share: Permill) -> Division {
		let platform = platform_share.mul_floor(amount);
		let payees = self.payees.iter().map(|(_, weight)| *weight);
		let weights: Vec<_> = core::iter::once(self.worker).chain(payees).collect();
		let mut parts = largest_remainder(amount.saturating_sub(platform), &weights).into_iter();
		Division { platform, worker: parts.next().unwrap_or(0), payees: parts.collect() }
	}
}

fn weight(share: Permill) -> u128 {
	u128::from(share.deconstruct()).saturating_mul(MILLIONTH)
}

/// One entry for each account, in the order of the first.
fn merged<AccountId: Eq>(
	payees: Vec<(AccountId, u128)>,
) -> BoundedVec<(AccountId, u128), ConstU32<MAX_PAYEES>> {
	let mut merged = Vec::<(AccountId, u128)>::with_capacity(payees.len());
	for (who, weight) in payees {
		match merged.iter_mut().find(|(other, _)| *other == who) {
			Some((_, sum)) => *sum = sum.saturating_add(weight),
			None => merged.push((who, weight)),
		}
	}
	BoundedVec::truncate_from(merged)
}

/// A walk along the models that a split leads to. Every step makes room for a payee at least, so
/// that there are at most `MAX_PAYEES · MAX_DEPTH`.
struct Walk<AccountId, Lookup> {
	lookup: Lookup,
	/// Whether what can not be followed is an error.
	strict: bool,
	/// The models from the first to the one whose beneficiaries are paid now.
	path: Vec<ModelId>,
	payees: Vec<(AccountId, u128)>,
}

impl<AccountId: Clone, Lookup> Walk<AccountId, Lookup>
where
	Lookup: FnMut(&ModelId) -> Option<Source<AccountId>>,
{
	/// Divides a weight among the beneficiaries of the first model.
	fn pay_beneficiaries(
		&mut self,
		model: ModelId,
		source: Source<AccountId>,
		weight: u128,
	) -> Result<(), SplitError> {
		if source.split.beneficiaries.is_empty() {
			return Ok(());
		}
		self.pay_owners_side(model, source, weight, MAX_PAYEES as usize)
	}

	/// Divides a weight among the owner's side of a model, with `room` for so many payees.
	fn pay_owners_side(
		&mut self,
		model: ModelId,
		Source { owner, split }: Source<AccountId>,
		weight: u128,
		room: usize,
	) -> Result<(), SplitError> {
		if split.beneficiaries.is_empty() {
			self.payees.push((owner, weight));
			return Ok(());
		}
		let shares = split.beneficiaries.iter().map(|(_, share)| share.deconstruct().into());
		let parts = largest_remainder(weight, &shares.collect::<Vec<_>>());
		let end = self.payees.len().saturating_add(room);
		let mut later = split.beneficiaries.len();
		self.path.push(model);
		for ((payee, _), part) in split.beneficiaries.into_iter().zip(parts) {
			later = later.saturating_sub(1);
			match payee {
				Payee::Account(who) => self.payees.push((who, part)),
				Payee::Model(base) => {
					let room = end.saturating_sub(self.payees.len()).saturating_sub(later);
					self.pay_model(base, &owner, part, room)?;
				},
			}
		}
		self.path.pop();
		Ok(())
	}

	/// Gives a weight to a model which one of `heir` names.
	fn pay_model(
		&mut self,
		model: ModelId,
		heir: &AccountId,
		weight: u128,
		room: usize,
	) -> Result<(), SplitError> {
		let cyclic = self.path.contains(&model);
		if cyclic && self.strict {
			return Err(SplitError::Cycle);
		}
		let Some(source) = (self.lookup)(&model) else {
			// Only who names a model answers for it.
			if self.strict && self.path.len() == 1 {
				return Err(SplitError::UnknownModel);
			}
			self.payees.push((heir.clone(), weight));
			return Ok(());
		};
		let refused = if cyclic {
			SplitError::Cycle
		} else if self.path.len() >= MAX_DEPTH as usize {
			SplitError::TooDeep
		} else if source.split.beneficiaries.len() > room {
			SplitError::TooManyPayees
		} else {
			return self.pay_owners_side(model, source, weight, room);
		};
		if self.strict {
			return Err(refused);
		}
		self.payees.push((source.owner, weight));
		Ok(())
	}
}

#[cfg(test)]
mod tests;
