//! The market under test, with the real pallets of workers and of proofs beside it.

mod batches;
mod clockwork;
mod models;
mod offchain_worker;
mod parameters;
mod privacy;
mod proofs;
mod requests;
mod settlement;
mod world;
