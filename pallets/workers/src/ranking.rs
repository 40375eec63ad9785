//! Drawing without replacement, by weight, from a seed.

use aimodel_primitives::Balance;
use alloc::vec::Vec;
use codec::Encode;
use sp_core::{H256, U256};
use sp_io::hashing::blake2_256;

/// Draws up to `count` members of `pool`, each with a chance proportional to its weight among those
/// that are left; a weight of 0 counts as 1. The same pool, in the same order, and the same seed
/// give the same draw.
///
/// Draw `i` takes `blake2_256(seed ++ i as u32 LE)` as a 256-bit number modulo the sum of the
/// weights. The sum is below 2^128, so no member's chance differs from its share by more than
/// 2^-128.
pub(crate) fn draw<Member>(pool: Vec<(Member, Balance)>, seed: H256, count: u32) -> Vec<Member> {
	let mut pool: Vec<_> =
		pool.into_iter().map(|(member, weight)| (member, weight.max(1))).collect();
	let mut drawn = Vec::new();
	for counter in 0..count {
		let total = pool.iter().fold(0, |sum: Balance, (_, weight)| sum.saturating_add(*weight));
		let Some(place) =
			point_below(total, seed, counter).and_then(|point| place_of(point, &pool))
		else {
			break;
		};
		drawn.push(pool.remove(place).0);
	}
	drawn
}

/// A number below `total` made of the seed; none is below 0.
fn point_below(total: Balance, seed: H256, counter: u32) -> Option<Balance> {
	let hash = (seed, counter).using_encoded(blake2_256);
	let point = U256::from_little_endian(&hash).checked_rem(U256::from(total))?;
	Some(point.low_u128())
}

/// Whose stretch contains the point, when the weights are laid end to end.
fn place_of<Member>(mut point: Balance, pool: &[(Member, Balance)]) -> Option<usize> {
	pool.iter().position(|(_, weight)| match point.checked_sub(*weight) {
		Some(rest) => {
			point = rest;
			false
		},
		None => true,
	})
}
