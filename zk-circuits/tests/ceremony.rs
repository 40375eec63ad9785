//! Ceremonies: one of the iris example through the library, and one of a small model through the
//! program, as participants meet it.

use std::{
	io::Cursor,
	path::Path,
	process::{Command, Output},
};
use tempfile::TempDir;
use zkonnx::{
	ceremony::{powers, Base, Beacon, CeremonyError, Identity, Powers, Source, Terms, Transcript},
	quantize::{quantize, Format, Options, Rows},
	rand::{rngs::StdRng, SeedableRng},
	statement, verify, Fr, Origin, Privacy, Proved, Prover, ProvingKey,
};

fn identity(number: u8) -> Identity {
	Identity::from_secret(&[number; 32])
}

fn rng(seed: u64) -> StdRng {
	StdRng::seed_from_u64(seed)
}

/// A step of phase 1.
macro_rules! step {
	($file:ident, $step:path $(, $argument:expr)*) => {{
		let mut output = Cursor::new(Vec::new());
		$step(&mut Cursor::new(&$file), &mut output $(, $argument)*).expect("a good step");
		$file = output.into_inner();
	}};
}

#[test]
fn two_participants_and_a_beacon_make_the_keys_of_the_irises() {
	let example = |name| std::fs::read(Path::new("../examples/iris").join(name)).expect("it");
	let rows = Rows::read(Format::F32, &example("calibration.f32"), 4).expect("rows");
	let quantized = quantize(&example("iris.onnx"), &rows, Options::default());
	let network = quantized.expect("quantisable").network;
	let power = Base::power(&network, Privacy::PUBLIC);
	let terms = Terms {
		coordinator: identity(9).public(),
		participants: vec![identity(1).public(), identity(2).public()],
		minimum: 2,
		beacon: Beacon { source: Source::Named("dice".into()), round: 3, delay: 10 },
		nonce: [6; 32],
	};
	let clock = || 0;
	let value = [5; 32];

	let mut file = Vec::new();
	powers::new(power, terms.clone(), &mut file).expect("good terms");
	step!(file, powers::contribute, &identity(1), clock, &mut rng(1), b"");
	step!(file, powers::contribute, &identity(2), clock, &mut rng(2), b"");
	step!(file, powers::beacon, 3, &value);
	step!(file, powers::finalize, &identity(9));
	let powers = Powers::read(&mut &file[..], power).expect("valid powers");

	let base = Base::derive(&network, Privacy::PUBLIC, &powers).expect("large enough");
	let mut transcript = Transcript::new(&base, terms).expect("good terms");
	transcript.contribute(&base, &identity(2), clock, &mut rng(3), b"").expect("a participant");
	transcript.contribute(&base, &identity(1), clock, &mut rng(4), b"").expect("a participant");
	transcript.beacon(&base, 3, &value).expect("the round");
	assert_eq!(transcript.proving_key(&base).map(|_| ()), Err(CeremonyError::Unfinished));
	transcript.finalize(&base, &identity(9)).expect("the coordinator");

	// What somebody else does, with the files alone.
	let transcript = Transcript::from_bytes(&transcript.to_bytes()).expect("its own bytes");
	assert_eq!(transcript.verify(&base), Ok(()));
	let key = transcript.proving_key(&base).expect("finished");
	let hash = transcript.status().hash;
	assert_eq!(key.info().origin, Origin::Ceremony { transcript: hash });
	let key = ProvingKey::from_bytes(&key.to_bytes()).expect("valid points");
	let verifying_key = key.verifying_key();
	let prover = Prover::new(network, key).expect("its own model");
	let input = [120, 90, 150, 130];
	let binding = Fr::from(5u64);
	let proved = prover.prove(&input, binding, None, &mut rng(5)).expect("a proof");
	let Proved { output, proof, .. } = proved;
	let input = (prover.network().input(), &input[..]);
	let output = (prover.network().output(), &output[..]);
	let mut public =
		statement::public_inputs(binding, None, Privacy::PUBLIC, input, output).expect("tensors");
	assert_eq!(verify(&verifying_key, &public, &proof), Ok(()));
	public[1] += Fr::from(1u64);
	assert!(verify(&verifying_key, &public, &proof).is_err());
}

