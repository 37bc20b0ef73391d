//! Enough of the zip format (PKWARE APPNOTE 6.3) to tell an office document from any other zip file.

/// Bytes of the end record without its comment, and the most that a comment may have.
const END: usize = 22;
const MAX_COMMENT: usize = 0xffff;
/// Entries that are looked at: office documents have some hundred.
const MAX_ENTRIES: usize = 10_000;

/// Documents that are zip files and allowed as assets. Those with macros in them are programs and are not here.
const OFFICE: &[&str] = &["docx", "dotx", "xlsx", "xltx", "pptx", "potx", "ppsx"];
const OPEN_DOCUMENT: &[&str] = &["odt", "ott", "ods", "ots", "odp", "otp", "odg", "otg", "odf"];

/// Whether a reader would find a zip archive: at the start, or by the record at the end, behind whatever stands before it.
pub(super) fn is_zip(content: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|magic| content.starts_with(*magic))
        // The record has zeros in it, which a text has not: most files are passed over quickly.
        || (content.contains(&0) && end_record(content).is_some())
}

/// Whether it is an Office or OpenDocument file, by its extension and by what such a file must hold.
pub(super) fn is_office_document(path: &str, content: &[u8]) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    if OPEN_DOCUMENT.contains(&extension.as_str()) {
        // The first entry is called `mimetype`, stored as it is (OpenDocument 1.3, part 2, §3.3).
        return content.get(30..).is_some_and(|rest| rest.starts_with(b"mimetypeapplication/vnd.oasis.opendocument."));
    }
    OFFICE.contains(&extension.as_str())
        && content.starts_with(b"PK\x03\x04")
        && entries(content).any(|name| name == b"[Content_Types].xml")
}

/// The end record: the last one whose comment reaches exactly to the end of the file.
fn end_record(content: &[u8]) -> Option<&[u8]> {
    let first = content.len().saturating_sub(END + MAX_COMMENT);
    let last = content.len().checked_sub(END)?;
    (first..=last).rev().map(|at| &content[at..]).find(|record| {
        record.starts_with(b"PK\x05\x06")
            && usize::from(u16::from_le_bytes([record[20], record[21]])) + END == record.len()
    })
}

/// The names in the central directory.
fn entries(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let start = end_record(content).map_or(usize::MAX, |record| number(&record[16..20]));
    let mut rest = content.get(start..).unwrap_or_default();
    std::iter::from_fn(move || {
        if !rest.starts_with(b"PK\x01\x02") {
            return None;
        }
        let lengths = [28, 30, 32].map(|at| rest.get(at..at + 2).map_or(0, number));
        let name = rest.get(46..46 + lengths[0])?;
        rest = rest.get(46 + lengths.iter().sum::<usize>()..).unwrap_or_default();
        Some(name)
    })
    .take(MAX_ENTRIES)
}

/// A little-endian number.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |n, byte| n << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip file of stored, empty entries; only what the checks here read is right.
    fn zip(first: &[u8], names: &[&str]) -> Vec<u8> {
        let mut bytes = first.to_vec();
        let start = u32::try_from(bytes.len()).unwrap();
        for name in names {
            let mut header = [0; 46];
            header[..4].copy_from_slice(b"PK\x01\x02");
            header[28..30].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(&header);
            bytes.extend_from_slice(name.as_bytes());
        }
        let mut end = [0; END];
        end[..4].copy_from_slice(b"PK\x05\x06");
        end[16..20].copy_from_slice(&start.to_le_bytes());
        bytes.extend_from_slice(&end);
        bytes
    }

    #[test]
    fn office_documents_are_known_by_extension_and_contents() {
        let docx = zip(b"PK\x03\x04", &["_rels/.rels", "[Content_Types].xml", "word/document.xml"]);
        assert!(is_zip(&docx) && is_office_document("a/report.docx", &docx) && is_office_document("x.XLSX", &docx));
        assert!(!is_office_document("report.zip", &docx));
        assert!(!is_office_document("report.docm", &docx), "macros are programs");
        assert!(!is_office_document("report.docx", &zip(b"PK\x03\x04", &["run.sh"])));
        assert!(!is_office_document("docx", &docx));

        let odt = [&[b'P'; 30], b"mimetypeapplication/vnd.oasis.opendocument.text".as_slice()].concat();
        assert!(is_office_document("a.odt", &odt));
        assert!(!is_office_document("a.odt", &docx));
    }

    #[test]
    fn a_zip_behind_another_file_is_found() {
        let png = zip(b"\x89PNG\r\n\x1a\n", &["run.sh"]);
        assert!(is_zip(&png));
        let commented = {
            let mut bytes = png.clone();
            let end = bytes.len();
            bytes[end - 2..].copy_from_slice(&3_u16.to_le_bytes());
            [bytes.as_slice(), b"abc"].concat()
        };
        assert!(is_zip(&commented));
        assert!(!is_zip(&[png.as_slice(), b"more than the comment says"].concat()));
    }

    #[test]
    fn a_broken_directory_ends_the_search() {
        let mut broken = zip(b"PK\x03\x04", &["[Content_Types].xml"]);
        let end = broken.len();
        broken[end - 6..end - 2].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(!is_office_document("a.docx", &broken));
    }
}
