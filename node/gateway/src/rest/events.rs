//! Answers that come in pieces: server-sent events.
//!
//! An inference tells `queued` (once, with the rows and in how many chunks they are run), `running` (once, when the
//! first chunk was handed to the engine), `result` for each chunk in order, and at last `done` or `error`. A proof tells
//! its status whenever that changes.

use super::answer;
use crate::{
	access::{Admitted, Usage},
	body::{Body, Received},
	call::{Answer, Asked, Gate},
	error::Error,
	pieces::{Gone, Pieces},
	places::{Caller, Place},
	proofs::{Promised, Status},
	trace::{self, Span},
};
use aimodel_inference::{
	serving::{Inference as Inferred, ModelMetadata},
	tensor::Tensor,
};
use bytes::{Bytes, BytesMut};
use futures::{stream, StreamExt};
use http::{
	header::{CACHE_CONTROL, CONTENT_TYPE},
	HeaderValue, Response,
};
use serde_json::{json, value::RawValue, Value};
use std::{future::Future, sync::Arc, time::Duration};

/// Something is sent at least this often, so that nobody between takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Chunks of a request that are with the engine at the same time.
const AT_ONCE: usize = 2;

/// The most chunks of a request; of more rows, each chunk has more.
const MAX_CHUNKS: u64 = 4096;

/// The inference that is told in events.
pub(super) struct Inference {
	pub(super) asked: Asked,
	pub(super) admitted: Admitted,
	pub(super) received: Received,
	pub(super) place: Arc<Place>,
	pub(super) span: Span,
}

/// Where events go.
struct Events(Pieces);

impl Events {
	async fn send(&self, event: &str, data: &str) -> Result<(), Gone> {
		self.0.send(format!("event: {event}\ndata: {data}\n\n").into()).await
	}

	/// Waits, and keeps the connection alive meanwhile.
	async fn during<T>(&self, future: impl Future<Output = T>) -> Result<T, Gone> {
		let mut future = std::pin::pin!(future);
		loop {
			tokio::select! {
				output = &mut future => return Ok(output),
				() = self.0.closed() => return Err(Gone),
				() = tokio::time::sleep(KEEP_ALIVE) => {
					self.0.send(Bytes::from_static(b": still here\n\n")).await?;
				},
			}
		}
	}
}

fn response(gate: &Gate, caller: &Arc<Caller>) -> Result<(Response<Body>, Events), Error> {
	let (body, pieces) = Pieces::open(caller.follow()?, &gate.config.limits);
	let mut response = Response::new(body);
	let headers = response.headers_mut();
	headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
	headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
	Ok((response, Events(pieces)))
}

/// What is told of a proof.
pub(super) fn proof(id: &str, status: &Status) -> Value {
	let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
	let mut told = json!({ "id": id, "status": status.name() });
	match status {
		Status::Queued | Status::Running => (),
		Status::Done(proof) => {
			told["proof"] = hex(&proof.proof).into();
			told["public_inputs"] = proof.public_inputs.iter().map(|it| hex(it)).collect();
		},
		Status::Failed(reason) => told["error"] = reason.as_str().into(),
	}
	told
}

/// Tells whenever the status of a proof changes.
pub(super) fn of_proof(
	gate: &Gate,
	caller: &Arc<Caller>,
	id: &str,
) -> Result<Response<Body>, Error> {
	let mut status = gate.proofs.follow(id)?;
	let (response, events) = response(gate, caller)?;
	let id = id.to_owned();
	gate.runtime.spawn(async move {
		loop {
			let (name, told, over) = {
				let status = status.borrow_and_update();
				(status.name(), proof(&id, &status).to_string(), status.is_over())
			};
			let sent = events.send(name, &told).await;
			if sent.is_err() || over {
				return;
			}
			// An error means that whoever proves is gone.
			if !matches!(events.during(status.changed()).await, Ok(Ok(()))) {
				return;
			}
		}
	});
	Ok(response)
}

