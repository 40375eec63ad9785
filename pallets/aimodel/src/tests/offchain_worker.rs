//! The offchain worker signs each answer once, in one window of nonces at a time.

use super::{
	plans::{by, set_plans, STANDARD},
	world::*,
};
use crate::{
	offchain::{next_window, Window, MAX_IN_FLIGHT, MAX_TRIES, PATIENCE},
	*,
};
use aimodel_primitives::{
	inference::{
		InferenceExt, InferenceService, Job, JobId, JobOutput, JobResult, Poll, Submitted,
	},
	operator::KEY_TYPE,
	pricing::Offer,
	privacy::{Commitment, OpeningId, Privacy, Visibility},
	voucher::{
		host::{VoucherLedger, VouchersExt},
		Claim, Voucher,
	},
	BlobHash,
};
use codec::{Decode, Encode};
use frame_support::{assert_ok, traits::Hooks};
use pallet_zk_verifier::simulator::SimulatedKey;
use sp_core::{
	offchain::{
		testing::{PoolState, TestOffchainExt, TestTransactionPoolExt},
		OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
	},
	sr25519, Pair,
};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use sp_runtime::{
	testing::TestXt,
	traits::{Dispatchable, IdentifyAccount},
	AccountId32, MultiSigner,
};
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex},
};

/// Answers every job at once with zeros of the right length. What a job does is tested with the
/// native service itself; here only what is signed matters.
#[derive(Default)]
struct Zeros {
	jobs: Mutex<BTreeMap<JobId, Job>>,
	blobs: bool,
	openings: bool,
}

impl InferenceService for Zeros {
	fn submit(&self, job: Job) -> Submitted {
		match self.jobs.lock().unwrap().insert(job.id(), job) {
			None => Submitted::Queued,
			Some(_) => Submitted::Known,
		}
	}

	fn poll(&self, id: &JobId) -> Poll {
		match self.collect(id) {
			Some(result) => Poll::Ready(result.len() as u32),
			None => Poll::Missing,
		}
	}

	fn collect(&self, id: &JobId) -> Option<Vec<u8>> {
		self.jobs.lock().unwrap().get(id)?;
		let output = JobOutput::Inline(vec![0; 4]);
		Some(JobResult { output, proof: None }.encode())
	}

	fn holds_blob(&self, _: &BlobHash) -> bool {
		self.blobs
	}

	fn holds_opening(&self, id: &OpeningId) -> bool {
		self.openings && *id == Commitment::of(&CUSTOMER.into(), [1; 32]).opening()
	}

	fn note_submission(&self, accepted: bool) {
		assert!(accepted);
	}
}

/// A gateway that claims the same at any time.
struct Gateway(Claim<[u8; 32]>);

impl VoucherLedger for Gateway {
	fn claims(&self, worker: &[u8; 32]) -> Vec<Claim<[u8; 32]>> {
		assert_eq!(*worker, <[u8; 32]>::from(WORKER));
		vec![self.0.clone()]
	}
}

struct Node {
	world: sp_io::TestExternalities,
	pool: Arc<parking_lot::RwLock<PoolState>>,
	service: Arc<Zeros>,
}

/// A node with the operator key of a worker that serves a float model.
fn node(blobs: bool) -> (Node, AccountId32) {
	node_with(Zeros { blobs, ..Default::default() })
}

fn node_with(service: Zeros) -> (Node, AccountId32) {
	let keystore = MemoryKeystore::new();
	let public = keystore.sr25519_generate_new(KEY_TYPE, Some("//Worker")).unwrap();
	let operator = MultiSigner::from(public).into_account();
	let (offchain, _) = TestOffchainExt::new();
	let (pool, state) = TestTransactionPoolExt::new();
	let service = Arc::new(service);
	let mut world = new_world();
	world.register_extension(OffchainDbExt::new(offchain.clone()));
	world.register_extension(OffchainWorkerExt::new(offchain));
	world.register_extension(TransactionPoolExt::new(pool));
	world.register_extension(KeystoreExt::new(keystore));
	world.register_extension(InferenceExt(service.clone()));
	world.execute_with(|| {
		let (model, _) = deploy_served_attested();
		let origin = RuntimeOrigin::signed(WORKER);
		frame_support::assert_ok!(Workers::set_operator(origin, operator.clone()));
		assert_eq!(Aimodel::model(model).unwrap().open_requests, 0);
	});
	(Node { world, pool: state, service }, operator)
}

