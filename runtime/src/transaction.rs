//! What a transaction is made of, and how the offchain worker makes one.

use crate::{Address, BlockNumber, Nonce, Runtime, RuntimeCall, Signature, Signer, System};
use aimodel_primitives::operator::OperatorPublic;
use codec::Encode;
use frame_system::offchain::{
	AppCrypto, CreateSignedTransaction, CreateTransaction, CreateTransactionBase, SigningTypes,
};
use sp_core::sr25519;
use sp_runtime::{generic, AccountId32, SaturatedConversion};

/// What every transaction is checked for, and charged.
pub type TxExtension = (
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckMortality<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// An extrinsic as it comes from outside.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// What is signed.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// How many blocks a transaction of the offchain worker stays valid: after a re-org it may be for a
/// request that is no more, and should not linger in the pool.
const OFFCHAIN_MORTALITY: u64 = 64;

/// The extension of a transaction with `nonce` and without a tip, valid for `era`.
pub fn tx_extension(nonce: Nonce, era: generic::Era) -> TxExtension {
	(
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckMortality::from(era),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(0),
		frame_system::WeightReclaim::new(),
	)
}

/// Mortal from the parent of `now`: the block of `now` itself is not yet known while it is built.
fn offchain_era(now: BlockNumber) -> generic::Era {
	generic::Era::mortal(OFFCHAIN_MORTALITY, now.saturated_into::<u64>().saturating_sub(1))
}

/// Operator keys, as the offchain worker signs with them.
pub struct OperatorCrypto;

impl AppCrypto<Signer, Signature> for OperatorCrypto {
	type RuntimeAppPublic = OperatorPublic;
	type GenericPublic = sr25519::Public;
	type GenericSignature = sr25519::Signature;
}

impl SigningTypes for Runtime {
	type Public = Signer;
	type Signature = Signature;
}

impl<LocalCall> CreateTransactionBase<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<LocalCall> CreateTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

impl<LocalCall> CreateSignedTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_signed_transaction<C: AppCrypto<Signer, Signature>>(
		call: RuntimeCall,
		public: Signer,
		account: AccountId32,
		nonce: Nonce,
	) -> Option<UncheckedExtrinsic> {
		let extension = tx_extension(nonce, offchain_era(System::block_number()));
		let payload = SignedPayload::new(call, extension)
			.inspect_err(|error| log::error!("no transaction to sign: {error:?}"))
			.ok()?;
		let signature = payload.using_encoded(|bytes| C::sign(bytes, public))?;
		let (call, extension, _) = payload.deconstruct();
		Some(UncheckedExtrinsic::new_signed(call, account.into(), signature, extension))
	}
}
