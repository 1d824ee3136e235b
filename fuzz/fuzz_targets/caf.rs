#![no_main]

libfuzzer_sys::fuzz_target!(init: stapes_fuzz::start(), |bytes: &[u8]| stapes_fuzz::fuzz("caf", bytes));
