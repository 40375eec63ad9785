//! Workers: who has bonded how much, who serves what, who holds the lease of which request.
//!
//! A *worker* is a bonded account. It names an *operator*, the hot key of its node, and *offers* to
//! serve versions of models: for at least so much pay, within no fewer than so many blocks, so many
//! requests at a time. A *lease* is the exclusive right to answer one request. While it lives it
//! reserves its collateral, the most that it can be slashed, from the worker's bond, so that
//! whatever a worker can lose at once is always on hold.
//!
//! ```text
//!             lease (inline input)
//!   free bond ------------------------------> obliged --- release ---> free bond
//!       |                                      ^   |
//!       | lease (blob)                  accept |   +----- slash -----> customer, at most so much;
//!       +----------> may be accepted ----------+                       the rest is burned
//!                          |
//!                          +--- release: the window passed, and nobody lost anything
//! ```
//!
//! This pallet knows nothing of models but the names of their versions and nothing of requests but
//! their names. It never decides *when* a lease ends: the pallet of the requests does, through
//! [`WorkerPool`](aimodel_primitives::traits::WorkerPool), and charges for that by [`WeightInfo`].

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::unwrap_used))]

extern crate alloc;

mod dispatchable_impls;
pub mod migrations;
mod pool_impls;
mod ranking;
mod types;
mod utility_impls;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
// With `std` too, so that the tests of pallets that stand on this one can run them.
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub mod weights;

pub use pallet::*;
pub use types::{LeaseOf, Service, ServiceOf, TermsOf, Worker, WorkerOf};
pub use weights::WeightInfo;

