//! One job, from its input to its result.

use super::{Stage, Stages};
use crate::{
	blobs::{self, BlobError, BlobStore},
	engine::{EngineError, Models},
	metrics::Metrics,
	openings::{Opening, OpeningError, OpeningStore},
	prover::{ProverError, Provers},
};
use aimodel_primitives::{
	ids::BlobHash,
	inference::{Job, JobInput, JobOutput, JobResult, ProofTask, MAX_RESULT_BYTES},
	statement::{output_bytes, Scalar},
	tensor::ShapeError,
};
use codec::Encode;
use std::{borrow::Cow, sync::Arc, time::Instant};

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
	/// The artifact, the input or the output, and the blob store.
	#[error(transparent)]
	Blob(#[from] BlobError),
	/// The engine refused or failed.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// There is no proof.
	#[error(transparent)]
	Prover(#[from] ProverError),
	/// The customer's opening can not be had.
	#[error(transparent)]
	Opening(#[from] OpeningError),
	/// What is committed can only be proved.
	#[error("a request with a commitment is answered with a proof")]
	CommitmentUnproven,
	/// The input blob is not as long as the chain says.
	#[error("the input blob has {found} bytes; the chain says {expected}")]
	InputLength {
		/// The length that the chain says.
		expected: u64,
		/// The length of the blob.
		found: u64,
	},
	/// The input is no whole number of rows that the interface admits.
	#[error("the input's {bytes} bytes are no input of the model: {error:?}")]
	Input {
		/// The length of the input.
		bytes: u64,
		/// What is wrong.
		error: ShapeError,
	},
	/// What would be proved is not what the engine answered. Never submitted.
	#[error("MISMATCH: the engine answered {engine:?}, the executor {executor:?}; this must never happen, keep the artifact and the input and report it")]
	Mismatch {
		/// The hash of the engine's output.
		engine: BlobHash,
		/// The hash of the executor's output.
		executor: BlobHash,
	},
	/// A proven output has to be in the call.
	#[error("the proven output has {bytes} bytes; {limit} is the most that a call carries")]
	ProvenOutputTooLong {
		/// The length of the output.
		bytes: u64,
		/// The most that is submitted inline.
		limit: u32,
	},
	/// The encoded result does not fit through the host interface.
	#[error("the result has {bytes} bytes; {MAX_RESULT_BYTES} is the most")]
	ResultTooLong {
		/// The length of the encoded result.
		bytes: u64,
	},
	/// The job's thread panicked.
	#[error("PANIC: {0}")]
	Panic(String),
}

/// Everything that a job needs.
pub(super) struct Runner {
	pub(super) blobs: Arc<BlobStore>,
	pub(super) openings: Arc<OpeningStore>,
	pub(super) models: Models,
	pub(super) provers: Provers,
	pub(super) metrics: Metrics,
}

impl Runner {
	/// Runs a job; returns the encoded [`JobResult`].
	pub(super) fn run(&self, job: &Job, stages: &mut Stages) -> Result<Vec<u8>, JobError> {
		let opening = match (&job.input, &job.proof) {
			(JobInput::Inline(_) | JobInput::Blob { .. }, _) => None,
			(JobInput::Committed(commitment) | JobInput::Salted(_, commitment), Some(_)) => {
				Some((self.openings.get(&commitment.opening())?, commitment.holder))
			},
			(_, None) => return Err(JobError::CommitmentUnproven),
		};
		let bytes = match (&job.input, &opening) {
			(JobInput::Inline(bytes) | JobInput::Salted(bytes, _), _) => bytes.len() as u64,
			(JobInput::Blob { length, .. }, _) => *length,
			(JobInput::Committed(_), opening) => {
				opening.as_ref().map_or(0, |(opening, _)| opening.input.len() as u64)
			},
		};
		let rows = job.interface.rows(bytes).map_err(|error| JobError::Input { bytes, error })?;
		let input = self.input(job, opening.as_ref().map(|(opening, _)| opening))?;
		let output = self.infer(job, &input, rows, stages)?;
		let result = match &job.proof {
			None => JobResult { output: self.place(job, output)?, proof: None },
			Some(task) => self.prove(job, task, &input, opening.as_ref(), output, stages)?,
		};
		let encoded = result.encode();
		match encoded.len() as u64 {
			bytes if bytes > u64::from(MAX_RESULT_BYTES) => Err(JobError::ResultTooLong { bytes }),
			_ => Ok(encoded),
		}
	}

	/// The input, which has the length that the chain says.
	fn input<'j>(
		&self,
		job: &'j Job,
		opening: Option<&'j Opening>,
	) -> Result<Cow<'j, [u8]>, JobError> {
		match &job.input {
			JobInput::Inline(bytes) | JobInput::Salted(bytes, _) => Ok(Cow::Borrowed(bytes)),
			JobInput::Committed(_) => {
				Ok(Cow::Borrowed(opening.map_or(&[], |opening| &opening.input)))
			},
			JobInput::Blob { hash, length } => {
				let found = self.blobs.size(hash)?;
				if found != *length {
					return Err(JobError::InputLength { expected: *length, found });
				}
				Ok(Cow::Owned(self.blobs.get(hash)?))
			},
		}
	}

	/// The engine's answer.
	fn infer(
		&self,
		job: &Job,
		input: &[u8],
		rows: u32,
		stages: &mut Stages,
	) -> Result<Vec<u8>, JobError> {
		let model = stages.during(Stage::LoadModel, || {
			self.models.get_or_load(job.artifact, &job.interface, || {
				Ok::<_, JobError>(self.blobs.get(&job.artifact)?)
			})
		})?;
		let start = Instant::now();
		let output = stages.during(Stage::Infer, || model.infer(input, rows))?;
		let took = start.elapsed();
		self.metrics.inference(took);
		log::debug!(
			target: "inference",
			"request={}: {rows} rows in, {} bytes out, {took:?}",
			job.request,
			output.len(),
		);
		Ok(output)
	}

	/// The proof of exactly what the engine answered.
	fn prove(
		&self,
		job: &Job,
		task: &ProofTask,
		input: &[u8],
		opening: Option<&(Opening, Scalar)>,
		output: Vec<u8>,
		stages: &mut Stages,
	) -> Result<JobResult, JobError> {
		let elements = output.len() as u64 / u64::from(job.interface.output.element.bytes());
		let published = output_bytes(&job.interface.output, elements, task.key.privacy.output);
		let bytes = published.unwrap_or(u64::MAX);
		if bytes > u64::from(job.inline_limit) {
			return Err(JobError::ProvenOutputTooLong { bytes, limit: job.inline_limit });
		}
		let start = Instant::now();
		let proved = self.provers.prove(job.artifact, task, input, opening, stages)?;
		if proved.output != output {
			let [engine, executor] = [&output, &proved.output].map(|output| blobs::hash(output));
			return Err(JobError::Mismatch { engine, executor });
		}
		log::debug!(target: "inference", "request={}: proved, {:?}", job.request, start.elapsed());
		let proof = proved.proof.to_uncompressed_bytes().to_vec();
		Ok(JobResult { output: JobOutput::Inline(proved.published), proof: Some(proof) })
	}

	/// Puts a long output into the blob store.
	fn place(&self, job: &Job, output: Vec<u8>) -> Result<JobOutput, JobError> {
		let length = output.len() as u64;
		match length > u64::from(job.inline_limit) {
			true => Ok(JobOutput::Blob { hash: self.blobs.put(&output)?, length }),
			false => Ok(JobOutput::Inline(output)),
		}
	}
}
