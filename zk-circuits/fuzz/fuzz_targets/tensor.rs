//! Tensors, scalars, and files of rows.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zkonnx_fuzz::tensor(data));
