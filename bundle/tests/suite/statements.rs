//! A worked example of each statement, and envelopes that are wrong in one way each.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE},
};
use serde_json::{Value, json};
use skill_bundle::{
    chain::Chain,
    envelope::{self, Envelope, pae},
    hash::sha256,
    jcs,
    keys::{PublicKey, SecretKey},
    statement,
};
use skill_schema::{
    Code, Digest, Fault, codes,
    statement::{
        Gate, Kind, Parent, Policy, RecoveryKey, Release, Revoked, Role, ScopeKey, ScopeKeys, State, Statement, Status,
    },
};

/// One way to make a good JSON value wrong.
type Spoil = Box<dyn Fn(&mut Value)>;

const ORIGIN: &str = "skills.example/log";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn scope(seq: u64, prev: Digest, keys: Vec<ScopeKey>) -> ScopeKeys {
    ScopeKeys {
        created: "2026-11-23T00:00:00Z".parse().unwrap(),
        keys,
        origin: ORIGIN.into(),
        policy: Policy { cooldown_hours: 24, gate: Gate::Standard, threshold: 1, verifiers: vec![key(7).keyid()] },
        prev,
        recovery: vec![RecoveryKey { key: key(6).public().to_text(), delay_hours: 168 }],
        revoked: vec![],
        scope: "acme".into(),
        seq,
    }
}

fn listed(seed: u8, roles: &[Role]) -> ScopeKey {
    let valid_from = "2026-11-23T00:00:00Z".parse().unwrap();
    ScopeKey { key: key(seed).public().to_text(), roles: roles.to_vec(), valid_from }
}

fn release(seq: u64, prev: Digest) -> Statement<Release> {
    let release = Release {
        created: "2026-11-23T01:00:00Z".parse().unwrap(),
        evals: vec![sha256(b"record")],
        files: 2,
        license: Some("CC-BY-4.0".into()),
        name: "demo".into(),
        origin: ORIGIN.into(),
        parent: Some(Parent { reference: "other/demo@0.9.0".into(), tree: sha256(b"parent") }),
        prev,
        scope: "acme".into(),
        seq,
        size: 194,
        suite: None,
        unpacked_size: 3072,
        version: "1.0.0".into(),
    };
    statement::release(release, sha256(b"archive"), sha256(b"tree"))
}

fn status(seq: u64, prev: Digest) -> Statement<Status> {
    let status = Status {
        created: "2026-11-23T02:00:00Z".parse().unwrap(),
        note: "leaks \u{201c}paths\u{201d}".into(),
        origin: ORIGIN.into(),
        prev,
        reason: "security".into(),
        scope: "acme".into(),
        seq,
        state: State::Yanked,
    };
    let id = "acme/demo".parse().unwrap();
    statement::status(status, &id, &"1.0.0".parse().unwrap(), sha256(b"archive"), sha256(b"tree"))
}

/// A chain of four statements: keys, a key revoked, a release, a yank.
pub fn worked_chain() -> Vec<Vec<u8>> {
    let all = [Role::Owner, Role::Publish, Role::Yank];
    let prev = |bytes: &[u8]| sha256(bytes);
    let first = statement::scope(scope(1, Digest::ZERO, vec![listed(1, &all), listed(5, &[Role::Publish])]));
    let first = envelope::sign(&first, &[&key(1), &key(5), &key(4)]).unwrap();
    let mut second = scope(2, prev(&first), vec![listed(1, &all)]);
    second.revoked = vec![Revoked { from_seq: 2, keyid: key(5).keyid() }];
    let second = envelope::sign(&statement::scope(second), &[&key(1)]).unwrap();
    let third = envelope::sign(&release(3, prev(&second)), &[&key(1)]).unwrap();
    let fourth = envelope::sign(&status(4, prev(&third)), &[&key(1)]).unwrap();
    vec![first, second, third, fourth]
}

#[test]
fn the_worked_chain_is_byte_for_byte_the_recorded_one() {
    let recorded: Value = serde_json::from_str(include_str!("../vectors/statements.json")).unwrap();
    let mut chain = Chain::new("acme".parse().unwrap(), ORIGIN).with_operators(vec![key(4).public()]);
    for (bytes, record) in worked_chain().iter().zip(recorded["chain"].as_array().unwrap()) {
        let envelope = Envelope::parse(bytes).unwrap();
        assert_eq!(std::str::from_utf8(envelope.payload()).unwrap(), record["payload"]);
        assert_eq!(std::str::from_utf8(bytes).unwrap(), record["envelope"]);
        assert_eq!(envelope.digest().to_string(), record["sha256"].as_str().unwrap());
        assert_eq!(sha256(&pae(envelope.payload())).to_string(), record["pae_sha256"].as_str().unwrap());
        chain.push(&envelope).unwrap();
    }
    assert_eq!(recorded["chain"].as_array().unwrap().len(), 4);
    let published = chain.release(&"demo".parse().unwrap(), &"1.0.0".parse().unwrap()).unwrap();
    assert_eq!(chain.state(published).unwrap(), State::Yanked);
}

