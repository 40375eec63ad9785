//! The Open Inference Protocol in front of the engine: HTTP and gRPC, each at a port of its own.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | what an operator decides: ports, limits, certificates |
//! | [`access`] | who may call: everybody, who has a token, who has a plan on the chain |
//! | [`receipt`] | what the worker signs of an answer, to the byte |
//! | [`proofs`] | proofs that callers ask for, by the node's prover |
//! | [`trace`] | where callers are in traces of their own, and what is told of a call |
//! | `tls`, `reload` | certificates, and files that are read again when they change |
//! | `rest`, `grpc` | the two forms of the protocol; `call` is what they share |
//! | `listen`, `body`, `pieces` | connections and bodies, whole or in pieces, within limits |
//! | `places`, `writing` | how many requests are answered, and how long an answer may take to be taken |
//!
//! What is absent: models and queues, which are the engine's ([`aimodel_inference::serving`]); the chain, the keystore
//! and the prover, which the node puts behind [`Subscriptions`], [`Signer`] and [`Prover`].
//!
//! HTTP/1.1 is served by hyper and a match over paths, without a framework: that is what takes the least of the time
//! between a request and its inference. A tensor stays a slice of the body that it came in.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod access;
mod body;
mod call;
pub mod config;
mod error;
mod grpc;
mod listen;
mod metrics;
mod pieces;
mod places;
pub mod proofs;
mod proto;
pub mod receipt;
mod reload;
mod rest;
mod tls;
pub mod trace;
mod writing;

pub use access::{Admission, Open, Subscribers, SubscribersConfig, Subscriptions, Tokens};
pub use config::{Config, Limits, Receipts, Tls};
pub use error::{Refusal, VoucherWanted};
pub use proofs::{Proof, ProofRequest, Prover};
pub use receipt::{Receipt, Signed, Signer};
pub use reload::Reload;
pub use tls::TlsError;
pub use trace::Tracer;

use aimodel_inference::serving::Server;
use aimodel_primitives::ids::ArtifactHash;
use call::Gate;
use futures::future::BoxFuture;
use hyper::{
	body::Incoming,
	server::conn::{http1, http2},
	service::service_fn,
	Request,
};
use hyper_util::{
	rt::{TokioExecutor, TokioIo, TokioTimer},
	server::graceful::GracefulConnection,
};
use listen::{Life, Peer, Serve, Stream};
use metrics::Metrics;
use places::Places;
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use substrate_prometheus_endpoint::{PrometheusError, Registry};
use tls::Certificate;
use tokio::{
	runtime::Handle,
	sync::{mpsc, watch},
	time::timeout,
};
use writing::Writing;

/// What a request took and costs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quote {
	/// Units, by the model's formula.
	pub units: u64,
	/// The price of these units, in the chain's smallest amount; `None` where a plan covers them or nobody knows.
	pub price: Option<u128>,
}

/// Tells what inferences cost.
pub trait Prices: Send + Sync + 'static {
	/// Of a model file over so many elements in and out; `None` if the file is not on the chain, and then units are rows.
	fn quote(
		&self,
		artifact: &ArtifactHash,
		input_elements: u64,
		output_elements: u64,
	) -> Option<Quote>;
}

/// What the gateway asks others for.
#[derive(Clone)]
pub struct Hooks {
	/// Who may call.
	pub admission: Arc<dyn Admission>,
	/// Who signs receipts, if anybody.
	pub signer: Option<Arc<dyn Signer>>,
	/// Who proves, if anybody.
	pub prover: Option<Arc<dyn Prover>>,
	/// What inferences cost, if anybody knows.
	pub prices: Option<Arc<dyn Prices>>,
	/// Where metrics are registered, and told from.
	pub registry: Option<Registry>,
	/// Who follows calls, if anybody.
	pub tracer: Option<Arc<dyn Tracer>>,
}

