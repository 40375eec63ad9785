//! Makes proofs, in threads of its own.
//!
//! Rayon's global pool also serves the host's pairing and multi-scalar multiplication: a long
//! proof there would hold up block import. So proofs run in a pool that leaves one core free.

use crate::{
	blobs::{BlobError, BlobStore},
	cache::Loaded,
	metrics::Metrics,
};
use aimodel_primitives::{
	ids::{ArtifactHash, BlobHash},
	inference::ProofTask,
};
use std::{sync::Arc, time::Instant};
use zkonnx::{
	rand::rngs::OsRng,
	statement::{scalar_from_bytes, StatementError},
	ImportError, KeyError, Network, ProveError, Prover, ProvingKey,
};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProverError {
	/// The artifact or the proving key can not be had.
	#[error(transparent)]
	Blob(#[from] BlobError),
	/// The artifact is no provable model.
	#[error("the artifact can not be proved: {0}")]
	Import(#[from] ImportError),
	/// The proving key can not be read, or was made for another artifact or circuit.
	#[error("proving key {key:?}: {error}")]
	Key {
		/// The blob that holds the key.
		key: BlobHash,
		/// What is wrong with it.
		error: KeyError,
	},
	/// The registered verifying key is for another circuit than the artifact's.
	#[error("the chain's verifying key is for the circuit {registered:?}; the artifact compiles to {derived:?}")]
	Digest {
		/// The digest that was derived from the artifact.
		derived: BlobHash,
		/// The digest in the job.
		registered: BlobHash,
	},
	/// The binding is no scalar.
	#[error("the statement can not be built: {0}")]
	Statement(#[from] StatementError),
	/// The prover failed.
	#[error("{0}")]
	Prove(#[from] ProveError),
}

/// An inference and its proof.
#[derive(Clone, Debug)]
pub(crate) struct Proved {
	/// What the executor computed: the output that is proved.
	pub(crate) output: Vec<u8>,
	/// A, B and C, uncompressed.
	pub(crate) proof: Vec<u8>,
}

/// Loaded provers, by artifact and proving key.
pub(crate) struct Provers {
	blobs: Arc<BlobStore>,
	pool: rayon::ThreadPool,
	loaded: Loaded<(ArtifactHash, BlobHash), LoadedProver>,
	metrics: Metrics,
}

struct LoadedProver {
	prover: Prover,
	digest: BlobHash,
}

impl Provers {
	/// Keeps at most `count` provers; proves in `threads` threads, or in one less than there are
	/// cores.
	pub(crate) fn new(
		blobs: Arc<BlobStore>,
		count: usize,
		threads: Option<usize>,
		metrics: Metrics,
	) -> Result<Self, rayon::ThreadPoolBuildError> {
		let spare_one = || {
			let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
			cores.saturating_sub(1)
		};
		let pool = rayon::ThreadPoolBuilder::new()
			// Zero would mean one thread a core.
			.num_threads(threads.unwrap_or_else(spare_one).max(1))
			.thread_name(|at| format!("aimodel-rayon-{at}"))
			.build()?;
		Ok(Self { blobs, pool, loaded: Loaded::new(count), metrics })
	}

	/// Runs the artifact's network on an input and proves it. A proof that the prover hands out is
	/// valid.
	pub(crate) fn prove(
		&self,
		artifact: ArtifactHash,
		task: &ProofTask,
		input: &[u8],
	) -> Result<Proved, ProverError> {
		let loaded = self
			.loaded
			.get_or_load(&(artifact, task.proving_key), || self.load(artifact, task.proving_key))?;
		if loaded.digest != task.circuit_digest {
			let (derived, registered) = (loaded.digest, task.circuit_digest);
			return Err(ProverError::Digest { derived, registered });
		}
		let binding = scalar_from_bytes(&task.binding)?;
		let start = Instant::now();
		let (output, proof) =
			self.pool.install(|| loaded.prover.prove(input, binding, &mut OsRng))?;
		self.metrics.proving(start.elapsed());
		Ok(Proved { output, proof: proof.to_uncompressed_bytes().to_vec() })
	}

	fn load(
		&self,
		artifact: ArtifactHash,
		key: BlobHash,
	) -> Result<Arc<LoadedProver>, ProverError> {
		let start = Instant::now();
		let network = Network::from_onnx(&self.blobs.get(&artifact)?)?;
		let key_bytes = self.blobs.get(&key)?;
		let loaded = self.pool.install(|| {
			// Not every point is checked, which would take longer than a lease. A bad point makes
			// proofs that are not valid, and each is verified before it leaves.
			let proving_key = ProvingKey::from_trusted_bytes(&key_bytes)?;
			let prover = Prover::new(network, proving_key)?.warm();
			let digest = prover.circuit().digest().into();
			Ok(LoadedProver { prover, digest })
		});
		let loaded = loaded.map_err(|error| ProverError::Key { key, error })?;
		let took = start.elapsed();
		self.metrics.prover_load(took);
		log::info!(
			target: "inference",
			"loaded the prover of artifact {artifact:?}: {} constraints, {took:?}",
			loaded.prover.circuit().constraints(),
		);
		Ok(Arc::new(loaded))
	}
}
