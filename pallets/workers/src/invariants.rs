//! What holds between any two calls. Run by `try_state`, and after every unit test.

use crate::*;
use aimodel_primitives::{
	access::{Figures, MEMORY},
	Balance, RequestId, VersionId,
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use frame_support::{
	ensure,
	traits::{fungible::InspectHold, Get},
};
use sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
	/// All invariants.
	pub fn do_try_state() -> DispatchResult {
		Self::held_funds_are_the_bonds()?;
		Self::reserved_bonds_are_the_collaterals_of_live_leases()?;
		Self::operators_are_a_bijection()?;
		Self::busy_slots_are_the_live_leases()?;
		Self::servers_are_those_who_offer()?;
		Self::leases_are_indexed_by_worker()?;
		Self::bounds_are_kept()
	}

	fn held_funds_are_the_bonds() -> DispatchResult {
		for (who, worker) in Workers::<T>::iter() {
			let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &who);
			ensure!(held == worker.bond, "held funds differ from the bond");
		}
		Ok(())
	}

	fn reserved_bonds_are_the_collaterals_of_live_leases() -> DispatchResult {
		let mut sums = BTreeMap::<T::AccountId, (Balance, u32)>::new();
		for lease in Leases::<T>::iter_values() {
			let (collateral, leases) = sums.entry(lease.worker).or_default();
			*collateral = collateral.saturating_add(lease.collateral);
			*leases = leases.saturating_add(1);
		}
		for (who, worker) in Workers::<T>::iter() {
			let (collateral, leases) = sums.remove(&who).unwrap_or_default();
			ensure!(worker.reserved == collateral, "reserved bond differs from the collaterals");
			ensure!(worker.leases == leases, "count of leases differs from the leases");
			ensure!(worker.reserved <= worker.bond, "more is reserved than bonded");
		}
		ensure!(sums.is_empty(), "a lease without a worker");
		Ok(())
	}

	fn operators_are_a_bijection() -> DispatchResult {
		for (operator, who) in Operators::<T>::iter() {
			let worker = Workers::<T>::get(who).ok_or("an operator without a worker")?;
			ensure!(worker.operator == operator, "an operator that its worker does not name");
		}
		let workers = Workers::<T>::iter_keys().count();
		ensure!(Operators::<T>::iter_keys().count() == workers, "a worker without an operator");
		Ok(())
	}

	fn busy_slots_are_the_live_leases() -> DispatchResult {
		let mut busy = BTreeMap::<(T::AccountId, VersionId), u16>::new();
		for lease in Leases::<T>::iter_values() {
			let count = busy.entry((lease.worker, lease.version)).or_default();
			*count = count.saturating_add(1);
		}
		for (who, version, service) in Services::<T>::iter() {
			let leases = busy.remove(&(who, version)).unwrap_or_default();
			ensure!(service.busy == leases, "busy slots differ from the live leases");
			ensure!(service.is_offered() || leases > 0, "a withdrawn, idle offer was kept");
		}
		ensure!(busy.is_empty(), "a live lease of a removed service");
		Ok(())
	}

	fn servers_are_those_who_offer() -> DispatchResult {
		let mut listed = BTreeSet::new();
		for (version, servers) in Servers::<T>::iter() {
			ensure!(!servers.is_empty(), "an empty list of servers");
			for server in servers {
				let worker = Workers::<T>::get(&server).ok_or("a server that is no worker")?;
				ensure!(worker.retiring_at.is_none(), "a retiring server");
				ensure!(listed.insert((server, version)), "a server listed twice");
			}
		}
		let offered: BTreeSet<_> = Services::<T>::iter()
			.filter(|(_, _, service)| service.is_offered())
			.map(|(who, version, _)| (who, version))
			.collect();
		ensure!(listed == offered, "servers differ from the offers");
		Ok(())
	}

	fn leases_are_indexed_by_worker() -> DispatchResult {
		let indexed: BTreeSet<(T::AccountId, RequestId)> = LeasesOf::<T>::iter_keys().collect();
		let leased = Leases::<T>::iter().map(|(request, lease)| (lease.worker, request)).collect();
		ensure!(indexed == leased, "the index of leases differs from the leases");
		Ok(())
	}

	fn bounds_are_kept() -> DispatchResult {
		let mut services = BTreeMap::<T::AccountId, u32>::new();
		for (who, _, service) in Services::<T>::iter() {
			ensure!(service.slots <= T::MaxSlots::get(), "more than MaxSlots slots");
			ensure!(service.busy <= T::MaxSlots::get(), "more than MaxSlots leases of a version");
			let count = services.entry(who).or_default();
			*count = count.saturating_add(1);
		}
		for (who, worker) in Workers::<T>::iter() {
			let count = services.remove(&who).unwrap_or_default();
			ensure!(worker.services == count, "count of services differs from the services");
			ensure!(count <= T::MaxServices::get(), "more than MaxServices services");
			let Figures { leases, answers, .. } = worker.figures;
			ensure!(
				answers <= leases && leases <= MEMORY,
				"more answers than leases, or than kept"
			);
		}
		ensure!(services.is_empty(), "a service without a worker");
		let lists: Vec<_> = Servers::<T>::iter_values().collect();
		let longest = lists.iter().map(|list| list.len() as u32).max().unwrap_or_default();
		ensure!(longest <= T::MaxServers::get(), "more than MaxServers servers");
		Ok(())
	}
}
