//! What a kernel was found to take, and where the table says otherwise.
//!
//! `cargo xtask compare-targets --record` writes such a text: one topic a line, `topic: item, item`,
//! helpers as ranges of numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Feature, Release, call_since, map_since, program_since};
use crate::helper::{self, HelperDenial};
use crate::{AttachKind, Hook, MapKind, ProgramKind};

/// What a kernel takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Helpers by role. Roles are `type`, `type attach` or `type attach target`.
    pub helpers: BTreeMap<String, BTreeSet<u32>>,
    /// Map types by name.
    pub maps: BTreeSet<String>,
    /// Of the instructions that were asked: whether they are there.
    pub instructions: BTreeMap<String, bool>,
}

/// Helpers that kernels may lack although their release has them, and why.
const OPTIONAL: &[(&str, &str)] = &[
    (
        "bpf_probe_write_user",
        "locked-down kernels write no user memory",
    ),
    ("bpf_override_return", "needs CONFIG_BPF_KPROBE_OVERRIDE"),
];

const HELPERS: &str = "helpers of ";
const MAPS: &str = "maps";
const INSTRUCTIONS: &str = "instructions";
const LACKING: &str = "lacking instructions";

/// The role that a name stands for.
pub fn hook(role: &str) -> Option<Hook> {
    let mut words = role.split(' ').peekable();
    let kind = ProgramKind::from_name(words.next()?)?;
    let attach = words.peek().and_then(|word| AttachKind::from_name(word));
    if attach.is_some() {
        words.next();
    }
    Some(Hook {
        kind,
        attach,
        target: words.next().map(str::to_owned),
    })
}

impl Probe {
    /// Where the table says otherwise of this release.
    pub fn differences(&self, release: Release) -> Vec<String> {
        let mut differences = Vec::new();
        let mut judge = |what: String, since: Option<Release>, there: bool| {
            if since.is_some_and(|since| since <= release) != there {
                let since = since.map_or("never".to_owned(), |since| format!("since {since}"));
                let there = if there { "there" } else { "not there" };
                differences.push(format!("{what}: {since} by the table, but {there}"));
            }
        };
        for (role, there) in &self.helpers {
            let Some(hook) = hook(role).filter(|hook| is_known(hook, release)) else {
                continue;
            };
            for helper in &helper::ALL[1..] {
                // Kernels used to hide what sleeps from programs that do not.
                let hidden = helper.sleeps && hook.kind != ProgramKind::Syscall;
                if hidden || OPTIONAL.iter().any(|(name, _)| *name == helper.name) {
                    continue;
                }
                let denied = helper.permits(&hook, "GPL", true) == Err(HelperDenial::Callers);
                let since = call_since(helper.id, &hook).filter(|_| !denied);
                let what = format!("{role}: {}", helper.name);
                judge(what, since, there.contains(&helper.id));
            }
        }
        for kind in &MapKind::ALL[1..] {
            let there = self.maps.contains(kind.name());
            judge(format!("map {kind}"), map_since(*kind), there);
        }
        for (name, there) in &self.instructions {
            let mut rows = super::FEATURES.iter();
            let since = rows.find(|row| row.name == name).map(|row| row.since);
            judge(name.clone(), since, *there);
        }
        differences
    }

    /// Notes whether an instruction of a feature is taken.
    pub fn note_instruction(&mut self, feature: Feature, there: bool) {
        self.instructions
            .insert(feature.row().name.to_owned(), there);
    }

    /// Reads what `Display` wrote; `None` for any other text.
    pub fn from_text(text: &str) -> Option<Probe> {
        let mut probe = Probe::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (topic, items) = line.split_once(": ")?;
            let items = items.split(", ").map(str::to_owned);
            match topic {
                MAPS => probe.maps.extend(items),
                INSTRUCTIONS => probe.instructions.extend(items.map(|name| (name, true))),
                LACKING => probe.instructions.extend(items.map(|name| (name, false))),
                _ => {
                    let role = topic.strip_prefix(HELPERS)?;
                    let numbers = probe.helpers.entry(role.to_owned()).or_default();
                    for item in items {
                        let (first, last) = item.split_once('-').unwrap_or((&item, &item));
                        numbers.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
                    }
                }
            }
        }
        Some(probe)
    }
}

/// True if the release knows type and attach type; others it takes without looking.
fn is_known(hook: &Hook, release: Release) -> bool {
    let within = |since: Option<Release>| since.is_some_and(|since| since <= release);
    let attach = hook.attach.map(super::attach_since);
    within(program_since(hook.kind)) && attach.is_none_or(within)
}

/// Numbers as ranges: `1-3, 5`.
fn ranges(numbers: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let words = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (role, numbers) in &self.helpers {
            writeln!(f, "{HELPERS}{role}: {}", ranges(numbers))?;
        }
        let maps: Vec<&str> = self.maps.iter().map(String::as_str).collect();
        writeln!(f, "{MAPS}: {}", maps.join(", "))?;
        for (topic, wanted) in [(INSTRUCTIONS, true), (LACKING, false)] {
            let those = self
                .instructions
                .iter()
                .filter(|(_, there)| **there == wanted);
            let names: Vec<&str> = those.map(|(name, _)| name.as_str()).collect();
            if !names.is_empty() {
                writeln!(f, "{topic}: {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}