pub(crate) const LOG_TARGET: &str = "runtime::workers";

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use aimodel_primitives::{Balance, RequestId, VersionId};
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;

	/// The layout of what is stored: see [`migrations`].
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the pallet needs of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The currency of bonds.
		type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's reasons to hold.
		type RuntimeHoldReason: From<HoldReason>;

		/// The smallest bond with which a worker may serve.
		#[pallet::constant]
		type MinBond: Get<Balance>;

		/// Blocks between retiring and the withdrawal of the bond.
		#[pallet::constant]
		type RetireDelay: Get<BlockNumberFor<Self>>;

		/// Blocks within which a lease that does not oblige at once may be accepted.
		#[pallet::constant]
		type AcceptWindow: Get<BlockNumberFor<Self>>;

		/// The most versions that a worker may serve.
		#[pallet::constant]
		type MaxServices: Get<u32>;

		/// The most workers that may serve a version.
		#[pallet::constant]
		type MaxServers: Get<u32>;

		/// The most requests of a version that a worker may answer at a time.
		#[pallet::constant]
		type MaxSlots: Get<u16>;

		/// The weights of the calls, and of what [`WorkerPool`] does for its caller.
		///
		/// [`WorkerPool`]: aimodel_primitives::traits::WorkerPool
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The bond of a worker.
		Bond,
	}

	/// The workers, by bonded account.
	#[pallet::storage]
	pub type Workers<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, WorkerOf<T>, OptionQuery>;

	/// The bonded account for which an operator signs: the inverse of [`Worker::operator`].
	#[pallet::storage]
	pub type Operators<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId, OptionQuery>;

	/// What a worker offers for a version, and how much of that is taken.
	///
	/// A withdrawn offer stays, without slots, until its last lease ends.
	#[pallet::storage]
	pub type Services<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		Blake2_128Concat,
		VersionId,
		ServiceOf<T>,
		OptionQuery,
	>;

	/// The workers with an offer for a version. Never a retiring one.
	#[pallet::storage]
	pub type Servers<T: Config> = StorageMap<
		_,
		Blake2_128Concat,
		VersionId,
		BoundedVec<T::AccountId, T::MaxServers>,
		ValueQuery,
	>;

	/// The live leases: at most one a request.
	#[pallet::storage]
	pub type Leases<T: Config> = StorageMap<_, Twox64Concat, RequestId, LeaseOf<T>, OptionQuery>;

	/// The live leases of a worker.
	#[pallet::storage]
	pub type LeasesOf<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		Twox64Concat,
		RequestId,
		(),
		OptionQuery,
	>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account bonded itself as a worker.
		Registered {
			/// The bonded account.
			worker: T::AccountId,
			/// The key that signs for it.
			operator: T::AccountId,
			/// What is on hold.
			bond: Balance,
		},
		/// A worker added to its bond.
		BondAdded {
			/// The bonded account.
			worker: T::AccountId,
			/// What it added.
			amount: Balance,
			/// What is now on hold.
			bond: Balance,
		},
		/// Another key signs for a worker from now on.
		OperatorChanged {
			/// The bonded account.
			worker: T::AccountId,
			/// The new key.
			operator: T::AccountId,
		},
		/// A worker offers to serve a version. Replaces its earlier offer; live leases keep theirs.
		ServiceOffered {
			/// The bonded account.
			worker: T::AccountId,
			/// The version.
			version: VersionId,
			/// The least pay for which it works.
			least_pay: Balance,
			/// The fewest blocks within which it answers.
			lease: BlockNumberFor<T>,
			/// How many requests it answers at a time.
			slots: u16,
		},
		/// A worker withdrew its offer. Its live leases go on.
		ServiceWithdrawn {
			/// The bonded account.
			worker: T::AccountId,
			/// The version.
			version: VersionId,
		},
		/// A worker with a larger bond took the place of an idle one among a version's servers.
		Displaced {
			/// The version.
			version: VersionId,
			/// Whose offer ended.
			worker: T::AccountId,
			/// Who has its place.
			by: T::AccountId,
		},
		/// A worker got the lease of a request.
		LeaseGranted {
			/// The request.
			request: RequestId,
			/// The bonded account.
			worker: T::AccountId,
			/// The last block of the lease, or of the window in which it may be accepted.
			until: BlockNumberFor<T>,
			/// Whether letting it lapse is slashed.
			obliged: bool,
		},
		/// A worker accepted the lease of a request, and is obliged now.
		LeaseAccepted {
			/// The request.
			request: RequestId,
			/// The bonded account.
			worker: T::AccountId,
			/// The last block of the lease.
			until: BlockNumberFor<T>,
		},
		/// A lease ended without fault.
		LeaseReleased {
			/// The request.
			request: RequestId,
			/// The bonded account.
			worker: T::AccountId,
		},
		/// An obliged worker let its lease lapse: it lost the collateral.
		Slashed {
			/// The bonded account.
			worker: T::AccountId,
			/// The request.
			request: RequestId,
			/// What the worker lost: the sum of the two following.
			amount: Balance,
			/// What the customer got of it.
			compensation: Balance,
			/// What was burned of it.
			burned: Balance,
		},
		/// A worker retires: its offers ended, it gets no more leases.
		Retiring {
			/// The bonded account.
			worker: T::AccountId,
			/// The first block in which it may withdraw its bond.
			at: BlockNumberFor<T>,
		},
		/// A retired worker took its bond back, and is a worker no more.
		BondWithdrawn {
			/// The account that was bonded.
			worker: T::AccountId,
			/// What it took back.
			bond: Balance,
		},
	}

	/// What may go wrong.
	#[pallet::error]
	#[derive(PartialEq)]
	pub enum Error<T> {
		/// The account is a worker already; `bond_more` adds to its bond.
		AlreadyRegistered,
		/// The account is no worker; `register` makes it one.
		NotRegistered,
		/// The bond is smaller than `MinBond`; `bond_more` adds to it.
		BondTooSmall,
		/// The operator signs for another worker.
		OperatorTaken,
		/// The worker retires.
		Retiring,
		/// The worker does not retire; `retire` starts that.
		NotRetiring,
		/// The delay between retiring and withdrawal is not over; the event `Retiring` said when.
		RetireDelayNotOver,
		/// The worker still holds leases.
		LeasesHeld,
		/// The slots of an offer must be at least 1 and at most `MaxSlots`.
		InvalidSlots,
		/// The worker serves, or still holds leases of, `MaxServices` versions.
		TooManyServices,
		/// The version has `MaxServers` servers, each of them busy or with as large a bond.
		TooManyServers,
		/// The worker does not offer to serve the version.
		NotServing,
		/// The worker wants more pay or a longer lease.
		TermsRefused,
		/// All slots that the worker offers for the version are taken.
		NoFreeSlot,
		/// The bond that is not reserved does not cover the collateral.
		NoFreeBond,
		/// The request is leased already.
		AlreadyLeased,
		/// The request is not leased.
		NotLeased,
		/// The lease is another worker's.
		NotHolder,
		/// The lease obliges already.
		AlreadyObliged,
		/// The window in which the lease could be accepted has passed.
		AcceptWindowOver,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxServices::get() > 0, "MaxServices must be at least 1");
			assert!(T::MaxServers::get() > 0, "MaxServers must be at least 1");
			assert!(T::MaxSlots::get() > 0, "MaxSlots must be at least 1");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Bonds the signer as a worker.
		///
		/// - `origin`: Must be Signed, by the account that bonds itself.
		/// - `bond`: What is put on hold, at least `MinBond`.
		/// - `operator`: The key that signs for the worker: no other worker's. May be the signer.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			bond: Balance,
			operator: T::AccountId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_register(who, bond, operator)
		}

		/// Adds to the signer's bond, as one must when a slash brought it below `MinBond`.
		///
		/// - `origin`: Must be Signed, by a worker that does not retire.
		/// - `amount`: What is put on hold in addition.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::bond_more())]
		pub fn bond_more(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_bond_more(who, amount)
		}

		/// Changes the signer's operator. Its leases stay; the old key signs for it no more.
		///
		/// - `origin`: Must be Signed, by a worker.
		/// - `operator`: The new key: no other worker's. May be the signer.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::set_operator())]
		pub fn set_operator(origin: OriginFor<T>, operator: T::AccountId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_operator(who, operator)
		}

		/// Offers to serve a version, or replaces the earlier offer. Live leases keep their terms.
		///
		/// Where a version has all the servers that it may have, a worker takes the place of the
		/// idle server with the smallest bond, if that is smaller than its own.
		///
		/// - `origin`: Must be Signed, by a worker with at least `MinBond` that does not retire.
		/// - `version`: The version. Whether it exists is not asked.
		/// - `least_pay`: Requests that pay less are not assigned to the worker.
		/// - `lease`: Requests that leave fewer blocks are not assigned to the worker.
		/// - `slots`: How many requests at a time, from 1 to `MaxSlots`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::serve(T::MaxServers::get()))]
		pub fn serve(
			origin: OriginFor<T>,
			version: VersionId,
			least_pay: Balance,
			lease: BlockNumberFor<T>,
			slots: u16,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_serve(who, version, least_pay, lease, slots)
		}

		/// Withdraws an offer: no more leases of the version. Those that live go on.
		///
		/// - `origin`: Must be Signed, by a worker that serves the version.
		/// - `version`: The version.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::unserve(T::MaxServers::get()))]
		pub fn unserve(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unserve(who, version)
		}

		/// Accepts a lease: from now it lasts its whole length, and obliges. Free, unless it fails.
		///
		/// - `origin`: Must be Signed, by the holder of the lease or by its operator.
		/// - `request`: The request, whose lease does not oblige yet and whose window is open.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::accept())]
		pub fn accept(origin: OriginFor<T>, request: RequestId) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::do_accept(who, request)?;
			Ok(Pays::No.into())
		}

		/// Retires: ends all offers of the signer. Its bond can be slashed for the leases that it
		/// holds, and withdrawn after `RetireDelay`. Can not be undone.
		///
		/// - `origin`: Must be Signed, by a worker that does not retire.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::retire(T::MaxServices::get()))]
		pub fn retire(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_retire(who)
		}

		/// Gives the bond back to a worker that retired, holds no lease and waited `RetireDelay`.
		///
		/// - `origin`: Must be Signed, by that worker.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::withdraw_bond())]
		pub fn withdraw_bond(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw_bond(who)
		}
	}
}
