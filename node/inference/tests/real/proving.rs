//! Jobs from end to end: the blob store, ONNX Runtime, the prover, the queue.

use crate::{digits, example, fixed, runtime, tensor};
use aimodel_inference::{
	blobs::DEFAULT_MAX_BLOB_BYTES, prover::registered_points, BlobStore, Config, Engine,
	EngineError, Model, Opening, OpeningStore, Service,
};
use aimodel_primitives::{
	ids::{BlobHash, VersionId},
	inference::{
		InferenceService, Job, JobInput, JobOutput, JobResult, Poll, ProofTask, Submitted,
	},
	privacy::{holder, Commitment, Privacy, Visibility},
	runtime_api::ProofKey,
	statement::{binding, public_inputs, Known},
	tensor::{Dimension, ElementType, Interface},
};
use codec::Decode;
use std::{
	sync::{mpsc, Arc, OnceLock},
	time::Duration,
};
use substrate_prometheus_endpoint::Registry;
use tempfile::TempDir;
use zkonnx::{
	hide_parameters,
	rand::rngs::OsRng,
	setup,
	statement::{scalar_from_bytes, scalar_to_bytes},
	Network, Proof, ProvingKey, VerifyingKey,
};

const GENESIS: [u8; 32] = [3; 32];
const WORKER: [u8; 32] = [7; 32];

/// The artifact, its proving key, and what a chain would register.
struct Provable {
	artifact: Vec<u8>,
	proving_key: Vec<u8>,
	verifying_key: VerifyingKey,
	privacy: Privacy,
	/// The commitment to the parameters, if they are private.
	parameters: Option<[u8; 32]>,
}

impl Provable {
	fn new(privacy: Privacy) -> Self {
		Self::of(example("digits/digits.provable.onnx"), privacy)
	}

	fn of(artifact: Vec<u8>, privacy: Privacy) -> Self {
		let visibility = |of| match of {
			Visibility::Public => zkonnx::privacy::Visibility::Public,
			Visibility::Committed => zkonnx::privacy::Visibility::Committed,
		};
		let of_circuit = zkonnx::privacy::Privacy {
			input: visibility(privacy.input),
			output: visibility(privacy.output),
		};
		let network = Network::from_onnx(&artifact).unwrap();
		let key = setup(&network, of_circuit, &mut OsRng).unwrap();
		let (proving_key, verifying_key) = (key.to_bytes(), key.verifying_key());
		let parameters = network.parameter_commitment().map(scalar_to_bytes);
		Self { artifact, proving_key, verifying_key, privacy, parameters }
	}

	fn key(&self) -> ProofKey {
		ProofKey {
			proving_key: aimodel_inference::blobs::hash(&self.proving_key),
			circuit_digest: self.verifying_key.info().circuit_digest.into(),
			verifying_key: aimodel_inference::blobs::hash(&registered_points(&self.verifying_key)),
			privacy: self.privacy,
			parameters: self.parameters,
		}
	}
}

/// The digits, of which nothing is hidden.
fn provable() -> &'static Provable {
	static PROVABLE: OnceLock<Provable> = OnceLock::new();
	PROVABLE.get_or_init(|| Provable::new(Privacy::PUBLIC))
}

struct Node {
	service: Arc<Service>,
	openings: Arc<OpeningStore>,
	finished: mpsc::Receiver<()>,
	registry: Registry,
	_folder: TempDir,
}

/// A node that holds the digits, their key, and the wines.
fn node(engine: impl Engine + 'static) -> Node {
	let folder = tempfile::tempdir().unwrap();
	let blobs = Arc::new(BlobStore::open(folder.path(), DEFAULT_MAX_BLOB_BYTES).unwrap());
	let openings = Arc::new(OpeningStore::open(folder.path().join("openings")).unwrap());
	for blob in [&provable().artifact, &provable().proving_key, &example("wine/wine.onnx")] {
		blobs.put(blob).unwrap();
	}
	let (finish, finished) = mpsc::channel();
	let registry = Registry::new();
	let service = Service::start(
		Config { retry_after: Duration::ZERO, ..Config::default() },
		Arc::new(engine),
		blobs,
		openings.clone(),
		Some(&registry),
		Some(Box::new(move || {
			let _ = finish.send(());
		})),
	)
	.unwrap();
	Node { service, openings, finished, registry, _folder: folder }
}

