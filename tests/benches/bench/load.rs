//! A small HTTP/1.1 load generator: keep-alive connections, one request at a time on each, loopback only, bounded in count.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

/// Sends `total` requests for `paths` in turn over `connections` connections. Every response must have `status`.
pub fn run(
    addr: SocketAddr,
    paths: &[String],
    headers: &str,
    status: u16,
    connections: usize,
    total: u64,
) -> io::Result<()> {
    assert!(addr.ip().is_loopback(), "the generator talks to loopback only");
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| worker(addr, paths, headers, status, total, &next))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker panicked"))
    })
}

fn worker(
    addr: SocketAddr,
    paths: &[String],
    headers: &str,
    status: u16,
    total: u64,
    next: &AtomicU64,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= total {
            return Ok(());
        }
        let path = &paths[usize::try_from(n).unwrap_or(0) % paths.len()];
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {addr}\r\n{headers}\r\n")?;
        let got = read_response(&mut stream, &mut buffer)?;
        if got != status {
            return Err(io::Error::other(format!("{path}: status {got}, not {status}")));
        }
    }
}

/// Reads one response whose length `Content-Length` gives (or that has no body) and returns its status.
fn read_response(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<u16> {
    let mut filled = 0;
    loop {
        let n = stream.read(&mut buffer[filled..])?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += n;
        let Some(head) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
        let length: usize =
            text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
        let mut missing = (head + 4 + length).saturating_sub(filled);
        while missing > 0 {
            let room = missing.min(buffer.len());
            let n = stream.read(&mut buffer[..room])?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            missing -= n;
        }
        return Ok(status);
    }
}
