//! One inference, however it was asked for.

use crate::{
	access::{Admission, Admitted, Call, Usage},
	body::Buffered,
	config::{Config, Receipts},
	error::Error,
	places::Places,
	proofs::{Promised, ProofId, ProofRequest, Proofs},
	receipt::{self, Receipt, Signed, Signer},
	trace::Tracer,
	Prices, Quote,
};
use aimodel_inference::{
	serving::{InferRequest, Inference, Priority, ServeError, Server},
	tensor::Tensor,
};
use aimodel_primitives::ids::RequestId;
use std::{
	sync::Arc,
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{runtime::Handle, sync::watch, time::timeout_at};

/// The most tensors that a request has, in or out.
const MAX_TENSORS: usize = 256;

/// What all requests share.
pub(crate) struct Gate {
	pub(crate) server: Server,
	pub(crate) config: Config,
	pub(crate) admission: Arc<dyn Admission>,
	pub(crate) signer: Option<Arc<dyn Signer>>,
	pub(crate) prices: Option<Arc<dyn Prices>>,
	pub(crate) proofs: Proofs,
	pub(crate) registry: Option<substrate_prometheus_endpoint::Registry>,
	pub(crate) tracer: Option<Arc<dyn Tracer>>,
	pub(crate) places: Arc<Places>,
	/// Whether the gateway is coming to an end.
	pub(crate) stopping: watch::Receiver<bool>,
	pub(crate) buffered: Arc<Buffered>,
	pub(crate) runtime: Handle,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
	/// Echoed.
	pub(crate) id: Option<String>,
	pub(crate) inputs: Vec<Tensor>,
	/// None for all.
	pub(crate) outputs: Vec<Wanted>,
	/// The form of outputs that are not named.
	pub(crate) binary: bool,
	pub(crate) options: Options,
}

/// An output, and in which form.
#[derive(Debug)]
pub(crate) struct Wanted {
	pub(crate) name: String,
	pub(crate) binary: bool,
}

/// What a request may say besides its tensors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
	pub(crate) timeout: Option<Duration>,
	pub(crate) receipt: bool,
	pub(crate) nonce: [u8; 32],
	/// The request on the chain that a proof is bound to, if one is asked for.
	pub(crate) proof: Option<RequestId>,
	pub(crate) chunk_rows: Option<u64>,
}

impl Options {
	pub(crate) fn new(
		timeout: Option<Duration>,
		receipt: bool,
		nonce: Option<&str>,
		proof: Option<&str>,
		request: Option<RequestId>,
		chunk_rows: Option<u64>,
	) -> Result<Self, Error> {
		let malformed = |reason: &str| Error::Malformed(reason.into());
		let mut bytes = [0; 32];
		if let Some(nonce) = nonce {
			let digits = nonce.strip_prefix("0x").unwrap_or(nonce);
			hex::decode_to_slice(digits, &mut bytes)
				.map_err(|_| malformed("the parameter `nonce` must be 64 hexadecimal digits"))?;
		}
		let proof = match (proof, request) {
			(None, _) => None,
			(Some("groth16"), Some(request)) => Some(request),
			(Some("groth16"), None) => return Err(malformed(
				"a proof is bound to a request on the chain: name it by the parameter `request_id`",
			)),
			(Some(_), _) => {
				return Err(malformed("the only value of the parameter `proof` is `groth16`"))
			},
		};
		if timeout == Some(Duration::ZERO) || chunk_rows == Some(0) {
			return Err(malformed("the parameters `timeout` and `chunk_rows` must not be 0"));
		}
		Ok(Self { timeout, receipt, nonce: bytes, proof, chunk_rows })
	}
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Answer {
	pub(crate) inference: Inference,
	pub(crate) units: u64,
	pub(crate) price: Option<u128>,
	pub(crate) receipt: Option<Signed>,
	pub(crate) proof: Option<ProofId>,
}

impl Answer {
	/// Counts the call, which could be answered.
	pub(crate) fn settle(&self, admitted: Admitted) {
		if let Some(charge) = admitted.charge {
			charge.settle(Usage { rows: self.inference.rows.into(), units: self.units });
		}
	}
}

impl Gate {
	/// Who signs receipts now.
	fn signer(&self) -> Option<&Arc<dyn Signer>> {
		self.signer.as_ref().filter(|signer| signer.public().is_some())
	}

	/// Whether requests are welcome.
	pub(crate) fn ready(&self) -> bool {
		!*self.stopping.borrow() && self.server.ready()
	}

	/// Whether a call may go on.
	pub(crate) async fn admit(&self, call: Call<'_>) -> Result<Admitted, Error> {
		Ok(self.admission.admit(call).await?)
	}

	/// When an answer is of no use any more.
	pub(crate) fn deadline(&self, options: &Options) -> Instant {
		let most = self.config.limits.deadline;
		Instant::now() + options.timeout.map_or(most, |timeout| timeout.min(most))
	}

