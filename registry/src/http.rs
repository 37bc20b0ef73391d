//! Conditional requests, ranges and content coding (RFC 9110), for the routes that serve files.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Whether a list of entity tags (`If-None-Match`) names this one, or everything. Compared weakly, as the header asks.
pub fn names_tag(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|list| {
        let tag = tag.as_bytes();
        list.as_bytes().split(|byte| *byte == b',').any(|item| {
            let item = item.trim_ascii();
            item == b"*" || item.strip_prefix(b"W/").unwrap_or(item) == tag
        })
    })
}

/// Whether the client takes gzip.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|item| {
            let (coding, quality) = item.split_once(';').unwrap_or((item, ""));
            let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
            matches!(coding.trim(), "gzip" | "x-gzip" | "*") && !refused
        })
    })
}

/// What a `Range` asks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// All of it.
    Whole,
    /// From this byte to that byte, both included.
    Part(u64, u64),
    /// Nothing that the file has.
    Outside,
}

/// Reads `Range` for a file of this length and tag. More than one range, another unit, a malformed header, or an `If-Range` that is
/// not exactly this tag ask for the whole file (RFC 9110 §13.1.5, §14.2).
pub fn asked(headers: &HeaderMap, length: u64, tag: &HeaderValue) -> Asked {
    let Some(range) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Asked::Whole };
    if headers.get(header::IF_RANGE).is_some_and(|condition| condition != tag) {
        return Asked::Whole;
    }
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|spec| spec.trim().split_once('-')) else {
        return Asked::Whole;
    };
    let number =
        |text: &str| -> Option<u64> { if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None } };
    match (first, last) {
        ("", suffix) => match number(suffix) {
            None => Asked::Whole,
            Some(0) => Asked::Outside,
            Some(_) if length == 0 => Asked::Outside,
            Some(count) => Asked::Part(length.saturating_sub(count), length - 1),
        },
        (first, "") => match number(first) {
            None => Asked::Whole,
            Some(first) if first >= length => Asked::Outside,
            Some(first) => Asked::Part(first, length - 1),
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first > last => Asked::Whole,
            (Some(first), Some(_)) if first >= length => Asked::Outside,
            (Some(first), Some(last)) => Asked::Part(first, last.min(length - 1)),
            _ => Asked::Whole,
        },
    }
}

/// Headers from fixed texts.
pub fn fixed<const N: usize>(pairs: [(HeaderName, &'static str); N]) -> HeaderMap {
    pairs.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn tags_are_found_in_lists() {
        let tag = HeaderValue::from_static("\"abc\"");
        for (list, found) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("*", true),
            ("\"abcd\"", false),
            ("abc", false),
            ("", false),
        ] {
            assert_eq!(names_tag(&with(header::IF_NONE_MATCH, list), &tag), found, "{list}");
        }
        assert!(!names_tag(&HeaderMap::new(), &tag));
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (value, takes) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("br", false),
            ("identity", false),
        ] {
            assert_eq!(takes_gzip(&with(header::ACCEPT_ENCODING, value)), takes, "{value}");
        }
    }

    #[test]
    fn one_range_inside_the_file_is_served() {
        let tag = HeaderValue::from_static("\"t\"");
        for (range, expected) in [
            ("bytes=0-0", Asked::Part(0, 0)),
            ("bytes=2-", Asked::Part(2, 9)),
            ("bytes=-3", Asked::Part(7, 9)),
            ("bytes=-99", Asked::Part(0, 9)),
            ("bytes=5-99", Asked::Part(5, 9)),
            ("bytes=10-", Asked::Outside),
            ("bytes=10-12", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=3-2", Asked::Whole),
            ("bytes=0-1,4-5", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes=-", Asked::Whole),
        ] {
            assert_eq!(asked(&with(header::RANGE, range), 10, &tag), expected, "{range}");
        }
        assert_eq!(asked(&with(header::RANGE, "bytes=0-"), 0, &tag), Asked::Outside);
    }

    #[test]
    fn a_range_of_another_version_of_the_file_gets_the_whole() {
        let tag = HeaderValue::from_static("\"t\"");
        let mut headers = with(header::RANGE, "bytes=4-");
        headers.insert(header::IF_RANGE, "\"t\"".parse().unwrap());
        assert_eq!(asked(&headers, 10, &tag), Asked::Part(4, 9));
        for other in ["\"u\"", "W/\"t\"", "Mon, 23 Nov 2026 05:00:00 GMT"] {
            headers.insert(header::IF_RANGE, other.parse().unwrap());
            assert_eq!(asked(&headers, 10, &tag), Asked::Whole, "{other}");
        }
    }
}