impl Default for Hooks {
	/// Everybody may call; nothing is signed, proved or priced.
	fn default() -> Self {
		let (signer, prover, prices, registry, tracer) = (None, None, None, None, None);
		Self { admission: Arc::new(Open), signer, prover, prices, registry, tracer }
	}
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
	/// A port can not be had.
	#[error("{address}: {source}")]
	Bind {
		/// Which.
		address: SocketAddr,
		/// Why.
		source: io::Error,
	},
	/// There is no TLS.
	#[error("TLS: {0}")]
	Tls(#[from] TlsError),
	/// The metrics can not be registered.
	#[error("metrics: {0}")]
	Metrics(#[from] PrometheusError),
	/// Receipts are to be signed, and nobody signs.
	#[error("all answers are to have a receipt, and there is no key to sign with")]
	NoSigner,
}

/// A running gateway. Dropping it ends it at once.
pub struct Gateway {
	http: SocketAddr,
	grpc: Option<SocketAddr>,
	stop: watch::Sender<bool>,
	ended: mpsc::Receiver<()>,
	stop_timeout: Duration,
}

impl Gateway {
	/// Binds the ports, and answers in tasks of the runtime, which must have its timer and its I/O enabled.
	pub fn start(
		config: Config,
		server: Server,
		hooks: Hooks,
		runtime: &Handle,
	) -> Result<Self, StartError> {
		let Hooks { admission, signer, prover, prices, registry, tracer } = hooks;
		if config.receipts == Receipts::Always
			&& signer.as_ref().is_none_or(|it| it.public().is_none())
		{
			return Err(StartError::NoSigner);
		}
		let certificate = config.tls.clone().map(Certificate::read).transpose()?;
		let tls = |protocol: &[u8]| {
			certificate.as_ref().map(|certificate| certificate.acceptor(protocol)).transpose()
		};
		let (http_tls, grpc_tls) = (tls(b"http/1.1")?, tls(b"h2")?);
		let _entered = runtime.enter();
		let bind = |address: SocketAddr| {
			let bound =
				listen::bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
			bound.map_err(|source| StartError::Bind { address, source })
		};
		let (http, http_listener) = bind(config.http)?;
		let grpc = config.grpc.map(bind).transpose()?;
		let metrics = Metrics::new(registry.as_ref())?;

		let (stop, stopped) = watch::channel(false);
		let certificate = certificate.map(|it| it as Arc<dyn Reload>);
		for files in [certificate, admission.clone().files()].into_iter().flatten() {
			let (metrics, stop) = (metrics.clone(), stopped.clone());
			runtime.spawn(reload::follow(files, config.limits.reload_interval, metrics, stop));
		}
		let limits = Arc::new(config.limits.clone());
		let gate = Arc::new(Gate {
			server,
			admission,
			signer,
			prices,
			proofs: proofs::Proofs::new(prover, limits.proofs),
			registry,
			tracer,
			places: Places::new(&limits),
			stopping: stopped.clone(),
			buffered: Arc::default(),
			runtime: runtime.clone(),
			config,
		});
		let (alive, ended) = mpsc::channel(1);
		let life = Life::new(stopped, alive);
		let places = gate.places.clone();
		let accept = |listener, tls, serve| {
			let (limits, places) = (limits.clone(), places.clone());
			let (metrics, life) = (metrics.clone(), life.clone());
			runtime.spawn(listen::accept(listener, tls, limits, places, metrics, life, serve));
		};
		accept(http_listener, http_tls, serve_http(gate.clone(), metrics.clone()));
		let grpc = grpc.map(|(address, listener)| {
			accept(listener, grpc_tls, serve_grpc(gate, metrics.clone()));
			address
		});
		Ok(Self { http, grpc, stop, ended, stop_timeout: limits.stop_timeout })
	}

	/// Where HTTP is answered.
	pub fn http(&self) -> SocketAddr {
		self.http
	}

	/// Where gRPC is answered.
	pub fn grpc(&self) -> Option<SocketAddr> {
		self.grpc
	}

	/// Takes no more connections, is no more ready, and ends when the requests that are being answered are, or after
	/// [`Limits::stop_timeout`].
	pub async fn stop(mut self) {
		self.stop.send_replace(true);
		// Nothing is ever sent: the channel closes when the last connection is.
		if timeout(self.stop_timeout, self.ended.recv()).await.is_err() {
			log::warn!(target: "gateway", "stopped while requests were being answered");
		}
	}
}

/// Serves HTTP/1.1.
fn serve_http(gate: Arc<Gate>, metrics: Metrics) -> Serve {
	let limits = &gate.config.limits;
	let mut http = http1::Builder::new();
	http.timer(TokioTimer::new())
		.header_read_timeout(limits.header_timeout)
		.max_header_size(limits.headers);
	let stop_timeout = limits.stop_timeout;
	Arc::new(move |stream: Box<dyn Stream>, peer: Peer, life: Life| {
		let (http, gate, metrics) = (http.clone(), gate.clone(), metrics.clone());
		let Peer { caller, writing } = peer;
		let (late, slow) = (writing.clone(), metrics.clone());
		let service = service_fn(move |request: Request<Incoming>| {
			let (gate, metrics) = (gate.clone(), metrics.clone());
			let (caller, writing) = (caller.clone(), writing.clone());
			async move {
				let response = rest::answer(&gate, &caller, request).await;
				metrics.answered("http", response.status().as_str());
				Ok::<_, Infallible>(response.map(|body| body.held(&writing)))
			}
		});
		let connection = http.serve_connection(TokioIo::new(stream), service);
		run(connection, late, slow, life, stop_timeout)
	})
}

/// Serves gRPC over HTTP/2.
fn serve_grpc(gate: Arc<Gate>, metrics: Metrics) -> Serve {
	const WINDOW: u32 = 1 << 20;
	let limits = &gate.config.limits;
	let streams = u32::try_from(limits.streams_per_address).unwrap_or(u32::MAX);
	let window = streams.saturating_add(16).saturating_mul(WINDOW).min(i32::MAX as u32);
	let mut http = http2::Builder::new(TokioExecutor::new());
	http.timer(TokioTimer::new())
		.keep_alive_interval(limits.header_timeout)
		.keep_alive_timeout(limits.header_timeout)
		.max_header_list_size(u32::try_from(limits.headers).unwrap_or(u32::MAX))
		.max_concurrent_streams(u32::try_from(limits.requests).unwrap_or(u32::MAX).min(256))
		// Tensors come in one window.
		.initial_stream_window_size(WINDOW)
		// Streams that wait to be read take nothing from other calls; nor do their small frames, which hyper lets waste half
		// of this.
		.initial_connection_window_size(window);
	let stop_timeout = limits.stop_timeout;
	let grpc = grpc::Grpc::new(gate, metrics.clone());
	Arc::new(move |stream: Box<dyn Stream>, peer: Peer, life: Life| {
		let (http, grpc, slow) = (http.clone(), grpc.clone(), metrics.clone());
		let Peer { caller, writing } = peer;
		let late = writing.clone();
		let service = service_fn(move |request: Request<Incoming>| {
			let (grpc, caller, writing) = (grpc.clone(), caller.clone(), writing.clone());
			async move {
				let response = grpc.answer(&caller, request).await;
				Ok::<_, Infallible>(response.map(|body| body.held(&writing)))
			}
		});
		let connection = http.serve_connection(TokioIo::new(stream), service);
		run(connection, late, slow, life, stop_timeout)
	})
}

/// Serves a connection until it ends, its client takes answers too slowly, or the gateway stops: then what it
/// began is finished.
fn run(
	connection: impl GracefulConnection<Error = hyper::Error> + Send + 'static,
	writing: Arc<Writing>,
	metrics: Metrics,
	mut life: Life,
	stop_timeout: Duration,
) -> BoxFuture<'static, ()> {
	Box::pin(async move {
		let mut connection = std::pin::pin!(connection);
		tokio::select! {
			biased;
			// What ends a connection early is the client's.
			_ = connection.as_mut() => (),
			() = writing.late() => metrics.gave_up(),
			() = life.over() => {
				connection.as_mut().graceful_shutdown();
				let _ = timeout(stop_timeout, connection).await;
			},
		}
	})
}
