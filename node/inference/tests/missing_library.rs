//! What a node says that can not load ONNX Runtime. In a process of its own, since a process loads
//! the library once.

use aimodel_inference::{EngineError, OnnxRuntime};
use std::path::Path;

#[test]
fn a_library_that_can_not_be_loaded_is_an_error_that_names_the_path() {
	let folder = tempfile::tempdir().unwrap();
	let refused = |path: &Path| match OnnxRuntime::load(path, 1) {
		Err(EngineError::Library { path: named, reason }) => {
			assert_eq!(named, path);
			reason
		},
		other => panic!("{other:?}"),
	};

	let missing = refused(&folder.path().join("libonnxruntime.so"));
	assert!(missing.contains("No such file"), "{missing}");

	let text = folder.path().join("text.so");
	std::fs::write(&text, "not a library").unwrap();
	let no_library = refused(&text);
	assert!(no_library.contains("text.so"), "{no_library}");

	// A sound library that is another one: this test's own C library.
	let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
	let libc = maps.lines().find_map(|line| {
		line.find("/").map(|at| &line[at..]).filter(|path| path.contains("libc.so"))
	});
	let other = refused(Path::new(libc.expect("tests are linked against a C library")));
	assert!(other.contains("OrtGetApiBase"), "{other}");

	// A refusal is not the end: the right library can be loaded afterwards, again and again.
	let library = std::env::var("ONNXRUNTIME_LIB")
		.unwrap_or_else(|_| "../../.onnxruntime/libonnxruntime.so.1.28.0".into());
	for _ in 0..2 {
		let runtime = OnnxRuntime::load(Path::new(&library), 1);
		runtime.expect("run scripts/setup.sh, or set ONNXRUNTIME_LIB");
	}
	// But no other any more.
	let second = folder.path().join("second.so");
	std::fs::copy(&library, &second).unwrap();
	assert!(refused(&second).contains("is loaded already"));
}
