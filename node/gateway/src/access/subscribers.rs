//! Callers that have a plan on the chain, and sign each request with their account's key.
//!
//! Four headers say who calls: `aimodel-account` (the account's sr25519 key, 64 hexadecimal digits), `aimodel-time`
//! (milliseconds since 1970), `aimodel-nonce` (32 hexadecimal digits, never twice) and `aimodel-signature` (128
//! hexadecimal digits): the signature under [`call_message`], as it is or, as wallets do it, between `<Bytes>` and
//! `</Bytes>`. The message names chain and worker, so that nobody can use it elsewhere.
//!
//! A fifth, `aimodel-voucher`, is a voucher for the calls that the worker may claim of the plan
//! ([`aimodel_primitives::voucher`]): `TERM:CALLS:SIGNATURE`, the period, how many calls in all, and 128 hexadecimal
//! digits. It can be for more calls than one, and is left out as long as an earlier one is enough. Without enough of them a
//! call is refused with 402, and `aimodel-voucher-wanted: TERM:CALLS` says for how many to sign.

use super::{header, Action, Admission, Admitted, Call, Charge};
use crate::error::Refusal;
use aimodel_inference::serving::Priority;
use codec::Encode;
use futures::future::BoxFuture;
use http::HeaderMap;
use parking_lot::Mutex;
use sp_core::{crypto::Pair, sr25519, H256};
use sp_crypto_hashing::blake2_256;
use std::{
	collections::{HashMap, HashSet, VecDeque},
	time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What every message begins with that is signed as a call.
const DOMAIN: &[u8] = b"aimodel/call/1";

/// What the chain says of an account that calls.
pub struct Standing {
	/// Who goes first: by the tier of the plan.
	pub priority: Priority,
	/// One call of the plan's quota, kept for this call.
	pub charge: Box<dyn Charge>,
}

/// The chain, as far as it says who may call, and counts it.
pub trait Subscriptions: Send + Sync + 'static {
	/// Keeps a call of the account's quota for the model, or says why it has none: without a plan, or with one that
	/// pays for no more calls, [`Refusal::PaymentRequired`]; with a quota that is used up [`Refusal::TooMany`]; without a
	/// voucher for the call [`Refusal::VoucherWanted`]. What is settled is claimed on the chain in batches.
	fn reserve<'a>(
		&'a self,
		account: &'a [u8; 32],
		model: &'a str,
		version: Option<&'a str>,
		voucher: Option<SignedVoucher>,
	) -> BoxFuture<'a, Result<Standing, Refusal>>;
}

/// What comes with a call: that so many calls of a period may be claimed. Nobody has verified the signature yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignedVoucher {
	/// The period of the subscription.
	pub term: u64,
	/// Calls of the period, in all.
	pub calls: u64,
	/// The account's, under the voucher.
	pub signature: [u8; 64],
}

/// How strict.
#[derive(Clone, Debug)]
pub struct SubscribersConfig {
	/// The chain.
	pub genesis: H256,
	/// The bonded account that serves.
	pub worker: [u8; 32],
	/// Requests that were signed before are refused, in milliseconds since 1970: which of them were answered is
	/// not known. When the gateway was started.
	pub since: u64,
	/// How far the time of a request may be from this node's, either way.
	pub skew: Duration,
	/// Calls of one account that are remembered, so that none is taken twice: the most within twice the skew.
	pub calls_per_account: usize,
	/// Calls of all accounts that are remembered.
	pub calls: usize,
}

impl SubscribersConfig {
	/// Of a worker on a chain.
	pub fn new(genesis: H256, worker: [u8; 32]) -> Self {
		let skew = Duration::from_secs(30);
		let since = now();
		Self { genesis, worker, since, skew, calls_per_account: 1 << 18, calls: 1 << 20 }
	}
}

/// Admits who has a plan.
pub struct Subscribers<S> {
	config: SubscribersConfig,
	subscriptions: S,
	seen: Mutex<Seen>,
}

