//! Calls as others follow them: W3C Trace Context in, and what became of a call when it is over.
//!
//! Without a [`Tracer`] a [`Span`] is empty, and costs a branch.

use crate::error::Error;
use aimodel_inference::serving::Inference;
use aimodel_primitives::ids::RequestId;
use http::HeaderMap;
use std::{
	sync::Arc,
	time::{Duration, Instant, SystemTime},
};

/// The longest text of a client that is told; the rest is cut off.
const MAX_TEXT: usize = 256;

/// The most runs of a call that are told, each a chunk of its rows.
const MAX_RUNS: usize = 64;

/// The longest `tracestate` that is passed on, as the recommendation says.
const MAX_STATE: usize = 512;

/// Where a caller is in a trace of its own, by the header `traceparent`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parent {
	/// The trace.
	pub trace: [u8; 16],
	/// The caller's span.
	pub span: [u8; 8],
	/// Whether the caller records the trace.
	pub sampled: bool,
	/// What others pass along, by the header `tracestate`.
	pub state: Option<String>,
}

impl Parent {
	/// What the headers say; nothing where there is nothing, or nothing that can be read.
	pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
		let text = headers.get("traceparent")?.to_str().ok()?;
		let mut parts = text.split('-');
		let version = byte(parts.next()?)?;
		let mut parent =
			Self { trace: [0; 16], span: [0; 8], sampled: false, state: state(headers) };
		lower_hex(parts.next()?, &mut parent.trace)?;
		lower_hex(parts.next()?, &mut parent.span)?;
		parent.sampled = byte(parts.next()?)? & 1 == 1;
		// Later versions may say more, and 255 is none.
		let whole = match version {
			0 => parts.next().is_none(),
			255 => false,
			_ => true,
		};
		let named = parent.trace != [0; 16] && parent.span != [0; 8];
		(whole && named).then_some(parent)
	}
}

fn byte(text: &str) -> Option<u8> {
	let mut byte = [0];
	lower_hex(text, &mut byte)?;
	Some(byte[0])
}

fn lower_hex(text: &str, bytes: &mut [u8]) -> Option<()> {
	let lower = !text.bytes().any(|digit| digit.is_ascii_uppercase());
	(lower && hex::decode_to_slice(text, bytes).is_ok()).then_some(())
}

fn state(headers: &HeaderMap) -> Option<String> {
	let all = headers.get_all("tracestate").into_iter().filter_map(|value| value.to_str().ok());
	let state = all.collect::<Vec<_>>().join(",");
	(!state.is_empty() && state.len() <= MAX_STATE).then_some(state)
}

/// The form of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
	/// REST.
	Http,
	/// gRPC.
	Grpc,
}

/// How a call ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
	/// It was answered.
	Answered,
	/// It was refused, or failed.
	Refused {
		/// HTTP's status.
		status: u16,
		/// gRPC's code.
		code: i32,
		/// Why.
		error: String,
	},
	/// The client left before the answer.
	Left,
}

/// Rows of a call that the engine ran in one batch.
#[derive(Clone, Copy, Debug)]
pub struct Run {
	/// When the answer was there.
	pub ended: SystemTime,
	/// How long it waited.
	pub queued: Duration,
	/// How long the engine took for the batch.
	pub computed: Duration,
	/// Rows of the call.
	pub rows: u32,
	/// Rows of the batch.
	pub batch: u32,
	/// Whether the answer was remembered.
	pub cached: bool,
}

/// An inference that was asked for, when it is over.
#[derive(Clone, Debug)]
pub struct Traced {
	/// The caller's place in its own trace.
	pub parent: Option<Parent>,
	/// In which form.
	pub protocol: Protocol,
	/// When its headers were there.
	pub began: SystemTime,
	/// Until it was over.
	pub took: Duration,
	/// The model, as it was asked for.
	pub model: String,
	/// The version that answered.
	pub version: Option<String>,
	/// The request's id in the protocol.
	pub id: Option<String>,
	/// The request of the chain that a proof was asked for.
	pub request: Option<RequestId>,
	/// What the engine ran, in order.
	pub runs: Vec<Run>,
	/// How it ended.
	pub end: End,
}

