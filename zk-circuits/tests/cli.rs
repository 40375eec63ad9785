//! The `zkonnx` program, as a user meets it.

use std::{
	path::Path,
	process::{Command, Output},
};
use tempfile::TempDir;

fn example(name: &str) -> String {
	// The program runs in another folder than the tests.
	let path = Path::new("../examples/digits").join(name).canonicalize().expect("an example");
	path.to_string_lossy().into_owned()
}

fn zkonnx(folder: &TempDir, arguments: &[&str]) -> Output {
	Command::new(env!("CARGO_BIN_EXE_zkonnx"))
		.args(arguments)
		.current_dir(folder.path())
		.output()
		.expect("the program runs")
}

fn succeeds(folder: &TempDir, arguments: &[&str]) -> String {
	let output = zkonnx(folder, arguments);
	let errors = String::from_utf8_lossy(&output.stderr);
	assert!(output.status.success(), "{arguments:?}: {errors}");
	String::from_utf8(output.stdout).expect("text")
}

/// The one sentence that a command fails with.
fn fails(folder: &TempDir, arguments: &[&str]) -> String {
	let output = zkonnx(folder, arguments);
	assert_eq!(output.status.code(), Some(1), "{arguments:?}");
	let errors = String::from_utf8(output.stderr).expect("text");
	let error = errors.lines().find(|line| line.starts_with("error: "));
	error.unwrap_or_else(|| panic!("{errors}")).into()
}

#[test]
fn from_float_model_to_verified_proof() {
	let folder = TempDir::new().expect("a folder");
	let (model, rows) = (example("digits.onnx"), example("test_x.u8"));
	let (calibration, labels) = (example("calibration.u8"), example("test_y.u8"));
	let mut quantize = vec!["quantize", &model, "-c", &calibration, "-o", "m.onnx", "--json"];
	quantize.extend(["--evaluate", &rows, "--labels", &labels, "--max-flips", "2"]);
	let report = succeeds(&folder, &quantize);
	let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
	assert_eq!(report["rows"], 450);
	assert!(fails(&folder, &quantize).contains("--force"));

	let about = succeeds(&folder, &["inspect", "m.onnx", "--json"]);
	let about: serde_json::Value = serde_json::from_str(&about).expect("JSON");
	assert_eq!(about["constraints"], report["constraints"]);
	for (report, list) in [(&about, "nodes"), (&report, "layers")] {
		let parts = report[list].as_array().expect("a list").iter().chain([report]);
		let counts = parts.map(|part| {
			let count = part.get("statement_constraints").unwrap_or(&part["constraints"]);
			count.as_u64().expect("a number")
		});
		assert_eq!(counts.sum::<u64>(), report["constraints"].as_u64().expect("a number"));
	}
	succeeds(&folder, &["setup", "m.onnx", "--seed", "1"]);
	assert!(succeeds(&folder, &["inspect", "m.vk"]).contains("insecure-dev"));
	assert!(succeeds(&folder, &["inspect", "m.pk"]).contains("insecure-dev"));

	let binding = format!("{:0<64}", "2a");
	let mut prove = vec!["prove", "m.onnx", "-i", &rows, "-r", "7", "-b", &binding];
	prove.extend(["-p", "proof", "-o", "output", "--input-tensor", "input", "--json"]);
	let report = succeeds(&folder, &prove);
	let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
	let run = succeeds(&folder, &["run", "m.onnx", "-i", &rows, "-r", "7", "--json"]);
	assert_eq!(serde_json::from_str::<serde_json::Value>(&run).expect("JSON"), report["output"]);

	let mut verify = vec!["verify", "-k", "m.vk", "-p", "proof", "-i", "input", "-o", "output"];
	assert!(fails(&folder, &verify).contains("not valid"), "without the binding");
	verify.extend(["-b", &binding, "-m", "m.onnx"]);
	assert!(succeeds(&folder, &verify).contains("true"));
	let mut output = std::fs::read(folder.path().join("output")).expect("the output");
	output[0] ^= 1;
	std::fs::write(folder.path().join("output"), output).expect("written");
	assert!(fails(&folder, &verify).contains("not valid"));
}

fn json(folder: &TempDir, arguments: &[&str]) -> serde_json::Value {
	let report = succeeds(folder, &[arguments, &["--json"]].concat());
	serde_json::from_str(&report).expect("JSON")
}

