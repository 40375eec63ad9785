//! The one hash function of the project.

/// `blake2b` with a digest of 32 bytes and no key, of the concatenated parts.
pub(crate) fn blake2b_256(parts: &[&[u8]]) -> [u8; 32] {
	let mut state = hasher();
	for part in parts {
		state.update(part);
	}
	digest(&state)
}

/// A state for hashing piece by piece.
pub(crate) fn hasher() -> blake2b_simd::State {
	blake2b_simd::Params::new().hash_length(32).to_state()
}

/// The digest of a state made by [`hasher`].
pub(crate) fn digest(state: &blake2b_simd::State) -> [u8; 32] {
	let mut bytes = [0; 32];
	bytes.copy_from_slice(state.finalize().as_bytes());
	bytes
}
