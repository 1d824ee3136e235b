#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stapes_fuzz::run("sweep", bytes));
