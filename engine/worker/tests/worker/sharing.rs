//! Prefixes are evaluated once, kept, and shared; free places are taken at once.

use skill_engine::model::{Engine, Message, Mode, Role};

use crate::{Place, all, case, group, sixteen, texts};

/// A prefix of some hundred tokens.
fn skill() -> String {
    "the skill says what is to be done. ".repeat(20)
}

#[tokio::test]
async fn a_prefix_is_evaluated_once_for_all_cases() {
    let place = Place::new();
    for mode in [Mode::Throughput, Mode::Exact] {
        let worker = place.worker().await;
        let answers = all(&worker, group(&skill(), sixteen(), mode)).await;
        let counters = worker.last_group();
        let prefix = counters.prefix_evaluated;
        assert!(prefix > 600, "{counters:?}");
        assert_eq!(counters.prefix_shared, 16 * prefix);
        assert_eq!(counters.prefix_restored, 0);
        let outputs: Vec<_> = answers.into_iter().map(|answer| answer.expect("an answer")).collect();
        // One case has paid for the prefix; each has the rest of its prompt for itself.
        assert_eq!(outputs.iter().filter(|output| output.cached_tokens == 0).count(), 1);
        assert!(outputs.iter().all(|output| [0, prefix].contains(&output.cached_tokens)));
        let own: u64 = outputs.iter().map(|output| output.prompt_tokens - prefix).sum();
        assert_eq!(counters.prompt_evaluated, own);
        assert_eq!(counters.generated, 16 * 24);
    }
}

#[tokio::test]
async fn two_arms_take_turns_without_evaluating_anything_again() {
    let place = Place::new();
    let worker = place.worker().await;
    let (one, other) = (skill(), skill().replace("skill", "baseline"));
    for _ in 0..3 {
        for prefix in [&one, &other] {
            all(&worker, group(prefix, vec![case("a", 2), case("b", 2)], Mode::Throughput)).await;
        }
    }
    let both = worker.counters().await.expect("counted").prefix_evaluated;
    let fresh = place.worker().await;
    let mut apart = 0;
    for prefix in [&one, &other] {
        all(&fresh, group(prefix, vec![case("a", 2), case("b", 2)], Mode::Throughput)).await;
        apart += fresh.last_group().prefix_evaluated;
    }
    assert_eq!(both, apart);
}

#[tokio::test]
async fn groups_that_are_asked_together_are_answered_together() {
    let place = Place::new();
    let worker = place.worker().await;
    let request = |n: usize| group(&skill(), vec![case(&format!("question {n}"), 8); 3], Mode::Throughput);
    let apart = [texts(&worker, request(0)).await, texts(&worker, request(1)).await, texts(&worker, request(2)).await];
    let together = tokio::join!(texts(&worker, request(0)), texts(&worker, request(1)), texts(&worker, request(2)));
    assert_eq!([together.0, together.1, together.2], apart);
}

#[tokio::test]
async fn a_second_run_evaluates_no_prefix() {
    let place = Place::new();
    let mut options = place.options();
    options.cache = Some(place.path().join("prefixes"));
    for mode in [Mode::Throughput, Mode::Exact] {
        let start = || skill_engine::model::worker::Worker::start(options.clone());
        let worker = start().await.expect("a worker");
        let first = texts(&worker, group(&skill(), sixteen(), mode)).await;
        let evaluated = worker.last_group().prefix_evaluated;
        drop(worker);
        let worker = start().await.expect("a worker");
        assert_eq!(texts(&worker, group(&skill(), sixteen(), mode)).await, first, "{mode:?}");
        let counters = worker.last_group();
        assert_eq!((counters.prefix_evaluated, counters.prefix_restored), (0, evaluated), "{mode:?}");
    }
}