struct World(TempDir);

impl World {
	fn run(&self, arguments: &str) -> Output {
		Command::new(env!("CARGO_BIN_EXE_zkonnx"))
			.args(arguments.split_whitespace())
			.current_dir(self.0.path())
			.output()
			.expect("the program runs")
	}

	/// The report of a command that succeeds.
	fn json(&self, arguments: &str) -> serde_json::Value {
		let output = self.run(&format!("{arguments} --json"));
		let errors = String::from_utf8_lossy(&output.stderr);
		assert!(output.status.success(), "{arguments}: {errors}");
		serde_json::from_slice(&output.stdout).expect("JSON")
	}

	/// The one sentence that a command fails with.
	fn fails(&self, arguments: &str) -> String {
		let output = self.run(arguments);
		assert_eq!(output.status.code(), Some(1), "{arguments}");
		let errors = String::from_utf8(output.stderr).expect("text");
		let error = errors.lines().find(|line| line.starts_with("error: "));
		error.unwrap_or_else(|| panic!("{errors}")).into()
	}

	fn read(&self, name: &str) -> Vec<u8> {
		std::fs::read(self.0.path().join(name)).expect("a file")
	}

	fn write(&self, name: &str, bytes: &[u8]) {
		std::fs::write(self.0.path().join(name), bytes).expect("written");
	}

	/// Files in the folder whose names end in `.tmp`.
	fn leftovers(&self) -> usize {
		let entries = std::fs::read_dir(self.0.path()).expect("a folder");
		let names = entries.map(|entry| entry.expect("an entry").file_name());
		names.filter(|name| name.to_string_lossy().ends_with(".tmp")).count()
	}
}

