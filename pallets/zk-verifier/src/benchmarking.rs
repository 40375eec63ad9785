//! Benchmarks. Keys and proofs are valid: invalid ones fail earlier.

// A benchmark reckons with numbers of its own, and may panic.
#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::simulator::SimulatedKey;
use aimodel_primitives::{
	statement::STATEMENT_VERSION,
	traits::{KeyOrigin, ProofVerifier},
	KeyId,
};
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{Consideration, EnsureOrigin, Get},
	BoundedVec,
};
use frame_system::RawOrigin;
use sp_core::H256;

const SEED: u64 = 0;

/// The points of a key, and the funds of its registrant.
fn prepare<T: Config>(
	registrant: &T::AccountId,
	public_inputs: u32,
) -> BoundedVec<u8, MaxKeyBytes<T>> {
	let points = SimulatedKey::new(public_inputs, SEED).points();
	T::Consideration::ensure_successful(registrant, footprint::<T>(points.len()));
	points.try_into().expect("the count of public inputs is within the bound; qed")
}

fn register<T: Config>(
	registrant: T::AccountId,
	public_inputs: u32,
) -> Result<KeyId, BenchmarkError> {
	let points = prepare::<T>(&registrant, public_inputs);
	let (artifact, digest) = (Some(H256::repeat_byte(1)), H256::repeat_byte(2));
	let key = key_id(&registrant, &artifact, &digest, STATEMENT_VERSION, &points);
	Pallet::<T>::do_register_key(registrant, artifact, digest, STATEMENT_VERSION, points)?;
	Ok(key)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register_key(n: Linear<1, { T::MaxPublicInputs::get() }>) -> Result<(), BenchmarkError> {
		let caller: T::AccountId = whitelisted_caller();
		let points = prepare::<T>(&caller, n);
		let (artifact, digest) = (Some(H256::repeat_byte(1)), H256::repeat_byte(2));
		let key = key_id(&caller, &artifact, &digest, STATEMENT_VERSION, &points);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), artifact, digest, STATEMENT_VERSION, points);

		assert!(Keys::<T>::contains_key(key));
		Ok(())
	}

	#[benchmark]
	fn remove_key() -> Result<(), BenchmarkError> {
		let caller: T::AccountId = whitelisted_caller();
		let key = register::<T>(caller.clone(), T::MaxPublicInputs::get())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), key);

		assert!(!Keys::<T>::contains_key(key));
		Ok(())
	}

	#[benchmark]
	fn attest_key() -> Result<(), BenchmarkError> {
		let origin =
			T::AttestOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let key = register::<T>(whitelisted_caller(), 1)?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, key, H256::repeat_byte(3));

		let info = Pallet::<T>::key(&key).ok_or("the key is registered")?;
		assert_eq!(info.origin, KeyOrigin::Ceremony);
		Ok(())
	}

	#[benchmark]
	fn verify_proof(n: Linear<1, { T::MaxPublicInputs::get() }>) -> Result<(), BenchmarkError> {
		let key = register::<T>(whitelisted_caller(), n)?;
		let inputs = simulator::inputs(n, SEED);
		let proof = SimulatedKey::new(n, SEED).prove(&inputs, SEED);
		let verdict;

		#[block]
		{
			verdict = <Pallet<T> as ProofVerifier<_>>::verify(&key, &inputs, &proof);
		}

		verdict?;
		Ok(())
	}

	/// Proofs under one key.
	#[benchmark]
	fn verify_batch(
		p: Linear<1, 64>,
		n: Linear<1, { T::MaxPublicInputs::get() }>,
	) -> Result<(), BenchmarkError> {
		let key = register::<T>(whitelisted_caller(), n)?;
		let simulated = SimulatedKey::new(n, SEED);
		let inputs: Vec<_> = (0..p).map(|i| simulator::inputs(n, i.into())).collect();
		let proofs: Vec<_> = inputs.iter().map(|inputs| simulated.prove(inputs, SEED)).collect();
		let claims: Vec<_> =
			inputs.iter().zip(&proofs).map(|(inputs, proof)| (&inputs[..], &proof[..])).collect();
		let verdict;

		#[block]
		{
			verdict = <Pallet<T> as ProofVerifier<_>>::verify_batch(&key, &claims);
		}

		verdict?;
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::TestExt::new().build(), crate::mock::Test);
}
