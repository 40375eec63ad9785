//! Fallbacks: which models may serve a request, in which order, and how it goes from one to the next.
//!
//! Everything that can fail is done when the request is made: each model of the chain is asked, quoted
//! and counts the request as open, as if it were made of it. So a fallback that takes over changes what
//! was agreed on and nothing else, and can not fail. The chain is walked forward alone, and each step
//! leaves the model that did not serve.

use crate::*;
use aimodel_primitives::{
	access::{AccountLimits, Admission},
	fallbacks::{ChainLink, ChainQuote},
	pricing::Quote,
	traits::LeaseTerms,
};
use alloc::{collections::VecDeque, vec::Vec};
use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, Permill};

/// What a customer asks of every model of a chain.
pub(crate) struct Order<'a, T: Config> {
	pub(crate) customer: &'a T::AccountId,
	pub(crate) assurance: Assurance,
	/// Nothing where a price is asked for.
	pub(crate) input: Option<&'a Input<T::MaxInlineInput>>,
	/// Bytes of the tensor, which a commitment to it does not tell.
	pub(crate) length: Option<u64>,
	pub(crate) obliges_at_once: bool,
	pub(crate) payment: Payment,
	pub(crate) deadline: Option<BlockNumberFor<T>>,
}

/// What a model offers for an order. Nothing is written yet.
pub(crate) struct Offer<T: Config> {
	pub(crate) model: ModelId,
	pub(crate) content: ModelContent<T::AccountId>,
	pub(crate) record: Version,
	pub(crate) admission: Admission,
	/// With the chain's default filled in.
	pub(crate) assurance: Assurance,
	pub(crate) quote: Quote,
	/// How many requests the customer may make.
	pub(crate) limits: AccountLimits,
	/// What it took to follow its split.
	pub(crate) followed: Weight,
	/// What is drawn by plan.
	pub(crate) draw: Option<Draw>,
	pub(crate) platform_share: Permill,
	pub(crate) agreed: Fallback<T>,
}

/// Who serves an order.
pub(crate) struct Chain<T: Config> {
	/// The version that the order names.
	pub(crate) named: VersionId,
	/// Who serves it at once.
	pub(crate) first: Offer<T>,
	/// Who may take it over.
	pub(crate) rest: Vec<Offer<T>>,
	/// Who takes no request of the customer now.
	pub(crate) refused: Vec<(OutPoint, Error<T>)>,
	pub(crate) deadline: BlockNumberFor<T>,
	/// What a missed deadline brings: promised by the owner of what serves it at once.
	pub(crate) guarantee: Option<Guarantee<T::AccountId>>,
}

impl<T: Config> Chain<T> {
	/// What is held: the most that any of them can cost.
	pub(crate) fn held(&self) -> Balance {
		self.rest.iter().map(|offer| offer.agreed.most).fold(self.first.agreed.most, Balance::max)
	}
}

impl<T: Config> Pallet<T> {
	// --- When a request is made -----------------------------------------------------------------

	/// Asks every model of a chain for its offer. Those that take no request of the customer now are
	/// left out, as are those without free workers before the first that has some: it serves at once,
	/// by its candidate if that is to answer request `id`. Writes nothing.
	pub(crate) fn chain(
		order: &Order<T>,
		out_point: OutPoint,
		fallbacks: FallbackNames,
		id: RequestId,
		waiting: &[Waiter],
	) -> Result<Chain<T>, DispatchError> {
		let (named, like, content) = Self::live_version(out_point)?;
		let mut links = Vec::from([(out_point, named, like.clone(), content)]);
		for fallback in fallbacks {
			let (version, record, content) = Self::live_version(fallback)?;
			let known = links.iter().any(|(_, other, ..)| other.model == version.model);
			ensure!(!known, Error::<T>::DuplicateFallback);
			ensure!(Self::takes_the_same(order, &like, &record), Error::<T>::FallbackDiffers);
			links.push((fallback, version, record, content));
		}
		let (mut offers, mut refused) = (VecDeque::new(), Vec::new());
		for (out_point, version, record, content) in links {
			match Self::ensure_takes(order, &version, &content) {
				Err(reason) => refused.push((out_point, reason)),
				Ok(admission) => offers
					.push_back(Self::ask(order, out_point, version, content, record, admission)?),
			}
		}
		loop {
			let Some(mut first) = offers.pop_front() else {
				// What the customer wanted first was refused too.
				let reason = refused.into_iter().find(|(refused, _)| *refused == out_point);
				return Err(reason.map_or(Error::<T>::NoCapacity, |(_, reason)| reason).into());
			};
			let period = Self::period_of(order.customer, &first.model, &order.payment);
			let (deadline, on_terms) = Self::ensure_deadline(
				order.deadline,
				&first.agreed.terms,
				period.and_then(|period| period.service),
				offers.make_contiguous(),
			)?;
			let ahead = ahead_of(first.agreed.priority, waiting);
			Self::choose_version(&mut first, id, order, ahead);
			if !Self::has_capacity(&first.agreed.terms, ahead) {
				refused.push((first.agreed.out_point, Error::<T>::NoCapacity));
				continue;
			}
			// Who asks for an earlier deadline than was promised is promised nothing.
			let guarantee = match period.filter(|_| on_terms) {
				Some(period) => Self::guarantee(&first, &period),
				None => Ok(None),
			};
			match guarantee {
				Ok(guarantee) => {
					let rest = offers.into();
					return Ok(Chain { named, first, rest, refused, deadline, guarantee });
				},
				Err(reason) => refused.push((first.agreed.out_point, reason)),
			}
		}
	}

