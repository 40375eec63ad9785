//! What this node's worker does for requests of the chain.

use super::{ids, ids::RequestIds, number, Spans, Told};
use aimodel_inference::{Ended, Observer, Passed, Stage};
use aimodel_runtime::{AccountId, Hash};
use opentelemetry::{
	trace::{SpanKind, Status},
	KeyValue,
};
use std::time::{Instant, SystemTime};

/// Tells of jobs, under the leases that they are for.
pub(crate) struct Jobs {
	genesis: Hash,
	spans: Spans,
}

impl Jobs {
	/// Of the chain with this genesis.
	pub(crate) fn new(genesis: Hash, spans: Spans) -> Self {
		Self { genesis, spans }
	}
}

impl Observer for Jobs {
	fn ended(&self, Ended { job, submitted, stages, error }: Ended<'_>) {
		// Read once, so that stages do not overlap where the clock is set.
		let (now, clock) = (SystemTime::now(), Instant::now());
		let at = |instant: Instant| {
			now.checked_sub(clock.saturating_duration_since(instant)).unwrap_or(now)
		};
		let of = RequestIds::new(&self.genesis, job.request);
		let span = ids::span();
		let request = KeyValue::new("aimodel.request.id", number(job.request));
		for Passed { stage, began, took } in stages {
			let ended = began.checked_add(*took).unwrap_or(*began);
			let told =
				Told::new((of.trace, span), ids::span(), stage.name(), at(*began), at(ended))
					.with_all([request.clone()]);
			self.spans.tell(match stage {
				Stage::LoadModel => told.with("aimodel.load", "model"),
				Stage::LoadProver => told.with("aimodel.load", "prover"),
				_ => told,
			});
		}
		let status = match error {
			None => Status::Ok,
			Some(error) => Status::error(error.to_owned()),
		};
		let lease = of.lease(&job.worker);
		let told = Told::new((of.trace, lease), span, "job", at(submitted), now)
			.kind(SpanKind::Consumer)
			.status(status)
			.with_all([request])
			.with("aimodel.model", format!("{:?}", job.version.model))
			.with("aimodel.version", number(job.version.index))
			.with("aimodel.worker", AccountId::from(job.worker).to_string())
			.with("aimodel.artifact", format!("{:?}", job.artifact))
			.with("aimodel.job", format!("{:?}", Hash::from(job.id())))
			.with("aimodel.proven", job.proof.is_some());
		self.spans.tell(told);
	}
}
