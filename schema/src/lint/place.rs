//! Byte offsets to lines and columns.

use std::ops::Range;

/// A place in a text, as people count: the first line and the first column are 1, and columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1. Lines end with LF.
    pub line: usize,
    /// The column, from 1, in characters (code points).
    pub column: usize,
    /// How many characters, up to the end of the line; at least 1.
    pub len: usize,
}

/// The line starts of a text, so that many offsets can be turned into places.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text. A byte-order mark belongs to no column.
    pub fn new(text: &'a str) -> Self {
        let mut starts = vec![if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }];
        starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1));
        Self { text, starts }
    }

    /// The place of a byte range. Offsets outside of the text or inside a character are moved to where a character starts.
    pub fn place(&self, range: Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(range.start);
        let end = self.text.floor_char_boundary(range.end).max(start);
        let row = self.starts.partition_point(|at| *at <= start).max(1);
        let line_start = self.starts[row - 1].min(start);
        let line_end = self.text[start..].find(['\r', '\n']).map_or(self.text.len(), |at| start + at);
        Place {
            line: row,
            column: self.text[line_start..start].chars().count() + 1,
            len: self.text[start..end.min(line_end)].chars().count().max(1),
        }
    }

    /// A place that was found in a text with the same lines but other columns, as far as it exists here: past the end of its line it
    /// becomes the whole line.
    pub fn clamp(&self, place: Place) -> Place {
        let line = self.text.split('\n').nth(place.line - 1).unwrap_or_default();
        let count = line.trim_end_matches('\r').trim_start_matches('\u{feff}').chars().count();
        if place.column > count {
            return Place { line: place.line, column: 1, len: count.max(1) };
        }
        Place { len: place.len.min(count - place.column + 1), ..place }
    }

    /// How many lines there are; a line feed at the end starts no further line.
    pub fn count(&self) -> usize {
        self.starts.len() - usize::from(self.text.is_empty() || self.text.ends_with('\n'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, range: Range<usize>) -> (usize, usize, usize) {
        let place = Lines::new(text).place(range);
        (place.line, place.column, place.len)
    }

    #[test]
    fn columns_are_characters_and_lines_start_at_one() {
        assert_eq!(place("abc", 0..3), (1, 1, 3));
        assert_eq!(place("ab\ncdé f\n", 3..8), (2, 1, 4));
        assert_eq!(place("éé x", 5..6), (1, 4, 1));
        assert_eq!(place("a\r\nb\r\n", 3..6), (2, 1, 1));
    }

    #[test]
    fn a_range_is_cut_at_the_end_of_its_line_and_never_empty() {
        assert_eq!(place("ab\ncd\n", 0..5), (1, 1, 2));
        assert_eq!(place("ab\ncd\n", 2..2), (1, 3, 1));
        assert_eq!(place("", 0..9), (1, 1, 1));
        assert_eq!(place("é", 1..9), (1, 1, 1));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        assert_eq!(place("\u{feff}---\nx", 3..6), (1, 1, 3));
        assert_eq!(place("\u{feff}---\nx", 0..6), (1, 1, 4));
    }

    #[test]
    fn a_place_past_the_end_of_a_line_is_the_whole_line() {
        let clamp = |column, len| {
            let place = Lines::new("\u{feff}abé\r\n\n").clamp(Place { line: 1, column, len });
            (place.column, place.len)
        };
        assert_eq!([clamp(1, 3), clamp(2, 9), clamp(3, 1), clamp(4, 1)], [(1, 3), (2, 2), (3, 1), (1, 3)]);
        assert_eq!(Lines::new("a\n\n").clamp(Place { line: 2, column: 5, len: 1 }).len, 1);
    }

    #[test]
    fn a_final_line_feed_starts_no_line() {
        for (text, count) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
            assert_eq!(Lines::new(text).count(), count, "{text:?}");
        }
    }
}
