use super::*;
use sp_core::Pair;

const GENESIS: H256 = H256::repeat_byte(1);
const WORKER: [u8; 32] = [2; 32];
const TERM: u64 = 7;
const UNTIL: u64 = 1_000;
const PATIENCE: u32 = 50;

struct World {
	ledger: Arc<Ledger>,
	folder: tempfile::TempDir,
	alice: sr25519::Pair,
	/// What the chain says.
	chain: VoucherInfo,
	/// Calls of the quota that are left.
	left: Option<u64>,
	/// The block at which it says so.
	now: u32,
}

fn world() -> World {
	let folder = tempfile::tempdir().unwrap();
	let ledger = open(&folder).unwrap();
	let chain = VoucherInfo { term: TERM, settled: 0, room: 100, refusal: None };
	World { ledger, folder, alice: sr25519::Pair::from_seed(&[3; 32]), chain, left: None, now: 0 }
}

fn open(folder: &tempfile::TempDir) -> Result<Arc<Ledger>, LedgerError> {
	Ledger::open(&folder.path().join("vouchers"), GENESIS, WORKER, PATIENCE).map(Arc::new)
}

fn model() -> ModelId {
	ModelId::from([4; 32])
}

impl World {
	fn key(&self) -> Key {
		(self.alice.public().0, model())
	}

	fn voucher(&self, term: u64, calls: u64) -> SignedVoucher {
		let voucher = Voucher { genesis: GENESIS, model: model(), worker: WORKER, term, calls };
		SignedVoucher { term, calls, signature: self.alice.sign(&voucher.message()).0 }
	}

	fn reserve(&self, voucher: Option<SignedVoucher>) -> Result<Box<dyn Charge>, Refusal> {
		let paid = Paid { info: self.chain, until: UNTIL, left: self.left, at: self.now };
		self.ledger.reserve(self.key(), &paid, voucher)
	}

	/// Calls with one more voucher each.
	fn call(&self, calls: std::ops::RangeInclusive<u64>) {
		for calls in calls {
			let charge = self.reserve(Some(self.voucher(self.chain.term, calls))).unwrap();
			charge.settle(Usage::default());
		}
	}

	fn refused(&self, voucher: Option<SignedVoucher>) -> Refusal {
		self.reserve(voucher).err().expect("it is refused")
	}

	fn wanted(&self, calls: u64) -> Refusal {
		let wanted = VoucherWanted { model: model(), term: self.chain.term, calls };
		Refusal::VoucherWanted(wanted)
	}

	fn at(&self, now: u32) -> Vec<Lost> {
		let chain = |_: &Key| Ok::<_, ()>(Some(self.chain));
		self.ledger.refresh(now, chain).unwrap()
	}

	/// Calls that are claimed.
	fn claimed(&self) -> Option<u64> {
		let claims = self.ledger.claims(&WORKER);
		let claim = claims.first()?;
		let voucher = Voucher {
			genesis: GENESIS,
			model: claim.model,
			worker: WORKER,
			term: self.chain.term,
			calls: claim.signed,
		};
		assert!(voucher.is_signed_by(claim.account, &claim.signature));
		assert!(claim.calls <= claim.signed);
		Some(claim.calls)
	}
}

#[test]
fn a_call_needs_a_voucher_that_counts_it() {
	let world = world();
	assert_eq!(world.refused(None), world.wanted(1));
	world.call(1..=1);
	assert_eq!(world.refused(Some(world.voucher(TERM, 1))), world.wanted(2));
	assert_eq!(world.refused(Some(world.voucher(TERM - 1, 9))), world.wanted(2));
	world.call(2..=2);
}

#[test]
fn one_voucher_is_enough_for_as_many_calls_as_it_says_in_any_order() {
	let world = world();
	let calls: Vec<_> = [Some(world.voucher(TERM, 3)), Some(world.voucher(TERM, 1)), None]
		.map(|it| world.reserve(it).unwrap())
		.into();
	assert_eq!(world.refused(None), world.wanted(4));
	// What was not answered is not counted.
	drop(calls);
	assert_eq!(world.ledger.unsettled(), 0);
	for _ in 0..3 {
		world.reserve(None).unwrap().settle(Usage::default());
	}
	assert_eq!(world.refused(None), world.wanted(4));
}

