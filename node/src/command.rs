//! Does what was asked for.

use crate::{
	chain_spec::{self, ChainSpec},
	cli::{Cli, Subcommand},
	sealing::Sealing,
	service,
	traces::{Exporter, Identity},
};
use aimodel_runtime::opaque::Block;
use sc_cli::{SubstrateCli, TransactionPoolType};
use sc_service::PartialComponents;
use std::path::PathBuf;

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"aimodel-node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		"the aimodel authors".into()
	}

	fn support_url() -> String {
		"see the README".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		Ok(Box::new(match id {
			"dev" => chain_spec::development()?,
			"" | "local" => chain_spec::local()?,
			path => ChainSpec::from_json_file(PathBuf::from(path)).map_err(|error| {
				format!("`{path}` is neither `dev` nor `local` nor a chain specification: {error}")
			})?,
		}))
	}
}

/// Parses the command line and does what it says.
pub(crate) fn run() -> sc_cli::Result<()> {
	let cli = Cli::from_args();
	match &cli.subcommand {
		None => run_node(cli),
		Some(Subcommand::Key(cmd)) => cmd.run(&cli),
		Some(Subcommand::Blob(cmd)) => cmd.run(&cli),
		Some(Subcommand::Model(cmd)) => cmd.run(),
		Some(Subcommand::Doctor(cmd)) => cmd.run(&cli),
		Some(Subcommand::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
		Some(Subcommand::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, import_queue, .. } =
				service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.database), task_manager))
		}),
		Some(Subcommand::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.chain_spec), task_manager))
		}),
		Some(Subcommand::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, import_queue, .. } =
				service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::PurgeChain(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database))
		},
		Some(Subcommand::Revert(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, backend, .. } =
				service::new_partial(&config)?;
			let revert_grandpa = Box::new(|client, _, blocks| {
				sc_consensus_grandpa::revert(client, blocks)?;
				Ok(())
			});
			Ok((cmd.run(client, backend, Some(revert_grandpa)), task_manager))
		}),
		#[cfg(feature = "runtime-benchmarks")]
		Some(Subcommand::Benchmark(cmd)) => {
			cli.create_runner(&**cmd)?.sync_run(|config| crate::benchmarking::run(cmd, config))
		},
		Some(Subcommand::ChainInfo(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run::<Block>(&config))
		},
	}
}

/// Runs a node until it is told to stop.
fn run_node(mut cli: Cli) -> sc_cli::Result<()> {
	let sealing = cli.sealing();
	if sealing != Sealing::None {
		// Under fast sealing the fork-aware pool loses transactions.
		cli.run.pool_config.pool_type = TransactionPoolType::SingleState;
	}
	cli.gateway.check().map_err(sc_cli::Error::Input)?;
	let runner = cli.create_runner(&cli.run)?;
	let config = runner.config();
	let identity = Identity {
		node: config.network.node_name.clone(),
		version: config.impl_version.clone(),
		chain: config.chain_spec.id().into(),
	};
	let exporter = Exporter::start(&cli.traces, identity, config.prometheus_registry())
		.map_err(|error| sc_cli::Error::Application(error.into()))?;
	let traces = exporter.as_ref().map(|exporter| exporter.traces(&cli.traces));
	let ended = runner.run_node_until_exit(|config| async move {
		service::new_full(config, sealing, &cli.worker, &cli.gateway, &cli.artifacts, traces)
			.map_err(sc_cli::Error::Service)
	});
	// Sends what is left, now that nothing runs that would tell more.
	drop(exporter);
	ended
}
