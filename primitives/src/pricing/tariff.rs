//! What an owner sets for a model.

use super::{
	brackets::{discount_at, ensure_day, ensure_sorted, factor_at},
	Brackets, DemandParams, Factor, Market, Rates, TimeBrackets,
};
use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::Permill;

/// How the owner prices a model. All amounts are in the currency's smallest unit.
///
/// The price of a request is
/// `base · demand · (1 + quality) · (1 − volume) · time of day · (1 − batch)`, rounded up once and
/// kept within `bounds`, where `base` is `per_call + per_unit · units`, at least `minimum`.
#[derive(
	Clone, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, Debug, TypeInfo,
)]
pub struct Tariff {
	/// For each request, whatever its size.
	pub per_call: Balance,
	/// For each metered unit.
	pub per_unit: Balance,
	/// The least base of a request, before any factor.
	pub minimum: Balance,
	/// Between which the final price of a request lies, after every factor.
	pub bounds: Bounds,
	/// How the price follows demand, if it does.
	pub demand: Option<DemandParams>,
	/// The most of the model's quality bonus that the price takes up.
	pub quality_cap: Permill,
	/// Discounts by the customer's earlier calls in the period.
	pub volume: Brackets<u64>,
	/// Factors by the time of day, in UTC.
	pub time_of_day: TimeBrackets,
	/// Discounts by the rows of the request. Each is of the whole price, so one row more can cost
	/// less where a bracket begins.
	pub batch: Brackets<u32>,
}

/// The least and the greatest price of a request, both possible.
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
pub struct Bounds {
	/// The least: no discount goes below it.
	pub min: Balance,
	/// The greatest. Of a whole request, like the customer's `max_fee`, and not per unit: what bounds
	/// a unit is `per_unit` and the cap of demand.
	pub max: Balance,
}

impl Default for Bounds {
	fn default() -> Self {
		Self { min: 0, max: Balance::MAX }
	}
}

/// Why a tariff is refused.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum TariffError {
	/// A least price above the greatest.
	MinAboveMax,
	/// A target of no fees at all.
	ZeroTarget,
	/// A step of demand below [`DemandParams::MIN_STEP`].
	StepTooSmall,
	/// A floor of zero, from which no demand would raise the factor.
	ZeroFloor,
	/// A floor of demand above its cap.
	FloorAboveCap,
	/// Brackets that are not in ascending order, or begin at the same value.
	UnsortedBrackets,
	/// A bracket of time that covers no second.
	EmptyTimeBracket,
	/// A bracket of time that ends after the day.
	BeyondTheDay,
	/// Brackets of time that cover the same second.
	OverlappingTimeBrackets,
}

impl Tariff {
	/// `per_call + per_unit · units` and nothing else.
	pub fn flat(per_call: Balance, per_unit: Balance) -> Self {
		Self {
			per_call,
			per_unit,
			minimum: 0,
			bounds: Bounds::default(),
			demand: None,
			quality_cap: Permill::zero(),
			volume: Brackets::default(),
			time_of_day: TimeBrackets::default(),
			batch: Brackets::default(),
		}
	}

	/// Checks that bounds and demand have a range, that brackets ascend, and that those of time are
	/// disjoint parts of a day.
	///
	/// That nothing is discounted by more than its whole follows from the type of a discount.
	pub fn validate(&self) -> Result<(), TariffError> {
		if self.bounds.min > self.bounds.max {
			return Err(TariffError::MinAboveMax);
		}
		self.demand.as_ref().map_or(Ok(()), DemandParams::validate)?;
		ensure_sorted(&self.volume)?;
		ensure_sorted(&self.batch)?;
		ensure_day(&self.time_of_day)
	}