#[test]
fn the_program_takes_a_ceremony_from_identities_to_a_verified_proof() {
	let world = World(TempDir::new().expect("a folder"));
	world.write("m.onnx", include_bytes!("data/small.provable.onnx"));
	let key = |name: &str| {
		let report = world.json(&format!("ceremony identity {name}"));
		report["public_key"].as_str().expect("a key").to_string()
	};
	let [coordinator, ann, bob] = ["c.key", "ann.key", "bob.key"].map(key);
	key("eve.key");
	assert!(world.fails("ceremony identity ann.key").contains("can not write"));
	let with = format!("--coordinator {coordinator} --participant {ann} --participant {bob}");
	let dice = "--beacon-source dice --delay 3";
	let terms = format!("{with} --minimum 2 --beacon-round 7 {dice}");
	let past = format!("{with} --minimum 2 --beacon-round 1000");
	let one = format!("{with} --minimum 1 --beacon-round 7 {dice}");
	let value = "00112233445566778899aabbccddeeff";

	// Phase 1.
	let refused = world.fails(&format!("ceremony powers new p --power 7 {past}"));
	assert!(refused.contains("round 1000 of drand quicknet has been"), "{refused}");
	assert!(world.fails(&format!("ceremony powers new p --power 7 {one}")).contains("at least 2"));
	world.json(&format!("ceremony powers new p --power 7 {terms}"));
	let exists = world.fails(&format!("ceremony powers new p --power 7 {terms}"));
	assert!(exists.contains("--force"), "{exists}");
	world.write("noise", b"the cat walked over the keyboard");
	world.json("ceremony powers contribute p --identity ann.key --entropy noise");
	let before = world.read("p");
	let beacon = format!("ceremony powers beacon p --round 7 --value {value}");
	assert!(world.fails(&beacon).contains("1 contributions; the terms ask for 2"));
	let repeated = world.fails("ceremony powers contribute p --identity ann.key");
	assert!(repeated.contains("has contributed already"), "{repeated}");
	let stranger = world.fails("ceremony powers contribute p --identity eve.key");
	assert!(stranger.contains("is no participant"), "{stranger}");
	assert!(world.read("p") == before && world.leftovers() == 0, "nothing half done");
	world.json("ceremony powers contribute p --identity bob.key");
	world.json(&beacon);
	assert!(world.fails("ceremony powers verify p").contains("--unfinished"));
	assert_eq!(world.json("ceremony powers verify p --unfinished")["beacon_applied"], true);
	world.json("ceremony powers finalize p --identity c.key");
	let report = world.json("ceremony powers verify p");
	assert_eq!((&report["contributions"], &report["power"]), (&2.into(), &7.into()));
	assert_eq!(world.json("inspect p")["transcript_hash"], report["transcript_hash"]);

	// Phase 2.
	let files = "m.onnx --powers p --transcript t";
	let larger = world.fails(&format!("ceremony new {files} {terms} --output committed"));
	assert!(larger.contains("the circuit needs 2^10 powers"), "{larger}");
	let begun = world.json(&format!("ceremony new {files} {terms}"));
	assert_eq!(begun["privacy"], serde_json::json!({ "input": "public", "output": "public" }));
	world.json(&format!("ceremony contribute {files} --identity bob.key"));
	world.json(&format!("ceremony contribute {files} --identity ann.key --entropy noise"));
	let other = world.fails(&format!("ceremony beacon {files} --round 8 --value {value}"));
	assert!(other.contains("name round 7"), "{other}");
	world.json(&format!("ceremony beacon {files} --round 7 --value {value}"));
	assert!(world.fails(&format!("ceremony verify {files}")).contains("--unfinished"));
	assert!(world.fails(&format!("ceremony finalize {files}")).contains("--identity is needed"));
	let wrong = world.fails(&format!("ceremony finalize {files} --identity ann.key"));
	assert!(wrong.contains("is not the coordinator"), "{wrong}");
	let report = world.json(&format!("ceremony finalize {files} --identity c.key"));
	let hash = report["transcript_hash"].as_str().expect("a hash").to_string();
	assert_eq!(report["origin"], format!("ceremony:{hash}"));
	let again = "--proving-key again.pk --verifying-key again.vk";
	world.json(&format!("ceremony finalize {files} {again}"));
	assert!(world.read("again.pk") == world.read("m.pk"), "anybody derives the same");

	// Everybody.
	let keys = "--verifying-key m.vk --proving-key m.pk";
	let report = world.json(&format!("ceremony verify {files} {keys}"));
	assert_eq!(report["transcript_hash"], *hash);
	let phase1 = &report["powers"];
	assert_eq!(phase1["transcript_hash"], world.json("inspect p")["transcript_hash"]);
	assert_eq!(phase1["coordinator"], *coordinator);
	assert_eq!(phase1["participant_keys"], serde_json::json!([ann, bob]));
	assert_eq!((&phase1["beacon_round"], &phase1["contributions"]), (&7.into(), &2.into()));

	// Powers that are imported as they are need to be accepted by name.
	let points = world.read("p");
	let points = &points[points.len() - (576 * 128 + 96)..];
	world.write("challenge", &[&[7; 64], points].concat());
	let imported = world.json("ceremony powers import challenge i");
	let imported = imported["transcript_hash"].as_str().expect("a hash");
	let begin = format!("ceremony new m.onnx --powers i --transcript it {terms}");
	assert!(world.fails(&begin).contains(&format!("the powers {imported} are another")));
	let other = world.fails(&format!("{begin} --accept-imported {hash}"));
	assert!(other.contains("were accepted, these are"), "{other}");
	world.json(&format!("{begin} --accept-imported {imported}"));
	let check = "ceremony verify m.onnx --powers i --transcript it --unfinished";
	assert!(world.fails(check).contains("--accept-imported"));
	let report = world.json(&format!("{check} --accept-imported {imported}"));
	assert_eq!(report["powers"]["claimed_source_blake2b_512"].as_str().map(str::len), Some(128));
	let report = world.json("ceremony powers verify i --source challenge");
	assert_eq!(report["source_blake2b_512"].as_str().map(str::len), Some(128));
	world.write("other", &[&[8; 64], points].concat());
	let other = world.fails("ceremony powers verify i --source other");
	assert!(other.contains("they were imported from the file with blake2b-512"), "{other}");
	let own = world.fails("ceremony powers verify p --source challenge");
	assert!(own.contains("were not imported"), "{own}");
	assert_eq!(world.json("inspect m.vk")["origin"], format!("ceremony:{hash}"));
	assert_eq!(world.json("inspect t")["transcript_hash"], *hash);
	world.json("setup m.onnx --seed 1 --proving-key dev.pk --verifying-key dev.vk");
	let dev = world.fails(&format!("ceremony verify {files} --verifying-key dev.vk"));
	assert!(dev.contains("is not the key that the ceremony gives"), "{dev}");
	world.write("x.u8", &[17, 200]);
	world.json("prove m.onnx --input x.u8 --proof proof --output y");
	world.json("verify --verifying-key m.vk --proof proof --input x.u8 --output y --model m.onnx");

	// Not the transcript, not the powers.
	let mut bytes = world.read("t");
	let last = bytes.len() - 1;
	bytes[last] ^= 1;
	world.write("bad", &bytes);
	let bad = world.fails("ceremony verify m.onnx --powers p --transcript bad");
	assert!(bad.contains("contribution 2 (counted from 0)"), "{bad}");
	world.write("p1", &before);
	let powers = world.fails("ceremony verify m.onnx --powers p1 --transcript t");
	assert!(powers.contains("the transcript is for the powers"), "{powers}");
	let digits = "../examples/digits/digits.provable.onnx";
	std::fs::copy(digits, world.0.path().join("digits.onnx")).expect("copied");
	let model = world.fails("ceremony verify digits.onnx --powers p --transcript t");
	assert!(model.contains("the transcript is for the artifact"), "{model}");
	let magic = world.fails("ceremony powers verify t");
	assert!(magic.contains("no file of powers of tau"), "{magic}");
	let import = world.fails("ceremony powers import m.onnx imported");
	assert!(import.contains("neither a challenge nor a response"), "{import}");
	let half = world.run("ceremony powers import m.onnx imported --minimum 2");
	assert_eq!(half.status.code(), Some(2), "all terms or none");
	assert_eq!(world.leftovers(), 0);
}