#[test]
fn a_voucher_that_is_not_signed_is_refused_and_changes_nothing() {
	let world = world();
	let mut forged = world.voucher(TERM, 5);
	forged.calls = 6;
	assert!(matches!(world.refused(Some(forged)), Refusal::Unauthenticated(_)));
	assert_eq!(world.refused(None), world.wanted(1));
}

#[test]
fn no_more_is_answered_than_the_chain_would_settle() {
	let mut world = world();
	world.chain.room = 2;
	world.call(1..=2);
	assert!(matches!(world.refused(Some(world.voucher(TERM, 9))), Refusal::PaymentRequired(_)));
	// Once they are settled, there is as much room as the chain says then.
	world.chain = VoucherInfo { settled: 2, room: 1, ..world.chain };
	world.call(3..=3);
	assert!(matches!(world.refused(Some(world.voucher(TERM, 9))), Refusal::PaymentRequired(_)));
}

#[test]
fn a_quota_is_used_up_before_the_price() {
	let mut world = world();
	world.left = Some(2);
	world.call(1..=2);
	let Refusal::TooMany { reason, .. } = world.refused(Some(world.voucher(TERM, 3))) else {
		panic!("the quota is used up")
	};
	assert_eq!(reason, "the calls of this period are used up; it ends in 1000 blocks");
}

#[test]
fn calls_are_claimed_together_after_a_while() {
	let world = world();
	world.at(100);
	world.call(1..=3);
	assert_eq!(world.claimed(), None);
	world.at(100 + PATIENCE - 1);
	assert_eq!(world.claimed(), None);
	world.at(100 + PATIENCE);
	assert_eq!(world.claimed(), Some(3));
	assert_eq!(world.ledger.claims(&[9; 32]).len(), 0, "another worker's");
}

#[test]
fn many_calls_do_not_wait_nor_does_the_end_of_a_period() {
	let mut world = world();
	world.chain.room = 10_000;
	world.at(100);
	let voucher = Some(world.voucher(TERM, MANY));
	for _ in 0..MANY {
		world.reserve(voucher).unwrap().settle(Usage::default());
	}
	assert_eq!(world.claimed(), Some(MANY));
	world.chain.settled = MANY;
	world.at(101);
	assert_eq!(world.claimed(), None);
	world.call(MANY + 1..=MANY + 1);
	assert_eq!(world.claimed(), None);
	world.at((UNTIL - HASTE) as u32);
	assert_eq!(world.claimed(), Some(MANY + 1));
}

#[test]
fn what_was_settled_is_not_claimed_again_unless_its_block_is_taken_back() {
	let mut world = world();
	world.call(1..=3);
	world.at(PATIENCE);
	assert_eq!(world.claimed(), Some(3));
	world.chain.settled = 3;
	world.at(PATIENCE + 1);
	assert_eq!((world.claimed(), world.ledger.unsettled()), (None, 0));
	world.chain.settled = 0;
	assert_eq!(world.refused(None), world.wanted(4));
	world.at(3 * PATIENCE);
	world.call(4..=4);
	world.at(4 * PATIENCE);
	assert_eq!(world.claimed(), Some(4));
}

#[test]
fn what_the_chain_would_not_settle_is_not_claimed_and_is_in_nobodys_way() {
	let mut world = world();
	world.call(1..=3);
	let quota = std::mem::replace(&mut world.chain.room, 0);
	world.at(PATIENCE);
	assert_eq!((world.claimed(), world.ledger.unsettled()), (None, 3));
	// A call that was not answered is given back, say.
	world.chain.room = quota;
	world.at(PATIENCE + 1);
	assert_eq!(world.claimed(), Some(3));
}

#[test]
fn nothing_waits_where_the_subscriber_can_have_its_money_back() {
	let mut world = world();
	world.at(100);
	world.call(1..=1);
	assert_eq!(world.claimed(), None);
	world.chain.refusal = Some(CallRefusal::Retired);
	world.at(101);
	assert_eq!(world.claimed(), Some(1));
}

