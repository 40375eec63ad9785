//! What the calls do.

use crate::*;
use aimodel_primitives::{Balance, RequestId, VersionId};
use alloc::vec::Vec;
use frame_support::{
	ensure,
	traits::{fungible::MutateHold, tokens::Precision::BestEffort, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{EnsureAdd, Saturating},
	DispatchResult,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(
		who: T::AccountId,
		bond: Balance,
		operator: T::AccountId,
	) -> DispatchResult {
		ensure!(!Workers::<T>::contains_key(&who), Error::<T>::AlreadyRegistered);
		ensure!(bond >= T::MinBond::get(), Error::<T>::BondTooSmall);
		ensure!(!Operators::<T>::contains_key(&operator), Error::<T>::OperatorTaken);

		T::Currency::hold(&HoldReason::Bond.into(), &who, bond)?;
		Operators::<T>::insert(&operator, &who);
		let worker = Worker {
			operator: operator.clone(),
			bond,
			reserved: 0,
			retiring_at: None,
			leases: 0,
			services: 0,
			figures: Default::default(),
		};
		Workers::<T>::insert(&who, worker);
		Self::deposit_event(Event::Registered { worker: who, operator, bond });
		Ok(())
	}

	pub(crate) fn do_bond_more(who: T::AccountId, amount: Balance) -> DispatchResult {
		let mut worker = Self::active(&who)?;
		let bond = worker.bond.ensure_add(amount)?;

		T::Currency::hold(&HoldReason::Bond.into(), &who, amount)?;
		worker.bond = bond;
		Workers::<T>::insert(&who, worker);
		Self::deposit_event(Event::BondAdded { worker: who, amount, bond });
		Ok(())
	}

	pub(crate) fn do_set_operator(who: T::AccountId, operator: T::AccountId) -> DispatchResult {
		let mut worker = Workers::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		ensure!(
			Operators::<T>::get(&operator).is_none_or(|holder| holder == who),
			Error::<T>::OperatorTaken
		);

		Operators::<T>::remove(&worker.operator);
		Operators::<T>::insert(&operator, &who);
		worker.operator = operator.clone();
		Workers::<T>::insert(&who, worker);
		Self::deposit_event(Event::OperatorChanged { worker: who, operator });
		Ok(())
	}

	pub(crate) fn do_serve(
		who: T::AccountId,
		version: VersionId,
		least_pay: Balance,
		lease: BlockNumberFor<T>,
		slots: u16,
	) -> DispatchResult {
		let worker = Self::active(&who)?;
		ensure!(worker.bond >= T::MinBond::get(), Error::<T>::BondTooSmall);
		ensure!((1..=T::MaxSlots::get()).contains(&slots), Error::<T>::InvalidSlots);

		let earlier = Services::<T>::get(&who, version);
		if !earlier.is_some_and(|service| service.is_offered()) {
			Self::join_servers(&who, worker, version, earlier.is_none())?;
		}
		let busy = earlier.map_or(0, |service| service.busy);
		Services::<T>::insert(&who, version, Service { least_pay, lease, slots, busy });
		Self::deposit_event(Event::ServiceOffered {
			worker: who,
			version,
			least_pay,
			lease,
			slots,
		});
		Ok(())
	}

	pub(crate) fn do_unserve(who: T::AccountId, version: VersionId) -> DispatchResult {
		let mut worker = Workers::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		let service = Services::<T>::get(&who, version).ok_or(Error::<T>::NotServing)?;
		ensure!(service.is_offered(), Error::<T>::NotServing);

		Self::withdraw_offer(&who, &mut worker, version, service);
		Workers::<T>::insert(&who, worker);
		Self::deposit_event(Event::ServiceWithdrawn { worker: who, version });
		Ok(())
	}

	pub(crate) fn do_accept(who: T::AccountId, request: RequestId) -> DispatchResult {
		let mut lease = Leases::<T>::get(request).ok_or(Error::<T>::NotLeased)?;
		let is_holder =
			lease.worker == who || Operators::<T>::get(&who).as_ref() == Some(&lease.worker);
		ensure!(is_holder, Error::<T>::NotHolder);
		ensure!(!lease.obliged, Error::<T>::AlreadyObliged);
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now <= lease.until, Error::<T>::AcceptWindowOver);
		let until = now.ensure_add(lease.length)?;

		lease.obliged = true;
		lease.until = until;
		let worker = lease.worker.clone();
		Leases::<T>::insert(request, lease);
		Self::deposit_event(Event::LeaseAccepted { request, worker, until });
		Ok(())
	}

	pub(crate) fn do_retire(who: T::AccountId) -> DispatchResult {
		let mut worker = Self::active(&who)?;

		let services: Vec<_> = Services::<T>::iter_prefix(&who).collect();
		for (version, service) in services {
			if service.is_offered() {
				Self::withdraw_offer(&who, &mut worker, version, service);
			}
		}
		let at = frame_system::Pallet::<T>::block_number().saturating_add(T::RetireDelay::get());
		worker.retiring_at = Some(at);
		Workers::<T>::insert(&who, worker);
		Self::deposit_event(Event::Retiring { worker: who, at });
		Ok(())
	}

	pub(crate) fn do_withdraw_bond(who: T::AccountId) -> DispatchResult {
		let worker = Workers::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		let at = worker.retiring_at.ok_or(Error::<T>::NotRetiring)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now >= at, Error::<T>::RetireDelayNotOver);
		ensure!(worker.leases == 0, Error::<T>::LeasesHeld);

		let bond = if worker.bond == 0 {
			0
		} else {
			T::Currency::release(&HoldReason::Bond.into(), &who, worker.bond, BestEffort)?
		};
		Operators::<T>::remove(&worker.operator);
		Workers::<T>::remove(&who);
		Self::deposit_event(Event::BondWithdrawn { worker: who, bond });
		Ok(())
	}
}
