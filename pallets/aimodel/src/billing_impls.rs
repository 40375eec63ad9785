//! What is counted: of each account's use of a model, and of each model.

use crate::{tick_impls::drain_queue, *};
use aimodel_primitives::{
	access::{AccountLimits, CallCount},
	billing::{Budget, Ledger, Periods},
	pricing::Demand,
};
use frame_support::{pallet_prelude::*, traits::Defensive, weights::WeightMeter};
use sp_runtime::{traits::Zero, Permill, SaturatedConversion, Saturating};

/// Billing periods for which an unused record of an account is kept.
const KEPT_PERIODS: u32 = 2;

/// The part of a model's reliability that one request moves: one in 64.
const STEP: Permill = Permill::from_parts(15_625);

/// The reliability above which there is a bonus.
const RELIABLE: Permill = Permill::from_percent(90);

impl<T: Config> Pallet<T> {
	/// The number of the block, as billing counts it.
	pub(crate) fn block() -> u32 {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	pub(crate) fn periods() -> Periods {
		Periods { length: T::BillingPeriod::get() }
	}

	// --- Customers -----------------------------------------------------------------------------

	/// Counts a request that an account makes, and refuses it where its budget could be exceeded or
	/// a limit of the model is reached.
	pub(crate) fn open_customer(
		who: &T::AccountId,
		model: &ModelId,
		held: Balance,
		limits: &AccountLimits,
	) -> DispatchResult {
		let mut customer = match Customers::<T>::get(who, model) {
			Some(customer) => customer,
			None => Self::new_customer(who)?,
		};
		Self::ensure_within_budget(&customer, held)?;
		customer.rate = Self::ensure_within(limits, &customer)?;
		customer.open = customer.open.saturating_add(1);
		customer.held = customer.held.saturating_add(held);
		Self::keep_customer(who, model, customer);
		Ok(())
	}

	/// Whether a request that can cost this is within what an account may spend. Writes nothing.
	pub(crate) fn ensure_within_budget(
		customer: &Customer<T>,
		held: Balance,
	) -> Result<(), Error<T>> {
		let spend = customer.ledger.at(Self::periods().of(Self::block())).current.spend;
		let budget = customer.budget.as_ref();
		let admits = budget.is_none_or(|budget| budget.admits(spend, customer.held, held));
		ensure!(admits, Error::<T>::BudgetExceeded);
		Ok(())
	}

	/// Sets or removes what an account may spend on a model in a billing period.
	pub(crate) fn do_set_budget(
		who: T::AccountId,
		model: ModelId,
		budget: Option<Budget>,
	) -> DispatchResult {
		let customer = match Customers::<T>::get(&who, model) {
			Some(customer) => customer,
			None => {
				ensure!(Tips::<T>::contains_key(model), Error::<T>::UnknownModel);
				ensure!(budget.is_some(), Error::<T>::NothingToChange);
				Self::new_customer(&who)?
			},
		};
		ensure!(budget != customer.budget, Error::<T>::NothingToChange);
		Self::keep_customer(&who, &model, Customer { budget: budget.clone(), ..customer });
		Self::deposit_event(Event::BudgetSet { account: who, model, budget });
		Ok(())
	}

	pub(crate) fn new_customer(who: &T::AccountId) -> Result<Customer<T>, DispatchError> {
		let size = Customer::<T>::max_encoded_len();
		let deposit = T::CustomerDeposit::new(who, Footprint::from_parts(1, size))?;
		Ok(Self::customer_with(deposit))
	}

	/// The record of an account that used nothing yet.
	pub(crate) fn customer_with(deposit: T::CustomerDeposit) -> Customer<T> {
		let (ledger, budget, rate) = (Ledger::default(), None, CallCount::default());
		let trial = false;
		Customer { ledger, open: 0, held: 0, budget, rate, trial, prune: u32::MAX, deposit }
	}

	/// Stores an account's record as of now, and when it is pruned.
	pub(crate) fn keep_customer(who: &T::AccountId, model: &ModelId, mut customer: Customer<T>) {
		let period = Self::periods().of(Self::block());
		customer.ledger = customer.ledger.at(period);
		let prune = period.saturating_add(KEPT_PERIODS);
		if customer.prune != prune {
			PrunableCustomers::<T>::remove(customer.prune, (who, model));
			PrunableCustomers::<T>::insert(prune, (who, model), ());
			customer.prune = prune;
		}
		Customers::<T>::insert(who, model, customer);
	}

	/// How many calls of a model `who` has paid in the billing period.
	pub(crate) fn calls(who: &T::AccountId, model: &ModelId) -> u64 {
		let period = Self::periods().of(Self::block());
		Customers::<T>::get(who, model)
			.map_or(0, |customer| customer.ledger.at(period).current.calls)
	}

	/// Changes the record of the customer of a request that closes.
	fn close_customer(request: &Request<T>, count: impl FnOnce(&mut Customer<T>)) {
		Self::uncharge(&request.customer, &request.version.model, request.most, count);
	}

	/// Changes the record of an account of which a model has a request less.
	pub(crate) fn uncharge(
		who: &T::AccountId,
		model: &ModelId,
		most: Balance,
		count: impl FnOnce(&mut Customer<T>),
	) {
		let Some(mut customer) = Customers::<T>::get(who, model) else {
			frame_support::defensive!("an open request has a customer");
			return;
		};
		customer.open = customer.open.saturating_sub(1);
		customer.held = customer.held.saturating_sub(most);
		customer.ledger = customer.ledger.at(Self::periods().of(Self::block()));
		count(&mut customer);
		Self::keep_customer(who, model, customer);
	}

	/// Forgets the records of accounts that were not used for some periods, and gives their deposits
	/// back; within the limit.
	pub(crate) fn prune_customers(meter: &mut WeightMeter) {
		let each = T::WeightInfo::prune_customer();
		let now = Self::periods().of(Self::block());
		drain_queue::<T, _, _, PrunableCustomers<T>, CustomerCursor<T>>(
			now,
			each,
			meter,
			|(who, model)| {
				Self::prune_customer(&who, &model);
				each
			},
		);
	}

	fn prune_customer(who: &T::AccountId, model: &ModelId) {
		let Some(customer) = Customers::<T>::get(who, model) else { return };
		let kept = customer.budget.is_some() || customer.trial;
		let alive = kept && Tips::<T>::contains_key(model);
		if customer.open > 0 || alive {
			return Self::keep_customer(who, model, customer);
		}
		Customers::<T>::remove(who, model);
		// It can fail only where the hold is gone already.
		let _ = customer.deposit.drop(who).defensive();
	}

	// --- Models -------------------------------------------------------------------------------

	/// A model's record as of now.
	pub(crate) fn record_now(model: &ModelId, tariff: &Tariff) -> Record {
		let block = Self::block();
		let mut record = Records::<T>::get(model);
		let period = Self::periods().of(block);
		let passed = period.saturating_sub(record.ledger.period);
		record.drawn.after(passed);
		match passed {
			0 => (),
			1 => record.previous_customers = core::mem::take(&mut record.customers),
			_ => (record.customers, record.previous_customers) = (0, 0),
		}
		record.ledger = record.ledger.at(period);
		let window = block.checked_div(T::DemandWindow::get()).unwrap_or(block);
		let passed = window.saturating_sub(record.window);
		if passed > 0 {
			let fees = core::mem::take(&mut record.window_fees);
			record.demand = match &tariff.demand {
				Some(params) => record
					.demand
					.after_window(fees, params)
					.after_empty_windows(passed.saturating_sub(1), params),
				None => Demand::default(),
			};
			record.window = window;
		}
		record
	}

	pub(crate) fn change_record(model: &ModelId, change: impl FnOnce(&mut Record)) {
		let Some(output) = Tips::<T>::get(model).and_then(Outputs::<T>::get) else { return };
		let mut record = Self::record_now(model, &output.content.tariff);
		change(&mut record);
		Records::<T>::insert(model, record);
	}

	/// The bonus that a reliability earns: what it has above [`RELIABLE`].
	pub(crate) fn quality(reliability: Permill) -> Permill {
		reliability.saturating_sub(RELIABLE)
	}

	/// Begins the record of a model.
	pub(crate) fn new_record(model: &ModelId, tariff: &Tariff) {
		// Without fees and demand, there is nothing that could move.
		let record = Self::record_now(model, &Tariff { demand: None, ..tariff.clone() });
		Records::<T>::insert(model, record);
		Self::note_price(model, tariff.clone());
	}

	/// Sets what new requests of a model cost from now on; what was counted so far moves by the old
	/// tariff.
	pub(crate) fn change_price(model: &ModelId, tariff: Tariff) {
		Self::change_record(model, |_| ());
		Self::note_price(model, tariff);
	}

	fn note_price(model: &ModelId, tariff: Tariff) {
		Prices::<T>::mutate(model, |prices| {
			if prices.is_full() {
				prices.remove(0);
			}
			let _ = prices.try_push((Self::block(), tariff));
		});
	}

	// --- Requests that close ------------------------------------------------------------------

	/// Counts an answer that was paid.
	pub(crate) fn count_answer(id: RequestId, request: &Request<T>, units: u64, price: Balance) {
		let mut first = false;
		Self::close_customer(request, |customer| {
			let totals = &mut customer.ledger.current;
			first = totals.is_unpaid();
			let before = totals.spend;
			totals.paid(units, price);
			Self::tell_budget(&request.customer, &request.version.model, customer, before);
		});
		Self::change_record(&request.version.model, |record| {
			record.ledger.current.paid(units, price);
			record.customers = record.customers.saturating_add(first.into());
			record.window_fees = record.window_fees.saturating_add(price);
			let missing = Permill::one().saturating_sub(record.reliability);
			record.reliability = record.reliability.saturating_add(missing.saturating_mul(STEP));
			Self::note_answer(id, request, record);
		});
	}

	/// Counts an answer that a plan covered. It moves no price.
	pub(crate) fn count_covered(id: RequestId, request: &Request<T>, units: u64) {
		Self::close_customer(request, |customer| customer.ledger.current.covered(units));
		Self::change_record(&request.version.model, |record| {
			record.ledger.current.covered(units);
			Self::note_answer(id, request, record);
		});
	}

	/// Counts calls at a gateway that were drawn from a plan. An account whose record was pruned has no bill
	/// that could tell them.
	pub(crate) fn count_vouched(who: &T::AccountId, model: &ModelId, calls: u64) {
		if let Some(mut customer) = Customers::<T>::get(who, model) {
			customer.ledger = customer.ledger.at(Self::periods().of(Self::block()));
			customer.ledger.current.vouched(calls);
			Self::keep_customer(who, model, customer);
		}
		Self::change_record(model, |record| record.ledger.current.vouched(calls));
	}

	/// Counts a period of a plan that an account pays, and refuses it where it would exceed its
	/// budget; a trial also where it is not the first.
	pub(crate) fn count_period(
		who: &T::AccountId,
		model: &ModelId,
		price: Balance,
		tier: Tier,
	) -> DispatchResult {
		let mut customer = match Customers::<T>::get(who, model) {
			Some(customer) => customer,
			None => Self::new_customer(who)?,
		};
		customer.ledger = customer.ledger.at(Self::periods().of(Self::block()));
		let trial = tier == Tier::Trial;
		ensure!(!(trial && customer.trial), Error::<T>::TrialUsed);
		let totals = &mut customer.ledger.current;
		let before = totals.spend;
		let budget = customer.budget.as_ref();
		ensure!(
			budget.is_none_or(|budget| budget.admits(before, customer.held, price)),
			Error::<T>::BudgetExceeded
		);
		let first = totals.is_unpaid() && !price.is_zero();
		totals.charged(price);
		customer.trial |= trial;
		Self::tell_budget(who, model, &customer, before);
		Self::keep_customer(who, model, customer);
		Self::change_record(model, |record| {
			record.ledger.current.charged(price);
			record.customers = record.customers.saturating_add(first.into());
		});
		Ok(())
	}

	/// Tells an account when what it spent has reached a share of its budget.
	fn tell_budget(who: &T::AccountId, model: &ModelId, customer: &Customer<T>, before: Balance) {
		let Some(budget) = &customer.budget else { return };
		let (spent, limit) = (customer.ledger.current.spend, budget.limit);
		if let Some(share) = budget.crossed(before, spent) {
			let (account, model) = (who.clone(), *model);
			Self::deposit_event(Event::BudgetAlert { account, model, share, spent, limit });
		}
	}

	/// Counts a request that closed without an answer.
	pub(crate) fn count_refund(id: RequestId, request: &Request<T>, reason: Unanswered) {
		let failed = reason == Unanswered::Expired;
		Self::close_customer(request, |customer| {
			customer.ledger.current.refunded(request.most, failed);
		});
		Self::change_record(&request.version.model, |record| {
			record.ledger.current.refunded(request.most, failed);
			record.breaker.abandoned(id);
		});
	}

	/// Counts an obliged lease of a request that lapsed.
	pub(crate) fn count_lapse(id: RequestId, request: &Request<T>) {
		let model = &request.version.model;
		Self::change_record(model, |record| {
			// Calls by plan move no price: they may be for nothing.
			if request.cover.is_none() {
				let lost = record.reliability.saturating_mul(STEP);
				record.reliability = record.reliability.saturating_sub(lost);
			}
			Self::note_lapse(id, model, record);
		});
	}
}
