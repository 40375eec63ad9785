use super::*;
use crate::access::Usage;
use bytes::Bytes;
use futures::FutureExt;
use std::sync::{
	atomic::{AtomicU64, Ordering},
	Arc,
};

const GENESIS: H256 = H256::repeat_byte(1);
const WORKER: [u8; 32] = [2; 32];

/// A plan of one account: so many calls are left, so many were settled.
#[derive(Clone)]
struct Plan {
	account: [u8; 32],
	left: Arc<AtomicU64>,
	settled: Arc<AtomicU64>,
	/// Those that came.
	vouchers: Arc<Mutex<Vec<Option<SignedVoucher>>>>,
}

struct Kept {
	plan: Plan,
	settled: bool,
}

impl Charge for Kept {
	fn settle(mut self: Box<Self>, usage: Usage) {
		self.settled = true;
		self.plan.settled.fetch_add(usage.units, Ordering::SeqCst);
	}
}

impl Drop for Kept {
	fn drop(&mut self) {
		if !self.settled {
			self.plan.left.fetch_add(1, Ordering::SeqCst);
		}
	}
}

impl Subscriptions for Plan {
	fn reserve<'a>(
		&'a self,
		account: &'a [u8; 32],
		model: &'a str,
		_: Option<&'a str>,
		voucher: Option<SignedVoucher>,
	) -> BoxFuture<'a, Result<Standing, Refusal>> {
		let less = |left: u64| left.checked_sub(1);
		self.vouchers.lock().push(voucher);
		let standing = if *account != self.account || model != "m" {
			Err(Refusal::PaymentRequired(format!("the account has no plan of `{model}`")))
		} else if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
			let (reason, again_in) = ("the quota is used up".into(), Duration::from_secs(60));
			Err(Refusal::TooMany { reason, again_in })
		} else {
			let charge = Box::new(Kept { plan: self.clone(), settled: false });
			Ok(Standing { priority: Priority::High, charge })
		};
		Box::pin(std::future::ready(standing))
	}
}

struct World {
	pair: sr25519::Pair,
	plan: Plan,
	subscribers: Subscribers<Plan>,
	next: std::cell::Cell<u8>,
}

/// A call as a client makes it.
struct Made {
	method: &'static str,
	path: &'static str,
	body: Bytes,
	headers: HeaderMap,
}

fn world(calls: u64) -> World {
	let pair = sr25519::Pair::from_seed(&[3; 32]);
	let (left, settled) = (Arc::new(AtomicU64::new(calls)), Arc::default());
	let plan = Plan { account: pair.public().0, left, settled, vouchers: Arc::default() };
	let config = SubscribersConfig::new(GENESIS, WORKER);
	let config = SubscribersConfig { since: 0, calls_per_account: 3, ..config };
	let subscribers = Subscribers::new(config, plan.clone());
	World { pair, plan, subscribers, next: std::cell::Cell::new(0) }
}

impl World {
	fn sign_at(&self, time: u64, wrap: bool) -> Made {
		self.next.set(self.next.get() + 1);
		let (method, path, body) = ("POST", "/v2/models/m/infer", Bytes::from_static(b"body"));
		let nonce = [self.next.get(); 16];
		let mut message = call_message(&GENESIS, &WORKER, method, path, &body, time, &nonce);
		if wrap {
			message = [b"<Bytes>", &message[..], b"</Bytes>"].concat();
		}
		let mut headers = HeaderMap::new();
		let mut insert = |name, value: String| headers.insert(name, value.parse().unwrap());
		insert("aimodel-account", hex::encode(self.pair.public()));
		insert("aimodel-time", time.to_string());
		insert("aimodel-nonce", hex::encode(nonce));
		insert("aimodel-signature", format!("0x{}", hex::encode(self.pair.sign(&message))));
		Made { method, path, body, headers }
	}

	fn sign(&self) -> Made {
		self.sign_at(now(), false)
	}

	fn call(&self, made: &Made) -> Result<Admitted, Refusal> {
		self.call_as(made, Action::Infer, "m")
	}

	fn call_as(&self, made: &Made, action: Action, model: &str) -> Result<Admitted, Refusal> {
		let Made { method, path, body, headers } = made;
		self.subscribers.greet(headers)?;
		let call = Call { action, method, path, headers, body, model, version: None };
		Admission::admit(&self.subscribers, call).now_or_never().unwrap()
	}

	fn left(&self) -> u64 {
		self.plan.left.load(Ordering::SeqCst)
	}
}

#[test]
fn a_subscriber_calls_and_is_counted() {
	let world = world(2);
	let admitted = world.call(&world.sign()).unwrap();
	assert_eq!(admitted.priority, Priority::High);
	assert_eq!(world.left(), 1);
	admitted.charge.unwrap().settle(Usage { rows: 1, units: 794 });
	assert_eq!((world.left(), world.plan.settled.load(Ordering::SeqCst)), (1, 794));
}

#[test]
fn wallets_wrap_what_they_sign() {
	let world = world(1);
	assert!(world.call(&world.sign_at(now(), true)).is_ok());
}

#[test]
fn a_call_that_is_not_answered_is_given_back() {
	let world = world(1);
	drop(world.call(&world.sign()).unwrap());
	assert_eq!(world.left(), 1);
}

#[test]
fn a_call_is_taken_once() {
	let world = world(9);
	let made = world.sign();
	drop(world.call(&made).unwrap());
	assert!(
		matches!(world.call(&made), Err(Refusal::Unauthenticated(reason)) if reason.contains("already"))
	);
	assert_eq!(world.left(), 9);
}