/// The calls that were taken, by when they can be forgotten.
#[derive(Default)]
struct Seen {
	calls: HashSet<([u8; 32], [u8; 16])>,
	accounts: HashMap<[u8; 32], usize>,
	order: VecDeque<(u64, [u8; 32], [u8; 16])>,
}

struct Claim {
	account: [u8; 32],
	time: u64,
	nonce: [u8; 16],
	signature: [u8; 64],
}

/// What an account signs to call: `b"aimodel/call/1"`, then SCALE of the genesis hash, the worker's account, the method
/// and the path (with its query) as strings, `blake2_256` of the body, the time as `u64` and the nonce as 16 bytes.
/// With gRPC the method is `POST`, the path `/inference.GRPCInferenceService/ModelInfer` (or `ModelStreamInfer`), and the
/// body the message with its prefix of five bytes.
pub fn call_message(
	genesis: &H256,
	worker: &[u8; 32],
	method: &str,
	path: &str,
	body: &[u8],
	time: u64,
	nonce: &[u8; 16],
) -> Vec<u8> {
	let mut message = DOMAIN.to_vec();
	(genesis, worker, method, path, blake2_256(body), time, nonce).encode_to(&mut message);
	message
}

impl<S: Subscriptions> Subscribers<S> {
	/// Admits who has a plan by `subscriptions`.
	pub fn new(config: SubscribersConfig, subscriptions: S) -> Self {
		Self { config, subscriptions, seen: Mutex::default() }
	}

	/// Who says to call, if at a time that is not too far.
	fn claim(&self, headers: &HeaderMap, now: u64) -> Result<Claim, Refusal> {
		let claim = Claim {
			account: digits(headers, "aimodel-account")?,
			time: text(headers, "aimodel-time")?.parse().map_err(|_| {
				let reason = "the header `aimodel-time` must be milliseconds since 1970";
				Refusal::Unauthenticated(reason.into())
			})?,
			nonce: digits(headers, "aimodel-nonce")?,
			signature: digits(headers, "aimodel-signature")?,
		};
		let (skew, off) = (self.config.skew, Duration::from_millis(claim.time.abs_diff(now)));
		if off > skew {
			return Err(Refusal::Unauthenticated(format!(
				"the request is signed for {}, which is {off:?} from this node's time {now}; {skew:?} is the most",
				claim.time
			)));
		}
		if claim.time < self.config.since {
			let reason = "the request was signed before this gateway was started: sign it anew";
			return Err(Refusal::Unauthenticated(reason.into()));
		}
		Ok(claim)
	}

	fn verify(&self, claim: &Claim, call: &Call) -> Result<(), Refusal> {
		let SubscribersConfig { genesis, worker, .. } = &self.config;
		let Call { method, path, body, .. } = *call;
		let message = call_message(genesis, worker, method, path, body, claim.time, &claim.nonce);
		let signature = sr25519::Signature::from_raw(claim.signature);
		let account = sr25519::Public::from_raw(claim.account);
		let valid = |message: &[u8]| sr25519::Pair::verify(&signature, message, &account);
		if valid(&message) || valid(&[b"<Bytes>", &message[..], b"</Bytes>"].concat()) {
			return Ok(());
		}
		Err(Refusal::Unauthenticated(format!(
			"the signature is not the account's under this call: {method} {path} with a body whose blake2_256 is \
			 0x{}, at the worker 0x{} of the chain 0x{}",
			hex::encode(blake2_256(body)),
			hex::encode(worker),
			hex::encode(genesis),
		)))
	}

	async fn admit(&self, call: Call<'_>) -> Result<Admitted, Refusal> {
		if call.action == Action::Manage {
			let reason = "subscribers call models; only the operator loads and unloads them";
			return Err(Refusal::Forbidden(reason.into()));
		}
		let claim = self.claim(call.headers, now())?;
		self.verify(&claim, &call)?;
		let voucher = voucher(call.headers)?;
		self.seen.lock().refuse_known(&claim)?;
		// A plan first: only who has one takes room among the calls that are remembered.
		let Standing { priority, charge } =
			self.subscriptions.reserve(&claim.account, call.model, call.version, voucher).await?;
		self.seen.lock().take(&claim, now(), &self.config)?;
		let caller = format!("0x{}", hex::encode(claim.account));
		Ok(Admitted { priority, caller, charge: Some(charge) })
	}
}

