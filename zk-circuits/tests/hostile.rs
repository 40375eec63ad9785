//! Files of people who mean no good: whatever the bytes, an answer or an error, in bounded memory.

use std::{path::Path, process::Command};
use tempfile::TempDir;
use zkonnx::{
	quantize::{quantize, FloatModel, Format, Options, Rows},
	rand::{rngs::StdRng, Rng, SeedableRng},
	setup, statement, ElementType, Network, Opening, Privacy, Proof, Prover, ProvingKey,
	TensorType, VerifyingKey,
};

/// Mutations of each file.
const ROUNDS: u64 = 400;

fn example(name: &str) -> Vec<u8> {
	let path = Path::new("../examples").join(name);
	std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A copy with some bytes changed, taken away, doubled, or made a large number.
fn mutated(bytes: &[u8], rng: &mut StdRng) -> Vec<u8> {
	let mut copy = bytes.to_vec();
	for _ in 0..rng.gen_range(1..5) {
		let at = rng.gen_range(0..copy.len());
		match rng.gen_range(0..6) {
			0 => copy[at] ^= 1 << rng.gen_range(0..8),
			1 => copy[at] = rng.gen(),
			2 => copy.truncate(at.max(1)),
			3 => {
				let end = (at + rng.gen_range(1..40)).min(copy.len());
				let piece = copy[at..end].to_vec();
				copy.splice(at..at, piece);
			},
			4 => {
				let end = (at + rng.gen_range(1..40)).min(copy.len());
				copy.drain(at..end);
				if copy.is_empty() {
					copy.push(0);
				}
			},
			// The largest varint.
			_ => drop(copy.splice(at..at, [0xff; 9].into_iter().chain([1]))),
		}
	}
	copy
}

/// Reads mutations of a file; that nothing panics is what is tested.
fn survives(bytes: &[u8], seed: u64, read: impl Fn(&[u8])) {
	let mut rng = StdRng::seed_from_u64(seed);
	for _ in 0..ROUNDS {
		read(&mutated(bytes, &mut rng));
	}
	for length in 0..bytes.len().min(64) {
		read(&bytes[..length]);
	}
}

#[test]
fn provable_models() {
	let calibration = Rows::read(Format::U8, &example("digits-cnn/calibration.u8"), 64);
	let convolutional = quantize(
		&example("digits-cnn/digits-cnn.onnx"),
		&calibration.expect("rows"),
		Options::default(),
	);
	let models = [example("digits/digits.provable.onnx"), convolutional.expect("quantisable").onnx];
	for (seed, model) in models.iter().enumerate() {
		survives(model, seed as u64, |bytes| {
			if let Ok(network) = Network::from_onnx(bytes) {
				let input = vec![255; network.input().bytes()];
				network.execute(&input).expect("every input has an answer");
			}
		});
	}
}

#[test]
fn float_models() {
	for (seed, name) in ["digits-cnn/digits-cnn.onnx", "iris/iris.onnx"].iter().enumerate() {
		survives(&example(name), seed as u64, |bytes| {
			if let Ok(model) = FloatModel::from_onnx(bytes) {
				let _ = model.execute(&vec![0.5; model.input_len()]);
			}
		});
	}
}

#[test]
fn keys_proofs_and_tensors() {
	let network = Network::from_onnx(&example("digits/digits.provable.onnx")).expect("an example");
	let mut rng = StdRng::seed_from_u64(5);
	let key = setup(&network, Privacy::ALL[3], &mut rng).expect("small");
	let (proving, verifying) = (key.to_bytes(), key.verifying_key().to_bytes());
	let prover = Prover::new(network, key).expect("its own key");
	let input = vec![7; prover.network().input().bytes()];
	let opening = Opening::random(3u64.into(), &mut rng);
	let proved = prover.prove(&input, 9u64.into(), Some(&opening), &mut rng).expect("a proof");
	let (proof, sealed) = (proved.proof, proved.published);
	survives(&verifying, 6, |bytes| drop(VerifyingKey::from_bytes(bytes)));
	survives(&proving[..4096], 7, |bytes| drop(ProvingKey::from_bytes(bytes)));
	survives(&proof.to_bytes(), 8, |bytes| drop(Proof::from_bytes(bytes)));
	survives(&proof.to_uncompressed_bytes(), 9, |bytes| drop(Proof::from_bytes(bytes)));
	survives(&sealed, 11, |bytes| {
		for element in ElementType::ALL {
			let kind = TensorType { element, shape: vec![1, 10] };
			drop(opening.open_output(9u64.into(), &kind, bytes));
		}
	});
	survives(&input, 10, |bytes| {
		for element in ElementType::ALL {
			let _ = statement::pack(element, bytes);
		}
	});
}

/// Runs `zkonnx inspect` with at most 64 MiB of memory.
fn inspect(folder: &TempDir, name: &str, bytes: &[u8]) -> (bool, String) {
	let path = folder.path().join(name);
	std::fs::write(&path, bytes).expect("written");
	let output = Command::new("sh")
		.args(["-c", "ulimit -v 65536 && exec \"$0\" inspect \"$1\"", env!("CARGO_BIN_EXE_zkonnx")])
		.arg(&path)
		.output()
		.expect("a shell");
	(output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A field of protobuf: a number, or bytes with their length.
fn number(field: u64, value: u64) -> Vec<u8> {
	[varint(field << 3), varint(value)].concat()
}

fn message(field: u64, parts: &[Vec<u8>]) -> Vec<u8> {
	let body = parts.concat();
	[varint(field << 3 | 2), varint(body.len() as u64), body].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
	let mut bytes = Vec::new();
	while value >= 128 {
		bytes.push(value as u8 | 128);
		value >>= 7;
	}
	bytes.push(value as u8);
	bytes
}

/// `y = MatMulInteger(x, w, z, z)` where the last dimension of `x` and the first of `w` are as given.
fn product(columns: u64, rows: u64) -> Vec<u8> {
	let name = |field, name: &str| message(field, &[name.as_bytes().to_vec()]);
	let value = |field, known: &str, element, dims: [u64; 2]| {
		let dims = dims.map(|dim| message(1, &[number(1, dim)]));
		let tensor = message(1, &[number(1, element), message(2, &dims)]);
		message(field, &[name(1, known), message(2, &[tensor])])
	};
	let tensor = |known: &str, dims: &[u64], data: Vec<u8>| {
		let dims = dims.iter().map(|&dim| number(1, dim)).collect::<Vec<_>>().concat();
		message(5, &[dims, number(2, 2), name(8, known), message(9, &[data])])
	};
	let inputs = ["x", "w", "z", "z"].map(|input| name(1, input)).concat();
	let node = message(1, &[inputs, name(2, "y"), name(4, "MatMulInteger")]);
	let graph = [
		node,
		tensor("w", &[rows, 1], vec![130; 4]),
		tensor("z", &[], vec![128]),
		value(11, "x", 2, [1, columns]),
		value(12, "y", 6, [1, 1]),
	];
	let opset = message(8, &[number(2, 17)]);
	// Ten kilobytes, most of them a description.
	[number(1, 8), message(6, &[vec![b'.'; 10_000]]), message(7, &graph), opset].concat()
}

#[test]
fn a_small_file_that_claims_a_petabyte_is_refused_in_64_megabytes() {
	let folder = TempDir::new().expect("a folder");
	let (read, errors) = inspect(&folder, "honest.onnx", &product(4, 4));
	assert!(read, "an honest file of the same form is read: {errors}");
	const PETA: u64 = 1 << 50;
	for hostile in [product(PETA, 4), product(4, PETA), product(PETA, PETA), product(u64::MAX, 4)] {
		assert!(hostile.len() < 10_500);
		let (read, errors) = inspect(&folder, "hostile.onnx", &hostile);
		assert!(!read && errors.starts_with("error: "), "{errors}");
	}
}