impl Inference {
	/// Begins to tell.
	pub(super) fn answer(
		mut self,
		gate: &Arc<Gate>,
		caller: &Arc<Caller>,
		model: &str,
		version: Option<&str>,
	) -> Result<Response<Body>, Error> {
		let mut span = std::mem::take(&mut self.span);
		let begun = gate.check(&self.asked).and_then(|()| {
			let metadata = gate.server.metadata(model, version)?;
			// Its chunks are one call, and no more than a call may be.
			gate.server.check_size(model, version, &self.asked.inputs)?;
			let promised = gate.promise(model, version, &self.asked)?;
			Ok((metadata, promised, response(gate, caller)?))
		});
		let (metadata, promised, (response, events)) =
			begun.inspect_err(|error| span.end(Some(error)))?;
		let response = response.map(|body| body.keeping(self.place.clone()));
		let gate = gate.clone();
		gate.runtime.clone().spawn(async move {
			let Ok(told) = self.tell(&gate, &metadata, promised, &events, &mut span).await else {
				return;
			};
			span.end(told.as_ref().err());
			if let Err(error) = told {
				let status = error.status().as_u16();
				let told = json!({ "error": error.to_string(), "status": status });
				// Nobody is told if the client is gone.
				let _ = events.send("error", &told.to_string()).await;
			}
		});
		Ok(response)
	}

	async fn tell(
		self,
		gate: &Gate,
		metadata: &ModelMetadata,
		promised: Option<Promised>,
		events: &Events,
		span: &mut Span,
	) -> Result<Result<(), Error>, Gone> {
		let Self { mut asked, mut admitted, received: _received, place: _place, span: _ } = self;
		asked.binary = false;
		asked.outputs.iter_mut().for_each(|wanted| wanted.binary = false);
		let chunk_rows = asked.options.chunk_rows.unwrap_or(gate.config.limits.chunk_rows);
		let chunks = chunks(metadata, &asked.inputs, chunk_rows);
		let rows: u64 = chunks.iter().map(|chunk| chunk.rows).sum();
		let queued = json!({ "id": asked.id, "rows": rows, "chunks": chunks.len() });
		events.send("queued", &queued.to_string()).await?;

		let deadline = gate.deadline(&asked.options);
		let (name, version) = (&metadata.name, Some(metadata.version.as_str()));
		let (outputs, options, priority) = (&asked.outputs, &asked.options, admitted.priority);
		let mut running = stream::iter(chunks)
			.map(|Chunk { rows, inputs }| async move {
				// Without a timeout of the caller, as long as a request each.
				let deadline = match options.timeout {
					Some(_) => deadline,
					None => gate.deadline(options),
				};
				let run = gate.run(name, version, inputs, outputs, priority, deadline);
				run.await.map(|inference| (rows, inference))
			})
			.buffered(AT_ONCE);
		events.send("running", &json!({ "id": asked.id }).to_string()).await?;

		let keeps = gate.keeps(&asked.options);
		let mut all: Vec<Inferred> = Vec::new();
		let mut first_row = 0;
		let usage = Usage { rows, units: rows };
		while let Some(chunk) = events.during(running.next()).await? {
			trace::log(name, asked.id.as_deref(), chunk.as_ref().map(|(_, inference)| inference));
			let (rows, inference) = match chunk {
				Ok(chunk) => chunk,
				Err(error) => return Ok(Err(error)),
			};
			span.ran(&inference);
			let units = u64::from(inference.rows);
			let answer = Answer { inference, units, price: None, receipt: None, proof: None };
			let written = answer::write(&answer, asked.id.as_deref(), outputs, false)
				.and_then(|(json, _)| raw(json));
			let response = match written {
				Ok(response) => response,
				Err(error) => return Ok(Err(error)),
			};
			// Who leaves before the last chunk has had the others.
			if let Some(charge) = admitted.charge.take() {
				charge.settle(usage);
			}
			let told = format!(
				"{{\"first_row\":{first_row},\"rows\":{rows},\"response\":{}}}",
				response.get()
			);
			events.send("result", &told).await?;
			first_row += rows;
			let mut inference = answer.inference;
			if !keeps {
				inference.outputs.clear();
			}
			all.push(inference);
		}
		let Some(whole) = join(all) else {
			return Ok(Err(Error::Malformed("the request has no rows".into())));
		};
		let inputs = Some(&asked.inputs[..]);
		let answer = match gate.finish(whole, inputs, &asked.options, promised) {
			Ok(answer) => answer,
			Err(error) => return Ok(Err(error)),
		};
		let mut done = json!({ "id": asked.id, "rows": rows, "units": answer.units });
		if let Some(price) = answer.price {
			done["price"] = price.to_string().into();
		}
		if let Some(signed) = &answer.receipt {
			let [receipt, signer, signature] = signed.words();
			done["receipt"] = receipt.into();
			done["receipt_signer"] = signer.into();
			done["receipt_signature"] = signature.into();
		}
		if let Some(proof) = answer.proof {
			done["proof_id"] = hex::encode(proof).into();
		}
		events.send("done", &done.to_string()).await?;
		Ok(Ok(()))
	}
}

