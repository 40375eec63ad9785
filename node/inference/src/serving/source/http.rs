//! Files over HTTP, and over gateways of IPFS.

use super::{Opened, Source, SourceError};
use futures::{future::BoxFuture, FutureExt, StreamExt};
use reqwest::{
	header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE},
	redirect, StatusCode,
};
use std::time::Duration;
use url::Url;

/// How long a server may take to accept a connection, and to send anything.
const TIMEOUT: Duration = Duration::from_secs(20);

/// `http://` and `https://`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

impl Source for Http {
	fn schemes(&self) -> &[&str] {
		&["http", "https"]
	}

	fn open<'a>(
		&'a self,
		uri: &'a Url,
		offset: u64,
		_: u32,
	) -> BoxFuture<'a, Result<Opened, SourceError>> {
		get(uri.clone(), offset).boxed()
	}
}

/// `ipfs://CID` and what is below it, by gateways. What they give is verified like everything else.
#[derive(Clone, Debug)]
pub struct Ipfs {
	gateways: Vec<Url>,
}

impl Ipfs {
	/// Gateways that are tried one after the other: `https://ipfs.example/`, to which
	/// `ipfs/CID` is added.
	pub fn new(gateways: Vec<Url>) -> Self {
		Self { gateways }
	}
}

impl Source for Ipfs {
	fn schemes(&self) -> &[&str] {
		&["ipfs"]
	}

	fn open<'a>(
		&'a self,
		uri: &'a Url,
		offset: u64,
		attempt: u32,
	) -> BoxFuture<'a, Result<Opened, SourceError>> {
		async move {
			let at = (attempt as usize).checked_rem(self.gateways.len());
			let Some(gateway) = at.and_then(|at| self.gateways.get(at)) else {
				return Err(SourceError::lasting("no gateway of IPFS is configured"));
			};
			let content = uri.as_str().strip_prefix("ipfs://").unwrap_or_default();
			let base = gateway.as_str().trim_end_matches('/');
			let url =
				Url::parse(&format!("{base}/ipfs/{content}")).map_err(SourceError::lasting)?;
			get(url, offset).await
		}
		.boxed()
	}
}

async fn get(url: Url, offset: u64) -> Result<Opened, SourceError> {
	let client = reqwest::Client::builder()
		.connect_timeout(TIMEOUT)
		.read_timeout(TIMEOUT)
		.redirect(redirect::Policy::limited(4))
		.build()
		.map_err(SourceError::lasting)?;
	let mut request = client.get(url);
	if offset > 0 {
		request = request.header(RANGE, format!("bytes={offset}-"));
	}
	let response = request.send().await.map_err(|error| SourceError::passing(chain(&error)))?;
	let status = response.status();
	let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<u64>().ok());
	let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
	let (offset, length) = match status {
		StatusCode::OK => (0, number(header(CONTENT_LENGTH))),
		StatusCode::PARTIAL_CONTENT => {
			// `bytes 5-9/10`
			let range = header(CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
			let (span, length) = range.and_then(|range| range.split_once('/')).unzip();
			let begins = number(span.and_then(|span| span.split('-').next()));
			match begins {
				Some(begins) if begins <= offset => (begins, number(length)),
				_ => return Err(SourceError::lasting("the server sent another range")),
			}
		},
		status => {
			let again = status.is_server_error()
				|| matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
			return Err(SourceError { reason: format!("the server answered {status}"), again });
		},
	};
	let stream = response
		.bytes_stream()
		.map(|bytes| bytes.map_err(|error| SourceError::passing(chain(&error))));
	Ok(Opened { offset, length, stream: stream.boxed() })
}

/// An error with what caused it; nothing twice, where an error tells its cause itself.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
	let mut text = error.to_string();
	let mut source = error.source();
	while let Some(error) = source {
		let cause = error.to_string();
		if !text.contains(&cause) {
			text.push_str(": ");
			text.push_str(&cause);
		}
		source = error.source();
	}
	text
}
