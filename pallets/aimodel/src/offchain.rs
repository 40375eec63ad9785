//! The offchain worker: short, idempotent, and never blocking.
//!
//! At each best block it looks at the leases of the workers whose operator keys this node holds.
//! For each it submits a job to the native service, or collects the job's result, and signs. It signs too
//! what the node's gateway claims of calls that subscribers made there.
//!
//! Nonces are the delicate part. Every run sees the state of its own block, so that two runs before
//! an inclusion would sign the same nonce twice. Therefore one [`Window`] of transactions is in
//! flight per key: its bounds lie in the node's offchain storage, are changed by compare-and-set
//! alone, and nothing more is signed until the state's nonce has passed the window, or until
//! [`PATIENCE`] blocks have gone by.

use crate::{query_impls::MAX_JOBS, *};
use aimodel_primitives::{
	inference::{
		inference as host, job_id, Job, JobOutput, JobResult, Poll, ProofTask, Submitted,
		MAX_RESULT_BYTES,
	},
	voucher::host::{vouchers, MAX_CLAIMS_BYTES},
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use core::fmt;
use frame_support::pallet_prelude::*;
use frame_system::{
	offchain::{AppCrypto, CreateSignedTransaction, CreateTransactionBase, SubmitTransaction},
	pallet_prelude::BlockNumberFor,
};
use sp_runtime::{
	offchain::storage::{MutateStorageError, StorageValueRef},
	traits::{Convert, IdentifyAccount, Saturating},
	RuntimeAppPublic,
};

/// Blocks to wait for a window to be included before its nonces are used again.
pub const PATIENCE: u32 = 8;

/// The most transactions in flight for one key.
pub const MAX_IN_FLIGHT: usize = 64;

/// How often one action is signed before it is given up.
pub const MAX_TRIES: u32 = 4;

type CallOf<T> = <T as CreateTransactionBase<Call<T>>>::RuntimeCall;

/// The transactions that are in flight for one key, and how often each action was signed.
#[derive(Clone, Debug, Decode, Default, Encode, Eq, PartialEq)]
pub struct Window<Nonce, BlockNumber> {
	/// The first nonce.
	pub first: Nonce,
	/// How many nonces.
	pub count: u32,
	/// The block at which they were signed.
	pub at: BlockNumber,
	/// Of the actions that are still due: when each was signed last, and how often.
	pub tries: Vec<(ActionId, BlockNumber, u32)>,
}

/// Names an action: a job's id, with a tag for what is done about it.
pub type ActionId = [u8; 32];

/// A transaction that should be signed.
struct Action<T: Config> {
	id: ActionId,
	subject: Subject,
	call: CallOf<T>,
}

/// What a transaction is about, as the log tells it.
#[derive(Clone, Copy)]
enum Subject {
	Request(RequestId),
	Claims(usize),
}

impl fmt::Display for Subject {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Request(id) => write!(f, "request={id}"),
			Self::Claims(count) => write!(f, "calls of {count} subscriptions"),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Serves the leases of every worker whose operator key this node holds.
	pub(crate) fn serve(now: BlockNumberFor<T>) {
		type AppPublic<T> = <<T as Config>::OperatorCrypto as AppCrypto<
			<T as frame_system::offchain::SigningTypes>::Public,
			<T as frame_system::offchain::SigningTypes>::Signature,
		>>::RuntimeAppPublic;
		type GenericPublic<T> = <<T as Config>::OperatorCrypto as AppCrypto<
			<T as frame_system::offchain::SigningTypes>::Public,
			<T as frame_system::offchain::SigningTypes>::Signature,
		>>::GenericPublic;

		for key in AppPublic::<T>::all() {
			let public: T::Public = GenericPublic::<T>::from(key).into();
			let operator = public.clone().into_account();
			let Some(worker) = T::Workers::worker_of(&operator) else { continue };
			let mut actions = Self::due_actions(&worker, now);
			actions.extend(Self::claims(&worker));
			if !actions.is_empty() {
				Self::sign(public, operator, actions, now);
			}
		}
	}

	/// Keeps the native service busy with the worker's leases; returns what should be signed.
	fn due_actions(worker: &T::AccountId, now: BlockNumberFor<T>) -> Vec<Action<T>> {
		let mut actions = Vec::new();
		for id in T::Workers::leases_of(worker, MAX_JOBS) {
			let Some(lease) = T::Workers::leased(id) else { continue };
			let Some(request) = Requests::<T>::get(id) else { continue };
			if now > lease.until || now > request.deadline {
				continue;
			}
			let action = if lease.obliged {
				Self::answer(id, &request, &lease)
			} else {
				Self::acceptance(id, &request, &lease)
			};
			actions.extend(action);
		}
		actions
	}

	/// Accepts a lease once everything that it needs has arrived.
	fn acceptance(id: RequestId, request: &Request<T>, lease: &LeaseOf<T>) -> Option<Action<T>> {
		let VersionId { model, index } = request.version;
		let record = Versions::<T>::get(model, index)?;
		let input_hash = request.input_hash();
		let input_is_here = match request.commitment() {
			Some(commitment) => host::holds_opening(commitment.opening()),
			None => host::holds_blob(input_hash.0),
		};
		let proving_key = match (&request.assurance, &record.circuit) {
			(Assurance::Proven { .. }, Some(circuit)) => Some(circuit.proving_key),
			_ => None,
		};
		let mut files = core::iter::once(record.artifact).chain(proving_key);
		if !input_is_here || !files.all(|file| host::holds_blob(file.0)) {
			return None;
		}
		let job = job_id(id, &request.version, &input_hash, &lease.worker.clone().into());
		Some(Action {
			id: (b"accept", job).using_encoded(sp_io::hashing::blake2_256),
			subject: Subject::Request(id),
			call: T::AcceptCall::convert(id),
		})
	}

	/// Submits the job of a lease, or collects its result.
	fn answer(id: RequestId, request: &Request<T>, lease: &LeaseOf<T>) -> Option<Action<T>> {
		let worker: [u8; 32] = lease.worker.clone().into();
		let job_id = job_id(id, &request.version, &request.input_hash(), &worker);
		match host::poll(job_id) {
			Poll::Ready(bytes) => {
				let call = Self::collect(id, job_id, bytes)?;
				Some(Action { id: job_id, subject: Subject::Request(id), call: call.into() })
			},
			Poll::Queued | Poll::Running | Poll::NotAvailable => None,
			Poll::Missing | Poll::Failed => {
				let job = Self::job(id, request, lease)?;
				match host::submit(job) {
					Submitted::Queued => log::info!(target: LOG_TARGET, "request={id}: queued"),
					Submitted::Full => {
						log::warn!(target: LOG_TARGET, "request={id}: the job queue is full")
					},
					_ => (),
				}
				None
			},
		}
	}

	/// The job that answers a request under a lease.
	fn job(id: RequestId, request: &Request<T>, lease: &LeaseOf<T>) -> Option<Job> {
		let VersionId { model, index } = request.version;
		let record = Versions::<T>::get(model, index)?;
		let proof = match request.assurance {
			Assurance::Attested => None,
			Assurance::Proven { .. } => Some(ProofTask {
				key: Self::proof_key(request.version)?,
				binding: Self::binding(id, &lease.worker),
			}),
		};
		Some(Job {
			request: id,
			version: request.version,
			worker: lease.worker.clone().into(),
			artifact: record.artifact,
			interface: record.interface,
			input: request.job_input(),
			proof,
			inline_limit: T::MaxInlineOutput::get(),
		})
	}

	/// The call that brings a finished job's result in.
	fn collect(request: RequestId, job: [u8; 32], bytes: u32) -> Option<Call<T>> {
		if bytes > MAX_RESULT_BYTES {
			log::error!(target: LOG_TARGET, "request={request}: a result of {bytes} bytes");
			return None;
		}
		let mut encoded = alloc::vec![0; bytes as usize];
		if host::collect(job, &mut encoded) != Poll::Ready(bytes) {
			return None;
		}
		let result = JobResult::decode(&mut &encoded[..]).ok()?;
		let output = match result.output {
			JobOutput::Inline(bytes) => Output::Inline(bytes.try_into().ok()?),
			JobOutput::Blob { hash, length } => Output::Blob { hash, length },
		};
		let proof = result.proof.map(ProofBytes::try_from).transpose().ok()?;
		Some(Call::submit_result { request, output, units: None, proof })
	}

	/// What the gateway claims now, as far as the chain has not settled it.
	fn claims(worker: &T::AccountId) -> Option<Action<T>> {
		let mut encoded = alloc::vec![0; MAX_CLAIMS_BYTES as usize];
		let length = vouchers::claims(worker.clone().into(), &mut encoded);
		let mut encoded = encoded.get(..length as usize).filter(|encoded| !encoded.is_empty())?;
		let mut claims = Claims::<T>::decode(&mut encoded).ok()?;
		// The ledger may not know the last block yet.
		claims.retain(|claim| {
			let settled = Self::voucher_of(&claim.account, &claim.model, worker);
			settled.is_some_and(|it| claim.calls > it.settled && it.room > 0)
		});
		if claims.is_empty() {
			return None;
		}
		Some(Action {
			id: (b"claims", &claims).using_encoded(sp_io::hashing::blake2_256),
			subject: Subject::Claims(claims.len()),
			call: Call::settle_calls { claims }.into(),
		})
	}

	/// Signs what may be signed now: see the module's documentation.
	fn sign(
		public: T::Public,
		operator: T::AccountId,
		actions: Vec<Action<T>>,
		now: BlockNumberFor<T>,
	) {
		let nonce = frame_system::Pallet::<T>::account_nonce(&operator);
		let key = (b"aimodel/window/", &operator).encode();
		let due: Vec<ActionId> = actions.iter().map(|action| action.id).collect();
		let mut chosen = Vec::new();
		let claimed = StorageValueRef::persistent(&key).mutate(
			|stored: Result<Option<Window<T::Nonce, BlockNumberFor<T>>>, _>| {
				let window = stored.ok().flatten().unwrap_or_default();
				let (window, signed) = next_window(window, nonce, now, &due).ok_or(())?;
				chosen = signed;
				Ok::<_, ()>(window)
			},
		);
		match claimed {
			Ok(_) => (),
			// Another run was quicker, or a window is in flight.
			Err(
				MutateStorageError::ConcurrentModification(_)
				| MutateStorageError::ValueFunctionFailed(_),
			) => return,
		}
		let mut nonce = nonce;
		for action in actions.into_iter().filter(|action| chosen.contains(&action.id)) {
			let Action { subject, call, .. } = action;
			let signed = <T as CreateSignedTransaction<Call<T>>>::create_signed_transaction::<
				T::OperatorCrypto,
			>(call, public.clone(), operator.clone(), nonce);
			let Some(transaction) = signed else {
				log::error!(target: LOG_TARGET, "{subject}: the operator key can not sign");
				return;
			};
			let accepted = SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_ok();
			host::note_submission(accepted);
			if !accepted {
				log::warn!(
					target: LOG_TARGET,
					"{subject}: the pool refused the transaction; can the operator pay fees?",
				);
				return;
			}
			log::info!(target: LOG_TARGET, "{subject}: signed and sent");
			nonce = nonce.saturating_add(1u32.into());
		}
	}
}

/// Decides, at a block where the state's nonce is `nonce`, which of the `due` actions are signed.
/// `None` while a window is in flight, and where nothing may be signed.
pub fn next_window<Nonce, BlockNumber>(
	window: Window<Nonce, BlockNumber>,
	nonce: Nonce,
	now: BlockNumber,
	due: &[ActionId],
) -> Option<(Window<Nonce, BlockNumber>, Vec<ActionId>)>
where
	Nonce: Copy + Ord + Saturating + From<u32>,
	BlockNumber: Copy + Ord + Saturating + From<u32>,
{
	let end = window.first.saturating_add(window.count.into());
	let waited = now >= window.at.saturating_add(PATIENCE.into());
	if nonce < end && !waited {
		return None;
	}
	let mut tries: Vec<_> =
		window.tries.into_iter().filter(|(action, _, _)| due.contains(action)).collect();
	let mut signed = Vec::new();
	for action in due {
		if signed.len() == MAX_IN_FLIGHT {
			break;
		}
		match tries.iter_mut().find(|(tried, _, _)| tried == action) {
			None => tries.push((*action, now, 1)),
			Some((_, last, times)) => {
				if *times >= MAX_TRIES || now < last.saturating_add(PATIENCE.into()) {
					continue;
				}
				*last = now;
				*times = times.saturating_add(1);
			},
		}
		signed.push(*action);
	}
	if signed.is_empty() {
		return None;
	}
	let count = u32::try_from(signed.len()).unwrap_or(u32::MAX);
	Some((Window { first: nonce, count, at: now, tries }, signed))
}

/// Operator keys, for [`AppCrypto`]: sr25519, of the type
/// [`KEY_TYPE`](aimodel_primitives::operator::KEY_TYPE).
pub struct OperatorCrypto;

impl AppCrypto<sp_runtime::MultiSigner, sp_runtime::MultiSignature> for OperatorCrypto {
	type RuntimeAppPublic = aimodel_primitives::operator::OperatorPublic;
	type GenericPublic = sp_core::sr25519::Public;
	type GenericSignature = sp_core::sr25519::Signature;
}
