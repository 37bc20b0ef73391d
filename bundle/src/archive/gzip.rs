//! The gzip layer (RFC 1952): exactly one member, no optional fields, nothing after it.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use skill_schema::{Fault, Limits, codes};

/// Bytes of the only header that the profile allows: magic, deflate, no flags, no time, no hint, system unknown.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// CRC-32 and length, little endian.
const TRAILER: usize = 8;
/// The deflate level is part of what makes packing repeatable: the same files give the same bytes on every machine.
const LEVEL: u32 = 9;
/// Bytes inflated at a time once they are only counted.
const SCRATCH: usize = 16 * 1024;

/// Compresses a tar.
pub fn gzip(tar: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(tar.len() / 2 + 64);
    out.extend_from_slice(&HEADER);
    let mut deflate = Compress::new(Compression::new(LEVEL), false);
    loop {
        let done = consumed(deflate.total_in());
        let status = deflate.compress_vec(&tar[done..], &mut out, FlushCompress::Finish);
        match status.map_err(|e| Fault::new(codes::IO).detail(e.to_string()))? {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError => out.reserve(out.capacity().max(SCRATCH)),
        }
    }
    let mut crc = Crc::new();
    crc.update(tar);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    Ok(out)
}

/// Inflates a package into memory. Never holds more than `limits.unpacked` bytes of it, whatever the input claims.
pub fn gunzip(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Fault> {
    let body = check_header(bytes, limits)?;
    let (tar, crc, used) = inflate(body, limits)?;
    let Some((trailer, rest)) = body[used..].split_first_chunk::<TRAILER>() else {
        return Err(Fault::new(codes::TRUNCATED).detail("in the gzip checksum"));
    };
    let mut expected = [0; TRAILER];
    expected[..4].copy_from_slice(&crc.sum().to_le_bytes());
    expected[4..].copy_from_slice(&crc.amount().to_le_bytes());
    if *trailer != expected {
        return Err(Fault::new(codes::GZIP_CRC));
    }
    if !rest.is_empty() {
        return Err(Fault::new(codes::TRAILING).detail(format!("{} bytes", rest.len())));
    }
    Ok(tar)
}

/// Checks the ten bytes of the header and returns what follows it.
fn check_header<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a [u8], Fault> {
    if bytes.is_empty() {
        return Err(Fault::new(codes::EMPTY));
    }
    let magic = &HEADER[..3];
    if !bytes.starts_with(&magic[..magic.len().min(bytes.len())]) {
        return Err(Fault::new(codes::NOT_GZIP));
    }
    if bytes.len() > limits.archive {
        let detail = format!("{} bytes compressed, at most {} are allowed", bytes.len(), limits.archive);
        return Err(Fault::new(codes::TOO_BIG).detail(detail));
    }
    let Some((header, body)) = bytes.split_first_chunk::<10>() else {
        return Err(Fault::new(codes::TRUNCATED).detail("in the gzip header"));
    };
    if header[3..8] != [0; 5] {
        return Err(Fault::new(codes::GZIP_FLAGS));
    }
    Ok(body)
}

/// Inflates into a buffer as large as the length field at the end of the input says, within the limit; what does not fit is counted and
/// thrown away, since the length is then wrong or the limit is passed. Returns content, checksum and the bytes of input used.
fn inflate(body: &[u8], limits: &Limits) -> Result<(Vec<u8>, Crc, usize), Fault> {
    let claimed = body.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n));
    let capacity = usize::try_from(claimed).unwrap_or(usize::MAX).min(limits.unpacked);
    let mut tar = Vec::with_capacity(capacity);
    let mut scratch = [0; SCRATCH];
    let mut crc = Crc::new();
    let mut inflate = Decompress::new(false);
    loop {
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let input = &body[consumed(before_in)..];
        // The input ends with the stream at the latest: nothing after it may be missing.
        let status = if tar.len() < tar.capacity() {
            let start = tar.len();
            let status = inflate.decompress_vec(input, &mut tar, FlushDecompress::None);
            crc.update(&tar[start..]);
            status
        } else {
            let status = inflate.decompress(input, &mut scratch, FlushDecompress::None);
            crc.update(&scratch[..consumed(inflate.total_out() - before_out)]);
            status
        };
        if inflate.total_out() > limits.unpacked as u64 {
            return Err(Fault::new(codes::BOMB).detail(format!("more than {} bytes", limits.unpacked)));
        }
        match status {
            Err(e) => {
                let detail = e.message().unwrap_or("the compressed data is not valid").to_owned();
                return Err(Fault::new(codes::GZIP_CRC).detail(detail));
            }
            Ok(Status::StreamEnd) => return Ok((tar, crc, consumed(inflate.total_in()))),
            Ok(_) if inflate.total_in() == before_in && inflate.total_out() == before_out => {
                return Err(Fault::new(codes::TRUNCATED).detail("in the compressed data"));
            }
            Ok(_) => {}
        }
    }
}