/// A job on the test image of the same number.
fn proven(request: u64) -> Job {
	let images = example("digits/test_x.u8");
	let image = images.chunks(64).nth(request as usize).unwrap();
	Job {
		request,
		version: VersionId { model: BlobHash::zero(), index: 0 },
		worker: WORKER,
		artifact: aimodel_inference::blobs::hash(&provable().artifact),
		interface: digits(),
		input: JobInput::Inline(image.to_vec()),
		proof: Some(ProofTask {
			key: provable().key(),
			binding: binding(&GENESIS, request, &WORKER),
		}),
		inline_limit: 16 << 10,
	}
}

impl Node {
	fn run(&self, job: &Job) -> Poll {
		assert_eq!(self.service.submit(job.clone()), Submitted::Queued);
		self.finished.recv().unwrap();
		self.service.poll(&job.id())
	}

	fn result(&self, job: &Job) -> JobResult {
		let encoded = self.service.collect(&job.id()).unwrap_or_else(|| {
			panic!("{:?}", self.service.failure(&job.id()));
		});
		JobResult::decode(&mut &encoded[..]).unwrap()
	}

	fn failure(&self, job: &Job) -> String {
		assert_eq!(self.run(job), Poll::Failed);
		self.service.failure(&job.id()).unwrap()
	}
}

/// The public inputs as the chain builds them, from what `primitives` says alone.
fn statement(job: &Job, output: &[u8]) -> Vec<zkonnx::Fr> {
	let task = job.proof.as_ref().unwrap();
	let (input, commitment) = match &job.input {
		JobInput::Inline(input) => (Some(&input[..]), None),
		JobInput::Committed(commitment) => (None, Some(*commitment)),
		JobInput::Salted(input, commitment) => (Some(&input[..]), Some(*commitment)),
		JobInput::Blob { .. } => panic!("a proven input is no blob"),
	};
	let (binding, parameters) = (task.binding, task.key.parameters);
	let known = Known { binding, parameters, commitment, input, output };
	let scalars = public_inputs(&job.interface, task.key.privacy, known).unwrap();
	scalars.iter().map(|scalar| scalar_from_bytes(scalar).unwrap()).collect()
}

/// A job on a test image of which this much is hidden, with what its customer tells.
fn hidden(node: &Node, provable: &Provable, request: u64) -> (Job, Opening) {
	let mut job = proven(request);
	let JobInput::Inline(image) = job.input else { unreachable!() };
	let task = job.proof.as_mut().unwrap();
	task.key = provable.key();
	node.service.blobs().put(&provable.proving_key).unwrap();
	let public = provable.privacy.input == Visibility::Public;
	let input = if public { Vec::new() } else { image.clone() };
	let opening = Opening { salt: [request as u8; 31], input };
	// Made with the words of the circuit compiler alone.
	let of = holder(&[5; 32]);
	let secret = zkonnx::privacy::Opening::new(opening.salt, scalar_from_bytes(&of).unwrap());
	let info = provable.verifying_key.info();
	let commitment = secret.commit(info.privacy, (&info.input, &opening.input)).unwrap();
	let commitment = Commitment::of(&[5; 32], scalar_to_bytes(commitment));
	opening.check(&digits(), provable.privacy, &commitment).unwrap();
	job.input = match public {
		true => JobInput::Salted(image, commitment),
		false => JobInput::Committed(commitment),
	};
	(job, opening)
}

