//! What the chain knows at the moment of quoting.

use super::{Demand, DAY};
use sp_runtime::Permill;

/// All that a price depends on besides tariff and units. The default moves no price.
#[derive(Clone, Copy, Default, Eq, PartialEq, Debug)]
pub struct Market {
	/// The model's demand; without effect on a tariff that does not follow it.
	pub demand: Demand,
	/// The bonus that the model's settled record earned, before the tariff's cap.
	pub quality: Permill,
	/// The customer's calls of this model in the period, this one not among them.
	pub calls: u64,
	/// The second of the UTC day.
	pub second_of_day: u32,
	/// Rows of the request.
	pub rows: u32,
}

/// The second of the UTC day at `unix_millis`, the chain's timestamp.
pub fn second_of_day(unix_millis: u64) -> u32 {
	const DAY_MILLIS: u64 = DAY as u64 * 1_000;
	let second = (unix_millis % DAY_MILLIS) / 1_000;
	u32::try_from(second).expect("less than a day; qed")
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_day_has_86400_seconds() {
		assert_eq!(second_of_day(0), 0);
		assert_eq!(second_of_day(86_399_999), 86_399);
		assert_eq!(second_of_day(86_400_000), 0);
		// 2009-02-13 23:31:30 UTC.
		assert_eq!(second_of_day(1_234_567_890_000), (23 * 60 + 31) * 60 + 30);
		assert!(second_of_day(u64::MAX) < DAY);
	}
}