#[test]
fn from_a_committed_input_to_an_opened_output() {
	let folder = TempDir::new().expect("a folder");
	let (model, rows) = (example("digits.provable.onnx"), example("test_x.u8"));
	std::fs::copy(&model, folder.path().join("m.onnx")).expect("copied");
	let modes = ["--input", "committed", "--output", "committed"];
	let setup = json(&folder, &[&["setup", "m.onnx", "--seed", "1"], &modes[..]].concat());
	assert_eq!(setup["privacy"]["input"], "committed");
	let about = json(&folder, &[&["inspect", "m.onnx"], &modes[..]].concat());
	assert_eq!(about["constraints"], setup["constraints"]);
	assert_eq!(about["circuit_digest"], json(&folder, &["inspect", "m.vk"])["circuit_digest"]);
	let typo = zkonnx(&folder, &["setup", "m.onnx", "--input", "secret", "--force"]);
	assert_eq!(typo.status.code(), Some(2));

	// The customer.
	let (holder, binding) = (format!("{:0<64}", "07"), format!("{:0<64}", "2a"));
	let commit = ["commit", "m.onnx", "-i", &rows, "-r", "3", "--holder", &holder];
	let commit = [&commit[..], &["--opening", "opening"]].concat();
	let request = json(&folder, &commit);
	let commitment = request["commitment"].as_str().expect("a scalar");
	assert!(fails(&folder, &commit).contains("can not write"), "an opening is never overwritten");
	let file = folder.path().join("opening");
	#[cfg(unix)]
	{
		use std::os::unix::fs::PermissionsExt;
		let mode = std::fs::metadata(&file).expect("written").permissions().mode();
		assert_eq!(mode & 0o777, 0o600);
	}
	let nothing = ["commit", "m.onnx", "--holder", &holder, "--opening", "another"];
	assert!(fails(&folder, &nothing).contains("--input is needed"));

	// The prover.
	let prove = ["prove", "m.onnx", "-i", &rows, "-r", "3", "-b", &binding, "-p", "proof"];
	assert!(fails(&folder, &prove).contains("--opening"));
	let opened = [&prove[..], &["--opening", "opening", "--published", "published"]].concat();
	let report = json(&folder, &opened);
	assert_eq!(report["commitment"], commitment);

	// Everybody.
	let verify = ["verify", "-k", "m.vk", "-p", "proof", "-o", "published", "-b", &binding];
	let request = ["--commitment", commitment, "--holder", &holder];
	assert!(succeeds(&folder, &[&verify[..], &request].concat()).contains("true"));
	assert!(fails(&folder, &verify).contains("needs commitment and holder"));
	let input = [&verify[..], &request, &["-i", &rows]].concat();
	assert!(fails(&folder, &input).contains("has no input tensor"));
	let copied = ["--commitment", commitment, "--holder", &binding];
	assert!(fails(&folder, &[&verify[..], &copied].concat()).contains("not valid"));

	// The customer.
	let open = ["open-output", "-k", "m.vk", "--opening", "opening", "-p", "published"];
	assert!(fails(&folder, &open).contains("does not belong"), "without the binding");
	let opened = json(&folder, &[&open[..], &["-b", &binding, "-o", "scores"]].concat());
	assert_eq!(opened["output"], report["output"]);
	assert_eq!(opened["output_bytes"], report["output_bytes"]);
	let run = succeeds(&folder, &["run", "m.onnx", "-i", &rows, "-r", "3", "--json"]);
	assert_eq!(serde_json::from_str::<serde_json::Value>(&run).expect("JSON"), opened["output"]);
	let salt = std::fs::read_to_string(&file).expect("text");
	for (text, mistake) in [
		(salt.replace("salt", "pepper"), "JSON with salt and holder"),
		(salt.replace("{\"salt\":\"", "{\"salt\":\"00"), "62 hexadecimal digits"),
		(salt.replace(&holder, &"f".repeat(64)), "the holder"),
	] {
		std::fs::write(&file, text).expect("written");
		assert!(fails(&folder, &open).contains(mistake), "{mistake}");
	}

	// Without commitments.
	succeeds(&folder, &["setup", "m.onnx", "--seed", "1", "--force"]);
	let nothing = ["commit", "m.onnx", "--holder", &holder, "--opening", "another"];
	assert!(fails(&folder, &nothing).contains("neither the input nor the output is committed"));
	assert!(fails(&folder, &open).contains("there is nothing to open"));
	std::fs::write(&file, salt).expect("written");
	let unneeded = [&prove[..], &["--opening", "opening", "--force"]].concat();
	assert!(fails(&folder, &unneeded).contains("an opening was given"));
}

