//! Compiles this crate to Wasm as well, for `WASM_BINARY`.

fn main() {
	#[cfg(feature = "std")]
	// The builder writes a release profile of its own, so the workspace's `overflow-checks` would
	// never reach the Wasm.
	substrate_wasm_builder::WasmBuilder::init_with_defaults()
		.append_to_rust_flags("-C overflow-checks=on")
		.build();
}
