//! Bodies that are missing, wrong, too large, too slow or without end.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use skill_schema::api::publish;

use crate::{
    client::{connect, form, raw, read, send},
    world::{Publisher, World, pack},
};

const PATH: &str = "/api/skill/v1/skills/acme/notes/1.0.0";

/// A part of a form: name and content.
type Part<'a> = (&'static str, &'a [u8]);

fn parts<'a>(envelope: &'a [u8], archive: &'a [u8]) -> [Part<'a>; 3] {
    [("meta", b"{}"), ("statement", envelope), ("archive", archive)]
}

/// A request head of a publish, for bodies that are sent by hand.
fn head(token: &str, more: &str) -> String {
    format!(
        "PUT {PATH} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: multipart/form-data; boundary=cut\r\n{more}\r\n"
    )
}

fn tmp_files(world: &World) -> usize {
    std::fs::read_dir(world.config.data.join("tmp")).expect("the folder").count()
}

#[test]
fn parts_must_be_there_in_order_and_well_formed() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let [meta, statement, archive] = parts(&envelope, &packed.archive);
    let bad: [(&[Part<'_>], &str); 10] = [
        (&[], "E_BAD_REQUEST"),
        (&[meta], "E_BAD_REQUEST"),
        (&[meta, statement], "E_BAD_REQUEST"),
        (&[statement, meta, archive], "E_BAD_REQUEST"),
        (&[meta, archive, statement], "E_BAD_REQUEST"),
        (&[meta, meta, statement, archive], "E_BAD_REQUEST"),
        (&[meta, statement, archive, ("suite", b"x")], "E_BAD_REQUEST"),
        (&[("meta", b"{"), statement, archive], "E_BAD_REQUEST"),
        (&[("meta", b"{\"unknown\":1}"), statement, archive], "E_BAD_REQUEST"),
        (&[meta, ("statement", b"{}"), archive], "E_ENVELOPE"),
    ];
    for (parts, code) in bad {
        let reply = world.publish(&acme.token, "acme/notes", "1.0.0", parts);
        assert_eq!(reply.code(), code, "{:?}: {}", parts.iter().map(|p| p.0).collect::<Vec<_>>(), reply.text());
    }
    assert_eq!(world.publish(&acme.token, "acme/notes", "1.0.0", &[meta, statement, archive]).status, 201);
    assert_eq!(tmp_files(&world), 0);
}

#[test]
fn a_body_that_is_no_form_is_refused() {
    let world = World::new();
    let acme = world.publisher("acme");
    let bearer = format!("Bearer {}", acme.token);
    for kind in ["application/json", "text/plain", "multipart/mixed; boundary=cut", ""] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let reply = send(world.at, "PUT", PATH, &headers, b"{}");
        assert_eq!((reply.status, reply.code().as_str()), (415, "E_MEDIA_TYPE"), "{kind}");
    }
    for (kind, body) in [("multipart/form-data", "x"), ("multipart/form-data; boundary=cut", "no boundary here")] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let reply = send(world.at, "PUT", PATH, &headers, body.as_bytes());
        assert_eq!((reply.status, reply.code().as_str()), (400, "E_BAD_REQUEST"), "{kind}");
    }
    let none = send(
        world.at,
        "PUT",
        PATH,
        &[("authorization", &bearer), ("content-type", "multipart/form-data; boundary=cut")],
        b"",
    );
    assert_eq!((none.status, none.code().as_str()), (400, "E_BAD_REQUEST"));
}

#[test]
fn cheap_checks_come_before_the_body_is_read() {
    let world = World::new();
    let acme = world.publisher("acme");
    let cases = [
        (head("skl_wrong", "content-length: 1000\r\n"), "E_TOKEN_INVALID"),
        (head(&acme.token, "content-length: 99999999\r\n"), "E_BODY_LIMIT"),
        (head(&acme.token, "content-length: 1000\r\n").replace("1.0.0", "1.0"), "E_VERSION"),
        (head(&acme.token, "content-length: 1000\r\n").replace("1.0.0", "v1.0.0"), "E_VERSION"),
        (head(&acme.token, "content-length: 1000\r\n").replace("1.0.0", "1.0.0+build"), "E_VERSION"),
        (head(&acme.token, "content-length: 1000\r\n").replace("acme/notes", "acme/Notes"), "E_NAME"),
        (head(&acme.token, "content-length: 1000\r\n").replace("acme/notes", "acme/.."), "E_NAME"),
        (head(&acme.token, "content-length: 1000\r\n").replace("acme/notes", "beta/notes"), "E_SCOPE_UNKNOWN"),
        (head(&acme.token, "content-length: 1000\r\n").replace("acme/notes", "acme/..%2fx"), "E_NAME"),
    ];
    for (head, code) in cases {
        // Not one byte of the body is ever sent.
        let reply = raw(world.at, head.as_bytes(), false).expect("an answer");
        assert_eq!(reply.code(), code, "{head}");
    }
}

