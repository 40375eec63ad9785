//! What models merit, reckoned from all that was fed and all that was merited since the beginning.

use super::super::world::*;
use crate::*;
use sp_runtime::Permill;
use std::collections::{BTreeMap, BTreeSet};

/// Blocks of an era.
pub(super) const ERA: u32 = 50;
/// The current era, and those that can be claimed.
const KEPT: u32 = 3;

#[derive(Default)]
pub(super) struct Incentives {
	pub(super) share: Permill,
	/// What each era has: fed in it, or left by those that are no more.
	funds: BTreeMap<u32, Balance>,
	claimed: BTreeMap<u32, Balance>,
	/// What each model, closed ones too, was paid and has failed for in each era.
	merits: BTreeMap<u32, BTreeMap<ModelId, (Balance, Balance)>>,
	/// Whose reward was claimed.
	had: BTreeSet<(u32, ModelId)>,
}

pub(super) fn era() -> u32 {
	System::block_number() as u32 / ERA
}

/// The fees less the part of them that failed, rounded up.
fn weight((fees, failed): (Balance, Balance)) -> Balance {
	match fees + failed {
		0 => 0,
		all => fees - (fees * failed).div_ceil(all),
	}
}

impl Incentives {
	/// What is neither claimed nor gone: all of it lies in the pallet's account.
	pub(super) fn unclaimed(&self) -> Balance {
		self.funds.values().sum::<Balance>() - self.claimed.values().sum::<Balance>()
	}

	/// Whatever changes them passes on what eras have left that are too old. Says whether that was
	/// anything.
	fn touch(&mut self) -> bool {
		let oldest = (era() + 1).saturating_sub(KEPT);
		let mut left = 0;
		while let Some(old) = self.funds.first_entry().filter(|old| *old.key() < oldest) {
			let (index, fund) = old.remove_entry();
			left += fund - self.claimed.remove(&index).unwrap_or_default();
		}
		*self.funds.entry(era()).or_default() += left;
		left > 0
	}

	/// Takes what is fed of the platform's part of an answer, proven if by a model. Says how much, and
	/// whether an older era left anything.
	pub(super) fn feed(&mut self, platform: Balance, proven: Option<ModelId>) -> (Balance, bool) {
		let fed = platform * Balance::from(self.share.deconstruct()) / 1_000_000;
		if fed == 0 && proven.is_none() {
			return (0, false);
		}
		let carried = self.touch();
		*self.funds.get_mut(&era()).unwrap() += fed;
		if let Some(model) = proven {
			self.merits.entry(era()).or_default().entry(model).or_default().0 += platform;
		}
		(fed, carried)
	}

	pub(super) fn fail(&mut self, platform: Balance, proven: Option<ModelId>) {
		let Some(model) = proven else { return };
		self.touch();
		self.merits.entry(era()).or_default().entry(model).or_default().1 += platform;
	}

	/// What can be claimed.
	pub(super) fn reward(&self, model: ModelId, index: u32) -> Balance {
		let over = index < era() && era() < index + KEPT;
		if !over || self.had.contains(&(index, model)) || !Tips::<Test>::contains_key(model) {
			return 0;
		}
		let Some(merits) = self.merits.get(&index) else { return 0 };
		let mine = merits.get(&model).map_or(0, |merit| weight(*merit));
		let all: Balance = merits.values().map(|merit| weight(*merit)).sum();
		let fund = self.funds[&index];
		let left = fund - self.claimed.get(&index).copied().unwrap_or_default();
		(fund * mine).checked_div(all).unwrap_or_default().min(mine / 2).min(left)
	}

	pub(super) fn claim(&mut self, model: ModelId, index: u32) -> Balance {
		let reward = self.reward(model, index);
		self.touch();
		self.had.insert((index, model));
		*self.claimed.entry(index).or_default() += reward;
		reward
	}
}