#[test]
fn a_chain_without_one_of_its_statements_or_out_of_order_is_refused() {
    let envelopes: Vec<_> = worked_chain().iter().map(|bytes| Envelope::parse(bytes).unwrap()).collect();
    let fold = |order: &[usize]| -> Result<(), &'static Code> {
        let mut chain = Chain::new("acme".parse().unwrap(), ORIGIN);
        order.iter().try_for_each(|index| chain.push(&envelopes[*index]).map(|_| ()).map_err(|fault| fault.code))
    };
    assert_eq!(fold(&[0, 1, 2, 3]), Ok(()));
    for order in [&[0, 2, 3][..], &[1, 2, 3], &[0, 1, 3], &[0, 2, 1], &[0, 0], &[0, 1, 2, 2], &[0, 1, 1]] {
        assert_eq!(fold(order), Err(codes::CHAIN), "{order:?}");
    }
}

/// An envelope as JSON, spoilt by the closure, in canonical form.
fn spoilt(spoil: impl Fn(&mut Value)) -> Vec<u8> {
    let good = envelope::sign(&release(3, sha256(b"prev")), &[&key(1)]).unwrap();
    let mut value: Value = serde_json::from_slice(&good).unwrap();
    spoil(&mut value);
    jcs::to_vec(&value).unwrap()
}

fn code<T>(result: Result<T, Fault>) -> &'static Code {
    result.map(|_| ()).unwrap_err().code
}

#[test]
fn an_envelope_has_one_spelling() {
    let good = String::from_utf8(spoilt(|_| ())).unwrap();
    Envelope::parse(good.as_bytes()).unwrap();
    let sig = |text: &str| text.replace("\"sig\":\"", "\"sig\": \"");
    for bad in [
        format!(" {good}"),
        format!("{good}\n"),
        sig(&good),
        good.replace("\"payloadType\"", "\"payload\\u0054ype\""),
        good.replacen('{', "{\"payload\":\"e30=\",", 1),
        good.replacen("\"payloadType\":", "\"extra\":1,\"payloadType\":", 1),
        good.replacen("application/vnd.in-toto+json", "application\\/vnd.in-toto+json", 1),
        good[..good.len() - 1].to_owned(),
        String::new(),
        "[]".to_owned(),
        "null".to_owned(),
    ] {
        assert_eq!(code(Envelope::parse(bad.as_bytes())), codes::ENVELOPE, "{bad}");
    }
}

#[test]
fn members_of_wrong_types_and_encodings_are_refused() {
    let signature = key(1).sign(b"x");
    let zeros = [0_u8; 64];
    let bad: Vec<Spoil> = vec![
        Box::new(|v| v["payloadType"] = json!("application/json")),
        Box::new(|v| v["payloadType"] = json!(1)),
        Box::new(|v| v["payload"] = json!(null)),
        Box::new(|v| v["payload"] = json!("e30")),
        Box::new(|v| v["payload"] = json!("e31=")),
        Box::new(|v| v["payload"] = json!(BASE64_URL_SAFE.encode("{\"a\":\"???>>>\"}"))),
        Box::new(|v| v["payload"] = json!(BASE64_STANDARD.encode("{ }"))),
        Box::new(|v| v["payload"] = json!(BASE64_STANDARD.encode("{\"a\":1.5}"))),
        Box::new(|v| v["signatures"] = json!({})),
        Box::new(|v| v["signatures"] = json!([])),
        Box::new(|v| v["signatures"] = json!(["x"])),
        Box::new(|v| v["signatures"][0]["extra"] = json!(1)),
        Box::new(|v| v["signatures"][0]["keyid"] = json!("AB".repeat(32))),
        Box::new(|v| v["signatures"][0]["keyid"] = json!("ab".repeat(31))),
        Box::new(move |v| v["signatures"][0]["sig"] = json!(BASE64_STANDARD.encode(&signature[..63]))),
        Box::new(move |v| {
            v["signatures"][0]["sig"] = json!(BASE64_STANDARD.encode([signature.as_slice(), &[0]].concat()));
        }),
        Box::new(move |v| v["signatures"][0]["sig"] = json!(BASE64_STANDARD_NO_PAD.encode(zeros))),
        Box::new(|v| v["signatures"][0]["sig"] = json!("not base64")),
        Box::new(|v| {
            let twice = v["signatures"][0].clone();
            v["signatures"].as_array_mut().unwrap().push(twice);
        }),
    ];
    for (index, spoil) in bad.iter().enumerate() {
        assert_eq!(code(Envelope::parse(&spoilt(spoil))), codes::ENVELOPE, "case {index}");
    }
}

