//! Requests: what is frozen, what is held, who answers, and how they end without an answer.

use crate::{
	fallback_impls::{Chain, Offer, Order},
	*,
};
use aimodel_primitives::{
	access::Admission,
	pricing::{QuoteError, ServiceTerms},
	privacy::{Privacy, Visibility},
	traits::{Lease, LeaseTerms},
};
use frame_support::{
	pallet_prelude::*,
	traits::{
		fungible::{InspectHold, MutateHold},
		tokens::Precision,
	},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, ArithmeticError};

/// Blocks after which workers are drawn again for a request that nobody could take.
const REDRAW: u32 = 4;

impl<T: Config> From<QuoteError> for Error<T> {
	fn from(error: QuoteError) -> Self {
		match error {
			QuoteError::UnknownModel => Self::ModelRetired,
			QuoteError::Shape(_) => Self::InputLength,
			QuoteError::NotProvable => Self::NotProvable,
			QuoteError::Overflow => Self::PriceOverflow,
			QuoteError::Deprecated => Self::VersionDeprecated,
		}
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_request(
		customer: T::AccountId,
		out_point: OutPoint,
		assurance: Assurance,
		input: Input<T::MaxInlineInput>,
		payment: Payment,
		deadline: Option<BlockNumberFor<T>>,
		fallbacks: FallbackNames,
	) -> Result<Weight, DispatchError> {
		let mut waiting = Waiting::<T>::get();
		let id = NextRequest::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let order = Order {
			customer: &customer,
			assurance,
			input: Some(&input),
			length: input.length(),
			obliges_at_once: matches!(input, Input::Inline(_)),
			payment,
			deadline,
		};
		let fallbacks_named = fallbacks.len() as u32;
		let chain = Self::chain(&order, out_point, fallbacks, id, &waiting)?;
		let held = chain.held();
		let Chain { named, first, rest, deadline, guarantee, .. } = chain;
		let version = first.agreed.terms.version;
		let priority = first.agreed.priority;
		let (place, waiter) = (ahead_of(priority, &waiting).len(), (id, version, priority));
		waiting.try_insert(place, waiter).map_err(|_| Error::<T>::BlockFull)?;

		let mut weight = Self::made_request_weight(&input, &first, fallbacks_named);
		let cover = match first.draw {
			Some(draw) => {
				let (cover, covered) = Self::cover(&customer, &first.model, &first.content, draw)?;
				let give_back = T::WeightInfo::give_back();
				weight = weight.saturating_add(covered).saturating_add(give_back);
				Some(cover)
			},
			None => None,
		};
		for offer in core::iter::once(&first).chain(&rest) {
			Self::enter(&customer, offer)?;
		}
		T::Currency::hold(&HoldReason::Escrow.into(), &customer, held)?;
		if first.admission == Admission::Trial {
			Self::begin_trial(&first.model, id, &first.agreed.terms);
		}
		let due = deadline.saturating_add(1u32.into());
		let Offer { assurance, quote, platform_share, agreed, .. } = first;
		let Fallback { out_point, rates, split, most, terms, .. } = agreed;
		let request = Request::<T> {
			customer: customer.clone(),
			priority,
			requested_at: frame_system::Pallet::<T>::block_number(),
			out_point,
			version,
			assurance,
			input,
			rows: quote.rows,
			rates,
			split,
			platform_share,
			held,
			most,
			cover: cover.clone(),
			terms,
			deadline,
			drawn: false,
			candidates: Default::default(),
			lapsed: Default::default(),
			compensated: 0,
			due,
			guarantee: guarantee.clone(),
		};
		guarantee.iter().for_each(Self::reserve_guarantee);
		NextRequest::<T>::put(next);
		Waiting::<T>::put(waiting);
		DueRequests::<T>::insert(due, Turn::new(priority, id), ());
		Requests::<T>::insert(id, request);
		let event = Event::Requested { request: id, customer, version, assurance, held, deadline };
		Self::deposit_event(event);
		if let Some(Cover { draw, source, .. }) = cover {
			Self::deposit_event(Event::Covered { request: id, draw, source });
		}
		if let Some(Guarantee { guarantor, penalty, .. }) = guarantee {
			Self::deposit_event(Event::Guaranteed { request: id, guarantor, penalty });
		}
		let rest = rest.into_iter().map(|offer| offer.agreed).collect();
		Self::keep_fallbacks(id, named, (version, most), rest);
		Ok(weight)
	}

	pub(crate) fn do_cancel(who: T::AccountId, id: RequestId) -> Result<Weight, DispatchError> {
		let mut request = Self::open_request(id)?;
		ensure!(request.customer == who, Error::<T>::NotCustomer);
		if let Some(lease) = T::Workers::leased(id) {
			let now = frame_system::Pallet::<T>::block_number();
			ensure!(!lease.obliged || now > lease.until, Error::<T>::LeaseLive);
			Self::end_lease(id, &mut request)?;
		}
		let weight = Self::cancel_weight(request.cover.is_some(), Self::count_fallbacks(id));
		Self::refund(id, request, Unanswered::Cancelled)?;
		Ok(weight)
	}

	pub(crate) fn do_expire(id: RequestId) -> Result<Weight, DispatchError> {
		let mut request = Self::open_request(id)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now > request.deadline, Error::<T>::NotExpired);
		Self::end_lease(id, &mut request)?;
		let weight = Self::expire_weight(request.cover.is_some(), Self::count_fallbacks(id));
		Self::refund(id, request, Unanswered::Expired)?;
		Ok(weight)
	}

