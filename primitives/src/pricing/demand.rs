//! Demand: a factor that follows the fees paid per window, as EIP-1559's base fee follows the gas
//! used per block.

use super::{Factor, TariffError};
use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::Permill;

/// How a price follows demand.
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
pub struct DemandParams {
	/// The fees of a window that leave the factor as it is.
	pub target: Balance,
	/// The most that a window moves the factor by, as a share of it: reached by a window without
	/// fees, and by one of twice the target or more.
	pub step: Permill,
	/// The least factor.
	pub floor: Factor,
	/// The greatest.
	pub cap: Factor,
}

impl DemandParams {
	/// The least step: 1 %. With it the greatest factor falls to the least in fewer than 2,300 empty
	/// windows, which bounds [`Demand::after_empty_windows`].
	pub const MIN_STEP: Permill = Permill::from_percent(1);

	/// Checks that the factor has a range, and can move in it.
	pub fn validate(&self) -> Result<(), TariffError> {
		if self.target == 0 {
			return Err(TariffError::ZeroTarget);
		}
		if self.step < Self::MIN_STEP {
			return Err(TariffError::StepTooSmall);
		}
		if self.floor.parts() == 0 {
			return Err(TariffError::ZeroFloor);
		}
		if self.floor > self.cap {
			return Err(TariffError::FloorAboveCap);
		}
		Ok(())
	}

	fn clamp(&self, factor: Factor) -> Factor {
		factor.max(self.floor).min(self.cap)
	}
}

/// The factor of a model's demand; at first, one.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Demand(pub Factor);

impl Demand {
	/// The factor within floor and cap, which may have changed since it was stored.
	pub fn factor(self, params: &DemandParams) -> Factor {
		params.clamp(self.0)
	}

	/// After a window in which `fees` were paid: moved by
	/// `factor · step · min(|fees − target|, target) / target`, rounded up so that it never sticks
	/// short of floor or cap, then clamped to them.
	#[must_use]
	pub fn after_window(self, fees: Balance, params: &DemandParams) -> Self {
		let factor = self.factor(params);
		let target = params.target.max(1);
		let deviation = fees.abs_diff(target).min(target);
		let change = move_of(factor, params.step, deviation, target);
		let parts = if fees > target {
			factor.parts().saturating_add(change)
		} else {
			factor.parts().saturating_sub(change)
		};
		Self(params.clamp(Factor::from_parts(parts)))
	}

	/// After `windows` windows without fees, one after the other. Stops at the floor.
	#[must_use]
	pub fn after_empty_windows(self, windows: u32, params: &DemandParams) -> Self {
		let step = u64::from(params.step.max(DemandParams::MIN_STEP).deconstruct());
		let mut factor = self.factor(params);
		for _ in 0..windows {
			if factor == params.clamp(Factor::from_parts(0)) {
				break;
			}
			let change = u64::from(factor.parts()).saturating_mul(step).div_ceil(ONE);
			let change = u32::try_from(change).unwrap_or(u32::MAX);
			factor = params.clamp(Factor::from_parts(factor.parts().saturating_sub(change)));
		}
		Self(factor)
	}
}

const ONE: u64 = Factor::ACCURACY as u64;

