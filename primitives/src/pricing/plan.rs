//! What an owner sells by the period, and to whom.

use super::ServiceTerms;
use crate::{access::AccountLimits, Balance};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::BoundedVec;

/// The most plans of one model.
pub const MAX_PLANS: u32 = 8;

/// Calls by the period, for one price.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Plan {
	/// Blocks of a period.
	pub period: u32,
	/// For each period, paid when it begins. Zero for a trial.
	pub price: Balance,
	/// Calls in each period, if they are limited.
	pub quota: Option<u64>,
	/// Blocks after a period in which it can still be renewed. No call is covered in them, but once
	/// renewed, the next period counts from the last one's end; so this bounds how many periods one
	/// renewal can charge for.
	pub grace: u32,
	/// What is promised of the service, also for requests that the customer pays by fee.
	pub service: Option<ServiceTerms>,
	/// How many requests an account may make, in place of the model's limits for each account.
	pub limits: Option<AccountLimits>,
}

/// What a plan promises its customers, from the least on.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	Debug,
	TypeInfo,
)]
pub enum Tier {
	/// For nothing: one period, with a quota, once for each account and model.
	Trial,
	/// The usual one.
	Standard,
	/// Above it.
	Professional,
	/// Above all, mostly offered to one account.
	Enterprise,
}

/// A plan that an owner offers.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Offer<AccountId> {
	/// What is offered.
	pub plan: Plan,
	/// What it promises.
	pub tier: Tier,
	/// The one account that may accept it, by subscribing. Everybody, if none is named.
	pub to: Option<AccountId>,
}

/// The plans of a model.
pub type Plans<AccountId> = BoundedVec<Offer<AccountId>, ConstU32<MAX_PLANS>>;

/// Why a plan is refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum PlanError {
	/// A period of no blocks.
	ZeroPeriod,
	/// A quota of no calls.
	ZeroQuota,
	/// A period longer than is allowed.
	PeriodTooLong,
	/// A grace longer than the period, or than is allowed.
	GraceTooLong,
	/// A trial that costs something.
	TrialPriced,
	/// A trial without a quota.
	TrialUnlimited,
}

impl<AccountId: PartialEq> Offer<AccountId> {
	/// Whether `who` may accept it.
	pub fn is_for(&self, who: &AccountId) -> bool {
		self.to.as_ref().is_none_or(|to| to == who)
	}

	/// Checks the plan, whose period and grace are no longer than the longest allowed, and that a
	/// trial is free and has a quota.
	///
	/// A grace is no longer than its period: a renewal never charges for more than one.
	pub fn validate(&self, longest_period: u32, longest_grace: u32) -> Result<(), PlanError> {
		let Plan { period, price, quota, grace, .. } = self.plan;
		self.plan.validate()?;
		if period > longest_period {
			return Err(PlanError::PeriodTooLong);
		}
		if grace > period || grace > longest_grace {
			return Err(PlanError::GraceTooLong);
		}
		match self.tier {
			Tier::Trial if price > 0 => Err(PlanError::TrialPriced),
			Tier::Trial if quota.is_none() => Err(PlanError::TrialUnlimited),
			_ => Ok(()),
		}
	}
}

impl Plan {
	/// Checks that a period has blocks, and that its quota has calls.
	pub fn validate(&self) -> Result<(), PlanError> {
		if self.period == 0 {
			return Err(PlanError::ZeroPeriod);
		}
		if self.quota == Some(0) {
			return Err(PlanError::ZeroQuota);
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn empty_plans_are_refused() {
		let plan = Plan { period: 1, price: 0, quota: None, grace: 0, service: None, limits: None };
		assert_eq!(plan.validate(), Ok(()));
		assert_eq!(Plan { period: 0, ..plan }.validate(), Err(PlanError::ZeroPeriod));
		assert_eq!(Plan { quota: Some(0), ..plan }.validate(), Err(PlanError::ZeroQuota));
	}

	#[test]
	fn tiers_are_ordered() {
		let ascending = [Tier::Trial, Tier::Standard, Tier::Professional, Tier::Enterprise];
		assert!(ascending.is_sorted());
		assert!(Tier::Trial < Tier::Enterprise);
	}

	#[test]
	fn unsound_offers_are_refused() {
		let sound =
			Plan { period: 10, price: 5, quota: Some(1), grace: 4, service: None, limits: None };
		let validate = |tier, plan| Offer::<u8> { plan, tier, to: None }.validate(20, 4);
		assert_eq!(validate(Tier::Standard, sound), Ok(()));
		let refused = [
			(Tier::Standard, Plan { period: 0, ..sound }, PlanError::ZeroPeriod),
			(Tier::Standard, Plan { quota: Some(0), ..sound }, PlanError::ZeroQuota),
			(Tier::Standard, Plan { period: 21, ..sound }, PlanError::PeriodTooLong),
			(Tier::Standard, Plan { grace: 5, ..sound }, PlanError::GraceTooLong),
			(Tier::Standard, Plan { period: 3, ..sound }, PlanError::GraceTooLong),
			(Tier::Trial, sound, PlanError::TrialPriced),
			(Tier::Trial, Plan { price: 0, quota: None, ..sound }, PlanError::TrialUnlimited),
		];
		for (tier, plan, error) in refused {
			assert_eq!(validate(tier, plan), Err(error));
		}
		assert_eq!(validate(Tier::Trial, Plan { price: 0, ..sound }), Ok(()));
		assert_eq!(validate(Tier::Standard, Plan { price: 0, quota: None, ..sound }), Ok(()));
	}

	#[test]
	fn a_private_offer_is_for_one_account() {
		let plan = Plan { period: 1, price: 0, quota: None, grace: 0, service: None, limits: None };
		let offer = |to| Offer { plan, tier: Tier::Enterprise, to };
		assert!(offer(None).is_for(&1) && offer(Some(1)).is_for(&1));
		assert!(!offer(Some(1)).is_for(&2));
	}
}
