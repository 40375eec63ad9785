//! The host interface between the offchain worker and the native inference service.
//!
//! `submit`, `poll`, `collect`: no call blocks, since an offchain worker that blocks pins a Wasm
//! instance. The chain is the only truth; `submit` is idempotent, so a service that forgot
//! everything is filled again from chain state. A node without the service, and block execution
//! everywhere, answer [`Submitted::NotAvailable`].

use crate::{
	ids::{ArtifactHash, BlobHash, RequestId, VersionId},
	privacy::{Commitment, OpeningId},
	runtime_api::ProofKey,
	statement::Scalar,
	tensor::Interface,
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use sp_core::H256;
use sp_crypto_hashing::blake2_256;
use sp_runtime_interface::{
	pass_by::{PassFatPointerAndDecode, PassFatPointerAndWrite, PassPointerAndReadCopy, ReturnAs},
	runtime_interface,
};

/// Names a job: see [`Job::id`].
pub type JobId = [u8; 32];

/// The most bytes of an encoded [`JobResult`] that cross the interface.
pub const MAX_RESULT_BYTES: u32 = 1 << 20;

/// The input of a request.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug)]
pub enum JobInput {
	/// The tensor's bytes.
	Inline(Vec<u8>),
	/// The hash of a blob that holds the tensor's bytes.
	Blob {
		/// `blake2_256` of the bytes.
		hash: BlobHash,
		/// How many bytes.
		length: u64,
	},
	/// A commitment, whose opening the customer gave to the worker's node: with the tensor's bytes.
	Committed(Commitment),
	/// The tensor's bytes, and a commitment to the salt alone, whose opening the customer gave to
	/// the worker's node.
	Salted(Vec<u8>, Commitment),
}

impl JobInput {
	/// What the input's parts hash to: see [`input_hash`].
	pub fn hash(&self) -> H256 {
		match self {
			Self::Inline(bytes) => input_hash(bytes, None),
			Self::Blob { hash, .. } => *hash,
			Self::Committed(commitment) => commitment.opening().into(),
			Self::Salted(bytes, commitment) => input_hash(bytes, Some(commitment)),
		}
	}
}

/// `blake2_256` of a tensor's bytes, and of the name of what opens the customer's commitment after
/// them where there is one.
pub fn input_hash(bytes: &[u8], commitment: Option<&Commitment>) -> H256 {
	match commitment {
		None => blake2_256(bytes),
		Some(commitment) => blake2_256(&[bytes, &commitment.opening()].concat()),
	}
	.into()
}

/// What must be proved of an answer.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug)]
pub struct ProofTask {
	/// The key to prove with.
	pub key: ProofKey,
	/// The statement's first public input.
	pub binding: Scalar,
}

/// One inference, proved or not.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug)]
pub struct Job {
	/// The request that it answers.
	pub request: RequestId,
	/// The version that was frozen at the request's creation.
	pub version: VersionId,
	/// The bonded account that holds the lease.
	pub worker: [u8; 32],
	/// The model file.
	pub artifact: ArtifactHash,
	/// What the model file must take and give.
	pub interface: Interface,
	/// The input.
	pub input: JobInput,
	/// The proof to make, if any.
	pub proof: Option<ProofTask>,
	/// Outputs longer than this go to the blob store.
	pub inline_limit: u32,
}

impl Job {
	/// `blake2_256(b"aimodel/job" ++ request ++ version ++ input hash ++ worker)`: after a re-org
	/// the same request id can mean another request, and then it is another job.
	pub fn id(&self) -> JobId {
		job_id(self.request, &self.version, &self.input.hash(), &self.worker)
	}
}

/// The id of the job that answers `request` with these frozen facts.
pub fn job_id(
	request: RequestId,
	version: &VersionId,
	input_hash: &H256,
	worker: &[u8; 32],
) -> JobId {
	(b"aimodel/job", request, version, input_hash, worker).using_encoded(blake2_256)
}

/// The output of a finished job.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug)]
pub enum JobOutput {
	/// The tensor's bytes.
	Inline(Vec<u8>),
	/// The tensor's bytes lie in the blob store of the worker's node.
	Blob {
		/// `blake2_256` of the bytes.
		hash: BlobHash,
		/// How many bytes.
		length: u64,
	},
}

/// What [`inference::collect`] brings, encoded.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Debug)]
pub struct JobResult {
	/// The answer.
	pub output: JobOutput,
	/// The proof, uncompressed, if one was asked for.
	pub proof: Option<Vec<u8>>,
}

macro_rules! total_codes {
	($(#[$meta:meta])* $name:ident: $repr:ty { $($(#[$doc:meta])* $variant:ident = $code:literal,)* }) => {
		$(#[$meta])*
		#[derive(Clone, Copy, Eq, PartialEq, Debug)]
		pub enum $name {
			$($(#[$doc])* $variant,)*
			/// A code that this runtime does not know: the node is newer.
			Unknown,
		}

		impl From<$name> for $repr {
			fn from(value: $name) -> $repr {
				match value {
					$($name::$variant => $code,)*
					$name::Unknown => <$repr>::MAX,
				}
			}
		}

		impl From<$repr> for $name {
			fn from(code: $repr) -> Self {
				match code {
					$($code => Self::$variant,)*
					_ => Self::Unknown,
				}
			}
		}
	};
}

total_codes! {
	/// What became of a submitted job.
	Submitted: u8 {
		/// Queued now.
		Queued = 0,
		/// Known already: queued, running, done or failed.
		Known = 1,
		/// The queue is full; try again at a later block.
		Full = 2,
		/// This node has no inference service.
		NotAvailable = 3,
	}
}

/// The state of a job.
#[derive(Clone, Copy, Eq, PartialEq, Debug)]
pub enum Poll {
	/// Done; [`inference::collect`] will write so many bytes.
	Ready(u32),
	/// Waiting for its turn.
	Queued,
	/// Running.
	Running,
	/// Failed; the node's log and metrics say why.
	Failed,
	/// Never submitted, or forgotten.
	Missing,
	/// This node has no inference service, or answers with a code that this runtime does not know.
	NotAvailable,
}

impl From<Poll> for i64 {
	fn from(poll: Poll) -> i64 {
		match poll {
			Poll::Ready(bytes) => bytes.into(),
			Poll::Queued => -1,
			Poll::Running => -2,
			Poll::Failed => -3,
			Poll::Missing => -4,
			Poll::NotAvailable => -5,
		}
	}
}

impl From<i64> for Poll {
	fn from(code: i64) -> Self {
		match code {
			-1 => Self::Queued,
			-2 => Self::Running,
			-3 => Self::Failed,
			-4 => Self::Missing,
			bytes => u32::try_from(bytes).map_or(Self::NotAvailable, Self::Ready),
		}
	}
}

/// What the native service does. Object safe; no method blocks.
#[cfg(feature = "std")]
pub trait InferenceService: Send + Sync {
	/// Queues a job unless it is known.
	fn submit(&self, job: Job) -> Submitted;
	/// Tells how far a job is.
	fn poll(&self, id: &JobId) -> Poll;
	/// The encoded [`JobResult`] of a job that is [`Poll::Ready`].
	fn collect(&self, id: &JobId) -> Option<Vec<u8>>;
	/// Whether the blob store holds this blob.
	fn holds_blob(&self, hash: &BlobHash) -> bool;
	/// Whether this opening is here.
	fn holds_opening(&self, id: &OpeningId) -> bool;
	/// Notes, for the metrics, that a transaction was signed, and whether the pool took it.
	fn note_submission(&self, accepted: bool);
}

#[cfg(feature = "std")]
sp_externalities::decl_extension! {
	/// Gives the offchain worker, and nothing else, the native inference service.
	pub struct InferenceExt(std::sync::Arc<dyn InferenceService>);
}

/// The host functions.
#[runtime_interface]
pub trait Inference {
	/// Queues a job unless it is known. Idempotent by [`Job::id`].
	fn submit(&mut self, job: PassFatPointerAndDecode<Job>) -> ReturnAs<Submitted, u8> {
		use sp_externalities::ExternalitiesExt as _;
		self.extension::<InferenceExt>()
			.map_or(Submitted::NotAvailable, |InferenceExt(service)| service.submit(job))
	}

	/// Tells how far a job is.
	fn poll(&mut self, id: PassPointerAndReadCopy<JobId, 32>) -> ReturnAs<Poll, i64> {
		use sp_externalities::ExternalitiesExt as _;
		self.extension::<InferenceExt>()
			.map_or(Poll::NotAvailable, |InferenceExt(service)| service.poll(&id))
	}

	/// Writes the encoded [`JobResult`] of a ready job into `out` and answers [`Poll::Ready`] with
	/// its length; where `out` is shorter than that, nothing is written.
	fn collect(
		&mut self,
		id: PassPointerAndReadCopy<JobId, 32>,
		out: PassFatPointerAndWrite<&mut [u8]>,
	) -> ReturnAs<Poll, i64> {
		use sp_externalities::ExternalitiesExt as _;
		let Some(InferenceExt(service)) = self.extension::<InferenceExt>() else {
			return Poll::NotAvailable;
		};
		let Some(result) = service.collect(&id) else { return service.poll(&id) };
		if let Some(out) = out.get_mut(..result.len()) {
			out.copy_from_slice(&result);
		}
		u32::try_from(result.len()).map_or(Poll::Failed, Poll::Ready)
	}

	/// Notes, for the node's metrics, that a transaction was signed, and whether the pool took it.
	fn note_submission(&mut self, accepted: bool) {
		use sp_externalities::ExternalitiesExt as _;
		if let Some(InferenceExt(service)) = self.extension::<InferenceExt>() {
			service.note_submission(accepted);
		}
	}

	/// Whether this node's blob store holds a blob.
	fn holds_blob(&mut self, hash: PassPointerAndReadCopy<[u8; 32], 32>) -> bool {
		use sp_externalities::ExternalitiesExt as _;
		self.extension::<InferenceExt>()
			.is_some_and(|InferenceExt(service)| service.holds_blob(&hash.into()))
	}

	/// Whether a customer has given this opening to this node.
	fn holds_opening(&mut self, id: PassPointerAndReadCopy<OpeningId, 32>) -> bool {
		use sp_externalities::ExternalitiesExt as _;
		self.extension::<InferenceExt>()
			.is_some_and(|InferenceExt(service)| service.holds_opening(&id))
	}
}

#[cfg(not(substrate_runtime))]
pub use inference::HostFunctions;

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_code_decodes() {
		for code in 0..=u8::MAX {
			let submitted = Submitted::from(code);
			if submitted != Submitted::Unknown {
				assert_eq!(u8::from(submitted), code);
			}
		}
		for poll in [Poll::Queued, Poll::Running, Poll::Failed, Poll::Missing, Poll::Ready(7)] {
			assert_eq!(Poll::from(i64::from(poll)), poll);
		}
		assert_eq!(Poll::from(-1000), Poll::NotAvailable);
		assert_eq!(Poll::from(i64::MAX), Poll::NotAvailable);
	}

	#[test]
	fn a_job_with_another_input_has_another_id() {
		let version = VersionId { model: H256::zero(), index: 0 };
		let id = |input: &[u8], worker| {
			let hash = JobInput::Inline(input.to_vec()).hash();
			job_id(1, &version, &hash, &[worker; 32])
		};
		assert_eq!(id(b"a", 1), id(b"a", 1));
		assert_ne!(id(b"a", 1), id(b"b", 1));
		assert_ne!(id(b"a", 1), id(b"a", 2));
	}
}
