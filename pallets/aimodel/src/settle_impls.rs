//! Settlement: a result is checked, the price is divided, the rest goes back.

use crate::*;
use aimodel_primitives::{
	privacy::Visibility,
	statement::{self, Known, Scalar},
	KeyId,
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use frame_support::{
	pallet_prelude::*,
	traits::{
		fungible::{Inspect, MutateHold},
		tokens::{Fortitude, Precision, Restriction},
	},
};
use sp_runtime::{
	traits::{AccountIdConversion, Saturating, Zero},
	ArithmeticError,
};

/// An answer that may be settled once its proof, if it needs one, is verified.
struct Checked<T: Config> {
	id: RequestId,
	request: Request<T>,
	worker: T::AccountId,
	output: Output<T::MaxInlineOutput>,
	units: u64,
	quoted: Balance,
	claim: Option<Claim>,
}

impl<T: Config> Checked<T> {
	/// The weight of settling it, without its proof.
	fn weight(&self) -> Weight {
		let covered = self.request.cover.is_some();
		let fallbacks = Pallet::<T>::count_fallbacks(self.id);
		Pallet::<T>::settle_weight(self.output.length(), self.claim.is_some(), covered, fallbacks)
	}
}

/// What a proof has to prove, and under which key.
struct Claim {
	key: KeyId,
	public_inputs: Vec<Scalar>,
	proof: ProofBytes,
}

fn count<Item>(items: &[Item]) -> u32 {
	u32::try_from(items.len()).unwrap_or(u32::MAX)
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_submit_result(
		operator: T::AccountId,
		answer: Answer<T>,
	) -> DispatchResultWithPostInfo {
		let checked = Self::check(&operator, answer)?;
		let mut weight = checked.weight();
		if let Some(Claim { key, public_inputs, proof }) = &checked.claim {
			T::Verifier::verify(key, public_inputs, proof)?;
			weight = weight.saturating_add(T::Verifier::verify_weight(count(public_inputs)));
		}
		Self::settle(checked)?;
		Ok((Some(weight), Pays::No).into())
	}

	pub(crate) fn do_submit_results(
		operator: T::AccountId,
		answers: BoundedVec<Answer<T>, T::MaxResults>,
	) -> DispatchResultWithPostInfo {
		ensure!(!answers.is_empty(), Error::<T>::NoResults);
		// What is checked below is checked before anything is settled.
		let ids: BTreeSet<_> = answers.iter().map(|answer| answer.request).collect();
		ensure!(ids.len() == answers.len(), Error::<T>::DuplicateResult);
		let checked: Vec<_> = answers
			.into_iter()
			.map(|answer| Self::check(&operator, answer))
			.collect::<Result<_, _>>()?;

		let mut by_key = BTreeMap::<KeyId, Vec<(&[Scalar], &[u8])>>::new();
		for Claim { key, public_inputs, proof } in checked.iter().filter_map(|c| c.claim.as_ref()) {
			by_key.entry(*key).or_default().push((public_inputs, proof));
		}
		let mut weight =
			checked.iter().fold(Weight::zero(), |sum, answer| sum.saturating_add(answer.weight()));
		for (key, claims) in by_key {
			let public_inputs = claims.iter().map(|(inputs, _)| count(inputs)).max().unwrap_or(0);
			let verified = T::Verifier::verify_batch_weight(count(&claims), public_inputs);
			weight = weight.saturating_add(verified);
			T::Verifier::verify_batch(&key, &claims)?;
		}
		for answer in checked {
			Self::settle(answer)?;
		}
		Ok((Some(weight), Pays::No).into())
	}

	/// Checks all of an answer but its proof. Writes nothing.
	fn check(operator: &T::AccountId, answer: Answer<T>) -> Result<Checked<T>, DispatchError> {
		let Answer { request: id, output, units, proof } = answer;
		let request = Self::open_request(id)?;
		let worker = Self::ensure_lease_holder(operator, id, &request)?;
		let VersionId { model, index } = request.version;
		let record = Versions::<T>::get(model, index).ok_or(Error::<T>::UnknownRequest)?;

		let units = Self::ensure_units(&request, &record, &output, units)?;
		let quoted = request.rates.price(units).map_err(Error::<T>::from)?.price;
		let claim = Self::claim(id, &request, &record, &worker, &output, proof)?;
		Ok(Checked { id, request, worker, output, units, quoted, claim })
	}

	/// Pays for an answer whose proof, if it needs one, was verified.
	fn settle(answer: Checked<T>) -> DispatchResult {
		let Checked { id, request, worker, output, units, quoted, claim: _ } = answer;
		let price = quoted.min(request.most);
		let payout = match &request.cover {
			None => {
				let payout = Self::pay(&request, &worker, price)?;
				Self::count_answer(id, &request, units, price);
				payout
			},
			Some(cover) => {
				let payout = Self::pay_by_plan(id, &request, cover, &worker, quoted)?;
				Self::count_covered(id, &request, units);
				payout
			},
		};
		Self::count_income(&request.version.model, &payout);
		T::Workers::answered(id);
		let now = frame_system::Pallet::<T>::block_number();
		let output_hash = output.hash();
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
		let version = request.version;
		Self::close_request(id, request)?;
		Settlements::<T>::insert(id, settlement);
		Prunable::<T>::insert(now.saturating_add(T::Retention::get().into()), id, ());
		Self::deposit_event(Event::Settled {
			request: id,
			version,
			worker,
			assurance,
			output_hash,
			units,
			price,
			refund,
			payout,
		});
		Ok(())
	}

	/// The account that keeps earnings until they are withdrawn.
	pub fn pot() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// The most that a result with so many bytes can weigh.
	pub(crate) fn submit_result_weight(output_bytes: u64) -> Weight {
		let verified = T::Verifier::verify_weight(T::Verifier::max_public_inputs());
		Self::settle_weight(output_bytes, true, true, MAX_FALLBACKS).saturating_add(verified)
	}

	/// The most that results can weigh: each proved under a key of its own.
	pub(crate) fn submit_results_weight(answers: &[Answer<T>]) -> Weight {
		let public_inputs = T::Verifier::max_public_inputs();
		answers.iter().fold(Weight::zero(), |sum, answer| {
			sum.saturating_add(Self::settle_weight(
				answer.output.length(),
				true,
				true,
				MAX_FALLBACKS,
			))
			.saturating_add(T::Verifier::verify_batch_weight(1, public_inputs))
		})
	}

	/// The weight of all of a result with so many bytes but its proof: what it merits if it is proven,
	/// and what is given back if a plan covers it, are counted only then; and the fallbacks that are left.
	pub(crate) fn settle_weight(
		output_bytes: u64,
		proven: bool,
		covered: bool,
		fallbacks: u32,
	) -> Weight {
		let bytes = u32::try_from(output_bytes).unwrap_or(u32::MAX);
		let either = |holds, weight| if holds { weight } else { Weight::zero() };
		T::WeightInfo::submit_result(bytes.min(T::MaxInlineOutput::get()))
			.saturating_add(either(proven, T::DbWeight::get().reads_writes(1, 1)))
			.saturating_add(either(covered, T::WeightInfo::give_back()))
			.saturating_add(Self::leaving_weight(fallbacks))
			// What it was guaranteed is free again.
			.saturating_add(T::DbWeight::get().reads_writes(1, 1))
			.saturating_add(Self::counting_weight())
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
		let output_elements = match Self::sealed_output_bytes(request, record) {
			None => interface
				.output_elements(request.rows, output.length())
				.map_err(|_| Error::<T>::OutputLength)?,
			Some(bytes) => {
				ensure!(output.length() == bytes, Error::<T>::OutputLength);
				interface.output.elements(request.rows).max
			},
		};
		let input_elements = interface.input.elements(request.rows).max;
		let computed =
			record.units.units(input_elements, output_elements).ok_or(Error::<T>::PriceOverflow)?;
		let units = reported.unwrap_or(computed);
		ensure!(units <= computed, Error::<T>::TooManyUnits);
		Ok(units)
	}

	/// Bytes of the answer to a request whose output is committed.
	fn sealed_output_bytes(request: &Request<T>, record: &Version) -> Option<u64> {
		let Assurance::Proven { .. } = request.assurance else { return None };
		let visibility = record.circuit.as_ref()?.privacy.output;
		let output = &record.interface.output;
		(visibility == Visibility::Committed)
			.then(|| statement::output_bytes(output, output.elements(1).max, visibility))
			.flatten()
	}

	/// What the proof of an answer has to prove, if the request asks for one. The chain alone builds
	/// the statement.
	fn claim(
		id: RequestId,
		request: &Request<T>,
		record: &Version,
		worker: &T::AccountId,
		output: &Output<T::MaxInlineOutput>,
		proof: Option<ProofBytes>,
	) -> Result<Option<Claim>, DispatchError> {
		let Assurance::Proven { .. } = request.assurance else {
			ensure!(proof.is_none(), Error::<T>::ProofUnexpected);
			return Ok(None);
		};
		let proof = proof.ok_or(Error::<T>::ProofMissing)?;
		let circuit = record.circuit.as_ref().ok_or(Error::<T>::NotProvable)?;
		let Output::Inline(output) = output else {
			return Err(Error::<T>::OutputNotInline.into());
		};
		let known = Known {
			binding: Self::binding(id, worker),
			parameters: circuit.parameters,
			commitment: request.commitment(),
			input: match &request.input {
				Input::Inline(bytes) | Input::Salted { bytes, .. } => Some(bytes),
				Input::Blob { .. } | Input::Committed { .. } => None,
			},
			output,
		};
		// Nothing else was let through when the request was made.
		let public_inputs = statement::public_inputs(&record.interface, circuit.privacy, known)
			.ok_or(Error::<T>::OutputLength)?;
		Ok(Some(Claim { key: circuit.key, public_inputs, proof }))
	}

	/// The first public input of a proof by `worker` for this request, on this chain.
	pub fn binding(id: RequestId, worker: &T::AccountId) -> statement::Scalar {
		statement::binding(&Self::genesis(), id, &worker.clone().into())
	}

	/// The hash of the chain's first block.
	pub(crate) fn genesis() -> [u8; 32] {
		let hash = frame_system::Pallet::<T>::block_hash(
			frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
		);
		let mut genesis = [0; 32];
		let length = hash.as_ref().len().min(32);
		genesis[..length].copy_from_slice(&hash.as_ref()[..length]);
		genesis
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
		let incentives = Self::feed_incentives(request, division.platform)?;
		let payout = Payout::new(division, incentives, &request.split);
		Self::credit(worker, payout.worker)?;
		Self::credit_others(&payout)?;
		Ok(payout)
	}

	/// Credits platform and beneficiaries with their parts.
	pub(crate) fn credit_others(payout: &Payout<T::AccountId>) -> DispatchResult {
		let kept = payout.platform.saturating_sub(payout.incentives);
		Self::credit(&T::PlatformAccount::get(), kept)?;
		for (beneficiary, amount) in &payout.beneficiaries {
			Self::credit(beneficiary, *amount)?;
		}
		Ok(())
	}

	pub(crate) fn credit(who: &T::AccountId, amount: Balance) -> DispatchResult {
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
