//! The circuit breaker of a model.
//!
//! ```text
//!            so many failures in a row                  cool-down over
//!   closed ───────────────────────────> open: nobody ──────────────────> half-open: one trial
//!     ▲                                      ▲                              │  │  ▲
//!     │                                      └──────── the trial failed ────┘  │  │ it came to
//!     └──────────────────────────────── the trial was answered ───────────────┴──┘ nothing
//! ```
//!
//! The only failure is a lapse of a lease that obliged its worker, who is slashed for it: no customer
//! can cause one. Everything is derived from the number of the block when it is asked.

use crate::RequestId;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// When a model is suspended, and for how long.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct BreakerParams {
	/// Failures without an answer between them that suspend the model.
	pub failures: u32,
	/// Blocks of a suspension.
	pub cool_down: u32,
}

/// What is kept of a model's failures.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub enum Breaker {
	/// Every request is admitted.
	Closed {
		/// Failures since the last answer.
		failures: u32,
	},
	/// No request is admitted before `until`, and then one as a trial.
	Open {
		/// The first block in which a trial is admitted.
		until: u32,
		/// The trial.
		trial: Option<Trial>,
	},
}

impl Default for Breaker {
	fn default() -> Self {
		Self::Closed { failures: 0 }
	}
}

/// The request that tries whether a suspended model answers again.
#[derive(
	Clone,
	Copy,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	PartialEq,
	Debug,
	TypeInfo,
)]
pub struct Trial {
	/// The request.
	pub request: RequestId,
	/// The last block until which it waits for a worker that is obliged to answer it. Another request
	/// may take its place later, or its customer could keep the model suspended.
	pub until: u32,
}

/// As what a request is admitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
	/// As any other.
	Ordinary,
	/// As the one that tries whether the model answers again.
	Trial,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Suspension {
	/// The model cools down.
	CoolingDown,
	/// Its trial is not over.
	OnTrial,
}

/// A breaker at some block.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq, Debug, TypeInfo)]
pub enum BreakerState {
	/// Every request is admitted.
	Closed {
		/// Failures since the last answer.
		failures: u32,
	},
	/// No request is admitted.
	Open {
		/// The first block in which one is.
		until: u32,
	},
	/// One request is admitted, as a trial.
	HalfOpen {
		/// The trial, if it was made.
		trial: Option<RequestId>,
	},
}

impl Breaker {
	/// The state at a block. `is_obliged` tells whether a worker is obliged to answer a request.
	pub fn state(&self, block: u32, is_obliged: impl FnOnce(RequestId) -> bool) -> BreakerState {
		match self {
			Self::Closed { failures } => BreakerState::Closed { failures: *failures },
			Self::Open { until, .. } if block < *until => BreakerState::Open { until: *until },
			Self::Open { trial, .. } => {
				let pending =
					trial.filter(|trial| block <= trial.until || is_obliged(trial.request));
				BreakerState::HalfOpen { trial: pending.map(|trial| trial.request) }
			},
		}
	}

	/// Whether a request may be made at a block. If as a trial, [`Self::begin_trial`] follows.
	pub fn admission(
		&self,
		block: u32,
		is_obliged: impl FnOnce(RequestId) -> bool,
	) -> Result<Admission, Suspension> {
		match self.state(block, is_obliged) {
			BreakerState::Closed { .. } => Ok(Admission::Ordinary),
			BreakerState::Open { .. } => Err(Suspension::CoolingDown),
			BreakerState::HalfOpen { trial: None } => Ok(Admission::Trial),
			BreakerState::HalfOpen { trial: Some(_) } => Err(Suspension::OnTrial),
		}
	}

	/// Notes the trial that was admitted.
	pub fn begin_trial(&mut self, begun: Trial) {
		if let Self::Open { trial, .. } = self {
			*trial = Some(begun);
		}
	}

	/// Notes an answer. Returns whether a suspension ended.
	///
	/// What was asked before a suspension does not end it.
	pub fn answered(&mut self, request: RequestId) -> bool {
		let resumed = self.is_trial(request);
		if resumed || matches!(self, Self::Closed { .. }) {
			*self = Self::default();
		}
		resumed
	}

