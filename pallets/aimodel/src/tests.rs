//! The market under test, with the real pallets of workers and of proofs beside it.

mod clockwork;
mod models;
mod offchain_worker;
mod proofs;
mod requests;
mod settlement;
mod world;
