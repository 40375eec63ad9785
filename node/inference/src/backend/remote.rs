//! Another server that speaks the Open Inference Protocol over HTTP: Triton, KServe, a node like
//! this one.
//!
//! The URI of a version is that of the model there: `http://HOST/v2/models/NAME`, or with
//! `/versions/VERSION` after it.

mod wire;

use super::{Backend, BackendError, LoadRequest, Model, Signature};
use crate::{panics, serving::TensorMetadata, tensor::Tensor};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use reqwest::{header::CONTENT_TYPE, Client, RequestBuilder, StatusCode};
use std::{
	io,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::Duration,
};
use tokio::runtime::{Handle, Runtime};
use url::Url;

/// How a remote server is asked.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
	/// How long it may take to accept a connection.
	pub connect_timeout: Duration,
	/// How long an inference may take, retries included.
	pub timeout: Duration,
	/// How often a request is repeated that did not reach the server, or that it had no time for.
	pub retries: u32,
	/// The pause before the first repetition; each further is twice as long.
	pub backoff: Duration,
	/// How often a server is asked whether it is well.
	pub health_interval: Duration,
	/// Bytes of an answer at most.
	pub max_response_bytes: usize,
}

impl Default for RemoteConfig {
	fn default() -> Self {
		Self {
			connect_timeout: Duration::from_secs(2),
			timeout: Duration::from_secs(15),
			retries: 2,
			backoff: Duration::from_millis(50),
			health_interval: Duration::from_secs(5),
			max_response_bytes: 256 << 20,
		}
	}
}

/// Runs models on other servers.
pub struct Remote {
	config: RemoteConfig,
	client: Client,
	/// `Some` until it is dropped.
	runtime: Option<Runtime>,
}

impl Remote {
	/// The name of this backend.
	pub const NAME: &'static str = "remote";

	/// Begins with no connection.
	pub fn new(config: RemoteConfig) -> io::Result<Self> {
		let client = Client::builder()
			.connect_timeout(config.connect_timeout)
			.redirect(reqwest::redirect::Policy::none())
			.tcp_nodelay(true)
			.build()
			.map_err(io::Error::other)?;
		let runtime = tokio::runtime::Builder::new_multi_thread()
			.worker_threads(1)
			.thread_name("aimodel-remote")
			.on_thread_start(panics::never_end_the_node)
			.enable_all()
			.build()?;
		Ok(Self { config, client, runtime: Some(runtime) })
	}
}

impl Drop for Remote {
	fn drop(&mut self) {
		if let Some(runtime) = self.runtime.take() {
			// The last holder may be a task of another runtime, which must not wait.
			runtime.shutdown_background();
		}
	}
}

impl Backend for Remote {
	fn name(&self) -> &str {
		Self::NAME
	}

	fn platform(&self) -> &str {
		"open_inference_protocol"
	}

	fn needs_file(&self) -> bool {
		false
	}

	fn load(&self, request: &LoadRequest<'_>) -> Result<Arc<dyn Model>, BackendError> {
		let url = Url::parse(request.uri)
			.ok()
			.filter(|url| matches!(url.scheme(), "http" | "https"))
			.ok_or_else(|| {
				BackendError::NotAModel(format!(
					"`{}` is not http://HOST/v2/models/NAME",
					request.uri
				))
			})?;
		let Some(runtime) = &self.runtime else {
			return Err(BackendError::Failed("the backend is stopping".into()));
		};
		let url = url.as_str().trim_end_matches('/').to_owned();
		let (client, config) = (self.client.clone(), self.config.clone());
		let link = Link { url, client, config };
		let signature = wire::signature(&runtime.block_on(link.get(""))?)?;
		// Who says nothing of it is asked in JSON, which all understand.
		let binary = runtime.block_on(link.server()).is_ok_and(|server| wire::is_binary(&server));
		let healthy = Arc::new(AtomicBool::new(true));
		let watch = Arc::downgrade(&healthy);
		let watched = link.clone();
		runtime.spawn(async move {
			loop {
				tokio::time::sleep(watched.config.health_interval).await;
				let well = watched.get("/ready").await;
				let Some(healthy) = watch.upgrade() else { return };
				if healthy.swap(well.is_ok(), Ordering::Relaxed) != well.is_ok() {
					match well {
						Ok(_) => log::info!(target: "inference", "{}: is well again", watched.url),
						Err(error) => log::warn!(target: "inference", "{}: {error}", watched.url),
					}
				}
			}
		});
		let runtime = runtime.handle().clone();
		Ok(Arc::new(Distant { link, signature, binary, healthy, runtime }))
	}
}

/// A model on another server.
struct Distant {
	link: Link,
	signature: Signature,
	/// Whether tensors go there as bytes.
	binary: bool,
	healthy: Arc<AtomicBool>,
	runtime: Handle,
}

impl Model for Distant {
	fn signature(&self) -> &Signature {
		&self.signature
	}

