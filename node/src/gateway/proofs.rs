//! Proofs of requests that this node's worker has to answer.
//!
//! A proof names a request of the chain and its worker, so none is made for anything else: the gateway hands out the
//! proof of the job that the offchain worker does anyway, before it is on the chain.

use crate::{service::FullClient, worker::Worker};
use aimodel_gateway::{
	proofs::{Accepted, Begun},
	Proof, ProofRequest, Prover, Refusal,
};
use aimodel_inference::tensor::Tensor;
use aimodel_primitives::{
	inference::{input_hash, job_id, InferenceService, JobId, JobOutput, JobResult, Poll},
	runtime_api::{AimodelApi, JobInfo},
	statement::{self, Known},
};
use aimodel_runtime::{AccountId, BlockNumber};
use codec::Decode;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use std::{sync::Arc, time::Duration};
use tokio::{
	sync::watch,
	time::{timeout_at, Instant},
};

/// How long a proof is waited for.
const PATIENCE: Duration = Duration::from_secs(600);

/// Hands out proofs.
pub(super) struct Proofs {
	client: Arc<FullClient>,
	keystore: KeystorePtr,
	worker: Worker,
}

impl Proofs {
	pub(super) fn new(client: Arc<FullClient>, keystore: KeystorePtr, worker: Worker) -> Self {
		Self { client, keystore, worker }
	}

	/// The job of a request, and the bonded account that has to do it.
	fn job(&self, task: &ProofRequest) -> Result<(AccountId, JobInfo<BlockNumber>), Refusal> {
		let (best, api) = (self.client.info().best_hash, self.client.runtime_api());
		let workers =
			super::workers(&self.client, best, &self.keystore).map_err(Refusal::Unavailable)?;
		for worker in workers {
			let jobs = api.jobs_for(best, worker.clone()).map_err(unavailable)?;
			if let Some(job) = jobs.into_iter().find(|job| job.request == task.request) {
				return Ok((worker, job));
			}
		}
		Err(Refusal::Forbidden(format!(
			"this worker has no lease of request {}: proofs are of requests on the chain",
			task.request
		)))
	}
}

fn unavailable(error: ApiError) -> Refusal {
	Refusal::Unavailable(error.to_string())
}

impl Prover for Proofs {
	fn accept(&self, task: ProofRequest) -> Result<Accepted, Refusal> {
		let (worker, job) = self.job(&task)?;
		let refuse = |reason: String| Err(Refusal::Forbidden(reason));
		if !job.proven || job.commitment.is_some() {
			return refuse(format!(
				"request {} asks for no proof of an input that is seen",
				task.request
			));
		}
		if job.artifact != task.artifact || job.input_hash != input_hash(&task.input.data, None) {
			return refuse(format!(
				"request {} is of another model or another input",
				task.request
			));
		}
		let (best, api) = (self.client.info().best_hash, self.client.runtime_api());
		let record = api.version(best, job.version).map_err(unavailable)?;
		let Some((interface, circuit)) = record.and_then(|it| Some((it.interface, it.circuit?)))
		else {
			return refuse(format!("nothing proves the answers of {:?}", job.version));
		};
		let worker: [u8; 32] = worker.into();
		let id = job_id(task.request, &job.version, &job.input_hash, &worker);
		let binding = statement::binding(&self.client.info().genesis_hash.0, task.request, &worker);
		let service = self.worker.service();
		let changes = self.worker.changes();
		let prove = async move |answered: Tensor, begun: Begun| {
			let result = wait(&*service, changes, &id, begun).await?;
			let JobResult { output: JobOutput::Inline(output), proof: Some(proof) } = result else {
				return Err("the job gave no proof".into());
			};
			if output != answered.data {
				return Err("MISMATCH: what was proved is not what the engine answered".into());
			}
			let known = Known {
				binding,
				parameters: circuit.parameters,
				commitment: None,
				input: Some(&task.input.data),
				output: &output,
			};
			let public_inputs = statement::public_inputs(&interface, circuit.privacy, known)
				.ok_or("the answer does not fit the interface")?;
			Ok(Proof { proof, public_inputs })
		};
		Ok(Box::new(move |answered, begun| Box::pin(prove(answered, begun))))
	}
}

/// Waits until a job is done.
async fn wait(
	service: &dyn InferenceService,
	mut changes: watch::Receiver<()>,
	id: &JobId,
	begun: Begun,
) -> Result<JobResult, String> {
	let (until, mut running) = (Instant::now() + PATIENCE, false);
	loop {
		changes.mark_unchanged();
		match service.poll(id) {
			Poll::Ready(_) => {
				let encoded = service.collect(id).ok_or("the result was forgotten")?;
				return JobResult::decode(&mut &encoded[..]).map_err(|error| error.to_string());
			},
			Poll::Failed => return Err("the job failed; the worker's log says why".into()),
			Poll::Running if !running => {
				running = true;
				begun.running();
			},
			// The offchain worker submits it at the next block.
			_ => (),
		}
		match timeout_at(until, changes.changed()).await {
			Ok(Ok(())) => (),
			Ok(Err(_)) => return Err("the node is stopping".into()),
			Err(_) => return Err(format!("the job was not done within {PATIENCE:?}")),
		}
	}
}
