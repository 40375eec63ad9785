//! From one layout of the storage to the next.
//!
//! [`V1`] gives each worker the figures that the layout before tariffs (0) did not have: as for a worker
//! that has answered nothing yet. It takes one block: a read and a write for each worker, who all put a
//! bond down.

use crate::*;
use aimodel_primitives::Balance;
use codec::{Decode, Encode};
use frame_support::{
	migrations::VersionedMigration, pallet_prelude::*, traits::UncheckedOnRuntimeUpgrade,
	weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;

/// From the layout before figures to today's: once, and only from there.
pub type V1<T> =
	VersionedMigration<0, 1, ToFigures<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// A worker of the layout before figures.
#[derive(Decode, Encode)]
pub(crate) struct OldWorker<AccountId, BlockNumber> {
	pub(crate) operator: AccountId,
	pub(crate) bond: Balance,
	pub(crate) reserved: Balance,
	pub(crate) retiring_at: Option<BlockNumber>,
	pub(crate) leases: u32,
	pub(crate) services: u32,
}

/// Gives each worker its figures.
pub struct ToFigures<T>(core::marker::PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for ToFigures<T> {
	fn on_runtime_upgrade() -> Weight {
		let mut count = 0u64;
		Workers::<T>::translate_values(|old: OldWorker<T::AccountId, BlockNumberFor<T>>| {
			count = count.saturating_add(1);
			let OldWorker { operator, bond, reserved, retiring_at, leases, services } = old;
			let figures = Default::default();
			Some(Worker { operator, bond, reserved, retiring_at, leases, services, figures })
		});
		T::DbWeight::get().reads_writes(1, 1).saturating_mul(count)
	}

	#[cfg(feature = "try-runtime")]
	fn pre_upgrade() -> Result<alloc::vec::Vec<u8>, sp_runtime::TryRuntimeError> {
		Ok((Workers::<T>::iter_keys().count() as u64).encode())
	}

	#[cfg(feature = "try-runtime")]
	fn post_upgrade(before: alloc::vec::Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
		let workers = Workers::<T>::iter_values().count() as u64;
		ensure!(Ok(workers) == u64::decode(&mut &before[..]), "a worker is lost");
		Pallet::<T>::do_try_state()
	}
}

#[cfg(test)]
mod tests {
	use super::{OldWorker, V1};
	use crate::{mock::*, Pallet, Worker, WorkerOf};
	use codec::Encode;
	use frame_support::traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion};

	#[test]
	fn a_worker_keeps_its_bond_and_leases_and_begins_its_figures() {
		TestExt::execute_with(|| {
			register_server(1, 1_000);
			lease(0, 1, 100);
			let WorkerOf::<Test> {
				operator, bond, reserved, retiring_at, leases, services, ..
			} = worker(1);
			let before = worker(1);
			let old = OldWorker { operator, bond, reserved, retiring_at, leases, services };
			let key = crate::Workers::<Test>::hashed_key_for(1);
			sp_io::storage::set(&key, &old.encode());
			StorageVersion::new(0).put::<Pallet<Test>>();
			V1::<Test>::on_runtime_upgrade();
			let expected = Worker { figures: Default::default(), ..before };
			assert_eq!(worker(1), expected);
			assert_eq!((worker(1).leases, worker(1).reserved), (1, 100));
			frame_support::assert_ok!(Pallet::<Test>::do_try_state());
			// Once.
			let version = Pallet::<Test>::on_chain_storage_version();
			assert_eq!(version, Pallet::<Test>::in_code_storage_version());
			V1::<Test>::on_runtime_upgrade();
			assert_eq!(worker(1), expected);
		});
	}
}