impl Node {
	fn order(&mut self, requests: usize) {
		self.world.execute_with(|| {
			let tip = Outputs::<Test>::iter_keys().next().unwrap();
			for _ in 0..requests {
				request(tip, Assurance::Attested, floats(2), ENDOWMENT / 100);
			}
			next_block();
		});
	}

	fn run_worker(&mut self, block: u64) {
		self.world.execute_with(|| Aimodel::offchain_worker(block));
	}

	/// Nonce and call of each transaction in the pool.
	fn signed(&self) -> Vec<(u64, RuntimeCall)> {
		let decode = |bytes: &Vec<u8>| {
			let transaction = TestXt::<RuntimeCall, ()>::decode(&mut &bytes[..]).unwrap();
			match transaction.preamble {
				sp_runtime::generic::Preamble::Signed(nonce, ..) => (nonce, transaction.function),
				other => panic!("expected a signed transaction, found {other:?}"),
			}
		};
		self.pool.read().transactions.iter().map(decode).collect()
	}
}

#[test]
fn a_job_is_submitted_then_its_result_is_signed_once() {
	let (mut node, _) = node(false);
	node.order(1);
	node.run_worker(2);
	assert_eq!(node.service.jobs.lock().unwrap().len(), 1);
	assert_eq!(node.signed().len(), 0);
	node.run_worker(3);
	node.run_worker(3);
	node.run_worker(4);
	let signed = node.signed();
	assert_eq!(signed.len(), 1);
	assert!(matches!(
		&signed[0],
		(0, RuntimeCall::Aimodel(Call::submit_result { request: 0, units: None, proof: None, .. }))
	));
}

#[test]
fn many_open_requests_get_consecutive_nonces() {
	let (mut node, _) = node(false);
	node.order(16);
	node.run_worker(2);
	node.run_worker(3);
	let nonces: Vec<_> = node.signed().into_iter().map(|(nonce, _)| nonce).collect();
	assert_eq!(nonces, (0..16).collect::<Vec<_>>());
}

#[test]
fn overlapping_runs_sign_once() {
	let (mut node, _) = node(false);
	node.order(4);
	node.run_worker(2);
	node.run_worker(3);
	node.run_worker(3);
	assert_eq!(node.signed().len(), 4);
}

#[test]
fn a_lease_is_accepted_only_with_all_blobs_at_hand() {
	for (blobs, expected) in [(false, 0), (true, 1)] {
		let (mut node, _) = node(blobs);
		node.world.execute_with(|| {
			let tip = Outputs::<Test>::iter_keys().next().unwrap();
			let blob = Input::Blob { hash: sp_core::H256::zero(), length: 8 };
			request(tip, Assurance::Attested, blob, ENDOWMENT / 100);
			next_block();
		});
		node.run_worker(2);
		let signed = node.signed();
		assert_eq!(signed.len(), expected);
		for (_, call) in signed {
			let accept = pallet_workers::Call::<Test>::accept { request: 0 };
			assert_eq!(call, RuntimeCall::Workers(accept));
		}
	}
}

#[test]
fn a_lease_of_a_commitment_is_accepted_only_when_it_was_opened() {
	for (blobs, openings, expected) in [(true, false, 0), (false, true, 0), (true, true, 1)] {
		let (mut node, _) = node_with(Zeros { blobs, openings, ..Default::default() });
		node.world.execute_with(|| {
			let privacy = Privacy { input: Visibility::Committed, ..Privacy::PUBLIC };
			let key = register_key(&OWNER, ARTIFACT, &SimulatedKey::new(5, 1));
			let (model, tip) = deploy(hidden_digits(key, privacy));
			serve(&WORKER, VersionId { model, index: 0 });
			request(tip, PROVEN, Input::Committed { commitment: [1; 32] }, PRICE);
			next_block();
		});
		node.run_worker(2);
		assert_eq!(node.signed().len(), expected, "{blobs} {openings}");
	}
}

#[test]
fn a_node_without_the_service_signs_nothing() {
	let (mut node, _) = node(false);
	node.order(1);
	let mut bare = new_world();
	bare.execute_with(|| {
		use aimodel_primitives::inference::inference;
		assert_eq!(inference::poll([0; 32]), Poll::NotAvailable);
		assert_eq!(inference::collect([0; 32], &mut []), Poll::NotAvailable);
		assert!(!inference::holds_blob([0; 32]));
	});
}

