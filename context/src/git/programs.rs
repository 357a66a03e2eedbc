//! What a configuration can make git start: the settings that name a program, and the words that take it from them.
//!
//! `docs/decisions/0017-what-a-repository-makes-git-do.md` says for each setting what keeps it from its program here; the test
//! `every_setting_of_the_table_is_known` holds the two together.

/// Settings that name a program or a function of git's shell, in lower case; `*` stands for any name. From git-config(1) 2.55 and the
/// pages that it refers to.
const SETTINGS: &[&str] = &[
    "alias.*",
    "browser.*.cmd",
    "browser.*.path",
    "core.alternaterefscommand",
    "core.askpass",
    "core.editor",
    "core.fsmonitor",
    "core.gitproxy",
    "core.hookspath",
    "core.pager",
    "core.sshcommand",
    "credential.*.helper",
    "credential.helper",
    "diff.*.command",
    "diff.*.textconv",
    "diff.external",
    "difftool.*.cmd",
    "difftool.*.path",
    "filter.*.clean",
    "filter.*.process",
    "filter.*.smudge",
    "gc.recentobjectshook",
    "gpg.*.defaultkeycommand",
    "gpg.*.program",
    "gpg.program",
    "guitool.*.cmd",
    "help.browser",
    "hook.*.command",
    "imap.tunnel",
    "instaweb.browser",
    "instaweb.httpd",
    "interactive.difffilter",
    "man.*.cmd",
    "man.*.path",
    "merge.*.driver",
    "mergetool.*.cmd",
    "mergetool.*.path",
    "pager.*",
    "remote.*.receivepack",
    "remote.*.uploadpack",
    "remote.*.vcs",
    "sendemail.cccmd",
    "sendemail.headercmd",
    "sendemail.sendmailcmd",
    "sendemail.smtpserver",
    "sendemail.tocmd",
    "sequence.editor",
    "submodule.*.update",
    "tar.*.command",
    "trailer.*.cmd",
    "trailer.*.command",
    "uploadpack.packobjectshook",
    "web.browser",
];

/// A name of a setting, taken apart. Git prints section and variable in lower case and the name between them as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) section: &'a [u8],
    pub(super) between: Option<&'a [u8]>,
    pub(super) variable: &'a [u8],
}

impl<'a> Name<'a> {
    /// Takes `section.variable` or `section.NAME.variable` apart; the name may have dots.
    pub(super) fn of(setting: &'a [u8]) -> Self {
        let dot = |byte: &u8| *byte == b'.';
        let (section, rest) = match setting.iter().position(dot) {
            Some(at) => (setting.get(..at), setting.get(at + 1..)),
            None => (Some(setting), None),
        };
        let rest = rest.unwrap_or_default();
        let (between, variable) = match rest.iter().rposition(dot) {
            Some(at) => (rest.get(..at), rest.get(at + 1..).unwrap_or_default()),
            None => (None, rest),
        };
        Self { section: section.unwrap_or_default(), between, variable }
    }

    /// Whether the setting names a program.
    pub(super) fn is_program(&self) -> bool {
        SETTINGS.iter().any(|known| {
            let known = Name::of(known.as_bytes());
            let same = |one: &[u8], known: &[u8]| known == b"*" || one.eq_ignore_ascii_case(known);
            // `pager.log` and `alias.x` have their names at the end; newer ones may stand between.
            self.section.eq_ignore_ascii_case(known.section)
                && (known.variable == b"*"
                    || (same(self.variable, known.variable)
                        && self.between.is_some() == known.between.is_some()))
        })
    }

    /// What keeps a setting with a name of its own from starting its program: other values for it and its neighbours. Those without
    /// one are overridden for every run.
    pub(super) fn disarmed(&self) -> &'static [(&'static str, &'static str)] {
        match (self.section, self.between) {
            (b"filter", Some(_)) => &[("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")],
            (b"hook", Some(_)) => &[("enabled", "false")],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let parts = |setting: &'static str| {
            let name = Name::of(setting.as_bytes());
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(name.section), name.between.map(text), text(name.variable))
        };
        assert_eq!(parts("core.pager"), ("core".into(), None, "pager".into()));
        assert_eq!(parts("filter.a.b.clean"), ("filter".into(), Some("a.b".into()), "clean".into()));
        assert_eq!(parts("filter..clean"), ("filter".into(), Some(String::new()), "clean".into()));
        assert_eq!(parts("odd"), ("odd".into(), None, String::new()));
    }

    #[test]
    fn programs_are_recognised() {
        for setting in [
            "filter.x.clean",
            "alias.st",
            "pager.diff",
            "core.fsmonitor",
            "credential.helper",
            "hook.a.command",
        ] {
            assert!(Name::of(setting.as_bytes()).is_program(), "{setting}");
        }
        for setting in
            ["core.bare", "filter.x.required", "branch.main.merge", "user.name", "remote.origin.url"]
        {
            assert!(!Name::of(setting.as_bytes()).is_program(), "{setting}");
        }
    }

    #[test]
    fn every_setting_of_the_table_is_known() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/decisions/0017-what-a-repository-makes-git-do.md");
        let text = std::fs::read_to_string(path).unwrap();
        let table = text.split("\n## ").find(|part| part.starts_with("What can start a program")).unwrap();
        let mut told: Vec<String> = table
            .lines()
            .filter_map(|line| {
                line.strip_prefix("| setting | `")?.split('`').next().map(str::to_ascii_lowercase)
            })
            .collect();
        told.sort();
        assert_eq!(told, SETTINGS);
    }
}
