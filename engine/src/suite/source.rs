//! The text of a suite: strict JSON, where each value stands in it, and in which order its members were written.
//!
//! serde_json says whether the text is JSON and what its values are. What it does not say is kept here: places, for findings, and the
//! order and spelling of members, for writing the file again without loss.

use std::{collections::HashSet, ops::Range};

use serde_json::Value;
use skill_schema::{
    Fault, codes,
    lint::{Lines, Place},
};

use super::bounds::Bounds;

/// A JSON text that was read: its value, and where everything stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The text, without a byte-order mark.
    pub text: String,
    /// Its value.
    pub value: Value,
    /// Where its parts stand.
    pub root: Node,
}

/// One value of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// What it holds.
    pub kind: Kind,
}

/// What a value holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text, number, `true`, `false` or `null`.
    Scalar,
    /// A list.
    List(Vec<Node>),
    /// An object, its members in the order of the text.
    Map(Vec<(String, Node)>),
}

/// One step down into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A member of an object.
    Key(&'a str),
    /// An item of a list, from 0.
    Item(usize),
}

impl Node {
    /// The member of this name.
    pub fn member(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(members) => members.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            Kind::Scalar | Kind::List(_) => None,
        }
    }

    /// The items of a list; none for another value.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Scalar | Kind::Map(_) => &[],
        }
    }

    /// The value at the end of these steps, or the last one on the way that exists.
    pub fn at(&self, steps: &[Step<'_>]) -> &Self {
        let mut node = self;
        for step in steps {
            let next = match step {
                Step::Key(key) => node.member(key),
                Step::Item(n) => node.items().get(*n),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }
}

impl Source {
    /// Reads a JSON text within the limits.
    ///
    /// # Errors
    /// [`codes::SUITE`] with line and column: too large, not UTF-8, not JSON, too deep, a key that stands twice.
    pub fn parse(bytes: &[u8], limits: &Bounds) -> Result<Self, Fault> {
        if bytes.len() > limits.bytes {
            return Err(fault(format!("{} bytes of at most {}", bytes.len(), limits.bytes)));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| fault(format!("not UTF-8 at byte {}", e.valid_up_to())))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_json::from_str(text).map_err(|e| fault(e.to_string()))?;
        let mut reader = Reader { text, at: 0, depth: 0, limits };
        let root = reader.node()?;
        Ok(Self { text: text.to_owned(), value, root })
    }

    /// The place of a part of the text.
    pub fn place(&self, span: Range<usize>) -> Place {
        Lines::new(&self.text).place(span)
    }
}

fn fault(detail: String) -> Fault {
    Fault::new(codes::SUITE).detail(detail)
}

/// Walks over a text that is known to be JSON.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    limits: &'a Bounds,
}

impl Reader<'_> {
    fn node(&mut self) -> Result<Node, Fault> {
        self.space();
        let start = self.at;
        let kind = match self.peek() {
            b'{' => self.inside(start, Self::map)?,
            b'[' => self.inside(start, Self::list)?,
            b'"' => {
                self.string();
                Kind::Scalar
            }
            _ => {
                self.at += self.rest().bytes().take_while(|b| !b",]} \t\r\n".contains(b)).count();
                Kind::Scalar
            }
        };
        if matches!(kind, Kind::Scalar) && self.at - start > self.limits.text {
            let detail = format!("a text of {} bytes of at most {}", self.at - start, self.limits.text);
            return Err(self.fault_at(start, &detail));
        }
        Ok(Node { span: start..self.at, kind })
    }

    fn inside(&mut self, start: usize, read: fn(&mut Self) -> Result<Kind, Fault>) -> Result<Kind, Fault> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.fault_at(start, &format!("nested more than {} deep", self.limits.depth)));
        }
        self.at += 1;
        let kind = read(self)?;
        self.at += 1;
        self.depth -= 1;
        Ok(kind)
    }

    fn list(&mut self) -> Result<Kind, Fault> {
        let mut items = Vec::new();
        while self.more(b']') {
            items.push(self.node()?);
        }
        Ok(Kind::List(items))
    }

    fn map(&mut self) -> Result<Kind, Fault> {
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        while self.more(b'}') {
            let start = self.at;
            self.string();
            let key: String = serde_json::from_str(&self.text[start..self.at]).map_err(|e| fault(e.to_string()))?;
            if !seen.insert(key.clone()) {
                return Err(self.fault_at(start, &format!("the key `{key}` stands twice")));
            }
            self.space();
            self.at += 1;
            members.push((key, self.node()?));
        }
        Ok(Kind::Map(members))
    }

    /// Moves to the next member or item; `false` at the closing bracket.
    fn more(&mut self, close: u8) -> bool {
        self.space();
        if self.peek() == b',' {
            self.at += 1;
            self.space();
        }
        self.peek() != close
    }

    fn string(&mut self) {
        let mut escaped = false;
        let end = self.rest().bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        // The text is JSON, so that every text in it ends.
        self.at += end.map_or(self.rest().len(), |end| end + 2);
    }

    fn space(&mut self) {
        self.at += self.rest().bytes().take_while(|b| b" \t\r\n".contains(b)).count();
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn fault_at(&self, start: usize, detail: &str) -> Fault {
        let place = Lines::new(self.text).place(start..start + 1);
        fault(format!("{detail}, line {} column {}", place.line, place.column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Source, Fault> {
        Source::parse(text.as_bytes(), &Bounds::V1)
    }

    #[test]
    fn every_value_knows_where_it_stands() {
        let text = "\u{feff} {\"b\" : [1.50, \"a\\\"]}\", {}, []] ,\n \"a\":null}";
        let source = parse(text).unwrap();
        let slice = |steps: &[Step<'_>]| &source.text[source.root.at(steps).span.clone()];
        assert_eq!(slice(&[Step::Key("b"), Step::Item(0)]), "1.50");
        assert_eq!(slice(&[Step::Key("b"), Step::Item(1)]), r#""a\"]}""#);
        assert_eq!(slice(&[Step::Key("b"), Step::Item(2)]), "{}");
        assert_eq!(slice(&[Step::Key("a")]), "null");
        assert_eq!(slice(&[Step::Key("b"), Step::Item(9)]), r#"[1.50, "a\"]}", {}, []]"#);
        assert_eq!(source.place(source.root.at(&[Step::Key("a")]).span.clone()).line, 2);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_with_its_place() {
        let fault = parse("{\"a\": 1,\n  \"\\u0061\": 2}").unwrap_err();
        assert_eq!(fault.code, codes::SUITE);
        assert!(fault.detail.as_deref().unwrap().contains("`a` stands twice, line 2 column 3"), "{fault}");
        assert!(parse("[{\"a\": 1}, {\"a\": 1}]").is_ok());
    }

    #[test]
    fn limits_hold_at_both_sides() {
        let limits = Bounds { bytes: 20, depth: 2, text: 5, ..Bounds::V1 };
        let read = |text: &str| Source::parse(text.as_bytes(), &limits).map(|_| ());
        for good in ["[[1]]", "\"123\"", "[12345]", "[1,2,3,4,5,6,7,8,90]"] {
            assert_eq!(read(good), Ok(()), "{good}");
        }
        for bad in ["[[[1]]]", "\"1234\"", "[123456]", "[1,2,3,4,5,6,7,8,900]", "[[{}]]"] {
            assert_eq!(read(bad).unwrap_err().code, codes::SUITE, "{bad}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_and_never_crashes() {
        for bad in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "nul",
            "1 2",
            "\"\n\"",
            "'a'",
            "// c\n[]",
            "[1e999]",
            "\"\\ud800\"",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, codes::SUITE, "{bad}");
        }
        assert_eq!(Source::parse(b"\"\xff\"", &Bounds::V1).unwrap_err().code, codes::SUITE);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(&deep).unwrap_err().code, codes::SUITE);
    }
}
