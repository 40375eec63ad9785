//! Measures the weights of the runtime.

use crate::service::ExtraHostFunctions;
use aimodel_runtime::opaque::Block;
use frame_benchmarking_cli::{BenchmarkCmd, SUBSTRATE_REFERENCE_HARDWARE};
use sc_service::Configuration;
use sp_runtime::traits::HashingFor;

/// Does what the command says.
pub(crate) fn run(cmd: &BenchmarkCmd, config: Configuration) -> sc_cli::Result<()> {
	match cmd {
		// `frame-omni-bencher` can not do this: it does not know our host functions.
		BenchmarkCmd::Pallet(cmd) => {
			cmd.run_with_spec::<HashingFor<Block>, ExtraHostFunctions>(Some(config.chain_spec))
		},
		BenchmarkCmd::Machine(cmd) => cmd.run(&config, SUBSTRATE_REFERENCE_HARDWARE.clone()),
		_ => Err("only `benchmark pallet` and `benchmark machine` are supported".into()),
	}
}
