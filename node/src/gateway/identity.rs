//! Who serves at this node: an operator key, and the bonded account that has registered it.
//!
//! Both are read from the chain at each best block, so that the gateway signs and admits as soon as an account has
//! registered a key of this node, and no longer than it is registered.

use super::Error;
use crate::{
	service::FullClient,
	worker::{self, Operator},
};
use aimodel_gateway::{
	access::{Admitted, Call},
	Admission, Refusal, Signer,
};
use aimodel_primitives::operator::KEY_TYPE;
use aimodel_runtime::{AccountId, Hash};
use futures::future::BoxFuture;
use http::HeaderMap;
use parking_lot::RwLock;
use sp_core::sr25519;
use sp_keystore::KeystorePtr;
use std::sync::{Arc, OnceLock};

/// An operator key of the keystore, which signs receipts, and whose it is.
pub(super) struct Identity {
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	now: RwLock<Option<Operator>>,
}

impl Identity {
	pub(super) fn new(client: Arc<FullClient>, keystore: KeystorePtr) -> Self {
		Self { client, keystore, now: RwLock::default() }
	}

	/// Looks at a block. Not any key serves: one that a bonded account has registered, if there is one.
	pub(super) fn refresh(&self, at: Hash) -> Result<(), String> {
		let operators = worker::operators(&self.client, at, &self.keystore);
		let operators = operators.map_err(|error| error.to_string())?;
		let registered = operators.iter().find(|it| it.worker.is_some());
		let now = registered.or(operators.first()).cloned();
		if *self.now.read() != now {
			*self.now.write() = now;
		}
		Ok(())
	}

	/// The bonded account, while it is one.
	pub(super) fn worker(&self) -> Option<AccountId> {
		self.now.read().as_ref()?.worker.clone()
	}
}

impl Signer for Identity {
	fn public(&self) -> Option<sr25519::Public> {
		let operator = self.now.read().as_ref()?.operator.clone();
		Some(sr25519::Public::from_raw(operator.into()))
	}

	fn sign(&self, message: &[u8]) -> Result<(sr25519::Public, sr25519::Signature), String> {
		let public = self.public().ok_or("this node has no operator key")?;
		let signature = self.keystore.sr25519_sign(KEY_TYPE, &public, message);
		let signature = signature.map_err(|error| error.to_string())?;
		let signature = signature.ok_or("the operator key is not in the keystore any more")?;
		Ok((public, signature))
	}

	fn account(&self) -> Option<[u8; 32]> {
		self.worker().map(Into::into)
	}
}

/// Makes an admission for the callers of a bonded account.
type Make = dyn Fn(AccountId) -> Result<Arc<dyn Admission>, Error> + Send + Sync;

/// Admits callers of the account that serves here, and nobody while there is none.
pub(super) struct OfWorker {
	identity: Arc<Identity>,
	make: Box<Make>,
	/// Of the first account that served since the start: its vouchers are of no use to another.
	first: OnceLock<(AccountId, Arc<dyn Admission>)>,
}

impl OfWorker {
	pub(super) fn new(
		identity: Arc<Identity>,
		make: impl Fn(AccountId) -> Result<Arc<dyn Admission>, Error> + Send + Sync + 'static,
	) -> Self {
		Self { identity, make: Box::new(make), first: OnceLock::new() }
	}

	/// Begins to admit, once there is an account. Called by one thread at a time.
	pub(super) fn ready(&self) -> Result<(), Error> {
		if let (None, Some(worker)) = (self.first.get(), self.identity.worker()) {
			log::info!("🚪 Gateway: serves subscribers for {worker}");
			let admission = (self.make)(worker.clone())?;
			let _ = self.first.set((worker, admission));
		}
		Ok(())
	}

	fn now(&self) -> Result<&Arc<dyn Admission>, Refusal> {
		let unavailable = |reason: &str| Err(Refusal::Unavailable(reason.into()));
		match (self.first.get(), self.identity.worker()) {
			(Some((first, admission)), Some(worker)) if *first == worker => Ok(admission),
			(Some(_), Some(_)) => unavailable(
				"another account has registered the operator key: this node has to be restarted",
			),
			(_, None) => {
				unavailable("no bonded account has registered an operator key of this node yet")
			},
			(None, Some(_)) => unavailable("this node has just begun to serve; try again"),
		}
	}
}

impl Admission for OfWorker {
	fn greet(&self, headers: &HeaderMap) -> Result<(), Refusal> {
		self.now()?.greet(headers)
	}

	fn admit<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		Box::pin(async move {
			let admission = self.now()?;
			admission.admit(call).await
		})
	}
}
