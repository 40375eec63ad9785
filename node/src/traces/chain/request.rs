//! One request, event by event. No client, no clock: a table that gives spans.

use crate::traces::{ids, ids::RequestIds, number, Told};
use aimodel_primitives::{
	fallbacks::FallbackReason,
	ids::{RequestId, VersionId},
	runtime_api::Assurance,
};
use aimodel_runtime::{AccountId, Balance, BlockNumber, Hash, RuntimeEvent};
use opentelemetry::{
	trace::{Event as Moment, SpanId, SpanKind, Status},
	KeyValue,
};
use opentelemetry_sdk::trace::SpanEvents;
use pallet_aimodel::{Event as OfMarket, Unanswered};
use pallet_workers::Event as OfWorkers;
use std::time::SystemTime;

/// The most moments of one span: a request can be drawn in vain every few blocks until its deadline.
const MAX_MOMENTS: usize = 64;

/// Where an event happened, and when this node saw it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
	/// The block.
	pub(super) number: BlockNumber,
	/// Its hash.
	pub(super) hash: Hash,
	/// When it was imported.
	pub(super) seen: SystemTime,
	/// The transaction that did it, if one did.
	pub(super) transaction: Option<Hash>,
	/// When that came into the pool, or else when the block was imported.
	pub(super) pooled: SystemTime,
}

impl Place {
	fn attributes(&self) -> Vec<KeyValue> {
		let block = [
			KeyValue::new("aimodel.block.number", number(self.number)),
			KeyValue::new("aimodel.block.hash", format!("{:?}", self.hash)),
		];
		let transaction = self.transaction;
		let hash = |hash| KeyValue::new("aimodel.extrinsic.hash", format!("{hash:?}"));
		block.into_iter().chain(transaction.map(hash)).collect()
	}
}

/// A request as it was made.
#[derive(Clone, Debug)]
pub(super) struct Requested {
	pub(super) request: RequestId,
	pub(super) customer: AccountId,
	pub(super) version: VersionId,
	pub(super) assurance: Assurance,
	pub(super) held: Balance,
	pub(super) deadline: BlockNumber,
}

/// What happens to requests.
#[derive(Clone, Debug)]
pub(super) enum Event {
	Requested(Requested),
	Assigned { request: RequestId, worker: AccountId, until: BlockNumber },
	Unassigned { request: RequestId },
	Accepted { request: RequestId },
	Lapsed { request: RequestId, obliged: bool },
	FellBack { request: RequestId, to: VersionId, reason: FallbackReason },
	Settled { request: RequestId, version: VersionId, units: u64, price: Balance },
	Refunded { request: RequestId, reason: Unanswered },
}

impl Event {
	/// What an event of the chain says of a request, if it says anything that is told.
	pub(super) fn of(event: RuntimeEvent) -> Option<Self> {
		Some(match event {
			RuntimeEvent::Aimodel(event) => match event {
				OfMarket::Requested { request, customer, version, assurance, held, deadline } => {
					let made = Requested { request, customer, version, assurance, held, deadline };
					Self::Requested(made)
				},
				OfMarket::Assigned { request, worker, until } => {
					Self::Assigned { request, worker, until }
				},
				OfMarket::Unassigned { request } => Self::Unassigned { request },
				OfMarket::Lapsed { request, obliged, .. } => Self::Lapsed { request, obliged },
				OfMarket::FellBack { request, to, reason, .. } => {
					Self::FellBack { request, to, reason }
				},
				OfMarket::Settled { request, version, units, price, .. } => {
					Self::Settled { request, version, units, price }
				},
				OfMarket::Refunded { request, reason, .. } => Self::Refunded { request, reason },
				_ => return None,
			},
			RuntimeEvent::Workers(OfWorkers::LeaseAccepted { request, .. }) => {
				Self::Accepted { request }
			},
			_ => return None,
		})
	}

	/// Of which request.
	pub(super) fn request(&self) -> RequestId {
		match self {
			Self::Requested(Requested { request, .. })
			| Self::Assigned { request, .. }
			| Self::Unassigned { request }
			| Self::Accepted { request }
			| Self::Lapsed { request, .. }
			| Self::FellBack { request, .. }
			| Self::Settled { request, .. }
			| Self::Refunded { request, .. } => *request,
		}
	}
}

