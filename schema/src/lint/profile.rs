//! Which top-level keys are known: the specification's six, and the extensions of some agents.

/// The six keys of the Agent Skills specification.
pub const SPECIFIED: [&str; 6] = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];

/// Keys that Claude Code documents, and `version` and `tags`, which many of its skills carry.
const CLAUDE: &[&str] = &[
    "disable-model-invocation",
    "user-invocable",
    "argument-hint",
    "context",
    "agent",
    "model",
    "hooks",
    "version",
    "tags",
    "arguments",
    "disallowed-tools",
    "effort",
    "paths",
    "shell",
    "when_to_use",
];

/// Keys that OpenClaw documents.
const OPENCLAW: &[&str] = &[
    "homepage",
    "user-invocable",
    "disable-model-invocation",
    "command-dispatch",
    "command-tool",
    "command-arg-mode",
    "version",
];

/// Whose extensions of the specification count as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Nobody's: the specification alone.
    #[default]
    AgentSkills,
    /// Claude Code's.
    Claude,
    /// Codex's: its extensions stand in a file of their own (`agents/openai.yaml`), so the keys are the specification's.
    Codex,
    /// OpenClaw's: it also nests its settings under `metadata.openclaw`.
    OpenClaw,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 4] = [Self::AgentSkills, Self::Claude, Self::Codex, Self::OpenClaw];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AgentSkills => "agentskills",
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::OpenClaw => "openclaw",
        }
    }

    /// The profile of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }

    /// The extension keys it knows.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::AgentSkills | Self::Codex => &[],
            Self::Claude => CLAUDE,
            Self::OpenClaw => OPENCLAW,
        }
    }

    /// Whether a top-level key is known under this profile.
    pub fn knows(self, key: &str) -> bool {
        SPECIFIED.contains(&key) || self.extensions().contains(&key)
    }

    /// The profiles that know this key as an extension.
    pub fn of_key(key: &str) -> Vec<Self> {
        Self::ALL.into_iter().filter(|profile| profile.extensions().contains(&key)).collect()
    }

    /// Whether `allowed-tools` may be a list.
    pub fn allows_tool_lists(self) -> bool {
        self == Self::Claude
    }

    /// Whether the values of `metadata` may be nested.
    pub fn allows_nested_metadata(self) -> bool {
        self == Self::OpenClaw
    }
}
