//! The clockwork: draws at the beginning of a block, lapses, refunds and pruning in its idle rest.

use crate::{fallback_impls::Offer, *};
use aimodel_primitives::{privacy::Visibility, runtime_api::Circuit, statement};
use codec::FullCodec;
use frame_support::{pallet_prelude::*, storage::with_storage_layer, weights::WeightMeter};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{One, Saturating};

/// Blocks after which a due request that could not be processed is tried again.
const DEFERRAL: u32 = 100;

impl<T: Config> Pallet<T> {
	/// A margin over what was measured: benchmarks count in records that are there, and not each of them in
	/// one whose period is over, with what names it in queues, nor in a new one, whose deposit is taken.
	pub(crate) fn counting_weight() -> Weight {
		Weight::from_parts(150_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(8, 8))
	}

	/// What a period of a plan adds to a call: the split that it freezes, and what is counted.
	pub(crate) fn period_weight() -> Weight {
		T::WeightInfo::flatten().saturating_add(Self::counting_weight())
	}

	/// The most that a request by fee can weigh: itself, its draw, and, since a successful result is
	/// free, its settlement.
	pub(crate) fn request_weight(input_bytes: u64) -> Weight {
		let settlement = Self::settle_weight(T::MaxInlineOutput::get().into(), true, false, 0);
		let verified = T::Verifier::verify_weight(T::Verifier::max_public_inputs());
		Self::ordered_weight(input_bytes)
			.saturating_add(T::WeightInfo::flatten())
			.saturating_add(settlement)
			.saturating_add(verified)
	}

	/// The most that a request by plan can weigh.
	pub(crate) fn request_by_plan_weight(input_bytes: u64) -> Weight {
		Self::request_weight(input_bytes)
			.saturating_add(T::WeightInfo::cover())
			.saturating_add(Self::period_weight())
			.saturating_add(T::WeightInfo::give_back())
	}

	/// The weight of a request that was made, but for its cover: what it took to follow the split, and
	/// to settle an answer as long as this version's can be. Of one that names fallbacks, the most: any of
	/// them may answer it.
	pub(crate) fn made_request_weight(
		input: &Input<T::MaxInlineInput>,
		offer: &Offer<T>,
		fallbacks: u32,
	) -> Weight {
		let input_bytes = input.length().unwrap_or_default();
		if fallbacks > 0 {
			return Self::request_weight(input_bytes)
				.saturating_add(Self::fallbacks_weight(fallbacks));
		}
		let Offer {
			assurance, record: Version { interface, circuit, .. }, quote, followed, ..
		} = offer;
		let (proven, verified, sealed) = match (assurance, circuit) {
			(Assurance::Proven { .. }, Some(Circuit { privacy, parameters, .. })) => {
				let public_inputs =
					statement::count_public_inputs(interface, *privacy, parameters.is_some())
						.unwrap_or_else(T::Verifier::max_public_inputs);
				let sealed = privacy.output == Visibility::Committed;
				(true, T::Verifier::verify_weight(public_inputs), sealed)
			},
			_ => (false, Weight::zero(), false),
		};
		// A sealed answer is longer than what it seals.
		let most = T::MaxInlineOutput::get().into();
		let output_bytes = if sealed { most } else { interface.output.bytes(quote.rows).min(most) };
		Self::ordered_weight(input_bytes)
			.saturating_add(*followed)
			.saturating_add(Self::settle_weight(output_bytes, proven, false, 0))
			.saturating_add(verified)
	}

	/// The weight of a request itself, and of its draw.
	fn ordered_weight(input_bytes: u64) -> Weight {
		let bytes = u32::try_from(input_bytes).unwrap_or(u32::MAX);
		// Where a candidate's workers are all busy, those of the stable version are counted too.
		let counted_again = T::Workers::max_servers().saturating_mul(2).saturating_add(1);
		T::WeightInfo::request(bytes.min(T::MaxInlineInput::get()))
			.saturating_add(T::DbWeight::get().reads(counted_again.into()))
			.saturating_add(Self::counting_weight())
			.saturating_add(T::WeightInfo::pay_penalty())
			.saturating_add(Self::draw_weight(1))
	}

	/// Draws the workers of the last block's requests, and gives each its first lease: higher tiers
	/// first.
	pub(crate) fn draw_workers() -> Weight {
		let waiting = Waiting::<T>::take();
		let mut unassigned: u64 = 0;
		for (id, ..) in &waiting {
			let Some(mut request) = Requests::<T>::get(id) else { continue };
			request.drawn = true;
			Self::lease_to_next(*id, &mut request);
			unassigned = unassigned.saturating_add(T::Workers::leased(*id).is_none().into());
			Self::tell_assignment(*id);
			Requests::<T>::insert(id, request);
		}
		// In a new period the record of a customer moves in its queue, too.
		let fall_back = T::WeightInfo::fall_back().saturating_add(T::DbWeight::get().writes(3));
		T::DbWeight::get()
			.reads_writes(1, 1)
			.saturating_add(Self::draw_weight(waiting.len() as u32))
			.saturating_add(fall_back.saturating_mul(unassigned))
	}

	pub(crate) fn draw_weight(requests: u32) -> Weight {
		T::WeightInfo::draw(T::Workers::max_servers()).saturating_mul(requests.into())
	}