/// Follows calls.
pub trait Tracer: Send + Sync + 'static {
	/// Whether a call is followed.
	fn follows(&self, parent: Option<&Parent>) -> bool;

	/// A call that is followed is over. Must be short.
	fn ended(&self, call: Traced);
}

/// A call that may be followed. One that is dropped was left by its client.
#[derive(Default)]
pub(crate) struct Span(Option<Box<Open>>);

struct Open {
	tracer: Arc<dyn Tracer>,
	clock: Instant,
	call: Traced,
}

impl Span {
	pub(crate) fn begin(
		tracer: Option<&Arc<dyn Tracer>>,
		protocol: Protocol,
		headers: &HeaderMap,
	) -> Self {
		let Some(tracer) = tracer else { return Self(None) };
		let parent = Parent::from_headers(headers);
		if !tracer.follows(parent.as_ref()) {
			return Self(None);
		}
		let call = Traced {
			parent,
			protocol,
			began: SystemTime::now(),
			took: Duration::ZERO,
			model: String::new(),
			version: None,
			id: None,
			request: None,
			runs: Vec::new(),
			end: End::Left,
		};
		Self(Some(Box::new(Open { tracer: tracer.clone(), clock: Instant::now(), call })))
	}

	/// Whether the call is followed.
	pub(crate) fn is_open(&self) -> bool {
		self.0.is_some()
	}

	/// What is asked for.
	pub(crate) fn asks(&mut self, model: &str) {
		if let Some(open) = &mut self.0 {
			open.call.model = short(model);
		}
	}

	/// The names that the client and the chain have for it.
	pub(crate) fn names(&mut self, id: Option<&str>, request: Option<RequestId>) {
		if let Some(open) = &mut self.0 {
			(open.call.id, open.call.request) = (id.map(short), request);
		}
	}

	/// The engine ran rows of it.
	pub(crate) fn ran(&mut self, inference: &Inference) {
		let Some(Open { clock, call, .. }) = self.0.as_deref_mut() else { return };
		if call.version.is_none() {
			call.version = Some(inference.version.to_string());
		}
		if call.runs.len() < MAX_RUNS {
			let Inference { queued, computed, rows, batch, cached, .. } = *inference;
			let ended = call.began.checked_add(clock.elapsed()).unwrap_or(call.began);
			call.runs.push(Run { ended, queued, computed, rows, batch, cached });
		}
	}

	/// It is over.
	pub(crate) fn end(&mut self, error: Option<&Error>) {
		if let Some(open) = &mut self.0 {
			open.call.end = match error {
				None => End::Answered,
				Some(error) => End::Refused {
					status: error.status().as_u16(),
					code: error.code() as i32,
					error: short(&error.to_string()),
				},
			};
			self.tell();
		}
	}

	fn tell(&mut self) {
		if let Some(open) = self.0.take() {
			let Open { tracer, clock, mut call } = *open;
			call.took = clock.elapsed();
			tracer.ended(call);
		}
	}
}

impl Drop for Span {
	fn drop(&mut self) {
		self.tell();
	}
}

fn short(text: &str) -> String {
	match text.char_indices().nth(MAX_TEXT) {
		Some((end, _)) => format!("{}…", &text[..end]),
		None => text.to_owned(),
	}
}

