//! The host interface between the offchain worker and the ledger of the node's gateway.
//!
//! The ledger has what subscribers signed, and says what of it is to be claimed now. The offchain worker
//! signs the claims, since one window of nonces is in flight for each operator key.

use super::{Claim, MAX_CLAIMS};
use alloc::vec::Vec;
use codec::Encode;
use sp_runtime_interface::{
	pass_by::{PassFatPointerAndWrite, PassPointerAndReadCopy},
	runtime_interface,
};

/// The most bytes of encoded claims that cross the interface.
pub const MAX_CLAIMS_BYTES: u32 = MAX_CLAIMS * 160;

/// What the gateway's ledger does.
#[cfg(feature = "std")]
pub trait VoucherLedger: Send + Sync {
	/// What is to be claimed now for a bonded account: [`MAX_CLAIMS`] at most, and mostly nothing. Does not
	/// block.
	fn claims(&self, worker: &[u8; 32]) -> Vec<Claim<[u8; 32]>>;
}

#[cfg(feature = "std")]
sp_externalities::decl_extension! {
	/// Gives the offchain worker, and nothing else, the gateway's ledger.
	pub struct VouchersExt(std::sync::Arc<dyn VoucherLedger>);
}

/// The host functions.
#[runtime_interface]
pub trait Vouchers {
	/// Writes the encoded list of what is to be claimed now for a bonded account, and tells its length. Zero,
	/// and nothing is written, where that is nothing, where `out` is too short, and on a node without a gateway.
	fn claims(
		&mut self,
		worker: PassPointerAndReadCopy<[u8; 32], 32>,
		out: PassFatPointerAndWrite<&mut [u8]>,
	) -> u32 {
		use sp_externalities::ExternalitiesExt as _;
		let Some(VouchersExt(ledger)) = self.extension::<VouchersExt>() else { return 0 };
		let claims = ledger.claims(&worker);
		let encoded = claims.encode();
		match out.get_mut(..encoded.len()) {
			Some(out) if !claims.is_empty() => {
				out.copy_from_slice(&encoded);
				u32::try_from(encoded.len()).unwrap_or(0)
			},
			_ => 0,
		}
	}
}

#[cfg(not(substrate_runtime))]
pub use vouchers::HostFunctions;
