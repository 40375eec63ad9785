//! Who may call, how urgent it is, and who is charged.

mod subscribers;
mod tokens;

pub use subscribers::{
	call_message, SignedVoucher, Standing, Subscribers, SubscribersConfig, Subscriptions,
};
pub use tokens::{TokenError, Tokens};

use crate::error::Refusal;
use crate::reload::Reload;
use aimodel_inference::serving::Priority;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use std::{fmt, sync::Arc};

/// What a caller wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
	/// An inference.
	Infer,
	/// To load a model, or to unload it.
	Manage,
}

/// A request, as far as it says who calls.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
	/// What is wanted.
	pub action: Action,
	/// HTTP's method.
	pub method: &'a str,
	/// The path, and the query if there is one.
	pub path: &'a str,
	/// The headers; with gRPC its metadata.
	pub headers: &'a HeaderMap,
	/// The body as it came; with gRPC the message with its prefix of five bytes.
	pub body: &'a Bytes,
	/// The model.
	pub model: &'a str,
	/// The version that is asked for, or `None` for the default.
	pub version: Option<&'a str>,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
	/// Rows that were answered.
	pub rows: u64,
	/// Units, by the model's formula.
	pub units: u64,
}

/// What is kept for a call until it is answered. Dropping it gives it back: the call was not answered and is not
/// charged.
pub trait Charge: Send + Sync {
	/// Counts the call: it was answered.
	fn settle(self: Box<Self>, usage: Usage);
}

/// A call that may go on.
pub struct Admitted {
	/// Who goes first.
	pub priority: Priority,
	/// Who calls, as logs may tell it.
	pub caller: String,
	/// What it is charged to, if to anything.
	pub charge: Option<Box<dyn Charge>>,
}

impl fmt::Debug for Admitted {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self { priority, caller, charge } = self;
		let charged = charge.is_some();
		write!(f, "Admitted {{ {priority:?}, {caller:?}, charged: {charged} }}")
	}
}

/// Decides who may call.
pub trait Admission: Send + Sync + 'static {
	/// Turns away who can be told from the headers alone, before the body is read.
	fn greet(&self, headers: &HeaderMap) -> Result<(), Refusal>;

	/// Whether the call may go on.
	fn admit<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>>;

	/// The files that it comes from, if from any: the gateway has them read again when they change.
	fn files(self: Arc<Self>) -> Option<Arc<dyn Reload>> {
		None
	}
}

/// Everybody may call, and nobody is charged.
#[derive(Clone, Copy, Debug)]
pub struct Open;

impl Admission for Open {
	fn greet(&self, _: &HeaderMap) -> Result<(), Refusal> {
		Ok(())
	}

	fn admit<'a>(&'a self, _: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		let (priority, caller) = (Priority::Normal, String::new());
		Box::pin(std::future::ready(Ok(Admitted { priority, caller, charge: None })))
	}
}

/// The only header of that name, as text.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
	let mut values = headers.get_all(name).iter();
	let Some(value) = values.next() else { return Ok(None) };
	let text = value.to_str().ok().filter(|_| values.next().is_none());
	text.map(Some).ok_or_else(|| {
		Refusal::Unauthenticated(format!("the header `{name}` must be there once, as ASCII text"))
	})
}