#[test]
fn every_part_has_its_limit_while_it_is_read() {
    let world = World::with(|config| config.packages.archive = 50_000);
    let acme = world.publisher("acme");
    let large_meta = vec![b' '; publish::MAX_META + 1];
    let large_statement = vec![b' '; 16 * 1024 + 1];
    let large_archive = vec![0; 50_001];
    for (parts, code) in [
        ([("meta", &large_meta[..]), ("statement", b""), ("archive", b"")], "E_BODY_LIMIT"),
        ([("meta", b"{}"), ("statement", &large_statement), ("archive", b"")], "E_BODY_LIMIT"),
        ([("meta", b"{}"), ("statement", b"{}"), ("archive", &large_archive)], "E_TOO_BIG"),
    ] {
        let reply = world.publish(&acme.token, "acme/notes", "1.0.0", &parts);
        assert_eq!((reply.status, reply.code().as_str()), (413, code));
    }
    assert_eq!(tmp_files(&world), 0);
}

#[test]
fn a_client_that_sends_everything_first_still_reads_why_it_was_refused() {
    let world = World::new();
    let acme = world.publisher("acme");
    let body = vec![b'x'; 5 * 1024 * 1024];
    for (head, code) in [
        (head("skl_wrong", &format!("content-length: {}\r\n", body.len())), "E_TOKEN_INVALID"),
        (
            head(&acme.token, &format!("content-length: {}\r\n", body.len())).replace("acme/notes", "beta/notes"),
            "E_SCOPE_UNKNOWN",
        ),
    ] {
        let mut stream = connect(world.at);
        stream.write_all(head.as_bytes()).expect("sent");
        for piece in body.chunks(64 * 1024) {
            stream.write_all(piece).expect("the server reads on");
            std::thread::sleep(Duration::from_micros(200));
        }
        assert_eq!(read(&mut stream, false).expect("an answer").code(), code);
    }
}

#[test]
fn a_body_without_end_is_cut_off() {
    let world = World::new();
    let acme = world.publisher("acme");
    let mut stream = connect(world.at);
    stream.write_all(head(&acme.token, "transfer-encoding: chunked\r\n").as_bytes()).expect("sent");
    let start = b"--cut\r\ncontent-disposition: form-data; name=\"meta\"\r\n\r\n";
    let _ = stream.write_all(format!("{:x}\r\n", start.len()).as_bytes());
    let _ = stream.write_all(&[start.as_slice(), b"\r\n"].concat());
    let piece = [b"1000\r\n".as_slice(), &[b'x'; 4096], b"\r\n"].concat();
    let mut sent = 0;
    while sent < 100 * 1024 * 1024 && stream.write_all(&piece).is_ok() {
        sent += piece.len();
    }
    assert!(sent < 50 * 1024 * 1024, "the server read {sent} bytes");
    if let Some(reply) = read(&mut stream, false) {
        assert_eq!((reply.status, reply.code().as_str()), (413, "E_BODY_LIMIT"));
    }
}

#[test]
fn a_body_shorter_than_it_says_and_then_silence_is_given_up() {
    let world = World::new();
    let acme = world.publisher("acme");
    let started = Instant::now();
    let mut stream = connect(world.at);
    stream.write_all(head(&acme.token, "content-length: 1000\r\n").as_bytes()).expect("sent");
    stream.write_all(b"--cut\r\ncontent-disposition: form-data; name=\"meta\"\r\n").expect("sent");
    let reply = read(&mut stream, false).expect("an answer");
    assert_eq!((reply.status, reply.code().as_str()), (408, "E_BODY_TIMEOUT"));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(tmp_files(&world), 0);
}

