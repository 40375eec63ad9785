//! Requests: what is frozen, what is held, who answers, and how they end without an answer.

use crate::*;
use aimodel_primitives::{
	access::Admission,
	pricing::{Quote, QuoteError},
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
	) -> DispatchResult {
		let ModelOutput { model, content, .. } =
			Outputs::<T>::get(out_point).ok_or(Error::<T>::OutPointSpent)?;
		ensure!(!content.retired, Error::<T>::ModelRetired);
		let admission = Self::ensure_admitted(&customer, &model, &content)?;
		let version = VersionId { model, index: content.version };
		ensure!(!Self::is_deprecated(&version), Error::<T>::VersionDeprecated);
		let record = Versions::<T>::get(model, version.index).ok_or(Error::<T>::OutPointSpent)?;
		let assurance = Self::ensure_assurance(assurance, &record, &input)?;
		// What is committed to is one row, as only fixed tensors are provable.
		let length = input.length().unwrap_or_else(|| record.interface.input.bytes(1));
		let Quote { rows, min_price, max_price, rates, .. } =
			Self::quote_version(&model, Some(&customer), &content.tariff, &record, length, None)
				.map_err(Error::<T>::from)?;
		let platform_share = PlatformShare::<T>::get();
		let split = Self::flat_split(model, &content);
		let (held, draw) = match payment {
			Payment::Fee { max_fee } => {
				ensure!(max_fee >= min_price, Error::<T>::FeeTooLow);
				(max_fee.min(max_price), None)
			},
			Payment::Plan => (0, Some(Self::draw_of(&split, max_price, platform_share)?)),
		};
		let stake = draw.map_or(held, |draw| draw.gross);
		let terms = LeaseTerms {
			version,
			pay: split.divide(min_price, platform_share).worker,
			length: record.lease.into(),
			collateral: T::MinCollateral::get().saturating_add(stake),
			obliges_at_once: matches!(input, Input::Inline(_)),
		};
		let deadline = Self::ensure_deadline(deadline, &terms)?;
		let mut waiting = Waiting::<T>::get();
		let id = NextRequest::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let (terms, record) =
			Self::staged(id, content.candidate, &assurance, &input, &terms, &waiting)
				.unwrap_or((terms, record));
		let version = terms.version;
		ensure!(Self::has_capacity(&terms, &waiting), Error::<T>::NoCapacity);
		waiting.try_push((id, version)).map_err(|_| Error::<T>::BlockFull)?;

		let cover = match draw {
			Some(draw) => Some(Self::cover(&customer, &model, &content, draw)?),
			None => None,
		};
		Self::open_customer(&customer, &model, held, &content.access.limits)?;
		T::Currency::hold(&HoldReason::Escrow.into(), &customer, held)?;
		if let (Assurance::Proven { .. }, Some(circuit)) = (&assurance, &record.circuit) {
			T::Verifier::reference(&circuit.key)?;
		}
		if admission == Admission::Trial {
			Self::begin_trial(&model, id, &terms);
		}
		let due = deadline.saturating_add(1u32.into());
		let request = Request::<T> {
			customer: customer.clone(),
			requested_at: frame_system::Pallet::<T>::block_number(),
			out_point,
			version,
			assurance,
			input,
			rows,
			rates,
			split,
			platform_share,
			held,
			cover: cover.clone(),
			terms,
			deadline,
			drawn: false,
			candidates: Default::default(),
			lapsed: Default::default(),
			compensated: 0,
			due,
		};
		NextRequest::<T>::put(next);
		Waiting::<T>::put(waiting);
		DueRequests::<T>::insert(due, id, ());
		OpenRequests::<T>::mutate(model, |open| *open = open.saturating_add(1));
		Requests::<T>::insert(id, request);
		let event = Event::Requested { request: id, customer, version, assurance, held, deadline };
		Self::deposit_event(event);
		if let Some(Cover { draw, source, .. }) = cover {
			Self::deposit_event(Event::Covered { request: id, draw, source });
		}
		Ok(())
	}

	pub(crate) fn do_cancel(who: T::AccountId, id: RequestId) -> DispatchResult {
		let mut request = Self::open_request(id)?;
		ensure!(request.customer == who, Error::<T>::NotCustomer);
		if let Some(lease) = T::Workers::leased(id) {
			let now = frame_system::Pallet::<T>::block_number();
			ensure!(!lease.obliged || now > lease.until, Error::<T>::LeaseLive);
			Self::end_lease(id, &mut request)?;
		}
		Self::refund(id, request, Unanswered::Cancelled)
	}

	pub(crate) fn do_expire(id: RequestId) -> DispatchResult {
		let mut request = Self::open_request(id)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now > request.deadline, Error::<T>::NotExpired);
		Self::end_lease(id, &mut request)?;
		Self::refund(id, request, Unanswered::Expired)
	}

	pub(crate) fn do_advance(id: RequestId) -> DispatchResult {
		let mut request = Self::open_request(id)?;
		let now = frame_system::Pallet::<T>::block_number();
		let lapsed = T::Workers::leased(id).is_some_and(|lease| now > lease.until);
		ensure!(lapsed && now <= request.deadline, Error::<T>::NothingDue);
		Self::end_lease(id, &mut request)?;
		Self::lease_to_next(id, &mut request);
		Self::tell_assignment(id);
		Requests::<T>::insert(id, request);
		Ok(())
	}

	/// Ends the lease of a request, if it has one: an obliged one is slashed, another costs nothing.
	pub(crate) fn end_lease(id: RequestId, request: &mut Request<T>) -> DispatchResult {
		let Some(lease) = T::Workers::leased(id) else { return Ok(()) };
		let compensation = if lease.obliged {
			let most = T::LapseCompensation::get().mul_floor(request.held);
			let owed = most.saturating_sub(request.compensated);
			Self::count_lapse(id, request);
			Self::count_demerit(request);
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

	/// Leases a request to its next candidate that can still take it, if a whole lease fits before
	/// the deadline; where none can, draws again, in case another worker is free by now. Notes when
	/// the request falls due. The caller stores it.
	pub(crate) fn lease_to_next(id: RequestId, request: &mut Request<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let latest = request.deadline.saturating_sub(Self::whole_lease(&request.terms));
		let due = if now > latest || request.lapsed.is_full() {
			request.deadline
		} else {
			match Self::lease_to_candidate(id, request).or_else(|| {
				Self::draw(id, request);
				Self::lease_to_candidate(id, request)
			}) {
				Some(lease) => lease.until.min(request.deadline),
				None => now.saturating_add(REDRAW.into()).min(request.deadline),
			}
		};
		Self::set_due(id, request, due.saturating_add(1u32.into()));
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
		DueRequests::<T>::remove(request.due, id);
		DueRequests::<T>::insert(due, id, ());
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
	pub(crate) fn refund(id: RequestId, request: Request<T>, reason: Unanswered) -> DispatchResult {
		let reason_held = HoldReason::Escrow.into();
		let (customer, amount) = (request.customer.clone(), request.held);
		T::Currency::release(&reason_held, &customer, amount, Precision::Exact)?;
		if let Some(cover) = &request.cover {
			Self::give_back(&request, cover, cover.draw.gross, 1)?;
		}
		Self::count_refund(id, &request, reason);
		Self::close_request(id, request)?;
		Self::deposit_event(Event::Refunded { request: id, customer, amount, reason });
		Ok(())
	}

	/// Forgets a request whose money is settled and whose lease has ended.
	pub(crate) fn close_request(id: RequestId, request: Request<T>) -> DispatchResult {
		let VersionId { model, index } = request.version;
		Requests::<T>::remove(id);
		DueRequests::<T>::remove(request.due, id);
		if !request.drawn {
			Waiting::<T>::mutate(|waiting| waiting.retain(|(other, _)| *other != id));
		}
		if matches!(request.assurance, Assurance::Proven { .. }) {
			if let Some(circuit) = Versions::<T>::get(model, index).and_then(|v| v.circuit) {
				T::Verifier::dereference(&circuit.key);
			}
		}
		OpenRequests::<T>::mutate(model, |open| *open = open.saturating_sub(1));
		Self::begin_to_close(&model);
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
		let Assurance::Proven { weakest_origin } = assurance else {
			ensure!(input.commitment().is_none(), Error::<T>::CommitmentUnexpected);
			return Ok(assurance);
		};
		let circuit = record.circuit.as_ref().ok_or(Error::<T>::NotProvable)?;
		let key = T::Verifier::key(&circuit.key).ok_or(Error::<T>::UnknownKey)?;
		let weakest = weakest_origin.unwrap_or_else(DefaultWeakestOrigin::<T>::get);
		ensure!(key.origin >= weakest, Error::<T>::KeyTooWeak);
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
		Ok(Assurance::Proven { weakest_origin: Some(weakest) })
	}

	/// The deadline that was asked for, or else the earliest: the draw, two whole leases, a margin.
	fn ensure_deadline(
		asked: Option<BlockNumberFor<T>>,
		terms: &LeaseTerms<BlockNumberFor<T>>,
	) -> Result<BlockNumberFor<T>, DispatchError> {
		let now = frame_system::Pallet::<T>::block_number();
		let earliest = now
			.saturating_add(1u32.into())
			.saturating_add(Self::whole_lease(terms).saturating_mul(2u32.into()))
			.saturating_add(T::DeadlineMargin::get().into());
		let deadline = asked.unwrap_or(earliest);
		ensure!(deadline >= earliest, Error::<T>::DeadlineTooSoon);
		let latest = now.saturating_add(T::MaxDeadline::get().into());
		ensure!(deadline <= latest, Error::<T>::DeadlineTooLate);
		Ok(deadline)
	}

	/// Blocks of a lease from its grant to its latest end.
	fn whole_lease(terms: &LeaseTerms<BlockNumberFor<T>>) -> BlockNumberFor<T> {
		if terms.obliges_at_once {
			terms.length
		} else {
			terms.length.saturating_add(T::Workers::accept_window())
		}
	}
}
