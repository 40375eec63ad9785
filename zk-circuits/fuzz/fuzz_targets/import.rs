//! Powers of another ceremony.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zkonnx_fuzz::import(data));