#[test]
fn signatures_are_sorted_and_of_different_keys() {
    let statement = release(3, sha256(b"prev"));
    let bytes = envelope::sign(&statement, &[&key(1), &key(2), &key(3), &key(1)]).unwrap();
    let envelope = Envelope::parse(&bytes).unwrap();
    assert_eq!(envelope.signers().count(), 3);
    assert!(envelope.signers().is_sorted());

    let mut value: Value = serde_json::from_slice(&bytes).unwrap();
    value["signatures"].as_array_mut().unwrap().reverse();
    assert_eq!(code(Envelope::parse(&jcs::to_vec(&value).unwrap())), codes::ENVELOPE);

    let mut alone = Envelope::parse(&envelope::sign(&statement, &[&key(2)]).unwrap()).unwrap();
    for seed in [3, 1, 2] {
        alone.cosign(&key(seed)).unwrap();
    }
    assert_eq!(alone, envelope);
}

#[test]
fn an_envelope_has_at_most_16_kib() {
    let payload = |len: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(len)).into_bytes();
    let overhead = Envelope::seal(&payload(0), &[&key(1)]).unwrap().bytes().len();
    let fits = (16 * 1024 - overhead) / 4 * 3;
    assert!(Envelope::seal(&payload(fits - 8), &[&key(1)]).is_ok());
    assert_eq!(code(Envelope::seal(&payload(fits + 8), &[&key(1)])), codes::ENVELOPE);
    assert_eq!(code(Envelope::parse(&vec![b' '; 20_000])), codes::ENVELOPE);
}

