//! What can be asked for on the command line.

use crate::{
	blobs::BlobCmd, doctor::DoctorCmd, gateway::GatewayParams, model::ModelCmd, sealing::Sealing,
	traces::TraceParams,
};
use aimodel_inference::Provider;
use sc_cli::RunCmd;
use std::{
	num::{NonZeroU32, NonZeroUsize},
	path::PathBuf,
};

/// The command line.
#[derive(Debug, clap::Parser)]
pub(crate) struct Cli {
	/// What to do instead of running a node.
	#[command(subcommand)]
	pub(crate) subcommand: Option<Subcommand>,

	/// What every Substrate node has.
	#[clap(flatten)]
	pub(crate) run: RunCmd,

	/// How blocks are made [default: `interval=1000` with `--dev`, else `none`].
	///
	/// `interval=MS`: one every MS milliseconds. `instant`: one as soon as there is a transaction,
	/// followed by an empty one, and one as soon as this node's worker has finished a job.
	/// `manual`: only by the RPC `engine_createBlock`. `none`: by Aura and GRANDPA, every six
	/// seconds.
	///
	/// Sealed blocks are final at once; a node that seals has no peers. Each takes a slot of six
	/// seconds, so that the chain's clock may run ahead, and a chain that was sealed can not go on
	/// with `none`.
	///
	/// A worker acts once a block, when the block is imported: it needs a block to see a request,
	/// and another to see that its job is done. With `manual` you have to make them.
	#[arg(long, value_name = "HOW", verbatim_doc_comment)]
	pub(crate) sealing: Option<Sealing>,

	/// What a worker needs.
	#[clap(flatten)]
	pub(crate) worker: WorkerParams,

	/// What a gateway needs.
	#[clap(flatten)]
	pub(crate) gateway: GatewayParams,

	/// How blobs come from other nodes, and go to them.
	#[clap(flatten)]
	pub(crate) artifacts: ArtifactParams,

	/// Where traces go.
	#[clap(flatten)]
	pub(crate) traces: TraceParams,
}

impl Cli {
	/// How blocks are made.
	pub(crate) fn sealing(&self) -> Sealing {
		self.sealing.unwrap_or(match self.run.shared_params.dev {
			true => Sealing::DEV,
			false => Sealing::None,
		})
	}
}

/// What a worker needs.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WorkerParams {
	/// Serve inferences: run the models that this node's operator is bonded for, and prove their
	/// answers.
	///
	/// Results are signed with the operator keys of this node's keystore: `key insert --scheme
	/// sr25519 --key-type aimw`. On a development chain there is one: `//Worker`.
	#[arg(long)]
	pub(crate) worker: bool,

	/// The operator key, kept in memory alone. For tests: others can read a command line.
	#[arg(long, value_name = "SURI", requires = "worker")]
	pub(crate) operator_suri: Option<String>,

	/// ONNX Runtime's shared library [default: `.onnxruntime/libonnxruntime.so.1.28.0` in the
	/// working directory, then the same next to this executable].
	#[arg(long, value_name = "PATH", env = "ONNXRUNTIME_LIB")]
	pub(crate) onnxruntime: Option<PathBuf>,

	/// What runs models: cpu, cuda, tensorrt, rocm, migraphx, openvino, qnn, xnnpack. Where the library or the
	/// machine has no such thing, the processor does [default: cpu].
	#[arg(long, value_name = "NAME", requires = "worker")]
	pub(crate) execution_provider: Option<Provider>,

	/// Threads that run models [default: 2].
	#[arg(long, value_name = "COUNT", requires = "worker")]
	pub(crate) inference_threads: Option<NonZeroUsize>,

	/// Threads that make proofs [default: one less than there are processors].
	#[arg(long, value_name = "COUNT", requires = "worker")]
	pub(crate) proving_threads: Option<NonZeroUsize>,

	/// Jobs that may wait. What does not fit is submitted again at a later block [default: 64].
	#[arg(long, value_name = "COUNT", requires = "worker")]
	pub(crate) queue_size: Option<NonZeroUsize>,
}

/// How blobs come from other nodes, and go to them.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ArtifactParams {
	/// Whether models, proving keys and inputs are exchanged with other nodes of the chain.
	///
	/// A worker fetches what it offers to serve, and what its leases need. Whoever knows the hash
	/// of a blob of this node gets it; models whose parameters are private go to nobody.
	#[arg(long, value_name = "HOW", value_enum, default_value_t = Artifacts::Share)]
	pub(crate) artifacts: Artifacts,

	/// KiB a second that another node gets; all together get four times as much.
	#[arg(long, value_name = "KIB", default_value = "8192")]
	pub(crate) artifacts_rate: NonZeroU32,

	/// GiB that the blob store may hold before nothing more is fetched into it.
	#[arg(long, value_name = "GIB", default_value = "64")]
	pub(crate) artifacts_disk: NonZeroU32,
}

/// What is exchanged with other nodes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Artifacts {
	/// Fetch what is needed, and give others what they ask for.
	Share,
	/// Fetch what is needed, and give nothing.
	Fetch,
	/// Nothing.
	Off,
}

