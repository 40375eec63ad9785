//! `doctor`: what keeps this machine from serving, and how to mend it.
//!
//! Each check says what it saw; what fails says what to do. Nothing is changed, but that blobs which no
//! longer have their hash are set aside, as reading them does.

mod checks;
mod gateway;

use crate::{blobs, cli::Cli, traces::Endpoint};
use aimodel_gateway::Tls;
use checks::Place;
use sc_cli::{SharedParams, SubstrateCli};
use sc_service::BasePath;
use serde::Serialize;
use std::{
	fmt,
	io::{self, Write},
	path::PathBuf,
};

/// Check what a worker's node needs, and say how to mend what fails.
///
/// Looks at this machine, at the data of the chain that is named, and, if a node runs, at that node. Ends
/// with 1 if a check failed.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorCmd {
	/// The RPC of the node, which need not run.
	#[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9944")]
	url: String,

	/// Ports that the node is to listen on: RPC, network, Prometheus.
	#[arg(long, value_name = "PORT", value_delimiter = ',', default_values_t = [9944, 30333, 9615])]
	ports: Vec<u16>,

	/// Ports that the gateway is to listen on: those of --gateway-port and --gateway-grpc-port.
	#[arg(long, value_name = "PORT", value_delimiter = ',')]
	gateway_ports: Vec<u16>,

	/// The gateway's tokens, as for a node.
	#[arg(long, value_name = "FILE")]
	gateway_tokens: Option<PathBuf>,

	/// The gateway's certificate, as for a node.
	#[arg(long, value_name = "FILE", requires = "gateway_tls_key")]
	gateway_tls_certificates: Option<PathBuf>,

	/// The certificate's private key, as for a node.
	#[arg(long, value_name = "FILE", requires = "gateway_tls_certificates")]
	gateway_tls_key: Option<PathBuf>,

	/// The gateway's list of models, as for a node.
	#[arg(long, value_name = "FILE")]
	gateway_models: Option<PathBuf>,

	/// ONNX Runtime's shared library, as for a worker.
	#[arg(long, value_name = "PATH", env = "ONNXRUNTIME_LIB")]
	onnxruntime: Option<PathBuf>,

	/// The collector of traces, if the node is to send any.
	#[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
	otlp_endpoint: Option<Endpoint>,

	/// Print JSON: a list of objects with `check`, `state`, `found`, and `mend`.
	#[arg(long)]
	json: bool,

	#[clap(flatten)]
	shared: SharedParams,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
	/// As it should be.
	Ok,
	/// Serves, but look at it.
	Warning,
	/// Does not serve like this.
	Failed,
}

impl fmt::Display for State {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.pad(match self {
			Self::Ok => "ok",
			Self::Warning => "warning",
			Self::Failed => "FAILED",
		})
	}
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
struct Finding {
	check: &'static str,
	state: State,
	found: String,
	#[serde(skip_serializing_if = "Option::is_none")]
	mend: Option<String>,
}

impl Finding {
	fn ok(check: &'static str, found: impl Into<String>) -> Self {
		Self { check, state: State::Ok, found: found.into(), mend: None }
	}

	fn warning(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
		Self { check, state: State::Warning, found: found.into(), mend: Some(mend.into()) }
	}

	fn failed(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
		Self { check, state: State::Failed, found: found.into(), mend: Some(mend.into()) }
	}
}

impl DoctorCmd {
	/// Looks, prints, and tells whether all is well.
	pub(crate) fn run(&self, cli: &Cli) -> sc_cli::Result<()> {
		let spec = cli.load_spec(&self.shared.chain_id(self.shared.is_dev()))?;
		let base_path = self
			.shared
			.base_path()?
			.unwrap_or_else(|| BasePath::from_project("", "", &Cli::executable_name()));
		let place = Place {
			data: base_path.config_dir(spec.id()),
			development: spec.chain_type() == sc_service::ChainType::Development,
		};
		let node =
			checks::ask(&self.url).map_err(|error| sc_cli::Error::Input(error.to_string()))?;

		let mut findings = vec![checks::library(self.onnxruntime.as_deref())];
		findings.push(checks::keys(&place, &node));
		findings.push(checks::disk(&place));
		findings.push(checks::blobs(&place, blobs::open));
		findings.push(checks::chain(&self.url, &node));
		findings.push(checks::clock(&place, &node));
		findings.extend(self.ports.iter().map(|port| checks::port(*port, &node)));
		findings.extend(self.otlp_endpoint.as_ref().map(checks::traces));
		findings.extend(self.gateway_ports.iter().map(|port| gateway::port(*port, &node)));
		findings.extend(self.gateway_tokens.as_deref().map(gateway::tokens));
		if let (Some(certificates), Some(key)) =
			(self.gateway_tls_certificates.clone(), self.gateway_tls_key.clone())
		{
			findings.push(gateway::certificate(&Tls { certificates, key }));
		}
		findings.extend(self.gateway_models.as_deref().map(gateway::models));
		self.tell(&findings)?;
		match findings.iter().filter(|finding| finding.state == State::Failed).count() {
			0 => Ok(()),
			failed => {
				Err(sc_cli::Error::Input(format!("{failed} of {} checks failed", findings.len())))
			},
		}
	}

	fn tell(&self, findings: &[Finding]) -> sc_cli::Result<()> {
		let mut out = io::stdout().lock();
		if self.json {
			let json = serde_json::to_string_pretty(findings)
				.map_err(|error| sc_cli::Error::Application(error.into()))?;
			writeln!(out, "{json}")?;
			return Ok(());
		}
		for Finding { check, state, found, mend } in findings {
			writeln!(out, "{state:8} {check:11} {found}")?;
			if let Some(mend) = mend {
				writeln!(out, "{:20} mend: {mend}", "")?;
			}
		}
		Ok(())
	}
}
