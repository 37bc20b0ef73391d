//! Every bound on what a package may be, with its reason.

/// Limits of the archive profile `skill-archive/v1` and of what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Compressed bytes: what a registry stores and a client downloads for one version.
    pub archive: usize,
    /// Bytes of the tar after inflating: bounds memory, since a package is checked in memory.
    pub unpacked: usize,
    /// Bytes of one file: larger ones are data, not instructions.
    pub file: usize,
    /// Bytes of SKILL.md: an agent reads it whole.
    pub skill_md: usize,
    /// Bytes between the two fences of the frontmatter: bounds the YAML parser.
    pub frontmatter: usize,
    /// Files in a package.
    pub files: usize,
    /// Bytes of a path.
    pub path: usize,
    /// Bytes of one path component: what ustar's name field holds without a split.
    pub component: usize,
    /// Components of a path.
    pub depth: usize,
    /// Bytes of a line of text: longer ones are not reviewed.
    pub line: usize,
    /// Blank lines in a row at which the rest counts as hidden.
    pub blank_run: usize,
    /// Bytes of a statement's envelope.
    pub envelope: usize,
}

impl Limits {
    /// The limits of `skill-archive/v1`. A registry may announce smaller ones, never larger.
    pub const V1: Self = Self {
        archive: 10 * 1024 * 1024,
        unpacked: 32 * 1024 * 1024,
        file: 8 * 1024 * 1024,
        skill_md: 256 * 1024,
        frontmatter: 16 * 1024,
        files: 1_000,
        path: 240,
        component: 100,
        depth: 10,
        line: 64 * 1024,
        blank_run: 200,
        envelope: 16 * 1024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::V1
    }
}