/// What to do instead of running a node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
	/// Generate, inspect and insert keys.
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Put, get and list the blobs of a node: models, proving keys, long inputs and outputs.
	Blob(BlobCmd),

	/// Check model files.
	Model(ModelCmd),

	/// Check what a worker's node needs, and say how to mend what fails.
	Doctor(DoctorCmd),

	/// Write a chain specification.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Validate blocks.
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Export blocks.
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Export the state of a block as a chain specification.
	ExportState(sc_cli::ExportStateCmd),

	/// Import blocks.
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Remove the database of the chain. Blobs and keys stay.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Revert the chain to an earlier state.
	Revert(sc_cli::RevertCmd),

	/// Measure the weights of the runtime.
	#[cfg(feature = "runtime-benchmarks")]
	#[command(subcommand)]
	Benchmark(Box<frame_benchmarking_cli::BenchmarkCmd>),

	/// Tell about the database.
	ChainInfo(sc_cli::ChainInfoCmd),
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::traces::Requests;
	use clap::Parser;

	fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
		Cli::try_parse_from(["aimodel-node"].iter().chain(args))
	}

	#[test]
	fn a_development_chain_seals_each_second_unless_told_otherwise() {
		let sealing = |args: &[&str]| parse(args).unwrap().sealing();
		assert_eq!(sealing(&[]), Sealing::None);
		assert_eq!(sealing(&["--dev"]), "interval=1000".parse().unwrap());
		assert_eq!(sealing(&["--dev", "--sealing", "none"]), Sealing::None);
		assert_eq!(sealing(&["--dev", "--sealing=manual"]), Sealing::Manual);
	}

	#[test]
	fn blobs_are_shared_unless_told_otherwise() {
		let artifacts = |args: &[&str]| parse(args).map(|cli| cli.artifacts);
		let defaults = artifacts(&[]).unwrap();
		assert_eq!(defaults.artifacts, Artifacts::Share);
		assert_eq!((defaults.artifacts_rate.get(), defaults.artifacts_disk.get()), (8192, 64));
		assert_eq!(artifacts(&["--artifacts", "off"]).unwrap().artifacts, Artifacts::Off);
		for wrong in ["--artifacts=on", "--artifacts-rate=0", "--artifacts-disk=-1"] {
			assert!(artifacts(&[wrong]).is_err(), "{wrong}");
		}
	}

	#[test]
	fn traces_are_off_unless_told_otherwise() {
		let traces = |args: &[&str]| parse(args).map(|cli| cli.traces);
		let defaults = traces(&[]).unwrap();
		assert_eq!(defaults.otlp_endpoint, None);
		assert_eq!((defaults.otlp_requests, defaults.otlp_sample), (Requests::All, 1.0));
		assert!(traces(&["--otlp-endpoint", "http://127.0.0.1:4317"]).is_ok());
		let error = traces(&["--otlp-endpoint", "https://a:4317"]).unwrap_err().to_string();
		assert!(error.contains("http is"), "{error}");
		assert!(traces(&["--otlp-sample", "2"]).is_err());
	}

	#[test]
	fn callers_of_the_gateway_have_as_much_as_the_operator_says() {
		let gateway = |args: &[&str]| {
			parse(&[&["--worker", "--gateway-port", "0"], args].concat()).map(|cli| cli.gateway)
		};
		let defaults = gateway(&[]).unwrap();
		let (limits, server) = (defaults.limits(), defaults.server());
		assert_eq!((limits.body, limits.buffered, limits.requests), (64 << 20, 256 << 20, 1024));
		assert_eq!((limits.deadline.as_secs(), server.memory), (30, 2048 << 20));
		let said = gateway(&[
			"--gateway-max-body=16",
			"--gateway-max-requests=64",
			"--gateway-deadline=5",
			"--gateway-stop-timeout=7",
			"--gateway-memory=512",
		]);
		let said = said.unwrap();
		let (limits, server) = (said.limits(), said.server());
		assert_eq!((limits.body, limits.buffered), (16 << 20, 64 << 20));
		assert_eq!((limits.requests, limits.requests_per_address), (64, 32));
		assert_eq!((limits.connections, limits.connections_per_address), (64, 32));
		assert_eq!((limits.deadline.as_secs(), limits.stop_timeout.as_secs()), (5, 7));
		assert_eq!(server.memory, 512 << 20);
		for wrong in ["--gateway-max-body=0", "--gateway-max-requests=1", "--gateway-deadline=0"] {
			assert!(gateway(&[wrong]).is_err(), "{wrong}");
		}
		assert!(parse(&["--gateway-memory", "512"]).is_err());
	}

	#[test]
	fn worker_options_need_a_worker() {
		assert!(parse(&["--operator-suri", "//Worker2"]).is_err());
		assert!(parse(&["--queue-size", "8"]).is_err());
		let cli =
			parse(&["--worker", "--operator-suri", "//Worker2", "--queue-size", "8"]).unwrap();
		assert_eq!(cli.worker.queue_size, NonZeroUsize::new(8));
		assert!(parse(&["--worker", "--queue-size", "0"]).is_err());
	}
}
