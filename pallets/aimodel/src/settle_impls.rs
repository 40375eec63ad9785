//! Settlement: a result is checked, the price is divided, the rest goes back.

use crate::*;
use aimodel_primitives::statement;
use alloc::vec::Vec;
use frame_support::{
	pallet_prelude::*,
	traits::{
		fungible::{Inspect, Mutate, MutateHold},
		tokens::{Fortitude, Precision, Preservation, Restriction},
	},
};
use sp_runtime::{
	traits::{AccountIdConversion, Saturating, Zero},
	ArithmeticError,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_submit_result(
		operator: T::AccountId,
		id: RequestId,
		output: Output<T::MaxInlineOutput>,
		units: Option<u64>,
		proof: Option<ProofBytes>,
	) -> DispatchResultWithPostInfo {
		let request = Self::open_request(id)?;
		let worker = Self::ensure_lease_holder(&operator, id, &request)?;
		let VersionId { model, index } = request.version;
		let record = Versions::<T>::get(model, index).ok_or(Error::<T>::UnknownRequest)?;

		let units = Self::ensure_units(&request, &record, &output, units)?;
		let price = request.pricing.price(units).ok_or(Error::<T>::PriceOverflow)?;
		let price = price.min(request.held);
		let public_inputs = Self::ensure_proven(id, &request, &record, &worker, &output, proof)?;

		let payout = Self::pay(&request, &worker, price)?;
		T::Workers::release(id);
		let now = frame_system::Pallet::<T>::block_number();
		let output_hash = output.hash();
		let output_bytes = output.length();
		let (assurance, refund) = (request.assurance, request.held.saturating_sub(price));
		let settlement = Settlement::<T> {
			customer: request.customer.clone(),
			worker: worker.clone(),
			version: request.version,
			assurance,
			output,
			units,
			price,
			settled_at: now,
		};
		Self::close_request(id, request)?;
		Settlements::<T>::insert(id, settlement);
		Prunable::<T>::insert(now.saturating_add(T::Retention::get().into()), id, ());
		Self::deposit_event(Event::Settled {
			request: id,
			worker,
			assurance,
			output_hash,
			units,
			price,
			refund,
			payout,
		});
		let weight = Self::submit_result_weight(public_inputs, output_bytes);
		Ok((Some(weight), Pays::No).into())
	}

	pub(crate) fn do_withdraw(who: T::AccountId) -> DispatchResult {
		let amount = Earnings::<T>::take(&who);
		ensure!(!amount.is_zero(), Error::<T>::NothingToWithdraw);
		T::Currency::transfer(&Self::pot(), &who, amount, Preservation::Preserve)?;
		Self::deposit_event(Event::Withdrawn { account: who, amount });
		Ok(())
	}

	/// The account that keeps earnings until they are withdrawn.
	pub fn pot() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// The weight of a result with so many bytes, proved with so many public inputs.
	pub(crate) fn submit_result_weight(public_inputs: u32, output_bytes: u64) -> Weight {
		let bytes = u32::try_from(output_bytes).unwrap_or(u32::MAX);
		T::WeightInfo::submit_result(bytes.min(T::MaxInlineOutput::get()))
			.saturating_add(T::Verifier::verify_weight(public_inputs))
	}

	/// The bonded account behind `operator`, if it may answer now.
	fn ensure_lease_holder(
		operator: &T::AccountId,
		id: RequestId,
		request: &Request<T>,
	) -> Result<T::AccountId, DispatchError> {
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now <= request.deadline, Error::<T>::DeadlinePassed);
		let worker = T::Workers::worker_of(operator).ok_or(Error::<T>::NotLeaseHolder)?;
		let lease = T::Workers::leased(id).ok_or(Error::<T>::NotLeased)?;
		ensure!(lease.worker == worker, Error::<T>::NotLeaseHolder);
		ensure!(now <= lease.until, Error::<T>::LeaseLapsed);
		ensure!(lease.obliged, Error::<T>::LeaseNotAccepted);
		Ok(worker)
	}

	/// The units that are billed: what the worker reports, at most what the chain computes.
	fn ensure_units(
		request: &Request<T>,
		record: &Version,
		output: &Output<T::MaxInlineOutput>,
		reported: Option<u64>,
	) -> Result<u64, DispatchError> {
		let interface = &record.interface;
		let output_elements = interface
			.output_elements(request.rows, output.length())
			.map_err(|_| Error::<T>::OutputLength)?;
		let input_elements = interface.input.elements(request.rows).max;
		let computed =
			record.units.units(input_elements, output_elements).ok_or(Error::<T>::PriceOverflow)?;
		let units = reported.unwrap_or(computed);
		ensure!(units <= computed, Error::<T>::TooManyUnits);
		Ok(units)
	}

	/// Checks that the answer has what the request's assurance asks. The chain alone builds the
	/// statement. Returns how many public inputs were verified.
	fn ensure_proven(
		id: RequestId,
		request: &Request<T>,
		record: &Version,
		worker: &T::AccountId,
		output: &Output<T::MaxInlineOutput>,
		proof: Option<ProofBytes>,
	) -> Result<u32, DispatchError> {
		let Assurance::Proven { .. } = request.assurance else {
			ensure!(proof.is_none(), Error::<T>::ProofUnexpected);
			return Ok(0);
		};
		let proof = proof.ok_or(Error::<T>::ProofMissing)?;
		let circuit = record.circuit.as_ref().ok_or(Error::<T>::NotProvable)?;
		let Input::Inline(input) = &request.input else {
			return Err(Error::<T>::InputNotInline.into());
		};
		let Input::Inline(output) = output else {
			return Err(Error::<T>::OutputNotInline.into());
		};
		let interface = &record.interface;
		let mut scalars: Vec<statement::Scalar> = alloc::vec![Self::binding(id, worker)];
		scalars.extend(
			statement::pack(interface.input.element, input).ok_or(Error::<T>::InputLength)?,
		);
		scalars.extend(
			statement::pack(interface.output.element, output).ok_or(Error::<T>::OutputLength)?,
		);
		T::Verifier::verify(&circuit.key, &scalars, proof.as_slice())?;
		Ok(u32::try_from(scalars.len()).unwrap_or(u32::MAX))
	}

	/// The first public input of a proof by `worker` for this request, on this chain.
	pub fn binding(id: RequestId, worker: &T::AccountId) -> statement::Scalar {
		let genesis = frame_system::Pallet::<T>::block_hash(
			frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
		);
		let mut genesis_bytes = [0; 32];
		let length = genesis.as_ref().len().min(32);
		genesis_bytes[..length].copy_from_slice(&genesis.as_ref()[..length]);
		statement::binding(&genesis_bytes, id, &worker.clone().into())
	}

	/// Moves `price` from the customer's hold to the pot, credits everybody's part, and releases
	/// what is left of the hold.
	fn pay(
		request: &Request<T>,
		worker: &T::AccountId,
		price: Balance,
	) -> Result<Payout<T::AccountId>, DispatchError> {
		let (escrow, customer) = (HoldReason::Escrow.into(), &request.customer);
		if price > 0 {
			T::Currency::transfer_on_hold(
				&escrow,
				customer,
				&Self::pot(),
				price,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Polite,
			)?;
		}
		let rest = request.held.saturating_sub(price);
		T::Currency::release(&escrow, customer, rest, Precision::Exact)?;

		let division = request.split.divide(price, request.platform_share);
		let payout = Payout::new(division, &request.split);
		Self::credit(&T::PlatformAccount::get(), payout.platform)?;
		Self::credit(worker, payout.worker)?;
		for (beneficiary, amount) in &payout.beneficiaries {
			Self::credit(beneficiary, *amount)?;
		}
		Ok(payout)
	}

	fn credit(who: &T::AccountId, amount: Balance) -> DispatchResult {
		if amount.is_zero() {
			return Ok(());
		}
		Earnings::<T>::try_mutate(who, |earned| {
			*earned = earned.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
			Ok(())
		})
	}

	/// What the pot holds beyond its existential deposit.
	pub fn pot_balance() -> Balance {
		T::Currency::balance(&Self::pot()).saturating_sub(T::Currency::minimum_balance())
	}
}
