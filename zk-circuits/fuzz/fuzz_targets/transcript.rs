//! The transcript of a circuit's ceremony.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zkonnx_fuzz::transcript(data));