	/// The version that a live output names.
	fn live_version(
		out_point: OutPoint,
	) -> Result<(VersionId, Version, ModelContent<T::AccountId>), Error<T>> {
		let ModelOutput { model, content, .. } =
			Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		let version = VersionId { model, index: content.version };
		let record = Versions::<T>::get(model, version.index).ok_or(Error::<T>::OutPointSpent)?;
		Ok((version, record, content))
	}

	/// Whether a model takes requests of a customer now. Writes nothing.
	fn ensure_takes(
		order: &Order<T>,
		version: &VersionId,
		content: &ModelContent<T::AccountId>,
	) -> Result<Admission, Error<T>> {
		ensure!(!content.retired, Error::<T>::ModelRetired);
		let who = order.customer;
		let period = Self::period_of(who, &version.model, &order.payment);
		let tier = period.as_ref().map(|period| period.tier);
		let admission = Self::ensure_admitted(who, &version.model, content, tier)?;
		ensure!(!Self::is_deprecated(version), Error::<T>::VersionDeprecated);
		if let Some(customer) = Customers::<T>::get(who, version.model) {
			Self::ensure_within(&Self::limits_of(content, period.as_ref()), &customer)?;
		}
		Ok(admission)
	}

	/// Whether the input that a customer has for one version is one for another, and means the same
	/// secrets.
	fn takes_the_same(order: &Order<T>, one: &Version, other: &Version) -> bool {
		let privacy = |version: &Version| version.circuit.as_ref().map(|circuit| circuit.privacy);
		let hides_the_same = match (order.assurance, privacy(one), privacy(other)) {
			(Assurance::Proven { .. }, Some(one), Some(other)) => one == other,
			// One that can not be proved is refused for that.
			_ => true,
		};
		one.interface.input == other.interface.input && hides_the_same
	}

	/// What a model that takes a request offers for an order. Writes nothing.
	fn ask(
		order: &Order<T>,
		out_point: OutPoint,
		version: VersionId,
		content: ModelContent<T::AccountId>,
		record: Version,
		admission: Admission,
	) -> Result<Offer<T>, DispatchError> {
		let model = version.model;
		let assurance = Self::ensure_input(order.assurance, &record, order.input)?;
		// What is committed to is one row, as only fixed tensors are provable.
		let length = order.length.unwrap_or_else(|| record.interface.input.bytes(1));
		let who = Some(order.customer);
		let quote = Self::quote_version(&model, who, &content.tariff, &record, length, None)
			.map_err(Error::<T>::from)?;
		let Quote { min_price, max_price, rates, .. } = quote;
		let platform_share = PlatformShare::<T>::get();
		let (split, followed) = Self::flat_split(model, &content);
		let (most, draw) = match order.payment {
			Payment::Fee { max_fee } => {
				ensure!(max_fee >= min_price, Error::<T>::FeeTooLow);
				(max_fee.min(max_price), None)
			},
			Payment::Plan => (0, Some(Self::draw_of(&split, max_price, platform_share)?)),
		};
		if let Some(customer) = Customers::<T>::get(order.customer, model) {
			Self::ensure_within_budget(&customer, most)?;
		}
		let stake = draw.map_or(most, |draw| draw.gross);
		let terms = LeaseTerms {
			version,
			pay: split.divide(min_price, platform_share).worker,
			length: record.lease.into(),
			collateral: T::MinCollateral::get().saturating_add(stake),
			obliges_at_once: order.obliges_at_once,
		};
		let period = Self::period_of(order.customer, &model, &order.payment);
		let priority = Self::priority_of(period.as_ref(), &order.payment);
		let limits = Self::limits_of(&content, period.as_ref());
		let agreed = Fallback { out_point, rates, split, most, terms, priority };
		Ok(Offer {
			model,
			content,
			record,
			admission,
			assurance,
			quote,
			limits,
			followed,
			draw,
			platform_share,
			agreed,
		})
	}

