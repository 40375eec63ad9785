//! Numbers that look random, the same ones for the same seed: SplitMix64.

pub(super) struct Dice(pub(super) u64);

impl Dice {
	pub(super) fn roll(&mut self, below: u64) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		(z ^ (z >> 31)) % below
	}

	/// Whether something happens that does once in so many times.
	pub(super) fn once_in(&mut self, times: u64) -> bool {
		self.roll(times) == 0
	}

	pub(super) fn pick<Item: Clone>(&mut self, items: &[Item]) -> Option<Item> {
		(!items.is_empty()).then(|| items[self.roll(items.len() as u64) as usize].clone())
	}
}
