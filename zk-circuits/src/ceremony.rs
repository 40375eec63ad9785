//! Trusted setup by several parties: keys that can forge proofs only if all of them collude.
//!
//! - **Phase 1** ([`powers`]) makes powers of three secrets τ, α and β. It is the same for every
//!   circuit up to its size.
//! - **Phase 2** ([`Transcript`]) is of one circuit. What it starts from follows from the
//!   circuit and from phase 1 ([`Base`]), for everybody to verify; contributions change δ.
//!
//! In both, participants one after the other multiply secrets on, prove that they know them, and
//! forget them. Who may contribute, how many must, and which public randomness comes last is
//! committed to before the first contribution ([`Terms`]). The coordinator's signature of length
//! and head closes the transcript. `docs/ceremony.md` describes the files byte by byte, and what
//! each check is for.
//!
//! Secrets are erased when they are dropped, and so is what is computed from them on the heap. What
//! is left in registers and on the stack is not, and arithmetic takes a time that depends on them.
//! Contribute on a machine that nobody else uses.

mod beacon;
mod chain;
mod error;
mod key;
mod lagrange;
mod multiply;
mod points;
pub mod powers;
mod terms;
mod transcript;

pub use beacon::{Beacon, Source, MAX_DELAY, MAX_SOURCE_BYTES, MAX_VALUE_BYTES};
pub use error::{CeremonyError, Fault};
pub use powers::Powers;
pub use terms::{Identity, PublicKey, Terms, TermsError, MAX_PARTICIPANTS, MIN_CONTRIBUTIONS};
pub use transcript::{Base, Transcript};

use ark_bls12_381::Fr;
use ark_ff::AdditiveGroup;
use zeroize::Zeroizing;

/// The largest phase 1 is for domains of 2 to this power.
pub const MAX_POWER: u8 = 28;

/// What a transcript says about itself, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
	/// Hash of the whole transcript: its name, once it is finished.
	pub hash: [u8; 32],
	/// The terms; powers that were imported as they are have none.
	pub terms: Option<Terms>,
	/// Contributions, without the beacon.
	pub contributions: usize,
	/// The hash of the transcript after each record, and whose it is; the beacon is nobody's. With
	/// it participants find their contribution again.
	pub records: Vec<([u8; 32], Option<PublicKey>)>,
	/// Whether the beacon has been applied.
	pub closed: bool,
	/// Whether the coordinator has closed the transcript, or nothing can ever be added.
	pub finished: bool,
}

impl Status {
	/// Checks that powers have terms of their own or, if they were imported as they are, that these
	/// were accepted by their hash: nobody of a ceremony of ours stands behind them.
	pub fn check_imported(&self, accepted: Option<[u8; 32]>) -> Result<(), CeremonyError> {
		match accepted {
			Some(accepted) if accepted != self.hash => {
				Err(CeremonyError::Accepted { accepted, got: self.hash })
			},
			None if self.terms.is_none() => Err(CeremonyError::Imported(self.hash)),
			_ => Ok(()),
		}
	}
}

impl<const K: usize> From<&chain::Chain<K>> for Status {
	fn from(chain: &chain::Chain<K>) -> Self {
		Self {
			hash: chain.id(),
			terms: chain.terms.clone(),
			contributions: chain.contributions(),
			records: chain.heads(),
			closed: chain.closed(),
			finished: chain.finished(),
		}
	}
}

/// `blake2b-512` of the concatenation of parts.
fn wide_hash(parts: &[&[u8]]) -> [u8; 64] {
	let mut state = blake2b_simd::Params::new().hash_length(64).to_state();
	parts.iter().for_each(|part| {
		state.update(part);
	});
	*state.finalize().as_array()
}

/// A scalar from the concatenation of parts, with no bias that could be noticed: their
/// [`wide_hash`], reduced.
fn wide_scalar(parts: &[&[u8]]) -> Fr {
	let hash = Zeroizing::new(wide_hash(parts));
	// Not arkworks' reduction, which leaves copies of what may be secret on the heap.
	hash.rchunks_exact(8).fold(Fr::ZERO, |scalar, limb| {
		let limb = limb.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
		scalar * Fr::from(1u128 << 64) + Fr::from(limb)
	})
}

#[cfg(test)]
mod tests;
