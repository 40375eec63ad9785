//! Proofs that customers of the gateway asked for.

use crate::error::{Error, Refusal};
use aimodel_inference::tensor::Tensor;
use aimodel_primitives::ids::{ArtifactHash, RequestId};
use codec::Encode;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use sp_crypto_hashing::blake2_256;
use std::{
	collections::{HashMap, VecDeque},
	sync::Arc,
};
use tokio::{runtime::Handle, sync::watch};

/// Names a proof: `blake2_256(b"aimodel/gateway-proof" ++ artifact ++ request ++ blake2_256(input))`. Who asks for
/// the same again gets the same.
pub type ProofId = [u8; 32];

/// What is to be proved.
#[derive(Clone, Debug)]
pub struct ProofRequest {
	/// The model's name at the gateway.
	pub model: String,
	/// The file of the version that is to answer.
	pub artifact: ArtifactHash,
	/// The request on the chain that the proof is bound to.
	pub request: RequestId,
	/// The input.
	pub input: Tensor,
}

/// A proof.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
	/// The proof, uncompressed, as calls carry it.
	pub proof: Vec<u8>,
	/// What it is verified with, little-endian.
	pub public_inputs: Vec<[u8; 32]>,
}

/// Tells that a proof is being made.
#[derive(Debug)]
pub struct Begun(watch::Sender<Status>);

impl Begun {
	/// Its turn has come.
	pub fn running(&self) {
		self.0.send_replace(Status::Running);
	}
}

/// A proof that is being made.
pub type Proving = BoxFuture<'static, Result<Proof, String>>;

/// A task that was taken. It is begun with what the engine answered, and a proof of anything else must not leave; dropped,
/// it costs nothing.
pub type Accepted = Box<dyn FnOnce(Tensor, Begun) -> Proving + Send>;

/// Makes proofs: the node's prover.
pub trait Prover: Send + Sync + 'static {
	/// Takes a task, or says why not, before anything is computed: the model has no proving key here
	/// ([`Refusal::Forbidden`]), the request is not this worker's ([`Refusal::Forbidden`]), too many tasks wait
	/// ([`Refusal::TooMany`]). The binding of a proof names genesis, request and worker (see
	/// `aimodel_primitives::statement::binding`).
	fn accept(&self, task: ProofRequest) -> Result<Accepted, Refusal>;
}

/// A proof that will be begun when the engine has answered.
pub(crate) struct Promised {
	id: ProofId,
	artifact: ArtifactHash,
	/// None if it was begun before.
	new: Option<(Accepted, watch::Sender<Status>)>,
}

impl Drop for Promised {
	fn drop(&mut self) {
		if let Some((_, status)) = self.new.take() {
			status.send_replace(Status::Failed("the inference came to nothing".into()));
		}
	}
}

/// Where a proof is in its life.
#[derive(Clone, Debug)]
pub(crate) enum Status {
	Queued,
	Running,
	Done(Arc<Proof>),
	Failed(String),
}

impl Status {
	pub(crate) fn name(&self) -> &'static str {
		match self {
			Self::Queued => "queued",
			Self::Running => "running",
			Self::Done(_) => "done",
			Self::Failed(_) => "failed",
		}
	}

	pub(crate) fn is_over(&self) -> bool {
		matches!(self, Self::Done(_) | Self::Failed(_))
	}
}

/// Proofs by their names; the oldest that are over are forgotten.
pub(crate) struct Proofs {
	prover: Option<Arc<dyn Prover>>,
	limit: usize,
	known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
	by_id: HashMap<ProofId, watch::Receiver<Status>>,
	order: VecDeque<ProofId>,
}

impl Proofs {
	pub(crate) fn new(prover: Option<Arc<dyn Prover>>, limit: usize) -> Self {
		Self { prover, limit, known: Mutex::default() }
	}

	/// Whether proofs are made here at all.
	pub(crate) fn prover(&self) -> Result<&Arc<dyn Prover>, Error> {
		self.prover.as_ref().ok_or_else(|| {
			Error::NotAllowed("this gateway makes no proofs; ask for one on the chain".into())
		})
	}

	/// Promises a proof, and takes a place for it.
	pub(crate) fn promise(&self, task: ProofRequest) -> Result<Promised, Error> {
		let (id, artifact) = (id(&task), task.artifact);
		if self.known.lock().has(&id) {
			return Ok(Promised { id, artifact, new: None });
		}
		// Asks the chain, and holds nobody up meanwhile.
		let accepted = self.prover()?.accept(task)?;
		let mut known = self.known.lock();
		if known.has(&id) {
			return Ok(Promised { id, artifact, new: None });
		}
		known.make_room(self.limit)?;
		let (sender, receiver) = watch::channel(Status::Queued);
		if known.by_id.insert(id, receiver).is_none() {
			known.order.push_back(id);
		}
		Ok(Promised { id, artifact, new: Some((accepted, sender)) })
	}

	/// Begins what was promised, unless it was begun before.
	pub(crate) fn begin(
		&self,
		mut promised: Promised,
		artifact: &ArtifactHash,
		output: &Tensor,
		runtime: &Handle,
	) -> Result<ProofId, Error> {
		if promised.artifact != *artifact {
			let reason = "another model answered in its place, which is not to be proved";
			return Err(Error::NotAllowed(reason.into()));
		}
		if let Some((accepted, status)) = promised.new.take() {
			let proving = accepted(output.clone(), Begun(status.clone()));
			runtime.spawn(async move {
				status.send_replace(match proving.await {
					Ok(proof) => Status::Done(Arc::new(proof)),
					Err(reason) => Status::Failed(reason),
				});
			});
		}
		Ok(promised.id)
	}

	/// Follows a proof.
	pub(crate) fn follow(&self, id: &str) -> Result<watch::Receiver<Status>, Error> {
		let mut bytes = ProofId::default();
		let digits = id.strip_prefix("0x").unwrap_or(id);
		hex::decode_to_slice(digits, &mut bytes).map_err(|_| {
			Error::Malformed(format!("`{id}` names no proof: 64 hexadecimal digits do"))
		})?;
		let known = self.known.lock().by_id.get(&bytes).cloned();
		known.ok_or_else(|| Error::NotFound(format!("there is no proof {id}, or not any more")))
	}
}

impl Known {
	/// Whether there is such a proof, or will be.
	fn has(&self, id: &ProofId) -> bool {
		let failed =
			|status: &watch::Receiver<Status>| matches!(*status.borrow(), Status::Failed(_));
		self.by_id.get(id).is_some_and(|status| !failed(status))
	}

	fn make_room(&mut self, limit: usize) -> Result<(), Error> {
		if self.order.len() < limit {
			return Ok(());
		}
		let over = |id: &ProofId| self.by_id.get(id).is_none_or(|it| it.borrow().is_over());
		let oldest = self.order.iter().position(over);
		let Some(id) = oldest.and_then(|at| self.order.remove(at)) else {
			return Err(Error::Overloaded("as many proofs are being made as are remembered"));
		};
		self.by_id.remove(&id);
		Ok(())
	}
}

fn id(task: &ProofRequest) -> ProofId {
	let input = blake2_256(&task.input.data);
	(b"aimodel/gateway-proof", task.artifact, task.request, input).using_encoded(blake2_256)
}
