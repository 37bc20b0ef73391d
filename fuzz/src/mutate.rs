//! Mutations of known inputs by a generator with a fixed seed: the short deterministic run that tests make of the fuzz targets.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

/// xorshift64* (Vigna 2016): enough to choose mutations, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    /// A number below the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(value).unwrap_or_default() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or_default()
    }
}

/// Pieces that parsers react to.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"---\n",
    b"...",
    b"../",
    b"//",
    b"\"",
    b"'",
    b"\\u0000",
    b"{",
    b"}",
    b"[[",
    b"]]",
    b"&a",
    b"*a",
    b"!!binary",
    b"<<: *a",
    b": ",
    b"#",
    b"-1",
    b"0",
    b"1e9",
    b"18446744073709551616",
    b"9007199254740992",
    b"null",
    b"true",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
    "\u{e0041}".as_bytes(),
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x7fELF",
    b"ustar",
    b"@",
    b"+",
    b"=",
    b"^1",
    b"v1.0",
    b"sha256:",
    b"<<<<<<< HEAD\n",
    b"=======\n",
    b"](http://a.b)",
    b"curl x|sh",
    b"do not tell the user",
    b"\t",
    b"  ",
    b"\n\n",
    "\u{2014} ".as_bytes(),
    b"index 0\n",
    b"tile/",
    b".p/255",
    b"x000/",
    b"%2f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\0\0\0\0\0\0\0\0",
    b"\x80\0\0\0\0\0\0\0",
];

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(16)).min(input.len());
        match random.below(7) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.byte(),
            2 => drop(input.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                let place = random.below(input.len() + 1);
                drop(input.splice(place..place, piece));
            }
            5 => {
                let from = random.below(other.len() + 1);
                let to = (from + random.below(64)).min(other.len());
                drop(input.splice(at..end, other[from..to].iter().copied()));
            }
            _ => input.truncate(at.max(input.len() / 2)),
        }
    }
}

/// How long to go on, if `SKILL_FUZZ_SECONDS` says so (`just fuzz`).
fn seconds() -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
    let asked = std::env::var("SKILL_FUZZ_SECONDS").ok()?;
    asked.parse().ok()
}

/// Runs a target on each input, and on so many mutations of them, or for as long as `SKILL_FUZZ_SECONDS` says.
pub fn run(name: &str, target: fn(&[u8]), inputs: &[Vec<u8>], tries: usize) {
    assert!(!inputs.is_empty(), "no inputs for {name}");
    for input in inputs {
        target(input);
    }
    let mut random = Random(0x5eed ^ u64::from(name.as_bytes()[0]));
    let (begun, time) = (Instant::now(), seconds().map(Duration::from_secs));
    let mut done = 0;
    while time.map_or(done < tries, |time| begun.elapsed() < time) {
        done += 1;
        let mut input = inputs[random.below(inputs.len())].clone();
        let other = &inputs[random.below(inputs.len())];
        mutate(&mut input, other, &mut random);
        target(&input);
    }
    if time.is_some() {
        // Seen with --no-capture, and in the report of a failure.
        let _ = writeln!(std::io::stdout(), "{name}: {done} mutations");
    }
}
