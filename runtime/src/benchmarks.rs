//! The pallets that can be benchmarked.

frame_benchmarking::define_benchmarks!(
	[pallet_aimodel, Aimodel]
	[pallet_workers, Workers]
	[pallet_zk_verifier, ZkVerifier]
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
	[pallet_balances, Balances]
	[pallet_sudo, Sudo]
	[pallet_timestamp, Timestamp]
	[pallet_transaction_payment, TransactionPayment]
);