#[test]
fn a_hidden_job_brings_what_its_customer_alone_can_read() {
	use Visibility::{Committed, Public};
	let node = node(runtime());
	let modes = [(Committed, Public), (Public, Committed), (Committed, Committed)];
	for (request, (input, output)) in modes.into_iter().enumerate() {
		let provable = Provable::new(Privacy { input, output });
		let (job, opening) = hidden(&node, &provable, request as u64);
		let (JobInput::Committed(commitment) | JobInput::Salted(_, commitment)) = &job.input else {
			unreachable!()
		};
		let id = commitment.opening();
		assert!(!node.service.holds_opening(&id));
		node.openings.put(&id, &opening).unwrap();
		assert!(node.service.holds_opening(&id));
		let copy = Commitment::of(&[6; 32], commitment.scalar);
		assert!(!node.service.holds_opening(&copy.opening()), "a copy in another's request");
		assert!(matches!(node.run(&job), Poll::Ready(_)), "{:?}", node.service.failure(&job.id()));
		let JobResult { output: JobOutput::Inline(published), proof: Some(proof) } =
			node.result(&job)
		else {
			panic!("no output or no proof");
		};
		let proof = Proof::from_bytes(&proof).unwrap();
		zkonnx::verify(&provable.verifying_key, &statement(&job, &published), &proof).unwrap();

		let expected = &example("digits/expected.i32")[40 * request..][..40];
		let binding = job.proof.as_ref().unwrap().binding;
		let [binding, of] = [binding, commitment.holder].map(|it| scalar_from_bytes(&it).unwrap());
		let read = match output {
			Public => published.clone(),
			Committed => {
				let secret = zkonnx::privacy::Opening::new(opening.salt, of);
				let kind = &provable.verifying_key.info().output;
				secret.open_output(binding, kind, &published).unwrap()
			},
		};
		assert_eq!(read, expected);
		assert_eq!(published == expected, output == Public);

		let mut copied = job.clone();
		match &mut copied.input {
			JobInput::Committed(of) | JobInput::Salted(_, of) => *of = copy,
			_ => unreachable!(),
		}
		assert_ne!(copied.id(), job.id());
		assert!(zkonnx::verify(&provable.verifying_key, &statement(&copied, &published), &proof)
			.is_err());
	}
}

#[test]
fn a_hidden_job_without_its_opening_or_with_the_key_of_another_mode_fails() {
	let node = node(runtime());
	let both = Privacy { input: Visibility::Committed, output: Visibility::Committed };
	let (job, opening) = hidden(&node, &Provable::new(both), 2);
	let failure = node.failure(&job);
	assert!(failure.contains("was not opened to this node"), "{failure}");
	let JobInput::Committed(commitment) = &job.input else { unreachable!() };
	node.openings.put(&commitment.opening(), &opening).unwrap();

	let mut shown = job.clone();
	shown.request += 1;
	shown.proof.as_mut().unwrap().key.privacy.output = Visibility::Public;
	let failure = node.failure(&shown);
	assert!(failure.contains("the version is of"), "{failure}");
	let mut attested = job.clone();
	attested.request += 2;
	attested.proof = None;
	let failure = node.failure(&attested);
	assert!(failure.contains("answered with a proof"), "{failure}");
	assert!(matches!(node.run(&job), Poll::Ready(_)), "{:?}", node.service.failure(&job.id()));
}

#[test]
fn a_node_tells_whether_it_can_prove_before_anybody_relies_on_it() {
	let node = node(runtime());
	let artifact = aimodel_inference::blobs::hash(&provable().artifact);
	let right = provable().key();
	node.service.check(artifact, &right).unwrap();
	let other = ProofKey { verifying_key: [9; 32].into(), ..right.clone() };
	let error = node.service.check(artifact, &other).unwrap_err().to_string();
	assert!(error.contains("would not settle"), "{error}");
	let missing = ProofKey { proving_key: [9; 32].into(), ..right };
	let error = node.service.check(artifact, &missing).unwrap_err().to_string();
	assert!(error.contains("holds no blob"), "{error}");
}