#[test]
fn many_rows_are_proved_and_verified_at_once() {
	let folder = TempDir::new().expect("a folder");
	let model = example("digits.provable.onnx");
	let rows = std::fs::read(example("test_x.u8")).expect("rows");
	let path = |name: &str| folder.path().join(name);
	std::fs::write(path("x.u8"), &rows[..5 * 64]).expect("written");
	let bindings: String = (0..5).map(|row| format!("{row:0<64}\n")).collect();
	std::fs::write(path("bindings"), &bindings).expect("written");
	let keys = ["--proving-key", "m.pk", "--verifying-key", "m.vk"];
	succeeds(&folder, &[&["setup", &model, "--seed", "1"], &keys[..]].concat());

	let batch = ["-i", "x.u8", "--batch", "proofs", "--bindings", "bindings", "--json"];
	let prove = [&["prove", &model, "-k", "m.pk"], &batch[..]].concat();
	let report = succeeds(&folder, &prove);
	let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
	assert_eq!(
		(&report["rows"], &report["proofs"][4]["output"].as_array().unwrap().len()),
		(&5.into(), &10)
	);
	let outputs = succeeds(&folder, &["run", &model, "-i", "x.u8", "--json"]);
	for (row, output) in outputs.lines().enumerate() {
		assert_eq!(report["proofs"][row]["output"].to_string(), output);
	}
	assert!(fails(&folder, &prove).contains("--force"));

	let verify = [&["verify", "-k", "m.vk"], &batch[..]].concat();
	let report = succeeds(&folder, &verify);
	let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
	assert_eq!((&report["valid"], &report["rows"]), (&true.into(), &5.into()));
	// A proof of the batch is an ordinary proof.
	let single = ["-p", "proofs/3.proof", "-o", "proofs/3.output", "-i", "x.u8", "-r", "3"];
	let binding = format!("{:0<64}", "3");
	succeeds(&folder, &[&["verify", "-k", "m.vk", "-b", &binding], &single[..]].concat());

	// The statements of rows 1 and 3 are no longer those that were proved.
	std::fs::copy(path("proofs/2.proof"), path("proofs/3.proof")).expect("copied");
	let mut output = std::fs::read(path("proofs/1.output")).expect("an output");
	output[0] ^= 1;
	std::fs::write(path("proofs/1.output"), output).expect("written");
	let refused = zkonnx(&folder, &verify);
	assert_eq!(refused.status.code(), Some(1));
	let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
	assert!(errors.contains("2 of 5 proofs, rows 1, 3: "), "{errors}");
	let report: serde_json::Value = serde_json::from_slice(&refused.stdout).expect("JSON");
	assert_eq!(report["invalid_rows"], serde_json::json!([1, 3]));
}

#[test]
fn a_batch_names_what_is_missing() {
	let folder = TempDir::new().expect("a folder");
	let model = example("digits.provable.onnx");
	let path = |name: &str| folder.path().join(name);
	std::fs::write(path("x.u8"), [7; 2 * 64]).expect("written");
	let prove = ["prove", &model, "-i", "x.u8", "--batch", "proofs", "--bindings", "bindings"];
	std::fs::write(path("bindings"), format!("{:0<64}\n", 1)).expect("written");
	assert!(fails(&folder, &prove).contains("bindings has 1 bindings for 2 rows"));
	std::fs::write(path("bindings"), format!("{:0<64}\nx\n", 1)).expect("written");
	assert!(fails(&folder, &prove).contains("bindings: line 2: "));
	std::fs::create_dir(path("proofs")).expect("a folder");
	std::fs::write(path("proofs/1.output"), "").expect("written");
	assert!(fails(&folder, &prove[..6]).contains("proofs/1.output exists"));
	let both = [&prove[..6], &["-p", "proof"]].concat();
	assert_eq!(zkonnx(&folder, &both).status.code(), Some(2));
}

#[test]
fn too_many_flips_write_nothing() {
	let folder = TempDir::new().expect("a folder");
	let (model, calibration) = (example("digits.onnx"), example("calibration.u8"));
	let quantize = ["quantize", &model, "-c", &calibration, "-o", "m.onnx"];
	let coarse = [&quantize[..], &["--weight-bits", "2", "--max-flips", "0"]].concat();
	assert!(fails(&folder, &coarse).contains("nothing was written"));
	assert!(!folder.path().join("m.onnx").exists());
}

#[test]
fn mistakes_are_explained_in_one_sentence() {
	let folder = TempDir::new().expect("a folder");
	let provable = example("digits.provable.onnx");
	assert!(fails(&folder, &["inspect", "nothing"]).contains("can not read nothing"));
	let float = fails(&folder, &["inspect", &example("digits.onnx")]);
	assert!(float.contains("must be uint8"), "{float}");
	let rows = example("test_y.u8");
	assert!(fails(&folder, &["run", &provable, "-i", &rows]).contains("rows of 64 bytes"));
	let rows = example("test_x.u8");
	assert!(fails(&folder, &["run", &provable, "-i", &rows, "-r", "450"]).contains("450 rows"));
	assert!(fails(&folder, &["run", &provable, "-i", &provable]).contains("must end in"));
	let usage = zkonnx(&folder, &["prove"]);
	assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn the_version_is_that_of_the_crate() {
	let folder = TempDir::new().expect("a folder");
	let version = succeeds(&folder, &["--version"]);
	assert_eq!(version.trim(), format!("zkonnx {}", env!("CARGO_PKG_VERSION")));
}
