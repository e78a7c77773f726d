#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (countersign_conformance::fuzz::Target::named("hashes").read)(bytes));
