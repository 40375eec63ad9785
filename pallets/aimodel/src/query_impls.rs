//! Reads for the runtime API: the same functions that the dispatchables use.

use crate::*;
use aimodel_primitives::{
	pricing::{self, Quote, QuoteError},
	runtime_api::{Circuit, JobInfo, ModelInfo, ProofKey, RequestInfo},
};
use alloc::vec::Vec;
use frame_system::pallet_prelude::BlockNumberFor;

/// The most leases of one worker that a query lists, and an offchain worker serves in one run.
pub(crate) const MAX_JOBS: u32 = 256;

impl<T: Config> Pallet<T> {
	/// The price of an inference over `input_bytes` bytes on the model's current version.
	pub fn quote(model: ModelId, input_bytes: u64) -> Result<Quote, QuoteError> {
		let output = Self::tip(&model).filter(|output| !output.content.retired);
		let content = output.ok_or(QuoteError::UnknownModel)?.content;
		let record = Versions::<T>::get(model, content.version).ok_or(QuoteError::UnknownModel)?;
		pricing::quote(&content.pricing, &record.units, &record.interface, input_bytes)
	}

	/// A model that is not yet closed.
	pub fn model(model: ModelId) -> Option<ModelInfo<T::AccountId>> {
		let out_point = Tips::<T>::get(model)?;
		let content = Outputs::<T>::get(out_point)?.content;
		Some(ModelInfo {
			out_point,
			owner: content.owner,
			offered_to: content.offered_to,
			retired: content.retired,
			pricing: content.pricing,
			split: content.split,
			version: VersionId { model, index: content.version },
			record: Versions::<T>::get(model, content.version)?,
			open_requests: OpenRequests::<T>::get(model),
		})
	}

	/// A version that a model or an open request uses.
	pub fn version(VersionId { model, index }: VersionId) -> Option<Version> {
		Versions::<T>::get(model, index)
	}

	/// What proves the answers of a version, if anything does.
	pub fn proof_key(version: VersionId) -> Option<ProofKey> {
		let Circuit { key, proving_key, privacy, parameters } = Self::version(version)?.circuit?;
		let circuit_digest = T::Verifier::key(&key)?.circuit_digest;
		let verifying_key = T::Verifier::points_hash(&key)?;
		Some(ProofKey { proving_key, circuit_digest, verifying_key, privacy, parameters })
	}

	/// A request that is open, or settled and not yet pruned.
	pub fn request_info(id: RequestId) -> Option<RequestInfo<T::AccountId, BlockNumberFor<T>>> {
		if let Some(request) = Requests::<T>::get(id) {
			return Some(RequestInfo::Open {
				customer: request.customer,
				version: request.version,
				assurance: request.assurance,
				held: request.held,
				deadline: request.deadline,
				lease: T::Workers::leased(id),
			});
		}
		let settlement = Settlements::<T>::get(id)?;
		let output_hash = settlement.output.hash();
		Some(RequestInfo::Settled {
			worker: settlement.worker,
			version: settlement.version,
			assurance: settlement.assurance,
			output: match settlement.output {
				Output::Inline(bytes) => Some(bytes.into_inner()),
				Output::Blob { .. } => None,
			},
			output_hash,
			units: settlement.units,
			price: settlement.price,
			settled_at: settlement.settled_at,
		})
	}

	/// The requests that the bonded account `worker` has to answer now, or may accept.
	pub fn jobs_for(worker: &T::AccountId) -> Vec<JobInfo<BlockNumberFor<T>>> {
		let now = frame_system::Pallet::<T>::block_number();
		let leases = T::Workers::leases_of(worker, MAX_JOBS).into_iter();
		let job = |id| {
			let lease = T::Workers::leased(id).filter(|lease| now <= lease.until)?;
			let request = Requests::<T>::get(id).filter(|request| now <= request.deadline)?;
			let record = Versions::<T>::get(request.version.model, request.version.index)?;
			Some(JobInfo {
				request: id,
				version: request.version,
				artifact: record.artifact,
				input_hash: request.input_hash(),
				commitment: request.input.commitment(),
				proven: matches!(request.assurance, Assurance::Proven { .. }),
				obliged: lease.obliged,
				until: lease.until,
			})
		};
		leases.filter_map(job).collect()
	}

	fn tip(model: &ModelId) -> Option<ModelOutput<T>> {
		Outputs::<T>::get(Tips::<T>::get(model)?)
	}
}
