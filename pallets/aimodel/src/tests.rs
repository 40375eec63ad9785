//! The market under test, with the real pallets of workers and of proofs beside it.

mod access;
mod backlog;
mod batches;
mod billing;
mod clockwork;
mod exploits;
mod fallbacks;
mod frozen;
mod history;
mod incentives;
mod metadata;
mod models;
mod offchain_worker;
mod owners;
mod parameters;
mod plans;
mod plans_in_the_market;
mod privacy;
mod proofs;
mod random;
mod requests;
mod revenue;
mod settlement;
mod versions;
mod weighing;
pub(crate) mod world;
