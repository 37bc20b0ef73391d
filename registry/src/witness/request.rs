//! The body of `add-checkpoint`: the size that the log believes to be signed, the consistency proof from there, the checkpoint.
//!
//! ```text
//! old 20852014
//! PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
//!
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//! ```

use skill_bundle::log::{checkpoint::Signed, parse_hash, parse_number};
use skill_schema::Digest;

/// Hash lines at the most (C2SP tlog-witness).
const MAX_HASHES: usize = 63;

/// A request whose form is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The size of the checkpoint that the log believes to be signed last.
    pub old: u64,
    /// The consistency proof between the two.
    pub proof: Vec<Digest>,
    /// The checkpoint. Its signatures are not checked yet.
    pub signed: Signed,
}

impl Request {
    /// Reads a body; `None` if it is malformed.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(2).position(|two| two == b"\n\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split('\n');
        let old = parse_number(lines.next()?.strip_prefix("old ")?)?;
        let proof: Vec<Digest> = lines.map(parse_hash).collect::<Option<_>>()?;
        let signed = Signed::parse(&bytes[end + 2..]).ok()?;
        (proof.len() <= MAX_HASHES).then_some(Self { old, proof, signed })
    }
}

#[cfg(test)]
mod tests {
    use skill_bundle::{
        keys::SecretKey,
        log::{checkpoint::Checkpoint, hash_text},
        note::{Algorithm, VerifierKey},
    };

    use super::*;

    #[test]
    fn a_body_is_read_and_one_that_is_malformed_anywhere_is_not() {
        let secret = SecretKey::from_seed(&[1; 32]);
        let key = VerifierKey::new("a/log", Algorithm::Ed25519, secret.public()).unwrap();
        let signed = Signed::sign(Checkpoint::new("a/log", 7, Digest([9; 32])), &key, &secret).unwrap();
        let hash = hash_text(&Digest([3; 32]));
        let body = |head: &str| format!("{head}\n\n{signed}").into_bytes();
        let request = Request::parse(&body(&format!("old 5\n{hash}\n{hash}"))).unwrap();
        assert_eq!((request.old, request.proof.len(), &request.signed), (5, 2, &signed));
        assert!(Request::parse(&body("old 0")).unwrap().proof.is_empty());
        let lines = |n: usize| format!("old 5{}", format!("\n{hash}").repeat(n));
        assert!(Request::parse(&body(&lines(63))).is_some());
        for bad in [
            "",
            "old",
            "old ",
            "old 05",
            "old -1",
            "old x",
            "Old 5",
            "5",
            "old 5 ",
            "old 5\nAAAA",
            "old 5\r",
            &lines(64),
            &format!("old 5\n{hash} "),
            &format!("\nold 5\n{hash}"),
            &format!("old 5\n{}", &hash[1..]),
        ] {
            assert_eq!(Request::parse(&body(bad)), None, "{bad:?}");
        }
        assert_eq!(Request::parse(b"old 5\n\n"), None);
        assert_eq!(Request::parse(format!("old 5\n{signed}").as_bytes()), None);
        assert_eq!(Request::parse(b"\xff\n\n\xff"), None);
    }
}
