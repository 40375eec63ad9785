//! One model: sessions over the same file, opened when they are wanted.

use super::{failed, values, Opener};
use crate::{
	backend::{memory::measured, BackendError, Model, Signature},
	tensor::Tensor,
};
use bytes::Bytes;
use ort::session::{NoSelectedOutputs, RunOptions, Session};
use parking_lot::{Condvar, Mutex};
use std::{
	sync::Arc,
	thread::{self, ThreadId},
};

pub(super) struct Sessions {
	opener: Opener,
	file: Bytes,
	signature: Signature,
	most: usize,
	pool: Mutex<Pool>,
	returned: Condvar,
	/// Bytes that a session takes, as the first did.
	each: u64,
}

struct Pool {
	idle: Vec<Ready>,
	open: usize,
	/// What runs now, and for which thread.
	running: Vec<(ThreadId, Arc<RunOptions<NoSelectedOutputs>>)>,
}

/// A session, and what can stop its run.
struct Ready {
	session: Session,
	options: Arc<RunOptions<NoSelectedOutputs>>,
}

/// A session on loan.
struct Loan<'a> {
	model: &'a Sessions,
	/// `Some` until it is given back.
	session: Option<Ready>,
}

impl Drop for Loan<'_> {
	fn drop(&mut self) {
		let session = self.session.take();
		let mut pool = self.model.pool.lock();
		if let Some(session) = &session {
			pool.running.retain(|(_, options)| !Arc::ptr_eq(options, &session.options));
		}
		match session {
			// Interrupted runs leave their mark on the options.
			Some(session) if !thread::panicking() && session.options.unterminate().is_ok() => {
				pool.idle.push(session)
			},
			// Not opened, or not to be trusted after a panic: the next who needs one opens another.
			_ => pool.open = pool.open.saturating_sub(1),
		}
		drop(pool);
		self.model.returned.notify_one();
	}
}

impl Sessions {
	pub(super) fn load(opener: Opener, file: &Bytes, most: usize) -> Result<Self, BackendError> {
		let (session, memory) = measured(file.len() as u64, || open(&opener, file));
		let session = session?;
		Ok(Self {
			signature: values::signature(session.session.inputs(), session.session.outputs())?,
			opener,
			file: file.clone(),
			most,
			pool: Mutex::new(Pool { idle: vec![session], open: 1, running: Vec::new() }),
			returned: Condvar::new(),
			each: memory,
		})
	}

	/// Waits for a session if as many as may be are at work.
	fn borrow(&self) -> Result<Loan<'_>, BackendError> {
		let mut pool = self.pool.lock();
		let mut loan = loop {
			if let Some(session) = pool.idle.pop() {
				pool.running.push((thread::current().id(), session.options.clone()));
				return Ok(Loan { model: self, session: Some(session) });
			}
			if pool.open < self.most {
				pool.open = pool.open.saturating_add(1);
				break Loan { model: self, session: None };
			}
			self.returned.wait(&mut pool);
		};
		drop(pool);
		let session = open(&self.opener, &self.file)?;
		self.pool.lock().running.push((thread::current().id(), session.options.clone()));
		loan.session = Some(session);
		Ok(loan)
	}
}

fn open(opener: &Opener, file: &[u8]) -> Result<Ready, BackendError> {
	let session = opener.open(file)?;
	Ok(Ready { session, options: Arc::new(RunOptions::new().map_err(failed)?) })
}

impl Model for Sessions {
	fn signature(&self) -> &Signature {
		&self.signature
	}

	fn infer_batch(&self, requests: &[&[Tensor]]) -> Result<Vec<Tensor>, BackendError> {
		let inputs = values::inputs(&self.signature, requests)?;
		let mut loan = self.borrow()?;
		let Some(Ready { session, options }) = &mut loan.session else {
			return Err(BackendError::Failed("a session was lost".into()));
		};
		let outputs = session.run_with_options(inputs.as_slice(), &**options).map_err(failed)?;
		values::outputs(&self.signature, &outputs)
	}

	/// The file is kept, since further sessions are opened from it.
	fn memory(&self) -> u64 {
		let open = self.pool.lock().open as u64;
		self.each.saturating_mul(open).saturating_add(self.file.len() as u64)
	}

	fn runs_in_place(&self) -> bool {
		self.opener.is_cpu() && !self.pool.lock().idle.is_empty()
	}

	fn interrupt(&self, thread: ThreadId) {
		for (_, options) in self.pool.lock().running.iter().filter(|(of, _)| *of == thread) {
			if let Err(error) = options.terminate() {
				log::warn!(target: "inference", "a run can not be stopped: {error}");
			}
		}
	}
}