impl Seen {
	fn refuse_known(&self, claim: &Claim) -> Result<(), Refusal> {
		if self.calls.contains(&(claim.account, claim.nonce)) {
			let reason = "this call was made already: sign each with another nonce";
			return Err(Refusal::Unauthenticated(reason.into()));
		}
		Ok(())
	}

	/// Remembers a call that was not there yet.
	fn take(&mut self, claim: &Claim, now: u64, config: &SubscribersConfig) -> Result<(), Refusal> {
		while let Some(&(until, account, nonce)) = self.order.front() {
			if until >= now {
				break;
			}
			self.order.pop_front();
			self.calls.remove(&(account, nonce));
			if let Some(count) = self.accounts.get_mut(&account) {
				*count -= 1;
				if *count == 0 {
					self.accounts.remove(&account);
				}
			}
		}
		self.refuse_known(claim)?;
		let again_in = config.skew;
		let count = self.accounts.get(&claim.account).copied().unwrap_or(0);
		if count >= config.calls_per_account {
			let reason =
				format!("{count} calls within {:?} are the most of an account", again_in * 2);
			return Err(Refusal::TooMany { reason, again_in });
		}
		if self.calls.len() >= config.calls {
			let reason = format!("{} calls within {:?} are the most", config.calls, again_in * 2);
			return Err(Refusal::TooMany { reason, again_in });
		}
		// By arrival, so that the queue is in order: a call is too old for its time at most twice the skew after that.
		let until = now.saturating_add(millis(config.skew).saturating_mul(2));
		self.calls.insert((claim.account, claim.nonce));
		*self.accounts.entry(claim.account).or_default() += 1;
		self.order.push_back((until, claim.account, claim.nonce));
		Ok(())
	}
}

impl<S: Subscriptions> Admission for Subscribers<S> {
	fn greet(&self, headers: &HeaderMap) -> Result<(), Refusal> {
		self.claim(headers, now()).map(drop)
	}

	fn admit<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Admitted, Refusal>> {
		Box::pin(self.admit(call))
	}
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
	header(headers, name)?.ok_or_else(|| {
		Refusal::Unauthenticated(format!(
			"the header `{name}` is missing: requests are signed by a subscriber, with aimodel-account, aimodel-time, \
			 aimodel-nonce and aimodel-signature"
		))
	})
}

fn digits<const N: usize>(headers: &HeaderMap, name: &str) -> Result<[u8; N], Refusal> {
	bytes(text(headers, name)?).ok_or_else(|| {
		Refusal::Unauthenticated(format!(
			"the header `{name}` must be {} hexadecimal digits",
			N * 2
		))
	})
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
	let mut bytes = [0; N];
	let digits = text.strip_prefix("0x").unwrap_or(text);
	hex::decode_to_slice(digits, &mut bytes).ok()?;
	Some(bytes)
}

/// The voucher that came with a call, if one did.
fn voucher(headers: &HeaderMap) -> Result<Option<SignedVoucher>, Refusal> {
	let Some(text) = header(headers, "aimodel-voucher")? else { return Ok(None) };
	let mut parts = text.splitn(3, ':');
	let mut part = || parts.next();
	let voucher = (|| {
		let (term, calls) = (part()?.parse().ok()?, part()?.parse().ok()?);
		Some(SignedVoucher { term, calls, signature: bytes(part()?)? })
	})();
	voucher.map(Some).ok_or_else(|| {
		let reason = "the header `aimodel-voucher` must be TERM:CALLS:SIGNATURE, two numbers and 128 hexadecimal digits";
		Refusal::Unauthenticated(reason.into())
	})
}

fn millis(duration: Duration) -> u64 {
	u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> u64 {
	SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

#[cfg(test)]
mod tests;
