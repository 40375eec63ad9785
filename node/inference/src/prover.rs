//! Makes proofs, in threads of its own.
//!
//! Rayon's global pool also serves the host's pairing and multi-scalar multiplication: a long
//! proof there would hold up block import. So proofs run in a pool that leaves one core free.

use crate::{
	blobs::{self, BlobError, BlobStore},
	cache::Loaded,
	metrics::Metrics,
	openings::{circuit_privacy, Opening},
	panics,
	service::{Stage, Stages},
};
use aimodel_primitives::{
	ids::{ArtifactHash, BlobHash},
	inference::ProofTask,
	runtime_api::ProofKey,
	statement::Scalar,
};
use std::{sync::Arc, time::Instant};
use zkonnx::{
	privacy as circuit,
	rand::rngs::OsRng,
	statement::{scalar_from_bytes, scalar_to_bytes, StatementError},
	ImportError, KeyError, Network, ProveError, Proved, Prover, ProvingKey, VerifyingKey,
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
	/// The registered verifying key belongs to another setup than the proving key: its proofs would
	/// not settle.
	#[error("the chain's verifying key has points with the hash {registered:?}; the proving key's have {found:?}, so that its proofs would not settle")]
	VerifyingKey {
		/// The hash of the proving key's points.
		found: BlobHash,
		/// The hash in the job.
		registered: BlobHash,
	},
	/// The proving key hides something else than the version says.
	#[error("the version is of {version}; the proving key is for {key}")]
	Privacy {
		/// What the key's proofs hide.
		key: circuit::Privacy,
		/// What the version hides.
		version: circuit::Privacy,
	},
	/// The parameters are not those that the version commits to.
	#[error(
		"the version commits to the parameters {version:?}; those of the artifact are {artifact:?}"
	)]
	Parameters {
		/// The commitment to the artifact's, if they are private.
		artifact: Option<BlobHash>,
		/// The version's.
		version: Option<BlobHash>,
	},
	/// The binding, or the holder, is no scalar.
	#[error("the statement can not be built: {0}")]
	Statement(#[from] StatementError),
	/// The prover failed.
	#[error("{0}")]
	Prove(#[from] ProveError),
}

/// The points of a verifying key as a chain registers them: without the count of those for public
/// inputs, which arkworks writes before them.
pub fn registered_points(key: &VerifyingKey) -> Vec<u8> {
	const COUNT: std::ops::Range<usize> = 672..680;
	let points = key.points();
	[&points[..COUNT.start], &points[COUNT.end..]].concat()
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
	verifying_key: BlobHash,
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
			.start_handler(|_| panics::never_end_the_node())
			.build()?;
		Ok(Self { blobs, pool, loaded: Loaded::new(count), metrics })
	}

	/// Runs the artifact's network on an input and proves it, with opening and holder of the
	/// customer's commitment where something is hidden. A proof that the prover hands out is valid.
	pub(crate) fn prove(
		&self,
		artifact: ArtifactHash,
		task: &ProofTask,
		input: &[u8],
		opening: Option<&(Opening, Scalar)>,
		stages: &mut Stages,
	) -> Result<Proved, ProverError> {
		let loaded = stages.during(Stage::LoadProver, || self.loaded(artifact, &task.key))?;
		let binding = scalar_from_bytes(&task.binding)?;
		let opening = opening.map(|(opening, holder)| opening.for_circuit(holder)).transpose()?;
		let start = Instant::now();
		let proved = stages.during(Stage::Prove, || {
			self.pool.install(|| loaded.prover.prove(input, binding, opening.as_ref(), &mut OsRng))
		})?;
		self.metrics.proving(start.elapsed());
		Ok(proved)
	}

	/// The prover of an artifact, if its key is the one that a chain says.
	fn loaded(
		&self,
		artifact: ArtifactHash,
		key: &ProofKey,
	) -> Result<Arc<LoadedProver>, ProverError> {
		let ProofKey { proving_key, circuit_digest, verifying_key, privacy, parameters } = *key;
		let loaded = self
			.loaded
			.get_or_load(&(artifact, proving_key), || self.load(artifact, proving_key))?;
		if loaded.digest != circuit_digest {
			let (derived, registered) = (loaded.digest, circuit_digest);
			return Err(ProverError::Digest { derived, registered });
		}
		if loaded.verifying_key != verifying_key {
			let (found, registered) = (loaded.verifying_key, verifying_key);
			return Err(ProverError::VerifyingKey { found, registered });
		}
		let (key, version) = (loaded.prover.key().info().privacy, circuit_privacy(privacy));
		if key != version {
			return Err(ProverError::Privacy { key, version });
		}
		let artifact = loaded.prover.network().parameter_commitment().map(scalar_to_bytes);
		if artifact != parameters {
			let [artifact, version] = [artifact, parameters].map(|it| it.map(Into::into));
			return Err(ProverError::Parameters { artifact, version });
		}
		Ok(loaded)
	}

	/// Checks that this node can prove an artifact's answers with the key that a chain says.
	pub(crate) fn check(&self, artifact: ArtifactHash, key: &ProofKey) -> Result<(), ProverError> {
		self.loaded(artifact, key).map(drop)
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
			let verifying_key = blobs::hash(&registered_points(&prover.key().verifying_key()));
			Ok(LoadedProver { prover, digest, verifying_key })
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
