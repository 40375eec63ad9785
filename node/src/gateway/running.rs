//! A gateway that comes to its end with the node, and answers before what was asked.

use super::LedgerSlot;
use aimodel_gateway::Gateway;
use aimodel_inference::{panics::never_end_the_node, serving::Server};
use std::{
	io,
	sync::{mpsc, Arc},
	time::Duration,
};
use tokio::runtime::{Handle, Runtime};

/// How much later than the gateway itself its end is given up.
const SLACK: Duration = Duration::from_secs(1);

/// The threads that callers are answered on: none that the node's network needs, since reading a large request, and
/// asking the runtime, takes a thread for as long as it lasts.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
	pub(super) fn new() -> io::Result<(Self, Handle)> {
		let mut threads = tokio::runtime::Builder::new_multi_thread();
		let threads = threads
			.thread_name("aimodel-gateway")
			.on_thread_start(never_end_the_node)
			.enable_all()
			.build()?;
		let handle = threads.handle().clone();
		Ok((Self(Some(threads)), handle))
	}
}

impl Drop for Threads {
	fn drop(&mut self) {
		if let Some(runtime) = self.0.take() {
			// May be dropped where nothing may block.
			runtime.shutdown_background();
		}
	}
}

/// The gateway, and its server of models.
///
/// Dropping it takes no more connections, waits until what is being answered is, at most `patience`, and ends the rest.
pub(super) struct Running {
	pub(super) gateway: Option<Gateway>,
	pub(super) server: Server,
	/// What of the answers is to be settled.
	pub(super) slot: Arc<LedgerSlot>,
	/// Ends last.
	pub(super) _threads: Threads,
	pub(super) handle: Handle,
	pub(super) patience: Duration,
}

impl Drop for Running {
	fn drop(&mut self) {
		let Some(gateway) = self.gateway.take() else { return };
		log::info!("🚪 Gateway: answers what was asked, and nothing more");
		let (ended, end) = mpsc::channel();
		self.handle.spawn(async move {
			gateway.stop().await;
			// Nobody waits after the patience.
			let _ = ended.send(());
		});
		// May be dropped where nothing may be awaited.
		match end.recv_timeout(self.patience.saturating_add(SLACK)) {
			Ok(()) => log::info!("🚪 Gateway: ended"),
			Err(_) => log::warn!("🚪 Gateway: ended while requests were being answered"),
		}
		self.server.drain();
		if let Err(error) = self.slot.save() {
			log::error!("🚪 Gateway: vouchers are not kept: {error}");
		}
	}
}
