//! A short deterministic run of the fuzz target of the whole router: requests that make sense, and mutations of them.

#[path = "../../../fuzz/src/mutate.rs"]
mod mutate;

#[path = "../../../fuzz/src/router.rs"]
mod router;

#[test]
fn no_request_is_an_error_of_the_server_and_every_refusal_is_a_problem() {
    mutate::run("router", router::router, &router::inputs(), 2_000);
}