#[test]
fn nobody_contributes_after_the_beacon_and_no_contribution_is_lost() {
	let world = World(TempDir::new().expect("a folder"));
	for number in 1..=3 {
		let secret = hex::encode(*identity(number).to_secret());
		world.write(&format!("{number}.key"), secret.as_bytes());
	}
	let begin = |name: &str, beacon| {
		let participants = (1..=3).map(|number| identity(number).public()).collect();
		let (coordinator, nonce) = (identity(9).public(), [1; 32]);
		let terms = Terms { coordinator, participants, minimum: 2, beacon, nonce };
		let mut file = Vec::new();
		powers::new(6, terms, &mut file).expect("good terms");
		world.write(name, &file);
	};
	begin("late", Beacon { source: Source::Quicknet, round: 1000, delay: 0 });
	let late = world.fails("ceremony powers contribute late --identity 1.key");
	assert!(late.contains("round 1000 of the beacon was"), "{late}");

	begin("p", Beacon { source: Source::Named("dice".into()), round: 1, delay: 0 });
	let file = std::fs::File::open(world.0.path().join("p")).expect("a file");
	file.lock().expect("nobody else");
	let locked = world.fails("ceremony powers contribute p --identity 1.key");
	assert!(locked.contains("another command works on p"), "{locked}");
	drop(file);
	let contribute = |number: u8| {
		let arguments = format!("ceremony powers contribute p --identity {number}.key");
		world.run(&arguments).status.success()
	};
	let done = std::thread::scope(|scope| {
		let all = [1, 2, 3].map(|number| scope.spawn(move || contribute(number)));
		all.map(|one| one.join().expect("it ended")).iter().filter(|done| **done).count()
	});
	assert!(done > 0, "one was the first");
	let report = world.json("ceremony powers verify p --unfinished");
	assert_eq!(report["contributions"], done);
	assert_eq!(world.leftovers(), 0);
}