	/// Checks that the version can give what `assurance` asks, for an input if there is one.
	pub(crate) fn ensure_input(
		assurance: Assurance,
		record: &Version,
		input: Option<&Input<T::MaxInlineInput>>,
	) -> Result<Assurance, DispatchError> {
		match input {
			Some(input) => Self::ensure_assurance(assurance, record, input),
			None => Self::ensure_provable(assurance, record),
		}
	}

	/// Lets a model's candidate answer, if it is to answer request `id` and can.
	fn choose_version(offer: &mut Offer<T>, id: RequestId, order: &Order<T>, ahead: &[Waiter]) {
		let (candidate, terms) = (offer.content.candidate, &offer.agreed.terms);
		let staged = Self::staged(id, candidate, &offer.assurance, order.input, terms, ahead);
		if let Some((terms, record)) = staged {
			(offer.agreed.terms, offer.record) = (terms, record);
		}
	}

	/// Counts a request at a model that serves it, or may take it over: nothing is left to be refused
	/// then.
	pub(crate) fn enter(customer: &T::AccountId, offer: &Offer<T>) -> DispatchResult {
		Self::open_customer(customer, &offer.model, offer.agreed.most, &offer.limits)?;
		if let (Assurance::Proven { .. }, Some(circuit)) = (&offer.assurance, &offer.record.circuit)
		{
			T::Verifier::reference(&circuit.key)?;
		}
		OpenRequests::<T>::mutate(offer.model, |open| *open = open.saturating_add(1));
		Ok(())
	}

	/// Keeps the fallbacks of a request, and tells by whom it is served where not by whom it names.
	pub(crate) fn keep_fallbacks(
		request: RequestId,
		named: VersionId,
		(to, most): (VersionId, Balance),
		rest: Vec<Fallback<T>>,
	) {
		if named.model != to.model {
			let reason = FallbackReason::Refused;
			Self::deposit_event(Event::FellBack { request, from: named, to, most, reason });
		}
		if !rest.is_empty() {
			let versions = rest.iter().map(|next| next.terms.version).collect();
			let fallbacks = BoundedVec::truncate_from(versions);
			Fallbacks::<T>::insert(request, FallbacksOf::<T>::truncate_from(rest));
			Self::deposit_event(Event::FallbacksKept { request, fallbacks });
		}
	}

	/// What a request of `account` for so many bytes would hold, and who would serve it.
	pub fn quote_chain(
		account: T::AccountId,
		out_point: OutPoint,
		fallbacks: FallbackNames,
		assurance: Assurance,
		input_bytes: u64,
		max_fee: Balance,
	) -> Result<ChainQuote, DispatchError> {
		let order = Order {
			customer: &account,
			assurance,
			input: None,
			length: Some(input_bytes),
			obliges_at_once: true,
			payment: Payment::Fee { max_fee },
			deadline: None,
		};
		let (id, waiting) = (NextRequest::<T>::get(), Waiting::<T>::get());
		let chain = Self::chain(&order, out_point, fallbacks, id, &waiting)?;
		let held = chain.held();
		let link = |Offer { quote, agreed, .. }: Offer<T>| {
			let Fallback { out_point, most, terms, .. } = agreed;
			ChainLink { out_point, version: terms.version, most, quote }
		};
		let refused = chain.refused.into_iter();
		Ok(ChainQuote {
			held,
			serving: core::iter::once(chain.first).chain(chain.rest).map(link).collect(),
			refused: refused.map(|(out_point, reason)| (out_point, reason.into())).collect(),
		})
	}

	// --- When a model does not serve ------------------------------------------------------------

