//! The native inference service of a worker's node: runs ONNX models and makes proofs.
//!
//! [`Service`] takes jobs from the offchain worker through the host interface, runs each on a
//! thread of its own, and keeps the results until they are collected. It holds nothing that chain
//! state can not fill again: only [`blobs`] and [`openings`] persist.
//!
//! | module | what |
//! |---|---|
//! | [`backend`] | what runs models: two object-safe traits, and ONNX Runtime behind them |
//! | [`engine`] | the chain's view of a model: one input, one output, as its interface says |
//! | [`serving`] | models by name: the repository, queues, batches, and what they are asked |
//! | [`tensor`] | tensors as clients name them |
//! | [`blobs`] | the content-addressed store of artifacts, proving keys, inputs and outputs |
//! | [`exchange`] | how blobs come from other nodes of the chain, and go to them |
//! | [`openings`] | what customers tell of their commitments, and how it comes here |
//! | [`panics`] | what panics cost: a request, not the node |
//! | [`prover`] | what makes proofs, in a thread pool of its own |
//! | [`service`] | the bounded queue, the worker threads, the results |
//!
//! What is absent: nothing here knows of blocks, transactions or money, and nothing decides which
//! jobs to do. A proof leaves only if the output that it proves is byte for byte what the engine
//! answered.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod backend;
pub mod blobs;
mod cache;
pub mod engine;
pub mod exchange;
mod metrics;
pub mod openings;
pub mod panics;
pub mod prover;
pub mod service;
pub mod serving;
pub mod tensor;

pub use aimodel_primitives::ids::ArtifactHash;
pub use backend::onnxruntime::{OnnxRuntime, Provider};
pub use blobs::{BlobError, BlobStore, UploadError, UploadLimits, UploadStatus, Uploads};
pub use engine::{Engine, EngineError, Model};
pub use openings::{mailbox::Mailbox, Opening, OpeningError, OpeningStore};
pub use prover::ProverError;
pub use service::{
	Config, Ended, JobError, Observer, OnFinished, Passed, Service, Stage, StartError,
};
