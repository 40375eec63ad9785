//! What is done with each input, whoever made it up: no panic, and no more memory than a few times
//! the input takes.

use std::io::Cursor;
use zkonnx::{
	ceremony::{powers, Powers, Transcript},
	quantize::{read_labels, FloatModel, Format, Rows},
	statement::{self, Request},
	Circuit, ElementType, Fr, Network, Opening, Privacy, Proof, ProvingKey, TensorType,
	VerifyingKey,
};

/// Models are run, and circuits are built, up to so many operations and elements: what a model costs
/// is its owner's, but each input must be done in moments.
const SMALL: u64 = 1 << 12;

/// A provable model: read, run on its largest input, and made a circuit of each mode if it is small.
pub fn onnx(data: &[u8]) {
	let Ok(network) = Network::from_onnx(data) else { return };
	let elements: usize = network.summary().iter().map(|node| node.elements).sum();
	if network.multiply_accumulates() > SMALL || elements as u64 > SMALL {
		return;
	}
	let input = vec![255; network.input().bytes()];
	let output = network.execute(&input).expect("every input has an answer");
	assert_eq!(output.len(), network.output().bytes());
	for privacy in Privacy::ALL {
		let circuit = Circuit::new(&network, privacy);
		assert_eq!(circuit.constraints(), network.constraints_with(privacy));
	}
}

/// A float model: read, and run on a row.
pub fn quantize(data: &[u8]) {
	let Ok(model) = FloatModel::from_onnx(data) else { return };
	if model.input_len() as u64 <= SMALL {
		let _ = model.execute(&vec![0.5; model.input_len()]);
	}
}

/// A proof in either form. What is read is written again as it was.
pub fn proof(data: &[u8]) {
	let Ok(proof) = Proof::from_bytes(data) else { return };
	let (short, long) = (proof.to_bytes(), proof.to_uncompressed_bytes());
	assert!(data == short || data == long);
	assert!(
		Proof::from_bytes(&short) == Ok(proof.clone()) && Proof::from_bytes(&long) == Ok(proof)
	);
}

/// A proving key, read with and without a look at every point.
pub fn proving_key(data: &[u8]) {
	for data in [data, &mended(data)] {
		let _ = ProvingKey::from_trusted_bytes(data);
		if let Ok(key) = ProvingKey::from_bytes(data) {
			assert!(key.to_bytes() == data);
		}
	}
}

/// A verifying key.
pub fn verifying_key(data: &[u8]) {
	for data in [data, &mended(data)] {
		if let Ok(key) = VerifyingKey::from_bytes(data) {
			assert!(key.to_bytes() == data);
		}
	}
}

/// A key file with the length and the checksum that it should have, which nobody guesses.
fn mended(data: &[u8]) -> Vec<u8> {
	let mut data = data.to_vec();
	if let Some(header) = header(&data).filter(|header| header + 40 <= data.len()) {
		let (head, tail) = data.split_at_mut(header);
		let (length, tail) = tail.split_at_mut(8);
		let (checksum, points) = tail.split_at_mut(32);
		length.copy_from_slice(&(points.len() as u64).to_le_bytes());
		let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
		state.update(head).update(length).update(points);
		checksum.copy_from_slice(state.finalize().as_bytes());
	}
	data
}

/// Bytes of a key file before the length of its points.
fn header(data: &[u8]) -> Option<usize> {
	// Magic, versions, visibilities, parameters; origin; artifact and circuit; two tensors.
	let mut at = 15;
	at += if *data.get(at)? == 0 { 1 } else { 33 } + 64;
	for _ in 0..2 {
		at += 2 + 4 * usize::from(*data.get(at + 1)?);
	}
	Some(at)
}

/// Bytes as tensors, as scalars and as rows. The first byte tells how long a row is.
pub fn tensor(data: &[u8]) {
	for element in ElementType::ALL {
		let _ = statement::pack(element, data);
	}
	if let Some(bytes) = data.first_chunk() {
		if let Ok(scalar) = statement::scalar_from_bytes(bytes) {
			assert_eq!(statement::scalar_to_bytes(scalar), *bytes);
		}
	}
	let Some((&first, data)) = data.split_first() else { return };
	let row_len = usize::from(first % 16) + 1;
	for format in [Format::U8, Format::F32, Format::Csv] {
		if let Ok(rows) = Rows::read(format, data, row_len) {
			for index in 0..rows.len() {
				assert_eq!(rows.row(index).len(), row_len);
			}
		}
		let _ = read_labels(format, data);
	}
}

/// An output that was committed, as it is published, and the same bytes as a tensor to seal. The
/// first byte tells the type of the elements.
pub fn sealed(data: &[u8]) {
	let Some((&first, data)) = data.split_first() else { return };
	let element = ElementType::ALL[usize::from(first) % ElementType::ALL.len()];
	let (opening, binding) = (Opening::new([first; 31], Fr::from(3u64)), Fr::from(5u64));
	let kind = |elements: usize| TensorType { element, shape: vec![elements] };

	let scalars = (data.len() / 32).saturating_sub(1).max(1);
	let published = kind(scalars * element.per_scalar());
	assert!(opening.open_output(binding, &published, data).is_err(), "nobody has sealed it");
	let request = Request { commitment: binding, holder: opening.holder() };
	let (parameters, output) = (Some(binding), (&published, data));
	if let Ok(public) =
		statement::public_inputs(binding, parameters, Privacy::ALL[3], request, output)
	{
		let again = public[4..].iter().flat_map(|scalar| statement::scalar_to_bytes(*scalar));
		assert!(again.eq(data.iter().copied()));
	}

	let elements = data.len() / element.bytes();
	if elements == 0 {
		return;
	}
	let (kind, tensor) = (kind(elements), &data[..elements * element.bytes()]);
	let mut sealed = opening.seal_output(binding, (&kind, tensor)).expect("its type");
	assert_eq!(opening.open_output(binding, &kind, &sealed).as_deref(), Ok(tensor));
	let at = usize::from(first) % sealed.len();
	sealed[at] ^= 1;
	assert!(opening.open_output(binding, &kind, &sealed).is_err());
}

/// The transcript of a circuit's ceremony.
pub fn transcript(data: &[u8]) {
	let peeked = Transcript::peek(&mut &data[..]);
	if let Ok(transcript) = Transcript::from_bytes(data) {
		assert_eq!(peeked, Ok(transcript.status()));
		assert!(transcript.to_bytes() == data);
	}
}

/// Powers of tau, of a size that tests can afford.
pub fn powers(data: &[u8]) {
	let peeked = powers::peek(&mut &data[..]);
	if let Ok(powers) = Powers::read(&mut &data[..], 2) {
		assert_eq!(peeked, Ok(powers.status().clone()));
	}
}

/// Powers of another ceremony, imported and read again.
pub fn import(data: &[u8]) {
	let mut imported = Vec::new();
	if let Ok(status) = powers::import(&mut Cursor::new(data), &mut imported, None, None) {
		let powers = Powers::read(&mut &imported[..], 2).expect("what was imported is good");
		assert_eq!(*powers.status(), status);
		assert_eq!(powers.verify_source(&mut Cursor::new(data)), Ok(()));
	}
}