#[test]
fn what_was_not_signed_is_refused() {
	let changes: [fn(&mut Made); 6] = [
		|made| made.method = "GET",
		|made| made.path = "/v2/models/m/versions/1/infer",
		|made| made.body = Bytes::from_static(b"Body"),
		|made| drop(made.headers.insert("aimodel-nonce", "07".repeat(16).parse().unwrap())),
		|made| drop(made.headers.insert("aimodel-time", (now() + 1).to_string().parse().unwrap())),
		|made| drop(made.headers.insert("aimodel-account", "05".repeat(32).parse().unwrap())),
	];
	let world = world(9);
	for change in changes {
		let mut made = world.sign();
		change(&mut made);
		let refused = world.call(&made).unwrap_err();
		assert!(matches!(refused, Refusal::Unauthenticated(_)), "{refused}");
	}
	assert_eq!(world.left(), 9);
}

#[test]
fn a_call_for_another_worker_or_chain_is_refused() {
	let world = world(9);
	let made = world.sign();
	for (genesis, worker) in [(H256::zero(), WORKER), (GENESIS, [0; 32])] {
		let config = SubscribersConfig::new(genesis, worker);
		let subscribers = Subscribers::new(config, world.plan.clone());
		let Made { method, path, body, headers } = &made;
		let (action, model, version) = (Action::Infer, "m", None);
		let call = Call { action, method, path, headers, body, model, version };
		let refused = Admission::admit(&subscribers, call).now_or_never().unwrap().unwrap_err();
		assert!(matches!(refused, Refusal::Unauthenticated(_)), "{refused}");
	}
}

#[test]
fn times_are_near() {
	let world = world(9);
	for far in [now() - 31_000, now() + 31_000, 0, u64::MAX] {
		let refused = world.call(&world.sign_at(far, false)).unwrap_err().to_string();
		assert!(refused.contains("30s is the most"), "{refused}");
	}
	assert!(world.call(&world.sign_at(now() - 29_000, false)).is_ok());
	assert!(world.call(&world.sign_at(now() + 29_000, false)).is_ok());
}

#[test]
fn what_was_signed_before_the_gateway_was_started_may_have_been_answered() {
	let world = world(9);
	let config = SubscribersConfig { since: now(), ..world.subscribers.config.clone() };
	let subscribers = Subscribers::new(config, world.plan.clone());
	let greet = |time| subscribers.greet(&world.sign_at(time, false).headers);
	assert!(greet(now() - 1_000).unwrap_err().to_string().contains("sign it anew"));
	assert!(greet(now() + 1_000).is_ok());
}

#[test]
fn a_voucher_comes_with_a_call_or_does_not() {
	let world = world(9);
	drop(world.call(&world.sign()).unwrap());
	let mut made = world.sign();
	let signature = "ab".repeat(64);
	made.headers.insert("aimodel-voucher", format!("7:12:0x{signature}").parse().unwrap());
	drop(world.call(&made).unwrap());
	let voucher = SignedVoucher { term: 7, calls: 12, signature: [0xab; 64] };
	assert_eq!(*world.plan.vouchers.lock(), [None, Some(voucher)]);
	for malformed in ["7:12", "7:12:ab", "-1:12:", "7", "", &format!("7:12:{signature}:")] {
		let mut made = world.sign();
		made.headers.insert("aimodel-voucher", malformed.parse().unwrap());
		let refused = world.call(&made).unwrap_err().to_string();
		assert!(refused.contains("TERM:CALLS:SIGNATURE"), "{refused}");
	}
}

#[test]
fn headers_are_all_there_and_of_their_form() {
	let world = world(9);
	for name in ["aimodel-account", "aimodel-time", "aimodel-nonce", "aimodel-signature"] {
		let mut made = world.sign();
		made.headers.remove(name);
		assert!(world.call(&made).unwrap_err().to_string().contains(name));
		made.headers.insert(name, "zz".parse().unwrap());
		assert!(world.call(&made).unwrap_err().to_string().contains(name));
		let mut twice = world.sign();
		let value = twice.headers[name].clone();
		twice.headers.append(name, value);
		assert!(world.call(&twice).unwrap_err().to_string().contains("once"));
	}
}

#[test]
fn the_chain_refuses_who_has_no_plan_or_no_quota() {
	let none = world(0);
	let refused = none.call(&none.sign()).unwrap_err();
	assert!(matches!(refused, Refusal::TooMany { .. }), "{refused}");
	let refused = none.call_as(&none.sign(), Action::Infer, "other").unwrap_err();
	assert!(matches!(refused, Refusal::PaymentRequired(_)), "{refused}");
	let refused = none.call_as(&none.sign(), Action::Manage, "m").unwrap_err();
	assert!(matches!(refused, Refusal::Forbidden(_)), "{refused}");
}

#[test]
fn no_account_fills_the_memory() {
	let world = world(9);
	for _ in 0..3 {
		drop(world.call(&world.sign()).unwrap());
	}
	let refused = world.call(&world.sign()).unwrap_err().to_string();
	assert!(refused.contains("3 calls within 60s"), "{refused}");
	assert_eq!(world.left(), 9);
}

#[test]
fn calls_are_forgotten_when_they_are_too_old_to_come_again() {
	let world = world(9);
	let claim = |nonce| Claim { account: [1; 32], time: 0, nonce: [nonce; 16], signature: [0; 64] };
	let config = &world.subscribers.config;
	let mut seen = Seen::default();
	for nonce in 0..3 {
		seen.take(&claim(nonce), 1_000, config).unwrap();
	}
	assert!(seen.take(&claim(3), 61_000, config).is_err());
	assert!(seen.take(&claim(3), 61_001, config).is_ok());
	assert_eq!((seen.calls.len(), seen.order.len(), seen.accounts[&[1; 32]]), (1, 1, 1));
}