#[test]
fn a_model_with_private_parameters_is_proved_for_its_own_commitment_alone() {
	let node = node(runtime());
	let hidden = || hide_parameters(&example("digits/digits.provable.onnx"), &mut OsRng).unwrap();
	let (first, other) = (Provable::of(hidden(), Privacy::PUBLIC), hidden());
	node.service.blobs().put(&first.proving_key).unwrap();
	let mut job = proven(0);
	job.artifact = node.service.blobs().put(&first.artifact).unwrap();
	job.proof.as_mut().unwrap().key = first.key();
	assert!(matches!(node.run(&job), Poll::Ready(_)), "{:?}", node.service.failure(&job.id()));
	let JobResult { output: JobOutput::Inline(output), proof: Some(proof) } = node.result(&job)
	else {
		panic!("no output or no proof");
	};
	assert_eq!(output, example("digits/expected.i32")[..40]);
	let proof = Proof::from_bytes(&proof).unwrap();
	zkonnx::verify(&first.verifying_key, &statement(&job, &output), &proof).unwrap();

	// The same key, and another salt.
	let artifact = node.service.blobs().put(&other).unwrap();
	let error = node.service.check(artifact, &first.key()).unwrap_err().to_string();
	assert!(error.contains("the version commits to the parameters"), "{error}");
	assert!(node.service.blobs().is_private_model(&artifact).unwrap());
	let public = aimodel_inference::blobs::hash(&provable().artifact);
	assert!(!node.service.blobs().is_private_model(&public).unwrap());
}

#[test]
fn a_proven_job_brings_a_proof_that_verifies_and_belongs_to_its_request_alone() {
	let node = node(runtime());
	for request in 0..2 {
		let job = proven(request);
		assert!(matches!(node.run(&job), Poll::Ready(_)), "{:?}", node.service.failure(&job.id()));
		let JobResult { output: JobOutput::Inline(output), proof: Some(proof) } = node.result(&job)
		else {
			panic!("no output or no proof");
		};
		assert_eq!((output.len(), proof.len()), (40, 384));
		let proof = Proof::from_bytes(&proof).unwrap();
		let key = &provable().verifying_key;
		zkonnx::verify(key, &statement(&job, &output), &proof).unwrap();
		assert!(zkonnx::verify(key, &statement(&proven(request + 1), &output), &proof).is_err());
		let mut other = output;
		other[0] ^= 1;
		assert!(zkonnx::verify(key, &statement(&job, &other), &proof).is_err());
	}
	// One load, two proofs.
	let observed = |name: &str| {
		let families = node.registry.gather();
		let family = families.iter().find(|family| family.get_name() == name).unwrap();
		family.get_metric()[0].get_histogram().get_sample_count()
	};
	// One is settled, whatever else the chain settles.
	[0, 7].into_iter().for_each(|request| node.service.settled(request));
	for (name, times) in [
		("aimodel_job_queue_seconds", 2),
		("aimodel_job_submit_seconds", 1),
		("aimodel_model_load_seconds", 1),
		("aimodel_prover_load_seconds", 1),
		("aimodel_inference_seconds", 2),
		("aimodel_proving_seconds", 2),
	] {
		assert_eq!(observed(name), times, "{name}");
	}
}

/// What the pallet takes: alpha, beta, gamma, delta, and a point for one and for each public input.
#[test]
fn a_chain_registers_points_alone() {
	let key = &provable().verifying_key;
	let points = registered_points(key);
	assert_eq!(points.len(), 96 + 3 * 192 + 96 * (1 + key.info().public_inputs()));
	assert_eq!(points[..672], key.points()[..672]);
	assert!(key.points().ends_with(&points[672..]));
}

#[test]
fn a_verifying_key_of_another_setup_is_refused() {
	let node = node(runtime());
	let mut job = proven(0);
	job.proof.as_mut().unwrap().key.verifying_key = [9; 32].into();
	let failure = node.failure(&job);
	assert!(failure.contains("has points with the hash 0x0909"), "{failure}");
	assert!(failure.contains("would not settle"), "{failure}");
}

