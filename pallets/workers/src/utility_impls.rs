//! What calls and leases share: the lists of servers, the terms that a worker takes, the books.

use crate::*;
use aimodel_primitives::{access::Figures, Balance, RequestId, VersionId};
use frame_support::{defensive, ensure, traits::Get};
use sp_runtime::{traits::EnsureAdd, DispatchError, DispatchResult};

impl<T: Config> Pallet<T> {
	/// The worker, unless it retires.
	pub(crate) fn active(who: &T::AccountId) -> Result<WorkerOf<T>, Error<T>> {
		let worker = Workers::<T>::get(who).ok_or(Error::<T>::NotRegistered)?;
		ensure!(worker.retiring_at.is_none(), Error::<T>::Retiring);
		Ok(worker)
	}

	/// Puts a worker into the list of a version's servers, displacing another one if there is no
	/// other way. `is_new`: it holds no [`Service`] of the version, which the caller then inserts.
	pub(crate) fn join_servers(
		who: &T::AccountId,
		mut worker: WorkerOf<T>,
		version: VersionId,
		is_new: bool,
	) -> DispatchResult {
		if is_new {
			ensure!(worker.services < T::MaxServices::get(), Error::<T>::TooManyServices);
			worker.services = worker.services.ensure_add(1)?;
		}
		let mut servers = Servers::<T>::get(version);
		let displaced = if (servers.len() as u32) < T::MaxServers::get() {
			None
		} else {
			let loser = Self::least_idle_server(&servers, version)
				.filter(|(_, bond)| *bond < worker.bond)
				.ok_or(Error::<T>::TooManyServers)?
				.0;
			servers.retain(|server| *server != loser);
			Some(loser)
		};
		servers.try_push(who.clone()).map_err(|_| Error::<T>::TooManyServers)?;

		if let Some(loser) = displaced {
			Services::<T>::remove(&loser, version);
			Workers::<T>::mutate(&loser, |worker| match worker {
				Some(worker) => worker.services = worker.services.saturating_sub(1),
				None => {
					defensive!("a server is a worker");
				},
			});
			Self::deposit_event(Event::Displaced { version, worker: loser, by: who.clone() });
		}
		Servers::<T>::insert(version, servers);
		Workers::<T>::insert(who, worker);
		Ok(())
	}

	/// Of the servers that hold no lease of the version, the one with the smallest bond.
	pub(crate) fn least_idle_server(
		servers: &[T::AccountId],
		version: VersionId,
	) -> Option<(T::AccountId, Balance)> {
		servers
			.iter()
			.filter(|server| {
				Services::<T>::get(server, version).is_some_and(|service| service.busy == 0)
			})
			.filter_map(|server| Some((server.clone(), Workers::<T>::get(server)?.bond)))
			.min_by_key(|(_, bond)| *bond)
	}

	/// Ends an offer. The caller stores the worker.
	pub(crate) fn withdraw_offer(
		who: &T::AccountId,
		worker: &mut WorkerOf<T>,
		version: VersionId,
		service: ServiceOf<T>,
	) {
		Servers::<T>::mutate_exists(version, |servers| {
			if let Some(list) = servers {
				list.retain(|server| server != who);
				if list.is_empty() {
					*servers = None;
				}
			}
		});
		Self::store_service(who, worker, version, Service { slots: 0, ..service });
	}

	/// Stores a service, or removes it when it is neither offered nor busy.
	fn store_service(
		who: &T::AccountId,
		worker: &mut WorkerOf<T>,
		version: VersionId,
		service: ServiceOf<T>,
	) {
		if service.is_offered() || service.busy > 0 {
			Services::<T>::insert(who, version, service);
		} else {
			Services::<T>::remove(who, version);
			worker.services = worker.services.saturating_sub(1);
		}
	}

	/// The worker and its service, if it can take a lease on these terms now.
	pub(crate) fn fit(
		who: &T::AccountId,
		terms: &TermsOf<T>,
	) -> Result<(WorkerOf<T>, ServiceOf<T>), Error<T>> {
		let worker = Self::active(who)?;
		ensure!(worker.bond >= T::MinBond::get(), Error::<T>::BondTooSmall);
		let service = Services::<T>::get(who, terms.version)
			.filter(|service| service.is_offered())
			.ok_or(Error::<T>::NotServing)?;
		ensure!(
			terms.pay >= service.least_pay && terms.length >= service.lease,
			Error::<T>::TermsRefused
		);
		ensure!(service.busy < service.slots, Error::<T>::NoFreeSlot);
		ensure!(worker.free_bond() >= terms.collateral, Error::<T>::NoFreeBond);
		Ok((worker, service))
	}

	/// Writes a new lease into the books. The worker [`fits`](Self::fit).
	pub(crate) fn open_lease(
		request: RequestId,
		mut worker: WorkerOf<T>,
		mut service: ServiceOf<T>,
		lease: LeaseOf<T>,
	) -> Result<(), DispatchError> {
		worker.reserved = worker.reserved.ensure_add(lease.collateral)?;
		worker.leases = worker.leases.ensure_add(1)?;
		service.busy = service.busy.ensure_add(1)?;

		Workers::<T>::insert(&lease.worker, worker);
		Services::<T>::insert(&lease.worker, lease.version, service);
		LeasesOf::<T>::insert(&lease.worker, request, ());
		Leases::<T>::insert(request, lease);
		Ok(())
	}

	/// Takes a lease out of the books, and what the worker lost by it out of its bond; counts how it
	/// ended.
	pub(crate) fn close_lease(
		request: RequestId,
		lease: &LeaseOf<T>,
		lost: Balance,
		count: impl FnOnce(&mut Figures),
	) {
		Leases::<T>::remove(request);
		LeasesOf::<T>::remove(&lease.worker, request);
		let Some(mut worker) = Workers::<T>::get(&lease.worker) else {
			defensive!("whoever holds a lease is a worker");
			return;
		};
		worker.bond = worker.bond.saturating_sub(lost);
		worker.reserved = worker.reserved.saturating_sub(lease.collateral);
		worker.leases = worker.leases.saturating_sub(1);
		count(&mut worker.figures);
		match Services::<T>::get(&lease.worker, lease.version) {
			Some(mut service) => {
				service.busy = service.busy.saturating_sub(1);
				Self::store_service(&lease.worker, &mut worker, lease.version, service);
			},
			None => {
				defensive!("the service of a live lease is kept");
			},
		}
		Workers::<T>::insert(&lease.worker, worker);
	}
}