/// An open request.
#[derive(Debug)]
pub(super) struct Open {
	ids: RequestIds,
	request: RequestId,
	began: SystemTime,
	attributes: Vec<KeyValue>,
	moments: Moments,
	state: State,
}

/// What it waits for.
#[derive(Debug)]
enum State {
	/// A worker.
	Draw { since: SystemTime },
	/// Its worker.
	Lease { id: SpanId, since: SystemTime, attributes: Vec<KeyValue>, moments: Moments },
}

/// What happened within a span.
#[derive(Debug, Default)]
struct Moments(SpanEvents);

impl Moments {
	fn push(&mut self, name: &'static str, place: &Place, attributes: Vec<KeyValue>) {
		match self.0.events.len() < MAX_MOMENTS {
			true => {
				let attributes = place.attributes().into_iter().chain(attributes).collect();
				self.0.events.push(Moment::new(name, place.seen, attributes, 0));
			},
			false => self.0.dropped_count = self.0.dropped_count.saturating_add(1),
		}
	}
}

fn version(of: &VersionId) -> [KeyValue; 2] {
	[
		KeyValue::new("aimodel.model", format!("{:?}", of.model)),
		KeyValue::new("aimodel.version", number(of.index)),
	]
}

fn amount(name: &'static str, amount: Balance) -> KeyValue {
	// More than an integer of theirs holds.
	KeyValue::new(name, amount.to_string())
}

impl Open {
	/// A request that was made, and the span of its inclusion.
	pub(super) fn new(genesis: &Hash, made: Requested, place: &Place) -> (Self, Vec<Told>) {
		let Requested { request, customer, version: of, assurance, held, deadline } = made;
		let assurance = match assurance {
			Assurance::Proven { .. } => "proven",
			Assurance::Attested => "attested",
		};
		let mut attributes = place.attributes();
		attributes.extend(version(&of));
		attributes.extend([
			KeyValue::new("aimodel.customer", customer.to_string()),
			KeyValue::new("aimodel.assurance", assurance),
			KeyValue::new("aimodel.deadline", number(deadline)),
			amount("aimodel.held", held),
		]);
		let open = Self {
			ids: RequestIds::new(genesis, request),
			request,
			began: place.pooled,
			attributes,
			moments: Moments::default(),
			state: State::Draw { since: place.seen },
		};
		let told = open.child("include", place.pooled, place.seen).with_all(place.attributes());
		(open, vec![told])
	}

	/// What an event ends, and whether it ends the request.
	pub(super) fn on(&mut self, event: Event, place: &Place) -> (Vec<Told>, bool) {
		match event {
			Event::Requested(_) => (Vec::new(), false),
			Event::Assigned { worker, until, .. } => (self.assigned(worker, until, place), false),
			Event::Unassigned { .. } => {
				self.moments.push("nobody is free", place, Vec::new());
				(self.released(place), false)
			},
			Event::Accepted { .. } => {
				if let State::Lease { moments, .. } = &mut self.state {
					moments.push("accepted", place, Vec::new());
				}
				(Vec::new(), false)
			},
			Event::Lapsed { obliged, .. } => {
				let lapsed = Status::error("the lease lapsed");
				let told = self.lease(place, lapsed);
				let told = told.map(|told| told.with("aimodel.obliged", obliged));
				(told.into_iter().collect(), false)
			},
			Event::FellBack { to, reason, .. } => {
				let reason = KeyValue::new("aimodel.reason", format!("{reason:?}"));
				let attributes = version(&to).into_iter().chain([reason]).collect();
				self.moments.push("fell back", place, attributes);
				(self.released(place), false)
			},
			Event::Settled { version: of, units, price, .. } => {
				(self.settled(&of, units, price, place), true)
			},
			Event::Refunded { reason, .. } => {
				let (reason, status) = match reason {
					Unanswered::Cancelled => ("cancelled", Status::Unset),
					Unanswered::Expired => ("expired", Status::error("the deadline passed")),
				};
				let mut told = self.released(place);
				told.push(
					self.child("refund", place.pooled, place.seen).with_all(place.attributes()),
				);
				told.push(self.whole(reason, status, place));
				(told, true)
			},
		}
	}

