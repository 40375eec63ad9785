//! A verifying key.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zkonnx_fuzz::verifying_key(data));