	/// Hands a request without a lease to the first of its fallbacks that can take it. Says whether
	/// one can. Does not fail, and the caller stores the request.
	pub(crate) fn fall_back(
		id: RequestId,
		request: &mut Request<T>,
		reason: FallbackReason,
	) -> bool {
		let Some(mut fallbacks) = Fallbacks::<T>::get(id) else { return false };
		let now = frame_system::Pallet::<T>::block_number();
		// After a lapse workers are drawn at once, after a vain draw in the next block.
		let draw = match reason {
			FallbackReason::Lapsed => now,
			FallbackReason::NoWorker | FallbackReason::Refused => now.saturating_add(1u32.into()),
		};
		let admitted = |next: &Fallback<T>| {
			let breaker = Records::<T>::get(next.terms.version.model).breaker;
			let admission = breaker.admission(Self::block(), Self::is_obliged).ok()?;
			Self::fits(&next.terms, draw, request.deadline).then_some(admission)
		};
		let able = |(place, next)| Some((place, admitted(next)?));
		let Some((place, admission)) = fallbacks.iter().enumerate().find_map(able) else {
			return false;
		};
		let next = fallbacks.remove(place);
		if fallbacks.is_empty() {
			Fallbacks::<T>::remove(id);
		} else {
			Fallbacks::<T>::insert(id, fallbacks);
		}
		let from = request.version;
		Self::leave(id, request, from, request.most);
		if admission == Admission::Trial {
			Self::begin_trial(&next.terms.version.model, id, &next.terms);
		}
		// It falls due again by its priority there.
		DueRequests::<T>::remove(request.due, Turn::new(request.priority, id));
		request.turn_to(next, now);
		let (to, most) = (request.version, request.most);
		Self::deposit_event(Event::FellBack { request: id, from, to, most, reason });
		true
	}

	/// Whether a fallback that is suspended now would still have time at a block.
	pub(crate) fn may_fall_back(
		id: RequestId,
		request: &Request<T>,
		at: BlockNumberFor<T>,
	) -> bool {
		let fits = |next: &Fallback<T>| Self::fits(&next.terms, at, request.deadline);
		Fallbacks::<T>::get(id).is_some_and(|fallbacks| fallbacks.iter().any(fits))
	}

	/// Whether a lease that is granted at `from` ends before the deadline.
	pub(crate) fn fits(
		terms: &LeaseTerms<BlockNumberFor<T>>,
		from: BlockNumberFor<T>,
		deadline: BlockNumberFor<T>,
	) -> bool {
		from <= deadline.saturating_sub(Self::whole_lease(terms))
	}

	/// Counts a request no more at a model that did not answer it. Nothing else is counted: what
	/// became of the request is told by the model that serves it when it closes.
	fn leave(id: RequestId, request: &Request<T>, version: VersionId, most: Balance) {
		Self::uncharge(&request.customer, &version.model, most, |_| ());
		if Records::<T>::get(version.model).breaker.trial() == Some(id) {
			Self::change_record(&version.model, |record| record.breaker.abandoned(id));
		}
		Self::release_version(request, version);
	}

	/// Takes a request that closes out of the models that did not have to take it over.
	pub(crate) fn leave_fallbacks(id: RequestId, request: &Request<T>) {
		for Fallback { terms, most, .. } in Fallbacks::<T>::take(id).unwrap_or_default() {
			Self::leave(id, request, terms.version, most);
		}
	}

	/// Lets go of a version that can answer a request no more.
	pub(crate) fn release_version(request: &Request<T>, version: VersionId) {
		let VersionId { model, index } = version;
		if request.is_proven() {
			if let Some(circuit) = Versions::<T>::get(model, index).and_then(|v| v.circuit) {
				T::Verifier::dereference(&circuit.key);
			}
		}
		OpenRequests::<T>::mutate(model, |open| *open = open.saturating_sub(1));
		Self::begin_to_close(&model);
	}

	/// The versions that may still take a request over, the most preferred first.
	pub(crate) fn fallbacks_of(id: RequestId) -> Vec<VersionId> {
		let fallbacks = Fallbacks::<T>::get(id).unwrap_or_default();
		fallbacks.into_iter().map(|next| next.terms.version).collect()
	}

	/// How many fallbacks a request has left.
	pub(crate) fn count_fallbacks(id: RequestId) -> u32 {
		Fallbacks::<T>::decode_len(id).unwrap_or_default() as u32
	}

	// --- What it weighs -------------------------------------------------------------------------

	/// What fallbacks add to a request: each is asked, quoted, counted, drawn for, and left.
	pub(crate) fn fallbacks_weight(fallbacks: u32) -> Weight {
		let each = T::WeightInfo::request_fallback()
			.saturating_add(T::WeightInfo::flatten())
			.saturating_add(Self::counting_weight())
			.saturating_add(Self::draw_weight(1))
			.saturating_add(T::WeightInfo::fall_back())
			.saturating_add(Self::leaving_weight(1));
		each.saturating_mul(fallbacks.into())
	}

	/// What fallbacks that were not needed add to the end of a request. The record of the customer may
	/// move to a later period's queue, which is not measured.
	pub(crate) fn leaving_weight(fallbacks: u32) -> Weight {
		T::WeightInfo::leave_fallback()
			.saturating_add(T::DbWeight::get().writes(2))
			.saturating_mul(fallbacks.into())
	}
}