	fn infer_batch(&self, requests: &[&[Tensor]]) -> Result<Vec<Tensor>, BackendError> {
		let (header, body) = wire::request(&self.signature, requests, self.binary)?;
		let (header, body) =
			self.runtime.block_on(self.link.infer(header, body)).inspect(|_| {
				self.healthy.store(true, Ordering::Relaxed);
			})?;
		wire::response(&self.signature, header, &body)
	}

	/// The other server warms itself.
	fn warm_up(&self) -> Result<(), BackendError> {
		Ok(())
	}

	fn memory(&self) -> u64 {
		0
	}

	fn is_healthy(&self) -> bool {
		self.healthy.load(Ordering::Relaxed)
	}
}

/// How a model is asked.
#[derive(Clone)]
struct Link {
	url: String,
	client: Client,
	config: RemoteConfig,
}

/// The header that tells how long the JSON before the binary tensors is.
const HEADER_LENGTH: &str = "inference-header-content-length";

impl Link {
	async fn get(&self, path: &str) -> Result<Bytes, BackendError> {
		self.get_url(format!("{}{path}", self.url)).await
	}

	/// What the server says of itself.
	async fn server(&self) -> Result<Bytes, BackendError> {
		let root = self.url.split_once("/models/").map_or(&*self.url, |(root, _)| root);
		self.get_url(root.to_owned()).await
	}

	async fn get_url(&self, url: String) -> Result<Bytes, BackendError> {
		let (_, body) = self.limited(|| self.client.get(&url)).await?;
		Ok(body)
	}

	/// Bytes follow the JSON where `header` is its length.
	async fn infer(
		&self,
		header: Option<usize>,
		body: Bytes,
	) -> Result<(Option<usize>, Bytes), BackendError> {
		let request = || {
			let request = self.client.post(format!("{}/infer", self.url)).body(body.clone());
			match header {
				Some(length) => request
					.header(CONTENT_TYPE, "application/octet-stream")
					.header(HEADER_LENGTH, length),
				None => request.header(CONTENT_TYPE, "application/json"),
			}
		};
		self.limited(request).await
	}

	/// Asks, again if need be, until the time is over.
	async fn limited(
		&self,
		request: impl Fn() -> RequestBuilder,
	) -> Result<(Option<usize>, Bytes), BackendError> {
		let timeout = self.config.timeout;
		tokio::time::timeout(timeout, self.repeated(request)).await.unwrap_or_else(|_| {
			Err(BackendError::Unreachable(format!(
				"{} did not answer within {timeout:?}",
				self.url
			)))
		})
	}

	async fn repeated(
		&self,
		request: impl Fn() -> RequestBuilder,
	) -> Result<(Option<usize>, Bytes), BackendError> {
		let mut repeated = 0;
		loop {
			let error = match self.once(request()).await {
				Err(error @ (BackendError::Unreachable(_) | BackendError::Busy(_))) => error,
				done => return done,
			};
			if repeated >= self.config.retries {
				return Err(error);
			}
			tokio::time::sleep(self.config.backoff.saturating_mul(1 << repeated.min(10))).await;
			repeated = repeated.saturating_add(1);
		}
	}

	async fn once(&self, request: RequestBuilder) -> Result<(Option<usize>, Bytes), BackendError> {
		let unreachable = |error: reqwest::Error| {
			BackendError::Unreachable(format!("{}: {}", self.url, wire::chain(&error)))
		};
		let response = request.send().await.map_err(unreachable)?;
		let status = response.status();
		let header = response.headers().get(HEADER_LENGTH);
		let header = header.and_then(|it| it.to_str().ok()).and_then(|it| it.parse().ok());
		let most = self.config.max_response_bytes;
		let too_long =
			|| BackendError::Failed(format!("{} answers with more than {most} bytes", self.url));
		let announced = response.content_length().and_then(|it| usize::try_from(it).ok());
		if announced.is_some_and(|announced| announced > most) {
			return Err(too_long());
		}
		let mut body = BytesMut::with_capacity(announced.unwrap_or_default());
		let mut stream = response.bytes_stream();
		while let Some(chunk) = stream.next().await {
			let chunk = chunk.map_err(unreachable)?;
			if body.len().saturating_add(chunk.len()) > most {
				return Err(too_long());
			}
			body.extend_from_slice(&chunk);
		}
		let body = body.freeze();
		if status.is_success() {
			return Ok((header, body));
		}
		let text = format!("{} answered {status}: {}", self.url, wire::error(&body));
		Err(match status {
			StatusCode::BAD_REQUEST => BackendError::Rejected(text),
			StatusCode::TOO_MANY_REQUESTS => BackendError::Busy(text),
			StatusCode::BAD_GATEWAY
			| StatusCode::SERVICE_UNAVAILABLE
			| StatusCode::GATEWAY_TIMEOUT => BackendError::Unreachable(text),
			_ => BackendError::Failed(text),
		})
	}
}
