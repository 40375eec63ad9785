//! Access: who may make requests of a model, and when nobody may.

use crate::*;
use aimodel_primitives::{
	access::{
		AccessError, AccountLimits, Admission, Breaker, CallCount, Policy, Suspension, Trial,
	},
	traits::LeaseTerms,
};
use alloc::collections::BTreeSet;
use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, SaturatedConversion};

impl<T: Config> From<AccessError> for Error<T> {
	fn from(error: AccessError) -> Self {
		match error {
			AccessError::ZeroLimit => Self::ZeroLimit,
			AccessError::Window => Self::RateWindowOutOfBounds,
			AccessError::Breaker => Self::UnsoundBreaker,
		}
	}
}

impl<T: Config> From<Suspension> for Error<T> {
	fn from(suspension: Suspension) -> Self {
		match suspension {
			Suspension::CoolingDown => Self::ModelSuspended,
			Suspension::OnTrial => Self::ModelOnTrial,
		}
	}
}

impl<T: Config> Pallet<T> {
	// --- What owners set ------------------------------------------------------------------------

	pub(crate) fn do_set_access(
		who: T::AccountId,
		out_point: OutPoint,
		access: Access,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		Self::ensure_sound(&access)?;
		let mut output = Self::lengthen(output)?;
		if access.breaker != output.content.access.breaker {
			Self::reset_breaker(&output.model);
		}
		output.content.access = access;
		Self::succeed(who, out_point, output, Change::AccessSet);
		Ok(())
	}

	pub(crate) fn do_set_paused(
		who: T::AccountId,
		out_point: OutPoint,
		paused: bool,
	) -> DispatchResult {
		let output = Self::owned_output(&who, out_point)?;
		let (unchanged, change) = if paused {
			(Error::<T>::ModelPaused, Change::Paused)
		} else {
			(Error::<T>::NotPaused, Change::Unpaused)
		};
		ensure!(output.content.access.paused != paused, unchanged);
		let mut output = Self::lengthen(output)?;
		output.content.access.paused = paused;
		Self::succeed(who, out_point, output, change);
		Ok(())
	}

	pub(crate) fn do_allow(
		who: T::AccountId,
		model: ModelId,
		accounts: Accounts<T>,
	) -> DispatchResult {
		let (out_point, output) = Self::owned_model(&who, &model)?;
		let distinct = Self::distinct(&accounts)?;
		ensure!(distinct == accounts.len(), Error::<T>::AlreadyAllowed);
		let listed = accounts.iter().any(|account| Allowed::<T>::contains_key(model, account));
		ensure!(!listed, Error::<T>::AlreadyAllowed);
		let allowed = output.allowed.saturating_add(accounts.len() as u32);
		ensure!(allowed <= T::MaxAllowed::get(), Error::<T>::TooManyAllowed);

		Self::keep_allowed(out_point, output, allowed)?;
		for account in accounts {
			Allowed::<T>::insert(model, &account, ());
			Self::deposit_event(Event::Allowed { model, account });
		}
		Ok(())
	}

	pub(crate) fn do_disallow(
		who: T::AccountId,
		model: ModelId,
		accounts: Accounts<T>,
	) -> DispatchResult {
		let (out_point, output) = Self::owned_model(&who, &model)?;
		let distinct = Self::distinct(&accounts)?;
		ensure!(distinct == accounts.len(), Error::<T>::NotAllowed);
		let listed = accounts.iter().all(|account| Allowed::<T>::contains_key(model, account));
		ensure!(listed, Error::<T>::NotAllowed);
		let allowed = output.allowed.saturating_sub(accounts.len() as u32);

		Self::keep_allowed(out_point, output, allowed)?;
		for account in accounts {
			Allowed::<T>::remove(model, &account);
			Self::deposit_event(Event::Disallowed { model, account });
		}
		Ok(())
	}

	/// Checks that limits admit something, and that no record of a customer is pruned within the
	/// window for which it counts: it is kept for longer than a billing period after its last use.
	pub(crate) fn ensure_sound(access: &Access) -> Result<(), Error<T>> {
		Ok(access.validate(T::BillingPeriod::get())?)
	}

	/// The live output of a model, if `who` may change it.
	fn owned_model(
		who: &T::AccountId,
		model: &ModelId,
	) -> Result<(OutPoint, ModelOutput<T>), DispatchError> {
		let out_point = Tips::<T>::get(model).ok_or(Error::<T>::UnknownModel)?;
		Ok((out_point, Self::owned_output(who, out_point)?))
	}

	/// How many different accounts there are: at least one.
	fn distinct(accounts: &Accounts<T>) -> Result<usize, Error<T>> {
		ensure!(!accounts.is_empty(), Error::<T>::NoAccounts);
		Ok(accounts.iter().collect::<BTreeSet<_>>().len())
	}

	/// Stores the length of an allow-list, with its deposit.
	fn keep_allowed(
		out_point: OutPoint,
		mut output: ModelOutput<T>,
		allowed: u32,
	) -> DispatchResult {
		output.allowed = allowed;
		let footprint = Self::footprint_of(&output);
		output.deposit = output.deposit.update(&output.depositor, footprint)?;
		Outputs::<T>::insert(out_point, output);
		Ok(())
	}