fn action(n: u8) -> [u8; 32] {
	[n; 32]
}

#[test]
fn nothing_is_signed_while_a_window_is_in_flight() {
	let empty = Window::<u32, u32>::default();
	let (window, signed) = next_window(empty, 5, 100, &[action(1), action(2)]).unwrap();
	assert_eq!((window.first, window.count, signed.len()), (5, 2, 2));
	// Neither at the same block nor at an older one, nor with the window half included.
	let due = [action(3)];
	assert_eq!(next_window(window.clone(), 5, 100, &due), None);
	assert_eq!(next_window(window.clone(), 5, 99, &due), None);
	assert_eq!(next_window(window.clone(), 6, 101, &due), None);
	let (next, _) = next_window(window, 7, 101, &due).unwrap();
	assert_eq!((next.first, next.count), (7, 1));
}

#[test]
fn a_lost_window_is_signed_again_after_a_while() {
	let (window, _) = next_window(Window::<u32, u32>::default(), 5, 100, &[action(1)]).unwrap();
	assert_eq!(next_window(window.clone(), 5, 100 + PATIENCE - 1, &[action(1)]), None);
	let (window, signed) = next_window(window, 5, 100 + PATIENCE, &[action(1)]).unwrap();
	assert_eq!((window.first, signed), (5, vec![action(1)]));
}

#[test]
fn an_action_that_keeps_failing_is_given_up() {
	let mut window = Window::<u32, u32>::default();
	let mut signed = 0;
	for block in (0..100 * PATIENCE).step_by(PATIENCE as usize) {
		if let Some((next, _)) = next_window(window.clone(), signed, block, &[action(1)]) {
			window = next;
			signed += 1;
		}
	}
	assert_eq!(signed, MAX_TRIES);
}

#[test]
fn a_window_is_bounded() {
	let due: Vec<_> = (0..=255).map(action).collect();
	let (window, signed) = next_window(Window::<u32, u32>::default(), 0, 1, &due).unwrap();
	assert_eq!(signed.len(), MAX_IN_FLIGHT);
	assert_eq!(window.tries.len(), MAX_IN_FLIGHT);
}

#[test]
fn calls_at_the_gateway_are_claimed_until_they_are_settled() {
	let (mut node, operator) = node(false);
	let customer = sr25519::Pair::from_seed(&[7; 32]);
	let account = customer.public().0;
	let claim = node.world.execute_with(|| {
		let (_, output) = Outputs::<Test>::iter().next().unwrap();
		let model = output.model;
		let plan = Plan { price: ENDOWMENT / 100, quota: None, ..STANDARD };
		set_plans(model, vec![Offer { plan, tier: Tier::Standard, to: None }]);
		assert_ok!(Balances::transfer_allow_death(by(&STRANGER), account.into(), ENDOWMENT / 10));
		assert_ok!(Aimodel::subscribe(by(&account.into()), tip(model), 0));
		let term = Aimodel::subscription(&account.into(), &model).unwrap().term;
		let genesis = System::block_hash(0);
		let voucher = Voucher { genesis, model, worker: WORKER.into(), term, calls: 5 };
		let signature = customer.sign(&voucher.message());
		Claim { account, model, signed: 5, signature, calls: 2 }
	});
	node.run_worker(2);
	assert_eq!(node.signed().len(), 0, "a node without a gateway claims nothing");
	node.world.register_extension(VouchersExt(Arc::new(Gateway(claim))));
	node.run_worker(3);
	node.run_worker(4);
	let [(0, call)] = &node.signed()[..] else { panic!("it is claimed once") };
	let RuntimeCall::Aimodel(Call::settle_calls { claims }) = call else { panic!("{call:?}") };
	assert_eq!((claims[0].signed, claims[0].calls), (5, 2));
	node.world.execute_with(|| {
		assert_ok!(call.clone().dispatch(RuntimeOrigin::signed(operator)));
		assert!(earned(&WORKER) > 0);
	});
	node.run_worker(3 + 2 * u64::from(PATIENCE));
	assert_eq!(node.signed().len(), 1);
}
