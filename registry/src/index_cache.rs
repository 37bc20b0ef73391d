//! Index files in memory, compressed once: most reads are answered from here, and a matching `If-None-Match` before any database work.

use std::{
    io::Write,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::http::HeaderValue;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use moka::{ops::compute::Op, sync::Cache};
use skill_bundle::hash::sha256;
use skill_schema::Digest;

/// Files under this many bytes are not worth compressing.
const SMALLEST: usize = 512;

/// An index file as it is served.
#[derive(Debug)]
pub struct Entry {
    /// The file.
    pub plain: Bytes,
    /// The same compressed, if that is smaller; made for the first who takes it.
    gzip: OnceLock<Option<Bytes>>,
    /// `"<sha256>"`.
    pub etag: HeaderValue,
    /// `"<sha256>-gzip"`: another representation has another strong tag (RFC 9110 §8.8.3).
    pub gzip_etag: HeaderValue,
    /// Counts the changes of the file: a later one is never replaced by an earlier one.
    pub revision: i64,
}

impl Entry {
    /// An index file with its known digest.
    pub fn new(text: String, digest: &Digest, revision: i64) -> Self {
        Self {
            plain: Bytes::from(text),
            gzip: OnceLock::new(),
            etag: tag(digest, ""),
            gzip_etag: tag(digest, "-gzip"),
            revision,
        }
    }

    /// The file compressed, if that is worth it.
    pub fn gzip(&self) -> Option<&Bytes> {
        let worth = |gzip: &Bytes| gzip.len() < self.plain.len();
        let make = || if self.plain.len() < SMALLEST { None } else { gzip(&self.plain).filter(worth) };
        self.gzip.get_or_init(make).as_ref()
    }

    /// A file whose digest is not stored.
    pub fn hashed(text: String, revision: i64) -> Self {
        let digest = sha256(text.as_bytes());
        Self::new(text, &digest, revision)
    }
}

fn tag(digest: &Digest, suffix: &str) -> HeaderValue {
    // Hex digits and a fixed suffix are always a valid header.
    HeaderValue::from_str(&format!("\"{digest}{suffix}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(6));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// The cache, by path below `/index/`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct IndexCache {
    files: Cache<String, Arc<Entry>>,
    /// The earliest revision that may still be kept, where a change did not bring the new file with it.
    floors: Cache<String, i64>,
}

impl IndexCache {
    /// Keeps at most so many bytes, each file for at most this long.
    pub fn new(bytes: u64, age: Duration) -> Self {
        let weigh = |key: &String, entry: &Arc<Entry>| {
            // The compressed form comes later and is at most as large again.
            u32::try_from(key.len() + 2 * entry.plain.len() + 512).unwrap_or(u32::MAX)
        };
        Self {
            files: Cache::builder().max_capacity(bytes).time_to_live(age).weigher(weigh).build(),
            floors: Cache::builder().max_capacity(100_000).time_to_live(age).build(),
        }
    }

    /// A file.
    pub fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.files.get(key)
    }

    /// Keeps a file unless a later one is known, and answers the later of the two that are here.
    pub fn put(&self, key: &str, entry: Entry) -> Arc<Entry> {
        let entry = Arc::new(entry);
        let kept = self.files.entry_by_ref(key).and_compute_with(|present| match present {
            Some(present) if present.value().revision > entry.revision => Op::Nop,
            _ if self.floors.get(key).is_some_and(|floor| floor > entry.revision) => Op::Nop,
            _ => Op::Put(entry.clone()),
        });
        match kept.into_entry() {
            Some(kept) if kept.value().revision > entry.revision => kept.into_value(),
            _ => entry,
        }
    }

    /// Says that a file has changed: nothing before this revision is kept from now on.
    pub fn changed(&self, key: &str, revision: i64) {
        self.floors.insert(key.to_owned(), revision);
        self.files.entry_by_ref(key).and_compute_with(|present| match present {
            Some(present) if present.value().revision < revision => Op::Remove,
            _ => Op::Nop,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> IndexCache {
        IndexCache::new(1_000_000, Duration::from_mins(1))
    }

    #[test]
    fn a_slow_reader_does_not_bring_back_an_old_file() {
        let cache = cache();
        cache.put("a/b", Entry::hashed("new\n".to_owned(), 7));
        assert_eq!(cache.put("a/b", Entry::hashed("old\n".to_owned(), 6)).plain, "new\n");
        assert_eq!(cache.get("a/b").unwrap().plain, "new\n");
        cache.put("a/b", Entry::hashed("newer\n".to_owned(), 8));
        assert_eq!(cache.get("a/b").unwrap().plain, "newer\n");
        assert!(cache.get("a/c").is_none());
    }

    #[test]
    fn a_file_that_has_changed_is_read_again() {
        let cache = cache();
        cache.put("a", Entry::hashed("one\n".to_owned(), 1));
        cache.changed("a", 2);
        assert!(cache.get("a").is_none());
        assert_eq!(cache.put("a", Entry::hashed("one\n".to_owned(), 1)).plain, "one\n");
        assert!(cache.get("a").is_none());
        cache.put("a", Entry::hashed("one\ntwo\n".to_owned(), 2));
        cache.changed("a", 2);
        assert_eq!(cache.get("a").unwrap().plain, "one\ntwo\n");
    }

    #[test]
    fn the_two_representations_have_different_strong_tags() {
        let entry = Entry::hashed("line of an index\n".repeat(100), 1);
        assert_ne!(entry.etag, entry.gzip_etag);
        assert_eq!(entry.etag.to_str().unwrap().len(), 66);
        let gzip = entry.gzip().expect("repetitive");
        let mut plain = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(gzip.as_ref()), &mut plain).unwrap();
        assert_eq!(plain.as_bytes(), entry.plain);
        assert!(Entry::hashed("short\n".to_owned(), 1).gzip().is_none());
    }
}
