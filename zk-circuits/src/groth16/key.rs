//! The proving key in memory.
//!
//! Of arkworks' five queries, points that are the identity are left out, and points that the A and
//! the B query share (those of variables that are in A and B of the same rows with the same
//! coefficients, as bits are) are kept, and multiplied, once.

use super::points::Point;
use ark_bls12_381::{Bls12_381, G1Affine};
use ark_ec::AffineRepr;
use blst::{blst_p1_affine, blst_p2_affine};

/// Points of some variables, without identities.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query<P> {
	/// The variables, ascending.
	pub(crate) variables: Vec<u32>,
	/// Their points.
	pub(crate) points: Vec<P>,
}

/// A Groth16 proving key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
	pub(crate) vk: ark_groth16::VerifyingKey<Bls12_381>,
	pub(crate) beta_g1: G1Affine,
	pub(crate) delta_g1: G1Affine,
	/// Number of variables, with the constant 1 and the public inputs.
	pub(crate) variables: usize,
	/// Points that the A query and the B query share.
	pub(crate) shared: Query<blst_p1_affine>,
	/// The other points of the A query.
	pub(crate) a: Query<blst_p1_affine>,
	/// The other points of the B query, in the first group.
	pub(crate) b_g1: Query<blst_p1_affine>,
	/// All points of the B query, in the second group.
	pub(crate) b_g2: Query<blst_p2_affine>,
	/// The L query; its variable 0 is the first of the witness.
	pub(crate) l: Query<blst_p1_affine>,
	/// Number of witness variables.
	pub(crate) witness: usize,
	pub(crate) h: Vec<blst_p1_affine>,
}

impl<P: Point> Query<P> {
	/// Of the points of all variables, those that are not the identity and that `keep` accepts.
	pub(crate) fn sparse(dense: &[P::Affine], keep: impl Fn(usize) -> bool) -> Self {
		let kept = dense.iter().enumerate().filter(|(at, point)| !point.is_zero() && keep(*at));
		let (variables, points) = kept.map(|(at, point)| (at as u32, P::pack(point))).unzip();
		let mut query: Self = Self { variables, points };
		query.variables.shrink_to_fit();
		query.points.shrink_to_fit();
		query
	}

	/// Points of all variables, the identity where no query has one.
	pub(crate) fn dense(queries: &[&Self], variables: usize) -> Vec<P::Affine> {
		let mut dense = vec![P::Affine::zero(); variables];
		for query in queries {
			for (&variable, point) in query.variables.iter().zip(&query.points) {
				dense[variable as usize] = point.unpack();
			}
		}
		dense
	}

	fn bytes(&self) -> usize {
		self.points.len() * (size_of::<P>() + size_of::<u32>())
	}
}

/// Divides the A and the B query into what they share, the rest of A, and the rest of B.
pub(crate) fn divide<P: Point>(a: &[P::Affine], b: &[P::Affine]) -> [Query<P>; 3] {
	let same = |at: usize| a.get(at) == b.get(at);
	[Query::sparse(a, same), Query::sparse(a, |at| !same(at)), Query::sparse(b, |at| !same(at))]
}

impl Key {
	/// Bytes that the points take.
	pub(crate) fn bytes(&self) -> usize {
		let in_first = [&self.shared, &self.a, &self.b_g1, &self.l];
		in_first.map(Query::bytes).iter().sum::<usize>()
			+ self.b_g2.bytes()
			+ self.h.len() * size_of::<blst_p1_affine>()
	}

	/// A key of plain arkworks.
	pub(crate) fn from_arkworks(key: &ark_groth16::ProvingKey<Bls12_381>) -> Self {
		let [shared, a, b_g1] = divide(&key.a_query, &key.b_g1_query);
		Self {
			vk: key.vk.clone(),
			beta_g1: key.beta_g1,
			delta_g1: key.delta_g1,
			variables: key.a_query.len(),
			shared,
			a,
			b_g1,
			b_g2: Query::sparse(&key.b_g2_query, |_| true),
			l: Query::sparse(&key.l_query, |_| true),
			witness: key.l_query.len(),
			h: key.h_query.iter().map(Point::pack).collect(),
		}
	}

	/// The same key for plain arkworks.
	pub(crate) fn to_arkworks(&self) -> ark_groth16::ProvingKey<Bls12_381> {
		ark_groth16::ProvingKey {
			vk: self.vk.clone(),
			beta_g1: self.beta_g1,
			delta_g1: self.delta_g1,
			a_query: Query::dense(&[&self.shared, &self.a], self.variables),
			b_g1_query: Query::dense(&[&self.shared, &self.b_g1], self.variables),
			b_g2_query: Query::dense(&[&self.b_g2], self.variables),
			h_query: self.h.iter().map(Point::unpack).collect(),
			l_query: Query::dense(&[&self.l], self.witness),
		}
	}
}