/// Puts what became of a call into the log: of what failed here as a warning, else for who asks for details.
pub(crate) fn log(model: &str, id: Option<&str>, end: Result<&Inference, &Error>) {
	let id = id.unwrap_or("-");
	match end {
		Ok(inference) => log::debug!(
			target: "gateway",
			"id={id:?} model={model:?}: {} rows, {:?} in the queue, {:?} in a batch of {}",
			inference.rows, inference.queued, inference.computed, inference.batch,
		),
		Err(error) if error.status() == http::StatusCode::INTERNAL_SERVER_ERROR => {
			log::warn!(target: "gateway", "id={id:?} model={model:?}: {error}");
		},
		Err(error) => log::debug!(target: "gateway", "id={id:?} model={model:?}: {error}"),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use http::HeaderValue;
	use parking_lot::Mutex;

	const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
	const SPAN: &str = "00f067aa0ba902b7";

	fn parent(text: &str) -> Option<Parent> {
		let mut headers = HeaderMap::new();
		headers.insert("traceparent", HeaderValue::from_str(text).unwrap());
		Parent::from_headers(&headers)
	}

	#[test]
	fn a_caller_says_where_it_is() {
		let found = parent(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
		assert_eq!(
			(hex::encode(found.trace), hex::encode(found.span)),
			(TRACE.into(), SPAN.into())
		);
		assert!(found.sampled);
		assert!(!parent(&format!("00-{TRACE}-{SPAN}-02")).unwrap().sampled);
		let later = parent(&format!("01-{TRACE}-{SPAN}-01-more"));
		assert!(later.unwrap().sampled, "a later version says the same first");
	}

	#[test]
	fn what_can_not_be_read_is_as_if_it_was_not_there() {
		let zeros = |digits: usize| "0".repeat(digits);
		for wrong in [
			"".into(),
			"00".into(),
			format!("00-{TRACE}-{SPAN}"),
			format!("00-{TRACE}-{SPAN}-01-more"),
			format!("ff-{TRACE}-{SPAN}-01"),
			format!("00-{}-{SPAN}-01", zeros(32)),
			format!("00-{TRACE}-{}-01", zeros(16)),
			format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
			format!("00-{}-{SPAN}-01", &TRACE[2..]),
			format!("00-{TRACE}-{SPAN}-x1"),
		] {
			assert_eq!(parent(&wrong), None, "{wrong}");
		}
	}

	#[test]
	fn what_others_pass_along_is_kept_if_it_is_short() {
		let mut headers = HeaderMap::new();
		let given = format!("00-{TRACE}-{SPAN}-01");
		headers.insert("traceparent", HeaderValue::from_str(&given).unwrap());
		headers.append("tracestate", HeaderValue::from_static("a=1"));
		headers.append("tracestate", HeaderValue::from_static("b=2"));
		assert_eq!(Parent::from_headers(&headers).unwrap().state.as_deref(), Some("a=1,b=2"));
		let long = format!("c={}", "x".repeat(MAX_STATE));
		headers.append("tracestate", HeaderValue::from_str(&long).unwrap());
		assert_eq!(Parent::from_headers(&headers).unwrap().state, None);
	}

	#[derive(Default)]
	struct Follows(Mutex<Vec<Traced>>);

	impl Tracer for Follows {
		fn follows(&self, parent: Option<&Parent>) -> bool {
			parent.is_none_or(|parent| parent.sampled)
		}

		fn ended(&self, call: Traced) {
			self.0.lock().push(call);
		}
	}

	fn traced(given: &str, then: impl FnOnce(&mut Span)) -> Vec<Traced> {
		let mut headers = HeaderMap::new();
		headers.insert("traceparent", HeaderValue::from_str(given).unwrap());
		let follows = Arc::new(Follows::default());
		let tracer: Arc<dyn Tracer> = follows.clone();
		then(&mut Span::begin(Some(&tracer), Protocol::Http, &headers));
		let told = std::mem::take(&mut *follows.0.lock());
		told
	}

	#[test]
	fn each_call_is_told_once_and_how_it_ended() {
		let told = traced("", |span| {
			span.asks("digits");
			span.names(Some(&"7".repeat(1000)), Some(3));
			span.end(Some(&Error::Malformed("no".into())));
		});
		let [call] = &told[..] else { panic!("{told:?}") };
		assert_eq!((call.model.as_str(), call.request), ("digits", Some(3)));
		assert_eq!(call.id.as_ref().unwrap().chars().count(), MAX_TEXT + 1);
		assert_eq!(call.end, End::Refused { status: 400, code: 3, error: "no".into() });
		let told = traced("", |span| span.end(None));
		assert_eq!(told[0].end, End::Answered);
		assert_eq!(traced("", |_| ())[0].end, End::Left, "dropped");
	}

	#[test]
	fn nobody_is_told_of_what_the_caller_does_not_record() {
		assert_eq!(traced(&format!("00-{TRACE}-{SPAN}-00"), |span| span.end(None)).len(), 0);
		assert!(!Span::begin(None, Protocol::Grpc, &HeaderMap::new()).is_open());
	}
}
