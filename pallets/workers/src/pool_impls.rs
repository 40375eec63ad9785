//! The workers as the pallet of the requests sees them.
//!
//! Its hooks call this without a storage layer around, so nothing is written before all is checked.

use crate::*;
use aimodel_primitives::{
	access::Figures,
	traits::{Lease, WorkerPool},
	Balance, RequestId, VersionId,
};
use alloc::vec::Vec;
use frame_support::{
	ensure,
	storage::with_storage_layer,
	traits::{
		fungible::MutateHold,
		tokens::{
			Fortitude::Force,
			Precision::{BestEffort, Exact},
			Restriction::Free,
		},
		Get,
	},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{
	traits::{EnsureAdd, Saturating},
	DispatchError, DispatchResult, SaturatedConversion,
};

impl<T: Config> WorkerPool<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
	fn accept_window() -> BlockNumberFor<T> {
		T::AcceptWindow::get()
	}

	fn max_servers() -> u32 {
		T::MaxServers::get()
	}

	fn capacity(terms: &TermsOf<T>) -> u32 {
		let of = |server: &T::AccountId| {
			let (worker, service) = Self::fit(server, terms).ok()?;
			let slots = service.slots.saturating_sub(service.busy);
			let bonded = worker.free_bond().checked_div(terms.collateral);
			Some(bonded.map_or(u32::from(slots), |n| n.min(slots.into()) as u32))
		};
		let servers = Servers::<T>::get(terms.version);
		servers.iter().filter_map(of).fold(0, |sum: u32, n| sum.saturating_add(n))
	}

	fn rank(terms: &TermsOf<T>, seed: H256, candidates: u32) -> Vec<T::AccountId> {
		let fit = Servers::<T>::get(terms.version)
			.into_iter()
			.filter_map(|server| {
				let (worker, _) = Self::fit(&server, terms).ok()?;
				Some((server, worker.free_bond()))
			})
			.collect();
		ranking::draw(fit, seed, candidates)
	}

	fn lease(request: RequestId, worker: &T::AccountId, terms: &TermsOf<T>) -> DispatchResult {
		ensure!(!Leases::<T>::contains_key(request), Error::<T>::AlreadyLeased);
		let (record, service) = Self::fit(worker, terms)?;
		let obliged = terms.obliges_at_once;
		let blocks = if obliged { terms.length } else { T::AcceptWindow::get() };
		let until = frame_system::Pallet::<T>::block_number().ensure_add(blocks)?;
		let lease = Lease {
			worker: worker.clone(),
			version: terms.version,
			collateral: terms.collateral,
			length: terms.length,
			until,
			obliged,
		};

		Self::open_lease(request, record, service, lease)?;
		let worker = worker.clone();
		Self::deposit_event(Event::LeaseGranted { request, worker, until, obliged });
		Ok(())
	}

	fn leased(request: RequestId) -> Option<LeaseOf<T>> {
		Leases::<T>::get(request)
	}

	fn answered(request: RequestId) {
		let Some(lease) = Leases::<T>::get(request) else { return };
		if !lease.obliged {
			return Self::release(request);
		}
		let now = frame_system::Pallet::<T>::block_number();
		let obliged_since = lease.until.saturating_sub(lease.length);
		let took = now.saturating_sub(obliged_since).saturated_into();
		Self::close_lease(request, &lease, 0, |figures| figures.answered(took));
		Self::deposit_event(Event::LeaseReleased { request, worker: lease.worker });
	}

	fn release(request: RequestId) {
		let Some(lease) = Leases::<T>::get(request) else { return };
		Self::close_lease(request, &lease, 0, |_| ());
		Self::deposit_event(Event::LeaseReleased { request, worker: lease.worker });
	}

	fn slash(
		request: RequestId,
		customer: &T::AccountId,
		compensation: Balance,
	) -> Result<Balance, DispatchError> {
		let lease = Leases::<T>::get(request).ok_or(Error::<T>::NotLeased)?;
		if !lease.obliged {
			Self::release(request);
			return Ok(0);
		}
		with_storage_layer(|| {
			let amount = lease.collateral;
			let compensation = Self::compensate(&lease.worker, customer, compensation.min(amount));
			let burned = Self::burn(&lease.worker, amount.saturating_sub(compensation))?;
			Self::close_lease(request, &lease, amount, Figures::lapsed);
			let worker = lease.worker;
			Self::deposit_event(Event::Slashed { worker, request, amount, compensation, burned });
			Ok(compensation)
		})
	}

	fn worker_of(operator: &T::AccountId) -> Option<T::AccountId> {
		Operators::<T>::get(operator)
	}

	fn least_pay(worker: &T::AccountId, version: VersionId) -> Option<Balance> {
		let service = Services::<T>::get(worker, version)?;
		service.is_offered().then_some(service.least_pay)
	}

	fn leases_of(worker: &T::AccountId, limit: u32) -> Vec<RequestId> {
		LeasesOf::<T>::iter_key_prefix(worker).take(limit as usize).collect()
	}
}

impl<T: Config> Pallet<T> {
	/// Moves a part of a worker's bond to a customer. Returns what arrived: nothing, where the
	/// customer's account can not take it, so that no customer can keep a lease from ending.
	fn compensate(worker: &T::AccountId, customer: &T::AccountId, amount: Balance) -> Balance {
		if amount == 0 {
			return 0;
		}
		let reason = HoldReason::Bond.into();
		with_storage_layer(|| {
			T::Currency::transfer_on_hold(&reason, worker, customer, amount, Exact, Free, Force)
		})
		.unwrap_or_else(|error| {
			log::debug!(target: LOG_TARGET, "{customer:?} can not be compensated: {error:?}");
			0
		})
	}

	/// Burns a part of a worker's bond. Returns how much.
	fn burn(worker: &T::AccountId, amount: Balance) -> Result<Balance, DispatchError> {
		if amount == 0 {
			return Ok(0);
		}
		T::Currency::burn_held(&HoldReason::Bond.into(), worker, amount, BestEffort, Force)
	}
}
