//! Frames on the socket between a program and its helper: four bytes of length, big-endian, and JSON.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

use serde::{Serialize, de::DeserializeOwned};

/// Bytes of the largest frame: a spec holds a command line, an environment and some paths.
const MAX_FRAME: usize = 4 << 20;

/// Writes one frame.
pub(super) fn write(mut socket: &UnixStream, value: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_vec(value)?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length as usize <= MAX_FRAME);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the command is too long"))?;
    socket.write_all(&length.to_be_bytes())?;
    socket.write_all(&json)
}

/// Reads one frame, and not a byte more.
pub(super) fn read<T: DeserializeOwned>(mut socket: &UnixStream) -> io::Result<T> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut json = vec![0; length];
    socket.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_one_by_one_and_a_long_one_is_refused() {
        let (a, b) = UnixStream::pair().unwrap();
        write(&a, &"one").unwrap();
        write(&a, &vec![2, 3]).unwrap();
        assert_eq!(read::<String>(&b).unwrap(), "one");
        assert_eq!(read::<Vec<i32>>(&b).unwrap(), [2, 3]);
        (&a).write_all(&u32::MAX.to_be_bytes()).unwrap();
        assert!(read::<String>(&b).is_err());
        drop(a);
        assert!(read::<String>(&b).is_err());
    }
}
