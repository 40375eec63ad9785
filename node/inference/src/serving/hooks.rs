//! What an embedding application may do before and after each inference.

use super::api::{InferRequest, Inference, ServeError};

/// Called for each inference: before it on the caller's thread, after it on the model's or, where the
/// caller ran it, on the caller's. Must be short, and wait for nothing. A hook that panics counts as one that refused.
pub trait Hook: Send + Sync {
	/// May change or refuse the request.
	fn before(&self, request: &mut InferRequest) -> Result<(), ServeError> {
		let _ = request;
		Ok(())
	}

	/// May look at the answer of a version of a model, or change it.
	fn after(&self, model: &str, version: &str, answer: &mut Result<Inference, ServeError>) {
		let _ = (model, version, answer);
	}
}
