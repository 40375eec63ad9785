//! What the pallet does, in sentences.

mod bonds;
mod leases;
mod offers;
mod random_walk;
mod ranking;
mod slashing;
