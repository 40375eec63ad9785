//! Places among the requests that are being answered, and among the streams that are open: so many in all, and so many
//! of each address.

use crate::{config::Limits, error::Error};
use parking_lot::Mutex;
use std::{
	collections::HashMap,
	net::{IpAddr, Ipv6Addr},
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc, Weak,
	},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All of them.
pub(crate) struct Places {
	requests: Kind,
	events: Kind,
	streams: Kind,
	by_address: Mutex<HashMap<IpAddr, Weak<Caller>>>,
}

/// Those of a kind.
struct Kind {
	free: Arc<Semaphore>,
	of_address: usize,
	full: &'static str,
	address_full: &'static str,
}

/// All connections of an address.
pub(crate) struct Caller {
	address: IpAddr,
	requests: AtomicUsize,
	events: AtomicUsize,
	streams: AtomicUsize,
	of: Arc<Places>,
}

/// What a place is for.
#[derive(Clone, Copy)]
enum What {
	Request,
	Events,
	Stream,
}

/// One of them: of a request, from when it has its headers until its answer is written; of a stream, while it is open.
pub(crate) struct Place {
	caller: Arc<Caller>,
	what: What,
	_permit: OwnedSemaphorePermit,
}

/// Whose an address is: one machine has all of a network of 64 bits.
pub(crate) fn owner(address: IpAddr) -> IpAddr {
	match address.to_canonical() {
		IpAddr::V6(address) => {
			let [a, b, c, d, ..] = address.segments();
			Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
		},
		address => address,
	}
}

impl Places {
	pub(crate) fn new(limits: &Limits) -> Arc<Self> {
		let kind = |all: usize, of_address, full, address_full| {
			let free = Arc::new(Semaphore::new(all));
			Kind { free, of_address, full, address_full }
		};
		let streams = |full, address_full| {
			kind(limits.streams, limits.streams_per_address, full, address_full)
		};
		Arc::new(Self {
			requests: kind(
				limits.requests,
				limits.requests_per_address,
				"as many requests are being answered as may be",
				"as many requests of this address are being answered as may be",
			),
			events: streams(
				"as many streams of events are open as may be",
				"as many streams of events of this address are open as may be",
			),
			streams: streams(
				"as many streams are open as may be",
				"as many streams of this address are open as may be",
			),
			by_address: Mutex::default(),
		})
	}

	/// Those at an address, whatever port they came to.
	pub(crate) fn caller(self: &Arc<Self>, address: IpAddr) -> Arc<Caller> {
		let address = owner(address);
		let mut by_address = self.by_address.lock();
		if let Some(caller) = by_address.get(&address).and_then(Weak::upgrade) {
			return caller;
		}
		let (requests, events, streams) = Default::default();
		let caller = Arc::new(Caller { address, requests, events, streams, of: self.clone() });
		by_address.insert(address, Arc::downgrade(&caller));
		caller
	}
}

impl Caller {
	/// Takes a place for a request.
	pub(crate) fn enter(self: &Arc<Self>) -> Result<Arc<Place>, Error> {
		self.take(What::Request)
	}

	/// Takes a place for a stream of events.
	pub(crate) fn follow(self: &Arc<Self>) -> Result<Arc<Place>, Error> {
		self.take(What::Events)
	}

	/// Takes a place for a stream of requests.
	pub(crate) fn stream(self: &Arc<Self>) -> Result<Arc<Place>, Error> {
		self.take(What::Stream)
	}

	fn take(self: &Arc<Self>, what: What) -> Result<Arc<Place>, Error> {
		let kind = match what {
			What::Request => &self.of.requests,
			What::Events => &self.of.events,
			What::Stream => &self.of.streams,
		};
		let permit = kind.free.clone().try_acquire_owned();
		let permit = permit.map_err(|_| Error::Overloaded(kind.full))?;
		let taken = self.taken(what);
		if taken.fetch_add(1, Ordering::Relaxed) >= kind.of_address {
			taken.fetch_sub(1, Ordering::Relaxed);
			return Err(Error::Overloaded(kind.address_full));
		}
		Ok(Arc::new(Place { caller: self.clone(), what, _permit: permit }))
	}

	fn taken(&self, what: What) -> &AtomicUsize {
		match what {
			What::Request => &self.requests,
			What::Events => &self.events,
			What::Stream => &self.streams,
		}
	}
}

impl Drop for Place {
	fn drop(&mut self) {
		self.caller.taken(self.what).fetch_sub(1, Ordering::Relaxed);
	}
}

impl Drop for Caller {
	fn drop(&mut self) {
		let mut by_address = self.of.by_address.lock();
		// Another may have come from there meanwhile.
		if by_address.get(&self.address).is_some_and(|it| it.strong_count() == 0) {
			by_address.remove(&self.address);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn places() -> Arc<Places> {
		Places::new(&Limits {
			requests: 3,
			requests_per_address: 2,
			streams: 3,
			streams_per_address: 1,
			..Limits::default()
		})
	}

	#[test]
	fn an_address_has_its_share_and_no_more() {
		let places = places();
		let [one, other] = ["1.2.3.4", "1.2.3.5"].map(|it| places.caller(it.parse().unwrap()));
		let kept = [one.enter(), one.enter()].map(Result::unwrap);
		assert!(matches!(one.enter(), Err(Error::Overloaded(why)) if why.contains("address")));
		let _last = other.enter().unwrap();
		assert!(matches!(other.enter(), Err(Error::Overloaded(why)) if !why.contains("address")));
		// Streams have places of their own.
		let stream = one.stream().unwrap();
		assert!(
			matches!(one.stream(), Err(Error::Overloaded(why)) if why.contains("streams of this address"))
		);
		assert!(other.stream().is_ok() && one.follow().is_ok());
		drop((kept, stream));
		assert!(one.enter().is_ok() && one.stream().is_ok());
	}

	#[test]
	fn an_address_is_remembered_while_somebody_is_connected_from_there() {
		let places = places();
		let callers = ["1.2.3.4", "::ffff:1.2.3.4"].map(|it| places.caller(it.parse().unwrap()));
		assert!(Arc::ptr_eq(&callers[0], &callers[1]));
		assert_eq!(places.by_address.lock().len(), 1);
		drop(callers);
		assert_eq!(places.by_address.lock().len(), 0);
	}

	#[test]
	fn all_of_a_network_of_64_bits_is_one_address() {
		let places = places();
		let [a, b, c] = ["2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"]
			.map(|it| places.caller(it.parse().unwrap()));
		assert!(Arc::ptr_eq(&a, &b) && !Arc::ptr_eq(&a, &c));
	}
}
