//! Which paths may stand in a package: ASCII, relative, and the same file on every system.

use skill_schema::{Code, Fault, Limits, codes, name::is_windows_device};

/// Checks a path: encoding, absolute, parent, component, characters, hidden, edge, reserved, depth, in this order. The rules are about
/// the path as a whole: each is asked of all components before the next one.
pub fn check<'a>(path: &'a [u8], limits: &Limits) -> Result<&'a str, Fault> {
    let fault = |code: &'static Code| Fault::new(code).at(String::from_utf8_lossy(path));
    if path.is_empty() {
        return Err(Fault::new(codes::PATH_EMPTY));
    }
    if path.contains(&0) {
        return Err(fault(codes::PATH_NUL));
    }
    let text = std::str::from_utf8(path).map_err(|_| fault(codes::PATH_ENCODING))?;
    if text.starts_with('/') {
        return Err(fault(codes::PATH_ABSOLUTE));
    }
    let any = |test: &dyn Fn(&str) -> bool| text.split('/').any(test);
    if any(&|c| c == "..") {
        return Err(fault(codes::PATH_PARENT));
    }
    if any(&|c| c.is_empty() || c == "." || c.len() > limits.component) {
        return Err(fault(codes::PATH_COMPONENT));
    }
    if !text.bytes().all(|b| b == b'/' || is_allowed(b)) {
        return Err(fault(codes::PATH_CHARS));
    }
    if any(&|c| c.starts_with('.')) {
        return Err(fault(codes::PATH_HIDDEN));
    }
    if any(&|c| c.starts_with([' ', '-', '~']) || c.ends_with([' ', '.'])) {
        return Err(fault(codes::PATH_EDGE));
    }
    if any(&is_windows_device) {
        return Err(fault(codes::PATH_RESERVED));
    }
    if text.len() > limits.path || text.split('/').count() > limits.depth {
        return Err(fault(codes::PATH_DEPTH));
    }
    Ok(text)
}

/// `A-Za-z0-9._-+@=,#%()[]{}~!&$^` and space.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+@=,#%()[]{}~!&$^ ".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(path: &[u8]) -> Option<&'static Code> {
        check(path, &Limits::V1).err().map(|fault| fault.code)
    }

    #[test]
    fn ordinary_paths_are_accepted() {
        let deep = ["d"; 10].join("/");
        let long = ["x".repeat(79), "y".repeat(79), "z".repeat(80)].join("/");
        assert_eq!(long.len(), 240);
        for good in [
            "SKILL.md",
            "a b/c",
            "v1.2/[x]{y}(z)",
            "a~b",
            "a-b",
            "price$^&!,=@#%+.txt",
            "console.log",
            "com10",
            "a.b.c",
            &deep,
            &long,
            &"x".repeat(100),
        ] {
            assert_eq!(code(good.as_bytes()), None, "{good}");
        }
    }

    #[test]
    fn each_rule_has_its_code() {
        let deep = ["d"; 11].join("/");
        let long = ["x".repeat(79), "y".repeat(80), "z".repeat(80)].join("/");
        for (bad, expected) in [
            (b"".as_slice(), codes::PATH_EMPTY),
            (b"a\0b", codes::PATH_NUL),
            (b"a\xff", codes::PATH_ENCODING),
            (b"/etc/passwd", codes::PATH_ABSOLUTE),
            (b"..", codes::PATH_PARENT),
            (b"a/../b", codes::PATH_PARENT),
            (b"./a", codes::PATH_COMPONENT),
            (b"a//b", codes::PATH_COMPONENT),
            (b"a/", codes::PATH_COMPONENT),
            (&[b'x'; 101], codes::PATH_COMPONENT),
            (b"..\\a", codes::PATH_CHARS),
            (b"C:/a", codes::PATH_CHARS),
            (b"a:b", codes::PATH_CHARS),
            ("é".as_bytes(), codes::PATH_CHARS),
            (b"a\x1b[31m", codes::PATH_CHARS),
            (b"a\x7f", codes::PATH_CHARS),
            (b"a*", codes::PATH_CHARS),
            (b".git/config", codes::PATH_HIDDEN),
            (b"a/.x", codes::PATH_HIDDEN),
            (b"...", codes::PATH_HIDDEN),
            (b"a./b", codes::PATH_EDGE),
            (b"a ", codes::PATH_EDGE),
            (b" a", codes::PATH_EDGE),
            (b"-rf", codes::PATH_EDGE),
            (b"~", codes::PATH_EDGE),
            (b"a/CON", codes::PATH_RESERVED),
            (b"nul.txt", codes::PATH_RESERVED),
            (b"Lpt1.md", codes::PATH_RESERVED),
            (deep.as_bytes(), codes::PATH_DEPTH),
            (long.as_bytes(), codes::PATH_DEPTH),
        ] {
            assert_eq!(code(bad), Some(expected), "{:?}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn the_order_of_rules_does_not_depend_on_the_order_of_components() {
        assert_eq!(code(b"con/.git/.."), Some(codes::PATH_PARENT));
        assert_eq!(code(b"con/-a/.git"), Some(codes::PATH_HIDDEN));
    }
}
