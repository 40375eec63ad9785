//! The network, as far as the exchange needs it.

use futures::future::BoxFuture;
use std::{fmt::Debug, future::Future, hash::Hash};

/// The peers of this node.
///
/// Requests may stay without an answer for as long as the network likes: who asks keeps the time.
pub trait Peers: Send + Sync + 'static {
	/// Names a peer.
	type Id: Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static;

	/// The peers that are connected now.
	fn connected(&self) -> impl Future<Output = Vec<Self::Id>> + Send;

	/// Sends an encoded request and waits for the encoded answer. Dropping the future gives it up.
	fn request(
		&self,
		peer: &Self::Id,
		request: Vec<u8>,
	) -> BoxFuture<'static, Result<Vec<u8>, RequestError>>;

	/// Notes that a peer did what no honest one does.
	fn report(&self, peer: &Self::Id, misconduct: Misconduct);
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
	/// The peer is gone.
	#[error("the peer is not connected")]
	Disconnected,
	/// The peer does not take part in the exchange, or closed without an answer.
	#[error("the peer refused")]
	Refused,
	/// The network waited long enough.
	#[error("the peer did not answer in time")]
	TimedOut,
}

/// What no honest peer does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Misconduct {
	/// What it sent is no message, or not what was asked for.
	Malformed,
	/// Its manifest contradicts itself, or its chunks' whole did not have the blob's hash.
	WrongManifest,
	/// A chunk did not have the hash that its own manifest says.
	WrongChunk,
}
