#![no_main]

#[path = "../src/router.rs"]
mod router;

libfuzzer_sys::fuzz_target!(|data: &[u8]| router::router(data));
