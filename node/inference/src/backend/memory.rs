//! What loading a model takes of the process's memory.

use parking_lot::Mutex;
use std::fs;
use substrate_prometheus_endpoint::{
	prometheus::{
		core::{Collector, Desc},
		proto::MetricFamily,
	},
	Gauge, PrometheusError, U64,
};

/// Held while something is measured, so that one measurement does not count another's memory.
static MEASURING: Mutex<()> = Mutex::new(());

/// Runs `load`, and measures by how much the resident memory of the process grew meanwhile. What
/// the allocator had to spare does not show in that, so that `least` is the least that is reported:
/// the bytes of the file, which the engine holds at least once.
pub(crate) fn measured<T>(least: u64, load: impl FnOnce() -> T) -> (T, u64) {
	let _measuring = MEASURING.lock();
	let before = resident();
	let loaded = load();
	let grown = match (before, resident()) {
		(Some(before), Some(after)) => after.saturating_sub(before),
		_ => 0,
	};
	(loaded, grown.max(least))
}

/// Bytes of this process that are in memory, by the kernel's account.
pub(crate) fn resident() -> Option<u64> {
	let status = fs::read_to_string("/proc/self/status").ok()?;
	let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
	let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
	kibibytes.checked_mul(1024)
}

/// The process's memory as Prometheus sees it, looked at when it is asked for.
pub(crate) struct Resident(Gauge<U64>);

impl Resident {
	pub(crate) fn new() -> Result<Self, PrometheusError> {
		// The name that Prometheus' own clients give it.
		Gauge::new("process_resident_memory_bytes", "Bytes of the process that are in memory")
			.map(Self)
	}
}

impl Collector for Resident {
	fn desc(&self) -> Vec<&Desc> {
		self.0.desc()
	}

	fn collect(&self) -> Vec<MetricFamily> {
		self.0.set(resident().unwrap_or_default());
		self.0.collect()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_stays_in_memory_is_measured() {
		let bytes = 32 << 20;
		// Written, or the kernel would not give it.
		let (kept, grown) = measured(0, || vec![1u8; bytes]);
		assert_eq!(kept.len(), bytes);
		assert!(grown > bytes as u64 / 2, "{grown}");
		let ((), grown) = measured(1 << 40, || ());
		assert_eq!(grown, 1 << 40);
	}
}
