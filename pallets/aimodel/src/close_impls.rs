//! How a retired model closes: in steps, since its history may be long.

use crate::*;
use frame_support::{pallet_prelude::*, traits::Defensive, weights::WeightMeter};

impl<T: Config> Pallet<T> {
	/// Notes that a retired model without open requests has to be closed. Says whether it has.
	pub(crate) fn begin_to_close(model: &ModelId) -> bool {
		if OpenRequests::<T>::get(model) > 0 {
			return false;
		}
		let retired = Self::tip(model).is_some_and(|output| output.content.retired);
		if retired {
			Closing::<T>::insert(model, ());
		}
		retired
	}

	pub(crate) fn do_close(model: ModelId) -> DispatchResult {
		ensure!(Closing::<T>::contains_key(model), Error::<T>::NotClosing);
		Self::close_step(&model);
		Ok(())
	}

	/// Takes closing models a step further, within the limit.
	pub(crate) fn close_models(meter: &mut WeightMeter) {
		let read = T::DbWeight::get().reads(1);
		let each = T::WeightInfo::close().saturating_add(T::WeightInfo::withdraw_service_bond());
		let mut models = Closing::<T>::iter_keys();
		while meter.try_consume(read).is_ok() {
			let Some(model) = models.next() else { break };
			while Closing::<T>::contains_key(model) {
				if meter.try_consume(each.saturating_add(read)).is_err() {
					return;
				}
				Self::close_step(&model);
			}
		}
	}

	/// Removes the latest records of a closing model's history, and, with the first of them,
	/// everything else. The deposit returns, and keys are free.
	pub(crate) fn close_step(model: &ModelId) {
		let live = Tips::<T>::get(model).and_then(|tip| Some((tip, Outputs::<T>::get(tip)?)));
		let Some((tip, mut output)) = live else {
			// Nothing is left of it: it must not stop those behind it.
			frame_support::defensive!("a closing model has an output");
			Closing::<T>::remove(model);
			return;
		};
		let left = output.changes.saturating_sub(T::HistoryStep::get());
		for index in left..output.changes {
			History::<T>::remove(model, index);
		}
		output.changes = left;
		if left > 0 {
			Outputs::<T>::insert(tip, output);
			return;
		}
		Self::forget(&output);
		Self::return_funds::<ServiceBonds<T>>(model, &output.content.owner);
		Closing::<T>::remove(model);
		Outputs::<T>::remove(tip);
		Tips::<T>::remove(model);
		OpenRequests::<T>::remove(model);
		Records::<T>::remove(model);
		Prices::<T>::remove(model);
		Incomes::<T>::remove(model);
		Merits::<T>::remove(model);
		for (_, version) in Versions::<T>::drain_prefix(model) {
			if let Some(circuit) = version.circuit {
				T::Verifier::dereference(&circuit.key);
			}
		}
		for index in 0..output.versions {
			Deprecations::<T>::remove(model, index);
		}
		// It can fail only where the hold is gone already.
		let _ = output.deposit.drop(&output.depositor).defensive();
		Self::deposit_event(Event::Closed { model: *model });
	}
}