	/// Ends lapsed leases and refunds expired requests, earliest first, within the limit.
	pub(crate) fn process_due(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		let each = Self::due_weight();
		drain_queue::<T, _, _, DueRequests<T>, DueCursor<T>>(now, each, meter, |turn: Turn| {
			let id = turn.request();
			with_storage_layer(|| Self::process_due_request(id, now)).unwrap_or_else(|error| {
				log::error!(target: LOG_TARGET, "request={id}: deferred: {error:?}");
				Self::defer(id, now);
				each
			})
		});
	}

	/// The most that a due request can weigh.
	pub(crate) fn due_weight() -> Weight {
		Self::advance_weight().max(Self::expire_weight(true, MAX_FALLBACKS))
	}

	/// The weight of a lapsed lease: a new draw may follow it, of a fallback, and the next one.
	pub(crate) fn advance_weight() -> Weight {
		T::WeightInfo::advance()
			.saturating_add(Self::draw_weight(1))
			.saturating_add(T::WeightInfo::fall_back().saturating_mul(2))
			.saturating_add(Self::counting_weight())
	}

	/// The weight of the refund of an expired request, by plan or by fee.
	pub(crate) fn expire_weight(covered: bool, fallbacks: u32) -> Weight {
		T::WeightInfo::expire().saturating_add(Self::refund_weight(covered, fallbacks))
	}

	/// The weight of the refund of a cancelled request, by plan or by fee.
	pub(crate) fn cancel_weight(covered: bool, fallbacks: u32) -> Weight {
		T::WeightInfo::cancel().saturating_add(Self::refund_weight(covered, fallbacks))
	}

	fn refund_weight(covered: bool, fallbacks: u32) -> Weight {
		let give_back = if covered { T::WeightInfo::give_back() } else { Weight::zero() };
		Self::counting_weight()
			.saturating_add(give_back)
			.saturating_add(T::WeightInfo::pay_penalty())
			.saturating_add(Self::leaving_weight(fallbacks))
	}

	/// Prunes settlements whose retention has passed, oldest first, within the limit.
	pub(crate) fn prune_settlements(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		let each = T::WeightInfo::prune();
		drain_queue::<T, _, _, Prunable<T>, PruneCursor<T>>(now, each, meter, |id| {
			if let Some(settlement) = Settlements::<T>::take(id) {
				let output_hash = settlement.output.hash();
				Self::deposit_event(Event::Pruned { request: id, output_hash });
			}
			each
		});
	}

	/// Does what is due of a request, and tells what it weighed.
	fn process_due_request(id: RequestId, now: BlockNumberFor<T>) -> Result<Weight, DispatchError> {
		let Some(mut request) = Requests::<T>::get(id) else {
			return Ok(T::DbWeight::get().reads(1));
		};
		if now > request.deadline {
			return Self::do_expire(id);
		}
		match T::Workers::leased(id) {
			// Accepted meanwhile: due when the lease itself ends.
			Some(lease) if now <= lease.until => {
				let due = lease.until.min(request.deadline).saturating_add(1u32.into());
				Self::set_due(id, &mut request, due);
			},
			lease => {
				Self::hand_on(id, &mut request)?;
				// Another vain draw is no news.
				if lease.is_some() || T::Workers::leased(id).is_some() {
					Self::tell_assignment(id);
				}
			},
		}
		Requests::<T>::insert(id, request);
		Ok(Self::advance_weight())
	}

	fn defer(id: RequestId, now: BlockNumberFor<T>) {
		Requests::<T>::mutate(id, |request| {
			let Some(request) = request else { return };
			let until = now.saturating_add(DEFERRAL.into());
			Self::set_due(id, request, until);
			Self::deposit_event(Event::Deferred { request: id, until });
		});
	}
}

/// Takes the entries of a queue keyed by blocks or periods, up to `now`, and hands each to `process`,
/// which tells what it weighed; stops where the next one, if it weighed `each`, would exceed the
/// limit, and goes on from there in the next block. What is processed is never queued again at `now`
/// or before.
pub(crate) fn drain_queue<T, At, Item, Queue, Cursor>(
	now: At,
	each: Weight,
	meter: &mut WeightMeter,
	mut process: impl FnMut(Item) -> Weight,
) where
	T: Config,
	At: FullCodec + Copy + Ord + One + Saturating,
	Item: FullCodec,
	Queue: frame_support::storage::IterableStorageDoubleMap<At, Item, (), Query = Option<()>>,
	Cursor: frame_support::StorageValue<At, Query = At>,
{
	let step = T::DbWeight::get().reads_writes(1, 1);
	if meter.try_consume(step).is_err() {
		return;
	}
	let first = Cursor::get();
	let mut at = first;
	'drained: while at <= now {
		// One walk over what is due at once: each that began anew would pass by everything that this
		// block has removed, which is quadratic.
		let mut items = Queue::iter_key_prefix(at);
		loop {
			if meter.try_consume(step).is_err() {
				break 'drained;
			}
			match items.next() {
				None => break,
				Some(_) if !meter.can_consume(each) => break 'drained,
				Some(item) => {
					Queue::remove(at, &item);
					meter.consume(process(item).min(each));
				},
			}
		}
		at = at.saturating_add(One::one());
	}
	if at != first {
		Cursor::put(at);
	}
}