	/// What can be told to be refused before anything is computed.
	pub(crate) fn check(&self, asked: &Asked) -> Result<(), Error> {
		let Asked { inputs, outputs, options, .. } = asked;
		if inputs.len().max(outputs.len()) > MAX_TENSORS {
			return Err(Error::Malformed(format!("{MAX_TENSORS} tensors are the most")));
		}
		if options.receipt && (self.signer().is_none() || self.config.receipts == Receipts::Never) {
			return Err(Error::NotAllowed("this gateway signs no receipts".into()));
		}
		if options.proof.is_some() {
			self.proofs.prover()?;
			let [_] = &inputs[..] else {
				return Err(Error::Malformed("models that are proved have one input".into()));
			};
		}
		Ok(())
	}

	/// Runs the engine and nothing else.
	pub(crate) async fn run(
		&self,
		model: &str,
		version: Option<&str>,
		inputs: Vec<Tensor>,
		outputs: &[Wanted],
		priority: Priority,
		deadline: Instant,
	) -> Result<Inference, Error> {
		let request = InferRequest {
			model: model.into(),
			version: version.map(Into::into),
			inputs,
			outputs: outputs.iter().map(|wanted| wanted.name.clone()).collect(),
			priority,
			deadline: Some(deadline),
		};
		// The engine begins nothing after the deadline; what it began may hang.
		match timeout_at(deadline.into(), self.server.infer(request)).await {
			Ok(inference) => Ok(inference?),
			Err(_) => Err(ServeError::DeadlineExceeded { name: model.into() }.into()),
		}
	}

	/// Answers an admitted call.
	pub(crate) async fn infer(
		&self,
		model: &str,
		version: Option<&str>,
		asked: &mut Asked,
		admitted: &Admitted,
	) -> Result<Answer, Error> {
		self.check(asked)?;
		let promised = self.promise(model, version, asked)?;
		let deadline = self.deadline(&asked.options);
		let inputs = std::mem::take(&mut asked.inputs);
		let again = self.keeps(&asked.options).then(|| inputs.clone());
		let inference =
			self.run(model, version, inputs, &asked.outputs, admitted.priority, deadline).await?;
		self.finish(inference, again.as_deref(), &asked.options, promised)
	}

	/// Whether inputs and outputs are needed after the inference.
	pub(crate) fn keeps(&self, options: &Options) -> bool {
		options.proof.is_some() || self.signs(options) || self.prices.is_some()
	}

	fn signs(&self, options: &Options) -> bool {
		match self.config.receipts {
			Receipts::Never => false,
			Receipts::Asked => options.receipt,
			Receipts::Always => self.signer().is_some(),
		}
	}

	/// Promises the proof that is asked for, or refuses it before anything is computed.
	pub(crate) fn promise(
		&self,
		model: &str,
		version: Option<&str>,
		asked: &Asked,
	) -> Result<Option<Promised>, Error> {
		let (Some(request), [input]) = (asked.options.proof, &asked.inputs[..]) else {
			return Ok(None);
		};
		let artifact = self.server.artifact(model, version)?;
		let task = ProofRequest { model: model.into(), artifact, request, input: input.clone() };
		self.proofs.promise(task).map(Some)
	}

	/// Counts, signs and proves what the engine answered. `inputs` as [`Gate::keeps`] says.
	pub(crate) fn finish(
		&self,
		inference: Inference,
		inputs: Option<&[Tensor]>,
		options: &Options,
		promised: Option<Promised>,
	) -> Result<Answer, Error> {
		let inputs = inputs.unwrap_or(&[]);
		let rows = u64::from(inference.rows);
		let quote = self.prices.as_ref().and_then(|prices| {
			prices.quote(&inference.artifact, elements(inputs), elements(&inference.outputs))
		});
		let (units, price) = match quote {
			Some(Quote { units, price }) => (units, price),
			None => (rows, None),
		};
		let proof = promised.map(|promised| self.prove(promised, &inference)).transpose()?;
		let receipt = match (&self.signer, self.signs(options)) {
			(Some(signer), true) => Some(self.sign(&**signer, &inference, inputs, units, options)?),
			_ => None,
		};
		Ok(Answer { inference, units, price, receipt, proof })
	}

	fn prove(&self, promised: Promised, inference: &Inference) -> Result<ProofId, Error> {
		let [output] = &inference.outputs[..] else {
			return Err(Error::Malformed("models that are proved have one output".into()));
		};
		self.proofs.begin(promised, &inference.artifact, output, &self.runtime)
	}

	fn sign(
		&self,
		signer: &dyn Signer,
		inference: &Inference,
		inputs: &[Tensor],
		units: u64,
		options: &Options,
	) -> Result<Signed, Error> {
		let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
		let receipt = Receipt {
			genesis: self.config.genesis,
			model: inference.model.to_string(),
			version: inference.version.to_string(),
			artifact: inference.artifact,
			input: receipt::hash(inputs),
			output: receipt::hash(&inference.outputs),
			units,
			time: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
			nonce: options.nonce,
		};
		let (signer, signature) = signer
			.sign(&receipt.message())
			.map_err(|error| Error::Internal(format!("the receipt can not be signed: {error}")))?;
		Ok(Signed { receipt, signer, signature })
	}
}

/// Elements of all tensors.
fn elements(tensors: &[Tensor]) -> u64 {
	tensors.iter().map(|tensor| (tensor.data.len() / tensor.data_type.bytes()) as u64).sum()
}