	pub(crate) fn do_advance(id: RequestId) -> DispatchResult {
		let mut request = Self::open_request(id)?;
		let now = frame_system::Pallet::<T>::block_number();
		let due = match T::Workers::leased(id) {
			Some(lease) => now > lease.until,
			None => request.drawn && now >= request.due,
		};
		ensure!(due && now <= request.deadline, Error::<T>::NothingDue);
		Self::hand_on(id, &mut request)?;
		Self::tell_assignment(id);
		Requests::<T>::insert(id, request);
		Ok(())
	}

	/// Ends the lapsed lease of a request, if it has one, and looks for who serves it next: where a
	/// worker was obliged, at a fallback.
	pub(crate) fn hand_on(id: RequestId, request: &mut Request<T>) -> DispatchResult {
		let obliged = Self::is_obliged(id);
		Self::end_lease(id, request)?;
		if obliged {
			Self::fall_back(id, request, FallbackReason::Lapsed);
		}
		Self::lease_to_next(id, request);
		Ok(())
	}

	/// Ends the lease of a request, if it has one: an obliged one is slashed, another costs nothing.
	pub(crate) fn end_lease(id: RequestId, request: &mut Request<T>) -> DispatchResult {
		let Some(lease) = T::Workers::leased(id) else { return Ok(()) };
		let compensation = if lease.obliged {
			let most = T::LapseCompensation::get().mul_floor(request.most);
			let owed = most.saturating_sub(request.compensated);
			Self::count_lapse(id, request);
			Self::count_demerit(request);
			// Who promised answers for workers of its own model: another one has less at stake.
			let of_guarantor =
				|guarantee: &&mut Guarantee<_>| guarantee.model == lease.version.model;
			if let Some(guarantee) = request.guarantee.as_mut().filter(of_guarantor) {
				let record = Records::<T>::get(guarantee.model);
				guarantee.lapsed = Some(record.figures.availability);
			}
			T::Workers::slash(id, &request.customer, owed)?
		} else {
			T::Workers::release(id);
			0
		};
		request.compensated = request.compensated.saturating_add(compensation);
		// As many as there can be leases: none is given to more workers than candidates are drawn.
		let _ = request.lapsed.try_push(lease.worker.clone());
		Self::deposit_event(Event::Lapsed {
			request: id,
			worker: lease.worker,
			obliged: lease.obliged,
			compensation,
		});
		Ok(())
	}

	/// Leases a request to a worker of the model that serves it. Where none can take it, the next
	/// fallback serves it from the next block on; where there is none, workers are drawn again later, in
	/// case one is free by then. Notes when the request falls due. The caller stores it.
	pub(crate) fn lease_to_next(id: RequestId, request: &mut Request<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let again = now.saturating_add(REDRAW.into());
		let may_lease =
			Self::fits(&request.terms, now, request.deadline) && !request.lapsed.is_full();
		let lease = if may_lease { Self::lease_now(id, request) } else { None };
		let due = match lease {
			Some(lease) => lease.until.min(request.deadline),
			None if Self::fall_back(id, request, FallbackReason::NoWorker) => now,
			None if may_lease || Self::may_fall_back(id, request, again) => {
				again.min(request.deadline)
			},
			None => request.deadline,
		};
		Self::set_due(id, request, due.saturating_add(1u32.into()));
	}