/// `⌈factor · step · deviation / target⌉` in millionths: 180 bits over 148.
fn move_of(factor: Factor, step: Permill, deviation: Balance, target: Balance) -> u32 {
	let step = step.max(DemandParams::MIN_STEP).deconstruct();
	let full = u64::from(factor.parts()).saturating_mul(step.into());
	let numerator = U256::from(full).saturating_mul(deviation.into());
	let denominator = U256::from(target).saturating_mul(ONE.into());
	let (quotient, rest) = numerator.div_mod(denominator);
	let rounded = quotient.saturating_add(u32::from(!rest.is_zero()).into());
	u32::try_from(rounded).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const EIGHTH: DemandParams = DemandParams {
		target: 1_000,
		step: Permill::from_parts(125_000),
		floor: Factor::from_parts(500_000),
		cap: Factor::from_parts(4_000_000),
	};

	fn after(fees: Balance) -> u32 {
		Demand::default().after_window(fees, &EIGHTH).0.parts()
	}

	#[test]
	fn demand_moves_with_the_fees_of_a_window_by_an_eighth_at_most() {
		assert_eq!(after(1_000), 1_000_000);
		assert_eq!(after(1_500), 1_062_500);
		assert_eq!(after(2_000), 1_125_000);
		assert_eq!(after(Balance::MAX), 1_125_000);
		assert_eq!(after(600), 950_000);
		assert_eq!(after(0), 875_000);
	}

	#[test]
	fn demand_rests_at_its_floor_and_at_its_cap() {
		let mut demand = Demand::default();
		for _ in 0..12 {
			demand = demand.after_window(5_000, &EIGHTH);
		}
		assert_eq!(demand.0, EIGHTH.cap);
		// 4 · (7/8)^15 is above a half, 4 · (7/8)^16 below.
		assert!(demand.after_empty_windows(15, &EIGHTH).0 > EIGHTH.floor);
		assert_eq!(demand.after_empty_windows(16, &EIGHTH).0, EIGHTH.floor);
	}

	#[test]
	fn the_smallest_factor_still_moves() {
		let params = DemandParams { floor: Factor::from_parts(1), ..EIGHTH };
		let least = Demand(params.floor);
		assert_eq!(least.after_window(1_001, &params).0.parts(), 2);
		assert_eq!(Demand(Factor::from_parts(2)).after_window(999, &params), least);
	}

	#[test]
	fn an_age_without_fees_ends_at_the_floor_after_few_steps() {
		let slowest = DemandParams {
			step: DemandParams::MIN_STEP,
			floor: Factor::from_parts(1),
			cap: Factor::from_parts(u32::MAX),
			..EIGHTH
		};
		let greatest = Demand(slowest.cap);
		assert!(greatest.after_empty_windows(1_400, &slowest).0 > slowest.floor);
		assert_eq!(greatest.after_empty_windows(2_300, &slowest).0, slowest.floor);
		assert_eq!(greatest.after_empty_windows(u32::MAX, &slowest).0, slowest.floor);
	}

	#[test]
	fn new_params_take_hold_at_once() {
		let cheap = DemandParams { cap: Factor::from_parts(600_000), ..EIGHTH };
		assert_eq!(Demand::default().factor(&cheap), cheap.cap);
	}

	#[test]
	fn params_without_a_range_are_refused() {
		assert_eq!(EIGHTH.validate(), Ok(()));
		let refused = |params: DemandParams| params.validate().unwrap_err();
		assert_eq!(refused(DemandParams { target: 0, ..EIGHTH }), TariffError::ZeroTarget);
		let step = Permill::from_parts(9_999);
		assert_eq!(refused(DemandParams { step, ..EIGHTH }), TariffError::StepTooSmall);
		let floor = Factor::from_parts(0);
		assert_eq!(refused(DemandParams { floor, ..EIGHTH }), TariffError::ZeroFloor);
		let floor = Factor::from_parts(4_000_001);
		assert_eq!(refused(DemandParams { floor, ..EIGHTH }), TariffError::FloorAboveCap);
	}

	prop_compose! {
		fn any_params()(
			target in 1..=Balance::MAX,
			step in 10_000..=1_000_000u32,
			a in 1..=u32::MAX,
			b in 1..=u32::MAX,
		) -> DemandParams {
			DemandParams {
				target,
				step: Permill::from_parts(step),
				floor: Factor::from_parts(a.min(b)),
				cap: Factor::from_parts(a.max(b)),
			}
		}
	}

	proptest! {
		#[test]
		fn a_window_moves_demand_by_a_step_at_most_and_never_out_of_its_range(
			params in any_params(),
			start: u32,
			fees: Balance,
		) {
			prop_assert_eq!(params.validate(), Ok(()));
			let before = Demand(Factor::from_parts(start)).factor(&params);
			let after = Demand(before).after_window(fees, &params).0;
			prop_assert!(params.floor <= after && after <= params.cap);
			let moved = u64::from(after.parts().abs_diff(before.parts())) * 1_000_000;
			let full = u64::from(before.parts()) * u64::from(params.step.deconstruct());
			prop_assert!(moved < full + 1_000_000);
			let rises = fees >= params.target;
			prop_assert!(if rises { after >= before } else { after <= before }, "{after:?}");
		}

		#[test]
		fn demand_never_falls_as_fees_rise(params in any_params(), a: Balance, b: Balance) {
			let after = |fees| Demand::default().after_window(fees, &params).0;
			prop_assert!(after(a.min(b)) <= after(a.max(b)));
		}

		#[test]
		fn empty_windows_in_one_go_are_empty_windows_one_by_one(
			params in any_params(),
			start: u32,
			windows in 0..100u32,
		) {
			let start = Demand(Factor::from_parts(start).max(params.floor).min(params.cap));
			let one_by_one = (0..windows).fold(start, |demand, _| demand.after_window(0, &params));
			prop_assert_eq!(start.after_empty_windows(windows, &params), one_by_one);
		}

		#[test]
		fn no_params_and_no_fees_panic(
			target: Balance,
			step in 0..=1_000_000u32,
			floor: u32,
			cap: u32,
			start: u32,
			fees: Balance,
			windows: u32,
		) {
			let (floor, cap) = (Factor::from_parts(floor), Factor::from_parts(cap));
			let params = DemandParams { target, step: Permill::from_parts(step), floor, cap };
			let demand = Demand(Factor::from_parts(start)).after_window(fees, &params);
			prop_assert!(demand.after_empty_windows(windows, &params).0 <= cap);
		}
	}
}
