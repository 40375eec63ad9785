//! Names of traces and spans.
//!
//! A request of the chain is one trace, whoever tells of it: its id, and those of the spans that others hang theirs
//! under, are hashes of what every node knows.

use aimodel_primitives::ids::RequestId;
use aimodel_runtime::Hash;
use codec::Encode;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use sp_io::hashing::blake2_256;

/// What all nodes know of a request's trace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RequestIds {
	/// The trace.
	pub(super) trace: TraceId,
	/// The span of the whole request.
	pub(super) root: SpanId,
}

impl RequestIds {
	/// The first 16 bytes of `blake2_256("aimodel/trace/request" ‖ genesis ‖ request)` are the trace, the next 8 its
	/// root; the request is 8 bytes, little-endian.
	pub(super) fn new(genesis: &Hash, request: RequestId) -> Self {
		let hash = (genesis, request)
			.using_encoded(|encoded| blake2_256(&[b"aimodel/trace/request", encoded].concat()));
		let (mut trace, mut root) = ([0; 16], [0; 8]);
		trace.copy_from_slice(&hash[..16]);
		root.copy_from_slice(&hash[16..24]);
		Self { trace: TraceId::from_bytes(trace), root: SpanId::from_bytes(root) }
	}

	/// The span of a worker's lease, under which its node tells of the job: the first 8 bytes of
	/// `blake2_256("aimodel/trace/lease" ‖ trace ‖ worker)`.
	pub(super) fn lease(&self, worker: &[u8; 32]) -> SpanId {
		let text = [b"aimodel/trace/lease", &self.trace.to_bytes()[..], worker].concat();
		let [a, b, c, d, e, f, g, h, ..] = blake2_256(&text);
		SpanId::from_bytes([a, b, c, d, e, f, g, h])
	}
}

/// A span that nobody else has to name.
pub(super) fn span() -> SpanId {
	RandomIdGenerator::default().new_span_id()
}

/// A trace that nobody else has to name.
pub(super) fn trace() -> TraceId {
	RandomIdGenerator::default().new_trace_id()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_request_has_the_same_names_everywhere_and_no_other_has_them() {
		let genesis = Hash::repeat_byte(7);
		let ids = RequestIds::new(&genesis, 42);
		let hash = blake2_256(
			&[b"aimodel/trace/request", genesis.as_bytes(), &42u64.to_le_bytes()].concat(),
		);
		assert_eq!(ids.trace.to_bytes(), hash[..16]);
		assert_eq!(ids.root.to_bytes(), hash[16..24]);
		assert_eq!(ids, RequestIds::new(&genesis, 42));
		assert_ne!(ids, RequestIds::new(&genesis, 43));
		assert_ne!(ids, RequestIds::new(&Hash::repeat_byte(8), 42));
		assert_ne!(ids.lease(&[1; 32]), ids.lease(&[2; 32]));
		assert_ne!(ids.lease(&[1; 32]), RequestIds::new(&genesis, 43).lease(&[1; 32]));
	}
}