	/// Leases a request to its next candidate that can still take it; where none can, draws again.
	fn lease_now(id: RequestId, request: &mut Request<T>) -> Option<LeaseOf<T>> {
		Self::lease_to_candidate(id, request).or_else(|| {
			Self::draw(id, request);
			Self::lease_to_candidate(id, request)
		})
	}

	/// Draws the candidates of a request, seeded by the last block's hash.
	fn draw(id: RequestId, request: &mut Request<T>) {
		let parent = frame_system::Pallet::<T>::parent_hash();
		let seed = (b"aimodel/draw", parent, id).using_encoded(sp_io::hashing::blake2_256);
		let mut ranked = T::Workers::rank(&request.terms, seed.into(), T::MaxCandidates::get());
		// The most preferred is taken from the end.
		ranked.reverse();
		request.candidates = BoundedVec::truncate_from(ranked);
	}

	/// Leases a request to the first of its candidates that can still take it and had no chance yet.
	fn lease_to_candidate(id: RequestId, request: &mut Request<T>) -> Option<LeaseOf<T>> {
		while let Some(worker) = request.candidates.pop() {
			let had_its_chance = request.lapsed.contains(&worker);
			if !had_its_chance && T::Workers::lease(id, &worker, &request.terms).is_ok() {
				return T::Workers::leased(id);
			}
		}
		None
	}

	/// Tells who has to answer a request now.
	pub(crate) fn tell_assignment(id: RequestId) {
		Self::deposit_event(match T::Workers::leased(id) {
			Some(Lease { worker, until, .. }) => Event::Assigned { request: id, worker, until },
			None => Event::Unassigned { request: id },
		});
	}

	pub(crate) fn set_due(id: RequestId, request: &mut Request<T>, due: BlockNumberFor<T>) {
		let turn = Turn::new(request.priority, id);
		DueRequests::<T>::remove(request.due, turn);
		DueRequests::<T>::insert(due, turn, ());
		request.due = due;
	}

	pub(crate) fn open_request(id: RequestId) -> Result<Request<T>, DispatchError> {
		let missing = || {
			if Settlements::<T>::contains_key(id) {
				Error::<T>::AlreadySettled
			} else {
				Error::<T>::UnknownRequest
			}
		};
		Requests::<T>::get(id).ok_or_else(|| missing().into())
	}

	/// Gives everything back and closes the request. Its lease has ended.
	pub(crate) fn refund(
		id: RequestId,
		mut request: Request<T>,
		reason: Unanswered,
	) -> DispatchResult {
		let reason_held = HoldReason::Escrow.into();
		let (customer, amount) = (request.customer.clone(), request.held);
		T::Currency::release(&reason_held, &customer, amount, Precision::Exact)?;
		if let Some(cover) = &request.cover {
			Self::give_back(&request, cover, cover.draw.gross, 1)?;
		}
		if reason == Unanswered::Expired {
			Self::pay_penalty(id, &mut request)?;
		}
		Self::count_refund(id, &request, reason);
		Self::close_request(id, request)?;
		Self::deposit_event(Event::Refunded { request: id, customer, amount, reason });
		Ok(())
	}

	/// Forgets a request whose money is settled and whose lease has ended.
	pub(crate) fn close_request(id: RequestId, request: Request<T>) -> DispatchResult {
		Requests::<T>::remove(id);
		DueRequests::<T>::remove(request.due, Turn::new(request.priority, id));
		if !request.drawn {
			Waiting::<T>::mutate(|waiting| waiting.retain(|(other, ..)| *other != id));
		}
		Self::release_guarantee(&request);
		Self::release_version(&request, request.version);
		Self::leave_fallbacks(id, &request);
		Ok(())
	}