fn raw(json: Vec<u8>) -> Result<Box<RawValue>, Error> {
	let text = String::from_utf8(json).map_err(|error| Error::Internal(error.to_string()))?;
	RawValue::from_string(text).map_err(|error| Error::Internal(error.to_string()))
}

struct Chunk {
	rows: u64,
	inputs: Vec<Tensor>,
}

/// Cuts the inputs along their rows, if the model lets rows vary and all inputs have as many. The pieces are slices.
fn chunks(metadata: &ModelMetadata, inputs: &[Tensor], chunk_rows: u64) -> Vec<Chunk> {
	let rows = inputs.first().and_then(|input| input.shape.first()).copied().unwrap_or(1);
	let vary = |shape: &[i64]| shape.first().is_some_and(|rows| *rows < 0);
	let tensors = || metadata.inputs.iter().chain(&metadata.outputs);
	// Of tensors that are no whole number of rows the engine tells what is wrong.
	let whole = |input: &Tensor| {
		let bytes = input.data.len() as u64;
		input.shape.first() == Some(&rows) && bytes.checked_rem(rows) == Some(0)
	};
	let chunk_rows = chunk_rows.max(rows.div_ceil(MAX_CHUNKS));
	if rows <= chunk_rows
		|| !tensors().all(|tensor| vary(&tensor.shape))
		|| !inputs.iter().all(whole)
	{
		return vec![Chunk { rows, inputs: inputs.to_vec() }];
	}
	let piece = |input: &Tensor, first: u64, count: u64| {
		let row = input.data.len() as u64 / rows;
		let data = input.data.slice((first * row) as usize..((first + count) * row) as usize);
		let mut shape = input.shape.clone();
		shape[0] = count;
		Tensor { data, shape, ..input.clone() }
	};
	(0..rows.div_ceil(chunk_rows))
		.map(|at| {
			let first = at * chunk_rows;
			let count = chunk_rows.min(rows - first);
			let inputs = inputs.iter().map(|input| piece(input, first, count)).collect();
			Chunk { rows: count, inputs }
		})
		.collect()
}

/// The chunks' answers as one.
fn join(all: Vec<Inferred>) -> Option<Inferred> {
	let mut all = all.into_iter();
	let mut whole = all.next()?;
	let mut rest: Vec<Inferred> = all.collect();
	if rest.is_empty() {
		return Some(whole);
	}
	for (at, output) in whole.outputs.iter_mut().enumerate() {
		let mut data = BytesMut::from(&output.data[..]);
		for part in rest.iter().filter_map(|inference| inference.outputs.get(at)) {
			data.extend_from_slice(&part.data);
			if let (Some(rows), Some(more)) = (output.shape.first_mut(), part.shape.first()) {
				*rows += more;
			}
		}
		output.data = data.freeze();
	}
	whole.rows += rest.drain(..).map(|inference| inference.rows).sum::<u32>();
	Some(whole)
}
