//! Streams of events (`text/event-stream`, WHATWG HTML §9.2): only their data, which is all that model servers use.

/// Bytes of one event at most: a token, or a provider's summary.
const MAX_EVENT: usize = 1024 * 1024;

/// Takes bytes as they arrive and gives the data of whole events.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Option<String>,
}

/// The stream is not as it must be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    /// An event of more than a megabyte.
    #[error("an event of more than {MAX_EVENT} bytes")]
    TooLong,
    /// Bytes that are no text.
    #[error("an event that is not UTF-8")]
    NotText,
}

impl Events {
    /// Takes the next bytes; returns the data of the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, Broken> {
        let mut complete = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() > MAX_EVENT {
                    return Err(Broken::TooLong);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if line.is_empty() {
                complete.extend(self.data.take());
            } else if let Some(value) = line.strip_prefix(b"data:") {
                self.add(value.strip_prefix(b" ").unwrap_or(value))?;
            }
        }
        Ok(complete)
    }

    fn add(&mut self, value: &[u8]) -> Result<(), Broken> {
        let value = std::str::from_utf8(value).map_err(|_| Broken::NotText)?;
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if data.len() + value.len() > MAX_EVENT => return Err(Broken::TooLong),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn events_end_with_an_empty_line() {
        let mut events = Events::default();
        let stream = ": hello\nevent: x\ndata: a\ndata:b\r\n\r\nid: 1\n\ndata: é\n\ndata: cut";
        let (one, two) = stream.as_bytes().split_at(stream.find('é').expect("there") + 1);
        let mut found = events.push(one).expect("good");
        found.extend(events.push(two).expect("good"));
        assert_eq!(found, ["a\nb", "é"]);
    }

    #[test]
    fn an_event_has_a_longest_length() {
        let line = |n: usize| format!("data:{}\n\n", "a".repeat(n));
        assert!(Events::default().push(line(MAX_EVENT - 5).as_bytes()).is_ok());
        assert_eq!(Events::default().push(line(MAX_EVENT - 4).as_bytes()), Err(Broken::TooLong));
        let many = "data:aaaaaaaa\n".repeat(MAX_EVENT / 8);
        assert_eq!(Events::default().push(many.as_bytes()), Err(Broken::TooLong));
        assert_eq!(Events::default().push(b"data:\xff\n"), Err(Broken::NotText));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_arrive(
            data in proptest::collection::vec("[^\r\n]{1,20}", 0..8),
            cuts in proptest::collection::vec(1usize..9, 0..60),
        ) {
            let stream: Vec<String> = data.iter().map(|data| format!("data: {data}\n\n")).collect();
    let stream = stream.concat();
            let (mut rest, mut events, mut found) = (stream.as_bytes(), Events::default(), Vec::new());
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                found.extend(events.push(now).expect("good"));
                rest = later;
            }
            found.extend(events.push(rest).expect("good"));
            prop_assert_eq!(found, data);
        }
    }
}