	/// Held for open requests of `who`.
	pub fn escrow_of(who: &T::AccountId) -> Balance {
		T::Currency::balance_on_hold(&HoldReason::Escrow.into(), who)
	}

	/// Checks that the version can give what `assurance` asks, and fills in the chain's default.
	pub(crate) fn ensure_assurance(
		assurance: Assurance,
		record: &Version,
		input: &Input<T::MaxInlineInput>,
	) -> Result<Assurance, DispatchError> {
		let assurance = Self::ensure_provable(assurance, record)?;
		let (Assurance::Proven { .. }, Some(circuit)) = (assurance, &record.circuit) else {
			ensure!(input.commitment().is_none(), Error::<T>::CommitmentUnexpected);
			return Ok(assurance);
		};
		let Privacy { input: of_input, output: of_output } = circuit.privacy;
		match (of_input, of_output, input) {
			(Visibility::Public, Visibility::Public, Input::Inline(_))
			| (Visibility::Public, Visibility::Committed, Input::Salted { .. })
			| (Visibility::Committed, _, Input::Committed { .. }) => (),
			(Visibility::Committed, _, _) => return Err(Error::<T>::InputNotCommitted.into()),
			(_, _, Input::Blob { .. }) => return Err(Error::<T>::InputNotInline.into()),
			(_, Visibility::Committed, _) => return Err(Error::<T>::CommitmentMissing.into()),
			_ => return Err(Error::<T>::CommitmentUnexpected.into()),
		}
		Ok(assurance)
	}

	/// Checks that the version has the key that `assurance` asks, and fills in the chain's default.
	pub(crate) fn ensure_provable(
		assurance: Assurance,
		record: &Version,
	) -> Result<Assurance, DispatchError> {
		let Assurance::Proven { weakest_origin } = assurance else { return Ok(assurance) };
		let circuit = record.circuit.as_ref().ok_or(Error::<T>::NotProvable)?;
		let key = T::Verifier::key(&circuit.key).ok_or(Error::<T>::UnknownKey)?;
		let weakest = weakest_origin.unwrap_or_else(DefaultWeakestOrigin::<T>::get);
		ensure!(key.origin >= weakest, Error::<T>::KeyTooWeak);
		Ok(Assurance::Proven { weakest_origin: Some(weakest) })
	}

	/// The deadline that was asked for, or else the one that is promised: that of the customer's terms,
	/// and never before the earliest, which is the draw, two whole leases, and a margin; and, as far as
	/// there is time, a draw and a lease of each fallback. Tells too whether it is no earlier than
	/// promised.
	pub(crate) fn ensure_deadline(
		asked: Option<BlockNumberFor<T>>,
		terms: &LeaseTerms<BlockNumberFor<T>>,
		service: Option<ServiceTerms>,
		fallbacks: &[Offer<T>],
	) -> Result<(BlockNumberFor<T>, bool), DispatchError> {
		let now = frame_system::Pallet::<T>::block_number();
		let (draw, lease) = (1u32.into(), Self::whole_lease(terms));
		let earliest = now
			.saturating_add(draw)
			.saturating_add(lease.saturating_mul(2u32.into()))
			.saturating_add(T::DeadlineMargin::get().into());
		let promised = service
			.and_then(|service| service.deadline)
			.map_or(earliest, |blocks| now.saturating_add(blocks.into()).max(earliest));
		let latest = now.saturating_add(T::MaxDeadline::get().into());
		let deadline = asked.unwrap_or_else(|| {
			let with = |sum: BlockNumberFor<T>, next: &Offer<T>| {
				sum.saturating_add(draw).saturating_add(Self::whole_lease(&next.agreed.terms))
			};
			fallbacks.iter().fold(earliest, with).min(latest).max(promised)
		});
		ensure!(deadline >= earliest, Error::<T>::DeadlineTooSoon);
		ensure!(deadline <= latest, Error::<T>::DeadlineTooLate);
		Ok((deadline, deadline >= promised))
	}

	/// Blocks of a lease from its grant to its latest end.
	pub(crate) fn whole_lease(terms: &LeaseTerms<BlockNumberFor<T>>) -> BlockNumberFor<T> {
		if terms.obliges_at_once {
			terms.length
		} else {
			terms.length.saturating_add(T::Workers::accept_window())
		}
	}
}
