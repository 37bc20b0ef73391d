//! Suites in a chain.

use skill_schema::statement::{Suite, SuiteCases, SuiteState};

use super::*;

impl World {
    fn suite(&self, version: &str, state: SuiteState) -> Suite {
        let (seq, prev) = self.chain.next();
        Suite {
            cases: SuiteCases { holdout: 8, train: 12 },
            created: time(seq),
            holdout: sha256(b"holdout"),
            origin: ORIGIN.into(),
            prev,
            scope: "acme".into(),
            seq,
            state,
            suite: "notes".into(),
            train: sha256(b"train"),
            version: version.into(),
        }
    }

    fn put(&mut self, suite: Suite, digest: &[u8], key: &SecretKey) -> Result<Kind, &'static Code> {
        self.push_bytes(&envelope::sign(&statement::suite(suite, sha256(digest)), &[key]).unwrap())
    }
}

#[test]
fn a_sealed_suite_is_committed_revealed_and_retired_in_this_order() {
    let mut world = World::new();
    for (state, expected) in [
        (SuiteState::Reveal, Err(codes::STATEMENT)),
        (SuiteState::Retire, Err(codes::STATEMENT)),
        (SuiteState::Commit, Ok(Kind::Suite)),
        (SuiteState::Commit, Err(codes::STATEMENT)),
        (SuiteState::Open, Err(codes::STATEMENT)),
        (SuiteState::Reveal, Ok(Kind::Suite)),
        (SuiteState::Commit, Err(codes::STATEMENT)),
        (SuiteState::Retire, Ok(Kind::Suite)),
        (SuiteState::Reveal, Err(codes::STATEMENT)),
    ] {
        assert_eq!(world.put(world.suite("1.0.0", state), b"all", &key(1)), expected, "{state:?}");
    }
    let suite = world.chain.suite(&"notes".parse().unwrap(), &"1.0.0".parse().unwrap()).unwrap();
    assert_eq!((suite.state(), suite.statements.len()), (SuiteState::Retire, 3));
    assert_eq!(world.chain.suite_of(&sha256(b"all")), Some(suite));
    assert_eq!(world.chain.suites().count(), 1);
}

#[test]
fn the_cases_of_a_suites_version_never_change() {
    let mut world = World::new();
    world.put(world.suite("1.0.0", SuiteState::Commit), b"all", &key(1)).unwrap();
    assert_eq!(world.put(world.suite("1.0.0", SuiteState::Reveal), b"other", &key(1)), Err(codes::VERSION_EXISTS));
    let other = Suite { holdout: sha256(b"easier"), ..world.suite("1.0.0", SuiteState::Reveal) };
    assert_eq!(world.put(other, b"all", &key(1)), Err(codes::VERSION_EXISTS));
    assert_eq!(world.put(world.suite("1.1.0", SuiteState::Open), b"other", &key(1)), Ok(Kind::Suite));
}

#[test]
fn a_suite_is_signed_with_a_publish_key_of_its_scope() {
    let mut world = World::new();
    let listed = [listed(&key(1), ALL), listed(&key(2), &[Role::Yank])];
    world.push(&world.scope(&listed), &[&key(1), &key(2)]).unwrap();
    assert_eq!(world.put(world.suite("1.0.0", SuiteState::Open), b"all", &key(2)), Err(codes::KEY_ROLE));
    assert_eq!(world.put(world.suite("1.0.0", SuiteState::Open), b"all", &key(3)), Err(codes::KEY_UNKNOWN));
    let foreign = Suite { scope: "other".into(), ..world.suite("1.0.0", SuiteState::Open) };
    assert_eq!(world.put(foreign, b"all", &key(1)), Err(codes::CHAIN));
}