	/// What holds for one request, whatever its units.
	pub fn rates(&self, market: &Market) -> Rates {
		Rates {
			per_call: self.per_call,
			per_unit: self.per_unit,
			minimum: self.minimum,
			bounds: self.bounds,
			demand: self.demand.map_or(Factor::ONE, |params| market.demand.factor(&params)),
			quality: market.quality.min(self.quality_cap),
			volume: discount_at(&self.volume, market.calls),
			time_of_day: factor_at(&self.time_of_day, market.second_of_day),
			batch: discount_at(&self.batch, market.rows),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::pricing::{Bracket, Demand, TimeBracket};

	const DEMAND: DemandParams = DemandParams {
		target: 1,
		step: Permill::from_parts(125_000),
		floor: Factor::ONE,
		cap: Factor::from_parts(2_000_000),
	};

	fn with_volume(froms: &[u64]) -> Tariff {
		let bracket = |&from| Bracket { from, discount: Permill::from_percent(10) };
		let volume: Vec<_> = froms.iter().map(bracket).collect();
		Tariff { volume: volume.try_into().unwrap(), ..Tariff::flat(1, 1) }
	}

	fn with_batch(froms: &[u32]) -> Tariff {
		let bracket = |&from| Bracket { from, discount: Permill::one() };
		let batch: Vec<_> = froms.iter().map(bracket).collect();
		Tariff { batch: batch.try_into().unwrap(), ..Tariff::flat(1, 1) }
	}

	fn with_times(times: &[(u32, u32)]) -> Tariff {
		let bracket = |&(from, until)| TimeBracket { from, until, factor: Factor::ONE };
		let time_of_day: Vec<_> = times.iter().map(bracket).collect();
		Tariff { time_of_day: time_of_day.try_into().unwrap(), ..Tariff::flat(1, 1) }
	}

	#[test]
	fn sound_tariffs_are_accepted() {
		let equal = Bounds { min: 5, max: 5 };
		let tariffs = [
			Tariff::flat(0, 0),
			Tariff { bounds: equal, ..Tariff::flat(1, 1) },
			Tariff { demand: Some(DEMAND), ..Tariff::flat(1, 1) },
			with_volume(&[0, 1, 5]),
			with_batch(&[2, 3]),
			with_times(&[(0, 1), (1, 2), (80_000, 86_400)]),
		];
		for tariff in tariffs {
			assert_eq!(tariff.validate(), Ok(()));
		}
	}

	#[test]
	fn unsound_tariffs_are_refused() {
		let refused = |tariff: Tariff| tariff.validate().unwrap_err();
		let inverted = Tariff { bounds: Bounds { min: 6, max: 5 }, ..Tariff::flat(1, 1) };
		assert_eq!(refused(inverted), TariffError::MinAboveMax);
		let aimless = DemandParams { target: 0, ..DEMAND };
		let aimless = Tariff { demand: Some(aimless), ..Tariff::flat(1, 1) };
		assert_eq!(refused(aimless), TariffError::ZeroTarget);
		assert_eq!(refused(with_volume(&[5, 1])), TariffError::UnsortedBrackets);
		assert_eq!(refused(with_volume(&[5, 5])), TariffError::UnsortedBrackets);
		assert_eq!(refused(with_batch(&[3, 2])), TariffError::UnsortedBrackets);
		assert_eq!(refused(with_times(&[(1, 1)])), TariffError::EmptyTimeBracket);
		assert_eq!(refused(with_times(&[(79_200, 21_600)])), TariffError::EmptyTimeBracket);
		assert_eq!(refused(with_times(&[(0, 86_401)])), TariffError::BeyondTheDay);
		assert_eq!(refused(with_times(&[(5, 6), (1, 2)])), TariffError::UnsortedBrackets);
		assert_eq!(refused(with_times(&[(1, 3), (2, 4)])), TariffError::OverlappingTimeBrackets);
		assert_eq!(refused(with_times(&[(1, 2), (1, 2)])), TariffError::OverlappingTimeBrackets);
	}

	#[test]
	fn rates_take_from_the_market_what_the_tariff_admits() {
		let greedy = Market {
			demand: Demand(Factor::from_parts(9_000_000)),
			quality: Permill::from_percent(50),
			..Market::default()
		};
		let quality_cap = Permill::from_percent(20);
		let tariff = Tariff { demand: Some(DEMAND), quality_cap, ..Tariff::flat(1, 1) };
		let rates = tariff.rates(&greedy);
		assert_eq!((rates.demand, rates.quality), (DEMAND.cap, quality_cap));
		let unmoved = Tariff::flat(1, 1).rates(&greedy);
		assert_eq!(unmoved, Tariff::flat(1, 1).rates(&Market::default()));
	}
}
