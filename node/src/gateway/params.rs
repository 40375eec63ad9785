//! The command line of the gateway.

use aimodel_gateway::{Limits, Receipts};
use aimodel_inference::serving::ServerConfig;
use std::{path::PathBuf, time::Duration};
use url::Url;

/// What a gateway needs.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GatewayParams {
	/// Answer the Open Inference Protocol (v2) over HTTP at this port: the models that this node's worker
	/// offers on the chain, by their ids and names, and those of --gateway-models.
	#[arg(long, value_name = "PORT", requires = "worker")]
	pub(crate) gateway_port: Option<u16>,

	/// Answer it over gRPC at this port.
	#[arg(long, value_name = "PORT", requires = "gateway_port")]
	pub(super) gateway_grpc_port: Option<u16>,

	/// Answer other machines too. Say with --gateway who may call.
	#[arg(long, requires_all = ["gateway_port", "gateway"])]
	pub(super) gateway_external: bool,

	/// Who may call [default: open, and this machine alone].
	///
	/// `open`: everybody. `token`: who has a token of --gateway-tokens. `subscribers`: accounts that have a plan
	/// of the model on the chain, and sign each call.
	#[arg(long, value_name = "WHO", requires = "gateway_port")]
	pub(super) gateway: Option<Who>,

	/// The tokens: a line each, `NAME SHA256 [low|normal|high] [operator]`.
	#[arg(
		long,
		value_name = "FILE",
		required_if_eq("gateway", "token"),
		requires = "gateway_port"
	)]
	pub(super) gateway_tokens: Option<PathBuf>,

	/// Answer over TLS alone, with this certificate in PEM.
	#[arg(long, value_name = "FILE", requires = "gateway_tls_key")]
	pub(super) gateway_tls_certificates: Option<PathBuf>,

	/// The certificate's private key in PEM.
	#[arg(long, value_name = "FILE", requires = "gateway_tls_certificates")]
	pub(super) gateway_tls_key: Option<PathBuf>,

	/// Models besides those of the chain: a JSON list, see docs/serving.md.
	#[arg(long, value_name = "FILE", requires = "gateway_port")]
	pub(super) gateway_models: Option<PathBuf>,

	/// Where `ipfs://` is fetched, the first that answers.
	#[arg(long, value_name = "URL", value_delimiter = ',', requires = "gateway_port")]
	pub(super) gateway_ipfs: Vec<Url>,

	/// Let callers load and unload models: with `token`, those that are operators.
	#[arg(long, requires = "gateway_port")]
	pub(super) gateway_manage: bool,

	/// Megabytes of memory that models may take; those that were not used for longest make room [default: 2048].
	#[arg(long, value_name = "MB", requires = "gateway_port", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
	gateway_memory: Option<u64>,

	/// Megabytes of a request at most [default: 64].
	#[arg(long, value_name = "MB", requires = "gateway_port", value_parser = clap::value_parser!(u64).range(1..=1024))]
	gateway_max_body: Option<u64>,

	/// Requests that are read, answered or written at the same time; half of them from one address [default: 1024].
	#[arg(long, value_name = "NUMBER", requires = "gateway_port", value_parser = clap::value_parser!(u64).range(2..=1 << 16))]
	gateway_max_requests: Option<u64>,

	/// Within which a request is answered [default: 30].
	#[arg(long, value_name = "SECONDS", requires = "gateway_port", value_parser = clap::value_parser!(u64).range(1..=86400))]
	gateway_deadline: Option<u64>,

	/// How long the node, when it is told to stop, waits for what the gateway is answering [default: 5].
	#[arg(long, value_name = "SECONDS", requires = "gateway_port", value_parser = clap::value_parser!(u64).range(..=3600))]
	pub(super) gateway_stop_timeout: Option<u64>,

	/// Which answers are signed with the operator key: `never`, `asked`, `always` [default: asked].
	#[arg(long, value_name = "WHICH", value_parser = receipts, requires = "gateway_port")]
	pub(super) gateway_receipts: Option<Receipts>,

	/// Blocks that calls of subscribers wait for others to be settled with on the chain. What a subscription
	/// has not settled when its period is over is lost: the last blocks of a period do not wait.
	#[arg(long, value_name = "BLOCKS", default_value_t = 100, requires = "gateway_port")]
	pub(super) gateway_settle_blocks: u32,
}

/// Who may call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum Who {
	Open,
	Token,
	Subscribers,
}

impl GatewayParams {
	/// What was said and would be ignored.
	pub(crate) fn check(&self) -> Result<(), String> {
		let who = self.gateway.unwrap_or(Who::Open);
		if self.gateway_tokens.is_some() && who != Who::Token {
			return Err("--gateway-tokens is of no use without --gateway token".into());
		}
		if self.gateway_manage && who == Who::Subscribers {
			return Err("--gateway-manage is of no use with --gateway subscribers, who load and unload nothing".into());
		}
		if !self.gateway_ipfs.is_empty() && self.gateway_models.is_none() {
			return Err("--gateway-ipfs is of no use without --gateway-models".into());
		}
		Ok(())
	}

	/// How much callers may have.
	pub(crate) fn limits(&self) -> Limits {
		let mut limits = Limits::default();
		if let Some(body) = self.gateway_max_body.map(|megabytes| megabytes << 20) {
			// As many of the longest as by default.
			limits.buffered = (limits.buffered / limits.body).saturating_mul(body);
			limits.body = body;
		}
		if let Some(requests) = self.gateway_max_requests.and_then(|n| usize::try_from(n).ok()) {
			(limits.requests, limits.connections) = (requests, requests);
			limits.requests_per_address = requests / 2;
			limits.connections_per_address = requests / 2;
		}
		if let Some(seconds) = self.gateway_deadline {
			limits.deadline = Duration::from_secs(seconds);
		}
		if let Some(seconds) = self.gateway_stop_timeout {
			limits.stop_timeout = Duration::from_secs(seconds);
		}
		limits
	}

	/// What the server of models may take.
	pub(crate) fn server(&self) -> ServerConfig {
		let mut config = ServerConfig::default();
		if let Some(megabytes) = self.gateway_memory {
			config.memory = megabytes << 20;
		}
		config
	}
}

fn receipts(text: &str) -> Result<Receipts, String> {
	match text {
		"never" => Ok(Receipts::Never),
		"asked" => Ok(Receipts::Asked),
		"always" => Ok(Receipts::Always),
		_ => Err("wanted is never, asked or always".into()),
	}
}