#[test]
fn a_verifying_key_for_another_circuit_is_refused() {
	let node = node(runtime());
	let mut job = proven(0);
	job.proof.as_mut().unwrap().key.circuit_digest = [9; 32].into();
	let failure = node.failure(&job);
	assert!(failure.contains("verifying key is for the circuit 0x0909"), "{failure}");
}

#[test]
fn a_binding_that_is_no_scalar_is_refused() {
	let node = node(runtime());
	let mut job = proven(0);
	job.proof.as_mut().unwrap().binding = [0xff; 32];
	let failure = node.failure(&job);
	assert!(failure.contains("the statement can not be built"), "{failure}");
}

#[test]
fn a_proving_key_for_another_circuit_or_artifact_is_refused() {
	let node = node(runtime());
	// The header says another circuit digest, then another artifact: bytes 48.. and 16.. of the
	// file. Its checksum is made right again, so it is the digest itself that is compared.
	for (offset, complaint) in [(48, "the key was made for the circuit"), (16, "the artifact")] {
		let mut key = provable().proving_key.clone();
		key[offset] ^= 1;
		fix_checksum(&mut key);
		let mut job = proven(offset as u64);
		job.proof.as_mut().unwrap().key.proving_key = node.service.blobs().put(&key).unwrap();
		let failure = node.failure(&job);
		assert!(failure.contains(complaint), "{failure}");
	}
}

#[test]
fn a_damaged_proving_key_is_refused_or_makes_no_proof() {
	let node = node(runtime());
	let mut damaged = provable().proving_key.clone();
	let last = damaged.len() - 1;
	damaged[last] ^= 1;
	let mut job = proven(0);
	job.proof.as_mut().unwrap().key.proving_key = node.service.blobs().put(&damaged).unwrap();
	let failure = node.failure(&job);
	assert!(failure.contains("checksum"), "{failure}");

	// Two points swapped under a right checksum: the proof is made, and does not verify. Before them
	// are the verifying key, two points and a length.
	let mut unsound = provable().proving_key.clone();
	let first = HEADER + 32 + provable().verifying_key.points().len() + 2 * 96 + 8;
	unsound[first..first + 2 * 96].rotate_left(96);
	fix_checksum(&mut unsound);
	assert!(ProvingKey::from_bytes(&unsound).is_ok());
	let mut job = proven(1);
	job.proof.as_mut().unwrap().key.proving_key = node.service.blobs().put(&unsound).unwrap();
	let failure = node.failure(&job);
	assert!(failure.contains("not valid"), "{failure}");
}

/// Bytes of a key file before its checksum: magic, versions, privacy, origin, hashes; two tensor types of
/// two dimensions each; the length.
const HEADER: usize = 8 + 2 + 2 + 3 + 1 + 32 + 32 + 2 * (2 + 2 * 4) + 8;

/// Makes the checksum right: `blake2b-256` of the header and the points, between which it stands.
fn fix_checksum(key: &mut [u8]) {
	let content = [&key[..HEADER], &key[HEADER + 32..]].concat();
	let checksum = aimodel_inference::blobs::hash(&content);
	key[HEADER..HEADER + 32].copy_from_slice(checksum.as_bytes());
}

#[test]
fn a_missing_proving_key_is_asked_for_again() {
	let node = node(runtime());
	let key = aimodel_inference::blobs::hash(&provable().proving_key);
	node.service.blobs().remove(&key).unwrap();
	let failure = node.failure(&proven(0));
	assert!(failure.contains("holds no blob"), "{failure}");
	node.service.blobs().put(&provable().proving_key).unwrap();
	assert!(matches!(node.run(&proven(0)), Poll::Ready(_)));
}

#[test]
fn a_float_model_can_not_be_proved() {
	let node = node(runtime());
	let mut job = wine(4, 1);
	job.proof = proven(0).proof;
	let failure = node.failure(&job);
	assert!(failure.contains("the artifact can not be proved"), "{failure}");
}

