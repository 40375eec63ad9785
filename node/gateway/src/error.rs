//! Why a request gets no answer, in the words of HTTP and of gRPC.

use aimodel_inference::serving::ServeError;
use aimodel_primitives::ModelId;
use http::StatusCode;
use std::time::Duration;
use tonic::Code;

/// The header, with gRPC the metadata, that says which voucher is wanted.
pub(crate) const VOUCHER_WANTED: &str = "aimodel-voucher-wanted";

/// Why a caller is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
	/// Nobody knows who calls.
	#[error("{0}")]
	Unauthenticated(String),
	/// The caller has to pay first.
	#[error("{0}")]
	PaymentRequired(String),
	/// The caller has to sign for more calls first.
	#[error("{0}")]
	VoucherWanted(VoucherWanted),
	/// The caller may not do this.
	#[error("{0}")]
	Forbidden(String),
	/// The caller calls too often.
	#[error("{reason}")]
	TooMany {
		/// What was exceeded.
		reason: String,
		/// When it is of use to try again.
		again_in: Duration,
	},
	/// Whether the caller may can not be told now.
	#[error("{0}")]
	Unavailable(String),
}

/// What a caller has to sign before it is answered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("sign a voucher for {calls} calls, this one included, of the model {model:?} in the period {term} of your plan")]
pub struct VoucherWanted {
	/// The model.
	pub model: ModelId,
	/// The period of the subscription.
	pub term: u64,
	/// Calls of the period, in all, at this worker.
	pub calls: u64,
}

/// Why a request gets no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Error {
	/// The engine refused or failed.
	#[error(transparent)]
	Serve(#[from] ServeError),
	/// The caller is refused.
	#[error(transparent)]
	Refused(#[from] Refusal),
	/// The request is none of the protocol.
	#[error("{0}")]
	Malformed(String),
	/// There is nothing of that name.
	#[error("{0}")]
	NotFound(String),
	/// The path has no such method.
	#[error("{path} answers {allowed}, not {method}")]
	Method { path: String, method: String, allowed: String },
	/// The operator did not allow this.
	#[error("{0}")]
	NotAllowed(String),
	/// The body is in a form that is not read.
	#[error("{0}")]
	Encoding(String),
	/// The body is too long.
	#[error("the body has {}; {limit} bytes are the most", match .found { Some(found) => format!("{found} bytes"), None => "more bytes than are read".into() })]
	TooLong { found: Option<u64>, limit: u64 },
	/// The body came too slowly.
	#[error("the body came too slowly: {received} bytes in {waited:?}")]
	TooSlow { received: u64, waited: Duration },
	/// The body ended before it was whole.
	#[error("the body broke off: {0}")]
	BrokenOff(String),
	/// Too much at once.
	#[error("{0}; try again later")]
	Overloaded(&'static str),
	/// Something that should work does not.
	#[error("{0}")]
	Internal(String),
}

impl Error {
	/// HTTP's status.
	pub(crate) fn status(&self) -> StatusCode {
		match self {
			Self::Serve(error) => match error {
				ServeError::UnknownModel { .. } | ServeError::UnknownVersion { .. } => {
					StatusCode::NOT_FOUND
				},
				ServeError::Invalid(_) => StatusCode::BAD_REQUEST,
				ServeError::NotReady { .. }
				| ServeError::Busy { .. }
				| ServeError::Suspended { .. }
				| ServeError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
				ServeError::DeadlineExceeded { .. } => StatusCode::GATEWAY_TIMEOUT,
				ServeError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
			},
			Self::Refused(refusal) => match refusal {
				Refusal::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
				Refusal::PaymentRequired(_) | Refusal::VoucherWanted(_) => {
					StatusCode::PAYMENT_REQUIRED
				},
				Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
				Refusal::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
				Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
			},
			Self::Malformed(_) | Self::BrokenOff(_) => StatusCode::BAD_REQUEST,
			Self::NotFound(_) => StatusCode::NOT_FOUND,
			Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
			Self::NotAllowed(_) => StatusCode::FORBIDDEN,
			Self::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
			Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
			Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
			Self::Overloaded(_) => StatusCode::SERVICE_UNAVAILABLE,
			Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
		}
	}

	/// gRPC's.
	pub(crate) fn code(&self) -> Code {
		match self.status() {
			StatusCode::NOT_FOUND => Code::NotFound,
			StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::InvalidArgument,
			StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
			StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => Code::DeadlineExceeded,
			StatusCode::UNAUTHORIZED => Code::Unauthenticated,
			StatusCode::PAYMENT_REQUIRED => Code::FailedPrecondition,
			StatusCode::FORBIDDEN => Code::PermissionDenied,
			StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => {
				Code::ResourceExhausted
			},
			StatusCode::METHOD_NOT_ALLOWED => Code::Unimplemented,
			_ => Code::Internal,
		}
	}

	/// The voucher without which the caller is not answered: `TERM:CALLS`.
	pub(crate) fn voucher(&self) -> Option<String> {
		let Self::Refused(Refusal::VoucherWanted(wanted)) = self else { return None };
		Some(format!("{}:{}", wanted.term, wanted.calls))
	}

	/// When it is of use to try again, if the caller can know.
	pub(crate) fn again_in(&self) -> Option<Duration> {
		match self {
			Self::Serve(ServeError::Suspended { again_in, .. })
			| Self::Refused(Refusal::TooMany { again_in, .. }) => Some(*again_in),
			Self::Serve(ServeError::Busy { .. }) | Self::Overloaded(_) => {
				Some(Duration::from_secs(1))
			},
			_ => None,
		}
	}
}

impl From<Error> for tonic::Status {
	fn from(error: Error) -> Self {
		let mut status = Self::new(error.code(), error.to_string());
		if let Some(voucher) = error.voucher().and_then(|voucher| voucher.parse().ok()) {
			status.metadata_mut().insert(VOUCHER_WANTED, voucher);
		}
		status
	}
}
