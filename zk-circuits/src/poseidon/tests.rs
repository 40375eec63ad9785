//! Against vectors that another implementation has made: `primitives/vectors/privacy.py`.

use super::*;
use crate::{
	privacy::vectors::{count, scalar, scalars, text, vectors},
	statement::scalar_to_bytes,
};

fn array(value: &serde_json::Value) -> [Fr; WIDTH] {
	scalars(value).try_into().expect("as many as the width")
}

#[test]
fn constants_are_those_of_the_paper() {
	let vectors = vectors();
	let rounds = &vectors["round_constants"];
	assert_eq!(CONSTANTS.rounds.len(), count(&rounds["count"]));
	assert_eq!(CONSTANTS.rounds[0], array(&rounds["first"]));
	assert_eq!(CONSTANTS.rounds[ROUNDS - 1], array(&rounds["last"]));
	let rows = vectors["mds"].as_array().expect("rows");
	assert_eq!(CONSTANTS.mds.to_vec(), rows.iter().map(array).collect::<Vec<_>>());
}

#[test]
fn permutations_are_those_of_the_vectors() {
	let vectors = vectors();
	for case in vectors["permutation"].as_array().expect("cases") {
		assert_eq!(permute(&mut Plain, array(&case["state"])), array(&case["result"]));
	}
}

#[test]
fn domains_are_those_of_the_vectors() {
	let vectors = vectors();
	for case in vectors["domain"].as_array().expect("cases") {
		assert_eq!(domain(text(&case["tag"]), count(&case["count"])), scalar(&case["scalar"]));
	}
}

#[test]
fn hashes_are_those_of_the_vectors() {
	let vectors = vectors();
	for case in vectors["hash"].as_array().expect("cases") {
		let hashed = hash(&mut Plain, text(&case["tag"]), &scalars(&case["scalars"]));
		assert_eq!(hashed, scalar(&case["result"]), "{case}");
	}
}

#[test]
fn a_domain_scalar_is_of_31_bytes() {
	assert_eq!(scalar_to_bytes(domain("input", 2))[31], 0);
}

#[test]
fn padding_is_no_value() {
	let zeros = [Fr::ZERO; 9];
	let mut hashes: Vec<Fr> =
		(1..=zeros.len()).map(|count| hash(&mut Plain, "input", &zeros[..count])).collect();
	hashes.push(hash(&mut Plain, "output", &zeros));
	hashes.sort_unstable();
	hashes.dedup();
	assert_eq!(hashes.len(), zeros.len() + 1);
}