#[test]
fn a_proven_output_stays_in_the_call_or_the_job_fails() {
	let node = node(runtime());
	let job = Job { inline_limit: 39, ..proven(0) };
	let failure = node.failure(&job);
	assert_eq!(failure, "the proven output has 40 bytes; 39 is the most that a call carries");
}

#[test]
fn an_answer_that_is_not_what_would_be_proved_is_never_handed_out() {
	/// ONNX Runtime with one bit flipped.
	struct Lying(aimodel_inference::OnnxRuntime);
	struct LyingModel(Arc<dyn Model>);
	impl Engine for Lying {
		fn load(&self, artifact: &[u8], i: &Interface) -> Result<Arc<dyn Model>, EngineError> {
			Ok(Arc::new(LyingModel(self.0.load(artifact, i)?)))
		}
	}
	impl Model for LyingModel {
		fn infer(&self, input: &[u8], rows: u32) -> Result<Vec<u8>, EngineError> {
			let mut output = self.0.infer(input, rows)?;
			output[0] ^= 1;
			Ok(output)
		}
	}
	let node = node(Lying(runtime()));
	let failure = node.failure(&proven(0));
	assert!(failure.starts_with("MISMATCH"), "{failure}");
	assert_eq!(node.service.collect(&proven(0).id()), None);
}

/// A job on so many wines.
fn wine(request: u64, rows: usize) -> Job {
	let batch = Dimension::Batch { max: 64 };
	Job {
		artifact: aimodel_inference::blobs::hash(&example("wine/wine.onnx")),
		interface: Interface {
			input: tensor(ElementType::F32, &[batch, Dimension::Fixed(13)]),
			output: tensor(ElementType::F32, &[batch, Dimension::Fixed(3)]),
		},
		input: JobInput::Inline(example("wine/test_x.f32")[..rows * 52].to_vec()),
		proof: None,
		..proven(request)
	}
}

#[test]
fn an_attested_job_brings_the_output_inline_or_as_a_blob() {
	let node = node(runtime());
	let short = wine(1, 2);
	node.run(&short);
	let JobResult { output: JobOutput::Inline(inline), proof: None } = node.result(&short) else {
		panic!("not inline");
	};
	assert_eq!(inline.len(), 2 * 3 * 4);

	let hash = node.service.blobs().put(&example("wine/test_x.f32")).unwrap();
	let input = JobInput::Blob { hash, length: 45 * 52 };
	let long = Job { inline_limit: 100, input, ..wine(2, 1) };
	node.run(&long);
	let JobResult { output: JobOutput::Blob { hash, length: 540 }, proof: None } =
		node.result(&long)
	else {
		panic!("no blob");
	};
	assert!(node.service.holds_blob(&hash));
	let blob = node.service.blobs().get(&hash).unwrap();
	assert_eq!((blob.len(), &blob[..inline.len()]), (540, &inline[..]));
}

#[test]
fn a_corrupted_artifact_fails_its_job_until_it_is_put_again() {
	let node = node(runtime());
	let job = wine(1, 1);
	let path = node.service.blobs().root().join(format!("{:x}", job.artifact));
	std::fs::write(path, "evil").unwrap();
	let failure = node.failure(&job);
	assert!(failure.contains("is corrupted"), "{failure}");
	assert!(!node.service.holds_blob(&job.artifact));
	node.service.blobs().put(&example("wine/wine.onnx")).unwrap();
	assert!(matches!(node.run(&job), Poll::Ready(_)));
}

#[test]
fn an_interface_that_is_not_the_models_fails_the_job_and_says_both() {
	let node = node(runtime());
	let mut job = wine(1, 1);
	job.interface.output = fixed(ElementType::F32, &[1, 4]);
	let failure = node.failure(&job);
	assert_eq!(failure, "the model's output is f32[?, 3]; the chain says f32[1, 4]");
}
