//! The clockwork: draws at the beginning of a block, lapses, refunds and pruning in its idle rest.

use crate::*;
use codec::FullCodec;
use frame_support::{pallet_prelude::*, storage::with_storage_layer, weights::WeightMeter};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{One, Saturating};

/// Blocks after which a due request that could not be processed is tried again.
const DEFERRAL: u32 = 100;

impl<T: Config> Pallet<T> {
	/// What the records of a customer and a model add to calls that were measured before there were any:
	/// each is read and written, with what names it in queues; the deposit of a new one is taken.
	pub(crate) fn counting_weight() -> Weight {
		Weight::from_parts(150_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(8, 8))
	}

	/// What a period of a plan adds to calls that were expressed by others: the split that it freezes, and
	/// what is counted.
	pub(crate) fn period_weight() -> Weight {
		T::WeightInfo::flatten().saturating_add(Self::counting_weight())
	}

	/// The weight of a request: its own, its draw, its leases, and, since a successful result is
	/// free, its settlement.
	pub(crate) fn request_weight(input_bytes: u64) -> Weight {
		let bytes = u32::try_from(input_bytes).unwrap_or(u32::MAX);
		T::WeightInfo::request(bytes.min(T::MaxInlineInput::get()))
			.saturating_add(Self::counting_weight())
			.saturating_add(T::WeightInfo::flatten())
			.saturating_add(Self::draw_weight(1))
			.saturating_add(Self::submit_result_weight(
				T::Verifier::max_public_inputs(),
				T::MaxInlineOutput::get().into(),
				0,
			))
	}

	/// Draws the workers of the last block's requests, and gives each request its first lease.
	pub(crate) fn draw_workers() -> Weight {
		let waiting = Waiting::<T>::take();
		let mut unassigned: u64 = 0;
		for (id, _) in &waiting {
			let Some(mut request) = Requests::<T>::get(id) else { continue };
			request.drawn = true;
			Self::lease_to_next(*id, &mut request);
			unassigned = unassigned.saturating_add(T::Workers::leased(*id).is_none().into());
			Self::tell_assignment(*id);
			Requests::<T>::insert(id, request);
		}
		T::DbWeight::get()
			.reads_writes(1, 1)
			.saturating_add(Self::draw_weight(waiting.len() as u32))
			.saturating_add(T::WeightInfo::fall_back().saturating_mul(unassigned))
	}

	pub(crate) fn draw_weight(requests: u32) -> Weight {
		T::WeightInfo::draw(T::Workers::max_servers()).saturating_mul(requests.into())
	}

	/// Ends lapsed leases and refunds expired requests, earliest first, within the limit.
	pub(crate) fn process_due(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		// A lapsed lease may be followed by a new draw, of a fallback, and by the next one.
		let fall_back = T::WeightInfo::fall_back();
		let expire = T::WeightInfo::expire()
			.saturating_add(T::WeightInfo::give_back())
			.saturating_add(Self::leaving_weight(MAX_FALLBACKS));
		let each = T::WeightInfo::advance()
			.saturating_add(Self::draw_weight(1))
			.saturating_add(fall_back.saturating_mul(2))
			.max(expire)
			.saturating_add(Self::counting_weight());
		drain_queue::<T, _, _, DueRequests<T>, DueCursor<T>>(now, each, meter, |id| {
			if let Err(error) = with_storage_layer(|| Self::process_due_request(id, now)) {
				log::error!(target: LOG_TARGET, "due request {id} was deferred: {error:?}");
				Self::defer(id, now);
			}
		});
	}

	/// Prunes settlements whose retention has passed, oldest first, within the limit.
	pub(crate) fn prune_settlements(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		let each = T::WeightInfo::prune();
		drain_queue::<T, _, _, Prunable<T>, PruneCursor<T>>(now, each, meter, |id| {
			if let Some(settlement) = Settlements::<T>::take(id) {
				let output_hash = settlement.output.hash();
				Self::deposit_event(Event::Pruned { request: id, output_hash });
			}
		});
	}

	fn process_due_request(id: RequestId, now: BlockNumberFor<T>) -> DispatchResult {
		let Some(mut request) = Requests::<T>::get(id) else { return Ok(()) };
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
		Ok(())
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

/// Takes the entries of a queue keyed by blocks or periods, up to `now`, and hands each to `process`;
/// stops where the next one, at weight `each`, would exceed the limit.
pub(crate) fn drain_queue<T, At, Item, Queue, Cursor>(
	now: At,
	each: Weight,
	meter: &mut WeightMeter,
	mut process: impl FnMut(Item),
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
	while at <= now {
		if meter.try_consume(step).is_err() {
			break;
		}
		match Queue::iter_key_prefix(at).next() {
			None => at = at.saturating_add(One::one()),
			Some(_) if !meter.can_consume(each) => break,
			Some(item) => {
				meter.consume(each);
				Queue::remove(at, &item);
				process(item);
			},
		}
	}
	if at != first {
		Cursor::put(at);
	}
}
