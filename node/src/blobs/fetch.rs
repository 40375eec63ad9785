//! `blob fetch`: asks a running node to get a blob from other nodes, and follows it.

use aimodel_primitives::BlobHash;
use futures_timer::Delay;
use serde_json::{json, Value};
use std::time::Duration;

/// How often it is looked how far a fetch is.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long a node has for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why the blob did not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
	/// The node can not be reached.
	#[error("no node answers at {url}: {error}; start one, or say with --url where it is")]
	Node {
		/// Where it was looked for.
		url: String,
		/// What went wrong.
		error: reqwest::Error,
	},
	/// What answers is no node, or it refuses.
	#[error("the node at {url} says: {message}")]
	Refused {
		/// Where it is.
		url: String,
		/// What it says.
		message: String,
	},
	/// Nobody gave it.
	#[error("blob {blob:?} did not come: {reason}")]
	Failed {
		/// The blob.
		blob: BlobHash,
		/// Why, as the node says.
		reason: String,
	},
}

/// Has the node at `url` fetch a blob; `tell` hears how many bytes of how many are there.
pub(super) async fn fetch(url: &str, blob: BlobHash, tell: impl Fn(u64, u64)) -> Result<(), Error> {
	let node = Node { url, client: reqwest::Client::new() };
	let mut state = node.call("blob_fetch", blob).await?;
	loop {
		match state["state"].as_str() {
			Some("stored") => return Ok(()),
			Some("queued") => (),
			Some("fetching") => {
				let bytes = |key: &str| state[key].as_u64().unwrap_or(0);
				tell(bytes("received"), bytes("length"));
			},
			Some("failed") => {
				let reason = state["reason"].as_str().unwrap_or("no reason is known").into();
				return Err(Error::Failed { blob, reason });
			},
			Some("full") => {
				let reason = "too many blobs wait already; try again later".into();
				return Err(Error::Failed { blob, reason });
			},
			_ => return Err(node.refused(format!("{state}, which is no state of a fetch"))),
		}
		Delay::new(INTERVAL).await;
		state = node.call("blob_fetching", blob).await?;
	}
}

/// A node, over its RPC.
struct Node<'u> {
	url: &'u str,
	client: reqwest::Client,
}

impl Node<'_> {
	async fn call(&self, method: &str, blob: BlobHash) -> Result<Value, Error> {
		let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": [blob] });
		let request = self.client.post(self.url).timeout(TIMEOUT);
		let request = request.header("content-type", "application/json").body(call.to_string());
		let failed = |error| Error::Node { url: self.url.into(), error };
		let text = request.send().await.map_err(failed)?.text().await.map_err(failed)?;
		let mut answer: Value =
			serde_json::from_str(&text).map_err(|_| self.refused(format!("`{text}`")))?;
		match answer["error"]["message"].as_str() {
			Some(message) => Err(self.refused(message.into())),
			None => Ok(answer["result"].take()),
		}
	}

	fn refused(&self, message: String) -> Error {
		Error::Refused { url: self.url.into(), message }
	}
}
