//! Generates the Rust types of `proto/onnx.proto`.

fn main() -> std::io::Result<()> {
	println!("cargo:rerun-if-changed=proto/onnx.proto");
	// The comments of the file are not Rust documentation: rustdoc would read their indented
	// blocks as code.
	prost_build::Config::new()
		.disable_comments(["."])
		.compile_protos(&["proto/onnx.proto"], &["proto"])
}
