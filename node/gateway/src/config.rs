//! What an operator decides of a gateway.

use sp_core::H256;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
	/// Where HTTP is answered.
	pub http: SocketAddr,
	/// Where gRPC is answered, if anywhere.
	pub grpc: Option<SocketAddr>,
	/// Certificate and key, to answer over TLS alone.
	pub tls: Option<Tls>,
	/// How much.
	pub limits: Limits,
	/// Whether callers may load and unload models, if [`crate::Admission`] lets them.
	pub manage: bool,
	/// Whether `GET /metrics` is answered.
	pub metrics: bool,
	/// Which answers are signed.
	pub receipts: Receipts,
	/// The chain that receipts and signed calls are for; zero for none.
	pub genesis: H256,
	/// The bonded account that signed calls are for, told by `GET v2`.
	pub worker: Option<[u8; 32]>,
}

/// The files of a certificate.
#[derive(Clone, Debug)]
pub struct Tls {
	/// The certificate and those that lead to its authority, in PEM.
	pub certificates: PathBuf,
	/// Its private key, in PEM.
	pub key: PathBuf,
}

/// Which answers are signed. A signature takes several times what the rest of a short request does, so that by default
/// who wants a receipt asks for it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Receipts {
	/// None; who asks for one is refused.
	Never,
	/// Those whose request has the parameter `receipt`.
	#[default]
	Asked,
	/// All.
	Always,
}

/// How much a gateway takes.
#[derive(Clone, Debug)]
pub struct Limits {
	/// Bytes of a body.
	pub body: u64,
	/// Bytes of all bodies that are being read or answered and did not come in one piece.
	pub buffered: u64,
	/// Bytes of a request's headers.
	pub headers: usize,
	/// Requests with a body that are being read, answered, or whose answer is being written.
	pub requests: usize,
	/// Of these, from one address; of IPv6 from one network of 64 bits.
	pub requests_per_address: usize,
	/// Connections to each port.
	pub connections: usize,
	/// Of these, from one address.
	pub connections_per_address: usize,
	/// Within which the headers of a request have to be there; also how long a connection may be idle.
	pub header_timeout: Duration,
	/// Within which a body has to be there, and a second more for each [`Limits::body_rate`] bytes.
	pub body_timeout: Duration,
	/// Bytes a second that a body keeps coming with, and an answer is taken with.
	pub body_rate: u64,
	/// How long a client may take nothing of an answer; and within which all of it has to be taken, and a second more for
	/// each [`Limits::body_rate`] bytes.
	pub write_timeout: Duration,
	/// Within which an inference has to be answered; a request may ask for less.
	pub deadline: Duration,
	/// How long stopping waits for requests that are being answered.
	pub stop_timeout: Duration,
	/// How often the files of tokens and of the certificate are looked at.
	pub reload_interval: Duration,
	/// Streams of events that are open, and as many of `ModelStreamInfer`.
	pub streams: usize,
	/// Of each of these, from one address.
	pub streams_per_address: usize,
	/// How long a stream may rest between messages. The first comes within [`Limits::header_timeout`].
	pub stream_timeout: Duration,
	/// Rows of an event `result`, unless the request says another number.
	pub chunk_rows: u64,
	/// Proofs that are remembered.
	pub proofs: usize,
}

impl Config {
	/// At an address, over HTTP alone.
	pub fn new(http: SocketAddr) -> Self {
		Self {
			http,
			grpc: None,
			tls: None,
			limits: Limits::default(),
			manage: false,
			metrics: true,
			receipts: Receipts::default(),
			genesis: H256::zero(),
			worker: None,
		}
	}
}

impl Default for Limits {
	fn default() -> Self {
		Self {
			body: 64 << 20,
			buffered: 256 << 20,
			headers: 16 << 10,
			requests: 1024,
			requests_per_address: 512,
			connections: 1024,
			connections_per_address: 512,
			header_timeout: Duration::from_secs(30),
			body_timeout: Duration::from_secs(10),
			body_rate: 64 << 10,
			write_timeout: Duration::from_secs(30),
			deadline: Duration::from_secs(30),
			stop_timeout: Duration::from_secs(5),
			reload_interval: Duration::from_secs(2),
			streams: 128,
			streams_per_address: 64,
			stream_timeout: Duration::from_secs(300),
			chunk_rows: 32,
			proofs: 256,
		}
	}
}

impl Limits {
	/// How long so many bytes may take.
	pub(crate) fn time_of(&self, bytes: u64) -> Duration {
		Duration::from_millis(bytes.saturating_mul(1000) / self.body_rate.max(1))
	}
}
