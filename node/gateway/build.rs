//! Makes the Rust of the gRPC form of the protocol.

fn main() -> std::io::Result<()> {
	tonic_build::configure()
		.build_client(false)
		.build_transport(false)
		// Tensors are slices of the message that they came in.
		.bytes(["."])
		.compile_protos(&["proto/inference.proto"], &["proto"])
}