#[test]
fn a_forged_signature_is_refused() {
    let signer = key(1).public();
    let forged = |sig: [u8; 64]| {
        let bytes = spoilt(|v| v["signatures"][0]["sig"] = json!(BASE64_STANDARD.encode(sig)));
        code(Envelope::parse(&bytes).unwrap().verify(&signer))
    };
    // R of small order and S of zero: what a weak check takes for a signature of a weak key over any text.
    let mut small_order = [0; 64];
    small_order[0] = 1;
    assert_eq!(forged(small_order), codes::SIGNATURE);
    assert_eq!(forged([0; 64]), codes::SIGNATURE);
    assert_eq!(forged([0xff; 64]), codes::SIGNATURE);

    // S + L is the same number modulo the group's order: a second spelling of a good signature.
    let good = Envelope::parse(&spoilt(|_| ())).unwrap();
    let sig = key(1).sign(&pae(good.payload()));
    good.verify(&signer).unwrap();
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut again = sig;
    let mut carry = 0;
    for (byte, add) in again[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(forged(again), codes::SIGNATURE);
    assert_eq!(code(good.verify(&key(2).public())), codes::KEY_UNKNOWN);
}

#[test]
fn a_statement_has_exactly_its_members() {
    let good: Value = serde_json::to_value(release(3, sha256(b"prev"))).unwrap();
    let parse = |value: &Value| {
        let envelope = Envelope::seal(&jcs::to_vec(value).unwrap(), &[&key(1)]).unwrap();
        envelope.statement::<Release>().map_err(|fault| fault.code)
    };
    assert!(parse(&good).is_ok());
    let bad: Vec<Spoil> = vec![
        Box::new(|v| v["extra"] = json!(1)),
        Box::new(|v| v["_type"] = json!("https://in-toto.io/Statement/v0.1")),
        Box::new(|v| v["predicateType"] = json!("urn:skill:scope:v1")),
        Box::new(|v| v["subject"] = json!([])),
        Box::new(|v| {
            let twice = v["subject"][0].clone();
            v["subject"].as_array_mut().unwrap().push(twice);
        }),
        Box::new(|v| v["subject"][0]["name"] = json!("acme/demo@1.0.1")),
        Box::new(|v| v["subject"][0]["name"] = json!("evil/demo@1.0.0")),
        Box::new(|v| v["subject"][0]["digest"] = json!({"sha256": "0".repeat(64)})),
        Box::new(|v| v["subject"][0]["digest"]["sha512"] = json!("0".repeat(64))),
        Box::new(|v| v["predicate"]["extra"] = json!(null)),
        Box::new(|v| drop(v["predicate"].as_object_mut().unwrap().remove("license"))),
        Box::new(|v| drop(v["predicate"].as_object_mut().unwrap().remove("parent"))),
        Box::new(|v| drop(v["predicate"].as_object_mut().unwrap().remove("suite"))),
        Box::new(|v| v["predicate"]["seq"] = json!(0)),
        Box::new(|v| v["predicate"]["seq"] = json!(-1)),
        Box::new(|v| v["predicate"]["seq"] = json!("3")),
        Box::new(|v| v["predicate"]["seq"] = json!(1)),
        Box::new(|v| v["predicate"]["prev"] = json!("0".repeat(64))),
        Box::new(|v| v["predicate"]["prev"] = json!(null)),
        Box::new(|v| v["predicate"]["created"] = json!("2026-11-23T00:00:00.5Z")),
        Box::new(|v| v["predicate"]["created"] = json!("2026-11-23T00:00:00+00:00")),
        Box::new(|v| v["predicate"]["origin"] = json!("")),
        Box::new(|v| v["predicate"]["license"] = json!("a\u{1b}[31m")),
        Box::new(|v| v["predicate"]["parent"]["ref"] = json!("demo@1.0.0")),
    ];
    for (index, spoil) in bad.iter().enumerate() {
        let mut value = good.clone();
        spoil(&mut value);
        let result = parse(&value);
        let expected = [codes::STATEMENT, codes::NAME];
        assert!(result.as_ref().is_err_and(|code| expected.contains(code)), "case {index}: {result:?}");
    }
    for version in ["1.0", "v1.0.0", "1.0.0+build"] {
        let mut value = good.clone();
        value["predicate"]["version"] = json!(version);
        value["subject"][0]["name"] = json!(format!("acme/demo@{version}"));
        assert_eq!(parse(&value).unwrap_err(), codes::VERSION, "{version}");
    }
    for name in ["..", "%2f", "Demo", "a/b"] {
        let mut value = good.clone();
        value["predicate"]["name"] = json!(name);
        value["subject"][0]["name"] = json!(format!("acme/{name}@1.0.0"));
        assert_eq!(parse(&value).unwrap_err(), codes::NAME, "{name}");
    }
}

#[test]
fn a_status_and_a_scope_follow_their_rules() {
    let statement = status(4, sha256(b"prev"));
    let check = |statement: &Statement<Status>| {
        let bytes = envelope::sign(statement, &[&key(1)]).unwrap();
        Envelope::parse(&bytes).unwrap().statement::<Status>().map(|_| ()).map_err(|fault| fault.code)
    };
    let with_note =
        |note: String| Statement { predicate: Status { note, ..statement.predicate.clone() }, ..statement.clone() };
    assert_eq!(check(&with_note("x".repeat(256))), Ok(()));
    assert_eq!(check(&with_note("x".repeat(257))), Err(codes::STATEMENT));
    let reason = Status { reason: "because".into(), ..statement.predicate.clone() };
    assert_eq!(check(&Statement { predicate: reason, ..statement.clone() }), Err(codes::STATEMENT));

    let good = scope(1, Digest::ZERO, vec![listed(1, &[Role::Owner, Role::Publish])]);
    let check = |scope: ScopeKeys| {
        let bytes = envelope::sign(&statement::scope(scope), &[&key(1)]).unwrap();
        Envelope::parse(&bytes).unwrap().statement::<ScopeKeys>().map(|_| ()).map_err(|fault| fault.code)
    };
    let changed = |change: &dyn Fn(&mut ScopeKeys)| {
        let mut scope = good.clone();
        change(&mut scope);
        check(scope)
    };
    assert_eq!(changed(&|_| ()), Ok(()));
    let weak = PublicKey::from_bytes(&[0; 32]).unwrap_err().code;
    assert_eq!(changed(&|s| s.keys[0].key = format!("ed25519:{}", BASE64_STANDARD.encode([0; 32]))), Err(weak));
    assert_eq!(changed(&|s| s.scope = "API".into()), Err(codes::NAME));
    assert_eq!(changed(&|s| s.scope = "api".into()), Err(codes::NAME_RESERVED));
    let wrong: [&dyn Fn(&mut ScopeKeys); 8] = [
        &|s| s.keys.push(s.keys[0].clone()),
        &|s| s.keys[0].roles = vec![Role::Publish, Role::Owner],
        &|s| s.keys[0].roles = vec![Role::Owner, Role::Owner],
        &|s| s.keys[0].roles = vec![],
        &|s| s.policy.threshold = 0,
        &|s| s.policy.threshold = 2,
        &|s| s.recovery[0].key = s.keys[0].key.clone(),
        &|s| s.keys = vec![],
    ];
    for (index, change) in wrong.iter().enumerate() {
        assert_eq!(changed(change), Err(codes::STATEMENT), "case {index}");
    }
}

#[test]
fn kinds_of_the_future_are_named_and_refused() {
    let payload = jcs::to_vec(&json!({"predicateType": "urn:skill:vote:v1"})).unwrap();
    let envelope = Envelope::seal(&payload, &[&key(1)]).unwrap();
    assert_eq!(code(envelope.kind()), codes::STATEMENT);
    let known = Envelope::parse(&spoilt(|_| ())).unwrap();
    assert_eq!(known.kind().unwrap(), Kind::Release);
}
