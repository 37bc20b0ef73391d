//! What a model is shown of a case: the prompt, and its input files as far as they are text.

use std::{fs, path::Path};

use crate::executor::Workplace;

/// Bytes of all input files that are shown in a prompt: about sixteen thousand tokens.
const MAX_SHOWN: usize = 64 << 10;

/// The prompt followed by the input files. A file that is not text, or does not fit, is named with its size.
pub(super) fn with_files(prompt: &str, inputs: &Path, files: &[String]) -> String {
    let mut text = prompt.to_owned();
    let mut room = MAX_SHOWN;
    for name in Workplace::names(files) {
        let content = fs::read(inputs.join(&name)).unwrap_or_default();
        let shown = std::str::from_utf8(&content).ok().filter(|shown| shown.len() <= room && !shown.contains('\0'));
        let content = if let Some(shown) = shown {
            room -= shown.len();
            format!(":\n{}", fenced(shown))
        } else {
            format!(": {} bytes, not shown", content.len())
        };
        text.extend(["\n\nFile ", &name, &content]);
    }
    text
}

/// The text between fences that are longer than any in it.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}\n{text}{end}{fence}")
}

/// The names of the input files, for a model that can read them itself.
pub(super) fn with_names(prompt: &str, files: &[String]) -> String {
    if files.is_empty() {
        return prompt.to_owned();
    }
    format!("{prompt}\n\nThe working folder holds:\n- {}", Workplace::names(files).join("\n- "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_and_anything_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.md"), "x ```` y").unwrap();
        fs::write(folder.path().join("b.bin"), [0xff, 0, 1]).unwrap();
        fs::write(folder.path().join("c.txt"), "z".repeat(MAX_SHOWN)).unwrap();
        let files = ["evals/files/b.bin", "evals/a.md", "c.txt"].map(str::to_owned);
        let text = with_files("Do it.", folder.path(), &files);
        let expected = "Do it.\n\nFile a.md:\n`````\nx ```` y\n`````\n\nFile b.bin: 3 bytes, not shown\n\nFile c.txt: 65536 bytes, not shown";
        assert_eq!(text, expected);
        assert_eq!(with_names("Do it.", &files[..2]), "Do it.\n\nThe working folder holds:\n- a.md\n- b.bin");
        assert_eq!(with_names("Do it.", &[]), "Do it.");
    }
}
