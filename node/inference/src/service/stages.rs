//! What a job went through, for whoever follows it.

use aimodel_primitives::inference::Job;
use std::time::{Duration, Instant};

/// A part of a job's time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
	/// It waited for a thread.
	Queue,
	/// The model was loaded, or found in memory.
	LoadModel,
	/// The engine ran.
	Infer,
	/// The proving key was loaded, or found in memory.
	LoadProver,
	/// The proof was made and verified.
	Prove,
}

impl Stage {
	/// As metrics and traces call it.
	pub fn name(self) -> &'static str {
		match self {
			Self::Queue => "queue",
			Self::LoadModel | Self::LoadProver => "load",
			Self::Infer => "infer",
			Self::Prove => "prove",
		}
	}
}

/// A stage that a job has passed.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
	/// Which.
	pub stage: Stage,
	/// When it began.
	pub began: Instant,
	/// How long it lasted.
	pub took: Duration,
}

/// A job that ended.
#[derive(Debug)]
pub struct Ended<'a> {
	/// The job.
	pub job: &'a Job,
	/// When it was submitted.
	pub submitted: Instant,
	/// In the order in which they began.
	pub stages: &'a [Passed],
	/// Why there is no result, if there is none.
	pub error: Option<&'a str>,
}

/// Is told of jobs.
pub trait Observer: Send + Sync {
	/// A job ended. Called on the job's thread; must be short.
	fn ended(&self, job: Ended<'_>);
}

/// The stages of the job of this thread; kept only if somebody follows it.
#[derive(Debug)]
pub(crate) struct Stages(Option<Vec<Passed>>);

impl Stages {
	pub(crate) fn new(followed: bool) -> Self {
		Self(followed.then(Vec::new))
	}

	/// A stage that began at `began` ends now.
	pub(crate) fn passed(&mut self, stage: Stage, began: Instant) {
		if let Some(passed) = &mut self.0 {
			passed.push(Passed { stage, began, took: began.elapsed() });
		}
	}

	/// Does the work of a stage.
	pub(crate) fn during<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
		if self.0.is_none() {
			return work();
		}
		let began = Instant::now();
		let done = work();
		self.passed(stage, began);
		done
	}

	pub(crate) fn all(&self) -> &[Passed] {
		self.0.as_deref().unwrap_or_default()
	}
}