	fn assigned(&mut self, worker: AccountId, until: BlockNumber, place: &Place) -> Vec<Told> {
		let attributes = vec![
			KeyValue::new("aimodel.worker", worker.to_string()),
			KeyValue::new("aimodel.lease.until", number(until)),
		];
		let mut told = self.released(place);
		if let State::Draw { since } = self.state {
			let draw = self.child("draw", since, place.seen).with_all(place.attributes());
			told.push(draw.with_all(attributes.clone()));
		}
		self.state = State::Lease {
			id: self.ids.lease(worker.as_ref()),
			since: place.seen,
			attributes,
			moments: Moments::default(),
		};
		told
	}

	fn settled(&mut self, of: &VersionId, units: u64, price: Balance, place: &Place) -> Vec<Told> {
		let mut told = Vec::new();
		if let State::Lease { id, .. } = &self.state {
			let submit =
				Told::new((self.ids.trace, *id), ids::span(), "submit", place.pooled, place.seen);
			told.push(
				self.of_request(submit).kind(SpanKind::Producer).with_all(place.attributes()),
			);
		}
		told.extend(self.lease(place, Status::Ok));
		let paid = [KeyValue::new("aimodel.units", number(units)), amount("aimodel.price", price)];
		let settle = self.child("settle", place.seen, place.seen).with_all(place.attributes());
		told.push(settle.with_all(version(of)).with_all(paid.clone()));
		told.push(self.whole("settled", Status::Ok, place).with_all(paid));
		told
	}

	/// The lease ends without fault, if there is one.
	fn released(&mut self, place: &Place) -> Vec<Told> {
		self.lease(place, Status::Unset).into_iter().collect()
	}

	/// The lease ends, if there is one; another worker is waited for.
	fn lease(&mut self, place: &Place, status: Status) -> Option<Told> {
		if matches!(self.state, State::Draw { .. }) {
			return None;
		}
		let draw = State::Draw { since: place.seen };
		let State::Lease { id, since, attributes, moments } =
			std::mem::replace(&mut self.state, draw)
		else {
			return None;
		};
		let told = Told::new((self.ids.trace, self.ids.root), id, "lease", since, place.seen);
		let told = self.of_request(told).status(status).with_all(attributes);
		Some(Told { events: moments.0, ..told })
	}

	/// All of it.
	fn whole(&mut self, outcome: &'static str, status: Status, place: &Place) -> Told {
		let of = (self.ids.trace, SpanId::INVALID);
		let told = Told::new(of, self.ids.root, "request", self.began, place.seen);
		let told = self
			.of_request(told)
			.kind(SpanKind::Server)
			.status(status)
			.with_all(std::mem::take(&mut self.attributes))
			.with("aimodel.outcome", outcome);
		Told { events: std::mem::take(&mut self.moments).0, ..told }
	}

	fn child(&self, name: &'static str, began: SystemTime, ended: SystemTime) -> Told {
		let of = (self.ids.trace, self.ids.root);
		self.of_request(Told::new(of, ids::span(), name, began, ended))
	}

