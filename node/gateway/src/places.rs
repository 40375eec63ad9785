//! Places among the requests that are being answered: so many in all, and so many of each address.

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
	free: Arc<Semaphore>,
	of_address: usize,
	by_address: Mutex<HashMap<IpAddr, Weak<Caller>>>,
}

/// All connections of an address.
pub(crate) struct Caller {
	address: IpAddr,
	taken: AtomicUsize,
	of: Arc<Places>,
}

/// One of them, from when a request has its headers until its answer is written.
pub(crate) struct Place {
	caller: Arc<Caller>,
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
		Arc::new(Self {
			free: Arc::new(Semaphore::new(limits.requests)),
			of_address: limits.requests_per_address,
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
		let caller = Arc::new(Caller { address, taken: AtomicUsize::new(0), of: self.clone() });
		by_address.insert(address, Arc::downgrade(&caller));
		caller
	}
}

impl Caller {
	/// Takes a place for a request.
	pub(crate) fn enter(self: &Arc<Self>) -> Result<Arc<Place>, Error> {
		let full = |_| Error::Overloaded("as many requests are being answered as may be");
		let permit = self.of.free.clone().try_acquire_owned().map_err(full)?;
		if self.taken.fetch_add(1, Ordering::Relaxed) >= self.of.of_address {
			self.taken.fetch_sub(1, Ordering::Relaxed);
			return Err(Error::Overloaded(
				"as many requests of this address are being answered as may be",
			));
		}
		Ok(Arc::new(Place { caller: self.clone(), _permit: permit }))
	}
}

impl Drop for Place {
	fn drop(&mut self) {
		self.caller.taken.fetch_sub(1, Ordering::Relaxed);
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
		Places::new(&Limits { requests: 3, requests_per_address: 2, ..Limits::default() })
	}

	#[test]
	fn an_address_has_its_share_and_no_more() {
		let places = places();
		let [one, other] = ["1.2.3.4", "1.2.3.5"].map(|it| places.caller(it.parse().unwrap()));
		let kept = [one.enter(), one.enter()].map(Result::unwrap);
		assert!(matches!(one.enter(), Err(Error::Overloaded(why)) if why.contains("address")));
		let _last = other.enter().unwrap();
		assert!(matches!(other.enter(), Err(Error::Overloaded(why)) if !why.contains("address")));
		drop(kept);
		assert!(one.enter().is_ok());
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
