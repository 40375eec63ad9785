//! A provable model.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zkonnx_fuzz::onnx(data));