#[test]
fn a_body_that_trickles_is_given_up_at_the_deadline() {
    let world = World::with(|config| config.limits.body_time = Duration::from_secs(1));
    let acme = world.publisher("acme");
    let mut stream = connect(world.at);
    stream.write_all(head(&acme.token, "content-length: 100000\r\n").as_bytes()).expect("sent");
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1_500) {
        let _ = stream.write_all(b"-");
        std::thread::sleep(Duration::from_millis(50));
    }
    let reply = read(&mut stream, false).expect("an answer");
    assert_eq!((reply.status, reply.code().as_str()), (408, "E_BODY_TIMEOUT"));
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let (_, body) = form(&parts(&envelope, &packed.archive));
    for cut in [1, body.len() / 2, body.len() - 8] {
        let mut stream = connect(world.at);
        let length = format!("content-length: {}\r\n", body.len());
        stream.write_all(head(&acme.token, &length).as_bytes()).expect("sent");
        stream.write_all(&body[..cut]).expect("sent");
        drop(stream);
    }
    crate::world::eventually("the end of all uploads", || tmp_files(&world) == 0);
    assert_eq!(world.get("/index/acme/notes").status, 404);
    assert_eq!(acme.send("acme/notes", "1.0.0", &envelope, &packed).status, 201);
}

#[test]
fn a_statement_of_the_wrong_form_is_refused_wherever_it_is_sent() {
    let world = World::new();
    let token = world.user("acme");
    let acme = Publisher::new(&world, "acme", &token);
    let path = "/api/skill/v1/scopes/acme";
    for bad in ["", "{}", "[]", "{\"payload\":\"\"}", " {}", "\u{feff}{}", "null"] {
        let reply = world.call(&token, "PUT", path, bad.as_bytes());
        assert_eq!(reply.code(), "E_ENVELOPE", "{bad:?}: {}", reply.text());
    }
    let large = vec![b' '; 16 * 1024 + 1];
    let reply = world.call(&token, "PUT", path, &large);
    assert_eq!((reply.status, reply.code().as_str()), (413, "E_BODY_LIMIT"));
    assert!(acme.chain().is_empty());
}

/// A change of an envelope's text.
type Change = fn(&str) -> String;

#[test]
fn an_envelope_that_is_not_exactly_its_own_form_is_refused_at_publish() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let good = String::from_utf8(acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed)).expect("JSON");
    let changes: [(&str, Change, &str); 8] = [
        ("white space", |text| text.replacen(':', ": ", 1), "E_ENVELOPE"),
        ("a line feed at the end", |text| format!("{text}\n"), "E_ENVELOPE"),
        ("base64url", |text| text.replace('+', "-").replace('/', "_"), "E_ENVELOPE"),
        ("no padding", |text| text.replace('=', ""), "E_ENVELOPE"),
        ("a number for the payload", |text| with_member(text, "payload", "1"), "E_ENVELOPE"),
        ("a signature of 63 bytes", |text| with_member(text, "sig", &format!("\"{}\"", "A".repeat(84))), "E_ENVELOPE"),
        ("R of small order", |text| with_member(text, "sig", &small_order()), "E_SIGNATURE"),
        ("another key id", |text| with_member(text, "keyid", &format!("\"{}\"", "0".repeat(64))), "E_KEY_UNKNOWN"),
    ];
    for (what, change, code) in changes {
        let bad = change(&good);
        assert_ne!(bad, good, "{what}");
        let reply = acme.send("acme/notes", "1.0.0", bad.as_bytes(), &packed);
        assert_eq!(reply.code(), code, "{what}: {}", reply.text());
    }
    assert_eq!(acme.send("acme/notes", "1.0.0", good.as_bytes(), &packed).status, 201);
}

/// The text with the first member of this name set to a value.
fn with_member(text: &str, name: &str, value: &str) -> String {
    let (before, rest) = text.split_once(&format!("\"{name}\":")).expect("the member");
    let end = rest.find([',', '}']).expect("an end");
    format!("{before}\"{name}\":{value}{}", &rest[end..])
}

/// A signature whose R is the neutral element and whose S is zero.
fn small_order() -> String {
    format!("\"AQ{}==\"", "A".repeat(84))
}