	fn of_request(&self, told: Told) -> Told {
		told.with("aimodel.request.id", number(self.request))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::time::Duration;

	const ID: RequestId = 7;

	fn place(number: BlockNumber) -> Place {
		let seen = SystemTime::UNIX_EPOCH + Duration::from_secs(number.into());
		let pooled = seen - Duration::from_millis(100);
		let hash = Hash::repeat_byte(number as u8);
		Place { number, hash, seen, transaction: Some(Hash::zero()), pooled }
	}

	fn account(of: u8) -> AccountId {
		[of; 32].into()
	}

	fn model(of: u8) -> VersionId {
		VersionId { model: Hash::repeat_byte(of), index: 0 }
	}

	/// Names, ends and statuses of what is told when these events come, each a block after the other.
	fn tell(events: Vec<Event>) -> (Vec<Told>, bool) {
		let made = Requested {
			request: ID,
			customer: account(1),
			version: model(1),
			assurance: Assurance::Attested,
			held: 5,
			deadline: 100,
		};
		let (mut open, mut told) = Open::new(&Hash::zero(), made, &place(1));
		let mut over = false;
		for (number, event) in (2..).zip(events) {
			assert_eq!(event.request(), ID);
			let (more, ends) = open.on(event, &place(number));
			told.extend(more);
			over = ends;
		}
		(told, over)
	}

	fn names(told: &[Told]) -> Vec<(&str, u64, u64)> {
		let seconds = |time: SystemTime| {
			time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64 / 100
		};
		told.iter().map(|it| (&*it.name, seconds(it.began), seconds(it.ended))).collect()
	}

	fn assigned(worker: u8) -> Event {
		Event::Assigned { request: ID, worker: account(worker), until: 9 }
	}

	fn settled() -> Event {
		Event::Settled { request: ID, version: model(1), units: 3, price: 4 }
	}

	/// Everything is of one trace, and under a span that is told.
	fn assert_tree(told: &[Told]) {
		let ids = RequestIds::new(&Hash::zero(), ID);
		for span in told {
			assert_eq!(span.trace, ids.trace);
			let known = |id| told.iter().any(|it| it.id == id);
			assert!(span.id == ids.root || known(span.parent), "{}", span.name);
		}
	}

	#[test]
	fn a_request_that_is_answered_is_one_tree() {
		let (told, over) = tell(vec![assigned(2), Event::Accepted { request: ID }, settled()]);
		assert!(over);
		assert_tree(&told);
		assert_eq!(
			names(&told),
			[
				("include", 9, 10),
				("draw", 10, 20),
				("submit", 39, 40),
				("lease", 20, 40),
				("settle", 40, 40),
				("request", 9, 40)
			]
		);
		let [_, _, submit, lease, _, whole] = &told[..] else { unreachable!() };
		assert_eq!(submit.parent, lease.id);
		assert_eq!(lease.id, RequestIds::new(&Hash::zero(), ID).lease(&[2; 32]));
		assert_eq!(lease.events.events[0].name, "accepted");
		assert_eq!((&lease.status, &whole.status), (&Status::Ok, &Status::Ok));
		assert!(whole.attributes.contains(&KeyValue::new("aimodel.outcome", "settled")));
	}

	#[test]
	fn a_lapse_is_an_error_of_the_lease_and_not_of_the_request() {
		let lapsed = Event::Lapsed { request: ID, obliged: true };
		let (told, over) = tell(vec![assigned(2), lapsed, assigned(3), settled()]);
		assert!(over);
		assert_tree(&told);
		let leases: Vec<_> = told.iter().filter(|it| it.name == "lease").collect();
		assert_eq!(leases[0].status, Status::error("the lease lapsed"));
		assert_eq!(leases[1].status, Status::Ok);
		assert_ne!(leases[0].id, leases[1].id);
		assert_eq!(told.last().unwrap().status, Status::Ok);
	}

	#[test]
	fn what_expires_is_an_error_and_what_is_cancelled_is_not() {
		for (reason, status) in [
			(Unanswered::Expired, Status::error("the deadline passed")),
			(Unanswered::Cancelled, Status::Unset),
		] {
			let unassigned = Event::Unassigned { request: ID };
			let (told, over) =
				tell(vec![unassigned.clone(), unassigned, Event::Refunded { request: ID, reason }]);
			assert!(over);
			assert_tree(&told);
			assert_eq!(names(&told)[1..], [("refund", 39, 40), ("request", 9, 40)]);
			let whole = told.last().unwrap();
			assert_eq!(whole.status, status);
			assert_eq!(whole.events.len(), 2);
		}
	}

	#[test]
	fn a_fallback_is_a_moment_of_the_request() {
		let lapsed = Event::Lapsed { request: ID, obliged: true };
		let fell = Event::FellBack { request: ID, to: model(9), reason: FallbackReason::Lapsed };
		let (told, _) = tell(vec![assigned(2), lapsed, fell, assigned(2), settled()]);
		assert_tree(&told);
		let whole = told.last().unwrap();
		assert_eq!(whole.events[0].name, "fell back");
	}

	#[test]
	fn what_is_kept_of_a_request_is_bounded() {
		let events = vec![Event::Unassigned { request: ID }; 3 * MAX_MOMENTS];
		let (told, _) = tell([events, vec![settled()]].concat());
		let whole = told.last().unwrap();
		assert_eq!(whole.events.len(), MAX_MOMENTS);
		assert_eq!(whole.events.dropped_count as usize, 2 * MAX_MOMENTS);
	}
}
