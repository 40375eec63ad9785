//! Calls at the gateways of workers: subscribers sign for them, and workers claim them in batches.
//!
//! The chain does not see what was called, so nobody but customer and worker says that it was. What they
//! agree on is drawn from the period that the customer has paid, and from nothing else: from a pot they
//! could take the owner's funds without a call. A call is priced as the largest that the version takes,
//! or else many small ones would be claimed where one large one was answered.
//!
//! A period can be claimed from as long as its record is there, also when it is over: otherwise calls of
//! its last blocks would be for nothing. What is left of it is divided by whoever begins the next one, or
//! closes the subscription, and with that its vouchers are void.

use crate::*;
use aimodel_primitives::{
	pricing::SubscriptionError,
	runtime_api::{CallRefusal, VoucherInfo},
	split::FlatSplit,
	voucher::{Claim, Voucher},
};
use alloc::collections::BTreeMap;
use frame_support::{pallet_prelude::*, storage::with_storage_layer};
use sp_runtime::Permill;

/// What all calls of a model have in common in one block.
struct Served<T: Config> {
	tariff: Tariff,
	version: Version,
	split: FlatSplit<T::AccountId>,
	platform_share: Permill,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_settle_calls(
		operator: T::AccountId,
		claims: Claims<T>,
	) -> DispatchResultWithPostInfo {
		let worker = T::Workers::worker_of(&operator).ok_or(Error::<T>::NotOperator)?;
		ensure!(!claims.is_empty(), Error::<T>::NoClaims);
		let mut weight = T::WeightInfo::settle_calls(claims.len() as u32);
		let mut models = BTreeMap::<ModelId, Option<Served<T>>>::new();
		let (mut settled, mut refused) = (false, None);
		for claim in claims {
			let served = models.entry(claim.model).or_insert_with(|| {
				let (served, followed) = Self::served(&claim.model)?;
				weight = weight.saturating_add(followed);
				Some(served)
			});
			match with_storage_layer(|| Self::settle_claim(&worker, &claim, served.as_ref())) {
				Ok(()) => settled = true,
				Err(reason) => {
					refused.get_or_insert(reason);
					let (worker, Claim { account, model, .. }) = (worker.clone(), claim);
					Self::deposit_event(Event::ClaimRefused { worker, account, model, reason });
				},
			}
		}
		match refused {
			Some(reason) if !settled => Err(reason.into()),
			_ => Ok(Some(weight).into()),
		}
	}

	fn settle_claim(
		worker: &T::AccountId,
		claim: &Claim<T::AccountId>,
		served: Option<&Served<T>>,
	) -> DispatchResult {
		let Claim { account, model, signature, .. } = claim;
		let (signed, calls) = (claim.signed, claim.calls);
		let mut record = Self::subscription_of(account, model)?;
		let served = served.ok_or(Error::<T>::UnknownModel)?;
		ensure!(calls <= signed, Error::<T>::MoreThanSigned);
		let place = record.settled.iter().position(|(settler, _)| settler == worker);
		let before = Self::settled_for(&record, worker);
		let new = calls.checked_sub(before).filter(|new| *new > 0);
		let new = new.ok_or(Error::<T>::NothingToSettle)?;
		ensure!(place.is_some() || !record.settled.is_full(), Error::<T>::TooManySettlers);
		let voucher = Voucher {
			genesis: Self::genesis().into(),
			model: *model,
			worker: worker.clone().into(),
			term: record.term,
			calls: signed,
		};
		let valid = voucher.is_signed_by(account.clone().into(), signature);
		ensure!(valid, Error::<T>::VoucherVoid);

		let each = Self::draw_of_call(account, model, served)?;
		let (subscription, settled) =
			record.subscription.settle(new, each.gross).map_err(|error| match error {
				SubscriptionError::EscrowExhausted => Error::<T>::EscrowExhausted,
				other => other.into(),
			})?;
		let times = |amount: Balance| amount.checked_mul(settled.into());
		let pay = times(each.pay).ok_or(Error::<T>::PriceOverflow)?;
		let gross = times(each.gross).ok_or(Error::<T>::PriceOverflow)?;
		let total = before.checked_add(settled).ok_or(Error::<T>::PriceOverflow)?;
		match place.and_then(|place| record.settled.get_mut(place)) {
			Some((_, calls)) => *calls = total,
			None => record
				.settled
				.try_push((worker.clone(), total))
				.map_err(|_| Error::<T>::TooManySettlers)?,
		}
		record.subscription = subscription;
		Subscriptions::<T>::insert(account, model, record);

		Self::take_held(HoldReason::Plan, account, model, gross)?;
		let platform = gross.saturating_sub(pay);
		let incentives = Self::feed_without_merit(platform)?;
		let beneficiaries = Default::default();
		let payout = Payout { platform, incentives, worker: pay, beneficiaries };
		Self::credit(worker, pay)?;
		Self::credit_others(&payout)?;
		Self::count_income(model, &payout);
		Self::count_vouched(account, model, settled);
		Self::deposit_event(Event::CallsSettled {
			worker: worker.clone(),
			account: account.clone(),
			model: *model,
			calls: settled,
			rest: new.saturating_sub(settled),
			draw: Draw { pay, gross },
		});
		Ok(())
	}