	// --- What requests meet ---------------------------------------------------------------------

	/// Whether `who` may make a request of a model now, as far as the model is concerned; what is
	/// counted of `who` is asked by [`Self::ensure_within`]. `tier` is that of the period that `who` is
	/// in, or that its request by plan begins. Writes nothing.
	pub(crate) fn ensure_admitted(
		who: &T::AccountId,
		model: &ModelId,
		content: &ModelContent<T::AccountId>,
		tier: Option<Tier>,
	) -> Result<Admission, Error<T>> {
		Self::ensure_open_to(who, model, content, tier)?;
		let has_room = |most| OpenRequests::<T>::get(model) < most;
		ensure!(content.access.limits.open.is_none_or(has_room), Error::<T>::ModelBusy);
		let breaker = Records::<T>::get(model).breaker;
		Ok(breaker.admission(Self::block(), Self::is_obliged)?)
	}

	/// Whether a model's owner lets `who` make requests at all, in a period of a plan of this tier:
	/// otherwise no plan is charged either.
	pub(crate) fn ensure_open_to(
		who: &T::AccountId,
		model: &ModelId,
		content: &ModelContent<T::AccountId>,
		tier: Option<Tier>,
	) -> Result<(), Error<T>> {
		let Access { policy, paused, .. } = &content.access;
		ensure!(!paused, Error::<T>::ModelPaused);
		if content.owner == *who {
			return Ok(());
		}
		match policy {
			Policy::Open => (),
			Policy::AllowList => {
				ensure!(Allowed::<T>::contains_key(model, who), Error::<T>::NotAllowed);
			},
			Policy::Subscribers => ensure!(tier.is_some(), Error::<T>::SubscribersOnly),
			Policy::Tier(least) => {
				let tier = tier.ok_or(Error::<T>::SubscribersOnly)?;
				ensure!(tier >= *least, Error::<T>::TierTooLow);
			},
		}
		Ok(())
	}

	/// How many requests an account may make of a model: its plan says so, or else the model.
	pub(crate) fn limits_of(
		content: &ModelContent<T::AccountId>,
		period: Option<&Period>,
	) -> AccountLimits {
		let bought = period.and_then(|period| period.limits);
		bought.unwrap_or_else(|| content.access.limits.per_account())
	}

	/// What is counted against the rate limit with one more request, if limits admit it.
	pub(crate) fn ensure_within(
		limits: &AccountLimits,
		customer: &Customer<T>,
	) -> Result<CallCount, Error<T>> {
		let has_room = |most| customer.open < most;
		ensure!(limits.open.is_none_or(has_room), Error::<T>::TooManyOpen);
		match &limits.rate {
			None => Ok(customer.rate),
			Some(rate) => {
				customer.rate.after_call(rate, Self::block()).ok_or(Error::<T>::RateLimited)
			},
		}
	}

	/// Whether a worker is obliged to answer a request.
	pub(crate) fn is_obliged(id: RequestId) -> bool {
		T::Workers::leased(id).is_some_and(|lease| lease.obliged)
	}

	// --- What a model is suspended by -----------------------------------------------------------

	/// Notes the request that tries whether a suspended model answers again. It is drawn in the next
	/// block; by then, or when the window to accept is over, a worker is obliged, or another request
	/// may take its place.
	pub(crate) fn begin_trial(
		model: &ModelId,
		id: RequestId,
		terms: &LeaseTerms<BlockNumberFor<T>>,
	) {
		let window = if terms.obliges_at_once {
			0
		} else {
			T::Workers::accept_window().saturated_into::<u32>()
		};
		let until = Self::block().saturating_add(1).saturating_add(window);
		Self::change_record(model, |record| {
			record.breaker.begin_trial(Trial { request: id, until });
		});
	}

	/// Notes an answer that was paid.
	pub(crate) fn note_answer(id: RequestId, request: &Request<T>, record: &mut Record) {
		let now = frame_system::Pallet::<T>::block_number();
		record.figures.answered(now.saturating_sub(request.requested_at).saturated_into());
		if record.breaker.answered(id) {
			Self::deposit_event(Event::Resumed { model: request.version.model });
		}
	}

	/// Notes a lapse of a lease that obliged.
	pub(crate) fn note_lapse(id: RequestId, model: &ModelId, record: &mut Record) {
		record.figures.lapsed();
		let params = Self::tip(model).and_then(|output| output.content.access.breaker);
		let Some(params) = params else { return };
		if let Some(until) = record.breaker.failed(id, Self::block(), &params) {
			Self::deposit_event(Event::Suspended { model: *model, until });
		}
	}

	fn reset_breaker(model: &ModelId) {
		Self::change_record(model, |record| {
			let before = core::mem::take(&mut record.breaker);
			if matches!(before, Breaker::Open { .. }) {
				Self::deposit_event(Event::Resumed { model: *model });
			}
		});
	}
}
