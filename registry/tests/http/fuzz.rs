//! A short deterministic run of the fuzz targets that need the registry: requests that make sense, and mutations of them.

#[path = "../../../fuzz/src/mutate.rs"]
mod mutate;

#[path = "../../../fuzz/src/router.rs"]
mod router;

#[path = "../../../fuzz/src/witness.rs"]
mod witness;

#[test]
fn no_request_is_an_error_of_the_server_and_every_refusal_is_a_problem() {
    mutate::run("router", router::router, &router::inputs(), 2_000);
}

#[test]
fn a_witness_signs_what_continues_and_nothing_else() {
    // Each signature is synced to the disk.
    mutate::run("witness", witness::witness, &witness::inputs(), 200);
}
