//! What one request pays, item by item.

use super::{Bounds, Factor, Market, QuoteError, Tariff};
use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::U256;
use sp_runtime::Permill;

/// A tariff at one moment, for one customer and a number of rows: all of a price but the units.
///
/// A request freezes it, so that what settles is what was quoted.
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
pub struct Rates {
	/// For each request.
	pub per_call: Balance,
	/// For each metered unit.
	pub per_unit: Balance,
	/// The least base.
	pub minimum: Balance,
	/// Between which the price lies.
	pub bounds: Bounds,
	/// Of the model's demand.
	pub demand: Factor,
	/// Added for quality.
	pub quality: Permill,
	/// Taken off for the customer's earlier calls.
	pub volume: Permill,
	/// Of the time of day.
	pub time_of_day: Factor,
	/// Taken off for many rows.
	pub batch: Permill,
}

/// A price and what it is made of, in the currency's smallest unit: all other items sum to
/// `price`, exactly.
///
/// Factors apply in the order of the fields. The item of a factor is the price with it less the
/// price without it, both computed from the base in one fraction and rounded up; so a factor of one
/// is an item of zero, and no rounding is lost or summed.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Breakdown {
	/// For the request.
	pub per_call: Balance,
	/// For its units.
	pub units: Balance,
	/// What both fell short of the least base.
	pub minimum: Balance,
	/// For demand.
	pub demand: i128,
	/// For quality: never negative.
	pub quality: i128,
	/// For the customer's earlier calls: never positive.
	pub volume: i128,
	/// For the time of day.
	pub time_of_day: i128,
	/// For many rows: never positive.
	pub batch: i128,
	/// Up to the least price, or down to the greatest.
	pub bounds: i128,
	/// What is paid.
	pub price: Balance,
}

impl Tariff {
	/// The price of `units` units in a market: [`Tariff::rates`], then [`Rates::price`].
	pub fn price(&self, units: u64, market: &Market) -> Result<Breakdown, QuoteError> {
		self.rates(market).price(units)
	}
}

impl Rates {
	/// The price of `units` units: never falls as units rise, never leaves the bounds.
	///
	/// [`QuoteError::Overflow`] if the base, or the price after any of the factors or the bounds,
	/// exceeds `i128::MAX`.
	pub fn price(&self, units: u64) -> Result<Breakdown, QuoteError> {
		self.itemise(units).ok_or(QuoteError::Overflow)
	}

	fn itemise(&self, units: u64) -> Option<Breakdown> {
		let units = self.per_unit.checked_mul(units.into())?;
		let metered = self.per_call.checked_add(units)?;
		let minimum = self.minimum.saturating_sub(metered);
		let mut price = Running::of(metered.checked_add(minimum)?)?;
		let demand = price.multiply(self.demand)?;
		let quality = price.multiply(Factor::one_plus(self.quality))?;
		let volume = price.multiply(Factor::one_minus(self.volume))?;
		let time_of_day = price.multiply(self.time_of_day)?;
		let batch = price.multiply(Factor::one_minus(self.batch))?;
		let bounds = price.clamp(self.bounds)?;
		Some(Breakdown {
			per_call: self.per_call,
			units,
			minimum,
			demand,
			quality,
			volume,
			time_of_day,
			batch,
			bounds,
			price: price.rounded.try_into().ok()?,
		})
	}
}

/// A price under way, as one fraction.
///
/// A base of at most `i128::MAX` has 127 bits; demand and time of day have 32 each, `1 + quality`
/// has 21, either discount's rest 20: a numerator of at most 252 bits, over a denominator of 100.
struct Running {
	numerator: U256,
	denominator: U256,
	/// The fraction, rounded up.
	rounded: i128,
}

impl Running {
	fn of(base: Balance) -> Option<Self> {
		let rounded = base.try_into().ok()?;
		Some(Self { numerator: base.into(), denominator: U256::one(), rounded })
	}

	/// Multiplies, and says by how much that moved the price.
	fn multiply(&mut self, factor: Factor) -> Option<i128> {
		self.numerator = self.numerator.checked_mul(factor.parts().into())?;
		self.denominator = self.denominator.checked_mul(Factor::ACCURACY.into())?;
		let (quotient, rest) = self.numerator.div_mod(self.denominator);
		let rounded = quotient.checked_add(u32::from(!rest.is_zero()).into())?;
		self.set(rounded.try_into().ok()?)
	}

	fn clamp(&mut self, Bounds { min, max }: Bounds) -> Option<i128> {
		let price = Balance::try_from(self.rounded).ok()?.max(min).min(max);
		self.set(price.try_into().ok()?)
	}