	/// The most that claims can weigh: each of another model.
	pub(crate) fn settle_calls_weight(claims: u32) -> Weight {
		T::WeightInfo::settle_calls(claims)
			.saturating_add(T::WeightInfo::flatten().saturating_mul(claims.into()))
	}

	/// A model that is not closed, retired or not, and what it took to follow its split.
	fn served(model: &ModelId) -> Option<(Served<T>, Weight)> {
		let content = Self::tip(model)?.content;
		let version = Versions::<T>::get(model, content.version)?;
		let (split, followed) = Self::flat_split(*model, &content);
		let platform_share = PlatformShare::<T>::get();
		let tariff = content.tariff;
		Some((Served { tariff, version, split, platform_share }, followed))
	}

	/// What a call draws now: as a request by plan with the largest input would for the largest answer.
	fn draw_of_call(
		account: &T::AccountId,
		model: &ModelId,
		served: &Served<T>,
	) -> Result<Draw, DispatchError> {
		let Served { tariff, version, split, platform_share } = served;
		let input = &version.interface.input;
		let length = input.bytes(input.batch().unwrap_or(1));
		let quote = Self::quote_version(model, Some(account), tariff, version, length, None)
			.map_err(Error::<T>::from)?;
		Self::draw_of(split, quote.max_price, *platform_share)
	}

	/// Calls of the period that were settled for a worker.
	fn settled_for(record: &SubscriptionRecord<T>, worker: &T::AccountId) -> u64 {
		let mut settled = record.settled.iter();
		settled.find(|(settler, _)| settler == worker).map_or(0, |(_, calls)| *calls)
	}

	// --- Reads -------------------------------------------------------------------------------------

	/// What a call of `account` at a gateway would draw if it were settled now.
	pub fn call_draw(account: &T::AccountId, model: &ModelId) -> Option<Balance> {
		Self::draw_now(account, model).map(|draw| draw.gross)
	}

	fn draw_now(account: &T::AccountId, model: &ModelId) -> Option<Draw> {
		let (served, _) = Self::served(model)?;
		Self::draw_of_call(account, model, &served).ok()
	}

	/// How far `worker` can have calls of `account` settled.
	pub fn voucher_of(
		account: &T::AccountId,
		model: &ModelId,
		worker: &T::AccountId,
	) -> Option<VoucherInfo> {
		let record = Subscriptions::<T>::get(account, model)?;
		let settled = Self::settled_for(&record, worker);
		let counts = settled > 0 || !record.settled.is_full();
		let draw = Self::draw_now(account, model);
		let room = draw.filter(|_| counts).map_or(0, |draw| record.subscription.room(draw.gross));
		let pay = draw.map_or(0, |draw| draw.pay);
		let refusal = Self::refusal_of_call(account, model, record.tier, worker, pay);
		Some(VoucherInfo { term: record.term, settled, room, refusal })
	}

	/// Why `worker` would get no request of `account` for this pay, whose plan is of this tier.
	fn refusal_of_call(
		account: &T::AccountId,
		model: &ModelId,
		tier: Tier,
		worker: &T::AccountId,
		pay: Balance,
	) -> Option<CallRefusal> {
		let content = Self::tip(model).map(|output| output.content).filter(|it| !it.retired);
		let Some(content) = content else { return Some(CallRefusal::Retired) };
		match Self::ensure_open_to(account, model, &content, Some(tier)) {
			Ok(()) => (),
			Err(Error::<T>::ModelPaused) => return Some(CallRefusal::Paused),
			Err(_) => return Some(CallRefusal::NotAllowed),
		}
		let version = VersionId { model: *model, index: content.version };
		match T::Workers::least_pay(worker, version) {
			None => Some(CallRefusal::NotServed),
			Some(least) => (pay < least).then_some(CallRefusal::PayTooLow),
		}
	}
}
