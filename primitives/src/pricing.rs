//! What a request costs: integers only, checked, one function for dispatchable, runtime API and
//! tests.
//!
//! A [`Tariff`] is what an owner sets. With the [`Market`] of a moment it gives [`Rates`], which a
//! request freezes; rates and units give a price, itemised in a [`Breakdown`]. [`Demand`] follows
//! the fees of each window. A [`Plan`] sells calls by the period, to a [`Subscription`].

mod brackets;
mod demand;
mod factor;
mod market;
mod plan;
mod rates;
mod service;
mod subscription;
mod tariff;

pub use brackets::{
	Bracket, Brackets, TimeBracket, TimeBrackets, DAY, MAX_BRACKETS, MAX_TIME_BRACKETS,
};
pub use demand::{Demand, DemandParams};
pub use factor::Factor;
pub use market::{second_of_day, Market};
pub use plan::{Offer, Plan, PlanError, Plans, Tier, MAX_PLANS};
pub use rates::{Breakdown, Rates};
pub use service::{Penalty, ServiceError, ServiceTerms};
pub use subscription::{Change, Renewal, Standing, Subscription, SubscriptionError};
pub use tariff::{Bounds, Tariff, TariffError};

use crate::{
	tensor::{Interface, ShapeError},
	Balance,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The units of one inference, as a formula over tensor sizes:
/// `fixed + per_input_element · input elements + per_output_element · output elements`.
///
/// The chain computes it. A worker may report fewer units, never more.
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
pub struct UnitsFormula {
	/// For each inference.
	pub fixed: u64,
	/// For each element of the input.
	pub per_input_element: u64,
	/// For each element of the output.
	pub per_output_element: u64,
}

impl UnitsFormula {
	/// The units of an inference over tensors of these sizes, or `None` where it would overflow.
	pub fn units(&self, input_elements: u64, output_elements: u64) -> Option<u64> {
		let input = self.per_input_element.checked_mul(input_elements)?;
		let output = self.per_output_element.checked_mul(output_elements)?;
		self.fixed.checked_add(input)?.checked_add(output)
	}
}

/// Why nothing can be quoted.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum QuoteError {
	/// No such model, or it was retired.
	UnknownModel,
	/// The input does not fit the interface.
	Shape(ShapeError),
	/// The version has no verifying key, so its answers can not be proved.
	NotProvable,
	/// The price does not fit the currency.
	Overflow,
	/// The notice period of the version that answers is over.
	Deprecated,
}

/// What one request would cost, before anything is held.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub struct Quote {
	/// Rows of the input.
	pub rows: u32,
	/// The fewest units that the chain can compute for it.
	pub min_units: u64,
	/// The most.
	pub max_units: u64,
	/// The price of `min_units`: a lower `max_fee` is refused.
	pub min_price: Balance,
	/// The price of `max_units`: more is never held.
	pub max_price: Balance,
	/// What a request freezes: with units, it gives a price.
	pub rates: Rates,
	/// What `max_price` is made of.
	pub breakdown: Breakdown,
}

/// Quotes an inference over an input of `input_bytes` bytes. The rows of `market` are the input's.
pub fn quote(
	tariff: &Tariff,
	market: Market,
	formula: &UnitsFormula,
	interface: &Interface,
	input_bytes: u64,
) -> Result<Quote, QuoteError> {
	let rows = interface.rows(input_bytes).map_err(QuoteError::Shape)?;
	let input = interface.input.elements(rows).max;
	let output = interface.output.elements(rows);
	let min_units = formula.units(input, output.min).ok_or(QuoteError::Overflow)?;
	let max_units = formula.units(input, output.max).ok_or(QuoteError::Overflow)?;
	let rates = tariff.rates(&Market { rows, ..market });
	let min_price = rates.price(min_units)?.price;
	let breakdown = rates.price(max_units)?;
	let max_price = breakdown.price;
	Ok(Quote { rows, min_units, max_units, min_price, max_price, rates, breakdown })
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::tensor::{Dimension, ElementType, TensorType};

	fn interface() -> Interface {
		let tensor = |shape: &[Dimension]| TensorType {
			element: ElementType::F32,
			shape: shape.to_vec().try_into().unwrap(),
		};
		Interface {
			input: tensor(&[Dimension::Batch { max: 4 }, Dimension::Fixed(13)]),
			output: tensor(&[Dimension::Batch { max: 4 }, Dimension::Dynamic { max: 3 }]),
		}
	}

	#[test]
	fn a_quote_spans_the_fewest_and_the_most_units() {
		let formula = UnitsFormula { fixed: 7, per_input_element: 2, per_output_element: 5 };
		let tariff = Tariff::flat(100, 10);
		let quote = quote(&tariff, Market::default(), &formula, &interface(), 2 * 13 * 4).unwrap();
		assert_eq!((quote.rows, quote.min_units, quote.max_units), (2, 7 + 52 + 10, 7 + 52 + 30));
		assert_eq!((quote.min_price, quote.max_price), (790, 990));
	}

	#[test]
	fn what_can_not_be_quoted_says_why() {
		let formula = UnitsFormula { fixed: 1, ..Default::default() };
		let tariff = Tariff::flat(1, 1);
		let short = quote(&tariff, Market::default(), &formula, &interface(), 13);
		assert_eq!(short, Err(QuoteError::Shape(ShapeError::Length)));
		let dear = Tariff::flat(Balance::MAX, 1);
		assert_eq!(
			quote(&dear, Market::default(), &formula, &interface(), 13 * 4),
			Err(QuoteError::Overflow)
		);
		let many = UnitsFormula { per_input_element: u64::MAX, ..formula };
		assert_eq!(
			quote(&tariff, Market::default(), &many, &interface(), 13 * 4),
			Err(QuoteError::Overflow)
		);
	}
}