	fn set(&mut self, rounded: i128) -> Option<i128> {
		let moved = rounded.checked_sub(self.rounded)?;
		self.rounded = rounded;
		Some(moved)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::pricing::{Bracket, Brackets, Demand, DemandParams, TimeBracket};
	use proptest::prelude::*;
	use sp_core::U512;

	const PLAIN: Rates = Rates {
		per_call: 100,
		per_unit: 3,
		minimum: 0,
		bounds: Bounds { min: 0, max: Balance::MAX },
		demand: Factor::ONE,
		quality: Permill::zero(),
		volume: Permill::zero(),
		time_of_day: Factor::ONE,
		batch: Permill::zero(),
	};

	fn price(rates: Rates, units: u64) -> Balance {
		rates.price(units).unwrap().price
	}

	/// What the items sum to.
	fn sum(items: &Breakdown) -> i128 {
		let base = items.per_call + items.units + items.minimum;
		i128::try_from(base).unwrap()
			+ items.demand
			+ items.quality
			+ items.volume
			+ items.time_of_day
			+ items.batch
			+ items.bounds
	}

	#[test]
	fn a_price_is_itemised() {
		let tariff = Tariff {
			demand: Some(DemandParams {
				target: 1_000,
				step: Permill::from_percent(10),
				floor: Factor::from_parts(500_000),
				cap: Factor::from_parts(2_000_000),
			}),
			quality_cap: Permill::from_percent(10),
			volume: Brackets::truncate_from(vec![Bracket {
				from: 1_000,
				discount: Permill::from_percent(20),
			}]),
			time_of_day: vec![TimeBracket {
				from: 0,
				until: 6 * 3_600,
				factor: Factor::from_parts(750_000),
			}]
			.try_into()
			.unwrap(),
			batch: Brackets::truncate_from(vec![Bracket {
				from: 16,
				discount: Permill::from_percent(5),
			}]),
			..Tariff::flat(100, 3)
		};
		assert_eq!(tariff.validate(), Ok(()));
		let market = Market {
			demand: Demand(Factor::from_parts(1_500_000)),
			quality: Permill::from_percent(4),
			calls: 1_000,
			second_of_day: 3_600,
			rows: 16,
		};
		// 1,000 · 1.5 = 1,500; · 1.04 = 1,560; · 0.8 = 1,248; · 0.75 = 936; · 0.95 = 889.2.
		let items = Breakdown {
			per_call: 100,
			units: 900,
			minimum: 0,
			demand: 500,
			quality: 60,
			volume: -312,
			time_of_day: -312,
			batch: -46,
			bounds: 0,
			price: 890,
		};
		assert_eq!(tariff.price(300, &market), Ok(items));
		assert_eq!(sum(&items), 890);
		// One call earlier, by day, with one row fewer: 1,560.
		let market = Market { calls: 999, second_of_day: 6 * 3_600, rows: 15, ..market };
		assert_eq!(tariff.price(300, &market).unwrap().price, 1_560);
	}

	#[test]
	fn factors_are_rounded_up_once_and_not_one_by_one() {
		// 101 · 1.5 · 0.66 = 99.99; rounded after each factor it would be 152 · 0.66 = 100.32.
		let rates = Rates {
			per_call: 101,
			demand: Factor::from_parts(1_500_000),
			batch: Permill::from_percent(34),
			..PLAIN
		};
		let items = rates.price(0).unwrap();
		assert_eq!((items.demand, items.batch, items.price), (51, -52, 100));
	}

	#[test]
	fn the_least_base_is_topped_up_before_any_factor() {
		let rates = Rates { minimum: 150, batch: Permill::from_percent(50), ..PLAIN };
		let items = rates.price(10).unwrap();
		assert_eq!((items.units, items.minimum, items.price), (30, 20, 75));
		assert_eq!(rates.price(100).unwrap().minimum, 0);
	}

	#[test]
	fn the_bounds_are_kept_after_every_factor() {
		let free = Permill::one();
		let bounds = Bounds { min: 40, max: 110 };
		let low = Rates { bounds, volume: free, ..PLAIN }.price(0).unwrap();
		assert_eq!((low.volume, low.bounds, low.price), (-100, 40, 40));
		let high = Rates { bounds, ..PLAIN }.price(1_000).unwrap();
		assert_eq!((high.units, high.bounds, high.price), (3_000, -2_990, 110));
	}

	#[test]
	fn a_whole_discount_without_a_least_price_is_free() {
		assert_eq!(price(Rates { volume: Permill::one(), ..PLAIN }, u64::MAX), 0);
	}

	#[test]
	fn a_price_that_does_not_fit_is_refused() {
		let refused = |rates: Rates, units| rates.price(units).unwrap_err();
		let dear = Rates { per_unit: Balance::MAX, ..PLAIN };
		assert_eq!(refused(dear, u64::MAX), QuoteError::Overflow);
		assert_eq!(refused(Rates { per_call: Balance::MAX, ..PLAIN }, 1), QuoteError::Overflow);
		let minimum = Balance::MAX;
		assert_eq!(refused(Rates { minimum, ..PLAIN }, 1), QuoteError::Overflow);
		let min = Balance::MAX;
		let bounds = Bounds { min, max: min };
		assert_eq!(refused(Rates { bounds, ..PLAIN }, 1), QuoteError::Overflow);
		let limit = Rates { per_call: i128::MAX as Balance, ..PLAIN };
		assert_eq!(price(limit, 0), i128::MAX as Balance);
		let demand = Factor::from_parts(1_000_001);
		assert_eq!(refused(Rates { demand, ..limit }, 0), QuoteError::Overflow);
	}

	#[test]
	fn the_greatest_fraction_fits_256_bits() {
		let most = Factor::from_parts(u32::MAX);
		let one = Factor::one_minus(Permill::zero());
		let factors = [most, Factor::one_plus(Permill::one()), one, most, one];
		let numerator = factors
			.iter()
			.try_fold(U256::from(i128::MAX as Balance), |n, f| n.checked_mul(f.parts().into()));
		assert_eq!(numerator.map(|n| n.bits()), Some(252));
		assert_eq!(U256::from(Factor::ACCURACY).checked_pow(5.into()).map(|d| d.bits()), Some(100));
	}

	#[test]
	fn a_flat_tariff_counts_calls_and_units() {
		assert_eq!(Tariff::flat(7, 5).price(11, &Market::default()).unwrap().price, 7 + 5 * 11);
	}

	/// Half of them bound nothing, as others would hide what the factors give.
	fn any_bounds(most: Balance) -> impl Strategy<Value = Bounds> {
		let bounds =
			(0..=most, 0..=most).prop_map(|(a, b)| Bounds { min: a.min(b), max: a.max(b) });
		prop_oneof![Just(Bounds::default()), bounds]
	}

	prop_compose! {
		fn any_rates(most: Balance)(
			(per_call, per_unit, minimum) in (0..=most, 0..=most, 0..=most),
			bounds in any_bounds(most),
			(demand, time_of_day) in (0..=u32::MAX, 0..=u32::MAX),
			(quality, volume, batch) in (0..=1_000_000u32, 0..=1_000_000u32, 0..=1_000_000u32),
		) -> Rates {
			Rates {
				per_call,
				per_unit,
				minimum,
				bounds,
				demand: Factor::from_parts(demand),
				quality: Permill::from_parts(quality),
				volume: Permill::from_parts(volume),
				time_of_day: Factor::from_parts(time_of_day),
				batch: Permill::from_parts(batch),
			}
		}
	}

	/// The price by another way: all in 512 bits.
	fn reckoned(rates: &Rates, units: u64) -> U512 {
		let metered = U512::from(rates.per_call) + U512::from(rates.per_unit) * U512::from(units);
		let million = 1_000_000u64;
		let factors = [
			u64::from(rates.demand.parts()),
			million + u64::from(rates.quality.deconstruct()),
			million - u64::from(rates.volume.deconstruct()),
			u64::from(rates.time_of_day.parts()),
			million - u64::from(rates.batch.deconstruct()),
		];
		let base = metered.max(rates.minimum.into());
		let numerator = factors.iter().fold(base, |product, factor| product * *factor);
		let denominator = U512::from(million).pow(5.into());
		let rounded = (numerator + denominator - 1) / denominator;
		rounded.max(rates.bounds.min.into()).min(rates.bounds.max.into())
	}

	proptest! {
		#[test]
		fn the_items_sum_to_the_price_that_the_formula_gives(
			rates in any_rates(1 << 60),
			units in 0..1u64 << 40,
		) {
			// 2^101 · 4295 · 2 · 4295 is below 2^127.
			let items = rates.price(units).unwrap();
			prop_assert_eq!(sum(&items), items.price as i128);
			prop_assert_eq!(U512::from(items.price), reckoned(&rates, units));
			prop_assert!(items.quality >= 0 && items.volume <= 0 && items.batch <= 0);
		}

		#[test]
		fn the_price_never_falls_as_units_rise_and_never_leaves_its_bounds(
			rates in any_rates(1 << 60),
			a in 0..1u64 << 40,
			b in 0..1u64 << 40,
		) {
			let (less, more) = (price(rates, a.min(b)), price(rates, a.max(b)));
			prop_assert!(less <= more);
			prop_assert!(rates.bounds.min <= less && more <= rates.bounds.max);
		}

		#[test]
		fn whatever_the_rates_the_price_is_right_or_refused(
			rates in (0..=127u32).prop_flat_map(|bits| any_rates(Balance::MAX >> bits)),
			units: u64,
			bits in 0..64u32,
		) {
			let units = units >> bits;
			match rates.price(units) {
				Ok(items) => {
					prop_assert_eq!(sum(&items), items.price as i128);
					prop_assert_eq!(U512::from(items.price), reckoned(&rates, units));
				},
				Err(error) => prop_assert_eq!(error, QuoteError::Overflow),
			}
		}

		#[test]
		fn small_prices_are_right_to_the_unit(rates in any_rates(20), units in 0..20u64) {
			prop_assert_eq!(U512::from(price(rates, units)), reckoned(&rates, units));
		}

		#[test]
		fn a_flat_tariff_is_a_flat_price(
			per_call: Balance,
			per_unit in 0..1u128 << 70,
			units: u64,
		) {
			let price = Tariff::flat(per_call, per_unit).price(units, &Market::default());
			let sum = per_unit.checked_mul(units.into()).and_then(|units| units.checked_add(per_call));
			let fits = |price: &Balance| *price <= i128::MAX as Balance;
			prop_assert_eq!(price.ok().map(|items| items.price), sum.filter(fits));
		}
	}
}