/// A count that is bounded by the length of a slice.
fn consumed(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> Option<&'static skill_schema::Code> {
        gunzip(bytes, &Limits::V1).err().map(|fault| fault.code)
    }

    #[test]
    fn what_was_compressed_is_inflated() {
        for size in [0, 1, 511, 100_000, 1 << 20] {
            let data: Vec<u8> = (0..size).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let packed = gzip(&data).unwrap();
            assert_eq!(packed[..10], HEADER);
            assert_eq!(gunzip(&packed, &Limits::V1).unwrap(), data);
        }
    }

    #[test]
    fn every_prefix_is_truncated() {
        let packed = gzip(b"some text, some text, some text").unwrap();
        assert_eq!(code(&packed), None);
        for end in 1..packed.len() {
            assert_eq!(code(&packed[..end]), Some(codes::TRUNCATED), "{end}");
        }
        assert_eq!(code(b""), Some(codes::EMPTY));
    }

    #[test]
    fn the_limit_holds_at_both_sides_whatever_the_length_field_says() {
        let limits = Limits { unpacked: 1000, ..Limits::V1 };
        assert!(gunzip(&gzip(&[0; 1000]).unwrap(), &limits).is_ok());
        let mut bomb = gzip(&[0; 1001]).unwrap();
        assert_eq!(gunzip(&bomb, &limits).unwrap_err().code, codes::BOMB);
        let end = bomb.len();
        bomb[end - 4..].copy_from_slice(&5_u32.to_le_bytes());
        assert_eq!(gunzip(&bomb, &limits).unwrap_err().code, codes::BOMB);
    }

    #[test]
    fn a_wrong_length_or_checksum_is_damage() {
        let good = gzip(&[7; 5000]).unwrap();
        for (at, value) in [(1, 0), (4, 0), (5, 0), (8, 0), (1, 0xff), (4, 0xff)] {
            let mut bad = good.clone();
            let index = bad.len() - at;
            if bad[index] == value {
                continue;
            }
            bad[index] = value;
            assert_eq!(code(&bad), Some(codes::GZIP_CRC), "byte {at} from the end");
        }
        let mut bad = good.clone();
        bad[10] = 0b111; // A block of the reserved type.
        assert_eq!(code(&bad), Some(codes::GZIP_CRC));
    }

    #[test]
    fn the_header_is_fixed_but_for_hint_and_system() {
        let good = gzip(b"text").unwrap();
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            code(&bytes)
        };
        assert_eq!((with(8, 2), with(9, 3)), (None, None));
        assert_eq!(
            (with(0, 0), with(1, 0), with(2, 7)),
            (Some(codes::NOT_GZIP), Some(codes::NOT_GZIP), Some(codes::NOT_GZIP))
        );
        for at in 3..8 {
            assert_eq!(with(at, 1), Some(codes::GZIP_FLAGS), "{at}");
        }
    }

    #[test]
    fn nothing_may_follow_the_member() {
        let good = gzip(b"text").unwrap();
        assert_eq!(code(&[good.as_slice(), b"\0"].concat()), Some(codes::TRAILING));
        assert_eq!(code(&[good.as_slice(), good.as_slice()].concat()), Some(codes::TRAILING));
    }
}
