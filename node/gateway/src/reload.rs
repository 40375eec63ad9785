//! Files that are read again when they change: tokens and certificates, which are renewed while the gateway runs.

use crate::metrics::Metrics;
use std::{
	fs,
	path::PathBuf,
	sync::Arc,
	time::{Duration, SystemTime},
};
use tokio::{sync::watch, time::sleep};

/// What is read from files.
pub trait Reload: Send + Sync {
	/// Which.
	fn files(&self) -> Vec<PathBuf>;

	/// Reads them again; where they are not as they have to be, what was read before stays.
	fn reload(&self) -> Result<(), String>;
}

/// Tells one content of a file from another; `None` if there is no file.
type Stamp = Option<(Option<SystemTime>, u64)>;

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
	let stamp = |file| fs::metadata(file).ok().map(|it| (it.modified().ok(), it.len()));
	files.iter().map(stamp).collect()
}

/// Looks at files every `interval`, and reads them again when one has changed, until the gateway comes to its end.
pub(crate) async fn follow(
	reload: Arc<dyn Reload>,
	interval: Duration,
	metrics: Metrics,
	mut stop: watch::Receiver<bool>,
) {
	let files = reload.files();
	let named: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
	let named = named.join(", ");
	let (mut seen, mut stale) = (stamps(&files), false);
	loop {
		tokio::select! {
			() = sleep(interval) => (),
			_ = stop.wait_for(|stop| *stop) => return,
		}
		let now = stamps(&files);
		if now == seen {
			continue;
		}
		seen = now;
		let read = reload.reload();
		let before = std::mem::replace(&mut stale, read.is_err());
		metrics.stale(before, stale);
		match read {
			Ok(()) => log::info!(target: "gateway", "{named}: changed, and was read again"),
			Err(error) => log::error!(
				target: "gateway",
				"{named}: changed, and is not used: {error}; what was there before is",
			),
		}
	}
}