#[tokio::test]
async fn a_kept_prefix_that_was_changed_is_not_believed() {
    let place = Place::new();
    let folder = place.path().join("prefixes");
    let mut options = place.options();
    options.cache = Some(folder.clone());
    let start = || skill_engine::model::worker::Worker::start(options.clone());
    let request = || group(&skill(), vec![case("a", 8)], Mode::Throughput);
    let first = texts(&start().await.expect("a worker"), request()).await;
    let files: Vec<_> = std::fs::read_dir(&folder).expect("a folder").map(|e| e.expect("a file").path()).collect();
    assert_eq!(files.len(), 1);
    let mut bytes = std::fs::read(&files[0]).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&files[0], bytes).expect("written");
    let worker = start().await.expect("a worker");
    assert_eq!(texts(&worker, request()).await, first);
    assert!(worker.last_group().prefix_evaluated > 0);
    assert_eq!(worker.last_group().prefix_restored, 0);
}

#[tokio::test]
async fn the_same_prompt_is_evaluated_once_however_often_it_is_asked() {
    let place = Place::new();
    let worker = place.worker().await;
    let cases: Vec<_> = (0..8)
        .map(|seed| {
            let mut case = case(&"a long question ".repeat(20), 12);
            case.sampling.temperature = 1.0;
            case.seed = seed;
            case
        })
        .collect();
    for mode in [Mode::Throughput, Mode::Exact] {
        let together = texts(&worker, group("s", cases.clone(), mode)).await;
        let counters = worker.last_group();
        assert!(counters.prompt_shared >= 7 * counters.prompt_evaluated, "{counters:?}");
        let mut distinct = together.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 8, "seeds give different answers: {together:?}");
        for (case, text) in cases.iter().zip(&together) {
            assert_eq!(&texts(&worker, group("s", vec![case.clone()], mode)).await[0], text, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_place_that_becomes_free_is_taken_at_once() {
    let place = Place::new();
    let mut options = place.options();
    options.open.parallel = 4;
    let worker = skill_engine::model::worker::Worker::start(options).await.expect("a worker");
    assert_eq!(worker.caps().max_parallel, 4);
    // Four long ones, one in each four: in fixed batches they would take 240 steps.
    let cases = (0..16).map(|n| case(&format!("question {n}"), if n % 4 == 0 { 60 } else { 4 })).collect();
    all(&worker, group("s", cases, Mode::Throughput)).await;
    let counters = worker.last_group();
    assert!((72..110).contains(&counters.decodes), "{counters:?}");
}

#[tokio::test]
async fn a_full_attention_state_makes_cases_begin_again_and_changes_no_answer() {
    let place = Place::new();
    let cases: Vec<_> = (0..8)
        .map(|n| {
            let mut case = case(&format!("question {n}"), 400);
            case.sampling.temperature = 1.0;
            case.seed = n;
            case
        })
        .collect();
    let expected = texts(&place.worker().await, group(&skill(), cases.clone(), Mode::Throughput)).await;
    let mut options = place.options();
    // Room for one conversation of 2048 tokens: a token takes 256 bytes.
    options.open.kv_bytes = 2048 * 256;
    let worker = skill_engine::model::worker::Worker::start(options).await.expect("a worker");
    assert_eq!(texts(&worker, group(&skill(), cases, Mode::Throughput)).await, expected);
    assert!(worker.last_group().restarts > 0, "{:?}", worker.last_group());
}

#[tokio::test]
async fn a_group_without_a_prefix_shares_what_its_cases_have_in_common() {
    let place = Place::new();
    let worker = place.worker().await;
    let long = "the same beginning of every case. ".repeat(10);
    let mut request = group("", vec![case(&format!("{long}a"), 2), case(&format!("{long}b"), 2)], Mode::Throughput);
    request.prefix.clear();
    all(&worker, request).await;
    let counters = worker.last_group();
    assert!(counters.prefix_evaluated > 300 && counters.prompt_evaluated < 60, "{counters:?}");
}

#[tokio::test]
async fn tokens_are_counted_with_the_template() {
    let place = Place::new();
    let worker = place.worker().await;
    let count = worker.count_tokens(&[Message::new(Role::User, "abc")]).await.expect("a count");
    // <|im_start|> user \n abc <|im_end|> \n <|im_start|> assistant \n
    assert_eq!(count, 1 + 4 + 1 + 3 + 1 + 1 + 1 + 9 + 1);
}