#[test]
fn no_more_is_claimed_than_was_signed_where_another_settled_more_in_a_block_that_is_taken_back() {
	let mut world = world();
	world.call(1..=2);
	world.chain.settled = 5;
	world.call(6..=6);
	world.chain.settled = 0;
	world.at(PATIENCE);
	assert_eq!(world.claimed(), Some(6));

	let mut world = self::world();
	world.call(1..=2);
	world.chain.settled = 5;
	assert_eq!(world.refused(None), world.wanted(6));
	world.chain.settled = 0;
	world.at(PATIENCE);
	assert_eq!(world.claimed(), None, "nothing new was answered since it was settled");
	assert_eq!(world.refused(None), world.wanted(6));
}

#[test]
fn what_the_chain_said_before_a_period_began_does_not_end_it() {
	let mut world = world();
	(world.now, world.chain.term) = (10, TERM + 1);
	world.call(1..=2);
	// Who read the block before comes late, and so does what follows the chain.
	(world.now, world.chain.term) = (9, TERM);
	assert!(matches!(world.refused(Some(world.voucher(TERM, 9))), Refusal::Unavailable(_)));
	assert_eq!((world.at(9).len(), world.ledger.unsettled()), (0, 2));
	// If it says so later, the blocks between were taken back.
	assert_eq!((world.at(10).len(), world.ledger.unsettled()), (1, 0));
}

#[test]
fn what_a_period_leaves_unsettled_is_lost_and_told() {
	let mut world = world();
	world.call(1..=3);
	world.chain.term = TERM + 1;
	let [Lost { account, model: of, calls }] = &world.at(10)[..] else { panic!("it is told once") };
	assert_eq!((*account, *of, *calls), (world.key().0, model(), 3));
	// Also where a call of the next period comes first.
	world.call(1..=2);
	world.chain.term += 1;
	world.call(1..=1);
	assert_eq!(world.at(11).iter().map(|lost| lost.calls).collect::<Vec<_>>(), [2]);
	(world.chain.term, world.ledger) = (TERM + 1, open(&tempfile::tempdir().unwrap()).unwrap());
	assert_eq!(world.at(11).len(), 0);
	// The next one begins at the first call.
	assert_eq!(world.refused(Some(world.voucher(TERM, 9))), world.wanted(1));
	world.call(1..=1);
}

#[test]
fn a_call_that_outlives_its_period_is_not_of_the_next() {
	let mut world = world();
	let old = world.reserve(Some(world.voucher(TERM, 1))).unwrap();
	world.chain.term = TERM + 1;
	world.call(1..=1);
	old.settle(Usage::default());
	assert_eq!(world.ledger.unsettled(), 1);
}

#[test]
fn a_node_that_starts_again_claims_what_it_had() {
	let mut world = world();
	world.at(5);
	world.call(1..=3);
	let running = world.reserve(Some(world.voucher(TERM, 5))).unwrap();
	world.ledger.save().unwrap();
	std::mem::forget(running);
	world.ledger = open(&world.folder).unwrap();
	world.at(5 + PATIENCE);
	assert_eq!(world.claimed(), Some(3));
	// What ran when it ended was not answered, and the voucher is enough for two more.
	for _ in 0..2 {
		world.reserve(None).unwrap().settle(Usage::default());
	}
	assert_eq!(world.refused(None), world.wanted(6));
}

#[test]
fn a_node_that_forgot_begins_with_what_the_chain_has_settled() {
	let mut world = world();
	world.chain.settled = 40;
	assert_eq!(world.refused(None), world.wanted(41));
	world.call(41..=41);
}

#[test]
fn a_file_of_something_else_is_refused_and_kept() {
	let world = world();
	world.call(1..=1);
	world.ledger.save().unwrap();
	let path = world.folder.path().join("vouchers");
	let sound = fs::read(&path).unwrap();
	let other = Ledger::open(&path, H256::zero(), WORKER, PATIENCE);
	assert!(matches!(other, Err(LedgerError::Malformed { .. })), "of another chain");
	for broken in [&sound[..sound.len() - 1], &[&sound[..], &[0]].concat(), b"", b"{}"] {
		fs::write(&path, broken).unwrap();
		let error = open(&world.folder).err().unwrap().to_string();
		assert!(error.contains("restore it, or remove it"), "{error}");
		assert_eq!(fs::read(&path).unwrap(), broken);
	}
}
