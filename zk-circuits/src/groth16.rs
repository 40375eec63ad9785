//! Groth16 over BLS12-381 for circuits whose witness is mostly bits and small integers.
//!
//! The protocol, the reduction to polynomials and the keys are those of [`ark_groth16`] with its
//! `LibsnarkReduction`: from the same randomness, [`generator`] makes the same keys and [`prover`]
//! the same proofs. What differs is how they are computed. Multi-scalar multiplications of
//! arbitrary scalars are [`blst`]'s, whose assembly is chosen at run time; see [`points`].

pub(crate) mod batch;
pub(crate) mod domain;
pub(crate) mod generator;
pub(crate) mod key;
pub(crate) mod points;
pub(crate) mod prover;

#[cfg(test)]
mod tests;
