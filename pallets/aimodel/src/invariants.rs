//! What is true after every call, each by its name.

use crate::{fund_impls::Funds, *};
use aimodel_primitives::{billing::Totals, models::interchangeable, Payee};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use frame_support::{
	ensure,
	storage::IterableStorageDoubleMap,
	traits::{
		fungible::{Inspect, InspectHold},
		Get,
	},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::escrow_is_the_sum_of_open_requests()?;
		Self::the_pot_covers_all_earnings()?;
		Self::live_outputs_are_tips()?;
		Self::open_requests_are_counted()?;
		Self::keys_are_referenced_by_versions_and_requests()?;
		Self::shares_sum_to_one()?;
		Self::splits_close_no_cycle()?;
		Self::every_open_request_falls_due_once()?;
		Self::leases_belong_to_drawn_requests()?;
		Self::every_settlement_is_pruned_once()?;
		Self::customers_are_charged_for_open_requests()?;
		Self::every_customer_is_pruned_once()?;
		Self::plans_hold_their_escrow_and_reserves()?;
		Self::pots_hold_what_is_set_aside()?;
		Self::service_bonds_hold_what_was_posted()?;
		Self::nobody_is_owed_more_than_is_at_stake()?;
		Self::subscriptions_are_counted()?;
		Self::every_period_has_a_name_of_its_own()?;
		Self::settled_calls_were_used()?;
		Self::live_models_have_records_and_prices()?;
		Self::allow_lists_are_counted()?;
		Self::trials_are_open_requests_of_suspended_models()?;
		Self::histories_and_versions_are_complete()?;
		Self::retired_models_without_requests_are_closing()?;
		Self::models_are_found_by_their_owner()?;
		Self::models_are_found_by_their_tags()?;
		Self::candidates_can_stand_in()?;
		Self::deprecations_are_of_kept_versions()?;
		Self::incomes_sum_to_what_was_paid()?;
		Self::merits_are_weighed()?;
		Self::fallbacks_take_what_their_request_has()?;
		Self::locks_can_be_opened()?;
		Self::approvals_are_of_locked_outputs()?;
		Self::histories_name_who_agreed()
	}

	/// What is held from each customer is the sum over its open requests.
	fn escrow_is_the_sum_of_open_requests() -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<T::AccountId, Balance>::new();
		for (_, request) in Requests::<T>::iter() {
			let sum = held.entry(request.customer).or_default();
			*sum = sum.checked_add(request.held).ok_or("escrow overflows")?;
		}
		for account in frame_system::Account::<T>::iter_keys() {
			let expected = held.remove(&account).unwrap_or_default();
			let on_hold = T::Currency::balance_on_hold(&HoldReason::Escrow.into(), &account);
			ensure!(on_hold == expected, "escrow is not the sum of open requests");
		}
		ensure!(held.values().all(|sum| *sum == 0), "escrow of an account that does not exist");
		Ok(())
	}

	/// The pot holds an existential deposit, every unit that can be withdrawn, and every unit of the
	/// incentives that was not claimed.
	fn the_pot_covers_all_earnings() -> Result<(), TryRuntimeError> {
		let incentives = Eras::<T>::get().into_iter().map(|era| era.rest());
		let owed = Earnings::<T>::iter_values()
			.chain(incentives)
			.try_fold(T::Currency::minimum_balance(), |sum, earned| sum.checked_add(earned))
			.ok_or("earnings overflow")?;
		ensure!(T::Currency::balance(&Self::pot()) >= owed, "the pot does not cover all earnings");
		Ok(())
	}

	/// Every live output is the tip of its model, and every tip is a live output.
	fn live_outputs_are_tips() -> Result<(), TryRuntimeError> {
		for (out_point, output) in Outputs::<T>::iter() {
			let tip = Tips::<T>::get(output.model);
			ensure!(tip == Some(out_point), "a live output is no tip");
			let record = Versions::<T>::get(output.model, output.content.version)
				.ok_or("a live output names no version")?;
			ensure!(types::record_hash(&record) == output.content.record, "a record changed");
		}
		ensure!(
			Tips::<T>::iter_values().all(Outputs::<T>::contains_key),
			"a tip is no live output"
		);
		ensure!(
			Versions::<T>::iter_keys().all(|(model, _)| Tips::<T>::contains_key(model)),
			"a version of a closed model"
		);
		Ok(())
	}

	/// The counter of each model is the number of open requests that it serves or may take over.
	fn open_requests_are_counted() -> Result<(), TryRuntimeError> {
		let mut open = BTreeMap::<ModelId, u32>::new();
		for (id, request) in Requests::<T>::iter() {
			for (version, _) in Self::may_serve(id, &request) {
				let count = open.entry(version.model).or_default();
				*count = count.saturating_add(1);
			}
		}
		for (model, counted) in OpenRequests::<T>::iter() {
			let expected = open.remove(&model).unwrap_or_default();
			ensure!(counted == expected, "open requests are miscounted");
		}
		ensure!(open.is_empty(), "open requests are not counted");
		Ok(())
	}

	/// The references of each key are the kept versions that use it, and the open requests that do or
	/// may come to.
	fn keys_are_referenced_by_versions_and_requests() -> Result<(), TryRuntimeError> {
		let mut references = BTreeMap::<aimodel_primitives::KeyId, u32>::new();
		let mut count = |version: Option<Version>| {
			if let Some(circuit) = version.and_then(|version| version.circuit) {
				let count = references.entry(circuit.key).or_default();
				*count = count.saturating_add(1);
			}
		};
		for (_, _, version) in Versions::<T>::iter() {
			count(Some(version));
		}
		for (id, request) in Requests::<T>::iter() {
			if request.is_proven() {
				for (VersionId { model, index }, _) in Self::may_serve(id, &request) {
					count(Versions::<T>::get(model, index));
				}
			}
		}
		ensure!(
			references.iter().all(|(key, count)| T::Verifier::references(key) == *count),
			"references of a key are miscounted"
		);
		Ok(())
	}

	/// Shares of live and of frozen splits sum to exactly one.
	fn shares_sum_to_one() -> Result<(), TryRuntimeError> {
		let of_plan =
			|payees: &Payees<T::AccountId>| payees.split.is_sound() && payees.split.worker == 0;
		ensure!(
			Outputs::<T>::iter_values().all(|output| output.content.split.validate().is_ok())
				&& Requests::<T>::iter_values().all(|request| {
					request.split.is_sound()
						&& request.cover.is_none_or(|cover| of_plan(&cover.payees))
				}) && Fallbacks::<T>::iter_values().flatten().all(|next| next.split.is_sound())
				&& Subscriptions::<T>::iter_values().all(|record| of_plan(&record.payees)),
			"shares do not sum to one"
		);
		Ok(())
	}

	/// No model is paid through itself.
	fn splits_close_no_cycle() -> Result<(), TryRuntimeError> {
		let bases = |output: ModelOutput<T>| {
			let payees = output.content.split.beneficiaries.into_iter();
			let bases = payees.filter_map(|(payee, _)| match payee {
				Payee::Model(base) => Some(base),
				Payee::Account(_) => None,
			});
			(output.model, bases.collect::<BTreeSet<_>>())
		};
		let mut open: BTreeMap<_, _> = Outputs::<T>::iter_values().map(bases).collect();
		// Models all of whose bases lead to accounts do so too.
		loop {
			let known: BTreeSet<_> = open.keys().copied().collect();
			open.retain(|_, bases| !bases.is_disjoint(&known));
			if open.len() == known.len() {
				break;
			}
		}
		ensure!(open.is_empty(), "a split leads back to its model");
		Ok(())
	}

	/// Every open request stands in the queue once, at the block that it names.
	fn every_open_request_falls_due_once() -> Result<(), TryRuntimeError> {
		for (id, request) in Requests::<T>::iter() {
			let turn = Turn::new(request.priority, id);
			ensure!(DueRequests::<T>::contains_key(request.due, turn), "a request never falls due");
		}
		let (queued, open) =
			(DueRequests::<T>::iter_keys().count(), Requests::<T>::iter_keys().count());
		ensure!(queued == open, "a request falls due twice");
		Ok(())
	}

	/// Before its draw a request has no lease, and waits for it, behind those of higher tiers.
	fn leases_belong_to_drawn_requests() -> Result<(), TryRuntimeError> {
		let waiting = Waiting::<T>::get();
		let ordered = waiting.is_sorted_by(|(a, _, higher), (b, _, lower)| {
			higher > lower || (higher == lower && a < b)
		});
		ensure!(ordered, "a request waits before one of a higher tier");
		for (id, request) in Requests::<T>::iter() {
			let waits = waiting.contains(&(id, request.version, request.priority));
			ensure!(request.drawn != waits, "a request waits for a draw that it had");
			ensure!(request.drawn || T::Workers::leased(id).is_none(), "a lease before the draw");
		}
		Ok(())
	}

	/// What is counted as open and held of an account and a model is the sum over its open requests that
	/// the model serves or may take over.
	fn customers_are_charged_for_open_requests() -> Result<(), TryRuntimeError> {
		let mut open = BTreeMap::<(T::AccountId, ModelId), (u32, Balance)>::new();
		for (id, request) in Requests::<T>::iter() {
			for (version, most) in Self::may_serve(id, &request) {
				let sum = open.entry((request.customer.clone(), version.model)).or_default();
				sum.0 = sum.0.saturating_add(1);
				sum.1 = sum.1.saturating_add(most);
			}
		}
		for (account, model, customer) in Customers::<T>::iter() {
			let expected = open.remove(&(account, model)).unwrap_or_default();
			ensure!((customer.open, customer.held) == expected, "a customer is charged otherwise");
		}
		ensure!(open.is_empty(), "an open request of nobody's");
		Ok(())
	}

	/// Every record of a customer stands in the queue once, in the period that it names.
	fn every_customer_is_pruned_once() -> Result<(), TryRuntimeError> {
		for (account, model, customer) in Customers::<T>::iter() {
			let queued = PrunableCustomers::<T>::contains_key(customer.prune, (account, model));
			ensure!(queued, "a customer is never pruned");
		}
		let (queued, kept) =
			(PrunableCustomers::<T>::iter_keys().count(), Customers::<T>::iter_keys().count());
		ensure!(queued == kept, "a customer is pruned twice");
		Ok(())
	}

	/// What is held from each account for plans is the sum of what is left of its periods, and of what
	/// its open requests have reserved of them. A request by plan holds no fee.
	fn plans_hold_their_escrow_and_reserves() -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<T::AccountId, Balance>::new();
		for (account, _, record) in Subscriptions::<T>::iter() {
			let sum = held.entry(account).or_default();
			*sum = sum.checked_add(record.subscription.escrow()).ok_or("plans overflow")?;
		}
		for request in Requests::<T>::iter_values() {
			let Some(cover) = request.cover else { continue };
			ensure!(request.held == 0, "a request is paid by fee and by plan");
			if cover.source == FundingSource::Plan {
				let sum = held.entry(request.customer).or_default();
				*sum = sum.checked_add(cover.draw.gross).ok_or("plans overflow")?;
			}
		}
		Self::holds_are(HoldReason::Plan, held, "plans do not hold their escrow and reserves")
	}

	/// What is held from each account for pots is the sum of what is free and reserved in its pots,
	/// and what each has reserved is the sum over the open requests that draw on it.
	fn pots_hold_what_is_set_aside() -> Result<(), TryRuntimeError> {
		let mut reserved = BTreeMap::<(ModelId, T::AccountId), Balance>::new();
		for request in Requests::<T>::iter_values() {
			let Some(Cover { source: FundingSource::Pot(owner), draw, .. }) = request.cover else {
				continue;
			};
			let sum = reserved.entry((request.version.model, owner)).or_default();
			*sum = sum.checked_add(draw.gross).ok_or("reserves overflow")?;
		}
		Self::funds_are_held::<Pots<T>>(reserved, "pots do not hold what is set aside")
	}

	/// What is held from each account for penalties is the sum of what is free and reserved of its bonds,
	/// and what each has reserved is the sum over the open requests that it stands for.
	fn service_bonds_hold_what_was_posted() -> Result<(), TryRuntimeError> {
		let mut reserved = BTreeMap::<(ModelId, T::AccountId), Balance>::new();
		for guarantee in Requests::<T>::iter_values().filter_map(|request| request.guarantee) {
			let sum = reserved.entry((guarantee.model, guarantee.guarantor)).or_default();
			*sum = sum.checked_add(guarantee.reserved).ok_or("reserves overflow")?;
		}
		Self::funds_are_held::<ServiceBonds<T>>(reserved, "bonds do not hold what was posted")
	}

	fn funds_are_held<F: Funds<T> + IterableStorageDoubleMap<ModelId, T::AccountId, Fund<T>>>(
		mut reserved: BTreeMap<(ModelId, T::AccountId), Balance>,
		otherwise: &'static str,
	) -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<T::AccountId, Balance>::new();
		for (model, owner, fund) in F::iter() {
			let expected = reserved.remove(&(model, owner.clone())).unwrap_or_default();
			ensure!(fund.reserved == expected, otherwise);
			let sum = held.entry(owner).or_default();
			let both = fund.free.checked_add(fund.reserved);
			*sum = both.and_then(|both| sum.checked_add(both)).ok_or(otherwise)?;
		}
		ensure!(reserved.is_empty(), otherwise);
		Self::holds_are(F::REASON, held, otherwise)
	}

	/// A penalty is reserved in full, and is no more than the request has at stake, so that workers lose
	/// more by a missed deadline than it brings.
	fn nobody_is_owed_more_than_is_at_stake() -> Result<(), TryRuntimeError> {
		for request in Requests::<T>::iter_values() {
			let Some(Guarantee { penalty, reserved, model, .. }) = request.guarantee else {
				continue;
			};
			ensure!(penalty.usual <= penalty.breach, "a breach brings less");
			ensure!(reserved == penalty.breach, "a penalty is not reserved");
			if request.version.model != model {
				// It fell back, to what has other things at stake.
				continue;
			}
			let stake = request.cover.map_or(request.most, |cover| cover.draw.gross);
			ensure!(penalty.breach <= stake, "a penalty is more than is at stake");
			ensure!(stake <= request.terms.collateral, "a worker loses less than is at stake");
		}
		Ok(())
	}

	fn holds_are(
		reason: HoldReason,
		mut expected: BTreeMap<T::AccountId, Balance>,
		otherwise: &'static str,
	) -> Result<(), TryRuntimeError> {
		let reason = reason.into();
		for account in frame_system::Account::<T>::iter_keys() {
			let sum = expected.remove(&account).unwrap_or_default();
			ensure!(T::Currency::balance_on_hold(&reason, &account) == sum, otherwise);
		}
		ensure!(expected.values().all(|sum| *sum == 0), otherwise);
		Ok(())
	}

	/// The counter of each model is the number of its subscriptions, and is kept as long as there are
	/// any.
	fn subscriptions_are_counted() -> Result<(), TryRuntimeError> {
		let mut counted = BTreeMap::<ModelId, u32>::new();
		for (_, model, _) in Subscriptions::<T>::iter() {
			let count = counted.entry(model).or_default();
			*count = count.saturating_add(1);
		}
		for (model, audience) in Audiences::<T>::iter() {
			let expected = counted.remove(&model);
			ensure!(Some(audience.subscriptions) == expected, "subscriptions are miscounted");
			let sold = Self::tip(&model).is_some_and(|output| !output.content.retired);
			ensure!(audience.retired.is_none() == sold, "a retirement was not noted");
		}
		ensure!(counted.is_empty(), "subscriptions are not counted");
		Ok(())
	}

	/// No two subscriptions are in the same period, and the next has a new name.
	fn every_period_has_a_name_of_its_own() -> Result<(), TryRuntimeError> {
		let terms: Vec<_> = Subscriptions::<T>::iter_values().map(|record| record.term).collect();
		let names: BTreeSet<_> = terms.iter().collect();
		ensure!(names.len() == terms.len(), "two subscriptions are in the same period");
		let next = NextTerm::<T>::get();
		ensure!(terms.iter().all(|term| *term < next), "a period's name is given again");
		Ok(())
	}

	/// Calls that were settled by vouchers in a period are among those that were used in it, and no worker
	/// is counted twice.
	fn settled_calls_were_used() -> Result<(), TryRuntimeError> {
		for record in Subscriptions::<T>::iter_values() {
			let workers: BTreeSet<_> = record.settled.iter().map(|(worker, _)| worker).collect();
			ensure!(workers.len() == record.settled.len(), "a worker is counted twice");
			let mut calls = record.settled.iter().map(|(_, calls)| *calls);
			ensure!(calls.clone().all(|calls| calls > 0), "a worker without a call");
			let settled = calls.try_fold(0, u64::checked_add).ok_or("settled calls overflow")?;
			ensure!(settled <= record.subscription.used, "a settled call was not used");
			let quota = record.subscription.plan.quota.unwrap_or(u64::MAX);
			ensure!(record.subscription.used <= quota, "more calls were used than the quota");
			let paid = record.subscription.drawn <= record.subscription.plan.price;
			ensure!(paid, "more was drawn than the price of the period");
		}
		Ok(())
	}

	/// Every model that is not closed has a record, and the prices of which the last is its tariff.
	fn live_models_have_records_and_prices() -> Result<(), TryRuntimeError> {
		for output in Outputs::<T>::iter_values() {
			ensure!(Records::<T>::contains_key(output.model), "a model without a record");
			let prices = Prices::<T>::get(output.model);
			let last = prices.last().map(|(_, tariff)| tariff);
			ensure!(last == Some(&output.content.tariff), "the last price is not the tariff");
		}
		let live = Outputs::<T>::iter_keys().count();
		ensure!(
			Records::<T>::iter_keys().count() == live && Prices::<T>::iter_keys().count() == live,
			"a record or prices of a closed model"
		);
		Ok(())
	}

	/// The counter of each model is the number of accounts on its allow-list, and no other model has
	/// one.
	fn allow_lists_are_counted() -> Result<(), TryRuntimeError> {
		let mut listed = BTreeMap::<ModelId, u32>::new();
		for (model, _, ()) in Allowed::<T>::iter() {
			let count = listed.entry(model).or_default();
			*count = count.saturating_add(1);
		}
		for output in Outputs::<T>::iter_values() {
			let count = listed.remove(&output.model).unwrap_or_default();
			ensure!(output.allowed == count, "an allow-list is miscounted");
			ensure!(count <= T::MaxAllowed::get(), "an allow-list is too long");
			ensure!(count == 0 || !output.content.retired, "a retired model has an allow-list");
			ensure!(Self::ensure_sound(&output.content.access).is_ok(), "access is unsound");
		}
		ensure!(listed.is_empty(), "an allow-list of a closed model");
		Ok(())
	}

	/// A breaker is open, or counts failures, only where the owner set one, and its trial waits for an
	/// answer.
	fn trials_are_open_requests_of_suspended_models() -> Result<(), TryRuntimeError> {
		for output in Outputs::<T>::iter_values() {
			let breaker = Records::<T>::get(output.model).breaker;
			let set = output.content.access.breaker.is_some();
			ensure!(set || breaker == Default::default(), "a breaker that nobody set");
			let Some(trial) = breaker.trial() else { continue };
			let request = Requests::<T>::get(trial).ok_or("a trial that is over")?;
			ensure!(request.version.model == output.model, "a trial of another model");
		}
		Ok(())
	}

	/// Every change of a model that is not closed left its record, and every version is kept; there
	/// are no others.
	fn histories_and_versions_are_complete() -> Result<(), TryRuntimeError> {
		let (mut changes, mut versions) = (0_usize, 0_usize);
		for output in Outputs::<T>::iter_values() {
			let model = output.model;
			ensure!(
				(0..output.changes).all(|index| History::<T>::contains_key(model, index)),
				"a change left no record"
			);
			ensure!(
				(0..output.versions).all(|index| Versions::<T>::contains_key(model, index)),
				"a version is not kept"
			);
			changes = changes.saturating_add(output.changes as usize);
			versions = versions.saturating_add(output.versions as usize);
		}
		ensure!(History::<T>::iter_keys().count() == changes, "a record of no change");
		ensure!(Versions::<T>::iter_keys().count() == versions, "a version is not counted");
		Ok(())
	}

	/// Exactly the retired models without open requests are being closed.
	fn retired_models_without_requests_are_closing() -> Result<(), TryRuntimeError> {
		let mut closing = 0_usize;
		for output in Outputs::<T>::iter_values() {
			let done = output.content.retired && OpenRequests::<T>::get(output.model) == 0;
			ensure!(done == Closing::<T>::contains_key(output.model), "a model never closes");
			closing = closing.saturating_add(done.into());
		}
		ensure!(Closing::<T>::iter_keys().count() == closing, "a closed model is closing");
		Ok(())
	}

	/// The index of owners has every model that is not closed, and nothing else.
	fn models_are_found_by_their_owner() -> Result<(), TryRuntimeError> {
		let mut expected = 0_usize;
		for ModelOutput { model, content, .. } in Outputs::<T>::iter_values() {
			ensure!(ModelsOf::<T>::contains_key(content.owner, model), "a model of nobody's");
			expected = expected.saturating_add(1);
		}
		ensure!(ModelsOf::<T>::iter_keys().count() == expected, "a model of two owners");
		Ok(())
	}

	/// The index of tags has every tag of every model that is not closed, and nothing else.
	fn models_are_found_by_their_tags() -> Result<(), TryRuntimeError> {
		let mut expected = 0_usize;
		for ModelOutput { model, content, .. } in Outputs::<T>::iter_values() {
			for tag in content.metadata.tags {
				ensure!(ModelsTagged::<T>::contains_key(tag, model), "a tag finds no model");
				expected = expected.saturating_add(1);
			}
		}
		ensure!(ModelsTagged::<T>::iter_keys().count() == expected, "a tag of another model");
		Ok(())
	}

	/// A candidate is a kept version, not the one that it stands in for, and no customer could tell
	/// them apart but by their answers.
	fn candidates_can_stand_in() -> Result<(), TryRuntimeError> {
		for ModelOutput { model, content, .. } in Outputs::<T>::iter_values() {
			let Some(candidate) = content.candidate else { continue };
			ensure!(!content.retired, "a candidate of a retired model");
			ensure!(candidate.version != content.version, "a candidate for itself");
			let record = Versions::<T>::get(model, candidate.version).ok_or("no candidate")?;
			ensure!(types::record_hash(&record) == candidate.record, "a candidate changed");
			let stable = Versions::<T>::get(model, content.version).ok_or("no version")?;
			ensure!(interchangeable(&stable, &record), "a candidate can not stand in");
		}
		Ok(())
	}

	/// Only kept versions are deprecated.
	fn deprecations_are_of_kept_versions() -> Result<(), TryRuntimeError> {
		ensure!(
			Deprecations::<T>::iter_keys()
				.all(|(model, version)| Versions::<T>::contains_key(model, version)),
			"a deprecation of no version"
		);
		Ok(())
	}

	/// What a model earned for everybody in a period is the fees that its customers paid, and what
	/// left plans and pots, to the last unit. What customers pay for a plan is not: it may be earned in
	/// a later period, and a pot is the owner's.
	fn incomes_sum_to_what_was_paid() -> Result<(), TryRuntimeError> {
		for output in Outputs::<T>::iter_values() {
			let model = output.model;
			let Record { ledger, drawn, .. } = Self::record_now(&model, &output.content.tariff);
			let earned = Self::income_now(&model).total();
			let paid = |totals: &Totals, drawn: Balance| {
				let fees = totals.spend.checked_sub(totals.plans);
				fees.and_then(|fees| fees.checked_add(drawn)).ok_or("plans are more than was spent")
			};
			let (current, previous) =
				(paid(&ledger.current, drawn.current)?, paid(&ledger.previous, drawn.previous)?);
			ensure!(
				(earned.current, earned.previous) == (current, previous),
				"an income is not what was paid"
			);
		}
		ensure!(
			Incomes::<T>::iter_keys().all(Tips::<T>::contains_key),
			"an income of a closed model"
		);
		Ok(())
	}

	/// Eras ascend, and no more was claimed of one than it had; the weight of each is at least that of
	/// what was merited and not claimed in it.
	fn merits_are_weighed() -> Result<(), TryRuntimeError> {
		let eras = Eras::<T>::get();
		let ascend = eras.windows(2).all(|pair| pair[0].index < pair[1].index);
		ensure!(ascend, "eras do not ascend");
		ensure!(eras.iter().all(|era| era.claimed <= era.fund), "more was claimed than there was");
		let mut weights = BTreeMap::<u32, Balance>::new();
		for (model, merits) in Merits::<T>::iter() {
			ensure!(Tips::<T>::contains_key(model), "a merit of a closed model");
			for (era, merit) in merits {
				let weight = weights.entry(era).or_default();
				*weight = weight.checked_add(merit.weight()).ok_or("weights overflow")?;
			}
		}
		for era in &eras {
			let weight = weights.remove(&era.index).unwrap_or_default();
			ensure!(weight <= era.weight, "a merit that was not weighed");
		}
		Ok(())
	}

	/// The versions that serve an open request or may take it over, and the most that each can cost.
	fn may_serve(id: RequestId, request: &Request<T>) -> Vec<(VersionId, Balance)> {
		let fallbacks = Fallbacks::<T>::get(id).unwrap_or_default().into_iter();
		let later = fallbacks.map(|next| (next.terms.version, next.most));
		core::iter::once((request.version, request.most)).chain(later).collect()
	}

	/// Fallbacks are of open requests, no two of one model; they take the same input, and what the
	/// request holds pays each of them.
	fn fallbacks_take_what_their_request_has() -> Result<(), TryRuntimeError> {
		for (id, fallbacks) in Fallbacks::<T>::iter() {
			ensure!(!fallbacks.is_empty(), "fallbacks of none");
			ensure!(Requests::<T>::contains_key(id), "a fallback of a closed request");
		}
		for (id, request) in Requests::<T>::iter() {
			let serving = Self::may_serve(id, &request);
			let models: BTreeSet<_> = serving.iter().map(|(version, _)| version.model).collect();
			ensure!(models.len() == serving.len(), "a model serves a request twice");
			ensure!(request.cover.is_none() || serving.len() == 1, "a plan has a fallback");
			let mut inputs = Vec::new();
			for (VersionId { model, index }, most) in serving {
				ensure!(most <= request.held, "a fallback costs more than is held");
				let version = Versions::<T>::get(model, index).ok_or("a version is not kept")?;
				inputs.push(version.interface.input);
			}
			ensure!(
				inputs.windows(2).all(|pair| pair[0] == pair[1]),
				"a fallback takes another input"
			);
		}
		Ok(())
	}

	/// Every set has as many members as it takes, and counts none twice.
	fn locks_can_be_opened() -> Result<(), TryRuntimeError> {
		let locks = Outputs::<T>::iter_values().filter_map(|output| output.content.lock);
		ensure!(locks.into_iter().all(|lock| lock.validate().is_ok()), "a lock is unsound");
		Ok(())
	}

	/// Approvals are of live outputs that can change, one by each member at most, and by fewer of what
	/// has not been done than it takes.
	fn approvals_are_of_locked_outputs() -> Result<(), TryRuntimeError> {
		for (out_point, approvals) in Approvals::<T>::iter() {
			let content =
				Outputs::<T>::get(out_point).ok_or("approvals of a spent output")?.content;
			ensure!(!content.retired, "approvals of a retired model");
			let lock = content.lock.ok_or("approvals of what is not locked")?;
			ensure!(!approvals.is_empty(), "approvals of nobody's");
			let (mut members, mut agreed) = (BTreeSet::new(), BTreeMap::<_, u32>::new());
			for approval in approvals {
				ensure!(lock.has(&approval.by), "an approval by no member");
				ensure!(members.insert(approval.by), "a member approves twice");
				let count = agreed.entry(approval.call).or_default();
				*count = count.saturating_add(1);
			}
			let pending = agreed.values().all(|count| *count < lock.threshold);
			ensure!(pending, "what was agreed on was not done");
		}
		Ok(())
	}

	/// What histories have in names beside one a record is what was paid for.
	fn histories_name_who_agreed() -> Result<(), TryRuntimeError> {
		for output in Outputs::<T>::iter_values().filter(|output| !output.content.retired) {
			let records = History::<T>::iter_prefix_values(output.model);
			let names = records.map(|record| record.with.len()).sum::<usize>();
			ensure!(names == output.co_signers as usize, "co-signers are miscounted");
		}
		Ok(())
	}

	/// Every settlement stands in the queue of those to be pruned.
	fn every_settlement_is_pruned_once() -> Result<(), TryRuntimeError> {
		let queued = Prunable::<T>::iter_keys().count();
		let kept = Settlements::<T>::iter_keys().count();
		ensure!(queued == kept, "a settlement is never pruned, or twice");
		Ok(())
	}
}
