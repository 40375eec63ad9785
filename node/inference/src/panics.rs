//! Panics where others are served.
//!
//! Substrate ends the node at a panic on any thread, caught or not, lest consensus go on with what is half done. What
//! models, backends and callers can bring about shares nothing with consensus, and may cost the one request alone.

use sp_panic_handler::AbortGuard;
use std::{
	any::Any,
	panic::{catch_unwind, AssertUnwindSafe},
};

/// Runs what may panic, and tells what the panic said. What it touches is behind locks that a panic releases, or its own.
pub(crate) fn isolated<T>(run: impl FnOnce() -> T) -> Result<T, String> {
	let _unwinds = AbortGuard::force_unwind();
	catch_unwind(AssertUnwindSafe(run)).map_err(|panic| message(&*panic))
}

/// No panic on this thread ends the node from now on: for threads of a pool that catches panics itself.
pub fn never_end_the_node() {
	std::mem::forget(AbortGuard::never_abort());
}

fn message(panic: &(dyn Any + Send)) -> String {
	let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
	text.or_else(|| panic.downcast_ref::<String>().cloned())
		.unwrap_or_else(|| "without a message".into())
}
