//! The gate against a peer in another language, and against simulated loops.
#![expect(clippy::unwrap_used, reason = "tests panic: that is how they fail")]

mod peer;
#[path = "../../examples/gate_sim/sim.rs"]
mod sim;

#[test]
fn equally_good_candidates_are_seldom_published_and_better_ones_are_found() {
    const LOOPS: u64 = 200;
    let mut published = sim::Published::default();
    let mut found = 0;
    for index in 0..LOOPS {
        published = published.plus(sim::equal_candidates(4711, index));
        found += u32::from(sim::better_candidate(815, index, true)[0]);
    }
    // 8 % and 75 % are asked for over thousands of loops; two hundred may be off by three standard errors.
    assert!(published.gate <= 28, "{published:?}");
    assert!(published.strict <= 28, "{published:?}");
    assert!(
        published.exact > 30 && published.above_recorded > 150,
        "the simulation shows no difference: {published:?}"
    );
    assert!(found >= 132, "{found} of {LOOPS}");
}