	/// Notes a failure. Returns until when it suspends the model, if it does.
	///
	/// What was asked before a suspension does not prolong it.
	#[must_use]
	pub fn failed(
		&mut self,
		request: RequestId,
		block: u32,
		params: &BreakerParams,
	) -> Option<u32> {
		let trips = match self {
			Self::Closed { failures } => {
				*failures = failures.saturating_add(1);
				*failures >= params.failures
			},
			Self::Open { .. } => self.is_trial(request),
		};
		trips.then(|| {
			let until = block.saturating_add(params.cool_down);
			*self = Self::Open { until, trial: None };
			until
		})
	}

	/// Notes a request that closed without an answer. A trial without a failure makes room for another.
	pub fn abandoned(&mut self, request: RequestId) {
		if !self.is_trial(request) {
			return;
		}
		if let Self::Open { trial, .. } = self {
			*trial = None;
		}
	}

	/// The request that is noted as the trial.
	pub fn trial(&self) -> Option<RequestId> {
		match self {
			Self::Closed { .. } => None,
			Self::Open { trial, .. } => trial.map(|trial| trial.request),
		}
	}

	fn is_trial(&self, request: RequestId) -> bool {
		self.trial() == Some(request)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const PARAMS: BreakerParams = BreakerParams { failures: 3, cool_down: 10 };

	fn idle(_: RequestId) -> bool {
		false
	}

	fn suspended(until: u32) -> Breaker {
		Breaker::Open { until, trial: None }
	}

	fn on_trial(request: RequestId) -> Breaker {
		Breaker::Open { until: 10, trial: Some(Trial { request, until: 15 }) }
	}

	#[test]
	fn failures_in_a_row_suspend() {
		let mut breaker = Breaker::default();
		assert_eq!(breaker.failed(1, 5, &PARAMS), None);
		assert_eq!(breaker.failed(2, 5, &PARAMS), None);
		assert_eq!(breaker.admission(5, idle), Ok(Admission::Ordinary));
		assert_eq!(breaker.failed(3, 5, &PARAMS), Some(15));
		assert_eq!(breaker, suspended(15));
	}

	#[test]
	fn an_answer_forgives_earlier_failures() {
		let mut breaker = Breaker::Closed { failures: 2 };
		assert!(!breaker.answered(1));
		assert_eq!(breaker, Breaker::default());
	}

	#[test]
	fn a_suspension_is_half_open() {
		let breaker = suspended(10);
		assert_eq!(breaker.admission(9, idle), Err(Suspension::CoolingDown));
		assert_eq!(breaker.admission(10, idle), Ok(Admission::Trial));
	}

	#[test]
	fn one_trial_is_admitted_and_decides() {
		let mut breaker = suspended(10);
		breaker.begin_trial(Trial { request: 7, until: 15 });
		assert_eq!(breaker, on_trial(7));
		assert_eq!(breaker.admission(15, idle), Err(Suspension::OnTrial));
		let mut answered = breaker;
		assert!(answered.answered(7));
		assert_eq!(answered, Breaker::default());
		assert_eq!(breaker.failed(7, 20, &PARAMS), Some(30));
		assert_eq!(breaker, suspended(30));
	}

	#[test]
	fn a_trial_that_comes_to_nothing_makes_room() {
		let mut breaker = on_trial(7);
		breaker.abandoned(7);
		assert_eq!(breaker, suspended(10));
	}

	#[test]
	fn a_trial_that_nobody_has_to_answer_makes_room() {
		let breaker = on_trial(7);
		assert_eq!(breaker.admission(16, idle), Ok(Admission::Trial));
		assert_eq!(breaker.admission(16, |request| request == 7), Err(Suspension::OnTrial));
	}

	#[test]
	fn earlier_requests_neither_end_nor_prolong_a_suspension() {
		for before in [suspended(10), on_trial(7)] {
			let mut breaker = before;
			assert!(!breaker.answered(6));
			assert_eq!(breaker.failed(6, 12, &PARAMS), None);
			breaker.abandoned(6);
			assert_eq!(breaker, before);
		}
	}

	#[test]
	fn a_suspension_without_end_does_not_overflow() {
		let params = BreakerParams { failures: 1, cool_down: u32::MAX };
		assert_eq!(Breaker::default().failed(1, 7, &params), Some(u32::MAX));
	}

	#[derive(Clone, Copy, Debug)]
	enum Step {
		Wait(u32),
		Ask,
		Oblige(usize),
		Answer(usize),
		Lapse(usize),
		Leave(usize),
	}

	fn step() -> impl Strategy<Value = Step> {
		prop_oneof![
			(0u32..8).prop_map(Step::Wait),
			Just(Step::Ask),
			(0usize..9).prop_map(Step::Oblige),
			(0usize..9).prop_map(Step::Answer),
			(0usize..9).prop_map(Step::Lapse),
			(0usize..9).prop_map(Step::Leave),
		]
	}

	#[derive(Clone, Copy)]
	struct Asked {
		id: RequestId,
		until: u32,
		obliged: bool,
		trial: bool,
	}

	/// The same machine, told as a history: what is admitted follows from all that happened.
	#[derive(Default)]
	struct History {
		/// Outcomes since the last suspension began or ended; true of an answer.
		outcomes: Vec<bool>,
		suspended_until: Option<u32>,
		open: Vec<Asked>,
	}

	impl History {
		fn trial_holds(&self, block: u32) -> bool {
			self.open.iter().any(|asked| asked.trial && (block <= asked.until || asked.obliged))
		}

		fn expected(&self, block: u32) -> Result<Admission, Suspension> {
			match self.suspended_until {
				None => Ok(Admission::Ordinary),
				Some(until) if block < until => Err(Suspension::CoolingDown),
				Some(_) if self.trial_holds(block) => Err(Suspension::OnTrial),
				Some(_) => Ok(Admission::Trial),
			}
		}

		fn failures_in_a_row(&self) -> usize {
			self.outcomes.iter().rev().take_while(|answered| !**answered).count()
		}

		fn suspend(&mut self, until: u32) {
			self.suspended_until = Some(until);
			self.outcomes.clear();
			self.open.iter_mut().for_each(|asked| asked.trial = false);
		}
	}

	proptest! {
		#[test]
		fn a_breaker_admits_what_its_history_says(
			failures in 1u32..4,
			cool_down in 1u32..12,
			patience in 0u32..4,
			steps in prop::collection::vec(step(), 0..120),
		) {
			let params = BreakerParams { failures, cool_down };
			let (mut breaker, mut history, mut block) = (Breaker::default(), History::default(), 0);
			let mut next = 0;
			for step in steps {
				let open = history.open.clone();
				let is_obliged =
					|id| open.iter().any(|asked: &Asked| asked.id == id && asked.obliged);
				let at = |index: usize| (!open.is_empty()).then(|| index % open.len());
				match step {
					Step::Wait(blocks) => block += blocks,
					Step::Ask => {
						let admission = breaker.admission(block, is_obliged);
						prop_assert_eq!(admission, history.expected(block));
						if let Ok(admission) = admission {
							next += 1;
							let trial = admission == Admission::Trial;
							let until = block + patience;
							if trial {
								breaker.begin_trial(Trial { request: next, until });
								history.open.iter_mut().for_each(|asked| asked.trial = false);
							}
							history.open.push(Asked { id: next, until, obliged: false, trial });
						}
					},
					Step::Oblige(index) => {
						if let Some(index) = at(index) {
							history.open[index].obliged = true;
						}
					},
					Step::Answer(index) => {
						let Some(index) = at(index) else { continue };
						let asked = history.open.remove(index);
						prop_assert_eq!(breaker.answered(asked.id), asked.trial);
						if asked.trial {
							history.suspended_until = None;
							history.outcomes.clear();
						} else if history.suspended_until.is_none() {
							history.outcomes.push(true);
						}
					},
					Step::Lapse(index) => {
						let Some(index) = at(index) else { continue };
						history.open[index].obliged = false;
						let asked = history.open[index];
						let suspended = breaker.failed(asked.id, block, &params);
						if history.suspended_until.is_none() {
							history.outcomes.push(false);
						}
						let trips = asked.trial || history.failures_in_a_row() >= failures as usize;
						prop_assert_eq!(suspended, trips.then_some(block + cool_down));
						if trips {
							history.suspend(block + cool_down);
						}
					},
					Step::Leave(index) => {
						let Some(index) = at(index) else { continue };
						breaker.abandoned(history.open.remove(index).id);
					},
				}
			}
		}
	}
}
